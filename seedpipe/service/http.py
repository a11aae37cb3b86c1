"""The one place that imports httpx, and how its client is set up. Exit to another library: this file."""

import sys
import urllib.request
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Final

from seedpipe.errors import UsageError

# httpx imports its own command line when it can, and with it click, rich and pygments: twice the time.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]

import httpx as httpx  # noqa: E402

PROXIED: Final = "seedpipe_proxied"  # request extension: this request goes through the proxy


class Route(httpx.AsyncBaseTransport):
    """Two ways out, chosen by the request: straight, or through the user's proxy.

    The choice is ours, because a pinned download connects to an address, which no `NO_PROXY` rule would know.
    """

    def __init__(self, straight: httpx.AsyncBaseTransport, proxied: httpx.AsyncBaseTransport | None) -> None:
        self._straight = straight
        self._proxied = proxied

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        way = self._proxied if request.extensions.get(PROXIED) else None
        return await (way or self._straight).handle_async_request(request)

    async def aclose(self) -> None:
        await self._straight.aclose()
        if self._proxied is not None:
            await self._proxied.aclose()


def open_http(proxy: str | None = None) -> httpx.AsyncClient:
    """A client without cookies, redirects, retries, HTTP/2, `.netrc` or kept connections.

    No connection is used twice: a kept one that the server had just closed would leave a paid request unknown,
    and one checked for a host must not carry a request for another. Certificates are checked against certifi's
    roots, or `SSL_CERT_FILE` / `SSL_CERT_DIR`. Raises `UsageError` for a proxy that can't be used.
    """
    context = httpx.create_ssl_context()
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
    proxied = None
    if proxy is not None:
        try:
            proxied = httpx.AsyncHTTPTransport(verify=context, limits=limits, proxy=httpx.Proxy(proxy))
        except (ValueError, ImportError, httpx.InvalidURL):
            proxied = None
        if proxied is None:
            raise UsageError("the proxy of the environment can't be used", hint="use an `http://host:port` proxy")
    straight = httpx.AsyncHTTPTransport(verify=context, limits=limits, trust_env=False)
    return httpx.AsyncClient(
        transport=Route(straight, proxied),
        cookies=CookieJar(policy=DefaultCookiePolicy(allowed_domains=[])),
        follow_redirects=False,
        trust_env=False,
        headers={"connection": "close"},
    )


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
