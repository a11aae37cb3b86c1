"""`seedpipe pick`: another take becomes the choice."""

from typing import Any

import click

from seedpipe.commands.deciding import Flags, decision_options, project_of, tell, the_picture_named
from seedpipe.commands.invocation import Invocation
from seedpipe.plan.choices import Candidate, picked
from seedpipe.plan.present import Present
from seedpipe.plan.takes import select_take
from seedpipe.project.deciding import Desk, open_desk
from seedpipe.project.known_takes import candidate, known_takes
from seedpipe.state.decisions import Verb


@click.command("pick")
@click.argument("node", metavar="NODE")
@click.argument("take", metavar="TAKE")
@decision_options
def command(invocation: Invocation, node: str, take: str, flags: Flags) -> int:
    """Make TAKE the chosen picture of NODE, approved by you, and put it where its output belongs.

    TAKE is its number in `seedpipe takes NODE`, the beginning of its digest, or of its time (UTC). One that was made for
    other words stands for those of now: nothing is bought for it again.

    \b
    Example:
      seedpipe pick hero 3 -m "the lamp is the right size"
      seedpipe pick scene/0140 2026-11-24
    """
    project = project_of(invocation, flags)
    address = the_picture_named(project, node)
    remarks: list[str] = []
    with open_desk(project) as desk:

        def choose(present: Present) -> Any:
            picture, for_now = _picture(desk, present, take)
            if not for_now and present.want is not None:
                remarks.append("it was made for other words or references, and stands for those of now")
            return picked(desk.entry(address), present, picture, pool=_pool(desk, present))

        outcome = desk.decide(Verb.PICK, [address], choose, note=flags.note)
        return tell(invocation, flags, desk, outcome, remarks=remarks)


def _picture(desk: Desk, present: Present, take: str) -> tuple[Candidate, bool]:
    """The take that is meant, and whether it is for what is asked now."""
    known = select_take(known_takes(desk, present), take, present.address)
    return candidate(desk, known, present.address), known.current


def _pool(desk: Desk, present: Present) -> list[Any]:
    return list(desk.memory.takes(present.want)) if present.want is not None else []
