"""What bytes are before anything decodes them: a picture's format by its magic, or the name of what came instead."""

import re
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

_LFS: Final = b"version https://git-lfs.github.com/spec/"
_BRANDS: Final[Mapping[bytes, str]] = {
    **dict.fromkeys((b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1"), "a HEIC picture"),
    **dict.fromkeys((b"avif", b"avis"), "an AVIF picture"),
}
_MAGIC: Final[tuple[tuple[bytes, str], ...]] = (
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1f\x8b", "gzip-compressed data"),
    (b"8BPS", "a Photoshop document"),
    (b"\x00\x00\x00\x0cJXL ", "a JPEG XL picture"),
    (b"\xff\x0a", "a JPEG XL picture"),
    (b"\x00\x00\x00\x0cjP  ", "a JPEG 2000 picture"),
    (b"\x00\x00\x01\x00", "an icon file"),
    (b"\x1aE\xdf\xa3", "a Matroska or WebM video"),
)
_EXPORT: Final = "export it as PNG or JPEG"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stranger:
    """What stands where a picture was expected, for people, and what to do about it."""

    what: str
    hint: str | None = None


def picture_format(data: bytes) -> str | None:
    """`jpeg`, `png`, `webp`, `gif`, `bmp`, `tiff` by the magic bytes, else None."""
    if data.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "gif"
    if data.startswith((b"II*\x00", b"MM\x00*")):
        return "tiff"
    if (
        data.startswith(b"BM")
        and len(data) >= 18
        and struct.unpack_from("<I", data, 14)[0] in (12, 40, 52, 56, 108, 124)
    ):
        return "bmp"
    return None


def name_stranger(data: bytes) -> Stranger:
    """What `data`, which is no picture of a known format, most likely is."""
    if not data:
        return Stranger(what="empty (0 bytes)")
    if data.startswith(_LFS):
        return Stranger(what="a Git LFS pointer, not the picture itself", hint="run `git lfs pull`")
    if data[4:8] == b"ftyp":
        return Stranger(what=_BRANDS.get(data[8:12], "a video"), hint=_EXPORT)
    for magic, what in _MAGIC:
        if data.startswith(magic):
            return Stranger(what=what, hint=_EXPORT)
    text = _as_text(data[:65536])
    if text is None:
        return Stranger(what=f"of no known picture format (it begins with the bytes {data[:8].hex(' ')})", hint=_EXPORT)
    return _name_text(text)


def _as_text(data: bytes) -> str | None:
    encoding = "utf-16" if data.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    text = data.decode(encoding, errors="ignore").lstrip()
    controls = sum(1 for char in text[:2048] if char < " " and char not in "\t\r\n\f")
    loss = len(data) - len(text.encode(encoding, errors="ignore"))
    return None if controls or (encoding != "utf-16" and loss > 64 + len(data) // 16) or not text else text


def _name_text(text: str) -> Stranger:
    lower = text[:4096].lower()
    if lower.startswith(("<!doctype html", "<html")) or "<html" in lower[:512]:
        title = re.search(r"<title[^>]*>\s*(.*?)\s*</title>", text, re.IGNORECASE | re.DOTALL)
        return Stranger(what="an HTML page" + (f" titled `{_excerpt(title[1])}`" if title else ""))
    if "<svg" in lower[:2048] and lower.startswith(("<?xml", "<svg", "<!--", "<!doctype svg")):
        return Stranger(what="an SVG drawing", hint=_EXPORT)
    if lower.startswith(("<?xml", "<error")):
        code = re.search(r"<Code>\s*(.*?)\s*</Code>", text, re.DOTALL)
        if code:
            return Stranger(what=f"an XML error of an object store (`{_excerpt(code[1])}`)")
        return Stranger(what="an XML document")
    if lower.startswith(("{", "[")):
        return Stranger(what=f"JSON text (`{_excerpt(text)}`)")
    return Stranger(what=f"plain text (`{_excerpt(text)}`)")


def _excerpt(text: str) -> str:
    line = " ".join("".join(char if char.isprintable() else " " for char in text[:300]).split()).replace("`", "'")
    return line if len(line) <= 60 else line[:59] + "…"


def picture_end(data: bytes, kind: str) -> int | None:
    """Where the picture of the format `kind` ends, in bytes; None if its end is missing (it is cut off).

    BMP and TIFF have no end of their own: the length of `data`. Raises `ValueError` for a PNG chunk whose check
    sum is wrong.
    """
    match kind:
        case "jpeg":
            return _jpeg_end(data)
        case "png":
            return _png_end(data)
        case "webp":
            size: int = 8 + struct.unpack_from("<I", data, 4)[0]
            return size if size <= len(data) else None
        case "gif":
            return _gif_end(data)
        case _:
            return len(data)


def _png_end(data: bytes) -> int | None:
    offset = 8
    while offset + 12 <= len(data):
        length = int.from_bytes(data[offset : offset + 4], "big")
        name = data[offset + 4 : offset + 8]
        end = offset + 12 + length
        if end > len(data):
            return None
        critical = not name[0] & 0x20  # an ancillary chunk with a wrong sum harms nothing
        if (
            critical
            and zlib.crc32(memoryview(data)[offset + 4 : end - 4]) != struct.unpack_from(">I", data, end - 4)[0]
        ):
            raise ValueError(f"the check sum of a `{name.decode('latin-1')}` chunk is wrong")
        if name == b"IEND":
            return end
        offset = end
    return None


def _jpeg_end(data: bytes) -> int | None:
    offset = 2
    while offset + 2 <= len(data):
        if data[offset] != 0xFF:  # entropy-coded data: on to the next marker
            offset = data.find(b"\xff", offset)
            if offset < 0:
                return None
            continue
        marker = data[offset + 1]
        if marker == 0xD9:
            return offset + 2
        if marker == 0xFF:
            offset += 1
        elif marker == 0x00 or 0xD0 <= marker <= 0xD7 or marker == 0x01:
            offset += 2
        elif offset + 4 > len(data):
            return None
        else:
            offset += 2 + int.from_bytes(data[offset + 2 : offset + 4], "big")
    return None


def _gif_end(data: bytes) -> int | None:
    if len(data) < 13:
        return None
    offset = 13 + _gif_table(data[10])
    while offset < len(data):
        match data[offset]:
            case 0x3B:
                return offset + 1
            case 0x2C if offset + 10 <= len(data):
                offset += 10 + _gif_table(data[offset + 9]) + 1
            case 0x21:
                offset += 2
            case _:
                return None
        while offset < len(data) and data[offset]:
            offset += data[offset] + 1
        offset += 1
    return None


def _gif_table(flags: int) -> int:
    return 3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0
