"""`make_plan`: walks the graph once, pictures before what is made from them, and says what each node is and why."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from seedpipe.catalogue.lookup import Catalogue
from seedpipe.manifest.node import DerivedNode, FrameNode, ImageNode, Node, SourceNode
from seedpipe.names import Realm
from seedpipe.plan.frames import plan_frames
from seedpipe.plan.gates import close_gate
from seedpipe.plan.graph import Graph
from seedpipe.plan.hints import lettering_hints
from seedpipe.plan.image import where_used_as_it_is
from seedpipe.plan.local import plan_derived, plan_source
from seedpipe.plan.memory import Memory, Whereabouts
from seedpipe.plan.plan import Plan, PlanNode, sum_of
from seedpipe.plan.price import currency_of
from seedpipe.plan.promise import promised
from seedpipe.plan.reroll import plan_paid
from seedpipe.plan.resolve import Resolver
from seedpipe.plan.select import Wish
from seedpipe.plan.walk import Walk
from seedpipe.state.lock import Lock


def make_plan(
    graph: Graph,
    *,
    lock: Lock,
    catalogue: Catalogue,
    provider: str,
    resolver: Resolver,
    memory: Memory,
    wish: Wish,
    outputs: Mapping[str, str],
    folder: str,
    project: str,
    realm: Realm,
) -> Plan:
    """The plan for `wish`. `outputs` are paths relative to the project's folder, most of them in `folder`.

    Spends nothing, writes nothing.
    """
    walk = Walk(
        graph=graph,
        lock=lock,
        catalogue=catalogue,
        provider=provider,
        resolver=resolver,
        memory=memory,
        wish=wish,
        outputs=outputs,
        folder=folder,
        currency=currency_of(catalogue, provider),
    )
    needed = _needed(walk)
    nodes = _planned_all(walk, [node for node in graph if node.address in needed])
    return Plan(
        project=project,
        realm=realm,
        provider=provider,
        currency=walk.currency,
        nodes=nodes,
        wish=wish,
        targets=wish.targets,
        cost=sum_of((planned.cost for planned in nodes.values()), walk.currency),
        resolved=dict(resolver.made),
        hints=lettering_hints(nodes, graph),
    )


def _planned_all(walk: Walk, nodes: Sequence[Node]) -> Mapping[str, PlanNode]:
    """In the order of `nodes`. The frames of a sequence are planned together, for they are bought together."""
    frames: dict[str, list[FrameNode]] = {}
    for node in nodes:
        if isinstance(node, FrameNode):
            frames.setdefault(node.sequence.address, []).append(node)
    planned: dict[str, PlanNode] = {}
    for node in nodes:
        if not isinstance(node, FrameNode):
            planned[node.address] = _planned(walk, walk.as_came(node))
        elif node.address not in planned:
            planned |= plan_frames(walk, [walk.as_came(one) for one in frames[node.sequence.address]])
        close_gate(walk, node, planned[node.address])
    return {node.address: _promised(walk, node, planned[node.address]) for node in nodes}


def _promised(walk: Walk, node: Node, planned: PlanNode) -> PlanNode:
    named = node.address in walk.wish.selection.named
    return promised(walk, walk.as_came(node), replace(planned, named=True) if named else planned)


def _planned(walk: Walk, node: SourceNode | DerivedNode | ImageNode) -> PlanNode:
    match node:
        case SourceNode():
            return plan_source(walk, node)
        case DerivedNode():
            return plan_derived(walk, node)
        case ImageNode():
            return plan_paid(walk, node)


def _needed(walk: Walk) -> set[str]:
    """What was selected and all that it is made from, but nothing above a picture that is used as it is."""
    needed: set[str] = set()
    waiting = list(walk.wish.selection.nodes)
    while waiting:
        address = waiting.pop()
        if address in needed:
            continue
        needed.add(address)
        node = walk.graph[address]
        at_rest = isinstance(node, ImageNode | FrameNode) and (
            walk.is_left_out(node) or where_used_as_it_is(walk, node) in (Whereabouts.STORE, Whereabouts.NOWHERE)
        )
        if not at_rest:
            waiting.extend(walk.graph.made_from(address))
            if isinstance(node, FrameNode) and node.sequence.counted and address not in walk.wish.reroll:
                waiting.extend(node.sequence.addresses)  # one request brings, and bills, all of them
    return needed
