"""A reference picture as the service takes it: untouched where possible, re-encoded for sending only where not."""

import math
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

from PIL import Image

from seedpipe.errors import SeedpipeError
from seedpipe.images.decode import Decoded, decode, name_in_messages, read_picture_bytes, srgb
from seedpipe.images.encode import WRITABLE, encode
from seedpipe.images.resample import resample

_QUALITIES: Final = (95, 92, 88, 84)  # below this a smaller picture is the better reference
_PLAIN: Final = frozenset({"1", "L", "LA", "P", "PA", "RGB", "RGBA", "I;16", "I;16B"})  # read alike by every decoder
_LARGER: Final = "refer to a larger picture; a `resize` step makes one, in an entry with `from` and `steps`"
_SHRINK: Final = 0.94  # a little below what the byte count alone would ask for


class ReferenceRefusedError(SeedpipeError):
    """A picture that the service would refuse as a reference and that re-encoding can't mend."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceLimits:
    """What the service takes as a reference (seedream-api.md §2.1). Bytes of the file; aspect is width ÷ height."""

    formats: tuple[str, ...]  # jpeg | png | webp | gif | bmp | tiff, in order of preference
    max_bytes: int
    max_pixels: int
    min_pixels: int = 1
    min_side: int = 1
    aspect_min: Fraction = Fraction(1, 16)
    aspect_max: Fraction = Fraction(16)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A reference ready to be sent. `why` says what had to change, for people; empty if nothing."""

    format: str
    data: bytes
    changed: bool
    why: str = ""


def prepare_reference(source: bytes | Path, limits: ReferenceLimits, *, name: str | None = None) -> Prepared:
    """The file as it is if the service takes it, else the same picture re-encoded within `limits`.

    Raises `NotAPictureError`, and `ReferenceRefusedError` for an aspect, side or size in pixels that can't be mended.
    """
    called = name_in_messages(source, name)
    data = read_picture_bytes(source, called)
    decoded = decode(data, called)
    _check_shape(decoded.image.width, decoded.image.height, limits, called)
    why = _reasons(decoded, len(data), limits)
    if not why:
        return Prepared(format=decoded.format, data=data, changed=False)
    image = _within_pixels(srgb(decoded, called), limits, called)
    kind = _sending_format(image, limits)
    return Prepared(format=kind, data=_within_bytes(image, kind, limits, called), changed=True, why="; ".join(why))


def _check_shape(width: int, height: int, limits: ReferenceLimits, name: str) -> None:
    if not limits.aspect_min <= Fraction(width, height) <= limits.aspect_max:
        raise ReferenceRefusedError(
            f"{name} is {width}x{height}; the service takes an aspect of "
            f"{_ratio(limits.aspect_min)} to {_ratio(limits.aspect_max)}",
            hint="crop it first, in an entry with `from` and `steps`, and refer to that",
        )
    if min(width, height) < limits.min_side:
        raise ReferenceRefusedError(
            f"{name} is {width}x{height}; the service takes sides of {limits.min_side} pixels or more", hint=_LARGER
        )
    if width * height < limits.min_pixels:
        raise ReferenceRefusedError(
            f"{name} has {width * height} pixels; the service takes {limits.min_pixels} or more", hint=_LARGER
        )


def _reasons(decoded: Decoded, size: int, limits: ReferenceLimits) -> list[str]:
    why = []
    if decoded.format not in limits.formats:
        why.append(f"{decoded.format} is not among {', '.join(limits.formats)}")
    if decoded.animated:
        why.append("it is animated, the first frame is sent")
    if decoded.turned:
        why.append("its EXIF orientation turns it, which not every decoder does")
    if (mode := decoded.image.mode) not in _PLAIN:
        why.append(f"its pixels are of the kind {mode}")
    elif decoded.depth > 8:
        why.append(f"it has {decoded.depth} bits a channel")
    if size > limits.max_bytes:
        why.append(f"{_mebibytes(size)} is more than {_mebibytes(limits.max_bytes)}")
    if (pixels := decoded.image.width * decoded.image.height) > limits.max_pixels:
        why.append(f"{pixels} pixels are more than {limits.max_pixels}")
    return why


def _sending_format(image: Image.Image, limits: ReferenceLimits) -> str:
    preferred = ("png", "webp", "jpeg") if image.mode == "RGBA" else ("jpeg", "png", "webp")
    choice = next((kind for kind in preferred if kind in limits.formats), None)
    if choice is None:
        raise ReferenceRefusedError(
            f"no format can be written that the service takes: it takes {', '.join(limits.formats)}, "
            f"we write {', '.join(WRITABLE)}",
            hint="choose another provider, or correct `formats` in your catalogue file",
        )
    return choice


def _within_pixels(image: Image.Image, limits: ReferenceLimits, name: str) -> Image.Image:
    pixels = image.width * image.height
    if pixels <= limits.max_pixels:
        return image
    smaller = _scaled(image, math.sqrt(limits.max_pixels / pixels), limits)
    if _too_small(smaller, limits):
        raise ReferenceRefusedError(
            f"{name} is {image.width}x{image.height}; with at most {limits.max_pixels} pixels it would be "
            f"{smaller.width}x{smaller.height}, and the service takes sides of {limits.min_side} pixels or more",
            hint="crop it first, in an entry with `from` and `steps`, and refer to that",
        )
    return smaller


def _too_small(image: Image.Image, limits: ReferenceLimits) -> bool:
    return min(image.size) < limits.min_side or image.width * image.height < limits.min_pixels


def _within_bytes(image: Image.Image, kind: str, limits: ReferenceLimits, name: str) -> bytes:
    while True:
        for quality in _QUALITIES if kind != "png" else _QUALITIES[:1]:
            data = encode(image, kind, quality=quality)
            if len(data) <= limits.max_bytes:
                return data
        before = image.size
        image = _scaled(image, _SHRINK * math.sqrt(limits.max_bytes / len(data)), limits)
        if image.size == before or _too_small(image, limits):
            raise ReferenceRefusedError(
                f"{name} can't be made smaller than {_mebibytes(limits.max_bytes)}",
                hint="`resize` it first, in an entry with `from` and `steps`, and refer to that",
            )


def _scaled(image: Image.Image, factor: float, limits: ReferenceLimits) -> Image.Image:
    """Smaller by `factor`; rounding may not push an aspect at the limit over it."""
    width = max(1, math.floor(image.width * factor))
    height = max(1, math.floor(image.height * factor))
    width = max(1, min(width, math.floor(height * limits.aspect_max)))
    height = max(1, min(height, math.floor(width / limits.aspect_min)))
    return resample(image, (width, height))


def _ratio(value: Fraction) -> str:
    return f"{value.numerator}:{value.denominator}"


def _mebibytes(size: int) -> str:
    return f"{size / 2**20:.1f} MiB" if size >= 2**20 / 10 else f"{size} bytes"
