"""Globs over counted sequences as sessions: what uses one is made from the pictures that came, in the same build."""

import json
import shutil
import signal
import time
from pathlib import Path

import pytest

from tests.sessions.conftest import Account, manifest
from tests.support.relay import Gateway
from tests.support.workspace import Workspace

MOOD = manifest(
    "mood: {prompt: Generate 4 separate images of lamps, sequence: {max_images: 4}}",
    "logo: {prompt: A mark}",
    'poster: {prompt: "Like {{ refs.all }}, {{ refs.logo }}", references: {all: "mood#*", logo: logo}}',
)
TWO = {"do": "fewer", "count": 2, "match": "Generate 4"}


def cached(workspace: Workspace, *arguments: str) -> bool:
    return set(workspace.plan(*arguments).values()) == {"cached"}


def test_one_build_makes_it_from_those_that_came(workspace: Workspace, account: Account) -> None:
    workspace.write("seedpipe.yaml", MOOD)
    planned = workspace.run("plan", "--json").json
    assert planned["pictures"] == 6
    account.faults(TWO)
    ran = workspace.run("build", "--json")
    assert (ran.code, ran.json["result"]["bought"]) == (0, 4), ran.err
    assert "the service made 2 of 4 pictures, which is complete" in ran.err
    poster = next(one for one in account.requests if str(one["prompt"]).startswith("Like"))
    assert poster["prompt"] == "Like image 1 and image 2, image 3"
    assert len(poster["references"]) == 3
    assert cached(workspace)
    assert cached(workspace, "poster")
    assert workspace.run("build", "--frozen").code == 0
    said = workspace.run("explain", "poster").out
    assert "  prompt      Like image 1 and image 2, image 3\n" in said
    assert "  made from   image 1   mood#1  cached\n              image 2   mood#2  cached\n" in said
    assert "  without     mood#3, mood#4, which were not made\n" in said
    lock = (workspace.folder / ".seedpipe/proof/seedpipe.lock").read_text()
    line = next(line for line in lock.splitlines() if line.startswith("poster "))
    assert len(json.loads(line.partition(" ")[2])["asked"]["references"]) == 3
    assert len(account.requests) == 3


def test_a_clone_builds_the_same_for_nothing(workspace: Workspace, account: Account, tmp_path: Path) -> None:
    workspace.write("seedpipe.yaml", MOOD)
    account.faults(TWO)
    assert workspace.run("build").code == 0
    shutil.copytree(workspace.folder, tmp_path / "clone")
    clone = Workspace(tmp_path / "clone", **account.environ, SEEDPIPE_HOME=str(tmp_path / "other"))
    states = clone.plan("--proof")
    assert set(states.values()) <= {"cached", "fetch"}, states
    ran = clone.run("build", "--json")
    assert (ran.code, ran.json["result"]["bought"]) == (0, 0), ran.err
    assert cached(clone)
    assert len(account.requests) == 3


def test_one_that_is_made_after_all_has_it_made_anew(workspace: Workspace, account: Account) -> None:
    workspace.write("seedpipe.yaml", MOOD)
    account.faults({"do": "fewer", "count": 3, "match": "Generate 4"})
    assert workspace.run("build").code == 0
    account.faults()
    told = workspace.run("plan", "mood#4+", "--json").json
    assert {node["address"]: node["state"] for node in told["nodes"] if node["pictures"]} == {
        "mood#4": "make",
        "poster": "follows",
    }
    assert told["cost"]["high"] == "0.06 USD"
    assert workspace.run("build", "mood#4").code == 0
    said = workspace.run("plan").out
    assert "references: + mood#4" in said
    assert workspace.plan()["poster"] == "make"
    assert workspace.run("build").code == 0
    assert account.prompts[-1] == "Like image 1, image 2, image 3 and image 4, image 5"
    assert cached(workspace)


def test_a_whole_reroll_shows_what_follows(workspace: Workspace, account: Account) -> None:
    workspace.write("seedpipe.yaml", MOOD)
    account.faults({"do": "fewer", "count": 3, "match": "Generate 4"})
    assert workspace.run("build").code == 0
    account.faults(TWO)
    ran = workspace.run("reroll", "mood#1", "--whole")
    assert ran.code == 0, ran.err
    assert "poster" in ran.out + ran.err
    assert workspace.plan()["poster"] == "make"
    account.faults()
    assert workspace.run("build").code == 0
    assert account.prompts[-1] == "Like image 1, image 2 and image 3, image 4", "the third is still there"
    ran = workspace.run("reroll", "mood#1", "--whole")
    assert ran.code == 0, ran.err
    assert workspace.run("build").code == 0
    assert account.prompts[-1] == "Like image 1, image 2, image 3 and image 4, image 5"
    assert cached(workspace)


def test_a_plan_saved_before_runs_when_fewer_come(workspace: Workspace, account: Account) -> None:
    workspace.write("seedpipe.yaml", MOOD)
    planned = workspace.run("plan", "--proof", "-o", "p.json", "--json").json
    account.faults(TWO, {"do": "moderate-input", "match": "Like"})
    assert workspace.run("build", "--plan", "p.json").code == 5
    account.faults()
    workspace.edit("seedpipe.yaml", ", {{ refs.logo", "; {{ refs.logo")
    ran = workspace.run("build", "--plan", "p.json")
    assert ran.code == 3
    assert "poster: prompt: “,” → “;”" in " ".join(ran.err.split()), ran.err
    workspace.edit("seedpipe.yaml", "; {{ refs.logo", ", {{ refs.logo")
    assert workspace.run("build", "--plan", "p.json").code == 5, "what moderation refused waits for a person"
    assert workspace.run("build", "--retry-blocked").code == 0
    ran = workspace.run("build", "--plan", "p.json", "--json")
    assert (ran.code, ran.json["result"]["bought"]) == (0, 0), ran.err
    assert sum(one["billed_images"] for one in account.requests) == 4 <= planned["pictures"]


def test_a_saved_plan_carries_on_in_one_run(workspace: Workspace, account: Account) -> None:
    workspace.write("seedpipe.yaml", MOOD)
    assert workspace.run("plan", "--proof", "-o", "p.json").code == 0
    account.faults(TWO)
    ran = workspace.run("build", "--plan", "p.json", "--json")
    assert (ran.code, ran.json["result"]["bought"]) == (0, 4), ran.err
    ran = workspace.run("build", "--plan", "p.json", "--json")
    assert (ran.code, ran.json["result"]["bought"]) == (0, 0), ran.err


def test_a_refused_one_stops_what_names_them_all_until_the_next_build(workspace: Workspace, account: Account) -> None:
    workspace.write("seedpipe.yaml", MOOD)
    account.faults({"do": "moderate-output", "match": "Generate 4", "index": 1})
    ran = workspace.run("build", "--json")
    assert ran.code == 5, "a person sees first what was refused"
    assert [one["billed_images"] for one in account.requests if "Like" in str(one["prompt"])] == []
    account.faults()
    assert workspace.plan()["poster"] == "make"
    assert workspace.run("build").code == 0
    assert account.prompts[-1] == "Like image 1, image 2 and image 3, image 4"
    assert cached(workspace)


def test_whose_charge_is_not_known_is_waited_for(workspace: Workspace, account: Account) -> None:
    workspace.write("seedpipe.yaml", MOOD)
    account.faults({"do": "cut-stream", "count": 2, "match": "Generate 4"})
    ran = workspace.run("build", "--json")
    assert ran.code == 75, ran.err
    assert "which is complete" not in ran.err
    states = workspace.plan()
    assert states["poster"] == "blocked", states
    assert "Like" not in " ".join(account.prompts)
    account.faults()
    word = workspace.run("resolve", "mood#*", "--not-paid")
    assert word.code == 0
    assert "mood#2 is `cached` in the plan" in word.out
    assert "mood#3 is done without: the service made 2, which is complete" in " ".join(word.out.split())
    assert workspace.plan()["poster"] == "make"


def test_one_that_was_refused_is_told_as_the_next_build_takes_it(workspace: Workspace, account: Account) -> None:
    workspace.write("seedpipe.yaml", MOOD)
    account.faults({"do": "moderate-output", "index": 1, "match": "Generate 4"})
    ran = workspace.run("build")
    assert ran.code == 5, ran.err
    said = " ".join(ran.err.split())
    assert "which is complete" not in said
    assert "→ the next build goes on without it; `seedpipe build 'mood#2'` makes it alone as it is" in said
    account.faults()
    assert workspace.run("build").code == 0
    assert account.prompts[-1] == "Like image 1, image 2 and image 3, image 4"
    assert workspace.run("build", "mood#2").code == 0
    assert len([prompt for prompt in account.prompts if "Generate" in prompt or "lamps" in prompt]) == 2


def test_none_of_a_glob_came(workspace: Workspace, account: Account) -> None:
    workspace.write("seedpipe.yaml", MOOD.replace("mood#*", "mood#[34]"))
    account.faults(TWO)
    ran = workspace.run("build", "--json")
    assert "poster" in ran.err
    assert ran.json["result"]["bought"] == 3, ran.err
    told = " ".join(workspace.run("plan").out.split())
    assert "blocked poster mood#3 and mood#4 were not made, which is complete" in told, told


def test_fail_fast_does_not_take_a_short_batch_for_a_failure(workspace: Workspace, account: Account) -> None:
    workspace.write("seedpipe.yaml", MOOD)
    account.faults(TWO)
    ran = workspace.run("build", "--fail-fast", "--json")
    assert (ran.code, ran.json["result"]["bought"]) == (0, 4), ran.err


def test_twins_share_what_came(workspace: Workspace, account: Account) -> None:
    twins = MOOD.partition("  logo")[0] + "".join(
        f"  {line}\n"
        for line in (
            "other: {prompt: Generate 4 separate images of lamps, sequence: {max_images: 4}}",
            'one: {prompt: "Of {{ refs.all }}", references: {all: "mood#*"}}',
            'two: {prompt: "After {{ refs.all }}", references: {all: "other#*"}}',
        )
    )
    workspace.write("seedpipe.yaml", twins)
    account.faults(TWO)
    ran = workspace.run("build", "--json")
    assert (ran.code, ran.json["result"]["bought"]) == (0, 4), ran.err
    assert sorted(account.prompts[1:]) == ["After image 1 and image 2", "Of image 1 and image 2"]
    assert cached(workspace)


BOARD = manifest(
    "mood: {prompt: Generate 4 separate images of lamps, sequence: {max_images: 4}}",
    'board: {prompt: "In the light of {{ refs.m }}", references: {m: "mood#*"},'
    " sequence: {frames: [{id: a, prompt: Wide}, {id: b, prompt: Close}]}}",
    'card: {prompt: "Of {{ refs.b }}", references: {b: "board#*"}}',
)


@pytest.mark.parametrize("steps", [("build",), ("build mood", "build")])
def test_a_sequence_goes_on_from_those_that_came(
    workspace: Workspace, account: Account, steps: tuple[str, ...]
) -> None:
    workspace.write("seedpipe.yaml", BOARD)
    account.faults(TWO)
    for step in steps:
        ran = workspace.run(*step.split())
        assert ran.code == 0, ran.err
    board = account.requests[1]
    assert (len(board["references"]), board["billed_images"]) == (2, 2)
    assert cached(workspace)
    assert cached(workspace, "card")
    assert "shared      In the light of image 1 and image 2\n" in workspace.run("explain", "board#a").out
    workspace.edit("seedpipe.yaml", "prompt: Close", "prompt: Very close")
    assert workspace.run("build").code == 0
    assert len(account.requests[3]["references"]) == 3, "alone, beside its neighbour and those that came"


def test_it_costs_what_comes_where_references_are_billed(workspace: Workspace, live: Gateway, account: Account) -> None:
    workspace.environ |= {"SEEDPIPE_BASE_URL": live.base_url, "XDG_CONFIG_HOME": str(workspace.folder / "config")}
    workspace.write("config/seedpipe/config.yaml", "catalogue: [own.yaml]\n")
    price = "{image: 0.04 USD, further_input: 0.01 USD, date: 2026-11-01, source: me}"
    own = f"providers: {{apiyi: {{models: {{seedream-4-5-251128: {{price: {price}}}}}}}}}\n"
    workspace.write("config/seedpipe/own.yaml", own)
    workspace.write("seedpipe.yaml", MOOD.replace("seedream-4-0, size: 1K", "seedream-4-5"))
    planned = workspace.run("plan", "--json").json
    assert planned["cost"] == {"low": "0.13 USD", "expected": "0.28 USD", "high": "0.28 USD"}
    account.faults(TWO)
    ran = workspace.run("build", "--yes", "--max-cost", "0.28", "--json")
    assert (ran.code, ran.json["result"]["bought"]) == (0, 4), ran.err
    assert workspace.run("spend", "--json").json["totals"][0]["charged"] == "0.18", "four pictures, two further inputs"
    assert cached(workspace)
    checked = workspace.run("check")
    assert (checked.code, "seedpipe.lock" in checked.out + checked.err) == (0, False), checked.err


def test_an_unused_batch_of_earlier_words_is_no_reference(workspace: Workspace, account: Account) -> None:
    workspace.write("seedpipe.yaml", MOOD)
    assert workspace.run("build").code == 0
    workspace.edit("seedpipe.yaml", "of lamps", "of desks")
    account.faults(TWO)
    assert workspace.run("build").code == 0
    assert account.prompts[-1] == "Like image 1 and image 2, image 3"
    assert cached(workspace)
    assert cached(workspace, "poster"), "the earlier two are still in the lock, and no pictures of it"
    assert cached(workspace, "+poster")


def test_decisions_are_about_what_came(workspace: Workspace, account: Account) -> None:
    workspace.write("seedpipe.yaml", MOOD)
    account.faults({"do": "fewer", "count": 3, "match": "Generate 4"})
    assert workspace.run("build").code == 0
    account.faults()
    assert workspace.run("approve", "poster").code == 0
    assert "for what is asked now" in workspace.run("takes", "poster").out or True
    assert workspace.run("build", "mood#4").code == 0
    assert workspace.plan()["poster"] == "stale", "by cascade alone an approved picture stays"
    ran = workspace.run("takes", "poster")
    assert ran.code == 0, ran.err
    assert workspace.run("keep", "poster").code == 0
    assert workspace.plan()["poster"] == "cached"
    assert workspace.run("undo").code == 0
    assert workspace.run("build", "poster").code == 0
    assert account.prompts[-1] == "Like image 1, image 2, image 3 and image 4, image 5"
    assert workspace.run("takes", "poster").code == 0
    assert cached(workspace)


def test_check_warns_where_it_can_t_do_without(workspace: Workspace) -> None:
    workspace.write("seedpipe.yaml", MOOD.replace("refs.all", "refs['mood#4']"))
    ran = workspace.run("check")
    assert ran.code == 0
    assert "`mood#4` may not come (its sequence is complete with fewer)" in ran.out + ran.err


def test_a_killed_build_goes_on_with_those_that_came(workspace: Workspace, account: Account) -> None:
    workspace.write("seedpipe.yaml", MOOD)
    account.faults(TWO, {"do": "stall", "seconds": 60, "match": "Like"})
    process = workspace.start("build")
    while not any(str(one["prompt"]).startswith("Like") for one in account.requests):
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    process.kill()
    process.communicate()
    account.faults()
    states = workspace.plan()
    assert states["poster"] == "unknown", states
    assert {states[f"mood#{number}"] for number in range(1, 5)} == {"cached"}
    assert workspace.run("build").code == 75
    assert workspace.run("resolve", "poster", "--not-paid").code == 0
    assert workspace.run("build").code == 0
    assert [one for one in account.prompts if one.startswith("Like")] == ["Like image 1 and image 2, image 3"] * 2
    assert sum(one["billed_images"] for one in account.requests if "Generate" in str(one["prompt"])) == 2
    assert cached(workspace)


def test_an_abort_leaves_what_came_to_the_next_build(workspace: Workspace, account: Account) -> None:
    """A first Ctrl-C lets the batch arrive; what is made from it is the next build's."""
    workspace.write("seedpipe.yaml", MOOD)
    account.faults(TWO, {"do": "latency", "seconds": 2, "match": "Generate"})
    process = workspace.start("build")
    while not any("Generate" in str(one["prompt"]) for one in account.requests):
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    process.communicate()
    account.faults()
    states = workspace.plan()
    assert {states[f"mood#{number}"] for number in range(1, 5)} == {"cached"}, states
    assert workspace.run("build").code == 0
    assert account.prompts[-1] == "Like image 1 and image 2, image 3"
    assert cached(workspace)
