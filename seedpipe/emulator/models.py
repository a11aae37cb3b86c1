"""From the catalogue to the emulator's own rules: which ids each address knows, and what each model takes there."""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlsplit

from seedpipe.catalogue.catalogue import Catalogue
from seedpipe.catalogue.model import Feature, Mode, Model, ModelStatus
from seedpipe.catalogue.provider import Provider
from seedpipe.emulator.rules import Dialect, ModelRules, Pixels

GATEWAY: Final = "/v1"
ARK: Final = "/api/v3"
PLAN: Final = "/api/plan/v3"
_DATED: Final = re.compile(r"-[0-9]{6}\Z")
_NEW_SENTENCES: Final = "2026"  # models released since then name the tiers they take (§3.4)
_SQUARE: Final = (2048, 2048)


def make_dialects(
    catalogue: Catalogue, *, endpoint_model: str, strict: bool = False, first: str | None = None
) -> Mapping[str, Dialect]:
    """The three addresses. An id that two providers share follows the first of each address's list.

    `first`: the provider whose rules come before all others. Raises `UnknownModelError` for `endpoint_model`,
    `UnknownProviderError` for `first`.
    """
    endpoint = catalogue.model_id(endpoint_model)
    leading = [] if first is None else [catalogue.provider(first).id]
    plans = [name for name, provider in catalogue.providers.items() if provider.base_url.endswith(PLAN)]
    others = [name for name in catalogue.providers if name not in plans]
    orders = {GATEWAY: ["apiyi", *others], ARK: ["byteplus", "volcengine", *others], PLAN: plans}
    dialects = {}
    for prefix, named in orders.items():
        order = list(dict.fromkeys([*(name for name in leading if name in named), *named]))
        models: dict[str, ModelRules] = {}
        for provider in order:
            for wire_id, rules in _ids(catalogue, provider):
                models.setdefault(wire_id, rules)
        behind = next((rules for rules in models.values() if rules.name == endpoint), None)
        dialects[prefix] = Dialect(
            prefix=prefix,
            provider=named[0] if named else "",
            models=models,
            watermark=prefix != GATEWAY,
            gateway=prefix == GATEWAY,
            lists_models=prefix != PLAN,
            plan=prefix == PLAN,
            strict=strict,
            endpoint=behind,
        )
    return dialects


def address_of(provider: Provider) -> str:
    """The emulator's address that stands for a provider's own: of the same path, else of the same dialect."""
    path = urlsplit(provider.base_url).path
    if path in (GATEWAY, ARK, PLAN):
        return path
    return GATEWAY if provider.blocked_statuses else ARK


def model_list(dialect: Dialect) -> dict[str, object]:
    """The body of `GET {prefix}/models` (GH:can1357/oh-my-pi#4201)."""
    return {"object": "list", "data": [_entry(wire_id, rules) for wire_id, rules in dialect.models.items()]}


def _ids(catalogue: Catalogue, provider: str) -> Iterator[tuple[str, ModelRules]]:
    """Every spelling that a provider takes. Undated ids are the plan's alone, and what a user's own file adds (KB)."""
    found = catalogue.providers.get(provider)
    for offer in found.offers.values() if found else ():
        rules = _rules(catalogue.model(offer.model, provider), (offer.wire, *offer.also))
        for wire_id in rules.wire_ids:
            yield wire_id, rules


def _rules(model: Model, wire_ids: tuple[str, ...]) -> ModelRules:
    return ModelRules(
        name=model.id,
        wire_ids=wire_ids,
        tiers={tier.lower(): dict(model.sizes[tier]) for tier in model.tiers},
        min_pixels=model.pixels.min,
        max_pixels=model.pixels.max,
        default_size=_pixels(model.default_size),
        max_references=model.references.max,
        min_references=0 if Mode.TEXT_TO_IMAGE in model.modes else 1,
        max_reference_bytes=model.references.max_bytes,
        reference_formats=tuple(model.references.formats),
        output_formats=("jpeg", "png") if model.sends_output_format else (),
        fast="fast" in model.optimize_modes,
        sequence=Mode.SEQUENCE in model.modes,
        stream=Mode.STREAM in model.modes,
        search=model.has(Feature.WEB_SEARCH),
        seeded=model.has(Feature.SEED),
        edits_layers=model.has(Feature.BACKGROUND),
        lists_tiers=model.released >= _NEW_SENTENCES,
        counts_inputs=model.has(Feature.LAYERS),
        seconds=model.seconds_per_image,
        retired=model.status is ModelStatus.SHUTDOWN,
        released=model.released,
    )


def _pixels(text: str) -> Pixels:
    width, _, height = text.partition("x")
    return (int(width), int(height)) if width.isdigit() and height.isdigit() else _SQUARE


def _entry(wire_id: str, rules: ModelRules) -> dict[str, object]:
    tasks = [] if rules.min_references else ["TextToImage"]
    tasks += ["ImageToImage"] if rules.max_references else []
    entry: dict[str, object] = {
        "id": wire_id,
        "name": _DATED.sub("", wire_id),
        "version": wire_id.rsplit("-", 1)[-1],
        "object": "model",
        "created": int(datetime.fromisoformat(rules.released).replace(tzinfo=UTC).timestamp()),
        "domain": "ImageGeneration",
        "task_type": tasks,
        "modalities": {
            "input_modalities": ["text", "image"] if rules.max_references else ["text"],
            "output_modalities": ["image"],
        },
        "features": {},
        "token_limits": {},
    }
    if rules.retired:
        entry["status"] = "Shutdown"
    return entry
