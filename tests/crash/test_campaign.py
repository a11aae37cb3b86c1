"""The long run: hundreds of kills at every step, at random instants, and once more while the first is recovered from."""

import random
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from tests.crash.kills import Scene, Verdict, count_steps, survive, write_summary
from tests.support.kill import Kill

RESULTS = Path(__file__).parent.parent / "benchmarks" / "results" / "kills.json"
MOST_OF_A_STEP = 14
AT_RANDOM = 80
TWICE = 60


def at_every_step(counts: Mapping[str, int]) -> Iterator[Kill]:
    """Each turn of each step from both sides; of steps with many turns some, evenly."""
    for step, turns in counts.items():
        count = min(turns, MOST_OF_A_STEP)
        for place in range(count):
            nth = 1 + place * turns // count
            yield Kill(step=step, nth=nth)
            if step not in ("commit", "post"):  # these have no other side
                yield Kill(step=step, nth=nth, after=True)


def campaign(new_scene: Callable[[str], Scene]) -> list[Verdict]:
    chance = random.Random(20261108)
    counts = count_steps(new_scene("count"))
    kills = [(kill,) for kill in at_every_step(counts)]
    kills += [(Kill(step="recover", seconds=chance.uniform(0.0, 0.7)),) for _ in range(AT_RANDOM)]
    steps = list(
        at_every_step({"recover": 1, "download": 2, "kept": 2, "index": 2, "settled": 2, "commit": 9, "lock": 1})
    )
    for _ in range(TWICE):
        kills.append((Kill(step="recover", seconds=chance.uniform(0.05, 0.5)), chance.choice(steps)))
    verdicts = []
    for number, some in enumerate(kills):
        print(number, *some, flush=True)
        verdicts.append(survive(new_scene(f"kill-{number}"), *some))
        print(verdicts[-1], flush=True)
    return verdicts


@pytest.mark.soak
@pytest.mark.timeout(3000)
def test_three_hundred_kills(new_scene: Callable[[str], Scene]) -> None:
    verdicts = campaign(new_scene)
    write_summary(RESULTS, verdicts)
    assert sum(verdict.struck for verdict in verdicts) >= 300
    assert sum(verdict.double for verdict in verdicts) == 0
