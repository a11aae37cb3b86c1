"""Breaking text into lines: at words, between CJK characters with basic kinsoku, in a word only as a last resort."""

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from seedpipe.images.script import graphemes

Measure = Callable[[str], float]  # width of a line in pixels

_SOFT_HYPHEN: Final = "\u00ad"
_ZERO_WIDTH_SPACE: Final = "\u200b"
_GLUE: Final = "\u00a0\u202f\u2007"  # spaces that hold a line together
_HYPHENS: Final = "-‐–—"
_CLOSERS: Final = (
    "!%),.:;?]}¢°’”‰′″℃»›、。々〉》」』】〕〗〙〛〜゛゜ゝゞーヽヾ・！％），．：；？］｝～…‥"
    "ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮヵヶ"
)
_OPENERS: Final = "([{£¥‘“〈《「『【〔〖〘〚（［｛＄￥«‹"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Chunk:
    """Text that isn't broken, and what follows it: `gap` vanishes at a line's end, a `hyphen` appears only there."""

    text: str
    gap: str = ""
    hyphen: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrapped:
    """Lines in reading order. `broken`: some word had to be cut where no break belongs."""

    lines: tuple[str, ...]
    broken: bool


def wrap(paragraph: str, width: float, measure: Measure, *, even: bool = True) -> Wrapped:
    """Lines of at most `width` pixels as `measure` sees them; with `even` as even in length as possible.

    Their number is always the least possible. Only a single character, with its hyphen, wider than `width` stands out.
    """
    chunks = _chunks(paragraph.strip(" \t"))
    lines, broken = _fill(chunks, width, measure)
    if even and len(lines) > 1:
        lines = _balanced(chunks, width, measure, lines, broken)
    return Wrapped(lines=tuple(lines), broken=broken)


def _balanced(chunks: Sequence[_Chunk], width: float, measure: Measure, greedy: list[str], broken: bool) -> list[str]:
    """The lines of the narrowest column that needs no more of them: no lone word or letter on the last line."""
    low, high, best = 1, int(width), greedy
    while low < high:
        middle = (low + high) // 2
        lines, cut = _fill(chunks, middle, measure)
        if cut > broken or len(lines) > len(greedy):
            low = middle + 1
        else:
            high, best = middle, lines
    return best


def _fill(chunks: Sequence[_Chunk], width: float, measure: Measure) -> tuple[list[str], bool]:
    lines: list[str] = []
    broken = False
    line, gap = "", ""  # a line so far and what follows it if it goes on
    hyphen = False
    for chunk in chunks:
        if line and measure(line + gap + chunk.text + "-" * chunk.hyphen) <= width:
            line += gap + chunk.text
        else:
            if line:
                lines.append(line + "-" * hyphen)
            *full, line = _cut(chunk.text, width - (measure("-") if chunk.hyphen else 0), measure)
            lines.extend(full)
            broken = broken or bool(full)
        gap, hyphen = chunk.gap, chunk.hyphen
    return [*lines, line], broken


def _cut(word: str, width: float, measure: Measure) -> list[str]:
    if measure(word) <= width:
        return [word]
    pieces = [""]
    for piece in graphemes(word):
        if pieces[-1] and measure(pieces[-1] + piece) > width:
            pieces.append("")
        pieces[-1] += piece
    return pieces


def _chunks(paragraph: str) -> list[_Chunk]:
    chunks: list[_Chunk] = []
    text, pieces = "", graphemes(paragraph)
    at = 0
    while at < len(pieces):
        piece = pieces[at]
        after = at + 1
        if _is_plain_space(piece):
            while after < len(pieces) and _is_plain_space(pieces[after]):
                after += 1
            chunks.append(_Chunk(text=text, gap="".join(pieces[at:after])))
            text = ""
        elif piece[0] in (_SOFT_HYPHEN, _ZERO_WIDTH_SPACE):
            chunks.append(_Chunk(text=text, hyphen=piece[0] == _SOFT_HYPHEN))
            text = piece[1:]
        else:
            text += piece
            if after < len(pieces) and _may_break(text, piece, pieces[after]):
                chunks.append(_Chunk(text=text))
                text = ""
        at = after
    return [*chunks, _Chunk(text=text)] if text or not chunks else chunks


def _is_plain_space(piece: str) -> bool:
    """A blank that may vanish at a line's end: none that holds a line together or carries a mark."""
    return piece == "\t" or (len(piece) == 1 and unicodedata.category(piece) == "Zs" and piece not in _GLUE)


def _may_break(before: str, left: str, right: str) -> bool:
    """Whether a line may end between two neighbours that no space parts."""
    if right[0] in _CLOSERS or left[0] in _OPENERS or left[0] in _GLUE or right[0] in _GLUE or _is_plain_space(right):
        return False
    if _is_cjk(left[0]) or _is_cjk(right[0]):
        return True
    return left in tuple(_HYPHENS) and right[0].isalpha() and len(before) > 1 and before[-2].isalpha()


def _is_cjk(char: str) -> bool:
    """Ideographs, kana and full-width forms; not Hangul, whose lines break at words."""
    code = ord(char)
    return (
        0x2E80 <= code <= 0x312F
        or 0x31A0 <= code <= 0x4DBF
        or 0x4E00 <= code <= 0x9FFF
        or 0xF900 <= code <= 0xFAFF
        or 0xFE30 <= code <= 0xFE4F
        or 0xFF01 <= code <= 0xFF60
        or 0x20000 <= code <= 0x3FFFF
    )
