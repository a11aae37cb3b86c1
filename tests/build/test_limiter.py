"""The limiter: the decision, exact to the millisecond; on a file, with a clock turned by hand; and who waits for whom."""

import asyncio
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seedpipe.build.limiter import Limiter, SqliteBoard
from seedpipe.build.pace import MINUTE_MS, Grant, SlidingLog, Wait
from seedpipe.errors import StateError


class HandClock:
    """Seconds, turned by hand."""

    def __init__(self, now: float = 1_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def limiter_in(
    path: Path, *, limit: int, model: str = "m", window_ms: int = MINUTE_MS, clock: HandClock | None = None
) -> Limiter:
    board = SqliteBoard(path, clock=clock) if clock else SqliteBoard(path)
    return Limiter(board, model=model, limit=limit, window_ms=window_ms)


def give_back(limiter: Limiter, grant: Grant, refund: int) -> None:
    asyncio.run(limiter.end(grant, refund=refund))


# ------------------------------------------------------------------------------------------------------- the decision

STEPS = st.lists(
    st.tuples(st.sampled_from(["ask", "ask", "ask", "refund", "pause"]), st.integers(1, 7), st.integers(0, 40)),
    max_size=60,
)


def _most_in_any_window(grants: list[tuple[int, int]], window: int) -> int:
    """By brute force: the most images in any closed window that begins with a grant."""
    return max((sum(w for at, w in grants if start <= at <= start + window) for start, _ in grants), default=0)


@given(STEPS, st.integers(7, 20), st.integers(1, 100))
@settings(max_examples=300, deadline=None)
def test_never_more_than_the_limit_in_any_window(steps: list[tuple[str, int, int]], limit: int, window: int) -> None:
    log, now, granted, held_until, next_id = SlidingLog(limit, window), 0, {}, 0, 0
    for action, weight, pass_ms in steps:
        now += pass_ms
        log.advance(now)
        if action == "refund":
            for id_ in list(granted)[-1:]:
                log.refund(id_, weight)
                at, before = granted[id_]
                if now - at <= window:  # what has left the window can't be given back
                    granted[id_] = (at, max(0, before - weight))
        elif action == "pause":
            log.hold_until(now, now + weight)
            held_until = max(held_until, now + weight)
        elif (waiting := log.wait(weight, now)) == 0:
            assert now >= held_until
            next_id += 1
            log.grant(weight, now, next_id)
            granted[next_id] = (now, weight)
        else:
            _check_that_waiting_is_exact(log, weight, now, waiting)
    assert _most_in_any_window(list(granted.values()), window) <= limit


def _check_that_waiting_is_exact(log: SlidingLog, weight: int, now: int, waiting: int) -> None:
    """After that time it is granted, and a millisecond before it is not."""
    other = SlidingLog(log.limit, log.window_ms)
    other.grants, other.pause = dict(log.grants), log.pause
    other.advance(now + waiting - 1)
    assert other.wait(weight, now + waiting - 1) == 1
    other.advance(now + waiting)
    assert other.wait(weight, now + waiting) == 0


def test_what_never_fits_is_refused() -> None:
    log = SlidingLog(10)
    for weight in (0, -1, 11):
        with pytest.raises(ValueError, match="never fit"):
            log.wait(weight, 0)
    for limit, window in ((0, 1), (1, 0)):
        with pytest.raises(ValueError, match="at least 1"):
            SlidingLog(limit, window)


def test_a_clock_set_back_blocks_for_a_window_at_most() -> None:
    log = SlidingLog(10, 100)
    log.grant(10, 1_000_000, 1)
    log.hold_until(1_000_000, 1_000_050)
    log.advance(500)
    assert log.wait(10, 500) == 101
    assert log.pause == (500, 550)


# ---------------------------------------------------------------------------------------------------------- the file


@given(
    st.lists(st.tuples(st.integers(0, 1), st.integers(1, 5), st.integers(-3000, 30_000)), max_size=25),
    st.integers(5, 12),
)
@settings(max_examples=15, deadline=None)
def test_two_limiters_on_one_file_keep_one_limit(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, int, int]], limit: int
) -> None:
    path = tmp_path_factory.mktemp("pace") / "pace.sqlite"
    clock = HandClock()
    limiters = [limiter_in(path, limit=limit, clock=clock) for _ in range(2)]
    granted: list[tuple[int, int]] = []
    true_time = 0  # what passes really; the wall clock may be set back in between
    for who, weight, pass_ms in steps:
        clock.now += pass_ms / 1000
        true_time += max(pass_ms, 0)
        grant = limiters[who].try_acquire(weight)
        if isinstance(grant, Grant):
            granted.append((true_time, weight))
            give_back(limiters[who], grant, 0)
    assert _most_in_any_window(granted, 60_000) <= limit


def test_grants_survive_a_restart_and_models_are_apart(tmp_path: Path) -> None:
    path, clock = tmp_path / "pace.sqlite", HandClock()
    first = limiter_in(path, model="a", limit=10, clock=clock)
    assert isinstance(first.try_acquire(8), Grant)
    again = limiter_in(path, model="a", limit=10, clock=clock)
    assert again.try_acquire(3) == Wait(ms=60_001)
    assert isinstance(again.try_acquire(2), Grant)
    assert isinstance(limiter_in(path, model="b", limit=10, clock=clock).try_acquire(10), Grant)
    clock.now += 60.002
    assert isinstance(again.try_acquire(10), Grant)


def test_refunds(tmp_path: Path) -> None:
    limiter = limiter_in(tmp_path / "r", limit=15, clock=HandClock())
    grant = limiter.try_acquire(15)
    assert isinstance(grant, Grant)
    assert limiter.try_acquire(1) == Wait(ms=60_001)
    give_back(limiter, grant, 11)
    assert isinstance(limiter.try_acquire(11), Grant)
    assert limiter.try_acquire(1) == Wait(ms=60_001)
    give_back(limiter, grant, 15)
    give_back(limiter, grant, 15)
    assert isinstance(limiter.try_acquire(4), Grant)
    assert limiter.try_acquire(1) == Wait(ms=60_001)
    with pytest.raises(ValueError, match="nothing less"):
        give_back(limiter, grant, -1)


def test_a_pause_holds_for_all_and_only_grows(tmp_path: Path) -> None:
    clock = HandClock()
    one, other = (limiter_in(tmp_path / "r", limit=15, clock=clock) for _ in range(2))
    one.pause(10)
    one.pause(5)
    assert other.try_acquire(1) == Wait(ms=10_000)
    other.pause(20)
    assert one.try_acquire(1) == Wait(ms=20_000)
    clock.now += 20
    assert isinstance(one.try_acquire(1), Grant)
    clock.now -= 5
    one.pause(7)
    clock.now -= 3600
    assert other.try_acquire(1) == Wait(ms=7_000), "a clock set back does not make a pause longer"


def test_a_clock_set_back_by_an_hour_blocks_for_a_minute(tmp_path: Path) -> None:
    clock = HandClock()
    limiter = limiter_in(tmp_path / "r", limit=5, clock=clock)
    assert isinstance(limiter.try_acquire(5), Grant)
    clock.now -= 3600
    assert limiter.try_acquire(1) == Wait(ms=60_001)
    clock.now += 60.002
    assert isinstance(limiter.try_acquire(5), Grant)


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "r").write_bytes(b"garbage" * 100)
    with pytest.raises(StateError, match="rate window"):
        limiter_in(tmp_path / "r", limit=1)


# ------------------------------------------------------------------------------------------------------------ waiting


def test_waiting_is_first_come_first_served(tmp_path: Path) -> None:
    async def scenario() -> list[str]:
        limiter = limiter_in(tmp_path / "r", limit=15, window_ms=200)
        order: list[str] = []
        waits: list[float] = []

        async def ask(name: str, weight: int) -> None:
            grant = await limiter.acquire(weight, on_wait=waits.append)
            order.append(name)
            await limiter.end(grant)

        await ask("first", 15)
        heavy = asyncio.create_task(ask("heavy", 15))
        await asyncio.sleep(0.02)
        light = [asyncio.create_task(ask(f"light{number}", 1)) for number in range(5)]
        await asyncio.gather(heavy, *light)
        assert waits and 0 < waits[0] <= 0.201
        return order

    assert asyncio.run(scenario()) == ["first", "heavy", *(f"light{number}" for number in range(5))]


def test_who_is_cancelled_takes_nothing(tmp_path: Path) -> None:
    async def scenario() -> None:
        limiter = limiter_in(tmp_path / "r", limit=10, window_ms=60_000)
        for delay in (0.0, 0.0005, 0.001, 0.002, 0.005):
            task = asyncio.create_task(limiter.acquire(10))
            await asyncio.sleep(delay)
            task.cancel()
            try:
                grant = await task
            except asyncio.CancelledError:
                pass
            else:
                await limiter.end(grant, refund=10)
        assert isinstance(limiter.try_acquire(10), Grant)
        waiting = asyncio.create_task(limiter.acquire(1))
        await asyncio.sleep(0.02)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    asyncio.run(scenario())


def test_what_never_fits_is_said_at_once(tmp_path: Path) -> None:
    limiter = limiter_in(tmp_path / "r", limit=10)
    with pytest.raises(ValueError, match="never fit below 10"):
        asyncio.run(limiter.acquire(11))
