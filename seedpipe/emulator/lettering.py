"""Text on proofs: fonts, wrapping in any script the font has, and fitting into a box."""

import threading
import unicodedata
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from PIL import ImageFont, features

_FONTS: Final = Path(__file__).parent.parent / "fonts"
_REGULAR: Final = _FONTS / "DejaVuSans.ttf"
_BOLD: Final = _FONTS / "DejaVuSans-Bold.ttf"
_MEASURE: Final = 64  # px at which words are measured once; other sizes are scaled from it
LINE: Final = 1.34  # line height in font sizes
_LOCAL: Final = threading.local()
_ANYWHERE: Final = ("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "THAI")  # scripts that break between letters
_LIMIT: Final = 2400  # characters of a prompt that are set at all


def font(size: int, *, bold: bool = False, shaped: bool = False) -> ImageFont.FreeTypeFont:
    """A font of this thread's own; `shaped` for scripts whose letters join or run from right to left."""
    cache: dict[tuple[int, bool, bool], ImageFont.FreeTypeFont] = _LOCAL.__dict__.setdefault("fonts", {})
    if (found := cache.get((size, bold, shaped))) is None:
        engine = ImageFont.Layout.RAQM if shaped and features.check("raqm") else ImageFont.Layout.BASIC
        path = _BOLD if bold and _BOLD.exists() else _REGULAR
        found = cache[size, bold, shaped] = ImageFont.truetype(path, size, layout_engine=engine)
        if len(cache) > 64:
            cache.clear()
    return found


def needs_shaping(text: str) -> bool:
    return any(unicodedata.bidirectional(character) in ("R", "AL", "NSM") for character in text)


def is_right_to_left(text: str) -> bool:
    """As the first strong letter says."""
    for character in text:
        if (direction := unicodedata.bidirectional(character)) in ("L", "R", "AL"):
            return direction != "L"
    return False


def fit(text: str, *, width: int, height: int, largest: int, smallest: int) -> tuple[int, list[str]]:
    """The largest font size at which `text` fits the box, and its lines; cut with … if none does."""
    words = _words(text)
    measure = _measure(needs_shaping(text))
    size = largest
    while True:
        lines = _wrap(words, width * _MEASURE / size, measure)
        rows = max(1, int(height / (size * LINE)))
        if len(lines) <= rows:
            return size, lines
        if size <= smallest:
            return size, [*lines[: rows - 1], lines[rows - 1].rstrip(" ,.;:") + " …"]
        size = max(smallest, min(size - 1, int(size * 0.93)))


def _words(text: str) -> list[list[str]]:
    """Lines of words; a word of a script without blanks is one letter, and carries no blank after it."""
    clean = "".join(" " if unicodedata.category(c) in ("Cc", "Cf") and c != "\n" else c for c in text[:_LIMIT])
    return [_tokens(line) for line in clean.strip().split("\n")]


def _tokens(line: str) -> list[str]:
    tokens: list[str] = []
    for word in line.split():
        run = ""
        for character in word:
            if unicodedata.name(character, "").startswith(_ANYWHERE):
                tokens += [run, character] if run else [character]
                run = ""
            else:
                run += character
        if run:
            tokens.append(run + " ")
        elif tokens:
            tokens[-1] += " "
    return tokens


def _measure(shaped: bool) -> Callable[[str], float]:
    lengths: dict[str, float] = {}
    face = font(_MEASURE, shaped=shaped)

    def measure(word: str) -> float:
        if (length := lengths.get(word)) is None:
            length = lengths[word] = face.getlength(word)
        return length

    return measure


def _wrap(lines: Sequence[Sequence[str]], width: float, measure: Callable[[str], float]) -> list[str]:
    wrapped = []
    for words in lines:
        line, used = "", 0.0
        for word in (part for whole in words for part in _broken(whole, width, measure)):
            length = measure(word)
            if line and used + measure(word.rstrip()) > width:
                wrapped.append(line.rstrip())
                line, used = "", 0.0
            line, used = line + word, used + length
        wrapped.append(line.rstrip())
    return wrapped


def _broken(word: str, width: float, measure: Callable[[str], float]) -> list[str]:
    """A word wider than a line, in pieces."""
    if measure(word.rstrip()) <= width or len(word) < 2:
        return [word]
    fits = max(1, int(len(word) * width / measure(word)) - 1)
    return [word[start : start + fits] for start in range(0, len(word), fits)]
