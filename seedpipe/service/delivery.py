"""`Delivery`: what one answer brought, streamed or not, and what is known of the frames that did not come. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from seedpipe.service.refusals import Refusal, Verdict
from seedpipe.service.reply import Item, ItemFault, Reply
from seedpipe.service.stream import (
    Answered,
    Completed,
    Done,
    Failed,
    FrameArrived,
    FrameFailed,
    StreamEvent,
    Unreadable,
)


class Ending(StrEnum):
    """How an answer ended. Only after `CUT` is the charge of what did not come uncertain."""

    COMPLETED = "completed"  # the service said so: what did not come was not made
    STOPPED = "stopped"  # the service gave up midway; what did not come is refused and free
    CUT = "cut"  # it ended without a last word


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """An answer of which at least one frame is known. Indexes count from 0, in the order of the batch."""

    ending: Ending
    arrived: tuple[int, ...]  # billed, in the order of arrival
    failed: tuple[FrameFailed, ...]  # not billed, with the provider's code and words
    unknown: tuple[int, ...]  # may have been billed: a person decides
    is_streamed: bool
    refusal: Refusal | None = None  # why it was cut or stopped
    generated_images: int | None = None  # the billing number
    input_images: int | None = None
    output_tokens: int | None = None
    model: str | None = None
    request_id: str | None = None
    is_emulator: bool = False

    @property
    def is_complete(self) -> bool:
        """Nothing failed and nothing is uncertain. There may still be fewer frames than were asked for."""
        return self.ending is Ending.COMPLETED and not self.failed and not self.unknown


Frame = FrameArrived | FrameFailed


@dataclass(frozen=True, slots=True, kw_only=True)
class Frames:
    """What came together of an answer that isn't over. `request_id` is the service's, as far as it is known by now."""

    items: tuple[Frame, ...]
    request_id: str | None

    @property
    def arrived(self) -> tuple[FrameArrived, ...]:
        return tuple(frame for frame in self.items if isinstance(frame, FrameArrived))


class Tally:
    """Counts the frames of one answer, `frames` at most asked for, until `end` says what they come to."""

    def __init__(self, frames: int) -> None:
        self._frames = frames
        self._arrived: list[int] = []
        self._failed: list[FrameFailed] = []
        self._unreadable = 0
        self._completed: Completed | None = None
        self._failure: Refusal | None = None
        self._plain: Reply | None = None
        self._is_over = False

    @property
    def is_over(self) -> bool:
        """Whether nothing more can come, though the connection may still be open."""
        billed = self._completed.generated_images if self._completed else None
        return self._is_over or (billed is not None and billed <= len(self._arrived))

    def take(self, events: Iterable[StreamEvent]) -> tuple[Frame, ...]:
        """The frames in what came together."""
        return tuple(frame for event in events for frame in self._take(event))

    def _take(self, event: StreamEvent) -> Iterator[Frame]:
        match event:
            case FrameArrived():
                self._arrived.append(event.index)
                yield event
            case FrameFailed():
                self._failed.append(event)
                yield event
            case Completed():
                self._completed = event
            case Failed(refusal=refusal):
                self._failure, self._is_over = refusal, True
            case Unreadable():
                self._unreadable += 1
            case Done():
                self._is_over = True
            case Answered(outcome=Refusal() as refusal):
                self._failure, self._is_over = refusal, True
            case Answered(outcome=Reply() as reply):
                yield from self._take_reply(reply)

    def _take_reply(self, reply: Reply) -> Iterator[Frame]:
        self._plain, self._is_over = reply, True
        self._completed = Completed(
            generated_images=reply.generated_images,
            input_images=reply.input_images,
            output_tokens=reply.output_tokens,
            model=reply.model,
        )
        for index, item in enumerate(_from_the_ground_up(reply.items)):
            frame = (
                FrameFailed(index=index, fault=item)
                if isinstance(item, ItemFault)
                else FrameArrived(index=index, picture=item)
            )
            yield from self._take(frame)

    def end(
        self, cut: Refusal | None, *, request_id: str | None, is_emulator: bool, is_streamed: bool
    ) -> Delivery | Refusal:
        """What it comes to. `cut`: why the answer broke off, None if its body ended in good order.

        A `Refusal` if not one frame is known: then it holds for the whole request.
        """
        refusal = self._failure or (None if self._completed else cut or _without_end(request_id, is_emulator))
        if not self._arrived and not self._failed:
            return refusal or self._nothing(request_id, is_emulator)
        ending, unknown = self._ending(refusal)
        told = self._completed
        return Delivery(
            ending=ending,
            arrived=tuple(self._arrived),
            failed=tuple(frame for frame in self._failed if frame.fault.verdict is not Verdict.UNKNOWN),
            unknown=unknown,
            is_streamed=is_streamed,
            refusal=refusal,
            generated_images=told.generated_images if told else None,
            input_images=told.input_images if told else None,
            output_tokens=told.output_tokens if told else None,
            model=told.model if told else None,
            request_id=request_id or (refusal.request_id if refusal else None),
            is_emulator=is_emulator,
        )

    def _ending(self, refusal: Refusal | None) -> tuple[Ending, tuple[int, ...]]:
        said = {*self._arrived, *(frame.index for frame in self._failed)}
        silent = [index for index in range(self._frames) if index not in said]
        unclear = [frame.index for frame in self._failed if frame.fault.verdict is Verdict.UNKNOWN]
        if refusal is not None and not refusal.is_free:
            return Ending.CUT, tuple(sorted(unclear + silent))
        lost = max(0, self._lost() - len(unclear))
        return Ending.STOPPED if refusal else Ending.COMPLETED, tuple(sorted(unclear + silent[:lost]))

    def _lost(self) -> int:
        """Frames that are billed and of which nothing was read."""
        billed = self._completed.generated_images if self._completed else None
        return self._unreadable if billed is None else billed - len(self._arrived)

    def _nothing(self, request_id: str | None, is_emulator: bool) -> Refusal:
        """Completed, and no frame: free if the service bills none."""
        billed = self._completed.generated_images if self._completed else None
        return Refusal(
            verdict=Verdict.NODE if billed == 0 else Verdict.UNKNOWN,
            http_status=200,
            code="",
            message="the service made no picture" if billed == 0 else "the answer has no picture that could be read",
            request_id=request_id,
            is_emulator=is_emulator,
        )


def _from_the_ground_up(items: Sequence[Item]) -> Sequence[Item]:
    """In the order of the answer; layers by their height, whatever order they came in."""
    heights = [item.layer.z_index if not isinstance(item, ItemFault) and item.layer else None for item in items]
    if None in heights:
        return items
    return [item for _, item in sorted(zip(heights, items, strict=True), key=lambda pair: pair[0] or 0)]


def _without_end(request_id: str | None, is_emulator: bool) -> Refusal:
    return Refusal(
        verdict=Verdict.UNKNOWN,
        http_status=200,
        code="",
        message="the stream ended before the service said that it was complete: it may have been billed",
        request_id=request_id,
        is_emulator=is_emulator,
    )
