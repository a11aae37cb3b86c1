"""`ServiceClient`: the one that sends. Exactly one POST per call, and no network trouble is raised.

All official SDKs send a timed-out, paid request again, twice. This one never does: what is not known to be free
comes back as `Verdict.UNKNOWN`, and a person decides.
"""

import asyncio
import json
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from seedpipe import __version__
from seedpipe.errors import UsageError
from seedpipe.limits import MAX_ANSWER_BYTES
from seedpipe.service.addresses import check_base_url, is_loopback_host
from seedpipe.service.download import DownloadedPicture, Downloader, DownloadPolicy, Resolver, resolve
from seedpipe.service.http import PROXIED, bypasses_proxy, environment_proxy, httpx, open_http
from seedpipe.service.refusals import UPSTREAM, Dialect, Refusal, Verdict, clean
from seedpipe.service.reply import EMULATOR_HEADER, Item, ItemFault, PictureAt, PictureBytes, Reply, read_reply

_CONNECT_SECONDS: Final = 20.0
_PROBE_SECONDS: Final = 20.0
_MAX_PROBE_BYTES: Final = 8 * 1024 * 1024
_TOKEN: Final = re.compile(r"[\x21-\x7e]+\Z")
_REDACTED: Final = "[key]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """What a free look at the service says. `key_works` None: this service does not tell by it."""

    reachable: bool
    is_emulator: bool
    key_works: bool | None
    http_status: int | None
    message: str
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

    async def generate(self, body: bytes, *, timeout: float, client_request_id: str) -> Reply | Refusal:  # noqa: ASYNC109
        """One POST of `body`; `timeout` seconds for all of it. `client_request_id` is only for tracing.

        Never raises for the network: `RETRY` if no connection came about, so that nothing was sent, and `UNKNOWN`
        for everything after. Only a cancellation leaves as an exception; its outcome is unknown too.
        """
        if not _TOKEN.match(client_request_id):
            raise ValueError("`client_request_id` has to be printable ASCII")
        headers = {
            "content-type": "application/json",
            "accept": "application/json",
            "accept-encoding": "gzip, deflate",
            "x-client-request-id": client_request_id,
        }
        request = self._request("POST", "/images/generations", headers, timeout, content=body)
        answer = await self._send(request, timeout, self._max_answer_bytes)
        if isinstance(answer, Refusal):
            return answer
        outcome = read_reply(
            answer.status, answer.headers, answer.body, dialect=self._dialect, received=datetime.now(UTC)
        )
        return _redacted(outcome, self._key)

    async def probe(self) -> Probe:
        """GET `/models`: free, and the emulator says who it is. Never raises for the network."""
        headers = {"accept": "application/json", "accept-encoding": "gzip, deflate"}
        answer = await self._send(
            self._request("GET", "/models", headers, _PROBE_SECONDS), _PROBE_SECONDS, _MAX_PROBE_BYTES
        )
        if isinstance(answer, Refusal):
            return Probe(
                reachable=answer.http_status is not None,
                is_emulator=answer.is_emulator,
                key_works=None,
                http_status=answer.http_status,
                message=answer.message,
            )
        read = read_reply(answer.status, answer.headers, answer.body, dialect=self._dialect)
        words = "" if answer.status == 200 or isinstance(read, Reply) else _redacted_refusal(read, self._key).message
        return Probe(
            reachable=True,
            is_emulator=EMULATOR_HEADER in answer.headers,
            key_works={200: True, 401: False}.get(answer.status),
            http_status=answer.status,
            message=words,
            models=_model_ids(answer.body) if answer.status == 200 else (),
        )

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
        """The whole answer, or why there is none. Nothing of it contains the key."""
        head: list[httpx.Response] = []
        try:
            async with asyncio.timeout(seconds):
                answer = await self._receive(request, head, max_bytes)
            return answer if isinstance(answer, Refusal) else self._without_key(answer)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            return self._not_connected(error)
        except httpx.ProxyError as error:
            return _refusal(Verdict.STOP, f"the proxy refused: {clean(str(error))}", "see `HTTPS_PROXY` and `NO_PROXY`")
        except TimeoutError:
            problem = f"no complete answer within {seconds:g} s"
        except httpx.DecodingError:
            problem = "the answer could not be unpacked"
        except httpx.TransportError as error:
            problem = f"the connection broke: {clean(str(error)) or type(error).__name__}"
        except OSError as error:
            problem = f"the connection broke: {type(error).__name__}"
        return _redacted_refusal(self._broken(problem, head), self._key)

    async def _receive(self, request: httpx.Request, head: list[httpx.Response], max_bytes: int) -> _Answer | Refusal:
        response = await self._http.send(request, stream=True, auth=None)
        try:
            head.append(response)
            self.is_emulator = EMULATOR_HEADER in response.headers
            parts, size = [], 0
            async for part in response.aiter_bytes():
                size += len(part)
                if size > max_bytes:
                    return self._broken(f"the answer has more than {max_bytes} bytes", head)
                parts.append(part)
            return _Answer(status=response.status_code, headers=dict(response.headers), body=b"".join(parts))
        finally:
            await response.aclose()

    def _not_connected(self, error: Exception) -> Refusal:
        """Nothing was sent. A certificate that is not trusted stays so; anything else may pass."""
        cause: BaseException | None = error
        while cause is not None:
            if isinstance(cause, ssl.SSLCertVerificationError):
                words = f"the certificate of `{self._authority}` is not trusted: {clean(cause.verify_message)}"
                return _refusal(Verdict.STOP, words, "check the base URL; own roots go into `SSL_CERT_FILE`")
            cause = cause.__cause__ or cause.__context__
        why = "it took too long" if isinstance(error, httpx.TimeoutException) else clean(str(error))
        return _refusal(Verdict.RETRY, f"could not connect to `{self._authority}`: {why}")

    def _broken(self, problem: str, head: list[httpx.Response]) -> Refusal:
        """The request was sent and the answer is not whole. A 4xx in its first line is a refusal all the same."""
        if not head or not 400 <= head[0].status_code < 500:
            status = head[0].status_code if head else None
            mark = EMULATOR_HEADER in head[0].headers if head else False
            refusal = _refusal(Verdict.UNKNOWN, f"{problem}: it may have been billed")
            return replace(refusal, http_status=status, is_emulator=mark)
        read = read_reply(
            head[0].status_code, dict(head[0].headers), b"", dialect=self._dialect, received=datetime.now(UTC)
        )
        if isinstance(read, Reply):
            raise AssertionError("an empty body has no pictures")
        return replace(read, message=f"{read.message} ({problem})")

    def _without_key(self, answer: _Answer) -> _Answer:
        """A server may echo what it was sent; before anything is cut to length, the key goes out of it."""
        key = self._key.encode()
        body = answer.body.replace(key, _REDACTED.encode()) if key in answer.body else answer.body
        headers = {name: value.replace(self._key, _REDACTED) for name, value in answer.headers.items()}
        return _Answer(status=answer.status, headers=headers, body=body)


def _refusal(verdict: Verdict, message: str, hint: str | None = None) -> Refusal:
    return Refusal(verdict=verdict, http_status=None, code="", message=message, hint=hint)


def _redacted_refusal(refusal: Refusal, key: str) -> Refusal:
    """Once more after parsing: JSON can spell the same text in other bytes."""
    return replace(
        refusal,
        code=refusal.code.replace(key, _REDACTED),
        message=refusal.message.replace(key, _REDACTED),
        request_id=None if refusal.request_id is None else refusal.request_id.replace(key, _REDACTED),
    )


def _redacted_item(item: Item, key: str) -> Item:
    match item:
        case PictureAt():
            return replace(item, url=item.url.replace(key, _REDACTED))
        case ItemFault():
            return replace(item, code=item.code.replace(key, _REDACTED), message=item.message.replace(key, _REDACTED))
        case PictureBytes():
            return item


def _redacted(outcome: Reply | Refusal, key: str) -> Reply | Refusal:
    if isinstance(outcome, Refusal):
        return _redacted_refusal(outcome, key)
    model = None if outcome.model is None else outcome.model.replace(key, _REDACTED)
    return replace(outcome, items=tuple(_redacted_item(item, key) for item in outcome.items), model=model)


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
