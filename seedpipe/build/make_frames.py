"""Frames of sequences, bought: together by one request, of which each waits for its own picture, or alone."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from seedpipe.build.order import ALONE_HINT, CAME_SHORT, OVERTAKEN, Bought, NotBought, Order, WantedPicture
from seedpipe.build.orders import OrderMaker
from seedpipe.build.pictures import Pictures, Present
from seedpipe.build.purchase import Buyer
from seedpipe.build.report import Report
from seedpipe.canonical import canonical_json, digest_of
from seedpipe.manifest.node import FrameNode
from seedpipe.names import Digest
from seedpipe.plan.frames import batch_request, lone_request
from seedpipe.plan.graph import Graph
from seedpipe.plan.key import Identity, request_document
from seedpipe.plan.resolve import CARRIED, Resolver
from seedpipe.state.lock import Entry, ImageEntry
from seedpipe.state.take import Take

_NOTHING_CARRIED = NotBought(
    outcome="skipped", code="upstream", message="nothing came of the frames before it, which it goes on from"
)

NO_MORE = NotBought(outcome="absent", code=CAME_SHORT, message="fewer came, which is complete")


@dataclass(slots=True)
class _Batch:
    """One request under way, and what each of its frames came to. `anew`: beside what there is of them."""

    frames: Sequence[FrameNode]
    anew: bool = False
    task: asyncio.Task[None] | None = None
    outcomes: dict[str, "asyncio.Future[Take | NotBought]"] = field(default_factory=dict)
    kept: dict[str, Digest] = field(default_factory=dict)  # chosen for the same want before, and at hand

    def tell(self, place: int, outcome: Take | NotBought) -> None:
        """What became of the frame at `place`; the first word holds."""
        future = self.outcomes[self.frames[place].address]
        if not future.done():
            future.set_result(outcome)


@dataclass(slots=True, kw_only=True)
class FrameBuyer:
    """Buys what the plan says of the frames, and never a batch twice in a run."""

    graph: Graph
    resolver: Resolver
    pictures: Pictures
    orders: OrderMaker
    buyer: Buyer
    report: Report
    at_hand: Callable[[Digest], Sequence[Take]]  # the pictures of a want that are in the store
    entry: Callable[[str], Entry | None]  # what the lock says of an address
    waiting: int = 0  # frames that wait for what another one of their batch has begun: they keep nobody from starting
    _batches: dict[str, _Batch] = field(init=False)

    def __post_init__(self) -> None:
        frames: dict[str, list[FrameNode]] = {}
        for address, planned in self.pictures.plan.nodes.items():
            node = self.graph[address]
            if planned.batch is not None and isinstance(node, FrameNode):
                frames.setdefault(planned.batch, []).append(node)
        nodes = self.pictures.plan.nodes
        self._batches = {
            name: _Batch(frames=together, anew=nodes[together[0].address].rolls) for name, together in frames.items()
        }

    async def buy(self, node: FrameNode) -> Take | NotBought:
        """The frame's picture, by whatever way the plan says. Raises nothing for what service or network do."""
        name = self.pictures.plan.nodes[node.address].batch
        if name is None:
            return await self._alone(node)
        batch = self._batches[name]
        follows = batch.task is not None
        task = self._begun(name, batch)
        self.report.started(node.address, "request")
        self.waiting += follows
        try:
            return await asyncio.shield(batch.outcomes[node.address])
        except asyncio.CancelledError:
            task.cancel()  # a second interrupt: what was sent is written down as unknown
            raise
        finally:
            self.waiting -= follows

    async def buy_more(self, node: FrameNode, pictures: int) -> Sequence[Take | NotBought]:
        """Beside what there is of the frame: each alone, or by one more of the plan's batches."""
        if self.pictures.plan.nodes[node.address].batch is not None:
            return [await self.buy(node)]
        key = self._alone_order(node).wanted.key
        numbers = await self.buyer.numbers(key, pictures)
        self.report.started(node.address, "request")
        orders = [self._alone_order(node, ordinal=ordinal, anew=True) for ordinal in numbers]
        outcomes = await asyncio.gather(*(self.buyer.buy(order) for order in orders), return_exceptions=True)
        found: list[Take | NotBought] = []
        for bought in outcomes:
            if isinstance(bought, BaseException):
                raise bought
            found.append(bought.takes.get(0) or bought.missing[0])
        return found

    async def finish(self) -> None:
        """Until every batch that was begun is settled."""
        tasks = [batch.task for batch in self._batches.values() if batch.task is not None]
        for outcome in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(outcome, Exception):
                raise outcome

    def abort(self) -> None:
        """Cuts the batches short, also one whose frames are all there and whose last word is awaited."""
        for batch in self._batches.values():
            if batch.task is not None:
                batch.task.cancel()

    def _begun(self, name: str, batch: _Batch) -> asyncio.Task[None]:
        """The one task that buys a batch."""
        if batch.task is None:
            loop = asyncio.get_running_loop()
            batch.outcomes = {frame.address: loop.create_future() for frame in batch.frames}
            batch.task = asyncio.create_task(self._together(name, batch), name=name)
        return batch.task

    async def _together(self, name: str, batch: _Batch) -> None:
        try:
            await self._order(name, batch)
        finally:
            for outcome in batch.outcomes.values():
                if not outcome.done():
                    outcome.cancel()

    async def _order(self, name: str, batch: _Batch) -> None:
        """What is at hand by now isn't asked for again."""
        batch.frames = [self.pictures.as_came(frame) for frame in batch.frames]
        first = batch.frames[0]
        fixed = self._fixed(first)
        carried = await self._carried(name)
        if carried is None:
            for place in range(len(batch.frames)):
                batch.tell(place, _NOTHING_CARRIED)
            return
        wanted = [self._wanted(frame, fixed) for frame in batch.frames]
        missing = list(range(len(wanted))) if batch.anew else []
        for place, picture in enumerate(wanted if not batch.anew else ()):
            there = await asyncio.to_thread(self.at_hand, picture.want)
            chosen = self._chosen(picture)
            if there:
                batch.tell(place, there[0])
            elif chosen is None:
                missing.append(place)
            elif await self.pictures.bring_in(self.pictures.plan.nodes[picture.address], chosen):
                batch.kept[picture.address] = chosen
        if first.sequence.counted and 0 < len(missing) < len(wanted):  # another build brought all that there are
            for place in missing:
                batch.tell(place, NO_MORE)
            return
        while missing:
            missing = await self._together_now(batch, missing, wanted, fixed, carried)

    async def _together_now(
        self,
        batch: _Batch,
        missing: Sequence[int],
        wanted: Sequence[WantedPicture],
        fixed: Sequence[tuple[str, Present]],
        carried: Sequence[tuple[str, Digest]],
    ) -> list[int]:
        """One request for the frames at the places `missing`; returns those that are to be ordered without the rest."""
        first = batch.frames[0]
        asked = self.resolver.asked(first)
        document = batch_request(asked, [batch.frames[place] for place in missing], _identities(fixed, carried))
        order = self.orders.order(
            first.sequence.base,
            asked.saying(str(document["prompt"])),
            document,
            _shown(fixed, carried),
            [wanted[place] for place in missing],
            ordinal=await self._ordinal(batch, digest_of(document)),
            is_batch=True,
            layers=first.sequence.layered,
            anew=batch.anew,
        )

        async def arrived(place: int, take: Take) -> None:
            if place < len(missing):
                batch.tell(missing[place], take)

        bought = await self.buyer.buy(order, arrived)
        left = []
        complete = first.sequence.counted and bought.takes
        if complete:
            self._say_how_many(first, bought, len(missing))
        for place, why in bought.missing.items():
            if complete and _is_no_more(why):
                batch.tell(missing[place], NO_MORE)
            elif why is OVERTAKEN:
                left.append(missing[place])
            elif complete and why.hint == ALONE_HINT:  # no build asks for it unless it is named
                batch.tell(missing[place], replace(why, hint=_without_hint(batch.frames[missing[place]])))
            else:
                batch.tell(missing[place], why)
        return left

    async def _ordinal(self, batch: _Batch, key: Digest) -> int:
        return (await self.buyer.numbers(key, 1)).start if batch.anew else 1

    def _say_how_many(self, first: FrameNode, bought: Bought, asked: int) -> None:
        """Once for all of them; where one was refused, or may have been charged, that is told of it alone."""
        came = len(bought.takes)
        if first.sequence.layered:
            layers = [take.layer for _, take in sorted(bought.takes.items()) if take.layer is not None]
            names = ", ".join(layer.name or ("?" if layer.z_index else "ground") for layer in layers)
            self.report.notice(first.sequence.address, f"came apart into {came} pictures: {names}")
        elif came < asked and all(_is_no_more(why) for why in bought.missing.values()):
            message = f"the service made {came} of {asked} pictures, which is complete"
            self.report.notice(first.sequence.address, message)

    async def _carried(self, name: str) -> Sequence[tuple[str, Digest]] | None:
        """The last frames of the batch before, once it is done; None if none of them came."""
        sequence, _, number = name.rpartition("/")
        if int(number) == 1:
            return ()
        before_it = f"{sequence}/{int(number) - 1}"
        before = self._batches[before_it]
        self._begun(before_it, before)  # nobody else may have a reason to begin it
        outcomes = await asyncio.gather(*before.outcomes.values(), return_exceptions=True)
        came = {
            frame.address: outcome.digest
            for frame, outcome in zip(before.frames, outcomes, strict=True)
            if isinstance(outcome, Take)
        } | before.kept
        in_order = [(frame.address, came[frame.address]) for frame in before.frames if frame.address in came]
        return in_order[-CARRIED:] or None

    def _chosen(self, picture: WantedPicture) -> Digest | None:
        """A frame's choice if it was made for this very want. Are its bytes nowhere, its own node says so: it isn't bought."""
        entry = self.entry(picture.address)
        return entry.take if isinstance(entry, ImageEntry) and entry.want == picture.want else None

    async def _alone(self, node: FrameNode) -> Take | NotBought:
        self.report.started(node.address, "request")
        bought = await self.buyer.buy(self._alone_order(node))
        return bought.takes.get(0) or bought.missing[0]

    def _alone_order(self, node: FrameNode, *, ordinal: int = 1, anew: bool = False) -> Order:
        beside = self.pictures.plan.nodes[node.address].beside
        fixed = self._fixed(node)
        asked = self.resolver.asked(node)
        document = lone_request(asked, node, _identities(fixed, beside))
        return self.orders.order(
            node.sequence.base,
            asked.saying(str(document["prompt"])),
            document,
            _shown(fixed, beside),
            [self._wanted(node, fixed)],
            ordinal=ordinal,
            anew=anew,
        )

    def _fixed(self, node: FrameNode) -> Sequence[tuple[str, Present]]:
        """The references that all frames have."""
        return [(reference.address, self.pictures.of(reference.address)) for reference in node.references]

    def _wanted(self, node: FrameNode, fixed: Sequence[tuple[str, Present]]) -> WantedPicture:
        document = request_document(self.resolver.asked(node), _identities(fixed, ()))
        return WantedPicture(address=node.address, want=digest_of(document), document=canonical_json(document))


def _identities(fixed: Sequence[tuple[str, Present]], frames: Sequence[tuple[str, Digest]]) -> Sequence[Identity]:
    """What keys call the references: the fixed ones, and behind them other frames of the sequence."""
    return [*(present.identity for _, present in fixed), *(str(digest) for _, digest in frames)]


def _shown(fixed: Sequence[tuple[str, Present]], frames: Sequence[tuple[str, Digest]]) -> Sequence[tuple[str, Digest]]:
    """The bytes of the same, as they are sent."""
    return [*((address, present.digest) for address, present in fixed), *frames]


def _is_no_more(why: NotBought) -> bool:
    """The service made no attempt at it, or another request brought what there is: a counted sequence is complete without."""
    return why is OVERTAKEN or why.code == CAME_SHORT


def _without_hint(frame: FrameNode) -> str:
    return f"the next build goes on without it; `seedpipe build '{frame.address}'` makes it alone as it is"
