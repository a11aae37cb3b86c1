"""Server-sent events from any split of the bytes, in bounded memory."""

import itertools
import tracemalloc
from collections.abc import Iterable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedpipe.service.sse import EventDecoder, OversizedEvent, ServerSentEvent

Found = list[ServerSentEvent | OversizedEvent]


def decode(parts: Iterable[bytes], limit: int = 10_000) -> Found:
    decoder = EventDecoder(max_event_bytes=limit)
    found = [event for part in parts for event in decoder.feed(part)]
    return found + decoder.close()


def event(data: str, name: str = "", loose: str = "") -> ServerSentEvent:
    return ServerSentEvent(event=name, data=data, loose_data=loose)


STREAMS: dict[str, tuple[bytes, Found]] = {
    "one line": (b"data: {}\n\n", [event("{}")]),
    "a name": (b"event: a.b\ndata: {}\n\n", [event("{}", "a.b")]),
    "no blank after the colon": (b"event:a\ndata:{}\n\n", [event("{}", "a")]),
    "only one blank goes": (b"data:  x\n\n", [event(" x")]),
    "CR": (b"event: a\rdata: 1\r\rdata: 2\r\r", [event("1", "a"), event("2")]),
    "CRLF": (b"event: a\r\ndata: 1\r\n\r\ndata: 2\r\n\r\n", [event("1", "a"), event("2")]),
    "mixed line ends": (b"event: a\rdata: 1\n\r\ndata: 2\r\n\r", [event("1", "a"), event("2")]),
    "BOM": (b"\xef\xbb\xbfdata: 1\n\n", [event("1")]),
    "BOM later is text": (b"data: 1\n\n\xef\xbb\xbfdata: 2\n\n", [event("1")]),
    "lines of data": (b"data: {\ndata: }\n\n", [event("{\n}")]),
    "lines that are no field": (b'data: {\n  "a": 1\n}\n\n', [event("{", loose='{\n  "a": 1\n}')]),
    "comments, ids, retries": (b": hi\nid: 7\nretry: 10\ndata: 1\n:\n\n", [event("1")]),
    "only comments": (b": ping\n\n: ping\n\n", []),
    "an event without data": (b"event: a\n\ndata: 1\n\n", [event("1")]),
    "empty data": (b"data\n\n", [event("")]),
    "no last blank line": (b"data: 1\n\ndata: 2", [event("1"), event("2")]),
    "UTF-8": ("data: 灯 ä 🙂\n\n".encode(), [event("灯 ä 🙂")]),
    "line separators of text are text": ("data: a\u2028b\x85c\x0bd\n\n".encode(), [event("a\u2028b\x85c\x0bd")]),
    "no UTF-8": (b"data: \xff\n\n", [event("\ufffd")]),
    "nothing": (b"", []),
    "blank lines": (b"\n\r\n\r\r\n", []),
}


@pytest.mark.parametrize("name", STREAMS)
def test_whole_and_byte_by_byte(name: str) -> None:
    data, found = STREAMS[name]
    assert decode([data]) == found
    assert decode(data[index : index + 1] for index in range(len(data))) == found
    assert decode(part for index in range(len(data)) for part in (data[index : index + 1], b"")) == found


def cut_at(data: bytes, cuts: Sequence[int]) -> list[bytes]:
    ends = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(ends)]


LINES = st.lists(
    st.sampled_from(
        [b"data: ", b"data:{}", b"event: x", b":c", b"\n", b"\r", b"\r\n", b"\xef\xbb\xbf", b"\xe7\x81", b"a"]
    )
    | st.binary(max_size=8)
).map(b"".join)


@given(data=LINES, cuts=st.lists(st.integers(0, 10_000)))
def test_any_split_gives_the_same_events(data: bytes, cuts: list[int]) -> None:
    assert decode(cut_at(data, cuts)) == decode([data])
    assert decode(cut_at(data, cuts), limit=12) == decode([data], limit=12)


def test_an_event_that_is_too_large_is_left_out() -> None:
    small = b"data: " + b"x" * 80 + b"\n\n"
    large = b"event: e\ndata: " + b"x" * 80 + b"\ndata: " + b"x" * 80 + b"\nid: 1\n\n"
    assert decode([small, large, small], limit=100) == [event("x" * 80), OversizedEvent(limit=100), event("x" * 80)]
    assert decode([large[:-2]], limit=100) == [OversizedEvent(limit=100)]
    assert decode([b":" + b"x" * 200, b"\n\n"], limit=100) == [OversizedEvent(limit=100)]


@pytest.mark.parametrize("line", [b"x", b"data:x\n", b"data\n", b"data: {\nx\n", b": hm", b"event: y\n", b"\n"])
def test_memory_is_bounded(line: bytes) -> None:
    """However a stream without an end goes on, no more than a few times the limit is held."""
    limit = 20_000
    decoder = EventDecoder(max_event_bytes=limit)
    part = line * (4_000 // len(line))
    tracemalloc.start()
    for _ in range(30):
        decoder.feed(part)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 4 * limit
