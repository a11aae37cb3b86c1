"""Takes that a picture's next line would be without: bought under a name that it had, or on another machine."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar

from seedpipe.errors import StateError
from seedpipe.names import Digest
from seedpipe.state.decisions import Decision, Verb, earlier_names
from seedpipe.state.journal import Journal
from seedpipe.state.lock import ImageEntry
from seedpipe.state.take import Take
from seedpipe.state.takes import Takes

_AT_ONCE = 500  # names in one question to the journal

Pools = dict[Digest, tuple[Digest, ...]]  # want → takes
Want = TypeVar("Want", Digest, Digest | None)


@dataclass(kw_only=True)
class EarlierTakes:
    """The journal lists what was bought here for a name; what a line names beside that, only lines can hand on.

    `left_over` are lines whose addresses the manifest no longer has, `decided` reads the record of decisions, `moved` are
    old and new names by the manifest's word. Without journal and index, lines and decisions tell what they know.
    """

    journal: Journal | None
    takes: Takes | None
    left_over: Mapping[str, ImageEntry]
    decided: Callable[[], Sequence[Decision]]
    moved: Sequence[tuple[str, str]] = ()
    profile: str | None = None
    _by_want: dict[Digest, list[str]] = field(init=False)

    def __post_init__(self) -> None:
        self._by_want = defaultdict(list)
        for name, line in self.left_over.items():
            self._by_want[line.want].append(name)

    def beside(self, address: str, entry: ImageEntry | None, want: Digest) -> Pools:
        """What the line of `address` for `want` names beside what is at hand for it; `entry` is the line of before."""
        found: Pools = {}
        if entry is None:
            for name in self._by_want.get(want, ()):  # it is called otherwise now, and nobody said so
                self._of_another_name(name, found)
        elif entry.want != want:
            known = self._listed_anyway(address, entry.want)
            _add(found, entry.want, (take for take in entry.takes_for(entry.want) if take not in known))
        return found

    def _listed_anyway(self, address: str, want: Digest) -> set[Digest]:
        """Of the takes for `want`: those that were bought here under a name of the picture, or decided about."""
        names = self._names(address)
        bought = {take.digest for take in (self.takes.of(want) if self.takes else ()) if take.address in names}
        told = [digest for name in names for pool in self._on_record.get(name, {}).values() for digest in pool]
        return bought.union(told)

    def _of_another_name(self, name: str, found: Pools) -> None:
        """All that its line names, that was bought for it and that people have decided about it."""
        line = self.left_over[name]
        for want, takes in _pools_of(line).items():
            _add(found, want, takes)
        for take in self._bought_for.get(name, ()):
            _add(found, take.want, (take.digest,))
        for former in self._names(name):
            for shown, digests in self._on_record.get(former, {}).items():
                _add(found, shown or line.want, digests)

    @cached_property
    def _bought_for(self) -> Mapping[str, Sequence[Take]]:
        """What was bought here for each line that is left over, under whichever of its names."""
        owners: dict[str, list[str]] = defaultdict(list)
        for line in self.left_over:
            for name in self._names(line):
                owners[name].append(line)
        found: dict[str, list[Take]] = defaultdict(list)
        if self.journal is None:
            return found
        names = list(owners)
        for start in range(0, len(names), _AT_ONCE):
            for take in self.journal.takes_at(names[start : start + _AT_ONCE], profiles=(self.profile,)):
                for line in owners[take.address]:
                    found[line].append(take)
        return found

    def _names(self, address: str) -> tuple[str, ...]:
        return earlier_names(self._moves, address, self.moved)

    @cached_property
    def _moves(self) -> Sequence[Decision]:
        return [one for one in self._record if one.verb == Verb.MOVE]

    @cached_property
    def _on_record(self) -> Mapping[str, Mapping[Digest | None, tuple[Digest, ...]]]:
        """Name → want → takes that a decision about it shows; None: a file that was kept before it was written over."""
        found: dict[str, dict[Digest | None, tuple[Digest, ...]]] = defaultdict(dict)
        for one in self._record:
            for value in (one.before, one.after):
                if isinstance(value, ImageEntry):
                    for want, takes in _pools_of(value).items():
                        _add(found[one.node], want, takes)
            if one.file is not None:
                _add(found[one.node], None, (one.file,))
        return found

    @cached_property
    def _record(self) -> Sequence[Decision]:
        try:
            return self.decided()
        except StateError:  # `check` tells of it; here it only means that fewer names are known
            return ()


def _pools_of(line: ImageEntry) -> Pools:
    """Want → takes, of all that a line names."""
    return {want: line.takes_for(want) for want in (line.want, *line.also)}


def _add(pools: dict[Want, tuple[Digest, ...]], want: Want, takes: Iterable[Digest]) -> None:
    joined = tuple(dict.fromkeys([*pools.get(want, ()), *takes]))
    if joined:
        pools[want] = joined
