"""What a file of a picture truly is: checked by its magic bytes and a full decode, not by its name."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from PIL import Image

from seedpipe.images.decode import Decoded, decode, has_transparency, name_in_messages, read_picture_bytes, rgba
from seedpipe.names import Digest

_ORIENTATION: Final = 0x0112  # of EXIF
_TURNED: Final = (5, 6, 7, 8)  # by a quarter
_ROWS: Final = 64  # rows hashed at once, so that a large picture needs no second copy


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureInfo:
    """A picture that was decoded to its last pixel. Width and height in pixels, after its EXIF orientation."""

    format: str  # jpeg | png | webp | gif | bmp | tiff
    width: int
    height: int
    has_alpha: bool  # at least one pixel is not fully opaque
    bytes: int
    animated: bool = False  # more than one frame or page; only the first is ever used
    trailing_bytes: int = 0  # foreign bytes after the picture's end: harmless to decoders, but not of the picture


def probe_picture(data: bytes | Path, *, name: str | None = None) -> PictureInfo:
    """Decode all of `data` and say what it is. `name` is how messages call it (default: the path, or "the data").

    Raises `NotAPictureError` for anything that is no whole picture in one of the formats of `PictureInfo`, or
    beyond `limits.MAX_PICTURE_BYTES` or `limits.MAX_PIXELS`; `OSError` if the file can't be read.
    """
    called = name_in_messages(data, name)
    content = read_picture_bytes(data, called)
    decoded = decode(content, called)
    return PictureInfo(
        format=decoded.format,
        width=decoded.image.width,
        height=decoded.image.height,
        has_alpha=has_transparency(decoded.image),
        bytes=len(content),
        animated=decoded.animated,
        trailing_bytes=decoded.trailing_bytes,
    )


def header_size(path: Path) -> tuple[int, int] | None:
    """Width and height by the file's header alone, after its EXIF orientation; None for what can't be read."""
    try:
        with Image.open(path) as image:
            turned = image.getexif().get(_ORIENTATION, 1) in _TURNED
            return image.size[::-1] if turned else image.size
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None


def pixel_digest(path: bytes | Path, *, name: str | None = None) -> Digest:
    """SHA-256 over size and decoded pixels (8-bit RGBA of the first frame, oriented, colour profile not applied).

    Edits of metadata and lossless re-compression keep it; the colour of fully transparent pixels doesn't count.
    Raises as `probe_picture`. Frozen: a picture's first digest in keys depends on it.
    """
    called = name_in_messages(path, name)
    decoded = decode(read_picture_bytes(path, called), called)
    return Digest(_hash_pixels(decoded, called))


def _hash_pixels(decoded: Decoded, name: str) -> str:
    image = rgba(decoded, name)
    digest = hashlib.sha256(f"seedpipe pixels 1 {image.width}x{image.height}\n".encode())
    for top in range(0, image.height, _ROWS):
        strip = image.crop((0, top, image.width, min(top + _ROWS, image.height)))
        visible = strip.getchannel("A").point([0] + [255] * 255)
        black = Image.new("RGBA", strip.size, (0, 0, 0, 0))
        digest.update(Image.composite(strip, black, visible).tobytes())
    return digest.hexdigest()
