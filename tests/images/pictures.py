"""Real pictures for the tests of this folder."""

import io
import struct
import zlib
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw


def scene(width: int = 160, height: int = 90) -> Image.Image:
    """Four quarters: red, green / blue, yellow."""
    image = Image.new("RGB", (width, height), (220, 20, 20))
    draw = ImageDraw.Draw(image)
    half_x, half_y = width // 2, height // 2
    draw.rectangle((half_x, 0, width, half_y - 1), fill=(20, 200, 20))
    draw.rectangle((0, half_y, half_x - 1, height), fill=(20, 20, 220))
    draw.rectangle((half_x, half_y, width, height), fill=(240, 220, 20))
    return image


def cut_out(side: int = 64) -> Image.Image:
    """A white disc on nothing; the nothing is black underneath."""
    image = Image.new("RGBA", (side, side), (0, 0, 0, 0))
    ImageDraw.Draw(image).ellipse((0, 0, side - 1, side - 1), fill=(255, 255, 255, 255))
    return image


def noise(width: int, height: int) -> Image.Image:
    """The same noise each time, which compresses badly."""
    state, values = 1, bytearray()
    for _ in range(width * height * 3):
        state = (state * 1103515245 + 12345) & 0x7FFFFFFF
        values.append(state >> 16 & 255)
    return Image.frombytes("RGB", (width, height), bytes(values))


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind.upper(), **options)
    return buffer.getvalue()


def written(path: Path, image: Image.Image, **options: Any) -> Path:
    path.write_bytes(encoded(image, {".jpg": "jpeg"}.get(path.suffix, path.suffix[1:]), **options))
    return path


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def png_chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png_header(width: int, height: int) -> bytes:
    """The beginning of a PNG that claims to be of this size."""
    return (
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
        + png_chunk(b"IDAT", b"no pixels")
    )
