"""Streamed answers as they are documented, and as gateways make them: every paid frame is found, in any split."""

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedpipe.service.delivery import Delivery, Ending, Frame, Tally
from seedpipe.service.redaction import Redaction
from seedpipe.service.refusals import Refusal, Verdict
from seedpipe.service.reply import PictureAt, PictureBytes, Reply
from seedpipe.service.stream import (
    Answered,
    AnswerTooLargeError,
    Completed,
    Done,
    Failed,
    FrameArrived,
    FrameFailed,
    StreamEvent,
    StreamReader,
    Unreadable,
)
from tests.service.recorded import FOLDER
from tests.service.test_sse import cut_at

DOCUMENTED = (FOLDER / "stream-one-blocked.sse").read_bytes()
PRETTY = (FOLDER / "stream-pretty-printed.sse").read_bytes()
BLOCKED = {"code": "OutputImageSensitiveContentDetected", "message": "may contain sensitive information."}


def reader(status: int = 200, **options: Any) -> StreamReader:
    limits = {"max_event_bytes": 10_000, "max_answer_bytes": 10_000, "max_stream_bytes": 100_000}
    return StreamReader(status, {"x-request-id": "rid-12345"}, **{**limits, **options})


def read(data: bytes | Iterable[bytes], **options: Any) -> list[StreamEvent]:
    it = reader(**options)
    parts = [data] if isinstance(data, bytes) else data
    found = [event for part in parts for event in it.feed(part)]
    return found + it.close()


def said(*documents: object, done: bool = True) -> bytes:
    """One-line events as the service sends them."""
    text = "".join(f"data: {json.dumps(document)}\n\n" for document in documents)
    return (text + ("data: [DONE]\n\n" if done else "")).encode()


def frame(index: int | None, **fields: Any) -> dict[str, Any]:
    place = {} if index is None else {"image_index": index}
    return {"type": "image_generation.partial_succeeded", **place, "url": f"https://p/{index}", "size": "9x9", **fields}


def completed(images: int | None = None) -> dict[str, Any]:
    usage = {} if images is None else {"usage": {"generated_images": images, "output_tokens": 3}}
    return {"type": "image_generation.completed", "model": "m", **usage}


def arrived(index: int, url: str | None = None) -> FrameArrived:
    return FrameArrived(index=index, picture=PictureAt(url=url or f"https://p/{index}", size=(9, 9)))


def settle(data: bytes, frames: int, *, cut: bool = False) -> Delivery | Refusal:
    """What the client makes of a whole body, or of one that broke off."""
    tally, it = Tally(frames), reader()
    tally.take((*it.feed(data), *it.close()))
    why = Refusal(verdict=Verdict.UNKNOWN, http_status=200, code="", message="the connection broke") if cut else None
    return tally.end(why, request_id="rid", is_emulator=False, is_streamed=it.is_stream)


@pytest.mark.parametrize("data", [DOCUMENTED, PRETTY], ids=["one line", "over many lines"])
def test_the_documents_sample(data: bytes) -> None:
    first, blocked, third, last, done = read(data)
    assert isinstance(first, FrameArrived) and isinstance(third, FrameArrived)
    assert [(each.index, each.picture.size) for each in (first, third)] == [(0, (2496, 1664)), (2, (2496, 1664))]
    assert isinstance(blocked, FrameFailed)
    assert (blocked.index, blocked.fault.verdict, blocked.fault.code) == (1, Verdict.BLOCKED, BLOCKED["code"])
    assert last == Completed(generated_images=2, input_images=None, output_tokens=32448, model="seedream-4-5-251128")
    assert done == Done()


@given(
    cuts=st.lists(st.integers(0, 10_000)),
    ends=st.sampled_from([b"\n", b"\r", b"\r\n"]),
    data=st.sampled_from([DOCUMENTED, PRETTY]),
)
def test_any_split_and_any_line_end_give_the_same_events(cuts: list[int], ends: bytes, data: bytes) -> None:
    stream = b"\xef\xbb\xbf: ping\n\n".replace(b"\n", ends) + data.replace(b"\n", ends)
    assert read(cut_at(stream, cuts)) == read(DOCUMENTED)


FRAGMENTS = [
    b"data: ", b"event: image_generation.", b"completed", b"partial_failed", b"\n\n", b"\n", b"\r", b"{", b"}", b"[DONE]",
    b'"image_index":', b'{"url":"u"}', b'{"error":{"code":"X"}}', b'{"data":[{"url":"u"}]}', b"[[[[", b"9" * 5000, b"NaN", b"\xef\xbb\xbf", b"\xff",
    json.dumps(frame(0)).encode(), json.dumps(completed(1)).encode(),
]  # fmt: skip


@given(
    data=st.lists(st.sampled_from(FRAGMENTS) | st.binary(max_size=20)).map(b"".join),
    cuts=st.lists(st.integers(0, 100_000), max_size=20),
    status=st.sampled_from([200, 201, 302, 400, 429, 500]),
)
def test_nothing_raises_but_what_is_too_large(data: bytes, cuts: list[int], status: int) -> None:
    limits = {"status": status, "max_event_bytes": 6000, "max_answer_bytes": 8000, "max_stream_bytes": 12_000}
    try:
        whole = read(data, **limits)
    except AnswerTooLargeError:
        with pytest.raises(AnswerTooLargeError):
            read(cut_at(data, cuts), **limits)
    else:
        assert read(cut_at(data, cuts), **limits) == whole


def test_deep_nesting_is_no_event() -> None:
    assert read(b"data: " + b"[" * 9000 + b"\n\n") == [Unreadable(why="an event is no JSON")]


GATEWAYS: dict[str, tuple[bytes, list[StreamEvent]]] = {
    "no `event:` and no type": (said({"image_index": 0, "url": "https://p/0", "size": "9x9"}), [arrived(0), Done()]),
    "the name only in `event:`": (
        b'event: image_generation.partial_image\ndata: {"url":"https://p/0"}\n\n',
        [],
    ),
    "previews are never frames": (
        said({"type": "image_generation.partial_image", "partial_image_index": 0, "b64_json": "AAAA"}, frame(0)),
        [arrived(0), Done()],
    ),
    "unknown events": (said({"type": "image_generation.progress", "percent": 7, "url": "https://p/x"}), [Done()]),
    "`error: null` is harmless": (said(frame(0, error=None)), [arrived(0), Done()]),
    "gaps in the index": (said(frame(3), frame(1)), [arrived(3), arrived(1), Done()]),
    "no index": (said(frame(None, url="https://p/0"), frame(None, url="https://p/1")), [arrived(0), arrived(1), Done()]),
    "the same index twice": (said(frame(0), frame(0, url="https://p/1")), [arrived(0), arrived(1), Done()]),
    "the same frame twice": (said(frame(0), frame(0)), [arrived(0), Done()]),
    "an absurd index": (said(frame(10**9, url="https://p/0")), [arrived(0), Done()]),
    "no blank line between events": (
        b"".join(f"data: {json.dumps(each)}\n".encode() for each in (frame(0), frame(1))) + b"data: [DONE]\n",
        [arrived(0), arrived(1), Done()],
    ),
    "base64": (
        said(frame(0, url=None, b64_json="QUJD")),
        [FrameArrived(index=0, picture=PictureBytes(encoded="QUJD", size=(9, 9))), Done()],
    ),
    "the last event has the picture": (
        said({**completed(1), "b64_json": "QUJD", "size": "9x9"}),
        [
            FrameArrived(index=0, picture=PictureBytes(encoded="QUJD", size=(9, 9))),
            Completed(generated_images=1, input_images=None, output_tokens=3, model="m"),
            Done(),
        ],
    ),
    "an event that is no JSON": (b"data: {oops\n\n" + said(frame(0)), [Unreadable(why="an event is no JSON"), arrived(0), Done()]),
    "an event that is too large": (
        said(frame(0), frame(1, url="https://p/" + "x" * 20_000), frame(2)),
        [arrived(0), Unreadable(why="an event has more than 10000 bytes"), arrived(2), Done()],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", GATEWAYS)
def test_gateways(name: str) -> None:
    data, found = GATEWAYS[name]
    assert read(data) == found
    assert read(data[index : index + 1] for index in range(len(data))) == found


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        (
            {"code": "BadRequest", "message": "missing one or multiple required parameters. Request ID: 0217abcdefgh"},
            "node",
        ),
        ({"code": "MissingParameter", "message": "m Request ID: 0217abcdefgh"}, "node"),
        ({"code": "InputTextSensitiveContentDetected", "message": "m Request ID: 0217abcdefgh"}, "blocked"),
        ({"code": "InternalServiceError", "message": "m Request ID: 0217abcdefgh"}, "unknown"),
        ({"code": "AccountOverdueError", "message": "m Request ID: 0217abcdefgh"}, "stop"),
    ],
)
@pytest.mark.parametrize("line", ["", "event: error\n"], ids=["data only", "event: error"])
def test_a_request_that_failed_in_its_stream(error: dict[str, str], verdict: str, line: str) -> None:
    (found,) = read(f"{line}data: {json.dumps({'error': error})}\n\n".encode())
    assert isinstance(found, Failed)
    assert (found.refusal.verdict, found.refusal.code, found.refusal.request_id) == (
        verdict,
        error["code"],
        "rid-12345",
    )


def test_an_error_event_without_an_envelope() -> None:
    (found,) = read(b'event: error\ndata: {"code":"ServerOverloaded","message":"later"}\n\n')
    assert isinstance(found, Failed)
    assert found.refusal.verdict is Verdict.SLOW_DOWN


@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf", b"\r\n  \n", b"\xef\xbb\xbf\n"])
def test_plain_json_in_place_of_a_stream(start: bytes) -> None:
    body = (
        start.replace(b"\xef\xbb\xbf", b"")
        + json.dumps({"data": [{"url": "https://p/0"}, {"error": BLOCKED}]}).encode()
    )
    for parts in ([body], [body[index : index + 1] for index in range(len(body))]):
        (found,) = read(parts)
        assert isinstance(found, Answered) and isinstance(found.outcome, Reply)
        assert len(found.outcome.items) == 2


def test_a_whole_answer_in_one_event() -> None:
    answered, done = read(said({"created": 1, "data": [{"url": "https://p/0"}, {"url": "https://p/1"}]}))
    assert isinstance(answered, Answered) and isinstance(answered.outcome, Reply)
    assert len(answered.outcome.items) == 2
    assert done == Done()


@pytest.mark.parametrize(
    ("status", "body", "verdict"),
    [
        (200, b"<html><title>Hm</title>", Verdict.UNKNOWN),
        (200, b"", Verdict.UNKNOWN),
        (200, b'{"error":{"code":"OutputImageSensitiveContentDetected","message":"m"}}', Verdict.BLOCKED),
        (400, b'{"error":{"code":"InvalidParameter","message":"m"}}', Verdict.NODE),
        (429, b"data: whatever", Verdict.SLOW_DOWN),
        (502, b"<html>", Verdict.UNKNOWN),
    ],
)
def test_answers_that_are_no_stream(status: int, body: bytes, verdict: Verdict) -> None:
    (found,) = read(body, status=status)
    assert isinstance(found, Answered) and isinstance(found.outcome, Refusal)
    assert (found.outcome.verdict, found.outcome.http_status) == (verdict, status)


def test_limits() -> None:
    with pytest.raises(AnswerTooLargeError, match="more than 10000 bytes"):
        read([b"{", *[b" " * 1000] * 11])
    with pytest.raises(AnswerTooLargeError, match="more than 100000 bytes"):
        read([said(frame(0), done=False), *[b": ping\n" * 1000] * 20])
    with pytest.raises(AnswerTooLargeError, match="more than 1000 frames"):
        read(said(*[{"b64_json": "QUJD"}] * 1001))
    assert read(b"\n" * 5000 + said(frame(0))) == [arrived(0), Done()]


def test_a_retry_after_of_a_stream_that_was_refused() -> None:
    it = StreamReader(
        429,
        {"retry-after": "Tue, 01 Sep 2026 00:00:30 GMT"},
        max_event_bytes=99, max_answer_bytes=99, max_stream_bytes=99,
        received=datetime(2026, 9, 1, tzinfo=UTC),
    )  # fmt: skip
    (found,) = it.close()
    assert isinstance(found, Answered) and isinstance(found.outcome, Refusal)
    assert found.outcome.retry_after == 30


def test_the_key_is_taken_out() -> None:
    key = "sk-very/secret"
    for escape in (False, True):
        documents = [
            frame(0, url=f"https://p/{key}"),
            {"type": "image_generation.partial_failed", "image_index": 1, "error": {"code": key, "message": "x" * 3990 + ("" if escape else key)}},
            {**completed(1), "model": key},
            {"error": {"code": key, "message": key}},
        ]  # fmt: skip
        data = said(*documents)
        found = read(data.replace(b"/", b"\\/") if escape else data, redaction=Redaction(key))
        assert len(found) == 5
        assert "sk-very" not in repr(found)


def test_a_key_too_short_to_be_one_stays_in_an_address() -> None:
    for key in ("x", "proof"):
        data = said(frame(0, url="https://p/proof?X-Tos-Signature=exec"), completed(1))
        found = read(data, redaction=Redaction(key))
        assert "https://p/proof?X-Tos-Signature=exec" in repr(found)


# What it comes to


def frames_of(data: bytes) -> list[Frame]:
    tally, it = Tally(9), reader()
    return list(tally.take((*it.feed(data), *it.close())))


def failed(index: int, code: str = BLOCKED["code"]) -> dict[str, Any]:
    return {"type": "image_generation.partial_failed", "image_index": index, "error": {"code": code, "message": "m"}}


ENDS: list[tuple[str, bytes, Ending, Sequence[int], Sequence[int], Sequence[int]]] = [
    ("complete", said(frame(0), frame(1), frame(2), completed(3)), Ending.COMPLETED, [0, 1, 2], [], []),
    ("without its last mark", said(frame(0), frame(1), frame(2), completed(3), done=False), Ending.COMPLETED, [0, 1, 2], [], []),
    ("fewer than asked", said(frame(0), completed(1)), Ending.COMPLETED, [0], [], []),
    ("one failed", said(frame(0), failed(1), frame(2), completed(2)), Ending.COMPLETED, [0, 2], [1], []),
    ("all failed", said(failed(0), failed(1), failed(2), completed(0)), Ending.COMPLETED, [], [0, 1, 2], []),
    ("cut", said(frame(0), failed(1), done=False), Ending.CUT, [0], [1], [2]),
    ("done without completed", said(frame(0)), Ending.CUT, [0], [], [1, 2]),
    ("cut when all had come", said(frame(0), frame(1), frame(2), done=False), Ending.CUT, [0, 1, 2], [], []),
    ("a paid frame was not understood", said({"type": "x", "url": "u"}, frame(1), completed(2)), Ending.COMPLETED, [1], [], [0]),
    ("an unreadable event, no bill", b"data: {\n\n" + said(frame(1), completed()), Ending.COMPLETED, [1], [], [0]),
    ("an unreadable event, billed right", b"data: {\n\n" + said(frame(1), completed(1)), Ending.COMPLETED, [1], [], []),
    ("an empty frame", said(frame(0, url=None), frame(1), completed(1)), Ending.COMPLETED, [1], [], [0]),
    ("given up amid", said(frame(0), {"error": {"code": "ServerOverloaded", "message": "m"}}), Ending.STOPPED, [0], [], []),
    ("broken amid", said(frame(0), {"error": {"code": "InternalServiceError", "message": "m"}}), Ending.CUT, [0], [], [1, 2]),
    ("plain", json.dumps({"data": [{"url": "u"}, {"error": BLOCKED}, {}]}).encode(), Ending.COMPLETED, [0], [1], [2]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "data", "ending", "came", "lost", "unknown"), ENDS, ids=[end[0] for end in ENDS])
def test_what_a_batch_of_three_comes_to(
    name: str, data: bytes, ending: Ending, came: list[int], lost: list[int], unknown: list[int]
) -> None:
    found = settle(data, 3)
    assert isinstance(found, Delivery)
    assert (found.ending, list(found.arrived), [each.index for each in found.failed], list(found.unknown)) == (
        ending, came, lost, unknown,
    )  # fmt: skip
    assert found.is_complete is (
        name in ("complete", "without its last mark", "fewer than asked", "an unreadable event, billed right")
    )
    assert found.is_streamed is (name != "plain")
    assert (found.refusal is None) is (ending is Ending.COMPLETED)
    assert len(frames_of(data)) == len(came) + len(lost) + (name in ("an empty frame", "plain"))


def test_why_it_was_cut() -> None:
    found = settle(said(frame(0), done=False), 2, cut=True)
    assert isinstance(found, Delivery) and found.refusal is not None
    assert (found.unknown, found.refusal.message) == ((1,), "the connection broke")


@pytest.mark.parametrize(
    ("data", "verdict"),
    [
        (b"", Verdict.UNKNOWN),
        (b": ping\n\n", Verdict.UNKNOWN),
        (said(), Verdict.UNKNOWN),
        (said(completed(0)), Verdict.NODE),
        (said(completed(2)), Verdict.UNKNOWN),
        (said(completed()), Verdict.UNKNOWN),
        (said({"error": {"code": "SetLimitExceeded", "message": "m"}}), Verdict.STOP),
        (b'{"error":{"code":"SetLimitExceeded","message":"m"}}', Verdict.STOP),
    ],
)
def test_a_request_of_which_no_frame_is_known(data: bytes, verdict: Verdict) -> None:
    found = settle(data, 2)
    assert isinstance(found, Refusal)
    assert found.verdict is verdict
    assert found.message


def _plain(inline: bool) -> bytes:
    item = {"b64_json": "QUJD"} if inline else {"url": 'https://p/x?a=1&b=["data":['}
    items = [{**item, "size": "9x9"}, {"error": BLOCKED}, {**item, "url": "https://p/2"}]
    return json.dumps({"model": "m", "created": 1, "data": items, "usage": {"generated_images": 2}}).encode()


@pytest.mark.parametrize("cut", [True, False], ids=["cut", "ended too early"])
@pytest.mark.parametrize("inline", [True, False])
def test_of_a_plain_answer_that_breaks_off_what_is_whole_is_kept(inline: bool, cut: bool) -> None:
    """Wherever it breaks: a picture is there once its item is; the others may have been billed."""
    data = _plain(inline)
    ends = [place for place in range(len(data)) if data[place : place + 1] == b"}"]
    first, second, third = ends[0] + 1, ends[2] + 1, ends[3] + 1
    for length in range(1, len(data)):
        it, tally = reader(), Tally(3)
        events = it.feed(data[:length])
        events += it.salvage() if cut else it.close()
        tally.take(events)
        why = Refusal(verdict=Verdict.UNKNOWN, http_status=200, code="", message="broken") if cut else None
        end = tally.end(why, request_id=None, is_emulator=False, is_streamed=False)
        came = [0] * (length >= first) + [2] * (length >= third)
        if not came:
            assert isinstance(end, Refusal) and end.verdict is Verdict.UNKNOWN
            continue
        assert isinstance(end, Delivery)
        assert end.ending is Ending.CUT
        assert list(end.arrived) == came
        failed = [1] * (length >= second)
        assert [one.index for one in end.failed] == failed
        assert list(end.unknown) == [place for place in range(3) if place not in [*came, *failed]]


def test_a_refusal_that_breaks_off_is_not_looked_through_for_pictures() -> None:
    it = reader(status=500)
    it.feed(_plain(False)[:-3])
    assert it.salvage() == []
