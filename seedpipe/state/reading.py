"""`Reading`: every question that is asked of the journal. Each answer is one consistent view of what is durable."""

import sqlite3
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from seedpipe.names import Digest
from seedpipe.state.held import Held, held_of, utc_text
from seedpipe.state.owners import Owner, is_alive
from seedpipe.state.requests import Arrival, Refusal, Request, Resolution, Short, SpendRow, ToFetch, Took
from seedpipe.state.rows import (
    arrivals_of,
    durations,
    frames_came,
    refusals_where,
    request_by_id,
    requests_where,
    resolutions_where,
    short_frames,
    spend_rows,
    takes_where,
)
from seedpipe.state.spent import ACTIVE_SQL, OPEN_SQL, Scope, Spent, spent_in
from seedpipe.state.take import Take
from seedpipe.state.writer import Writer

Clock = Callable[[], datetime]


class Reading:
    """The journal as it is read; `journal.Journal` adds what is written."""

    def __init__(self, path: Path, writer: Writer, *, clock: Clock) -> None:
        self.path = path
        self.owners = path.parent / "owners"
        self._writer = writer
        self._clock = clock
        self._owner: Owner | None = None

    def request(self, request: str) -> Request:
        return self._writer.read(lambda db: request_by_id(db, request))

    def answer(self, request: str) -> tuple[Arrival, ...]:
        """The items of a request's answer that are written down, by index."""
        return self._writer.read(lambda db: arrivals_of(db, request))

    def open_requests(self) -> tuple[Request, ...]:
        """All that keep a reservation: under way or unknown."""
        return self._writer.read(lambda db: requests_where(db, OPEN_SQL))

    def open_by_key(self, request_key: Digest) -> tuple[Request, ...]:
        """The open requests of one request key, the oldest first."""
        return self._writer.read(lambda db: requests_where(db, f"request_key = ? AND {OPEN_SQL}", (str(request_key),)))

    def unknowns(self) -> tuple[Request, ...]:
        """The requests of unknown outcome: a person has to say whether they were charged."""
        return self._writer.read(lambda db: requests_where(db, "state = 'unknown'"))

    def held(self) -> tuple[Held, ...]:
        """What no living process is at work on and is not settled, the oldest first; see `held`.

        What this process itself has left open counts among it: ask before its build begins, or after its end.
        """
        now = self._clock().astimezone(UTC)

        def operation(db: sqlite3.Connection) -> tuple[Held, ...]:
            found = (
                held_of(request, arrivals_of(db, request.id), lives=self._is_at_work(request.owner), now=now)
                for request in requests_where(db, OPEN_SQL)
            )
            return tuple(held for held in found if held is not None)

        return self._writer.read(operation)

    def to_fetch(self) -> tuple[ToFetch, ...]:
        """Paid pictures that nobody is fetching and that can be fetched for nothing: ask after `recover`."""
        return tuple(
            ToFetch(request=held.request, located=held.located, until=held.until or "")
            for held in self.held()
            if held.located
        )

    def resolutions(self) -> tuple[Resolution, ...]:
        """All that people said about uncertain charges, the oldest first."""
        return self._writer.read(lambda db: resolutions_where(db, "1"))

    def resolved(self) -> tuple[tuple[Request, Resolution], ...]:
        """The requests about which a person's word holds, with the word, the oldest request first."""

        def operation(db: sqlite3.Connection) -> tuple[tuple[Request, Resolution], ...]:
            words = {word.request: word for word in resolutions_where(db, "1")}
            requests = requests_where(db, "resolved_by IS NOT NULL") if words else ()
            return tuple((request, words[request.id]) for request in requests if request.id in words)

        return self._writer.read(operation)

    def senders(self) -> Mapping[str, str]:
        """Run → the person whose build it was."""
        return self._writer.read(lambda db: dict(db.execute("SELECT id, user FROM run").fetchall()))

    def next_ordinal(self, request_key: Digest) -> int:
        """The first ordinal of this key for which nothing is bought, under way or unknown."""

        def operation(db: sqlite3.Connection) -> int:
            taken = db.execute(
                "SELECT MAX(ordinal) FROM request WHERE request_key = ? AND state NOT IN ('refused', 'released')",
                (str(request_key),),
            ).fetchone()[0]
            return int(taken or 0) + 1

        return self._writer.read(operation)

    def located_ordinals(self, request_key: Digest) -> frozenset[int]:
        """Which takes of a key are paid and still at the provider."""

        def operation(db: sqlite3.Connection) -> frozenset[int]:
            found = db.execute(
                "SELECT ordinal FROM request WHERE request_key = ? AND state = 'located'", (str(request_key),)
            ).fetchall()
            return frozenset(int(row[0]) for row in found)

        return self._writer.read(operation)

    def refusal_of(self, request: str) -> Refusal | None:
        """The refusal of one request, if it was refused and that isn't forgotten."""
        found = self._writer.read(lambda db: refusals_where(db, "id = ?", (request,)))
        return found[0] if found else None

    def refusals(self, *, verdicts: Collection[str] | None = None) -> dict[Digest, dict[int, Refusal]]:
        """For all keys at once, by ordinal: the newest refusal that was not forgotten, nor followed by a success."""
        found: dict[Digest, dict[int, Refusal]] = {}
        for refusal in self._refusals("1", (), verdicts):
            found.setdefault(refusal.request_key, {})[refusal.ordinal] = refusal
        return found

    def refused_ordinals(self, request_key: Digest, *, verdicts: Collection[str] | None = None) -> frozenset[int]:
        """Which takes of a key were refused and have not come since."""
        refusals = self._refusals("request_key = ?", (str(request_key),), verdicts)
        return frozenset(refusal.ordinal for refusal in refusals)

    def arrivals(self) -> tuple[Take, ...]:
        """Every kept picture, in order of arrival: what the index of takes is built from."""
        return self._writer.read(lambda db: takes_where(db, "1"))

    def takes_at(
        self, addresses: Collection[str], *, profiles: Collection[str | None] | None = None
    ) -> tuple[Take, ...]:
        """Every kept picture that was bought for one of `addresses`, whatever was asked for then, in order of arrival.

        With `profiles` only those that were bought in one of them; None there is none.
        """
        marks = ", ".join("?" * len(addresses))
        where, values = f"COALESCE(frame.address, request.address) IN ({marks})", [*addresses]
        if profiles is not None:
            where += f" AND COALESCE(request.profile, '') IN ({', '.join('?' * len(profiles))})"
            values += [profile or "" for profile in profiles]
        return self._writer.read(lambda db: takes_where(db, where, values))

    def arrivals_from(self, number: int) -> tuple[tuple[Take, ...], int]:
        """The kept pictures of requests from `number` on, and the number from which on more can arrive.

        Those of uncertain requests are always among them: a paid picture may still be fetched.
        """

        def operation(db: sqlite3.Connection) -> tuple[tuple[Take, ...], int]:
            settled_below = db.execute(
                f"SELECT COALESCE((SELECT MIN(number) FROM request WHERE {ACTIVE_SQL}),"  # noqa: S608  # a constant
                " (SELECT MAX(number) + 1 FROM request), 1)"
            ).fetchone()[0]
            takes = takes_where(db, "(request.number >= ? OR state = 'unknown')", (number,))
            return takes, int(settled_below)

        return self._writer.read(operation)

    def came_short(self) -> Mapping[Digest, Short]:
        """Want → how its batch came short, of the latest batch that was to bring it."""
        return self._writer.read(short_frames)

    def durations(self, model: str) -> Sequence[Took]:
        """How long the latest requests to a model took that brought pictures, the latest first."""
        return self._writer.read(lambda db: durations(db, model))

    def frames_came(self, model: str) -> tuple[int, int]:
        """How many pictures the latest batches of a model brought of how many; zeros while there are too few."""
        return self._writer.read(lambda db: frames_came(db, model))

    def spent(self, scope: Scope, currency: str) -> Spent:
        """Charged, reserved and uncertain money of a day, month, run, node, or (an empty scope) of the project."""
        return self._writer.read(lambda db: spent_in(db, scope, currency))

    def spend_rows(self, *, since: str | None = None, until: str | None = None) -> tuple[SpendRow, ...]:
        """The ledger: all requests that cost something or may; `since` and `until` are days, `until` included."""
        return self._writer.read(lambda db: spend_rows(db, since or "", until or "9999-12-31"))

    def number(self) -> int:
        """Grows with every commit of any process: equal numbers mean that nothing was written in between."""
        return self._writer.read(
            lambda db: int(db.execute("SELECT value FROM counter WHERE name = 'writes'").fetchone()[0])
        )

    # ------------------------------------------------------------------------------------------------------ inside

    def _now(self) -> str:
        return utc_text(self._clock().astimezone(UTC))

    def _is_alive(self, owner: str) -> bool:
        return is_alive(self.owners, owner)

    def _is_at_work(self, owner: str) -> bool:
        """Whether another process, which lives, owns it."""
        return (self._owner is None or owner != self._owner.id) and self._is_alive(owner)

    def _refusals(self, where: str, values: Sequence[str], verdicts: Collection[str] | None) -> tuple[Refusal, ...]:
        not_followed = (
            " AND NOT EXISTS (SELECT 1 FROM request AS later WHERE later.request_key = request.request_key"
            " AND later.ordinal = request.ordinal AND later.number > request.number AND later.state = 'settled')"
        )
        found = self._writer.read(lambda db: refusals_where(db, where + not_followed, values))
        return tuple(refusal for refusal in found if verdicts is None or refusal.verdict in verdicts)
