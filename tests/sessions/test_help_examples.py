"""Every example of every verb's help is typed, in a project that it fits."""

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import click
import pytest

from seedpipe.cli import VERBS
from seedpipe.cli import seedpipe as group
from tests.sessions.conftest import manifest
from tests.support.repository import Repository
from tests.support.workspace import REPOSITORY, Service

LAMPS = manifest(
    "hero: {prompt: 'A lamp in {{ light }}', looks: {day: {}, night: {light: dim blue}}}",
    "scene: {matrix: {sku: [LUM-01, '0140']}, prompt: 'Desk {{ sku }}', model: seedream-4-5, size: 2K}",
    "banner: {matrix: {market: [en, ja]}, from: hero, steps: [{resize: 64x64}, {convert: png}]}",
    "board: {sequence: {frames: [{id: wide, prompt: Wide}, {id: hands, prompt: Hands}]}}",
    "logo-lockup: {prompt: A mark}",
    "old-hero: {matrix: {n: [a, b]}, prompt: 'Old {{ n }}'}",
    head="vars: {light: noon}\nprofiles: {draft: {}}\n",
)
USAGE = "time,model,images,amount,request id\n2026-11-20 10:00:00,seedream-4-0-250828,1,0.03,q1\n"
BILL = "Date,Spec,Usage,Amount (pre-tax)\n2026-11-20,seedream-4-0-250828,1,0.03\n"
# An id and a day of the help stand for one's own.
ID, DAY = "k3f9x2mq", "2026-11-24"
# It serves until it is stopped, and its other lines are another program's: tests/emulator types it.
NOT_TYPED = ("emulator",)


def examples() -> Iterator[tuple[str, ...]]:
    """The lines of each verb's example, without comments, the verb first."""

    def below(path: Sequence[str], command: click.Command) -> Iterator[tuple[str, ...]]:
        shown = (command.help or "").partition("Example:\n")[2].splitlines()
        assert shown, path
        yield (" ".join(path), *(line.strip() for line in shown if line.strip() and not line.lstrip().startswith("#")))
        for name, inner in command.commands.items() if isinstance(command, click.Group) else ():
            yield from below([*path, name], inner)

    for verb in VERBS:
        command = group.get_command(click.Context(group), verb)
        assert command is not None
        yield from below([verb], command)


EXAMPLES = {verb: lines for verb, *lines in examples()}


class Desk(Repository):
    """The project, with a shell that knows `&&`, `cd`, `>` and `~`."""

    def type(self, line: str) -> None:
        for part in line.split("&&"):
            words = [os.path.expanduser(word) for word in shlex.split(part, comments=True)]
            if words[0] == "cd":
                self.folder = self.folder / words[1]
                continue
            if words[0] == "mkdir":
                Path(words[-1]).mkdir(parents=True, exist_ok=True)
                continue
            target = words[words.index(">") + 1] if ">" in words else None
            assert words[0] == "seedpipe", line
            ran = self.run(*words[1 : words.index(">") if target else None])
            assert ran.code == 0, (line, ran.out, ran.err)
            if target is not None:
                assert ran.out
                (self.folder / target).write_text(ran.out, encoding="utf-8")

    def last_decision(self) -> str:
        return str(self.run("takes", "hero", "--json").json["nodes"][0]["decisions"][-1]["id"])


def uncertain(desk: Desk, service: Service) -> None:
    service.faults({"do": "bad-gateway", "match": "lamp in"})
    desk.edit("seedpipe.yaml", "A lamp in", "The lamp in")
    assert desk.run("build", "hero").code == 75
    service.faults()


def edited(desk: Desk, *paths: str) -> None:
    for path in paths:
        shutil.copyfile(REPOSITORY / "examples/brand-kit/art/logo.png", desk.folder / f"build/@proof/{path}")


def renamed(desk: Desk, old: str, new: str) -> None:
    desk.edit("seedpipe.yaml", old, new)


# What has to have happened before a line can be typed.
BEFORE: dict[str, Callable[[Desk, Service], object]] = {
    "seedpipe pick hero 3": lambda desk, _: desk.run("reroll", "hero", "-n", "3"),
    "seedpipe build --plan change.json --yes": lambda desk, _: desk.run("plan", "-o", "change.json"),
    "seedpipe unpin": lambda desk, _: desk.run("pin", "logo-lockup"),
    "seedpipe keep hero": lambda desk, _: renamed(desk, "A lamp in", "One lamp in"),
    "seedpipe keep 'scene": lambda desk, _: renamed(desk, "Desk", "A desk"),
    "seedpipe adopt hero ": lambda desk, _: edited(desk, "hero.jpg"),
    "seedpipe restore hero": lambda desk, _: edited(desk, "hero.jpg"),
    "seedpipe restore 'banner": lambda desk, _: edited(desk, "banner/en.png", "banner/ja.png"),
    "seedpipe mv hero": lambda desk, _: desk.write(
        "seedpipe.yaml", LAMPS.replace("  hero:", "  lamp:").replace("from: hero", "from: lamp")
    ),
    "seedpipe mv scene": lambda desk, _: renamed(desk, "LUM-01", "LUM-0100"),
    "seedpipe promote --from draft hero": lambda desk, _: desk.run("build", "hero", "--profile", "draft"),
    "seedpipe undo": lambda desk, _: desk.run("pin", "hero"),
    "seedpipe lock prune": lambda desk, _: desk.write("seedpipe.yaml", LAMPS[: LAMPS.index("  old-hero")]),
    "seedpipe spend reconcile usage": lambda desk, _: desk.write("usage.csv", USAGE),
    "seedpipe spend reconcile bill": lambda desk, _: desk.write("bill.csv", BILL),
    "seedpipe resolve hero": uncertain,
}


@pytest.fixture(scope="module")
def built(running: Service, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    folder = tmp_path_factory.mktemp("help")
    running.faults()
    places = {"SEEDPIPE_HOME": "data", "XDG_CONFIG_HOME": "config", "HOME": "home"}
    environ = {name: str(folder / path) for name, path in places.items()}
    (folder / "home/retouched").mkdir(parents=True)
    shutil.copyfile(REPOSITORY / "docs/brand-kit.jpg", folder / "home/retouched/hero.png")
    desk = Desk(folder / "work", SEEDPIPE_BASE_URL=running.base_url, SEEDPIPE_API_KEY="key-help-0123456789", **environ)
    desk.write("seedpipe.yaml", LAMPS)
    desk.git("init", "-q", "-b", "main")
    desk.commit("The manifest")
    assert desk.run("build").code == 0
    for tag in ("v1", "v2"):
        desk.edit("seedpipe.yaml", "A mark", f"A mark of {tag}")
        desk.commit(tag)
        desk.git("tag", tag)
    desk.write("seedpipe.yaml", LAMPS)
    desk.commit("As it was")
    return desk


@pytest.mark.parametrize("verb", [verb for verb in EXAMPLES if verb not in NOT_TYPED])
def test_the_examples_of(
    built: Desk, running: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    root = tmp_path / "all"
    shutil.copytree(built.folder.parent, root)
    desk = Desk(
        root / "work",
        **{name: value.replace(str(built.folder.parent), str(root)) for name, value in built.environ.items()},
    )
    monkeypatch.setenv("HOME", desk.environ["HOME"])
    for line in EXAMPLES[verb]:
        for beginning, prepare in BEFORE.items():
            if line.startswith(beginning):
                prepare(desk, running)
        if verb == "login":
            key_typed(desk, line)
        else:
            desk.type(own_words(desk, line))


def own_words(desk: Desk, line: str) -> str:
    """With an id and a day of one's own."""
    if ID in line:
        return line.replace(ID, desk.last_decision())
    return line.replace(DAY, f"{datetime.now(UTC):%Y-%m-%d}") if line.startswith("seedpipe pick") else line


def key_typed(desk: Desk, line: str) -> None:
    command = [sys.executable, "-m", "seedpipe", *shlex.split(line)[1:]]
    ran = subprocess.run(
        command, input="key-0123456789\n", text=True, env=desk.environ, capture_output=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
