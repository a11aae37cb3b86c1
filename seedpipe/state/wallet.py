"""The wallet: what a person spends in all live projects of this machine's data folder, for caps that hold over all.

Nothing is kept twice: the other projects' journals are asked, at the moment of each claim, while a lock keeps every
other claim under such a cap waiting. A journal that can't be read is an error, never nothing spent.
"""

import contextlib
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from seedpipe.errors import StateError
from seedpipe.money import Money
from seedpipe.names import Realm
from seedpipe.state.files import FileLock, make_folder
from seedpipe.state.journal_schema import is_there, look_into
from seedpipe.state.owners import is_alive
from seedpipe.state.spent import Scope, Spent, spent_in

_RACY_NS: Final = 2_000_000_000  # a file that changed so shortly before may change again without another stamp
_Stamp = tuple[tuple[int, int, int] | None, ...]


@dataclass(slots=True)
class _Known:
    """What was read of one journal, and when that was."""

    stamp: _Stamp
    sums: dict[tuple[Scope, str], Spent] = field(default_factory=dict)


class Wallet:
    """Of the data folder `home`, seen from the project whose journal is `own`. Threads may share it."""

    def __init__(self, home: Path, own: Path) -> None:
        self._home = home
        self._own = own
        self._guard = threading.Lock()
        self._known: dict[Path, _Known] = {}

    @contextlib.contextmanager
    def turn(self) -> Iterator[None]:
        """Nobody else on this machine claims under a cap over all projects meanwhile."""
        make_folder(self._home)
        with self._guard, FileLock(self._home / "wallet.lock"):
            yield

    def elsewhere(self, scope: Scope, currency: str) -> Spent:
        """What the other projects hold in `scope`. Raises `StateError` for a journal that can't be read."""
        nothing = Money.zero(currency)
        total = Spent(charged=nothing, open=nothing, uncertain=nothing)
        for folder in sorted((self._home / "projects").glob(f"*/{Realm.LIVE.value}")):
            path = folder / "journal.sqlite"
            if not _same(path, self._own) and _is_there(path):
                total += self._in_one(path, scope, currency)
        return total

    def _in_one(self, path: Path, scope: Scope, currency: str) -> Spent:
        stamp, now = _stamp(path), time.time_ns()
        known = self._known.get(path)
        if known is None or known.stamp != stamp:
            known = _Known(stamp)
            newest = max((facts[2] for facts in stamp if facts is not None), default=now)
            if newest + _RACY_NS < now:
                self._known[path] = known
        found = known.sums.get((scope, currency))
        if found is None or found.open:  # what is open depends on who lives, which no stamp tells
            found = known.sums[scope, currency] = _read(path, scope, currency)
        return found


def _read(path: Path, scope: Scope, currency: str) -> Spent:
    """What a dead process left open is settled by nobody until its project is opened: it counts as uncertain."""
    owners = path.parent / "owners"
    try:
        with closing(look_into(path)) as connection:
            connection.execute("BEGIN")
            return spent_in(connection, scope, currency, is_alive=lambda owner: is_alive(owners, owner))
    except (StateError, sqlite3.Error, OSError) as error:
        raise _not_known(path, error) from error


def _is_there(path: Path) -> bool:
    try:
        return is_there(path)
    except StateError as error:
        raise _not_known(path, error) from error


def _not_known(path: Path, error: Exception) -> StateError:
    message = error.message if isinstance(error, StateError) else str(error)
    return StateError(
        f"a cap over all your projects can't be kept: what `{path.parent.parent.name}` has spent is not known:"
        f" {message}",
        hint="run `seedpipe doctor --repair` in that project, or take the cap away for this build",
    )


def _stamp(path: Path) -> _Stamp:
    return tuple(_facts(path.with_name(path.name + suffix)) for suffix in ("", "-wal"))


def _facts(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def _same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except FileNotFoundError:
        return one == other
