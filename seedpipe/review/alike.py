"""Pictures of one entry that changed alike are told once: a word of a shared template moves a hundred of them. Pure."""

from collections.abc import Hashable, Sequence

from seedpipe.names import definition_of
from seedpipe.plan.diff import Kind, NodeChange
from seedpipe.plan.worddiff import changes
from seedpipe.review.words import pattern

_OF_EACH = ("output", "counted")  # fields that differ from one to the next by nature
_FEW = 2  # that came or went are named one by one up to here


def alike(nodes: Sequence[NodeChange]) -> Sequence[Sequence[NodeChange]]:
    """The groups in the order of their first nodes; what moved has a place of its own and stands alone."""
    groups: dict[Hashable, list[NodeChange]] = {}
    for node in nodes:
        groups.setdefault(_shape(node), []).append(node)
    return [part for group in groups.values() for part in _parts(group)]


def name_of(group: Sequence[NodeChange]) -> str:
    """`pack/* ×37`, or the address of one."""
    if len(group) > 1:
        return f"{pattern([node.address for node in group])} ×{len(group):,}"
    return f"{group[0].old_address} → {group[0].address}" if group[0].old_address else group[0].address


def place_of(group: Sequence[NodeChange]) -> str:
    """Where the words that changed stand, if that is one place for all of them; else where the first is defined."""
    places = {node.at[0] if node.at else None for node in group}
    return (places.pop() if len(places) == 1 else None) or group[0].stands_at


def sentences_of(told: Sequence[Sequence[str]]) -> Sequence[str]:
    """What is told of each of a group, as one: a sentence that differs stands for those like it."""
    if len({len(one) for one in told}) > 1:
        return told[0]
    found = []
    for alternatives in zip(*told, strict=True):
        others = len(set(alternatives)) - 1
        found.append(alternatives[0] + (f", and {others:,} more like it" if others else ""))
    return found


def _parts(group: Sequence[NodeChange]) -> Sequence[Sequence[NodeChange]]:
    few = group[0].kind in (Kind.ADDED, Kind.REMOVED) and len(group) <= _FEW
    return [[node] for node in group] if few else [group]


def _shape(node: NodeChange) -> Hashable:
    """What nodes have in common that read alike; of one that is new its own words are no matter."""
    if node.kind is Kind.MOVED:
        return node.address
    words = () if node.kind is Kind.ADDED else tuple((one.what, _moves(one.old, one.new)) for one in node.words)
    return (
        definition_of(node.address),
        node.kind,
        words,
        tuple((one.name, None if one.name in _OF_EACH else (one.old, one.new)) for one in node.fields),
        tuple(map(definition_of, (*node.references_added, "", *node.references_removed))),
        node.reordered,
        node.source_changed,
        (node.before.take is None, node.before.level, node.before.look),
        (node.after.take is None, node.after.level, node.after.look, node.before == node.after),
        node.new_takes,
        node.state,
        bool(node.because),
        bool(node.pictures),
    )


def _moves(old: str, new: str) -> Hashable:
    return tuple((change.old, change.new) for change in changes(old, new))
