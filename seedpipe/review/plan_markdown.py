"""`plan --format markdown`: a comment for a pull request. Words of the manifest can't ping, link or draw. Pure."""

from typing import Final

from seedpipe.display import PLAIN
from seedpipe.names import Realm
from seedpipe.plan.plan import Plan
from seedpipe.review.markup import markdown_code, markdown_words
from seedpipe.review.plan_text import (
    NO_CAPS,
    Caps,
    between,
    caps_text,
    cost_words,
    free_words,
    known_from,
    nothing_to_do,
    parts_words,
    plan_title,
)
from seedpipe.review.rows import Row, plan_rows, quiet
from seedpipe.review.words import about, count, label, places, range_words

_MAX_ROWS: Final = 100  # a comment has a largest size


def plan_markdown(plan: Plan, *, caps: Caps = NO_CAPS) -> str:
    """A headline, the sum, a table of what is not as it was, and the rest folded away."""
    lines = [f"### {markdown_words(plan_title(plan, 200, PLAIN))}", "", f"**{_sum(plan)}**"]
    limits = caps_text(caps, plan.cost.high)
    if limits:
        lines[-1] += f" · {markdown_words(limits)}"
    if plan.pictures and plan.time.seconds > 0 and plan.realm is Realm.LIVE:
        lines[-1] += f" · {about(plan.time.seconds)} ({known_from(plan.time)})"
    if plan.pictures:
        lines += [f"> {markdown_words(remark)}" for remark in caps.remarks]
    rows = plan_rows(plan)
    told = [row for row in rows if not quiet(row)]
    if told:
        decimals = None if plan.realm is Realm.PROOF else places(row.cost.high for row in told)
        lines += ["", "| state | what | cost | why | where |", "|---|---|--:|---|---|"]
        lines += [_row(row, decimals) for row in told[:_MAX_ROWS]]
        if len(told) > _MAX_ROWS:
            lines.append(f"| | and {len(told) - _MAX_ROWS:,} more rows | | | |")
    silent = [row for row in rows if quiet(row)]
    if silent:
        number = sum(len(row.nodes) for row in silent)
        lines += ["", f"<details><summary>{count(number, 'picture')} for nothing</summary>", ""]
        lines += [f"- {label(row.state)} {markdown_code(row.what)} {row.number}".rstrip() for row in silent[:_MAX_ROWS]]
        if len(silent) > _MAX_ROWS:
            lines.append(f"- and {len(silent) - _MAX_ROWS:,} more")
        lines += ["", "</details>"]
    if plan.hints and plan.realm is Realm.LIVE:
        lines += ["", *(f"> {markdown_words(hint.sentence())}" for hint in plan.hints)]
    return "\n".join(lines) + "\n"


def _sum(plan: Plan) -> str:
    if not plan.nodes:
        return "no pictures"
    if nothing_to_do(plan):
        return "everything is up to date · nothing will be sent"
    if not plan.pictures:
        return f"{'draws' if plan.realm is Realm.PROOF else 'buys'} nothing{free_words(plan)}"
    if plan.realm is Realm.PROOF:
        return f"draws {count(plan.pictures, 'proof')}{free_words(plan)} · bought live {range_words(plan.cost)}"
    parts = parts_words(plan)
    return f"buys {count(plan.pictures, 'picture')} · {cost_words(plan.cost)}" + (f" ({parts})" if parts else "")


def _row(row: Row, decimals: int | None) -> str:
    money = ""
    if decimals is not None and row.cost.high:
        money = between(row.cost, decimals)
    what = f"{markdown_code(row.what)} {row.number}".rstrip()
    return f"| {label(row.state)} | {what} | {money} | {markdown_words(row.why)} | {markdown_code(row.place)} |"
