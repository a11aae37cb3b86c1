"""What verbs that only look share: a plan from what is remembered, and the caps to show beside it."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from seedpipe.build.budget import Limits
from seedpipe.money import Money
from seedpipe.names import Realm
from seedpipe.plan.plan import Plan
from seedpipe.plan.select import Wish, select
from seedpipe.project.memory import Recollection
from seedpipe.project.project import Project
from seedpipe.review.plan_text import NO_CAPS, Caps, Period
from seedpipe.state.caps import CapKind
from seedpipe.state.journal import Journal
from seedpipe.state.spent import Scope

_PERIODS = {CapKind.PER_DAY: "today", CapKind.PER_MONTH: "this month"}


def caps_of(limits: Limits, used: Mapping[CapKind, Money], plan: Plan) -> Caps:
    """The caps to show with a plan; a proof costs nothing, so none binds it."""
    if plan.realm is Realm.PROOF:
        return NO_CAPS
    periods = []
    for kind, name in _PERIODS.items():
        cap = limits.tightest(kind, plan.currency)
        spent = used.get(kind, Money.zero(plan.currency))
        if cap is not None or (spent and kind is CapKind.PER_MONTH):
            periods.append(Period(name=name, spent=spent, cap=cap))
    return Caps(run=limits.tightest(CapKind.PER_RUN, plan.currency), periods=tuple(periods))


def planned(project: Project, targets: Sequence[str] = ()) -> tuple[Plan, Recollection]:
    """The plan of a plain build of `targets`, and what it was made from."""
    return planned_for(project, Wish(selection=select(project.graph, targets), targets=tuple(targets)))


def planned_for(project: Project, wish: Wish, *, workers: int = 8) -> tuple[Plan, Recollection]:
    """The plan, and what it was made from. Nothing is written, nothing is asked of the network."""
    memory = project.recollection()
    return project.plan(wish, memory, workers=workers), memory


def used_in(journal: Journal | None, currency: str) -> Mapping[CapKind, Money]:
    """What today and this month hold already."""
    if journal is None:
        return {}
    today = datetime.now(UTC).strftime("%Y-%m-%d")
    scopes = {CapKind.PER_DAY: Scope(day=today), CapKind.PER_MONTH: Scope(month=today[:7])}
    return {kind: journal.spent(scope, currency).worst for kind, scope in scopes.items()}
