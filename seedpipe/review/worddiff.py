"""Changed words for people: colours, or `[-old-]{+new+}` without. Pure."""

from collections.abc import Iterator, Sequence

from seedpipe.display import Style, breaks, display_width, head
from seedpipe.plan.worddiff import TOKEN, Part, word_diff

__all__ = ["Part", "diff_lines", "word_diff"]

_MARKS = 4  # columns of `[-` and `-]`


def diff_lines(parts: Sequence[Part], width: int, style: Style) -> list[str]:
    """The parts as lines of at most `width` columns; marks are put anew on each line that a change goes over."""
    lines: list[str] = []
    line: list[Part] = []
    for chunk in _chunks(parts):
        if chunk == [("equal", "\n")] or chunk == [("new", "\n")]:
            lines.append(_painted(line, style))
            line = []
            continue
        if line and _width([*line, *chunk], style) > width:
            lines.append(_painted(line, style))
            line, chunk = [], _without_blanks_before(chunk)
        if _width(chunk, style) <= width:
            line += chunk
            continue
        for kind, text in chunk:  # longer than a line: broken where it must be
            while text:
                part = _fitting(line, kind, text, width, style)
                if not part:
                    lines.append(_painted(line, style))
                    line = []
                    continue
                line, text = [*line, (kind, part)], text[len(part) :]
    return [*lines, _painted(line, style)] if line or not lines else lines


def _chunks(parts: Sequence[Part]) -> Iterator[list[Part]]:
    """What stays on one line: words with the signs at them. A line break that stands now is a chunk of its own."""
    chunk: list[Part] = []
    for kind, text in parts:
        for word in TOKEN.findall(text):
            if word == "\n" and kind != "old":
                yield from [chunk] if chunk else []
                yield [(kind, word)]
                chunk = []
                continue
            word = word.replace("\n", " ")
            if chunk and _may_break(chunk[-1], (kind, word)):
                yield chunk
                chunk = []
            chunk = [*chunk, (kind, word)]
    yield from [chunk] if chunk else []


def _may_break(before: Part, after: Part) -> bool:
    """At a blank, between wide letters, and where what is gone ends and what is new begins."""
    if before[1].isspace() or after[1].isspace():
        return True
    return breaks(before[1][-1], after[1][0]) or (before[0], after[0]) == ("old", "new")


def _without_blanks_before(chunk: Sequence[Part]) -> list[Part]:
    return [*chunk[1:]] if chunk[0][1].isspace() else [*chunk]


def _fitting(line: Sequence[Part], kind: str, text: str, width: int, style: Style) -> str:
    """As much of `text` as the line has room for; on an empty line at least one letter."""
    opened = kind != "equal" and not style.color and (not line or line[-1][0] != kind)
    part = head(text, width - _width(line, style) - (_MARKS if opened else 0))
    return part or ("" if line else text[:1])


def _width(line: Sequence[Part], style: Style) -> int:
    runs = sum(kind != "equal" and (not place or line[place - 1][0] != kind) for place, (kind, _) in enumerate(line))
    return sum(display_width(text) for _, text in line) + (0 if style.color else _MARKS * runs)


def _painted(line: Sequence[Part], style: Style) -> str:
    joined: list[list[str]] = []
    for kind, text in line:
        if joined and joined[-1][0] == kind:
            joined[-1][1] += text
        else:
            joined.append([kind, text])
    if joined:
        joined[-1][1] = joined[-1][1].rstrip()
    return "".join(_marked(kind, text, style) for kind, text in joined if text)


def _marked(kind: str, text: str, style: Style) -> str:
    if kind == "equal":
        return text
    if kind == "old":
        return style.paint(text, "red", "strike") if style.color else f"[-{text}-]"
    return style.paint(text, "green", "bold") if style.color else f"{{+{text}+}}"
