"""`Walk`: what is known while a graph is planned, and the questions that every kind of node asks of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain

from seedpipe.catalogue.lookup import Catalogue
from seedpipe.manifest.node import DerivedNode, FrameNode, ImageNode, Node, SourceNode, upstream_addresses
from seedpipe.manifest.node import Sequence as FrameSequence
from seedpipe.names import Digest
from seedpipe.plan import obstacles
from seedpipe.plan import reasons as why
from seedpipe.plan.fewer import AnyNode, counted_references, lacking, superseded
from seedpipe.plan.graph import Graph
from seedpipe.plan.key import Identity, recipe_identity, request_document
from seedpipe.plan.memory import Memory, OutputState, Whereabouts
from seedpipe.plan.orphans import left_over
from seedpipe.plan.outputs import files_of_choices
from seedpipe.plan.plan import Cost, PlanNode, State
from seedpipe.plan.reason import Reason
from seedpipe.plan.resolve import Resolver
from seedpipe.plan.select import Wish
from seedpipe.state.lock import DerivedEntry, ImageEntry, Lock, SourceEntry

_KINDS: Mapping[type[Node], str] = {
    SourceNode: "source",
    ImageNode: "image",
    FrameNode: "frame",
    DerivedNode: "derived",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """How a node looks to what is made from it. `identity` None: known once it is made (or never, if `stopped`)."""

    identity: Identity | None
    future: Identity | None = None  # stands for an identity that isn't known yet: equal ones will be one picture
    stopped: State | None = None  # its picture won't be there in this build
    gated: bool = False  # it is there, or will be, and what is made from it waits for a person to approve it
    bytes_at_hand: bool = True
    file: str | None = None  # what is at hand in their stead: its output file, in another format or size
    fetched_later: bool = False
    may_be_as_before: bool = False  # what comes in this build may turn out to be the picture that was there
    comes_at_least: bool = True  # it is there even if every batch brings no more than its first frame
    comes_usually: bool = True  # it is there if batches bring as much as they usually do

    @property
    def not_made(self) -> bool:
        """Its counted sequence is complete without it."""
        return self.stopped is State.CACHED


@dataclass(kw_only=True)
class Walk:
    """Filled node by node, pictures before what is made from them."""

    graph: Graph
    lock: Lock
    catalogue: Catalogue
    provider: str
    resolver: Resolver
    memory: Memory
    wish: Wish
    outputs: Mapping[str, str]
    folder: str  # where they stand if nothing else is said
    currency: str
    views: dict[str, View] = field(default_factory=dict)
    bought: dict[Digest, tuple[str, int]] = field(default_factory=dict)  # key → first buyer, takes it will have
    _superseded: dict[str, frozenset[str]] = field(default_factory=dict)

    def blank(self, node: Node) -> PlanNode:
        """What the plan says of a node before it is judged."""
        return PlanNode(
            address=node.address,
            kind=_KINDS[type(node)],
            state=State.CACHED,
            cost=Cost.nothing(self.currency),
            made_from=tuple(dict.fromkeys(upstream_addresses(node))),
            output=self.outputs.get(node.address),
            tags=node.tags,
            axes=node.axes,
            position=node.position,
        )

    def as_came(self, node: AnyNode) -> AnyNode:
        """As it is asked for with the counted pictures that there are, or will be as far as is known."""
        views = ((one.address, self.views.get(one.address)) for one in counted_references(node))
        return lacking(node, {address for address, view in views if view is not None and view.not_made})

    def is_left_out(self, node: ImageNode | FrameNode) -> bool:
        """Excluded from this build. Layers come together: one of them can't be left out alone."""
        excluded = self.wish.selection.excluded
        if isinstance(node, FrameNode) and node.sequence.layered:
            return excluded.issuperset(node.sequence.addresses)
        return node.address in excluded

    def is_selected(self, node: ImageNode | FrameNode) -> bool:
        """What is counted, and layers, come together: who selects one of them means all that isn't left out."""
        if isinstance(node, FrameNode) and node.sequence.counted and not self.is_left_out(node):
            return self.selects(node.sequence)
        return node.address in self.wish.selection.nodes

    def selects(self, sequence: FrameSequence) -> bool:
        """One of its frames at least."""
        return not self.wish.selection.nodes.isdisjoint(sequence.addresses)

    def named_itself(self, sequence: FrameSequence) -> frozenset[str]:
        """Which frames a person wrote down one by one; none where all were meant."""
        named = self.wish.selection.named.intersection(sequence.addresses)
        return frozenset() if len(named) == len(sequence.frames) else named

    def is_superseded(self, node: ImageNode | FrameNode) -> bool:
        """One of a counted sequence that was made for other words or pictures than the latest batch: it may not exist now."""
        if not isinstance(node, FrameNode) or not node.sequence.counted:
            return False
        address = node.sequence.address
        if address not in self._superseded:
            entries = {one: entry for one in node.sequence.addresses if (entry := self.lock.image(one)) is not None}
            self._superseded[address] = superseded(entries, request_document(self.resolver.asked(node), ()))
        return node.address in self._superseded[address]

    def whereabouts(self, picture: Digest, path: str | None) -> Whereabouts:
        """Where its bytes are: in the store, in the output file at `path`, or in that of another node with this choice."""
        found = self.memory.whereabouts(picture, path)
        if found is not Whereabouts.NOWHERE:
            return found
        return max(
            (self.memory.whereabouts(picture, other) for other in self._files_of_choices.get(picture, ())),
            key=lambda where: where is Whereabouts.OUTPUT,
            default=found,
        )

    def takes(self, want: Digest, path: str | None) -> Sequence[Digest]:
        """Pictures for this very want: those at hand, else a choice of another name that only an output file holds.

        `path` is the file of whoever asks: it may have been that of the other name.
        """
        found = self.memory.takes(want)
        return found or [
            take for take in self._choices.get(want, ()) if self.whereabouts(take, path) is Whereabouts.OUTPUT
        ]

    def left_over(self, want: Digest) -> tuple[str, Digest] | None:
        """A name that the manifest no longer has, and the picture that is chosen there for this very want."""
        return self._left_over.get(want)

    @cached_property
    def _left_over(self) -> Mapping[Digest, tuple[str, Digest]]:
        lines = left_over(self.lock, self.graph.addresses)
        return {line.want: (name, line.take) for name, line in lines.items()}

    @cached_property
    def _choices(self) -> Mapping[Digest, Sequence[Digest]]:
        found: dict[Digest, list[Digest]] = {}
        for entry in self.lock.entries.values():
            if isinstance(entry, ImageEntry):
                found.setdefault(entry.want, []).append(entry.take)
        return found

    @cached_property
    def _files_of_choices(self) -> Mapping[Digest, Sequence[str]]:
        return files_of_choices(self.lock, self.outputs, self.folder)

    def output(
        self, planned: PlanNode, wanted: Digest | None, known: Sequence[Digest | None], made_of: str | None = None
    ) -> OutputState:
        """How the node's output file stands to `wanted`; `known` are other pictures that may be replaced.

        `made_of` (`outputs.made_of`) is what the file is to be made of, for those that aren't the picture itself.
        """
        present = tuple(digest for digest in known if digest is not None)
        return self.memory.output(planned.output or "", wanted, present, made_of)

    def edited(self, planned: PlanNode) -> PlanNode:
        return replace(planned, state=State.EDITED, reasons=(obstacles.OutputEdited(path=planned.output or ""),))

    def kept(self, planned: PlanNode, output: OutputState, differs: Reason | None = None) -> PlanNode:
        """The picture stays; its file may have to be written again, for nothing, `differs` being why if it is there."""
        if output is OutputState.RIGHT:
            return planned
        absent = why.OutputAbsent(path=planned.output or "")
        reason = absent if output is OutputState.ABSENT or differs is None else differs
        return replace(planned, reasons=(*planned.reasons, reason), writes=True)

    def stopped(self, addresses: Sequence[str]) -> tuple[State, Reason] | None:
        """Why something made from `addresses` can't be made in this build, and what it then is.

        `waits` if a person's word is all that is lacking, else `blocked`.
        """
        waits: Reason | None = None
        for address in addresses:
            view = self.views[address]
            state = view.stopped if view.bytes_at_hand or view.stopped is not None else State.MISSING
            if state is None and not view.gated:
                continue
            if state is None:
                gate = self.graph[address]
                looks = len(gate.looks) if isinstance(gate, ImageNode) and len(gate.looks) > 1 else None
                waits = waits or obstacles.GateClosed(address=address, picture=view.identity is not None, looks=looks)
                continue
            others = dict.fromkeys(one for one in addresses if one != address and self.views[one].stopped is state)
            more = tuple(others) if state is State.CACHED else ()
            file = view.file if view.stopped is None else None
            reason = obstacles.UpstreamStopped(address=address, state=state.value, more=more, file=file)
            if state is not State.WAITS:
                return State.BLOCKED, reason
            waits = waits or reason
        return None if waits is None else (State.WAITS, waits)

    @cached_property
    def _called(self) -> Mapping[str, str]:
        names: dict[str, str] = {}
        for address in self.lock.entries:
            names.setdefault(self.locked(address) or "", address)
        return names

    def locked(self, address: str) -> Identity | None:
        """What keys call the picture that the lock has chosen; None where there is none."""
        match self.lock.entries.get(address):
            case ImageEntry(take=digest) | SourceEntry(digest=digest):
                return str(digest)
            case DerivedEntry(recipe=recipe):
                return recipe_identity(recipe)
        return None

    def called(self, identity: Identity, near: Sequence[str] = ()) -> str | None:
        """Whose picture it is by the lock; None for one that no node has chosen.

        Those `near` are asked first, also for a take that they had: two nodes that ask for the same share pictures.
        """
        for address in near:
            entry = self.lock.image(address)
            if entry is not None and identity in map(str, (entry.take, *entry.takes, *chain(*entry.also.values()))):
                return address
        return self._called.get(identity)

    def said(self, want: Digest) -> tuple[Reason, ...]:
        """A person's word by which what was sent before may be bought."""
        found = self.memory.said(want)
        if found is None:
            return ()
        return (
            obstacles.PersonSaid(
                who=found.who, at=found.at, paid=found.paid, cost=found.cost, since=found.since, note=found.note
            ),
        )

    def coming(self, addresses: Sequence[str]) -> tuple[Reason, ...]:
        """A reason for each of `addresses` whose picture comes only in this build."""
        found: list[Reason] = []
        for address in dict.fromkeys(addresses):
            view = self.views[address]
            if view.identity is None and view.fetched_later:
                found.append(why.SourceNotFetched(address=address))
            elif view.identity is None:
                first = self.lock.image(address) is None and self.lock.derived(address) is None
                found.append(why.UpstreamMade(address=address, first=first))
        return tuple(found)
