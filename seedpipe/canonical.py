"""Canonical JSON (RFC 8785 on a subset): what keys are hashed over and what the lock's lines are written in."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from seedpipe.names import Digest

MAX_INT = 2**53 - 1


def canonical_json(value: Any) -> str:
    """Sorted keys, no blanks, no floats, ASCII keys, integers below 2**53. Raises `ValueError` for anything else."""
    _check(value)
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def digest_of(value: Any) -> Digest:
    """SHA-256 over the canonical JSON of `value`, as UTF-8."""
    return Digest(hashlib.sha256(canonical_json(value).encode()).hexdigest())


def _check(value: Any) -> None:
    match value:
        case None | bool():
            return
        case str():
            value.encode()  # a lone surrogate has no UTF-8 form: UnicodeEncodeError is a ValueError
        case int():
            if abs(value) > MAX_INT:
                raise ValueError(f"{value} does not fit a JSON number exactly")
        case Mapping():
            for key, item in value.items():
                if not isinstance(key, str) or not key.isascii():
                    raise ValueError(f"the key {key!r} is not ASCII text")
                _check(item)
        case list() | tuple():
            for item in value:
                _check(item)
        case _:
            raise ValueError(f"{type(value).__name__} has no canonical form (write decimals as text)")


def json_trouble(error: Exception) -> str:
    """What is wrong with a text that is no JSON, in words that can follow a colon."""
    if not isinstance(error, json.JSONDecodeError):
        return "it is nested too deeply"
    said = error.msg.lower()
    if said.startswith("unterminated string"):
        return "a text begins here and has no end"
    if "delimiter" in said:
        return "a comma or a colon is missing here"
    if said.startswith("extra data"):
        return "something follows it"
    return "a value or a name is missing here"
