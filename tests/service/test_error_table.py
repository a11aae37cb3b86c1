"""Every row of the service's error table (§6) and of the overview's, in both dialects, by code and by words alone.

The sentences are those of the emulator, which has them from the documents and from live answers; the verdicts stand here.
"""

import json
from dataclasses import dataclass

import pytest

from seedpipe.catalogue.catalogue import load_catalogue
from seedpipe.emulator.codes import ERROR_CODES, QUEUE_FULL, USAGE_QUOTA
from seedpipe.project.service import dialect_of
from seedpipe.service.refusals import UPSTREAM, Dialect, Refusal, Verdict
from seedpipe.service.reply import read_reply

ID = "021788487573482f1c0de5a9b3e47d2210fe8c6a7b94d3e1f0a25"
APIYI = dialect_of(load_catalogue().provider("apiyi"))
NODE, BLOCKED, RETRY, STOP, SLOW = Verdict.NODE, Verdict.BLOCKED, Verdict.RETRY, Verdict.STOP, Verdict.SLOW_DOWN


@dataclass(frozen=True)
class Row:
    """One row: its code, what it means, and a piece of the advice for the person, if there is any."""

    code: str
    verdict: Verdict
    hint: str = ""


TABLE = [
    Row("MissingParameter", NODE),
    Row("InvalidParameter", NODE),
    Row("InvalidParameter.UnsupportedParameter", NODE),
    Row("InvalidImageURL.EmptyURL", NODE),
    Row("InvalidImageURL.InvalidFormat", NODE),
    Row("SensitiveContentDetected", BLOCKED),
    Row("SensitiveContentDetected.SevereViolation", BLOCKED),
    Row("SensitiveContentDetected.Violence", BLOCKED),
    Row("InputTextSensitiveContentDetected", BLOCKED),
    Row("InputTextSensitiveContentDetected.PolicyViolation", BLOCKED),
    Row("InputImageSensitiveContentDetected", BLOCKED),
    Row("InputImageSensitiveContentDetected.PolicyViolation", BLOCKED),
    Row("InputImageSensitiveContentDetected.PrivacyInformation", BLOCKED),
    Row("OutputImageSensitiveContentDetected", BLOCKED),
    Row("OutputImageSensitiveContentDetected.DeepFake", BLOCKED),
    Row("InputTextRiskDetection", BLOCKED),
    Row("InputImageRiskDetection", BLOCKED),
    Row("OutputTextRiskDetection", BLOCKED),
    Row("OutputImageRiskDetection", BLOCKED),
    Row("InvalidEndpoint.ClosedEndpoint", RETRY),
    Row("ContentSecurityDetectionError", RETRY),
    Row("AuthenticationError", STOP, "check the key"),
    Row("InvalidAccountStatus", STOP, "ask the provider about the state of the account"),
    Row("AccountOverdueError", STOP, "settle the overdue balance"),
    Row("AccessDenied", STOP, "give the key access"),
    Row("OperationDenied.ServiceNotOpen", STOP, "open the service"),
    Row("OperationDenied.ServiceOverdue", STOP, "settle the overdue balance"),
    Row("InvalidEndpointOrModel.NotFound", STOP, "of the key's region"),
    Row("ModelNotOpen", STOP, "activate the model"),
    Row("InvalidEndpointOrModel.ModelIDAccessDisabled", STOP, "make an inference endpoint"),
    Row("UnsupportedModel", STOP, "this plan does not have the model"),
    Row("ModelAccountIpmRateLimitExceeded", SLOW),
    Row("ModelAccountRpmRateLimitExceeded", SLOW),
    Row("APIAccountRpmRateLimitExceeded", SLOW),
    Row("RateLimitExceeded.EndpointRPMExceeded", SLOW),
    Row("AccountRateLimitExceeded", SLOW),
    Row("ServerOverloaded", SLOW),
    Row("RequestBurstTooFast", SLOW),
    Row("InflightBatchsizeExceeded", SLOW),
    Row("QuotaExceeded", STOP, "activate paid use"),
    Row("SetLimitExceeded", STOP, "safe experience mode"),
    Row("InternalServiceError", Verdict.UNKNOWN),
]
ROWS = pytest.mark.parametrize("row", TABLE, ids=lambda row: row.code)


def read(status: int, document: object, dialect: Dialect = UPSTREAM, **headers: str) -> Refusal:
    found = read_reply(status, headers, json.dumps(document).encode(), dialect=dialect)
    assert isinstance(found, Refusal)
    return found


def envelope(row: Row, code: str | None, kind: str) -> dict[str, object]:
    """The upstream envelope with the row's own sentence."""
    words = ERROR_CODES[row.code].about("doubao-seedream-4-5-251128").words(ID)
    return {"error": {"code": code, "message": words, "param": "", "type": kind}}


def test_no_row_is_left_out() -> None:
    assert [row.code for row in TABLE if row.code not in ERROR_CODES] == []
    assert set(ERROR_CODES) == {row.code for row in TABLE}


@ROWS
@pytest.mark.parametrize("kind", ["as told", ""])
def test_a_row_by_its_code(row: Row, kind: str) -> None:
    """`type` may be empty (ERR)."""
    row_of_service = ERROR_CODES[row.code]
    found = read(row_of_service.status, envelope(row, row.code, row_of_service.type if kind else ""))
    assert (found.verdict, found.code, found.request_id) == (row.verdict, row.code, ID)
    assert row.hint in (found.hint or "")
    assert bool(found.hint) is (row.verdict is STOP), "one thing to do, where a person has to do it"
    assert found.is_free is (row.verdict is not Verdict.UNKNOWN)
    assert ID in found.message


@ROWS
def test_a_row_at_the_gateway(row: Row) -> None:
    """Moderation is 403 there, an empty account 429, and a 500 of the service's own JSON is not billed (OVERVIEW)."""
    status = {BLOCKED: 403}.get(row.verdict, ERROR_CODES[row.code].status)
    status = 429 if "verdue" in row.code else status
    found = read(status, envelope(row, row.code, "new_api_error"), APIYI)
    assert found.verdict is (RETRY if row.code == "InternalServiceError" else row.verdict)


@ROWS
@pytest.mark.parametrize("code", ["", None, "bad_response_status_code"], ids=["empty", "null", "a gateway's own"])
@pytest.mark.parametrize("kind", ["", "upstream_error", "as told"])
@pytest.mark.parametrize("dialect", [UPSTREAM, APIYI], ids=["upstream", "gateway"])
def test_a_row_by_its_words_alone(row: Row, code: str | None, kind: str, dialect: Dialect) -> None:
    """A gateway may put its own code in place of the service's: status and words still tell."""
    row_of_service = ERROR_CODES[row.code]
    kind = row_of_service.type if kind == "as told" else kind
    found = read(row_of_service.status, envelope(row, code, kind), dialect)
    assert (found.verdict, found.request_id) == (row.verdict, ID)


@ROWS
def test_a_row_in_an_answer_that_says_200(row: Row) -> None:
    """A top-level error in a 200: by its code as ever. Where no picture is billed a server's fault is free."""
    found = read(200, envelope(row, row.code, ""))
    assert found.verdict is row.verdict
    billed_none = read(200, {**envelope(row, row.code, ""), "data": [], "usage": {"generated_images": 0}})
    assert billed_none.verdict is (RETRY if row.code == "InternalServiceError" else row.verdict)
    told = read(200, envelope(row, "", ""))
    expected = row.verdict if row.verdict is BLOCKED else Verdict.UNKNOWN
    assert told.verdict is expected, "without a code only what is never sent again is believed its words"


@ROWS
def test_a_row_of_one_picture_is_never_billed(row: Row) -> None:
    """`usage.generated_images` counts successes alone."""
    item = envelope(row, row.code, "")
    picture = {"url": "https://x.example/0.jpeg", "size": "1x1"}
    reply = read_reply(200, {}, json.dumps({"data": [picture, item]}).encode())
    assert not isinstance(reply, Refusal)
    fault = reply.items[1]
    assert getattr(fault, "verdict") is (RETRY if row.code == "InternalServiceError" else row.verdict)  # noqa: B009


SHAPES = {
    "upstream": lambda code, words: {"error": {"code": code, "message": words, "param": "", "type": ""}},
    "openai": lambda code, words: {
        "error": {"message": words, "type": "invalid_request_error", "param": None, "code": code}
    },
    "new-api": lambda code, words: {"error": {"message": words, "type": "new_api_error", "param": "", "code": code}},
    "a text": lambda code, words: {"error": words, "code": code},
    "top level": lambda code, words: {"code": code, "message": words},
    "msg and data": lambda code, words: {"code": code, "msg": words, "data": None, "success": False},
    "a list": lambda code, words: {"errors": [{"code": code, "message": words}]},
    "a list of errors": lambda code, words: {"error": [{"code": code, "message": words}]},
    "all in a list": lambda code, words: [{"error": {"code": code, "message": words}}],
    "twice": lambda code, words: {"error": {"error": {"code": code, "message": words}}},
    "in the words": lambda code, words: {
        "error": {"code": "bad_response", "message": json.dumps({"error": {"code": code, "message": words}})}
    },
    "an object as message": lambda code, words: {"error": {"message": {"code": code, "message": words}}},
    "response metadata": lambda code, words: {"ResponseMetadata": {"Error": {"Code": code, "Message": words}}},
    "detail": lambda code, words: {"detail": [{"loc": ["body"], "msg": words, "code": code}]},
}


@pytest.mark.parametrize("shape", SHAPES)
@ROWS
def test_a_row_in_every_shape(row: Row, shape: str) -> None:
    words = ERROR_CODES[row.code].words(ID)
    found = read(ERROR_CODES[row.code].status, SHAPES[shape](row.code, words))
    assert (found.verdict, found.code, found.message) == (row.verdict, row.code, words.strip())
    assert found.request_id == ID
    assert found.is_told


@pytest.mark.parametrize(
    ("words", "verdict"),
    [
        ("Your account [21] has exhausted its free trial quota for the [m] model.", STOP),
        (QUEUE_FULL.message, SLOW),
        ("The request queue is full", SLOW),
        (USAGE_QUOTA.format("2026-09-04 18:00:00 +0800 CST"), Verdict.NOT_BEFORE),
    ],
)
@pytest.mark.parametrize("code", ["QuotaExceeded", ""])
def test_the_three_meanings_of_a_quota(words: str, verdict: Verdict, code: str) -> None:
    found = read(429, {"error": {"code": code, "message": f"{words} Request ID: {ID}", "type": "TooManyRequests"}})
    assert found.verdict is verdict
    assert (found.not_before is not None) is (verdict is Verdict.NOT_BEFORE)


@pytest.mark.parametrize(
    ("code", "words", "verdict"),
    [
        (429, "rate limit", SLOW),
        ("429", "insufficient balance", STOP),
        (401, "invalid token", STOP),
        (403, "content blocked by moderation", BLOCKED),
        (400, "size is not supported", NODE),
        (500, "upstream error", Verdict.UNKNOWN),
        (0, "", Verdict.UNKNOWN),
    ],
)
def test_a_gateway_that_says_its_status_in_the_body_of_a_200(code: int | str, words: str, verdict: Verdict) -> None:
    assert read(200, {"code": code, "message": words}).verdict is verdict


@pytest.mark.parametrize(
    ("status", "body", "verdict", "hint"),
    [
        (404, b"", STOP, "check the base URL: it ends before"),
        (404, b"<html><title>Not Found</title></html>", STOP, "check the base URL"),
        (405, b"", STOP, "check the base URL"),
        (401, b"", STOP, "check the key"),
        (402, b"{}", STOP, "top up the account"),
        (403, b"<html>Attention Required!</html>", NODE, "something in front of the service"),
        (413, b"<html>Request Entity Too Large</html>", NODE, "fewer references"),
        (429, b"<html>Too many</html>", SLOW, None),
        (408, b"", Verdict.UNKNOWN, None),
        (500, b"", Verdict.UNKNOWN, None),
        (502, b"<html>Bad gateway</html>", Verdict.UNKNOWN, None),
        (503, b"upstream connect error", Verdict.UNKNOWN, None),
        (504, b"<html>", Verdict.UNKNOWN, None),
        (524, b"<html>A timeout occurred</html>", Verdict.UNKNOWN, None),
        (200, b"<html>Log in</html>", Verdict.UNKNOWN, None),
        (200, b"", Verdict.UNKNOWN, None),
        (200, b"{", Verdict.UNKNOWN, None),
        (200, b"null", Verdict.UNKNOWN, None),
        (302, b"", STOP, "write the address it redirects to"),
    ],
)
@pytest.mark.parametrize("dialect", [UPSTREAM, APIYI], ids=["upstream", "gateway"])
def test_answers_without_an_error_object(
    status: int, body: bytes, verdict: Verdict, hint: str | None, dialect: Dialect
) -> None:
    found = read_reply(status, {"x-request-id": "header-id"}, body, dialect=dialect)
    assert isinstance(found, Refusal)
    assert (found.verdict, found.request_id, found.is_told) == (verdict, "header-id", False)
    assert hint is None or hint in (found.hint or "")
