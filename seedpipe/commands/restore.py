"""`seedpipe restore`: the chosen picture back over an edited output file."""

import click

from seedpipe.commands.deciding import Flags, decision_options, project_of, tell
from seedpipe.commands.invocation import Invocation, pictures
from seedpipe.errors import UsageError
from seedpipe.manifest.node import SourceNode
from seedpipe.plan.select import select
from seedpipe.project.bringing import restore
from seedpipe.project.deciding import open_desk
from seedpipe.project.project import Project


@click.command("restore")
@click.argument("targets", nargs=-1, required=True, metavar="TARGET...", shell_complete=pictures)
@decision_options
def command(invocation: Invocation, targets: tuple[str, ...], flags: Flags) -> int:
    """Write the pictures of all that TARGET names to their output files again, over whatever lies there.

    A file that seedpipe doesn't know is kept first: it becomes a take, and `seedpipe pick` brings it back. No choice
    changes.

    \b
    Example:
      seedpipe restore hero
      seedpipe restore 'banner/*'
    """
    project = project_of(invocation, flags)
    addresses = _named(project, targets)
    with open_desk(project) as desk:
        outcome, remarks = restore(desk, addresses, note=flags.note)
        return tell(invocation, flags, desk, outcome, remarks=remarks)


def _named(project: Project, targets: tuple[str, ...]) -> list[str]:
    """Everything that has an output file."""
    nodes = select(project.graph, targets).nodes
    found = [node.address for node in project.graph if node.address in nodes and not isinstance(node, SourceNode)]
    if not found:
        raise UsageError(
            f"`{targets[0]}` is a picture of yours: seedpipe writes no file for it",
            hint="`git checkout` brings it back, if it is in git",
        )
    return found
