"""The OpenAPI description of the emulator, made from its own rules. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from seedpipe.emulator.codes import ERROR_CODES
from seedpipe.emulator.faults import scenario_schema
from seedpipe.emulator.rules import MAX_IMAGES, Dialect, ModelRules

Schema = dict[str, Any]
_NULL: Final = {"type": "null"}  # null means absent, for every field
_TOP_STATUSES: Final = (400, 401, 403, 404, 413, 429, 500)
_GATEWAY_STATUSES: Final = (502, 503, 504, 524)


def describe_api(dialects: Mapping[str, Dialect], *, version: str) -> Schema:
    """OpenAPI 3.1: the end points of every address, the emulator's own, and what each model takes."""
    paths: dict[str, Any] = {}
    for prefix, dialect in dialects.items():
        paths[f"{prefix}/images/generations"] = {"post": _generate(dialect)}
        if dialect.lists_models:
            paths[f"{prefix}/models"] = {"get": _models(dialect)}
    paths["/{folder}/{name}"] = {"get": _picture()}
    paths |= _own_paths()
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "seedpipe emulator",
            "version": version,
            "description": (
                "A local service of the image generation protocol. It draws proofs and bills nobody. Unknown keys are "
                "ignored, null is the same as an absent key, unknown paths are answered with 404 and an empty body."
            ),
        },
        "servers": [{"url": "http://127.0.0.1:{port}", "variables": {"port": {"default": "8787"}}}],
        "security": [{"key": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
            "schemas": {
                "Answer": _answer(),
                "Item": _item(),
                "Error": _error(),
                "Event": _event(),
                "Ledger": _ledger(),
                "Models": _model_list(),
                "Scenario": {key: value for key, value in scenario_schema().items() if key != "$schema"},
                **{_name(prefix): _request(dialect) for prefix, dialect in dialects.items()},
            },
        },
        "x-models": {prefix: _capabilities(dialect) for prefix, dialect in dialects.items()},
    }


def _name(prefix: str) -> str:
    """`/api/v3` → `RequestApiV3`."""
    return "Request" + "".join(part.capitalize() for part in prefix.strip("/").split("/"))


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _json(schema: Schema) -> Schema:
    return {"application/json": {"schema": schema}}


def _generate(dialect: Dialect) -> Schema:
    streams = any(model.stream for model in dialect.models.values())
    content = _json(_ref("Answer"))
    if streams:
        content["text/event-stream"] = {"schema": _ref("Event")}
    return {
        "summary": "Make, edit or fuse pictures, one or a batch",
        "description": "Billed for each picture that is made, also if the client hangs up.",
        "requestBody": {"required": True, "content": _json(_ref(_name(dialect.prefix)))},
        "responses": {
            "200": {"description": "what was made", "content": content},
            **{str(status): _refusals(status) for status in _TOP_STATUSES},
            **{str(status): _page() for status in _GATEWAY_STATUSES},
        },
    }


def _page() -> Schema:
    return {"description": "a gateway's page, by a fault", "content": {"text/html": {"schema": {"type": "string"}}}}


def _refusals(status: int) -> Schema:
    codes = sorted(code for code, refusal in ERROR_CODES.items() if refusal.status == status)
    return {"description": ", ".join(codes) or "refused", "content": _json(_ref("Error"))}


def _models(dialect: Dialect) -> Schema:
    return {
        "summary": f"The models at {dialect.prefix}",
        "responses": {
            "200": {"description": "all of them", "content": _json(_ref("Models"))},
            "401": _refusals(401),
        },
    }


def _picture() -> Schema:
    """What a result address leads to. Its query is the signature; it takes no key."""
    text = {"type": "string"}
    picture = {"schema": {"type": "string", "contentMediaType": "application/octet-stream"}}
    xml = {"application/xml": {"schema": {"type": "string"}}}
    query = ("Algorithm", "Credential", "Date", "Expires", "Signature", "SignedHeaders")
    signed = [{"name": f"X-Tos-{it}", "in": "query", "required": True, "schema": text} for it in query]
    process = {"name": "x-tos-process", "in": "query", "schema": text, "description": "of a watermark; signed too"}
    path = [{"name": name, "in": "path", "required": True, "schema": text} for name in ("folder", "name")]
    told = {
        "302": "elsewhere, by a fault",
        "400": "it came with a key",
        "403": "not signed, changed, or expired",
        "404": "gone",
        "503": "by a fault",
    }
    return {
        "summary": "A picture, at the address of an answer",
        "security": [],
        "parameters": [*path, *signed, process],
        "responses": {
            "200": {"description": "the picture", "content": {"image/jpeg": picture, "image/png": picture}},
            "206": {"description": "a part of it", "content": {"image/jpeg": picture, "image/png": picture}},
            **{status: {"description": why, "content": xml} for status, why in told.items()},
        },
    }


def _request(dialect: Dialect) -> Schema:
    """The body as this address takes it; which model takes which value stands in `x-models`."""
    models = list(dialect.models.values())
    properties: Schema = {
        "model": {"type": "string", "examples": list(dialect.models)[:3], "description": "an id, or `ep-…`"},
        "prompt": _optional("string", description="needed but for layers"),
        "image": {
            "description": "addresses or data URLs, in the order in which the prompt counts them",
            "anyOf": [
                {"type": "string"},
                {"type": "array", "items": {"type": "string"}, "maxItems": max(it.max_references for it in models)},
                _NULL,
            ],
        },
        "size": _optional("string", description="a tier, in any case, or `WIDTHxHEIGHT`; `auto` for layers"),
        "response_format": _optional("string", enum=["url", "b64_json"], default="url"),
        "watermark": _optional("boolean", default=dialect.watermark),
        "output_format": _optional("string", enum=_all(models, "output_formats"), default="jpeg"),
        "stream": _optional("boolean", default=False),
        "sequential_image_generation": _optional("string", enum=["auto", "disabled"], default="disabled"),
        "sequential_image_generation_options": _options(
            max_images=_optional("integer", minimum=1, maximum=MAX_IMAGES, default=MAX_IMAGES)
        ),
        "optimize_prompt_options": _options(mode=_optional("string", enum=["standard", "fast"], default="standard")),
        "tools": {"type": ["array", "null"], "items": {"type": "object"}},
        "background": _optional("string", enum=["opaque", "transparent"], default="opaque"),
        "layer_decomposition": _optional("boolean", default=False),
        "seed": _optional("integer", description="ignored"),
        "guidance_scale": _optional("number", description="ignored"),
    }
    needs = [{"required": ["prompt"]}, {"properties": {"layer_decomposition": {"const": True}}, "required": ["image"]}]
    return {"type": "object", "required": ["model"], "anyOf": needs, "properties": properties}


def _optional(kind: str, **more: object) -> Schema:
    enum = more.pop("enum", None)
    values = {} if not isinstance(enum, Sequence) else {"enum": [*enum, None]}
    return {"type": [kind, "null"], **values, **more}


def _options(**properties: Schema) -> Schema:
    return {"type": ["object", "null"], "properties": properties}


def _all(models: Sequence[ModelRules], field: str) -> list[str]:
    return sorted({value for model in models for value in getattr(model, field)})


def _capabilities(dialect: Dialect) -> Schema:
    """What each id takes at this address; one entry for all spellings of a model."""
    found: Schema = {}
    for model in dialect.models.values():
        if model.name in found:
            continue
        found[model.name] = {
            "ids": [wire for wire, other in dialect.models.items() if other.name == model.name],
            "tiers": [tier.upper() for tier in model.tiers],
            "pixels": [model.min_pixels, model.max_pixels],
            "default_size": "x".join(str(side) for side in model.default_size),
            "references": [model.min_references, model.max_references],
            "reference_bytes": model.max_reference_bytes,
            "output_formats": list(model.output_formats),
            "fast": model.fast,
            "sequence": model.sequence,
            "stream": model.stream,
            "web_search": model.search,
            "background": model.edits_layers,
            "retired": model.retired,
        }
    return found


def _item() -> Schema:
    return {
        "type": "object",
        "properties": {
            "url": {"type": "string", "format": "uri"},
            "b64_json": {"type": "string", "contentEncoding": "base64"},
            "size": {"type": "string", "pattern": "^[0-9]+x[0-9]+$"},
            "output_format": {"enum": ["jpeg", "png"]},
            "z_index": {"type": "integer", "minimum": 0, "description": "of a layer; the base has 0 and no box"},
            "name": {"type": "string"},
            "description": {"type": "string"},
            "bounding_box": {"type": "object", "required": ["absolute", "normalized"]},
            "error": {"type": "object", "required": ["code", "message"]},
        },
        "oneOf": [{"required": ["url", "size"]}, {"required": ["b64_json", "size"]}, {"required": ["error"]}],
    }


def _usage() -> Schema:
    count = {"type": "integer", "minimum": 0}
    return {
        "type": "object",
        "required": ["generated_images", "output_tokens", "total_tokens"],
        "properties": {
            "generated_images": {**count, "description": "what is billed"},
            "output_tokens": count,
            "total_tokens": count,
            "input_images": count,
            "tool_usage": {"type": "object", "properties": {"web_search": count}},
        },
    }


def _tools() -> Schema:
    tool = {"type": "object", "required": ["type"], "properties": {"type": {"const": "web_search"}}}
    return {"type": "array", "items": tool, "description": "where the web was searched"}


def _answer() -> Schema:
    return {
        "type": "object",
        "required": ["model", "created"],
        "properties": {
            "model": {"type": "string"},
            "created": {"type": "integer"},
            "data": {"type": "array", "items": _ref("Item")},
            "tools": _tools(),
            "usage": _usage(),
            "error": {"type": "object", "description": "no picture at all was made"},
        },
    }


def _event() -> Schema:
    """The `data` of one server-sent event; `data: [DONE]` is the last."""
    kinds = ["partial_image", "partial_succeeded", "partial_failed", "completed"]
    return {
        "type": "object",
        "properties": {
            "type": {"enum": [f"image_generation.{kind}" for kind in kinds]},
            "model": {"type": "string"},
            "created": {"type": "integer"},
            "image_index": {"type": "integer", "minimum": 0},
            "url": {"type": "string", "format": "uri"},
            "b64_json": {"type": "string"},
            "size": {"type": "string"},
            "error": {"type": "object"},
            "tools": _tools(),
            "usage": _usage(),
        },
    }


def _error() -> Schema:
    text = {"type": "string"}
    fields = {"code": text, "message": text, "param": text, "type": text}
    error = {"type": "object", "required": list(fields), "properties": fields}
    return {"type": "object", "required": ["error"], "properties": {"error": error}}


def _ledger() -> Schema:
    count, text = {"type": "integer", "minimum": 0}, {"type": "string"}
    image = {
        "type": "object",
        "required": ["index", "billed", "downloads"],
        "properties": {
            "index": count,
            "billed": {"type": "boolean"},
            "downloads": {**count, "description": "how often it was fetched"},
            "path": {**text, "description": "of its address"},
            "sha256": text,
            "size": {**text, "description": "the pixels that it really has"},
            "bytes": count,
            "error": {**text, "description": "the code, where none was made"},
        },
    }
    request = {
        "type": "object",
        "required": ["request_id", "outcome", "billed_images", "images", "at", "prefix", "key_hash"],
        "properties": {
            "request_id": {**text, "description": "as in the addresses and in the words of errors"},
            "outcome": {
                **text,
                "description": "running, made, partly made, not made, lost, stopped, or why it was refused",
            },
            "billed_images": count,
            "images": {"type": "array", "items": image},
            "at": {**text, "format": "date-time"},
            "client_request_id": text,
            "retry_count": {"type": ["string", "null"], "description": "`x-stainless-retry-count` of an official SDK"},
            "prompt": {**text, "description": "its first words"},
            "body": {"type": "object", "description": "every field as it came; pictures and long texts cut short"},
        },
    }
    return {
        "type": "object",
        "required": ["requests", "billed_images", "outcomes"],
        "properties": {
            "requests": {"type": "array", "items": request},
            "billed_images": {**count, "description": "of all requests"},
            "outcomes": {"type": "object", "additionalProperties": count},
        },
    }


def _model_list() -> Schema:
    entry = {"type": "object", "required": ["id", "object"], "properties": {"id": {"type": "string"}}}
    return {
        "type": "object",
        "required": ["object", "data"],
        "properties": {"object": {"const": "list"}, "data": {"type": "array", "items": entry}},
    }


def _own_paths() -> Schema:
    """The emulator's own end points; they take no key."""
    scenario = {"description": "the faults, each with how many requests it has `seen`", "content": _json({})}
    wrong = {"description": "what is wrong with the scenario", "content": _json({"type": "object"})}
    own: dict[str, Schema] = {
        "/_emulator": {"get": {"summary": "What it is, and its settings"}},
        "/_emulator/ledger": {
            "get": {
                "summary": "What was asked and what would have been billed",
                "responses": {"200": {"description": "in order of arrival", "content": _json(_ref("Ledger"))}},
            }
        },
        "/_emulator/openapi.json": {"get": {"summary": "This description"}},
        "/_emulator/scenario": {
            "get": {"summary": "The faults that are set", "responses": {"200": scenario}},
            "put": {
                "summary": "Set the faults, as JSON or YAML",
                "requestBody": {"content": _json(_ref("Scenario"))},
                "responses": {"200": scenario, "400": wrong},
            },
            "delete": {"summary": "No more faults", "responses": {"200": scenario}},
        },
    }
    for methods in own.values():
        for operation in methods.values():
            operation.setdefault("responses", {"200": {"description": "told", "content": _json({})}})
            operation["security"] = []
    return own
