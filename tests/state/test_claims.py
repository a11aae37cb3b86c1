"""Claims by frame: a request with other neighbours has another key, and may bring the very same picture."""

from dataclasses import replace
from pathlib import Path

from seedpipe.state.requests import Claimed, ClaimedElsewhere, FrameOf, HeldUnknown, Overtaken
from tests.state.journals import begin, claim, intent, key, open_journal, picture


def _frames(*names: str) -> tuple[FrameOf, ...]:
    return tuple(FrameOf(address=f"board#{name}", want=key(name)) for name in names)


def test_a_frame_is_bought_once_whatever_its_neighbours(folder: Path) -> None:
    """Another build saw one frame of a batch arrive, and would buy the other alone: a request of another key."""
    journal, other = open_journal(folder), open_journal(folder)
    run = begin(journal)
    batch = claim(journal, run, "batch", images=2, frames=_frames("dawn", "dusk"))
    alone = intent(begin(other), "alone", frames=_frames("dusk"))
    journal.sent(batch)
    journal.kept(batch, 0, picture("dawn"))
    waits = other.intend(alone, ())
    assert isinstance(waits, ClaimedElsewhere) and waits.alive and waits.request.id == batch
    journal.kept(batch, 1, picture("dusk"))
    assert isinstance(brought := other.intend(alone, ()), Overtaken)
    assert [(place, take.digest) for place, take in brought.takes.items()] == [(0, key("dusk"))]
    journal.conclude(batch)
    assert isinstance(other.intend(alone, ()), Overtaken)
    more = intent(alone.run, "more", images=2, frames=_frames("night", "dawn"))
    assert isinstance(brought := other.intend(more, ()), Overtaken)
    assert list(brought.takes) == [1], "the place in its own order"
    assert isinstance(other.intend(replace(alone, anew=True), ()), Claimed), "a person wants another one"


def test_a_frame_whose_charge_is_uncertain_is_not_bought_alone(folder: Path) -> None:
    journal = open_journal(folder)
    run = begin(journal)
    batch = claim(journal, run, "batch", images=3, frames=_frames("dawn", "noon", "dusk"))
    journal.sent(batch)
    journal.item_refused(batch, 1, code="X", message="no")
    journal.unknown(batch, "cut")
    alone = intent(run, "alone", frames=_frames("dusk"))
    assert isinstance(journal.intend(alone, ()), HeldUnknown)
    assert isinstance(journal.intend(replace(alone, despite_unknown=True), ()), Claimed)
    assert isinstance(journal.intend(intent(run, "noon alone", frames=_frames("noon")), ()), Claimed), "it was free"
