"""The official SDKs against the emulator, beside our own client: every mode, each field, and what the SDKs lose."""

import base64
import json
import os
import re
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from tests.conformance.clients import OFFICIAL, by_seedpipe, seedpipe_body
from tests.conformance.recorder import Recorder
from tests.conformance.wishes import BOARD, WISHES, Came, Wish
from tests.emulator.running import Running, emulator, opened
from tests.support.wire import Seen

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
    for place, size in came.pictures:
        assert size == wish.size
        data = base64.b64decode(place) if wish.inline else httpx.get(place, trust_env=False).content
        image = opened(data)
        assert (image.format, "x".join(map(str, image.size))) == ((wish.output_format or "jpeg").upper(), size)


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
    check_pictures(by_seedpipe(recorder.origin + "/v1", wish, wish.model), wish)
    entries = [live.last()]
    recorded = {}
    for name, official in OFFICIAL.items():
        wire = official.wire(wish.model)
        check_pictures(official.send(recorder.origin + official.prefix, wish, wire), wish)
        entries.append(live.last())
        body = json.loads(posts(recorder)[-1].body)
        assert without_nulls(body) == json.loads(seedpipe_body(wish, wire)), name  # ours never has a null
        recorded[name] = body
    recorded["seedpipe"] = json.loads(posts(recorder)[0].body)
    for field in LEDGER:
        assert len({json.dumps(entry[field]) for entry in entries}) == 1, field
    assert entries[0]["billed_images"] == wish.frames
    recorder.wait()
    answers = [masked(answers_of(raw)) for raw in recorder.answers if b"x-client-request-id" in raw[:1000].lower()]
    assert [_without_model(answer) for answer in answers] == [_without_model(answers[0])] * 4
    check_golden(wish, {"requests": recorded, "answer": answers[0]})


LEDGER = ("model", "prompt_sha256", "pixels", "references", "format", "watermark", "inline", "stream", "max_images")


def _without_model(answers: Any) -> list[dict[str, Any]]:
    """The model's name follows the request's spelling, and in an address its provider's."""
    text = json.dumps([{**answer, "model": ""} for answer in answers])
    found: list[dict[str, Any]] = json.loads(re.sub(r"(http://127\.0\.0\.1/)[a-z0-9-]+/", r"\1", text))
    return found


def check_golden(wish: Wish, found: dict[str, Any]) -> None:
    """`tests/golden/conformance/WISH.json`: what every client sent, and what the emulator answered."""
    file = GOLDEN / f"{wish.name}.json"
    if os.environ.get("UPDATE_GOLDENS"):
        file.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    recorded = json.loads(file.read_text(encoding="utf-8"))
    assert without_nulls(found) == without_nulls(recorded)  # an SDK may learn a field and send it as null


@pytest.mark.parametrize("name", OFFICIAL)
def test_the_same_headers(recorder: Recorder, name: str) -> None:
    official = OFFICIAL[name]
    for send in (official.send, by_seedpipe):
        for stream in (False, True):
            wish = Wish(name="headers", prompt="a lamp", stream=stream)
            send(recorder.origin + official.prefix, wish, official.wire(wish.model))
    sent = posts(recorder)
    assert len(sent) == 4
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
    with pytest.raises(Exception, match=r".") as raised:
        official.send(base, wish, wire)
    assert type(raised.value).__name__ in ("APIError", "ArkAPIError")
    came = by_seedpipe(base, wish, wire)
    assert (len(came.pictures), came.generated, live.last()["billed_images"]) == (billed, billed, billed)


def test_an_answer_that_is_lost_is_bought_three_times_by_them_and_once_by_us(live: Running) -> None:
    """With the SDKs as they come, that is with two retries (M)."""
    live.scenario({"do": "drop-after-billing", "match": "lost"})

    def lose(name: str) -> None:
        official = OFFICIAL[name]
        wish = Wish(name="lost", prompt=f"lost by {name}")
        with pytest.raises(Exception, match="Connection"):
            official.send(live.origin + official.prefix, wish, official.wire(wish.model), 2)

    with ThreadPoolExecutor() as pool:
        list(pool.map(lose, OFFICIAL))
    with pytest.raises(AssertionError, match="UNKNOWN"):  # what `by_seedpipe` says of a refusal
        by_seedpipe(live.origin + "/v1", Wish(name="lost", prompt="lost by us"), "seedream-4-0-250828")
    bought = Counter(entry["prompt"] for entry in live.ledger()["requests"] if entry["billed_images"])
    assert {name: bought[f"lost by {name}"] for name in (*OFFICIAL, "us")} == {
        "openai": 3, "volcengine": 3, "byteplus": 3, "us": 1,
    }  # fmt: skip


ERRORS = {
    "InvalidParameter": "BadRequestError",
    "AuthenticationError": "AuthenticationError",
    "AccountOverdueError": "PermissionDeniedError",
    "ModelNotOpen": "NotFoundError",
    "ServerOverloaded": "RateLimitError",
    "InternalServiceError": "InternalServerError",
}


@pytest.mark.parametrize("name", OFFICIAL)
def test_errors_have_their_classes(recorder: Recorder, live: Running, name: str) -> None:
    official = OFFICIAL[name]
    wish = Wish(name="refused", prompt="a lamp")
    for code, kind in ERRORS.items():
        live.scenario({"do": "refuse", "code": code})
        with pytest.raises(Exception, match="code") as raised:
            official.send(recorder.origin + official.prefix, wish, official.wire(wish.model))
        assert type(raised.value).__name__.removeprefix("Ark") == kind
        assert getattr(raised.value, "code", None) == code


def test_models_are_listed_to_the_sdk(live: Running) -> None:
    with openai.OpenAI(base_url=f"{live.origin}/v1", api_key="k") as client:
        assert "seedream-4-5-251128" in {model.id for model in client.models.list()}


def test_nothing_is_recorded_for_wishes_that_are_gone() -> None:
    assert {file.stem for file in GOLDEN.glob("*.json")} == {wish.name for wish in WISHES}
