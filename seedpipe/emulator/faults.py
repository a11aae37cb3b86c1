"""The faults a person can ask for, and the book that says which of them hit a request. Pure; nothing acts here."""

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any, Final, Self

from seedpipe.emulator.codes import ERROR_CODES, is_known


class FaultKind(StrEnum):
    """What goes wrong. The first group ends a request, the second spoils its pictures, the third its batch or stream."""

    meaning: str

    def __new__(cls, value: str, meaning: str) -> Self:
        member = str.__new__(cls, value)
        member._value_ = value
        member.meaning = meaning
        return member

    DROP_BEFORE_BILLING = "drop-before-billing", "the connection ends, nothing was made"
    DROP_AFTER_BILLING = "drop-after-billing", "made and billed, the answer never leaves"
    STALL = "stall", "made and billed after its time, then silence for `seconds`"
    LATENCY = "latency", "`seconds` more before the first picture"
    RATE_LIMIT = "rate-limit", "429 images per minute; `retry_after` seconds as a header if given"
    OVERLOADED = "overloaded", "429 ServerOverloaded"
    BURST = "burst", "429 RequestBurstTooFast"
    INFLIGHT = "inflight", "429 InflightBatchsizeExceeded"
    QUOTA = "quota", "429 QuotaExceeded that never passes"
    BALANCE = "balance", "the account is empty: 429 (gateway) or 403 (upstream)"
    UNAUTHORISED = "unauthorised", "401 though the key is good"
    REFUSE = "refuse", "any `code` of the service's table; for others also its `status`, and `message` if you like"
    INTERNAL_ERROR = "internal-error", "500 with the service's own JSON; billed only with `billed: true`"
    UNAVAILABLE = "unavailable", "503 with the service's own JSON"
    BAD_GATEWAY = "bad-gateway", "502 HTML of a gateway, or `status` 503 or 504; billed unless `billed: false`"
    GATEWAY_TIMEOUT = "gateway-timeout", "524 HTML of a gateway; billed unless `billed: false`"
    TRUNCATED_BODY = "truncated-body", "billed, the answer breaks off in the middle"
    MODERATE_INPUT = "moderate-input", "the prompt is refused"
    MODERATE_REFERENCE = "moderate-reference", "a reference is refused"
    FETCH_TIMEOUT = "fetch-timeout", "a reference given by its address can't be fetched: 400 after ten seconds"
    MODERATE_OUTPUT = "moderate-output", "a picture is refused; a batch loses item `index`, or all of them"
    ERROR_IN_200 = "error-in-200", "status 200 with a top-level error, nothing billed"

    WRONG_FORMAT = "wrong-format", "other bytes than the address's extension and the order say"
    WRONG_EXTENSION = "wrong-extension", "the right bytes under another extension"
    SIZE_OFF = "size-off", "width and height times `ratio`; `data[].size` says so"
    SIZE_LIE = "size-lie", "width and height times `ratio`; `data[].size` says what was asked"
    GARBAGE = "garbage", "bytes that are no picture"
    EXPIRED_URL = "expired-url", "the address is past its life when it arrives: 403"
    GONE = "gone", "the object is not there: 404"
    SHORT_DOWNLOAD = "short-download", "fewer bytes than Content-Length; `downloads` times, then whole"
    DOWNLOAD_ERROR = "download-error", "503 of the object store; `downloads` times"
    REDIRECT = "redirect", "the object store answers 302 to `to`"

    FEWER = "fewer", "a batch makes `count` pictures"
    ITEM_ERROR = "item-error", "a 500 in a batch at item `index`: what follows is not made"
    CUT_STREAM = "cut-stream", "the stream ends after `count` pictures without a last event; all are billed"
    STREAM_ERROR = "stream-error", "the stream ends after `count` pictures with an error (`code`); no more are made"
    JSON_FOR_STREAM = "json-for-stream", "`stream: true` is ignored"
    PREVIEWS = "previews", "partial_image events stand between"
    KEEP_ALIVE = "keep-alive", "comments stand between"
    PRETTY_STREAM = "pretty-stream", "the events' JSON goes over many lines, as the documents print it"


DOWNLOAD_FAULTS: Final = frozenset(
    {
        FaultKind.EXPIRED_URL,
        FaultKind.GONE,
        FaultKind.SHORT_DOWNLOAD,
        FaultKind.DOWNLOAD_ERROR,
        FaultKind.REDIRECT,
    }
)
_KINDS: Final[Mapping[str, FaultKind]] = {str(kind): kind for kind in FaultKind}
_WORD: Final = re.compile(r"\bemulator:([a-z0-9-]+)")


# The JSON Schema of each field of a fault.
FIELDS: Final[Mapping[str, Mapping[str, object]]] = {
    "match": {"type": "string", "format": "regex", "description": "searched in the prompt; none: every prompt"},
    "model": {"type": "string", "format": "regex", "description": "searched in the model's id; none: every model"},
    "times": {"type": "integer", "minimum": 0, "description": "so many requests are hit; none: all"},
    "after": {"type": "integer", "minimum": 0, "description": "so many matching requests pass first"},
    "seconds": {"type": "number", "minimum": 0, "description": "how long"},
    "retry_after": {"type": "number", "minimum": 0, "description": "seconds of a `Retry-After` header"},
    "ratio": {"type": "number", "minimum": 0, "description": "by which a picture is smaller or larger; 0.98"},
    "to": {"type": "string", "description": "the address of a redirect"},
    "dialect": {"enum": ["gateway", "upstream"], "type": "string", "description": "whose errors; none: the address's"},
    "billed": {"type": "boolean", "description": "whether the pictures are made and billed; none: as the kind does"},
    "index": {"type": "integer", "minimum": 0, "description": "which picture of a batch, from 0"},
    "count": {"type": "integer", "minimum": 0, "description": "how many pictures; 1"},
    "downloads": {"type": "integer", "minimum": 0, "description": "how many downloads are hit; none: every one"},
    "code": {"type": "string", "description": "the error code"},
    "status": {"type": "integer", "minimum": 400, "description": "the HTTP status"},
    "message": {"type": "string", "description": "the error's words"},
    "named": {"type": "boolean", "description": "whether the error in a stream has an `event: error` line"},
}
_EXPECTED: Final = {"string": "text", "integer": "a whole number", "number": "a number", "boolean": "true or false"}
_A_SCENARIO: Final = "a scenario is a list of faults, or a mapping with `faults`"
_TYPES: Final[Mapping[str, tuple[type, ...]]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrong:
    """One thing that is wrong with a scenario. `path` leads to it in the document; `at_key` means the key itself."""

    message: str
    path: tuple[str | int, ...] = ()
    at_key: bool = False


class ScenarioError(ValueError):
    """A scenario that can't be understood: everything that is wrong with it, for the person who wrote it."""

    def __init__(self, *wrongs: Wrong) -> None:
        super().__init__("; ".join(wrong.message for wrong in wrongs))
        self.wrongs = wrongs


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
    code: str = ""
    status: int | None = None
    message: str = ""
    named: bool = False

    def hits(self, prompt: str, model: str) -> bool:
        return bool(re.search(self.match, prompt) and re.search(self.model, model))


def parse_faults(document: object) -> tuple[Fault, ...]:
    """A scenario: a list of faults, or a mapping with `faults`. Raises `ScenarioError`."""
    if document is None:
        return ()
    path: tuple[str | int, ...] = ()
    entries = document
    if isinstance(document, Mapping):
        strange = [name for name in document if name != "faults"]
        if strange:
            message = f"`{strange[0]}` is unknown; {_A_SCENARIO}"
            raise ScenarioError(Wrong(message=message, path=(str(strange[0]),), at_key=True))
        entries, path = document.get("faults"), ("faults",)
    if not isinstance(entries, Sequence) or isinstance(entries, str):
        raise ScenarioError(Wrong(message=_A_SCENARIO, path=path))
    found = [_Entry(number, entry, path) for number, entry in enumerate(entries)]
    wrongs = [wrong for entry in found for wrong in entry.wrongs]
    if wrongs:
        raise ScenarioError(*wrongs)
    return tuple(entry.fault for entry in found)


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
    return tuple(Fault(kind=_KINDS[word]) for word in _WORD.findall(prompt) if word in _KINDS)


def fault_to_dict(fault: Fault) -> dict[str, object]:
    """`do` and every field that is not as by default; `parse_faults` reads it back."""
    entry: dict[str, object] = {"do": str(fault.kind)}
    for field in fields(fault):
        if field.name != "kind" and (value := getattr(fault, field.name)) != field.default:
            entry[field.name] = value
    return entry


class _Entry:
    """One entry of a scenario while it is read; `fault` is good where nothing is wrong."""

    def __init__(self, number: int, entry: object, path: tuple[str | int, ...]) -> None:
        self.wrongs: list[Wrong] = []
        self._number, self._path = number, (*path, number)
        if isinstance(entry, str):
            entry = {"do": entry}
        if not isinstance(entry, Mapping):
            self._wrong("no mapping; expected one like `{do: stall, times: 1}`")
            return
        self._fields(dict(entry))

    def _fields(self, values: dict[str, Any]) -> None:
        values.pop("seen", None)
        word = values.pop("do", None)
        kind = _KINDS.get(word) if isinstance(word, str) else None
        if kind is None:
            self._wrong(f"`do` is `{word}`, {_nearest(str(word), _KINDS)}", "do")
        for name, value in values.items():
            if (rule := FIELDS.get(name)) is None:
                self._wrong(f"`{name}` is unknown, {_nearest(name, FIELDS)}", name, at_key=True)
            elif (problem := _problem(rule, value)) is not None:
                self._wrong(f"`{name}` is {problem}", name)
        if kind is not None and not self.wrongs:
            self.fault = Fault(kind=kind, **values)
            self._together(self.fault)

    def _together(self, fault: Fault) -> None:
        """What must fit to each other."""
        if fault.kind is FaultKind.REFUSE and not is_known(fault.code) and fault.status is None:
            near = "" if not fault.code else f"; `{fault.code}` is none: {_nearest(fault.code, ERROR_CODES)}"
            self._wrong(f"`refuse` needs a `code` of the service's table, or `status`{near}", "code")
        if fault.kind is FaultKind.BAD_GATEWAY and fault.status not in (None, 502, 503, 504):
            self._wrong(f"`status` is {fault.status}, expected 502, 503 or 504", "status")

    def _wrong(self, message: str, field: str = "", *, at_key: bool = False) -> None:
        path = (*self._path, field) if field else self._path
        self.wrongs.append(Wrong(message=f"fault {self._number + 1}: {message}", path=path, at_key=at_key))


def _problem(rule: Mapping[str, object], value: object) -> str | None:
    """What is wrong with the value of a field, if anything is."""
    kind = str(rule["type"])
    if not isinstance(value, _TYPES[kind]) or (isinstance(value, bool) and kind != "boolean"):
        return f"{_shown(value)}, expected {_EXPECTED[kind]}"
    least, allowed = rule.get("minimum"), rule.get("enum")
    if isinstance(least, int) and isinstance(value, int | float) and value < least:
        return f"{value}, expected {least} or more"
    if isinstance(allowed, list) and value not in allowed:
        return f"`{value}`, expected " + " or ".join(f"`{word}`" for word in allowed)
    if rule.get("format") == "regex":
        try:
            re.compile(str(value))
        except re.error as error:
            return f"no regular expression: {error}"
    return None


def _shown(value: object) -> str:
    names = {True: "true", False: "false"}
    return names[value] if isinstance(value, bool) else f"`{value}`" if isinstance(value, str) else str(value)


def _nearest(word: str, known: Iterable[str]) -> str:
    names = list(known)
    near = difflib.get_close_matches(word, names, n=1)
    return f"did you mean `{near[0]}`?" if near else "expected one of " + ", ".join(f"`{name}`" for name in names)


def scenario_schema() -> dict[str, object]:
    """The JSON Schema of a scenario file."""
    meanings = "\n".join(f"- `{kind}`: {kind.meaning}" for kind in FaultKind)
    do = {"enum": [str(kind) for kind in FaultKind], "description": f"What goes wrong.\n{meanings}"}
    fault = {
        "type": "object",
        "required": ["do"],
        "additionalProperties": False,
        "properties": {"do": do, **FIELDS, "seen": {"type": "integer", "description": "told by the emulator; ignored"}},
    }
    faults = {"type": "array", "items": {"anyOf": [{"enum": do["enum"]}, fault]}}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "seedpipe emulator scenario",
        "description": "The faults that an emulator makes: a list, or a mapping with `faults`.",
        "anyOf": [
            faults,
            {"type": "object", "required": ["faults"], "additionalProperties": False, "properties": {"faults": faults}},
            {"type": "null"},
        ],
    }
