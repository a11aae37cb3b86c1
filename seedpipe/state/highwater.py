"""The high-water mark: how many commits the journal has seen, beside it, so that one that lost some is noticed.

A write-ahead log that was removed or damaged, or a backup put in the journal's place, is a sound database that knows
less: what it forgot would be bought again. The mark is written after each commit and not synced: after a power cut it
may be lower than the truth, never higher.
"""

import contextlib
import os
from pathlib import Path
from typing import Final

_WIDTH: Final = 20  # digits, so that a later mark covers an earlier one


class HighWater:
    """The mark of the journal at `journal`. Threads take turns with it."""

    def __init__(self, journal: Path) -> None:
        self._path = mark_path(journal)
        self._fd: int | None = None

    def rise(self, commits: int) -> None:
        """At least so many commits there were. A mark that can't be written is only a mark."""
        with contextlib.suppress(OSError):
            if self._fd is None:
                self._fd = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            os.pwrite(self._fd, f"{commits:0{_WIDTH}}\n".encode(), 0)

    def close(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


def mark_path(journal: Path) -> Path:
    return journal.with_name(f".{journal.name}.commits")


def highest(journal: Path) -> int:
    """The commits that the mark knows of; 0 where there is none, or none that can be read."""
    try:
        text = mark_path(journal).read_bytes()[: _WIDTH + 1]
    except OSError:
        return 0
    digits = text.strip()
    return int(digits) if digits.isdigit() else 0
