"""A person decides while a build waits for its answers, or while another person decides: every word stands."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from PIL import Image

from tests.sessions.conftest import bought, manifest
from tests.sessions.test_choices import BUY, LIVE, lines, lock, other, takes
from tests.support.relay import Gateway
from tests.support.warm import Started
from tests.support.workspace import Ran, Workspace

LAMPS = manifest(
    "hero: {prompt: A matte lamp, takes: 2}",
    "card: {prompt: 'Card, {{ refs.hero }}', references: {hero: hero}}",
    "chair: {prompt: A chair}",
)
YES = ("--yes", "--max-cost", "1")


@pytest.fixture
def shop(workspace: Workspace, live: Gateway) -> Workspace:
    """All of it is bought."""
    return bought(workspace, live, LAMPS)


@contextmanager
def in_flight(shop: Workspace, live: Gateway, *arguments: str) -> Iterator[Started]:
    """A command that has sent its first request, and gets no answer before the block ends."""
    before, until = len(live.prompts), time.monotonic() + 60
    live.may_answer.clear()
    process = shop.start(*arguments)
    try:
        while len(live.prompts) == before:
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < until
            time.sleep(0.01)
        yield process
    finally:
        live.may_answer.set()


def ended(process: Started) -> Ran:
    out, err = process.communicate(timeout=100)
    return Ran(process.returncode, out, err)


@pytest.mark.parametrize("verb", ["pick", "pin", "keep", "adopt"])
def test_what_was_decided_while_a_build_waited_stands_and_what_it_brings_can_be_picked(
    shop: Workspace, live: Gateway, tmp_path: Path, verb: str
) -> None:
    Image.new("RGB", (40, 40), "teal").save(tmp_path / "mine.png")
    more = {"pick": (str(other(shop)),), "adopt": (str(tmp_path / "mine.png"),)}.get(verb, ())
    known = set(takes(shop, "hero").values())
    shop.edit("seedpipe.yaml", "A matte lamp", "A brass lamp")
    with in_flight(shop, live, *BUY, "hero") as build:
        assert shop.run(verb, "hero", *more).code == 0
        decided = lock(shop, "hero")
    ran = ended(build)
    assert ran.code == 0, ran.err
    assert "someone else" in ran.err, ran.err
    after = lock(shop, "hero")
    assert (after["take"], after["level"], after["want"]) == (decided["take"], decided["level"], decided["want"])
    assert [one["verb"] for one in lines(shop)] == [verb]
    new = set(takes(shop, "hero").values()) - known - {after["take"]}
    assert len(new) == 2, "what it brought was paid for, and is listed"
    assert (shop.folder / "build/hero.jpg").exists()
    sent = len(live.prompts)
    assert shop.plan("hero")["hero"] == ("pinned" if verb == "pin" else "cached")
    assert shop.run(*BUY, "hero").code == 0
    assert len(live.prompts) == sent, "nothing is bought beside a person's word"
    picked = new.pop()
    assert shop.run("pick", "hero", picked[7:27]).code == 0
    assert lock(shop, "hero")["take"] == picked
    assert shop.run("undo").code == 0
    assert lock(shop, "hero")["take"] == after["take"]


@pytest.mark.parametrize("verb", ["approve", "pin"])
def test_a_picture_that_somebody_chose_while_it_was_rolled_again_stays(
    shop: Workspace, live: Gateway, verb: str
) -> None:
    before = lock(shop, "hero")
    with in_flight(shop, live, "reroll", "hero", *YES) as rolling:
        assert shop.run(verb, "hero").code == 0
    ran = ended(rolling)
    assert ran.code == 0, ran.err
    assert "stays" in ran.out and "seedpipe pick hero 3" in " ".join(ran.out.split())
    after = lock(shop, "hero")
    assert (after["take"], len(after["takes"])) == (before["take"], 3)
    assert after["level"] == ("approved" if verb == "approve" else "pinned")
    assert [one["verb"] for one in lines(shop)] == [verb]


@pytest.mark.parametrize("verb", ["unpin", "undo"])
def test_a_pin_that_was_taken_away_meanwhile_is_not_put_back(shop: Workspace, live: Gateway, verb: str) -> None:
    shop.run("pin", "hero")
    shop.edit("seedpipe.yaml", "A matte lamp", "A brass lamp")
    shop.edit("seedpipe.yaml", "A chair", "A stool")
    with in_flight(shop, live, *BUY) as build:
        assert shop.run(*(["undo"] if verb == "undo" else ["unpin", "hero"])).code == 0
    assert ended(build).code == 0
    assert live.prompts[4:] == ["A stool"], "when it was planned the hero was pinned"
    assert lock(shop, "hero")["level"] == "auto"
    assert shop.plan()["hero"] == "make"


def test_a_note_stands_in_the_way_of_nothing(shop: Workspace, live: Gateway) -> None:
    before = lock(shop, "hero")
    shop.edit("seedpipe.yaml", "A matte lamp", "A brass lamp")
    with in_flight(shop, live, *BUY) as build:
        assert shop.run("note", "hero", "-m", "is the client informed?").code == 0
    assert ended(build).code == 0
    (note,) = lines(shop)
    assert (note["before"], note["after"]) == (before, before)
    assert lock(shop, "hero")["want"] != before["want"]
    assert set(shop.plan().values()) == {"cached"}


def test_all_who_decide_at_once_are_heard_one_after_the_other(shop: Workspace) -> None:
    """Each has seen what the one before left, or is told to look again: nobody's word vanishes."""
    words = [
        ("pick", "hero", "1"),
        ("pick", "hero", "2"),
        ("pin", "hero"),
        ("approve", "hero"),
        ("approve", "card", "--stale"),
    ]
    running = [shop.start(*word, GIT_AUTHOR_NAME=f"Person {place}") for place, word in enumerate(words)]
    ran = [ended(process) for process in running]
    record, standing = lines(shop), dict.fromkeys(("hero", "card"))
    for one in ran:
        assert one.code == 0 or "was changed while you decided; nothing was done" in " ".join(one.err.split()), one.err
    heard = {place for place, one in enumerate(ran) if one.code == 0 and " already: " not in one.out}
    assert {one["who"] for one in record} == {f"Person {place}" for place in heard}
    assert any(words[place][1] == "hero" for place in heard) and 4 in heard
    for one in record:
        before = standing[one["node"]]
        assert before is None or _choice(one["before"]) == _choice(before), "it was decided about what there was"
        standing[one["node"]] = one["after"]
    for name, value in standing.items():
        assert _choice(lock(shop, name)) == _choice(value), "the last word counts"
    assert (shop.folder / LIVE).read_text().count("\n") == len(record)


def _choice(line: dict[str, object] | None) -> object:
    assert line is not None
    return {name: value for name, value in line.items() if name not in ("output", "finish")}


@pytest.mark.parametrize("verb", ["pick", "pin", "adopt"])
def test_what_is_made_from_a_picture_goes_on_with_what_was_decided_about_it_meanwhile(
    shop: Workspace, live: Gateway, tmp_path: Path, verb: str
) -> None:
    """Else it would be paid for twice: once from the picture that the build brought, once from the one that was chosen."""
    Image.new("RGB", (40, 40), "teal").save(tmp_path / "mine.png")
    more = {"pick": (str(other(shop)),), "adopt": (str(tmp_path / "mine.png"),)}.get(verb, ())
    shop.edit("seedpipe.yaml", "A matte lamp", "A brass lamp")
    with in_flight(shop, live, *BUY) as build:
        assert shop.run(verb, "hero", *more).code == 0
        decided = lock(shop, "hero")
        file = (shop.folder / "build/hero.jpg").read_bytes()
    ran = ended(build)
    assert ran.code == 0, ran.err
    assert lock(shop, "hero")["take"] == decided["take"]
    assert lock(shop, "card")["asked"]["references"] == [decided["take"]]
    assert (shop.folder / "build/hero.jpg").read_bytes() == file
    sent = len(live.prompts)
    assert set(shop.plan().values()) <= {"cached", "pinned"}
    assert shop.run(*BUY).code == 0
    assert len(live.prompts) == sent, "nothing is left to buy"
