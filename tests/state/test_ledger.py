"""Groups, totals and forecasts of the ledger: nothing lost, nothing added across currencies, nothing invented."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedpipe.money import Money
from seedpipe.review.spend_text import Month, month_words
from seedpipe.state.ledger import Entry, Grouping, Part, csv_rows, forecast, lines_by, totals

CURRENCIES = ("USD", "CNY")


def part(address: str = "hero", currency: str = "USD", charged: int = 4, uncertain: int = 0, came: bool = True) -> Part:
    """In cents."""
    cent = Money(10_000, currency)
    return Part(
        address=address,
        came=came,
        estimated=cent * 4,
        charged=cent * charged,
        uncertain=cent * uncertain,
        under_way=cent * 0,
    )


def entry(day: str = "2026-11-24", request: str = "req-1", *parts: Part, **changes: object) -> Entry:
    values: dict[str, object] = {
        "request": request,
        "project": "lamps",
        "at": f"{day}T10:00:00.000Z",
        "day": day,
        "person": "ada",
        "model": "seedream-4-5-251128",
        "provider": "apiyi",
        "profile": None,
        "tags": (),
        "state": "settled",
        "parts": parts or (part(),),
        "request_id": "021",
        "client_request_id": "c1",
        "ids": ("021", "c1"),
    }
    return Entry(**(values | changes))  # type: ignore[arg-type]


PARTS = st.builds(
    part,
    st.sampled_from(["a", "b", "board#x"]),
    st.just("USD"),
    st.integers(0, 9),
    st.integers(0, 9),
    st.booleans(),
)
ENTRIES = st.lists(
    st.builds(
        lambda number, day, currency, cents, tags, profile: entry(
            str(date(2026, 11, 1) + timedelta(days=day)),
            f"req-{number}",
            *(part(f"n{place}", currency, cent) for place, cent in enumerate(cents)),
            tags=tuple(tags),
            profile=profile,
        ),
        st.integers(0, 10**6),
        st.integers(0, 60),
        st.sampled_from(CURRENCIES),
        st.lists(st.integers(0, 50), min_size=1, max_size=4),
        st.sets(st.sampled_from(["launch", "autumn"]), max_size=2),
        st.sampled_from([None, "draft"]),
    ),
    max_size=20,
    unique_by=lambda one: one.request,
)


@given(ENTRIES, st.sampled_from([one for one in Grouping if one is not Grouping.TAG]))
def test_the_lines_of_a_currency_add_up_to_its_total(entries: list[Entry], grouping: Grouping) -> None:
    lines = lines_by(entries, grouping)
    for total in totals(entries):
        mine = [line for line in lines if line.charged.currency == total.charged.currency]
        zero = Money.zero(total.charged.currency)
        assert sum((line.charged for line in mine), zero) == total.charged
        assert sum((line.estimated for line in mine), zero) == total.estimated
        assert sum(line.pictures for line in mine) == total.pictures
    assert len({(line.name, line.charged.currency) for line in lines}) == len(lines)
    assert {line.charged.currency for line in totals(entries)} == {one.currency for one in entries}


def test_a_picture_stands_under_each_of_its_tags_and_once_in_the_total() -> None:
    entries = [entry(tags=("launch", "autumn")), entry(request="req-2")]
    assert [(line.name, str(line.charged)) for line in lines_by(entries, Grouping.TAG)] == [
        ("autumn", "0.04 USD"),
        ("launch", "0.04 USD"),
        (None, "0.04 USD"),
    ]
    assert str(totals(entries)[0].charged) == "0.08 USD"


def test_a_frame_has_its_own_part_by_node() -> None:
    board = entry("2026-11-24", "req-1", part("board#a"), part("board#b", charged=0, uncertain=4, came=False))
    lines = lines_by([board], Grouping.NODE)
    assert [(line.name, line.pictures, str(line.charged), str(line.uncertain)) for line in lines] == [
        ("board#a", 1, "0.04 USD", "0.00 USD"),
        ("board#b", 0, "0.00 USD", "0.04 USD"),
    ]
    assert [line.requests for line in lines_by([board], Grouping.MODEL)] == [1]


@given(ENTRIES, st.integers(1, 31))
def test_a_forecast_is_linear_by_whole_days_and_says_nothing_too_early(entries: list[Entry], day: int) -> None:
    today = date(2026, 12, day)
    for one in forecast(entries, today, currencies=["USD"]):
        assert (one.month, one.days, one.length) == ("2026-12", day - 1, 31)
        currency = one.so_far.currency
        mine = [entry for entry in entries if entry.day[:7] == "2026-12" and entry.currency == currency]
        assert one.so_far.micros == sum(part.charged.micros for entry in mine for part in entry.parts)
        spent_days = {entry.day for entry in mine if entry.day < str(today)}
        if day - 1 < 7 or len(spent_days) < 3:
            assert one.expected is None
            continue
        whole = sum(part.charged.micros for entry in mine for part in entry.parts if entry.day < str(today))
        assert one.expected is not None
        assert one.expected.micros - one.so_far.micros == whole * (31 - day) // (day - 1)


def test_a_month_without_spending_is_zero_where_a_budget_asks() -> None:
    (one,) = forecast([], date(2026, 11, 20), currencies=["USD"])
    assert (str(one.so_far), one.expected) == ("0.00 USD", None), "there is nothing to go by"
    assert forecast([], date(2026, 11, 20)) == []


def test_a_month_in_words() -> None:
    days = [entry(f"2026-11-{day:02}", f"req-{day}", part(charged=40)) for day in (2, 5, 9, 21)]
    (one,) = forecast(days, date(2026, 11, 21))
    month = Month(name="this month", forecast=one, cap=Money.parse("2 USD"))
    assert month_words(month) == (
        "1.60 of 2.00 USD; about 2.14 USD by the end of November, over the budget, if its other days go as its first 20"
    )
    (early,) = forecast(days[:2], date(2026, 11, 6))
    assert month_words(Month(name="this month", forecast=early, cap=None)) == (
        "0.80 USD; too early to say where November goes (5 whole days, 2 with spending; 7 and 3 are needed)"
    )


@pytest.mark.parametrize("tag", ["=1+1", "+1", "-1", "@x", "\tx"])
def test_a_spreadsheet_runs_nothing(tag: str) -> None:
    rows = csv_rows([entry(tags=(tag,))], Grouping.TAG)
    assert rows[0] == ("tag", "currency", "requests", "pictures", "estimated", "charged", "uncertain", "under_way")
    assert rows[1][0] == f"'{tag}"


def test_by_request_everything_is_known() -> None:
    header, row = csv_rows([entry(tags=("a", "b"), profile="draft")], Grouping.REQUEST)
    facts = dict(zip(header, row, strict=True))
    assert facts["nodes"] == "hero"
    assert (facts["charged"], facts["currency"], facts["state"]) == ("0.04", "USD", "settled")
    assert (facts["tags"], facts["profile"], facts["request_id"]) == ("a b", "draft", "021")
