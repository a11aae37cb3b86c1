"""What a branch changes in pictures, read from git alone: words, parameters, references, choices, cost, terms."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from PIL import Image

from tests.sessions.conftest import manifest
from tests.support.relay import Gateway
from tests.support.repository import Repository
from tests.support.workspace import REPOSITORY, Ran

HEAD = "budget: {per_build: 1 USD}\ndata: {rooms: {from: rooms.csv, key: id}}\n"
IMAGES = (
    "mark: {file: mark.png}",
    "hero: {prompt: 'A brass lamp with {{ refs.mark }}', references: {mark: mark}}",
    "room: {matrix: {room: rooms}, prompt: 'The {{ room.name }}, lit by {{ refs.hero }}', references: {hero: hero}}",
    "card: {from: hero, steps: [{crop: '1:1'}, {text: 'Lamp'}]}",
    "chair: {prompt: A chair}",
)


@pytest.fixture
def repository(tmp_path: Path, live: Gateway) -> Repository:
    made = Repository(tmp_path / "work", SEEDPIPE_BASE_URL=live.base_url, SEEDPIPE_API_KEY="key-0123456789")
    made.write("seedpipe.yaml", manifest(*IMAGES, head=HEAD))
    made.write("rooms.csv", "id,name\na,study\nb,hall\n")
    made.write(".gitignore", "build/\n.seedpipe/\n")
    Image.new("RGB", (64, 64), "#0b1f3a").save(made.folder / "mark.png")
    made.git("init", "-q")
    made.build()
    made.commit("first")
    return made


def diff(repository: Repository, *words: str) -> dict[str, Any]:
    ran = repository.run("diff", *words, "--json")
    assert ran.code == 0, ran.err
    return dict(ran.json)


def of(found: dict[str, Any], address: str) -> dict[str, Any]:
    return next(node for node in found["nodes"] if node["address"] == address)


def said(ran: Ran) -> str:
    return " ".join(ran.out.split())


def test_nothing_changed_is_said_in_one_line(repository: Repository) -> None:
    assert repository.run("diff").out == "lamps · HEAD → work tree · no picture changes\n"
    assert repository.run("diff", "--exit-code").code == 0
    assert repository.run("diff", "--format", "markdown").out == "<!-- seedpipe diff -->\nNo picture changes.\n"
    repository.edit("seedpipe.yaml", "seedpipe: 1", "# a comment\nseedpipe: 1")
    assert diff(repository)["nodes"] == [], "what changes no picture is no change"


def test_changed_words_and_what_follows_from_them(repository: Repository) -> None:
    repository.edit("seedpipe.yaml", "A brass lamp", "A steel lamp")
    found = diff(repository)
    hero = of(found, "hero")
    assert hero["words"] == [{"what": "prompt", "old": "A brass lamp with image 1", "new": "A steel lamp with image 1"}]
    assert (hero["change"], hero["state"], hero["cost"]["high"]) == ("changed", "make", "0.03 USD")
    assert hero["position"].startswith("seedpipe.yaml:")
    assert of(found, "room/a")["because"] == ["hero changes"]
    assert of(found, "card")["state"] == "free"
    assert (found["pictures"], found["cost"]["high"], found["pending_pictures"]) == (3, "0.09 USD", 0)
    text = repository.run("diff").out
    assert "A [-brass-]{+steel+} lamp with image 1" in text
    assert "building it buys 3 pictures, 0.09 USD" in text
    assert max(map(len, text.splitlines())) <= 80
    assert repository.run("diff", "--exit-code").code == 3


def test_the_picture_after_building_and_who_chose_it(repository: Repository) -> None:
    repository.edit("seedpipe.yaml", "A chair", "An oak chair")
    repository.build()
    repository.run("approve", "chair")
    found = of(diff(repository), "chair")
    assert found["before"]["level"] == "auto"
    assert found["after"] == {"take": repository.entry("chair")["take"], "level": "approved"}
    assert "pictures" not in found, "it was bought already"
    repository.commit("oak")
    assert diff(repository)["nodes"] == []
    between = diff(repository, "HEAD~1..HEAD")
    assert of(between, "chair")["after"] == found["after"]


def test_more_takes_to_choose_from(repository: Repository) -> None:
    repository.run("approve", "chair")
    repository.commit("approved")
    assert repository.run("reroll", "chair", "--yes", "--max-cost", "1").code == 0
    found = of(diff(repository), "chair")
    assert (found["new_takes"], found["before"], "pictures" in found) == (1, found["after"], False)
    assert "1 take more to choose from" in said(repository.run("diff"))


def test_parameters_references_data_sources_and_steps(repository: Repository) -> None:
    repository.edit("seedpipe.yaml", "chair: {prompt: A chair}", "chair: {prompt: A chair, size: 2K, takes: 2}")
    repository.edit("seedpipe.yaml", "references: {hero: hero}", "references: {hero: hero, mark: mark}")
    repository.edit("seedpipe.yaml", "{crop: '1:1'}", "{crop: '4:3'}")
    repository.edit("rooms.csv", "hall", "library")
    Image.new("RGB", (64, 64), "#f5b700").save(repository.folder / "mark.png")
    found = diff(repository)
    fields = {field["name"]: (field["old"], field["new"]) for field in of(found, "chair")["fields"]}
    assert fields == {"size": ("1K", "2K"), "takes": ("1", "2")}
    room = of(found, "room/b")
    assert room["references_added"] == ["mark"]
    assert room["words"][0]["new"] == "The library, lit by image 1"
    assert of(found, "mark")["source_changed"] is True
    assert of(found, "card")["fields"] == [{"name": "crop", "old": "1:1", "new": "4:3"}]


def test_what_came_what_went_and_what_moved(repository: Repository) -> None:
    repository.run("approve", "chair")
    repository.commit("approved")
    text = (repository.folder / "seedpipe.yaml").read_text()
    repository.write("seedpipe.yaml", text.replace("  chair: {prompt: A chair}\n", "  stool: {prompt: A stool}\n"))
    found = diff(repository)
    assert {node["address"]: node["change"] for node in found["nodes"]} == {"stool": "added", "chair": "removed"}
    assert "its approved picture" in said(repository.run("diff"))
    repository.write("seedpipe.yaml", text.replace("  chair: {prompt: A chair}\n", "  seat: {prompt: A chair}\n"))
    moved = of(diff(repository), "seat")
    assert (moved["change"], moved["moved_from"]) == ("moved", "chair")
    assert diff(repository)["pictures"] == 0


def test_what_was_pending_before_is_not_the_changes(repository: Repository) -> None:
    repository.edit("seedpipe.yaml", "A chair", "An oak chair")
    repository.commit("nobody built it")
    repository.edit("seedpipe.yaml", "A brass lamp", "A steel lamp")
    found = diff(repository)
    assert (found["pictures"], found["pending_pictures"], found["pending"]["high"]) == (3, 1, "0.03 USD")
    assert "1 picture more (0.03 USD) were to be bought before" in said(repository.run("diff"))


def test_provider_and_budget_come_first_and_policy_has_exit_codes(repository: Repository) -> None:
    repository.edit("seedpipe.yaml", "per_build: 1 USD", "per_build: 50 USD")
    repository.edit("seedpipe.yaml", "seedpipe: 1\n", "seedpipe: 1\nprovider: byteplus\n")
    repository.edit("seedpipe.yaml", "A brass lamp", "A steel lamp")
    lines = repository.run("diff").out.splitlines()
    assert lines[0] == "! provider: apiyi → byteplus"
    assert "! budget per build: 1.00 USD → 50.00 USD" in lines[1:3]
    markdown = repository.run("diff", "--format", "markdown", "--warn-above", "0.05")
    assert markdown.code == 0
    assert markdown.out.splitlines()[1].startswith("> ⚠️ **provider**")
    assert "building this change costs up to 0.09 USD, more than 0.05 USD" in markdown.out.replace("\\", "")
    denied = repository.run("diff", "--deny-above", "0.05 USD")
    assert denied.code == 4
    assert "denied: building this change costs up to 0.09 USD, and 0.05 USD is allowed" in denied.err
    assert repository.run("diff", "--deny-above", "0.09").code == 0
    assert repository.run("diff", "--deny-above", "5 CNY").code == 2


def test_words_of_a_manifest_do_not_become_markup(repository: Repository) -> None:
    repository.edit("seedpipe.yaml", "A chair", "<script>alert(1)</script> | @everyone **x** <!-- -->")
    page = repository.run("diff", "--format", "html").out
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert re.findall(r'src="(?!data:)', page) == []
    assert "http" not in page.replace("http-equiv", "")
    markdown = repository.run("diff", "--format", "markdown").out
    assert "<script" not in markdown
    assert "@everyone" not in markdown
    assert all(len(re.findall(r"(?<!\\)\|", line)) == 6 for line in markdown.splitlines() if line.startswith("| ~"))


def test_a_page_with_the_pictures_before_and_after(repository: Repository) -> None:
    repository.edit("seedpipe.yaml", "A chair", "An oak chair")
    repository.build()
    page = repository.run("diff", "--format", "html").out
    assert page.count('src="data:image/jpeg;base64,') == 2
    shutil.rmtree(repository.folder / "build")
    shutil.rmtree(Path(os.environ["SEEDPIPE_HOME"]) / "projects")
    without = repository.run("diff", "--format", "html").out
    assert without.count("this picture is not on this machine") == 2


def test_revisions_that_can_not_be_compared(repository: Repository, tmp_path: Path) -> None:
    assert "git knows no revision `nope`" in repository.run("diff", "nope").err
    assert repository.run("diff", "nope").code == 2
    assert "three dots" in repository.run("diff", "a...b").err
    assert repository.run("diff", "--", "--output=/tmp/x").code == 2
    repository.edit("seedpipe.yaml", "prompt: A chair", "promt: A chair")
    repository.commit("broken")
    repository.edit("seedpipe.yaml", "promt: A chair", "prompt: A chair")
    broken = repository.run("diff")
    assert broken.code == 2
    assert "the manifest at `HEAD` can't be read" in broken.err
    shutil.rmtree(repository.folder / ".git")
    assert "not in a git work tree" in repository.run("diff").err


def test_a_project_below_the_top_of_its_repository_and_before_it_was_there(tmp_path: Path, live: Gateway) -> None:
    top = Repository(tmp_path / "top")
    top.write("README", "x")
    top.git("init", "-q")
    top.commit("empty")
    below = Repository(
        tmp_path / "top/pictures/lamps", SEEDPIPE_BASE_URL=live.base_url, SEEDPIPE_API_KEY="k-0123456789"
    )
    below.write("seedpipe.yaml", manifest("lamp: {prompt_file: ../words/lamp.j2}"))
    below.write("../words/lamp.j2", "A lamp")
    first = diff(below)
    assert [(node["address"], node["change"]) for node in first["nodes"]] == [("lamp", "added")]
    top.commit("lamps")
    below.write("../words/lamp.j2", "A tall lamp")
    assert of(diff(below), "lamp")["words"] == [{"what": "prompt", "old": "A lamp", "new": "A tall lamp"}]


def test_the_workflow_of_the_examples_as_it_is_written(repository: Repository) -> None:
    """Its steps, run by a shell in a clone that has no store and no key: outputs are committed."""
    repository.write(".gitignore", ".seedpipe/\n")
    repository.commit("with pictures")
    base = repository.git("rev-parse", "HEAD").strip()
    repository.edit("seedpipe.yaml", "A chair", "An oak chair")
    repository.build()
    repository.commit("oak")
    clone = repository.folder.parent / "clone"
    repository.git("clone", "-q", str(repository.folder), str(clone))
    steps = yaml.safe_load((REPOSITORY / "examples/ci/pictures.yml").read_text())["jobs"]["pictures"]["steps"]
    commands = {step["name"]: step["run"] for step in steps if "run" in step and step["name"] != "install"}
    assert list(commands) == ["check", "compare", "summary", "build what is free"]
    environ = {name: value for name, value in repository.environ.items() if not name.startswith("SEEDPIPE_")}
    environ |= {"CI": "true", "BASE": base, "SEEDPIPE_HOME": str(clone.parent / "nobody")}
    environ["GITHUB_STEP_SUMMARY"] = str(clone.parent / "summary.md")
    environ["PATH"] = f"{Path(sys.executable).parent}:{environ['PATH']}"
    for name, command in commands.items():
        ran = subprocess.run(
            ["bash", "-ec", command], cwd=clone, env=environ, capture_output=True, text=True, check=False
        )
        assert ran.returncode == 0, f"{name}: {ran.stdout}{ran.stderr}"
    comment = (clone / "pictures.md").read_text()
    assert comment.startswith("<!-- seedpipe diff -->")
    assert "`chair`" in comment
    assert (clone.parent / "summary.md").read_text() == comment
    (clone / "seedpipe.yaml").write_text((clone / "seedpipe.yaml").read_text().replace("A brass lamp", "A steel lamp"))
    frozen = subprocess.run(
        ["bash", "-ec", commands["build what is free"]], cwd=clone, env=environ, capture_output=True
    )
    assert frozen.returncode == 3


def test_json_of_a_change_is_stable(repository: Repository) -> None:
    repository.edit("seedpipe.yaml", "A chair", "An oak chair")
    text = json.dumps(diff(repository), sort_keys=True)
    assert text == json.dumps(diff(repository), sort_keys=True)


def test_what_many_pictures_have_in_common_is_told_once(repository: Repository) -> None:
    """A word of a shared line moves them all: twenty rows would hide what else a pull request changes."""
    rows = "".join(f"r{number},room {number}\n" for number in range(20))
    repository.write("rooms.csv", f"id,name\n{rows}")
    told = said(repository.run("diff"))
    assert "+ room/* ×20 0.60 seedpipe.yaml:" in told and "room/r0, for one: {+The room 0, lit by image 1+}" in told
    assert "- room/a" in told and "- room/b" in told, "few are named"
    repository.build()
    repository.commit("twenty rooms")
    repository.edit("seedpipe.yaml", "lit by", "softly lit by")
    repository.edit("rooms.csv", "room 7", "cellar")
    repository.edit("seedpipe.yaml", "A chair", "A stool")
    text = repository.run("diff").out
    assert text.count("~ ") == 3, text
    assert "~ room/* ×19 0.57 seedpipe.yaml:" in said(repository.run("diff"))
    assert "~ room/r7 " in text and "cellar" in text
    table = repository.run("diff", "--format", "markdown").out
    assert "| ~ | `room/*` ×19 | 0.57 USD |" in table and "`chair`" in table
    assert len(diff(repository)["nodes"]) == 21, "programs get each"
    repository.build()
    assert "and 18 more like it" in said(repository.run("diff")), "each has a picture of its own"


def test_many_that_follow_say_what_in_one_word(repository: Repository) -> None:
    repository.edit("seedpipe.yaml", "chair: {prompt: A chair}", "sign: {prompt: Signs, references: ['room/*']}")
    repository.write("rooms.csv", "id,name\n" + "".join(f"r{number},room {number}\n" for number in range(5)))
    repository.build()
    repository.commit("signs")
    repository.edit("seedpipe.yaml", "lit by", "softly lit by")
    assert "follow sign 0.03 USD room/* changes" in said(repository.run("diff"))


def test_a_renamed_picture_takes_its_choice_along_where_the_manifest_says_so(repository: Repository) -> None:
    repository.run("approve", "hero")
    repository.commit("approved")
    for old, new in (
        ("hero: {prompt", "lamp: {prompt"),
        ("{hero: hero}", "{hero: lamp}"),
        ("from: hero", "from: lamp"),
    ):
        repository.edit("seedpipe.yaml", old, new)
    (lamp,) = diff(repository)["nodes"]
    assert (lamp["address"], lamp["change"], lamp["moved_from"]) == ("lamp", "moved", "hero")
    assert lamp["before"]["take"] == lamp["after"]["take"], "nothing is bought, it is the same picture"
    assert "approved → auto" in said(repository.run("diff")), "and nobody's choice any more"
    repository.edit("seedpipe.yaml", "images:", "moved: {hero: lamp}\nimages:")
    (lamp,) = diff(repository)["nodes"]
    assert lamp["before"] == lamp["after"]
    assert "replaced" not in said(repository.run("diff"))


def test_the_page_says_which_picture_is_not_yet_of_the_new_words(repository: Repository) -> None:
    repository.edit("seedpipe.yaml", "A chair", "An oak chair")
    repository.build()
    repository.edit("seedpipe.yaml", "An oak chair", "An elm chair")
    page = repository.run("diff", "--format", "html").out
    assert page.count("<figure>") == 2
    assert page.count("made before this change: to be bought again") == 1
    repository.build()
    assert "to be bought again" not in repository.run("diff", "--format", "html").out


def test_a_shallow_clone_says_what_it_lacks(repository: Repository, tmp_path: Path) -> None:
    repository.edit("seedpipe.yaml", "A chair", "A stool")
    repository.commit("stool")
    shallow = Repository(tmp_path / "shallow")
    shallow.git("clone", "-q", "--depth", "1", f"file://{repository.folder}", ".")
    assert shallow.run("diff").code == 0
    ran = shallow.run("diff", "HEAD~1")
    assert (ran.code, "`git fetch --unshallow`" in ran.err) == (2, True)


def test_a_comment_fits_into_a_comment_however_much_changed(tmp_path: Path) -> None:
    many = Repository(tmp_path / "many")
    words = " ".join(f"_lamp_{number}* <b>" for number in range(60))
    entries = [f"e{number}: {{prompt: '{number} {words}'}}" for number in range(90)]
    many.write("seedpipe.yaml", manifest(*entries))
    many.git("init", "-q")
    many.commit("many")
    for number in range(90):
        many.edit(
            "seedpipe.yaml", f"'{number} _lamp", f"'{number} {' '.join(f'*{number}{n}*' for n in range(70))} _lamp"
        )
    comment = many.run("diff", "--format", "markdown").out
    rows = comment.count("| ~ |")
    assert 10 < rows < 60 and len(comment) < 60_000
    assert f"and {90 - rows} pictures more" in comment


def test_a_checkout_without_the_pictures_of_git_lfs_is_compared_all_the_same(repository: Repository) -> None:
    """A job that fetched none of them: the pointers say which pictures they stand for."""
    mark = repository.folder / "mark.png"
    data = mark.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    repository.write("mark.png", f"version https://git-lfs.github.com/spec/v1\noid sha256:{digest}\nsize {len(data)}\n")
    assert diff(repository)["nodes"] == []
    repository.commit("kept with Git LFS")
    repository.edit("seedpipe.yaml", "A chair", "A stool")
    assert [node["address"] for node in diff(repository)["nodes"]] == ["chair"]
    repository.write("mark.png", (repository.folder / "mark.png").read_text().replace(digest[:8], "0" * 8))
    assert of(diff(repository), "mark")["source_changed"]


def test_a_project_that_moved_to_another_folder_is_the_same_project(repository: Repository) -> None:
    repository.git("rm", "-rq", "--cached", ".")
    repository.write(".gitignore", "build/\n.seedpipe/\nport\n")
    repository.commit("first")
    moved = repository.folder / "pictures"
    moved.mkdir()
    for name in ("seedpipe.yaml", "seedpipe.lock", "rooms.csv", "mark.png"):
        repository.git("mv", name, f"pictures/{name}")
    below = Repository(moved, **repository.environ)
    assert diff(below)["nodes"] == []
    repository.git("mv", "pictures/seedpipe.yaml", "pictures/brand.yaml")
    below.edit("brand.yaml", "A chair", "A stool")
    found = below.run("-f", "brand.yaml", "diff", "--json").json
    assert [(node["address"], node["change"]) for node in found["nodes"]] == [("chair", "changed")]
    repository.commit("moved")
    assert below.run("-f", "brand.yaml", "diff", "HEAD~1..HEAD", "--json").json["nodes"][0]["address"] == "chair"


def test_changed_words_point_at_the_line_that_moved_them(repository: Repository) -> None:
    repository.edit("rooms.csv", "hall", "library")
    assert of(diff(repository), "room/b")["at"] == ["rooms.csv:3", "seedpipe.yaml:9"]
    assert "~ room/b 0.03 rooms.csv:3" in said(repository.run("diff"))
    repository.edit("rooms.csv", "study", "den")
    assert "| `rooms.csv:2` |" in repository.run("diff", "--format", "markdown").out
    repository.edit("seedpipe.yaml", "lit by", "softly lit by")
    repository.commit("softly")
    between = diff(repository, "HEAD~1..HEAD")
    assert of(between, "room/b")["at"] == ["rooms.csv:3", "seedpipe.yaml:9"], "read from git, too"


def test_a_profile_that_is_new_is_compared_with_nothing(repository: Repository) -> None:
    repository.edit("seedpipe.yaml", "images:", "profiles: {draft: {force: {size: 1K}}}\nimages:")
    found = diff(repository, "--profile", "draft")
    assert {node["change"] for node in found["nodes"]} == {"added"}


def test_before_the_first_commit_the_way_is_said(tmp_path: Path) -> None:
    empty = Repository(tmp_path / "empty")
    empty.write("seedpipe.yaml", manifest("lamp: {prompt: A lamp}"))
    empty.git("init", "-q")
    ran = empty.run("diff")
    assert (ran.code, "nothing is committed yet" in " ".join(ran.err.split())) == (2, True)


def test_a_project_without_a_name_is_called_as_its_folder(tmp_path: Path) -> None:
    repository = Repository(tmp_path / "shop", SEEDPIPE_HOME=str(tmp_path / "home"))
    repository.write("seedpipe.yaml", "seedpipe: 1\nimages: {hero: {prompt: A lamp, model: seedream-4-0}}\n")
    repository.git("init", "-q", "-b", "main")
    repository.commit("The manifest")
    repository.edit("seedpipe.yaml", "A lamp", "Two lamps")
    assert repository.run("build", "--proof").code == 0  # it has an id now, which is nobody's name
    assert repository.run("diff").out.startswith("shop · HEAD → work tree · 1 changed")
    assert repository.run("plan").out.startswith("shop · 1 picture")


def test_every_term_of_spending_is_said_first(repository: Repository) -> None:
    repository.edit("seedpipe.yaml", "budget: {per_build: 1 USD}", "budget: {per_build: 1 USD, project: 3 USD}")
    provider = "provider: {like: byteplus, api_key_env: MINE, endpoints: {seedream-4-0: ep-20260101120000-abcde}}"
    repository.edit("seedpipe.yaml", "images:", f"{provider}\nimages:")
    repository.commit("terms")
    repository.edit("seedpipe.yaml", "project: 3 USD", "project: 30 USD")
    repository.edit("seedpipe.yaml", "MINE", "YOURS")
    repository.edit("seedpipe.yaml", "-abcde", "-fghij")
    assert [(term["name"], term["old"], term["new"]) for term in diff(repository)["terms"]] == [
        ("key variable", "MINE", "YOURS"),
        ("endpoint of seedream-4-0", "ep-20260101120000-abcde", "ep-20260101120000-fghij"),
        ("budget project", "3.00 USD", "30.00 USD"),
    ]


def test_what_git_has_against_a_folder_is_said_in_its_words(repository: Repository) -> None:
    (repository.folder / ".git" / "config").write_text("[core\n")
    ran = repository.run("diff")
    assert (ran.code, "git does not read `work`: bad config" in " ".join(ran.err.split())) == (2, True), ran.err
