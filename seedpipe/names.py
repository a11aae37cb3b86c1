"""The words that name things: addresses and their segments, digests, realms."""

import hashlib
import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

SEGMENT: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._:-]*\Z")
NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*\Z")  # a first segment: `:` there would read as an import
_HEX: Final = re.compile(r"[0-9a-f]{64}\Z")


class Realm(StrEnum):
    """Who made a picture. Takes, charges, locks and outputs never cross from one realm to the other."""

    LIVE = "live"
    PROOF = "proof"


@dataclass(frozen=True, slots=True, order=True)
class Digest:
    """A SHA-256, of bytes as received or of a canonical document. Written `sha256:<64 hex>`."""

    hex: str

    def __post_init__(self) -> None:
        if not _HEX.match(self.hex):
            raise ValueError(f"`{self.hex}` is not a SHA-256 in lower-case hexadecimal")

    @classmethod
    def of(cls, data: bytes) -> "Digest":
        return cls(hashlib.sha256(data).hexdigest())

    @classmethod
    def parse(cls, text: str) -> "Digest":
        """Raises `ValueError` unless `text` is `sha256:<64 hex>`."""
        scheme, _, rest = text.partition(":")
        if scheme != "sha256":
            raise ValueError(f"`{text}` is not a digest like `sha256:…`")
        return cls(rest)

    @property
    def short(self) -> str:
        return self.hex[:12]

    def __str__(self) -> str:
        return f"sha256:{self.hex}"


def is_segment(text: str) -> bool:
    return SEGMENT.match(text) is not None and not text.endswith(".")


def is_name(text: str) -> bool:
    return NAME.match(text) is not None and not text.endswith(".")


def definition_of(address: str) -> str:
    """The manifest entry that an address came from: `scene` of `scene/LUM-01/16:9`, `board` of `board#wide`."""
    return address.partition("/")[0].partition("#")[0]


def suggest_slug(text: str) -> str:
    """A legal segment close to `text`: `Große Lampe!` → `Grosse-Lampe`; empty if nothing of it can stand."""
    text = text.replace("ß", "ss").replace("æ", "ae").replace("ø", "o").replace("œ", "oe")
    ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9._:-]+", "-", ascii_text).strip("-.:")


def natural_key(text: str) -> tuple[tuple[int, int, str], ...]:
    """Sorts `shot2` before `shot10`; ties between equal numbers are broken by their text."""
    parts = re.split(r"([0-9]+)", text)
    return tuple((1, int(part), part) if part.isdigit() else (0, 0, part) for part in parts if part)
