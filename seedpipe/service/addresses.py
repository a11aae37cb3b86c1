"""Where a URL leads: its parts without re-encoding, and which addresses may be reached. Pure.

A result URL is signed over its query, byte for byte; a source URL comes from a manifest that may be a stranger's.
"""

import re
from dataclasses import dataclass
from typing import Final

from seedpipe.errors import UsageError
from seedpipe.hosts import is_loopback_host, is_public, parse_address

_URL: Final = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<authority>[^/?#\\]*)(?P<rest>[^#]*)")
_AUTHORITY: Final = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^\[\]:@\s]+)(?::(?P<port>[0-9]{1,5})?)?\Z")
_HOST: Final = re.compile(r"[0-9a-z._~:-]+\Z")
_UNSAFE: Final = re.compile(r"[\x00-\x1f\x7f]")
_NOT_IN_REQUEST_LINE: Final = re.compile(r"[^\x21-\x7e]")
_DEFAULT_PORTS: Final = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """An http(s) URL in parts. `target` is what stands in the request line: path and query, untouched."""

    scheme: str
    host: str  # lower case, ASCII, without brackets
    port: int
    target: str

    @property
    def authority(self) -> str:
        """The `Host` header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if _DEFAULT_PORTS[self.scheme] == self.port else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.authority}{self.target}"

    @property
    def without_query(self) -> str:
        """For messages: a signature is a credential."""
        return f"{self.scheme}://{self.authority}{self.target.partition('?')[0]}"


def parse_url(text: str) -> Location:
    """Raises `ValueError` with a sentence; a URL with a user name or control characters is refused."""
    text = text.strip()
    match = _URL.match(text)
    if match is None or _UNSAFE.search(text):
        raise ValueError("this is not an address like `https://host/path`")
    scheme = match["scheme"].lower()
    if scheme not in _DEFAULT_PORTS:
        raise ValueError(f"`{scheme}` addresses can't be fetched, only https")
    if "@" in match["authority"]:
        raise ValueError("an address with a user name or a password in it is not used")
    parts = _AUTHORITY.match(match["authority"])
    if parts is None:
        raise ValueError("the address has no host that could be read")
    port = int(parts["port"] or _DEFAULT_PORTS[scheme])
    if not 0 < port < 65536:
        raise ValueError(f"{port} is not a port")
    rest = _NOT_IN_REQUEST_LINE.sub(lambda found: _escaped(found[0]), match["rest"])
    target = rest if rest.startswith("/") else f"/{rest}"
    return Location(scheme=scheme, host=_ascii_host(parts["host"]), port=port, target=target)


def _escaped(character: str) -> str:
    return "".join(f"%{byte:02X}" for byte in character.encode("utf-8", "replace"))


def _ascii_host(host: str) -> str:
    try:
        name = host.strip("[]").encode("idna" if not host.isascii() else "ascii").decode().lower()
    except UnicodeError as error:
        raise ValueError("the address has no host that could be read") from error
    if not _HOST.match(name):
        raise ValueError("the address has no host that could be read")
    return name


def is_loopback_url(url: str) -> bool:
    """Whether a base URL is on this machine; False for what can't be read."""
    try:
        return is_loopback_host(parse_url(url).host)
    except ValueError:
        return False


def check_base_url(url: str) -> Location:
    """The parts of an API's base URL. Raises `UsageError`.

    Plain http is taken only where the key can't travel far: loopback, private addresses, names without a dot.
    """
    try:
        location = parse_url(url.rstrip("/"))
    except ValueError as error:
        raise UsageError(
            f"the base URL can't be used: {error}", hint="write it like `https://api.example.com/v1`"
        ) from error
    if "?" in location.target or "#" in url:
        raise UsageError("the base URL has a query or a fragment", hint="it ends in the path, like `…/v1`")
    if location.scheme == "http" and not _is_near(location.host):
        raise UsageError(f"the base URL `{location.without_query}` would send the key unencrypted", hint="use https")
    return location


def _is_near(host: str) -> bool:
    address = parse_address(host)
    if address is not None:
        return not is_public(address) and not address.is_multicast
    return is_loopback_host(host) or "." not in host
