"""Where changed words come from: the template lines and cells of data that the reasons of a plan point at. Pure."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from itertools import islice
from typing import Final

from seedpipe.manifest.origins import Origins, look_field
from seedpipe.plan.diff import Kind, NodeChange, ProjectDiff, Words
from seedpipe.plan.plan import Plan, PlanNode
from seedpipe.plan.reason import Reason
from seedpipe.plan.reasons import PromptChanged, SharedWordsChanged
from seedpipe.plan.worddiff import changes

_MOST_NODES: Final = 300  # more are not read one by one, and each prompt is rendered once more for it
_MOST_CHANGES: Final = 3  # as many as a sentence tells

Trace = Callable[[Collection[str]], Mapping[tuple[str, str], Origins]]


def with_places(plan: Plan, trace: Trace) -> Plan:
    """`trace` is asked once, and only if words changed that this machine remembers."""
    wanted = list(islice((node.address for node in plan.nodes.values() if _changed(node)), _MOST_NODES))
    if not wanted:
        return plan
    origins = trace(wanted)
    placed = {address: _placed(plan.nodes[address], origins) for address in wanted}
    return replace(plan, nodes={**plan.nodes, **placed})


def _changed(node: PlanNode) -> bool:
    return any(_words(reason) is not None for reason in node.reasons)


def _words(reason: Reason) -> tuple[str, str, str] | None:
    """The field, the old and the new text; None where not both are known."""
    match reason:
        case PromptChanged(old=str(old), new=new):
            return "prompt", old, new
        case SharedWordsChanged(old=str(old), new=str(new)):
            return "shared", old, new
    return None


def _placed(node: PlanNode, origins: Mapping[tuple[str, str], Origins]) -> PlanNode:
    return replace(node, reasons=tuple(_at(node.address, node.look, reason, origins) for reason in node.reasons))


def _at(address: str, look: str | None, reason: Reason, origins: Mapping[tuple[str, str], Origins]) -> Reason:
    words = _words(reason)
    if words is None or not isinstance(reason, PromptChanged | SharedWordsChanged):
        return reason
    field, old, new = words
    field = look_field(look) if look is not None else field
    return replace(reason, at=_places(old, new, origins.get((address, field))))


def _places(old: str, new: str, known: Origins | None) -> tuple[str, ...]:
    """Where the first changed words of `new` come from, as far as that is known; cells before the lines that take them."""
    if known is None or known.text != new:
        return ()
    at: dict[str, None] = {}
    for change in islice(changes(old, new), _MOST_CHANGES):
        origin = known.at(change.start, len(change.new))
        for position in () if origin is None else (origin.cell, origin.line):
            if position is not None:
                at[f"{position.file}:{position.line}"] = None
    return tuple(at)


def diff_with_places(diff: ProjectDiff, trace: Trace) -> ProjectDiff:
    """The same for what changed since a revision: `trace` knows the state after it."""
    edited = (node.address for node in diff.nodes if node.kind is not Kind.ADDED and any(map(_field_of, node.words)))
    wanted = frozenset(islice(edited, _MOST_NODES))
    if not wanted:
        return diff
    origins = trace(wanted)
    nodes = [_change_placed(node, origins) if node.address in wanted else node for node in diff.nodes]
    return replace(diff, nodes=tuple(nodes))


def _change_placed(node: NodeChange, origins: Mapping[tuple[str, str], Origins]) -> NodeChange:
    at: dict[str, None] = {}
    for words in node.words:
        field = _field_of(words)
        if field is not None:
            at |= dict.fromkeys(_places(words.old, words.new, origins.get((node.address, field))))
    return replace(node, at=tuple(at))


def _field_of(words: Words) -> str | None:
    """Under which name the origins of a text stand; None of one that has none."""
    if words.what.startswith("look "):
        return look_field(words.what.removeprefix("look "))
    return {"prompt": "prompt", "shared words": "shared"}.get(words.what)
