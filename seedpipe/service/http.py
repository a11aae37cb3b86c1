"""The one place that imports httpx, and how its client is set up. Exit to another library: this file."""

import contextlib
import logging
import ssl
import sys
import urllib.request
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Final

from seedpipe.errors import UsageError

# httpx imports its own command line when it can, and with it click, rich and pygments: twice the time.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]

import httpx as httpx  # noqa: E402

# At their INFO and DEBUG they write signed URLs and whatever a server echoes.
for _name in ("httpx", "httpcore"):
    logging.getLogger(_name).setLevel(logging.WARNING)

PROXIED: Final = "seedpipe_proxied"  # request extension: this request goes through the proxy


class ExactUrl(httpx.URL):
    """A URL whose path and query go out as they are: a signature covers every byte of them."""

    def __init__(self, origin: str, target: str) -> None:
        super().__init__(origin)
        self._target = target.encode("ascii")

    @property
    def raw_path(self) -> bytes:
        return self._target


class Route(httpx.AsyncBaseTransport):
    """The ways out, chosen by the request: plain, encrypted, or encrypted through the user's proxy.

    The choice is ours, because a pinned download connects to an address, which no `NO_PROXY` rule would know. Roots
    are only read for the first encrypted request, so that a proof on loopback starts at once.
    """

    def __init__(self, proxy: httpx.Proxy | None) -> None:
        self._proxy = proxy
        self._ways: dict[str, httpx.AsyncHTTPTransport] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        name = "proxied" if self._proxy and request.extensions.get(PROXIED) else request.url.scheme
        if name not in self._ways:
            self._ways[name] = self._opened(name)
        return await self._ways[name].handle_async_request(request)

    def _opened(self, name: str) -> httpx.AsyncHTTPTransport:
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
        trusts_nobody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context = trusts_nobody if name == "http" else httpx.create_ssl_context()
        proxy = self._proxy if name == "proxied" else None
        return httpx.AsyncHTTPTransport(verify=context, limits=limits, trust_env=False, proxy=proxy)

    async def aclose(self) -> None:
        for way in self._ways.values():
            await way.aclose()


def open_http(proxy: str | None = None) -> httpx.AsyncClient:
    """A client without cookies, redirects, retries, HTTP/2, `.netrc` or kept connections.

    No connection is used twice: a kept one that the server had just closed would leave a paid request unknown,
    and one checked for a host must not carry a request for another. Certificates are checked against certifi's
    roots, or `SSL_CERT_FILE` / `SSL_CERT_DIR`. Raises `UsageError` for a proxy that can't be used.
    """
    return httpx.AsyncClient(
        transport=Route(None if proxy is None else _read_proxy(proxy)),
        cookies=CookieJar(policy=DefaultCookiePolicy(allowed_domains=[])),
        follow_redirects=False,
        trust_env=False,
    )


def _read_proxy(text: str) -> httpx.Proxy:
    """The message never has the address: it may hold a password."""
    proxy = None
    if text.startswith(("http://", "https://")):
        with contextlib.suppress(ValueError, httpx.InvalidURL):
            proxy = httpx.Proxy(text)
    if proxy is None or not proxy.url.host:
        raise UsageError("the proxy of the environment can't be used", hint="`HTTPS_PROXY` takes `http://host:port`")
    return proxy


def environment_proxy() -> str | None:
    """The proxy for https that the environment names (`HTTPS_PROXY`, else `ALL_PROXY`)."""
    proxies = urllib.request.getproxies_environment()
    proxy = proxies.get("https") or proxies.get("all")
    if not proxy:
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def bypasses_proxy(host: str) -> bool:
    """Whether `NO_PROXY` names this host."""
    return bool(urllib.request.proxy_bypass(host))
