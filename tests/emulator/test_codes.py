"""The service's error table: every code over the wire with its own sentence, names and ids filled in."""

import re

import pytest

from seedpipe.emulator.codes import ERROR_CODES, QUEUE_FULL, USAGE_QUOTA
from tests.emulator.running import Running, order

ID = r"02[0-9]{13}[0-9a-f]{38}"
MODEL = "doubao-seedream-4-5-251128"

# As the documents (1299023) and live answers have them, whole.
SENTENCES = {
    "MissingParameter": f"The request failed because it is missing one or multiple required parameters. Request ID: {ID}",
    "InvalidParameter": f"One or more parameters specified in the request are not valid. Request ID: {ID}",
    "InvalidParameter.size": f"The specified parameter size is invalid. Request id: {ID}",
    "MissingParameter.prompt": f"The required parameter prompt is missing. Request id: {ID}",
    "InputTextSensitiveContentDetected":
        f"The request failed because the input text may contain sensitive information.Request ID: {ID}",
    "InputImageSensitiveContentDetected":
        f"The request failed because the input image may contain sensitive information.Request ID: {ID}",
    "InputImageRiskDetection": "The request could not be processed because the input image includes sensitive content that "
        f"violates ContentSecurityDetection.ARKRequest ID:{ID};CSDRequestId:[0-9]+;Label:104;SubLabel:10401",
    "AuthenticationError": f"the API key or AK/SK in the request is missing or invalid. request id: {ID}",
    "AccountOverdueError": f"The request failed because your account has an overdue balance. Request ID: {ID}",
    "InvalidEndpointOrModel.NotFound":
        f"The model or endpoint {MODEL} does not exist or you do not have access to it. Request id: {ID}",
    "ModelNotOpen": f"Your account 2100000000 has not activated the model {MODEL}. Please activate the model service in the "
        f"Ark Console. Request id: {ID}",
    "ModelAccountIpmRateLimitExceeded": f"IPM (Images Per Minute) limit of the model is exceeded. Request id: {ID}",
    "InflightBatchsizeExceeded": f"The Inflight Batchsize limit has been exceeded.Request ID: {ID}",
    "QuotaExceeded":
        f"Your account [2100000000] has exhausted its free trial quota for the [{MODEL}] model. Request ID: {ID}",
    "InternalServiceError": f"The service encountered an unexpected internal error. Request id: {ID}",
}  # fmt: skip


def told(live: Running, **fault: object) -> dict[str, str]:
    live.scenario({"do": "refuse", **fault})
    error: dict[str, str] = live.post(order(model=MODEL, size="2K"), prefix="/api/v3").json()["error"]
    assert set(error) == {"code", "message", "param", "type"}
    return error


@pytest.mark.parametrize("code", SENTENCES)
def test_sentences(live: Running, code: str) -> None:
    error = told(live, code=code)
    pattern = "".join(
        part if part == ID else re.escape(part) for part in re.split(f"({re.escape(ID)})", SENTENCES[code])
    )
    assert error["code"] == code
    assert re.fullmatch(pattern.replace(re.escape("[0-9]+"), "[0-9]+"), error["message"]), error["message"]


def test_every_code_has_a_sentence_of_its_own(live: Running) -> None:
    for code, refusal in ERROR_CODES.items():
        message = told(live, code=code)["message"]
        assert len(re.findall(ID, message)) == 1, code
        assert "{" not in message and "The request failed. " not in message, message
        assert refusal.status in range(400, 501)


def test_the_other_meanings_of_a_quota(live: Running) -> None:
    queue = told(live, code="QuotaExceeded", message=QUEUE_FULL.message)
    assert re.fullmatch(f"The request has exceeded the quota\\. Request id: {ID}", queue["message"])
    words = USAGE_QUOTA.format("2026-09-04 18:00:00 +0800 CST")
    assert told(live, code="QuotaExceeded", message=words)["message"].startswith(words + " Request id: 02")
