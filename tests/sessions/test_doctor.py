"""The doctor: what is wrong with key, address and each model, what to do about it; and that to look costs nothing."""

import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from tests.sessions.conftest import Account, manifest
from tests.support.wire import Hang, Pause, WireServer, answer
from tests.support.workspace import Ran, Service, Workspace, service

KEY = "right-key-0123456789"
PICTURES = "/v1/images/generations"
LIST = answer(200, b'{"object":"list","data":[{"id":"seedream-4-0-250828"}]}', {"x-request-id": "list-0123456789"})
PAGE = b"<html><head><title>Bad gateway</title></head></html>"
PROJECT = manifest(
    "hero: {prompt: A lamp}",
    "board: {prompt: A desk, model: seedream-4-5, size: 2K, sequence: {frames: [{id: a, prompt: A}, {id: b, prompt: B}]}}",
    "again: {prompt: A chair, model: '4.5', size: 2K}",
)


def told(status: int, code: str, message: str = "no. Request id: 0217885734", **headers: str) -> bytes:
    error = {"code": code, "message": message, "param": "", "type": ""}
    return answer(status, json.dumps({"error": error}).encode(), {"x-request-id": "header-id-01234", **headers})


SERVED = told(400, "InvalidParameter", "image size must be at least 921600 pixels. Request id: 0217885734")


@pytest.fixture
def wire() -> Iterator[WireServer]:
    with WireServer() as server:
        server.on("/v1/models", LIST)
        server.on(PICTURES, SERVED)
        yield server


@pytest.fixture
def project(workspace: Workspace, wire: WireServer) -> Workspace:
    """Two models in use, at a scripted server."""
    workspace.write("seedpipe.yaml", PROJECT)
    workspace.environ |= {"SEEDPIPE_BASE_URL": f"{wire.url}/v1", "SEEDPIPE_API_KEY": KEY}
    return workspace


def checks(ran: Ran) -> list[dict[str, str]]:
    return list(ran.json["checks"])


def of(ran: Ran, name: str) -> list[dict[str, str]]:
    return [one for one in checks(ran) if one["check"] == name]


def words(one: dict[str, str]) -> str:
    return f"{one['finding']}: {one.get('subject', '')} {one['message']} → {one.get('hint')}"


def asked(wire: WireServer) -> list[Any]:
    return [json.loads(seen.body) for seen in wire.requests if seen.method == "POST"]


def test_all_is_well_and_nothing_is_billed(workspace: Workspace, account: Account) -> None:
    workspace.write("seedpipe.yaml", PROJECT)
    ran = workspace.run("doctor")
    assert ran.code == 0, ran.out
    assert f"ok      service     the emulator at {account.service.base_url}, answers in " in ran.out
    assert "ok      key         from `SEEDPIPE_API_KEY`, accepted\n" in ran.out
    assert "ok      model       seedream-4-0-250828: served\n" in ran.out
    assert "ok      model       seedream-4-5-251128: served\n" in ran.out
    assert [one["outcome"] for one in account.requests] == ["refused: InvalidParameter"] * 2
    assert [one["billed_images"] for one in account.requests] == [0, 0]
    assert ran.err == ""
    assert max(map(len, ran.out.splitlines())) <= 80


def test_every_model_is_asked_once_for_a_picture_of_one_pixel(project: Workspace, wire: WireServer) -> None:
    ran = project.run("doctor", "--json")
    assert ran.code == 0
    assert ran.json["seedpipe_doctor"] == 1
    assert ran.json["ok"] is True
    assert [(body["model"], body["size"], body.get("stream")) for body in asked(wire)] == [
        ("seedream-4-0-250828", "1x1", None),
        ("seedream-4-5-251128", "1x1", None),
    ]
    assert {seen.headers["authorization"] for seen in wire.requests} == {f"Bearer {KEY}"}
    assert KEY not in ran.out


@pytest.mark.parametrize("prefix", ["/v1", "/api/v3", "/api/plan/v3"])
def test_a_key_that_is_refused(workspace: Workspace, locked: Service, prefix: str) -> None:
    workspace.write("seedpipe.yaml", PROJECT)
    workspace.environ |= {"SEEDPIPE_BASE_URL": locked.base_url.removesuffix("/v1") + prefix}
    ran = workspace.run("doctor", "--json", SEEDPIPE_API_KEY="wrong-key-0123456789")
    assert ran.code == 1
    [key] = of(ran, "key")
    assert "refuses the one from `SEEDPIPE_API_KEY`: the API key" in key["message"]
    assert key["hint"] == "put another into `SEEDPIPE_API_KEY`"
    assert key["request_id"]
    assert [one["finding"] for one in of(ran, "model")] == ["skipped", "skipped"]


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """An emulator that takes one key only."""
    with service(tmp_path_factory.mktemp("locked"), "--key", KEY) as emulator:
        yield emulator


def test_a_model_that_is_not_served_hides_no_other(project: Workspace, account: Account) -> None:
    plan = account.service.base_url.removesuffix("/v1") + "/api/plan/v3"
    project.edit("seedpipe.yaml", "model: '4.5'", "model: '5.0'")
    ran = project.run("doctor", "--json", "--provider", "volcengine-plan", SEEDPIPE_BASE_URL=plan)
    assert ran.code == 2, "the plan has no 4.0 and no 4.5: the manifest is what is wrong"
    ran = project.run("doctor", "--json", SEEDPIPE_BASE_URL=plan, SEEDPIPE_PROVIDER="volcengine")
    assert ran.code == 1
    models = of(ran, "model")
    assert {one["finding"] for one in models} == {"fault"}
    assert all(
        "not served" in one["message"] and "does not support the coding plan" in one["message"] for one in models
    )
    assert of(ran, "key")[0]["finding"] == "ok", "who speaks of the model has taken the key"


MODEL_FAULTS = {
    "not activated": (
        told(404, "ModelNotOpen", "Your account 21 has not activated the model m. Request id: 0217885734"),
        "fault: seedream-4-5-251128 not served: Your account 21 has not activated",
        "activate the model in the provider's console",
    ),
    "unknown": (
        told(404, "InvalidEndpointOrModel.NotFound", "The model or endpoint m does not exist"),
        "fault: seedream-4-5-251128 not served: The model or endpoint m does not exist",
        "check the model, and that the base URL is of the key's region",
    ),
    "no channel": (
        told(503, "get_channel_failed", "No available channel for model m under group default"),
        "fault: seedream-4-5-251128 not served: No available channel",
        "`seedpipe models` lists what the provider has",
    ),
    "closed": (
        told(400, "InvalidEndpoint.ClosedEndpoint", "The endpoint is closed"),
        "fault: seedream-4-5-251128 closed: The endpoint is closed",
        "ask again in a minute",
    ),
    "busy": (
        told(429, "ServerOverloaded", "busy"),
        "warning: seedream-4-5-251128 could not be told: busy",
        "ask again in a minute",
    ),
    "overdue": (
        told(403, "AccountOverdueError", "overdue balance"),
        "fault: seedream-4-5-251128 account: overdue balance",
        "settle the overdue balance in the provider's console",
    ),
}


@pytest.mark.parametrize("name", MODEL_FAULTS)
def test_what_is_wrong_with_one_model(project: Workspace, wire: WireServer, name: str) -> None:
    script, said, hint = MODEL_FAULTS[name]
    wire.on(PICTURES, SERVED, script)
    ran = project.run("doctor", "--json")
    assert ran.code == (0 if name == "busy" else 1)
    first, second = of(ran, "model")
    assert first["finding"] == "ok"
    assert words(second).startswith(said)
    assert second["hint"] == hint
    assert second["request_id"] == "header-id-01234"


EVERYWHERE = {
    "empty 404": (answer(404), "service", "HTTP 404 with an empty body", "check the base URL: it ends before"),
    "404 of a web server": (
        answer(404, b"<html><title>Not Found</title></html>"),
        "service",
        "HTTP 404 with a web page in place of an answer: Not Found",
        "check the base URL: it ends before",
    ),
    "404 of a framework": (answer(404, b'{"detail":"Not Found"}'), "service", "Not Found", "check the base URL"),
    "405": (answer(405, b"{}"), "service", "HTTP 405", "check the base URL"),
    "a redirect": (
        answer(307, b"", {"location": "https://elsewhere.example/v1?x=1"}),
        "service",
        "redirects to `https://elsewhere.example/v1`",
        "check the base URL",
    ),
    "plain http at a TLS port": (
        answer(400, b"<html><title>400 The plain HTTP request was sent to HTTPS port</title></html>"),
        "service",
        "The plain HTTP request was sent to HTTPS port",
        "check the base URL",
    ),
    "a captive portal": (answer(200, b"<html><title>Log in</title>"), "service", "a web page", "check the base URL"),
    "502": (answer(502, PAGE), "service", "HTTP 502 with a web page in place of an answer: Bad gateway", "ask again"),
    "500": (told(500, "InternalServiceError", "unexpected"), "service", "unexpected", "ask again in a minute"),
    "a firewall": (answer(403, PAGE), "service", "HTTP 403 with a web page", "something in front of the service"),
    "401": (told(401, "AuthenticationError", "missing or invalid"), "key", "missing or invalid", "put another into"),
    "an empty account": (
        told(429, "insufficient_user_quota", "insufficient balance"),
        "account",
        "insufficient balance",
        "top up the account",
    ),
    "overdue": (told(403, "AccountOverdueError", "overdue"), "account", "overdue", "settle the overdue balance"),
    "no answer": ([Hang()], "service", "no complete answer within 2 s", "check the base URL and the network"),
    "a broken answer": (
        b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{",
        "service",
        "the connection broke",
        "ask again",
    ),
    "a picture": (
        answer(200, b'{"data":[{"url":"https://x/y.jpeg"}]}'),
        "service",
        "it made a picture of a request for 1x1 pixels, which may have been billed",
        "don't check this server again",
    ),
}


@pytest.mark.parametrize("name", EVERYWHERE)
def test_what_every_model_would_meet_is_met_once(project: Workspace, wire: WireServer, name: str) -> None:
    script, where, said, hint = EVERYWHERE[name]
    wire.on(PICTURES, script)
    ran = project.run("doctor", "--json", "--timeout", "2" if name == "no answer" else "5")
    assert ran.code == 1
    [fault] = [one for one in checks(ran) if one["finding"] == "fault"]
    assert fault["check"] == where
    assert said in fault["message"]
    assert "billed" not in fault["message"] or name == "a picture"
    assert hint in fault["hint"]
    assert [one["finding"] for one in of(ran, "model")] == ["skipped", "skipped"]
    assert len(asked(wire)) == 1
    text = project.run("doctor", "--timeout", "2" if name == "no answer" else "5").out
    assert max(map(len, text.splitlines())) <= 80


def test_a_server_without_a_list_of_models(project: Workspace, wire: WireServer) -> None:
    wire.on("/v1/models", answer(404))
    assert project.run("doctor").code == 0
    wire.on(PICTURES, told(429, "ServerOverloaded", "busy"))
    ran = project.run("doctor", "--json")
    assert (ran.code, of(ran, "key")[0]["finding"]) == (0, "warning")
    assert "nothing has told yet whether it is good" in of(ran, "key")[0]["message"]


def test_nobody_there(project: Workspace) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    ran = project.run("doctor", "--json", SEEDPIPE_BASE_URL=f"http://127.0.0.1:{port}/v1")
    [fault] = of(ran, "service")
    assert fault["message"].endswith(f"could not connect to `127.0.0.1:{port}`: connection refused")
    assert "check the base URL and the network" in fault["hint"]


def test_tls_where_there_is_none(project: Workspace, account: Account) -> None:
    address = account.service.base_url.replace("http:", "https:")
    ran = project.run("doctor", "--json", SEEDPIPE_BASE_URL=address)
    [fault] = of(ran, "service")
    assert "speaks no TLS, and the base URL says `https://`" in fault["message"]
    assert fault["hint"] == "write `http://` for a server on this machine"


def test_a_slow_server_is_waited_for(project: Workspace, wire: WireServer) -> None:
    wire.on(PICTURES, [Pause(0.4), SERVED])
    assert project.run("doctor", "--timeout", "10").code == 0


def test_a_key_that_is_not_there_and_a_manifest_that_is_not_sound(workspace: Workspace) -> None:
    workspace.write("seedpipe.yaml", PROJECT)
    for name in ("SEEDPIPE_BASE_URL", "SEEDPIPE_API_KEY"):
        del workspace.environ[name]
    ran = workspace.run("doctor", "--json")
    assert ran.code == 1
    assert "`seedpipe login apiyi`, or set `APIYI_API_KEY`" in of(ran, "key")[0]["hint"]
    assert [one["finding"] for one in of(ran, "model")] == ["skipped", "skipped"]
    assert workspace.run("doctor", "--offline").code == 0
    workspace.edit("seedpipe.yaml", "prompt: A lamp", "promt: A lamp")
    ran = workspace.run("doctor", "--json")
    assert (ran.code, of(ran, "manifest")[0]["hint"]) == (2, "`seedpipe check` shows them")


def test_without_a_project_the_providers_with_a_key_are_asked(workspace: Workspace, wire: WireServer) -> None:
    del workspace.environ["SEEDPIPE_BASE_URL"], workspace.environ["SEEDPIPE_API_KEY"]
    assert "there is no key for APIYI" in of(workspace.run("doctor", "--json"), "key")[0]["message"]
    home = workspace.folder.parent / "home/.config/seedpipe"
    home.mkdir(parents=True)
    (home / "config.yaml").write_text("catalogue: [own.yaml]\n", encoding="utf-8")
    mine = f"{{like: apiyi, title: Mine, bases: ['{wire.url}/v1']}}"
    (home / "own.yaml").write_text(f"providers: {{mine: {mine}}}\n", encoding="utf-8")
    ran = workspace.run("doctor", "--json", MINE_API_KEY=KEY)
    assert ran.code == 0, ran.out
    assert of(ran, "service")[0]["message"].startswith(f"Mine at {wire.url}/v1, answers in ")
    assert of(ran, "key")[0]["message"] == "from `MINE_API_KEY`, accepted"
    assert len(asked(wire)) == len(of(ran, "model")) == 4
