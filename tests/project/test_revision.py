"""Files at a git revision are read and found by the same rules as those of the work tree."""

import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seedpipe.errors import UsageError
from seedpipe.names import Digest
from seedpipe.project.revision import open_revision
from seedpipe.source import ReadRefusedError
from seedpipe.state.files import WorkTreeFiles

PATHS = (
    "seedpipe.yaml", "copy/en.yaml", "copy/de.yaml", "copy/.hidden.yaml", "copy/old/fr.yaml", "art/logo.png", "art/shot2.png",
    "art/shot10.png", ".secret/x.yaml", "a/b/c/d.txt",
)  # fmt: skip


def git(folder: Path, *words: str) -> None:
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.com")
    subprocess.run(["git", *identity, *words], cwd=folder, check=True, capture_output=True)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    top = tmp_path_factory.mktemp("tree")
    for path in PATHS:
        file = top / "project" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(path)
    (top / "words.txt").write_text("beside the project")
    (top / "project/big.png").write_text(
        f"version https://git-lfs.github.com/spec/v1\noid sha256:{'a' * 64}\nsize 12345\n"
    )
    git(top, "init", "-q")
    git(top, "add", "-A")
    git(top, "commit", "-qm", "x")
    return top


parts = st.sampled_from(
    ["*", "**", "copy", "art", "*.yaml", "*.png", "shot?.png", "[a-d]*", ".*", "old", "b", ".secret", "x.yaml"]
)


@given(st.lists(parts, min_size=1, max_size=4).map("/".join))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_patterns_find_the_same(tree: Path, pattern: str) -> None:
    then, now = open_revision(tree / "project", "HEAD"), WorkTreeFiles(tree / "project")
    assert then.glob(pattern) == now.glob(pattern)


def test_reading(tree: Path) -> None:
    files = open_revision(tree / "project", "HEAD")
    assert files.read("copy/en.yaml") == b"copy/en.yaml"
    assert files.read("../words.txt") == b"beside the project"
    assert files.exists("art/logo.png")
    assert not files.exists("art/none.png")
    assert files.picture_digest("art/logo.png") == Digest.of(b"art/logo.png")
    assert files.picture_digest("big.png") == Digest("a" * 64), "what Git LFS points to"
    with pytest.raises(FileNotFoundError):
        files.read("none")
    for path in ("../../x", "/etc/passwd"):
        with pytest.raises(ReadRefusedError):
            files.read(path)


def test_symlinks_are_followed_inside_the_tree_only(tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("here")
    for name, target in (("link", "words.txt"), ("twice", "link"), ("away", "../elsewhere"), ("round", "round")):
        (tmp_path / name).symlink_to(target)
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "x")
    files = open_revision(tmp_path, "HEAD")
    assert files.read("link") == files.read("twice") == b"here"
    for name in ("away", "round"):
        with pytest.raises(ReadRefusedError):
            files.read(name)


def test_a_later_change_is_not_seen(tree: Path) -> None:
    file = tree / "project/copy/en.yaml"
    try:
        file.write_text("later")
        assert open_revision(tree / "project", "HEAD").read("copy/en.yaml") == b"copy/en.yaml"
    finally:
        file.write_text("copy/en.yaml")


def test_what_git_does_not_know(tree: Path, tmp_path: Path) -> None:
    for name in ("nope", "HEAD^9", "--help", ""):
        with pytest.raises(UsageError, match="knows no revision"):
            open_revision(tree / "project", name)
    with pytest.raises(UsageError, match="not in a git work tree"):
        open_revision(tmp_path, "HEAD")
