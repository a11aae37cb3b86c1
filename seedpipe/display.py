"""Text on a terminal: its width, how it is clipped and wrapped, what must not reach it raw, colours. Pure.

Widths are columns of a terminal: wide scripts take two, combining marks none. Where terminals differ (emoji
sequences) the larger width is assumed, so that a line is rather too short than too long.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

# Letters of foreign scripts may need these two; all other invisible format characters are shown escaped.
_JOINERS: Final = frozenset("\u200c\u200d")
_ARABIC_SIGNS: Final = range(0x0600, 0x06DE)
_CODES: Final = {
    "bold": "1",
    "dim": "2",
    "underline": "4",
    "strike": "9",
    "red": "31",
    "green": "32",
    "yellow": "33",
    "blue": "34",
    "magenta": "35",
    "cyan": "36",
}
_STAYS_BEHIND: Final = frozenset("ぁぃぅぇぉっゃゅょゎゕゖァィゥェォッャュョヮヵヶーｰ々〻ゝゞヽヾ％‰℃")
_CODE: Final = re.compile("`[^`\n]+`")
_SGR: Final = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True, slots=True)
class Style:
    """Colours, or with `color` False none: then every function returns its text unchanged."""

    color: bool

    def paint(self, text: str, *names: str) -> str:
        """`text` with the named looks; raises `KeyError` for a look that does not exist."""
        codes = ";".join(_CODES[name] for name in names)
        return f"\x1b[{codes}m{text}\x1b[0m" if self.color and text and codes else text

    def bold(self, text: str) -> str:
        return self.paint(text, "bold")

    def dim(self, text: str) -> str:
        return self.paint(text, "dim")

    def red(self, text: str) -> str:
        return self.paint(text, "red")

    def green(self, text: str) -> str:
        return self.paint(text, "green")

    def yellow(self, text: str) -> str:
        return self.paint(text, "yellow")

    def blue(self, text: str) -> str:
        return self.paint(text, "blue")

    def magenta(self, text: str) -> str:
        return self.paint(text, "magenta")

    def cyan(self, text: str) -> str:
        return self.paint(text, "cyan")


PLAIN: Final = Style(False)
COLORED: Final = Style(True)


@lru_cache(maxsize=8192)
def char_width(char: str) -> int:
    """Columns of one character: 0, 1 or 2."""
    if char == "\ufe0f":  # asks for the emoji form of the character before it, which is often wide
        return 1
    code = ord(char)
    if 0x1160 <= code <= 0x11FF or unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def display_width(text: str) -> int:
    """Columns of `text`; colours in it count nothing."""
    if "\x1b" in text:
        text = _SGR.sub("", text)
    return len(text) if text.isascii() else sum(map(char_width, text))


def without_colors(text: str) -> str:
    """`text` without the colours that a `Style` put into it."""
    return _SGR.sub("", text)


def head(text: str, width: int) -> str:
    """The longest beginning of uncoloured `text` in at most `width` columns; never half a character."""
    if text.isascii():
        return text[: max(width, 0)]
    used = 0
    for index, char in enumerate(text):
        used += char_width(char)
        if used > width:
            return text[:index]
    return text


def fit(text: str, width: int) -> str:
    """Uncoloured `text`, clipped with `…` if it takes more than `width` columns."""
    if width <= 0:
        return ""
    return text if display_width(text) <= width else head(text, width - 1).rstrip() + "…"


def fit_path(text: str, width: int) -> str:
    """Like `fit`, but of a path the beginning goes: its end says which file it is."""
    if width <= 0:
        return ""
    if display_width(text) <= width:
        return text
    used, index = 1, len(text)
    while index and used + char_width(text[index - 1]) <= width:
        index -= 1
        used += char_width(text[index])
    return "…" + text[index:]


def fit_name(text: str, width: int) -> str:
    """Like `fit`, but of an address the middle goes: its beginning says whose it is and its end which one."""
    if display_width(text) <= width or width < 8:
        return fit(text, width)
    end = fit_path(text, (width + 1) // 2)
    return head(text, width - display_width(end)) + end


def pad(text: str, width: int) -> str:
    """`text` with blanks behind it up to `width` columns."""
    return text + " " * (width - display_width(text))


def pad_left(text: str, width: int) -> str:
    """`text` with blanks before it up to `width` columns."""
    return " " * (width - display_width(text)) + text


def wrap(text: str, width: int, *, first: int | None = None) -> list[str]:
    """Lines of at most `width` columns (the first: `first`), broken at blanks and between wide characters.

    Line breaks in `text` stay. A word that is longer than a line is broken; a command in backticks only if it is.
    """
    lines: list[str] = []
    for paragraph in text.split("\n"):
        room = width if lines or first is None else first
        lines += _wrap_paragraph(paragraph, max(width, 8), max(room, 8))
    return lines


def flow(parts: Sequence[str], width: int, *, between: str = " · ", indent: int = 2) -> list[str]:
    """Parts side by side in lines of `width` columns; one that doesn't fit begins the next line, further in by `indent`."""
    lines = [parts[0]] if parts else []
    for part in parts[1:]:
        longer = f"{lines[-1]}{between}{part}"
        if display_width(longer) <= width:
            lines[-1] = longer
        else:
            lines += [" " * indent + line for line in wrap(part, width - indent)]
    return lines


def _wrap_paragraph(text: str, width: int, room: int) -> list[str]:
    lines: list[str] = []
    line = ""
    for piece in _pieces(text, width):
        if display_width(line + piece.rstrip(" ")) > room and line.strip(" "):
            lines.append(line.rstrip(" "))
            line, room = "", width
        while display_width(piece.rstrip(" ")) > room:
            lines.append(head(piece, room))
            piece = piece[len(lines[-1]) :]
            room = width
        line += piece
    return [*lines, line.rstrip(" ")]


def _pieces(text: str, width: int) -> Iterator[str]:
    """The smallest parts that are not broken, each with the blanks behind it; code that fits a line is one."""
    piece = ""
    whole = [span for span in map(re.Match.span, _CODE.finditer(text)) if display_width(text[slice(*span)]) <= width]
    end = 0  # of the code that we are in
    for place, char in enumerate(text):
        if whole and place == whole[0][0]:
            end = whole.pop(0)[1]
            may_break = bool(piece) and piece[-1] == " "
        else:
            may_break = place >= end and char != " " and bool(piece) and (piece[-1] == " " or breaks(piece[-1], char))
        if may_break:
            yield piece
            piece = ""
        piece += char
    if piece:
        yield piece


def breaks(before: str, after: str) -> bool:
    """Whether a line may break between two characters without a blank: between wide ones (kinsoku).

    Not before a closing mark, a full stop, a small kana or a combining sign, and not behind an opening mark.
    """
    if before.isascii() and after.isascii():
        return False
    if 2 not in (char_width(before), char_width(after)):
        return False
    if after in _STAYS_BEHIND or unicodedata.category(after)[0] == "M" or unicodedata.category(before) in ("Ps", "Pi"):
        return False
    return unicodedata.category(after) in ("Ps", "Pi") or unicodedata.category(after)[0] != "P"


def shown(text: str) -> str:
    """`text` with every character that could act on a terminal, or hide, written out: `\\x1b`, `\\u202e`."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_shown_char(char) for char in text)


def shown_lines(text: str) -> str:
    """Like `shown`, but line breaks stay and tabs become blanks."""
    lines = re.split(r"\r\n|\n|\r", text.replace("\t", "    "))
    return "\n".join(shown(line) for line in lines)


@lru_cache(maxsize=8192)
def _shown_char(char: str) -> str:
    code = ord(char)
    category = unicodedata.category(char)
    hidden = category == "Cf" and char not in _JOINERS and code not in _ARABIC_SIGNS
    if not hidden and category not in ("Cc", "Cs", "Zl", "Zp"):
        return char
    if char in "\n\r\t":
        return {"\n": "\\n", "\r": "\\r", "\t": "\\t"}[char]
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
