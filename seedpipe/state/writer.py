"""Group commit: calls of several threads share one transaction and one fsync; each returns when it is durable."""

import os
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

from seedpipe.errors import StateError
from seedpipe.state.journal_schema import sql_errors

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
    """Runs operations on one connection. Whoever gets the lock first commits for all who wait meanwhile."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._connection = connection
        self._queue: list[_Job[Any]] = []
        self._queue_guard = threading.Lock()
        self._leading = threading.Lock()
        self._pid = os.getpid()
        facts = path.stat()
        self._file = (facts.st_dev, facts.st_ino)

    def run(self, operation: Callable[[sqlite3.Connection], Result]) -> Result:
        """The result of `operation`, after its changes are durable. If it raises, nothing of it is written."""
        job = _Job(operation)
        with self._queue_guard:
            self._queue.append(job)
        with self._leading:
            while not job.done:
                self._lead()
        if job.error is not None:
            raise job.error
        return job.result  # type: ignore[return-value]  # None only where Result is None

    def read(self, operation: Callable[[sqlite3.Connection], Result]) -> Result:
        """The result of `operation`, which only reads: one consistent view of what is durable."""
        with self._leading, sql_errors(self.path):
            self._check_file()
            self._connection.execute("BEGIN")
            try:
                return operation(self._connection)
            finally:
                self._connection.execute("ROLLBACK")

    def close(self) -> None:
        with self._leading:
            self._connection.close()

    def _lead(self) -> None:
        with self._queue_guard:
            group, self._queue = self._queue[:_MAX_GROUP], self._queue[_MAX_GROUP:]
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
            for job in group:
                job.done = True

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
                    job.error = StateError(f"`{self.path}` would contradict itself: {error}; nothing was written")
                except sqlite3.Error:
                    raise  # the whole transaction may be gone (a full disk): nobody's part of it is written
                except Exception as error:  # noqa: BLE001  # handed to the thread that asked
                    connection.execute("ROLLBACK TO job")
                    job.error = error
                connection.execute("RELEASE job")
            connection.execute("UPDATE counter SET value = value + 1 WHERE name = 'writes'")
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    def _check_file(self) -> None:
        """What is written to a file that is no longer there would be lost; a forked child must not write at all."""
        if os.getpid() != self._pid:
            raise StateError(f"`{self.path}` was opened by another process: open it anew after a fork")
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
    return StateError(f"interrupted while writing the journal ({type(error).__name__})")
