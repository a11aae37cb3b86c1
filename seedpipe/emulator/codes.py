"""Every code of the service's error table with the sentence that stands there (ERR: error table 1299023). Pure.

`{id}` is the request id; a sentence without it gets it at its end, as live answers do. `{account}` and `{model}` are
filled in when an answer is made.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

ACCOUNT: Final = "2100000000"  # the emulator's only one
ID_MEASURED: Final = " Request id: "  # between a sentence and the id in live error bodies (ERR, CN)
_TOLD: Final = re.compile(r"(?P<words>.*?)(?P<told> ?(?:ARK)?[Rr]equest (?:id|ID): ?)\{id\}(?P<tail>.*)\Z", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """An error answer: HTTP status and the four keys of the envelope. `told` stands between message and request id."""

    status: int
    code: str
    message: str
    type: str
    param: str = ""
    told: str = ID_MEASURED
    tail: str = ""  # what follows the request id

    def words(self, request_id: str) -> str:
        """The whole message, with the request id."""
        return f"{self.message}{self.told}{request_id}{self.tail}"

    def envelope(self, request_id: str) -> dict[str, object]:
        """`{"error": {"code", "message", "param", "type"}}`, always with the four keys (ERR)."""
        error = {"code": self.code, "message": self.words(request_id), "param": self.param, "type": self.type}
        return {"error": error}

    def about(self, model: str) -> "Refusal":
        """The same with the names filled in; `model` as the request spelled it."""
        message = self.message.replace("{account}", ACCOUNT).replace("{model}", model)
        return Refusal(
            status=self.status,
            code=self.code,
            message=message,
            type=self.type,
            param=self.param,
            told=self.told,
            tail=self.tail,
        )


_RISK: Final = (
    "The request could not be processed because the {} includes sensitive content that violates "
    "ContentSecurityDetection.ARKRequest ID:{{id}};CSDRequestId:20260904100613;Label:104;SubLabel:10401"
)
_OPERATION: Final = "Operation is denied because "
_TABLE: Final = (
    (400, "BadRequest", {
        "MissingParameter": "The request failed because it is missing one or multiple required parameters. Request ID: {id}",
        "InvalidParameter": "One or more parameters specified in the request are not valid. Request ID: {id}",
        "InvalidParameter.UnsupportedParameter": "The specified parameter UnsupportedParameter is invalid.",
        "InvalidImageURL.EmptyURL": "Empty base64 image url",
        "InvalidImageURL.InvalidFormat": "Invalid base64 image url",
        "InvalidEndpoint.ClosedEndpoint":
            "The request targeted an endpoint that is currently closed or temporarily unavailable. Request ID: {id}",
        "SensitiveContentDetected": "The request failed because the input text may contain sensitive information.",
        "SensitiveContentDetected.SevereViolation":
            "The request failed because the input text may contain severe violation information.",
        "SensitiveContentDetected.Violence":
            "The request failed because the input text may contain violence information.",
        "InputTextSensitiveContentDetected":
            "The request failed because the input text may contain sensitive information.Request ID: {id}",
        "InputTextSensitiveContentDetected.PolicyViolation":
            "The request failed because the input text may violate platform rules.Request ID: {id}",
        "InputImageSensitiveContentDetected":
            "The request failed because the input image may contain sensitive information.Request ID: {id}",
        "InputImageSensitiveContentDetected.PolicyViolation":
            "The request failed because the input image may violate platform rules.Request ID: {id}",
        "InputImageSensitiveContentDetected.PrivacyInformation":
            "The request failed because the input image may contain real person.Request ID: {id}",
        "OutputImageSensitiveContentDetected":
            "The request failed because the output image may contain sensitive information.",
        "OutputImageSensitiveContentDetected.DeepFake":
            "The request failed because the output image may contain sensitive information.",
        "InputTextRiskDetection": _RISK.format("input text"),
        "InputImageRiskDetection": _RISK.format("input image"),
        "OutputTextRiskDetection": _RISK.format("output text"),
        "OutputImageRiskDetection": _RISK.format("output image"),
        "ContentSecurityDetectionError":
            "Internal error.ARKRequest ID:{id};CSDRequestId:20260904100613;CSDcode:500;CSDmessage:internal error",
    }),
    (401, "Unauthorized", {
        "AuthenticationError":
            "the API key or AK/SK in the request is missing or invalid. request id: {id}",  # live; the table: "The API key"
    }),
    (401, "Forbidden", {
        "InvalidAccountStatus": "There is an issue with your account status. If you need assistance, please contact the "
            "platform administrators.",
    }),
    (403, "Forbidden", {
        "AccountOverdueError": "The request failed because your account has an overdue balance. Request ID: {id}",
        "AccessDenied":
            "The request failed because you do not have access to the requested resource. Request ID: {id}",
        "OperationDenied.ServiceNotOpen": _OPERATION + "the model service is unavailable, please go to the Volcano Ark "
            "console activation management page to activate the corresponding model service, or submit a work order to "
            "contact us.",
        "OperationDenied.ServiceOverdue": _OPERATION + "your account balance is overdue, please go to the Volc Trading "
            "Center to recharge in order to continue using the service.",
    }),
    (404, "NotFound", {
        "InvalidEndpointOrModel.NotFound":
            "The model or endpoint {model} does not exist or you do not have access to it.",
        "ModelNotOpen": "Your account {account} has not activated the model {model}. Please activate the model service "
            "in the Ark Console.",
        "InvalidEndpointOrModel.ModelIDAccessDisabled": "Accessing the model via Model ID is not allowed for your "
            "account. Please use a custom endpoint ID instead. Request id: {id}",
    }),
    (404, "", {
        "UnsupportedModel": "The {model} model does not support the coding plan feature.",
    }),
    (429, "TooManyRequests", {
        "ModelAccountIpmRateLimitExceeded": "IPM (Images Per Minute) limit of the model is exceeded.",
        "ModelAccountRpmRateLimitExceeded": "RPM (Requests Per Minute) limit of the model is exceeded. Request ID: {id}",
        "APIAccountRpmRateLimitExceeded":
            "The RPM (Requests Per Minute) limit for the API on your account has been exceeded. Request ID: {id}",
        "RateLimitExceeded.EndpointRPMExceeded": "The Requests Per Minute (RPM) limit of the associated endpoint for your "
            "account has been exceeded. Request ID: {id}",
        "AccountRateLimitExceeded": "Requests are too frequent. Please reduce your request frequency, wait a short moment, "
            "and retry your request.",
        "ServerOverloaded": "The service is currently unable to handle additional requests due to server overload. Please "
            "retry later. Request ID: {id}",
        "RequestBurstTooFast": "System protection triggered by request burst. Please slow down traffic growth and increase "
            "requests gradually before retrying.",
        "InflightBatchsizeExceeded": "The Inflight Batchsize limit has been exceeded.Request ID: {id}",
        "QuotaExceeded":
            "Your account [{account}] has exhausted its free trial quota for the [{model}] model. Request ID: {id}",
        "SetLimitExceeded": "Your account [{account}] has reached the set inference limit for the [{model}] model, and the "
            "model service has been paused. To continue using this model, please visit the Model Activation page to adjust "
            'or close the "Safe Experience Mode". Request ID: {id}',
    }),
    (500, "InternalServerError", {
        "InternalServiceError": "The service encountered an unexpected internal error. Request id: {id}",
    }),
)  # fmt: skip


def _read(status: int, kind: str, code: str, sentence: str) -> Refusal:
    found = _TOLD.match(sentence)
    if found is None:
        return Refusal(status=status, code=code, message=sentence, type=kind)
    words, told, tail = found["words"], found["told"], found["tail"]
    return Refusal(status=status, code=code, message=words, type=kind, told=told, tail=tail)


ERROR_CODES: Final[Mapping[str, Refusal]] = MappingProxyType(
    {code: _read(status, kind, code, text) for status, kind, codes in _TABLE for code, text in codes.items()}
)

# The three meanings of `QuotaExceeded` (§6): the first stands in the table.
QUEUE_FULL: Final = _read(
    429, "TooManyRequests", "QuotaExceeded", "The request has exceeded the quota. Request ID: {id}"
)
USAGE_QUOTA: Final = "You have exceeded the 5-hour/weekly/monthly usage quota. It will reset at {}."


def refusal_for(code: str, status: int | None, message: str) -> Refusal:
    """The error of that `code`; what is given replaces the table's own status and words.

    `InvalidParameter.size` and `MissingParameter.prompt` have the sentences of their families.
    """
    known = ERROR_CODES.get(code) or _of_a_family(code)
    return Refusal(
        status=status or known.status,
        code=known.code,
        message=message or known.message,
        type=known.type,
        told=ID_MEASURED if message else known.told,
        tail="" if message else known.tail,
    )


def is_known(code: str) -> bool:
    """Whether the status of `code` follows from the table."""
    return code in ERROR_CODES or code.partition(".")[0] in _FAMILIES


_FAMILIES: Final = {
    "InvalidParameter": "The specified parameter {} is invalid.",
    "MissingParameter": "The required parameter {} is missing.",
}


def _of_a_family(code: str) -> Refusal:
    family, _, field = code.partition(".")
    if field and family in _FAMILIES:
        return Refusal(status=400, code=code, message=_FAMILIES[family].format(field), type="BadRequest")
    return Refusal(status=400, code=code, message="The request failed.", type="")
