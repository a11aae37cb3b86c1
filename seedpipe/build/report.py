"""What becomes of the nodes of a run: one door through which every outcome is counted and said."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from seedpipe.events import BuildStopping, Event, NodeAbsent, NodeDone, NodeFailed, NodeStarted, Notice, TakeKept
from seedpipe.limits import ExitCode, most_urgent
from seedpipe.names import Digest

OUTCOME_CODES: Mapping[str, ExitCode] = {
    "unknown": ExitCode.UNCERTAIN,
    "capped": ExitCode.REFUSED,
    "blocked": ExitCode.BLOCKED,
    "failed": ExitCode.FAILED,
    "short": ExitCode.FAILED,
    "missing": ExitCode.FAILED,
    "edited": ExitCode.FAILED,
}


class NodeError(Exception):
    """A node's picture doesn't come. Carries what its event says.

    Two outcomes are no failure: `stopped` before it began, and `absent`, a picture that need not exist.
    """

    def __init__(
        self,
        outcome: str,
        code: str,
        message: str,
        *,
        request_id: str | None = None,
        client_request_id: str | None = None,
        hint: str | None = None,
        look: str | None = None,
    ):
        super().__init__(message)
        self.outcome = outcome
        self.code = code
        self.message = message
        self.request_id = request_id
        self.client_request_id = client_request_id
        self.hint = hint
        self.look = look


def gone(chosen: Digest) -> NodeError:
    """The bytes of a chosen picture are nowhere any more, though they were when the plan was made."""
    hint = "`seedpipe plan` says where it may still be, and what another would cost"
    return NodeError("missing", "bytes-missing", f"the chosen picture {chosen.short} is gone", hint=hint)


@dataclass(slots=True, kw_only=True)
class Result:
    """What a run came to: nodes by outcome, and the pictures that it bought itself."""

    bought: int = 0
    received: set[Digest] = field(default_factory=set)
    counts: Counter[str] = field(default_factory=Counter)
    outcomes: set[str] = field(default_factory=set)
    interrupted: bool = False

    @property
    def exit_code(self) -> ExitCode:
        codes = {OUTCOME_CODES[outcome] for outcome in self.outcomes if outcome in OUTCOME_CODES}
        return most_urgent(codes | ({ExitCode.INTERRUPTED} if self.interrupted else set()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Counts into `result` and emits. `clock` gives seconds since the build began."""

    emit: Callable[[Event], None]
    clock: Callable[[], float]
    result: Result = field(default_factory=Result)

    def started(self, address: str, work: str, look: str | None = None) -> None:
        """`work` as in `events.NodeStarted`."""
        self.emit(NodeStarted(at=self.clock(), address=address, work=work, look=look))

    def kept(self, take: TakeKept) -> None:
        """A bought picture is safe."""
        self.result.bought += 1
        self.result.received.add(take.digest)
        self.emit(take)

    def done(self, address: str, how: str, digest: Digest, output: str | None, look: str | None = None) -> None:
        """`how` as in `events.NodeDone`."""
        self.result.counts[how] += 1
        self.emit(NodeDone(at=self.clock(), address=address, how=how, digest=digest, output=output, look=look))

    def failed(self, address: str, error: NodeError) -> None:
        """What did not come, and why. A node that the build's end kept from starting is only counted."""
        self.result.counts[error.outcome] += 1
        if error.outcome == "absent":
            self.emit(NodeAbsent(at=self.clock(), address=address))
        if error.outcome in ("stopped", "absent"):
            return
        self.result.outcomes.add(error.outcome)
        self.emit(
            NodeFailed(
                at=self.clock(),
                address=address,
                outcome=error.outcome,
                code=error.code,
                message=error.message,
                request_id=error.request_id,
                client_request_id=error.client_request_id,
                hint=error.hint,
                look=error.look,
            )
        )

    def notice(self, address: str | None, message: str) -> None:
        self.emit(Notice(at=self.clock(), address=address, message=message))

    def stopping(self, why: str, *, in_flight: int) -> None:
        self.emit(BuildStopping(at=self.clock(), why=why, in_flight=in_flight))
