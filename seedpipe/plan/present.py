"""What the manifest asks of one picture now: the want that a person's decision about it is for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from seedpipe.canonical import digest_of
from seedpipe.manifest.node import FrameNode, ImageNode, SourceNode
from seedpipe.names import Digest
from seedpipe.plan.graph import Graph
from seedpipe.plan.key import Identity, own_key, recipe_identity, remembered_document, request_document
from seedpipe.plan.plan import Plan, PlanNode
from seedpipe.plan.resolve import Resolver


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    """`want` is None while a picture that it is made from isn't there; `waits_for` then names those.

    `document` is the want's, with its words; `own` tells an edit of the node from a change of what it is made from.
    """

    address: str
    want: Digest | None
    own: Digest
    document: Mapping[str, Any] = field(default_factory=dict, repr=False)
    waits_for: tuple[str, ...] = ()

    @property
    def asked(self) -> Mapping[str, Any]:
        """The document as the lock keeps it."""
        return remembered_document(self.document)


def present_want(node: ImageNode | FrameNode, plan: Plan, graph: Graph, resolver: Resolver) -> Present:
    """`plan` holds the node and everything that it is made from, all of it selected."""
    asked = resolver.asked(node)
    identities = [_identity(plan.nodes[reference.address]) for reference in node.references]
    elsewhere = [not isinstance(graph[reference.address], SourceNode) for reference in node.references]
    own = own_key(asked, identities, made_elsewhere=elsewhere)
    if plan.nodes[node.address].key is None:
        waits_for = [
            reference.address
            for reference, identity in zip(node.references, identities, strict=True)
            if identity is None or plan.nodes[reference.address].state.buys
        ]
        return Present(address=node.address, want=None, own=own, waits_for=tuple(dict.fromkeys(waits_for)))
    document = request_document(asked, [identity for identity in identities if identity is not None])
    return Present(address=node.address, want=digest_of(document), own=own, document=document)


def _identity(planned: PlanNode) -> Identity | None:
    """What keys call the picture; None if it comes only with a build."""
    if planned.kind == "derived":
        return None if planned.key is None else recipe_identity(planned.key)
    return None if planned.taken is None else str(planned.taken)
