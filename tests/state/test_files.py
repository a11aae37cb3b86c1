import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from seedpipe.errors import StateError
from seedpipe.limits import MAX_FILE_BYTES
from seedpipe.names import Digest
from seedpipe.source import ProjectFiles, ReadRefusedError
from seedpipe.state import files as module
from seedpipe.state.files import FileLock, WorkTreeFiles, lfs_pointer, make_folder, write_atomically
from tests.state.journals import python


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A git work tree with a project in a folder of it, and a secret beside it."""
    (tmp_path / "secret.txt").write_text("secret")
    project = tmp_path / "repo" / "campaign"
    project.mkdir(parents=True)
    (tmp_path / "repo" / ".git").mkdir()
    (tmp_path / "repo" / ".git" / "config").write_text("token")
    (tmp_path / "repo" / "brand.txt").write_text("brand")
    (project / "a.txt").write_bytes(b"a")
    return project


# ------------------------------------------------------------------------------------------------------- writing


def test_writing_replaces_at_once_and_leaves_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_atomically(path, b"one")
    write_atomically(path, b"two", mode=0o600)
    assert path.read_bytes() == b"two"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in tmp_path.iterdir() if entry.is_file()] == ["file"]


def test_writing_replaces_a_symlink_and_not_what_it_points_to(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("precious")
    (tmp_path / "link").symlink_to("target")
    write_atomically(tmp_path / "link", b"new")
    assert (tmp_path / "target").read_text() == "precious"
    assert not (tmp_path / "link").is_symlink()


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    folder = tmp_path / "file"
    folder.mkdir()
    (folder / "x").touch()
    with pytest.raises(OSError, match=r"directory|empty"):
        write_atomically(folder, b"new")
    assert not list(tmp_path.glob(".file*"))


KILLED = """
import os, signal, sys
from pathlib import Path
from seedpipe.state.atomic import replacing
with replacing(Path(sys.argv[1]), mode=0o644) as fd:
    os.write(fd, b"half of it")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_writer_leaves_is_gone_with_the_next_write(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_atomically(path, b"old")
    for _ in range(2):
        subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False)
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.glob(".*")] == [".file.tmp"], "one at most, however many were killed"
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("plant", ["symlink", "hard link", "pipe"])
def test_what_is_planted_in_a_temporarys_place_is_not_written_to(tmp_path: Path, plant: str) -> None:
    (tmp_path / "target").write_text("precious")
    place = tmp_path / ".file.tmp"
    match plant:
        case "symlink":
            place.symlink_to("target")
        case "hard link":
            place.hardlink_to(tmp_path / "target")
        case _:
            os.mkfifo(place)
    write_atomically(tmp_path / "file", b"new")
    assert (tmp_path / "target").read_text() == "precious"
    assert (tmp_path / "file").read_bytes() == b"new"
    assert not place.exists()


def test_writers_of_one_path_go_one_after_the_other(tmp_path: Path) -> None:
    path = tmp_path / "file"
    threads = [threading.Thread(target=write_atomically, args=(path, b"%d" % n * 100_000)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(path.read_bytes())) == 1
    assert not list(tmp_path.glob(".*"))


def test_readers_never_see_a_mixture(tmp_path: Path) -> None:
    path, stop = tmp_path / "file", threading.Event()
    write_atomically(path, b"0" * 10_000)
    seen: set[bytes] = set()

    def read() -> None:
        while not stop.is_set():
            seen.add(path.read_bytes())

    thread = threading.Thread(target=read)
    thread.start()
    for number in range(30):
        write_atomically(path, str(number % 10).encode() * 10_000)
    stop.set()
    thread.join()
    assert all(len(data) == 10_000 and len(set(data)) == 1 for data in seen)


def test_folders_are_made_private_and_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    make_folder(tmp_path / "a" / "b")
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o700
    (tmp_path / "f").touch()
    with pytest.raises(StateError, match="should be a folder"):
        make_folder(tmp_path / "f")


# --------------------------------------------------------------------------------------------------------- locks


def test_a_lock_excludes_and_names_its_holder(tmp_path: Path) -> None:
    with FileLock(tmp_path / "lock"):
        started = time.monotonic()
        with pytest.raises(StateError, match=f"process {os.getpid()} "):
            FileLock(tmp_path / "lock", timeout=0.1).acquire()
        assert 0.1 <= time.monotonic() - started < 2
    with FileLock(tmp_path / "lock", timeout=0):
        pass


def test_a_lock_dies_with_its_process(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from seedpipe.state.files import FileLock\n"
        "FileLock(Path(sys.argv[1])).acquire(); print('held', flush=True); sys.stdin.read()"
    )
    process = python(script, str(tmp_path / "lock"))
    assert process.stdout and process.stdout.readline() == "held\n"
    with pytest.raises(StateError, match=f"process {process.pid} "):
        FileLock(tmp_path / "lock", timeout=0.05).acquire()
    process.kill()
    process.communicate()
    with FileLock(tmp_path / "lock", timeout=5):
        pass


def test_threads_take_turns(tmp_path: Path) -> None:
    inside, most = 0, 0

    def work() -> None:
        nonlocal inside, most
        with FileLock(tmp_path / "lock"):
            inside += 1
            most = max(most, inside)
            time.sleep(0.005)
            inside -= 1

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1


def test_a_garbled_lock_file_still_locks(tmp_path: Path) -> None:
    (tmp_path / "lock").write_bytes(b"\xff{")
    with FileLock(tmp_path / "lock") as lock, pytest.raises(RuntimeError):
        lock.acquire()


# ------------------------------------------------------------------------------------------------------- reading


def test_reading_is_recorded(tree: Path) -> None:
    files: ProjectFiles = WorkTreeFiles(tree)
    assert files.read("a.txt") == b"a"
    assert files.read("../brand.txt") == b"brand"
    with pytest.raises(FileNotFoundError):
        files.read("none.txt")
    assert (files.exists("a.txt"), files.exists("other.txt"), files.exists(".")) == (True, False, False)
    assert isinstance(files, WorkTreeFiles)
    assert files.reads == {"a.txt": Digest.of(b"a"), "../brand.txt": Digest.of(b"brand")}
    assert files.misses == {"none.txt", "other.txt", "."}
    assert files.found == {"a.txt"}


@pytest.mark.parametrize(
    "path",
    [
        "../../secret.txt",
        "../../absent.txt",
        "../../../../../../etc/passwd",
        "/etc/passwd",
        "link",
        "folder/secret.txt",
        "folder/absent",
        "../.git/config",
        "git/config",
        "../.GIT/config",
        "",
        "a\0b",
        "\ud800",
        "x" * 300,
        "x/" * 3000,
    ],
)
def test_nothing_outside_the_work_tree_is_read(tree: Path, path: str) -> None:
    (tree / "link").symlink_to("../../secret.txt")
    (tree / "folder").symlink_to("../..")
    (tree / "git").symlink_to("../.git")
    files = WorkTreeFiles(tree)
    for attempt in (files.read, files.exists, files.picture_path):
        with pytest.raises(ReadRefusedError):
            attempt(path)
    assert files.reads == {}


def test_what_is_no_file_is_refused_at_once(tree: Path) -> None:
    os.mkfifo(tree / "pipe")
    (tree / "folder").mkdir()
    (tree / "broken").symlink_to("nowhere")
    (tree / "loop").symlink_to("loop")
    (tree / "locked").write_text("x")
    (tree / "locked").chmod(0)
    files = WorkTreeFiles(tree)
    for name in ("pipe", "folder", "broken", "loop"):
        with pytest.raises(ReadRefusedError, match=f"`{name}`"):
            files.read(name)
        assert not files.exists(name)
    if os.geteuid() != 0:
        with pytest.raises(ReadRefusedError, match="may not be read"):
            files.read("locked")


def test_symlinks_inside_the_tree_are_fine(tree: Path) -> None:
    (tree / "link").symlink_to("../brand.txt")
    assert WorkTreeFiles(tree).read("link") == b"brand"


def test_a_file_too_large_is_refused_before_it_is_read(tree: Path) -> None:
    with (tree / "large").open("wb") as file:
        file.truncate(MAX_FILE_BYTES + 1)
    with pytest.raises(ReadRefusedError, match="67,108,865 bytes; at most 67,108,864"):
        WorkTreeFiles(tree).read("large")
    assert WorkTreeFiles(tree).picture_path("large") == tree / "large"


def test_without_git_only_the_own_folder_is_read(tmp_path: Path) -> None:
    project = tmp_path / "p"
    project.mkdir()
    (tmp_path / "a").touch()
    with pytest.raises(ReadRefusedError, match="leads out of the project"):
        WorkTreeFiles(project).read("../a")


def test_a_linked_worktree_is_a_work_tree(tmp_path: Path) -> None:
    (tmp_path / ".git").write_text("gitdir: /somewhere")
    (tmp_path / "p").mkdir()
    (tmp_path / "a").write_text("x")
    assert WorkTreeFiles(tmp_path / "p").read("../a") == b"x"


def test_a_picture_is_hashed_once_until_it_changes(tree: Path) -> None:
    (tree / "p.png").write_bytes(b"one")
    files = WorkTreeFiles(tree)
    assert files.picture_path("p.png") == tree / "p.png"
    assert files.picture_digest("p.png") == files.reads["p.png"] == Digest.of(b"one")
    write_atomically(tree / "p.png", b"two")
    assert files.picture_digest("p.png") == Digest.of(b"two")


# ---------------------------------------------------------------------------------------------------------- globs


def test_globs(tree: Path) -> None:
    for name in ("shots/s10.png", "shots/s2.png", "shots/.hidden.png", "shots/deep/s1.png", "x.yaml", "b[1].txt"):
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).touch()
    (tree / "shots" / "s3.png").mkdir()
    (tree / "shots" / "s4.png").symlink_to("nowhere")
    files = WorkTreeFiles(tree)
    assert files.glob("shots/*.png") == ("shots/s2.png", "shots/s10.png")
    assert files.glob("shots/.*.png") == ("shots/.hidden.png",)
    assert files.glob("**/*.png") == ("shots/deep/s1.png", "shots/s2.png", "shots/s10.png")
    assert files.glob("shots/**") == ("shots/deep/s1.png", "shots/s2.png", "shots/s10.png")
    assert files.glob("*/*/s?.png") == ("shots/deep/s1.png",)
    assert files.glob("../*.txt") == ("../brand.txt",)
    assert files.glob("b[[]1].txt") == ("b[1].txt",)
    assert files.glob("x.yaml") == ("x.yaml",)
    assert files.glob("none/*.png") == ()
    assert "shots" in files.folders


@pytest.mark.parametrize(
    "pattern", ["../../*", "/etc/*", "out/*", "*/secret.txt", "../.git/*", "../*/../../secret.txt", "l*"]
)
def test_globs_never_leave_the_tree(tree: Path, pattern: str) -> None:
    (tree / "out").symlink_to("../..")
    (tree / "link").symlink_to("../../secret.txt")
    with pytest.raises(ReadRefusedError):
        WorkTreeFiles(tree).glob(pattern)


def test_a_deep_glob_does_not_follow_symlinks_or_walk_forever(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tree / "loop").symlink_to(".")
    assert WorkTreeFiles(tree).glob("**/*.txt") == ("a.txt",)
    monkeypatch.setattr(module, "MAX_GLOB_ENTRIES", 3)
    with pytest.raises(ReadRefusedError, match="make it narrower"):
        WorkTreeFiles(tree).glob("**/**/**/*")


# --------------------------------------------------------------------------------------------------------- outputs


@pytest.mark.parametrize("path", ["../x", "build/../../x", "/x", "out/x", "out/new/x", ".git/x", "..", "", "build/.."])
def test_outputs_never_leave_the_project(tree: Path, path: str) -> None:
    (tree / "out").symlink_to("..")
    (tree / ".git").mkdir()
    with pytest.raises(ReadRefusedError):
        WorkTreeFiles(tree).output_path(path)


def test_an_output_path(tree: Path) -> None:
    (tree / "build").mkdir()
    (tree / "build" / "link.png").symlink_to("../../../secret.txt")
    files = WorkTreeFiles(tree)
    assert files.output_path("build/new/hero.png") == tree / "build" / "new" / "hero.png"
    assert files.output_path("build/link.png") == tree / "build" / "link.png", "the link itself is replaced"


# ------------------------------------------------------------------------------------------------------------- LFS


def test_a_git_lfs_pointer_is_recognised() -> None:
    text = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"ab" * 32 + b"\nsize 12345\n"
    pointer = lfs_pointer(text)
    assert pointer is not None and (pointer.digest.hex, pointer.size) == ("ab" * 32, 12345)
    assert lfs_pointer(b"\x89PNG") is None
    assert lfs_pointer(text + b"\n" * 2000) is None
