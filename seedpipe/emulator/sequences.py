"""How many pictures a batch becomes, and what each one is about. Pure; the real count is the model's own choice."""

import re
from typing import Final

_WORDS: Final = ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_WORDS_CHINESE: Final = "两三四五六七八九十"
_THINGS: Final = (
    r"(?:separate|different|distinct|coherent|consecutive|related|individual|new|storyboard|\s|-)*"
    r"(?:images|pictures|frames|shots|panels|scenes|illustrations|photos|photographs|posters|variations|views|pages)\b"
)
_DIGITS: Final = re.compile(r"\b([0-9]{1,2})\s+" + _THINGS, re.IGNORECASE)
_SPELLED: Final = re.compile(r"\b(" + "|".join(_WORDS) + r")\s+" + _THINGS, re.IGNORECASE)
_CHINESE: Final = re.compile(r"([0-9]{1,2}|[" + _WORDS_CHINESE + r"])\s*[张幅格]")
_SERIES: Final = re.compile(r"\b(series|sequence|set of|storyboard|comic)\b|组图|系列|分镜", re.IGNORECASE)
_ITEM: Final = re.compile(
    r"^\s*(?:image|frame|shot|panel|picture)?\s*([0-9]{1,2})\s*[.:)–—-]\s+(.+)$", re.IGNORECASE | re.MULTILINE
)


def sequence_length(prompt: str, max_images: int) -> int:
    """A number in the words is followed, up to the limit; a series without a number fills it; else it is one picture.

    People report one collage where the prompt did not say "N separate images" (GH:griptape#3422).
    """
    if (asked := _asked_count(prompt)) is not None:
        return max(1, min(asked, max_images))
    if items := _ITEM.findall(prompt):
        return max(1, min(len(items), max_images))
    return max_images if _SERIES.search(prompt) else 1


def frame_words(prompt: str, position: int) -> str:
    """The words of one frame where the prompt has a numbered list, else all of them. `position` counts from 0."""
    items: dict[int, str] = {int(number): words for number, words in _ITEM.findall(prompt)}
    return items.get(position + 1, prompt)


def _asked_count(prompt: str) -> int | None:
    if found := _DIGITS.search(prompt):
        return int(found[1])
    if found := _SPELLED.search(prompt):
        return _WORDS.index(found[1].lower()) + 2
    if found := _CHINESE.search(prompt):
        return int(found[1]) if found[1].isascii() else _WORDS_CHINESE.index(found[1]) + 2
    return None
