"""Text on proofs: fonts, wrapping in the scripts that the shipped fonts have, and fitting into a box."""

import re
import threading
import unicodedata
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from typing import Final

from PIL import ImageDraw, ImageFont

from seedpipe.fonts import caption_font, shipped_font

_MEASURE: Final = 64  # px at which words are measured; larger and smaller sizes are scaled from it
_SMALL: Final = (
    40  # below it letters stand on whole pixels, and words are wider than scaled ones: they are measured as set
)
LINE: Final = 1.34  # line height in font sizes
_LOCAL: Final = threading.local()
_ANYWHERE: Final = ("CJK", "HIRAGANA", "KATAKANA")  # scripts that break between letters
_CLOSERS: Final = (
    "、。，．：；？！・」』】〕）］｝〉》”’…ー々ぁぃぅぇぉっゃゅょァィゥェォッャュョ"  # never begin a line
)
_OPENERS: Final = "「『【〔（［｛〈《“‘"  # never end one
_COMPANION: Final = "\u2060"  # of class BN: the bidi algorithm carries it along with the bracket before it
_EAST_ASIAN: Final = "\u2e80"  # the caption font has nothing before it
_UNSEEN: Final = ("Cf", "Mn")  # of the marks, those that no letter was composed with: vowel points and selectors
_LATIN_END: Final = "\u0250"  # the shipped font has all before it
_STOPS: Final = " ,.;:、。，"
_FEW: Final = 4  # lines of a caption whose lengths are evened out; more are body text
_LIMIT: Final = 2400  # characters of a prompt that are set at all


@dataclass(frozen=True, slots=True, kw_only=True)
class Caption:
    """A text set in a box: the size of its letters in pixels and its lines, each with whether it runs right to left."""

    size: int
    lines: tuple[tuple[str, bool], ...]
    cut: bool = False  # not all of the text is there


def font(size: int, *, bold: bool = False, east_asian: bool = False) -> ImageFont.FreeTypeFont:
    """A font of this thread's own. Basic layout: the other engine needs a library that not every machine has."""
    fonts: dict[tuple[int, bool, bool], ImageFont.FreeTypeFont] = _LOCAL.__dict__.setdefault("fonts", {})
    if (found := fonts.get((size, bold, east_asian))) is None:
        path = caption_font() if east_asian else shipped_font(bold=bold)
        found = fonts[size, bold, east_asian] = ImageFont.truetype(path, size, layout_engine=ImageFont.Layout.BASIC)
        if len(fonts) > 64:
            fonts.clear()
    return found


def fit(text: str, *, width: int, height: int, largest: int, smallest: int) -> Caption:
    """The largest size at which `text` fits the box, and its lines; cut with … if none does."""
    paragraphs = [(_tokens(line), _is_right_to_left(line)) for line in _clean(text).split("\n")]
    size, measures = largest, dict[int, Callable[[str], float]]()
    while True:
        at = size if size < _SMALL else _MEASURE
        measure = measures.setdefault(at, _measure(at))
        column = width * at / size
        wrapped = [(list(_wrap(words, column, measure)), leftward) for words, leftward in paragraphs]
        rows = max(1, int(height / (size * LINE)))
        if (total := sum(len(lines) for lines, _ in wrapped)) <= rows:
            even = (
                (_evenly(words, column, measure, lines) if total <= _FEW else lines, leftward)
                for (words, _), (lines, leftward) in zip(paragraphs, wrapped, strict=True)
            )
            return Caption(size=size, lines=tuple((line, leftward) for lines, leftward in even for line in lines))
        if size <= smallest:
            *first, (last, leftward) = [(line, leftward) for lines, leftward in wrapped for line in lines][:rows]
            kept = _cut(last, column, at)
            return Caption(size=size, lines=(*first, (kept, leftward)), cut=True)
        size = max(smallest, min(size - 1, int(size * 0.93)))


def _cut(line: str, column: float, at: int) -> str:
    """The line with … at its end, after a whole word where it has any."""
    while line and line_width(line + " …", at) > column:
        shorter = line.rpartition(" ")[0] or line[:-1]
        line = shorter.rstrip(_STOPS)
    return line.rstrip(_STOPS) + " …"


def draw_line(
    draw: ImageDraw.ImageDraw, span: tuple[int, int], y: int, line: tuple[str, bool], size: int, colour: tuple[int, ...]
) -> None:
    """One line of a caption, its baseline at `y`, at the side of `span` (left and right edge) where it begins."""
    text, leftward = line
    if leftward or any(unicodedata.bidirectional(char) in ("R", "AL") for char in text):
        text = visual_order(text, leftward=leftward)
    x = span[1] - line_width(text, size) if leftward else float(span[0])
    for run, face in _runs(text, size):
        draw.text((round(x), y), run, colour, face, anchor="ls")
        x += face.getlength(run)


def visual_order(text: str, *, leftward: bool) -> str:
    """From left to right as the eye meets it (UAX #9), brackets mirrored where they were turned round."""
    from bidi import get_display  # type: ignore[import-untyped]  # few prompts need it
    from bidi.mirror import MIRRORED  # type: ignore[import-untyped]

    # a companion that comes first was turned round
    beside = re.compile(f"{_COMPANION}(.)|([{re.escape(''.join(MIRRORED))}]){_COMPANION}")
    marked = "".join(char + _COMPANION if char in MIRRORED else char for char in text)
    base, end = ("R", "\u200f") if leftward else ("L", "\u200e")
    shown = get_display(marked + end, base_dir=base)  # the mark keeps a companion at the end of the line in its place
    shown = beside.sub(lambda found: MIRRORED.get(found[1], found[1]) if found[1] else found[2], shown)
    return shown.replace(end, "").replace(_COMPANION, "")


def line_width(text: str, size: int) -> float:
    """Pixels."""
    return sum(face.getlength(run) for run, face in _runs(text, size))


def _runs(text: str, size: int) -> Iterator[tuple[str, ImageFont.FreeTypeFont]]:
    if text.isascii():
        yield text, font(size)
        return
    for east_asian, run in groupby(text, _is_east_asian):
        yield "".join(run), font(size, east_asian=east_asian)


def _is_east_asian(char: str) -> bool:
    return char >= _EAST_ASIAN and ord(char) in _glyphs()[1]


def _is_right_to_left(text: str) -> bool:
    """As the first strong letter says."""
    for character in text:
        if (direction := unicodedata.bidirectional(character)) in ("L", "R", "AL"):
            return direction != "L"
    return False


@cache
def _glyphs() -> tuple[Collection[int], Collection[int]]:
    """The code points of the shipped font and of the one for captions."""
    from fontTools.ttLib import TTFont  # type: ignore[import-untyped]  # an eighth of an emulator's start

    tables = []
    for path in (shipped_font(), caption_font()):
        with TTFont(path, lazy=True) as opened:
            tables.append(frozenset(opened.getBestCmap()))
    return tables[0], tables[1]


def _clean(text: str) -> str:
    """Letters joined, vowel points and invisible characters gone, and in place of what no font has, its name."""
    if len(text) > _LIMIT:
        text = (text[:_LIMIT].rpartition(" ")[0] or text[:_LIMIT]).rstrip(_STOPS) + " …"
    text = unicodedata.normalize("NFC", text).strip()
    if text.isascii():
        return "".join(char if char >= " " or char == "\n" else " " for char in text)
    from arabic_reshaper import reshape  # type: ignore[import-untyped]  # as above

    text = "".join(" " if unicodedata.category(c) == "Cc" and c != "\n" else c for c in text)
    text = reshape("".join(c for c in text if unicodedata.category(c) not in _UNSEEN))
    return "".join(
        "".join(run) if script is None else _in_words("".join(run), script) for script, run in groupby(text, _missing)
    )


def _missing(char: str) -> str | None:
    """The script, or the name, of a character that neither font has; None for the others."""
    if char < _LATIN_END or ord(char) in _glyphs()[0] or ord(char) in _glyphs()[1]:
        return None
    name = unicodedata.name(char, "UNKNOWN CHARACTER")
    return name.split()[0].capitalize() if unicodedata.category(char)[0] in "LM" else name.lower()


def _in_words(run: str, script: str) -> str:
    """`[4 Thai letters]`, `[fire]`: a box would say nothing."""
    letters = sum(unicodedata.category(char)[0] == "L" for char in run)
    if not letters:
        return f"[{script}]"
    return f"[{letters} {script} letter{'s' * (letters > 1)}]"


def _tokens(line: str) -> list[str]:
    """Words with the blank after them; of scripts without blanks, letters with the punctuation that stays with them."""
    tokens: list[str] = []
    for word in line.split():
        run = ""
        for character in word:
            if unicodedata.name(character, "").startswith(_ANYWHERE) and character not in _CLOSERS:
                if run and run[-1] not in _OPENERS:
                    tokens.append(run)
                    run = ""
                tokens.append(run + character)
                run = ""
            elif character in _CLOSERS and tokens and not run and not tokens[-1].endswith(" "):
                tokens[-1] += character
            else:
                run += character
        if run:
            tokens.append(run + " ")
        else:
            tokens[-1] += " "
    return tokens


def _measure(at: int) -> Callable[[str], float]:
    """The width of a word at the size `at`, each measured once."""
    lengths: dict[str, float] = {}

    def measure(word: str) -> float:
        if (length := lengths.get(word)) is None:
            length = lengths[word] = line_width(word, at)
        return length

    return measure


def _wrap(words: Sequence[str], width: float, measure: Callable[[str], float]) -> Iterator[str]:
    line, used = "", 0.0
    for word in (part for whole in words for part in _broken(whole, width, measure)):
        length = measure(word)
        if line and used + measure(word.rstrip()) > width:
            yield line.rstrip()
            line, used = "", 0.0
        line, used = line + word, used + length
    yield line.rstrip()


def _evenly(words: Sequence[str], width: float, measure: Callable[[str], float], lines: Sequence[str]) -> Sequence[str]:
    """The lines of a column up to a fifth narrower that needs no more of them: seldom a lone word on the last one."""
    if len(lines) < 2:
        return lines
    low, high, best = width * 0.8, width, lines
    while high - low > _MEASURE / 4:
        middle = (low + high) / 2
        tried = list(_wrap(words, middle, measure))
        if len(tried) > len(lines):
            low = middle
        else:
            high, best = middle, tried
    return best


def _broken(word: str, width: float, measure: Callable[[str], float]) -> list[str]:
    """A word wider than a line, in pieces."""
    if measure(word.rstrip()) <= width or len(word) < 2:
        return [word]
    fits = max(1, int(len(word) * width / measure(word)) - 1)
    return [word[start : start + fits] for start in range(0, len(word), fits)]
