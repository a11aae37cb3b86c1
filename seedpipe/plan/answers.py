"""JSON Schemas of the answers about people's choices and about changes: what `--json` of these verbs prints."""

from collections.abc import Mapping
from typing import Final

from seedpipe.limits import DECISION_FORMAT
from seedpipe.plan import diff, moved
from seedpipe.plan.schema import plan_definitions
from seedpipe.plan.schema_documents import asked_in_the_lock
from seedpipe.plan.schema_parts import (
    COUNT,
    DIGEST,
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
from seedpipe.state.decisions import Verb
from seedpipe.state.lock import Level

_NO_DECISION: Final = "Null: nobody decided it."
_LOOK: Final = said(TEXT, "Of a picture with several looks: which one.")


def lock_definitions() -> dict[str, Schema]:
    """Lines of the lock, and the decisions that changed them."""
    made_optional = {"cost": MONEY, "request_id": TEXT, "adopted_by": said(TEXT, "Who brought it; nothing was bought.")}
    made = {"request": DIGEST, "model": TEXT, "provider": TEXT, "size": said(TEXT, "`WxH`."), "at": TIME}
    output = {"output": said(DIGEST, "Of the output file, where it isn't the take itself.")}
    image_optional = {**output, "finish": map_of(TEXT), "also": said(map_of(list_of(DIGEST)), "Takes of other wants.")}
    image_optional["look"] = _LOOK
    image = {
        "want": DIGEST,
        "own": said(DIGEST, "The want without the pictures that are made elsewhere."),
        "take": said(DIGEST, "The chosen picture."),
        "level": one_of(Level),
        "made": ref("made"),
        "asked": asked_in_the_lock(),
        "takes": said(list_of(DIGEST), "All of this want."),
    }
    derived = {"recipe": DIGEST, "take": DIGEST, **output}
    source = {"source": DIGEST, "pixels": DIGEST, "url": TEXT}
    value = [object_of({**image, **image_optional}, optional=image_optional), object_of(derived, optional=output)]
    value += [object_of(source, optional=["url"]), said(TEXT, "What the catalogue decided."), {"type": "null"}]
    lines = {"before": ref("line"), "after": ref("line")}
    return {
        "made": object_of({**made, **made_optional}, optional=made_optional),
        "line": said({"oneOf": value}, "What stands in the lock; null: no line."),
        "decision": _decision(lines),
        "brief_decision": _decision({}),
    }


def _decision(lines: Mapping[str, Schema]) -> Schema:
    optional = {
        "take": DIGEST,
        "note": TEXT,
        "undoes": said(TEXT, "The act that was taken back."),
        "other": said(TEXT, "Where a moved line came from or went to, or the profile that a choice came from."),
        "file": said(DIGEST, "Of the file that was written over."),
    }
    told = {
        "seedpipe_decision": {"const": DECISION_FORMAT},
        "id": TEXT,
        "at": TIME,
        "who": TEXT,
        "verb": TEXT,
        "node": TEXT,
        **lines,
    }
    return object_of({**told, **optional}, optional=optional)


def decided_schema() -> Schema:
    """Of every verb by which people decide."""
    return answer(
        "decided",
        "What a person decided",
        "`--json` of `pick`, `approve`, `pin` and every other verb by which people decide.",
        decided_body(),
        definitions=plan_definitions() | lock_definitions(),
    )


def decided_body() -> dict[str, Schema]:
    """What was decided, and what follows from it; it refers to definitions of plans and of the lock."""
    follows = {
        "below": said(COUNT, "Pictures made from the decided ones, however far."),
        "written": said(TEXTS, "Output files put right."),
        "made": said(COUNT, "Pictures made here for nothing."),
        "again": said(TEXTS, "Pictures that are again what they were."),
        "buys": said(TEXTS, "What a build would buy because of the decision."),
        "pending": said(COUNT, "What a build would have bought before, too."),
        "pending_cost": said(ref("cost"), "What those cost."),
        "pictures": said(COUNT, "How many are bought for `buys`."),
        "cost": ref("cost"),
        "anew": said(TEXTS, "Decided ones that a build would replace."),
        "edited": said(TEXTS, "Decided ones whose file is somebody's, and stays."),
        "stays": said(TEXTS, "Kept on purpose although what they are made from has changed."),
        "said": TEXTS,
    }
    refused = {"address": TEXT, "message": TEXT, "hint": or_null(TEXT)}
    return {
        "verb": one_of(Verb),
        "act": said(or_null(TEXT), "Its id, for `undo`; null: nothing was decided."),
        "decisions": list_of(ref("decision")),
        "unchanged": said(TEXTS, "They were so already."),
        "put_right": said(TEXTS, "Their choice stays, and their file is written again."),
        "refused": list_of(object_of(refused)),
        "follows": or_null(object_of(follows)),
    }


def upgrade_schema() -> Schema:
    outcome = {name: schema for name, schema in decided_body().items() if name != "follows"}
    picture = {"address": TEXT, "reasons": list_of(ref("reason"))}
    body = {
        "changed": said(
            map_of(object_of({"before": TEXT, "after": TEXT})), "Ask → what the lock and the catalogue say."
        ),
        "unanswered": said(TEXTS, "The catalogue knows no more; the lock holds."),
        "pictures": list_of(object_of(picture)),
        "cost": said(or_null(ref("cost")), "Of a build then; null: nothing changes."),
        "written": FLAG,
        **outcome,
    }
    definitions = plan_definitions() | lock_definitions()
    return answer("upgrade", "The catalogue, asked again", "`upgrade --json`.", body, definitions=definitions)


def takes_schema() -> Schema:
    take = {
        "number": said(COUNT, "By which `pick` knows it, from 1."),
        "digest": DIGEST,
        "want": or_null(DIGEST),
        "chosen": FLAG,
        "current": said(FLAG, "It was made for what is asked now."),
        "at_hand": said(FLAG, "Its bytes are on this machine."),
        "made": ref("made"),
        "look": _LOOK,
        "bought_as": said(TEXT, "The look that it was bought for, where that is known and it is not current."),
    }
    group = {
        "current": FLAG,
        "prompt": said(or_null(TEXT), "Its words, where this machine remembers them."),
        "differs": said(list_of(ref("reason")), "From what is asked now."),
        "look": said(TEXT, "Of a picture with several looks: which one, or which it is compared with."),
        "bought_as": said(TEXT, "The look that an earlier want was bought for, where that is known."),
        "beside": said(list_of(ref("reason")), "How a look differs from the one that the picture is now."),
        "takes": list_of(object_of(take, optional=["made", "look", "bought_as"])),
    }
    node = {
        "address": TEXT,
        "level": said(or_null(one_of(Level)), "Null: there is no choice yet."),
        "look": _LOOK,
        "stale": FLAG,
        "decided": said(or_null(ref("brief_decision")), _NO_DECISION),
        "groups": said(
            list_of(object_of(group, optional=["look", "bought_as", "beside"])), "Takes by what they were made for."
        ),
        "decisions": list_of(ref("brief_decision")),
    }
    return answer(
        "takes",
        "The takes of pictures",
        "`takes --json`.",
        {"nodes": list_of(object_of(node, optional=["look"]))},
        definitions=plan_definitions() | lock_definitions(),
    )


def diff_schema() -> Schema:
    chosen = {"take": or_null(DIGEST), "level": or_null(one_of(Level)), "look": _LOOK}
    choice = object_of(chosen, optional=["look"])
    field = object_of({"name": TEXT, "old": or_null(TEXT), "new": or_null(TEXT)})
    optional = {
        "position": TEXT,
        "moved_from": TEXT,
        "words": list_of(object_of({"what": TEXT, "old": TEXT, "new": TEXT})),
        "at": said(TEXTS, "Where the changed words stand, `file:line`."),
        "fields": list_of(field),
        "references_added": TEXTS,
        "references_removed": TEXTS,
        "references_reordered": FLAG,
        "source_changed": FLAG,
        "outdated": FLAG,
        "candidates": said(list_of(object_of({"look": TEXT, "take": DIGEST})), "Takes of its other looks."),
        "new_takes": COUNT,
        "state": said(ref("state"), "After the change."),
        "because": said(TEXTS, "What it follows."),
        "pictures": COUNT,
    }
    told = {
        "address": TEXT,
        "change": one_of(diff.Kind),
        **optional,
        "before": choice,
        "after": choice,
        "cost": said(ref("cost"), "What building it costs and did not cost before."),
    }
    body = {
        "project": TEXT,
        "before": said(TEXT, "The revision."),
        "after": TEXT,
        "terms": said(list_of(field), "Changes of provider, prices and budget."),
        "pictures": COUNT,
        "cost": ref("cost"),
        "pending_pictures": said(COUNT, "To be bought before the change, too."),
        "pending": ref("cost"),
        "nodes": said(
            list_of(object_of(told, optional=optional)), "Only those that changed; what is empty is left out."
        ),
        "policy": said(TEXTS, "Limits that the change passes (`--warn-above`, `--deny-above`)."),
    }
    return answer(
        "diff",
        "What changed between two revisions",
        "`diff --json`.",
        body,
        definitions=plan_definitions(),
    )


def migration_schema() -> Schema:
    cost = object_of({"before": or_null(MONEY), "after": or_null(MONEY)})
    change_optional = {"old": or_null(TEXT), "new": said(or_null(TEXT), "Null: it has to go."), "shared": FLAG}
    change = {"kind": one_of(moved.Kind), "field": TEXT, "message": TEXT, "at": said(TEXT, "file:line:column.")}
    node = {
        "address": TEXT,
        "kind": {"enum": ["image", "sequence"]},
        "pictures": COUNT,
        "size": object_of({"before": or_null(TEXT), "after": or_null(TEXT)}),
        "cost": cost,
        "changes": list_of(object_of({**change, **change_optional}, optional=change_optional)),
    }
    builds = or_null(object_of({"pictures": COUNT, "expected": MONEY, "high": MONEY}))
    body = {
        "project": or_null(TEXT),
        "provider": TEXT,
        "from": said(TEXT, "Dated id."),
        "to": TEXT,
        "possible": FLAG,
        "pictures": COUNT,
        "cost": said(cost, "At list price; null: not known."),
        "gains": TEXTS,
        "losses": TEXTS,
        "notes": TEXTS,
        "nodes": list_of(object_of(node)),
        "followers": said(TEXTS, "Pictures made from these, which would be made anew."),
        "builds": said(object_of({"now": builds, "then": builds}), "What a build of everything buys."),
    }
    return answer("migration", "A move to another model", "`models --migrate --json`.", body)
