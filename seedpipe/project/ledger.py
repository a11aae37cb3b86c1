"""Entries of the ledger from the journals: of one project, or of all in the user's data folder."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from seedpipe.errors import StateError
from seedpipe.names import Realm
from seedpipe.state.highwater import mark_path
from seedpipe.state.journal import Journal
from seedpipe.state.journal_schema import is_there
from seedpipe.state.ledger import Entry, entry_of
from seedpipe.state.requests import Request, SpendRow, Word
from seedpipe.state.rows import ids_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Proofs:
    """Drawn by an emulator: nothing was billed."""

    requests: int
    pictures: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """`released` are the requests of which a person said that they were not charged.

    `missing` are projects of which nothing is known, because their journal can't be read, with the reason.
    """

    entries: Sequence[Entry]
    released: Sequence[Entry]
    proofs: Proofs
    missing: Mapping[str, StateError] = field(default_factory=dict)


def trouble(project: str, error: StateError) -> str:
    """What it means that a project's journal can't be read."""
    return f"what `{project}` has spent is not known: {error.message}"


def read_ledger(home: Path, projects: Sequence[str], *, since: str | None = None, until: str | None = None) -> Ledger:
    """What the journals of `projects` say of the days `since` to `until`; those that can't be read are `missing`."""
    entries: list[Entry] = []
    released: list[Entry] = []
    missing: dict[str, StateError] = {}
    requests = pictures = 0
    for project in projects:
        try:
            for entry, was_released in _live(_journal(home, project, Realm.LIVE), project, since, until):
                (released if was_released else entries).append(entry)
            drawn = _proofs(_journal(home, project, Realm.PROOF), since, until)
        except StateError as error:
            missing[project] = error
            continue
        requests, pictures = requests + drawn.requests, pictures + drawn.pictures
    return Ledger(
        entries=sorted(entries, key=lambda entry: entry.at),
        released=sorted(released, key=lambda entry: entry.at),
        proofs=Proofs(requests=requests, pictures=pictures),
        missing=missing,
    )


def all_projects(home: Path) -> Sequence[str]:
    """The ids of all projects that were ever built with this data folder."""
    projects = home / "projects"
    found = [*projects.glob("*/*/journal.sqlite"), *projects.glob(f"*/*/{mark_path(Path('journal.sqlite'))}")]
    return sorted({path.parent.parent.name for path in found})


def _journal(home: Path, project: str, realm: Realm) -> Path:
    return home / "projects" / project / realm.value / "journal.sqlite"


def _live(path: Path, project: str, since: str | None, until: str | None) -> Iterator[tuple[Entry, bool]]:
    if not is_there(path):
        return
    with closing(Journal.open(path, account="reader")) as journal:
        held = {one.request.id for one in journal.held() if one.needs_a_person}
        for row in journal.spend_rows(since=since, until=until):
            yield entry_of(row, project=project, held=row.request.id in held), False
        senders = journal.senders()
        for request, said in journal.resolved():
            if said.word is Word.NOT_PAID and request.charge is None:
                row = SpendRow(
                    request=request,
                    user=senders[request.run],
                    day=_day(request),
                    ids=ids_of(request),
                    kept={},
                    charged=None,
                    open=None,
                )
                yield entry_of(row, project=project, held=False), True


def _day(request: Request) -> str:
    return (request.sent_at or request.intended_at)[:10]


def _proofs(path: Path, since: str | None, until: str | None) -> Proofs:
    if not is_there(path):
        return Proofs(requests=0, pictures=0)
    with closing(Journal.open(path, account="reader")) as journal:
        rows = journal.spend_rows(since=since, until=until)
    return Proofs(requests=len(rows), pictures=sum(row.pictures for row in rows))
