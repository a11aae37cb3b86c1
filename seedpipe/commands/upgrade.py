"""`seedpipe upgrade`: have the catalogue decide again what the lock remembers of it, after the price was shown."""

import sys

import click

from seedpipe.commands.deciding import Flags, decision_options, project_of, say
from seedpipe.commands.invocation import Invocation, option
from seedpipe.errors import ConsentError
from seedpipe.limits import ExitCode
from seedpipe.plan.following import Outcome
from seedpipe.plan.upgrade import Answers, Moved
from seedpipe.project.deciding import Change, Desk, open_desk
from seedpipe.project.upgrading import answers_now, what_would_move
from seedpipe.review.upgrade_text import upgrade_text
from seedpipe.state.decisions import Verb
from seedpipe.state.lock import RESOLVED


@click.command("upgrade")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@option("-y", "--yes", is_flag=True, help="Say yes to what is shown.")
@option("--dry-run", is_flag=True, help="Only show it.")
@decision_options
def command(invocation: Invocation, names: tuple[str, ...], yes: bool, dry_run: bool, flags: Flags) -> int:
    """Ask the catalogue again which dated model an alias means, how many pixels a tier has, how frames are split.

    What it once said is in the lock, so that a newer catalogue makes no picture out of date. This shows what would
    change, picture by picture, and what a build would then cost. It costs nothing itself, and `seedpipe undo` takes it back.
    NAME narrows it to a model.

    \b
    Example:
      seedpipe upgrade --dry-run
      seedpipe upgrade seedream-4-5
    """
    project = project_of(invocation, flags)
    with open_desk(project) as desk:
        answers = answers_now(project, names)
        moved = what_would_move(project, desk.memory, answers) if answers.changed else None
        if not flags.as_json:
            console = invocation.console
            console.out(upgrade_text(answers, moved, width=console.width, style=console.style))
        outcome = Outcome(verb=Verb.UPGRADE)
        if answers.changed and not dry_run:
            _agree(yes=yes)
            outcome = Outcome(
                verb=Verb.UPGRADE, decisions=desk.record(Verb.UPGRADE, _changes(answers), note=flags.note)
            )
        _tell(invocation, flags, desk, outcome, answers, moved)
    return ExitCode.DONE


def _agree(*, yes: bool) -> None:
    if yes:
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise ConsentError(
            "nothing was changed: there is no terminal to ask for a yes", hint="`--yes` says yes to what is shown"
        )
    if not click.confirm("write that into the lock?", err=True):
        raise ConsentError("nothing was changed", hint="`seedpipe upgrade --dry-run` shows it without asking")


def _changes(answers: Answers) -> list[Change]:
    return [Change(name=f"{RESOLVED}{ask}", before=old, after=new) for ask, (old, new) in answers.changed.items()]


def _tell(
    invocation: Invocation, flags: Flags, desk: Desk, outcome: Outcome, answers: Answers, moved: Moved | None
) -> None:
    if not flags.as_json:
        if outcome.decisions:
            say(
                invocation,
                desk,
                outcome,
                None,
                remarks=["nothing was bought: `seedpipe build` does what is shown above"],
            )
        return
    changed = {ask: {"before": old, "after": new} for ask, (old, new) in answers.changed.items()}
    pictures = (
        []
        if moved is None
        else [{"address": node.address, "reasons": [one.to_dict() for one in node.reasons]} for node in moved.nodes]
    )
    data = {
        "changed": changed,
        "unanswered": list(answers.unanswered),
        "pictures": pictures,
        "cost": None if moved is None else moved.cost.to_dict(),
        "written": bool(outcome.decisions),
    }
    invocation.console.data({"seedpipe_upgrade": 1, **data, **outcome.to_dict()})
