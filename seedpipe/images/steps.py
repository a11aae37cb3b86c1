"""Carrying out the free local steps of `manifest.steps`: one picture and a recipe in, the bytes of a file out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from seedpipe import limits
from seedpipe.fonts import shipped_font
from seedpipe.images.decode import decode, name_in_messages, read_picture_bytes, srgb
from seedpipe.images.encode import encode
from seedpipe.images.geometry import StepError, crop_box, divide, resized
from seedpipe.images.lettering import draw_text
from seedpipe.images.place import corner
from seedpipe.images.resample import cover, resample
from seedpipe.manifest.steps import Convert, Crop, Overlay, Resize, Step, Text


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


def _load(path: Path) -> Image.Image:
    name = name_in_messages(path, None)
    return srgb(decode(read_picture_bytes(path, name), name), name)


def _carry_out(image: Image.Image, step: Crop | Resize | Overlay | Text, inputs: _Inputs) -> Image.Image:
    match step:
        case Crop():
            return image.crop(crop_box(image.size, step))
        case Resize():
            return _resize(image, step)
        case Overlay():
            return _overlay(image, step, inputs.overlays[step.image])
        case Text():
            return draw_text(image, step, shipped_font() if step.font is None else inputs.fonts[step.font])


def _resize(image: Image.Image, step: Resize) -> Image.Image:
    size = resized(image.size, step)
    if step.mode != "fill" or step.width is None or step.height is None:
        return resample(image, size)
    return cover(image, size)


def _overlay(image: Image.Image, step: Overlay, path: Path) -> Image.Image:
    thing = _load(path)
    width = max(1, step.width.of(image.width))
    height = max(1, divide(width * thing.height, thing.width))
    if width * height > limits.MAX_PIXELS:
        raise StepError(
            f"the overlay `{step.image}` would have {width}x{height} pixels; "
            f"the limit is {limits.MAX_PIXELS / 1e6:g} million",
            hint="lower its `width`",
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
