"""Whether lines of the lock agree with each other, with what people decided and with what this machine received. Pure."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from seedpipe.canonical import canonical_json
from seedpipe.errors import Fault, Severity
from seedpipe.names import Digest
from seedpipe.plan.graph import Graph
from seedpipe.plan.lock_place import GARBLED, Place
from seedpipe.source import Position
from seedpipe.state.decisions import Decision, Verb, effective
from seedpipe.state.lock import ImageEntry, Level, Made
from seedpipe.state.take import Take

Line = tuple[Place, ImageEntry]
_SAYS: Final = {Level.APPROVED: "approve", Level.PINNED: "pin"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What is on record beside a lock: people's decisions, and with `received` the takes that this machine has for a line.

    `file` is the record of decisions, as people know it; `decisions` is None where it can't be read.
    """

    file: str
    decisions: Sequence[Decision] | None
    received: Callable[[ImageEntry], Sequence[Take]] | None = None

    def faults(self, lines: Sequence[Line], unproven: Sequence[Line]) -> Iterator[Fault]:
        """`unproven` are those of the lines whose words the manifest has not."""
        yield from self._twins(lines, unproven)
        for place, entry in lines:
            yield from self._made(place, entry)
        yield from self._levels(lines)

    def gone(self, lines: Sequence[Line], *, lock: str, graph: Graph) -> Iterator[Fault]:
        """Pictures of the manifest that a person chose, and that no line is about any more."""
        names = {place.name for place, _ in lines}
        named = {take for _, entry in lines for takes in (entry.takes, *entry.also.values()) for take in takes}
        last = {one.node: one for one in effective(self.decisions or ()) if one.changes_the_lock}
        for address, one in last.items():
            after = one.after
            if address in names or address not in graph or not isinstance(after, ImageEntry):
                continue
            if after.level is not Level.AUTO and after.take not in named:
                words = f"`{address}`: the lock has no line of it, and {one.who} chose {after.take.short} (`{one.act}`)"
                hint = f"restore the line from git, or `seedpipe pick {address} {after.take.short}` chooses it again"
                yield Fault(
                    code="lock-line",
                    message=words,
                    position=Position(lock, 1, 1),
                    hint=hint,
                    severity=Severity.WARNING,
                )

    def _twins(self, lines: Sequence[Line], unproven: Sequence[Line]) -> Iterator[Fault]:
        """One want has one document, and one document one want, wherever they stand."""
        asked_of: dict[Digest, tuple[str, str]] = {}
        want_of: dict[str, tuple[Digest, str]] = {}

        def know(entry: ImageEntry, where: str) -> None:
            asked = _text(entry)
            asked_of.setdefault(entry.want, (asked, where))
            want_of.setdefault(asked, (entry.want, where))

        if not unproven:
            return
        doubtful = {place.number for place, _ in unproven}
        for place, entry in lines:
            if place.number not in doubtful:
                know(entry, f"`{place.name}` in line {place.number}")
        for one in self.decisions or ():
            for value in (one.before, one.after):
                if isinstance(value, ImageEntry):
                    know(value, f"`{one.node}` in the decision `{one.id}`")
        for place, entry in unproven:
            asked, asked_where = asked_of.get(entry.want, (_text(entry), ""))
            want, want_where = want_of.get(_text(entry), (entry.want, ""))
            if asked != _text(entry):
                yield place.error(f"`want` is that of {asked_where}, and `asked` is not", place.column_of("asked"))
            elif want != entry.want:
                yield place.error(f"`asked` is that of {want_where}, and `want` is not", place.column_of("want"))
            know(entry, f"`{place.name}` in line {place.number}")

    def _levels(self, lines: Sequence[Line]) -> Iterator[Fault]:
        """What a person has chosen is on record. Where no record is there at all, one word is enough."""
        if self.decisions is None:
            return
        chosen = _choices(self.decisions)
        by_a_person = [(place, entry) for place, entry in lines if entry.level is not Level.AUTO]
        silent = [(place, entry) for place, entry in by_a_person if (entry.take, entry.level) not in chosen]
        if len(silent) > 1 and not self.decisions:
            place, entry = silent[0]
            words = f"it is {entry.level}, as {len(silent) - 1} more are, and there is no record of decisions"
            hint = f"commit `{self.file}` beside the lock, or restore it from git"
            yield place.warning(words, place.column_of("level"), hint=hint)
            return
        for place, entry in silent:
            words = f"{entry.take.short} is {entry.level}, and no decision on record says so"
            hint = (
                f'if it is right, `seedpipe {_SAYS[entry.level]} {place.name} -m "…"` puts it on record;'
                f" if a decision is lost, restore `{self.file}` from git"
            )
            yield place.warning(words, place.column_of("level"), hint=hint)

    def _made(self, place: Place, entry: ImageEntry) -> Iterator[Fault]:
        """The moment and the request of another picture, by what came to this machine."""
        came = self.received(entry) if self.received is not None else ()
        told = {take.digest for take in came if Made.of(take) == entry.made}
        if told and entry.take not in told and entry.take in entry.takes:
            words = f"the chosen take is {entry.take.short}, and `made` is about {min(told).short}"
            hint = f"restore the line from git, or `seedpipe pick {place.name} TAKE` chooses again"
            yield place.error(words, place.column_of("take"), hint=hint)


def _choices(decisions: Sequence[Decision]) -> frozenset[tuple[Digest, Level]]:
    """Which picture was ever put at which level, whatever it was called."""
    images = (one.after for one in decisions if one.verb not in (Verb.NOTE, Verb.RESTORE))
    return frozenset((image.take, image.level) for image in images if isinstance(image, ImageEntry))


def _text(entry: ImageEntry) -> str:
    try:
        return canonical_json(entry.asked)
    except GARBLED:  # what no document holds is nobody's
        return f"none: {entry.want}"
