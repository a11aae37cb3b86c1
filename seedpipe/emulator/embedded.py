"""An emulator of one's own: started as a child process for the time of a build, gone with it."""

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from seedpipe.errors import ServiceError

_START_SECONDS: Final = 30.0
_STOP_SECONDS: Final = 5.0
_TAIL: Final = 2000  # characters of the child's complaints


class EmbeddedEmulator:
    """A context manager. Inside it `base_url` and `key` are good; the child ends with us, even if we are killed.

    `state` is the folder of its ledger and pictures: the same folder gives the same port again where that is free,
    so addresses of an earlier run live on. `latency` 0 is instant, 1 true to life. `catalogue` are user files laid over
    the shipped one, `provider` the one whose rules come first.
    """

    def __init__(
        self,
        state: Path,
        *,
        latency: float = 0.0,
        ipm: int | None = None,
        scenario: Path | None = None,
        catalogue: tuple[Path, ...] = (),
        provider: str | None = None,
    ) -> None:
        self._state = state
        self._options = ["--latency", str(latency)]
        self._options += ["--ipm", str(ipm)] if ipm is not None else []
        self._options += ["--scenario", str(scenario)] if scenario is not None else []
        self._options += ["--provider", provider] if provider is not None else []
        for path in catalogue:
            self._options += ["--catalogue", str(path)]
        self._process: subprocess.Popen[bytes] | None = None
        self._origin = ""
        self._stack = contextlib.ExitStack()

    @property
    def base_url(self) -> str:
        """`http://127.0.0.1:PORT/v1`, the gateway's address; `address("/api/v3")` is upstream's."""
        return self.address("/v1")

    @property
    def key(self) -> str:
        return "proof"

    def address(self, path: str) -> str:
        return f"{self._origin}{path}"

    def __enter__(self) -> Self:
        """Raises `ServiceError` with the child's last words if it can't start."""
        with contextlib.ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="seedpipe-proof-")))
            complaints = stack.enter_context((folder / "stderr").open("w+b"))
            port_file = folder / "port"
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "seedpipe", "emulator", "--port", "0", "--exit-with-stdin"),
                    *("--port-file", str(port_file), "--state", str(self._state), *self._options),
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=complaints,
                env=_environment(),
                start_new_session=True,  # a Ctrl-C in the terminal is for the build, which still awaits what is paid
            )
            stack.callback(self._stop)
            self._origin = f"http://127.0.0.1:{self._wait_for(port_file, folder / 'stderr')}"
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stack.close()

    def _wait_for(self, port_file: Path, complaints: Path) -> int:
        deadline = time.monotonic() + _START_SECONDS
        process = self._process
        while process is not None and process.poll() is None and time.monotonic() < deadline:
            if port_file.is_file():
                return int(port_file.read_text(encoding="ascii"))
            time.sleep(0.01)
        tail = complaints.read_text(encoding="utf-8", errors="replace")[-_TAIL:].strip()
        raise ServiceError(
            f"the emulator did not start: {tail or 'it said nothing'}",
            hint="run it again; `seedpipe emulator` alone shows whether it starts on this machine",
        )

    def _stop(self) -> None:
        process = self._process
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _environment() -> dict[str, str]:
    """The child needs no keys and no settings of ours."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("SEEDPIPE_") and "KEY" not in name and "TOKEN" not in name and "SECRET" not in name
    }
