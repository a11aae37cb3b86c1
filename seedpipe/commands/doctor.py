"""`seedpipe doctor`: the set-up checked, with the free probe."""

import os
import sys
from collections.abc import Callable

import click

from seedpipe import __version__
from seedpipe.commands.invocation import Invocation, option, pass_invocation, project_options
from seedpipe.commands.opening import opened
from seedpipe.errors import SeedpipeError
from seedpipe.limits import ExitCode
from seedpipe.project.project import Project
from seedpipe.project.service import probe
from seedpipe.project.trust import open_endpoint
from seedpipe.state.home import home_folder
from seedpipe.state.repair import repair_journal


@click.command("doctor")
@option("--offline", is_flag=True, help="Ask nothing of the network.")
@option("--repair", is_flag=True, help="Set a damaged journal aside and keep what is sound of it.")
@project_options
@pass_invocation
def command(
    invocation: Invocation,
    offline: bool,
    repair: bool,
    provider: str | None,
    variables: tuple[str, ...],
    profile: str | None,
) -> int:
    """Check this installation, the project, what is kept of it, and that key, base URL and model go together.

    The look at the service is free: it asks for the list of models.

    \b
    Example:
      seedpipe doctor
    """
    report = _Report(invocation)
    report.fine("seedpipe", f"{__version__} on Python {sys.version.split()[0]}")
    report.check("data folder", lambda: str(home_folder(os.environ)))
    project: list[Project] = []

    def look() -> str:
        project.append(opened(invocation, profile=profile, variables=variables, provider=provider))
        return f"{len(project[0].graph)} nodes"

    report.check("manifest", look)
    if project:
        if repair:
            report.check("repair", lambda: _repaired(project[0]))
        report.check("journal", lambda: _journal(project[0]))
        if not offline:
            report.check("service", lambda: _service(project[0], provider))
    return ExitCode.FAILED if report.failed else ExitCode.DONE


class _Report:
    """Lines of what was looked at; a failure never hides the next look."""

    def __init__(self, invocation: Invocation) -> None:
        self._console = invocation.console
        self.failed = False

    def fine(self, name: str, words: str) -> None:
        self._console.out(f"{self._console.style.green('ok')}    {name:<12}{words}")

    def check(self, name: str, look: Callable[[], str]) -> None:
        try:
            self.fine(name, look())
        except SeedpipeError as error:
            self.failed = True
            self._console.out(f"{self._console.style.red('fault')} {name:<12}{error.message}")
            if error.hint:
                self._console.out(f"{'':18}{error.hint}")


def _journal(project: Project) -> str:
    memory = project.recollection()
    if memory.journal is None:
        return "nothing was built here yet"
    unknowns = memory.journal.unknowns()
    held = f"; {len(unknowns)} of uncertain charge" if unknowns else ""
    return f"{len(memory.journal.arrivals())} pictures received{held}"


def _repaired(project: Project) -> str:
    """What is sound of the journal stays; the index of takes is built again from it."""
    if project.project_id is None:
        return "nothing was built here yet"
    places = project.state(project.project_id)
    if not places.journal.exists():
        return "there is no journal to repair"
    done = repair_journal(places.journal)
    if done.aside is None:
        return "the journal is sound"
    lost = f"{done.lost} rows lost" if done.lost else "no row was lost"
    return f"{done.requests} requests and {done.pictures} pictures kept, the old file is {done.aside}; {lost}"


def _service(project: Project, provider: str | None) -> str:
    endpoint = open_endpoint(
        project.wanted(), catalogue=project.catalogue, environ=os.environ, flag=provider, trusted=project.trusted()
    )
    found = probe(endpoint)
    if not found.reachable:
        raise SeedpipeError(f"{endpoint.host} can't be reached: {found.message}")
    if found.key_works is False:
        raise SeedpipeError(f"{endpoint.host} refuses the key: {found.message}", hint="`seedpipe login` stores another")
    kind = "the emulator" if found.is_emulator else "answers"
    return f"{endpoint.host}: {kind}, HTTP {found.http_status}"
