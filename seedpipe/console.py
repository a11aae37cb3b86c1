"""What people read: the console with its colours and width, and the one renderer of errors."""

import json
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, TextIO

from seedpipe.display import Style, char_width, display_width, shown, shown_lines, wrap
from seedpipe.errors import Fault, ManifestError, SeedpipeError, Severity
from seedpipe.source import Position

DEFAULT_WIDTH: Final = 80
MAX_SHOWN: Final = 50  # faults with an excerpt; more are only counted
TAB: Final = 4
# JSON may hold these raw, but a terminal could obey them; within JSON they occur in strings only.
_UNSAFE_IN_JSON: Final = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
_LINE_BREAK: Final = re.compile(r"\r\n|\n|\r")

TextOf = Callable[[str], str | None]


class Console:
    """Results go to `stdout`, everything else to `stderr`. Environment variables are those of `environ`.

    `color`: `auto` (a terminal that isn't dumb; honours `NO_COLOR`, `FORCE_COLOR`, `CLICOLOR`, `CLICOLOR_FORCE`), `always`, `never`.
    """

    def __init__(
        self,
        stdout: TextIO,
        stderr: TextIO,
        *,
        color: str = "auto",
        quiet: bool = False,
        verbose: int = 0,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self.stdout, self.stderr = stdout, stderr
        self.quiet, self.verbose = quiet, verbose
        self._environ = os.environ if environ is None else environ
        self.style = Style(self._colored(stdout, color))
        self.err_style = Style(self._colored(stderr, color))

    def _colored(self, stream: TextIO, color: str) -> bool:
        if color != "auto":
            return color == "always"
        if self._environ.get("NO_COLOR"):
            return False
        forced = self._environ.get("FORCE_COLOR") or self._environ.get("CLICOLOR_FORCE", "")
        if forced:
            return forced not in ("0", "false")
        if self._environ.get("CLICOLOR") == "0":
            return False
        return _is_terminal(stream) and self._environ.get("TERM") != "dumb"

    @property
    def width(self) -> int:
        """Columns that a line of results may have: `COLUMNS`, else the terminal's, else 80."""
        return self._width(self.stdout)

    @property
    def err_width(self) -> int:
        return self._width(self.stderr)

    def _width(self, stream: TextIO) -> int:
        columns = self._environ.get("COLUMNS", "")
        if columns.isascii() and columns.isdigit() and 0 < int(columns) < 10_000:
            return int(columns)
        try:
            return os.get_terminal_size(stream.fileno()).columns or DEFAULT_WIDTH
        except (OSError, ValueError, AttributeError):
            return DEFAULT_WIDTH

    @property
    def plain(self) -> bool:
        """Whether lines are read rather than seen: by a terminal that can't draw, or by a screen reader (`TERM=dumb`)."""
        return self._environ.get("TERM") == "dumb"

    @property
    def interactive(self) -> bool:
        """Whether `stderr` is a terminal on which lines can be redrawn, with somebody watching."""
        calm = self.plain or bool(self._environ.get("CI"))
        return _is_terminal(self.stderr) and not calm and not self.quiet

    def out(self, text: str) -> None:
        """A result, on standard output. Raises `BrokenPipeError` when nobody reads any more."""
        _write(self.stdout, text)

    def err(self, text: str) -> None:
        """Something that has to be said, on standard error."""
        _write(self.stderr, text)

    def note(self, text: str) -> None:
        """Something good to know, on standard error; silent with `quiet`."""
        if not self.quiet:
            _write(self.stderr, text)

    def warning(self, message: str, *, hint: str | None = None) -> None:
        """Something that may not be as it was meant, on standard error, whoever is quiet."""
        fault = Fault(code="", message=message, hint=hint, severity=Severity.WARNING)
        self.err(_Excerpts(lambda _file: None, self.err_style, self.err_width).fault(fault))

    def remark(self, text: str) -> None:
        """A note in sentences, wrapped to the terminal."""
        self.note("\n".join(wrap(text, self.err_width)))

    def data(self, value: Any) -> None:
        """`value` as JSON on standard output, and nothing else there."""
        _write(self.stdout, json_text(value))


def _is_terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty()
    except ValueError:  # a closed stream
        return False


def _write(stream: TextIO, text: str) -> None:
    text = text if text.endswith("\n") else text + "\n"
    try:
        stream.write(text)
    except UnicodeEncodeError:  # a terminal that can't show every letter
        encoding = stream.encoding or "ascii"
        stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
    stream.flush()


def json_text(value: Any) -> str:
    """Indented JSON that no terminal obeys: control and direction characters are written as escapes."""
    text = json.dumps(value, ensure_ascii=False, indent=2)
    return _UNSAFE_IN_JSON.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def render_error(error: SeedpipeError, text_of: TextOf, style: Style, *, width: int = DEFAULT_WIDTH) -> str:
    """An error for people. `text_of` gives a project file's text, or None where it can't be shown."""
    if isinstance(error, ManifestError):
        return render_faults(error.faults, text_of, style, width=width)
    fault = Fault(code="", message=error.message, position=error.position, hint=error.hint)
    return _Excerpts(text_of, style, width).fault(fault)


def render_faults(faults: Iterable[Fault], text_of: TextOf, style: Style, *, width: int = DEFAULT_WIDTH) -> str:
    """Every fault with the line it stands in, a caret and a hint, and at the end how many there are."""
    everything = tuple(faults)
    excerpts = _Excerpts(text_of, style, width)
    # Of very many, the errors are what has to be seen.
    order = sorted(everything, key=lambda fault: fault.severity is Severity.WARNING)
    chosen = set(map(id, order[:MAX_SHOWN]))
    blocks = [excerpts.fault(fault) for fault in everything if id(fault) in chosen]
    return "\n\n".join([*blocks, _count_line(everything, len(blocks), style)])


def count_faults(faults: Iterable[Fault]) -> str:
    """`3 errors, 1 warning`, or `no faults`."""
    severities = [fault.severity for fault in faults]
    counts = [(severities.count(severity), severity.value) for severity in Severity]
    parts = [f"{count} {word}{'s' if count != 1 else ''}" for count, word in counts if count]
    return ", ".join(parts) or "no faults"


def _count_line(faults: Sequence[Fault], rendered: int, style: Style) -> str:
    line = count_faults(faults)
    if rendered < len(faults):
        line += f" (the first {rendered} are shown)"
    return style.paint(line, "bold")


class _Excerpts:
    """Writes faults; remembers the lines of each file."""

    def __init__(self, text_of: TextOf, style: Style, width: int) -> None:
        self._text_of, self._style, self._width = text_of, style, max(width, 40)
        self._lines: dict[str, Sequence[str]] = {}

    def fault(self, fault: Fault) -> str:
        lines = self._headline(fault)
        hint = shown_lines(fault.hint) if fault.hint else None
        if fault.position is not None:
            lines += self._place(fault.position, fault.severity, hint)
        elif hint is not None:
            lines += self._hint(hint, "  ")
        return "\n".join(lines)

    def _headline(self, fault: Fault) -> list[str]:
        color = "red" if fault.severity is Severity.ERROR else "yellow"
        lead = f"{fault.severity.value}: "
        message = wrap(shown_lines(fault.message), self._width - len(lead))
        indent = " " * len(lead)
        lines = [self._style.paint(lead.rstrip(), "bold", color) + " " + self._style.bold(message[0])]
        lines += [indent + self._style.bold(line) for line in message[1:]]
        if fault.code:
            code = f"[{shown(fault.code)}]"
            room = self._width - display_width(lines[-1]) - len(code)
            if room >= 1:
                lines[-1] += " " * room + self._style.dim(code)
            else:
                lines.append(self._style.dim(code.rjust(self._width)))
        return lines

    def _place(self, position: Position, severity: Severity, hint: str | None) -> list[str]:
        line = self._line(position)
        number = str(position.line)
        gutter = " " * len(number)
        dim = self._style.blue
        arrow = f"{gutter}{dim('-->')} {shown(str(position))}"
        if line is None:
            return [arrow, *(self._hint(hint, f"{gutter} ") if hint else [])]
        text, before, length = excerpt(line, position.column, self._width - len(number) - 3)
        color = "red" if severity is Severity.ERROR else "yellow"
        caret = f"{gutter} {dim('|')} {' ' * before}{self._style.paint('^' * length, 'bold', color)}"
        rest: list[str] = []
        if hint is not None:
            beside = display_width(caret) + 1 + display_width(hint) <= self._width and "\n" not in hint
            if beside:
                caret += " " + self._style.paint(hint, color)
            else:
                rest = self._hint(hint, f"{gutter} ")
        bar = f"{gutter} {dim('|')}"
        return [arrow, bar, f"{dim(number)} {dim('|')} {text}".rstrip(), caret, *rest]

    def _hint(self, hint: str, indent: str) -> list[str]:
        lines = wrap(hint, self._width - len(indent) - len("= hint: "))
        first = f"{indent}{self._style.blue('=')} {self._style.bold('hint:')} {lines[0]}"
        return [first, *(f"{indent}        {line}".rstrip() for line in lines[1:])]

    def _line(self, position: Position) -> str | None:
        if position.file not in self._lines:
            text = self._text_of(position.file)
            self._lines[position.file] = _LINE_BREAK.split(text.removeprefix("\ufeff")) if text else []
        lines = self._lines[position.file]
        return lines[position.line - 1] if 0 < position.line <= len(lines) else None


def excerpt(line: str, column: int, width: int) -> tuple[str, int, int]:
    """The part of `line` around `column` (from 1) in at most `width` columns, the caret's place and its length.

    Tabs are widened, control characters written out, and what is cut off is marked with `…`.
    """
    index = min(max(column - 1, 0), len(line))
    end = index + _token_length(line[index : index + width])
    first, last = max(index - 4 * width, 0), end + 4 * width  # so that a line of megabytes costs nothing
    cells = _cells(line[first:last])
    before = sum(size for _, size in cells[: index - first])
    length = max(sum(size for _, size in cells[index - first : end - first]), 1)
    total = sum(size for _, size in cells)
    if total <= width and first == 0 and last >= len(line):
        return "".join(text for text, _ in cells), before, min(length, max(width - before, 1))
    start = before - width // 3
    if first == 0 and (start <= 0 or before + length < width):
        start = 0
    cut_left = first > 0 or start > 0
    return _window(cells, max(start, 0), width, before, length, cut=(cut_left, last < len(line)))


def _window(
    cells: Sequence[tuple[str, int]], start: int, width: int, before: int, length: int, *, cut: tuple[bool, bool]
) -> tuple[str, int, int]:
    """`width` columns of `cells` from the column `start` on; `cut` says whether text is missing on either side."""
    text = "…" if cut[0] else ""
    used, at, complete = len(text), 0, not cut[1]
    offset = used
    begun = False
    for cell, size in cells:
        if at >= start:
            if not begun:  # a wide character may stand across the edge
                offset, begun = used - at, True
            if used + size > width - 1:
                complete = False
                break
            text += cell
            used += size
        at += size
    place = before + offset
    return text + ("" if complete else "…"), place, max(min(length, width - 1 - place), 1)


def _cells(text: str) -> list[tuple[str, int]]:
    cells: list[tuple[str, int]] = []
    at = 0
    for char in text:
        if char == "\t":
            cell = " " * (TAB - at % TAB)
            size = len(cell)
        else:
            cell = shown(char)
            size = char_width(char) if cell == char else len(cell)
        cells.append((cell, size))
        at += size
    return cells


def _token_length(text: str) -> int:
    """How many characters from the caret on belong together: a quoted text, an expression, a word."""
    if text[:1] in ("'", '"'):
        end = text.find(text[0], 1)
        return end + 1 if end > 0 else len(text.rstrip())
    if text.startswith("{{"):
        end = text.find("}}")
        return end + 2 if end > 0 else 2
    word = re.match(r"\S+", text)
    if word is None:
        return 1
    return len(word[0].rstrip(":,]}")) or 1
