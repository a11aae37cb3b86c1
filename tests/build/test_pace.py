"""How many requests at once: the ramp, the halving, the slow way back, and requests of the dead."""

from hypothesis import given, settings
from hypothesis import strategies as st

from seedpipe.build.pace import FIRST, FORGET_MS, IDLE_MS, LARGEST, Grant, Pace, Wait, Window

T0 = 1_000_000


def everyone_lives(_: str) -> bool:
    return True


def ask(pace: Pace, now: int, owner: str = "me") -> Grant | Wait:
    return pace.ask(1, now, owner=owner, is_alive=everyone_lives)


def granted(pace: Pace, now: int, number: int) -> list[Grant]:
    found = [ask(pace, now) for _ in range(number)]
    assert all(isinstance(one, Grant) for one in found)
    return [one for one in found if isinstance(one, Grant)]


def test_the_ramp_doubles_each_second() -> None:
    pace = Pace(500)
    granted(pace, T0, FIRST)
    assert ask(pace, T0 + 999) == Wait(ms=0)
    granted(pace, T0 + 1000, FIRST)
    assert ask(pace, T0 + 1999) == Wait(ms=0)
    granted(pace, T0 + 2000, 2 * FIRST)
    window = Window()
    window.touch(T0)
    assert window.size(T0 + 3_600_000) == LARGEST


def test_too_much_at_once_halves_it_once_for_all_of_one_burst() -> None:
    pace = Pace(500)
    burst = granted(pace, T0, 8)
    for grant in burst:
        pace.end(grant, T0 + 100, refund=1, throttled=True)
    again = granted(pace, T0 + 200, 4)
    assert ask(pace, T0 + 200) == Wait(ms=0)
    pace.end(again[0], T0 + 300, refund=1, throttled=True)
    assert pace.window.size(T0 + 300) == 2


def test_from_there_it_grows_by_one_for_each_round_of_answers() -> None:
    pace, now = Pace(500), T0
    for grant in granted(pace, now, 8):
        pace.end(grant, now, refund=1, throttled=True)
    sizes = []
    for _ in range(6):
        now += 10_000
        for grant in granted(pace, now, pace.window.size(now)):
            pace.end(grant, now + 1)
        sizes.append(pace.window.size(now))
    assert sizes == [4, 5, 6, 7, 8, 9], "not quite one, since what was granted later hears of the wider window"


def test_a_refusal_that_is_no_throttle_leaves_it_alone() -> None:
    pace = Pace(500)
    (grant,) = granted(pace, T0, 1)
    pace.window.throttled(T0, 8, T0)
    pace.end(grant, T0 + 1, refund=1)
    assert pace.window.ceiling == 4.0


def test_after_a_rest_the_ramp_begins_anew_and_in_the_end_all_is_forgotten() -> None:
    window = Window()
    window.touch(T0)
    window.throttled(T0, 8, T0)
    window.touch(T0 + IDLE_MS + 1)
    assert window.size(T0 + IDLE_MS + 1) == 4
    rested = T0 + IDLE_MS + 1 + FORGET_MS + 1
    window.touch(rested)
    assert (window.size(rested), window.ceiling) == (FIRST, None)


def test_requests_of_the_dead_are_not_under_way() -> None:
    pace = Pace(500)
    for number in range(FIRST):
        assert isinstance(ask(pace, T0, owner=f"dead{number % 2}"), Grant)
    asked = []

    def is_alive(owner: str) -> bool:
        asked.append(owner)
        return owner != "dead0"

    assert isinstance(pace.ask(1, T0, owner="me", is_alive=is_alive), Grant)
    assert sorted(asked) == ["dead0", "dead1"], "each owner is asked once, and only where it matters"
    assert {lease.owner for lease in pace.leases.values()} == {"dead1", "me"}


def test_a_clock_set_back_does_not_close_the_window() -> None:
    pace = Pace(500)
    granted(pace, T0, 8)
    now = T0 - 3_600_000
    assert ask(pace, now) == Wait(ms=0)
    assert isinstance(ask(pace, now + 1000), Grant)


STEPS = st.lists(
    st.tuples(st.sampled_from(["ask", "ask", "ask", "answer", "throttle", "refuse"]), st.integers(0, 3000)),
    max_size=120,
)


@given(STEPS, st.integers(1, 40))
@settings(max_examples=300, deadline=None)
def test_never_more_at_once_than_the_window_and_never_stuck(steps: list[tuple[str, int]], limit: int) -> None:
    pace, now = Pace(limit, 1000), T0
    under_way: list[Grant] = []
    for action, pass_ms in steps:
        now += pass_ms
        pace = Pace.from_json(pace.to_json(), limit, 1000)
        if action == "ask":
            found = ask(pace, now)
            if isinstance(found, Grant):
                under_way.append(found)
                assert len(under_way) <= pace.window.size(now)
            else:
                assert found.ms > 0 or len(under_way) >= pace.window.size(now)
        elif under_way:
            grant = under_way.pop(0)
            throttled = action == "throttle"
            pace.end(grant, now, refund=0 if action == "answer" else 1, throttled=throttled)
            assert pace.window.size(now) >= 1
        assert len(pace.leases) == len(under_way)
    for grant in under_way:
        pace.end(grant, now)
    pace.log.pause = None
    assert isinstance(ask(pace, now + 2000), Grant)
