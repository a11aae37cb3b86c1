"""The JSON Schema of a plan, made from the records: `plan --json`, a saved plan and `build --json` say the same."""

import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any, Final

from seedpipe.limits import PLAN_FORMAT
from seedpipe.names import Realm
from seedpipe.plan import reasons
from seedpipe.plan.plan import STATE_SENTENCES, State

Schema = dict[str, Any]

SCHEMA_ID: Final = "urn:seedpipe:plan:1"
_MONEY: Final[Schema] = {"type": "string", "pattern": r"^[0-9]+\.[0-9]{2,6} [A-Z]{3}$"}
_DIGEST: Final[Schema] = {"type": "string", "pattern": "^sha256:[0-9a-f]{64}$"}
_TEXT: Final[Schema] = {"type": "string"}
_COUNT: Final[Schema] = {"type": "integer", "minimum": 0}
_FLAG: Final[Schema] = {"type": "boolean"}
_TEXTS: Final[Schema] = {"type": "array", "items": _TEXT}
_JSON_TYPES: Final[Mapping[type, Schema]] = {str: _TEXT, int: _COUNT, bool: _FLAG}


def plan_schema() -> Schema:
    """Draft 2020-12."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_ID,
        "title": "A plan of seedpipe",
        "description": "What a build would do, why, and for how much: `plan --json`, `plan -o FILE`.",
        **_object(
            {
                "seedpipe_plan": _said({"const": PLAN_FORMAT}, "Format of the plan."),
                "digest": _said(_DIGEST, "Over all values beside it, in canonical form: guards against edits."),
                "project": _said(_TEXT, "What the project is called."),
                "project_id": _said(_TEXT, "Under which ledger and store are found."),
                "realm": {"enum": [realm.value for realm in Realm]},
                "provider": _TEXT,
                "currency": _said({"type": "string", "pattern": "^[A-Z]{3}$"}, "ISO 4217."),
                "profile": _TEXT,
                "variables": _said({"type": "object", "additionalProperties": _TEXT}, "Given as `--var`."),
                "wish": {"$ref": "#/$defs/wish"},
                "resolved": _said(
                    {"type": "object", "additionalProperties": _TEXT}, "What the catalogue decided for this plan."
                ),
                "pictures": _said(_COUNT, "How many are bought at most."),
                "cost": {"$ref": "#/$defs/cost"},
                "directly": _said({"$ref": "#/$defs/cost"}, "Of what is new or changed itself, and more takes."),
                "by_cascade": _said({"$ref": "#/$defs/cost"}, "Of what follows from changed upstreams alone."),
                "time": {"$ref": "#/$defs/time"},
                "counts": _said(
                    {"type": "object", "propertyNames": {"$ref": "#/$defs/state"}, "additionalProperties": _COUNT},
                    "Nodes by state.",
                ),
                "changes": _said(_FLAG, "A build would buy, make or write something."),
                "hints": {"type": "array", "items": {"$ref": "#/$defs/hint"}},
                "nodes": {"type": "array", "items": {"$ref": "#/$defs/node"}},
                "by": {"$ref": "#/$defs/by"},
                "compared": {"$ref": "#/$defs/compared"},
            },
            optional=("project_id", "profile", "wish", "by", "compared"),
        ),
        "$defs": {
            "state": {"oneOf": [_said({"const": state.value}, STATE_SENTENCES[state]) for state in State]},
            "cost": _cost(),
            "time": _time(),
            "wish": _wish(),
            "request": _request(),
            "node": _node(),
            "hint": _hint(),
            "by": _by(),
            "compared": _compared(),
            "reason": {"oneOf": [_reason(kind) for kind in _reasons()]},
        },
    }


def _object(properties: Mapping[str, Schema], *, optional: typing.Collection[str] = ()) -> Schema:
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": dict(properties), "required": required, "additionalProperties": False}


def _said(schema: Schema, description: str) -> Schema:
    return {**schema, "description": description}


def _cost() -> Schema:
    return _object(
        {
            "low": _said(_MONEY, "Every request brings something, every batch only its first frame."),
            "expected": _said(_MONEY, "Batches bring what they usually do."),
            "high": _said(_MONEY, "All comes; it bounds every run without `--retry-unknown`."),
        }
    )


def _time() -> Schema:
    return _object(
        {
            "seconds": _said(_COUNT, "The forecast, rounded up."),
            "requests_at_once": _COUNT,
            "picture_seconds": _said(_COUNT, "The slowest picture's own time."),
            "from_pictures": _said(_COUNT, "How many pictures of the journal it is known from."),
            "by_catalogue": _said(_FLAG, "Some times are the catalogue's values."),
        }
    )


def _wish() -> Schema:
    return _object(
        {
            "targets": _said(_TEXTS, "As they were written; none means everything."),
            "excluded": _said(_TEXTS, "Addresses that are never bought."),
            "retry_unknown": _FLAG,
            "retry_blocked": _FLAG,
            "cascade": _FLAG,
            "through_gates": _FLAG,
        }
    )


def _request() -> Schema:
    identity = {
        "type": "string",
        "pattern": "^((sha256|recipe):[0-9a-f]{64}|from:.+)$",
        "description": "A picture by its identity, or `from:ADDRESS` for one that comes only in the build.",
    }
    pictures = {"type": "array", "items": identity}
    return {
        "type": "object",
        "description": "The document that the key is made over, with holes for pictures that aren't there yet.",
        "properties": {"seedpipe": _TEXT, "url": _TEXT, "references": pictures, "inputs": pictures},
        "required": ["seedpipe"],
    }


def _hint() -> Schema:
    return _object(
        {
            "code": {"const": "lettering"},
            "sentence": _TEXT,
            "entry": _TEXT,
            "axis": _TEXT,
            "pictures": _said(_COUNT, "Bought ones that differ only in what is lettered on them."),
            "bases": _said(_COUNT, "How many would be enough, with free text steps."),
            "cost": _MONEY,
            "instead": _MONEY,
        }
    )


def _by() -> Schema:
    group = {
        "value": _said({"type": ["string", "null"]}, "Null: pictures that have none."),
        "nodes": _COUNT,
        "pictures": _COUNT,
        "cost": {"$ref": "#/$defs/cost"},
    }
    told = {
        "by": _TEXT,
        "overlaps": _said(_FLAG, "A picture may stand in several groups."),
        "groups": {"type": "array", "items": _object(group)},
    }
    return _said(_object(told), "`plan --by`.")


def _compared() -> Schema:
    cannot = _object({"why": _TEXT, "pictures": _COUNT})
    model = {
        "model": _said(_TEXT, "Dated id."),
        "used": _said(_COUNT, "Pictures that the plan has made by it."),
        "pictures": _said(_COUNT, "How many it can make."),
        "of": _COUNT,
        "cost": {"$ref": "#/$defs/cost"},
        "time": {"oneOf": [{"$ref": "#/$defs/time"}, {"type": "null"}]},
        "cannot": {"type": "array", "items": cannot},
    }
    told = {
        "bought": _said(_FLAG, "False: nothing is to be bought; all pictures are compared, each made once."),
        "models": {"type": "array", "items": _object(model)},
    }
    return _said(_object(told), "`plan --compare-models`.")


def _node() -> Schema:
    """What is empty is left out."""
    optional = {
        "key": _said(_DIGEST, "The want key, or of a derived picture its recipe; absent while it can't be known."),
        "take": _said(_DIGEST, "The chosen picture, if it stays."),
        "model": _said(_TEXT, "Dated id."),
        "size": _said(_TEXT, "`WxH`, or a tier."),
        "came": _said(_TEXT, "Size of the picture that is there, where another one was asked for."),
        "fit": _said(_TEXT, "What the output is cut to."),
        "made_from": _said(_TEXTS, "Addresses, in order."),
        "output": _said(_TEXT, "Path of the file, relative to the project's folder."),
        "tags": _TEXTS,
        "axes": {"type": "object", "additionalProperties": _TEXT},
        "batch": _said(_TEXT, "Frames with the same one are bought by one request."),
        "beside": _said(_TEXTS, "Neighbours that a frame bought alone is shown."),
        "rolls": _said({"const": True}, "Its pictures come beside those that there are; the choice stays (`reroll`)."),
        "by_cascade": _said({"const": True}, "It is bought only because something upstream is another picture."),
        "named": _said({"const": True}, "A person wrote it down as a target."),
        "before": _said(_DIGEST, "Of the lock's entry, where there is work."),
        "request": {"$ref": "#/$defs/request"},
    }
    return _object(
        {
            "address": _TEXT,
            "kind": {"enum": ["source", "image", "frame", "derived"]},
            "state": {"$ref": "#/$defs/state"},
            "reasons": {"type": "array", "items": {"$ref": "#/$defs/reason"}},
            "cost": {"$ref": "#/$defs/cost"},
            "pictures": _said(_COUNT, "How many are bought."),
            "writes": _said(_FLAG, "Its output file will be written."),
            "position": _said(_TEXT, "Where it stands: file:line:column."),
            **optional,
        },
        optional=optional,
    )


def _reasons() -> Iterator[type[reasons.Reason]]:
    """Every kind of reason, in the order of their table."""
    for kind in vars(reasons).values():
        if isinstance(kind, type) and issubclass(kind, reasons.Reason) and kind is not reasons.Reason:
            yield kind


def _reason(kind: type[reasons.Reason]) -> Schema:
    hints = typing.get_type_hints(kind)
    told: dict[str, Schema] = {"code": {"const": kind.code}, "sentence": _TEXT}
    optional = []
    for item in fields(kind):
        schema, may_lack = _json_type(hints[item.name])
        told[item.name] = schema
        if may_lack:
            optional.append(item.name)
    return _object(told, optional=optional)


def _json_type(hint: Any) -> tuple[Schema, bool]:
    """The schema of a field of a reason, and whether it is left out where it is empty."""
    if typing.get_origin(hint) is types.UnionType:
        (inner,) = [part for part in typing.get_args(hint) if part is not type(None)]
        return _json_type(inner)[0], True
    if typing.get_origin(hint) is tuple:
        return {"type": "array", "items": _json_type(typing.get_args(hint)[0])[0]}, True
    return _JSON_TYPES[hint], False
