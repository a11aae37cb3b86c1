"""A build that a person ends: what is in flight is paid, so it is kept; what never left is not begun."""

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from tests.sessions.conftest import Account, manifest
from tests.support.workspace import Workspace

LAMPS = manifest("lamp: {matrix: {n: [a, b, c, d]}, prompt: 'Lamp {{ n }}'}")
SLOW = {"do": "latency", "seconds": 0.8}


def events(workspace: Workspace) -> list[dict[str, Any]]:
    """What has been written so far; a line is written whole."""
    path = workspace.folder / "events.jsonl"
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    return [json.loads(line) for line in text.splitlines()]


def named(workspace: Workspace, name: str) -> list[dict[str, Any]]:
    return [event for event in events(workspace) if event["event"] == name]


def interrupted(workspace: Workspace, *signals: signal.Signals) -> str:
    """A build of two at once that gets the first signal while both are in flight, and each further one soon after.

    Returns what it said.
    """
    workspace.write("seedpipe.yaml", LAMPS)
    process = workspace.start("build", "-j", "2", "--events", "events.jsonl")
    for place, number in enumerate(signals):
        until = time.monotonic() + 30
        while len(named(workspace, "build_stopping" if place else "request_sent")) < (1 if place else 2):
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < until
            time.sleep(0.01)
        os.kill(process.pid, number)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert "Traceback" not in said
    return said


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_lets_what_is_in_flight_arrive(
    workspace: Workspace, account: Account, number: signal.Signals
) -> None:
    account.faults(SLOW)
    said = interrupted(workspace, number)
    assert "2 in flight are awaited" in said
    assert "2 pictures not begun; the next build takes them up" in said
    assert len(list(Path(workspace.folder / "build/@proof/lamp").iterdir())) == 2
    written = events(workspace)
    assert written[0]["seedpipe_events"] == 1
    assert [event["event"] for event in (written[0], written[-1])] == ["build_started", "build_finished"]
    assert (written[-1]["bought"], written[-1]["exit_code"]) == (2, 130)
    account.faults()
    again = workspace.run("build", "--json")
    assert (again.code, again.json["result"]["bought"]) == (0, 2), again.err
    assert sorted(account.prompts) == ["Lamp a", "Lamp b", "Lamp c", "Lamp d"]


def test_a_second_signal_aborts_and_writes_down_what_is_uncertain(workspace: Workspace, account: Account) -> None:
    account.faults({"do": "latency", "seconds": 6})
    said = interrupted(workspace, signal.SIGINT, signal.SIGINT)
    assert "up to 0.06 USD more may have been charged: nobody knows yet" in said
    assert "2 unknown" in said
    assert "2 pictures not begun" in said
    assert {event["outcome"] for event in named(workspace, "node_failed")} == {"unknown"}
    account.faults()
    again = workspace.run("build", "--json")
    assert (again.code, again.json["result"]["bought"]) == (75, 2), again.err
    assert len(account.prompts) == 4, "what may have been paid is not sent again"
    assert again.json["plan"]["counts"] == {"make": 2, "unknown": 2}
