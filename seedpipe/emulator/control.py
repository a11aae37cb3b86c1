"""The emulator's own end points: `/_emulator` (what it is), `/_emulator/ledger`, `/_emulator/scenario`."""

import asyncio

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from seedpipe.emulator.desk import Emulator
from seedpipe.emulator.faults import FaultBook
from seedpipe.emulator.replies import REALM_VALUE
from seedpipe.emulator.scenario import read_scenario
from seedpipe.errors import Fault, ManifestError


async def describe(emulator: Emulator) -> Response:
    settings = emulator.settings
    return JSONResponse(
        {
            "emulator": REALM_VALUE,
            "prefixes": list(emulator.dialects),
            "latency": settings.latency,
            "ipm": settings.ipm,
            "inflight": settings.inflight,
            "url_life": settings.url_life,
            "running": emulator.workshop.running,
        }
    )


async def ledger(emulator: Emulator) -> Response:
    return JSONResponse(await asyncio.to_thread(emulator.ledger.report))


async def scenario(request: Request, emulator: Emulator) -> Response:
    """GET shows it, PUT replaces it (YAML or JSON; 400 says all that is wrong, and where), DELETE empties it."""
    if request.method == "PUT":
        try:
            emulator.book = FaultBook(read_scenario("", await request.body()))
        except ManifestError as error:
            wrong = [_told(fault) for fault in error.faults]
            return JSONResponse({**wrong[0], "errors": wrong}, status_code=400)
    elif request.method == "DELETE":
        emulator.book = FaultBook()
    return JSONResponse({"faults": emulator.book.entries()})


def _told(fault: Fault) -> dict[str, object]:
    at = fault.position
    place = {} if at is None else {"line": at.line, "column": at.column}
    return {"error": fault.message, **place, **({"hint": fault.hint} if fault.hint else {})}
