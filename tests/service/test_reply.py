"""Recorded and crooked answers: what was paid for is found, and what is not understood is never called free."""

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedpipe.errors import ServiceError
from seedpipe.service.delivery import Delivery, Tally
from seedpipe.service.refusals import Refusal, Verdict
from seedpipe.service.reply import ItemFault, PictureAt, PictureBytes, Reply, read_reply
from seedpipe.service.stream import Answered, FrameArrived
from seedpipe.state.layer import Layer
from tests.service.recorded import FOLDER, recorded


def read(document: Any, status: int = 200, **headers: str) -> Reply | Refusal:
    return read_reply(status, headers, json.dumps(document).encode())


def reply(document: Any) -> Reply:
    found = read(document)
    assert isinstance(found, Reply)
    return found


def refusal(document: Any, status: int = 200, **headers: str) -> Refusal:
    found = read(document, status, **headers)
    assert isinstance(found, Refusal)
    return found


def test_the_live_answer() -> None:
    it = recorded("reply-live-lite")
    found = read_reply(it.status, it.headers, it.body)
    assert isinstance(found, Reply)
    (picture,) = found.items
    assert isinstance(picture, PictureAt)
    assert picture.url == json.loads(it.body)["data"][0]["url"]
    assert "%2F20260904%2F" in picture.url
    assert picture.size == (2048, 2048)
    assert (found.generated_images, found.output_tokens, found.created) == (1, 16384, 1788487585)
    assert found.model == "doubao-seedream-5.0-lite"
    assert found.request_id == "2026090402061200003FC64FB2BE69FAA8"
    assert not found.is_emulator


def test_one_blocked_item_never_hides_its_neighbours() -> None:
    it = recorded("reply-batch-one-blocked")
    found = read_reply(it.status, it.headers, it.body)
    assert isinstance(found, Reply)
    assert [type(item) for item in found.items] == [PictureAt, ItemFault, PictureAt]
    fault = found.items[1]
    assert isinstance(fault, ItemFault)
    assert fault.verdict is Verdict.BLOCKED
    assert fault.message == "The request failed because the output image may contain sensitive information."
    assert len(found.pictures) == found.generated_images == 2


def test_a_top_level_error_with_http_200() -> None:
    it = recorded("reply-200-top-level-error")
    found = read_reply(it.status, it.headers, it.body)
    assert isinstance(found, Refusal)
    assert (found.verdict, found.http_status) == (Verdict.BLOCKED, 200)


def test_pictures_win_over_an_error_beside_them() -> None:
    found = reply({"error": {"code": "InternalServiceError", "message": "m"}, "data": [{"url": "https://x/1"}]})
    assert [item.url for item in found.pictures if isinstance(item, PictureAt)] == ["https://x/1"]


def test_an_error_beside_failed_items_only() -> None:
    item = {"error": {"code": "InternalServiceError", "message": "m"}}
    assert refusal({"error": {"code": "AccountOverdueError", "message": "m"}, "data": [item]}).verdict is Verdict.STOP


def test_more_than_asked_is_all_kept() -> None:
    found = reply({"data": [{"url": f"https://x/{index}"} for index in range(40)]})
    assert len(found.pictures) == 40


@pytest.mark.parametrize("item", [{}, {"size": "1x1"}, {"url": ""}, {"url": None, "b64_json": None}, "x", None, 3, []])
def test_an_item_without_anything_is_unknown(item: Any) -> None:
    found = reply({"data": [item, {"url": "https://x/2"}]})
    fault = found.items[0]
    assert isinstance(fault, ItemFault)
    assert fault.verdict is Verdict.UNKNOWN
    assert isinstance(found.items[1], PictureAt)


@pytest.mark.parametrize(
    "item",
    [
        {"b64_json": base64.b64encode(b"picture").decode()},
        {"b64_json": "data:image/png;base64," + base64.b64encode(b"picture").decode()},
        {"b64_json": base64.encodebytes(b"picture").decode(), "url": "https://x/1"},
        {"url": "data:image/png;base64," + base64.b64encode(b"picture").decode()},
    ],
)
def test_bytes_inside_the_answer(item: dict[str, str]) -> None:
    (picture,) = reply({"data": [item]}).items
    assert isinstance(picture, PictureBytes)
    assert picture.decode() == b"picture"
    assert "cGlj" not in repr(picture)


@pytest.mark.parametrize("text", ["not base64!", "A", "=", "===="])
def test_bytes_that_are_none(text: str) -> None:
    (picture,) = reply({"data": [{"b64_json": text}]}).items
    assert isinstance(picture, PictureBytes)
    with pytest.raises(ServiceError):
        picture.decode()


@pytest.mark.parametrize("data", [{"url": "https://x/1"}, {"data": [{"url": "https://x/1"}]}])
def test_gateways_that_wrap_the_data(data: Any) -> None:
    assert len(reply({"code": 0, "message": "success", "data": data}).pictures) == 1


@pytest.mark.parametrize(
    ("size", "read_as"),
    [("2048x1024", (2048, 1024)), ("2048×1024", (2048, 1024)), ("2K", None), (7, None), (None, None), ("1x2x3", None)],
)
def test_sizes(size: Any, read_as: tuple[int, int] | None) -> None:
    (picture,) = reply({"data": [{"url": "https://x", "size": size}]}).items
    assert isinstance(picture, PictureAt)
    assert picture.size == read_as


def test_what_is_said_of_a_layer() -> None:
    box = {"absolute": [10, 20.4, 300, 400], "normalized": [7, 25, 210, 500]}
    item = {"url": "https://x/1.png", "size": "290x380", "z_index": 1, "name": "Mark\x1b", "bounding_box": box}
    [picture] = reply({"data": [item]}).pictures
    assert picture.layer == Layer(z_index=1, name="Mark", box=(10, 20, 300, 400), normalized=(7, 25, 210, 500))


@pytest.mark.parametrize(
    "box", [None, [], {}, {"absolute": [1, 2, 3]}, {"absolute": ["1", 2, 3, 4]}, {"absolute": [1e99] * 4}]
)
def test_a_box_that_is_none_loses_no_picture(box: Any) -> None:
    item = {"b64_json": "AAAA", "z_index": 0, "bounding_box": box, "name": 7, "description": {}}
    layer = reply({"data": [item]}).pictures[0].layer
    assert layer is not None and layer.box is None


@pytest.mark.parametrize("z_index", [None, "1", -1, True, 1.5])
def test_a_place_that_is_none_is_no_layer(z_index: Any) -> None:
    assert reply({"data": [{"url": "https://x/1.png", "z_index": z_index}]}).pictures[0].layer is None


@given(st.permutations(range(5)))
def test_layers_stand_from_the_ground_up_in_whatever_order_they_come(order: list[int]) -> None:
    data = [{"url": f"https://x/{place}.png", "z_index": 2 * place} for place in order]
    tally = Tally(17)
    frames = tally.take([Answered(outcome=read({"data": data, "usage": {"generated_images": 5}}))])
    arrived = [frame for frame in frames if isinstance(frame, FrameArrived)]
    assert [(frame.index, frame.picture.url) for frame in arrived if isinstance(frame.picture, PictureAt)] == [
        (place, f"https://x/{place}.png") for place in range(5)
    ]
    end = tally.end(None, request_id=None, is_emulator=True, is_streamed=False)
    assert isinstance(end, Delivery)
    assert (end.unknown, len(end.arrived)) == ((), 5), "layers that there are not were not lost"


def test_the_emulator_says_who_it_is() -> None:
    it = read_reply(200, {"X-Seedpipe-Emulator": "1"}, b'{"data":[{"url":"http://x"}]}')
    assert it.is_emulator
    assert read_reply(400, {"x-seedpipe-emulator": ""}, b"{}").is_emulator


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html><title>ok</title></html>",
        b'{"data":[{"url":"https://x/1"',
        b"null",
        b"[]",
        b'"text"',
        b"{}",
        b'{"data":[]}',
        b'{"data":null}',
        b'{"error":{"code":"Strange","message":"?"}}',
        b'{"error":"out of luck"}',
        b"\xff\xfe\x00",
        b"[" * 100_000,
        b"9" * 10_000,
    ],
)
def test_a_200_that_is_not_understood_is_unknown(body: bytes) -> None:
    found = read_reply(200, {}, body)
    assert isinstance(found, Refusal)
    assert found.verdict is Verdict.UNKNOWN
    assert found.message and not found.is_free


def test_a_200_that_counts_no_pictures_is_free() -> None:
    assert refusal({"data": [], "usage": {"generated_images": 0}}).verdict is Verdict.NODE


@pytest.mark.parametrize(
    ("document", "code", "message"),
    [
        ({"error": {"code": "X", "message": "m"}}, "X", "m"),
        ({"error": {"code": 42, "message": "m"}}, "42", "m"),
        ({"error": {"code": None, "message": "m"}}, "", "m"),
        ({"error": "m"}, "", "m"),
        ({"error": "m", "code": "X"}, "X", "m"),
        ({"message": "m", "code": "X"}, "X", "m"),
        ({"msg": "m", "code": 7}, "7", "m"),
        ({"error_code": 336501, "error_msg": "m"}, "336501", "m"),
        ({"detail": "m"}, "", "m"),
        ({"success": False, "message": "m"}, "", "m"),
        ({"ResponseMetadata": {"RequestId": "1", "Error": {"Code": "X", "Message": "m"}}}, "X", "m"),
        ({"error": {"message": {"error": {"code": "X", "message": "m"}}}}, "X", "m"),
        ({"error": {"code": "bad_response", "message": '{"error":{"code":"X","message":"m"}}'}}, "X", "m"),
    ],
)
def test_envelopes(document: Any, code: str, message: str) -> None:
    found = refusal(document, 400)
    assert (found.code, found.message) == (code, message)


def test_words_of_strangers_cannot_steer_the_terminal() -> None:
    found = refusal({"error": {"code": "X\x1b[2J", "message": "a\x1b]0;t\x07b\u202ec\nd" + "x" * 9000}}, 400)
    assert all(character.isprintable() for character in found.message + found.code)
    assert found.message.startswith("a ]0;t b c d")
    assert len(found.message) <= 4000


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"Retry-After": "1.5"}, 1.5),
        ({"retry-after": "Sun, 06 Nov 1994 08:50:37 GMT", "date": "Sun, 06 Nov 1994 08:49:37 GMT"}, 60.0),
        ({"retry-after": "Sun, 06 Nov 1994 08:49:47 GMT"}, 10.0),  # without `Date`: from when it was received
        ({"retry-after": "Sun, 06 Nov 1994 08:00:00 GMT"}, 0.0),
        ({"retry-after": "99999999999"}, None),
        ({"retry-after": "999999999"}, 604800.0),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None),
        ({}, None),
    ],
)
def test_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    received = datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC)
    found = read_reply(429, headers, b"", received=received)
    assert isinstance(found, Refusal)
    assert found.retry_after == seconds
    assert found.verdict is Verdict.SLOW_DOWN


def test_the_request_id_of_the_header_or_of_the_words() -> None:
    it = recorded("refusal-400-size-minimum")
    found = read_reply(it.status, it.headers, it.body)
    assert found.request_id == "021788487573482f1c0de5a9b3e47d2210fe8c6a7b94d3e1f0a25"
    assert len(found.request_id) == 53
    assert refusal({}, 400, **{"X-Request-Id": "abc"}).request_id == "abc"
    assert refusal({}, 400).request_id is None
    page = read_reply(524, {"cf-ray": "8f1c0de5a9b3e47d-SIN"}, b"<html>")
    assert page.request_id == "8f1c0de5a9b3e47d-SIN"  # all that a gateway's page has
    both = read_reply(400, {"cf-ray": "8f1c"}, b'{"error":{"message":"m (request id: 20260904abcd)"}}')
    assert both.request_id == "20260904abcd"


def test_every_recorded_answer_is_read() -> None:
    names = sorted(path.stem for path in FOLDER.glob("*.http"))
    assert len(names) >= 18
    for name in names:
        it = recorded(name)
        found = read_reply(it.status, it.headers, it.body)
        assert isinstance(found, Reply) is (name.startswith("reply-") and "error" not in name)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["data", "error", "url", "b64_json", "code", "message", "usage", "size", "type", "model"])
            | st.text(max_size=5),
            inner,
            max_size=5,
        )
    ),
    max_leaves=25,
)


@given(status=st.integers(min_value=200, max_value=599), document=json_values)
def test_no_json_crashes_the_reader(status: int, document: Any) -> None:
    found = read_reply(status, {}, json.dumps(document).encode())
    if status >= 300:
        assert isinstance(found, Refusal)
    if isinstance(found, Refusal):
        assert found.message


@given(status=st.integers(min_value=200, max_value=599), body=st.binary(max_size=100))
def test_no_bytes_crash_the_reader(status: int, body: bytes) -> None:
    found = read_reply(status, {}, body)
    if status >= 500 and isinstance(found, Refusal):
        assert found.verdict is Verdict.UNKNOWN
