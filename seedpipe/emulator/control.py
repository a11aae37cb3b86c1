"""The emulator's own end points: `/_emulator` (what it is), `/_emulator/ledger`, `/_emulator/scenario`."""

import asyncio

import yaml
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from seedpipe.emulator.desk import Emulator
from seedpipe.emulator.faults import Fault, FaultBook, ScenarioError, parse_faults
from seedpipe.emulator.replies import REALM_VALUE


def read_scenario(text: str) -> tuple[Fault, ...]:
    """A scenario as YAML or JSON. Raises `ScenarioError`."""
    try:
        return parse_faults(yaml.safe_load(text))
    except yaml.YAMLError as error:
        raise ScenarioError(f"the scenario is no YAML: {error}") from error


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
    """GET shows it, PUT replaces it (YAML or JSON; 400 says what is wrong), DELETE empties it."""
    if request.method == "PUT":
        try:
            emulator.book = FaultBook(read_scenario((await request.body()).decode()))
        except (ScenarioError, UnicodeDecodeError) as error:
            return JSONResponse({"error": str(error)}, status_code=400)
    elif request.method == "DELETE":
        emulator.book = FaultBook()
    return JSONResponse({"faults": emulator.book.entries()})
