"""Usage exports as providers write them: understood, or told with the line that isn't."""

import contextlib
import csv
import io
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedpipe.errors import UsageError
from seedpipe.money import Money
from seedpipe.review.usage import Usage, UsageFile, decode, read_usage

CHINA = timezone(timedelta(hours=8))


def read(text: str, *, zone: timezone = UTC, currency: str = "USD", **columns: str) -> UsageFile:
    return read_usage(text, columns=columns, zone=zone, currency=currency)


def facts(row: Usage) -> tuple[object, ...]:
    amount = None if row.amount is None else str(row.amount)
    return row.day, row.model, row.images, amount, row.request_id


BYTEPLUS = """\
Bill details,,,,,,
Account,2100000001,,,,,
Billing cycle,Business cycle,Product,Configuration name,Consumption time,Usage,Amount (pre-tax),Currency,Instance ID
2026-11,2026-11,ModelArk,Seedream-4.5 image generation,2026-11-24 10:00:00 ~ 2026-11-24 11:00:00,12,0.480000,USD,ep-1
2026-11,2026-11,ModelArk,Seedream-4.0 image generation,2026-11-24 11:00:00 ~ 2026-11-24 12:00:00,3,0.090000,USD,ep-1
Total,,,,,15,0.57,USD,
"""
VOLCENGINE = """\
账期,产品,计费项,消费时间,用量,单位,应付金额,币种
2026-11,火山方舟,doubao-seedream-4-5-251128,2026-11-24 23:30:00,2,张,0.50,人民币
2026-11,火山方舟,doubao-seedream-4-0-250828,2026/11/25,1,张,"¥0.20",CNY
"""
NEW_API = """\
id;created_at;type;model_name;quota;request_id;token_name
7;1795514400;2;seedream-4-5-251128;20000;0217abc;lamps
8;1795514460;2;seedream-4-0-250828;15000;0217abd;lamps
"""


def test_a_bill_of_byteplus_with_lines_before_and_behind_it() -> None:
    file = read(BYTEPLUS)
    assert [facts(row) for row in file.rows] == [
        ("2026-11-24", "Seedream-4.5 image generation", 12, "0.48 USD", None),
        ("2026-11-24", "Seedream-4.0 image generation", 3, "0.09 USD", None),
    ]
    assert [row.line for row in file.rows] == [4, 5]
    assert file.columns["date"] == "Consumption time"
    assert file.faults == []


def test_a_bill_of_volcengine_in_its_own_zone_and_encoding() -> None:
    file = read(decode(VOLCENGINE.encode("gb18030")), zone=CHINA)
    assert [facts(row) for row in file.rows] == [
        ("2026-11-24", "doubao-seedream-4-5-251128", 2, "0.50 CNY", None),
        ("2026-11-25", "doubao-seedream-4-0-250828", 1, "0.20 CNY", None),
    ]
    assert file.rows[0].at == datetime(2026, 11, 24, 15, 30, tzinfo=UTC)


def test_the_log_of_a_gateway_counts_in_quota() -> None:
    assert [facts(row) for row in read(NEW_API).rows] == [
        ("2026-11-24", "seedream-4-5-251128", None, "0.04 USD", "0217abc"),
        ("2026-11-24", "seedream-4-0-250828", None, "0.03 USD", "0217abd"),
    ]
    (first, _) = read(NEW_API).rows
    assert first.at == datetime.fromtimestamp(1795514400, UTC)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-11-24", "2026-11-24"),
        ("2026/11/4", "2026-11-04"),
        ("2026.11.24", "2026-11-24"),
        ("20261124", "2026-11-24"),
        ("2026年11月24日", "2026-11-24"),
        ("2026-11", "2026-11"),
        ("24/11/2026", "2026-11-24"),
        ("11/24/2026", "2026-11-24"),
        ("11/11/2026", "2026-11-11"),
        ("2026-11-24T23:30:00Z", "2026-11-25"),
        ("2026-11-24T23:30:00+08:00", "2026-11-24"),
        ("2026-11-24 23:30:00.123", "2026-11-24"),
        ("1795563000", "2026-11-25"),
        ("1795563000000", "2026-11-25"),
    ],
)
def test_days_in_a_zone(text: str, day: str) -> None:
    """23:30 UTC is tomorrow in China; a day without an instant is what it says."""
    file = read(f"date,model,amount\n{text},m,1\n", zone=CHINA)
    assert not file.faults
    assert file.rows[0].day == day


@pytest.mark.parametrize(
    ("cells", "why"),
    [
        ("04/11/2026,m,1,1", "could be two days"),
        ("2026-13-01,m,1,1", "is no day"),
        ("2026-11-24 25:00,m,1,1", "is no time"),
        ("soon,m,1,1", "is no day or time"),
        (",m,1,1", "names no day"),
        ("2026-11-24,m,many,1", "is no number of pictures"),
        ("2026-11-24,m,1.5,1", "is no number of pictures"),
        ("2026-11-24,m,1,much", "is no amount of money"),
    ],
)
def test_what_is_not_understood_is_told_with_its_line(cells: str, why: str) -> None:
    file = read(f"date,model,images,cost\n2026-11-24,m,1,1\n{cells}\n")
    assert len(file.rows) == 1
    ((line, told),) = file.faults
    assert line == 3
    assert why in told


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("$0.04", "0.04 USD"),
        ("0.04 USD", "0.04 USD"),
        ("￥1,234.50", "1234.50 CNY"),
        ("0,04", "0.04 USD"),
        ("1.200.5", None),
        ("0.0400004", "0.04 USD"),
        ("-0.04", "-0.04 USD"),
        ("", "None"),
        ("--", "None"),
    ],
)
def test_amounts(text: str, amount: str | None) -> None:
    file = read(f'date;model;cost;images\n2026-11-24;m;"{text}";1\n')
    assert (str(file.rows[0].amount) if file.rows else None) == amount


@pytest.mark.parametrize(
    ("header", "expected"),
    [("Amount (USD)", "0.08 USD"), ("Cost CNY", "0.08 CNY"), ("费用（元）", "0.08 CNY"), ("Amount [EUR]", "0.08 EUR")],
)
def test_a_header_may_name_the_currency_of_its_column(header: str, expected: str) -> None:
    (row,) = read(f"Date (UTC),Model,Images,{header}\n2026-11-24,m,2,0.08\n").rows
    assert facts(row) == ("2026-11-24", "m", 2, expected, None)


def test_what_no_column_was_found_for_is_told() -> None:
    file = read("date,model,Sum payable by you\n2026-11-24,m,0.08\n")
    assert "amount" not in file.columns and file.others == ["Sum payable by you"]


def test_columns_can_be_named_and_what_has_none_is_refused() -> None:
    text = "Wann,Was,Wieviel,Soviel\n2026-11-24,m,2,0.08\n"
    with pytest.raises(UsageError, match="no usage export"):
        read(text)
    (row,) = read(text, date="Wann", model="Was", images="Wieviel", amount="Soviel").rows
    assert facts(row) == ("2026-11-24", "m", 2, "0.08 USD", None)
    for empty in ("", "\n\n", "just words\n", "date\n2026-11-24\n"):
        with pytest.raises(UsageError):
            read(empty)


@given(
    st.lists(
        st.tuples(
            st.dates(date(2024, 1, 1), date(2030, 12, 31)),
            st.text(st.characters(codec="utf-8", exclude_characters="\r\n\x00"), min_size=1, max_size=20).filter(
                str.strip
            ),
            st.integers(0, 10**6),
            st.integers(0, 10**12),
        ),
        min_size=1,
        max_size=8,
    ),
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_what_a_spreadsheet_writes_is_read_back(
    rows: list[tuple[date, str, int, int]], delimiter: str, encoding: str
) -> None:
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter=delimiter)
    writer.writerow(["Date", "Model name", "Image count", "Payable amount", "Currency"])
    writer.writerows(
        [str(day), model, images, Decimal(micros).scaleb(-6), "eur"] for day, model, images, micros in rows
    )
    file = read(decode(stream.getvalue().encode(encoding)))
    assert file.faults == []
    assert [(row.day, row.model, row.images, row.amount) for row in file.rows] == [
        (str(day), model.strip() or None, images, Money(micros, "EUR")) for day, model, images, micros in rows
    ]


@given(st.binary(max_size=400))
def test_no_bytes_break_it(data: bytes) -> None:
    with contextlib.suppress(UsageError):
        read(decode(data))
