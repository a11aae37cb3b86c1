"""`plan --by`: what each value of an axis, each tag, model, state or entry costs. Pure."""

from seedpipe.display import PLAIN, Style, fit, shown
from seedpipe.names import Realm
from seedpipe.plan.grouping import Group, Grouping
from seedpipe.plan.plan import Plan
from seedpipe.review.plan_text import MIN_WIDTH
from seedpipe.review.table import Column, fitting, markdown_table, table
from seedpipe.review.words import places

_NONE = "–"


def grouping_text(plan: Plan, grouping: Grouping, *, width: int = 80, style: Style = PLAIN) -> str:
    """The table; the sums are the plan's own."""
    width = max(width, MIN_WIDTH)
    lines = table(fitting(_columns(plan, grouping, most=width // 2), width), style)
    if grouping.overlaps:
        lines.append(style.dim("  " + fit(_overlap(grouping), width - 2)))
    return "\n".join(lines)


def grouping_markdown(plan: Plan, grouping: Grouping) -> str:
    """The same as a table of Markdown."""
    note = ["", _overlap(grouping)] if grouping.overlaps else []
    return "\n".join([*markdown_table(_columns(plan, grouping, most=200)), *note]) + "\n"


def _overlap(grouping: Grouping) -> str:
    return f"a picture with several {grouping.by}s counts in each"


def _columns(plan: Plan, grouping: Grouping, *, most: int) -> list[Column]:
    groups = grouping.groups
    verb = "draws" if plan.realm is Realm.PROOF else "buys"
    columns = [
        Column(grouping.by.removeprefix("axis:"), [fit(_value(group, grouping), most) for group in groups]),
        Column("pictures", [f"{group.nodes:,}" for group in groups], right=True),
        Column(verb, [f"{group.pictures:,}" if group.pictures else _NONE for group in groups], right=True),
    ]
    if plan.realm is Realm.PROOF:
        return columns
    decimals = places(money for group in groups for money in (group.cost.low, group.cost.expected, group.cost.high))
    for title, name in (("at least", "low"), ("expected", "expected"), (f"at most, {plan.currency}", "high")):
        amounts = [getattr(group.cost, name) for group in groups]
        if name == "low" and all(group.cost.low == group.cost.expected for group in groups):
            continue
        cells = [
            money.rounded(decimals) if group.cost.high else _NONE for money, group in zip(amounts, groups, strict=True)
        ]
        columns.append(Column(title, cells, right=True))
    return columns


def _value(group: Group, grouping: Grouping) -> str:
    return f"(no {grouping.by.removeprefix('axis:')})" if group.value is None else shown(group.value)
