"""The free steps: exact sizes, anchors, lettering that fits or says so."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from seedpipe.errors import SeedpipeError
from seedpipe.images.geometry import size_after
from seedpipe.images.probe import probe_picture
from seedpipe.images.steps import run_steps
from seedpipe.manifest.steps import Convert, Crop, Length, Overlay, OverlayPlace, Resize, Text


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "picture.png"
    image = Image.new("RGB", (400, 300), (10, 20, 30))
    image.paste((200, 0, 0), (0, 0, 200, 150))
    image.save(path)
    return path


def run(path: Path, *steps: object, overlays: dict[str, Path] | None = None, form: str = "png") -> bytes:
    return run_steps(path, steps, overlays=overlays or {}, fonts={}, target_format=form)


@settings(max_examples=60)
@given(st.integers(1, 2000), st.integers(1, 2000), st.integers(1, 40), st.integers(1, 40))
def test_a_crop_has_the_aspect_within_a_pixel(width: int, height: int, across: int, down: int) -> None:
    try:
        got = size_after((width, height), Crop(width=across, height=down))
    except SeedpipeError:
        return
    assert got[0] <= width and got[1] <= height
    assert got[0] == width or got[1] == height
    assert abs(got[0] - got[1] * across / down) <= 1 or abs(got[1] - got[0] * down / across) <= 1


def test_steps_run_in_order_and_give_the_same_bytes(picture: Path) -> None:
    steps = (Crop(width=1200, height=630), Resize(width=120, height=63), Convert(format="jpeg"))
    data = run(picture, *steps)
    info = probe_picture(data)
    assert (info.format, info.width, info.height) == ("jpeg", 120, 63)
    assert data == run(picture, *steps)


@pytest.mark.parametrize(("anchor", "red"), [("top-left", True), ("bottom-right", False)])
def test_an_anchor_says_what_stays(picture: Path, tmp_path: Path, anchor: str, red: bool) -> None:
    out = tmp_path / "out.png"
    out.write_bytes(run(picture, Crop(width=100, height=100, pixels=True, anchor=anchor)))
    pixel = Image.open(out).convert("RGB").getpixel((50, 50))
    assert (pixel == (200, 0, 0)) is red


def test_an_overlay_keeps_its_transparency(picture: Path, tmp_path: Path) -> None:
    logo = tmp_path / "logo.png"
    Image.new("RGBA", (40, 40), (0, 255, 0, 0)).save(logo)
    place = OverlayPlace(anchor="top-left", margin=Length(value=0))
    clear = run(picture, Overlay(image="logo", width=Length(value=40), place=place), overlays={"logo": logo})
    out = tmp_path / "out.png"
    out.write_bytes(clear)
    assert Image.open(out).convert("RGB").getpixel((10, 10)) == (200, 0, 0)


def test_lettering_is_drawn_where_it_belongs(picture: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.png"
    out.write_bytes(run(picture, Text(text="Light, kept. Φως", color="#ffffff")))
    image = Image.open(out).convert("RGB")
    top = image.crop((0, 0, 400, 150)).getcolors(100_000) or []
    bottom = image.crop((0, 150, 400, 300)).getcolors(100_000) or []
    assert not any(min(colour) > 200 for _, colour in top)  # type: ignore[type-var]
    assert any(min(colour) > 200 for _, colour in bottom)  # type: ignore[type-var]


@pytest.mark.parametrize(("words", "to_the_right"), [(("אור אור אור", "אור"), True), (("abc abc abc", "abc"), False)])
def test_lines_begin_at_the_start_side(
    picture: Path, tmp_path: Path, words: tuple[str, str], to_the_right: bool
) -> None:
    out = tmp_path / "out.png"
    out.write_bytes(run(picture, Text(text="\n".join(words), size=Length(value=30), color="#ffffff")))
    white = Image.open(out).convert("L").point(lambda value: 255 if value > 200 else 0)
    left, top, right, bottom = white.getbbox() or (0, 0, 0, 0)
    short = white.crop((left, (top + bottom) // 2 + 8, right, bottom)).getbbox() or (0, 0, 0, 0)
    assert (short[0] > (right - left) // 2) is to_the_right


@pytest.mark.parametrize("text", ["灯りを守る", "word " * 400])
def test_what_can_not_be_lettered_is_an_error_and_never_boxes(picture: Path, text: str) -> None:
    with pytest.raises(SeedpipeError) as caught:
        run(picture, Text(text=text))
    assert caught.value.hint
