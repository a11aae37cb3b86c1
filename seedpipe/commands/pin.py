"""`seedpipe pin`: whatever changes, this picture stays."""

import click

from seedpipe.commands.deciding import Flags, decide_each, decision_options
from seedpipe.commands.invocation import Invocation, pictures
from seedpipe.plan.choices import pinned
from seedpipe.state.decisions import Verb


@click.command("pin")
@click.argument("targets", nargs=-1, required=True, metavar="TARGET...", shell_complete=pictures)
@decision_options
def command(invocation: Invocation, targets: tuple[str, ...], flags: Flags) -> int:
    """Pin the present pictures of all that TARGET names: no build replaces them, whatever changes.

    You can still pick another take, which is then pinned in its place. `seedpipe unpin` takes the pin away.

    \b
    Example:
      seedpipe pin logo-lockup -m "is in print"
    """
    return decide_each(
        invocation, flags, targets, Verb.PIN, lambda desk, present: pinned(desk.entry(present.address), present)
    )
