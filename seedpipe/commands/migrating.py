"""`seedpipe models --migrate`: what a project must change to move from one model to another, and what it would cost."""

import contextlib
from dataclasses import dataclass

from seedpipe.catalogue.compare import short_name
from seedpipe.commands.invocation import Invocation
from seedpipe.commands.opening import opened
from seedpipe.errors import UsageError
from seedpipe.limits import ExitCode
from seedpipe.names import Realm
from seedpipe.plan.lint import OF_THE_MODEL
from seedpipe.plan.migration import Migration, migrate
from seedpipe.plan.plan import Plan
from seedpipe.plan.select import Wish, select
from seedpipe.project.memory import Recollection
from seedpipe.project.project import Project
from seedpipe.review.migration_text import Outlook, migration_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What was asked on the command line. `source` and `target` are models by any of their names."""

    source: str
    target: str
    targets: tuple[str, ...]
    provider: str | None
    profile: str | None
    variables: tuple[str, ...]
    as_json: bool


def say_migration(invocation: Invocation, ask: Ask) -> int:
    """Looks and changes nothing. Raises `UsageError` where there is nothing to move or the target isn't served."""
    project = opened(
        invocation,
        profile=ask.profile,
        variables=ask.variables,
        provider=ask.provider,
        realm=Realm.LIVE,
        tolerated=OF_THE_MODEL,  # else one could not even ask how to leave a model that is no longer there
    )
    selection = select(project.graph, ask.targets)
    found = migrate(
        project.graph,
        selection.nodes,
        ask.source,
        ask.target,
        catalogue=project.catalogue,
        provider=project.provider,
        resolver=project.resolver(),
    )
    outlook = _outlook(project, found)
    names = short_name(project.catalogue, found.source.id), short_name(project.catalogue, found.target.id)
    console = invocation.console
    if ask.as_json:
        console.data(_document(project, found, outlook))
    else:
        name = project.manifest.project or project.root.name
        console.out(migration_text(found, outlook, names, project=name, width=console.width, style=console.style))
    return ExitCode.DONE


def _outlook(project: Project, found: Migration) -> Outlook:
    """What a build of everything buys now, and what it would buy then."""
    memory = project.recollection()
    with contextlib.closing(memory):
        now = _plan(project, memory)
        then = _plan(project.with_graph(found.graph), memory)
    return Outlook(now=now, then=then)


def _plan(project: Project, memory: Recollection) -> Plan | None:
    """None for a graph that can't be planned: a size that isn't there, a price that nobody knows."""
    try:
        return project.plan(Wish(selection=select(project.graph, ())), memory, workers=8)
    except UsageError:
        return None


def _document(project: Project, found: Migration, outlook: Outlook) -> dict[str, object]:
    return {
        "seedpipe_migration": 1,
        "project": project.manifest.project,
        "provider": found.provider,
        "from": found.source.id,
        "to": found.target.id,
        **found.to_dict(),
        "builds": {
            "now": None if outlook.now is None else _bought(outlook.now),
            "then": None if outlook.then is None else _bought(outlook.then),
        },
    }


def _bought(plan: Plan) -> dict[str, object]:
    return {"pictures": plan.pictures, "expected": str(plan.cost.expected), "high": str(plan.cost.high)}
