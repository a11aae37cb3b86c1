"""Receiving what was bought: where the pictures are, in one commit; then each picture kept; then the charge settled.

The order is the promise: bytes are kept before they are recorded, and what was located is fetched again for nothing.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from seedpipe.build.order import (
    ALONE_HINT,
    CAME_SHORT,
    FETCH_AGAIN_HINT,
    SHORT_HINT,
    UNCERTAIN_HINT,
    Bought,
    NotBought,
    Sent,
    Wanted,
    WantedPicture,
    not_kept,
    refused,
    uncertain,
)
from seedpipe.build.report import Report
from seedpipe.errors import SeedpipeError, why
from seedpipe.events import TakeKept
from seedpipe.images.decode import NotAPictureError
from seedpipe.images.probe import PictureInfo, probe_picture
from seedpipe.names import Digest
from seedpipe.service.client import ServiceClient
from seedpipe.service.delivery import Delivery, Frames
from seedpipe.service.download import (
    DownloadError,
    DownloadExpiredError,
    DownloadImpossibleError,
    DownloadRefusedError,
)
from seedpipe.service.refusals import Refusal
from seedpipe.service.reply import PictureAt, PictureBytes
from seedpipe.service.stream import FrameArrived, FrameFailed
from seedpipe.state.journal import Journal
from seedpipe.state.requests import Located, Picture, Request, RequestState, ToFetch
from seedpipe.state.store import Store
from seedpipe.state.take import Take
from seedpipe.state.takes import Takes

_PICTURE = "the picture"  # as messages of a decoder call what came
Arrived = Callable[[int, Take], Awaitable[None]]  # told the place of each picture as soon as it is kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver:
    """Keeps what the service answers. `provider` is the catalogue's name for it.

    `model_of`: the dated id of a model that an answer names, None for a name that is nobody's.
    """

    journal: Journal
    store: Store
    takes: Takes
    client: ServiceClient
    provider: str
    report: Report
    api_is_loopback: bool
    model_of: Callable[[str], str | None] = lambda _name: None

    async def receive(
        self, sent: Sent, answer: AsyncGenerator[Frames | Delivery | Refusal], arrived: Arrived
    ) -> Bought | Refusal:
        """Keeps each picture of an answer as it comes, and settles. A `Refusal` holds for the whole request.

        Raises `OSError` for what the disk refuses.
        """
        keeping: dict[int, asyncio.Task[Take]] = {}
        end: Delivery | Refusal | None = None
        async with contextlib.aclosing(answer):
            async for item in answer:
                if isinstance(item, Delivery | Refusal):
                    end = item
                    continue
                await asyncio.to_thread(self._locate, sent, item)
                for frame in item.arrived:
                    kept = self._keep_for(sent, frame, item.request_id, arrived)
                    keeping[frame.index] = asyncio.create_task(kept)
        if end is None:
            raise RuntimeError("an answer ends with what it comes to")
        # Shielded: an abort must not cut what is being kept; what stays located is fetched again for nothing.
        return await asyncio.shield(self._settle(sent, end, keeping))

    def _locate(self, sent: Sent, frames: Frames) -> None:
        """Where pictures are that came together, in one commit."""
        located = [
            Located(
                index=frame.index,
                url=frame.picture.url,
                size=None if frame.picture.size is None else "{}x{}".format(*frame.picture.size),
                layer=frame.picture.layer,
            )
            for frame in frames.arrived
            if isinstance(frame.picture, PictureAt)
        ]
        if located:
            self.journal.located_all(sent.request, located, complete=False, request_id=frames.request_id)

    async def _keep_for(self, sent: Sent, frame: FrameArrived, request_id: str | None, arrived: Arrived) -> Take:
        take = await self._keep(sent, frame.index, frame.picture, request_id)
        await arrived(frame.index, take)
        return take

    async def _settle(
        self, sent: Sent, end: Delivery | Refusal, keeping: Mapping[int, asyncio.Task[Take]]
    ) -> Bought | Refusal:
        outcomes = await asyncio.gather(*keeping.values(), return_exceptions=True)
        if isinstance(end, Refusal):
            return end
        if not end.arrived and not end.unknown and end.failed:
            return _whole(end)
        takes: dict[int, Take] = {}
        errors: dict[int, SeedpipeError] = {}
        for place, outcome in zip(keeping, outcomes, strict=True):
            if isinstance(outcome, SeedpipeError):
                errors[place] = outcome
            elif isinstance(outcome, BaseException):
                raise outcome
            else:
                takes[place] = outcome
        await asyncio.to_thread(self._conclude, sent, end, errors)
        self._say_model(sent.wanted, end)
        return Bought(takes=takes, missing=self._missing(sent, end, takes, errors))

    def _conclude(self, sent: Sent, end: Delivery, errors: Mapping[int, SeedpipeError]) -> None:
        """Settled where everything is known; what lives at its address is left for the next build."""
        request = sent.request
        for failed in end.failed:
            self.journal.item_refused(request, failed.index, code=failed.fault.code, message=failed.fault.message)
        broken = [error for error in errors.values() if not _may_still_come(error)]
        if not end.unknown:
            self.journal.answer_complete(request, request_id=end.request_id)
        if broken:
            self.journal.unknown(request, charged_and_lost(broken[0]), request_id=end.request_id)
            return
        if end.unknown:
            why = end.refusal.message if end.refusal else "the answer does not say what became of all its pictures"
            self.journal.unknown(request, why, request_id=end.request_id)
            return
        if errors:
            self.journal.not_fetched(request, charged_and_lost(next(iter(errors.values()))))
            return
        concluded = self.journal.conclude(request)
        if concluded.state is RequestState.UNKNOWN:
            self.report.notice(sent.wanted.address, concluded.why or "its charge is uncertain")

    def _missing(
        self, sent: Sent, end: Delivery, takes: Mapping[int, Take], errors: Mapping[int, SeedpipeError]
    ) -> Mapping[int, NotBought]:
        """Why each picture that isn't there isn't."""
        failed = {frame.index: frame for frame in end.failed}
        missing: dict[int, NotBought] = {}
        for place in range(len(sent.wanted.pictures)):
            if place in takes:
                continue
            if place in errors:
                missing[place] = _not_kept(errors[place], sent, end.request_id)
            elif place in failed:
                missing[place] = replace(refused(_refusal_of(failed[place], end)), hint=ALONE_HINT)
            elif place in end.unknown:
                message = end.refusal.message if end.refusal else "the answer does not say what became of it"
                missing[place] = uncertain(
                    "no-answer",
                    message,
                    request_id=end.request_id,
                    client_request_id=sent.client_request_id,
                )
            else:
                came = f"the service made {len(end.arrived)} of {len(sent.wanted.pictures)} pictures"
                missing[place] = NotBought(
                    outcome="short", code=CAME_SHORT, message=came, request_id=end.request_id, hint=SHORT_HINT
                )
        return missing

    async def _keep(self, sent: Sent, index: int, item: PictureAt | PictureBytes, request_id: str | None) -> Take:
        """Bytes first, then the record. Raises `SeedpipeError` for what can't be fetched or is no picture."""
        wanted, picture_of = sent.wanted, sent.wanted.picture(index)
        digest, info = await self._bytes_of(item)
        picture = Picture(
            digest=digest,
            format=info.format,
            width=info.width,
            height=info.height,
            bytes=info.bytes,
            cost=wanted.price,
            layer=item.layer,
        )
        await asyncio.to_thread(self.journal.kept, sent.request, index, picture, request_id=request_id)
        take = replace(self._take(sent, index, digest, info, request_id), layer=item.layer)
        await asyncio.to_thread(self._index, take, wanted, picture_of)
        self._say_size(picture_of.address, item, info)
        self.report.kept(
            TakeKept(
                at=self.report.clock(),
                address=picture_of.address,
                digest=digest,
                width=info.width,
                height=info.height,
                cost=wanted.price,
                request_id=request_id,
                client_request_id=sent.client_request_id,
                request=sent.request,
                look=wanted.look,
                seconds=self.report.clock() - sent.at,
            )
        )
        return take

    def _take(self, sent: Sent, index: int, digest: Digest, info: PictureInfo, request_id: str | None) -> Take:
        wanted, picture = sent.wanted, sent.wanted.picture(index)
        return Take(
            digest=digest,
            request_key=wanted.key,
            want=picture.want,
            address=picture.address,
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
        try:
            info = await asyncio.to_thread(_probe, temporary)
        except SeedpipeError as error:
            temporary.unlink(missing_ok=True)
            raise (
                DownloadRefusedError(error.message, hint=error.hint) if isinstance(item, PictureAt) else error
            ) from None
        await asyncio.to_thread(self.store.keep_file, temporary, digest)
        return digest, info

    def _index(self, take: Take, wanted: Wanted, picture: WantedPicture) -> None:
        self.takes.record(take)
        self.takes.record_document(take.request_key, wanted.document)
        if take.want != take.request_key and picture.document is not None:
            self.takes.record_document(take.want, picture.document)

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

    def _say_model(self, wanted: Wanted, end: Delivery) -> None:
        """What stands behind an inference endpoint only its owner knows; the answer may know it better."""
        made_by = self.model_of(end.model) if end.model is not None else None
        if made_by is not None and made_by != wanted.model:
            message = f"the service says that `{made_by}` made it, not `{wanted.model}`: its price may be another"
            self.report.notice(wanted.address, message)

    def _say_size(self, address: str, item: PictureAt | PictureBytes, info: PictureInfo) -> None:
        """What was decoded is the truth, whatever the service says."""
        if item.size is not None and item.size != (info.width, info.height):
            says = f"the service says {item.size[0]}x{item.size[1]}"
            self.report.notice(address, f"{says}, the picture has {info.width}x{info.height}")

    # What a dead build left behind

    def _look_of(self, request: Request) -> str | None:
        return self.takes.looks(request.request_key).get(request.address)

    async def fetch_again(self, waiting: ToFetch) -> Sequence[Take]:
        """Paid pictures whose addresses are written down: fetched for nothing, each that still can be."""
        request = waiting.request
        wanted = Wanted(
            address=request.address,
            ordinal=request.ordinal,
            key=request.request_key,
            document=request.document,
            model=request.model,
            price=request.price,
            pictures=tuple(_pictures_of(request)),
            look=await asyncio.to_thread(self._look_of, request),
        )
        sent = Sent(
            wanted=wanted,
            request=request.id,
            client_request_id=request.client_request_id,
            at=self.report.clock(),
        )
        takes: list[Take] = []
        errors: list[SeedpipeError] = []
        for item in waiting.located:
            try:
                at = PictureAt(url=item.url, layer=item.layer)
                takes.append(await self._keep(sent, item.index, at, request.request_id))
            except SeedpipeError as error:
                errors.append(error)
        gone = [error for error in errors if not _may_still_come(error)]
        if gone:
            await asyncio.to_thread(self.journal.unknown, request.id, charged_and_lost(gone[0]))
        elif errors:
            await asyncio.to_thread(self.journal.not_fetched, request.id, charged_and_lost(errors[0]))
        else:
            await asyncio.to_thread(self.journal.conclude, request.id)
        return takes


def _probe(path: Path) -> PictureInfo:
    try:
        return probe_picture(path, name=_PICTURE)
    except NotAPictureError as error:
        raise NotAPictureError(error.message.replace(f"`{_PICTURE}`", "it"), hint=error.hint) from None
    except OSError as error:
        raise SeedpipeError(
            f"the picture can't be read: {why(error)}",
            hint="`seedpipe doctor` checks the folder where pictures are kept; then build again",
        ) from error


def _pictures_of(request: Request) -> Iterator[WantedPicture]:
    """What a request of a dead build was to bring; the words of its frames aren't remembered with it."""
    for index in range(request.images):
        frame = request.frame(index)
        yield WantedPicture(address=frame.address, want=frame.want, document=None)


def _whole(end: Delivery) -> Refusal:
    """Not one picture came and each was refused: so was the request."""
    return _refusal_of(end.failed[0], end)


def _refusal_of(frame: FrameFailed, end: Delivery) -> Refusal:
    fault = frame.fault
    return Refusal(
        verdict=fault.verdict, http_status=200, code=fault.code, message=fault.message, request_id=end.request_id
    )


def _may_still_come(error: SeedpipeError) -> bool:
    """A name that leads elsewhere, a portal's page, half a picture: all of that may pass while the address lives."""
    return isinstance(error, DownloadError) and not isinstance(error, DownloadExpiredError | DownloadImpossibleError)


def charged_and_lost(error: SeedpipeError) -> str:
    """Why a request is held although the service made its pictures."""
    if isinstance(error, DownloadExpiredError):
        return "made and charged, but its address is gone or over"
    return f"made and charged, but could not be kept: {error.message}"


def _not_kept(error: SeedpipeError, sent: Sent, request_id: str | None) -> NotBought:
    """It was paid for and didn't arrive. A URL that lives is left for the next build; else it is held."""
    hint = FETCH_AGAIN_HINT if _may_still_come(error) else UNCERTAIN_HINT
    return not_kept(error.message, hint, request_id=request_id, client_request_id=sent.client_request_id)
