"""The same wish through each official SDK, sync and async, as its documents show it, and through our own client."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import byteplussdkarkruntime
import openai
import volcenginesdkarkruntime
from byteplussdkarkruntime.types import images as byteplus_types
from volcenginesdkarkruntime.types import images as volcengine_types

from seedpipe.service.client import ServiceClient
from seedpipe.service.delivery import Delivery
from seedpipe.service.refusals import Refusal
from seedpipe.service.reply import PictureAt
from seedpipe.service.request import GenerationRequest, encode
from seedpipe.service.stream import FrameArrived
from tests.conformance.wishes import Came, Wish

KEY: Final = "test-key"


def openai_arguments(wish: Wish, wire: str) -> dict[str, Any]:
    """What the SDK knows by name, and the rest as `extra_body`."""
    extra: dict[str, Any] = {"watermark": wish.watermark}
    if wish.mode:
        extra["sequential_image_generation"] = wish.mode
    if wish.images:
        extra["image"] = list(wish.images)
    if wish.max_images:
        extra["sequential_image_generation_options"] = {"max_images": wish.max_images}
    if wish.fast:
        extra["optimize_prompt_options"] = {"mode": "fast"}
    if wish.layers:
        extra["layer_decomposition"] = True
    if wish.search:
        extra["tools"] = [{"type": "web_search"}]
    extra |= {name: value for name, value in _numbers(wish).items() if value is not None}
    given = {"output_format": wish.output_format, "background": wish.background, "stream": wish.stream or None}
    return {
        "model": wire,
        "prompt": wish.prompt,
        "size": wish.size,
        "response_format": wish.response_format,
        "extra_body": extra,
        **{name: value for name, value in given.items() if value is not None},
    }


def _numbers(wish: Wish) -> dict[str, Any]:
    return {"seed": wish.seed, "guidance_scale": wish.guidance}


@dataclass(frozen=True)
class ArkArguments:
    """Both vendors' SDKs are one code under two names, with classes of their own."""

    types: Any

    def __call__(self, wish: Wish, wire: str) -> dict[str, Any]:
        sequence, optimize = self.types.SequentialImageGenerationOptions, self.types.OptimizePromptOptions
        return {
            "model": wire,
            "prompt": wish.prompt,
            "image": list(wish.images) or None,
            "size": wish.size,
            "response_format": wish.response_format,
            "watermark": wish.watermark,
            "output_format": wish.output_format,
            "sequential_image_generation": wish.mode,
            "sequential_image_generation_options": sequence(max_images=wish.max_images) if wish.max_images else None,
            "optimize_prompt_options": optimize(mode="fast") if wish.fast else None,
            "layer_decomposition": True if wish.layers else None,
            "tools": [self.types.ContentGenerationTool(type="web_search")] if wish.search else None,
            **_numbers(wish),
            **({"extra_body": {"background": wish.background}} if wish.background else {}),
            **({"stream": True} if wish.stream else {}),
        }


@dataclass(frozen=True, kw_only=True)
class Official:
    """An official SDK: where it sends to, and how its provider calls the models."""

    client: Callable[..., Any]
    async_client: Callable[..., Any]
    arguments: Callable[[Wish, str], dict[str, Any]]
    prefix: str
    spelling: str = "{}"

    def wire(self, model: str) -> str:
        if model.startswith("ep-"):
            return model
        return self.spelling.format(model.removeprefix("dola-") if self.spelling != "{}" else model)

    def send(self, base: str, wish: Wish, wire: str, retries: int = 0) -> Came:
        client = self.client(api_key=KEY, base_url=base, max_retries=retries)
        try:
            answer = client.images.generate(**self.arguments(wish, wire))
            return _came(list(answer) if wish.stream else answer, wish)
        finally:
            client.close()

    def send_async(self, base: str, wish: Wish, wire: str, retries: int = 0) -> Came:
        async def session() -> Came:
            client = self.async_client(api_key=KEY, base_url=base, max_retries=retries)
            try:
                answer = await client.images.generate(**self.arguments(wish, wire))
                return _came([event async for event in answer] if wish.stream else answer, wish)
            finally:
                await client.close()

        return asyncio.run(session())

    @property
    def ways(self) -> dict[str, Callable[..., Came]]:
        return {"sync": self.send, "async": self.send_async}


def _came(answer: Any, wish: Wish) -> Came:
    """Of a whole answer, or of a stream's events."""
    if not wish.stream:
        pictures = tuple(_picture(item) for item in answer.data)
        return Came(pictures=pictures, generated=_get(answer.usage, "generated_images"))
    *frames, last = answer
    assert last.type == "image_generation.completed"
    return Came(pictures=tuple(_picture(it) for it in frames), generated=_get(last.usage, "generated_images"))


def _picture(item: Any) -> tuple[str, str]:
    return _get(item, "url") or _get(item, "b64_json"), _get(item, "size")


def _get(thing: Any, name: str) -> Any:
    """The vendors' classes leave some of what arrives as plain dictionaries."""
    return thing.get(name) if isinstance(thing, Mapping) else getattr(thing, name, None)


OFFICIAL: Final = {
    "openai": Official(client=openai.OpenAI, async_client=openai.AsyncOpenAI, arguments=openai_arguments, prefix="/v1"),
    "volcengine": Official(
        client=volcenginesdkarkruntime.Ark,
        async_client=volcenginesdkarkruntime.AsyncArk,
        arguments=ArkArguments(volcengine_types),
        prefix="/api/v3",
        spelling="doubao-{}",
    ),
    "byteplus": Official(
        client=byteplussdkarkruntime.Ark,
        async_client=byteplussdkarkruntime.AsyncArk,
        arguments=ArkArguments(byteplus_types),
        prefix="/api/v3",
    ),
}


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
            max_images=wish.max_images,
            output_format=wish.output_format,
            optimize_prompt="fast" if wish.fast else None,
            stream=wish.stream,
            seed=wish.seed,
            guidance_scale=None if wish.guidance is None else str(wish.guidance),
            background=wish.background,
            web_search=wish.search,
            layers=wish.layers,
        )
    )


def by_seedpipe(base: str, wish: Wish, wire: str) -> Came:
    """Raises `AssertionError` with the refusal where nothing came."""
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
                for frame in step.items:
                    if isinstance(frame, FrameArrived):
                        it = frame.picture
                        size = f"{it.size[0]}x{it.size[1]}" if it.size else ""
                        pictures[frame.index] = (it.url if isinstance(it, PictureAt) else it.encoded, size)
        assert isinstance(end, Delivery), end
        return Came(pictures=tuple(pictures[index] for index in sorted(pictures)), generated=end.generated_images)

    return asyncio.run(session())
