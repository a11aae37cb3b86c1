"""What a purchase is about: the take that is wanted, the order for it, the request that went out, and what did not come."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC

from seedpipe.build.budget import cap_name
from seedpipe.money import Money
from seedpipe.names import Digest
from seedpipe.service.refusals import Refusal, Verdict
from seedpipe.state.caps import CapKind, CapReached
from seedpipe.state.requests import Request
from seedpipe.state.take import Take

UNCERTAIN_HINT = (
    "`seedpipe resolve` says what is known of it and takes your word; `seedpipe build --retry-unknown` may pay twice"
)
SHORT_HINT = "`seedpipe build` again makes what is missing, each picture alone"
ALONE_HINT = "change its words, or `seedpipe build` again makes it alone as it is"
FETCH_AGAIN_HINT = (
    "`seedpipe build` again: it is fetched for nothing while its address lives (`resolve` says until when)"
)
CAME_SHORT = "came-short"  # the code of a picture that the service made no attempt at


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedPicture:
    """One picture that a request is to bring: whose it is, and what it is wanted for. `document` is the want's."""

    address: str
    want: Digest
    document: str | None  # None: not remembered


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One request: under which key, for which pictures, and what each costs. `address` names it in messages.

    `look`: of a picture with several looks, the one that is asked for.
    """

    address: str
    ordinal: int
    key: Digest
    document: str
    model: str
    price: Money  # of one picture
    pictures: tuple[WantedPicture, ...]
    look: str | None = None

    def picture(self, place: int) -> WantedPicture:
        """What the picture at `place` of the answer is. More than was asked for is paid as well, and kept."""
        if place < len(self.pictures):
            return self.pictures[place]
        return WantedPicture(address=self.address, want=self.key, document=self.document)

    @property
    def worst(self) -> Money:
        """What the request costs if every picture comes."""
        return self.price * len(self.pictures)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One request to send. `body` makes the request's bytes when they are needed, so that they aren't all in memory."""

    wanted: Wanted
    timeout: float  # seconds for all of it
    silence: float  # seconds from one picture of a stream to the next
    tags: tuple[str, ...]
    despite_unknown: bool
    body: Callable[[], Awaitable[bytes]]
    anew: bool = False  # a person wants another picture beside those that there are


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A request on its way: its id in the journal, our id on the wire, and when it left (build clock)."""

    wanted: Wanted
    request: str
    client_request_id: str
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class NotBought:
    """`outcome` as in `events.NodeFailed`, `stopped`, or `overtaken`, which is to be ordered without its neighbours.

    `stop` says why nothing else should start either. `client_request_id` is ours, of an outcome that is not known.
    `look`: only that one did not come.
    """

    outcome: str
    code: str
    message: str
    request_id: str | None = None
    client_request_id: str | None = None
    hint: str | None = None
    stop: str | None = None
    look: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bought:
    """What an order came to, by the place of each picture in it: a take, or why there is none."""

    takes: Mapping[int, Take] = field(default_factory=dict)
    missing: Mapping[int, NotBought] = field(default_factory=dict)

    @classmethod
    def nothing(cls, wanted: Wanted, why: NotBought) -> "Bought":
        return cls(missing=dict.fromkeys(range(len(wanted.pictures)), why))


OVERTAKEN = NotBought(outcome="overtaken", code="overtaken", message="another request brought its neighbours meanwhile")
STOPPED = NotBought(outcome="stopped", code="stopped", message="the build was stopped before it was sent")


def refused(refusal: Refusal, sent: Sent | None = None) -> NotBought:
    """What a refusal that is not tried again means for its node. `sent`: the request that it answers."""
    code = refusal.code or _status_code(refusal.http_status)
    if refusal.verdict is Verdict.UNKNOWN:
        ours = sent.client_request_id if sent is not None else None
        return uncertain(code, refusal.message, request_id=refusal.request_id, client_request_id=ours)
    return NotBought(
        outcome="blocked" if refusal.verdict is Verdict.BLOCKED else "failed",
        code=code,
        message=refusal.message,
        request_id=refusal.request_id,
        hint=refusal.hint or _hint(refusal),
        stop=refusal.message if refusal.verdict in (Verdict.STOP, Verdict.NOT_BEFORE) else None,
    )


def _hint(refusal: Refusal) -> str | None:
    match refusal.verdict:
        case Verdict.BLOCKED:
            return "change the words or the references; `--retry-blocked` sends it again as it is"
        case Verdict.NOT_BEFORE if refusal.not_before is not None:
            return f"`seedpipe build` again after {refusal.not_before.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
        case Verdict.RETRY | Verdict.SLOW_DOWN:
            return "`seedpipe build` again, later: nothing was billed for it"
        case _:
            return None


def _status_code(status: int | None) -> str:
    """A 200 that broke off is no answer, and saying `200` would be no help."""
    return "no-answer" if status is None or status < 400 else str(status)


def uncertain(
    code: str,
    message: str,
    *,
    hint: str = UNCERTAIN_HINT,
    request_id: str | None = None,
    client_request_id: str | None = None,
) -> NotBought:
    """It may have been charged, and nobody knows: the one way to say so. Never sent again by itself."""
    return NotBought(
        outcome="unknown",
        code=code,
        message=message,
        request_id=request_id,
        client_request_id=client_request_id,
        hint=hint,
    )


def not_kept(why: str, hint: str, *, request_id: str | None = None, client_request_id: str | None = None) -> NotBought:
    """It was paid for, and its picture is not here."""
    message = f"it was made and charged, but could not be kept: {why}"
    return uncertain("not-kept", message, hint=hint, request_id=request_id, client_request_id=client_request_id)


def still_to_fetch(request: Request) -> NotBought:
    """It was paid for and is at the provider still; what stood in the way is written down."""
    return uncertain(
        "not-kept",
        f"it was {request.why or 'made and charged, but could not be kept: it could not be fetched a while ago'}",
        hint=FETCH_AGAIN_HINT,
        request_id=request.request_id,
        client_request_id=request.client_request_id,
    )


def capped(reached: CapReached, wanted: Wanted) -> NotBought:
    """A cap that would be passed even when everything that is open has settled."""
    cap = reached.cap
    of = f" for `{reached.address}`" if reached.address not in (None, wanted.address) else ""
    used = reached.used + reached.open_reservations + reached.uncertain
    held = f", {reached.uncertain} of it uncertain" if reached.uncertain else ""
    limit = f"the cap {cap_name(cap)}{of} of {cap.limit} ({cap.source})"
    hint = "raise the cap where it was set"
    if cap.kind in (CapKind.PER_DAY, CapKind.PER_MONTH):
        hint += ", or build again when its period is over (UTC)"
    if reached.uncertain:
        hint += "; `seedpipe resolve` frees what was not charged"
    return NotBought(
        outcome="capped",
        code="cap",
        message=f"{reached.asked} more would pass {limit}; {used} are used{held}",
        hint=hint,
    )
