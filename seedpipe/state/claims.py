"""Claiming a picture: what may stand in the way of a request, asked and written in one transaction."""

import json
import secrets
import sqlite3
from collections.abc import Callable, Mapping, Sequence

from seedpipe.money import Money
from seedpipe.state.caps import Cap, CapReached, first_reached
from seedpipe.state.requests import (
    AlreadyKept,
    Claimed,
    ClaimedElsewhere,
    HeldUnknown,
    Intent,
    Overtaken,
    RequestState,
)
from seedpipe.state.rows import arrivals_of, requests_where, takes_where
from seedpipe.state.shares import shares
from seedpipe.state.spent import OPEN_SQL, Scope, Spent
from seedpipe.state.take import Take

Obstacle = ClaimedElsewhere | HeldUnknown | AlreadyKept | Overtaken | CapReached
Outcome = Claimed | Obstacle


def claim(
    db: sqlite3.Connection,
    intent: Intent,
    caps: Sequence[Cap],
    *,
    owner: str,
    account: str,
    is_alive: Callable[[str], bool],
    now: str,
    elsewhere: Callable[[Scope, str], Spent] | None = None,
) -> Outcome:
    """Claims and reserves, unless the same is under way, unknown, bought already, or a cap is reached."""
    found = obstacle(db, intent, caps, owner=owner, is_alive=is_alive, now=now, elsewhere=elsewhere)
    return found or Claimed(id=_insert(db, intent, owner=owner, account=account, now=now))


def obstacle(
    db: sqlite3.Connection,
    intent: Intent,
    caps: Sequence[Cap],
    *,
    owner: str,
    is_alive: Callable[[str], bool],
    now: str,
    elsewhere: Callable[[Scope, str], Spent] | None = None,
) -> Obstacle | None:
    """What a claim would meet now, without making it."""
    return (
        _held(db, intent, owner, is_alive)
        or _frames_held(db, intent, owner, is_alive)
        or first_reached(db, caps, run=intent.run, day=now[:10], parts=_parts(intent), elsewhere=elsewhere)
    )


def _parts(intent: Intent) -> Mapping[str, Money]:
    """What is reserved for each picture, by its address."""
    currency = intent.reserved.currency
    parts: dict[str, Money] = {}
    for place, part in shares(intent.reserved.micros, intent.images, {}).items():
        address = intent.frames[place].address if place < len(intent.frames) else intent.address
        parts[address] = parts.get(address, Money.zero(currency)) + Money(part, currency)
    return parts


def _held(
    db: sqlite3.Connection, intent: Intent, owner: str, is_alive: Callable[[str], bool]
) -> ClaimedElsewhere | HeldUnknown | AlreadyKept | None:
    earlier = requests_where(
        db,
        f"request_key = ? AND ordinal = ? AND ({OPEN_SQL} OR state = 'settled')",
        (str(intent.request_key), intent.ordinal),
    )
    for request in earlier:
        if request.state.is_active:
            mine = request.owner == owner
            return ClaimedElsewhere(request=request, alive=mine or is_alive(request.owner), mine=mine)
    for request in earlier:
        if request.state is RequestState.SETTLED and (takes := takes_where(db, "id = ?", (request.id,))):
            return AlreadyKept(request=request, takes=takes)
    if not intent.despite_unknown:
        for request in earlier:
            if request.state is RequestState.UNKNOWN:
                return HeldUnknown(request=request)
    return None


def _frames_held(
    db: sqlite3.Connection, intent: Intent, owner: str, is_alive: Callable[[str], bool]
) -> ClaimedElsewhere | HeldUnknown | Overtaken | None:
    """The same for each frame: a request with other neighbours has another key, and may bring the very same frame."""
    if intent.anew:
        return None
    places = {frame.want: place for place, frame in enumerate(intent.frames)}
    marks = ", ".join("?" * len(places))
    others = requests_where(
        db,
        f"(id IN (SELECT request FROM frame WHERE want IN ({marks})) OR request_key IN ({marks}))"  # noqa: S608
        f" AND (request_key != ? OR ordinal != ?) AND ({OPEN_SQL} OR state = 'settled')",
        (*map(str, places), *map(str, places), str(intent.request_key), intent.ordinal),
    )
    brought: dict[int, Take] = {}
    for request in others:
        arrived = {take.index: take for take in takes_where(db, "id = ?", (request.id,))}
        told = {item.index for item in arrivals_of(db, request.id) if item.picture or item.code}
        for index in range(max(request.images, len(request.frames))):
            place = places.get(request.frame(index).want)
            if place is None:
                continue
            if index in arrived:
                brought.setdefault(place, arrived[index])
            elif index not in told and request.state.is_active:
                mine = request.owner == owner
                return ClaimedElsewhere(request=request, alive=mine or is_alive(request.owner), mine=mine)
            elif index not in told and request.state is RequestState.UNKNOWN and not intent.despite_unknown:
                return HeldUnknown(request=request)
    return Overtaken(takes=brought) if brought else None


def _insert(db: sqlite3.Connection, intent: Intent, *, owner: str, account: str, now: str) -> str:
    expected = intent.reserved if intent.expected is None else intent.expected
    currency = intent.reserved.currency
    if {intent.price.currency, expected.currency} != {currency}:
        raise ValueError("price, expected and reserved money of an intent have one currency")
    values = {
        "id": f"req-{secrets.token_hex(10)}",
        "run": intent.run,
        "owner": owner,
        "account": account,
        "request_key": str(intent.request_key),
        "ordinal": intent.ordinal,
        "address": intent.address,
        "model": intent.model,
        "provider": intent.provider,
        "images": intent.images,
        "currency": currency,
        "price": intent.price.micros,
        "reserved": intent.reserved.micros,
        "expected": expected.micros,
        "client_request_id": intent.client_request_id,
        "document": intent.document,
        "body_digest": str(intent.body_digest),
        "timeout_seconds": intent.timeout_seconds,
        "profile": intent.profile,
        "tags": json.dumps(intent.tags),
        "state": RequestState.INTENDED.value,
        "day": now[:10],
        "intended_at": now,
    }
    marks = ", ".join("?" * len(values))
    db.execute(f"INSERT INTO request ({', '.join(values)}) VALUES ({marks})", tuple(values.values()))  # noqa: S608
    db.executemany(
        "INSERT INTO frame (request, position, address, want) VALUES (?, ?, ?, ?)",
        [(values["id"], index, frame.address, str(frame.want)) for index, frame in enumerate(intent.frames)],
    )
    return str(values["id"])
