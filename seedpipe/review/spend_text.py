"""`spend` for people: a table of what was spent on what, what is uncertain, and where the month is going. Pure."""

import calendar
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from seedpipe.display import PLAIN, Style, display_width, fit, fit_name, pad, pad_left, shown, wrap
from seedpipe.money import Money
from seedpipe.review.held_text import name_of
from seedpipe.review.plan_text import MIN_WIDTH
from seedpipe.review.words import count, places
from seedpipe.state.held import minute_text
from seedpipe.state.ledger import FEWEST_DAYS, FEWEST_SPENT, Entry, Forecast, Grouping, Line, lines_by, totals

_NOBODY: Final = {Grouping.TAG: "(no tag)", Grouping.PROFILE: "(no profile)"}
_MOST_ROWS: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Month:
    """This month, of the project or of all (`name`), beside its tightest cap."""

    name: str
    forecast: Forecast
    cap: Money | None

    @property
    def over_budget(self) -> bool:
        """At this pace its cap is met before its end."""
        return self.cap is not None and self.forecast.expected is not None and self.forecast.expected > self.cap

    def to_dict(self) -> dict[str, Any]:
        return {
            **self.forecast.to_dict(),
            "name": self.name,
            "budget": None if self.cap is None else self.cap.amount,
            "over_budget": self.over_budget,
        }


def spend_text(
    title: str,
    entries: Sequence[Entry],
    grouping: Grouping,
    *,
    proofs: int = 0,
    months: Sequence[Month] = (),
    missing: Sequence[str] = (),
    width: int = 80,
    style: Style = PLAIN,
) -> str:
    """`title` says what and when; of the projects that are `missing` nothing is known."""
    width = max(width, MIN_WIDTH)
    lines = [style.bold(fit(shown(title), width)), ""]
    if entries:
        lines += _table(entries, grouping, width, style)
    elif not missing:
        lines.append("  nothing was spent")
    lines += [style.red(f"  without `{shown(name)}`, whose journal can't be read") for name in missing]
    if grouping is Grouping.TAG and any(len(entry.tags) > 1 for entry in entries):
        lines += [style.dim("  a picture with several tags stands under each of them, and once in the total")]
    lines += _uncertain(entries, width, style)
    if proofs:
        lines += ["", f"  {count(proofs, 'proof')} drawn beside them: nothing was billed"]
    lines += _months(months, width, style)
    return "\n".join(lines)


def _table(entries: Sequence[Entry], grouping: Grouping, width: int, style: Style) -> list[str]:
    lines = _requests(entries) if grouping is Grouping.REQUEST else lines_by(entries, grouping)
    sums = totals(entries)
    moneys = [money for line in [*lines, *sums] for money in (line.estimated, line.charged, line.uncertain)]
    decimals = places(moneys)
    show_open = any(line.under_way for line in sums)
    heads = ["pictures", "estimated", "charged", "uncertain", *(["under way"] if show_open else [])]

    def cells(line: Line) -> list[str]:
        amounts = [line.estimated, line.charged, line.uncertain, *([line.under_way] if show_open else [])]
        return [
            f"{line.pictures:,}",
            *(amount.rounded(decimals) if amount or index < 2 else "" for index, amount in enumerate(amounts)),
        ]

    names = [line.name or _NOBODY.get(grouping, "(none)") for line in lines]
    if grouping is Grouping.PERSON:
        names = [name_of(name) for name in names]
    rows = [(name, cells(line), line.charged.currency) for name, line in zip(names, lines, strict=True)]
    foot = [("total", cells(line), line.charged.currency) for line in sums]
    widths = [max(len(row[1][index]) for row in [*rows, *foot, ("", heads, "")]) for index in range(len(heads))]
    room = width - 2 - sum(size + 2 for size in widths) - 5
    wide = min(max([display_width(name) for name, _, _ in [*rows, *foot]] + [len(grouping.value)]), max(room, 12))

    def text(name: str, values: Sequence[str], currency: str) -> str:
        numbers = "".join("  " + pad_left(value, size) for value, size in zip(values, widths, strict=True))
        return f"  {pad(fit_name(shown(name), wide), wide)}{numbers}  {currency}".rstrip()

    table = [style.dim(text(grouping.value, heads, ""))]
    table += [text(*row) for row in rows[:_MOST_ROWS]]
    if len(rows) > _MOST_ROWS:
        table.append(style.dim(f"  and {len(rows) - _MOST_ROWS:,} more: `--format csv` has them all"))
    return [*table, *(style.bold(text(*row)) for row in foot)]


def _requests(entries: Sequence[Entry]) -> Sequence[Line]:
    found = []
    for entry in entries:
        (line,) = totals([entry])
        names = ", ".join(dict.fromkeys(part.address for part in entry.parts))
        found.append(
            Line(
                name=f"{minute_text(entry.at)[5:16]}  {names}",
                requests=1,
                pictures=line.pictures,
                estimated=line.estimated,
                charged=line.charged,
                uncertain=line.uncertain,
                under_way=line.under_way,
            )
        )
    return found


def _uncertain(entries: Sequence[Entry], width: int, style: Style) -> list[str]:
    held = [entry for entry in entries if entry.state == "unknown"]
    if not held:
        return []
    amounts = " and ".join(str(line.uncertain) for line in totals(held))
    words = f"{count(len(held), 'charge')} uncertain, up to {amounts}: counted apart, and in every cap"
    lines = ["", *("  " + style.paint(line, "bold", "red") for line in wrap(words, width - 2))]
    return [*lines, "    " + style.dim("→ `seedpipe resolve` says what is known of them and takes your word")]


def _months(months: Sequence[Month], width: int, style: Style) -> list[str]:
    if not months:
        return []
    wide = max(display_width(month.name) for month in months)
    lines = [""]
    for month in months:
        words = month_words(month)
        for index, line in enumerate(wrap(words, width - wide - 4)):
            shown_line = style.red(line) if month.over_budget else line
            lines.append(f"  {pad('' if index else month.name, wide)}  {shown_line}")
    return lines


def month_words(month: Month) -> str:
    """`3.12 of 60.00 USD; about 3.90 USD by the end of November, if its other days go as its first 24`."""
    one = month.forecast
    name = calendar.month_name[int(one.month[5:7])]
    limit = "" if month.cap is None else f" of {month.cap.amount}"
    unsure = [f"{one.uncertain} uncertain"] if one.uncertain else []
    unsure += [f"{one.under_way} under way"] if one.under_way else []
    start = f"{one.so_far.amount}{limit} {one.so_far.currency}{', and ' if unsure else ''}{' and '.join(unsure)}"
    if not (one.so_far or unsure):
        return start  # nothing of it goes anywhere
    start += "; "
    if one.expected is None:
        days = f"{count(one.days, 'whole day')}, {one.spent_days} with spending"
        return f"{start}too early to say where {name} goes ({days}; {FEWEST_DAYS} and {FEWEST_SPENT} are needed)"
    expected = f"{one.expected.rounded()} {one.expected.currency}"
    over = ", over the budget" if month.over_budget else ""
    return f"{start}about {expected} by the end of {name}{over}, if its other days go as its first {one.days}"
