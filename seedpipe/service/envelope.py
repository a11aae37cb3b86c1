"""Errors in every shape that the service and its gateways give them: an object, a text, a list, or only some words. Pure."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from seedpipe.service.refusals import clean

Json = Any  # what json.loads gave
_MESSAGES: Final = ("message", "Message", "msg", "error_msg", "errmsg", "error_message", "detail")
_CODES: Final = ("code", "Code", "error_code", "errcode")
_DEPTH: Final = 4  # envelopes within envelopes: a gateway behind a gateway


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorEnvelope:
    """An error in any of the shapes of the service and its gateways; what is not there is empty."""

    code: str
    kind: str
    message: str


def document_of(body: bytes) -> Json:
    """The JSON of a body; None for anything else."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def read_error(document: Json) -> ErrorEnvelope | None:
    """The error that a document holds; None if it holds none."""
    return _read(document, _DEPTH)


def _read(document: Json, depth: int) -> ErrorEnvelope | None:
    if isinstance(document, list):  # some gateways wrap even one error
        return next((found for item in document if (found := _read(item, depth - 1))), None) if depth else None
    if not isinstance(document, dict):
        return None
    for error in _errors(document):
        if isinstance(error, str):
            return ErrorEnvelope(code=text_of(document, *_CODES), kind=text_of(document, "type"), message=clean(error))
        return _nested(error, depth)
    message = text_of(document, *_MESSAGES)
    if not message:
        return None
    return ErrorEnvelope(code=text_of(document, *_CODES), kind=text_of(document, "type"), message=message)


def _errors(document: dict[str, Json]) -> Iterator[str | dict[str, Json]]:
    """Whatever stands where an error stands, the likeliest first: never empty."""
    metadata, detail = document.get("ResponseMetadata"), document.get("detail")
    places = [document.get("error"), metadata.get("Error") if isinstance(metadata, dict) else None]
    places += [document.get("errors"), detail if isinstance(detail, list) else None]
    for place in places:
        for error in place if isinstance(place, list) else [place]:
            if (isinstance(error, str) and error.strip()) or (isinstance(error, dict) and error):
                yield error


def _nested(error: dict[str, Json], depth: int) -> ErrorEnvelope:
    """An error object; a gateway may have put upstream's whole envelope into it, or into its message as text."""
    words = next((error[name] for name in _MESSAGES if error.get(name)), None)
    inner = document_of(words.encode("utf-8", "replace")) if isinstance(words, str) and "{" in words[:4] else words
    if not isinstance(inner, dict | list):
        inner = error.get("error")
    if depth and isinstance(inner, dict | list):
        found = _read(inner, depth - 1)
        if found is not None:
            return found
    return ErrorEnvelope(
        code=text_of(error, *_CODES),
        kind=text_of(error, "type", "Type"),
        message=clean(words) if isinstance(words, str) else "",
    )


def text_of(mapping: dict[str, Json], *names: str) -> str:
    """The first of these that says something, as text."""
    for name in names:
        value = mapping.get(name)
        if isinstance(value, str) and value.strip():
            return clean(value)
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
    return ""
