"""Buying what one request brings: intent on disk, then the request, then what `receive` does with the answer.

The order is the promise: claim and reservation are durable before a byte leaves, and what was sent and not answered
is never sent again by itself.
"""

import asyncio
import contextlib
import random
import secrets
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from seedpipe.build.claiming import Claims, NumberTaken, Turn, Waits
from seedpipe.build.limiter import Limiter
from seedpipe.build.order import (
    CAME_SHORT,
    OVERTAKEN,
    STOPPED,
    Bought,
    NotBought,
    Order,
    Sent,
    Wanted,
    refused,
)
from seedpipe.build.pace import Grant
from seedpipe.build.pacing import ending_of, leave_to_send
from seedpipe.build.receive import Arrived, Receiver
from seedpipe.build.report import Report
from seedpipe.build.retry import next_try
from seedpipe.errors import SeedpipeError, StateError
from seedpipe.events import RequestEnded, RequestSent
from seedpipe.names import Digest
from seedpipe.service.client import ServiceClient
from seedpipe.service.refusals import Refusal, Verdict
from seedpipe.state.caps import Cap
from seedpipe.state.journal import Journal
from seedpipe.state.requests import (
    AlreadyKept,
    Claimed,
    DayTurnedError,
    Overtaken,
    RequestState,
)
from seedpipe.state.take import Take


@dataclass(slots=True, kw_only=True)
class Buyer:
    """Buys takes for one account. What builds share goes through the journal and the limiter."""

    journal: Journal
    client: ServiceClient
    receiver: Receiver
    limiter: Callable[[str], Limiter]
    caps: Sequence[Cap]
    run: str
    profile: str | None
    report: Report
    slots: asyncio.Semaphore
    stopping: asyncio.Event
    in_flight: int = 0
    claims: Claims = field(init=False)
    _numbering: asyncio.Lock = field(default_factory=asyncio.Lock)
    _numbered: dict[Digest, int] = field(default_factory=dict)  # request key → the next free number

    def __post_init__(self) -> None:
        self.claims = Claims(
            journal=self.journal,
            receiver=self.receiver,
            caps=self.caps,
            run=self.run,
            profile=self.profile,
            report=self.report,
            stopping=self.stopping,
        )

    def stop(self, why: str) -> None:
        """Nothing new is sent; what is in flight is awaited and kept, because it is paid."""
        if not self.stopping.is_set():
            self.stopping.set()
            self.report.stopping(why, in_flight=self.in_flight)

    async def numbers(self, key: Digest, count: int) -> range:
        """Ordinals for `count` more takes of a request, behind every one that was bought, may have been or is under way.

        No two that ask get the same: frames that are drawn alone may ask for the very same, each for a picture of its own.
        """
        async with self._numbering:
            first = max(await asyncio.to_thread(self.journal.next_ordinal, key), self._numbered.get(key, 1))
            self._numbered[key] = first + count
        return range(first, first + count)

    async def buy(self, order: Order, arrived: Arrived | None = None) -> Bought:
        """What one request brought; `arrived` is told each picture as soon as it is kept.

        Raises nothing for what service or network do.
        """
        bought = await self._buy(order, arrived or _nobody)
        for missing in bought.missing.values():
            if missing.stop is not None:
                self.stop(missing.stop)
        return bought

    async def _buy(self, order: Order, arrived: Arrived) -> Bought:
        turn = self.claims.turn()
        try:
            return await self._buy_in_turn(order, arrived, turn)
        finally:
            turn.end()

    async def _buy_in_turn(self, order: Order, arrived: Arrived, turn: Turn) -> Bought:
        """Until it is bought or can't be; whoever waits for somebody else holds no slot."""
        tries, said = 0, False
        while True:
            async with self.slots:
                outcome = await self._try(order, arrived, turn)
            if isinstance(outcome, Waits):
                if not said:
                    self.claims.say_waiting(order.wanted, outcome.why)
                said = True
                stopped = await self.claims.wait(outcome, turn)
                if stopped is not None:
                    return Bought.nothing(order.wanted, stopped)
                continue
            if not isinstance(outcome, Refusal):
                return outcome
            tries += 1
            jitter = random.random()  # noqa: S311 - spreads retries, guards nothing
            again = next_try(outcome, tries, jitter=jitter, now=datetime.now(UTC))
            if again is None or self.stopping.is_set():
                return Bought.nothing(order.wanted, refused(outcome))
            if outcome.verdict in (Verdict.SLOW_DOWN, Verdict.NOT_BEFORE):
                await asyncio.to_thread(self.limiter(order.wanted.model).pause, again.seconds)
            self.claims.say_waiting(order.wanted, "backoff", again.seconds)
            await self._sleep(again.seconds)

    async def _try(self, order: Order, arrived: Arrived, turn: Turn) -> Bought | Refusal | Waits:
        """One request at most: a `Refusal` only if it was definite and free."""
        wanted = order.wanted
        if self.stopping.is_set():
            return Bought.nothing(wanted, STOPPED)
        try:
            body = await order.body()
        except SeedpipeError as error:
            missing = NotBought(outcome="failed", code="reference", message=error.message, hint=error.hint)
            return Bought.nothing(wanted, missing)
        client_request_id = secrets.token_hex(16)
        claimed = await self.claims.claim(order, body, client_request_id)
        if isinstance(claimed, Waits):
            return claimed
        if isinstance(claimed, NumberTaken):
            number = (await self.numbers(wanted.key, 1)).start
            return await self._try(replace(order, wanted=replace(wanted, ordinal=number)), arrived, turn)
        turn.end()
        if isinstance(claimed, NotBought):
            return Bought.nothing(wanted, claimed)
        if not isinstance(claimed, Claimed):
            return await self._brought(wanted, claimed, arrived)
        self.claims.under_way.add(claimed.id)
        try:
            try:
                grant = await self._may_send(order, claimed)
            except DayTurnedError:
                return await self._try(order, arrived, turn)  # the intent was released; today's caps are asked
            if grant is None:
                return Bought.nothing(wanted, STOPPED)
            sent = Sent(wanted=wanted, request=claimed.id, client_request_id=client_request_id, at=self.report.clock())
            return await self._to_its_end(sent, self._paced(order, grant, self._exchange(order, sent, body, arrived)))
        finally:
            self.claims.under_way.discard(claimed.id)

    # Before it is sent

    async def _brought(self, wanted: Wanted, found: AlreadyKept | Overtaken, arrived: Arrived) -> Bought:
        """Another request was quicker, or an index was lost: the index gets what it may not have yet."""
        gone = NotBought(
            outcome="failed", code=CAME_SHORT, message="the request that brought the others did not bring it"
        )
        if isinstance(found, Overtaken):
            takes, why = dict(found.takes), OVERTAKEN
        else:
            takes, why = {take.index: take for take in found.takes if take.index < len(wanted.pictures)}, gone
        await asyncio.to_thread(self.receiver.takes.record_all, takes.values())
        for place, take in takes.items():
            await arrived(place, take)
        missing = [place for place in range(len(wanted.pictures)) if place not in takes]
        return Bought(takes=takes, missing=dict.fromkeys(missing, why))

    async def _may_send(self, order: Order, claimed: Claimed) -> Grant | None:
        """Waits for the pace; then writes down that it is sent. None if the build is stopping: nothing was sent."""
        limiter, grant = self.limiter(order.wanted.model), None
        try:
            grant = await leave_to_send(
                limiter,
                len(order.wanted.pictures),
                stopping=self.stopping,
                on_wait=lambda: self.claims.say_waiting(order.wanted, "rate"),
            )
            if grant is not None:
                await _written(asyncio.to_thread(self.journal.sent, claimed.id))
            if grant is None or self.stopping.is_set():  # said while that was being written: not a byte has left
                await asyncio.to_thread(self.journal.released, claimed.id, "the build was stopped before it was sent")
                await self._not_sent(limiter, grant)
                return None
        except DayTurnedError:
            await self._not_sent(limiter, grant)
            raise
        except (asyncio.CancelledError, StateError):
            self._release_if_unsent(claimed.id)
            await self._not_sent(limiter, grant)
            raise
        return grant

    async def _not_sent(self, limiter: Limiter, grant: Grant | None) -> None:
        if grant is not None:
            with contextlib.suppress(StateError):  # what is going on already is worth more words
                await limiter.end(grant, refund=grant.weight)

    def _release_if_unsent(self, request: str) -> None:
        """Whatever is written down by now: not a byte has left."""
        if self.journal.request(request).state in (RequestState.INTENDED, RequestState.SENT):
            self.journal.released(request, "the build was aborted before it was sent")

    # On the wire

    async def _to_its_end(self, sent: Sent, paced: Coroutine[None, None, Bought | Refusal]) -> Bought | Refusal:
        """The exchange, its refusal written down, and its end said: also of one that was aborted."""
        try:
            outcome = await paced
            if isinstance(outcome, Refusal):
                outcome = await self._refused(sent, outcome)
            ended = await asyncio.to_thread(self._ended, sent)
        except BaseException:
            for event in self._ended(sent):
                self.report.emit(event)
            raise
        for event in ended:
            self.report.emit(event)
        return outcome

    async def _paced(
        self, order: Order, grant: Grant, exchange: Coroutine[None, None, Bought | Refusal]
    ) -> Bought | Refusal:
        """The exchange, and then the pace hears how it ended."""
        outcome = None
        try:
            outcome = await exchange
        finally:
            ending = ending_of(outcome, grant)
            try:
                await self.limiter(order.wanted.model).end(grant, refund=ending.refund, throttled=ending.throttled)
            except StateError as error:  # the answer is worth more than the pace; the next request says it again
                self.report.notice(order.wanted.address, error.message)
        return outcome

    async def _exchange(self, order: Order, sent: Sent, body: bytes, arrived: Arrived) -> Bought | Refusal:
        """The request goes out; each picture is kept as it comes."""
        self.report.emit(
            RequestSent(
                at=sent.at,
                address=sent.wanted.address,
                take=sent.wanted.ordinal,
                client_request_id=sent.client_request_id,
                request=sent.request,
                pictures=len(sent.wanted.pictures),
                reserved=sent.wanted.worst,
                look=sent.wanted.look,
            )
        )
        self.in_flight += 1
        leaving = asyncio.Event()
        try:
            answer = self.client.generate_frames(
                body,
                frames=len(sent.wanted.pictures),
                timeout=order.timeout,
                silence=order.silence,
                client_request_id=sent.client_request_id,
                leaving=leaving.set,
            )
            return await self.receiver.receive(sent, answer, arrived)
        except asyncio.CancelledError:
            if leaving.is_set():
                self._unknown_if_silent(sent, "the build was aborted while the answer was awaited")
            else:
                self._release_if_unsent(sent.request)
            raise
        except Exception as error:
            # Whatever broke here, the request may have been billed: say so before anything else happens.
            self._unknown_if_silent(sent, f"{type(error).__name__} while the answer was awaited")
            raise
        finally:
            self.in_flight -= 1

    def _unknown_if_silent(self, sent: Sent, why: str) -> None:
        """What was located already is left for the next build, which fetches it for nothing and then concludes."""
        if self.journal.request(sent.request).state is RequestState.SENT:
            self.journal.unknown(sent.request, why)

    async def _refused(self, sent: Sent, refusal: Refusal) -> Refusal | Bought:
        if refusal.verdict is Verdict.UNKNOWN:
            await asyncio.to_thread(self.journal.unknown, sent.request, refusal.message, request_id=refusal.request_id)
            return Bought.nothing(sent.wanted, refused(refusal, sent))
        await asyncio.to_thread(self.receiver.refused, sent, refusal)
        return refusal

    def _ended(self, sent: Sent) -> tuple[RequestEnded, ...]:
        """What is written down of it: also of one that is sent again, or that is left for the next build.

        Nothing, if the journal can't be read now: what was bought is worth more than a line about it.
        """
        try:
            told = self.journal.request(sent.request)
            refusal = self.journal.refusal_of(sent.request) if told.state is RequestState.REFUSED else None
        except StateError:
            return ()
        ended = RequestEnded(
            at=self.report.clock(),
            address=sent.wanted.address,
            request=told.id,
            client_request_id=told.client_request_id,
            request_id=told.request_id,
            outcome=told.state.value,
            charge=told.charge,
            code=None if refusal is None else refusal.code,
            message=told.why if refusal is None else refusal.message,
            look=sent.wanted.look,
            seconds=self.report.clock() - sent.at,
        )
        return (ended,)

    async def _sleep(self, seconds: float) -> None:
        """Until `seconds` are over or the build is stopping."""
        try:
            await asyncio.wait_for(self.stopping.wait(), timeout=seconds)
        except TimeoutError:
            return


async def _written(writing: Coroutine[None, None, None]) -> None:
    """An abort waits until it is known what is written down; then it goes on."""
    task = asyncio.ensure_future(writing)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        while not task.done():
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait({task})
        raise


async def _nobody(place: int, take: Take) -> None:
    """Nobody waits for single pictures."""
