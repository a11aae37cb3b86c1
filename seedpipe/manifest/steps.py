"""The free local steps of a derived node, as data. `images.steps` carries them out.

`REVISIONS` are part of a recipe's identity: a revision moves only when a step is redefined on purpose, never
because an image library changed its bytes. What `document` writes today is frozen; an option that comes later is
left out of it while it has its default, so that no recipe changes under anyone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

REVISIONS: Final[Mapping[str, int]] = {"crop": 1, "resize": 1, "overlay": 1, "text": 1, "convert": 1}

ANCHORS: Final = (
    "top-left",
    "top",
    "top-right",
    "left",
    "center",
    "right",
    "bottom-left",
    "bottom",
    "bottom-right",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Length:
    """A length in pixels, or in thousandths of a side of the picture (`5%` is 50 thousandths)."""

    value: int
    relative: bool = False

    def of(self, side: int) -> int:
        """Pixels on a side of `side` pixels, rounded half up."""
        return (self.value * side * 2 + 1000) // 2000 if self.relative else self.value

    def __str__(self) -> str:
        if not self.relative:
            return f"{self.value}"
        whole, tenths = divmod(self.value, 10)
        return f"{whole}.{tenths}%" if tenths else f"{whole}%"


@dataclass(frozen=True, slots=True, kw_only=True)
class Crop:
    """The largest part of the picture with the aspect `width:height`, or a part of exactly that size in pixels."""

    verb: ClassVar = "crop"
    width: int
    height: int
    pixels: bool = False  # False: an aspect; True: a size
    anchor: str = "center"

    def document(self) -> dict[str, Any]:
        return {"width": self.width, "height": self.height, "pixels": self.pixels, "anchor": self.anchor}


@dataclass(frozen=True, slots=True, kw_only=True)
class Resize:
    """To `width` × `height` pixels; one of them None keeps the aspect.

    `mode`: `stretch` (exactly that size), `fit` (within it), `fill` (cover it and cut the rest, centred).
    """

    verb: ClassVar = "resize"
    width: int | None
    height: int | None
    mode: str = "fill"

    def document(self) -> dict[str, Any]:
        return {"width": self.width, "height": self.height, "mode": self.mode}


@dataclass(frozen=True, slots=True, kw_only=True)
class OverlayPlace:
    """Where a smaller thing stands on the picture."""

    anchor: str = "bottom-right"
    margin: Length = Length(value=30, relative=True)  # of the picture's shorter side

    def document(self) -> dict[str, Any]:
        return {"anchor": self.anchor, "margin": str(self.margin)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlay:
    """Another picture of the project laid on top, its transparency kept."""

    verb: ClassVar = "overlay"
    image: str  # an address
    width: Length = Length(value=200, relative=True)  # of the picture's width; the height follows
    place: OverlayPlace = OverlayPlace()
    opacity: int = 100  # percent

    def document(self) -> dict[str, Any]:
        """Without `image`: its identity stands among the recipe's inputs, so that renaming changes nothing."""
        return {"width": str(self.width), "place": self.place.document(), "opacity": self.opacity}


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """Lettering. It is wrapped to the box and, with `size` None, made as large as the box allows.

    `font` is a path in the project or None for the shipped one; `box` is the share of the picture that the text may
    use; `direction` `auto` follows the first strong character (Unicode P2/P3).
    """

    verb: ClassVar = "text"
    text: str
    font: str | None = None
    size: Length | None = None  # of the picture's height
    max_size: Length = Length(value=120, relative=True)  # when fitted
    min_size: Length = Length(value=20, relative=True)
    color: str = "#ffffff"
    stroke: str | None = None  # outline colour
    stroke_width: Length = Length(value=2, relative=True)
    background: str | None = None  # a panel behind the text; `#rrggbbaa` is translucent
    box_width: Length = Length(value=800, relative=True)
    box_height: Length = Length(value=300, relative=True)
    place: OverlayPlace = OverlayPlace(anchor="bottom", margin=Length(value=60, relative=True))
    align: str = "auto"  # left | center | right | auto (the start side of the direction)
    line_height: int = 120  # percent of the size
    direction: str = "auto"  # ltr | rtl | auto

    def document(self) -> dict[str, Any]:
        """Without `font`: the digest of the font stands in the recipe, so that moving a font file changes nothing."""
        return {
            "text": self.text,
            "size": None if self.size is None else str(self.size),
            "max_size": str(self.max_size),
            "min_size": str(self.min_size),
            "color": self.color,
            "stroke": self.stroke,
            "stroke_width": str(self.stroke_width),
            "background": self.background,
            "box_width": str(self.box_width),
            "box_height": str(self.box_height),
            "place": self.place.document(),
            "align": self.align,
            "line_height": self.line_height,
            "direction": self.direction,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Convert:
    """The file format of the result. `background` fills transparency where the format has none."""

    verb: ClassVar = "convert"
    format: str  # jpeg | png | webp
    quality: int = 92
    background: str = "#ffffff"

    def document(self) -> dict[str, Any]:
        return {"format": self.format, "quality": self.quality, "background": self.background}


Step = Crop | Resize | Overlay | Text | Convert
