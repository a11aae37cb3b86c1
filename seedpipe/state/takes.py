"""The index of takes: which pictures are there for a request key. A convenience beside the journal, never the truth.

It is a diskcache folder behind a disk class of ours that stores JSON text in rows and nothing else: what diskcache
would unpickle, read from or delete beside its database in a poisoned file is refused here. Whatever is garbled is
set aside and built again from the journal's arrivals; it is never trusted and never read as empty.
"""

import os
import secrets
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

import diskcache

from seedpipe.errors import StateError
from seedpipe.names import Digest
from seedpipe.state.files import FileLock, make_folder
from seedpipe.state.safe_disk import (
    DATABASE,
    DamagedIndexError,
    GarbledIndexError,
    SafeDisk,
    check_database,
    connect,
    quick_check,
)
from seedpipe.state.take import Take

VERSION: Final = 1
_BUSY_SECONDS: Final = 10.0
_META: Final = "meta"
_GARBLED: Final = (ValueError, KeyError, TypeError, AttributeError, RecursionError)
_Result = TypeVar("_Result")


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
        """Adds `take` to its want, behind those that are there; the same bytes are there once."""
        self.record_all((take,))

    def record_all(self, takes: Iterable[Take]) -> None:
        """Adds several in one transaction."""
        together = tuple(takes)
        self._sound(lambda: self._add(together))

    @property
    def mark(self) -> int:
        """The number of the journal's request below which every kept picture is in the index; 1 if nobody knows."""

        def read() -> int:
            meta = self._get(_META)
            return int(meta.get("mark", 1)) if isinstance(meta, dict) else 1

        return self._sound(read)

    def catch_up(self, takes: Iterable[Take], mark: int) -> None:
        """Adds what was kept since `mark` was last set (a process may have died before it did) and sets it anew."""
        together = tuple(takes)

        def add() -> None:
            if not together and self.mark == mark:
                return
            with self._transaction():
                self._add(together)
                self._cache.set(_META, {"v": VERSION, "mark": mark})

        self._sound(add)

    def of(self, want: Digest) -> tuple[Take, ...]:
        """The takes of a want in order of arrival, each digest once."""
        takes = self._sound(lambda: tuple(_take(item, want) for item in self._rows(want)))
        return tuple(sorted(takes, key=lambda take: take.received_at))  # what came at once may be noted in any order

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

    def looks(self, want: Digest) -> Mapping[str, str]:
        """Under which name of a look a want was last bought, by address. Only to tell people: a rebuilt index lacks it."""

        def read() -> Mapping[str, str]:
            value = self._get(f"look/{want.hex}")
            return {} if value is None else {str(one): str(name) for one, name in _record(value)["names"].items()}

        return self._sound(read)

    def record_look(self, want: Digest, address: str, name: str) -> None:
        """The latest name holds; the take itself is pooled by its want alone."""
        known = self.looks(want)
        if known.get(address) != name:
            self._sound(lambda: self._set(f"look/{want.hex}", {"v": VERSION, "names": {**known, address: name}}))

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
            with closing(connect(self.folder / DATABASE, busy_seconds=_BUSY_SECONDS)) as connection:
                quick_check(connection)
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
            raise StateError(
                f"the index of takes in `{self.folder}` can't be used: {error}", hint="is the disk full or read-only?"
            ) from error
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

    def _rows(self, want: Digest) -> list[dict[str, Any]]:
        value = self._get(f"take/{want.hex}")
        if value is None:
            return []
        rows = _record(value)["takes"]
        if not isinstance(rows, list):
            raise TypeError("takes should be a list")
        return rows

    def _add(self, takes: tuple[Take, ...]) -> None:
        with self._transaction():
            for want, together in _by_want(takes).items():
                rows = self._rows(want)  # written back as they were: a newer seedpipe's fields survive
                there = {_take(row, want).digest for row in rows}
                new: dict[Digest, dict[str, Any]] = {}
                for take in together:
                    if take.digest not in there:
                        new.setdefault(take.digest, take.to_dict())
                if new:
                    rows = [*rows, *new.values()]
                    self._cache.set(f"take/{want.hex}", {"v": VERSION, "takes": rows})

    def _open(self) -> diskcache.Cache:
        """Checks what is there before diskcache sees it, then opens it. One process at a time makes or heals it."""
        make_folder(self.folder)
        folder = str(self.folder)
        if os.path.expandvars(folder) != folder or folder.startswith("~"):
            raise StateError(
                f"`{folder}` holds a `$` or `~` that would be expanded",
                hint="set `SEEDPIPE_HOME` to a folder without them",
            )
        with FileLock(self.folder / "open.lock", timeout=_BUSY_SECONDS), self._errors():
            try:
                check_database(self.folder / DATABASE, busy_seconds=_BUSY_SECONDS)
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
        with self._errors(), closing(connect(self.folder / DATABASE, busy_seconds=_BUSY_SECONDS)) as connection:
            connection.execute("DELETE FROM Cache")
            quick_check(connection)

    def _set_aside(self) -> Path:
        aside = self._aside()
        for suffix in ("", "-wal", "-shm"):
            path = self.folder / f"{DATABASE}{suffix}"
            if path.exists() or path.is_symlink():
                path.rename(aside / path.name)
        return aside

    def _copy_aside(self) -> Path:
        aside = self._aside()
        with (
            self._errors(),
            closing(connect(self.folder / DATABASE, busy_seconds=_BUSY_SECONDS)) as source,
            closing(sqlite3.connect(aside / DATABASE)) as target,
        ):
            source.backup(target)
        return aside

    def _aside(self) -> Path:
        aside = self.folder / f"damaged-{secrets.token_hex(4)}"
        aside.mkdir(mode=0o700)
        return aside


def _record(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict) or not isinstance(value.get("v"), int):
        raise TypeError("a record should be an object with a version")
    if value["v"] > VERSION:
        raise StateError(
            f"the index of takes holds a record of version {value['v']}; this seedpipe reads up to {VERSION}",
            hint="upgrade seedpipe; nothing was changed",
        )
    return value


def _take(row: dict[str, Any], want: Digest) -> Take:
    take = Take.from_dict(row)
    if take.want != want:
        raise ValueError("a take stands under another want")
    return take


def _by_want(takes: Iterable[Take]) -> dict[Digest, list[Take]]:
    groups: dict[Digest, list[Take]] = {}
    for take in takes:
        groups.setdefault(take.want, []).append(take)
    return groups


def _source_key(url: str) -> str:
    return f"source/{Digest.of(url.encode()).hex}"


def _busy(folder: Path) -> StateError:
    return StateError(
        f"the index of takes in `{folder}` is held by another process for more than {_BUSY_SECONDS:g} s",
        hint="wait until that process is done, or end it",
    )
