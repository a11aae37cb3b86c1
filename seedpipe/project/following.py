"""What follows from a decision: files put right and free pictures made at once; what would be bought is only told."""

from collections.abc import Collection

from seedpipe.build.budget import Limits
from seedpipe.events import Event, NodeDone, NodeFailed, Notice, Recovered
from seedpipe.plan.following import Done, Followed, what_follows
from seedpipe.plan.plan import Plan, without_purchases
from seedpipe.plan.select import Wish
from seedpipe.project.building import Run, carry_out, open_workshop, plan_build
from seedpipe.project.deciding import around
from seedpipe.project.project import Project

_WORKERS = 8


def follow(project: Project, decided: Collection[str], before: Plan) -> Followed:
    """`before` is what `Desk.plan` said before the decision; what was to be bought already is not told again."""
    done: list[Done] = []
    said: list[str] = []

    def hear(event: Event) -> None:
        match event:
            case NodeDone():
                done.append(Done(address=event.address, how=event.how, digest=event.digest, output=event.output))
            case NodeFailed() if not plan.nodes[event.address].state.needs_a_person:
                said.append(f"{event.address}: {event.message}")
            case Notice():
                said.append(f"{event.address}: {event.message}" if event.address else event.message)
            case Recovered():
                said.append(event.sentence)

    with open_workshop(project, None) as workshop:
        plan = plan_build(workshop, Wish(selection=around(project.graph, decided)), workers=_WORKERS)
        free = without_purchases(plan)
        if any(node.writes and not node.state.needs_a_person for node in free.nodes.values()):
            carry_out(workshop, free, None, Run(workers=_WORKERS, limits=Limits(caps=())), hear)
    below = project.graph.everything_below(decided) - set(decided)
    return what_follows(before, plan, decided=decided, below=below, done=done, said=said)
