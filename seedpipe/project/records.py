"""What `check` finds in the files that seedpipe keeps in the project: locks and records of decisions."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from seedpipe.catalogue.lookup import Catalogue
from seedpipe.errors import Fault, Severity, StateError
from seedpipe.names import Realm
from seedpipe.plan.decision_check import decision_faults
from seedpipe.plan.lock_check import Witnesses, lock_faults
from seedpipe.plan.lock_record import Record
from seedpipe.plan.lock_truth import ManifestWords
from seedpipe.project.identity import decisions_name, lock_name, locks_in
from seedpipe.project.memory import Recollection
from seedpipe.project.project import Project
from seedpipe.state.decisions import Decision, read_decisions
from seedpipe.state.lock import ImageEntry, read_lock
from seedpipe.state.store import Store
from seedpipe.state.take import Take

_REBUILT = "proofs can be rebuilt: take the line out, or delete the file, and `seedpipe build --proof`"


def record_faults(
    root: Path, profile: str | None, catalogue: Catalogue, project: Project | None = None
) -> Sequence[Fault]:
    """Of the locks of `profile`, live and proof, and their decisions; without one, of every lock that is there.

    Faults of proofs are warnings: nothing is lost with them. What reading the live lock of `profile` refuses as a whole
    (conflict markers, a newer format) is left to who reads it. With the `project` open, its words are held against lines.
    """
    faults: list[Fault] = []
    for realm, name in dict.fromkeys([(Realm.LIVE, profile), *_other_locks(root, profile)]):
        lock = lock_name(realm, name)
        received = None if project is None else Received(project, realm)
        witnesses = _witnesses(root, lock, project, received)
        found = list(_faults(root, lock, catalogue, witnesses, read=(realm, name) != (Realm.LIVE, profile)))
        if received is not None:
            received.close()
        if realm is Realm.PROOF:
            found = [replace(fault, severity=Severity.WARNING, hint=_REBUILT) for fault in found]
        faults += found
    return faults


def record_files(project: Project) -> Iterator[Path]:
    """The files that `record_faults` looks at, and the folders in which others may appear."""
    root = project.root
    yield root
    yield root / lock_name(Realm.PROOF, None).rpartition("/")[0]
    for realm, profile in locks_in(root):
        lock = lock_name(realm, profile)
        yield root / lock
        yield root / decisions_name(lock)
    if project.project_id is not None:
        for realm in Realm:
            yield replace(project, realm=realm).state(project.project_id).journal


def _other_locks(root: Path, profile: str | None) -> Iterator[tuple[Realm, str | None]]:
    for realm, name in locks_in(root):
        if profile is None or name == profile:
            yield realm, name


class Received:
    """The takes that came to this machine in a realm, opened for the first line that gives reason to ask."""

    def __init__(self, project: Project, realm: Realm) -> None:
        self._project = replace(project, realm=realm)
        places = None if project.project_id is None else self._project.state(project.project_id)
        self._store = Store(places.store) if places is not None and places.takes.exists() else None
        self._memory: Recollection | None = None

    def of(self, entry: ImageEntry) -> Sequence[Take]:
        """Those of its want, if there are others that could have been chosen, or its own is not at hand."""
        if self._store is None or (len(entry.takes) < 2 and self._store.has(entry.take)):
            return ()
        try:
            self._memory = self._memory or self._project.recollection()
            index = self._memory.takes_index
            return () if index is None else index.of(entry.want)
        except StateError:  # `doctor` looks after it
            self._store = None
            return ()

    def close(self) -> None:
        if self._memory is not None:
            self._memory.close()


def _witnesses(root: Path, lock: str, project: Project | None, received: Received | None) -> Witnesses:
    file = decisions_name(lock)
    record = Record(file=file, decisions=_decisions(root / file, file), received=received.of if received else None)
    if project is None:
        return Witnesses(record=record)
    return Witnesses(manifest=ManifestWords(graph=project.graph, resolver=project.resolver()), record=record)


def _decisions(path: Path, file: str) -> Sequence[Decision] | None:
    """None where the record is broken: that is told by itself."""
    try:
        return read_decisions(_text(path) or "", file=file)
    except StateError:
        return None


def _faults(root: Path, lock: str, catalogue: Catalogue, witnesses: Witnesses, *, read: bool) -> Iterator[Fault]:
    """`read`: nobody else reads it, so what reading refuses is said here."""
    text = _text(root / lock)
    if text is not None:
        found = lock_faults(text, file=lock, catalogue=catalogue, witnesses=witnesses)
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
