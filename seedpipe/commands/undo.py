"""`seedpipe undo`: a decision taken back."""

import click

from seedpipe.commands.deciding import Flags, decision_options, project_of, tell
from seedpipe.commands.invocation import Invocation
from seedpipe.plan.following import Outcome
from seedpipe.project.deciding import open_desk
from seedpipe.review.decision_text import undone_words
from seedpipe.state.decisions import Verb


@click.command("undo")
@click.argument("decision", required=False, metavar="[ID]")
@decision_options
def command(invocation: Invocation, decision: str | None, flags: Flags) -> int:
    """Take back the last decision of this working copy, or the one named by its ID, exactly.

    It is refused where the choice has become another one since. To redo, take back the undo by its own ID.

    \b
    Example:
      seedpipe undo
      seedpipe undo k3f9x2mq
    """
    project = project_of(invocation, flags)
    with open_desk(project) as desk:
        act = desk.named_act(decision)
        plan = desk.plan([line.node for line in act.lines if line.node in project.graph])
        decisions = desk.undo(act, note=flags.note)
        outcome = Outcome(verb=Verb.UNDO, undone=act.verb, decisions=decisions, plan=plan)
        return tell(invocation, flags, desk, outcome, remarks=[undone_words(act)])
