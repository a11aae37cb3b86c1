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


def place_of(error: ScenarioError, text: str) -> tuple[int, int] | None:
    """Line and column, from 1, of what the error is about in the scenario's text."""
    cause = error.__cause__
    if isinstance(cause, yaml.MarkedYAMLError) and cause.problem_mark is not None:
        return cause.problem_mark.line + 1, cause.problem_mark.column + 1
    if error.number is None:
        return None
    root = yaml.compose(text, yaml.SafeLoader)
    faults = _value_of(root, "faults") if isinstance(root, yaml.MappingNode) else root
    if not isinstance(faults, yaml.SequenceNode):
        return None
    fault = faults.value[error.number - 1]
    mark = (_key_of(fault, error.field) or fault).start_mark
    return mark.line + 1, mark.column + 1


def _key_of(node: yaml.Node, name: str | None) -> yaml.Node | None:
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    return next((key for key, _ in pairs if key.value == name), None)


def _value_of(node: yaml.MappingNode, name: str) -> yaml.Node | None:
    return next((value for key, value in node.value if key.value == name), None)


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
        text = (await request.body()).decode("utf-8", "replace")
        try:
            emulator.book = FaultBook(read_scenario(text))
        except ScenarioError as error:
            place = place_of(error, text)
            at = {"line": place[0], "column": place[1]} if place else {}
            return JSONResponse({"error": str(error), **at}, status_code=400)
    elif request.method == "DELETE":
        emulator.book = FaultBook()
    return JSONResponse({"faults": emulator.book.entries()})
