"""Fetching pictures from URLs that others chose: to disk, hashed on the way, and never to a place that is private.

The host is resolved first, every address is checked, and the connection goes to the very address that was checked;
the certificate is still checked against the name. Through the user's proxy the name goes to the proxy: it resolves
by itself, and the certificate binds the name.
"""

import asyncio
import contextlib
import hashlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urljoin

from seedpipe.errors import ServiceError
from seedpipe.hosts import is_public, parse_address
from seedpipe.limits import MAX_PICTURE_BYTES, MAX_REDIRECTS
from seedpipe.names import Digest
from seedpipe.service.addresses import Location, parse_url
from seedpipe.service.http import PROXIED, ExactUrl, bypasses_proxy, httpx

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_GONE: Final = frozenset({403, 404, 410})
_LATER: Final = frozenset({408, 425, 429})


class DownloadError(ServiceError):
    """A picture could not be fetched. Messages name the URL without its query, which holds a signature."""

    next_step = "build again: it is then fetched again, if it is still there"


class DownloadRefusedError(DownloadError):
    """What the URL leads to now is no picture of ours, or nothing is fetched from there: not tried again at once."""

    next_step = "download it yourself, and write `file:` in place of `url:`"


class DownloadImpossibleError(DownloadRefusedError):
    """The URL itself is none that anything is ever fetched from."""


class DownloadExpiredError(DownloadError):
    """The server says 403, 404 or 410: the picture is gone, or the URL's life is over. Definite."""


class DownloadFailedError(DownloadError):
    """Trouble on the way, after all tries. The picture may still be there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DownloadedPicture:
    """`path` holds `size` bytes with this digest."""

    path: Path
    size: int
    digest: Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class DownloadPolicy:
    """How patient a download is; times in seconds."""

    tries: int = 4
    first_pause: float = 0.5  # doubled before each further try
    connect: float = 15.0
    idle: float = 30.0  # without a byte
    total: float = 300.0  # for one try
    max_bytes: int = MAX_PICTURE_BYTES
    max_redirects: int = MAX_REDIRECTS


class _Trouble(Exception):  # noqa: N818 - not an error yet: the next try may pass
    """This try failed; the message is for people."""


async def resolve(host: str, port: int) -> Sequence[str]:
    """Addresses of a host, IPv4 first. Raises `OSError`."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = dict.fromkeys(str(info[4][0]) for info in found)
    return sorted(addresses, key=lambda address: ":" in address)


class Downloader:
    """Fetches over the client it is given, without credentials. `proxied`: that client has a proxy."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        *,
        proxied: bool = False,
        policy: DownloadPolicy | None = None,
        resolver: Resolver = resolve,
    ) -> None:
        self._http = http
        self._proxied = proxied
        self._policy = policy or DownloadPolicy()
        self._resolver = resolver

    async def download(self, url: str, target_file: Path, *, api_is_loopback: bool) -> DownloadedPicture:
        """Fetch a result URL into `target_file`, a temporary file of the caller's.

        Plain http and loopback addresses only with `api_is_loopback`. The file is complete on return and removed
        on every error. Raises `DownloadRefusedError`, `DownloadExpiredError`, `DownloadFailedError`; `OSError` of
        the disk goes through.
        """
        return await self._fetch(url, target_file, near=api_is_loopback)

    async def fetch_source(self, url: str, target_file: Path) -> DownloadedPicture:
        """Fetch a URL source of a manifest: https, public addresses only. Raises as `download`."""
        return await self._fetch(url, target_file, near=False)

    async def _fetch(self, url: str, target_file: Path, *, near: bool) -> DownloadedPicture:
        location = _parsed(url)
        pause = self._policy.first_pause
        complete = False
        try:
            for attempt in range(1, self._policy.tries + 1):
                problem = ""
                try:
                    async with asyncio.timeout(self._policy.total):
                        picture = await self._follow(location, target_file, near=near)
                    complete = True
                    return picture
                except TimeoutError:
                    problem = f"it took longer than {self._policy.total:g} s"
                except _Trouble as trouble:
                    problem = str(trouble)
                if attempt < self._policy.tries:
                    await asyncio.sleep(pause)
                    pause *= 2
            tries = "once" if self._policy.tries == 1 else f"{self._policy.tries} times"
            raise DownloadFailedError(f"could not fetch `{location.without_query}`, tried {tries}: {problem}")
        finally:
            if not complete:
                _remove(target_file)

    async def _follow(self, location: Location, target_file: Path, *, near: bool) -> DownloadedPicture:
        for _ in range(self._policy.max_redirects + 1):
            async with self._answer(location, near=near) as response:
                if response.status_code not in _REDIRECTS:
                    _check_status(location, response)
                    return await self._save(response, location, target_file)
                location = _redirected(location, response.headers.get("location", ""))
        raise DownloadRefusedError(
            f"`{location.without_query}` was redirected more than {self._policy.max_redirects} times"
        )

    @contextlib.asynccontextmanager
    async def _answer(self, location: Location, *, near: bool) -> AsyncIterator[httpx.Response]:
        """The answer's head from the first address that can be connected to."""
        hosts = await self._way(location, near=near)
        response = None
        for position, host in enumerate(hosts, start=1):
            try:
                response = await self._http.send(self._request(location, host), stream=True, auth=None)
                break
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                if position == len(hosts):
                    raise _Trouble(f"could not connect to `{location.authority}`: {_why(error)}") from None
            except httpx.HTTPError as error:
                raise _Trouble(f"`{location.authority}` did not answer: {_why(error)}") from None
        if response is None:
            raise _Trouble(f"`{location.host}` has no address")
        try:
            yield response
        finally:
            await response.aclose()

    def _request(self, location: Location, host: str | None) -> httpx.Request:
        """`host` is the checked address to connect to; None: the proxy gets the name."""
        policy = self._policy
        connect_to = location.host if host is None else host
        connect_to = f"[{connect_to}]" if ":" in connect_to else connect_to
        timeout = httpx.Timeout(connect=policy.connect, read=policy.idle, write=policy.idle, pool=None)
        origin = f"{location.scheme}://{connect_to}:{location.port}"
        request = httpx.Request(
            "GET",
            origin,
            headers={
                "host": location.authority,
                "accept": "*/*",
                "accept-encoding": "identity",
                "connection": "close",
                "user-agent": "seedpipe",
            },
            extensions={
                "timeout": timeout.as_dict(),
                "sni_hostname": location.host,
                PROXIED: host is None,
            },
        )
        request.url = ExactUrl(origin, location.target)
        return request

    async def _way(self, location: Location, *, near: bool) -> Sequence[str | None]:
        """Checked addresses to try in order; [None] for the proxy. Refuses every place that is not public."""
        if location.scheme != "https" and not near:
            raise DownloadImpossibleError(f"`{location.without_query}` is not https: nothing is fetched from it")
        proxied = self._proxied and location.scheme == "https" and not bypasses_proxy(location.host)
        literal = parse_address(location.host)
        try:
            texts = [location.host] if literal else list(await self._resolver(location.host, location.port))
        except (OSError, UnicodeError):
            if proxied:
                return [None]
            raise _Trouble(f"the name `{location.host}` could not be resolved") from None
        loopback = False
        for text in texts:
            address = parse_address(text)
            loopback = loopback or (address is not None and address.is_loopback)
            allowed = address is not None and (is_public(address) or (near and address.is_loopback))
            if not allowed:
                raise DownloadRefusedError(
                    f"`{location.host}` leads to the address {text}, which is not public: nothing is fetched from it"
                )
        if location.scheme == "http" and not loopback:
            raise DownloadRefusedError(f"`{location.without_query}` is not https: nothing is fetched from it")
        return [None] if proxied and not loopback else texts

    async def _save(self, response: httpx.Response, location: Location, target_file: Path) -> DownloadedPicture:
        """Stream the body to disk. A body that is too large is refused before more than one chunk beyond is read."""
        limit = self._policy.max_bytes
        announced = response.headers.get("content-length", "")
        if announced.isascii() and announced.isdigit() and int(announced[:20]) > limit:
            raise DownloadRefusedError(f"`{location.without_query}` has {announced[:20]} bytes, more than {limit}")
        digest, size = hashlib.sha256(), 0
        try:
            with target_file.open("wb") as file:
                async for chunk in response.aiter_raw():
                    size += len(chunk)
                    if size > limit:
                        raise DownloadRefusedError(f"`{location.without_query}` has more than {limit} bytes")
                    digest.update(chunk)
                    file.write(chunk)
        except httpx.HTTPError as error:
            raise _Trouble(f"the picture broke off after {size} bytes: {_why(error)}") from None
        if size == 0:
            raise _Trouble("the answer was empty")
        return DownloadedPicture(path=target_file, size=size, digest=Digest(digest.hexdigest()))


def _remove(file: Path) -> None:
    file.unlink(missing_ok=True)


def _parsed(url: str) -> Location:
    try:
        return parse_url(url)
    except ValueError as error:
        raise DownloadImpossibleError(f"the URL of the picture can't be used: {error}") from None


def _redirected(location: Location, target: str) -> Location:
    if not target:
        raise DownloadRefusedError(f"`{location.without_query}` redirects to nowhere")
    return _parsed(urljoin(location.url, target))


def _check_status(location: Location, response: httpx.Response) -> None:
    """Only a plain 200 is a picture."""
    status = response.status_code
    if status in _GONE:
        raise DownloadExpiredError(f"`{location.without_query}` is gone or its URL has expired (HTTP {status})")
    if status >= 500 or status in _LATER:
        raise _Trouble(f"`{location.authority}` answered HTTP {status}")
    if status != 200:
        raise DownloadRefusedError(f"`{location.without_query}` answered HTTP {status} in place of a picture")
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        raise DownloadRefusedError(f"`{location.without_query}` came compressed ({encoding[:20]}), unasked")


def _why(error: Exception) -> str:
    """The words of a network error; some have none."""
    words: dict[type[Exception], str] = {
        httpx.ConnectTimeout: "connecting took too long",
        httpx.ReadTimeout: "nothing came for too long",
        httpx.WriteTimeout: "sending took too long",
    }
    return words.get(type(error)) or str(error) or type(error).__name__
