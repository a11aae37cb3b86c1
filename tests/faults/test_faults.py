"""Faults of the service, on a project that is built, and built once more: nothing is paid twice, nothing that came is lost."""

import json
from collections.abc import Iterator

import pytest

from tests.benchmarks.faults import PAGE, RESULTS, page, rows_of
from tests.faults.bill import Outcome
from tests.faults.cells import KNOBS, MODES, Cell, cells
from tests.faults.compare import Arena, arena

SAMPLE = {
    "text to image": ("drop-after-billing", "rate-limit", "bad-gateway", "download-error", "error-in-200"),
    "edit": ("internal-error, billed", "moderate-reference"),
    "fusion": ("gone",),
    "sequence, streamed": ("cut-stream", "item-error", "moderate-output, second"),
    "sequence, whole": ("truncated-body", "fewer"),
    "base64": ("garbage",),
    "sequence, base64": ("stream-error",),
    "layers": ("short-download",),
}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arena]:
    folder = tmp_path_factory.mktemp("faults")
    with pytest.MonkeyPatch.context() as patch:  # it begins before any test's own home
        patch.setenv("HOME", str(folder))
        patch.setenv("SEEDPIPE_HOME", str(folder))
        with arena(folder) as found:
            yield found


def is_right(outcome: Outcome) -> None:
    """`Arena` has asserted that the journal knows of all that was billed."""
    assert outcome.double == 0, outcome
    assert outcome.arrived == 0, outcome
    assert outcome.lost <= outcome.held, outcome
    if outcome.held:
        assert outcome.exits == (75, 75), outcome
        assert outcome.requests == 1, outcome
    else:
        assert 75 not in outcome.exits, outcome


@pytest.mark.parametrize(
    "cell",
    [Cell(knob=knob, mode=mode, by="ours") for mode in MODES for knob in SAMPLE[mode.name]],
    ids=lambda cell: f"{cell.mode.name}: {cell.knob}",
)
def test_a_fault_costs_nothing_twice(place: Arena, cell: Cell) -> None:
    (outcome,) = place.outcomes([cell])
    is_right(outcome)


@pytest.mark.soak
@pytest.mark.timeout(2400)
def test_every_fault_in_every_mode(place: Arena) -> None:
    for outcome in place.outcomes(cells("ours")):
        is_right(outcome)


def test_the_page_is_of_the_numbers_and_the_numbers_of_every_fault() -> None:
    """What is published was measured with the faults and modes that there are: `make faults` writes both."""
    document = json.loads(RESULTS.read_text(encoding="utf-8"))
    assert PAGE.read_text(encoding="utf-8") == page(document)
    rows = rows_of(document)
    measured = {(row["by"], row["mode"], row["knob"]) for row in rows}
    assert measured == {(by, mode.name, knob) for by in ("ours", "loop") for mode in MODES for knob in KNOBS}, (
        "`make faults` measures them all"
    )
    ours = [row for row in rows if row["by"] == "ours"]
    assert sum(row["double"] for row in ours) == 0
    assert sum(row["arrived"] for row in ours) == 0
