"""Caps and consent: what stands in the way of spending, decided before anything is sent. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from seedpipe.errors import CapError, ConsentError, UsageError
from seedpipe.manifest.definition import Budget
from seedpipe.money import Money
from seedpipe.plan.plan import Plan
from seedpipe.state.caps import Cap, CapKind, Origin
from seedpipe.state.settings import UserSettings
from seedpipe.state.spent import Spent

# Each is mirrored by a variable of the environment, and both hold: neither loosens the other.
CAP_FLAGS: Final[Mapping[CapKind, str]] = {
    CapKind.PER_RUN: "--max-cost",
    CapKind.PER_NODE: "--max-per-node",
    CapKind.PER_DAY: "--max-per-day",
    CapKind.PER_MONTH: "--max-per-month",
    CapKind.PROJECT: "--max-project",
}
_NAMES: Final[Mapping[CapKind, str]] = {
    CapKind.PER_RUN: "per build",
    CapKind.PER_NODE: "per picture",
    CapKind.PER_DAY: "per day",
    CapKind.PER_MONTH: "per month",
    CapKind.PROJECT: "for the project",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Every cap that binds a run; the tightest wins because each is checked."""

    caps: Sequence[Cap]

    def of(self, kind: CapKind, currency: str) -> Sequence[Cap]:
        return [cap for cap in self.caps if cap.kind is kind and cap.limit.currency == currency]

    def tightest(self, kind: CapKind, currency: str) -> Money | None:
        limits = [cap.limit for cap in self.of(kind, currency)]
        return min(limits, key=lambda money: money.micros, default=None)


def limits_of(manifest: Budget, settings: UserSettings, asked: Iterable[Cap] = ()) -> Limits:
    """All caps together: `asked` are those of flags and environment. The manifest's can only tighten."""
    users = [Cap(kind=cap.kind, limit=cap.limit, source=cap.source, origin=Origin.USER_FILE) for cap in settings.caps]
    written: Mapping[CapKind, Money | None] = {
        CapKind.PER_RUN: manifest.per_build,
        CapKind.PER_NODE: manifest.per_node,
        CapKind.PER_DAY: manifest.per_day,
        CapKind.PER_MONTH: manifest.per_month,
        CapKind.PROJECT: manifest.project,
    }
    source = f"budget in {manifest.position.file}" if manifest.position else "budget in the manifest"
    own = [
        Cap(kind=kind, limit=limit, source=source, origin=Origin.MANIFEST)
        for kind, limit in written.items()
        if limit is not None
    ]
    return Limits(caps=(*asked, *users, *own))


def caps_asked(flags: Mapping[CapKind, Sequence[str]], environ: Mapping[str, str], currency: str) -> Sequence[Cap]:
    """The caps of flags and environment; a bare number is of `currency`. Raises `UsageError` for what is no amount."""
    found: list[Cap] = []

    def add(kind: CapKind, texts: Iterable[str], source: str, origin: Origin) -> None:
        limits = (_amount(text, source, currency) for text in texts)
        found.extend(Cap(kind=kind, limit=limit, source=source, origin=origin) for limit in limits)

    for kind, flag in CAP_FLAGS.items():
        variable = variable_of(flag)
        add(kind, flags.get(kind, ()), flag, Origin.FLAG)
        add(kind, filter(str.strip, environ.get(variable, "").split(",")), variable, Origin.ENVIRONMENT)
    return found


def variable_of(flag: str) -> str:
    """`SEEDPIPE_MAX_COST` of `--max-cost`."""
    return "SEEDPIPE_" + flag.removeprefix("--").replace("-", "_").upper()


def _amount(text: str, source: str, currency: str) -> Money:
    try:
        return Money.parse(text, default_currency=currency)
    except ValueError as error:
        raise UsageError(f"`{source}`: {error}", hint="write an amount like `5` or `0.50 USD`") from None


def cap_name(cap: Cap) -> str:
    """`per month over all your projects`."""
    return _NAMES[cap.kind] + (" over all your projects" if cap.over_all_projects else "")


def idle_caps(limits: Limits, currency: str) -> Sequence[Cap]:
    """What is set in another currency where nothing of its kind is in the plan's, from the same place.

    Whoever wrote it counts on it, whatever others have set.
    """
    asked = [cap for cap in limits.caps if cap.origin in (Origin.FLAG, Origin.ENVIRONMENT)]
    written = [[cap for cap in limits.caps if cap.origin is origin] for origin in (Origin.USER_FILE, Origin.MANIFEST)]
    idle: list[Cap] = []
    for caps in (asked, *written):
        bound = {cap.kind for cap in caps if cap.limit.currency == currency}
        idle += [cap for cap in caps if cap.kind not in bound]
    return idle


def idle_words(cap: Cap, currency: str) -> str:
    """`` `--max-cost` of 5.00 EUR binds nothing: prices are in USD ``; a file has several caps, so its kind is named."""
    kind = f" {cap_name(cap)}" if cap.origin in (Origin.USER_FILE, Origin.MANIFEST) else ""
    return f"`{cap.source}` of {cap.limit}{kind} binds nothing: prices are in {currency}"


def refuse_what_cannot_fit(
    plan: Plan, limits: Limits, used: Mapping[Cap, Spent], spent_on: Callable[[str, str], Spent]
) -> None:
    """Raises `CapError` if even the lowest cost of the plan would pass a cap.

    `used` says what a cap's period or project holds already, `spent_on` what a picture cost so far (address, currency).
    What is under way may settle for less, so it counts only when it is claimed.
    """
    for cap in limits.caps:
        if cap.limit.currency != plan.currency:
            continue
        if cap.kind is CapKind.PER_NODE:
            _refuse_a_dear_picture(plan, cap, spent_on)
        elif plan.pictures:
            already = _certain(used[cap]) if cap in used else Money.zero(plan.currency)
            if plan.cost.low + already > cap.limit:
                before = f" and {already} are used" if already else ""
                raise CapError(
                    f"the plan costs at least {plan.cost.low}{before}; the cap {cap_name(cap)} is {cap.limit}"
                    f" ({cap.source})",
                    hint="name fewer targets, or raise the cap where it was set",
                )


def _refuse_a_dear_picture(plan: Plan, cap: Cap, spent_on: Callable[[str, str], Spent]) -> None:
    for node in plan.nodes.values():
        if not node.pictures:
            continue
        already = _certain(spent_on(node.address, plan.currency))
        if node.cost.low + already > cap.limit:
            before = f" beside the {already} that it cost so far" if already else ""
            raise CapError(
                f"`{node.address}` costs at least {node.cost.low}{before}; the cap {cap_name(cap)} is {cap.limit}"
                f" ({cap.source})",
                hint="raise the cap where it was set, leave the picture out, or ask for fewer takes",
            )


def _certain(spent: Spent) -> Money:
    """What counts whatever becomes of the requests that are under way."""
    return spent.charged + spent.uncertain


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """Where a build runs. `interactive`: a person can be asked; `lasts`: the journal outlives the run."""

    interactive: bool
    in_ci: bool
    lasts: bool


def consent_needed(plan: Plan, limits: Limits, where: Surroundings, *, yes: bool) -> bool:
    """Whether a person has to be asked now. Raises `ConsentError` where nobody can be asked and nobody said yes.

    Without a terminal, spending needs `--yes` and a cap that the user set, in the currency of the plan; in CI one
    from a flag or the environment. There a cap on a day, a month or the project must be able to hold (`CapError`).
    """
    if not plan.pictures:
        return False
    if where.in_ci and not where.lasts:
        _refuse_caps_that_forget(plan, limits)
    if where.interactive and not where.in_ci:
        return not yes
    price = f"{plan.pictures} picture{'s' if plan.pictures != 1 else ''} for {plan.cost.high} at most"
    if not yes:
        nobody = "nobody is asked in CI (the variable `CI`)" if where.in_ci else "there is no terminal to ask for a yes"
        raise ConsentError(
            f"this would buy {price}, and {nobody}",
            hint=f"`--yes --max-cost {plan.cost.high.amount}` says yes to it; `--proof` costs nothing",
        )
    granting = (Origin.FLAG, Origin.ENVIRONMENT) if where.in_ci else (Origin.FLAG, Origin.ENVIRONMENT, Origin.USER_FILE)
    binding = [
        cap
        for cap in limits.caps
        if cap.origin in granting and cap.kind.bounds_a_run and cap.limit.currency == plan.currency
    ]
    if not binding:
        by = "a flag or the environment" if where.in_ci else "a flag, the environment or your settings"
        alone = [cap.source for cap in limits.caps if cap.origin in granting and not cap.kind.bounds_a_run]
        no_sum = f": `{alone[0]}` is for one picture and bounds no sum" if alone else ""
        raise ConsentError(
            f"this would buy {price}, and unattended that needs a cap in {plan.currency}{no_sum}",
            hint=f"`--max-cost {plan.cost.high.amount}` (or `SEEDPIPE_MAX_COST`) sets one; it must come from {by}",
        )
    return False


def _refuse_caps_that_forget(plan: Plan, limits: Limits) -> None:
    for cap in limits.caps:
        if cap.kind.lasts and cap.limit.currency == plan.currency:
            raise CapError(
                f"the cap {cap_name(cap)} of {cap.limit} ({cap.source}) can't hold here: what was spent is forgotten"
                " with this CI job",
                hint="keep a folder between jobs and name it in `SEEDPIPE_HOME`; a cap per build needs none",
            )
