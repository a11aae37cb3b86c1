"""Runs one emulator in this process: binds a loopback port, says when it is ready, stops quickly and in order."""

import asyncio
import contextlib
import os
import signal
import socket
import sqlite3
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import uvicorn

from seedpipe.catalogue.catalogue import load_catalogue
from seedpipe.emulator.app import make_app
from seedpipe.emulator.connection import CuttableProtocol
from seedpipe.emulator.desk import Emulator
from seedpipe.emulator.faults import FaultBook
from seedpipe.emulator.job import Workshop
from seedpipe.emulator.ledger import Ledger
from seedpipe.emulator.models import make_dialects
from seedpipe.emulator.pace import MinuteLimit
from seedpipe.emulator.scenario import read_scenario
from seedpipe.emulator.settings import Settings
from seedpipe.emulator.signing import Signer
from seedpipe.errors import UsageError

HOST: Final = "127.0.0.1"
_BACKLOG: Final = 2048
_GRACE: Final = 1  # seconds for connections that are still open at the end
_SWEEP_SECONDS: Final = 600.0


def run(settings: Settings, on_ready: Callable[[str], None] = lambda _origin: None) -> tuple[int, int]:
    """Serve until SIGTERM, SIGINT or (if asked) the end of standard input. Returns after an orderly stop.

    `on_ready` is called once with `http://127.0.0.1:PORT` when connections are accepted. What comes back is how many
    requests came in this time, and how many pictures would have been billed.

    Raises `UsageError` for a taken port, an unreadable scenario, an unknown `endpoint_model` or `provider`.
    """
    faults = _faults(settings.scenario)
    with contextlib.ExitStack() as stack:
        state = settings.state
        if state is None:
            state = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="seedpipe-emulator-")))
        ledger = _open(state)
        before = ledger.totals()
        stack.callback(ledger.close)
        listener = stack.enter_context(_bind(settings.port, ledger.last_port))
        ledger.remember_port(listener.getsockname()[1])
        catalogue = load_catalogue([(str(path), _read(path, "catalogue")) for path in settings.catalogue])
        emulator = Emulator(
            settings=settings,
            dialects=make_dialects(
                catalogue,
                endpoint_model=settings.endpoint_model,
                strict=settings.strict,
                first=settings.provider,
            ),
            ledger=ledger,
            workshop=Workshop(
                ledger,
                scale=settings.latency,
                workers=settings.workers or _processors(),
                seed=settings.seed,
                plain=settings.plain,
            ),
            signer=Signer(secret=ledger.secret),
            limit=MinuteLimit(per_minute=settings.ipm, minute=settings.minute),
            book=faults,
        )
        asyncio.run(_serve(emulator, listener, on_ready))
        after = ledger.totals()
        return after[0] - before[0], after[1] - before[1]


class _Server(uvicorn.Server):
    """uvicorn's server with our ways of starting and stopping: signals end it quietly, jobs are given up first."""

    def __init__(self, emulator: Emulator, on_ready: Callable[[str], None]) -> None:
        super().__init__(
            uvicorn.Config(
                make_app(emulator),
                http=CuttableProtocol,
                ws="none",
                lifespan="off",
                log_level="error",
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=_GRACE,
                timeout_keep_alive=30,
                backlog=_BACKLOG,
            )
        )
        self._emulator = emulator
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        settings = self._emulator.settings
        port = sockets[0].getsockname()[1] if sockets else settings.port
        if settings.port_file is not None:
            _write_atomically(settings.port_file, f"{port}")
        self._on_ready(f"http://{HOST}:{port}")
        if settings.exit_with_stdin:
            threading.Thread(target=self._watch_stdin, name="stdin", daemon=True).start()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._emulator.stopping.set()
        await self._emulator.workshop.stop()
        await super().shutdown(sockets=sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """As uvicorn's own, without raising the signal again after the end."""
        before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _watch_stdin(self) -> None:
        with contextlib.suppress(OSError):
            while os.read(sys.stdin.fileno(), 4096):
                pass
        self.should_exit = True


async def _serve(emulator: Emulator, listener: socket.socket, on_ready: Callable[[str], None]) -> None:
    sweeper = asyncio.create_task(_sweep(emulator))
    try:
        await _Server(emulator, on_ready).serve(sockets=[listener])
    finally:
        sweeper.cancel()


async def _sweep(emulator: Emulator) -> None:
    """Delete pictures whose addresses have lived out their time."""
    while True:
        life = emulator.settings.url_life
        await asyncio.to_thread(emulator.ledger.sweep_older_than, life)
        await asyncio.sleep(min(_SWEEP_SECONDS, max(1.0, life / 10)))


def _bind(port: int, last: int) -> socket.socket:
    """A listening socket on loopback. Port 0 is the last one used with this state if it is free, else any."""
    for candidate in (port,) if port or not last else (last, 0):
        # asyncio sets TCP_NODELAY only where the protocol is named; without it each answer waits 40 ms for an ACK.
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, candidate))
        except OSError as error:
            listener.close()
            if port:
                raise UsageError(
                    f"port {port} of {HOST} can't be used: {(error.strerror or str(error)).lower()}",
                    hint="`--port 0` takes any free one",
                ) from error
            continue
        return listener
    raise UsageError(f"no port of {HOST} is free", hint="end servers that you don't need, then start it again")


def _faults(path: Path | None) -> FaultBook:
    if path is None:
        return FaultBook()
    return FaultBook(read_scenario(str(path), _read(path, "scenario")))


def _open(state: Path) -> Ledger:
    try:
        return Ledger(state)
    except (OSError, sqlite3.DatabaseError) as error:
        raise UsageError(
            f"the state `{state}` can't be used: {_reason(error)}", hint="name another folder with `--state`"
        ) from error


def _read(path: Path, what: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(
            f"the {what} `{path}` can't be read: {_reason(error)}", hint=f"name a file with `--{what}`"
        ) from error


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error).lower()


def _processors() -> int:
    return max(1, min(4, os.cpu_count() or 1))


def _write_atomically(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.{os.getpid()}")
        temporary.write_text(text, encoding="ascii")
        temporary.replace(path)
    except OSError as error:
        raise UsageError(
            f"the port file `{path}` can't be written: {_reason(error)}",
            hint="name a file in a folder where you may write: `--port-file FILE`",
        ) from error
