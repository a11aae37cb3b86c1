"""Layer decomposition: one picture taken apart, all or nothing."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedpipe.emulator.layers import layer_count, make_layer, size_for_layers
from tests.emulator.running import Running, data_url, opened, picture

PRO = "dola-seedream-5-0-pro-260628"
INPUT = data_url(picture(1200, 800))


def apart(live: Running, **fields: Any) -> Any:
    body = {"model": PRO, "image": INPUT, "layer_decomposition": True, "size": "auto", **fields}
    return live.post(body, prefix="/api/v3")


def test_a_picture_without_a_prompt(live: Running) -> None:
    body = apart(live).json()
    base, *layers = body["data"]
    assert (base["z_index"], base["size"], base["output_format"]) == (0, "1200x800", "jpeg")
    assert not {"bounding_box", "name", "description"} & set(base)
    assert [layer["z_index"] for layer in layers] == [1, 2, 3]
    for layer in layers:
        assert list(layer)[2:] == ["output_format", "z_index", "name", "description", "bounding_box"]
        left, top, right, bottom = layer["bounding_box"]["absolute"]
        assert layer["size"] == f"{right - left}x{bottom - top}"
        assert 0 <= left < right <= 1200 and 0 <= top < bottom <= 800
        assert all(0 <= part <= 1000 for part in layer["bounding_box"]["normalized"])
        image = opened(live.http.get(layer["url"]).content)
        assert (image.format, image.mode, image.size) == ("PNG", "RGBA", (right - left, bottom - top))
    assert body["usage"]["generated_images"] == live.last()["billed_images"] == 4


def test_how_many(live: Running) -> None:
    assert len(apart(live, prompt="take it apart into 3 layers", size="1K").json()["data"]) == 3
    assert [layer_count(words) for words in ("", "2 layers", "0 layers", "99 layers")] == [4, 2, 2, 17]


@pytest.mark.parametrize("fault", ["moderate-output", "item-error"])
def test_if_one_fails_all_do(live: Running, fault: str) -> None:
    live.scenario({"do": fault, "index": 2})
    answer = apart(live)
    assert answer.status_code in (400, 500)
    assert live.last()["billed_images"] == 0


@given(width=st.integers(16, 6000), height=st.integers(16, 6000))
def test_the_size_stays_or_keeps_its_aspect(width: int, height: int) -> None:
    least, most = 921_600, 4_624_220
    found = size_for_layers("auto", width, height, least, most)
    if least <= width * height <= most:
        assert found == (width, height)
    elif max(width, height) <= 16 * min(width, height):
        assert least <= found[0] * found[1] <= most
        assert found[0] / found[1] == pytest.approx(width / height, rel=17 / min(found))


def test_a_tier_keeps_the_inputs_aspect_as_measured(live: Running) -> None:
    """A portrait of 1500x1920 taken apart at 1K came with a base of 912x1168 (KB)."""
    base, *_ = apart(live, size="1K", image=data_url(picture(1500, 1920))).json()["data"]
    assert base["size"] == "912x1168"
    assert size_for_layers("1.5k", 1000, 1000, 921_600, 4_624_220) == (1536, 1536)


@given(index=st.integers(1, 16), width=st.integers(960, 4000), height=st.integers(960, 4000))
def test_every_box_lies_in_the_picture(index: int, width: int, height: int) -> None:
    box = make_layer(index, (width, height)).box
    assert box is not None
    assert 0 <= box[0] < box[2] <= width and 0 <= box[1] < box[3] <= height
