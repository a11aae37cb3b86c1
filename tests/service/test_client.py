"""The client against a real socket: one POST whatever happens, and no trouble raised."""

import asyncio
import contextlib
import gzip
import json
import logging
import socket
import threading
import time
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest

from seedpipe.errors import UsageError
from seedpipe.service.client import Probe, ServiceClient
from seedpipe.service.delivery import Delivery, Frames
from seedpipe.service.refusals import Dialect, Refusal, Verdict
from seedpipe.service.reply import PictureAt
from tests.service.recorded import recorded
from tests.support.wire import Forever, Hang, Pause, Reset, Script, WireServer, answer

KEY = "sk-very-secret/0123456789"
GENERATE = "/v1/images/generations"
PICTURE = json.dumps({"data": [{"url": "https://pictures.example/1?sig=%2F", "size": "2048x2048"}]}).encode()
TLS = Path(__file__).parent.parent / "support" / "tls"


@pytest.fixture
def server() -> Iterator[WireServer]:
    with WireServer() as server:
        yield server


async def one(
    client: ServiceClient, *, body: bytes = b"{}", seconds: float = 30.0, trace: str = "trace-1"
) -> Frames | Refusal:
    """One picture asked for: what came together, or why nothing did."""
    answer = client.generate_frames(body, frames=1, timeout=seconds, silence=seconds, client_request_id=trace)
    found = [step async for step in answer]
    first, last = found[0], found[-1]
    if isinstance(last, Delivery):
        assert isinstance(first, Frames) and len(found) == 2
        return first
    assert isinstance(last, Refusal)
    return last


def generate(base: str, *, body: bytes = b'{"prompt":"p"}', timeout: float = 30.0, **more: object) -> Frames | Refusal:
    async def session() -> Frames | Refusal:
        async with ServiceClient(base, KEY, **more) as client:  # type: ignore[arg-type]
            return await one(client, body=body, seconds=timeout)

    return asyncio.run(session())


def ask(server: WireServer, *scripts: Script, timeout: float = 30.0, **more: object) -> Frames | Refusal:
    server.on(GENERATE, *scripts)
    return generate(f"{server.url}/v1", timeout=timeout, **more)


def test_what_is_sent(server: WireServer) -> None:
    body = b'{"prompt":"' + "灯".encode() + b'"}'
    server.on(GENERATE, answer(200, PICTURE))
    found = generate(f"{server.url}/v1/", body=body)
    assert isinstance(found, Frames)
    (frame,) = found.arrived
    assert frame.picture == PictureAt(url="https://pictures.example/1?sig=%2F", size=(2048, 2048))
    (seen,) = server.requests
    assert (seen.method, seen.target, seen.body) == ("POST", GENERATE, body)
    assert seen.headers["authorization"] == f"Bearer {KEY}"
    assert seen.headers["content-type"] == "application/json"
    assert seen.headers["accept-encoding"] == "gzip, deflate"
    assert seen.headers["x-client-request-id"] == "trace-1"
    assert seen.headers["user-agent"].startswith("seedpipe/")
    assert "cookie" not in seen.headers


def test_gzip_json(server: WireServer) -> None:
    packed = gzip.compress(PICTURE)
    assert isinstance(ask(server, answer(200, packed, {"content-encoding": "gzip"})), Frames)


def test_chunks_and_drips(server: WireServer) -> None:
    head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
    chunks: list[object] = [head]
    for index in range(0, len(PICTURE), 20):
        part = PICTURE[index : index + 20]
        chunks += [f"{len(part):x}\r\n".encode() + part + b"\r\n", Pause(0.01)]
    assert isinstance(ask(server, [*chunks, b"0\r\n\r\n"]), Frames)  # type: ignore[list-item]


TROUBLE: dict[str, tuple[Script, Verdict]] = {
    "closed without a word": ([b""], Verdict.UNKNOWN),
    "reset": ([Reset()], Verdict.UNKNOWN),
    "hangs before the head": ([Hang()], Verdict.UNKNOWN),
    "hangs in the head": ([b"HTTP/1.1 200 OK\r\ncontent-", Hang()], Verdict.UNKNOWN),
    "hangs in the body": ([b"HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n{", Hang()], Verdict.UNKNOWN),
    "drips for ever": ([b"HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n", *[b" ", Pause(0.1)] * 40], Verdict.UNKNOWN),
    "cut body": (answer(200, PICTURE)[:-5], Verdict.UNKNOWN),
    "cut chunks": (b'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{"dat\r\n', Verdict.UNKNOWN),
    "reset in the body": ([b"HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n{", Pause(0.05), Reset()], Verdict.UNKNOWN),
    "garbage": (b"SSH-2.0-OpenSSH\r\n\r\n", Verdict.UNKNOWN),
    "broken gzip": (answer(200, b"not gzip at all", {"content-encoding": "gzip"}), Verdict.UNKNOWN),
    "html": (answer(200, b"<html>hello</html>"), Verdict.UNKNOWN),
    "502": (answer(502, b"<html>bad gateway</html>"), Verdict.UNKNOWN),
    "500 without a body": (answer(500), Verdict.UNKNOWN),
    "500 cut": (b"HTTP/1.1 500 Oops\r\ncontent-length: 99\r\n\r\n{", Verdict.UNKNOWN),
    "307": (answer(307, b"", {"location": "/v1/elsewhere"}), Verdict.STOP),
    "301 to another host": (answer(301, b"", {"location": "https://evil.example/take?it=all"}), Verdict.STOP),
    "401 cut": (b"HTTP/1.1 401 No\r\ncontent-length: 99\r\n\r\n{", Verdict.STOP),
    "400 cut": (b"HTTP/1.1 400 No\r\ncontent-length: 99\r\n\r\n{", Verdict.NODE),
    "429 with x-should-retry": (answer(429, b"", {"x-should-retry": "true"}), Verdict.SLOW_DOWN),
    "503 with retry-after": (answer(503, b"", {"retry-after": "0", "x-should-retry": "true"}), Verdict.UNKNOWN),
}


ENDLESS = ("hangs before the head", "hangs in the head", "hangs in the body", "drips for ever")


@pytest.mark.parametrize("name", TROUBLE)
def test_one_post_whatever_happens(server: WireServer, name: str) -> None:
    script, verdict = TROUBLE[name]
    found = ask(server, script, answer(200, PICTURE), timeout=0.5 if name in ENDLESS else 30)
    assert isinstance(found, Refusal)
    assert found.verdict is verdict
    assert found.message
    time.sleep(0.05)  # a second request would have come by now
    assert len(server.requests) == 1
    assert server.connections == 1


@pytest.mark.parametrize("status", [b"200 OK", b"500 Oops", b"400 No"])
def test_the_request_id_is_kept_when_the_answer_breaks_off(server: WireServer, status: bytes) -> None:
    found = ask(server, b"HTTP/1.1 " + status + b"\r\nx-request-id: rid-12345\r\ncontent-length: 99\r\n\r\n{")
    assert isinstance(found, Refusal)
    assert found.request_id == "rid-12345"


def test_an_answer_before_the_body_was_read_is_heard() -> None:
    """A gateway that refuses a large body at once and closes: its word counts."""
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as listener:

        def refuse() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(1024)
                connection.sendall(answer(413, b"too large"))
                connection.shutdown(socket.SHUT_WR)
                time.sleep(0.3)

        thread = threading.Thread(target=refuse, daemon=True)
        thread.start()
        found = generate(f"http://127.0.0.1:{listener.getsockname()[1]}/v1", body=b"x" * 40_000_000)
        thread.join()
    assert isinstance(found, Refusal)
    assert found.verdict in (Verdict.NODE, Verdict.UNKNOWN)


def test_a_failed_connect_is_known_to_be_free() -> None:
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as gone:
        port = gone.getsockname()[1]
    found = generate(f"http://127.0.0.1:{port}/v1")
    assert isinstance(found, Refusal)
    assert (found.verdict, found.http_status) == (Verdict.RETRY, None)
    assert f"127.0.0.1:{port}" in found.message


def test_what_goes_wrong_before_the_first_byte_is_known_to_be_free() -> None:
    """A server that takes the connection and never greets: the whole time-out passes, and nothing has left."""
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as mute:
        found = generate(f"https://127.0.0.1:{mute.getsockname()[1]}/v1", timeout=0.6)
    assert isinstance(found, Refusal)
    assert (found.verdict, found.http_status) == (Verdict.RETRY, None)
    assert "it took too long" in found.message


def departed(base: str, *, until: float) -> bool:
    """Whether a call that is cancelled `until` seconds after it began had said that it leaves."""

    async def session() -> bool:
        leaving: list[bool] = []
        async with ServiceClient(base, KEY) as client:

            async def call() -> None:
                answer = client.generate_frames(
                    b"{}",
                    frames=1,
                    timeout=60,
                    silence=60,
                    client_request_id="t-1",
                    leaving=lambda: leaving.append(True),
                )
                async with contextlib.aclosing(answer):
                    async for _ in answer:
                        pass

            task = asyncio.create_task(call())
            await asyncio.wait({task}, timeout=until)
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        assert len(leaving) <= 1
        return bool(leaving)

    return asyncio.run(session())


def test_who_calls_is_told_before_the_first_byte_leaves(server: WireServer) -> None:
    server.on(GENERATE, answer(200, PICTURE))
    assert departed(f"{server.url}/v1", until=20)
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as mute:
        assert not departed(f"https://127.0.0.1:{mute.getsockname()[1]}/v1", until=0.3)


def test_a_name_that_nobody_knows_is_a_failed_connect() -> None:
    found = generate("https://no-such-host.invalid/v1")
    assert isinstance(found, Refusal)
    assert found.verdict is Verdict.RETRY


def test_a_certificate_that_is_not_trusted_stops(tls_server: WireServer) -> None:
    found = generate(f"https://localhost:{tls_server.port}/v1")
    assert isinstance(found, Refusal)
    assert found.verdict is Verdict.STOP
    assert "certificate" in found.message
    assert tls_server.requests == []


def test_a_certificate_that_is_trusted(tls_server: WireServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(TLS / "localhost.crt"))
    tls_server.on(GENERATE, answer(200, PICTURE))
    assert isinstance(generate(f"https://localhost:{tls_server.port}/v1"), Frames)


@pytest.fixture
def tls_server() -> Iterator[WireServer]:
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(TLS / "localhost.crt", TLS / "localhost.key")
    with WireServer(tls=context) as server:
        yield server


def test_every_request_has_a_connection_of_its_own(server: WireServer) -> None:
    """A kept connection that the server has just closed would make a paid request unknown."""
    server.on(GENERATE, answer(200, PICTURE))

    async def session() -> None:
        async with ServiceClient(f"{server.url}/v1", KEY) as client:
            for _ in range(3):
                assert isinstance(await one(client), Frames)

    asyncio.run(session())
    assert server.connections == 3
    assert all(seen.headers["connection"] == "close" for seen in server.requests)


def test_many_at_once(server: WireServer) -> None:
    server.on(GENERATE, [Pause(0.1), answer(200, PICTURE)])

    async def session() -> list[Frames | Refusal]:
        async with ServiceClient(f"{server.url}/v1", KEY) as client:
            calls = (one(client, seconds=8, trace=f"x{n}") for n in range(40))
            return await asyncio.gather(*calls)

    assert all(isinstance(found, Frames) for found in asyncio.run(session()))
    assert len(server.requests) == 40


def test_cookies_are_neither_kept_nor_sent(server: WireServer) -> None:
    server.on(GENERATE, answer(200, PICTURE, {"set-cookie": "session=1; Path=/"}))

    async def session() -> None:
        async with ServiceClient(f"{server.url}/v1", KEY) as client:
            for _ in range(2):
                await one(client)

    asyncio.run(session())
    assert all("cookie" not in seen.headers for seen in server.requests)


def test_an_answer_that_is_too_large(server: WireServer) -> None:
    script: Script = [b"HTTP/1.1 200 OK\r\n\r\n{", Forever(b" " * 65536)]
    found = ask(server, script, max_answer_bytes=200_000)
    assert isinstance(found, Refusal)
    assert found.verdict is Verdict.UNKNOWN
    assert "more than 200000 bytes" in found.message


def test_a_gzip_bomb_is_let_go(server: WireServer) -> None:
    bomb = gzip.compress(b"{" + b" " * 60_000_000, compresslevel=1)
    found = ask(server, answer(200, bomb, {"content-encoding": "gzip"}), max_answer_bytes=200_000)
    assert isinstance(found, Refusal)
    assert "more than 200000 bytes" in found.message


def test_recorded_answers_over_the_wire(server: WireServer) -> None:
    for name, verdict in (("refusal-429-ipm", Verdict.SLOW_DOWN), ("refusal-500-internal", Verdict.RETRY)):
        it = recorded(name)
        dialect = Dialect(unbilled=frozenset({"InternalServiceError"}))
        found = ask(server, answer(it.status, it.body, it.headers), dialect=dialect)
        assert isinstance(found, Refusal)
        assert found.verdict is verdict


def test_a_cancelled_call_leaves_as_a_cancellation(server: WireServer) -> None:
    server.on(GENERATE, [Hang()])

    async def session() -> None:
        async with ServiceClient(f"{server.url}/v1", KEY) as client:
            task = asyncio.create_task(one(client, seconds=60))
            await asyncio.sleep(0.2)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(session())
    assert len(server.requests) == 1


ECHOES = {
    "in the message": answer(401, json.dumps({"error": {"code": "A", "message": f"key {KEY} is wrong"}}).encode()),
    "escaped": answer(401, json.dumps({"error": {"code": KEY, "message": KEY}}).replace("/", "\\/").encode()),
    "cut by our limit": answer(401, json.dumps({"error": {"message": "x" * 3990 + KEY}}).encode()),
    "in a header": answer(400, b"", {"x-request-id": KEY, "x-error-code": KEY}),
    "in a redirect": answer(302, b"", {"location": f"https://x.example/{KEY}"}),
    "in a page": answer(502, f"<title>{KEY}</title>".encode()),
    "in plain text": answer(500, f"Bearer {KEY}".encode()),
    "in an item": answer(200, json.dumps({"model": KEY, "data": [{"error": {"code": KEY, "message": KEY}}]}).encode()),
    "in a url": answer(200, json.dumps({"data": [{"url": f"https://x/{KEY}"}]}).replace("/", "\\/").encode()),
    "in the protocol": f"HTTP/1.1 {KEY}\r\n\r\n".encode(),
    "in a broken header": f"HTTP/1.1 200 OK\r\n{KEY} {KEY}\r\n\r\n".encode(),
}


@pytest.mark.parametrize("name", ECHOES)
def test_the_key_is_in_nothing_that_comes_back(server: WireServer, name: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    found = ask(server, ECHOES[name])
    assert "sk-very" not in repr(found).replace("\\", "")
    assert KEY in server.requests[0].headers["authorization"]
    assert KEY not in caplog.text


def test_the_key_is_in_no_repr_and_no_complaint() -> None:
    assert "sk-very" not in repr(ServiceClient("https://api.example/v1", KEY))
    for bad in (f"{KEY}\n", f"{KEY} {KEY}", "", f"{KEY}é"):
        with pytest.raises(UsageError) as found:
            ServiceClient("https://api.example/v1", bad)
        assert "sk-very" not in "".join(traceback.format_exception(found.value)).replace("ServiceClient(", "")


@pytest.mark.parametrize(
    "base",
    [
        "http://api.example.com/v1",
        "http://8.8.8.8/v1",
        "ftp://api.example.com",
        "api.example.com/v1",
        "https://user:pass@api.example.com/v1",
        "https://api.example.com/v1?x=1",
        "https://api.example.com/v1#x",
        "https:///v1",
        "https://[::1/v1",
        "https://host:99999/v1",
        "https://ho st/v1",
        "",
    ],
)
def test_base_urls_that_are_refused(base: str) -> None:
    with pytest.raises(UsageError):
        ServiceClient(base, KEY)


@pytest.mark.parametrize(
    ("base", "loopback"),
    [
        ("http://127.0.0.1:8080/v1", True),
        ("http://localhost/api/v3/", True),
        ("http://[::1]:99/v1", True),
        ("http://127.9.9.9", True),
        ("https://api.apiyi.com/v1", False),
        ("http://192.168.1.5:3000/v1", False),
        ("http://gateway:3000/v1", False),
    ],
)
def test_base_urls_that_are_taken(base: str, loopback: bool) -> None:
    assert ServiceClient(base, KEY).is_loopback is loopback


def probe(base: str) -> Probe:
    async def session() -> Probe:
        async with ServiceClient(base, KEY) as client:
            found = await client.probe()
            assert client.is_emulator is (found.is_emulator if found.reachable else None)
            return found

    return asyncio.run(session())


def test_the_probe(server: WireServer) -> None:
    models = b'{"object":"list","data":[{"id":"seedream-4-5-251128"},{"id":7},null]}'
    server.on("/v1/models", answer(200, models, {"x-seedpipe-emulator": "0.1"}))
    found = probe(f"{server.url}/v1")
    assert (found.reachable, found.is_emulator, found.key_works, found.http_status) == (True, True, True, 200)
    assert found.models == ("seedream-4-5-251128",)
    assert [(seen.method, seen.target) for seen in server.requests] == [("GET", "/v1/models")]


def test_the_probe_of_services_that_are_not_well(server: WireServer) -> None:
    server.on("/v1/models", answer(404))
    found = probe(f"{server.url}/v1")
    assert (found.reachable, found.is_emulator, found.key_works) == (True, False, None)
    it = recorded("refusal-401-missing-key")
    server.on("/v1/models", answer(it.status, it.body, it.headers))
    found = probe(f"{server.url}/v1")
    assert (found.reachable, found.key_works) == (True, False)
    assert "missing or invalid" in found.message
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as gone:
        port = gone.getsockname()[1]
    assert not probe(f"http://127.0.0.1:{port}/v1").reachable


def test_a_proxy_is_never_used_on_loopback(server: WireServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert isinstance(ask(server, answer(200, PICTURE)), Frames)


def test_a_proxy_gets_a_tunnel_and_never_the_key(server: WireServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://user:word@127.0.0.1:{server.port}")
    server.on("api.example.com:443", answer(407))
    found = generate("https://api.example.com/v1")
    assert isinstance(found, Refusal)
    assert found.verdict is Verdict.STOP
    assert "proxy" in found.message and "word" not in repr(found)
    (seen,) = server.requests
    assert (seen.method, seen.target) == ("CONNECT", "api.example.com:443")
    assert "sk-very" not in repr(seen)


def test_no_proxy_is_honoured(server: WireServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{server.port}")
    monkeypatch.setenv("NO_PROXY", ".invalid")
    found = generate("https://api.invalid/v1")
    assert isinstance(found, Refusal)
    assert found.verdict is Verdict.RETRY
    assert server.requests == []


def test_a_proxy_that_cannot_be_used_is_said_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "socks5://user:swordfish@127.0.0.1:1080")
    with pytest.raises(UsageError) as found:
        ServiceClient("https://api.example.com/v1", KEY)
    assert "swordfish" not in "".join(traceback.format_exception(found.value))
