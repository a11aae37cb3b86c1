"""The shipped fonts: the published ones byte for byte, and for captions the part that its licence file describes."""

import hashlib

import pytest

from seedpipe.fonts import caption_font, shipped_font
from seedpipe.images.fontfile import FontError, covered

PUBLISHED = {
    "DejaVuSans.ttf": "7da195a74c55bef988d0d48f9508bd5d849425c1770dba5d7bfc6ce9ed848954",
    "DejaVuSans-Bold.ttf": "e6476c1b80502924294eed40894c5b18e06c181444ca953e5334262df9c27724",
    "LICENSE-DejaVu.txt": "7a083b136e64d064794c3419751e5c7dd10d2f64c108fe5ba161eae5e5958a93",
    "WenQuanYiMicroHei-captions.ttf": "7f8c5eeb9047c338d8689c7a486d57a6dbf7d34a00eb6d7fe7bb8d7cea20c48c",
    "LICENSE-WenQuanYi.txt": "2d33d225cfb49b4d1c97b2b5dec886e24c02d46634dee4fa5823f179bd1b91f7",
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_vendored_files_are_unchanged(name):
    assert hashlib.sha256((shipped_font().parent / name).read_bytes()).hexdigest() == PUBLISHED[name]


def test_regular_and_bold_are_found():
    assert shipped_font().name == "DejaVuSans.ttf"
    assert shipped_font(bold=True).name == "DejaVuSans-Bold.ttf"


@pytest.mark.parametrize("bold", [False, True])
def test_covers_the_promised_scripts(bold):
    promised = "Ää ẞß Łł Œœ Ğğ Ωω Άά Жж Ёё Ґґ €₽ →✓ “„«» – — … ½ ©®™ אבג ابج"
    assert {char for char in promised if ord(char) not in covered(shipped_font(bold=bold))} == set()


def in_charset(charset: str, rows: range) -> set[str]:
    """The characters of some rows of a national standard."""
    codes = (bytes([row, cell]) for row in rows for cell in range(0xA1, 0xFF))
    return set("".join(code.decode(charset, "ignore") for code in codes))


@pytest.mark.parametrize(
    ("charset", "rows", "count"),
    [
        ("euc_jp", range(0xB0, 0xF5), 6_355),  # all kanji of JIS X 0208
        ("gb2312", range(0xB0, 0xD8), 3_755),  # its first level
        ("euc_kr", range(0xB0, 0xC9), 2_350),  # Hangul of KS X 1001
    ],
)
def test_captions_cover_the_national_standards(charset, rows, count):
    letters = in_charset(charset, rows)
    assert len(letters) == count
    assert {letter for letter in letters if ord(letter) not in covered(caption_font())} == set()


def test_a_file_that_is_no_font_is_named(tmp_path):
    (tmp_path / "logo.ttf").write_bytes(b"<html>")
    with pytest.raises(FontError, match=r"the font `logo\.ttf` can't be read"):
        covered(tmp_path / "logo.ttf")
    with pytest.raises(FontError, match=r"`none\.ttf`.*no such file"):
        covered(tmp_path / "none.ttf")


def test_a_replaced_font_file_is_read_anew(tmp_path):
    path = tmp_path / "brand.ttf"
    path.write_bytes(shipped_font().read_bytes())
    assert ord("A") in covered(path)
    path.write_bytes(b"not a font any more")
    with pytest.raises(FontError):
        covered(path)
