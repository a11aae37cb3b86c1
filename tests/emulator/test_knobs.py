"""Every fault as docs/emulator.md shows it: by a scenario file, by the control end point, and in the prompt's words.

The examples of the page are the scenario. Each is asked for with a prompt that its `match` finds.
"""

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from seedpipe.emulator.faults import FaultKind
from tests.emulator.running import KEY, Running, data_url, emulator, opened, order, picture

PAGE = (Path(__file__).parents[2] / "docs" / "emulator.md").read_text(encoding="utf-8")
EXAMPLES: dict[str, dict[str, Any]] = {
    example["do"]: example for example in map(yaml.safe_load, re.findall(r"\| `(\{do: .*\})` \|$", PAGE, re.MULTILINE))
}
ONE = data_url(picture())


def noun(kind: str) -> str:
    """What a prompt must say for the example of `kind` to hit it."""
    return str(EXAMPLES[kind]["match"])


def ask(live: Running, kind: str, **fields: Any) -> httpx.Response:
    return live.post(order(f"a {noun(kind)}", **fields), timeout=fields.pop("timeout", 20))


def batch(live: Running, kind: str, **fields: Any) -> httpx.Response:
    return live.post(
        order(f"Generate 3 separate images of a {noun(kind)}", sequential_image_generation="auto", **fields)
    )


def item(live: Running, kind: str) -> dict[str, Any]:
    answer = ask(live, kind)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()["data"][0]
    return found


def billed(live: Running, count: int) -> None:
    assert live.wait_until_billed(count)["billed_images"] == count


def breaks(live: Running, kind: str, count: int) -> None:
    for stream in (False, True):
        with pytest.raises(httpx.RemoteProtocolError):
            ask(live, kind, stream=stream)
        billed(live, count)


def refuses(live: Running, kind: str, status: int, code: str, **fields: Any) -> httpx.Response:
    for stream in (False, True):
        answer = ask(live, kind, stream=stream, **fields)
        assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
        assert answer.headers["content-type"] == "application/json; charset=utf-8"
        billed(live, 0)
    return answer


def shows_a_page(live: Running, kind: str, status: int, server: str) -> None:
    answer = ask(live, kind)
    assert (answer.status_code, answer.headers["server"]) == (status, server)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.text.startswith("<html>")
    billed(live, 1)


def spoils(live: Running, kind: str, came: str, size: tuple[int, int], told: str, extension: str) -> None:
    it = item(live, kind)
    image = opened(live.http.get(it["url"]).content)
    assert (image.format, image.size, it["size"]) == (came, size, told)
    assert f".{extension}?" in it["url"]
    billed(live, 1)


def downloads(live: Running, kind: str, *statuses: int) -> None:
    url = item(live, kind)["url"]
    assert [live.http.get(url).status_code for _ in statuses] == list(statuses)
    billed(live, 1)


def drop_before(live: Running) -> None:
    breaks(live, "drop-before-billing", 0)


def drop_after(live: Running) -> None:
    breaks(live, "drop-after-billing", 1)


def truncated(live: Running) -> None:
    breaks(live, "truncated-body", 1)


def stall(live: Running) -> None:
    for stream in (False, True):
        with pytest.raises(httpx.ReadTimeout):
            live.post(order("a heron", stream=stream), timeout=0.8)
        billed(live, 1)


def latency(live: Running) -> None:
    began = time.monotonic()
    assert ask(live, "latency").status_code == 200
    assert time.monotonic() - began >= EXAMPLES["latency"]["seconds"]


def rate_limit(live: Running) -> None:
    answer = refuses(live, "rate-limit", 429, "ModelAccountIpmRateLimitExceeded")
    assert answer.headers["retry-after"] == "2"


def balance(live: Running) -> None:
    refuses(live, "balance", 429, "insufficient_user_quota")
    answer = live.post(order("a magpie"), prefix="/api/v3")
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "AccountOverdueError")


def unauthorised(live: Running) -> None:
    answer = refuses(live, "unauthorised", 401, "AuthenticationError")
    assert answer.headers["x-error-code"] == "AuthN_MissOrInvalidAuthorizationHeader"


def fetch_timeout(live: Running) -> None:
    answer = refuses(live, "fetch-timeout", 400, "InvalidParameter", image="https://example.com/a.png")
    assert "Timeout while downloading url=https://example.com/a.png." in answer.json()["error"]["message"]


def moderate_output(live: Running) -> None:
    data = batch(live, "moderate-output").json()["data"]
    assert [list(entry) for entry in data] == [["url", "size"], ["error"], ["url", "size"]]
    assert data[1]["error"]["code"] == "OutputImageSensitiveContentDetected"
    billed(live, 2)
    text = batch(live, "moderate-output", stream=True).text
    assert re.findall(r"event: image_generation\.(\w+)", text) == [
        *("partial_succeeded", "partial_failed", "partial_succeeded", "completed")
    ]
    billed(live, 2)


def error_in_200(live: Running) -> None:
    for stream in (False, True):
        answer = ask(live, "error-in-200", stream=stream)
        assert (answer.status_code, "data" in answer.json()) == (200, False)
        assert set(answer.json()["error"]) == {"code", "message"}
        billed(live, 0)


def garbage(live: Running) -> None:
    assert live.http.get(item(live, "garbage")["url"]).content.startswith(b"<!-- not a picture -->")
    billed(live, 1)


def expired(live: Running) -> None:
    url = item(live, "expired-url")["url"]
    answer = live.http.get(url)
    assert (answer.status_code, answer.headers["content-type"]) == (403, "application/xml")
    assert "<Code>AccessDenied</Code><Message>Request has expired</Message>" in answer.text


def gone(live: Running) -> None:
    answer = live.http.get(item(live, "gone")["url"])
    assert (answer.status_code, "<Code>NoSuchKey</Code>" in answer.text) == (404, True)


def short_download(live: Running) -> None:
    url = item(live, "short-download")["url"]
    with pytest.raises(httpx.RemoteProtocolError):
        live.http.get(url)
    assert opened(live.http.get(url).content).size == (1024, 1024)


def redirect(live: Running) -> None:
    answer = live.http.get(item(live, "redirect")["url"])
    assert (answer.status_code, answer.headers["location"]) == (302, "http://127.0.0.1:9/elsewhere")


def fewer(live: Running) -> None:
    assert len(batch(live, "fewer").json()["data"]) == 2
    billed(live, 2)


def item_error(live: Running) -> None:
    data = batch(live, "item-error").json()["data"]
    assert ["error" in entry for entry in data] == [False, True]  # what follows is not made
    assert data[1]["error"]["code"] == "InternalServiceError"
    billed(live, 1)
    text = batch(live, "item-error", stream=True).text
    assert re.findall(r"image_generation\.(\w+)\n", text) == ["partial_succeeded", "partial_failed", "completed"]
    billed(live, 1)


def cut_stream(live: Running) -> None:
    text = batch(live, "cut-stream", stream=True).text
    assert re.findall(r"image_generation\.(\w+)\n", text) == ["partial_succeeded"]
    assert "[DONE]" not in text
    billed(live, 3)


def stream_error(live: Running) -> None:
    text = batch(live, "stream-error", stream=True).text
    assert re.findall(r"image_generation\.(\w+)\n", text) == ["partial_succeeded"]
    assert text.rsplit("\n\n", 2)[1].startswith('data: {"error":{"code":"ServerOverloaded","message":"The service is ')
    billed(live, 1)


def json_for_stream(live: Running) -> None:
    answer = batch(live, "json-for-stream", stream=True)
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert len(answer.json()["data"]) == 3


def previews(live: Running) -> None:
    text = ask(live, "previews", stream=True).text
    assert re.findall(r"image_generation\.(\w+)\n", text) == ["partial_image", "partial_succeeded", "completed"]


def keep_alive(live: Running) -> None:
    assert ask(live, "keep-alive", stream=True).text.startswith(": keep-alive\n\nevent: ")


def pretty_stream(live: Running) -> None:
    assert '\ndata: {\n  "type"' in ask(live, "pretty-stream", stream=True).text


def _refusing(kind: str, status: int, code: str, **fields: Any) -> Callable[[Running], object]:
    return lambda live: refuses(live, kind, status, code, **fields)


OBSERVED: dict[str, Callable[[Running], object]] = {
    "drop-before-billing": drop_before,
    "drop-after-billing": drop_after,
    "stall": stall,
    "latency": latency,
    "rate-limit": rate_limit,
    "overloaded": _refusing("overloaded", 429, "ServerOverloaded"),
    "burst": _refusing("burst", 429, "RequestBurstTooFast"),
    "inflight": _refusing("inflight", 429, "InflightBatchsizeExceeded"),
    "quota": _refusing("quota", 429, "QuotaExceeded"),
    "balance": balance,
    "unauthorised": unauthorised,
    "refuse": _refusing("refuse", 403, "OperationDenied.ServiceOverdue"),
    "internal-error": _refusing("internal-error", 500, "InternalServiceError"),
    "unavailable": _refusing("unavailable", 503, "InternalServiceError"),
    "bad-gateway": lambda live: shows_a_page(live, "bad-gateway", 502, "nginx"),
    "gateway-timeout": lambda live: shows_a_page(live, "gateway-timeout", 524, "cloudflare"),
    "truncated-body": truncated,
    "moderate-input": _refusing("moderate-input", 403, "InputTextSensitiveContentDetected"),
    "moderate-reference": _refusing("moderate-reference", 403, "InputImageSensitiveContentDetected", image=ONE),
    "fetch-timeout": fetch_timeout,
    "moderate-output": moderate_output,
    "error-in-200": error_in_200,
    "wrong-format": lambda live: spoils(live, "wrong-format", "PNG", (1024, 1024), "1024x1024", "jpeg"),
    "wrong-extension": lambda live: spoils(live, "wrong-extension", "JPEG", (1024, 1024), "1024x1024", "png"),
    "size-off": lambda live: spoils(live, "size-off", "JPEG", (1004, 1004), "1004x1004", "jpeg"),
    "size-lie": lambda live: spoils(live, "size-lie", "JPEG", (512, 512), "1024x1024", "jpeg"),
    "garbage": garbage,
    "expired-url": expired,
    "gone": gone,
    "short-download": short_download,
    "download-error": lambda live: downloads(live, "download-error", 503, 503, 200),
    "redirect": redirect,
    "fewer": fewer,
    "item-error": item_error,
    "cut-stream": cut_stream,
    "stream-error": stream_error,
    "json-for-stream": json_for_stream,
    "previews": previews,
    "keep-alive": keep_alive,
    "pretty-stream": pretty_stream,
}


def test_the_page_has_an_example_of_each() -> None:
    assert list(EXAMPLES) == [str(kind) for kind in FaultKind] == list(OBSERVED)
    assert len({noun(kind) for kind in EXAMPLES}) == len(EXAMPLES)


@pytest.fixture(scope="module")
def by_file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """An emulator whose scenario file has all examples of the page at once."""
    folder = tmp_path_factory.mktemp("knobs")
    lines = [line for line in PAGE.splitlines() if "`{do: " in line]
    text = "".join(f"- {line.rsplit('`', 2)[1]}\n" for line in lines)
    (folder / "faults.yaml").write_text(text, encoding="utf-8")
    with emulator(folder, scenario=str(folder / "faults.yaml"), ipm=100_000) as running:
        yield running


@pytest.mark.parametrize("kind", OBSERVED)
def test_by_a_scenario_file(by_file: Running, kind: str) -> None:
    OBSERVED[kind](by_file)


def test_the_file_hits_only_what_it_names(by_file: Running) -> None:
    assert [by_file.post(order(words)).status_code for words in ("hills", "a lamp by the sea")] == [200, 200]


@pytest.mark.parametrize("kind", OBSERVED)
def test_by_the_control_end_point(live: Running, kind: str) -> None:
    answer = live.http.put("/_emulator/scenario", json=[EXAMPLES[kind]])
    assert (answer.status_code, answer.json()) == (200, {"faults": [{**_without_defaults(kind), "seen": 0}]})
    OBSERVED[kind](live)
    (entry,) = live.http.get("/_emulator/scenario").json()["faults"]
    assert entry["seen"] > 0
    assert live.post(order("hills")).status_code == 200
    live.http.delete("/_emulator/scenario")
    if kind != "latency":
        assert live.post(order(f"a {noun(kind)}")).status_code == 200


def _without_defaults(kind: str) -> dict[str, Any]:
    """As the emulator says it again: what is as by default is left out."""
    defaults = {"ratio": 0.98, "count": 1}
    return {name: value for name, value in EXAMPLES[kind].items() if defaults.get(name) != value}


WORDS = ["rate-limit", "bad-gateway", "moderate-input", "error-in-200", "drop-after-billing"]


@pytest.mark.parametrize("kind", WORDS)
def test_by_words_in_the_prompt(live: Running, kind: str) -> None:
    prompt = f"a lamp emulator:{kind}"
    if kind == "drop-after-billing":
        with pytest.raises(httpx.RemoteProtocolError):
            live.post(order(prompt))
        billed(live, 1)
        return
    answer = live.post(order(prompt), headers=KEY)
    expected = {"rate-limit": 429, "bad-gateway": 502, "moderate-input": 403, "error-in-200": 200}
    assert answer.status_code == expected[kind]
    assert "retry-after" not in answer.headers  # only on wish (§6)
