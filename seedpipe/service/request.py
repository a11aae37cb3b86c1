"""The body of one request. Pure: the same request gives the same bytes."""

import base64
import json
import re
from dataclasses import dataclass
from typing import Any, Final

_DECIMAL: Final = re.compile(r"-?[0-9]+(\.[0-9]+)?\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerationRequest:
    """One generation in the words of the wire. `images`: data URLs, in the order the prompt counts them.

    Fields that are None are not sent: a model that does not know a field may refuse it (KB).
    """

    model: str  # the provider's id, or `ep-…`
    prompt: str  # may be empty with `layers`
    size: str  # a tier or `WxH`, or `auto` with `layers`
    watermark: bool
    response_format: str = "url"  # `url` | `b64_json`
    images: tuple[str, ...] = ()
    sequential_image_generation: str | None = "disabled"  # `auto` | `disabled`; None for models without sequences
    max_images: int | None = None  # of a sequence: 1 to 15; None is the service's default, 15
    stream: bool = False  # never sent where it is off: some models refuse the field
    output_format: str | None = None  # None for models that do not let it be set
    optimize_prompt: str | None = None  # `standard` | `fast`
    seed: int | None = None
    guidance_scale: str | None = None  # a decimal as text
    background: str | None = None
    web_search: bool = False
    layers: bool = False  # takes the one image apart


def encode(request: GenerationRequest) -> bytes:
    """The JSON body. Raises `ValueError` for a guidance scale that is no decimal, or text without a UTF-8 form."""
    body: dict[str, Any] = {
        "model": request.model,
        **({"prompt": request.prompt} if request.prompt or not request.layers else {}),
        "size": request.size,
        "watermark": request.watermark,
        "response_format": request.response_format,
    }
    if request.images:
        body["image"] = list(request.images)  # always an array (OVERVIEW)
    optional = {
        "sequential_image_generation": request.sequential_image_generation,
        "stream": request.stream or None,
        "output_format": request.output_format,
        "seed": request.seed,
        "guidance_scale": None if request.guidance_scale is None else _number(request.guidance_scale),
        "background": request.background,
    }
    if request.max_images is not None:
        body["sequential_image_generation_options"] = {"max_images": request.max_images}
    body.update({name: value for name, value in optional.items() if value is not None})
    if request.optimize_prompt is not None:
        body["optimize_prompt_options"] = {"mode": request.optimize_prompt}
    if request.layers:
        body["layer_decomposition"] = True
    if request.web_search:
        body["tools"] = [{"type": "web_search"}]
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def _number(text: str) -> int | float:
    if not _DECIMAL.match(text):
        raise ValueError(f"`{text}` is not a decimal like `2.5`")
    return float(text) if "." in text else int(text)


def data_url(image_format: str, data: bytes) -> str:
    """`data:image/<format>;base64,…`; the service takes the format in lower case only (BP-API)."""
    return f"data:image/{image_format.lower()};base64,{base64.b64encode(data).decode()}"
