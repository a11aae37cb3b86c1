"""`--events FILE`: every event of a build as a JSON line, with one request at a time."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.sessions.conftest import Account, manifest
from tests.support.workspace import Workspace


def test_one_at_a_time_and_every_event_in_the_file(workspace: Workspace, account: Account, tmp_path: Path) -> None:
    """A throttled request and one that met a free 5xx go out again; a refused one does not."""
    workspace.write("seedpipe.yaml", manifest("lamp: {matrix: {n: [a, b, c, d, e, f]}, prompt: 'Lamp {{ n }}'}"))
    account.faults(
        {"do": "rate-limit", "retry_after": 0.02, "times": 1, "match": "Lamp c"},
        {"do": "internal-error", "times": 1, "match": "Lamp d"},
        {"do": "moderate-input", "match": "Lamp f"},
    )
    file = tmp_path / "events.jsonl"
    assert workspace.run("build", "-j", "1", "--events", str(file)).code == 5
    events: list[dict[str, Any]] = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    names = [event["event"] for event in events]
    assert (names[0], names[-1]) == ("build_started", "build_finished")
    assert [event["at"] for event in events] == sorted(event["at"] for event in events)
    ended = {event["address"]: event["event"] for event in events if event["event"] in ("node_done", "node_failed")}
    assert ended == dict.fromkeys(events[0]["todo"], "node_done") | {"lamp/f": "node_failed"}
    assert names.count("take_kept") == events[-1]["bought"] == 5
    assert names.count("request_sent") == len(account.requests) == 8
    waits = [event["address"] for event in events if event["event"] == "node_waiting" and event["why"] == "backoff"]
    assert sorted(waits) == ["lamp/c", "lamp/d"]
    assert events[-1]["exit_code"] == 5
    in_flight = 0
    for event in events:
        match event["event"]:
            case "request_sent":
                in_flight += 1
                assert in_flight == 1, "the next is sent when the last is answered"
            case "take_kept" | "node_failed":
                in_flight -= 1
            case "node_waiting" if event["why"] == "backoff":
                in_flight -= 1
    assert in_flight == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no disk that is always full")
def test_events_that_cannot_be_written_stop_no_build(workspace: Workspace, account: Account) -> None:
    workspace.write("seedpipe.yaml", manifest("lamp: {prompt: A lamp}"))
    nowhere = workspace.run("build", "--events", "nowhere/events.jsonl")
    assert nowhere.code == 2
    assert "error: `nowhere/events.jsonl` can't be written: No such file or directory" in nowhere.err
    assert account.requests == [], "said before anything is bought"
    full = workspace.run("build", "--events", "/dev/full", "--json")
    assert (full.code, full.json["result"]["bought"]) == (0, 1), full.err
    assert "warning: `/dev/full`: the events could not be written" in full.err
