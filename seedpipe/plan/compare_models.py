"""`plan --compare-models`: what a plan buys, priced for each model of the provider that can make it. Pure."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from seedpipe.catalogue.compare import short_name
from seedpipe.catalogue.lookup import Catalogue
from seedpipe.errors import SeedpipeError
from seedpipe.manifest.node import FrameNode, ImageNode
from seedpipe.money import Money
from seedpipe.plan.fewer import as_came
from seedpipe.plan.graph import Graph
from seedpipe.plan.lint import model_faults
from seedpipe.plan.plan import Cost, Forecast, Plan, PlanNode, State, sum_of
from seedpipe.plan.price import price_of
from seedpipe.plan.resolve import Resolver

Timed = Callable[[Plan], Forecast]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelPrice:
    """One model: `pictures` of `of` can be made by it, for `cost`; `why` says of the others how many can't and why.

    `used` counts the pictures that the plan has made by this model; `time` is known where all can be made.
    """

    model: str
    name: str
    used: int
    pictures: int
    of: int
    cost: Cost
    time: Forecast | None
    why: tuple[tuple[str, int], ...] = ()

    def to_dict(self) -> dict[str, Any]:
        return {
            "model": self.model,
            "used": self.used,
            "pictures": self.pictures,
            "of": self.of,
            "cost": self.cost.to_dict(),
            "time": None if self.time is None else self.time.to_dict(),
            "cannot": [{"why": sentence, "pictures": number} for sentence, number in self.why],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """`bought`: the pictures that the plan buys are compared; else it buys none, and all are, once each."""

    bought: bool
    models: tuple[ModelPrice, ...]

    def to_dict(self) -> dict[str, Any]:
        return {"bought": self.bought, "models": [model.to_dict() for model in self.models]}


def compare_models(plan: Plan, *, graph: Graph, catalogue: Catalogue, timed: Timed) -> Comparison:
    """Those that can make everything first, the cheapest first. Models that were shut down are left out."""
    bought = [node for node in plan.nodes.values() if node.pictures and node.model]
    chosen = bought or [_once(node) for node in plan.nodes.values() if node.model]
    prices = [
        _priced(plan, chosen, model.id, graph, catalogue, timed)
        for model in catalogue.models.values()
        if model.id in catalogue.provider(plan.provider).offers and model.is_usable
    ]
    order = sorted(prices, key=lambda price: (-price.pictures, price.cost.high.micros, price.name))
    return Comparison(bought=bool(bought), models=tuple(order))


def _once(node: PlanNode) -> PlanNode:
    return replace(node, pictures=1, state=State.MAKE, batch=None, beside=(), looks=())


def _priced(
    plan: Plan, chosen: Sequence[PlanNode], model: str, graph: Graph, catalogue: Catalogue, timed: Timed
) -> ModelPrice:
    resolver = Resolver(catalogue=catalogue, provider=plan.provider, remembered={})
    made: dict[str, PlanNode] = {}
    why: Counter[str] = Counter()
    told: dict[str, str | None] = {}  # of each sequence once
    for planned in chosen:
        node = _with_model(as_came(graph[planned.address], plan), model)
        group = node.sequence.address if isinstance(node, FrameNode) else node.address
        if group not in told:
            told[group] = next(iter(model_faults(node, catalogue, plan.provider, resolver)), None)
        fault = told[group]
        try:
            if fault is None:
                made[planned.address] = _node_for(planned, node, plan, catalogue, resolver)
        except SeedpipeError as error:  # a price that isn't known
            fault = error.message
        if fault is not None:
            why[_short(fault, model)] += planned.pictures
    pictures = sum(node.pictures for node in made.values())
    everything = not why
    return ModelPrice(
        model=model,
        name=short_name(catalogue, model),
        used=sum(one.pictures for node in chosen for one in node.purchases if one.model == model),
        pictures=pictures,
        of=sum(node.pictures for node in chosen),
        cost=sum_of((node.cost for node in made.values()), plan.currency),
        time=timed(replace(plan, nodes={**plan.nodes, **made})) if everything and made else None,
        why=tuple(why.most_common()),
    )


def _with_model(node: Any, model: str) -> ImageNode | FrameNode:
    if isinstance(node, FrameNode):
        return replace(node, sequence=replace(node.sequence, base=replace(node.sequence.base, model=model)))
    if isinstance(node, ImageNode):
        return node.changed(model=model)
    raise TypeError(f"{node!r} is not bought")


def _node_for(
    planned: PlanNode, node: ImageNode | FrameNode, plan: Plan, catalogue: Catalogue, resolver: Resolver
) -> PlanNode:
    asked = resolver.asked(node)
    free = not planned.cost.high  # of a plan that buys nothing: each picture once
    amounts = {name: Money.zero(plan.currency) for name in ("low", "expected", "high")}
    for look, pictures in _bought(planned, node):
        one = resolver.asked(look)
        for name in amounts:
            if getattr(planned.cost, name) or free:
                inputs = _inputs(look, plan, name) + len(planned.beside)
                amounts[name] += price_of(catalogue, plan.provider, one.model, one.size, inputs=inputs) * pictures
    return replace(planned, model=asked.model, size=asked.size, cost=Cost(**amounts), looks=())


def _inputs(node: ImageNode | FrameNode, plan: Plan, amount: str) -> int:
    """From how many pictures it is made in one of the plan's three cases: of counted ones from those that then come."""
    awaited = [plan.nodes[one.address] for one in node.references if one.counted and plan.nodes[one.address].pictures]
    return len(node.references) - sum(not getattr(one.cost, amount) for one in awaited)


def _bought(planned: PlanNode, node: ImageNode | FrameNode) -> Sequence[tuple[ImageNode | FrameNode, int]]:
    """What is asked for under one key each, and how often."""
    if isinstance(node, ImageNode) and planned.looks:
        return [(node.wearing(look.name), look.pictures) for look in planned.looks if look.pictures]
    return [(node, planned.pictures)]


def _short(sentence: str, model: str) -> str:
    """Without the model's own name, and without those that could instead: the table shows both."""
    return sentence.partition("; ")[0].replace(f"`{model}`", "it")
