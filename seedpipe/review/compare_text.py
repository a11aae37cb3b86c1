"""`plan --compare-models`: one line a model, what it would cost and what it can't make. Pure."""

from seedpipe.display import PLAIN, Style, shown, wrap
from seedpipe.names import Realm
from seedpipe.plan.compare_models import Comparison, ModelPrice
from seedpipe.plan.plan import Plan
from seedpipe.review.plan_text import MIN_WIDTH
from seedpipe.review.table import Column, fitting, markdown_table, table
from seedpipe.review.words import about, count, places

_NONE = "–"


def compare_text(plan: Plan, comparison: Comparison, *, width: int = 80, style: Style = PLAIN) -> str:
    """The table, and below it what the others can't make and why."""
    width = max(width, MIN_WIDTH)
    lines = [f"  {line}" for line in wrap(_what(plan, comparison), width - 2)] + [""]
    lines += table(fitting(_columns(plan, comparison), width), style)
    for price in comparison.models:
        for sentence, number in price.why:
            told = wrap(f"{price.name} can't make {number:,}: {shown(sentence)}", width - 4)
            lines += [style.dim(f"  {'  ' if place else ''}{line}") for place, line in enumerate(told)]
    basis = _basis(comparison) if plan.realm is Realm.LIVE else None
    lines += [style.dim(f"  {line}") for line in (wrap(basis, width - 4) if basis else ())]
    return "\n".join(lines)


def compare_markdown(plan: Plan, comparison: Comparison) -> str:
    """The same as a table of Markdown."""
    columns = [*_columns(plan, comparison), Column("can't make", [_why(price) for price in comparison.models])]
    basis = _basis(comparison) if plan.realm is Realm.LIVE else None
    after = ["", f"{basis}"] if basis else []
    return "\n".join([f"{_what(plan, comparison)}\n", *markdown_table(columns), *after]) + "\n"


def _basis(comparison: Comparison) -> str | None:
    """What the times rest on, where it is not the same for all: they don't compare then."""
    timed = [price for price in comparison.models if price.time is not None and price.time.seconds > 0]
    learnt = [price.name for price in timed if price.time is not None and not price.time.by_catalogue]
    if not learnt or len(learnt) == len(timed):
        return None
    return f"the time of {', '.join(learnt)} is from your last pictures, those of the others are catalogue values"


def _why(price: ModelPrice) -> str:
    return "; ".join(f"{number:,}: {sentence}" for sentence, number in price.why)


def _what(plan: Plan, comparison: Comparison) -> str:
    number = max((price.of for price in comparison.models), default=0)
    live = ", bought live," if plan.realm is Realm.PROOF else ""
    if comparison.bought:
        buys = "draws" if plan.realm is Realm.PROOF else "buys"
        return f"what the {count(number, 'picture')} that this plan {buys} would cost{live} by each model"
    return f"nothing is to be bought; all {count(number, 'picture')}, each made once, would cost{live} by each model"


def _columns(plan: Plan, comparison: Comparison) -> list[Column]:
    models = comparison.models
    decimals = places(money for price in models for money in (price.cost.expected, price.cost.high))

    def amounts(name: str) -> list[str]:
        return [getattr(price.cost, name).rounded(decimals) if price.pictures else _NONE for price in models]

    partly = any(price.pictures < price.of for price in models)
    columns = [
        Column("model", [f"{price.name}{_used(price)}" for price in models]),
        Column("makes", [_made(price) for price in models], right=True),
        Column("expected", amounts("expected"), right=True),
        Column(f"at most, {plan.currency}", amounts("high"), right=True),
    ]
    if not partly:
        del columns[1]
    if plan.realm is Realm.LIVE:
        columns.append(Column("time", [_NONE if price.time is None else about(price.time.seconds) for price in models]))
    return columns


def _made(price: ModelPrice) -> str:
    return f"{price.pictures:,}" if price.pictures == price.of else f"{price.pictures:,} of {price.of:,}"


def _used(price: ModelPrice) -> str:
    if not price.used:
        return ""
    return " (now)" if price.used == price.of else f" (now of {price.used:,})"
