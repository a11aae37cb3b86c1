"""What stands between diskcache and a poisoned index: a disk class without pickles, and a look before it is opened."""

import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import diskcache
from diskcache import core as diskcache_core

from seedpipe.errors import StateError

DATABASE: Final = diskcache_core.DBNAME
_SETTINGS: Final = frozenset(diskcache_core.DEFAULT_SETTINGS) | frozenset(diskcache_core.METADATA)
_SETTING_VALUE: Final = re.compile(r"[a-z0-9-]{1,32}\Z")
_OBJECTS: Final = frozenset(
    {
        ("table", "Settings"),
        ("table", "Cache"),
        ("index", "Cache_key_raw"),
        ("index", "Cache_expire_time"),
        ("index", "sqlite_autoindex_Settings_1"),
        ("trigger", "Settings_count_insert"),
        ("trigger", "Settings_count_delete"),
        ("trigger", "Settings_size_insert"),
        ("trigger", "Settings_size_update"),
        ("trigger", "Settings_size_delete"),
    }
)


class GarbledIndexError(StateError):
    """The index of takes holds something that seedpipe did not write. It can be built again from the journal."""

    next_step = "run `seedpipe doctor --repair`: it is built again from the journal"


class DamagedIndexError(GarbledIndexError):
    """The database file itself is broken."""


class SafeDisk(diskcache.Disk):  # type: ignore[misc]
    """Text keys, JSON values inside the rows. Pickles and side files are refused, both ways."""

    def put(self, key: Any) -> tuple[str, bool]:
        if type(key) is not str:
            raise TypeError("keys of the index are text")
        return key, True

    def get(self, key: Any, raw: Any) -> str:
        if not raw or type(key) is not str:
            raise ValueError("a key that seedpipe did not write")
        return key

    def store(self, value: Any, read: bool, key: Any = None) -> tuple[int, int, None, str]:  # noqa: ARG002
        if read:
            raise TypeError("the index keeps no side files")
        text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        return 0, diskcache_core.MODE_RAW, None, text

    def fetch(self, mode: Any, filename: Any, value: Any, read: Any) -> Any:
        if mode != diskcache_core.MODE_RAW or filename is not None or type(value) is not str or read:
            raise ValueError("a row that seedpipe did not write")
        return json.loads(value)

    def remove(self, file_path: str) -> None:
        raise ValueError(f"the index keeps no side files, so `{file_path}` is not removed")


def check_database(path: Path, *, busy_seconds: float) -> None:
    """Raises `GarbledIndexError` or `sqlite3.DatabaseError` for a database that diskcache should not be handed.

    It also waits for a writer, within bounds: diskcache's own constructor would retry for a minute.
    """
    if not path.exists() and not path.is_symlink():
        return
    if not path.is_file() or path.is_symlink() or path.stat().st_size == 0:
        raise GarbledIndexError(f"`{path.name}` is empty or not a plain file")
    with closing(connect(path, busy_seconds=busy_seconds)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        try:
            objects = set(connection.execute("SELECT type, name FROM sqlite_master"))
            if not objects <= _OBJECTS or not {("table", "Settings"), ("table", "Cache")} <= objects:
                raise GarbledIndexError(f"`{path.name}` is no index of seedpipe's")
            for key, value in connection.execute("SELECT key, value FROM Settings"):
                if key not in _SETTINGS or not _SETTING_VALUE.match(str(value)):
                    raise GarbledIndexError(f"`{path.name}` has the foreign setting {str(key)[:40]!r}")
        finally:
            connection.execute("ROLLBACK")


def connect(path: Path, *, busy_seconds: float) -> sqlite3.Connection:
    """A plain connection to diskcache's database, for what diskcache has no verb for."""
    connection = sqlite3.connect(path, timeout=busy_seconds, isolation_level=None)
    connection.execute("PRAGMA trusted_schema = OFF")
    return connection


def quick_check(connection: sqlite3.Connection) -> None:
    """Raises `sqlite3.DatabaseError` if pages of the file are broken."""
    report = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if report != "ok":
        raise sqlite3.DatabaseError(str(report))
