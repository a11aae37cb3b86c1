"""Reference pictures: data URLs and addresses of this machine, opened, checked and made small."""

import base64
import binascii
import contextlib
import hashlib
import http.client
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from PIL import Image

from seedpipe.emulator.draw import Sketch, render
from seedpipe.emulator.refusals import FETCH_SECONDS, RefusedError, empty_address, fetch_timeout, invalid
from seedpipe.emulator.rules import ModelRules, check_reference

THUMBNAIL_SIDE: Final = 640
_MAX_FETCHED: Final = 40_000_000  # above every limit, so that the check of the size speaks
_DATA_URL: Final = re.compile(r"data:image/([a-z0-9.+-]+);base64,")
_PILLOW_FORMATS: Final = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF")
_NAMES: Final = {"HEIF": "heic"}  # by Pillow's name, where the service has another
_HEIF_BRANDS: Final = (b"heic", b"heix", b"hevc", b"mif1", b"msf1", b"heif", b"heim", b"heis")
_NOWHERE: Final = (".invalid", ".test")  # names that never resolve (RFC 2606)
_URL_START: Final = re.compile(r"https?://[^/\s]+", re.ASCII)
_BAD_URL: Final = "invalid url specified"
_BAD_BASE64: Final = "Invalid base64 image_url"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A checked reference. `preview` is a JPEG, as hundreds of them wait at a time; None where it can't be decoded (HEIC)."""

    digest: str  # SHA-256 of the bytes, hex
    width: int
    height: int
    preview: bytes | None
    format: str  # as Pillow names it
    transparent: bool = False  # a PNG with at least one transparent pixel

    @property
    def ratio(self) -> float:
        return self.width / self.height

    def picture(self) -> Image.Image | None:
        """RGB, at most 640 px a side."""
        if self.preview is None:
            return None
        with Image.open(io.BytesIO(self.preview)) as image:
            return image.convert("RGB")


def addresses_of(texts: Sequence[str]) -> tuple[str, ...]:
    """Those of the references that the service fetches itself, each once."""
    return tuple(text for text in dict.fromkeys(texts) if _URL_START.match(text))


def fetch_references(texts: Sequence[str], *, invent: bool) -> Mapping[str, bytes]:
    """The bytes behind http addresses. Only this machine is ever reached.

    Others are stood in for by a picture of their name (`invent`), or end as the service's own time-out does.
    Raises `RefusedError`.
    """
    return {text: _fetch(text, invent=invent) for text in addresses_of(texts)}


def open_reference(text: str, fetched: Mapping[str, bytes], model: ModelRules) -> Reference:
    """Decode and check one `image`. Raises `RefusedError`."""
    if not text:
        raise empty_address()
    data = fetched[text] if text in fetched else _decode(text, model)
    if len(data) > model.max_reference_bytes:
        raise _too_big(model)
    try:
        found = _open(data)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise invalid("image", _BAD_BASE64) from None
    if (name := _NAMES.get(found.format, found.format.lower())) not in model.reference_formats:
        raise invalid("image", f"the image format {name} is not supported")
    return found


def _decode(text: str, model: ModelRules) -> bytes:
    if not (head := _DATA_URL.match(text)):
        raise invalid("image", _BAD_URL)
    if (len(text) - head.end()) * 3 // 4 > model.max_reference_bytes + 2:
        raise _too_big(model)
    try:
        return base64.b64decode(text[head.end() :], validate=True)
    except (binascii.Error, ValueError):
        raise invalid("image", _BAD_BASE64) from None


def _too_big(model: ModelRules) -> RefusedError:
    limit = model.max_reference_bytes // 1_000_000
    return invalid("image", f"image size must be less than or equal to {limit} MB")


def _open(data: bytes) -> Reference:
    digest = hashlib.sha256(data).hexdigest()
    if data[4:8] == b"ftyp" and data[8:12] in _HEIF_BRANDS:
        width, height = _heif_size(data)
        check_reference(width, height)
        return Reference(digest=digest, width=width, height=height, preview=None, format="HEIF")
    with Image.open(io.BytesIO(data), formats=_PILLOW_FORMATS) as image:
        width, height = image.size
        kind = image.format or ""
        check_reference(width, height)
        image.draft("RGB", (THUMBNAIL_SIDE, THUMBNAIL_SIDE))
        small, clear = _small(image)
    return Reference(
        digest=digest,
        width=width,
        height=height,
        preview=_jpeg(small),
        format=kind,
        transparent=clear,
    )


def _small(image: Image.Image) -> tuple[Image.Image, bool]:
    """RGB on white, at most 640 px a side; and whether it is a PNG that one can see through."""
    if image.mode in ("RGB", "L"):
        image.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.BOX, reducing_gap=2.0)
        return image.convert("RGB"), False
    full = image.convert("RGBA")
    lowest = full.getchannel("A").getextrema()[0]
    full.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.BOX, reducing_gap=2.0)
    paper = Image.new("RGB", full.size, "white")
    paper.paste(full, mask=full.getchannel("A"))
    return paper, image.format == "PNG" and isinstance(lowest, int) and lowest < 255


def _jpeg(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=90)
    return out.getvalue()


def _heif_size(data: bytes) -> tuple[int, int]:
    """The largest `ispe` box (spatial extents) of an HEIF file; Pillow has no decoder for it."""
    sizes = []
    for found in re.finditer(rb"ispe\0\0\0\0", data[:65536]):
        box = data[found.end() : found.end() + 8]
        if len(box) == 8:
            sizes.append((int.from_bytes(box[:4], "big"), int.from_bytes(box[4:], "big")))
    if not sizes:
        raise ValueError("no spatial extents")
    return max(sizes, key=lambda size: size[0] * size[1])


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _is_public(host: str) -> bool:
    """Whether the service could reach it: a name with a dot, or an address of the open network."""
    try:
        return ip_address(host).is_global
    except ValueError:
        return "." in host.strip(".") and not host.endswith(_NOWHERE)


def _fetch(url: str, *, invent: bool) -> bytes:
    try:
        address = urlsplit(url)
        host, port = address.hostname or "", address.port or 80
    except ValueError:
        raise invalid("image", _BAD_URL) from None
    if invent and _is_public(host):
        return _stand_in(address.path.rpartition("/")[2] or host, url)
    if not _is_loopback(host) or address.scheme != "http":
        raise fetch_timeout(url)
    try:
        connection = http.client.HTTPConnection(host, port, timeout=FETCH_SECONDS)
        with contextlib.closing(connection):
            connection.request("GET", f"{address.path or '/'}{'?' if address.query else ''}{address.query}")
            answer = connection.getresponse()
            if answer.status != http.HTTPStatus.OK:
                raise fetch_timeout(url)
            return answer.read(_MAX_FETCHED)
    except (OSError, http.client.HTTPException, ValueError):
        raise fetch_timeout(url) from None


def _stand_in(name: str, url: str) -> bytes:
    """For what would have to be fetched from elsewhere: always the same picture for an address, with its file's name."""
    return render(
        Sketch(
            prompt=name,
            references=(),
            reference_digests=(),
            width=768,
            height=768,
            model="stand-in",
            number=1,
            total=1,
            nonce=hashlib.sha256(url.encode()).hexdigest(),
            format="jpeg",
        )
    )
