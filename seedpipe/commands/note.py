"""`seedpipe note`: a sentence about a picture, for those who come after."""

import click

from seedpipe.commands.deciding import Flags, decision_options, pictures_named, project_of, tell
from seedpipe.commands.invocation import Invocation, pictures
from seedpipe.errors import UsageError
from seedpipe.plan.following import Outcome
from seedpipe.project.deciding import Change, open_desk
from seedpipe.state.decisions import Verb


@click.command("note")
@click.argument("targets", nargs=-1, required=True, metavar="TARGET...", shell_complete=pictures)
@decision_options
def command(invocation: Invocation, targets: tuple[str, ...], flags: Flags) -> int:
    """Write a note on the pictures that TARGET names. It changes no choice; `seedpipe takes` shows it.

    \b
    Example:
      seedpipe note hero -m "ask the client about the shade"
    """
    if not (flags.note or "").strip():
        raise UsageError("a note needs words", hint='`seedpipe note NODE -m "what is to be said"`')
    project = project_of(invocation, flags)
    addresses = pictures_named(project, targets)
    with open_desk(project) as desk:
        entries = {address: desk.entry(address) for address in addresses}
        changes = [
            Change(name=address, before=entry, after=entry, take=entry.take if entry else None)
            for address, entry in entries.items()
        ]
        decisions = desk.record(Verb.NOTE, changes, note=flags.note)
        return tell(invocation, flags, desk, Outcome(verb=Verb.NOTE, decisions=decisions))
