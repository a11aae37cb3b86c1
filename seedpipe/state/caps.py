"""Caps: how much may be spent per run, node, day, month and project; checked in the transaction of the claim.

What counts is said in `spent`. A cap binds its own currency only. A node is a picture: each frame of a batch is one.
"""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from seedpipe.money import Money
from seedpipe.state.spent import Scope, Spent, spent_in


class CapKind(StrEnum):
    """What a cap is over. `per_node` is over the project's life."""

    PER_RUN = "per_run"
    PER_NODE = "per_node"
    PER_DAY = "per_day"
    PER_MONTH = "per_month"
    PROJECT = "project"

    @property
    def lasts(self) -> bool:
        """It holds only where the journal outlives a run."""
        return self in (CapKind.PER_DAY, CapKind.PER_MONTH, CapKind.PROJECT)

    @property
    def bounds_a_run(self) -> bool:
        """Under it a run can't spend without end. Of any number of pictures each may cost its cap."""
        return self is not CapKind.PER_NODE


class Origin(StrEnum):
    """Who set a cap. The user grants; a manifest can only tighten."""

    FLAG = "flag"
    ENVIRONMENT = "environment"
    USER_FILE = "user file"
    MANIFEST = "manifest"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cap:
    """`source` says where it was set, for people: a flag, an environment variable, a line of a file."""

    kind: CapKind
    limit: Money
    source: str
    origin: Origin = Origin.FLAG

    @property
    def over_all_projects(self) -> bool:
        """A day or month of the user's is over all that this user spends, not over one project alone."""
        return self.kind in (CapKind.PER_DAY, CapKind.PER_MONTH) and self.origin is not Origin.MANIFEST

    def scope(self, *, run: str, address: str | None, day: str) -> Scope:
        """What counts for it when a picture at `address` is bought on `day`."""
        match self.kind:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class CapReached:
    """The request does not fit below `cap` now. Where it may fit once open reservations settle, waiting helps.

    `asked` is what was to be reserved for the cap, `address` the picture that it is for where the cap is one per node.
    `open_elsewhere` is the part of the open reservations that other projects hold.
    """

    cap: Cap
    address: str | None = None
    asked: Money
    used: Money
    open_elsewhere: Money
    open_reservations: Money
    uncertain: Money
    would_fit_after_settling: bool


def first_reached(
    connection: sqlite3.Connection,
    caps: Sequence[Cap],
    *,
    run: str,
    day: str,
    parts: Mapping[str, Money],
    elsewhere: Callable[[Scope, str], Spent] | None = None,
) -> CapReached | None:
    """The cap that stands in the way of one more reservation; one for which waiting is no help comes first.

    `parts` says what is reserved for each picture, by its address; all in one currency. `elsewhere` tells what the
    user's other projects hold; None: there are none.
    """
    currency = next(iter(parts.values())).currency
    total = sum(parts.values(), Money.zero(currency))
    reached = []
    for cap in caps:
        if cap.limit.currency != currency:
            continue
        each = parts.items() if cap.kind is CapKind.PER_NODE else [(None, total)]
        for address, part in each:
            scope = cap.scope(run=run, address=address, day=day)
            here = spent_in(connection, scope, currency)
            spent = here + elsewhere(scope, currency) if cap.over_all_projects and elsewhere is not None else here
            if spent.worst + part > cap.limit:
                reached.append(
                    CapReached(
                        cap=cap,
                        address=address,
                        asked=part,
                        open_elsewhere=spent.open - here.open,
                        used=spent.charged,
                        open_reservations=spent.open,
                        uncertain=spent.uncertain,
                        would_fit_after_settling=spent.charged + spent.uncertain + part <= cap.limit,
                    )
                )
    return min(reached, key=lambda one: one.would_fit_after_settling, default=None)
