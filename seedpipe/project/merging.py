"""Locks that git could not merge line by line: both sides are read, brought together and written."""

from collections.abc import Sequence
from pathlib import Path

from seedpipe.errors import RecordError, UsageError, why
from seedpipe.project.git import GitError, merge_sides
from seedpipe.state.files import FileLock, make_folder, write_atomically
from seedpipe.state.lock import Lock, read_lock, write_lock
from seedpipe.state.merge import Merged, Side, has_markers, merge_locks, sides_of, write_merged


def unmerged_locks(root: Path) -> Sequence[str]:
    """Names of the locks in `root` that hold conflict markers or that git calls unmerged."""
    found = []
    for path in sorted(root.glob("seedpipe*.lock")):
        try:
            unmerged = bool(merge_sides(root, path.name))
        except GitError:
            unmerged = False
        if unmerged or has_markers(_text(path, path.name)):
            found.append(path.name)
    return found


def merge_in_place(root: Path, name: str, prefer: Side | None) -> Merged:
    """Brings the sides of a lock together and writes it; lines that two people chose otherwise keep their markers.

    Raises `RecordError` for a side that can't be read; the file is then as it was.
    """
    path = root / name
    make_folder(root / ".seedpipe", 0o777)
    with FileLock(root / ".seedpipe" / "lock.mutex"):
        base, ours, theirs = _sides(root, name)
        merged = merge_locks(base, ours, theirs)
        _write(path, merged, prefer)
    return merged


def merge_files(base: Path, ours: Path, theirs: Path, prefer: Side | None) -> Merged:
    """As git's merge driver asks for it (`%O %A %B`): the result is written to `ours`."""
    read = [_lock_of(_text(path, str(path)), str(path)) for path in (base, ours, theirs)]
    merged = merge_locks(read[0], read[1] or Lock(), read[2] or Lock())
    _write(ours, merged, prefer)
    return merged


def _sides(root: Path, name: str) -> tuple[Lock | None, Lock, Lock]:
    """From git's index, which has them whole; else from the markers in the file."""
    try:
        stages = merge_sides(root, name)
    except GitError:
        stages = None
    text = _text(root / name, name)
    # what somebody has begun to settle by hand in the file is worth more than git's first word
    if stages and "ours" in stages and "theirs" in stages and has_markers(text):
        sides = [_decoded(stages[side], f"{name} ({side})") if side in stages else None for side in _ORDER]
    else:
        try:
            sides = list(sides_of(text))
        except ValueError as error:
            raise RecordError(f"`{name}`: {error}", hint="`git checkout -m -- " + name + "` writes them anew") from None
    base, ours, theirs = (
        None if side is None else _lock_of(side, f"{name} ({which})") for side, which in zip(sides, _ORDER, strict=True)
    )
    return base, ours or Lock(), theirs or Lock()


_ORDER = ("base", "ours", "theirs")


def _write(path: Path, merged: Merged, prefer: Side | None) -> None:
    text = write_merged(merged) if prefer is None else write_lock(merged.settled(prefer))
    write_atomically(path, text.encode())


def _lock_of(text: str, shown_as: str) -> Lock | None:
    """An empty file is no lock: git gives one for a side that has none."""
    return read_lock(text, file=shown_as) if text.strip() else None


def _text(path: Path, shown_as: str) -> str:
    try:
        return _decoded(path.read_bytes(), shown_as)
    except OSError as error:
        raise UsageError(
            f"`{shown_as}` can't be read: {why(error)}", hint="name three files: BASE OURS THEIRS; or none"
        ) from None


def _decoded(data: bytes, shown_as: str) -> str:
    try:
        return data.decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise RecordError(f"`{shown_as}` is not UTF-8 text", hint="restore it from git") from error
