"""`seedpipe adopt`: a picture that a person brings becomes the choice."""

from pathlib import Path

import click

from seedpipe.commands.deciding import Flags, decision_options, project_of, tell, the_picture_named
from seedpipe.commands.invocation import Invocation, pictures
from seedpipe.plan.choices import adopted
from seedpipe.project.bringing import bring_file, bring_output
from seedpipe.project.deciding import open_desk
from seedpipe.state.decisions import Verb


@click.command("adopt")
@click.argument("node", metavar="NODE", shell_complete=pictures)
@click.argument("file", required=False, metavar="[FILE]", type=click.Path(path_type=Path))
@decision_options
def command(invocation: Invocation, node: str, file: Path | None, flags: Flags) -> int:
    """Make the picture in FILE the chosen picture of NODE; without a FILE, the one that lies at its output.

    Its bytes are kept like those of a bought picture, whatever becomes of the file. It has to be a picture that can be
    decoded. An edited output stays as you have made it.

    \b
    Example:
      seedpipe adopt hero ~/retouched/hero.png -m "dust removed by hand"
      seedpipe adopt hero      # build/hero.jpg, as you have edited it
    """
    project = project_of(invocation, flags)
    address = the_picture_named(project, node)
    with open_desk(project) as desk:
        brought = bring_output(desk, address) if file is None else bring_file(desk, file)
        outcome = desk.decide(
            Verb.ADOPT,
            [address],
            lambda present: adopted(desk.entry(address), present, brought.candidate),
            note=flags.note,
        )
        return tell(invocation, flags, desk, outcome, remarks=brought.remarks(desk, address))
