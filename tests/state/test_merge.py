"""Two branches of one lock: no take is lost, no choice is changed in silence."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seedpipe.names import Digest
from seedpipe.state.lock import DerivedEntry, Entry, ImageEntry, Level, Lock, Made, SourceEntry, read_lock, write_lock
from seedpipe.state.merge import Merged, Side, merge_locks

ADDRESSES = ("a", "b", "b/x", "board#wide")


def digest(number: int) -> Digest:
    return Digest(f"{number:064x}")


def image(
    want: int,
    take: int,
    level: Level = Level.AUTO,
    *,
    takes: tuple[int, ...] = (),
    at: int = 0,
    also: Mapping[int, tuple[int, ...]] | None = None,
    look: str | None = None,
) -> ImageEntry:
    made = Made(request=digest(want), model="m", provider="p", size="1x1", at=f"2026-11-23T10:00:{at:02}Z")
    return ImageEntry(
        want=digest(want),
        own=digest(want),
        take=digest(take),
        level=level,
        made=made,
        takes=tuple(dict.fromkeys(digest(one) for one in (*takes, take))),
        also={digest(one): tuple(map(digest, others)) for one, others in (also or {}).items() if one != want},
        look=look,
    )


def lock(**entries: Entry) -> Lock:
    return Lock(project="lumen", entries=entries)


def merged(base: Entry | None, ours: Entry | None, theirs: Entry | None) -> Merged:
    sides = [Lock(project="lumen", entries={} if one is None else {"a": one}) for one in (base, ours, theirs)]
    return merge_locks(*sides)


A = image(1, 10)


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "result"),
    [
        (A, A, image(2, 20), image(2, 20)),  # one side changed
        (None, A, None, A),
        (A, None, A, None),  # pruned on one side, untouched on the other
        (A, None, image(1, 10, Level.APPROVED), image(1, 10, Level.APPROVED)),
        (A, image(1, 10, Level.APPROVED), image(1, 10, Level.PINNED), image(1, 10, Level.PINNED)),
        (image(1, 10, Level.PINNED), A, image(1, 10, Level.PINNED, takes=(11,)), image(1, 10, takes=(11,))),
        (A, image(1, 11, Level.APPROVED, takes=(10,)), image(1, 10, takes=(12,)), None),
    ],
)
def test_who_wins(base: Entry | None, ours: Entry | None, theirs: Entry | None, result: Entry | None) -> None:
    found = merged(base, ours, theirs)
    assert found.disputes == ()
    there = found.lock.image("a")
    if result is None and ours is not None and theirs is not None:
        assert there is not None
        assert (there.take, there.level) == (digest(11), Level.APPROVED), "a choice beats another take bought beside it"
        assert set(there.takes) == {digest(10), digest(11), digest(12)}
    else:
        assert there is None if result is None else there is not None and same(there, result)


def same(one: ImageEntry, other: Entry) -> bool:
    return (
        isinstance(other, ImageEntry)
        and replace(one, takes=()) == replace(other, takes=())
        and set(one.takes) == set(other.takes)
    )


def test_two_people_are_asked() -> None:
    ours, theirs = image(1, 11, Level.APPROVED, takes=(10,)), image(1, 12, Level.PINNED, takes=(10,))
    found = merged(A, ours, theirs)
    assert [one.address for one in found.disputes] == ["a"]
    assert "a" not in found.lock.entries
    for side, take in ((Side.OURS, 11), (Side.THEIRS, 12)):
        settled = found.settled(side).image("a")
        assert settled is not None
        assert settled.take == digest(take)
        assert set(settled.takes) == {digest(10), digest(11), digest(12)}


def test_an_approved_picture_stays_when_the_other_branch_bought_for_new_words() -> None:
    found = merged(A, image(1, 10, Level.APPROVED), image(2, 20, at=5))
    there = found.lock.image("a")
    assert there is not None
    assert (there.take, there.level) == (digest(10), Level.APPROVED), "at worst it is stale, which is no fault"
    assert there.also == {digest(2): (digest(20),)}
    assert found.remarks == ("`a` was approved on one side and bought on the other; the choice stays",)


def test_takes_of_another_want_come_along_and_survive_the_file() -> None:
    found = merged(None, image(1, 10, at=1), image(2, 20, at=2))
    there = found.lock.image("a")
    assert there is not None
    assert (there.take, there.also) == (digest(20), {digest(1): (digest(10),)})
    assert read_lock(write_lock(found.lock), file="l") == found.lock
    again = merge_locks(None, found.lock, lock(a=image(3, 30, at=3)))
    third = again.lock.image("a")
    assert third is not None
    assert third.also == {digest(1): (digest(10),), digest(2): (digest(20),)}


def test_a_pick_of_one_look_and_a_purchase_of_another_come_together() -> None:
    base = image(1, 10, also={2: (20,)}, look="day")
    picked = image(2, 20, Level.APPROVED, also={1: (10,)}, look="night")
    bought = image(1, 10, also={2: (20,), 3: (30,)}, look="day")
    for ours, theirs in ((picked, bought), (bought, picked)):
        there = merged(base, ours, theirs).lock.image("a")
        assert there is not None
        assert (there.look, there.take, there.level) == ("night", digest(20), Level.APPROVED)
        assert there.also == {digest(1): (digest(10),), digest(3): (digest(30),)}
    renamed = replace(base, look="morning")
    for ours, theirs in ((renamed, bought), (bought, renamed)):
        there = merged(base, ours, theirs).lock.image("a")
        assert there is not None
        assert (there.look, len(there.also)) == ("morning", 2)


def test_what_the_catalogue_decided_and_the_project() -> None:
    base = Lock(project="p", resolved={"model/a": "1", "model/b": "1"})
    ours = Lock(project="p", resolved={"model/a": "2", "model/b": "1", "model/c": "8"})
    theirs = Lock(project="q", resolved={"model/a": "1", "model/b": "3", "model/c": "9"})
    found = merge_locks(base, ours, theirs)
    assert found.lock.resolved == {"model/a": "2", "model/b": "3", "model/c": "8"}
    assert found.lock.project == "q"
    assert len(found.remarks) == 2


def test_the_first_digest_of_unchanged_pixels_stays() -> None:
    base = SourceEntry(digest=digest(1), pixels=digest(9))
    found = merged(
        base, SourceEntry(digest=digest(2), pixels=digest(9)), SourceEntry(digest=digest(3), pixels=digest(9))
    )
    assert found.lock.entries == {"a": base}


# ------------------------------------------------------------------------------------------------------------- random

images = st.builds(
    image,
    st.integers(1, 3),
    st.integers(10, 16),
    st.sampled_from(Level),
    takes=st.lists(st.integers(10, 16), max_size=3).map(tuple),
    at=st.integers(0, 9),
    also=st.dictionaries(
        st.integers(1, 5), st.lists(st.integers(20, 23), min_size=1, max_size=2).map(tuple), max_size=2
    ),
    look=st.none() | st.sampled_from(["day", "night"]),
)
entries = st.one_of(
    images,
    images,
    images,
    st.builds(lambda r, t: DerivedEntry(recipe=digest(r), take=digest(t)), st.integers(1, 2), st.integers(30, 31)),
    st.builds(lambda d, p: SourceEntry(digest=digest(d), pixels=digest(p)), st.integers(40, 41), st.integers(42, 43)),
)
tables = st.dictionaries(st.sampled_from(ADDRESSES), entries)


@st.composite
def branches(draw: st.DrawFn) -> tuple[Lock, Lock, Lock]:
    """A lock and two that grew from it: some lines changed, added or pruned on either side."""
    base = draw(tables)

    def grown() -> Mapping[str, Entry]:
        changed = draw(tables)
        pruned = draw(st.sets(st.sampled_from(ADDRESSES), max_size=1))
        return {address: entry for address, entry in {**base, **changed}.items() if address not in pruned}

    return Lock(project="p", entries=base), Lock(project="p", entries=grown()), Lock(project="p", entries=grown())


def paid(lock: Lock) -> dict[str, set[Digest]]:
    return {
        address: {entry.take, *entry.takes, *(take for takes in entry.also.values() for take in takes)}
        for address, entry in lock.entries.items()
        if isinstance(entry, ImageEntry)
    }


@given(branches())
@settings(max_examples=400, deadline=None)
def test_no_take_of_either_side_is_lost(locks: tuple[Lock, Lock, Lock]) -> None:
    base, ours, theirs = locks
    for side in Side:
        result = merge_locks(base, ours, theirs).settled(side)
        for address, takes in paid(result).items():
            changed_by_both = base.image(address) not in (ours.image(address), theirs.image(address))
            looks = {one.image(address).look for one in (base, ours, theirs) if one.image(address)}
            found = result.image(address)
            assert found is not None and found.look in looks
            if changed_by_both and ours.image(address) and theirs.image(address):
                assert takes == paid(ours)[address] | paid(theirs)[address]
        for address in ADDRESSES:
            before, mine, other = (one.entries.get(address) for one in (base, ours, theirs))
            pruned = (mine is None and other == before) or (other is None and mine == before)
            assert address in result.entries or pruned or (mine is None and other is None)


@given(branches())
@settings(max_examples=400, deadline=None)
def test_no_choice_is_changed_in_silence(locks: tuple[Lock, Lock, Lock]) -> None:
    base, ours, theirs = locks
    found = merge_locks(base, ours, theirs)
    disputed = {one.address for one in found.disputes}
    for address in ADDRESSES:
        before, mine, other, result = (one.image(address) for one in (base, ours, theirs, found.lock))
        words = {
            (one.want, one.take)
            for one in (mine, other)
            if one is not None and one.level is not Level.AUTO and one != before
        }
        if address in disputed:
            assert len(words) == 2
        elif len(words) == 1 and mine is not None and other is not None and result is not None:
            undone = any(  # the other side took back exactly what the first one still has
                one is not None and before is not None and (one.want, one.take) == (before.want, before.take)
                for one in (mine, other)
            )
            assert (result.want, result.take) in words or undone
        if result is not None:
            assert any(one is not None and (one.want, one.take) == (result.want, result.take) for one in (mine, other))


@given(branches())
@settings(max_examples=200, deadline=None)
def test_both_sides_come_to_the_same(locks: tuple[Lock, Lock, Lock]) -> None:
    base, ours, theirs = locks
    one, other = merge_locks(base, ours, theirs), merge_locks(base, theirs, ours)
    assert {d.address for d in one.disputes} == {d.address for d in other.disputes}
    assert one.lock.entries.keys() == other.lock.entries.keys()
    for address, entry in one.lock.entries.items():
        twin = other.lock.entries[address]
        if isinstance(entry, ImageEntry) and isinstance(twin, ImageEntry):
            assert (entry.want, entry.take, entry.level) == (twin.want, twin.take, twin.level)
            assert set(entry.takes) == set(twin.takes)


@given(branches())
@settings(max_examples=100, deadline=None)
def test_merging_with_nothing_new_changes_nothing(locks: tuple[Lock, Lock, Lock]) -> None:
    base, ours, _ = locks
    assert merge_locks(base, ours, base).lock == ours
    assert merge_locks(base, base, ours).lock == ours
    assert merge_locks(base, ours, ours).lock == ours
