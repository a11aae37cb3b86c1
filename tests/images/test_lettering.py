"""Letters on a picture: drawn inside their frame, on the side that was asked for, the same bytes on every run."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops

from seedpipe.errors import SeedpipeError
from seedpipe.fonts import shipped_font
from seedpipe.images.colour import ColourError
from seedpipe.images.layout import TextDoesNotFitError
from seedpipe.images.lettering import check_text, draw_text
from seedpipe.images.steps import run_steps
from seedpipe.manifest.steps import ANCHORS, Length, OverlayPlace, Text
from tests.images.pictures import cut_out, opened, scene, written

GROUND = (20, 40, 60)
LIGHT = Text(text="Light, kept", size=Length(value=30))


def canvas(width: int = 400, height: int = 240) -> Image.Image:
    return Image.new("RGB", (width, height), GROUND)


def touched(image: Image.Image) -> tuple[int, int, int, int]:
    """The box of all pixels that aren't the ground any more."""
    box = ImageChops.difference(image.convert("RGB"), Image.new("RGB", image.size, GROUND)).getbbox()
    assert box is not None
    return box


def lettered(step: Text, image: Image.Image | None = None) -> Image.Image:
    return draw_text(image or canvas(), step, shipped_font())


@pytest.mark.parametrize("anchor", ANCHORS)
def test_the_text_stands_at_its_anchor_with_the_margin_free(anchor: str) -> None:
    step = replace(LIGHT, place=OverlayPlace(anchor=anchor, margin=Length(value=20)))
    left, top, right, bottom = touched(lettered(step))
    free = {"left": left, "top": top, "right": 400 - right, "bottom": 240 - bottom}
    for side, space in free.items():
        if side in anchor:
            assert 20 <= space <= 30, side
    if "left" not in anchor and "right" not in anchor:
        assert abs(free["left"] - free["right"]) <= 4
    if "top" not in anchor and "bottom" not in anchor:
        assert abs(free["top"] - free["bottom"]) <= 12  # a line without descenders sits on its baseline


@pytest.mark.parametrize(
    ("align", "text", "edge"),
    [
        ("left", "Light, kept\nLight", "left"),
        ("right", "Light, kept\nLight", "right"),
        ("center", "Light, kept\nLight", "middle"),
        ("auto", "Light, kept\nLight", "left"),
        ("auto", "אור שנשאר כאן\nאור", "right"),
        ("left", "אור שנשאר כאן\nאור", "left"),
    ],
)
def test_short_lines_stand_on_the_side_that_was_asked_for(align: str, text: str, edge: str) -> None:
    image = lettered(Text(text=text, size=Length(value=30), align=align))
    left, top, right, bottom = touched(image)
    lower = touched(image.crop((0, (top + bottom) // 2 + 4, 400, 240)))
    gaps = (lower[0] - left, right - lower[2])
    found = "middle" if abs(gaps[0] - gaps[1]) <= 3 else "left" if gaps[0] < gaps[1] else "right"
    assert found == edge
    assert edge == "middle" or min(gaps) <= 3


def test_outline_and_panel_grow_the_text_and_keep_their_colours() -> None:
    plain = touched(lettered(LIGHT))
    outlined = lettered(replace(LIGHT, stroke="#ff0000", stroke_width=Length(value=3)))
    assert all(abs(a - b) <= 6 for a, b in zip(touched(outlined), plain, strict=True))  # it grows around its place
    assert touched(outlined)[2] - touched(outlined)[0] >= plain[2] - plain[0] + 5
    assert (255, 0, 0) in {colour for _, colour in outlined.getcolors(100_000) or []}
    panel = lettered(replace(LIGHT, color="#000000", background="#ffffff80"))
    left, top, right, _ = touched(panel)
    assert right - left > plain[2] - plain[0] + 20
    assert panel.getpixel(((left + right) // 2, top + 1)) == (138, 148, 158)  # half white, half ground
    assert panel.getpixel((left, top)) == pytest.approx(GROUND, abs=60)  # its corners are round


def test_a_panel_around_one_line_looks_centred() -> None:
    for text in ("HHH", "xxx", "ppp"):
        image = lettered(Text(text=text, size=Length(value=60), color="#ff0000", background="#0000ff"))
        red = image.getchannel("R").point([0] * 128 + [255] * 128).getbbox()
        box = touched(image)
        assert red is not None
        assert abs((red[0] - box[0]) - (box[2] - red[2])) <= 6
        if text == "HHH":
            assert abs((red[1] - box[1]) - (box[3] - red[3])) <= 3


def test_transparency_of_the_picture_stays() -> None:
    image = lettered(replace(LIGHT, color="#ff000080"), cut_out(300))
    assert image.mode == "RGBA"
    assert image.getpixel((0, 0)) == (0, 0, 0, 0)
    seen = {pixel[3] for pixel in image.crop((0, 200, 300, 300)).get_flattened_data()}
    assert seen >= {0, 255}


def test_translucent_letters_on_nothing_are_translucent() -> None:
    image = lettered(replace(LIGHT, color="#ff000080"), Image.new("RGBA", (400, 240), (0, 0, 0, 0)))
    assert image.getchannel("A").getextrema() == (0, 128)
    strongest = max(image.get_flattened_data(), key=lambda pixel: pixel[3])
    assert strongest == (255, 0, 0, 128)


@pytest.mark.parametrize("field", ["color", "stroke", "background"])
def test_a_colour_that_is_none_is_named_with_its_cure(field: str) -> None:
    with pytest.raises(ColourError, match="`navyish` is no colour") as caught:
        check_text(replace(LIGHT, **{field: "navyish"}), shipped_font(), (400, 240))
    assert caught.value.hint == 'write it like `"#0B1F3A"`, with quotes'


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.sampled_from(["Ångström", "jagged,", "Ψηφίο", "Ёлка", "אוֹר", "مُضِيء", "LUM-01", "\u0301"]), min_size=1),
    st.sampled_from(ANCHORS),
    st.sampled_from([None, "#000000"]),
    st.sampled_from([None, "#202020"]),
)
def test_what_the_check_lets_through_is_drawn_and_touches_no_margin(
    words: list[str], anchor: str, stroke: str | None, background: str | None
) -> None:
    place = OverlayPlace(anchor=anchor, margin=Length(value=12))
    step = Text(text=" ".join(words), place=place, stroke=stroke, background=background)
    try:
        check_text(step, shipped_font(), (400, 240))
    except SeedpipeError:
        with pytest.raises(SeedpipeError):
            lettered(step)
        return
    left, top, right, bottom = touched(lettered(step))
    assert left >= 12 or "left" not in anchor
    assert top >= 12 or "top" not in anchor
    assert right <= 388 or "right" not in anchor
    assert bottom <= 228 or "bottom" not in anchor


def test_other_runs_give_the_same_bytes(tmp_path: Path) -> None:
    """In processes of their own, where hashes of strings differ."""
    written(tmp_path / "scene.png", scene(400, 240))
    program = f"""
import hashlib
from pathlib import Path
from seedpipe.images.steps import run_steps
from seedpipe.manifest.steps import Convert, Resize, Text
steps = (Resize(width=320, height=180), Text(text="Größe אוֹר مُضِيء", stroke="#000000", background="#0B1F3Ab8"))
for kind in ("png", "jpeg", "webp"):
    data = run_steps(Path({str(tmp_path / "scene.png")!r}), (*steps, Convert(format=kind)),
                     overlays={{}}, fonts={{}}, target_format="png")
    print(hashlib.sha256(data).hexdigest())
"""
    runs = {
        subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    }
    assert len(runs) == 1
    assert len(set(runs.pop().split())) == 3


def test_a_font_of_the_project_is_used_and_named_in_its_errors(tmp_path: Path) -> None:
    picture = written(tmp_path / "scene.png", scene(400, 240))
    bold = tmp_path / "brand.ttf"
    bold.write_bytes(shipped_font(bold=True).read_bytes())
    step = replace(LIGHT, font="fonts/brand.ttf")

    def run(step: Text) -> bytes:
        return run_steps(picture, (step,), overlays={}, fonts={"fonts/brand.ttf": bold}, target_format="png")

    assert opened(run(step)).tobytes() != opened(run(LIGHT)).tobytes()
    with pytest.raises(SeedpipeError, match=r"the font `brand\.ttf` has no `灯` \(U\+706F\)"):
        run(replace(step, text="灯"))


@pytest.mark.parametrize("size", [(1, 1), (3, 200), (200, 3)])
def test_a_picture_too_small_for_letters_says_so(size: tuple[int, int]) -> None:
    with pytest.raises(TextDoesNotFitError, match="doesn't fit its box of"):
        lettered(Text(text="Light, kept"), canvas(*size))
