"""Changed words for people: colours, or `[-old-]{+new+}` without. Pure."""

from collections.abc import Sequence

from seedpipe.display import Style, display_width, head
from seedpipe.plan.worddiff import TOKEN, Part, word_diff

__all__ = ["Part", "diff_lines", "word_diff"]


def diff_lines(parts: Sequence[Part], width: int, style: Style) -> list[str]:
    """The parts as lines of at most `width` columns; marks are put anew on each line that a change goes over."""
    lines: list[str] = []
    line: list[Part] = []
    used = 0
    for kind, text in parts:
        for word in TOKEN.findall(text):
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
