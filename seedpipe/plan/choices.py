"""People's decisions about one picture: a lock line and a verb give another lock line, or why it can't be. Pure.

No verb loses a picture from the line's lists of takes, and none but `unpin` loosens a pin.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from seedpipe.canonical import digest_of
from seedpipe.errors import DecisionError
from seedpipe.names import Digest
from seedpipe.plan.present import Present
from seedpipe.state.lock import ImageEntry, Level, Made, with_takes_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A picture that can become the choice. `want` is what it was made for, where that is known."""

    digest: Digest
    made: Made
    want: Digest | None = None


def is_current(entry: ImageEntry, present: Present) -> bool:
    """Whether the chosen picture was made (or kept) for what the manifest asks now."""
    return present.want is not None and entry.want == present.want


def picked(
    entry: ImageEntry | None,
    present: Present,
    picture: Candidate,
    *,
    pool: Sequence[Digest] = (),
    level: Level = Level.APPROVED,
) -> ImageEntry:
    """`picture` becomes the choice for the present words, whatever it was made for; `pool` are the takes of those words.

    While a picture that it is made from is missing, only a take of the words in the lock can be chosen.
    """
    if present.want is None:
        if entry is None or picture.want != entry.want:
            raise _waits(present)
        chosen = replace(entry, take=picture.digest, level=_raised(entry, level), made=picture.made)
        return _listing(_without_output(chosen), (picture.digest,))
    chosen = ImageEntry(
        want=present.want,
        own=present.own,
        take=picture.digest,
        level=_raised(entry, level),
        made=picture.made,
        asked=present.asked,
        look=present.look,
    )
    return _listing(_beside(chosen, entry), (*pool, picture.digest))


def approved(entry: ImageEntry | None, present: Present, *, stale: bool = False) -> ImageEntry:
    """Only a picture that is current, or with `stale` one that what it is made from has left behind."""
    entry = _there(entry, present)
    if entry.level is Level.PINNED or is_current(entry, present):
        return replace(entry, level=_raised(entry, Level.APPROVED))
    if entry.own != present.own:  # also of one that was approved: the next build replaces it
        raise DecisionError(
            f"`{present.address}` was made for other words than it has now",
            hint=f"`seedpipe keep {present.address}` says that it is right for these, too",
        )
    if not stale and entry.level is Level.AUTO:
        raise DecisionError(
            f"`{present.address}` was made from pictures that have changed since",
            hint=f"`seedpipe approve {present.address} --stale` approves it all the same",
        )
    return replace(entry, level=Level.APPROVED)


def pinned(entry: ImageEntry | None, present: Present) -> ImageEntry:
    """From now on nothing but a person's word about this very picture replaces it."""
    return replace(_there(entry, present), level=Level.PINNED)


def unpinned(entry: ImageEntry | None, present: Present, *, back_to: Level) -> ImageEntry:
    entry = _there(entry, present)
    if entry.level is not Level.PINNED:
        hint = (
            f"`seedpipe takes {present.address}` shows how it stands"
            if entry.level is Level.AUTO
            else "`seedpipe undo` takes an approval back"
        )
        raise DecisionError(f"`{present.address}` is not pinned, it is {entry.level}", hint=hint)
    return replace(entry, level=back_to)


def kept(entry: ImageEntry | None, present: Present) -> ImageEntry:
    """The chosen picture stands for the present words from now on; how it was made stays on record."""
    entry = _there(entry, present)
    if is_current(entry, present):
        return entry
    if present.want is None:
        keeps = f"`seedpipe approve {present.address} --stale` keeps it until then"
        raise _waits(present, keeps if entry.level is Level.AUTO else None)
    asked = replace(
        entry, want=present.want, own=present.own, asked=present.asked, takes=(), also={}, look=present.look
    )
    return _listing(_beside(replace(asked, level=_raised(entry, Level.APPROVED)), entry), (entry.take,))


def promoted(
    entry: ImageEntry | None,
    present: Present,
    theirs: ImageEntry,
    picture: Candidate,
    *,
    named: bool,
    pool: Sequence[Digest] = (),
) -> ImageEntry:
    """The choice of another lock becomes this one's: as it is for the same want, else as kept for what is asked here.

    What a person has chosen here gives way only if it is `named`, and a pinned picture not even then.
    """
    if entry is not None and entry.take == theirs.take and is_current(entry, present):
        return replace(entry, level=max(entry.level, theirs.level, key=list(Level).index))
    if entry is not None and (entry.level is Level.PINNED or (entry.level is Level.APPROVED and not named)):
        hint = f"`seedpipe unpin {present.address}` first" if entry.level is Level.PINNED else "name it to replace it"
        raise DecisionError(f"`{present.address}` has a picture of its own, which is {entry.level}", hint=hint)
    same = present.want is not None and theirs.want == present.want
    level = theirs.level if same or theirs.level is Level.PINNED else Level.APPROVED
    if present.want is None:
        raise _waits(present)
    return picked(entry, present, picture, pool=pool, level=level)


def adopted(entry: ImageEntry | None, present: Present, picture: Candidate) -> ImageEntry:
    """A picture that a person brought becomes the choice."""
    if present.want is None:
        raise _waits(present)
    return picked(entry, present, picture)


def adopted_by(who: str, digest: Digest, *, size: str, at: str) -> Made:
    """How an adopted picture came to be: nothing was asked for."""
    request = digest_of({"seedpipe": "adopted/1", "picture": str(digest)})
    return Made(request=request, model="", provider="", size=size, at=at, adopted_by=who)


def can_be_taken_back(present: ImageEntry, before: ImageEntry | None, after: ImageEntry) -> bool:
    """Whether the choice is still the one of `after`, and `before` has room for the takes that have come since."""
    return _choice(present) == _choice(after) and (before is not None or set(present.all_takes) <= set(after.all_takes))


def taken_back(present: ImageEntry, before: ImageEntry | None, after: ImageEntry) -> ImageEntry | None:
    """`before`, exactly; takes that have come since stay listed. None: there was no line."""
    return before if before is None or present == after else with_takes_of(before, present)


def _choice(entry: ImageEntry) -> ImageEntry:
    """The line less what a build adds to it by itself."""
    return replace(_without_output(entry), takes=(), also={})


def _without_output(entry: ImageEntry) -> ImageEntry:
    """The file is written anew, and then the line says what it is."""
    return replace(entry, output=None, finish={})


def _beside(entry: ImageEntry, before: ImageEntry | None) -> ImageEntry:
    """With all takes of the line before: those of the same want in its list, the others in `also`."""
    if before is None:
        return entry
    known = {before.want: before.takes, **before.also}
    also = {want: takes for want, takes in sorted(known.items()) if want != entry.want}
    return replace(entry, takes=known.get(entry.want, ()), also=also)


def _listing(entry: ImageEntry, takes: Sequence[Digest]) -> ImageEntry:
    return replace(entry, takes=tuple(dict.fromkeys([*entry.takes, *takes])))


def _raised(entry: ImageEntry | None, level: Level) -> Level:
    return Level.PINNED if entry is not None and entry.level is Level.PINNED else level


def _there(entry: ImageEntry | None, present: Present) -> ImageEntry:
    if entry is None:
        raise DecisionError(
            f"`{present.address}` has no picture yet", hint=f"`seedpipe build {present.address}` makes one"
        )
    return entry


def _waits(present: Present, hint: str | None = None) -> DecisionError:
    names = ", ".join(f"`{address}`" for address in present.waits_for)
    first = hint or f"`seedpipe build {' '.join(present.waits_for)}`, then decide"
    return DecisionError(f"`{present.address}` is made from {names}, whose picture comes first", hint=first)
