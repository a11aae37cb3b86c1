"""The body on the wire, byte for byte."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedpipe.service.request import GenerationRequest, data_url, encode


def test_the_least_body_says_explicitly_what_the_service_would_guess() -> None:
    request = GenerationRequest(model="seedream-4-5-251128", prompt="ein Licht", size="2K", watermark=False)
    assert encode(request).decode() == (
        '{"model":"seedream-4-5-251128","prompt":"ein Licht","size":"2K","watermark":false,'
        '"response_format":"url","sequential_image_generation":"disabled"}'
    )


def test_the_fullest_body() -> None:
    request = GenerationRequest(
        model="doubao-seedream-5-0-260128",
        prompt="image 1 on image 2, 灯",
        size="2848x1600",
        watermark=True,
        response_format="b64_json",
        images=(data_url("JPEG", b"one"), data_url("png", b"two")),
        sequential_image_generation=None,
        output_format="png",
        optimize_prompt="standard",
        seed=-1,
        guidance_scale="2.5",
        background="transparent",
        web_search=True,
    )
    body = encode(request)
    assert json.loads(body) == {
        "model": "doubao-seedream-5-0-260128",
        "prompt": "image 1 on image 2, 灯",
        "size": "2848x1600",
        "watermark": True,
        "response_format": "b64_json",
        "image": ["data:image/jpeg;base64,b25l", "data:image/png;base64,dHdv"],
        "output_format": "png",
        "seed": -1,
        "guidance_scale": 2.5,
        "background": "transparent",
        "optimize_prompt_options": {"mode": "standard"},
        "tools": [{"type": "web_search"}],
    }
    assert "灯".encode() in body


def test_a_sequence_as_a_stream() -> None:
    request = GenerationRequest(
        model="m", prompt="p", size="2K", watermark=False, sequential_image_generation="auto", max_images=4, stream=True
    )
    assert encode(request).decode() == (
        '{"model":"m","prompt":"p","size":"2K","watermark":false,"response_format":"url",'
        '"sequential_image_generation_options":{"max_images":4},"sequential_image_generation":"auto","stream":true}'
    )


def test_layers_need_no_words() -> None:
    request = GenerationRequest(
        model="dola-seedream-5-0-pro-260628",
        prompt="",
        size="auto",
        watermark=False,
        images=("data:image/png;base64,AA",),
        sequential_image_generation=None,
        output_format="png",
        layers=True,
    )
    body = json.loads(encode(request))
    assert "prompt" not in body
    assert body["layer_decomposition"] is True
    assert (body["size"], body["image"], body["output_format"]) == ("auto", ["data:image/png;base64,AA"], "png")


def test_one_image_is_an_array_too() -> None:
    request = GenerationRequest(model="m", prompt="p", size="2K", watermark=False, images=("data:x",))
    assert json.loads(encode(request))["image"] == ["data:x"]


@pytest.mark.parametrize("scale", ["1e3", "NaN", "", "2,5", "0x1"])
def test_a_guidance_scale_is_a_decimal(scale: str) -> None:
    with pytest.raises(ValueError, match="is not a decimal"):
        encode(GenerationRequest(model="m", prompt="p", size="s", watermark=False, guidance_scale=scale))


@given(prompt=st.text(), images=st.lists(st.binary(max_size=30), max_size=4))
def test_every_text_and_picture_arrives_as_it_was(prompt: str, images: list[bytes]) -> None:
    urls = tuple(data_url("png", data) for data in images)
    request = GenerationRequest(model="m", prompt=prompt, size="2K", watermark=False, images=urls)
    body = json.loads(encode(request))
    assert body["prompt"] == prompt
    assert [base64.b64decode(url.partition(",")[2]) for url in body.get("image", [])] == images
    assert encode(request) == encode(request)
