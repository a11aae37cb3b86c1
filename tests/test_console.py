"""Where words go, when they are coloured, and how errors read."""

import fcntl
import io
import json
import os
import pty
import struct
import termios
import unicodedata
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedpipe.console import Console, excerpt, json_text, render_error, render_faults
from seedpipe.display import COLORED, PLAIN, display_width, without_colors
from seedpipe.errors import Fault, ManifestError, Severity, UsageError
from seedpipe.source import Position
from tests.review.goldens import check

MANIFEST = (
    "seedpipe: 1\n"
    "images:\n"
    "\thero:\n"
    "    promt: A lamp\n"
    '    size: "3K" # wide\n'
    '    prompt: "夜明けの工房、真鍮の {{ oops }}"\n'
    "    note: \x1b[31mred\x07 \u202e end\n"
    "    long: " + "word " * 60 + "HERE " + "more " * 50 + "\n"
    "    last: x"
)


def fault(code: str, line: int, column: int, message: str, hint: str | None = None) -> Fault:
    return Fault(code=code, message=message, position=Position("seedpipe.yaml", line, column), hint=hint)


FAULTS = [
    fault("unknown-key", 4, 5, "unknown key `promt` in image `hero`", "did you mean `prompt`?"),
    Fault(
        code="bad-size",
        message="size `3K` isn't one that `seedream-4-5` makes",
        position=Position("seedpipe.yaml", 5, 11),
        hint="it makes `2K` and `4K`, or any size between 2560x1440 and 4096x4096 pixels; write it like `size: 2K`",
        severity=Severity.WARNING,
    ),
    fault("tab", 3, 2, "a tab stands where blanks are due", "use blanks"),
    fault("undefined", 6, 25, "`oops` is not defined", "known: `product`"),
    fault("control", 7, 11, "\x1b]0;evil\x07 in a text\nand a second line", "take it out"),
    fault("long", 8, 311, "found `HERE` " * 12, "look"),
    fault("gone", 99, 1, "there is no such line", "look"),
    Fault(code="no-file", message="x", position=Position("\x1b[2Jevil.yaml", 1, 1)),
    Fault(code="nowhere", message="the file is empty", hint="begin with `seedpipe: 1`"),
]


def text_of(path: str) -> str | None:
    return MANIFEST if path == "seedpipe.yaml" else None


@pytest.mark.parametrize("width", [80, 120])
def test_faults_read_like_those_of_a_good_compiler(width: int) -> None:
    text = render_error(ManifestError(FAULTS), text_of, PLAIN, width=width)
    check(f"faults-{width}.txt", text)
    assert max(map(display_width, text.split("\n"))) <= width


def test_colors_change_nothing_but_colors() -> None:
    text = render_error(ManifestError(FAULTS), text_of, COLORED)
    assert "\x1b[" in text
    assert without_colors(text) == render_error(ManifestError(FAULTS), text_of, PLAIN)


def test_another_error_is_one_sentence() -> None:
    error = UsageError("no target `heroo`", hint="did you mean `hero`?")
    assert render_error(error, text_of, PLAIN) == "error: no target `heroo`\n  = hint: did you mean `hero`?"


def test_very_many_faults_are_counted() -> None:
    many = [fault("x", 4, 5, f"fault {number}") for number in range(200)]
    warning = Fault(code="w", message="a warning", severity=Severity.WARNING)
    text = render_faults([warning, *many], text_of, PLAIN)
    assert text.count("error:") == 50
    assert text.endswith("\n\n200 errors, 1 warning (the first 50 are shown)")
    assert render_faults([warning], text_of, PLAIN).endswith("\n\n1 warning")
    assert render_faults([], text_of, PLAIN) == "no faults"


@given(
    st.text(alphabet=st.one_of(st.characters(exclude_characters="\r\n"), st.sampled_from("ab ランプ\t")), max_size=400),
    st.integers(1, 450),
    st.integers(20, 100),
)
def test_the_caret_stands_under_its_place(line: str, column: int, width: int) -> None:
    text, before, length = excerpt(line, column, width)
    assert display_width(text) <= width
    assert all(unicodedata.category(char) not in ("Cc", "Cs") for char in text)
    assert before >= 0 and length >= 1
    assert before + length <= width + 1
    if column <= len(line) and line[column - 1] in "abランプ":  # a letter that is shown as it is
        columns = 0
        for char in text:
            if columns == before and char == line[column - 1]:
                break
            columns += display_width(char)
        else:
            pytest.fail(f"{line[column - 1]!r} is not at {before} of {text!r}")


def test_a_line_of_megabytes_is_quick() -> None:
    text, before, length = excerpt("x" * 20_000_000 + " HERE " + "y" * 20_000_000, 20_000_002, 60)
    assert text[before : before + length] == "HERE"


class Stream(io.StringIO):
    def __init__(self, terminal: bool) -> None:
        super().__init__()
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal


@pytest.mark.parametrize(
    ("color", "terminal", "environ", "colored"),
    [
        ("auto", True, {}, True),
        ("auto", False, {}, False),
        ("auto", True, {"NO_COLOR": "1"}, False),
        ("auto", True, {"NO_COLOR": ""}, True),
        ("auto", True, {"TERM": "dumb"}, False),
        ("auto", False, {"FORCE_COLOR": "1"}, True),
        ("auto", True, {"FORCE_COLOR": "0"}, False),
        ("auto", True, {"CLICOLOR": "0"}, False),
        ("auto", True, {"CLICOLOR": "1"}, True),
        ("auto", False, {"CLICOLOR_FORCE": "1"}, True),
        ("auto", True, {"CLICOLOR_FORCE": "1", "NO_COLOR": "1"}, False),
        ("auto", False, {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        ("always", False, {"NO_COLOR": "1", "TERM": "dumb"}, True),
        ("never", True, {"FORCE_COLOR": "1"}, False),
    ],
)
def test_when_there_are_colors(color: str, terminal: bool, environ: Mapping[str, str], colored: bool) -> None:
    console = Console(Stream(terminal), Stream(terminal), color=color, environ=environ)
    assert console.style.color is console.err_style.color is colored


def test_each_stream_has_its_own_colors() -> None:
    console = Console(Stream(False), Stream(True), environ={})
    assert (console.style.color, console.err_style.color) == (False, True)
    assert console.interactive
    assert not Console(Stream(True), Stream(True), environ={"CI": "true"}).interactive
    assert not Console(Stream(True), Stream(True), environ={}, quiet=True).interactive
    assert not Console(Stream(True), Stream(True), environ={"TERM": "dumb"}).interactive
    assert not Console(Stream(True), Stream(False), environ={}).interactive


@pytest.mark.parametrize(
    ("columns", "width"), [("100", 100), ("0", 80), ("", 80), ("-5", 80), ("wide", 80), ("٣", 80), ("9" * 30, 80)]
)
def test_width_from_the_environment(columns: str, width: int) -> None:
    assert Console(Stream(False), Stream(False), environ={"COLUMNS": columns}).width == width


def test_width_of_a_terminal() -> None:
    master, slave = pty.openpty()
    try:
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 97, 0, 0))
        with open(slave, "w", closefd=False) as stream:
            console = Console(stream, Stream(False), environ={})
            assert (console.width, console.err_width) == (97, 80)
            assert console.style.color
    finally:
        os.close(master)
        os.close(slave)


def test_streams_stay_apart() -> None:
    out, err = Stream(False), Stream(False)
    console = Console(out, err, quiet=True, environ={})
    console.out("result")
    console.err("said")
    console.note("not said")
    assert (out.getvalue(), err.getvalue()) == ("result\n", "said\n")


def test_json_is_pure_and_harmless() -> None:
    out = Stream(False)
    value = {"prompt": "夜明け \x1b[2J\x9b\u202e\u2028\x7f", "n": [1, None]}
    Console(out, Stream(False), environ={}).data(value)
    text = out.getvalue()
    assert json.loads(text) == value
    assert "夜明け" in text
    assert all(char.isprintable() or char == "\n" for char in text)
    assert json.loads(json_text({"x": "\ud800"})) == {"x": "\ud800"}


def test_a_terminal_without_these_letters() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    Console(stream, stream, environ={}).out("buys 7 · 夜")
    assert raw.getvalue() == b"buys 7 \\xb7 \\u591c\n"
