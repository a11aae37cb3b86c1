"""One request and the pace: waiting for leave to send it, and telling how it ended."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from seedpipe.build.limiter import Limiter
from seedpipe.build.order import CAME_SHORT, Bought
from seedpipe.build.pace import Grant
from seedpipe.service.refusals import Refusal, Verdict

_PATIENCE = 0.05  # seconds of waiting that are not worth saying


async def leave_to_send(
    limiter: Limiter, images: int, *, stopping: asyncio.Event, on_wait: Callable[[], None]
) -> Grant | None:
    """A grant for `images`, or None if the build is stopping before there is one: nothing is taken then.

    Raises `StateError` if the pace can't be kept.
    """
    # more pictures than a minute allows are asked for as if they were all of it
    waited = asyncio.ensure_future(limiter.acquire(min(images, limiter.limit)))
    stopped = asyncio.ensure_future(stopping.wait())
    try:
        done, _ = await asyncio.wait({waited, stopped}, timeout=_PATIENCE, return_when=asyncio.FIRST_COMPLETED)
        if not done:
            on_wait()
            await asyncio.wait({waited, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if waited.done() and not stopping.is_set():
            return await waited
    except asyncio.CancelledError:
        await _give_back(limiter, waited)
        raise
    finally:
        stopped.cancel()
    await _give_back(limiter, waited)
    return None


async def _give_back(limiter: Limiter, waited: "asyncio.Future[Grant]") -> None:
    """Whoever was granted leave and does not use it; who still waits gives up and takes nothing."""
    waited.cancel()
    try:
        grant = await waited
    except asyncio.CancelledError:
        return
    await limiter.end(grant, refund=grant.weight)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a request ended, for the pace: how many of its images were not made, and whether it was too much at once."""

    refund: int
    throttled: bool = False


def ending_of(outcome: Bought | Refusal | None, grant: Grant) -> Ending:
    """What was refused for nothing or did not come was not made; of an outcome that nobody knows all may have been."""
    if isinstance(outcome, Refusal):
        free = grant.weight if outcome.is_free else 0
        return Ending(refund=free, throttled=outcome.verdict is Verdict.SLOW_DOWN)
    if outcome is None:
        return Ending(refund=0)
    short = sum(missing.code == CAME_SHORT for missing in outcome.missing.values())
    return Ending(refund=min(short, grant.weight))
