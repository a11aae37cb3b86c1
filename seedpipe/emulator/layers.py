"""Layer decomposition: how many layers, what each shows and where it lies. Pure; §3.3 and §4 name the fields.

A layer is a PNG of its box's size, the box counts the base's pixels (KB).
"""

import math
import re
from dataclasses import dataclass
from typing import Final

from seedpipe.emulator.rules import Pixels

RESERVED: Final = 17  # pictures that a layer call counts against the limit until it is done (BP265)
_USUAL: Final = 4
_ASKED: Final = re.compile(r"\b([0-9]{1,2})\s+layers\b", re.IGNORECASE)
_STEP: Final = 16  # sides are rounded up to it: a 1500x1920 input taken apart at 1K came as 912x1168 (KB)
_TIERS: Final = {"1k": 1024, "1.5k": 1536, "2k": 2048}
_NAMES: Final = ("subject", "foreground", "lettering", "light", "shadow", "ornament")


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One layer. The base has `z_index` 0, no `box` (left, top, right, bottom in pixels) and no words (SDK-V)."""

    z_index: int
    name: str
    description: str
    box: tuple[int, int, int, int] | None

    def fields(self, whole: Pixels) -> dict[str, object]:
        """What an element of `data` says of it; the normalised box is in thousandths of the `whole` picture."""
        if self.box is None:
            return {"z_index": self.z_index}
        sides = (*whole, *whole)
        normalised = [round(1000 * value / side) for value, side in zip(self.box, sides, strict=True)]
        return {
            "z_index": self.z_index,
            "name": self.name,
            "description": self.description,
            "bounding_box": {"absolute": list(self.box), "normalized": normalised},
        }


def layer_count(prompt: str) -> int:
    """The number in the words, base included, else four."""
    asked = _ASKED.search(prompt)
    return max(2, min(int(asked[1]), RESERVED)) if asked else _USUAL


def make_layer(index: int, whole: Pixels) -> Layer:
    """The same for the same place: each lies a little further in than the one below it."""
    if index == 0:
        return Layer(z_index=0, name="", description="", box=None)
    width, height = whole
    inset = index / (2 * (RESERVED + 1))
    box = (round(width * inset), round(height * inset), round(width * (1 - inset)), round(height * (1 - inset)))
    name = _NAMES[(index - 1) % len(_NAMES)]
    return Layer(z_index=index, name=name, description=f"{name} of the picture, layer {index}", box=box)


def size_for_layers(tier: str, width: int, height: int, least: int, most: int) -> Pixels:
    """The base keeps the input's aspect (KB). `auto`: its own size while in range, else that of 1K or 2K (BP265)."""
    pixels = width * height
    if tier not in _TIERS and least <= pixels <= most:
        return width, height
    side = _TIERS.get(tier) or (_TIERS["1k"] if pixels < least else _TIERS["2k"])
    scale = side / math.sqrt(pixels)
    return _rounded_up(width * scale), _rounded_up(height * scale)


def _rounded_up(side: float) -> int:
    return _STEP * math.ceil(side / _STEP)
