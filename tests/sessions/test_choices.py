"""People choose: which take is the picture, who may displace it, what follows, and how it is taken back."""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

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
    assert "the choice already: hero" in shop.run("pick", "hero", digest[7:15]).out
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


def test_an_approval_that_the_next_build_replaces_is_not_said_to_hold(shop: Workspace) -> None:
    """What was approved for other words is no approval of those of now."""
    assert shop.run("approve", "card/a").code == 0
    shop.edit("seedpipe.yaml", "Card {{ n }}", "Postcard {{ n }}")
    ran = shop.run("approve", "card/a")
    assert ran.code == 1
    assert "`card/a` was made for other words than it has now" in ran.err
    assert "`seedpipe keep card/a`" in ran.err
    assert shop.run("keep", "card/a").code == 0
    assert "approved already: card/a" in shop.run("approve", "card/a").out
    shop.edit("seedpipe.yaml", "A matte lamp", "A brass lamp")
    assert "approved already: card/a" in shop.run("approve", "card/a").out, "a cascade takes nothing from it"


def test_what_follows_a_move_is_built_by_a_name_that_there_is(shop: Workspace) -> None:
    """Over a picture that a build had put there meanwhile."""
    assert shop.run("approve", "hero").code == 0
    shop.edit("seedpipe.yaml", "  hero: {prompt: A matte lamp", "  lamp: {prompt: A brass lamp")
    for old, new in (("hero: hero", "hero: lamp"), ("from: hero", "from: lamp")):
        shop.edit("seedpipe.yaml", old, new)
    assert shop.run(*BUY).code == 0
    ran = shop.run("mv", "hero", "lamp")
    assert ran.code == 0, ran.err
    said = " ".join(ran.out.split())
    assert "hero+" not in said
    command = said.partition("`seedpipe build ")[2].partition("`")[0]
    assert shop.run("plan", *command.split()).code == 0


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
    assert "the next build replaces hero, card/a (prompt: matte → brass)" in " ".join(ran.out.split())
    assert shop.plan()["hero"] == "make"


def test_what_was_kept_while_it_was_pinned_is_approved_when_it_is_unpinned(shop: Workspace) -> None:
    assert shop.run("pin", "hero").code == 0
    shop.edit("seedpipe.yaml", "A matte lamp", "A brass lamp")
    assert shop.run("keep", "hero").code == 0
    assert shop.run("unpin", "hero").code == 0
    assert lock(shop, "hero")["level"] == "approved", "a person said that it is right for these words"
    assert shop.plan()["hero"] == "cached"
    for _ in range(2):
        assert shop.run("undo").code == 0
    assert shop.run("unpin", "hero").code == 0
    assert lock(shop, "hero")["level"] == "auto", "that was taken back"


def test_an_approval_of_a_pinned_picture_counts_when_it_is_unpinned(shop: Workspace) -> None:
    assert shop.run("pin", "hero").code == 0
    assert shop.run("approve", "hero").out.splitlines()[0] == "approved hero"
    assert lock(shop, "hero")["level"] == "pinned"
    assert "approved already: hero" in shop.run("approve", "hero").out
    assert [one["verb"] for one in lines(shop)] == ["pin", "approve"]
    assert shop.run("unpin", "hero").code == 0
    assert lock(shop, "hero")["level"] == "approved"
    for _ in range(2):
        assert shop.run("undo").code == 0
    assert shop.run("unpin", "hero").code == 0
    assert lock(shop, "hero")["level"] == "auto", "the approval was taken back"


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
        "approved already: card/a, card/b",
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
        assert ran.code == 2
        assert f"{LIVE}:1" in ran.err and "the choices themselves stand in the lock" in " ".join(ran.err.split())
    assert lock(shop, "hero") == before
    assert set(shop.plan().values()) == {"cached"}, "a build needs no record"


# --------------------------------------------------------------------------- keep, adopt, restore, mv


def drawn(path: Path, colour: tuple[int, int, int] = (10, 200, 30), size: tuple[int, int] = (300, 200)) -> bytes:
    Image.new("RGB", size, colour).save(path)
    return path.read_bytes()


def test_keep_says_that_the_picture_is_right_for_the_new_words(shop: Workspace, live: Gateway) -> None:
    before = lock(shop, "hero")
    assert "right for its words already: hero" in shop.run("keep", "hero").out
    shop.edit("seedpipe.yaml", "A matte lamp", "A matte lamp.")
    assert shop.plan()["hero"] == "make"
    ran = shop.run("keep", "hero", "-m", "only a full stop")
    assert ran.code == 0, ran.err
    after = lock(shop, "hero")
    assert (after["take"], after["made"], after["level"]) == (before["take"], before["made"], "approved")
    assert after["want"] != before["want"] == after["made"]["request"]
    assert set(shop.plan().values()) == {"cached"}
    assert shop.run(*BUY).code == 0
    assert len(live.prompts) == 5
    assert shop.run("undo").code == 0
    assert lock(shop, "hero") == before
    assert shop.plan()["hero"] == "make"


def test_keep_waits_for_what_a_picture_is_made_from(shop: Workspace) -> None:
    shop.edit("seedpipe.yaml", "A matte lamp", "A brass lamp")
    ran = shop.run("keep", "card/a")
    assert ran.code == 1
    said = " ".join(ran.err.split())
    assert "`card/a` is made from `hero`, whose picture comes first" in said
    assert "`seedpipe approve card/a --stale` keeps it until then" in said
    assert shop.run("approve", "card/a", "--stale").code == 0
    assert shop.run(*BUY).code == 0
    assert (shop.plan()["card/a"], shop.plan()["card/b"]) == ("stale", "cached")
    assert shop.run("keep", "card/a").code == 0
    assert shop.plan()["card/a"] == "cached"


def test_what_is_approved_needs_no_word_to_stay_until_its_picture_can_be_kept(shop: Workspace) -> None:
    assert shop.run("approve", "card/a").code == 0
    shop.edit("seedpipe.yaml", "A matte lamp", "A brass lamp")
    ran = shop.run("keep", "card/a")
    assert ran.code == 1
    assert "`seedpipe build hero`, then decide" in " ".join(ran.err.split())
    assert "--stale" not in ran.err


def test_an_adopted_picture_is_kept_like_a_bought_one(shop: Workspace, live: Gateway, tmp_path: Path) -> None:
    before, picture = lock(shop, "hero"), tmp_path / "retouched.png"
    drawn(picture, size=(2048, 1536))
    ran = shop.run("adopt", "hero", str(picture), "-m", "dust removed")
    assert ran.code == 0, ran.err
    assert "it has 2048x1536 pixels, 1K is asked for" in ran.out
    assert "following it costs 0.06 USD" in ran.out
    after = lock(shop, "hero")
    assert (after["level"], after["made"]["adopted_by"]) == ("approved", "Mika Ito <mika@example.com>")
    assert (after["made"]["size"], after["want"]) == ("2048x1536", before["want"])
    assert set(before["takes"]) < set(after["takes"])
    with Image.open(shop.folder / "build/hero.jpg") as written:
        assert (written.format, written.size) == ("JPEG", (2048, 1536)), "the file is what its name promises"
    picture.unlink()
    shutil.rmtree(shop.folder / "build")
    assert shop.run("build", "--frozen").code == 3, "the cards would be bought, the hero is put there again"
    assert (shop.folder / "build/hero.jpg").exists()
    assert shop.plan()["hero"] == "cached"
    shop.edit("seedpipe.yaml", "A matte lamp", "A brass lamp")
    assert shop.run(*BUY).code == 0
    text = shop.run("takes", "hero").out
    assert "brought by Mika Ito" in text
    assert shop.run("pick", "hero", after["take"][7:19]).code == 0
    assert lock(shop, "hero")["made"]["adopted_by"] == "Mika Ito <mika@example.com>"


def test_what_is_no_picture_is_not_adopted(shop: Workspace, tmp_path: Path) -> None:
    before = lock(shop, "hero")
    whole = drawn(tmp_path / "whole.png", size=(400, 400))
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.png").write_text("not a picture")
    for name, code in (("cut.png", 1), ("text.png", 1), ("nothing.png", 2), (".", 2)):
        ran = shop.run("adopt", "hero", str(tmp_path / name))
        assert (ran.code, ran.out) == (code, ""), ran
    assert shop.run("adopt", "small", str(tmp_path / "whole.png")).code == 2, "it follows from its steps"
    assert shop.run("adopt", "card", str(tmp_path / "whole.png")).code == 2, "which of them?"
    assert lock(shop, "hero") == before
    assert not (shop.folder / LIVE).exists()


def test_a_picture_is_adopted_where_nothing_was_ever_built(workspace: Workspace, tmp_path: Path) -> None:
    workspace.environ.pop("SEEDPIPE_BASE_URL")
    workspace.write("seedpipe.yaml", LAMPS.replace("project: lamps\n", "").replace(", takes: 3", ""))
    drawn(tmp_path / "mine.png", size=(1024, 1024))
    ran = workspace.run("adopt", "card/a", str(tmp_path / "mine.png"))
    assert (ran.code, "is made from `hero`, whose picture comes first" in " ".join(ran.err.split())) == (1, True)
    ran = workspace.run("adopt", "hero", str(tmp_path / "mine.png"))
    assert ran.code == 0, ran.err
    assert workspace.plan() == {"hero": "cached", "card/a": "make", "card/b": "make", "small": "cached", "tiny": "free"}
    ran = workspace.run("undo")
    assert ran.code == 0, ran.err
    assert lock(workspace, "hero") is None, "as it was: no line"


def test_an_edited_output_is_adopted_or_restored_and_lost_by_neither(shop: Workspace) -> None:
    output = shop.folder / "build/hero.jpg"
    ours, theirs = output.read_bytes(), drawn(output)
    assert shop.plan()["hero"] == "edited"
    assert "`seedpipe adopt hero` makes your file the picture" in " ".join(shop.run("plan").out.split())
    ran = shop.run("pick", "hero", str(other(shop)))
    assert "build/hero.jpg was edited by somebody and stays" in " ".join(ran.out.split())
    assert output.read_bytes() == theirs
    assert shop.run("undo").code == 0

    ran = shop.run("restore", "hero")
    assert ran.code == 0, ran.err
    kept = lines(shop)[-1]["file"]
    assert f"the file that lay at build/hero.jpg is kept as {kept[7:19]}" in ran.out
    assert output.read_bytes() == ours
    assert set(shop.plan().values()) == {"cached"}
    ran = shop.run("undo")
    assert (ran.code, f"`seedpipe pick hero {kept[7:19]}` chooses the file that was there" in ran.err) == (1, True)

    output.write_bytes(theirs)
    assert shop.plan()["hero"] == "cached", "a file whose bytes are kept can be replaced"
    drawn(output, (1, 2, 3))
    ran = shop.run("adopt", "hero")
    assert ran.code == 0, ran.err
    with Image.open(output) as written:
        assert written.size == (300, 200)
    assert shop.plan()["hero"] == "cached"
    assert shop.run("adopt", "hero").code == 1, "it is the choice already"
    assert shop.run("pick", "hero", kept[7:19]).code == 0
    assert output.read_bytes() == theirs


def test_after_a_restore_it_is_said_where_the_file_is_and_what_came_before(shop: Workspace) -> None:
    assert shop.run("approve", "card/a").code == 0
    first = lines(shop)[-1]["id"]
    (shop.folder / "build/small.png").write_bytes(b"mine")
    ran = shop.run("restore", "small")
    path = "".join(ran.out.split()).partition("iskeptin")[2].partition("wrotebuild")[0]
    assert Path(path).read_bytes() == b"mine", "what is made here has no takes to pick it from"
    ran = shop.run("undo")
    assert ran.code == 1
    said = "".join(ran.err.split())
    assert path in said.replace("=hint:", ""), ran.err
    assert "seedpipe pick small" not in ran.err
    assert f"`seedpipe undo {first}` takes back the decision before it" in " ".join(ran.err.split())
    assert shop.run("undo", first).code == 0
    assert lock(shop, "card/a")["level"] == "auto"


def test_pictures_made_here_are_restored_too(shop: Workspace) -> None:
    small = shop.folder / "build/small.png"
    ours = small.read_bytes()
    small.write_bytes(b"not even a picture")
    (shop.folder / "build/tiny.png").unlink()
    assert (shop.plan()["small"], shop.plan()["tiny"]) == ("edited", "cached")
    assert "`seedpipe restore small` writes ours over it, and keeps yours" in " ".join(shop.run("plan").out.split())
    ran = shop.run("restore", "small", "tiny", "card/a")
    assert ran.out.splitlines()[:2] == ["restored small, tiny", "in its place already: card/a"]
    assert small.read_bytes() == ours
    assert (shop.folder / "build/tiny.png").exists()
    assert [one["node"] for one in lines(shop)] == ["small"], "what was only missing is no decision"
    assert shop.run("restore", "nothing").code == 2


def test_nothing_is_written_over_a_file_whose_picture_is_not_here(shop: Workspace, tmp_path: Path) -> None:
    shutil.copytree(shop.folder, tmp_path / "clone", ignore=shutil.ignore_patterns(".seedpipe"))
    clone = Workspace(tmp_path / "clone", **shop.environ | {"SEEDPIPE_HOME": str(tmp_path / "colleague")})
    theirs = drawn(clone.folder / "build/hero.jpg")
    ran = clone.run("restore", "hero")
    assert (ran.code, "so nothing was written" in " ".join(ran.err.split())) == (1, True)
    assert read(clone, "build/hero.jpg") == theirs


def test_a_renamed_entry_keeps_what_was_decided_about_it(shop: Workspace, live: Gateway) -> None:
    shop.run("approve", "hero", "-m", "signed off")
    shop.run("pin", "card/a")
    before = {address: lock(shop, address) for address in ("hero", "card/a", "card/b")}
    for old, new in (("  hero: {", "  lamp: {"), ("hero: hero", "hero: lamp"), ("from: hero", "from: lamp"),
                     ("  card: {", "  post: {"), ("from: card/a", "from: post/a")):  # fmt: skip
        shop.edit("seedpipe.yaml", old, new)
    assert shop.plan()["lamp"] == "cached", "a rename costs nothing"
    ran = shop.run("mv", "hero", "lamp")
    assert ran.out.splitlines() == ["moved hero → lamp", "  wrote build/lamp.jpg"], "and all is as it was"
    assert shop.run("mv", "card", "post").out.splitlines()[:2] == ["moved card/a → post/a", "moved card/b → post/b"]
    assert {address: lock(shop, address) for address in ("lamp", "post/a", "post/b")} == dict(
        zip(("lamp", "post/a", "post/b"), before.values(), strict=True)
    )
    assert lock(shop, "hero") is None
    text = shop.run("takes", "lamp").out
    assert text.splitlines()[0] == "lamp · 3 takes · approved by Mika Ito"
    assert "“signed off”" in text
    assert text.count("1024x1024") == 3, "its takes came along"
    ran = shop.run("mv", "hero", "lamp")
    assert (ran.code, "the lock has no line of `hero`" in ran.err) == (1, True)
    assert shop.run("undo").out.splitlines()[:2] == ["taken back post/a → card/a", "taken back post/b → card/b"]
    assert lock(shop, "card/a") == before["card/a"]
    assert len(live.prompts) == 5


def test_a_move_names_the_other_locks_that_have_such_lines(shop: Workspace) -> None:
    assert shop.run("build", "--proof").code == 0
    shop.edit("seedpipe.yaml", "  small: {", "  tiny2: {")
    ran = shop.run("mv", "small", "tiny2")
    assert "`seedpipe mv small tiny2 --proof`" in " ".join(ran.out.split())


def test_undo_walks_back_one_decision_at_a_time(shop: Workspace) -> None:
    for verb in ("approve", "pin", "unpin", "keep"):
        assert shop.run(verb, "hero", "-m", "x").code == 0
    told = []
    for _ in range(4):
        ran = shop.run("undo")
        assert ran.code == 0, ran.err
        told.append(next(line.split()[2] for line in ran.out.splitlines() if "that was:" in line))
    assert told == ["kept", "unpinned", "pinned", "approved"]
    assert lock(shop, "hero")["level"] == "auto"
    assert shop.run("undo").code == 1, "and no further"


def test_a_picked_picture_is_written_though_what_it_is_made_from_is_to_be_bought(shop: Workspace) -> None:
    assert shop.run("reroll", "card/a", "--yes", "--max-cost", "1").code == 0
    shop.edit("seedpipe.yaml", "A matte lamp", "A brass lamp")
    ran = shop.run("pick", "card/a", "1")
    assert ran.code == 0, ran.err
    assert "wrote build/card/a" in ran.out, "at once, though its hero is out of date"
    taken = lock(shop, "card/a")["take"]
    assert "sha256:" + hashlib.sha256(read(shop, "build/card/a.jpg")).hexdigest() == taken
    left = {node["address"]: node["writes"] for node in shop.run("plan", "--json").json["nodes"]}
    assert not left["tiny"], "and what is made from it here"


def test_following_is_priced_by_what_its_command_buys(shop: Workspace) -> None:
    """What was to be bought anyway is in the price of the command that is named."""
    shop.edit("seedpipe.yaml", "n: [a, b]", "n: [a, b, c]")
    ran = shop.run("pick", "hero", str(other(shop)))
    said = " ".join(ran.out.split())
    assert "2 pictures are made from it (card/a, card/b); following it costs 0.06 USD." in said
    assert "1 more is to be bought in any case: `seedpipe build hero+` buys all 3 for 0.09 USD" in said
    assert shop.run("plan", "hero+", "--json").json["cost"]["high"] == "0.09 USD"


def test_following_what_the_next_build_replaces_is_priced_with_it(shop: Workspace) -> None:
    """The command buys the picture itself, too."""
    assert shop.run("pin", "hero").code == 0
    shop.edit("seedpipe.yaml", "A matte lamp", "A brass lamp")
    said = " ".join(shop.run("unpin", "hero").out.split())
    assert "the next build replaces hero (prompt: matte → brass), for 0.09 USD" in said
    assert "following it costs 0.06 USD; `seedpipe build hero+` does both for 0.15 USD" in said
    plan = shop.run("plan", "hero+", "--json").json
    assert plan["cost"]["high"] == "0.15 USD"


def test_another_take_of_a_shared_picture_is_no_other_reference(workspace: Workspace) -> None:
    """Two that ask for the same had the same picture: the old one is the choice of the other still."""
    workspace.write(
        "seedpipe.yaml",
        manifest(
            "one: {prompt: A lamp, takes: 2}",
            "two: {prompt: A lamp}",
            "card: {prompt: 'A card, {{ refs.two }}', references: {two: two}}",
            "small: {from: two, steps: [{resize: 32x32}]}",
        ),
    )
    assert workspace.run("build").code == 0
    assert workspace.run("pick", "two", str(other(workspace, "two"))).code == 0
    card = next(node for node in workspace.run("plan", "--json").json["nodes"] if node["address"] == "card")
    assert [reason["sentence"] for reason in card["reasons"]] == ["two is another picture now"]


def test_explain_says_who_chose_and_when(shop: Workspace) -> None:
    told = shop.run("explain", "hero").out
    assert "auto: made by a build, and nobody has said anything" in " ".join(told.split())
    assert shop.run("approve", "hero", "-m", "lit well").code == 0
    (decision,) = lines(shop)
    told = " ".join(shop.run("explain", "hero").out.split())
    when = decision["at"][:16].replace("T", " ")
    assert f"approved by Mika Ito, {when} UTC: “lit well”" in told
    choice = shop.run("explain", "hero", "--json").json["nodes"][0]["choice"]
    assert choice == {"level": "approved", "who": "Mika Ito", "at": when, "note": "lit well"}
    assert "chosen, approved by Mika Ito" in " ".join(shop.run("takes", "hero").out.split()), "in words, too"


def test_what_has_no_takes_says_where_to_choose(shop: Workspace) -> None:
    assert "`seedpipe takes hero`" in shop.run("pin", "small").err
