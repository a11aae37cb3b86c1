"""From a node whose inputs are there to the bytes of its request: references read, fitted and encoded."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from seedpipe.catalogue.model import Feature, Mode, Model
from seedpipe.images.sending import Prepared, ReferenceLimits, prepare_reference
from seedpipe.manifest.node import ImageNode
from seedpipe.names import Digest
from seedpipe.plan.key import Asked
from seedpipe.service.request import GenerationRequest, data_url, encode
from seedpipe.state.store import Store

Noticed = Callable[[str], None]


def body_maker(
    node: ImageNode,
    asked: Asked,
    references: Sequence[Digest],
    *,
    model: Model,
    wire: str,
    store: Store,
    noticed: Noticed,
) -> Callable[[], Awaitable[bytes]]:
    """A function that makes the body when it is needed: references may be many megabytes each.

    It raises `SeedpipeError` for a reference that the service can't take in any form.
    """

    async def make() -> bytes:
        return await asyncio.to_thread(_body, node, asked, references, model, wire, store, noticed)

    return make


def _body(
    node: ImageNode,
    asked: Asked,
    references: Sequence[Digest],
    model: Model,
    wire: str,
    store: Store,
    noticed: Noticed,
) -> bytes:
    limits = _limits(model)
    images = []
    for reference, digest in zip(node.references, references, strict=True):
        prepared: Prepared = prepare_reference(store.read(digest), limits, name=reference.address)
        if prepared.changed:
            noticed(f"{reference.address} is re-encoded for sending: {prepared.why}")
        images.append(data_url(prepared.format, prepared.data))
    return encode(
        GenerationRequest(
            model=wire,
            prompt=asked.prompt,
            size=asked.size,
            watermark=asked.watermark,
            response_format=node.response_format,
            images=tuple(images),
            sequential_image_generation="disabled" if Mode.SEQUENCE in model.modes else None,
            output_format=asked.output_format if model.sends_output_format else None,
            optimize_prompt=asked.optimize_prompt if asked.optimize_prompt != "standard" else None,
            seed=asked.seed if model.has(Feature.SEED) else None,
            guidance_scale=asked.guidance_scale if model.has(Feature.GUIDANCE_SCALE) else None,
            background=asked.background if asked.background != "opaque" else None,
            web_search=asked.web_search,
        )
    )


def _limits(model: Model) -> ReferenceLimits:
    return ReferenceLimits(
        formats=model.references.formats,
        max_bytes=model.references.max_bytes,
        max_pixels=model.references.pixels.max,
        min_pixels=model.references.pixels.min,
        min_side=model.references.min_side,
        aspect_min=model.references.aspect.min,
        aspect_max=model.references.aspect.max,
    )
