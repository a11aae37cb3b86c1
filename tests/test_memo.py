"""With and without the memo every answer is the same, whatever was edited in between."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from seedpipe import cli
from tests.support.workspace import Workspace

MANIFEST = """\
seedpipe: 1
project: memo
data: {products: {from: "data/*.csv", key: sku}}
templates: templates
defaults: {model: seedream-4-0, size: 1K}
images:
  logo: {file: art/logo.png}
  pack: {matrix: {product: products}, prompt: '{% include "light.j2" %} {{ product.name }}, {{ refs.logo }}', references: {logo: logo}}
  thumb: {matrix: {product: products}, from: "pack/{{ product.key }}", steps: [{resize: 64x64}, {convert: jpeg}]}
"""


class Session:
    """One project, and this process as the command line."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.workspace = Workspace(folder / "project", SEEDPIPE_HOME=str(folder / "home"))
        self.memos = folder / "home" / "memo"
        self._capsys = capsys
        self.workspace.write("seedpipe.yaml", MANIFEST)
        self.workspace.write("data/a.csv", "sku,name\nA,lamp\nB,desk lamp\n")
        self.workspace.write("templates/light.j2", "In soft light:")
        self.path("art").mkdir()
        Image.new("RGB", (64, 64), (200, 140, 20)).save(self.path("art/logo.png"))

    def path(self, name: str) -> Path:
        return self.workspace.folder / name

    def say(self, *arguments: str) -> tuple[int, str, str]:
        code = cli.main(["-C", str(self.workspace.folder), *arguments])
        captured = self._capsys.readouterr()
        return code, captured.out, captured.err

    def forget(self) -> None:
        for memo in self.memos.glob("*"):
            memo.unlink()


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Session:
    monkeypatch.setenv("SEEDPIPE_HOME", str(tmp_path / "home"))
    session = Session(tmp_path, capsys)
    code, _, err = session.say("build", "--proof")
    assert code == 0, err
    time.sleep(0.12)
    return session


def test_every_edit_gives_the_answer_that_a_fresh_look_gives(session: Session) -> None:
    edits: dict[str, Callable[[], object]] = {
        "nothing": lambda: None,
        "manifest": lambda: session.workspace.edit("seedpipe.yaml", "size: 1K", "size: 2K"),
        "manifest again": lambda: session.workspace.edit("seedpipe.yaml", "size: 2K", "size: 1K"),
        "template": lambda: session.workspace.write("templates/light.j2", "In hard light:"),
        "template again": lambda: session.workspace.write("templates/light.j2", "In soft light:"),
        "a row": lambda: session.workspace.write("data/a.csv", "sku,name\nA,lamp\nB,desk lamp\nC,torch\n"),
        "no row": lambda: session.workspace.write("data/a.csv", "sku,name\nA,lamp\nB,desk lamp\n"),
        "another table": lambda: session.workspace.write("data/b.csv", "sku,name\nD,light\n"),
        "no other table": lambda: session.path("data/b.csv").unlink(),
        "source": lambda: Image.new("RGB", (64, 64), (0, 0, 20)).save(session.path("art/logo.png")),
        "source again": lambda: Image.new("RGB", (64, 64), (200, 140, 20)).save(session.path("art/logo.png")),
        "an output goes": lambda: session.path("build/@proof/thumb/A.jpg").unlink(),
        "an output is somebody's": lambda: session.path("build/@proof/thumb/A.jpg").write_bytes(b"mine"),
        "the lock goes": lambda: session.path(".seedpipe/proof/seedpipe.lock").unlink(),
        "the store goes": lambda: [p.unlink() for p in (session.memos.parent / "projects/memo/proof/store").rglob("*") if p.is_file()],
    }  # fmt: skip
    recalled = 0
    for name, edit in edits.items():
        edit()
        for arguments in (("plan", "--proof"), ("plan", "--proof", "--json"), ("check",)):
            with_memo = session.say(*arguments)
            session.forget()
            fresh = session.say(*arguments)
            assert with_memo == fresh, f"{name}: {arguments}"
            time.sleep(0.06)
            session.say(*arguments)  # remembers, if nothing changed
            recalled += len(list(session.memos.glob("*")))
    assert recalled > 10


def test_a_build_of_nothing_is_remembered_and_sends_nothing(session: Session) -> None:
    first = session.say("build", "--proof")
    time.sleep(0.06)
    session.say("build", "--proof")
    assert any(session.memos.iterdir())
    assert session.say("build", "--proof") == first
    session.workspace.edit("seedpipe.yaml", "size: 1K", "size: 2K")
    code, _, err = session.say("build", "--proof")
    assert code == 0
    assert "drew 2 proofs" in err


def test_a_plan_with_money_in_it_is_never_remembered(session: Session) -> None:
    session.workspace.edit("seedpipe.yaml", "size: 1K", "size: 2K")
    time.sleep(0.12)
    assert "buys" in session.say("plan")[1]
    assert not list(session.memos.glob("*"))
