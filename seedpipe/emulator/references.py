"""Reference pictures: data URLs and addresses of this machine, opened, checked and made small."""

import base64
import binascii
import contextlib
import hashlib
import http.client
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from PIL import Image

from seedpipe.emulator.refusals import Refusal, RefusedError, fetch_timeout, invalid
from seedpipe.emulator.rules import ModelRules, check_reference

THUMBNAIL_SIDE: Final = 640
FETCH_SECONDS: Final = 5.0
_MAX_FETCHED: Final = 40_000_000  # above every limit, so that the check of the size speaks
_DATA_URL: Final = re.compile(r"data:image/([a-z0-9.+-]+);base64,")
_PILLOW_FORMATS: Final = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF")
_HEIF_BRANDS: Final = (b"heic", b"heix", b"hevc", b"mif1", b"msf1", b"heif", b"heim", b"heis")
_URL_START: Final = re.compile(r"https?://[^/\s]+", re.ASCII)
_BAD_URL: Final = "invalid url specified"
_BAD_BASE64: Final = "Invalid base64 image_url"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A checked reference. `picture` is RGB, at most 640 px a side; None where the bytes can't be decoded (HEIC)."""

    digest: str  # SHA-256 of the bytes, hex
    width: int
    height: int
    bytes: int
    picture: Image.Image | None
    format: str  # as Pillow names it
    transparent: bool = False  # a PNG with at least one transparent pixel

    @property
    def ratio(self) -> float:
        return self.width / self.height


def fetch_references(texts: tuple[str, ...]) -> Mapping[str, bytes]:
    """The bytes behind http addresses. Only this machine is reached; others end as the service's own time-out does.

    Raises `RefusedError`.
    """
    return {text: _fetch(text) for text in dict.fromkeys(texts) if _URL_START.match(text)}


def open_reference(text: str, fetched: Mapping[str, bytes], model: ModelRules) -> Reference:
    """Decode and check one `image`. Raises `RefusedError`."""
    if not text:
        raise RefusedError(
            Refusal(
                status=400,
                code="InvalidImageURL.EmptyURL",
                message="The parameter `image` specified in the request is not valid: empty url.",
                type="BadRequest",
            )
        )
    data = fetched[text] if text in fetched else _decode(text, model)
    if len(data) > model.max_reference_bytes:
        raise _too_big(model)
    try:
        return _open(data)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise invalid("image", _BAD_BASE64) from None


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
        return Reference(digest=digest, width=width, height=height, bytes=len(data), picture=None, format="HEIF")
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
        bytes=len(data),
        picture=small,
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


def _fetch(url: str) -> bytes:
    address = urlsplit(url)
    host = address.hostname or ""
    if address.scheme != "http" or not _is_loopback(host):
        raise fetch_timeout(url)
    try:
        connection = http.client.HTTPConnection(host, address.port or 80, timeout=FETCH_SECONDS)
        with contextlib.closing(connection):
            connection.request("GET", f"{address.path or '/'}{'?' if address.query else ''}{address.query}")
            answer = connection.getresponse()
            if answer.status != http.HTTPStatus.OK:
                raise fetch_timeout(url)
            return answer.read(_MAX_FETCHED)
    except (OSError, http.client.HTTPException, ValueError):
        raise fetch_timeout(url) from None
