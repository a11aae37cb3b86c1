"""Batches and streams: how many pictures, which errors stay with their item, what the frames look like."""

import json
import time
from typing import Any

import pytest

from seedpipe.emulator.sequences import frame_words, sequence_length
from tests.emulator.running import KEY, Running, data_url, emulator, opened, order, picture


@pytest.mark.parametrize(
    ("prompt", "length"),
    [
        ("Generate 4 separate images of a lamp", 4),
        ("generate four different storyboard frames", 4),
        ("20 pictures", 15),
        ("生成3张图", 3),
        ("一组分镜", 15),
        ("a storyboard of a morning", 15),
        ("1. dawn\n2. noon\n3. dusk", 3),
        ("Generate four cinematic sci-fi storyboards", 4),
        ("a series of 4 coherent illustrations of one courtyard through the seasons", 4),
        ("three posters in one style", 3),
        ("Scene 1: dawn. Scene 2: noon. Scene 3: dusk.", 3),
        ("a table with 3 lamps and pictures", 1),
        ("a lamp", 1),
    ],
)
def test_how_many(prompt: str, length: int) -> None:
    assert sequence_length(prompt, 15) == length


def test_words_of_a_frame() -> None:
    prompt = "A morning, 2 images:\nFrame 1: dawn\nFrame 2: noon"
    assert [frame_words(prompt, position) for position in range(3)] == ["dawn", "noon", prompt]
    in_one_line = "Generate 3 separate images: 1. dawn 2. noon 3. dusk"
    assert [frame_words(in_one_line, position) for position in range(3)] == ["dawn", "noon", "dusk"]
    assert frame_words("Frame 1: a shelf with 2. hand tools\nFrame 2: noon", 1) == "noon"
    assert frame_words("1. only one", 0) == "1. only one"


def batch(count: int = 3, **fields: Any) -> dict[str, Any]:
    return order(f"Generate {count} separate images", sequential_image_generation="auto", **fields)


def test_a_batch(live: Running) -> None:
    body = live.post(batch()).json()
    assert [list(item) for item in body["data"]] == [["url", "size"]] * 3
    assert body["usage"] == {"generated_images": 3, "output_tokens": 12288, "total_tokens": 12288}
    pictures = [live.http.get(item["url"]).content for item in body["data"]]
    assert len({opened(data).tobytes() for data in pictures}) == 3
    assert live.last()["billed_images"] == 3


def test_references_and_pictures_are_fifteen_together(live: Running) -> None:
    images = [data_url(picture())] * 10
    assert len(live.post(batch(12, image=images)).json()["data"]) == 5
    options = {"sequential_image_generation_options": {"max_images": 2}}
    assert len(live.post(batch(12, **options)).json()["data"]) == 2
    disabled = order("Generate 3 images", sequential_image_generation="disabled", **options)
    assert len(live.post(disabled).json()["data"]) == 1


def test_one_blocked_item_leaves_the_others(live: Running) -> None:
    live.scenario({"do": "moderate-output", "index": 1})
    body = live.post(batch()).json()
    message = "The request failed because the output image may contain sensitive information."
    assert body["data"][1] == {"error": {"code": "OutputImageSensitiveContentDetected", "message": message}}
    assert "url" in body["data"][0] and "url" in body["data"][2]
    assert body["usage"]["generated_images"] == live.last()["billed_images"] == 2
    assert live.last()["outcome"] == "partly made"


def test_an_internal_error_ends_a_batch(live: Running) -> None:
    live.scenario({"do": "item-error", "index": 1})
    body = live.post(batch()).json()
    assert [("url" in item) for item in body["data"]] == [True, False]
    error = body["data"][1]["error"]  # with the id, as live answers have it (GH:ComfyUI#9952)
    words = f"The service encountered an unexpected internal error. Request id: {live.last()['request_id']}"
    assert error == {"code": "InternalServiceError", "message": words}
    assert live.last()["billed_images"] == 1


def test_a_batch_of_which_nothing_came(live: Running) -> None:
    live.scenario("moderate-output")
    answer = live.post(batch())
    assert answer.status_code == 200
    assert answer.json()["error"]["code"] == "OutputImageSensitiveContentDetected"
    assert live.last()["billed_images"] == 0


def test_fewer_than_asked(live: Running) -> None:
    live.scenario({"do": "fewer", "count": 2})
    assert len(live.post(batch()).json()["data"]) == 2


def frames(text: str) -> list[Any]:
    """The events of a stream, each checked to be `event` and one line of `data`."""
    *events, done = text.removesuffix("\n\n").split("\n\n")
    assert done == "data: [DONE]"
    found = []
    for event in events:
        name, data = event.split("\n")
        assert json.loads(data.removeprefix("data: "))["type"] == name.removeprefix("event: ")
        found.append(json.loads(data.removeprefix("data: ")))
    return found


def test_a_stream(live: Running) -> None:
    live.scenario({"do": "moderate-output", "index": 1})
    answer = live.post(batch(stream=True))
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    *items, last = frames(answer.text)
    assert [(item["type"].rsplit(".")[-1], item["image_index"]) for item in items] == [
        ("partial_succeeded", 0),
        ("partial_failed", 1),
        ("partial_succeeded", 2),
    ]
    assert items[1]["error"]["code"] == "OutputImageSensitiveContentDetected"
    assert last["usage"] == {"generated_images": 2, "output_tokens": 8192, "total_tokens": 8192}
    assert live.http.get(items[0]["url"]).status_code == 200


def test_stream_faults(live: Running) -> None:
    live.scenario({"do": "cut-stream", "count": 1})
    text = live.post(batch(stream=True)).text
    assert text.count("event:") == 1 and "[DONE]" not in text
    assert live.wait_until_billed(3)["billed_images"] == 3
    live.scenario("json-for-stream")
    assert len(live.post(batch(stream=True)).json()["data"]) == 3
    live.scenario("previews")
    kinds = [event["type"] for event in frames(live.post(order(stream=True)).text)]
    assert kinds[0] == "image_generation.partial_image"
    refused = live.post(order(stream=True, size="9x9"))  # parameter errors never come as events (KB)
    assert (refused.status_code, refused.headers["content-type"]) == (400, "application/json; charset=utf-8")


def test_headers_wait_for_the_first_picture(tmp_path_factory: pytest.TempPathFactory) -> None:
    with emulator(tmp_path_factory.mktemp("slow"), latency=0.03) as running:
        began = time.monotonic()
        with running.http.stream("POST", "/v1/images/generations", json=batch(stream=True), headers=KEY) as answer:
            headers = time.monotonic() - began
            answer.read()
        assert headers > 0.1
        assert int(answer.headers["x-envoy-upstream-service-time"]) > 100
        assert time.monotonic() - began > 2 * headers
