"""What a purchase is about: the take that is wanted, the order for it, the request that went out, and what did not come."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from seedpipe.money import Money
from seedpipe.names import Digest
from seedpipe.service.refusals import Refusal, Verdict
from seedpipe.state.caps import CapReached

RETRY_UNKNOWN_HINT = "`seedpipe build --retry-unknown` sends it again, and may pay twice"
_OUTCOMES = {Verdict.UNKNOWN: "unknown", Verdict.BLOCKED: "blocked"}
_HINTS = {
    Verdict.UNKNOWN: RETRY_UNKNOWN_HINT,
    Verdict.BLOCKED: "change the words or the references; `--retry-blocked` sends it again as it is",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One take: whose it is, under which key, and what it costs. `size` None: what was asked for isn't remembered."""

    address: str
    ordinal: int
    key: Digest
    document: str
    model: str
    size: str | None
    price: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One take to buy. `body` makes the request's bytes when they are needed, so that they aren't all in memory."""

    wanted: Wanted
    timeout: float  # seconds
    tags: tuple[str, ...]
    despite_unknown: bool
    body: Callable[[], Awaitable[bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A request on its way: its id in the journal, our id on the wire, and when it left (build clock)."""

    wanted: Wanted
    request: str
    client_request_id: str
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class NotBought:
    """`outcome` as in `events.NodeFailed`, or `stopped`; `stop` says why nothing else should start either."""

    outcome: str
    code: str
    message: str
    request_id: str | None = None
    hint: str | None = None
    stop: str | None = None


STOPPED = NotBought(outcome="stopped", code="stopped", message="the build was stopped before it was sent")


def refused(refusal: Refusal) -> NotBought:
    """What a refusal that is not tried again means for its node."""
    return NotBought(
        outcome=_OUTCOMES.get(refusal.verdict, "failed"),
        code=refusal.code or str(refusal.http_status or "no-answer"),
        message=refusal.message,
        request_id=refusal.request_id,
        hint=refusal.hint or _HINTS.get(refusal.verdict),
        stop=refusal.message if refusal.verdict in (Verdict.STOP, Verdict.NOT_BEFORE) else None,
    )


def capped(reached: CapReached, wanted: Wanted) -> NotBought:
    """A cap that would be passed even when everything that is open has settled."""
    cap = reached.cap
    kind = cap.kind.value.replace("_", " ")
    used = reached.used + reached.open_reservations + reached.uncertain
    held = f", {reached.uncertain} of it uncertain" if reached.uncertain else ""
    return NotBought(
        outcome="capped",
        code="cap",
        message=f"{wanted.price} more would pass the cap {kind} of {cap.limit} ({cap.source}); {used} used{held}",
        hint="raise the cap where it was set, or wait until its period is over",
    )
