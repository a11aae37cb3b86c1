"""Which project this is: the id under which its ledger and store are found, on disk before anything is bought."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from seedpipe.names import Realm, is_name
from seedpipe.state.files import FileLock, make_folder, write_atomically
from seedpipe.state.home import new_project_id
from seedpipe.state.lock import PROJECT, write_lock
from seedpipe.state.lockfile import load_lock


def lock_name(realm: Realm, profile: str | None) -> str:
    """The lock of a realm and profile, relative to the project's folder."""
    name = f"seedpipe.{profile}.lock" if profile else "seedpipe.lock"
    return f".seedpipe/proof/{name}" if realm is Realm.PROOF else name


def decisions_name(lock: str) -> str:
    """The record of decisions beside a lock."""
    return lock.removesuffix(".lock") + ".decisions.jsonl"


def locks_in(root: Path) -> Iterator[tuple[Realm, str | None]]:
    """Realm and profile of every lock that is there."""
    for realm in Realm:
        main = root / lock_name(realm, None)
        for path in sorted(main.parent.glob("seedpipe*.lock")):
            profile = path.name.removeprefix("seedpipe").removesuffix(".lock").removeprefix(".") or None
            if path.name == Path(lock_name(realm, profile)).name:
                yield realm, profile


def known_id(root: Path, profile: str | None) -> str | None:
    """The id that a lock of the project in `root` holds: one for all profiles, so the first lock that has one says it."""
    names = [lock_name(realm, one) for realm in Realm for one in dict.fromkeys((None, profile))]
    return next((found for name in names if (found := _id_in(root / name)) is not None), None)


def claim_id(root: Path, *, realm: Realm, profile: str | None, mutex: Path, home: Path) -> str:
    """The id of a project whose manifest has none: the known one, or a new one that every later command finds.

    It is durable on return. Without that, a build killed before its first line in the lock would leave a ledger that
    nobody looks into again, and builds that begin together would have one each. A lock that was deleted before it was
    committed is no loss either: the ledger remembers the folder.
    """
    name = lock_name(realm, None)
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(mutex):
        found = known_id(root, profile) or _built_in(root, home) or new_project_id()
        _note_folder(root, home, found)
        if _id_in(path) is None:
            lock = load_lock(path, shown_as=name)
            write_atomically(path, write_lock(replace(lock, project=lock.project or found)).encode())
            found = lock.project or found
    return found


def _built_in(root: Path, home: Path) -> str | None:
    """The project that was last built in this very folder."""
    for note in home.glob("projects/*/folder"):
        try:
            if note.read_bytes() == bytes(root):
                return note.parent.name
        except OSError:
            continue
    return None


def _note_folder(root: Path, home: Path, project_id: str) -> None:
    note = home / "projects" / project_id / "folder"
    if not note.exists():
        make_folder(note.parent)
        write_atomically(note, bytes(root), mode=0o600)


def _id_in(path: Path) -> str | None:
    """What the second line of a lock says; a lock may have very many more. A broken one is told of when it is read."""
    try:
        with path.open("rb") as file:
            file.readline(1000)
            name, _, body = file.readline(1000).partition(b" ")
        found = json.loads(body)["id"] if name == PROJECT.encode() else None
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return found if isinstance(found, str) and is_name(found) else None
