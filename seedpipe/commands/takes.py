"""`seedpipe takes`: the pictures that there are for a node, those for earlier words too."""

import click

from seedpipe.commands.deciding import pictures_named
from seedpipe.commands.invocation import Invocation, json_option, option, pass_invocation, pictures
from seedpipe.commands.opening import ProjectFlags, project_flags
from seedpipe.limits import ExitCode
from seedpipe.manifest.node import FrameNode, ImageNode
from seedpipe.project.deciding import open_desk
from seedpipe.project.known_takes import takes_of
from seedpipe.project.take_pictures import take_pictures
from seedpipe.review.command_flags import with_flags
from seedpipe.review.takes_page import takes_page
from seedpipe.review.takes_text import takes_table, takes_text

FORMATS = ("text", "json", "html")


@click.command("takes")
@click.argument("targets", nargs=-1, metavar="[NODE]...", shell_complete=pictures)
@project_flags("Of the proofs.")
@option("--format", "form", type=click.Choice(FORMATS), default="text", help="How it is written.")
@json_option
@pass_invocation
def command(invocation: Invocation, targets: tuple[str, ...], flags: ProjectFlags, form: str, as_json: bool) -> int:
    """List a picture's takes with their numbers, mark the chosen one, and say what was decided about it.

    Takes for words that the picture had before are listed with what has changed since; each can be picked. Without a
    NODE every picture that has several takes gets a line. `--format html` is one page with the pictures side by side.

    \b
    Example:
      seedpipe takes hero
      seedpipe takes hero --format html > hero.html
      seedpipe takes scene --json
    """
    project = flags.opened(invocation)
    console = invocation.console
    if targets:
        addresses = pictures_named(project, targets)
    else:
        addresses = [node.address for node in project.graph if isinstance(node, ImageNode | FrameNode)]
    with open_desk(project) as desk:
        present = desk.present(addresses, desk.plan(addresses))
        if targets:  # where a build would first replace what a picture is made from, what counts is what is there now
            present |= desk.present_as_it_is([address for address in addresses if present[address].want is None])
        nodes = [takes_of(desk, present[address]) for address in addresses]
        if not targets:
            nodes = [node for node in nodes if len(node.takes) > 1]
        pictures = take_pictures(desk, nodes) if form == "html" else {}
    if form == "html":
        console.out(
            takes_page(nodes, pictures, project=project.manifest.project, realm=project.realm, flags=invocation.flags)
        )
    elif as_json or form == "json":
        console.data({"seedpipe_takes": 1, "nodes": [node.to_dict() for node in nodes]})
    elif targets:
        console.out(
            takes_text(nodes, realm=project.realm, flags=invocation.flags, width=console.width, style=console.style)
        )
    elif nodes:
        console.out(takes_table(nodes, width=console.width))
    else:
        words = "no picture has more than one take; `seedpipe takes NODE` shows one picture's"
        console.note(with_flags(words, invocation.flags))
    return ExitCode.DONE
