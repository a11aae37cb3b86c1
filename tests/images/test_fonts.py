"""The shipped fonts are the published ones, byte for byte."""

import hashlib

import pytest

from seedpipe.fonts import shipped_font
from seedpipe.images.fontfile import FontError, covered

PUBLISHED = {
    "DejaVuSans.ttf": "7da195a74c55bef988d0d48f9508bd5d849425c1770dba5d7bfc6ce9ed848954",
    "DejaVuSans-Bold.ttf": "e6476c1b80502924294eed40894c5b18e06c181444ca953e5334262df9c27724",
    "LICENSE-DejaVu.txt": "7a083b136e64d064794c3419751e5c7dd10d2f64c108fe5ba161eae5e5958a93",
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


def test_a_file_that_is_no_font_is_named(tmp_path):
    (tmp_path / "logo.ttf").write_bytes(b"<html>")
    with pytest.raises(FontError, match=r"the font `logo\.ttf` can't be read"):
        covered(tmp_path / "logo.ttf")
    with pytest.raises(FontError, match=r"`none\.ttf`.*No such file"):
        covered(tmp_path / "none.ttf")


def test_a_replaced_font_file_is_read_anew(tmp_path):
    path = tmp_path / "brand.ttf"
    path.write_bytes(shipped_font().read_bytes())
    assert ord("A") in covered(path)
    path.write_bytes(b"not a font any more")
    with pytest.raises(FontError):
        covered(path)
