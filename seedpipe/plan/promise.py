"""What a plan promises of a node that it has work for: the lock's entry before, and the request, with holes for what
comes only in the build. A saved plan is held to both (`plan.fulfil`)."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from seedpipe.canonical import digest_of
from seedpipe.manifest.node import DerivedNode, FrameNode, ImageNode, Node, SourceNode, worn
from seedpipe.manifest.steps import Text
from seedpipe.names import Digest
from seedpipe.plan.fewer import as_came, words_with_fewer
from seedpipe.plan.key import Identity, recipe_document, request_document
from seedpipe.plan.plan import Plan, PlanNode
from seedpipe.plan.walk import Walk
from seedpipe.state.lock import Entry

_HOLE = "from:"  # no identity begins so


def promised(walk: Walk, node: Node, planned: PlanNode) -> PlanNode:
    """The node's plan with what is promised of it; unchanged if there is nothing to do."""
    if not planned.has_work:
        return planned
    entry = walk.lock.entries.get(node.address)
    looks = tuple(
        replace(look, request=_request(walk, worn(node, look.name)), fewer=_fewer(walk, node, look.name))
        if look.pictures or look.name == planned.look
        else look
        for look in planned.looks
    )
    takes = node.takes if isinstance(node, ImageNode) and planned.pictures and not planned.rolls else None
    request = _request(walk, worn(node, planned.look))
    fewer = _fewer(walk, node, planned.look)
    return replace(planned, before=entry_digest(entry), request=request, fewer=fewer, looks=looks, takes=takes)


def _fewer(walk: Walk, node: Node, look: str | None) -> Digest | None:
    """While it isn't known which of the counted pictures come that it names by a glob."""
    node = worn(node, look)
    if not isinstance(node, ImageNode | FrameNode):
        return None
    is_open = any(one.counted and walk.views[one.address].identity is None for one in node.references)
    return words_with_fewer(walk.graph[node.address], look) if is_open else None


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


def settled(
    request: Mapping[str, Any] | None, fewer: Digest | None, written: Node, plan: Plan, look: str | None
) -> Mapping[str, Any] | None:
    """A promised request with the words and the holes for the counted pictures that came since, by `plan`.

    `fewer` as it was promised; whether it holds is asked apart. `written` is the node with all its pictures.
    """
    whole, came = worn(written, look), worn(as_came(written, plan), look)
    if request is None or fewer is None:
        return request
    if not isinstance(whole, ImageNode | FrameNode) or not isinstance(came, ImageNode | FrameNode):
        return request
    if saying(request, whole) != request:
        return request  # it is of other words, or of another look
    there = {one.address for one in came.references if one.counted}
    lack = [one.counted and one.address not in there for one in whole.references]
    holes = request.get("references", ())
    if len(holes) != len(lack) or any(
        gone and hole_of(str(one)) is None for one, gone in zip(holes, lack, strict=True)
    ):
        return request
    left = [one for one, gone in zip(holes, lack, strict=True) if not gone]
    return {**saying(request, came), "references": left}


def saying(request: Mapping[str, Any], node: Node) -> Mapping[str, Any]:
    """The request with the words of `node`."""
    match node:
        case FrameNode() if node.sequence.counted:
            texts = {"prompt": node.sequence.base.prompt}
        case FrameNode():
            texts = {"prompt": node.frame.prompt, "shared": node.sequence.base.prompt}
        case ImageNode():
            texts = {"prompt": node.prompt}
        case _:
            texts = {}
    rest = {name: value for name, value in request.items() if name not in ("prompt", "shared")}
    return rest | {name: text for name, text in texts.items() if text or name == "prompt"}


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
