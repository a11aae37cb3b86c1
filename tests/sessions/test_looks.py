"""Looks of one picture: bought side by side, picked, edited, merged, killed. Each is paid for once."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.sessions.conftest import Account, bought, manifest
from tests.sessions.test_answers import Asker
from tests.sessions.test_choices import BUY, lock
from tests.support.kill import Kill
from tests.support.relay import Gateway
from tests.support.repository import Repository
from tests.support.workspace import Workspace

VARS = "vars: {metal: brass, light: soft, finish: 'polished {{ metal }}'}\n"
LAMPS = manifest(
    "hero:",
    "  prompt: A {{ finish }} lamp, {{ light }} light",
    "  looks:",
    "    plain: {}",
    "    copper: {metal: copper}",
    "    night: {light: dim moon}",
    "card: {prompt: 'A card, {{ refs.hero }}', references: {hero: hero}}",
    "small: {from: hero, steps: [{resize: 64x64}, {convert: png}]}",
    head=VARS,
)
PLAIN, COPPER, NIGHT = (
    f"A polished {metal} lamp, {light} light"
    for metal, light in (("brass", "soft"), ("copper", "soft"), ("brass", "dim moon"))
)
CARD = "A card, image 1"
PROOFS = ".seedpipe/proof/seedpipe.lock"


@pytest.fixture
def shop(workspace: Workspace, live: Gateway) -> Workspace:
    """All looks bought, nothing picked."""
    return bought(workspace, live, LAMPS)


def groups(workspace: Workspace, address: str = "hero") -> list[tuple[str | None, bool, int]]:
    """Of each group of takes: its look, whether it is what is asked now, and how many there are."""
    (node,) = workspace.run("takes", address, "--json").json["nodes"]
    return [(group.get("look"), group["current"], len(group["takes"])) for group in node["groups"]]


def every_take(line: Any) -> set[str]:
    return {line["take"], *line["takes"], *(take for takes in line.get("also", {}).values() for take in takes)}


def node(workspace: Workspace, address: str, *flags: str) -> Any:
    return next(one for one in workspace.run("plan", "--json", *flags).json["nodes"] if one["address"] == address)


def test_all_looks_are_priced_bought_and_listed_and_the_first_is_the_picture(
    workspace: Workspace, live: Gateway
) -> None:
    workspace.environ |= {"SEEDPIPE_BASE_URL": live.base_url}
    workspace.write("seedpipe.yaml", LAMPS)
    planned = node(workspace, "hero")
    assert (planned["look"], planned["pictures"], planned["cost"]["low"], planned["cost"]["high"]) == (
        "plain", 3, "0.09 USD", "0.09 USD",
    )  # fmt: skip
    assert [(look["name"], look["pictures"], look["cost"]["high"]) for look in planned["looks"]] == [
        ("plain", 1, "0.03 USD"), ("copper", 1, "0.03 USD"), ("night", 1, "0.03 USD"),
    ]  # fmt: skip
    text = workspace.run("plan").out
    assert "new · looks copper, night are new" in text
    assert "buys 4 pictures   0.12 USD expected, 0.12 at most" in text
    ran = workspace.run(*BUY, "--json")
    assert (ran.code, ran.json["result"]["bought"]) == (0, 4), ran.err
    assert sorted(live.prompts) == sorted([PLAIN, COPPER, NIGHT, CARD])
    line = lock(workspace, "hero")
    assert (line["look"], line["level"], len(line["takes"]), len(line["also"])) == ("plain", "auto", 1, 2)
    assert groups(workspace) == [("plain", True, 1), ("copper", True, 1), ("night", True, 1)]
    assert workspace.run("plan", "--exit-code").code == 0
    again = workspace.run(*BUY)
    assert (again.code, len(live.prompts)) == (0, 4), "a second build buys nothing"


def test_a_pick_makes_its_look_the_picture_and_what_is_made_from_it_follows(shop: Workspace, live: Gateway) -> None:
    small = (shop.folder / "build/small.png").read_bytes()
    before = lock(shop, "hero")
    ran = shop.run("pick", "hero", "copper", "-m", "warmer")
    assert ran.code == 0, ran.err
    assert re.search(r"picked hero: \w+, copper, approved \(was \w+, plain, auto\)", ran.out)
    assert "1 picture is made from it (card); following it costs 0.03 USD" in ran.out
    after = lock(shop, "hero")
    copper = next(look for look in node(shop, "hero")["looks"] if look["name"] == "copper")
    assert (after["look"], after["level"], after["want"]) == ("copper", "approved", copper["key"])
    assert every_take(after) == every_take(before), "no candidate is lost"
    assert (shop.folder / "build/small.png").read_bytes() != small, "what is free follows at once"
    assert shop.plan() == {"hero": "cached", "card": "make", "small": "cached"}
    assert shop.run(*BUY).code == 0
    assert live.prompts[4:] == [CARD]
    assert shop.run("undo").code == 0
    assert lock(shop, "hero")["look"] == "plain"
    assert shop.plan() == {"hero": "cached", "card": "cached", "small": "cached"}, "made from it before, for nothing"
    assert len(live.prompts) == 5


def test_only_the_look_that_was_edited_is_bought_again(shop: Workspace, live: Gateway) -> None:
    shop.edit("seedpipe.yaml", "light: dim", "light: dark")
    planned = node(shop, "hero")
    assert (planned["state"], planned["pictures"], planned["cost"]["low"]) == ("make", 1, "0.03 USD")
    assert [reason["sentence"] for reason in planned["reasons"]] == ["look night is new"]
    assert shop.plan()["card"] == "cached", "the picture itself stays, so nothing follows"
    assert shop.run(*BUY).code == 0
    assert live.prompts[4:] == ["A polished brass lamp, dark moon light"]
    assert groups(shop) == [("plain", True, 1), ("copper", True, 1), ("night", True, 1), ("night", False, 1)]
    text = shop.run("takes", "hero").out
    assert "for earlier words of look night" in text
    assert "[-dim-]{+dark+}" in text
    shop.edit("seedpipe.yaml", "plain: {}", "plain: {light: grey}")
    planned = node(shop, "hero")
    assert (planned["look"], planned["pictures"]) == ("plain", 1), "still the first one, whose words are others now"
    (changed,) = planned["reasons"]
    assert (changed["sentence"], changed["at"]) == ("prompt: soft → grey", ["seedpipe.yaml:9", "seedpipe.yaml:7"])
    assert shop.plan()["card"] == "follows"
    assert shop.run(*BUY).code == 0
    assert live.prompts[5:] == ["A polished brass lamp, grey light", CARD]
    line = lock(shop, "hero")
    assert (line["look"], len(every_take(line))) == ("plain", 5), "all that was paid stays listed"
    shop.edit("seedpipe.yaml", "      copper: {metal: copper}\n", "")
    assert shop.plan()["hero"] == "cached"
    assert sum(number for _, _, number in groups(shop)) == 5, "a look that is gone keeps its takes"


def test_beside_a_persons_choice_nothing_is_bought(shop: Workspace, live: Gateway) -> None:
    assert shop.run("pick", "hero", "copper").code == 0
    shop.run(*BUY)
    bought = len(live.prompts)
    shop.edit("seedpipe.yaml", "light: dim", "light: dark")
    shop.edit("seedpipe.yaml", "plain: {}", "plain: {light: grey}")
    assert set(shop.plan().values()) == {"cached"}
    assert "no picture" in shop.run("explain", "hero").out
    assert shop.run(*BUY).code == 0
    assert len(live.prompts) == bought
    shop.edit("seedpipe.yaml", "{metal: copper}", "{metal: red copper}")
    planned = node(shop, "hero")
    assert (planned["look"], planned["pictures"]) == ("copper", 3), "it is replaced, so all are candidates again"
    codes = [reason["code"] for reason in planned["reasons"]]
    assert codes == ["replaces-approved", "prompt-changed", "look-missing"]
    assert shop.run(*BUY).code == 0
    assert shop.run("plan", "--exit-code").code == 0
    line = lock(shop, "hero")
    assert (line["look"], line["level"]) == ("copper", "auto")


def test_what_is_free_is_put_right_while_a_look_is_missing(shop: Workspace, live: Gateway) -> None:
    shop.edit("seedpipe.yaml", "light: dim", "light: dark")
    for path in ("build/hero.jpg", "build/small.png"):
        (shop.folder / path).unlink()
    assert shop.run("build", "--frozen").code == 3, "a look would be bought"
    assert (shop.folder / "build/hero.jpg").exists()
    assert (shop.folder / "build/small.png").exists()
    (shop.folder / "build/hero.jpg").write_bytes((shop.folder / "build/card.jpg").read_bytes()[:-2] + b"xx")
    assert shop.plan()["hero"] == "edited"
    ran = shop.run("restore", "hero")
    assert ran.code == 0, ran.err
    assert "the next build" not in ran.out
    assert node(shop, "hero")["writes"] is False
    assert len(live.prompts) == 4


def test_a_look_takes_the_place_of_a_picture_that_was_there_for_nothing(shop: Workspace, live: Gateway) -> None:
    """Renaming, adding and taking away looks costs only what is truly new."""
    assert shop.run("approve", "hero").code == 0
    shop.edit("seedpipe.yaml", "plain: {}", "first: {}")
    planned = node(shop, "hero")
    assert (planned["look"], planned["state"]) == ("first", "cached")
    shop.write("seedpipe.yaml", re.sub(r"  +looks:\n(   +.*\n)+", "", (shop.folder / "seedpipe.yaml").read_text()))
    assert set(shop.plan().values()) == {"cached"}, "without looks it is the plain picture that it was"
    assert "look" not in node(shop, "hero")
    assert len(live.prompts) == 4


def test_more_takes_of_each_look_and_a_reroll_of_one(workspace: Workspace, live: Gateway) -> None:
    workspace.environ |= {"SEEDPIPE_BASE_URL": live.base_url}
    workspace.write("seedpipe.yaml", LAMPS.replace("  looks:", "  takes: 2\n    looks:"))
    assert workspace.run(*BUY, "hero").code == 0
    assert [live.prompts.count(one) for one in (PLAIN, COPPER, NIGHT)] == [2, 2, 2]
    ran = workspace.run("pick", "hero", "night")
    assert ran.code == 2
    assert "`night` means 2 takes of `hero`" in ran.err
    for flags, wrong in ((("hero", "--look", "nigt"), "did you mean `night`?"), (("card", "--look", "a"), "no looks")):
        ran = workspace.run("reroll", *flags, "--yes", "--max-cost", "1")
        assert ran.code == 2
        assert wrong in ran.err
    ran = workspace.run("reroll", "hero", "--look", "night", "--yes", "--max-cost", "1")
    assert ran.code == 0, ran.err
    assert live.prompts[6:] == [NIGHT]
    line = lock(workspace, "hero")
    assert (line["look"], line["level"], len(line["takes"])) == ("night", "auto", 3), (
        "nobody had chosen: it is the choice"
    )
    assert len(every_take(line)) == 7
    assert workspace.run("approve", "hero").code == 0
    assert workspace.run("reroll", "hero", "--look", "copper", "--yes", "--max-cost", "1").code == 0
    assert live.prompts[7:] == [COPPER]
    after = lock(workspace, "hero")
    assert (after["look"], after["level"], after["take"]) == ("night", "approved", line["take"])
    assert len(every_take(after)) == 8, "listed beside the choice"
    assert workspace.run("reroll", "hero", "--yes", "--max-cost", "1").code == 0
    assert live.prompts[8:] == [NIGHT], "without a name, of the look that is chosen"
    assert workspace.plan() == {"hero": "cached", "card": "make", "small": "cached"}


def test_a_look_that_moderation_refuses_hinders_no_other(workspace: Workspace, account: Account) -> None:
    """Also the first one: then the next that came is the picture."""
    workspace.write("seedpipe.yaml", LAMPS)
    account.faults({"do": "moderate-input", "match": "brass lamp, soft"})
    ran = workspace.run("build")
    assert ran.code == 5
    assert "look plain:" in ran.err
    line = lock(workspace, "hero", PROOFS)
    assert (line["look"], len(every_take(line))) == ("copper", 2)
    planned = node(workspace, "hero")
    assert (planned["state"], planned["look"], planned["pictures"]) == ("blocked", "copper", 0)
    assert sorted(account.prompts) == sorted([PLAIN, COPPER, NIGHT, CARD])
    assert workspace.run("build").code == 5
    assert len(account.requests) == 4, "not sent again"
    account.faults()
    workspace.edit("seedpipe.yaml", "plain: {}", "plain: {metal: tin}")
    assert workspace.run("build").code == 0
    assert account.prompts[4:] == ["A polished tin lamp, soft light"]
    assert lock(workspace, "hero", PROOFS)["look"] == "copper", "what was made from it need not be made again"
    assert set(workspace.plan().values()) == {"cached"}


def test_a_picture_refused_in_every_look_is_blocked(workspace: Workspace, account: Account) -> None:
    workspace.write("seedpipe.yaml", LAMPS)
    account.faults({"do": "moderate-input", "match": "lamp"})
    assert workspace.run("build").code == 5
    assert workspace.plan() == {"hero": "blocked", "card": "blocked", "small": "blocked"}
    assert workspace.run("build").code == 5
    assert len(account.requests) == 3
    account.faults()
    assert workspace.run("build", "--retry-blocked").code == 0
    assert lock(workspace, "hero", PROOFS)["look"] == "plain"
    assert set(workspace.plan().values()) == {"cached"}


def test_an_unknown_charge_of_one_look_waits_for_a_person(workspace: Workspace, account: Account) -> None:
    workspace.write("seedpipe.yaml", LAMPS)
    account.faults({"do": "drop-after-billing", "match": "dim"})
    assert workspace.run("build").code == 75
    account.faults()
    assert node(workspace, "hero")["state"] == "unknown"
    assert workspace.run("build").code == 75
    assert account.prompts.count(NIGHT) == 1, "never sent again without a word"
    assert workspace.run("resolve", "hero", "--not-paid").code == 0
    assert workspace.run("build").code == 0
    assert (account.prompts.count(NIGHT), len(account.requests)) == (2, 5)
    assert len(every_take(lock(workspace, "hero", PROOFS))) == 3
    assert set(workspace.plan().values()) == {"cached"}


def test_a_saved_plan_names_each_look(workspace: Workspace, account: Account) -> None:
    workspace.write("seedpipe.yaml", LAMPS)
    assert workspace.run("plan", "--proof", "-o", "p.json").code == 0
    saved = json.loads((workspace.folder / "p.json").read_text())
    hero = next(one for one in saved["nodes"] if one["address"] == "hero")
    assert [look["request"]["prompt"] for look in hero["looks"]] == [PLAIN, COPPER, NIGHT]
    workspace.edit("seedpipe.yaml", "light: dim", "light: dark")
    ran = workspace.run("build", "--plan", "p.json")
    assert ran.code == 3
    assert "hero: look night: prompt: dim → dark" in ran.err
    workspace.edit("seedpipe.yaml", "light: dark moon", "light: dim moon, metal: x}\n      more: {metal: y")
    assert workspace.run("build", "--plan", "p.json").code == 4, "another look is money that nobody said yes to"
    workspace.write("seedpipe.yaml", LAMPS)
    assert account.requests == []
    account.faults({"do": "moderate-input", "match": "soft"})
    assert workspace.run("build", "--plan", "p.json").code == 5
    account.faults()
    assert lock(workspace, "hero", PROOFS)["look"] == "night", "the one that came"
    bought = len(account.requests)
    assert workspace.run("build", "--plan", "p.json").code == 5, "it goes on, and what was refused stays refused"
    assert len(account.requests) == bought
    assert workspace.run("plan", "--retry-blocked", "-o", "again.json").code == 0
    assert workspace.run("build", "--plan", "again.json").code == 0
    assert sorted(account.prompts[bought:]) == [PLAIN, COPPER]
    assert workspace.run("build", "--plan", "again.json").code == 0
    assert set(workspace.plan().values()) == {"cached"}
    assert lock(workspace, "hero", PROOFS)["look"] == "night"


KILLS = (
    Kill(step="sent", nth=2, after=True),
    Kill(step="located", nth=2),
    Kill(step="kept", nth=2, after=True),
    Kill(step="settled", nth=3),
    Kill(step="lock", nth=1),
    Kill(step="lock", nth=2, after=True),
)


@pytest.mark.parametrize("kill", KILLS, ids=str)
def test_killed_and_gone_on_with_nothing_is_paid_twice(
    workspace: Workspace, account: Account, tmp_path: Path, kill: Kill
) -> None:
    workspace.write("seedpipe.yaml", LAMPS)
    assert workspace.run_watched(tmp_path / "log", kill, "build", "-j", "2").code == -9
    said = 0
    while workspace.run("build").code == 75:  # sent, and no answer was seen: a person's word
        said += len(workspace.run("resolve", "hero", "--paid", "--json").json["resolved"])  # one word may be about both
        assert said <= 2, "no more than were under way"
    counts = {prompt: account.prompts.count(prompt) for prompt in (PLAIN, COPPER, NIGHT)}
    kept = every_take(lock(workspace, "hero", PROOFS))
    assert sum(counts.values()) <= 3 + said, "sent again only by a person's word"
    assert len(kept) == 3, "each look is there once"
    assert set(workspace.plan().values()) == {"cached"}


def test_branches_that_picked_edited_and_rolled_looks_are_merged(tmp_path: Path, live: Gateway) -> None:
    environ = {"SEEDPIPE_BASE_URL": live.base_url, "SEEDPIPE_API_KEY": "key-0123456789"}
    repository = Repository(tmp_path / "work", **environ)
    repository.write("seedpipe.yaml", LAMPS)
    repository.write(".gitignore", "build/\n.seedpipe/\n")
    repository.git("init", "-q")
    repository.build()
    repository.commit("first")
    repository.git("branch", "other")
    assert repository.run("pick", "hero", "copper").code == 0
    picked = repository.entry("hero")
    repository.commit("copper")
    repository.git("checkout", "-q", "other")
    repository.edit("seedpipe.yaml", "light: dim", "light: dark")
    repository.build("hero")
    dark = repository.entry("hero")
    repository.commit("dark")
    repository.git("checkout", "-q", "main")
    repository.git("merge", "-q", "other", fails=True)
    ran = repository.run("lock", "merge")
    assert ran.code == 0, ran.err + ran.out
    merged = repository.entry("hero")
    assert (merged["look"], merged["level"], merged["take"]) == ("copper", "approved", picked["take"])
    assert every_take(merged) == every_take(picked) | every_take(dark)
    bought = len(live.prompts)
    repository.build()
    assert live.prompts[bought:] == [CARD], "only what follows the choice"
    assert set(repository.plan().values()) == {"cached"}


def test_a_fresh_clone_pays_for_no_look(tmp_path: Path, live: Gateway) -> None:
    environ = {"SEEDPIPE_BASE_URL": live.base_url, "SEEDPIPE_API_KEY": "key-0123456789"}
    first = Repository(tmp_path / "work", **environ)
    first.write("seedpipe.yaml", LAMPS)
    first.git("init", "-q")
    first.build()
    first.commit("with its outputs")
    first.git("clone", "-q", str(first.folder), str(tmp_path / "clone"))
    clone = Workspace(tmp_path / "clone", **environ, SEEDPIPE_HOME=str(tmp_path / "elsewhere"))
    ran = clone.run("build", "--frozen")
    assert ran.code == 0, ran.err
    assert set(clone.plan().values()) == {"cached"}
    (takes,) = clone.run("takes", "hero", "--json").json["nodes"]
    assert [take["at_hand"] for group in takes["groups"] for take in group["takes"]] == [True, False, False]
    assert len(live.prompts) == 4


def test_what_changed_since_a_revision_is_told_look_by_look(tmp_path: Path, live: Gateway) -> None:
    environ = {"SEEDPIPE_BASE_URL": live.base_url, "SEEDPIPE_API_KEY": "key-0123456789"}
    repository = Repository(tmp_path / "work", **environ)
    repository.write("seedpipe.yaml", LAMPS)
    repository.git("init", "-q")
    repository.build()
    repository.commit("first")
    repository.edit("seedpipe.yaml", "light: dim", "light: dark")
    assert repository.run("pick", "hero", "copper").code == 0
    text = repository.run("diff").out
    assert "look night:" in text
    assert "[-dim-]{+dark+}" in text
    assert re.search(r"picture \w+ → \w+ \(look copper, approved\)", text)
    (hero,) = (one for one in repository.run("diff", "--json").json["nodes"] if one["address"] == "hero")
    assert (hero["before"]["look"], hero["after"]["look"]) == ("plain", "copper")
    assert "look copper, approved" in repository.run("diff", "--format", "html").out


def test_two_pictures_with_a_look_in_common_pay_for_it_once(workspace: Workspace, account: Account) -> None:
    workspace.write(
        "seedpipe.yaml",
        manifest(
            "a: {prompt: '{{ metal }}', looks: {plain: {}, tin: {metal: tin}}}",
            "b: {prompt: '{{ metal }}', looks: {tin: {metal: tin}, zinc: {metal: zinc}}}",
            "c: {prompt: zinc}",
            head=VARS,
        ),
    )
    planned = {one["address"]: (one["state"], one["pictures"]) for one in workspace.run("plan", "--json").json["nodes"]}
    assert planned == {"a": ("make", 2), "b": ("make", 1), "c": ("same", 0)}
    assert workspace.run("build").code == 0
    assert sorted(account.prompts) == ["brass", "tin", "zinc"]
    assert set(workspace.plan().values()) == {"cached"}
    assert len(every_take(lock(workspace, "b", PROOFS))) == 2


def test_looks_may_be_made_from_other_pictures(workspace: Workspace, account: Account) -> None:
    workspace.write(
        "seedpipe.yaml",
        manifest(
            "oak: {prompt: oak}",
            "ash: {prompt: ash}",
            "desk: {prompt: 'a desk of {{ refs.wood }}', references: {wood: '{{ metal }}'},"
            " looks: {oak: {metal: oak}, ash: {metal: ash}}}",
            head=VARS,
        ),
    )
    planned = node(workspace, "desk")
    assert (planned["state"], planned["pictures"], planned["made_from"]) == ("follows", 2, ["oak", "ash"])
    assert workspace.run("build").code == 0
    assert account.prompts.count("a desk of image 1") == 2
    assert set(workspace.plan().values()) == {"cached"}
    workspace.edit("seedpipe.yaml", "{prompt: ash}", "{prompt: white ash}")
    assert workspace.plan() == {"oak": "cached", "ash": "make", "desk": "follows"}
    assert node(workspace, "desk")["pictures"] == 1
    assert workspace.run("build").code == 0
    assert account.prompts[4:] == ["white ash", "a desk of image 1"]
    assert set(workspace.plan().values()) == {"cached"}
    assert workspace.run("pick", "desk", "ash", "--proof").code == 0
    assert lock(workspace, "desk", PROOFS)["look"] == "ash"
    assert set(workspace.plan().values()) == {"cached"}


def test_what_one_look_is_made_from_hinders_no_other(workspace: Workspace, account: Account) -> None:
    wood = "{prompt: 'a desk of {{ refs.wood }}', references: {wood: '{{ metal }}'}, looks: LOOKS}"
    text = manifest(
        "oak: {prompt: oak}",
        "ash: {prompt: ash}",
        f"desk: {wood}",
        "card: {prompt: card, references: [desk]}",
        head=VARS,
    ).replace("LOOKS", "{oak: {metal: oak}, ash: {metal: ash}}")
    workspace.write("seedpipe.yaml", text)
    account.faults({"do": "moderate-input", "match": "ash"})
    ran = workspace.run("build")
    assert ran.code == 5
    assert "desk: look ash is left out: what it is made from did not come" in " ".join(ran.err.split())
    assert sorted(account.prompts) == ["a desk of image 1", "ash", "card", "oak"]
    assert workspace.plan() == {"oak": "cached", "ash": "blocked", "desk": "blocked", "card": "cached"}
    account.faults()
    workspace.edit("seedpipe.yaml", "{prompt: ash}", "{prompt: white ash}")
    assert workspace.run("build").code == 0
    assert account.prompts[4:] == ["white ash", "a desk of image 1"]
    assert set(workspace.plan().values()) == {"cached"}


def test_answers_about_looks_are_as_their_schemas_say(shop: Workspace) -> None:
    ask = Asker()
    git = Repository(shop.folder, **shop.environ)
    git.git("init", "-q")
    git.commit("first")
    assert ask(shop, "status")["looks"] == {"hero": "plain"}
    assert ask(shop, "pick", "hero", "copper")["decisions"][0]["after"]["look"] == "copper"
    shop.edit("seedpipe.yaml", "light: dim", "light: dark")
    for arguments in (
        ("plan",),
        ("plan", "--by", "model"),
        ("plan", "--compare-models"),
        ("explain", "hero"),
        ("takes", "hero"),
    ):
        ask(shop, *arguments)
    hero = next(one for one in ask(shop, "diff")["nodes"] if one["address"] == "hero")
    assert hero["after"]["look"] == "copper"
    assert {words["what"] for words in hero["words"]} == {"look night"}
    rolled = ask(shop, "reroll", "hero", "--look", "night", "--yes", "--max-cost", "1")
    assert (rolled["plan"]["nodes"][0]["look"], rolled["result"]["bought"]) == ("night", 1)
    assert ask(shop, *BUY)["plan"]["nodes"][0]["look"] == "copper"
    assert "looks       hero as copper (of 3)" in shop.run("status").out
    assert "candidates  plain  1 take" in shop.run("explain", "hero").out
