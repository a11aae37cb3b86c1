"""The text step: letters, outline and panel on a picture."""

from pathlib import Path
from typing import Final

from PIL import Image, ImageDraw

from seedpipe.images.colour import Colour, colour
from seedpipe.images.fontfile import Face
from seedpipe.images.layout import Layout, Line, check_glyphs, check_room, lay_out, marks_of
from seedpipe.images.place import corner
from seedpipe.manifest.steps import Text

_SMOOTH: Final = 4  # a panel's corners are drawn this much larger and reduced


def check_text(step: Text, font_path: Path, picture_size: tuple[int, int] | None) -> None:
    """Find out without a picture what `draw_text` would say; `picture_size` is (width, height) in pixels, if known.

    Raises `TextDoesNotFitError`, `MissingGlyphsError`, `UnsupportedScriptError`, `FontError` or `LetteringError`.
    """
    for text in (step.color, step.stroke, step.background):
        if text is not None:
            colour(text)
    if picture_size is None:
        check_glyphs(step, font_path)
    else:
        check_room(step, font_path, picture_size)


def draw_text(image: Image.Image, step: Text, font: Path) -> Image.Image:
    """`image` (`RGB` or `RGBA`) with the text on it, in the same mode. Raises as `check_text`."""
    layout = lay_out(step, font, image.size)
    outer = layout.outer_size
    left, top = corner(step.place, image.size, outer)
    if step.background is not None:
        image = _stain(image, _panel(outer, layout.size), (left, top), colour(step.background))
    face = Face(font, layout.size)
    if step.stroke is not None:
        image = _stain(image, _letters(layout, face, step, layout.stroke), (left, top), colour(step.stroke))
    return _stain(image, _letters(layout, face, step, 0), (left, top), colour(step.color))


def _letters(layout: Layout, face: Face, step: Text, stroke: int) -> Image.Image:
    """How much each pixel of the frame (with the panel's padding) is covered by letters, grown by `stroke` pixels."""
    mask = Image.new("L", layout.outer_size, 0)
    draw = ImageDraw.Draw(mask)
    baseline = layout.pad_y + layout.above
    for line in layout.lines:
        x = layout.pad_x + layout.stroke + _indent(layout, line, step.align)
        runs = [(0, 0, "".join(cluster.base for cluster in line.clusters)), *marks_of(face, line)]
        for dx, dy, run in runs:
            draw.text((x + dx, baseline + dy), run, fill=255, font=face.pillow, anchor="ls", stroke_width=stroke)
        baseline += layout.pitch
    return mask


def _indent(layout: Layout, line: Line, align: str) -> int:
    free = layout.width - 2 * layout.stroke - line.width
    side = align if align != "auto" else ("right" if layout.direction == "rtl" else "left")
    return round({"left": 0.0, "center": free / 2, "right": free}[side])


def _panel(size: tuple[int, int], letter_size: int) -> Image.Image:
    large = Image.new("L", (size[0] * _SMOOTH, size[1] * _SMOOTH), 0)
    radius = letter_size * _SMOOTH // 6
    ImageDraw.Draw(large).rounded_rectangle((0, 0, large.width - 1, large.height - 1), radius, fill=255)
    return large.reduce(_SMOOTH)


def _stain(image: Image.Image, mask: Image.Image, at: tuple[int, int], paint: Colour) -> Image.Image:
    """`image` with `paint` laid through `mask`, whose top left corner stands `at`."""
    if paint[3] < 255:
        alpha = paint[3]
        mask = mask.point([(value * alpha + 127) // 255 for value in range(256)])
    if image.mode == "RGB":
        result = image.copy()
        result.paste(paint[:3], (*at, at[0] + mask.width, at[1] + mask.height), mask)
        return result
    layer = Image.new("RGBA", image.size, (*paint[:3], 0))
    cover = Image.new("L", image.size, 0)
    cover.paste(mask, at)
    layer.putalpha(cover)
    return Image.alpha_composite(image, layer)
