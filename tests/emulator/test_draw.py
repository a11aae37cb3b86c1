"""Proofs: exact sizes, one picture a nonce, colours from the words, any script, references shown."""

import io
from dataclasses import replace
from fractions import Fraction
from math import isqrt

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops

from seedpipe.emulator.draw import Sketch, render
from seedpipe.emulator.lettering import fit, font
from seedpipe.emulator.palette import named_colours

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


def test_a_reference_is_shown() -> None:
    loud = Image.new("RGB", (100, 100), (255, 0, 255))
    image = drawn(replace(SKETCH, references=(loud, loud), reference_digests=("a", "b"), format="png"))
    pixels = image.convert("RGB").tobytes()
    loud_pixels = sum(pixels[i : i + 3] == b"\xff\x00\xff" for i in range(0, len(pixels), 3))
    assert loud_pixels > 2 * 40 * 40


@given(st.text(min_size=1, max_size=300), st.integers(60, 900), st.integers(30, 400))
@settings(max_examples=60, deadline=None)
def test_lines_fit(text: str, width: int, height: int) -> None:
    size, lines = fit(text, width=width, height=height, largest=40, smallest=7)
    assert 7 <= size <= 40
    assert len(lines) * size * 1.34 <= max(height, size * 1.34) + size
    for line in lines[:-1]:
        assert font(size).getlength(line) <= width * 1.12 + size


def test_scripts_without_blanks_wrap() -> None:
    _, lines = fit("春天的早晨" * 20, width=300, height=4000, largest=20, smallest=20)
    assert len(lines) == 4


def test_a_long_prompt_is_cut_with_an_ellipsis() -> None:
    _, lines = fit("words " * 5000, width=200, height=100, largest=20, smallest=10)
    assert lines[-1].endswith("…")
