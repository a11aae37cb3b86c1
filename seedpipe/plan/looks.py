"""The looks of one picture in a plan: which of them it is now, and what the others lack to be looked at. Pure.

One look is what the picture is: the one that was chosen, else the first. It is judged as if there were no others
(`plan.image`). The others are candidates: bought beside it like more takes, so never beside a person's choice.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from seedpipe.manifest.node import ImageNode
from seedpipe.names import Digest
from seedpipe.plan import obstacles
from seedpipe.plan import reasons as why
from seedpipe.plan.case import Case, key_now
from seedpipe.plan.key import remembered_document, request_document, request_key, without_references
from seedpipe.plan.plan import Cost, PlannedLook, PlanNode, State
from seedpipe.plan.reason import Reason
from seedpipe.plan.walk import Walk
from seedpipe.state.lock import ImageEntry, Level

_BUYING: Final = (State.MAKE, State.FOLLOWS, State.MAY)  # the surest first


def in_its_look(walk: Walk, node: ImageNode) -> ImageNode:
    """As what the picture is: in the look that the choice was made for, else in the first that was not refused.

    A choice is known by what was asked for it; by the name of its look if that says something else now.
    """
    entry = walk.lock.image(node.address)
    if not node.looks:
        return node
    if entry is None:
        sound = (look for look in node.looks if not _refused(walk, look))
        return node.wearing(next(sound, node.looks[0]).look)
    for fits in (_wanted, _asked):
        found = [look for look in node.looks if fits(walk, look, entry)]
        if found:
            return node.wearing(next((look for look in found if look.is_called(entry.look)), found[0]).look)
    named = next((look for look in node.looks if look.is_called(entry.look)), node.looks[0])
    return node.wearing(named.look)


def _wanted(walk: Walk, look: ImageNode, entry: ImageEntry) -> bool:
    return key_now(walk, look) == entry.want


def _asked(walk: Walk, look: ImageNode, entry: ImageEntry) -> bool:
    """In its own words and parameters."""
    document = remembered_document(request_document(walk.resolver.asked(look), ()))
    return document == without_references(entry.asked)


def _refused(walk: Walk, look: ImageNode) -> bool:
    key = key_now(walk, look)
    return key is not None and not walk.memory.takes(key) and Case.of(walk, look).refused(key) is not None


def with_looks(walk: Walk, node: ImageNode, planned: PlanNode, *, at_rest: bool) -> PlanNode:
    """`planned` is the plan of `node` in its present look; what its other looks lack comes on top.

    Not of one `at_rest`, that nobody selected: it serves as it is, and nobody asked what its looks are made from.
    """
    if not node.looks:
        return planned
    entry = walk.lock.image(node.address)
    if at_rest or not _candidates_are_due(entry, planned):
        parts = [_Candidate.of(walk, look).as_it_is() for look in node.others]
    else:
        perhaps = planned.state is State.MAY and entry is not None and entry.level is not Level.AUTO
        parts = [_Candidate.of(walk, look).lacking(perhaps=perhaps) for look in node.others]
    if not at_rest and entry is not None and entry.want == planned.key and entry.look != planned.look:
        named = why.LookNamed(before=entry.look, name=planned.look or "")
        planned = replace(planned, reasons=(*planned.reasons, named), writes=True)
    return _together(node, planned, parts)


def _candidates_are_due(entry: ImageEntry | None, planned: PlanNode) -> bool:
    """Not beside a person's choice that stays, nor before a person has said what is in the way of the picture itself."""
    if planned.state.needs_a_person or planned.state in (State.PINNED, State.STALE):
        return False
    return entry is None or entry.level is Level.AUTO or planned.key is None or entry.want != planned.key


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """What one more look comes to. `state` is what it alone would be; None: it lacks nothing.

    `unlisted`: pictures of it are at hand, or will be, that the lock doesn't name yet.
    """

    look: PlannedLook
    state: State | None = None
    reasons: tuple[Reason, ...] = ()
    unlisted: bool = False


class _Candidate(Case):
    """One of the other looks."""

    def as_it_is(self) -> _Part:
        """Nothing of it is bought."""
        return self._part(key_now(self.walk, self.node) if isinstance(self.node, ImageNode) else None)

    def lacking(self, *, perhaps: bool) -> _Part:
        """With `perhaps` the picture itself may stay a person's choice after all, and then nothing is bought."""
        known = [identity for identity in self.references if identity is not None]
        if len(known) < len(self.references):
            return self._later()
        key = request_key(self.asked, known)
        listed = self._listed(key)
        pool = self.walk.memory.takes(key)
        have, takes = len(listed.union(pool)), self.node.takes
        unlisted = len(listed) < takes and not listed.issuperset(pool)  # what others have more of is theirs to list
        reasons: tuple[Reason, ...] = (why.LookMissing(looks=(self._name,), have=have, want=takes),)
        if have >= takes:
            return self._part(key, unlisted=unlisted)
        if not have:
            reasons = self._own((*self.walk.said(key), *self.sent_again(key))) or reasons
        waits = self.waits(key)
        if waits is not None:
            reasons, have = self._own((waits[0],)) + (reasons if have else ()), have + waits[1]
            if have >= takes:
                return self._part(key, reasons=reasons, unlisted=unlisted)
        obstacle = self.obstacle(key)
        if obstacle is not None:
            refused = self.refused(key) if isinstance(obstacle[1], obstacles.RefusedBefore) else None
            takes -= takes if refused is None else refused.takes
            stopped = self._own((obstacle[1],))
            if have >= takes:
                return self._part(key, obstacle[0], (*stopped, *(reasons if have else ())), unlisted=unlisted)
            reasons = (*reasons, *stopped)
        return self._ordered(State.MAY if perhaps else State.MAKE, key, (have, takes), reasons, unlisted=unlisted)

    def _later(self) -> _Part:
        """A picture that it is made from comes only in this build."""
        upstream = self.walk.stopped(self.upstream)
        takes = self.node.takes
        coming = self.walk.coming(self.upstream)
        if upstream is not None:
            return self._part(None, upstream[0], self._own((upstream[1], *coming)))
        reasons = (why.LookMissing(looks=(self._name,), have=0, want=takes), *coming)
        views = [self.walk.views[address] for address in self.upstream]
        if any(view.identity is None and view.may_be_as_before for view in views):
            return self._bought(State.MAY, None, takes, reasons)
        key = self.supposed()
        fetched = all(view.identity is not None or view.fetched_later for view in views)
        part = self._ordered(State.MAKE if fetched else State.FOLLOWS, key, (0, takes), reasons)
        return replace(part, look=replace(part.look, key=None))

    def _ordered(
        self,
        state: State,
        key: Digest,
        counts: tuple[int, int],
        reasons: tuple[Reason, ...],
        *,
        unlisted: bool = False,
    ) -> _Part:
        """What is missing of (have, takes), less what an earlier node with the same key brings."""
        have, takes = counts
        buyer, coming = self.walk.bought.get(key, (self.node.address, have))
        if buyer != self.node.address:
            reasons = (*reasons, why.SameAs(look=self._name, address=buyer))
        if coming >= takes:
            return self._part(key, State.SAME, reasons, unlisted=True)
        self.walk.bought[key] = (buyer, takes)
        return replace(self._bought(state, key, takes - coming, reasons), unlisted=unlisted)

    def _bought(self, state: State, key: Digest | None, pictures: int, reasons: tuple[Reason, ...]) -> _Part:
        priced = self.priced(replace(self.blank, state=state, key=key), pictures)
        part = self._part(key, state, reasons)
        return replace(part, look=replace(part.look, pictures=priced.pictures, cost=priced.cost))

    def _part(
        self,
        key: Digest | None,
        state: State | None = None,
        reasons: tuple[Reason, ...] = (),
        *,
        unlisted: bool = False,
    ) -> _Part:
        nothing = Cost.nothing(self.walk.currency)
        look = PlannedLook(name=self._name, key=key, model=self.asked.model, size=self.asked.size, cost=nothing)
        return _Part(look=look, state=state, reasons=reasons, unlisted=unlisted)

    @property
    def _name(self) -> str:
        return self.blank.look or ""

    def _own(self, reasons: Sequence[Reason]) -> tuple[Reason, ...]:
        """Of this look, not of the picture as a whole."""
        return tuple(replace(reason, look=self._name) for reason in reasons)

    def _listed(self, key: Digest) -> set[Digest]:
        """The takes that the lock names for this want."""
        return set() if self.entry is None else set(self.entry.takes_for(key))


def _together(node: ImageNode, planned: PlanNode, parts: Sequence[_Part]) -> PlanNode:
    """The plan of the node with all its looks: a candidate that can't come doesn't hinder the picture itself."""
    own = PlannedLook(
        name=planned.look or "",
        key=planned.key,
        model=planned.model,
        size=planned.size,
        pictures=planned.pictures,
        cost=planned.cost,
    )
    by_name = {part.look.name: part.look for part in parts} | {own.name: own}
    looks = tuple(by_name[look.look or ""] for look in node.looks)
    state = _state(planned, parts)
    stopped = [reason for part in parts if _is_stopped(part) for reason in part.reasons]
    lacking = [reason for part in parts if not _is_stopped(part) for reason in part.reasons]
    first, last = ((), (*lacking, *stopped)) if state.buys or state is planned.state else (stopped, lacking)
    bought = [part for part in parts if part.look.pictures]
    return replace(
        planned,
        state=state,
        reasons=_told((*first, *planned.reasons, *last)),
        cost=sum((part.look.cost for part in parts), start=planned.cost),
        pictures=planned.pictures + sum(part.look.pictures for part in bought),
        by_cascade=(planned.by_cascade or not planned.pictures)
        and bool(planned.pictures or bought)
        and all(part.look.key is None for part in bought),
        writes=planned.writes or any(part.unlisted for part in parts),
        looks=looks,
    )


def _told(reasons: Sequence[Reason]) -> tuple[Reason, ...]:
    """Each once; looks that lack the same stand in one."""
    lacking: dict[tuple[int, int], list[str]] = {}
    for reason in reasons:
        if isinstance(reason, why.LookMissing):
            lacking.setdefault((reason.have, reason.want), []).extend(reason.looks)
    merged = (
        replace(one, looks=tuple(lacking[one.have, one.want])) if isinstance(one, why.LookMissing) else one
        for one in reasons
    )
    return tuple(dict.fromkeys(merged))


def _is_stopped(part: _Part) -> bool:
    return part.state is not None and part.state.needs_a_person


def _state(planned: PlanNode, parts: Sequence[_Part]) -> State:
    """What is bought tells most; then what a person has to hear; then whose picture is shared."""
    buying = [state for state in _states(planned, parts) if state.buys]
    if buying:
        return min(buying, key=_BUYING.index)
    stopped = [part.state for part in parts if part.state is not None and _is_stopped(part)]
    if stopped and not planned.state.needs_a_person:
        return min(stopped, key=list(State).index)
    shared = planned.state is State.CACHED and any(part.state is State.SAME for part in parts)
    return State.SAME if shared else planned.state


def _states(planned: PlanNode, parts: Sequence[_Part]) -> Iterator[State]:
    yield planned.state
    yield from (part.state for part in parts if part.state is not None)
