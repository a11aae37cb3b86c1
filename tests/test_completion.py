"""Completion as a person has it: a real bash at a real terminal, with the script that `completion` prints."""

import os
import pty
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.workspace import Workspace

MANIFEST = """\
seedpipe: 1
project: lamps
defaults: {model: seedream-4-0, size: 1K}
profiles: {draft: {}, print: {}}
images:
  hero: {prompt: A lamp, tags: [launch]}
  scene: {matrix: {sku: [LUM-01, LUM-02], aspect: ['16:9', '4:3']}, prompt: 'Desk {{ sku }}'}
  board: {sequence: {frames: [{id: wide, prompt: Wide}, {id: hands, prompt: Hands}]}}
"""
PROMPT = "ready> "


class Bash:
    """Without anybody's start-up files, on a terminal of its own."""

    def __init__(self, workspace: Workspace) -> None:
        self.master, slave = pty.openpty()
        environ = workspace.environ | {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "PS1": PROMPT,
            "TERM": "dumb",
            "INPUTRC": "/dev/null",
        }
        self.process = subprocess.Popen(
            ["bash", "--norc", "--noprofile", "-i"],
            cwd=workspace.folder,
            env=environ,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)
        self.read_until(PROMPT)
        self.line(". ./completion.sh")

    def read_until(self, words: str, seconds: float = 60) -> str:
        text, until = "", time.monotonic() + seconds
        while not text.endswith(words):
            assert time.monotonic() < until, text
            if select.select([self.master], [], [], 0.1)[0]:
                text += os.read(self.master, 65536).decode("utf-8", "replace").replace("\r", "")
        return text

    def line(self, text: str) -> str:
        os.write(self.master, text.encode() + b"\n")
        return self.read_until(f"\n{PROMPT}")

    def completed(self, typed: str) -> str:
        """The command line, once tab was pressed behind `typed`; bash itself says what it is then."""
        os.write(self.master, f"{typed}\t\x01echo \x05; echo END\n".encode())
        return self.read_until(f"\nEND\n{PROMPT}").splitlines()[-3]

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.master)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    folder = tmp_path_factory.mktemp("completion")
    made = Workspace(folder / "work", SEEDPIPE_HOME=str(folder / "home"))
    made.write("seedpipe.yaml", MANIFEST)
    made.write("completion.sh", made.run("completion", "bash").out)
    return made


@pytest.fixture(scope="module")
def bash(workspace: Workspace) -> Iterator[Bash]:
    shell = Bash(workspace)
    yield shell
    shell.close()


@pytest.mark.parametrize(
    ("typed", "becomes"),
    [
        ("seedpipe expl", "seedpipe explain"),
        ("seedpipe spend rec", "seedpipe spend reconcile"),
        ("seedpipe plan --comp", "seedpipe plan --compare-models"),
        ("seedpipe graph --format mer", "seedpipe graph --format mermaid"),
        ("seedpipe explain he", "seedpipe explain hero"),
        ("seedpipe explain scene/LUM-02/16:", "seedpipe explain scene/LUM-02/16:9"),
        ("seedpipe reroll board#h", "seedpipe reroll board#hands"),
        ("seedpipe build tag:l", "seedpipe build tag:launch"),
        ("seedpipe build scene/as", "seedpipe build scene/aspect="),
        ("seedpipe build scene/aspect=4", "seedpipe build scene/aspect=4:3"),
        ("seedpipe build +he", "seedpipe build +hero"),
        ("seedpipe plan --profile dr", "seedpipe plan --profile draft"),
        ("seedpipe plan --by as", "seedpipe plan --by aspect"),
        ("seedpipe build --plan comp", "seedpipe build --plan completion.sh"),
        ("seedpipe -f seedp", "seedpipe -f seedpipe.yaml"),
    ],
)
def test_tab_in_a_real_bash(bash: Bash, typed: str, becomes: str) -> None:
    assert bash.completed(typed) == becomes


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("seedpipe explain scene/LUM-01/", "scene/LUM-01/16:9 scene/LUM-01/4:3"),
        ("seedpipe explain scene/LUM-01/16:", "9"),
        ("seedpipe plan --pro", "--proof --profile --provider"),
    ],
)
def test_what_bash_is_offered(workspace: Workspace, typed: str, offered: str) -> None:
    script = f". ./completion.sh; COMP_LINE='{typed}'; COMP_POINT={len(typed)}; _seedpipe_completion seedpipe; echo ${{COMPREPLY[@]}}"
    environ = workspace.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    ran = subprocess.run(
        ["bash", "-c", script], cwd=workspace.folder, env=environ, capture_output=True, text=True, check=True
    )
    assert (ran.stdout, ran.stderr) == (offered + "\n", "")


@pytest.mark.parametrize("damage", ["images: [", "images: {hero: {promt: x}}"])
def test_a_broken_project_says_nothing_in_the_middle_of_a_line(tmp_path: Path, damage: str) -> None:
    workspace = Workspace(tmp_path / "work", _SEEDPIPE_COMPLETE="bash_complete", COMP_LINE="seedpipe explain h")
    workspace.write("seedpipe.yaml", damage)
    ran = workspace.run()
    assert (ran.out.strip(), ran.err) == ("", "")


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_the_scripts_of_other_shells(workspace: Workspace, shell: str) -> None:
    """As they ask; the shells themselves are tried where they are installed."""
    script = workspace.run("completion", shell).out
    assert f"{shell}_complete" in script
    words = {"zsh": ("seedpipe explain he", "2"), "fish": ("seedpipe explain he", "he")}[shell]
    asked = {"_SEEDPIPE_COMPLETE": f"{shell}_complete", "COMP_WORDS": words[0], "COMP_CWORD": words[1]}
    assert "hero" in workspace.run(**asked).out
    if shutil.which(shell):
        workspace.write("completion.script", script)
        subprocess.run([shell, "-n", "completion.script"], cwd=workspace.folder, check=True)
