"""`seedpipe promote`: what was chosen in a profile becomes the choice."""

from collections.abc import Sequence
from dataclasses import replace

import click

from seedpipe.commands.deciding import Flags, decision_options, pictures_named, project_of, tell
from seedpipe.commands.invocation import Invocation, option, pictures
from seedpipe.errors import UsageError
from seedpipe.plan.following import Outcome
from seedpipe.plan.reason import Reason
from seedpipe.project.deciding import open_desk
from seedpipe.project.project import Project
from seedpipe.project.promoting import chosen_in, promote
from seedpipe.review.decision_text import names
from seedpipe.state.decisions import Verb


@click.command("promote")
@click.argument("targets", nargs=-1, metavar="[TARGET]...", shell_complete=pictures)
@option("--from", "source", required=True, metavar="PROFILE", help="The profile whose choices are taken over.")
@decision_options
def command(invocation: Invocation, targets: tuple[str, ...], source: str, flags: Flags) -> int:
    """Take the choices of a profile over: what was approved as a draft becomes the picture.

    Without a TARGET these are the pictures that somebody approved or pinned there, and a choice that somebody made here
    stays. A draft of another model or size stands for what is asked here from then on, approved: nothing is bought for it.

    \b
    Example:
      seedpipe promote --from draft
      seedpipe promote --from draft hero -m "the draft has it"
    """
    if source == flags.profile:
        raise UsageError(f"`{source}` is promoted to itself", hint="leave `--profile` out for the shared pictures")
    project = project_of(invocation, flags)
    folder, file, said = invocation.folder, invocation.file, invocation.flags
    theirs = project_of(invocation, replace(flags, profile=source, variables=()))
    invocation.folder, invocation.file, invocation.flags = folder, file, said
    with open_desk(project) as desk, open_desk(theirs) as their_desk:
        addresses = chosen_in(their_desk, _named(project, targets), named=bool(targets))
        if not addresses:
            invocation.console.remark(
                f"nobody has chosen a picture in the profile `{source}`; name one to take it over"
            )
            return tell(invocation, flags, desk, Outcome(verb=Verb.PROMOTE)) if flags.as_json else 0
        outcome, otherwise = promote(desk, their_desk, addresses, profile=source, named=bool(targets), note=flags.note)
        return tell(invocation, flags, desk, outcome, remarks=_remarks(otherwise))


def _named(project: Project, targets: Sequence[str]) -> Sequence[str]:
    return pictures_named(project, targets or ("**",))


def _remarks(otherwise: Sequence[tuple[str, Sequence[Reason]]]) -> list[str]:
    """Pictures that were made for something else, those with the same differences together."""
    groups: dict[str, list[str]] = {}
    for address, reasons in otherwise:
        groups.setdefault(", ".join(reason.sentence() for reason in reasons), []).append(address)
    return [
        f"{names(addresses)}: made for something else than is asked here ({how}), and kept for it"
        for how, addresses in groups.items()
    ]
