"""What tests stand on: nothing that they start outlives them, so nobody has to clean up after them by a broad name."""

import os
import pwd
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parent.parent
STARTS_ONE = """
import sys, time
from pathlib import Path
from tests.support.workspace import service
with service(Path(sys.argv[1])) as emulator:
    print(emulator.process.pid, flush=True)
    time.sleep(100)
"""


@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1"])
def test_no_test_leaves_this_machine(host: str) -> None:
    with pytest.raises(AssertionError, match="a test tried to connect"):
        socket.create_connection((host, 80), timeout=1)


def test_no_test_sees_the_home_or_the_settings_of_whoever_runs_it() -> None:
    home = pwd.getpwuid(os.getuid()).pw_dir
    assert Path.home() != Path(home) and os.environ["SEEDPIPE_HOME"] == str(Path.home() / "seedpipe")
    assert not [name for name in os.environ if name.startswith(("ARK_", "XDG_")) or name == "CI"]


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_an_emulator_ends_with_the_tests_that_were_killed(tmp_path: Path) -> None:
    tests = subprocess.Popen(
        [sys.executable, "-c", STARTS_ONE, str(tmp_path / "service")], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True
    )
    assert tests.stdout is not None
    with tests.stdout:
        emulator = int(tests.stdout.readline())
    os.kill(tests.pid, signal.SIGKILL)
    tests.wait()
    until = time.monotonic() + 60
    while is_running(emulator):
        assert time.monotonic() < until, "it runs on"
        time.sleep(0.05)
