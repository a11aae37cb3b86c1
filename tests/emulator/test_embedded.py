"""The embedded emulator: there for a build, gone with it."""

import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from seedpipe.emulator.embedded import EmbeddedEmulator
from seedpipe.errors import ServiceError
from tests.emulator.running import order


def generate(emulator: EmbeddedEmulator) -> httpx.Response:
    headers = {"Authorization": f"Bearer {emulator.key}"}
    return httpx.post(f"{emulator.base_url}/images/generations", json=order(), headers=headers, timeout=30)


def test_it_serves_and_goes(tmp_path: Path) -> None:
    with EmbeddedEmulator(tmp_path / "state") as emulator:
        answer = generate(emulator)
        assert answer.status_code == 200
        assert "x-seedpipe-emulator" in answer.headers
        url, base = answer.json()["data"][0]["url"], emulator.base_url
    with pytest.raises(httpx.ConnectError):
        httpx.get(base)
    with EmbeddedEmulator(tmp_path / "state") as again:
        assert again.base_url == base
        assert httpx.get(url).status_code == 200
        assert again.address("/api/v3").endswith("/api/v3")


def test_its_last_words_are_told(tmp_path: Path) -> None:
    scenario = tmp_path / "faults.yaml"
    scenario.write_text("- {do: nothing}")
    with pytest.raises(ServiceError, match="`do` is `nothing`"), EmbeddedEmulator(tmp_path / "s", scenario=scenario):
        pass


def test_it_does_not_outlive_a_killed_build(tmp_path: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path; from seedpipe.emulator.embedded import EmbeddedEmulator\n"
        "with EmbeddedEmulator(Path(sys.argv[1])) as emulator: print(emulator.base_url, flush=True); time.sleep(60)"
    )
    build = subprocess.Popen([sys.executable, "-c", program, str(tmp_path / "state")], stdout=subprocess.PIPE)
    assert build.stdout is not None
    base = build.stdout.readline().decode().strip()
    assert httpx.get(f"{base}/nothing").status_code == 404
    build.kill()
    build.communicate()
    deadline = time.monotonic() + 30
    while True:
        try:
            httpx.get(f"{base}/nothing")
        except httpx.TransportError:
            break
        assert time.monotonic() < deadline
        time.sleep(0.05)
