"""One line of a lock as it stands in the file, and the faults that can be told of it. Pure."""

import re
from datetime import datetime
from typing import Any, Final

from seedpipe.canonical import canonical_json
from seedpipe.errors import Fault, Severity
from seedpipe.source import Position

GARBLED: Final = (ValueError, KeyError, TypeError, AttributeError, RecursionError)  # what a hand's JSON may raise

FROM_GIT: Final = "restore the line from git: `git log -p {file}` shows it"


class Place:
    """One line, and the faults that can be in it."""

    def __init__(self, file: str, number: int, line: str, name: str) -> None:
        self.file, self.number, self.line, self.name = file, number, line, name

    @property
    def body(self) -> str:
        return self.line[len(self.name) + 1 :]

    def column_of(self, key: str) -> int:
        """Where the value of `key` begins, from 1; else where the body does."""
        found = re.search(rf'"{re.escape(key)}"\s*:\s*', self.line)
        return found.end() + 1 if found else min(len(self.name) + 2, len(self.line) + 1)

    def error(self, words: str, column: int, *, hint: str | None = None) -> Fault:
        return self._fault(words, column, Severity.ERROR, hint or FROM_GIT.format(file=self.file))

    def warning(self, words: str, column: int, *, hint: str) -> Fault:
        return self._fault(words, column, Severity.WARNING, hint)

    def _fault(self, words: str, column: int, severity: Severity, hint: str) -> Fault:
        return Fault(
            code="lock-line",
            message=f"`{self.name}`: {words}",
            position=Position(self.file, self.number, column),
            hint=hint,
            severity=severity,
        )


def is_time(text: Any) -> bool:
    """Whether it is a moment as seedpipe writes one: ISO 8601 with its zone."""
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except GARBLED:
        return False


def is_canonical(value: Any, text: str) -> bool:
    """Whether `text` is how seedpipe writes `value`."""
    try:
        return canonical_json(value) == text
    except GARBLED:
        return False
