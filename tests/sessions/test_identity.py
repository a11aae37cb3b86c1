"""A project without a name: its random id is on disk before anything is bought, and all its builds share it."""

import shutil
from pathlib import Path

from tests.sessions.conftest import Account, manifest
from tests.support.workspace import Workspace

LAMP = manifest("lamp: {prompt: Lamp}").replace("project: lamps\n", "")


def ledgers(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "home" / "seedpipe" / "projects").glob("*/*/journal.sqlite"))


def test_every_profile_has_the_projects_own_id(workspace: Workspace, account: Account, tmp_path: Path) -> None:
    workspace.write("seedpipe.yaml", LAMP + "profiles: {draft: {}}\n")
    assert workspace.run("build", "--profile", "draft").code == 0
    again = workspace.run("build", "--json")
    assert (again.code, again.json["result"]["bought"]) == (0, 0), "the draft's picture is of the same words"
    assert account.prompts == ["Lamp"]
    assert len(ledgers(tmp_path)) == 1


def test_a_live_build_goes_on_under_the_proofs_id(workspace: Workspace, tmp_path: Path) -> None:
    workspace.write("seedpipe.yaml", LAMP)
    assert workspace.run("build").code == 0
    refused = workspace.run("build", SEEDPIPE_BASE_URL="", APIYI_API_KEY="x" * 20)  # there is nobody to say yes
    assert refused.code == 4, refused.err
    assert [path.parent.name for path in ledgers(tmp_path)] == ["live", "proof"]
    assert len({path.parent.parent for path in ledgers(tmp_path)}) == 1
    assert workspace.plan()["lamp"] == "cached", "the proof is still known"


def test_a_build_that_is_refused_leaves_one_ledger_however_often(workspace: Workspace, tmp_path: Path) -> None:
    workspace.write("seedpipe.yaml", LAMP)
    for _ in range(3):
        assert workspace.run("build", SEEDPIPE_BASE_URL="", APIYI_API_KEY="x" * 20).code == 4
    assert len(ledgers(tmp_path)) == 1


def test_a_deleted_lock_is_no_reason_to_buy_again(workspace: Workspace, account: Account) -> None:
    """`git clean` before the first commit."""
    workspace.write("seedpipe.yaml", LAMP)
    assert workspace.run("build").code == 0
    shutil.rmtree(workspace.folder / ".seedpipe")
    shutil.rmtree(workspace.folder / "build")
    again = workspace.run("build", "--json")
    assert (again.code, again.json["result"]["bought"]) == (0, 0), again.err
    assert account.prompts == ["Lamp"]
