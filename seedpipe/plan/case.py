"""What is known of one paid picture while a graph is planned: its want, its choice, its size, its price. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Self

from seedpipe.canonical import digest_of
from seedpipe.catalogue.sizes import size_text
from seedpipe.manifest.node import FrameNode, ImageNode, worn
from seedpipe.money import Money
from seedpipe.names import Digest
from seedpipe.plan import obstacles
from seedpipe.plan import reasons as why
from seedpipe.plan.document_changes import compare_documents
from seedpipe.plan.fewer import counted_references, lacking, own_of, words_with_fewer
from seedpipe.plan.key import (
    DEFAULTS_1,
    Asked,
    Identity,
    request_document,
    request_key,
    without_references,
)
from seedpipe.plan.memory import OutputState, Refused, Uncertain
from seedpipe.plan.outputs import made_of
from seedpipe.plan.plan import Cost, PlanNode, State
from seedpipe.plan.price import layer_prices, price_of
from seedpipe.plan.reason import Reason
from seedpipe.plan.sizes import Pixels, SizeRule, came_of, fit_of
from seedpipe.plan.walk import View, Walk
from seedpipe.state.lock import ImageEntry, Level


def key_now(walk: Walk, node: ImageNode) -> Digest | None:
    """Under which a picture is asked for; None while one that it is made from isn't there, or wasn't looked at."""
    views = [walk.views.get(reference.address) for reference in node.references]
    known = [view.identity for view in views if view is not None and view.identity is not None]
    return request_key(walk.resolver.asked(node), known) if len(known) == len(views) else None


@dataclass(frozen=True, kw_only=True)
class Case:
    """One node. `blank` is what the plan says before anything is known; `entry` is the present choice."""

    walk: Walk
    node: ImageNode | FrameNode
    asked: Asked
    entry: ImageEntry | None
    blank: PlanNode

    @classmethod
    def of(cls, walk: Walk, node: ImageNode | FrameNode) -> Self:
        """Raises what `Resolver.asked` raises."""
        asked = walk.resolver.asked(node)
        look = node.look if isinstance(node, ImageNode) else None
        blank = replace(walk.blank(node), model=asked.model, size=asked.size, look=look)
        return cls(walk=walk, node=node, asked=asked, entry=walk.lock.image(node.address), blank=blank)

    @cached_property
    def whole(self) -> ImageNode | FrameNode:
        """With all pictures that it may be made from, whether they were made or not."""
        written = worn(self.walk.graph[self.node.address], self.blank.look)
        return written if isinstance(written, ImageNode | FrameNode) else self.node

    @cached_property
    def upstream(self) -> tuple[str, ...]:
        return tuple(reference.address for reference in self.node.references)

    @cached_property
    def references(self) -> tuple[Identity | None, ...]:
        return tuple(self.walk.views[address].identity for address in self.upstream)

    @property
    def look(self) -> str | None:
        """Which of several looks this is about."""
        return self.blank.look if isinstance(self.node, ImageNode) and self.node.looks else None

    @cached_property
    def _other_keys(self) -> tuple[tuple[Digest | None, str | None], ...]:
        others = self.node.others if isinstance(self.node, ImageNode) else ()
        return tuple((key_now(self.walk, other), other.look) for other in others)

    @cached_property
    def rule(self) -> SizeRule:
        return self.walk.resolver.size_rule(self.node, self.asked)

    def own(self) -> Digest:
        """The want key with pictures that other nodes make masked: the same however many counted ones were made."""
        return own_of(self.whole, self.walk.graph, self.walk.resolver, lambda one: self.walk.views[one].identity)

    def supposed(self) -> Digest:
        """Stands for the key that isn't known yet: equal ones will be one picture. What may come with fewer says so."""
        views = [self.walk.views[address] for address in self.upstream]
        supposed = [view.identity or view.future for view in views]
        key = request_key(self.asked, [identity for identity in supposed if identity is not None])
        if not self.is_open:
            return key
        globs = [reference.glob if reference.counted else None for reference in self.node.references]
        alike = [globs.index(glob) for glob in globs]  # what the globs are called is in no key
        words = words_with_fewer(self.whole, None)
        return digest_of({"key": str(key), "globs": alike, "words": str(words)})

    @property
    def is_open(self) -> bool:
        """Of the counted pictures that it names by a glob it isn't known yet which there will be."""
        return any(
            reference.counted and self.walk.views[reference.address].identity is None
            for reference in self.node.references
        )

    def came(self, taken: Digest, key: Digest | None) -> Pixels | None:
        """A picture's size; of one that isn't chosen it is looked up only where something depends on it."""
        if self.entry is not None and self.entry.take == taken:
            return came_of(self.rule, self.entry)
        return None if key is None or not self.rule.matters else self.walk.memory.pixels(taken, key)

    def other_size(self, taken: Digest, key: Digest | None) -> str | None:
        """The size of a picture that hasn't the one that was asked for."""
        came = self.came(taken, key)
        return size_text(came) if came is not None and self.rule.differs(came) else None

    def refitted(self, taken: Digest) -> Reason | None:
        """Why the file of a chosen picture that stays is another one now."""
        entry = self.entry
        if entry is None or entry.take != taken or fit_of(self.rule, entry) == entry.finish.get("fit"):
            return None
        return why.OutputFitted(path=self.blank.output or "", came=entry.made.size, size=fit_of(self.rule, entry))

    def right(self, pool: Sequence[Digest], key: Digest) -> Digest | None:
        """The first picture that may be chosen by itself."""
        return next((taken for taken in pool if not self.rule.refuses(self.came(taken, key))), None)

    def output(self, taken: Digest | None, fit: str | None = None) -> OutputState:
        """How the output file stands to the picture `taken`, cut to `fit`."""
        entry = self.entry
        wanted = taken if fit is None else None
        made = None if taken is None else made_of(taken, fit)
        if entry is None:
            return self.walk.output(self.blank, wanted, (), made)
        if taken == entry.take and entry.finish.get("fit") == fit:
            wanted = entry.output or taken
        return self.walk.output(self.blank, wanted, (entry.take, entry.output, *entry.takes), made)

    def uncertain(self, key: Digest | None) -> Reason | None:
        """A request for it, in whichever look, whose charge is not known stands in the way."""
        if self.walk.wish.retry_unknown:
            return None
        looks = {one: look for one, look in reversed(((key, self.look), *self._other_keys)) if one is not None}
        known = {look: self.walk.memory.uncertain(one) for one, look in reversed(looks.items())}
        held = {look: one for look, one in known.items() if one is not None}
        found = Uncertain.of_all([*held.values()])
        if found is None:
            return None
        return obstacles.ChargeUncertain(
            look=next(iter(held)) if len(held) == 1 else None,
            requests=found.requests,
            since=found.since,
            cost=found.cost,
            why=found.why,
            charged=found.charged,
            request=found.request,
            request_id=found.request_id,
            client_request_id=found.client_request_id,
        )

    def sent_again(self, key: Digest) -> tuple[Reason, ...]:
        """What `--retry-unknown` has bought although the last one may have been charged."""
        found = self.walk.memory.uncertain(key) if self.walk.wish.retry_unknown else None
        return (
            () if found is None else (obstacles.SentAgain(since=found.since, cost=found.cost, charged=found.charged),)
        )

    def waits(self, key: Digest | None) -> tuple[obstacles.PaidWaits, int] | None:
        """It is paid and still at the provider, and how many takes of it are."""
        found = self.walk.memory.waiting(key) if key is not None else None
        return None if found is None else (obstacles.PaidWaits(until=found.until, cost=found.cost), found.takes)

    def obstacle(self, key: Digest) -> tuple[State, Reason] | None:
        """Why nothing may be sent for it."""
        refused = self.refused(key)
        if refused is not None and refused.blocked:
            return State.BLOCKED, self._refused_words(refused)
        upstream = self.walk.stopped(self.upstream)
        if refused is not None and (upstream is None or upstream[0] is State.WAITS):
            return State.FAILED, self._refused_words(refused)
        return upstream

    def _refused_words(self, refused: Refused) -> Reason:
        """Of its look, unless it never had a picture: then each of its looks was refused (`looks.in_its_look`)."""
        look = None if self.entry is None else self.look
        return obstacles.RefusedBefore(
            look=look, refusal=refused.code, message=refused.message, request_id=refused.request_id
        )

    def refused(self, key: Digest) -> Refused | None:
        """A refused request goes out again only when its node is named, or `--retry-blocked` says so of moderation."""
        refused, wish = self.walk.memory.refused(key), self.walk.wish
        if refused is None or self.node.address in wish.selection.named:
            return None
        return None if refused.blocked and wish.retry_blocked else refused

    def replaced(self) -> tuple[Reason, ...]:
        """Said where a person had approved what is replaced, and where the look that it was made for is gone."""
        if self.entry is None:
            return ()
        approved = (why.ReplacesApproved(),) if self.entry.level is Level.APPROVED else ()
        looks = self.node.looks if isinstance(self.node, ImageNode) else ()
        before = self.entry.look
        if before is None or any(one.is_called(before) for one in looks) or self.entry.own == self.own():
            return approved
        return (*approved, why.LookGone(name=before))

    def own_changes(self, entry: ImageEntry) -> tuple[Reason, ...]:
        """What changed in the node's own words and parameters; its references are another matter."""
        old = without_references(entry.asked)
        words = self.walk.memory.words(entry.want)
        found = [
            compare_documents(old, request_document(asked, ()), old_words=words, defaults=DEFAULTS_1, references=())
            for asked in self._asked_then(entry)
        ]
        return () if () in found else found[0]

    def _asked_then(self, entry: ImageEntry) -> Iterator[Asked]:
        """What would be asked with the counted pictures that there were when the choice was made, as far as it is known."""
        counted = [reference.address for reference in counted_references(self.node)]
        if counted:
            lock = self.walk.lock
            yield self.walk.resolver.asked(lacking(self.node, {one for one in counted if lock.image(one) is None}))
            fewer = len(self.node.references) - len(entry.asked.get("references", ()))
            yield self.walk.resolver.asked(lacking(self.node, counted[len(counted) - fewer :] if fewer > 0 else ()))
        yield self.asked

    def changes(self, references: list[Identity]) -> tuple[Reason, ...]:
        """What changed since the choice was made."""
        if self.entry is None:
            return (why.New(),)
        return compare_documents(
            self.entry.asked,
            request_document(self.asked, references),
            old_words=self.walk.memory.words(self.entry.want),
            defaults=DEFAULTS_1,
            references=self.upstream,
            called=partial(self.walk.called, near=self.upstream),
        )

    def priced(self, planned: PlanNode, pictures: int) -> PlanNode:
        """With so many pictures to buy, and what they cost."""
        nothing, most = Money.zero(self.walk.currency), len(self.references)
        at_least = None if planned.state is State.MAY else self.inputs("comes_at_least")
        usually = self.inputs("comes_usually")
        prices = {inputs: self._price(inputs) for inputs in {at_least, usually, most} if inputs is not None}
        cost = Cost(
            low=nothing if at_least is None else prices[at_least][0] * pictures,
            expected=nothing if usually is None else prices[usually][1] * pictures,
            high=prices[most][1] * pictures,
        )
        return replace(planned, pictures=pictures, cost=cost, by_cascade=self._by_cascade(planned.key))

    def _price(self, inputs: int) -> tuple[Money, Money]:
        """Of one picture made from so many, at least and at most."""
        catalogue, provider, asked = self.walk.catalogue, self.walk.provider, self.asked
        if asked.layer is not None:
            return layer_prices(catalogue, provider, asked.model, asked.size)
        price = price_of(catalogue, provider, asked.model, asked.size, inputs=inputs)
        return price, price

    def inputs(self, how: str) -> int | None:
        """From how many it is made in the case that `how` names (a field of `View`); None: then it can't be made."""
        absent = {address for address in self.upstream if not getattr(self.walk.views[address], how)}
        left = [reference.address for reference in lacking(self.node, absent).references]
        return len(left) if absent.isdisjoint(left) else None

    def _by_cascade(self, key: Digest | None) -> bool:
        """Nothing of its own changed: only pictures that other nodes make."""
        entry = self.entry
        return entry is not None and entry.want != key and entry.own == self.own() and not self.is_of_the_same(entry)

    def is_of_the_same(self, entry: ImageEntry) -> bool:
        """The choice was made from the counted pictures of now: what differs are words that it has only with so few."""
        return bool(counted_references(self.whole)) and tuple(entry.asked.get("references", ())) == self.references

    def future(self, key: Digest) -> Identity:
        """Of a single take it is known that all who ask for it choose it; of several, each may choose another."""
        _, coming = self.walk.bought.get(key, (self.node.address, 0))
        return f"made:{key.hex}" if max(coming, self.node.takes) == 1 else f"made:{self.node.address}"

    def view(self, view: View) -> None:
        """How the node looks to what is made from it."""
        self.walk.views[self.node.address] = view

    def coming(self, future: Identity, *, may_be_as_before: bool = False) -> None:
        """Its picture comes only in this build."""
        self.view(
            View(
                identity=None,
                future=future,
                may_be_as_before=may_be_as_before,
                comes_at_least=self.inputs("comes_at_least") is not None,
                comes_usually=self.inputs("comes_usually") is not None,
            )
        )

    def stopped(self, planned: PlanNode, state: State, reason: Reason) -> PlanNode:
        """Its picture won't be there in this build."""
        self.view(View(identity=None, stopped=state))
        return replace(planned, state=state, reasons=(reason,), writes=False)
