"""`seedpipe status`: what is there and what is not."""

from collections.abc import Sequence
from dataclasses import asdict

import click

from seedpipe.commands.invocation import Invocation, json_option, option, pass_invocation, project_options
from seedpipe.commands.opening import opened
from seedpipe.commands.showing import caps_shown, planned
from seedpipe.display import wrap
from seedpipe.limits import ExitCode
from seedpipe.money import Money
from seedpipe.names import Realm
from seedpipe.plan.orphans import orphans
from seedpipe.plan.plan import Plan
from seedpipe.review.command_flags import with_flags
from seedpipe.review.held_text import open_addresses
from seedpipe.review.status_text import UncertainCharge, status_text
from seedpipe.state.journal import Journal
from seedpipe.state.spent import Scope


@click.command("status")
@option("--proof", is_flag=True, help="Of the proofs.")
@project_options
@json_option
@pass_invocation
def command(
    invocation: Invocation,
    proof: bool,
    provider: str | None,
    variables: tuple[str, ...],
    profile: str | None,
    as_json: bool,
) -> int:
    """Count the pictures by state, say what waits for a person, what charge is uncertain and what was spent.

    \b
    Example:
      seedpipe status
      seedpipe status --proof
    """
    project = opened(invocation, profile=profile, variables=variables, provider=provider, proof=proof)
    plan, memory = planned(project)
    journal = memory.journal
    uncertain = _uncertain(journal)
    spent = journal.spent(Scope(), plan.currency).charged if journal and plan.realm is Realm.LIVE else None
    left_over = orphans(project.lock, project.graph.addresses)
    console = invocation.console
    if as_json:
        console.data(_data(plan, outputs=project.output_folder, uncertain=uncertain, spent=spent, left_over=left_over))
        return ExitCode.DONE
    caps = caps_shown(project, plan, journal)
    console.out(
        status_text(
            plan,
            outputs=project.output_folder,
            uncertain=uncertain,
            spent=spent,
            caps=caps,
            width=console.width,
            style=console.style,
        )
    )
    if left_over:
        names = ", ".join(left_over[:5]) + (" …" if len(left_over) > 5 else "")
        step = f"→ `seedpipe mv {left_over[0]} NEW` if it was renamed; `seedpipe lock prune` takes lines out"
        told = [
            f"{len(left_over)} in the lock, no longer in the manifest: {names}",
            with_flags(step, invocation.flags),
        ]
        console.out("\n".join(f"  {line}" for text in told for line in wrap(text, console.width - 2)))
    return ExitCode.DONE


def _uncertain(journal: Journal | None) -> Sequence[UncertainCharge]:
    return [
        UncertainCharge(
            address=open_addresses(held)[0],
            since=held.sent_at,
            cost=held.possible,
            why=held.why,
            request=held.request.id,
            request_id=held.request.request_id,
            client_request_id=held.request.client_request_id,
        )
        for held in (journal.held() if journal else ())
        if held.needs_a_person
    ]


def _data(
    plan: Plan, *, outputs: str, uncertain: Sequence[UncertainCharge], spent: Money | None, left_over: Sequence[str]
) -> dict[str, object]:
    return {
        "seedpipe_status": 1,
        "project": plan.project,
        "realm": plan.realm.value,
        "counts": {state.value: number for state, number in sorted(plan.counts.items())},
        "states": {node.address: node.state.value for node in plan.nodes.values()},
        "looks": {node.address: node.look for node in plan.nodes.values() if node.looks},
        "outputs": outputs,
        "spent": None if spent is None else str(spent),
        "uncertain": [{**asdict(one), "cost": str(one.cost)} for one in uncertain],
        "orphans": list(left_over),
    }
