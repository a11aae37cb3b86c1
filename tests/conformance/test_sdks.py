"""The official SDKs against the emulator, beside our own client: every mode, each field, and what the SDKs lose."""

import base64
import json
import os
import re
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from tests.conformance.clients import KEY, OFFICIAL, by_seedpipe, seedpipe_body
from tests.conformance.recorder import Recorder
from tests.conformance.wishes import BOARD, WISHES, Came, Wish
from tests.emulator.running import Running, emulator, opened
from tests.support.wire import Seen, WireServer, answer

GOLDEN = Path(__file__).parent.parent / "golden" / "conformance"


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with emulator(tmp_path_factory.mktemp("conformance"), ipm=100_000) as running:
        yield running


@pytest.fixture
def recorder(live: Running) -> Iterator[Recorder]:
    live.scenario()
    with Recorder(int(live.origin.rsplit(":", 1)[1])) as recorder:
        yield recorder


def posts(recorder: Recorder) -> list[Seen]:
    return [seen for seen in recorder.requests if seen.method == "POST"]


def without_nulls(value: Any) -> Any:
    """Null is the same as absent, at every depth."""
    if isinstance(value, dict):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    return value


def check_pictures(came: Came, wish: Wish) -> None:
    assert (len(came.pictures), came.generated) == (wish.frames, wish.frames)
    for number, (place, size) in enumerate(came.pictures):
        data = base64.b64decode(place) if wish.inline else httpx.get(place, trust_env=False, verify=False).content
        image = opened(data)
        assert "x".join(map(str, image.size)) == size
        if not wish.layers:
            assert size == wish.size or wish.size == "1K"
        kind = "PNG" if wish.layers and number else (wish.output_format or "jpeg").upper()
        assert image.format == kind


def masked(document: Any) -> Any:
    """An answer without what differs from one time to the next."""
    text = json.dumps(document, ensure_ascii=False)
    text = re.sub(r'"created": [0-9]+', '"created": 0', text)
    text = re.sub(r"http://127\.0\.0\.1:[0-9]+/([a-z0-9.-]+)/02[0-9a-f]{51}_", r"http://127.0.0.1/\1/02…_", text)
    text = re.sub(r"(X-Tos-(?:Credential|Date|Signature)=)[^&\"]+", r"\1…", text)
    text = re.sub(r'"b64_json": "([A-Za-z0-9+/]{8})[A-Za-z0-9+/=]+"', r'"b64_json": "\1…"', text)
    return json.loads(text)


def answers_of(raw: bytes) -> list[Any]:
    """The documents of a whole HTTP answer: one, or one an event."""
    found = httpx.Response(200, headers=_headers(raw), content=_body(raw))
    if "event-stream" not in found.headers["content-type"]:
        return [found.json()]
    return [json.loads(line[6:]) for line in found.text.splitlines() if line.startswith("data: {")]


def _headers(raw: bytes) -> dict[str, str]:
    _, *lines = raw.partition(b"\r\n\r\n")[0].decode().split("\r\n")
    pairs = (line.partition(":") for line in lines)
    return {name.lower(): value.strip() for name, _, value in pairs if name.lower() != "transfer-encoding"}


def _body(raw: bytes) -> bytes:
    head, _, body = raw.partition(b"\r\n\r\n")
    if b"transfer-encoding: chunked" not in head.lower():
        return body
    parts = b""
    while body:
        size, _, body = body.partition(b"\r\n")
        length = int(size, 16)
        parts, body = parts + body[:length], body[length + 2 :]
    return parts


@pytest.mark.parametrize("wish", WISHES, ids=[wish.name for wish in WISHES])
def test_the_same_wish_is_the_same_request(recorder: Recorder, live: Running, wish: Wish) -> None:
    """All get their pictures; the bodies agree field by field; what each sent and what it was answered is as recorded."""
    entries, requests = [], {}
    for name in wish.by:
        official = OFFICIAL[name]
        wire = official.wire(wish.model)
        bodies = []
        for send in official.ways.values():
            check_pictures(send(recorder.origin + official.prefix, wish, wire), wish)
            entries.append(live.last())
            bodies.append(json.loads(posts(recorder)[-1].body))
        assert bodies[0] == bodies[1], "sync and async"
        requests[name] = bodies[0]
        assert without_nulls(bodies[0]) == json.loads(seedpipe_body(wish, wire)), name  # ours never has a null
    official = OFFICIAL[wish.by[0]]
    check_pictures(by_seedpipe(recorder.origin + official.prefix, wish, official.wire(wish.model)), wish)
    entries.append(live.last())
    requests["seedpipe"] = json.loads(posts(recorder)[-1].body)
    for field in LEDGER:
        assert len({json.dumps(entry[field]) for entry in entries}) == 1, field
    assert {entry["billed_images"] for entry in entries} == {wish.frames}
    recorder.wait()
    answers = [masked(answers_of(raw)) for raw in recorder.answers if b"x-client-request-id" in raw[:1000].lower()]
    assert [_without_model(answer) for answer in answers] == [_without_model(answers[0])] * len(entries)
    check_golden(wish.name, {"requests": requests, "answer": answers[0]})


LEDGER = ("model", "prompt_sha256", "pixels", "references", "format", "watermark", "inline", "stream", "max_images")


def _without_model(answers: Any) -> list[dict[str, Any]]:
    """The model's name follows the request's spelling, and in an address its provider's."""
    text = json.dumps([{**answer, "model": ""} for answer in answers])
    found: list[dict[str, Any]] = json.loads(re.sub(r"(http://127\.0\.0\.1/)[a-z0-9-]+/", r"\1", text))
    return found


def check_golden(name: str, found: Any) -> None:
    """`tests/golden/conformance/NAME.json`: what every client sent, and what the emulator answered."""
    file = GOLDEN / f"{name}.json"
    if os.environ.get("UPDATE_GOLDENS"):
        file.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    recorded = json.loads(file.read_text(encoding="utf-8"))
    assert without_nulls(found) == without_nulls(recorded)  # an SDK may learn a field and send it as null


@pytest.mark.parametrize("name", OFFICIAL)
def test_the_same_headers(recorder: Recorder, name: str) -> None:
    official = OFFICIAL[name]
    for send in (*official.ways.values(), by_seedpipe):
        for stream in (False, True):
            wish = Wish(name="headers", prompt="a lamp", stream=stream)
            send(recorder.origin + official.prefix, wish, official.wire(wish.model))
    sent = posts(recorder)
    assert len(sent) == 6
    for seen in sent:
        assert seen.target == f"{official.prefix}/images/generations"
        assert seen.headers["content-type"] == seen.headers["accept"] == "application/json"
        assert seen.headers["authorization"] == "Bearer test-key"
        assert seen.headers["accept-encoding"] == "gzip, deflate"


FAULTS = {
    "a frame was refused": ({"do": "moderate-output", "index": 1}, 2),
    "an error amid": ({"do": "item-error", "index": 1}, 1),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("name", OFFICIAL)
def test_a_stream_kills_the_sdk_at_a_failed_frame_and_not_us(
    recorder: Recorder, live: Running, name: str, fault: str
) -> None:
    """They raise at the first `error` and lose what is paid for after it (M); ours has every paid frame."""
    official = OFFICIAL[name]
    wish = Wish(name="board", prompt=BOARD, frames=3, stream=True)
    scenario, billed = FAULTS[fault]
    live.scenario(scenario)
    base, wire = recorder.origin + official.prefix, official.wire(wish.model)
    for send in official.ways.values():
        with pytest.raises(Exception, match=r".") as raised:
            send(base, wish, wire)
        assert type(raised.value).__name__ in ("APIError", "ArkAPIError")
    came = by_seedpipe(base, wish, wire)
    assert (len(came.pictures), came.generated, live.last()["billed_images"]) == (billed, billed, billed)


LOST = {
    "drop-after-billing": "Connection",
    "truncated-body": "Connection",
    "internal-error": "unexpected internal error",
}


@pytest.mark.parametrize("how", LOST)
def test_an_answer_that_is_lost_is_bought_three_times_by_them_and_once_by_us(live: Running, how: str) -> None:
    """With the SDKs as they come, that is with two retries (M)."""
    live.scenario({"do": how, "match": "lost", "billed": True})

    def lose(name: str, way: str) -> None:
        official = OFFICIAL[name]
        wish = Wish(name="lost", prompt=f"lost by {name} {way}")
        with pytest.raises(Exception, match=LOST[how]):
            official.ways[way](live.origin + official.prefix, wish, official.wire(wish.model), 2)

    each = [(name, way) for name in OFFICIAL for way in ("sync", "async")]
    began = len(live.ledger()["requests"])
    with ThreadPoolExecutor() as pool:
        list(pool.map(lose, *zip(*each, strict=True)))
    with pytest.raises(AssertionError, match="UNKNOWN"):  # what `by_seedpipe` says of a refusal
        by_seedpipe(live.origin + "/v1", Wish(name="lost", prompt="lost by us"), "seedream-4-0-250828")
    bought = Counter(entry["prompt"] for entry in live.ledger()["requests"][began:] if entry["billed_images"])
    assert bought == {**{f"lost by {name} {way}": 3 for name, way in each}, "lost by us": 1}


@pytest.mark.parametrize("way", ["sync", "async"])
def test_what_passes_is_tried_again(recorder: Recorder, live: Running, way: str) -> None:
    """Refused twice, then made: three posts, one picture billed; the vendors' make a new trace id each time (M)."""
    live.scenario(*({"do": "overloaded", "match": name, "times": 2} for name in OFFICIAL))

    def ask(name: str) -> None:
        official = OFFICIAL[name]
        wish = Wish(name="again", prompt=f"again by {name}")
        came = official.ways[way](recorder.origin + official.prefix, wish, official.wire(wish.model), 2)
        assert came.generated == 1

    began = len(live.ledger()["requests"])
    with ThreadPoolExecutor() as pool:
        list(pool.map(ask, OFFICIAL))
    entries = live.ledger()["requests"][began:]
    for name in OFFICIAL:
        sent = [seen for seen in posts(recorder) if f"again by {name}" in seen.body.decode()]
        assert len(sent) == 3
        if name == "openai":
            assert [seen.headers["x-stainless-retry-count"] for seen in sent] == ["0", "1", "2"]
        else:
            assert len({seen.headers["x-client-request-id"] for seen in sent}) == 3
    assert sum(entry["billed_images"] for entry in entries) == 3


def test_a_bad_request_is_not_tried_again(recorder: Recorder, live: Running) -> None:
    for name, official in OFFICIAL.items():
        wish = Wish(name="bad", prompt=f"bad by {name}", size="1x1")
        for send in official.ways.values():
            with pytest.raises(Exception, match="must be at least 921600 pixels"):
                send(recorder.origin + official.prefix, wish, official.wire(wish.model), 2)
    assert len(posts(recorder)) == 2 * len(OFFICIAL)


def test_whose_wait_is_kept(recorder: Recorder, live: Running) -> None:
    """`Retry-After` is honoured by openai's SDK up to two minutes, and ignored by the vendors' (M)."""
    live.scenario(
        *({"do": "rate-limit", "match": f"short {name}", "times": 1, "retry_after": 2.5} for name in OFFICIAL),
        {"do": "rate-limit", "match": "long", "retry_after": 130},
    )

    def seconds(name: str) -> float:
        official = OFFICIAL[name]
        wish = Wish(name="short", prompt=f"short {name}")
        began = time.monotonic()
        official.send(recorder.origin + official.prefix, wish, official.wire(wish.model), 2)
        return time.monotonic() - began

    with ThreadPoolExecutor() as pool:
        waited = dict(zip(OFFICIAL, pool.map(seconds, OFFICIAL), strict=True))
    assert waited["openai"] >= 2.5
    wish = Wish(name="long", prompt="long")
    with pytest.raises(openai.RateLimitError):
        OFFICIAL["openai"].send(recorder.origin + "/v1", wish, wish.model, 2)
    assert sum(b'"long"' in seen.body for seen in posts(recorder)) == 1


UNNOTICED = {
    "a cut stream": ({"do": "cut-stream", "count": 1}, True, 3),
    "plain JSON in place of a stream": ("json-for-stream", True, 3),
    "an error with status 200": ("error-in-200", False, 0),
    "a web page with status 200": (None, False, 0),
}


@pytest.mark.parametrize("what", UNNOTICED)
@pytest.mark.parametrize("name", OFFICIAL)
def test_what_the_sdks_do_not_notice_and_we_do(live: Running, name: str, what: str) -> None:
    """They end as if all were well (M)."""
    official = OFFICIAL[name]
    fault, stream, billed = UNNOTICED[what]
    wish = Wish(name="board", prompt=BOARD, frames=3, stream=stream)
    live.scenario(*([fault] if fault else []))
    base, wire = live.origin + official.prefix, official.wire(wish.model)
    if what == "a web page with status 200":
        with WireServer() as server:
            page = b"<html>welcome</html>"
            server.on(f"{official.prefix}/images/generations", answer(200, page, {"content-type": "text/html"}))
            client = official.client(api_key=KEY, base_url=server.url + official.prefix, max_retries=0)
            assert client.images.generate(**official.arguments(wish, wire)) == page.decode()
            with pytest.raises(AssertionError, match="UNKNOWN"):
                by_seedpipe(server.url + official.prefix, wish, wire)
        return
    client = official.client(api_key=KEY, base_url=base, max_retries=0)
    found = client.images.generate(**official.arguments(wish, wire))
    if stream:
        assert len(list(found)) == (1 if what == "a cut stream" else 0)
    else:
        assert found.data is None
    assert live.wait_until_billed(billed)["billed_images"] == billed
    if what == "plain JSON in place of a stream":
        assert len(by_seedpipe(base, wish, wire).pictures) == 3
    else:
        with pytest.raises(AssertionError, match=r"UNKNOWN|CUT|RETRY|unfinished|!="):
            check_pictures(by_seedpipe(base, wish, wire), wish)


def test_layers_reach_the_sdks(live: Running) -> None:
    """The fields of each layer, typed by the vendors' classes and kept as extras by openai's."""
    wish = next(wish for wish in WISHES if wish.name == "layers-url")
    for official in OFFICIAL.values():
        client = official.client(api_key=KEY, base_url=live.origin + official.prefix, max_retries=0)
        base, *layers = client.images.generate(**official.arguments(wish, official.wire(wish.model))).data
        assert (base.z_index, getattr(base, "bounding_box", None)) == (0, None)
        for layer in layers:
            box = layer.bounding_box
            left, top, right, bottom = box["absolute"] if isinstance(box, dict) else box.absolute
            assert layer.size == f"{right - left}x{bottom - top}"
            assert layer.name and layer.description


ERRORS: dict[str, tuple[Any, int, str]] = {
    "InvalidParameter": ({"do": "refuse", "code": "InvalidParameter"}, 400, "BadRequestError"),
    "AuthenticationError": ("unauthorised", 401, "AuthenticationError"),
    "InputTextSensitiveContentDetected": ("moderate-input", 403, "PermissionDeniedError"),
    "AccountOverdueError": ({"do": "balance", "dialect": "upstream"}, 403, "PermissionDeniedError"),
    "ModelNotOpen": ({"do": "refuse", "code": "ModelNotOpen"}, 404, "NotFoundError"),
    "ModelAccountIpmRateLimitExceeded": ("rate-limit", 429, "RateLimitError"),
    "insufficient_user_quota": ("balance", 429, "RateLimitError"),
    "InternalServiceError": ("internal-error", 500, "InternalServerError"),
}


@pytest.mark.parametrize("name", OFFICIAL)
def test_errors_have_their_classes(recorder: Recorder, live: Running, name: str) -> None:
    official = OFFICIAL[name]
    answers = {}
    for code, (fault, status, kind) in ERRORS.items():
        if code == "InputTextSensitiveContentDetected" and official.prefix != "/v1":
            status, kind = 400, "BadRequestError"  # as upstream has it
        if code == "insufficient_user_quota":
            fault = {"do": "balance", "dialect": "gateway"}
        live.scenario(fault)
        for stream in (False, True):
            wish = Wish(name="refused", prompt="a lamp", stream=stream)
            for send in official.ways.values():
                with pytest.raises(Exception, match="code") as raised:
                    send(recorder.origin + official.prefix, wish, official.wire(wish.model))
                error: Any = raised.value
                assert type(error).__name__.removeprefix("Ark") == kind
                assert (error.status_code, error.code, error.body["code"]) == (status, code, code)
                if name == "openai":  # of the vendors' only the id that they made themselves
                    assert error.request_id == error.response.headers["x-request-id"]
        recorder.wait()
        answers[code] = masked_refusal(recorder.answers[-1])
    check_golden(f"refusals-{name}", answers)


def masked_refusal(raw: bytes) -> dict[str, Any]:
    """Status, headers and body without what differs from one time to the next."""
    headers = _headers(raw)
    body = json.dumps(httpx.Response(200, headers=headers, content=_body(raw)).json(), ensure_ascii=False)
    kept = ("content-type", "content-encoding", "server", "vary", "x-error-code")
    return {
        "status": int(raw.split(b" ", 2)[1]),
        "headers": {name: headers[name] for name in kept if name in headers},
        "body": json.loads(re.sub("02[0-9a-f]{51}", "02…", body)),
    }


def test_models_are_listed_to_the_sdk(live: Running) -> None:
    with openai.OpenAI(base_url=f"{live.origin}/v1", api_key="k") as client:
        assert "seedream-4-5-251128" in {model.id for model in client.models.list()}


def test_nothing_is_recorded_for_wishes_that_are_gone() -> None:
    refusals = {f"refusals-{name}" for name in OFFICIAL}
    assert {file.stem for file in GOLDEN.glob("*.json")} == {wish.name for wish in WISHES} | refusals
