"""Caps and consent: what stands in the way of spending, decided before anything is sent. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from seedpipe.errors import CapError, ConsentError
from seedpipe.manifest.definition import Budget
from seedpipe.money import Money
from seedpipe.plan.plan import Plan
from seedpipe.state.caps import Cap, CapKind
from seedpipe.state.settings import UserSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Every cap that binds a run; the tightest wins because each is checked. `granted` are those set by the user."""

    caps: Sequence[Cap]
    granted: Sequence[Cap]

    def tightest(self, kind: CapKind, currency: str) -> Money | None:
        limits = [cap.limit for cap in self.caps if cap.kind is kind and cap.limit.currency == currency]
        return min(limits, key=lambda money: money.micros, default=None)


def limits_of(
    manifest: Budget, settings: UserSettings, max_cost: Money | None, *, flag_source: str = "--max-cost"
) -> Limits:
    """Flag, user file and manifest together. The manifest can only tighten: it grants nothing by itself."""
    granted = [Cap(kind=cap.kind, limit=cap.limit, source=cap.source) for cap in settings.caps]
    if max_cost is not None:
        granted.append(Cap(kind=CapKind.PER_RUN, limit=max_cost, source=flag_source))
    written: Mapping[CapKind, Money | None] = {
        CapKind.PER_RUN: manifest.per_build,
        CapKind.PER_NODE: manifest.per_node,
        CapKind.PER_DAY: manifest.per_day,
        CapKind.PER_MONTH: manifest.per_month,
    }
    source = f"budget in {manifest.position.file}" if manifest.position else "budget in the manifest"
    own = [Cap(kind=kind, limit=limit, source=source) for kind, limit in written.items() if limit is not None]
    return Limits(caps=(*granted, *own), granted=tuple(granted))


def refuse_what_cannot_fit(plan: Plan, limits: Limits, used: Mapping[CapKind, Money]) -> None:
    """Raises `CapError` if even the lowest cost of the plan would pass a cap. `used` are charges of each period."""
    low = plan.cost.low
    for cap in limits.caps:
        if cap.limit.currency != plan.currency:
            continue
        if cap.kind is CapKind.PER_NODE:
            dear = [node for node in plan.nodes.values() if node.pictures and node.cost.low > cap.limit]
            if dear:
                raise CapError(
                    f"`{dear[0].address}` costs {dear[0].cost.low}; the cap per node is {cap.limit} ({cap.source})",
                    hint="raise the cap where it was set, or ask for fewer takes",
                )
            continue
        already = used.get(cap.kind, Money.zero(plan.currency))
        if low + already > cap.limit:
            before = f" and {already} are used" if already else ""
            raise CapError(
                f"the plan costs at least {low}{before}; the cap {cap.kind.value.replace('_', ' ')} is {cap.limit}"
                f" ({cap.source})",
                hint="name fewer targets, or raise the cap where it was set",
            )


def consent_needed(plan: Plan, limits: Limits, *, yes: bool, interactive: bool, in_ci: bool) -> bool:
    """Whether a person has to be asked now. Raises `ConsentError` where nobody can be asked and nobody said yes.

    Without a terminal, spending needs `--yes` and a cap that the user set, in the currency of the plan; in CI one
    from a flag or the environment.
    """
    if not plan.pictures:
        return False
    if interactive:
        return not yes
    price = f"{plan.pictures} picture{'s' if plan.pictures != 1 else ''} for {plan.cost.high} at most"
    if not yes:
        raise ConsentError(
            f"this would buy {price}, and there is no terminal to ask for a yes",
            hint=f"`--yes --max-cost {plan.cost.high.amount}` says yes to it; `--proof` costs nothing",
        )
    binding = [cap for cap in limits.granted if cap.limit.currency == plan.currency]
    if in_ci:
        binding = [cap for cap in binding if cap.source == "--max-cost"]
    if not binding:
        where = "a flag or the environment" if in_ci else "a flag, the environment or your settings"
        raise ConsentError(
            f"this would buy {price} unattended without a cap in {plan.currency}",
            hint=f"`--max-cost {plan.cost.high.amount}` (or `SEEDPIPE_MAX_COST`) sets one; it must come from {where}",
        )
    return False
