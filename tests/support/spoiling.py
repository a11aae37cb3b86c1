"""Documents spoilt in one place each, to see whether a schema notices: one that takes anything is none."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import jsonschema

Place = tuple[str | None, ...]  # keys on the way; None is any item of a list
_SPOILT = [[["spoilt"]]]


def places(value: Any, place: Place = ()) -> Iterator[Place]:
    yield place
    inner: Iterable[tuple[str | None, Any]] = ()
    if isinstance(value, dict):
        inner = value.items()
    elif isinstance(value, list):
        inner = ((None, item) for item in value)
    for key, one in inner:
        yield from places(one, (*place, key))


def let_through(
    validator: jsonschema.Draft202012Validator, document: Any, at: Iterable[Place] | None = None
) -> list[Place]:
    """Where a value of another kind, or a mapping with one key more, is still taken; of all places, or those `at`."""
    found = []
    for place in sorted(set(places(document) if at is None else at), key=str):
        other_kind = _spoilt(document, place, lambda _value: _SPOILT)
        strange_key = _spoilt(
            document, place, lambda value: value | {"strange": _SPOILT} if isinstance(value, dict) else None
        )
        if any(one is not None and validator.is_valid(one) for one in (other_kind, strange_key)):
            found.append(place)
    return found


def _spoilt(value: Any, place: Place, spoil: Callable[[Any], Any]) -> Any:
    """`value` with the first thing at `place` spoilt; None where that can't be."""
    if not place:
        return spoil(value)
    key, rest = place[0], place[1:]
    if key is not None:
        inner = _spoilt(value[key], rest, spoil)
        return None if inner is None else value | {key: inner}
    for number, item in enumerate(value):
        if rest in set(places(item)):
            inner = _spoilt(item, rest, spoil)
            return None if inner is None else [*value[:number], inner, *value[number + 1 :]]
    raise KeyError(place)
