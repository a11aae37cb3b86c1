"""Text normalisation is frozen: it decides keys, so each line here is a promise."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedpipe.manifest.normalise import normalise_text


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("one", "one"),
        ("one  ", "one"),
        ("one \t\ntwo\t", "one\ntwo"),
        ("\n\n  one\n\ntwo\n\n", "  one\n\ntwo"),
        (" \n\t\none\n \n", "one"),
        ("one\r\ntwo\rthree", "one\ntwo\nthree"),
        ("e\u0301", "\u00e9"),
        ("\u212b", "\u00c5"),
        ("one\u3000", "one\u3000"),  # a wide blank is a character of the text
        ("one\u00a0", "one\u00a0"),
        ("", ""),
        (" \r\n ", ""),
        ("a\n\n\nb", "a\n\n\nb"),
    ],
)
def test_the_frozen_rules(text: str, normal: str) -> None:
    assert normalise_text(text) == normal


@given(st.text(alphabet=st.characters(codec="utf-8")) | st.text(alphabet=" \t\r\nae\u0301\u212b\u1100\u1161"))
def test_normalising_twice_changes_nothing(text: str) -> None:
    once = normalise_text(text)
    assert normalise_text(once) == once
    assert "\r" not in once
    assert unicodedata.is_normalized("NFC", once)
    assert not once.startswith("\n")
    assert not once.endswith("\n")
    assert not any(line.endswith((" ", "\t")) for line in once.split("\n"))


@given(st.lists(st.text(alphabet="ab \t", max_size=5), max_size=5))
def test_line_ends_do_not_matter(lines: list[str]) -> None:
    assert normalise_text("\n".join(lines)) == normalise_text("\r\n".join(lines)) == normalise_text("\r".join(lines))
