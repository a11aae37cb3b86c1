"""`plan` for people: a table that is read in five seconds and fits its width. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from seedpipe.display import PLAIN, Style, display_width, fit, flow, shown, wrap
from seedpipe.money import Money
from seedpipe.names import Realm, definition_of
from seedpipe.plan.plan import Cost, Forecast, Plan, State
from seedpipe.review.plan_table import plan_table
from seedpipe.review.rows import Row, plan_rows, quiet
from seedpipe.review.words import UP_TO_DATE, about, amounts, count, duration, pattern, places, range_words

MIN_WIDTH: Final = 48


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """What counts in a period (`this month`), and its cap if there is one. `unsure` of it is uncertain or under way."""

    name: str
    spent: Money
    unsure: Money
    cap: Money | None = None

    def over_by(self, high: Money) -> Money | None:
        """What is missing for `high` more; None if it fits."""
        if self.cap is None or high.currency != self.cap.currency or not high:
            return None
        return self.spent + high - self.cap if self.spent + high > self.cap else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Caps:
    """The caps that bind a run. `remarks` are shown, never counted on: `about 0.25 USD after the bonus`."""

    run: Money | None = None
    periods: tuple[Period, ...] = ()
    remarks: tuple[str, ...] = ()


NO_CAPS: Final = Caps()


def plan_text(
    plan: Plan,
    *,
    width: int = 80,
    style: Style = PLAIN,
    caps: Caps = NO_CAPS,
    verbose: int = 0,
    flags: Sequence[str] = (),
) -> str:
    """The whole plan; with `verbose` each node has a row. No line is wider than `width` (at least 48).

    `flags` belong to the commands that are told (`command_flags`).
    """
    width = max(width, MIN_WIDTH)
    title = plan_title(plan, width, style)
    rows = plan_rows(plan, every_node=verbose > 0)
    if not rows:
        return f"{title}\n\n  {_nothing_named(plan)}"
    idle = nothing_to_do(plan)
    told = [row for row in rows if not quiet(row)]
    lines = [title]
    if not idle or verbose or told:
        lines += ["", *plan_table(rows, width, style, fold=not verbose, priced=plan.realm is Realm.LIVE, flags=flags)]
    if idle:
        lines += ["", *_idle_lines(told, style)]
    elif plan.realm is Realm.PROOF:
        lines += ["", *proof_lines(plan, width, style)]
    else:
        lines += ["", *sum_lines(plan, caps, width, style)]
    return "\n".join([*lines, *hint_lines(plan, width, style)])


def hint_lines(plan: Plan, width: int, style: Style) -> list[str]:
    """How the same would cost less; nothing of it in a proof, which costs nothing."""
    if plan.realm is Realm.PROOF or not plan.hints:
        return []
    told = [wrap(shown(hint.sentence()), width - 4) for hint in plan.hints]
    return [
        "",
        *("  " + style.dim(("  " if place else "· ") + line) for lines in told for place, line in enumerate(lines)),
    ]


def rest_words(plan: Plan) -> str:
    """What is said of a plan by which a build does nothing: whether all is made, or something is kept back."""
    done = all(node.state in (State.CACHED, State.SAME) for node in plan.nodes.values())
    return UP_TO_DATE if done else "nothing to do"


def nothing_to_do(plan: Plan) -> bool:
    """A build would change nothing and nobody is waited for."""
    return not plan.has_changes and not any(
        node.state.needs_a_person or node.state in (State.PARTIAL, State.FETCH, State.FREE)
        for node in plan.nodes.values()
    )


def plan_title(plan: Plan, width: int, style: Style) -> str:
    """`lumen · 44 pictures · seedream-4-5 at apiyi`; a proof and the chosen targets are named."""
    pictures = sum(node.kind != "source" and node.exists for node in plan.nodes.values())
    parts = [count(pictures, "picture")]
    if plan.targets:
        parts.append("only " + ", ".join(plan.targets))
    if plan.wish is not None and plan.wish.selection.excluded:
        parts.append("without " + ", ".join(_patterns(plan.wish.selection.excluded)))
    named = {name for node in plan.nodes.values() for name in (node.model, *(look.model for look in node.looks))}
    models = sorted(name for name in named if name is not None)
    if models:
        more = f" and {len(models) - 2} more" if len(models) > 3 else ""
        where = "" if plan.realm is Realm.PROOF else f" at {_service(plan)}"
        parts.append(f"{', '.join(models[:2] if more else models)}{more}{where}")
    proof = "proof: nothing is billed" if plan.realm is Realm.PROOF else ""
    name = fit(shown(plan.project), width // 2)
    lines = flow([name, *map(shown, parts), *([proof] if proof else [])], width)
    lines[0] = style.bold(name) + lines[0].removeprefix(name)
    if proof and lines[-1].endswith(proof):
        lines[-1] = lines[-1].removesuffix(proof) + style.cyan(proof)
    return "\n".join(lines)


def _patterns(addresses: Iterable[str]) -> list[str]:
    """One for each entry."""
    entries: dict[str, list[str]] = {}
    for address in sorted(addresses):
        entries.setdefault(definition_of(address), []).append(address)
    return [pattern(names) for names in entries.values()]


def _service(plan: Plan) -> str:
    """`apiyi`; of another server of the protocol its host, and whose dialect and prices hold for it."""
    return plan.provider if plan.host is None else f"{plan.host} (like {plan.provider})"


def _nothing_named(plan: Plan) -> str:
    return "the targets name no picture" if plan.targets else "the manifest names no pictures yet"


def _idle_lines(told: Sequence[Row], style: Style) -> list[str]:
    if not told:
        return ["  " + style.green(UP_TO_DATE) + " · nothing will be sent"]
    return ["  " + style.green("nothing to do") + " · nothing will be sent"]


def sum_lines(plan: Plan, caps: Caps, width: int, style: Style) -> list[str]:
    """What is bought, for how much, within which caps, and how long it takes."""
    high = plan.cost.high
    if not plan.pictures and not high:
        held = any(period.unsure for period in caps.periods)
        known = wrap(caps_text(replace(caps, run=None), high), width - 2) if held else []
        return [f"  {style.bold('buys nothing')}{free_words(plan)}", *("  " + style.dim(line) for line in known)]
    over = (caps.run is not None and _over(high, caps.run)) or any(one.over_by(high) for one in caps.periods)
    buys = f"buys {count(plan.pictures, 'picture')}"
    limits = caps_text(caps, high)
    lines = [f"  {style.bold(f'{buys}   {cost_words(plan.cost)}')}"]
    if display_width(lines[0]) > width:
        lines = [f"  {style.bold(line)}" for line in (buys, *wrap(cost_words(plan.cost), width - 2))]
    if limits:
        ink = style.red if over else style.dim
        if len(lines) == 1 and display_width(lines[0]) + 4 + display_width(limits) <= width:
            lines = [f"{lines[0]}    {ink(limits)}"]
        else:
            lines += ["  " + ink(line) for line in wrap(limits, width - 2)]
    parts = parts_words(plan)
    lines += ["  " + style.dim(line) for line in (wrap(parts, width - 2) if parts else ())]
    lines += ["  " + style.dim(line) for remark in caps.remarks for line in wrap(shown(remark), width - 2)]
    return (
        [*lines, *("  " + style.dim(line) for line in wrap(_time_words(plan), width - 2))]
        if plan.time.seconds > 0
        else lines
    )


def _time_words(plan: Plan) -> str:
    """`about 60 s: 8 requests at once, 15 s a picture (catalogue values)`: the forecast and what it rests on."""
    time = plan.time
    if time.workers == 0 or plan.pictures == 0:
        return about(time.seconds)
    up_to = "up to " if time.pictures and time.by_catalogue else ""  # of several kinds the slowest
    parts = [f"{up_to}{duration(time.picture_seconds)} a picture"]
    if plan.pictures > 1:
        parts.insert(0, f"{count(time.workers, 'request')} at once")
    return f"{about(time.seconds)}: {', '.join(parts)} ({known_from(time)})"


def known_from(time: Forecast) -> str:
    """What the times of pictures rest on."""
    if not time.pictures:
        return "catalogue values"
    last = f"from your last {count(time.pictures, 'picture')}"
    return f"{last} and catalogue values" if time.by_catalogue else last


def proof_lines(plan: Plan, width: int, style: Style) -> list[str]:
    """What is drawn here, and what the same pictures would cost live: never as if money were spent."""
    if not plan.pictures:
        return [f"  {style.bold('draws nothing')}{free_words(plan)}"]
    draws = f"draws {count(plan.pictures, 'proof')}"
    live = f"bought live, the same would cost {range_words(plan.cost)}"
    return [f"  {style.bold(draws)}{free_words(plan)}", *("  " + style.dim(line) for line in wrap(live, width - 2))]


def free_words(plan: Plan) -> str:
    free = len(plan.in_state(State.FREE))
    fetched = len(plan.in_state(State.FETCH))
    counted = (State.FREE, State.FETCH)
    written = sum(node.writes and not node.state.buys and node.state not in counted for node in plan.nodes.values())
    parts = [f"makes {count(free, 'picture')} here"] * bool(free)
    parts += [f"fetches {count(fetched, 'picture')}"] * bool(fetched)
    parts += [f"writes {count(written, 'file')}"] * bool(written)
    return "".join(f" · {part}" for part in parts)


def cost_words(cost: Cost) -> str:
    low, expected, high = amounts(cost.low, cost.expected, cost.high)
    least = f"{low} at least, " if low != expected else ""
    return f"{least}{expected} {cost.high.currency} expected, {high} at most"


def parts_words(plan: Plan) -> str | None:
    """`0.04 directly, 0.24 by cascade`: what an edit costs, and what follows from it; None where all is one of both."""
    directly, by_cascade = plan.directly, plan.by_cascade
    if not directly.high or not by_cascade.high:
        return None
    decimals = places((directly.low, directly.high, by_cascade.low, by_cascade.high))
    return f"{between(directly, decimals)} directly, {between(by_cascade, decimals)} by cascade"


def between(cost: Cost, decimals: int) -> str:
    """`0.04`, or `0.04–0.72` where it isn't certain."""
    low, high = cost.low.rounded(decimals), cost.high.rounded(decimals)
    return high if low == high else f"{low}–{high}"


def _over(high: Money, cap: Money) -> bool:
    return high.currency == cap.currency and high > cap


def caps_text(caps: Caps, high: Money) -> str:
    """`cap 5.00 · this month 3.12 of 60.00`; a currency that isn't the plan's is named, a cap too low is said."""
    parts = []
    if caps.run is not None:
        parts.append(("over the cap of " if _over(high, caps.run) else "cap ") + _amount(caps.run, high))
    for period in caps.periods:
        text = f"{shown(period.name)} {_amount(period.spent, high)}"
        text += f" of {_amount(period.cap, high)}" if period.cap is not None else ""
        text += f" ({_amount(period.unsure, high)} not settled)" if period.unsure else ""
        over = period.over_by(high)
        parts.append(text + (f", {_amount(over, high)} over" if over is not None else ""))
    return " · ".join(parts)


def _amount(money: Money, beside: Money) -> str:
    return money.amount if money.currency == beside.currency else str(money)
