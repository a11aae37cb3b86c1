"""What follows from a decision: files put right and free pictures made at once; what would be bought is only told."""

from collections.abc import Collection, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import replace

from seedpipe.build.budget import Limits
from seedpipe.build.finishing import Finisher
from seedpipe.events import Event, NodeDone, NodeFailed, Notice, Recovered
from seedpipe.plan.following import Done, Followed, what_follows
from seedpipe.plan.plan import Plan, PlanNode, State, without_purchases
from seedpipe.plan.select import Wish
from seedpipe.project.building import Run, Workshop, carry_out, open_workshop, plan_build
from seedpipe.project.deciding import around
from seedpipe.project.project import Project
from seedpipe.state.lock import Lock

_WORKERS = 8


def follow(project: Project, decided: Collection[str], before: Plan) -> Followed:
    """`before` is what `Desk.plan` said before the decision; what was to be bought already is not told again.

    Of the decided pictures none is replaced, though a build would do it for nothing: that is the next build's.
    """
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

    selection = around(project.graph, decided)
    with open_workshop(project, None) as workshop:
        plan = plan_build(workshop, Wish(selection=selection), workers=_WORKERS)
        held = {address for address in decided if _is_replaced(plan.nodes[address], project.lock)}
        free = without_purchases(plan)
        if held:  # by the next build; until then what was decided holds
            as_it_is = replace(selection, nodes=selection.nodes - held)
            by_now = plan_build(workshop, Wish(selection=as_it_is), workers=_WORKERS)
            free = without_purchases(_holding(by_now, held, project.lock))
            done += _put_back(workshop, held)
        # also the file of a picture that is there, though another of its looks was refused
        if any(node.writes and (node.taken or not node.state.needs_a_person) for node in free.nodes.values()):
            carry_out(workshop, free, None, Run(workers=_WORKERS, limits=Limits(caps=())), hear)
    below = project.graph.everything_below(decided) - set(decided)
    anew = [address for address in decided if address in held and project.lock.image(address) is not None]
    return what_follows(before, plan, decided=decided, below=below, anew=anew, done=done, said=said)


def _is_replaced(node: PlanNode, lock: Lock) -> bool:
    """Whether the next build puts another picture in the place of the one, or of none, that the lock says."""
    entry = lock.image(node.address)
    is_chosen = node.kind in ("image", "frame") and node.state is not State.EDITED
    return is_chosen and node.taken != (None if entry is None else entry.take)


def _holding(plan: Plan, held: AbstractSet[str], lock: Lock) -> Plan:
    """`plan`, in which pictures that are used as they are wait for nothing, and those that there aren't for a build."""
    nodes = dict(plan.nodes)
    for address in held & nodes.keys():
        node = nodes[address]
        nodes[address] = replace(node, made_from=()) if lock.image(address) else replace(node, state=State.MAKE)
    return replace(plan, nodes=nodes)


def _put_back(workshop: Workshop, held: Collection[str]) -> Iterator[Done]:
    """The files of `held` that hold something else are what the lock says; somebody's own file is left alone."""
    outputs, lock = workshop.memory.outputs, workshop.project.lock
    finisher = Finisher(outputs, workshop.store)
    for address in held:
        entry, path = lock.image(address), workshop.project.outputs.get(address)
        if entry is None or path is None or entry.is_in(outputs.digest(path)):
            continue
        if workshop.store.has(entry.take) and finisher.put(path, entry.take, entry.takes, entry.finish.get("fit")):
            yield Done(address=address, how="cached", digest=entry.take, output=path)
    outputs.save()
