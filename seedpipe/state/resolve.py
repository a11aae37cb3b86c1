"""A person's word about a charge that nobody else knows: taken, written down for good, and taken back."""

import sqlite3

from seedpipe.money import Money
from seedpipe.state import moves
from seedpipe.state.held import charge_at_most, charge_of
from seedpipe.state.requests import IllegalMoveError, Request, RequestState, Word
from seedpipe.state.rows import arrivals_of, request_by_id


def resolve(
    db: sqlite3.Connection, id_: str, *, paid: bool, who: str, charge: Money | None, note: str | None, now: str
) -> Request:
    """Paid: `charge`, else all that may have been charged. Not paid: only what is kept. An earlier word gives way.

    Raises `IllegalMoveError` for a request that is not of unknown outcome, and for a charge in another currency.
    """
    request = request_by_id(db, id_)
    if request.resolved_by is not None and not request.state.is_open:
        request = moves.take_back(db, request, now=now)
    if request.state is not RequestState.UNKNOWN:
        raise IllegalMoveError(
            f"the request for `{request.address}` ({id_}) is `{request.state}`, not unknown: nothing to resolve"
        )
    if charge is not None and charge.currency != request.price.currency:
        raise IllegalMoveError(f"the request for `{request.address}` is in {request.price.currency}, not {charge}")
    arrivals = arrivals_of(db, id_)
    kept = charge_of(request, arrivals)
    if paid:
        total = max(charge_at_most(request, arrivals), kept) if charge is None else charge
        resolved = moves.settle(db, request, total, now=now, resolved_by=who)
    elif any(arrival.picture is not None for arrival in arrivals):
        resolved = moves.settle(db, request, kept, now=now, resolved_by=who)
    else:
        resolved = moves.move(db, id_, RequestState.RELEASED, now=now, resolved_by=who)
    _write_down(db, resolved, Word.PAID if paid else Word.NOT_PAID, who=who, note=note, now=now)
    return resolved


def take_back(db: sqlite3.Connection, id_: str, *, who: str, note: str | None, now: str) -> Request:
    """Its charge is uncertain again. Raises `IllegalMoveError` if nobody's word holds."""
    request = request_by_id(db, id_)
    if request.resolved_by is None:
        raise IllegalMoveError(f"nobody has said whether the request for `{request.address}` ({id_}) was charged")
    opened = moves.take_back(db, request, now=now)
    _write_down(db, opened, Word.TAKEN_BACK, who=who, note=note, now=now)
    return opened


def _write_down(db: sqlite3.Connection, request: Request, word: Word, *, who: str, note: str | None, now: str) -> None:
    charge = request.charge
    values = (None, None) if charge is None else (charge.micros, charge.currency)
    db.execute(
        "INSERT INTO resolution (request, at, who, word, charge, currency, note) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (request.id, now, who, word.value, *values, note),
    )
