"""The record of decisions on disk: read whole, added to at its end, durable before the lock says the same."""

import fnmatch
import os
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from seedpipe.errors import DISK_HINT, RecordError, StateError, why
from seedpipe.source import ReadRefusedError
from seedpipe.state.decisions import Decision, is_torn, read_decisions, write_decision
from seedpipe.state.files import CHUNK, fsync_folder, open_regular, write_all, write_atomically

UNION_LINE: Final = "seedpipe*.decisions.jsonl merge=union"


def load_decisions(path: Path, *, shown_as: str) -> tuple[Decision, ...]:
    """All decisions, the oldest first; an absent file holds none. Raises `RecordError` as `read_decisions`."""
    try:
        fd = open_regular(path)
    except FileNotFoundError:
        return ()
    except (OSError, ReadRefusedError) as error:
        raise RecordError(
            f"`{shown_as}` can't be read: {why(error)}", hint="restore it from git, as a file of yours"
        ) from error
    with os.fdopen(fd, "rb") as file:
        data = file.read()
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        torn = data.rpartition(b"\n")[0] + b"\n"
        if error.start < len(torn):
            raise RecordError(f"`{shown_as}` is not UTF-8 text", hint="restore it from git") from None
        text = torn.decode("utf-8")  # a crash cut the last line within a letter
    return read_decisions(text, file=shown_as)


def append_decisions(path: Path, decisions: Sequence[Decision], *, shown_as: str) -> Callable[[], None]:
    """On disk when it returns. The caller holds the lock's mutex. A line that a crash has torn makes room.

    What is returned takes them out again, while the mutex is held. Raises `StateError`; the record is then as before.
    """
    new = not path.exists()
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        fd = os.open(path, flags, 0o644)
        try:
            end = _sound_end(fd)
            data = b"".join(write_decision(decision).encode() for decision in decisions)
            if end and os.pread(fd, 1, end - 1) != b"\n":
                data = b"\n" + data
            os.ftruncate(fd, end)
            os.lseek(fd, end, os.SEEK_SET)
            try:
                write_all(fd, data)
                os.fsync(fd)
            except OSError:
                os.ftruncate(fd, end)  # less needs no room on a full disk
                raise
        finally:
            os.close(fd)
        if new:
            fsync_folder(path.parent)
    except OSError as error:
        raise StateError(f"`{shown_as}` can't be written: {why(error)}; nothing was decided", hint=DISK_HINT) from error
    return partial(os.truncate, path, end)


def _sound_end(fd: int) -> int:
    """Where new lines begin: behind the last whole line."""
    size = os.fstat(fd).st_size
    start, tail = size, b""
    while start and b"\n" not in tail:
        step = min(CHUNK, start)
        start -= step
        tail = os.pread(fd, step, start) + tail
    last = tail.rpartition(b"\n")[2]
    return size - len(last) if is_torn(last) else size


def keep_both_sides(root: Path, tree: Path, name: str) -> str | None:
    """Sees to it that git merges the record by keeping both sides. Returns a sentence if something was or is to be done.

    `root` is the project's folder, `tree` the git work tree. A file that is somebody's is not touched.
    """
    if not (tree / ".git").exists() or any(_says_union(folder, name) for folder in _folders(root, tree)):
        return None
    attributes = root / ".gitattributes"
    if attributes.exists() or attributes.is_symlink():
        return f"add the line `{UNION_LINE}` to `.gitattributes`: then git keeps both sides' decisions in a merge"
    write_atomically(attributes, f"{UNION_LINE}\n".encode())
    return "wrote `.gitattributes`, by which git keeps both sides' decisions in a merge; commit it as well"


def _folders(root: Path, tree: Path) -> Iterator[Path]:
    yield from (folder for folder in (root, *root.parents) if folder.is_relative_to(tree))


def _says_union(folder: Path, name: str) -> bool:
    try:
        text = (folder / ".gitattributes").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    rules = [line.split() for line in text.splitlines() if not line.startswith("#")]
    return any(
        len(rule) > 1 and "merge=union" in rule[1:] and fnmatch.fnmatchcase(name, rule[0].rpartition("/")[2])
        for rule in rules
    )
