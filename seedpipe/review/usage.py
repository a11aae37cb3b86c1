"""A provider's usage export, read leniently: any delimiter, English or Chinese headers, lines before the table. Pure.

What can't be understood is told with its line, never guessed and never skipped silently.
"""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Final

from seedpipe.errors import UsageError
from seedpipe.money import MICROS, Money

# The headers of exports of BytePlus, Volcengine and New-API gateways, and what else they may be called. Letters and
# digits only, in lower case; of several columns that fit, the one whose name stands first is taken.
NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "id": ("requestid", "reqid", "clientrequestid", "xrequestid", "logid", "traceid", "请求id", "请求编号", "日志id"),
    "date": (
        "time", "datetime", "createdat", "createtime", "requesttime", "timestamp", "usagetime", "consumptiontime",
        "expensebegintime", "starttime", "usagestarttime", "expensedate", "usagedate", "billingdate", "date", "day",
        "transactiontime", "usageperiod", "businesscycle", "billingcycle", "billperiod", "时间", "请求时间", "调用时间",
        "创建时间", "消费时间", "消费开始时间", "使用时间", "开始时间", "消费日期", "账单日期", "日期", "交易时间", "账期",
    ),
    "model": (
        "model", "modelname", "modelid", "modelversion", "foundationmodel", "modelcode", "configurationname",
        "configname", "configuration", "element", "elementname", "billingitem", "billableitem", "billingunit",
        "instancename", "instanceid", "endpoint", "模型", "模型名称", "模型id", "模型版本", "配置名称", "计费项", "计费项名称", "实例名称",
        "实例id", "推理接入点",
    ),
    "images": (
        "images", "imagecount", "generatedimages", "numberofimages", "pictures", "count", "usage", "quantity", "amountofusage",
        "usageamount", "usagequantity", "张数", "图片数", "图片数量", "生成图片数", "图片张数", "出图数量", "用量", "使用量", "数量",
    ),
    "amount": (
        "payableamount", "amountpayable", "amountpretax", "pretaxamount", "amountafterdiscount", "discountbillamount",
        "amount", "cost", "charge", "charged", "fee", "price", "spend", "total", "totalcost", "usedamount",
        "originalbillamount", "grossamount", "quota", "应付金额", "应付", "优惠后价格", "折后价", "消费金额", "金额", "费用", "花费", "消费",
        "原价", "额度",
    ),
    "currency": ("currency", "currencycode", "币种", "货币"),
}  # fmt: skip
_DELIMITERS: Final = (",", ";", "\t", "|")
_HEADER_WITHIN: Final = 30  # lines in which the header is looked for
_QUOTA_A_DOLLAR: Final = 500_000  # of a New-API gateway
_SYMBOLS: Final = {"$": "USD", "＄": "USD", "us$": "USD", "usd": "USD", "¥": "CNY", "￥": "CNY", "rmb": "CNY", "cny": "CNY",
                   "人民币": "CNY", "美元": "USD", "元": "CNY", "€": "EUR", "eur": "EUR"}  # fmt: skip
_IN_BRACKETS: Final = re.compile(r"[(\[（【][^)\]）】]*[)\]）】]")
_CURRENCY_AT_THE_END: Final = re.compile(r"(?<=.)(?:usd|cny|rmb|eur|人民币|美元|元)$")
_THOUSANDS: Final = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]*)?\Z")
_DATE: Final = re.compile(
    r"(?P<y>[0-9]{4})[-/.年](?P<m>[0-9]{1,2})(?:[-/.月](?P<d>[0-9]{1,2})日?)?"
    r"(?:[T\s]+(?P<H>[0-9]{1,2}):(?P<M>[0-9]{2})(?::(?P<S>[0-9]{2})(?:[.,][0-9]+)?)?)?\s*(?P<z>Z|UTC|[+-][0-9]{2}:?[0-9]{2})?"
)
_OTHER_DATE: Final = re.compile(
    r"(?P<a>[0-9]{1,2})[/.](?P<b>[0-9]{1,2})[/.](?P<y>[0-9]{4})(?:[,\s]+(?P<H>[0-9]{1,2}):(?P<M>[0-9]{2}))?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """One line of an export. `day` is `2026-11-24` or a month, in the export's zone; `at` (UTC) if it says a time.

    `model` is the export's own word; `images`, `amount` and `request_id` are None where it doesn't say.
    """

    line: int
    day: str
    at: datetime | None
    model: str | None
    images: int | None
    amount: Money | None
    request_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageFile:
    """`columns` says which header was taken for what, `others` are the rest; `faults` was not understood (line, why)."""

    rows: Sequence[Usage]
    columns: Mapping[str, str]
    faults: Sequence[tuple[int, str]]
    others: Sequence[str] = ()


def decode(data: bytes) -> str:
    """The text of an export: UTF-8, UTF-16 with a mark, else GB 18030, as spreadsheets in China write it."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("gb18030", "replace")


def read_usage(text: str, *, columns: Mapping[str, str], zone: timezone, currency: str) -> UsageFile:
    """`columns` names headers (field → header); times without a zone are in `zone`; bare amounts are in `currency`.

    Raises `UsageError` where no header can be made out.
    """
    table, header, found = _table(text, columns)
    rows: list[Usage] = []
    faults: list[tuple[int, str]] = []
    for line, cells in table:
        values = {field: cells[place].strip() for field, place in found.items() if place < len(cells)}
        if not any(cell.strip() for cell in cells) or _is_total(cells):
            continue
        try:
            rows.append(_usage(line, values, header[found["amount"]] if "amount" in found else "", zone, currency))
        except ValueError as error:
            faults.append((line, str(error)))
    others = [name.strip() for place, name in enumerate(header) if place not in found.values() and name.strip()]
    columns_ = {field: header[place] for field, place in found.items()}
    return UsageFile(rows=rows, columns=columns_, faults=faults, others=others)


def _table(
    text: str, columns: Mapping[str, str]
) -> tuple[Sequence[tuple[int, Sequence[str]]], Sequence[str], Mapping[str, int]]:
    """The lines below the header, the header, and which of its columns is what."""
    best: tuple[int, Sequence[tuple[int, Sequence[str]]], Sequence[str], Mapping[str, int]] | None = None
    for delimiter in _DELIMITERS:
        reader = csv.reader(io.StringIO(text), delimiter=delimiter)
        try:
            lines = [(reader.line_num, cells) for cells in reader]
        except csv.Error:
            continue
        for place, (_, cells) in enumerate(lines[:_HEADER_WITHIN]):
            found = _columns(cells, columns)
            if best is None or len(found) > best[0]:
                best = (len(found), lines[place + 1 :], cells, found)
    if best is None or "date" not in best[3] or len(best[3]) < 2:
        known = "" if best is None else ", ".join(f"`{cell.strip()}`" for cell in best[2] if cell.strip())[:200]
        raise UsageError(
            "this is no usage export that can be understood: no line names a date and a model, an amount or a request id"
            + (f"; nearest is {known}" if known else ""),
            hint="say which column is what: `--columns date=…,model=…,images=…,amount=…,currency=…,id=…`",
        )
    return best[1], best[2], best[3]


def _columns(cells: Sequence[str], wanted: Mapping[str, str]) -> dict[str, int]:
    names = [_bare(cell) for cell in cells]
    plain = [_bare(_IN_BRACKETS.sub("", cell)) for cell in cells]
    bare = [_CURRENCY_AT_THE_END.sub("", name) for name in plain]  # `Amount (USD)`, `Cost USD`
    found: dict[str, int] = {}
    for field, known in NAMES.items():
        if field in wanted:
            place = next((index for index, cell in enumerate(cells) if cell.strip() == wanted[field]), None)
            place = names.index(_bare(wanted[field])) if place is None and _bare(wanted[field]) in names else place
        else:
            place = next((row.index(name) for row in (names, plain, bare) for name in known if name in row), None)
        if place is not None:
            found[field] = place
    return found


def _bare(text: str) -> str:
    """Letters and digits in lower case: `Amount (pre-tax)` keeps its bracket's words, too."""
    return re.sub(r"[\W_]+", "", text.casefold())


def _is_total(cells: Sequence[str]) -> bool:
    first = next((cell.strip().casefold() for cell in cells if cell.strip()), "")
    return first in ("total", "sum", "合计", "总计")


def _usage(line: int, values: Mapping[str, str], amount_header: str, zone: timezone, currency: str) -> Usage:
    day, at = _time(values.get("date", ""), zone)
    images = values.get("images") or None
    told = values.get("currency") or _currency_in(amount_header) or currency
    return Usage(
        line=line,
        day=day,
        at=at,
        model=values.get("model") or None,
        images=None if images is None else _count(images),
        amount=_amount(values.get("amount", ""), _SYMBOLS.get(told.casefold(), told.upper()), _bare(amount_header)),
        request_id=values.get("id") or None,
    )


def _currency_in(header: str) -> str | None:
    """`Amount (USD)` says it for the whole column."""
    found = _CURRENCY_AT_THE_END.search(_bare(header))
    return None if found is None else found[0]


def _count(text: str) -> int:
    try:
        number = Decimal(text.replace(",", ""))
    except InvalidOperation:
        raise ValueError(f"`{text}` is no number of pictures") from None
    if number != number.to_integral_value() or number < 0:
        raise ValueError(f"`{text}` is no number of pictures")
    return int(number)


def _amount(text: str, currency: str, header: str) -> Money | None:
    """None where the cell is empty. A gateway's quota is turned into dollars."""
    bare = text.strip()
    if not bare or bare in ("-", "--"):
        return None
    for symbol in sorted(_SYMBOLS, key=len, reverse=True):
        if bare.casefold().startswith(symbol) or bare.casefold().endswith(symbol):
            currency = _SYMBOLS[symbol]
            bare = bare[len(symbol) :] if bare.casefold().startswith(symbol) else bare[: -len(symbol)]
            break
    bare = bare.strip().replace(" ", "")
    if _THOUSANDS.match(bare):
        bare = bare.replace(",", "")
    elif "," in bare and "." not in bare:
        bare = bare.replace(",", ".")
    try:
        number = Decimal(bare)
        if header in ("quota", "额度"):
            number, currency = number / _QUOTA_A_DOLLAR, "USD"
        micros = int((number * MICROS).to_integral_value(ROUND_HALF_UP))
    except (InvalidOperation, ValueError, OverflowError):
        raise ValueError(f"`{text}` is no amount of money") from None
    if not re.fullmatch(r"[A-Z]{3}", currency):
        raise ValueError(f"`{currency}` is no currency")
    return Money(micros, currency)


def _time(text: str, zone: timezone) -> tuple[str, datetime | None]:
    """The day (or month) in `zone`, and the instant if there is one. Raises `ValueError` for what can't be read."""
    bare = text.strip()
    if re.fullmatch(r"[0-9]{10}(?:\.[0-9]+)?|[0-9]{13}", bare):
        seconds = int(bare[:10])
        at = datetime.fromtimestamp(seconds, UTC)
        return str(at.astimezone(zone).date()), at
    if re.fullmatch(r"[0-9]{8}", bare):
        bare = f"{bare[:4]}-{bare[4:6]}-{bare[6:]}"
    found = _DATE.match(bare)
    if found is None:
        return _other_date(bare) or _fail(text)
    if found["d"] is None:
        _checked(text, int(found["y"]), int(found["m"]), 1)
        return f"{found['y']}-{int(found['m']):02}", None
    day = _checked(text, int(found["y"]), int(found["m"]), int(found["d"]))
    if found["H"] is None:
        return str(day), None
    return _instant(text, day, found["H"], found["M"], found["S"], found["z"], zone)


def _other_date(text: str) -> tuple[str, datetime | None] | None:
    """Day and month in an order that their numbers tell; None if they don't."""
    found = _OTHER_DATE.match(text)
    if found is None:
        return None
    first, second = int(found["a"]), int(found["b"])
    if first <= 12 and second <= 12 and first != second:
        raise ValueError(f"`{text}` could be two days; write it like 2026-11-24")
    month, day = (first, second) if first <= 12 else (second, first)
    return str(_checked(text, int(found["y"]), month, day)), None


def _checked(text: str, year: int, month: int, day: int) -> date:
    try:
        return date(year, month, day)
    except ValueError:
        raise ValueError(f"`{text}` is no day") from None


def _instant(
    text: str, day: date, hour: str, minute: str, second: str | None, offset: str | None, zone: timezone
) -> tuple[str, datetime]:
    try:
        local = datetime(day.year, day.month, day.day, int(hour), int(minute), int(second or 0), tzinfo=zone)
    except ValueError:
        raise ValueError(f"`{text}` is no time") from None
    if offset in ("Z", "UTC"):
        local = local.replace(tzinfo=UTC)
    elif offset:
        sign = -1 if offset[0] == "-" else 1
        digits = offset[1:].replace(":", "")
        local = local.replace(tzinfo=timezone(sign * timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))))
    return str(local.astimezone(zone).date()), local.astimezone(UTC)


def _fail(text: str) -> tuple[str, datetime | None]:
    raise ValueError(f"`{text}` is no day or time" if text.strip() else "it names no day")
