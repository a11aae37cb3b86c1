"""Downloads against real sockets, and every place that nothing is fetched from."""

import asyncio
import hashlib
import ssl
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from seedpipe.names import Digest
from seedpipe.service.client import ServiceClient
from seedpipe.service.download import (
    DownloadedPicture,
    DownloadError,
    DownloadExpiredError,
    DownloadFailedError,
    DownloadPolicy,
    DownloadRefusedError,
    resolve,
)
from tests.support.wire import Forever, Hang, Pause, Reset, Script, WireServer, answer

BYTES = bytes(range(256)) * 400
QUICK = DownloadPolicy(tries=3, first_pause=0.01, idle=0.3, total=2.0, connect=2.0, max_bytes=1_000_000)
SIGNED = (
    "X-Tos-Signature=5f%2c7e&X-Tos-Algorithm=TOS4-HMAC-SHA256&X-Tos-Credential=AK%2F20260904%2fcn%2Ftos%2Frequest"
    "&X-Tos-Date=20260904T020625Z&x-tos-process=image/watermark,image_a+b|c{d}'e'^f`g~*h!(i)[j]@:;&empty=&flag&a=2&a=1"
)
TLS = Path(__file__).parent.parent / "support" / "tls"
API = "https://api.example.com/v1"


class Book:
    """A resolver that answers from a table, as a name server would."""

    def __init__(self, *pages: Sequence[str]) -> None:
        self.pages = list(pages)
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        assert 0 < port < 65536
        self.asked.append(host)
        return self.pages.pop(0) if len(self.pages) > 1 else self.pages[0]


@pytest.fixture
def server() -> Iterator[WireServer]:
    with WireServer() as server:
        yield server


@pytest.fixture
def tls_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[WireServer]:
    monkeypatch.setenv("SSL_CERT_FILE", str(TLS / "localhost.crt"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(TLS / "localhost.crt", TLS / "localhost.key")
    with WireServer(tls=context) as server:
        yield server


def fetch(
    url: str,
    target: Path,
    *,
    near: bool = True,
    source: bool = False,
    policy: DownloadPolicy = QUICK,
    resolver: object = resolve,
) -> DownloadedPicture:
    async def session() -> DownloadedPicture:
        async with ServiceClient(API, "sk-secret", policy=policy, resolver=resolver) as client:  # type: ignore[arg-type]
            if source:
                return await client.fetch_source(url, target)
            return await client.download(url, target, api_is_loopback=near)

    return asyncio.run(session())


def test_a_picture_comes_whole_with_its_digest(server: WireServer, tmp_path: Path) -> None:
    server.on("/a/1_0.jpeg", answer(200, BYTES, {"set-cookie": "a=1"}))
    found = fetch(f"{server.url}/a/1_0.jpeg?{SIGNED}#part", tmp_path / "t")
    assert found == DownloadedPicture(path=tmp_path / "t", size=len(BYTES), digest=Digest.of(BYTES))
    assert (tmp_path / "t").read_bytes() == BYTES


def test_the_query_is_untouched_and_no_credential_goes_along(server: WireServer, tmp_path: Path) -> None:
    server.on("/a/../b%2Fc/./1.jpeg", answer(200, BYTES))
    fetch(f"{server.url}/a/../b%2Fc/./1.jpeg?{SIGNED}", tmp_path / "t")
    (seen,) = server.requests
    assert seen.target == f"/a/../b%2Fc/./1.jpeg?{SIGNED}"
    assert seen.method == "GET"
    assert seen.headers["host"] == f"127.0.0.1:{server.port}"
    assert seen.headers["accept-encoding"] == "identity"
    assert not {"authorization", "cookie", "referer", "x-client-request-id"} & set(seen.headers)


def test_what_cannot_stand_in_a_request_line_is_escaped(server: WireServer, tmp_path: Path) -> None:
    server.on("/mein%20Bild%C3%A4.png", answer(200, BYTES))
    fetch(f"{server.url}/mein Bildä.png", tmp_path / "t")
    assert server.requests[0].target == "/mein%20Bild%C3%A4.png"


FLAKY: dict[str, Script] = {
    "500": answer(500),
    "503": answer(503, b"", {"retry-after": "1"}),
    "429": answer(429),
    "closed": [b""],
    "reset": [Reset()],
    "short": b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\nshort",
    "cut chunks": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nshort\r\n",
    "empty": answer(200, b""),
    "hang": [b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\nx", Hang()],
    "garbage": b"nonsense\r\n\r\n",
}


@pytest.mark.parametrize("name", FLAKY)
def test_trouble_is_tried_again(server: WireServer, tmp_path: Path, name: str) -> None:
    server.on("/p", FLAKY[name], answer(200, BYTES))
    assert fetch(f"{server.url}/p", tmp_path / "t").digest == Digest.of(BYTES)
    assert len(server.requests) == 2


@pytest.mark.parametrize("name", FLAKY)
def test_trouble_that_stays_is_said_and_leaves_no_file(server: WireServer, tmp_path: Path, name: str) -> None:
    server.on("/p", FLAKY[name])
    with pytest.raises(DownloadFailedError, match="tried 3 times") as found:
        fetch(f"{server.url}/p?X-Tos-Signature=secret", tmp_path / "t")
    assert "secret" not in str(found.value)
    assert not (tmp_path / "t").exists()
    assert len(server.requests) == 3


@pytest.mark.parametrize("status", [403, 404, 410])
def test_an_expired_url_is_definite(server: WireServer, tmp_path: Path, status: int) -> None:
    server.on("/p", answer(status, b"<Error><Code>AccessDenied</Code></Error>"))
    with pytest.raises(DownloadExpiredError, match=f"HTTP {status}"):
        fetch(f"{server.url}/p", tmp_path / "t")
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [201, 204, 206, 304, 400, 401, 416])
def test_other_answers_are_no_pictures(server: WireServer, tmp_path: Path, status: int) -> None:
    server.on("/p", answer(status, b"" if status in (204, 304) else b"x"))
    with pytest.raises(DownloadRefusedError):
        fetch(f"{server.url}/p", tmp_path / "t")
    assert len(server.requests) == 1


BOMBS: dict[str, Script] = {
    "announced": b"HTTP/1.1 200 OK\r\ncontent-length: 1000001\r\n\r\n",
    "announced absurdly": b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999\r\n\r\n",
    "chunked": [
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
        Forever(b"10000\r\n" + b"x" * 65536 + b"\r\n"),
    ],
    "until close": [b"HTTP/1.1 200 OK\r\n\r\n", Forever(b"x" * 65536)],
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_without_being_read(server: WireServer, tmp_path: Path, name: str) -> None:
    server.on("/p", BOMBS[name])
    with pytest.raises(DownloadRefusedError, match="bytes"):
        fetch(f"{server.url}/p", tmp_path / "t")
    assert not (tmp_path / "t").exists()
    assert len(server.requests) == 1


def test_exactly_the_limit_is_taken(server: WireServer, tmp_path: Path) -> None:
    server.on("/p", answer(200, b"x" * 1_000_000))
    assert fetch(f"{server.url}/p", tmp_path / "t").size == 1_000_000


def test_an_answer_that_was_packed_unasked_is_refused(server: WireServer, tmp_path: Path) -> None:
    server.on("/p", answer(200, b"zipped", {"content-encoding": "gzip"}))
    with pytest.raises(DownloadRefusedError, match="compressed"):
        fetch(f"{server.url}/p", tmp_path / "t")


def test_a_slow_loris_ends_by_the_total(server: WireServer, tmp_path: Path) -> None:
    drips: list[object] = [b"x", Pause(0.1)] * 100
    server.on("/p", [b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n", *drips])  # type: ignore[list-item]
    policy = DownloadPolicy(tries=1, idle=1.0, total=0.5)
    begun = time.monotonic()
    with pytest.raises(DownloadFailedError, match="tried once: it took longer"):
        fetch(f"{server.url}/p", tmp_path / "t", policy=policy)
    assert time.monotonic() - begun < 9, "all of it takes ten seconds"


def test_redirects_are_followed_three_times(server: WireServer, tmp_path: Path) -> None:
    server.on("/1", answer(302, b"", {"location": "/2?a=%2F"}))
    server.on("/2", answer(307, b"", {"location": "3"}))
    server.on("/3", answer(308, b"", {"location": f"{server.url}/4"}))
    server.on("/4", answer(200, BYTES))
    assert fetch(f"{server.url}/1", tmp_path / "t").size == len(BYTES)
    assert [seen.target for seen in server.requests] == ["/1", "/2?a=%2F", "/3", "/4"]
    server.on("/0", answer(301, b"", {"location": "/1"}))
    with pytest.raises(DownloadRefusedError, match="more than 3 times"):
        fetch(f"{server.url}/0", tmp_path / "t")


@pytest.mark.parametrize(
    "target",
    [
        "http://10.0.0.1/",
        "https://169.254.169.254/latest/meta-data/",
        "https://[::ffff:10.0.0.1]/",
        "http://93.184.216.34/",  # public, but plain http
        "file:///etc/passwd",
        "gopher://127.0.0.1/",
        "https://user:pw@pictures.example/",
        "//10.0.0.1/x",
        "",
    ],
)
def test_a_redirect_to_a_private_place_is_refused(server: WireServer, tmp_path: Path, target: str) -> None:
    server.on("/p", answer(302, b"", {"location": target}))
    with pytest.raises(DownloadRefusedError):
        fetch(f"{server.url}/p", tmp_path / "t")
    assert len(server.requests) == 1


PRIVATE = [
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "127.0.0.1",
    "127.1.2.3",
    "0.0.0.0",
    "100.64.0.1",
    "169.254.169.254",
    "192.0.2.1",
    "198.18.0.1",
    "224.0.0.1",
    "239.1.1.1",
    "240.0.0.1",
    "255.255.255.255",
    "::1",
    "::",
    "fe80::1",
    "fe80::1%lo",
    "fc00::1",
    "fec0::1",
    "ff02::1",
    "2001:db8::1",
    "::ffff:127.0.0.1",
    "::ffff:192.168.0.1",
    "::7f00:1",
    "2002:7f00:1::",
    "2002:a00:1::1",
    "64:ff9b::7f00:1",
    "64:ff9b::a00:1",
    "not an address",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_a_name_that_leads_to_a_private_address_is_refused(tmp_path: Path, address: str) -> None:
    for source in (True, False):
        with pytest.raises(DownloadRefusedError, match="not public"):
            fetch("https://pictures.example/p", tmp_path / "t", near=False, source=source, resolver=Book([address]))
        with pytest.raises(DownloadRefusedError, match="not public"):
            book = Book(["93.184.216.34", address])  # one bad among good ones is a trick
            fetch("https://pictures.example/p", tmp_path / "t", near=False, source=source, resolver=book)


@pytest.mark.parametrize("address", [a for a in PRIVATE if "%" not in a and " " not in a])
def test_a_private_address_itself_is_refused(tmp_path: Path, address: str) -> None:
    host = f"[{address}]" if ":" in address else address
    with pytest.raises(DownloadRefusedError):
        fetch(f"https://{host}/p", tmp_path / "t", near=False)


@pytest.mark.parametrize("host", ["2130706433", "0x7f.1", "0177.0.0.1", "127.1", "localhost", "localhost."])
def test_other_spellings_of_loopback_are_refused(tmp_path: Path, host: str) -> None:
    with pytest.raises(DownloadError) as found:
        fetch(f"https://{host}/p", tmp_path / "t", near=False, source=True)
    assert isinstance(found.value, DownloadRefusedError | DownloadFailedError)
    assert "not public" in str(found.value) or "could not be resolved" in str(found.value)


def test_loopback_is_open_only_where_the_api_is(server: WireServer, tmp_path: Path) -> None:
    server.on("/p", answer(200, BYTES))
    assert fetch(f"{server.url}/p", tmp_path / "t", near=True).size == len(BYTES)
    assert fetch(f"http://localhost:{server.port}/p", tmp_path / "t", near=True).size == len(BYTES)
    for source, near in ((True, True), (False, False)):
        with pytest.raises(DownloadRefusedError):
            fetch(f"{server.url}/p", tmp_path / "t", near=near, source=source)
    assert len(server.requests) == 2


def test_by_default_the_clients_own_base_url_decides(server: WireServer, tmp_path: Path) -> None:
    server.on("/p", answer(200, BYTES))

    async def session(base: str) -> None:
        async with ServiceClient(base, "k") as client:
            await client.download(f"{server.url}/p", tmp_path / "t")

    asyncio.run(session(f"{server.url}/v1"))
    with pytest.raises(DownloadRefusedError):
        asyncio.run(session(API))


@pytest.mark.parametrize("near", [True, False])
def test_private_networks_stay_closed_even_beside_a_loopback_api(tmp_path: Path, near: bool) -> None:
    with pytest.raises(DownloadRefusedError):
        fetch("https://pictures.example/p", tmp_path / "t", near=near, resolver=Book(["192.168.0.7"]))


def test_the_name_is_asked_once_and_the_checked_address_is_used(tls_server: WireServer, tmp_path: Path) -> None:
    """A name server that changes its mind after the check gains nothing."""
    tls_server.on("/p", answer(200, BYTES))
    book = Book(["127.0.0.1"], ["10.0.0.1"])
    url = f"https://pictures.localhost:{tls_server.port}/p"
    assert fetch(url, tmp_path / "t", resolver=book).size == len(BYTES)
    assert book.asked == ["pictures.localhost"]
    assert tls_server.requests[0].headers["host"] == f"pictures.localhost:{tls_server.port}"


def test_the_certificate_is_checked_against_the_name(tls_server: WireServer, tmp_path: Path) -> None:
    tls_server.on("/p", answer(200, BYTES))
    with pytest.raises(DownloadFailedError, match="ertificate"):
        fetch(f"https://other.localhost:{tls_server.port}/p", tmp_path / "t", resolver=Book(["127.0.0.1"]))
    assert tls_server.requests == []


def test_the_next_address_is_tried(server: WireServer, tmp_path: Path) -> None:
    server.on("/p", answer(200, BYTES))
    url = f"http://pictures.localhost:{server.port}/p"
    assert fetch(url, tmp_path / "t", resolver=Book(["127.0.0.2", "127.0.0.1"])).size == len(BYTES)


@pytest.mark.parametrize(
    "url", ["", "x", "ftp://x/y", "https://", "https://a b/", "https://x:0/", "https://x\n/", "/p"]
)
def test_urls_that_are_none(tmp_path: Path, url: str) -> None:
    with pytest.raises(DownloadRefusedError):
        fetch(url, tmp_path / "t")


def test_a_name_that_cannot_be_resolved_may_pass_later(tmp_path: Path) -> None:
    with pytest.raises(DownloadFailedError, match="could not be resolved"):
        fetch("https://no-such-host.invalid/p", tmp_path / "t", near=False)


def test_through_a_proxy_the_name_goes_to_the_proxy(
    server: WireServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{server.port}")
    server.on("pictures.example:443", answer(502))
    with pytest.raises(DownloadFailedError):
        fetch("https://pictures.example/p", tmp_path / "t", near=False, resolver=Book(["93.184.216.34"]))
    assert {(seen.method, seen.target) for seen in server.requests} == {("CONNECT", "pictures.example:443")}
    with pytest.raises(DownloadRefusedError):
        fetch("https://pictures.example/p", tmp_path / "t", near=False, resolver=Book(["10.0.0.1"]))


def test_a_large_picture_is_streamed(server: WireServer, tmp_path: Path) -> None:
    size = 48 * 1024 * 1024
    head = f"HTTP/1.1 200 OK\r\ncontent-length: {size}\r\n\r\n".encode()
    server.on("/p", [head, Forever(b"x" * (1 << 20), limit=size)])
    found = fetch(f"{server.url}/p", tmp_path / "t", policy=DownloadPolicy(tries=1))
    assert found.size == size == (tmp_path / "t").stat().st_size
    assert found.digest.hex == hashlib.sha256(b"x" * size).hexdigest()
