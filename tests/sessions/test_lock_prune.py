"""What has left the manifest stays in the lock until a person takes it out, and comes back by undo."""

import json
from pathlib import Path

from tests.sessions.conftest import Account, manifest
from tests.support.workspace import Workspace

FULL = manifest(
    "lamp: {matrix: {n: [a, b]}, prompt: 'Lamp {{ n }}'}", "chair: {prompt: A chair}", "desk: {prompt: A desk}"
)
LEFT = manifest("desk: {prompt: A desk}")


def lock_of(workspace: Workspace) -> list[str]:
    text = (workspace.folder / ".seedpipe/proof/seedpipe.lock").read_text()
    return [line.partition(" ")[0] for line in text.splitlines() if line[0] not in "#@"]


def test_what_left_is_pruned_by_a_persons_word_and_comes_back(workspace: Workspace, account: Account) -> None:
    workspace.write("seedpipe.yaml", FULL)
    assert workspace.run("build").code == 0
    assert workspace.run("approve", "chair").code == 0
    assert "nothing to prune" in workspace.run("lock", "prune").out
    workspace.write("seedpipe.yaml", LEFT)
    assert workspace.run("build").code == 0
    assert lock_of(workspace) == ["chair", "desk", "lamp/a", "lamp/b"], "nothing drops lines by itself"
    told = " ".join(workspace.run("status").out.split())
    assert "3 in the lock, no longer in the manifest" in told
    assert "→ `seedpipe mv chair NEW` if it was renamed; `seedpipe lock prune` takes lines out" in told
    would = workspace.run("lock", "prune", "--dry-run", "--json").json
    assert (would["would_prune"], would["kept"]) == (["lamp/a", "lamp/b"], ["chair"])
    assert len(lock_of(workspace)) == 4
    ran = workspace.run("lock", "prune", "-m", "autumn is over")
    assert ran.code == 0
    assert "pruned lamp" in ran.out
    assert "stays, because a person chose it: chair" in " ".join(ran.out.split())
    assert lock_of(workspace) == ["chair", "desk"]
    assert workspace.run("lock", "prune", "chair").code == 0
    assert lock_of(workspace) == ["desk"]
    assert workspace.run("undo").code == 0
    assert workspace.run("undo").code == 0
    assert lock_of(workspace) == ["chair", "desk", "lamp/a", "lamp/b"]
    workspace.write("seedpipe.yaml", FULL)
    assert set(workspace.plan().values()) == {"cached"}
    assert len(account.requests) == 4


def test_what_was_pruned_is_still_paid_for(workspace: Workspace, account: Account) -> None:
    workspace.write("seedpipe.yaml", FULL)
    assert workspace.run("build").code == 0
    workspace.write("seedpipe.yaml", LEFT)
    assert workspace.run("lock", "prune").code == 0
    workspace.write("seedpipe.yaml", FULL)
    assert workspace.plan() == {"lamp/a": "cached", "lamp/b": "cached", "chair": "cached", "desk": "cached"}
    assert workspace.run("build").code == 0
    assert len(account.requests) == 4


def test_a_target_that_is_no_orphan_is_said(workspace: Workspace) -> None:
    workspace.write("seedpipe.yaml", FULL)
    assert workspace.run("build").code == 0
    workspace.write("seedpipe.yaml", LEFT)
    for target, why in (
        ("desk", "is in the manifest"),
        ("sofa", "is not in the lock"),
        ("sofa*", "is not in the lock"),
    ):
        ran = workspace.run("lock", "prune", target)
        assert ran.code == 2
        assert why in ran.err
    assert workspace.run("lock", "prune", "lamp").code == 0
    assert lock_of(workspace) == ["chair", "desk"]
    record = (workspace.folder / ".seedpipe/proof/seedpipe.decisions.jsonl").read_text()
    assert [json.loads(line)["verb"] for line in record.splitlines()] == ["prune", "prune"]


def test_a_lock_without_a_manifest_for_it_is_no_crash(workspace: Workspace, tmp_path: Path) -> None:
    workspace.write("seedpipe.yaml", LEFT)
    assert "nothing to prune" in workspace.run("lock", "prune").out


def test_takes_that_go_with_a_line_are_told_and_stay(workspace: Workspace) -> None:
    workspace.write("seedpipe.yaml", FULL)
    assert workspace.run("build").code == 0
    workspace.write("seedpipe.yaml", FULL.replace("  chair:", "  stool:").replace("lamp:", "torch:"))
    would = workspace.run("lock", "prune", "--dry-run")
    assert "3 takes stand in no other line; they stay in the store" in " ".join(would.out.split())
    assert "build it first, and that has them" in " ".join(would.out.split())
    assert len(workspace.run("lock", "prune", "--dry-run", "--json").json["unnamed"]) == 3
    assert workspace.run("build").code == 0
    assert workspace.run("lock", "prune", "--dry-run", "--json").json["unnamed"] == [], "the new names have them"
    workspace.write("seedpipe.yaml", LEFT)
    ran = workspace.run("lock", "prune")
    said = " ".join(ran.out.split())
    assert "3 takes stand in no other line; they stay in the store and in the record of decisions" in said
    assert "`seedpipe undo` brings the lines back" in said
    assert all(len(line) <= 80 for line in ran.out.splitlines())
