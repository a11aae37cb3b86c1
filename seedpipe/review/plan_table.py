"""The rows of a plan as a table that fits its width: what, for how much, why, where the words stand. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from seedpipe.display import Style, display_width, fit, fit_path, head, pad, pad_left, wrap
from seedpipe.money import Money
from seedpipe.plan.plan import State
from seedpipe.review.command_flags import with_flags
from seedpipe.review.rows import Row, quiet
from seedpipe.review.words import label, next_step, paint_state, places

_STATE_WIDTH: Final = 7
_MAX_REASON_LINES: Final = 4  # of what needs nobody


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


def plan_table(
    rows: Sequence[Row], width: int, style: Style, *, fold: bool, priced: bool, flags: Sequence[str] = ()
) -> list[str]:
    """A row for each group of nodes; with `fold` what is quiet shares a line. `priced` False: nothing costs anything.

    `flags` belong to the commands that are told (`command_flags`).
    """
    told = [row for row in rows if not (fold and quiet(row))]
    decimals = places(money for row in told for money in _moneys(row)) if priced else None
    columns = _columns(told, width, decimals)
    lines: list[str] = []
    for index, row in enumerate(told):
        lines += _row_lines(row, columns, width, decimals, style)
        later = told[index + 1 :]
        if next_step(row.nodes[0]) and not any(
            other.state is row.state and next_step(other.nodes[0]) for other in later
        ):
            steps = (next_step(other.nodes[0]) for other in told if other.state is row.state)
            step = next(filter(None, steps), None)
            lines += _next_step(None if step is None else with_flags(step, flags), columns, width, style)
    silent: dict[State, list[Row]] = {}
    for row in rows:
        if fold and quiet(row):
            silent.setdefault(row.state, []).append(row)
    for state, unspoken in silent.items():
        start = "  " + paint_state(state, label(state).ljust(_STATE_WIDTH), style) + "  "
        names = _names(unspoken, width - _STATE_WIDTH - 4)
        lines.append(start + (style.dim(names) if state is State.CACHED else names))
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
    """What, for how much, and why, wrapped: an address is never clipped, a reason only where it is very long."""
    state = "  " + paint_state(row.state, label(row.state).ljust(_STATE_WIDTH), style) + "  "
    money = _money(row, decimals)
    if display_width(_what(row)) > columns.what:
        return _long_lines(row, state, money, columns, width, style)
    what = pad(f"{row.what}  {style.dim(row.number)}" if row.number else row.what, columns.what)
    line = state + what + ("  " + pad_left(money, columns.money) if columns.money else "")
    indent = _text_indent(columns, width)
    reasons = _reasons(row, width - indent)
    if not reasons:
        return [line.rstrip()]
    if indent < columns.indent:
        return [line.rstrip(), *_with_place([" " * indent + text for text in reasons], row, indent, width, style)]
    if columns.place and _has_place(row) and len(reasons) == 1 and display_width(reasons[0]) <= columns.why:
        place = style.dim(fit_path(row.place, columns.place))
        return [f"{line}   {pad(reasons[0], columns.why)}  {place}"]
    lines = [f"{line}   {reasons[0]}", *(" " * indent + text for text in reasons[1:])]
    return _with_place(lines, row, indent, width, style)


def _long_lines(row: Row, state: str, money: str, columns: _Columns, width: int, style: Style) -> list[str]:
    """An address that is too long for its column has a line of its own; its cost stands in its column, or below."""
    first = state + fit(row.what, width - 4 - _STATE_WIDTH)
    tail = f"  {row.number}" if row.number else ""
    if display_width(first + tail) <= width:
        first, tail = first + style.dim(tail), ""
    at = columns.indent - 3
    cost = [" " * (at - len(money)) + money] if money else []
    if cost and display_width(first) + 2 + len(money) <= at:
        first, cost = first + pad_left(money, at - display_width(first)), []
    indent = _text_indent(columns, width)
    reasons = _reasons(row, width - indent)
    below = [" " * indent + text for text in reasons]
    if (cost or tail) and below and indent >= columns.indent:
        beside = pad(cost[0] if cost else " " * (4 + _STATE_WIDTH) + tail.strip(), indent)
        below[0], cost = beside + reasons[0], []
    return [first, *cost, *(_with_place(below, row, indent, width, style) if below else [])]


def _reasons(row: Row, room: int) -> list[str]:
    """What a person has to decide is told whole; else a very long reason ends with `…`: `explain` has all of it."""
    lines = wrap(row.why, room) if row.why else []
    if row.state.needs_a_person or len(lines) <= _MAX_REASON_LINES:
        return lines
    return [*lines[: _MAX_REASON_LINES - 1], head(lines[_MAX_REASON_LINES - 1], room - 2).rstrip() + " …"]


def _with_place(lines: list[str], row: Row, indent: int, width: int, style: Style) -> list[str]:
    """Where the words stand: behind the reason where it fits, below it if it says what moved them."""
    if not _has_place(row):
        return lines
    room = width - display_width(lines[-1]) - 2
    least = min(display_width(row.place), 1 + display_width(row.place.rpartition("/")[2]))  # its file's name and line
    if room >= least:
        return [*lines[:-1], f"{lines[-1]}  {style.dim(fit_path(row.place, room))}"]
    return [*lines, " " * indent + style.dim(fit_path(row.place, width - indent))] if row.moved_at else lines


def _text_indent(columns: _Columns, width: int) -> int:
    """Where wrapped text begins: in the reasons' column, or further left where that is too narrow to read."""
    return columns.indent if width - columns.indent >= 32 else 2 + _STATE_WIDTH + 4


def _next_step(step: str | None, columns: _Columns, width: int, style: Style) -> list[str]:
    indent = _text_indent(columns, width)
    lines = wrap(step, width - indent - 2) if step is not None else []
    return [" " * indent + style.dim(("  " if index else "→ ") + line) for index, line in enumerate(lines)]
