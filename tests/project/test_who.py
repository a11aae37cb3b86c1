"""Whose name stands in the record: the one that git would write into a commit."""

import subprocess
from pathlib import Path

import pytest

from seedpipe.project.who import login_name, who_decides


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "global"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    return tmp_path


def config(clone: Path, *words: str) -> None:
    subprocess.run(["git", "-C", str(clone), "config", *words], check=True)


def test_as_git_would_sign_a_commit(clone: Path) -> None:
    assert who_decides(clone, {}) == login_name()
    config(clone, "user.email", "mika@example.com")
    assert who_decides(clone, {}) == "mika@example.com"
    config(clone, "--global", "user.name", "Somebody")
    config(clone, "user.name", "Mika Ito")
    assert who_decides(clone, {}) == "Mika Ito <mika@example.com>", "the nearest setting counts"
    config(clone, "author.name", "M. Ito")
    assert who_decides(clone, {}) == "M. Ito <mika@example.com>", "the author's goes before the user's"
    environ = {"GIT_AUTHOR_NAME": "Night shift", "GIT_AUTHOR_EMAIL": "night@example.com"}
    assert who_decides(clone, environ) == "Night shift <night@example.com>"


def test_nothing_that_a_terminal_obeys_gets_into_the_record(clone: Path) -> None:
    config(clone, "user.name", "Mika\x1b[2J\nIto\u202e")
    assert who_decides(clone, {}) == "Mika [2J Ito"


def test_where_there_is_no_git(tmp_path: Path) -> None:
    assert who_decides(tmp_path / "nowhere", {}) == login_name()
