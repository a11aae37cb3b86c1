"""What a project's lock remembers of the catalogue, asked again, and what would come of the answers."""

from collections.abc import Sequence
from dataclasses import replace

from seedpipe.errors import ManifestError, Severity
from seedpipe.plan.lint import lint
from seedpipe.plan.plan import Plan
from seedpipe.plan.resolve import Resolver
from seedpipe.plan.select import Wish, select
from seedpipe.plan.upgrade import Answers, Moved, ask_again, moved_by
from seedpipe.project.memory import Recollection
from seedpipe.project.project import Project
from seedpipe.state.lock import RESOLVED

_WORKERS = 8  # requests at once, as a build has them: for the forecast


def answers_now(project: Project, names: Sequence[str]) -> Answers:
    """Of the lock of this realm and profile. Raises `UsageError` for a name that it holds nothing about."""
    fresh = Resolver(catalogue=project.catalogue, provider=project.provider, remembered={})
    return ask_again(project.lock.resolved, fresh, names)


def what_would_move(project: Project, memory: Recollection, answers: Answers) -> Moved:
    """Raises `ManifestError` if the manifest asks for what the catalogue's models of now can't do."""
    values = {f"{RESOLVED}{ask}": new for ask, (_, new) in answers.changed.items()}
    upgraded = project.with_lock(project.lock.replacing(values))
    faults = lint(
        upgraded.graph,
        catalogue=upgraded.catalogue,
        provider=upgraded.provider,
        resolver=upgraded.resolver(),
        outputs=upgraded.outputs,
    )
    if any(fault.severity is Severity.ERROR for fault in faults):
        raise ManifestError(faults)
    return moved_by(_planned(project, memory), _planned(upgraded, replace(memory, lock=upgraded.lock)))


def _planned(project: Project, memory: Recollection) -> Plan:
    return project.plan(Wish(selection=select(project.graph, ())), memory, workers=_WORKERS)
