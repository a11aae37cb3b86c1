"""Times and limits, without a clock."""

from hypothesis import given
from hypothesis import strategies as st

from seedpipe.emulator.pace import MinuteLimit, seconds_for


def test_seconds() -> None:
    usual = seconds_for(base=15, pixels=2048 * 2048, fast=False, seed="a", scale=1)
    assert 12 <= usual <= 18
    assert usual == seconds_for(base=15, pixels=2048 * 2048, fast=False, seed="a", scale=1)
    assert usual != seconds_for(base=15, pixels=2048 * 2048, fast=False, seed="b", scale=1)
    assert seconds_for(base=15, pixels=4096 * 4096, fast=False, seed="a", scale=1) > 1.5 * usual
    assert seconds_for(base=15, pixels=2048 * 2048, fast=True, seed="a", scale=1) < usual / 3
    assert seconds_for(base=15, pixels=2048 * 2048, fast=False, seed="a", scale=0) == 0


@given(st.lists(st.tuples(st.floats(0, 30), st.integers(1, 15)), max_size=60), st.integers(1, 40))
def test_no_window_ever_has_more(steps: list[tuple[float, int]], limit: int) -> None:
    window = MinuteLimit(per_minute=limit)
    now, admitted = 0.0, []
    for pause, images in steps:
        now += pause
        if window.admit("a", "m", images, now):
            admitted.append((now, images))
        in_window = [count for at, count in admitted if at > now - 60]
        assert sum(in_window) <= limit or len(in_window) == 1  # what is larger than a minute is alone in it


def test_a_batch_above_the_limit_waits_for_an_empty_minute_and_not_for_ever() -> None:
    window = MinuteLimit(per_minute=10)
    assert window.admit("a", "m", 15, 1.0)
    assert not window.admit("a", "m", 1, 2.0)
    window.settle("a", "m", at=1.0, reserved=15, made=3)
    assert not window.admit("a", "m", 15, 2.0)
    assert window.admit("a", "m", 15, 62.0)


def test_what_was_not_made_is_given_back() -> None:
    window = MinuteLimit(per_minute=15)
    assert window.admit("a", "m", 15, 1.0)
    assert not window.admit("a", "m", 1, 2.0)
    window.settle("a", "m", at=1.0, reserved=15, made=14)
    assert window.admit("a", "m", 1, 2.0)
    assert window.admit("b", "m", 15, 2.0)
