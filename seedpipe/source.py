"""Where a value stood: positions in text files, and the interface through which the pure rooms read files."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in a text file. `file` is relative to the project's folder; line and column count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class ReadRefusedError(Exception):
    """A path that may not be read: outside the project, a broken link, too large. The message is for people."""


class ProjectFiles(Protocol):
    """All reading that the manifest causes. Paths are POSIX, relative to the project's folder; nothing outside is read.

    `read` and `glob` raise `ReadRefusedError` for what leaves the git work tree (else the project's folder) after
    symlinks are resolved, and `FileNotFoundError` for what is not there.
    """

    def read(self, path: str) -> bytes: ...

    def exists(self, path: str) -> bool: ...

    def glob(self, pattern: str) -> Sequence[str]:
        """Files that match, in natural order (`shot2` before `shot10`)."""
        ...
