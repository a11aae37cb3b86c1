"""Which words of a text changed: the parts of both texts, and each change with its place in the new one. Pure."""

import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from seedpipe.display import fit

# Blanks, line breaks, words, numbers; each letter of scripts that put no blanks between words; any other sign alone.
TOKEN: Final = re.compile(
    "\n|[^\\S\n]+|[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
    "|(?:(?![\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff])\\w)+|."
)
_TOO_MANY: Final = 4_000_000  # pairs of tokens, beyond which a difference is not searched but stated
_MARKS: Final = frozenset(",;.:、。，")

Part = tuple[str, str]  # ("equal" | "old" | "new", text)


@lru_cache(maxsize=1024)  # grouping, placing and telling each ask for the same two texts
def word_diff(old: str, new: str) -> Sequence[Part]:
    """The parts of both texts in reading order; what only `old` has stands before what replaced it."""
    before, after = TOKEN.findall(old), TOKEN.findall(new)
    start = _common(before, after)
    end = _common(before[start:][::-1], after[start:][::-1])
    middle_before, middle_after = before[start : len(before) - end], after[start : len(after) - end]
    parts: list[Part] = [("equal", "".join(after[:start])), *_middle(middle_before, middle_after)]
    parts.append(("equal", "".join(after[len(after) - end :])))
    return tuple(part for part in parts if part[1])


def _common(before: Sequence[str], after: Sequence[str]) -> int:
    for index, (left, right) in enumerate(zip(before, after, strict=False)):
        if left != right:
            return index
    return min(len(before), len(after))


def _middle(before: Sequence[str], after: Sequence[str]) -> list[Part]:
    if len(before) * len(after) > _TOO_MANY:
        return [("old", "".join(before)), ("new", "".join(after))]
    # Every other token is a blank: as places to begin a match they cost the most time and tell nothing.
    matcher = difflib.SequenceMatcher(lambda sign: sign == " ", before, after, autojunk=False)
    parts: list[Part] = []
    old = new = ""
    codes = matcher.get_opcodes()
    for index, (tag, i1, i2, j1, j2) in enumerate(codes):
        left, right = "".join(before[i1:i2]), "".join(after[j1:j2])
        between = 0 < index < len(codes) - 1 and (right.isspace() or len(right) == 1)
        if tag == "equal" and not (between and "\n" not in right):
            parts += [("old", old), ("new", new), ("equal", right)]
            old = new = ""
        else:  # a blank between two changes belongs to them
            old, new = old + left, new + right
    parts += [("old", old), ("new", new)]
    return parts


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What stood there and what stands there now; `start` is where `new` begins in the new text, in characters."""

    old: str
    new: str
    start: int


def changes(old: str, new: str) -> Iterator[Change]:
    """The places in which two texts differ, in reading order."""
    at, gone = 0, ""
    for kind, text in [*word_diff(old, new), ("equal", "")]:
        if kind == "old":
            gone += text
            continue
        if kind == "new" or gone:
            yield Change(old=gone, new=text if kind == "new" else "", start=at)
            gone = ""
        at += len(text)


@lru_cache(maxsize=4096)  # grouping, folding and telling each ask for the same sentence
def words_changed(old: str, new: str, *, limit: int = 3) -> str:
    """The changed words of two texts, `matte → brushed brass`; at most `limit` places, then how many more."""
    told = []
    for change in changes(old, new):
        alone = not (change.old.strip() and change.new.strip())
        left, right = _clip(change.old, alone=alone), _clip(change.new, alone=alone)
        if left or right:
            told.append(f"{left} → {right}" if left and right else f"+ {right}" if right else f"− {left}")
    if not told:
        return "line breaks"
    more = f", {len(told) - limit} more" if len(told) > limit else ""
    return ", ".join(told[:limit]) + more


def _clip(text: str, words: int = 6, columns: int = 60, *, alone: bool) -> str:
    """Commas stand between the changes too: a mark before words that came or went `alone` is left out, a lone one quoted."""
    found = text.split()
    if alone and len(found) > 1 and found[0] in _MARKS:
        del found[0]
    elif len(found) == 1 and found[0] in _MARKS:
        return f"“{found[0]}”"
    clipped = " ".join(found[:words]) + (" …" if len(found) > words else "")
    return fit(clipped, columns)
