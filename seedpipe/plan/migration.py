"""`migrate`: what a manifest must change when its pictures move from one model to another, and what each would cost.

Nothing is changed: the answer is a list of changes, each with the place it is about, and a graph as it would be.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from seedpipe.catalogue.compare import FEATURE_WORDS, short_name
from seedpipe.catalogue.lookup import Catalogue
from seedpipe.catalogue.model import Mode, Model, ModelStatus
from seedpipe.errors import SeedpipeError, UsageError
from seedpipe.manifest.node import FrameNode, ImageNode, Node
from seedpipe.manifest.node import Sequence as Batch
from seedpipe.money import Money
from seedpipe.plan.graph import Graph, link
from seedpipe.plan.moved import Kind, Moved
from seedpipe.plan.mover import Mover
from seedpipe.plan.resolve import Resolver
from seedpipe.source import Position


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """`followers` are bought pictures of any model that would be made again because what they are made from is."""

    provider: str
    source: Model
    target: Model
    moved: tuple[Moved, ...]
    followers: tuple[str, ...]
    graph: Graph  # as it would be

    @property
    def is_possible(self) -> bool:
        """Whether nothing of it is lost."""
        return all(change.kind is not Kind.LOSS for one in self.moved for change in one.changes)

    @property
    def pictures(self) -> int:
        return sum(one.pictures for one in self.moved)

    @property
    def cost_before(self) -> Money | None:
        """List price of all pictures that move; None if one isn't known."""
        return _sum(one.cost_before for one in self.moved)

    @property
    def cost_after(self) -> Money | None:
        return _sum(one.cost_after for one in self.moved)

    def to_dict(self) -> dict[str, Any]:
        """As JSON, beside the names of provider and models."""
        costs = {"before": self.cost_before, "after": self.cost_after}
        return {
            "possible": self.is_possible,
            "pictures": self.pictures,
            "cost": {name: None if cost is None else str(cost) for name, cost in costs.items()},
            "gains": list(gains(self.source, self.target)),
            "losses": list(losses(self.source, self.target)),
            "notes": list(about(self.target)),
            "nodes": [one.to_dict() for one in self.moved],
            "followers": list(self.followers),
        }


def migrate(
    graph: Graph,
    addresses: Iterable[str],
    source_name: str,
    target_name: str,
    *,
    catalogue: Catalogue,
    provider: str,
    resolver: Resolver,
) -> Migration:
    """Moves the pictures among `addresses` that `source_name` makes. Raises `UsageError` if there are none.

    Raises `NotServedError` for a target that the provider has not, `UnknownModelError` for names that are none.
    """
    source_id, target_id = resolver.model(source_name), catalogue.model_id(target_name)
    if source_id == target_id:
        raise UsageError(
            f"`{source_name}` and `{target_name}` are one model, `{source_id}`",
            hint="`seedpipe models` lists the others",
        )
    target = catalogue.model(target_id, provider)
    served = source_id in catalogue.provider(provider).offers
    source = catalogue.model(source_id, provider if served else None)
    mover = Mover(
        source=source,
        target=target,
        target_name=short_name(catalogue, target_id),
        catalogue=catalogue,
        provider=provider,
        resolver=resolver,
    )
    wanted = frozenset(addresses)
    pictures = _pictures(graph, wanted, source_id, resolver)
    if not pictures:
        raise UsageError(f"no picture that is meant is made by `{source_id}`", hint=_used(graph, resolver))
    held = _held_elsewhere(graph, {address for address, _, _ in pictures})
    moved = tuple(mover.move(graph, address, base, frames, held) for address, base, frames in pictures)
    return Migration(
        provider=provider,
        source=source,
        target=target,
        moved=moved,
        followers=_followers(graph, moved),
        graph=_as_it_would_be(graph, moved),
    )


def _pictures(
    graph: Graph, wanted: frozenset[str], source_id: str, resolver: Resolver
) -> Sequence[tuple[str, ImageNode, Sequence[FrameNode]]]:
    """Address, what is asked, and of a sequence its frames; a sequence moves whole if one frame of it is meant."""
    found: dict[str, tuple[ImageNode, list[FrameNode]]] = {}
    meant: set[str] = set()
    for node in graph:
        if not isinstance(node, ImageNode | FrameNode):
            continue
        base = node.sequence.base if isinstance(node, FrameNode) else node
        frames = found.setdefault(base.address, (base, []))[1]
        if isinstance(node, FrameNode):
            frames.append(node)
        if node.address in wanted:
            meant.add(base.address)
    return [
        (address, base, frames)
        for address, (base, frames) in found.items()
        if address in meant and _model_of(base, resolver) == source_id
    ]


def _model_of(node: ImageNode, resolver: Resolver) -> str | None:
    try:
        return resolver.model(node.model)
    except SeedpipeError:
        return None


def _used(graph: Graph, resolver: Resolver) -> str:
    bases = (node.sequence.base if isinstance(node, FrameNode) else node for node in graph)
    used = dict.fromkeys(_model_of(base, resolver) for base in bases if isinstance(base, ImageNode))
    names = ", ".join(f"`{name}`" for name in used if name is not None)
    return f"the manifest uses {names}" if names else "the manifest has no picture that is bought"


def _held_elsewhere(graph: Graph, moving: set[str]) -> frozenset[Position]:
    """Places in the manifest that pictures which stay as they are have something from."""
    held: set[Position] = set()
    for node in graph:
        base = node.sequence.base if isinstance(node, FrameNode) else node
        if isinstance(base, ImageNode) and base.address not in moving:
            held.update(base.positions.values())
    return frozenset(held)


def _followers(graph: Graph, moved: Sequence[Moved]) -> tuple[str, ...]:
    moving = {one.address for one in moved}
    own = [
        node.address
        for node in graph
        if (node.sequence.address if isinstance(node, FrameNode) else node.address) in moving
    ]
    below = graph.everything_below(own) - set(own)
    return tuple(
        address for address in graph.addresses if address in below and isinstance(graph[address], ImageNode | FrameNode)
    )


def _as_it_would_be(graph: Graph, moved: Sequence[Moved]) -> Graph:
    after = {one.address: one.after for one in moved}
    nodes: list[Node] = []
    batches: dict[str, Batch] = {}  # one object for all frames of a sequence, as the expansion makes it
    for node in graph:
        if isinstance(node, FrameNode) and node.sequence.address in after:
            address = node.sequence.address
            batch = batches.setdefault(address, replace(node.sequence, base=after[address]))
            nodes.append(replace(node, sequence=batch))
        else:
            nodes.append(after[node.address] if isinstance(node, ImageNode) and node.address in after else node)
    return link(nodes)


def _sum(costs: Iterable[Money | None]) -> Money | None:
    total: Money | None = None
    for cost in costs:
        if cost is None:
            return None
        total = cost if total is None else total + cost
    return total


def gains(source: Model, target: Model) -> tuple[str, ...]:
    """What the target can and the source can't, in people's words."""
    limits, old = target.references, source.references
    found = _abilities(target, source)
    found += [f"up to {limits.max} references"] if limits.max > old.max else []
    found += [f"up to {target.pixels.max / 1e6:.1f} megapixels"] if target.pixels.max > source.pixels.max else []
    found += [f"from {target.pixels.min / 1e6:.1f} megapixels on"] if target.pixels.min < source.pixels.min else []
    return tuple(found)


def losses(source: Model, target: Model) -> tuple[str, ...]:
    """What the source can and the target can't, used or not."""
    limits, old = target.references, source.references
    found = _abilities(source, target)
    found += [f"more than {limits.max} references"] if 0 < limits.max < old.max else []
    found += [f"more than {target.pixels.max / 1e6:.1f} megapixels"] if target.pixels.max < source.pixels.max else []
    found += [f"less than {target.pixels.min / 1e6:.1f} megapixels"] if target.pixels.min > source.pixels.min else []
    return tuple(found)


def _abilities(one: Model, other: Model) -> list[str]:
    """What `one` has and `other` hasn't."""
    words = {Mode.EDIT: "editing", Mode.FUSION: "fusion", Mode.SEQUENCE: "batches", Mode.STREAM: "streams"}
    return [
        *(tier for tier in one.tiers if tier not in other.tiers),
        *(name for name in one.output_formats if name not in other.output_formats),
        *(f"{mode} prompts" for mode in one.optimize_modes if mode not in other.optimize_modes),
        *(word for mode, word in words.items() if mode in one.modes and mode not in other.modes),
        *sorted(FEATURE_WORDS[feature] for feature in one.features - other.features),
    ]


def about(target: Model) -> tuple[str, ...]:
    """What one should know of the target, whichever pictures move."""
    said = list(target.notes)
    if target.status is ModelStatus.RETIRING:
        said.insert(0, "it is being retired itself")
    if target.status is ModelStatus.SHUTDOWN:
        said.insert(0, "it was shut down")
    return tuple(said)
