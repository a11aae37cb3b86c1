"""Every code of the service's table in both dialects, and the words of gateways that have no codes."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from seedpipe.catalogue.catalogue import load_catalogue
from seedpipe.service.refusals import UPSTREAM, Dialect, Refusal, Verdict, reset_time
from seedpipe.service.reply import read_reply
from seedpipe.service.verdicts import item_verdict
from tests.service.recorded import recorded

_provider = load_catalogue().provider("apiyi")
APIYI = Dialect(unbilled=_provider.unbilled_errors, blocked_statuses=_provider.blocked_statuses)
DIALECTS = [pytest.param(UPSTREAM, id="upstream"), pytest.param(APIYI, id="apiyi")]


def refuse(status: int, code: str | None, message: str = "m", kind: str = "", dialect: Dialect = UPSTREAM) -> Refusal:
    body = json.dumps({"error": {"code": code, "message": message, "param": "", "type": kind}}).encode()
    found = read_reply(status, {}, body, dialect=dialect)
    assert isinstance(found, Refusal)
    return found


TABLE = [
    (400, "BadRequest", Verdict.NODE, "MissingParameter MissingParameter.prompt InvalidParameter InvalidParameter.size "
     "InvalidParameter.UnsupportedParameter InvalidImageURL.EmptyURL InvalidImageURL.InvalidFormat BadRequest"),
    (400, "BadRequest", Verdict.BLOCKED, "SensitiveContentDetected SensitiveContentDetected.SevereViolation "
     "SensitiveContentDetected.Violence InputTextSensitiveContentDetected "
     "InputTextSensitiveContentDetected.PolicyViolation InputImageSensitiveContentDetected "
     "InputImageSensitiveContentDetected.PolicyViolation InputImageSensitiveContentDetected.PrivacyInformation "
     "OutputImageSensitiveContentDetected OutputImageSensitiveContentDetected.DeepFake "
     "InputTextRiskDetection InputImageRiskDetection OutputTextRiskDetection OutputImageRiskDetection"),
    (400, "BadRequest", Verdict.RETRY, "InvalidEndpoint.ClosedEndpoint ContentSecurityDetectionError"),
    (401, "Unauthorized", Verdict.STOP, "AuthenticationError InvalidAccountStatus"),
    (403, "Forbidden", Verdict.STOP,
     "AccountOverdueError AccessDenied OperationDenied.ServiceNotOpen OperationDenied.ServiceOverdue"),
    (404, "NotFound", Verdict.STOP, "InvalidEndpointOrModel.NotFound ModelNotOpen "
     "InvalidEndpointOrModel.ModelIDAccessDisabled UnsupportedModel"),
    (429, "TooManyRequests", Verdict.SLOW_DOWN, "ModelAccountIpmRateLimitExceeded ModelAccountRpmRateLimitExceeded "
     "APIAccountRpmRateLimitExceeded RateLimitExceeded.EndpointRPMExceeded AccountRateLimitExceeded "
     "ServerOverloaded RequestBurstTooFast InflightBatchsizeExceeded"),
    (429, "TooManyRequests", Verdict.STOP, "SetLimitExceeded"),
]  # fmt: skip
CASES = [(status, kind, verdict, code) for status, kind, verdict, codes in TABLE for code in codes.split()]


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(("status", "kind", "verdict", "code"), CASES)
def test_the_table_of_codes(status: int, kind: str, verdict: Verdict, code: str, dialect: Dialect) -> None:
    for told in (kind, ""):  # `type` is empty on some answers
        found = refuse(status, code, "The request failed.", told, dialect)
        assert found.verdict is verdict
        assert found.is_free
        assert (found.hint is not None) is (verdict is Verdict.STOP)
    assert refuse(status, code.lower(), dialect=dialect).verdict is verdict


@pytest.mark.parametrize(("status", "kind", "verdict", "code"), CASES)
def test_a_gateway_that_moves_the_code_into_the_words(status: int, kind: str, verdict: Verdict, code: str) -> None:
    message = f"upstream said {code}: no (request id: abcdefgh)"
    assert refuse(status, "bad_response_status_code", message).verdict is verdict


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    ("name", "verdict"),
    [
        ("refusal-400-image-download-timeout", Verdict.NODE),
        ("refusal-400-input-text-blocked", Verdict.BLOCKED),
        ("refusal-400-size-minimum", Verdict.NODE),
        ("refusal-400-size-tier", Verdict.NODE),
        ("refusal-401-missing-key", Verdict.STOP),
        ("refusal-403-overdue", Verdict.STOP),
        ("refusal-404-empty", Verdict.STOP),
        ("refusal-404-model-not-open", Verdict.STOP),
        ("refusal-404-unknown-model", Verdict.STOP),
        ("refusal-429-free-trial", Verdict.STOP),
        ("refusal-429-gateway-balance", Verdict.STOP),
        ("refusal-429-ipm", Verdict.SLOW_DOWN),
        ("refusal-429-quota-resets", Verdict.NOT_BEFORE),
        ("refusal-524-cloudflare", Verdict.UNKNOWN),
    ],
)
def test_recorded_refusals(name: str, verdict: Verdict, dialect: Dialect) -> None:
    it = recorded(name)
    found = read_reply(it.status, it.headers, it.body, dialect=dialect)
    assert isinstance(found, Refusal)
    assert (found.verdict, found.http_status) == (verdict, it.status)
    if it.body.startswith(b"{"):
        assert found.message == json.loads(it.body)["error"]["message"]  # the provider's own words
    if verdict is Verdict.STOP:
        assert found.hint


def test_the_words_for_a_web_page() -> None:
    it = recorded("refusal-524-cloudflare")
    found = read_reply(it.status, it.headers, it.body)
    assert isinstance(found, Refusal)
    assert found.message == (
        "HTTP 524 with a web page in place of an answer: api-cf.apiyi.com | 524: A timeout occurred"
    )


def test_a_500_is_unknown_unless_the_catalogue_marks_it_unbilled() -> None:
    it = recorded("refusal-500-internal")
    upstream = read_reply(it.status, it.headers, it.body, dialect=UPSTREAM)
    gateway = read_reply(it.status, it.headers, it.body, dialect=APIYI)
    assert isinstance(upstream, Refusal) and isinstance(gateway, Refusal)
    assert (upstream.verdict, gateway.verdict) == (Verdict.UNKNOWN, Verdict.RETRY)


@pytest.mark.parametrize("status", [500, 502, 503, 504, 520, 524])
@pytest.mark.parametrize("dialect", DIALECTS)
def test_server_faults_without_a_known_code_are_unknown(status: int, dialect: Dialect) -> None:
    assert refuse(status, "do_request_failed", "upstream error: EOF", dialect=dialect).verdict is Verdict.UNKNOWN
    assert refuse(status, None, "see AuthenticationError in the manual", dialect=dialect).verdict is Verdict.UNKNOWN
    assert refuse(status, "", "rate limit", "BadRequest", dialect=dialect).verdict is Verdict.UNKNOWN


def test_server_faults_that_are_definite() -> None:
    assert refuse(503, "ServerOverloaded").verdict is Verdict.SLOW_DOWN
    assert refuse(503, "get_channel_failed", "当前分组 default 下对于模型 x 无可用渠道").verdict is Verdict.RETRY
    assert refuse(500, "insufficient_user_quota").verdict is Verdict.STOP


@pytest.mark.parametrize(
    ("message", "upstream", "apiyi"),
    [
        ("content blocked", Verdict.STOP, Verdict.BLOCKED),
        ("Your request was rejected by content moderation", Verdict.BLOCKED, Verdict.BLOCKED),
        ("输入内容包含敏感信息", Verdict.BLOCKED, Verdict.BLOCKED),
        ("该令牌无权访问模型 seedream", Verdict.STOP, Verdict.STOP),
        ("This token has no access to model x", Verdict.STOP, Verdict.STOP),
        ("用户额度不足, 剩余额度: 0", Verdict.STOP, Verdict.STOP),
        ("Your IP is not in the whitelist", Verdict.STOP, Verdict.STOP),
    ],
)
def test_a_403_is_moderation_on_one_and_the_account_on_the_other(
    message: str, upstream: Verdict, apiyi: Verdict
) -> None:
    assert refuse(403, "", message, dialect=UPSTREAM).verdict is upstream
    assert refuse(403, "", message, dialect=APIYI).verdict is apiyi


@pytest.mark.parametrize(
    ("message", "verdict"),
    [
        ("Insufficient balance", Verdict.STOP),
        ("Your account balance is not enough", Verdict.STOP),
        ("You exceeded your current quota, please check your plan and billing details", Verdict.STOP),
        ("余额不足，请充值", Verdict.STOP),
        ("Rate limit reached: 500 RPM", Verdict.SLOW_DOWN),
        ("the quota of requests per minute is reached", Verdict.SLOW_DOWN),
        ("请求过于频繁", Verdict.SLOW_DOWN),
        ("insufficient capacity, the load balancer is busy", Verdict.SLOW_DOWN),
        ("quota exhausted", Verdict.STOP),
        ("quota used; the queue is full", Verdict.SLOW_DOWN),
        ("try later", Verdict.SLOW_DOWN),
        ("", Verdict.SLOW_DOWN),
    ],
)
def test_a_429_may_be_permanent(message: str, verdict: Verdict) -> None:
    assert refuse(429, "", message).verdict is verdict


@pytest.mark.parametrize(
    ("message", "verdict"),
    [
        ("You have exhausted its free trial quota for the [x] model", Verdict.STOP),
        ("The request queue is full", Verdict.SLOW_DOWN),
        ("the weekly usage quota. It will reset at 2026-09-07 00:00:00 +0800 CST", Verdict.NOT_BEFORE),
        ("the monthly usage quota. It will reset at some time", Verdict.STOP),
        ("something else", Verdict.STOP),
    ],
)
def test_the_meanings_of_quota_exceeded(message: str, verdict: Verdict) -> None:
    assert refuse(429, "QuotaExceeded", message, "TooManyRequests").verdict is verdict


def test_not_before_has_its_time() -> None:
    it = recorded("refusal-429-quota-resets")
    found = read_reply(it.status, it.headers, it.body)
    assert isinstance(found, Refusal)
    assert found.not_before == datetime(2026, 9, 4, 10, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "offset"),
    [
        ("2026-09-04T18:00:00Z", 0),
        ("2026-09-04 18:00:00 UTC", 0),
        ("2026-09-04 18:00 +0800", 8),
        ("2026-09-04 18:00", 0),
    ],
)
def test_reset_times(text: str, offset: int) -> None:
    assert reset_time(f"It will reset at {text}.") == datetime(2026, 9, 4, 18, 0, tzinfo=UTC) - timedelta(hours=offset)


def test_reset_times_that_are_none() -> None:
    assert reset_time("It will reset at 2026-13-45 99:00:00") is None
    assert reset_time("soon") is None


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (301, Verdict.STOP),
        (307, Verdict.STOP),
        (400, Verdict.NODE),
        (401, Verdict.STOP),
        (402, Verdict.STOP),
        (403, Verdict.NODE),
        (404, Verdict.STOP),
        (405, Verdict.STOP),
        (408, Verdict.UNKNOWN),
        (413, Verdict.NODE),
        (429, Verdict.SLOW_DOWN),
        (499, Verdict.UNKNOWN),
        (502, Verdict.UNKNOWN),
    ],
)
def test_pages_of_what_stands_in_front_of_the_service(status: int, verdict: Verdict) -> None:
    found = read_reply(status, {"location": "https://x/y?token=1"}, b"<html><head><title>Hm</title></head></html>")
    assert isinstance(found, Refusal)
    assert found.verdict is verdict
    assert "token=1" not in found.message


def test_words_inside_a_parameter_error_do_not_make_it_moderation() -> None:
    message = "The parameter `size` is case sensitive and violates the pattern"
    assert refuse(400, "InvalidParameter", message).verdict is Verdict.NODE


@pytest.mark.parametrize(
    ("code", "verdict"),
    [
        ("OutputImageSensitiveContentDetected", Verdict.BLOCKED),
        ("InternalServiceError", Verdict.RETRY),  # an item that failed is not billed
        ("ModelAccountIpmRateLimitExceeded", Verdict.SLOW_DOWN),
        ("Strange", Verdict.NODE),
    ],
)
def test_items(code: str, verdict: Verdict) -> None:
    assert item_verdict(code, "", "m") is verdict


# The sentences of the service's error table and of measured answers, word for word; {id} is the request id (§3.4, §6).
SENTENCES = [
    (Verdict.NODE, 400, "The request failed because it is missing one or multiple required parameters. Request ID: {id}"),
    (Verdict.NODE, 400, "One or more parameters specified in the request are not valid. Request ID: {id}"),
    (Verdict.NODE, 400, "The parameter `size` specified in the request is not valid: image size must be at least 3686400 "
     "pixels. Request id: {id}"),
    (Verdict.NODE, 400, "Timeout while downloading url=http://pictures.example/a.png. Request id: {id}"),
    (Verdict.BLOCKED, 400, "The request failed because the input text may contain sensitive information.Request ID: {id}"),
    (Verdict.BLOCKED, 400, "The request failed because the input image may contain sensitive information.Request ID: {id}"),
    (Verdict.BLOCKED, 400, "The request failed because the output image may contain sensitive information.Request ID: {id}"),
    (Verdict.STOP, 401, "the API key or AK/SK in the request is missing or invalid. request id: {id}"),
    (Verdict.STOP, 403, "The request failed because your account has an overdue balance. Request ID: {id}"),
    (Verdict.STOP, 404, "The model or endpoint m does not exist or you do not have access to it. Request id: {id}"),
    (Verdict.STOP, 404, "Your account 21 has not activated the model m. Please activate the model service in the Ark "
     "Console. Request id: {id}"),
    (Verdict.SLOW_DOWN, 429, "IPM (Images Per Minute) limit of the model is exceeded. Request ID: {id}"),
    (Verdict.SLOW_DOWN, 429, "The Inflight Batchsize limit has been exceeded.Request ID: {id}"),
    (Verdict.SLOW_DOWN, 429, "The service is currently unable to handle additional requests due to server overload. "
     "Please retry later. Request ID: {id}"),
    (Verdict.SLOW_DOWN, 429, "System protection triggered by request burst. Please slow down traffic growth and increase "
     "requests gradually before retrying. Request ID: {id}"),
    (Verdict.STOP, 429, "Your account 21 has exhausted its free trial quota for the [m] model. Request ID: {id}"),
    (Verdict.NOT_BEFORE, 429, "You have exceeded the 5-hour usage quota. It will reset at 2026-09-04 18:00:00 +0800 CST. "
     "Request id: {id}"),
    (Verdict.STOP, 429, "insufficient balance (request id: {id})"),
    (Verdict.UNKNOWN, 500, "The service encountered an unexpected internal error. Request id: {id}"),
]  # fmt: skip
ID = "021788487573482f1c0de5a9b3e47d2210fe8c6a7b94d3e1f0a25"


@pytest.mark.parametrize("code", ["", "bad_response_status_code", None], ids=["empty", "openai", "null"])
@pytest.mark.parametrize(("verdict", "status", "sentence"), SENTENCES)
def test_the_sentences_alone_are_enough(verdict: Verdict, status: int, sentence: str, code: str | None) -> None:
    """A gateway in the OpenAI shape may put its own code in place of the service's; the words still tell."""
    for dialect in (UPSTREAM, APIYI):
        found = refuse(status, code, sentence.format(id=ID), "upstream_error", dialect)
        assert (found.verdict, found.request_id) == (verdict, ID)


@pytest.mark.parametrize(("verdict", "status", "sentence"), SENTENCES)
@pytest.mark.parametrize("shape", ["nested", "string", "top level", "in the words", "response metadata"])
def test_every_envelope(verdict: Verdict, status: int, sentence: str, shape: str) -> None:
    message = sentence.format(id=ID)
    documents: dict[str, object] = {
        "nested": {"error": {"message": message, "type": "", "param": "", "code": ""}},
        "string": {"error": message},
        "top level": {"code": status, "message": message},
        "in the words": {"error": {"message": json.dumps({"error": {"code": "", "message": message}})}},
        "response metadata": {"ResponseMetadata": {"Error": {"Code": "", "Message": message}}},
    }
    found = read_reply(status, {}, json.dumps(documents[shape]).encode())
    assert isinstance(found, Refusal)
    assert (found.verdict, found.request_id, found.message) == (verdict, ID, message)
