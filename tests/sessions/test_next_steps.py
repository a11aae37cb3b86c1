"""Errors as people meet them: each is provoked, and says what is wrong and what to do next."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.sessions.conftest import manifest
from tests.support.workspace import REPOSITORY, Ran, Workspace

LAMPS = manifest(
    "art: {file: art.png}",
    "hero: {prompt: A matte lamp, takes: 2, tags: [launch]}",
    "card: {matrix: {n: [a, b]}, prompt: 'Card {{ n }}, {{ refs.hero }}', references: {hero: hero}}",
    "board: {sequence: {frames: [{id: wide, prompt: Wide}, {id: hands, prompt: Hands}]}}",
    "small: {from: hero, steps: [{resize: 64x64}, {convert: png}]}",
    "later: {prompt: Not yet}",
    head="vars: {brand: Lumen}\nprofiles: {draft: {}}\n",
)
# What no sentence for people has: names of Python, of the operating system's calls, or of nothing.
_JARGON = re.compile(r"Traceback|\[Errno|\bNone\b|<class|object at|[A-Z][a-z]+(Error|Exception)\b|\bdict\b|NoneType")


def check(ran: Ran, line: str) -> None:
    said = " ".join(ran.err.split())
    assert ran.code not in (0, 130), (line, ran.out)
    assert not ran.out or line.startswith("build"), (line, ran.out)  # its plan comes first
    assert re.search(r"(^| )error: [^A-Z]|→ ", said), (line, said)
    assert re.search(r"hint: |\^ \S|→ ", said), (line, said)  # beside the caret, where it fits
    assert not _JARGON.search(said), (line, said)
    paths = ("--> /", "[1/1]")  # of a log, and of a file that is not the project's: they stay whole
    assert all(len(one) <= 80 or any(path in one for path in paths) for one in ran.err.splitlines()), (line, ran.err)


@pytest.fixture(scope="module")
def built(running, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A project whose pictures are there, but one."""
    folder = tmp_path_factory.mktemp("next-steps")
    running.faults()
    workspace = Workspace(
        folder / "work",
        SEEDPIPE_HOME=str(folder / "home"),
        SEEDPIPE_BASE_URL=running.base_url,
        SEEDPIPE_API_KEY="key-next-steps-0123456789",
    )
    workspace.write("seedpipe.yaml", LAMPS)
    shutil.copyfile(REPOSITORY / "examples/brand-kit/art/logo.png", workspace.folder / "art.png")
    assert workspace.run("build", "--exclude", "later").code == 0
    return workspace


COMMANDS = """
bogus
plan --nope
plan nothing
plan later/x
plan --by colour
plan --var brand=Lux
plan --profile draft --var brand
plan --profile nope
plan --proof --var nope=1
plan --provider nowhere
plan -o nowhere/plan.json
build --plan nowhere.json
build --plan seedpipe.yaml
build later --yes --max-cost abc
build later --plan art.png
build later --events nowhere/events.jsonl
build later --max-per-day 1 --provider nowhere
explain nothing
takes nothing
pick hero
pick hero 9
pick card 1
pick art 1
pick small 1
pick later 1
pick hero x
approve later
approve nothing
pin later
unpin hero
keep later
adopt hero nowhere.png
adopt hero seedpipe.yaml
adopt hero .
adopt hero
restore art
restore later
note hero
mv hero lamp
mv lamp hero
mv hero hero
promote --from nope
upgrade nothing
undo nothing
undo
diff
diff a...b
lock merge one two three
lock merge one
lock prune hero
spend --since yesterday
spend --since 2026-11-02 --until 2026-11-01
spend reconcile nowhere.csv
spend reconcile seedpipe.yaml
spend reconcile seedpipe.yaml --zone CST
spend reconcile seedpipe.yaml --columns cost=x
resolve --paid
resolve hero --undo --paid
resolve hero --amount 1
resolve hero --paid --amount much
resolve --request req --paid
resolve --request 0123456789abcdef --paid
reroll hero --whole
reroll board --whole -n 2
reroll hero --look night
reroll nothing
graph nothing
graph --format bmp
models nothing
models seedream-4-0 --provider nowhere
models --migrate seedream-4-0 seedream-4-0
models --migrate seedream-4-0 nothing
models --migrate seedream-4-5 seedream-4-0
login nowhere
login --host https://example.com/v1
login apiyi --host example.com
schema nothing
emulator --port 1x
emulator --scenario nowhere.yaml
emulator --catalogue nowhere.yaml
emulator --port-file art.png/port
completion nushell
init --template nothing
init .
-C nowhere plan
-f nowhere.yaml plan
"""


def test_every_mistake_in_a_command_has_a_next_step(built: Workspace) -> None:
    for line in COMMANDS.strip().splitlines():
        check(built.run(*line.split()), line)


def _text(path: str, text: str | bytes) -> Callable[[Path, Path], None]:
    """`path` holds `text`; `~/` is the home folder of seedpipe."""

    def write(folder: Path, home: Path) -> None:
        target = home / path[2:] if path.startswith("~/") else folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text.encode() if isinstance(text, str) else text)

    return write


def _folder(path: str) -> Callable[[Path, Path], None]:
    """A folder stands where a file belongs."""

    def make(folder: Path, home: Path) -> None:
        target = home / path[2:] if path.startswith("~/") else folder / path
        target.unlink(missing_ok=True)
        target.mkdir(parents=True)

    return make


def _file(path: str) -> Callable[[Path, Path], None]:
    """A file stands where a folder belongs."""

    def make(folder: Path, home: Path) -> None:
        target = home / path[2:] if path.startswith("~/") else folder / path
        shutil.rmtree(target, ignore_errors=True)
        target.write_text("a file")

    return make


def _circle(path: str) -> Callable[[Path, Path], None]:
    def make(folder: Path, _home: Path) -> None:
        (folder / path).unlink(missing_ok=True)
        (folder / path).symlink_to(path)

    return make


LOCK = "# seedpipe.lock: which picture is the chosen one. Written by seedpipe, committed by you. Format 1.\n"
DECISIONS = ".seedpipe/proof/seedpipe.decisions.jsonl"
SETTINGS = "~/config/seedpipe/config.yaml"
JOURNAL = "~/projects/lamps/proof/journal.sqlite"
DAMAGES: dict[str, tuple[Callable[[Path, Path], None], str]] = {
    "no manifest": (lambda folder, _home: (folder / "seedpipe.yaml").unlink(), "plan"),
    "manifest is a folder": (_folder("seedpipe.yaml"), "plan"),
    "manifest is no text": (_text("seedpipe.yaml", b"\xff\xfe\x00"), "plan"),
    "manifest is empty": (_text("seedpipe.yaml", ""), "plan"),
    "lock of another program": (_text("seedpipe.lock", "{}\n"), "plan"),
    "lock is no text": (_text("seedpipe.lock", b"\xff\n"), "plan"),
    "lock is a folder": (_folder("seedpipe.lock"), "plan"),
    "lock of a later format": (_text("seedpipe.lock", "# seedpipe.lock format 99\n"), "plan"),
    "decisions are no text": (_text(DECISIONS, b"\xff\n\n"), "takes hero"),
    "decisions are no JSON": (_text(DECISIONS, "no\n{}\n"), "takes hero"),
    "decisions are a folder": (_folder(DECISIONS), "pin hero"),
    "settings are no YAML": (_text(SETTINGS, "a: [\n"), "plan"),
    "settings are a folder": (_folder(SETTINGS), "plan"),
    "a setting that is none": (_text(SETTINGS, "colour: red\nbudget: {per_week: 1}\n"), "plan"),
    "settings with a catalogue that is not there": (_text(SETTINGS, "catalogue: [nowhere.yaml]\n"), "plan"),
    "keys are garbled": (_text("~/config/seedpipe/credentials.json", "no"), "login apiyi --remove"),
    "journal of another program": (_text(JOURNAL, "no database, but longer than a header of one" * 9), "status"),
    "journal is empty": (_text(JOURNAL, ""), "spend"),
    "a catalogue with a wrong key": (_text(SETTINGS, "catalogue: [own.yaml]\n"), "plan"),
    "manifest has conflict markers": (
        _text("seedpipe.yaml", "<<<<<<< ours\nseedpipe: 1\n=======\n>>>>>>> theirs\n"),
        "plan",
    ),
    "lock has conflict markers": (_text("seedpipe.lock", f"{LOCK}<<<<<<< ours\n=======\n>>>>>>> theirs\n"), "plan"),
    "lock has a line that is no JSON": (_text("seedpipe.lock", f"{LOCK}hero {{\n"), "plan"),
    "decisions have conflict markers": (_text(DECISIONS, "<<<<<<< ours\n{}\n=======\n{}\n"), "takes hero"),
    "the output folder is a file": (_file("build"), "build later"),
    "the project's own folder is a file": (_file(".seedpipe"), "build later"),
    "the data folder is a file": (_file("~/projects"), "build later"),
    "a source is gone": (lambda folder, _home: (folder / "art.png").unlink(), "build later"),
    "a source is no picture": (_text("art.png", "words"), "build art"),
    "a saved plan was edited": (_text("plan.json", '{"seedpipe_plan": 1, "digest": "x"}'), "build --plan plan.json"),
    "a link in a circle": (_circle("seedpipe.lock"), "plan"),
    "output is a folder": (_folder("build/@proof/later.jpg"), "build later"),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_every_damage_has_a_next_step(built: Workspace, tmp_path: Path, name: str) -> None:
    damage, line = DAMAGES[name]
    shutil.copytree(built.folder, tmp_path / "work")
    shutil.copytree(built.environ["SEEDPIPE_HOME"], tmp_path / "kept")
    kept = {"SEEDPIPE_HOME": str(tmp_path / "kept"), "XDG_CONFIG_HOME": str(tmp_path / "kept/config")}
    workspace = Workspace(tmp_path / "work", **built.environ | kept)
    _text("~/config/seedpipe/own.yaml", "models: {seedream-4-0: {colour: red}}\n")(workspace.folder, tmp_path / "kept")
    damage(workspace.folder, tmp_path / "kept")
    check(workspace.run(*line.split()), name)
