"""The lock: its bytes are frozen, broken ones are never read as empty, and merging never loses a choice."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedpipe.errors import StateError
from seedpipe.names import Digest
from seedpipe.state.lock import (
    DerivedEntry,
    Entry,
    ImageEntry,
    Level,
    Lock,
    Made,
    SourceEntry,
    read_lock,
    write_lock,
)
from seedpipe.state.lockfile import LockWriter, load_lock
from seedpipe.state.merge import merge_locks, sides_of, write_merged

GOLDEN = Path(__file__).parent.parent / "golden" / "seedpipe.lock"


def digest(number: int) -> Digest:
    return Digest(f"{number:064x}")


def image(number: int, level: Level = Level.AUTO) -> ImageEntry:
    return ImageEntry(
        want=digest(number),
        own=digest(number + 1),
        take=digest(number + 2),
        level=level,
        made=Made(
            request=digest(number),
            model="seedream-4-5-251128",
            provider="apiyi",
            size="2848x1600",
            at="2026-11-23T10:00:00Z",
            cost="0.04 USD",
            request_id="0217",
        ),
        asked={
            "seedpipe": "image/1",
            "model": "seedream-4-5-251128",
            "prompt": str(digest(9)),
            "size": "2848x1600",
        },
        takes=(digest(number + 2), digest(number + 3)),
    )


LOCK = Lock(
    project="lumen",
    resolved={"size/seedream-4-5-251128/2K/16:9": "2848x1600", "model/seedream-4-5": "seedream-4-5-251128"},
    entries={
        "scene/LUM-01/16:9": image(16, Level.APPROVED),
        "logo": SourceEntry(digest=digest(1), pixels=digest(2)),
        "map": SourceEntry(digest=digest(3), pixels=digest(4), url="https://example.com/map.png"),
        "banner/LUM-01/en": DerivedEntry(recipe=digest(5), take=digest(6), output=digest(7)),
        "hero": image(32, Level.PINNED),
    },
)

entries = st.one_of(
    st.builds(image, st.integers(0, 50), st.sampled_from(Level)),
    st.builds(lambda a, b: DerivedEntry(recipe=digest(a), take=digest(b)), st.integers(0, 9), st.integers(0, 9)),
    st.builds(lambda a: SourceEntry(digest=digest(a), pixels=digest(a)), st.integers(0, 9)),
)
locks = st.builds(
    Lock,
    project=st.none() | st.just("lumen"),
    resolved=st.dictionaries(st.sampled_from(["model/a", "size/m/2K/1:1"]), st.sampled_from(["x", "y"])),
    entries=st.dictionaries(st.sampled_from(["hero", "a/b", "a/16:9", "board#hands"]), entries),
)


def test_a_line_says_which_look_was_chosen_and_only_of_a_picture_with_looks() -> None:
    plain = image(1)
    assert "look" not in plain.to_dict()
    worn = replace(plain, look="night", also={digest(7): (digest(8),)})
    lock = Lock(entries={"hero": worn})
    assert read_lock(write_lock(lock), file="l") == lock
    assert worn.takes_for(worn.want) == (*worn.takes, worn.take)
    assert (worn.takes_for(digest(7)), worn.takes_for(digest(9))) == ((digest(8),), ())
    with pytest.raises(StateError):
        read_lock(write_lock(lock).replace('"look":"night"', '"look":3'), file="l")


def test_the_bytes_are_frozen() -> None:
    assert write_lock(LOCK) == GOLDEN.read_text(encoding="utf-8")
    assert read_lock(GOLDEN.read_text(encoding="utf-8"), file="seedpipe.lock") == LOCK


@given(locks)
def test_read_is_the_inverse_of_write(lock: Lock) -> None:
    text = write_lock(lock)
    assert read_lock(text, file="l") == lock
    assert write_lock(read_lock(text, file="l")) == text


@pytest.mark.parametrize("separator", ["\u2028", "\u2029", "\x85", "\x0b", "\x1c"])
def test_a_character_that_looks_like_a_line_break_to_python_breaks_no_line(separator: str) -> None:
    asked = {**image(1).asked, "variant": f"a{separator}b"}
    lock = Lock(project="lumen", entries={"hero": replace(image(1), asked=asked)})
    assert read_lock(write_lock(lock), file="seedpipe.lock") == lock
    merged = merge_locks(lock, lock, Lock(project="lumen", entries={**lock.entries, "lamp": image(4)}))
    assert [read_lock(side or "", file="seedpipe.lock") for side in sides_of(write_merged(merged))[1:]] == [
        merged.lock
    ] * 2


@given(locks, st.randoms(use_true_random=False))
def test_any_damaged_line_is_an_error_that_names_the_line(lock: Lock, random: object) -> None:
    lines = write_lock(lock).splitlines()
    for number in range(1, len(lines)):
        damaged = [*lines[:number], lines[number][:-3], *lines[number + 1 :]]
        with pytest.raises(StateError) as caught:
            read_lock("\n".join(damaged), file="seedpipe.lock")
        assert caught.value.position is not None
        assert caught.value.position.line == number + 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "its first line is not ours"),
        ("{}\n", "its first line is not ours"),
        (
            GOLDEN.read_text(encoding="utf-8").replace("Format 1", "Format 2"),
            "format 2; this seedpipe reads up to format 1",
        ),
        (
            GOLDEN.read_text(encoding="utf-8").replace("hero ", "<<<<<<< HEAD\nhero "),
            "conflict markers",
        ),
        (
            GOLDEN.read_text(encoding="utf-8") + 'hero {"recipe":"sha256:0","take":"sha256:0"}\n',
            "stands twice",
        ),
        (GOLDEN.read_text(encoding="utf-8").replace('"level":"pinned"', '"level":"loved"'), "loved"),
        (GOLDEN.read_text(encoding="utf-8").replace('"want":', '"wnat":'), "`want` is missing"),
    ],
)
def test_what_can_not_be_read_is_refused(text: str, words: str) -> None:
    with pytest.raises(StateError, match=words.replace("`", ".")):
        read_lock(text, file="seedpipe.lock")


@given(locks, locks, locks)
def test_compare_and_set_never_displaces_someone_elses_word(base: Lock, theirs: Lock, ours: Lock) -> None:
    merged, kept = theirs.changed(base.entries, ours.entries, resolved=ours.resolved, project="p")
    for address, entry in theirs.entries.items():
        if entry != base.entries.get(address):
            found = merged.entries[address]
            if isinstance(found, ImageEntry) and isinstance(entry, ImageEntry):
                assert set(found.takes) >= set(entry.takes), "a take was lost"
                found = replace(found, takes=entry.takes, also=entry.also)
            assert found == entry, "a choice made meanwhile was overwritten"
        elif address in ours.entries:
            assert merged.entries[address] == ours.entries[address]
    assert set(merged.entries) >= set(theirs.entries), "an entry was dropped"
    for address in kept:
        found, entry = merged.entries.get(address), theirs.entries.get(address)
        if isinstance(found, ImageEntry) and isinstance(entry, ImageEntry):
            mine = ours.entries[address]
            same = isinstance(mine, ImageEntry) and mine.want == entry.want
            assert not same or set(found.takes) >= {*entry.takes, *mine.takes}, "what was bought meanwhile is listed"
            found = replace(found, takes=entry.takes, also=entry.also)
        assert found == entry
    assert {**ours.resolved, **theirs.resolved} == dict(merged.resolved), "what was resolved once stays"


def test_another_choice_for_the_same_want_keeps_what_was_bought_beside_it() -> None:
    """Somebody picked, or rolled, while a build was buying for the same words."""
    base = image(16)
    mine = replace(base, takes=(*base.takes, digest(90)))
    theirs = replace(base, take=digest(19), level=Level.APPROVED, takes=(*base.takes, digest(91)))
    merged, kept = Lock(entries={"hero": theirs}).changed({"hero": base}, {"hero": mine}, resolved={}, project="p")
    assert kept == ("hero",)
    assert merged.entries["hero"] == replace(theirs, takes=(*base.takes, digest(91), digest(90)))


def test_two_writers_change_only_their_own_entries(tmp_path: Path) -> None:
    path, mutex = tmp_path / "seedpipe.lock", tmp_path / "mutex"
    writers = [LockWriter(path, shown_as="seedpipe.lock", base=Lock(), project="p", mutex=mutex) for _ in range(2)]
    writers[0].set("hero", image(1))
    writers[1].set("banner", image(2))
    writers[1].set("hero", image(3))
    for writer in writers:
        writer.flush(now=True)
    lock = load_lock(path, shown_as="seedpipe.lock")
    assert dict(lock.entries) == {"hero": image(1), "banner": image(2)}
    assert writers[1].left_alone == ("hero",)
    assert lock.project == "p"


def test_two_builds_that_chose_the_same_say_so_once_with_the_takes_of_both(tmp_path: Path) -> None:
    path, mutex = tmp_path / "seedpipe.lock", tmp_path / "mutex"
    first, second, third = (Digest.of(text) for text in (b"1", b"2", b"3"))
    line = replace(image(1), take=first, takes=(first,))
    writers = [LockWriter(path, shown_as="seedpipe.lock", base=Lock(), project="p", mutex=mutex) for _ in range(3)]
    writers[0].set("hero", replace(line, takes=(first, second)))
    writers[1].set("hero", replace(line, takes=(third, first)))
    writers[2].set("hero", replace(line, take=third, takes=(third,)))
    for writer in writers:
        writer.flush(now=True)
    entry = load_lock(path, shown_as="seedpipe.lock").image("hero")
    assert entry == replace(line, takes=(first, second, third))
    assert [writer.left_alone for writer in writers] == [(), (), ("hero",)]


def test_an_absent_lock_is_empty_but_a_torn_one_is_not(tmp_path: Path) -> None:
    path = tmp_path / "seedpipe.lock"
    assert load_lock(path, shown_as="seedpipe.lock") == Lock()
    path.write_bytes(b"")
    with pytest.raises(StateError):
        load_lock(path, shown_as="seedpipe.lock")


def test_unchanged_content_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "seedpipe.lock"
    path.write_text(write_lock(LOCK), encoding="utf-8")
    before = path.stat().st_mtime_ns
    writer = LockWriter(path, shown_as="seedpipe.lock", base=LOCK, project="lumen", mutex=tmp_path / "mutex")
    present: Entry = LOCK.entries["hero"]
    writer.set("hero", present)
    writer.flush(now=True)
    assert path.stat().st_mtime_ns == before
