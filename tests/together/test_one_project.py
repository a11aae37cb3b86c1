"""Two builds of one project at once: each picture is bought once, both end well, and the lock is whole."""

import os
import re
import signal
import time

import pytest

from seedpipe.state.lockfile import load_lock
from tests.sessions.conftest import Account
from tests.support.workspace import Ran, Workspace
from tests.together.test_caps import billed, finished, sent_twice

MANIFEST = """\
seedpipe: 1
project: lamps
provider: byteplus
defaults: {model: seedream-4-0, size: 1K}
images:
  hero: {model: seedream-3-0-t2i, size: 512x512, prompt: The lamp}
  scene: {matrix: {place: [desk, shelf, floor]}, prompt: "{{ refs.hero }} on a {{ place }}", references: {hero: hero}}
  mug: {model: seedream-3-0-t2i, size: 512x512, prompt: A mug, takes: 2}
  board: {prompt: The workshop, sequence: {frames: [{id: dawn, prompt: Dawn}, {id: dusk, prompt: Dusk}]}}
  card: {matrix: {place: [desk, shelf, floor]}, from: "scene/{{ place }}", steps: [{resize: 64x}, {convert: jpeg}]}
"""
PICTURES = 8
BUILD = ("build", "--yes", "--max-cost", "5")


def both(live: Workspace, count: int = 2) -> list[Ran]:
    running = [live.start(*BUILD) for _ in range(count)]
    return [finished(process) for process in running]


def said(live: Workspace, name: str, word: str, times: int) -> None:
    """Waits until a build's events say something so often."""
    path, until = live.folder / name, time.monotonic() + 30
    while not path.exists() or path.read_text(encoding="utf-8").count(word) < times:
        assert time.monotonic() < until
        time.sleep(0.01)


def is_whole(live: Workspace, account: Account) -> None:
    """Bought once; the lock names every picture; another build finds nothing to do."""
    assert sum(billed(account).values()) == PICTURES
    assert not [prompt for prompt in sent_twice(account) if prompt != "A mug"]
    assert set(live.plan().values()) == {"cached"}
    lock = load_lock(live.folder / "seedpipe.lock", shown_as="seedpipe.lock")
    assert set(lock.entries) == set(live.plan())
    again = live.run(*BUILD, "--json")
    assert (again.code, again.json["result"]["bought"]) == (0, 0)
    assert sum(billed(account).values()) == PICTURES
    assert not list(live.folder.rglob(".*.tmp"))


@pytest.mark.parametrize("name", ["project: lamps\n", ""], ids=["named", "without a name"])
def test_two_builds_at_once_buy_each_picture_once(live: Workspace, account: Account, name: str) -> None:
    live.write("seedpipe.yaml", MANIFEST.replace("project: lamps\n", name))
    account.faults({"do": "latency", "seconds": 0.3})
    ran = both(live)
    for one in ran:
        assert one.code == 0, one.err
        assert "someone else" not in one.err, one.err
    bought = [int(found[1]) for one in ran if (found := re.search(r"bought (\d+) picture", one.err))]
    assert sum(bought) == PICTURES, "each says what it bought itself"
    is_whole(live, account)


@pytest.mark.soak
@pytest.mark.parametrize("turn", range(6))
def test_six_builds_at_once_buy_each_picture_once(live: Workspace, account: Account, turn: int) -> None:
    live.write("seedpipe.yaml", MANIFEST)
    for ran in both(live, 6):
        assert ran.code == 0, ran.err
        assert "by someone else" not in ran.err, "all made the same choices"
    is_whole(live, account)


def test_what_a_killed_build_was_at_is_taken_up_by_the_one_that_waits(live: Workspace, account: Account) -> None:
    """What it had sent is held, by the other as well; what it had only claimed is bought by the other."""
    live.write("seedpipe.yaml", MANIFEST)
    account.faults({"do": "latency", "seconds": 1.5})
    first = live.start(*BUILD, "-j", "2", "--events", "first.jsonl")
    said(live, "first.jsonl", '"request_sent"', 2)
    second = live.start(*BUILD, "--events", "second.jsonl")
    said(live, "second.jsonl", '"elsewhere"', 1)
    os.kill(first.pid, signal.SIGKILL)
    first.communicate()
    ran = finished(second)
    assert ran.code == 75, ran.err
    assert not [prompt for prompt in sent_twice(account) if prompt != "A mug"]
    account.faults()
    assert live.run(*BUILD, "--retry-unknown").code == 0
    assert set(live.plan().values()) == {"cached"}
