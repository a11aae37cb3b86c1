"""Two branches of one project, merged by git: what both bought stays, and a choice is nobody's but a person's."""

import json
import sys
from pathlib import Path

import pytest

from tests.sessions.conftest import manifest
from tests.support.relay import Gateway
from tests.support.repository import Repository


@pytest.fixture
def repository(tmp_path: Path, live: Gateway) -> Repository:
    environ = {"SEEDPIPE_BASE_URL": live.base_url, "SEEDPIPE_API_KEY": "key-0123456789"}
    made = Repository(tmp_path / "work", **environ)
    made.write("seedpipe.yaml", manifest("desk: {prompt: A desk}", "lamp: {prompt: A lamp}", "sofa: {prompt: A sofa}"))
    made.write(".gitignore", "build/\n.seedpipe/\n")
    made.git("init", "-q")
    made.build()
    made.commit("first")
    made.git("branch", "other")
    return made


def diverge(repository: Repository) -> None:
    """Here the lamp is re-worded, there its neighbour and the lamp too: git can't merge lines that stand together."""
    repository.edit("seedpipe.yaml", "A lamp", "A brass lamp")
    repository.build()
    repository.commit("brass")
    repository.git("checkout", "-q", "other")
    repository.edit("seedpipe.yaml", "A desk", "An oak desk")
    repository.build()
    repository.commit("oak")
    repository.git("checkout", "-q", "main")


def test_neighbouring_lines_that_git_could_not_merge(repository: Repository, live: Gateway) -> None:
    diverge(repository)
    repository.git("merge", "-q", "other", fails=True)
    ran = repository.run("plan")
    assert ran.code == 2
    assert "a merge left conflict markers here" in ran.err
    repository.write("seedpipe.yaml", resolved_by_hand((repository.folder / "seedpipe.yaml").read_text()))
    ran = repository.run("plan")
    assert ran.code == 2
    assert "conflict markers" in ran.err
    assert "seedpipe lock merge" in ran.err
    merged = repository.run("lock", "merge")
    assert merged.code == 0, merged.err
    assert "`seedpipe.lock` is merged" in merged.out
    assert set(repository.plan().values()) == {"cached"}, "both were bought, and nothing is bought again"
    before = len(live.prompts)
    repository.build()
    assert len(live.prompts) == before
    repository.commit("merge")
    assert "nothing to merge" in repository.run("lock", "merge").out


def resolved_by_hand(text: str) -> str:
    """The manifest's own conflict, as a person settles it: both new words."""
    if "<<<<<<<" not in text:
        return text
    head, _, rest = text.partition("<<<<<<<")
    body, _, tail = rest.partition(">>>>>>>")
    assert "brass lamp" in body
    tail = tail.partition("\n")[2]
    return head + "  desk: {prompt: An oak desk}\n  lamp: {prompt: A brass lamp}\n" + tail


def test_the_same_words_bought_on_both_branches_keep_both_takes(repository: Repository) -> None:
    takes = set()
    for branch, place in (("main", "one"), ("other", "two")):
        repository.git("checkout", "-q", branch)
        repository.edit("seedpipe.yaml", "A lamp", "A brass lamp")
        elsewhere = {"SEEDPIPE_HOME": str(repository.folder.parent / place)}  # a colleague's machine
        repository.build("lamp", **elsewhere)
        takes.add(repository.entry("lamp")["take"])
        repository.commit("brass")
    assert len(takes) == 2
    repository.git("merge", "-q", "main", fails=True)
    ran = repository.run("lock", "merge")
    assert ran.code == 0
    assert "`lamp` was bought on both sides" in ran.out
    entry = repository.entry("lamp")
    assert entry["take"] in takes
    assert set(entry["takes"]) == takes
    repository.edit("seedpipe.yaml", "A brass lamp", "A tin lamp")
    repository.build("lamp", **elsewhere)
    told = repository.run("takes", "lamp", "--json", **elsewhere).json["nodes"][0]["groups"]
    assert takes < {take["digest"] for group in told for take in group["takes"]}, "also what a colleague bought"


def test_what_two_people_chose_needs_a_person(repository: Repository) -> None:
    lock = (repository.folder / "seedpipe.lock").read_text()
    line = next(line for line in lock.splitlines() if line.startswith("lamp "))
    for branch, level, digit in (("main", "approved", "a"), ("other", "pinned", "b")):
        repository.git("checkout", "-q", branch)
        entry = json.loads(line.partition(" ")[2])
        entry |= {"level": level, "take": f"sha256:{digit * 64}", "takes": [*entry["takes"], f"sha256:{digit * 64}"]}
        text = json.dumps(entry, separators=(",", ":"), sort_keys=True)
        repository.write("seedpipe.lock", lock.replace(line, f"lamp {text}"))
        repository.commit(level)
    repository.git("merge", "-q", "main", fails=True)
    ran = repository.run("lock", "merge", "--json")
    assert ran.code == 1
    assert ran.json["locks"][0]["disputes"] == ["lamp"]
    text = (repository.folder / "seedpipe.lock").read_text()
    assert text.count("<<<<<<<") == 1
    assert "desk {" in text
    again = repository.run("lock", "merge", "--prefer", "theirs")
    assert again.code == 0
    entry = repository.entry("lamp")
    assert (entry["level"], entry["take"]) == ("approved", f"sha256:{'a' * 64}")
    assert f"sha256:{'b' * 64}" in entry["takes"]


@pytest.mark.parametrize("arguments", ["%O %A %B", "%O %A %B %P"])
def test_as_a_merge_driver_of_git(repository: Repository, arguments: str) -> None:
    diverge(repository)
    repository.git("config", "merge.seedpipe.driver", f"{sys.executable} -m seedpipe lock merge {arguments}")
    repository.write(".gitattributes", "seedpipe*.lock merge=seedpipe\n")
    repository.commit("driver")
    repository.git("merge", "-q", "other", fails=True)  # of the manifest, which is a person's text
    assert repository.git("diff", "--name-only", "--diff-filter=U").split() == ["seedpipe.yaml"]
    repository.write("seedpipe.yaml", resolved_by_hand((repository.folder / "seedpipe.yaml").read_text()))
    assert set(repository.plan().values()) == {"cached"}


def test_a_driver_calls_the_lock_by_its_name_and_says_nothing_where_all_is_well(repository: Repository) -> None:
    ours = (repository.folder / "seedpipe.lock").read_text()
    for name in ("base", "ours", "theirs"):
        repository.write(name, ours)
    ran = repository.run("lock", "merge", "base", "ours", "theirs", "seedpipe.lock")
    assert (ran.code, ran.out, ran.err) == (0, "", "")
    address, _, line = next(line for line in ours.splitlines() if '"level":"auto"' in line).partition(" ")
    for name, take in (("ours", "1" * 64), ("theirs", "2" * 64)):
        entry = json.loads(line) | {"level": "approved", "take": f"sha256:{take}"}
        text = json.dumps(entry, sort_keys=True, separators=(",", ":"))
        repository.write(name, ours.replace(f"{address} {line}", f"{address} {text}"))
    ran = repository.run("lock", "merge", "base", "ours", "theirs", "campaigns/seedpipe.lock")
    assert ran.code == 1
    assert "`campaigns/seedpipe.lock` is merged but for 1 line" in ran.out
    assert repository.run("lock", "merge", "base", "ours").code == 2


def test_what_is_broken_is_said_and_left(repository: Repository) -> None:
    lock = repository.folder / "seedpipe.lock"
    for text, words in (
        ("<<<<<<< HEAD\nx {}\n", "not closed"),
        (lock.read_text() + "<<<<<<< a\nlamp {}\n=======\nlamp {}\n>>>>>>> b\n", "can't be read"),
        ("=======\n>>>>>>> b\n", "does not match"),
    ):
        lock.write_text(text)
        ran = repository.run("lock", "merge")
        assert (ran.code, lock.read_text()) == (2, text)
        assert words in " ".join(ran.err.split()), ran.err
    assert repository.run("lock", "merge", "a", "b").code == 2
