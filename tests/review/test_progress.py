"""What a person, a log and a machine see of a build."""

import io
import json
import os
import pty
import threading
import time
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedpipe.display import COLORED, PLAIN, Style, display_width, without_colors
from seedpipe.events import (
    BuildFinished,
    BuildStarted,
    BuildStopping,
    Event,
    NodeDone,
    NodeFailed,
    NodeStarted,
    NodeWaiting,
    Notice,
    Recovered,
    RequestSent,
    TakeKept,
)
from seedpipe.names import Digest
from seedpipe.review.board import Board
from seedpipe.review.build_lines import done_line, failure_line, frame_lines, summary_lines
from seedpipe.review.progress import JsonLines, LiveProgress, PlainProgress, Progress
from seedpipe.review.screen import Screen
from tests.review.goldens import check
from tests.review.plans import PRICE, usd
from tests.review.terminal import Terminal

PICTURE = Digest.of(b"a picture")


def started(*todo: str, buys: int = 4, realm: str = "live", seconds: float = 40.0) -> BuildStarted:
    return BuildStarted(
        at=0.0,
        project="lumen",
        realm=realm,
        todo=todo,
        buys=buys,
        expected=PRICE * buys,
        high=PRICE * buys,
        cap=usd("5"),
        seconds=seconds,
    )


def bought(address: str, begin: float, end: float, *, cost: str = "0.04", takes: int = 1) -> list[Event]:
    events: list[Event] = [
        NodeStarted(at=begin, address=address, work="request"),
        RequestSent(at=begin, address=address, take=1, client_request_id="c"),
    ]
    kept = TakeKept(
        at=end,
        address=address,
        digest=PICTURE,
        width=2848,
        height=1600,
        cost=usd(cost),
        request_id="0217",
        seconds=end - begin,
    )
    events += [kept] * takes
    events.append(NodeDone(at=end, address=address, how="made", digest=PICTURE, output=f"build/{address}.jpg"))
    return events


def refused(address: str, at: float, outcome: str = "blocked") -> NodeFailed:
    return NodeFailed(
        at=at,
        address=address,
        outcome=outcome,
        code="OutputImageSensitiveContentDetected",
        message="The request failed because the output image may contain sensitive information.\x1b[2J",
        request_id="021763912345",
    )


TODO = ("hero", "scene/LUM-01/16:9", "scene/LUM-02/16:9", "夜明け/工房", "banner/LUM-01/en", "banner/LUM-02/en")


def a_build() -> list[Event]:
    """Everything that can happen: bought, refused, free, skipped, noticed, waiting, unknown."""
    events: list[Event] = [started(*TODO)]
    events.append(Recovered(at=0.1, sentence="a build that was killed had received 1 picture; it is used"))
    events += bought("hero", 0.5, 14.5)
    events += bought("scene/LUM-01/16:9", 15, 27.2, takes=2)
    events.append(NodeStarted(at=15, address="scene/LUM-02/16:9", work="request"))
    events.append(NodeWaiting(at=15, address="scene/LUM-02/16:9", why="rate", seconds=3))
    events.append(RequestSent(at=18, address="scene/LUM-02/16:9", take=1, client_request_id="d"))
    events.append(refused("scene/LUM-02/16:9", 30))
    events.append(Notice(at=31, address="hero", message="is 2848x1600, 2848x1602 was asked for"))
    events.append(
        NodeFailed(
            at=32,
            address="夜明け/工房",
            outcome="unknown",
            code="timeout",
            message="no answer for 340 s",
            hint="look it up at the provider",
        )
    )
    events.append(NodeStarted(at=33, address="banner/LUM-01/en", work="steps"))
    events.append(
        NodeDone(
            at=33.2,
            address="banner/LUM-01/en",
            how="derived",
            digest=PICTURE,
            output="build/banner/LUM-01/en.jpg",
        )
    )
    events.append(
        NodeFailed(
            at=34,
            address="banner/LUM-02/en",
            outcome="skipped",
            code="upstream",
            message="scene/LUM-02/16:9 did not come",
        )
    )
    events.append(
        BuildFinished(
            at=41,
            counts=(("made", 2),),
            bought=3,
            spent=PRICE * 3,
            uncertain=PRICE,
            seconds=41,
            exit_code=75,
        )
    )
    return events


@pytest.mark.parametrize("mode", ["lines", "quiet"])
def test_lines_for_logs(mode: str) -> None:
    stream = io.StringIO()
    with PlainProgress(stream, outputs="build/", quiet=mode == "quiet") as progress:
        for event in a_build():
            progress(event)
    assert "\r" not in stream.getvalue()
    assert "\x1b" not in stream.getvalue()
    check(f"progress-{mode}.txt", stream.getvalue().rstrip("\n"))


def live(events: Sequence[Event], terminal: Terminal, style: Style = PLAIN, rows: int = 24) -> str:
    stream = io.StringIO()
    with LiveProgress(stream, size=lambda: (terminal.columns, rows), style=style, outputs="build/") as progress:
        for event in events:
            progress(event)
    terminal.feed(stream.getvalue())
    return terminal.text.rstrip("\n")


@pytest.mark.parametrize("width", [80, 120])
def test_what_stands_on_the_screen_at_the_end(width: int) -> None:
    text = live(a_build(), Terminal(width))
    check(f"progress-live-{width}.txt", text)
    assert live(a_build(), Terminal(width), COLORED) == text
    assert max(map(display_width, text.split("\n"))) <= width


def at_work() -> Board:
    board = Board()
    for event in [
        started(*TODO, *[f"x/{number}" for number in range(9)], buys=13),
        *bought("hero", 0, 10),
        refused("夜明け/工房", 11),
        NodeStarted(at=10, address="scene/LUM-01/16:9", work="request"),
        RequestSent(at=10, address="scene/LUM-01/16:9", take=1, client_request_id="c"),
        NodeStarted(at=10, address="scene/LUM-02/16:9", work="request"),
        NodeWaiting(at=10, address="scene/LUM-02/16:9", why="backoff"),
        NodeStarted(at=11, address="banner/LUM-01/en", work="steps"),
    ]:
        board.take(event)
    return board


@pytest.mark.parametrize("width", [79, 119, 40])
def test_frame(width: int) -> None:
    board = at_work()
    lines = frame_lines(board, 15.3, width, 20, PLAIN)
    check(f"frame-{width}.txt", "\n".join(lines))
    assert max(map(display_width, lines)) <= width
    assert [without_colors(line) for line in frame_lines(board, 15.3, width, 20, COLORED)] == lines


def test_frame_of_many_keeps_its_height() -> None:
    board = at_work()
    for number in range(30):
        board.take(NodeStarted(at=12, address=f"x/{number}", work="request"))
    assert len(frame_lines(board, 20, 79, 24, PLAIN)) == 10
    assert "and 26 more" in "\n".join(frame_lines(board, 20, 79, 24, PLAIN))
    for height in range(1, 12):
        assert len(frame_lines(board, 20, 79, height, PLAIN)) <= height
        assert "2/36" not in frame_lines(board, 20, 79, height, PLAIN)[-1]
        assert "2/15" in frame_lines(board, 20, 79, height, PLAIN)[-1]


def test_stopping_says_that_what_is_paid_is_awaited() -> None:
    board = at_work()
    board.take(BuildStopping(at=12, why="interrupted", in_flight=1))
    lines = frame_lines(board, 15, 79, 20, PLAIN)
    assert lines[-2] == "stopping: interrupted · 1 picture under way: paid, so awaited; Ctrl-C aborts"
    assert "left" not in lines[-1]


def test_what_was_begun_and_not_sent_waits_for_its_turn_and_begins_no_more_after_a_stop() -> None:
    board = at_work()
    board.take(NodeStarted(at=12, address="late", work="request"))
    (line,) = [line for line in frame_lines(board, 15, 79, 20, PLAIN) if "late" in line]
    assert line.startswith("·") and line.endswith("waits for its turn")
    board.take(BuildStopping(at=12, why="asked to end", in_flight=1))
    assert not [line for line in frame_lines(board, 15, 79, 20, PLAIN) if "late" in line]


def test_what_waits_for_a_person_is_told_and_is_no_step_of_the_way() -> None:
    stream = io.StringIO()
    with PlainProgress(stream, outputs="build") as progress:
        progress(started("hero", "poster"))
        waits = NodeFailed(at=0, address="scene", outcome="unknown", code="charge-uncertain", message="sent, no answer")
        progress(waits)
        progress(NodeDone(at=1, address="hero", how="derived", digest=PICTURE, output="build/hero.jpg"))
    assert stream.getvalue().splitlines() == [
        "? scene  unknown: sent, no answer",
        "[1/2] ✓ hero  made here → build/hero.jpg",
    ]


def test_a_proof_counts_no_money() -> None:
    board = Board()
    board.take(started("hero", realm="proof", buys=1))
    assert "left" not in frame_lines(board, 0.1, 79, 20, PLAIN)[-1]  # the forecast is of the live service
    events = bought("hero", 0, 2, cost="0.04")
    made = [(event, board.take(event)) for event in events][-1]
    assert "1/1 · proof, nothing is billed" in frame_lines(board, 3, 79, 20, PLAIN)[-1]
    assert isinstance(made[0], NodeDone) and made[1] is not None
    assert done_line(made[0], made[1], 4, 80, PLAIN) == "✓ hero  2848x1600  2 s          → build/hero.jpg"
    zero = usd("0")
    board.take(BuildFinished(at=3, counts=(), bought=1, spent=zero, uncertain=zero, seconds=3, exit_code=0))
    assert summary_lines(board, "build/@proof/", 80, PLAIN) == [
        "  drew 1 proof   nothing was billed   in 3 s",
        "  pictures are in build/@proof/",
    ]


def test_nothing_to_do_is_a_happy_line() -> None:
    zero = usd("0")
    events = [
        started(buys=0, seconds=0),
        BuildFinished(at=0.1, counts=(), bought=0, spent=zero, uncertain=zero, seconds=0.1, exit_code=0),
    ]
    stream = io.StringIO()
    progress = PlainProgress(stream, outputs="build/")
    for event in events:
        progress(event)
    assert stream.getvalue() == "everything is up to date · nothing was sent\n"


def test_our_own_codes_are_not_shown_and_few_are_named() -> None:
    board = at_work()
    edited = [
        NodeFailed(at=12, address=f"x/{name}", outcome="edited", code="output-edited", message="is not ours")
        for name in ("a", "b")
    ]
    for event in edited:
        board.take(event)
        assert failure_line(event) == f"✗ {event.address}  edited: is not ours"
    zero = usd("0")
    board.take(BuildFinished(at=16, counts=(), bought=1, spent=PRICE, uncertain=zero, seconds=16, exit_code=1))
    assert "  2 edited  x/a, x/b" in summary_lines(board, "build/", 80, PLAIN)


def test_an_interrupted_build_says_what_was_not_begun() -> None:
    board = at_work()
    zero = usd("0")
    board.take(BuildFinished(at=16, counts=(), bought=1, spent=PRICE, uncertain=zero, seconds=16, exit_code=130))
    text = "\n".join(summary_lines(board, "build/", 80, PLAIN))
    assert "13 pictures not begun; the next build takes them up" in text


def makespan(jobs: int, pictures: int, seconds: Callable[[int], float]) -> list[tuple[float, float]]:
    """Begin and end of each picture when `jobs` are made at a time."""
    free = [0.0] * jobs
    spans = []
    for number in range(pictures):
        begin = min(free)
        free[free.index(begin)] = begin + seconds(number)
        spans.append((begin, begin + seconds(number)))
    return spans


@pytest.mark.parametrize("forecast", [30.0, 100.0, 300.0])
def test_time_left_comes_near_the_truth(forecast: float) -> None:
    """Sixty pictures, six at a time, ten seconds each: whatever was forecast, what is measured takes over."""
    spans = makespan(6, 60, lambda number: 8 + number % 5)
    end = max(stop for _, stop in spans)
    events = sorted(
        (event for number, span in enumerate(spans) for event in bought(f"x/{number}", *span)),
        key=lambda event: event.at,
    )
    board = Board()
    board.take(started(*[f"x/{number}" for number in range(60)], buys=60, seconds=forecast))
    assert board.seconds_left(0.0) == pytest.approx(forecast)
    for event in events:
        board.take(event)
        left = board.seconds_left(event.at)
        assert left is not None and left >= 0
        if event.at > end / 2:
            assert left == pytest.approx(end - event.at, abs=0.2 * end)


@given(st.floats(0, 1e6), st.floats(0, 1e4))
def test_time_left_is_never_negative(now: float, forecast: float) -> None:
    board = Board()
    board.take(started(*TODO, seconds=forecast))
    left = board.seconds_left(now)
    assert left is None or left >= 0


def test_json_lines() -> None:
    stream = io.StringIO()
    with JsonLines(stream) as progress:
        for event in a_build():
            progress(event)
    documents = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert len(documents) == len(a_build())
    assert documents[0]["seedpipe_events"] == 1
    assert documents[0]["event"] == "build_started"
    assert documents[-1]["event"] == "build_finished"
    assert next(one for one in documents if one["event"] == "take_kept")["cost"] == "0.04 USD"
    assert stream.getvalue().isascii()


class Gone(io.StringIO):
    """A terminal that was closed, a pipe without a reader, a full disk."""

    def write(self, text: str) -> int:
        raise BrokenPipeError(32, f"Broken pipe: {text}")


@pytest.mark.parametrize(
    "make",
    [
        lambda: PlainProgress(Gone(), outputs="build/"),
        lambda: LiveProgress(Gone(), size=lambda: (80, 24), style=PLAIN, outputs="build/"),
        lambda: JsonLines(Gone()),
    ],
)
def test_a_build_goes_on_when_nobody_looks(make: Callable[[], Progress]) -> None:
    with make() as progress:
        for event in a_build():
            progress(event)
    if isinstance(progress, JsonLines):
        assert progress.trouble is not None


@given(
    st.lists(
        st.tuples(
            st.lists(st.text("ab真", max_size=30), max_size=2), st.lists(st.text("xy鍮", max_size=19), max_size=5)
        ),
        max_size=6,
    )
)
def test_the_frame_leaves_nothing_behind(draws: list[tuple[list[str], list[str]]]) -> None:
    stream, terminal = io.StringIO(), Terminal(40)
    screen = Screen(stream, lambda: (40, 24))
    for lasting, frame in draws:
        screen.draw(lasting, frame)
    screen.draw(["end"], [])
    terminal.feed(stream.getvalue())
    expected = [line for lasting, _ in draws for line in lasting] + ["end"]
    shown = terminal.text.rstrip("\n").split("\n")
    assert shown == [part for line in expected for part in broken(line, 40)]


@given(
    st.lists(
        st.tuples(st.integers(12, 60), st.lists(st.text("ab", max_size=60), max_size=2), st.integers(0, 5)),
        min_size=1,
        max_size=6,
    )
)
def test_the_frame_leaves_nothing_behind_in_a_window_that_is_resized(draws: list[tuple[int, list[str], int]]) -> None:
    stream, terminal = io.StringIO(), Terminal(40)
    screen = Screen(stream, lambda: (terminal.columns, 24))
    for columns, lasting, height in draws:
        terminal.resize(columns)
        screen.draw(lasting, ["x" * columns] * height)
        terminal.feed(stream.getvalue())
        stream.seek(0)
        stream.truncate()
    screen.draw(["end"], [])
    terminal.feed(stream.getvalue())
    expected = [line for _, lasting, _ in draws for line in lasting] + ["end"]
    assert "x" not in terminal.text
    assert "".join(terminal.text.split()) == "".join(expected)


def broken(line: str, columns: int) -> list[str]:
    terminal = Terminal(columns)
    terminal.feed(line)
    return terminal.text.split("\n")


def test_on_a_real_pseudo_terminal_redraws_are_few() -> None:
    master, slave = pty.openpty()
    received: list[bytes] = []

    def read() -> None:
        while True:
            try:
                data = os.read(master, 65536)
            except OSError:
                return
            if not data:
                return
            received.append(data)

    reader = threading.Thread(target=read)
    reader.start()
    begin = time.monotonic()
    stream = os.fdopen(slave, "w", encoding="utf-8")
    with stream, LiveProgress(stream, size=lambda: (80, 24), style=COLORED, outputs="build/") as progress:
        progress(started(*[f"x/{number}" for number in range(2000)], buys=2000))
        for number in range(2000):
            for event in bought(f"x/{number}", 0, 1):
                progress(event)
        time.sleep(0.35)
        progress(
            BuildFinished(
                at=1,
                counts=(),
                bought=2000,
                spent=PRICE * 2000,
                uncertain=usd("0"),
                seconds=1,
                exit_code=0,
            )
        )
    seconds = time.monotonic() - begin
    reader.join()
    os.close(master)
    text = b"".join(received).decode()
    assert text.count("\x1b[?2026h") <= seconds * 10 + 2
    assert "\x1b[?25l" not in text  # a killed build leaves the cursor visible
    terminal = Terminal(80)
    terminal.feed(text.replace("\r\n", "\n"))
    lines = terminal.text.rstrip("\n").split("\n")
    assert sum(line.startswith("✓ x/") for line in lines) == 2000
    assert lines[-2:] == ["  bought 2,000 pictures   80.00 USD charged   in 1 s", "  pictures are in build/"]
