"""Plans as sessions: what they learn from builds, and what they say of an edit."""

from tests.sessions.conftest import Account, manifest
from tests.support.workspace import Workspace


def test_the_time_forecast_learns_from_what_was_built(workspace: Workspace, account: Account) -> None:
    names = [f"lamp-{number}" for number in range(6)]
    workspace.write("seedpipe.yaml", manifest(*(f"{name}: {{prompt: Lamp {name}}}" for name in names)))
    before = workspace.run("plan", "--json").json["time"]
    assert (before["from_pictures"], before["by_catalogue"], before["picture_seconds"]) == (0, True, 15)
    assert workspace.run("build").code == 0
    workspace.edit("seedpipe.yaml", "Lamp lamp-0", "A brass lamp")
    after = workspace.run("plan", "--json").json["time"]
    assert (after["from_pictures"], after["by_catalogue"]) == (6, False)
    assert after["picture_seconds"] < 15, "the emulator answers at once here"
