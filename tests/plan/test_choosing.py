"""People's verbs on one line of the lock: every level, every verb, and what no verb may do."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedpipe.errors import DecisionError
from seedpipe.names import Digest
from seedpipe.plan.choices import (
    Candidate,
    adopted,
    adopted_by,
    approved,
    can_be_taken_back,
    is_current,
    kept,
    picked,
    pinned,
    taken_back,
    unpinned,
)
from seedpipe.plan.present import Present
from seedpipe.state.lock import ImageEntry, Level, Made

NOW, THEN, OTHER, OWN, OLD_OWN = (Digest.of(name.encode()) for name in ("now", "then", "other", "own", "old own"))
DOCUMENT = {"seedpipe": "image/1", "model": "seedream-4-0-250828", "prompt": "A lamp"}


def take(number: int) -> Digest:
    return Digest(f"{number:064x}")


def made(request: Digest = NOW) -> Made:
    return Made(
        request=request, model="seedream-4-0-250828", provider="apiyi", size="1024x1024", at="2026-11-24T10:00Z"
    )


def line(want: Digest = NOW, own: Digest = OWN, level: Level = Level.AUTO, chosen: int = 1) -> ImageEntry:
    return ImageEntry(
        want=want, own=own, take=take(chosen), level=level, made=made(want), asked={}, takes=(take(1), take(2)),
        output=take(50), also={OTHER: (take(20), take(21)), (THEN if want == NOW else NOW): (take(30),)},
    )  # fmt: skip


def present(want: Digest | None = NOW, own: Digest = OWN) -> Present:
    waits_for = () if want is not None else ("base",)
    return Present(address="hero", want=want, own=own, document=DOCUMENT, waits_for=waits_for)


def candidate(number: int = 3, want: Digest | None = NOW) -> Candidate:
    return Candidate(digest=take(number), made=made(want or NOW), want=want)


levels = st.sampled_from(Level)
asked_for = st.sampled_from([(NOW, OWN), (THEN, OWN), (THEN, OLD_OWN)])  # equal wants have equal words of their own
lines = st.builds(lambda keys, level, chosen: line(*keys, level, chosen), asked_for, levels, st.integers(1, 2))
presents = st.builds(present, st.sampled_from([NOW, None]))
candidates = st.builds(candidate, st.integers(1, 6), st.sampled_from([NOW, THEN, None]))
VERBS: dict[str, Callable[[ImageEntry, Present, Candidate], ImageEntry]] = {
    "pick": lambda entry, asked, picture: picked(entry, asked, picture, pool=(take(7),)),
    "approve": lambda entry, asked, _: approved(entry, asked),
    "approve --stale": lambda entry, asked, _: approved(entry, asked, stale=True),
    "pin": lambda entry, asked, _: pinned(entry, asked),
    "unpin": lambda entry, asked, _: unpinned(entry, asked, back_to=Level.APPROVED),
    "keep": lambda entry, asked, _: kept(entry, asked),
    "adopt": lambda entry, asked, picture: adopted(entry, asked, picture),
}


def applied(verb: str, entry: ImageEntry, asked: Present, picture: Candidate) -> ImageEntry | None:
    try:
        return VERBS[verb](entry, asked, picture)
    except DecisionError:
        return None


@pytest.mark.parametrize("verb", VERBS)
@given(entry=lines, asked=presents, picture=candidates)
def test_what_no_verb_does(verb: str, entry: ImageEntry, asked: Present, picture: Candidate) -> None:
    after = applied(verb, entry, asked, picture)
    if after is None:
        return
    for want, takes in {entry.want: entry.takes, **entry.also}.items():
        listed = after.takes if want == after.want else after.also[want]
        assert listed[: len(takes)] == takes, "a take is lost from its list, or stands elsewhere in it"
    assert after.want not in after.also
    assert after.take in after.takes
    assert len(set(after.takes)) == len(after.takes)
    if entry.level is Level.PINNED:
        assert (after.level is Level.PINNED) is (verb != "unpin"), "only unpin loosens a pin"
    if verb in ("approve", "approve --stale", "pin", "unpin", "keep"):
        assert (after.take, after.made, after.output) == (entry.take, entry.made, entry.output), "another picture"
    if verb in ("approve", "approve --stale", "pin", "unpin"):
        assert (after.want, after.own, after.asked) == (entry.want, entry.own, entry.asked)
    if verb in ("pick", "adopt"):
        assert (after.take, after.made, after.output) == (picture.digest, picture.made, None)
        assert after.level is not Level.AUTO
    if verb in ("pick", "adopt", "keep") and asked.want is not None:
        assert is_current(after, asked) and after.own == asked.own, "it stands for what is asked now"
        assert after.asked == (entry.asked if after == entry else asked.asked)


@given(
    entry=lines,
    asked=presents,
    picture=candidates,
    verb=st.sampled_from(sorted(VERBS)),
    more=st.lists(st.integers(1, 9)),
)
def test_taken_back_exactly_and_never_at_the_cost_of_a_take(
    entry: ImageEntry, asked: Present, picture: Candidate, verb: str, more: list[int]
) -> None:
    after = applied(verb, entry, asked, picture)
    if after is None:
        return
    assert can_be_taken_back(after, entry, after)
    assert taken_back(after, entry, after) == entry
    built = replace(after, takes=tuple(dict.fromkeys([*after.takes, *map(take, more)])), output=take(60))
    assert can_be_taken_back(built, entry, after)
    back = taken_back(built, entry, after)
    assert back is not None
    assert replace(back, takes=entry.takes, also=entry.also) == entry
    for line_ in (built, entry):
        for want, pool in {line_.want: line_.takes, **line_.also}.items():
            assert set(pool) <= set(back.takes if want == back.want else back.also[want])
    assert not can_be_taken_back(replace(after, take=take(99)), entry, after), "it is another choice by now"
    assert not can_be_taken_back(replace(after, want=Digest.of(b"later")), entry, after)
    for level in set(Level) - {after.level}:
        assert not can_be_taken_back(replace(after, level=level), entry, after)


def test_a_first_choice_is_taken_back_unless_takes_have_come_since() -> None:
    first = picked(None, present(), candidate())
    assert can_be_taken_back(replace(first, output=take(60)), None, first)
    assert taken_back(first, None, first) is None
    assert not can_be_taken_back(replace(first, takes=(*first.takes, take(9))), None, first)


@pytest.mark.parametrize("level", Level)
def test_another_take_becomes_the_choice(level: Level) -> None:
    after = picked(line(level=level), present(), candidate())
    expected = Level.PINNED if level is Level.PINNED else Level.APPROVED
    assert (after.take, after.level, after.want) == (take(3), expected, NOW)
    assert after.takes == (take(1), take(2), take(3))


def test_a_take_for_earlier_words_stands_for_those_of_now() -> None:
    after = picked(line(want=THEN, own=OLD_OWN), present(), candidate(want=THEN))
    assert (after.want, after.own, after.made.request) == (NOW, OWN, THEN)
    assert after.asked["prompt"] == str(Digest.of(b"A lamp"))


def test_a_first_choice_needs_no_line() -> None:
    after = picked(None, present(), candidate(), pool=(take(3), take(4)))
    assert (after.take, after.level, after.takes) == (take(3), Level.APPROVED, (take(3), take(4)))


def test_while_what_it_is_made_from_is_missing_only_takes_of_the_same_words_can_be_picked() -> None:
    waiting = present(want=None)
    after = picked(line(), waiting, candidate(2, NOW))
    assert (after.take, after.level, after.want) == (take(2), Level.APPROVED, NOW)
    for entry, picture in ((line(), candidate(want=THEN)), (None, candidate()), (line(), candidate(want=None))):
        with pytest.raises(DecisionError, match="is made from `base`, whose picture comes first"):
            picked(entry, waiting, picture)
    with pytest.raises(DecisionError, match="comes first"):
        adopted(line(), waiting, candidate())
    with pytest.raises(DecisionError, match="comes first") as caught:
        kept(line(), waiting)
    assert "approve hero --stale" in str(caught.value.hint)


def test_only_a_current_picture_is_approved_unless_told() -> None:
    assert approved(line(), present()).level is Level.APPROVED
    for asked in (present(), present(want=None)):
        stale = line(want=THEN)
        with pytest.raises(DecisionError, match="made from pictures that have changed since") as caught:
            approved(stale, asked)
        assert "--stale" in str(caught.value.hint)
        assert approved(stale, asked, stale=True) == replace(stale, level=Level.APPROVED)
        for told in (False, True):
            with pytest.raises(DecisionError, match="made for other words") as caught:
                approved(line(want=THEN, own=OLD_OWN), asked, stale=told)
            assert "seedpipe keep hero" in str(caught.value.hint)


@pytest.mark.parametrize("level", [Level.APPROVED, Level.PINNED])
def test_what_is_approved_already_stays_as_it_is(level: Level) -> None:
    own = present().own
    for entry in (line(level=level), line(want=THEN, own=own, level=level)):
        assert approved(entry, present()) == entry


def test_what_was_approved_for_other_words_is_not_approved_for_these() -> None:
    """A build replaces it; what is pinned it doesn't."""
    pinned_line = line(want=THEN, own=OLD_OWN, level=Level.PINNED)
    assert approved(pinned_line, present()) == pinned_line
    with pytest.raises(DecisionError, match="other words"):
        approved(line(want=THEN, own=OLD_OWN, level=Level.APPROVED), present(), stale=True)


def test_keep_says_that_this_picture_is_right_for_the_new_words() -> None:
    entry = line(want=THEN, own=OLD_OWN)
    after = kept(entry, present())
    assert (after.want, after.own, after.take, after.level) == (NOW, OWN, entry.take, Level.APPROVED)
    assert after.made == entry.made and after.made.request == THEN, "how it was made is no other story now"
    assert kept(line(), present()) == line(), "a current picture needs no keeping"


def test_an_adopted_picture_says_by_whom() -> None:
    origin = adopted_by("Mika", take(8), size="800x600", at="2026-11-24T10:00:00Z")
    after = adopted(line(), present(), Candidate(digest=take(8), made=origin))
    assert (after.made.adopted_by, after.made.size, after.level) == ("Mika", "800x600", Level.APPROVED)
    assert after.made.request not in (after.want, line().made.request), "it was asked for by nobody"
    assert Made.from_dict(after.made.to_dict()) == after.made


@pytest.mark.parametrize("verb", ["approve", "pin", "unpin", "keep"])
def test_without_a_picture_there_is_nothing_to_say(verb: str) -> None:
    with pytest.raises(DecisionError, match="`hero` has no picture yet"):
        VERBS[verb](None, present(), candidate())  # type: ignore[arg-type]


@pytest.mark.parametrize("level", [Level.AUTO, Level.APPROVED])
def test_only_what_is_pinned_is_unpinned(level: Level) -> None:
    with pytest.raises(DecisionError, match=f"`hero` is not pinned, it is {level}"):
        unpinned(line(level=level), present(), back_to=Level.AUTO)
