"""Caps: how much may be spent per run, node, day, month and project; checked in the transaction of the claim.

A request counts in the UTC day of its sending: with its charge when settled, with its whole reservation before, and
with its whole reservation as long as its outcome is unknown. A cap binds its own currency only.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from seedpipe.money import Money

ACTIVE_SQL: Final = "state IN ('intended', 'sent', 'located', 'kept')"
OPEN_SQL: Final = "state IN ('intended', 'sent', 'located', 'kept', 'unknown')"


class CapKind(StrEnum):
    """What a cap is over. `per_node` is over the project's life unless the cap names a run."""

    PER_RUN = "per_run"
    PER_NODE = "per_node"
    PER_DAY = "per_day"
    PER_MONTH = "per_month"
    PROJECT = "project"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cap:
    """`source` says who set it, for people: a flag, an environment variable, a file. `run` and `address` narrow it:

    for `per_run` and `per_node` those of the intent are meant where they are None.
    """

    kind: CapKind
    limit: Money
    source: str
    run: str | None = None
    address: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Which requests are summed up: those that match every field set. `month` is `2026-11`, `day` `2026-11-24`."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class CapReached:
    """The request does not fit below `cap` now. Where it may fit once open reservations settle, waiting helps."""

    cap: Cap
    used: Money
    open_reservations: Money
    uncertain: Money
    would_fit_after_settling: bool


def spent_in(connection: sqlite3.Connection, scope: Scope, currency: str) -> Spent:
    """Sums up `scope`, inside the caller's transaction."""
    where, values = _where(scope)
    active, unknown = connection.execute(
        f"SELECT COALESCE(SUM(CASE WHEN {ACTIVE_SQL} THEN reserved ELSE 0 END), 0),"  # noqa: S608
        f" COALESCE(SUM(CASE WHEN state = 'unknown' THEN reserved ELSE 0 END), 0)"
        f" FROM request WHERE {OPEN_SQL} AND currency = ?{where}",
        (currency, *values),
    ).fetchone()
    return Spent(
        charged=Money(_charged(connection, scope, currency), currency),
        open=Money(active, currency),
        uncertain=Money(unknown, currency),
    )


def first_reached(
    connection: sqlite3.Connection, caps: Sequence[Cap], *, run: str, address: str, day: str, reserved: Money
) -> CapReached | None:
    """The cap that stands in the way of one more reservation; one for which waiting is no help comes first."""
    reached = []
    for cap in caps:
        if cap.limit.currency != reserved.currency:
            continue
        spent = spent_in(connection, _scope(cap, run, address, day), reserved.currency)
        if spent.worst + reserved > cap.limit:
            reached.append(
                CapReached(
                    cap=cap,
                    used=spent.charged,
                    open_reservations=spent.open,
                    uncertain=spent.uncertain,
                    would_fit_after_settling=spent.charged + spent.uncertain + reserved <= cap.limit,
                )
            )
    return min(reached, key=lambda one: one.would_fit_after_settling, default=None)


def add_charge(connection: sqlite3.Connection, scopes: Sequence[str], charge: Money) -> None:
    """Adds to the running totals, so that a cap over years is one look-up."""
    connection.executemany(
        "INSERT INTO total (scope, currency, charged) VALUES (?, ?, ?)"
        " ON CONFLICT (scope, currency) DO UPDATE SET charged = charged + excluded.charged",
        [(scope, charge.currency, charge.micros) for scope in scopes],
    )


def total_scopes(*, run: str, address: str, day: str) -> tuple[str, ...]:
    """The totals that one charge belongs to; months and the project are sums of days."""
    return (f"day:{day}", f"run:{run}", f"address:{address}")


def _scope(cap: Cap, run: str, address: str, day: str) -> Scope:
    match cap.kind:
        case CapKind.PER_RUN:
            return Scope(run=cap.run or run, address=cap.address)
        case CapKind.PER_NODE:
            return Scope(run=cap.run, address=cap.address or address)
        case CapKind.PER_DAY:
            return Scope(day=day)
        case CapKind.PER_MONTH:
            return Scope(month=day[:7])
        case CapKind.PROJECT:
            return Scope()


def _where(scope: Scope) -> tuple[str, list[str]]:
    terms, values = "", []
    for column, value in (("run", scope.run), ("address", scope.address), ("day", scope.day)):
        if value is not None:
            terms += f" AND {column} = ?"
            values.append(value)
    if scope.month is not None:
        terms += " AND substr(day, 1, 7) = ?"
        values.append(scope.month)
    return terms, values


def _charged(connection: sqlite3.Connection, scope: Scope, currency: str) -> int:
    named = [name for name in ("run", "address", "day", "month") if getattr(scope, name) is not None]
    if len(named) > 1:
        where, values = _where(scope)
        sql = f"SELECT SUM(charge) FROM request WHERE charge_currency = ?{where}"  # noqa: S608
    else:
        sql = "SELECT SUM(charged) FROM total WHERE currency = ? AND scope GLOB 'day:*'"
        values = []
        if named == ["month"]:
            sql, values = "SELECT SUM(charged) FROM total WHERE currency = ? AND scope GLOB ?", [f"day:{scope.month}-*"]
        elif named:
            sql = "SELECT SUM(charged) FROM total WHERE currency = ? AND scope = ?"
            values = [f"{named[0]}:{getattr(scope, named[0])}"]
    return int(connection.execute(sql, [currency, *values]).fetchone()[0] or 0)
