"""Pixels to bytes: the same pixels and settings give the same bytes, without metadata, in sRGB."""

import io
from collections.abc import Mapping
from typing import Final

from PIL import Image

from seedpipe.errors import SeedpipeError
from seedpipe.images.colour import colour

WRITABLE: Final = ("jpeg", "png", "webp")
HIGH_QUALITY: Final = 95
_LONGEST_SIDE: Final[Mapping[str, int]] = {"jpeg": 65500, "png": 2**31 - 1, "webp": 16383}


class EncodeError(SeedpipeError):
    """A picture can't be written in the format that was asked for."""


def encode(image: Image.Image, file_format: str, *, quality: int = HIGH_QUALITY, background: str = "#ffffff") -> bytes:
    """The bytes of `image` (`RGB` or `RGBA`) as `jpeg`, `png` or `webp`; `background` fills transparency for JPEG.

    JPEG is baseline with full colour resolution (4:4:4), because subsampling smears coloured lettering.
    Raises `EncodeError` for another format or a side longer than the format allows.
    """
    if file_format not in WRITABLE:
        raise EncodeError(f"`{file_format}` can't be written", hint="write it as `jpeg`, `png` or `webp`")
    longest = _LONGEST_SIDE[file_format]
    if max(image.size) > longest:
        raise EncodeError(
            f"a {file_format.upper()} has at most {longest} pixels a side, not {image.width}x{image.height}",
            hint="`resize` it, or `convert: png`",
        )
    buffer = io.BytesIO()
    match file_format:
        case "jpeg":
            flat = flatten(image, background)
            flat.save(buffer, "JPEG", quality=quality, subsampling=0, progressive=False)
        case "png":
            image.save(buffer, "PNG", compress_level=6)
        case _:
            image.save(buffer, "WEBP", quality=quality, method=4, exact=False)
    return buffer.getvalue()


def flatten(image: Image.Image, background: str) -> Image.Image:
    """`image` without transparency, on a ground of the colour `background`."""
    if image.mode == "RGB":
        return image
    ground = Image.new("RGB", image.size, colour(background)[:3])
    ground.paste(image, (0, 0), image.getchannel("A"))
    return ground
