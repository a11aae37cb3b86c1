"""How fast an account may ask a model: images in any minute, requests at once, pauses that the service asked for. Pure.

`SlidingLog` counts images exactly (BP265: the limit is images per minute per account × model version). `Window` bounds
the requests at once, which no provider publishes: it opens in a ramp, because a sudden burst is refused (ERR:
RequestBurstTooFast), and halves when the service says that it is too much. `Pace` is both with the requests under way,
as one value that processes and machines share; times are whole milliseconds given by the caller.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Self

MINUTE_MS: Final = 60_000
FIRST: Final = 8  # requests at once in the first second; twice as many in each second after
LARGEST: Final = 512
IDLE_MS: Final = 60_000  # after this without a request the ramp begins anew
FORGET_MS: Final = 600_000  # after this without a request nothing is held against the service any more
_FORMAT: Final = 1


class GarbledPaceError(Exception):
    """What should be a pace is something else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """Leave to send one request for `weight` images now, given at `at_ms`. `id` is for saying how it ended."""

    id: int
    weight: int
    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Not now. `ms` is the earliest moment at which it could be; 0: as soon as a request under way has ended."""

    ms: int


class SlidingLog:
    """At most `limit` images in any closed window of `window_ms`.

    A clock that was set back can't block for longer than a window: what was granted "later than now" counts as now.
    """

    def __init__(self, limit: int, window_ms: int = MINUTE_MS) -> None:
        if limit < 1 or window_ms < 1:
            raise ValueError("a limit and its window are at least 1")
        self.limit = limit
        self.window_ms = window_ms
        self.grants: dict[int, tuple[int, int]] = {}  # id → (time, weight), in the order of granting
        self.pause: tuple[int, int] | None = None  # set at, until

    def advance(self, now: int) -> None:
        """Forgets what has left the window and puts right what a clock set back made later than now."""
        # a process with a longer window may still need what this one doesn't
        kept = max(self.window_ms, MINUTE_MS)
        self.grants = {id_: (min(at, now), weight) for id_, (at, weight) in self.grants.items() if now - at <= kept}
        if self.pause is not None:
            set_at, until = self.pause
            self.pause = (now, now + until - set_at) if set_at > now else self.pause
            if self.pause[1] <= now:
                self.pause = None

    def wait(self, weight: int, now: int) -> int:
        """Milliseconds until `weight` images can be granted if nothing else happens; 0 = now. Call `advance` before."""
        if not 1 <= weight <= self.limit:
            raise ValueError(f"{weight} images at once never fit below {self.limit} per minute")
        paused = 0 if self.pause is None else self.pause[1] - now
        inside = sorted(grant for grant in self.grants.values() if now - grant[0] <= self.window_ms)
        excess = weight - self.limit + sum(granted for _, granted in inside)
        if excess <= 0:
            return paused
        for at, granted in inside:
            excess -= granted
            if excess <= 0:
                return max(paused, at + self.window_ms + 1 - now)
        raise AssertionError("the log can't hold back more than it granted")

    def grant(self, weight: int, now: int, id_: int) -> None:
        """Takes `weight` images under the name `id_`; only after `wait` said 0."""
        self.grants[id_] = (now, weight)

    def refund(self, id_: int, weight: int) -> None:
        """Gives images back that were not asked for, or did not come; more than were taken is as all of them."""
        if id_ in self.grants:
            at, granted = self.grants[id_]
            self.grants[id_] = (at, max(0, granted - weight))

    def hold_until(self, now: int, until: int) -> None:
        """Grants nothing before `until`; a longer pause that is set already stays."""
        if until > now and (self.pause is None or until > self.pause[1]):
            self.pause = (now, until)


class Window:
    """How many requests may be under way at once: it doubles each second until the service says that it is too much,

    then halves, and from there grows by one for each round of answers (additive increase, multiplicative decrease).
    """

    def __init__(self) -> None:
        self.began: int | None = None  # of the ramp
        self.last: int | None = None  # when a request was last granted or ended
        self.cut_at: int | None = None
        self.ceiling: float | None = None  # since the first cut

    def touch(self, now: int) -> None:
        """Something was asked for or has ended. After a long rest the ramp begins anew."""
        rest = None if self.last is None else now - self.last
        if rest is not None and rest < 0:  # a clock set back
            self.began = self.cut_at = None
        elif rest is not None and rest > IDLE_MS:
            self.began = None
            if rest > FORGET_MS:
                self.ceiling = self.cut_at = None
        self.began = now if self.began is None else self.began
        self.last = now

    def size(self, now: int) -> int:
        """Requests at once; at least 1."""
        seconds = 0 if self.began is None else max(0, now - self.began) // 1000
        ramp = FIRST << min(seconds, 20)
        size = ramp if self.ceiling is None else min(ramp, int(self.ceiling))
        return max(1, min(size, LARGEST))

    def answered(self) -> None:
        if self.ceiling is not None:
            self.ceiling = min(float(LARGEST), self.ceiling + 1 / self.ceiling)

    def throttled(self, granted_at: int, under_way: int, now: int) -> None:
        """Halves, once for all requests that were sent before the last halving: they speak of the same burst."""
        if self.cut_at is not None and granted_at <= self.cut_at:
            return
        self.ceiling = max(1.0, min(self.size(now), max(under_way, 1)) / 2)
        self.cut_at = now


@dataclass(slots=True, kw_only=True)
class Lease:
    """A request under way: whose it is, and since when."""

    owner: str
    at_ms: int


class Pace:
    """The whole of it for one account and model. `ask`, then `end` what was granted."""

    def __init__(self, limit: int, window_ms: int = MINUTE_MS) -> None:
        self.log = SlidingLog(limit, window_ms)
        self.window = Window()
        self.leases: dict[int, Lease] = {}
        self._next = 1

    def ask(self, weight: int, now: int, *, owner: str, is_alive: Callable[[str], bool]) -> Grant | Wait:
        """Raises `ValueError` for more images than ever fit. A dead owner's requests are not under way."""
        self.log.advance(now)
        self.window.touch(now)
        waiting = self.log.wait(weight, now)
        if waiting:
            return Wait(ms=waiting)
        if len(self.leases) >= self.window.size(now):
            dead = {owner for owner in {lease.owner for lease in self.leases.values()} if not is_alive(owner)}
            self.leases = {id_: lease for id_, lease in self.leases.items() if lease.owner not in dead}
        if len(self.leases) >= self.window.size(now):
            return Wait(ms=0)
        grant = Grant(id=self._next, weight=weight, at_ms=now)
        self._next += 1
        self.log.grant(weight, now, grant.id)
        self.leases[grant.id] = Lease(owner=owner, at_ms=now)
        return grant

    def end(self, grant: Grant, now: int, *, refund: int = 0, throttled: bool = False) -> None:
        """The request of `grant` has ended; `refund` of its images were not made. Saying it twice changes nothing."""
        if refund < 0:
            raise ValueError("nothing less than nothing is given back")
        self.log.refund(grant.id, refund)
        under_way = len(self.leases)
        if self.leases.pop(grant.id, None) is None:
            return
        self.window.touch(now)
        if throttled:
            self.window.throttled(grant.at_ms, under_way, now)
        elif refund < grant.weight:
            self.window.answered()

    def to_json(self) -> str:
        window = self.window
        return json.dumps(
            {
                "format": _FORMAT,
                "next": self._next,
                "grants": [[id_, *grant] for id_, grant in self.log.grants.items()],
                "pause": self.log.pause,
                "window": [window.began, window.last, window.cut_at, window.ceiling],
                "leases": [[id_, lease.owner, lease.at_ms] for id_, lease in self.leases.items()],
            },
            separators=(",", ":"),
        )

    @classmethod
    def from_json(cls, text: str, limit: int, window_ms: int = MINUTE_MS) -> Self:
        """Raises `GarbledPaceError` for what is not ours."""
        pace = cls(limit, window_ms)
        try:
            data: dict[str, Any] = json.loads(text)
            if data["format"] != _FORMAT:
                raise GarbledPaceError(f"it is of format {data['format']}")
            pace._next = int(data["next"])
            pace.log.grants = {int(id_): (int(at), int(weight)) for id_, at, weight in data["grants"]}
            pause = data["pause"]
            pace.log.pause = None if pause is None else (int(pause[0]), int(pause[1]))
            window = pace.window
            window.began, window.last, window.cut_at = (None if one is None else int(one) for one in data["window"][:3])
            window.ceiling = None if data["window"][3] is None else max(1.0, float(data["window"][3]))
            pace.leases = {int(id_): Lease(owner=str(owner), at_ms=int(at)) for id_, owner, at in data["leases"]}
        except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
            raise GarbledPaceError(f"it is garbled: {error}") from error
        return pace
