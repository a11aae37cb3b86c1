"""Group commit: calls of several threads share one transaction and one fsync; each returns when it is durable."""

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

from seedpipe.errors import StateError
from seedpipe.state.highwater import HighWater
from seedpipe.state.journal_schema import REPAIR_HINT, sql_errors

Result = TypeVar("Result")
_MAX_GROUP: Final = 64


class _Job(Generic[Result]):
    """One operation, and what came of it once its transaction is on disk."""

    def __init__(self, operation: Callable[[sqlite3.Connection], Result]) -> None:
        self.operation = operation
        self.done = False
        self.result: Result | None = None
        self.error: BaseException | None = None


class Writer:
    """Runs operations on one connection, one at a time. Who comes to it first commits for all who wait meanwhile."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._connection = connection
        self._queue: list[_Job[Any]] = []
        self._turn = threading.Condition()
        self._busy = False  # a thread is using the connection
        self._pid = os.getpid()
        facts = path.stat()
        self._file = (facts.st_dev, facts.st_ino)
        self._mark = HighWater(path)

    def run(self, operation: Callable[[sqlite3.Connection], Result]) -> Result:
        """The result of `operation`, after its changes are durable. If it raises, nothing of it is written."""
        job = _Job(operation)
        with self._turn:
            self._queue.append(job)
        while True:
            with self._turn:
                self._turn.wait_for(lambda: job.done or not self._busy)
                if job.done:
                    break
                self._busy = True
                group, self._queue = self._queue[:_MAX_GROUP], self._queue[_MAX_GROUP:]
            self._lead(group)
        if job.error is not None:
            raise job.error
        return job.result  # type: ignore[return-value]  # None only where Result is None

    def read(self, operation: Callable[[sqlite3.Connection], Result]) -> Result:
        """The result of `operation`, which only reads: one consistent view of what is durable."""
        with self._alone(), sql_errors(self.path):
            self._check_file()
            self._connection.execute("BEGIN")
            try:
                return operation(self._connection)
            except (ValueError, KeyError, TypeError) as error:
                raise StateError(f"`{self.path}` holds a row that can't be read: {error}", hint=REPAIR_HINT) from error
            finally:
                self._connection.execute("ROLLBACK")

    def close(self) -> None:
        with self._alone():
            self._connection.close()
            self._mark.close()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Nobody else uses the connection meanwhile."""
        with self._turn:
            self._turn.wait_for(lambda: not self._busy)
            self._busy = True
        try:
            yield
        finally:
            with self._turn:
                self._busy = False
                self._turn.notify_all()

    def _lead(self, group: list[_Job[Any]]) -> None:
        """Commits for all of `group`, which learn what came of it; then somebody else may."""
        try:
            with sql_errors(self.path):
                self._check_file()
                self._commit(group)
        except BaseException as error:
            for job in group:
                job.error = job.error or _copy(error)
            if not isinstance(error, Exception):
                raise
        finally:
            with self._turn:
                for job in group:
                    job.done = True
                self._busy = False
                self._turn.notify_all()

    def _commit(self, group: list[_Job[Any]]) -> None:
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        try:
            for job in group:
                connection.execute("SAVEPOINT job")
                try:
                    job.result = job.operation(connection)
                except sqlite3.IntegrityError as error:
                    connection.execute("ROLLBACK TO job")
                    job.error = StateError(
                        f"`{self.path}` would contradict itself: {error}; nothing was written",
                        hint="run the command again; if it says so again, `seedpipe doctor` checks the journal",
                    )
                except sqlite3.Error:
                    raise  # the whole transaction may be gone (a full disk): nobody's part of it is written
                except Exception as error:  # noqa: BLE001  # handed to the thread that asked
                    connection.execute("ROLLBACK TO job")
                    job.error = error
                connection.execute("RELEASE job")
            connection.execute("UPDATE counter SET value = value + 1 WHERE name = 'writes'")
            (commits,) = connection.execute("SELECT value FROM counter WHERE name = 'writes'").fetchone()
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        self._mark.rise(commits)

    def _check_file(self) -> None:
        """What is written to a file that is no longer there would be lost; a forked child must not write at all."""
        if os.getpid() != self._pid:
            raise StateError(f"`{self.path}` was opened by another process", hint="open it anew after a fork")
        try:
            facts = self.path.stat()
        except FileNotFoundError:
            facts = None
        if facts is None or (facts.st_dev, facts.st_ino) != self._file:
            raise StateError(
                f"`{self.path}` was moved or removed while it was in use; nothing more is sent",
                hint="put it back where it was, then run the command again",
            )


def _copy(error: BaseException) -> BaseException:
    """Each thread raises an error object of its own, so that their tracebacks don't grow into each other."""
    if isinstance(error, StateError):
        return StateError(error.message, hint=error.hint)
    return StateError(
        f"interrupted while writing the journal ({type(error).__name__})",
        hint="run the command again: what was written before stands",
    )
