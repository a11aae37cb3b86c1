"""Every rule of the request body, per model: from a parsed JSON object to an `Order`, or the refusal.

Plain values in, plain values out; what a model can do stands in `ModelRules`, made from the catalogue elsewhere.
Sentences without a measured text are modelled on the measured ones: over-large sizes, aspect ratios, wrong types.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from seedpipe.emulator.refusals import (
    RefusedError,
    invalid,
    missing,
    no_such_model,
    not_in_plan,
    unreadable_aspect,
    unsupported,
)

Pixels = tuple[int, int]  # width, height

MAX_IMAGES: Final = 15  # references and outputs of one request together (OVERVIEW)
AUTO: Final = "auto"  # the size that layers take from their input
MAX_ASPECT: Final = 16
MIN_SIDE: Final = 15  # a reference's sides are more than 14 px (BP265)
MIN_REFERENCE_PIXELS: Final = 196
MAX_REFERENCE_PIXELS: Final = 36_000_000
_EXACT: Final = re.compile(r"([0-9]{1,9})x([0-9]{1,9})\Z")
_DATE: Final = re.compile(r"-[0-9]{6}\Z")
_RATIO: Final = re.compile(r"(?<![0-9:])([0-9]{1,2}):([0-9]{1,2})(?![0-9:])")
_TURNED: Final = (("竖", "9:16"), ("横", "16:9"), ("portrait", "3:4"), ("landscape", "4:3"))


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRules:
    """What one model takes at one address of the service."""

    name: str  # dated and without a provider's spelling: `seedream-4-5-251128`
    wire_ids: tuple[str, ...]
    tiers: Mapping[str, Mapping[str, Pixels]]  # `2k` → `16:9` → pixels; tier names in lower case
    min_pixels: int
    max_pixels: int
    default_size: Pixels
    max_references: int  # 0: text to image only
    min_references: int = 0
    max_reference_bytes: int = 30_000_000
    reference_formats: tuple[str, ...] = ("jpeg", "png")
    output_formats: tuple[str, ...] = ()  # what `output_format` may say; empty: the field is ignored, always jpeg
    fast: bool = False
    sequence: bool = False
    stream: bool = False
    search: bool = False  # the `tools` field
    seeded: bool = False  # `seed` and `guidance_scale` mean something
    edits_layers: bool = False  # `layer_decomposition` and `background`
    lists_tiers: bool = False  # which of the two sentences a wrong tier gets (§3.4)
    counts_inputs: bool = False  # `usage.input_images`, `data[].output_format` (BP265)
    seconds: float = 15.0  # of one picture of 2048x2048
    retired: bool = False
    released: str = "1970-01-01"  # ISO date


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """One address of the service: which ids it knows, and where it differs from the others."""

    prefix: str  # `/v1`
    provider: str
    models: Mapping[str, ModelRules]  # by wire id; keys in the order of `GET {prefix}/models`
    watermark: bool = True  # what an absent `watermark` means
    gateway: bool = False  # moderation is 403 and an empty balance 429 (OVERVIEW)
    lists_models: bool = True
    plan: bool = False
    strict: bool = False  # refuse what the service ignores: a test's wish
    endpoint: ModelRules | None = None  # what stands behind every `ep-…`


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A request that keeps every rule but those about the references' bytes. `tier` or `size` is set, never both."""

    wire_id: str
    model: ModelRules
    prompt: str
    references: tuple[str, ...]
    tier: str | None
    size: Pixels | None
    max_images: int  # 1 unless a sequence is asked
    sequence: bool
    stream: bool
    inline: bool  # b64_json
    watermark: bool
    format: str  # `jpeg` or `png`
    fast: bool
    transparent: bool
    layers: bool = False  # the one reference is taken apart; `tier` may be `auto`
    search: bool = False  # the web may be searched


def read_order(body: Mapping[str, object], dialect: Dialect) -> Order:
    """Check a body. JSON null is the same as an absent key, unknown keys are ignored. Raises `RefusedError`."""
    fields = {key: value for key, value in body.items() if value is not None}
    wire_id, prompt = _text(fields, "model"), _text(fields, "prompt")
    layers = _flag(fields, "layer_decomposition", False)
    if not wire_id or not (layers or prompt.strip()):
        raise missing()
    model = find_model(wire_id, dialect)
    if dialect.strict:
        _refuse_ignored(fields, model)
    references = _references(fields, model)
    tier, size = _layer_size(fields, model, references) if layers else _size(fields, wire_id, model)
    sequence, max_images = _sequence(fields, model, len(references))
    output_format = _output_format(fields, model)
    return Order(
        wire_id=wire_id,
        model=model,
        prompt=prompt,
        references=references,
        tier=tier,
        size=size,
        max_images=max_images,
        sequence=sequence,
        stream=_stream(fields, model),
        inline=_choice(fields, "response_format", ("url", "b64_json"), "url") == "b64_json",
        watermark=_flag(fields, "watermark", dialect.watermark),
        fast=_is_fast(fields, model),
        transparent=_is_transparent(fields, model, references),
        format=_format(fields, output_format),
        layers=layers,
        search=_searches(fields, model),
    )


def find_model(wire_id: str, dialect: Dialect) -> ModelRules:
    """Dated ids, aliases and `ep-…` are known; anything else is a 404, so an undated id is too (GH:bragi-canvas#42)."""
    model = dialect.models.get(wire_id) or (dialect.endpoint if wire_id.startswith("ep-") else None)
    if model is None or model.retired:
        raise not_in_plan(wire_id) if dialect.plan else no_such_model(wire_id)
    return model


def final_size(order: Order, reference_ratios: Sequence[float]) -> Pixels:
    """The pixels of the answer. A tier takes its aspect from the prompt, else from the first reference, else 1:1."""
    if order.size is not None:
        return order.size
    table = order.model.tiers[order.tier or ""]
    if (told := _ratio_in(order.prompt, table)) is not None:
        return table[told]
    if reference_ratios:
        return min(table.values(), key=lambda size: _distance(size, reference_ratios[0]))
    return table.get("1:1") or next(iter(table.values()))


def check_reference(width: int, height: int) -> None:
    """The limits of one reference picture in pixels (§2.1). Raises `RefusedError`."""
    if min(width, height) < MIN_SIDE:
        raise invalid("image", "image width and height must be greater than 14 pixels")
    if not MIN_REFERENCE_PIXELS <= width * height <= MAX_REFERENCE_PIXELS:
        raise invalid("image", f"image pixels must be between {MIN_REFERENCE_PIXELS} and {MAX_REFERENCE_PIXELS}")
    if not within_aspect(width, height):
        raise unreadable_aspect(width / height)


def within_aspect(width: int, height: int) -> bool:
    return width <= MAX_ASPECT * height and height <= MAX_ASPECT * width


def spoken_name(wire_id: str, model: ModelRules) -> str:
    """How the service names a model in its sentences (§3.4): `doubao-seedream-4-5`; never by an endpoint's id."""
    return undated(model.wire_ids[0] if wire_id.startswith("ep-") else wire_id)


def undated(wire_id: str) -> str:
    """`doubao-seedream-4-5` for the dated id."""
    return _DATE.sub("", wire_id)


def output_tokens(sizes: Sequence[Pixels]) -> int:
    """round(Σ w·h / 256) (CN; three samples agree)."""
    return round(sum(width * height for width, height in sizes) / 256)


def _ratio_in(prompt: str, table: Mapping[str, Pixels]) -> str | None:
    for found in _RATIO.finditer(prompt):
        if (ratio := f"{int(found[1])}:{int(found[2])}") in table:
            return ratio
    lowered = prompt.lower()
    return next((ratio for word, ratio in _TURNED if word in lowered and ratio in table), None)


def _distance(size: Pixels, ratio: float) -> float:
    own = size[0] / size[1]
    return max(own / ratio, ratio / own)


def _wrong_type(field: str, expected: str, value: object) -> RefusedError:
    names = {
        type(None): "null",
        bool: "a boolean",
        str: "a string",
        int: "an integer",
        float: "a number",
        list: "an array",
    }
    return invalid(field, f"expected {expected}, but got {names.get(type(value), 'an object')} instead")


def _text(fields: Mapping[str, object], field: str) -> str:
    value = fields.get(field, "")
    if not isinstance(value, str):
        raise _wrong_type(field, "a string", value)
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise invalid(field, "not valid UTF-8")
    return value


def _flag(fields: Mapping[str, object], field: str, default: bool) -> bool:
    value = fields.get(field, default)
    if not isinstance(value, bool):
        raise _wrong_type(field, "a boolean", value)
    return value


def _choice(fields: Mapping[str, object], field: str, allowed: Sequence[str], default: str) -> str:
    value = fields.get(field, default)
    if not isinstance(value, str):
        raise _wrong_type(field, "a string", value)
    if value not in allowed:
        raise invalid(field, f"must be one of: {', '.join(allowed)}")
    return value


def _options(fields: Mapping[str, object], field: str) -> Mapping[str, object]:
    """A nested object without its nulls; the vendors' own SDKs send those at every level (M)."""
    value = fields.get(field, {})
    if not isinstance(value, Mapping):
        raise _wrong_type(field, "an object", value)
    return {key: item for key, item in value.items() if item is not None}


def _size(fields: Mapping[str, object], wire_id: str, model: ModelRules) -> tuple[str | None, Pixels | None]:
    text = _text(fields, "size")
    if not text:
        return None, model.default_size
    if text.lower() in model.tiers:
        return text.lower(), None
    if not (exact := _EXACT.match(text)):
        raise invalid("size", _wrong_tier(wire_id, model))
    width, height = int(exact[1]), int(exact[2])
    if width * height < model.min_pixels:
        raise invalid("size", f"image size must be at least {model.min_pixels} pixels")
    if width * height > model.max_pixels:
        raise invalid("size", f"image size must be at most {model.max_pixels} pixels")
    if not within_aspect(width, height):
        raise invalid("size", "image aspect ratio must be between 1/16 and 16")
    return None, (width, height)


def _wrong_tier(wire_id: str, model: ModelRules) -> str:
    if not model.lists_tiers:
        return f"the specified size is not supported for model {spoken_name(wire_id, model)}"
    *most, last = ("'WIDTHxHEIGHT'", *(f"'{tier}'" for tier in model.tiers))
    return f"size must be one of {', '.join(most)}, or {last}"


def _layer_size(
    fields: Mapping[str, object], model: ModelRules, references: Sequence[str]
) -> tuple[str | None, Pixels | None]:
    """Layers: exactly one picture, and a tier or `auto`, never pixels (§2)."""
    if not model.edits_layers:
        raise unsupported("layer_decomposition")
    if len(references) != 1:
        reason = "layer decomposition requires exactly one input image"
        raise invalid("layer_decomposition", reason, param="layer_decomposition", kind="BadRequest")
    text = _text(fields, "size").lower() or AUTO
    if text != AUTO and text not in model.tiers:
        names = ", ".join(f"'{tier}'" for tier in model.tiers)
        raise invalid("size", f"size must be one of {names}, or '{AUTO}' with layer decomposition")
    return text, None


def _references(fields: Mapping[str, object], model: ModelRules) -> tuple[str, ...]:
    value = fields.get("image", [])
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, list):
        raise _wrong_type("image", "a string or an array of strings", value)
    for item in items:
        if not isinstance(item, str):
            raise _wrong_type("image", "a string or an array of strings", item)
    if items and not model.max_references:
        raise unsupported("image")
    if len(items) > model.max_references:
        raise invalid("image", f"number of reference images cannot exceed {model.max_references}")
    if len(items) < model.min_references:
        raise missing()
    return tuple(items)


def _sequence(fields: Mapping[str, object], model: ModelRules, references: int) -> tuple[bool, int]:
    """Whether a batch is asked, and at most how many pictures: references and outputs are 15 together (§4.1)."""
    if "sequential_image_generation" in fields and not model.sequence:
        raise unsupported("sequential_image_generation")
    asked = _choice(fields, "sequential_image_generation", ("auto", "disabled"), "disabled")
    if asked == "disabled":
        return False, 1
    count = _options(fields, "sequential_image_generation_options").get("max_images", MAX_IMAGES)
    field = "sequential_image_generation_options.max_images"
    if not isinstance(count, int) or isinstance(count, bool):
        raise _wrong_type(field, "an integer", count)
    if count > MAX_IMAGES:
        reason = f"integer above maximum value, expected a value <= {MAX_IMAGES}, but got {count} instead"
        raise invalid(field, reason)
    if count < 1:
        raise invalid(field, f"integer below minimum value, expected a value >= 1, but got {count} instead")
    return True, max(1, min(count, MAX_IMAGES - references))


def _stream(fields: Mapping[str, object], model: ModelRules) -> bool:
    if (asked := _flag(fields, "stream", False)) and not model.stream:
        raise unsupported("stream")
    return asked


def _output_format(fields: Mapping[str, object], model: ModelRules) -> str:
    if not model.output_formats:  # documented as not settable, yet a sample of the documents sends it: ignored (§2)
        return "jpeg"
    return _choice(fields, "output_format", model.output_formats, "jpeg")


def _is_fast(fields: Mapping[str, object], model: ModelRules) -> bool:
    mode = _options(fields, "optimize_prompt_options").get("mode", "standard")
    if mode == "standard":
        return False
    if model.fast and mode == "fast":
        return True
    reason = "must be one of: standard, fast" if model.fast else "must be 'standard'"
    message = f"optimize_prompt_options.mode {reason}"
    raise invalid("optimize_prompt_options.mode", message)


def _is_transparent(fields: Mapping[str, object], model: ModelRules, references: Sequence[str]) -> bool:
    """The rules of `background` that need no picture (KB); the input's own transparency is checked later."""
    if "background" not in fields:
        return False
    if not model.edits_layers:
        raise unsupported("background")
    if _choice(fields, "background", ("opaque", "transparent"), "opaque") == "opaque":
        return False
    if len(references) != 1:
        reason = "transparent background requires exactly one input image"
        raise invalid("background", reason, param="background", kind="BadRequest")
    if fields.get("output_format") == "jpeg":
        reason = "must be png when background is transparent"
        raise invalid("output_format", reason, param="output_format", kind="BadRequest")
    return True


def _format(fields: Mapping[str, object], output_format: str) -> str:
    """The format, which transparency decides."""
    return "png" if fields.get("background") == "transparent" else output_format


def _searches(fields: Mapping[str, object], model: ModelRules) -> bool:
    """`tools`, of which there is one: the web search."""
    tools = fields.get("tools") or []
    if tools and not model.search:
        raise unsupported("tools")
    if not isinstance(tools, list):
        raise _wrong_type("tools", "an array", tools)
    for tool in tools:
        if not isinstance(tool, Mapping):
            raise _wrong_type("tools", "an array of objects", tool)
        if tool.get("type") != "web_search":
            raise invalid("tools.type", "must be one of: web_search")
    return bool(tools)


_ALWAYS: Final = frozenset(
    ["model", "prompt", "image", "size", "response_format", "watermark", "optimize_prompt", "optimize_prompt_options"]
)
_HARMLESS: Final = (("stream", False), ("layer_decomposition", False), ("seed", -1), ("background", "opaque"))


def _refuse_ignored(fields: Mapping[str, object], model: ModelRules) -> None:
    """What the service takes without a word and does nothing with: `n`, a seed on 4.x, a misspelt key."""
    known = set(_ALWAYS)
    known |= {"sequential_image_generation", "sequential_image_generation_options"} if model.sequence else set()
    known |= {"stream"} if model.stream else set()
    known |= {"tools"} if model.search else set()
    known |= {"output_format"} if model.output_formats else set()
    known |= {"layer_decomposition", "background"} if model.edits_layers else set()
    known |= {"seed", "guidance_scale"} if model.seeded else set()
    for name, value in fields.items():
        if name not in known and (name, value) not in _HARMLESS:
            raise unsupported(name)
