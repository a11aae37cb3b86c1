"""The journal: the durable record of intents, requests, arrivals and charges. It is the truth about money.

Every call that writes is on disk when it returns. A request goes intended → sent → located → kept → settled, or is
refused, released or of unknown outcome (`requests.RequestState`); `moves.move` is the only door. Calls of several
threads share commits; processes are told apart by owners, whose liveness is a lock of the operating system.
"""

import contextlib
import os
import secrets
import sqlite3
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from seedpipe.errors import StateError
from seedpipe.money import Money
from seedpipe.names import Realm
from seedpipe.state import moves, resolve
from seedpipe.state.caps import Cap
from seedpipe.state.claims import Obstacle, Outcome, claim, obstacle
from seedpipe.state.files import fsync_folder
from seedpipe.state.journal_schema import connect, create_journal, note_checked
from seedpipe.state.owners import Owner, sweep
from seedpipe.state.reading import Clock, Reading
from seedpipe.state.recovery import dead_owners, recover_dead
from seedpipe.state.requests import IllegalMoveError, Intent, Located, Picture, Recovery, Request, RequestState
from seedpipe.state.rows import arrivals_of, request_by_id
from seedpipe.state.wallet import Wallet
from seedpipe.state.writer import Writer


def utc_now() -> datetime:
    return datetime.now(UTC)


class Journal(Reading):
    """One project's journal in one realm. Open it with `Journal.open`; threads may share it, forked children not."""

    def __init__(self, path: Path, writer: Writer, *, account: str, clock: Clock, wallet: Wallet | None) -> None:
        super().__init__(path, writer, clock=clock)
        self.account = account
        self._wallet = wallet
        self._owner_guard = threading.Lock()

    @classmethod
    def open(cls, path: Path, *, account: str, clock: Clock = utc_now, wallet: Wallet | None = None) -> Self:
        """Opens the journal at `path`, or makes it where no file is. `wallet` is asked for caps over all projects.

        Raises `StateError` for a damaged, foreign, newer or empty file: it is never read as a journal without entries.
        """
        if not path.exists():
            create_journal(path)
        connection = connect(path)
        fsync_folder(path.parent)  # the write-ahead log's name, too
        return cls(path, Writer(path, connection), account=account, clock=clock, wallet=wallet)

    def close(self) -> None:
        """Ends this process's ownership. What it left open is then recovered as if it had died."""
        with self._owner_guard:
            if self._owner is not None:
                ended = (self._now(), self._owner.id)
                with contextlib.suppress(StateError):  # the lock below says the same, and can't fail
                    self._writer.run(lambda db: db.execute("UPDATE owner SET ended_at = ? WHERE id = ?", ended))
                self._owner.end()
                self._owner = None
        self._writer.close()
        note_checked(self.path)

    @property
    def owner(self) -> str:
        """The id of this process as an owner; its lock is held from the first use on."""
        with self._owner_guard:
            if self._owner is None:
                owner = Owner.begin(self.owners)
                self._writer.run(
                    lambda db: db.execute(
                        "INSERT INTO owner (id, pid, started_at) VALUES (?, ?, ?)", (owner.id, os.getpid(), self._now())
                    )
                )
                self._owner = owner
            return self._owner.id

    # ------------------------------------------------------------------------------------- the life of a request

    def begin_run(self, *, realm: Realm, user: str) -> str:
        """A new run: one build by one person. Returns its id."""
        owner, run = self.owner, f"run-{secrets.token_hex(8)}"
        self._writer.run(
            lambda db: db.execute(
                "INSERT INTO run (id, owner, started_at, realm, user) VALUES (?, ?, ?, ?, ?)",
                (run, owner, self._now(), realm.value, user),
            )
        )
        return run

    def intend(self, intent: Intent, caps: Sequence[Cap]) -> Outcome:
        """Claims a picture and reserves its worst case, or says what stands in the way; all in one transaction.

        A cap in another currency than the reservation's doesn't bind it; whether any cap does is the caller's affair.
        """
        owner = self.owner
        asks_all = self._wallet is not None and any(cap.over_all_projects for cap in caps)
        with self._wallet.turn() if self._wallet is not None and asks_all else contextlib.nullcontext():
            return self._writer.run(
                lambda db: claim(
                    db,
                    intent,
                    caps,
                    owner=owner,
                    account=self.account,
                    is_alive=self._is_alive,
                    now=self._now(),
                    elsewhere=self._wallet.elsewhere if self._wallet is not None else None,
                )
            )

    def obstacle(self, intent: Intent, caps: Sequence[Cap]) -> Obstacle | None:
        """What `intend` would meet now: only a look, so that whoever waits writes nothing. None: nothing."""
        owner = self.owner
        return self._writer.read(
            lambda db: obstacle(
                db,
                intent,
                caps,
                owner=owner,
                is_alive=self._is_alive,
                now=self._now(),
                elsewhere=self._wallet.elsewhere if self._wallet is not None else None,
            )
        )

    def sent(self, request: str) -> None:
        """The bytes leave next. Raises `DayTurnedError`, and releases the intent, if its UTC day is over."""
        if not self._writer.run(lambda db: moves.send(db, request, now=self._now())):
            raise moves.day_turned(request)

    def located_all(
        self,
        request: str,
        items: Sequence[Located],
        *,
        complete: bool = True,
        total: int | None = None,
        request_id: str | None = None,
    ) -> None:
        """Where pictures are for a while, in one commit.

        `complete`: all of the answer was seen, and it has `total` items, those that come as data or are refused
        included; without `total` as many as `items`. None at all proves nothing: it is not taken for complete.
        """

        def operation(db: sqlite3.Connection) -> None:
            moves.locate(db, request_by_id(db, request), items, now=self._now())
            if complete:
                _note_items(db, request, len(items) if total is None else total)
            _note_request_id(db, request, request_id)

        self._writer.run(operation)

    def item_refused(self, request: str, index: int, *, code: str, message: str) -> None:
        """The service refused one picture of a batch, for nothing; the others go on (BP-API)."""
        self._writer.run(
            lambda db: moves.refuse_item(
                db, request_by_id(db, request), index, code=code, message=message, now=self._now()
            )
        )

    def answer_complete(self, request: str, *, request_id: str | None = None) -> None:
        """The answer holds no more pictures than those written down (the end of a stream was seen)."""

        def operation(db: sqlite3.Connection) -> None:
            if not request_by_id(db, request).state.is_open:
                raise IllegalMoveError(f"the request {request} is closed")
            _note_items(db, request, len(arrivals_of(db, request)))
            _note_request_id(db, request, request_id)

        self._writer.run(operation)

    def kept(self, request: str, index: int, picture: Picture, *, request_id: str | None = None) -> None:
        """The picture's bytes are in the store, which comes first. Saying it twice is fine."""

        def operation(db: sqlite3.Connection) -> None:
            moves.keep(db, request_by_id(db, request), index, picture, now=self._now())
            _note_request_id(db, request, request_id)

        self._writer.run(operation)

    def settled(self, request: str, charge: Money, *, request_id: str | None = None) -> None:
        """The charge is known; the rest of the reservation is free. All located pictures must be kept before."""

        def operation(db: sqlite3.Connection) -> None:
            moves.settle(db, request_by_id(db, request), charge, now=self._now())
            _note_request_id(db, request, request_id)

        self._writer.run(operation)

    def not_fetched(self, request: str, why: str) -> None:
        """Why pictures that are located could not be kept yet; nothing else changes."""
        self._writer.run(lambda db: db.execute("UPDATE request SET why = ? WHERE id = ?", (why, request)))

    def conclude(self, request: str) -> Request:
        """Closes a request by what is written down: settled if all of its answer has arrived, else unknown."""
        return self._writer.run(lambda db: moves.conclude(db, request_by_id(db, request), now=self._now()))

    def refused(
        self,
        request: str,
        *,
        code: str,
        message: str,
        verdict: str,
        request_id: str | None = None,
    ) -> None:
        """A definite refusal, for nothing: the reservation is free."""

        def operation(db: sqlite3.Connection) -> None:
            moves.move(db, request, RequestState.REFUSED, now=self._now(), code=code, message=message, verdict=verdict)
            _note_request_id(db, request, request_id)

        self._writer.run(operation)

    def released(self, request: str, why: str) -> None:
        """It was never sent: the claim and the reservation are free."""

        def operation(db: sqlite3.Connection) -> None:
            if request_by_id(db, request).state is RequestState.UNKNOWN:
                raise IllegalMoveError(f"the outcome of {request} is unknown: only a person can say that it was free")
            moves.move(db, request, RequestState.RELEASED, now=self._now(), why=why)

        self._writer.run(operation)

    def unknown(self, request: str, why: str, *, request_id: str | None = None) -> None:
        """Nobody knows whether it was charged (or paid pictures can't be fetched any more): it is held."""

        def operation(db: sqlite3.Connection) -> None:
            moves.move(db, request, RequestState.UNKNOWN, now=self._now(), why=why)
            _note_request_id(db, request, request_id)

        self._writer.run(operation)

    def resolve(
        self, request: str, *, paid: bool, who: str, charge: Money | None = None, note: str | None = None
    ) -> Request:
        """A person's word about an unknown outcome; see `resolve.resolve`."""
        return self._writer.run(
            lambda db: resolve.resolve(db, request, paid=paid, who=who, charge=charge, note=note, now=self._now())
        )

    def take_back(self, request: str, *, who: str, note: str | None = None) -> Request:
        """A person's word about a request holds no more; see `resolve.take_back`."""
        return self._writer.run(lambda db: resolve.take_back(db, request, who=who, note=note, now=self._now()))

    def recover(self) -> Recovery:
        """Closes what dead processes left open (`recovery.recover_dead`) and says so; writes only if there are any."""
        if not self._writer.read(lambda db: dead_owners(db, self._is_alive)):
            return Recovery()
        owner = self.owner
        recovery = self._writer.run(lambda db: recover_dead(db, owner=owner, is_alive=self._is_alive, now=self._now()))
        sweep(self.owners)
        return recovery


def _note_items(db: sqlite3.Connection, id_: str, items: int) -> None:
    if items:
        db.execute("UPDATE request SET items = ? WHERE id = ?", (items, id_))


def _note_request_id(db: sqlite3.Connection, id_: str, request_id: str | None) -> None:
    if request_id is not None:
        db.execute("UPDATE request SET request_id = ? WHERE id = ?", (request_id, id_))
