"""How many pictures a batch becomes, and what each one is about. Pure; the real count is the model's own choice."""

import re
from typing import Final

_WORDS: Final = ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_WORDS_CHINESE: Final = "两三四五六七八九十"
_THINGS: Final = (
    r"(?:(?!(?:of|in|on|with|and|at|for|from|to|by)\b)[\w'’-]+\s+){0,4}?"  # `four cinematic sci-fi storyboards`
    r"(?:images|pictures|frames|shots|panels|scenes|illustrations|photos|photographs|posters|variations|variants|views|"
    r"pages|storyboards|drawings|sketches|paintings|portraits|stickers|icons|emojis|logos|cards|covers|designs|looks|"
    r"poses|angles|versions|keyframes|stills|slides|banners|wallpapers|renderings)\b"
)
_DIGITS: Final = re.compile(r"\b([0-9]{1,2})\s+" + _THINGS, re.IGNORECASE)
_SPELLED: Final = re.compile(r"\b(" + "|".join(_WORDS) + r")\s+" + _THINGS, re.IGNORECASE)
_CHINESE: Final = re.compile(r"([0-9]{1,2}|[" + _WORDS_CHINESE + r"])\s*[张幅格]")
_SERIES: Final = re.compile(r"\b(series|sequence|set of|storyboards?|comic)\b|组图|系列|分镜", re.IGNORECASE)
_ITEM: Final = r"(?:(?:image|frame|shot|panel|picture|scene)\s*)?([0-9]{1,2})\s*[.:)–—-]\s+(?=\S)"
_ON_LINES: Final = re.compile(r"^[ \t]*" + _ITEM, re.IGNORECASE | re.MULTILINE)
_IN_ONE_LINE: Final = re.compile(r"(?:^|(?<=\s))" + _ITEM, re.IGNORECASE)


def sequence_length(prompt: str, max_images: int) -> int:
    """A number in the words is followed, up to the limit; a series without a number fills it; else it is one picture.

    People report one collage where the prompt did not say "N separate images" (GH:griptape#3422).
    """
    if (asked := _asked_count(prompt)) is not None:
        return max(1, min(asked, max_images))
    if items := _items(prompt):
        return max(1, min(len(items), max_images))
    return max_images if _SERIES.search(prompt) else 1


def frame_words(prompt: str, position: int) -> str:
    """The words of one frame where the prompt has a numbered list, else all of them. `position` counts from 0."""
    items = _items(prompt)
    return items[position] if position < len(items) else prompt


def _items(prompt: str) -> list[str]:
    """What stands behind 1, 2, 3 …, on lines of their own or in one; a list has two items at least."""
    return _behind(_ON_LINES, prompt) or _behind(_IN_ONE_LINE, prompt)


def _behind(item: re.Pattern[str], prompt: str) -> list[str]:
    marks: list[re.Match[str]] = []
    for found in item.finditer(prompt):
        if int(found[1]) == len(marks) + 1:
            marks.append(found)
    if len(marks) < 2:
        return []
    ends = [*(mark.start() for mark in marks[1:]), len(prompt)]
    words = [prompt[mark.end() : end].strip() for mark, end in zip(marks, ends, strict=True)]
    return [*words[:-1], words[-1].splitlines()[0]]


def _asked_count(prompt: str) -> int | None:
    if found := _DIGITS.search(prompt):
        return int(found[1])
    if found := _SPELLED.search(prompt):
        return _WORDS.index(found[1].lower()) + 2
    if found := _CHINESE.search(prompt):
        return int(found[1]) if found[1].isascii() else _WORDS_CHINESE.index(found[1]) + 2
    return None
