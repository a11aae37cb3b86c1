"""Colours for a proof: those that the prompt names, filled up from tables that go well together. Pure."""

import colorsys
import re
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

Colour = tuple[int, int, int]  # sRGB, 0 to 255

_HEX: Final = re.compile(r"#([0-9a-fA-F]{6}|[0-9a-fA-F]{3})\b")
_NAMED: Final[dict[str, str]] = {
    "navy": "1b2a4a", "midnight": "141c33", "blue": "2f5d9b", "azure": "3f88c5", "cobalt": "1f4e9e",
    "teal": "1f7a7a", "turquoise": "3aa6a0", "cyan": "4ab5c4", "mint": "a8d5ba", "sage": "9caf88",
    "green": "4c8b57", "emerald": "1f7a56", "olive": "77783c", "moss": "66704a", "forest": "2f4f3a",
    "yellow": "f0c53f", "amber": "f0a92b", "gold": "c9a24b", "golden": "d3a548", "brass": "b08d4a",
    "ochre": "c68b3c", "mustard": "cf9f2f", "honey": "dba13f", "sand": "d8c3a0", "beige": "dccdb4",
    "orange": "e07b39", "apricot": "eeb07f", "peach": "f0b898", "coral": "e8735c", "terracotta": "c2643f",
    "copper": "b56a43", "rust": "9f4a2a", "brown": "6d4a35", "walnut": "5a4032", "oak": "b58a5c",
    "wooden": "a67c52", "red": "c0392b", "crimson": "a3213a", "scarlet": "cf3a2e", "burgundy": "6e1f34",
    "pink": "e3a0ae", "rose": "d98695", "blush": "e8c1b8", "magenta": "b03a7e", "purple": "6a4c93",
    "violet": "7a5aa6", "lavender": "b7a7d6", "plum": "673a5c", "indigo": "3b3f8f", "white": "f4f1ea",
    "ivory": "f3ead7", "cream": "f2e6cf", "linen": "e9dfce", "grey": "8d9094", "gray": "8d9094",
    "silver": "b9bec4", "slate": "55616e", "graphite": "3a3f45", "charcoal": "2f3338", "black": "1c1c1f",
}  # fmt: skip
_WORD: Final = re.compile(r"[a-zäöü]+")
_TRANSLATED: Final[dict[str, str]] = {  # the same colours in German, Japanese, Chinese and Korean
    "navy": "marineblau dunkelblau 紺 深蓝 深藍 藏青 남색", "blue": "blau 青 蓝 藍 파란 푸른", "teal": "petrol 青緑 蓝绿",
    "green": "grün grünen grüne 緑 绿 綠 녹색 초록", "yellow": "gelb 黄色 黃色 노란", "amber": "bernstein 琥珀 호박색",
    "gold": "golden 金色 금색", "brass": "messing 真鍮 黄铜 黃銅 황동", "orange": "橙 주황", "red": "rot rote 赤 红 紅 빨간 붉은",
    "pink": "rosa 桃色 粉色 粉红 분홍", "purple": "lila violett 紫 보라", "brown": "braun 茶色 棕 갈색", "white": "weiß 白 흰 하얀",
    "grey": "grau 灰 회색", "silver": "silber 銀 银 은색", "black": "schwarz 黒 黑 검은 검정", "copper": "kupfer 銅 铜 구리",
}  # fmt: skip
_FOREIGN: Final = {word: name for name, words in _TRANSLATED.items() for word in words.split()}
_EAST_ASIAN: Final = re.compile("|".join(sorted((w for w in _FOREIGN if w > "\u2e80"), key=len, reverse=True)))
_SCHEMES: Final = (  # sky above, sky below, light, far, near, accent
    ("27476e", "f2c59b", "ffe9c4", "a8768a", "2b2d42", "e4572e"),
    ("3c6e71", "e9e4d4", "fff6dc", "8fa998", "284b4a", "e09f3e"),
    ("5b4b8a", "f7c8b4", "ffe7d1", "c38d94", "3a2e5c", "f2a65a"),
    ("8fb8ca", "f6efe2", "fffaf0", "b7c9b5", "4f6d57", "d96c4f"),
    ("1f2a44", "68729a", "f5e6c4", "45507a", "141a2e", "f0a92b"),
    ("d9b99b", "f5e9da", "fffaf1", "c79a7b", "6b4a3a", "2f6f73"),
    ("b24c3f", "f3b27a", "ffe3ae", "8c3f47", "3b1f2b", "2a9d8f"),
    ("a9bcb0", "eef0e5", "fffdf3", "8aa399", "34524a", "c8553d"),
    ("4a6fa5", "dfe8ee", "fff7e6", "93a9c4", "27364f", "f2b632"),
    ("6d597a", "eaac8b", "ffe5c9", "b56576", "355070", "e9c46a"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Palette:
    """The roles of a scene's colours; `swatches` are shown on the proof, named colours first."""

    above: Colour
    below: Colour
    light: Colour
    far: Colour
    near: Colour
    accent: Colour
    second: Colour
    swatches: tuple[Colour, ...]


def named_colours(prompt: str) -> tuple[Colour, ...]:
    """Colours in the order in which the prompt names them, as hex codes or as words; at most five."""
    found = [(match.start(), _parse(match[1])) for match in _HEX.finditer(prompt)]
    low = prompt.lower()
    words = [*_WORD.finditer(low), *_EAST_ASIAN.finditer(low)]
    names = [(match.start(), match[0] if match[0] in _NAMED else _FOREIGN.get(match[0])) for match in words]
    found += [(place, _parse(_NAMED[name])) for place, name in names if name is not None]
    return tuple(dict.fromkeys(colour for _, colour in sorted(found)))[:5]


def make_palette(colours: Sequence[Colour], *, scheme: int, drift: Random, dark: bool) -> Palette:
    """`scheme` picks a table; `drift` moves its hues a little, so two proofs of one prompt are told apart."""
    turn = drift.uniform(-0.035, 0.035)
    table = [_turned(_parse(text), turn) for text in _SCHEMES[scheme % len(_SCHEMES)]]
    above, below, light, far, near, accent = table
    second = mix(accent, near, 0.45)
    if colours:
        order = [*colours]
        drift.shuffle(order)
        wide = order[0]
        accent = max(colours, key=saturation)
        second = order[-1] if order[-1] != accent else mix(accent, near, 0.45)
        above, below = mix(above, wide, 0.62), mix(below, lighter(wide, 0.55), 0.5)
        far, near = mix(far, wide, 0.68), mix(near, darker(wide, 0.5), 0.7)
    if dark:
        above, below, far = darker(above, 0.55), darker(below, 0.4), darker(far, 0.45)
    swatches = tuple(dict.fromkeys([*colours, accent, above, below, near, light]))[:5]
    return Palette(
        above=above,
        below=below,
        light=light,
        far=far,
        near=near,
        accent=accent,
        second=second,
        swatches=swatches,
    )


def mix(one: Colour, other: Colour, share: float) -> Colour:
    """`share` 0 is `one`, 1 is `other`."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue


def lighter(colour: Colour, share: float) -> Colour:
    return mix(colour, (255, 252, 246), share)


def darker(colour: Colour, share: float) -> Colour:
    return mix(colour, (14, 14, 22), share)


def luminance(colour: Colour) -> float:
    """0 black to 1 white, as the eye weighs it."""
    return (0.2126 * colour[0] + 0.7152 * colour[1] + 0.0722 * colour[2]) / 255


def saturation(colour: Colour) -> float:
    return (max(colour) - min(colour)) / 255


def _parse(text: str) -> Colour:
    text = "".join(digit * 2 for digit in text) if len(text) == 3 else text
    return int(text[:2], 16), int(text[2:4], 16), int(text[4:], 16)


def _turned(colour: Colour, turn: float) -> Colour:
    hue, light, colourful = colorsys.rgb_to_hls(*(part / 255 for part in colour))
    red, green, blue = colorsys.hls_to_rgb((hue + turn) % 1, light, colourful)
    return round(red * 255), round(green * 255), round(blue * 255)
