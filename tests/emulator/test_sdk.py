"""The official SDK, as people use it: the three modes, both response formats, retries."""

import base64
from collections.abc import Iterator

import httpx
import openai
import pytest

from tests.emulator.running import Running, data_url, opened, picture

MODES = {
    "text to image": [],
    "editing": [data_url(picture(320, 200))],
    "fusion": [data_url(picture(320, 200)), data_url(picture(200, 320, colour="#c2643f")), data_url(picture(90, 90))],
}


@pytest.fixture
def sdk(live: Running) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{live.origin}/v1", api_key="test", max_retries=0) as client:
        yield client


@pytest.mark.parametrize("inline", [False, True], ids=["url", "b64_json"])
@pytest.mark.parametrize("mode", MODES)
def test_modes(live: Running, sdk: openai.OpenAI, mode: str, inline: bool) -> None:
    answer = sdk.images.generate(
        model="seedream-4-5-251128",
        prompt="Place the lamp of image 1 on the quay of image 2",
        size="2304x1728",
        response_format="b64_json" if inline else "url",
        extra_body={"watermark": False, "image": MODES[mode] or None, "sequential_image_generation": "disabled"},
    )
    assert answer.data is not None
    (item,) = answer.data
    assert (item.url is None, item.b64_json is None) == (inline, not inline)
    data = base64.b64decode(item.b64_json) if item.b64_json else httpx.get(item.url or "").content
    image = opened(data)
    assert (image.format, image.size) == ("JPEG", (2304, 1728))
    assert item.model_extra == {"size": "2304x1728"}
    assert answer.usage is not None
    assert (answer.usage.output_tokens, answer.usage.model_extra) == (15552, {"generated_images": 1})
    entry = live.last()
    assert (entry["reference_count"], entry["billed_images"], entry["outcome"]) == (len(MODES[mode]), 1, "made")


def test_errors_have_their_classes(live: Running, sdk: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as bad:
        sdk.images.generate(model="seedream-4-5-251128", prompt="p", size="1024x1024")
    assert (bad.value.code, bad.value.param, bad.value.type) == ("InvalidParameter", "", "")
    assert bad.value.request_id
    with pytest.raises(openai.NotFoundError):
        sdk.images.generate(model="seedream", prompt="p")
    live.scenario("moderate-input")
    with pytest.raises(openai.PermissionDeniedError) as blocked:
        sdk.images.generate(model="seedream-4-5-251128", prompt="p")
    assert blocked.value.code == "InputTextSensitiveContentDetected"


def test_retries_buy_three_pictures(live: Running) -> None:
    """What every official SDK does by default with an answer that was lost: one user action, three charges (M)."""
    live.scenario({"do": "drop-after-billing", "match": "thrice"})
    with (
        openai.OpenAI(base_url=f"{live.origin}/v1", api_key="test") as client,
        pytest.raises(openai.APIConnectionError),
    ):
        client.images.generate(model="seedream-4-0-250828", prompt="thrice", size="1024x1024")
    entries = [entry for entry in live.ledger()["requests"] if entry.get("prompt") == "thrice"]
    assert [entry["retry_count"] for entry in entries] == ["0", "1", "2"]
    assert sum(entry["billed_images"] for entry in entries) == 3


def test_streams(live: Running, sdk: openai.OpenAI) -> None:
    stream = sdk.images.generate(
        model="seedream-4-0-250828",
        prompt="Generate 3 separate images of a lamp",
        size="1024x1024",
        stream=True,
        extra_body={"sequential_image_generation": "auto"},
    )
    events = list(stream)
    assert [event.type for event in events] == ["image_generation.partial_succeeded"] * 3 + [
        "image_generation.completed"
    ]
    assert live.last()["billed_images"] == 3
