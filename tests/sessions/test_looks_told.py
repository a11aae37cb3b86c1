"""What is said of the looks of a picture: each trouble and each request by the name of the look that it is about."""

import json
import re

from tests.sessions.conftest import Account, manifest
from tests.sessions.test_choices import BUY
from tests.sessions.test_looks import LAMPS, NIGHT, VARS, node, shop
from tests.support.relay import Gateway
from tests.support.workspace import Workspace

__all__ = ["shop"]
EVENTS = ("node_started", "request_sent", "request_ended", "take_kept", "node_done", "node_failed")


def sentences(workspace: Workspace, address: str = "hero", *flags: str) -> list[str]:
    return [reason["sentence"] for reason in node(workspace, address, *flags)["reasons"]]


def test_a_refusal_says_which_look_it_is_of(workspace: Workspace, account: Account) -> None:
    workspace.write("seedpipe.yaml", LAMPS)
    account.faults({"do": "moderate-input", "match": "dim moon"})
    assert workspace.run("build").code == 5
    (refused,) = node(workspace, "hero")["reasons"]
    assert (refused["code"], refused["look"]) == ("refused-before", "night")
    assert refused["sentence"].startswith("look night: InputTextSensitiveContentDetected: ")
    assert "look night: InputTextSensitiveContentDetected" in workspace.run("plan").out
    assert "is new" not in workspace.run("plan").out, "it was sent, and refused"


def test_what_is_uncertain_is_told_of_its_look_and_then_what_a_person_said(
    workspace: Workspace, account: Account
) -> None:
    workspace.write("seedpipe.yaml", LAMPS)
    account.faults({"do": "drop-after-billing", "match": "dim moon"})
    assert workspace.run("build").code == 75
    account.faults()
    (told,) = sentences(workspace)
    assert told.startswith("look night: sent ")
    assert workspace.run("resolve", "hero", "--not-paid").code == 0
    (told,) = sentences(workspace)
    assert told.startswith("look night: again: the last one was not charged, says ")
    assert workspace.run("build").code == 0
    assert account.prompts.count(NIGHT) == 2


def test_all_that_is_uncertain_of_a_picture_is_in_its_sum(workspace: Workspace, account: Account) -> None:
    """Of several takes and looks one request after the other may be held; a plan never says less than they come to."""
    looks = ["  takes: 2", "  looks:", "    plain: {}", "    night: {light: dim moon}"]
    workspace.write("seedpipe.yaml", manifest("hero:", "  prompt: A lamp, {{ light }} light", *looks, head=VARS))
    account.faults({"do": "drop-after-billing", "match": "dim moon"})
    assert workspace.run("build").code == 75
    (told,) = node(workspace, "hero")["reasons"]
    assert (told["requests"], told["cost"], told["look"]) == (2, "0.06 USD", "night")
    assert "2 requests, the first sent " in told["sentence"]
    assert "they may have cost 0.06 USD" in told["sentence"]
    account.faults({"do": "drop-after-billing", "match": "board"})
    workspace.write("seedpipe.yaml", manifest("hero:", "  prompt: A board, {{ light }} light", *looks, head=VARS))
    assert workspace.run("build").code == 75
    (told,) = node(workspace, "hero")["reasons"]
    assert (told["requests"], told["cost"], told.get("look")) == (4, "0.12 USD", None)


def test_a_look_that_is_gone_is_the_reason_why_its_picture_is_replaced(shop: Workspace, live: Gateway) -> None:
    assert shop.run("pick", "hero", "copper").code == 0
    shop.run(*BUY)
    shop.edit("seedpipe.yaml", "      copper: {metal: copper}\n", "")
    assert sentences(shop)[:2] == ["replaces an approved picture", "its look copper is gone from the manifest"]
    shop.write("seedpipe.yaml", LAMPS.replace("copper:", "red:"))
    assert sentences(shop) == [], "a renamed look is not gone"
    shop.write("seedpipe.yaml", LAMPS.replace("copper: {metal: copper}", "red: {metal: tin}"))
    assert sentences(shop)[:2] == ["replaces an approved picture", "its look copper is gone from the manifest"]


def test_a_renamed_look_is_not_gone_when_what_it_is_made_from_changes(workspace: Workspace, account: Account) -> None:
    workspace.write(
        "seedpipe.yaml",
        manifest(
            "lamp: {prompt: A lamp}",
            "hero:",
            "  prompt: '{{ refs.lamp }} in {{ light }} light'",
            "  references: {lamp: lamp}",
            "  looks: {plain: {}, night: {light: dim}}",
            head=VARS,
        ),
    )
    assert workspace.run("build").code == 0
    workspace.edit("seedpipe.yaml", "plain: {}", "day: {}")
    workspace.edit("seedpipe.yaml", "A lamp}", "A tall lamp}")
    assert "gone" not in " ".join(sentences(workspace))


def test_a_look_that_waits_is_told_apart_from_the_picture(workspace: Workspace, account: Account) -> None:
    workspace.write(
        "seedpipe.yaml",
        manifest(
            "ana: {prompt: Ana}",
            "bo: {prompt: Bo, gate: approve}",
            "chair:",
            "  prompt: '{{ refs.who }} sits'",
            "  references: {who: '{{ who }}'}",
            "  looks: {ana: {}, bo: {who: bo}}",
            head="vars: {who: ana}\n",
        ),
    )
    told = sentences(workspace, "chair")
    assert told == ["ana is new", "look bo: bo is to be made, then approved", "look bo: bo is new"]
    assert workspace.run("build").code == 0
    assert sentences(workspace, "chair") == ["look bo: bo is not approved yet"]
    assert "`seedpipe approve bo`" in workspace.run("plan").out


def test_every_event_of_a_look_names_it(workspace: Workspace, account: Account) -> None:
    workspace.write("seedpipe.yaml", LAMPS)
    account.faults({"do": "moderate-input", "match": "dim moon"})
    ran = workspace.run("build", "--events", "events.jsonl")
    assert ran.code == 5
    events = [json.loads(line) for line in (workspace.folder / "events.jsonl").read_text().splitlines()]
    told = {
        name: sorted(one["look"] for one in events if one["event"] == name and one["address"] == "hero")
        for name in EVENTS
    }
    looks = ["copper", "night", "plain"]
    assert told == {
        "node_started": looks,
        "request_sent": looks,
        "request_ended": looks,
        "take_kept": ["copper", "plain"],
        "node_done": ["plain"],
        "node_failed": ["night"],
    }
    sent = {one["request"]: one["look"] for one in events if one["event"] == "request_sent"}
    assert all(sent[one["request"]] == one["look"] for one in events if one["event"] in ("request_ended", "take_kept"))
    assert all(one["look"] is None for one in events if one.get("address") == "card" and "look" in one)
    assert re.search(r"✓ hero  \d+x\d+  2 looks", ran.err)
    assert re.findall(r"\[\d/\d\]", ran.err)[-1] == "[3/3]", "a picture that came, and lacks a look, is one picture"
