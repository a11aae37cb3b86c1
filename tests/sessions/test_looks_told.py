"""What is said of the looks of a picture: each trouble and each request by the name of the look that it is about."""

import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.sessions.conftest import Account, manifest
from tests.sessions.test_choices import BUY, lock
from tests.sessions.test_looks import CARD, COPPER, LAMPS, NIGHT, PLAIN, VARS, node, shop
from tests.support.relay import Gateway
from tests.support.repository import Repository
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
    assert sentences(shop) == ["its look copper is called red now"], "a renamed look is not gone"
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


def groups(workspace: Workspace, address: str = "hero") -> list[Any]:
    return list(workspace.run("takes", address, "--json").json["nodes"][0]["groups"])


def test_takes_keep_the_name_of_the_look_that_they_were_bought_for(shop: Workspace, live: Gateway) -> None:
    shop.edit("seedpipe.yaml", "night: {light: dim moon}", "night: {light: grey, metal: tin}")
    (earlier,) = (group for group in groups(shop) if not group["current"])
    assert (earlier["bought_as"], earlier["look"]) == ("night", "night"), "though the words of plain are nearer"
    assert "for earlier words of look night" in shop.run("takes", "hero").out
    shop.edit("seedpipe.yaml", "night:", "evening:")
    (earlier,) = (group for group in groups(shop) if not group["current"])
    assert (earlier["bought_as"], earlier["look"]) == ("night", "plain")
    assert "for look night, which is gone; nearest to look plain" in shop.run("takes", "hero").out


def test_another_machine_knows_the_names_of_what_was_once_chosen(tmp_path: Path, live: Gateway) -> None:
    environ = {"SEEDPIPE_BASE_URL": live.base_url, "SEEDPIPE_API_KEY": "key-0123456789"}
    first = Repository(tmp_path / "work", **environ)
    first.write("seedpipe.yaml", LAMPS)
    first.git("init", "-q")
    first.build()
    assert first.run("pick", "hero", "night").code == 0
    first.edit("seedpipe.yaml", "night: {light: dim moon}", "night: {light: dark}")
    first.build()
    first.commit("with its outputs")
    first.git("clone", "-q", str(first.folder), str(tmp_path / "clone"))
    clone = Workspace(tmp_path / "clone", **environ, SEEDPIPE_HOME=str(tmp_path / "elsewhere"))
    earlier = [group.get("bought_as") for group in groups(clone) if not group["current"]]
    assert earlier == ["night"]


def test_a_look_is_listed_with_what_makes_it_another_one(shop: Workspace, live: Gateway) -> None:
    assert shop.run("pick", "hero", "copper").code == 0
    shop.edit("seedpipe.yaml", "night: {light: dim moon}", "night: {light: dark}")
    told = groups(shop)
    assert [(group["look"], group["current"], len(group["takes"])) for group in told] == [
        ("copper", True, 1), ("plain", True, 1), ("night", True, 0), ("night", False, 1),
    ]  # fmt: skip
    assert [[reason["code"] for reason in group.get("beside", ())] for group in told[:3]] == [
        [], ["prompt-changed"], ["prompt-changed"],
    ]  # fmt: skip
    text = shop.run("takes", "hero").out
    assert "A polished [-copper-]{+brass+} lamp, [-soft-]{+dark+} light" in text
    assert "no take: `seedpipe reroll hero --look night` buys one" in text
    ran = shop.run("pick", "hero", "night")
    assert ran.code == 2
    assert "the look `night` of `hero` has no take for what is asked now" in ran.err
    assert "`seedpipe reroll hero --look night` buys one" in ran.err
    ran = shop.run("reroll", "hero", "--look", "night", "--yes", "--max-cost", "1")
    assert ran.code == 0, ran.err
    assert "look night: 1 more take, beside the approved one" in ran.err
    assert "hero stays approved with " in ran.out
    assert "new take of look night 4" in ran.out


def test_the_chosen_look_stands_first_and_by_the_name_that_it_has_now(shop: Workspace, live: Gateway) -> None:
    assert shop.run("pick", "hero", "copper").code == 0
    shop.edit("seedpipe.yaml", "copper:", "red:")
    assert sentences(shop) == ["its look copper is called red now"]
    text = shop.run("takes", "hero").out
    assert "hero · 3 takes · approved by Mika, look red" in text
    assert re.search(r"picked \w+ \(look copper\) by Mika", text)
    assert shop.run(*BUY).code == 0
    assert lock(shop, "hero")["look"] == "red", "by which it is known when its words change"
    assert (sentences(shop), len(live.prompts)) == ([], 5)
    shop.edit("seedpipe.yaml", "{metal: copper}", "{metal: red copper}")
    assert shop.run("keep", "hero").code == 0
    first, *others = groups(shop)
    assert (first["look"], [take["chosen"] for take in first["takes"]]) == ("red", [True])
    assert [group["look"] for group in others] == ["plain", "night"]


def test_takes_of_one_moment_keep_their_numbers_when_looks_are_edited(shop: Workspace, live: Gateway) -> None:
    def numbers() -> dict[str, int]:
        return {take["digest"]: take["number"] for group in groups(shop) for take in group["takes"]}

    with closing(sqlite3.connect(next(shop.folder.parent.rglob("live/journal.sqlite")))) as journal:
        journal.execute("UPDATE arrival SET kept_at = (SELECT min(kept_at) FROM arrival)")
        journal.commit()
    before = numbers()
    for edit in (("copper: {metal: copper}", "copper: {metal: tin}"), ("plain: {}", "plain: {light: dark}")):
        shop.edit("seedpipe.yaml", *edit)
        assert numbers() == before, edit


def test_a_look_is_named_also_where_another_asks_for_the_same(shop: Workspace, live: Gateway) -> None:
    shop.edit("seedpipe.yaml", "plain: {}", "plain: {}\n      brass: {metal: brass}")
    assert "give one of them another value of a var that the picture uses" in shop.run("check").out.replace(
        "\n           ", " "
    )
    assert shop.run("pick", "hero", "night").code == 0
    ran = shop.run("pick", "hero", "brass")
    assert ran.code == 0, ran.err
    assert re.search(r"picked hero: \w+, plain, approved", ran.out)
    ran = shop.run("reroll", "hero", "--look", "brass", "--yes", "--max-cost", "1")
    assert (ran.code, live.prompts[-1]) == (0, PLAIN), ran.err
    shop.edit("seedpipe.yaml", "night: {light: dim moon}", "night: {light: dim moon}\n      tin: {metal: tin}")
    assert "the look `tin` of `hero` has no take yet" in shop.run("pick", "hero", "tin").err
    assert shop.run("reroll", "hero", "--look", "xyzzy", "--yes").err.count("`brass`") == 1


def test_a_number_that_is_the_name_of_a_look_too_is_asked_back(shop: Workspace, live: Gateway) -> None:
    first = next(take for group in groups(shop) for take in group["takes"] if take["number"] == 1)
    other = next(name for name in ("copper", "night") if first.get("look") != name)
    shop.edit("seedpipe.yaml", f"{other}:", '"1":')
    ran = shop.run("pick", "hero", "1")
    assert ran.code == 2
    assert "`1` is the name of a look of `hero`, and means the take 1 as well" in ran.err
    assert shop.run("pick", "hero", first["digest"][7:15]).code == 0


def test_a_look_that_was_renamed_is_the_saved_plans_own(workspace: Workspace, account: Account) -> None:
    workspace.write("seedpipe.yaml", LAMPS)
    assert workspace.run("plan", "--proof", "-o", "p.json").code == 0
    workspace.edit("seedpipe.yaml", "plain: {}", "day: {}")
    workspace.edit("seedpipe.yaml", "copper: {metal: copper}", "plain: {metal: copper}")
    ran = workspace.run("build", "--plan", "p.json")
    assert ran.code == 0, ran.err
    assert sorted(account.prompts) == sorted([PLAIN, COPPER, NIGHT, CARD])
    workspace.edit("seedpipe.yaml", "plain: {metal: copper}", "plain: {metal: tin}")
    ran = workspace.run("build", "--plan", "p.json")
    assert (ran.code, len(account.prompts)) == (3, 4), "nobody has said yes to this"


def test_a_profiles_decision_names_commands_of_that_profile(workspace: Workspace, account: Account) -> None:
    profile = "profiles: {draft: {force: {size: 1K}}}\n"
    workspace.write("seedpipe.yaml", LAMPS.replace(VARS, VARS + profile))
    assert workspace.run("build", "--profile", "draft").code == 0
    ran = workspace.run("pick", "hero", "copper", "--profile", "draft", "--proof")
    assert "`seedpipe build hero+ --profile draft --proof` draws what follows" in ran.out.replace("\n    ", " ")


def test_two_who_picked_other_looks_are_told_which(tmp_path: Path, live: Gateway) -> None:
    repository = Repository(tmp_path / "work", SEEDPIPE_BASE_URL=live.base_url, SEEDPIPE_API_KEY="key-0123456789")
    repository.write("seedpipe.yaml", LAMPS)
    repository.write(".gitignore", "build/\n.seedpipe/\n")
    repository.git("init", "-q")
    repository.build()
    repository.commit("first")
    repository.git("branch", "other")
    for branch, look in (("main", "copper"), ("other", "night")):
        repository.git("checkout", "-q", branch)
        assert repository.run("pick", "hero", look).code == 0
        repository.commit(look)
    repository.git("merge", "-q", "main", fails=True)
    told = repository.run("lock", "merge").out.replace("\n    ", " ")
    assert re.search(r"ours \w+ \(look night, approved\), theirs \w+ \(look copper, approved\)", told)


def test_at_a_gate_a_person_is_asked_to_pick_a_look(workspace: Workspace, account: Account) -> None:
    workspace.write("seedpipe.yaml", LAMPS.replace("  looks:", "  gate: approve\n    looks:"))
    assert workspace.run("build").code == 0
    assert "look at its 3 looks, then `seedpipe pick hero LOOK`" in workspace.run("plan").out.replace(
        "\n" + " " * 25, " "
    )
    assert workspace.run("pick", "hero", "night").code == 0
    assert workspace.plan()["card"] == "make"


def test_explain_says_what_is_otherwise_in_a_look_and_why_it_does_not_come(
    workspace: Workspace, account: Account
) -> None:
    workspace.write(
        "seedpipe.yaml",
        manifest(
            "ana: {prompt: Ana}",
            "bo: {prompt: Bo, gate: approve}",
            "chair:",
            "  model: '{{ made_by }}'",
            "  prompt: '{{ refs.who }} sits'",
            "  references: {who: '{{ who }}'}",
            "  looks: {ana: {}, bo: {who: bo}, other: {made_by: seedream-4-5}}",
            head="vars: {who: ana, made_by: seedream-4-0}\n",
        ).replace("size: 1K", "size: 2K"),
    )
    assert workspace.run("build").code == 0
    text = workspace.run("explain", "chair").out
    assert re.search(r"bo +waits\n +made from: ana → bo\n", text), text
    assert re.search(r"other +1 take\n +model: seedream-4-0-250828 → seedream-4-5-251128\n", text), text


def test_what_is_uncertain_is_asked_about_by_its_look(workspace: Workspace, account: Account) -> None:
    workspace.write("seedpipe.yaml", LAMPS)
    account.faults({"do": "drop-after-billing", "match": "dim moon"})
    assert workspace.run("build").code == 75
    ran = workspace.run("resolve")
    assert re.search(r"  look +night\n", ran.out)
    assert workspace.run("resolve", "--json").json["held"][0]["look"] == "night"


def test_what_is_so_of_several_looks_is_said_once(workspace: Workspace, account: Account) -> None:
    workspace.write("seedpipe.yaml", LAMPS)
    faults = [{"do": "moderate-input", "match": word} for word in ("copper lamp", "dim moon", "brass lamp, soft")]
    account.faults(*faults)
    assert workspace.run("build").code == 5
    text = " ".join(workspace.run("plan").out.split())
    assert text.count("InputTextSensitiveContentDetected") == 1
    assert "blocked hero InputText" in text, "in every look"
    account.faults(*faults[:2])
    assert workspace.run("build", "--retry-blocked").code == 5
    text = " ".join(workspace.run("plan").out.split())
    assert text.count("InputTextSensitiveContentDetected") == 1
    assert "look copper, night: InputText" in text


def test_a_build_says_what_there_is_to_choose_among(workspace: Workspace, account: Account) -> None:
    workspace.write("seedpipe.yaml", LAMPS)
    told = " ".join(workspace.run("build").err.split())
    assert "to choose among: hero → `seedpipe takes hero` lists them; with `--format html` it is a page" in told
    assert "to choose among" not in workspace.run("build").err


def test_explain_knows_when_a_kept_picture_was_bought(shop: Workspace, live: Gateway) -> None:
    assert shop.run("pick", "hero", "copper").code == 0
    shop.edit("seedpipe.yaml", "metal: copper", "metal: red copper")
    assert shop.run("keep", "hero").code == 0
    assert re.search(
        r"takes +\w{12} +1024x1024 +\d{4}-\d\d-\d\d \d\d:\d\d +0.03 USD +chosen", shop.run("explain", "hero").out
    )


def test_an_earlier_take_of_a_look_is_picked_as_that_look(shop: Workspace, live: Gateway) -> None:
    """Else a later edit of another look's words would take it away, and its own look would be bought beside it."""
    shop.edit("seedpipe.yaml", "night: {light: dim moon}", "night: {light: dark}")
    (earlier,) = (take for group in groups(shop) for take in group["takes"] if not group["current"])
    assert earlier["bought_as"] == "night"
    ran = shop.run("pick", "hero", "night")
    assert ran.code == 2
    told = " ".join(ran.err.split())
    assert f"has no take for what is asked now, only earlier ones: {earlier['number']} (" in told
    assert f"`seedpipe pick hero {earlier['number']}` chooses it all the same" in told
    ran = shop.run("pick", "hero", str(earlier["number"]))
    assert ran.code == 0, ran.err
    assert "stands for those of look night now" in " ".join(ran.out.split())
    assert (lock(shop, "hero")["look"], shop.plan()["hero"]) == ("night", "cached")
    shop.edit("seedpipe.yaml", "plain: {}", "plain: {light: grey}")
    assert shop.plan()["hero"] == "cached", "what another look asks is no matter of it"
    assert shop.run("undo").code == 0
    assert lock(shop, "hero")["look"] == "plain"


def test_long_names_of_looks_keep_to_the_width(workspace: Workspace, account: Account) -> None:
    long = "a-look-with-a-name-that-goes-on-and-on-until-nothing-else-has-any-room-left-in-the-line"
    workspace.write(
        "seedpipe.yaml", LAMPS.replace("    copper:", f"    {long}:").replace("  looks:", "  takes: 2\n    looks:")
    )
    account.faults({"do": "moderate-output", "match": "dim moon"})
    ran = workspace.run("build")
    assert ran.code == 5
    assert "1 blocked  hero  (" in ran.err, "one picture, whatever number of its takes did not come"
    for verb in ("plan", "takes", "explain"):
        out = workspace.run(verb, *(() if verb == "plan" else ("hero",))).out
        assert verb == "plan" or long[:40] in out
        assert max(map(len, out.splitlines())) <= 80, verb
