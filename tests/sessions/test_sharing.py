"""A colleague's clone: the committed lock and outputs are enough, and bytes that are nowhere are no licence to buy."""

import shutil
from pathlib import Path

import pytest

from tests.sessions.conftest import manifest
from tests.support.relay import Gateway
from tests.support.workspace import Workspace

LAMPS = manifest(
    "hero: {prompt: A lamp}",
    "card: {prompt: 'On a card, {{ refs.hero }}', references: {hero: hero}}",
    "small: {from: hero, steps: [{resize: 64x64}, {convert: png}]}",
)
BUY = ("build", "--yes", "--max-cost", "1")


@pytest.fixture
def clone(workspace: Workspace, live: Gateway, tmp_path: Path) -> Workspace:
    """What git would bring to a machine that has never seen the project."""
    workspace.environ["SEEDPIPE_BASE_URL"] = live.base_url
    workspace.write("seedpipe.yaml", LAMPS)
    assert workspace.run(*BUY).code == 0
    shutil.copytree(workspace.folder, tmp_path / "clone", ignore=shutil.ignore_patterns(".seedpipe"))
    return Workspace(tmp_path / "clone", **workspace.environ | {"SEEDPIPE_HOME": str(tmp_path / "colleague")})


def test_the_same_lock_and_outputs_send_nothing(clone: Workspace, live: Gateway) -> None:
    lock = (clone.folder / "seedpipe.lock").read_bytes()
    assert set(clone.plan().values()) == {"fetch"}, "the outputs have the bytes"
    ran = clone.run("build", "--json")
    assert (ran.code, ran.json["result"]["bought"]) == (0, 0), ran.err
    assert set(clone.plan().values()) == {"cached"}
    assert len(live.prompts) == 2
    assert (clone.folder / "seedpipe.lock").read_bytes() == lock
    clone.edit("seedpipe.yaml", "On a card", "On a postcard")
    assert clone.run(*BUY).code == 0, "the output of `hero` stands in for its take"
    assert live.prompts[2:] == ["On a postcard, image 1"]


def test_missing_bytes_are_said_and_never_bought(clone: Workspace, live: Gateway) -> None:
    hero = clone.folder / "build/hero.jpg"
    picture = hero.read_bytes()
    hero.unlink()
    assert clone.plan() == {"hero": "missing", "card": "fetch", "small": "fetch"}
    for arguments in ((*BUY,), (*BUY, "hero"), (*BUY, "--retry-unknown")):
        ran = clone.run(*arguments)
        assert ran.code == 1, ran.err
        assert "bring the bytes back" in " ".join(ran.err.split())
    clone.edit("seedpipe.yaml", "On a card", "On a postcard")
    assert clone.plan() == {"hero": "missing", "card": "blocked", "small": "cached"}
    assert clone.run(*BUY).code == 1
    assert len(live.prompts) == 2, "nothing was bought for what can't be found"
    hero.write_bytes(picture)
    assert clone.run(*BUY).code == 0
    assert live.prompts[2:] == ["On a postcard, image 1"]
