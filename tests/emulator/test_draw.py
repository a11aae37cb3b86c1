"""Proofs: exact sizes, one picture a nonce, colours from the words, any script, references shown."""

import io
from dataclasses import replace
from fractions import Fraction
from math import isqrt
from random import Random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops, ImageDraw

from seedpipe.emulator.draw import Sketch, _caption, render
from seedpipe.emulator.lettering import LINE, draw_line, fit, line_width, visual_order
from seedpipe.emulator.palette import Palette, named_colours
from seedpipe.emulator.plain import render_plain
from seedpipe.emulator.scenes import Canvas, choose_scene, sea, still_life

SKETCH = Sketch(
    prompt="Studio photograph of a brass lamp on a navy table",
    references=(),
    reference_digests=(),
    width=640,
    height=400,
    model="seedream-4-5",
    number=1,
    total=1,
    nonce="a1b2c3d4",
    format="jpeg",
)


def drawn(sketch: Sketch) -> Image.Image:
    image = Image.open(io.BytesIO(render(sketch)))
    image.load()
    return image


@st.composite
def legal_sizes(draw: st.DrawFn) -> tuple[int, int]:
    """Any size that some model takes: its pixels, and an aspect from 1/16 to 16."""
    pixels = draw(st.integers(262_144, 3_000_000))
    aspect = draw(st.fractions(Fraction(1, 16), Fraction(16), max_denominator=64))
    width = max(1, isqrt(int(pixels * aspect)))
    return width, max(1, pixels // width)


@settings(max_examples=25, deadline=None)
@given(legal_sizes(), st.sampled_from(["jpeg", "png"]), st.text(max_size=400), st.integers(0, 14))
@example((4096, 256), "png", "", 14)
@example((256, 4096), "jpeg", "שלום עולם — مرحبا — 你好世界 — ไทย", 1)
@example((16_384, 1024), "jpeg", "emulator", 0)
@example((1, 1), "png", "x", 1)
def test_the_size_is_exact(size: tuple[int, int], kind: str, prompt: str, references: int) -> None:
    sketch = replace(
        SKETCH,
        prompt=prompt.encode("utf-8", "ignore").decode(),
        width=size[0],
        height=size[1],
        format=kind,
        references=(Image.new("RGB", (90, 60), "teal"), None) * (references // 2) + (None,) * (references % 2),
        reference_digests=("d",) * references,
    )
    image = drawn(sketch)
    assert (image.size, image.format) == (size, kind.upper())


def test_a_sketch_always_gives_the_same_bytes() -> None:
    assert render(SKETCH) == render(SKETCH)


@pytest.mark.parametrize("prompt", ["a lamp", "the sea", "green hills", "a portrait", "a logo", "a city", "?"])
def test_another_nonce_is_visibly_another_picture(prompt: str) -> None:
    one = drawn(replace(SKETCH, prompt=prompt))
    other = drawn(replace(SKETCH, prompt=prompt, nonce="00000000"))
    difference = ImageChops.difference(one, other).convert("L").resize((40, 25), Image.Resampling.BOX)
    changed = sum(level > 6 for level in difference.tobytes())
    assert changed > 100  # of 1000 patches


def test_everything_asked_conditions_the_picture() -> None:
    pictures = [
        SKETCH,
        replace(SKETCH, prompt="Studio photograph of a brass lamp on a teal table"),
        replace(SKETCH, model="seedream-4-0"),
        replace(SKETCH, reference_digests=("d",), references=(Image.new("RGB", (50, 50), "red"),)),
        replace(SKETCH, number=2, total=3),
        replace(SKETCH, watermark=True),
    ]
    assert len({drawn(sketch).tobytes() for sketch in pictures}) == len(pictures)


def test_colours_come_from_the_words() -> None:
    assert named_colours("an amber lamp on #0B1F3A, teal, #fff") == (
        (240, 169, 43),
        (11, 31, 58),
        (31, 122, 122),
        (255, 255, 255),
    )
    red = drawn(replace(SKETCH, prompt="crimson hills, crimson sky")).resize((1, 1)).getpixel((0, 0))
    green = drawn(replace(SKETCH, prompt="emerald hills, emerald sky")).resize((1, 1)).getpixel((0, 0))
    assert isinstance(red, tuple) and isinstance(green, tuple)
    assert red[0] - red[1] > green[0] - green[1]


@pytest.mark.parametrize(
    "prompt",
    ["a navy wall, an amber lamp", "紺色の壁、琥珀色のランプ", "深蓝色的墙，琥珀色的台灯", "남색 벽, 호박색 램프"],
)
def test_colours_and_scene_are_understood_in_other_languages(prompt: str) -> None:
    assert named_colours(prompt) == ((27, 42, 74), (240, 169, 43))
    assert choose_scene(prompt, 0) is still_life


def test_a_reference_is_shown() -> None:
    loud = Image.new("RGB", (100, 100), (255, 0, 255))
    image = drawn(replace(SKETCH, references=(loud, loud), reference_digests=("a", "b"), format="png"))
    pixels = image.convert("RGB").tobytes()
    loud_pixels = sum(pixels[i : i + 3] == b"\xff\x00\xff" for i in range(0, len(pixels), 3))
    assert loud_pixels > 2 * 40 * 40


@given(st.text(min_size=1, max_size=300), st.integers(60, 900), st.integers(30, 400))
@example("🔥ภาษาไทย𒀀", 300, 100)
@example("「」、。」」", 60, 30)
@settings(max_examples=60, deadline=None)
def test_lines_fit(text: str, width: int, height: int) -> None:
    caption = fit(text, width=width, height=height, largest=40, smallest=7)
    assert 7 <= caption.size <= 40
    assert len(caption.lines) * caption.size * LINE <= max(height, caption.size * LINE)
    for line, _ in caption.lines[:-1]:
        assert line_width(line, caption.size) <= width * 1.12 + 2 * caption.size


def lines(text: str, width: int = 4000, size: int = 20) -> list[str]:
    return [line for line, _ in fit(text, width=width, height=4000, largest=size, smallest=size).lines]


def test_scripts_without_blanks_wrap() -> None:
    assert len(lines("春天的早晨" * 20, 300)) == 7


def test_korean_wraps_at_words() -> None:
    assert set(" ".join(lines("남색 탁자 위의 황동 램프 " * 4, 100)).split()) == {
        "남색",
        "탁자",
        "위의",
        "황동",
        "램프",
    }


def test_punctuation_stays_with_its_word() -> None:
    found = lines("灯りを、「守る」。" * 12, 90)
    assert len(found) > 10
    assert not [line for line in found if line[0] in "、」。" or line[-1] == "「"]


def test_a_long_prompt_is_cut_with_an_ellipsis() -> None:
    for words in ("words " * 5000, "春天的早晨" * 500):
        caption = fit(words, width=200, height=100, largest=20, smallest=10)
        assert caption.lines[-1][0].endswith(" …")
        assert max(line_width(line, caption.size) for line, _ in caption.lines) <= 202


@pytest.mark.parametrize(
    "prompt",
    [
        "Größe und Stille, „kühl“ und weit – Łódź, İzmir, Ωμέγα, Ґанок",
        "真鍮のデスクランプが紺色の机を照らす、静かな夜の工房。「灯り」ー１２３",
        "深蓝色桌子上的黄铜台灯，柔和的晨光。繁體：檯燈、檸檬與鬱金香",
        "남색 탁자 위의 황동 램프, 부드러운 아침 햇살. 뷁",
        "صورة لمصباح نحاسي على طاولة زرقاء، ٢٠٤٨",
        "מנורת פליז על שולחן כחול",
    ],
)
def test_prompts_of_many_languages_are_set_in_their_own_letters(prompt: str) -> None:
    """No letter is drawn as the box that stands for what a font lacks."""
    assert "[" not in "".join(lines(prompt))
    box = ink_of("\U0010ffff")
    letters = {letter for line in lines(prompt) for letter in line if not letter.isspace()}
    assert not [letter for letter in letters if ink_of(letter) == box]


def ink_of(letter: str) -> bytes:
    image = Image.new("L", (48, 48))
    draw_line(ImageDraw.Draw(image), (4, 44), 36, (letter, False), 32, (255,))
    return image.tobytes()


def test_what_no_font_has_is_named() -> None:
    assert lines("a 🔥 ภาษาไทย for नमस्ते") == ["a [fire] [7 Thai letters] for [4 Devanagari letters]"]


def test_words_from_right_to_left_begin_at_the_right_on_every_line() -> None:
    caption = fit("מנורת פליז 2048", width=150, height=4000, largest=24, smallest=24)
    assert caption.lines == (("מנורת פליז", True), ("2048", True))
    image = Image.new("L", (300, 40))
    draw_line(ImageDraw.Draw(image), (20, 280), 30, caption.lines[1], 24, (255,))
    assert (image.getbbox() or (0, 0, 0, 0))[2] >= 276


@pytest.mark.parametrize(
    ("logical", "brackets_from_left"),
    [("אב 4K (16:9) גד", "()"), ("(אב)", "()"), ("«אב» (x)", "()«»"), ("אב ((x))", "(())"), ("אב )(", ")(")],
)
def test_brackets_open_towards_what_they_hold(logical: str, brackets_from_left: str) -> None:
    assert "".join(char for char in visual_order(logical, leftward=True) if char in "()«»") == brackets_from_left


@pytest.mark.parametrize("size", [(1080, 607), (607, 1080), (800, 800)])
def test_the_sun_is_round(size: tuple[int, int]) -> None:
    """Its disc is the only thing of its colour above the horizon."""
    black = (0, 0, 0)
    palette = Palette(
        above=black, below=black, light=black, far=black, near=black, accent=black, second=black, swatches=()
    )
    canvas = Canvas(*size)
    sea(canvas, palette, Random(5))
    bright = canvas.image.convert("L").point([0] * 60 + [255] * 196)
    left, top, right, bottom = bright.getbbox() or (0, 0, 0, 0)
    assert right - left > 40
    assert abs((right - left) - (bottom - top)) <= 2


def test_what_explains_a_cut_out_stays_opaque() -> None:
    """The scene can be seen through at its edge, the words, the references and the mark never."""
    sketch = replace(SKETCH, width=1024, height=1024, format="png", transparent=True)
    plain = drawn(replace(sketch, transparent=False)).convert("RGB")
    image = drawn(sketch)
    alpha = image.getchannel("A")
    assert [alpha.getpixel(corner) for corner in ((0, 0), (1023, 0), (0, 1023), (1023, 1023))] == [0, 0, 0, 0]
    assert alpha.getpixel((512, 512)) == 255
    words = [(x, y) for x in range(60, 960, 7) for y in range(800, 960, 3) if sum(plain.getpixel((x, y))) < 200]
    assert len(words) > 50
    assert min(alpha.getpixel(place) for place in words) >= 200


def test_a_reference_is_shown_whole() -> None:
    """Also one that is four times as wide as high: both its ends are there."""
    wide = Image.new("RGB", (400, 100), (0, 255, 255))
    wide.paste((255, 0, 255), (0, 0, 40, 100))
    wide.paste((255, 255, 0), (360, 0, 400, 100))
    image = drawn(replace(SKETCH, width=1600, height=900, references=(wide,), reference_digests=("w",), format="png"))
    pixels = image.convert("RGB").tobytes()
    counts = [
        sum(pixels[i : i + 3] == bytes(colour) for i in range(0, len(pixels), 3))
        for colour in ((255, 0, 255), (255, 255, 0))
    ]
    assert min(counts) > 200


@pytest.mark.parametrize("size", [(2048, 2048), (2848, 1600), (1600, 2848), (1024, 1024)])
def test_the_prompts_of_the_examples_are_there_to_the_last_word(size: tuple[int, int]) -> None:
    """About a thousand letters in several paragraphs, large enough to be read."""
    prompt = ("Editorial interior photograph of a lamp on a walnut desk, switched on. " * 5 + "\n") * 3
    unit = min(size)
    room = (round(size[0] * 0.4) if size[0] > size[1] else round(size[0] * 0.85), round(size[1] * 0.8))
    caption = _caption(prompt, room, unit, wide=size[0] > size[1])
    assert not caption.cut
    assert caption.size >= unit * 0.0115
    assert len(caption.lines) * caption.size * LINE <= size[1] * (0.66 if size[0] > size[1] else 0.46)


@pytest.mark.parametrize("size", [7, 9, 12, 17, 24])
def test_small_letters_stay_in_their_column(size: int) -> None:
    """They stand on whole pixels, so that a line is wider than a scaled one."""
    words = (
        "proportions, finish and engraving, now switched on. The lamp is exactly the one in image 1: same shape, " * 4
    )
    for width in range(20 * size, 60 * size, size):
        found = fit(words, width=width, height=4000, largest=size, smallest=size)
        assert max(line_width(line, size) for line, _ in found.lines) <= width


def test_a_cut_line_ends_after_a_whole_word() -> None:
    for width in range(120, 400, 13):
        (last, _) = fit("Engrave the emblem, narrowly. " * 40, width=width, height=60, largest=20, smallest=20).lines[
            -1
        ]
        assert last.removesuffix(" …").split()[-1].strip(",.") in {"Engrave", "the", "emblem", "narrowly"}
    (last, _) = fit("word " * 2000, width=100_000, height=4000, largest=20, smallest=20).lines[-1]
    assert last.endswith("word …"), "also where only so many letters are set at all"


@pytest.mark.parametrize("size", [(1024, 1024), (4096, 256), (40, 30), (1, 1)])
@pytest.mark.parametrize("kind", ["jpeg", "png"])
def test_a_plain_proof_is_a_picture_like_any_other(size: tuple[int, int], kind: str) -> None:
    """Of its size and format; the same for the same sketch, another for another number, prompt or reference."""
    sketch = replace(SKETCH, width=size[0], height=size[1], format=kind)
    data = render_plain(sketch)
    with Image.open(io.BytesIO(data)) as picture:
        picture.load()
        assert (picture.size, picture.format, picture.mode) == (size, kind.upper(), "RGB")
    others = [{"nonce": "a1b2c3d5"}, {"prompt": "Another lamp"}, {"reference_digests": ("d",)}, {"number": 2}]
    made = {render_plain(replace(sketch, **other)) for other in others}
    assert render_plain(sketch) == data not in made
    assert len(made) == len(others)


def test_a_plain_proof_is_seen_through_where_that_is_asked() -> None:
    data = render_plain(replace(SKETCH, format="png", transparent=True))
    with Image.open(io.BytesIO(data)) as picture:
        assert picture.mode == "RGBA" and picture.getchannel("A").getextrema() == (0, 255)
