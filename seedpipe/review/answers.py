"""JSON Schemas of all answers that verbs give with `--json`, by name: one file each in `schemas/`."""

from collections.abc import Callable, Mapping
from typing import Final

from seedpipe.catalogue.model import ModelStatus
from seedpipe.errors import Severity
from seedpipe.names import Realm
from seedpipe.plan.answers import (
    decided_body,
    decided_schema,
    diff_schema,
    lock_definitions,
    migration_schema,
    takes_schema,
    upgrade_schema,
)
from seedpipe.plan.schema import plan_definitions, plan_schema
from seedpipe.plan.schema_parts import (
    AMOUNT,
    COUNT,
    FLAG,
    MONEY,
    TEXT,
    TEXTS,
    TIME,
    Schema,
    answer,
    list_of,
    map_of,
    object_of,
    one_of,
    or_null,
    ref,
    said,
)
from seedpipe.review.faults import CHECK_FORMAT
from seedpipe.review.graphs import GRAPH_FORMAT
from seedpipe.review.ledger_answers import reconcile_schema, spend_schema
from seedpipe.state.lock import Level
from seedpipe.state.merge import Side
from seedpipe.state.requests import RequestState, Word


def check_schema() -> Schema:
    optional = {
        "hint": TEXT,
        "file": TEXT,
        "line": said(COUNT, "From 1."),
        "column": said(COUNT, "From 1."),
        "address": TEXT,
    }
    fault = {"code": TEXT, "severity": one_of(Severity), "message": TEXT, **optional}
    body = {"errors": COUNT, "warnings": COUNT, "faults": list_of(object_of(fault, optional=optional))}
    return answer("check", "What is wrong with a project", "`check --json`.", body, version=CHECK_FORMAT)


def graph_schema() -> Schema:
    node = {
        "address": TEXT,
        "kind": TEXT,
        "state": ref("state"),
        "cost": ref("cost"),
        "position": said(TEXT, "file:line:column."),
    }
    edge = {"from": TEXT, "to": TEXT, "image": said(COUNT, "Which image of the prompt it is, from 1.")}
    body = {"nodes": list_of(object_of(node)), "edges": list_of(object_of(edge, optional=["image"]))}
    return answer(
        "graph",
        "How pictures hang together",
        "`graph --json`.",
        body,
        version=GRAPH_FORMAT,
        definitions=plan_definitions(),
    )


def status_schema() -> Schema:
    uncertain = {
        "address": TEXT,
        "since": TIME,
        "cost": said(MONEY, "What may have been charged."),
        "why": or_null(TEXT),
        "request": TEXT,
        "request_id": said(or_null(TEXT), "The service's own."),
        "client_request_id": said(or_null(TEXT), "What was sent along, where the service writes it down."),
    }
    body = {
        "project": TEXT,
        "realm": one_of(Realm),
        "counts": {"type": "object", "propertyNames": ref("state"), "additionalProperties": COUNT},
        "states": said(map_of(ref("state")), "By address."),
        "looks": said(map_of(TEXT), "Of pictures with several looks, which one each is, by address."),
        "outputs": said(TEXT, "Folder of the output files."),
        "spent": said(or_null(MONEY), "Null: nothing was ever built, or these are proofs."),
        "uncertain": list_of(object_of(uncertain)),
        "orphans": said(TEXTS, "In the lock, no longer in the manifest."),
    }
    return answer("status", "What is there", "`status --json`.", body, definitions=plan_definitions())


def explain_schema() -> Schema:
    definitions = plan_definitions()
    sides = {"type": "array", "items": {"type": "number"}, "minItems": 4, "maxItems": 4}
    optional = {"box": sides, "normalized": sides}
    layer = {"z_index": {"type": "integer"}, "name": TEXT, "description": TEXT, **optional}
    node = definitions["node"]
    node["properties"]["layer"] = said(object_of(layer, optional=optional), "What the service said of a layer.")
    told = {"who": said(TEXT, "Who decided so."), "at": said(TEXT, "When, UTC."), "note": said(TEXT, "Why.")}
    choice = object_of({"level": one_of(Level), **told}, optional=told)
    node["properties"]["choice"] = said(choice, "How the chosen take was chosen.")
    return answer(
        "explain",
        "Everything about pictures",
        "`explain --json`: of each picture what a plan says of it.",
        {"nodes": list_of(ref("node"))},
        definitions=definitions,
    )


def build_schema() -> Schema:
    left = {"pictures": COUNT, "cost": ref("cost"), "left": said(TEXTS, "Addresses.")}
    frozen = said(object_of(left), "Of `--frozen`: what it left to buy; with any, the exit code is 3.")
    body = {**_built(), "frozen": frozen}
    return answer("build", "A build", "`build --json`.", body, optional=["frozen"], definitions=_plan_whole())


def reroll_schema() -> Schema:
    body = {**_built(), "kept": said(TEXTS, "Sentences about choices that stay."), **decided_body()}
    definitions = _plan_whole() | lock_definitions()
    return answer("reroll", "Pictures rolled again", "`reroll --json`.", body, definitions=definitions)


def _plan_whole() -> dict[str, Schema]:
    plan = plan_schema()
    definitions: dict[str, Schema] = plan.pop("$defs")
    return definitions | {"plan": {name: value for name, value in plan.items() if name not in ("$schema", "$id")}}


def _built() -> dict[str, Schema]:
    """The plan, and what came of it."""
    seconds = {"type": "number", "minimum": 0}
    outcome = {"type": "array", "prefixItems": [TEXT, COUNT], "minItems": 2, "maxItems": 2}
    result = {
        "event": {"const": "build_finished"},
        "at": said(seconds, "Since the build began."),
        "counts": said(list_of(outcome), "Nodes by outcome: pairs of outcome and number."),
        "bought": COUNT,
        "spent": MONEY,
        "uncertain": MONEY,
        "seconds": seconds,
        "exit_code": COUNT,
    }
    return {"plan": ref("plan"), "result": object_of(result)}


def resolve_schema() -> Schema:
    held = {
        "request": TEXT,
        "addresses": TEXTS,
        "look": said(TEXT, "Of a picture with several looks: which one was asked for."),
        "state": one_of(RequestState),
        "needs_a_person": FLAG,
        "since": TIME,
        "sent_by": TEXT,
        "model": TEXT,
        "provider": TEXT,
        "pictures": COUNT,
        "kept": COUNT,
        "why": or_null(TEXT),
        "certain": said(MONEY, "What was charged for sure."),
        "possible": said(MONEY, "What may have been charged besides."),
        "reserved": MONEY,
        "request_id": or_null(TEXT),
        "client_request_id": or_null(TEXT),
        "fetched_for_nothing_until": or_null(TEXT),
    }
    resolved = {
        "request": TEXT,
        "addresses": TEXTS,
        "word": one_of(Word),
        "charge": or_null(MONEY),
        "who": TEXT,
        "at": TIME,
        "note": or_null(TEXT),
        "states": said(map_of(or_null(ref("state"))), "By address, as a plan has them now."),
    }
    bodies: list[dict[str, Schema]] = [
        {"held": said(list_of(object_of(held, optional=["look"])), "What is uncertain or under way.")},
        {"resolved": said(list_of(object_of(resolved)), "What was written down."), "uncertain": COUNT},
    ]
    return answer("resolve", "Uncertain charges", "`resolve --json`.", bodies, definitions=plan_definitions())


def doctor_schema() -> Schema:
    optional = {"subject": said(TEXT, "Which of several: a model, a provider."), "hint": TEXT, "request_id": TEXT}
    entry = {"check": TEXT, "finding": {"enum": ["ok", "warning", "fault", "skipped"]}, "message": TEXT, **optional}
    body = {"ok": FLAG, "checks": list_of(object_of(entry, optional=optional))}
    return answer("doctor", "The set-up, checked", "`doctor --json`.", body)


def models_schema() -> Schema:
    ends = object_of({"min": COUNT, "max": COUNT})
    ratios = object_of({"min": TEXT, "max": TEXT})
    references = {"max": COUNT, "total": COUNT, "formats": TEXTS, "max_bytes": or_null(COUNT)}
    model = {
        "id": said(TEXT, "Dated id."),
        "name": said(TEXT, "What one writes in a manifest."),
        "title": TEXT,
        "status": one_of(ModelStatus),
        "released": or_null(TEXT),
        "aliases": TEXTS,
        "wire": said(TEXT, "What the provider calls it."),
        "price": said(or_null(_price()), "Null: not known."),
        "tiers": TEXTS,
        "sizes": said(map_of(map_of(TEXT)), "Tier → aspect → `WxH`."),
        "default_size": or_null(TEXT),
        "pixels": ends,
        "aspect": ratios,
        "formats": TEXTS,
        "modes": TEXTS,
        "optimize_prompt": TEXTS,
        "features": TEXTS,
        "references": object_of(references),
        "prompt": object_of({"words": or_null(COUNT), "characters": or_null(COUNT)}),
        "seconds_per_image": {"type": "number"},
        "images_per_minute": or_null(COUNT),
        "notes": TEXTS,
    }
    provider = {
        "id": TEXT,
        "title": TEXT,
        "base_url": TEXT,
        "key_variables": TEXTS,
        "discount": or_null(object_of({"percent": COUNT, "by": TEXT})),
        "free_images": or_null(COUNT),
        "notes": TEXTS,
        "models": list_of(object_of(model)),
    }
    return answer(
        "models", "What models can do and cost", "`models --json`.", {"providers": list_of(object_of(provider))}
    )


def _price() -> Schema:
    optional = {
        "above": said(object_of({"pixels": COUNT, "image": AMOUNT}), "From how many pixels on another amount holds."),
        "further_input": AMOUNT,
        "layer": AMOUNT,
        "layer_above": AMOUNT,
        "estimate": said(TEXT, "In another currency, never counted on."),
        "date": TEXT,
        "source": TEXT,
    }
    return object_of({"currency": TEXT, "image": AMOUNT, **optional}, optional=optional)


def lock_merge_schema() -> Schema:
    lock = {
        "lock": said(TEXT, "The file."),
        "disputes": said(TEXTS, "Addresses of which two people chose different pictures."),
        "remarks": TEXTS,
        "preferred": said(or_null(one_of(Side)), "Whose word was taken."),
    }
    return answer("lock-merge", "A merged lock", "`lock merge --json`.", {"locks": list_of(object_of(lock))})


def lock_prune_schema() -> Schema:
    body = {
        "would_prune": said(TEXTS, "Lines whose pictures left the manifest."),
        "kept": said(TEXTS, "Decided by a person: they go only when they are named."),
        "unnamed": said(TEXTS, "Takes that no other line names; they stay in the store."),
    }
    description = "`lock prune --json` where nothing was taken out; else it is what `decided` says."
    return answer("lock-prune", "What a prune would take out", description, body)


ANSWERS: Final[Mapping[str, Callable[[], Schema]]] = {
    "check": check_schema,
    "plan": plan_schema,
    "build": build_schema,
    "status": status_schema,
    "explain": explain_schema,
    "takes": takes_schema,
    "decided": decided_schema,
    "reroll": reroll_schema,
    "upgrade": upgrade_schema,
    "diff": diff_schema,
    "graph": graph_schema,
    "lock-merge": lock_merge_schema,
    "lock-prune": lock_prune_schema,
    "resolve": resolve_schema,
    "spend": spend_schema,
    "reconcile": reconcile_schema,
    "models": models_schema,
    "migration": migration_schema,
    "doctor": doctor_schema,
}
