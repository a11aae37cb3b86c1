"""Replies on the wire: JSON with the service's headers, HTML of gateways, XML of the object store, broken ones."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Final

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from seedpipe import __version__
from seedpipe.emulator.connection import cut

REALM_HEADER: Final = "X-Seedpipe-Emulator"
REALM_VALUE: Final = __version__
_GZIP_UP_TO: Final = 256 * 1024  # pictures in base64 hardly shrink

_PAGES: Final = {
    502: ("502 Bad Gateway", "nginx"),
    503: ("503 Service Temporarily Unavailable", "nginx"),
    504: ("504 Gateway Time-out", "nginx"),
    524: ("524: A timeout occurred", "cloudflare"),
}
_HTML: Final = """<html>
<head><title>{title}</title></head>
<body>
<center><h1>{title}</h1></center>
<hr><center>{server}</center>
</body>
</html>
"""


@dataclass(frozen=True, slots=True)
class Silence:
    """Says nothing for `seconds`, or until nobody listens any more: the client has left, or the emulator stops."""

    seconds: float
    stopping: asyncio.Event

    async def keep(self, receive: Receive) -> None:
        ends = [asyncio.ensure_future(self.stopping.wait()), asyncio.ensure_future(_disconnected(receive))]
        await asyncio.wait(ends, timeout=self.seconds, return_when=asyncio.FIRST_COMPLETED)
        for end in ends:
            end.cancel()


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


class CutResponse(Response):
    """Sends no byte and closes the connection, after a `silence`."""

    def __init__(self, silence: Silence | None = None) -> None:
        super().__init__()
        self._silence = silence

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        if self._silence is not None:
            await self._silence.keep(receive)
        await cut(scope)


class ShortResponse(Response):
    """Promises the whole body, sends the first half and closes the connection."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        half = bytes(self.body[: len(self.body) // 2])
        await send({"type": "http.response.body", "body": half, "more_body": True})
        await cut(scope)


class StreamCutError(Exception):
    """Raised by a stream's events where the connection is to break instead of ending, after a `silence`."""

    def __init__(self, silence: Silence | None = None) -> None:
        super().__init__()
        self.silence = silence


class StreamReply(Response):
    """Server-sent events whose headers are withheld, and made, when the first event is there (KB)."""

    def __init__(self, events: AsyncIterator[bytes], headers: Callable[[], Mapping[str, str]]) -> None:
        super().__init__(status_code=200, media_type="text/event-stream")
        del self.headers["content-length"]
        self._events = events
        self._late = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False
        try:
            async for event in self._events:
                if not started:
                    await self._start(send)
                    started = True
                await send({"type": "http.response.body", "body": event, "more_body": True})
        except StreamCutError as error:
            if error.silence is not None:
                await error.silence.keep(receive)
            await cut(scope)
            return
        if not started:
            await self._start(send)
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _start(self, send: Send) -> None:
        self.headers.update(self._late())
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})


def json_reply(body: Mapping[str, object], *, status: int, headers: Mapping[str, str], accepts_gzip: bool) -> Response:
    """UTF-8 JSON; compressed where the client takes it, as the service does (GH:ZJT#94)."""
    data = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    sent = {**headers, "content-type": "application/json; charset=utf-8", "vary": "Accept-Encoding"}
    if accepts_gzip and len(data) <= _GZIP_UP_TO:
        data = gzip.compress(data, compresslevel=1, mtime=0)
        sent["content-encoding"] = "gzip"
    return Response(data, status_code=status, headers=sent)


def html_reply(status: int) -> Response:
    """What a gateway or Cloudflare answers when the service behind it was lost; says nothing of the charge."""
    title, server = _PAGES[status]
    page = _HTML.format(title=title, server=server)
    return Response(page, status_code=status, headers={"server": server}, media_type="text/html")


def store_error(status: int, code: str, message: str, request_id: str) -> Response:
    """The object store's XML (§7)."""
    body = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<Error><Code>{code}</Code><Message>{message}</Message><RequestId>{request_id}</RequestId></Error>"
    )
    headers = {"server": "TosServer", "x-tos-request-id": request_id}
    return Response(body, status_code=status, headers=headers, media_type="application/xml")
