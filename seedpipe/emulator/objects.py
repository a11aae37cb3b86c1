"""The object store: `GET /<folder>/<request id>_<index>.<ext>` behind a checked signature, with its own faults."""

import asyncio
import time
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import FileResponse, Response

from seedpipe.emulator.desk import Emulator, caller_of
from seedpipe.emulator.faults import Fault, FaultKind, parse_faults
from seedpipe.emulator.ledger import StoredObject
from seedpipe.emulator.replies import ShortResponse, store_error
from seedpipe.emulator.signing import Verdict

_REASONS = {
    Verdict.UNSIGNED: "The request is not signed.",
    Verdict.TAMPERED: "The request signature we calculated does not match the signature you provided.",
    Verdict.EXPIRED: "Request has expired",
}


async def download(request: Request, emulator: Emulator) -> Response:
    """A picture, or the store's XML: 400 with credentials, 403 unsigned, changed or expired, 404 when gone (§7)."""
    trace = caller_of(request).trace
    if "authorization" in request.headers:
        message = "Only one auth mechanism allowed; use the query string or the Authorization header."
        return store_error(400, "InvalidArgument", message, trace)
    verdict = emulator.signer.check(
        host=request.headers.get("host", ""),
        path=request.scope["path"],
        query=request.scope["query_string"].decode("latin-1"),
        now=datetime.now(tz=UTC),
    )
    if verdict is not Verdict.GOOD:
        return store_error(403, "AccessDenied", _REASONS[verdict], trace)
    path = request.scope["path"].removeprefix("/")
    found = await asyncio.to_thread(emulator.ledger.find_object, path)
    fault = _fault_of(found) if found else None
    outlived = found is not None and time.time() > found.born + emulator.settings.url_life
    if fault and fault.kind is FaultKind.GONE and request.method == "GET":
        await asyncio.to_thread(emulator.ledger.count_download, path)
    if found is None or outlived or (fault and fault.kind is FaultKind.GONE):
        return store_error(404, "NoSuchKey", "The specified key does not exist.", trace)
    if request.method == "GET":
        await asyncio.to_thread(emulator.ledger.count_download, path)
    headers = {"server": "TosServer", "x-tos-request-id": trace}
    if fault and fault.kind is FaultKind.SHORT_DOWNLOAD:
        return ShortResponse(found.file.read_bytes(), headers=headers, media_type=found.media_type)
    if fault and fault.kind is FaultKind.DOWNLOAD_ERROR:
        return store_error(503, "ServiceUnavailable", "Please reduce your request rate.", trace)
    if fault and fault.kind is FaultKind.REDIRECT:
        return Response(status_code=302, headers={**headers, "location": fault.to})
    return FileResponse(found.file, headers=headers, media_type=found.media_type)


def _fault_of(found: StoredObject) -> Fault | None:
    """The object's download fault, while it still has downloads left to spoil."""
    if found.fault is None:
        return None
    (fault,) = parse_faults([found.fault])
    spent = fault.downloads is not None and found.downloads >= fault.downloads
    return None if spent else fault
