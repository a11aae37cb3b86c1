"""Choices of one lock taken over into another: what was approved as a draft becomes the picture."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from seedpipe.errors import DecisionError
from seedpipe.plan.choices import promoted
from seedpipe.plan.document_changes import compare_documents
from seedpipe.plan.following import Outcome
from seedpipe.plan.key import DEFAULTS_1, without_references
from seedpipe.plan.present import Present
from seedpipe.plan.reason import Reason
from seedpipe.plan.takes import KnownTake
from seedpipe.project.deciding import Change, Desk
from seedpipe.project.known_takes import candidate
from seedpipe.state.decisions import Verb
from seedpipe.state.lock import ImageEntry, Level


@dataclass(slots=True)
class _Gathered:
    """What is to be decided so far; what is made from it is judged as if it were so already."""

    changes: dict[str, Change] = field(default_factory=dict)
    unchanged: list[str] = field(default_factory=list)
    refused: list[tuple[str, DecisionError]] = field(default_factory=list)
    otherwise: list[tuple[str, Sequence[Reason]]] = field(
        default_factory=list
    )  # made for something else than asked here


def chosen_in(desk: Desk, addresses: Sequence[str], *, named: bool) -> Sequence[str]:
    """Those of `addresses` that somebody chose at `desk`; with `named` all that have a picture there."""
    entries = {address: desk.entry(address) for address in addresses}
    return [
        address for address, entry in entries.items() if entry is not None and (named or entry.level is not Level.AUTO)
    ]


def promote(
    desk: Desk, theirs: Desk, addresses: Sequence[str], *, profile: str, named: bool, note: str | None
) -> tuple[Outcome, Sequence[tuple[str, Sequence[Reason]]]]:
    """Takes the choices of `addresses` over from `theirs` to `desk`; says beside the outcome what differs in them.

    `addresses` are in graph order: what a picture is made from is taken over before it. Raises `DecisionError` for a
    single one that can't be.
    """
    plan = desk.plan(addresses)
    gathered = _Gathered()
    waiting = list(addresses)
    while waiting:
        together = _first(desk, waiting)
        seen = desk.supposing({name: change.after for name, change in gathered.changes.items()})
        for present in seen.present(together, seen.plan(together)).values():
            _one(desk, theirs, present, gathered, profile=profile, named=named)
        waiting = [address for address in waiting if address not in together]
    if gathered.refused and len(addresses) == 1:
        raise gathered.refused[0][1]
    changes = [_with_earlier_takes(desk, change) for change in gathered.changes.values()]
    outcome = Outcome(
        verb=Verb.PROMOTE,
        decisions=desk.record(Verb.PROMOTE, changes, note=note) if changes else (),
        unchanged=gathered.unchanged,
        refused=gathered.refused,
        plan=plan,
    )
    return outcome, gathered.otherwise


def _with_earlier_takes(desk: Desk, change: Change) -> Change:
    if change.before is not None or not isinstance(change.after, ImageEntry):
        return change
    return replace(change, after=desk.with_earlier_takes(change.after, change.name))


def _first(desk: Desk, waiting: Sequence[str]) -> Collection[str]:
    """Those that none of the others is above."""
    graph, left = desk.project.graph, set(waiting)
    return {address for address in waiting if not (graph.everything_above([address]) - {address}) & left}


def _one(desk: Desk, theirs: Desk, present: Present, gathered: _Gathered, *, profile: str, named: bool) -> None:
    address = present.address
    entry, their_entry = desk.entry(address), theirs.entry(address)
    present = present.named(None if their_entry is None else their_entry.look)
    try:
        if their_entry is None:
            hint = f"`seedpipe build --profile {profile} {address}` makes one"
            raise DecisionError(f"`{address}` has no picture in the profile `{profile}`", hint=hint)
        picture = candidate(theirs, _as_take(their_entry), address)
        pool = desk.memory.takes(present.want) if present.want is not None else ()
        after = promoted(entry, present, their_entry, picture, named=named, pool=pool)
    except DecisionError as error:
        gathered.refused.append((address, error))
        return
    if after == entry:
        gathered.unchanged.append(address)
        return
    gathered.changes[address] = Change(name=address, before=entry, after=after, take=after.take, other=profile)
    differs = _differences(their_entry.asked, present)
    if differs:
        gathered.otherwise.append((address, differs))


def _differences(asked: Mapping[str, object], present: Present) -> Sequence[Reason]:
    """What was asked of the picture and isn't asked here; its references are another matter."""
    mine, other = without_references(present.document), without_references(asked)
    return compare_documents(other, mine, old_words={}, defaults=DEFAULTS_1, references=())


def _as_take(entry: ImageEntry) -> KnownTake:
    want = entry.want if entry.made.request == entry.want else None
    return KnownTake(number=0, digest=entry.take, want=want, made=entry.made, chosen=True, current=True, at_hand=True)
