"""What a refusal means: every code of the service and its gateways, and the one verdict for each.

A verdict says whether the request cost something and what to do now. Only what is *known* to be free may be
sent again: an answer that is not understood is `UNKNOWN`, never free.
"""

import datetime
import re
from collections.abc import Mapping
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


# The longest matching prefix wins; case is ignored. Codes of (ERR), then the gateways' own (New-API, OpenAI).
_CODES: Final[Mapping[str, Verdict]] = {
    "missingparameter": Verdict.NODE,
    "invalidparameter": Verdict.NODE,
    "invalidimageurl": Verdict.NODE,
    "badrequest": Verdict.NODE,  # a type that samples also show as a code
    "sensitivecontentdetected": Verdict.BLOCKED,
    "inputtextsensitivecontentdetected": Verdict.BLOCKED,
    "inputimagesensitivecontentdetected": Verdict.BLOCKED,
    "outputtextsensitivecontentdetected": Verdict.BLOCKED,
    "outputimagesensitivecontentdetected": Verdict.BLOCKED,
    "inputtextriskdetection": Verdict.BLOCKED,
    "inputimageriskdetection": Verdict.BLOCKED,
    "outputtextriskdetection": Verdict.BLOCKED,
    "outputimageriskdetection": Verdict.BLOCKED,
    "contentsecuritydetectionerror": Verdict.RETRY,
    "invalidendpoint.closedendpoint": Verdict.RETRY,
    "authenticationerror": Verdict.STOP,
    "authn_": Verdict.STOP,
    "invalidaccountstatus": Verdict.STOP,
    "accountoverdueerror": Verdict.STOP,
    "accessdenied": Verdict.STOP,
    "operationdenied": Verdict.STOP,
    "invalidendpointormodel": Verdict.STOP,
    "modelnotopen": Verdict.STOP,
    "unsupportedmodel": Verdict.STOP,
    "modelaccountipmratelimitexceeded": Verdict.SLOW_DOWN,
    "modelaccountrpmratelimitexceeded": Verdict.SLOW_DOWN,
    "modelaccounttpmratelimitexceeded": Verdict.SLOW_DOWN,
    "apiaccountrpmratelimitexceeded": Verdict.SLOW_DOWN,
    "accountratelimitexceeded": Verdict.SLOW_DOWN,
    "ratelimitexceeded": Verdict.SLOW_DOWN,
    "serveroverloaded": Verdict.SLOW_DOWN,
    "requestbursttoofast": Verdict.SLOW_DOWN,
    "inflightbatchsizeexceeded": Verdict.SLOW_DOWN,
    "quotaexceeded": Verdict.STOP,  # three meanings: `_quota`
    "setlimitexceeded": Verdict.STOP,
    "internalserviceerror": Verdict.UNKNOWN,
    "invalid_api_key": Verdict.STOP,
    "insufficient_user_quota": Verdict.STOP,
    "insufficient_quota": Verdict.STOP,
    "insufficient_balance": Verdict.STOP,
    "pre_consume_token_quota_failed": Verdict.STOP,
    "billing_hard_limit_reached": Verdict.STOP,
    "model_not_found": Verdict.STOP,
    "rate_limit_exceeded": Verdict.SLOW_DOWN,
    "rate_limit_error": Verdict.SLOW_DOWN,
    "content_policy_violation": Verdict.BLOCKED,
    "moderation_blocked": Verdict.BLOCKED,
    "content_filter": Verdict.BLOCKED,
    "sensitive_words_detected": Verdict.BLOCKED,
    "prompt_blocked": Verdict.BLOCKED,
}
_IN_TEXT: Final = re.compile(
    r"\b(?:" + "|".join(sorted((re.escape(code) for code in _CODES), key=len, reverse=True)) + r")[\w.]*",
    re.IGNORECASE,
)
_MODERATION: Final = re.compile(
    r"sensitive[ _](?:content|info|word)|moderat|content[ _]polic|safety|violat|prohibited|敏感|审核|违规",
    re.IGNORECASE,
)
_BALANCE: Final = re.compile(
    r"insufficient[ _](?:\w+[ _])?(?:balance|quota|credit|fund)|\bbalance\b|overdue|arrears|billing|recharge|"
    r"\btop.?up\b|余额|额度不足|欠费|充值",
    re.IGNORECASE,
)
_RATE: Final = re.compile(
    r"rate.?limit|too many requests|per (?:minute|second)|\b[rit]pm\b|concurren|too fast|overload|"
    r"频率|频繁|并发|负载",
    re.IGNORECASE,
)
_QUOTA: Final = re.compile(r"quota|credit|free trial|额度", re.IGNORECASE)
_QUEUE: Final = re.compile(r"queue|排队", re.IGNORECASE)
_NO_CHANNEL: Final = re.compile(r"no available channel|无可用渠道", re.IGNORECASE)
_RESET: Final = re.compile(
    r"reset at\s+(?P<t>\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?)\s*(?P<zone>Z|UTC|[+-]\d\d:?\d\d)?"
)
_REQUEST_ID: Final = re.compile(r"request[ _]?id:?\s*[\"(]?([0-9A-Za-z_-]{8,128})", re.IGNORECASE)
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]+")
_MAX_WORDS: Final = 4_000

_HINTS: Final[Mapping[str, str]] = {
    "authenticationerror": "check the key: `seedpipe login`, or the key variable of the provider",
    "authn_": "check the key: `seedpipe login`, or the key variable of the provider",
    "invalid_api_key": "check the key: `seedpipe login`, or the key variable of the provider",
    "accountoverdueerror": "settle the overdue balance in the provider's console",
    "operationdenied.serviceoverdue": "settle the overdue balance in the provider's console",
    "operationdenied.servicenotopen": "open the service in the provider's console",
    "invalidaccountstatus": "ask the provider about the state of the account",
    "accessdenied": "give the key access to this model in the provider's console",
    "modelnotopen": "activate the model in the provider's console",
    "invalidendpointormodel": "check the model, and that the base URL is of the key's region",
    "unsupportedmodel": "this plan does not have the model: choose another, or another base URL",
    "setlimitexceeded": "raise the spending limit that was set in the provider's console",
    "insufficient": "top up the account at the provider",
    "quotaexceeded": "the quota is used up: activate paid use of the model in the provider's console",
}


def verdict_of(
    status: int | None, code: str, kind: str, message: str, dialect: Dialect = UPSTREAM
) -> tuple[Verdict, str | None]:
    """(verdict, hint) for an error whose envelope was read. `kind` is its `type`; `status` None: of one item."""
    own_words = status is None or status < 500
    known = _known(code) or (_known(kind) if own_words else None)
    if _is(code, "quotaexceeded"):
        return _quota(message)
    if known is Verdict.UNKNOWN or (known is None and not own_words):
        return _server_fault(status, code, message, dialect)
    if known is Verdict.NODE and _is(code or kind, "badrequest") and _MODERATION.search(message):
        return Verdict.BLOCKED, None
    if known is not None:
        return known, _hint(code or kind, message) if known is Verdict.STOP else None
    inner = _IN_TEXT.search(message)
    if inner is not None and status is not None and 400 <= status < 500:
        return verdict_of(status, inner[0], "", message, dialect)
    return _by_status(status, message, dialect)


def _known(code: str) -> Verdict | None:
    text = code.strip().lower()
    hits = [prefix for prefix in _CODES if text.startswith(prefix)]
    return _CODES[max(hits, key=len)] if hits else None


def _is(code: str, *prefixes: str) -> bool:
    return code.strip().lower().startswith(prefixes)


def _hint(code: str, message: str) -> str | None:
    text = code.strip().lower()
    hits = [prefix for prefix in _HINTS if text.startswith(prefix)]
    if hits:
        return _HINTS[max(hits, key=len)]
    return _HINTS["insufficient"] if _BALANCE.search(f"{text} {message}") else None


def _quota(message: str) -> tuple[Verdict, str | None]:
    """`QuotaExceeded` has three meanings, told apart by its words (ERR)."""
    if re.search(r"free trial", message, re.IGNORECASE):
        return Verdict.STOP, _HINTS["quotaexceeded"]
    if reset_time(message) is not None:
        return Verdict.NOT_BEFORE, None
    if _QUEUE.search(message):
        return Verdict.SLOW_DOWN, None
    return Verdict.STOP, _HINTS["quotaexceeded"]


def item_verdict(code: str, kind: str, message: str) -> Verdict:
    """The verdict on one failed picture of an answer that came: such an item is not billed (`generated_images`)."""
    if _is(code, "internalserviceerror"):
        return Verdict.RETRY
    verdict, _ = verdict_of(None, code, kind, message)
    return Verdict.NODE if verdict is Verdict.UNKNOWN else verdict


def _server_fault(status: int | None, code: str, message: str, dialect: Dialect) -> tuple[Verdict, str | None]:
    if code in dialect.unbilled or has_no_channel(message):
        return Verdict.RETRY, None
    if status is not None and 400 <= status < 500:
        return Verdict.NODE, None
    return Verdict.UNKNOWN, None


def has_no_channel(message: str) -> bool:
    """Whether a gateway says that nothing behind it serves the model."""
    return _NO_CHANNEL.search(message) is not None


def _by_status(status: int | None, message: str, dialect: Dialect) -> tuple[Verdict, str | None]:
    """No known code: the status, and the words where one status has two meanings."""
    match status:
        case 401:
            return Verdict.STOP, _HINTS["authenticationerror"]
        case 402:
            return Verdict.STOP, _HINTS["insufficient"]
        case 429:
            return _throttled(message)
        case 403:
            return _forbidden(message, dialect)
        case 404 | 405:
            return Verdict.STOP, _HINTS["invalidendpointormodel"]
        case 408 | 409 | 425 | 499:
            return Verdict.UNKNOWN, None
        case int() if 400 <= status < 500:
            if status in dialect.blocked_statuses or _MODERATION.search(message):
                return Verdict.BLOCKED, None
            if re.search(r"insufficient.{0,20}(?:balance|quota|credit)|余额|欠费", message, re.IGNORECASE):
                return Verdict.STOP, _HINTS["insufficient"]
            return Verdict.NODE, None
        case int() if 300 <= status < 400:
            return Verdict.STOP, "write the address it redirects to as the base URL, if you trust it"
        case _:
            return Verdict.UNKNOWN, None


def _throttled(message: str) -> tuple[Verdict, str | None]:
    """A gateway's 429 may be permanent: an empty account (OVERVIEW)."""
    if _BALANCE.search(message):
        return Verdict.STOP, _HINTS["insufficient"]
    if _RATE.search(message) or _QUEUE.search(message):
        return Verdict.SLOW_DOWN, None
    return _quota(message) if _QUOTA.search(message) else (Verdict.SLOW_DOWN, None)


def _forbidden(message: str, dialect: Dialect) -> tuple[Verdict, str | None]:
    """A gateway's 403 may be moderation (OVERVIEW); upstream it is about the account."""
    if _MODERATION.search(message):
        return Verdict.BLOCKED, None
    if _BALANCE.search(message) or _QUOTA.search(message):
        return Verdict.STOP, _HINTS["insufficient"]
    if re.search(
        r"\b(?:api.?key|token|permission|access|denied|ip|whitelist|group)\b|令牌|无权",
        message,
        re.IGNORECASE,
    ):
        return Verdict.STOP, _HINTS["accessdenied"]
    if 403 in dialect.blocked_statuses:
        return Verdict.BLOCKED, None
    return Verdict.STOP, _HINTS["accessdenied"]


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
