"""Breaking lines: nothing is lost, nothing changes places, nothing stands out, and words part only at the last."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seedpipe.images.wrap import wrap

WORDS = st.text(st.sampled_from("abcdeß Жя.,-—\u00a0\u00ad\u200b灯り、。「」한e\u0301"), max_size=60)
GONE_AT_A_BREAK = " \u00a0\u00ad\u200b-"


def columns(text: str) -> float:
    """A typewriter: one column a character, two for ideographs, none for marks."""
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text
    )


def letters(text: str) -> str:
    return "".join(char for char in text if char not in GONE_AT_A_BREAK)


@settings(max_examples=150)
@given(WORDS, st.integers(2, 40), st.booleans())
def test_every_letter_stays_in_its_order_and_within_the_width(text: str, width: int, even: bool) -> None:
    wrapped = wrap(text, width, columns, even=even)
    assert letters("".join(wrapped.lines)) == letters(text)
    assert all(columns(line) <= width or line[1:] == "-" for line in wrapped.lines)  # a lone letter with its hyphen


@settings(max_examples=100)
@given(st.lists(st.text("abcdef", min_size=1, max_size=9), min_size=1, max_size=14), st.integers(9, 40))
def test_words_that_fit_are_never_cut_and_even_lines_are_no_more_lines(words: list[str], width: int) -> None:
    tight, even = (wrap(" ".join(words), width, columns, even=even) for even in (False, True))
    assert not tight.broken and not even.broken
    assert " ".join(tight.lines).split(" ") == " ".join(even.lines).split(" ") == words
    assert len(even.lines) == len(tight.lines)
    assert max(map(columns, even.lines)) <= max(map(columns, tight.lines))


def test_no_lone_word_is_left_on_the_last_line() -> None:
    text = "one two three four five six"
    assert wrap(text, 24, columns, even=False).lines == ("one two three four five", "six")
    assert wrap(text, 24, columns).lines == ("one two three", "four five six")


@pytest.mark.parametrize(
    ("text", "width", "lines", "broken"),
    [
        ("", 10, ("",), False),
        ("  two  words  ", 20, ("two  words",), False),
        ("two   words", 5, ("two", "words"), False),
        ("well-known lamp", 6, ("well-", "known", "lamp"), False),
        ("10-20 and -5", 5, ("10-20", "and", "-5"), False),  # a number is no place for a break
        ("5\u00a0kg of it", 4, ("5\u00a0kg", "of", "it"), False),
        ("Donau\u00addampf", 6, ("Donau-", "dampf"), False),
        ("Donau\u00addampf", 10, ("Donaudampf",), False),
        ("abc\u200bdef", 3, ("abc", "def"), False),
        ("Donaudampf", 4, ("Dona", "udam", "pf"), True),
        ("e\u0301e\u0301e\u0301", 2, ("e\u0301e\u0301", "e\u0301"), True),  # an accent goes with its letter
        ("灯りを。", 6, ("灯り", "を。"), False),  # no full stop begins a line
        ("「灯り」を", 6, ("「灯", "り」を"), False),  # no bracket opens at a line's end
        ("빛을 지키다", 5, ("빛을", "지키", "다"), True),  # Korean breaks at its words
        ("灯lamp灯", 4, ("灯", "lamp", "灯"), False),
    ],
)
def test_where_lines_break(text: str, width: int, lines: tuple[str, ...], broken: bool) -> None:
    wrapped = wrap(text, width, columns, even=False)
    assert (wrapped.lines, wrapped.broken) == (lines, broken)
