"""What the journal knows of the service from what it brought: how long pictures take, how many frames come."""

from datetime import timedelta
from pathlib import Path

from seedpipe.state.journal import Journal
from seedpipe.state.requests import Took
from tests.state.journals import PRICE, Clock, begin, claim, open_journal, picture

MODEL = "seedream-4-5-251128"


def bought(
    journal: Journal, clock: Clock, name: str, after: list[float], *, images: int | None = None, document: str = "{}"
) -> None:
    """One settled request whose pictures were kept so many seconds after it was sent."""
    run = begin(journal)
    id_ = claim(journal, run, name, images=images or len(after), document=document)
    journal.sent(id_)
    sent = clock.now
    for index, seconds in enumerate(after):
        clock.now = sent + timedelta(seconds=seconds) - timedelta(milliseconds=1)
        journal.kept(id_, index, picture(f"{name} {index}"))
    journal.settled(id_, PRICE * len(after))


def test_how_long_requests_took(folder: Path) -> None:
    clock = Clock()
    journal = open_journal(folder, clock)
    bought(journal, clock, "a", [14.5])
    bought(journal, clock, "b", [20, 31, 42], document='{"size":"4K"}')
    bought(journal, clock, "short", [9], images=4)
    run = begin(journal)
    refused = claim(journal, run, "refused")
    journal.sent(refused)
    journal.refused(refused, code="InvalidParameter", message="no", verdict="node")
    under_way = claim(journal, run, "under way")
    journal.sent(under_way)
    assert list(journal.durations(MODEL)) == [
        Took(size="2048x2048", images=4, came=1, first=9, last=9),
        Took(size="4K", images=3, came=3, first=20, last=42),
        Took(size="2048x2048", images=1, came=1, first=14.5, last=14.5),
    ]
    assert list(journal.durations("seedream-4-0-250828")) == []


def test_a_clock_that_was_set_back_took_no_time(folder: Path) -> None:
    clock = Clock()
    journal = open_journal(folder, clock)
    bought(journal, clock, "a", [-3600])
    assert list(journal.durations(MODEL)) == [Took(size="2048x2048", images=1, came=1, first=0, last=0)]


def test_how_many_frames_batches_bring(folder: Path) -> None:
    clock = Clock()
    journal = open_journal(folder, clock)
    bought(journal, clock, "single", [1])
    bought(journal, clock, "one", [1, 2, 3], images=4)
    bought(journal, clock, "two", [1, 2, 3, 4])
    assert journal.frames_came(MODEL) == (0, 0), "two batches are no experience"
    bought(journal, clock, "three", [1], images=4)
    assert journal.frames_came(MODEL) == (8, 12)
    for number in range(20):
        bought(journal, clock, f"later {number}", [1, 2])
    assert journal.frames_came(MODEL) == (40, 40), "the latest ones tell how it is today"
    assert journal.frames_came("seedream-4-0-250828") == (0, 0)
