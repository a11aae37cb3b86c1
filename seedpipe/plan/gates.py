"""`gate: approve`: what is made from a picture waits until a person has approved the present one. Pure."""

from dataclasses import replace

from seedpipe.manifest.node import FrameNode, ImageNode, Node
from seedpipe.plan.plan import PlanNode
from seedpipe.plan.walk import Walk
from seedpipe.state.lock import Level


def close_gate(walk: Walk, node: Node, planned: PlanNode) -> None:
    """Has everything below `node` wait, unless its gate is open. A picture that is replaced closes its gate again."""
    if not isinstance(node, ImageNode | FrameNode) or node.gate is None or walk.wish.through_gates:
        return
    if not _approved(walk, planned):
        view = walk.views[node.address]
        walk.views[node.address] = replace(view, gated=True)


def _approved(walk: Walk, planned: PlanNode) -> bool:
    entry = walk.lock.image(planned.address)
    return entry is not None and entry.level is not Level.AUTO and planned.taken == entry.take
