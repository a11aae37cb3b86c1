"""Carrying out the free local steps of `manifest.steps`: one picture and a recipe in, the bytes of a file out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from seedpipe import limits
from seedpipe.errors import SeedpipeError
from seedpipe.fonts import shipped_font
from seedpipe.images.decode import decode, name_in_messages, read_picture_bytes, srgb
from seedpipe.images.encode import encode
from seedpipe.images.lettering import draw_text
from seedpipe.images.place import corner, share
from seedpipe.images.resample import cover, resample
from seedpipe.manifest.steps import Convert, Crop, Overlay, Resize, Step, Text

Size = tuple[int, int]


class StepError(SeedpipeError):
    """A step can't be carried out on this picture."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Inputs:
    overlays: Mapping[str, Path]
    fonts: Mapping[str, Path]


def run_steps(
    source: Path,
    steps: Sequence[Step],
    *,
    overlays: Mapping[str, Path],
    fonts: Mapping[str, Path],
    target_format: str,
) -> bytes:
    """The file that `steps`, in order, make of the picture at `source`: equal bytes on every run.

    `overlays` gives the picture of each `Overlay.image`, `fonts` the file of each `Text.font`. Colours are sRGB, the
    EXIF orientation is applied, no metadata is written. The last `Convert` decides the format, else `target_format`
    (jpeg | png | webp).

    Raises `NotAPictureError`, `StepError`, `EncodeError`, `FontError` or a `LetteringError`.
    """
    inputs = _Inputs(overlays=overlays, fonts=fonts)
    image = _load(source)
    convert = Convert(format=target_format)
    for step in steps:
        if isinstance(step, Convert):
            convert = step
        else:
            image = _carry_out(image, step, inputs)
    return encode(image, convert.format, quality=convert.quality, background=convert.background)


def size_after(size: Size, step: Step) -> Size:
    """Width and height in pixels that `step` makes of a picture of `size`. Raises `StepError` if it can't."""
    match step:
        case Crop():
            left, top, right, bottom = _crop_box(size, step)
            return (right - left, bottom - top)
        case Resize():
            return _resized(size, step)
        case _:
            return size


def _load(path: Path) -> Image.Image:
    name = name_in_messages(path, None)
    return srgb(decode(read_picture_bytes(path, name), name), name)


def _carry_out(image: Image.Image, step: Crop | Resize | Overlay | Text, inputs: _Inputs) -> Image.Image:
    match step:
        case Crop():
            return image.crop(_crop_box(image.size, step))
        case Resize():
            return _resize(image, step)
        case Overlay():
            return _overlay(image, step, inputs.overlays[step.image])
        case Text():
            return draw_text(image, step, shipped_font() if step.font is None else inputs.fonts[step.font])


def _crop_box(size: Size, step: Crop) -> tuple[int, int, int, int]:
    width, height = size
    if step.pixels:
        if step.width > width or step.height > height:
            raise StepError(
                f"`crop: {step.width}x{step.height}` needs a larger picture: it has {width}×{height} pixels",
                hint=f"crop by aspect (`{step.width}:{step.height}`) and `resize` after it",
            )
        part = (step.width, step.height)
    else:
        part = _largest(size, step.width, step.height)
    across, down = share(step.anchor)
    left, top = (width - part[0]) * across // 2, (height - part[1]) * down // 2
    return (left, top, left + part[0], top + part[1])


def _largest(size: Size, aspect_width: int, aspect_height: int) -> Size:
    """The largest size of an aspect within `size`; the dependent side is rounded half up."""
    width, height = size
    if width * aspect_height > height * aspect_width:
        return (min(width, max(1, _divide(height * aspect_width, aspect_height))), height)
    return (width, min(height, max(1, _divide(width * aspect_height, aspect_width))))


def _divide(numerator: int, denominator: int) -> int:
    return (2 * numerator + denominator) // (2 * denominator)


def _resized(size: Size, step: Resize) -> Size:
    width, height = size
    match (step.width, step.height):
        case (None, None):
            return size
        case (int() as wanted, None):
            result = (wanted, max(1, _divide(wanted * height, width)))
        case (None, int() as wanted):
            result = (max(1, _divide(wanted * width, height)), wanted)
        case (int() as across, int() as down):
            result = _largest((across, down), width, height) if step.mode == "fit" else (across, down)
        case _:  # nothing else can be
            raise AssertionError(step)
    if result[0] * result[1] > limits.MAX_PIXELS:
        raise StepError(
            f"`resize` would make {result[0]}×{result[1]} pixels; the limit is {limits.MAX_PIXELS / 1e6:g} million"
        )
    return result


def _resize(image: Image.Image, step: Resize) -> Image.Image:
    size = _resized(image.size, step)
    if step.mode != "fill" or step.width is None or step.height is None:
        return resample(image, size)
    return cover(image, size)


def _overlay(image: Image.Image, step: Overlay, path: Path) -> Image.Image:
    thing = _load(path)
    width = max(1, step.width.of(image.width))
    height = max(1, _divide(width * thing.height, thing.width))
    if width * height > limits.MAX_PIXELS:
        raise StepError(
            f"the overlay `{step.image}` would have {width}×{height} pixels; "
            f"the limit is {limits.MAX_PIXELS / 1e6:g} million"
        )
    thing = resample(thing, (width, height)).convert("RGBA")
    if step.opacity < 100:
        thing.putalpha(thing.getchannel("A").point([(value * step.opacity + 50) // 100 for value in range(256)]))
    at = corner(step.place, image.size, thing.size)
    if image.mode == "RGB":
        result = image.copy()
        result.paste(thing, at, thing.getchannel("A"))
        return result
    layer = Image.new("RGBA", image.size, (0, 0, 0, 0))
    layer.paste(thing, at)
    return Image.alpha_composite(image, layer)
