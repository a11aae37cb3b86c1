"""`seedpipe doctor`: the set-up checked, with the free probe."""

import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import click

from seedpipe import __version__
from seedpipe.catalogue.lookup import Catalogue
from seedpipe.commands.invocation import Invocation, json_option, option, pass_invocation, project_options
from seedpipe.commands.opening import opened
from seedpipe.display import wrap
from seedpipe.errors import ManifestError, SeedpipeError, UsageError
from seedpipe.limits import ExitCode
from seedpipe.manifest.node import FrameNode, ImageNode
from seedpipe.names import Realm
from seedpipe.project.checkup import Check, Finding, check, check_service
from seedpipe.project.project import Project, find_manifest, users_catalogue, users_trust
from seedpipe.project.trust import Endpoint, Wanted, open_endpoint
from seedpipe.service.probe import PROBE_SECONDS
from seedpipe.state.highwater import mark_path
from seedpipe.state.home import ProjectState, config_folder, home_folder
from seedpipe.state.journal import Journal
from seedpipe.state.journal_schema import check_all
from seedpipe.state.repair import has_records, repair_journal
from seedpipe.state.settings import read_settings

_ID_AT_THE_END = re.compile(r"\s*\(?request id:?\s+\S+\s*\Z", re.IGNORECASE)  # said on a line of its own
_WORDS = 20  # the column in which the words of a check begin


@click.command("doctor")
@option("--offline", is_flag=True, help="Ask nothing of the network.")
@option("--repair", is_flag=True, help="Set a damaged journal aside and keep what is sound of it.")
@option(
    "--timeout",
    type=click.FloatRange(0.1, 600),
    default=PROBE_SECONDS,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for each answer.",
)
@project_options
@json_option
@pass_invocation
def command(
    invocation: Invocation,
    offline: bool,
    repair: bool,
    timeout: float,
    provider: str | None,
    variables: tuple[str, ...],
    profile: str | None,
    as_json: bool,
) -> int:
    """Check this installation, the project, what is kept of it, and that key, base URL and models go together.

    The look at the service is free: it asks for the list of models, and of each model that the manifest uses for a
    picture of one pixel, which every model refuses. Where there is no project, every provider is asked that has a key.

    Exit codes: 0 all is well, 1 something is wrong and each says what to do, 2 the manifest is what is wrong.

    \b
    Example:
      seedpipe doctor
      seedpipe doctor --provider byteplus --json
    """
    console = invocation.console
    found: list[Check] = []
    for one in _checks(
        invocation,
        offline=offline,
        repair=repair,
        seconds=timeout,
        provider=provider,
        variables=variables,
        profile=profile,
    ):
        found.append(one)
        if not as_json:
            console.out(_lines(invocation, one))
    faulty = {one.name for one in found if one.finding is Finding.FAULT}
    if as_json:
        console.data({"seedpipe_doctor": 1, "ok": not faulty, "checks": [_entry(one) for one in found]})
    return ExitCode.USAGE if "manifest" in faulty else ExitCode.FAILED if faulty else ExitCode.DONE


def _checks(
    invocation: Invocation,
    *,
    offline: bool,
    repair: bool,
    seconds: float,
    provider: str | None,
    variables: Sequence[str],
    profile: str | None,
) -> Iterator[Check]:
    """In the order in which they rest on each other; a fault never hides what doesn't rest on it."""
    yield Check(name="seedpipe", finding=Finding.OK, message=f"{__version__} on Python {sys.version.split()[0]}")
    yield check("data folder", lambda: str(home_folder(os.environ)))
    try:
        find_manifest(invocation.folder, invocation.file)
    except UsageError as error:
        if invocation.file is not None:
            yield Check(name="manifest", finding=Finding.FAULT, message=error.message, hint=error.hint)
            return
        yield Check(name="manifest", finding=Finding.SKIPPED, message="there is no project here", hint=error.hint)
        if not offline:
            yield from _providers(provider, seconds)
        return
    try:
        project = opened(invocation, profile=profile, variables=variables, provider=provider)
    except SeedpipeError as error:
        hint = "`seedpipe check` shows them" if isinstance(error, ManifestError) else error.hint
        yield Check(name="manifest", finding=Finding.FAULT, message=error.message, hint=hint)
        return
    nodes = f"{len(project.graph):,} picture{'s' if len(project.graph) != 1 else ''}"
    yield Check(name="manifest", finding=Finding.OK, message=nodes)
    if repair:
        yield from _repaired(project)
    yield check("journal", lambda: _journal(project))
    if not offline:
        yield from _service(project, provider, seconds)


def _service(project: Project, provider: str | None, seconds: float) -> Iterator[Check]:
    models = _models_of(project)
    try:
        endpoint = open_endpoint(
            project.wanted(), catalogue=project.catalogue, environ=os.environ, flag=provider, trusted=project.trusted()
        )
    except SeedpipeError as error:
        yield Check(name="key", finding=Finding.FAULT, message=error.message, hint=error.hint)
        yield from (Check(name="model", subject=name, finding=Finding.SKIPPED, message="not asked") for name in models)
        return
    yield from check_service(endpoint, models, project.catalogue, seconds=seconds)


def _models_of(project: Project) -> Sequence[str]:
    """Dated ids, in the order in which the manifest uses them first."""
    resolver = project.resolver()
    bases = [node.sequence.base if isinstance(node, FrameNode) else node for node in project.graph]
    names = dict.fromkeys(look.model for node in bases if isinstance(node, ImageNode) for look in node.looks or (node,))
    return list(dict.fromkeys(resolver.model(name) for name in names))


def _providers(flag: str | None, seconds: float) -> Iterator[Check]:
    """Without a project: the provider that is named, else the environment's, else all that have a key."""
    settings = read_settings(config_folder(os.environ))
    catalogue = users_catalogue(settings)
    endpoints: list[Endpoint] = []
    missing: UsageError | None = None
    alone = flag is not None or bool(os.environ.get("SEEDPIPE_BASE_URL"))
    for name in [None] if alone else catalogue.providers:
        try:
            endpoints.append(
                open_endpoint(
                    Wanted(name=name),
                    catalogue=catalogue,
                    environ=os.environ,
                    flag=flag,
                    trusted=users_trust(settings),
                )
            )
        except UsageError as error:
            missing = missing or error
    if not endpoints and missing is not None:
        yield Check(name="key", finding=Finding.FAULT, message=missing.message, hint=missing.hint)
    for endpoint in endpoints:
        for one in check_service(endpoint, _sold(catalogue, endpoint.provider), catalogue, seconds=seconds):
            yield one if len(endpoints) == 1 or one.subject else replace(one, subject=endpoint.provider)


def _sold(catalogue: Catalogue, provider: str) -> Sequence[str]:
    offers = catalogue.provider(provider).offers
    return [name for name in catalogue.models if name in offers and catalogue.model(name, provider).is_usable]


def _journal(project: Project) -> str:
    """Every page and row is looked at, of the proofs' journal too."""
    told = []
    for realm, path in _journals(project):
        with closing(Journal.open(path, account="reader")) as journal:
            check_all(path)
            held = sum(one.needs_a_person for one in journal.held())
            charges = f"{held} charge{'s are' if held > 1 else ' is'} uncertain (`seedpipe resolve`)"
            kind = "pictures" if realm is Realm.LIVE else "proofs"
            told.append(f"{len(journal.arrivals())} {kind} received")
            told += [charges] if held and realm is Realm.LIVE else []
    return ", ".join(told) or "nothing was built here yet"


def _repaired(project: Project) -> Iterator[Check]:
    """What is sound of each journal stays; what is forgotten for good is said."""
    found = [_repaired_one(realm, path) for realm, path in _journals(project)]
    yield from found or [Check(name="repair", finding=Finding.OK, message="nothing was built here yet")]


def _repaired_one(realm: Realm, path: Path) -> Check:
    name = "journal" if realm is Realm.LIVE else "journal of the proofs"
    try:
        done = repair_journal(path)
    except SeedpipeError as error:
        return Check(name="repair", finding=Finding.FAULT, message=error.message, hint=error.hint)
    if done.aside is None:
        return Check(name="repair", finding=Finding.OK, message=f"the {name} is sound")
    rest = {None: "how many more there were can't be read", 0: "no request is missing"}.get(
        done.missing, f"{done.missing} more can't be read"
    )
    lost = f", {done.lost} rows made no sense" if done.lost else ""
    kept = f"{name}: {done.requests} requests and {done.pictures} pictures kept; {rest}{lost}; the old file is in {done.aside}"
    if done.missing == 0 and not done.lost:
        return Check(name="repair", finding=Finding.OK, message=kept)
    hint = "what they cost is in no cap and no ledger now: `seedpipe spend reconcile FILE.csv` finds it in the bill"
    return Check(name="repair", finding=Finding.WARNING, message=kept, hint=hint if realm is Realm.LIVE else None)


def _journals(project: Project) -> Iterator[tuple[Realm, Path]]:
    """Those that there are."""
    if project.project_id is None:
        return
    for realm in Realm:
        home = home_folder(os.environ)
        path = ProjectState(home=home, project_id=project.project_id, realm=realm).journal
        if has_records(path) or mark_path(path).exists():
            yield realm, path


def _lines(invocation: Invocation, one: Check) -> str:
    """`ok       model       seedream-4-5-251128: served`, and below it what to do."""
    style, width = invocation.console.style, invocation.console.width
    paint = {Finding.OK: style.green, Finding.WARNING: style.yellow, Finding.FAULT: style.red}.get(
        one.finding, style.dim
    )
    words = _ID_AT_THE_END.sub("", one.message) if one.request_id else one.message
    words = words if one.subject is None else f"{one.subject}: {words}"
    room = max(width - _WORDS, 30)
    text = wrap(words, room)
    lines = [f"{paint(one.finding.value.ljust(8))}{one.name:<12}{text[0]}"]
    lines += [" " * _WORDS + line for line in text[1:]]
    if one.request_id is not None:
        lines.append(" " * _WORDS + style.dim(f"request id {one.request_id}"))
    if one.hint is not None:
        lines += [" " * _WORDS + ("→ " if not at else "  ") + line for at, line in enumerate(wrap(one.hint, room - 2))]
    return "\n".join(lines)


def _entry(one: Check) -> dict[str, str]:
    entry = {"check": one.name, "finding": one.finding.value, "message": one.message}
    optional = {"subject": one.subject, "hint": one.hint, "request_id": one.request_id}
    return {**entry, **{name: value for name, value in optional.items() if value is not None}}
