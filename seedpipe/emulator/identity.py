"""The ids the service gives to requests, and the addresses of its results."""

import hashlib
from datetime import UTC, datetime
from typing import Final

REQUEST_ID_HEX: Final = 38
TRACE_HEX: Final = 20


def request_id(milliseconds: int, entropy: bytes) -> str:
    """`02`, 13 digits of Unix milliseconds, 38 hex digits: 53 characters (decoded from live samples)."""
    return f"02{milliseconds:013d}{hashlib.sha256(entropy).hexdigest()[:REQUEST_ID_HEX]}"


def trace_id(milliseconds: int, entropy: bytes) -> str:
    """The other form, of the `x-request-id` header: `20260104232021` and 20 upper-case hex digits."""
    stamp = datetime.fromtimestamp(milliseconds / 1000, tz=UTC).strftime("%Y%m%d%H%M%S")
    return stamp + hashlib.sha256(b"trace" + entropy).hexdigest()[:TRACE_HEX].upper()


def client_trace(milliseconds: int, entropy: bytes) -> str:
    """What the service makes up for a client that sent no `X-Client-Request-Id` (GH:jeffstric/ZJT#94)."""
    stamp = datetime.fromtimestamp(milliseconds / 1000, tz=UTC).strftime("%Y%m%d%H%M%S")
    return f"unknown-{stamp}-{hashlib.sha256(b'client' + entropy).hexdigest()[:8]}"


def key_hash(key: str) -> str:
    """Twelve hex digits that tell two API keys apart in the ledger without showing them."""
    return hashlib.sha256(b"seedpipe emulator key\0" + key.encode()).hexdigest()[:12]
