"""URL sources, as a manifest names them: from public https only, fetched once, pinned by digest, sent as data."""

import io
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from tests.sessions.conftest import Account, manifest
from tests.support.relay import web_proxy
from tests.support.wire import WireServer, answer
from tests.support.workspace import Workspace

TLS = Path(__file__).parent.parent / "support" / "tls"
PUBLIC = "192.31.196.1"  # of the DNS sink AS112 (RFC 7535): public, and nobody's; the proxy leads it back here
URL = f"https://{PUBLIC}/plaster.png"


def png(colour: str) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (320, 320), colour).save(out, "PNG")
    return out.getvalue()


@pytest.fixture
def web() -> Iterator[WireServer]:
    """The web server behind `PUBLIC`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(TLS / "public.crt", TLS / "public.key")
    with WireServer(tls=context) as server:
        server.on("/plaster.png", answer(200, png("tan")))
        yield server


@pytest.fixture
def walls(workspace: Workspace, web: WireServer) -> Iterator[Workspace]:
    """Their commands reach the web through the user's proxy."""
    workspace.write(
        "seedpipe.yaml",
        manifest(f'plaster: {{url: "{URL}"}}', "wall: {prompt: 'A wall of {{ refs.p }}', references: {p: plaster}}"),
    )
    with web_proxy({f"{PUBLIC}:443": web.port}) as address:
        workspace.environ |= {"HTTPS_PROXY": address, "SSL_CERT_FILE": str(TLS / "public.crt")}
        yield workspace


def test_fetched_once_pinned_and_sent_as_data(walls: Workspace, web: WireServer, account: Account) -> None:
    assert walls.plan() == {"plaster": "fetch", "wall": "make"}
    first = walls.run("build", "--json")
    assert (first.code, first.json["result"]["bought"]) == (0, 1), first.err
    assert dict(first.json["result"]["counts"]) == {"fetched": 1, "made": 1}
    assert len(web.requests) == 1
    assert "authorization" not in web.requests[0].headers, "a key went to a stranger's server"
    assert account.requests[0]["references"], account.requests[0]
    lock = (walls.folder / ".seedpipe/proof/seedpipe.lock").read_text(encoding="utf-8")
    assert URL in lock
    web.on("/plaster.png", answer(200, png("teal")))
    assert walls.plan() == {"plaster": "cached", "wall": "cached"}
    walls.edit("seedpipe.yaml", "A wall", "A tall wall")
    second = walls.run("build", "--json")
    assert (second.code, second.json["result"]["bought"]) == (0, 1), second.err
    assert len(web.requests) == 1, "what is pinned comes from the store"


def test_another_picture_behind_a_pinned_address_is_a_fault(
    walls: Workspace, web: WireServer, account: Account, tmp_path: Path
) -> None:
    assert walls.run("build").code == 0
    web.on("/plaster.png", answer(200, png("teal")))
    walls.edit("seedpipe.yaml", "A wall", "A tall wall")
    elsewhere = {"SEEDPIPE_HOME": str(tmp_path / "another")}
    ran = walls.run("build", **elsewhere)
    assert ran.code == 1
    assert "gives another picture than the one that is pinned in the lock" in ran.err
    assert len(account.requests) == 1, "nothing is bought with a picture that nobody chose"
    web.on("/plaster.png", answer(200, png("tan")))
    assert walls.run("build", **elsewhere).code == 0


def test_nothing_is_fetched_from_a_place_that_is_not_public(
    walls: Workspace, web: WireServer, account: Account
) -> None:
    """Also where the service itself stands on loopback, as it does here."""
    hosts = ("127.0.0.1", "10.0.0.7", "[::1]", "localhost", "169.254.169.254", "0x7f.1")
    urls = [f"https://{host}:{web.port}/plaster.png" for host in hosts]
    urls += [f"http://{PUBLIC}/plaster.png", "file:///etc/passwd"]
    walls.write("seedpipe.yaml", manifest(*(f"s{number}: {{url: '{url}'}}" for number, url in enumerate(urls))))
    for verb in ("check", "plan", "build"):
        ran = walls.run(verb)
        assert ran.code == 2
        told = " ".join((ran.out + ran.err).split())
        assert told.count("is not on the public Internet: nothing is fetched from") == len(hosts)
        assert told.count("only https addresses are fetched") == 2
        assert "seedpipe.yaml:5:13" in told, "where the address stands"
    assert web.connections == 0


def test_a_redirect_to_a_place_that_is_not_public_is_not_followed(
    walls: Workspace, web: WireServer, account: Account
) -> None:
    web.on("/plaster.png", answer(302, headers={"location": f"https://127.0.0.1:{web.port}/inside.png"}))
    assert walls.run("check").code == 0
    ran = walls.run("build")
    assert ran.code == 1
    said = " ".join(ran.err.split())
    assert "leads to the address 127.0.0.1, which is not public: nothing is fetched from it" in said
    assert "→ download it yourself, and write `file:` in place of `url:`" in said
    assert [one.target for one in web.requests] == ["/plaster.png"]
    assert account.requests == []
