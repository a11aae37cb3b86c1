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
