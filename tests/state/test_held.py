"""What is not known of a request, what a person's word does to it, and what each picture of a batch cost."""

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedpipe.money import Money
from seedpipe.state.caps import CapKind, CapReached
from seedpipe.state.held import Fate, Held
from seedpipe.state.journal import Journal
from seedpipe.state.requests import Claimed, FrameOf, IllegalMoveError, Located, RequestState, Word
from seedpipe.state.shares import shares
from seedpipe.state.spent import Scope
from tests.state.journals import PRICE, Clock, begin, cap, claim, intent, key, locate, open_journal, picture

FRAMES = tuple(FrameOf(address=f"board#{name}", want=key(name)) for name in ("wide", "hands", "face"))


def batch(journal: Journal, run: str, name: str = "board") -> str:
    """Three frames, sent."""
    id_ = claim(journal, run, name, images=3, frames=FRAMES)
    journal.sent(id_)
    return id_


def held_by_the_next(folder: Path, journal: Journal, clock: Clock) -> tuple[Held, ...]:
    """What another process sees once this one has ended."""
    journal.close()
    reader = open_journal(folder, clock)
    found = reader.held()
    reader.close()
    return found


@pytest.mark.parametrize("step", ["intended", "sent", "located", "kept", "settled", "unknown"])
def test_what_a_dead_process_left_is_told_without_writing(folder: Path, step: str) -> None:
    clock = Clock()
    journal = open_journal(folder, clock)
    id_ = claim(journal, begin(journal))
    for name, act in {
        "sent": lambda: journal.sent(id_),
        "located": lambda: journal.located_all(id_, [Located(index=0, url="https://x/0")]),
        "kept": lambda: journal.kept(id_, 0, picture()),
        "settled": lambda: journal.settled(id_, PRICE),
    }.items():
        if step == "unknown" and name == "located":
            journal.unknown(id_, "timed out")
            break
        if step == "intended":
            break
        act()
        if name == step:
            break
    other = open_journal(folder, clock)
    assert other.held() == () or step == "unknown", "its process lives"
    other.close()
    found = held_by_the_next(folder, journal, clock)
    if step in ("intended", "kept", "settled"):
        assert found == (), "the next recovery closes it, and nobody has to be asked"
        return
    (held,) = found
    assert held.needs_a_person == (step != "located")
    assert held.fates == ((Fate.WAITS,) if step == "located" else (Fate.SILENT,))
    assert (str(held.certain), str(held.possible)) == ("0.00 USD", "0.04 USD")
    assert held.since == "2026-11-24 10:00 UTC"
    assert (held.until is not None) == (step == "located")
    assert ("ended before" in held.why) == (step != "unknown")


def test_an_address_lives_for_a_day(folder: Path) -> None:
    clock = Clock()
    journal = open_journal(folder, clock)
    id_ = batch(journal, begin(journal))
    locate(journal, id_, 0, "https://x/0")
    journal.kept(id_, 0, picture("wide"))
    locate(journal, id_, 2, "https://x/2")
    journal.close()
    clock.now += timedelta(hours=23, minutes=59)
    journal = open_journal(folder, clock)
    (held,) = journal.held()
    assert held.fates == (Fate.KEPT, Fate.SILENT, Fate.WAITS)
    assert [item.index for item in held.located] == [2]
    assert held.until is not None and held.until.startswith("2026-11-25T10:00:00")
    (fetch,) = journal.recover().to_fetch
    assert (fetch.located, fetch.until) == (held.located, held.until)
    assert journal.to_fetch()[0].request.id == id_, "it is this process that fetches now"
    with pytest.raises(IllegalMoveError, match="still to be fetched"):
        journal.conclude(id_)
    clock.now += timedelta(minutes=2)
    assert journal.to_fetch() == ()
    concluded = journal.conclude(id_)
    assert (concluded.state, concluded.why) == (
        RequestState.UNKNOWN,
        "charged, and 1 of its pictures not fetched before its address ended",
    )
    (held,) = journal.held()
    assert held.fates == (Fate.KEPT, Fate.SILENT, Fate.LOST)
    assert held.needs_a_person


def test_what_is_known_of_an_answer_bounds_what_it_may_have_cost(folder: Path) -> None:
    clock = Clock()
    journal = open_journal(folder, clock)
    id_ = batch(journal, begin(journal))
    locate(journal, id_, 0, "https://x/0")
    journal.item_refused(id_, 1, code="OutputImageSensitiveContentDetected", message="m")
    journal.answer_complete(id_)
    journal.unknown(id_, "its address is gone")
    (held,) = journal.held()
    assert held.fates == (Fate.WAITS, Fate.REFUSED, Fate.NOT_MADE)
    assert str(held.possible) == "0.04 USD"
    assert journal.spent(Scope(), "USD").uncertain == PRICE * 3, (
        "a cap holds the whole reservation until it is resolved"
    )
    assert journal.resolve(id_, paid=True, who="ada").charge == PRICE
    assert journal.spent(Scope(), "USD").worst == PRICE


def test_words_are_kept_with_who_when_and_why(folder: Path) -> None:
    clock = Clock()
    journal = open_journal(folder, clock)
    id_ = claim(journal, begin(journal))
    journal.sent(id_)
    journal.unknown(id_, "timed out")
    day = Scope(day="2026-11-24")
    clock.now += timedelta(days=40)
    assert journal.resolve(id_, paid=False, who="ada", note="no such request").state is RequestState.RELEASED
    assert journal.spent(day, "USD").worst == Money.zero("USD")
    changed = journal.resolve(id_, paid=True, who="bo", charge=Money.parse("0.05 USD"))
    assert (changed.state, str(changed.charge), changed.why) == (RequestState.SETTLED, "0.05 USD", "timed out")
    assert str(journal.spent(day, "USD").charged) == "0.05 USD", "it counts in the day of its sending"
    assert journal.take_back(id_, who="ada", note="a mistake").state is RequestState.UNKNOWN
    assert journal.spent(day, "USD").uncertain == PRICE
    assert journal.spent(day, "USD").charged == Money.zero("USD")
    with pytest.raises(IllegalMoveError, match="nobody has said"):
        journal.take_back(id_, who="ada")
    assert [(one.who, one.word, str(one.charge), one.note) for one in journal.resolutions()] == [
        ("ada", Word.NOT_PAID, "None", "no such request"),
        ("bo", Word.PAID, "0.05 USD", None),
        ("ada", Word.TAKEN_BACK, "None", "a mistake"),
    ]
    assert all(one.at.startswith("2027-01-03T10:00") for one in journal.resolutions())
    assert journal.resolved() == ()


def test_what_was_settled_by_itself_is_no_persons_business(folder: Path) -> None:
    journal = open_journal(folder)
    id_ = claim(journal, begin(journal))
    journal.sent(id_)
    journal.kept(id_, 0, picture())
    journal.settled(id_, PRICE)
    with pytest.raises(IllegalMoveError, match="nothing to resolve"):
        journal.resolve(id_, paid=False, who="ada")
    with pytest.raises(IllegalMoveError, match="nobody has said"):
        journal.take_back(id_, who="ada")


# ------------------------------------------------------------------------------------- what a frame of a batch cost


def test_each_frame_counts_with_its_own_part(folder: Path) -> None:
    journal = open_journal(folder)
    run = begin(journal)
    id_ = batch(journal, run)
    frames = [frame.address for frame in FRAMES]
    assert [str(journal.spent(Scope(address=name), "USD").open) for name in frames] == ["0.04 USD"] * 3
    assert journal.spent(Scope(address="board"), "USD").worst == Money.zero("USD"), "the sequence is no picture"
    journal.kept(id_, 0, picture("wide"))
    journal.unknown(id_, "cut")
    assert str(journal.spent(Scope(address="board#face"), "USD").uncertain) == "0.04 USD"
    kept = journal.spent(Scope(address="board#wide"), "USD")
    assert (kept.charged, kept.uncertain) == (PRICE, Money.zero("USD")), "what is here was charged for certain"
    whole = journal.spent(Scope(run=run), "USD")
    assert (whole.charged, whole.uncertain) == (PRICE, PRICE * 2), "the build's last line says the same"
    journal.resolve(id_, paid=True, who="ada", charge=Money.parse("0.10 USD"))
    charged = [journal.spent(Scope(address=name), "USD").charged for name in frames]
    assert [str(one) for one in charged] == ["0.04 USD", "0.03 USD", "0.03 USD"]
    assert sum(charged, Money.zero("USD")) == journal.spent(Scope(), "USD").charged
    assert journal.spent(Scope(address="board#wide", run=run), "USD").charged == PRICE
    assert journal.spent(Scope(address="board#wide", run="another"), "USD").charged == Money.zero("USD")


def test_a_cap_per_node_is_asked_for_each_frame(folder: Path) -> None:
    journal = open_journal(folder)
    run = begin(journal)
    limit = (cap("0.07 USD", CapKind.PER_NODE),)
    assert isinstance(journal.intend(intent(run, "board", images=3, frames=FRAMES), limit), Claimed), "0.04 each"
    reached = journal.intend(intent(run, "alone", address="board#face", frames=FRAMES[2:], anew=True), limit)
    assert isinstance(reached, CapReached)
    assert (reached.address, str(reached.open_reservations)) == ("board#face", "0.04 USD")
    assert isinstance(journal.intend(intent(run, "poster"), limit), Claimed)


@given(
    st.integers(0, 10**9),
    st.integers(1, 15),
    st.dictionaries(st.integers(0, 20), st.integers(0, 10**8), max_size=15),
)
def test_shares_add_up_to_the_whole(total: int, pictures: int, known: dict[int, int]) -> None:
    parts = shares(total, pictures, known)
    assert sum(parts.values()) == total
    assert set(parts) == {*range(pictures), *known}
    assert all(part >= 0 for part in parts.values())
    missing = set(range(pictures)) - set(known)
    if sum(known.values()) == total or (sum(known.values()) < total and missing):
        assert all(parts[place] == price for place, price in known.items()), "what came has its own price"
    rest = [parts[place] for place in missing] if sum(known.values()) <= total else list(parts.values())
    assert not rest or max(rest) - min(rest) <= 1
