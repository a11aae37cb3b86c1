"""What JSON Schemas of answers are put together from: small pieces, and the frame that all of them have."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Any, Final

Schema = dict[str, Any]

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
MONEY: Final[Schema] = {"type": "string", "pattern": r"^[0-9]+\.[0-9]{2,6} [A-Z]{3}$"}
AMOUNT: Final[Schema] = {"type": "string", "pattern": r"^[0-9]+\.[0-9]{2,6}$"}
DIGEST: Final[Schema] = {"type": "string", "pattern": "^sha256:[0-9a-f]{64}$"}
TEXT: Final[Schema] = {"type": "string"}
COUNT: Final[Schema] = {"type": "integer", "minimum": 0}
FLAG: Final[Schema] = {"type": "boolean"}
TEXTS: Final[Schema] = {"type": "array", "items": TEXT}
TIME: Final[Schema] = {"type": "string", "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}"}


def object_of(properties: Mapping[str, Schema], *, optional: Collection[str] = ()) -> Schema:
    """Just these; all are there but the `optional` ones."""
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": dict(properties), "required": required, "additionalProperties": False}


def list_of(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def map_of(values: Schema) -> Schema:
    """Any names, each with such a value."""
    return {"type": "object", "additionalProperties": values}


def one_of(values: Iterable[StrEnum]) -> Schema:
    return {"enum": [value.value for value in values]}


def or_null(schema: Schema) -> Schema:
    return {"oneOf": [schema, {"type": "null"}]}


def said(schema: Schema, description: str) -> Schema:
    return {**schema, "description": description}


def ref(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


def answer(
    name: str,
    title: str,
    description: str,
    bodies: Mapping[str, Schema] | Iterable[Mapping[str, Schema]],
    *,
    version: int = 1,
    optional: Collection[str] = (),
    definitions: Mapping[str, Schema] | None = None,
) -> Schema:
    """The schema of a verb's answer, draft 2020-12. Its first key, `seedpipe_NAME`, holds the format's number.

    Several `bodies`: it is one of them. Of `definitions` those that are referred to are kept.
    """
    head = {f"seedpipe_{name.replace('-', '_')}": said({"const": version}, "Format of this answer.")}
    kinds = [bodies] if isinstance(bodies, Mapping) else list(bodies)
    objects = [object_of({**head, **body}, optional=optional) for body in kinds]
    schema: Schema = {
        "$schema": DIALECT,
        "$id": f"urn:seedpipe:{name}:{version}",
        "title": title,
        "description": description,
        **(objects[0] if len(objects) == 1 else {"oneOf": objects}),
    }
    needed = _needed(schema, definitions or {})
    return {**schema, "$defs": needed} if needed else schema


def _needed(schema: Schema, definitions: Mapping[str, Schema]) -> dict[str, Schema]:
    """In their own order. Raises `KeyError` for a reference to nothing."""
    names: dict[str, None] = {}
    todo = list(_references(schema))
    while todo:
        name = todo.pop()
        if name not in names:
            names[name] = None
            todo += _references(definitions[name])
    return {name: definition for name, definition in definitions.items() if name in names}


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        target = value.get("$ref")
        if isinstance(target, str):
            yield target.removeprefix("#/$defs/")
        for inner in value.values():
            yield from _references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner)
