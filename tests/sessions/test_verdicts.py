"""Each kind of refusal through a whole build: what is sent again, what stops, what is billed, the exit code, the ids."""

import contextlib
import json
import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from seedpipe.names import Realm
from seedpipe.state.home import ProjectState
from seedpipe.state.journal import Journal
from seedpipe.state.takes import Takes
from tests.sessions.conftest import Account, manifest
from tests.support.relay import Gateway
from tests.support.workspace import Workspace

PAIR = manifest("lamp: {prompt: A lamp}", "chair: {prompt: A chair}")
LIVE = ("build", "--yes", "--max-cost", "1")


@dataclass(frozen=True)
class Case:
    """A fault of the first try at the lamp (or of every one), and what becomes of it. The chair always comes."""

    fault: dict[str, Any]
    code: int
    outcome: str
    tries: int
    said: str
    prefix: str = "/v1"
    billed: int = 0
    again: bool = True  # the next build takes it up by itself


def refuse(code: str, message: str = "", **more: Any) -> dict[str, Any]:
    return {"do": "refuse", "code": code, "match": "lamp", **({"message": message} if message else {}), **more}


FAR = "2126-09-04 18:00:00 +0800 CST"
CASES = {
    "a faulty request": Case(refuse("InvalidParameter"), 1, "failed", 1, "InvalidParameter", again=False),
    "moderation upstream": Case(
        refuse("InputTextSensitiveContentDetected"), 5, "blocked", 1, "sensitive information", "/api/v3", again=False
    ),
    "moderation at the gateway, by its words": Case(
        refuse("blocked_by_policy", "Rejected by content moderation", status=403),
        5,
        "blocked",
        1,
        "Rejected by",
        again=False,
    ),
    "rules of the platform, without a code": Case(
        refuse("bad_response", "the input text may violate platform rules", status=400),
        5,
        "blocked",
        1,
        "violate",
        again=False,
    ),
    "closed for now, for good": Case(
        refuse("InvalidEndpoint.ClosedEndpoint", retry_after=0.01), 1, "failed", 3, "`seedpipe build` again, later"
    ),
    "throttled for good": Case(
        refuse("ServerOverloaded", retry_after=0.01), 1, "failed", 8, "`seedpipe build` again, later"
    ),
    "a full queue": Case(
        refuse("QuotaExceeded", "The request has exceeded the quota.", retry_after=0.01),
        1,
        "failed",
        8,
        "exceeded the quota",
    ),
    "a server's fault at the gateway": Case(
        refuse("InternalServiceError", retry_after=0.01), 1, "failed", 3, "unexpected internal error"
    ),
    "a server's fault upstream": Case(
        refuse("InternalServiceError"), 75, "unknown", 1, "unexpected internal error", "/api/v3", again=False
    ),
    "a web page": Case(
        {"do": "gateway-timeout", "match": "lamp"}, 75, "unknown", 1, "a web page in place", billed=1, again=False
    ),
    "a dropped connection": Case(
        {"do": "drop-after-billing", "match": "lamp"},
        75,
        "unknown",
        1,
        "it may have been billed",
        billed=1,
        again=False,
    ),
    "an answer that breaks off": Case(
        {"do": "truncated-body", "match": "lamp"}, 75, "unknown", 1, "it may have been billed", billed=1, again=False
    ),
    "moderation in a 200": Case(
        {"do": "error-in-200", "match": "lamp", "code": "OutputImageSensitiveContentDetected"},
        5,
        "blocked",
        1,
        "OutputImageSensitiveContentDetected",
        again=False,
    ),
    "a server's fault in a 200 upstream": Case(
        {"do": "error-in-200", "match": "lamp"}, 75, "unknown", 1, "unexpected internal error", "/api/v3", again=False
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_one_picture_is_refused_and_the_other_comes(
    workspace: Workspace, account: Account, tmp_path: Path, name: str
) -> None:
    case = CASES[name]
    provider = "provider: byteplus\n" if case.prefix == "/api/v3" else ""
    workspace.write("seedpipe.yaml", PAIR + provider)
    workspace.environ["SEEDPIPE_BASE_URL"] = account.service.base_url.removesuffix("/v1") + case.prefix
    account.faults(case.fault)
    ran = workspace.run("build", "--events", str(tmp_path / "events"), "--json")
    assert ran.code == case.code, ran.err
    assert case.said in " ".join(ran.err.split())
    [failed] = [event for event in events(tmp_path / "events") if event["event"] == "node_failed"]
    assert (failed["address"], failed["outcome"]) == ("lamp", case.outcome)
    tried = [one for one in account.requests if one["prompt"] == "A lamp"]
    assert len(tried) == case.tries
    assert sum(one["billed_images"] for one in tried) == case.billed
    assert ran.json["result"]["spent"] == "0.03 USD", "the chair's; what is not known is held apart"
    assert ran.json["result"]["uncertain"] == ("0.03 USD" if case.outcome == "unknown" else "0.00 USD")
    told = failed["request_id"] or failed["client_request_id"]
    assert told and told in ran.err, "by what the provider finds it"
    account.faults()
    second = workspace.run("build", "--json")
    assert second.json["result"]["bought"] == (1 if case.again else 0)
    assert len([one for one in account.requests if one["prompt"] == "A lamp"]) == case.tries + case.again
    if not case.again:
        assert told in second.err, "and the next build still says it"


STOPS = {
    "key": (refuse("AuthenticationError"), "check the key: `seedpipe login`"),
    "account": (refuse("InvalidAccountStatus"), "ask the provider about the state of the account"),
    "overdue": (refuse("AccountOverdueError"), "settle the overdue balance"),
    "service": (refuse("OperationDenied.ServiceNotOpen"), "open the service"),
    "not activated": (refuse("ModelNotOpen"), "activate the model"),
    "unknown model": (refuse("InvalidEndpointOrModel.NotFound"), "of the key's region"),
    "endpoints only": (refuse("InvalidEndpointOrModel.ModelIDAccessDisabled"), "make an inference endpoint"),
    "plan": (refuse("UnsupportedModel"), "this plan does not have the model"),
    "limit": (refuse("SetLimitExceeded"), "safe experience mode"),
    "limit by its words": (
        refuse("too_many", "Your account [21] has reached the set inference limit", status=429),
        "safe experience mode",
    ),
    "free trial": (refuse("QuotaExceeded"), "activate paid use"),
    "balance as 429": (refuse("insufficient_user_quota", "insufficient balance", status=429), "top up the account"),
    "balance by its words": (refuse("error", "余额不足", status=429), "top up the account"),
    "quota with a time": (
        refuse("QuotaExceeded", f"You have exceeded the weekly usage quota. It will reset at {FAR}."),
        "`seedpipe build` again after 2126-09-04 10:00 UTC",
    ),
}


@pytest.mark.parametrize("name", STOPS)
def test_what_every_picture_would_meet_stops_at_once(workspace: Workspace, account: Account, name: str) -> None:
    fault, advice = STOPS[name]
    workspace.write("seedpipe.yaml", manifest("lamp: {matrix: {n: [a, b, c]}, prompt: 'A lamp {{ n }}'}"))
    account.faults(fault)
    ran = workspace.run("build", "-j", "1", "--json")
    assert ran.code == 1
    assert len(account.requests) == 1, "one request of three, and never again"
    assert ran.json["result"]["spent"] == "0.00 USD"
    assert advice in " ".join(ran.err.split())
    assert "2 pictures not begun" in " ".join(ran.err.split())
    account.faults()
    again = workspace.run("build", "--json")
    assert (again.code, again.json["result"]["bought"]) == (0, 3), again.err


def test_a_quota_that_comes_back_in_a_moment_is_waited_for(workspace: Workspace, account: Account) -> None:
    workspace.write("seedpipe.yaml", PAIR)
    soon = datetime.now(UTC) + timedelta(seconds=2)
    words = f"You have exceeded the 5-hour usage quota. It will reset at {soon:%Y-%m-%d %H:%M:%S} +0000 UTC."
    account.faults(refuse("QuotaExceeded", words, times=1))
    ran = workspace.run("build", "--json")
    assert (ran.code, ran.json["result"]["bought"]) == (0, 2), ran.err
    lamp = [one for one in account.requests if one["prompt"] == "A lamp"]
    assert [one["billed_images"] for one in lamp] == [0, 1]
    assert lamp[1]["at"] >= soon.strftime("%Y-%m-%dT%H:%M:%S"), "never before its time"


def test_a_base_url_that_leads_nowhere_is_met_once(workspace: Workspace, account: Account) -> None:
    workspace.write("seedpipe.yaml", PAIR)
    nowhere = account.service.base_url.removesuffix("/v1") + "/v2"
    ran = workspace.run(*LIVE, "-j", "1", "--json", SEEDPIPE_BASE_URL=nowhere)
    assert ran.code == 1
    assert "HTTP 404 with an empty body" in " ".join(ran.err.split())
    assert "check the base URL: it ends before `/images/generations`" in " ".join(ran.err.split())
    assert "1 picture not begun" in " ".join(ran.err.split())


def test_the_request_id_is_in_everything_that_lasts(workspace: Workspace, live: Gateway, tmp_path: Path) -> None:
    """What a support ticket needs: in the events, the journal, the index of takes, and the lock."""
    board = "board: {sequence: {frames: [{id: a, prompt: A}, {id: b, prompt: B}]}}"
    workspace.write("seedpipe.yaml", manifest("lamp: {prompt: A lamp}", board))
    workspace.environ["SEEDPIPE_BASE_URL"] = live.base_url
    ran = workspace.run(*LIVE, "--events", str(tmp_path / "events"))
    assert ran.code == 0, ran.err
    kept = {one["address"]: one["request_id"] for one in events(tmp_path / "events") if one["event"] == "take_kept"}
    assert set(kept) == {"lamp", "board#a", "board#b"}
    assert kept["board#a"] == kept["board#b"] != kept["lamp"]
    assert all(kept.values())
    lines = (workspace.folder / "seedpipe.lock").read_text(encoding="utf-8").splitlines()
    chosen = {
        name: json.loads(rest) for name, _, rest in (line.partition(" ") for line in lines if line[0] not in "#@")
    }
    assert {address: entry["made"]["request_id"] for address, entry in chosen.items()} == kept
    places = ProjectState(home=Path(os.environ["SEEDPIPE_HOME"]), project_id="lamps", realm=Realm.LIVE)
    with contextlib.closing(Journal.open(places.journal, account="reader")) as journal:
        assert {take.address: take.request_id for take in journal.arrivals()} == kept
        wants = {take.address: take.want for take in journal.arrivals()}
    with contextlib.closing(Takes(places.takes)) as index:
        found = {address: [take.request_id for take in index.of(want)] for address, want in wants.items()}
    assert found == {address: [told] for address, told in kept.items()}


def test_the_request_id_of_a_refusal_is_in_plan_and_build(workspace: Workspace, account: Account) -> None:
    workspace.write("seedpipe.yaml", PAIR)
    account.faults(refuse("OutputImageSensitiveContentDetected"))
    first = workspace.run("build")
    told = re.search(r"request id ([0-9A-Za-z]+)\)", " ".join(first.err.split()))
    assert told is not None
    plan = workspace.run("plan", "--json").json
    [reason] = next(node["reasons"] for node in plan["nodes"] if node["address"] == "lamp")
    assert (reason["code"], reason["request_id"]) == ("refused-before", told[1])


def events(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_a_refusal_without_a_code_is_told_by_its_words_alone(workspace: Workspace, account: Account) -> None:
    """And the next step names the picture, so that it can be typed as it stands."""
    workspace.write("seedpipe.yaml", manifest("badger: {prompt: 'A badger emulator:refuse'}"))
    workspace.environ |= account.environ
    ran = workspace.run("build", "--yes", "--max-cost", "1")
    assert "`seedpipe build badger`" in " ".join(ran.err.split())
    told = " ".join(workspace.run("plan").out.split())
    assert "failed badger The request failed." in told
