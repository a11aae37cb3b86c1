"""Counted pictures that a node names by a glob, and that were not made: what is asked for without them. Pure.

A glob over a counted sequence means those of its pictures that came. Until the batch is there, a plan supposes that all
come; which words go with fewer is known beforehand, and a saved plan is held to them.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from itertools import combinations, islice, pairwise
from typing import Any, Final, TypeVar

from seedpipe.canonical import digest_of
from seedpipe.manifest.node import FrameNode, ImageNode, Node, Reference, SourceNode, worn
from seedpipe.names import Digest
from seedpipe.plan.graph import Graph
from seedpipe.plan.key import Identity, own_key, remembered_document, without_references
from seedpipe.plan.plan import Plan
from seedpipe.plan.resolve import Resolver
from seedpipe.state.lock import ImageEntry, Level

AnyNode = TypeVar("AnyNode", bound=Node)
_WAYS: Final = 64


def counted_references(node: Node) -> tuple[Reference, ...]:
    """Those that are left out where they were not made, in whichever look."""
    if not isinstance(node, ImageNode | FrameNode):
        return ()
    looks = node.looks if isinstance(node, ImageNode) else ()
    return tuple(reference for one in (node, *looks) for reference in one.references if reference.counted)


def lacking(node: AnyNode, absent: Collection[str]) -> AnyNode:
    """As it is asked for where `absent` were not made; as it is where it can't do without, or names them itself."""
    if absent and isinstance(node, ImageNode):
        return node.lacking(absent)
    return node.lacking(absent) if absent and isinstance(node, FrameNode) else node


def as_came(node: AnyNode, plan: Plan) -> AnyNode:
    """As it is asked for with the counted pictures that exist by `plan`."""
    found = {one.address for one in counted_references(node)}
    return lacking(node, {one for one in found if one in plan.nodes and not plan.nodes[one].exists})


def not_made(node: Node, plan: Plan, look: str | None) -> tuple[str, ...]:
    """The counted pictures that it names by a glob, and is asked for without in one of its looks."""
    whole, came = worn(node, look), worn(as_came(node, plan), look)
    if not isinstance(whole, ImageNode | FrameNode) or not isinstance(came, ImageNode | FrameNode):
        return ()
    left = {one.address for one in came.references}
    return tuple(dict.fromkeys(one.address for one in whole.references if one.address not in left))


def with_so_many(node: ImageNode | FrameNode, references: int) -> Iterator[ImageNode | FrameNode]:
    """The ways in which it may have come to be made from so many: that the last ones did not come is tried first."""
    counted = list(dict.fromkeys(one.address for one in reversed(node.references) if one.counted))
    lacking_ones = combinations(counted, max(0, len(node.references) - references)) if counted else ()
    for absent in islice(lacking_ones, _WAYS):
        fewer = node.lacking(absent)
        if absent and len(fewer.references) == references:
            yield fewer


def own_of(written: Node, graph: Graph, resolver: Resolver, identity: Callable[[str], Identity | None]) -> Digest:
    """The want key of an image or a frame with the pictures masked that other nodes make, however many of them came.

    `written` is the node with all that it may be made from; `identity` says what keys call a source.
    """
    if not isinstance(written, ImageNode | FrameNode):
        raise TypeError(f"{written!r} is not bought")
    addresses = [reference.address for reference in written.references]
    elsewhere = [not isinstance(graph[address], SourceNode) for address in addresses]
    identities = [None if made else identity(address) for address, made in zip(addresses, elsewhere, strict=True)]
    return own_key(resolver.asked(written), identities, made_elsewhere=elsewhere)


def words_with_fewer(node: Node, look: str | None) -> Digest | None:
    """Over what a node, as written, says with all its pictures and with fewer of each sequence; None if none may lack."""
    node = worn(node, look)
    if not isinstance(node, ImageNode | FrameNode) or not any(one.counted for one in node.references):
        return None
    return digest_of({"words": [_words(node), *(_words(one) for one in _shorter(node))]})


def _shorter(node: ImageNode | FrameNode) -> Iterator[ImageNode | FrameNode | None]:
    """With none, with the first, with the first two … of each sequence; None where it can't do without the others."""
    sequences: dict[str, list[str]] = {}
    for reference in node.references:
        if reference.counted:
            sequences.setdefault(reference.address.partition("#")[0], []).append(reference.address)
    for pictures in sequences.values():
        for came in range(len(pictures)):
            fewer = node.lacking(pictures[came:])
            yield fewer if len(fewer.references) < len(node.references) else None


def _words(node: ImageNode | FrameNode | None) -> list[str] | None:
    if isinstance(node, FrameNode):
        return [node.sequence.base.prompt, node.frame.prompt]
    return None if node is None else [node.prompt]


def superseded(entries: Mapping[str, ImageEntry], now: Mapping[str, Any]) -> frozenset[str]:
    """Of the choices of one counted sequence those that weren't made with the latest batch.

    That is the one for what is asked `now` (any frame's document without references), else the newest; then what a person
    has chosen is of no batch.
    """
    asked = {address: _without_place(entry.asked) for address, entry in entries.items()}
    if all(one == other for one, other in pairwise(asked.values())):
        return frozenset()
    words = _without_place(remembered_document(now))
    latest = max(entries, key=lambda one: (without_references(asked[one]) == words, entries[one].made.at))
    known = without_references(asked[latest]) == words
    return frozenset(
        address
        for address, entry in entries.items()
        if asked[address] != asked[latest] and (known or entry.level is Level.AUTO)
    )


def _without_place(document: Mapping[str, Any]) -> dict[str, Any]:
    """What is asked of all of a sequence: of `2/4`, the second of four, that they are four."""
    shared = {name: value for name, value in document.items() if name != "layer"}
    return shared | ({"counted": str(shared["counted"]).partition("/")[2]} if "counted" in shared else {})
