"""The faults a person can ask for, and the book that says which of them hit a request. Pure; nothing acts here."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any, Final


class FaultKind(StrEnum):
    """What goes wrong. The first group ends a request, the second spoils its pictures, the third its stream."""

    DROP_BEFORE_BILLING = "drop-before-billing"  # the connection ends, nothing was made
    DROP_AFTER_BILLING = "drop-after-billing"  # made and billed, the answer never leaves
    STALL = "stall"  # made and billed after its time, then silence for `seconds`
    LATENCY = "latency"  # `seconds` more
    RATE_LIMIT = "rate-limit"  # 429 images per minute; `retry_after` seconds as a header if given
    OVERLOADED = "overloaded"  # 429 ServerOverloaded
    BURST = "burst"  # 429 RequestBurstTooFast
    INFLIGHT = "inflight"  # 429 InflightBatchsizeExceeded
    QUOTA = "quota"  # 429 that never passes
    BALANCE = "balance"  # the account is empty: 429 (gateway) or 403 (upstream)
    UNAUTHORISED = "unauthorised"  # 401 though the key is good
    INTERNAL_ERROR = "internal-error"  # 500 with the service's own JSON; billed only with `billed: true`
    UNAVAILABLE = "unavailable"  # 503 with the service's own JSON
    BAD_GATEWAY = "bad-gateway"  # 502 HTML of a gateway; billed unless `billed: false`
    GATEWAY_TIMEOUT = "gateway-timeout"  # 524 HTML of a gateway; billed unless `billed: false`
    TRUNCATED_BODY = "truncated-body"  # billed, the answer breaks off in the middle
    MODERATE_INPUT = "moderate-input"
    MODERATE_REFERENCE = "moderate-reference"
    MODERATE_OUTPUT = "moderate-output"  # a batch loses item `index`, or all of them
    ERROR_IN_200 = "error-in-200"  # status 200 with a top-level error, nothing billed

    WRONG_FORMAT = "wrong-format"  # other bytes than the address's extension and the order say
    WRONG_EXTENSION = "wrong-extension"  # the right bytes under another extension
    SIZE_OFF = "size-off"  # width and height times `ratio`; data[].size says so
    SIZE_LIE = "size-lie"  # the same, but data[].size says what was asked
    GARBAGE = "garbage"  # bytes that are no picture
    EXPIRED_URL = "expired-url"  # the address is past its life when it arrives
    GONE = "gone"  # the object is not there: 404
    SHORT_DOWNLOAD = "short-download"  # fewer bytes than Content-Length; `downloads` times, then whole
    DOWNLOAD_ERROR = "download-error"  # 503 of the object store; `downloads` times
    REDIRECT = "redirect"  # the object store answers 302 to `to`

    FEWER = "fewer"  # a batch makes `count` pictures
    ITEM_ERROR = "item-error"  # a 500 in a batch at item `index`: what follows is not made
    CUT_STREAM = "cut-stream"  # the stream ends after `count` pictures without a last event; all are billed
    JSON_FOR_STREAM = "json-for-stream"  # `stream: true` is ignored
    PREVIEWS = "previews"  # partial_image events stand between


PICTURE_FAULTS: Final = frozenset(
    {
        FaultKind.WRONG_FORMAT,
        FaultKind.WRONG_EXTENSION,
        FaultKind.SIZE_OFF,
        FaultKind.SIZE_LIE,
        FaultKind.GARBAGE,
    }
)
DOWNLOAD_FAULTS: Final = frozenset(
    {
        FaultKind.EXPIRED_URL,
        FaultKind.GONE,
        FaultKind.SHORT_DOWNLOAD,
        FaultKind.DOWNLOAD_ERROR,
        FaultKind.REDIRECT,
    }
)
_WORD: Final = re.compile(r"\bemulator:([a-z0-9-]+)")


class ScenarioError(ValueError):
    """A scenario that can't be understood; the message is for the person who wrote it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One knob. It hits requests whose prompt matches `match` and whose model matches `model`, `times` times."""

    kind: FaultKind
    match: str = ""  # a regular expression searched in the prompt; empty: every prompt
    model: str = ""  # the same for the wire id
    times: int | None = None  # None: always
    after: int = 0  # so many matching requests pass first
    seconds: float = 0.0
    retry_after: float | None = None
    ratio: float = 0.98
    to: str = ""
    dialect: str = ""  # `gateway` or `upstream`; empty: as the address does
    billed: bool | None = None  # None: as the kind does
    index: int | None = None
    count: int = 1
    downloads: int | None = None  # None: every download of the object

    def hits(self, prompt: str, model: str) -> bool:
        return bool(re.search(self.match, prompt) and re.search(self.model, model))


def parse_faults(document: object) -> tuple[Fault, ...]:
    """A scenario: a list of faults, or a mapping with `faults`. Raises `ScenarioError`."""
    if document is None:
        return ()
    entries = document.get("faults") if isinstance(document, Mapping) else document
    if not isinstance(entries, Sequence) or isinstance(entries, str):
        raise ScenarioError("a scenario is a list of faults, or a mapping with `faults`")
    return tuple(_parse_fault(number, entry) for number, entry in enumerate(entries, start=1))


class FaultBook:
    """What is asked for, and how often each fault has hit. One request takes its faults once, by `take`."""

    def __init__(self, faults: Sequence[Fault] = ()) -> None:
        self._faults = tuple(faults)
        self._seen = [0] * len(self._faults)

    def take(self, prompt: str, model: str) -> tuple[Fault, ...]:
        """The faults of this request: those of the scenario in its order, then the prompt's own words."""
        taken = []
        for number, fault in enumerate(self._faults):
            if not fault.hits(prompt, model):
                continue
            self._seen[number] += 1
            turn = self._seen[number] - fault.after
            if turn > 0 and (fault.times is None or turn <= fault.times):
                taken.append(fault)
        return (*taken, *spoken_faults(prompt))

    def entries(self) -> list[dict[str, object]]:
        """The scenario as data, each fault with how many matching requests it has `seen`."""
        return [{**fault_to_dict(fault), "seen": seen} for fault, seen in zip(self._faults, self._seen, strict=True)]


def spoken_faults(prompt: str) -> tuple[Fault, ...]:
    """Faults asked for in the prompt itself: `emulator:moderate-output`. Unknown words mean nothing."""
    known = {kind.value: kind for kind in FaultKind}
    return tuple(Fault(kind=known[word]) for word in _WORD.findall(prompt) if word in known)


def fault_to_dict(fault: Fault) -> dict[str, object]:
    """`do` and every field that is not as by default; `parse_faults` reads it back."""
    entry: dict[str, object] = {"do": str(fault.kind)}
    for field in fields(fault):
        if field.name != "kind" and (value := getattr(fault, field.name)) != field.default:
            entry[field.name] = value
    return entry


def _parse_fault(number: int, entry: object) -> Fault:
    if isinstance(entry, str):
        entry = {"do": entry}
    if not isinstance(entry, Mapping):
        raise ScenarioError(f"fault {number} is no mapping: expected one like `{{do: stall, times: 1}}`")
    values: dict[str, Any] = dict(entry)
    values.pop("seen", None)
    kind = values.pop("do", None)
    if kind not in {str(known) for known in FaultKind}:
        names = ", ".join(f"`{known}`" for known in FaultKind)
        raise ScenarioError(f"fault {number}: `do` is `{kind}`, expected one of {names}")
    for name, value in values.items():
        _check_value(number, name, value)
    return Fault(kind=FaultKind(kind), **values)


def _check_value(number: int, name: str, value: object) -> None:
    kinds: dict[str, tuple[type, ...]] = {
        **dict.fromkeys(("match", "model", "to", "dialect"), (str,)),
        **dict.fromkeys(("times", "after", "index", "count", "downloads"), (int,)),
        **dict.fromkeys(("seconds", "retry_after", "ratio"), (int, float)),
        "billed": (bool,),
    }
    if name not in kinds:
        raise ScenarioError(f"fault {number}: `{name}` is unknown, expected one of {', '.join(kinds)}")
    if not isinstance(value, kinds[name]) or (isinstance(value, bool) and name != "billed"):
        raise ScenarioError(f"fault {number}: `{name}` is {value!r}, expected {kinds[name][-1].__name__}")
    if isinstance(value, int | float) and not isinstance(value, bool) and value < 0:
        raise ScenarioError(f"fault {number}: `{name}` is {value}, expected 0 or more")
    if name == "dialect" and value not in ("gateway", "upstream"):
        raise ScenarioError(f"fault {number}: `dialect` is `{value}`, expected `gateway` or `upstream`")
    if name in ("match", "model"):
        try:
            re.compile(str(value))
        except re.error as error:
            raise ScenarioError(f"fault {number}: `{name}` is no regular expression: {error}") from error
