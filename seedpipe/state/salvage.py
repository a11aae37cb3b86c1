"""What is sound of a damaged journal, copied into a new one: by its trees as far as they hold, then page by page.

A row that is only partly readable is mended where something else tells the truth, and where nothing does a person has
to: a request whose state makes no sense is of unknown outcome. Nothing is made up that would free money.
"""

import contextlib
import json
import re
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from seedpipe.money import Money
from seedpipe.names import Digest
from seedpipe.state.highwater import highest
from seedpipe.state.pages import Row, pages_of, rows_of
from seedpipe.state.requests import RequestState
from seedpipe.state.spent import add_charge, total_scopes

_TABLES: Final = ("owner", "run", "request", "arrival", "frame", "layer", "resolution")
_BY_POSITION: Final = ("arrival", "frame", "layer")  # keyed by request and place in its answer
_OF_REQUESTS: Final = (*_BY_POSITION, "resolution")
_NUMBERED: Final = ("request", "resolution")  # their first column is the row's number, and not written in the row
_SKIPPED: Final = 1000  # numbers that lost requests may have had
_OWNER: Final = re.compile(r"[0-9]+-[0-9a-f]{16}\Z")
_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}\Z")
_TIME: Final = re.compile(r"[12][0-9]{3}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-9.]+Z\Z")
_CURRENCY: Final = re.compile(r"[A-Z]{3}\Z")
_LONG_AGO: Final = "1970-01-01T00:00:00.000Z"

Values = dict[str, Any]


class Salvage:
    """From `damaged`, a copy that may be written to, into the new and empty journal `fresh`. `seen_at` is where it stood."""

    def __init__(self, damaged: Path, fresh: Path, *, seen_at: Path) -> None:
        self._damaged = damaged
        self._fresh = fresh
        self._commits = highest(seen_at)
        self._currency = ""
        self.count = dict.fromkeys((*_TABLES, "pictures", "lost"), 0)
        self.missing: int | None = 0

    def run(self) -> dict[str, int | None]:
        """How many rows of each table were saved, how many pictures, and how many rows were `lost` of those found.

        `missing` is how many requests there were besides; None if that can't be read.
        """
        log = self._damaged.with_name(self._damaged.name + "-wal")
        pages = pages_of(self._damaged.read_bytes(), log.read_bytes() if log.exists() else b"")
        with (
            closing(sqlite3.connect(self._damaged, isolation_level=None)) as old,
            closing(sqlite3.connect(self._fresh, isolation_level=None)) as new,
        ):
            old.text_factory = lambda data: data.decode("utf-8", "replace")
            with contextlib.suppress(sqlite3.DatabaseError, UnicodeDecodeError):
                old.execute("PRAGMA writable_schema = ON")  # else a file that was cut short is not read at all
            new.execute("PRAGMA synchronous = FULL")
            new.execute("BEGIN IMMEDIATE")
            columns = {table: [row[1] for row in new.execute(f"PRAGMA table_info({table})")] for table in _TABLES}
            loose = _by_table(pages, columns)
            self._currency = _usual_currency(_rows(old, "request", ["currency", "charge_currency"]))
            for table in _TABLES:
                self._copy(new, table, columns[table], _rows(old, table, columns[table]), loose[table])
            self._make_whole(old, new)
            new.execute("COMMIT")
            new.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return {**self.count, "missing": self.missing}

    def _copy(
        self,
        new: sqlite3.Connection,
        table: str,
        columns: Sequence[str],
        rows: Iterator[Sequence[Any]],
        loose: Sequence[Sequence[Any]],
    ) -> None:
        insert = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"  # noqa: S608
        seen: set[Any] = set()
        for row in (*rows, *loose):
            identity = tuple(row[:2]) if table in _BY_POSITION else row[0]
            if identity in seen:
                continue
            seen.add(identity)
            values = _MENDERS.get(table, _as_it_is)(dict(zip(columns, row, strict=True)), self._currency)
            if values is not None and _inserted(new, insert, table, values):
                self.count[table] += 1
            else:
                self.count["lost"] += 1

    def _make_whole(self, old: sqlite3.Connection, new: sqlite3.Connection) -> None:
        """Stand-ins for owners and runs that are lost, totals added up again, and no number or commit counted twice."""
        new.execute(
            "INSERT OR IGNORE INTO owner (id, pid, started_at)"
            " SELECT owner, 0, intended_at FROM request UNION SELECT owner, 0, started_at FROM run"
        )
        new.execute(
            "INSERT OR IGNORE INTO run (id, owner, started_at, realm, user)"
            " SELECT run, owner, intended_at, 'live', 'unknown' FROM request"
        )
        for table in _OF_REQUESTS:
            gone = new.execute(f"DELETE FROM {table} WHERE request NOT IN (SELECT id FROM request)").rowcount  # noqa: S608
            self.count[table] -= gone
            self.count["lost"] += gone
        self.count["pictures"] = new.execute("SELECT COUNT(*) FROM arrival WHERE digest IS NOT NULL").fetchone()[0]
        charges = new.execute("SELECT run, day, charge, charge_currency FROM request WHERE state = 'settled'")
        for run, day, charge, currency in charges.fetchall():
            add_charge(new, total_scopes(run=run, day=day), Money(charge, currency))
        written = _one(old, "SELECT value FROM counter WHERE name = 'writes'")
        new.execute("UPDATE counter SET value = ? WHERE name = 'writes'", (max(self._commits, written) + 1,))
        for table in _NUMBERED:
            highest_known = _one(old, f"SELECT seq FROM sqlite_sequence WHERE name = '{table}'")  # noqa: S608
            used = _one(new, f"SELECT COALESCE(MAX(number), 0) FROM {table}")  # noqa: S608
            if table == "request":
                unknowable = self._commits > written or highest_known < used
                self.missing = None if unknowable else highest_known - self.count[table]
            new.execute("DELETE FROM sqlite_sequence WHERE name = ?", (table,))
            new.execute(
                "INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)",
                (table, max(highest_known, used) if highest_known >= used else used + _SKIPPED),
            )


def _one(connection: sqlite3.Connection, sql: str) -> int:
    """A number that can be read, else 0."""
    with contextlib.suppress(sqlite3.DatabaseError, TypeError, ValueError):
        found = int(connection.execute(sql).fetchone()[0])
        return found if 0 <= found < 1 << 53 else 0
    return 0


def _inserted(new: sqlite3.Connection, insert: str, table: str, values: Values) -> bool:
    """What contradicts a rule in its state becomes unknown, if it is a request: a person looks at it then."""
    with contextlib.suppress(sqlite3.Error):
        new.execute(insert, tuple(values.values()))
        return True
    if table == "request":
        with contextlib.suppress(sqlite3.Error):
            new.execute(insert, tuple(_made_unknown(values).values()))
            return True
    return False


def _rows(old: sqlite3.Connection, table: str, columns: Sequence[str]) -> Iterator[Sequence[Any]]:
    """By the table's tree: from the beginning up to the damage, then from the end back to it; some rows come twice."""
    order = "request {0}, position {0}" if table in _BY_POSITION else "rowid {0}"
    for direction in ("ASC", "DESC"):
        with contextlib.suppress(sqlite3.DatabaseError, UnicodeDecodeError):
            yield from old.execute(
                f"SELECT {', '.join(columns)} FROM {table} NOT INDEXED ORDER BY {order.format(direction)}"  # noqa: S608
            )


def _by_table(pages: Sequence[bytes], columns: dict[str, list[str]]) -> dict[str, list[Sequence[Any]]]:
    """The rows that stand in the pages, under the tables they must be of. Of several of one name the last is taken."""
    found: dict[str, dict[Any, Sequence[Any]]] = {table: {} for table in _TABLES}
    for row in rows_of(pages):
        table = _table_of(row, columns)
        if table is None:
            continue
        values = [row.rowid, *row.values[1:]] if table in _NUMBERED else list(row.values)
        identity = tuple(values[:2]) if table in _BY_POSITION else values[0]
        found[table][identity] = values
    return {table: list(rows.values()) for table, rows in found.items()}


def _table_of(row: Row, columns: dict[str, list[str]]) -> str | None:
    """By its shape; rows of indexes have others."""
    values = row.values
    fitting = {table for table, names in columns.items() if len(names) == len(values)}
    if row.rowid is None:
        if len(values) < 3 or not _is(values[0], "req-") or not isinstance(values[1], int):
            return None
        if "frame" in fitting:
            return "frame" if _is(values[3], "sha256:") else None
        return next(iter(fitting & {"arrival", "layer"}), None)
    if fitting & set(_NUMBERED):
        return next(iter(fitting & set(_NUMBERED))) if values[0] is None and _is(values[1], "req-") else None
    if "run" in fitting and _is(values[0], "run-"):
        return "run"
    return "owner" if "owner" in fitting and isinstance(values[0], str) and _OWNER.match(values[0]) else None


def _is(value: object, start: str) -> bool:
    return isinstance(value, str) and value.startswith(start)


# What is wrong in one row, and what tells the truth instead


def _usual_currency(rows: Iterator[Sequence[Any]]) -> str:
    """The one that stands in most rows."""
    found = Counter(currency for row in rows for currency in row if _matches(_CURRENCY, currency))
    return found.most_common(1)[0][0] if found else ""


def _as_it_is(values: Values, _currency: str) -> Values | None:
    return values


def _request(values: Values, currency: str) -> Values | None:
    """None for one of which neither its money nor its currency can be read. `currency` is the usual one."""
    # What went on in a page that is gone is read as zeros; the reservation stands before that.
    torn = any(isinstance(value, str) and "\0" in value for value in values.values())
    told = {values[name] for name in ("currency", "charge_currency") if _matches(_CURRENCY, values[name])}
    unsure = len(told) != 1 or not _matches(_CURRENCY, values["currency"])
    if unsure:
        values["currency"] = currency if currency in told or not told else min(told)
    values["charge_currency"] = None if values["charge"] is None else values["currency"]
    amounts = [values[name] for name in ("price", "reserved", "expected")]
    if not values["currency"] or not all(isinstance(amount, int) for amount in amounts):
        return None
    if not _matches(_DIGEST, values["request_key"]):
        values["request_key"] = str(Digest.of(str(values["document"]).encode()))  # that is what it is of
    if not _matches(_DIGEST, values["body_digest"]):
        values["body_digest"] = str(Digest.of(b""))
    if not _is_json(values["tags"]):
        values["tags"] = "[]"
    for name in ("sent_at", "closed_at"):
        values[name] = values[name] if _matches(_TIME, values[name]) else None
    if not _matches(_TIME, values["intended_at"]):
        values["intended_at"] = values["sent_at"] or values["closed_at"] or f"{str(values['day'])[:10]}T00:00:00.000Z"
        values["intended_at"] = values["intended_at"] if _matches(_TIME, values["intended_at"]) else _LONG_AGO
    values["day"] = (values["sent_at"] or values["intended_at"])[:10]
    settled = values["state"] == RequestState.SETTLED
    if torn or (settled and not (isinstance(values["charge"], int) and values["charge_currency"] is not None)):
        return _made_unknown(values)
    return values


def _made_unknown(values: Values) -> Values:
    nothing = dict.fromkeys(("charge", "charge_currency", "code", "message", "verdict", "resolved_by", "closed_at"))
    return {**values, **nothing, "state": "unknown", "why": "the journal was damaged, and its outcome with it"}


def _arrival(values: Values, _currency: str) -> Values | None:
    """A picture without its digest is only an address, if it has one."""
    if not _matches(_DIGEST, values["digest"]):
        values["digest"] = values["kept_at"] = None
    elif not _matches(_TIME, values["kept_at"]):
        values["kept_at"] = values["located_at"] if _matches(_TIME, values["located_at"]) else _LONG_AGO
    if not _matches(_TIME, values["located_at"]):
        values["located_at"] = None
    if not (isinstance(values["cost"], int) and _matches(_CURRENCY, values["cost_currency"])):
        values["cost"] = values["cost_currency"] = None
    return values


def _frame(values: Values, _currency: str) -> Values | None:
    return values if _matches(_DIGEST, values["want"]) else None


def _layer(values: Values, _currency: str) -> Values | None:
    return values if _is_json(values["said"]) else None


def _resolution(values: Values, _currency: str) -> Values | None:
    values["at"] = values["at"] if _matches(_TIME, values["at"]) else _LONG_AGO
    return values


_MENDERS: Final[dict[str, Callable[[Values, str], Values | None]]] = {
    "request": _request,
    "arrival": _arrival,
    "frame": _frame,
    "layer": _layer,
    "resolution": _resolution,
}


def _matches(pattern: re.Pattern[str], value: object) -> bool:
    return isinstance(value, str) and pattern.match(value) is not None


def _is_json(value: object) -> bool:
    try:
        json.loads(str(value))
    except ValueError:
        return False
    return isinstance(value, str)
