"""Writing systems: direction, Arabic joining, and the order in which characters stand on a line."""

import unicodedata
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

_TERMINATOR: Final = "\u2060"  # of class BN: the bidi algorithm carries it along with the character before it
_MARKS: Final = frozenset({"Mn", "Me"})
_NO_BASE: Final = "\u00a0"  # what a mark that begins a line sits on, as Unicode has it
_RIGHT_TO_LEFT: Final = frozenset({"R", "AL", "AN", "RLE", "RLO", "RLI", "FSI"})
_UNSEEN: Final = frozenset({"Cc", "Cf"})
_STAND_INS: Final = {"\u2010": "-", "\u2011": "-", "\u2212": "-", "\u02bc": "’", "\u3000": "\u2003"}
_JOINING: Final = {
    "delete_harakat": False,
    "delete_tatweel": False,
    "support_zwj": True,
    "use_unshaped_instead_of_isolated": False,
    "ARABIC LIGATURE ALLAH": False,  # a convention of some fonts, not of writing
}
# Scripts whose letters join, stack or change places by rules that only a shaping engine knows.
_COMPLEX: Final = (
    (0x0700, 0x074F),
    (0x0780, 0x086F),
    (0x0900, 0x109F),
    (0x1100, 0x11FF),
    (0x1700, 0x18AF),
    (0x1900, 0x1C4F),
    (0xA800, 0xA8FF),
    (0xA930, 0xA9DF),
    (0xAA00, 0xAAFF),
    (0xABC0, 0xABFF),
    (0x10A00, 0x10AFF),
    (0x10D00, 0x10FFF),
    (0x11000, 0x11FFF),
    (0x1E900, 0x1E95F),
)


@dataclass(frozen=True, slots=True)
class Cluster:
    """A character and the marks that sit on it."""

    base: str
    marks: str = ""


def complex_script(text: str) -> str | None:
    """A script in `text` that can't be set without a shaping engine, like `Devanagari`; None if there is none."""
    for char in text:
        if any(low <= ord(char) <= high for low, high in _COMPLEX):
            return unicodedata.name(char, "an unknown script").split()[0].capitalize()
    return None


def first_strong(text: str) -> str | None:
    """`ltr` or `rtl` by the first strong character outside isolates (Unicode rules P2, P3); None without one."""
    depth = 0
    for char in text:
        match unicodedata.bidirectional(char):
            case "LRI" | "RLI" | "FSI":
                depth += 1
            case "PDI":
                depth = max(0, depth - 1)
            case "L" if not depth:
                return "ltr"
            case "R" | "AL" if not depth:
                return "rtl"
    return None


def graphemes(text: str) -> list[str]:
    """`text` in pieces that never part: a character with its marks, joiners and selectors."""
    pieces: list[str] = []
    joined = False
    for char in text:
        attaches = unicodedata.category(char) in _MARKS or char in "\u200c\u200d" or "\ufe00" <= char <= "\ufe0f"
        if pieces and (attaches or joined):
            pieces[-1] += char
        else:
            pieces.append(char)
        joined = char == "\u200d"
    return pieces


def visual_line(line: str, direction: str, glyphs: Collection[int]) -> list[Cluster]:
    """The clusters of one line from left to right: joined, reordered (UAX #9), mirrored; invisible characters gone.

    Where a font lacks a form that has an equal in `glyphs`, the equal stands in for it.
    """
    line = line.replace("\t", " ").replace(_TERMINATOR, "")
    if direction == "ltr" and not any(unicodedata.bidirectional(char) in _RIGHT_TO_LEFT for char in line):
        return _seen(_clusters(line), glyphs)
    shaped = _reshape(line) if any("\u0600" <= char <= "\u08ff" for char in line) else line
    return _seen(_reordered(shaped, direction), glyphs)


@lru_cache(maxsize=1)
def _reshaper() -> Any:
    from arabic_reshaper import ArabicReshaper  # type: ignore[import-untyped]  # 60 ms that most texts are spared

    return ArabicReshaper(configuration=_JOINING)


def _reshape(line: str) -> str:
    return str(_reshaper().reshape(line))


def _clusters(text: str) -> Iterator[Cluster]:
    base, marks = "", ""
    for char in text:
        if base and unicodedata.category(char) in _MARKS:
            marks += char
            continue
        if base:
            yield Cluster(base, marks)
        base, marks = (_NO_BASE, char) if unicodedata.category(char) in _MARKS else (char, "")
    if base:
        yield Cluster(base, marks)


def _reordered(line: str, direction: str) -> Iterator[Cluster]:
    """By UAX #9. Undoes what reversing did to clusters (rules L3, L4): a reversed one's terminator now stands first."""
    from bidi import get_display  # type: ignore[import-untyped]  # as above
    from bidi.mirror import MIRRORED  # type: ignore[import-untyped]

    base, end = ("R", "\u200f") if direction == "rtl" else ("L", "\u200e")
    marked = "".join(
        cluster.base + cluster.marks + (_TERMINATOR if cluster.marks or cluster.base in MIRRORED else "")
        for cluster in _clusters(line)
    )
    # The closing mark keeps the algorithm from moving a terminator at the end of the line away from its character.
    text = get_display(marked + end, base_dir=base)
    at = 0
    while at < len(text):
        backwards = text[at] == _TERMINATOR
        at += backwards
        start = at
        while backwards and unicodedata.category(text[at]) in _MARKS and at + 1 < len(text):
            at += 1
        marks, base = text[start:at][::-1], text[at]
        at += 1
        if backwards:
            yield Cluster(MIRRORED.get(base, base), marks)
            continue
        start = at
        while at < len(text) and unicodedata.category(text[at]) in _MARKS:
            at += 1
        marks = text[start:at]
        at += bool(marks or base in MIRRORED) and text[at : at + 1] == _TERMINATOR
        yield Cluster(base, marks)


def _seen(clusters: Iterator[Cluster], glyphs: Collection[int]) -> list[Cluster]:
    seen = []
    for cluster in clusters:
        if unicodedata.category(cluster.base) in _UNSEEN:
            continue
        marks = "".join(char for char in cluster.marks if not "\ufe00" <= char <= "\ufe0f" and char != "\u034f")
        seen.append(Cluster(_drawable(cluster.base, glyphs), marks))
    return seen


def _drawable(char: str, glyphs: Collection[int]) -> str:
    if ord(char) in glyphs:
        return char
    if unicodedata.category(char) == "Zs":
        return " "
    if char in _STAND_INS:
        return _STAND_INS[char]
    kind, _, equal = unicodedata.decomposition(char).partition(" ")
    if kind == "<isolated>" and len(equal) == 4 and int(equal, 16) in glyphs:
        return chr(int(equal, 16))
    return char
