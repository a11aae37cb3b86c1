"""Hosts by their look: every spelling of an address that a system would resolve without asking anyone."""

import ipaddress
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedpipe.hosts import is_public, literal_address


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("127.0.0.1.", "127.0.0.1"),
        ("2130706433", "127.0.0.1"),
        ("0x7f.1", "127.0.0.1"),
        ("0177.0.0.1", "127.0.0.1"),
        ("169.254.43518", "169.254.169.254"),
        ("[::ffff:10.0.0.1]", "10.0.0.1"),
        ("64:ff9b::7f00:1", "127.0.0.1"),
        ("fe80::1%eth0", "fe80::1"),
        ("0", "0.0.0.0"),
    ],
)
def test_spellings(host: str, address: str) -> None:
    found = literal_address(host)
    assert str(found) == address
    assert found is not None and not is_public(found)


@pytest.mark.parametrize("host", ["example.com", "1.2.3.4.5", "4294967296", "1.2.65536.3", "08.1", "a.1", "", "."])
def test_names(host: str) -> None:
    assert literal_address(host) is None


_PARTS = st.one_of(
    st.integers(0, 2**33).map(str), st.integers(0, 2**33).map(hex), st.integers(0, 2**33).map(lambda part: f"0{part:o}")
)


@given(st.lists(_PARTS, min_size=1, max_size=5).map(".".join))
def test_numbers_mean_what_the_system_takes_them_for(host: str) -> None:
    try:
        expected = ipaddress.IPv4Address(socket.inet_aton(host))
    except OSError:
        expected = None
    assert literal_address(host) == expected
