"""Owners: one for each process that holds something. The system releases an owner's lock when its process dies.

A process id can be reused and says nothing across containers; a lock on `<folder>/<owner>.lock` can't lie. A lock
file that is gone counts as dead: what the owner held is then judged by the state machine, which is safe either way.
"""

import fcntl
import os
import re
import secrets
from pathlib import Path
from typing import Final

from seedpipe.state.atomic import is_still
from seedpipe.state.files import make_folder

_ID: Final = re.compile(r"[0-9]+-[0-9a-f]{16}\Z")
_SUFFIX: Final = ".lock"


def new_owner_id() -> str:
    """A name that no other process ever has."""
    return f"{os.getpid()}-{secrets.token_hex(8)}"


class Owner:
    """A living holder. Its lock is held from `begin` until `end`, or until the process dies."""

    def __init__(self, folder: Path, owner_id: str, fd: int) -> None:
        self.folder = folder
        self.id = owner_id
        self._fd: int | None = fd

    @classmethod
    def begin(cls, folder: Path) -> "Owner":
        """A new owner, known as living to every process before anything can be written in its name."""
        make_folder(folder)
        while True:
            owner_id = new_owner_id()
            path = folder / f"{owner_id}{_SUFFIX}"
            fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            fcntl.flock(fd, fcntl.LOCK_EX)
            if is_still(path, fd):
                return cls(folder, owner_id, fd)
            os.close(fd)  # someone swept the file between its creation and our lock

    def end(self) -> None:
        """Gives the lock up and removes its file. What is still open in this owner's name is then of a dead owner."""
        if self._fd is not None:
            (self.folder / f"{self.id}{_SUFFIX}").unlink(missing_ok=True)
            os.close(self._fd)
            self._fd = None


def is_alive(folder: Path, owner_id: str) -> bool:
    """Whether the process behind `owner_id` still lives."""
    if not _ID.match(owner_id):
        return False
    fd = _open(folder / f"{owner_id}{_SUFFIX}")
    if fd is None:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)  # shared, so that two askers don't take each other for alive
    except BlockingIOError:
        return True
    finally:
        os.close(fd)
    return False


def sweep(folder: Path) -> tuple[str, ...]:
    """Removes the lock files of dead owners and returns their ids."""
    dead = []
    for path in sorted(folder.glob(f"*{_SUFFIX}")) if folder.is_dir() else ():
        owner_id = path.name.removesuffix(_SUFFIX)
        if not _ID.match(owner_id):
            continue
        fd = _open(path)
        if fd is None:
            continue
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if is_still(path, fd):
                path.unlink(missing_ok=True)
                dead.append(owner_id)
        except BlockingIOError:
            pass  # alive, or somebody is asking at this moment: the next sweep gets it
        finally:
            os.close(fd)
    return tuple(dead)


def _open(path: Path) -> int | None:
    try:
        return os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
