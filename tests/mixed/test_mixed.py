"""Whatever people do, in whatever order, beside builds that come short, fail or are moderated: the promises hold.

The bill stays between the plan's low and high, nothing outside the plan is sent, what was decided is displaced only as
design §3 says, each decision is on record and the lock says the same, no take is ever lost, and `undo` gives back what was.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.mixed.machine import People
from tests.mixed.service import Services, services
from tests.support.inside import InsideWorkspace
from tests.support.workspace import Workspace


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Services]:
    with services(tmp_path) as found:
        yield found


def play(
    running: Services, *, examples: int, steps: int, same: bool = False, inside: type[Workspace] = InsideWorkspace
) -> None:
    """`same`: what is drawn is the same in every run."""

    class Here(People):
        services = running
        kind = inside

    how = settings(
        max_examples=examples,
        stateful_step_count=steps,
        derandomize=same,
        deadline=None,
        database=None,
        suppress_health_check=(HealthCheck.too_slow, HealthCheck.data_too_large),
    )
    run_state_machine_as_test(Here, settings=how)


@pytest.mark.timeout(300)
def test_people_and_builds_in_any_order(running: Services) -> None:
    play(running, examples=8, steps=12, same=True)


@pytest.mark.soak
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("turn", range(10))
def test_people_and_builds_in_any_order_for_long(running: Services, turn: int) -> None:
    play(running, examples=40, steps=25)


@pytest.mark.soak
@pytest.mark.timeout(3000)
def test_each_command_in_a_process_of_its_own(running: Services) -> None:
    play(running, examples=20, steps=15, inside=Workspace)
