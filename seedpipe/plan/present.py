"""What the manifest asks of one picture now: the want that a person's decision about it is for."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from seedpipe.canonical import digest_of
from seedpipe.manifest.node import FrameNode, ImageNode, worn
from seedpipe.names import Digest
from seedpipe.plan.fewer import as_came, own_of
from seedpipe.plan.graph import Graph
from seedpipe.plan.key import Identity, recipe_identity, remembered_document, request_document
from seedpipe.plan.plan import Plan, PlanNode
from seedpipe.plan.resolve import Resolver


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    """`want` is None while a picture that it is made from isn't there; `waits_for` then names those.

    `document` is the want's, with its words; `own` tells an edit of the node from a change of what it is made from.
    Of a picture with several looks it is the present one's; `looks` are all of them, each without the others.
    """

    address: str
    want: Digest | None
    own: Digest
    document: Mapping[str, Any] = field(default_factory=dict, repr=False)
    made_from: tuple[str, ...] = ()  # addresses behind the document's references
    waits_for: tuple[str, ...] = ()
    look: str | None = None
    looks: tuple["Present", ...] = field(default=(), repr=False)

    def named(self, look: str | None) -> "Present":
        """That of one look; itself if there is none of that name."""
        return next((one for one in self.looks if one.look == look), self)

    def wanting(self, want: Digest | None) -> "Present":
        """That of the look which a picture was made for; itself if it was made for none."""
        if want is None or want == self.want:
            return self
        return next((one for one in self.looks if one.want == want), self)

    @property
    def asked(self) -> Mapping[str, Any]:
        """The document as the lock keeps it."""
        return remembered_document(self.document)


def present_want(node: ImageNode | FrameNode, plan: Plan, graph: Graph, resolver: Resolver) -> Present:
    """`plan` holds the node and everything that it is made from, all of it selected."""
    key = plan.nodes[node.address].key
    node = as_came(node, plan)
    if not isinstance(node, ImageNode) or not node.looks:
        return _present(node, key, plan, graph, resolver)
    planned = plan.nodes[node.address]
    keys = {look.name: look.key for look in planned.looks}
    looks = [_present(look, keys.get(look.look or ""), plan, graph, resolver) for look in node.looks]
    return replace(next(look for look in looks if look.look == planned.look), looks=tuple(looks))


def _present(node: ImageNode | FrameNode, key: Digest | None, plan: Plan, graph: Graph, resolver: Resolver) -> Present:
    """In one look; `key` is None while a picture that it is made from isn't there."""
    asked = resolver.asked(node)
    look = node.look if isinstance(node, ImageNode) else None
    identities = [_identity(plan.nodes[reference.address]) for reference in node.references]
    own = own_of(worn(graph[node.address], look), graph, resolver, lambda one: _identity(plan.nodes[one]))
    if key is None:
        waits_for = [
            reference.address
            for reference, identity in zip(node.references, identities, strict=True)
            if identity is None or plan.nodes[reference.address].state.buys
        ]
        waiting = tuple(dict.fromkeys(waits_for))
        return Present(address=node.address, want=None, own=own, waits_for=waiting, look=look)
    document = request_document(asked, [identity for identity in identities if identity is not None])
    return Present(
        address=node.address,
        want=digest_of(document),
        own=own,
        document=document,
        made_from=tuple(reference.address for reference in node.references),
        look=look,
    )


def _identity(planned: PlanNode) -> Identity | None:
    """What keys call the picture; None if it comes only with a build."""
    if planned.kind == "derived":
        return None if planned.key is None else recipe_identity(planned.key)
    return None if planned.taken is None else str(planned.taken)
