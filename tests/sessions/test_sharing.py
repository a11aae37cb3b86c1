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


@pytest.fixture
def finished(workspace: Workspace, live: Gateway, tmp_path: Path) -> Workspace:
    """A clone in which one output is not the picture as it came: its path promises another format."""
    workspace.environ["SEEDPIPE_BASE_URL"] = live.base_url
    workspace.write(
        "seedpipe.yaml",
        manifest(
            "hero: {prompt: A lamp, output: hero.png}",
            "card: {prompt: 'On a card, {{ refs.hero }}', references: {hero: hero}}",
            "small: {from: hero, steps: [{resize: 64x64}, {convert: png}]}",
        ),
    )
    assert workspace.run(*BUY).code == 0
    shutil.copytree(workspace.folder, tmp_path / "clone", ignore=shutil.ignore_patterns(".seedpipe"))
    return Workspace(tmp_path / "clone", **workspace.environ | {"SEEDPIPE_HOME": str(tmp_path / "colleague")})


def test_an_output_in_another_format_is_enough_where_nothing_is_to_be_made_of_it(
    finished: Workspace, live: Gateway
) -> None:
    lock, picture = (finished.folder / "seedpipe.lock").read_bytes(), (finished.folder / "build/hero.png").read_bytes()
    assert finished.plan() == {"hero": "cached", "card": "fetch", "small": "fetch"}
    assert finished.run("build", "--frozen").code == 0
    assert set(finished.plan().values()) == {"cached"}
    for words in (("approve", "hero"), ("pin", "hero"), ("restore", "hero"), ("undo",), ("undo",)):
        assert finished.run(*words).code == 0
    assert (finished.folder / "seedpipe.lock").read_bytes() == lock
    assert (finished.folder / "build/hero.png").read_bytes() == picture
    assert len(live.prompts) == 2


def test_what_would_be_made_of_a_picture_that_is_here_only_in_another_format_says_so(
    finished: Workspace, live: Gateway
) -> None:
    """What was paid for is sent as it came, or not at all."""
    finished.edit("seedpipe.yaml", "On a card", "On a postcard")
    assert finished.plan() == {"hero": "cached", "card": "blocked", "small": "fetch"}
    for words in (("plan",), ("explain", "card")):
        said = " ".join(finished.run(*words).out.split())
        assert "hero is here only as build/hero.png, not as it came" in said
        assert "`seedpipe reroll hero` buys another" in said
    for words in (BUY, (*BUY, "card"), ("build", "--frozen")):
        ran = finished.run(*words)
        assert ran.code == 1, "a picture is lacking"
        assert "bring the data folder of the machine that bought it" in " ".join(ran.err.split())
    assert len(live.prompts) == 2
    (finished.folder / "build/hero.png").unlink()
    assert finished.plan() == {"hero": "missing", "card": "blocked", "small": "cached"}


def test_pointers_of_pictures_that_are_at_hand_are_no_edits(
    clone: Workspace, live: Gateway, workspace: Workspace
) -> None:
    """`git lfs` has fetched none in a second clone of the same person: ours are written, as it would have done."""
    clone.environ["SEEDPIPE_HOME"] = workspace.environ["SEEDPIPE_HOME"]
    pictures = {path: path.read_bytes() for path in (clone.folder / "build").iterdir()}
    for path, data in pictures.items():
        digest = hashlib.sha256(data).hexdigest()
        path.write_text(f"version https://git-lfs.github.com/spec/v1\noid sha256:{digest}\nsize {len(data)}\n")
    assert set(clone.plan().values()) == {"cached"}
    assert clone.run("restore", "hero").code == 0
    assert clone.run("build", "--frozen").code == 0
    assert {path: path.read_bytes() for path in pictures} == pictures
    other = clone.folder / "build/hero.jpg"
    other.write_text(f"version https://git-lfs.github.com/spec/v1\noid sha256:{'ab' * 32}\nsize 7\n")
    assert clone.plan()["hero"] == "edited", "of a picture that somebody else has put there"
    assert clone.run("build", "--frozen").code == 1
    assert other.read_bytes().startswith(b"version https://git-lfs")


def test_pointers_of_pictures_made_here_are_no_edits_either(clone: Workspace) -> None:
    for name in ("hero.jpg", "small.png"):
        path = clone.folder / "build" / name
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        path.write_text(
            f"version https://git-lfs.github.com/spec/v1\noid sha256:{digest}\nsize {path.stat().st_size}\n"
        )
    assert clone.plan() == {"hero": "missing", "card": "fetch", "small": "blocked"}
    assert "small: `seedpipe adopt" not in clone.run(*BUY).err


RENAMED = (
    LAMPS.replace("  hero:", "  lamp:").replace("{hero: hero}", "{hero: lamp}").replace("from: hero", "from: lamp")
)


def test_a_picture_renamed_in_a_clone_is_found_in_the_file_of_its_old_name(clone: Workspace, live: Gateway) -> None:
    clone.write("seedpipe.yaml", RENAMED)
    assert clone.plan() == {"lamp": "fetch", "card": "fetch", "small": "fetch"}
    assert clone.run("build", "--frozen").code == 0
    picture = (clone.folder / "build/hero.jpg").read_bytes()
    assert (clone.folder / "build/lamp.jpg").read_bytes() == picture
    assert set(clone.plan().values()) == {"cached"}
    assert len(live.prompts) == 2
    assert clone.run("lock", "prune").code == 0
    assert set(clone.plan().values()) == {"cached"}


def test_a_picture_whose_output_stays_where_it_was_is_found_there(clone: Workspace, live: Gateway) -> None:
    """Its old name had the same `output`."""
    clone.edit("seedpipe.yaml", "{prompt: A lamp}", "{prompt: A lamp, output: the-lamp.jpg}")
    (clone.folder / "build/hero.jpg").rename(clone.folder / "build/the-lamp.jpg")
    assert clone.plan()["hero"] == "fetch"
    clone.write("seedpipe.yaml", RENAMED.replace("{prompt: A lamp}", "{prompt: A lamp, output: the-lamp.jpg}"))
    assert clone.plan()["lamp"] == "fetch"
    assert clone.run("build", "--frozen").code == 0
    assert len(live.prompts) == 2


def test_people_decide_by_any_output_that_holds_the_picture(clone: Workspace, live: Gateway) -> None:
    """As builds do: `takes`, `pick` and `restore` take the bytes from the file of another name."""
    clone.write("seedpipe.yaml", RENAMED)
    picture = (clone.folder / "build/hero.jpg").read_bytes()
    (take,) = clone.run("takes", "lamp", "--json").json["nodes"][0]["groups"][0]["takes"]
    assert (take["digest"], take["at_hand"]) == (f"sha256:{hashlib.sha256(picture).hexdigest()}", True)
    ran = clone.run("pick", "lamp", "1")
    assert ran.code == 0, ran.err
    assert (clone.folder / "build/lamp.jpg").read_bytes() == picture
    shutil.rmtree(clone.environ["SEEDPIPE_HOME"])
    (clone.folder / "build/lamp.jpg").write_bytes(b"painted over")
    ran = clone.run("restore", "lamp")
    assert ran.code == 0, ran.err
    assert (clone.folder / "build/lamp.jpg").read_bytes() == picture
    assert len(live.prompts) == 2


def test_a_renamed_picture_whose_bytes_are_nowhere_is_missing_and_not_bought_again(
    clone: Workspace, live: Gateway
) -> None:
    """As under its old name: only a person's word buys another."""
    (clone.folder / "build/hero.jpg").unlink()
    clone.write("seedpipe.yaml", RENAMED)
    assert clone.plan() == {"lamp": "missing", "card": "fetch", "small": "fetch"}
    told = " ".join(clone.run("plan").out.split())
    assert "of hero, which asked for the same, is nowhere on this machine" in told
    assert clone.run(*BUY).code == 1
    assert clone.run(*BUY, "lamp").code == 1
    assert len(live.prompts) == 2
    assert clone.run("lock", "prune", "hero").code == 0
    assert clone.plan()["lamp"] == "make", "nothing tells any more that it was bought"
    assert clone.run("undo").code == 0
    assert clone.run("reroll", "lamp", "--yes", "--max-cost", "1").code == 0
    assert clone.plan()["lamp"] == "cached"
    assert len(live.prompts) == 3
