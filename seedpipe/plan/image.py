"""What one paid picture is in a plan: kept, at hand, to be bought or in need of a person, by the states' precedence."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from seedpipe.catalogue.sizes import size_text
from seedpipe.manifest.node import FrameNode, ImageNode, SourceNode
from seedpipe.money import Money
from seedpipe.names import Digest
from seedpipe.plan import reasons as why
from seedpipe.plan.key import DEFAULTS_1, Asked, Identity, own_key, request_document, request_key
from seedpipe.plan.memory import OutputState, Refused, Whereabouts
from seedpipe.plan.outputs import made_of
from seedpipe.plan.plan import Cost, PlanNode, State
from seedpipe.plan.price import layer_prices, price_of
from seedpipe.plan.reasons import Reason
from seedpipe.plan.sizes import Pixels, SizeRule, came_of, fit_of
from seedpipe.plan.walk import View, Walk
from seedpipe.state.lock import ImageEntry, Level


def plan_image(walk: Walk, node: ImageNode | FrameNode) -> PlanNode:
    """Raises what `Resolver.asked` and `price_of` raise; the linter has worded that for people before."""
    asked = walk.resolver.asked(node)
    planned = replace(walk.blank(node), model=asked.model, size=asked.size)
    entry = walk.lock.image(node.address)
    case = _Case(walk=walk, node=node, asked=asked, entry=entry, blank=planned)
    where = where_used_as_it_is(walk, node)
    if entry is not None and where is not None:
        return case.as_it_is(entry, where)
    return case.left_out() if walk.is_left_out(node) else case.judged()


def where_used_as_it_is(walk: Walk, node: ImageNode | FrameNode) -> Whereabouts | None:
    """Where the chosen picture of a node is that nobody selected: it serves as it is, stale or not, or it is missing."""
    entry = walk.lock.image(node.address)
    if entry is None or walk.is_selected(node):
        return None
    return walk.memory.whereabouts(entry.take, walk.outputs.get(node.address))


@dataclass(frozen=True, kw_only=True)
class _Case:
    """One node. `blank` is what the plan says before anything is known; `entry` is the present choice."""

    walk: Walk
    node: ImageNode | FrameNode
    asked: Asked
    entry: ImageEntry | None
    blank: PlanNode

    @cached_property
    def upstream(self) -> tuple[str, ...]:
        return tuple(reference.address for reference in self.node.references)

    @cached_property
    def references(self) -> tuple[Identity | None, ...]:
        return tuple(self.walk.views[address].identity for address in self.upstream)

    def as_it_is(self, entry: ImageEntry, where: Whereabouts) -> PlanNode:
        """Stale only where its own words say so: nobody asked what it is made from."""
        self._view(View(identity=str(entry.take), bytes_at_hand=where is not Whereabouts.NOWHERE))
        state = State.FETCH if where is Whereabouts.OUTPUT else State.CACHED
        planned = replace(self.blank, state=state, taken=entry.take)
        if where is Whereabouts.NOWHERE:
            reason = why.BytesMissing(digest=str(entry.take))
            return replace(planned, state=State.MISSING, reasons=(reason,))
        changed = self._own_changes(entry)
        if not changed or state is State.FETCH:
            return planned
        return replace(planned, state=State.STALE, reasons=(why.NotNamed(), *changed))

    def left_out(self) -> PlanNode:
        """Excluded and without a picture: not even what needs it has it bought."""
        return self._stopped(self.blank, State.BLOCKED, why.LeftOut())

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
        pool = self.walk.memory.takes(key)
        return self._pooled(planned, key, pool) if pool else self._new(planned, key, known)

    def _chosen(self, planned: PlanNode, entry: ImageEntry, key: Digest) -> PlanNode:
        """The choice stays, unless nobody made it and `on_size_mismatch` refuses it.

        Where a person has chosen, no more pictures are bought to choose from.
        """
        if entry.level is not Level.AUTO:
            return self._settled(planned, entry.take, State.CACHED, have=self.node.takes)
        pool = self.walk.memory.takes(key)
        have = len({*entry.takes, *pool})
        if not self.rule.refuses(self._came(entry.take, key)):
            return self._settled(planned, entry.take, State.CACHED, have=have)
        right = self._right(pool, key)
        if right is None:
            return self._wrong_size(planned, key, entry.take, have)
        return replace(self._settled(planned, right, State.CACHED, have=have), writes=True)

    def _kept(self, planned: PlanNode, entry: ImageEntry, state: State) -> PlanNode:
        """Nothing is bought beside it, however many takes the manifest asks for."""
        kept = why.KeptOnPurpose(level=entry.level.value)
        if state is State.STALE and not self.walk.wish.cascade:
            planned = replace(planned, reasons=(why.CascadeOff(),))
        elif state is State.STALE and entry.level is Level.AUTO:
            planned = replace(planned, reasons=(why.CascadeOff(until_named=True),))
        else:
            planned = replace(planned, reasons=(kept,))
        return self._settled(planned, entry.take, state, have=self.node.takes)

    def _pooled(self, planned: PlanNode, key: Digest, pool: Sequence[Digest]) -> PlanNode:
        """The very request was paid for before: a rename, a new axis, a reverted edit."""
        right = self._right(pool, key)
        if right is None:
            return self._wrong_size(planned, key, pool[0], len(pool))
        replaced = self._replaced()
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
        if entry.own != self._own():
            return None
        if not self.walk.wish.cascade:
            return State.STALE
        named = self.node.address in self.walk.wish.selection.named
        stays = entry.level is Level.APPROVED or not self.node.cascade
        return State.STALE if stays and not named else None

    # What came, and the size that it was asked to have

    @cached_property
    def rule(self) -> SizeRule:
        return self.walk.resolver.size_rule(self.node, self.asked)

    def _came(self, taken: Digest, key: Digest | None) -> Pixels | None:
        """A picture's size; of one that isn't chosen it is looked up only where something depends on it."""
        if self.entry is not None and self.entry.take == taken:
            return came_of(self.rule, self.entry)
        return None if key is None or not self.rule.matters else self.walk.memory.pixels(taken, key)

    def _other_size(self, taken: Digest, key: Digest | None) -> str | None:
        """The size of a picture that hasn't the one that was asked for."""
        came = self._came(taken, key)
        return size_text(came) if came is not None and self.rule.differs(came) else None

    def _refitted(self, taken: Digest) -> Reason | None:
        """Why the file of a chosen picture that stays is another one now."""
        entry = self.entry
        if entry is None or entry.take != taken or fit_of(self.rule, entry) == entry.finish.get("fit"):
            return None
        return why.OutputFitted(path=self.blank.output or "", came=entry.made.size, size=fit_of(self.rule, entry))

    def _right(self, pool: Sequence[Digest], key: Digest) -> Digest | None:
        """The first picture that may be chosen by itself."""
        return next((taken for taken in pool if not self.rule.refuses(self._came(taken, key))), None)

    def _wrong_size(self, planned: PlanNode, key: Digest, taken: Digest, have: int) -> PlanNode:
        """Paid and kept, not used: it is a person's word to take it or to have another one bought."""
        uncertain = self._uncertain(key)
        if uncertain is not None:
            return self._stopped(planned, State.UNKNOWN, uncertain)
        came = self._other_size(taken, key)
        reason = why.SizeDiffers(asked=self.asked.size, came=came or "another", take=str(taken))
        if have < self.node.takes and self._obstacle(key) is None:
            self._view(View(identity=None, future=self._future(key)))
            reasons = (reason, why.MoreTakes(have=have, want=self.node.takes))
            return self._bought(replace(planned, writes=True), key, have, reasons)
        self._view(View(identity=str(taken), stopped=State.FAILED))
        return replace(planned, state=State.FAILED, taken=taken, came=came, reasons=(reason,))

    # A picture that was chosen, or that was paid for under this very key

    def _settled(self, planned: PlanNode, taken: Digest, state: State, *, have: int) -> PlanNode:
        """`have` is the number of takes there are for the present want."""
        where = self.walk.memory.whereabouts(taken, planned.output)
        self._view(View(identity=str(taken), bytes_at_hand=where is not Whereabouts.NOWHERE))
        planned = replace(planned, taken=taken)
        uncertain = self._uncertain(planned.key)
        if uncertain is not None:
            return replace(planned, state=State.UNKNOWN, reasons=(uncertain,))
        if where is Whereabouts.NOWHERE:
            reason = why.BytesMissing(digest=str(taken))
            return replace(planned, state=State.MISSING, reasons=(reason,))
        fit = self.rule.fit(self._came(taken, planned.key))
        planned = replace(planned, came=self._other_size(taken, planned.key), fit=fit)
        output = self._output(taken, fit)
        if output is OutputState.FOREIGN:
            return self.walk.edited(planned)
        key = planned.key
        waits = self._waits(key) if have < self.node.takes else None
        if waits is not None:
            return self.walk.kept(replace(planned, state=state, reasons=(*planned.reasons, waits)), output)
        if key is not None and have < self.node.takes:
            planned = replace(planned, writes=output is not OutputState.RIGHT)
            reasons = (*planned.reasons, why.MoreTakes(have=have, want=self.node.takes))
            return self._bought(planned, key, have, reasons)
        if where is Whereabouts.OUTPUT:
            # A kept choice stays what it is called, but its bytes have to come into the store all the same.
            state, planned = (State.FETCH, planned) if state is State.CACHED else (state, replace(planned, writes=True))
        return self.walk.kept(replace(planned, state=state), output, self._refitted(taken))

    # A picture that there isn't yet

    def _new(self, planned: PlanNode, key: Digest, references: list[Identity]) -> PlanNode:
        uncertain = self._uncertain(key)
        if uncertain is not None:
            return self._stopped(planned, State.UNKNOWN, uncertain)
        if self._output(None) is OutputState.FOREIGN:
            self._view(View(identity=None, stopped=State.EDITED))
            return self.walk.edited(planned)
        waits = self._waits(key)
        if waits is not None:
            self._view(View(identity=None, future=self._future(key), fetched_later=True))
            return replace(planned, state=State.FETCH, reasons=(waits,), writes=True)
        self._view(View(identity=None, future=self._future(key)))
        said = self.walk.said(key)
        changes = self._changes(references) if self.entry is not None or not said else ()
        reasons = (*said, *self._replaced(), *changes)
        return self._bought(replace(planned, writes=True), key, 0, reasons)

    def _bought(self, planned: PlanNode, key: Digest, have: int, reasons: tuple[Reason, ...]) -> PlanNode:
        """As many takes as are missing, unless another node buys them or nothing may be sent."""
        planned = replace(planned, state=State.MAKE, reasons=reasons)
        obstacle = self._obstacle(key)
        if obstacle is None:
            return self._ordered(planned, key, have, self.node.takes)
        state, reason = obstacle
        if not have:
            return self._stopped(planned, state, reason)
        refused = self._refused(key)
        if refused is None or not isinstance(reason, why.RefusedBefore):
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
            reasons = (*self._replaced(), why.SameAs(address=buyer))
            return replace(planned, state=State.SAME, reasons=reasons, writes=True)
        self.walk.bought[key] = (buyer, takes)
        return self._priced(planned, takes - coming)

    def _obstacle(self, key: Digest) -> tuple[State, Reason] | None:
        refused = self._refused(key)
        if refused is not None and refused.blocked:
            return State.BLOCKED, why.RefusedBefore(refusal=refused.code, message=refused.message)
        upstream = self.walk.stopped(self.upstream)
        if refused is not None and (upstream is None or upstream[0] is State.WAITS):
            return State.FAILED, why.RefusedBefore(refusal=refused.code, message=refused.message)
        return upstream

    def _refused(self, key: Digest) -> Refused | None:
        """A refused request goes out again only when its node is named, or `--retry-blocked` says so of moderation."""
        refused, wish = self.walk.memory.refused(key), self.walk.wish
        if refused is None or self.node.address in wish.selection.named:
            return None
        return None if refused.blocked and wish.retry_blocked else refused

    def _later(self, planned: PlanNode) -> PlanNode:
        """A picture that it is made from comes only in this build, so its key is not known yet."""
        as_before = self._may_stay()
        if as_before is not None and self.walk.memory.whereabouts(as_before, planned.output) is Whereabouts.NOWHERE:
            return self._stopped(
                replace(planned, taken=as_before), State.MISSING, why.BytesMissing(digest=str(as_before))
            )
        if self._output(None) is OutputState.FOREIGN:
            self._view(View(identity=None, stopped=State.EDITED))
            return self.walk.edited(planned)
        upstream = self.walk.stopped(self.upstream)
        if upstream is not None:
            return self._stopped(planned, *upstream)
        own = self._own_changes(self.entry) if self.entry is not None else ()
        reasons = (*self._replaced(), *own, *self.walk.coming(self.upstream))
        views = [self.walk.views[address] for address in self.upstream]
        planned = replace(planned, reasons=reasons, writes=True)
        if as_before is not None:
            self._coming(f"perhaps:{self.node.address}", may_be_as_before=True)
            return self._priced(replace(planned, state=State.MAY), self.node.takes)
        supposed = [view.identity or view.future for view in views]
        key = request_key(self.asked, [identity for identity in supposed if identity is not None])
        self._coming(self._future(key))
        only_fetched = all(view.identity is not None or view.fetched_later for view in views)
        return self._ordered(
            replace(planned, state=State.MAKE if only_fetched else State.FOLLOWS), key, 0, self.node.takes
        )

    def _may_stay(self) -> Digest | None:
        """The chosen take, if it is right again as soon as everything awaited comes out as it was."""
        entry = self.entry
        before = entry.asked.get("references", ()) if entry is not None else ()
        if entry is None or len(before) != len(self.references):
            return None
        views = [self.walk.views[address] for address in self.upstream]
        if any(view.identity is None and not view.may_be_as_before for view in views):
            return None
        supposed = [now or then for now, then in zip(self.references, before, strict=True)]
        return entry.take if request_key(self.asked, supposed) == entry.want else None

    # What the words above rest on

    def _future(self, key: Digest) -> Identity:
        """Of a single take it is known that all who ask for it choose it; of several, each may choose another."""
        _, coming = self.walk.bought.get(key, (self.node.address, 0))
        return f"made:{key.hex}" if max(coming, self.node.takes) == 1 else f"made:{self.node.address}"

    def _view(self, view: View) -> None:
        self.walk.views[self.node.address] = view

    def _coming(self, future: Identity, *, may_be_as_before: bool = False) -> None:
        self._view(
            View(
                identity=None,
                future=future,
                may_be_as_before=may_be_as_before,
                comes_at_least=self._comes("comes_at_least"),
                comes_usually=self._comes("comes_usually"),
            )
        )

    def _stopped(self, planned: PlanNode, state: State, reason: Reason) -> PlanNode:
        self._view(View(identity=None, stopped=state))
        return replace(planned, state=state, reasons=(reason,), writes=False)

    def _uncertain(self, key: Digest | None) -> Reason | None:
        found = self.walk.memory.uncertain(key) if key is not None and not self.walk.wish.retry_unknown else None
        if found is None:
            return None
        return why.ChargeUncertain(
            since=found.since,
            cost=found.cost,
            why=found.why,
            request=found.request,
            request_id=found.request_id,
            client_request_id=found.client_request_id,
        )

    def _waits(self, key: Digest | None) -> Reason | None:
        found = self.walk.memory.waiting(key) if key is not None else None
        return None if found is None else why.PaidWaits(until=found.until, cost=found.cost)

    def _output(self, taken: Digest | None, fit: str | None = None) -> OutputState:
        """How the output file stands to the picture `taken`, cut to `fit`."""
        entry = self.entry
        wanted = taken if fit is None else None
        made = None if taken is None else made_of(taken, fit)
        if entry is None:
            return self.walk.output(self.blank, wanted, (), made)
        if taken == entry.take and entry.finish.get("fit") == fit:
            wanted = entry.output or taken
        return self.walk.output(self.blank, wanted, (entry.take, entry.output, *entry.takes), made)

    def _priced(self, planned: PlanNode, pictures: int) -> PlanNode:
        least, most = self._price()
        nothing, whole = Money.zero(self.walk.currency), most * pictures
        at_least = self._comes("comes_at_least") and planned.state is not State.MAY
        cost = Cost(
            low=least * pictures if at_least else nothing,
            expected=whole if self._comes("comes_usually") else nothing,
            high=whole,
        )
        return replace(planned, pictures=pictures, cost=cost, by_cascade=self._by_cascade(planned.key))

    def _price(self) -> tuple[Money, Money]:
        """Of one picture, at least and at most."""
        catalogue, provider, asked = self.walk.catalogue, self.walk.provider, self.asked
        if asked.layer is not None:
            return layer_prices(catalogue, provider, asked.model, asked.size)
        price = price_of(catalogue, provider, asked.model, asked.size, inputs=len(self.references))
        return price, price

    def _comes(self, how: str) -> bool:
        """Whether all that it is made from is there, in the case that `how` names (a field of `View`)."""
        return all(getattr(self.walk.views[address], how) for address in self.upstream)

    def _by_cascade(self, key: Digest | None) -> bool:
        """Nothing of its own changed: only pictures that other nodes make."""
        return self.entry is not None and self.entry.want != key and self.entry.own == self._own()

    def _own(self) -> Digest:
        elsewhere = [not isinstance(self.walk.graph[address], SourceNode) for address in self.upstream]
        return own_key(self.asked, self.references, made_elsewhere=elsewhere)

    def _replaced(self) -> tuple[Reason, ...]:
        approved = self.entry is not None and self.entry.level is Level.APPROVED
        return (why.ReplacesApproved(),) if approved else ()

    def _own_changes(self, entry: ImageEntry) -> tuple[Reason, ...]:
        """What changed in the node's own words and parameters; its references are another matter."""
        old = {name: value for name, value in entry.asked.items() if name != "references"}
        words = self.walk.memory.words(entry.want)
        new = request_document(self.asked, ())
        return why.compare_documents(old, new, old_words=words, defaults=DEFAULTS_1, references=())

    def _changes(self, references: list[Identity]) -> tuple[Reason, ...]:
        if self.entry is None:
            return (why.New(),)
        return why.compare_documents(
            self.entry.asked,
            request_document(self.asked, references),
            old_words=self.walk.memory.words(self.entry.want),
            defaults=DEFAULTS_1,
            references=self.upstream,
            called=self.walk.called,
        )
