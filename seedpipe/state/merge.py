"""Two locks that grew from one, brought together. Pure.

Nothing that was paid is lost: takes of both sides stay, those of another want in `also`. What only one side changed
is taken over. A person's word is stronger than a build's; of two people's words about one picture neither wins by itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from seedpipe.canonical import canonical_json
from seedpipe.names import Digest
from seedpipe.state.lock import DerivedEntry, Entry, ImageEntry, Level, Lock, SourceEntry, with_takes_of, write_lock

_STRENGTH = {Level.AUTO: 0, Level.APPROVED: 1, Level.PINNED: 2}


class Side(StrEnum):
    OURS = "ours"
    THEIRS = "theirs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispute:
    """Two people chose otherwise. Either line is whole: it has the takes of both sides."""

    address: str
    ours: ImageEntry
    theirs: ImageEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """`lock` has everything but the disputed lines. `remarks` say what was decided between sides, a sentence each."""

    lock: Lock
    disputes: tuple[Dispute, ...] = ()
    remarks: tuple[str, ...] = ()

    def settled(self, side: Side) -> Lock:
        """With one side's word in every dispute."""
        chosen = {one.address: one.ours if side is Side.OURS else one.theirs for one in self.disputes}
        return replace(self.lock, entries={**self.lock.entries, **chosen})


@dataclass(slots=True, kw_only=True)
class _Merge:
    disputes: list[Dispute] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def entry(self, address: str, base: Entry | None, ours: Entry | None, theirs: Entry | None) -> Entry | None:
        if ours == theirs or theirs == base:
            return ours
        if ours == base:
            return theirs
        if ours is None or theirs is None:
            kept = ours or theirs
            self.remarks.append(f"`{address}`: one side pruned it, the other changed it; it stays")
            return kept
        if isinstance(ours, ImageEntry) and isinstance(theirs, ImageEntry):
            return self._image(address, base if isinstance(base, ImageEntry) else None, ours, theirs)
        if isinstance(ours, ImageEntry) or isinstance(theirs, ImageEntry):
            self.remarks.append(f"`{address}` is bought on one side and not on the other; the bought picture stays")
            return ours if isinstance(ours, ImageEntry) else theirs
        return self._free(address, base, ours, theirs)

    def _free(
        self,
        address: str,
        base: Entry | None,
        ours: DerivedEntry | SourceEntry,
        theirs: DerivedEntry | SourceEntry,
    ) -> Entry:
        """Neither was chosen by a person: the next build makes or reads it again if it is the wrong one."""
        first, second = sorted((ours, theirs), key=lambda entry: str(entry.to_dict()))
        if isinstance(base, SourceEntry) and base.pixels in (_pixels(ours), _pixels(theirs)) and ours != theirs:
            return base  # the first digest of unchanged pixels stays
        if isinstance(ours, SourceEntry) and _pixels(ours) != _pixels(theirs):
            self.remarks.append(f"`{address}` was read with other content on each side; see `seedpipe plan`")
        return first if first is not second else ours

    def _image(self, address: str, base: ImageEntry | None, ours: ImageEntry, theirs: ImageEntry) -> ImageEntry | None:
        ours, theirs = with_takes_of(ours, theirs), with_takes_of(theirs, ours)
        winner = self._choice(address, base, ours, theirs)
        if winner is None:
            self.disputes.append(Dispute(address=address, ours=ours, theirs=theirs))
        return winner

    def _choice(self, address: str, base: ImageEntry | None, ours: ImageEntry, theirs: ImageEntry) -> ImageEntry | None:
        """Whose line it is; None: two people's words against each other."""
        if _chosen(ours) == _chosen(theirs):
            look = theirs.look if base is not None and base.look == ours.look else ours.look
            return replace(ours, level=_level(base, ours, theirs), look=look)
        if base is not None and _word(ours) == _word(base):
            return theirs
        if base is not None and _word(theirs) == _word(base):
            return ours
        by_person = [entry for entry in (ours, theirs) if entry.level is not Level.AUTO]
        if len(by_person) == 2:
            return None
        if by_person:
            self.remarks.append(
                f"`{address}` was {by_person[0].level.value} on one side and bought on the other; the choice stays"
            )
            return by_person[0]
        self.remarks.append(f"`{address}` was bought on both sides; `seedpipe takes {address}` shows both pictures")
        # of one want the first picture, as if one build had followed the other; of two wants the later words
        order = sorted((ours, theirs), key=lambda entry: (entry.made.at, str(entry.take)))
        return order[0] if ours.want == theirs.want else order[1]


def merge_locks(base: Lock | None, ours: Lock, theirs: Lock) -> Merged:
    """`base` is what both sides grew from; None if that is not known: then every difference is one of both sides."""
    origin = base or Lock()
    merge = _Merge()
    entries: dict[str, Entry] = {}
    for address in sorted({*origin.entries, *ours.entries, *theirs.entries}):
        found = merge.entry(address, *(lock.entries.get(address) for lock in (origin, ours, theirs)))
        if found is not None:
            entries[address] = found
    resolved = _resolved(origin.resolved, ours.resolved, theirs.resolved, merge.remarks)
    project = ours.project or theirs.project
    if ours.project and theirs.project and ours.project != theirs.project:
        project = theirs.project if ours.project == origin.project else ours.project
        merge.remarks.append(
            f"the sides have other projects, `{ours.project}` and `{theirs.project}`; `{project}` stays, and what was"
            " bought under the other is found when it is named again"
        )
    lock = Lock(project=project, resolved=resolved, entries=entries)
    return Merged(lock=lock, disputes=tuple(merge.disputes), remarks=tuple(merge.remarks))


def _resolved(
    base: Mapping[str, str], ours: Mapping[str, str], theirs: Mapping[str, str], remarks: list[str]
) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for ask in sorted({*ours, *theirs}):
        mine, other, before = ours.get(ask), theirs.get(ask), base.get(ask)
        if mine is None or other is None:
            found[ask] = mine or other or ""
        elif mine == other or other == before:
            found[ask] = mine
        elif mine == before:
            found[ask] = other
        else:
            found[ask] = min(mine, other)
            remarks.append(f"`{ask}` is `{mine}` on one side and `{other}` on the other; it stays `{found[ask]}`")
    return found


def _chosen(entry: ImageEntry) -> tuple[Digest, Digest]:
    return entry.want, entry.take


def _word(entry: ImageEntry) -> tuple[Digest, Digest, Level]:
    return entry.want, entry.take, entry.level


def _level(base: ImageEntry | None, ours: ImageEntry, theirs: ImageEntry) -> Level:
    """Of one choice: what one side changed, else the stronger word."""
    if base is not None and _chosen(base) == _chosen(ours):
        if ours.level == base.level:
            return theirs.level
        if theirs.level == base.level:
            return ours.level
    return max(ours.level, theirs.level, key=lambda level: _STRENGTH[level])


def _pixels(entry: Entry) -> Digest | None:
    return entry.pixels if isinstance(entry, SourceEntry) else None


# ------------------------------------------------------------------------------------------------------- conflict markers

_OURS, _BASE, _SPLIT, _THEIRS = "<<<<<<<", "|||||||", "=======", ">>>>>>>"
_FOLLOWS: Mapping[str, Sequence[str | None]] = {
    _OURS: (None,),
    _BASE: (_OURS,),
    _SPLIT: (_OURS, _BASE),
    _THEIRS: (_SPLIT,),
}


def write_merged(merged: Merged) -> str:
    """The lock's text, with conflict markers around each line that two people chose otherwise."""
    lines = write_lock(merged.settled(Side.OURS)).rstrip("\n").split("\n")
    disputed = {one.address: one for one in merged.disputes}
    written: list[str] = []
    for line in lines:
        dispute = disputed.get(line.partition(" ")[0])
        if dispute is None:
            written.append(line)
            continue
        theirs = f"{dispute.address} {canonical_json(dispute.theirs.to_dict())}"
        written += [f"{_OURS} ours", line, _SPLIT, theirs, f"{_THEIRS} theirs"]
    return "\n".join(written) + "\n"


def has_markers(text: str) -> bool:
    return any(line.startswith((_OURS, _THEIRS)) for line in text.split("\n"))


def sides_of(text: str) -> tuple[str | None, str, str]:
    """Base (where the markers show it), ours and theirs of a text with conflict markers.

    Raises `ValueError` for markers that don't match.
    """
    sides: dict[str, list[str]] = {_BASE: [], _OURS: [], _THEIRS: []}
    inside: str | None = None
    base_seen = False
    for number, line in enumerate(text.rstrip("\n").split("\n"), 1):
        marker = line[:7]
        if marker in _FOLLOWS:
            if inside not in _FOLLOWS[marker]:
                raise ValueError(f"line {number}: a conflict marker that does not match")
            base_seen = base_seen or marker == _BASE
            inside = None if marker == _THEIRS else marker
        elif inside is None:
            for side in sides.values():
                side.append(line)
        else:
            sides[_THEIRS if inside == _SPLIT else inside].append(line)
    if inside is not None:
        raise ValueError("the last conflict marker is not closed")
    base, ours, theirs = ("\n".join(sides[side]) + "\n" for side in (_BASE, _OURS, _THEIRS))
    return (base if base_seen else None), ours, theirs
