"""When the service refuses: the sentences of broken rules (measured, or modelled on measured ones), and the limits."""

from dataclasses import replace
from typing import Final

from seedpipe.emulator.codes import ERROR_CODES, Refusal


class RefusedError(Exception):
    """A rule of the service is broken; `refusal` is the answer. Nothing is billed. `retry_after` is in seconds.

    `took` says how many seconds the service works on it before it answers, true to life.
    """

    def __init__(self, refusal: Refusal, *, retry_after: float | None = None, took: float = 0.0) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal
        self.retry_after = retry_after
        self.took = took


def invalid(field: str, reason: str, *, param: str = "", kind: str = "") -> RefusedError:
    """400 for one field. `param` and `type` are empty as measured, filled only for unsupported features (KB)."""
    message = f"The parameter `{field}` specified in the request is not valid: {reason}"
    if not message.endswith("."):
        message += "."
    return RefusedError(Refusal(status=400, code="InvalidParameter", message=message, type=kind, param=param))


def unsupported(field: str) -> RefusedError:
    """400 for a field that this model does not know; `param` names it (KB)."""
    return invalid(
        field, f"the parameter `{field}` is not supported by the current model", param=field, kind="BadRequest"
    )


def unreadable_aspect(aspect: float) -> RefusedError:
    """A reference that is too wide or too high; the live sentence names no field."""
    message = (
        "expected the aspect ratio to be between 0.06 and 16.00, "
        f"but received image with aspect ratio: {aspect:.2f} instead."
    )
    return RefusedError(Refusal(status=400, code="InvalidParameter", message=message, type=""))


def missing() -> RefusedError:
    return RefusedError(ERROR_CODES["MissingParameter"])


def unreadable() -> RefusedError:
    """The body is no JSON object."""
    return RefusedError(ERROR_CODES["InvalidParameter"])


def empty_address() -> RefusedError:
    return RefusedError(ERROR_CODES["InvalidImageURL.EmptyURL"])


def no_such_model(name: str) -> RefusedError:
    return RefusedError(ERROR_CODES["InvalidEndpointOrModel.NotFound"].about(name))


def not_in_plan(name: str) -> RefusedError:
    """What the plan's address says to a model that is no part of the plan; its `type` is empty (ERR)."""
    return RefusedError(ERROR_CODES["UnsupportedModel"].about(name))


def fetch_timeout(url: str) -> RefusedError:
    """The service fetches references itself and gives up after about ten seconds (GH:jeffstric/ZJT#94)."""
    message = f"Timeout while downloading url={url}."
    return RefusedError(Refusal(status=400, code="InvalidParameter", message=message, type=""), took=FETCH_SECONDS)


FETCH_SECONDS: Final = 10.0
INTERNAL: Final = ERROR_CODES["InternalServiceError"]
UNAVAILABLE: Final = replace(INTERNAL, status=503)
IMAGES_PER_MINUTE: Final = ERROR_CODES["ModelAccountIpmRateLimitExceeded"]
TOO_MANY_AT_ONCE: Final = ERROR_CODES["InflightBatchsizeExceeded"]
UNAUTHORISED: Final = ERROR_CODES["AuthenticationError"]
OVERDUE: Final = ERROR_CODES["AccountOverdueError"]
NO_BALANCE: Final = Refusal(  # the gateway's 429 that never passes (OVERVIEW); its code is not documented
    status=429, code="insufficient_user_quota", message="insufficient balance", type="new_api_error"
)


def moderated(what: str, *, gateway: bool) -> Refusal:
    """`what` is `input text`, `input image` or `output image`. Upstream answers 400, the gateway 403 (OVERVIEW)."""
    words = {"input text": "InputText", "input image": "InputImage", "output image": "OutputImage"}
    refusal = ERROR_CODES[f"{words[what]}SensitiveContentDetected"]
    return replace(refusal, status=403, type="Forbidden") if gateway else refusal
