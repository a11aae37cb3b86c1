"""The store: pictures by the SHA-256 of their bytes, written once, read-only, verified whenever they are read.

<folder>/sha256/ab/cdef…      the blobs, 0444
<folder>/tmp/<owner>/…        what is on its way in; swept when its owner is dead
<folder>/damaged/…            blobs whose bytes were not what their name says: set aside, never deleted
"""

import contextlib
import errno
import os
import re
import secrets
import shutil
import stat
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from seedpipe.errors import StateError
from seedpipe.names import Digest
from seedpipe.source import ReadRefusedError
from seedpipe.state.atomic import replacing
from seedpipe.state.files import CHUNK, digest_of_file, fsync_folder, make_folder, open_regular
from seedpipe.state.owners import Owner, is_alive, sweep

_NO_REFLINK: Final = (errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM, errno.EBADF)
_NOT_LOST: Final = "build again: what is paid is fetched again, not bought again"
_REST: Final = re.compile(r"[0-9a-f]{62}\Z")


class BlobMissingError(StateError):
    """The store doesn't hold the bytes. That is no licence to buy them again."""


class BlobDamagedError(StateError):
    """A blob's bytes are not what its name says. It was set aside."""


class Store:
    """Content-addressed files below `folder`. Safe for any number of threads and processes at once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._owner: Owner | None = None
        self._guard = threading.Lock()

    def path(self, digest: Digest) -> Path:
        """Where the blob is or would be. Reading it there skips the check of its bytes: prefer `read`."""
        return self.folder / "sha256" / digest.hex[:2] / digest.hex[2:]

    def has(self, digest: Digest) -> bool:
        """Whether a file of that name is there; its bytes are checked when it is read."""
        try:
            return stat.S_ISREG(self.path(digest).lstat().st_mode)
        except (FileNotFoundError, NotADirectoryError):
            return False

    def digests(self) -> Iterator[Digest]:
        """Every blob in the store, in order of digest."""
        for folder in sorted((self.folder / "sha256").glob("[0-9a-f][0-9a-f]")):
            for name in sorted(path.name for path in folder.iterdir()):
                if _REST.match(name):
                    yield Digest(folder.name + name)

    def keep(self, data: bytes) -> Digest:
        """Puts `data` in; durable on return. A damaged blob of the same digest is set aside and replaced."""
        digest = Digest.of(data)
        if not self._holds(digest):
            temporary = self.temporary()
            with temporary.open("xb") as file:
                file.write(data)
            self._move_in(temporary, digest)
        return digest

    def keep_file(self, temporary: Path, digest: Digest) -> Digest:
        """Moves a downloaded file in; durable on return. Raises `StateError`, and leaves it, if its bytes differ."""
        try:
            fd = open_regular(temporary)
        except ReadRefusedError as error:
            raise StateError(f"`{temporary}` can't be kept: {error}", hint=_NOT_LOST) from None
        try:
            found, _ = digest_of_file(fd)
        finally:
            os.close(fd)
        if found != digest:
            raise StateError(f"`{temporary}` is {found}, but {digest} was expected: it was not kept", hint=_NOT_LOST)
        if self._holds(digest):
            temporary.unlink()
            return digest
        if temporary.stat().st_dev != self._ready().stat().st_dev:
            copy = self.temporary()
            shutil.copyfile(temporary, copy, follow_symlinks=False)
            temporary.unlink()
            temporary = copy
        self._move_in(temporary, digest)
        return digest

    def read(self, digest: Digest) -> bytes:
        """The bytes, verified. Raises `BlobMissingError`, or `BlobDamagedError` after setting the file aside."""
        fd = self._open(digest)
        with os.fdopen(fd, "rb") as file:
            data = file.read()
        if Digest.of(data) != digest:
            raise self._damaged(digest)
        return data

    def materialise(self, digest: Digest, target: Path) -> None:
        """Puts a verified copy at `target`, in one step; missing folders are made, a symlink there is replaced.

        The copy shares its blocks with the blob where the file system can (a reflink); it is never a hard link,
        through which an editor would write into the store. Raises as `read`, and `OSError`.
        """
        source = self._open(digest)
        try:
            if digest_of_file(source)[0] != digest:
                raise self._damaged(digest)
            target.parent.mkdir(parents=True, exist_ok=True)
            with replacing(target, mode=0o666) as sink:  # a torn output after a crash would look like a person's edit
                _copy(source, sink)
        finally:
            os.close(source)

    def temporary(self) -> Path:
        """A fresh path for a download, on the store's own file system; nothing is there yet."""
        return self._ready() / secrets.token_hex(8)

    def close(self) -> None:
        """Removes what this process left unfinished. The store may be used again afterwards."""
        with self._guard:
            if self._owner is not None:
                shutil.rmtree(self.folder / "tmp" / self._owner.id, ignore_errors=True)
                self._owner.end()
                self._owner = None

    def _ready(self) -> Path:
        """This process's folder for temporaries. Before the first one, what dead processes left is removed."""
        with self._guard:
            if self._owner is None:
                temporaries = self.folder / "tmp"
                self._owner = Owner.begin(temporaries)
                sweep(temporaries)
                for leftover in temporaries.iterdir():
                    if leftover.is_dir() and not leftover.is_symlink() and not is_alive(temporaries, leftover.name):
                        shutil.rmtree(leftover, ignore_errors=True)
                (temporaries / self._owner.id).mkdir(mode=0o700)
            return self.folder / "tmp" / self._owner.id

    def _holds(self, digest: Digest) -> bool:
        """Whether a sound blob is there; a damaged one is set aside, so that good bytes can take its place."""
        try:
            fd = self._open(digest)
        except BlobMissingError:
            return False
        except BlobDamagedError:
            return False
        try:
            sound = digest_of_file(fd)[0] == digest
        finally:
            os.close(fd)
        if not sound:
            self._damaged(digest)
        return sound

    def _move_in(self, temporary: Path, digest: Digest) -> None:
        fd = os.open(temporary, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            os.fchmod(fd, 0o444)
            os.fsync(fd)
        finally:
            os.close(fd)
        path = self.path(digest)
        make_folder(path.parent)
        temporary.replace(path)
        fsync_folder(path.parent)

    def _open(self, digest: Digest) -> int:
        try:
            return open_regular(self.path(digest))
        except (FileNotFoundError, NotADirectoryError):
            raise BlobMissingError(
                f"the picture {digest} is not in the store `{self.folder}`",
                hint="fetch it from where it was made; it is not bought again by itself",
            ) from None
        except ReadRefusedError:
            raise self._damaged(digest) from None

    def _damaged(self, digest: Digest) -> BlobDamagedError:
        aside = self.folder / "damaged" / f"{digest.hex}.{secrets.token_hex(4)}"
        make_folder(aside.parent)
        with contextlib.suppress(FileNotFoundError):  # another process was quicker
            self.path(digest).replace(aside)
        return BlobDamagedError(
            f"`{self.path(digest)}` doesn't hold the bytes that its name says: it was set aside as `{aside}`",
            hint="fetch the picture from where it was made; it is not bought again by itself",
        )


def _copy(source: int, sink: int) -> None:
    """All bytes of `source` into the empty file `sink`, shared where the file system can."""
    size, done = os.fstat(source).st_size, 0
    if hasattr(os, "copy_file_range"):
        try:
            while done < size and (count := os.copy_file_range(source, sink, size - done, done)):
                done += count
        except OSError as error:
            if error.errno not in _NO_REFLINK:
                raise
    os.lseek(sink, done, os.SEEK_SET)
    while chunk := os.pread(source, CHUNK, done):
        view = memoryview(chunk)
        while view:
            view = view[os.write(sink, view) :]
        done += len(chunk)
