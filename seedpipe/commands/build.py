"""`seedpipe build`: make what the plan says."""

import contextlib
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import click

from seedpipe.commands.buying import agree, cap_options, in_its_realm, limits_asked, ready_to_buy, run_plan
from seedpipe.commands.invocation import Function, Invocation, gathered, json_option, option, pass_invocation
from seedpipe.commands.opening import ProjectFlags, project_flags
from seedpipe.commands.saved import saved_plan_of, terms_of, wish_of
from seedpipe.commands.wishing import DOING, WishFlags, wish_options
from seedpipe.limits import ExitCode
from seedpipe.plan.fulfil import check_departures, gone
from seedpipe.plan.plan import Plan, without_purchases
from seedpipe.plan.saved import SavedPlan, plan_document
from seedpipe.plan.select import Wish
from seedpipe.project.building import Run, Workshop, open_workshop, plan_build
from seedpipe.project.inputs import inputs_of_plan
from seedpipe.review.build_lines import frozen_answer, frozen_lines
from seedpipe.review.plan_text import nothing_to_do, rest_words

DEFAULT_WORKERS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildFlags:
    """How it is built."""

    yes: bool
    jobs: int
    fail_fast: bool
    frozen: bool
    events_file: Path | None


def build_options(function: Function) -> Function:
    """The options of `BuildFlags`, which the command gets as `how`, and those of the caps."""
    path = click.Path(path_type=Path, dir_okay=False)
    workers = click.IntRange(1, 512)
    for decorate in (
        gathered("how", BuildFlags),
        option("--events", "events_file", type=path, metavar="FILE", help="Write events as JSON lines."),
        option("--frozen", is_flag=True, help="Make what is free; exit with 3 if anything would be bought."),
        option("--fail-fast", is_flag=True, help="Start nothing new after the first failure."),
        option("-j", "--jobs", type=workers, default=DEFAULT_WORKERS, show_default=True, help="Requests at once."),
        cap_options,
        option("-y", "--yes", is_flag=True, help="Say yes to the price. Without a terminal, give a cap as well."),
    ):
        function = decorate(function)
    return function


@click.command("build")
@option(
    "--plan",
    "plan_file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Carry out a saved plan as it stands (`seedpipe plan -o FILE`), or refuse it.",
)
@build_options
@wish_options(DOING)
@project_flags("On the embedded emulator: no key, nothing billed, outputs in build/@proof.")
@json_option
@pass_invocation
def command(
    invocation: Invocation,
    /,
    plan_file: Path | None,
    how: BuildFlags,
    wishes: WishFlags,
    flags: ProjectFlags,
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
    flags = flags if saved is None else terms_of(saved, wishes, flags, frozen=how.frozen)
    project, endpoint = in_its_realm(partial(flags.opened, invocation), proof=flags.proof, provider=flags.provider)
    wish = wishes.wish(project) if saved is None else wish_of(saved, project)
    limits = limits_asked(project, caps)
    run = Run(workers=how.jobs, limits=limits, fail_fast=how.fail_fast, retry_unknown=wish.retry_unknown)
    with contextlib.ExitStack() as stack:
        workshop = stack.enter_context(open_workshop(project, endpoint))
        make_plan = partial(_planned, invocation, workshop, wish, saved, workers=how.jobs)
        plan, endpoint, run = ready_to_buy(workshop, stack, flags, endpoint, run, make_plan, frozen=how.frozen)
        whole = plan
        plan = without_purchases(plan) if how.frozen else plan
        agree(invocation, workshop, plan, limits, yes=how.yes)
        finished = run_plan(
            invocation, workshop, plan, endpoint, run, events_file=how.events_file, rest=rest_words(whole)
        )
        busy = whole.pictures or endpoint or how.events_file or workshop.memory.under_way
    if as_json:
        left = {"frozen": frozen_answer(whole)} if how.frozen else {}
        data = {"seedpipe_build": 1, "plan": plan_document(plan), "result": finished.to_dict()}
        invocation.console.data(data | left)
    if saved is None and nothing_to_do(plan) and not busy:
        invocation.rests_on = inputs_of_plan(workshop.project, plan, searched=invocation.searched)
    code = finished.exit_code
    if not (how.frozen and whole.pictures):
        return code
    for line in frozen_lines(whole, project.lock_name, invocation.console.err_width, invocation.flags):
        invocation.console.err(line)
    return ExitCode.CHANGES if code == ExitCode.DONE else code


def _planned(invocation: Invocation, workshop: Workshop, wish: Wish, saved: SavedPlan | None, *, workers: int) -> Plan:
    """The plan of this build; one that was saved is refused where the project has departed from it."""
    plan = plan_build(workshop, wish, workers=workers)
    if saved is not None:
        project = workshop.project
        check_departures(saved, plan, graph=project.graph, lock=project.lock)
        for address in gone(saved, project.graph):
            invocation.console.note(f"`{address}` is in the plan and no longer in the manifest: it is not built")
    return plan
