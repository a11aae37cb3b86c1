"""What the service says when it refuses: the sentences of its documents and of measured answers, and their envelope."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

ID_MEASURED: Final = " Request id: "  # live error bodies (ERR, CN)
ID_DOCUMENTED: Final = " Request ID: "  # the error table of the documents (ERR)
ID_GLUED: Final = "Request ID: "  # some sentences of that table have no blank before it (ERR)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """An error answer: HTTP status and the four keys of the envelope. `told` stands between message and request id."""

    status: int
    code: str
    message: str
    type: str
    param: str = ""
    told: str = ID_MEASURED

    def envelope(self, request_id: str) -> dict[str, object]:
        """`{"error": {"code", "message", "param", "type"}}`, always with the four keys (ERR)."""
        message = f"{self.message}{self.told}{request_id}"
        return {"error": {"code": self.code, "message": message, "param": self.param, "type": self.type}}


class RefusedError(Exception):
    """A rule of the service is broken; `refusal` is the answer. Nothing is billed. `retry_after` is in seconds."""

    def __init__(self, refusal: Refusal, *, retry_after: float | None = None) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal
        self.retry_after = retry_after


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


def missing() -> RefusedError:
    return RefusedError(
        Refusal(
            status=400,
            code="MissingParameter",
            message="The request failed because it is missing one or multiple required parameters.",
            type="BadRequest",
            told=ID_DOCUMENTED,
        )
    )


def unreadable() -> RefusedError:
    """The body is no JSON object."""
    return RefusedError(
        Refusal(
            status=400,
            code="InvalidParameter",
            message="One or more parameters specified in the request are not valid.",
            type="BadRequest",
            told=ID_DOCUMENTED,
        )
    )


def no_such_model(name: str) -> RefusedError:
    return RefusedError(
        Refusal(
            status=404,
            code="InvalidEndpointOrModel.NotFound",
            message=f"The model or endpoint {name} does not exist or you do not have access to it.",
            type="NotFound",
        )
    )


def not_in_plan(name: str) -> RefusedError:
    """What the plan's address says to a model that is no part of the plan; its `type` is empty (ERR)."""
    return RefusedError(
        Refusal(
            status=404,
            code="UnsupportedModel",
            message=f"The {name} model does not support the coding plan feature.",
            type="",
        )
    )


def fetch_timeout(url: str) -> RefusedError:
    """The service fetches references itself and gives up after about ten seconds (GH:jeffstric/ZJT#94)."""
    return RefusedError(
        Refusal(status=400, code="InvalidParameter", message=f"Timeout while downloading url={url}.", type="")
    )


def _limit(code: str, message: str, told: str = ID_DOCUMENTED) -> Refusal:
    return Refusal(status=429, code=code, message=message, type="TooManyRequests", told=told)


UNAUTHORISED: Final = Refusal(
    status=401,
    code="AuthenticationError",
    message="the API key or AK/SK in the request is missing or invalid.",
    type="Unauthorized",
    told=" request id: ",
)
IMAGES_PER_MINUTE: Final = _limit(
    "ModelAccountIpmRateLimitExceeded", "IPM (Images Per Minute) limit of the model is exceeded."
)
TOO_MANY_AT_ONCE: Final = _limit(
    "InflightBatchsizeExceeded", "The Inflight Batchsize limit has been exceeded.", ID_GLUED
)
OVERLOADED: Final = _limit(
    "ServerOverloaded",
    "The service is currently unable to handle additional requests due to server overload. Please retry later.",
)
BURST: Final = _limit(
    "RequestBurstTooFast",
    "System protection triggered by request burst. Please slow down traffic growth and increase requests "
    "gradually before retrying.",
)
QUOTA: Final = _limit(
    "QuotaExceeded",
    "Your account [2100000000] has exhausted its free trial quota for the [seedream] model.",
)
OVERDUE: Final = Refusal(
    status=403,
    code="AccountOverdueError",
    message="The request failed because your account has an overdue balance.",
    type="Forbidden",
    told=ID_DOCUMENTED,
)
NO_BALANCE: Final = Refusal(  # the gateway's 429 that never passes (OVERVIEW); its code is not documented
    status=429, code="insufficient_user_quota", message="insufficient balance", type="new_api_error"
)
INTERNAL: Final = Refusal(
    status=500,
    code="InternalServiceError",
    message="The service encountered an unexpected internal error.",
    type="InternalServerError",
)
UNAVAILABLE: Final = Refusal(
    status=503,
    code="InternalServiceError",
    message="The service encountered an unexpected internal error.",
    type="InternalServerError",
)


def moderated(what: str, *, gateway: bool) -> Refusal:
    """`what` is `input text`, `input image` or `output image`. Upstream answers 400, the gateway 403 (OVERVIEW)."""
    words = {"input text": "InputText", "input image": "InputImage", "output image": "OutputImage"}
    return Refusal(
        status=403 if gateway else 400,
        code=f"{words[what]}SensitiveContentDetected",
        message=f"The request failed because the {what} may contain sensitive information.",
        type="Forbidden" if gateway else "BadRequest",
        told=ID_GLUED,
    )


# Every code of the service's error table (§6): HTTP status, `type`, codes. Those above keep their own sentences.
_TABLE: Final = (
    (400, "BadRequest", "MissingParameter InvalidParameter InvalidParameter.UnsupportedParameter InvalidImageURL.EmptyURL "
     "InvalidImageURL.InvalidFormat SensitiveContentDetected SensitiveContentDetected.SevereViolation "
     "SensitiveContentDetected.Violence InputTextSensitiveContentDetected InputTextSensitiveContentDetected.PolicyViolation "
     "InputImageSensitiveContentDetected InputImageSensitiveContentDetected.PolicyViolation "
     "InputImageSensitiveContentDetected.PrivacyInformation OutputImageSensitiveContentDetected "
     "OutputImageSensitiveContentDetected.DeepFake InputTextRiskDetection InputImageRiskDetection OutputTextRiskDetection "
     "OutputImageRiskDetection InvalidEndpoint.ClosedEndpoint ContentSecurityDetectionError"),
    (401, "Unauthorized", "AuthenticationError"),
    (401, "Forbidden", "InvalidAccountStatus"),
    (403, "Forbidden", "AccountOverdueError AccessDenied OperationDenied.ServiceNotOpen OperationDenied.ServiceOverdue"),
    (404, "NotFound", "InvalidEndpointOrModel.NotFound ModelNotOpen InvalidEndpointOrModel.ModelIDAccessDisabled"),
    (404, "", "UnsupportedModel"),
    (429, "TooManyRequests", "ModelAccountIpmRateLimitExceeded ModelAccountRpmRateLimitExceeded "
     "APIAccountRpmRateLimitExceeded RateLimitExceeded.EndpointRPMExceeded AccountRateLimitExceeded ServerOverloaded "
     "RequestBurstTooFast InflightBatchsizeExceeded QuotaExceeded SetLimitExceeded"),
    (500, "InternalServerError", "InternalServiceError"),
)  # fmt: skip
_TOLD_APART: Final = (
    UNAUTHORISED, IMAGES_PER_MINUTE, TOO_MANY_AT_ONCE, OVERLOADED, BURST, QUOTA, OVERDUE, INTERNAL,
    moderated("input text", gateway=False), moderated("input image", gateway=False),
    moderated("output image", gateway=False),
)  # fmt: skip
ERROR_CODES: Final[Mapping[str, Refusal]] = {
    code: Refusal(status=status, code=code, message="The request failed.", type=kind, told=ID_DOCUMENTED)
    for status, kind, codes in _TABLE
    for code in codes.split()
} | {refusal.code: refusal for refusal in _TOLD_APART}


def refusal_for(code: str, status: int | None, message: str) -> Refusal:
    """The error of that `code`; what is given replaces the table's own status and words."""
    known = ERROR_CODES.get(code) or Refusal(status=400, code=code, message="The request failed.", type="")
    return replace(known, status=status or known.status, message=message or known.message)
