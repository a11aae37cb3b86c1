"""What was decided about a picture, and what was bought for it, keeps up with its new name, whoever says that it is renamed."""

import pytest
from PIL import Image

from tests.sessions.conftest import Account, manifest
from tests.sessions.test_choices import lock, takes
from tests.support.workspace import Workspace

PROOFS = ".seedpipe/proof/seedpipe.lock"
BOARD = "{{prompt: Noir, sequence: {{frames: [{{id: wide, prompt: {0}}}, {{id: hands, prompt: Hands}}]}}}}"


def renamed(workspace: Workspace, how: str) -> None:
    """`lamp` becomes `hero`, `board` becomes `story`."""
    head = "moved: {lamp: hero, board: story}\n" if how == "moved" else ""
    workspace.write(
        "seedpipe.yaml", manifest("hero: {prompt: A brass lamp}", f"story: {BOARD.format('Wide')}", head=head)
    )
    if how == "mv":
        assert workspace.run("mv", "lamp", "hero", "--proof").code == 0
        assert workspace.run("mv", "board", "story", "--proof").code == 0


@pytest.mark.parametrize("how", ["mv", "moved"])
def test_an_unpinned_picture_is_what_it_was_before_under_its_old_name(workspace: Workspace, how: str) -> None:
    workspace.write("seedpipe.yaml", manifest("lamp: {prompt: A brass lamp}", f"board: {BOARD.format('Wide')}"))
    assert workspace.run("build").code == 0
    assert workspace.run("pin", "lamp", "board#wide", "--proof").code == 0
    renamed(workspace, how)
    assert workspace.run("unpin", "hero", "story#wide", "--proof").code == 0
    assert [lock(workspace, name, PROOFS)["level"] for name in ("hero", "story#wide")] == ["auto", "auto"]


@pytest.mark.parametrize("how", ["mv", "moved"])
def test_takes_that_came_under_the_old_name_for_other_words_are_listed(
    workspace: Workspace, account: Account, how: str
) -> None:
    workspace.write("seedpipe.yaml", manifest("lamp: {prompt: A matte lamp}", f"board: {BOARD.format('Wider')}"))
    assert workspace.run("build").code == 0
    workspace.edit("seedpipe.yaml", "A matte lamp", "A brass lamp")
    workspace.edit("seedpipe.yaml", "Wider", "Wide")
    assert workspace.run("build").code == 0
    before = {name: set(takes(workspace, name, "--proof").values()) for name in ("lamp", "board#wide")}
    assert all(len(found) == 2 for found in before.values())
    renamed(workspace, how)
    assert set(takes(workspace, "hero", "--proof").values()) == before["lamp"]
    assert set(takes(workspace, "story#wide", "--proof").values()) == before["board#wide"]
    assert workspace.run("pick", "hero", "1", "--proof").code == 0
    assert len(account.requests) == 4


@pytest.mark.parametrize("how", ["mv", "moved"])
def test_explain_says_who_chose_a_picture_under_its_old_name(workspace: Workspace, how: str) -> None:
    workspace.write("seedpipe.yaml", manifest("lamp: {prompt: A brass lamp}", f"board: {BOARD.format('Wide')}"))
    assert workspace.run("build").code == 0
    assert workspace.run("approve", "lamp", "board#wide", "--proof", "-m", "the shade is right").code == 0
    renamed(workspace, how)
    said = [
        node["choice"] for node in workspace.run("explain", "hero", "story#wide", "--proof", "--json").json["nodes"]
    ]
    assert [(one["level"], one["note"]) for one in said] == [("approved", "the shade is right")] * 2
    assert all(one["who"] for one in said)


def test_to_look_at_a_renamed_picture_writes_nothing(workspace: Workspace) -> None:
    workspace.write("seedpipe.yaml", manifest("lamp: {prompt: A brass lamp}", f"board: {BOARD.format('Wide')}"))
    assert workspace.run("build").code == 0
    before = (workspace.folder / PROOFS).read_bytes()
    renamed(workspace, "moved")
    assert len(takes(workspace, "hero", "--proof")) == 1
    assert workspace.run("unpin", "hero", "--proof").code == 1, "what is refused changes nothing either"
    assert (workspace.folder / PROOFS).read_bytes() == before
    assert workspace.run("approve", "hero", "--proof").code == 0
    assert lock(workspace, "hero", PROOFS)["level"] == "approved"
    assert lock(workspace, "lamp", PROOFS) is None


def test_after_a_rename_that_nobody_told_the_new_name_has_all_takes_of_the_old_one(
    workspace: Workspace, account: Account
) -> None:
    """Also those of earlier words and a file that somebody brought; so nothing goes with the old line."""
    workspace.write("seedpipe.yaml", manifest("lamp: {prompt: A matte lamp}", f"board: {BOARD.format('Wider')}"))
    assert workspace.run("build").code == 0
    Image.new("RGB", (1024, 1024), "teal").save(workspace.folder / "mine.png")
    assert workspace.run("adopt", "lamp", "mine.png", "--proof").code == 0
    workspace.edit("seedpipe.yaml", "A matte lamp", "A brass lamp")
    workspace.edit("seedpipe.yaml", "Wider", "Wide")
    assert workspace.run("build").code == 0
    before = {name: set(takes(workspace, name, "--proof").values()) for name in ("lamp", "board#wide")}
    assert {name: len(found) for name, found in before.items()} == {"lamp": 3, "board#wide": 2}
    renamed(workspace, "nobody")
    assert workspace.run("build").code == 0
    for name, now in (("lamp", "hero"), ("board#wide", "story#wide")):
        assert set(takes(workspace, now, "--proof").values()) == before[name]
    assert workspace.run("lock", "prune").code == 0
    workspace.edit("seedpipe.yaml", "A brass lamp", "A tin lamp")
    assert workspace.run("build").code == 0
    kept = set(takes(workspace, "hero", "--proof").values())
    assert before["lamp"] < kept
    chosen = lock(workspace, "hero", PROOFS)["take"]
    assert workspace.run("pick", "hero", "1", "--proof").code == 0, "and it can be picked"
    assert lock(workspace, "hero", PROOFS)["take"] != chosen
    assert len(account.requests) == 5


def test_who_picks_under_a_new_name_before_any_build_has_all_takes_of_the_old_one(workspace: Workspace) -> None:
    workspace.write("seedpipe.yaml", manifest("lamp: {prompt: A matte lamp}", f"board: {BOARD.format('Wide')}"))
    assert workspace.run("build").code == 0
    workspace.edit("seedpipe.yaml", "A matte lamp", "A brass lamp")
    assert workspace.run("build").code == 0
    before = takes(workspace, "lamp", "--proof")
    assert len(before) == 2
    renamed(workspace, "nobody")
    assert takes(workspace, "hero", "--proof") == before
    assert workspace.run("pick", "hero", "1", "--proof").code == 0
    assert workspace.run("lock", "prune", "lamp").code == 0
    assert takes(workspace, "hero", "--proof") == before
    assert workspace.run("undo").code == 0
    assert workspace.run("undo").code == 0
    assert lock(workspace, "hero", PROOFS) is None, "what a decision has brought along goes with it"


def test_what_was_renamed_twice_keeps_what_was_decided_wherever_a_clone_stands(workspace: Workspace) -> None:
    """One clone has built since the first rename, another has not."""
    workspace.write("seedpipe.yaml", manifest("scene: {matrix: {n: [x, y]}, prompt: 'Scene {{ n }}'}"))
    assert workspace.run("build").code == 0
    assert workspace.run("approve", "scene/x", "--proof", "-m", "the light").code == 0
    assert workspace.run("pin", "scene/y", "--proof").code == 0
    lock = workspace.folder / ".seedpipe/proof/seedpipe.lock"
    for built_between in (False, True):
        before = lock.read_text()
        text = manifest("shot: {matrix: {n: [x, y]}, prompt: 'Scene {{ n }}'}") + "moved: {scene: shot}\n"
        if built_between:
            workspace.write("seedpipe.yaml", text)
            assert workspace.run("build").code == 0
            assert "shot/x " in lock.read_text()
        workspace.write(
            "seedpipe.yaml",
            text.replace("  shot: {matrix", "  take: {matrix").replace("{scene: shot}", "{scene: shot, shot: take}"),
        )
        assert workspace.plan("--proof") == {"take/x": "cached", "take/y": "pinned"}
        assert "“the light”" in workspace.run("takes", "take/x", "--proof").out
        assert workspace.run("build").code == 0
        assert {line.split()[0] for line in lock.read_text().splitlines() if '"level"' in line} == {"take/x", "take/y"}
        lock.write_text(before)
    workspace.edit("seedpipe.yaml", "{scene: shot, shot: take}", "{scene: shot, shot: scene}")
    assert workspace.run("plan", "--proof").code == 2, "a circle leads nowhere"
