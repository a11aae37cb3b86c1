"""Probing: what is a picture, what isn't, and the digest of pixels."""

import json
import struct

import pytest
from PIL import Image, ImageCms

from seedpipe import limits
from seedpipe.images.decode import NotAPictureError
from seedpipe.images.probe import PictureInfo, pixel_digest, probe_picture
from tests.images.pictures import cut_out, encoded, noise, opened, png_chunk, png_header, scene

NOTHING = {
    "empty": (b"", r"the data is empty \(0 bytes\)"),
    "html": (b"\n<!DOCTYPE html><title>Sign  in</title>", "an HTML page titled `Sign in`"),
    "json": (
        json.dumps({"error": {"code": "NotFound"}}).encode(),
        r'JSON text \(`\{"error": \{"code": "NotFound"\}\}`\)',
    ),
    "store": (b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>', r"object store \(`AccessDenied`\)"),
    "xml": (b"<?xml version='1.0'?><feed/>", "an XML document"),
    "svg": (b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', "an SVG drawing"),
    "lfs": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "a Git LFS pointer"),
    "text": ("nur `Wörter`\nhier".encode(), "plain text \\(`nur 'Wörter' hier`\\)"),
    "utf16": ("<html>".encode("utf-16"), "an HTML page"),
    "pdf": (b"%PDF-1.7\n", "a PDF document"),
    "heic": (b"\x00\x00\x00\x18ftypheic\x00\x00", "a HEIC picture"),
    "video": (b"\x00\x00\x00\x18ftypisom\x00\x00", "a video"),
    "zip": (b"PK\x03\x04\x00", "a ZIP archive"),
    "zeros": (bytes(5000), "no known picture format .* 00 00 00 00"),
    "elf": (b"\x7fELF\x02\x01\x01\x00" + bytes(64), "no known picture format"),
}


@pytest.mark.parametrize(("data", "says"), NOTHING.values(), ids=NOTHING)
def test_what_is_no_picture_is_named(data, says):
    with pytest.raises(NotAPictureError, match=says):
        probe_picture(data)


def test_git_lfs_pointer_comes_with_its_cure(tmp_path):
    path = tmp_path / "logo.png"
    path.write_bytes(NOTHING["lfs"][0])
    with pytest.raises(NotAPictureError) as caught:
        probe_picture(path, name="art/logo.png")
    assert caught.value.message == "`art/logo.png` is a Git LFS pointer, not the picture itself; a picture was expected"
    assert caught.value.hint == "run `git lfs pull`"


@pytest.mark.parametrize("kind", ["jpeg", "png", "webp", "gif", "bmp", "tiff"])
def test_every_format_is_read(kind):
    data = encoded(scene(), kind)
    assert probe_picture(data) == PictureInfo(format=kind, width=160, height=90, has_alpha=False, bytes=len(data))


@pytest.mark.parametrize("kind", ["jpeg", "png", "webp", "gif"])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.95, 1.0])
def test_a_cut_off_picture_is_refused_at_every_length(kind, share):
    data = encoded(noise(64, 64), kind)
    cut = data[: min(len(data) - 1, max(13, int(len(data) * share)))]
    with pytest.raises(NotAPictureError, match="cut off|damaged"):
        probe_picture(cut)


def test_jpeg_without_only_its_end_marker_is_cut_off():
    with pytest.raises(NotAPictureError, match="cut off"):
        probe_picture(encoded(scene(), "jpeg")[:-2])


def test_every_flipped_byte_of_a_png_is_noticed():
    data = encoded(scene(8, 8), "png")
    unnoticed = []
    for at in range(len(data)):
        damaged = bytearray(data)
        damaged[at] ^= 0x10
        try:
            probe_picture(bytes(damaged))
        except NotAPictureError:
            continue
        unnoticed.append(at)
    assert unnoticed == []


def test_a_bomb_is_refused_before_it_is_decoded():
    with pytest.raises(NotAPictureError, match="more than 100 million pixels|50000x50000 pixels"):
        probe_picture(png_header(50_000, 50_000) + png_chunk(b"IDAT", b"") + png_chunk(b"IEND", b""))


def test_the_limit_of_pixels_is_exact():
    just_over = limits.MAX_PIXELS // 10_000 + 1
    with pytest.raises(NotAPictureError, match="100 million"):
        probe_picture(png_header(10_000, just_over))
    with pytest.raises(NotAPictureError, match="cut off|damaged"):  # at the limit: its missing pixels are the trouble
        probe_picture(png_header(10_000, just_over - 1))


def test_a_huge_file_is_refused_unread(tmp_path):
    path = tmp_path / "huge.png"
    with path.open("wb") as file:
        file.truncate(limits.MAX_PICTURE_BYTES + 1)
    with pytest.raises(NotAPictureError, match="at most 128 MiB"):
        probe_picture(path)


@pytest.mark.parametrize("kind", ["jpeg", "png", "webp", "gif"])
def test_foreign_bytes_at_the_end_are_reported(kind):
    junk = b"PK\x03\x04<html>\xff\xd9" * 7
    info = probe_picture(encoded(scene(), kind) + junk)
    assert info.trailing_bytes == len(junk)
    assert (info.format, info.width, info.height) == (kind, 160, 90)


def test_the_thumbnail_inside_a_jpeg_is_not_its_end():
    exif = Image.Exif()
    exif[0x010E] = "\xff\xd9" * 20
    data = encoded(scene(), "jpeg", exif=exif, comment=b"\xff\xd9\xff\xd9")
    assert probe_picture(data).trailing_bytes == 0


@pytest.mark.parametrize("kind", ["gif", "webp", "png"])
def test_animation_is_reported(kind):
    frames = [Image.new("RGB", (20, 10), colour) for colour in ("red", "blue", "lime")]
    data = encoded(frames[0], kind, save_all=True, append_images=frames[1:])
    info = probe_picture(data)
    assert (info.animated, info.width, info.height, info.trailing_bytes) == (True, 20, 10, 0)


@pytest.mark.parametrize(
    ("image", "has_alpha"),
    [
        (cut_out(), True),
        (scene().convert("RGBA"), False),
        (cut_out().convert("LA"), True),
        (scene().convert("P"), False),
        (cut_out().quantize(8), True),
        (scene().convert("1"), False),
        (Image.new("I;16", (4, 4), 40_000), False),
    ],
)
def test_transparency_is_told_from_an_alpha_channel(image, has_alpha):
    assert probe_picture(encoded(image, "png")).has_alpha is has_alpha


@pytest.mark.parametrize("orientation", range(1, 9))
def test_size_is_after_orientation(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    info = probe_picture(encoded(scene(), "jpeg", exif=exif))
    assert (info.width, info.height) == ((160, 90) if orientation < 5 else (90, 160))


def test_broken_exif_harms_nothing():
    assert probe_picture(encoded(scene(), "jpeg", exif=b"Exif\x00\x00II*\x00\xff\xff\xff\xff")).width == 160


def test_cmyk_jpeg():
    assert probe_picture(encoded(scene().convert("CMYK"), "jpeg")).format == "jpeg"


def test_floating_point_pixels_are_refused_where_pixels_matter():
    with pytest.raises(NotAPictureError, match="pixels of the kind `F`"):
        pixel_digest(encoded(Image.new("F", (4, 4)), "tiff"))


def test_pixel_digest_is_frozen():
    assert str(pixel_digest(encoded(cut_out(8), "png"))) == GOLDEN_CUT_OUT
    assert str(pixel_digest(encoded(scene(16, 8), "png"))) == GOLDEN_SCENE


GOLDEN_CUT_OUT = "sha256:1c25deef9cd012712e2a17899281533098839d40756cdb9c380ab2726f962539"
GOLDEN_SCENE = "sha256:259d11d8042e89c1a9aefc103361d24ca78c129fcf747ffee1977a38084b5082"


def test_pixel_digest_outlives_metadata_and_lossless_recompression():
    exif = Image.Exif()
    exif[0x010E] = "a caption"
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    image = scene()
    first = pixel_digest(encoded(image, "png"))
    again = [
        encoded(image, "png", compress_level=0),
        encoded(image, "png", exif=exif, icc_profile=profile, dpi=(300, 300)),
        encoded(image.convert("RGBA"), "png"),
        encoded(image.quantize(8), "png"),
        encoded(image, "webp", lossless=True),
        encoded(image, "bmp"),
        encoded(image, "png") + b"junk",
    ]
    assert {pixel_digest(data) for data in again} == {first}


def test_pixel_digest_of_a_jpeg_outlives_a_comment():
    data = encoded(scene(), "jpeg", quality=90)
    comment = b"\xff\xfe" + struct.pack(">H", 2 + 7) + b"a story"
    assert pixel_digest(data[:2] + comment + data[2:]) == pixel_digest(data)


def test_pixel_digest_ignores_colours_that_nobody_sees():
    other = cut_out()
    other.putdata([(9, 9, 9, 0) if pixel[3] == 0 else pixel for pixel in other.get_flattened_data()])
    assert other.tobytes() != cut_out().tobytes()
    assert pixel_digest(encoded(other, "png")) == pixel_digest(encoded(cut_out(), "png"))


def test_pixel_digest_sees_one_pixel_a_turn_and_a_shape():
    image = scene()
    changed = image.copy()
    changed.putpixel((159, 89), (240, 220, 21))
    turned = Image.Exif()
    turned[0x0112] = 3
    all_of_them = [
        encoded(image, "png"),
        encoded(changed, "png"),
        encoded(image, "png", exif=turned),
        encoded(Image.frombytes("RGB", (90, 160), image.tobytes()), "png"),
    ]
    assert len({pixel_digest(data) for data in all_of_them}) == 4


def test_the_orientation_tag_counts_as_turned_pixels():
    turned = Image.Exif()
    turned[0x0112] = 6
    baked = opened(encoded(scene(), "png")).transpose(Image.Transpose.ROTATE_270)
    assert pixel_digest(encoded(scene(), "png", exif=turned)) == pixel_digest(encoded(baked, "png"))
