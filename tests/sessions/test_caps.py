"""Caps as sessions: from flags, environment, the user's file and the manifest; over runs, days and projects."""

import os
from pathlib import Path

import pytest

from tests.sessions.conftest import Account, manifest
from tests.support.relay import Gateway
from tests.support.workspace import Ran, Workspace

KEY = "a-key-for-the-gateway-0123456"
LAMPS = "lamp: {matrix: {n: [a, b, c, d]}, prompt: 'Lamp {{ n }}'}"
BUY = ("build", "--yes", "--max-cost", "1")


@pytest.fixture
def lamps(tmp_path: Path, live: Gateway) -> Workspace:
    """Four pictures at 0.03 USD each, bought live as far as anyone can tell."""
    work = Workspace(tmp_path / "work", SEEDPIPE_BASE_URL=live.base_url, SEEDPIPE_API_KEY=KEY)
    work.write("seedpipe.yaml", manifest(LAMPS))
    return work


def said(ran: Ran) -> str:
    return " ".join((ran.out + ran.err).split())


def budget(work: Workspace, text: str) -> None:
    work.edit("seedpipe.yaml", "images:\n", f"budget: {text}\nimages:\n")


def config(text: str) -> None:
    path = Path(os.environ["HOME"]) / ".config/seedpipe/config.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    ("flags", "environ", "words"),
    [
        (("--max-cost", "0.11"), {}, "the cap per build is 0.11 USD (--max-cost)"),
        (("--max-cost", "5"), {"SEEDPIPE_MAX_COST": "0.11"}, "the cap per build is 0.11 USD (SEEDPIPE_MAX_COST)"),
        (("--max-cost", "5", "--max-per-node", "0.02"), {}, "the cap per picture is 0.02 USD (--max-per-node)"),
        (("--max-cost", "5"), {"SEEDPIPE_MAX_PER_NODE": "0.02"}, "per picture is 0.02 USD (SEEDPIPE_MAX_PER_NODE)"),
        (("--max-per-day", "0.11"), {}, "the cap per day over all your projects is 0.11 USD (--max-per-day)"),
        (("--max-per-month", "0.11"), {}, "the cap per month over all your projects is 0.11 USD (--max-per-month)"),
        (("--max-project", "0.11"), {}, "the cap for the project is 0.11 USD (--max-project)"),
        (("--max-cost", "5"), {"SEEDPIPE_MAX_PROJECT": "0.11"}, "for the project is 0.11 USD (SEEDPIPE_MAX_PROJECT)"),
    ],
)
def test_the_tightest_wins_and_what_can_not_fit_is_refused_at_once(
    lamps: Workspace, live: Gateway, flags: tuple[str, ...], environ: dict[str, str], words: str
) -> None:
    ran = lamps.run("build", "--yes", *flags, **environ)
    assert ran.code == 4
    assert words in said(ran)
    assert live.prompts == []


def test_what_does_not_fit_ends_capped_while_others_go_on(lamps: Workspace, live: Gateway) -> None:
    """What a chain brings is not sure, so the plan's low is less than its high: it begins, and the cap holds."""
    lamps.write(
        "seedpipe.yaml",
        manifest(
            "mood: {prompt: 'Generate 4 separate images of lamps', sequence: {max_images: 4}}",
            "chair: {prompt: A chair}",
        ),
    )
    ran = lamps.run("build", "--yes", "--max-cost", "0.10", "--json")
    assert ran.code == 4
    assert "would pass the cap per build of 0.10 USD (--max-cost)" in said(ran)
    assert ran.json["result"]["bought"] == 1
    assert live.prompts == ["A chair"], "four frames reserve 0.12 at once"
    assert lamps.run("build", "--yes", "--max-cost", "0.12").code == 0


def test_a_budget_of_the_manifest_is_over_its_project_and_can_only_tighten(
    lamps: Workspace, live: Gateway, tmp_path: Path
) -> None:
    budget(lamps, "{per_month: 0.20 USD, project: 10 USD}")
    config("budget: {per_month: 60 USD}\n")
    assert lamps.run(*BUY, "lamp/a", "lamp/b").code == 0
    assert "this month 0.06 of 0.20" in said(lamps.run("plan"))
    assert "the project 0.06 of 10.00" in said(lamps.run("plan"))
    lamps.edit("seedpipe.yaml", "[a, b, c, d]", "[a, b, c, d, e, f, g]")
    ran = lamps.run(*BUY)
    assert ran.code == 4
    assert "the plan costs at least 0.15 USD and 0.06 USD are used; the cap per month is 0.20 USD" in said(ran)
    assert lamps.run(*BUY, "--max-per-month", "60").code == 4, "no flag loosens it"
    other = Workspace(tmp_path / "other", **{name: lamps.environ[name] for name in lamps.environ})
    other.write("seedpipe.yaml", manifest("chair: {prompt: A chair}").replace("project: lamps", "project: chairs"))
    budget(other, "{per_month: 0.05 USD}")
    assert other.run(*BUY).code == 0, "what the lamps cost is not the chairs' budget"


def test_a_month_of_yours_is_over_all_your_projects(lamps: Workspace, live: Gateway, tmp_path: Path) -> None:
    config("budget:\n  per_month: [0.14 USD, 100 CNY]\n")
    assert lamps.run("build", "--yes").code == 0
    other = Workspace(tmp_path / "other", **{name: lamps.environ[name] for name in lamps.environ})
    other.write("seedpipe.yaml", manifest("chair: {prompt: A chair}").replace("project: lamps", "project: chairs"))
    assert "this month in all projects 0.12 of 0.14" in said(other.run("plan"))
    assert "this month in all projects 0.12 USD of 0.14 USD" in said(other.run("status"))
    ran = other.run("build", "--yes")
    assert ran.code == 4
    assert "0.12 USD are used; the cap per month over all your projects is 0.14 USD" in said(ran)
    assert "config.yaml:2" in said(ran)
    assert "A chair" not in live.prompts
    journal = Path(os.environ["SEEDPIPE_HOME"]) / "projects/lamps/live/journal.sqlite"
    journal.write_bytes(b"garbage" * 1000)
    refused = other.run("build", "--yes")
    assert refused.code == 1
    assert "what `lamps` has spent is not known" in said(refused)
    looked = other.run("plan")
    assert looked.code == 0
    assert "what `lamps` has spent is not known" in said(looked)


def test_an_uncertain_charge_keeps_its_place_until_it_is_resolved(
    lamps: Workspace, live: Gateway, account: Account
) -> None:
    account.faults({"do": "bad-gateway", "match": "Lamp a"})
    assert lamps.run("build", "--yes", "--max-cost", "1", "lamp/a", "lamp/b").code == 75
    account.faults()
    capped = lamps.run("build", "--yes", "--max-project", "0.11", "lamp/c", "lamp/d")
    assert capped.code == 4
    assert "0.06 USD are used" in said(capped)
    assert lamps.run("resolve", "lamp/a", "--not-paid").code == 0
    assert lamps.run("build", "--yes", "--max-project", "0.11", "lamp/c", "lamp/d").code == 0
    assert "0.09 USD in all" in said(lamps.run("status"))


def test_in_ci_a_cap_comes_with_the_job_and_a_period_needs_a_journal_that_lasts(
    lamps: Workspace, live: Gateway, tmp_path: Path
) -> None:
    lamps.environ.pop("SEEDPIPE_HOME")
    config("budget: {per_build: 5 USD}\n")
    refused = lamps.run("build", "--yes", CI="true")
    assert refused.code == 4
    assert "it must come from a flag or the environment" in said(refused)
    forgetful = lamps.run("build", "--yes", CI="true", SEEDPIPE_MAX_PER_MONTH="5")
    assert forgetful.code == 4
    assert "the cap per month over all your projects of 5.00 USD (SEEDPIPE_MAX_PER_MONTH) can't hold here" in said(
        forgetful
    )
    assert "name it in `SEEDPIPE_HOME`" in said(forgetful)
    budget(lamps, "{per_day: 5 USD}")
    assert "the cap per day of 5.00 USD (budget in seedpipe.yaml) can't hold here" in said(lamps.run(*BUY, CI="true"))
    assert live.prompts == []
    kept = str(tmp_path / "kept")
    assert lamps.run("build", "--yes", "lamp/a", CI="true", SEEDPIPE_MAX_PER_MONTH="5", SEEDPIPE_HOME=kept).code == 0
    assert live.prompts == ["Lamp a"]


def test_a_cap_that_binds_nothing_is_no_silent_comfort(lamps: Workspace, live: Gateway) -> None:
    ran = lamps.run("build", "--yes", "--max-cost", "5 EUR")
    assert ran.code == 4
    assert "warning: `--max-cost` of 5.00 EUR binds nothing: prices are in USD" in said(ran)
    one = lamps.run("build", "--yes", "--max-per-node", "1")
    assert one.code == 4
    assert "`--max-per-node` is for one picture and bounds no sum" in said(one)
    asked = lamps.run("build", CI="true")
    assert "nobody is asked in CI (the variable `CI`)" in said(asked) and "no terminal" not in said(asked)
    assert live.prompts == []
    both = lamps.run("build", "--yes", "--max-cost", "5 EUR", "--max-cost", "1", "lamp/a")
    assert both.code == 0 and "binds nothing" not in said(both)


def test_a_budget_of_another_currency_than_the_prices_is_told_of_by_plan_and_build(lamps: Workspace) -> None:
    budget(lamps, "{per_build: 5 USD, per_month: 40 EUR}")
    told = "`budget in seedpipe.yaml` of 40.00 EUR per month binds nothing: prices are in USD"
    assert told in said(lamps.run("plan")).replace("\n  ", " ")
    config("budget: {per_month: [9 USD, 9 CNY]}\n")
    plan = said(lamps.run("plan"))
    assert plan.count("binds nothing") == 1, "of the user's two one binds; the manifest's own does not, all the same"
    assert f"warning: {told}" in said(lamps.run(*BUY))


def test_a_plan_says_that_it_does_not_fit_into_the_day(lamps: Workspace) -> None:
    plan = lamps.run("plan", SEEDPIPE_MAX_PER_DAY="0.10")
    assert "today in all projects 0.00 of 0.10, 0.02 over" in said(plan)


def test_a_proof_needs_no_cap_and_counts_for_none(lamps: Workspace) -> None:
    budget(lamps, "{per_build: 0.01 USD, per_month: 0.01 USD, per_node: 0.01 USD}")
    assert lamps.run("build", "--proof", CI="true").code == 0
    assert lamps.run("build", "--yes", "--max-cost", "1").code == 4
