"""The changed words of a prompt."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedpipe.display import COLORED, PLAIN, display_width, shown_lines, without_colors
from seedpipe.review.worddiff import diff_lines, word_diff

WORDS = st.lists(st.sampled_from(["lamp", "brass", "真鍮", "。", ",", " ", "\n", "  ", "Licht"]), max_size=30).map(
    "".join
)


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("a matte lamp.", "a brushed brass lamp.", "a [-matte-]{+brushed brass+} lamp."),
        ("one two three", "uno due tre", "[-one two three-]{+uno due tre+}"),
        ("a lamp", "a lamp, lit", "a lamp{+, lit+}"),
        ("a lamp, lit", "a lamp", "a lamp[-, lit-]"),
        ("same", "same", "same"),
        ("", "new", "{+new+}"),
        ("鉄のランプ", "真鍮のランプ", "[-鉄-]{+真鍮+}のランプ"),
    ],
)
def test_changed_words(old: str, new: str, line: str) -> None:
    assert diff_lines(word_diff(old, new), 80, PLAIN) == [line]


@given(WORDS, WORDS)
def test_both_texts_can_be_read_from_it(old: str, new: str) -> None:
    parts = word_diff(old, new)
    assert "".join(text for kind, text in parts if kind != "new") == old
    assert "".join(text for kind, text in parts if kind != "old") == new


@given(WORDS, WORDS, st.integers(12, 60))
def test_lines_fit(old: str, new: str, width: int) -> None:
    parts = word_diff(old, new)
    for style in (PLAIN, COLORED):
        assert all(display_width(line) <= width for line in diff_lines(parts, width, style))


def test_line_breaks_of_the_new_text_stay() -> None:
    assert diff_lines(word_diff("a\nb", "a\nc\nd"), 80, PLAIN) == ["a", "[-b-]{+c+}", "{+d+}"]
    assert without_colors("\n".join(diff_lines(word_diff("a b", "a c"), 80, COLORED))) == "a bc"


def test_long_texts_are_quick() -> None:
    old, new = ("word " * 30_000, "other " * 30_000)
    assert word_diff("x " + old + "y", "x " + new + "y")[0] == ("equal", "x ")
    assert shown_lines(old) == old


def test_a_line_does_not_begin_with_a_closing_mark() -> None:
    old = "京都の古い旅館の玄関、雨上がりの早朝。石畳が濡れて空を映し、暖簾は藍色で「山の宿」と白く染め抜かれている。"
    new = old.replace("雨上がりの早朝", "雪の朝").replace("藍", "紺")
    for width in range(16, 60):
        lines = diff_lines(word_diff(old, new), width, PLAIN)
        assert not any(line[0] in "、。」" for line in lines[1:]), (width, lines)
    words = diff_lines(word_diff("a small lamp, lit", "a tall lamp, lit"), 15, PLAIN)
    assert not any(line[0] in ",." for line in words[1:]), words


def test_what_is_gone_ends_without_blanks_at_the_end_of_a_line() -> None:
    lines = diff_lines(word_diff("x even soft daylight y", "x warm lamp light y"), 16, PLAIN)
    assert lines[0] == "x [-even soft-]"
    assert not any(" -]" in line or " +}" in line for line in lines)
