"""Each fault on the wire, and what the ledger says of it."""

import base64
import re
import time
from dataclasses import fields
from typing import Any

import httpx
import jsonschema
import pytest

from seedpipe.console import json_text
from seedpipe.emulator.faults import (
    FIELDS,
    Fault,
    FaultBook,
    FaultKind,
    ScenarioError,
    fault_to_dict,
    parse_faults,
    scenario_schema,
    spoken_faults,
)
from seedpipe.emulator.scenario import read_scenario
from tests.emulator.descriptions import SCHEMAS
from tests.emulator.running import KEY, Running, emulator, opened, order


def test_a_book_counts() -> None:
    stall = Fault(kind=FaultKind.STALL, match="lamp", times=2, after=1)
    always = Fault(kind=FaultKind.LATENCY, model="4-5")
    book = FaultBook([stall, always])
    taken = [book.take("a lamp", "seedream-4-0") for _ in range(5)]
    assert taken == [(), (stall,), (stall,), (), ()]
    assert book.take("a cup", "seedream-4-5") == (always,)
    assert [entry["seen"] for entry in book.entries()] == [5, 1]
    assert parse_faults(book.entries()) == (stall, always)


def test_times_zero_is_never() -> None:
    assert FaultBook([Fault(kind=FaultKind.STALL, times=0)]).take("p", "m") == ()


def test_words_in_a_prompt() -> None:
    assert [fault.kind for fault in spoken_faults("emulator:stall, emulator:nothing emulator:size-off")] == [
        FaultKind.STALL,
        FaultKind.SIZE_OFF,
    ]


@pytest.mark.parametrize("kind", FaultKind)
def test_every_kind_can_be_written_and_read(kind: FaultKind) -> None:
    fault = Fault(kind=kind, times=1, seconds=0.5, ratio=0.9, index=2, billed=False, code="AccessDenied", status=503)
    assert parse_faults([fault_to_dict(fault)]) == (fault,)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("stall", "a scenario is a list of faults"),
        ({"fault": []}, "`fault` is unknown; a scenario is a list of faults"),
        ({"faults": 3}, "a scenario is a list of faults"),
        ({"faults": [], "notes": "x"}, "`notes` is unknown; a scenario is a list of faults"),
        ([7], "fault 1: no mapping; expected one like"),
        (["stall", {"do": "stal"}], "fault 2: `do` is `stal`, did you mean `stall`?"),
        ([{"do": "stall", "tmes": 1}], "fault 1: `tmes` is unknown, did you mean `times`?"),
        ([{"do": "stall", "times": "1"}], "fault 1: `times` is `1`, expected a whole number"),
        ([{"do": "stall", "times": True}], "fault 1: `times` is true, expected a whole number"),
        ([{"do": "stall", "seconds": -1}], "fault 1: `seconds` is -1, expected 0 or more"),
        ([{"do": "stall", "match": "("}], "fault 1: `match` is no regular expression"),
        ([{"do": "balance", "dialect": "french"}], "fault 1: `dialect` is `french`, expected `gateway` or `upstream`"),
        ([{"do": "refuse"}], "fault 1: `refuse` needs a `code` of the service's table, or `status`"),
        ([{"do": "refuse", "code": "ModelNotOpened"}], "`ModelNotOpened` is none: did you mean `ModelNotOpen`?"),
        ([{"do": "refuse", "code": "Odd", "status": 200}], "fault 1: `status` is 200, expected 400 or more"),
        ([{"do": "bad-gateway", "status": 524}], "fault 1: `status` is 524, expected 502, 503 or 504"),
    ],
)
def test_scenarios_that_are_wrong(live: Running, document: Any, message: str) -> None:
    with pytest.raises(ScenarioError, match=re.escape(message)):
        parse_faults(document)
    answer = live.http.put("/_emulator/scenario", json=document)
    assert answer.status_code == 400
    assert message in answer.json()["error"]


def test_the_scenario_is_yaml_too_and_can_be_seen_and_emptied(live: Running) -> None:
    text = "faults:\n  - {do: rate-limit, match: lamp, times: 1, retry_after: 0.5}\n"
    live.http.put("/_emulator/scenario", content=text)
    assert live.post(order("a cup")).status_code == 200
    refused = live.post(order("a lamp"))
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "0.5")
    assert live.post(order("a lamp")).status_code == 200
    shown = {"do": "rate-limit", "match": "lamp", "times": 1, "retry_after": 0.5, "seen": 2}
    assert live.http.get("/_emulator/scenario").json() == {"faults": [shown]}
    assert live.http.delete("/_emulator/scenario").json() == {"faults": []}


OUTPUT = "The request failed because the output image may contain sensitive information. Request id: "
SENSITIVE = "The request failed because the {} may contain sensitive information.Request ID: "
REFUSALS = [
    (
        "rate-limit",
        {},
        429,
        "ModelAccountIpmRateLimitExceeded",
        "IPM (Images Per Minute) limit of the model is exceeded. Request id: ",
    ),
    (
        "overloaded",
        {},
        429,
        "ServerOverloaded",
        "The service is currently unable to handle additional requests due to server overload. Please ",
    ),
    ("burst", {}, 429, "RequestBurstTooFast", "System protection triggered by request burst."),
    ("inflight", {}, 429, "InflightBatchsizeExceeded", "The Inflight Batchsize limit has been exceeded.Request ID: "),
    (
        "quota",
        {},
        429,
        "QuotaExceeded",
        "Your account [2100000000] has exhausted its free trial quota for the [seedream-4-0] model. Request ID: ",
    ),
    ("balance", {}, 429, "insufficient_user_quota", "insufficient balance"),
    (
        "balance",
        {"dialect": "upstream"},
        403,
        "AccountOverdueError",
        "The request failed because your account has an overdue balance. Request ID: ",
    ),
    (
        "unauthorised",
        {},
        401,
        "AuthenticationError",
        "the API key or AK/SK in the request is missing or invalid. request id: ",
    ),
    (
        "internal-error",
        {},
        500,
        "InternalServiceError",
        "The service encountered an unexpected internal error. Request id: ",
    ),
    (
        "unavailable",
        {},
        503,
        "InternalServiceError",
        "The service encountered an unexpected internal error. Request id: ",
    ),
    ("moderate-input", {}, 403, "InputTextSensitiveContentDetected", SENSITIVE.format("input text")),
    (
        "moderate-input",
        {"dialect": "upstream"},
        400,
        "InputTextSensitiveContentDetected",
        SENSITIVE.format("input text"),
    ),
    ("moderate-reference", {}, 403, "InputImageSensitiveContentDetected", SENSITIVE.format("input image")),
    ("moderate-output", {}, 403, "OutputImageSensitiveContentDetected", OUTPUT),
    (
        "moderate-output",
        {"dialect": "upstream"},
        400,
        "OutputImageSensitiveContentDetected",
        OUTPUT,
    ),
]


@pytest.mark.parametrize(("do", "fields", "status", "code", "message"), REFUSALS)
def test_refusing_faults(live: Running, do: str, fields: dict[str, Any], status: int, code: str, message: str) -> None:
    live.scenario({"do": do, **fields})
    answer = live.post(order())
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (status, code)
    assert error["message"].startswith(message)
    assert "retry-after" not in answer.headers
    assert live.last()["billed_images"] == 0


def test_the_dialect_follows_the_address(live: Running) -> None:
    answer = live.post(order("emulator:moderate-output"), prefix="/api/v3")
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "BadRequest")


@pytest.mark.parametrize(
    ("fault", "billed"),
    [
        ({"do": "drop-before-billing"}, 0),
        ({"do": "drop-after-billing"}, 1),
        ({"do": "stall", "seconds": 0.05}, 1),
        ({"do": "truncated-body"}, 1),
    ],
)
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_connections_that_break(live: Running, fault: dict[str, Any], billed: int, stream: bool) -> None:
    live.scenario(fault)
    with pytest.raises(httpx.RemoteProtocolError):
        live.post(order(stream=stream))
    assert live.last()["billed_images"] == billed


@pytest.mark.parametrize(
    ("fault", "status", "billed"),
    [
        ({"do": "bad-gateway"}, 502, 1),
        ({"do": "gateway-timeout"}, 524, 1),
        ({"do": "bad-gateway", "billed": False}, 502, 0),
        ({"do": "bad-gateway", "status": 504}, 504, 1),
        ({"do": "bad-gateway", "status": 503, "billed": False}, 503, 0),
    ],
)
def test_pages_of_gateways(live: Running, fault: dict[str, Any], status: int, billed: int) -> None:
    live.scenario(fault)
    answer = live.post(order())
    assert (answer.status_code, answer.headers["content-type"]) == (status, "text/html; charset=utf-8")
    assert live.last()["billed_images"] == billed


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_a_500_may_be_billed(live: Running, stream: bool) -> None:
    live.scenario({"do": "internal-error", "billed": True})
    assert live.post(order(stream=stream)).status_code == 500
    assert live.last()["billed_images"] == 1


def test_an_error_with_status_200(live: Running) -> None:
    live.scenario("error-in-200")
    body = live.make()
    assert body["error"]["code"] == "InternalServiceError"
    assert "data" not in body
    assert live.last()["billed_images"] == 0


def test_latency(live: Running) -> None:
    live.scenario({"do": "latency", "seconds": 0.3})
    began = time.monotonic()
    live.make()
    assert time.monotonic() - began >= 0.3


def download(live: Running, **fields: Any) -> tuple[dict[str, Any], httpx.Response]:
    item = live.make(**fields)["data"][0]
    return item, live.http.get(item["url"])


@pytest.mark.parametrize(
    ("fault", "kind", "size", "told", "extension"),
    [
        ("wrong-format", "PNG", (1024, 1024), "1024x1024", ".jpeg?"),
        ("wrong-extension", "JPEG", (1024, 1024), "1024x1024", ".png?"),
        ({"do": "size-off", "ratio": 0.5}, "JPEG", (512, 512), "512x512", ".jpeg?"),
        ({"do": "size-lie", "ratio": 0.5}, "JPEG", (512, 512), "1024x1024", ".jpeg?"),
    ],
)
def test_pictures_that_are_not_as_asked(
    live: Running, fault: Any, kind: str, size: tuple[int, int], told: str, extension: str
) -> None:
    live.scenario(fault)
    item, answer = download(live)
    image = opened(answer.content)
    assert (image.format, image.size, item["size"]) == (kind, size, told)
    assert extension in item["url"]


def test_garbage(live: Running) -> None:
    live.scenario("garbage")
    assert download(live)[1].content.startswith(b"<!-- not a picture -->")
    inline = live.make(response_format="b64_json")["data"][0]["b64_json"]
    assert base64.b64decode(inline).startswith(b"<!-- not")


@pytest.mark.parametrize(("fault", "status"), [("expired-url", 403), ("gone", 404), ("download-error", 503)])
def test_downloads_that_are_refused(live: Running, fault: str, status: int) -> None:
    live.scenario(fault)
    answer = download(live)[1]
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/xml")
    assert live.last()["billed_images"] == 1


def test_a_short_download_is_whole_the_third_time(live: Running) -> None:
    live.scenario({"do": "short-download", "downloads": 2})
    url = live.make()["data"][0]["url"]
    for _ in range(2):
        with pytest.raises(httpx.RemoteProtocolError):
            live.http.get(url)
    assert opened(live.http.get(url).content).size == (1024, 1024)


def test_a_redirect(live: Running) -> None:
    live.scenario({"do": "redirect", "to": "http://169.254.169.254/latest"})
    answer = download(live)[1]
    assert (answer.status_code, answer.headers["location"]) == (302, "http://169.254.169.254/latest")


def test_a_scenario_file(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("scenario")
    (folder / "faults.yaml").write_text("- {do: overloaded, times: 1}\n")
    with emulator(folder, scenario=str(folder / "faults.yaml")) as running:
        assert [running.post(order()).status_code for _ in range(2)] == [429, 200]
        assert running.http.get("/_emulator").json()["latency"] == 0.0


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("- stall\n- {do: stal}\n", 2, 8),
        ("- stall\n- stal\n", 2, 3),
        ("faults:\n  - do: stall\n    times: many\n", 3, 12),
        ("- do: stall\n  tmes: 1\n", 2, 3),
        ("- {do: quite something else}\n", 1, 8),
        ("- {do: stall\n", 1, 3),
        ("- do: stall\n\ttimes: 1\n", 2, 1),
        ("- {do: stall, times: 1, times: 2}\n", 1, 25),
        ("- [7]\n", 1, 3),
        ("stall\n", 1, 1),
        ("faults: stall\n", 1, 9),
        ("fault:\n  - stall\n", 1, 1),
        ('{"faults": [{"do": "stal"}]}', 1, 20),
    ],
)
def test_where_a_scenario_is_wrong(live: Running, text: str, line: int, column: int) -> None:
    answer = live.http.put("/_emulator/scenario", content=text)
    assert answer.status_code == 400
    assert (answer.json()["line"], answer.json()["column"]) == (line, column)
    assert live.http.get("/_emulator/scenario").json() == {"faults": []}


def test_all_that_is_wrong_is_said_at_once(live: Running) -> None:
    text = "- {do: stal, tmes: 1}\n- stall\n- {do: bad-gateway, status: 524}\n"
    wrong = live.http.put("/_emulator/scenario", content=text).json()
    places = [(it["line"], it["column"], it["error"].partition(":")[0]) for it in wrong["errors"]]
    assert places == [(1, 8, "fault 1"), (1, 14, "fault 1"), (3, 29, "fault 3")]
    assert wrong["error"] == wrong["errors"][0]["error"]


@pytest.mark.parametrize("text", ["", "\n", "# nothing yet\n", "[]", "faults: []\n", '{"faults":\t["st\\u0061ll"]}'])
def test_scenarios_that_are_nearly_nothing(live: Running, text: str) -> None:
    assert live.http.put("/_emulator/scenario", content=text).status_code == 200


def test_knob_words_work_without_a_scenario(live: Running) -> None:
    assert live.post(order("a lamp emulator:overloaded"), headers=KEY).status_code == 429


def test_any_error_of_the_table_or_of_ones_own(live: Running) -> None:
    live.scenario(
        {"do": "refuse", "code": "ModelNotOpen", "match": "closed"}, {"do": "refuse", "code": "Odd", "status": 418}
    )
    closed = live.post(order("closed"))
    assert (closed.status_code, closed.json()["error"]["type"]) == (404, "NotFound")
    odd = live.post(order())
    assert (odd.status_code, odd.json()["error"]["code"]) == (418, "Odd")
    assert live.last()["billed_images"] == 0


def test_an_error_inside_a_stream(live: Running) -> None:
    batch = order("Generate 3 separate images", sequential_image_generation="auto", stream=True)
    live.scenario({"do": "stream-error", "count": 1, "code": "ServerOverloaded"})
    text = live.post(batch).text
    assert (text.count("partial_succeeded"), text.count("[DONE]")) == (2, 0)  # the name and the type of one event
    assert '"code":"ServerOverloaded"' in text.rsplit("data: ", 1)[1]
    assert live.last()["billed_images"] == 1
    live.scenario({"do": "stream-error", "count": 0, "named": True})
    assert live.post(batch).text.startswith('event: error\ndata: {"error":{"code":"InternalServiceError",')
    live.scenario({"do": "stream-error", "count": 0})
    answer = live.post(batch)
    assert (answer.status_code, answer.text.count("data: ")) == (200, 1)
    assert live.last()["billed_images"] == 0


def test_streams_in_another_shape(live: Running) -> None:
    live.scenario("keep-alive", "pretty-stream")
    text = live.post(order(stream=True)).text
    assert text.startswith(': keep-alive\n\nevent: image_generation.partial_succeeded\ndata: {\n  "type"')


def test_a_stall_ends_with_the_client_and_with_the_emulator(tmp_path_factory: pytest.TempPathFactory) -> None:
    with emulator(tmp_path_factory.mktemp("stall")) as running:
        running.scenario("stall")
        for stream in (False, True):
            with pytest.raises(httpx.ReadTimeout):
                running.post(order(stream=stream), timeout=0.3)
            running.wait_until_billed(1)
    # `emulator` looks for a traceback, which uvicorn writes when it has to cancel what still waits.


# The scenario file's schema


def test_the_schema_says_what_the_parser_says() -> None:
    schema = scenario_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    good = [
        None,
        [],
        ["stall"],
        {"faults": [{"do": "refuse", "code": "AccessDenied"}]},
        [{"do": "stall", "seconds": 1}],
    ]
    for document in good:
        assert validator.is_valid(document)
        parse_faults(document)
    for document in (
        "stall",
        {"fault": []},
        [7],
        ["stal"],
        [{"do": "stall", "tmes": 1}],
        [{"do": "stall", "times": "1"}],
    ):
        assert not validator.is_valid(document)
        with pytest.raises(ScenarioError):
            parse_faults(document)
    assert {field.name for field in fields(Fault)} - {"kind"} == set(FIELDS)


def test_the_shipped_schema_is_the_parsers() -> None:
    shipped = (SCHEMAS / "emulator-scenario.schema.json").read_text(encoding="utf-8")
    assert shipped == json_text(scenario_schema()) + "\n", "run `python -m tests.emulator.descriptions`"


def test_every_kind_is_in_the_documentation() -> None:
    page = (SCHEMAS.parent / "docs" / "emulator.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"^```yaml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert len(read_scenario("block", block.encode())) == 5
    for kind in FaultKind:
        assert f"| `{kind}` | {kind.meaning} | `{{do: {kind}, match: " in page
    for name, rule in FIELDS.items():
        assert f"| `{name}` | {rule['description']} |" in page
