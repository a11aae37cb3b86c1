"""A build that a person ends: what is in flight is paid, so it is kept; what never left is not begun."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.sessions.conftest import Account, manifest
from tests.support.pty import CTRL_C, terminal
from tests.support.workspace import Workspace

LAMPS = manifest("lamp: {matrix: {n: [a, b, c, d]}, prompt: 'Lamp {{ n }}'}")
BOARD = manifest(
    "board: {prompt: Workshop, sequence: {frames: [{id: dawn, prompt: A}, {id: noon, prompt: B}, {id: dusk, prompt: C}]}}"
)
SLOW = {"do": "latency", "seconds": 0.8}
BUILD = ("build", "-j", "2", "--events", "events.jsonl")


def events(workspace: Workspace) -> list[dict[str, Any]]:
    """What has been written so far; a line is written whole."""
    path = workspace.folder / "events.jsonl"
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    return [json.loads(line) for line in text.splitlines()]


def named(workspace: Workspace, name: str) -> list[dict[str, Any]]:
    return [event for event in events(workspace) if event["event"] == name]


def until(workspace: Workspace, name: str, times: int) -> None:
    """Waits until the build has said something so often."""
    end = time.monotonic() + 30
    while len(named(workspace, name)) < times:
        assert time.monotonic() < end
        time.sleep(0.01)


def interrupted(workspace: Workspace, account: Account, *signals: signal.Signals) -> str:
    """A build of two at once that gets the first signal while both are in flight, and each further one soon after.

    Returns what it said.
    """
    workspace.write("seedpipe.yaml", LAMPS)
    process = workspace.start(*BUILD)
    for place, number in enumerate(signals):
        until(workspace, "build_stopping" if place else "request_sent", 1 if place else 2)
        end = time.monotonic() + 30
        while len(account.requests) < 2:  # both have arrived, not only left
            assert time.monotonic() < end
            time.sleep(0.01)
        os.kill(process.pid, number)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert "Traceback" not in said
    return said


def goes_on(workspace: Workspace, account: Account, bought: int) -> None:
    """The next build brings the rest, and asks for nothing twice."""
    account.faults()
    again = workspace.run("build", "--json")
    assert (again.code, again.json["result"]["bought"]) == (0, bought), again.err
    assert sorted(account.prompts) == ["Lamp a", "Lamp b", "Lamp c", "Lamp d"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_first_signal_lets_what_is_in_flight_arrive(
    workspace: Workspace, account: Account, number: signal.Signals
) -> None:
    account.faults(SLOW)
    said = interrupted(workspace, account, number)
    assert "2 in flight are awaited" in said
    assert "2 pictures not begun; the next build takes them up" in said
    assert len(list(Path(workspace.folder / "build/@proof/lamp").iterdir())) == 2
    written = events(workspace)
    assert written[0]["seedpipe_events"] == 1
    assert [event["event"] for event in (written[0], written[-1])] == ["build_started", "build_finished"]
    assert (written[-1]["bought"], written[-1]["exit_code"]) == (2, 130)
    goes_on(workspace, account, 2)


@pytest.mark.parametrize(
    "second", [(signal.SIGINT, signal.SIGINT), (signal.SIGTERM, signal.SIGTERM), (signal.SIGHUP, signal.SIGINT)]
)
def test_a_second_signal_aborts_and_writes_down_what_is_uncertain(
    workspace: Workspace, account: Account, second: tuple[signal.Signals, ...]
) -> None:
    account.faults({"do": "latency", "seconds": 6})
    said = interrupted(workspace, account, *second)
    assert "bought live, up to 0.06 USD more would be uncertain" in said, "a proof is never charged"
    assert "2 unknown" in said
    assert "2 pictures not begun" in said
    assert {event["outcome"] for event in named(workspace, "node_failed")} == {"unknown"}
    account.faults()
    again = workspace.run("build", "--json")
    assert (again.code, again.json["result"]["bought"]) == (75, 2), again.err
    assert len(account.prompts) == 4, "what may have been paid is not sent again"
    assert again.json["plan"]["counts"] == {"make": 2, "unknown": 2}


def test_what_was_still_connecting_is_not_uncertain(workspace: Workspace, account: Account) -> None:
    """A server that takes connections and never greets: nothing has left when the build is aborted."""
    workspace.write("seedpipe.yaml", LAMPS)
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as mute:
        base_url = f"https://127.0.0.1:{mute.getsockname()[1]}/v1"
        process = workspace.start(*BUILD, "--yes", "--max-cost", "1", SEEDPIPE_BASE_URL=base_url)
        until(workspace, "request_sent", 2)
        os.kill(process.pid, signal.SIGINT)
        until(workspace, "build_stopping", 1)
        os.kill(process.pid, signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert "would be uncertain" not in said
    assert "4 pictures not begun" in said
    assert {event["outcome"] for event in named(workspace, "request_ended")} == {"released"}
    goes_on(workspace, account, 4)


def test_a_closed_terminal_after_an_interrupt_still_lets_everything_arrive(
    workspace: Workspace, account: Account
) -> None:
    """Who presses Ctrl-C and then closes the window does not ask for the second, harder stop."""
    account.faults(SLOW)
    said = interrupted(workspace, account, signal.SIGINT, signal.SIGHUP)
    assert "unknown" not in said
    goes_on(workspace, account, 2)


def test_frames_that_arrived_before_an_abort_are_kept(workspace: Workspace, account: Account) -> None:
    account.faults({"do": "stall", "seconds": 90})  # all made, each sent as it is made, and no end
    workspace.write("seedpipe.yaml", BOARD)
    process = workspace.start(*BUILD)
    until(workspace, "node_done", 3)
    process.send_signal(signal.SIGINT)
    until(workspace, "build_stopping", 1)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert len(list(Path(workspace.folder / "build/@proof/board").iterdir())) == 3
    account.faults()
    again = workspace.run("build", "--json")
    assert (again.code, again.json["result"]["bought"]) == (0, 0), again.err
    assert len(account.prompts) == 1


def test_a_signal_while_nothing_is_in_flight_sends_nothing(workspace: Workspace, account: Account) -> None:
    """It waits before its next try; refused so far, and free."""
    account.faults({"do": "rate-limit", "retry_after": 3})
    workspace.write("seedpipe.yaml", LAMPS)
    process = workspace.start(*BUILD)
    until(workspace, "node_waiting", 2)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert "charged" not in said
    account.faults()
    again = workspace.run("build", "--json")
    assert (again.code, again.json["result"]["bought"]) == (0, 4), again.err


def test_the_first_signal_is_the_first_also_of_a_build_that_is_stopping(workspace: Workspace, account: Account) -> None:
    """The account is empty, so nothing new is sent; what was sent before is paid, and one Ctrl-C doesn't cut it."""
    account.faults({"do": "latency", "seconds": 2}, {"do": "balance", "after": 1})  # whichever two are the first
    workspace.write("seedpipe.yaml", LAMPS)
    process = workspace.start(*BUILD)
    until(workspace, "build_stopping", 1)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert "1 in flight are awaited" in said
    assert len(list((workspace.folder / "build/@proof/lamp").iterdir())) == 1
    assert "charged" not in said


def test_signals_that_were_ignored_when_it_began_stay_so(workspace: Workspace, account: Account) -> None:
    """`nohup`, and a job that a script put in the background: Ctrl-C is for somebody else."""
    account.faults(SLOW)
    workspace.write("seedpipe.yaml", LAMPS)
    process = subprocess.Popen(
        [sys.executable, "-m", "seedpipe", *BUILD],
        cwd=workspace.folder,
        env=workspace.environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=lambda: [signal.signal(one, signal.SIG_IGN) for one in (signal.SIGHUP, signal.SIGINT)],
    )
    until(workspace, "request_sent", 2)
    process.send_signal(signal.SIGHUP)
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 0
    assert len(account.prompts) == 4


# In a terminal


def test_ctrl_c_once_lets_what_is_in_flight_arrive(workspace: Workspace, account: Account) -> None:
    account.faults(SLOW)
    workspace.write("seedpipe.yaml", LAMPS)
    with terminal(BUILD, workspace.folder, workspace.environ) as typed:
        until(workspace, "request_sent", 2)
        typed.type(CTRL_C)
        assert typed.wait() == 130, typed.text
    assert "stopping: interrupted · 2 pictures under way: paid, so awaited" in typed.text
    assert "Traceback" not in typed.text
    assert typed.screen.count("\x1b[?25l") == typed.screen.count("\x1b[?25h"), "the cursor is back"
    goes_on(workspace, account, 2)


def test_ctrl_c_twice_aborts_at_once(workspace: Workspace, account: Account) -> None:
    account.faults({"do": "latency", "seconds": 40})
    workspace.write("seedpipe.yaml", LAMPS)
    with terminal(BUILD, workspace.folder, workspace.environ) as typed:
        until(workspace, "request_sent", 2)
        typed.type(CTRL_C)
        typed.wait_for("paid, so awaited")
        began = time.monotonic()
        typed.type(CTRL_C)
        assert typed.wait() == 130, typed.text
        assert time.monotonic() - began < 30
    assert "would be uncertain" in typed.text
    account.faults()
    assert workspace.run("build").code == 75
    assert len(account.prompts) == 4


def test_a_closed_window_lets_what_is_in_flight_arrive(workspace: Workspace, account: Account, tmp_path: Path) -> None:
    account.faults(SLOW)
    workspace.write("seedpipe.yaml", LAMPS)
    with terminal(BUILD, workspace.folder, workspace.environ) as typed:
        until(workspace, "request_sent", 2)
        typed.hang_up()
        assert typed.process.wait(60) == 130
    assert not list((tmp_path / "home").rglob("crash-*")), "nobody to tell is no bug of ours"
    assert named(workspace, "build_finished")[0]["bought"] == 2
    goes_on(workspace, account, 2)
