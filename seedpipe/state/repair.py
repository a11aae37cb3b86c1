"""Repairing a damaged journal: it is copied aside whole, and what is sound of it goes into a new one."""

import contextlib
import json
import os
import secrets
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from seedpipe.errors import StateError
from seedpipe.money import Money
from seedpipe.state.files import FileLock, digest_of_file, fsync_folder
from seedpipe.state.journal_schema import BUSY_SECONDS, NewerJournalError, connect, create_journal
from seedpipe.state.owners import is_alive
from seedpipe.state.spent import add_charge, total_scopes

_BY_POSITION: Final = ("arrival", "frame", "layer")  # keyed by request and place in its answer
_SALVAGED: Final = ("owner", "run", "request", "arrival", "frame", "layer")
_SIDES: Final = ("", "-wal", "-shm")
_LOG_HEADER: Final = 32  # bytes of a write-ahead log without a page


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair:
    """`aside` is the folder with the damaged file; None if the journal is sound and nothing was done.

    `requests` and `pictures` were saved. `lost` counts rows that are not in the new journal; what damage made
    unreadable can't be counted.
    """

    aside: Path | None
    requests: int = 0
    pictures: int = 0
    lost: int = 0


def repair_journal(path: Path) -> Repair:
    """Raises `StateError` for a newer journal, and while a build is using it. Repeating it is harmless."""
    if not has_records(path):
        raise StateError(f"there is no journal at `{path}`: nothing to repair")
    try:
        if path.exists():
            connect(path).close()
            return Repair(aside=None)
    except NewerJournalError:
        raise
    except StateError:
        pass
    owners = path.parent / "owners"
    living = [one.stem for one in owners.glob("*.lock") if is_alive(owners, one.stem)]
    if living:
        raise StateError(
            f"`{path}` is in use by process {living[0].partition('-')[0]}",
            hint="wait until its build is done, or end it, then repair",
        )
    with FileLock(path.with_name(f".{path.name}.lock"), timeout=BUSY_SECONDS):
        ready = _ready_of_a_killed_repair(path)
        if ready is not None:
            return _installed(path, ready)
        aside = _copy_aside(path)
        return _installed(path, _salvaged(aside, path.name))


def has_records(path: Path) -> bool:
    """Whether there is a journal, or a log that one has left."""
    return path.exists() or _log_of(path).exists()


def _log_of(path: Path) -> Path:
    return path.with_name(f"{path.name}-wal")


def _ready_of_a_killed_repair(path: Path) -> Path | None:
    """The journal that it had made and not put in place; the old file is emptied then, so that nobody reads it."""
    if path.exists() and path.stat().st_size:
        return None
    found = sorted(path.parent.glob(f"{path.name}.damaged-*/ready/{path.name}"), key=lambda one: one.stat().st_mtime)
    return found[-1] if found else None


def _salvaged(aside: Path, name: str) -> Path:
    """A new journal of what is sound; it stands in `ready` only when it is whole. What is aside stays as it was."""
    work, fresh = aside / "work", aside / "new" / name
    work.mkdir(exist_ok=True)
    for suffix in _SIDES:
        if (aside / f"{name}{suffix}").exists():
            shutil.copyfile(aside / f"{name}{suffix}", work / f"{name}{suffix}")
    _give_the_log_a_file(work / name)
    create_journal(fresh)
    found = _Salvage(work / name, fresh).run()
    (aside / "found.json").write_text(json.dumps(found), encoding="utf-8")
    ready = aside / "ready" / name
    ready.parent.mkdir()
    fresh.replace(ready)
    fsync_folder(ready.parent)
    fsync_folder(aside)
    shutil.rmtree(work)
    shutil.rmtree(fresh.parent)
    return ready


def _give_the_log_a_file(database: Path) -> None:
    """SQLite deletes the log beside an empty file unread. A new journal in its place has the pages that never changed."""
    log = _log_of(database)
    if log.exists() and log.stat().st_size > _LOG_HEADER and not (database.exists() and database.stat().st_size):
        blank = database.parent / "blank" / database.name
        create_journal(blank)
        blank.replace(database)


def _installed(path: Path, ready: Path) -> Repair:
    """Empties the old file first: without its log it might look sound, and be read as less than was paid."""
    aside = ready.parent.parent
    with path.open("wb") as file:
        os.fsync(file.fileno())
    for suffix in ("-wal", "-shm"):  # they belong to the damaged file, and are copied aside
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    ready.replace(path)
    fsync_folder(path.parent)
    ready.parent.rmdir()
    found = json.loads((aside / "found.json").read_text(encoding="utf-8"))
    return Repair(aside=aside, requests=found["request"], pictures=found["pictures"], lost=found["lost"])


def _copy_aside(path: Path) -> Path:
    aside = path.with_name(f"{path.name}.damaged-{secrets.token_hex(4)}")
    aside.mkdir(mode=0o700)
    for suffix in _SIDES:
        source = path.with_name(path.name + suffix)
        if source.exists():
            shutil.copyfile(source, aside / source.name)
            with source.open("rb") as one, (aside / source.name).open("rb") as other:
                if digest_of_file(one.fileno()) != digest_of_file(other.fileno()):
                    raise StateError(f"`{source}` is being written while it is repaired", hint="end all builds first")
    fsync_folder(aside)
    fsync_folder(path.parent)
    return aside


class _Salvage:
    """Copies readable rows that keep the new journal's rules."""

    def __init__(self, damaged: Path, fresh: Path) -> None:
        self._damaged = damaged
        self._fresh = fresh
        self.count = {
            "owner": 0,
            "run": 0,
            "request": 0,
            "arrival": 0,
            "frame": 0,
            "layer": 0,
            "pictures": 0,
            "lost": 0,
        }

    def run(self) -> dict[str, int]:
        with (
            closing(sqlite3.connect(self._damaged, isolation_level=None)) as old,
            closing(sqlite3.connect(self._fresh, isolation_level=None)) as new,
        ):
            new.execute("PRAGMA synchronous = FULL")
            new.execute("BEGIN IMMEDIATE")
            for table in _SALVAGED:
                self._table(old, new, table)
            self._make_whole(new)
            new.execute("COMMIT")
            new.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return self.count

    def _table(self, old: sqlite3.Connection, new: sqlite3.Connection, table: str) -> None:
        columns = [row[1] for row in new.execute(f"PRAGMA table_info({table})")]
        insert = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"  # noqa: S608
        seen: set[Any] = set()
        for row in _rows(old, table, columns):
            identity = row[:2] if table in _BY_POSITION else row[0]
            if identity in seen:
                continue
            seen.add(identity)
            try:
                new.execute(insert, row)
            except sqlite3.Error:
                self.count["lost"] += 1
            else:
                self.count[table] += 1

    def _make_whole(self, new: sqlite3.Connection) -> None:
        """Stand-ins for owners and runs that are lost, and totals added up again."""
        new.execute(
            "INSERT OR IGNORE INTO owner (id, pid, started_at)"
            " SELECT owner, 0, intended_at FROM request UNION SELECT owner, 0, started_at FROM run"
        )
        new.execute(
            "INSERT OR IGNORE INTO run (id, owner, started_at, realm, user)"
            " SELECT run, owner, intended_at, 'live', 'unknown' FROM request"
        )
        for table in _BY_POSITION:
            lost = new.execute(f"DELETE FROM {table} WHERE request NOT IN (SELECT id FROM request)").rowcount  # noqa: S608
            self.count["lost"] += lost
        self.count["pictures"] = new.execute("SELECT COUNT(*) FROM arrival WHERE digest IS NOT NULL").fetchone()[0]
        charges = new.execute("SELECT run, day, charge, charge_currency FROM request WHERE state = 'settled'")
        for run, day, charge, currency in charges.fetchall():
            add_charge(new, total_scopes(run=run, day=day), Money(charge, currency))


def _rows(old: sqlite3.Connection, table: str, columns: list[str]) -> Iterator[tuple[Any, ...]]:
    """From the beginning up to the damage, then from the end back to it; some rows come twice."""
    order = "request {0}, position {0}" if table in _BY_POSITION else "rowid {0}"
    for direction in ("ASC", "DESC"):
        with contextlib.suppress(sqlite3.DatabaseError):
            yield from old.execute(
                f"SELECT {', '.join(columns)} FROM {table} NOT INDEXED ORDER BY {order.format(direction)}"  # noqa: S608
            )
