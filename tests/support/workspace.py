"""A project in a temporary folder and the real command line in a process of its own: tests read like sessions."""

import json
import os
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support import warm
from tests.support.kill import Kill
from tests.support.warm import Started

REPOSITORY = Path(__file__).parent.parent.parent


@dataclass(frozen=True)
class Ran:
    """What one command line did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Workspace:
    """Write files, run `seedpipe`. Home, keys and settings are this workspace's own."""

    def __init__(self, folder: Path, **environ: str) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.environ = {name: value for name, value in os.environ.items() if "KEY" not in name} | environ

    def write(self, path: str, text: str) -> None:
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")

    def edit(self, path: str, old: str, new: str) -> None:
        text = (self.folder / path).read_text(encoding="utf-8")
        assert old in text, f"{old!r} is not in {path}"
        self.write(path, text.replace(old, new))

    def start(self, *arguments: str, **environ: str) -> Started:
        return warm.start(arguments, self.folder, self.environ | environ)

    def run(self, *arguments: str, **environ: str) -> Ran:
        code, out, err = warm.run(arguments, self.folder, self.environ | environ)
        assert "Traceback" not in err, err
        assert "this is our bug" not in err, err
        return Ran(code, out, err)

    def run_watched(self, log: Path, kill: Kill | None, *arguments: str) -> Ran:
        """As `run`, with what it does written to `log`; it dies where `kill` says (`support.kill`), with code -9."""
        code, out, err = warm.run(
            arguments, self.folder, self.environ, kill=None if kill is None else kill.to_dict(), log=log
        )
        assert "Traceback" not in err, err
        return Ran(code, out, err)

    def plan(self, *arguments: str) -> dict[str, str]:
        """Address → state."""
        ran = self.run("plan", "--json", *arguments)
        assert ran.code in (0, 3), ran.err
        return {node["address"]: node["state"] for node in ran.json["nodes"]}


@dataclass
class Service:
    """An emulator standing alone, as a server of the protocol that a user names."""

    base_url: str
    process: Started

    def ledger(self) -> Any:
        return self._ask(urllib.request.Request(f"{self._control}/ledger"))

    def faults(self, *faults: dict[str, Any]) -> None:
        """From now on these happen, and no others."""
        body = json.dumps({"faults": list(faults)}).encode()
        self._ask(urllib.request.Request(f"{self._control}/scenario", data=body, method="PUT"))

    def _ask(self, request: urllib.request.Request) -> Any:
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)
        except OSError as error:
            code = self.process.poll()
            assert code is None, f"somebody has ended the emulator (exit code {code})"
            raise AssertionError(f"the emulator runs and does not answer: {error}") from error

    @property
    def _control(self) -> str:
        return f"{self.base_url.rsplit('/', 1)[0]}/_emulator"

    @property
    def environ(self) -> dict[str, str]:
        return {"SEEDPIPE_BASE_URL": self.base_url, "SEEDPIPE_API_KEY": "test-key-0123456789"}


@contextmanager
def service(folder: Path, *flags: str) -> Iterator[Service]:
    """`seedpipe emulator` in a process of its own, on any free port; its pictures are plain.

    It ends with this process, however that ends.
    """
    port_file = folder / "port"
    folder.mkdir(parents=True, exist_ok=True)
    flags = ("--state", str(folder / "state"), "--latency", "0", "--plain", "--exit-with-stdin", *flags)
    command = ("emulator", "--port", "0", "--port-file", str(port_file), *flags)
    process = warm.start(command, folder, os.environ)
    try:
        deadline = time.monotonic() + 30
        while not port_file.exists():
            assert process.poll() is None, process.stderr.read()
            assert time.monotonic() < deadline, "the emulator did not start"
            time.sleep(0.02)
        yield Service(f"http://127.0.0.1:{port_file.read_text()}/v1", process)
    finally:
        process.terminate()
        process.wait(timeout=20)
        process.close()


@contextmanager
def shared_service(folder: Path, *flags: str) -> Iterator[Service]:
    """`service` for all tests of a worker: it begins before any test has a home of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(folder))
        patch.setenv("SEEDPIPE_HOME", str(folder))
        with service(folder, *flags) as emulator:
            yield emulator
