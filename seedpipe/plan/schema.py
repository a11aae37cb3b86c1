"""The JSON Schema of a plan, made from the records: `plan --json`, a saved plan and `build --json` say the same."""

import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any, Final

from seedpipe.limits import PLAN_FORMAT
from seedpipe.names import Realm
from seedpipe.plan import obstacles, reasons
from seedpipe.plan.plan import STATE_SENTENCES, State
from seedpipe.plan.reason import Reason
from seedpipe.plan.schema_documents import document_definitions
from seedpipe.plan.schema_parts import COUNT, DIALECT, DIGEST, FLAG, MONEY, TEXT, TEXTS, Schema, object_of, said

SCHEMA_ID: Final = "urn:seedpipe:plan:1"
_FEWER: Final = "Over the words for fewer pictures of counted sequences, while it isn't known how many come."
_JSON_TYPES: Final[Mapping[type, Schema]] = {str: TEXT, int: COUNT, bool: FLAG}


def plan_schema() -> Schema:
    """Draft 2020-12."""
    return {
        "$schema": DIALECT,
        "$id": SCHEMA_ID,
        "title": "A plan of seedpipe",
        "description": "What a build would do, why, and for how much: `plan --json`, `plan -o FILE`.",
        **object_of(
            {
                "seedpipe_plan": said({"const": PLAN_FORMAT}, "Format of the plan."),
                "digest": said(DIGEST, "Over all values beside it, in canonical form: guards against edits."),
                "project": said(TEXT, "What the project is called."),
                "project_id": said(TEXT, "Under which ledger and store are found."),
                "realm": {"enum": [realm.value for realm in Realm]},
                "provider": TEXT,
                "host": said(TEXT, "Where requests would go, if not to one of the provider's own addresses."),
                "currency": said({"type": "string", "pattern": "^[A-Z]{3}$"}, "ISO 4217."),
                "profile": TEXT,
                "variables": said({"type": "object", "additionalProperties": TEXT}, "Given as `--var`."),
                "wish": {"$ref": "#/$defs/wish"},
                "resolved": said(
                    {"type": "object", "additionalProperties": TEXT}, "What the catalogue decided for this plan."
                ),
                "pictures": said(COUNT, "How many are bought at most."),
                "cost": {"$ref": "#/$defs/cost"},
                "directly": said({"$ref": "#/$defs/cost"}, "Of what is new or changed itself, and more takes."),
                "by_cascade": said({"$ref": "#/$defs/cost"}, "Of what follows from changed upstreams alone."),
                "time": {"$ref": "#/$defs/time"},
                "counts": said(
                    {"type": "object", "propertyNames": {"$ref": "#/$defs/state"}, "additionalProperties": COUNT},
                    "Nodes by state.",
                ),
                "changes": said(FLAG, "A build would buy, make, fetch or write something."),
                "hints": {"type": "array", "items": {"$ref": "#/$defs/hint"}},
                "nodes": {"type": "array", "items": {"$ref": "#/$defs/node"}},
                "by": {"$ref": "#/$defs/by"},
                "compared": {"$ref": "#/$defs/compared"},
            },
            optional=("host", "project_id", "profile", "wish", "by", "compared"),
        ),
        "$defs": plan_definitions(),
    }


def plan_definitions() -> dict[str, Schema]:
    """What a plan is made of, for the schemas of answers that hold parts of one."""
    return {
        "state": {"oneOf": [said({"const": state.value}, STATE_SENTENCES[state]) for state in State]},
        "cost": _cost(),
        "time": _time(),
        "wish": _wish(),
        **document_definitions(),
        "node": _node(),
        "look": _look(),
        "hint": _hint(),
        "by": _by(),
        "compared": _compared(),
        "reason": {"oneOf": [_reason(kind) for kind in _reasons()]},
    }


def _cost() -> Schema:
    return object_of(
        {
            "low": said(MONEY, "Every request brings something, every batch only its first frame."),
            "expected": said(MONEY, "Batches bring what they usually do."),
            "high": said(MONEY, "All comes; it bounds every run without `--retry-unknown`."),
        }
    )


def _time() -> Schema:
    return object_of(
        {
            "seconds": said(COUNT, "The forecast, rounded up."),
            "requests_at_once": COUNT,
            "picture_seconds": said(COUNT, "The slowest picture's own time."),
            "from_pictures": said(COUNT, "How many pictures of the journal it is known from."),
            "by_catalogue": said(FLAG, "Some times are the catalogue's values."),
        }
    )


def _wish() -> Schema:
    return object_of(
        {
            "targets": said(TEXTS, "As they were written; none means everything."),
            "excluded": said(TEXTS, "Addresses that are never bought."),
            "retry_unknown": FLAG,
            "retry_blocked": FLAG,
            "cascade": FLAG,
            "through_gates": FLAG,
        }
    )


def _hint() -> Schema:
    return object_of(
        {
            "code": {"const": "lettering"},
            "sentence": TEXT,
            "entry": TEXT,
            "axis": TEXT,
            "pictures": said(COUNT, "Bought ones that differ only in what is lettered on them."),
            "bases": said(COUNT, "How many would be enough, with free text steps."),
            "cost": MONEY,
            "instead": MONEY,
        }
    )


def _by() -> Schema:
    group = {
        "value": said({"type": ["string", "null"]}, "Null: pictures that have none."),
        "nodes": COUNT,
        "pictures": COUNT,
        "cost": {"$ref": "#/$defs/cost"},
    }
    told = {
        "by": TEXT,
        "overlaps": said(FLAG, "A picture may stand in several groups."),
        "groups": {"type": "array", "items": object_of(group)},
    }
    return said(object_of(told), "`plan --by`.")


def _compared() -> Schema:
    cannot = object_of({"why": TEXT, "pictures": COUNT})
    model = {
        "model": said(TEXT, "Dated id."),
        "used": said(COUNT, "Pictures that the plan has made by it."),
        "pictures": said(COUNT, "How many it can make."),
        "of": COUNT,
        "cost": {"$ref": "#/$defs/cost"},
        "time": {"oneOf": [{"$ref": "#/$defs/time"}, {"type": "null"}]},
        "cannot": {"type": "array", "items": cannot},
    }
    told = {
        "bought": said(FLAG, "False: nothing is to be bought; all pictures are compared, each made once."),
        "models": {"type": "array", "items": object_of(model)},
    }
    return said(object_of(told), "`plan --compare-models`.")


def _node() -> Schema:
    """What is empty is left out."""
    optional = {
        "key": said(DIGEST, "The want key, or of a derived picture its recipe; absent while it can't be known."),
        "take": said(DIGEST, "The chosen picture, if it stays."),
        "model": said(TEXT, "Dated id."),
        "size": said(TEXT, "`WxH`, or a tier."),
        "came": said(TEXT, "Size of the picture that is there, where another one was asked for."),
        "fit": said(TEXT, "What the output is cut to."),
        "made_from": said(
            TEXTS, "Addresses, in order; of a glob over a counted sequence those that were made, or may be."
        ),
        "output": said(TEXT, "Path of the file, relative to the project's folder."),
        "tags": TEXTS,
        "axes": {"type": "object", "additionalProperties": TEXT},
        "batch": said(TEXT, "Frames with the same one are bought by one request."),
        "beside": said(TEXTS, "Neighbours that a frame bought alone is shown."),
        "rolls": said({"const": True}, "Its pictures come beside those that there are; the choice stays (`reroll`)."),
        "by_cascade": said({"const": True}, "It is bought only because something upstream is another picture."),
        "named": said({"const": True}, "A person wrote it down as a target."),
        "takes": said(COUNT, "Of an image that is bought: how many takes there are to be."),
        "before": said(DIGEST, "Of the lock's entry, where there is work."),
        "request": {"$ref": "#/$defs/request"},
        "fewer": said(DIGEST, _FEWER),
        "look": said(TEXT, "Of a picture with looks, the one that it is: `key`, `request` and `take` are of it."),
        "looks": said(
            {"type": "array", "items": {"$ref": "#/$defs/look"}},
            "All of them; `pictures` and `cost` are of all together.",
        ),
    }
    return object_of(
        {
            "address": TEXT,
            "kind": {"enum": ["source", "image", "frame", "derived"]},
            "state": {"$ref": "#/$defs/state"},
            "reasons": {"type": "array", "items": {"$ref": "#/$defs/reason"}},
            "cost": {"$ref": "#/$defs/cost"},
            "pictures": said(COUNT, "How many are bought."),
            "writes": said(FLAG, "Its output file will be written."),
            "position": said(TEXT, "Where it stands: file:line:column."),
            **optional,
        },
        optional=optional,
    )


def _look() -> Schema:
    """What is empty is left out."""
    optional = {
        "key": said(DIGEST, "The want key of this look; absent while it can't be known."),
        "model": said(TEXT, "Dated id."),
        "size": said(TEXT, "`WxH`, or a tier."),
        "request": {"$ref": "#/$defs/request"},
        "fewer": said(DIGEST, _FEWER),
    }
    told = {"name": TEXT, "pictures": COUNT, "cost": {"$ref": "#/$defs/cost"}}
    return said(object_of({**told, **optional}, optional=optional), "A candidate of one picture, made with other vars.")


def _reasons() -> Iterator[type[Reason]]:
    """Every kind of reason, in the order of their tables."""
    for kind in (*vars(reasons).values(), *vars(obstacles).values()):
        if isinstance(kind, type) and issubclass(kind, Reason) and kind is not Reason:
            yield kind


def _reason(kind: type[Reason]) -> Schema:
    hints = typing.get_type_hints(kind)
    told: dict[str, Schema] = {"code": {"const": kind.code}, "sentence": TEXT}
    optional = []
    for item in fields(kind):
        schema, may_lack = _json_type(hints[item.name])
        told[item.name] = schema
        if may_lack:
            optional.append(item.name)
    return object_of(told, optional=optional)


def _json_type(hint: Any) -> tuple[Schema, bool]:
    """The schema of a field of a reason, and whether it is left out where it is empty."""
    if typing.get_origin(hint) is types.UnionType:
        (inner,) = [part for part in typing.get_args(hint) if part is not type(None)]
        return _json_type(inner)[0], True
    if typing.get_origin(hint) is tuple:
        return {"type": "array", "items": _json_type(typing.get_args(hint)[0])[0]}, True
    return _JSON_TYPES[hint], False
