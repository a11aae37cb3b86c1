"""What is known of one paid picture while a graph is planned: its want, its choice, its size, its price. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

from seedpipe.catalogue.sizes import size_text
from seedpipe.manifest.node import FrameNode, ImageNode, SourceNode
from seedpipe.money import Money
from seedpipe.names import Digest
from seedpipe.plan import reasons as why
from seedpipe.plan.document_changes import compare_documents
from seedpipe.plan.key import (
    DEFAULTS_1,
    Asked,
    Identity,
    own_key,
    request_document,
    request_key,
    without_references,
)
from seedpipe.plan.memory import OutputState, Refused, Uncertain
from seedpipe.plan.outputs import made_of
from seedpipe.plan.plan import Cost, PlanNode, State
from seedpipe.plan.price import layer_prices, price_of
from seedpipe.plan.reasons import Reason
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
        """The want key with pictures that other nodes make masked."""
        elsewhere = [not isinstance(self.walk.graph[address], SourceNode) for address in self.upstream]
        return own_key(self.asked, self.references, made_elsewhere=elsewhere)

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
        return why.ChargeUncertain(
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
        return () if found is None else (why.SentAgain(since=found.since, cost=found.cost, charged=found.charged),)

    def waits(self, key: Digest | None) -> tuple[why.PaidWaits, int] | None:
        """It is paid and still at the provider, and how many takes of it are."""
        found = self.walk.memory.waiting(key) if key is not None else None
        return None if found is None else (why.PaidWaits(until=found.until, cost=found.cost), found.takes)

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
        return why.RefusedBefore(
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
        new = request_document(self.asked, ())
        return compare_documents(old, new, old_words=words, defaults=DEFAULTS_1, references=())

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
            called=self.walk.called,
        )

    def priced(self, planned: PlanNode, pictures: int) -> PlanNode:
        """With so many pictures to buy, and what they cost."""
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
        return self.entry is not None and self.entry.want != key and self.entry.own == self.own()

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
                comes_at_least=self._comes("comes_at_least"),
                comes_usually=self._comes("comes_usually"),
            )
        )

    def stopped(self, planned: PlanNode, state: State, reason: Reason) -> PlanNode:
        """Its picture won't be there in this build."""
        self.view(View(identity=None, stopped=state))
        return replace(planned, state=state, reasons=(reason,), writes=False)
