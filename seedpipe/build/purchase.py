"""Buying one take: intent on disk, then the request, then each picture on disk as it arrives, then the account settled.

The order is the promise: claim and reservation are durable before a byte leaves; bytes are kept before they are
recorded; what was sent and not answered is never sent again by itself.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from seedpipe.build.limiter import ImagesPerMinute
from seedpipe.build.retry import next_try
from seedpipe.events import Event, NodeWaiting, Notice, RequestSent, TakeKept
from seedpipe.images.probe import NotAPictureError, PictureInfo, probe_picture
from seedpipe.money import Money
from seedpipe.names import Digest
from seedpipe.service.client import ServiceClient
from seedpipe.service.refusals import Refusal, Verdict, classify_item
from seedpipe.service.reply import ItemFault, PictureAt, PictureBytes, Reply
from seedpipe.state.caps import Cap
from seedpipe.state.journal import CapReached, ClaimedElsewhere, Intent, Journal
from seedpipe.state.store import Store
from seedpipe.state.take import Take
from seedpipe.state.takes import Takes

POLL_SECONDS = 0.5  # between looks at a claim of another process, or at reservations that may settle


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One take to buy. `body` makes the request's bytes when they are needed, so that they are not all in memory."""

    address: str
    ordinal: int
    key: Digest
    document: str
    model: str
    size: str
    price: Money
    timeout: float
    body: Callable[[], Awaitable[bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class NotBought:
    """`outcome` as in `events.NodeFailed`; `stop` if nothing else should start either."""

    outcome: str
    code: str
    message: str
    request_id: str | None = None
    hint: str | None = None
    stop: bool = False


class Buyer:
    """Buys takes for one account. Everything that is shared between builds goes through the journal."""

    def __init__(
        self,
        *,
        journal: Journal,
        store: Store,
        takes: Takes,
        client: ServiceClient,
        limiter: Callable[[str], ImagesPerMinute],
        provider: str,
        caps: Sequence[Cap],
        emit: Callable[[Event], None],
        clock: Callable[[], float],
        api_is_loopback: bool,
    ) -> None:
        self._journal = journal
        self._store = store
        self._takes = takes
        self._client = client
        self._limiter = limiter
        self._provider = provider
        self._caps = caps
        self._emit = emit
        self._clock = clock
        self._api_is_loopback = api_is_loopback
        self.stopping = asyncio.Event()
        self.in_flight = 0

    async def buy(self, order: Order) -> Sequence[Take] | NotBought:
        """The takes that one request brought (usually one). Raises nothing for what the service or the network does."""
        tries = 0
        while True:
            claimed = await self._claim(order)
            if not isinstance(claimed, str):
                return claimed
            answer = await self._send(order, claimed)
            if not isinstance(answer, Refusal):
                return await self._receive(order, claimed, answer)
            tries += 1
            again = next_try(answer, tries, jitter=random.random())  # noqa: S311 - spreads retries, guards nothing
            if again is None or self.stopping.is_set():
                return _not_bought(answer)
            self._emit(NodeWaiting(at=self._clock(), address=order.address, why="backoff", seconds=again.seconds))
            if answer.verdict is Verdict.SLOW_DOWN:
                self._limiter(order.model).pause(again.seconds)
            await self._sleep(again.seconds)
