"""Until when the address of a picture can be fetched, by what it says itself: signed addresses carry their end. Pure."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import parse_qsl, urlsplit

USUAL_LIFE: Final = timedelta(hours=24)  # of an address that doesn't say (BP-API)
LONGEST_LIFE: Final = timedelta(days=7)  # no signature of these kinds lives longer
_DATED: Final = ("x-tos", "x-amz", "x-goog", "x-obs")  # `<kind>-date` and `<kind>-expires`, a number of seconds


def end_of(url: str, given: datetime) -> datetime:
    """When the address ends that was `given` then; what can't be fetched at all has ended already."""
    try:
        parts = urlsplit(url)
        pairs = {name.lower(): value for name, value in parse_qsl(parts.query, max_num_fields=100)}
    except ValueError:
        return given
    if parts.scheme.lower() not in ("http", "https"):
        return given
    said = _said(pairs)
    return given + USUAL_LIFE if said is None else min(said, given + LONGEST_LIFE)


def _said(pairs: Mapping[str, str]) -> datetime | None:
    for kind in _DATED:
        begin, life = pairs.get(f"{kind}-date"), _number(pairs.get(f"{kind}-expires"))
        if begin is not None and life is not None:
            return _after(begin, timedelta(seconds=life))
    until = _number(pairs.get("expires"))  # seconds since 1970, as older signatures have it
    return None if until is None else datetime.fromtimestamp(until, UTC)


def _after(begin: str, life: timedelta) -> datetime | None:
    try:
        return datetime.strptime(begin, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC) + life
    except (ValueError, OverflowError):
        return None


def _number(text: str | None) -> int | None:
    """At most ten digits: what is longer is no number of seconds."""
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) <= 10 else None
