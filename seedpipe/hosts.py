"""What the host of a URL is by its look alone: an IP address in any of its spellings, this machine, the open Internet.

Pure: no name is looked up. What a name leads to is checked where it is fetched.
"""

import ipaddress
import re
from typing import Final

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_NAT64: Final = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("64:ff9b:1::/48"))
_PART: Final = re.compile(
    r"(?:0[xX](?P<hex>[0-9A-Fa-f]{0,16})|(?P<octal>0[0-7]{0,22})|(?P<decimal>[1-9][0-9]{0,19}))\Z"
)


def parse_address(text: str) -> Address | None:
    """An IP address in its usual form, with its IPv4 meaning if it only wraps one; None for anything else."""
    try:
        return _unwrapped(ipaddress.ip_address(text.partition("%")[0]))
    except ValueError:
        return None


def literal_address(host: str) -> Address | None:
    """As `parse_address`, and in the spellings that systems resolve without asking anyone: `2130706433`, `0x7f.1`."""
    name = host.strip("[]").rstrip(".")
    found = parse_address(name)
    if found is not None:
        return found
    numbers = [_number(part) for part in name.split(".")]
    *leading, last = numbers
    if len(numbers) > 4 or last is None or any(part is None or part > 255 for part in leading):
        return None
    if last >= 256 ** (4 - len(leading)):
        return None
    whole = last + sum((part or 0) << 8 * (3 - place) for place, part in enumerate(leading))
    return ipaddress.IPv4Address(whole)


def _number(part: str) -> int | None:
    match = _PART.match(part)
    if match is None:
        return None
    if match["hex"] is not None:
        return int(match["hex"] or "0", 16)
    return int(match["octal"], 8) if match["octal"] is not None else int(match["decimal"])


def _unwrapped(address: Address) -> Address:
    """`::ffff:10.0.0.1`, 6to4 and NAT64 lead to the IPv4 address that is inside."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None and any(address in network for network in _NAT64):
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        return inner or address
    return address


def is_public(address: Address) -> bool:
    """Whether the address is on the open Internet: nothing private, shared, local, reserved, multicast."""
    site_local = isinstance(address, ipaddress.IPv6Address) and address.is_site_local
    closed = address.is_private or address.is_loopback or address.is_link_local or address.is_multicast
    return address.is_global and not (closed or address.is_reserved or address.is_unspecified or site_local)


def is_loopback_host(host: str) -> bool:
    """`localhost`, `*.localhost`, 127.0.0.0/8, `::1`, and IPv6 forms of them."""
    name = host.strip("[]").rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    address = parse_address(name)
    return address is not None and address.is_loopback
