"""The ledger: what requests cost, grouped as a person asks for it, and where a month is going. Pure.

Amounts of two currencies are never added: every line and every total has one.
"""

import calendar
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, Final

from seedpipe.money import Money
from seedpipe.names import natural_key
from seedpipe.state.requests import RequestState, SpendRow
from seedpipe.state.shares import shares

FEWEST_DAYS: Final = 7  # whole days of a month before its end is guessed
FEWEST_SPENT: Final = 3  # of them, so many on which something was spent


class Grouping(StrEnum):
    """What a line of the ledger is for."""

    DAY = "day"
    MODEL = "model"
    NODE = "node"
    PROFILE = "profile"
    TAG = "tag"
    PERSON = "person"
    PROJECT = "project"
    REQUEST = "request"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What one picture of a request comes to. `came`: it is here."""

    address: str
    came: bool
    estimated: Money
    charged: Money
    uncertain: Money
    under_way: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One request that cost something or may. `at` is when it was sent (UTC), `day` the day of it.

    `request` is the journal's id, `request_id` the service's, `client_request_id` ours, `ids` all that a bill may call it
    by. The money is that of its parts.
    """

    request: str
    project: str
    at: str
    day: str
    person: str
    model: str
    provider: str
    profile: str | None
    tags: tuple[str, ...]
    state: str
    parts: tuple[Part, ...]
    request_id: str | None
    client_request_id: str
    ids: tuple[str, ...]

    @property
    def currency(self) -> str:
        return self.parts[0].estimated.currency


def entry_of(row: SpendRow, *, project: str, held: bool) -> Entry:
    """`held`: no living process is at work on it any more, so what is open of it is uncertain."""
    request = row.request
    currency = request.price.currency if row.charged is None else row.charged.currency
    known = {place: money.micros for place, money in row.kept.items()}
    if request.state is RequestState.SETTLED and row.charged is not None:
        charged = shares(row.charged.micros, request.images, known)
    else:
        charged = known
    missing = [place for place in range(request.images) if place not in known]
    open_ = 0 if row.open is None else row.open.micros
    waiting = dict(zip(missing, shares(open_, len(missing), {}).values(), strict=True)) if missing else {}
    estimated = shares(request.expected.micros, request.images, {})
    parts = tuple(
        Part(
            address=request.frame(place).address if request.frames else request.address,
            came=place in known,
            estimated=Money(estimated.get(place, 0), currency),
            charged=Money(charged.get(place, 0), currency),
            uncertain=Money(waiting.get(place, 0) if held else 0, currency),
            under_way=Money(0 if held else waiting.get(place, 0), currency),
        )
        for place in sorted({*range(request.images), *known})
    )
    return Entry(
        request=request.id,
        project=project,
        at=request.sent_at or request.intended_at,
        day=row.day,
        person=row.user,
        model=request.model,
        provider=request.provider,
        profile=request.profile,
        tags=request.tags,
        state="unknown" if held else request.state.value,
        parts=parts,
        request_id=request.request_id,
        client_request_id=request.client_request_id,
        ids=row.ids,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """`name` None stands for entries without one (no tag, no profile). `estimated` was expected when it was sent."""

    name: str | None
    requests: int
    pictures: int
    estimated: Money
    charged: Money
    uncertain: Money
    under_way: Money

    def to_dict(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "currency": self.charged.currency,
            "requests": self.requests,
            "pictures": self.pictures,
            "estimated": self.estimated.amount,
            "charged": self.charged.amount,
            "uncertain": self.uncertain.amount,
            "under_way": self.under_way.amount,
        }


def lines_by(entries: Iterable[Entry], grouping: Grouping) -> Sequence[Line]:
    """A line for each name and currency, by name. With several tags an entry stands under each: lines don't add up then."""
    groups: dict[tuple[str, str | None], list[tuple[Entry, Part]]] = {}
    for entry in entries:
        for name, part in _named(entry, grouping):
            groups.setdefault((entry.currency, name), []).append((entry, part))
    found = [_line(name, members) for (_, name), members in groups.items()]
    return sorted(found, key=lambda line: (line.name is None, natural_key(line.name or ""), line.charged.currency))


def totals(entries: Iterable[Entry]) -> Sequence[Line]:
    """A line for each currency."""
    groups: dict[str, list[tuple[Entry, Part]]] = {}
    for entry in entries:
        groups.setdefault(entry.currency, []).extend((entry, part) for part in entry.parts)
    return [_line(None, members) for _, members in sorted(groups.items())]


def _named(entry: Entry, grouping: Grouping) -> Iterable[tuple[str | None, Part]]:
    match grouping:
        case Grouping.NODE:
            return [(part.address, part) for part in entry.parts]
        case Grouping.TAG:
            return [(tag, part) for tag in entry.tags or (None,) for part in entry.parts]
        case _:
            name = getattr(entry, grouping.value)
            return [(name, part) for part in entry.parts]


def _line(name: str | None, members: Sequence[tuple[Entry, Part]]) -> Line:
    zero = Money.zero(members[0][0].currency)
    parts = [part for _, part in members]
    return Line(
        name=name,
        requests=len({entry.request for entry, _ in members}),
        pictures=sum(part.came for part in parts),
        estimated=sum((part.estimated for part in parts), zero),
        charged=sum((part.charged for part in parts), zero),
        uncertain=sum((part.uncertain for part in parts), zero),
        under_way=sum((part.under_way for part in parts), zero),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """Where a month is going in one currency, if the rest of it goes as its whole days went.

    `expected` None: there is too little to go by. `days` are the whole days, on `spent_days` of them something was spent,
    of `length` of the month.
    """

    month: str
    days: int
    spent_days: int
    length: int
    so_far: Money
    uncertain: Money
    under_way: Money
    expected: Money | None

    def to_dict(self) -> dict[str, Any]:
        return {
            "month": self.month,
            "currency": self.so_far.currency,
            "whole_days": self.days,
            "days_with_spending": self.spent_days,
            "days_in_month": self.length,
            "charged": self.so_far.amount,
            "uncertain": self.uncertain.amount,
            "under_way": self.under_way.amount,
            "expected_at_the_end": None if self.expected is None else self.expected.amount,
        }


def forecast(entries: Iterable[Entry], today: date, *, currencies: Iterable[str] = ()) -> Sequence[Forecast]:
    """One for each currency that was spent in the month of `today` (UTC), and for `currencies`.

    Linear by whole days: what the days before today cost on average, for each day that is left.
    """
    month = today.strftime("%Y-%m")
    length = calendar.monthrange(today.year, today.month)[1]
    days = today.day - 1
    in_month = [entry for entry in entries if entry.day[:7] == month]
    so_far = {line.charged.currency: line for line in totals(in_month)}
    before = {line.charged.currency: line.charged for line in totals(one for one in in_month if one.day < str(today))}
    found = []
    for currency in sorted({*so_far, *currencies}):
        zero = Money.zero(currency)
        charged = so_far[currency].charged if currency in so_far else zero
        spent_days = len({one.day for one in in_month if one.currency == currency and one.day < str(today)})
        expected = None
        if days >= FEWEST_DAYS and spent_days >= FEWEST_SPENT:
            rest = before.get(currency, zero).micros * (length - today.day) // days
            expected = charged + Money(rest, currency)
        found.append(
            Forecast(
                month=month,
                days=days,
                spent_days=spent_days,
                length=length,
                so_far=charged,
                uncertain=so_far[currency].uncertain if currency in so_far else zero,
                under_way=so_far[currency].under_way if currency in so_far else zero,
                expected=expected,
            )
        )
    return found


CSV_COLUMNS: Final = ("currency", "requests", "pictures", "estimated", "charged", "uncertain", "under_way")
REQUEST_COLUMNS: Final = (
    "sent_at", "project", "nodes", "model", "provider", "person", "profile", "tags", "pictures", "currency", "estimated",
    "charged", "uncertain", "under_way", "state", "request", "request_id", "client_request_id",
)  # fmt: skip


def csv_rows(entries: Sequence[Entry], grouping: Grouping) -> Sequence[Sequence[str]]:
    """A header and a row for each line; for `request` a row for each request with all that is known of it."""
    if grouping is Grouping.REQUEST:
        return [REQUEST_COLUMNS, *([_cell(_facts(entry)[name]) for name in REQUEST_COLUMNS] for entry in entries)]
    header = (grouping.value, *CSV_COLUMNS)
    facts = [(line.name, line.to_dict()) for line in lines_by(entries, grouping)]
    return [header, *([_cell(name), *(_cell(values[column]) for column in CSV_COLUMNS)] for name, values in facts)]


def _facts(entry: Entry) -> Mapping[str, Any]:
    (line,) = totals([entry])
    return {
        **line.to_dict(),
        "sent_at": entry.at,
        "project": entry.project,
        "nodes": " ".join(dict.fromkeys(part.address for part in entry.parts)),
        "model": entry.model,
        "provider": entry.provider,
        "person": entry.person,
        "profile": entry.profile,
        "tags": " ".join(entry.tags),
        "state": entry.state,
        "request": entry.request,
        "request_id": entry.request_id,
        "client_request_id": entry.client_request_id,
    }


def _cell(value: object) -> str:
    """Text that a spreadsheet takes for text: what it would run as a formula gets a mark before it."""
    text = "" if value is None else str(value)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def request_data(entry: Entry) -> Mapping[str, Any]:
    """One request for JSON."""
    facts = dict(_facts(entry))
    facts.pop("name"), facts.pop("requests")
    return {**facts, "nodes": list(dict.fromkeys(part.address for part in entry.parts)), "tags": list(entry.tags)}
