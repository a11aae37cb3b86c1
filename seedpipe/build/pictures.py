"""The pictures of a run: which are there, under which identity, and how they come into the store and to their outputs."""

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from seedpipe.build.finishing import Finished, Finisher
from seedpipe.build.report import NodeError, Report
from seedpipe.names import Digest
from seedpipe.plan.fewer import AnyNode, counted_references, lacking
from seedpipe.plan.key import Identity, recipe_identity
from seedpipe.plan.plan import Plan, PlanNode
from seedpipe.plan.reasons import SameAs
from seedpipe.state.outputs import Outputs
from seedpipe.state.store import Store

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    """A picture that is there: what keys call it, and the bytes to work with."""

    identity: Identity
    digest: Digest


@dataclass(slots=True, kw_only=True)
class Pictures:
    """Made in this run, or there before it."""

    plan: Plan
    store: Store
    outputs: Outputs
    report: Report
    files_of: Mapping[Digest, Sequence[str]] = field(default_factory=dict)  # `plan.outputs.files_of_choices`
    _made: dict[str, Present] = field(default_factory=dict)
    _absent: set[str] = field(default_factory=set)
    _processors: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(os.cpu_count() or 1))
    _finisher: Finisher = field(init=False)

    def __post_init__(self) -> None:
        self._finisher = Finisher(self.outputs, self.store)

    def of(self, address: str) -> Present:
        """The picture behind an address. Raises `NodeError` if it did not come."""
        made = self._made.get(address)
        return made or Present(identity=self.identity(address), digest=self._taken(address))

    def identity(self, address: str) -> Identity:
        """What keys call the picture behind an address; of a recipe it is known before anything was made of it.

        Raises `NodeError` if the picture did not come, and it can't be known.
        """
        made, node = self._made.get(address), self.plan.nodes[address]
        if made is not None:
            return made.identity
        return recipe_identity(node.key) if node.kind == "derived" and node.key else str(self._taken(address))

    def _taken(self, address: str) -> Digest:
        taken = self.plan.nodes[address].taken
        if taken is None:
            raise NodeError("skipped", "upstream", f"{address} did not come")
        return taken

    def is_there(self, address: str) -> bool:
        """Whether `of` gives a picture."""
        planned = self.plan.nodes.get(address)
        return address in self._made or (planned is not None and planned.taken is not None)

    def never_came(self, address: str) -> None:
        """Its counted sequence is complete without it."""
        self._absent.add(address)

    def is_absent(self, address: str) -> bool:
        """A counted picture that the service did not make, in this run or before."""
        planned = self.plan.nodes.get(address)
        return address in self._absent or (planned is not None and not planned.exists)

    def shares_none(self, planned: PlanNode) -> bool:
        """It was to share the picture of a node that has none, nor need have one."""
        return any(self.is_absent(reason.address) for reason in planned.reasons if isinstance(reason, SameAs))

    def as_came(self, node: AnyNode) -> AnyNode:
        """As it is asked for with the counted pictures that there are, once all that may come have come."""
        return lacking(node, {one.address for one in counted_references(node) if self.is_absent(one.address)})

    def came(self, address: str, identity: Identity, digest: Digest) -> None:
        """From now on this is the picture behind `address`."""
        self._made[address] = Present(identity=identity, digest=digest)

    async def work(self, function: Callable[..., Answer], *arguments: object) -> Answer:
        """Local work in a thread, on as many pictures at once as there are processors."""
        async with self._processors:
            return await asyncio.to_thread(function, *arguments)

    async def bring_in(self, planned: PlanNode, digest: Digest) -> bool:
        """Whether the store has the bytes now: an output file that the lock knows stands in for an absent take."""
        if self.store.has(digest):
            return True
        own = () if planned.output is None else (planned.output,)
        return await asyncio.to_thread(self._bring_in, (*own, *self.files_of.get(digest, ())), digest)

    def _bring_in(self, paths: Sequence[str], digest: Digest) -> bool:
        for path in paths:
            if self.outputs.digest(path) == digest:
                self.store.keep(self.outputs.file(path).read_bytes())
                break
        return self.store.has(digest)  # also what another node brought in meanwhile

    def take_away(self, address: str, taken: Digest, known: Sequence[Digest]) -> str | None:
        """Removes a node's output if it is ours and its picture `taken` safe; returns its path if it was there."""
        path = self.plan.nodes[address].output
        if path is None or not self.store.has(taken):
            return None
        present = self.outputs.digest(path)
        if present is None or present not in {taken, self.outputs.ours(path), *known}:
            return None
        self.outputs.remove(path)
        return path

    async def put(
        self, address: str, taken: Digest, known: Sequence[Digest], *, fit: str | None = None
    ) -> Finished | None:
        """Write a node's output, cut to `fit` (`WxH`); None if there is none or someone else's file stands there.

        `known` are other pictures of the node, which may be replaced.
        """
        path = self.plan.nodes[address].output
        if path is None:
            return None
        written = await self.work(self._finisher.put, path, taken, known, fit)
        if written is None:
            self.report.notice(address, f"{path} was changed by someone else and is left alone")
        return written
