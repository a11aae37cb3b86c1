"""`plan --by`: a plan's pictures and money summed by the values of an axis, by tag, model, state or entry. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from seedpipe.errors import UsageError
from seedpipe.names import definition_of
from seedpipe.plan.plan import Cost, Plan, PlanNode, State, sum_of

BUILT_IN: Final = ("tag", "model", "state", "name")
_AXIS: Final = "axis:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Nodes of one value; None: those that have none. `pictures` are bought."""

    value: str | None
    nodes: int
    pictures: int
    cost: Cost

    def to_dict(self) -> dict[str, Any]:
        return {"value": self.value, "nodes": self.nodes, "pictures": self.pictures, "cost": self.cost.to_dict()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Grouping:
    """`overlaps`: a node may stand in several groups, so that their sums are more than the plan's."""

    by: str
    groups: tuple[Group, ...]
    overlaps: bool

    def to_dict(self) -> dict[str, Any]:
        return {"by": self.by, "overlaps": self.overlaps, "groups": [group.to_dict() for group in self.groups]}


def group_by(plan: Plan, by: str) -> Grouping:
    """`by` is an axis, or `tag`, `model`, `state`, `name`; an axis of such a name is `axis:name`.

    Sources are not counted. Raises `UsageError` for an axis that no picture has.
    """
    nodes = [node for node in plan.nodes.values() if node.kind != "source"]
    if by == "model":
        nodes = [part for node in nodes for part in _by_model(node)]
    axes = list(dict.fromkeys(name for node in nodes for name, _ in node.axes))
    what = by.removeprefix(_AXIS) if by.startswith(_AXIS) or by not in BUILT_IN else None
    if what is not None and what not in axes:
        known = ", ".join(f"`{name}`" for name in (*axes, *BUILT_IN))
        raise UsageError(f"`--by {by}`: no picture of this plan has the axis `{what}`", hint=f"known are {known}")
    found: dict[str | None, list[PlanNode]] = {}
    overlaps = False
    for node in nodes:
        values = dict.fromkeys(_values(node, by, what))
        overlaps = overlaps or len(values) > 1
        for value in values or (None,):
            found.setdefault(value, []).append(node)
    return Grouping(
        by=by,
        groups=tuple(_group(value, found[value], plan.currency) for value in _ordered(list(found), by)),
        overlaps=overlaps,
    )


def _by_model(node: PlanNode) -> Iterator[PlanNode]:
    """A picture whose looks are of several models is a part of each."""
    models = dict.fromkeys(look.model for look in node.looks if look.model is not None)
    if len(models) < 2:
        yield node
        return
    for model in models:
        looks = [look for look in node.looks if look.model == model]
        cost = sum_of((look.cost for look in looks), node.cost.low.currency)
        yield replace(node, model=model, pictures=sum(look.pictures for look in looks), cost=cost, looks=())


def _values(node: PlanNode, by: str, axis: str | None) -> Iterator[str]:
    if axis is not None:
        yield from (value for name, value in node.axes if name == axis)
        return
    match by:
        case "tag":
            yield from node.tags
        case "model" if node.model is not None:
            yield node.model
        case "state":
            yield node.state.value
        case "name":
            yield definition_of(node.address)


def _ordered(values: Sequence[str | None], by: str) -> Sequence[str | None]:
    """As the manifest has them, but tags by name and states by precedence; those without a value last."""
    known = [value for value in values if value is not None]
    if by == "tag":
        known.sort()
    elif by == "state":
        known.sort(key=[state.value for state in State].index)
    return [*known, *([None] if None in values else [])]


def _group(value: str | None, nodes: Sequence[PlanNode], currency: str) -> Group:
    return Group(
        value=value,
        nodes=len(nodes),
        pictures=sum(node.pictures for node in nodes),
        cost=sum_of((node.cost for node in nodes), currency),
    )
