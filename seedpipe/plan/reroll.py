"""More takes of a picture because a person wants to choose again, beside all that there are. Pure.

A choice that there is stays in the plan and in the build; whether a new take replaces it is decided afterwards, on record.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from seedpipe.manifest.node import FrameNode, ImageNode
from seedpipe.plan import reasons as why
from seedpipe.plan.case import Case
from seedpipe.plan.image import plan_image
from seedpipe.plan.key import request_key
from seedpipe.plan.looks import in_its_look
from seedpipe.plan.memory import Whereabouts
from seedpipe.plan.plan import PlanNode, State
from seedpipe.plan.walk import View, Walk
from seedpipe.state.lock import Level


def plan_paid(walk: Walk, node: ImageNode | FrameNode) -> PlanNode:
    """As the wish has it: rolled again, or judged like any other."""
    more = walk.wish.reroll.get(node.address)
    if more is None:
        return plan_image(walk, node)
    if isinstance(node, ImageNode):
        node = in_its_look(walk, node) if walk.wish.look is None else node.wearing(walk.wish.look)
    return _rolled(Case.of(walk, node), more)


def _rolled(case: Case, more: int) -> PlanNode:
    """`more` takes for what is asked now. What was never made and waits for another picture is made as usual."""
    walk, entry = case.walk, case.entry
    known = [identity for identity in case.references if identity is not None]
    if len(known) < len(case.references):
        return plan_image(walk, case.node)
    key = request_key(case.asked, known)
    taken = entry.take if entry is not None else case.right(walk.memory.takes(key), key)
    planned = replace(case.blank, key=key, taken=taken, writes=entry is None)
    if taken is None:
        case.view(View(identity=None, future=case.future(key)))
    else:
        where = walk.whereabouts(taken, planned.output)
        case.view(View(identity=str(taken), bytes_at_hand=where is not Whereabouts.NOWHERE))
    uncertain = case.uncertain(key)
    obstacle = (State.UNKNOWN, uncertain) if uncertain is not None else case.obstacle(key)
    if obstacle is not None:
        if taken is None:
            return case.stopped(planned, *obstacle)
        return replace(planned, state=obstacle[0], reasons=(obstacle[1],), writes=False)
    buyer, _ = walk.bought.get(key, (None, 0))
    if buyer is not None:
        return replace(planned, state=State.SAME, reasons=(why.SameAs(address=buyer),), rolls=True)
    walk.bought[key] = (case.node.address, more)
    kept = entry.level.value if entry is not None and entry.level is not Level.AUTO else None
    reasons = (why.RolledAgain(look=case.look, more=more, keeps=kept),)
    priced = case.priced(replace(planned, state=State.MAKE, reasons=reasons, rolls=True), more)
    return replace(priced, by_cascade=False)


def rolled(nodes: Sequence[FrameNode], planned: Mapping[str, PlanNode]) -> Sequence[FrameNode]:
    """Those of `nodes` that are bought once more beside what there is of them."""
    return [node for node in nodes if planned[node.address].rolls and planned[node.address].state.buys]
