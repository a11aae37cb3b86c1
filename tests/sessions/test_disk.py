"""A disk that refuses: nothing is bought that could not be written down, nothing is half decided, and no bug is blamed."""

from pathlib import Path

import pytest

from tests.sessions.conftest import manifest
from tests.sessions.test_choices import BUY, LIVE, other, read
from tests.support.relay import Gateway
from tests.support.workspace import Workspace

LAMPS = manifest("hero: {prompt: A matte lamp, takes: 2}", "card: {prompt: A card}")
REROLL = ("reroll", "hero", "--yes", "--max-cost", "1")


@pytest.fixture
def shop(workspace: Workspace, live: Gateway) -> Workspace:
    """All of it is bought, and something was decided."""
    workspace.environ |= {"SEEDPIPE_BASE_URL": live.base_url, "GIT_AUTHOR_NAME": "Mika"}
    workspace.write("seedpipe.yaml", LAMPS)
    assert workspace.run(*BUY).code == 0
    assert workspace.run("approve", "card").code == 0
    return workspace


@pytest.mark.parametrize("broken", ["<<<<<<< HEAD\n", '{"x":1}\n'])
def test_a_record_that_can_not_be_read_has_nothing_rolled_again(shop: Workspace, live: Gateway, broken: str) -> None:
    """It could not say afterwards whose word it was."""
    sent = len(live.prompts)
    shop.write(LIVE, read(shop, LIVE).decode() + broken)
    ran = shop.run(*REROLL)
    assert ran.code == 2, ran.err
    assert f"`{LIVE}`" in ran.err
    assert len(live.prompts) == sent


@pytest.mark.parametrize("words", [BUY, REROLL])
def test_nothing_is_bought_that_the_lock_could_not_say(shop: Workspace, live: Gateway, words: tuple[str, ...]) -> None:
    """A read-only project: what a person would wait for is told before it costs something."""
    sent = len(live.prompts)
    shop.edit("seedpipe.yaml", "A card", "A postcard")
    mutex = shop.folder / ".seedpipe" / "lock.mutex"
    mutex.unlink()
    mutex.mkdir()  # as good as a file that can't be opened, also for root
    ran = shop.run(*words)
    assert ran.code == 1
    assert "can't be written" in ran.err and "is the disk full or read-only?" in ran.err
    assert len(live.prompts) == sent


def test_making_sure_leaves_nothing_beside_the_lock(shop: Workspace) -> None:
    before = sorted(path.name for path in shop.folder.iterdir())
    shop.edit("seedpipe.yaml", "A card", "A postcard")
    assert shop.run(*BUY).code == 0
    assert sorted(path.name for path in shop.folder.iterdir()) == before


def test_a_disk_that_fills_up_before_the_lock_is_written_leaves_nothing_decided(shop: Workspace) -> None:
    lock, record, picture = read(shop, "seedpipe.lock"), read(shop, LIVE), read(shop, "build/hero.jpg")
    obstacle = shop.folder / ".seedpipe.lock.tmp"
    obstacle.mkdir()
    for words in (("pick", "hero", str(other(shop))), ("approve", "hero"), ("undo",)):
        ran = shop.run(*words)
        assert ran.code == 1
        assert "`seedpipe.lock` can't be written" in ran.err, ran.err
        assert (read(shop, "seedpipe.lock"), read(shop, LIVE)) == (lock, record)
        assert read(shop, "build/hero.jpg") == picture
    obstacle.rmdir()
    assert shop.run("approve", "hero").code == 0


def test_a_file_in_the_place_of_our_folder_is_named(shop: Workspace) -> None:
    folder: Path = shop.folder / ".seedpipe"
    folder.rename(shop.folder / "aside")
    folder.write_text("mine")
    for words in (("approve", "hero"), ("plan", "--json"), ("takes", "hero")):
        ran = shop.run(*words)
        assert ran.code in (0, 1)
        assert ran.code == 0 or "should be a folder and is something else" in ran.err, ran.err
    assert shop.run("approve", "hero").code == 1
