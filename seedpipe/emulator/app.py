"""The ASGI application: which address leads where, and the header that says that this is no live service."""

import re
from collections.abc import Callable

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from seedpipe import __version__
from seedpipe.emulator import control
from seedpipe.emulator.desk import Emulator, caller_of
from seedpipe.emulator.generations import generate, refuse
from seedpipe.emulator.models import model_list
from seedpipe.emulator.objects import download
from seedpipe.emulator.openapi import describe_api
from seedpipe.emulator.refusals import RefusedError
from seedpipe.emulator.replies import REALM_HEADER, REALM_VALUE, json_reply
from seedpipe.emulator.rules import Dialect

_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")  # a page in a browser can't reach us under another name

_OBJECT = re.compile(r"02[0-9a-f]{51}_[0-9]+\.(?:jpeg|png)\Z")


def make_app(emulator: Emulator) -> ASGIApp:
    """Every answer, 404s included, carries `X-Seedpipe-Emulator`."""
    inner = Starlette(
        routes=routes_of(emulator),
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=_LOOPBACK, www_redirect=False)],
        exception_handlers={404: _empty_404, 405: _empty_404},
    )
    inner.router.redirect_slashes = False
    return _marked(inner)


def routes_of(emulator: Emulator) -> list[Route]:
    """Every address that is answered; its OpenAPI description names each."""
    routes = [route for dialect in emulator.dialects.values() for route in _api_routes(emulator, dialect)]

    async def ledger(_: Request) -> Response:
        return await control.ledger(emulator)

    async def scenario(request: Request) -> Response:
        return await control.scenario(request, emulator)

    async def openapi(_: Request) -> Response:
        return JSONResponse(describe_api(emulator.dialects, version=__version__))

    async def describe(_: Request) -> Response:
        return await control.describe(emulator)

    async def picture(request: Request) -> Response:
        if not _OBJECT.match(request.path_params["name"]):
            return _nothing()
        if request.method not in ("GET", "HEAD"):  # the bucket's CORS is off (BP265)
            return Response(status_code=403 if request.method == "OPTIONS" else 405)
        return await download(request, emulator)

    return [
        *routes,
        Route("/_emulator", describe),
        Route("/_emulator/ledger", ledger),
        Route("/_emulator/openapi.json", openapi),
        Route("/_emulator/scenario", scenario, methods=["GET", "PUT", "DELETE"]),
        _AnyMethod("/{folder}/{name}", picture),
    ]


def _api_routes(emulator: Emulator, dialect: Dialect) -> list[Route]:
    async def generations(request: Request) -> Response:
        if request.method == "OPTIONS":
            return _preflight()
        return await generate(request, emulator, dialect) if request.method == "POST" else _nothing()

    async def models(request: Request) -> Response:
        if request.method == "OPTIONS" and dialect.lists_models:
            return _preflight()
        if request.method != "GET" or not dialect.lists_models:
            return _nothing()
        caller = caller_of(request)
        try:
            emulator.authorise(request.headers)
        except RefusedError as error:
            return refuse(error.refusal, caller)
        return json_reply(model_list(dialect), status=200, headers=caller.headers(), accepts_gzip=caller.gzip)

    return [
        _AnyMethod(f"{dialect.prefix}/images/generations", generations),
        _AnyMethod(f"{dialect.prefix}/models", models),
    ]


class _AnyMethod(Route):
    """A route whose end point decides about the method itself."""

    def __init__(self, path: str, endpoint: Callable[[Request], object]) -> None:
        super().__init__(path, endpoint)
        self.methods = None


def _preflight() -> Response:
    """Browsers may not send a key: only these headers are allowed (§7)."""
    headers = {
        "access-control-allow-origin": "*",
        "access-control-allow-methods": "POST",
        "access-control-allow-headers": "Origin,Content-Length,Content-Type",
    }
    return Response(status_code=204, headers=headers)


def _nothing() -> Response:
    """Unknown paths get an empty body (ERR)."""
    return Response(status_code=404)


async def _empty_404(_: Request, __: Exception) -> Response:
    return _nothing()


def _marked(inner: ASGIApp) -> ASGIApp:
    mark = (REALM_HEADER.lower().encode(), REALM_VALUE.encode())

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        async def marked_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), mark]
            await send(message)

        await inner(scope, receive, marked_send if scope["type"] == "http" else send)

    return app
