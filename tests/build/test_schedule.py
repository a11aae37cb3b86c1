"""The schedule: order, completeness, and one legal path for every node."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedpipe.build.schedule import Schedule, Stage, remaining_paths


@st.composite
def graphs(draw: st.DrawFn) -> tuple[dict[str, list[str]], dict[str, float]]:
    size = draw(st.integers(1, 12))
    needs = {
        f"n{i}": [f"n{j}" for j in draw(st.sets(st.integers(0, i - 1), max_size=3))] if i else [] for i in range(size)
    }
    seconds = {name: float(draw(st.integers(0, 9))) for name in needs}
    return needs, seconds


@given(graphs(), st.data())
def test_every_node_ends_and_only_failures_skip(
    graph: tuple[dict[str, list[str]], dict[str, float]], data: st.DataObject
) -> None:
    needs, seconds = graph
    failing = data.draw(st.sets(st.sampled_from(sorted(needs))))
    schedule, running, order, skipped = Schedule(needs, seconds), [], [], set()
    while not schedule.finished:
        while (address := schedule.start()) is not None:
            assert all(schedule.stages[need] is Stage.DONE for need in needs[address])
            running.append(address)
            order.append(address)
        assert schedule.running == len(running) > 0, "the schedule is stuck"
        address = running.pop(data.draw(st.integers(0, len(running) - 1)))
        if address in failing:
            skipped |= set(schedule.failed(address))
        else:
            schedule.done(address)
    assert set(order) | skipped == set(needs)
    assert not set(order) & skipped
    for address in skipped:
        above = [schedule.stages[need] for need in needs[address]]
        assert Stage.FAILED in above or Stage.SKIPPED in above


def test_without_some_of_its_needs_a_node_comes_all_the_same() -> None:
    needs = {"oak": [], "ash": ["seed"], "seed": [], "desk": ["oak", "ash"], "room": ["desk"], "box": ["ash"]}
    schedule = Schedule(needs, {}, spared={"desk": {"ash"}})
    assert {schedule.start(), schedule.start()} == {"oak", "seed"}
    schedule.done("oak")
    assert schedule.stages["desk"] is Stage.WAITING, "it waits for the end of all, whatever that is"
    assert schedule.failed("seed") == ["ash", "box"]
    assert schedule.start() == "desk"
    schedule.done("desk")
    assert schedule.start() == "room"


def test_a_need_that_need_not_exist_is_waited_for_and_done_without() -> None:
    needs = {"mood1": [], "mood2": [], "mood3": [], "all": ["mood1", "mood2", "mood3"], "last": ["mood3"]}
    schedule = Schedule(needs, {}, counted={"all": {"mood1", "mood2", "mood3"}})
    assert {schedule.start(), schedule.start(), schedule.start()} == {"mood1", "mood2", "mood3"}
    assert schedule.failed("mood3", absent=True) == ["last"], "who names it itself needs it"
    schedule.done("mood1")
    assert schedule.start() is None, "it waits for the end of all"
    schedule.done("mood2")
    assert schedule.start() == "all"


def test_one_that_failed_is_not_done_without() -> None:
    needs = {"mood1": [], "mood2": [], "all": ["mood1", "mood2"]}
    schedule = Schedule(needs, {}, counted={"all": {"mood1", "mood2"}})
    assert {schedule.start(), schedule.start()} == {"mood1", "mood2"}
    assert schedule.failed("mood2") == ["all"]


def test_longest_remaining_path_starts_first() -> None:
    needs = {"short": [], "long": [], "below": ["long"], "middle": []}
    schedule = Schedule(needs, {"short": 1, "long": 2, "below": 9, "middle": 5})
    assert [schedule.start(), schedule.start(), schedule.start()] == ["long", "middle", "short"]
    assert schedule.start() is None


def test_a_deep_chain_is_no_recursion() -> None:
    below = {f"n{i}": [f"n{i + 1}"] for i in range(50_000)} | {"n50000": []}
    assert remaining_paths(below, dict.fromkeys(below, 1.0))["n0"] == 50_001


def test_a_node_ends_once() -> None:
    schedule = Schedule({"a": []}, {})
    assert schedule.start() == "a"
    schedule.done("a")
    with pytest.raises(RuntimeError):
        schedule.failed("a")
