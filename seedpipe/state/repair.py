"""Repairing a damaged journal: it is copied aside whole, and what is sound of it goes into a new one."""

import json
import os
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from seedpipe.errors import StateError
from seedpipe.state.files import FileLock, digest_of_file, fsync_folder
from seedpipe.state.journal_schema import BUSY_SECONDS, NewerJournalError, check_all, create_journal
from seedpipe.state.owners import is_alive
from seedpipe.state.salvage import Salvage

_SIDES: Final = ("", "-wal", "-shm")
_LOG_HEADER: Final = 32  # bytes of a write-ahead log without a page


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair:
    """`aside` is the folder with the damaged file; None if the journal is sound and nothing was done.

    `requests` and `pictures` were saved. `lost` counts rows that were found and are not in the new journal, `missing`
    the requests that there were besides; None if that can't be read.
    """

    aside: Path | None
    requests: int = 0
    pictures: int = 0
    lost: int = 0
    missing: int | None = 0


def repair_journal(path: Path) -> Repair:
    """Raises `StateError` for a newer journal, and while a build is using it. Repeating it is harmless."""
    if not has_records(path):
        raise StateError(f"there is no journal at `{path}`: nothing to repair", hint="the next build begins one")
    if _is_sound(path):
        return Repair(aside=None)
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
        return _installed(path, _salvaged(aside, path))


def _is_sound(path: Path) -> bool:
    """All of it is looked at, whatever was looked at before."""
    if not path.exists():
        return False
    try:
        check_all(path)
    except NewerJournalError:
        raise
    except StateError:
        return False
    return True


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


def _salvaged(aside: Path, path: Path) -> Path:
    """A new journal of what is sound; it stands in `ready` only when it is whole. What is aside stays as it was."""
    name = path.name
    work, fresh = aside / "work", aside / "new" / name
    work.mkdir(exist_ok=True)
    for suffix in _SIDES:
        if (aside / f"{name}{suffix}").exists():
            shutil.copyfile(aside / f"{name}{suffix}", work / f"{name}{suffix}")
    _give_the_log_a_file(work / name)
    create_journal(fresh)
    found = Salvage(work / name, fresh, seen_at=path).run()
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
    return Repair(
        aside=aside,
        requests=found["request"],
        pictures=found["pictures"],
        lost=found["lost"],
        missing=found.get("missing"),
    )


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
