"""A plan: immutable data that says of every node what a build would do, why, and what it may cost."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Final

from seedpipe.limits import PLAN_FORMAT
from seedpipe.money import Money
from seedpipe.names import Digest, Realm
from seedpipe.plan.reason import Reason
from seedpipe.plan.reasons import NotMade
from seedpipe.plan.select import Wish
from seedpipe.source import Position


class State(StrEnum):
    """What a node is in a plan, by precedence: the first that holds."""

    UNKNOWN = "unknown"  # sent, and whether it was charged is not known: a person decides
    MISSING = "missing"  # the chosen bytes are nowhere; never bought again by itself
    EDITED = "edited"  # the output file is neither ours nor a known take; never overwritten
    BLOCKED = "blocked"  # refused by moderation, or what it is made from won't come
    FAILED = "failed"  # the service refused the request; not sent again until something of it changes
    PARTIAL = "partial"  # a frame that its batch did not bring; will be bought alone
    WAITS = "waits"  # for a person's word at a gate
    PINNED = "pinned"  # kept on purpose
    STALE = "stale"  # kept on purpose, made for another want
    MAKE = "make"  # will be bought
    FOLLOWS = "follows"  # will be bought because an upstream picture is made
    MAY = "may"  # bought only if an upstream truly comes out different
    SAME = "same"  # shares another node's picture
    FETCH = "fetch"  # the bytes are elsewhere, for nothing
    CACHED = "cached"  # done
    FREE = "free"  # made here, for nothing

    @property
    def buys(self) -> bool:
        return self in (State.MAKE, State.FOLLOWS, State.MAY, State.PARTIAL)

    @property
    def needs_a_person(self) -> bool:
        return self in (State.UNKNOWN, State.MISSING, State.EDITED, State.BLOCKED, State.FAILED, State.WAITS)

    @property
    def kept(self) -> bool:
        """Kept on purpose, whatever it was made for."""
        return self in (State.PINNED, State.STALE)


STATE_SENTENCES: Mapping[State, str] = {
    State.UNKNOWN: "was sent, and whether it was charged is not known",
    State.MISSING: "its chosen picture is nowhere to be found",
    State.EDITED: "its output file was changed by someone else",
    State.BLOCKED: "won't be made as things are",
    State.FAILED: "was refused by the service",
    State.PARTIAL: "did not come with its batch, and will be bought alone",
    State.WAITS: "waits for a person's word",
    State.PINNED: "is pinned",
    State.STALE: "keeps a picture made for other inputs",
    State.MAKE: "will be bought",
    State.FOLLOWS: "will be bought because a picture it is made from is made",
    State.MAY: "will be bought only if a picture it is made from comes out different",
    State.SAME: "shares the picture of another that asks for the same",
    State.FETCH: "is fetched, for nothing",
    State.CACHED: "is up to date",
    State.FREE: "is made here, for nothing",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """`low` and `expected` assume what usually happens; `high` bounds every run without `--retry-unknown`."""

    low: Money
    expected: Money
    high: Money

    @classmethod
    def nothing(cls, currency: str) -> "Cost":
        zero = Money.zero(currency)
        return cls(low=zero, expected=zero, high=zero)

    @classmethod
    def exactly(cls, money: Money) -> "Cost":
        return cls(low=money, expected=money, high=money)

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(low=self.low + other.low, expected=self.expected + other.expected, high=self.high + other.high)

    def to_dict(self) -> dict[str, str]:
        return {"low": str(self.low), "expected": str(self.expected), "high": str(self.high)}


def sum_of(costs: Iterable[Cost], currency: str) -> Cost:
    """All together, each of the three for itself."""
    low = expected = high = 0
    for cost in costs:
        low, expected, high = low + cost.low.micros, expected + cost.expected.micros, high + cost.high.micros
    return Cost(low=Money(low, currency), expected=Money(expected, currency), high=Money(high, currency))


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedLook:
    """One candidate of a node that has several looks; its own look is one of them. Fields as in `PlanNode`."""

    name: str
    key: Digest | None = None
    model: str | None = None
    size: str | None = None
    pictures: int = 0
    cost: Cost
    request: Mapping[str, Any] | None = None
    fewer: Digest | None = None

    def to_dict(self) -> dict[str, Any]:
        values: dict[str, Any] = {
            "name": self.name,
            "key": None if self.key is None else str(self.key),
            "model": self.model,
            "size": self.size,
            "pictures": self.pictures,
            "cost": self.cost.to_dict(),
            "request": None if self.request is None else dict(self.request),
            "fewer": None if self.fewer is None else str(self.fewer),
        }
        return {name: value for name, value in values.items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanNode:
    """One node's part. `pictures` counts those to buy; `key` is None while an upstream picture isn't made yet.

    `size` is `WxH` or a tier; `output` is relative to the project's folder; `taken` is the chosen picture if it stays.
    `came` is that picture's size where it isn't what was asked, `fit` what the output is cut to then (`WxH`).
    Of a node with looks, `look` is whose words and key these are; `pictures` and `cost` are of all `looks` together.
    """

    address: str
    kind: str  # source | image | frame | derived
    state: State
    reasons: tuple[Reason, ...] = ()
    cost: Cost
    pictures: int = 0
    key: Digest | None = None
    taken: Digest | None = None
    model: str | None = None
    size: str | None = None
    came: str | None = None
    fit: str | None = None
    made_from: tuple[str, ...] = ()
    output: str | None = None
    writes: bool = False  # the output file will be written
    tags: tuple[str, ...] = ()
    axes: tuple[tuple[str, str], ...] = ()
    batch: str | None = None  # frames with the same one are bought by one request
    beside: tuple[tuple[str, Digest], ...] = ()  # the neighbours that a frame bought alone is shown
    rolls: bool = False  # its pictures come beside those that there are, and the choice stays as it is
    by_cascade: bool = False  # it is bought only because pictures that it is made from are other ones
    named: bool = False  # a person wrote it down as a target
    takes: int | None = None  # of an image: how many there are to be, where some are bought
    before: Digest | None = None  # of the lock's entry, where there is work and an entry
    request: Mapping[str, Any] | None = None  # what is asked for, where there is work (`plan.promise`)
    fewer: Digest | None = None  # over the words for fewer counted pictures, while it isn't known how many come
    look: str | None = None
    looks: tuple[PlannedLook, ...] = ()  # in the order of the manifest
    position: Position

    @property
    def has_work(self) -> bool:
        """A build would buy, make, fetch or write something for it."""
        return self.state.buys or self.writes or self.state in (State.FREE, State.SAME, State.FETCH)

    def of_look(self, name: str | None) -> int:
        """How many pictures of one look will be bought; without looks, of the node."""
        return next((one.pictures for one in self.looks if one.name == name), 0) if self.looks else self.pictures

    @property
    def purchases(self) -> "Sequence[PlanNode | PlannedLook]":
        """What is bought under one key each: the node, or those of its looks that lack pictures."""
        return [one for one in self.looks or (self,) if one.pictures]

    @property
    def exists(self) -> bool:
        """Not one of the most that was asked for which the service, being complete with fewer, never made."""
        return not any(isinstance(reason, NotMade) for reason in self.reasons)

    def to_dict(self) -> dict[str, Any]:
        """As it stands in `schemas/plan.schema.json`; what is empty is left out."""
        values: dict[str, Any] = {
            "address": self.address,
            "kind": self.kind,
            "state": self.state.value,
            "reasons": [reason.to_dict() for reason in self.reasons],
            "cost": self.cost.to_dict(),
            "pictures": self.pictures,
            "key": None if self.key is None else str(self.key),
            "take": None if self.taken is None else str(self.taken),
            "model": self.model,
            "size": self.size,
            "came": self.came,
            "fit": self.fit,
            "made_from": list(self.made_from),
            "output": self.output,
            "writes": self.writes,
            "tags": list(self.tags),
            "axes": dict(self.axes),
            "batch": self.batch,
            "beside": [address for address, _ in self.beside],
            "rolls": self.rolls or None,
            "by_cascade": self.by_cascade or None,
            "named": self.named or None,
            "takes": self.takes,
            "before": None if self.before is None else str(self.before),
            "request": None if self.request is None else dict(self.request),
            "fewer": None if self.fewer is None else str(self.fewer),
            "look": self.look,
            "looks": [one.to_dict() for one in self.looks],
            "position": str(self.position),
        }
        return {name: value for name, value in values.items() if value not in (None, [], {})} | {
            "reasons": values["reasons"]
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """How long a plan takes with `workers` requests at once; `picture_seconds` is the slowest picture's own time.

    `pictures` of the journal are what the times are known from; `by_catalogue`: some are the catalogue's values.
    """

    seconds: float = 0.0
    workers: int = 0
    picture_seconds: float = 0.0
    pictures: int = 0
    by_catalogue: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Whole seconds, never less than the forecast."""
        return {
            "seconds": math.ceil(self.seconds),
            "requests_at_once": self.workers,
            "picture_seconds": math.ceil(self.picture_seconds),
            "from_pictures": self.pictures,
            "by_catalogue": self.by_catalogue,
        }


NO_TIME: Final = Forecast()


@dataclass(frozen=True, slots=True, kw_only=True)
class Hint:
    """`pictures` of an entry differ, along `axis`, only in what is lettered on them: `bases` of them, lettered here by

    free text steps, would cost `instead` of `cost`.
    """

    entry: str
    axis: str
    pictures: int
    bases: int
    cost: Money
    instead: Money

    def sentence(self) -> str:
        each = "one picture" if self.bases == 1 else f"{self.bases:,} pictures"
        return (
            f"{self.pictures:,} pictures of `{self.entry}` differ only in their lettering (by `{self.axis}`):"
            f" {each}, lettered by free `text` steps, would cost {self.instead} instead of {self.cost}"
        )

    def to_dict(self) -> dict[str, Any]:
        return {
            "code": "lettering",
            "sentence": self.sentence(),
            "entry": self.entry,
            "axis": self.axis,
            "pictures": self.pictures,
            "bases": self.bases,
            "cost": str(self.cost),
            "instead": str(self.instead),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The whole. `nodes` are in graph order and hold only what was selected.

    `time` is what `plan.forecast` says of it.
    """

    project: str
    realm: Realm
    provider: str
    currency: str
    nodes: Mapping[str, PlanNode]
    host: str | None = None  # where requests would go, if not to one of the provider's own addresses
    project_id: str | None = None
    profile: str | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    wish: Wish | None = None
    targets: tuple[str, ...] = ()
    cost: Cost
    time: Forecast = NO_TIME
    hints: tuple[Hint, ...] = ()
    resolved: Mapping[str, str] = field(default_factory=dict)  # what the catalogue decided for this plan

    @property
    def pictures(self) -> int:
        """How many pictures will be bought."""
        return sum(node.pictures for node in self.nodes.values())

    @property
    def directly(self) -> Cost:
        """What the nodes cost that changed themselves, are new, or get more takes."""
        return sum_of((node.cost for node in self.nodes.values() if not node.by_cascade), self.currency)

    @property
    def by_cascade(self) -> Cost:
        """What is bought only because something upstream is another picture."""
        return sum_of((node.cost for node in self.nodes.values() if node.by_cascade), self.currency)

    @property
    def counts(self) -> Mapping[State, int]:
        return Counter(node.state for node in self.nodes.values())

    @property
    def has_changes(self) -> bool:
        """A build would buy, make, fetch or write something."""
        return any(node.has_work for node in self.nodes.values())

    def in_state(self, *states: State) -> Sequence[PlanNode]:
        return [node for node in self.nodes.values() if node.state in states]

    def to_dict(self) -> dict[str, Any]:
        """As it stands in `schemas/plan.schema.json`, less the digest (`saved.plan_document`)."""
        values = {
            "seedpipe_plan": PLAN_FORMAT,
            "project": self.project,
            "project_id": self.project_id,
            "realm": self.realm.value,
            "provider": self.provider,
            "host": self.host,
            "currency": self.currency,
            "profile": self.profile,
            "variables": dict(self.variables),
            "wish": None if self.wish is None else self.wish.to_dict(),
            "resolved": dict(self.resolved),
            "pictures": self.pictures,
            "cost": self.cost.to_dict(),
            "directly": self.directly.to_dict(),
            "by_cascade": self.by_cascade.to_dict(),
            "time": self.time.to_dict(),
            "counts": {state.value: number for state, number in sorted(self.counts.items())},
            "changes": self.has_changes,
            "hints": [hint.to_dict() for hint in self.hints],
            "nodes": [node.to_dict() for node in self.nodes.values()],
        }
        return {name: value for name, value in values.items() if value is not None}


def _without_candidates(node: PlanNode) -> PlanNode:
    """A picture that is there, of which only more takes or looks would be bought: it is what it is without them."""
    if node.taken is None or not node.pictures or node.rolls:
        return node
    looks = tuple(replace(look, pictures=0, cost=Cost.nothing(node.cost.low.currency)) for look in node.looks)
    return replace(node, state=State.CACHED, pictures=0, cost=Cost.nothing(node.cost.low.currency), looks=looks)


def stands_alone(node: PlanNode) -> bool:
    """Whether its picture stays whatever becomes of those that it is made from."""
    return node.taken is not None and node.state.kept and node.kind != "derived"


def without_purchases(plan: Plan) -> Plan:
    """The plan less everything that would be bought, and less what is made from that; what is kept on purpose stays."""
    left: dict[str, PlanNode] = {}
    for node in map(_without_candidates, plan.nodes.values()):
        above = [address for address in node.made_from if address in plan.nodes and address not in left]
        if not node.state.buys and node.state is not State.SAME and (not above or stands_alone(node)):
            left[node.address] = node
    return replace(plan, nodes=left, cost=Cost.nothing(plan.currency), time=NO_TIME, hints=())
