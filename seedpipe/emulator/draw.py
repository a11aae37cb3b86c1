"""Draws proofs: a scene in the prompt's colours, the references, the prompt's words, and a mark that says PROOF.

The same `Sketch` gives the same bytes. Each call of the service has a nonce of its own, which moves light, shapes
and hues: the same request never gives the same picture twice. The scene is drawn small and enlarged; text is set at
full size.
"""

import hashlib
import io
import re
from dataclasses import dataclass
from random import Random
from typing import Final

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from seedpipe.emulator.lettering import LINE, Caption, draw_line, fit, font
from seedpipe.emulator.palette import Colour, Palette, darker, luminance, make_palette, mix, named_colours, saturation
from seedpipe.emulator.scenes import Canvas, choose_scene

_SCENE_SIDE: Final = 1080
_PAPER: Final[Colour] = (250, 247, 240)
_INK: Final[Colour] = (34, 36, 42)
_DARK: Final = re.compile(r"\b(?:night|midnight|dark|noir|moon|evening|dusk)", re.IGNORECASE)
_JPEG_QUALITY: Final = 86
_JPEG_SIDE: Final = 65_500


@dataclass(frozen=True, slots=True, kw_only=True)
class Sketch:
    """One proof to draw. `references` are RGB and small; None stands for one that can't be decoded here."""

    prompt: str
    references: tuple[Image.Image | None, ...]
    reference_digests: tuple[str, ...]
    width: int
    height: int
    model: str
    number: int  # counts from 1, of `total`
    total: int
    nonce: str
    format: str  # `jpeg` or `png`
    watermark: bool = False
    transparent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Box:
    """A rectangle in pixels."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        return self.right - self.left

    @property
    def height(self) -> int:
        return self.bottom - self.top

    @property
    def edges(self) -> tuple[int, int, int, int]:
        return self.left, self.top, self.right, self.bottom


def render(sketch: Sketch) -> bytes:
    """A JPEG or PNG of exactly `width` × `height` pixels."""
    steady = _random(sketch, "")
    moving = _random(sketch, sketch.nonce)
    palette = _palette(sketch, steady, moving)
    sheet = _Sheet(_scene(sketch, palette, steady, moving))
    if min(sheet.image.size) >= 96:
        _annotate(sheet, sketch, palette)
    else:
        _tiny_mark(sheet.image)
    return encode(sheet.image, sketch, alpha=_alpha(sheet) if is_cut_out(sketch) else None)


class _Sheet:
    """The picture, and what of it stays opaque where the scene is seen through: panels, prints and the stamp."""

    def __init__(self, image: Image.Image) -> None:
        self.image = image
        self.cover = Image.new("L", image.size)


def _random(sketch: Sketch, nonce: str) -> Random:
    parts = [sketch.prompt, sketch.model, f"{sketch.width}x{sketch.height}", nonce, *sketch.reference_digests]
    return Random(hashlib.sha256("\0".join(parts).encode()).digest())  # noqa: S311 - a picture, not a secret


def _palette(sketch: Sketch, steady: Random, moving: Random) -> Palette:
    colours = named_colours(sketch.prompt)
    pictures = [picture for picture in sketch.references if picture is not None]
    if not colours and pictures:
        colours = _main_colours(pictures[0])
    return make_palette(colours, scheme=steady.randrange(1000), drift=moving, dark=bool(_DARK.search(sketch.prompt)))


def _main_colours(picture: Image.Image) -> tuple[Colour, ...]:
    """Three colours of a reference, the liveliest first."""
    small = picture.resize((32, 32), Image.Resampling.BOX).quantize(5)
    flat = small.getpalette() or []
    colours: list[Colour] = [(flat[i], flat[i + 1], flat[i + 2]) for i in range(0, min(len(flat), 15) - 2, 3)]
    return tuple(sorted(colours, key=saturation, reverse=True)[:3])


def _scene(sketch: Sketch, palette: Palette, steady: Random, moving: Random) -> Image.Image:
    scale = min(1.0, _SCENE_SIDE / max(sketch.width, sketch.height))
    canvas = Canvas(max(2, round(sketch.width * scale)), max(2, round(sketch.height * scale)))
    choose_scene(sketch.prompt, steady.randrange(1000))(canvas, palette, moving)
    image = canvas.image
    first = sketch.references[0] if len(sketch.references) == 1 else None
    if first is not None:  # an edit keeps the light of what it edits
        backdrop = first.resize((3, 3), Image.Resampling.BOX).resize(image.size, Image.Resampling.BICUBIC)
        image = Image.blend(image, backdrop, 0.3)
    ring = Image.radial_gradient("L").point([max(0, level - 120) // 3 for level in range(256)])
    shade = ring.resize(image.size, Image.Resampling.BILINEAR)
    image.paste(darker(palette.near, 0.6), (0, 0, *image.size), shade)
    return image.resize((sketch.width, sketch.height), Image.Resampling.BILINEAR)


def _annotate(sheet: _Sheet, sketch: Sketch, palette: Palette) -> None:
    image = sheet.image
    unit = min(image.size)
    margin = max(4, round(unit * 0.042))
    card = _card(sheet, sketch, palette, margin)
    _thumbnails(sheet, sketch, card, margin)
    if not sketch.transparent:
        _crop_marks(image, margin)
    _stamp(sheet, palette, margin)
    if sketch.watermark:
        size = max(8, round(unit * 0.016))
        place = (image.width - round(margin * 1.5), image.height - margin // 3)
        ImageDraw.Draw(image).text(place, "AI generated", (255, 255, 255), font(size), anchor="rs")


def _card(sheet: _Sheet, sketch: Sketch, palette: Palette, margin: int) -> _Box:
    """The panel with the prompt's words; as high as they need."""
    image = sheet.image
    unit = min(image.size)
    ratio = image.width / image.height
    wide = ratio >= 1.3
    width = round(image.width * min(0.46, 0.62 / ratio + 0.1)) if wide else image.width - 2 * margin
    pad = round(unit * 0.032)
    small = max(7, round(unit * 0.0185))
    head, foot = round(small * 2.1), round(small * 2.3)
    caption = _caption(sketch.prompt, (width - 2 * pad, image.height - head - foot - 2 * pad), unit, wide=wide)
    height = 2 * pad + head + foot + round(len(caption.lines) * caption.size * LINE)
    box = _Box(left=margin, top=image.height - margin - height, right=margin + width, bottom=image.height - margin)
    _panel(sheet, box, round(unit * 0.014))
    draw = ImageDraw.Draw(image)
    left, right = box.left + pad, box.right - pad
    title, face = _title(sketch.model), font(small, bold=True)
    draw.text((left, box.top + pad), title, _legible(palette.accent), face, anchor="la")
    if face.getlength(title) + 8 * small < right - left:
        _swatches(draw, palette, right, box.top + pad + small // 2, small)
    _words(draw, caption, (left, right), box.top + pad + head)
    rule = box.bottom - pad - foot + round(small * 0.75)
    draw.line((left, rule, right, rule), mix(_INK, _PAPER, 0.78), max(1, unit // 900))
    facts = f"{sketch.width} × {sketch.height}   {sketch.number}/{sketch.total}   {sketch.format}"
    grey = mix(_INK, _PAPER, 0.38)
    draw.text((left, box.bottom - pad), facts, grey, font(small), anchor="ls")
    number = f"No. {sketch.nonce[:6].upper()}"
    if font(small).getlength(facts + number) < (right - left) * 0.94:
        draw.text((right, box.bottom - pad), number, grey, font(small), anchor="rs")
    return box


def _caption(prompt: str, room: tuple[int, int], unit: int, *, wide: bool) -> Caption:
    """As large as it can be. The longer the prompt, the smaller the letters and the higher the panel."""
    width, height = room
    largest = max(8, round(unit * 0.042))
    shares = (0.5, 0.66, 0.86) if wide else (0.22, 0.3, 0.44)
    for share, size in zip(shares, (0.019, 0.0145, 0.0115), strict=True):
        smallest = max(7, round(unit * size))
        rows = max(2 * smallest, round(height * share))
        caption = fit(prompt, width=width, height=rows, largest=largest, smallest=smallest)
        if not caption.cut:
            break
    return caption


def _title(model: str) -> str:
    """`SEEDREAM 4.5` for `seedream-4-5`."""
    return re.sub(r"(?<=[0-9])-(?=[0-9])", ".", model).replace("-", " ").upper()


def _panel(sheet: _Sheet, box: _Box, radius: int) -> None:
    """Paper that lets a little of the scene through, with a soft shadow."""
    image = sheet.image
    spread = max(8, radius)  # a quarter of less can't be blurred
    quarter = (max(1, (box.width + 4 * spread) // 8), max(1, (box.height + 4 * spread) // 8))
    shadow = Image.new("L", quarter)
    inner = (spread // 4, spread // 4, quarter[0] - spread // 4 - 1, quarter[1] - spread // 4 - 1)
    ImageDraw.Draw(shadow).rectangle(inner, 95)
    shadow = shadow.filter(ImageFilter.BoxBlur(max(1, spread / 8)))
    shadow = shadow.resize((box.width + 4 * spread, box.height + 4 * spread), Image.Resampling.BILINEAR)
    image.paste((10, 10, 18), (box.left - 2 * spread, box.top - 2 * spread + spread // 2), shadow)
    mask = Image.new("L", (box.width, box.height))
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, box.width - 1, box.height - 1), radius, 240)
    image.paste(_PAPER, box.edges, mask)
    sheet.cover.paste(255, box.edges, mask)


def _swatches(draw: ImageDraw.ImageDraw, palette: Palette, right: int, middle: int, size: int) -> None:
    radius = round(size * 0.5)
    for place, colour in enumerate(reversed(palette.swatches)):
        x = right - radius - place * round(size * 1.35)
        edge = mix(_INK, _PAPER, 0.7)
        draw.ellipse((x - radius, middle - radius, x + radius, middle + radius), colour, edge, max(1, size // 16))


def _legible(colour: Colour) -> Colour:
    """Dark enough to be read on paper."""
    return colour if luminance(colour) < 0.4 else darker(colour, 1 - 0.4 / luminance(colour))


def _words(draw: ImageDraw.ImageDraw, caption: Caption, span: tuple[int, int], top: int) -> None:
    for number, line in enumerate(caption.lines):
        baseline = top + round((number + 0.85) * caption.size * LINE)
        draw_line(draw, span, baseline, line, caption.size, _INK)


def _thumbnails(sheet: _Sheet, sketch: Sketch, card: _Box, margin: int) -> None:
    """The references as numbered prints on white card: beside the panel, or above it where there is no room."""
    image = sheet.image
    count = len(sketch.references)
    if not count:
        return
    unit = min(image.size)
    gap = round(unit * 0.018)
    beside = image.width - card.right - margin >= unit * 0.34
    room = image.width - margin - card.right - gap if beside else image.width - 2 * margin
    largest = round(unit * (0.3 if count == 1 else 0.2))
    rows = 1
    while (side := min(largest, (room - gap * (-(-count // rows) - 1)) * rows // count)) < unit * 0.11 and rows < 4:
        rows += 1
    columns = -(-count // rows)
    side = min(largest, (room - gap * (columns - 1)) // columns)
    if side < 12:
        return
    label = max(7, round(side * 0.1))
    step = side + round(label * 1.2) + gap
    bottom = card.bottom if beside else card.top - gap
    for place, picture in enumerate(sketch.references):
        row, column = divmod(place, columns)
        in_row = min(columns, count - row * columns)
        left = (card.right + gap + room - in_row * (side + gap) + gap) if beside else card.left
        corner = (left + column * (side + gap), bottom - (rows - row) * step + gap)
        _print(sheet, picture, corner, (side, side + round(label * 1.2)), f"image {place + 1}", label)


def _print(
    sheet: _Sheet,
    picture: Image.Image | None,
    corner: tuple[int, int],
    size: tuple[int, int],
    label: str,
    letters: int,
) -> None:
    box = _Box(left=corner[0], top=corner[1], right=corner[0] + size[0], bottom=corner[1] + size[1])
    image = sheet.image
    _panel(sheet, box, max(2, size[0] // 40))
    edge = max(2, round(size[0] * 0.045))
    inner = (size[0] - 2 * edge, size[1] - edge - round(letters * 1.75))
    image.paste(
        (226, 222, 212), (box.left + edge, box.top + edge, box.left + edge + inner[0], box.top + edge + inner[1])
    )
    draw = ImageDraw.Draw(image)
    if picture is None:  # crossed out: it can't be decoded here
        corners = (box.left + edge, box.top + edge, box.left + edge + inner[0] - 1, box.top + edge + inner[1] - 1)
        draw.line(corners, mix(_INK, _PAPER, 0.6), max(1, edge // 3))
        draw.line((corners[0], corners[3], corners[2], corners[1]), mix(_INK, _PAPER, 0.6), max(1, edge // 3))
    else:
        scale = min(inner[0] / picture.width, inner[1] / picture.height)  # whole, whatever its shape
        shape = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
        place = (box.left + edge + (inner[0] - shape[0]) // 2, box.top + edge + (inner[1] - shape[1]) // 2)
        image.paste(picture.resize(shape, Image.Resampling.BILINEAR), place)
    draw.text((box.left + edge, box.bottom - round(letters * 0.5)), label, _INK, font(letters), anchor="ls")


def _crop_marks(image: Image.Image, margin: int) -> None:
    """A printer's corner marks."""
    draw = ImageDraw.Draw(image)
    inset, length, stroke = round(margin * 0.42), round(margin * 0.85), max(1, min(image.size) // 700)
    for x, across in ((inset, 1), (image.width - inset, -1)):
        for y, down in ((inset, 1), (image.height - inset, -1)):
            draw.line((x, y, x + across * length, y), _PAPER, stroke)
            draw.line((x, y, x, y + down * length), _PAPER, stroke)


def _stamp(sheet: _Sheet, palette: Palette, margin: int) -> None:
    """PROOF in the upper right corner, a little aslant, on a colour that stands out."""
    image = sheet.image
    unit = min(image.size)
    size = max(12, round(unit * 0.058))
    face = font(size, bold=True)
    word = "P R O O F"
    left, top, right, bottom = face.getbbox(word)
    width, height = round(right - left + size * 1.1), round(bottom - top + size * 0.85)
    ground = darker(palette.near, 0.35)
    stamp = Image.new("RGBA", (width, height), (0, 0, 0, 0))
    draw = ImageDraw.Draw(stamp)
    stroke = max(2, size // 14)
    draw.rounded_rectangle((0, 0, width - 1, height - 1), size // 5, (*ground, 205))
    inner = (stroke * 2, stroke * 2, width - 1 - stroke * 2, height - 1 - stroke * 2)
    draw.rounded_rectangle(inner, size // 7, None, (*_PAPER, 255), stroke)
    draw.text((width / 2, height / 2), word, (*_PAPER, 255), face, anchor="mm")
    turned = stamp.rotate(-5, Image.Resampling.BICUBIC, expand=True)
    place = (image.width - margin - turned.width - margin // 4, margin + margin // 3)
    image.paste(turned, place, turned)
    sheet.cover.paste(255, (*place, place[0] + turned.width, place[1] + turned.height), turned)


def _tiny_mark(image: Image.Image) -> None:
    """Where nothing can be read: a bar across."""
    ImageDraw.Draw(image).line((0, image.height, image.width, 0), _PAPER, max(1, min(image.size) // 8))


def _alpha(sheet: _Sheet) -> Image.Image:
    """A round hole in the scene; panels, prints and the stamp are whole."""
    ring = Image.radial_gradient("L").resize(sheet.image.size, Image.Resampling.BILINEAR)
    seen = ring.point([255 if level < 165 else max(0, 255 - (level - 165) * 12) for level in range(256)])
    return ImageChops.lighter(seen, sheet.cover)


def encode(image: Image.Image, sketch: Sketch, *, alpha: Image.Image | None) -> bytes:
    """In the format that the sketch asks for; `alpha`, if given, says what of it is opaque."""
    out = io.BytesIO()
    if alpha is not None:
        image.putalpha(alpha)
    if sketch.format == "png" or max(image.size) > _JPEG_SIDE:
        image.save(out, "PNG", compress_level=1)
    else:
        image.save(out, "JPEG", quality=_JPEG_QUALITY)
    return out.getvalue()


def is_cut_out(sketch: Sketch) -> bool:
    """Whether it is to be seen through: only a PNG can."""
    return sketch.transparent and sketch.format == "png"
