"""Server-sent events: bytes in any split → events. Pure, and bounded in memory.

Written here and not taken from a library: those at hand read whole lines of text without a bound, and drop what a
strict reader may drop. Here an event may be a picture that is paid for.
"""

from dataclasses import dataclass, field
from typing import Final

_BOM: Final = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSentEvent:
    """One event; `event` is empty where the stream names none.

    `data` follows the standard. `loose_data` also has the lines between that are no field: a sample of the documents
    breaks its JSON over such lines (§5). It is empty where there are none.
    """

    event: str
    data: str = field(repr=False)
    loose_data: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class OversizedEvent:
    """An event with more than `limit` bytes: none of it was kept. The events after it are read again."""

    limit: int


class EventDecoder:
    """Takes what arrives and gives the events that are complete. Never raises, and holds 4 × `max_event_bytes` at most.

    Lines end with LF, CR or CRLF; comments and a byte-order mark at the start are skipped; what is no UTF-8 is
    replaced. A last event without its blank line counts too: the standard drops it, but its picture may be whole.
    """

    def __init__(self, *, max_event_bytes: int) -> None:
        self._limit = max_event_bytes
        self._line = bytearray()
        self._line_is_blank = True
        self._is_first_line = True
        self._was_cr = False
        self._begin_event()

    def feed(self, data: bytes) -> list[ServerSentEvent | OversizedEvent]:
        if not data:
            return []
        found: list[ServerSentEvent | OversizedEvent] = []
        rest = data.removeprefix(b"\n") if self._was_cr else data  # a CRLF may be split
        for piece in rest.splitlines(keepends=True):
            content = piece.rstrip(b"\r\n")
            self._extend_line(content)
            if len(content) < len(piece):
                found += self._end_line()
        self._was_cr = rest.endswith(b"\r")
        return found

    def close(self) -> list[ServerSentEvent | OversizedEvent]:
        """The event that the stream ended in, if there is one. Nothing is fed after it."""
        found = [] if self._line_is_blank else self._end_line()
        return found + self._end_event()

    def _begin_event(self) -> None:
        self._event = b""
        self._data = bytearray()
        self._loose: bytearray | None = None
        self._size = 0
        self._is_oversized = False

    def _extend_line(self, content: bytes) -> None:
        if not content:
            return
        self._line_is_blank = False
        self._is_oversized = self._is_oversized or self._size + len(self._line) + len(content) > self._limit
        if self._is_oversized:
            self._line, self._data, self._loose = bytearray(), bytearray(), None
        else:
            self._line += content

    def _end_line(self) -> list[ServerSentEvent | OversizedEvent]:
        line, is_blank = bytes(self._line), self._line_is_blank
        self._line, self._line_is_blank = bytearray(), True
        if self._is_first_line:
            self._is_first_line = False
            line = line.removeprefix(_BOM)
        if is_blank:
            return self._end_event()
        if not self._is_oversized:
            self._take(line)
        return []

    def _take(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        if not name:
            return  # a comment
        self._size += len(line) + 1
        if name == b"data":
            self._append(value.removeprefix(b" "))
        elif name == b"event":
            self._event = value.removeprefix(b" ")
        elif name not in (b"id", b"retry") and self._data:
            if self._loose is None:
                self._loose = bytearray(self._data)
            self._loose += line + b"\n"

    def _append(self, value: bytes) -> None:
        self._data += value + b"\n"
        if self._loose is not None:
            self._loose += value + b"\n"

    def _end_event(self) -> list[ServerSentEvent | OversizedEvent]:
        event, data, loose, is_oversized = self._event, self._data, self._loose, self._is_oversized
        self._begin_event()
        if is_oversized:
            return [OversizedEvent(limit=self._limit)]
        if not data:
            return []
        return [ServerSentEvent(event=_text(event), data=_text(data[:-1]), loose_data=_text((loose or b"")[:-1]))]


def _text(data: bytes | bytearray) -> str:
    return data.decode("utf-8", "replace")
