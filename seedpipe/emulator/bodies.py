"""What the ledger keeps of a request's body: every field as it came, pictures and long texts cut short. Pure."""

import json
import math
from collections.abc import Mapping
from typing import Final

_TEXT: Final = 2_000  # characters kept of one text
_PICTURE: Final = 40  # of a data URL: its kind and the first of its data
_ALL: Final = 20_000  # of the whole body, as JSON; of a larger one only the names of its fields are kept
_MOST: Final = 200  # names of fields kept of such a body
_DEPTH: Final = 6


def as_noted(body: Mapping[str, object]) -> Mapping[str, object]:
    """For people's tests, which compare what was sent with what was meant."""
    noted = {_sound(key): _short(value, 0) for key, value in body.items()}
    if len(json.dumps(noted)) > _ALL:
        return {"fields": sorted(_sound(key[:_PICTURE]) for key in list(body)[:_MOST])}
    return noted


def _sound(text: str) -> str:
    """With a UTF-8 form: a body may hold half a character."""
    return text.encode("utf-8", "replace").decode()


def _short(value: object, depth: int) -> object:
    if depth > _DEPTH:
        return "…"
    match value:
        case str():
            kept = _PICTURE if value.startswith("data:") else _TEXT
            whole = _sound(value[:kept])
            return whole if len(value) <= kept else f"{whole}… ({len(value)} characters)"
        case float() if not math.isfinite(value):
            return str(value)
        case list():
            return [_short(item, depth + 1) for item in value]
        case dict():
            return {_sound(key): _short(item, depth + 1) for key, item in value.items()}
        case _:
            return value
