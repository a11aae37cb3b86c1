"""Which pictures a prompt speaks of by number: `image 2`, `images 1 and 3`, `images 1-3`."""

import re
from typing import Final

_NUMBER: Final = r"\d{1,3}\b(?!:\d|%)"  # not the 16 of `image 16:9`
_LIST: Final = rf"{_NUMBER}(?:\s*(?:,|&|-|–|to|,?\s*and)\s*{_NUMBER})*"
_IMAGE_N: Final = re.compile(rf"\bimage\s+({_NUMBER})|\bimages\s+({_LIST})", re.IGNORECASE)
_RANGE: Final = re.compile(r"(\d+)(?:\s*(?:-|–|to)\s*(\d+))?")


def image_numbers(prompt: str) -> frozenset[int]:
    """The places among the references that the words mean; 0 and too high ones are there as they are written."""
    numbers: set[int] = set()
    for one, several in _IMAGE_N.findall(prompt):
        for first, last in _RANGE.findall(one or several):
            numbers.update(range(int(first), int(last or first) + 1))
    return frozenset(numbers)
