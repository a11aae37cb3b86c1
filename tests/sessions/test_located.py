"""A picture that was paid and could not be fetched yet: it is asked for again, never bought again, never waited for."""

import hashlib
import json
import os
import signal
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.sessions.conftest import Account, manifest
from tests.support.workspace import Workspace, service


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

    plan = workspace.run("plan", "--json").json
    (lamp,) = plan["nodes"]
    assert (lamp["state"], lamp["pictures"], plan["cost"]["high"]) == ("fetch", 0, "0.00 USD"), "it is paid for"
    assert "paid (0.03 USD) and still at the provider, until" in " ".join(workspace.run("plan").out.split())

    second = workspace.run("build")
    assert second.code == 75, second.err
    assert "it was made and charged, but could not be kept" in second.err
    assert workspace.plan() == {"lamp": "fetch"}
    third = workspace.run("build", "--json")
    assert third.code == 0, third.err
    assert third.err.count("`lamp`: a paid picture can be fetched again for nothing") == 1
    assert third.err.index("can be fetched again") < third.err.index("`lamp`: 1 of 1 paid pictures fetched for nothing")
    assert third.json["result"]["bought"] == 0
    assert (workspace.folder / "build/@proof/lamp.jpg").exists()
    assert [one["billed_images"] for one in account.requests] == [1]


def test_why_a_picture_could_not_be_kept_is_told_until_it_is(workspace: Workspace, account: Account) -> None:
    """Bytes that are no picture stay so: each build says what came, and under which ids, and nothing is bought."""
    workspace.write("seedpipe.yaml", manifest("lamp: {prompt: A lamp}"))
    account.faults({"do": "garbage"})
    assert workspace.run("build").code == 75
    account.faults()
    again = workspace.run("build", "--events", "events.jsonl")
    assert again.code == 75
    assert "could not be kept: it is of no known picture format" in again.err
    assert "could not be reached" not in again.err
    assert "could not be kept: it is of no known picture format" in " ".join(workspace.run("resolve").out.split())
    assert "its process ended" not in workspace.run("resolve").out
    (failed,) = [event for event in events_of(workspace) if event["event"] == "node_failed"]
    (asked,) = account.requests
    assert failed["client_request_id"] == asked["client_request_id"]
    assert failed["request_id"] is not None
    told = [event for event in events_of(workspace) if event["event"] == "recovered"]
    assert {event["address"] for event in told} == {"lamp"}
    assert {event["client_request_id"] for event in told} == {asked["client_request_id"]}
    assert all(event["request"].startswith("req-") and event["request_id"] for event in told)


def test_a_short_lived_address_is_waited_for_as_long_as_it_says(tmp_path: Path) -> None:
    with service(tmp_path / "service", "--url-life", "600") as emulator:
        workspace = Workspace(tmp_path / "work", **emulator.environ)
        workspace.write("seedpipe.yaml", manifest("lamp: {prompt: A lamp}"))
        emulator.faults({"do": "download-error"})
        assert workspace.run("build").code == 75
        (held,) = workspace.run("resolve", "--json").json["held"]
    left = datetime.fromisoformat(held["fetched_for_nothing_until"]) - datetime.fromisoformat(held["since"])
    assert timedelta(seconds=590) <= left < timedelta(hours=1)


def events_of(workspace: Workspace) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (workspace.folder / "events.jsonl").read_text().splitlines()]


def test_a_plan_after_a_crash_tells_what_the_next_build_will_find(workspace: Workspace, account: Account) -> None:
    """Not `make` with a price: it was sent, and nobody knows. Looking writes nothing."""
    workspace.write("seedpipe.yaml", manifest("lamp: {prompt: A lamp}"))
    account.faults({"do": "latency", "seconds": 20})
    process = workspace.start("build", "--events", "events.jsonl")
    events = workspace.folder / "events.jsonl"
    deadline = time.monotonic() + 30
    while not (events.exists() and "request_sent" in events.read_text()):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert workspace.plan() == {"lamp": "make"}, "while it is at work nothing is uncertain"
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert workspace.plan() == {"lamp": "unknown"}
    assert "its process ended before an answer was written down" in " ".join(
        workspace.run("explain", "lamp").out.split()
    )
    assert len(workspace.run("status", "--json").json["uncertain"]) == 1
    account.faults()
    assert workspace.run("build").code == 75
    assert workspace.plan() == {"lamp": "unknown"}
    assert len(account.requests) <= 1


def test_what_is_made_from_a_paid_picture_is_planned_with_it(workspace: Workspace, account: Account) -> None:
    images = ["lamp: {prompt: A lamp, takes: 2}", "card: {prompt: 'On a card, {{ refs.a }}', references: {a: lamp}}"]
    workspace.write("seedpipe.yaml", manifest(*images))
    account.faults({"do": "download-error", "match": "A lamp", "downloads": 4})  # as often as one build tries
    first = workspace.run("build")
    assert first.code == 75, first.err
    planned = workspace.run("plan", "--json").json
    states = {node["address"]: (node["state"], node["cost"]["high"]) for node in planned["nodes"]}
    assert states == {"lamp": ("fetch", "0.00 USD"), "card": ("make", "0.03 USD")}
    ran = workspace.run("build", "--json")
    assert (ran.code, ran.json["result"]["bought"]) == (0, 1), ran.err
    assert [one["billed_images"] for one in account.requests] == [1, 1, 1]
    assert workspace.plan() == {"lamp": "cached", "card": "cached"}


@pytest.mark.parametrize("reachable", [True, False])
def test_takes_beside_a_paid_one_are_priced_before_it_is_fetched(
    workspace: Workspace, account: Account, reachable: bool
) -> None:
    workspace.write("seedpipe.yaml", manifest("lamp: {prompt: A lamp}"))
    account.faults({"do": "download-error", "times": 1, "downloads": 4 if reachable else 8})
    assert workspace.run("build").code == 75
    workspace.edit("seedpipe.yaml", "A lamp", "A lamp, takes: 3")
    planned = workspace.run("plan", "-o", "p.json", "--json").json
    assert (planned["pictures"], planned["cost"]["high"]) == (2, "0.06 USD")
    ran = workspace.run("build", "--plan", "p.json", "--json")
    assert (ran.code, ran.json["result"]["bought"]) == (0, 2), ran.err
    again = workspace.run("build", "--plan", "p.json", "--json")
    assert (again.code, again.json["result"]["bought"]) == (0, 0), again.err
    assert workspace.plan() == {"lamp": "cached"}
    assert len(account.requests) == 3
    (lamp,) = workspace.run("takes", "lamp", "--json").json["nodes"]
    assert [len(group["takes"]) for group in lamp["groups"]] == [3], "what came later is listed, too"


def test_pictures_of_one_answer_are_fetched_each_for_itself(tmp_path: Path) -> None:
    """One of them is gone; the others are no less good, and nothing of the batch is bought again."""
    with service(tmp_path / "service") as emulator:
        workspace = Workspace(tmp_path / "work", **emulator.environ)
        frames = "[{id: a, prompt: One}, {id: b, prompt: Two}, {id: c, prompt: Three}]"
        workspace.write("seedpipe.yaml", manifest(f"board: {{sequence: {{frames: {frames}}}}}"))
        emulator.faults({"do": "download-error", "match": "Generate 3", "downloads": 4})
        first = workspace.run("build")
        assert first.code == 75, first.err
        assert set(workspace.plan().values()) == {"fetch"}
        (asked,) = emulator.ledger()["requests"]
        name = hashlib.sha256(asked["images"][0]["path"].encode()).hexdigest()
        (tmp_path / "service/state/objects" / name).unlink()
        second = workspace.run("build")
        assert second.code == 75, second.err
        assert workspace.plan() == {"board#a": "unknown", "board#b": "cached", "board#c": "cached"}
        assert [one["billed_images"] for one in emulator.ledger()["requests"]] == [3]
