"""What dead processes left open in the journal, and what becomes of it. Nothing here spends or forgets a cent."""

import sqlite3
from collections.abc import Callable
from datetime import datetime

from seedpipe.money import Money
from seedpipe.state.held import charge_of, held_of
from seedpipe.state.moves import conclude, move
from seedpipe.state.requests import Recovery, Request, RequestState, ToFetch, Told
from seedpipe.state.rows import arrivals_of, requests_where, takes_where
from seedpipe.state.spent import ACTIVE_SQL
from seedpipe.state.take import Take


def recover_dead(connection: sqlite3.Connection, *, owner: str, is_alive: Callable[[str], bool], now: str) -> Recovery:
    """Closes what dead owners left open; what can still be fetched for nothing becomes `owner`'s.

    `intended` → released. `sent` → unknown. With pictures located and not kept: handed over in `to_fetch`. Otherwise
    settled if the whole answer is there, else unknown.
    """
    dead = [other for other in dead_owners(connection, is_alive) if other != owner]
    takes: list[Take] = []
    closed: dict[RequestState, list[Request]] = {state: [] for state in RequestState}
    fetchable: list[ToFetch] = []
    told: list[Told] = []
    for dead_owner in dead:
        takes += takes_where(connection, "owner = ?", (dead_owner,))
        for request in requests_where(connection, f"owner = ? AND {ACTIVE_SQL}", (dead_owner,)):
            outcome = _recover_one(connection, request, owner=owner, now=now)
            if isinstance(outcome, ToFetch):
                fetchable.append(outcome)
            else:
                closed[outcome.state].append(outcome)
            certain = charge_of(request, arrivals_of(connection, request.id))
            told.append(Told(request=request, sentence=_sentence(outcome, certain)))
        connection.execute("UPDATE owner SET ended_at = ? WHERE id = ? AND ended_at IS NULL", (now, dead_owner))
    return Recovery(
        told=tuple(told),
        released=tuple(closed[RequestState.RELEASED]),
        unknown=tuple(closed[RequestState.UNKNOWN]),
        settled=tuple(closed[RequestState.SETTLED]),
        to_fetch=tuple(fetchable),
        takes=tuple(takes),
    )


def dead_owners(connection: sqlite3.Connection, is_alive: Callable[[str], bool]) -> list[str]:
    """Owners that died without saying so, or with requests under way."""
    rows = connection.execute(
        f"SELECT id FROM owner WHERE ended_at IS NULL UNION SELECT DISTINCT owner FROM request WHERE {ACTIVE_SQL}"  # noqa: S608
    )
    return [row[0] for row in rows.fetchall() if not is_alive(row[0])]


def _recover_one(connection: sqlite3.Connection, request: Request, *, owner: str, now: str) -> Request | ToFetch:
    if request.state is RequestState.INTENDED:
        why = "its process ended before it was sent"
        return move(connection, request.id, RequestState.RELEASED, now=now, why=why)
    if request.state is RequestState.SENT:
        why = "its process ended before an answer was written down"
        return move(connection, request.id, RequestState.UNKNOWN, now=now, why=why)
    held = held_of(request, arrivals_of(connection, request.id), lives=False, now=datetime.fromisoformat(now))
    if held is None or not held.located:
        return conclude(connection, request, now=now)
    adopted = move(connection, request.id, request.state, now=now, owner=owner)
    return ToFetch(request=adopted, located=held.located, until=held.until or "")


def _sentence(outcome: Request | ToFetch, certain: Money) -> str:
    """`certain` was charged for what is kept."""
    if isinstance(outcome, ToFetch):
        count = len(outcome.located)
        pictures = "a paid picture" if count == 1 else f"{count} paid pictures"
        return f"`{outcome.request.address}`: {pictures} can be fetched again for nothing"
    match outcome.state:
        case RequestState.RELEASED:
            return f"`{outcome.address}`: {outcome.why}; nothing was charged"
        case RequestState.SETTLED:
            return f"`{outcome.address}`: its pictures were kept; {outcome.charge} is written down"
        case _:
            more = " more" if certain else ""
            return f"`{outcome.address}`: {outcome.why}; up to {outcome.reserved - certain}{more} may have been charged"
