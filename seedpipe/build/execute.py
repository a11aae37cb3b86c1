"""Carrying out a plan: the asyncio shell around schedule and makers. Emits events; one failure stops nothing else."""

import asyncio
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from seedpipe.build.heeding import Heeder
from seedpipe.build.make_derived import DerivedMaker
from seedpipe.build.make_image import ImageMaker, node_error
from seedpipe.build.make_source import SourceMaker
from seedpipe.build.order import uncertain
from seedpipe.build.purchase import Buyer
from seedpipe.build.report import NodeError, Report, Result
from seedpipe.build.schedule import Schedule
from seedpipe.build.standing import counted_of, in_the_way, spared_of
from seedpipe.errors import SeedpipeError, why
from seedpipe.manifest.node import DerivedNode, FrameNode, ImageNode, SourceNode
from seedpipe.plan.graph import Graph
from seedpipe.plan.plan import Plan, State
from seedpipe.source import ReadRefusedError
from seedpipe.state.lockfile import LockWriter
from seedpipe.state.outputs import Outputs

_DISK: Final = "make room, or see to it that you may write there; then build again: what is paid is kept"


@dataclass(slots=True, kw_only=True)
class Executor:
    """One run of one plan. Nothing that the plan doesn't name is sent; no node is bought more often than it says."""

    plan: Plan
    graph: Graph
    lock: LockWriter
    outputs: Outputs
    buyer: Buyer
    sources: SourceMaker
    derived: DerivedMaker
    images: ImageMaker
    heeder: Heeder
    report: Report
    work: Mapping[str, Sequence[str]]  # address → what it waits for (`standing.work_of`)
    workers: int
    seconds: Mapping[str, float]  # address → forecast
    fail_fast: bool = False
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _schedule: Schedule = field(init=False)

    def __post_init__(self) -> None:
        spared, counted = spared_of(self.plan, self.graph), counted_of(self.plan, self.graph)
        self._schedule = Schedule(self.work, self.seconds, spared=spared, counted=counted)

    @property
    def todo(self) -> Sequence[str]:
        """The addresses whose pictures this run brings, in graph order; reading a file of the project is no event."""
        return tuple(
            address
            for address in self._schedule.stages
            if self.plan.nodes[address].kind != "source" or self.plan.nodes[address].state is State.FETCH
        )

    async def run(self) -> Result:
        """Until every node that can come has come, or the run was stopped. Always leaves lock and outputs written."""
        for address, error in in_the_way(self.plan):
            self.report.failed(address, error)
        try:
            while self._start_ready() or self._tasks:
                done, _ = await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    if not task.cancelled():
                        task.result()  # a fault of ours is raised here, and what is in flight is still awaited
                await asyncio.to_thread(self.lock.flush)
        finally:
            await self._end()
        return self.report.result

    def interrupt(self, why: str, *, aborts: bool = True) -> None:
        """A person's word: the first stops in order, the second aborts; what was sent is then written down as unknown.

        The first is the first, also where the build is stopping of itself. Without `aborts` it is never the second.
        """
        if self.report.result.interrupted and aborts:
            for task in self._tasks:
                task.cancel()
            self.images.frames.abort()
        elif self.buyer.stopping.is_set():
            self.report.stopping(why, in_flight=self.buyer.in_flight)
        else:
            self.buyer.stop(why)
        self.report.result.interrupted = True

    def _start_ready(self) -> bool:
        limit = self.workers + (os.cpu_count() or 1)
        started = False
        while len(self._tasks) - self.images.frames.waiting < limit and not self.buyer.stopping.is_set():
            address = self._schedule.start()
            if address is None:
                break
            task = asyncio.create_task(self._node(address), name=address)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            started = True
        return started

    async def _end(self) -> None:
        if self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.images.frames.finish()
        self.lock.remember(self.plan.resolved)
        await asyncio.to_thread(self.lock.flush, now=True)
        await asyncio.to_thread(self.outputs.save)
        for address in dict.fromkeys(self.lock.left_alone):
            message = "its choice was changed by someone else meanwhile, and theirs stays; the new picture is a take"
            self.report.notice(address, message)

    async def _node(self, address: str) -> None:
        node = self.graph[address]
        try:
            await self.heeder.heed(self.graph.made_from(address))
            match node:
                case SourceNode():
                    await self.sources.make(node)
                case DerivedNode():
                    await self.derived.make(node)
                case ImageNode() | FrameNode():
                    await self.images.make(self.images.pictures.as_came(node))
                    await self.heeder.heed((address,))
        except asyncio.CancelledError:
            self._aborted(address)
            raise
        except NodeError as error:
            self._failed(address, error)
        except (SeedpipeError, ReadRefusedError) as error:
            hint = error.hint if isinstance(error, SeedpipeError) else "put a file there that may be read"
            self._failed(address, NodeError("failed", "error", str(error), hint=hint))
        except OSError as error:
            self._failed(address, NodeError("failed", "disk", f"{why(error)}: {error.filename}", hint=_DISK))
        else:
            self._schedule.done(address)

    def _aborted(self, address: str) -> None:
        """Of a node that a person cut off: its request, if it had left, is in the journal as unknown."""
        for request in self.buyer.journal.unknowns():
            if (request.run, request.address) == (self.buyer.run, address):
                message = "the build was aborted while the answer was awaited"
                ids = request.request_id, request.client_request_id
                self.report.failed(
                    address, node_error(uncertain("aborted", message, request_id=ids[0], client_request_id=ids[1]))
                )
                return

    def _failed(self, address: str, error: NodeError) -> None:
        if error.outcome == "absent":
            self.images.pictures.never_came(address)
        skipped = self._schedule.failed(address, absent=error.outcome == "absent")
        self.report.failed(address, error)
        if error.outcome == "stopped":
            return
        for below in skipped:
            self.report.failed(below, NodeError("skipped", "upstream", f"{address} did not come"))
        if self.fail_fast and error.outcome not in ("skipped", "absent"):
            self.buyer.stop(f"{address} failed, and --fail-fast was asked for")
