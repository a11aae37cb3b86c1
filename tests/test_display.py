"""Widths, clipping, wrapping and the guard against terminal control."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedpipe.display import (
    COLORED,
    PLAIN,
    display_width,
    fit,
    fit_path,
    flow,
    pad,
    pad_left,
    shown,
    shown_lines,
    without_colors,
    wrap,
)

TEXTS = st.text(alphabet=st.one_of(st.characters(), st.sampled_from("ランプ真鍮 é ​\u0301\u200d👩\x1b[")), max_size=60)


@pytest.mark.parametrize(
    ("text", "width"),
    [("lamp", 4), ("ランプ", 6), ("ﾗﾝﾌﾟ", 4), ("e\u0301", 1), ("각", 2), ("…", 1), (COLORED.red("lamp"), 4), ("", 0)],
)
def test_display_width(text: str, width: int) -> None:
    assert display_width(text) == width


def test_clipping_counts_columns() -> None:
    assert fit("夜明けの工房", 8) == "夜明け…"
    assert fit("lamp", 4) == "lamp"
    assert fit("lamps", 4) == "lam…"
    assert fit("cafe\u0301s noirs", 5) == "cafe\u0301…"
    assert fit("lamp", 0) == ""
    assert fit_path("build/scene/LUM-01/16:9.jpg", 12) == "…01/16:9.jpg"
    assert pad("工", 4) + "|" == "工  |"
    assert pad_left("工", 4) == "  工"


@given(TEXTS.map(shown), st.integers(1, 40))
def test_nothing_clipped_is_too_wide(text: str, width: int) -> None:
    assert display_width(fit(text, width)) <= width
    assert display_width(fit_path(text, width)) <= width


@given(TEXTS.map(shown), st.integers(8, 40))
def test_wrapping_keeps_every_letter_within_the_width(text: str, width: int) -> None:
    lines = wrap(text, width)
    assert all(display_width(line) <= width for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


def test_wrapping_breaks_japanese_but_not_before_a_full_stop() -> None:
    assert wrap("夜明けの工房、真鍮のランプ。", 12) == ["夜明けの工", "房、真鍮のラ", "ンプ。"]
    assert wrap("one two three", 9) == ["one two", "three"]
    assert wrap("one\ntwo", 9) == ["one", "two"]
    assert wrap("", 9) == [""]
    assert wrap("x" * 20, 9) == ["x" * 9, "x" * 9, "xx"]


@given(st.text(max_size=80))
def test_nothing_shown_acts_on_a_terminal(text: str) -> None:
    for char in shown(text):
        assert unicodedata.category(char) not in ("Cc", "Cs", "Zl", "Zp")
        assert char not in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c"
    assert set(shown_lines(text)) - {"\n"} == set(shown(shown_lines(text).replace("\n", "")))


def test_hidden_characters_are_written_out() -> None:
    assert shown("a\x1b]0;evil\x07\x9b2J\u202eb\ud800\u200b") == "a\\x1b]0;evil\\x07\\x9b2J\\u202eb\\ud800\\u200b"
    assert shown("👩\u200d🎨 می\u200cخواهم") == "👩\u200d🎨 می\u200cخواهم"
    assert shown("two\nlines\tand\r") == "two\\nlines\\tand\\r"
    assert shown_lines("two\r\nlines\rof\ttext") == "two\nlines\nof    text"


def test_styles_do_nothing_without_color() -> None:
    for name in ("bold", "dim", "red", "green", "yellow", "blue", "magenta", "cyan"):
        assert getattr(PLAIN, name)("x") == "x"
        assert without_colors(getattr(COLORED, name)("x")) == "x" != getattr(COLORED, name)("x")
    assert COLORED.red("") == ""
    with pytest.raises(KeyError):
        COLORED.paint("x", "mauve")


def test_a_command_is_not_broken_where_it_fits_a_line() -> None:
    text = "say so: `seedpipe resolve hero`; `seedpipe build --retry-unknown` may pay twice"
    assert wrap(text, 42) == ["say so: `seedpipe resolve hero`;", "`seedpipe build --retry-unknown` may pay", "twice"]
    assert wrap("`" + "x " * 20 + "`", 12)[0] == "`x x x x x x"


@pytest.mark.parametrize("text", ["「山の宿」と白く染め抜かれている、暖簾は藍色。", "ッと鳴るーーランプ（真鍮）、夜"])
@pytest.mark.parametrize("width", range(8, 30))
def test_no_japanese_line_begins_with_a_closing_mark_or_ends_with_an_opening_one(text: str, width: int) -> None:
    lines = wrap(text, width)
    assert "".join(lines) == text
    assert not any(line[0] in "、。」）ッー" for line in lines[1:])
    assert not any(line[-1] in "「（" for line in lines[:-1])


def test_parts_stand_side_by_side_or_below() -> None:
    assert flow(["a take", "chosen", "by Mika"], 18) == ["a take · chosen", "  by Mika"]
    assert flow(["a", "b"], 18, between="  ") == ["a  b"]
    assert flow([], 18) == []
