"""A service that means harm, or has been taken over: what it answers is paid, and hurts nobody."""

import io
import json
import os
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from tests.sessions.conftest import manifest
from tests.support.wire import Forever, Hang, Pause, Script, WireServer, answer
from tests.support.workspace import Ran, Workspace

KEY = "sk-the-users-own-key-0123456789"
PICTURES = "/v1/images/generations"


@pytest.fixture
def server() -> Iterator[WireServer]:
    with WireServer() as server:
        yield server


@pytest.fixture
def workspace(tmp_path: Path, server: WireServer) -> Workspace:
    workspace = Workspace(
        tmp_path / "work", SEEDPIPE_BASE_URL=f"{server.url}/v1", SEEDPIPE_API_KEY=KEY, SEEDPIPE_MAX_COST="1"
    )
    workspace.write("seedpipe.yaml", manifest("lamp: {prompt: A brass lamp}"))
    return workspace


def jpeg(width: int = 1024, height: int = 1024) -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (width, height), "#0b1f3a").save(data, "JPEG")
    return data.getvalue()


def located(url: str, **more: object) -> bytes:
    body = {"model": "seedream-4-0-250828", "created": 1, "data": [{"url": url, "size": "1024x1024"}], **more}
    return answer(200, json.dumps(body).encode(), {"content-type": "application/json", "x-request-id": "req-1"})


def build(workspace: Workspace, *flags: str) -> Ran:
    return workspace.run("build", "--yes", "--events", "events.jsonl", *flags)


def said(ran: Ran) -> str:
    return " ".join(ran.err.split())


def posts(server: WireServer) -> int:
    """Requests for pictures; the free probe asks for a size that no model makes."""
    return sum(one.method == "POST" and b'"1x1"' not in one.body for one in server.requests)


# ------------------------------------------------------------------------------------------- where a picture is said to be


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://127.0.0.1/x.jpeg",
        "http://169.254.169.254/latest/meta-data/iam/security-credentials/",
        "https://169.254.169.254/latest/meta-data/",
        "https://10.0.0.1/x.jpeg",
        "https://[fd00::1]/x.jpeg",
        "https://[::ffff:10.0.0.1]/x.jpeg",
        "http://metadata.google.internal/x",
        "gopher://127.0.0.1:70/x",
        "//127.0.0.1/x.jpeg",
        "javascript:alert(1)",
    ],
)
def test_an_address_that_leads_into_this_machines_network_is_not_fetched(
    workspace: Workspace, server: WireServer, url: str
) -> None:
    server.on(PICTURES, located(url))
    ran = build(workspace)
    assert ran.code == 75, "it was paid, and its picture is not here"
    assert "it was made and charged, but could not be kept" in said(ran)
    assert "root:" not in ran.out + ran.err
    assert not (workspace.folder / "build/lamp.jpg").exists()
    assert build(workspace).code == 75
    assert posts(server) == 1, "never bought twice by itself"


def test_a_redirect_into_this_machines_network_is_not_followed(workspace: Workspace, server: WireServer) -> None:
    server.on(PICTURES, located(f"{server.url}/picture.jpeg"))
    for target in ("https://10.0.0.1/x", "https://169.254.169.254/x", "https://[fd00::1]/x"):
        server.on("/picture.jpeg", answer(302, b"", {"location": target}))
        assert build(workspace).code == 75, target
    server.on("/picture.jpeg", answer(200, jpeg(), {"content-type": "image/jpeg"}))
    assert build(workspace).code == 0, "it is fetched for nothing when it can be"
    assert posts(server) == 1


# ------------------------------------------------------------------------------------------------- what is fetched from there

HARMFUL: dict[str, Script] = {
    "a web page": answer(200, b"<html><body>Sign in</body></html>", {"content-type": "image/jpeg"}),
    "nothing": answer(200, b"", {"content-type": "image/jpeg"}),
    "a picture cut short": answer(200, jpeg()[:-600], {"content-type": "image/jpeg"}),
    "a size bomb that says its length": [b"HTTP/1.1 200 OK\r\ncontent-length: 999999999999\r\n\r\n", Hang()],
    "a size bomb that does not": [b"HTTP/1.1 200 OK\r\n\r\n", Forever(b"x" * 65536, limit=1 << 29)],
    "a packed bomb": answer(200, b"\x1f\x8b\x08\x00" + b"\0" * 64, {"content-encoding": "gzip"}),
    "a script": answer(200, b"#!/bin/sh\nrm -rf ~\n", {"content-type": "image/png"}),
    "an SVG with an outside entity": answer(
        200,
        b'<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]><svg>&x;</svg>',
        {"content-type": "image/svg+xml"},
    ),
}


@pytest.mark.parametrize("name", HARMFUL)
def test_what_is_no_picture_is_not_kept_as_one(workspace: Workspace, server: WireServer, name: str) -> None:
    server.on(PICTURES, located(f"{server.url}/picture.jpeg"))
    server.on("/picture.jpeg", HARMFUL[name])
    ran = build(workspace)
    assert ran.code == 75, said(ran)
    assert list(workspace.folder.glob("build/**/*.*")) == []
    server.on("/picture.jpeg", answer(200, jpeg(), {"content-type": "image/jpeg"}))
    again = build(workspace, "--json")
    assert (again.code, posts(server)) == (0, 1), f"fetched for nothing in the end: {said(again)}"


def test_a_decompression_bomb_is_refused_undecoded(workspace: Workspace, server: WireServer) -> None:
    data = io.BytesIO()
    Image.new("1", (30_000, 30_000)).save(data, "PNG", compress_level=9)  # 900 megapixels in some 100 KB
    assert len(data.getvalue()) < 1_000_000
    server.on(PICTURES, located(f"{server.url}/bomb.png"))
    server.on("/bomb.png", answer(200, data.getvalue(), {"content-type": "image/png"}))
    ran = build(workspace)
    assert ran.code == 75
    assert "pixels" in said(ran)


def test_another_size_and_format_and_trailing_data_are_kept_and_said(workspace: Workspace, server: WireServer) -> None:
    data = io.BytesIO()
    Image.new("RGB", (640, 480)).save(data, "PNG")
    server.on(PICTURES, located(f"{server.url}/picture.jpeg"))
    server.on(
        "/picture.jpeg", answer(200, data.getvalue() + b"PK\x03\x04 a zip archive", {"content-type": "image/jpeg"})
    )
    ran = build(workspace)
    assert ran.code == 0, said(ran)
    assert "640x480" in said(ran)
    assert (workspace.folder / "seedpipe.lock").read_text().count("640x480") == 1


def test_a_slow_loris_ends(workspace: Workspace, server: WireServer) -> None:
    drip: list[bytes | Pause] = [b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n"]
    drip += [step for _ in range(600) for step in (b"x", Pause(0.1))]
    server.on(PICTURES, located(f"{server.url}/picture.jpeg"))
    server.on("/picture.jpeg", drip)
    process = workspace.start("build", "--yes", "--json")
    deadline = time.monotonic() + 60
    while not any(one.target.startswith("/picture") for one in server.requests):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert process.stderr
    process.terminate()
    said_first = iter(process.stderr.readline, "")
    assert any("in flight" in line for line in said_first)
    process.terminate()  # the second word cuts it off
    process.communicate(timeout=60)
    assert process.returncode == 130
    server.on("/picture.jpeg", answer(200, jpeg(), {"content-type": "image/jpeg"}))
    assert build(workspace).code == 0
    assert posts(server) == 1


# --------------------------------------------------------------------------------------------------- the key, in every sink


ECHOES: dict[str, Script] = {
    "an error's words": answer(
        401, json.dumps({"error": {"code": "AuthenticationError", "message": f"bad key {KEY}", "type": KEY}}).encode()
    ),
    "an error's code": answer(400, json.dumps({"error": {"code": f"X{KEY}", "message": "no"}}).encode()),
    "an error that is a text": answer(500, json.dumps({"error": f"Authorization: Bearer {KEY}"}).encode()),
    "a web page": answer(502, f"<html><title>{KEY}</title>{KEY}</html>".encode(), {"content-type": "text/html"}),
    "a header": answer(400, b'{"error":{"code":"InvalidParameter","message":"no"}}', {"x-request-id": f"id-{KEY}"}),
    "escaped JSON": answer(
        400, json.dumps({"error": {"code": "E", "message": KEY}}).replace("sk-", "\\u0073k-").encode()
    ),
    "a broken answer": answer(200, f"{{{KEY}".encode(), {"content-type": "application/json"}),
    "a reason line": f"HTTP/1.1 418 {KEY}\r\ncontent-length: 0\r\n\r\n".encode(),
    "an item's fault": answer(
        200, json.dumps({"data": [{"error": {"code": "E", "message": f"see {KEY}"}}], "model": KEY}).encode()
    ),
}


@pytest.mark.parametrize("name", ECHOES)
def test_a_key_that_comes_back_is_written_nowhere(workspace: Workspace, server: WireServer, name: str) -> None:
    server.on(PICTURES, ECHOES[name])
    ran = workspace.run("-vv", "build", "--yes", "--events", "events.jsonl")
    assert ran.code != 0
    also = [
        workspace.run(*verb) for verb in (("status", "--json"), ("explain", "lamp"), ("doctor",), ("plan", "--json"))
    ]
    for one in (ran, *also):
        assert KEY not in one.out + one.err, name
    assert found_in_files(workspace.folder) == []
    assert found_in_files(Path(os.environ["HOME"])) == []


def test_a_key_in_a_result_address_is_written_nowhere(workspace: Workspace, server: WireServer) -> None:
    server.on(PICTURES, located(f"{server.url}/picture.jpeg?token={KEY}", model=KEY))
    ran = build(workspace)
    assert KEY not in ran.out + ran.err
    assert found_in_files(workspace.folder) + found_in_files(Path(os.environ["HOME"])) == []


def found_in_files(folder: Path) -> list[str]:
    """The files that hold the key, in any spelling that a program of ours could give it."""
    spellings = (KEY.encode(), KEY.encode("utf-16-le"), KEY[3:].encode())
    return [
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and any(spelling in path.read_bytes() for spelling in spellings)
    ]


# ------------------------------------------------------------------------------------------- what others may have written


def test_a_lock_that_lies_about_bytes_buys_and_writes_nothing(workspace: Workspace, server: WireServer) -> None:
    server.on(PICTURES, located(f"{server.url}/picture.jpeg"))
    server.on("/picture.jpeg", answer(200, jpeg(), {"content-type": "image/jpeg"}))
    assert build(workspace).code == 0
    lock = (workspace.folder / "seedpipe.lock").read_text()
    take = json.loads(next(line for line in lock.splitlines() if line.startswith("lamp ")).split(" ", 1)[1])["take"]
    workspace.write("seedpipe.lock", lock.replace(take, "sha256:" + "0" * 64))
    (workspace.folder / "build/lamp.jpg").unlink()
    ran = build(workspace)
    assert workspace.plan() == {"lamp": "missing"}
    assert ran.code == 1, said(ran)
    assert posts(server) == 1
    for poisoned in (take.replace("sha256:", "sha256:../../"), "md5:" + "0" * 32, "", "sha256:" + "Z" * 64):
        workspace.write("seedpipe.lock", lock.replace(take, poisoned))
        ran = build(workspace)
        assert ran.code == 2, poisoned
        assert "`seedpipe.lock` has a line that can't be read" in said(ran)
    assert posts(server) == 1


def test_a_poisoned_store_is_noticed_before_its_bytes_are_used(workspace: Workspace, server: WireServer) -> None:
    server.on(PICTURES, located(f"{server.url}/picture.jpeg"))
    server.on("/picture.jpeg", answer(200, jpeg(), {"content-type": "image/jpeg"}))
    assert build(workspace).code == 0
    store = Path(os.environ["SEEDPIPE_HOME"]) / "projects/lamps/live/store"
    (blob,) = [path for path in store.rglob("*") if path.is_file() and path.stat().st_size > 1000]
    blob.chmod(0o644)
    blob.write_bytes(jpeg(512, 512))
    (workspace.folder / "build/lamp.jpg").unlink()
    ran = build(workspace)
    assert ran.code == 1, said(ran)
    assert not (workspace.folder / "build/lamp.jpg").exists(), "other bytes are never put in place of a choice"
    assert posts(server) == 1


def test_a_journal_that_somebody_filled_runs_nothing(workspace: Workspace, server: WireServer, tmp_path: Path) -> None:
    """Text of a foreign row stays text: SQL triggers and views that a file brings along are refused."""
    server.on(PICTURES, located(f"{server.url}/picture.jpeg"))
    server.on("/picture.jpeg", answer(200, jpeg(), {"content-type": "image/jpeg"}))
    assert build(workspace).code == 0
    journal = Path(os.environ["SEEDPIPE_HOME"]) / "projects/lamps/live/journal.sqlite"
    with sqlite3.connect(journal) as db:
        db.execute("CREATE TRIGGER thief AFTER INSERT ON request BEGIN DELETE FROM total; END")
    db.close()
    workspace.edit("seedpipe.yaml", "brass", "copper")
    ran = build(workspace)
    assert ran.code != 0, "a schema that is not ours is no journal of ours"
    assert posts(server) == 1
