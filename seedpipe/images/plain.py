"""Texts of which a glance at the font's table says that they can be drawn: nearly all, and without the typesetter.

Only characters that stand for themselves count: no marks that combine, nothing that joins, is reordered or unseen.
"""

import unicodedata
from pathlib import Path
from typing import Final

from seedpipe.images.fontfile import covered

_THEMSELVES: Final = (
    (0x20, 0x7E),
    (0xA1, 0xAC),
    (0xAE, 0x2FF),
    (0x370, 0x482),
    (0x48A, 0x52F),
    (0x3041, 0x3096),
    (0x30A1, 0x30FF),
    (0x4E00, 0x9FFF),
    (0xAC00, 0xD7A3),
)
_LONGEST: Final = 1000


def is_plainly_drawn(text: str, font: Path) -> bool:
    """True: the font has all of it. False: only the typesetter can tell. Raises `FontError`."""
    if len(text) > _LONGEST or not unicodedata.is_normalized("NFC", text) or not any(map(str.isalnum, text)):
        return False
    glyphs = covered(font)
    return all(
        char == "\n" or (ord(char) in glyphs and any(low <= ord(char) <= high for low, high in _THEMSELVES))
        for char in text
    )
