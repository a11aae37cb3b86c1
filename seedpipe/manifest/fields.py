"""Single fields of a node: from a value as written, or the text that its template gave, to the value that is meant."""

import posixpath
import re
import unicodedata
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final
from urllib.parse import urlsplit

from seedpipe.hosts import is_loopback_host, is_public, literal_address
from seedpipe.limits import MAX_TAKES
from seedpipe.manifest.findings import BadValueError
from seedpipe.manifest.normalise import normalise_text
from seedpipe.manifest.values import (
    BACKGROUNDS,
    GATES,
    ON_SIZE_MISMATCH,
    OPTIMIZE_PROMPT,
    OUTPUT_FORMATS,
    RESPONSE_FORMATS,
)
from seedpipe.manifest.wording import did_you_mean
from seedpipe.names import is_name, suggest_slug

Converter = Callable[[Any], Any]

_PIXELS: Final = re.compile(r"([1-9][0-9]{0,4})\s*[xX×]\s*([1-9][0-9]{0,4})\Z")
_TIER: Final = re.compile(r"[0-9](?:\.[0-9])?[kK]\Z")
_ASPECT: Final = re.compile(r"[1-9][0-9]{0,4}\s*:\s*[1-9][0-9]{0,4}\Z")
_INTEGER: Final = re.compile(r"[-+]?[0-9]{1,18}\Z")
_DRIVE: Final = re.compile(r"[A-Za-z]:(?:[/\\]|$)")
_RESERVED: Final = re.compile(r"(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(?:\.|$)", re.IGNORECASE)
_HOST: Final = re.compile(
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z0-9-]{1,63}\.?\Z|\[[0-9A-Fa-f:.]+\]\Z"
)
AUTO: Final = "auto"  # of layers: the size of the picture that is taken apart
MAX_SEED: Final = 2_147_483_647  # (BP-API)
_TRUE: Final = frozenset(("true", "yes", "1", "on"))
_AN_OUTPUT: Final = "like `banners/en.jpg`"
_AN_ADDRESS: Final = "like `https://example.com/logo.png`"
_FALSE: Final = frozenset(("false", "no", "0", "off", ""))


def to_flag(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    text = str(value).strip().lower()
    if text in _TRUE:
        return True
    if text in _FALSE and text:
        return False
    raise BadValueError(f"expected true or false, found `{value}`")


def to_condition(value: Any) -> bool:
    """As `to_flag`, and empty text is false."""
    if isinstance(value, bool):
        return value
    text = str(value).strip().lower()
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    hint = "compare it, like `{{ x == 'live' }}`"
    raise BadValueError(f"`when` gave `{value}`; expected true, false, yes, no, 1, 0 or nothing", hint)


def integer(low: int, high: int) -> Converter:
    def convert(value: Any) -> int:
        text = str(value).strip()
        if not _INTEGER.match(text):
            raise BadValueError(f"expected a whole number, found `{value}`")
        if not low <= int(text) <= high:
            raise BadValueError(f"expected {low} to {high}, found {text}")
        return int(text)

    return convert


def choice(values: tuple[str, ...]) -> Converter:
    def convert(value: Any) -> str:
        text = str(value).strip().lower()
        if text not in values:
            expected = " or ".join(f"`{item}`" for item in values)
            raise BadValueError(f"expected {expected}, found `{value}`", did_you_mean(text, values, otherwise=""))
        return text

    return convert


def to_guidance(value: Any) -> str:
    """A decimal as text without trailing zeros, so that `5`, `5.0` and `5.00` are one."""
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        raise BadValueError(f"expected a number, found `{value}`") from None
    if not number.is_finite() or not 1 <= number <= 10:
        raise BadValueError(f"expected 1 to 10, found `{value}`")
    return plain_decimal(number)


def plain_decimal(number: Decimal) -> str:
    """Without exponent and trailing zeros."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def to_size(value: Any) -> str:
    text = str(value).strip()
    if text.lower() == AUTO:
        return AUTO
    if _TIER.match(text):
        return text.upper()
    pixels = _PIXELS.match(text)
    if pixels is not None:
        return f"{pixels[1]}x{pixels[2]}"
    hint = f"write `aspect: {text}`" if _ASPECT.match(text) else "like `2K`, or `2848x1600` in pixels"
    raise BadValueError(f"`{value}` is no size", hint)


def is_pixels(size: str) -> bool:
    return "x" in size


def to_aspect(value: Any) -> str:
    text = re.sub(r"\s", "", str(value))
    if _ASPECT.match(text):
        return text
    hint = f"write `size: {text}`" if _PIXELS.match(text) else "like `16:9`"
    raise BadValueError(f"`{value}` is no aspect", hint)


def to_word(value: Any) -> str:
    """A text on one line, not empty: a model, a variant."""
    text = normalise_text(str(value)).strip()
    if not text:
        raise BadValueError("the text is empty", "write something, or take the key out")
    if "\n" in text or len(text) > 200 or any(unicodedata.category(character) == "Cc" for character in text):
        raise BadValueError("expected a short text on one line")
    return text


def to_tag(value: Any) -> str:
    text = str(value).strip()
    if not is_name(text):
        slug = suggest_slug(text).replace(":", "-")
        hint = f"write `{slug}`" if is_name(slug) else "like `autumn-launch`"
        raise BadValueError(f"`{text}` is no tag: letters a to z, digits, `.`, `_` and `-`", hint)
    return text


def to_output(value: Any) -> str:
    """A normalised relative POSIX path that every file system takes."""
    text = unicodedata.normalize("NFC", str(value).strip())
    if not text:
        raise BadValueError("the output path is empty", _AN_OUTPUT)
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in text):
        raise BadValueError(f"the output path {text!r} holds a control character", "take it out")
    if "\\" in text:
        raise BadValueError(f"`{text}` holds a backslash", f"write `{text.replace(chr(92), '/')}`")
    if text.startswith(("/", "~")) or _DRIVE.match(text):
        raise BadValueError(f"`{text}` is an absolute path", "outputs are relative to the output folder")
    if ".." in text.split("/"):
        raise BadValueError(f"`{text}` leaves the output folder", "remove the `..`")
    if text.endswith("/"):
        raise BadValueError(f"`{text}` is a folder", "end it with a file name")
    path = posixpath.normpath(text)
    if path == ".":
        raise BadValueError("the output path is empty", _AN_OUTPUT)
    for part in path.split("/"):
        _check_part(text, part)
    if path.startswith("@"):
        raise BadValueError(f"`{text}`: a first folder with `@` belongs to a profile", "choose another folder")
    return path


def _check_part(text: str, part: str) -> None:
    if _RESERVED.match(part):
        raise BadValueError(f"`{text}`: Windows reserves the name `{part}`", "choose another name")
    if part.endswith((".", " ")) or part.startswith(" "):
        raise BadValueError(f"`{text}`: `{part}` begins or ends with a blank or a dot", "take it away")
    if len(part.encode()) > 240:
        raise BadValueError(f"`{text}`: a name of more than 240 bytes", "shorten it")


def to_url(value: Any) -> str:
    text = str(value).strip()
    if not text.isascii() or any(character.isspace() or ord(character) < 32 for character in text) or "\\" in text:
        raise BadValueError(f"`{text}` is no web address", "percent-encode blanks and letters beyond ASCII")
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        raise BadValueError(f"`{text}` is no web address", _AN_ADDRESS) from None
    if parts.scheme.lower() != "https":
        raise BadValueError(f"`{text}`: only https addresses are fetched", "or download it and write `file:`")
    if parts.username is not None or parts.password is not None or "@" in parts.netloc:
        raise BadValueError(
            "a web address must not hold a user name or password", "the manifest is public to its readers"
        )
    if not parts.hostname or not _HOST.match(
        parts.netloc.rsplit(":", 1)[0] if parts.port is not None else parts.netloc
    ):
        raise BadValueError(f"`{text}` has no valid host", _AN_ADDRESS)
    _check_public(text, parts.hostname)
    return text


def _check_public(text: str, host: str) -> None:
    """By its look alone; where a name leads is checked when it is fetched."""
    address = literal_address(host)
    if is_loopback_host(host) or (address is not None and not is_public(address)):
        raise BadValueError(
            f"`{text}` is not on the public Internet: nothing is fetched from `{host}`",
            "download it and write `file:`",
        )


SCALARS: Final[Mapping[str, Converter]] = {
    "model": to_word,
    "size": to_size,
    "aspect": to_aspect,
    "takes": integer(1, MAX_TAKES),
    "watermark": to_flag,
    "output_format": choice(OUTPUT_FORMATS),
    "optimize_prompt": choice(OPTIMIZE_PROMPT),
    "response_format": choice(RESPONSE_FORMATS),
    "seed": integer(-1, MAX_SEED),
    "guidance_scale": to_guidance,
    "background": choice(BACKGROUNDS),
    "web_search": to_flag,
    "on_size_mismatch": choice(ON_SIZE_MISMATCH),
    "cascade": to_flag,
    "variant": to_word,
    "gate": choice(GATES),
    "output": to_output,
}
