"""A picture that was paid and could not be fetched yet: it is asked for again, never bought again, never waited for."""

import os
import signal
import time

from tests.sessions.conftest import Account, manifest
from tests.support.workspace import Workspace


def test_what_is_paid_and_located_is_fetched_for_nothing_as_soon_as_it_can_be(
    workspace: Workspace, account: Account
) -> None:
    workspace.write("seedpipe.yaml", manifest("lamp: {prompt: A lamp}"))
    account.faults({"do": "download-error", "downloads": 6})  # one try of the first build, four of the second
    process = workspace.start("build")
    deadline = time.monotonic() + 30
    while not any(picture["downloads"] for one in account.requests for picture in one["images"]):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()

    second = workspace.run("build")
    assert second.code == 75, second.err
    assert "it was made and charged, but could not be kept" in second.err
    third = workspace.run("build", "--json")
    assert third.code == 0, third.err
    assert third.err.count("`lamp`: a paid picture can be fetched again for nothing") == 1
    assert third.err.index("can be fetched again") < third.err.index("`lamp`: 1 of 1 paid pictures fetched for nothing")
    assert third.json["result"]["bought"] == 0
    assert (workspace.folder / "build/@proof/lamp.jpg").exists()
    assert [one["billed_images"] for one in account.requests] == [1]
