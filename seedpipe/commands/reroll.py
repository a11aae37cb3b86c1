"""`seedpipe reroll`: more takes to choose from. Of all verbs by which people choose, the only one that spends."""

import contextlib
from collections.abc import Sequence
from functools import partial

import click

from seedpipe.commands.buying import agree, cap_options, in_its_realm, limits_asked, ready_to_buy, run_plan
from seedpipe.commands.deciding import Flags, consequences, decision_options, pictures_named, say
from seedpipe.commands.invocation import Invocation, option, pictures
from seedpipe.errors import ChangedMeanwhileError
from seedpipe.events import BuildFinished
from seedpipe.limits import MAX_TAKES, ExitCode, most_urgent
from seedpipe.plan.following import Outcome
from seedpipe.plan.plan import Plan
from seedpipe.plan.saved import plan_document
from seedpipe.project.building import Run, open_workshop, plan_build
from seedpipe.project.deciding import open_desk
from seedpipe.project.project import Project
from seedpipe.project.rolling import Rolled, choose_new, refuse_what_would_be_out_of_date, wish_for_more
from seedpipe.state.decisionfile import load_decisions
from seedpipe.state.decisions import Verb

_TRIES = 4  # to write down what came, while others decide about the same


@click.command("reroll")
@click.argument("targets", nargs=-1, required=True, metavar="NODE...", shell_complete=pictures)
@click.option("-n", "more", type=click.IntRange(1, MAX_TAKES), default=1, show_default=True, help="So many more takes.")
@option("--look", metavar="NAME", help="Of a picture with looks: this one. Without it, the one that is chosen now.")
@option("--whole", is_flag=True, help="Of a sequence: buy all its frames again, together.")
@option("-y", "--yes", is_flag=True, help="Say yes to the price. Without a terminal, give a cap as well.")
@cap_options
@option("-j", "--jobs", type=click.IntRange(1, 512), default=8, show_default=True, help="Requests at once.")
@decision_options
def command(
    invocation: Invocation,
    targets: tuple[str, ...],
    more: int,
    look: str | None,
    whole: bool,
    yes: bool,
    jobs: int,
    flags: Flags,
    **caps: tuple[str, ...],
) -> int:
    """Buy more takes of NODE for what is asked now, and make the first new one the choice.

    What somebody approved or pinned stays; the new takes are listed beside it, to be picked. A frame of a sequence is
    drawn again alone, beside its neighbours; `--whole` buys the batch again. The price is shown before, caps hold.

    \b
    Example:
      seedpipe reroll hero -n 3
      seedpipe reroll hero --look night
      seedpipe reroll 'board#hands'
      seedpipe reroll board --whole --yes --max-cost 1
    """
    open_in = partial(flags.opened, invocation)
    project, endpoint = in_its_realm(open_in, proof=flags.proof, provider=flags.provider)
    addresses = pictures_named(project, targets)
    wish = wish_for_more(project.graph, addresses, more, whole=whole, targets=targets, look=look)
    refuse_what_would_be_out_of_date(project.graph, project.lock, wish)
    # A record that can't be read refuses before anything is bought, not after it.
    load_decisions(project.root / project.decisions_name, shown_as=project.decisions_name)
    limits = limits_asked(project, caps)
    run = Run(workers=jobs, limits=limits)
    with contextlib.ExitStack() as stack:
        workshop = stack.enter_context(open_workshop(project, endpoint))
        make_plan = partial(plan_build, workshop, wish, workers=jobs)
        plan, endpoint, run = ready_to_buy(workshop, stack, flags, endpoint, run, make_plan)
        agree(invocation, workshop, plan, limits, yes=yes)
        rolled = Rolled.starting(plan, workshop.memory)
        finished = run_plan(invocation, workshop, plan, endpoint, run)
    for _ in range(_TRIES):
        with contextlib.suppress(ChangedMeanwhileError):  # what came is paid for: look at the line as it is now
            return _decided(invocation, flags, open_in(project.realm), rolled, plan, finished)
    return _decided(invocation, flags, open_in(project.realm), rolled, plan, finished)


def _decided(
    invocation: Invocation, flags: Flags, project: Project, rolled: Rolled, plan: Plan, finished: BuildFinished
) -> int:
    """What came is chosen or listed, whatever did not come."""
    with open_desk(project) as desk:
        outcome, said = choose_new(desk, rolled, note=flags.note)
        outcome = outcome or Outcome(verb=Verb.REROLL)
        followed = consequences(desk, outcome)
        if flags.as_json:
            data = {"plan": plan_document(plan), "result": finished.to_dict(), "kept": list(said), **outcome.to_dict()}
            follows = None if followed is None else followed.to_dict()
            invocation.console.data({"seedpipe_reroll": 1, **data, "follows": follows})
        elif outcome.decisions or said:
            say(invocation, desk, outcome, followed, remarks=said)
    codes: Sequence[int] = (finished.exit_code, ExitCode.FAILED if outcome.refused else ExitCode.DONE)
    return int(most_urgent(set(map(ExitCode, codes))))
