"""What one paid picture is in a plan: kept, at hand, to be bought or in need of a person, by the states' precedence."""

from collections.abc import Sequence
from dataclasses import replace

from seedpipe.manifest.node import FrameNode, ImageNode
from seedpipe.names import Digest
from seedpipe.plan import obstacles
from seedpipe.plan import reasons as why
from seedpipe.plan.case import Case
from seedpipe.plan.fewer import counted_references, lacking
from seedpipe.plan.key import Identity, request_key
from seedpipe.plan.looks import in_its_look, with_looks
from seedpipe.plan.memory import OutputState, Whereabouts
from seedpipe.plan.plan import PlanNode, State
from seedpipe.plan.reason import Reason
from seedpipe.plan.walk import View, Walk
from seedpipe.state.lock import ImageEntry, Level


def plan_image(walk: Walk, node: ImageNode | FrameNode) -> PlanNode:
    """Raises what `Resolver.asked` and `price_of` raise; the linter has worded that for people before."""
    if isinstance(node, ImageNode) and node.looks:
        seen = in_its_look(walk, node)
        at_rest = where_used_as_it_is(walk, node) is not None
        return with_looks(walk, seen, _planned(walk, seen), at_rest=at_rest)
    return _planned(walk, node)


def _planned(walk: Walk, node: ImageNode | FrameNode) -> PlanNode:
    case = _Judgement.of(walk, node)
    where = where_used_as_it_is(walk, node)
    if case.entry is not None and where is not None:
        return case.as_it_is(case.entry, where)
    return case.left_out() if walk.is_left_out(node) else case.judged()


def where_used_as_it_is(walk: Walk, node: ImageNode | FrameNode) -> Whereabouts | None:
    """Where the chosen picture of a node is that nobody selected: it serves as it is, stale or not, or it is missing."""
    entry = walk.lock.image(node.address)
    if entry is None or walk.is_selected(node) or walk.is_superseded(node):
        return None
    return walk.whereabouts(entry.take, walk.outputs.get(node.address))


class _Judgement(Case):
    """The states of one node, by their precedence."""

    def as_it_is(self, entry: ImageEntry, where: Whereabouts) -> PlanNode:
        """Stale only where its own words say so: nobody asked what it is made from."""
        file = self._finished(entry.take, entry.want) if where is Whereabouts.NOWHERE else None
        self.view(View(identity=str(entry.take), bytes_at_hand=where is not Whereabouts.NOWHERE, file=file))
        state = State.FETCH if where is Whereabouts.OUTPUT else State.CACHED
        planned = replace(self.blank, state=state, taken=entry.take)
        if where is Whereabouts.NOWHERE and file is None:
            return replace(planned, state=State.MISSING, reasons=(self._missing(entry.take),))
        changed = self.own_changes(entry)
        if not changed or state is State.FETCH:
            return planned
        return replace(
            planned,
            state=State.STALE,
            reasons=(obstacles.NotNamed(excluded=self.walk.is_left_out(self.node)), *changed),
        )

    def left_out(self) -> PlanNode:
        """Excluded and without a picture: not even what needs it has it bought."""
        return self.stopped(self.blank, State.BLOCKED, obstacles.LeftOut())

    def judged(self) -> PlanNode:
        """By the entry if it is of the present want or kept on purpose, else by the takes of the key, else bought."""
        known = [identity for identity in self.references if identity is not None]
        key = request_key(self.asked, known) if len(known) == len(self.references) else None
        planned = replace(self.blank, key=key)
        if self.entry is not None and self.entry.want == key:
            if self.entry.level is Level.PINNED:
                return self._kept(planned, self.entry, State.PINNED)
            return self._chosen(planned, self.entry, key)
        if self.entry is not None:
            state = self._kept_on_purpose(self.entry)
            if state is not None:
                return self._kept(planned, self.entry, state)
        if key is None:
            return self._later(planned)
        pool = self.walk.takes(key, planned.output)
        return self._pooled(planned, key, pool) if pool else self._new(planned, key, known)

    def _chosen(self, planned: PlanNode, entry: ImageEntry, key: Digest) -> PlanNode:
        """The choice stays, unless nobody made it and `on_size_mismatch` refuses it.

        Where a person has chosen, no more pictures are bought to choose from.
        """
        if entry.level is not Level.AUTO:
            return self._settled(planned, entry.take, State.CACHED, have=self.node.takes)
        pool = self.walk.memory.takes(key)
        have = len({*entry.takes, *pool})
        if not self.rule.refuses(self.came(entry.take, key)):
            return self._settled(planned, entry.take, State.CACHED, have=have)
        right = self.right(pool, key)
        if right is None:
            return self._wrong_size(planned, key, entry.take, have)
        return replace(self._settled(planned, right, State.CACHED, have=have), writes=True)

    def _kept(self, planned: PlanNode, entry: ImageEntry, state: State) -> PlanNode:
        """Nothing is bought beside it, however many takes the manifest asks for."""
        kept: Reason = obstacles.KeptOnPurpose(level=entry.level.value)
        if state is State.STALE and not self.walk.wish.cascade:
            kept = obstacles.CascadeOff()
        elif state is State.STALE and entry.level is Level.AUTO:
            kept = obstacles.CascadeOff(until_named=True)
        planned = replace(planned, reasons=(kept, *self._differences(planned, entry)))
        return self._settled(planned, entry.take, state, have=self.node.takes)

    def _differences(self, planned: PlanNode, entry: ImageEntry) -> tuple[Reason, ...]:
        """How what is asked now differs from what a kept picture was made for."""
        if planned.key == entry.want:
            return ()
        known = [identity for identity in self.references if identity is not None]
        if len(known) == len(self.references):
            return self.changes(known)
        return (*self.own_changes(entry), *self.walk.coming(self.upstream))

    def _pooled(self, planned: PlanNode, key: Digest, pool: Sequence[Digest]) -> PlanNode:
        """The very request was paid for before: a rename, a new axis, a reverted edit."""
        right = self.right(pool, key)
        if right is None:
            return self._wrong_size(planned, key, pool[0], len(pool))
        replaced = self.replaced()
        settled = self._settled(replace(planned, reasons=replaced), right, State.CACHED, have=len(pool))
        if settled.state is not State.CACHED:
            return settled
        reasons = (*replaced, why.PaidBefore(), *settled.reasons[len(replaced) :])
        return replace(settled, reasons=reasons, writes=True)

    def _kept_on_purpose(self, entry: ImageEntry) -> State | None:
        """A pinned picture always, an approved one against cascade alone (design: who may displace a choice).

        So does any one whose manifest says `cascade: false`.
        """
        if entry.level is Level.PINNED:
            return State.PINNED
        if entry.own != self.own() or self.is_of_the_same(entry):
            return None
        if not self.walk.wish.cascade:
            return State.STALE
        named = self.node.address in self.walk.wish.selection.named
        stays = entry.level is Level.APPROVED or not self.node.cascade
        return State.STALE if stays and not named else None

    def _wrong_size(self, planned: PlanNode, key: Digest, taken: Digest, have: int) -> PlanNode:
        """Paid and kept, not used: it is a person's word to take it or to have another one bought."""
        uncertain = self.uncertain(key)
        if uncertain is not None:
            return self.stopped(planned, State.UNKNOWN, uncertain)
        came = self.other_size(taken, key)
        reason = obstacles.SizeDiffers(asked=self.asked.size, came=came or "another", take=str(taken))
        if have < self.node.takes and self.obstacle(key) is None:
            self.view(View(identity=None, future=self.future(key)))
            reasons = (reason, why.MoreTakes(look=self.look, have=have, want=self.node.takes))
            return self._bought(replace(planned, writes=True), key, have, reasons)
        self.view(View(identity=str(taken), stopped=State.FAILED))
        return replace(planned, state=State.FAILED, taken=taken, came=came, reasons=(reason,))

    # A picture that was chosen, or that was paid for under this very key

    def _settled(self, planned: PlanNode, taken: Digest, state: State, *, have: int) -> PlanNode:
        """`have` is the number of takes there are for the present want."""
        where = self.walk.whereabouts(taken, planned.output)
        file = self._finished(taken, planned.key) if where is Whereabouts.NOWHERE else None
        self.view(View(identity=str(taken), bytes_at_hand=where is not Whereabouts.NOWHERE, file=file))
        planned = replace(planned, taken=taken)
        uncertain = self.uncertain(planned.key)
        if uncertain is not None:
            return replace(planned, state=State.UNKNOWN, reasons=(uncertain,))
        if where is Whereabouts.NOWHERE and file is None:
            return replace(planned, state=State.MISSING, reasons=(self._missing(taken),))
        fit = self.rule.fit(self.came(taken, planned.key))
        planned = replace(planned, came=self.other_size(taken, planned.key), fit=fit)
        output = self.output(taken, fit)
        if output is OutputState.FOREIGN:
            return self.walk.edited(planned)
        key = planned.key
        if key is not None and have < self.node.takes:
            waits = self.waits(key)
            more = self._more(replace(planned, writes=output is not OutputState.RIGHT), key, have, waits)
            if waits is None or more.state.buys or more.state is State.SAME:
                return more
            planned = replace(planned, reasons=(*planned.reasons, waits[0]))
        if where is Whereabouts.OUTPUT:
            # A kept choice stays what it is called, but its bytes have to come into the store all the same.
            state, planned = (State.FETCH, planned) if state is State.CACHED else (state, replace(planned, writes=True))
        return self.walk.kept(replace(planned, state=state), output, self.refitted(taken))

    def _finished(self, taken: Digest, key: Digest | None) -> str | None:
        """The output file, if it is what the lock says was made from `taken`: nothing is to be done for it."""
        right = self.output(taken, self.rule.fit(self.came(taken, key))) is OutputState.RIGHT
        return self.blank.output if right else None

    def _missing(self, taken: Digest) -> obstacles.BytesMissing:
        output = self.blank.output
        return obstacles.BytesMissing(
            digest=str(taken), pointer=output if self.walk.memory.is_pointer(output) else None
        )

    def _lost(self, planned: PlanNode, was: str, taken: Digest) -> PlanNode:
        """It was bought under another name, and that its bytes can't be found is no licence to buy it again."""
        self.view(View(identity=str(taken), bytes_at_hand=False))
        reason = replace(self._missing(taken), was=was)
        return replace(planned, state=State.MISSING, taken=taken, reasons=(reason,))

    # A picture that there isn't yet

    def _new(self, planned: PlanNode, key: Digest, references: list[Identity]) -> PlanNode:
        uncertain = self.uncertain(key)
        if uncertain is not None:
            return self.stopped(planned, State.UNKNOWN, uncertain)
        if self.output(None) is OutputState.FOREIGN:
            self.view(View(identity=None, stopped=State.EDITED))
            return self.walk.edited(planned)
        waits = self.waits(key)
        if waits is not None:
            self.view(View(identity=None, future=self.future(key), fetched_later=True))
            more = self._more(replace(planned, writes=True), key, 0, waits)
            if more.state.buys or more.state is State.SAME:
                return more
            return replace(planned, state=State.FETCH, reasons=(waits[0],), writes=True)
        said = (*self.walk.said(key), *self.sent_again(key))
        lost = self.walk.left_over(key) if self.entry is None and not said else None
        if lost is not None:
            return self._lost(planned, *lost)
        self.view(View(identity=None, future=self.future(key)))
        changes = self.changes(references) if self.entry is not None or not said else ()
        reasons = (*said, *self.replaced(), *changes)
        return self._bought(replace(planned, writes=True), key, 0, reasons)

    def _more(
        self, planned: PlanNode, key: Digest, have: int, waits: tuple[obstacles.PaidWaits, int] | None
    ) -> PlanNode:
        """The takes that are missing beside those that there are and those that wait at the provider."""
        said, coming = ((waits[0],), waits[1]) if waits is not None else ((), 0)
        have += coming
        if have >= self.node.takes:
            return planned
        reasons = (*planned.reasons, why.MoreTakes(look=self.look, have=have, want=self.node.takes), *said)
        return self._bought(planned, key, have, reasons)

    def _bought(self, planned: PlanNode, key: Digest, have: int, reasons: tuple[Reason, ...]) -> PlanNode:
        """As many takes as are missing, unless another node buys them or nothing may be sent."""
        planned = replace(planned, state=State.MAKE, reasons=reasons)
        obstacle = self.obstacle(key)
        if obstacle is None:
            return self._ordered(planned, key, have, self.node.takes)
        state, reason = obstacle
        if not have:
            return self.stopped(planned, state, reason)
        refused = self.refused(key)
        if refused is None or not isinstance(reason, obstacles.RefusedBefore):
            return replace(planned, state=state, reasons=(reason,), writes=False)
        takes = self.node.takes - refused.takes
        if have < takes:
            return self._ordered(replace(planned, reasons=(*reasons, reason)), key, have, takes)
        return replace(planned, state=state, reasons=(reason, *reasons))  # what there is may still have to be put there

    def _ordered(self, planned: PlanNode, key: Digest, have: int, takes: int) -> PlanNode:
        """Those of `takes` that are missing, less those that an earlier node with the same key brings."""
        buyer, coming = self.walk.bought.get(key, (self.node.address, have))
        if buyer != self.node.address:
            planned = replace(planned, reasons=(*planned.reasons, why.SameAs(address=buyer)))
        if coming >= takes:
            reasons = (*self.replaced(), why.SameAs(address=buyer))
            return replace(planned, state=State.SAME, reasons=reasons, writes=True)
        self.walk.bought[key] = (buyer, takes)
        return self.priced(planned, takes - coming)

    def _later(self, planned: PlanNode) -> PlanNode:
        """A picture that it is made from comes only in this build, so its key is not known yet."""
        as_before = self._may_stay()
        if as_before is not None and self.walk.whereabouts(as_before, planned.output) is Whereabouts.NOWHERE:
            return self.stopped(replace(planned, taken=as_before), State.MISSING, self._missing(as_before))
        if self.output(None) is OutputState.FOREIGN:
            self.view(View(identity=None, stopped=State.EDITED))
            return self.walk.edited(planned)
        upstream = self.walk.stopped(self.upstream)
        if upstream is not None:
            return self.stopped(planned, *upstream)
        own = self.own_changes(self.entry) if self.entry is not None else ()
        reasons = (*self.replaced(), *own, *self.walk.coming(self.upstream))
        views = [self.walk.views[address] for address in self.upstream]
        planned = replace(planned, reasons=reasons, writes=True)
        if as_before is not None:
            self.coming(f"perhaps:{self.node.address}", may_be_as_before=True)
            return self.priced(replace(planned, state=State.MAY), self.node.takes)
        key = self.supposed()
        self.coming(self.future(key))
        only_fetched = all(view.identity is not None or view.fetched_later for view in views)
        return self._ordered(
            replace(planned, state=State.MAKE if only_fetched else State.FOLLOWS), key, 0, self.node.takes
        )

    def _may_stay(self) -> Digest | None:
        """The chosen take, if it is right again as soon as everything awaited comes out as it was."""
        entry = self.entry
        before = entry.asked.get("references", ()) if entry is not None else ()
        as_then = lacking(self.node, self._never_there())
        references = [self.walk.views[reference.address] for reference in as_then.references]
        if entry is None or len(before) != len(references):
            return None
        if any(view.identity is None and not view.may_be_as_before for view in references):
            return None
        supposed = [view.identity or then for view, then in zip(references, before, strict=True)]
        return entry.take if request_key(self.walk.resolver.asked(as_then), supposed) == entry.want else None

    def _never_there(self) -> frozenset[str]:
        """Counted pictures that stay away if those beside them, which are awaited, come out as they were."""
        found = []
        for reference in counted_references(self.node):
            frame = self.walk.graph[reference.address]
            view = self.walk.views[reference.address]
            if view.identity is None and not view.may_be_as_before and isinstance(frame, FrameNode):
                beside = (self.walk.views.get(address) for address in frame.sequence.addresses)
                if any(other is not None and other.identity is None and other.may_be_as_before for other in beside):
                    found.append(reference.address)
        return frozenset(found)
