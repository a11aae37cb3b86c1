"""The forecast of time: the schedule simulated, with times that the journal or the catalogue knows."""

from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seedpipe.build import pace
from seedpipe.catalogue.catalogue import load_catalogue
from seedpipe.plan.forecast import DERIVED_SECONDS, FETCH_SECONDS, FIRST_AT_ONCE, Means, forecast, node_seconds
from seedpipe.plan.latency import Latencies, Latency
from seedpipe.plan.plan import Forecast, Plan
from seedpipe.state.requests import Took
from tests.plan.project import Project
from tests.plan.test_properties import Drawn, graphs, written

MODEL = "seedream-4-5-251128"


def latencies(took: Mapping[str, Sequence[Took]] | None = None) -> Latencies:
    catalogue = load_catalogue()
    return Latencies(
        took=lambda model: (took or {}).get(model, ()), model=lambda model: catalogue.model(model, "apiyi")
    )


def means(workers: int = 8, *, rate: int = 500, processors: int = 2) -> Means:
    return Means(workers=workers, processors=processors, images_per_minute={MODEL: rate})


def seconds(plan: Plan, workers: int = 8, *, rate: int = 500, known: Latencies | None = None) -> float:
    return forecast(plan, known or latencies(), means(workers, rate=rate)).seconds


def one(size: str = "2048x2048", images: int = 1, *, first: float, last: float | None = None) -> Took:
    return Took(size=size, images=images, came=images, first=first, last=first if last is None else last)


LAMPS = "\n".join(f"lamp-{number}: {{prompt: Lamp {number}}}" for number in range(10))


@pytest.mark.parametrize(("workers", "expected"), [(1, 150), (2, 75), (3, 60), (5, 30), (10, 16)])
def test_so_many_at_once(workers: int, expected: float) -> None:
    """Ten pictures of 15 s each. Of ten requests at once two wait a second: the ramp begins with eight."""
    assert seconds(Project().images(LAMPS).plan(), workers) == expected


def test_the_ramp_is_the_one_that_builds_keep() -> None:
    assert pace.FIRST == FIRST_AT_ONCE
    window = pace.Window()
    window.touch(0)
    assert [window.size(second * 1000) for second in range(4)] == [FIRST_AT_ONCE << second for second in range(4)]


def test_images_per_minute_hold_the_rest_back() -> None:
    plan = Project().images(LAMPS).plan()
    assert seconds(plan, 8, rate=4) == 15 + 120, "four at once, four in the second minute, two in the third"


def test_takes_are_requests_of_their_own_and_a_batch_is_one() -> None:
    assert seconds(Project().images("hero: {prompt: A lamp, takes: 4}").plan(), 2) == 30
    board = Project().images("""
board: {sequence: {frames: [{id: a, prompt: A}, {id: b, prompt: B}, {id: c, prompt: C}]}}
first: {prompt: after image 1, references: ["board#a"]}
last: {prompt: after image 1, references: ["board#c"]}
""")
    plan = board.plan()
    assert node_seconds(plan, latencies()) == {
        "board#a": 15, "board#b": 30, "board#c": 45, "first": 15, "last": 15
    }  # fmt: skip
    assert seconds(plan) == 60, "what depends on a frame starts when it has arrived"
    assert seconds(plan, 1) == 75, "one request at once: the batch holds it for 45 s"
    assert seconds(plan, rate=3) == 75, "a batch counts each of its pictures: the minute is full"


def test_a_chain_of_batches_goes_on_when_the_one_before_is_done() -> None:
    frames = ", ".join(f"{{id: f{number}, prompt: Shot {number}}}" for number in range(18))
    plan = Project().images(f"board: {{sequence: {{frames: [{frames}]}}}}").plan()
    assert {node.batch for node in plan.nodes.values()} == {"board/1", "board/2"}
    assert seconds(plan) == 18 * 15


def test_the_longest_path_goes_first() -> None:
    project = Project().images("""
a: {prompt: A}
b: {prompt: B}
c: {prompt: C}
chain: {prompt: image 1 on oak, references: [c]}
chained: {prompt: image 1 framed, references: [chain]}
""")
    assert seconds(project.plan(), 2) == 45, "`c` and what is made from it, with `a` and `b` beside them"


def test_local_work_and_fetching_take_their_time() -> None:
    project = Project().images("""
logo: {url: "https://example.com/logo.png"}
small: {from: logo, steps: [{resize: 64x64}]}
""")
    assert seconds(project.plan()) == FETCH_SECONDS + DERIVED_SECONDS
    project.build()
    assert seconds(project.plan()) == 0


def test_equal_pictures_come_at_the_same_time() -> None:
    project = Project().images("""
a: {prompt: A lamp}
b: {prompt: A lamp}
below: {prompt: image 1 on oak, references: [b]}
""")
    assert seconds(project.plan()) == 30


def test_times_are_learnt_from_enough_pictures_of_the_same_kind() -> None:
    few = latencies({MODEL: [one(first=40)] * 4})
    assert few.of(MODEL, "2048x2048") == Latency(first=15, further=15)
    known = latencies({MODEL: [one(first=second) for second in (20, 21, 22, 23, 900)]})
    assert known.of(MODEL, "2048x2048") == Latency(first=22, pictures=5)
    assert known.of(MODEL, "2848x1600").first == 22, "another aspect of the same tier"
    assert known.of(MODEL, "4K").first == 15, "nothing is known of another tier"
    assert known.of(MODEL, "2048x2048", 3).first == 15, "nor of batches"
    newest = latencies({MODEL: [one(first=10)] * 50 + [one(first=100)] * 500})
    assert newest.of(MODEL, "2K") == Latency(first=10, pictures=50)


def test_frames_of_a_batch_are_learnt_apart_and_from_batches_of_other_lengths() -> None:
    streamed = latencies({MODEL: [one(images=3, first=20, last=60)] * 5})
    assert streamed.of(MODEL, "2K", 3) == Latency(first=20, further=20, pictures=15)
    assert streamed.of(MODEL, "2K", 6) == Latency(first=20, further=20, pictures=15)
    at_once = latencies({MODEL: [one(images=3, first=60)] * 5})
    assert at_once.of(MODEL, "2K", 3) == Latency(first=60, further=0, pictures=15)
    assert at_once.of(MODEL, "2K").pictures == 0


def test_the_forecast_says_what_it_is_from() -> None:
    plan = Project().images("a: {prompt: A}\nb: {prompt: B, size: 4K}").plan()
    assert forecast(plan, latencies(), means()) == Forecast(
        seconds=15, workers=8, picture_seconds=15, pictures=0, by_catalogue=True
    )
    partly = forecast(plan, latencies({MODEL: [one(first=20)] * 6}), means())
    assert (partly.seconds, partly.pictures, partly.by_catalogue) == (20, 6, True)
    wholly = latencies({MODEL: [one(first=20)] * 6 + [one("4096x4096", first=50)] * 7})
    told = forecast(plan, wholly, means())
    assert (told.seconds, told.picture_seconds, told.pictures, told.by_catalogue) == (50, 50, 13, False)


@settings(max_examples=80, deadline=None)
@given(graphs(), st.integers(1, 12), st.integers(1, 5), st.integers(1, 3))
def test_no_plan_is_faster_than_its_longest_path_its_workers_or_the_services_rate(
    nodes: list[Drawn], workers: int, rate: int, processors: int
) -> None:
    plan = written(nodes, Project()).plan()
    known = latencies()
    alone = node_seconds(plan, known)
    took = forecast(plan, known, means(workers, rate=rate, processors=processors)).seconds
    longest: dict[str, float] = {}
    for node in plan.nodes.values():
        longest[node.address] = alone[node.address] + max((longest[above] for above in node.made_from), default=0.0)
    batches: dict[
        str, list[float]
    ] = {}  # one request each, until its last frame; a minute can't be asked for more than it allows
    for node in plan.nodes.values():
        if node.pictures and node.batch is not None:
            batches.setdefault(node.batch, []).append(alone[node.address])
    single = [node for node in plan.nodes.values() if node.pictures and node.batch is None]
    bought = sum(alone[node.address] * node.pictures for node in single) + sum(map(max, batches.values()))
    asked = sum(node.pictures for node in single) + sum(min(len(frames), rate) for frames in batches.values())
    assert took >= max(longest.values())
    assert took >= bought / workers - 1e-9
    assert took >= 60 * ((asked - 1) // rate) + (15 if plan.pictures else 0)
    local = sum(alone[node.address] for node in plan.nodes.values() if not node.pictures)
    assert took <= bought + local + 60 * (plan.pictures // rate) + 60


@settings(max_examples=40, deadline=None)
@given(graphs(), st.integers(1, 6))
def test_more_workers_are_never_much_slower(nodes: list[Drawn], workers: int) -> None:
    """Not never: longest path first is a rule of thumb, and Graham's anomalies are real. Twice as slow is a bug."""
    plan = written(nodes, Project()).plan()
    assert seconds(plan, workers + 1) <= 2 * seconds(plan, workers)
