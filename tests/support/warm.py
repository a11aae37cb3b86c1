"""Processes without the time that Python takes to start: one that has imported seedpipe, and read the shipped catalogue,
forks them.

Each command line still is a process of its own, with its own folder, environment, streams and signals.
"""

import atexit
import contextlib
import faulthandler
import functools
import importlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, NoReturn

from seedpipe.catalogue.catalogue import load_catalogue
from seedpipe.cli import VERBS, main
from tests.support.kill import arm

REPOSITORY = Path(__file__).parent.parent.parent
# What libraries import when they are first used.
LATE = ("anyio._backends._asyncio", "certifi", "httpcore", "PIL.JpegImagePlugin", "PIL.PngImagePlugin")
LONGEST_SECONDS = 100


@dataclass
class Started:
    """A command line that runs, used as `subprocess.Popen` is; its streams are text."""

    args: Sequence[str]
    pid: int
    stdin: IO[str]
    stdout: IO[str]
    stderr: IO[str]
    _end: int = field(repr=False)  # its exit code can be read there, once
    returncode: int | None = None
    _said: tuple[str, str] | None = field(default=None, repr=False)

    def poll(self) -> int | None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float = LONGEST_SECONDS) -> int:
        if self.returncode is None:
            if not select.select([self._end], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(self.args, timeout)
            self.returncode = _number(self._end, self.args)
            os.close(self._end)
        return self.returncode

    def communicate(self, timeout: float = LONGEST_SECONDS) -> tuple[str, str]:
        """What it said, read while it says it; the same when it is asked again."""
        if self._said is not None:
            return self._said
        said = ["", ""]

        def read(place: int, stream: IO[str]) -> None:
            said[place] = stream.read()

        readers = [threading.Thread(target=read, args=each) for each in enumerate((self.stdout, self.stderr))]
        for reader in readers:
            reader.start()
        self.wait(timeout)
        for reader in readers:
            reader.join()
        self.close()
        self._said = (said[0], said[1])
        return self._said

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def close(self) -> None:
        """Its streams; what reads its standard input until the end now ends."""
        for stream in (self.stdin, self.stdout, self.stderr):
            stream.close()


def start(arguments: Sequence[str], folder: Path, environ: Mapping[str, str]) -> Started:
    """`seedpipe ARGUMENTS`, which runs on."""
    pipes = [os.pipe() for _ in range(3)]
    (its_in, our_in), (our_out, its_out), (our_err, its_err) = pipes
    order = {"arguments": list(arguments), "folder": str(folder), "environ": dict(environ)}
    try:
        pid, end = _ask(order, (its_in, its_out, its_err))
    finally:
        for descriptor in (its_in, its_out, its_err):
            os.close(descriptor)
    streams = (os.fdopen(our, mode, encoding="utf-8") for our, mode in ((our_in, "w"), (our_out, "r"), (our_err, "r")))
    return Started(["seedpipe", *arguments], pid, *streams, end)


def run(
    arguments: Sequence[str],
    folder: Path,
    environ: Mapping[str, str],
    *,
    kill: Mapping[str, Any] | None = None,
    log: Path | None = None,
) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of `seedpipe ARGUMENTS`.

    With `log`, what it does is written there, and it dies where `kill` says (`support.kill`).
    """
    order = {"arguments": list(arguments), "folder": str(folder), "environ": dict(environ), "watched": True}
    if log is not None:
        order |= {"kill": kill, "log": str(log)}
    with (
        Path(os.devnull).open() as nothing,
        tempfile.TemporaryFile("w+", encoding="utf-8") as out,
        tempfile.TemporaryFile("w+", encoding="utf-8") as err,
    ):
        pid, end = _ask(order, (nothing.fileno(), out.fileno(), err.fileno()))
        command = f"`seedpipe {' '.join(arguments)}`"
        if not select.select([end], [], [], LONGEST_SECONDS)[0]:
            os.kill(pid, signal.SIGKILL)
            err.seek(0)
            raise AssertionError(f"{command} takes longer than {LONGEST_SECONDS} s:\n{err.read()}")
        code = _number(end, command)
        os.close(end)
        out.seek(0)
        err.seek(0)
        return code, out.read(), err.read()


def _ask(order: Mapping[str, Any], streams: Sequence[int]) -> tuple[int, int]:
    """Has a process forked for `order`: its id, and where its exit code can be read when it has ended."""
    end, its_end = os.pipe()
    try:
        server = _server(os.getpid())
        data = json.dumps(order).encode()
        with _LOCK:
            socket.send_fds(server, [len(data).to_bytes(4)], [*streams, its_end])
            server.sendall(data)
    finally:
        os.close(its_end)
    return _number(end, order["arguments"]), end


def _number(end: int, command: object) -> int:
    line = b""
    while not line.endswith(b"\n"):
        part = os.read(end, 1)
        assert part, f"somebody has ended what {command} was forked from"
        line += part
    return int(line)


_LOCK = threading.Lock()


@functools.cache
def _server(owner: int) -> socket.socket:
    """The server of this process, by its id: one that was forked from it has its own."""
    ours, its = socket.socketpair()
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.support.warm", str(its.fileno())],
        cwd=REPOSITORY,
        stdin=subprocess.DEVNULL,
        pass_fds=[its.fileno()],
        start_new_session=True,
    )
    its.close()
    atexit.register(process.wait)
    atexit.register(ours.close)
    return ours


class _Server:
    """Forks whatever is asked for, and tells how each ended."""

    def __init__(self, orders: socket.socket) -> None:
        self._orders = orders
        self._ends: dict[int, int] = {}  # process → where its exit code is told
        self._wake, self._its_wake = os.pipe()
        os.set_blocking(self._its_wake, False)
        signal.set_wakeup_fd(self._its_wake)
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def serve(self) -> None:
        """Until nobody can ask any more."""
        while True:
            ready, _, _ = select.select([self._orders, self._wake], [], [])
            if self._wake in ready:
                os.read(self._wake, 4096)
                self._tell()
            if self._orders in ready and not self._take():
                return

    def _take(self) -> bool:
        head, descriptors, _, _ = socket.recv_fds(self._orders, 4, 4)
        if not head:
            return False
        with self._orders.makefile("rb", buffering=0) as rest:
            data = b""
            while len(data) < int.from_bytes(head):
                data += rest.read(int.from_bytes(head) - len(data))
        *streams, end = descriptors
        child = os.fork()
        if child == 0:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for other in (*self._ends.values(), end, self._wake, self._its_wake):
                os.close(other)
            self._orders.close()
            _become(json.loads(data), streams)
        os.write(end, f"{child}\n".encode())
        self._ends[child] = end
        for stream in streams:
            os.close(stream)
        return True

    def _tell(self) -> None:
        while self._ends:
            child, status = os.waitpid(-1, os.WNOHANG)
            if child == 0:
                return
            end = self._ends.pop(child)
            with contextlib.suppress(BrokenPipeError):
                os.write(end, f"{os.waitstatus_to_exitcode(status)}\n".encode())
            os.close(end)


def _serve() -> None:
    for module in (*(f"seedpipe.commands.{verb}" for verb in VERBS), *LATE):
        with contextlib.suppress(Exception):  # whoever uses it will see what is wrong with it
            importlib.import_module(module)
    with contextlib.suppress(Exception):
        load_catalogue()
    _Server(socket.socket(fileno=int(sys.argv[1]))).serve()


def _become(order: Mapping[str, Any], streams: Sequence[int]) -> NoReturn:
    code = 1
    try:
        os.chdir(order["folder"])
        os.environ.clear()
        os.environ.update(order["environ"])
        for place, stream in enumerate(streams):
            os.dup2(stream, place)
            os.close(stream)
        if "log" in order:
            arm(order["kill"], order["log"])
        if "watched" in order:
            faulthandler.dump_traceback_later(LONGEST_SECONDS - 10, file=2)
        code = main(order["arguments"])
    except BaseException:  # as the interpreter itself would end
        traceback.print_exc()
    finally:
        with contextlib.suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    _serve()
