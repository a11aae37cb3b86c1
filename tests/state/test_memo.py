"""The memo: an answer comes again only while everything it rests on is as it was."""

import io
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from seedpipe.state.memo import MAX_ANSWER_CHARS, MAX_MEMOS, Answer, Heard, Inputs, Memo

ANSWER = Answer(said=[("err", "a warning\n"), ("out", "everything is up to date\n")], code=0)


INSTALLED = "../site-packages/seedpipe"


class Place:
    """A folder with files that an answer rests on, and its memo."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "project"
        self.environ = {"SEEDPIPE_HOME": str(folder / "home")}
        for name in ("seedpipe.yaml", "build/a.png", "journal", f"{INSTALLED}/cli.py", f"{INSTALLED}/models/a.yaml"):
            self.path(name).parent.mkdir(parents=True, exist_ok=True)
            self.path(name).write_text(name)
        (self.folder / "listed").mkdir()

    def path(self, name: str) -> Path:
        return self.folder / name

    @property
    def inputs(self) -> Inputs:
        return Inputs(
            files=frozenset(map(str, (self.path("seedpipe.yaml"), self.path("journal"), self.path("listed"), self.path("miss")))),
            entries=frozenset({str(self.path("build/a.png"))}),
            present=frozenset({str(self.path(".git"))}),
            absent=frozenset({str(self.path("journal-wal"))}),
        )  # fmt: skip

    def memo(self, *arguments: str, **environ: str) -> Memo:
        return Memo(arguments or ("plan",), self.environ | environ, (io.StringIO(), io.StringIO()))

    def settle(self) -> None:
        time.sleep(0.12)  # longer than the clock of time stamps may lag behind


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    place = Place(tmp_path)
    monkeypatch.setattr("seedpipe.state.memo._PACKAGE", place.path(INSTALLED).resolve())
    place.settle()
    place.memo().remember(ANSWER, place.inputs)
    return place


def test_an_answer_comes_again(place: Place) -> None:
    assert place.memo().recall() == ANSWER
    assert place.memo("plan", "--json").recall() is None
    assert place.memo(SEEDPIPE_PROVIDER="byteplus").recall() is None
    assert place.memo(COLUMNS="120").recall() is None
    assert place.memo(SEEDPIPE_API_KEY="sk-1234").recall() == ANSWER  # a key changes no answer
    assert "sk-1234" not in "".join(path.read_text() for path in place.memo().folder.iterdir())


EDITS: dict[str, Callable[[Place], object]] = {
    "a file is written": lambda place: place.path("seedpipe.yaml").write_text("seedpipe.yamL"),
    "a file goes": lambda place: place.path("seedpipe.yaml").unlink(),
    "a file is replaced by one of equal size and time": lambda place: _replace(place.path("seedpipe.yaml")),
    "a file that was missed comes": lambda place: place.path("miss").touch(),
    "a file comes into a listed folder": lambda place: place.path("listed/new").touch(),
    "an output is edited": lambda place: place.path("build/a.png").write_text("x"),
    "an output becomes a link to the same": lambda place: _link(place.path("build/a.png")),
    "a repository begins": lambda place: place.path(".git").mkdir(),
    "a database is being written": lambda place: place.path("journal-wal").touch(),
    "a file of this seedpipe is another": lambda place: place.path(f"{INSTALLED}/models/a.yaml").write_text("2026"),
    "a file of this seedpipe is new": lambda place: place.path(f"{INSTALLED}/models/b.yaml").touch(),
    "a file of this seedpipe is called otherwise": lambda place: place.path(f"{INSTALLED}/cli.py").rename(
        place.path(f"{INSTALLED}/ui.py")
    ),
    "permissions change": lambda place: place.path("seedpipe.yaml").chmod(0o600),
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_nothing_comes_again_once(place: Place, edit: Callable[[Place], object]) -> None:
    edit(place)
    assert place.memo().recall() is None


def _replace(path: Path) -> None:
    facts = path.stat()
    other = path.with_name("other")
    other.write_text("x" * facts.st_size)
    os.utime(other, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    other.replace(path)


def _link(path: Path) -> None:
    path.rename(path.with_name("moved.png"))
    path.symlink_to("moved.png")


def test_what_changed_meanwhile_is_not_remembered(tmp_path: Path) -> None:
    place = Place(tmp_path)
    memo = place.memo()  # began when the files had only just been written
    memo.remember(ANSWER, place.inputs)
    assert not memo.path.exists()
    place.settle()
    memo = place.memo()
    place.path("seedpipe.yaml").write_text("changed while the command ran")
    memo.remember(ANSWER, place.inputs)
    assert not memo.path.exists()


def test_stamps_of_whole_seconds_need_more_time(tmp_path: Path) -> None:
    place = Place(tmp_path)
    whole = (time.time_ns() // 1_000_000_000) * 1_000_000_000
    os.utime(place.path("journal"), ns=(whole, whole))
    place.settle()
    stamps = [place.path("journal").stat().st_mtime_ns, place.path("journal").stat().st_ctime_ns]
    memo = place.memo()
    memo.remember(ANSWER, place.inputs)
    assert memo.path.exists() == (max(stamps) % 1_000_000_000 != 0)


def test_a_log_that_is_there_forbids_to_remember(place: Place) -> None:
    place.path("journal-wal").touch()
    place.settle()
    memo = place.memo("status")
    memo.remember(ANSWER, place.inputs)
    assert not memo.path.exists()


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"nonsense\n", b'{"files": "x"}\n', b"\xff\xfe"])
def test_a_damaged_memo_is_none(place: Place, content: bytes) -> None:
    path = place.memo().path
    path.write_bytes(content)
    path.chmod(0o600)
    assert place.memo().recall() is None


def test_what_others_may_write_is_not_believed(place: Place) -> None:
    place.memo().path.chmod(0o622)
    assert place.memo().recall() is None


def test_few_answers_are_kept_and_none_that_is_huge(place: Place) -> None:
    for number in range(MAX_MEMOS + 5):
        place.memo("plan", str(number)).remember(ANSWER, place.inputs)
    assert len(list(place.memo().folder.iterdir())) == MAX_MEMOS
    huge = Answer(said=[("out", "x" * (MAX_ANSWER_CHARS + 1))], code=0)
    memo = place.memo("huge")
    memo.remember(huge, place.inputs)
    assert not memo.path.exists()


def test_words_are_noted_as_they_are_said() -> None:
    said: list[tuple[str, str]] = []
    stream = io.StringIO()
    heard = Heard(stream, "out", said)
    heard.write("one\n")
    heard.flush()
    assert stream.getvalue() == "one\n"
    assert said == [("out", "one\n")]
    assert not heard.isatty()
