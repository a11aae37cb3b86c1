"""Asking at the pace that an account and model allow, together with every other process that asks for the same.

`pace.Pace` decides; a board keeps it where all can see it: `SqliteBoard` for the processes of this machine,
`redis_board.RedisBoard` for several machines.
"""

import asyncio
import contextlib
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final, Protocol, TypeVar

from seedpipe.build.pace import MINUTE_MS, GarbledPaceError, Grant, Pace, Wait
from seedpipe.errors import StateError
from seedpipe.state.owners import Owner, is_alive, sweep

_BUSY_SECONDS: Final = 10.0
_LONGEST_NAP: Final = 0.5  # another process may give images back at any time
_SCHEMA: Final = "CREATE TABLE IF NOT EXISTS pace (model TEXT PRIMARY KEY NOT NULL, state TEXT NOT NULL)"
_Result = TypeVar("_Result")
IsAlive = Callable[[str], bool]


class Board(Protocol):
    """Where the pace of an account stands. All methods may be called by any thread."""

    @property
    def owner(self) -> str:
        """This process's name among those that ask; it counts as alive until `close`, or until the process dies."""
        ...

    def update(
        self, model: str, limit: int, window_ms: int, operation: Callable[[Pace, int, IsAlive], _Result]
    ) -> _Result:
        """Changes a model's pace by `operation(pace, now in ms, is_alive)`, as if nobody else were there.

        `operation` may be called more than once. Raises `StateError` where the pace can't be read or written.
        """
        ...

    def close(self) -> None: ...


class SqliteBoard:
    """In a small file of the account's folder, so that it survives restarts.

    `clock` is the wall clock in seconds, which the processes of a machine share.
    """

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.time) -> None:
        self.path = path
        self._clock = clock
        self._owners = path.parent / "owners"
        self._guard = threading.Lock()
        self._owner: Owner | None = None
        self._run(lambda _: None)

    @property
    def owner(self) -> str:
        with self._guard:
            if self._owner is None:
                sweep(self._owners)
                self._owner = Owner.begin(self._owners)
            return self._owner.id

    def update(
        self, model: str, limit: int, window_ms: int, operation: Callable[[Pace, int, IsAlive], _Result]
    ) -> _Result:
        def transaction(db: sqlite3.Connection) -> _Result:
            now = int(self._clock() * 1000)  # inside: no other process can grant an earlier time after this
            row = db.execute("SELECT state FROM pace WHERE model = ?", (model,)).fetchone()
            pace = Pace.from_json(row[0], limit, window_ms) if row else Pace(limit, window_ms)
            result = operation(pace, now, lambda owner: is_alive(self._owners, owner))
            db.execute("INSERT OR REPLACE INTO pace VALUES (?, ?)", (model, pace.to_json()))
            return result

        return self._run(transaction)

    def close(self) -> None:
        with self._guard:
            if self._owner is not None:
                self._owner.end()
                self._owner = None

    def _run(self, operation: Callable[[sqlite3.Connection], _Result]) -> _Result:
        """One short transaction that no other process can interleave with."""
        try:
            with self._guard, closing(sqlite3.connect(self.path, timeout=_BUSY_SECONDS, isolation_level=None)) as db:
                db.execute("PRAGMA synchronous = OFF")  # a minute's grants: a power cut takes longer to come back from
                db.execute("BEGIN IMMEDIATE")
                try:
                    db.execute(_SCHEMA)
                    result = operation(db)
                except BaseException:
                    db.execute("ROLLBACK")
                    raise
                db.execute("COMMIT")
                return result
        except (sqlite3.Error, GarbledPaceError) as error:
            raise StateError(
                f"the rate window `{self.path}` can't be used: {error}",
                hint="remove the file if it is damaged: it holds only what was asked for in the last minute",
            ) from error


class Limiter:
    """One model's pace on a board. Waiting is first come, first served inside a process, so that a heavy request
    isn't starved by light ones; between processes nobody queues.
    """

    def __init__(self, board: Board, *, model: str, limit: int, window_ms: int = MINUTE_MS) -> None:
        Pace(limit, window_ms)  # refuses senseless numbers at once
        self.model = model
        self.limit = limit
        self.window_ms = window_ms
        self._board = board
        self._turn = asyncio.Lock()
        self._ended = asyncio.Event()

    async def acquire(self, weight: int, *, on_wait: Callable[[float], None] | None = None) -> Grant:
        """Waits until one request for `weight` images may be sent. `on_wait` hears once how many seconds at least.

        Raises `ValueError` for more than the limit, and `StateError` if the board can't be used. Cancelling is safe.
        """
        async with self._turn:
            told = False
            while True:
                self._ended.clear()
                found = await self._attempt(weight)
                if isinstance(found, Grant):
                    return found
                if on_wait is not None and not told:
                    on_wait(found.ms / 1000)
                    told = True
                nap = min(found.ms / 1000, _LONGEST_NAP) if found.ms else _LONGEST_NAP
                with contextlib.suppress(TimeoutError):  # a request of ours that ends makes room before the nap is over
                    await asyncio.wait_for(self._ended.wait(), timeout=nap)

    def try_acquire(self, weight: int) -> Grant | Wait:
        """A grant, or how long it takes until one is possible at the earliest."""
        owner = self._board.owner
        return self._update(lambda pace, now, is_alive: pace.ask(weight, now, owner=owner, is_alive=is_alive))

    async def end(self, grant: Grant, *, refund: int = 0, throttled: bool = False) -> None:
        """The request of `grant` has ended: `refund` of its images were not made, `throttled` if that was the reason.

        Raises `StateError` if the board can't be used.
        """
        await asyncio.to_thread(self._end, grant, refund=refund, throttled=throttled)
        self._ended.set()

    def pause(self, seconds: float) -> None:
        """No process asks for this model's images before `seconds` have passed (the service said: slow down)."""
        self._update(lambda pace, now, _: pace.log.hold_until(now, now + round(seconds * 1000)))

    async def _attempt(self, weight: int) -> Grant | Wait:
        """`try_acquire` in a thread; what it grants to somebody who was cancelled meanwhile is given back."""
        attempt = asyncio.ensure_future(asyncio.to_thread(self.try_acquire, weight))
        try:
            return await asyncio.shield(attempt)
        except asyncio.CancelledError:
            with contextlib.suppress(StateError):
                granted = await attempt
                if isinstance(granted, Grant):
                    self._end(granted, refund=granted.weight)
            raise

    def _end(self, grant: Grant, *, refund: int = 0, throttled: bool = False) -> None:
        self._update(lambda pace, now, _: pace.end(grant, now, refund=refund, throttled=throttled))

    def _update(self, operation: Callable[[Pace, int, IsAlive], _Result]) -> _Result:
        return self._board.update(self.model, self.limit, self.window_ms, operation)
