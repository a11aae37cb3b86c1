"""Arithmetic of picture sizes: exact, without floats, and the words for it."""

import re
from dataclasses import dataclass
from fractions import Fraction
from math import isqrt
from typing import Final

_PIXELS: Final = re.compile(r"([1-9][0-9]{0,5})[xX×]([1-9][0-9]{0,5})\Z")
_RATIO: Final = re.compile(r"([1-9][0-9]{0,4})[:/]([1-9][0-9]{0,4})\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class PixelRange:
    """Width × height, both ends allowed."""

    min: int
    max: int

    def __contains__(self, pixels: int) -> bool:
        return self.min <= pixels <= self.max


@dataclass(frozen=True, slots=True, kw_only=True)
class AspectRange:
    """Width ÷ height as exact fractions, both ends allowed."""

    min: Fraction
    max: Fraction

    def __contains__(self, aspect: Fraction) -> bool:
        return self.min <= aspect <= self.max

    def __str__(self) -> str:
        return f"{ratio_text(self.min)} to {ratio_text(self.max)}"


def parse_pixels(text: str) -> tuple[int, int] | None:
    """(width, height) of a text like `2048x2048`; None for anything else."""
    match = _PIXELS.match(text.strip())
    return None if match is None else (int(match[1]), int(match[2]))


def parse_ratio(text: str) -> Fraction:
    """`16:9` or `16/9` as an exact fraction. Raises `ValueError`."""
    match = _RATIO.match(text.strip())
    if match is None:
        raise ValueError(f"`{text}` is not an aspect like `16:9`")
    return Fraction(int(match[1]), int(match[2]))


def ratio_text(ratio: Fraction) -> str:
    return f"{ratio.numerator}:{ratio.denominator}"


def size_text(size: tuple[int, int]) -> str:
    """The wire's form: `2048x2048`."""
    return f"{size[0]}x{size[1]}"


def near_size(pixels: int, aspect: Fraction, allowed: PixelRange) -> tuple[int, int]:
    """A size of about `pixels` pixels and `aspect`, inside `allowed` if that can be. For suggestions.

    The longer side is rounded down, so that the size is never more stretched than `aspect`.
    """
    pixels = min(max(pixels, allowed.min), allowed.max)
    ratio = max(aspect, 1 / aspect)
    short = max(1, isqrt(pixels * ratio.denominator // ratio.numerator))
    while short * (long := max(1, short * ratio.numerator // ratio.denominator)) < allowed.min:
        short += 1
    return (long, short) if aspect >= 1 else (short, long)
