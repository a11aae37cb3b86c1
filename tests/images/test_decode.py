"""Bytes to pixels: colours in sRGB, bounded memory, and a sentence instead of a traceback for whatever comes."""

import io
import struct
import subprocess
import sys
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from seedpipe.errors import SeedpipeError
from seedpipe.images.decode import NotAPictureError, decode, srgb
from seedpipe.images.finish import finish
from seedpipe.images.probe import probe_picture
from tests.images.pictures import adobe_rgb, cut_out, encoded, noise, opened, png_chunk, png_header, scene, written


def in_srgb(data: bytes) -> Image.Image:
    return srgb(decode(data, "the data"), "the data")


ADOBE_RGB = adobe_rgb()


def test_a_profile_is_applied():
    """Adobe RGB (90, 180, 60) is a green at the edge of sRGB: red falls, green rises."""
    wide = in_srgb(encoded(Image.new("RGB", (8, 8), (90, 180, 60)), "png", icc_profile=ADOBE_RGB))
    red, green, _ = wide.getpixel((4, 4))
    assert red < 60 and green > 180
    grey = in_srgb(encoded(Image.new("RGB", (8, 8), (128, 128, 128)), "png", icc_profile=ADOBE_RGB))
    assert grey.getpixel((4, 4)) == pytest.approx((128, 128, 128), abs=2)


def test_srgb_and_no_profile_leave_colours_alone():
    srgb_profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    plain = in_srgb(encoded(scene(), "png"))
    assert plain.tobytes() == scene().tobytes()
    assert in_srgb(encoded(scene(), "png", icc_profile=srgb_profile)).tobytes() == plain.tobytes()


@pytest.mark.parametrize(
    "broken", [b"not a profile", ADOBE_RGB[:200], ADOBE_RGB[:128] + b"\xff" * 200, b"\0" * 500], ids=range(4)
)
def test_a_broken_profile_is_ignored(broken):
    assert in_srgb(encoded(scene(), "png", icc_profile=broken)).tobytes() == scene().tobytes()


def test_a_profile_of_another_colour_space_is_ignored():
    grey = scene().convert("L")
    assert in_srgb(encoded(grey, "png", icc_profile=ADOBE_RGB)).tobytes() == grey.convert("RGB").tobytes()


def test_a_transparent_picture_keeps_its_alpha_through_a_profile():
    image = in_srgb(encoded(cut_out(), "png", icc_profile=ADOBE_RGB))
    assert image.mode == "RGBA"
    assert image.getchannel("A").tobytes() == cut_out().getchannel("A").tobytes()


def test_nothing_of_the_files_metadata_travels_on():
    exif = Image.Exif()
    exif[0x010E] = "where I live"
    image = in_srgb(encoded(scene(), "jpeg", exif=exif, comment=b"secret", icc_profile=ADOBE_RGB))
    assert image.info == {}
    assert b"where I live" not in encoded(image, "png")


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (Image.new("1", (4, 4), 1), (255, 255, 255)),
        (Image.new("L", (4, 4), 77), (77, 77, 77)),
        (Image.new("I;16", (4, 4), 0xFFFF), (255, 255, 255)),
        (Image.new("I;16", (4, 4), 0x8000), (128, 128, 128)),
        (Image.new("RGB", (4, 4), (1, 2, 3)).quantize(2), (1, 2, 3)),
        (Image.new("RGBA", (4, 4), (9, 8, 7, 255)), (9, 8, 7)),
    ],
    ids=["bits", "grey", "white-16", "grey-16", "palette", "opaque-alpha"],
)
def test_every_depth_becomes_eight_bit_rgb(image, expected):
    got = in_srgb(encoded(image, "png"))
    assert (got.mode, got.getpixel((1, 1))) == ("RGB", expected)


def test_cmyk_without_a_profile_is_a_plain_inversion():
    got = in_srgb(encoded(Image.new("CMYK", (16, 16), (0, 255, 255, 0)), "tiff"))
    assert got.getpixel((8, 8)) == (255, 0, 0)


def test_one_pixel_is_a_picture():
    assert probe_picture(encoded(Image.new("RGB", (1, 1), "red"), "png")).width == 1


@pytest.mark.parametrize("size", [(0, 5), (5, 0), (0, 0)])
def test_a_picture_without_pixels_is_refused(size):
    with pytest.raises(NotAPictureError, match="damaged"):
        probe_picture(png_header(*size) + png_chunk(b"IEND", b""))


def test_the_name_of_a_file_says_nothing(tmp_path):
    path = tmp_path / "logo.png"
    path.write_bytes(encoded(scene(), "jpeg"))
    assert probe_picture(path).format == "jpeg"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + encoded(scene(), "jpeg"))
    with pytest.raises(NotAPictureError, match=r"logo\.png` begins like a PNG but is damaged"):
        probe_picture(path)


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(["jpeg", "png", "webp", "gif", "bmp", "tiff"]),
    st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=12),
)
def test_damage_anywhere_gives_a_picture_or_a_sentence(kind, hits):
    damaged = bytearray(FILES[kind])
    for share, value in hits:
        damaged[int(share * len(damaged))] = value
    for read in (probe_picture, in_srgb):
        try:
            read(bytes(damaged))
        except SeedpipeError as error:
            assert error.message


FILES = {kind: encoded(noise(24, 16), kind) for kind in ("jpeg", "png", "webp", "gif", "bmp", "tiff")}

BOMB = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
from pathlib import Path
from seedpipe.images.probe import probe_picture
from seedpipe.images.decode import NotAPictureError
for name in sys.argv[1:]:
    try:
        probe_picture(Path(name))
        print("read")
    except NotAPictureError as error:
        print(error.message.rpartition("`")[2].strip())
# The peak of this program alone: `ru_maxrss` would be inherited from whoever started it.
peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
print(int(peak.split()[1]) // 1024, file=sys.stderr)
"""


def test_bombs_cost_no_memory(tmp_path):
    """Pixels, a chunk of text, a profile: each a few kilobytes that would unpack to 300 MB."""
    huge = zlib.compressobj(9)
    flood = b"".join(huge.compress(bytes(1 << 20)) for _ in range(300)) + huge.flush()
    ihdr, end = png_header(30_000, 20_000)[:33], png_chunk(b"IEND", b"")
    small = encoded(scene(), "png")
    bombs = {
        "pixels.png": ihdr + png_chunk(b"IDAT", flood) + end,
        "text.png": small[:33] + png_chunk(b"zTXt", b"a\0\0" + flood) + small[33:],
        "profile.png": small[:33] + png_chunk(b"iCCP", b"a\0\0" + flood) + small[33:],
        "canvas.gif": encoded(scene(), "gif")[:6] + struct.pack("<HH", 65535, 65535) + encoded(scene(), "gif")[10:],
        "excess.png": png_header(10, 10)[:33] + png_chunk(b"IDAT", flood) + end,
    }
    for name, data in bombs.items():
        (tmp_path / name).write_bytes(data)
    ran = subprocess.run(
        [sys.executable, "-c", BOMB, *(str(tmp_path / name) for name in bombs)], capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr
    said = dict(zip(bombs, ran.stdout.splitlines(), strict=True))
    assert "100 million" in said["pixels.png"]
    assert "100 million" in said["canvas.gif"]
    assert int(ran.stderr) < 200


@pytest.mark.parametrize(
    ("kind", "image", "wanted"),
    [("png", cut_out(), "jpeg"), ("webp", cut_out(), "png"), ("jpeg", scene(), "webp"), ("gif", scene(), "png")],
)
def test_a_picture_is_finished_in_the_format_that_its_path_promises(tmp_path, kind, image, wanted):
    path = tmp_path / f"take.{kind}"
    path.write_bytes(encoded(image, kind))
    data = finish(path, wanted)
    info = probe_picture(data)
    assert (info.format, info.width, info.height) == (wanted, *image.size)
    assert info.has_alpha is (image.mode == "RGBA" and wanted != "jpeg")
    assert finish(path, wanted) == data
    if wanted == "jpeg":
        assert opened(data).getpixel((0, 0)) == pytest.approx((255, 255, 255), abs=2)


@pytest.mark.parametrize("size", [(160, 100), (80, 90), (400, 100), (1, 1)])
def test_a_picture_is_cut_to_the_size_that_was_asked(tmp_path, size):
    wide = Image.new("RGB", (300, 100), (0, 0, 255))
    wide.paste((255, 0, 0), (100, 0, 200, 100))
    info = probe_picture(data := finish(written(tmp_path / "take.png", wide), "png", size=size))
    assert (info.width, info.height) == size
    red, _, blue = opened(data).convert("RGB").getpixel((size[0] // 2, size[1] // 2))
    assert red > blue, "the middle stays the middle"


def test_a_pages_long_tiff_is_read_by_its_first_page():
    pages = io.BytesIO()
    scene().save(pages, "TIFF", save_all=True, append_images=[Image.new("RGB", (10, 10))])
    info = probe_picture(pages.getvalue())
    assert (info.animated, info.width) == (True, 160)
