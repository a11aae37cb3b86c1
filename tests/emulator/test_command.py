"""`seedpipe emulator` as somebody's test starts it: port file, scenario, seed, what it says, how it stops."""

import contextlib
import hashlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import byteplussdkarkruntime
import httpx
import openai
import pytest

from tests.emulator.running import KEY, order

ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("SEEDPIPE_")}


class Command:
    """The running command; `said` is its standard error so far."""

    def __init__(self, folder: Path, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self._file = folder / "stderr"
        self.origin = f"http://127.0.0.1:{(folder / 'port').read_text()}"

    @property
    def said(self) -> str:
        return self._file.read_text(encoding="utf-8")

    def wait_for(self, words: str) -> str:
        deadline = time.monotonic() + 10
        while words not in self.said:
            assert time.monotonic() < deadline, self.said
            time.sleep(0.01)
        return self.said

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(how)
        return self.process.wait(10)


@contextlib.contextmanager
def started(folder: Path, *arguments: str) -> Iterator[Command]:
    (folder / "port").unlink(missing_ok=True)
    command = [sys.executable, "-m", "seedpipe", "emulator", "--port", "0", "--port-file", "port", "--latency", "0"]
    with (folder / "stderr").open("wb") as errors:
        process = subprocess.Popen([*command, *arguments], cwd=folder, stderr=errors, env=ENVIRONMENT)
    try:
        deadline = time.monotonic() + 30
        while not (folder / "port").exists():
            assert process.poll() is None and time.monotonic() < deadline, (folder / "stderr").read_text()
            time.sleep(0.01)
        yield Command(folder, process)
    finally:
        process.kill()
        process.wait(10)


def test_it_says_how_to_use_it_and_what_it_says_works(tmp_path: Path) -> None:
    with started(tmp_path) as command:
        said = command.wait_for("_emulator/ledger")
        assert max(map(len, said.splitlines())) <= 80
        names = {"OpenAI": openai.OpenAI, "Ark": byteplussdkarkruntime.Ark}
        for expression in re.findall(r"client = (.*)$", said, re.MULTILINE):
            client: Any = eval(expression, names)  # as somebody pastes it
            answer = client.images.generate(model="seedream-4-0-250828", prompt="a lamp", size="1K")
            assert httpx.get(answer.data[0].url, trust_env=False).content.startswith(b"\xff\xd8\xff")
            client.close()
        exported = dict(re.findall(r"(OPENAI_\w+)=(\S+)", said))
        script = "import openai; print(openai.OpenAI().images.generate(model='seedream-4-0-250828', prompt='p').data[0].size)"
        ran = subprocess.run(
            [sys.executable, "-c", script], env=ENVIRONMENT | exported, capture_output=True, text=True, check=True
        )
        assert ran.stdout == "2048x2048\n"
        ledger = re.findall(r"billed: (\S+)", said)[0]
        assert httpx.get(ledger, trust_env=False).json()["billed_images"] == 3
        assert command.stop(signal.SIGINT) == 0
        assert command.said.endswith("\nstopped after 3 requests; 3 pictures would have been billed\n")


def test_a_seed_gives_the_same_pictures_again(tmp_path: Path) -> None:
    def pictures(*arguments: str) -> list[str]:
        with started(tmp_path, *arguments) as command, httpx.Client(base_url=command.origin, trust_env=False) as http:
            found = []
            for prompt in ("a lamp", "a lamp", "a cup"):
                answer = http.post("/v1/images/generations", json=order(prompt), headers=KEY, timeout=20)
                found.append(hashlib.sha256(http.get(answer.json()["data"][0]["url"]).content).hexdigest())
            return found

    one, same, other, none = (pictures(*it) for it in (["--seed", "1"], ["--seed", "1"], ["--seed", "2"], []))
    assert one == same
    assert len({*one, *other, *none}) == 9  # but never two of one run, nor with another seed


def test_the_key_that_was_given_is_not_shown(tmp_path: Path) -> None:
    with started(tmp_path, "--key", "sk-secret") as command:
        assert "sk-secret" not in command.wait_for("_emulator/ledger")
        for key, status in (("sk-secret", 200), ("proof", 401)):
            headers = {"Authorization": f"Bearer {key}"}
            assert httpx.get(f"{command.origin}/v1/models", headers=headers, trust_env=False).status_code == status


def test_quiet(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "seedpipe", "-q", "emulator", "--exit-with-stdin", "--latency", "0"]
    ran = subprocess.run(command, input=b"", capture_output=True, env=ENVIRONMENT, timeout=30)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, b"", b"")


BROKEN = """\
faults:
  - {do: stal, match: lamp}          # a typo
  - do: rate-limit
    times: twice
  - {do: moderate-output, indx: 1}
"""
COMPLAINT = """\
error: fault 1: `do` is `stal`, did you mean `stall`?                 [scenario]
 --> faults.yaml:2:10
  |
2 |   - {do: stal, match: lamp}          # a typo
  |          ^^^^

error: fault 2: `times` is `twice`, expected a whole number           [scenario]
 --> faults.yaml:4:12
  |
4 |     times: twice
  |            ^^^^^

error: fault 3: `indx` is unknown, did you mean `index`?              [scenario]
 --> faults.yaml:5:27
  |
5 |   - {do: moderate-output, indx: 1}
  |                           ^^^^

3 errors
"""


def test_a_broken_scenario_is_shown_where_it_is_broken(tmp_path: Path) -> None:
    (tmp_path / "faults.yaml").write_text(BROKEN, encoding="utf-8")
    assert complaint(tmp_path, "--scenario", "faults.yaml") == COMPLAINT


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--scenario", "none.yaml"], "the scenario `none.yaml` can't be read: no such file or directory"),
        (["--catalogue", "none.yaml"], "the catalogue `none.yaml` can't be read: no such file or directory"),
        (["--state", "file/state"], "the state `file/state` can't be used: not a directory"),
        (["--port-file", "file/port"], "the port file `file/port` can't be written: "),
        (["--endpoint-model", "seedrem-4"], "no model is called `seedrem-4`"),
    ],
)
def test_what_can_not_be_used_is_said(tmp_path: Path, arguments: list[str], words: str) -> None:
    (tmp_path / "file").touch()
    assert complaint(tmp_path, *arguments).startswith(f"error: {words}")


def complaint(folder: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "seedpipe", "emulator", *arguments]
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=ENVIRONMENT, timeout=30)
    assert (ran.returncode, ran.stdout) == (2, "")
    return ran.stderr


def test_the_test_of_the_page_passes(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "emulator.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    (tmp_path / "test_page.py").write_text(block, encoding="utf-8")
    path = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_page.py"],
        cwd=tmp_path, env=ENVIRONMENT | path, capture_output=True, text=True, timeout=100,
    )  # fmt: skip
    assert "1 passed" in ran.stdout, ran.stdout + ran.stderr
