"""What a plan promises of a node that it has work for: the lock's entry before, and the request, with holes for what
comes only in the build. A saved plan is held to both (`plan.fulfil`)."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from seedpipe.canonical import digest_of
from seedpipe.manifest.node import DerivedNode, FrameNode, ImageNode, Node, SourceNode, worn
from seedpipe.manifest.steps import Text
from seedpipe.names import Digest
from seedpipe.plan.key import Identity, recipe_document, request_document
from seedpipe.plan.plan import PlanNode
from seedpipe.plan.walk import Walk
from seedpipe.state.lock import Entry

_HOLE = "from:"  # no identity begins so


def promised(walk: Walk, node: Node, planned: PlanNode) -> PlanNode:
    """The node's plan with what is promised of it; unchanged if there is nothing to do."""
    if not planned.has_work:
        return planned
    entry = walk.lock.entries.get(node.address)
    looks = tuple(
        replace(look, request=_request(walk, worn(node, look.name)))
        if look.pictures or look.name == planned.look
        else look
        for look in planned.looks
    )
    takes = node.takes if isinstance(node, ImageNode) and planned.pictures and not planned.rolls else None
    request = _request(walk, worn(node, planned.look))
    return replace(planned, before=entry_digest(entry), request=request, looks=looks, takes=takes)


def entry_digest(entry: Entry | None) -> Digest | None:
    """By which it is known again; None: there is no entry."""
    return None if entry is None else digest_of(entry.to_dict())


def _request(walk: Walk, node: Node) -> Mapping[str, Any]:
    match node:
        case ImageNode() | FrameNode():
            addresses = [reference.address for reference in node.references]
            return request_document(walk.resolver.asked(node), _with_holes(walk, addresses))
        case DerivedNode():
            fonts = {step.font: walk.memory.font_digest(step.font) for step in node.steps if isinstance(step, Text)}
            return recipe_document(node, _with_holes(walk, node.inputs), fonts)
        case SourceNode():
            return {"seedpipe": "url/1", "url": node.url}


def _with_holes(walk: Walk, addresses: Sequence[str]) -> list[Identity]:
    return [walk.views[address].identity or f"{_HOLE}{address}" for address in addresses]


def hole_of(identity: str) -> str | None:
    """The address that a hole stands for; None of an identity."""
    return identity.removeprefix(_HOLE) if identity.startswith(_HOLE) else None


def filled(document: Mapping[str, Any], identities: Mapping[str, Identity | None]) -> Mapping[str, Any] | None:
    """The document with its holes filled; None while one of them can't be."""
    result = dict(document)
    for name in ("references", "inputs"):
        if name not in document:
            continue
        found = []
        for identity in document[name]:
            address = hole_of(identity)
            known = identity if address is None else identities.get(address)
            if known is None:
                return None
            found.append(known)
        result[name] = found
    return result
