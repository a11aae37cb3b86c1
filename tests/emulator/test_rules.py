"""Every rule of the body, on the wire: what is sent → status, code, the exact sentence."""

import base64
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.emulator.running import KEY, Running, data_url, emulator, opened, order, picture

BAD = "The parameter `{}` specified in the request is not valid: {}."
LIMITS = {
    "4.0": "seedream-4-0-250828",
    "4.5": "seedream-4-5-251128",
    "lite": "seedream-5-0-260128",
    "pro": "dola-seedream-5-0-pro-260628",
    "flash": "dola-seedream-5-0-flash-260915",
    "3.0": "seedream-3-0-t2i-250415",
}
MISSING = (400, "MissingParameter", "The request failed because it is missing one or multiple required parameters.")
NO_MODEL = "The model or endpoint {} does not exist or you do not have access to it."
SMALL = data_url(picture())
SEARCHING = "doubao-seedream-5-0-260128"


EXTENTS = b"\0\0\0\x14ispe\0\0\0\0" + (640).to_bytes(4, "big") + (480).to_bytes(4, "big")
HEIC = b"\0\0\0\x18ftypheic" + b"\0" * 12 + EXTENTS + b"\0" * 64


def bad(field: str, reason: str) -> tuple[int, str, str]:
    return 400, "InvalidParameter", BAD.format(field, reason)


def unsupported(field: str) -> tuple[int, str, str]:
    return bad(field, f"the parameter `{field}` is not supported by the current model")


def body(of: str = "4.0", **fields: Any) -> dict[str, Any]:
    return {"model": LIMITS[of], "prompt": "p", "size": "2048x2048", **fields}


TOO_WIDE = (
    400,
    "InvalidParameter",
    "expected the aspect ratio to be between 0.06 and 16.00, but received image with aspect ratio: 17.00 instead.",
)

REFUSED = [
    # what is missing, or unknown
    ({"prompt": "p"}, MISSING),
    ({"model": LIMITS["4.0"]}, MISSING),
    ({"model": LIMITS["4.0"], "prompt": "  "}, MISSING),
    ({"model": LIMITS["4.0"], "prompt": None}, MISSING),
    ({"model": 5, "prompt": "p"}, bad("model", "expected a string, but got an integer instead")),
    (
        body() | {"model": "seedream-5-0-lite"},
        (404, "InvalidEndpointOrModel.NotFound", NO_MODEL.format("seedream-5-0-lite")),
    ),
    (
        body() | {"model": "seededit-3-0-i2i-250628"},
        (404, "InvalidEndpointOrModel.NotFound", NO_MODEL.format("seededit-3-0-i2i-250628")),
    ),
    # a missing model comes before a bad size: the free probe tells whether a model is served (KB)
    (
        {"model": "nope-250101", "prompt": "p", "size": "1x1"},
        (404, "InvalidEndpointOrModel.NotFound", NO_MODEL.format("nope-250101")),
    ),
    # sizes
    (body(size="1x1"), bad("size", "image size must be at least 921600 pixels")),
    (body("4.5", size="1K"), bad("size", "the specified size is not supported for model seedream-4-5")),
    (body("4.5", size="1024x1024"), bad("size", "image size must be at least 3686400 pixels")),
    (body("4.5", size="1920x1080"), bad("size", "image size must be at least 3686400 pixels")),
    (body("lite", size="1K"), bad("size", "size must be one of 'WIDTHxHEIGHT', '2k', '3k', or '4k'")),
    (body("pro", size="4K"), bad("size", "size must be one of 'WIDTHxHEIGHT', '1k', '1.5k', or '2k'")),
    (body("4.0", size="3K"), bad("size", "the specified size is not supported for model seedream-4-0")),
    (body("4.0", size="1:1"), bad("size", "the specified size is not supported for model seedream-4-0")),
    (body("4.0", size="adaptive"), bad("size", "the specified size is not supported for model seedream-4-0")),
    (body("4.0", size="2048X2048"), bad("size", "the specified size is not supported for model seedream-4-0")),
    (body("4.0", size="5000x5000"), bad("size", "image size must be at most 16777216 pixels")),
    (body("4.0", size="100x1600"), bad("size", "image size must be at least 921600 pixels")),
    (body("4.0", size="16500x1000"), bad("size", "image aspect ratio must be between 1/16 and 16")),
    (body("pro", size="2160x2160"), bad("size", "image size must be at most 4624220 pixels")),
    (body("3.0", size="2K"), bad("size", "the specified size is not supported for model seedream-3-0-t2i")),
    (body(size=2048), bad("size", "expected a string, but got an integer instead")),
    # references
    (body(image=[SMALL] * 15), bad("image", "number of reference images cannot exceed 14")),
    (body("pro", image=[SMALL] * 11), bad("image", "number of reference images cannot exceed 10")),
    (body("3.0", size="1024x1024", image=SMALL), unsupported("image")),
    (body(image=[1]), bad("image", "expected a string or an array of strings, but got an integer instead")),
    (body(image=[None]), bad("image", "expected a string or an array of strings, but got null instead")),
    (body(image={"url": "u"}), bad("image", "expected a string or an array of strings, but got an object instead")),
    (body(image="art/logo.png"), bad("image", "invalid url specified")),
    (body(image="asset://1"), bad("image", "invalid url specified")),
    (body(image=SMALL.replace("png", "PNG")), bad("image", "invalid url specified")),
    (body(image=SMALL.replace("base64,", "")), bad("image", "invalid url specified")),
    (body(image="data:image/png;base64,%%%"), bad("image", "Invalid base64 image_url")),
    (body(image=data_url(b"<html>blocked</html>")), bad("image", "Invalid base64 image_url")),
    (body(image=data_url(picture()[:60])), bad("image", "Invalid base64 image_url")),
    (body(image=data_url(picture(14, 14))), bad("image", "image width and height must be greater than 14 pixels")),
    (body(image=data_url(picture(255, 15))), TOO_WIDE),
    (
        body(image=data_url(picture(6001, 6000, mode="1", colour=0))),
        bad("image", "image pixels must be between 196 and 36000000"),
    ),
    (body(image=data_url(b"\0" * 30_000_001)), bad("image", "image size must be less than or equal to 30 MB")),
    (body(image=""), (400, "InvalidImageURL.EmptyURL", "Empty base64 image url")),
    # everything else
    (body(response_format="png"), bad("response_format", "must be one of: url, b64_json")),
    (body("lite", output_format="webp"), bad("output_format", "must be one of: jpeg, png")),
    (
        body("lite", optimize_prompt_options={"mode": "fast"}),
        bad("optimize_prompt_options.mode", "optimize_prompt_options.mode must be 'standard'"),
    ),
    (
        body("4.5", optimize_prompt_options={"mode": "fast"}),
        bad("optimize_prompt_options.mode", "optimize_prompt_options.mode must be 'standard'"),
    ),
    (
        body("4.0", optimize_prompt_options={"mode": "quick"}),
        bad("optimize_prompt_options.mode", "optimize_prompt_options.mode must be one of: standard, fast"),
    ),
    (
        body(optimize_prompt_options="fast"),
        bad("optimize_prompt_options", "expected an object, but got a string instead"),
    ),
    (body(watermark="no"), bad("watermark", "expected a boolean, but got a string instead")),
    (body(watermark=0), bad("watermark", "expected a boolean, but got an integer instead")),
    (body(stream="yes"), bad("stream", "expected a boolean, but got a string instead")),
    (body("pro", stream=True), unsupported("stream")),
    (body("pro", sequential_image_generation="disabled"), unsupported("sequential_image_generation")),
    (body("pro", tools=[{"type": "web_search"}]), unsupported("tools")),
    (body("lite", tools=[{"type": "web_search"}]), unsupported("tools")),
    (body("lite", model=SEARCHING, tools="web_search"), bad("tools", "expected an array, but got a string instead")),
    (
        body("lite", model=SEARCHING, tools=["web_search"]),
        bad("tools", "expected an array of objects, but got a string instead"),
    ),
    (body("lite", model=SEARCHING, tools=[{"type": "code"}]), bad("tools.type", "must be one of: web_search")),
    # a model is called as the request called it, an endpoint by what stands behind it
    (
        body("4.5", model="doubao-seedream-4-5-251128", size="1K"),
        bad("size", "the specified size is not supported for model doubao-seedream-4-5"),
    ),
    (
        body("4.5", model="ep-20260101-123456", size="1K"),
        bad("size", "the specified size is not supported for model seedream-4-5"),
    ),
    (body(sequential_image_generation="on"), bad("sequential_image_generation", "must be one of: auto, disabled")),
    (
        body(sequential_image_generation="auto", sequential_image_generation_options={"max_images": 16}),
        bad(
            "sequential_image_generation_options.max_images",
            "integer above maximum value, expected a value <= 15, but got 16 instead",
        ),
    ),
    (
        body(sequential_image_generation="auto", sequential_image_generation_options={"max_images": 0}),
        bad(
            "sequential_image_generation_options.max_images",
            "integer below minimum value, expected a value >= 1, but got 0 instead",
        ),
    ),
    (body(background="transparent"), unsupported("background")),
    (
        body("pro", background="transparent"),
        bad("background", "transparent background requires exactly one input image"),
    ),
    (
        body("pro", background="transparent", image=SMALL, output_format="jpeg"),
        bad("output_format", "must be png when background is transparent"),
    ),
    (
        body("pro", background="transparent", image=SMALL),
        bad("image", "transparent background requires a PNG input with at least one transparent pixel"),
    ),
    (body(layer_decomposition=True, image=SMALL), unsupported("layer_decomposition")),
    (
        body("pro", layer_decomposition=True),
        bad("layer_decomposition", "layer decomposition requires exactly one input image"),
    ),
    (
        body("flash", layer_decomposition=True, image=SMALL),
        bad("size", "size must be one of '1k', '1.5k', '2k', or 'auto' with layer decomposition"),
    ),
    (
        body("pro", layer_decomposition=True, size="auto", image=data_url(picture(kind="WEBP"), "webp")),
        bad("image", "layer decomposition requires a PNG or JPEG input"),
    ),
]


@pytest.mark.parametrize(("sent", "expected"), REFUSED)
def test_refusals(live: Running, sent: dict[str, Any], expected: tuple[int, str, str]) -> None:
    answer = live.post(sent, prefix="/api/v3")
    status, code, sentence = expected
    error = answer.json()["error"]
    assert set(error) == {"code", "message", "param", "type"}
    told, _, request_id = error["message"].rpartition(": ")
    assert (answer.status_code, error["code"]) == (status, code)
    assert re.sub(r" ?Request [iI][dD]$", "", told) == sentence
    assert re.fullmatch(r"02[0-9]{13}[0-9a-f]{38}", request_id)
    assert live.last()["billed_images"] == 0


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (body(image=[SMALL] * 11), bad("image", "number of reference images cannot exceed 10")),
        (body("lite", size="4K"), bad("size", "size must be one of 'WIDTHxHEIGHT', '2k', or '3k'")),
        (body("lite", size="4096x4096"), bad("size", "image size must be at most 10404496 pixels")),
        (body(image=data_url(HEIC, "heic")), bad("image", "the image format heic is not supported")),
        (body(image=data_url(b"\0" * 10_000_001)), bad("image", "image size must be less than or equal to 10 MB")),
    ],
)
def test_the_gateway_is_stricter(live: Running, sent: dict[str, Any], expected: tuple[int, str, str]) -> None:
    answer = live.post(sent, prefix="/v1")
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == expected[:2]
    assert error["message"].startswith(expected[2] + " Request id: 02")


@pytest.mark.parametrize(
    "raw",
    [b"", b"[]", b"{", b"\xff", b"[" * 100_000, b'"text"'],
    ids=["empty", "list", "cut", "binary", "deep", "text"],
)
def test_bodies_that_are_no_object(live: Running, raw: bytes) -> None:
    answer = live.http.post("/v1/images/generations", content=raw, headers=KEY)
    assert answer.status_code == 400
    assert answer.json()["error"]["message"].startswith(
        "One or more parameters specified in the request are not valid. Request ID: 02"
    )


def test_text_that_has_no_utf8_form(live: Running) -> None:
    raw = b'{"model":"seedream-4-0-250828","prompt":"a\\ud800b"}'
    answer = live.http.post("/v1/images/generations", content=raw, headers=KEY)
    assert answer.json()["error"]["message"].startswith(BAD.format("prompt", "not valid UTF-8"))


def test_null_is_absent_at_every_level(live: Running) -> None:
    fields = ["image", "response_format", "size", "seed", "guidance_scale", "watermark", "optimize_prompt", "stream"]
    fields += ["optimize_prompt_options", "sequential_image_generation", "sequential_image_generation_options"]
    fields += ["tools", "output_format", "layer_decomposition", "background"]
    sent = {"model": LIMITS["4.5"], "prompt": "p", **dict.fromkeys(fields)}
    assert live.post(sent).json()["data"][0]["size"] == "2048x2048"
    nested: dict[str, Any] = {"optimize_prompt_options": {"thinking": None, "mode": "standard"}}
    nested |= {"sequential_image_generation": "auto", "sequential_image_generation_options": {"max_images": None}}
    assert len(live.post(sent | nested).json()["data"]) == 1


def test_unknown_keys_and_n_are_ignored(live: Running) -> None:
    assert len(live.make(n=4, seed=7, guidance_scale=3.5, negative_prompt="fog", user="u")["data"]) == 1


@pytest.mark.parametrize(
    ("prefix", "model", "size", "pixels"),
    [
        ("/v1", "seedream-4-0-250828", "1k", "1024x1024"),
        ("/v1", "seedream-5-0-lite-260128", "2K", "2048x2048"),
        ("/v1", "seedream-5-0-pro-260628", "1.5K", "1536x1536"),
        ("/v1", "doubao-seedream-4-0-250828", "1K", "1024x1024"),
        ("/api/v3", "doubao-seedream-4-5-251128", "2k", "2048x2048"),
        ("/api/v3", "dola-seedream-5-0-flash-260915", "1K", "1024x1024"),
        ("/api/v3", "seedream-3-0-t2i-250415", "720x1280", "720x1280"),
        ("/api/v3", "ep-20260101-abcde", "2K", "2048x2048"),
        ("/api/v3", "seedream-4-5-251128", "2560x1440", "2560x1440"),
        ("/api/v3", "seedream-4-5-251128", "3750x1250", "3750x1250"),
        ("/api/plan/v3", "doubao-seedream-5.0-lite", "2K", "2048x2048"),
    ],
)
def test_every_spelling(live: Running, prefix: str, model: str, size: str, pixels: str) -> None:
    answer = live.post({"model": model, "prompt": "p", "size": size}, prefix=prefix).json()
    assert (answer["model"], answer["data"][0]["size"]) == (model, pixels)


def test_the_plan_has_its_own_names(live: Running) -> None:
    error = live.post(order(), prefix="/api/plan/v3")
    assert (error.status_code, error.json()["error"]["code"]) == (404, "UnsupportedModel")
    assert live.post(order(model="doubao-seedream-5.0-lite", size="2K"), prefix="/api/v3").status_code == 404


@pytest.mark.parametrize(
    ("prompt", "reference", "pixels"),
    [
        ("a street, 16:9", None, "1280x720"),
        ("竖 海报", None, "720x1280"),
        ("a portrait of a cat", None, "864x1152"),
        ("at 05:40, a cat", None, "1024x1024"),
        ("a cat", (300, 100), "1512x648"),
        ("a cat", (100, 160), "832x1248"),
        ("a cat, 4:3", (100, 160), "1152x864"),
    ],
)
def test_a_tier_takes_its_aspect_from_the_words_then_from_the_first_reference(
    live: Running, prompt: str, reference: tuple[int, int] | None, pixels: str
) -> None:
    image = None if reference is None else data_url(picture(*reference))
    answer = live.make(prompt, size="1K", image=image, response_format="b64_json")
    item = answer["data"][0]
    width, height = opened(base64.b64decode(item["b64_json"])).size
    assert item["size"] == pixels == f"{width}x{height}"


def test_formats(live: Running) -> None:
    sent = body("lite", size="2K", output_format="png", response_format="b64_json")
    data = base64.b64decode(live.post(sent).json()["data"][0]["b64_json"])
    assert data.startswith(b"\x89PNG")
    url = live.make(output_format="png")["data"][0]["url"]  # 4.x: the field is ignored
    assert ".jpeg?" in url
    assert live.http.get(url).content.startswith(b"\xff\xd8\xff")


def test_the_newest_models_say_more(live: Running) -> None:
    see_through = data_url(picture(64, 64, mode="RGBA", colour=(0, 0, 0, 0)))
    sent = body("pro", size="1K", image=see_through, background="transparent", response_format="b64_json")
    answer = live.post(sent, prefix="/api/v3").json()
    assert answer["usage"]["input_images"] == 1
    assert answer["data"][0]["output_format"] == "png"
    assert opened(base64.b64decode(answer["data"][0]["b64_json"])).mode == "RGBA"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF"])
def test_reference_formats(live: Running, kind: str) -> None:
    live.make(image=[data_url(picture(kind=kind), kind.lower())])
    assert live.last()["reference_count"] == 1


def test_heic_is_taken_and_avif_is_not(live: Running) -> None:
    sent = order(image=data_url(HEIC, "heic"))
    assert live.post(sent, prefix="/api/v3").status_code == 200
    refused = live.post(order(image=data_url(picture(kind="AVIF"), "avif")))
    assert "Invalid base64 image_url" in refused.json()["error"]["message"]


def test_addresses_that_can_not_be_fetched_time_out_as_the_service_does(live: Running) -> None:
    private = ["http://169.254.169.254/latest", "http://10.0.0.1/a.png", "http://[fe80::1]/a.png", "http://nas/a.png"]
    for url in ("https://pictures.invalid/a.png", "http://127.0.0.1:9/a.png", "https://localhost/a.png", *private):
        refused = live.post(order(image=url))
        assert refused.status_code == 400
        message = f"Timeout while downloading url={url}. Request id: 02"
        assert refused.json()["error"]["message"].startswith(message)
        assert refused.elapsed.total_seconds() < 2
    assert (
        live.post(order(image="http://[::1/a.png"))
        .json()["error"]["message"]
        .startswith(BAD.format("image", "invalid url specified"))
    )


def test_a_reference_elsewhere_gets_a_stand_in_and_nothing_is_fetched(live: Running) -> None:
    url, other = "https://example.com/art/logo.png", "https://example.com/art/other.png"
    live.make(image=[url, other])
    one, two = live.last()["references"]
    live.make(image=url)
    assert one != two and live.last()["references"] == [one]
    live.scenario("fetch-timeout")
    assert live.post(order(image=url)).json()["error"]["message"].startswith(f"Timeout while downloading url={url}.")
    assert live.post(order(image=SMALL)).status_code == 200  # a data URL needs no fetching


def test_references_elsewhere_may_time_out(tmp_path_factory: pytest.TempPathFactory) -> None:
    """After ten seconds, true to life: `x-envoy-upstream-service-time: 10030` (GH:ZJT#94)."""
    with emulator(tmp_path_factory.mktemp("elsewhere"), time_out_references=True, latency=0.03) as running:
        refused = running.post(order(image="https://example.com/a.png"))
        assert refused.json()["error"]["message"].startswith("Timeout while downloading url=https://example.com/a.png.")
        assert 300 <= int(refused.headers["x-envoy-upstream-service-time"]) < 5000


IGNORED = [
    ("4.0", {"n": 1}),
    ("4.0", {"seed": 7}),
    ("4.5", {"guidance_scale": 2.5}),
    ("4.5", {"output_format": "jpeg"}),
    ("lite", {"negative_prompt": "fog"}),
    ("4.0", {"watermarc": False}),
]


@pytest.mark.parametrize(("model", "fields"), IGNORED)
def test_what_the_service_ignores_is_refused_on_wish(live: Running, picky: Running, model: str, fields: Any) -> None:
    sent = body(model, **fields)
    assert live.post(sent, prefix="/api/v3").status_code == 200
    error = picky.post(sent, prefix="/api/v3").json()["error"]
    assert (error["code"], error["param"]) == ("InvalidParameter", next(iter(fields)))


def test_what_the_official_sdks_send_is_never_refused(picky: Running) -> None:
    """All that is unset as null, and what means nothing."""
    unset = dict.fromkeys(["image", "seed", "guidance_scale", "optimize_prompt", "tools", "layer_decomposition", "n"])
    for fields in ({}, unset, {"stream": False, "layer_decomposition": False}):
        assert picky.post(body("4.0", size="1K", **fields), prefix="/api/v3").status_code == 200
    seeded = body("3.0", size="512x512", seed=7, guidance_scale=3.5)
    assert picky.post(seeded, prefix="/api/v3").status_code == 200


@pytest.fixture(scope="module")
def picky(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with emulator(tmp_path_factory.mktemp("strict"), strict=True) as running:
        yield running


def test_the_web_is_searched_where_it_can_be(live: Running) -> None:
    sent = body("lite", model=SEARCHING, tools=[{"type": "web_search"}])
    answer = live.post(sent, prefix="/api/v3").json()
    assert list(answer) == ["model", "created", "data", "tools", "usage"]
    assert (answer["tools"], answer["usage"]["tool_usage"]) == ([{"type": "web_search"}], {"web_search": 1})
    *_, last, _ = live.post(sent | {"stream": True}, prefix="/api/v3").text.strip().split("\n\n")
    completed = json.loads(last.partition("data: ")[2])
    assert (completed["tools"], completed["usage"]["tool_usage"]) == ([{"type": "web_search"}], {"web_search": 1})
    assert "tools" not in live.post(sent | {"tools": []}, prefix="/api/v3").json()


def test_addresses_on_this_machine_are_fetched(live: Running) -> None:
    url = live.make()["data"][0]["url"]
    live.make(image=[url])
    assert live.last()["reference_count"] == 1
