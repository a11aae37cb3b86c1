"""The bodies of good answers: plain, and as one-line server-sent events."""

import json
from collections.abc import Mapping, Sequence
from typing import Final

from seedpipe.emulator.codes import Refusal
from seedpipe.emulator.job import Job, Outcome
from seedpipe.emulator.rules import output_tokens

DONE: Final = b"data: [DONE]\n\n"
COMMENT: Final = b": keep-alive\n\n"


def item_body(outcome: Outcome, picture: str, job: Job) -> dict[str, object]:
    """One element of `data`. `picture` is an address or base64; a failed item has nothing but its error (FIX)."""
    if outcome.error is not None:
        return {"error": _item_error(outcome.error, job)}
    inline, says_format = job.order.inline, job.order.model.counts_inputs
    body: dict[str, object] = {
        "b64_json" if inline else "url": picture,
        "size": f"{outcome.size[0]}x{outcome.size[1]}",
    }
    if says_format:
        body["output_format"] = outcome.format
    return {**body, **outcome.layer}


def usage_body(job: Job) -> dict[str, object]:
    """`generated_images` is the billing number; `output_tokens` follows from the pixels (CN)."""
    tokens = output_tokens([outcome.size for outcome in job.made])
    usage: dict[str, object] = {
        "generated_images": len(job.made),
        "output_tokens": tokens,
        "total_tokens": tokens,
    }
    if job.order.model.counts_inputs:
        usage["input_images"] = len(job.references)
    if job.order.search:
        usage["tool_usage"] = {"web_search": 1}
    return usage


def _item_error(error: Refusal, job: Job) -> dict[str, object]:
    """Moderation is told without the request's id (FIX, CN), an internal error with it (GH:ComfyUI#9952)."""
    words = error.message if "Sensitive" in error.code else error.words(job.request_id)
    return {"code": error.code, "message": words}


def _tools(job: Job) -> dict[str, object]:
    """What was looked up with, beside `usage` (CN)."""
    return {"tools": [{"type": "web_search"}]} if job.order.search else {}


def plain_body(job: Job, items: Sequence[Mapping[str, object]], created: int) -> dict[str, object]:
    """The non-stream answer; a top-level `error` when no image at all was produced (BP265, CN)."""
    body: dict[str, object] = {
        "model": job.order.wire_id,
        "created": created,
        "data": list(items),
        **_tools(job),
        "usage": usage_body(job),
    }
    if not job.made and job.outcomes and (error := job.outcomes[0].error) is not None:
        body["error"] = _item_error(error, job)
    return body


def event(kind: str, model: str, created: int, fields: Mapping[str, object], *, pretty: bool = False) -> bytes:
    """`event:` and `data:`, the JSON on one line: both vendor SDKs fail on more, as the documents print it (M)."""
    name = f"image_generation.{kind}"
    data = {"type": name, "model": model, "created": created, **fields}
    return f"event: {name}\ndata: {_json(data, pretty=pretty)}\n\n".encode()


def _json(data: Mapping[str, object], *, pretty: bool = False) -> str:
    if pretty:
        return json.dumps(data, ensure_ascii=False, indent=2)
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))


def outcome_event(job: Job, outcome: Outcome, item: Mapping[str, object], created: int, *, pretty: bool) -> bytes:
    kind = "partial_failed" if outcome.error else "partial_succeeded"
    return event(kind, job.order.wire_id, created, {"image_index": outcome.index, **item}, pretty=pretty)


def completed_event(job: Job, created: int, *, pretty: bool) -> bytes:
    return event("completed", job.order.wire_id, created, {**_tools(job), "usage": usage_body(job)}, pretty=pretty)


def error_event(code: str, message: str, *, named: bool) -> bytes:
    """A failure of the whole request; whether it has an `event:` line is not known (FIX)."""
    name = "event: error\n" if named else ""
    return f"{name}data: {_json({'error': {'code': code, 'message': message}})}\n\n".encode()
