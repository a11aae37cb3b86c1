"""The overview's tables, row by row, at the gateway's address: what they promise works, what they exclude is refused.

`docs/service.md` says which test shows which row.
"""

import base64
from collections.abc import Iterator
from typing import Any

import pytest

from seedpipe.catalogue.catalogue import load_catalogue
from seedpipe.catalogue.model import Mode
from seedpipe.service.refusals import Dialect, Refusal, Verdict
from seedpipe.service.reply import read_reply
from tests.emulator.running import KEY, Running, data_url, emulator, opened, picture

LITE, V45, V40 = "seedream-5-0-260128", "seedream-4-5-251128", "seedream-4-0-250828"
MODELS = pytest.mark.parametrize("model", [LITE, V45, V40])
SMALLEST = {LITE: "2560x1440", V45: "2560x1440", V40: "1280x720"}
TIERS = {LITE: {"2K": 2048, "3K": 3072}, V45: {"2K": 2048, "4K": 4096}, V40: {"1K": 1024, "2K": 2048, "4K": 4096}}
GATEWAY = load_catalogue().provider("apiyi")
DIALECT = Dialect(unbilled=GATEWAY.unbilled_errors, blocked_statuses=GATEWAY.blocked_statuses)
ONE, TWO = data_url(picture(40, 30)), data_url(picture(30, 40))


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with emulator(tmp_path_factory.mktemp("overview")) as running:
        yield running


@pytest.fixture(autouse=True)
def no_faults(live: Running) -> None:
    live.scenario()


def ask(live: Running, model: str, prompt: str = "a lamp", **fields: Any) -> Any:
    return live.post({"model": model, "prompt": prompt, "size": SMALLEST[model], **fields})


def sizes_of(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [item["size"] for item in answer.json()["data"]]


def test_the_aliases_of_the_models(live: Running) -> None:
    ids = {model["id"] for model in live.http.get("/v1/models", headers=KEY).json()["data"]}
    assert {LITE, V45, V40, "seedream-5-0-lite-260128"} <= ids
    alias = live.post({"model": "seedream-5-0-lite-260128", "prompt": "p", "size": "2560x1440"})
    assert sizes_of(alias) == ["2560x1440"]


@MODELS
@pytest.mark.parametrize("tier", ["1K", "2K", "3K", "4K"])
def test_tiers(live: Running, model: str, tier: str) -> None:
    if tier in TIERS[model]:
        side = TIERS[model][tier]
        if side < 4096:  # 4K is drawn once, below
            assert sizes_of(ask(live, model, size=tier)) == [f"{side}x{side}"]
    else:
        assert ask(live, model, size=tier).status_code == 400
    faults = load_catalogue().model(model, "apiyi").tier_faults(tier)
    assert bool(faults) is (tier not in TIERS[model]), "our own check agrees"


def test_4k_is_4096_pixels_square(live: Running) -> None:
    assert sizes_of(ask(live, V40, size="4K")) == ["4096x4096"]


@MODELS
def test_the_default_size(live: Running, model: str) -> None:
    assert sizes_of(ask(live, model, size=None)) == ["2048x2048"]


@pytest.mark.parametrize("size", ["1920x1080", "3840x2160", "1080x1920", "2560x1440", "1280x720", "4096x1024"])
def test_valid_sizes_of_the_overview_hold_for_4_0(live: Running, size: str) -> None:
    answer = ask(live, V40, size=size)
    assert sizes_of(answer) == [size]
    url = answer.json()["data"][0]["url"]
    assert opened(live.http.get(url).content).size == tuple(int(side) for side in size.split("x"))


@pytest.mark.parametrize("size", ["5000x5000", "100x1600", "1000x900", "16400x1000"])
@MODELS
def test_invalid_sizes_of_the_overview(live: Running, model: str, size: str) -> None:
    assert ask(live, model, size=size).status_code == 400
    assert load_catalogue().model(model, "apiyi").size_faults(*(int(side) for side in size.split("x")))


@MODELS
def test_text_to_image(live: Running, model: str) -> None:
    for mode in ({}, {"sequential_image_generation": "disabled"}):
        assert len(sizes_of(ask(live, model, **mode))) == 1


@MODELS
@pytest.mark.parametrize("images", [1, 2, 10])
def test_editing_and_fusion(live: Running, model: str, images: int) -> None:
    references = [(ONE, TWO)[number % 2] for number in range(images)]
    answer = ask(live, model, "image 1 on image 2", image=references, sequential_image_generation="disabled")
    assert len(sizes_of(answer)) == 1
    assert (live.last()["reference_count"], live.last()["billed_images"]) == (images, 1)


@MODELS
def test_more_than_ten_references(live: Running, model: str) -> None:
    answer = ask(live, model, image=[ONE] * 11)
    assert (answer.status_code, "cannot exceed 10" in answer.json()["error"]["message"]) == (400, True)


@MODELS
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_a_batch_is_billed_by_what_came(live: Running, model: str, stream: bool) -> None:
    sequence = {"sequential_image_generation": "auto", "sequential_image_generation_options": {"max_images": 3}}
    answer = ask(live, model, "Generate 2 separate images", image=[ONE], stream=stream, **sequence)
    count = answer.text.count('"url"')
    assert (answer.status_code, count, live.last()["billed_images"]) == (200, 2, 2)


@MODELS
def test_inputs_and_outputs_are_fifteen_at_most(live: Running, model: str) -> None:
    sequence = {"sequential_image_generation": "auto", "sequential_image_generation_options": {"max_images": 15}}
    limits = load_catalogue().model(model, "apiyi").references
    assert (limits.max, limits.total) == (10, 15)
    live.scenario("moderate-output")  # counted without drawing them
    answer = ask(live, model, "Generate 15 separate images", image=[ONE] * 10, **sequence)
    assert len(answer.json()["data"]) == 5
    assert ask(live, model, **sequence | {"sequential_image_generation_options": {"max_images": 16}}).status_code == 400


@pytest.mark.parametrize(("model", "came"), [(LITE, "PNG"), (V45, "JPEG"), (V40, "JPEG")])
def test_output_formats(live: Running, model: str, came: str) -> None:
    item = ask(live, model, output_format="png").json()["data"][0]
    assert opened(live.http.get(item["url"]).content).format == came
    assert ("png" in load_catalogue().model(model, "apiyi").output_formats) is (came == "PNG")


@pytest.mark.parametrize(("model", "status"), [(LITE, 400), (V45, 400), (V40, 200)])
def test_prompt_optimisation(live: Running, model: str, status: int) -> None:
    assert ask(live, model, optimize_prompt_options={"mode": "standard"}).status_code == 200
    assert ask(live, model, optimize_prompt_options={"mode": "fast"}).status_code == status


@MODELS
def test_response_formats(live: Running, model: str) -> None:
    url = ask(live, model).json()["data"][0]
    inline = ask(live, model, response_format="b64_json").json()["data"][0]
    assert (set(url), set(inline)) == ({"url", "size"}, {"b64_json", "size"})
    assert base64.b64decode(inline["b64_json"], validate=True).startswith(b"\xff\xd8\xff")  # no `data:` prefix


@MODELS
def test_every_mode_is_in_the_catalogue(model: str) -> None:
    assert load_catalogue().model(model, "apiyi").modes == set(Mode)


def test_five_hundred_images_a_minute(live: Running) -> None:
    assert live.http.get("/_emulator").json()["ipm"] == 500
    assert {load_catalogue().model(model, "apiyi").images_per_minute for model in (LITE, V45, V40)} == {500}


ERRORS: dict[str, tuple[Any, int, Verdict]] = {
    "size out of bounds": ({"size": "5000x5000"}, 400, Verdict.NODE),
    "image array above 10": ({"image": [ONE] * 11}, 400, Verdict.NODE),
    "unsupported tier": ({"size": "3K"}, 400, Verdict.NODE),
    "invalid token": ("unauthorised", 401, Verdict.STOP),
    "blocked by moderation": ("moderate-input", 403, Verdict.BLOCKED),
    "reference blocked": ("moderate-reference", 403, Verdict.BLOCKED),
    "output blocked": ("moderate-output", 403, Verdict.BLOCKED),
    "rate limit": ("rate-limit", 429, Verdict.SLOW_DOWN),
    "insufficient balance": ("balance", 429, Verdict.STOP),
    "upstream error": ("internal-error", 500, Verdict.RETRY),  # "Retry 1-2 times"; failed requests are not billed
    "gateway error": ("bad-gateway", 502, Verdict.UNKNOWN),  # a page that says nothing of the charge
    "gateway timeout": ("gateway-timeout", 524, Verdict.UNKNOWN),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors_mean_what_the_overview_says(live: Running, name: str) -> None:
    what, status, verdict = ERRORS[name]
    if isinstance(what, str):
        live.scenario({"do": what, "billed": False} if verdict is Verdict.UNKNOWN else what)
    answer = ask(live, V45, **({} if isinstance(what, str) else what))
    found = read_reply(answer.status_code, answer.headers, answer.content, dialect=DIALECT)
    assert isinstance(found, Refusal)
    assert (answer.status_code, found.verdict, live.last()["billed_images"]) == (status, verdict, 0)
    if status < 500:
        assert found.request_id == answer.headers["x-request-id"]


def test_which_to_pick() -> None:
    """The overview's advice follows from the facts of the catalogue."""
    catalogue = load_catalogue()
    models = {name: catalogue.model(name, "apiyi") for name in (LITE, V45, V40)}
    price = {name: catalogue.list_price("apiyi", name).image.micros for name in models}
    newest = max(models.values(), key=lambda model: model.released)
    assert (newest.id, newest.output_formats[-1]) == (LITE, "png")  # latest features
    with_4k = [name for name, model in models.items() if "4K" in model.tiers]
    assert with_4k == [V45, V40]
    assert any("lettering" in note for note in models[V45].notes)  # strong text
    assert min(with_4k, key=price.__getitem__) == V40  # best price of 4K
    assert min(models, key=price.__getitem__) == V40 and "fast" in models[V40].optimize_modes  # long-running batches


def test_no_image_edits_end_point(live: Running) -> None:
    answer = live.http.post("/v1/images/edits", json={}, headers=KEY)
    assert (answer.status_code, answer.content) == (404, b"")
