"""Connections that can be cut: what the service's own faults, and every proxy on the way, do to a client."""

import asyncio
from typing import Final

from starlette.types import Scope
from uvicorn.protocols.http.h11_impl import H11Protocol

_TRANSPORTS: Final[dict[tuple[str, int], asyncio.Transport]] = {}
_TURNS: Final = 200  # loop turns until a closed transport is certainly gone


class CuttableProtocol(H11Protocol):
    """uvicorn's own protocol, whose transports `cut` finds by the client's address."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if self.client is not None:
            _TRANSPORTS[self.client] = transport

    def connection_lost(self, exc: Exception | None) -> None:
        if self.client is not None:
            _TRANSPORTS.pop(self.client, None)
        super().connection_lost(exc)


async def cut(scope: Scope) -> None:
    """Close the connection of this request after what is already written; returns when it is gone."""
    client: tuple[str, int] | None = scope.get("client")
    transport = _TRANSPORTS.get(client) if client else None
    if client is None or transport is None:
        return
    transport.close()
    for _ in range(_TURNS):
        if client not in _TRANSPORTS:
            return
        await asyncio.sleep(0.001)
    transport.abort()
    await asyncio.sleep(0)
