"""What stands behind a plan's prices: whose list they are, and what may make them less, which is never counted. Pure."""

from collections.abc import Mapping, Sequence
from functools import reduce
from operator import add

from seedpipe.catalogue.compare import terms
from seedpipe.catalogue.lookup import Catalogue
from seedpipe.catalogue.provider import Price
from seedpipe.display import shown, wrap
from seedpipe.money import Money
from seedpipe.plan.plan import Plan


def price_text(plan: Plan, catalogue: Catalogue, *, width: int = 80) -> str | None:
    """A few lines below a plan that buys something; None for any other."""
    prices = {
        one.model: catalogue.list_price(plan.provider, one.model)
        for node in plan.nodes.values()
        for one in node.purchases
        if one.model
    }
    if not prices:
        return None
    dates, sources = sorted({price.date for price in prices.values()}), dict.fromkeys(p.source for p in prices.values())
    told = [f"list prices: {', '.join(sources)}, read {' … '.join(dates)}"]
    if plan.host is not None:  # neither its price nor its bonuses are known to be the provider's
        told[0] += f"; what {shown(plan.host)} asks may be another price"
        return _lines(told, width)
    estimate = _estimate(plan, prices)
    beside = [f"≈ {estimate} by the provider's own rate"] if estimate is not None else []
    beside += terms(catalogue.provider(plan.provider))
    told += [f"shown and never counted: {'; '.join(beside)}"] if beside else []
    return _lines(told, width)


def _lines(told: Sequence[str], width: int) -> str:
    return "\n".join(f"  {line}" for text in told for line in wrap(text, width - 2))


def _estimate(plan: Plan, prices: Mapping[str, Price]) -> Money | None:
    """In the other currency, for all pictures; None unless every price has one in the same."""
    estimates = []
    for one in (one for node in plan.nodes.values() for one in node.purchases):
        if one.model:
            estimate = prices[one.model].estimate
            if estimate is None:
                return None
            estimates.append(estimate * one.pictures)
    if len({estimate.currency for estimate in estimates}) != 1:
        return None
    return reduce(add, estimates)
