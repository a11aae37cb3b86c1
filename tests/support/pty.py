"""A command in a terminal of its own, as a person has one: what they type, what they see, and that they close it."""

import contextlib
import fcntl
import os
import re
import select
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

CTRL_C = b"\x03"
_CONTROLS = re.compile(r"\x1b\[[?0-9;]*[A-Za-z]")


@dataclass
class Typed:
    """`screen` is everything that came, controls included."""

    process: subprocess.Popen[bytes]
    master: int
    screen: str = ""

    @property
    def text(self) -> str:
        """Without controls."""
        return _CONTROLS.sub("", self.screen)

    def type(self, keys: bytes) -> None:
        os.write(self.master, keys)

    def read(self, seconds: float = 0.05) -> bool:
        """What comes within `seconds`; False once nobody is there any more."""
        if not select.select([self.master], [], [], seconds)[0]:
            return True
        try:
            data = os.read(self.master, 65536)
        except OSError:
            return False
        self.screen += data.decode("utf-8", "replace")
        return bool(data)

    def wait_for(self, words: str, seconds: float = 30) -> None:
        until = time.monotonic() + seconds
        while words not in self.text:
            assert self.read() and time.monotonic() < until, self.text

    def wait(self, seconds: float = 60) -> int:
        """Its exit code; what it says meanwhile is read."""
        until = time.monotonic() + seconds
        while self.process.poll() is None:
            assert time.monotonic() < until, self.text
            self.read()
        while self.read(0):
            if not select.select([self.master], [], [], 0)[0]:
                break
        return self.process.returncode

    def hang_up(self) -> None:
        """The window is closed."""
        os.close(self.master)
        self.master = -1


@contextmanager
def terminal(arguments: Sequence[str], folder: Path, environ: Mapping[str, str]) -> Iterator[Typed]:
    """`seedpipe ARGUMENTS` with a terminal of 80 columns as its controlling one."""
    master, slave = os.openpty()
    termios.tcsetwinsize(slave, (24, 80))
    process = subprocess.Popen(
        [sys.executable, "-m", "seedpipe", *arguments],
        cwd=folder,
        env={**environ, "TERM": "xterm-256color"},
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )
    os.close(slave)
    typed = Typed(process, master)
    try:
        yield typed
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        if typed.master >= 0:
            with contextlib.suppress(OSError):
                os.close(typed.master)
