"""The errors a person can meet. They hold data; `console.render_error` writes them.

    SeedpipeError            one sentence, a hint, an exit code
    ├── UsageError           a wrong command line or setting                    2
    ├── ManifestError        every fault found in the manifest, with positions  2
    ├── StateError           a file of ours is damaged, foreign or too new      1
    │   └── RecordError      one of those beside the manifest: a lock, decisions 2
    ├── DecisionError        a person's decision that can't be made as asked    1
    │   └── ChangedMeanwhileError  somebody else was quicker                    1
    ├── ServiceError         the service refused, or could not be understood    1
    ├── CapError             a cap stands in the way                            4
    ├── ConsentError         nobody said yes                                    4
    └── UncertainError       the charge of something sent is not known         75

Messages are lower case, name things in backticks and say what was found and what was expected.
A hint is the next thing to do; every error has one (tests/test_next_steps.py).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from seedpipe.hints import NEXT_STEPS
from seedpipe.limits import ExitCode
from seedpipe.source import Position

DISK_HINT: Final = "is the disk full or read-only? what was bought and decided before is kept"


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that is wrong, and where. `code` is stable, for linters and `check --format json`.

    Without a `hint` of its own it has that of its code (`hints.NEXT_STEPS`), if there is one.
    """

    code: str
    message: str
    position: Position | None = None
    hint: str | None = None
    severity: Severity = Severity.ERROR
    address: str | None = None

    def __post_init__(self) -> None:
        if self.hint is None:
            object.__setattr__(self, "hint", NEXT_STEPS.get(self.code))

    def sort_key(self) -> tuple[str, int, int, str]:
        if self.position is None:
            return ("", 0, 0, self.message)
        return (self.position.file, self.position.line, self.position.column, self.message)


class SeedpipeError(Exception):
    """Anything that is told to the user in one sentence instead of a traceback."""

    exit_code: ExitCode = ExitCode.FAILED
    next_step: str | None = None
    """The hint of a class whose errors all have the same."""

    def __init__(self, message: str, *, hint: str | None = None, position: Position | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint or self.next_step
        self.position = position


def why(error: Exception) -> str:
    """What the operating system says, as our own messages say things: `no such file or directory`."""
    words = str(getattr(error, "strerror", None) or error)
    return words[:1].lower() + words[1:]


class UsageError(SeedpipeError):
    exit_code = ExitCode.USAGE


class ManifestError(SeedpipeError):
    """All faults of a manifest, or of another file that a person wrote, at once; never empty. `texts` holds the files that they point into, for excerpts."""

    exit_code = ExitCode.USAGE

    def __init__(self, faults: Iterable[Fault], *, texts: Mapping[str, str] | None = None) -> None:
        self.faults: Sequence[Fault] = tuple(sorted(dict.fromkeys(faults), key=Fault.sort_key))
        self.texts: Mapping[str, str] = texts or {}
        count = len(self.faults)
        super().__init__(f"{count} fault{'s' if count != 1 else ''} in the manifest")


class StateError(SeedpipeError):
    """A file that seedpipe keeps is damaged, foreign or newer than this version. It is never read as empty."""


class RecordError(StateError):
    """A lock or a record of decisions: files of the project that a person, or git, has broken and can mend."""

    exit_code = ExitCode.USAGE


class DecisionError(SeedpipeError):
    """What a person decided can't be done as things are; nothing was changed."""


class ChangedMeanwhileError(DecisionError):
    """Somebody else has changed the lock's line since it was read."""


class ServiceError(SeedpipeError):
    """The service refused, or answered something that could not be understood."""

    next_step = "`seedpipe doctor` asks the service, for nothing, whether all is well"


class CapError(SeedpipeError):
    exit_code = ExitCode.REFUSED


class ConsentError(SeedpipeError):
    exit_code = ExitCode.REFUSED


class UncertainError(SeedpipeError):
    exit_code = ExitCode.UNCERTAIN


class FaultCollector:
    """Gathers faults so that a person sees twelve errors in one run; `check()` raises if any is an error."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []

    def add(
        self,
        code: str,
        message: str,
        position: Position | None = None,
        *,
        hint: str | None = None,
        severity: Severity = Severity.ERROR,
        address: str | None = None,
    ) -> None:
        self.faults.append(
            Fault(code=code, message=message, position=position, hint=hint, severity=severity, address=address)
        )

    @property
    def errors(self) -> list[Fault]:
        return [fault for fault in self.faults if fault.severity is Severity.ERROR]

    def check(self) -> None:
        """Raise `ManifestError` with everything found so far, if anything of it is an error."""
        if self.errors:
            raise ManifestError(self.faults)
