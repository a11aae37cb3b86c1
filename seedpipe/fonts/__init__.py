"""The fonts that seedpipe ships: DejaVu Sans 2.37 (Latin, Greek, Cyrillic, Hebrew, Arabic), with its licence."""

from importlib.resources import files
from pathlib import Path


def shipped_font(*, bold: bool = False) -> Path:
    """The font file that a text step uses when it names none."""
    return Path(str(files(__name__))) / ("DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf")
