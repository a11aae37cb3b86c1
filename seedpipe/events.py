"""What a build says while it runs. The executor emits, displays and files only listen; the journal is no listener."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Final, get_args, get_type_hints

from seedpipe.limits import EVENTS_FORMAT
from seedpipe.money import Money
from seedpipe.names import Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """`at` is seconds since the build began (monotonic clock)."""

    name: ClassVar[str] = "event"
    at: float

    def to_dict(self) -> dict[str, Any]:
        """The event as one JSON object: `event` names its type; digests and money are text."""
        values: dict[str, Any] = {"event": self.name}
        for item in fields(self):
            value = getattr(self, item.name)
            if isinstance(value, Digest | Money):
                value = str(value)
            elif isinstance(value, tuple):
                value = list(value)
            elif isinstance(value, float):
                value = round(value, 3)
            values[item.name] = value
        return values


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildStarted(Event):
    """`todo` are the addresses that the build will touch, in plan order; `buys` counts pictures to be bought."""

    name: ClassVar = "build_started"
    project: str
    realm: str
    todo: tuple[str, ...]
    buys: int
    expected: Money
    high: Money
    cap: Money | None  # the tightest cap that binds this run
    seconds: float  # forecast


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered(Event):
    """A sentence about what a dead build left behind and what became of it; the ids are those of its `RequestSent`."""

    name: ClassVar = "recovered"
    sentence: str
    address: str | None = None
    request: str | None = None
    client_request_id: str | None = None
    request_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeStarted(Event):
    """Work on a node began. `work`: `request` | `fetch` | `steps`. `look`: of a picture with looks, this one."""

    name: ClassVar = "node_started"
    address: str
    work: str
    look: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeWaiting(Event):
    """`why`: `rate` (images per minute), `backoff` (the service asked), `cap` (open reservations), `elsewhere`."""

    name: ClassVar = "node_waiting"
    address: str
    why: str
    seconds: float | None = None
    look: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestSent(Event):
    """The request is on its way, and its intent is on disk as `request`.

    `client_request_id` is ours on the wire; `reserved` the worst that it may cost, for `pictures` of them. `look`: of a
    picture with looks, the one that it is for.
    """

    name: ClassVar = "request_sent"
    address: str
    take: int
    client_request_id: str
    request: str | None = None
    pictures: int = 1
    reserved: Money | None = None
    look: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestEnded(Event):
    """What the journal says of a request now: `settled`, `refused`, `unknown`; `located` or `kept`: still to be fetched.

    `charge` is set when it is settled, `code` and `message` when it was refused or is not known. `request_id` is the
    service's, None if it said none.
    """

    name: ClassVar = "request_ended"
    address: str
    request: str
    client_request_id: str
    request_id: str | None
    outcome: str
    charge: Money | None = None
    code: str | None = None
    message: str | None = None
    look: str | None = None
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeKept(Event):
    """A picture is safe in the store. `cost` is what was charged for it; the ids are those of its request."""

    name: ClassVar = "take_kept"
    address: str
    digest: Digest
    width: int
    height: int
    cost: Money
    request_id: str | None
    client_request_id: str | None = None
    request: str | None = None
    look: str | None = None
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeDone(Event):
    """`how`: `made` (bought) | `derived` | `cached` | `fetched`. `output` is relative to the project's folder.

    `look`: of a picture with looks, the one that `digest` is of.
    """

    name: ClassVar = "node_done"
    address: str
    how: str
    digest: Digest
    output: str | None
    look: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeAbsent(Event):
    """A picture that there need not be: fewer came of a counted sequence, or of a picture taken apart."""

    name: ClassVar = "node_absent"
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeFailed(Event):
    """`outcome`: `failed` | `blocked` | `capped` | `unknown` | `missing` | `edited` | `short` | `skipped` (an upstream did not come).

    `request_id` is the service's; `client_request_id` ours, of an outcome that is not known. `look`: only that one did
    not come.
    """

    name: ClassVar = "node_failed"
    address: str
    outcome: str
    code: str
    message: str
    request_id: str | None = None
    client_request_id: str | None = None
    hint: str | None = None
    look: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice(Event):
    """Something worth a line that is no failure: a size that differs, a lock entry that someone else changed."""

    name: ClassVar = "notice"
    address: str | None
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildStopping(Event):
    """Nothing new starts. `why` is a sentence; what is in flight is awaited."""

    name: ClassVar = "build_stopping"
    why: str
    in_flight: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildFinished(Event):
    """The last event. `counts` are (outcome, number) pairs; `spent` is what this run was charged."""

    name: ClassVar = "build_finished"
    counts: tuple[tuple[str, int], ...]
    bought: int
    spent: Money
    uncertain: Money
    seconds: float
    exit_code: int


Listener = Callable[[Event], None]

EVENTS: Final[Sequence[type[Event]]] = (
    BuildStarted,
    Recovered,
    NodeStarted,
    NodeWaiting,
    RequestSent,
    TakeKept,
    RequestEnded,
    NodeDone,
    NodeAbsent,
    NodeFailed,
    Notice,
    BuildStopping,
    BuildFinished,
)
_SCHEMAS: Final[Mapping[object, dict[str, Any]]] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    Money: {"type": "string", "pattern": r"^-?[0-9]+\.[0-9]{2,6} [A-Z]{3}$"},
    Digest: {"type": "string", "pattern": "^sha256:[0-9a-f]{64}$"},
    tuple[str, ...]: {"type": "array", "items": {"type": "string"}},
    tuple[tuple[str, int], ...]: {
        "type": "array",
        "items": {
            "type": "array",
            "prefixItems": [{"type": "string"}, {"type": "integer"}],
            "minItems": 2,
            "maxItems": 2,
        },
    },
}


def events_schema() -> dict[str, Any]:
    """The JSON Schema of one line of `--events FILE`."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:seedpipe:events:{EVENTS_FORMAT}",
        "title": "A line of `seedpipe build --events FILE`",
        "description": "One event of a build. The first line of a file also says the format.",
        "oneOf": [_schema_of(event) for event in EVENTS],
    }


def _schema_of(event: type[Event]) -> dict[str, Any]:
    hints = get_type_hints(event)
    properties: dict[str, Any] = {"event": {"const": event.name}}
    for item in fields(event):
        properties[item.name] = _type_schema(hints[item.name])
    if event is BuildStarted:
        properties["seedpipe_events"] = {"const": EVENTS_FORMAT, "description": "Format; in the first line."}
    return {
        "title": event.name,
        "description": " ".join((event.__doc__ or "").split()),
        "type": "object",
        "properties": properties,
        "required": ["event", *(item.name for item in fields(event))],
        "additionalProperties": False,
    }


def _type_schema(hint: Any) -> dict[str, Any]:
    if hint in _SCHEMAS:
        return _SCHEMAS[hint]
    (other,) = (one for one in get_args(hint) if one is not type(None))
    return {"anyOf": [_SCHEMAS[other], {"type": "null"}]}
