"""A streamed answer: bytes in any split → frames, failures, the end (§5 of the protocol). Pure.

Lenient as `reply` is: a gateway may answer plain JSON in place of a stream, leave out `image_index` or `event:`, break
the JSON over many lines, or send the whole answer in one event. Previews and unknown events are passed over.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from seedpipe.errors import ServiceError
from seedpipe.service.envelope import read_error
from seedpipe.service.redaction import NOTHING, Redaction
from seedpipe.service.refusals import UPSTREAM, Dialect, Refusal, clean
from seedpipe.service.reply import (
    ItemFault,
    PictureAt,
    PictureBytes,
    Reply,
    count_of,
    items_of,
    read_item,
    read_reply,
    whole_items,
)
from seedpipe.service.sse import EventDecoder, OversizedEvent, ServerSentEvent

_BOM: Final = b"\xef\xbb\xbf"
_EVENT_STARTS: Final = b":deir"  # of a comment, `data`, `event`, `id`, `retry`; no JSON and no web page begins so
_SNIFFED: Final = 4096  # bytes of leading blanks after which it can't be a plain answer
_MAX_FRAMES: Final = 1000
_PICTURE_KINDS: Final = ("partial_succeeded", "completed", "")  # any other may be a preview, which is never kept
_DONE: Final = "[DONE]"
_JSON: Final = json.JSONDecoder(strict=False)


class AnswerTooLargeError(ServiceError):
    """The service sent more than is taken. What was read before stays good."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameArrived:
    """A picture that was made and is billed. `index` is its place in the batch, from 0."""

    index: int
    picture: PictureAt | PictureBytes


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameFailed:
    """A picture that did not come; free unless the fault's verdict is `UNKNOWN`."""

    index: int
    fault: ItemFault


@dataclass(frozen=True, slots=True, kw_only=True)
class Completed:
    """The service says that it has made everything, and how many pictures it bills (None: it does not say)."""

    generated_images: int | None
    input_images: int | None
    output_tokens: int | None
    model: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """The service gave up: nothing more comes."""

    refusal: Refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """An event that was too large or is no JSON: a frame may be lost in it."""

    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """One plain answer in place of a stream."""

    outcome: Reply | Refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """The stream's own last word, `[DONE]`; without `Completed` before it, it says nothing about the charge."""


StreamEvent = FrameArrived | FrameFailed | Completed | Failed | Unreadable | Answered | Done


class StreamReader:
    """Reads one answer as it arrives. `redaction` is applied to everything that it gives.

    Anything but a 2xx is a plain answer. At most `max_event_bytes` of one event are held, and `max_answer_bytes` of a
    plain answer. `feed` raises `AnswerTooLargeError` beyond that for a plain answer, and beyond `max_stream_bytes`.
    """

    def __init__(
        self,
        status: int,
        headers: Mapping[str, str],
        *,
        max_event_bytes: int,
        max_answer_bytes: int,
        max_stream_bytes: int,
        dialect: Dialect = UPSTREAM,
        received: datetime | None = None,
        redaction: Redaction = NOTHING,
    ) -> None:
        self._status = status
        self.headers = headers
        self._max_answer_bytes = max_answer_bytes
        self._max_stream_bytes = max_stream_bytes
        self._dialect = dialect
        self._received = received
        self._redaction = redaction
        self._decoder = EventDecoder(max_event_bytes=max_event_bytes)
        self._is_stream = None if 200 <= status < 300 else False  # None: nothing has told yet
        self._kept = bytearray()  # a plain answer, or the blanks before anything tells
        self._arrived = 0
        self._indexes: set[int] = set()
        self._urls: set[str] = set()

    @property
    def is_stream(self) -> bool:
        return self._is_stream is True

    def feed(self, data: bytes) -> list[StreamEvent]:
        self._arrived += len(data)
        if self._is_stream is None:
            self._kept += data
            self._is_stream = _is_stream(self._kept)
            if self._is_stream:
                data = bytes(self._kept)
                self._kept.clear()
        elif not self._is_stream:
            self._kept += data
        limit = self._max_stream_bytes if self._is_stream else self._max_answer_bytes
        if self._arrived > limit:
            raise AnswerTooLargeError(f"the answer has more than {limit} bytes")
        return self._read_all(self._decoder.feed(data)) if self._is_stream else []

    def close(self) -> list[StreamEvent]:
        """What the end of the body tells: the last event, or the plain answer."""
        if self._is_stream:
            return self._read_all(self._decoder.close())
        answered = self._answer(self._redaction.body(bytes(self._kept)))
        if isinstance(answered.outcome, Refusal) and not answered.outcome.is_free and (found := self.salvage()):
            return [*found, Failed(refusal=answered.outcome)]
        return [answered]

    def salvage(self) -> list[StreamEvent]:
        """Of a plain answer that broke off, what it says whole: those pictures are paid, and can be had."""
        if self._is_stream is not False or not 200 <= self._status < 300:
            return []
        found: list[StreamEvent] = []
        for index, item in enumerate(whole_items(self._redaction.body(bytes(self._kept)))):
            if isinstance(item, ItemFault):
                found.append(FrameFailed(index=index, fault=self._redaction.fault(item)))
            else:
                found.append(FrameArrived(index=index, picture=self._redaction.picture(item)))
        return found

    def _answer(self, body: bytes) -> Answered:
        outcome = read_reply(self._status, self.headers, body, dialect=self._dialect, received=self._received)
        return Answered(outcome=self._redaction.outcome(outcome))

    def _read_all(self, events: list[ServerSentEvent | OversizedEvent]) -> list[StreamEvent]:
        return [found for event in events for found in self._read(event)]

    def _read(self, event: ServerSentEvent | OversizedEvent) -> Iterator[StreamEvent]:
        if isinstance(event, OversizedEvent):
            yield Unreadable(why=f"an event has more than {event.limit} bytes")
            return
        documents, rest = _documents(self._redaction.text(event.data))
        if not documents and event.loose_data:
            documents, rest = _documents(self._redaction.text(event.loose_data))
        for document in documents:
            yield from self._tell(document, event.event)
        if rest == _DONE:
            yield Done()
        elif rest:
            yield Unreadable(why="an event is no JSON")

    def _tell(self, document: Any, event: str) -> Iterator[StreamEvent]:
        if not isinstance(document, dict):
            yield Unreadable(why="an event is no JSON object")
            return
        kind = _kind(document, event)
        if not kind and items_of(document):
            yield self._answer(json.dumps(document).encode())
            return
        item = read_item(document)
        if isinstance(item, PictureAt | PictureBytes):
            if kind in _PICTURE_KINDS:
                yield from self._arrive(document, item)
        elif kind in ("partial_failed", "partial_succeeded") or (document.get("error") and "image_index" in document):
            yield FrameFailed(index=self._place(document), fault=self._redaction.fault(item))
        elif document.get("error") or (kind == "error" and read_error(document)):
            yield self._fail(document)
        if kind == "completed":
            yield self._complete(document)

    def _arrive(self, document: dict[str, Any], item: PictureAt | PictureBytes) -> Iterator[FrameArrived]:
        if isinstance(item, PictureAt):
            if item.url in self._urls:
                return  # said twice
            self._urls.add(item.url)
        yield FrameArrived(index=self._place(document), picture=self._redaction.picture(item))

    def _place(self, document: dict[str, Any]) -> int:
        """The frame's own index; where it has none, or another frame has it already, the first free one."""
        index = count_of(document.get("image_index"))
        if index is None or index >= _MAX_FRAMES or index in self._indexes:
            index = next((number for number in range(_MAX_FRAMES) if number not in self._indexes), None)
        if index is None:
            raise AnswerTooLargeError(f"the answer has more than {_MAX_FRAMES} frames")
        self._indexes.add(index)
        return index

    def _complete(self, document: dict[str, Any]) -> Completed:
        usage, model = document.get("usage"), document.get("model")
        counts = usage if isinstance(usage, dict) else {}
        return Completed(
            generated_images=count_of(counts.get("generated_images")),
            input_images=count_of(counts.get("input_images")),
            output_tokens=count_of(counts.get("output_tokens")),
            model=self._redaction.text(clean(model)) if isinstance(model, str) else None,
        )

    def _fail(self, document: dict[str, Any]) -> Failed:
        outcome = self._answer(json.dumps(document).encode()).outcome
        if isinstance(outcome, Refusal):
            return Failed(refusal=outcome)
        raise AssertionError("an event without pictures is no reply")


def _is_stream(start: bytes | bytearray) -> bool | None:
    """What the first byte that is no blank tells (KB); the content type is not documented. None: nothing yet."""
    if len(start) < len(_BOM) and _BOM.startswith(start):
        return None
    text = start.removeprefix(_BOM).lstrip()
    if not text:
        return True if len(start) >= _SNIFFED else None
    return text[0] in _EVENT_STARTS


def _documents(text: str) -> tuple[list[Any], str]:
    """Every JSON document at the start of `text` (a gateway may leave out the blank line between), and what is left."""
    found, position = [], 0
    text = text.strip()
    while position < len(text) and text[position] in "{[" and not text.startswith(_DONE, position):
        try:
            document, position = _JSON.raw_decode(text, position)
        except (ValueError, RecursionError):
            break
        found.append(document)
        while position < len(text) and text[position].isspace():
            position += 1
    return found, text[position:]


def _kind(document: dict[str, Any], event: str) -> str:
    """`partial_succeeded` of `image_generation.partial_succeeded`; empty if neither the JSON nor the stream says it."""
    told = document.get("type")
    kind = (told if isinstance(told, str) and told else event).rpartition(".")[2]
    return "" if kind == "message" else kind  # the standard's name for an event without one
