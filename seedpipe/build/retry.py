"""Whether and when a refused request goes out again. Pure. Only definite free refusals are ever sent again."""

from dataclasses import dataclass

from seedpipe.service.refusals import Refusal, Verdict

MAX_TRIES = 8  # of a throttled request: about four minutes
MAX_SERVER_TRIES = 3  # the first one and two more (overview: retry 1-2 times)
LONGEST_WAIT = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """Send again after `seconds`."""

    seconds: float


def next_try(refusal: Refusal, tries: int, *, jitter: float) -> Again | None:
    """After `tries` tries, the last answered by `refusal`: when to send again, or None. `jitter` is in [0, 1)."""
    if refusal.verdict not in (Verdict.RETRY, Verdict.SLOW_DOWN):
        return None
    limit = MAX_TRIES if refusal.verdict is Verdict.SLOW_DOWN else MAX_SERVER_TRIES
    if tries >= limit:
        return None
    backoff = min(LONGEST_WAIT, 2.0 ** (tries - 1)) * (0.75 + jitter / 2)
    if refusal.retry_after is not None:
        return Again(seconds=max(refusal.retry_after, 0.0))
    return Again(seconds=backoff)
