"""Caps: how much may be spent per run, node, day, month and project; checked in the transaction of the claim.

What counts is said in `spent`. A cap binds its own currency only. A node is a picture: each frame of a batch is one.
"""

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from seedpipe.money import Money
from seedpipe.state.spent import Scope, spent_in


class CapKind(StrEnum):
    """What a cap is over. `per_node` is over the project's life."""

    PER_RUN = "per_run"
    PER_NODE = "per_node"
    PER_DAY = "per_day"
    PER_MONTH = "per_month"
    PROJECT = "project"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cap:
    """`source` says who set it, for people: a flag, an environment variable, a file."""

    kind: CapKind
    limit: Money
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CapReached:
    """The request does not fit below `cap` now. Where it may fit once open reservations settle, waiting helps.

    `address` is the picture that would cost too much, where the cap is one per node.
    """

    cap: Cap
    address: str | None = None
    used: Money
    open_reservations: Money
    uncertain: Money
    would_fit_after_settling: bool


def first_reached(
    connection: sqlite3.Connection, caps: Sequence[Cap], *, run: str, day: str, parts: Mapping[str, Money]
) -> CapReached | None:
    """The cap that stands in the way of one more reservation; one for which waiting is no help comes first.

    `parts` says what is reserved for each picture, by its address; all in one currency.
    """
    currency = next(iter(parts.values())).currency
    total = sum(parts.values(), Money.zero(currency))
    reached = []
    for cap in caps:
        if cap.limit.currency != currency:
            continue
        each = parts.items() if cap.kind is CapKind.PER_NODE else [(None, total)]
        for address, part in each:
            spent = spent_in(connection, _scope(cap.kind, run, address, day), currency)
            if spent.worst + part > cap.limit:
                reached.append(
                    CapReached(
                        cap=cap,
                        address=address,
                        used=spent.charged,
                        open_reservations=spent.open,
                        uncertain=spent.uncertain,
                        would_fit_after_settling=spent.charged + spent.uncertain + part <= cap.limit,
                    )
                )
    return min(reached, key=lambda one: one.would_fit_after_settling, default=None)


def _scope(kind: CapKind, run: str, address: str | None, day: str) -> Scope:
    match kind:
        case CapKind.PER_RUN:
            return Scope(run=run)
        case CapKind.PER_NODE:
            return Scope(address=address)
        case CapKind.PER_DAY:
            return Scope(day=day)
        case CapKind.PER_MONTH:
            return Scope(month=day[:7])
        case CapKind.PROJECT:
            return Scope()
