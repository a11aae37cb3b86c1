"""Setting a text in a box: the size, the lines, and the frame they fill. Nothing is drawn here."""

import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from seedpipe.images.fontfile import Face, covered
from seedpipe.images.missing import LetteringError, MissingGlyphsError
from seedpipe.images.script import Cluster, complex_script, first_strong, visual_line
from seedpipe.images.wrap import wrap
from seedpipe.manifest.steps import Length, Text

MAX_CHARS: Final = 5_000  # of one text step
_MAX_SIZE: Final = 4_000  # pixels; a glyph beyond has no use and much memory
_ANY_SIDE: Final = 1000  # pixels; of a picture whose size doesn't matter
_LEGIBLE: Final = 4  # pixels; no smaller size is proposed
_PANEL_X: Final = 60  # percent of the size between a panel's edge and its text
_PANEL_Y: Final = 30


class TextDoesNotFitError(LetteringError):
    """A text is too long for its box at the smallest size that the step allows."""


class UnsupportedScriptError(LetteringError):
    """A script whose letters change shape or place in ways that are not set here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line, its clusters from left to right. `width` in pixels."""

    clusters: tuple[Cluster, ...]
    width: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """A set text. Pixels; `above` and `below` reach from the first and the last baseline to the frame's edges.

    The frame holds the letters and their outline; `pad_x` and `pad_y` of the panel come on top.
    """

    lines: tuple[Line, ...]
    size: int
    pitch: int
    width: int
    above: int
    below: int
    stroke: int
    pad_x: int
    pad_y: int
    direction: str

    @property
    def outer_size(self) -> tuple[int, int]:
        """Width and height with the panel's padding."""
        height = self.above + self.pitch * (len(self.lines) - 1) + self.below
        return (self.width + 2 * self.pad_x, height + 2 * self.pad_y)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Room:
    """The space for a text on a picture: its box, and what margins leave of the picture for box and panel."""

    box: tuple[int, int]
    outer: tuple[int, int]


def lay_out(step: Text, font: Path, picture: tuple[int, int]) -> Layout:
    """Set `step` on a picture of `picture` (width, height) pixels.

    Raises `TextDoesNotFitError`, `MissingGlyphsError`, `UnsupportedScriptError`, `FontError` or `LetteringError`.
    """
    setter = _set_up(step, font, picture)
    return setter.fitted() if step.size is None else setter.fixed(step.size)


def check_glyphs(step: Text, font: Path) -> None:
    """What can be told without knowing the picture: whether the font has the characters. Raises as `lay_out`."""
    _set_up(step, font, (_ANY_SIDE, _ANY_SIDE))


def check_room(step: Text, font: Path, picture: tuple[int, int]) -> None:
    """What `lay_out` would raise, found at the smallest size that the step allows, which is far quicker."""
    setter = _set_up(step, font, picture)
    if step.size is not None:
        setter.fixed(step.size)
    else:
        setter.check_room()


def _set_up(step: Text, font: Path, picture: tuple[int, int]) -> "_Setter":
    text = _clean(step.text)
    if not any(unicodedata.category(char)[0] in "LNPS" for char in text):
        raise LetteringError("the text is empty", hint="give it words, or leave the picture out with `when`")
    if len(text) > MAX_CHARS:
        raise LetteringError(
            f"the text has {len(text)} characters; a step takes {MAX_CHARS}",
            hint="shorten it, or set it in several steps",
        )
    if script := complex_script(text):
        raise UnsupportedScriptError(
            f"the text {_quoted(text)} holds {script} letters, which seedpipe can't set: "
            "they join or stack by rules of their own",
            hint="lay that lettering on as a picture with `overlay`",
        )
    setter = _Setter(step, text, font, picture)
    setter.check_glyphs()
    return setter


class _Setter:
    """Sets one text at whatever size is tried."""

    def __init__(self, step: Text, text: str, font: Path, picture: tuple[int, int]) -> None:
        self.step, self.text, self.path, self.picture = step, text, font, picture
        self.glyphs = covered(font)
        self.direction = step.direction if step.direction != "auto" else first_strong(text) or "ltr"
        self.room = _room(step, picture)
        self.stroke = max(1, step.stroke_width.of(picture[1])) if step.stroke is not None else 0
        self.visual = lru_cache(maxsize=4096)(self._visual)
        self.paragraphs = self._directions()

    def _visual(self, line: str, direction: str) -> tuple[Cluster, ...]:
        return tuple(visual_line(line, direction, self.glyphs))

    def _directions(self) -> list[tuple[str, str]]:
        """Each paragraph with its direction; one without a strong character follows the whole text."""
        paragraphs = self.text.split("\n")
        if self.step.direction != "auto":
            return [(paragraph, self.direction) for paragraph in paragraphs]
        return [(paragraph, first_strong(paragraph) or self.direction) for paragraph in paragraphs]

    def check_glyphs(self) -> None:
        missing: dict[str, None] = {}
        for paragraph, direction in self.paragraphs:
            for cluster in self.visual(paragraph, direction):
                missing.update((char, None) for char in cluster.base + cluster.marks if ord(char) not in self.glyphs)
        if missing:
            raise MissingGlyphsError(self.path.name, tuple(missing), own=self.step.font is not None)

    def fixed(self, wanted: Length) -> Layout:
        """At the size that the step asks for."""
        size = _size(wanted, self.picture[1])
        layout = self._at_its_best(size)
        if layout is None:
            raise self._does_not_fit(size, "`size`")
        return layout

    def check_room(self) -> None:
        """Raises what `fitted` would."""
        low, _ = self._bounds()
        if self.at(low, whole=True) is None and self.at(low) is None:
            raise self._does_not_fit(low, "`min_size`")

    def _bounds(self) -> tuple[int, int]:
        low, high = (_size(length, self.picture[1]) for length in (self.step.min_size, self.step.max_size))
        return min(low, high), high

    def fitted(self) -> Layout:
        """As large as the box allows; a size at which no word is cut goes before a larger one."""
        low, high = self._bounds()
        best = self._largest(low, high, whole=True) or self._largest(low, high, whole=False)
        layout = self._at_its_best(best) if best else None
        if layout is None:
            raise self._does_not_fit(low, "`min_size`")
        return layout

    def _at_its_best(self, size: int) -> Layout | None:
        """With even lines, unless just they bring an accent to the top that has no room there."""
        return self.at(size, even=True) or self.at(size)

    def _largest(self, low: int, high: int, *, whole: bool) -> int | None:
        if self.at(low, whole=whole) is None:
            return None
        while low < high:
            middle = (low + high + 1) // 2
            if self.at(middle, whole=whole) is None:
                high = middle - 1
            else:
                low = middle
        return low

    def at(self, size: int, *, whole: bool = False, even: bool = False) -> Layout | None:
        """The text at `size`, or None if it doesn't fit; with `whole` also if a word had to be cut."""
        face = Face(self.path, size)
        panel = self.step.background is not None
        pad_x, pad_y = (size * _PANEL_X // 100, size * _PANEL_Y // 100) if panel else (0, 0)
        width = min(self.room.box[0], self.room.outer[0] - 2 * pad_x) - 2 * self.stroke
        pitch = max(1, (size * self.step.line_height + 50) // 100)
        if width < 1 or size > self.room.box[1] * 2:
            return None
        lines, broken = self._lines(face, width, even=even)
        widest = max(line.width for line in lines)
        if (whole and broken) or widest > width or pitch * (len(lines) - 1) > self.room.box[1]:
            return None
        above, below = _extent(face, lines, pitch)
        layout = Layout(
            lines=lines,
            size=size,
            pitch=pitch,
            width=int(widest + 0.999) + 2 * self.stroke,
            above=above + self.stroke,
            below=below + self.stroke,
            stroke=self.stroke,
            pad_x=pad_x,
            pad_y=pad_y,
            direction=self.direction,
        )
        outer = layout.outer_size
        too_high = outer[1] > self.room.outer[1] or outer[1] - 2 * pad_y > self.room.box[1]
        return None if too_high or outer[0] > self.room.outer[0] else layout

    def _lines(self, face: Face, width: int, *, even: bool) -> tuple[tuple[Line, ...], bool]:
        """All lines, and whether a word had to be cut for them."""
        lines: list[Line] = []
        broken = False
        for paragraph, direction in self.paragraphs:

            def measure(line: str, direction: str = direction) -> float:
                return face.width("".join(cluster.base for cluster in self.visual(line, direction)))

            wrapped = wrap(paragraph, width, measure, even=even)
            broken = broken or wrapped.broken
            lines.extend(Line(clusters=self.visual(line, direction), width=measure(line)) for line in wrapped.lines)
        return tuple(lines), broken

    def _does_not_fit(self, size: int, field: str) -> TextDoesNotFitError:
        box, height = self.room.box, self.picture[1]
        low = min(_LEGIBLE, size)
        would = self._largest(low, size, whole=True) or self._largest(low, size, whole=False)
        fits = f"it would fit at {_in_pixels(would, height)}" if would else "it fits at no legible size"
        return TextDoesNotFitError(
            f"the text {_quoted(self.text)} doesn't fit its box of {box[0]}x{box[1]} pixels "
            f"at {_in_pixels(size, height)}; {fits}",
            hint=f"shorten the text, enlarge `box_width` or `box_height`, or lower {field}",
        )


def _extent(face: Face, lines: tuple[Line, ...], pitch: int) -> tuple[int, int]:
    """How far the frame reaches above the first baseline and below the last.

    Capitals stand in its middle, with the depth of a `p` on both sides, so that texts of equal lines have equal frames
    and a panel looks centred; what sticks out further (accents, deep Arabic letters) enlarges it.
    """
    capital, deep = face.ink("H"), face.ink("p")
    depth = deep[3] if deep else face.size // 4
    above, below = (-capital[1] if capital else face.size * 3 // 4) + depth, depth
    for number, line in enumerate(lines):
        ink = line_ink(face, line)
        if ink is not None:
            above = max(above, -ink[1] - number * pitch)
            below = max(below, ink[3] - (len(lines) - 1 - number) * pitch)
    return above, below


def line_ink(face: Face, line: Line) -> tuple[int, int, int, int] | None:
    """What the letters and marks of `line` cover, relative to its start on the baseline."""
    boxes = [face.ink("".join(cluster.base for cluster in line.clusters))]
    for x, y, mark in marks_of(face, line):
        box = face.ink(mark)
        boxes.append(None if box is None else (box[0] + x, box[1] + y, box[2] + x, box[3] + y))
    inked = [box for box in boxes if box is not None]
    if not inked:
        return None
    lefts, tops, rights, bottoms = zip(*inked, strict=True)
    return (min(lefts), min(tops), max(rights), max(bottoms))


def marks_of(face: Face, line: Line) -> list[tuple[int, int, str]]:
    """Where each combining mark goes: (x, y) of its pen from the start of the line, y down from the baseline.

    Fonts place marks by tables that only a shaping engine reads; here they are centred over or under what they mark.
    """
    placed: list[tuple[int, int, str]] = []
    before = ""
    for cluster in line.clusters:
        if cluster.marks:
            placed.extend(_on_base(face, face.width(before), cluster))
        before += cluster.base
    return placed


def _on_base(face: Face, pen: float, cluster: Cluster) -> list[tuple[int, int, str]]:
    left, top, right, bottom = face.ink(cluster.base) or (0, 0, int(face.width(cluster.base)), 0)
    gap = max(1, face.size // 16)
    placed = []
    for mark in sorted(cluster.marks, key=lambda mark: mark != _SHADDA):  # what is written with it sits upon it
        ink = face.ink(mark)
        if ink is None:
            continue
        x, y = (left + right - ink[0] - ink[2]) / 2, 0
        match unicodedata.combining(mark):
            case 1 | 21:  # drawn across or inside the letter
                pass
            case 24:
                x, y = right - ink[2], min(0, top - gap - ink[3])
            case 19 | 25:
                x, y = left - ink[0], min(0, top - gap - ink[3])
            case kind if kind in _BELOW:
                y = max(0, bottom + gap - ink[1])
                bottom = ink[3] + y
            case _:
                y = min(0, top - gap - ink[3])
                top = ink[1] + y
        placed.append((round(pen + x), y, mark))
    return placed


_SHADDA: Final = "\u0651"
_BELOW: Final = frozenset({*range(10, 19), 20, 22, 29, 32, 202, 218, 220, 222, 233, 240})


def _room(step: Text, picture: tuple[int, int]) -> _Room:
    width, height = picture
    margin = step.place.margin.of(min(picture))
    anchor = step.place.anchor
    across = margin if "left" in anchor or "right" in anchor else 0
    down = margin if "top" in anchor or "bottom" in anchor else 0
    box = (min(step.box_width.of(width), width), min(step.box_height.of(height), height))
    return _Room(box=box, outer=(width - across, height - down))


def _size(length: Length, height: int) -> int:
    return max(1, min(length.of(height), _MAX_SIZE))


def _clean(text: str) -> str:
    text = unicodedata.normalize("NFC", text)
    return "\n".join(text.splitlines()).strip("\n")


def _quoted(text: str) -> str:
    line = " ".join(text.split()).replace("`", "'")
    return f"`{line}`" if len(line) <= 40 else f"`{line[:39]}…`"


def _in_pixels(size: int, height: int) -> str:
    return f"{size} pixels ({size / height:.1%} of the height)"
