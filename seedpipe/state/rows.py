"""Rows of the journal ↔ the values in `requests`. A row that can't be read is an error, never skipped."""

import json
import re
import sqlite3
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from seedpipe.errors import StateError
from seedpipe.money import Money
from seedpipe.names import Digest
from seedpipe.state.held import charge_at_most, charge_of
from seedpipe.state.layer import Layer
from seedpipe.state.requests import (
    Arrival,
    FrameOf,
    Picture,
    Refusal,
    Request,
    RequestState,
    Resolution,
    Short,
    SpendRow,
    Took,
    Word,
)
from seedpipe.state.spent import OPEN_SQL
from seedpipe.state.take import Take

_REQUEST_COLUMNS: Final = (
    "number, id, run, owner, account, request_key, ordinal, address, model, provider, images, currency, price,"
    " reserved, expected, client_request_id, request_id, document, body_digest, timeout_seconds, profile, tags, state,"
    " items, intended_at, sent_at, closed_at, charge, charge_currency, why, resolved_by,"
    " (SELECT json_group_array(json_array(address, want)) FROM"
    " (SELECT address, want FROM frame WHERE frame.request = request.id ORDER BY position))"
)
_ID_IN_URL: Final = re.compile(r"/([0-9a-zA-Z-]{16,64})_[0-9]+\.[a-z]+(?:\?|\Z)")
_ARRIVAL_COLUMNS: Final = (
    "position, url, size, located_at, digest, format, width, height, bytes, cost, cost_currency, kept_at, code, message,"
    " (SELECT said FROM layer WHERE layer.request = arrival.request AND layer.position = arrival.position)"
)

_TAKE_COLUMNS: Final = (
    "digest, request_key, COALESCE(frame.want, request_key), COALESCE(frame.address, request.address), format, width, height, bytes, model, provider, request_id, client_request_id,"
    " cost, cost_currency, price, currency, kept_at, ordinal, arrival.position, layer.said"
)
_DURATIONS: Final = 300  # latest requests of a model by which it is said how long a picture takes
_DEFAULT_SIZE: Final = "2048x2048"  # of a document that says none (frozen with format 1)
_BATCHES: Final = (3, 20)  # fewest and most from which it is said how many frames usually come


def requests_where(connection: sqlite3.Connection, where: str, values: Sequence[Any] = ()) -> tuple[Request, ...]:
    """Requests in the order of their intents."""
    rows = connection.execute(f"SELECT {_REQUEST_COLUMNS} FROM request WHERE {where} ORDER BY number", values)  # noqa: S608
    return tuple(_request(row) for row in rows)


def request_by_id(connection: sqlite3.Connection, request_id: str) -> Request:
    found = requests_where(connection, "id = ?", (request_id,))
    if not found:
        raise StateError(f"the journal has no request `{request_id}`", hint="`seedpipe doctor` checks the journal")
    return found[0]


def arrivals_of(connection: sqlite3.Connection, request_id: str) -> tuple[Arrival, ...]:
    """All items of a request's answer that are written down, by index."""
    rows = connection.execute(
        f"SELECT {_ARRIVAL_COLUMNS} FROM arrival WHERE request = ? ORDER BY position",  # noqa: S608
        (request_id,),
    )
    return tuple(_arrival(row) for row in rows)


def takes_where(connection: sqlite3.Connection, where: str, values: Sequence[Any] = ()) -> tuple[Take, ...]:
    """The kept pictures of the requests that `where` selects, in order of arrival."""
    rows = connection.execute(
        f"SELECT {_TAKE_COLUMNS} FROM request JOIN arrival ON arrival.request = request.id"  # noqa: S608
        " LEFT JOIN frame ON frame.request = request.id AND frame.position = arrival.position"
        " LEFT JOIN layer ON layer.request = request.id AND layer.position = arrival.position"
        f" WHERE arrival.digest IS NOT NULL AND {where} ORDER BY arrival.kept_at, request.number, arrival.position",
        values,
    )
    return tuple(_take(row) for row in rows)


def refusals_where(connection: sqlite3.Connection, where: str, values: Sequence[Any] = ()) -> tuple[Refusal, ...]:
    """Refusals that were not forgotten, the oldest first."""
    rows = connection.execute(
        "SELECT id, request_key, address, code, message, verdict, request_id, closed_at, ordinal FROM request"  # noqa: S608
        f" WHERE state = 'refused' AND forgotten = 0 AND {where} ORDER BY number",
        values,
    )
    return tuple(
        Refusal(
            request=row[0],
            request_key=Digest.parse(row[1]),
            address=row[2],
            code=row[3],
            message=row[4],
            verdict=row[5],
            request_id=row[6],
            at=row[7],
            ordinal=row[8],
        )
        for row in rows
    )


def resolutions_where(connection: sqlite3.Connection, where: str, values: Sequence[Any] = ()) -> tuple[Resolution, ...]:
    """What people said about uncertain charges, the oldest first."""
    rows = connection.execute(
        f"SELECT request, at, who, word, charge, currency, note FROM resolution WHERE {where} ORDER BY number",  # noqa: S608
        values,
    )
    return tuple(
        Resolution(
            request=request,
            at=at,
            who=who,
            word=Word(word),
            charge=None if charge is None else Money(charge, currency),
            note=note,
        )
        for request, at, who, word, charge, currency, note in rows
    )


def short_frames(connection: sqlite3.Connection) -> dict[Digest, Short]:
    """Of each want that its latest settled batch did not bring."""
    rows = connection.execute(
        "SELECT frame.want, arrival.digest, arrival.code, arrival.message, request.images,"
        " (SELECT COUNT(*) FROM arrival AS other WHERE other.request = request.id AND other.digest IS NOT NULL)"
        " FROM frame JOIN request ON request.id = frame.request AND request.state = 'settled'"
        " LEFT JOIN arrival ON arrival.request = frame.request AND arrival.position = frame.position"
        " ORDER BY request.number"
    )
    found: dict[Digest, Short] = {}
    for want, digest, code, message, asked, came in rows:
        if digest is None:
            found[Digest.parse(want)] = Short(came=came, asked=asked, code=code or "", message=message or "")
        else:
            found.pop(Digest.parse(want), None)
    return found


def frames_came(connection: sqlite3.Connection, model: str) -> tuple[int, int]:
    """Pictures that the model's latest settled batches brought, and were asked for; zeros while there are too few."""
    batches = connection.execute(
        "SELECT images, (SELECT COUNT(*) FROM arrival WHERE arrival.request = request.id AND digest IS NOT NULL)"
        " FROM request WHERE model = ? AND images > 1 AND state = 'settled' ORDER BY number DESC LIMIT ?",
        (model, _BATCHES[1]),
    ).fetchall()
    if len(batches) < _BATCHES[0]:
        return 0, 0
    return sum(came for _, came in batches), sum(asked for asked, _ in batches)


def durations(connection: sqlite3.Connection, model: str) -> list[Took]:
    """Of the model's latest settled requests that brought pictures, the latest first."""
    rows = connection.execute(
        "SELECT json_extract(document, '$.size'), images, sent_at, COUNT(*), MIN(kept_at), MAX(kept_at)"
        " FROM (SELECT number, id, document, images, sent_at FROM request"
        "  WHERE model = ? AND state = 'settled' AND sent_at IS NOT NULL ORDER BY number DESC LIMIT ?) AS request"
        " JOIN arrival ON arrival.request = request.id AND arrival.kept_at IS NOT NULL"
        " GROUP BY request.number ORDER BY request.number DESC",
        (model, _DURATIONS),
    )
    return [
        Took(
            size=size or _DEFAULT_SIZE,
            images=images,
            came=came,
            first=max(0.0, _seconds_between(sent, first)),
            last=max(0.0, _seconds_between(sent, last)),
        )
        for size, images, sent, came, first, last in rows
    ]


def _seconds_between(start: str, end: str) -> float:
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()


def spend_rows(connection: sqlite3.Connection, since: str, until: str) -> tuple[SpendRow, ...]:
    """All requests that cost something or still may, of the days `since` to `until`, in order of their intents."""
    users = dict(connection.execute("SELECT id, user FROM run").fetchall())
    where, days = f"(state = 'settled' OR {OPEN_SQL}) AND day BETWEEN ? AND ?", (since, until)
    answers: dict[str, list[Arrival]] = {}
    columns = f"SELECT request, {_ARRIVAL_COLUMNS} FROM arrival"  # noqa: S608  # constants
    chosen = f"{columns} WHERE request IN (SELECT id FROM request WHERE {where}) ORDER BY request, position"  # noqa: S608
    for id_, *row in connection.execute(chosen, days):
        answers.setdefault(id_, []).append(_arrival(row))
    rows = []
    for request in requests_where(connection, where, days):
        arrivals = answers.get(request.id, ())
        kept = charge_of(request, arrivals)
        at_most = charge_at_most(request, arrivals)
        rows.append(
            SpendRow(
                request=request,
                user=users[request.run],
                day=(request.sent_at or request.intended_at)[:10],
                ids=ids_of(request, arrivals),
                kept=_prices(request, arrivals),
                charged=request.charge if request.charge is not None else (kept or None),
                open=at_most - kept if request.state.is_open and at_most > kept else None,
            )
        )
    return tuple(rows)


def ids_of(request: Request, arrivals: Sequence[Arrival] = ()) -> tuple[str, ...]:
    """All names of a request. A result's address ends in another id of the service's than its answer has (GH)."""
    in_addresses = (_ID_IN_URL.search(arrival.url) for arrival in arrivals if arrival.url is not None)
    found = (request.request_id, *(match[1] for match in in_addresses if match is not None), request.client_request_id)
    return tuple(dict.fromkeys(id_ for id_ in found if id_ is not None))


def _prices(request: Request, arrivals: Sequence[Arrival]) -> dict[int, Money]:
    """What each picture that came cost, by its place in the answer."""
    return {arrival.index: charge_of(request, (arrival,)) for arrival in arrivals if arrival.picture is not None}


def _request(row: Sequence[Any]) -> Request:
    (
        number, id_, run, owner, account, key, ordinal, address, model, provider, images, currency, price,
        reserved, expected, client_request_id, request_id, document, body_digest, timeout_seconds, profile, tags, state,
        items, intended_at, sent_at, closed_at, charge, charge_currency, why, resolved_by, frames,
    ) = row  # fmt: skip
    return Request(
        number=number,
        id=id_,
        run=run,
        owner=owner,
        account=account,
        request_key=Digest.parse(key),
        ordinal=ordinal,
        address=address,
        model=model,
        provider=provider,
        images=images,
        price=Money(price, currency),
        reserved=Money(reserved, currency),
        expected=Money(expected, currency),
        client_request_id=client_request_id,
        request_id=request_id,
        document=document,
        body_digest=Digest.parse(body_digest),
        timeout_seconds=timeout_seconds,
        profile=profile,
        tags=tuple(json.loads(tags)),
        state=RequestState(state),
        items=items,
        intended_at=intended_at,
        sent_at=sent_at,
        closed_at=closed_at,
        charge=None if charge is None else Money(charge, charge_currency),
        why=why,
        resolved_by=resolved_by,
        frames=tuple(FrameOf(address=name, want=Digest.parse(want)) for name, want in json.loads(frames)),
    )


def _arrival(row: Sequence[Any]) -> Arrival:
    (
        index,
        url,
        size,
        located_at,
        digest,
        format_,
        width,
        height,
        length,
        cost,
        cost_currency,
        kept_at,
        code,
        message,
        said,
    ) = row
    layer = _layer(said)
    picture = None
    if digest is not None:
        picture = Picture(
            digest=Digest.parse(digest),
            format=format_,
            width=width,
            height=height,
            bytes=length,
            cost=None if cost is None else Money(cost, cost_currency),
            layer=layer,
        )
    return Arrival(
        index=index,
        url=url,
        size=size,
        located_at=located_at,
        picture=picture,
        kept_at=kept_at,
        code=code,
        message=message,
        layer=layer,
    )


def _layer(said: str | None) -> Layer | None:
    return None if said is None else Layer.from_dict(json.loads(said))


def _take(row: Sequence[Any]) -> Take:
    (
        digest, request_key, want, address, format_, width, height, length, model, provider, request_id,
        client_request_id, cost, cost_currency, price, currency, kept_at, ordinal, position, layer,
    ) = row  # fmt: skip
    return Take(
        digest=Digest.parse(digest),
        request_key=Digest.parse(request_key),
        want=Digest.parse(want),
        address=address,
        format=format_,
        width=width,
        height=height,
        bytes=length,
        model=model,
        provider=provider,
        request_id=request_id,
        client_request_id=client_request_id,
        cost=Money(price, currency) if cost is None else Money(cost, cost_currency),
        received_at=kept_at,
        ordinal=ordinal,
        index=position,
        layer=_layer(layer),
    )
