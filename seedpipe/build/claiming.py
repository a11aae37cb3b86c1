"""Claiming what an order is for, and waiting where that helps: for another process, or for a cap to have room.

Who waits holds no slot and no bytes, and only reads: the claim is tried again when nothing stands in its way any more.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from seedpipe.build.order import STOPPED, NotBought, Order, Wanted, capped, still_to_fetch, uncertain
from seedpipe.build.receive import Receiver
from seedpipe.build.report import Report
from seedpipe.events import NodeWaiting
from seedpipe.names import Digest
from seedpipe.state.caps import Cap, CapReached
from seedpipe.state.claims import Outcome
from seedpipe.state.journal import Journal
from seedpipe.state.requests import AlreadyKept, Claimed, ClaimedElsewhere, FrameOf, HeldUnknown, Intent, Overtaken

POLL_SECONDS: Final = 0.25  # between looks at what stands in the way


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """It can't be claimed now and may be later. `why` is as in `events.NodeWaiting`."""

    intent: Intent
    why: str


@dataclass(frozen=True, slots=True)
class NumberTaken:
    """Somebody else asked for one more take at the same moment, and was the first to take this number."""


@dataclass(slots=True)
class Turn:
    """The place of one order among those that wait for a cap: they are served one after another."""

    line: asyncio.Lock
    held: bool = False

    async def begin(self) -> None:
        """Returns when it is this order's turn."""
        if not self.held:
            await self.line.acquire()
            self.held = True

    def end(self) -> None:
        """The next one's turn."""
        if self.held:
            self.held = False
            self.line.release()


@dataclass(slots=True, kw_only=True)
class Claims:
    """What one build claims in the journal, under `caps`."""

    journal: Journal
    receiver: Receiver
    caps: Sequence[Cap]
    run: str
    profile: str | None
    report: Report
    stopping: asyncio.Event
    under_way: set[str] = field(default_factory=set)  # ids of requests that this build is at work on
    _line: asyncio.Lock = field(default_factory=asyncio.Lock)
    _inheriting: asyncio.Lock = field(default_factory=asyncio.Lock)

    def turn(self) -> Turn:
        """For one order; it has to be ended."""
        return Turn(self._line)

    async def claim(
        self, order: Order, body: bytes, client_request_id: str
    ) -> Claimed | AlreadyKept | Overtaken | NotBought | Waits | NumberTaken:
        """Claims and reserves, or says why not, and whether waiting is any help."""
        intent = self._intent(order, body, client_request_id)
        outcome = await asyncio.to_thread(self.journal.intend, intent, self.caps)
        if order.anew and isinstance(outcome, ClaimedElsewhere | AlreadyKept):
            return NumberTaken()
        why = await self._worth_waiting(outcome)
        if why is not None:
            return Waits(intent=intent, why=why)
        match outcome:
            case HeldUnknown(request=request):
                return uncertain(
                    "charge-uncertain",
                    f"it was sent before, and whether it was charged is not known ({request.why})",
                    request_id=request.request_id,
                    client_request_id=request.client_request_id,
                )
            case ClaimedElsewhere(request=request):
                return still_to_fetch(request)
            case CapReached():
                return capped(outcome, order.wanted)
            case _:
                return outcome

    async def wait(self, waits: Waits, turn: Turn) -> NotBought | None:
        """Until nothing stands in the way any more, or waiting is no help; `STOPPED` if the build is stopping."""
        if waits.why == "cap":
            await turn.begin()
        else:
            turn.end()
        while not self.stopping.is_set():
            outcome = await asyncio.to_thread(self.journal.obstacle, waits.intent, self.caps)
            if outcome is None or await self._worth_waiting(outcome) != waits.why:
                return None
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.stopping.wait(), timeout=POLL_SECONDS)
        return STOPPED

    def say_waiting(self, wanted: Wanted, why: str, seconds: float | None = None) -> None:
        now = self.report.clock()
        self.report.emit(NodeWaiting(at=now, address=wanted.address, why=why, seconds=seconds, look=wanted.look))

    async def _worth_waiting(self, outcome: Outcome) -> str | None:
        """What for, if something that is under way may take the obstacle away."""
        match outcome:
            case ClaimedElsewhere() if not await self._nobody_fetches(outcome):
                return "elsewhere"
            case CapReached(would_fit_after_settling=True) if await self._may_settle(outcome):
                return "cap"
            case _:
                return None

    async def _nobody_fetches(self, found: ClaimedElsewhere) -> bool:
        """Whether the claim is ours and nothing is done about it: its picture was located, and fetching it failed.

        What a dead process left is fetched here and now; what is under way is worth waiting for.
        """
        if found.alive and (not found.mine or found.request.id in self.under_way):
            return False
        if found.mine and not self._inheriting.locked():
            return True
        await self._inherit()
        return False

    async def _inherit(self) -> None:
        """Closes what dead processes left open, and fetches what can be had for nothing."""
        async with self._inheriting:
            left = await asyncio.to_thread(self.journal.recover)
            await asyncio.to_thread(self.receiver.takes.record_all, left.takes)
            for waiting in left.to_fetch:
                await self.receiver.fetch_again(waiting)

    async def _may_settle(self, reached: CapReached) -> bool:
        """Whether something is under way that may free a part of its reservation. Only then is waiting any help."""
        await self._inherit()
        ours = await asyncio.to_thread(lambda: self.journal.owner)
        active = [one for one in await asyncio.to_thread(self.journal.open_requests) if one.state.is_active]
        moving = any(request.owner != ours or request.id in self.under_way for request in active)
        return moving or bool(reached.open_elsewhere) or len(active) == 0

    def _intent(self, order: Order, body: bytes, client_request_id: str) -> Intent:
        wanted = order.wanted
        return Intent(
            run=self.run,
            request_key=wanted.key,
            ordinal=wanted.ordinal,
            address=wanted.address,
            model=wanted.model,
            provider=self.receiver.provider,
            images=len(wanted.pictures),
            price=wanted.price,
            reserved=wanted.worst,
            client_request_id=client_request_id,
            document=wanted.document,
            body_digest=Digest.of(body),
            timeout_seconds=int(order.timeout),
            profile=self.profile,
            tags=order.tags,
            frames=_frames(wanted),
            despite_unknown=order.despite_unknown,
            anew=order.anew,
        )


def _frames(wanted: Wanted) -> tuple[FrameOf, ...]:
    """A plain image is wanted under its request key, which needs no saying."""
    if len(wanted.pictures) == 1 and wanted.pictures[0].want == wanted.key:
        return ()
    return tuple(FrameOf(address=picture.address, want=picture.want) for picture in wanted.pictures)
