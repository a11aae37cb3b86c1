"""`plan` for people: a table that is read in five seconds and fits its width. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from seedpipe.display import PLAIN, Style, display_width, fit, fit_path, pad, pad_left, shown, wrap
from seedpipe.money import Money
from seedpipe.names import Realm
from seedpipe.plan.plan import Cost, Forecast, Plan, State
from seedpipe.review.rows import Row, plan_rows, quiet
from seedpipe.review.words import about, amounts, count, duration, label, next_step, paint_state, places, range_words

MIN_WIDTH: Final = 48
_STATE_WIDTH: Final = 7


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


def plan_text(plan: Plan, *, width: int = 80, style: Style = PLAIN, caps: Caps = NO_CAPS, verbose: int = 0) -> str:
    """The whole plan; with `verbose` each node has a row. No line is wider than `width` (at least 48)."""
    width = max(width, MIN_WIDTH)
    title = plan_title(plan, width, style)
    rows = plan_rows(plan, every_node=verbose > 0)
    if not rows:
        return f"{title}\n\n  {_nothing_named(plan)}"
    idle = nothing_to_do(plan)
    told = [row for row in rows if not quiet(row)]
    lines = [title]
    if not idle or verbose or told:
        lines += ["", *_table(rows, width, style, fold=not verbose, priced=plan.realm is Realm.LIVE)]
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
    named = {name for node in plan.nodes.values() for name in (node.model, *(look.model for look in node.looks))}
    models = sorted(name for name in named if name is not None)
    if models:
        more = f" and {len(models) - 2} more" if len(models) > 3 else ""
        where = "" if plan.realm is Realm.PROOF else f" at {plan.provider}"
        parts.append(f"{', '.join(models[:2] if more else models)}{more}{where}")
    proof = " · proof: nothing is billed" if plan.realm is Realm.PROOF else ""
    name = fit(shown(plan.project), width // 2)
    rest = fit(shown(" · " + " · ".join(parts)), width - display_width(name) - len(proof))
    return style.bold(name) + rest + style.cyan(proof)


def _nothing_named(plan: Plan) -> str:
    return "the targets name no picture" if plan.targets else "the manifest names no pictures yet"


def _idle_lines(told: Sequence[Row], style: Style) -> list[str]:
    if not told:
        return ["  " + style.green("everything is up to date") + " · nothing will be sent"]
    return ["  " + style.green("nothing to do") + " · nothing will be sent"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Columns:
    """Widths. `why` begins at `indent`; `place` is 0 where there is no room for it."""

    what: int
    money: int
    why: int
    place: int

    @property
    def indent(self) -> int:
        return 2 + _STATE_WIDTH + 2 + self.what + (2 + self.money if self.money else 0) + 3


def _table(rows: Sequence[Row], width: int, style: Style, *, fold: bool, priced: bool) -> list[str]:
    told = [row for row in rows if not (fold and quiet(row))]
    decimals = places(money for row in told for money in _moneys(row)) if priced else None
    columns = _columns(told, width, decimals)
    lines: list[str] = []
    for index, row in enumerate(told):
        last = index + 1 == len(told) or told[index + 1].state is not row.state
        lines += _row_lines(row, columns, width, decimals, style)
        if last:
            steps = (next_step(other.nodes[0]) for other in told if other.state is row.state)
            lines += _next_step(next(filter(None, steps), None), columns, width, style)
    silent: dict[State, list[Row]] = {}
    for row in rows:
        if fold and quiet(row):
            silent.setdefault(row.state, []).append(row)
    for state, unspoken in silent.items():
        head = "  " + paint_state(state, label(state).ljust(_STATE_WIDTH), style) + "  "
        names = _names(unspoken, width - _STATE_WIDTH - 4)
        lines.append(head + (style.dim(names) if state is State.CACHED else names))
    return lines


def _names(rows: Sequence[Row], width: int) -> str:
    """`board#wide, logo, banner/* ×36 and 4 more`: as many names as fit."""
    names = [f"{row.what} {row.number}".rstrip() for row in rows]
    text, left = "", sum(len(row.nodes) for row in rows)
    for index, (name, row) in enumerate(zip(names, rows, strict=True)):
        longer = f"{text}, {name}" if text else name
        rest = left - len(row.nodes)
        more = f" and {rest:,} more" if index + 1 < len(rows) else ""
        if display_width(longer + more) > width and text:
            return f"{text} and {left:,} more"
        text, left = longer, rest
        if display_width(text + more) > width:
            return fit(text, width - len(more)) + more
    return text


def _moneys(row: Row) -> tuple[Money, ...]:
    cost = row.cost
    if not cost.high:
        return ()
    return (cost.high,) if cost.low == cost.high else (cost.low, cost.high)


def _money(row: Row, decimals: int | None) -> str:
    """What a row costs; nothing where no row is priced (`decimals` None: a proof)."""
    return "" if decimals is None else "–".join(money.rounded(decimals) for money in _moneys(row))


def _columns(rows: Sequence[Row], width: int, decimals: int | None) -> _Columns:
    what = max((display_width(_what(row)) for row in rows), default=0)
    money = max((len(_money(row, decimals)) for row in rows), default=0)
    place = max((display_width(row.place) for row in rows if _has_place(row)), default=0)
    need = max((display_width(row.why) for row in rows if _has_place(row)), default=0)
    what = min(what, max(width * 2 // 5 - money, 14))
    place = min(place, width // 4)
    room = width - _Columns(what=what, money=money, why=0, place=0).indent
    if place and room - place - 2 < min(need, 24):
        place = 0
    return _Columns(what=what, money=money, why=min(room - (place + 2 if place else 0), need), place=place)


def _has_place(row: Row) -> bool:
    return row.state in (State.MAKE, State.MAY) or row.state.needs_a_person or row.moved_at is not None


def _what(row: Row) -> str:
    return f"{row.what}  {row.number}" if row.number else row.what


def _row_lines(row: Row, columns: _Columns, width: int, decimals: int | None, style: Style) -> list[str]:
    what = row.what
    if row.number:
        what = pad(fit(what, columns.what - len(row.number) - 2), columns.what - len(row.number))
        what += style.dim(row.number)
        if display_width(_what(row)) <= columns.what:  # beside its name where there is room
            what = pad(f"{row.what}  {style.dim(row.number)}", columns.what)
    else:
        what = pad(fit(what, columns.what), columns.what)
    line = "  " + paint_state(row.state, label(row.state).ljust(_STATE_WIDTH), style) + "  " + what
    if columns.money:
        line += "  " + pad_left(_money(row, decimals), columns.money)
    if row.state.needs_a_person:
        return _urgent_lines(row, line, columns, width, style)
    reason = row.why
    if columns.place and _has_place(row) and display_width(reason) <= columns.why:
        place = fit_path(row.place, columns.place)
        return [f"{line}   {pad(reason, columns.why)}  {style.dim(place)}"]
    room = width - columns.indent - display_width(reason) - 2
    least = min(display_width(row.place), 1 + display_width(row.place.rpartition("/")[2]))  # its file's name and line
    fits = _has_place(row) and room >= least
    beside = "  " + style.dim(fit_path(row.place, room)) if fits else ""
    return [f"{line}   {fit(reason, width - columns.indent)}{beside}".rstrip()]


def _urgent_lines(row: Row, line: str, columns: _Columns, width: int, style: Style) -> list[str]:
    """What a person has to decide is never clipped."""
    indent = _text_indent(columns, width)
    reasons = wrap(row.why, width - indent)
    if indent < columns.indent:
        return [line.rstrip(), *(" " * indent + text for text in reasons)]
    first = f"{line}   {reasons[0]}"
    if columns.place and len(reasons) == 1 and display_width(reasons[0]) <= columns.why:
        first = f"{line}   {pad(reasons[0], columns.why)}  {style.dim(fit_path(row.place, columns.place))}"
    return [first.rstrip(), *(" " * indent + text for text in reasons[1:])]


def _text_indent(columns: _Columns, width: int) -> int:
    """Where wrapped text begins: in the reasons' column, or further left where that is too narrow to read."""
    return columns.indent if width - columns.indent >= 32 else 2 + _STATE_WIDTH + 4


def _next_step(step: str | None, columns: _Columns, width: int, style: Style) -> list[str]:
    indent = _text_indent(columns, width)
    lines = wrap(step, width - indent - 2) if step is not None else []
    return [" " * indent + style.dim(("  " if index else "→ ") + line) for index, line in enumerate(lines)]


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
    parts = [f"{duration(time.picture_seconds)} a picture"]
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
