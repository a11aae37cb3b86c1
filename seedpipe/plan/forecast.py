"""How long a plan takes: its schedule simulated, request by request. Pure.

As a build does: longest remaining path first, so many requests at once in a ramp, the service's images per minute, the
frames of a batch one after another, local work on the processors.
"""

import heapq
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from seedpipe.plan.latency import Latencies, Latency
from seedpipe.plan.plan import Forecast, Plan, PlannedLook, PlanNode, State
from seedpipe.plan.reasons import SameAs

DERIVED_SECONDS: Final = 0.25  # a crop, a resize and some lettering on one core
FETCH_SECONDS: Final = 1.0  # a picture from the web
MINUTE: Final = 60.0
FIRST_AT_ONCE: Final = 8  # requests in the first second; twice as many in each second after


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What a build has: requests and processors at once, and how many images of each model a minute allows."""

    workers: int
    processors: int
    images_per_minute: Mapping[str, int]


def node_seconds(plan: Plan, latencies: Latencies) -> Mapping[str, float]:
    """Expected seconds of each node's own work, once all that it is made from is there."""
    batches = _batches(plan)
    return {node.address: _seconds(node, batches, latencies) for node in plan.nodes.values()}


def _seconds(node: PlanNode, batches: Mapping[str, Sequence[str]], latencies: Latencies) -> float:
    if node.pictures and node.model is not None:
        if node.batch is None:  # all takes, in all looks, are asked for at once
            return max(_latency(one, 1, latencies).first for one in node.purchases)
        together = batches[node.batch]
        return _latency(node, len(together), latencies).until(together.index(node.address))
    if node.state is State.FREE:
        return DERIVED_SECONDS
    return FETCH_SECONDS if node.state is State.FETCH and node.kind == "source" else 0.0


def _latency(node: PlanNode | PlannedLook, images: int, latencies: Latencies) -> Latency:
    return latencies.of(node.model or "", node.size or "", images)


def _batches(plan: Plan) -> Mapping[str, Sequence[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for node in plan.nodes.values():
        if node.batch is not None:
            found[node.batch].append(node.address)
    return found


def forecast(plan: Plan, latencies: Latencies, means: Means) -> Forecast:
    """If everything goes as usual and nothing else asks the service."""
    bought = [node for node in plan.nodes.values() if node.pictures and node.model is not None]
    alone = [one for node in bought if node.batch is None for one in node.purchases]
    batches = _batches(plan)
    kinds = {
        **{
            (node.model, node.size): _latency(node, len(batches[node.batch]), latencies)
            for node in bought
            if node.batch
        },
        **{(one.model, one.size): _latency(one, 1, latencies) for one in alone},
    }
    known = set(kinds.values())
    return Forecast(
        seconds=_Simulation(plan, latencies, means).run(),
        workers=means.workers if bought else 0,
        picture_seconds=max((latency.first for latency in known), default=0.0),
        pictures=sum(latency.pictures for latency in known),
        by_catalogue=any(not latency.pictures for latency in known),
    )


@dataclass(slots=True)
class _Request:
    """`arrivals` are the nodes whose pictures it brings, with the seconds after it was sent."""

    model: str
    arrivals: list[tuple[float, str]]

    @property
    def seconds(self) -> float:
        return self.arrivals[-1][0]


@dataclass(slots=True)
class _Rate:
    """A model's images per minute: what was granted in the last minute."""

    limit: int
    granted: deque[tuple[float, int]] = field(default_factory=deque)
    inside: int = 0
    last: float = 0.0

    def grant(self, images: int, now: float) -> float:
        """The moment at which so many may be asked for."""
        images, at = min(images, self.limit), max(now, self.last)
        while self.granted and (self.granted[0][0] <= at - MINUTE or self.inside + images > self.limit):
            sent, weight = self.granted.popleft()
            self.inside -= weight
            at = max(at, sent + MINUTE)
        self.granted.append((at, images))
        self.inside += images
        self.last = at
        return at


def _takes_part(node: PlanNode) -> bool:
    """There is something to wait for; all else is at hand from the beginning."""
    return bool(node.pictures) or node.state in (State.FREE, State.SAME, State.FETCH)


class _Simulation:
    def __init__(self, plan: Plan, latencies: Latencies, means: Means) -> None:
        self._nodes = {node.address: node for node in plan.nodes.values() if _takes_part(node)}
        self._latencies = latencies
        self._means = means
        self._batches = _batches(plan)
        self._needs = {address: set(self._waits_for(node)) for address, node in self._nodes.items()}
        self._below: dict[str, list[str]] = {address: [] for address in self._needs}
        for address, needs in self._needs.items():
            for need in needs:
                self._below[need].append(address)
        self._seconds = node_seconds(plan, latencies)
        remaining = remaining_paths(self._below, self._seconds)
        self._rank = {address: (-remaining[address], number) for number, address in enumerate(self._needs)}
        self._rates = {model: _Rate(limit) for model, limit in means.images_per_minute.items()}
        self._pictures = {address: node.pictures for address, node in self._nodes.items()}  # still to come
        self._ready = [(self._rank[address], address) for address, needs in self._needs.items() if not needs]
        heapq.heapify(self._ready)
        self._begun: set[str] = set()  # batches
        self._tasks: set[str] = set()  # nodes at work; those that wait for what another frame has begun are not counted
        self._requests: deque[_Request] = deque()  # waiting for a worker
        self._local: deque[str] = deque()  # waiting for a processor
        self._events: list[tuple[float, int, str, str]] = []
        self._number = self._under_way = self._working = 0
        self._next_ramp = 0.0

    def _waits_for(self, node: PlanNode) -> Iterator[str]:
        """What it is made from, who buys the same picture, and the batch before its own."""
        same = (reason.address for reason in node.reasons if isinstance(reason, SameAs))
        yield from (need for need in (*node.made_from, *same) if need in self._nodes)
        if node.batch is not None:
            sequence, _, number = node.batch.rpartition("/")
            yield from self._batches.get(f"{sequence}/{int(number) - 1}", ())

    def run(self) -> float:
        now = 0.0
        self._start(now)
        while self._events:
            now, _, what, address = heapq.heappop(self._events)
            match what:
                case "picture":
                    self._pictures[address] -= 1
                    if not self._pictures[address]:
                        self._done(address)
                case "answered":
                    self._under_way -= 1
                case "made":
                    self._working -= 1
                    self._done(address)
                case "done":
                    self._done(address)
            if not self._events or self._events[0][0] > now:
                self._start(now)
        return now

    def _at(self, moment: float, what: str, address: str = "") -> None:
        self._number += 1
        heapq.heappush(self._events, (moment, self._number, what, address))

    def _done(self, address: str) -> None:
        self._tasks.discard(address)
        for below in self._below[address]:
            self._needs[below].discard(address)
            if not self._needs[below]:
                heapq.heappush(self._ready, (self._rank[below], below))

    def _start(self, now: float) -> None:
        """Whatever may start now: nodes, then requests and local work."""
        while self._ready and len(self._tasks) < self._means.workers + self._means.processors:
            _, address = heapq.heappop(self._ready)
            self._begin(self._nodes[address], now)
        ramp = FIRST_AT_ONCE << min(int(now), 20)
        while self._requests and self._under_way < min(self._means.workers, ramp):
            self._send(self._requests.popleft(), now)
        if self._requests and self._under_way < self._means.workers and self._next_ramp <= now:
            self._next_ramp = float(int(now) + 1)
            self._at(self._next_ramp, "ramp")
        while self._local and self._working < self._means.processors:
            self._working += 1
            self._at(now + DERIVED_SECONDS, "made", self._local.popleft())

    def _begin(self, node: PlanNode, now: float) -> None:
        if node.batch in self._begun:
            return
        self._tasks.add(node.address)
        if node.batch is not None:
            self._begun.add(node.batch)
            frames = self._batches[node.batch]
            latency = _latency(node, len(frames), self._latencies)
            arrivals = [(latency.until(place), frame) for place, frame in enumerate(frames)]
            self._requests.append(_Request(node.model or "", arrivals))
        elif node.pictures:
            for one in node.purchases:
                request = _Request(one.model or "", [(_latency(one, 1, self._latencies).first, node.address)])
                self._requests.extend([request] * one.pictures)
        elif node.state is State.FREE:
            self._local.append(node.address)
        else:
            self._at(now + self._seconds[node.address], "done", node.address)

    def _send(self, request: _Request, now: float) -> None:
        self._under_way += 1
        rate = self._rates.get(request.model)
        sent = now if rate is None else rate.grant(len(request.arrivals), now)
        for seconds, address in request.arrivals:
            self._at(sent + seconds, "picture", address)
        self._at(sent + request.seconds, "answered")


def remaining_paths(below: Mapping[str, Iterable[str]], seconds: Mapping[str, float]) -> Mapping[str, float]:
    """For each node, the seconds of the longest path from its start to the end of the build."""
    remaining: dict[str, float] = {}
    for start in below:
        stack = [start]
        while stack:
            address = stack[-1]
            unknown = [under for under in below[address] if under not in remaining]
            if unknown:
                stack.extend(unknown)
                continue
            stack.pop()
            remaining[address] = seconds.get(address, 0.0) + max(
                (remaining[under] for under in below[address]), default=0.0
            )
    return remaining
