"""Scaling and placing: modes of `resize`, sharp without aliases or fringes, corners where anchors say."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from seedpipe import limits
from seedpipe.images.geometry import StepError, size_after
from seedpipe.images.place import corner
from seedpipe.images.resample import resample
from seedpipe.images.steps import run_steps
from seedpipe.manifest.steps import ANCHORS, Crop, Length, Overlay, OverlayPlace, Resize
from tests.images.pictures import cut_out, opened, scene, written


def rings(side: int) -> Image.Image:
    """Fine concentric rings: what a careless reduction turns into moiré."""
    image = Image.new("L", (side, side), 255)
    draw = ImageDraw.Draw(image)
    for radius in range(side // 2, 0, -2):
        box = (side // 2 - radius, side // 2 - radius, side // 2 + radius, side // 2 + radius)
        draw.ellipse(box, outline=0 if radius % 4 else 255)
    return image.convert("RGB")


def test_fine_detail_becomes_an_even_tone_and_no_moire():
    small = resample(rings(512), (64, 64)).convert("L").crop((14, 14, 50, 50))
    spread = [value for value in small.get_flattened_data() if isinstance(value, int)]
    careless = rings(512).convert("L").resize((64, 64), Image.Resampling.NEAREST).crop((14, 14, 50, 50))
    low, high = careless.getextrema()
    assert isinstance(low, int) and isinstance(high, int) and high - low == 255
    assert max(spread) - min(spread) < 90


def test_an_edge_stays_an_edge_when_enlarged():
    image = Image.new("RGB", (8, 8), "black")
    image.paste("white", (4, 0, 8, 8))
    row = [resample(image, (80, 80)).getpixel((x, 40)) for x in range(80)]
    reds = [pixel[0] for pixel in row if isinstance(pixel, tuple)]
    assert reds[30] < 20 and reds[49] > 235
    assert sum(30 < red < 225 for red in reds) <= 9


@pytest.mark.parametrize("size", [(17, 17), (64, 20), (333, 100)])
def test_a_white_cut_out_stays_white_to_its_edge(size):
    """Its invisible pixels are black, and must not bleed in."""
    image = resample(cut_out(), size)
    assert image.size == size
    visible = [pixel for pixel in image.get_flattened_data() if isinstance(pixel, tuple) and pixel[3] > 8]
    assert visible and all(min(pixel[:3]) >= 240 for pixel in visible)


def test_an_even_colour_is_not_changed_by_scaling():
    image = resample(Image.new("RGB", (100, 37), (13, 200, 77)), (61, 89))
    assert image.getcolors() == [(61 * 89, (13, 200, 77))]


def test_the_same_size_is_the_same_picture():
    image = scene()
    assert resample(image, image.size) is image


def resized(tmp_path, step: Resize) -> Image.Image:
    data = run_steps(written(tmp_path / "a.png", scene(160, 80)), [step], overlays={}, fonts={}, target_format="png")
    return opened(data)


def test_fill_covers_and_cuts_the_same_on_both_sides(tmp_path):
    image = resized(tmp_path, Resize(width=40, height=40, mode="fill"))
    assert image.size == (40, 40)
    assert [image.getpixel(at) for at in ((5, 5), (34, 5), (5, 34), (34, 34))] == [
        (220, 20, 20), (20, 200, 20), (20, 20, 220), (240, 220, 20),
    ]  # fmt: skip


def test_fit_stays_within_and_stretch_distorts(tmp_path):
    assert resized(tmp_path, Resize(width=40, height=40, mode="fit")).size == (40, 20)
    assert resized(tmp_path, Resize(width=40, height=40, mode="stretch")).size == (40, 40)
    assert resized(tmp_path, Resize(width=40, height=None)).size == (40, 20)
    assert resized(tmp_path, Resize(width=None, height=40)).size == (80, 40)


sides = st.integers(1, 5_000)


@given(sides, sides, sides, sides)
def test_fit_touches_its_box_and_keeps_the_aspect_within_a_pixel(width, height, across, down):
    got = size_after((width, height), Resize(width=across, height=down, mode="fit"))
    assert 1 <= got[0] <= across and 1 <= got[1] <= down
    assert got[0] == across or got[1] == down
    scale = min(Fraction(across, width), Fraction(down, height))
    assert abs(got[0] - max(1, width * scale)) <= 1 and abs(got[1] - max(1, height * scale)) <= 1


@given(sides, sides, st.integers(1, 40), st.integers(1, 40), st.sampled_from(ANCHORS))
def test_a_crop_lies_within_the_picture(width, height, across, down, anchor):
    got = size_after((width, height), Crop(width=across, height=down, anchor=anchor))
    assert 1 <= got[0] <= width and 1 <= got[1] <= height


def test_a_size_beyond_all_measure_is_refused_before_it_is_made():
    with pytest.raises(StepError, match=f"the limit is {limits.MAX_PIXELS / 1e6:g} million"):
        size_after((1, 4_000), Resize(width=50_000, height=None))


def test_a_crop_larger_than_the_picture_says_what_to_do():
    with pytest.raises(StepError, match=r"`crop: 200x100` needs a larger picture: it has 160x80 pixels") as caught:
        size_after((160, 80), Crop(width=200, height=100, pixels=True))
    assert caught.value.hint == "crop by aspect (`200:100`) and `resize` after it"


@pytest.mark.parametrize(
    ("anchor", "expected"),
    [
        ("top-left", (5, 5)), ("top", (40, 5)), ("top-right", (75, 5)),
        ("left", (5, 30)), ("center", (40, 30)), ("right", (75, 30)),
        ("bottom-left", (5, 55)), ("bottom", (40, 55)), ("bottom-right", (75, 55)),
    ],
)  # fmt: skip
def test_an_anchor_names_the_sides_from_which_the_margin_counts(anchor, expected):
    place = OverlayPlace(anchor=anchor, margin=Length(value=5))
    assert corner(place, (100, 80), (20, 20)) == expected


def test_a_relative_margin_is_of_the_shorter_side():
    place = OverlayPlace(anchor="bottom-right", margin=Length(value=100, relative=True))
    assert corner(place, (300, 100), (20, 20)) == (270, 70)


def test_an_overlay_half_seen_through_mixes_evenly(tmp_path):
    ground = written(tmp_path / "ground.png", Image.new("RGB", (100, 100), "black"))
    mark = written(tmp_path / "mark.png", Image.new("RGB", (40, 40), "white"))
    step = Overlay(
        image="mark", width=Length(value=40), place=OverlayPlace(anchor="center", margin=Length(value=0)), opacity=50
    )
    image = opened(run_steps(ground, [step], overlays={"mark": mark}, fonts={}, target_format="png"))
    assert image.getpixel((50, 50)) == pytest.approx((128, 128, 128), abs=1)
    assert image.getbbox() == (30, 30, 70, 70)


@pytest.mark.parametrize("anchor", ["center", "top-left", "bottom-right"])
def test_an_overlay_that_sticks_out_is_cut_and_the_picture_keeps_its_size(tmp_path, anchor):
    ground = written(tmp_path / "ground.png", cut_out(50))
    mark = written(tmp_path / "mark.png", scene())
    step = Overlay(image="mark", width=Length(value=90), place=OverlayPlace(anchor=anchor))
    image = opened(run_steps(ground, [step], overlays={"mark": mark}, fonts={}, target_format="png"))
    assert (image.size, image.mode) == ((50, 50), "RGBA")
