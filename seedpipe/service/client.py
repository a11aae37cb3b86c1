"""`ServiceClient`: the one that sends. Exactly one POST per call, and no network trouble is raised.

All official SDKs send a timed-out, paid request again, twice. This one never does: what is not known to be free
comes back as `Verdict.UNKNOWN`, and a person decides.
"""

import asyncio
import json
import os
import re
import secrets
import socket
import ssl
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from seedpipe import __version__
from seedpipe.errors import UsageError
from seedpipe.hosts import is_loopback_host
from seedpipe.limits import MAX_ANSWER_BYTES, MAX_PICTURE_BYTES
from seedpipe.service.addresses import check_base_url
from seedpipe.service.delivery import Delivery, Frame, Frames, Tally
from seedpipe.service.departure import Departure
from seedpipe.service.download import DownloadedPicture, Downloader, DownloadPolicy, Resolver, resolve
from seedpipe.service.http import PROXIED, bypasses_proxy, environment_proxy, httpx, open_http
from seedpipe.service.patience import Patience
from seedpipe.service.probe import PROBE_SECONDS, Standing, probe_body, read_standing
from seedpipe.service.redaction import Redaction
from seedpipe.service.refusals import UPSTREAM, Dialect, Refusal, Verdict, clean
from seedpipe.service.reply import EMULATOR_HEADER, PictureAt, Reply, read_reply, request_id_at, request_id_of
from seedpipe.service.stream import AnswerTooLargeError, FrameArrived, StreamReader

_CONNECT_SECONDS: Final = 20.0
_MAX_PROBE_BYTES: Final = 8 * 1024 * 1024
_MAX_EVENT_BYTES: Final = MAX_PICTURE_BYTES // 3 * 4 + 64 * 1024  # the largest picture in base64, and its words
_TOKEN: Final = re.compile(r"[\x21-\x7e]+\Z")
_DOUBT: Final = ": it may have been billed"
_TROUBLE: Final = (httpx.TransportError, httpx.DecodingError, OSError, AnswerTooLargeError)  # time-outs are OSErrors


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """What a free look at the service says. `key_works` None: this service does not tell by it."""

    reachable: bool
    is_emulator: bool
    key_works: bool | None
    http_status: int | None
    message: str
    refusal: Refusal | None = None  # why there is no list; None also where the list is empty
    models: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes


class ServiceClient:
    """One service, one key, one HTTP client. Use as `async with`.

    The key goes to `base_url` only and stands in no message, no `repr`, nothing returned. A proxy of the environment
    is used for https beyond loopback, never on loopback. Raises `UsageError` for a base URL, key or proxy that can't
    be used.
    """

    def __init__(
        self,
        base_url: str,
        key: str,
        *,
        dialect: Dialect = UPSTREAM,
        policy: DownloadPolicy | None = None,
        resolver: Resolver = resolve,
        max_answer_bytes: int = MAX_ANSWER_BYTES,
    ) -> None:
        location = check_base_url(base_url)
        if not _TOKEN.match(key):
            raise UsageError("the key is empty or has characters that no key has", hint="copy it again, without blanks")
        self._base = location.url.rstrip("/")
        self._authority = location.authority
        self._key = key
        self._redaction = Redaction(key)
        self._dialect = dialect
        self._max_answer_bytes = max_answer_bytes
        self.is_loopback = is_loopback_host(location.host)
        self.is_emulator: bool | None = None  # of the last answer of the API; None before there is one
        proxy = environment_proxy()
        self._proxied = (
            proxy is not None
            and location.scheme == "https"
            and not self.is_loopback
            and not bypasses_proxy(location.host)
        )
        self._http = open_http(proxy)
        self._downloads = Downloader(self._http, proxied=proxy is not None, policy=policy, resolver=resolver)

    def __repr__(self) -> str:
        return f"<ServiceClient of {self._base}>"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        await self._http.aclose()

    async def generate_frames(
        self,
        body: bytes,
        *,
        frames: int,
        timeout: float,  # noqa: ASYNC109
        silence: float,
        client_request_id: str,
        leaving: Callable[[], None] = lambda: None,
    ) -> AsyncGenerator[Frames | Delivery | Refusal]:
        """One POST of `body`; the frames as they arrive, and at the end, exactly once, what it all comes to.

        Frames that came together are handed over together: write all of them down before anything is done with one.
        `client_request_id` is only for tracing. `leaving` is called once, before the first byte is written: of a call
        that was cancelled before, nothing was sent.

        The body may ask for a stream or not; a service that ignores the wish is understood. `frames` is the most that
        was asked for. `timeout` seconds for all of it, and `silence` seconds from one event to the next; not until the
        first, which may be a plain answer that comes when all is made. What the caller does meanwhile isn't counted.

        The last item is a `Delivery`, or a `Refusal` that holds for the whole request; nothing is raised for the
        network: it is `RETRY` if no connection came about, so that nothing was sent, and `UNKNOWN` for everything after
        that is no answer. Leave it early only through `contextlib.aclosing`: what has not arrived by then is unknown.
        """
        departure = Departure(leaving)
        request = self._generation(body, timeout, client_request_id, departure)
        patience = Patience(timeout, silence)
        tally = Tally(frames)
        reader: StreamReader | None = None
        request_id: str | None = None
        head: list[httpx.Response] = []
        cut: Refusal | None = None
        try:
            head.append(await patience.wait(self._http.send(request, stream=True, auth=None)))
            self.is_emulator = EMULATOR_HEADER in head[0].headers
            reader = self._reader(head[0], frames)
            request_id = request_id_of(reader.headers, "")
            chunks = head[0].aiter_bytes()
            while not tally.is_over and (chunk := await patience.wait(anext(chunks, None))) is not None:
                events = reader.feed(chunk)
                if events:
                    patience.renew()
                if came := tally.take(events):
                    request_id = request_id or _request_id_of(came)
                    yield Frames(items=came, request_id=request_id)
        except _TROUBLE as error:
            cut = self._trouble(error, head, patience.limit, doubt=_DOUBT, has_left=departure.has_left)
        finally:
            for response in head:
                await response.aclose()
        if left := _left(reader, tally, cut):
            request_id = request_id or _request_id_of(left)
            yield Frames(items=left, request_id=request_id)
        yield tally.end(
            cut,
            request_id=request_id,
            is_emulator=reader is not None and EMULATOR_HEADER in reader.headers,
            is_streamed=reader is not None and reader.is_stream,
        )

    def _generation(
        self, body: bytes, timeout: float, client_request_id: str, departure: Departure | None = None
    ) -> httpx.Request:
        if not _TOKEN.match(client_request_id):
            raise ValueError("`client_request_id` has to be printable ASCII")
        headers = {
            "content-type": "application/json",
            "accept": "application/json",  # of streams too, as the official SDKs have it (M)
            "accept-encoding": "gzip, deflate",
            "x-client-request-id": client_request_id,
        }
        request = self._request("POST", "/images/generations", headers, timeout, content=body)
        if departure is not None:
            request.extensions["trace"] = departure.trace
        return request

    def _reader(self, response: httpx.Response, frames: int) -> StreamReader:
        return StreamReader(
            response.status_code,
            {name: self._redaction.text(value) for name, value in response.headers.items()},
            max_event_bytes=_MAX_EVENT_BYTES,
            max_answer_bytes=self._max_answer_bytes,
            max_stream_bytes=_MAX_EVENT_BYTES * (frames + 1),
            dialect=self._dialect,
            received=datetime.now(UTC),
            redaction=self._redaction,
        )

    async def probe(self, *, timeout: float = PROBE_SECONDS) -> Probe:  # noqa: ASYNC109
        """GET `/models`: free, and the emulator says who it is. Never raises for the network."""
        headers = {"accept": "application/json", "accept-encoding": "gzip, deflate"}
        answer = await self._send(self._request("GET", "/models", headers, timeout), timeout, _MAX_PROBE_BYTES)
        if isinstance(answer, Refusal):
            return Probe(
                reachable=answer.http_status is not None,
                is_emulator=answer.is_emulator,
                key_works=None,
                http_status=answer.http_status,
                message=answer.message,
                refusal=answer,
            )
        read = read_reply(answer.status, answer.headers, answer.body, dialect=self._dialect)
        refusal = self._redaction.refusal(read) if isinstance(read, Refusal) and answer.status != 200 else None
        return Probe(
            reachable=True,
            is_emulator=EMULATOR_HEADER in answer.headers,
            key_works={200: True, 401: False}.get(answer.status),
            http_status=answer.status,
            message=refusal.message if refusal else "",
            refusal=refusal,
            models=_model_ids(answer.body) if answer.status == 200 else (),
        )

    async def probe_model(self, wire_id: str, *, timeout: float = PROBE_SECONDS) -> Standing:  # noqa: ASYNC109
        """POST what is always refused (`probe_body`), and what the refusal tells. Never raises for the network."""
        request = self._generation(probe_body(wire_id), timeout, f"probe-{secrets.token_hex(16)}")
        answer = await self._send(request, timeout, _MAX_PROBE_BYTES)
        if isinstance(answer, Refusal):
            return read_standing(answer)
        read = read_reply(answer.status, answer.headers, answer.body, dialect=self._dialect, received=datetime.now(UTC))
        return read_standing(self._redaction.outcome(read))

    async def download(self, url: str, target_file: Path, *, api_is_loopback: bool | None = None) -> DownloadedPicture:
        """A result URL into `target_file`: see `Downloader.download`. None: as this client's own base URL is."""
        near = self.is_loopback if api_is_loopback is None else api_is_loopback
        return await self._downloads.download(url, target_file, api_is_loopback=near)

    async def fetch_source(self, url: str, target_file: Path) -> DownloadedPicture:
        """A URL source of a manifest into `target_file`: see `Downloader.fetch_source`."""
        return await self._downloads.fetch_source(url, target_file)

    def _request(
        self, method: str, path: str, headers: dict[str, str], timeout: float, content: bytes | None = None
    ) -> httpx.Request:
        connect = min(_CONNECT_SECONDS, timeout * 0.8)  # so that it ends as a failed connect, which is known to be free
        times = httpx.Timeout(connect=connect, read=timeout, write=timeout, pool=None)
        own = {"authorization": f"Bearer {self._key}", "user-agent": f"seedpipe/{__version__}", "connection": "close"}
        return httpx.Request(
            method,
            f"{self._base}{path}",
            headers={**headers, **own},
            content=content,
            extensions={"timeout": times.as_dict(), PROXIED: self._proxied},
        )

    async def _send(self, request: httpx.Request, seconds: float, max_bytes: int) -> _Answer | Refusal:
        """The whole answer to what is never billed, or why there is none. The key is in neither."""
        head: list[httpx.Response] = []
        try:
            async with asyncio.timeout(seconds):
                answer = await self._receive(request, head, max_bytes)
            return answer if isinstance(answer, Refusal) else self._without_key(answer)
        except _TROUBLE as error:
            return self._trouble(error, head, f"no complete answer within {seconds:g} s", doubt="")

    def _trouble(
        self, error: Exception, head: list[httpx.Response], late: str, *, doubt: str, has_left: bool = True
    ) -> Refusal:
        """Why there is no whole answer; `late` are the words for a time-out."""
        match error:
            case httpx.ProxyError():
                words = f"the proxy refused: {clean(str(error))}"
                return self._redaction.refusal(_refusal(Verdict.STOP, words, "see `HTTPS_PROXY` and `NO_PROXY`"))
            case httpx.ConnectError() | httpx.ConnectTimeout() | httpx.PoolTimeout():
                return self._redaction.refusal(self._not_connected(error))
            case _ if not has_left:
                return self._redaction.refusal(self._not_connected(error))
            case TimeoutError() | httpx.TimeoutException():
                problem = late
            case httpx.DecodingError():
                problem = "the answer could not be unpacked"
            case AnswerTooLargeError():
                problem = error.message
            case _:
                told = str(error) if isinstance(error, httpx.TransportError) else ""
                problem = f"the connection broke: {clean(told).rstrip('.') or type(error).__name__}"
        return self._redaction.refusal(self._broken(problem, head, doubt))

    async def _receive(self, request: httpx.Request, head: list[httpx.Response], max_bytes: int) -> _Answer | Refusal:
        response = await self._http.send(request, stream=True, auth=None)
        try:
            head.append(response)
            self.is_emulator = EMULATOR_HEADER in response.headers
            parts, size = [], 0
            async for part in response.aiter_bytes():
                size += len(part)
                if size > max_bytes:
                    return self._broken(f"the answer has more than {max_bytes} bytes", head, "")
                parts.append(part)
            return _Answer(status=response.status_code, headers=dict(response.headers), body=b"".join(parts))
        finally:
            await response.aclose()

    def _not_connected(self, error: Exception) -> Refusal:
        """Nothing was sent. A certificate that is not trusted stays so, plain http too; anything else may pass."""
        if isinstance(error, httpx.TimeoutException | TimeoutError):
            return _refusal(Verdict.RETRY, f"could not connect to `{self._authority}`: it took too long")
        why = clean(str(error)) or type(error).__name__
        for cause in _causes(error):
            if isinstance(cause, ssl.SSLCertVerificationError):
                words = f"the certificate of `{self._authority}` is not trusted: {clean(cause.verify_message)}"
                return _refusal(Verdict.STOP, words, "check the base URL; own roots go into `SSL_CERT_FILE`")
            if isinstance(cause, ssl.SSLError) and cause.reason == "WRONG_VERSION_NUMBER":
                words = f"`{self._authority}` speaks no TLS, and the base URL says `https://`"
                return _refusal(Verdict.STOP, words, "write `http://` for a server on this machine")
            if isinstance(cause, ssl.SSLError):
                words = f"could not agree on TLS with `{self._authority}`: {clean(cause.reason or str(cause))}"
                return _refusal(Verdict.RETRY, words, "check the base URL: is it `https://` there?")
            if isinstance(cause, OSError) and cause.errno:
                named = isinstance(cause, socket.gaierror)  # its numbers are of another kind
                why = clean(str(cause.strerror) if named else os.strerror(cause.errno)).lower()
        return _refusal(Verdict.RETRY, f"could not connect to `{self._authority}`: {why}")

    def _broken(self, problem: str, head: list[httpx.Response], doubt: str) -> Refusal:
        """The request was sent and the answer is not whole. A 4xx in its first line is a refusal all the same."""
        if not head or not 400 <= head[0].status_code < 500:
            status = head[0].status_code if head else None
            mark = EMULATOR_HEADER in head[0].headers if head else False
            refusal = _refusal(Verdict.UNKNOWN, f"{problem}{doubt}")
            id_ = request_id_of(head[0].headers, "") if head else None
            return replace(refusal, http_status=status, is_emulator=mark, request_id=id_)
        read = read_reply(
            head[0].status_code, dict(head[0].headers), b"", dialect=self._dialect, received=datetime.now(UTC)
        )
        if isinstance(read, Reply):
            raise AssertionError("an empty body has no pictures")
        return replace(read, message=f"{read.message} ({problem})")

    def _without_key(self, answer: _Answer) -> _Answer:
        """A server may echo what it was sent; before anything is cut to length, the key goes out of it."""
        headers = {name: self._redaction.text(value) for name, value in answer.headers.items()}
        return _Answer(status=answer.status, headers=headers, body=self._redaction.body(answer.body))


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what is behind it, the nearest first; of a group its first."""
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        inner = cause.exceptions[0] if isinstance(cause, BaseExceptionGroup) else None
        cause = inner or cause.__cause__ or cause.__context__


def _left(reader: StreamReader | None, tally: Tally, cut: Refusal | None) -> tuple[Frame, ...]:
    """What the end of the body tells: a last event, the whole of a plain answer, or what is whole of a broken one."""
    if reader is None or tally.is_over:
        return ()
    return tally.take(reader.close() if reader.is_stream or cut is None else reader.salvage())


def _request_id_of(frames: Iterable[Frame]) -> str | None:
    """The id in the first address that has one."""
    pictures = (frame.picture for frame in frames if isinstance(frame, FrameArrived))
    found = (request_id_at(picture.url) for picture in pictures if isinstance(picture, PictureAt))
    return next((id_ for id_ in found if id_), None)


def _refusal(verdict: Verdict, message: str, hint: str | None = None) -> Refusal:
    return Refusal(verdict=verdict, http_status=None, code="", message=message, hint=hint)


def _model_ids(body: bytes) -> tuple[str, ...]:
    """The `id`s of an OpenAI-like list; empty for any other shape."""
    try:
        document: Any = json.loads(body)
    except (ValueError, RecursionError):
        return ()
    items = document.get("data") if isinstance(document, dict) else None
    if not isinstance(items, list):
        return ()
    return tuple(clean(item["id"]) for item in items if isinstance(item, dict) and isinstance(item.get("id"), str))
