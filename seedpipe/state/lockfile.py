"""The lock on disk: read whole, changed under a file lock by compare-and-set, written at most once a second."""

import contextlib
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from seedpipe.errors import DISK_HINT, RecordError, StateError, why
from seedpipe.names import Digest
from seedpipe.state.atomic import replacing
from seedpipe.state.files import FileLock, write_all, write_atomically
from seedpipe.state.lock import Entry, ImageEntry, Lock, Made, read_lock, write_lock

WRITE_EVERY = 1.0  # seconds
_ROOM = 64 * 1024  # bytes by which a build may make the lock longer before a full disk is noticed


def load_lock(path: Path, *, shown_as: str) -> Lock:
    """The lock at `path`; an absent file is an empty lock, a damaged one a `RecordError`."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return Lock()
    except OSError as error:
        raise RecordError(
            f"`{shown_as}` can't be read: {why(error)}", hint="restore it from git, as a file of yours"
        ) from error
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise RecordError(f"`{shown_as}` is not UTF-8 text", hint="restore it from git") from error
    return read_lock(text.replace("\r\n", "\n"), file=shown_as)


def change_lock(
    path: Path,
    *,
    shown_as: str,
    mutex: Path,
    change: Callable[[Lock], Lock],
    take_back: Callable[[], None] | None = None,
) -> Lock:
    """The lock as `change` makes it, on disk. Nobody else writes it meanwhile; what `change` raises leaves it as it was.

    What has to be durable before the lock says it, `change` does itself; `take_back` undoes that where the disk refuses
    the lock. Raises `StateError` then.
    """
    with FileLock(mutex):
        present = load_lock(path, shown_as=shown_as)
        lock = change(present)
        if lock != present:
            try:
                _put(path, write_lock(lock).encode(), shown_as)
            except StateError:
                if take_back is not None:
                    take_back()
                raise
    return lock


class _Rehearsed(Exception):  # noqa: N818 - no error: it has what was only tried thrown away
    pass


def make_sure_of_the_lock(path: Path, *, shown_as: str, mutex: Path) -> None:
    """Raises `StateError` where the lock could not be written after something was bought: the disk is full or read-only.

    Beside the lock it leaves nothing, also if it is killed: what it tries stands where the next writer clears.
    """
    length = path.stat().st_size if path.exists() else 0
    with FileLock(mutex):
        try:
            with contextlib.suppress(_Rehearsed), replacing(path, mode=0o600) as fd:
                write_all(fd, bytes(length + _ROOM))
                raise _Rehearsed
        except OSError as error:
            raise _unwritten(shown_as, error) from error


def _unwritten(shown_as: str, error: OSError) -> StateError:
    return StateError(f"`{shown_as}` can't be written: {error.strerror}", hint=DISK_HINT)


def _put(path: Path, data: bytes, shown_as: str) -> None:
    try:
        write_atomically(path, data)
    except OSError as error:
        raise _unwritten(shown_as, error) from error


class LockWriter:
    """Gathers a build's new entries and merges them into the file. Thread-safe.

    Entries that became other ones since `base` was read are left alone: they are someone else's word.
    """

    def __init__(self, path: Path, *, shown_as: str, base: Lock, project: str, mutex: Path) -> None:
        self._path = path
        self._shown_as = shown_as
        self._project = project
        self._mutex = mutex
        self._base: dict[str, Entry | None] = dict(base.entries)
        self._new: dict[str, Entry] = {}
        self._resolved: dict[str, str] = {}
        self._guard = threading.Lock()
        self._written_at = 0.0
        self._named = base.project is not None
        self._ours: dict[str, Entry] = {}  # all that this build has set
        self._found = base.entries
        self._since: Mapping[str, Entry] = {}  # what stands in the file, and did not when the build began
        self._seen: tuple[int, int, int] | None = None  # the file as it was when `_since` was looked up
        self.left_alone: tuple[str, ...] = ()

    def entry(self, address: str) -> Entry | None:
        """The entry as this build knows it."""
        with self._guard:
            return self._new.get(address) or self._base.get(address)

    def made(self, picture: Digest) -> Made | None:
        """How a picture was made that some node has chosen; for one whose record stayed on another machine."""
        with self._guard:
            entries = [*self._new.values(), *self._base.values()]
        chosen = (one for one in entries if isinstance(one, ImageEntry) and one.take == picture)
        return next((one.made for one in chosen), None)

    def set(self, address: str, entry: Entry) -> None:
        with self._guard:
            if self._base.get(address) != entry or address in self._new:
                self._new[address] = entry
            self._ours[address] = entry

    def overruled(self, address: str) -> tuple[Entry | None, Entry | None]:
        """This build's line, and the one that stands in the file since, whoever has put it there.

        The file is read only where it has changed since the last look.
        """
        with self._guard:
            ours = self._ours.get(address)
            if ours is None:
                return None, None
            if _stamp(self._path) != self._seen:
                with FileLock(self._mutex):
                    self._look_at(load_lock(self._path, shown_as=self._shown_as))
                    self._seen = _stamp(self._path)
            return ours, self._since.get(address)

    def _look_at(self, present: Lock) -> None:
        self._since = {name: entry for name, entry in present.entries.items() if entry != self._found.get(name)}

    def remember(self, resolved: Mapping[str, str]) -> None:
        """What the catalogue decided for this build."""
        with self._guard:
            self._resolved.update(resolved)

    def flush(self, *, now: bool = False) -> None:
        """Write if there is something to write and the last time is a second ago, or at once with `now`."""
        with self._guard:
            nothing = not self._new and not self._resolved and self._named
            if nothing or (not now and time.monotonic() - self._written_at < WRITE_EVERY):
                return
            self._write()
            self._written_at = time.monotonic()

    def _write(self) -> None:
        with FileLock(self._mutex):
            present = load_lock(self._path, shown_as=self._shown_as)
            lock, kept = present.changed(self._base, self._new, resolved=self._resolved, project=self._project)
            if lock != present or not self._path.exists():
                _put(self._path, write_lock(lock).encode(), self._shown_as)
            stamp = _stamp(self._path)
        self.left_alone = (*self.left_alone, *kept)
        self._base.update(self._new)
        self._base.update({address: lock.entries.get(address) for address in kept})
        self._new.clear()
        self._look_at(lock)
        self._seen = stamp
        self._resolved.clear()
        self._named = True


def _stamp(path: Path) -> tuple[int, int, int] | None:
    """Another one for each content: the file is never written in place."""
    try:
        facts = path.stat()
    except OSError:
        return None
    return facts.st_ino, facts.st_mtime_ns, facts.st_size
