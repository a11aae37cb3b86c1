"""References for sending: untouched where the service takes the file, else the same picture within its limits."""

import re
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from seedpipe.catalogue.catalogue import load_catalogue
from seedpipe.images.decode import NotAPictureError
from seedpipe.images.sending import Prepared, ReferenceLimits, ReferenceRefusedError, prepare_reference
from tests.images.pictures import cut_out, encoded, noise, opened, png16, scene

LIMITS = ReferenceLimits(
    formats=("jpeg", "png", "webp", "gif"), max_bytes=60_000, max_pixels=40_000, min_pixels=196, min_side=15
)


def nearly(image: Image.Image, colours: list[tuple[int, ...]], within: int = 12) -> bool:
    """Whether the middles of the four quarters have these colours."""
    across, down = image.width // 4, image.height // 4
    found = [image.getpixel((x, y)) for y in (down, 3 * down) for x in (across, 3 * across)]
    return all(
        isinstance(pixel, tuple) and max(abs(a - b) for a, b in zip(pixel, colour, strict=False)) <= within
        for pixel, colour in zip(found, colours, strict=True)
    )


RED, GREEN, BLUE, YELLOW = (220, 20, 20), (20, 200, 20), (20, 20, 220), (240, 220, 20)


@pytest.mark.parametrize(
    ("image", "kind"),
    [
        (scene(), "jpeg"),
        (scene(), "png"),
        (scene(), "webp"),
        (scene(), "gif"),
        (cut_out(), "png"),  # a transparent PNG is what `background: transparent` asks for
        (cut_out(), "webp"),
        (scene().convert("L"), "jpeg"),
        (scene().convert("P"), "png"),
    ],
)
def test_what_the_service_takes_is_sent_byte_for_byte(image, kind):
    data = encoded(image, kind)
    assert prepare_reference(data, LIMITS) == Prepared(format=kind, data=data, changed=False, why="")


def test_a_plain_orientation_and_foreign_bytes_at_the_end_are_no_reason_to_touch_a_file():
    exif = Image.Exif()
    exif[0x0112] = 1
    data = encoded(scene(), "jpeg", exif=exif) + b"\0" * 100
    assert prepare_reference(data, LIMITS).data == data


@pytest.mark.parametrize(
    ("data", "kind", "why"),
    [
        (encoded(scene(), "bmp"), "jpeg", "bmp is not among jpeg, png, webp, gif"),
        (encoded(scene(), "tiff"), "jpeg", "tiff is not among jpeg, png, webp, gif"),
        (encoded(cut_out(), "tiff"), "png", "tiff is not among jpeg, png, webp, gif"),
        (encoded(scene(300, 200), "png"), "jpeg", "60000 pixels are more than 40000"),
        (encoded(noise(150, 150), "png"), "jpeg", r"6\d{4} bytes is more than 60000 bytes"),
        (encoded(scene().convert("CMYK"), "jpeg"), "jpeg", "its pixels are of the kind CMYK"),
        (encoded(Image.new("I;16", (40, 40), 30_000), "png"), "jpeg", "it has 16 bits a channel"),
        (png16(scene()), "jpeg", "it has 16 bits a channel"),  # Pillow reads it as 8
        (
            encoded(scene(), "gif", save_all=True, append_images=[cut_out().convert("RGB").resize((160, 90))]),
            "jpeg",
            "it is animated, the first frame is sent",
        ),
    ],
)
def test_what_it_would_refuse_or_misread_is_re_encoded_and_says_why(data, kind, why):
    prepared = prepare_reference(data, LIMITS)
    assert (prepared.format, prepared.changed) == (kind, True)
    assert re.fullmatch(why, prepared.why)
    image = opened(prepared.data)
    assert (image.format or "").lower() == kind
    assert len(prepared.data) <= LIMITS.max_bytes
    assert image.width * image.height <= LIMITS.max_pixels
    if image.size == (160, 90):
        assert nearly(image.convert("RGB"), [RED, GREEN, BLUE, YELLOW], within=40)


def test_sixteen_bits_of_grey_keep_their_tone():
    prepared = prepare_reference(encoded(Image.new("I;16", (40, 40), 30_000), "png"), LIMITS)
    assert opened(prepared.data).convert("L").getpixel((20, 20)) == pytest.approx(30_000 / 256, abs=1)


@pytest.mark.parametrize("orientation", range(2, 9))
def test_an_orientation_is_baked_in(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(scene(), "jpeg", exif=exif, quality=95)
    prepared = prepare_reference(data, LIMITS)
    assert prepared.why == "its EXIF orientation turns it, which not every decoder does"
    image = opened(prepared.data)
    assert image.getexif().get(0x0112) is None
    assert image.size == ((160, 90) if orientation < 5 else (90, 160))
    first = {2: GREEN, 3: YELLOW, 4: BLUE, 5: RED, 6: BLUE, 7: YELLOW, 8: GREEN}[orientation]
    corner = image.getpixel((image.width // 4, image.height // 4))
    assert max(abs(a - b) for a, b in zip(corner, first, strict=True)) < 12


def test_several_reasons_are_all_told():
    prepared = prepare_reference(encoded(noise(250, 250), "bmp"), LIMITS, name="art/big.bmp")
    assert prepared.why == (
        "bmp is not among jpeg, png, webp, gif; 0.2 MiB is more than 60000 bytes; 62500 pixels are more than 40000"
    )


def test_transparency_survives_re_encoding_and_brings_no_dark_fringe():
    big = cut_out(400)
    prepared = prepare_reference(encoded(big, "png"), LIMITS)
    image = opened(prepared.data)
    assert (prepared.format, image.mode) == ("png", "RGBA")
    assert image.getpixel((0, 0))[3] == 0
    assert all(min(pixel[:3]) > 200 for pixel in image.get_flattened_data() if pixel[3] > 20)  # white to the very edge


def test_where_the_service_takes_only_jpeg_transparency_is_laid_on_white():
    limits = ReferenceLimits(formats=("jpeg",), max_bytes=60_000, max_pixels=40_000)
    image = opened(prepare_reference(encoded(cut_out(), "png"), limits).data)
    assert image.getpixel((0, 0)) == pytest.approx((255, 255, 255), abs=3)


@pytest.mark.parametrize(
    ("size", "says"),
    [
        ((170, 10), r"`art/thin\.png` is 170x10; the service takes an aspect of 1:16 to 16:1"),
        ((20, 14), r"`art/thin\.png` is 20x14; the service takes sides of 15 pixels or more"),
        ((1, 1), r"`art/thin\.png` is 1x1; the service takes sides of 15 pixels or more"),
    ],
)
def test_a_shape_that_the_service_refuses_is_an_error_before_anything_is_sent(size, says):
    with pytest.raises(ReferenceRefusedError, match=says):
        prepare_reference(encoded(Image.new("RGB", size), "png"), LIMITS, name="art/thin.png")


def test_too_few_pixels_are_refused_too():
    limits = ReferenceLimits(formats=("png",), max_bytes=1000, max_pixels=1000, min_pixels=196)
    with pytest.raises(ReferenceRefusedError, match="the data has 144 pixels; the service takes 196 or more"):
        prepare_reference(encoded(Image.new("RGB", (12, 12)), "png"), limits)


def test_a_strip_that_would_become_too_narrow_is_told_with_both_sizes():
    limits = ReferenceLimits(formats=("png",), max_bytes=60_000, max_pixels=900, min_side=15)
    with pytest.raises(ReferenceRefusedError, match="`strip` is 15x61; with at most 900 pixels it would be 14x"):
        prepare_reference(encoded(scene(15, 61), "png"), limits, name="strip")


def test_a_limit_that_no_picture_can_meet_is_told_and_doesnt_loop():
    limits = ReferenceLimits(formats=("png",), max_bytes=200, max_pixels=40_000, min_side=15)
    with pytest.raises(ReferenceRefusedError, match=r"`hero` can't be made smaller than 200 bytes"):
        prepare_reference(encoded(noise(60, 60), "png"), limits, name="hero")


def test_formats_that_cant_be_written_are_told():
    limits = ReferenceLimits(formats=("heic",), max_bytes=60_000, max_pixels=40_000)
    with pytest.raises(ReferenceRefusedError, match="it takes heic, we write jpeg, png, webp"):
        prepare_reference(encoded(scene(), "png"), limits)


def test_what_is_no_picture_is_named_by_its_address():
    with pytest.raises(NotAPictureError, match="`logo` is an HTML page"):
        prepare_reference(b"<html></html>", LIMITS, name="logo")


@settings(max_examples=40, deadline=None)
@given(st.integers(15, 400), st.integers(15, 400), st.integers(900, 60_000), st.integers(1_000, 40_000))
def test_whatever_the_limits_what_is_sent_keeps_them(width, height, most_bytes, most_pixels):
    limits = ReferenceLimits(formats=("jpeg",), max_bytes=most_bytes, max_pixels=most_pixels, min_side=1)
    if not Fraction(1, 16) <= Fraction(width, height) <= 16:
        return
    try:
        prepared = prepare_reference(encoded(NOISE.crop((0, 0, width, height)), "png"), limits)
    except ReferenceRefusedError as refused:
        assert "can't be made smaller" in refused.message
        return
    image = opened(prepared.data)
    assert len(prepared.data) <= most_bytes
    assert image.width * image.height <= most_pixels
    assert Fraction(1, 16) <= Fraction(*image.size) <= 16
    assert abs(image.width / image.height - width / height) <= max(width / height, 1) * 2 / min(image.size)


NOISE = noise(400, 400)


EDITORS = [model for model in load_catalogue().models.values() if model.references.max]


@pytest.mark.parametrize("model", EDITORS, ids=[model.id for model in EDITORS])
def test_every_models_limits_take_a_photograph_from_a_telephone(model):
    """In miniature: it lies on its side, and has a little more pixels than the model takes."""
    exif = Image.Exif()
    exif[0x0112] = 6
    limits = ReferenceLimits(
        formats=model.references.formats,
        max_bytes=model.references.max_bytes,
        max_pixels=400 * 300 - 1,
        min_pixels=model.references.pixels.min,
        min_side=model.references.min_side,
        aspect_min=model.references.aspect.min,
        aspect_max=model.references.aspect.max,
    )
    prepared = prepare_reference(encoded(noise(400, 300), "jpeg", exif=exif), limits)
    image = opened(prepared.data)
    assert image.width < image.height and image.width * image.height < 400 * 300
    assert prepared.format in model.references.formats
