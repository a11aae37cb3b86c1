"""Whether a text can be a segment of an address, and what could stand instead."""

from typing import Final

from seedpipe.names import is_segment, suggest_slug

MAX_SEGMENT: Final = 100  # characters
MAX_AXES: Final = 16


def segment_fault(text: str) -> str | None:
    """What is wrong with `text` as a segment; None if nothing is."""
    if len(text) > MAX_SEGMENT:
        return f"`{text[:20]}…` has {len(text):,} characters; a part of an address may have {MAX_SEGMENT}"
    if not is_segment(text):
        return f"`{text}` cannot be part of an address: letters a to z, digits, `.`, `_`, `-` and `:` can"
    return None


def segment_hint(text: str) -> str | None:
    slug = suggest_slug(text[:MAX_SEGMENT])
    if slug and is_segment(slug):
        return f"write `{slug}`"
    return "give it such a name; the words themselves can stand in a field of a table under `data`"
