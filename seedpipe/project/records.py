"""What `check` finds in the files that seedpipe keeps in the project: locks and records of decisions."""

from collections.abc import Sequence
from pathlib import Path

from seedpipe.catalogue.lookup import Catalogue
from seedpipe.errors import Fault
from seedpipe.names import Realm
from seedpipe.plan.lock_check import decision_faults, lock_faults
from seedpipe.project.identity import decisions_name, lock_name


def record_faults(root: Path, profile: str | None, catalogue: Catalogue) -> Sequence[Fault]:
    """Of the live lock of `profile` and its decisions; what can't be read as text is left to who reads it."""
    lock = lock_name(Realm.LIVE, profile)
    decisions = decisions_name(lock)
    faults: list[Fault] = []
    text = _text(root / lock)
    if text is not None:
        faults += lock_faults(text, file=lock, catalogue=catalogue)
    text = _text(root / decisions)
    if text is not None:
        faults += decision_faults(text, file=decisions)
    return faults


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8").replace("\r\n", "\n")
    except (OSError, UnicodeDecodeError):
        return None
