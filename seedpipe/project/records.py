"""What `check` finds in the files that seedpipe keeps in the project: locks and records of decisions."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from seedpipe.catalogue.lookup import Catalogue
from seedpipe.errors import Fault, Severity, StateError
from seedpipe.names import Realm
from seedpipe.plan.lock_check import decision_faults, lock_faults
from seedpipe.project.identity import decisions_name, lock_name, locks_in
from seedpipe.state.lock import read_lock

_REBUILT = "proofs can be rebuilt: take the line out, or delete the file, and `seedpipe build --proof`"


def record_faults(root: Path, profile: str | None, catalogue: Catalogue) -> Sequence[Fault]:
    """Of the locks of `profile`, live and proof, and their decisions; without one, of every lock that is there.

    Faults of proofs are warnings: nothing is lost with them. What reading the live lock of `profile` refuses as a whole
    (conflict markers, a newer format) is left to who reads it.
    """
    faults: list[Fault] = []
    for realm, name in dict.fromkeys([(Realm.LIVE, profile), *_other_locks(root, profile)]):
        found = list(_faults(root, lock_name(realm, name), catalogue, read=(realm, name) != (Realm.LIVE, profile)))
        if realm is Realm.PROOF:
            found = [replace(fault, severity=Severity.WARNING, hint=_REBUILT) for fault in found]
        faults += found
    return faults


def record_files(root: Path) -> Iterator[Path]:
    """The files that `record_faults` looks at, and the folders in which others may appear."""
    yield root
    yield root / lock_name(Realm.PROOF, None).rpartition("/")[0]
    for realm, profile in locks_in(root):
        lock = lock_name(realm, profile)
        yield root / lock
        yield root / decisions_name(lock)


def _other_locks(root: Path, profile: str | None) -> Iterator[tuple[Realm, str | None]]:
    for realm, name in locks_in(root):
        if profile is None or name == profile:
            yield realm, name


def _faults(root: Path, lock: str, catalogue: Catalogue, *, read: bool) -> Iterator[Fault]:
    """`read`: nobody else reads it, so what reading refuses is said here."""
    text = _text(root / lock)
    if text is not None:
        found = lock_faults(text, file=lock, catalogue=catalogue)
        yield from found
        if read and not any(fault.severity is Severity.ERROR for fault in found):
            yield from _refused(text, lock)
    text = _text(root / decisions_name(lock))
    if text is not None:
        yield from decision_faults(text, file=decisions_name(lock))


def _refused(text: str, lock: str) -> Iterator[Fault]:
    try:
        read_lock(text, file=lock)
    except StateError as error:
        yield Fault(code="lock", message=error.message, position=error.position, hint=error.hint)


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8").replace("\r\n", "\n")
    except (OSError, UnicodeDecodeError):
        return None
