"""`seedpipe spend`: the ledger, and its comparison with what a provider bills."""

import csv
import io
import os
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import click

from seedpipe.build.budget import Limits, caps_asked, limits_of
from seedpipe.commands.invocation import Invocation, VerbGroup, json_option, option, pass_invocation, project_options
from seedpipe.commands.opening import opened
from seedpipe.commands.reconcile import reconcile
from seedpipe.errors import StateError, UsageError
from seedpipe.limits import ExitCode
from seedpipe.manifest.definition import Budget
from seedpipe.names import Realm
from seedpipe.plan.price import currency_of
from seedpipe.project.ledger import Ledger, all_projects, read_ledger, trouble
from seedpipe.project.project import Project
from seedpipe.review.spend_text import Month, spend_text
from seedpipe.state.caps import CapKind
from seedpipe.state.home import config_folder, home_folder
from seedpipe.state.ledger import Entry, Grouping, csv_rows, forecast, lines_by, request_data, totals
from seedpipe.state.settings import read_settings

_DAY = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?\Z")


@click.group("spend", cls=VerbGroup, invoke_without_command=True)
@option(
    "--by", "grouping", type=click.Choice([one.value for one in Grouping]), default="model", help="A line for each."
)
@option("--since", metavar="DAY", help="From this day on (UTC): `2026-11-24`, `2026-11` or `2026`.")
@option("--until", metavar="DAY", help="Up to this day, it included.")
@option("--all", "everywhere", is_flag=True, help="Of all your projects on this machine.")
@option("--format", "form", type=click.Choice(["text", "json", "csv"]), default="text", help="How it is written.")
@project_options
@json_option
@pass_invocation
@click.pass_context
def command(
    ctx: click.Context,
    invocation: Invocation,
    grouping: str,
    since: str | None,
    until: str | None,
    everywhere: bool,
    form: str,
    provider: str | None,
    variables: tuple[str, ...],
    profile: str | None,
    as_json: bool,
) -> int:
    """Say what was spent: estimated when it was sent, charged, and uncertain apart; currencies are never added.

    Proofs cost nothing and are only counted. Beside this month stand its budget and where it is going.

    \b
    Example:
      seedpipe spend --by node --since 2026-11
      seedpipe spend --by request --format csv > ledger.csv
      seedpipe spend reconcile usage.csv
    """
    if ctx.invoked_subcommand is not None:
        return ExitCode.DONE
    project = _project(invocation, provider, variables, profile, everywhere=everywhere)
    home = home_folder(os.environ)
    own = [project.project_id] if project is not None and project.project_id is not None else []
    projects = all_projects(home) if everywhere or grouping == Grouping.PROJECT else own
    first, last = _day(since, "--since", "01"), _day(until, "--until", "31")
    if first is not None and last is not None and first > last:
        raise UsageError(
            f"`--since {since}` is after `--until {until}`: no day lies between them",
            hint=f"swap them: `--since {until} --until {since}`",
        )
    ledger = read_ledger(home, projects, since=first, until=last)
    for name, error in ledger.missing.items():
        if projects == own:
            raise StateError(trouble(name, error), hint=error.hint) from error
    months, unread = _months(project, own, everywhere=everywhere)
    unknown = {**ledger.missing, **unread}
    troubles = {name: trouble(name, error) for name, error in unknown.items()}
    for name, words in troubles.items():
        invocation.console.warning(words, hint=unknown[name].hint)
    by = Grouping(grouping)
    if as_json or form == "json":
        data = _data(ledger, by, months, since=since, until=until, projects=projects)
        invocation.console.data({**data, "troubles": list(troubles.values())})
    elif form == "csv":
        invocation.console.out(_csv(ledger.entries, by))
    else:
        title = " · ".join(
            [_whose(projects, project, everywhere=projects is not own), "spent", *_period(since, until), "days are UTC"]
        )
        text = spend_text(
            title,
            ledger.entries,
            by,
            proofs=ledger.proofs.pictures,
            months=months,
            missing=list(ledger.missing),
            width=invocation.console.width,
            style=invocation.console.style,
        )
        invocation.console.out(text)
    return ExitCode.FAILED if troubles else ExitCode.DONE


command.add_command(reconcile)


def _whose(projects: Sequence[str], project: Project | None, *, everywhere: bool) -> str:
    """What the ledger is of. A project in which nothing was built yet has no id, but a name."""
    if len(projects) == 1:
        return projects[0]
    return "all projects" if everywhere or project is None else project.manifest.project or project.root.name


def _project(
    invocation: Invocation, provider: str | None, variables: Sequence[str], profile: str | None, *, everywhere: bool
) -> Project | None:
    """None where all projects are meant and none is here."""
    try:
        return opened(invocation, profile=profile, variables=variables, provider=provider, realm=Realm.LIVE)
    except UsageError as error:
        if everywhere:
            return None
        if error.hint is None or "seedpipe init" not in error.hint:
            raise
        raise UsageError(error.message, hint=f"{error.hint}; `seedpipe spend --all` is of all your projects") from error


def _day(text: str | None, flag: str, rest: str) -> str | None:
    """The first or the last day of what `text` names."""
    if text is None:
        return None
    found = _DAY.match(text)
    year, month, day = found.groups() if found else ("", None, None)
    try:
        datetime(int(year), int(month or 1), int(day or 1), tzinfo=UTC)
    except ValueError:
        raise UsageError(
            f"`{flag} {text}` is no day, month or year", hint=f"write it like `{flag} 2026-11-24`, `2026-11` or `2026`"
        ) from None
    months = {"01": "01", "31": "12"}
    return f"{year}-{month or months[rest]}-{day or rest}"


def _period(since: str | None, until: str | None) -> list[str]:
    if since is None and until is None:
        return []
    return [" ".join([*(["since", since] if since else []), *(["until", until] if until else [])])]


def _months(
    project: Project | None, own: Sequence[str], *, everywhere: bool
) -> tuple[Sequence[Month], Mapping[str, StateError]]:
    """This month of the project beside the manifest's budget, and of all projects beside the user's own.

    And the projects that are not in it, because their journal can't be read.
    """
    home, today = home_folder(os.environ), datetime.now(UTC).date()
    caps = [cap for cap in _limits(project).caps if cap.kind is CapKind.PER_MONTH]
    found: list[Month] = []
    unread: dict[str, StateError] = {}
    for name, projects, over_all in (
        ("this month", own, False),
        ("this month in all projects", all_projects(home), True),
    ):
        binding = [cap.limit for cap in caps if cap.over_all_projects is over_all]
        if over_all and not (binding or everywhere):
            continue
        if not over_all and everywhere:
            continue
        ledger = read_ledger(home, projects, since=today.strftime("%Y-%m-01"))
        unread |= ledger.missing
        for one in forecast(ledger.entries, today, currencies=[limit.currency for limit in binding]):
            fitting = [limit for limit in binding if limit.currency == one.so_far.currency]
            found.append(Month(name=name, forecast=one, cap=min(fitting, key=lambda limit: limit.micros, default=None)))
    return found, unread


def _limits(project: Project | None) -> Limits:
    if project is None:
        return limits_of(Budget(), read_settings(config_folder(os.environ)), caps_asked({}, os.environ, "USD"))
    currency = currency_of(project.catalogue, project.provider)
    return limits_of(project.manifest.budget, project.settings, caps_asked({}, os.environ, currency))


def _data(
    ledger: Ledger,
    by: Grouping,
    months: Sequence[Month],
    *,
    since: str | None,
    until: str | None,
    projects: Sequence[str],
) -> dict[str, object]:
    lines = (
        [request_data(entry) for entry in ledger.entries]
        if by is Grouping.REQUEST
        else [line.to_dict() for line in lines_by(ledger.entries, by)]
    )
    return {
        "seedpipe_spend": 1,
        "projects": list(projects),
        "since": since,
        "until": until,
        "by": by.value,
        "lines": lines,
        "totals": [line.to_dict() for line in totals(ledger.entries)],
        "months": [month.to_dict() for month in months],
        "proofs": {"requests": ledger.proofs.requests, "pictures": ledger.proofs.pictures},
    }


def _csv(entries: Sequence[Entry], by: Grouping) -> str:
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows(csv_rows(entries, by))
    return stream.getvalue()
