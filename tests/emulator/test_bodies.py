"""What the ledger notes of a body: the fields as they came, and never more than it can say again."""

import json

from hypothesis import given
from hypothesis import strategies as st

from seedpipe.emulator.bodies import as_noted

TEXT = st.text(st.characters(exclude_categories=()), max_size=30)  # halves of characters too
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=30,
)


@given(st.dictionaries(TEXT, VALUES, max_size=6))
def test_it_can_always_be_said_again(body: dict[str, object]) -> None:
    data = json.dumps(as_noted(body), allow_nan=False, ensure_ascii=False).encode()
    assert len(data) <= 4 * 20_000 + 100


def test_every_field_as_it_came() -> None:
    body = {
        "model": "m",
        "prompt": "ein Licht, 灯",
        "seed": 7,
        "guidance_scale": 2.5,
        "n": None,
        "tools": [{"type": "x"}],
    }
    assert as_noted(body) == body


def test_pictures_and_long_texts_are_cut_and_say_so() -> None:
    picture = "data:image/png;base64," + "A" * 5_000_000
    noted = as_noted({"image": [picture, "https://x/1.png"], "prompt": "p" * 2_001})
    assert noted["image"] == [f"{picture[:40]}… (5000022 characters)", "https://x/1.png"]
    assert noted["prompt"] == "p" * 2_000 + "… (2001 characters)"


def test_of_what_is_endless_only_the_names_are_kept() -> None:
    assert as_noted({"image": ["x" * 1_999] * 20, "model": "m"}) == {"fields": ["image", "model"]}
