"""Files, safely: atomic writes, locks that die with their process, reads that stay in the project."""

import contextlib
import errno
import fcntl
import fnmatch
import hashlib
import json
import os
import re
import stat
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Final, Self

from seedpipe.errors import DISK_HINT, StateError, why
from seedpipe.limits import MAX_FILE_BYTES, MAX_PICTURE_BYTES
from seedpipe.names import Digest, natural_key
from seedpipe.source import ReadRefusedError
from seedpipe.state.atomic import replacing

CHUNK: Final = 1024 * 1024
MAX_GLOB_ENTRIES: Final = 1_000_000  # folder entries looked at by one pattern
_POLL_SECONDS: Final = 0.02
LFS_MAX_BYTES: Final = 1024  # a Git LFS pointer is shorter
_LFS: Final = re.compile(
    rb"version https://git-lfs\.github\.com/spec/v1\n(?:ext-[^\n]*\n)*"
    rb"oid sha256:(?P<oid>[0-9a-f]{64})\nsize (?P<size>[0-9]+)\n"
)


# ---------------------------------------------------------------------------------------------------- writing


def fsync_folder(folder: Path) -> None:
    """Makes the names in `folder` durable. File systems that can't sync a folder are taken as they are."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(fd)


def make_folder(folder: Path, mode: int = 0o700) -> None:
    """Creates `folder` and its missing parents with `mode`, each durable before something is put into it."""
    missing: list[Path] = []
    while not folder.is_dir():
        missing.append(folder)
        folder = folder.parent
    for path in reversed(missing):
        with contextlib.suppress(FileExistsError):
            path.mkdir(mode=mode)
        if not path.is_dir():
            raise StateError(f"`{path}` should be a folder and is something else", hint="move it away")
        fsync_folder(path.parent)


def write_atomically(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    """Puts `data` at `path` so that a reader, also after a crash, sees the old bytes or the new, never a mixture.

    `mode` is narrowed by the umask. A symlink at `path` is replaced, not followed. Raises `OSError`.
    """
    with replacing(path, mode=mode) as fd:
        write_all(fd, data)
    fsync_folder(path.parent)


def write_all(fd: int, data: bytes) -> None:
    """However little the system takes at once. Raises `OSError`."""
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


class FileLock:
    """An exclusive lock between processes (and threads) at `path`. The system releases it when its holder dies.

    The file stays: it only says who holds the lock, for the message to those who wait. Use it as a context manager.
    """

    def __init__(self, path: Path, *, timeout: float = 30.0) -> None:
        self.path = path
        self.timeout = timeout
        self._fd: int | None = None

    def acquire(self) -> None:
        """Waits at most `timeout` seconds; then raises `StateError`, which names the holder. Also where it can't be made."""
        if self._fd is not None:
            raise RuntimeError(f"{self.path} is already held by this object")
        try:
            fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StateError(f"`{self.path}` can't be written: {error.strerror}", hint=DISK_HINT) from error
        try:
            self._wait(fd)
            with contextlib.suppress(OSError):  # a full disk: it is only for the message
                os.ftruncate(fd, 0)
                holder = {"pid": os.getpid(), "since": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
                os.pwrite(fd, json.dumps(holder).encode(), 0)
        except BaseException:
            os.close(fd)
            raise
        self._fd = fd

    def _wait(self, fd: int) -> None:
        deadline = time.monotonic() + self.timeout
        while True:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise StateError(
                        f"`{self.path}` is held by {_holder(fd)} for more than {self.timeout:g} s",
                        hint="wait until it is done, or end it",
                    ) from None
                time.sleep(_POLL_SECONDS)
            else:
                return

    def release(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def _holder(fd: int) -> str:
    try:
        holder = json.loads(os.pread(fd, 4096, 0))
        return f"process {int(holder['pid'])} (since {holder['since']})"
    except (ValueError, KeyError, TypeError):
        return "another process"


# ---------------------------------------------------------------------------------------------------- reading


@dataclass(frozen=True, slots=True, kw_only=True)
class LfsPointer:
    """What Git LFS leaves in place of a file that it has not downloaded: the real file's digest and size in bytes."""

    digest: Digest
    size: int


def lfs_pointer(data: bytes) -> LfsPointer | None:
    """The pointer that `data` is, or None for ordinary bytes."""
    match = _LFS.fullmatch(data) if len(data) < LFS_MAX_BYTES else None
    if match is None:
        return None
    return LfsPointer(digest=Digest(match["oid"].decode()), size=int(match["size"]))


def open_regular(path: Path) -> int:
    """A descriptor for reading the regular file at `path`; never a symlink, never waits for a FIFO's other end.

    Raises `ReadRefusedError` for anything that is no regular file and `OSError` for what can't be opened.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENXIO):
            raise ReadRefusedError(f"`{path.name}` is not a regular file") from None
        raise
    mode = os.fstat(fd).st_mode
    if not stat.S_ISREG(mode):
        os.close(fd)
        what = "a folder" if stat.S_ISDIR(mode) else "a device, a pipe or a socket"
        raise ReadRefusedError(f"`{path.name}` is {what}, not a file")
    return fd


def digest_of_file(fd: int) -> tuple[Digest, int]:
    """SHA-256 and length of the file open at `fd`, from its beginning; its position is left alone."""
    hasher, offset = hashlib.sha256(), 0
    while chunk := os.pread(fd, CHUNK, offset):
        hasher.update(chunk)
        offset += len(chunk)
    return Digest(hasher.hexdigest()), offset


class WorkTreeFiles:
    """The product's `source.ProjectFiles`: reads what the manifest names, and nothing outside the git work tree.

    Paths are POSIX, relative to `root` (the project's folder); `..` is fine while the real path stays in the work
    tree. All that was read or looked for is recorded, so that a later run can tell whether anything is different:
    `reads` (path → digest), `misses` (looked up in vain), `found` (seen to exist), `folders` (listed for a pattern).
    """

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self.tree = _work_tree(self.root)
        self.reads: dict[str, Digest] = {}
        self.misses: set[str] = set()
        self.found: set[str] = set()
        self.folders: set[str] = set()
        self._pictures: dict[tuple[str, int, int, int], Digest] = {}  # path, inode, size, mtime → digest

    def read(self, path: str) -> bytes:
        """The bytes of a text or data file of at most `MAX_FILE_BYTES`."""
        fd = self._open(path)
        try:
            data = _read_at_most(fd, MAX_FILE_BYTES, path)
        finally:
            os.close(fd)
        self.reads[path] = Digest.of(data)
        return data

    def picture_path(self, path: str) -> Path:
        """The real absolute path of a picture of at most `MAX_PICTURE_BYTES`; its digest is then in `reads`."""
        fd = self._open(path)
        try:
            facts = os.fstat(fd)
            if facts.st_size > MAX_PICTURE_BYTES:
                raise ReadRefusedError(_too_large(path, facts.st_size, MAX_PICTURE_BYTES))
            stamp = (path, facts.st_ino, facts.st_size, facts.st_mtime_ns)
            if stamp not in self._pictures:
                self._pictures[stamp], _ = digest_of_file(fd)
        finally:
            os.close(fd)
        self.reads[path] = self._pictures[stamp]
        return self._real(path)

    def picture_digest(self, path: str) -> Digest:
        """SHA-256 of a picture's bytes, under the rules of `picture_path`."""
        self.picture_path(path)
        return self.reads[path]

    def exists(self, path: str) -> bool:
        """Whether a regular file is there. Raises `ReadRefusedError` for a place outside, whatever is there."""
        if _is_file(self._real(path)):
            self.found.add(path)
            return True
        self.misses.add(path)
        return False

    def glob(self, pattern: str) -> Sequence[str]:
        """Files that match, in natural order. `*` stays in one folder, `**` is any number of folders.

        Names that begin with a dot match only a pattern that says so; `**` doesn't follow symlinks.
        """
        parts = _checked(pattern).parts
        for number, part in enumerate(parts):
            if _has_magic(part):  # what stands before the first wildcard must be inside already
                self._real("/".join(parts[:number]) or ".")
                break
        counter = _Counter(pattern)
        matches = {found for found in self._expand("", parts, counter) if self.exists(found)}
        return tuple(sorted(matches, key=natural_key))

    def output_path(self, path: str) -> Path:
        """The absolute path for writing `path`, relative to `root`. Raises `ReadRefusedError` if that is outside.

        Every folder on the way is resolved: a committed symlink `build -> /elsewhere` must not let anything out.
        """
        relative = _checked(path)
        target = Path(os.path.realpath(self.root / relative.parent)) / relative.name
        if relative.name in ("", "..") or not target.is_relative_to(self.root) or _in_git(target, self.root):
            raise ReadRefusedError(f"`{path}` leads out of the project's folder: nothing is written there")
        return target

    def _expand(self, base: str, parts: tuple[str, ...], counter: "_Counter") -> Iterator[str]:
        if not parts:
            yield base
            return
        head, rest = parts[0], parts[1:]
        if head == "**":
            yield from self._expand(base, rest or ("*",), counter)
            for name in self._names(base, counter, folders_only=True):
                yield from self._expand(_join(base, name), parts, counter)
        elif not _has_magic(head):
            yield from self._expand(_join(base, head), rest, counter)
        else:
            for name in self._names(base, counter, folders_only=False):
                if fnmatch.fnmatchcase(name, head) and name.startswith(".") <= head.startswith("."):
                    yield from self._expand(_join(base, name), rest, counter)

    def _names(self, base: str, counter: "_Counter", *, folders_only: bool) -> list[str]:
        folder = self._real(base or ".")
        self.folders.add(base or ".")
        try:
            with os.scandir(folder) as entries:
                names = []
                for entry in entries:
                    counter.count()
                    hidden = entry.name == ".git" or (folders_only and entry.name.startswith("."))
                    if not hidden and (not folders_only or entry.is_dir(follow_symlinks=False)):
                        names.append(entry.name)
                return names
        except (FileNotFoundError, NotADirectoryError):
            return []
        except PermissionError:
            raise ReadRefusedError(f"the folder `{base or '.'}` may not be read by you") from None

    def _open(self, path: str) -> int:
        real = self._real(path)
        try:
            return open_regular(real)
        except (FileNotFoundError, NotADirectoryError):
            self.misses.add(path)
            if (self.root / path).is_symlink():
                raise ReadRefusedError(f"`{path}` is a symlink to something that is not there") from None
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path) from None
        except PermissionError:
            raise ReadRefusedError(f"`{path}` may not be read by you") from None
        except ReadRefusedError as error:
            raise ReadRefusedError(str(error).replace(f"`{real.name}`", f"`{path}`", 1)) from None

    def _real(self, path: str) -> Path:
        """Where `path` really is, after all symlinks; it need not exist. Raises `ReadRefusedError` outside the tree."""
        relative = _checked(path)
        try:
            real = Path(os.path.realpath(self.root / relative))
        except OSError as error:
            raise ReadRefusedError(f"`{path}` can't be followed: {why(error)}") from None
        if not real.is_relative_to(self.tree):
            raise ReadRefusedError(
                f"`{path}` leads out of the project (to `{real}`): only files inside `{self.tree}` are read"
            )
        if _in_git(real, self.tree):
            raise ReadRefusedError(f"`{path}` is inside git's own folder, which is never read")
        return real


class _Counter:
    """Stops a pattern that would walk through a whole disk."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._left = MAX_GLOB_ENTRIES

    def count(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise ReadRefusedError(
                f"`{self._pattern}` looks at more than {MAX_GLOB_ENTRIES:,} folder entries: make it narrower"
            )


def _work_tree(root: Path) -> Path:
    return next((folder for folder in (root, *root.parents) if (folder / ".git").exists()), root)


def _in_git(real: Path, tree: Path) -> bool:
    return any(part.lower() == ".git" for part in real.relative_to(tree).parts)


def _checked(path: str) -> PurePosixPath:
    if not path or "\0" in path:
        raise ReadRefusedError(f"`{path!r}` is not a path")
    try:
        path.encode()
    except UnicodeEncodeError:
        raise ReadRefusedError(f"`{path!r}` is not a path") from None
    if path.startswith("/"):
        raise ReadRefusedError(f"`{path}` is absolute: write it relative to the project's folder")
    if len(path.encode()) > 4000 or any(len(part.encode()) > 255 for part in path.split("/")):
        raise ReadRefusedError(f"`{path[:40]}…` is too long for a path")
    return PurePosixPath(path)


def _is_file(real: Path) -> bool:
    try:
        return stat.S_ISREG(real.stat().st_mode)
    except OSError:
        return False


def _read_at_most(fd: int, limit: int, path: str) -> bytes:
    size = os.fstat(fd).st_size
    if size > limit:
        raise ReadRefusedError(_too_large(path, size, limit))
    chunks, total = [], 0
    while chunk := os.read(fd, CHUNK):
        total += len(chunk)
        if total > limit:  # it grows while we read
            raise ReadRefusedError(_too_large(path, total, limit))
        chunks.append(chunk)
    return b"".join(chunks)


def _too_large(path: str, size: int, limit: int) -> str:
    return f"`{path}` has {size:,} bytes; at most {limit:,} are read"


def _has_magic(part: str) -> bool:
    return any(letter in part for letter in "*?[")


def _join(base: str, name: str) -> str:
    return f"{base}/{name}" if base else name
