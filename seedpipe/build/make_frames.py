"""Frames of sequences, bought: together by one request, of which each waits for its own picture, or alone."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from seedpipe.build.order import NotBought, WantedPicture
from seedpipe.build.orders import OrderMaker
from seedpipe.build.pictures import Pictures, Present
from seedpipe.build.purchase import Buyer
from seedpipe.build.report import Report
from seedpipe.canonical import canonical_json, digest_of
from seedpipe.manifest.node import FrameNode
from seedpipe.names import Digest
from seedpipe.plan.frames import batch_request, lone_request
from seedpipe.plan.graph import Graph
from seedpipe.plan.key import request_document
from seedpipe.plan.resolve import CARRIED, Resolver
from seedpipe.state.take import Take

_NOTHING_CARRIED = NotBought(
    outcome="skipped", code="upstream", message="nothing came of the frames before it, which it goes on from"
)


@dataclass(slots=True)
class _Batch:
    """One request under way, and what each of its frames came to."""

    frames: Sequence[FrameNode]
    task: asyncio.Task[None] | None = None
    outcomes: dict[str, "asyncio.Future[Take | NotBought]"] = field(default_factory=dict)

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
    is_at_hand: Callable[[Digest], bool]  # whether a picture of this want is in the store
    _batches: dict[str, _Batch] = field(default_factory=dict)

    @property
    def waiting(self) -> int:
        """Frames whose batch is under way, less one for each batch: they keep nobody from starting."""
        batches = [batch for batch in self._batches.values() if batch.task is not None and not batch.task.done()]
        return sum(sum(not one.done() for one in batch.outcomes.values()) - 1 for batch in batches)

    async def buy(self, node: FrameNode) -> Take | NotBought:
        """The frame's picture, by whatever way the plan says. Raises nothing for what service or network do."""
        name = self.pictures.plan.nodes[node.address].batch
        if name is None:
            return await self._alone(node)
        batch = self._batch(name)
        if batch.task is None:
            batch.task = asyncio.create_task(self._together(name, batch), name=name)
        self.report.started(node.address, "request")
        try:
            return await asyncio.shield(batch.outcomes[node.address])
        except asyncio.CancelledError:
            batch.task.cancel()  # a second interrupt: what was sent is written down as unknown
            raise

    async def finish(self) -> None:
        """Until every batch that was begun is settled."""
        tasks = [batch.task for batch in self._batches.values() if batch.task is not None]
        for outcome in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(outcome, Exception):
                raise outcome

    def _batch(self, name: str) -> _Batch:
        if name not in self._batches:
            planned = [address for address, one in self.pictures.plan.nodes.items() if one.batch == name]
            frames = [node for node in map(self.graph.__getitem__, planned) if isinstance(node, FrameNode)]
            loop = asyncio.get_running_loop()
            outcomes: dict[str, asyncio.Future[Take | NotBought]] = {
                frame.address: loop.create_future() for frame in frames
            }
            self._batches[name] = _Batch(frames=frames, outcomes=outcomes)
        return self._batches[name]

    async def _together(self, name: str, batch: _Batch) -> None:
        try:
            await self._order(name, batch)
        finally:
            for outcome in batch.outcomes.values():
                if not outcome.done():
                    outcome.cancel()

    async def _order(self, name: str, batch: _Batch) -> None:
        """What is at hand by now isn't asked for again."""
        first = batch.frames[0]
        fixed = [(reference.address, self.pictures.of(reference.address)) for reference in first.references]
        carried = await self._carried(name)
        if carried is None:
            for place in range(len(batch.frames)):
                batch.tell(place, _NOTHING_CARRIED)
            return
        asked = self.resolver.asked(first)
        identities = [*(present.identity for _, present in fixed), *(str(digest) for _, digest in carried)]
        wanted = [self._wanted(frame, [present for _, present in fixed]) for frame in batch.frames]
        missing = [place for place, picture in enumerate(wanted) if not self.is_at_hand(picture.want)]
        document = batch_request(asked, [batch.frames[place] for place in missing], identities)
        order = self.orders.order(
            first.sequence.base,
            asked.saying(str(document["prompt"])),
            document,
            [*((address, present.digest) for address, present in fixed), *carried],
            [wanted[place] for place in missing],
            is_batch=True,
        )

        async def arrived(place: int, take: Take) -> None:
            if place < len(missing):
                batch.tell(missing[place], take)

        bought = await self.buyer.buy(order, arrived)
        for place, why in bought.missing.items():
            counted = first.sequence.counted and why.outcome == "short" and bought.takes
            batch.tell(missing[place], replace(why, outcome="absent", hint=None) if counted else why)

    async def _carried(self, name: str) -> Sequence[tuple[str, Digest]] | None:
        """The last frames of the batch before, once it is done; None if none of them came."""
        sequence, _, number = name.rpartition("/")
        before = self._batches.get(f"{sequence}/{int(number) - 1}")
        if int(number) == 1:
            return ()
        if before is None:
            before = self._batch(f"{sequence}/{int(number) - 1}")
        outcomes = await asyncio.gather(*before.outcomes.values(), return_exceptions=True)
        came = [
            (frame.address, outcome.digest)
            for frame, outcome in zip(before.frames, outcomes, strict=True)
            if isinstance(outcome, Take)
        ]
        return came[-CARRIED:] or None

    async def _alone(self, node: FrameNode) -> Take | NotBought:
        beside = self.pictures.plan.nodes[node.address].beside
        fixed = [(reference.address, self.pictures.of(reference.address)) for reference in node.references]
        asked = self.resolver.asked(node)
        identities = [*(present.identity for _, present in fixed), *(str(digest) for _, digest in beside)]
        document = lone_request(asked, node, identities)
        order = self.orders.order(
            node.sequence.base,
            asked.saying(str(document["prompt"])),
            document,
            [*((address, present.digest) for address, present in fixed), *beside],
            [self._wanted(node, [present for _, present in fixed])],
        )
        self.report.started(node.address, "request")
        bought = await self.buyer.buy(order)
        return bought.takes.get(0) or bought.missing[0]

    def _wanted(self, node: FrameNode, fixed: Sequence[Present]) -> WantedPicture:
        document: Mapping[str, object] = request_document(
            self.resolver.asked(node), [present.identity for present in fixed]
        )
        return WantedPicture(address=node.address, want=digest_of(document), document=canonical_json(document))
