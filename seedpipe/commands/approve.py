"""`seedpipe approve`: a person has looked, and it is right."""

import click

from seedpipe.commands.deciding import Flags, decide_each, decision_options
from seedpipe.commands.invocation import Invocation, option, pictures
from seedpipe.plan.choices import approved
from seedpipe.project.deciding import Desk
from seedpipe.state.decisions import Verb
from seedpipe.state.lock import Level


@click.command("approve")
@click.argument("targets", nargs=-1, required=True, metavar="TARGET...", shell_complete=pictures)
@option("--stale", is_flag=True, help="Also a picture that what it is made from has left behind.")
@decision_options
def command(invocation: Invocation, targets: tuple[str, ...], stale: bool, flags: Flags) -> int:
    """Approve the present pictures of all that TARGET names.

    An approved picture is replaced when its own words, parameters or source files change. A change of another picture
    that it is made from only makes it stale: it stays until you name it in a build.

    \b
    Example:
      seedpipe approve hero 'scene/*' -m "colours checked"
    """
    return decide_each(
        invocation,
        flags,
        targets,
        Verb.APPROVE,
        lambda desk, present: approved(desk.entry(present.address), present, stale=stale),
        says=_says_more_than_the_pin,
    )


def _says_more_than_the_pin(desk: Desk, address: str) -> bool:
    """Of a picture that was pinned before anybody had approved it: what is said now counts when it is unpinned."""
    entry = desk.entry(address)
    return entry is not None and entry.level is Level.PINNED and desk.level_before_pin(entry, address) is Level.AUTO
