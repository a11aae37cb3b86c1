"""What one operation of a template may take: checked before it is computed."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, Protocol

_MAX_BITS: Final = 4096  # of a whole number
_MAX_WIDTH: Final = 10_000  # in a format like `%20d`
_WIDTHS: Final = re.compile(r"%[^a-zA-Z%]*")


class Meter(Protocol):
    """What counts the work of one rendering."""

    def charge(self, steps: int, chars: int = 0) -> None: ...

    def text_of(self, value: Any) -> str: ...


class TemplateRefusedError(Exception):
    """Something that a template may not do."""

    def __init__(self, code: str, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.hint = hint


def too_much(what: str) -> TemplateRefusedError:
    return TemplateRefusedError("template-limit", f"this template {what}")


def check_replace(meter: Meter, value: str, old: str, new: str) -> None:
    meter.charge(1, (value.count(old) if old else len(value) + 1) * len(new))


def check_format(meter: Meter, pattern: str, arguments: Iterable[Any]) -> None:
    """For `%` with a text on its left: widths are bounded, and what is filled in must be able to stand in a text."""
    fields = _WIDTHS.findall(pattern)
    for field in fields:
        if "*" in field or any(int(width[-9:]) > _MAX_WIDTH or len(width) > 9 for width in re.findall("[0-9]+", field)):
            raise too_much(f"formats a value wider than {_MAX_WIDTH:,} characters")
    lengths = [
        len(meter.text_of(value))
        for argument in arguments
        for value in (argument.values() if isinstance(argument, Mapping) else (argument,))
    ]
    meter.charge(len(fields) + len(lengths), len(pattern) + len(fields) * max(lengths, default=0))


def _charge_size(meter: Meter, kind: Any, size: int) -> None:
    if isinstance(kind, str):
        meter.charge(1, size)
    else:
        meter.charge(size)


def _check_bits(bits: int) -> None:
    if bits > _MAX_BITS:
        raise too_much(f"computes a number of more than {_MAX_BITS:,} bits")


def check_operation(meter: Meter, operator: str, left: Any, right: Any) -> None:
    meter.charge(1)
    if operator == "%" and isinstance(left, str):
        check_format(meter, left, right if isinstance(right, tuple) else (right,))
    elif operator == "+" and isinstance(left, str | list | tuple) and isinstance(right, str | list | tuple):
        _charge_size(meter, left, len(left) + len(right))
    elif operator == "*" and isinstance(left, int) and isinstance(right, int):
        _check_bits(left.bit_length() + right.bit_length())
    elif operator == "*":
        for items, count in ((left, right), (right, left)):
            if isinstance(items, str | list | tuple) and isinstance(count, int):
                _charge_size(meter, items, len(items) * max(count, 0))
    elif operator == "**" and isinstance(left, int) and isinstance(right, int) and abs(left) > 1:
        _check_bits(left.bit_length() * max(right, 0))


def call_text_method(meter: Meter, method: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    if method.__name__ == "join" and args:
        parts = [meter.text_of(item) for item in args[0]]
        meter.charge(len(parts), sum(map(len, parts)) + len(parts) * len(method.__self__))
        return method(parts)
    if method.__name__ == "replace" and len(args) > 1:
        check_replace(meter, method.__self__, str(args[0]), str(args[1]))
    result = method(*args, **kwargs)
    meter.charge(1 + (len(result) if isinstance(result, list) else 0), len(result) if isinstance(result, str) else 0)
    return result
