"""Guards for every test: no home folder, no keys, no network beyond loopback."""

import ipaddress
import itertools
import os
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# A busy machine is no fault of a test: what is too slow is for the benchmarks to say. Examples are drawn at random by
# everybody's runs; those of continuous integration judge a change, so they are the same each time.
settings.register_profile(
    "steady", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize="CI" in os.environ
)
settings.load_profile("steady")

# A suite started in the background inherits that these are ignored, and its children would never be interrupted.
for _signal in (signal.SIGINT, signal.SIGHUP):
    if signal.getsignal(_signal) is signal.SIG_IGN:
        signal.signal(_signal, signal.default_int_handler if _signal is signal.SIGINT else signal.SIG_DFL)

# Compiled once, not again in each of the hundreds of processes that tests start.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

_homes = itertools.count()


_connect = socket.socket.connect
_connect_ex = socket.socket.connect_ex


class OutsideWorldError(AssertionError):
    """A test tried to leave this machine."""


def _guard(address: Any) -> None:
    if not isinstance(address, tuple):
        return  # a Unix socket
    host = address[0] if ":" in address[0] else socket.gethostbyname(address[0])
    if not ipaddress.ip_address(host).is_loopback:
        raise OutsideWorldError(f"a test tried to connect to {address}")


def _guarded_connect(self: socket.socket, address: Any) -> None:
    _guard(address)
    _connect(self, address)


def _guarded_connect_ex(self: socket.socket, address: Any) -> int:
    _guard(address)
    return _connect_ex(self, address)


@pytest.fixture(scope="session", autouse=True)
def nobodys_settings() -> None:
    """What whoever runs the tests has set is no part of any."""
    ours = ("SEEDPIPE_", "ARK_", "APIYI_", "BYTEPLUS_", "VOLCENGINE_", "XDG_")
    proxies = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
    others = {"CI", "GITHUB_ACTIONS", "NO_COLOR", "FORCE_COLOR", *proxies, *map(str.lower, proxies)}
    for name in [name for name in os.environ if name.startswith(ours) or name in others]:
        del os.environ[name]


@pytest.fixture(scope="session")
def folder_of_homes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("homes")


@pytest.fixture(autouse=True)
def guarded(request: pytest.FixtureRequest, folder_of_homes: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every test has a home of its own and can reach loopback only, so none can spend or touch real state."""
    if "tmp_path" in request.fixturenames:
        home = request.getfixturevalue("tmp_path") / "home"
    else:  # thousands of tests look at no file, and a `tmp_path` costs more than they do
        home = folder_of_homes / str(next(_homes))
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("SEEDPIPE_HOME", str(home / "seedpipe"))
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(socket.socket, "connect", _guarded_connect)
    monkeypatch.setattr(socket.socket, "connect_ex", _guarded_connect_ex)
    yield


def pytest_xdist_auto_num_workers() -> int:
    """Two more than there are processors: tests wait for a third of their time."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return (allowed or 1) + 2
