"""`seedpipe unpin`: a pinned picture is again what it was before."""

import click

from seedpipe.commands.deciding import Flags, decide_each, decision_options
from seedpipe.commands.invocation import Invocation, pictures
from seedpipe.plan.choices import unpinned
from seedpipe.plan.present import Present
from seedpipe.project.deciding import Desk
from seedpipe.state.decisions import Verb
from seedpipe.state.lock import ImageEntry, Level


@click.command("unpin")
@click.argument("targets", nargs=-1, required=True, metavar="TARGET...", shell_complete=pictures)
@decision_options
def command(invocation: Invocation, targets: tuple[str, ...], flags: Flags) -> int:
    """Take the pin away: the picture is approved or auto, as it was before it was pinned.

    What has changed meanwhile may then replace it in the next build; `seedpipe plan` shows it first.

    \b
    Example:
      seedpipe unpin logo-lockup
    """
    return decide_each(invocation, flags, targets, Verb.UNPIN, _unpinned)


def _unpinned(desk: Desk, present: Present) -> ImageEntry:
    entry = desk.entry(present.address)
    back_to = desk.level_before_pin(entry, present.address) if entry is not None else Level.AUTO
    return unpinned(entry, present, back_to=back_to)
