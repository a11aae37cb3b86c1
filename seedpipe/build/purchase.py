"""Buying one take: intent on disk, then the request, then each picture on disk as it arrives, then the charge settled.

The order is the promise: claim and reservation are durable before a byte leaves; bytes are kept before they are
recorded; what was sent and not answered is never sent again by itself.
"""

import asyncio
import random
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from seedpipe.build.limiter import ImagesPerMinute
from seedpipe.build.retry import next_try
from seedpipe.errors import SeedpipeError
from seedpipe.events import Event, NodeWaiting, Notice, RequestSent, TakeKept
from seedpipe.images.probe import PictureInfo, probe_picture
from seedpipe.money import Money
from seedpipe.names import Digest
from seedpipe.service.client import ServiceClient
from seedpipe.service.download import DownloadFailedError
from seedpipe.service.refusals import Refusal, Verdict
from seedpipe.service.reply import ItemFault, PictureAt, PictureBytes, Reply
from seedpipe.state.caps import Cap, CapReached
from seedpipe.state.journal import Journal
from seedpipe.state.requests import (
    AlreadyKept,
    Claimed,
    ClaimedElsewhere,
    DayTurnedError,
    HeldUnknown,
    Intent,
    Located,
    Picture,
    RequestState,
    ToFetch,
)
from seedpipe.state.store import Store
from seedpipe.state.take import Take
from seedpipe.state.takes import Takes

POLL_SECONDS = 0.25  # between looks at a claim of another process, or at reservations that may settle
RETRY_UNKNOWN_HINT = "`seedpipe build --retry-unknown` sends it again, and may pay twice"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One take to buy. `body` makes the request's bytes when they are needed, so that they aren't all in memory."""

    address: str
    ordinal: int
    key: Digest
    document: str
    model: str
    size: str
    price: Money
    timeout: float
    tags: tuple[str, ...]
    despite_unknown: bool
    body: Callable[[], Awaitable[bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class NotBought:
    """`outcome` as in `events.NodeFailed`, or `stopped`; `stop` says why nothing else should start either."""

    outcome: str
    code: str
    message: str
    request_id: str | None = None
    hint: str | None = None
    stop: str | None = None
    uncertain: Money | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A request on its way: its id in the journal, our id on the wire, and when it left (build clock)."""

    request: str
    client_request_id: str
    at: float


STOPPED = NotBought(outcome="stopped", code="stopped", message="the build was stopped before it was sent")


@dataclass(slots=True, kw_only=True)
class Buyer:
    """Buys takes for one account. What builds share goes through the journal and the limiter."""

    journal: Journal
    store: Store
    takes: Takes
    client: ServiceClient
    limiter: Callable[[str], ImagesPerMinute]
    provider: str
    caps: Sequence[Cap]
    run: str
    profile: str | None
    emit: Callable[[Event], None]
    clock: Callable[[], float]
    api_is_loopback: bool
    slots: asyncio.Semaphore
    stopping: asyncio.Event
    in_flight: int = 0

    async def buy(self, order: Order) -> Sequence[Take] | NotBought:
        """The takes that one request brought (usually one). Raises nothing for what service or network do."""
        tries = 0
        while True:
            async with self.slots:
                outcome = await self._try(order)
            if not isinstance(outcome, Refusal):
                return outcome
            tries += 1
            again = next_try(outcome, tries, jitter=random.random())  # noqa: S311 - spreads retries, guards nothing
            if again is None or self.stopping.is_set():
                return _not_bought(outcome, order)
            if outcome.verdict is Verdict.SLOW_DOWN:
                await asyncio.to_thread(self.limiter(order.model).pause, again.seconds)
            self.emit(NodeWaiting(at=self.clock(), address=order.address, why="backoff", seconds=again.seconds))
            await self._sleep(again.seconds)

    async def _try(self, order: Order) -> Sequence[Take] | NotBought | Refusal:
        """One request at most: a `Refusal` only if it was definite and free."""
        if self.stopping.is_set():
            return STOPPED
        try:
            body = await order.body()
        except SeedpipeError as error:
            return NotBought(outcome="failed", code="reference", message=error.message, hint=error.hint)
        client_request_id = secrets.token_hex(16)
        claimed = await self._claim(order, body, client_request_id)
        if not isinstance(claimed, Claimed):
            return claimed
        if not await self._may_send(order, claimed):
            return STOPPED
        sent = Sent(request=claimed.id, client_request_id=client_request_id, at=self.clock())
        answer = await self._send(order, sent, body)
        if isinstance(answer, Refusal):
            return await self._refused(order, sent, answer)
        return await self._receive(order, sent, answer)

    async def _claim(self, order: Order, body: bytes, client_request_id: str) -> Claimed | Sequence[Take] | NotBought:
        intent = Intent(
            run=self.run,
            request_key=order.key,
            ordinal=order.ordinal,
            address=order.address,
            model=order.model,
            provider=self.provider,
            images=1,
            price=order.price,
            reserved=order.price,
            client_request_id=client_request_id,
            document=order.document,
            body_digest=Digest.of(body),
            timeout_seconds=int(order.timeout),
            profile=self.profile,
            tags=order.tags,
            despite_unknown=order.despite_unknown,
        )
        said = False
        while True:
            outcome = await asyncio.to_thread(self.journal.intend, intent, self.caps)
            match outcome:
                case Claimed():
                    return outcome
                case AlreadyKept(takes=takes):
                    return takes
                case HeldUnknown(request=request):
                    return NotBought(
                        outcome="unknown",
                        code="charge-uncertain",
                        message=f"it was sent before, and whether it was charged is not known ({request.why})",
                        hint=RETRY_UNKNOWN_HINT,
                        uncertain=request.reserved,
                    )
                case ClaimedElsewhere():
                    if not outcome.alive:
                        await asyncio.to_thread(self.journal.recover)
                    why = "elsewhere"
                case CapReached():
                    if not outcome.would_fit_after_settling:
                        return _capped(outcome, order)
                    why = "cap"
            if not said:
                self.emit(NodeWaiting(at=self.clock(), address=order.address, why=why))
                said = True
            if self.stopping.is_set():
                return STOPPED
            await self._sleep(POLL_SECONDS)

    async def _may_send(self, order: Order, claimed: Claimed) -> bool:
        """Waits for the rate; then writes down that it is sent. False if the build is stopping: nothing was sent."""
        limiter = self.limiter(order.model)
        try:
            waited = asyncio.ensure_future(limiter.acquire(1))
            stopped = asyncio.ensure_future(self.stopping.wait())
            done, _ = await asyncio.wait({waited, stopped}, timeout=0.05, return_when=asyncio.FIRST_COMPLETED)
            if not done:
                self.emit(NodeWaiting(at=self.clock(), address=order.address, why="rate"))
                done, _ = await asyncio.wait({waited, stopped}, return_when=asyncio.FIRST_COMPLETED)
            stopped.cancel()
            if waited not in done or self.stopping.is_set():
                waited.cancel()
                await asyncio.to_thread(self.journal.released, claimed.id, "the build was stopped before it was sent")
                return False
            await waited
            await asyncio.to_thread(self.journal.sent, claimed.id)
        except DayTurnedError:
            return False  # the intent was released; the next build asks the caps of the new day
        except asyncio.CancelledError:
            self._release_if_unsent(claimed)
            raise
        return True

    def _release_if_unsent(self, claimed: Claimed) -> None:
        if self.journal.request(claimed.id).state is RequestState.INTENDED:
            self.journal.released(claimed.id, "the build was aborted before it was sent")

    async def _send(self, order: Order, sent: Sent, body: bytes) -> Reply | Refusal:
        self.emit(
            RequestSent(at=sent.at, address=order.address, take=order.ordinal, client_request_id=sent.client_request_id)
        )
        self.in_flight += 1
        try:
            return await self.client.generate(body, timeout=order.timeout, client_request_id=sent.client_request_id)
        except asyncio.CancelledError:
            self.journal.unknown(sent.request, "the build was aborted while the answer was awaited")
            raise
        except Exception as error:
            # Whatever broke here, the request may have been billed: say so before anything else happens.
            self.journal.unknown(sent.request, f"{type(error).__name__} while the answer was awaited")
            raise
        finally:
            self.in_flight -= 1

    async def _refused(self, order: Order, sent: Sent, refusal: Refusal) -> Refusal | NotBought:
        if refusal.verdict is Verdict.UNKNOWN:
            await asyncio.to_thread(self.journal.unknown, sent.request, refusal.message, request_id=refusal.request_id)
            return _not_bought(refusal, order)
        await asyncio.to_thread(
            self.journal.refused,
            sent.request,
            code=refusal.code,
            message=refusal.message,
            verdict=refusal.verdict.value,
            request_id=refusal.request_id,
        )
        return refusal

    # The answer

    async def _receive(self, order: Order, sent: Sent, reply: Reply) -> Sequence[Take] | NotBought:
        """Write down where the pictures are, in one commit; then keep each; then settle."""
        # Shielded: an abort must not cut what is being kept; what stays located is fetched again for nothing.
        return await asyncio.shield(self._keep_all(order, sent, reply))

    async def _keep_all(self, order: Order, sent: Sent, reply: Reply) -> Sequence[Take] | NotBought:
        request = sent.request
        if not any(isinstance(item, PictureAt | PictureBytes) for item in reply.items):
            return await self._nothing_came(order, sent, reply)
        located = [
            Located(index=index, url=item.url, size=None if item.size is None else f"{item.size[0]}x{item.size[1]}")
            for index, item in enumerate(reply.items)
            if isinstance(item, PictureAt)
        ]
        await asyncio.to_thread(
            self.journal.located_all,
            request,
            located,
            complete=True,
            total=len(reply.items),
            request_id=reply.request_id,
        )
        takes: list[Take] = []
        for index, item in enumerate(reply.items):
            if isinstance(item, ItemFault):
                await asyncio.to_thread(self.journal.item_refused, request, index, code=item.code, message=item.message)
                continue
            try:
                takes.append(await self._keep(order, sent, index, item, reply.request_id))
            except SeedpipeError as error:
                return await self._not_kept(order, request, error, takes)
        concluded = await asyncio.to_thread(self.journal.conclude, request)
        if concluded.state is RequestState.UNKNOWN:
            self.emit(
                Notice(at=self.clock(), address=order.address, message=concluded.why or "its charge is uncertain")
            )
        return takes

    async def _keep(
        self, order: Order, sent: Sent, index: int, item: PictureAt | PictureBytes, request_id: str | None
    ) -> Take:
        """Bytes first, then the record. Raises `SeedpipeError` for what can't be fetched or is no picture."""
        digest, info = await self._bytes_of(item)
        picture = Picture(
            digest=digest, format=info.format, width=info.width, height=info.height, bytes=info.bytes, cost=order.price
        )
        await asyncio.to_thread(self.journal.kept, sent.request, index, picture, request_id=request_id)
        take = Take(
            digest=digest,
            request_key=order.key,
            address=order.address,
            format=info.format,
            width=info.width,
            height=info.height,
            bytes=info.bytes,
            model=order.model,
            provider=self.provider,
            request_id=request_id,
            client_request_id=sent.client_request_id,
            cost=order.price,
            received_at=datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            ordinal=order.ordinal,
            index=index,
        )
        await asyncio.to_thread(self._index, take, order.document)
        self._say_size(order, item, info)
        self.emit(
            TakeKept(
                at=self.clock(),
                address=order.address,
                digest=digest,
                width=info.width,
                height=info.height,
                cost=order.price,
                request_id=request_id,
                seconds=self.clock() - sent.at,
            )
        )
        return take

    async def _bytes_of(self, item: PictureAt | PictureBytes) -> tuple[Digest, PictureInfo]:
        temporary = self.store.temporary()
        if isinstance(item, PictureAt):
            fetched = await self.client.download(item.url, temporary, api_is_loopback=self.api_is_loopback)
            digest = fetched.digest
        else:
            data = await asyncio.to_thread(item.decode)
            await asyncio.to_thread(temporary.write_bytes, data)
            digest = Digest.of(data)
        info = await asyncio.to_thread(_probe, temporary)
        await asyncio.to_thread(self.store.keep_file, temporary, digest)
        return digest, info

    def _index(self, take: Take, document: str) -> None:
        self.takes.record(take)
        self.takes.record_document(take.request_key, document)

    async def _not_kept(
        self, order: Order, request: str, error: SeedpipeError, takes: list[Take]
    ) -> Sequence[Take] | NotBought:
        """It was paid for and didn't arrive. A URL that lives is left for the next build; else it is held."""
        if takes:
            return takes
        message = f"it was made and charged, but could not be kept: {error.message}"
        if isinstance(error, DownloadFailedError):
            hint = "`seedpipe build` again: it is fetched for nothing while its address lives (24 h)"
        else:
            await asyncio.to_thread(self.journal.unknown, request, error.message)
            hint = RETRY_UNKNOWN_HINT
        return NotBought(outcome="unknown", code="not-kept", message=message, hint=hint, uncertain=order.price)

    async def _nothing_came(self, order: Order, sent: Sent, reply: Reply) -> NotBought:
        """An answer without pictures: refused item by item, or an answer that says nothing at all."""
        request = sent.request
        fault = next((item for item in reply.items if isinstance(item, ItemFault)), None)
        if fault is None or fault.verdict is Verdict.UNKNOWN:
            message = fault.message if fault else "the answer holds neither a picture nor an error"
            await asyncio.to_thread(self.journal.unknown, request, message, request_id=reply.request_id)
            return NotBought(
                outcome="unknown",
                code=fault.code if fault else "empty-answer",
                message=message,
                request_id=reply.request_id,
                hint=RETRY_UNKNOWN_HINT,
                uncertain=order.price,
            )
        refusal = Refusal(
            verdict=fault.verdict,
            http_status=200,
            code=fault.code,
            message=fault.message,
            request_id=reply.request_id,
        )
        await self._refused(order, sent, refusal)
        return _not_bought(refusal, order)

    def _say_size(self, order: Order, item: PictureAt | PictureBytes, info: PictureInfo) -> None:
        """What was decoded is the truth; that it isn't what was asked is worth a line."""
        came = f"{info.width}x{info.height}"
        if "x" in order.size and came != order.size:
            message = f"{order.size} was asked for and {came} came; the picture is kept as it is"
        elif item.size is not None and item.size != (info.width, info.height):
            message = f"the service says {item.size[0]}x{item.size[1]}, the picture has {came}"
        else:
            return
        self.emit(Notice(at=self.clock(), address=order.address, message=message))

    # What a dead build left behind

    async def fetch_again(self, waiting: ToFetch, key: Digest) -> Sequence[Take]:
        """Paid pictures whose addresses a dead build wrote down: fetched for nothing. Empty if they are gone."""
        request = waiting.request
        order = Order(
            address=request.address,
            ordinal=request.ordinal,
            key=key,
            document=request.document,
            model=request.model,
            size="",
            price=request.price,
            timeout=0.0,
            tags=request.tags,
            despite_unknown=False,
            body=_no_body,
        )
        sent = Sent(request=request.id, client_request_id=request.client_request_id, at=self.clock())
        takes = []
        for item in waiting.located:
            try:
                takes.append(await self._keep(order, sent, item.index, PictureAt(url=item.url), request.request_id))
            except SeedpipeError as error:
                if not isinstance(error, DownloadFailedError):
                    why = f"it was made, but its address is gone: {error.message}"
                    await asyncio.to_thread(self.journal.unknown, request.id, why)
                return takes
        await asyncio.to_thread(self.journal.conclude, request.id)
        return takes

    async def _sleep(self, seconds: float) -> None:
        """Until `seconds` are over or the build is stopping."""
        try:
            await asyncio.wait_for(self.stopping.wait(), timeout=seconds)
        except TimeoutError:
            return


async def _no_body() -> bytes:
    raise RuntimeError("what is fetched again is never sent")


def _probe(path: Path) -> PictureInfo:
    try:
        return probe_picture(path, name="the picture")
    except OSError as error:
        raise SeedpipeError(f"the picture can't be read: {error.strerror}") from error


def _not_bought(refusal: Refusal, order: Order) -> NotBought:
    outcomes = {Verdict.UNKNOWN: "unknown", Verdict.BLOCKED: "blocked"}
    stop = None
    if refusal.verdict in (Verdict.STOP, Verdict.NOT_BEFORE):
        stop = refusal.message
    hint = refusal.hint
    if hint is None and refusal.verdict is Verdict.UNKNOWN:
        hint = RETRY_UNKNOWN_HINT
    if hint is None and refusal.verdict is Verdict.BLOCKED:
        hint = "change the words or the references; `--retry-blocked` sends it again as it is"
    return NotBought(
        outcome=outcomes.get(refusal.verdict, "failed"),
        code=refusal.code or str(refusal.http_status or "no-answer"),
        message=refusal.message,
        request_id=refusal.request_id,
        hint=hint,
        stop=stop,
        uncertain=order.price if refusal.verdict is Verdict.UNKNOWN else None,
    )


def _capped(reached: CapReached, order: Order) -> NotBought:
    cap = reached.cap
    kind = cap.kind.value.replace("_", " ")
    used = reached.used + reached.open_reservations + reached.uncertain
    held = f", {reached.uncertain} of it uncertain" if reached.uncertain else ""
    return NotBought(
        outcome="capped",
        code="cap",
        message=f"{order.price} more would pass the cap {kind} of {cap.limit} ({cap.source}); {used} used{held}",
        hint="raise the cap where it was set, or wait until its period is over",
    )
