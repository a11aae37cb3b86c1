"""`seedpipe mv`: choices keep up with a renamed entry of the manifest."""

import click

from seedpipe.commands.deciding import Flags, decision_options, project_of, tell
from seedpipe.commands.invocation import Invocation, pictures
from seedpipe.names import Realm
from seedpipe.plan.following import Outcome
from seedpipe.plan.moving import Move, lines_below, moves
from seedpipe.project.deciding import Change, open_desk
from seedpipe.project.identity import lock_name, locks_in
from seedpipe.project.project import Project
from seedpipe.state.decisions import Verb
from seedpipe.state.lockfile import load_lock


@click.command("mv")
@click.argument("old", metavar="OLD")
@click.argument("new", metavar="NEW", shell_complete=pictures)
@decision_options
def command(invocation: Invocation, old: str, new: str, flags: Flags) -> int:
    """Move the lines of the lock from OLD to NEW, after you have renamed the entry in the manifest.

    OLD is a picture, a frame, or a group with all its items. Without this a renamed picture costs nothing either, but it
    is no longer approved or pinned.

    \b
    Example:
      seedpipe mv hero lamp
      seedpipe mv scene/LUM-01 scene/LUM-0100
    """
    project = project_of(invocation, flags)
    with open_desk(project) as desk:
        possible, refused = moves(project.lock, project.graph, old, new)
        if len(possible) + len(refused) == 1 and refused:
            raise refused[0][1]
        plan = desk.plan([move.new for move in possible])
        changes = [change for move in possible for change in _both_ends(move)]
        decisions = desk.record(Verb.MOVE, changes, note=flags.note) if changes else ()
        outcome = Outcome(verb=Verb.MOVE, decisions=decisions, refused=refused, plan=plan)
        return tell(invocation, flags, desk, outcome, elsewhere=_elsewhere(project, old, new))


def _both_ends(move: Move) -> tuple[Change, Change]:
    return (
        Change(name=move.old, before=move.line, after=None, other=move.new),
        Change(name=move.new, before=move.present, after=move.entry, other=move.old),
    )


def _elsewhere(project: Project, old: str, new: str) -> list[str]:
    """Proofs and profiles have locks of their own, whose lines are moved by a command of their own."""
    said = []
    for realm, profile in locks_in(project.root):
        name = lock_name(realm, profile)
        if name != project.lock_name and lines_below(load_lock(project.root / name, shown_as=name), old):
            flags = [*(["--proof"] * (realm is Realm.PROOF)), *([f"--profile {profile}"] if profile else [])]
            said.append(f"`{name}` has lines of it, too: `{' '.join(['seedpipe mv', old, new, *flags])}`")
    return said
