"""The command line itself: light to start, honest about mistakes."""

import subprocess
import sys

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


def test_every_verb_has_help_with_an_example() -> None:
    from seedpipe.cli import VERBS, main

    for verb in VERBS:
        ran = subprocess.run(
            [sys.executable, "-m", "seedpipe", verb, "--help"], capture_output=True, text=True, check=True
        )
        assert "Example:" in ran.stdout, verb
    assert main(["--version"]) == 0


def test_a_mistake_is_exit_2_without_a_traceback(tmp_path) -> None:
    workspace = Workspace(tmp_path / "empty")
    assert workspace.run("bogus").code == 2
    ran = workspace.run("plan")
    assert ran.code == 2
    assert "seedpipe init" in ran.err


def test_init_writes_projects_that_plan_and_never_overwrites(tmp_path) -> None:
    for template in ("starter", "brand-kit", "storyboard", "catalogue"):
        workspace = Workspace(tmp_path / template)
        assert workspace.run("init", "--template", template).code == 0
        assert "make" in workspace.plan().values()
        assert workspace.run("init", "--template", template).code == 2
