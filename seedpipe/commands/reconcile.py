"""`seedpipe spend reconcile`: the ledger beside a provider's usage export. It changes nothing."""

import os
import re
from collections.abc import Callable
from datetime import timedelta, timezone
from pathlib import Path

import click

from seedpipe.catalogue.lookup import Catalogue
from seedpipe.catalogue.names import normal_name
from seedpipe.commands.invocation import Invocation, json_option, option, pass_invocation, project_options
from seedpipe.commands.opening import opened
from seedpipe.errors import UsageError, why
from seedpipe.limits import MAX_FILE_BYTES, ExitCode
from seedpipe.names import Realm
from seedpipe.plan.price import currency_of
from seedpipe.project.ledger import all_projects, read_ledger, trouble
from seedpipe.review.reconcile import reconcile as compare
from seedpipe.review.reconcile_text import reconcile_data, reconcile_text
from seedpipe.review.usage import NAMES, decode, read_usage
from seedpipe.state.home import home_folder

_OFFSET = re.compile(r"([+-])([0-9]{2}):?([0-9]{2})\Z")


@click.command("reconcile", short_help="Compare the ledger with a provider's bill.")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE.csv")
@option("--columns", metavar="FIELD=HEADER,…", help="Which column is what, where its name doesn't say: date, "
              "model, images, amount, currency, id.")  # fmt: skip
@option("--zone", metavar="+HH:MM", default="+00:00", help="Of the export's days and times.  [default: UTC]")
@option("--exit-code", is_flag=True, help="Exit with 3 if the two sides don't agree.")
@project_options
@json_option
@pass_invocation
def reconcile(
    invocation: Invocation,
    file: Path,
    columns: str | None,
    zone: str,
    exit_code: bool,
    provider: str | None,
    variables: tuple[str, ...],
    profile: str | None,
    as_json: bool,
) -> int:
    """Compare what was spent at a provider, in all your projects, with its usage export, and say what differs.

    Requests are compared by id where both sides have one, else by day and model. Of uncertain charges it says what
    the export makes of them, as commands that you may give; by itself it changes nothing.

    \b
    Example:
      seedpipe spend reconcile usage.csv
      seedpipe spend reconcile bill.csv --zone +08:00 --columns "model=Spec,amount=Amount (pre-tax)"
    """
    project = opened(invocation, profile=profile, variables=variables, provider=provider, realm=Realm.LIVE)
    offset = _zone(zone)
    export = read_usage(
        decode(_bytes(file)),
        columns=_columns(columns),
        zone=offset,
        currency=currency_of(project.catalogue, project.provider),
    )
    if not export.rows:
        what = "no line that was understood" if export.faults else "a header and no line below it"
        raise UsageError(f"`{file}` has {what}", hint=_first_fault(export.faults))
    home = home_folder(os.environ)
    ledger = read_ledger(home, all_projects(home))
    for name, error in ledger.missing.items():
        invocation.console.warning(trouble(name, error), hint=error.hint)
    found = compare(
        [entry for entry in ledger.entries if entry.provider == project.provider],
        [entry for entry in ledger.released if entry.provider == project.provider],
        export.rows,
        model_of=_model_names(project.catalogue),
        zone=offset,
    )
    console = invocation.console
    if as_json:
        console.data(reconcile_data(export, found))
    else:
        console.out(
            reconcile_text(
                file.name, export, found, provider=project.provider, width=console.width, style=console.style
            )
        )
    if ledger.missing:
        return ExitCode.FAILED
    agree = found.agrees and not export.faults
    return ExitCode.CHANGES if exit_code and not agree else ExitCode.DONE


def _bytes(file: Path) -> bytes:
    try:
        with file.open("rb") as stream:
            data = stream.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise UsageError(
            f"`{file}` can't be read: {why(error)}", hint="name the usage export that you downloaded, as CSV"
        ) from None
    if len(data) > MAX_FILE_BYTES:
        raise UsageError(f"`{file}` has more than {MAX_FILE_BYTES:,} bytes", hint="export a shorter period")
    return data


def _columns(text: str | None) -> dict[str, str]:
    found = {}
    for pair in filter(str.strip, (text or "").split(",")):
        field, equals, header = pair.partition("=")
        if not equals or field.strip() not in NAMES or not header.strip():
            raise UsageError(
                f"`--columns {pair.strip()}` names no column",
                hint=f"write it like `amount=Payable`; there are {', '.join(NAMES)}",
            )
        found[field.strip()] = header.strip()
    return found


def _zone(text: str) -> timezone:
    found = _OFFSET.match("+00:00" if text in ("UTC", "Z") else text)
    if found is None or int(found[2]) > 14 or int(found[3]) > 59:
        raise UsageError(f"`--zone {text}` is no offset from UTC", hint="write it like `--zone +08:00`")
    delta = timedelta(hours=int(found[2]), minutes=int(found[3]))
    return timezone(-delta if found[1] == "-" else delta)


def _first_fault(faults: object) -> str | None:
    return next((f"line {line}: {why}" for line, why in faults), None) if isinstance(faults, list) else None


def _model_names(catalogue: Catalogue) -> Callable[[str], str | None]:
    """Our name for a model of an export: by any of its names, or by the longest that stands in the text."""
    known = sorted(catalogue.names, key=len, reverse=True)

    def model_of(text: str) -> str | None:
        name = normal_name(text)
        if name in catalogue.names:
            return catalogue.names[name]
        loose = re.sub(r"[^a-z0-9]+", "-", text.casefold())
        return next(
            (catalogue.names[one] for one in known if re.search(rf"(?:^|-){re.escape(one)}(?:-|$)", loose)), None
        )

    return model_of
