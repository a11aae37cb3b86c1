"""What is not known of a request: whether it was charged, and what became of each of its pictures. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from seedpipe.money import Money
from seedpipe.names import Digest
from seedpipe.state.requests import Arrival, Located, Request, RequestState
from seedpipe.state.signed_url import end_of


class Fate(StrEnum):
    """What became of one picture of a request."""

    KEPT = "kept"
    REFUSED = "refused"  # by the service, for nothing
    NOT_MADE = "not made"  # all of the answer was seen, and it isn't in it
    WAITS = "waits"  # made and charged; it is at the provider, and fetched for nothing
    LOST = "lost"  # made and charged; its address is over
    SILENT = "silent"  # nobody knows


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A request that is not settled and that no living process is at work on.

    `fates` are those of its pictures, by their place; `certain` was charged for what is kept, `possible` is what may
    have been charged beyond it. `until` is when the first address of a picture that waits ends, in UTC.
    """

    request: Request
    why: str
    fates: tuple[Fate, ...]
    certain: Money
    possible: Money
    located: tuple[Located, ...]
    until: str | None

    @property
    def needs_a_person(self) -> bool:
        """Not if all that is missing is still at the provider: the next build fetches it for nothing."""
        return self.request.state is RequestState.UNKNOWN or not {Fate.SILENT, Fate.LOST}.isdisjoint(self.fates)

    def awaits(self, want: Digest) -> bool:
        """Whether a picture for `want` is to be fetched still."""
        return any(
            fate is Fate.WAITS and self.request.frame(place).want == want for place, fate in enumerate(self.fates)
        )

    @property
    def is_charged(self) -> bool:
        """All that is not here was made for certain: nobody has to look up whether it was charged."""
        return Fate.SILENT not in self.fates and not {Fate.LOST, Fate.WAITS}.isdisjoint(self.fates)

    @property
    def since(self) -> str:
        """When it was sent, in UTC, for people."""
        return minute_text(self.sent_at)

    @property
    def sent_at(self) -> str:
        """When it was sent, or else meant to be, as the journal has it."""
        return self.request.sent_at or self.request.intended_at


def held_of(request: Request, arrivals: Sequence[Arrival], *, lives: bool, now: datetime) -> Held | None:
    """None while a living process is at work on it, and if nothing of it is open: it can be settled or let go."""
    fates = fates_of(request, arrivals, now=now)
    if request.state is RequestState.UNKNOWN:
        why = request.why or "no answer"
    elif lives or request.state is RequestState.INTENDED:
        return None
    elif request.state is RequestState.SENT:
        why = "its process ended before an answer was written down"
    elif {Fate.SILENT, Fate.LOST, Fate.WAITS}.isdisjoint(fates):
        return None
    else:
        why = request.why or "its process ended before all of its pictures were kept"
    certain = charge_of(request, arrivals)
    waiting = [item for item in arrivals if fates[item.index] is Fate.WAITS]
    return Held(
        request=request,
        why=why,
        fates=fates,
        certain=certain,
        possible=max(charge_at_most(request, arrivals) - certain, Money.zero(certain.currency)),
        located=tuple(
            Located(index=item.index, url=item.url or "", size=item.size, layer=item.layer) for item in waiting
        ),
        until=min((ends_at(item) for item in waiting), default=None),
    )


def fates_of(request: Request, arrivals: Sequence[Arrival], *, now: datetime) -> tuple[Fate, ...]:
    """One for each picture asked for, and for each that came beyond them."""
    by_place = {item.index: item for item in arrivals}
    places = max([request.images, *(index + 1 for index in by_place)])
    unsaid = Fate.NOT_MADE if request.items is not None and len(arrivals) >= request.items else Fate.SILENT
    return tuple(_fate(by_place[place], now) if place in by_place else unsaid for place in range(places))


def _fate(item: Arrival, now: datetime) -> Fate:
    if item.picture is not None:
        return Fate.KEPT
    if item.code is not None:
        return Fate.REFUSED
    return Fate.WAITS if utc_text(now) < ends_at(item) else Fate.LOST


def ends_at(item: Arrival) -> str:
    """When the address of a located picture ends, in UTC; empty if nobody knows when it was given."""
    if item.located_at is None or item.url is None:
        return ""
    return utc_text(end_of(item.url, datetime.fromisoformat(item.located_at)))


def charge_of(request: Request, arrivals: Sequence[Arrival]) -> Money:
    """What the kept pictures cost: each its own share, or the list price."""
    total = Money.zero(request.price.currency)
    for arrival in arrivals:
        if arrival.picture is not None:
            cost = arrival.picture.cost
            total += cost if cost is not None and cost.currency == total.currency else request.price
    return total


def charge_at_most(request: Request, arrivals: Sequence[Arrival]) -> Money:
    """What the whole request was charged at most: its reservation, or less where all of its answer was seen."""
    if request.items is None:
        return request.reserved
    made = sum(arrival.picture is None and arrival.code is None for arrival in arrivals)
    return charge_of(request, arrivals) + request.price * (made + max(0, request.items - len(arrivals)))


def minute_text(time: str) -> str:
    """A time of the journal for people: `2026-11-25 10:03 UTC`."""
    return time[:16].replace("T", " ") + " UTC"


def utc_text(time: datetime) -> str:
    """A time in UTC as the journal writes it; such texts sort like the times."""
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")
