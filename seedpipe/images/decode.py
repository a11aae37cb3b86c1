"""Bytes to pixels: decoding with limits, orientation applied, colours in 8-bit sRGB."""

import io
import struct
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from PIL import Image, ImageCms, UnidentifiedImageError
from PIL.TiffImagePlugin import TiffImageFile

from seedpipe import limits
from seedpipe.errors import SeedpipeError
from seedpipe.images.sniff import name_stranger, picture_end, picture_format

# Pillow warns above this and fails above twice as much; here the warning is a failure in every thread.
Image.MAX_IMAGE_PIXELS = limits.MAX_PIXELS
warnings.filterwarnings("error", category=Image.DecompressionBombWarning)
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")  # of odd metadata; the pixels are checked

_ORIENTATION: Final = 0x0112
_BITS_PER_SAMPLE: Final = 0x0102
_PNG_DEPTH: Final = 24  # offset of the byte in the file; IHDR is always first
_TURNS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_DAMAGE: Final = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    struct.error,
    IndexError,
    KeyError,
    TypeError,
    OverflowError,
)
_SHALLOW: Final = frozenset({"1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr"})


class NotAPictureError(SeedpipeError):
    """What was to be a picture is something else, damaged, too large, or in a form that can't be read."""

    next_step = "give a picture: a JPEG, PNG or WebP file"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """The first frame (`animated`: there are more) with all its pixels decoded, in the mode the file has.

    `turned`: its EXIF orientation, which was applied, isn't the plain one. `depth`: bits a channel in the file, of
    which Pillow keeps 8 in most modes.
    """

    image: Image.Image
    format: str
    animated: bool
    turned: bool
    depth: int
    trailing_bytes: int


def name_in_messages(source: bytes | Path, name: str | None) -> str:
    """How messages call a picture: its `name`, else its path."""
    if name is not None:
        return f"`{name}`"
    return f"`{source}`" if isinstance(source, Path) else "the data"


def read_picture_bytes(source: bytes | Path, name: str) -> bytes:
    """The bytes of `source`. Raises `NotAPictureError` over `limits.MAX_PICTURE_BYTES`, `OSError` if unreadable."""
    size = len(source) if isinstance(source, bytes) else source.stat().st_size
    if size > limits.MAX_PICTURE_BYTES:
        raise NotAPictureError(
            f"{name} has {size / 2**20:.1f} MiB; a picture has at most {limits.MAX_PICTURE_BYTES // 2**20} MiB",
            hint=_SMALLER,
        )
    return source if isinstance(source, bytes) else source.read_bytes()


def decode(data: bytes, name: str) -> Decoded:
    """Decode the whole first frame and apply its EXIF orientation. `name` is how messages call it.

    Raises `NotAPictureError` if `data` is something else, cut off, damaged, or larger than `limits.MAX_PIXELS`.
    """
    kind = picture_format(data)
    if kind is None:
        stranger = name_stranger(data)
        raise NotAPictureError(f"{name} is {stranger.what}; a picture was expected", hint=stranger.hint)
    image = _open(data, kind, name)
    try:
        end = picture_end(data, kind)
        animated = image.format != "MPO" and bool(getattr(image, "is_animated", False))
        image.load()
    except _DAMAGE as error:
        raise _damaged(name, kind, error) from error
    if end is None:
        raise NotAPictureError(f"{name} is a {kind.upper()} that is cut off: its end is missing", hint=_AGAIN)
    turn = _turn(image)
    return Decoded(
        image=image if turn is None else _transposed(image, turn),
        format=kind,
        animated=animated,
        turned=turn is not None,
        depth=_depth(image, data, kind),
        trailing_bytes=max(0, len(data) - end),
    )


_AGAIN: Final = "fetch or export it again"
_SMALLER: Final = "save it smaller"


def _open(data: bytes, kind: str, name: str) -> Image.Image:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the limit of pixels is checked below, by our own number
            image = Image.open(io.BytesIO(data), formats=(kind.upper(),))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise NotAPictureError(
            f"{name} says it has more than {limits.MAX_PIXELS / 1e6:g} million pixels, which is the limit",
            hint=_SMALLER,
        ) from error
    except UnidentifiedImageError as error:
        raise NotAPictureError(f"{name} begins like a {kind.upper()} but is damaged", hint=_AGAIN) from error
    except _DAMAGE as error:
        raise _damaged(name, kind, error) from error
    if image.width * image.height > limits.MAX_PIXELS:
        raise NotAPictureError(
            f"{name} has {image.width}x{image.height} pixels; the limit is {limits.MAX_PIXELS / 1e6:g} million",
            hint=_SMALLER,
        )
    return image


def _damaged(name: str, kind: str, error: Exception) -> NotAPictureError:
    if isinstance(error, OSError) and "truncated" in str(error).lower():
        return NotAPictureError(f"{name} is a {kind.upper()} that is cut off: {error}", hint=_AGAIN)
    return NotAPictureError(f"{name} is a damaged {kind.upper()}: {error}", hint=_AGAIN)


def _depth(image: Image.Image, data: bytes, kind: str) -> int:
    if kind == "png":
        return data[_PNG_DEPTH]
    bits: tuple[int, ...] = image.tag_v2.get(_BITS_PER_SAMPLE, (8,)) if isinstance(image, TiffImageFile) else (8,)
    return max(bits)


def _turn(image: Image.Image) -> Image.Transpose | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _TURNS.get(image.getexif().get(_ORIENTATION, 1))
    except _DAMAGE:  # broken metadata; the pixels are good
        return None


def _transposed(image: Image.Image, turn: Image.Transpose) -> Image.Image:
    info = image.info
    result = image.transpose(turn)
    result.info = info
    return result


def rgba(decoded: Decoded, name: str) -> Image.Image:
    """The stored colours as 8-bit RGBA, profiles ignored. Raises `NotAPictureError` for floating-point pixels."""
    return _eight_bit(decoded.image, name).convert("RGBA")


def srgb(decoded: Decoded, name: str) -> Image.Image:
    """8-bit sRGB: mode `RGB` if every pixel is opaque, else `RGBA`. Raises as `rgba`."""
    image = _eight_bit(decoded.image, name)
    alpha = image.convert("RGBA").getchannel("A") if image.has_transparency_data else None
    if alpha is not None and _least(alpha) == 255:
        alpha = None
    colour = _in_srgb(image)
    if alpha is not None:
        colour.putalpha(alpha)
    return colour


def has_transparency(image: Image.Image) -> bool:
    """Whether some pixel is not fully opaque."""
    return image.has_transparency_data and _least(image.convert("RGBA").getchannel("A")) < 255


def _least(channel: Image.Image) -> int:
    low = channel.getextrema()[0]
    return int(low) if not isinstance(low, tuple) else int(low[0])


def _eight_bit(image: Image.Image, name: str) -> Image.Image:
    if image.mode.startswith("I;16") or image.mode == "I":
        wide = image.convert("I")
        grey = wide.point(lambda value: value * (1 / 256) + 0).convert("L")  # Pillow reads only `v * a + b`
        transparent = image.info.get("transparency")
        if not isinstance(transparent, int):
            return _with_profile(grey, image)
        opaque = wide.point(lambda value: value * 1 + -transparent)
        return _with_profile(_keyed(grey, opaque), image)
    if image.mode in ("RGBa", "La"):
        return _with_profile(image.convert(image.mode.upper()), image)
    if image.mode not in _SHALLOW:
        raise NotAPictureError(
            f"{name} has pixels of the kind `{image.mode}`; 8 or 16 bits a channel were expected",
            hint="export it as PNG or JPEG",
        )
    return image


def _keyed(grey: Image.Image, difference: Image.Image) -> Image.Image:
    """`grey` with the pixels transparent whose `difference` from the key colour is 0."""
    above = difference.point(lambda value: value * 255 + 0).convert("L")
    below = difference.point(lambda value: value * -255 + 0).convert("L")
    above.paste(255, (0, 0), below)
    return Image.merge("LA", (grey, above))


def _with_profile(image: Image.Image, original: Image.Image) -> Image.Image:
    profile = original.info.get("icc_profile")
    if profile:
        image.info["icc_profile"] = profile
    return image


def _in_srgb(image: Image.Image) -> Image.Image:
    """Colours without alpha, in sRGB; a profile that can't be read or doesn't fit the mode is ignored."""
    mode = {"1": "L", "L": "L", "LA": "L", "CMYK": "CMYK"}.get(image.mode, "RGB")
    profile = image.info.get("icc_profile")
    flat = image.convert("RGBA").convert("RGB") if image.mode in ("P", "PA") else image.convert(mode)
    if profile:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            if not _is_srgb(source):
                converted = ImageCms.profileToProfile(flat, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
                flat = converted if converted is not None else flat
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            pass
    result = flat.convert("RGB")
    result.info = {}
    return result


def _is_srgb(profile: ImageCms.ImageCmsProfile) -> bool:
    description = ImageCms.getProfileDescription(profile).lower()
    return "srgb" in description and "linear" not in description
