"""`seedpipe check`: validate and lint; spends nothing."""

import os
from collections.abc import Sequence
from dataclasses import replace

import click

from seedpipe import __version__
from seedpipe.commands.invocation import Invocation, json_option, option, pass_invocation, project_options
from seedpipe.commands.opening import opened
from seedpipe.console import count_faults, json_text, render_faults
from seedpipe.errors import Fault, ManifestError, Severity, StateError
from seedpipe.limits import ExitCode
from seedpipe.project.inputs import inputs_of
from seedpipe.project.project import users_catalogue
from seedpipe.project.records import record_faults, record_files
from seedpipe.review.faults import faults_github, faults_json, faults_sarif
from seedpipe.state.home import config_folder
from seedpipe.state.settings import read_settings


@click.command("check")
@option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "github", "sarif"]),
    default="text",
    help="How it is written.",
)
@project_options
@json_option
@pass_invocation
def command(
    invocation: Invocation,
    form: str,
    provider: str | None,
    variables: tuple[str, ...],
    profile: str | None,
    as_json: bool,
) -> int:
    """Read the manifest, its data, templates and sources, all locks and decisions, and say all that is wrong at once.

    \b
    Example:
      seedpipe check
      seedpipe check --format github      # annotations in a pull request
    """
    faults, code = _faults(invocation, provider, variables, profile)
    console = invocation.console
    match "json" if as_json else form:
        case "json":
            console.data(faults_json(faults))
        case "github":
            if faults:
                console.out(faults_github(faults))
        case "sarif":
            console.out(json_text(faults_sarif(faults, version=__version__)))
        case _ if faults:
            console.out(render_faults(faults, invocation.text_of, console.style, width=console.width))
        case _:
            console.out(f"{invocation.file or 'the manifest'} is fine: {count_faults(faults)}")
    return code


def _faults(
    invocation: Invocation, provider: str | None, variables: tuple[str, ...], profile: str | None
) -> tuple[tuple[Fault, ...], ExitCode]:
    try:
        project = opened(invocation, profile=profile, variables=variables, provider=provider)
    except ManifestError as error:
        return (*error.faults, *_records(invocation, profile)), ExitCode.USAGE
    except StateError as error:
        fault = Fault(code="lock", message=error.message, position=error.position, hint=error.hint)
        lines = _records(invocation, profile)  # every line that is wrong, if lines are what is wrong
        told = lines if any(one.severity is Severity.ERROR for one in lines) else (fault, *lines)
        return tuple(told), ExitCode.USAGE
    records = record_faults(project.root, profile, project.catalogue, project)
    room = (*project.room_faults(), *(fault for fault in records if fault.severity is Severity.ERROR))
    mild = (fault for fault in records if fault.severity is Severity.WARNING)
    inputs = inputs_of(project, searched=invocation.searched)
    invocation.rests_on = replace(inputs, files=inputs.files | set(map(str, record_files(project))))
    return tuple(
        sorted((*project.warnings, *mild, *room), key=Fault.sort_key)
    ), ExitCode.USAGE if room else ExitCode.DONE


def _records(invocation: Invocation, profile: str | None) -> Sequence[Fault]:
    """What is wrong with lock and decisions where the project can't be opened."""
    catalogue = users_catalogue(read_settings(config_folder(os.environ)))
    return record_faults(invocation.folder, profile, catalogue)
