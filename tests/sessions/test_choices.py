"""People choose: which take is the picture, who may displace it, what follows, and how it is taken back."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.sessions.conftest import manifest
from tests.support.relay import Gateway
from tests.support.workspace import Workspace

LAMPS = manifest(
    "hero: {prompt: A matte lamp, takes: 3}",
    "card: {matrix: {n: [a, b]}, prompt: 'Card {{ n }}, {{ refs.hero }}', references: {hero: hero}}",
    "small: {from: hero, steps: [{resize: 64x64}, {convert: png}]}",
    "tiny: {from: card/a, steps: [{resize: 32x32}, {convert: png}]}",
)
BUY = ("build", "--yes", "--max-cost", "1")
LIVE = "seedpipe.decisions.jsonl"


@pytest.fixture
def shop(workspace: Workspace, live: Gateway) -> Workspace:
    """Bought: three heroes, two cards made from the first one that came, and two pictures made here."""
    workspace.environ |= {
        "SEEDPIPE_BASE_URL": live.base_url,
        "GIT_AUTHOR_NAME": "Mika Ito",
        "GIT_AUTHOR_EMAIL": "mika@example.com",
    }
    workspace.write("seedpipe.yaml", LAMPS)
    assert workspace.run(*BUY).code == 0
    return workspace


def lines(workspace: Workspace, name: str = LIVE) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (workspace.folder / name).read_text(encoding="utf-8").splitlines()]


def lock(workspace: Workspace, address: str, name: str = "seedpipe.lock") -> Any:
    found = [
        line.partition(" ")[2]
        for line in (workspace.folder / name).read_text(encoding="utf-8").splitlines()
        if line.startswith(f"{address} ")
    ]
    return json.loads(found[0]) if found else None


def takes(workspace: Workspace, address: str, *flags: str) -> dict[int, str]:
    """Number → digest."""
    (node,) = workspace.run("takes", address, "--json", *flags).json["nodes"]
    return {take["number"]: take["digest"] for group in node["groups"] for take in group["takes"]}


def other(workspace: Workspace, address: str = "hero", *flags: str) -> int:
    """The number of a take that is not the choice."""
    (node,) = workspace.run("takes", address, "--json", *flags).json["nodes"]
    return next(take["number"] for group in node["groups"] for take in group["takes"] if not take["chosen"])


def read(workspace: Workspace, path: str) -> bytes:
    return (workspace.folder / path).read_bytes()


def test_a_pick_is_written_down_put_in_its_place_and_says_what_following_it_would_cost(
    shop: Workspace, live: Gateway
) -> None:
    before, small = lock(shop, "hero"), read(shop, "build/small.png")
    number = other(shop)
    digest = takes(shop, "hero")[number]
    ran = shop.run("pick", "hero", str(number), "-m", "the shade is right")
    assert ran.code == 0, ran.err
    assert ran.out.splitlines() == [
        f"picked hero: {digest[7:19]}, approved (was {before['take'][7:19]}, auto)",
        "  “the shade is right”",
        "  wrote build/hero.jpg · made 1 picture here",
        "  2 pictures are made from it (card/a, card/b); following it costs 0.06 USD:",
        "    `seedpipe build hero+`",
    ]
    after = lock(shop, "hero")
    assert (after["take"], after["level"], after["want"]) == (digest, "approved", before["want"])
    assert sorted(after["takes"]) == sorted(before["takes"])
    (decision,) = lines(shop)
    assert (decision["who"], decision["verb"], decision["node"]) == ("Mika Ito <mika@example.com>", "pick", "hero")
    assert (decision["before"], decision["after"], decision["note"]) == (before, after, "the shade is right")
    assert read(shop, "build/small.png") != small, "what is free follows at once"
    assert shop.plan() == {"hero": "cached", "card/a": "make", "card/b": "make", "small": "cached", "tiny": "free"}
    assert len(live.prompts) == 5, "and nothing was bought"
    assert "so already: hero" in shop.run("pick", "hero", digest[7:15]).out
    assert len(lines(shop)) == 1

    assert shop.run("build", "hero+", "--yes", "--max-cost", "1").code == 0
    assert len(live.prompts) == 7, "what was said is what it costs"
    assert set(shop.plan().values()) == {"cached"}


def test_the_choice_before_comes_back_with_all_that_was_made_from_it_for_nothing(
    shop: Workspace, live: Gateway
) -> None:
    before = {address: lock(shop, address) for address in ("hero", "card/a", "card/b", "small", "tiny")}
    files = {path: read(shop, path) for path in ("build/hero.jpg", "build/card/a.jpg", "build/tiny.png")}
    shop.run("pick", "hero", str(other(shop)))
    assert shop.run(*BUY).code == 0
    assert {path: read(shop, path) for path in files} != files
    ran = shop.run("undo")
    assert ran.code == 0, ran.err
    assert "card/a, card/b are again the pictures that were made from it before" in ran.out
    assert {address: lock(shop, address) for address in before} == before
    assert {path: read(shop, path) for path in files} == files
    assert set(shop.plan().values()) == {"cached"}
    assert len(live.prompts) == 7


def test_an_approved_picture_outlives_a_cascade_and_not_an_edit_of_its_own(shop: Workspace) -> None:
    assert shop.run("approve", "card").out.splitlines()[0] == "approved card/a, card/b"
    kept = lock(shop, "card/a")
    shop.edit("seedpipe.yaml", "A matte lamp", "A brass lamp")
    assert shop.plan() == {"hero": "make", "card/a": "stale", "card/b": "stale", "small": "free", "tiny": "cached"}
    assert shop.run(*BUY).code == 0
    assert lock(shop, "card/a") == kept
    assert shop.plan()["card/a"] == "stale"
    ran = shop.run("undo")
    assert ran.out.splitlines()[0].startswith("taken back card/a: "), ran.out
    assert shop.plan() == {"hero": "cached", "card/a": "make", "card/b": "make", "small": "cached", "tiny": "free"}
    assert shop.run("undo", lines(shop)[-1]["id"]).code == 0, "and the undo is taken back"
    assert shop.plan()["card/a"] == "stale"
    shop.edit("seedpipe.yaml", "Card {{ n }}", "Postcard {{ n }}")
    assert "replaces an approved picture" in shop.run("plan").out
    assert shop.run(*BUY).code == 0
    assert lock(shop, "card/a")["level"] == "auto"
    (node,) = shop.run("takes", "card/a", "--json").json["nodes"]
    assert [[take["digest"] == kept["take"] for take in group["takes"]] for group in node["groups"]] == [
        [False],
        [True],
    ]
    assert [reason["code"] for reason in node["groups"][1]["differs"]] == ["prompt-changed", "reference-changed"]
    ran = shop.run("pick", "card/a", kept["take"][7:17])
    assert "it was made for other words or references, and stands for those of now" in ran.out
    assert shop.plan()["card/a"] == "cached", "last week's picture is today's choice, and nothing buys another"
    assert lock(shop, "card/a")["made"]["request"] == kept["made"]["request"], "how it was made is no other story"


def test_a_pinned_picture_is_replaced_by_nothing_until_it_is_unpinned(shop: Workspace, live: Gateway) -> None:
    shop.run("approve", "hero")
    assert shop.run("pin", "hero", "card/a", "-m", "is in print").code == 0
    kept = lock(shop, "hero")["take"]
    shop.edit("seedpipe.yaml", "A matte lamp", "A brass lamp")
    for arguments in ((*BUY,), (*BUY, "hero"), (*BUY, "--retry-unknown", "+card")):
        assert shop.run(*arguments).code == 0
    assert lock(shop, "hero")["take"] == kept
    assert len(live.prompts) == 5
    ran = shop.run("pick", "hero", str(other(shop)))
    assert ", pinned (was " in ran.out, "another picture, but no looser"
    assert shop.run("undo").code == 0
    ran = shop.run("unpin", "hero", "card/a")
    assert (lock(shop, "hero")["level"], lock(shop, "card/a")["level"]) == ("approved", "auto")
    assert "the next build replaces hero, because its words have changed" in " ".join(ran.out.split())
    assert shop.plan()["hero"] == "make"


def test_an_undo_is_refused_where_the_choice_has_become_another_one(shop: Workspace) -> None:
    first = lock(shop, "hero")["take"]
    shop.run("pick", "hero", str(other(shop)))
    act = lines(shop)[0]["id"]
    shop.run("pick", "hero", first[7:19])
    later = lines(shop)[1]["id"]
    ran = shop.run("undo", act)
    assert ran.code == 1
    said = " ".join(ran.err.split())
    assert "`hero`: Mika Ito <mika@example.com> decided about it since (pick, " in said
    assert f"`seedpipe undo {later}` takes that back first" in said
    assert f"`seedpipe pick hero {first[7:19]}` chooses the picture of before all the same" in said
    assert (lock(shop, "hero")["take"], len(lines(shop))) == (first, 2)

    assert shop.run("undo").code == 0
    shop.edit("seedpipe.yaml", "A matte lamp", "A brass lamp")
    assert shop.run(*BUY, "hero").code == 0
    ran = shop.run("undo")
    assert ran.code == 1
    assert "a build, or another branch, has changed its line in the lock since" in " ".join(ran.err.split())
    assert f"`{act}` was taken back already" in shop.run("undo", later).err.replace(later, act)


def test_takes_that_have_come_since_stay_when_a_decision_is_taken_back(shop: Workspace) -> None:
    before = lock(shop, "hero")
    shop.run("pick", "hero", str(other(shop)))
    shop.edit("seedpipe.yaml", "takes: 3", "takes: 4")
    assert shop.run(*BUY, "hero").code == 0
    assert shop.run("undo").code == 0
    after = lock(shop, "hero")
    assert (after["take"], after["level"]) == (before["take"], "auto")
    assert len(after["takes"]) == 4 and after["takes"][:3] == before["takes"]


def test_each_realm_and_profile_has_choices_of_its_own(shop: Workspace) -> None:
    shop.edit("seedpipe.yaml", "images:", "profiles: {draft: {force: {size: 2K}}}\nimages:")
    assert shop.run("build", "--proof").code == 0
    assert shop.run(*BUY, "--profile", "draft").code == 0
    record = shop.folder / ".seedpipe/proof/seedpipe.decisions.jsonl"
    assert shop.run("pick", "--proof", "hero", str(other(shop, "hero", "--proof"))).code == 0
    assert record.exists() and not (shop.folder / LIVE).exists()
    assert shop.run("approve", "--profile", "draft", "hero").code == 0
    assert lines(shop, "seedpipe.draft.decisions.jsonl")[0]["verb"] == "approve"
    assert lock(shop, "hero", "seedpipe.draft.lock")["level"] == "approved"
    assert lock(shop, "hero")["level"] == "auto"
    ran = shop.run("undo")
    assert (ran.code, "no decision was made in this working copy" in ran.err) == (1, True), "none about the shared ones"
    assert shop.run("undo", "--profile", "draft").code == 0
    assert shop.run("undo", "--proof").code == 0


def test_a_colleague_sees_what_was_decided_and_takes_it_back_by_its_id(shop: Workspace, tmp_path: Path) -> None:
    first = lock(shop, "hero")["take"]
    shop.run("pick", "hero", str(other(shop)), "-m", "warmer")
    shutil.copytree(shop.folder, tmp_path / "clone", ignore=shutil.ignore_patterns(".seedpipe"))
    there = {"SEEDPIPE_HOME": str(tmp_path / "colleague"), "GIT_AUTHOR_NAME": "Ada"}
    clone = Workspace(tmp_path / "clone", **shop.environ | there)
    text = clone.run("takes", "hero").out
    assert "approved by Mika Ito" in text
    assert "“warmer”" in text
    assert text.count("not on this machine") == 2, "the chosen one is in the output file"
    ran = clone.run("pick", "hero", first[7:19])
    assert (ran.code, "is not on this machine" in ran.err) == (1, True)
    assert clone.run("undo").code == 1, "none was made in that working copy"
    act = lines(clone)[0]["id"]
    ran = clone.run("undo", act[:5])
    assert ran.code == 0, ran.err
    assert lock(clone, "hero")["take"] == first
    assert lines(clone)[1]["who"] == "Ada <mika@example.com>"
    assert clone.plan()["hero"] == "missing", "its bytes are elsewhere, and that is no licence to buy"
    assert read(clone, "build/hero.jpg") == read(shop, "build/hero.jpg"), "so the file stays"


def test_notes_change_nothing_and_stay_until_they_are_taken_back(shop: Workspace) -> None:
    before = lock(shop, "hero")
    assert shop.run("note", "hero", "card/a", "-m", "ask the client").code == 0
    assert lock(shop, "hero") == before
    assert shop.run("takes", "card/a").out.count("“ask the client”") == 1
    assert shop.run("note", "hero").code == 2
    ran = shop.run("undo", "--json")
    assert [one["node"] for one in ran.json["decisions"]] == ["hero", "card/a"]
    assert "ask the client" not in shop.run("takes", "card/a").out
    assert shop.run("note", "small", "-m", "x").code == 2, "a picture made here has no choice"


def test_a_group_is_decided_as_far_as_it_can_be(shop: Workspace) -> None:
    shop.edit("seedpipe.yaml", "n: [a, b]", "n: [a, b, c]")
    ran = shop.run("approve", "card", "--json")
    assert (ran.code, [one["node"] for one in ran.json["decisions"]]) == (1, ["card/a", "card/b"])
    assert [(one["address"], one["message"]) for one in ran.json["refused"]] == [
        ("card/c", "`card/c` has no picture yet")
    ]
    ran = shop.run("approve", "card")
    assert ran.out.splitlines() == [
        "so already: card/a, card/b",
        "not approved: `card/c` has no picture yet",
        "  → `seedpipe build card/c` makes one",
    ]
    assert shop.run("undo").code == 0
    assert {lock(shop, f"card/{n}")["level"] for n in "ab"} == {"auto"}, "one command is one decision"


def test_a_first_decision_tells_git_to_keep_both_sides(shop: Workspace) -> None:
    (shop.folder / ".git").mkdir()
    ran = shop.run("approve", "hero")
    assert "wrote `.gitattributes`" in ran.out
    assert read(shop, ".gitattributes") == b"seedpipe*.decisions.jsonl merge=union\n"
    assert "gitattributes" not in shop.run("pin", "hero").out


def test_a_broken_record_is_named_and_nothing_is_decided(shop: Workspace) -> None:
    shop.run("approve", "hero")
    before = lock(shop, "hero")
    text = (shop.folder / LIVE).read_text(encoding="utf-8")
    (shop.folder / LIVE).write_text("nonsense\n" + text, encoding="utf-8")
    for arguments in (("pin", "hero"), ("undo",), ("takes", "hero")):
        ran = shop.run(*arguments)
        assert ran.code == 1
        assert f"{LIVE}:1" in ran.err and "the choices themselves stand in the lock" in " ".join(ran.err.split())
    assert lock(shop, "hero") == before
    assert set(shop.plan().values()) == {"cached"}, "a build needs no record"
