"""Which words of a text changed, for people: colours, or `[-old-]{+new+}` without. Pure."""

import difflib
import re
from collections.abc import Sequence
from typing import Final

from seedpipe.display import Style, display_width, head

# Blanks, line breaks, words, numbers; each letter of scripts that put no blanks between words; any other sign alone.
_TOKEN: Final = re.compile(
    "\n|[^\\S\n]+|[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
    "|(?:(?![\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff])\\w)+|."
)
_TOO_MANY: Final = 4_000_000  # pairs of tokens, beyond which a difference is not searched but stated

Part = tuple[str, str]  # ("equal" | "old" | "new", text)


def word_diff(old: str, new: str) -> list[Part]:
    """The parts of both texts in reading order; what only `old` has stands before what replaced it."""
    before, after = _TOKEN.findall(old), _TOKEN.findall(new)
    start = _common(before, after)
    end = _common(before[start:][::-1], after[start:][::-1])
    middle_before, middle_after = before[start : len(before) - end], after[start : len(after) - end]
    parts: list[Part] = [("equal", "".join(after[:start])), *_middle(middle_before, middle_after)]
    parts.append(("equal", "".join(after[len(after) - end :])))
    return [part for part in parts if part[1]]


def _common(before: Sequence[str], after: Sequence[str]) -> int:
    for index, (left, right) in enumerate(zip(before, after, strict=False)):
        if left != right:
            return index
    return min(len(before), len(after))


def _middle(before: Sequence[str], after: Sequence[str]) -> list[Part]:
    if len(before) * len(after) > _TOO_MANY:
        return [("old", "".join(before)), ("new", "".join(after))]
    matcher = difflib.SequenceMatcher(a=before, b=after, autojunk=False)
    parts: list[Part] = []
    old = new = ""
    codes = matcher.get_opcodes()
    for index, (tag, i1, i2, j1, j2) in enumerate(codes):
        left, right = "".join(before[i1:i2]), "".join(after[j1:j2])
        between = 0 < index < len(codes) - 1 and (right.isspace() or len(right) == 1)
        if tag == "equal" and not (between and "\n" not in right):
            parts += [("old", old), ("new", new), ("equal", right)]
            old = new = ""
        else:  # a blank between two changes belongs to them
            old, new = old + left, new + right
    parts += [("old", old), ("new", new)]
    return parts


def diff_lines(parts: Sequence[Part], width: int, style: Style) -> list[str]:
    """The parts as lines of at most `width` columns; marks are put anew on each line that a change goes over."""
    lines: list[str] = []
    line: list[Part] = []
    used = 0
    for kind, text in parts:
        for word in _TOKEN.findall(text):
            if word == "\n" and kind != "old":
                lines.append(_painted(line, style))
                line, used = [], 0
                continue
            piece = word.replace("\n", " ")
            cost = display_width(piece)
            opened = not line or line[-1][0] != kind
            marks = 4 if kind != "equal" and opened and not style.color else 0
            if used + cost + marks > width and line:
                lines.append(_painted(line, style))
                line, used = [], 0
                marks = 4 if kind != "equal" and not style.color else 0
                piece = piece.lstrip(" ")
            while display_width(piece) + marks > width:
                part = head(piece, max(width - marks, 2))
                lines.append(_painted([(kind, part)], style))
                piece = piece[len(part) :]
            line.append((kind, piece))
            used += display_width(piece) + marks
    return [*lines, _painted(line, style)] if line or not lines else lines


def _painted(line: Sequence[Part], style: Style) -> str:
    joined: list[list[str]] = []
    for kind, text in line:
        if joined and joined[-1][0] == kind:
            joined[-1][1] += text
        else:
            joined.append([kind, text])
    return "".join(_marked(kind, text, style) for kind, text in joined if text).rstrip()


def _marked(kind: str, text: str, style: Style) -> str:
    if kind == "equal":
        return text
    if kind == "old":
        return style.paint(text, "red", "strike") if style.color else f"[-{text}-]"
    return style.paint(text, "green", "bold") if style.color else f"{{+{text}+}}"
