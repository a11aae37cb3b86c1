"""How long a plan takes: the schedule simulated with so many workers and the service's images per minute. Pure."""

import heapq
from collections import deque
from collections.abc import Mapping

from seedpipe.plan.plan import Plan, State

DERIVED_SECONDS = 0.25  # a crop, a resize and some lettering on one core


def node_seconds(plan: Plan, latency: Mapping[str, float]) -> Mapping[str, float]:
    """Expected seconds of each node that has work. `latency` maps a dated model id to seconds per picture."""
    seconds = {}
    for node in plan.nodes.values():
        if node.pictures and node.model is not None:
            seconds[node.address] = latency.get(node.model, 15.0)
        elif node.state is State.FREE:
            seconds[node.address] = DERIVED_SECONDS
        else:
            seconds[node.address] = 0.0
    return seconds


def forecast(plan: Plan, *, latency: Mapping[str, float], workers: int, images_per_minute: int) -> float:
    """Seconds until the last node is done, if everything goes as usual."""
    seconds = node_seconds(plan, latency)
    waiting = {node.address: {need for need in node.made_from if need in plan.nodes} for node in plan.nodes.values()}
    below: dict[str, list[str]] = {address: [] for address in waiting}
    for address, needs in waiting.items():
        for need in needs:
            below[need].append(address)
    ready = deque(address for address, needs in waiting.items() if not needs)
    running: list[tuple[float, str]] = []
    sent: deque[float] = deque()
    now = busy = 0.0
    workers_busy = 0
    while ready or running:
        while ready and (workers_busy < workers or not seconds[ready[0]]):
            address = ready.popleft()
            start = now
            for _ in range(plan.nodes[address].pictures):
                start = max(start, _granted(sent, start, images_per_minute))
            workers_busy += seconds[address] > 0
            heapq.heappush(running, (start + seconds[address], address))
        now, address = heapq.heappop(running)
        workers_busy -= seconds[address] > 0
        busy = max(busy, now)
        for under in below[address]:
            waiting[under].discard(address)
            if not waiting[under]:
                ready.append(under)
    return busy


def _granted(sent: deque[float], now: float, limit: int) -> float:
    """When the next picture may be sent at the earliest, and notes it."""
    while sent and sent[0] <= now - 60:
        sent.popleft()
    at = now if len(sent) < limit else sent[-limit] + 60
    sent.append(at)
    return at
