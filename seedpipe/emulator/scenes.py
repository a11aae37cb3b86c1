"""The abstract scenes of proofs: hills, sea, city, still life, figures, geometry; soft light, a few shapes."""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from PIL import Image, ImageDraw, ImageFilter

from seedpipe.emulator.palette import Colour, Palette, darker, lighter, mix

Point = tuple[float, float]


class Canvas:
    """A picture with shapes in units of its own size: x and y run from 0 to 1; `unit` is the shorter side in px."""

    def __init__(self, width: int, height: int) -> None:
        self.image = Image.new("RGB", (width, height))
        self.width, self.height = width, height
        self.unit = min(width, height)

    def gradient(self, above: Colour, below: Colour, top: float = 0.0, bottom: float = 1.0) -> None:
        """A vertical gradient over the rows from `top` to `bottom`."""
        first, last = round(top * self.height), round(bottom * self.height)
        if last <= first:
            return
        strip = Image.new("RGB", (1, 2))
        strip.putpixel((0, 0), above)
        strip.putpixel((0, 1), below)
        rows = strip.resize((1, last - first), Image.Resampling.BILINEAR, box=(0, 0.5, 1, 1.5))
        self.image.paste(rows.resize((self.width, last - first), Image.Resampling.NEAREST), (0, first))

    def glow(self, x: float, y: float, radius: float, colour: Colour, strength: float) -> None:
        """Soft light around a point; `radius` in units of the shorter side."""
        size = max(2, round(2 * radius * self.unit))
        left, top = round(x * self.width - size / 2), round(y * self.height - size / 2)
        seen = (max(0, -left), max(0, -top), min(size, self.width - left), min(size, self.height - top))
        if seen[2] <= seen[0] or seen[3] <= seen[1]:
            return
        levels = [round(max(0, 1 - level / 180) ** 1.7 * 255 * strength) for level in range(256)]
        ring = Image.radial_gradient("L").point(levels)
        scale = ring.width / size
        part = (seen[0] * scale, seen[1] * scale, seen[2] * scale, seen[3] * scale)
        mask = ring.resize((seen[2] - seen[0], seen[3] - seen[1]), Image.Resampling.BILINEAR, box=part)
        self.image.paste(colour, (left + seen[0], top + seen[1], left + seen[2], top + seen[3]), mask)

    def polygon(self, points: Sequence[Point], colour: Colour, *, alpha: float = 1.0, blur: float = 0.0) -> None:
        pixels = [(x * self.width, y * self.height) for x, y in points]
        self._shape(
            _bounds(pixels), lambda draw, move: draw.polygon([move(p) for p in pixels], 255), colour, alpha, blur
        )

    def box(self, left: float, top: float, right: float, bottom: float, colour: Colour, *, alpha: float = 1.0) -> None:
        self.polygon([(left, top), (right, top), (right, bottom), (left, bottom)], colour, alpha=alpha)

    def ellipse(
        self, x: float, y: float, rx: float, ry: float, colour: Colour, *, alpha: float = 1.0, blur: float = 0.0
    ) -> None:
        """Centre in canvas units, radii in units of the shorter side."""
        cx, cy, px, py = x * self.width, y * self.height, rx * self.unit, ry * self.unit
        box = [(cx - px, cy - py), (cx + px, cy + py)]
        self._shape(
            _bounds(box), lambda draw, move: draw.ellipse([*move(box[0]), *move(box[1])], 255), colour, alpha, blur
        )

    def ball(self, x: float, y: float, radius: float, colour: Colour, light: Colour) -> None:
        """A sphere lit from above left."""
        self.ellipse(x, y, radius, radius, darker(colour, 0.18))
        step = radius * self.unit / self.width
        for share, tone in ((0.86, colour), (0.62, mix(colour, light, 0.22)), (0.36, mix(colour, light, 0.5))):
            offset = (1 - share) * 0.42
            self.ellipse(
                x - offset * step,
                y - offset * radius * self.unit / self.height,
                radius * share,
                radius * share,
                tone,
                alpha=0.75,
                blur=radius * 0.14,
            )

    def _shape(
        self,
        bounds: tuple[int, int, int, int],
        fill: Callable[[ImageDraw.ImageDraw, Callable[[Point], Point]], None],
        colour: Colour,
        alpha: float,
        blur: float,
    ) -> None:
        """Paint through a mask drawn at twice the size, so edges are smooth."""
        spread = round(blur * self.unit * 2.5)
        left, top = max(0, bounds[0] - spread), max(0, bounds[1] - spread)
        right, bottom = min(self.width, bounds[2] + spread), min(self.height, bounds[3] + spread)
        if right <= left or bottom <= top:
            return
        mask = Image.new("L", (2 * (right - left), 2 * (bottom - top)))
        fill(ImageDraw.Draw(mask), lambda point: (2 * (point[0] - left), 2 * (point[1] - top)))
        mask = mask.reduce(2)
        if blur:
            mask = mask.filter(ImageFilter.BoxBlur(max(1.0, blur * self.unit)))
        if alpha < 1:
            mask = mask.point([round(level * alpha) for level in range(256)])
        self.image.paste(colour, (left, top, right, bottom), mask)


@dataclass(frozen=True, slots=True)
class Place:
    """A point, and what the shorter side is across and down, in canvas units."""

    x: float
    y: float
    across: float
    down: float

    def arc(self, rx: float, ry: float, start: float, end: float, *, drop: float = 0.0) -> list[Point]:
        """Points of an arc around the place; angles in half turns, counted from the right over the top."""
        angles = [math.pi * (start + (end - start) * step / 32) for step in range(33)]
        return [
            (self.x + rx * self.across * math.cos(a), self.y + (drop - ry * math.sin(a)) * self.down) for a in angles
        ]


def _bounds(points: Sequence[Point]) -> tuple[int, int, int, int]:
    xs, ys = [x for x, _ in points], [y for _, y in points]
    return math.floor(min(xs)) - 1, math.floor(min(ys)) - 1, math.ceil(max(xs)) + 2, math.ceil(max(ys)) + 2


def _sky(canvas: Canvas, palette: Palette, rng: Random, horizon: float) -> Point:
    canvas.gradient(palette.above, palette.below, 0, horizon)
    sun = (rng.uniform(0.55, 0.82), horizon * rng.uniform(0.42, 0.72))
    canvas.glow(*sun, 0.95, palette.light, 0.85)
    radius = rng.uniform(0.06, 0.1)
    canvas.ellipse(*sun, radius, radius, lighter(palette.light, 0.4), alpha=0.95)
    return sun


def _ridge(rng: Random, level: float, swing: float, steps: int = 60) -> list[Point]:
    waves = [(rng.uniform(0.6, 1.6) * k, rng.uniform(0, 6.3), rng.uniform(0.4, 1) / k) for k in (1, 2, 4, 7)]
    ridge = []
    for step in range(steps + 1):
        x = step / steps
        ridge.append((x, level - swing * sum(a * math.sin(f * 3 * x + p) for f, p, a in waves)))
    return [*ridge, (1.0, 1.1), (0.0, 1.1)]


def hills(canvas: Canvas, palette: Palette, rng: Random) -> None:
    """Ridges that fade into the light."""
    _sky(canvas, palette, rng, 0.8)
    layers = 5
    for layer in range(layers):
        share = layer / (layers - 1)
        level = 0.5 + 0.34 * share + rng.uniform(-0.02, 0.02)
        colour = mix(mix(palette.below, palette.far, 0.55 + 0.4 * share), palette.near, share**1.5)
        canvas.polygon(_ridge(rng, level, 0.035 + 0.02 * share), colour)


def sea(canvas: Canvas, palette: Palette, rng: Random) -> None:
    """A low sun, its path on the water, a headland."""
    horizon = rng.uniform(0.46, 0.56)
    sun = _sky(canvas, palette, rng, horizon)
    canvas.gradient(mix(palette.below, palette.far, 0.5), darker(palette.near, 0.1), horizon, 1)
    for row in range(26):
        depth = (row / 25) ** 1.5
        y = horizon + 0.012 + depth * 0.44
        width = (0.03 + 0.2 * depth) * rng.uniform(0.5, 1.1)
        x = sun[0] + rng.uniform(-0.03, 0.03) * (1 + 2 * depth)
        canvas.ellipse(
            x, y, width * canvas.width / canvas.unit, 0.0035 + 0.006 * depth, palette.light, alpha=0.6 - 0.3 * depth
        )
    shore = rng.uniform(0.3, 0.42)
    head = [
        (0, horizon - 0.16),
        (0.1, horizon - 0.15),
        (shore * 0.7, horizon - 0.05),
        (shore, horizon + 0.004),
        (0, horizon + 0.004),
    ]
    canvas.polygon(head, mix(palette.near, palette.far, 0.35))


def city(canvas: Canvas, palette: Palette, rng: Random) -> None:
    """Three rows of houses, windows lit in the nearest."""
    _sky(canvas, palette, rng, 0.95)
    for row in range(3):
        colour = mix(mix(palette.below, palette.far, 0.8), palette.near, row / 2)
        x = -0.02
        while x < 1.02:
            width = rng.uniform(0.04, 0.09) * (1 + 0.25 * row) * canvas.unit / canvas.width
            top = 0.42 + 0.14 * row + rng.uniform(-0.1, 0.1)
            canvas.polygon([(x, top), (x + width, top), (x + width, 1), (x, 1)], colour)
            if row == 2:
                _windows(canvas, rng, (x, top, width), palette)
            x += width + rng.choice((0, 0, 0.006))


def _windows(canvas: Canvas, rng: Random, house: tuple[float, float, float], palette: Palette) -> None:
    x, top, width = house
    for column in range(3):
        for floor in range(7):
            if rng.random() < 0.42:
                left, upper = x + width * (0.16 + 0.27 * column), top + 0.03 + floor * 0.045
                points = [
                    (left, upper),
                    (left + width * 0.13, upper),
                    (left + width * 0.13, upper + 0.02),
                    (left, upper + 0.02),
                ]
                canvas.polygon(points, mix(palette.accent, palette.light, 0.55), alpha=0.9)


def still_life(canvas: Canvas, palette: Palette, rng: Random) -> None:
    """A studio: wall, table, an arch, a plinth, a sphere and a lamp in window light."""
    wall, table = mix(palette.below, palette.above, 0.25), rng.uniform(0.7, 0.76)
    canvas.gradient(mix(wall, palette.above, 0.35), lighter(wall, 0.25), 0, table)
    lean, left = rng.uniform(-0.12, -0.05), rng.uniform(0.42, 0.6)
    for x in (left, left + 0.13):
        beam = [(x, 0.08), (x + 0.115, 0.08), (x + 0.115 + lean, table - 0.06), (x + lean, table - 0.06)]
        canvas.polygon(beam, palette.light, alpha=0.5, blur=0.012)
    canvas.gradient(mix(palette.far, palette.near, 0.35), darker(palette.near, 0.1), table, 1)
    across, down = canvas.unit / canvas.width, canvas.unit / canvas.height
    centre = rng.uniform(0.72, 0.78) if across < 0.75 else rng.uniform(0.56, 0.66)
    _arch(canvas, Place(centre - 0.05, table + 0.05, across, down), palette.second)
    _plinth(canvas, Place(centre, table, across, down), palette)
    _lamp(canvas, Place(centre - rng.uniform(0.24, 0.3) * across, table, across, down), palette)


def _arch(canvas: Canvas, at: Place, colour: Colour) -> None:
    top = at.y - 0.52 * at.down
    canvas.ellipse(at.x, top, 0.2, 0.2, colour)
    canvas.box(at.x - 0.2 * at.across, top, at.x + 0.2 * at.across, at.y, colour)


def _plinth(canvas: Canvas, at: Place, palette: Palette) -> None:
    left, right = at.x - 0.02 * at.across, at.x + 0.3 * at.across
    top, foot = at.y - 0.12 * at.down, at.y + 0.09 * at.down
    middle = at.x + 0.14 * at.across
    canvas.ellipse(middle, foot + 0.01 * at.down, 0.26, 0.03, darker(palette.near, 0.5), alpha=0.5, blur=0.02)
    canvas.box(left, top, right, foot, lighter(palette.far, 0.25))
    canvas.box(right - 0.05 * at.across, top, right, foot, mix(palette.far, palette.near, 0.3))
    canvas.ball(middle, top - 0.1 * at.down, 0.1, palette.accent, palette.light)


def _lamp(canvas: Canvas, at: Place, palette: Palette) -> None:
    dark, foot = darker(palette.near, 0.25), at.y + 0.125 * at.down
    canvas.ellipse(at.x + 0.02, foot + 0.01 * at.down, 0.15, 0.022, darker(palette.near, 0.5), alpha=0.5, blur=0.015)
    canvas.box(at.x - 0.012 * at.across, at.y - 0.3 * at.down, at.x + 0.012 * at.across, foot, dark)
    canvas.ellipse(at.x, foot, 0.1, 0.022, dark)
    canvas.glow(at.x, at.y - 0.2 * at.down, 0.42, palette.light, 0.6)
    top, bottom = at.y - 0.44 * at.down, at.y - 0.27 * at.down
    narrow, wide = 0.06 * at.across, 0.15 * at.across
    cone = [(at.x - narrow, top), (at.x + narrow, top), (at.x + wide, bottom), (at.x - wide, bottom)]
    canvas.polygon(cone, mix(palette.accent, palette.light, 0.12))


def figure(canvas: Canvas, palette: Palette, rng: Random) -> None:
    """A bust before a disc of light; sometimes two."""
    canvas.gradient(palette.above, palette.below)
    x, y = rng.uniform(0.55, 0.66), 0.46
    canvas.glow(x, y, 0.9, palette.light, 0.7)
    canvas.ellipse(x, y, 0.37, 0.37, mix(palette.second, palette.light, 0.3))
    ratio, tall = canvas.unit / canvas.width, canvas.unit / canvas.height
    people = [(x, 1.0, palette.near)]
    if rng.random() < 0.4:
        people.insert(0, (x + 0.27 * ratio, 0.86, mix(palette.far, palette.near, 0.4)))
    skin = mix(mix((214, 158, 124), palette.light, rng.uniform(0, 0.35)), (94, 62, 48), rng.choice((0, 0.3, 0.6)))
    for centre, scale, colour in people:
        _bust(canvas, Place(centre, y - 0.03 * tall, ratio * scale, tall * scale), colour, skin, rng)


def _bust(canvas: Canvas, at: Place, colour: Colour, skin: Colour, rng: Random) -> None:
    hair = darker(mix(colour, (70, 46, 34), rng.uniform(0.1, 0.7)), 0.45)
    style = rng.randrange(3)
    if style == 0:  # long
        canvas.polygon([*at.arc(0.15, 0.17, 0, 1), *at.arc(0.15, 0.3, 1, 2)], hair)
    elif style == 1:  # a knot
        canvas.polygon(at.arc(0.06, 0.06, 0, 2, drop=-0.175), hair)
    shoulders = at.arc(0.35, 0.27, 0, 1, drop=0.45)
    canvas.polygon([*shoulders, (at.x - 0.35 * at.across, 1.1), (at.x + 0.35 * at.across, 1.1)], colour)
    canvas.polygon([*at.arc(0.05, 0.1, 0, 1, drop=0.1), *at.arc(0.075, 0.05, 1, 2, drop=0.2)], darker(skin, 0.22))
    canvas.polygon(at.arc(0.115, 0.15, 0, 2), skin)
    canvas.polygon([*at.arc(0.13, 0.165, -0.02, 1.02), *at.arc(0.115, 0.05, 1.02, -0.02, drop=-0.015)], hair)


def geometry(canvas: Canvas, palette: Palette, rng: Random) -> None:
    """Tiles of discs, quarters and bars."""
    canvas.image.paste(lighter(palette.below, 0.35), (0, 0, canvas.width, canvas.height))
    tile = canvas.unit / 4
    colours = [palette.accent, palette.second, palette.near, palette.far, palette.above, palette.light]
    for column in range(math.ceil(canvas.width / tile)):
        for row in range(math.ceil(canvas.height / tile)):
            _tile(canvas, (column * tile, row * tile, tile), rng.choice(colours), rng.choice(colours), rng)


def _tile(canvas: Canvas, place: tuple[float, float, float], ground: Colour, colour: Colour, rng: Random) -> None:
    left, top, tile = place
    x, y, w, h = left / canvas.width, top / canvas.height, tile / canvas.width, tile / canvas.height
    canvas.polygon([(x, y), (x + w, y), (x + w, y + h), (x, y + h)], ground)
    kind, turn = rng.randrange(5), rng.randrange(4)
    corner = ((x, y), (x + w, y), (x + w, y + h), (x, y + h))[turn]
    radius = tile / canvas.unit
    if kind == 0:
        canvas.ellipse(x + w / 2, y + h / 2, radius * 0.38, radius * 0.38, colour)
    elif kind == 1:
        start = turn * math.pi / 2
        arc = [
            (corner[0] + w * math.cos(start + k * math.pi / 40), corner[1] + h * math.sin(start + k * math.pi / 40))
            for k in range(21)
        ]
        canvas.polygon([corner, *arc], colour)
    elif kind == 2:
        others = [(x, y), (x + w, y), (x + w, y + h), (x, y + h)]
        others.pop(turn)
        canvas.polygon(others, colour)
    elif kind == 3:
        for bar in range(3):
            left_edge = x + w * (0.08 + 0.31 * bar)
            canvas.polygon(
                [(left_edge, y), (left_edge + w * 0.2, y), (left_edge + w * 0.2, y + h), (left_edge, y + h)], colour
            )


Scene = Callable[[Canvas, Palette, Random], None]
_CUES: Final[Mapping[Scene, str]] = {  # beginnings of words
    geometry: r"logo|mark\b|icon|pattern|poster|emblem|abstract|geometric|label|muster\b",
    figure: (
        r"portrait|character|woman|man\b|girl|boy|person|face|cast\b|hero(?:ine)?\b|she\b|he\b|people"
        r"|frau\b|mann\b|mädchen|junge\b|mensch|gesicht"
    ),
    still_life: (
        r"lamp|product|studio|packshot|bottle|table|desk|chair|vase|still life|workshop|interior|kitchen|room"
        r"|tisch|lampe|flasche|stuhl|stillleben|werkstatt|küche|zimmer"
    ),
    sea: (
        r"sea\b|ocean|lake|harbou?r|beach|coast|river|water|ship|boat|island"
        r"|meer|hafen|strand|küste|fluss|wasser|schiff|leuchtturm|insel"
    ),
    city: r"city|street|skyline|town|building|market|roof|urban|station|night|stadt|straße|gebäude|bahnhof|nacht",
    hills: (
        r"hill|mountain|landscape|field|forest|garden|valley|desert|road|sky|sunrise|dawn|meadow"
        r"|hügel|berg|landschaft|feld|wald|garten|tal\b|wüste|weg\b|himmel|wiese|morgendämmerung"
    ),
}
_EAST_ASIAN_CUES: Final[Mapping[Scene, str]] = {  # anywhere: these scripts part words by nothing or late
    geometry: "ロゴ|模様|図案|标志|標誌|徽标|图案|圖案|海报|로고|무늬|포스터",
    figure: "人物|肖像|女性|男性|少女|少年|女孩|男孩|女人|男人|顔|面孔|인물|초상|여성|남성|소녀|소년|얼굴",
    still_life: "ランプ|机|製品|商品|工房|瓶|椅子|台灯|檯燈|桌|产品|產品|램프|탁자|책상|제품|공방|의자|주방",
    sea: "海|湖|港|浜|川|船|島|岛|바다|호수|항구|해변|강물|등대",
    city: "街|都市|町|駅|夜景|城市|车站|建筑|建築|도시|거리|건물|시장",
    hills: "山|丘|森|草原|風景|风景|野原|田野|花园|庭園|朝焼け|언덕|숲|들판|풍경|정원",
}
_PATTERNS: Final = {
    scene: re.compile(rf"\b(?:{words})|{_EAST_ASIAN_CUES[scene]}", re.IGNORECASE) for scene, words in _CUES.items()
}


def choose_scene(prompt: str, otherwise: int) -> Scene:
    """The scene whose words the prompt uses most; where none is used, by `otherwise`."""
    scores = {scene: len(pattern.findall(prompt)) for scene, pattern in _PATTERNS.items()}
    best = max(scores, key=lambda scene: scores[scene])
    return best if scores[best] else (hills, still_life, sea, geometry, city)[otherwise % 5]
