"""An emulator in a child process, as a test's other end."""

import base64
import contextlib
import io
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from PIL import Image

from tests.support import warm
from tests.support.warm import Started

KEY = {"Authorization": "Bearer test"}
SMALL = "1024x1024"


@dataclass
class Running:
    """A live emulator and the client that talks to it."""

    origin: str
    process: Started | subprocess.Popen[str]
    state: Path
    http: httpx.Client

    def post(self, body: Any, *, prefix: str = "/v1", **options: Any) -> httpx.Response:
        options.setdefault("headers", KEY)
        return self.http.post(f"{prefix}/images/generations", json=body, **options)

    def make(self, prompt: str = "hills", **fields: Any) -> dict[str, Any]:
        """The answer to a good request."""
        answer = self.post(order(prompt, **fields))
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body

    def ledger(self) -> dict[str, Any]:
        report: dict[str, Any] = self.http.get("/_emulator/ledger").json()
        return report

    def scenario(self, *faults: dict[str, Any] | str) -> None:
        answer = self.http.put("/_emulator/scenario", json={"faults": list(faults)})
        assert answer.status_code == 200, answer.text

    def last(self) -> dict[str, Any]:
        """The youngest entry of the ledger."""
        entry: dict[str, Any] = self.ledger()["requests"][-1]
        return entry

    def wait_until_billed(self, images: int, seconds: float = 30.0) -> dict[str, Any]:
        deadline = time.monotonic() + seconds
        while (entry := self.last())["billed_images"] < images:
            assert time.monotonic() < deadline, entry
            time.sleep(0.02)
        return entry


def order(prompt: str = "hills", **fields: Any) -> dict[str, Any]:
    return {"model": "seedream-4-0-250828", "prompt": prompt, "size": SMALL, **fields}


@contextlib.contextmanager
def emulator(folder: Path, *, fresh: bool = False, **settings: Any) -> Iterator[Running]:
    """Start one, by default instant, plain, and with its state in `folder`. `fresh`: in a Python of its own."""
    port_file = folder / "port"
    port_file.unlink(missing_ok=True)
    values = {"state": folder / "state", "latency": 0.0, "plain": True, "port": 0, "port_file": port_file, **settings}
    arguments = ["emulator", *_flags(values)]
    process = _in_python(arguments) if fresh else warm.start(arguments, folder, os.environ)
    try:
        deadline = time.monotonic() + 30
        while not port_file.exists():
            if process.poll() is not None or time.monotonic() > deadline:
                process.kill()
                raise AssertionError(process.communicate()[1])
            time.sleep(0.01)
        origin = f"http://127.0.0.1:{port_file.read_text().strip()}"
        with httpx.Client(base_url=origin, timeout=30, trust_env=False, verify=False) as http:
            yield Running(origin=origin, process=process, state=Path(values["state"]), http=http)
    finally:
        process.terminate()
        _, complaints = process.communicate(timeout=30)
        assert "Traceback" not in complaints, complaints


def _flags(values: Mapping[str, Any]) -> Iterator[str]:
    for name, value in values.items():
        flag = f"--{name.replace('_', '-')}"
        if value is True:
            yield flag
        elif value is not False and value is not None:
            yield from (flag, str(value))


def _in_python(arguments: list[str]) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "seedpipe", *arguments]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True)


def picture(width: int = 64, height: int = 48, *, mode: str = "RGB", colour: Any = "teal", kind: str = "PNG") -> bytes:
    out = io.BytesIO()
    Image.new(mode, (width, height), colour).save(out, kind)
    return out.getvalue()


def data_url(data: bytes, name: str = "png") -> str:
    return f"data:image/{name};base64,{base64.b64encode(data).decode()}"


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image
