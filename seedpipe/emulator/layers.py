"""Layer decomposition: how many layers, what each shows and where it lies. Pure; §3.3 and §4 name the fields.

That a layer is a PNG of its box's size is our reading: the documents give no sample.
"""

import math
import re
from dataclasses import dataclass
from typing import Final

from seedpipe.emulator.rules import Pixels

RESERVED: Final = 17  # pictures that a layer call counts against the limit until it is done (BP265)
_USUAL: Final = 4
_ASKED: Final = re.compile(r"\b([0-9]{1,2})\s+layers\b", re.IGNORECASE)
_LEAST: Final = 1024 * 1024
_MOST: Final = 2048 * 2048
_NAMES: Final = ("subject", "foreground", "lettering", "light", "shadow", "ornament")


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One layer. The base has `z_index` 0 and no `box` (left, top, right, bottom in pixels)."""

    z_index: int
    name: str
    description: str
    box: tuple[int, int, int, int] | None

    def fields(self, whole: Pixels) -> dict[str, object]:
        """What an element of `data` says of it; the normalised box is in thousandths of the `whole` picture."""
        fields: dict[str, object] = {"z_index": self.z_index, "name": self.name, "description": self.description}
        if self.box is not None:
            sides = (*whole, *whole)
            normalised = [round(1000 * value / side) for value, side in zip(self.box, sides, strict=True)]
            fields["bounding_box"] = {"absolute": list(self.box), "normalized": normalised}
        return fields


def layer_count(prompt: str) -> int:
    """The number in the words, base included, else four."""
    asked = _ASKED.search(prompt)
    return max(2, min(int(asked[1]), RESERVED)) if asked else _USUAL


def make_layer(index: int, whole: Pixels) -> Layer:
    """The same for the same place: each lies a little further in than the one below it."""
    if index == 0:
        return Layer(z_index=0, name="background", description="everything behind the layers", box=None)
    width, height = whole
    inset = index / (2 * (RESERVED + 1))
    box = (round(width * inset), round(height * inset), round(width * (1 - inset)), round(height * (1 - inset)))
    name = _NAMES[(index - 1) % len(_NAMES)]
    return Layer(z_index=index, name=name, description=f"{name} of the picture, layer {index}", box=box)


def size_for_layers(width: int, height: int, least: int, most: int) -> Pixels:
    """`auto`: the input's own size while it is in range, else 1K or 2K with its aspect (BP265)."""
    pixels = width * height
    if least <= pixels <= most:
        return width, height
    scale = math.sqrt((_LEAST if pixels < least else _MOST) / pixels)
    return round(width * scale), round(height * scale)
