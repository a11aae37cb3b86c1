"""`seedpipe build`: make what the plan says."""

import asyncio
import contextlib
from dataclasses import replace
from pathlib import Path

import click

from seedpipe.commands.buying import agree, cap_options, endpoint_for, in_its_realm, limits_asked, run_plan
from seedpipe.commands.invocation import Invocation, json_option, option, pass_invocation, project_options
from seedpipe.commands.opening import opened
from seedpipe.commands.saved import check_project, saved_plan_of, terms_of
from seedpipe.limits import ExitCode
from seedpipe.names import Realm
from seedpipe.plan.fulfil import check_departures, gone
from seedpipe.plan.plan import Plan, without_purchases
from seedpipe.plan.saved import SavedPlan, plan_document
from seedpipe.plan.select import Wish, select
from seedpipe.project.building import (
    Run,
    Workshop,
    fetch_located,
    open_workshop,
    plan_build,
)
from seedpipe.project.inputs import inputs_of_plan
from seedpipe.project.project import Project
from seedpipe.review.plan_text import nothing_to_do

DEFAULT_WORKERS = 8


@click.command("build")
@click.argument("targets", nargs=-1, metavar="[TARGET]...")
@option(
    "--plan",
    "plan_file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Carry out a saved plan as it stands (`seedpipe plan -o FILE`), or refuse it.",
)
@option("--proof", is_flag=True, help="On the embedded emulator: no key, nothing billed, outputs in build/@proof.")
@option("-y", "--yes", is_flag=True, help="Say yes to the price. Without a terminal, give a cap as well.")
@cap_options
@option(
    "-j", "--jobs", type=click.IntRange(1, 512), default=DEFAULT_WORKERS, show_default=True, help="Requests at once."
)
@option("--fail-fast", is_flag=True, help="Start nothing new after the first failure.")
@option("--no-cascade", is_flag=True, help="Keep pictures that only a changed upstream would replace.")
@option("--through-gates", is_flag=True, help="Also what waits until somebody approves what it is made from.")
@option("--exclude", multiple=True, metavar="TARGET", help="Leave these out.")
@option("--frozen", is_flag=True, help="Make what is free; exit with 3 if anything would be bought.")
@option("--retry-unknown", is_flag=True, help="Send again what may have been charged: it may pay twice.")
@option("--retry-blocked", is_flag=True, help="Send again what moderation refused.")
@option(
    "--events",
    "events_file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write events as JSON lines.",
)
@project_options
@json_option
@pass_invocation
def command(
    invocation: Invocation,
    /,
    targets: tuple[str, ...],
    plan_file: Path | None,
    proof: bool,
    yes: bool,
    jobs: int,
    fail_fast: bool,
    no_cascade: bool,
    through_gates: bool,
    exclude: tuple[str, ...],
    frozen: bool,
    retry_unknown: bool,
    retry_blocked: bool,
    events_file: Path | None,
    provider: str | None,
    variables: tuple[str, ...],
    profile: str | None,
    as_json: bool,
    **caps: tuple[str, ...],
) -> int:
    """Make the pictures that are missing or changed, as concurrently as the service allows.

    What is unchanged is skipped, what was paid is kept, what was sent without an answer is never sent again by itself.
    Ctrl-C lets what is in flight arrive, because it is paid; a second one aborts. The next build takes up the rest.
    A TARGET names a picture, a group (`banner`), an axis (`banner/market=ja`), a tag (`tag:launch`) or a glob;
    `+x` also refreshes what x is made from, `x+` adds what is made from x.

    \b
    Example:
      seedpipe build --proof
      seedpipe build hero --yes --max-cost 1
      seedpipe build --plan change.json --yes --max-cost 1
    """
    saved = None if plan_file is None else saved_plan_of(invocation, plan_file)
    if saved is not None:
        flags = {"--no-cascade": no_cascade, "--retry-unknown": retry_unknown, "--retry-blocked": retry_blocked}
        flags["--through-gates"] = through_gates
        terms = terms_of(
            saved,
            targets=targets,
            exclude=exclude,
            flags={**flags, "--frozen": frozen},
            profile=profile,
            variables=variables,
            proof=proof,
        )
        profile, variables, proof = terms.profile, terms.variables, terms.proof
        retry_unknown = saved.retry_unknown

    def open_in(realm: Realm) -> Project:
        return opened(invocation, profile=profile, variables=variables, provider=provider, proof=proof, realm=realm)

    project, endpoint = in_its_realm(open_in, proof=proof, provider=provider)
    if saved is not None:
        check_project(saved, project)
        wish = saved.wish_for(project.graph)
    else:
        wish = Wish(
            selection=select(project.graph, targets, exclude=exclude),
            targets=targets,
            retry_unknown=retry_unknown,
            retry_blocked=retry_blocked,
            cascade=not no_cascade,
            through_gates=through_gates,
        )
    limits = limits_asked(project, caps)
    run = Run(workers=jobs, limits=limits, fail_fast=fail_fast, retry_unknown=retry_unknown)
    with contextlib.ExitStack() as stack:
        workshop = stack.enter_context(open_workshop(project, endpoint))
        plan = _planned(invocation, workshop, wish, saved, workers=jobs)
        if (plan.pictures and not frozen) or workshop.to_fetch:
            endpoint = endpoint or endpoint_for(workshop, stack, proof=proof, provider=provider)
        if workshop.to_fetch and endpoint is not None:
            run = replace(run, fetched=asyncio.run(fetch_located(workshop, endpoint)))
            plan = _planned(invocation, workshop, wish, saved, workers=jobs)
        would_buy = plan.pictures
        plan = without_purchases(plan) if frozen else plan
        agree(invocation, workshop, plan, limits, yes=yes)
        finished = run_plan(invocation, workshop, plan, endpoint, run, events_file=events_file)
        code = finished.exit_code
        at_rest = (
            saved is None
            and nothing_to_do(plan)
            and not (would_buy or endpoint or events_file or workshop.memory.under_way)
        )
    if as_json:
        invocation.console.data({"seedpipe_build": 1, "plan": plan_document(plan), "result": finished.to_dict()})
    if at_rest:
        invocation.rests_on = inputs_of_plan(workshop.project, plan, searched=invocation.searched)
    return ExitCode.CHANGES if frozen and would_buy and code == ExitCode.DONE else code


def _planned(invocation: Invocation, workshop: Workshop, wish: Wish, saved: SavedPlan | None, *, workers: int) -> Plan:
    """The plan of this build; one that was saved is refused where the project has departed from it."""
    plan = plan_build(workshop, wish, workers=workers)
    if saved is not None:
        project = workshop.project
        check_departures(saved, plan, graph=project.graph, lock=project.lock)
        for address in gone(saved, project.graph):
            invocation.console.note(f"`{address}` is in the plan and no longer in the manifest: it is not built")
    return plan
