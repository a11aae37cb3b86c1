"""Frames as they arrive, over real sockets: from a scripted server and from the emulator. One POST whatever happens."""

import asyncio
import contextlib
import gzip
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seedpipe.service.client import ServiceClient
from seedpipe.service.delivery import Delivery, Ending, Frames
from seedpipe.service.refusals import Refusal, Verdict
from seedpipe.service.reply import PictureAt, PictureBytes
from seedpipe.service.request import GenerationRequest, encode
from seedpipe.service.stream import FrameArrived, FrameFailed
from tests.emulator.running import Running, emulator
from tests.service.recorded import FOLDER
from tests.service.test_stream import completed, failed, frame, said
from tests.support.wire import Forever, Hang, Pause, Reset, Script, Step, Until, WireServer, answer

KEY = "sk-very-secret/0123456789"
GENERATE = "/v1/images/generations"
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nx-request-id: rid-12345\r\n"
OPEN = HEAD + b"\r\n"  # ends with the connection


@dataclass
class Heard:
    """What came."""

    frames: list[FrameArrived | FrameFailed] = field(default_factory=list)
    ids: set[str | None] = field(default_factory=set)  # of the request, as known when frames came
    end: Delivery | Refusal | None = None

    @property
    def delivery(self) -> Delivery:
        assert isinstance(self.end, Delivery), self.end
        return self.end

    @property
    def refusal(self) -> Refusal:
        assert isinstance(self.end, Refusal), self.end
        return self.end


def ask(
    base: str,
    *,
    body: bytes = b"{}",
    frames: int = 3,
    timeout: float = 30.0,
    silence: float = 30.0,
    slow: float = 0.0,
    after_each: Callable[[], None] = lambda: None,
) -> Heard:
    async def session() -> Heard:
        heard = Heard()
        async with ServiceClient(base, KEY) as client:
            steps = client.generate_frames(
                body, frames=frames, timeout=timeout, silence=silence, client_request_id="trace-1"
            )
            async for step in steps:
                assert heard.end is None, "something came after the end"
                if isinstance(step, Delivery | Refusal):
                    heard.end = step
                else:
                    assert step.items, "nothing came"
                    heard.frames += step.items
                    heard.ids.add(step.request_id)
                    after_each()
                    await asyncio.sleep(slow)
        return heard

    return asyncio.run(session())


@pytest.fixture
def server() -> Iterator[WireServer]:
    with WireServer() as server:
        yield server


def hear(server: WireServer, *steps: Step, **options: Any) -> Heard:
    server.on(GENERATE, list(steps), answer(200, said(frame(0), completed(1))))
    heard = ask(f"{server.url}/v1", **options)
    assert (len(server.requests), server.connections) == (1, 1), "it was sent again"
    return heard


def test_frames_come_one_by_one(server: WireServer) -> None:
    first, rest = said(frame(0), done=False), said(failed(1), frame(2), completed(2))
    told = threading.Event()
    heard = hear(server, OPEN, first, Until(told), rest, after_each=told.set)
    assert [(type(each).__name__, each.index) for each in heard.frames] == [
        ("FrameArrived", 0), ("FrameFailed", 1), ("FrameArrived", 2),
    ]  # fmt: skip
    assert heard.frames[0] == FrameArrived(index=0, picture=PictureAt(url="https://p/0", size=(9, 9)))
    assert heard.ids == {"rid-12345"}, "whose request they are of is known before it is over"
    assert (heard.delivery.ending, heard.delivery.arrived, heard.delivery.request_id) == (
        Ending.COMPLETED, (0, 2), "rid-12345",
    )  # fmt: skip
    (seen,) = server.requests
    assert (seen.headers["accept"], seen.headers["x-client-request-id"]) == ("application/json", "trace-1")


def test_what_came_together_is_handed_over_together(server: WireServer) -> None:
    """So that one commit has all addresses, and a kill after it loses none."""
    server.on(GENERATE, answer(200, json.dumps({"data": [{"url": f"https://p/{n}"} for n in range(3)]}).encode()))

    async def session() -> list[Any]:
        async with ServiceClient(f"{server.url}/v1", KEY) as client:
            steps = client.generate_frames(b"{}", frames=3, timeout=30, silence=30, client_request_id="x")
            return [step async for step in steps]

    frames, end = asyncio.run(session())
    assert [frame.index for frame in frames.items] == [0, 1, 2]
    assert isinstance(end, Delivery)


def test_a_head_without_an_id_is_made_good_by_the_addresses(server: WireServer) -> None:
    id_ = "021788487573482" + "ab" * 19
    url = f"https://tos.example/seedream-4-5/{id_}_0.jpeg?X-Tos-Date=20260904T020625Z&X=/{'02' + '9' * 51}_1.jpeg"
    told = said(failed(1), {**frame(0), "url": url}, completed(1))
    heard = hear(server, b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n", told, frames=2)
    assert heard.ids == {id_}
    assert heard.delivery.request_id == id_


def test_the_recorded_stream_in_gzip_and_in_chunks(server: WireServer) -> None:
    body = (FOLDER / "stream-one-blocked.sse").read_bytes()
    packed = gzip.compress(body)
    plain = hear(server, answer(200, packed, {"content-encoding": "gzip"}))
    server.requests.clear()
    server.connections = 0
    chunks = [f"{len(part):x}\r\n".encode() + part + b"\r\n" for part in (body[:700], body[700:701], body[701:])]
    heard = hear(server, HEAD + b"transfer-encoding: chunked\r\n\r\n", *chunks, b"0\r\n\r\n")
    assert heard.frames == plain.frames
    assert len(heard.frames) == 3


ONE = said(frame(0), done=False)
CUTS: dict[str, tuple[list[Step], str]] = {
    "ended in good order": ([OPEN, ONE], "the stream ended before the service said that it was complete"),
    "reset": ([OPEN, ONE, Pause(0.1), Reset()], "the connection broke"),
    "hangs": ([OPEN, ONE, Hang()], "nothing came for 1 s"),
    "only pings come": ([OPEN, ONE, *[b": ping\n\n", Pause(0.05)] * 600], "nothing came for 1 s"),
    "cut in an event": ([OPEN, ONE, b'data: {"image_index":1,"url":"https:'], "the stream ended before"),
    "fewer bytes than told": ([HEAD + b"content-length: 999\r\n\r\n", ONE], "the connection broke"),
    "cut chunks": ([HEAD + b"transfer-encoding: chunked\r\n\r\n", f"{len(ONE):x}\r\n".encode() + ONE], "the connection broke"),
    # another frame each time, so that silence never sets in
    "drips too long": (
        [OPEN, *[step for index in range(39) for step in (said(frame(index), done=False), Pause(0.1))]],
        "no complete answer within 1.5 s",
    ),
}  # fmt: skip
PATIENCE = {"hangs": {"silence": 1.0}, "only pings come": {"silence": 1.0}, "drips too long": {"timeout": 1.5}}


@pytest.mark.parametrize("name", CUTS)
def test_a_cut_stream_loses_nothing_that_came(server: WireServer, name: str) -> None:
    steps, why = CUTS[name]
    heard = hear(server, *steps, frames=40, **PATIENCE.get(name, {}))
    found = heard.delivery
    assert found.ending is Ending.CUT
    assert heard.frames[0] == FrameArrived(index=0, picture=PictureAt(url="https://p/0", size=(9, 9)))
    assert found.unknown == tuple(range(len(found.arrived), 40))
    assert found.refusal is not None and found.refusal.message.startswith(why)
    assert found.refusal.verdict is Verdict.UNKNOWN


def test_an_event_that_is_whole_counts_though_the_connection_broke_after_it(server: WireServer) -> None:
    heard = hear(server, HEAD + b"content-length: 999\r\n\r\n", ONE.rstrip())
    assert heard.delivery.arrived == (0,)


def test_what_the_caller_does_is_not_counted(server: WireServer) -> None:
    later = [step for index in range(1, 4) for step in (said(frame(index), done=False), Pause(0.02))]
    heard = hear(server, OPEN, ONE, *later, said(completed(4)), frames=4, timeout=1.4, silence=1.4, slow=1.5)
    assert (heard.delivery.ending, len(heard.frames)) == (Ending.COMPLETED, 4)


def test_it_does_not_wait_for_a_connection_that_stays_open(server: WireServer) -> None:
    began = time.monotonic()
    heard = hear(server, OPEN, said(frame(0), completed(1), done=False), Hang())
    assert heard.delivery.is_complete
    assert time.monotonic() - began < 20, "it waited until the end of its patience"


def test_a_plain_answer_may_take_longer_than_the_silence_between_frames(server: WireServer) -> None:
    body = json.dumps({"data": [{"url": "https://p/0"}, {"error": {"code": "X", "message": "m"}}]}).encode()
    heard = hear(server, Pause(0.5), answer(200, body), silence=0.2)
    assert [type(each) for each in heard.frames] == [FrameArrived, FrameFailed]
    assert (heard.delivery.ending, heard.delivery.is_streamed) == (Ending.COMPLETED, False)


REFUSED: dict[str, tuple[Script, Verdict]] = {
    "400": (answer(400, b'{"error":{"code":"InvalidParameter","message":"m"}}'), Verdict.NODE),
    "400 cut": (b"HTTP/1.1 400 No\r\ncontent-length: 99\r\n\r\n{", Verdict.NODE),
    "401": (answer(401), Verdict.STOP),
    "429": (answer(429, b"", {"retry-after": "7"}), Verdict.SLOW_DOWN),
    "302": (answer(302, b"", {"location": f"https://x.example/{KEY}"}), Verdict.STOP),
    "500": (answer(500, b"<html>"), Verdict.UNKNOWN),
    "524": (answer(524, b"<title>A timeout occurred</title>"), Verdict.UNKNOWN),
    "200 with an error": (answer(200, b'{"error":{"code":"SetLimitExceeded","message":"m"}}'), Verdict.STOP),
    "200 with a page": (answer(200, b"<html>"), Verdict.UNKNOWN),
    "an error in the stream": (answer(200, said({"error": {"code": "BadRequest", "message": "m"}})), Verdict.NODE),
    "an empty stream": (answer(200, said()), Verdict.UNKNOWN),
    "no answer": ([b""], Verdict.UNKNOWN),
    "hangs before the head": ([Hang()], Verdict.UNKNOWN),
    "a cut plain answer": (b'HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{"data":[', Verdict.UNKNOWN),
    "broken gzip": (answer(200, b"no gzip", {"content-encoding": "gzip"}), Verdict.UNKNOWN),
    "blanks without end": ([b"HTTP/1.1 200 OK\r\n\r\n{", Forever(b" " * 65536)], Verdict.UNKNOWN),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refusals_before_any_frame(server: WireServer, name: str) -> None:
    script, verdict = REFUSED[name]
    server.on(GENERATE, script, answer(200, said(frame(0), completed(1))))

    async def session() -> list[Any]:
        async with ServiceClient(f"{server.url}/v1", KEY, max_answer_bytes=1_000_000) as client:
            patience = 1.0 if name == "hangs before the head" else 30.0
            steps = client.generate_frames(b"{}", frames=2, timeout=patience, silence=patience, client_request_id="x")
            return [step async for step in steps]

    (found,) = asyncio.run(session())
    assert isinstance(found, Refusal)
    assert found.verdict is verdict
    assert "sk-very" not in repr(found)
    assert len(server.requests) == 1


def test_a_failed_connect_is_known_to_be_free(server: WireServer) -> None:
    port = server.port
    server.__exit__(None, None, None)
    heard = ask(f"http://127.0.0.1:{port}/v1")
    assert (heard.refusal.verdict, heard.refusal.http_status) == (Verdict.RETRY, None)
    server.__enter__()


def test_the_key_is_in_no_frame(server: WireServer) -> None:
    error = {"code": KEY, "message": KEY}
    documents = [frame(0, url=f"https://p/{KEY}"), {"type": "x.partial_failed", "image_index": 1, "error": error}]
    head = HEAD.replace(b"rid-12345", KEY.encode())
    heard = hear(server, head + b"\r\n", said(*documents, {"error": error}).replace(b"/", b"\\/"))
    assert len(heard.frames) == 2
    assert "sk-very" not in repr(heard)


def test_leaving_early_closes_the_connection(server: WireServer) -> None:
    server.on(GENERATE, [OPEN, ONE, Forever(b": ping\n\n" * 1000)])

    async def session() -> None:
        async with ServiceClient(f"{server.url}/v1", KEY) as client:
            steps = client.generate_frames(b"{}", frames=3, timeout=30, silence=30, client_request_id="x")
            async with contextlib.aclosing(steps):
                async for step in steps:
                    assert isinstance(step, Frames)
                    break
            task = asyncio.ensure_future(anext(client.generate_frames(
                b"{}", frames=3, timeout=30, silence=30, client_request_id="x"
            )))  # fmt: skip
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(session())


# Against the emulator


@pytest.fixture(scope="module")
def emulated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with emulator(tmp_path_factory.mktemp("frames")) as running:
        yield running


def board(prompt: str = "", *, stream: bool = True, response_format: str = "url", count: int = 3) -> bytes:
    request = GenerationRequest(
        model="seedream-4-0-250828",
        prompt=f"Generate {count} separate images of a lamp {prompt}",
        size="1024x1024",
        watermark=False,
        response_format=response_format,
        sequential_image_generation="auto",
        max_images=count,
        stream=stream,
    )
    return encode(request)


SCENARIOS: list[tuple[str, dict[str, Any] | str | None, Ending, list[int], list[int], list[int]]] = [
    ("whole", None, Ending.COMPLETED, [0, 1, 2], [], []),
    ("previews", "previews", Ending.COMPLETED, [0, 1, 2], [], []),
    ("moderated", {"do": "moderate-output", "index": 1}, Ending.COMPLETED, [0, 2], [1], []),
    ("internal error amid", {"do": "item-error", "index": 1}, Ending.COMPLETED, [0], [1], []),
    ("fewer", {"do": "fewer", "count": 2}, Ending.COMPLETED, [0, 1], [], []),
    ("cut", {"do": "cut-stream", "count": 1}, Ending.CUT, [0], [], [1, 2]),
    ("stalled", {"do": "stall", "seconds": 30}, Ending.CUT, [0, 1, 2], [], []),
    ("dropped", "drop-after-billing", Ending.CUT, [0, 1, 2], [], []),
    ("json", "json-for-stream", Ending.COMPLETED, [0, 1, 2], [], []),
]


@pytest.mark.parametrize(
    ("name", "fault", "ending", "came", "lost", "unknown"), SCENARIOS, ids=[it[0] for it in SCENARIOS]
)
def test_what_is_known_agrees_with_what_is_billed(
    emulated: Running, name: str, fault: Any, ending: Ending, came: list[int], lost: list[int], unknown: list[int]
) -> None:
    emulated.scenario(*([fault] if fault else []))
    heard = ask(f"{emulated.origin}/v1", body=board(), timeout=20, silence=2 if name == "stalled" else 20)
    found = heard.delivery
    assert (found.ending, list(found.arrived), list(found.unknown)) == (ending, came, unknown)
    assert [each.index for each in found.failed] == lost
    assert (found.is_emulator, found.is_streamed) == (True, name != "json")
    billed = emulated.wait_until_billed(len(came))["billed_images"]
    assert len(came) <= billed <= len(came) + len(unknown)
    if ending is Ending.COMPLETED:
        assert found.generated_images == billed


INDEX = st.integers(0, 3)
TROUBLE = st.one_of(
    st.builds(lambda index: {"do": "moderate-output", "index": index}, INDEX),
    st.builds(lambda index: {"do": "item-error", "index": index}, INDEX),
    st.builds(lambda count: {"do": "cut-stream", "count": count}, INDEX),
    st.builds(
        lambda count, code: {"do": "stream-error", "count": count, "code": code},
        INDEX,
        st.sampled_from(["ServerOverloaded", "InternalServiceError", "OutputImageSensitiveContentDetected"]),
    ),
    st.sampled_from([
        "json-for-stream", "drop-before-billing", "drop-after-billing", "truncated-body", "error-in-200", "bad-gateway",
        "rate-limit", "moderate-input", "pretty-stream", "keep-alive", "previews",
    ]).map(lambda do: {"do": do}),
)  # fmt: skip


@settings(max_examples=25, deadline=None)
@given(faults=st.lists(TROUBLE, max_size=3), stream=st.booleans(), count=st.integers(1, 4))
def test_nothing_billed_is_called_free(
    emulated: Running, faults: list[dict[str, Any]], stream: bool, count: int
) -> None:
    """Whatever goes wrong together: what arrived was billed, and what was billed arrived or is held as unknown."""
    emulated.scenario(*faults)
    heard = ask(f"{emulated.origin}/v1", body=board(stream=stream, count=count), frames=count, timeout=20, silence=20)
    entry = emulated.last()
    while entry["outcome"] == "running":
        entry = emulated.last()
    billed = {image["index"] for image in entry["images"] if image["billed"]}
    if isinstance(heard.end, Refusal):
        assert not heard.frames
        assert not (heard.end.is_free and billed)
    else:
        assert set(heard.delivery.arrived) <= billed <= {*heard.delivery.arrived, *heard.delivery.unknown}


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "plain"])
def test_pictures_inside_the_answer(emulated: Running, stream: bool) -> None:
    emulated.scenario()
    heard = ask(f"{emulated.origin}/v1", body=board(stream=stream, response_format="b64_json", count=2), frames=2)
    pictures = [each.picture for each in heard.frames if isinstance(each, FrameArrived)]
    assert len(pictures) == 2
    for picture in pictures:
        assert isinstance(picture, PictureBytes)
        assert picture.decode().startswith(b"\xff\xd8")


def test_a_bad_parameter_is_no_stream(emulated: Running) -> None:
    body = board().replace(b"1024x1024", b"1x1")
    heard = ask(f"{emulated.origin}/v1", body=body)
    assert (heard.refusal.verdict, heard.refusal.http_status, heard.refusal.code) == (
        Verdict.NODE, 400, "InvalidParameter",
    )  # fmt: skip
