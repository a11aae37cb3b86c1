"""Parts of URLs, and what is loopback."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedpipe.hosts import is_public, parse_address
from seedpipe.service.addresses import Location, is_loopback_url, parse_url


@pytest.mark.parametrize(
    ("url", "loopback"),
    [
        ("http://localhost:8000/v1", True),
        ("http://LOCALHOST./v1", True),
        ("http://api.localhost/v1", True),
        ("http://127.0.0.1/v1", True),
        ("http://127.255.0.9:1/v1", True),
        ("https://[::1]:8443/v1", True),
        ("http://[::ffff:127.0.0.1]/v1", True),
        ("http://localhost.example.com/v1", False),
        ("http://notlocalhost/v1", False),
        ("http://127.0.0.1.example.com/v1", False),
        ("http://128.0.0.1/v1", False),
        ("http://0.0.0.0/v1", False),
        ("https://api.apiyi.com/v1", False),
        ("http://127.0.0.1@evil.example/v1", False),
        ("http://evil.example\\@127.0.0.1/v1", False),
        ("http://evil.example#@127.0.0.1/", False),
        ("nonsense", False),
        ("", False),
    ],
)
def test_loopback(url: str, loopback: bool) -> None:
    assert is_loopback_url(url) is loopback


def test_the_parts_of_a_url() -> None:
    found = parse_url("HTTPS://Host.Example:443/A/../b%2f?x=%2F&&y= z#frag")
    assert found == Location(scheme="https", host="host.example", port=443, target="/A/../b%2f?x=%2F&&y=%20z")
    assert found.authority == "host.example"
    assert found.without_query == "https://host.example/A/../b%2f"
    assert parse_url("http://[2001:DB8::1]:81").authority == "[2001:db8::1]:81"
    assert parse_url("https://x?y").target == "/?y"
    assert parse_url("https://bücher.example/").host == "xn--bcher-kva.example"


@pytest.mark.parametrize("text", ["8.8.8.8", "93.184.216.34", "2606:4700::1111", "2002:808:808::1", "64:ff9b::808:808"])
def test_public_addresses(text: str) -> None:
    address = parse_address(text)
    assert address is not None and is_public(address)


@given(st.text(max_size=40) | st.text(max_size=20).map(lambda text: f"https://{text}"))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    try:
        found = parse_url(text)
    except ValueError:
        return
    assert found.target.isascii() and found.target.startswith("/") and " " not in found.target
    assert found.host and found.host.isascii() and not set("/?#@\\ ") & set(found.host)
    assert 0 < found.port < 65536
