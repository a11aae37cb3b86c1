"""From a wish whose inputs are there to the bytes of its request: references read, fitted and encoded."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from seedpipe.catalogue.model import Feature, Mode, Model
from seedpipe.images.sending import Prepared, ReferenceLimits, prepare_reference
from seedpipe.names import Digest
from seedpipe.plan.key import Asked
from seedpipe.service.request import GenerationRequest, data_url, encode
from seedpipe.state.store import Store

LAYER_FORMATS = ("png", "jpeg")  # of a picture that is taken apart (BP265)
Noticed = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """What is about to be sent. `references` are addresses with their pictures, in order; `wire` is the model's id there.

    `frames`: the most pictures that a sequence may bring; None is a single picture.
    """

    asked: Asked
    references: Sequence[tuple[str, Digest]]
    response_format: str
    model: Model
    wire: str
    frames: int | None = None
    layers: bool = False  # of the one reference; `frames` is then the most that may come

    @property
    def is_streamed(self) -> bool:
        """By default wherever the model can and more than one picture is asked for."""
        return (self.frames or 1) > 1 and Mode.STREAM in self.model.modes and not self.layers


def body_maker(sending: Sending, *, store: Store, noticed: Noticed) -> Callable[[], Awaitable[bytes]]:
    """A function that makes the body when it is needed: references may be many megabytes each.

    It raises `SeedpipeError` for a reference that the service can't take in any form.
    """

    async def make() -> bytes:
        return await asyncio.to_thread(_body, sending, store, noticed)

    return make


def _body(sending: Sending, store: Store, noticed: Noticed) -> bytes:
    asked, model = sending.asked, sending.model
    limits = _limits(model)
    if sending.layers:
        limits = replace(limits, formats=LAYER_FORMATS)
    if asked.background == "transparent":
        limits = replace(limits, formats=("png",))
    images = []
    for address, digest in sending.references:
        prepared: Prepared = prepare_reference(store.read(digest), limits, name=address)
        if prepared.changed:
            noticed(f"{address} is re-encoded for sending: {prepared.why}")
        images.append(data_url(prepared.format, prepared.data))
    sequential = None
    if Mode.SEQUENCE in model.modes and not sending.layers:
        sequential = "disabled" if sending.frames is None else "auto"
    return encode(
        GenerationRequest(
            model=sending.wire,
            prompt=asked.prompt,
            size=asked.size,
            watermark=asked.watermark,
            response_format=sending.response_format,
            images=tuple(images),
            sequential_image_generation=sequential,
            max_images=None if sending.layers else sending.frames,
            stream=sending.is_streamed,
            output_format=asked.output_format if model.sends_output_format else None,
            optimize_prompt=asked.optimize_prompt if asked.optimize_prompt != "standard" else None,
            seed=asked.seed if model.has(Feature.SEED) else None,
            guidance_scale=asked.guidance_scale if model.has(Feature.GUIDANCE_SCALE) else None,
            background=asked.background if asked.background != "opaque" else None,
            web_search=asked.web_search,
            layers=sending.layers,
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
