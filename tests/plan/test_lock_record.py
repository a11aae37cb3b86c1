"""What people decided on two branches, merged in any way: each level in the lock still has its decision on record."""

import json
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from seedpipe.names import Digest
from seedpipe.plan.lock_place import Place
from seedpipe.plan.lock_record import Record
from seedpipe.state.decisions import Decision
from seedpipe.state.lock import ImageEntry, Level, Lock, Made
from seedpipe.state.merge import Side, merge_locks

ADDRESSES = ("hero", "lamp")
CHANGES = st.lists(
    st.tuples(
        st.sampled_from(ADDRESSES),
        st.integers(0, 2),
        st.sampled_from([*Level, Level.APPROVED, None]),
        st.integers(0, 1),
    ),
    max_size=5,
)


def digest(number: int) -> Digest:
    return Digest(f"{number:064x}")


def auto(address: str, take: int, want: int) -> ImageEntry:
    """As a build leaves it."""
    at = f"2026-11-23T10:00:{take:02}.000Z"
    made = Made(request=digest(want), model="m", provider="p", size="1x1", at=at)
    asked = {"seedpipe": "image/1", "model": "m", "prompt": str(digest(want))}
    key = digest(100 + want)
    return ImageEntry(want=key, own=key, take=digest(take), made=made, asked=asked, takes=(digest(take),))


def worked_on(
    lock: Lock, changes: list[tuple[str, int, Level | None, int]], branch: str
) -> tuple[Lock, list[Decision]]:
    """Each change is a person's word, or with None a build's for other words."""
    decisions = []
    for number, (address, take, level, want) in enumerate(changes):
        before = lock.image(address)
        new = auto(address, take, want)
        after = new if level is None else replace(new, level=level)
        if level is not None:
            id_, at = f"{branch}{number}", f"2026-11-24T10:00:{number:02}.000Z"
            decisions.append(Decision(id=id_, at=at, who="Mika", verb="pick", node=address, before=before, after=after))
        lock = lock.replacing({address: after})
    return lock, decisions


@given(CHANGES, CHANGES, CHANGES, st.sampled_from(Side))
def test_no_merge_makes_a_level_that_nobody_decided(
    before: list[tuple[str, int, Level | None, int]],
    ours: list[tuple[str, int, Level | None, int]],
    theirs: list[tuple[str, int, Level | None, int]],
    side: Side,
) -> None:
    base, first = worked_on(Lock(project="lumen"), before, "base")
    (here, second), (there, third) = worked_on(base, ours, "ours"), worked_on(base, theirs, "theirs")
    merged = merge_locks(base, here, there).settled(side)
    record = Record(file="seedpipe.decisions.jsonl", decisions=[*first, *second, *third])
    lines = [
        (Place("seedpipe.lock", number, f"{name} {json.dumps(entry.to_dict())}", name), entry)
        for number, (name, entry) in enumerate(merged.entries.items(), 2)
        if isinstance(entry, ImageEntry)
    ]
    assert list(record.faults(lines, lines)) == []
