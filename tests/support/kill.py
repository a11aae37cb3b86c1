"""SIGKILL at a named step of a real command: the product's own functions, wrapped from outside.

`arm` is called in the process that is to die, before its `main`. Each step writes a line to a log first, and what the
journal has confirmed stands there too: a line written before the kill is in the file after it.
"""

import contextlib
import functools
import importlib
import inspect
import itertools
import os
import signal
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

# What a build does with money and pictures, in the order in which it first happens.
STEPS: Final[Mapping[str, str]] = {
    "recover": "seedpipe.state.journal:Journal.recover",
    "run": "seedpipe.state.journal:Journal.begin_run",
    "intended": "seedpipe.state.journal:Journal.intend",
    "sent": "seedpipe.state.journal:Journal.sent",
    "post": "seedpipe.service.client:ServiceClient.generate_frames",
    "chunk": "httpx:Response.aiter_raw",
    "answer": "seedpipe.service.stream:StreamReader.feed",
    "located": "seedpipe.state.journal:Journal.located_all",
    "download": "seedpipe.service.download:Downloader.download",
    "store": "seedpipe.state.store:Store.keep_file",
    "moved-in": "seedpipe.state.store:Store._move_in",
    "kept": "seedpipe.state.journal:Journal.kept",
    "index": "seedpipe.state.takes:Takes.record",
    "document": "seedpipe.state.takes:Takes.record_document",
    "refused-item": "seedpipe.state.journal:Journal.item_refused",
    "complete": "seedpipe.state.journal:Journal.answer_complete",
    "settled": "seedpipe.state.journal:Journal.conclude",
    "unknown": "seedpipe.state.journal:Journal.unknown",
    "refused": "seedpipe.state.journal:Journal.refused",
    "released": "seedpipe.state.journal:Journal.released",
    "output": "seedpipe.state.outputs:Outputs.place",
    "lock": "seedpipe.state.lockfile:LockWriter._write",
    "outputs": "seedpipe.state.outputs:Outputs.save",
    "transaction": "seedpipe.state.writer:Writer._commit",
    "commit": "",  # inside SQLite: before it, a transaction is written and not committed
    "fsync": "os:fsync",
    "rename": "os:replace",
    "unlink": "os:unlink",
}


@dataclass(frozen=True, kw_only=True)
class Kill:
    """Die before (or after) the `nth` time that `step` is done; with `seconds`, so long after that."""

    step: str
    nth: int = 1
    after: bool = False
    seconds: float = 0.0

    def __str__(self) -> str:
        late = f" {self.seconds:g} s" if self.seconds else ""
        return f"{'after' if self.after else 'before'} {self.step} {self.nth}{late}"

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


class _Armed:
    """What the process that dies knows of it."""

    def __init__(self, kill: Kill | None, log: Path) -> None:
        self._kill = kill
        self._log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._turns = {step: itertools.count(1) for step in STEPS}

    def say(self, line: str) -> None:
        os.write(self._log, f"{line}\n".encode())

    def begin(self, step: str) -> int:
        turn = next(self._turns[step])
        self.say(f"step {step}")
        self._die_at(step, turn, after=False)
        return turn

    def end(self, step: str, turn: int, arguments: tuple[Any, ...]) -> None:
        if step == "located":
            for item in arguments[2]:
                self.say(f"located {item.url}")
        elif step == "kept":
            self.say(f"kept {arguments[3].digest.hex}")
        self._die_at(step, turn, after=True)

    def _die_at(self, step: str, turn: int, *, after: bool) -> None:
        kill = self._kill
        if kill is None or (step, turn, after) != (kill.step, kill.nth, kill.after):
            return
        if not kill.seconds:
            os.kill(os.getpid(), signal.SIGKILL)
        _kill_later(kill.seconds)


def _kill_later(seconds: float) -> None:
    """From outside, at whatever this process is doing then; it holds none of its files, so no lock outlives it."""
    process = os.pidfd_open(os.getpid())
    if os.fork() == 0:
        os.dup2(process, 0)
        os.closerange(1, 4096)
        time.sleep(seconds)
        with contextlib.suppress(ProcessLookupError):  # it was done before
            signal.pidfd_send_signal(0, signal.SIGKILL)
        os._exit(0)
    os.close(process)


def arm(kill: Mapping[str, Any] | None, log: str) -> None:
    """From now on this process writes what it does to `log`, and dies where `kill` says."""
    armed = _Armed(Kill(**kill) if kill else None, Path(log))
    for step, place in STEPS.items():
        if not place:
            continue
        module, _, path = place.partition(":")
        owner: Any = importlib.import_module(module)
        *outer, name = path.split(".")
        for part in outer:
            owner = getattr(owner, part)
        setattr(owner, name, _wrapped(armed, step, getattr(owner, name)))
    _watch_commits(armed)


def _wrapped(armed: _Armed, step: str, function: Callable[..., Any]) -> Callable[..., Any]:
    if inspect.isasyncgenfunction(function):

        @functools.wraps(function)
        async def items(*arguments: Any, **named: Any) -> AsyncIterator[Any]:
            turn = armed.begin(step) if step == "post" else 0
            async for item in function(*arguments, **named):
                turn = turn or armed.begin(step)  # of a body: each chunk is a step
                yield item
                if step != "post":
                    armed.end(step, turn, arguments)
                    turn = 0

        return items
    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def awaited(*arguments: Any, **named: Any) -> Any:
            turn = armed.begin(step)
            result = await function(*arguments, **named)
            armed.end(step, turn, arguments)
            return result

        return awaited

    @functools.wraps(function)
    def called(*arguments: Any, **named: Any) -> Any:
        turn = armed.begin(step)
        result = function(*arguments, **named)
        armed.end(step, turn, arguments)
        return result

    return called


def _watch_commits(armed: _Armed) -> None:
    """SQLite says each statement of the journal's connection just before it is carried out."""
    journal: Any = importlib.import_module("seedpipe.state.journal")
    connect = journal.connect

    def connected(path: Path) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(path)
        connection.set_trace_callback(lambda sql: armed.begin("commit") if sql == "COMMIT" else None)
        return connection

    journal.connect = connected


def steps_in(log: Path) -> dict[str, int]:
    """How often each step was begun."""
    counts: dict[str, int] = {}
    for word, rest in _lines(log):
        if word == "step":
            counts[rest] = counts.get(rest, 0) + 1
    return counts


def confirmed_in(log: Path) -> tuple[set[str], set[str]]:
    """What the journal had confirmed: addresses of pictures, and digests of kept ones."""
    lines = list(_lines(log))
    return {rest for word, rest in lines if word == "located"}, {rest for word, rest in lines if word == "kept"}


def _lines(log: Path) -> Iterator[tuple[str, str]]:
    for line in log.read_text(encoding="utf-8").splitlines() if log.exists() else ():
        word, _, rest = line.partition(" ")
        yield word, rest
