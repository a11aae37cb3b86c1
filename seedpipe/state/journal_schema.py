"""The journal's file: its tables, how it is made without ever being seen half-made, and how damage is noticed."""

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from seedpipe.errors import StateError
from seedpipe.state.files import FileLock, fsync_folder, make_folder, write_atomically
from seedpipe.state.highwater import highest, mark_path
from seedpipe.state.soundness import fault_in, fault_in_texts, words_of
from seedpipe.state.spent import ACTIVE_SQL, OPEN_SQL

APPLICATION_ID: Final = 0x5EED_0001
SCHEMA_VERSION: Final = 4
BUSY_SECONDS: Final = 30.0
REPAIR_HINT: Final = "run `seedpipe doctor --repair`: it sets the file aside and keeps what is sound"

# Since schema 2: which frame of a sequence each picture of an answer is. A plain image has none.
_FRAMES: Final = """
CREATE TABLE frame (
    request TEXT NOT NULL REFERENCES request (id),
    position INTEGER NOT NULL CHECK (position >= 0),
    address TEXT NOT NULL,
    want TEXT NOT NULL,
    PRIMARY KEY (request, position)
) WITHOUT ROWID;
CREATE INDEX frame_want ON frame (want);
"""
# Since schema 3: what people said about uncertain charges, all of it, and what a node cost by its frames.
_RESOLUTIONS: Final = """
CREATE TABLE resolution (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    request TEXT NOT NULL REFERENCES request (id),
    at TEXT NOT NULL,
    who TEXT NOT NULL,
    word TEXT NOT NULL CHECK (word IN ('paid', 'not paid', 'taken back')),
    charge INTEGER CHECK (charge >= 0),
    currency TEXT,
    note TEXT,
    CHECK ((charge IS NULL) = (currency IS NULL))
);
CREATE INDEX resolution_request ON resolution (request);
CREATE INDEX frame_address ON frame (address);
"""
_FORGET_NODE_TOTALS: Final = "DELETE FROM total WHERE scope GLOB 'address:*'"  # they knew nothing of frames
# Since schema 4: what the service said of each layer of a picture, as JSON; the answer is its only source.
_LAYERS: Final = """
CREATE TABLE layer (
    request TEXT NOT NULL REFERENCES request (id),
    position INTEGER NOT NULL CHECK (position >= 0),
    said TEXT NOT NULL,
    PRIMARY KEY (request, position)
) WITHOUT ROWID;
"""
_MIGRATIONS: Final = {1: _FRAMES, 2: _RESOLUTIONS + _FORGET_NODE_TOTALS, 3: _LAYERS}  # from this version to the next

SCHEMA: Final = f"""
CREATE TABLE owner (
    id TEXT PRIMARY KEY NOT NULL,
    pid INTEGER NOT NULL,
    started_at TEXT NOT NULL,
    ended_at TEXT
);
CREATE TABLE run (
    id TEXT PRIMARY KEY NOT NULL,
    owner TEXT NOT NULL REFERENCES owner (id),
    started_at TEXT NOT NULL,
    realm TEXT NOT NULL,
    user TEXT NOT NULL
);
CREATE TABLE request (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT UNIQUE NOT NULL,
    run TEXT NOT NULL REFERENCES run (id),
    owner TEXT NOT NULL REFERENCES owner (id),
    account TEXT NOT NULL,
    request_key TEXT NOT NULL,
    ordinal INTEGER NOT NULL CHECK (ordinal >= 1),
    address TEXT NOT NULL,
    model TEXT NOT NULL,
    provider TEXT NOT NULL,
    images INTEGER NOT NULL CHECK (images >= 1),
    currency TEXT NOT NULL,
    price INTEGER NOT NULL CHECK (price >= 0),
    reserved INTEGER NOT NULL CHECK (reserved >= 0),
    expected INTEGER NOT NULL CHECK (expected >= 0),
    client_request_id TEXT NOT NULL,
    request_id TEXT,
    document TEXT NOT NULL,
    body_digest TEXT NOT NULL,
    timeout_seconds INTEGER NOT NULL,
    profile TEXT,
    tags TEXT NOT NULL,
    state TEXT NOT NULL CHECK
        (state IN ('intended', 'sent', 'located', 'kept', 'unknown', 'settled', 'refused', 'released')),
    items INTEGER CHECK (items >= 1),
    day TEXT NOT NULL,
    intended_at TEXT NOT NULL,
    sent_at TEXT,
    closed_at TEXT,
    charge INTEGER,
    charge_currency TEXT,
    code TEXT,
    message TEXT,
    verdict TEXT,
    forgotten INTEGER NOT NULL DEFAULT 0,
    why TEXT,
    resolved_by TEXT,
    CHECK ((state = 'settled') = (charge IS NOT NULL)),
    CHECK ((charge IS NULL) = (charge_currency IS NULL)),
    CHECK ((state = 'refused') = (verdict IS NOT NULL))
);
CREATE UNIQUE INDEX request_claim ON request (request_key, ordinal) WHERE {ACTIVE_SQL};
CREATE INDEX request_open ON request (state) WHERE {OPEN_SQL};
CREATE INDEX request_key ON request (request_key, ordinal);
CREATE INDEX request_owner ON request (owner);
CREATE INDEX request_address ON request (address);
CREATE INDEX request_day ON request (day);
CREATE INDEX request_refused ON request (request_key) WHERE state = 'refused' AND forgotten = 0;
CREATE TABLE arrival (
    request TEXT NOT NULL REFERENCES request (id),
    position INTEGER NOT NULL CHECK (position >= 0),
    url TEXT,
    size TEXT,
    located_at TEXT,
    digest TEXT,
    format TEXT,
    width INTEGER,
    height INTEGER,
    bytes INTEGER,
    cost INTEGER,
    cost_currency TEXT,
    kept_at TEXT,
    code TEXT,
    message TEXT,
    PRIMARY KEY (request, position),
    CHECK ((digest IS NULL) = (kept_at IS NULL)),
    CHECK (digest IS NULL OR (format IS NOT NULL AND width IS NOT NULL AND height IS NOT NULL AND bytes IS NOT NULL)),
    CHECK (url IS NOT NULL OR digest IS NOT NULL OR code IS NOT NULL)
) WITHOUT ROWID;
CREATE TABLE total (
    scope TEXT NOT NULL,
    currency TEXT NOT NULL,
    charged INTEGER NOT NULL,
    PRIMARY KEY (scope, currency)
) WITHOUT ROWID;
CREATE TABLE counter (
    name TEXT PRIMARY KEY NOT NULL,
    value INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO counter (name, value) VALUES ('writes', 0);
{_FRAMES}{_RESOLUTIONS}{_LAYERS}"""  # noqa: S608  # the terms are constants


class NewerJournalError(StateError):
    """A newer seedpipe wrote the journal: nothing is wrong with it."""


@contextmanager
def sql_errors(path: Path) -> Iterator[None]:
    """Turns what SQLite says into `StateError`s that name the file."""
    try:
        yield
    except sqlite3.OperationalError as error:
        if "decode to UTF-8" in str(error):
            raise StateError(f"`{path}` is damaged: a text in it is none", hint=REPAIR_HINT) from error
        if "locked" in str(error) or "busy" in str(error):
            raise StateError(
                f"`{path}` is held by another process for more than {BUSY_SECONDS:g} s",
                hint="wait until that process is done, or end it",
            ) from error
        raise StateError(f"`{path}` can't be used: {error}", hint="is the disk full or read-only?") from error
    except UnicodeDecodeError as error:  # SQLite's own message holds what it found
        raise StateError(f"`{path}` is damaged: a text in it is none", hint=REPAIR_HINT) from error
    except sqlite3.DatabaseError as error:
        raise StateError(f"`{path}` is damaged: {error}", hint=REPAIR_HINT) from error


def is_there(path: Path) -> bool:
    """Whether there is a journal. Raises `StateError` where one was: what it knew is not nothing."""
    if path.exists():
        return True
    try:
        _refuse_to_forget(path)
    except StateError:
        if not path.exists():  # else another process has just made it
            raise
    return path.exists()


def create_journal(path: Path) -> None:
    """Makes an empty journal at `path`, all at once; if another process is quicker, its journal stays."""
    make_folder(path.parent)
    with FileLock(path.with_name(f".{path.name}.lock"), timeout=BUSY_SECONDS):
        if path.exists():
            return
        _refuse_to_forget(path)
        temporary = path.with_name(f".{path.name}.tmp")
        _remove(temporary)  # what a killed process left
        try:
            os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
            with sql_errors(temporary), closing(sqlite3.connect(temporary, isolation_level=None)) as connection:
                connection.execute("PRAGMA synchronous = FULL")
                connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
                connection.executescript(SCHEMA)
                connection.execute("PRAGMA journal_mode = WAL")
            temporary.replace(path)
            fsync_folder(path.parent)
        finally:
            _remove(temporary)


def _refuse_to_forget(path: Path) -> None:
    """Where traces of a journal are, none is begun anew."""
    leftovers = path.with_name(f"{path.name}-wal")
    if leftovers.exists() and leftovers.stat().st_size:
        raise StateError(
            f"`{path}` is gone but `{leftovers.name}` beside it holds records of it",
            hint="put the file back where it was, or run `seedpipe doctor --repair`, which reads the records",
        )
    if highest(path):
        raise StateError(
            f"`{path}` is gone, and {highest(path)} commits were written to it",
            hint="put the file back where it was; a new journal would forget what was paid. If nothing was, remove"
            f" `{mark_path(path)}`",
        )


def _remove(database: Path) -> None:
    for suffix in ("", "-journal", "-wal", "-shm"):
        database.with_name(database.name + suffix).unlink(missing_ok=True)


def connect(path: Path) -> sqlite3.Connection:
    """A connection to the journal at `path`, checked, durable at every commit; its caller serialises its threads.

    Raises `StateError` for a damaged, foreign, newer or empty file, which is not touched. (The file is only looked at
    through SQLite: closing another descriptor of it would drop the locks of all connections of this process.)
    """
    if path.stat().st_size == 0:
        raise StateError(f"`{path}` is empty: what was paid was written there", hint=REPAIR_HINT)
    with sql_errors(path):
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=rw",
            uri=True,
            timeout=BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA synchronous = FULL")
            _check(path, connection)
        except BaseException:
            connection.close()
            raise
    return connection


def look_into(path: Path) -> sqlite3.Connection:
    """A connection that only reads another project's journal. Raises `StateError` for what is no journal of ours.

    It doesn't even move the write-ahead log into the file when it is closed: that is its own project's business.
    """
    if path.stat().st_size == 0:
        raise StateError(f"`{path}` is empty", hint=REPAIR_HINT)
    with sql_errors(path):
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=BUSY_SECONDS, isolation_level=None
        )
        try:
            connection.execute("PRAGMA trusted_schema = OFF")
            _check_kind(path, connection)
        except BaseException:
            connection.close()
            raise
    return connection


def _check(path: Path, connection: sqlite3.Connection) -> None:
    _check_kind(path, connection)
    trusted = _was_checked(path)
    if not trusted and connection.execute("PRAGMA user_version").fetchone()[0] != SCHEMA_VERSION:
        _check_pages(path, connection)
    _migrate(connection)
    if _objects(connection) != _expected_objects():
        raise StateError(f"`{path}` has tables or triggers that seedpipe did not make", hint=REPAIR_HINT)
    _check_commits(path, connection)
    if not trusted:
        _check_rows(path, connection)
        note_checked(path)


def _check_pages(path: Path, connection: sqlite3.Connection) -> None:
    """Before anything is migrated."""
    report = words_of(connection.execute("PRAGMA quick_check(1)"))
    if report is not None:
        raise StateError(f"`{path}` is damaged: {report}", hint=REPAIR_HINT)


def _check_rows(path: Path, connection: sqlite3.Connection) -> None:
    """Indexes, and what the rows say. Takes seconds for some hundred thousand requests, after a process was killed."""
    fault = fault_in(connection)
    if fault is not None:
        raise StateError(f"`{path}` is damaged: {fault}", hint=REPAIR_HINT)


def check_all(path: Path) -> None:
    """Every page and every text, whatever was looked at before. Raises as `connect`."""
    with closing(connect(path)) as connection, sql_errors(path):
        fault = fault_in(connection) or fault_in_texts(connection)
    if fault is not None:
        raise StateError(f"`{path}` is damaged: {fault}", hint=REPAIR_HINT)


def _check_commits(path: Path, connection: sqlite3.Connection) -> None:
    seen = highest(path)  # first: whoever commits meanwhile only adds to what is counted next
    missing = seen - int(connection.execute("SELECT value FROM counter WHERE name = 'writes'").fetchone()[0])
    if missing > 0:
        raise StateError(
            f"`{path}` has forgotten {missing} of its commits: its write-ahead log is gone, or an older copy stands in"
            " its place",
            hint="put the newest copy back, with its `-wal` file; else `seedpipe doctor --repair` goes on from what is"
            " here, and `seedpipe spend reconcile` finds what it forgot",
        )


def _check_kind(path: Path, connection: sqlite3.Connection) -> None:
    application, version, mode = (
        connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("application_id", "user_version", "journal_mode")
    )
    if application != APPLICATION_ID:
        raise StateError(f"`{path}` is a database of another program", hint=REPAIR_HINT)
    if version > SCHEMA_VERSION:
        raise NewerJournalError(
            f"`{path}` is of schema {version}; this seedpipe knows up to {SCHEMA_VERSION}",
            hint="upgrade seedpipe; nothing was changed",
        )
    if mode != "wal":
        raise StateError(f"`{path}` has no write-ahead log any more (`{mode}`)", hint=REPAIR_HINT)


def _migrate(connection: sqlite3.Connection) -> None:
    """Brings an older schema up to date; of several processes one does, in one transaction."""
    if connection.execute("PRAGMA user_version").fetchone()[0] == SCHEMA_VERSION:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        while version < SCHEMA_VERSION:
            for statement in _MIGRATIONS[version].split(";"):
                connection.execute(statement)
            version += 1
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def note_checked(path: Path) -> None:
    """Remembers that the file as it is now is sound: reading all of a large one at each start takes seconds."""
    with contextlib.suppress(OSError):
        write_atomically(_stamp_path(path), _stamp(path), mode=0o600)


def _was_checked(path: Path) -> bool:
    try:
        return _stamp_path(path).read_bytes() == _stamp(path)
    except OSError:
        return False


def _stamp_path(path: Path) -> Path:
    return path.with_name(f".{path.name}.checked")


def _stamp(path: Path) -> bytes:
    facts = path.stat()
    return f"{facts.st_dev} {facts.st_ino} {facts.st_size} {facts.st_mtime_ns} {facts.st_ctime_ns}".encode()


def _objects(connection: sqlite3.Connection) -> set[tuple[str, str, str | None]]:
    return set(connection.execute("SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_stat%'"))


def _expected_objects() -> set[tuple[str, str, str | None]]:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(SCHEMA)
        return _objects(connection)
