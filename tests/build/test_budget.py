"""Caps and consent before anything is sent: who may set what, which one wins, where a yes is a yes."""

from dataclasses import replace

import pytest

from seedpipe.build.budget import (
    Limits,
    Surroundings,
    cap_name,
    caps_asked,
    consent_needed,
    limits_of,
    refuse_what_cannot_fit,
)
from seedpipe.errors import CapError, ConsentError, UsageError
from seedpipe.manifest.definition import Budget
from seedpipe.money import Money
from seedpipe.plan.plan import Plan
from seedpipe.state.caps import Cap, CapKind, Origin
from seedpipe.state.settings import UserCap, UserSettings
from seedpipe.state.spent import Spent
from tests.plan.project import Project

TERMINAL = Surroundings(interactive=True, in_ci=False, lasts=True)
UNATTENDED = replace(TERMINAL, interactive=False)
CI = replace(UNATTENDED, in_ci=True, lasts=False)


def usd(text: str) -> Money:
    return Money.parse(text, default_currency="USD")


def cap(limit: str, kind: CapKind = CapKind.PER_RUN, origin: Origin = Origin.FLAG) -> Cap:
    return Cap(kind=kind, limit=usd(limit), source="a test", origin=origin)


def limits(*caps: Cap) -> Limits:
    return Limits(caps=caps)


def spent(charged: str = "0", open_: str = "0", uncertain: str = "0") -> Spent:
    return Spent(charged=usd(charged), open=usd(open_), uncertain=usd(uncertain))


def nothing(_address: str, _currency: str) -> Spent:
    return spent()


@pytest.fixture(scope="module")
def plan() -> Plan:
    """Two pictures at 0.04 USD each."""
    return Project().images("hero: {prompt: A lamp}\nchair: {prompt: A chair}\n").plan()


def test_all_that_is_said_counts_and_only_the_manifest_is_no_grant() -> None:
    settings = UserSettings(caps=(UserCap(kind=CapKind.PER_MONTH, limit=usd("60"), source="config.yaml:3"),))
    asked = caps_asked(
        {CapKind.PER_RUN: ("5",)}, {"SEEDPIPE_MAX_COST": "3 USD, 20 CNY", "SEEDPIPE_MAX_PROJECT": " "}, "USD"
    )
    found = limits_of(Budget(per_build=usd("4"), project=usd("100")), settings, asked)
    assert [(one.kind.value, str(one.limit), one.source, one.origin.value) for one in found.caps] == [
        ("per_run", "5.00 USD", "--max-cost", "flag"),
        ("per_run", "3.00 USD", "SEEDPIPE_MAX_COST", "environment"),
        ("per_run", "20.00 CNY", "SEEDPIPE_MAX_COST", "environment"),
        ("per_month", "60.00 USD", "config.yaml:3", "user file"),
        ("per_run", "4.00 USD", "budget in the manifest", "manifest"),
        ("project", "100.00 USD", "budget in the manifest", "manifest"),
    ]
    assert found.tightest(CapKind.PER_RUN, "USD") == usd("3"), "a flag loosens no variable"
    assert found.tightest(CapKind.PER_RUN, "CNY") == Money.parse("20 CNY")
    assert found.tightest(CapKind.PER_DAY, "USD") is None


def test_what_is_no_amount_is_told_with_where_it_stands() -> None:
    with pytest.raises(UsageError, match="`SEEDPIPE_MAX_PER_DAY`: `much` is not an amount"):
        caps_asked({}, {"SEEDPIPE_MAX_PER_DAY": "much"}, "USD")
    with pytest.raises(UsageError, match="`--max-per-node`"):
        caps_asked({CapKind.PER_NODE: ("-1",)}, {}, "USD")


@pytest.mark.parametrize(
    ("kind", "limit", "used", "refused"),
    [
        (CapKind.PER_RUN, "0.08", spent(), False),
        (CapKind.PER_RUN, "0.079999", spent(), True),
        (CapKind.PER_MONTH, "1", spent("0.92"), False),
        (CapKind.PER_MONTH, "1", spent("0.920001"), True),
        (CapKind.PER_MONTH, "1", spent("0.5", uncertain="0.43"), True),
        (CapKind.PER_MONTH, "1", spent("0.5", open_="0.5"), False),  # it may settle for less: asked at the claim
        (CapKind.PER_DAY, "1", spent("0.93"), True),
        (CapKind.PROJECT, "1", spent("0.93"), True),
        (CapKind.PER_NODE, "0.04", spent(), False),
        (CapKind.PER_NODE, "0.03", spent(), True),
    ],
)
def test_what_can_not_fit_is_refused_at_once(plan: Plan, kind: CapKind, limit: str, used: Spent, refused: bool) -> None:
    one = cap(limit, kind)
    if not refused:
        refuse_what_cannot_fit(plan, limits(one), {one: used}, nothing)
        return
    with pytest.raises(CapError, match=f"the cap {cap_name(one)} is"):
        refuse_what_cannot_fit(plan, limits(one), {one: used}, nothing)


def test_what_a_picture_cost_so_far_counts_for_its_own_cap(plan: Plan) -> None:
    one = cap("0.10", CapKind.PER_NODE)
    so_far = {"hero": spent("0.04", uncertain="0.04"), "chair": spent("0.04")}
    with pytest.raises(CapError, match="`hero` costs at least 0.04 USD beside the 0.08 USD that it cost so far"):
        refuse_what_cannot_fit(plan, limits(one), {}, lambda address, _: so_far[address])
    refuse_what_cannot_fit(plan, limits(cap("0.12", CapKind.PER_NODE)), {}, lambda address, _: so_far[address])


def test_a_cap_in_another_currency_binds_nothing(plan: Plan) -> None:
    foreign = Cap(kind=CapKind.PER_RUN, limit=Money.parse("0.01 CNY"), source="a test")
    refuse_what_cannot_fit(plan, limits(foreign), {}, nothing)
    with pytest.raises(ConsentError, match="needs a cap in USD"):
        consent_needed(plan, limits(foreign), UNATTENDED, yes=True)


def test_names_say_what_a_cap_is_over() -> None:
    assert cap_name(cap("1", CapKind.PER_MONTH)) == "per month over all your projects"
    assert cap_name(cap("1", CapKind.PER_MONTH, Origin.MANIFEST)) == "per month"
    assert cap_name(cap("1", CapKind.PER_NODE)) == "per picture"


def test_on_a_terminal_a_person_is_asked_unless_yes_was_said(plan: Plan) -> None:
    assert consent_needed(plan, limits(), TERMINAL, yes=False)
    assert not consent_needed(plan, limits(), TERMINAL, yes=True)
    idle = Project().write("a.png", "a").images("logo: {file: a.png}\n").plan()
    assert not consent_needed(idle, limits(), CI, yes=False), "nothing is bought"


@pytest.mark.parametrize(
    ("where", "one", "grants"),
    [
        (UNATTENDED, cap("5"), True),
        (UNATTENDED, cap("5", origin=Origin.ENVIRONMENT), True),
        (UNATTENDED, cap("5", CapKind.PER_MONTH, Origin.USER_FILE), True),
        (UNATTENDED, cap("5", origin=Origin.MANIFEST), False),
        (UNATTENDED, cap("5", CapKind.PER_NODE), False),  # of any number of pictures
        (CI, cap("5"), True),
        (CI, cap("5", origin=Origin.ENVIRONMENT), True),
        (CI, cap("5", origin=Origin.USER_FILE), False),
        (CI, cap("5", origin=Origin.MANIFEST), False),
        (replace(CI, lasts=True), cap("5", CapKind.PER_DAY), True),
        (replace(CI, lasts=True), cap("5", CapKind.PER_DAY, Origin.USER_FILE), False),
        (replace(CI, interactive=True), cap("5", origin=Origin.USER_FILE), False),  # a terminal that nobody watches
    ],
)
def test_unattended_spending_needs_a_cap_that_was_granted(
    plan: Plan, where: Surroundings, one: Cap, grants: bool
) -> None:
    with pytest.raises(ConsentError, match=r"no terminal to ask for a yes|nobody is asked in CI"):
        consent_needed(plan, limits(one), where, yes=False)
    if grants:
        assert not consent_needed(plan, limits(one), where, yes=True)
        return
    with pytest.raises(ConsentError, match=r"needs a cap in USD"):
        consent_needed(plan, limits(one), where, yes=True)


@pytest.mark.parametrize("origin", list(Origin))
@pytest.mark.parametrize("kind", [CapKind.PER_DAY, CapKind.PER_MONTH, CapKind.PROJECT])
def test_where_the_journal_is_forgotten_a_cap_on_a_period_is_refused(plan: Plan, kind: CapKind, origin: Origin) -> None:
    both = limits(cap("5"), cap("60", kind, origin))
    with pytest.raises(CapError, match="can't hold here"):
        consent_needed(plan, both, CI, yes=True)
    assert not consent_needed(plan, both, replace(CI, lasts=True), yes=True)
