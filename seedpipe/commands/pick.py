"""`seedpipe pick`: another take becomes the choice."""

from typing import Any

import click

from seedpipe.commands.deciding import Flags, decision_options, project_of, tell, the_picture_named
from seedpipe.commands.invocation import Invocation, pictures
from seedpipe.manifest.node import ImageNode
from seedpipe.plan.choices import picked
from seedpipe.plan.present import Present
from seedpipe.plan.takes import select_take
from seedpipe.project.deciding import Desk, open_desk
from seedpipe.project.known_takes import candidate, known_takes
from seedpipe.state.decisions import Verb


@click.command("pick")
@click.argument("node", metavar="NODE", shell_complete=pictures)
@click.argument("take", metavar="TAKE")
@decision_options
def command(invocation: Invocation, node: str, take: str, flags: Flags) -> int:
    """Make TAKE the chosen picture of NODE, approved by you, and put it where its output belongs.

    TAKE is its number in `seedpipe takes NODE`, the beginning of its digest, or of its time (UTC); or the name of a look,
    if there is one take of it. One that was made for other words stands for those of now: nothing is bought for it again.

    \b
    Example:
      seedpipe pick hero 3 -m "the lamp is the right size"
      seedpipe pick scene/0140 2026-11-24
      seedpipe pick hero night
    """
    project = project_of(invocation, flags)
    address = the_picture_named(project, node)
    chosen = project.graph[address]
    looks = chosen.look_names if isinstance(chosen, ImageNode) else {}
    remarks: list[str] = []
    with open_desk(project) as desk:

        def choose(present: Present) -> Any:
            known = select_take(known_takes(desk, present), take, present.address, looks)
            if present.want is None:
                # A build would first replace what it is made from; this may be made from what is there.
                now = desk.present_as_it_is([address])[address]
                if known.want == now.want:
                    present, known = now, select_take(known_takes(desk, now), take, address, looks)
            picture = candidate(desk, known, present.address)
            present = present.wanting(known.want)  # a take of another look is chosen as that look
            if known.bought_as is not None and known.bought_as in looks:  # also one of what was asked for it before
                present = present.named(looks[known.bought_as])
            if not known.current and present.want is not None:
                whose = "of now" if present.look is None else f"of look {present.look} now"
                remarks.append(f"it was made for other words or references, and stands for those {whose}")
            return picked(desk.entry(address), present, picture, pool=_pool(desk, present))

        outcome = desk.decide(Verb.PICK, [address], choose, note=flags.note)
        return tell(invocation, flags, desk, outcome, remarks=remarks)


def _pool(desk: Desk, present: Present) -> list[Any]:
    return list(desk.memory.takes(present.want)) if present.want is not None else []
