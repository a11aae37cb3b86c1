"""Setting text: it fits its box or says so, reads in its own direction, and never shows an empty box for a letter."""

import unicodedata
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seedpipe.fonts import shipped_font
from seedpipe.images.fontfile import Face
from seedpipe.images.layout import (
    Layout,
    LetteringError,
    MissingGlyphsError,
    TextDoesNotFitError,
    UnsupportedScriptError,
    lay_out,
    line_ink,
)
from seedpipe.images.script import visual_line
from seedpipe.manifest.steps import Length, OverlayPlace, Text

PICTURE = (800, 450)
WIDE = Length(value=1000, relative=True)
LATIN = "Licht, das bleibt — Größe Ärger façade"
GREEK = "Φως που μένει, άνω και κάτω"
CYRILLIC = "Свет, который остаётся — Її Ґанок"
HEBREW = "אור שנשאר, 12 מנורות (LUM-01)"
ARABIC = "ضوء يبقى، 12 مصباحًا (LUM-01)"


def seen(text: str, direction: str) -> str:
    """What stands on the line from left to right, with a font that has everything."""
    return "".join(cluster.base + cluster.marks for cluster in visual_line(text, direction, range(0x110000)))


def drawn(layout: Layout) -> list[str]:
    return ["".join(cluster.base for cluster in line.clusters) for line in layout.lines]


def check_within(layout: Layout, step: Text, picture: tuple[int, int]) -> None:
    """No ink outside the frame, and the frame within the box and the picture."""
    face = Face(shipped_font(), layout.size)
    height = layout.outer_size[1] - 2 * layout.pad_y
    assert layout.width <= step.box_width.of(picture[0])
    assert height <= step.box_height.of(picture[1])
    assert layout.outer_size[0] <= picture[0] and layout.outer_size[1] <= picture[1]
    baseline = layout.above
    for line in layout.lines:
        ink = line_ink(face, line)
        assert line.width <= layout.width - 2 * layout.stroke
        if ink is not None:
            assert baseline + ink[1] - layout.stroke >= 0 and baseline + ink[3] + layout.stroke <= height
        baseline += layout.pitch


STEPS = st.builds(
    Text,
    text=st.lists(
        st.sampled_from(
            [*LATIN.split(), *GREEK.split(), *CYRILLIC.split(), *HEBREW.split(), *ARABIC.split(), "Å\u0302"]
        ),
        min_size=1,
        max_size=16,
    ).map(" ".join),
    box_width=st.integers(100, 1000).map(lambda value: Length(value=value, relative=True)),
    box_height=st.integers(40, 1000).map(lambda value: Length(value=value, relative=True)),
    line_height=st.integers(80, 200),
    stroke=st.sampled_from([None, "#000000"]),
    background=st.sampled_from([None, "#000000b0"]),
)


@settings(max_examples=40, deadline=None)
@given(STEPS, st.sampled_from([(800, 450), (300, 700), (64, 64)]))
def test_a_fitted_text_never_stands_out_of_its_box(step: Text, picture: tuple[int, int]) -> None:
    try:
        layout = lay_out(step, shipped_font(), picture)
    except TextDoesNotFitError as error:
        assert "doesn't fit its box" in error.message
        return
    check_within(layout, step, picture)
    assert layout.size >= min(step.min_size.of(picture[1]), step.max_size.of(picture[1]))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from([*LATIN.split(), *GREEK.split(), *CYRILLIC.split()]), min_size=1, max_size=20))
def test_words_keep_their_order(words: list[str]) -> None:
    layout = lay_out(Text(text=" ".join(words), box_height=WIDE), shipped_font(), PICTURE)
    assert " ".join(drawn(layout)).split() == [unicodedata.normalize("NFC", word) for word in words]


def test_a_longer_text_is_set_smaller_down_to_the_least_size_and_then_refused() -> None:
    sizes = [lay_out(Text(text="lantern " * count), shipped_font(), PICTURE).size for count in (1, 8, 40)]
    assert sizes[0] == Text(text="").max_size.of(450) == 54
    assert sizes[0] > sizes[1] > sizes[2] >= 9
    with pytest.raises(TextDoesNotFitError) as caught:
        lay_out(Text(text="lantern " * 200), shipped_font(), PICTURE)
    assert caught.value.message == (
        "the text `lantern lantern lantern lantern lantern…` doesn't fit its box of 640x135 pixels at 9 pixels "
        "(2.0% of the height); it would fit at 8 pixels (1.8% of the height)"
    )
    assert caught.value.hint == "shorten the text, enlarge `box_width` or `box_height`, or lower `min_size`"


def test_the_size_that_the_error_names_does_fit_and_the_next_does_not() -> None:
    step = Text(text="lantern " * 200, min_size=Length(value=8))
    assert lay_out(step, shipped_font(), PICTURE).size == 8
    with pytest.raises(TextDoesNotFitError, match="at 9 pixels"):
        lay_out(replace(step, size=Length(value=9)), shipped_font(), PICTURE)


def test_a_fitted_size_is_the_largest_that_fits() -> None:
    step = Text(text="A lamp that keeps its light through the night", max_size=Length(value=200))
    best = lay_out(step, shipped_font(), PICTURE).size
    with pytest.raises(TextDoesNotFitError, match="it would fit at"):
        lay_out(replace(step, size=Length(value=best + 6)), shipped_font(), PICTURE)


def test_a_fixed_size_is_kept_or_refused_but_never_changed() -> None:
    step = Text(text="Light, kept", size=Length(value=40))
    assert lay_out(step, shipped_font(), PICTURE).size == 40
    with pytest.raises(TextDoesNotFitError) as caught:
        lay_out(replace(step, size=Length(value=400)), shipped_font(), PICTURE)
    assert caught.value.hint is not None and caught.value.hint.endswith("lower `size`")


def test_a_word_is_cut_only_where_no_size_keeps_it_whole() -> None:
    box = Length(value=110)
    whole = lay_out(Text(text="Beleuchtung heute", box_width=box), shipped_font(), PICTURE)
    assert drawn(whole) == ["Beleuchtung", "heute"]
    cut = lay_out(Text(text="Beleuchtung" * 3, box_width=box), shipped_font(), PICTURE)
    assert "".join(drawn(cut)) == "Beleuchtung" * 3 and len(cut.lines) > 1


def test_lines_of_the_text_stay_lines() -> None:
    assert drawn(lay_out(Text(text="\n\nLight,\n\nkept\r\n"), shipped_font(), PICTURE)) == ["Light,", "", "kept"]


@pytest.mark.parametrize("text", [LATIN, GREEK, CYRILLIC, HEBREW, ARABIC])
def test_the_shipped_font_sets_the_promised_scripts(text: str) -> None:
    step = Text(text=text, box_height=WIDE)
    layout = lay_out(step, shipped_font(), PICTURE)
    check_within(layout, step, PICTURE)
    assert layout.direction == ("rtl" if text in (HEBREW, ARABIC) else "ltr")


@pytest.mark.parametrize(
    ("text", "direction", "expected"),
    [
        ("אבג", "rtl", "גבא"),
        ("אבג 12,5 דה", "rtl", "הד 12,5 גבא"),
        ("(אב)", "rtl", "(בא)"),  # brackets are mirrored
        ("אב LUM-01", "rtl", "LUM-01 בא"),
        ("the word אבג, here", "ltr", "the word גבא, here"),
        ("אב!", "rtl", "!בא"),
        ("אב!", "ltr", "בא!"),
        ("שָׁ", "rtl", "שָׁ"),  # points stay after their letter
        ("سلام", "rtl", "\ufee1\ufefc\ufeb3"),  # initial seen, lam-alef, final meem
        ("\u2067אב\u2069 ok", "ltr", "בא ok"),
    ],
)
def test_letters_stand_where_readers_look_for_them(text: str, direction: str, expected: str) -> None:
    assert seen(text, direction) == expected


@settings(max_examples=100)
@given(st.text("abc אבגשׁ()[] 12,-!", max_size=30), st.sampled_from(["ltr", "rtl"]))
def test_reordering_loses_no_letter(text: str, direction: str) -> None:
    mirrored = str.maketrans("()[]", "((((", "\u00a0")  # a mark that begins a line is set on a blank
    assert sorted(seen(text, direction).translate(mirrored)) == sorted(text.translate(mirrored))


def test_each_paragraph_has_its_own_direction_and_the_first_decides_the_side() -> None:
    layout = lay_out(Text(text="אור נשאר!\nLUM-01!\n12!"), shipped_font(), PICTURE)
    assert layout.direction == "rtl"
    assert drawn(layout) == ["!ראשנ רוא", "LUM-01!", "!12"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("灯りを守る", "the font `DejaVuSans.ttf` has no `灯` (U+706F), `り` (U+308A), `を` (U+3092), `守` (U+5B88), "),
        ("Licht 灯", "the font `DejaVuSans.ttf` has no `灯` (U+706F)"),
        ("".join(map(chr, range(0x4E00, 0x4E0C))), " and 4 more"),
    ],
)
def test_letters_that_the_font_lacks_are_named_and_never_boxes(text: str, says: str) -> None:
    with pytest.raises(MissingGlyphsError) as caught:
        lay_out(Text(text=text), shipped_font(), PICTURE)
    assert says in caught.value.message
    assert caught.value.hint and "font:" in caught.value.hint and "characters" in caught.value.hint


def test_what_looks_the_same_or_shows_nothing_is_never_missing() -> None:
    text = "a\u2011b\u2212c\u00ad\u200b\u200d\u2060\u3000d\te\ufe0f"
    assert drawn(lay_out(Text(text=text), shipped_font(), PICTURE))[0].replace("\u2003", " ").split() == [
        "a\u2011b\u2212c",
        "d",
        "e",
    ]


@pytest.mark.parametrize(("text", "script"), [("दीपक", "Devanagari"), ("ไทย", "Thai"), ("ខ្មែរ", "Khmer")])
def test_a_script_that_is_not_set_right_is_not_set_at_all(text: str, script: str) -> None:
    with pytest.raises(UnsupportedScriptError, match=f"holds {script} letters") as caught:
        lay_out(Text(text=text), shipped_font(), PICTURE)
    assert caught.value.hint == "lay that lettering on as a picture with `overlay`"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "the text is empty"),
        (" \n\u200b\t", "the text is empty"),
        ("x" * 5_001, "has 5001 characters; a step takes 5000"),
    ],
)
def test_nothing_and_too_much_are_refused(text: str, says: str) -> None:
    with pytest.raises(LetteringError, match=says):
        lay_out(Text(text=text), shipped_font(), PICTURE)


def test_a_text_of_as_many_characters_as_a_step_takes_is_set() -> None:
    step = Text(text="lamp " * 1_000, size=Length(value=8), box_width=WIDE, box_height=WIDE)
    check_within(lay_out(step, shipped_font(), PICTURE), step, PICTURE)


def test_a_margin_leaves_its_share_of_the_picture() -> None:
    step = Text(
        text="Light " * 12,
        box_width=WIDE,
        box_height=WIDE,
        max_size=Length(value=300),
        background="#000000",
        place=OverlayPlace(anchor="bottom-left", margin=Length(value=100)),
    )
    outer = lay_out(step, shipped_font(), PICTURE).outer_size
    assert outer[0] <= 700 and outer[1] <= 350
