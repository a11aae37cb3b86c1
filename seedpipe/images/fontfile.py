"""Font files: opening them at a size, and which characters they can draw."""

from collections.abc import Collection
from functools import lru_cache
from pathlib import Path

from PIL import ImageFont

from seedpipe.errors import SeedpipeError, why

Box = tuple[int, int, int, int]  # left, top, right, bottom


class FontError(SeedpipeError):
    """A font file can't be read."""


class Face:
    """A font at one size in pixels. Not for several threads at once.

    Pillow's basic layout engine is used on purpose: its other one needs a library of the machine, and without that
    a picture would come out differently.
    """

    def __init__(self, path: Path, size: int) -> None:
        try:
            self.pillow = ImageFont.truetype(path, size, layout_engine=ImageFont.Layout.BASIC)
        except OSError as error:
            raise FontError(f"the font `{path.name}` can't be read: {error}", hint="use a .ttf or .otf file") from error
        self.size = size

    def width(self, text: str) -> float:
        """Advance width in pixels."""
        return self.pillow.getlength(text)

    def ink(self, text: str, stroke: int = 0) -> Box | None:
        """What `text` blackens, relative to the pen on the baseline; None if nothing."""
        mask, (left, top) = self.pillow.getmask2(text, "L", anchor="ls", stroke_width=stroke)
        box = mask.getbbox()
        return None if box is None else (box[0] + left, box[1] + top, box[2] + left, box[3] + top)


def covered(path: Path) -> Collection[int]:
    """The code points that the font at `path` has glyphs for (the first face of a collection). Raises `FontError`."""
    try:
        stat = path.stat()
    except OSError as error:
        raise FontError(
            f"the font `{path.name}` can't be read: {why(error)}",
            hint="put the file there, or leave `font` out",
        ) from error
    return _covered(path, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=32)
def _covered(path: Path, _changed: int, _size: int) -> Collection[int]:
    from fontTools.ttLib import TTFont, TTLibError  # type: ignore[import-untyped]  # 30 ms that most plans are spared

    try:
        with TTFont(path, fontNumber=0, lazy=True) as font:
            table: dict[int, str] | None = font.getBestCmap()
    except (TTLibError, OSError, ValueError, KeyError, AssertionError, IndexError) as error:
        raise FontError(f"the font `{path.name}` can't be read: {error}", hint="use a .ttf or .otf file") from error
    return frozenset(table or ())
