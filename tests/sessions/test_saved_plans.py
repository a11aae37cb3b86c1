"""Saved plans as sessions: reviewed, carried out, interrupted, gone on with, refused."""

import json
import time

from PIL import Image

from tests.sessions.conftest import Account, manifest
from tests.support.relay import Gateway
from tests.support.workspace import Workspace

LAMPS = manifest(
    "hero: {prompt: A brass lamp}",
    'scene: {prompt: "{{ refs.hero }} on oak", references: {hero: hero}}',
    "side: {prompt: A desk}",
    "thumb: {from: scene, steps: [{resize: 64x64}]}",
)


def test_a_plan_is_saved_reviewed_and_carried_out(workspace: Workspace, account: Account) -> None:
    workspace.write("seedpipe.yaml", LAMPS)
    ran = workspace.run("plan", "--proof", "-o", "plans/p.json")
    assert ran.code == 2
    assert "`plans/p.json` can't be written: no such file or directory" in ran.err
    ran = workspace.run("plan", "--proof", "-o", "p.json")
    assert ran.code == 0
    assert ran.err == "saved: `seedpipe build --plan p.json` carries out just this\n"
    saved = (workspace.folder / "p.json").read_text()
    assert json.loads(saved) == workspace.run("plan", "--proof", "--json").json, "it says what `--json` says"
    workspace.edit("seedpipe.yaml", "A desk", "A table")
    ran = workspace.run("build", "--plan", "p.json")
    assert ran.code == 3
    assert ran.err.startswith(
        "error: `p.json` is not what a build would do now; nothing was done\n"
        "       side: prompt: desk → table\n"
        "  = hint: `seedpipe plan -o p.json` plans anew, or undo what was changed\n"
    )
    assert account.requests == []
    workspace.edit("seedpipe.yaml", "A table", "A desk")
    assert workspace.run("build", "--plan", "p.json").code == 0
    assert len(account.requests) == 3
    ran = workspace.run("build", "--plan", "p.json")
    assert ran.code == 0
    assert "everything is up to date" in ran.err
    assert len(account.requests) == 3


def test_it_goes_on_after_an_outage_and_leaves_unrelated_edits_alone(workspace: Workspace, account: Account) -> None:
    workspace.write("seedpipe.yaml", LAMPS)
    assert workspace.run("plan", "--proof", "-o", "p.json").code == 0
    account.faults({"do": "moderate-input", "match": "oak"})
    assert workspace.run("build", "--plan", "p.json").code == 5
    account.faults()
    assert sorted(account.prompts) == ["A brass lamp", "A desk", "image 1 on oak"]
    workspace.edit("seedpipe.yaml", "images:\n", "images:\n  new: {prompt: A torch}\n")
    ran = workspace.run("build", "--plan", "p.json")
    assert ran.code == 5, "what moderation refused waits for a person, also in a saved plan"
    assert len(account.requests) == 3
    assert workspace.run("build", "--plan", "p.json", "--retry-blocked").code == 2
    assert workspace.run("plan", "--retry-blocked", "-o", "again.json", "--exclude", "new").code == 0
    assert workspace.run("build", "--plan", "again.json").code == 0
    assert account.prompts[3:] == ["image 1 on oak"]
    assert {name for name, state in workspace.plan().items() if state != "cached"} == {"new"}
    assert workspace.run("build", "--plan", "p.json").code == 0, "whoever made it: it is what the plan asked for"
    assert len(account.requests) == 4


def test_a_killed_build_is_resumed_by_the_same_plan(workspace: Workspace, account: Account) -> None:
    workspace.write("seedpipe.yaml", manifest("lamp: {matrix: {n: [a, b, c]}, prompt: 'Lamp {{ n }}'}"))
    assert workspace.run("plan", "--proof", "-o", "p.json").code == 0
    account.faults({"do": "stall", "seconds": 60})
    process = workspace.start("build", "--plan", "p.json", "-j", "1")
    while not account.requests:
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    process.kill()
    process.communicate()
    account.faults()
    ran = workspace.run("build", "--plan", "p.json")
    assert ran.code == 75, "whether the first was charged is for a person to say; the others are made"
    assert sorted(account.prompts) == ["Lamp a", "Lamp b", "Lamp c"]
    assert sorted(workspace.plan().values()) == ["cached", "cached", "unknown"]


BOARD = manifest(
    "who: {prompt: A watchmaker}",
    "board: {prompt: 'Ink, {{ refs.w }}', references: {w: who}, sequence: {frames: ["
    "{id: wide, prompt: Wide}, {id: hands, prompt: Hands}, {id: face, prompt: Face}]}}",
    "mood: {prompt: Generate 4 separate images of dusk, sequence: {max_images: 4}}",
    "card: {prompt: 'A card like {{ refs.m }}', references: {m: 'mood#2'}}",
    "cut: {from: 'board#face', steps: [{resize: 64x}]}",
)


def test_a_plan_with_sequences_goes_on_to_its_end_whatever_came_of_them(workspace: Workspace, account: Account) -> None:
    workspace.write("seedpipe.yaml", BOARD)
    planned = workspace.run("plan", "--proof", "-o", "p.json", "--json").json
    assert planned["pictures"] == 9
    assert workspace.run("build", "card").code == 0, "somebody needed one of them before"
    assert [one["billed_images"] for one in account.requests] == [4, 1]
    account.faults({"do": "moderate-output", "match": "Generate 3", "index": 1})
    ran = workspace.run("build", "--plan", "p.json")
    assert ran.code == 5, ran.err
    assert [one["billed_images"] for one in account.requests[2:]] == [1, 2]
    account.faults()
    workspace.edit("seedpipe.yaml", "images:\n", "images:\n  new: {prompt: A torch}\n")
    workspace.edit("seedpipe.yaml", "prompt: Hands", "prompt: Fists")
    ran = workspace.run("build", "--plan", "p.json")
    assert (ran.code, "board#hands: prompt: Hands → Fists" in ran.err) == (3, True), ran.err
    workspace.edit("seedpipe.yaml", "prompt: Fists", "prompt: Hands")
    workspace.edit("seedpipe.yaml", "{id: face", "{id: feet, prompt: Feet}, {id: face")
    ran = workspace.run("build", "--plan", "p.json", "--json")
    assert (ran.code, ran.json["result"]["bought"]) == (0, 1), ran.err
    assert workspace.run("build", "--plan", "p.json", "--json").json["result"]["bought"] == 0
    assert sum(one["billed_images"] for one in account.requests) == planned["pictures"], "no more than was agreed to"
    left = {name: state for name, state in workspace.plan().items() if state != "cached"}
    assert left == {"new": "make", "board#feet": "make"}


def test_a_counted_sequence_that_came_short_is_all_that_its_plan_buys(workspace: Workspace, account: Account) -> None:
    workspace.write("seedpipe.yaml", BOARD)
    assert workspace.run("plan", "--proof", "-o", "p.json", "mood", "card").code == 0
    account.faults({"do": "fewer", "count": 2, "match": "Generate 4"}, {"do": "moderate-input", "match": "A card"})
    assert workspace.run("build", "--plan", "p.json").code == 5
    account.faults()
    assert workspace.run("build", "--plan", "p.json").code == 0, "the plan names the card itself"
    assert [one["billed_images"] for one in account.requests] == [2, 0, 1]
    assert workspace.run("build", "--plan", "p.json", "--json").json["result"]["bought"] == 0
    workspace.edit("seedpipe.yaml", "max_images: 4", "max_images: 5")
    ran = workspace.run("build", "--plan", "p.json")
    assert ran.code == 4
    assert "mood#5: would be bought for 0.03 USD, which the plan does not name" in ran.err


def test_consent_and_caps_are_asked_as_for_any_build(workspace: Workspace, live: Gateway, account: Account) -> None:
    workspace.environ["SEEDPIPE_BASE_URL"] = live.base_url
    workspace.write("seedpipe.yaml", LAMPS)
    assert workspace.run("plan", "-o", "p.json").code == 0
    ran = workspace.run("build", "--plan", "p.json")
    assert ran.code == 4
    assert "this would buy 3 pictures for 0.09 USD at most, and there is no terminal" in ran.err
    assert workspace.run("build", "--plan", "p.json", "--yes").code == 4, "unattended without a cap"
    ran = workspace.run("build", "--plan", "p.json", "--yes", "--max-cost", "0.05")
    assert ran.code == 4
    assert "the plan costs at least 0.09 USD; the cap per build is 0.05 USD" in ran.err
    assert account.requests == []
    assert workspace.run("build", "--plan", "p.json", "--yes", "--max-cost", "1").code == 0
    assert len(account.requests) == 3


def test_dearer_pictures_are_refused(workspace: Workspace, live: Gateway, account: Account) -> None:
    workspace.environ |= {"SEEDPIPE_BASE_URL": live.base_url, "XDG_CONFIG_HOME": str(workspace.folder / "config")}
    workspace.write("seedpipe.yaml", LAMPS)
    assert workspace.run("plan", "-o", "p.json").code == 0
    workspace.write("config/seedpipe/config.yaml", "catalogue: [own.yaml]\n")
    workspace.write(
        "config/seedpipe/own.yaml",
        "providers: {apiyi: {models: {seedream-4-0-250828: {price: {image: 0.05 USD, date: 2026-11-01, source: me}}}}}\n",
    )
    ran = workspace.run("build", "--plan", "p.json", "--yes", "--max-cost", "1")
    assert ran.code == 4
    assert "hero: costs 0.05 USD, planned were 0.03 USD" in ran.err
    assert account.requests == []


def test_the_plans_own_profile_and_variables_are_used(workspace: Workspace, account: Account) -> None:
    workspace.write(
        "seedpipe.yaml",
        manifest(
            "hero: {prompt: 'A {{ metal }} lamp'}",
            head="vars: {metal: brass}\nprofiles: {draft: {force: {size: 2K}}}\n",
        ),
    )
    assert workspace.run("plan", "--proof", "--profile", "draft", "--var", "metal=steel", "-o", "p.json").code == 0
    for flags, words in (
        (("--profile", "other"), "was made without this `--profile`"),
        (("--var", "metal=iron", "--profile", "draft"), "was made without this `--var`"),
        (("--no-cascade",), "was made without this `--no-cascade`"),
        (("--frozen",), "was made without this `--frozen`"),
        (("hero",), "`--plan` says already which pictures are built"),
        (("--provider", "byteplus"), "is for the provider `apiyi`, this build is for `byteplus`"),
    ):
        ran = workspace.run("build", "--plan", "p.json", *flags)
        assert (ran.code, words in ran.err) == (2, True), ran.err
    assert account.requests == []
    assert workspace.run("build", "--plan", "p.json").code == 0
    assert account.prompts == ["A steel lamp"]
    assert (workspace.folder / "build/@proof/@draft/hero.jpg").exists()


def test_a_plan_of_another_realm_or_project_is_refused(workspace: Workspace, live: Gateway, account: Account) -> None:
    workspace.write("seedpipe.yaml", LAMPS)
    assert workspace.run("plan", "--proof", "-o", "proof.json").code == 0
    ran = workspace.run("build", "--plan", "proof.json", "--yes", "--max-cost", "1", SEEDPIPE_BASE_URL=live.base_url)
    assert ran.code == 2
    assert "`proof.json` is a plan of proofs, and this service is live" in ran.err
    workspace.edit("seedpipe.yaml", "project: lamps", "project: other")
    ran = workspace.run("build", "--plan", "proof.json")
    assert ran.code == 2
    assert "`proof.json` is a plan of the project `lamps`, this is `other`" in ran.err
    assert account.requests == []


def test_a_decision_made_after_the_plan_is_not_overruled(workspace: Workspace, account: Account) -> None:
    workspace.write("seedpipe.yaml", LAMPS)
    assert workspace.run("build").code == 0
    workspace.edit("seedpipe.yaml", "on oak", "on pine")
    assert workspace.run("plan", "-o", "p.json").code == 0
    assert workspace.run("pin", "scene").code == 0
    before = len(account.requests)
    ran = workspace.run("build", "--plan", "p.json")
    assert ran.code == 3
    assert "scene: another picture, or another word about it, is in the lock since" in ran.err
    assert len(account.requests) == before


def test_files_that_are_no_plans(workspace: Workspace) -> None:
    workspace.write("seedpipe.yaml", LAMPS)
    ran = workspace.run("build", "--plan", "none.json")
    assert (ran.code, "`none.json` can't be read: no such file or directory" in ran.err) == (2, True)
    assert workspace.run("plan", "-o", "p.json").code == 0
    workspace.edit("p.json", '"kind": "derived"', '"kind": "derived'.replace("derived", "der\nived") + '"')
    ran = workspace.run("build", "--plan", "p.json")
    assert ran.code == 2
    assert "`p.json` is no valid JSON: invalid control character at" in ran.err
    assert "--> p.json:" in ran.err
    assert workspace.run("plan", "-o", "p.json").code == 0
    workspace.edit("p.json", "A desk", "A table")
    ran = workspace.run("build", "--plan", "p.json")
    assert ran.code == 2
    assert "`p.json` was changed after it was written" in ran.err


def test_what_a_plain_build_reads_a_saved_plan_reads_too(workspace: Workspace, account: Account) -> None:
    """A source that nothing is made from yet has its line in the lock either way, so that the next build changes nothing."""
    Image.new("RGB", (64, 64), "tan").save(workspace.folder / "logo.png")
    workspace.write("seedpipe.yaml", LAMPS.replace("images:\n", "images:\n  logo: {file: logo.png}\n"))
    assert workspace.run("plan", "--proof", "-o", "p.json").code == 0
    workspace.edit("seedpipe.yaml", "images:\n", "images:\n  mark: {file: logo.png}\n")
    assert workspace.run("build", "--plan", "p.json").code == 0
    lock = (workspace.folder / ".seedpipe/proof/seedpipe.lock").read_text()
    assert "\nlogo {" in lock
    assert "\nmark {" not in lock, "the plan does not know it"
    workspace.edit("seedpipe.yaml", "  mark: {file: logo.png}\n", "")
    assert workspace.run("build").code == 0
    assert (workspace.folder / ".seedpipe/proof/seedpipe.lock").read_text() == lock
    Image.new("RGB", (64, 64), "teal").save(workspace.folder / "logo.png")
    assert workspace.run("build", "--plan", "p.json").code == 0, "an edit of it is not the plan's"
    workspace.edit("seedpipe.yaml", "{file: logo.png}", "{url: 'https://example.com/logo.png'}")
    assert workspace.run("build", "--plan", "p.json").code == 0, "nor is it fetched from elsewhere"
    assert len(account.requests) == 3
