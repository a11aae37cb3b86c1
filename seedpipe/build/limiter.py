"""Images per minute of an account and model, exactly, shared by all processes of this machine.

The service counts images, not requests (BP265: images per minute per account × model version). `SlidingLog` decides
and knows no clock; `ImagesPerMinute` keeps its log in a small SQLite file, so that it survives restarts.
"""

import asyncio
import contextlib
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from seedpipe.errors import StateError

WINDOW_MS: Final = 60_000
_BUSY_SECONDS: Final = 10.0
_LONGEST_NAP: Final = 0.5  # another process may give images back at any time
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS grant_ (
    id INTEGER PRIMARY KEY AUTOINCREMENT, model TEXT NOT NULL, at_ms INTEGER NOT NULL, weight INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS grant_model ON grant_ (model, at_ms);
CREATE TABLE IF NOT EXISTS pause (model TEXT PRIMARY KEY NOT NULL, set_ms INTEGER NOT NULL, until_ms INTEGER NOT NULL);
"""
_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """Leave to ask for `weight` images now. `id` is for giving some of them back."""

    id: int
    weight: int


class SlidingLog:
    """At most `limit` images in any closed window of `window_ms`; times are integer milliseconds given by the caller.

    A clock that was set back can't block for longer than a window: what was granted "later than now" counts as now.
    """

    def __init__(self, limit: int, window_ms: int = WINDOW_MS) -> None:
        if limit < 1 or window_ms < 1:
            raise ValueError("a limit and its window are at least 1")
        self.limit = limit
        self.window_ms = window_ms
        self.grants: dict[int, tuple[int, int]] = {}  # id → (time, weight), in the order of granting
        self.pause: tuple[int, int] | None = None  # set at, until
        self._next_id = 1

    def advance(self, now: int) -> None:
        """Forgets what has left the window and puts right what a clock set back made later than now."""
        self.grants = {
            id_: (min(at, now), weight) for id_, (at, weight) in self.grants.items() if now - at <= self.window_ms
        }
        if self.pause is not None:
            set_at, until = self.pause
            self.pause = (now, now + until - set_at) if set_at > now else self.pause
            if self.pause[1] <= now:
                self.pause = None

    def wait(self, weight: int, now: int) -> int:
        """Milliseconds until `weight` images can be granted if nothing else happens; 0 = now. Call `advance` before."""
        if not 1 <= weight <= self.limit:
            raise ValueError(f"{weight} images at once never fit below {self.limit} per minute")
        paused = 0 if self.pause is None else self.pause[1] - now
        excess = weight - self.limit + sum(granted for _, granted in self.grants.values())
        if excess <= 0:
            return paused
        for at, granted in sorted(self.grants.values()):
            excess -= granted
            if excess <= 0:
                return max(paused, at + self.window_ms + 1 - now)
        raise AssertionError("the log can't hold back more than it granted")

    def grant(self, weight: int, now: int, id_: int | None = None) -> int:
        """Takes `weight` images; only after `wait` said 0. Returns the grant's id."""
        id_ = self._next_id if id_ is None else id_
        self._next_id = max(self._next_id, id_) + 1
        self.grants[id_] = (now, weight)
        return id_

    def refund(self, id_: int, weight: int) -> None:
        """Gives images back that were not asked for, or did not come; more than were taken is as all of them."""
        if id_ in self.grants:
            at, granted = self.grants[id_]
            self.grants[id_] = (at, max(0, granted - weight))

    def hold_until(self, now: int, until: int) -> None:
        """Grants nothing before `until`; a longer pause that is set already stays."""
        if until > now and (self.pause is None or until > self.pause[1]):
            self.pause = (now, until)


class ImagesPerMinute:
    """The window of one model in `path`. Waiting is first come, first served inside a process, so that a heavy
    request isn't starved by light ones; between processes nobody queues.

    `clock` is the wall clock in seconds, which the processes of a machine share.
    """

    def __init__(
        self,
        path: Path,
        *,
        model: str,
        limit: int,
        window_ms: int = WINDOW_MS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.path = path
        self.model = model
        self.limit = limit
        self.window_ms = window_ms
        self._clock = clock
        self._turn = asyncio.Lock()
        self._guard = threading.Lock()
        SlidingLog(limit, window_ms)  # refuses senseless numbers at once
        self._run(lambda _: None)

    async def acquire(self, weight: int, *, on_wait: Callable[[float], None] | None = None) -> Grant:
        """Waits until `weight` images may be asked for. `on_wait` hears once how many seconds that takes at least.

        Raises `ValueError` for more than the limit, and `StateError` if the file can't be used. Cancelling is safe.
        """
        async with self._turn:
            told = False
            while True:
                waiting = await self._attempt(weight)
                if isinstance(waiting, Grant):
                    return waiting
                if on_wait is not None and not told:
                    on_wait(waiting / 1000)
                    told = True
                await asyncio.sleep(min(waiting / 1000, _LONGEST_NAP))

    def try_acquire(self, weight: int) -> Grant | int:
        """A grant, or the milliseconds until one is possible at the earliest."""

        def operation(db: sqlite3.Connection) -> Grant | int:
            now = self._now()  # inside the transaction: no other process can grant an earlier time after this
            log = self._load(db, now)
            waiting = log.wait(weight, now)
            if waiting:
                return waiting
            row = db.execute("INSERT INTO grant_ (model, at_ms, weight) VALUES (?, ?, ?)", (self.model, now, weight))
            return Grant(id=row.lastrowid or 0, weight=weight)

        return self._run(operation)

    def refund(self, grant: Grant, weight: int | None = None) -> None:
        """Gives `weight` images of a grant back (all, if not said): not sent, refused, or fewer came than asked."""
        back = grant.weight if weight is None else weight
        if back < 0:
            raise ValueError("nothing less than nothing is given back")
        self._run(
            lambda db: db.execute(
                "UPDATE grant_ SET weight = MAX(0, weight - ?) WHERE id = ? AND model = ?",
                (back, grant.id, self.model),
            )
        )

    def pause(self, seconds: float) -> None:
        """No process asks for this model's images before `seconds` have passed (the service said: slow down)."""
        self.pause_until(self._clock() + seconds)

    def pause_until(self, moment: float) -> None:
        """As `pause`, until a wall-clock time in seconds."""

        def operation(db: sqlite3.Connection) -> None:
            now = self._now()
            log = self._load(db, now)
            log.hold_until(now, round(moment * 1000))
            if log.pause is not None:
                db.execute("INSERT OR REPLACE INTO pause VALUES (?, ?, ?)", (self.model, *log.pause))

        self._run(operation)

    async def _attempt(self, weight: int) -> Grant | int:
        """`try_acquire` in a thread; what it grants to somebody who was cancelled meanwhile is given back."""
        attempt = asyncio.ensure_future(asyncio.to_thread(self.try_acquire, weight))
        try:
            return await asyncio.shield(attempt)
        except asyncio.CancelledError:
            with contextlib.suppress(StateError):
                granted = await attempt
                if isinstance(granted, Grant):
                    self.refund(granted)
            raise

    def _now(self) -> int:
        return int(self._clock() * 1000)

    def _load(self, db: sqlite3.Connection, now: int) -> SlidingLog:
        """The log as it is now; what left the window is deleted from the file."""
        log = SlidingLog(self.limit, self.window_ms)
        db.execute("UPDATE grant_ SET at_ms = ? WHERE model = ? AND at_ms > ?", (now, self.model, now))
        # a process with a longer window may still need what this one doesn't
        oldest = now - max(self.window_ms, WINDOW_MS)
        db.execute("DELETE FROM grant_ WHERE model = ? AND at_ms < ?", (self.model, oldest))
        for id_, at, weight in db.execute(
            "SELECT id, at_ms, weight FROM grant_ WHERE model = ? AND weight > 0 ORDER BY id", (self.model,)
        ):
            log.grant(weight, at, id_)
        pause = db.execute("SELECT set_ms, until_ms FROM pause WHERE model = ?", (self.model,)).fetchone()
        log.pause = pause
        log.advance(now)
        if pause is not None and log.pause != pause:
            db.execute("DELETE FROM pause WHERE model = ?", (self.model,))
            if log.pause is not None:
                db.execute("INSERT INTO pause VALUES (?, ?, ?)", (self.model, *log.pause))
        return log

    def _run(self, operation: Callable[[sqlite3.Connection], _Result]) -> _Result:
        """One short transaction that no other process can interleave with."""
        try:
            with self._guard, closing(sqlite3.connect(self.path, timeout=_BUSY_SECONDS, isolation_level=None)) as db:
                db.execute("PRAGMA synchronous = OFF")  # a minute's grants: a power cut takes longer to come back from
                db.execute("BEGIN IMMEDIATE")
                try:
                    for statement in _SCHEMA.split(";"):
                        db.execute(statement)
                    result = operation(db)
                except BaseException:
                    db.execute("ROLLBACK")
                    raise
                db.execute("COMMIT")
                return result
        except sqlite3.Error as error:
            raise StateError(
                f"the rate window `{self.path}` can't be used: {error}",
                hint="remove the file if it is damaged: it holds only what was asked for in the last minute",
            ) from error
