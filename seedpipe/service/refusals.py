"""What a refusal is: its verdict, the provider's words, its ids. `verdicts` says which verdict a code and its words have.

A verdict says whether the request cost something and what to do now. Only what is *known* to be free may be
sent again: an answer that is not understood is `UNKNOWN`, never free.
"""

import datetime
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Verdict(StrEnum):
    RETRY = "retry"  # refused and free; the same request may pass soon
    SLOW_DOWN = "slow down"  # refused and free; too much at once
    NOT_BEFORE = "not before"  # refused and free; passes after `not_before`
    NODE = "node"  # refused and free; this request is wrong and stays wrong
    BLOCKED = "blocked"  # refused and free; moderation
    STOP = "stop"  # refused and free; every other request would be refused too, until a person acts
    UNKNOWN = "unknown"  # may have been billed; never sent again unasked


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How one provider's errors differ; plain values from the catalogue."""

    unbilled: frozenset[str] = frozenset()  # codes of 5xx answers that are known to be free
    blocked_statuses: frozenset[int] = frozenset()  # HTTP statuses that mean moderation when the code says nothing


UPSTREAM: Final = Dialect()


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """No picture came. `message` has the provider's own words, without control characters."""

    verdict: Verdict
    http_status: int | None  # None: there was no answer
    code: str  # the provider's, may be empty
    message: str
    request_id: str | None = None
    retry_after: float | None = None  # seconds, as the server asked
    not_before: datetime.datetime | None = None  # with `NOT_BEFORE`; aware
    hint: str | None = None  # the one thing to do
    is_told: bool = False  # by an error object of the service; False: a web page, an empty body, no answer
    is_emulator: bool = False

    @property
    def is_free(self) -> bool:
        return self.verdict is not Verdict.UNKNOWN


_RESET: Final = re.compile(
    r"reset at\s+(?P<t>\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?)\s*(?P<zone>Z|UTC|[+-]\d\d:?\d\d)?"
)
_REQUEST_ID: Final = re.compile(r"request[ _]?id:?\s*[\"(]?([0-9A-Za-z_-]{8,128})", re.IGNORECASE)
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]+")
_MAX_WORDS: Final = 4_000


def reset_time(message: str) -> datetime.datetime | None:
    """The time of "It will reset at {t}"; without a zone it is read as UTC."""
    match = _RESET.search(message)
    if match is None:
        return None
    zone = match["zone"] or "+00:00"
    zone = "+00:00" if zone in ("Z", "UTC") else zone
    try:
        return datetime.datetime.fromisoformat(match["t"].replace(" ", "T") + zone)
    except ValueError:
        return None


def request_id_in(message: str) -> str | None:
    """The id that the service writes at the end of its messages."""
    match = _REQUEST_ID.search(message)
    return None if match is None else match[1]


def clean(text: str) -> str:
    """Somebody else's words, safe to show in a terminal."""
    return _CONTROL.sub(" ", text.encode("utf-8", "replace").decode()).strip()[:_MAX_WORDS]
