"""Buying one take: intent on disk, then the request, then what `receive` does with the answer.

The order is the promise: claim and reservation are durable before a byte leaves, and what was sent and not answered
is never sent again by itself.
"""

import asyncio
import random
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from seedpipe.build.limiter import ImagesPerMinute
from seedpipe.build.order import RETRY_UNKNOWN_HINT, STOPPED, NotBought, Order, Sent, capped, refused
from seedpipe.build.receive import Receiver
from seedpipe.build.report import Report
from seedpipe.build.retry import next_try
from seedpipe.errors import SeedpipeError
from seedpipe.events import NodeWaiting, RequestSent
from seedpipe.names import Digest
from seedpipe.service.client import ServiceClient
from seedpipe.service.refusals import Refusal, Verdict
from seedpipe.service.reply import Reply
from seedpipe.state.caps import Cap, CapReached
from seedpipe.state.journal import Journal
from seedpipe.state.requests import (
    AlreadyKept,
    Claimed,
    ClaimedElsewhere,
    DayTurnedError,
    HeldUnknown,
    Intent,
    RequestState,
)
from seedpipe.state.take import Take

POLL_SECONDS = 0.25  # between looks at a claim of another process, or at reservations that may settle


@dataclass(slots=True, kw_only=True)
class Buyer:
    """Buys takes for one account. What builds share goes through the journal and the limiter."""

    journal: Journal
    client: ServiceClient
    receiver: Receiver
    limiter: Callable[[str], ImagesPerMinute]
    caps: Sequence[Cap]
    run: str
    profile: str | None
    report: Report
    slots: asyncio.Semaphore
    stopping: asyncio.Event
    in_flight: int = 0

    def stop(self, why: str) -> None:
        """Nothing new is sent; what is in flight is awaited and kept, because it is paid."""
        if not self.stopping.is_set():
            self.stopping.set()
            self.report.stopping(why, in_flight=self.in_flight)

    async def buy(self, order: Order) -> Sequence[Take] | NotBought:
        """The takes that one request brought (usually one). Raises nothing for what service or network do."""
        outcome = await self._buy(order)
        if isinstance(outcome, NotBought) and outcome.stop is not None:
            self.stop(outcome.stop)
        return outcome

    async def _buy(self, order: Order) -> Sequence[Take] | NotBought:
        tries = 0
        while True:
            async with self.slots:
                outcome = await self._try(order)
            if not isinstance(outcome, Refusal):
                return outcome
            tries += 1
            again = next_try(outcome, tries, jitter=random.random())  # noqa: S311 - spreads retries, guards nothing
            if again is None or self.stopping.is_set():
                return refused(outcome)
            if outcome.verdict is Verdict.SLOW_DOWN:
                await asyncio.to_thread(self.limiter(order.wanted.model).pause, again.seconds)
            self._say_waiting(order, "backoff", again.seconds)
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
        sent = Sent(
            wanted=order.wanted, request=claimed.id, client_request_id=client_request_id, at=self.report.clock()
        )
        answer = await self._send(order, sent, body)
        if isinstance(answer, Refusal):
            return await self._refused(sent, answer)
        return await self.receiver.receive(sent, answer)

    # Before it is sent

    async def _claim(self, order: Order, body: bytes, client_request_id: str) -> Claimed | Sequence[Take] | NotBought:
        intent = self._intent(order, body, client_request_id)
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
                    )
                case ClaimedElsewhere():
                    if not outcome.alive:
                        await asyncio.to_thread(self.journal.recover)
                    why = "elsewhere"
                case CapReached():
                    if not outcome.would_fit_after_settling:
                        return capped(outcome, order.wanted)
                    why = "cap"
            if not said:
                self._say_waiting(order, why)
                said = True
            if self.stopping.is_set():
                return STOPPED
            await self._sleep(POLL_SECONDS)

    def _intent(self, order: Order, body: bytes, client_request_id: str) -> Intent:
        wanted = order.wanted
        return Intent(
            run=self.run,
            request_key=wanted.key,
            ordinal=wanted.ordinal,
            address=wanted.address,
            model=wanted.model,
            provider=self.receiver.provider,
            images=1,
            price=wanted.price,
            reserved=wanted.price,
            client_request_id=client_request_id,
            document=wanted.document,
            body_digest=Digest.of(body),
            timeout_seconds=int(order.timeout),
            profile=self.profile,
            tags=order.tags,
            despite_unknown=order.despite_unknown,
        )

    async def _may_send(self, order: Order, claimed: Claimed) -> bool:
        """Waits for the rate; then writes down that it is sent. False if the build is stopping: nothing was sent."""
        limiter = self.limiter(order.wanted.model)
        try:
            waited = asyncio.ensure_future(limiter.acquire(1))
            stopped = asyncio.ensure_future(self.stopping.wait())
            done, _ = await asyncio.wait({waited, stopped}, timeout=0.05, return_when=asyncio.FIRST_COMPLETED)
            if not done:
                self._say_waiting(order, "rate")
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

    # On the wire

    async def _send(self, order: Order, sent: Sent, body: bytes) -> Reply | Refusal:
        self.report.emit(
            RequestSent(
                at=sent.at,
                address=sent.wanted.address,
                take=sent.wanted.ordinal,
                client_request_id=sent.client_request_id,
            )
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

    async def _refused(self, sent: Sent, refusal: Refusal) -> Refusal | NotBought:
        if refusal.verdict is Verdict.UNKNOWN:
            await asyncio.to_thread(self.journal.unknown, sent.request, refusal.message, request_id=refusal.request_id)
            return refused(refusal)
        await asyncio.to_thread(self.receiver.refused, sent, refusal)
        return refusal

    def _say_waiting(self, order: Order, why: str, seconds: float | None = None) -> None:
        self.report.emit(NodeWaiting(at=self.report.clock(), address=order.wanted.address, why=why, seconds=seconds))

    async def _sleep(self, seconds: float) -> None:
        """Until `seconds` are over or the build is stopping."""
        try:
            await asyncio.wait_for(self.stopping.wait(), timeout=seconds)
        except TimeoutError:
            return
