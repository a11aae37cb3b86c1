"""One accepted request while it is worked on. It runs to its end and is billed whether or not anyone still listens."""

import asyncio
import base64
import hashlib
import secrets
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Final

from seedpipe.emulator.codes import Refusal
from seedpipe.emulator.draw import Sketch, render
from seedpipe.emulator.faults import DOWNLOAD_FAULTS, Fault, FaultKind, fault_to_dict
from seedpipe.emulator.layers import layer_count, make_layer
from seedpipe.emulator.ledger import Ledger
from seedpipe.emulator.pace import seconds_for
from seedpipe.emulator.plain import render_plain
from seedpipe.emulator.references import Reference
from seedpipe.emulator.refusals import INTERNAL, moderated
from seedpipe.emulator.rules import Order, Pixels, undated
from seedpipe.emulator.sequences import frame_words, sequence_length

_MEDIA: Final = {"jpeg": "image/jpeg", "png": "image/png"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one picture: an object's `path` and the size it is said to have, or an `error`."""

    index: int
    at: float  # Unix seconds of its end
    path: str = ""
    size: Pixels = (0, 0)
    format: str = "jpeg"
    error: Refusal | None = None
    layer: Mapping[str, object] = field(default_factory=dict)  # what its entry says of it in layer mode


@dataclass(slots=True, kw_only=True, eq=False)
class Job:
    """`outcomes` grows while it runs. `order` has no references any more: `references` are checked and small."""

    request_id: str
    order: Order
    size: Pixels
    references: tuple[Reference, ...]
    faults: tuple[Fault, ...]
    gateway: bool
    nonce: str = ""  # of the pictures, from the workshop
    outcomes: list[Outcome] = field(default_factory=list)
    over: bool = False  # nothing more will come
    stopped: bool = False  # the emulator went down before the end
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def fault(self, *kinds: FaultKind) -> Fault | None:
        """The first fault of one of `kinds` that hit this request."""
        return next((fault for fault in self.faults if fault.kind in kinds), None)

    @property
    def planned(self) -> int:
        """How many pictures will be tried."""
        if self.order.layers:
            return layer_count(self.order.prompt)
        count = sequence_length(self.order.prompt, self.order.max_images) if self.order.sequence else 1
        fewer, given_up = self.fault(FaultKind.FEWER), self.fault(FaultKind.STREAM_ERROR)
        if given_up and self.order.stream:
            count = min(count, given_up.count)
        return min(count, max(1, fewer.count)) if fewer else count

    @property
    def made(self) -> list[Outcome]:
        return [outcome for outcome in self.outcomes if outcome.error is None]

    def add(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)
        self._changed.set()

    def finish(self, *, stopped: bool = False) -> None:
        self.over, self.stopped = True, stopped
        self._changed.set()

    async def stream(self) -> AsyncIterator[Outcome]:
        """Each outcome as soon as it is known, in order; one reader at a time."""
        position = 0
        while True:
            while position < len(self.outcomes):
                yield self.outcomes[position]
                position += 1
            if self.over:
                return
            self._changed.clear()
            await self._changed.wait()

    async def wait(self) -> None:
        async for _ in self.stream():
            pass


class Workshop:
    """Runs jobs: draws in a few threads, waits as long as the real service would, bills."""

    def __init__(
        self, ledger: Ledger, *, scale: float, workers: int, seed: int | None = None, plain: bool = False
    ) -> None:
        self._ledger = ledger
        self._render = render_plain if plain else render
        self._scale = scale
        self._seed = seed
        self._asked: Counter[str] = Counter()  # how often each request came, while there is a seed
        self._pool = ThreadPoolExecutor(max_workers=workers, thread_name_prefix="draw")
        self._tasks: dict[asyncio.Task[None], Job] = {}

    @property
    def running(self) -> int:
        return len(self._tasks)

    def start(self, job: Job, on_end: Callable[[Job], None]) -> None:
        """`on_end` is called once, after the last picture or when the emulator stops."""
        job.nonce = self._nonce(job)
        task = asyncio.create_task(self._run(job))
        self._tasks[task] = job

        def ended(done: asyncio.Task[None]) -> None:
            self._tasks.pop(done, None)
            if not job.over:
                self._ledger.end(job.request_id, "stopped" if done.cancelled() else "broken")
                job.finish(stopped=True)
            on_end(job)
            if not done.cancelled() and (error := done.exception()) is not None:
                raise error  # our own bug: the loop's handler writes it to standard error

        task.add_done_callback(ended)

    def _nonce(self, job: Job) -> str:
        """What tells two pictures of the same request apart; with a seed it follows from how often that came before."""
        if self._seed is None:
            return secrets.token_hex(16)
        order = job.order
        digests = [reference.digest for reference in job.references]
        asked = f"{order.wire_id}\0{order.prompt}\0{job.size}\0{order.format}\0{order.max_images}\0{digests}"
        self._asked[asked] += 1
        return hashlib.sha256(f"{self._seed}\0{asked}\0{self._asked[asked]}".encode()).hexdigest()

    async def stop(self) -> None:
        """Give up what is being made, unbilled, and end the threads."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._pool.shutdown(wait=True, cancel_futures=True)

    async def _run(self, job: Job) -> None:
        for index in _attempts(job):
            outcome = await self._make(job, index)
            job.add(outcome)
            if outcome.error is INTERNAL:  # an internal error ends a batch, what was made before it stays (§4.1)
                break
        await asyncio.to_thread(self._ledger.end, job.request_id, _verdict(job))
        job.finish()

    async def _make(self, job: Job, index: int) -> Outcome:
        began = time.monotonic()
        order = job.order
        wait = seconds_for(
            base=order.model.seconds,
            pixels=job.size[0] * job.size[1],
            fast=order.fast,
            seed=f"{order.prompt}\0{order.model.name}\0{index}",
            scale=self._scale,
        )
        if index == 0 and (slow := job.fault(FaultKind.LATENCY)):
            wait += slow.seconds
        if error := _item_error(job, index):
            await asyncio.sleep(wait)
            await self._record(job, index, {"error": error.code}, billed=False)
            return Outcome(index=index, at=time.time(), error=error)
        loop = asyncio.get_running_loop()
        outcome, fields = await loop.run_in_executor(self._pool, self._draw, job, index)
        await asyncio.sleep(max(0.0, wait - (time.monotonic() - began)))
        await self._record(job, index, fields, billed=True)
        return replace(outcome, at=time.time())

    async def _record(self, job: Job, index: int, fields: dict[str, object], *, billed: bool) -> None:
        await asyncio.to_thread(self._ledger.add_image, job.request_id, index, fields, billed=billed)

    def _draw(self, job: Job, index: int) -> tuple[Outcome, dict[str, object]]:
        """In a worker thread: draw, spoil as asked, keep the object."""
        kinds = {fault.kind for fault in job.faults}
        layer = make_layer(index, job.size) if job.order.layers else None
        box = layer.box if layer else None
        extension = real = kind = "png" if box else job.order.format  # a layer is seen through
        told = size = (box[2] - box[0], box[3] - box[1]) if box else job.size
        if spoilt := job.fault(FaultKind.SIZE_OFF, FaultKind.SIZE_LIE):
            size = (max(1, round(size[0] * spoilt.ratio)), max(1, round(size[1] * spoilt.ratio)))
            told = size if spoilt.kind is FaultKind.SIZE_OFF else told
        if FaultKind.WRONG_FORMAT in kinds:
            real = "png" if real == "jpeg" else "jpeg"
        if FaultKind.WRONG_EXTENSION in kinds:
            extension = "png" if extension == "jpeg" else "jpeg"
        data = self._render(_sketch(job, index, size, real, transparent=job.order.transparent or box is not None))
        if FaultKind.GARBAGE in kinds:
            data = b"<!-- not a picture -->" + secrets.token_bytes(2048)
        path = f"{undated(job.order.model.wire_ids[0])}/{job.request_id}_{index}.{extension}"
        on_download = next((fault for fault in job.faults if fault.kind in DOWNLOAD_FAULTS), None)
        self._ledger.keep_object(
            path,
            data,
            media_type=_MEDIA[extension],
            fault=fault_to_dict(on_download) if on_download else None,
        )
        fields: dict[str, object] = {
            "path": path,
            "sha256": hashlib.sha256(data).hexdigest(),
            "size": f"{size[0]}x{size[1]}",
            "bytes": len(data),
        }
        said = layer.fields(job.size) if layer else {}
        return Outcome(index=index, at=time.time(), path=path, size=told, format=kind, layer=said), fields


def inline_picture(ledger: Ledger, outcome: Outcome) -> str:
    """Plain base64 of a kept picture, without a `data:` prefix (OVERVIEW)."""
    found = ledger.find_object(outcome.path)
    if found is None:
        raise FileNotFoundError(outcome.path)
    return base64.b64encode(found.file.read_bytes()).decode()


def _attempts(job: Job) -> Sequence[int]:
    """Which pictures are tried. Of layers only the one that will fail, if there is one: then none is made (§4.1)."""
    every = range(job.planned)
    return next(([index] for index in every if job.order.layers and _item_error(job, index)), every)


def _sketch(job: Job, index: int, size: Pixels, real: str, *, transparent: bool) -> Sketch:
    order = job.order
    return Sketch(
        prompt=frame_words(order.prompt, index) if order.sequence else order.prompt,
        references=tuple(reference.picture() for reference in job.references),
        reference_digests=tuple(reference.digest for reference in job.references),
        width=size[0],
        height=size[1],
        model=undated(order.model.name),
        number=index + 1,
        total=job.planned,
        nonce=hashlib.sha256(f"{job.nonce}\0{index}".encode()).hexdigest()[:16],
        format=real,
        watermark=order.watermark,
        transparent=transparent,
    )


def _item_error(job: Job, index: int) -> Refusal | None:
    for fault in job.faults:
        if fault.kind is FaultKind.MODERATE_OUTPUT and fault.index in (None, index):
            gateway = fault.dialect == "gateway" if fault.dialect else job.gateway
            return moderated("output image", gateway=gateway and not job.order.sequence)
        if fault.kind is FaultKind.ITEM_ERROR and (fault.index or 0) == index:
            return INTERNAL
    return None


def _verdict(job: Job) -> str:
    made: Sequence[Outcome] = job.made
    if len(made) == job.planned:
        return "made"
    if made:
        return "partly made"
    first = job.outcomes[0].error if job.outcomes else None
    return f"failed: {first.code}" if first else "failed"
