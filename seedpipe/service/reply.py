"""Bytes of an answer → `Reply` or `Refusal`. Pure, and lenient: what was paid for is never lost to a shape.

A picture in the answer always wins over an error beside it; a failed item never hides its neighbours (GH:
clients that require every item to be a picture throw away paid batches).
"""

import base64
import binascii
import email.utils
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from seedpipe.errors import ServiceError
from seedpipe.service.envelope import Json, document_of, read_error, text_of
from seedpipe.service.refusals import (
    UPSTREAM,
    Dialect,
    Refusal,
    Verdict,
    clean,
    request_id_in,
    reset_time,
)
from seedpipe.service.verdicts import item_verdict, verdict_of
from seedpipe.state.layer import Box, Layer

EMULATOR_HEADER: Final = "x-seedpipe-emulator"
_SIZE: Final = re.compile(r"\s*([0-9]{1,6})\s*[xX×*]\s*([0-9]{1,6})\s*\Z")
_DATA_URL: Final = re.compile(r"data:[^,;]*(?:;[^,;]*)*;base64,", re.IGNORECASE)
_ID_HEADERS: Final = ("x-request-id", "x-oneapi-request-id", "x-tt-logid")
_ITEMS: Final = re.compile(r'(?<!\\)"data"\s*:\s*\[\s*')
_BETWEEN: Final = re.compile(r"[\s,]*")
_JSON: Final = json.JSONDecoder(strict=False)
_ID_IN_URL: Final = re.compile(r"/(02[0-9]{13}[0-9a-f]{38})_[0-9]+\.[a-z]+\Z")
_MAX_NAME: Final = 200
_MAX_DESCRIPTION: Final = 4_000
_MAX_RETRY_AFTER: Final = 7 * 24 * 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureAt:
    """A picture that lies at a signed URL for a day. `size` is what the service says it has."""

    url: str
    size: tuple[int, int] | None = None
    layer: Layer | None = None  # of a decomposition: what it is a layer of, and where


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureBytes:
    """A picture inside the answer, still base64."""

    encoded: str = field(repr=False)
    size: tuple[int, int] | None = None
    layer: Layer | None = None

    def decode(self) -> bytes:
        """The picture's bytes. Raises `ServiceError` if it isn't base64."""
        try:
            data = base64.b64decode("".join(self.encoded.split()), validate=True)
        except (binascii.Error, ValueError) as error:
            raise ServiceError("the service sent a picture that is not base64") from error
        if not data:
            raise ServiceError("the service sent an empty picture")
        return data


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemFault:
    """One picture of the answer that did not come. `UNKNOWN`: the item says nothing at all."""

    verdict: Verdict
    code: str
    message: str


Item = PictureAt | PictureBytes | ItemFault


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer with items, in the order of the answer. There can be fewer or more than were asked for."""

    items: tuple[Item, ...]
    model: str | None = None  # an echo in the service's own spelling: no key may use it
    created: int | None = None  # Unix seconds
    generated_images: int | None = None  # the billing number
    input_images: int | None = None
    output_tokens: int | None = None
    request_id: str | None = None
    is_emulator: bool = False

    @property
    def pictures(self) -> tuple[PictureAt | PictureBytes, ...]:
        return tuple(item for item in self.items if not isinstance(item, ItemFault))


def read_reply(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    dialect: Dialect = UPSTREAM,
    received: datetime | None = None,
) -> Reply | Refusal:
    """What an answer means. `body` is complete and not compressed; `received` dates a `Retry-After`."""
    head = {name.lower(): value for name, value in headers.items()}
    document = document_of(body)
    if 200 <= status < 300 and isinstance(document, dict):
        items = tuple(read_item(item) for item in items_of(document))
        if items and (read_error(document) is None or any(not isinstance(item, ItemFault) for item in items)):
            return _reply(document, items, head)
    return _refusal(status, head, document, body, dialect, received)


def items_of(document: dict[str, Json]) -> list[Json]:
    data = document.get("data")
    if isinstance(data, dict):
        inner = data.get("data")
        return inner if isinstance(inner, list) else [data] if "url" in data or "b64_json" in data else []
    return data if isinstance(data, list) else []


def whole_items(body: bytes) -> list[Item]:
    """Of a plain answer that broke off: the items that it says whole, from its first on."""
    text = body.decode("utf-8", "replace")
    start = _ITEMS.search(text)
    found: list[Item] = []
    position = start.end() if start else len(text)
    while position < len(text):
        try:
            item, position = _JSON.raw_decode(text, position)
        except (ValueError, RecursionError):
            break
        found.append(read_item(item))
        between = _BETWEEN.match(text, position)
        position = between.end() if between else position
    return found


def read_item(item: Json) -> Item:
    if not isinstance(item, dict):
        return _empty_item()
    size, layer = _size(item.get("size")), _layer(item)
    encoded, url = item.get("b64_json"), item.get("url")
    if isinstance(encoded, str) and encoded.strip():
        plain = _DATA_URL.sub("", encoded, count=1) if ":" in encoded[:8] else encoded
        return PictureBytes(encoded=plain, size=size, layer=layer)
    if isinstance(url, str) and url.strip():
        inline = _DATA_URL.match(url)
        return (
            PictureAt(url=url.strip(), size=size, layer=layer)
            if inline is None
            else PictureBytes(encoded=url[inline.end() :], size=size, layer=layer)
        )
    error = read_error(item)
    if error is None:
        return _empty_item()
    verdict = item_verdict(error.code, error.kind, error.message)
    return ItemFault(verdict=verdict, code=error.code, message=error.message)


def _empty_item() -> ItemFault:
    return ItemFault(
        verdict=Verdict.UNKNOWN,
        code="",
        message="the service sent an item with neither a picture nor an error",
    )


def _size(text: Json) -> tuple[int, int] | None:
    match = _SIZE.match(text) if isinstance(text, str) else None
    return None if match is None else (int(match[1]), int(match[2]))


def _layer(item: dict[str, Json]) -> Layer | None:
    """What an item says of a layer, if it says its place; a box that can't be read is none."""
    z_index = count_of(item.get("z_index"))
    if z_index is None:
        return None
    box = item.get("bounding_box")
    sides = box if isinstance(box, dict) else {}
    absolute = _sides(sides.get("absolute"))
    return Layer(
        z_index=z_index,
        name=text_of(item, "name")[:_MAX_NAME],
        description=text_of(item, "description")[:_MAX_DESCRIPTION],
        box=None if absolute is None else _whole(absolute),
        normalized=_sides(sides.get("normalized")),
    )


def _sides(values: Json) -> tuple[float, float, float, float] | None:
    if not isinstance(values, list) or len(values) != 4:
        return None
    if not all(isinstance(side, int | float) and not isinstance(side, bool) and abs(side) < 1e9 for side in values):
        return None
    left, top, right, bottom = map(float, values)
    return left, top, right, bottom


def _whole(sides: tuple[float, float, float, float]) -> Box:
    left, top, right, bottom = map(round, sides)
    return left, top, right, bottom


def _reply(document: dict[str, Json], items: tuple[Item, ...], head: Mapping[str, str]) -> Reply:
    usage = document.get("usage")
    counts = usage if isinstance(usage, dict) else {}
    model = document.get("model")
    return Reply(
        items=items,
        model=clean(model) if isinstance(model, str) else None,
        created=count_of(document.get("created")),
        generated_images=count_of(counts.get("generated_images")),
        input_images=count_of(counts.get("input_images")),
        output_tokens=count_of(counts.get("output_tokens")),
        request_id=request_id_of(head, ""),
        is_emulator=EMULATOR_HEADER in head,
    )


def count_of(value: Json) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _refusal(
    status: int,
    head: Mapping[str, str],
    document: Json,
    body: bytes,
    dialect: Dialect,
    received: datetime | None,
) -> Refusal:
    error = read_error(document)
    if error is None:
        verdict, hint = _without_envelope(status, head, document, dialect)
        code, message = clean(head.get("x-error-code", "")), _words(status, document, body, head)
    else:
        verdict, hint = verdict_of(status, error.code, error.kind, error.message, dialect)
        if verdict is Verdict.UNKNOWN and _bills_nothing(status, document):
            verdict, hint = item_verdict(error.code, error.kind, error.message), None
        code, message = error.code, error.message or f"HTTP {status} without a message"
    return Refusal(
        verdict=verdict,
        http_status=status,
        code=code,
        message=message,
        request_id=request_id_of(head, message),
        retry_after=_retry_after(head, received),
        not_before=reset_time(message) if verdict is Verdict.NOT_BEFORE else None,
        hint=hint,
        is_told=error is not None,
        is_emulator=EMULATOR_HEADER in head,
    )


def _without_envelope(
    status: int, head: Mapping[str, str], document: Json, dialect: Dialect
) -> tuple[Verdict, str | None]:
    """No error object: an HTML page, a broken body, an empty one, or JSON that says nothing.

    A 4xx is a refusal whatever its body (only a 200 is billed, OVERVIEW); a page of a firewall in front
    of the service says nothing about moderation.
    """
    if _bills_nothing(status, document):
        return Verdict.NODE, None
    if status >= 500 or status < 300:
        return Verdict.UNKNOWN, None
    if status == 403:
        return Verdict.NODE, "something in front of the service refused this request"
    return verdict_of(status, head.get("x-error-code", ""), "", "", dialect)


def _bills_nothing(status: int, document: Json) -> bool:
    """Whether an answer that came whole says itself that it bills no picture."""
    usage = document.get("usage") if isinstance(document, dict) else None
    return 200 <= status < 300 and isinstance(usage, dict) and usage.get("generated_images") == 0


def _words(status: int, document: Json, body: bytes, head: Mapping[str, str]) -> str:
    location = head.get("location")
    if 300 <= status < 400:
        return f"HTTP {status}: the service redirects to `{clean(location or '?').partition('?')[0]}`"
    if not body.strip():
        return f"HTTP {status} with an empty body"
    if isinstance(document, dict):
        return f"HTTP {status} with neither pictures nor an error"
    text = body[:4096].decode("utf-8", "replace")
    title = re.search(r"<title[^>]*>([^<]{1,200})</title>", text, re.IGNORECASE)
    if title is not None or re.match(r"\s*<", text):
        return f"HTTP {status} with a web page in place of an answer" + (f": {clean(title[1])}" if title else "")
    return f"HTTP {status} with an answer that could not be read: {clean(text)[:200]}"


def request_id_of(head: Mapping[str, str], message: str) -> str | None:
    """The service's id of this request: from a header, else from its words, else the one of what stands before it."""
    told = next((clean(head[name]) for name in _ID_HEADERS if head.get(name, "").strip()), None)
    found = told or request_id_in(message) or clean(head.get("cf-ray", ""))
    return found[:128] or None


def request_id_at(url: str) -> str | None:
    """The id in a result's address, `…/<request id>_<index>.jpeg` (§6): an answer's head may name none."""
    found = _ID_IN_URL.search(url.partition("?")[0])
    return None if found is None else found[1]


def _retry_after(head: Mapping[str, str], received: datetime | None) -> float | None:
    """Seconds: from `Retry-After` as seconds or as a date (counted from the answer's own `Date`)."""
    text = head.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,6})?", text):
        return min(float(text), _MAX_RETRY_AFTER)
    until, now = _http_date(text), _http_date(head.get("date", "")) or received
    if until is None or now is None:
        return None
    return min(max(0.0, (until - now).total_seconds()), _MAX_RETRY_AFTER)


def _http_date(text: str) -> datetime | None:
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
