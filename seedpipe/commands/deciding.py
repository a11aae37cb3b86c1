"""What verbs of people's decisions share: their flags, the pictures they name, and how the outcome is told."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import click

from seedpipe.commands.invocation import (
    Function,
    Invocation,
    gathered,
    json_option,
    option,
    pass_invocation,
    project_options,
)
from seedpipe.commands.opening import ProjectFlags
from seedpipe.errors import UsageError
from seedpipe.limits import ExitCode
from seedpipe.manifest.node import DerivedNode, FrameNode, ImageNode, Node
from seedpipe.plan.following import Followed, Outcome
from seedpipe.plan.present import Present
from seedpipe.plan.select import select
from seedpipe.project.deciding import Desk, open_desk
from seedpipe.project.following import follow
from seedpipe.project.project import Project
from seedpipe.review.decision_text import decision_text
from seedpipe.state.decisions import Verb
from seedpipe.state.lock import ImageEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class Flags(ProjectFlags):
    """Those of every such verb."""

    note: str | None
    as_json: bool


def decision_options(function: Function) -> Function:
    """The flags of every verb by which people decide; the command gets them as `flags`."""
    decorators = (
        gathered("flags", Flags),
        pass_invocation,
        json_option,
        project_options,
        option("--proof", is_flag=True, help="Of the proofs, which have choices of their own."),
        click.option("-m", "--note", metavar="TEXT", help="Why: it is kept with the decision."),
    )
    decorated: Any = function
    for decorate in decorators:
        decorated = decorate(decorated)
    return decorated  # type: ignore[no-any-return]


def project_of(invocation: Invocation, flags: Flags) -> Project:
    return flags.opened(invocation)


def pictures_named(project: Project, targets: Sequence[str]) -> Sequence[str]:
    """The images and frames among what `targets` name, in graph order. Raises `UsageError` if there are none."""
    nodes = select(project.graph, targets).nodes
    found = [
        node.address for node in project.graph if node.address in nodes and isinstance(node, ImageNode | FrameNode)
    ]
    if not found:
        first = next(node for node in project.graph if node.address in nodes)
        raise UsageError(f"there is nothing to choose for `{first.address}`: {_why(first)}", hint=_instead(first))
    return found


def the_picture_named(project: Project, target: str) -> str:
    """The one image or frame that `target` names. Raises `UsageError`."""
    found = pictures_named(project, [target])
    if len(found) > 1:
        listed = ", ".join(f"`{address}`" for address in found[:4]) + (" …" if len(found) > 4 else "")
        raise UsageError(f"`{target}` names {len(found)} pictures: {listed}", hint="name one of them")
    return found[0]


def _why(node: Node) -> str:
    if isinstance(node, DerivedNode):
        return "it is made here by its steps, always from the same input in the same way"
    return "it is a picture of yours, not one that is bought"


def _instead(node: Node) -> str:
    """What a person may have meant."""
    if isinstance(node, DerivedNode):
        return f"choose for what it is made from: `seedpipe takes {node.source.address}`"
    return "put another file there; what is made from it follows"


def decide_each(
    invocation: Invocation,
    flags: Flags,
    targets: Sequence[str],
    verb: Verb,
    choose: Callable[[Desk, Present], ImageEntry],
    *,
    says: Callable[[Desk, str], bool] = lambda _desk, _address: False,
) -> int:
    """One verb on all pictures that `targets` name; returns the exit code. `says` as in `Desk.decide`."""
    project = project_of(invocation, flags)
    addresses = pictures_named(project, targets)
    with open_desk(project) as desk:
        outcome = desk.decide(
            verb,
            addresses,
            lambda present: choose(desk, present),
            note=flags.note,
            says=lambda address: says(desk, address),
        )
        return tell(invocation, flags, desk, outcome)


def tell(
    invocation: Invocation,
    flags: Flags,
    desk: Desk,
    outcome: Outcome,
    *,
    remarks: Sequence[str] = (),
    elsewhere: Sequence[str] = (),
) -> int:
    """Puts files right, says what was decided and what follows from it; returns the exit code."""
    followed = consequences(desk, outcome)
    if flags.as_json:
        follows = None if followed is None else followed.to_dict()
        invocation.console.data({"seedpipe_decided": 1, **outcome.to_dict(), "follows": follows})
    else:
        say(invocation, desk, outcome, followed, remarks=remarks, elsewhere=elsewhere)
    return ExitCode.FAILED if outcome.refused else ExitCode.DONE


def consequences(desk: Desk, outcome: Outcome) -> Followed | None:
    """Does what is free, and finds out what is not; None where nothing can follow."""
    touched = dict.fromkeys([*outcome.decided, *outcome.put_right])
    decided = [name for name in touched if name in desk.project.graph]
    return follow(desk.project, decided, outcome.plan) if decided and outcome.plan is not None else None


def say(
    invocation: Invocation,
    desk: Desk,
    outcome: Outcome,
    followed: Followed | None,
    *,
    remarks: Sequence[str],
    elsewhere: Sequence[str] = (),
) -> None:
    """The outcome for people."""
    console = invocation.console
    text = decision_text(
        outcome,
        followed,
        remarks=remarks,
        elsewhere=elsewhere,
        advice=desk.advice,
        realm=desk.project.realm,
        flags=invocation.flags,
        width=console.width,
        style=console.style,
    )
    console.out(text)
