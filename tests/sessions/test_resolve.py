"""Uncertain charges: what is held, what a person sees of it, the word for it, and what comes of the word."""

from typing import Any

import pytest

from tests.sessions.conftest import Account, manifest
from tests.sessions.test_sequences import board
from tests.support.pty import terminal
from tests.support.workspace import Ran, Workspace

LAMPS = manifest("hero: {prompt: A brass lamp}", "chair: {prompt: A chair}")
LOST = {"do": "bad-gateway", "match": "lamp"}


def said(text: str) -> str:
    return " ".join(text.split())


def node(workspace: Workspace, address: str) -> dict[str, Any]:
    nodes = workspace.run("plan", "--json").json["nodes"]
    return next(one for one in nodes if one["address"] == address)


def bought(ran: Ran) -> tuple[int, int]:
    return ran.code, ran.json["result"]["bought"]


@pytest.fixture
def uncertain(workspace: Workspace, account: Account) -> Workspace:
    """The lamp was sent, and a gateway's web page came back."""
    workspace.write("seedpipe.yaml", LAMPS)
    account.faults(LOST)
    assert workspace.run("build").code == 75
    account.faults()
    return workspace


def test_the_facts_are_shown_everywhere_until_a_person_decides(uncertain: Workspace, account: Account) -> None:
    held = uncertain.run("resolve")
    assert held.code == 75
    words = said(held.out)
    assert "why HTTP 502 with a web page in place of an answer" in words
    assert "may have cost 0.03 USD" in words
    assert "1 picture of seedream-4-0-250828" in words
    facts = uncertain.run("resolve", "hero", "--json")
    assert facts.code == 75
    (one,) = facts.json["held"]
    assert (one["addresses"], one["possible"], one["state"]) == (["hero"], "0.03 USD", "unknown")
    assert one["client_request_id"] in words and one["request"] in words
    planned = node(uncertain, "hero")
    assert planned["state"] == "unknown"
    assert planned["reasons"][0]["client_request_id"] == one["client_request_id"]
    assert "it may have cost 0.03 USD" in said(uncertain.run("plan").out)
    assert "it may have cost 0.03 USD" in said(uncertain.run("explain", "hero").out)
    status = uncertain.run("status", "--json").json
    assert [(charge["address"], charge["cost"]) for charge in status["uncertain"]] == [("hero", "0.03 USD")]
    assert status["uncertain"][0]["client_request_id"] == one["client_request_id"]
    assert uncertain.run("plan", "--exit-code").code == 75
    assert uncertain.run("resolve", "chair").code == 0, "of the chair nothing is uncertain"
    assert len(account.requests) == 2


def test_not_paid_frees_the_money_and_the_picture_is_offered_again_with_its_price(
    uncertain: Workspace, account: Account
) -> None:
    word = uncertain.run("resolve", "hero", "--not-paid", "-m", "not in the provider's log")
    assert word.code == 0, word.err
    assert "hero: not charged, says" in said(word.out)
    assert "hero is `make` in the plan, 0.03 USD at most" in said(word.out)
    planned = node(uncertain, "hero")
    assert (planned["state"], planned["cost"]["high"]) == ("make", "0.03 USD")
    reason = planned["reasons"][0]
    assert (reason["code"], reason["paid"], reason["note"]) == ("person-said", False, "not in the provider's log")
    assert "again: the last one was not charged, says" in said(uncertain.run("plan").out)
    assert uncertain.run("status", "--json").json["uncertain"] == []
    assert uncertain.run("resolve").out == "no charge is uncertain\n"
    assert bought(uncertain.run("build", "--json")) == (0, 1)
    assert account.prompts.count("A brass lamp") == 2
    assert set(uncertain.plan().values()) == {"cached"}


def test_paid_lets_the_charge_stand_and_the_picture_be_bought_again(uncertain: Workspace, account: Account) -> None:
    word = uncertain.run("resolve", "hero", "--paid", "--json").json
    (resolved,) = word["resolved"]
    assert (resolved["word"], resolved["charge"], resolved["states"]) == ("paid", "0.03 USD", {"hero": "make"})
    assert word["uncertain"] == 0
    planned = node(uncertain, "hero")
    assert planned["cost"]["high"] == "0.03 USD"
    assert "again: 0.03 USD was charged for nothing, says" in planned["reasons"][0]["sentence"]
    assert bought(uncertain.run("build", "--json")) == (0, 1)
    assert account.prompts.count("A brass lamp") == 2


def test_a_word_can_be_changed_and_taken_back(uncertain: Workspace) -> None:
    assert uncertain.run("resolve", "hero", "--not-paid").code == 0
    (first,) = uncertain.run("resolve", "hero", "--undo", "--json").json["resolved"]
    assert (first["word"], first["charge"]) == ("taken back", None)
    assert uncertain.plan()["hero"] == "unknown"
    id_ = first["request"]
    assert uncertain.run("resolve", "--request", id_, "--not-paid").code == 0
    (changed,) = uncertain.run("resolve", "--request", id_[:12], "--paid", "--amount", "0.05 USD", "--json").json[
        "resolved"
    ]
    assert changed["charge"] == "0.05 USD"
    assert uncertain.plan()["hero"] == "make"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--paid",), "of which picture?"),
        (("nothing", "--paid"), "`nothing` names no picture"),
        (("hero", "--not-paid", "--amount", "1 USD"), "`--amount` says what was charged"),
        (("hero", "--paid", "--amount", "much"), "not an amount of money"),
        (("--request", "req-nosuchrequest"), "no request here has the id"),
        (("--request", "req"), "too short"),
        (("hero", "--undo", "--paid"), "say one of them"),
    ],
)
def test_what_can_not_be_meant_changes_nothing(uncertain: Workspace, arguments: tuple[str, ...], words: str) -> None:
    ran = uncertain.run("resolve", *arguments)
    assert ran.code == 2
    assert words in said(ran.err)
    assert uncertain.plan()["hero"] == "unknown"


def test_an_amount_in_another_currency_is_refused(uncertain: Workspace) -> None:
    ran = uncertain.run("resolve", "hero", "--paid", "--amount", "1 EUR")
    assert ran.code == 1
    assert "is in USD, not 1.00 EUR" in said(ran.err)
    assert uncertain.plan()["hero"] == "unknown"


def test_a_picture_that_left_the_manifest_can_still_be_resolved(uncertain: Workspace) -> None:
    uncertain.edit("seedpipe.yaml", "hero:", "lamp:")
    uncertain.edit("seedpipe.yaml", "A brass lamp", "A copper lamp")
    assert uncertain.plan() == {"lamp": "make", "chair": "cached"}
    word = uncertain.run("resolve", "hero", "--not-paid")
    assert word.code == 0
    assert "hero is not in the manifest any more" in said(word.out)


def test_frames_that_a_cut_stream_left_behind(workspace: Workspace, account: Account) -> None:
    board(workspace)
    account.faults({"do": "cut-stream", "match": "Generate 3", "after": 0, "count": 1})
    assert workspace.run("build").code == 75
    account.faults()
    (held,) = workspace.run("resolve", "board#hands", "--json").json["held"]
    assert held["addresses"] == ["board#hands", "board#face"]
    assert (held["kept"], held["certain"], held["possible"]) == (1, "0.04 USD", "0.08 USD")
    assert "1 of 3: 0.04 USD for certain" in said(workspace.run("resolve").out)
    assert workspace.run("resolve", "board#face", "--not-paid").code == 0
    states = workspace.plan()
    assert [states[f"board#{name}"] for name in ("wide", "hands", "face")] == ["cached", "partial", "partial"]
    face = node(workspace, "board#face")
    assert [reason["code"] for reason in face["reasons"]] == ["person-said", "frame-missing"]
    assert face["cost"]["high"] == "0.04 USD"
    assert workspace.run("build").code == 0
    assert set(workspace.plan().values()) == {"cached"}


def test_a_charge_for_a_batch_is_told_by_its_frames_and_adds_up(workspace: Workspace, account: Account) -> None:
    board(workspace)
    account.faults({"do": "bad-gateway", "match": "Generate 3"})
    assert workspace.run("build").code == 75
    assert "it may have cost 0.04 USD each" in said(workspace.run("plan").out)
    assert workspace.run("resolve", "board", "--paid", "--amount", "0.06 USD").code == 0
    costs = [node(workspace, f"board#{name}")["reasons"][0]["cost"] for name in ("wide", "hands", "face")]
    assert costs == ["0.02 USD"] * 3


def test_an_address_that_had_ended_when_it_came_is_not_said_to_live(workspace: Workspace, account: Account) -> None:
    workspace.write("seedpipe.yaml", LAMPS)
    account.faults({"do": "expired-url", "match": "lamp"})
    assert workspace.run("build").code == 75
    (held,) = workspace.run("resolve", "--json").json["held"]
    assert held["fetched_for_nothing_until"] is None
    assert "its address" not in workspace.run("resolve").out.replace("its address is gone or over", "")
    assert workspace.plan()["hero"] == "unknown"


def test_a_picture_whose_address_is_gone_is_charged_for_certain(workspace: Workspace, account: Account) -> None:
    """It is tried again, for nothing, as long as its address could live; then a person says what was lost."""
    workspace.write("seedpipe.yaml", LAMPS)
    account.faults({"do": "gone", "match": "lamp"})
    first = workspace.run("build")
    assert first.code == 75
    assert "it was made and charged, but could not be kept" in said(first.err)
    (held,) = workspace.run("resolve", "--json").json["held"]
    assert held["possible"] == "0.03 USD"
    assert held["fetched_for_nothing_until"] is not None
    told = said(workspace.run("resolve").out)
    assert "`seedpipe build` tries to fetch it for nothing" in told and " cost 0.03 USD" in told
    assert "it cost 0.03 USD" in said(workspace.run("plan").out), "not that it may have"
    second = workspace.run("build", "--json")
    assert bought(second) == (75, 0)
    assert account.prompts.count("A brass lamp") == 1
    assert workspace.run("resolve", "hero", "--paid").code == 0
    assert node(workspace, "hero")["state"] == "make"
    account.faults()
    assert bought(workspace.run("build", "--json")) == (0, 1)


def test_an_address_that_was_out_of_reach_for_a_while_is_fetched_for_nothing(
    workspace: Workspace, account: Account
) -> None:
    """A proxy in between may say 404 today: nothing is bought again, and no word is needed."""
    workspace.write("seedpipe.yaml", LAMPS)
    account.faults({"do": "gone", "match": "lamp", "downloads": 1})
    assert workspace.run("build").code == 75
    assert workspace.plan()["hero"] == "unknown"
    again = workspace.run("build", "--json")
    assert bought(again) == (0, 0), again.err
    assert "`hero`: 1 of 1 paid pictures fetched for nothing" in again.err
    assert workspace.run("resolve").code == 0
    assert (workspace.folder / "build/@proof/hero.jpg").exists()
    assert sum(one["billed_images"] for one in account.requests) == 2


def test_an_amount_beyond_what_was_reserved_is_taken_and_said(uncertain: Workspace) -> None:
    """The bill is right, and a slip of the finger fills a cap."""
    ran = uncertain.run("resolve", "hero", "--paid", "--amount", "3 USD")
    assert ran.code == 0
    assert "no more than 0.03 USD was reserved for it; `--undo` takes the word back" in said(ran.out)


def test_why_a_word_is_about_nothing_is_said(uncertain: Workspace, account: Account) -> None:
    assert "no charge of `chair` is uncertain" in said(uncertain.run("resolve", "chair", "--paid").err)
    assert uncertain.run("resolve", "hero", "--not-paid").code == 0
    again = uncertain.run("resolve", "hero", "--paid")
    assert "nothing was written down" in again.out
    assert "`--request req-" in again.err and "changes what was said" in said(again.err)
    assert "nobody has said anything about a charge of `chair`" in said(uncertain.run("resolve", "chair", "--undo").err)
    account.faults({"do": "garbage", "match": "lamp"})
    assert uncertain.run("build").code == 75
    waits = said(uncertain.run("resolve", "hero", "--paid").err)
    assert "`hero`: charged for certain and at the provider until" in waits
    assert "it is of no known picture format" in waits


def test_a_paid_picture_that_never_comes_right_is_given_up_by_its_request_alone(
    workspace: Workspace, account: Account
) -> None:
    workspace.write("seedpipe.yaml", LAMPS)
    account.faults({"do": "garbage", "match": "lamp"})
    assert workspace.run("build").code == 75
    (held,) = workspace.run("resolve", "--json").json["held"]
    for words in (("hero", "--paid"), ("--request", held["request"], "--not-paid")):
        ran = workspace.run("resolve", *words)
        assert "nothing was written down" in ran.out, "what is paid is not given up by a glob, nor free by a word"
    assert workspace.plan()["hero"] == "fetch"
    account.faults()
    assert workspace.run("resolve", "--request", held["request"], "--paid").code == 0
    assert workspace.plan()["hero"] == "make"
    assert bought(workspace.run("build", "--json")) == (0, 1)
    assert account.prompts.count("A brass lamp") == 2


def test_what_is_sent_again_unasked_says_what_the_last_one_may_have_cost(uncertain: Workspace) -> None:
    assert "again, and 0.03 USD may be paid already" in said(uncertain.run("plan", "--retry-unknown").out)
    assert "new" not in said(uncertain.run("plan", "--retry-unknown", "hero").out)


def test_on_a_terminal_it_shows_the_facts_and_asks(uncertain: Workspace) -> None:
    assert _typed(uncertain, "skip\n")[0] == 75
    assert uncertain.plan()["hero"] == "unknown"
    code, shown = _typed(uncertain, "maybe\nn\n")
    assert code == 0
    assert "`maybe` is no answer: say `yes`, `no` or `skip`" in said(shown)
    assert "was it charged? (yes, no, skip) [skip]:" in said(shown)
    assert shown.index("client id") < shown.index("was it charged?")
    assert uncertain.plan()["hero"] == "make"
    assert _typed(uncertain, "")[0] == 0, "nothing is asked any more"


def _typed(workspace: Workspace, keys: str) -> tuple[int, str]:
    """`seedpipe resolve` on a terminal of its own."""
    with terminal(["resolve"], workspace.folder, workspace.environ) as typed:
        if keys:
            typed.wait_for("[skip]:")
            typed.type(keys.encode())
        return typed.wait(), typed.text
