"""Whether and when a refused request goes out again. Pure. Only definite free refusals are ever sent again."""

from dataclasses import dataclass
from datetime import datetime
from math import inf

from seedpipe.service.refusals import Refusal, Verdict

MAX_TRIES = 8  # of a throttled request: about four minutes
MAX_SERVER_TRIES = 3  # the first one and two more (overview: retry 1-2 times)
LONGEST_WAIT = 60.0
NEAR = 120.0  # seconds: a quota that comes back so soon is waited for; for a later one the build ends


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """Send again after `seconds`."""

    seconds: float


def next_try(refusal: Refusal, tries: int, *, jitter: float, now: datetime) -> Again | None:
    """After `tries` tries, the last answered by `refusal`: when to send again, or None. `jitter` is in [0, 1)."""
    match refusal.verdict:
        case Verdict.RETRY:
            limit = MAX_SERVER_TRIES
        case Verdict.SLOW_DOWN:
            limit = MAX_TRIES
        case Verdict.NOT_BEFORE if _seconds_to_wait(refusal, now) <= NEAR:
            limit = MAX_SERVER_TRIES
        case _:
            return None
    if tries >= limit:
        return None
    if refusal.verdict is Verdict.NOT_BEFORE:
        return Again(seconds=_seconds_to_wait(refusal, now) + 1 + jitter)
    if refusal.retry_after is not None:
        return Again(seconds=max(refusal.retry_after, 0.0))
    return Again(seconds=min(LONGEST_WAIT, 2.0 ** (tries - 1)) * (0.75 + jitter / 2))


def _seconds_to_wait(refusal: Refusal, now: datetime) -> float:
    """Until the time that the service gave; without one, for ever."""
    return inf if refusal.not_before is None else max((refusal.not_before - now).total_seconds(), 0.0)
