"""Whom a build may send a key to, where keys live, and what spending needs when nobody sits at a terminal."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.sessions.conftest import manifest
from tests.support.relay import Gateway
from tests.support.workspace import Ran, Workspace

KEY = "sk-typed-by-hand-0123456789"
BUY = ("build", "--yes", "--max-cost", "1")


@pytest.fixture
def project(tmp_path: Path, live: Gateway) -> Workspace:
    """A manifest that wants a gateway of its own; the environment names no service."""
    workspace = Workspace(tmp_path / "work")
    wish = f'provider: {{base_url: "{live.base_url}", like: apiyi, api_key_env: AWS_SECRET_ACCESS_KEY}}\n'
    workspace.write("seedpipe.yaml", manifest("hero: {prompt: A lamp}", head=wish))
    return workspace


def config(workspace: Workspace, text: str) -> None:
    folder = Path(os.environ["HOME"]) / ".config/seedpipe"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.yaml").write_text(text, encoding="utf-8")


def type_key(workspace: Workspace, *arguments: str) -> Ran:
    done = subprocess.run(
        [sys.executable, "-m", "seedpipe", "login", *arguments],
        cwd=workspace.folder,
        env=workspace.environ,
        input=f"{KEY}\n",
        capture_output=True,
        text=True,
        check=False,
    )
    return Ran(done.returncode, done.stdout, done.stderr)


def test_a_manifests_server_gets_a_key_only_by_the_users_word(project: Workspace, live: Gateway) -> None:
    environ = {"AWS_SECRET_ACCESS_KEY": "not-for-strangers-0123", "APIYI_API_KEY": "not-for-strangers-4567"}
    assert project.run("plan", **environ).code == 0, "to look costs nothing and sends nothing"
    ran = project.run(*BUY, **environ)
    assert ran.code == 2
    assert f"sends its requests to `{live.host}`" in " ".join(ran.err.split())
    assert "seedpipe.yaml:4" in ran.err
    assert live.keys == set(), "nobody was asked anything"
    config(project, f"trust:\n  {live.host}: {{key_env: GATEWAY_KEY}}\n")
    ran = project.run(*BUY, **environ)
    assert ran.code == 2
    assert "there is no key for" in ran.err
    assert project.run(*BUY, **environ, GATEWAY_KEY="for-the-gateway-0123456").code == 0
    assert live.keys == {"for-the-gateway-0123456"}


def test_login_keeps_a_key_for_one_host_and_never_shows_it(project: Workspace, live: Gateway) -> None:
    shown = type_key(project, "--host", live.host)
    assert shown.code == 0, shown.err
    file = Path(os.environ["HOME"]) / ".config/seedpipe/credentials.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    built = project.run("-v", *BUY)
    assert built.code == 0, built.err
    assert live.keys == {KEY}
    asked = project.run("doctor")
    assert (asked.code, f"APIYI at {live.base_url}, answers in" in asked.out) == (0, True), asked.out
    assert "from `seedpipe login`, accepted" in asked.out
    for ran in (shown, built, asked):
        assert KEY not in ran.out + ran.err
    file.chmod(0o644)
    ran = project.run("doctor")
    assert ran.code == 1
    assert "others may read it" in ran.out
    file.chmod(0o600)
    assert type_key(project, "--host", live.host, "--remove").code == 0
    assert KEY not in file.read_text(encoding="utf-8")


def test_unattended_spending_needs_a_yes_and_a_cap_that_the_user_set(project: Workspace, live: Gateway) -> None:
    environ = {"SEEDPIPE_BASE_URL": live.base_url, "SEEDPIPE_API_KEY": KEY}
    project.edit("seedpipe.yaml", "images:\n", "budget: {per_build: 5 USD}\nimages:\n")
    refused = {
        ("build",): "no terminal to ask for a yes",
        ("build", "--max-cost", "1"): "no terminal to ask for a yes",
        ("build", "--yes"): "needs a cap in USD",
        ("build", "--yes", "--max-cost", "0.01"): "the cap per build is 0.01 USD (--max-cost)",
        ("build", "--yes", "--max-cost", "1 CNY"): "needs a cap in USD",
    }
    for arguments, words in refused.items():
        ran = project.run(*arguments, **environ)
        assert ran.code == 4, ran.err
        assert words in " ".join(ran.err.split()), ran.err
    config(project, "budget: {per_month: 1 USD}\n")
    assert project.run("build", "--yes", **environ, CI="true").code == 4, "in CI a cap comes with the command"
    assert live.prompts == []
    assert project.run("build", "--yes", **environ).code == 0, "the user's own file is the user's word"
    assert live.prompts == ["A lamp"]
