"""What a plan could cost less: pictures that are bought several times although only their lettering differs. Pure."""

import re
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from seedpipe.manifest.node import ImageNode
from seedpipe.money import Money
from seedpipe.names import definition_of
from seedpipe.plan.graph import Graph
from seedpipe.plan.plan import Hint, PlanNode

_QUOTED: Final = re.compile(
    '"[^"\n]*"|“[^”\n]*[”“]|„[^“”\n]*[“”]|«[^»\n]*»|»[^«\n]*«|「[^」\n]*」|『[^』\n]*』|‘[^’\n]*’|`[^`\n]*`'
    r"|(?<![^\s(\[])'[^'\n]*'(?![^\s.,;:!?)\]])"
)
_LANGUAGE: Final = re.compile(r"[a-z]{2,3}(?:-(?:[A-Z]{2}|[A-Z][a-z]{3}|[0-9]{3}))*\Z")
# What a prompt says that asks for lettering; without quotes this is what tells a line of copy from another scene.
_LETTERS: Final = re.compile(
    r"\b(?:letter(?:s|ed|ing)?|words?|text|headlines?|captions?|titles?|slogans?|taglines?|typography|typeset|says|saying"
    r"|reads|reading|written|writing|line|claim)\b|文字|字样|标题|标语|文案|見出し|字幕|글자|문구",
    re.IGNORECASE,
)
_MOST_WORDS: Final = 15  # of one stretch that is taken for a line of copy


@dataclass(frozen=True, slots=True)
class _Bought:
    """A picture that would be bought, with the words and all else that is asked for."""

    planned: PlanNode
    axes: tuple[tuple[str, str], ...]
    prompt: str
    rest: Hashable


def lettering_hints(nodes: Mapping[str, PlanNode], graph: Graph) -> tuple[Hint, ...]:
    """For each entry of which it holds, by the axis that saves most."""
    entries: dict[str, list[_Bought]] = {}
    for planned in nodes.values():
        node = graph[planned.address]
        if (
            planned.pictures
            and isinstance(node, ImageNode)
            and len(node.axes)
            and planned.request is not None
            and not node.looks
        ):
            rest = _hashable({name: value for name, value in planned.request.items() if name != "prompt"})
            bought = _Bought(planned, node.axes, node.prompt, rest)
            entries.setdefault(definition_of(planned.address), []).append(bought)
    found = []
    for entry, items in entries.items():
        hints = [hint for axis in _axes(items) if (hint := _along(entry, axis, items)) is not None]
        if hints:
            found.append(max(hints, key=lambda hint: (hint.cost - hint.instead).micros))
    return tuple(found)


def _axes(items: Sequence[_Bought]) -> Iterator[str]:
    for place, (name, _) in enumerate(items[0].axes):
        if len({item.axes[place] for item in items if place < len(item.axes)}) > 1:
            yield name


def _along(entry: str, axis: str, items: Sequence[_Bought]) -> Hint | None:
    """Pictures that are alike in all but `axis` and what is lettered."""
    families: dict[Hashable, list[_Bought]] = {}
    for item in items:
        others = tuple((name, value) for name, value in item.axes if name != axis)
        families.setdefault((others, item.rest), []).append(item)
    alike = [family for family in families.values() if len(family) > 1 and _differ_in_lettering(axis, family)]
    if not alike:
        return None
    cost = instead = Money.zero(items[0].planned.cost.high.currency)
    for family in alike:
        prices = [item.planned.cost.high for item in family]
        for price in prices:
            cost += price
        instead += max(prices, key=lambda money: money.micros)
    return Hint(entry=entry, axis=axis, pictures=sum(map(len, alike)), bases=len(alike), cost=cost, instead=instead)


def _differ_in_lettering(axis: str, family: Sequence[_Bought]) -> bool:
    prompts = [item.prompt for item in family]
    if len(set(prompts)) == 1:
        return False  # then something else makes them several, which a person wanted
    if len({_QUOTED.sub("“”", prompt) for prompt in prompts}) == 1:
        return True
    values = {value for item in family for name, value in item.axes if name == axis}
    return (
        all(map(_LANGUAGE.match, values))
        and all(map(_LETTERS.search, prompts))
        and _one_stretch([prompt.split() for prompt in prompts])
    )


def _one_stretch(texts: Sequence[Sequence[str]]) -> bool:
    """Between a common beginning and a common end each text has a few words of its own."""
    shortest = min(map(len, texts))
    start = next((place for place in range(shortest) if len({text[place] for text in texts}) > 1), shortest)
    end = next(
        (place for place in range(shortest - start) if len({text[-1 - place] for text in texts}) > 1),
        shortest - start,
    )
    return start + end >= 3 and all(len(text) - start - end <= _MOST_WORDS for text in texts)


def _hashable(value: Any) -> Hashable:
    if isinstance(value, Mapping):
        return tuple(sorted((name, _hashable(item)) for name, item in value.items()))
    if isinstance(value, list | tuple):
        return tuple(map(_hashable, value))
    return value if isinstance(value, Hashable) else str(value)
