"""What verbs that only look share: a plan from what is remembered, and the caps to show beside it."""

import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from seedpipe.build.budget import Limits, caps_asked, idle_caps, idle_words, limits_of
from seedpipe.errors import StateError
from seedpipe.money import Money
from seedpipe.names import Realm
from seedpipe.plan.plan import Plan
from seedpipe.plan.select import Wish, select
from seedpipe.project.memory import Recollection
from seedpipe.project.project import Project
from seedpipe.project.spending import used_under, wallet_of
from seedpipe.review.plan_text import NO_CAPS, Caps, Period
from seedpipe.state.caps import Cap, CapKind
from seedpipe.state.journal import Journal
from seedpipe.state.spent import Scope, Spent

_PERIODS = {CapKind.PER_DAY: "today", CapKind.PER_MONTH: "this month", CapKind.PROJECT: "the project"}


def caps_shown(project: Project, plan: Plan, journal: Journal | None) -> Caps:
    """The caps that would bind a build now, and what they hold. What another project's journal can't tell is said."""
    if plan.realm is Realm.PROOF:
        return NO_CAPS
    limits = limits_of(project.manifest.budget, project.settings, caps_asked({}, os.environ, plan.currency))
    remarks = tuple(idle_words(cap, plan.currency) for cap in idle_caps(limits, plan.currency) if plan.pictures)
    try:
        used = used_under(limits.caps, journal, wallet_of(project))
    except StateError as error:
        used = used_under([cap for cap in limits.caps if not cap.over_all_projects], journal, None)
        remarks = (*remarks, error.message)
    return caps_of(limits, used, plan, month=spent_this_month(journal, plan.currency), remarks=remarks)


def caps_of(
    limits: Limits, used: Mapping[Cap, Spent], plan: Plan, *, month: Spent, remarks: tuple[str, ...] = ()
) -> Caps:
    """The caps to show with a plan; a proof costs nothing, so none binds it. `month` is what the project spent in it."""
    if plan.realm is Realm.PROOF:
        return NO_CAPS
    periods = []
    for kind, name in _PERIODS.items():
        known = [cap for cap in limits.of(kind, plan.currency) if cap in used]
        if known:
            cap = min(known, key=lambda one: (one.limit - used[one].worst).micros)
            where = " in all projects" if cap.over_all_projects else ""
            periods.append(_period(name + where, used[cap], cap.limit))
        elif kind is CapKind.PER_MONTH and month.worst:
            periods.append(_period(name, month))
    return Caps(run=limits.tightest(CapKind.PER_RUN, plan.currency), periods=tuple(periods), remarks=remarks)


def _period(name: str, spent: Spent, cap: Money | None = None) -> Period:
    return Period(name=name, spent=spent.worst, unsure=spent.open + spent.uncertain, cap=cap)


def spent_this_month(journal: Journal | None, currency: str) -> Spent:
    """What this project spent in the month."""
    if journal is None:
        return Spent(charged=Money.zero(currency), open=Money.zero(currency), uncertain=Money.zero(currency))
    return journal.spent(Scope(month=datetime.now(UTC).strftime("%Y-%m")), currency)


def planned(project: Project, targets: Sequence[str] = ()) -> tuple[Plan, Recollection]:
    """The plan of a plain build of `targets`, and what it was made from."""
    return planned_for(project, Wish(selection=select(project.graph, targets), targets=tuple(targets)))


def planned_for(project: Project, wish: Wish, *, workers: int = 8) -> tuple[Plan, Recollection]:
    """The plan, and what it was made from. Nothing is written, nothing is asked of the network."""
    memory = project.recollection()
    return project.plan(wish, memory, workers=workers), memory
