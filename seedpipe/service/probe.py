"""The free probe: a request that the protocol refuses before anything is made, and what its refusal tells (KB). Pure.

No model has a size of one pixel, so a model that is served answers 400 and one that is not 404; neither is billed.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from seedpipe.service.refusals import Refusal, Verdict
from seedpipe.service.reply import Reply
from seedpipe.service.request import GenerationRequest, encode
from seedpipe.service.verdicts import BASE_HINT, has_no_channel

PROBE_SECONDS: Final = 20.0
_SIZE: Final = "1x1"
_OF_THE_MODEL: Final = ("modelnotopen", "invalidendpointormodel", "unsupportedmodel", "model_not_found")
_MODEL_WORDS: Final = re.compile(r"\b(?:model|endpoint)\b|模型", re.IGNORECASE)
_LATER: Final = "ask again in a minute"
_OTHERS: Final = "`seedpipe models` lists what the provider has"


class Stand(StrEnum):
    """What is known of one model at one address with one key."""

    SERVED = "served"
    NOT_SERVED = "not served"
    CLOSED = "closed"  # served, but not now or not to this account
    BUSY = "busy"  # too much at once: it could not be told
    KEY = "key"  # the key is refused
    ACCOUNT = "account"  # the account is: no balance, no leave
    ADDRESS = "address"  # nothing of the protocol answers there
    TROUBLE = "trouble"  # something between here and the model is not well
    UNREACHABLE = "unreachable"
    MADE = "made"  # it made a picture of what every server of the protocol refuses

    @property
    def is_of_the_model(self) -> bool:
        """Whether another model at the same address may stand better."""
        return self in (Stand.SERVED, Stand.NOT_SERVED, Stand.CLOSED, Stand.BUSY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """`message` says what was found, `hint` the one thing to do; both for people."""

    stand: Stand
    message: str
    hint: str | None = None
    http_status: int | None = None
    request_id: str | None = None


def probe_body(wire_id: str) -> bytes:
    """The body of the probe for the model that is called `wire_id` there."""
    return encode(
        GenerationRequest(model=wire_id, prompt="probe", size=_SIZE, watermark=False, sequential_image_generation=None)
    )


def read_standing(outcome: Reply | Refusal) -> Standing:
    """What the answer to a probe, or its absence, tells."""
    if isinstance(outcome, Reply):
        return Standing(
            stand=Stand.MADE,
            message=f"it made a picture of a request for {_SIZE} pixels, which may have been billed",
            hint="don't check this server again: it takes what the service refuses",
            request_id=outcome.request_id,
        )
    stand, message, hint = _stand_of(outcome)
    return Standing(
        stand=stand, message=message, hint=hint, http_status=outcome.http_status, request_id=outcome.request_id
    )


def _stand_of(refusal: Refusal) -> tuple[Stand, str, str | None]:
    status, words, told = refusal.http_status, refusal.message, refusal.is_told
    if status is None:
        hint = refusal.hint or "check the base URL and the network; `HTTPS_PROXY` if there is a proxy"
        return Stand.UNREACHABLE, words, hint
    match refusal.verdict:
        case Verdict.NODE | Verdict.BLOCKED if told:
            return Stand.SERVED, "served", None
        case Verdict.SLOW_DOWN | Verdict.NOT_BEFORE:
            return Stand.BUSY, words, _LATER
        case Verdict.RETRY if told and status < 500:
            return Stand.CLOSED, words, _LATER
        case Verdict.STOP if status == 401:
            return Stand.KEY, words, refusal.hint
        case Verdict.STOP | Verdict.RETRY if told and _speaks_of_the_model(refusal):
            return Stand.NOT_SERVED, words, refusal.hint or _OTHERS
        case Verdict.STOP if told and status != 404:
            return Stand.ACCOUNT, words, refusal.hint
        case Verdict.NODE if status == 403:
            return Stand.TROUBLE, words, refusal.hint
        case Verdict.STOP | Verdict.NODE if status < 500:
            return Stand.ADDRESS, words, BASE_HINT
        case Verdict.UNKNOWN if not told and status < 300 and words.startswith("HTTP"):  # a whole page, none of ours
            return Stand.ADDRESS, words, BASE_HINT
        case _:
            return Stand.TROUBLE, words, f"the server, or what stands before it, is not well: {_LATER}"


def _speaks_of_the_model(refusal: Refusal) -> bool:
    """By its code; a gateway without codes by its words."""
    if refusal.code.lower().startswith(_OF_THE_MODEL) or has_no_channel(refusal.message):
        return True
    return refusal.http_status == 404 and _MODEL_WORDS.search(refusal.message) is not None
