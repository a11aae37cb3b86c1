"""`make_plan`: walks the graph once, pictures before what is made from them, and says what each node is and why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from seedpipe.canonical import digest_of
from seedpipe.catalogue.lookup import Catalogue
from seedpipe.manifest.node import DerivedNode, ImageNode, Node, SourceNode
from seedpipe.manifest.steps import Text
from seedpipe.money import Money
from seedpipe.names import Digest, Realm
from seedpipe.plan import reasons as why
from seedpipe.plan.graph import Graph
from seedpipe.plan.key import (
    DEFAULTS_1,
    Asked,
    Identity,
    own_key,
    recipe_document,
    recipe_identity,
    request_document,
    request_key,
)
from seedpipe.plan.memory import Memory, OutputState, Whereabouts
from seedpipe.plan.plan import Cost, Plan, PlanNode, State
from seedpipe.plan.price import currency_of, price_of
from seedpipe.plan.reasons import Reason
from seedpipe.plan.resolve import Resolver
from seedpipe.plan.select import Selection
from seedpipe.state.lock import ImageEntry, Level, Lock


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the person asked for beside the manifest."""

    selection: Selection
    targets: tuple[str, ...] = ()
    retry_unknown: bool = False
    retry_blocked: bool = False
    cascade: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class _View:
    """How a node looks to what is made from it. `identity` None: known once it is made (or never, if `stopped`)."""

    identity: Identity | None
    stopped: State | None = None  # its picture won't be there in this build
    bytes_at_hand: bool = True
    fetched_later: bool = False


def make_plan(
    graph: Graph,
    *,
    lock: Lock,
    catalogue: Catalogue,
    provider: str,
    resolver: Resolver,
    memory: Memory,
    wish: Wish,
    outputs: Mapping[str, str],
    project: str,
    realm: Realm,
) -> Plan:
    """The plan for `wish`. `outputs` are paths relative to the project's folder. Spends nothing, writes nothing."""
    walk = _Walk(
        graph=graph,
        lock=lock,
        catalogue=catalogue,
        provider=provider,
        resolver=resolver,
        memory=memory,
        wish=wish,
        outputs=outputs,
        currency=currency_of(catalogue, provider),
    )
    nodes = walk.run()
    total = Cost.nothing(walk.currency)
    for node in nodes.values():
        if node.pictures:
            total = total + node.cost
    return Plan(
        project=project,
        realm=realm,
        provider=provider,
        currency=walk.currency,
        nodes=nodes,
        targets=wish.targets,
        cost=total,
        resolved=dict(resolver.made),
    )


@dataclass(slots=True, kw_only=True)
class _Walk:
    graph: Graph
    lock: Lock
    catalogue: Catalogue
    provider: str
    resolver: Resolver
    memory: Memory
    wish: Wish
    outputs: Mapping[str, str]
    currency: str
    views: dict[str, _View] = field(default_factory=dict)
    bought: dict[Digest, tuple[str, int]] = field(default_factory=dict)  # key → first buyer, takes it will have

    def run(self) -> dict[str, PlanNode]:
        needed = self.graph.everything_above(self.wish.selection.nodes)
        planned = {}
        for node in self.graph:
            if node.address in needed:
                planned[node.address] = self._node(node)
        return planned

    def _node(self, node: Node) -> PlanNode:
        match node:
            case SourceNode():
                return self._source(node)
            case DerivedNode():
                return self._derived(node)
            case ImageNode():
                return self._image(node)

    def _base(self, node: Node) -> PlanNode:
        return PlanNode(
            address=node.address,
            kind={SourceNode: "source", ImageNode: "image", DerivedNode: "derived"}[type(node)],
            state=State.CACHED,
            cost=Cost.nothing(self.currency),
            made_from=tuple(self.graph.made_from(node.address)),
            output=self.outputs.get(node.address),
            tags=node.tags,
            axes=node.axes,
            position=node.position,
        )

    # Sources

    def _source(self, node: SourceNode) -> PlanNode:
        planned = self._base(node)
        entry = self.lock.source(node.address)
        if node.path is not None:
            digest = self.memory.source_digest(node.path)
            if entry is not None and entry.digest != digest and entry.pixels == self.memory.source_pixels(node.path):
                digest = entry.digest  # only metadata changed: no reason to buy anything again
            self.views[node.address] = _View(identity=str(digest))
            return replace(planned, taken=digest)
        pinned = entry.digest if entry is not None and entry.url == node.url else None
        fetched = pinned or self.memory.fetched(node.url or "")
        if fetched is not None and self.memory.whereabouts(fetched, None) is Whereabouts.STORE:
            self.views[node.address] = _View(identity=str(fetched))
            return replace(planned, taken=fetched)
        self.views[node.address] = _View(identity=None if fetched is None else str(fetched), fetched_later=True)
        return replace(planned, state=State.FETCH, taken=fetched)

    # Derived nodes

    def _derived(self, node: DerivedNode) -> PlanNode:
        planned = self._base(node)
        views = [self.views[address] for address in node.inputs]
        identities = [view.identity for view in views]
        if any(identity is None for identity in identities):
            return self._derived_later(node, planned)
        fonts = {step.font: self.memory.font_digest(step.font) for step in node.steps if isinstance(step, Text)}
        document = recipe_document(node, [identity for identity in identities if identity is not None], fonts)
        recipe = digest_of(document)
        entry = self.lock.derived(node.address)
        taken = self.memory.recipe(recipe)
        fetch = False
        if taken is None and entry is not None and entry.recipe == recipe:
            where = self.memory.whereabouts(entry.take, planned.output)
            taken = entry.take if where is not Whereabouts.NOWHERE else None
            fetch = where is Whereabouts.OUTPUT
        planned = replace(planned, key=recipe, taken=taken)
        wanted = taken
        if entry is not None and entry.output is not None and entry.take == taken:
            wanted = entry.output
        known = () if entry is None else tuple(filter(None, (entry.take, entry.output)))
        output = self.memory.output(planned.output or "", wanted, known)
        if output is OutputState.FOREIGN:
            self.views[node.address] = _View(identity=recipe_identity(recipe))
            return self._edited(planned)
        if taken is None:
            stopped = self._stopped(node.inputs, bytes_needed=True)
            if stopped is not None:
                self.views[node.address] = _View(identity=recipe_identity(recipe), stopped=State.BLOCKED)
                return replace(planned, state=State.BLOCKED, reasons=(stopped,))
        self.views[node.address] = _View(identity=recipe_identity(recipe))
        if taken is None:
            reason = why.New() if entry is None else why.RecipeChanged()
            return replace(planned, state=State.FREE, reasons=(reason,), writes=True)
        return self._kept(planned, State.FETCH if fetch else State.CACHED, output)

    def _derived_later(self, node: DerivedNode, planned: PlanNode) -> PlanNode:
        stopped = self._stopped(node.inputs, bytes_needed=False)
        if stopped is not None:
            self.views[node.address] = _View(identity=None, stopped=State.BLOCKED)
            return replace(planned, state=State.BLOCKED, reasons=(stopped,))
        self.views[node.address] = _View(identity=None)
        entry = self.lock.derived(node.address)
        known = () if entry is None else tuple(filter(None, (entry.take, entry.output)))
        if self.memory.output(planned.output or "", None, known) is OutputState.FOREIGN:
            return self._edited(planned)
        return replace(planned, state=State.FREE, reasons=self._upstream_reasons(node.inputs), writes=True)

    # Images

    def _image(self, node: ImageNode) -> PlanNode:
        asked = self.resolver.asked(node)
        planned = replace(self._base(node), model=asked.model, size=asked.size)
        entry = self.lock.image(node.address)
        if node.address not in self.wish.selection.nodes and entry is not None:
            kept = self._used_as_it_is(planned, entry)
            if kept is not None:
                return kept
        references = [self.views[reference.address].identity for reference in node.references]
        if any(identity is None for identity in references):
            return self._image_later(node, planned, asked, entry, references)
        known = [identity for identity in references if identity is not None]
        key = request_key(asked, known)
        planned = replace(planned, key=key)
        if entry is not None and entry.want == key:
            return self._wanted_entry(node, planned, entry, key, asked)
        if entry is not None:
            kept = self._kept_on_purpose(node, planned, asked, entry, references)
            if kept is not None:
                return kept
        pool = self.memory.takes(key)
        if pool:
            return self._from_pool(node, planned, asked, entry, key, pool)
        return self._to_make(node, planned, asked, entry, key, self._change_reasons(node, asked, known, entry))

    def _used_as_it_is(self, planned: PlanNode, entry: ImageEntry) -> PlanNode | None:
        """An upstream that nobody named: its chosen picture serves as it is, stale or not."""
        if self.memory.whereabouts(entry.take, planned.output) is Whereabouts.NOWHERE:
            return None
        self.views[planned.address] = _View(identity=str(entry.take))
        return replace(planned, taken=entry.take)

    def _wanted_entry(
        self, node: ImageNode, planned: PlanNode, entry: ImageEntry, key: Digest, asked: Asked
    ) -> PlanNode:
        """The chosen picture was made for the present want."""
        planned = replace(planned, taken=entry.take)
        where = self.memory.whereabouts(entry.take, planned.output)
        uncertain = self._uncertain(planned, key)
        if where is Whereabouts.NOWHERE:
            self.views[node.address] = _View(identity=str(entry.take), bytes_at_hand=False)
            return replace(planned, state=State.MISSING, reasons=(why.BytesMissing(digest=str(entry.take)),))
        self.views[node.address] = _View(identity=str(entry.take))
        if uncertain is not None:
            return uncertain
        have = len({*entry.takes, *self.memory.takes(key)})
        if have < node.takes:
            return self._more_takes(node, planned, asked, key, have)
        output = self._output(planned, entry)
        return self._kept(planned, State.FETCH if where is Whereabouts.OUTPUT else State.CACHED, output)

    def _kept_on_purpose(
        self,
        node: ImageNode,
        planned: PlanNode,
        asked: Asked,
        entry: ImageEntry,
        references: Sequence[Identity | None],
    ) -> PlanNode | None:
        """A pinned picture always, an approved one against cascade alone (design: who may displace a choice)."""
        if entry.level is Level.AUTO and self.wish.cascade:
            return None
        cascade_alone = entry.own == self._own(node, asked, references)
        if entry.level is Level.PINNED:
            state = State.PINNED
        elif cascade_alone and (node.address not in self.wish.selection.named or not self.wish.cascade):
            state = State.STALE
        else:
            return None
        planned = replace(planned, taken=entry.take)
        if self.memory.whereabouts(entry.take, planned.output) is Whereabouts.NOWHERE:
            self.views[node.address] = _View(identity=str(entry.take), bytes_at_hand=False)
            return replace(planned, state=State.MISSING, reasons=(why.BytesMissing(digest=str(entry.take)),))
        self.views[node.address] = _View(identity=str(entry.take))
        kept = self._kept(planned, state, self._output(planned, entry))
        return replace(kept, reasons=(why.KeptOnPurpose(level=entry.level.value), *kept.reasons))

    def _image_later(
        self,
        node: ImageNode,
        planned: PlanNode,
        asked: Asked,
        entry: ImageEntry | None,
        references: Sequence[Identity | None],
    ) -> PlanNode:
        """A picture that it is made from comes only in this build, so its key is not known yet."""
        if entry is not None:
            kept = self._kept_on_purpose(node, planned, asked, entry, references)
            if kept is not None:
                return kept
        addresses = tuple(reference.address for reference in node.references)
        stopped = self._stopped(addresses, bytes_needed=True)
        if stopped is not None:
            return self._blocked(planned, stopped)
        output = self._output(planned, entry, wanted=None)
        if output is OutputState.FOREIGN:
            self.views[node.address] = _View(identity=None, stopped=State.EDITED)
            return self._edited(planned)
        reasons = self._upstream_reasons(addresses)
        if entry is not None and entry.own != self._own(node, asked, references):
            reasons = (*self._own_reasons(asked, entry), *reasons)
        if entry is not None and entry.level is Level.APPROVED:
            reasons = (why.ReplacesApproved(), *reasons)
        only_fetched = all(
            view.identity is not None or view.fetched_later for view in map(self.views.__getitem__, addresses)
        )
        self.views[node.address] = _View(identity=None)
        return replace(
            planned,
            state=State.MAKE if only_fetched else State.FOLLOWS,
            reasons=reasons,
            pictures=node.takes,
            cost=Cost.exactly(self._price(node, asked) * node.takes),
            writes=True,
        )

    def _from_pool(
        self,
        node: ImageNode,
        planned: PlanNode,
        asked: Asked,
        entry: ImageEntry | None,
        key: Digest,
        pool: Sequence[Digest],
    ) -> PlanNode:
        """The very request was paid for before: a rename, a new axis, a reverted edit."""
        planned = replace(planned, taken=pool[0])
        self.views[node.address] = _View(identity=str(pool[0]))
        output = self._output(planned, entry, wanted=pool[0])
        if output is OutputState.FOREIGN:
            return self._edited(planned)
        if len(pool) < node.takes:
            uncertain = self._uncertain(planned, key)
            return uncertain or self._more_takes(node, planned, asked, key, len(pool))
        kept = self._kept(planned, State.CACHED, output)
        return replace(kept, reasons=(why.PaidBefore(), *kept.reasons), writes=True)

    def _more_takes(self, node: ImageNode, planned: PlanNode, asked: Asked, key: Digest, have: int) -> PlanNode:
        missing = node.takes - have
        self.bought.setdefault(key, (node.address, node.takes))
        return replace(
            planned,
            state=State.MAKE,
            reasons=(why.MoreTakes(have=have, want=node.takes),),
            pictures=missing,
            cost=Cost.exactly(self._price(node, asked) * missing),
        )

    def _to_make(
        self,
        node: ImageNode,
        planned: PlanNode,
        asked: Asked,
        entry: ImageEntry | None,
        key: Digest,
        reasons: tuple[Reason, ...],
    ) -> PlanNode:
        uncertain = self._uncertain(planned, key)
        if uncertain is not None:
            self.views[node.address] = _View(identity=None, stopped=State.UNKNOWN)
            return uncertain
        if self._output(planned, entry, wanted=None) is OutputState.FOREIGN:
            self.views[node.address] = _View(identity=None, stopped=State.EDITED)
            return self._edited(planned)
        refused = self.memory.refused(key)
        if refused is not None and not self._asked_again(node, blocked=refused.blocked):
            state = State.BLOCKED if refused.blocked else State.FAILED
            self.views[node.address] = _View(identity=None, stopped=state)
            return replace(
                planned,
                state=state,
                reasons=(why.RefusedBefore(refusal=refused.code, message=refused.message),),
            )
        stopped = self._stopped(tuple(reference.address for reference in node.references), bytes_needed=True)
        if stopped is not None:
            return self._blocked(planned, stopped)
        self.views[node.address] = _View(identity=None)
        buyer, takes = self.bought.get(key, (None, 0))
        if buyer is not None and takes >= node.takes:
            return replace(planned, state=State.SAME, reasons=(why.SameAs(address=buyer),), writes=True)
        self.bought[key] = (buyer or node.address, node.takes)
        if entry is not None and entry.level is Level.APPROVED:
            reasons = (why.ReplacesApproved(), *reasons)
        return replace(
            planned,
            state=State.MAKE,
            reasons=reasons,
            pictures=node.takes - takes,
            cost=Cost.exactly(self._price(node, asked) * (node.takes - takes)),
            writes=True,
        )

    def _asked_again(self, node: ImageNode, *, blocked: bool) -> bool:
        """A refused request goes out again only when its node is named, or `--retry-blocked` says so of moderation."""
        return node.address in self.wish.selection.named or (blocked and self.wish.retry_blocked)

    # What several kinds share

    def _blocked(self, planned: PlanNode, reason: Reason) -> PlanNode:
        self.views[planned.address] = _View(identity=None, stopped=State.BLOCKED)
        return replace(planned, state=State.BLOCKED, reasons=(reason,))

    def _edited(self, planned: PlanNode) -> PlanNode:
        return replace(planned, state=State.EDITED, reasons=(why.OutputEdited(path=planned.output or ""),))

    def _kept(self, planned: PlanNode, state: State, output: OutputState) -> PlanNode:
        """The picture stays; its file may have to be written again, for nothing."""
        if output is OutputState.FOREIGN:
            return self._edited(planned)
        if output in (OutputState.ABSENT, OutputState.OURS):
            reason = why.OutputAbsent(path=planned.output or "")
            return replace(planned, state=state, reasons=(reason,), writes=True)
        return replace(planned, state=state)

    def _output(
        self, planned: PlanNode, entry: ImageEntry | None, *, wanted: "Digest | str | None" = "entry"
    ) -> OutputState:
        known = () if entry is None else tuple(filter(None, (entry.take, entry.output, *entry.takes)))
        if isinstance(wanted, str):
            wanted = None if entry is None else entry.output or entry.take
        return self.memory.output(planned.output or "", wanted, known)

    def _uncertain(self, planned: PlanNode, key: Digest) -> PlanNode | None:
        uncertain = self.memory.uncertain(key)
        if uncertain is None or self.wish.retry_unknown:
            return None
        reason = why.ChargeUncertain(since=uncertain.since, cost=uncertain.cost, why=uncertain.why)
        return replace(planned, state=State.UNKNOWN, reasons=(reason,))

    def _stopped(self, addresses: Sequence[str], *, bytes_needed: bool) -> Reason | None:
        for address in addresses:
            view = self.views[address]
            if view.stopped is not None and view.identity is None:
                return why.UpstreamStopped(address=address, state=view.stopped.value)
            if bytes_needed and (not view.bytes_at_hand or view.stopped is not None):
                return why.UpstreamStopped(address=address, state=(view.stopped or State.MISSING).value)
        return None

    def _upstream_reasons(self, addresses: Sequence[str]) -> tuple[Reason, ...]:
        found: list[Reason] = []
        for address in dict.fromkeys(addresses):
            view = self.views[address]
            if view.identity is None:
                kind = why.SourceNotFetched if view.fetched_later else why.UpstreamMade
                found.append(kind(address=address))
        return tuple(found)

    def _own(self, node: ImageNode, asked: Asked, references: Sequence[Identity | None]) -> Digest:
        elsewhere = [not isinstance(self.graph[reference.address], SourceNode) for reference in node.references]
        return own_key(asked, references, made_elsewhere=elsewhere)

    def _own_reasons(self, asked: Asked, entry: ImageEntry) -> tuple[Reason, ...]:
        """What changed in the node's own words and parameters; its references are another matter."""
        new = request_document(asked, ())
        old = {name: value for name, value in entry.asked.items() if name != "references"}
        return why.compare_documents(
            old, new, old_prompt=self.memory.words(entry.made.request), defaults=DEFAULTS_1, references=()
        )

    def _change_reasons(
        self, node: ImageNode, asked: Asked, references: Sequence[Identity], entry: ImageEntry | None
    ) -> tuple[Reason, ...]:
        if entry is None:
            return (why.New(),)
        return why.compare_documents(
            entry.asked,
            request_document(asked, references),
            old_prompt=self.memory.words(entry.made.request),
            defaults=DEFAULTS_1,
            references=[reference.address for reference in node.references],
        )

    def _price(self, node: ImageNode, asked: Asked) -> Money:
        return price_of(self.catalogue, self.provider, asked.model, asked.size, inputs=len(node.references))
