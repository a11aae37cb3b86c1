"""The output files: what stands at a path now, what seedpipe last put there, and putting a picture there.

The record (`.seedpipe/outputs.json`) only saves re-hashing and tells our files from a person's; it can be rebuilt.
"""

import contextlib
import json
import os
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seedpipe.names import Digest
from seedpipe.source import ReadRefusedError
from seedpipe.state.files import WorkTreeFiles, digest_of_file, lfs_pointer, open_regular, write_atomically
from seedpipe.state.store import Store

FORMAT = 1
RACY_SECONDS = 2.0  # a file changed this recently may change again within its time stamp


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """A file as it was when it was hashed. `ours` is the digest that seedpipe last wrote there, if it did.

    `made_of` names what that was made of and how (`plan.outputs.made_of`), so that nothing has to be made to compare.
    """

    size: int
    mtime_ns: int
    inode: int
    digest: Digest
    ours: Digest | None
    made_of: str | None = None


class Outputs:
    """All paths are relative to the project's folder. Nothing outside it is read or written."""

    def __init__(self, files: WorkTreeFiles, record: Path) -> None:
        self._files = files
        self._record = record
        self._stamps = _read(record)
        self._changed = False
        self._guard = threading.Lock()

    def digest(self, path: str) -> Digest | None:
        """Of the file that stands there now; None if there is none. Re-hashed only when its stamp moved."""
        try:
            os.lstat(f"{self._files.root}/{path}")  # most often there is nothing, which is quickly seen
            target = self._files.output_path(path)
            facts = target.lstat()
        except (ReadRefusedError, FileNotFoundError, NotADirectoryError):
            return None
        stamp = self._stamps.get(path)
        if stamp and (stamp.size, stamp.mtime_ns, stamp.inode) == (
            facts.st_size,
            facts.st_mtime_ns,
            facts.st_ino,
        ):
            return stamp.digest
        try:
            fd = open_regular(target)
        except (ReadRefusedError, OSError):
            return Digest.of(b"not a regular file: " + os.fsencode(target))  # somebody's, whatever it is
        try:
            digest, _ = digest_of_file(fd)
            facts = os.fstat(fd)
        finally:
            os.close(fd)
        self._note(path, facts, digest, stamp)
        return digest

    def pointer(self, path: str) -> Digest | None:
        """The picture that Git LFS has not brought, if its pointer stands at `path`."""
        try:
            fd = open_regular(self._files.output_path(path))
        except (OSError, ReadRefusedError):
            return None
        with os.fdopen(fd, "rb") as stream:
            found = lfs_pointer(stream.read(1024))
        return None if found is None else found.digest

    def ours(self, path: str) -> Digest | None:
        """What seedpipe last put at `path`."""
        stamp = self._stamps.get(path)
        return stamp.ours if stamp else None

    def is_made_of(self, path: str, made_of: str) -> bool:
        """Whether the file that stands at `path` is what seedpipe put there, and made of just this."""
        stamp = self._stamps.get(path)
        return stamp is not None and stamp.made_of == made_of and self.digest(path) == stamp.ours

    def place(self, path: str, digest: Digest, store: Store, made_of: str) -> None:
        """Put a kept picture at `path`. Raises `ReadRefusedError` for a place outside, `StateError`, `OSError`."""
        target = self._files.output_path(path)
        store.materialise(digest, target)
        self.note_ours(path, digest, made_of)

    def note_ours(self, path: str, digest: Digest, made_of: str) -> None:
        """The file that stands at `path` is ours, and made of this."""
        facts = self._files.output_path(path).lstat()
        self._note(path, facts, digest, Stamp(size=0, mtime_ns=0, inode=0, digest=digest, ours=digest, made_of=made_of))

    def remove(self, path: str) -> None:
        """Take the file at `path` away. Raises `ReadRefusedError` for a place outside, `OSError`."""
        self._files.output_path(path).unlink(missing_ok=True)
        with self._guard:
            self._changed = self._stamps.pop(path, None) is not None or self._changed

    def file(self, path: str) -> Path:
        """The absolute path behind `path`. Raises `ReadRefusedError`."""
        return self._files.output_path(path)

    def save(self) -> None:
        """Write the record if anything changed."""
        with self._guard:
            if not self._changed:
                return
            stamps = {path: _write(stamp) for path, stamp in sorted(self._stamps.items())}
            self._changed = False
        data = json.dumps({"seedpipe_outputs": FORMAT, "files": stamps}, separators=(",", ":"))
        write_atomically(self._record, data.encode())

    def save_if_possible(self) -> None:
        """For verbs that only look: saves the next one some hashing, if the folder is there and can be written."""
        if self._record.parent.is_dir():
            with contextlib.suppress(OSError):
                self.save()

    def _note(self, path: str, facts: os.stat_result, digest: Digest, known: Stamp | None) -> None:
        fresh = time.time() - facts.st_mtime < RACY_SECONDS
        ours = known.ours if known else None
        stamp = Stamp(
            size=facts.st_size,
            mtime_ns=0 if fresh and ours != digest else facts.st_mtime_ns,
            inode=facts.st_ino,
            digest=digest,
            ours=ours,
            made_of=known.made_of if known else None,
        )
        with self._guard:
            self._stamps[path] = stamp
            self._changed = True


def _write(stamp: Stamp) -> list[Any]:
    return [
        stamp.size,
        stamp.mtime_ns,
        stamp.inode,
        stamp.digest.hex,
        None if stamp.ours is None else stamp.ours.hex,
        stamp.made_of,
    ]


def _read(record: Path) -> dict[str, Stamp]:
    """An unreadable record is as good as none: everything in it can be found out again."""
    try:
        data = json.loads(record.read_bytes())
        if data["seedpipe_outputs"] != FORMAT:
            return {}
        return {
            path: Stamp(
                size=size,
                mtime_ns=mtime_ns,
                inode=inode,
                digest=Digest(digest),
                ours=None if ours is None else Digest(ours),
                made_of=made_of[0] if made_of else None,
            )
            for path, (size, mtime_ns, inode, digest, ours, *made_of) in data["files"].items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}
