"""`seedpipe explain NODE`: why a picture is what it is, down to the words."""

from collections.abc import Sequence

import click

from seedpipe.commands.invocation import Invocation, json_option, pass_invocation, pictures
from seedpipe.commands.opening import ProjectFlags, project_flags
from seedpipe.commands.showing import planned
from seedpipe.limits import ExitCode
from seedpipe.manifest.node import worn
from seedpipe.names import Realm
from seedpipe.plan.fewer import as_came, not_made
from seedpipe.plan.plan import PlanNode
from seedpipe.plan.select import select
from seedpipe.project.memory import Recollection
from seedpipe.project.project import Project
from seedpipe.review.explain_text import ChoiceLine, TakeLine, explain_text
from seedpipe.state.decisionfile import load_decisions
from seedpipe.state.decisions import Decision, decided_by, earlier_names
from seedpipe.state.layer import Layer
from seedpipe.state.lock import Level, Lock


@click.command("explain")
@click.argument("targets", nargs=-1, required=True, metavar="NODE...", shell_complete=pictures)
@project_flags("Of the proof.")
@json_option
@pass_invocation
def command(invocation: Invocation, targets: tuple[str, ...], flags: ProjectFlags, as_json: bool) -> int:
    """Say everything about a picture: its state and the reasons, changed words, references, price, takes, who chose.

    \b
    Example:
      seedpipe explain hero
      seedpipe explain scene/LUM-01 --json
    """
    project = flags.opened(invocation)
    plan, memory = planned(project)
    chosen = select(project.graph, targets).nodes
    decisions = load_decisions(project.root / project.decisions_name, shown_as=project.decisions_name)
    console = invocation.console
    if as_json:
        nodes = [
            node.to_dict()
            | ({"layer": layer.to_dict()} if (layer := _layer(memory, node)) else {})
            | ({"choice": choice.to_dict()} if (choice := _choice(project, decisions, node.address)) else {})
            for node in plan.nodes.values()
            if node.address in chosen
        ]
        console.data({"seedpipe_explain": 1, "nodes": nodes})
        return ExitCode.DONE
    pages = []
    for node in project.graph:
        if node.address in chosen:
            above = {address: plan.nodes[address].state for address in project.graph.made_from(node.address)}
            pages.append(
                explain_text(
                    plan.nodes[node.address],
                    worn(as_came(node, plan), plan.nodes[node.address].look),
                    made_from=above,
                    not_made=not_made(node, plan, plan.nodes[node.address].look),
                    makes=project.graph.makes(node.address),
                    takes=_takes(project.lock, memory, plan.nodes[node.address], plan.realm),
                    choice=_choice(project, decisions, node.address),
                    layer=_layer(memory, plan.nodes[node.address]),
                    candidates=_candidates(project.lock, memory, plan.nodes[node.address]),
                    realm=plan.realm,
                    flags=invocation.flags,
                    width=console.width,
                    style=console.style,
                )
            )
    console.out("\n\n".join(pages))
    return ExitCode.DONE


def _choice(project: Project, decisions: Sequence[Decision], address: str) -> ChoiceLine | None:
    """How the choice came to be, by the lock and the record of decisions, whatever the picture was called then."""
    entry = project.lock.image(address)
    if entry is None:
        return None
    names = earlier_names(decisions, address, [(one.old, one.new) for one in project.manifest.moved])
    decided = None if entry.level is Level.AUTO else decided_by(decisions, names, entry)
    if decided is None:
        return ChoiceLine(level=entry.level.value)
    who, at = decided.who.partition(" <")[0], decided.at[:16].replace("T", " ")
    return ChoiceLine(level=entry.level.value, who=who, at=at, note=decided.note)


def _layer(memory: Recollection, planned: PlanNode) -> Layer | None:
    """What the service said of the picture, if it is a layer of another."""
    takes = memory.takes_index.of(planned.key) if memory.takes_index and planned.key else ()
    return next((take.layer for take in takes if take.digest == planned.taken), None)


def _candidates(lock: Lock, memory: Recollection, planned: PlanNode) -> dict[str, int]:
    """How many takes there are of each other look."""
    entry = lock.image(planned.address)
    others = [look for look in planned.looks if look.name != planned.look]
    there = {look.name: set(memory.takes(look.key)) if look.key else set() for look in others}
    for look in others:
        there[look.name].update(entry.takes_for(look.key) if entry is not None and look.key is not None else ())
    return {name: len(takes) for name, takes in there.items()}


def _takes(lock: Lock, memory: Recollection, planned: PlanNode, realm: Realm) -> list[TakeLine]:
    """The takes of the present choice; where there is none, those that were paid for and not chosen."""
    entry = lock.image(planned.address)
    want = planned.key if entry is None else entry.want
    known = {take.digest: take for take in memory.takes_index.of(want)} if memory.takes_index and want else {}
    lines = []
    for digest in dict.fromkeys(known if entry is None else [*entry.takes, entry.take]):
        take = known.get(digest)
        chosen = entry if entry is not None and digest == entry.take else None
        at = (
            take.received_at if take else chosen.made.at if chosen else ""
        )  # one that is kept was made for another want
        cost = str(take.cost) if take and take.cost else chosen.made.cost if chosen else None
        lines.append(
            TakeLine(
                digest=digest,
                chosen=chosen is not None,
                size=f"{take.width}x{take.height}" if take else chosen.made.size if chosen else None,
                at=at[:16].replace("T", " ") or None,
                cost=cost if realm is Realm.LIVE else None,
            )
        )
    return lines
