"""`seedpipe plan`: what a build would make, why, and what it would cost. Needs no key and no network."""

import contextlib
from dataclasses import dataclass
from pathlib import Path

import click

from seedpipe.commands.invocation import Function, Invocation, completes, gathered, json_option, option, pass_invocation
from seedpipe.commands.opening import ProjectFlags, project_flags
from seedpipe.commands.showing import caps_shown, planned_for
from seedpipe.commands.wishing import SUPPOSING, WishFlags, wish_options
from seedpipe.console import json_text, render_faults
from seedpipe.display import shown
from seedpipe.errors import UsageError, why
from seedpipe.limits import ExitCode
from seedpipe.plan.compare_models import Comparison, compare_models
from seedpipe.plan.grouping import group_by
from seedpipe.plan.plan import Plan, State
from seedpipe.plan.saved import plan_document
from seedpipe.project.inputs import inputs_of_plan
from seedpipe.project.memory import Recollection
from seedpipe.project.project import Project
from seedpipe.review.plan_markdown import plan_markdown
from seedpipe.review.plan_text import Caps, nothing_to_do, plan_text
from seedpipe.review.plan_views import Views
from seedpipe.review.price_text import price_text
from seedpipe.state.files import write_atomically


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What of the plan is wanted, and where."""

    saved_to: Path | None
    exit_code: bool
    by: str | None
    compares: bool
    form: str
    jobs: int


def plan_options(function: Function) -> Function:
    """The options of `Asked`, which the command gets as `asked`."""
    path, forms = click.Path(path_type=Path, dir_okay=False), click.Choice(["text", "json", "markdown"])
    saves = "Save the plan; `seedpipe build --plan FILE` carries out just this."
    exits = "Exit with 3 if a build would change anything, with 75 if a charge is uncertain."
    compares = "What the plan would cost by each model that can make it."
    jobs = "Requests at once, for the forecast of time."
    for decorate in (
        gathered("asked", Asked),
        option("-j", "--jobs", type=click.IntRange(1, 512), default=8, help=jobs),
        option("--format", "form", type=forms, default="text", help="How it is written."),
        option("--compare-models", "compares", is_flag=True, help=compares),
        option(
            "--by",
            metavar="AXIS",
            shell_complete=completes("axes"),
            help="Sums by the values of an axis, or by `tag`, `model`, `state`, `name`.",
        ),
        option("--exit-code", is_flag=True, help=exits),
        option("-o", "--output", "saved_to", type=path, metavar="FILE", help=saves),
    ):
        function = decorate(function)
    return function


@click.command("plan")
@plan_options
@wish_options(SUPPOSING)
@project_flags("The plan of a proof.")
@json_option
@pass_invocation
def command(invocation: Invocation, asked: Asked, wishes: WishFlags, flags: ProjectFlags, as_json: bool) -> int:
    """Say of every picture what a build would do, why, and what it would cost at most.

    \b
    Example:
      seedpipe plan
      seedpipe plan banner/market=ja --json
      seedpipe plan --by market
      seedpipe plan --compare-models
      seedpipe plan -o change.json && seedpipe build --plan change.json
    """
    project = flags.opened(invocation)
    plan, memory = planned_for(project, wishes.wish(project), workers=asked.jobs)
    with contextlib.closing(memory):
        memory.outputs.save_if_possible()
        caps = caps_shown(project, plan, memory.journal)
        at_rest = nothing_to_do(plan) and not memory.under_way
        views = Views(
            grouping=None if asked.by is None else group_by(plan, asked.by),
            comparison=_compared(project, plan, memory, workers=asked.jobs) if asked.compares else None,
        )
    if asked.saved_to is not None:
        _save(plan, asked.saved_to)
    elif at_rest:
        invocation.rests_on = inputs_of_plan(project, plan, searched=invocation.searched)
    console = invocation.console
    if as_json or asked.form == "json":
        console.data(plan_document(plan, **views.to_dict()))
    elif asked.form == "markdown":
        console.out(plan_markdown(plan, caps=caps) + views.markdown(plan))
    else:
        _say(invocation, project, plan, views, caps)
    if asked.saved_to is not None:
        console.note(f"saved: `seedpipe build --plan {shown(str(asked.saved_to))}` carries out just this")
    return _changes(plan) if asked.exit_code else ExitCode.DONE


def _say(invocation: Invocation, project: Project, plan: Plan, views: Views, caps: Caps) -> None:
    console = invocation.console
    if project.warnings and not console.quiet:
        console.err(render_faults(project.warnings, invocation.text_of, console.err_style, width=console.err_width))
    shown_as = views.text(plan, caps=caps, width=console.width, style=console.style)
    if shown_as is None:
        shown_as = plan_text(
            plan, width=console.width, style=console.style, caps=caps, verbose=console.verbose, flags=invocation.flags
        )
    console.out(shown_as)
    behind = price_text(plan, project.catalogue, width=console.width) if console.verbose else None
    if behind is not None:
        console.out(console.style.dim(behind))


def _compared(project: Project, plan: Plan, memory: Recollection, *, workers: int) -> Comparison:
    return compare_models(
        plan,
        graph=project.graph,
        catalogue=project.catalogue,
        timed=lambda other: project.time_of(other, memory, workers=workers),
    )


def _changes(plan: Plan) -> ExitCode:
    """What `--exit-code` says: a charge that is uncertain is more urgent than a change that is pending."""
    if plan.in_state(State.UNKNOWN):
        return ExitCode.UNCERTAIN
    waited_for = any(node.state.needs_a_person for node in plan.nodes.values())
    return ExitCode.CHANGES if plan.has_changes or waited_for else ExitCode.DONE


def _save(plan: Plan, path: Path) -> None:
    try:
        write_atomically(path, (json_text(plan_document(plan)) + "\n").encode())
    except OSError as error:
        raise UsageError(
            f"`{path}` can't be written: {why(error)}", hint="name a file in a folder that is there"
        ) from error
