"""The same wish through each official SDK, as its documents show it, and through our own client."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import byteplussdkarkruntime
import openai
import volcenginesdkarkruntime
from byteplussdkarkruntime.types.images import OptimizePromptOptions as ByteplusOptimize
from byteplussdkarkruntime.types.images import SequentialImageGenerationOptions as ByteplusSequence
from volcenginesdkarkruntime.types.images import OptimizePromptOptions as VolcengineOptimize
from volcenginesdkarkruntime.types.images import SequentialImageGenerationOptions as VolcengineSequence

from seedpipe.service.client import ServiceClient
from seedpipe.service.delivery import Delivery
from seedpipe.service.refusals import Refusal
from seedpipe.service.reply import PictureAt
from seedpipe.service.request import GenerationRequest, encode
from seedpipe.service.stream import FrameArrived
from tests.conformance.wishes import Came, Wish

KEY: Final = "test-key"


def by_openai(base: str, wish: Wish, wire: str, retries: int = 0) -> Came:
    extra: dict[str, Any] = {"watermark": wish.watermark, "sequential_image_generation": wish.mode}
    if wish.images:
        extra["image"] = list(wish.images)
    if wish.frames > 1:
        extra["sequential_image_generation_options"] = {"max_images": wish.frames}
    if wish.fast:
        extra["optimize_prompt_options"] = {"mode": "fast"}
    given: dict[str, Any] = {"output_format": wish.output_format} if wish.output_format else {}
    with openai.OpenAI(base_url=base, api_key=KEY, max_retries=retries) as client:
        answer = client.images.generate(
            model=wire,
            prompt=wish.prompt,
            size=wish.size,  # type: ignore[arg-type]
            response_format="b64_json" if wish.inline else "url",
            extra_body=extra,
            **given,
            **({"stream": True} if wish.stream else {}),
        )
        return _came(answer, wish)


@dataclass(frozen=True)
class _Ark:
    """Both vendors' SDKs are one code under two names."""

    client: Callable[..., Any]
    sequence: Callable[..., Any]
    optimize: Callable[..., Any]

    def __call__(self, base: str, wish: Wish, wire: str, retries: int = 0) -> Came:
        client = self.client(api_key=KEY, base_url=base, max_retries=retries)
        try:
            answer = client.images.generate(
                model=wire,
                prompt=wish.prompt,
                image=list(wish.images) or None,
                size=wish.size,
                response_format=wish.response_format,
                watermark=wish.watermark,
                output_format=wish.output_format,
                sequential_image_generation=wish.mode,
                sequential_image_generation_options=self.sequence(max_images=wish.frames) if wish.frames > 1 else None,
                optimize_prompt_options=self.optimize(mode="fast") if wish.fast else None,
                **({"stream": True} if wish.stream else {}),
            )
            return _came(answer, wish)
        finally:
            client.close()


def seedpipe_body(wish: Wish, wire: str) -> bytes:
    """What our client sends."""
    return encode(
        GenerationRequest(
            model=wire,
            prompt=wish.prompt,
            size=wish.size,
            watermark=wish.watermark,
            response_format=wish.response_format,
            images=wish.images,
            sequential_image_generation=wish.mode,
            max_images=wish.frames if wish.frames > 1 else None,
            output_format=wish.output_format,
            optimize_prompt="fast" if wish.fast else None,
            stream=wish.stream,
        )
    )


def by_seedpipe(base: str, wish: Wish, wire: str) -> Came:
    body = seedpipe_body(wish, wire)

    async def session() -> Came:
        pictures, end = {}, None
        async with ServiceClient(base, KEY) as client:
            async for step in client.generate_frames(
                body, frames=wish.frames, timeout=30, silence=30, client_request_id="conformance"
            ):
                if isinstance(step, Delivery | Refusal):
                    end = step
                    continue
                for frame in step:
                    if isinstance(frame, FrameArrived):
                        it = frame.picture
                        size = f"{it.size[0]}x{it.size[1]}" if it.size else ""
                        pictures[frame.index] = (it.url if isinstance(it, PictureAt) else it.encoded, size)
        assert isinstance(end, Delivery), end
        return Came(pictures=tuple(pictures[index] for index in sorted(pictures)), generated=end.generated_images)

    return asyncio.run(session())


def _came(answer: Any, wish: Wish) -> Came:
    if not wish.stream:
        pictures = tuple(_picture(item) for item in answer.data)
        return Came(pictures=pictures, generated=_get(answer.usage, "generated_images"))
    *frames, last = list(answer)
    assert last.type == "image_generation.completed"
    return Came(pictures=tuple(_picture(it) for it in frames), generated=_get(last.usage, "generated_images"))


def _picture(item: Any) -> tuple[str, str]:
    return _get(item, "url") or _get(item, "b64_json"), _get(item, "size")


def _get(thing: Any, name: str) -> Any:
    """The vendors' classes leave some of what arrives as plain dictionaries."""
    return thing.get(name) if isinstance(thing, Mapping) else getattr(thing, name, None)


by_volcengine = _Ark(volcenginesdkarkruntime.Ark, VolcengineSequence, VolcengineOptimize)
by_byteplus = _Ark(byteplussdkarkruntime.Ark, ByteplusSequence, ByteplusOptimize)


@dataclass(frozen=True)
class Official:
    """An official SDK: where it sends to, and how its provider calls the models."""

    send: Callable[..., Came]
    prefix: str
    spelling: str = "{}"

    def wire(self, model: str) -> str:
        return self.spelling.format(model)


OFFICIAL: Final = {
    "openai": Official(by_openai, "/v1"),
    "volcengine": Official(by_volcengine, "/api/v3", "doubao-{}"),
    "byteplus": Official(by_byteplus, "/api/v3"),
}
