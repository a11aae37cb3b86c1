"""`--events FILE`: every event of a build as a JSON line, with one request at a time."""

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from seedpipe.events import events_schema
from tests.sessions.conftest import Account, manifest
from tests.support.relay import Gateway
from tests.support.spoiling import let_through
from tests.support.workspace import Workspace

FILE = "events.jsonl"
BOARD = "board: {prompt: Workshop, sequence: {frames: [{id: dawn, prompt: A}, {id: noon, prompt: B}, {id: dusk, prompt: C}]}}"


def written(workspace: Workspace) -> list[dict[str, Any]]:
    """Every line of the file, each as the schema says."""
    schema = jsonschema.Draft202012Validator(events_schema())
    events = [json.loads(line) for line in (workspace.folder / FILE).read_text(encoding="utf-8").splitlines()]
    for event in events:
        assert not list(schema.iter_errors(event)), event
        assert not let_through(schema, event), "a schema that takes anything is none"
    assert [event.get("seedpipe_events") for event in events] == [1, *([None] * (len(events) - 1))]
    return events


def ends(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What became of each request that was sent: one end each, after it, under the same ids."""
    sent = [(event["request"], event["client_request_id"]) for event in events if event["event"] == "request_sent"]
    ended = [event for event in events if event["event"] == "request_ended"]
    assert sorted(sent) == sorted((event["request"], event["client_request_id"]) for event in ended)
    assert len(set(sent)) == len(sent)
    for end in ended:
        own = [event["event"] for event in events if event.get("request") == end["request"]]
        assert (own[0], own[-1]) == ("request_sent", "request_ended")
    return ended


def test_each_end_says_what_the_service_calls_the_request(
    workspace: Workspace, account: Account, live: Gateway
) -> None:
    """Settled, refused for nothing, sent again, uncertain, a batch that lost one: all by the ids of the service."""
    lamps = "lamp: {matrix: {n: [a, b, c, d, e]}, prompt: 'Lamp {{ n }}'}"
    workspace.write("seedpipe.yaml", manifest(lamps, BOARD))
    account.faults(
        {"do": "rate-limit", "retry_after": 0.02, "times": 1, "match": "Lamp b"},
        {"do": "moderate-input", "match": "Lamp c"},
        {"do": "bad-gateway", "match": "Lamp d"},
        {"do": "gone", "match": "Lamp e"},
        {"do": "moderate-output", "match": "Workshop", "index": 1},
    )
    workspace.environ["SEEDPIPE_BASE_URL"] = live.base_url
    assert workspace.run("build", "--yes", "--max-cost", "1.00", "--events", FILE).code == 75
    events = written(workspace)
    ended = ends(events)
    assert sorted((end["address"].split("/")[-1], end["outcome"], end["charge"], end["code"]) for end in ended) == [
        ("a", "settled", "0.03 USD", None),
        ("b", "refused", None, "ModelAccountIpmRateLimitExceeded"),
        ("b", "settled", "0.03 USD", None),
        ("board", "settled", "0.06 USD", None),
        ("c", "refused", None, "InputTextSensitiveContentDetected"),
        ("d", "unknown", None, None),
        ("e", "unknown", None, None),
    ]
    assert {end["client_request_id"] for end in ended} == {one["client_request_id"] for one in account.requests}
    named = [end["request_id"] for end in ended if end["address"] != "lamp/d"]
    assert None not in named and len(set(named)) == 6, "a gateway's web page names none, all others do"
    uncertain = [end for end in ended if end["outcome"] == "unknown"]
    assert "HTTP 502 with a web page" in uncertain[0]["message"] + uncertain[1]["message"]
    by_request = {end["request"]: end for end in ended}
    kept = [event for event in events if event["event"] == "take_kept"]
    assert len(kept) == 4
    for take in kept:
        end = by_request[take["request"]]
        assert (take["request_id"], take["client_request_id"]) == (end["request_id"], end["client_request_id"])
    failed = {event["address"]: event for event in events if event["event"] == "node_failed"}
    assert failed["lamp/c"]["request_id"] == next(end["request_id"] for end in ended if end["address"] == "lamp/c")
    assert events[-1]["uncertain"] == "0.06 USD"
    held = workspace.run("resolve", "--json").json["held"]
    assert {one["request"] for one in held} == {end["request"] for end in uncertain}


def test_an_aborted_build_says_what_became_of_what_was_in_flight(workspace: Workspace, account: Account) -> None:
    workspace.write("seedpipe.yaml", manifest("lamp: {matrix: {n: [a, b, c]}, prompt: 'Lamp {{ n }}'}"))
    account.faults({"do": "latency", "seconds": 8})
    process = workspace.start("build", "-j", "2", "--events", FILE)
    path = workspace.folder / FILE

    def until(word: str, times: int) -> None:
        deadline = time.monotonic() + 30
        while not path.exists() or path.read_text(encoding="utf-8").count(f'"{word}"') < times:
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.01)

    until("request_sent", 2)
    os.kill(process.pid, signal.SIGINT)
    until("build_stopping", 1)
    os.kill(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130, said
    events = written(workspace)
    assert [end["outcome"] for end in ends(events)] == ["unknown", "unknown"]
    assert {end["message"] for end in ends(events)} == {"the build was aborted while the answer was awaited"}
    assert events[-1]["event"] == "build_finished"


def test_one_at_a_time_and_every_event_in_the_file(workspace: Workspace, account: Account) -> None:
    """A throttled request and one that met a free 5xx go out again; a refused one does not."""
    workspace.write("seedpipe.yaml", manifest("lamp: {matrix: {n: [a, b, c, d, e, f]}, prompt: 'Lamp {{ n }}'}"))
    account.faults(
        {"do": "rate-limit", "retry_after": 0.02, "times": 1, "match": "Lamp c"},
        {"do": "internal-error", "times": 1, "match": "Lamp d"},
        {"do": "moderate-input", "match": "Lamp f"},
    )
    assert workspace.run("build", "-j", "1", "--events", FILE).code == 5
    events = written(workspace)
    assert sorted(end["outcome"] for end in ends(events)) == ["refused"] * 3 + ["settled"] * 5
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
    assert "error: `nowhere/events.jsonl` can't be written: no such file or directory" in nowhere.err
    assert account.requests == [], "said before anything is bought"
    full = workspace.run("build", "--events", "/dev/full", "--json")
    assert (full.code, full.json["result"]["bought"]) == (0, 1), full.err
    assert "warning: `/dev/full`: the events could not be written" in full.err
