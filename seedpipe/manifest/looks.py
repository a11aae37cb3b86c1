"""`looks`: candidates of one address, each with other values of some vars.

What a look makes of an item are the item's values with the look's on top: its vars, and anew all vars that are made of
them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from seedpipe.errors import Severity
from seedpipe.manifest.definition import Place
from seedpipe.manifest.findings import Findings
from seedpipe.manifest.matrix import Item
from seedpipe.manifest.node import ImageNode
from seedpipe.manifest.recipe import Recipe
from seedpipe.manifest.scope import Scope
from seedpipe.manifest.template import TemplateError
from seedpipe.manifest.values import is_template
from seedpipe.source import Position

# What belongs to the address, not to one candidate of it.
_OF_THE_ADDRESS: Final = ("output", "output_format", "tags", "takes", "gate", "cascade")


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One look of one item. `cells` says where the values of its vars stand."""

    name: str
    place: Place
    item: Item
    cells: Mapping[str, Position]


class LookReader:
    """Items in their looks. What is wrong goes to the findings."""

    def __init__(self, scope: Scope, findings: Findings) -> None:
        self._scope = scope
        self._findings = findings

    def of(self, recipe: Recipe, item: Item) -> Sequence[Look] | None:
        """In the order of the manifest; none if the entry has no looks. None after a fault."""
        setting = recipe.settings.get("looks")
        if setting is None:
            return ()
        looks = []
        for name, values in setting.value.items():
            place = setting.place.below(name)
            cells = {var: place.below(var).position for var in values}
            changed = self._values(recipe, item, name, place)
            if changed is None:
                return None
            worn = replace(item, values={**item.values, **changed})
            looks.append(Look(name=name, place=place, item=worn, cells=cells))
        return looks

    def _values(self, recipe: Recipe, item: Item, name: str, place: Place) -> Mapping[str, Any] | None:
        made: dict[str, Mapping[str, Any]] = recipe.made.setdefault("looks", {})
        if name in made:
            return made[name]
        written = recipe.settings["looks"].value[name]
        given = {}
        where = place
        try:
            for var, value in written.items():
                where = place.below(var)
                given[var] = self._scope.render_deep(value, item.values)
            changed = self._scope.vars_with(given)
        except TemplateError as error:
            self._findings.template(item.address, where, error)
            return None
        if not any(map(_has_template, written.values())):
            made[name] = changed  # the same for all items
        return changed


def joined(looks: Sequence[tuple[Look, ImageNode]], recipe: Recipe, findings: Findings) -> ImageNode:
    """One node of all its looks, the first of which is what it is until a person has chosen."""
    kept: list[ImageNode] = []
    for look, node in looks:
        twin = next((one for one in kept if replace(one, look=node.look, twins=()) == node), None)
        if twin is None:
            kept.append(node)
            continue
        kept[kept.index(twin)] = replace(twin, twins=(*twin.twins, look.name))
        message = f"the looks `{twin.look}` and `{look.name}` ask for the same picture; it is made once"
        hint = "give one of them another value of a var that the picture uses, or take it away"
        findings.item(node.address, "same-look", message, look.place.key_position, hint, severity=Severity.WARNING)
    first = kept[0]
    for name in _differing(first, kept[1:]):
        message = f"`{name}` is not the same in all looks, and belongs to the picture as a whole"
        hint = "use no var in it that a look changes"
        findings.item(first.address, "look-differs", message, recipe.settings[name].place.position, hint)
    return replace(first, looks=tuple(kept))


def _differing(first: ImageNode, others: Iterable[ImageNode]) -> Iterator[str]:
    nodes = list(others)
    return (name for name in _OF_THE_ADDRESS if any(getattr(node, name) != getattr(first, name) for node in nodes))


def _has_template(value: Any) -> bool:
    if isinstance(value, str):
        return is_template(value)
    if isinstance(value, Mapping):
        return any(map(_has_template, value.values()))
    return isinstance(value, list) and any(map(_has_template, value))
