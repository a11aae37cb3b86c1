"""What the journal knows about one request sent for money: its states, what is intended, what came of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from seedpipe.errors import StateError
from seedpipe.money import Money
from seedpipe.names import Digest
from seedpipe.state.layer import Layer
from seedpipe.state.take import Take


class RequestState(StrEnum):
    """Where a request stands. Each has a sentence (`sentence`), and `LEGAL` says what may follow it."""

    INTENDED = "intended"
    SENT = "sent"
    LOCATED = "located"
    KEPT = "kept"
    UNKNOWN = "unknown"
    SETTLED = "settled"
    REFUSED = "refused"
    RELEASED = "released"

    @property
    def sentence(self) -> str:
        return _SENTENCES[self]

    @property
    def is_active(self) -> bool:
        """It claims its picture: a living process is at work on it."""
        return self in ACTIVE

    @property
    def is_open(self) -> bool:
        """It keeps its reservation."""
        return self in ACTIVE or self is RequestState.UNKNOWN


_SENTENCES: Final[Mapping[RequestState, str]] = {
    RequestState.INTENDED: "it is claimed and its worst case is reserved; it was not sent",
    RequestState.SENT: "it may have reached the service; no answer is written down",
    RequestState.LOCATED: "the service answered where pictures are; not one of them is kept yet",
    RequestState.KEPT: "at least one of its pictures is kept; the charge is not settled",
    RequestState.UNKNOWN: "nobody knows whether it was charged; its reservation stays until a person says",
    RequestState.SETTLED: "it was charged, and the charge is known",
    RequestState.REFUSED: "the service refused it for nothing",
    RequestState.RELEASED: "it was never sent, or a person says that it was not charged",
}

DEFINITE: Final = ("node", "blocked")  # verdicts of refusals after which the same isn't sent again by itself
ACTIVE: Final = (RequestState.INTENDED, RequestState.SENT, RequestState.LOCATED, RequestState.KEPT)

LEGAL: Final[Mapping[RequestState, frozenset[RequestState]]] = {
    RequestState.INTENDED: frozenset({RequestState.SENT, RequestState.RELEASED}),
    # a build that is stopped between this note and the first byte takes it back; nobody else can know that
    RequestState.SENT: frozenset(
        {
            RequestState.RELEASED,
            RequestState.LOCATED,
            RequestState.KEPT,
            RequestState.SETTLED,
            RequestState.REFUSED,
            RequestState.UNKNOWN,
        }
    ),
    RequestState.LOCATED: frozenset(
        {RequestState.LOCATED, RequestState.KEPT, RequestState.SETTLED, RequestState.UNKNOWN}
    ),
    RequestState.KEPT: frozenset({RequestState.KEPT, RequestState.SETTLED, RequestState.UNKNOWN}),
    # an answer that comes late is written down without leaving `unknown`, until it is settled as a whole
    RequestState.UNKNOWN: frozenset(
        {RequestState.UNKNOWN, RequestState.SETTLED, RequestState.REFUSED, RequestState.RELEASED}
    ),
    RequestState.SETTLED: frozenset(),
    RequestState.REFUSED: frozenset(),
    RequestState.RELEASED: frozenset(),
}


class IllegalMoveError(StateError):
    """A request was to go where it can't go from its state. The journal is as before."""

    next_step = "another process may have settled it: `seedpipe resolve` shows how it stands now"


class DayTurnedError(StateError):
    """The UTC day ended between intent and sending. The intent was released: caps of the new day must be asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameOf:
    """What one picture of a batch is: the frame at `address`, made for `want`."""

    address: str
    want: Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """One request about to be sent. `ordinal` says for which taking of this key it is (from 1; see `next_ordinal`).

    `reserved` is the worst case at list price, `expected` the usual one, `price` that of one picture. `document` is
    the canonical request, references as digests; `body_digest` is of the bytes sent. `despite_unknown` is the
    user's word that a request may be sent although an earlier one's charge is unknown (`--retry-unknown`), `anew` that
    another picture is wanted of a frame that has one. `frames` says of each picture which frame of a sequence it is; a plain image, wanted under its request key, has none.
    """

    run: str
    request_key: Digest
    ordinal: int
    address: str
    model: str
    provider: str
    images: int
    price: Money
    reserved: Money
    expected: Money | None = None
    client_request_id: str
    document: str
    body_digest: Digest
    timeout_seconds: int
    profile: str | None = None
    tags: tuple[str, ...] = ()
    frames: tuple[FrameOf, ...] = ()
    despite_unknown: bool = False
    anew: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A row of the journal. Times are UTC in ISO 8601; `number` counts all requests in the order of their intents.

    `charge` is set when settled. `why` explains `released` and `unknown`. `items` is how many items the answer has,
    once all of it was seen; then the request can be concluded when each of them is kept or refused.
    """

    number: int
    id: str
    run: str
    owner: str
    account: str
    request_key: Digest
    ordinal: int
    address: str
    model: str
    provider: str
    images: int
    price: Money
    reserved: Money
    expected: Money
    client_request_id: str
    request_id: str | None
    document: str
    body_digest: Digest
    timeout_seconds: int
    profile: str | None
    tags: tuple[str, ...]
    state: RequestState
    items: int | None
    intended_at: str
    sent_at: str | None
    closed_at: str | None
    charge: Money | None
    why: str | None
    resolved_by: str | None
    frames: tuple[FrameOf, ...] = ()

    @property
    def addresses(self) -> tuple[str, ...]:
        """The pictures that it was to bring."""
        return tuple(frame.address for frame in self.frames) or (self.address,)

    def frame(self, index: int) -> FrameOf:
        """What the picture at `index` of the answer is."""
        if index < len(self.frames):
            return self.frames[index]
        return FrameOf(address=self.address, want=self.request_key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Located:
    """One item of the service's answer: where picture `index` can be fetched; `size` is the service's text, `WxH`."""

    index: int
    url: str
    size: str | None = None
    layer: Layer | None = None  # what the service says of a layer


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """Facts of a picture whose bytes are in the store. `cost` is its share of the charge; None = the list price."""

    digest: Digest
    format: str
    width: int
    height: int
    bytes: int
    cost: Money | None = None
    layer: Layer | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """One item of an answer: located (`url`), kept (`picture`), or refused by the service (`code`, `message`)."""

    index: int
    url: str | None
    size: str | None
    located_at: str | None
    picture: Picture | None
    kept_at: str | None
    code: str | None
    message: str | None
    layer: Layer | None = None


class Word(StrEnum):
    """What a person says about a charge that nobody else knows."""

    PAID = "paid"
    NOT_PAID = "not paid"
    TAKEN_BACK = "taken back"  # nobody knows again


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """A person's word about a request. `charge` is what it was charged by that word, all told; `at` is UTC."""

    request: str
    at: str
    who: str
    word: Word
    charge: Money | None
    note: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A definite refusal, free of charge. `verdict` is the classifier's word (`blocked`, `failed`, `retry` …)."""

    request: str
    request_key: Digest
    ordinal: int
    address: str
    code: str
    message: str
    verdict: str
    request_id: str | None
    at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Short:
    """A frame that a settled batch was to bring and didn't. `came` of `asked` did; `code` is the service's, or empty."""

    came: int
    asked: int
    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Took:
    """How long a settled request took: seconds from its sending until its `first` and its `last` picture was kept.

    `size` is the one asked for, `images` how many were, `came` how many did.
    """

    size: str
    images: int
    came: int
    first: float
    last: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """The request is claimed and its worst case reserved, on disk: `id` may be sent."""

    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedElsewhere:
    """Somebody is at work on the same picture. Of an owner that isn't `alive`, `recover()` frees it."""

    request: Request
    alive: bool
    mine: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldUnknown:
    """The same was sent before and nobody knows whether it was charged. It isn't sent again without a person's word."""

    request: Request


@dataclass(frozen=True, slots=True, kw_only=True)
class AlreadyKept:
    """The same was bought before and its pictures are kept: another process was quicker, or an index was lost."""

    request: Request
    takes: tuple[Take, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Overtaken:
    """Another request, with other neighbours, brought some of the frames meanwhile: by their place in the intent."""

    takes: Mapping[int, Take]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToFetch:
    """Paid pictures that can be fetched for nothing while their addresses live.

    The request is ours, or of unknown outcome: `kept` each, then `conclude` it; or `unknown` with the reason if they
    are gone. `until` is when the first address ends, in UTC.
    """

    request: Request
    located: tuple[Located, ...]
    until: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A sentence for people about one request."""

    request: Request
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """What dead processes left behind and what became of it. `takes` are to be put into the index (again)."""

    told: tuple[Told, ...] = ()
    released: tuple[Request, ...] = ()
    unknown: tuple[Request, ...] = ()
    settled: tuple[Request, ...] = ()
    to_fetch: tuple[ToFetch, ...] = ()
    takes: tuple[Take, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendRow:
    """One request in the ledger. `kept` are the prices of its pictures that came, by their place.

    `charged` is what is known to be charged; `open` is what may still be charged beyond it. `ids` are the service's for
    it, the one of its answer and the one in the addresses of its pictures, and ours.
    """

    request: Request
    user: str
    day: str
    ids: tuple[str, ...]
    kept: Mapping[int, Money]
    charged: Money | None
    open: Money | None

    @property
    def pictures(self) -> int:
        return len(self.kept)
