"""The command line itself: light to start, honest about mistakes."""

import json
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from seedpipe.cli import HEADINGS, VERBS, main, seedpipe
from tests.support.workspace import Workspace


def test_help_imports_nothing_heavy() -> None:
    script = (
        "import sys\nfrom seedpipe.cli import main\nmain(['--help'])\n"
        "heavy = {'networkx', 'httpx', 'jinja2', 'pydantic', 'PIL', 'yaml', 'diskcache', 'starlette', 'asyncio'}\n"
        "print('HEAVY', sorted(heavy & set(sys.modules)))\n"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.endswith("HEAVY []\n")
    assert "plan" in ran.stdout


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_with_an_example(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([verb, "--help"]) == 0
    said = capsys.readouterr().out
    assert "Example:" in said
    assert max(map(len, said.splitlines())) <= 80


def test_the_module_is_the_command() -> None:
    ran = subprocess.run([sys.executable, "-m", "seedpipe", "--version"], capture_output=True, text=True, check=True)
    assert ran.stdout.startswith("seedpipe ")


def test_the_help_has_every_verb_once_under_a_heading(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    said = capsys.readouterr().out
    found = [line.split()[0] for line in said.partition("Start:")[2].splitlines() if re.match(r"  \w", line)]
    assert found == list(VERBS)
    assert set(HEADINGS) <= set(VERBS) and next(iter(HEADINGS)) == next(iter(VERBS))
    assert max(map(len, said.splitlines())) <= 80


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("plan --nope", "error: there is no option `--nope` of `seedpipe plan`"),
        ("plan --jsno", "`seedpipe plan`; did you mean `--json`?"),
        ("plan --exclude", "error: option `--exclude` needs a value"),
        ("build -j x", "error: invalid value for `-j` / `--jobs`: `x` is no whole number"),
        ("completion nushell", "error: invalid value for `SHELL`: `nushell` is not one of `bash`"),
        ("pick", "error: missing argument `NODE`"),
        ("build -j 0", "error: invalid value for `-j` / `--jobs`: 0 is not in the range 1<=x<=512"),
        ("graph --format bmp", "error: invalid value for `--format`: `bmp` is not one of `text`"),
        ("schema nope", "error: invalid value for `NAME`: `nope` is not one of `manifest`"),
    ],
)
def test_a_mistake_in_the_command_line_reads_like_every_error(
    line: str, says: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    assert main(line.split()) == 2
    said = capsys.readouterr().err
    assert says in " ".join(said.split())
    assert "needs a value" in said or f"`seedpipe {line.split()[0]} --help`" in said
    assert max(map(len, said.splitlines())) <= 60


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("plan --color never", "`--color` goes before the verb = hint: like `seedpipe --color … plan`"),
        ("lock prune -q", "`-q` goes before the verb = hint: like `seedpipe -q lock prune`"),
        ("--colr never plan", "there is no option `--colr` of `seedpipe`; did you mean `--color`?"),
        ("lock merg", "there is no verb `lock merg`; did you mean `lock merge`? = hint: `seedpipe lock --help`"),
        ("spend reconsile x.csv", "there is no verb `spend reconsile`; did you mean `spend reconcile`?"),
        ("help pln", "there is no verb `pln`; did you mean `plan`?"),
        ("-q", "no verb is given = hint: `seedpipe --help`"),
    ],
)
def test_what_was_probably_meant_is_said(line: str, says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(line.split()) == 2
    assert says in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("SEEDPIPE_JOBS", "x", "invalid value for `SEEDPIPE_JOBS`: `x` is no whole number"),
        ("SEEDPIPE_FORMAT", "svg", "invalid value for `SEEDPIPE_FORMAT`: `svg` is not one of `text`"),
        ("SEEDPIPE_PROOF", "perhaps", "invalid value for `SEEDPIPE_PROOF`: `perhaps` is neither `true` nor `false`"),
        ("SEEDPIPE_COLOR", "red", "invalid value for `SEEDPIPE_COLOR`: `red` is not one of `auto`"),
    ],
)
def test_a_wrong_setting_is_called_by_its_variable(
    name: str, value: str, says: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    assert main(["plan"]) == 2
    assert says in " ".join(capsys.readouterr().err.split())


def test_an_option_means_the_same_in_every_verb() -> None:
    """One long name has one short one, one kind of value and one place in the environment."""
    kinds: dict[str, set[tuple[object, ...]]] = {}

    def look(command: click.Command) -> None:
        for one in command.params:
            if isinstance(one, click.Option):
                short = next((name for name in one.opts if not name.startswith("--")), None)
                long = next((name for name in one.opts if name.startswith("--")), short)
                value = "choice" if isinstance(one.type, click.Choice) else one.metavar
                kinds.setdefault(str(long), set()).add((short, one.is_flag, value, one.multiple, one.envvar))
        for inner in command.commands.values() if isinstance(command, click.Group) else ():
            look(inner)

    for verb in VERBS:
        command = seedpipe.get_command(click.Context(seedpipe), verb)
        assert command is not None
        look(command)
    assert {name for name, found in kinds.items() if len(found) > 1} == {"--by"}, "an axis, or a kind of line"
    variables = {long: next(iter(found))[-1] for long, found in kinds.items() if long.startswith("--")}
    by_hand = {"--yes", "--note", "--paid", "--undo", "--amount", "--request"}  # consent, and a person's word
    caps = {long for long in variables if long.startswith("--max-")}  # read beside the flags: both hold
    assert {long for long, variable in variables.items() if variable is None} == by_hand | caps


@pytest.mark.parametrize("line", ["help", "help plan", "help spend reconcile"])
def test_help_is_a_word_too(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(line.split()) == 0
    said = capsys.readouterr().out
    assert main([*line.split()[1:], "--help"]) == 0
    assert said == capsys.readouterr().out


def test_a_bug_of_ours_is_one_sentence_and_a_log(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_arguments: object, **_flags: object) -> int:
        raise RuntimeError("the lamp went out")

    command = seedpipe.get_command(click.Context(seedpipe), "status")
    assert command is not None
    monkeypatch.setattr(command, "callback", broken)
    monkeypatch.setenv("SEEDPIPE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "4000")
    assert main(["status", "--var", "secret=s3cret"]) == 1
    said = capsys.readouterr()
    (log,) = (tmp_path / "home" / "crashes").iterdir()
    assert (said.out, said.err) == (
        "",
        "error: this is our bug, not yours: RuntimeError: the lamp went out\n"
        f"  = hint: what was paid for is kept, so run it again; if it happens again, report it with `{log}`\n",
    )
    kept = log.read_text(encoding="utf-8")
    assert "verb: status" in kept and "RuntimeError: the lamp went out" in kept and "s3cret" not in kept
    monkeypatch.setenv("SEEDPIPE_HOME", str(log / "below-a-file"))
    assert main(["status"]) == 1
    assert "Traceback" in (err := capsys.readouterr().err) and "the lines above" in err


def test_a_mistake_is_exit_2_without_a_traceback(tmp_path) -> None:
    workspace = Workspace(tmp_path / "empty")
    assert workspace.run("bogus").code == 2
    assert "there is no verb `pln`; did you mean `plan`?" in workspace.run("pln").err
    ran = workspace.run("plan")
    assert ran.code == 2
    assert "seedpipe init" in ran.err


def test_init_writes_projects_that_plan_and_never_overwrites(tmp_path) -> None:
    for template in ("starter", "brand-kit", "storyboard", "catalogue"):
        workspace = Workspace(tmp_path / template)
        assert workspace.run("init", "--template", template).code == 0
        assert "make" in workspace.plan().values()
        assert workspace.run("init", "--template", template).code == 2


def test_a_named_model_tells_the_pixels_of_every_tier(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "seedream-4-5"]) == 0
    assert " 9:16 3040x5504" in capsys.readouterr().out
    assert main(["models", "seedream-5-0", "--json"]) == 0
    (lite,) = json.loads(capsys.readouterr().out)["providers"][0]["models"]
    assert lite["sizes"]["3K"]["4:3"] == "3456x2592"
    assert "4K" not in lite["sizes"]  # the model has it, this provider does not serve it
    assert main(["models", "seededit-3-0"]) == 2
    assert "`apiyi` does not serve `seededit-3-0-i2i-250628`" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[], ["lock"]])
def test_without_a_verb_the_help_is_shown_as_it_is(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    said = capsys.readouterr().err
    assert said.startswith("Usage: seedpipe")
    assert "error:" not in said
    assert "\n  Example:\n" in said
    assert not any(line.endswith("...") for line in said.splitlines()[1:])
