"""A lock or a record of decisions that can't be read stops every verb that needs it, with one exit code and where it is."""

from collections.abc import Callable

import pytest

from tests.sessions.conftest import manifest
from tests.support.workspace import Workspace

LAMPS = manifest("hero: {prompt: A matte lamp}", "small: {from: hero, steps: [{resize: 64x64}]}")
LOCK = ".seedpipe/proof/seedpipe.lock"
READS_THE_LOCK = [
    ("plan", "--proof"),
    ("build", "--proof"),
    ("status", "--proof"),
    ("explain", "hero", "--proof"),
    ("graph", "--proof"),
    ("takes", "hero", "--proof"),
    ("reroll", "hero", "--proof"),
    ("pick", "hero", "1", "--proof"),
    ("approve", "hero", "--proof"),
    ("pin", "hero", "--proof"),
    ("unpin", "hero", "--proof"),
    ("keep", "hero", "--proof"),
    ("adopt", "hero", "hero.jpg", "--proof"),
    ("restore", "hero", "--proof"),
    ("note", "hero", "-m", "ask", "--proof"),
    ("mv", "hero", "lamp", "--proof"),
    ("undo", "--proof"),
    ("promote", "--from", "draft", "--proof"),
    ("upgrade", "--proof"),
    ("lock", "prune", "--proof"),
]
DECIDES = [call for call in READS_THE_LOCK if call[0] in ("takes", "pick", "approve", "pin", "keep", "note", "undo")]


@pytest.fixture
def built(workspace: Workspace) -> Workspace:
    workspace.write("seedpipe.yaml", LAMPS + "profiles: {draft: {force: {size: 2K}}}\n")
    assert workspace.run("build", "--proof").code == 0
    assert workspace.run("approve", "hero", "--proof").code == 0
    return workspace


BREAKAGES: dict[str, Callable[[str], str]] = {
    "no JSON": lambda text: text.replace('"level"', "level"),
    "later format": lambda text: text.replace("Format 1.", "Format 2."),
    "conflict": lambda text: text + "<<<<<<< a\n",
}


@pytest.mark.parametrize("how", BREAKAGES)
def test_a_broken_lock_is_exit_code_2_of_every_verb(built: Workspace, how: str) -> None:
    broken = BREAKAGES[how]((built.folder / LOCK).read_text())
    built.write(LOCK, broken)
    for call in READS_THE_LOCK:
        ran = built.run(*call)
        assert (ran.code, ran.out) == (2, ""), (call, ran.err)
        assert f"`{LOCK}`" in ran.err and ("= hint: " in ran.err or "| ^ " in ran.err)
        assert (built.folder / LOCK).read_text() == broken, "nothing is mended behind a person's back"


def test_check_diff_and_doctor_agree(built: Workspace) -> None:
    built.write("seedpipe.lock", "mine\n")
    for call in (("check",), ("plan",), ("doctor", "--offline"), ("build", "--proof"), ("build", "--yes")):
        ran = built.run(*call)
        assert ran.code == 2, (call, ran.err)
        assert "`seedpipe.lock` is not a seedpipe lock" in " ".join((ran.out + ran.err).split())


def test_so_is_a_broken_record_of_decisions(built: Workspace) -> None:
    name = ".seedpipe/proof/seedpipe.decisions.jsonl"
    broken = "nonsense\n" + (built.folder / name).read_text()
    built.write(name, broken)
    for call in DECIDES:
        ran = built.run(*call)
        assert (ran.code, ran.out) == (2, ""), (call, ran.err)
        assert f"`{name}` has a line that can't be read" in " ".join(ran.err.split()), call
        assert (built.folder / name).read_text() == broken, call
