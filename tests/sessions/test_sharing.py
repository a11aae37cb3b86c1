"""A colleague's clone: the committed lock and outputs are enough, and bytes that are nowhere are no licence to buy."""

import hashlib
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
        assert "bring the data folder of the machine that bought it, or its output file" in " ".join(ran.err.split())
    clone.edit("seedpipe.yaml", "On a card", "On a postcard")
    assert clone.plan() == {"hero": "missing", "card": "blocked", "small": "cached"}
    assert clone.run(*BUY).code == 1
    assert len(live.prompts) == 2, "nothing was bought for what can't be found"
    hero.write_bytes(picture)
    assert clone.run(*BUY).code == 0
    assert live.prompts[2:] == ["On a postcard, image 1"]


def test_who_can_not_bring_a_picture_back_may_buy_another(clone: Workspace, live: Gateway) -> None:
    """As `plan` says: by `reroll`, which a person types; the one in the lock stays a take."""
    (clone.folder / "build/hero.jpg").unlink()
    assert "`seedpipe reroll hero` buys another" in " ".join(clone.run("plan").out.split())
    ran = clone.run("reroll", "hero", "--yes", "--max-cost", "1")
    assert ran.code == 0, ran.err
    assert len(live.prompts) == 3
    assert clone.plan()["hero"] == "cached"


def test_a_pointer_in_the_place_of_a_picture_is_named(clone: Workspace, live: Gateway) -> None:
    """What `git lfs` has not fetched is no picture that somebody edited, and none that is lost."""
    hero = clone.folder / "build/hero.jpg"
    digest = hashlib.sha256(hero.read_bytes()).hexdigest()
    hero.write_text(f"version https://git-lfs.github.com/spec/v1\noid sha256:{digest}\nsize {hero.stat().st_size}\n")
    assert clone.plan()["hero"] == "missing"
    said = " ".join(clone.run("plan").out.split())
    assert "build/hero.jpg is a Git LFS pointer, not the picture itself" in said
    assert "→ `git lfs pull` brings it" in said
    ran = clone.run(*BUY)
    assert ran.code == 1
    assert "`git lfs pull` brings it" in " ".join(ran.err.split())
    assert len(live.prompts) == 2
