"""A graph made small enough to look at: items of one entry that hang together alike become one box. Pure."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

from seedpipe.manifest.node import FrameNode, ImageNode, SourceNode
from seedpipe.money import Money
from seedpipe.names import Realm, definition_of
from seedpipe.plan.graph import Graph
from seedpipe.plan.plan import Plan, State
from seedpipe.review.words import STATE_ORDER, pattern


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """One or more nodes. `states` are counted in the order of a plan; `cost` is what they are expected to cost."""

    name: str
    kind: str  # source | image | derived
    addresses: tuple[str, ...]
    states: tuple[tuple[State, int], ...]
    cost: Money | None

    @property
    def title(self) -> str:
        return f"{self.name} ×{len(self.addresses):,}" if len(self.addresses) > 1 else self.name

    @property
    def state(self) -> State | None:
        """The one that matters most."""
        return self.states[0][0] if self.states else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Folded:
    """`edges` are pairs of places in `boxes`, from a picture to what is made from it; boxes stand before theirs."""

    boxes: tuple[Box, ...]
    edges: tuple[tuple[int, int], ...]

    def neighbours(self) -> tuple[list[list[int]], list[list[int]]]:
        """For each box the places of what it is made from, and of what is made from it."""
        above: list[list[int]] = [[] for _ in self.boxes]
        below: list[list[int]] = [[] for _ in self.boxes]
        for start, end in self.edges:
            above[end].append(start)
            below[start].append(end)
        return above, below


def kind_of(graph: Graph, address: str) -> str:
    match graph[address]:
        case SourceNode():
            return "source"
        case ImageNode() | FrameNode():
            return "image"
    return "derived"


def chosen(graph: Graph, plan: Plan | None) -> list[str]:
    """The addresses to draw, in graph order: those of the plan, or all."""
    return [address for address in graph.addresses if plan is None or address in plan.nodes]


def fold(graph: Graph, plan: Plan | None, *, more_than: int, at_most: int | None = None) -> Folded:
    """More than `more_than` items with the very same neighbours become one box.

    If more than `at_most` boxes are left, items whose neighbours are alike (of the same entries, and so on) fold too.
    """
    addresses = chosen(graph, plan)
    ups = {address: list(graph.made_from(address)) for address in addresses}
    downs: dict[str, list[str]] = {address: [] for address in addresses}
    for address, above in ups.items():
        ups[address] = [up for up in above if up in downs]
        for up in ups[address]:
            downs[up].append(address)
    classes: dict[str, Hashable] = {
        address: (definition_of(address), kind_of(graph, address), tuple(ups[address]), tuple(downs[address]))
        for address in addresses
    }
    groups = _groups(addresses, classes, more_than)
    if at_most is not None and len(set(groups.values())) > at_most:
        groups = _groups(addresses, _alike(graph, addresses, ups, downs), 1)
    return _folded(graph, plan, addresses, groups, ups)


def _groups(addresses: Sequence[str], classes: Mapping[str, Hashable], more_than: int) -> dict[str, str]:
    """For each address the first of its group; groups of at most `more_than` fall apart."""
    members: dict[Hashable, list[str]] = {}
    for address in addresses:
        members.setdefault(classes[address], []).append(address)
    return {address: group[0] if len(group) > more_than else address for group in members.values() for address in group}


def _alike(
    graph: Graph, addresses: Sequence[str], ups: Mapping[str, Sequence[str]], downs: Mapping[str, Sequence[str]]
) -> Mapping[str, Hashable]:
    """Classes by entry and depth, told apart by the classes of their neighbours until nothing changes.

    The depth keeps a box from standing before itself.
    """
    depth: dict[str, int] = {}
    for address in addresses:
        depth[address] = max((depth[up] + 1 for up in ups[address]), default=0)
    classes: dict[str, int] = _numbered(
        {address: (definition_of(address), kind_of(graph, address), depth[address]) for address in addresses}
    )
    for _ in range(12):
        finer = _numbered(
            {
                address: (
                    classes[address],
                    frozenset(classes[up] for up in ups[address]),
                    frozenset(classes[down] for down in downs[address]),
                )
                for address in addresses
            }
        )
        if len(set(finer.values())) == len(set(classes.values())):
            break
        classes = finer
    return classes


def _numbered(classes: Mapping[str, Hashable]) -> dict[str, int]:
    numbers: dict[Hashable, int] = {}
    return {address: numbers.setdefault(kind, len(numbers)) for address, kind in classes.items()}


def _folded(
    graph: Graph,
    plan: Plan | None,
    addresses: Sequence[str],
    groups: Mapping[str, str],
    ups: Mapping[str, Sequence[str]],
) -> Folded:
    members: dict[str, list[str]] = {}
    for address in addresses:
        members.setdefault(groups[address], []).append(address)
    places = {first: place for place, first in enumerate(members)}
    edges = dict.fromkeys(
        (places[groups[up]], places[groups[address]])
        for address in addresses
        for up in ups[address]
        if groups[up] != groups[address]
    )
    boxes = tuple(_box(graph, plan, group) for group in members.values())
    return Folded(boxes=boxes, edges=tuple(edges))


def _box(graph: Graph, plan: Plan | None, group: Sequence[str]) -> Box:
    counts: dict[State, int] = {}
    cost: Money | None = None
    for node in [plan.nodes[address] for address in group] if plan is not None else ():
        counts[node.state] = counts.get(node.state, 0) + 1
        if plan is not None and plan.realm is Realm.LIVE:  # a proof costs nothing
            cost = node.cost.expected if cost is None else cost + node.cost.expected
    return Box(
        name=pattern(group),
        kind=kind_of(graph, group[0]),
        addresses=tuple(group),
        states=tuple((state, counts[state]) for state in STATE_ORDER if state in counts),
        cost=cost or None,
    )
