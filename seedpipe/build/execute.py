"""Carrying out a plan: the asyncio shell around schedule, purchase and steps. Emits events; one failure stops nothing else."""

import asyncio
import os
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from seedpipe.build.finishing import Finisher
from seedpipe.build.purchase import Buyer, NotBought, Order
from seedpipe.build.request import body_maker
from seedpipe.build.schedule import Schedule
from seedpipe.canonical import canonical_json, digest_of
from seedpipe.catalogue.lookup import Catalogue
from seedpipe.errors import SeedpipeError
from seedpipe.events import BuildStopping, Event, NodeDone, NodeFailed, NodeStarted, Notice
from seedpipe.images.probe import pixel_digest
from seedpipe.images.steps import run_steps
from seedpipe.limits import ExitCode, most_urgent
from seedpipe.manifest.node import DerivedNode, ImageNode, SourceNode
from seedpipe.manifest.steps import Overlay, Text
from seedpipe.money import Money
from seedpipe.names import Digest
from seedpipe.plan.graph import Graph
from seedpipe.plan.key import (
    Identity,
    own_key,
    recipe_document,
    recipe_identity,
    remembered_document,
    request_document,
)
from seedpipe.plan.outputs import format_of
from seedpipe.plan.plan import Plan, PlanNode, State
from seedpipe.plan.price import price_of
from seedpipe.plan.resolve import Resolver
from seedpipe.source import ReadRefusedError
from seedpipe.state.lock import DerivedEntry, ImageEntry, Level, Made, SourceEntry
from seedpipe.state.lockfile import LockWriter
from seedpipe.state.outputs import Outputs
from seedpipe.state.store import Store
from seedpipe.state.take import Take
from seedpipe.state.takes import Takes

OUTCOME_CODES: Mapping[str, ExitCode] = {
    "unknown": ExitCode.UNCERTAIN,
    "capped": ExitCode.REFUSED,
    "blocked": ExitCode.BLOCKED,
    "failed": ExitCode.FAILED,
    "missing": ExitCode.FAILED,
    "edited": ExitCode.FAILED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    """A picture that is there: what keys call it, and the bytes to work with."""

    identity: Identity
    digest: Digest


class NodeError(Exception):
    """A node's picture doesn't come. Carries what its event says."""

    def __init__(
        self, outcome: str, code: str, message: str, *, request_id: str | None = None, hint: str | None = None
    ):
        super().__init__(message)
        self.outcome = outcome
        self.code = code
        self.message = message
        self.request_id = request_id
        self.hint = hint


@dataclass(slots=True, kw_only=True)
class Result:
    """What a run came to."""

    counts: Counter[str] = field(default_factory=Counter)
    outcomes: set[str] = field(default_factory=set)
    uncertain: Money
    interrupted: bool = False

    @property
    def exit_code(self) -> ExitCode:
        codes = {OUTCOME_CODES[outcome] for outcome in self.outcomes if outcome in OUTCOME_CODES}
        return most_urgent(codes | ({ExitCode.INTERRUPTED} if self.interrupted else set()))


@dataclass(slots=True, kw_only=True)
class Executor:
    """One run of one plan. Nothing that the plan doesn't name is sent; no node is bought more often than it says."""

    plan: Plan
    graph: Graph
    resolver: Resolver
    catalogue: Catalogue
    buyer: Buyer
    store: Store
    takes: Takes
    lock: LockWriter
    outputs: Outputs
    picture_path: Callable[[str], Path]  # a project path → the checked file
    fetch_url: Callable[[str], Awaitable[Digest]]  # a URL source → its bytes in the store
    fonts: Mapping[str | None, tuple[Digest, Path]]
    emit: Callable[[Event], None]
    clock: Callable[[], float]
    workers: int
    seconds: Mapping[str, float]
    fail_fast: bool = False
    retry_unknown: bool = False
    present: dict[str, Present] = field(default_factory=dict)
    result: Result = field(init=False)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _schedule: Schedule = field(init=False)
    _local: asyncio.Semaphore = field(init=False)
    _finisher: Finisher = field(init=False)

    def __post_init__(self) -> None:
        self.result = Result(uncertain=Money.zero(self.plan.currency))
        self._local = asyncio.Semaphore(os.cpu_count() or 1)
        self._finisher = Finisher(self.outputs, self.store)
        work = [node for node in self.plan.nodes.values() if self._has_work(node)]
        needs = {node.address: self._needs(node) for node in work}
        self._schedule = Schedule(needs, self.seconds)

    @property
    def todo(self) -> Sequence[str]:
        """The addresses whose pictures this run brings, in graph order; reading a file of the project is no event."""
        return tuple(
            address
            for address in self._schedule.stages
            if self.plan.nodes[address].kind != "source" or self.plan.nodes[address].state is State.FETCH
        )

    # The shell

    async def run(self) -> Result:
        """Until every node that can come has come, or the run was stopped. Always leaves lock and outputs written."""
        self._say_what_stands_in_the_way()
        try:
            while self._start_ready() or self._tasks:
                await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
                await asyncio.to_thread(self.lock.flush)
        finally:
            await self._end()
        return self.result

    def stop(self, why: str) -> None:
        """Nothing new starts; what is in flight is awaited and kept, because it is paid."""
        if not self.buyer.stopping.is_set():
            self.buyer.stopping.set()
            self.emit(BuildStopping(at=self.clock(), why=why, in_flight=self.buyer.in_flight))

    def interrupt(self, why: str) -> None:
        """A person's word: the first stops in order, the second aborts; what was sent is then written down as unknown."""
        self.result.interrupted = True
        if self.buyer.stopping.is_set():
            for task in self._tasks:
                task.cancel()
        self.stop(why)

    def _start_ready(self) -> bool:
        limit = self.workers + (os.cpu_count() or 1)
        started = False
        while len(self._tasks) < limit and not self.buyer.stopping.is_set():
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
        self.lock.remember(self.plan.resolved)
        await asyncio.to_thread(self.lock.flush, now=True)
        await asyncio.to_thread(self.outputs.save)
        for address in dict.fromkeys(self.lock.left_alone):
            message = "its choice was changed by someone else meanwhile, and theirs stays; the new picture is a take"
            self.emit(Notice(at=self.clock(), address=address, message=message))

    async def _node(self, address: str) -> None:
        node = self.graph[address]
        try:
            match node:
                case SourceNode():
                    await self._source(node)
                case DerivedNode():
                    await self._derived(node)
                case ImageNode():
                    await self._image(node)
        except NodeError as error:
            self._failed(address, error)
        except (SeedpipeError, ReadRefusedError) as error:
            hint = error.hint if isinstance(error, SeedpipeError) else None
            self._failed(address, NodeError("failed", "error", str(error), hint=hint))
        except OSError as error:
            self._failed(address, NodeError("failed", "disk", f"{error.strerror}: {error.filename}"))
        else:
            self._schedule.done(address)

    def _failed(self, address: str, error: NodeError) -> None:
        skipped = self._schedule.failed(address)
        if error.outcome == "stopped":
            self.result.counts["stopped"] += 1
            return
        self._say_failed(address, error)
        for below in skipped:
            self.result.counts["skipped"] += 1
            self.emit(
                NodeFailed(
                    at=self.clock(),
                    address=below,
                    outcome="skipped",
                    code="upstream",
                    message=f"{address} did not come",
                )
            )
        if self.fail_fast and error.outcome != "skipped":
            self.stop(f"{address} failed, and --fail-fast was asked for")

    def _say_failed(self, address: str, error: NodeError) -> None:
        self.result.counts[error.outcome] += 1
        self.result.outcomes.add(error.outcome)
        self.emit(
            NodeFailed(
                at=self.clock(),
                address=address,
                outcome=error.outcome,
                code=error.code,
                message=error.message,
                request_id=error.request_id,
                hint=error.hint,
            )
        )

    # What there is to do

    def _has_work(self, node: PlanNode) -> bool:
        if node.state in (State.FREE, State.FETCH) or node.state.buys or node.state is State.SAME or node.writes:
            return not node.state.needs_a_person
        if node.kind == "source":
            return self.lock.entry(node.address) is None or self._feeds_work(node.address)
        return False

    def _feeds_work(self, address: str) -> bool:
        below = [self.plan.nodes[name] for name in self.graph.makes(address) if name in self.plan.nodes]
        return any(node.state.buys or node.state in (State.FREE, State.SAME) for node in below)

    def _needs(self, node: PlanNode) -> Sequence[str]:
        if node.state is not State.SAME or node.key is None:
            return node.made_from
        twins = [
            other.address
            for other in self.plan.nodes.values()
            if other.key == node.key and other.state is State.MAKE and other.address != node.address
        ]
        return (*node.made_from, *twins)

    def _say_what_stands_in_the_way(self) -> None:
        outcomes = {
            State.UNKNOWN: "unknown",
            State.MISSING: "missing",
            State.EDITED: "edited",
            State.BLOCKED: "blocked",
            State.FAILED: "failed",
        }
        hints = {
            "unknown": "`seedpipe build --retry-unknown` sends it again, and may pay twice",
            "missing": "bring the bytes back (the store of a colleague, or the output file); nothing is bought for it",
            "edited": "move the file away to get the picture, or change the node's `output`",
            "blocked": "change the words or the references; `--retry-blocked` sends it again as it is",
            "failed": "change what was refused, or name the node to send it again",
        }
        for node in self.plan.nodes.values():
            outcome = outcomes.get(node.state)
            if outcome is None:
                continue
            reason = node.reasons[0]
            if reason.code == "upstream-stopped":
                self.result.counts["skipped"] += 1
                outcome, hint = "skipped", None
            else:
                self.result.counts[outcome] += 1
                self.result.outcomes.add(outcome)
                hint = hints[outcome]
            self.emit(
                NodeFailed(
                    at=self.clock(),
                    address=node.address,
                    outcome=outcome,
                    code=reason.code,
                    message=reason.sentence(),
                    hint=hint,
                )
            )

    def _present(self, address: str) -> Present:
        """The picture behind an address: made in this run, or there before."""
        found = self.present.get(address)
        if found is not None:
            return found
        node = self.plan.nodes[address]
        if node.taken is None:
            raise NodeError("skipped", "upstream", f"{address} did not come")
        identity = str(node.taken)
        if node.kind == "derived" and node.key is not None:
            identity = recipe_identity(node.key)
        return Present(identity=identity, digest=node.taken)

    # Sources

    async def _source(self, node: SourceNode) -> None:
        if node.path is not None:
            path = self.picture_path(node.path)
            digest = await asyncio.to_thread(lambda: self.store.keep(path.read_bytes()))
        else:
            self.emit(NodeStarted(at=self.clock(), address=node.address, work="fetch"))
            digest = await self.fetch_url(node.url or "")
        async with self._local:
            pixels = await asyncio.to_thread(pixel_digest, self.store.path(digest), name=node.address)
        entry = self.lock.entry(node.address)
        first = digest
        if isinstance(entry, SourceEntry):
            if node.url is not None and entry.url == node.url and entry.digest != digest:
                raise NodeError(
                    "failed",
                    "source-changed",
                    f"`{node.url}` gives another picture than the one that is pinned in the lock",
                    hint="put the pinned picture into the project as a file, or remove the entry to pin the new one",
                )
            if entry.pixels == pixels:
                first = entry.digest
        self.present[node.address] = Present(identity=str(first), digest=digest)
        self.lock.set(node.address, SourceEntry(digest=first, pixels=pixels, url=node.url))
        if node.url is not None:
            await asyncio.to_thread(self.takes.record_source, node.url, digest)
            self._done(node.address, "fetched", digest, None)

    # Derived pictures

    async def _derived(self, node: DerivedNode) -> None:
        inputs = [self._present(address) for address in node.inputs]
        fonts = {step.font: self.fonts[step.font][0] for step in node.steps if isinstance(step, Text)}
        recipe = digest_of(recipe_document(node, [item.identity for item in inputs], fonts))
        planned = self.plan.nodes[node.address]
        taken = planned.taken if planned.key == recipe else None
        taken = taken or await asyncio.to_thread(self.takes.recipe, recipe)
        how = "cached"
        if taken is not None and not self.store.has(taken):
            taken = await asyncio.to_thread(self._taken_in, planned, taken)
        if taken is None:
            self.emit(NodeStarted(at=self.clock(), address=node.address, work="steps"))
            async with self._local:
                data = await asyncio.to_thread(self._run_steps, node, inputs)
                made = await asyncio.to_thread(self.store.keep, data)
            taken, how = await asyncio.to_thread(self._first_made, recipe, made), "derived"
        self.present[node.address] = Present(identity=recipe_identity(recipe), digest=taken)
        await asyncio.to_thread(self.takes.record_recipe, recipe, taken)
        entry = self.lock.entry(node.address)
        known = [entry.take, *([entry.output] if entry.output else [])] if isinstance(entry, DerivedEntry) else []
        output = await self._write_output(node.address, taken, known)
        self.lock.set(node.address, DerivedEntry(recipe=recipe, take=taken, output=output if output != taken else None))
        self._done(node.address, how, taken, planned.output)

    def _first_made(self, recipe: Digest, made: Digest) -> Digest:
        """The first bytes made for a recipe are kept, unless they are gone for good."""
        first = self.takes.record_recipe(recipe, made)
        if first != made and not self.store.has(first):
            self.takes.replace_recipe(recipe, made)
            return made
        return first

    def _run_steps(self, node: DerivedNode, inputs: Sequence[Present]) -> bytes:
        overlays = [step.image for step in node.steps if isinstance(step, Overlay)]
        for item in inputs:
            self.store.read(item.digest)  # verified: nothing is made from damaged bytes
        return run_steps(
            self.store.path(inputs[0].digest),
            node.steps,
            overlays={
                address: self.store.path(item.digest) for address, item in zip(overlays, inputs[1:], strict=True)
            },
            fonts={
                step.font: self.fonts[step.font][1]
                for step in node.steps
                if isinstance(step, Text) and step.font is not None
            },
            target_format=format_of(node, self.graph),
        )

    # Images

    async def _image(self, node: ImageNode) -> None:
        planned = self.plan.nodes[node.address]
        asked = self.resolver.asked(node)
        references = [self._present(reference.address) for reference in node.references]
        document = request_document(asked, [item.identity for item in references])
        key = digest_of(document)
        entry = self.lock.entry(node.address)
        image_entry = entry if isinstance(entry, ImageEntry) else None
        if planned.taken is not None and planned.state in (State.CACHED, State.FETCH, State.PINNED, State.STALE):
            await self._put_again(node, planned, planned.taken, key, document, image_entry)
            return
        have = await asyncio.to_thread(self._at_hand, key)
        orders = self._orders(node, planned, key, document, [item.digest for item in references], have)
        bought: list[Take] = []
        failures: list[NotBought] = []
        if orders:
            self.emit(NodeStarted(at=self.clock(), address=node.address, work="request"))
            for outcome in await asyncio.gather(*(self.buyer.buy(order) for order in orders)):
                if isinstance(outcome, NotBought):
                    failures.append(outcome)
                else:
                    bought += outcome
        takes = [*have, *(take for take in bought if take.digest not in {old.digest for old in have})]
        self._note_failures(failures)
        chosen = self._chosen(image_entry, key, takes)
        if chosen is None:
            raise _node_error(failures[0] if failures else None)
        await self._choose(node, chosen, takes, key, document, image_entry)
        self._done(node.address, "made" if bought else "cached", chosen, planned.output)
        for failure in failures:
            if failure.outcome != "stopped":
                self._say_failed(node.address, _node_error(failure))

    def _at_hand(self, key: Digest) -> list[Take]:
        return [take for take in self.takes.of(key) if self.store.has(take.digest)]

    def _orders(
        self,
        node: ImageNode,
        planned: PlanNode,
        key: Digest,
        document: Mapping[str, object],
        references: Sequence[Digest],
        have: Sequence[Take],
    ) -> Sequence[Order]:
        """One for each take that is missing; never more than the plan says."""
        asked = self.resolver.asked(node)
        model = self.catalogue.model(asked.model, self.plan.provider)
        there = {take.ordinal for take in have}
        missing = [ordinal for ordinal in range(1, node.takes + 1) if ordinal not in there]
        missing = missing[: min(planned.pictures, max(0, node.takes - len({take.digest for take in have})))]
        body = body_maker(
            node,
            asked,
            references,
            model=model,
            wire=self.catalogue.wire_id(asked.model, self.plan.provider),
            store=self.store,
            noticed=lambda message: self.emit(Notice(at=self.clock(), address=node.address, message=message)),
        )
        return [
            Order(
                address=node.address,
                ordinal=ordinal,
                key=key,
                document=canonical_json(document),
                model=asked.model,
                size=asked.size,
                price=price_of(
                    self.catalogue, self.plan.provider, asked.model, asked.size, inputs=len(node.references)
                ),
                timeout=self.catalogue.provider(self.plan.provider).timeout(1),
                tags=node.tags,
                despite_unknown=self.retry_unknown,
                body=body,
            )
            for ordinal in missing
        ]

    def _chosen(self, entry: ImageEntry | None, key: Digest, takes: Sequence[Take]) -> Digest | None:
        if entry is not None and entry.want == key:
            return entry.take
        return takes[0].digest if takes else None

    async def _choose(
        self,
        node: ImageNode,
        chosen: Digest,
        takes: Sequence[Take],
        key: Digest,
        document: Mapping[str, object],
        entry: ImageEntry | None,
    ) -> None:
        """The lock's new line. A present choice for the same want keeps its level; only the list of takes grows."""
        self.present[node.address] = Present(identity=str(chosen), digest=chosen)
        same_want = entry if entry is not None and entry.want == key else None
        known = [] if entry is None else [entry.take, *entry.takes, *([entry.output] if entry.output else [])]
        output = await self._write_output(node.address, chosen, [*known, *(take.digest for take in takes)])
        listed = dict.fromkeys([*(same_want.takes if same_want else ()), *(take.digest for take in takes), chosen])
        take = next((take for take in takes if take.digest == chosen), None)
        made = same_want.made if same_want else _made(key, take) if take else None
        if made is None:
            return  # its record is lost: the bytes and the file are right, the lock keeps what it says
        self.lock.set(
            node.address,
            ImageEntry(
                want=key,
                own=self._own(node),
                take=chosen,
                level=same_want.level if same_want else Level.AUTO,
                made=made,
                asked=remembered_document(document),
                takes=tuple(listed),
                output=output if output != chosen else None,
            ),
        )

    async def _put_again(
        self,
        node: ImageNode,
        planned: PlanNode,
        taken: Digest,
        key: Digest,
        document: Mapping[str, object],
        entry: ImageEntry | None,
    ) -> None:
        """Nothing is bought: the bytes are brought into the store if need be, lock and file are made right."""
        if not self.store.has(taken) and await asyncio.to_thread(self._taken_in, planned, taken) is None:
            raise NodeError("missing", "bytes-missing", f"the chosen picture {taken.short} is gone")
        how = "fetched" if planned.state is State.FETCH else "cached"
        if planned.state in (State.PINNED, State.STALE) or (entry is not None and entry.want == key):
            self.present[node.address] = Present(identity=str(taken), digest=taken)
            known = [] if entry is None else [*entry.takes, *([entry.output] if entry.output else [])]
            await self._write_output(node.address, taken, known)
        else:
            await self._choose(node, taken, await asyncio.to_thread(self._at_hand, key), key, document, entry)
        self._done(node.address, how, taken, planned.output)

    def _own(self, node: ImageNode) -> Digest:
        asked = self.resolver.asked(node)
        identities = [self._present(reference.address).identity for reference in node.references]
        elsewhere = [not isinstance(self.graph[reference.address], SourceNode) for reference in node.references]
        return own_key(asked, identities, made_elsewhere=elsewhere)

    # What several kinds share

    def _taken_in(self, planned: PlanNode, digest: Digest) -> Digest | None:
        """An output file that the lock knows stands in for an absent take."""
        if planned.output is None or self.outputs.digest(planned.output) != digest:
            return None
        kept = self.store.keep(self.outputs.file(planned.output).read_bytes())
        return kept if kept == digest else None

    async def _write_output(self, address: str, taken: Digest, known: Sequence[Digest]) -> Digest | None:
        path = self.plan.nodes[address].output
        if path is None:
            return None
        async with self._local:
            written = await asyncio.to_thread(self._finisher.put, path, taken, known)
        if written is None:
            message = f"{path} was changed by someone else and is left alone"
            self.emit(Notice(at=self.clock(), address=address, message=message))
        return written

    def _done(self, address: str, how: str, digest: Digest, output: str | None) -> None:
        self.result.counts[how] += 1
        self.emit(NodeDone(at=self.clock(), address=address, how=how, digest=digest, output=output))

    def _note_failures(self, failures: Sequence[NotBought]) -> None:
        for failure in failures:
            if failure.uncertain is not None:
                self.result.uncertain = self.result.uncertain + failure.uncertain
            if failure.stop is not None:
                self.stop(failure.stop)


def _made(key: Digest, take: Take) -> Made:
    return Made(
        request=key,
        model=take.model,
        provider=take.provider,
        size=f"{take.width}x{take.height}",
        at=take.received_at,
        cost=None if take.cost is None else str(take.cost),
        request_id=take.request_id,
    )


def _node_error(failure: NotBought | None) -> NodeError:
    if failure is None:
        return NodeError("failed", "nothing-bought", "the plan bought no picture for it")
    return NodeError(failure.outcome, failure.code, failure.message, request_id=failure.request_id, hint=failure.hint)
