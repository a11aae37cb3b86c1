"""Every code of the service and its gateways, and the words where there is no code: the one verdict for each. Pure."""

import re
from collections.abc import Mapping
from typing import Final

from seedpipe.service.refusals import UPSTREAM, Dialect, Verdict, reset_time

_KEY_HINT: Final = "check the key: `seedpipe login`, or the key variable of the provider"
BASE_HINT: Final = "check the base URL: it ends before `/images/generations`, like `https://api.apiyi.com/v1`"

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
    r"sensitive[ _](?:content|info|word)|moderat|content[ _]polic|safety|violat|violence|real person|prohibited|"
    r"敏感|审核|违规",
    re.IGNORECASE,
)
_BALANCE: Final = re.compile(
    r"insufficient[ _](?:\w+[ _])?(?:balance|quota|credit|fund)|\bbalance\b|overdue|arrears|billing|recharge|"
    r"\btop.?up\b|余额|额度不足|欠费|充值",
    re.IGNORECASE,
)
_SHORT_OF_MONEY: Final = re.compile(  # in a refusal that may be about anything
    r"insufficient.{0,20}(?:balance|quota|credit)|余额|欠费", re.IGNORECASE
)
_RATE: Final = re.compile(
    r"rate.?limit|too many requests|too frequent|per (?:minute|second)|\b[rit]pm\b|concurren|too fast|overload|"
    r"频率|频繁|并发|负载",
    re.IGNORECASE,
)
_QUOTA: Final = re.compile(r"quota|credit|free trial|额度", re.IGNORECASE)
# "The request has exceeded the quota." is what the service says of a full queue of its tasks (ERR).
_QUEUE: Final = re.compile(r"queue|排队|request has exceeded the quota", re.IGNORECASE)
_NO_CHANNEL: Final = re.compile(r"no available channel|无可用渠道", re.IGNORECASE)
_LATER: Final = re.compile(r"temporarily unavailable|currently closed|CSDcode|CSDmessage", re.IGNORECASE)
_SET_LIMIT: Final = re.compile(r"set inference limit|safe experience", re.IGNORECASE)
_ACCESS: Final = re.compile(
    r"\b(?:api.?key|token|permission|access|denied|ip|whitelist|group)\b|令牌|无权", re.IGNORECASE
)

_HINTS: Final[Mapping[str, str]] = {
    "authenticationerror": _KEY_HINT,
    "authn_": _KEY_HINT,
    "invalid_api_key": _KEY_HINT,
    "accountoverdueerror": "settle the overdue balance in the provider's console",
    "operationdenied.serviceoverdue": "settle the overdue balance in the provider's console",
    "operationdenied.servicenotopen": "open the service in the provider's console",
    "operationdenied": "ask the provider why the operation is denied",
    "invalidaccountstatus": "ask the provider about the state of the account",
    "accessdenied": "give the key access to this model in the provider's console",
    "modelnotopen": "activate the model in the provider's console",
    "invalidendpointormodel.modelidaccessdisabled": "make an inference endpoint in the provider's console and name it:"
    " `provider: {endpoints: {MODEL: ep-…}}`",
    "invalidendpointormodel": "check the model, and that the base URL is of the key's region",
    "model_not_found": "check the model; `seedpipe models` lists what the provider has",
    "unsupportedmodel": "this plan does not have the model: choose another, or another base URL",
    "setlimitexceeded": "raise the limit that was set in the provider's console, or close its safe experience mode",
    "insufficient": "top up the account at the provider",
    "quotaexceeded": "the quota is used up: activate paid use of the model in the provider's console",
}


def verdict_of(
    status: int | None, code: str, kind: str, message: str, dialect: Dialect = UPSTREAM
) -> tuple[Verdict, str | None]:
    """(verdict, hint) for an error whose envelope was read. `kind` is its `type`; `status` None: of one item."""
    if status is not None and 200 <= status < 300 and re.fullmatch("4[0-9][0-9]", code.strip()):
        status, code = int(code), ""  # a gateway that says its own status in the body of a 200
    if _is(code, "quotaexceeded"):
        return _quota(message)
    known, said = _known(code), code
    if known is None and (status is None or status < 500):
        known, said = _known(kind), kind
    if known is Verdict.NODE and _is(said, "badrequest"):
        return _bad_request(message)
    if known is Verdict.UNKNOWN or (known is None and status is not None and status >= 500):
        return _server_fault(status, code, message, dialect)
    if known is not None:
        return known, _hint(said, message) if known is Verdict.STOP else None
    inner = _IN_TEXT.search(message)
    if inner is not None:
        return verdict_of(status, inner[0], "", message, dialect)
    return _by_status(status, message, dialect)


def item_verdict(code: str, kind: str, message: str) -> Verdict:
    """The verdict on one failed picture of an answer that came: such an item is not billed (`generated_images`)."""
    if _is(code, "internalserviceerror"):
        return Verdict.RETRY
    verdict, _ = verdict_of(None, code, kind, message)
    return Verdict.NODE if verdict is Verdict.UNKNOWN else verdict


def has_no_channel(message: str) -> bool:
    """Whether a gateway says that nothing behind it serves the model."""
    return _NO_CHANNEL.search(message) is not None


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


def _bad_request(message: str) -> tuple[Verdict, str | None]:
    """A request that is refused without a code that says why: its words do."""
    if _MODERATION.search(message):
        return Verdict.BLOCKED, None
    if _SHORT_OF_MONEY.search(message):
        return Verdict.STOP, _HINTS["insufficient"]
    return (Verdict.RETRY if _LATER.search(message) else Verdict.NODE), None


def _server_fault(status: int | None, code: str, message: str, dialect: Dialect) -> tuple[Verdict, str | None]:
    if _is(code, *(known.lower() for known in dialect.unbilled)) or has_no_channel(message):
        return Verdict.RETRY, None
    if status is not None and 400 <= status < 500:
        return Verdict.NODE, None
    return Verdict.UNKNOWN, None


def _by_status(status: int | None, message: str, dialect: Dialect) -> tuple[Verdict, str | None]:
    """No known code: the status, and the words where one status has two meanings."""
    match status:
        case None:
            return _in_an_answer(message)
        case 401:
            return Verdict.STOP, _HINTS["authenticationerror"]
        case 402:
            return Verdict.STOP, _HINTS["insufficient"]
        case 429:
            return _throttled(message)
        case 403:
            return _forbidden(message, dialect)
        case 404 | 405:
            return Verdict.STOP, _HINTS["invalidendpointormodel"] if message else BASE_HINT
        case 408 | 409 | 425 | 499:
            return Verdict.UNKNOWN, None
        case 413:
            return Verdict.NODE, "fewer references, or smaller ones"
        case _ if 400 <= status < 500:
            return (Verdict.BLOCKED, None) if status in dialect.blocked_statuses else _bad_request(message)
        case _ if 300 <= status < 400:
            return Verdict.STOP, "write the address it redirects to as the base URL, if you trust it"
        case _ if 200 <= status < 300:
            return _in_an_answer(message)
        case _:
            return Verdict.UNKNOWN, None


def _in_an_answer(message: str) -> tuple[Verdict, str | None]:
    """An error without a code in an answer that came whole: only what is never sent again is believed its words."""
    if _MODERATION.search(message):
        return Verdict.BLOCKED, None
    if _SHORT_OF_MONEY.search(message):
        return Verdict.STOP, _HINTS["insufficient"]
    return Verdict.UNKNOWN, None


def _throttled(message: str) -> tuple[Verdict, str | None]:
    """A gateway's 429 may be permanent: an empty account (OVERVIEW)."""
    if _BALANCE.search(message):
        return Verdict.STOP, _HINTS["insufficient"]
    if _SET_LIMIT.search(message):
        return Verdict.STOP, _HINTS["setlimitexceeded"]
    if _RATE.search(message) or _QUEUE.search(message):
        return Verdict.SLOW_DOWN, None
    return _quota(message) if _QUOTA.search(message) else (Verdict.SLOW_DOWN, None)


def _forbidden(message: str, dialect: Dialect) -> tuple[Verdict, str | None]:
    """A gateway's 403 may be moderation (OVERVIEW); upstream it is about the account."""
    if _MODERATION.search(message):
        return Verdict.BLOCKED, None
    if _BALANCE.search(message) or _QUOTA.search(message):
        return Verdict.STOP, _HINTS["insufficient"]
    if _ACCESS.search(message) or 403 not in dialect.blocked_statuses:
        return Verdict.STOP, _HINTS["accessdenied"]
    return Verdict.BLOCKED, None
