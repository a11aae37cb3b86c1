"""Receiving what was bought: where the pictures are, in one commit; then each picture kept; then the charge settled.

The order is the promise: bytes are kept before they are recorded, and what was located is fetched again for nothing.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from seedpipe.build.order import RETRY_UNKNOWN_HINT, NotBought, Sent, Wanted, refused
from seedpipe.build.report import Report
from seedpipe.errors import SeedpipeError
from seedpipe.events import TakeKept
from seedpipe.images.probe import PictureInfo, probe_picture
from seedpipe.names import Digest
from seedpipe.service.client import ServiceClient
from seedpipe.service.download import DownloadFailedError
from seedpipe.service.refusals import Refusal, Verdict
from seedpipe.service.reply import ItemFault, PictureAt, PictureBytes, Reply
from seedpipe.state.journal import Journal
from seedpipe.state.requests import Located, Picture, RequestState, ToFetch
from seedpipe.state.store import Store
from seedpipe.state.take import Take
from seedpipe.state.takes import Takes


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver:
    """Keeps what the service answers. `provider` is the catalogue's name for it."""

    journal: Journal
    store: Store
    takes: Takes
    client: ServiceClient
    provider: str
    report: Report
    api_is_loopback: bool

    async def receive(self, sent: Sent, reply: Reply) -> Sequence[Take] | NotBought:
        """The takes of an answer, kept and settled. Raises `OSError` for what the disk refuses."""
        # Shielded: an abort must not cut what is being kept; what stays located is fetched again for nothing.
        return await asyncio.shield(self._keep_all(sent, reply))

    async def _keep_all(self, sent: Sent, reply: Reply) -> Sequence[Take] | NotBought:
        if not any(isinstance(item, PictureAt | PictureBytes) for item in reply.items):
            return await self._nothing_came(sent, reply)
        await self._locate(sent, reply)
        takes: list[Take] = []
        for index, item in enumerate(reply.items):
            if isinstance(item, ItemFault):
                await asyncio.to_thread(
                    self.journal.item_refused, sent.request, index, code=item.code, message=item.message
                )
                continue
            try:
                takes.append(await self._keep(sent, index, item, reply.request_id))
            except SeedpipeError as error:
                return takes or await self._not_kept(sent, error)
        concluded = await asyncio.to_thread(self.journal.conclude, sent.request)
        if concluded.state is RequestState.UNKNOWN:
            self.report.notice(sent.wanted.address, concluded.why or "its charge is uncertain")
        return takes

    async def _locate(self, sent: Sent, reply: Reply) -> None:
        located = [
            Located(index=index, url=item.url, size=None if item.size is None else f"{item.size[0]}x{item.size[1]}")
            for index, item in enumerate(reply.items)
            if isinstance(item, PictureAt)
        ]
        await asyncio.to_thread(
            self.journal.located_all,
            sent.request,
            located,
            complete=True,
            total=len(reply.items),
            request_id=reply.request_id,
        )

    async def _keep(self, sent: Sent, index: int, item: PictureAt | PictureBytes, request_id: str | None) -> Take:
        """Bytes first, then the record. Raises `SeedpipeError` for what can't be fetched or is no picture."""
        wanted = sent.wanted
        digest, info = await self._bytes_of(item)
        picture = Picture(
            digest=digest, format=info.format, width=info.width, height=info.height, bytes=info.bytes, cost=wanted.price
        )
        await asyncio.to_thread(self.journal.kept, sent.request, index, picture, request_id=request_id)
        take = self._take(sent, index, digest, info, request_id)
        await asyncio.to_thread(self._index, take, wanted.document)
        self._say_size(wanted, item, info)
        self.report.kept(
            TakeKept(
                at=self.report.clock(),
                address=wanted.address,
                digest=digest,
                width=info.width,
                height=info.height,
                cost=wanted.price,
                request_id=request_id,
                seconds=self.report.clock() - sent.at,
            )
        )
        return take

    def _take(self, sent: Sent, index: int, digest: Digest, info: PictureInfo, request_id: str | None) -> Take:
        wanted = sent.wanted
        return Take(
            digest=digest,
            request_key=wanted.key,
            want=wanted.key,
            address=wanted.address,
            format=info.format,
            width=info.width,
            height=info.height,
            bytes=info.bytes,
            model=wanted.model,
            provider=self.provider,
            request_id=request_id,
            client_request_id=sent.client_request_id,
            cost=wanted.price,
            received_at=datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            ordinal=wanted.ordinal,
            index=index,
        )

    async def _bytes_of(self, item: PictureAt | PictureBytes) -> tuple[Digest, PictureInfo]:
        temporary = self.store.temporary()
        if isinstance(item, PictureAt):
            fetched = await self.client.download(item.url, temporary, api_is_loopback=self.api_is_loopback)
            digest = fetched.digest
        else:
            data = await asyncio.to_thread(item.decode)
            await asyncio.to_thread(temporary.write_bytes, data)
            digest = Digest.of(data)
        info = await asyncio.to_thread(_probe, temporary)
        await asyncio.to_thread(self.store.keep_file, temporary, digest)
        return digest, info

    def _index(self, take: Take, document: str) -> None:
        self.takes.record(take)
        self.takes.record_document(take.request_key, document)

    # What did not come

    def refused(self, sent: Sent, refusal: Refusal) -> None:
        """Writes down a definite refusal."""
        self.journal.refused(
            sent.request,
            code=refusal.code,
            message=refusal.message,
            verdict=refusal.verdict.value,
            request_id=refusal.request_id,
        )

    async def _not_kept(self, sent: Sent, error: SeedpipeError) -> NotBought:
        """It was paid for and didn't arrive. A URL that lives is left for the next build; else it is held."""
        message = f"it was made and charged, but could not be kept: {error.message}"
        if isinstance(error, DownloadFailedError):
            hint = "`seedpipe build` again: it is fetched for nothing while its address lives (24 h)"
        else:
            await asyncio.to_thread(self.journal.unknown, sent.request, error.message)
            hint = RETRY_UNKNOWN_HINT
        return NotBought(outcome="unknown", code="not-kept", message=message, hint=hint)

    async def _nothing_came(self, sent: Sent, reply: Reply) -> NotBought:
        """An answer without pictures: refused item by item, or an answer that says nothing at all."""
        fault = next((item for item in reply.items if isinstance(item, ItemFault)), None)
        if fault is None or fault.verdict is Verdict.UNKNOWN:
            message = fault.message if fault else "the answer holds neither a picture nor an error"
            await asyncio.to_thread(self.journal.unknown, sent.request, message, request_id=reply.request_id)
            return NotBought(
                outcome="unknown",
                code=fault.code if fault else "empty-answer",
                message=message,
                request_id=reply.request_id,
                hint=RETRY_UNKNOWN_HINT,
            )
        refusal = Refusal(
            verdict=fault.verdict,
            http_status=200,
            code=fault.code,
            message=fault.message,
            request_id=reply.request_id,
        )
        await asyncio.to_thread(self.refused, sent, refusal)
        return refused(refusal)

    def _say_size(self, wanted: Wanted, item: PictureAt | PictureBytes, info: PictureInfo) -> None:
        """What was decoded is the truth; that it isn't what was asked is worth a line."""
        came = f"{info.width}x{info.height}"
        if wanted.size is not None and "x" in wanted.size and came != wanted.size:
            message = f"{wanted.size} was asked for and {came} came; the picture is kept as it is"
        elif item.size is not None and item.size != (info.width, info.height):
            message = f"the service says {item.size[0]}x{item.size[1]}, the picture has {came}"
        else:
            return
        self.report.notice(wanted.address, message)

    # What a dead build left behind

    async def fetch_again(self, waiting: ToFetch) -> Sequence[Take]:
        """Paid pictures whose addresses a dead build wrote down: fetched for nothing. Empty if they are gone."""
        request = waiting.request
        wanted = Wanted(
            address=request.address,
            ordinal=request.ordinal,
            key=request.request_key,
            document=request.document,
            model=request.model,
            size=None,
            price=request.price,
        )
        sent = Sent(
            wanted=wanted,
            request=request.id,
            client_request_id=request.client_request_id,
            at=self.report.clock(),
        )
        takes = []
        for item in waiting.located:
            try:
                takes.append(await self._keep(sent, item.index, PictureAt(url=item.url), request.request_id))
            except SeedpipeError as error:
                if not isinstance(error, DownloadFailedError):
                    why = f"it was made, but its address is gone: {error.message}"
                    await asyncio.to_thread(self.journal.unknown, request.id, why)
                return takes
        await asyncio.to_thread(self.journal.conclude, request.id)
        return takes


def _probe(path: Path) -> PictureInfo:
    try:
        return probe_picture(path, name="the picture")
    except OSError as error:
        raise SeedpipeError(f"the picture can't be read: {error.strerror}") from error
