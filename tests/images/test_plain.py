"""A glance at the font's table never says more than the typesetter does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedpipe.errors import SeedpipeError
from seedpipe.fonts import shipped_font
from seedpipe.images.lettering import check_text
from seedpipe.images.plain import is_plainly_drawn
from seedpipe.manifest.steps import Text


@given(
    st.text(st.sampled_from("Ä ö-Жψאב مض\u0301\u00ad\u200d\t\n灯りकﬁ…«’+€́") | st.characters(codec="utf-8"), max_size=12)
)
def test_what_it_lets_through_can_be_drawn(text: str) -> None:
    if is_plainly_drawn(text, shipped_font()):
        check_text(Text(text=text), shipped_font(), None)


@pytest.mark.parametrize("text", ["Spring is in", "Größe, 20 %", "Ёлка", "Ψηφίο"])
def test_usual_texts_need_no_typesetter(text: str) -> None:
    assert is_plainly_drawn(text, shipped_font())


@pytest.mark.parametrize("text", ["灯", "אור", "e\u0301", "प्र", "+", ""])
def test_others_do(text: str) -> None:
    assert not is_plainly_drawn(text, shipped_font())


def test_what_it_leaves_is_judged() -> None:
    with pytest.raises(SeedpipeError, match=r"has no `灯`"):
        check_text(Text(text="灯"), shipped_font(), None)
