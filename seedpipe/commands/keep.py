"""`seedpipe keep`: this picture for the new words."""

import click

from seedpipe.commands.deciding import Flags, decide_each, decision_options
from seedpipe.commands.invocation import Invocation, pictures
from seedpipe.plan.choices import kept
from seedpipe.state.decisions import Verb


@click.command("keep")
@click.argument("targets", nargs=-1, required=True, metavar="TARGET...", shell_complete=pictures)
@decision_options
def command(invocation: Invocation, targets: tuple[str, ...], flags: Flags) -> int:
    """Say that the present pictures are right for what is asked now: edited words, or another reference.

    Nothing is bought for them, they are approved by you, and what is made from them stays as it is.

    \b
    Example:
      seedpipe keep hero -m "only a typo in the prompt"
      seedpipe keep 'scene/*'
    """
    return decide_each(
        invocation, flags, targets, Verb.KEEP, lambda desk, present: kept(desk.entry(present.address), present)
    )
