"""What is known of a running build, from its events alone: the state behind every progress display. Pure."""

from dataclasses import dataclass, field

from seedpipe.events import (
    BuildFinished,
    BuildStarted,
    BuildStopping,
    Event,
    NodeAbsent,
    NodeDone,
    NodeFailed,
    NodeStarted,
    NodeWaiting,
    RequestSent,
    TakeKept,
)
from seedpipe.money import Money
from seedpipe.names import Realm

_WAITS = {
    "rate": "waits: images per minute",
    "backoff": "waits: the service asked to",
    "cap": "waits: open reservations use up the cap",
    "elsewhere": "waits: another process makes it",
}


@dataclass(slots=True, kw_only=True)
class Active:
    """A node under way. `waiting` is empty while it isn't held up; times are seconds since the build began."""

    address: str
    work: str
    since: float
    sent: float | None = None
    waiting: str = ""
    kept: int = 0

    @property
    def is_queued(self) -> bool:
        """Begun, and nothing was sent for it yet. (A frame's request is its sequence's.)"""
        return self.work == "request" and self.sent is None and not self.waiting and "#" not in self.address


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What a finished node was: pictures received for it, what they cost (a proof: nothing), how long it took."""

    takes: tuple[TakeKept, ...]
    seconds: float
    proof: bool = False

    @property
    def cost(self) -> Money | None:
        total: Money | None = None
        for take in () if self.proof else self.takes:
            total = take.cost if total is None else total + take.cost
        return total


@dataclass(slots=True)
class Board:
    """Fed with `take(event)`; everything else only reads."""

    started: BuildStarted | None = None
    finished: BuildFinished | None = None
    stopping: BuildStopping | None = None
    active: dict[str, Active] = field(default_factory=dict)
    done: int = 0
    failures: list[NodeFailed] = field(default_factory=list)
    outcomes: dict[str, int] = field(default_factory=dict)  # how or outcome → nodes
    bought: int = 0
    spent: Money | None = None
    _todo: frozenset[str] = frozenset()
    several: dict[str, None] = field(default_factory=dict)  # pictures of which more than one came, to choose among
    _over: set[str] = field(default_factory=set)
    _kept: dict[str, list[TakeKept]] = field(default_factory=dict)
    _times: list[float] = field(default_factory=list)  # of pictures, request to bytes
    _first_sent: float | None = None

    @property
    def proof(self) -> bool:
        """Whether nothing of this build is billed."""
        return self.started is not None and self.started.realm == Realm.PROOF

    @property
    def total(self) -> int:
        return max(len(self._todo), self.done)

    def counts(self, address: str) -> bool:
        """Whether the build has work for it; that another waits for a person is told, and no part of the way."""
        return not self._todo or address in self._todo

    def take(self, event: Event) -> Made | None:
        """Take an event in; of a node that ended, what it was."""
        match event:
            case BuildStarted():
                self.started, self.spent = event, Money.zero(event.expected.currency)
                self._todo = frozenset(event.todo)
            case NodeStarted():
                self.active[event.address] = Active(address=event.address, work=event.work, since=event.at)
            case NodeWaiting():
                self._waiting(event)
            case RequestSent():
                self._sent(event)
            case TakeKept():
                self._take_kept(event)
            case NodeDone():
                return self._ended(event.address, event.how, event.at)
            case NodeAbsent():
                self._ended(event.address, "absent", event.at)
            case NodeFailed():
                self.failures.append(event)
                return self._ended(event.address, event.outcome, event.at)
            case BuildStopping():
                self.stopping = event
            case BuildFinished():
                self.finished, self.spent, self.bought = event, event.spent, event.bought
        return None

    def _waiting(self, event: NodeWaiting) -> None:
        active = self.active.setdefault(event.address, Active(address=event.address, work="request", since=event.at))
        active.waiting = _WAITS.get(event.why, "waits")

    def _sent(self, event: RequestSent) -> None:
        active = self.active.setdefault(event.address, Active(address=event.address, work="request", since=event.at))
        active.waiting, active.sent = "", event.at
        if self._first_sent is None:
            self._first_sent = event.at

    def _take_kept(self, event: TakeKept) -> None:
        self._kept.setdefault(event.address, []).append(event)
        self.bought += 1
        self._times.append(event.seconds)
        self.spent = event.cost if self.spent is None else self.spent + event.cost
        if event.address in self.active:
            self.active[event.address].kept += 1

    def _ended(self, address: str, how: str, at: float) -> Made:
        active = self.active.pop(address, None)
        self.done += self.counts(address) and address not in self._over  # one look may fail and another be the picture
        self._over.add(address)
        self.outcomes[how] = self.outcomes.get(how, 0) + 1
        takes = tuple(self._kept.pop(address, ()))
        if len(takes) > 1:
            self.several[address] = None
        return Made(takes=takes, seconds=at - active.since if active is not None else 0.0, proof=self.proof)

    def in_flight(self) -> int:
        """Requests that are out and unanswered, as far as is known."""
        return sum(active.sent is not None and not active.waiting for active in self.active.values())

    def seconds_left(self, now: float) -> float | None:
        """Expected; None where nothing is known. The forecast counts less the more pictures were measured."""
        if self.started is None or self.finished is not None:
            return None
        lost = sum(failure.outcome != "skipped" for failure in self.failures)
        open_pictures = max(self.started.buys - self.bought - lost, 0)
        forecast = self._forecast_left(now, open_pictures)
        measured = self._measured_left(now, open_pictures)
        if measured is None:
            return forecast
        if forecast is None:
            return measured
        trust = min(1.0, len(self._times) / max(4.0, self.started.buys / 4))
        return trust * measured + (1 - trust) * forecast

    def _forecast_left(self, now: float, open_pictures: int) -> float | None:
        if self.started is None or not self.started.seconds or self.proof:  # the forecast is of the live service
            return None
        by_clock = self.started.seconds - (now - self.started.at)
        by_work = self.started.seconds * open_pictures / max(self.started.buys, 1)
        # A forecast that has run out says nothing: then what is left of the work, as it was planned.
        return max(by_clock, by_work / 2, 0.0)

    def _measured_left(self, now: float, open_pictures: int) -> float | None:
        if not self._times or self._first_sent is None:
            return None
        typical = sum(self._times) / len(self._times)
        ages = [now - active.sent for active in self.active.values() if active.sent is not None and not active.waiting]
        # How many are made at a time, measured, so that rate limits and pauses are in it.
        span = max(now - self._first_sent, 0.001)
        parallel = max(1.0, (sum(self._times) + sum(ages)) / span)
        out = [max(typical - age, typical / 10) for age in ages]
        waiting = max(open_pictures - len(ages), 0) * typical
        return max((sum(out) + waiting) / parallel, max(out, default=0.0))
