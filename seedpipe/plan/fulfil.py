"""Holding a build to a saved plan: where the project has departed from it, and what that means. Pure.

A saved plan runs if each entry of the lock is as before or this plan's own result, so that it resumes, and what is left to
do is a part of what it names, at no higher price.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from seedpipe.canonical import digest_of
from seedpipe.errors import SeedpipeError
from seedpipe.limits import ExitCode
from seedpipe.manifest.node import ImageNode, Node, upstream_addresses, worn
from seedpipe.names import Digest
from seedpipe.plan.document_changes import compare_documents
from seedpipe.plan.fewer import as_came, words_with_fewer
from seedpipe.plan.graph import Graph
from seedpipe.plan.key import DEFAULTS_1, TEXTS, Identity, recipe_identity, remembered_document
from seedpipe.plan.plan import Plan, PlannedLook, PlanNode, State
from seedpipe.plan.promise import entry_digest, filled, hole_of, saying, settled
from seedpipe.plan.recipe_changes import compare_recipes
from seedpipe.plan.saved import SavedLook, SavedNode, SavedPlan
from seedpipe.state.lock import DerivedEntry, Entry, ImageEntry, Lock, SourceEntry

_SHOWN: Final = 20
_MADE_ANEW: Final = "asks for the picture that there is, and the plan has it made anew"
_OTHER_WITH_FEWER: Final = "what it says with fewer pictures of a sequence is not what the plan has"
_KEPT: Final = (State.PINNED, State.STALE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Departure:
    """One way in which the project is not as the plan has it. `costs`: money that nobody has said yes to."""

    address: str | None
    what: str
    costs: bool = False

    @property
    def sentence(self) -> str:
        return self.what if self.address is None else f"{self.address}: {self.what}"


class DepartedError(SeedpipeError):
    """A saved plan can't be carried out as it stands. Exit code 4 where it would cost more, else 3."""

    def __init__(self, file: str, departures: Sequence[Departure]) -> None:
        lines = [departure.sentence for departure in departures[:_SHOWN]]
        if len(departures) > _SHOWN:
            lines.append(f"and {len(departures) - _SHOWN:,} more")
        super().__init__(
            "\n".join([f"`{file}` is not what a build would do now; nothing was done", *lines]),
            hint=f"`seedpipe plan -o {file}` plans anew, or undo what was changed",
        )
        self.departures = tuple(departures)
        self.exit_code = ExitCode.REFUSED if any(departure.costs for departure in departures) else ExitCode.CHANGES


def check_departures(saved: SavedPlan, plan: Plan, *, graph: Graph, lock: Lock) -> None:
    """`plan` is that of `saved.wish_for(graph)`. Raises `DepartedError`."""
    identities = {node.address: identity_of(node) for node in plan.nodes.values()}
    departures = [
        *_of_entries(saved, plan, graph, lock, identities),
        *_of_requests(saved, plan, graph, lock, identities),
        *_of_money(saved, plan, graph, identities),
    ]
    if departures:
        raise DepartedError(saved.file, departures)


def gone(saved: SavedPlan, graph: Graph) -> Sequence[str]:
    """What the plan has work for and the manifest no longer has: it is not built."""
    return [address for address, node in saved.nodes.items() if node.has_work and address not in graph]


# The lock


def _of_entries(
    saved: SavedPlan, plan: Plan, graph: Graph, lock: Lock, identities: Mapping[str, Identity | None]
) -> Iterator[Departure]:
    for address, node in saved.nodes.items():
        if not node.has_work or address not in graph:
            continue
        entry = lock.entries.get(address)
        if entry_digest(entry) != node.before and not _is_own_result(node, entry, plan, graph, identities):
            yield Departure(address=address, what=_entry_words(node, entry))


def _is_own_result(
    node: SavedNode, entry: Entry | None, plan: Plan, graph: Graph, identities: Mapping[str, Identity | None]
) -> bool:
    written = graph[node.address]
    if isinstance(entry, ImageEntry) and node.looks:
        names = [one.look for one in written.looks] if isinstance(written, ImageNode) else []
        requests = (
            settled(look.request, look.fewer, written, plan, now)
            for name, look in node.looks.items()
            for now in (name, *names)  # whatever it is called now
        )
        looks = (filled(request, identities) for request in requests if request is not None)
        return any(look is not None and entry.want == digest_of(look) for look in looks)
    request = settled(node.request, node.fewer, written, plan, None)
    asked = None if request is None else filled(request, identities)
    if asked is None:
        return False
    match entry:
        case SourceEntry():
            return entry.url == asked.get("url")
        case ImageEntry():
            return entry.want == digest_of(asked)
        case DerivedEntry():
            return entry.recipe == digest_of(asked)
    return False


def identity_of(node: PlanNode) -> Identity | None:
    """What keys call a node's picture, if it is there."""
    if node.kind == "derived" and node.key is not None:
        return recipe_identity(node.key)
    return None if node.taken is None else str(node.taken)


def _entry_words(node: SavedNode, entry: Entry | None) -> str:
    if entry is None:
        return "the lock has lost its picture since"
    if node.before is None:
        return "a picture was chosen for it since"
    return "another picture, or another word about it, is in the lock since"


# What is asked for


def _of_requests(
    saved: SavedPlan, plan: Plan, graph: Graph, lock: Lock, identities: Mapping[str, Identity | None]
) -> Iterator[Departure]:
    """Also of what costs nothing now: what is made from it would be bought after another picture than was planned."""
    for node in plan.nodes.values():
        was = saved.nodes.get(node.address)
        if was is None or was.request is None or was.state in _KEPT:
            continue
        if node.state in _KEPT:
            if was.state.buys and entry_digest(lock.entries.get(node.address)) == was.before:
                yield Departure(address=node.address, what="stays as it is, and the plan has it made anew")
        elif node.looks:
            yield from _of_looks(was, node, plan, graph, identities)
        elif _says_other_with_fewer(was.fewer, node.fewer, written := graph[node.address], None):
            for what in _other_words(was.request, written, None):
                yield Departure(address=node.address, what=what)
        elif node.request is not None:
            before = settled(was.request, was.fewer, written, plan, None)
            for what in _request_words(before or {}, node.request, node, as_came(written, plan)):
                yield Departure(address=node.address, what=what)
        elif _is_another(settled(was.request, was.fewer, written, plan, None) or {}, node, identities):
            yield Departure(address=node.address, what=_MADE_ANEW)


def _of_looks(
    was: SavedNode, node: PlanNode, plan: Plan, graph: Graph, identities: Mapping[str, Identity | None]
) -> Iterator[Departure]:
    """Of the look that the picture is, and of those that would be bought: each by itself."""
    written = graph[node.address]
    for look in node.looks:
        is_own = look.name == node.look
        known = _look_before(was, look, plan, written, identities)
        saved = known if known is not None else was if is_own else None
        before = None if saved is None else settled(saved.request, saved.fewer, written, plan, look.name)
        if saved is None or before is None:
            continue  # one that the plan doesn't know costs what it does not name
        if _says_other_with_fewer(saved.fewer, look.fewer, written, look.name):
            for what in _other_words(saved.request or {}, written, look.name):
                yield Departure(address=node.address, what=f"look {look.name}: {what}")
        elif look.request is not None and (look.pictures or is_own):
            for what in _request_words(before, look.request, node, worn(as_came(written, plan), look.name)):
                yield Departure(address=node.address, what=f"look {look.name}: {what}")
        elif is_own and look.request is None and _is_another(before, node, identities):
            yield Departure(address=node.address, what=_MADE_ANEW)


def _look_before(
    was: SavedNode, look: PlannedLook, plan: Plan, written: Node, identities: Mapping[str, Identity | None]
) -> SavedLook | None:
    """What the plan says of a look: by what is asked for it, since a name costs nothing; else by its name."""
    for one in was.looks.values():
        request = settled(one.request, one.fewer, written, plan, look.name)
        asked = None if request is None else filled(request, identities)
        if request is not None and (request == look.request or (asked and digest_of(asked) == look.key)):
            return one
    return was.looks.get(look.name)


def _says_other_with_fewer(was: Digest | None, now: Digest | None, written: Node, look: str | None) -> bool:
    """Whether what goes with fewer counted pictures is not what the plan has, where it isn't, or wasn't, known."""
    return was != now if was is None or now is not None else was != words_with_fewer(written, look)


def _other_words(was: Mapping[str, Any], written: Node, look: str | None) -> Iterator[str]:
    """How the words with all pictures differ, else that those with fewer do."""
    now = saying(was, worn(written, look))
    changes = compare_documents(
        remembered_document(was),
        now,
        old_words={name: was[name] for name in TEXTS if name in was},
        defaults=DEFAULTS_1,
        references=["" for _ in was.get("references", ())],
    )
    yield from (change.sentence() for change in changes) if changes else (_OTHER_WITH_FEWER,)


def _is_another(was: Mapping[str, Any], node: PlanNode, identities: Mapping[str, Identity | None]) -> bool:
    """Of a node without work: what it is, or would be, made for is not what the plan asks for."""
    asked = filled(was, identities)
    return asked is not None and node.key is not None and digest_of(asked) != node.key


def _request_words(was: Mapping[str, Any], now: Mapping[str, Any], node: PlanNode, written: Node) -> Iterator[str]:
    """What differs; a hole is filled by the picture of the very node that it stands for."""
    if was == now:
        return
    if node.kind == "source":
        yield f"its address is {now.get('url')} now"
        return
    if node.kind == "derived":
        yield from _recipe_words(_with_known(was, now, written), now, written)
        return
    addresses = upstream_addresses(written)
    before = _with_known(was, now, written)
    names = list(addresses[: len(now.get("references", ()))])
    for reason in compare_documents(
        remembered_document(before),
        now,
        old_words={name: before[name] for name in TEXTS if name in before},
        defaults=DEFAULTS_1,
        references=names,
    ):
        yield reason.sentence()


def _recipe_words(was: Mapping[str, Any], now: Mapping[str, Any], written: Node) -> Iterator[str]:
    if was == now:
        return
    told = [reason.sentence() for reason in compare_recipes(was, now, inputs=upstream_addresses(written))]
    yield from told or ["what it is made from is another picture"]


def _with_known(was: Mapping[str, Any], now: Mapping[str, Any], written: Node) -> Mapping[str, Any]:
    addresses = upstream_addresses(written)
    result = dict(was)
    for name in ("references", "inputs"):
        present = now.get(name, [])
        if name in was and len(present) == len(was[name]):
            result[name] = [
                now_one if hole_of(str(one)) == address else one
                for one, now_one, address in zip(was[name], present, addresses, strict=False)
            ]
    return result


# Money


def _of_money(
    saved: SavedPlan, plan: Plan, graph: Graph, identities: Mapping[str, Identity | None]
) -> Iterator[Departure]:
    if plan.currency != saved.currency:
        what = f"prices are in {plan.currency} now, and were planned in {saved.currency}"
        yield Departure(address=None, what=what, costs=True)
        return
    buying = [node for node in plan.nodes.values() if node.pictures]
    dearer = [found for node in buying if (found := _price(saved, node, plan, graph, identities))]
    yield from dearer
    if not dearer and plan.cost.high > saved.cost.high:
        what = f"what is left would cost {plan.cost.high}, more than the {saved.cost.high} planned"
        yield Departure(address=None, what=what, costs=True)


def _price(
    saved: SavedPlan, node: PlanNode, plan: Plan, graph: Graph, identities: Mapping[str, Identity | None]
) -> Departure | None:
    was = saved.buyer_of(node.address)
    if was is None:
        what = f"would be bought for {node.cost.high}, which the plan does not name"
        return Departure(address=node.address, what=what, costs=True)
    if node.takes is not None and was.takes is not None and node.takes > was.takes:
        what = f"{node.takes} takes are asked for, {was.takes} planned"  # whatever has come of them
        return Departure(address=node.address, what=what, costs=True)
    if node.looks:
        return _price_of_looks(was, node, plan, graph[node.address], identities)
    if node.pictures > was.pictures:
        what = f"{node.pictures} pictures would be bought, {was.pictures} are planned"
        return Departure(address=node.address, what=what, costs=True)
    if node.cost.high * was.pictures > was.cost.high * node.pictures:
        what = f"{node.pictures} of {was.pictures} pictures cost {node.cost.high}, planned were {was.cost.high} for all"
        if node.pictures == was.pictures:
            what = f"costs {node.cost.high}, planned were {was.cost.high}"
        return Departure(address=node.address, what=what, costs=True)
    return None


def _price_of_looks(
    was: SavedNode, node: PlanNode, plan: Plan, written: Node, identities: Mapping[str, Identity | None]
) -> Departure | None:
    """Each look by itself: one that is left may be dearer than those that have come."""
    for look in node.looks:
        before = _look_before(was, look, plan, written, identities)
        planned = 0 if before is None else before.pictures
        if look.pictures > planned:
            what = f"look {look.name}: {look.pictures} pictures would be bought, {planned} are planned"
            return Departure(address=node.address, what=what, costs=True)
        if before is not None and look.cost.high * planned > before.cost.high * look.pictures:
            what = f"look {look.name}: a picture costs more than was planned"
            return Departure(address=node.address, what=what, costs=True)
    return None
