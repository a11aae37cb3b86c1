"""The desk where requests arrive: key, body, rules, faults and limits, then a job. One `Emulator` a process."""

import asyncio
import json
import secrets
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final

from starlette.datastructures import Headers
from starlette.requests import Request

from seedpipe.emulator.bodies import as_noted
from seedpipe.emulator.codes import ERROR_CODES, Refusal, refusal_for
from seedpipe.emulator.faults import Fault, FaultBook, FaultKind
from seedpipe.emulator.identity import client_trace, key_hash, request_id, trace_id
from seedpipe.emulator.job import Job, Workshop
from seedpipe.emulator.layers import RESERVED, size_for_layers
from seedpipe.emulator.ledger import Ledger
from seedpipe.emulator.pace import MinuteLimit
from seedpipe.emulator.references import Reference, addresses_of, fetch_references, open_reference
from seedpipe.emulator.refusals import (
    IMAGES_PER_MINUTE,
    INTERNAL,
    NO_BALANCE,
    OVERDUE,
    TOO_MANY_AT_ONCE,
    UNAUTHORISED,
    UNAVAILABLE,
    RefusedError,
    fetch_timeout,
    invalid,
    moderated,
    unreadable,
)
from seedpipe.emulator.rules import Dialect, Order, Pixels, final_size, read_order, spoken_name
from seedpipe.emulator.settings import Settings
from seedpipe.emulator.signing import Signer

_MAX_BODY: Final = 640 * 1024 * 1024  # 14 references of 30 MB in base64; the real limit is not documented
_BODIES_AT_ONCE: Final = 128 * 1024 * 1024  # bytes of bodies held in memory; more wait
_UNTOLD_LENGTH: Final = 8 * 1024 * 1024  # what a body without Content-Length is taken for
_SMALL_BODY: Final = 1024 * 1024  # parsed without a thread
_FIRST_WORDS: Final = 12

REFUSING: Final[Mapping[FaultKind, Refusal]] = {
    FaultKind.RATE_LIMIT: IMAGES_PER_MINUTE,
    FaultKind.OVERLOADED: ERROR_CODES["ServerOverloaded"],
    FaultKind.BURST: ERROR_CODES["RequestBurstTooFast"],
    FaultKind.INFLIGHT: TOO_MANY_AT_ONCE,
    FaultKind.QUOTA: ERROR_CODES["QuotaExceeded"],
    FaultKind.UNAUTHORISED: UNAUTHORISED,
    FaultKind.INTERNAL_ERROR: INTERNAL,
    FaultKind.UNAVAILABLE: UNAVAILABLE,
}


class BodyTooLargeError(Exception):
    """A body beyond every limit; answered 413."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asks, and the ids of this request."""

    request_id: str
    trace: str
    client_trace: str
    account: str  # hash of the key
    arrived: float  # Unix seconds
    began: float  # monotonic
    gzip: bool
    host: str

    def headers(self) -> dict[str, str]:
        """What every answer of the API carries (GH:ZJT#94)."""
        return {
            "server": "istio-envoy",
            "x-request-id": self.trace,
            "x-client-request-id": self.client_trace,
            "x-envoy-upstream-service-time": str(round((time.monotonic() - self.began) * 1000)),
        }


def caller_of(request: Request) -> Caller:
    """Makes the ids. The account is empty where no key came."""
    now, entropy = time.time(), secrets.token_bytes(32)
    headers = request.headers
    milliseconds = int(now * 1000)
    key = bearer_key(headers)
    return Caller(
        request_id=request_id(milliseconds, entropy),
        trace=trace_id(milliseconds, entropy),
        client_trace=headers.get("x-client-request-id") or client_trace(milliseconds, entropy),
        account=key_hash(key) if key else "",
        arrived=now,
        began=time.monotonic(),
        gzip=accepts_gzip(headers.get("accept-encoding", "")),
        host=headers.get("host", "127.0.0.1"),
    )


def accepts_gzip(accepted: str) -> bool:
    """Whether an `Accept-Encoding` has gzip with a weight above 0."""
    for part in accepted.lower().split(","):
        name, _, weight = part.partition(";")
        if name.strip() in ("gzip", "x-gzip", "*"):
            return weight.replace(" ", "").removeprefix("q=").rstrip("0.") != "" or not weight
    return False


def bearer_key(headers: Headers) -> str:
    scheme, _, key = headers.get("authorization", "").partition(" ")
    return key.strip() if scheme.lower() == "bearer" else ""


@dataclass(slots=True, kw_only=True, eq=False)
class Emulator:
    """Everything that lasts between requests."""

    settings: Settings
    dialects: Mapping[str, Dialect]  # by prefix
    ledger: Ledger
    workshop: Workshop
    signer: Signer
    limit: MinuteLimit
    book: FaultBook
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _accepted: int = 0  # requests between admission and end
    _held: int = 0  # bytes of bodies
    _free: asyncio.Condition = field(default_factory=asyncio.Condition)

    def authorise(self, headers: Headers) -> None:
        """Raises `RefusedError` (401) unless the key is the wanted one, or any where none is wanted."""
        key = bearer_key(headers)
        if not key or (self.settings.key is not None and not _same(key, self.settings.key)):
            raise RefusedError(UNAUTHORISED)

    async def accept(self, request: Request, dialect: Dialect, caller: Caller, notes: dict[str, object]) -> Job:
        """Read, check and start one request; `notes` is filled for the ledger as far as it gets.

        Raises `RefusedError`; `BodyTooLargeError`.
        """
        self.authorise(request.headers)
        length = int(request.headers.get("content-length") or _UNTOLD_LENGTH)
        async with self._room_for(min(length, _MAX_BODY)):
            body = await _read_body(request, length)
            notes["body"] = as_noted(body)
            order = read_order(body, dialect)
            notes |= _order_notes(order)
            del body
            fetched = await asyncio.to_thread(
                fetch_references, order.references, invent=not self.settings.time_out_references
            )
            references = await asyncio.to_thread(_open_all, order, fetched)
            count, addresses = len(order.references), addresses_of(order.references)
            order = replace(order, references=())
            del fetched
        _check_transparency(order, references)
        _check_layers(order, references)
        notes |= {
            "references": [reference.digest[:16] for reference in references],
            "reference_count": count,
        }
        faults = self.book.take(order.prompt, order.wire_id)
        notes["faults"] = [str(fault.kind) for fault in faults]
        _refuse_by_fault(faults, order, addresses, gateway=dialect.gateway)
        job = Job(
            request_id=caller.request_id,
            order=order,
            size=_size_of(order, references),
            references=references,
            faults=faults,
            gateway=dialect.gateway,
        )
        notes["pixels"] = f"{job.size[0]}x{job.size[1]}"
        return job

    async def pause(self, seconds: float) -> None:
        """As long as the service would work on something, scaled by the latency; less if the emulator stops."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self.stopping.wait(), seconds * self.settings.latency)

    async def start(self, job: Job, caller: Caller, notes: Mapping[str, object]) -> None:
        """Admit a job under the limits and let it run. Raises `RefusedError`."""
        inflight = self.settings.inflight
        if inflight is not None and self._accepted >= inflight:
            raise RefusedError(TOO_MANY_AT_ONCE)
        model, at = job.order.model.name, time.monotonic()
        reserved = RESERVED if job.order.layers else job.order.max_images
        if not self.limit.admit(caller.account, model, reserved, at):
            raise RefusedError(IMAGES_PER_MINUTE)
        self._accepted += 1

        def ended(done: Job) -> None:
            self._accepted -= 1
            self.limit.settle(caller.account, model, at=at, reserved=reserved, made=len(done.made))

        try:
            await asyncio.to_thread(self.ledger.begin, caller.request_id, notes)
        except BaseException:
            ended(job)
            raise
        self.workshop.start(job, ended)

    @asynccontextmanager
    async def _room_for(self, size: int) -> AsyncIterator[None]:
        """Bound what all bodies together hold in memory; one alone always passes."""
        async with self._free:
            await self._free.wait_for(lambda: not self._held or self._held + size <= _BODIES_AT_ONCE)
            self._held += size
        try:
            yield
        finally:
            async with self._free:
                self._held -= size
                self._free.notify_all()


def arrival_notes(request: Request, caller: Caller, prefix: str) -> dict[str, object]:
    """What the ledger knows of a request before it is read."""
    return {
        "at": datetime.fromtimestamp(caller.arrived, tz=UTC).isoformat(timespec="milliseconds"),
        "prefix": prefix,
        "key_hash": caller.account,
        "client_request_id": caller.client_trace,
        "user_agent": request.headers.get("user-agent", ""),
        "retry_count": request.headers.get("x-stainless-retry-count"),
    }


def _order_notes(order: Order) -> dict[str, object]:
    words = order.prompt.split()
    return {
        "wire_id": order.wire_id,
        "model": order.model.name,
        "prompt_sha256": sha256(order.prompt.encode()).hexdigest(),
        "prompt": " ".join(words[:_FIRST_WORDS]) + (" …" if len(words) > _FIRST_WORDS else ""),
        "size": order.tier or (f"{order.size[0]}x{order.size[1]}" if order.size else ""),
        "format": order.format,
        "watermark": order.watermark,
        "inline": order.inline,
        "stream": order.stream,
        "max_images": order.max_images,
        "layers": order.layers,
    }


async def _read_body(request: Request, length: int) -> Mapping[str, object]:
    if length > _MAX_BODY:
        raise BodyTooLargeError
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > _MAX_BODY:
            raise BodyTooLargeError
    try:
        body = json.loads(data) if len(data) <= _SMALL_BODY else await asyncio.to_thread(json.loads, data)
    except (ValueError, RecursionError):
        raise unreadable() from None
    if not isinstance(body, dict):
        raise unreadable()
    return body


def _open_all(order: Order, fetched: Mapping[str, bytes]) -> tuple[Reference, ...]:
    return tuple(open_reference(text, fetched, order.model) for text in order.references)


def _check_transparency(order: Order, references: tuple[Reference, ...]) -> None:
    if order.transparent and not references[0].transparent:
        reason = "transparent background requires a PNG input with at least one transparent pixel"
        raise invalid("image", reason, param="image", kind="BadRequest")


def _check_layers(order: Order, references: tuple[Reference, ...]) -> None:
    if order.layers and references[0].format not in ("JPEG", "PNG"):
        reason = "layer decomposition requires a PNG or JPEG input"
        raise invalid("image", reason, param="image", kind="BadRequest")


def _size_of(order: Order, references: tuple[Reference, ...]) -> Pixels:
    if order.layers and order.tier is not None:
        width, height = references[0].width, references[0].height
        return size_for_layers(order.tier, width, height, order.model.min_pixels, order.model.max_pixels)
    return final_size(order, [reference.ratio for reference in references])


def _refuse_by_fault(faults: tuple[Fault, ...], order: Order, addresses: tuple[str, ...], *, gateway: bool) -> None:
    """The faults that are plain refusals before anything is made."""
    for fault in faults:
        by_gateway = fault.dialect == "gateway" if fault.dialect else gateway
        if fault.kind in REFUSING and not fault.billed:
            refusal = REFUSING[fault.kind].about(spoken_name(order.wire_id, order.model))
            raise RefusedError(refusal, retry_after=fault.retry_after)
        if fault.kind is FaultKind.REFUSE:
            refusal = refusal_for(fault.code, fault.status, fault.message)
            raise RefusedError(refusal.about(order.wire_id), retry_after=fault.retry_after)
        if fault.kind is FaultKind.FETCH_TIMEOUT and addresses:
            raise fetch_timeout(addresses[0])
        if fault.kind is FaultKind.BALANCE:
            raise RefusedError(NO_BALANCE if by_gateway else OVERDUE)
        if fault.kind is FaultKind.MODERATE_INPUT:
            raise RefusedError(moderated("input text", gateway=by_gateway))
        if fault.kind is FaultKind.MODERATE_REFERENCE:
            raise RefusedError(moderated("input image", gateway=by_gateway))


def _same(given: str, wanted: str) -> bool:
    return secrets.compare_digest(given.encode(), wanted.encode())
