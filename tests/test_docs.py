"""The documentation is executed: every YAML block is sound, every command line parses, the README's are run."""

import contextlib
import re
import shlex
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import jsonschema
import pytest

from seedpipe.catalogue.catalogue import load_catalogue
from seedpipe.cli import VERBS, main
from seedpipe.cli import seedpipe as group
from seedpipe.emulator.scenario import read_scenario
from seedpipe.limits import ExitCode
from seedpipe.manifest.document import compose_document
from seedpipe.manifest.model import manifest_schema
from seedpipe.review.build_lines import NEXT
from seedpipe.review.words import NEXT_STEPS
from seedpipe.state.settings import UserSettings, read_settings
from tests.support.repository import Repository
from tests.support.schemas import FOLDER, shipped, text
from tests.support.workspace import REPOSITORY, Workspace, service

README = REPOSITORY / "README.md"
PAGES = (README, *sorted((REPOSITORY / "docs").glob("*.md")), *sorted((REPOSITORY / "examples").glob("*/README.md")))
EXAMPLES = ("brand-kit", "catalogue", "storyboard")
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`([^`\n]+)`")
# Not run here: one asks a terminal for a key, one serves until it is stopped. Both have tests of their own.
NOT_RUN = ("login", "emulator")


@dataclass(frozen=True, slots=True)
class Line:
    """A command line of a page, without its comment."""

    page: Path
    text: str

    @property
    def words(self) -> list[str]:
        words = shlex.split(self.text, comments=True)
        return words[: words.index(">")] if ">" in words else words

    def __str__(self) -> str:
        return f"{self.page.relative_to(REPOSITORY)}: {self.text}"


def blocks(text: str, language: str) -> list[str]:
    return [body for name, body in _BLOCK.findall(text) if name == language]


def lines(page: Path, text: str | None = None) -> Iterator[Line]:
    """Every `seedpipe …` of a page: in blocks for a shell, and in the text."""
    text = page.read_text(encoding="utf-8") if text is None else text
    for found in re.finditer(rf"{_BLOCK.pattern}|{_INLINE.pattern}", text, _BLOCK.flags):
        language, body, inline = found.groups()
        shell = body.splitlines() if language == "sh" else [inline] if inline else []
        for part in (part for line in shell for part in line.split("&&")):
            if re.match(r"seedpipe [a-z]", part.strip()):
                yield Line(page, re.split(r"\s#", part)[0].strip())


LINES = [line for page in PAGES for line in lines(page)]


def parse(words: list[str]) -> None:
    """Raises `click.UsageError` if there is no such verb, flag or value."""
    ctx = click.Context(group)
    name, command, rest = group.resolve_command(ctx, words)
    assert command is not None and name is not None
    command.make_context(name, list(rest), parent=ctx)


@pytest.mark.parametrize("line", LINES, ids=str)
def test_every_command_line_parses(line: Line) -> None:
    parse(line.words[1:])


def test_every_flag_in_the_text_exists() -> None:
    known = {name for option in group.params for name in option.opts}
    for verb in VERBS:
        command = group.get_command(click.Context(group), verb)
        assert command is not None
        below = command.commands.values() if isinstance(command, click.Group) else ()
        options = [option for one in (command, *below) for option in one.params]
        known |= {name for option in options for name in (*option.opts, *option.secondary_opts)} | {"--help"}
    said = {
        (page.name, word)
        for page in PAGES
        for inline in _INLINE.findall(page.read_text(encoding="utf-8"))
        for word in re.findall(r"(?:^|\s)(-[A-Za-z]|--[a-z][a-z-]+)", inline)
        if inline.startswith(("-", "seedpipe"))
    }
    assert said and not {(page, word) for page, word in said if word not in known}


def test_every_next_step_names_commands_that_exist() -> None:
    steps = [*NEXT_STEPS.values(), *NEXT.values()]
    said = [inline.format(node="hero") for step in steps for inline in _INLINE.findall(step)]
    assert any(words.startswith("seedpipe build") for words in said)
    for words in said:
        line = shlex.split(words.removeprefix("seedpipe "))
        assert words.startswith(("seedpipe ", "--max")), "as a person types it"
        parse(["build", *line, "1"] if words.startswith("--max") else line)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_every_yaml_block_is_what_the_reader_and_an_editor_take(page: Path, tmp_path: Path) -> None:
    for block in blocks(page.read_text(encoding="utf-8"), "yaml"):
        document, faults = compose_document("page.yaml", block.encode())
        assert document is not None and not faults
        keys = set(document.value) if isinstance(document.value, dict) else set()
        if "faults" in keys:
            assert read_scenario("block", block.encode())
        elif keys and keys <= {"models", "providers"}:
            assert load_catalogue([("page.yaml", block.encode())]) != load_catalogue()
        elif keys and keys <= {"trust", "budget", "catalogue"}:
            (tmp_path / "config.yaml").write_text(block, encoding="utf-8")
            assert read_settings(tmp_path) != UserSettings()
        elif document.value is not None:  # some are a comment only
            jsonschema.Draft202012Validator(manifest_schema()).validate(document.value)


def prose(page: Path) -> str:
    return _BLOCK.sub("", page.read_text(encoding="utf-8"))


def anchor(heading: str) -> str:
    """As the pages are shown on the web: lower case, marks left out, blanks as hyphens."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


@pytest.mark.parametrize(
    "page", (*PAGES, REPOSITORY / "CHANGELOG.md"), ids=lambda page: str(page.relative_to(REPOSITORY))
)
def test_every_link_leads_somewhere(page: Path) -> None:
    """To a file that is there, and to a heading in it."""
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if target.startswith("https://"):
            continue
        path, _, heading = target.partition("#")
        file = page.parent / path if path else page
        assert file.is_file(), target
        headings = {anchor(one) for one in re.findall(r"^#+ (.*)$", prose(file), re.MULTILINE)} if heading else {""}
        assert heading in headings, target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_every_file_that_is_named_is_there(page: Path) -> None:
    named = {
        word
        for inline in _INLINE.findall(prose(page))
        for word in re.findall(r"^(?:tests|docs|schemas|examples)/[\w./-]+$", inline)
    }
    assert not [path for path in named if not (REPOSITORY / path).exists()]


def test_the_readme_names_every_verb_exit_code_and_make_target() -> None:
    text = README.read_text(encoding="utf-8")
    reference = text.partition("## Reference")[2]
    assert re.findall(r"^\| `(\w+)` \|", reference, re.MULTILINE)[: len(VERBS)] == list(VERBS)
    said = reference.partition("Exit codes:")[2].partition("\n\n")[0]
    assert [int(code) for code in re.findall(r"(?:^|·)\s*(\d+) ", said)] == sorted(ExitCode)
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"^make (\w+)", "\n".join(blocks(text, "sh")), re.MULTILINE):
        assert f"\n{target}:" in makefile


@pytest.mark.parametrize("name", shipped())
def test_a_shipped_schema_is_what_the_verb_prints(name: str) -> None:
    assert (FOLDER / name).read_text(encoding="utf-8") == text(shipped()[name]), "run `make schemas`"
    jsonschema.Draft202012Validator.check_schema(shipped()[name]())


def run_all(folder: Path, found: list[Line]) -> None:
    """In this process: thirty starts of Python would take longer than all the work."""
    with contextlib.chdir(folder):
        for line in found:
            if line.words[1] not in NOT_RUN:
                # What is changed or would be bought is said by the exit code.
                telling = {"--exit-code", "--frozen"} & set(line.words)
                assert main(line.words[1:]) in ((ExitCode.DONE, ExitCode.CHANGES) if telling else (0,)), line


def test_the_readme_as_a_session(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A new user, from the first line to the last; the service that `build` asks is a local one."""
    text = README.read_text(encoding="utf-8")
    beginning, _, rest = text.partition("## Start a project")[2].partition("A manifest, whole:")
    first, *then = lines(README, beginning)
    assert first.words[:2] == ["seedpipe", "init"]
    lumen = Repository(tmp_path / "lumen")
    lumen.write("seedpipe.yaml", blocks(rest, "yaml")[0])
    (lumen.folder / "art").mkdir()
    shutil.copyfile(REPOSITORY / "examples/brand-kit/art/logo.png", lumen.folder / "art/logo.png")
    assert lumen.run("plan").out == blocks(rest, "text")[0]
    lumen.git("init", "-q", "-b", "main")
    lumen.commit("The manifest")
    with service(tmp_path / "service") as emulator:
        for name, value in emulator.environ.items():
            monkeypatch.setenv(name, value)
        run_all(tmp_path, [first])
        run_all(tmp_path / first.words[2], then)
        run_all(lumen.folder, list(lines(README, rest)))
    assert "Traceback" not in capsys.readouterr().err
    assert len(list((lumen.folder / "build/@proof").rglob("*.jpg"))) == 7


@pytest.mark.parametrize("example", EXAMPLES)
def test_commands_of_an_example_name_what_it_has(tmp_path: Path, example: str) -> None:
    """Its targets and profiles exist: what it builds is planned."""
    workspace = Workspace(tmp_path / example)
    assert workspace.run("init", "--template", example).code == 0
    for profile in ((), ("--profile", "draft")):
        assert workspace.run("check", *profile).out == "seedpipe.yaml is fine: no faults\n"
    found = [line for line in lines(REPOSITORY / "examples" / example / "README.md") if len(line.words) > 2]
    assert found
    for line in found:
        verb, *arguments = line.words[1:]
        ran = workspace.run("plan" if verb == "build" else verb, *arguments)
        assert ran.code == 0, (line, ran.err)
