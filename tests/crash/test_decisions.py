"""Decisions killed between any two of their steps: the choice is the earlier one or the new one, whole, and nothing is lost."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.sessions.conftest import manifest
from tests.support.kill import Kill, steps_in
from tests.support.workspace import Workspace

LAMPS = manifest(
    "hero: {prompt: A lamp, takes: 2}",
    "card: {prompt: 'Card, {{ refs.hero }}', references: {hero: hero}}",
    "small: {from: hero, steps: [{resize: 64x64}, {convert: png}]}",
)
LOCK, RECORD = ".seedpipe/proof/seedpipe.lock", ".seedpipe/proof/seedpipe.decisions.jsonl"


@dataclass
class Desk:
    """One project in a folder of its own, with all that it remembers."""

    workspace: Workspace
    log: Path

    @property
    def entries(self) -> dict[str, Any]:
        """The lock's lines. What a build adds to a line by itself is no choice."""
        lines = (self.workspace.folder / LOCK).read_text(encoding="utf-8").splitlines()[1:]
        found = {name: json.loads(body) for name, _, body in (line.partition(" ") for line in lines)}
        return {name: value for name, value in found.items() if "want" in value}

    @property
    def choices(self) -> dict[str, tuple[str, str, str]]:
        return {name: (entry["want"], entry["take"], entry["level"]) for name, entry in self.entries.items()}

    def run(self, *arguments: str) -> int:
        return self.workspace.run(*arguments, "--proof").code

    def killed(self, kill: Kill | None, *arguments: str) -> int:
        return self.workspace.run_watched(self.log, kill, *arguments, "--proof").code


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built once, and decided about a little; each test has a copy."""
    folder = tmp_path_factory.mktemp("built")
    with pytest.MonkeyPatch.context() as patch:  # it begins before any test's own home
        patch.setenv("HOME", str(folder))
        workspace = Workspace(folder / "work", SEEDPIPE_HOME=str(folder / "home"), GIT_AUTHOR_NAME="Mika")
        (folder / "home").mkdir()
        workspace.write("seedpipe.yaml", LAMPS)
        assert workspace.run("build", "--proof").code == 0
        assert workspace.run("approve", "hero", "--proof").code == 0
        Image.new("RGB", (200, 200), (10, 200, 30)).save(folder / "mine.png")
    return folder


@pytest.fixture
def desk(built: Path, tmp_path: Path) -> Callable[[str], Desk]:
    def copied(name: str) -> Desk:
        folder = tmp_path / name
        shutil.copytree(built, folder)
        environ = {"SEEDPIPE_HOME": str(folder / "home"), "GIT_AUTHOR_NAME": "Mika"}
        return Desk(Workspace(folder / "work", **environ), folder / "log")

    return copied


def prepared(desk: Desk, verb: str) -> tuple[str, ...]:
    """What is to be decided, after what has to be there for it."""
    work = desk.workspace
    match verb:
        case "pick":
            chosen = desk.entries["hero"]["take"]
            other = next(take for take in desk.entries["hero"]["takes"] if take != chosen)
            return ("pick", "hero", other[7:27])
        case "adopt":
            return ("adopt", "hero", str(work.folder.parent / "mine.png"))
        case "restore":
            shutil.copyfile(work.folder.parent / "mine.png", work.folder / "build/@proof/hero.jpg")
            return ("restore", "hero")
        case "mv":
            work.edit("seedpipe.yaml", "  hero:", "  lamp:")
            work.edit("seedpipe.yaml", "{hero: hero}", "{hero: lamp}")
            work.edit("seedpipe.yaml", "from: hero", "from: lamp")
            return ("mv", "hero", "lamp")
        case _:
            return ("undo",)


def survives(new: Callable[[str], Desk], verb: str, kill: Kill, wanted: dict[str, Any]) -> bool:
    """Dies, looks, decides again, and ends where it would have ended. Whether the kill struck."""
    desk = new(f"{verb} {kill}".replace(" ", "-"))
    arguments, before = prepared(desk, verb), desk.choices
    struck = desk.killed(kill, *arguments) == -9
    choices = desk.choices
    changed = {name for name in {*choices, *before, *wanted} if choices.get(name) != before.get(name)}
    assert all(choices.get(name) == wanted.get(name) for name in changed), (
        "the choice is half of one and half of another"
    )
    for entry in desk.entries.values():
        for take in entry["takes"]:
            assert list((desk.workspace.folder.parent / "home").rglob(take[9:])), "a take is named that is nowhere"
    assert desk.run("takes") == 0, "the record can be read"
    if choices != wanted or verb != "undo":  # what was taken back needs no second undo
        assert desk.run(*arguments) == (1 if verb == "mv" and choices == wanted else 0)
    assert desk.choices == wanted
    assert desk.run("build", "--frozen") in (0, 3)
    return struck


def outcome(new: Callable[[str], Desk], verb: str) -> tuple[dict[str, Any], dict[str, int]]:
    """What the verb comes to when nobody dies, and how often it takes each step."""
    desk = new(f"whole-{verb}")
    arguments = prepared(desk, verb)
    assert desk.killed(None, *arguments) == 0
    return desk.choices, steps_in(desk.log)


@pytest.mark.parametrize("verb", ["pick", "undo", "adopt", "restore", "mv"])
def test_killed_before_what_makes_each_step_durable(desk: Callable[[str], Desk], verb: str) -> None:
    """The first steps to disk are the store's, the record's and the lock's; what follows them is a build's."""
    wanted, steps = outcome(desk, verb)
    kills = [Kill(step="fsync", nth=nth) for nth in range(1, min(steps["fsync"], 7) + 1)]
    kills += [Kill(step="rename", nth=nth, after=True) for nth in range(1, min(steps["rename"], 3) + 1)]
    assert sum(survives(desk, verb, kill, wanted) for kill in kills) == len(kills)


@pytest.mark.soak
@pytest.mark.parametrize("verb", ["pick", "undo", "adopt", "restore", "mv"])
def test_killed_at_every_step(desk: Callable[[str], Desk], verb: str) -> None:
    wanted, steps = outcome(desk, verb)
    kills = [
        Kill(step=step, nth=nth, after=after)
        for step in ("fsync", "rename")
        for nth in range(1, steps[step] + 1)
        for after in (False, True)
    ]
    assert sum(survives(desk, verb, kill, wanted) for kill in kills) > len(kills) * 0.9
