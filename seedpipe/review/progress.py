"""Listeners of a build: a screen that lives, lines for logs, JSON lines for machines.

Each is called with every event and closed at the end (`with progress:`). A display never breaks a build: when its
stream is gone it falls silent.
"""

import json
import threading
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Final, Self, TextIO

from seedpipe.display import PLAIN, Style, shown, wrap
from seedpipe.events import (
    BuildFinished,
    BuildStarted,
    BuildStopping,
    Event,
    NodeDone,
    NodeFailed,
    Notice,
    Recovered,
)
from seedpipe.limits import EVENTS_FORMAT
from seedpipe.review.board import Board, Made
from seedpipe.review.build_lines import (
    INTERRUPTED,
    address_width,
    done_facts,
    done_line,
    failure_line,
    failure_lines,
    frame_lines,
    summary_lines,
)
from seedpipe.review.screen import Screen
from seedpipe.review.words import UP_TO_DATE

REDRAW_SECONDS: Final = 0.1


class Progress:
    """What all listeners share; `with` closes them."""

    def __call__(self, event: Event) -> None:
        raise NotImplementedError

    def close(self) -> None:
        """Called once more than needed does no harm."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class PlainProgress(Progress):
    """One line for each node that ended, then the last word: for pipes, logs and CI. With `quiet` only failures."""

    def __init__(
        self,
        stream: TextIO,
        *,
        outputs: str,
        quiet: bool = False,
        verbose: int = 0,
        width: int = 80,
        rest: str = UP_TO_DATE,
        flags: Sequence[str] = (),
    ) -> None:
        self._stream, self._outputs, self._rest, self._flags = stream, outputs, rest, flags
        self._quiet, self._verbose, self._width = quiet, verbose, width
        self._board = Board()

    def __call__(self, event: Event) -> None:
        made = self._board.take(event)
        match event:
            case NodeDone() if made is not None and not self._quiet:
                if event.how != "cached" or self._verbose:
                    where = f" → {shown(event.output)}" if event.output is not None else ""
                    self._say(f"{self._counter()} ✓ {event.address}  {done_facts(event, made)}{where}")
            case NodeFailed():
                if not self._quiet:
                    counter = f"{self._counter()} " if self._board.counts(event.address) else ""
                    self._say(counter + failure_line(event))
                elif event.outcome != "skipped":
                    self._say(failure_line(event))
            case BuildFinished():
                self._finish()
            case _:
                self._aside(event)

    def _aside(self, event: Event) -> None:
        if self._quiet:
            return
        match event:
            case Recovered():
                self._say(shown(event.sentence))
            case Notice():
                self._say(_notice(event))
            case BuildStopping():
                again = "; Ctrl-C again aborts" if event.why == INTERRUPTED and event.in_flight else ""
                self._say(f"stopping: {shown(event.why)}; {event.in_flight} in flight are awaited{again}")

    def _finish(self) -> None:
        lines = summary_lines(self._board, self._outputs, self._width, PLAIN, rest=self._rest, flags=self._flags)
        for line in lines[:1] if self._quiet else lines:
            self._say(line.removeprefix("  "))

    def _counter(self) -> str:
        total = f"{self._board.total}"
        return f"[{self._board.done:>{len(total)}}/{total}]"

    def _say(self, line: str) -> None:
        try:
            self._stream.write(line + "\n")
            self._stream.flush()
        except UnicodeEncodeError:
            self._stream.write(line.encode("ascii", "backslashreplace").decode() + "\n")
        except (OSError, ValueError):  # nobody reads any more: the build goes on
            self._quiet = True


def _notice(event: Notice) -> str:
    return f"note: {event.address + ': ' if event.address else ''}{shown(event.message)}"


class LiveProgress(Progress):
    """What is under way, redrawn at most ten times a second below the lines of what has ended.

    `size` gives the terminal's columns and rows; `clock` is the monotonic clock that event times come from.
    """

    def __init__(
        self,
        stream: TextIO,
        *,
        size: Callable[[], tuple[int, int]],
        style: Style,
        outputs: str,
        verbose: int = 0,
        clock: Callable[[], float] = time.monotonic,
        rest: str = UP_TO_DATE,
        flags: Sequence[str] = (),
    ) -> None:
        self._screen, self._style, self._outputs = Screen(stream, size), style, outputs
        self._verbose, self._clock, self._rest, self._flags = verbose, clock, rest, flags
        self._board = Board()
        self._lock = threading.Lock()
        self._lasting: list[str] = []
        self._began = clock()
        self._wide = 0
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._dead = False

    def __call__(self, event: Event) -> None:
        with self._lock:
            made = self._board.take(event)
            self._lasting += self._lines(event, made)
            if isinstance(event, BuildStarted):
                self._began = self._clock() - event.at
        if isinstance(event, BuildStarted) and self._thread is None:
            self._thread = threading.Thread(target=self._tick, name="progress", daemon=True)
            self._thread.start()
        elif isinstance(event, BuildFinished):
            self.close()

    def close(self) -> None:
        """The last lines are drawn, the frame is taken away."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        self._draw(last=True)

    def _tick(self) -> None:
        while not self._stop.wait(REDRAW_SECONDS):
            self._draw()

    def _draw(self, *, last: bool = False) -> None:
        with self._lock:
            if self._dead:
                return
            columns, rows = self._screen.size
            frame = frame_lines(self._board, self._clock() - self._began, columns - 1, rows - 1, self._style)
            lasting, self._lasting = self._lasting, []
            try:
                self._screen.draw(lasting, [] if last else frame)
            except (OSError, ValueError):  # the terminal is gone: the build goes on
                self._dead = True

    def _lines(self, event: Event, made: Made | None) -> list[str]:
        width = max(self._screen.size[0], 40)
        match event:
            case BuildStarted():
                self._wide = address_width(event.todo, width)
                return [""] if event.todo else []
            case NodeDone() if made is not None:
                if event.how == "cached" and not self._verbose:
                    return []
                return [done_line(event, made, self._wide, width, self._style)]
            case NodeFailed():
                return failure_lines(event, width, self._style)
            case Recovered():
                return wrap(shown(event.sentence), width)
            case Notice():
                return [self._style.yellow(line) for line in wrap(_notice(event), width)]
            case BuildFinished():
                return [
                    "",
                    *summary_lines(self._board, self._outputs, width, self._style, rest=self._rest, flags=self._flags),
                ]
        return []


class JsonLines(Progress):
    """Every event as one line of JSON on `stream`, written at once. The first says the format's number.

    A file that can't be written doesn't stop the build: `trouble` then says what was wrong.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._first = True
        self.trouble: str | None = None

    def __call__(self, event: Event) -> None:
        if self.trouble is not None:
            return
        document = event.to_dict()
        if self._first:
            document = {"seedpipe_events": EVENTS_FORMAT, **document}
            self._first = False
        try:
            self._stream.write(json.dumps(document) + "\n")
            self._stream.flush()
        except (OSError, ValueError) as error:
            self.trouble = f"the events could not be written: {error}"
