"""Command lines without the time that Python takes to start: a process that has imported seedpipe, and read the shipped
catalogue, forks one for each.

Each command line still is a process of its own, with its own folder, environment and streams.
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
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from seedpipe.catalogue.catalogue import load_catalogue
from seedpipe.cli import VERBS, main
from tests.support.kill import arm

REPOSITORY = Path(__file__).parent.parent.parent
# What libraries import when they are first used.
LATE = ("anyio._backends._asyncio", "certifi", "httpcore", "PIL.JpegImagePlugin", "PIL.PngImagePlugin")
LONGEST_SECONDS = 100


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
    server = _server(threading.get_ident())
    assert server.stdin is not None
    assert server.stdout is not None
    with tempfile.TemporaryDirectory() as streams:
        out, err = Path(streams, "out"), Path(streams, "err")
        order = {"arguments": list(arguments), "folder": str(folder), "environ": dict(environ)}
        if log is not None:
            order |= {"kill": kill, "log": str(log)}
        command = f"`seedpipe {' '.join(arguments)}`"
        try:
            server.stdin.write(json.dumps({**order, "out": str(out), "err": str(err)}) + "\n")
            server.stdin.flush()
            ready, _, _ = select.select([server.stdout], [], [], LONGEST_SECONDS)
            code = int(server.stdout.readline()) if ready else None
        except (OSError, ValueError) as error:
            raise AssertionError(f"somebody has ended {command}, or what it was forked from: {error}") from error
        if code is None:  # its answer must not be taken for the next one's
            os.killpg(server.pid, signal.SIGKILL)
            _server.cache_clear()
            raise AssertionError(f"{command} takes longer than {LONGEST_SECONDS} s:\n{err.read_text()}")
        return code, out.read_text(encoding="utf-8"), err.read_text(encoding="utf-8")


@functools.cache
def _server(thread: int) -> subprocess.Popen[str]:
    """Of one thread: a server does one command line at a time."""
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.support.warm"],
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    atexit.register(server.communicate)
    return server


def _serve() -> None:
    """One command line after the other, until standard input ends."""
    for module in (*(f"seedpipe.commands.{verb}" for verb in VERBS), *LATE):
        with contextlib.suppress(Exception):  # whoever uses it will see what is wrong with it
            importlib.import_module(module)
    with contextlib.suppress(Exception):
        load_catalogue()
    for line in sys.stdin:
        order = json.loads(line)
        child = os.fork()
        if child == 0:
            _become(order)
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


def _become(order: Mapping[str, Any]) -> NoReturn:
    code = 1
    try:
        os.chdir(order["folder"])
        os.environ.clear()
        os.environ.update(order["environ"])
        writing = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        for descriptor, path, flags in (
            (0, os.devnull, os.O_RDONLY),
            (1, order["out"], writing),
            (2, order["err"], writing),
        ):
            os.dup2(os.open(path, flags), descriptor)
        if "log" in order:
            arm(order["kill"], order["log"])
        faulthandler.dump_traceback_later(LONGEST_SECONDS - 10, file=2)
        code = main(order["arguments"])
    except BaseException:  # as the interpreter itself would end
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    _serve()
