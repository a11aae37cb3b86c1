"""Sources: a project's file or a fetched URL comes into the store and is pinned in the lock."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from seedpipe.build.pictures import Pictures
from seedpipe.build.report import NodeError, Report
from seedpipe.errors import ServiceError
from seedpipe.images.probe import pixel_digest
from seedpipe.manifest.node import SourceNode
from seedpipe.names import Digest
from seedpipe.state.lock import SourceEntry
from seedpipe.state.lockfile import LockWriter
from seedpipe.state.takes import Takes


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceMaker:
    """Reads and fetches; nothing here is paid."""

    pictures: Pictures
    takes: Takes
    lock: LockWriter
    report: Report
    picture_path: Callable[[str], Path]  # a project path → the checked file
    fetch_url: Callable[[str], Awaitable[Digest]]  # a URL source → its bytes in the store

    async def make(self, node: SourceNode) -> None:
        """Raises `NodeError` for a URL that gives another picture than the one in the lock, and what reading raises."""
        pinned = self._pinned(node)
        digest = pinned or await self._bytes_of(node)
        path = self.pictures.store.path(digest)
        pixels = await self.pictures.work(lambda: pixel_digest(path, name=node.address))
        entry = self.lock.entry(node.address)
        first = digest
        if isinstance(entry, SourceEntry):
            _check_pin(node, entry, digest)
            if entry.pixels == pixels:
                first = entry.digest  # only metadata changed: keys go on with the first
        self.pictures.came(node.address, str(first), digest)
        self.lock.set(node.address, SourceEntry(digest=first, pixels=pixels, url=node.url))
        if node.url is not None and pinned is None:
            await asyncio.to_thread(self.takes.record_source, node.url, digest)
            self.report.done(node.address, "fetched", digest, None)

    def _pinned(self, node: SourceNode) -> Digest | None:
        """What a URL gave when it was fetched, if the bytes are here: it is not asked again."""
        taken = self.pictures.plan.nodes[node.address].taken
        return taken if node.url is not None and taken is not None and self.pictures.store.has(taken) else None

    async def _bytes_of(self, node: SourceNode) -> Digest:
        if node.path is None:
            self.report.started(node.address, "fetch")
            try:
                return await self.fetch_url(node.url or "")
            except ServiceError as error:
                hint = "download it yourself, and write `file:` in place of `url:`"
                raise NodeError("failed", "not-fetched", error.message, hint=hint) from None
        path = self.picture_path(node.path)
        return await asyncio.to_thread(lambda: self.pictures.store.keep(path.read_bytes()))


def _check_pin(node: SourceNode, entry: SourceEntry, digest: Digest) -> None:
    if node.url is not None and entry.url == node.url and entry.digest != digest:
        raise NodeError(
            "failed",
            "source-changed",
            f"`{node.url}` gives another picture than the one that is pinned in the lock",
            hint="put the pinned picture into the project as a file, or remove the entry to pin the new one",
        )
