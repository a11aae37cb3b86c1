"""A file replaced in one step. Its temporary has one name, so a killed process leaves nothing that stays."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def replacing(path: Path, *, mode: int) -> Iterator[int]:
    """A descriptor to write to; when the block ends well, what was written stands at `path`, synced, in one step.

    `mode` is narrowed by the umask. A symlink at `path` is replaced, not followed. Writers of one path go one after
    the other; what one that was killed left beside it is removed by the next. Raises `OSError`.
    """
    temporary = path.with_name(f".{path.name[:200]}.tmp")
    fd = _alone(temporary, mode)
    try:
        yield fd
        os.fsync(fd)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    finally:
        os.close(fd)


def is_still(path: Path, fd: int) -> bool:
    """Whether the open file is the one that stands at `path` now."""
    try:
        there, ours = path.lstat(), os.fstat(fd)
    except FileNotFoundError:
        return False
    return (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino)


def _alone(temporary: Path, mode: int) -> int:
    """A new file there, locked, which no other process takes for a leftover."""
    while True:
        try:
            fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
        except FileExistsError:
            _clear(temporary)
            continue
        fcntl.flock(fd, fcntl.LOCK_EX)
        if is_still(temporary, fd):
            return fd
        os.close(fd)  # someone cleared it between its creation and our lock


def _clear(temporary: Path) -> None:
    """Waits for a writer that lives; what a dead one left, or a stranger planted, is removed and never written to."""
    try:
        fd = os.open(temporary, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    except OSError:  # a symlink
        temporary.unlink(missing_ok=True)
        return
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        if is_still(temporary, fd):
            temporary.unlink(missing_ok=True)
    finally:
        os.close(fd)
