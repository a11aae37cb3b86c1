"""A layered drawing of a folded graph: which column, which order, where. Numbers only, in pixels. Pure."""

from bisect import bisect_right, insort
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

HEIGHT: Final = 48.0  # of a box
_GAP: Final = 18.0  # between boxes of a column
_BEND_HEIGHT: Final = 4.0  # of the place where a long edge passes a column
_BEND_GAP: Final = 12.0
_SWEEPS: Final = 16


@dataclass(slots=True)
class Item:
    """A box, or with `box` None a bend: the place where a long edge passes through a column. `y` is its middle."""

    layer: int
    box: int | None
    y: float = 0.0
    above: list[int] = field(default_factory=list)
    below: list[int] = field(default_factory=list)

    @property
    def height(self) -> float:
        return _BEND_HEIGHT if self.box is None else HEIGHT

    @property
    def gap(self) -> float:
        return _BEND_GAP if self.box is None else _GAP


@dataclass(slots=True)
class Layout:
    """The first items are the boxes in their order. `routes` are items from the start of an edge to its end."""

    items: list[Item]
    layers: list[list[int]]
    routes: list[list[int]]


def lay_out(boxes: int, edges: Sequence[tuple[int, int]]) -> Layout:
    """Place `boxes` connected by `edges` (start < end in the order of boxes, or at least without a cycle)."""
    layout = _with_bends(_layers(boxes, edges), edges)
    _order(layout)
    _place(layout)
    return layout


def _layers(boxes: int, edges: Sequence[tuple[int, int]]) -> list[int]:
    """Each box one column behind the last that it needs; what needs nothing stands right before its first use."""
    above: list[list[int]] = [[] for _ in range(boxes)]
    below: list[list[int]] = [[] for _ in range(boxes)]
    for start, end in edges:
        above[end].append(start)
        below[start].append(end)
    layer = [0] * boxes
    missing = [len(ups) for ups in above]
    ready = [box for box in range(boxes) if not missing[box]]
    for box in ready:
        for down in below[box]:
            layer[down] = max(layer[down], layer[box] + 1)
            missing[down] -= 1
            if not missing[down]:
                ready.append(down)
    for box in range(boxes):
        if not above[box] and below[box]:
            layer[box] = min(layer[down] for down in below[box]) - 1
    return layer


def _with_bends(layer: Sequence[int], edges: Sequence[tuple[int, int]]) -> Layout:
    items = [Item(layer=number, box=box) for box, number in enumerate(layer)]
    routes = []
    for start, end in edges:
        route = [start]
        for between in range(layer[start] + 1, layer[end]):
            items.append(Item(layer=between, box=None))
            route.append(len(items) - 1)
        route.append(end)
        routes.append(route)
        for left, right in pairwise(route):
            items[left].below.append(right)
            items[right].above.append(left)
    layers: list[list[int]] = [[] for _ in range(max(layer, default=-1) + 1)]
    for place, item in enumerate(items):
        layers[item.layer].append(place)
    return Layout(items=items, layers=layers, routes=routes)


def _order(layout: Layout) -> None:
    """Fewer crossings: each column is sorted by the middle of its neighbours, to and fro; the best order stays."""
    best, fewest = [list(layer) for layer in layout.layers], _crossings(layout)
    for sweep in range(_SWEEPS):
        if not fewest:
            break
        forth = sweep % 2 == 0
        columns = layout.layers[1:] if forth else layout.layers[-2::-1]
        for column in columns:
            _sort(layout, column, lambda item: item.above if forth else item.below)  # noqa: B023
        number = _crossings(layout)
        if number < fewest:
            best, fewest = [list(layer) for layer in layout.layers], number
    layout.layers = best


def _sort(layout: Layout, column: list[int], neighbours: Callable[[Item], Sequence[int]]) -> None:
    ranks = _ranks(layout)
    keys: dict[int, float] = {}
    for place in column:
        near = neighbours(layout.items[place])
        keys[place] = sum(ranks[other] for other in near) / len(near) if near else ranks[place]
    column.sort(key=keys.__getitem__)


def _ranks(layout: Layout) -> dict[int, float]:
    """Where each item stands in its column, as a share of its length."""
    return {place: (index + 0.5) / len(column) for column in layout.layers for index, place in enumerate(column)}


def _crossings(layout: Layout) -> int:
    total = 0
    for column in layout.layers[:-1]:
        ranks = {place: index for layer in layout.layers for index, place in enumerate(layer)}
        seen: list[int] = []
        for place in column:
            ends = sorted(ranks[down] for down in layout.items[place].below)
            total += sum(len(seen) - bisect_right(seen, end) for end in ends)
            for end in ends:
                insort(seen, end)
    return total


def _place(layout: Layout) -> None:
    """Heights: each item as near to the middle of its neighbours as the others in its column allow."""
    for column in layout.layers:
        _settle(layout.items, column, [0.0] * len(column))
    for sweep in range(_SWEEPS):
        forth = sweep % 2 == 0
        for column in layout.layers if forth else reversed(layout.layers):
            wanted = []
            for place in column:
                item = layout.items[place]
                near = [*item.above, *item.below] if sweep >= _SWEEPS - 2 else item.above if forth else item.below
                near = near or [*item.above, *item.below]
                wanted.append(sum(layout.items[other].y for other in near) / len(near) if near else item.y)
            _settle(layout.items, column, wanted)
    top = min((item.y - item.height / 2 for item in layout.items), default=0.0)
    for item in layout.items:
        item.y -= top


def _settle(items: Sequence[Item], column: Sequence[int], wanted: Sequence[float]) -> None:
    """The heights nearest to `wanted` (least squares) that keep order and distance: pooled neighbours."""
    offsets: list[float] = []
    for index, place in enumerate(column):
        if not index:
            offsets.append(0.0)
            continue
        before, item = items[column[index - 1]], items[place]
        distance = (before.height + item.height) / 2 + min(before.gap, item.gap)
        offsets.append(offsets[-1] + distance)
    pools: list[tuple[float, int]] = []  # (mean, size)
    for wish, offset in zip(wanted, offsets, strict=True):
        mean, size = wish - offset, 1
        while pools and pools[-1][0] > mean:
            other, more = pools.pop()
            mean, size = (mean * size + other * more) / (size + more), size + more
        pools.append((mean, size))
    means = [mean for mean, size in pools for _ in range(size)]
    for place, mean, offset in zip(column, means, offsets, strict=True):
        items[place].y = mean + offset
