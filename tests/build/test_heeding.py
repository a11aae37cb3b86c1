"""Which words of a person, said while a build makes the picture, the next build leaves as they are."""

from dataclasses import replace

import pytest

from seedpipe.build.heeding import holds
from seedpipe.names import Digest
from seedpipe.state.lock import ImageEntry, Level, Made

NEW, OLD, OWN, OTHER = (Digest.of(word.encode()) for word in ("new", "old", "own", "other"))
MADE = Made(request=NEW, model="m", provider="p", size="1x1", at="2026-11-23T21:04:05Z")
OURS = ImageEntry(want=NEW, own=OWN, take=NEW, made=MADE, takes=(NEW,))


@pytest.mark.parametrize(
    ("want", "own", "level", "stays"),
    [
        (NEW, OWN, Level.APPROVED, True),  # picked or kept for what is asked
        (NEW, OWN, Level.AUTO, True),  # of another build
        (OLD, OTHER, Level.PINNED, True),
        (OLD, OWN, Level.APPROVED, True),  # only what it is made from has changed
        (OLD, OTHER, Level.APPROVED, False),  # its own words have, and they replace it
        (OLD, OWN, Level.AUTO, False),
    ],
)
def test_only_a_choice_that_stays_is_gone_on_with(want: Digest, own: Digest, level: Level, stays: bool) -> None:
    theirs = replace(OURS, want=want, own=own, level=level, take=OLD, takes=(OLD,))
    assert holds(theirs, OURS) is stays
