"""The journal's one door: every change of a request's state goes through `move`, inside the caller's transaction."""

import json
import sqlite3
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from seedpipe.money import Money
from seedpipe.state.held import Fate, charge_of, fates_of
from seedpipe.state.layer import Layer
from seedpipe.state.requests import (
    LEGAL,
    Arrival,
    DayTurnedError,
    IllegalMoveError,
    Located,
    Picture,
    Request,
    RequestState,
)
from seedpipe.state.rows import arrivals_of, request_by_id
from seedpipe.state.spent import add_charge, total_scopes


def move(
    connection: sqlite3.Connection,
    request_id: str,
    to: RequestState,
    *,
    now: str,
    takes_back: bool = False,
    **columns: Any,
) -> Request:
    """Takes a request to state `to` and sets `columns`. Raises `IllegalMoveError` where that can't follow.

    With `takes_back` a person's word about it is taken back: nobody knows again.
    """
    request = request_by_id(connection, request_id)
    back = takes_back and to is RequestState.UNKNOWN and request.resolved_by is not None
    if to not in LEGAL[request.state] and not back:
        raise IllegalMoveError(
            f"the request for `{request.address}` ({request.id}) can't become `{to}`:"
            f" it is `{request.state}` ({request.state.sentence})"
        )
    if not to.is_open:
        columns["closed_at"] = now
    names = ", ".join(f"{name} = ?" for name in ("state", *columns))
    connection.execute(
        f"UPDATE request SET {names} WHERE id = ?",  # noqa: S608  # the names are keyword arguments of this package
        (to.value, *columns.values(), request_id),
    )
    return request_by_id(connection, request_id)


def send(connection: sqlite3.Connection, request_id: str, *, now: str) -> bool:
    """False if the UTC day of the intent is over: the intent is then released, because other caps hold today."""
    intended = request_by_id(connection, request_id)
    if intended.state is RequestState.INTENDED and intended.intended_at[:10] != now[:10]:
        move(connection, request_id, RequestState.RELEASED, now=now, why="the UTC day ended before it was sent")
        return False
    move(connection, request_id, RequestState.SENT, now=now, sent_at=now)
    return True


def day_turned(request: str) -> DayTurnedError:
    return DayTurnedError(
        f"the UTC day ended before the request {request} was sent; it was not sent",
        hint="run the command again: the caps of the new day are asked then",
    )


def locate(connection: sqlite3.Connection, request: Request, items: Sequence[Located], *, now: str) -> None:
    """Writes down where pictures are; of one that is kept already nothing changes."""
    _still(connection, request, RequestState.LOCATED, now)
    connection.executemany(
        "INSERT INTO arrival (request, position, url, size, located_at) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (request, position) DO UPDATE SET url = excluded.url, size = excluded.size"
        " WHERE digest IS NULL",
        [(request.id, item.index, item.url, item.size, now) for item in items],
    )
    _say_layers(connection, request, {item.index: item.layer for item in items})


def _say_layers(connection: sqlite3.Connection, request: Request, layers: Mapping[int, Layer | None]) -> None:
    """What the service said of layers, written down before their pictures are fetched."""
    connection.executemany(
        "INSERT OR REPLACE INTO layer (request, position, said) VALUES (?, ?, ?)",
        [(request.id, index, json.dumps(layer.to_dict())) for index, layer in layers.items() if layer is not None],
    )


def refuse_item(
    connection: sqlite3.Connection, request: Request, index: int, *, code: str, message: str, now: str
) -> None:
    """Writes down that the service refused one picture of a batch; the others go on (BP-API)."""
    _still(connection, request, RequestState.LOCATED, now)
    connection.execute(
        "INSERT INTO arrival (request, position, located_at, code, message) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (request, position) DO UPDATE SET code = excluded.code, message = excluded.message"
        " WHERE digest IS NULL",
        (request.id, index, now, code, message),
    )


def keep(connection: sqlite3.Connection, request: Request, index: int, picture: Picture, *, now: str) -> None:
    """Writes down that a picture's bytes are in the store. Twice the same is fine; other bytes in its place are not."""
    present = next((item for item in arrivals_of(connection, request.id) if item.index == index), None)
    if present is not None and present.picture is not None:
        if present.picture.digest != picture.digest:
            raise IllegalMoveError(
                f"picture {index} of the request {request.id} is kept as {present.picture.digest};"
                f" {picture.digest} can't take its place"
            )
        return
    _still(connection, request, RequestState.KEPT, now)
    cost = (None, None) if picture.cost is None else (picture.cost.micros, picture.cost.currency)
    _say_layers(connection, request, {index: picture.layer})
    facts = (str(picture.digest), picture.format, picture.width, picture.height, picture.bytes, *cost, now)
    connection.execute(
        "INSERT INTO arrival"
        " (request, position, digest, format, width, height, bytes, cost, cost_currency, kept_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (request, position) DO UPDATE SET"
        " digest = excluded.digest, format = excluded.format, width = excluded.width, height = excluded.height,"
        " bytes = excluded.bytes, cost = excluded.cost, cost_currency = excluded.cost_currency,"
        " kept_at = excluded.kept_at, code = NULL, message = NULL",
        (request.id, index, *facts),
    )


def settle(connection: sqlite3.Connection, request: Request, charge: Money, *, now: str, **columns: Any) -> Request:
    """Closes a request with its charge. Raises `IllegalMoveError` while a located picture is not kept."""
    waiting = to_fetch(arrivals_of(connection, request.id))
    if waiting and request.state is not RequestState.UNKNOWN:
        raise IllegalMoveError(
            f"the request {request.id} can't be settled: {len(waiting)} of its pictures are located and not kept"
        )
    settled = move(
        connection,
        request.id,
        RequestState.SETTLED,
        now=now,
        charge=charge.micros,
        charge_currency=charge.currency,
        **columns,
    )
    _count(connection, settled, charge)
    return settled


def take_back(connection: sqlite3.Connection, request: Request, *, now: str) -> Request:
    """A person's word about a request holds no more: its charge is uncertain again, and its reservation is back."""
    opened = move(
        connection,
        request.id,
        RequestState.UNKNOWN,
        now=now,
        takes_back=True,
        closed_at=None,
        charge=None,
        charge_currency=None,
        resolved_by=None,
    )
    if request.charge is not None:
        _count(connection, request, Money.zero(request.charge.currency) - request.charge)
    return opened


def _count(connection: sqlite3.Connection, request: Request, charge: Money) -> None:
    day = (request.sent_at or request.intended_at)[:10]
    add_charge(connection, total_scopes(run=request.run, day=day), charge)


def conclude(connection: sqlite3.Connection, request: Request, *, now: str) -> Request:
    """Closes a request by what is written down: settled if all of its answer has arrived, else unknown."""
    arrivals = arrivals_of(connection, request.id)
    fates = Counter(fates_of(request, arrivals, now=datetime.fromisoformat(now)))
    if fates[Fate.WAITS]:
        raise IllegalMoveError(
            f"the request {request.id} can't be concluded: {fates[Fate.WAITS]} of its pictures are still to be fetched"
        )
    if fates[Fate.LOST]:
        why = f"charged, and {fates[Fate.LOST]} of its pictures not fetched before its address ended"
        return move(connection, request.id, RequestState.UNKNOWN, now=now, why=why)
    if len(arrivals) >= (request.items or request.images):
        return settle(connection, request, charge_of(request, arrivals), now=now, why=None)
    kept = sum(arrival.picture is not None for arrival in arrivals)
    why = f"{kept} of {request.images} pictures had arrived when the answer broke off"
    return move(connection, request.id, RequestState.UNKNOWN, now=now, why=why)


def to_fetch(arrivals: Sequence[Arrival]) -> tuple[Located, ...]:
    """The items that are located and neither kept nor refused."""
    return tuple(
        Located(index=arrival.index, url=arrival.url, size=arrival.size, layer=arrival.layer)
        for arrival in arrivals
        if arrival.url is not None and arrival.picture is None and arrival.code is None
    )


def _still(connection: sqlite3.Connection, request: Request, towards: RequestState, now: str) -> None:
    """What an arrival does to its request: `kept` never falls back to `located`, `unknown` stays until settled."""
    if request.state in (RequestState.KEPT, RequestState.UNKNOWN):
        towards = request.state
    move(connection, request.id, towards, now=now)
