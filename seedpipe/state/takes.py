"""The index of takes: which pictures are there for a request key. A convenience beside the journal, never the truth.

It is a diskcache folder behind a disk class of ours that stores JSON text in rows and nothing else: what diskcache
would unpickle, read from or delete beside its database in a poisoned file is refused here. Whatever is garbled is
set aside and built again from the journal's arrivals; it is never trusted and never read as empty.
"""

import json
import os
import re
import secrets
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

import diskcache
from diskcache import core as diskcache_core

from seedpipe.errors import StateError
from seedpipe.names import Digest
from seedpipe.state.files import FileLock, make_folder
from seedpipe.state.take import Take

VERSION: Final = 1
_BUSY_SECONDS: Final = 10.0
_DATABASE: Final = diskcache_core.DBNAME
_META: Final = "meta"
_GARBLED: Final = (ValueError, KeyError, TypeError, AttributeError, RecursionError)
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
_Result = TypeVar("_Result")


class GarbledIndexError(StateError):
    """The index of takes holds something that seedpipe did not write. It can be built again from the journal."""


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


class Takes:
    """The index in `folder`. With `arrivals` (the journal's) it heals itself; without, garbled rows raise.

    `notices` are sentences about what was set aside and built again. Safe for threads and for several processes.
    """

    def __init__(self, folder: Path, *, arrivals: Callable[[], Iterable[Take]] | None = None) -> None:
        self.folder = folder
        self.notices: list[str] = []
        self._arrivals = arrivals
        self._healing = threading.RLock()
        self._cache = self._open()
        if arrivals is not None and self.needs_rebuild:
            self.rebuild(arrivals())

    @property
    def needs_rebuild(self) -> bool:
        """True for an index that was just made, or whose rebuilding was interrupted."""
        try:
            return not isinstance(self._get(_META), dict)
        except GarbledIndexError:
            return True

    # ------------------------------------------------------------------------------------------------ takes

    def record(self, take: Take) -> None:
        """Adds `take` to its request key, behind those that are there; the same bytes are there once."""
        self.record_all((take,))

    def record_all(self, takes: Iterable[Take]) -> None:
        """Adds several in one transaction."""
        together = tuple(takes)
        self._sound(lambda: self._add(together))

    def of(self, request_key: Digest) -> tuple[Take, ...]:
        """The takes of a request key in order of arrival, each digest once."""
        return self._sound(lambda: tuple(_take(item, request_key) for item in self._rows(request_key)))

    # -------------------------------------------------------------------------- what else is remembered by a key

    def recipe(self, recipe_key: Digest) -> Digest | None:
        """The first bytes that were made for a recipe (an image library's upgrade makes others)."""
        return self._sound(lambda: self._digest(f"recipe/{recipe_key.hex}"))

    def record_recipe(self, recipe_key: Digest, digest: Digest) -> Digest:
        """Remembers `digest` unless another was first; returns the one that holds."""

        def first_wins() -> Digest:
            with self._transaction():
                name = f"recipe/{recipe_key.hex}"
                held = self._digest(name)
                if held is None:
                    self._cache.set(name, {"v": VERSION, "digest": str(digest)})
                return held or digest

        return self._sound(first_wins)

    def replace_recipe(self, recipe_key: Digest, digest: Digest) -> None:
        """For bytes that are gone for good: from now on `digest` is what was made for the recipe."""
        self._sound(lambda: self._set(f"recipe/{recipe_key.hex}", {"v": VERSION, "digest": str(digest)}))

    def document(self, key: Digest) -> str | None:
        """What was asked: the canonical JSON that `key` is the digest of."""

        def verified() -> str | None:
            value = self._get(f"document/{key.hex}")
            if value is None:
                return None
            text = _record(value)["text"]
            if Digest.of(text.encode()) != key:
                raise ValueError("a document is not what its key says")
            return str(text)

        return self._sound(verified)

    def record_document(self, key: Digest, canonical_json: str) -> None:
        """Raises `ValueError` unless `key` is the digest of the text."""
        if Digest.of(canonical_json.encode()) != key:
            raise ValueError("a document is recorded under its own digest")
        self._sound(lambda: self._set(f"document/{key.hex}", {"v": VERSION, "text": canonical_json}))

    def source(self, url: str) -> Digest | None:
        """The digest of what a URL source gave when it was fetched."""
        return self._sound(lambda: self._digest(_source_key(url)))

    def record_source(self, url: str, digest: Digest) -> None:
        """The newest fetch holds; what a project relies on is pinned in its lock."""
        self._sound(lambda: self._set(_source_key(url), {"v": VERSION, "url": url, "digest": str(digest)}))

    # --------------------------------------------------------------------------------------------- rebuilding

    def verify(self) -> int:
        """Reads every row and page; returns the number of takes. Heals, or raises, as any other call."""

        def read_all() -> int:
            with closing(_connect(self.folder / _DATABASE)) as connection:
                _quick_check(connection)
            keys = [key for key in self._cache if key.startswith("take/")]
            return sum(len(self.of(Digest(key.removeprefix("take/")))) for key in keys)

        return self._sound(read_all)

    def rebuild(self, from_takes: Iterable[Take]) -> None:
        """Empties the index, after putting it aside, and fills it with `from_takes`. Other processes may go on."""
        with self._healing:
            takes = tuple(from_takes)
            try:
                self._empty()
            except DamagedIndexError as error:
                self._cache.close()
                with FileLock(self.folder / "open.lock", timeout=_BUSY_SECONDS):
                    self.notices.append(f"{error.message}; it was set aside as `{self._set_aside()}`")
                self._cache = self._open()
            with self._transaction():
                self._add(takes)
                self._cache.set(_META, {"v": VERSION})

    def close(self) -> None:
        """Closes this thread's connection; the others close with their threads."""
        self._cache.close()

    # ------------------------------------------------------------------------------------------------- inside

    def _sound(self, operation: Callable[[], _Result]) -> _Result:
        """Runs `operation`; on a garbled row heals the index once, if it can, and runs it again."""
        try:
            return self._guarded(operation)
        except GarbledIndexError:
            if self._arrivals is None:
                raise
            self.rebuild(self._arrivals())
            return self._guarded(operation)

    def _guarded(self, operation: Callable[[], _Result]) -> _Result:
        with self._errors():
            try:
                return operation()
            except _GARBLED as error:
                raise GarbledIndexError(
                    f"the index of takes in `{self.folder}` is garbled: {error}",
                    hint="run `seedpipe doctor --repair`: it is built again from the journal",
                ) from error

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except diskcache.Timeout:
            raise _busy(self.folder) from None
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise _busy(self.folder) from None
            raise StateError(f"the index of takes in `{self.folder}` can't be used: {error}") from error
        except sqlite3.DatabaseError as error:
            raise DamagedIndexError(
                f"the index of takes in `{self.folder}` is damaged: {error}",
                hint="run `seedpipe doctor --repair`: it is built again from the journal",
            ) from error

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._errors(), self._cache.transact():
            yield

    def _get(self, key: str) -> Any:
        return self._guarded(lambda: self._cache.get(key))

    def _set(self, key: str, value: dict[str, Any]) -> None:
        self._cache.set(key, value)

    def _digest(self, key: str) -> Digest | None:
        value = self._get(key)
        return None if value is None else Digest.parse(_record(value)["digest"])

    def _rows(self, request_key: Digest) -> list[dict[str, Any]]:
        value = self._get(f"take/{request_key.hex}")
        if value is None:
            return []
        rows = _record(value)["takes"]
        if not isinstance(rows, list):
            raise TypeError("takes should be a list")
        return rows

    def _add(self, takes: tuple[Take, ...]) -> None:
        with self._transaction():
            for request_key, together in _by_key(takes).items():
                rows = self._rows(request_key)  # written back as they were: a newer seedpipe's fields survive
                there = {_take(row, request_key).digest for row in rows}
                new: dict[Digest, dict[str, Any]] = {}
                for take in together:
                    if take.digest not in there:
                        new.setdefault(take.digest, take.to_dict())
                if new:
                    rows = [*rows, *new.values()]
                    self._cache.set(f"take/{request_key.hex}", {"v": VERSION, "takes": rows})

    def _open(self) -> diskcache.Cache:
        """Checks what is there before diskcache sees it, then opens it. One process at a time makes or heals it."""
        make_folder(self.folder)
        folder = str(self.folder)
        if os.path.expandvars(folder) != folder or folder.startswith("~"):
            raise StateError(f"`{folder}` holds a `$` or `~` that would be expanded: choose another folder")
        with FileLock(self.folder / "open.lock", timeout=_BUSY_SECONDS), self._errors():
            try:
                _check(self.folder / _DATABASE)
            except (GarbledIndexError, sqlite3.DatabaseError) as error:
                if isinstance(error, sqlite3.OperationalError):
                    raise
                self.notices.append(
                    f"the index of takes was damaged ({error}); it was set aside as `{self._set_aside()}`"
                )
            return diskcache.Cache(
                folder,
                timeout=_BUSY_SECONDS,
                disk=SafeDisk,
                eviction_policy="none",
                cull_limit=0,
                statistics=0,
                tag_index=0,
            )

    def _empty(self) -> None:
        """Deletes all rows in place, so that other processes' connections stay good; what was there is copied first."""
        if not self.needs_rebuild:
            self.notices.append(f"the index of takes was built again; the old one is `{self._copy_aside()}`")
        with self._errors(), closing(_connect(self.folder / _DATABASE)) as connection:
            connection.execute("DELETE FROM Cache")
            _quick_check(connection)

    def _set_aside(self) -> Path:
        aside = self._aside()
        for suffix in ("", "-wal", "-shm"):
            path = self.folder / f"{_DATABASE}{suffix}"
            if path.exists() or path.is_symlink():
                path.rename(aside / path.name)
        return aside

    def _copy_aside(self) -> Path:
        aside = self._aside()
        with (
            self._errors(),
            closing(_connect(self.folder / _DATABASE)) as source,
            closing(sqlite3.connect(aside / _DATABASE)) as target,
        ):
            source.backup(target)
        return aside

    def _aside(self) -> Path:
        aside = self.folder / f"damaged-{secrets.token_hex(4)}"
        aside.mkdir(mode=0o700)
        return aside


def _check(path: Path) -> None:
    """Raises `GarbledIndexError` or `sqlite3.DatabaseError` for a database that diskcache should not be handed.

    It also waits for a writer, within bounds: diskcache's own constructor would retry for a minute.
    """
    if not path.exists() and not path.is_symlink():
        return
    if not path.is_file() or path.is_symlink() or path.stat().st_size == 0:
        raise GarbledIndexError(f"`{path.name}` is empty or not a plain file")
    with closing(_connect(path)) as connection:
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


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None)
    connection.execute("PRAGMA trusted_schema = OFF")
    return connection


def _quick_check(connection: sqlite3.Connection) -> None:
    report = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if report != "ok":
        raise sqlite3.DatabaseError(str(report))


def _record(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict) or not isinstance(value.get("v"), int):
        raise TypeError("a record should be an object with a version")
    if value["v"] > VERSION:
        raise StateError(
            f"the index of takes holds a record of version {value['v']}; this seedpipe reads up to {VERSION}",
            hint="upgrade seedpipe; nothing was changed",
        )
    return value


def _take(row: dict[str, Any], request_key: Digest) -> Take:
    take = Take.from_dict(row)
    if take.request_key != request_key:
        raise ValueError("a take stands under another request key")
    return take


def _by_key(takes: Iterable[Take]) -> dict[Digest, list[Take]]:
    groups: dict[Digest, list[Take]] = {}
    for take in takes:
        groups.setdefault(take.request_key, []).append(take)
    return groups


def _source_key(url: str) -> str:
    return f"source/{Digest.of(url.encode()).hex}"


def _busy(folder: Path) -> StateError:
    return StateError(
        f"the index of takes in `{folder}` is held by another process for more than {_BUSY_SECONDS:g} s",
        hint="wait until that process is done, or end it",
    )
