"""Whether a journal's rows can be true: what SQLite's own check doesn't look at, asked in SQL. Pure questions."""

import sqlite3
from collections.abc import Sequence
from typing import Final

_TABLES: Final = ("owner", "run", "request", "arrival", "frame", "layer", "resolution")
_DIGEST: Final = (
    "({0} IS NOT NULL AND (length({0}) != 71 OR substr({0}, 1, 7) != 'sha256:' OR substr({0}, 8) GLOB '*[^0-9a-f]*'))"
)
_TIME: Final = (
    "({0} IS NOT NULL AND {0} NOT GLOB '[12][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-9]*Z')"
)
_CURRENCY: Final = "({0} IS NOT NULL AND {0} NOT GLOB '[A-Z][A-Z][A-Z]')"
_WHOLE: Final = "({0} IS NOT NULL AND typeof({0}) != 'integer')"

# Table, what must not hold of a row, and what is wrong then.
_ROWS: Final = (
    ("request", " OR ".join(_TIME.format(name) for name in ("intended_at", "sent_at", "closed_at")), "a time is none"),
    ("request", "day != substr(COALESCE(sent_at, intended_at), 1, 10)", "a request counts in another day than its own"),
    ("request", " OR ".join(_CURRENCY.format(name) for name in ("currency", "charge_currency")), "a currency is none"),
    ("request", "charge_currency != currency", "a charge is in another currency than its price"),
    ("request", " OR ".join(_WHOLE.format(name) for name in ("price", "reserved", "expected", "charge")), "an amount is none"),
    ("request", "NOT json_valid(tags)", "a request's tags can't be read"),
    ("arrival", " OR ".join(_TIME.format(name) for name in ("located_at", "kept_at")), "a time is none"),
    ("arrival", _CURRENCY.format("cost_currency"), "a currency is none"),
    ("layer", "NOT json_valid(said)", "a layer's words can't be read"),
    ("resolution", _TIME.format("at"), "a time is none"),
)  # fmt: skip
# What is noticed as soon as such a row is read, so that not every opening has to look at all of them.
_DIGESTS: Final = (
    ("request", _DIGEST.format("request_key"), "a request has no key"),
    ("request", _DIGEST.format("body_digest"), "a request's body has no digest"),
    ("arrival", _DIGEST.format("digest"), "a picture has no digest"),
    ("frame", _DIGEST.format("want"), "a frame's want is none"),
)
_TOTALS: Final = """
SELECT scope FROM (
    SELECT scope, currency, charged FROM total WHERE charged != 0
    UNION ALL
    SELECT 'day:' || day, charge_currency, -SUM(charge) FROM request WHERE state = 'settled' GROUP BY 1, 2
    UNION ALL
    SELECT 'run:' || run, charge_currency, -SUM(charge) FROM request WHERE state = 'settled' GROUP BY 1, 2
) GROUP BY scope, currency HAVING SUM(charged) != 0 LIMIT 1
"""


def fault_in(connection: sqlite3.Connection) -> str | None:
    """The first thing that can't be true, for people; None for a journal that may be. Raises `sqlite3.DatabaseError`."""
    report = words_of(connection.execute("PRAGMA integrity_check(1)"))
    if report is not None:
        return report
    broken = connection.execute("PRAGMA foreign_key_check").fetchone()
    if broken is not None:
        return f"a row of {broken[0]} belongs to no {broken[2]}"
    wrong = _first_wrong(connection, _ROWS)
    if wrong is not None:
        return wrong
    adrift = connection.execute(_TOTALS).fetchone()
    return None if adrift is None else f"the total of {adrift[0]} is not the sum of its charges"


def words_of(report: sqlite3.Cursor) -> str | None:
    """What SQLite's own check found, on one line; None for nothing."""
    told = str(report.fetchone()[0])
    return None if told == "ok" else ", ".join(line for line in told.splitlines() if not line.startswith("***"))


def fault_in_texts(connection: sqlite3.Connection) -> str | None:
    """The same of every text. Raises `sqlite3.OperationalError` for one that is no UTF-8."""
    for table in _TABLES:
        for _ in connection.execute(f"SELECT * FROM {table}"):  # noqa: S608  # constants
            pass
    return _first_wrong(connection, _DIGESTS)


def _first_wrong(connection: sqlite3.Connection, rules: Sequence[tuple[str, str, str]]) -> str | None:
    for table, wrong, words in rules:
        found = connection.execute(f"SELECT 1 FROM {table} WHERE {wrong} LIMIT 1").fetchone()  # noqa: S608  # constants
        if found is not None:
            return words
    return None
