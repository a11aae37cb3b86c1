"""`POST {prefix}/images/generations`: from a request to its answer, faults included."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Final

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from seedpipe.emulator.answers import (
    COMMENT,
    DONE,
    completed_event,
    error_event,
    event,
    item_body,
    outcome_event,
    plain_body,
)
from seedpipe.emulator.codes import Refusal, refusal_for
from seedpipe.emulator.desk import (
    REFUSING,
    BodyTooLargeError,
    Caller,
    Emulator,
    arrival_notes,
    caller_of,
)
from seedpipe.emulator.faults import Fault, FaultKind
from seedpipe.emulator.job import Job, Outcome, inline_picture
from seedpipe.emulator.refusals import INTERNAL, RefusedError
from seedpipe.emulator.replies import (
    CutResponse,
    ShortResponse,
    Silence,
    StreamCutError,
    StreamReply,
    html_reply,
    json_reply,
)
from seedpipe.emulator.rules import Dialect
from seedpipe.emulator.signing import Signer

_A_LONG_TIME: Final = 3600.0  # a stall without `seconds`
_TOO_LARGE: Final = Refusal(
    status=413,
    code="RequestBodyTooLarge",
    message="The request body is larger than the limit allowed.",
    type="PayloadTooLarge",
)
_HTML: Final = {FaultKind.BAD_GATEWAY: 502, FaultKind.GATEWAY_TIMEOUT: 524}


async def generate(request: Request, emulator: Emulator, dialect: Dialect) -> Response:
    """Answer one POST. Whatever was started goes on and is billed even if the client hangs up (OVERVIEW)."""
    caller = caller_of(request)
    notes = arrival_notes(request, caller, dialect.prefix)
    try:
        job = await emulator.accept(request, dialect, caller, notes)
        if (unmade := _unmade(job, caller)) is not None:
            await asyncio.to_thread(emulator.ledger.begin, caller.request_id, notes, "not made")
            return unmade
        await emulator.start(job, caller, notes)
    except ClientDisconnect:
        return CutResponse()
    except (RefusedError, BodyTooLargeError) as error:
        refusal = error.refusal if isinstance(error, RefusedError) else _TOO_LARGE
        await emulator.pause(getattr(error, "took", 0.0))
        await asyncio.to_thread(emulator.ledger.begin, caller.request_id, notes, f"refused: {refusal.code}")
        return refuse(refusal, caller, getattr(error, "retry_after", None))
    if job.order.stream and not job.fault(FaultKind.JSON_FOR_STREAM, *_HTML, *REFUSING):
        return StreamReply(_events(job, emulator, caller), caller.headers)
    return await _answer(job, emulator, caller)


def refuse(refusal: Refusal, caller: Caller, retry_after: float | None = None) -> Response:
    """An error answer in its envelope, with the headers that belong to it. `retry_after` is in seconds."""
    headers = caller.headers()
    if refusal.status == 401:
        headers["x-error-code"] = "AuthN_MissOrInvalidAuthorizationHeader"  # BP265
    if retry_after is not None:  # upstream is not known to send it (§6)
        headers["retry-after"] = f"{retry_after:g}"
    return json_reply(
        refusal.envelope(caller.request_id), status=refusal.status, headers=headers, accepts_gzip=caller.gzip
    )


def _unmade(job: Job, caller: Caller) -> Response | None:
    """Faults that end a request before anything is made or billed."""
    if job.fault(FaultKind.DROP_BEFORE_BILLING):
        return CutResponse()
    told = job.fault(FaultKind.ERROR_IN_200)
    if told:
        refusal = refusal_for(told.code, None, told.message) if told.code else INTERNAL
        error = {"code": refusal.code, "message": refusal.words(caller.request_id)}
        body = {"model": job.order.wire_id, "created": int(time.time()), "error": error}
        return json_reply(body, status=200, headers=caller.headers(), accepts_gzip=caller.gzip)
    failed = job.fault(FaultKind.STREAM_ERROR)
    if failed and failed.count == 0 and job.order.stream:
        return StreamReply(_only(_error_event(failed, job)), caller.headers)
    lost = job.fault(*_HTML)
    return html_reply(lost.status or _HTML[lost.kind]) if lost and lost.billed is False else None


async def _answer(job: Job, emulator: Emulator, caller: Caller) -> Response:
    await job.wait()
    if job.stopped or job.fault(FaultKind.DROP_AFTER_BILLING):
        return CutResponse()
    if stall := job.fault(FaultKind.STALL):
        return CutResponse(Silence(stall.seconds or _A_LONG_TIME, emulator.stopping))
    if lost := job.fault(*_HTML):
        return html_reply(lost.status or _HTML[lost.kind])
    if billed := job.fault(*REFUSING):  # a refusal by its look, though the pictures were made and billed
        return refuse(REFUSING[billed.kind], caller)
    first = job.outcomes[0].error  # of layers the only one: if any fails, all do (§4.1)
    if first is not None and not job.order.sequence:
        return refuse(first, caller)
    finished = job.outcomes[-1].at  # `created` is the time of the end, and the addresses are signed then (CN)
    items = [await _item(outcome, job, emulator, caller, at=finished) for outcome in job.outcomes]
    reply = json_reply(
        plain_body(job, items, int(finished)), status=200, headers=caller.headers(), accepts_gzip=caller.gzip
    )
    if job.fault(FaultKind.TRUNCATED_BODY):
        return ShortResponse(reply.body, status_code=200, headers=dict(reply.headers))
    return reply


async def _item(outcome: Outcome, job: Job, emulator: Emulator, caller: Caller, *, at: float) -> dict[str, object]:
    """One `data` entry; a base64 picture is read back from the store, so no answer waits in memory."""
    picture = ""
    if outcome.error is None:
        if job.order.inline:
            picture = await asyncio.to_thread(inline_picture, emulator.ledger, outcome)
        else:
            picture = _address(outcome, job, emulator, caller, at)
    return item_body(outcome, picture, job)


def _address(outcome: Outcome, job: Job, emulator: Emulator, caller: Caller, at: float) -> str:
    age = emulator.settings.url_life + 1 if job.fault(FaultKind.EXPIRED_URL) else 0
    return result_url(
        emulator.signer,
        host=caller.host,
        path=outcome.path,
        seconds=emulator.settings.url_life,
        marked=job.order.watermark,
        at=datetime.fromtimestamp(at - age, tz=UTC),
    )


def result_url(signer: Signer, *, host: str, path: str, seconds: int, marked: bool, at: datetime) -> str:
    """A signed address on the emulator's own host."""
    query = signer.sign(host=host, path=f"/{path}", at=at, seconds=seconds, marked=marked)
    return f"http://{host}/{path}?{query}"


async def _only(data: bytes) -> AsyncIterator[bytes]:
    yield data


def _error_event(fault: Fault, job: Job) -> bytes:
    """A whole-request failure inside a stream (FIX)."""
    refusal = refusal_for(fault.code or INTERNAL.code, fault.status, fault.message).about(job.order.wire_id)
    return error_event(refusal.code, refusal.words(job.request_id), named=fault.named)


async def _events(job: Job, emulator: Emulator, caller: Caller) -> AsyncIterator[bytes]:
    """One event a picture, as it is done."""
    cut_after = job.fault(FaultKind.CUT_STREAM, FaultKind.STREAM_ERROR)
    pretty = job.fault(FaultKind.PRETTY_STREAM) is not None
    shown = 0
    async for outcome in job.stream():
        if cut_after and shown >= cut_after.count:
            continue  # the rest is made and billed, nobody hears of it
        item = await _item(outcome, job, emulator, caller, at=outcome.at)
        if job.fault(FaultKind.PREVIEWS) and outcome.error is None:
            preview = {"partial_image_index": outcome.index, "b64_json": "AAAA"}
            yield event("partial_image", job.order.wire_id, int(time.time()), preview)
        if job.fault(FaultKind.KEEP_ALIVE):
            yield COMMENT
        yield outcome_event(job, outcome, item, int(outcome.at), pretty=pretty)
        shown += 1
    if cut_after:
        if cut_after.kind is FaultKind.STREAM_ERROR:
            yield _error_event(cut_after, job)
        return
    if job.stopped or job.fault(FaultKind.DROP_AFTER_BILLING, FaultKind.TRUNCATED_BODY):
        raise StreamCutError
    if stall := job.fault(FaultKind.STALL):
        raise StreamCutError(Silence(stall.seconds or _A_LONG_TIME, emulator.stopping))
    yield completed_event(job, int(time.time()), pretty=pretty)
    yield DONE
