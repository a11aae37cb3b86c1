"""What was charged, is reserved or is uncertain: per run, picture, day, month and project, inside a transaction.

A request counts in the UTC day of its sending: with its charge when settled, with its whole reservation before, and
with its whole reservation as long as its outcome is unknown; what was kept of it is charged for certain, the rest is
uncertain. Of a batch each frame counts with its own part (`shares`).
"""

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from seedpipe.money import Money
from seedpipe.state.shares import shares

ACTIVE_SQL: Final = "state IN ('intended', 'sent', 'located', 'kept')"
OPEN_SQL: Final = "state IN ('intended', 'sent', 'located', 'kept', 'unknown')"
# What the pictures of a request that are here cost, but never more than is reserved for all of them.
_KEPT_SQL: Final = (
    "MIN(reserved, (SELECT COALESCE(SUM(COALESCE(cost, price)), 0) FROM arrival"
    " WHERE arrival.request = request.id AND digest IS NOT NULL))"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Which requests are summed up: those that match every field set. `month` is `2026-11`, `day` `2026-11-24`.

    `address` is a picture's; of a batch only its part counts then.
    """

    run: str | None = None
    address: str | None = None
    day: str | None = None
    month: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """Money of one scope in one currency: charged for certain; reserved by requests under way; of unknown outcome."""

    charged: Money
    open: Money
    uncertain: Money

    @property
    def worst(self) -> Money:
        return self.charged + self.open + self.uncertain

    def __add__(self, other: "Spent") -> "Spent":
        return Spent(
            charged=self.charged + other.charged,
            open=self.open + other.open,
            uncertain=self.uncertain + other.uncertain,
        )


def spent_in(
    connection: sqlite3.Connection,
    scope: Scope,
    currency: str,
    *,
    is_alive: Callable[[str], bool] = lambda _owner: True,
) -> Spent:
    """Sums up `scope`, inside the caller's transaction. What an owner that isn't alive left open is uncertain."""
    if scope.address is not None:
        return _spent_on(connection, scope, scope.address, currency)
    where, values = _where(scope)
    rows = connection.execute(
        f"SELECT state = 'unknown', owner, SUM(reserved), SUM({_KEPT_SQL}) FROM request"  # noqa: S608
        f" WHERE {OPEN_SQL} AND currency = ?{where} GROUP BY 1, 2",
        (currency, *values),
    )
    active = uncertain = certain = 0
    for unknown, owner, reserved, kept in rows.fetchall():
        if unknown or not is_alive(owner):
            certain += kept
            uncertain += reserved - kept
        else:
            active += reserved
    return Spent(
        charged=Money(_charged(connection, scope, currency) + certain, currency),
        open=Money(active, currency),
        uncertain=Money(uncertain, currency),
    )


def add_charge(connection: sqlite3.Connection, scopes: Sequence[str], charge: Money) -> None:
    """Adds to the running totals, so that a cap over years is one look-up. Takes away where `charge` is negative."""
    connection.executemany(
        "INSERT INTO total (scope, currency, charged) VALUES (?, ?, ?)"
        " ON CONFLICT (scope, currency) DO UPDATE SET charged = charged + excluded.charged",
        [(scope, charge.currency, charge.micros) for scope in scopes],
    )


def total_scopes(*, run: str, day: str) -> tuple[str, ...]:
    """The totals that one charge belongs to; months and the project are sums of days."""
    return (f"day:{day}", f"run:{run}")


def _spent_on(connection: sqlite3.Connection, scope: Scope, address: str, currency: str) -> Spent:
    """A picture has few requests, so they are read one by one."""
    where, values = _where(scope)
    rows = connection.execute(
        "SELECT id, address, state, images, price, reserved, charge FROM request"  # noqa: S608
        f" WHERE (state = 'settled' OR {OPEN_SQL}) AND COALESCE(charge_currency, currency) = ?{where}"
        " AND (address = ? OR id IN (SELECT request FROM frame WHERE frame.address = ?))",
        (currency, *values, address, address),
    )
    sums = {"settled": 0, "active": 0, "unknown": 0}
    for id_, named, state, images, price, reserved, charge in rows.fetchall():
        known = _prices(connection, id_, price) if state in ("settled", "unknown") else {}
        parts = shares(reserved if charge is None else charge, images, known)
        frames = dict(connection.execute("SELECT position, address FROM frame WHERE request = ?", (id_,)).fetchall())
        for place, part in parts.items():
            if frames.get(place, named) == address:
                # Of an uncertain batch, a frame that is here is charged for certain.
                sums["settled" if place in known else state if state in sums else "active"] += part
    return Spent(
        charged=Money(sums["settled"], currency),
        open=Money(sums["active"], currency),
        uncertain=Money(sums["unknown"], currency),
    )


def _prices(connection: sqlite3.Connection, request: str, price: int) -> dict[int, int]:
    """What each picture that came cost, by its place in the answer."""
    sql = "SELECT position, COALESCE(cost, ?) FROM arrival WHERE request = ? AND digest IS NOT NULL"
    return dict(connection.execute(sql, (price, request)).fetchall())


def _where(scope: Scope) -> tuple[str, list[str]]:
    terms, values = "", []
    for column, value in (("run", scope.run), ("day", scope.day)):
        if value is not None:
            terms += f" AND {column} = ?"
            values.append(value)
    if scope.month is not None:
        terms += " AND substr(day, 1, 7) = ?"
        values.append(scope.month)
    return terms, values


def _charged(connection: sqlite3.Connection, scope: Scope, currency: str) -> int:
    named = [name for name in ("run", "day", "month") if getattr(scope, name) is not None]
    values: list[Any]
    if len(named) > 1:
        where, values = _where(scope)
        sql = f"SELECT SUM(charge) FROM request WHERE charge_currency = ?{where}"  # noqa: S608
    else:
        sql, values = "SELECT SUM(charged) FROM total WHERE currency = ? AND scope GLOB 'day:*'", []
        if named == ["month"]:
            sql, values = "SELECT SUM(charged) FROM total WHERE currency = ? AND scope GLOB ?", [f"day:{scope.month}-*"]
        elif named:
            sql = "SELECT SUM(charged) FROM total WHERE currency = ? AND scope = ?"
            values = [f"{named[0]}:{getattr(scope, named[0])}"]
    return int(connection.execute(sql, [currency, *values]).fetchone()[0] or 0)
