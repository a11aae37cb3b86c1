"""What a plan leaves to do, what each node waits for, and what stands in the way. Pure."""

from collections.abc import Iterator, Mapping, Sequence

from seedpipe.build.order import UNCERTAIN_HINT
from seedpipe.build.report import NodeError
from seedpipe.manifest.node import FrameNode, ImageNode, worn
from seedpipe.plan.fewer import counted_references
from seedpipe.plan.graph import Graph
from seedpipe.plan.obstacles import (
    BytesMissing,
    ChargeUncertain,
    OutputEdited,
    RefusedBefore,
    SizeDiffers,
    UpstreamStopped,
)
from seedpipe.plan.plan import Plan, PlanNode, State, stands_alone
from seedpipe.plan.reason import Reason
from seedpipe.plan.reasons import SameAs
from seedpipe.state.lock import Lock

_IN_THE_WAY: Mapping[State, tuple[str, str]] = {
    State.UNKNOWN: ("unknown", UNCERTAIN_HINT),
    State.MISSING: (
        "missing",
        "bring the data folder of the machine that bought it, or its output file; `seedpipe reroll NODE` buys another",
    ),
    State.EDITED: (
        "edited",
        "`seedpipe adopt NODE` makes your file the picture; `seedpipe restore NODE` writes ours over it, and keeps yours",
    ),
    State.BLOCKED: (
        "blocked",
        "change the words or the references; `seedpipe build --retry-blocked` sends it again as it is",
    ),
    State.FAILED: ("failed", "change what was refused, or name it to send it again: `seedpipe build NODE`"),
}


def work_of(plan: Plan, graph: Graph, lock: Lock) -> Mapping[str, Sequence[str]]:
    """The nodes that this run touches, in graph order, each with the nodes that it waits for."""
    return {node.address: _needs(node) for node in plan.nodes.values() if _has_work(node, plan, graph, lock)}


def _has_work(node: PlanNode, plan: Plan, graph: Graph, lock: Lock) -> bool:
    if node.state in (State.FREE, State.FETCH, State.SAME) or node.state.buys or node.writes:
        return not node.state.needs_a_person or (node.writes and node.taken is not None)
    if node.kind == "source":
        return node.address not in lock.entries or _feeds_work(node.address, plan, graph)
    return False


def _feeds_work(address: str, plan: Plan, graph: Graph) -> bool:
    below = [plan.nodes[name] for name in graph.makes(address) if name in plan.nodes]
    return any(node.state.buys or node.state in (State.FREE, State.SAME) for node in below)


def _needs(node: PlanNode) -> Sequence[str]:
    """What it is made from, and the node that buys the same picture before it; nothing if it stays anyway."""
    if stands_alone(node):
        return ()
    return (*node.made_from, *(reason.address for reason in node.reasons if isinstance(reason, SameAs)))


def spared_of(plan: Plan, graph: Graph) -> Mapping[str, frozenset[str]]:
    """Of each picture with looks the needs that are of its other looks alone: without them it comes all the same."""
    found = {}
    for planned in plan.nodes.values():
        if planned.looks:
            node = worn(graph[planned.address], planned.look)
            own = {one.address for one in node.references} if isinstance(node, ImageNode) else set()
            shared = {one.address for one in planned.reasons if isinstance(one, SameAs)}
            comes = planned.taken is not None or planned.of_look(planned.look) > 0
            found[planned.address] = frozenset({*planned.made_from, *(shared if comes else ())} - own)
    return found


def counted_of(plan: Plan, graph: Graph) -> Mapping[str, frozenset[str]]:
    """Of each picture the needs that need not exist: counted ones that it names by a glob, or shares."""
    found = {}
    for planned in plan.nodes.values():
        node = graph[planned.address]
        named = {one.address for one in counted_references(node)}
        if isinstance(node, FrameNode) and node.sequence.counted:
            named |= {reason.address for reason in planned.reasons if isinstance(reason, SameAs)}
        if named:
            found[planned.address] = frozenset(named)
    return found


def in_the_way(plan: Plan) -> Iterator[tuple[str, NodeError]]:
    """The nodes that can't come in this run by the plan's own word, each with what is wrong and what to do."""
    for node in plan.nodes.values():
        if node.state not in _IN_THE_WAY:
            continue
        outcome, hint = _IN_THE_WAY[node.state]
        reason = node.reasons[0]
        if isinstance(reason, UpstreamStopped) and reason.file is not None:  # no row of the upstream's own says it
            yield node.address, NodeError("missing", reason.code, reason.sentence(), hint=reason.next_step())
        elif reason.code in ("upstream-stopped", "left-out"):
            yield node.address, NodeError("skipped", reason.code, reason.sentence())
        else:
            step = _own_step(reason, node) or hint
            theirs, ours = _ids(reason)
            error = NodeError(
                outcome, reason.code, reason.sentence(), request_id=theirs, client_request_id=ours, hint=step
            )
            yield node.address, error


def _own_step(reason: Reason, node: PlanNode) -> str | None:
    match reason:
        case SizeDiffers():
            return reason.next_step(node.address)
        case BytesMissing():
            return reason.next_step()
        case OutputEdited() if node.kind == "derived":
            return "`seedpipe restore NODE` writes ours over it, and keeps yours"
        case _:
            return None


def _ids(reason: Reason) -> tuple[str | None, str | None]:
    """By what the provider finds the request that the reason is about: its own id, and ours."""
    match reason:
        case ChargeUncertain():
            return reason.request_id, reason.client_request_id
        case RefusedBefore():
            return reason.request_id, None
        case _:
            return None, None
