"""One request against one model: what the service would refuse, or ignore, after, said before."""

import re
from typing import Final

from seedpipe.catalogue.model import EXACT, Feature, Finding, Model, ModelStatus, Sentences
from seedpipe.catalogue.sizes import parse_pixels
from seedpipe.errors import Severity

SEED_RANGE: Final = (-1, 2_147_483_647)  # (BP-API)
GUIDANCE_RANGE: Final = (1, 10)  # (BP-API)
_WIDE: Final = re.compile(r"[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]")
_DECIMAL: Final = re.compile(r"[0-9]{1,3}(\.[0-9]{1,6})?\Z")


def check(
    model: Model,
    *,
    size: str | None = None,
    aspect: str | None = None,
    references: int = 0,
    outputs: int = 1,
    output_format: str | None = None,
    optimize_prompt: str | None = None,
    seed: int | None = None,
    guidance_scale: str | None = None,
    background: str | None = None,
    web_search: bool = False,
    prompt: str | None = None,
) -> tuple[Finding, ...]:
    """All findings, by field of the manifest. `size` is a tier or `WxH`, `guidance_scale` a decimal."""
    found = [*_found("model", model.status_faults()), *_status_warnings(model)]
    found += size_findings(model, size, aspect)
    found += _found("references", model.reference_faults(references, outputs))
    if output_format is not None:
        found += _found("output_format", model.output_format_faults(output_format))
    if optimize_prompt is not None:
        found += _found("optimize_prompt", model.optimize_faults(optimize_prompt))
    found += _seed(model, seed) + _guidance(model, guidance_scale)
    found += _background(model, background, references, output_format)
    if web_search:
        found += _found("web_search", model.feature_faults(Feature.WEB_SEARCH))
    if prompt is not None:
        found += _found("prompt", prompt_advice(model, prompt), Severity.WARNING)
    return tuple(found)


def size_findings(model: Model, size: str | None, aspect: str | None) -> list[Finding]:
    """About `size` (a tier, `WxH`, or None for the model's default) together with `aspect`."""
    pixels = None if size is None else parse_pixels(size)
    if pixels is not None and aspect is not None:
        text = f"`size: {size}` says the aspect already: leave out `aspect: {aspect}`, or write a tier"
        return _found("aspect", (text,))
    if pixels is not None:
        return _found("size", model.size_faults(*pixels))
    if aspect is None:
        return [] if size is None else _found("size", model.tier_faults(size))
    tier = size or model.default_tier or EXACT
    return _found("size", model.tier_faults(tier)) or _found("aspect", model.aspect_faults(tier, aspect))


def prompt_advice(model: Model, prompt: str) -> Sentences:
    """Advice on length: the service takes more, but details get lost (BP-API)."""
    wide = len(_WIDE.findall(prompt))
    words = len(_WIDE.sub(" ", prompt).split())
    if wide > model.prompt.characters:
        return (
            f"the prompt has {wide} Chinese, Japanese or Korean characters,"
            f" {model.prompt.characters} at most are advised: details may get lost",
        )
    if words > model.prompt.words:
        return (f"the prompt has {words} words, {model.prompt.words} at most are advised: details may get lost",)
    return ()


def _found(field: str, sentences: Sentences, severity: Severity = Severity.ERROR) -> list[Finding]:
    return [Finding(field=field, message=sentence, severity=severity) for sentence in sentences]


def _status_warnings(model: Model) -> list[Finding]:
    if model.status is not ModelStatus.RETIRING:
        return []
    return _found("model", (f"`{model.id}` is being retired: plan to move",), Severity.WARNING)


def _seed(model: Model, seed: int | None) -> list[Finding]:
    if seed is None:
        return []
    if not SEED_RANGE[0] <= seed <= SEED_RANGE[1]:
        return _found("seed", (f"`seed: {seed}` is outside {SEED_RANGE[0]} … {SEED_RANGE[1]}",))
    return _found("seed", model.feature_faults(Feature.SEED))


def _guidance(model: Model, scale: str | None) -> list[Finding]:
    if scale is None:
        return []
    if not _DECIMAL.match(scale) or not GUIDANCE_RANGE[0] <= float(scale) <= GUIDANCE_RANGE[1]:
        low, high = GUIDANCE_RANGE
        return _found("guidance_scale", (f"`guidance_scale: {scale}` is not a number from {low} to {high}",))
    return _found("guidance_scale", model.feature_faults(Feature.GUIDANCE_SCALE))


def _background(model: Model, background: str | None, references: int, output_format: str | None) -> list[Finding]:
    """`transparent` needs exactly one PNG with transparency, and PNG as output (KB)."""
    if background is None or background == "opaque":
        return []
    if background != "transparent":
        return _found("background", (f"`background: {background}` is neither `opaque` nor `transparent`",))
    found = _found("background", model.feature_faults(Feature.BACKGROUND))
    if not found and references != 1:
        found += _found("background", (f"a transparent background needs exactly one reference, here are {references}",))
    if not found and output_format != "png":
        found += _found("output_format", ("a transparent background needs `output_format: png`",))
    return found
