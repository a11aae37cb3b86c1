"""The wishes that every client is given, and what each client is told to send for them."""

from dataclasses import dataclass, field, replace
from typing import Final

from tests.emulator.running import data_url, picture

ONE: Final = data_url(picture(40, 30))
TWO: Final = data_url(picture(30, 40, colour="#c2643f"))
THREE: Final = data_url(picture(20, 20, colour="#1f3a5f"))
CUT_OUT: Final = data_url(picture(64, 64, mode="RGBA", colour=(31, 58, 95, 0)))
V40: Final = "seedream-4-0-250828"
LITE: Final = "seedream-5-0-260128"


@dataclass(frozen=True, kw_only=True)
class Wish:
    """One generation in nobody's words. `frames` above 1 is a sequence, or the layers that one picture becomes."""

    name: str
    prompt: str
    images: tuple[str, ...] = ()
    size: str = "1280x720"
    frames: int = 1
    stream: bool = False
    inline: bool = False
    watermark: bool = False
    fast: bool = False
    layers: bool = False
    transparent: bool = False
    search: bool = False
    seed: int | None = None
    guidance: float | None = None
    model: str = V40
    has_sequences: bool = True  # for models without, the field is not sent: they refuse it (KB)
    output_format: str | None = None
    by: tuple[str, ...] = ("openai", "volcengine", "byteplus")  # whose provider has it

    @property
    def response_format(self) -> str:
        return "b64_json" if self.inline else "url"

    @property
    def mode(self) -> str | None:
        if not self.has_sequences:
            return None
        return "auto" if self.frames > 1 else "disabled"

    @property
    def max_images(self) -> int | None:
        return self.frames if self.mode == "auto" else None

    @property
    def background(self) -> str | None:
        return "transparent" if self.transparent else None


BOARD: Final = "Generate 3 separate images: 1. dawn 2. noon 3. dusk"
PRO: Final = "dola-seedream-5-0-pro-260628"
MODES: Final = (
    Wish(name="text-to-image", prompt="ein Licht, 灯, “quoted”"),
    Wish(name="text-to-image-tier", prompt="a lamp, 16:9", size="1K"),
    Wish(name="text-to-image-fast", prompt="a lamp", fast=True, watermark=True),
    Wish(name="text-to-image-png", prompt="a lamp", model=LITE, size="2560x1440", output_format="png"),
    Wish(name="text-to-image-search", prompt="today's sky", model=LITE, size="2560x1440", search=True, by=("volcengine",)),
    Wish(
        name="text-to-image-seeded", prompt="a lamp", model="seedream-3-0-t2i-250415", size="512x512", seed=7, guidance=3.5,
        has_sequences=False,
    ),
    Wish(name="endpoint", prompt="a lamp", model="ep-20260101-abcde", size="2560x1440"),
    Wish(name="edit", prompt="make image 1 blue", images=(ONE,)),
    Wish(
        name="edit-transparent", prompt="make it amber", images=(CUT_OUT,), model=PRO, size="1024x1024",
        transparent=True, output_format="png", has_sequences=False,
    ),
    Wish(
        name="layers", prompt="take it apart into 3 layers", images=(ONE,), frames=3, model=PRO, size="auto", layers=True,
        has_sequences=False,
    ),
    Wish(name="fusion", prompt="image 1 on image 2, lit as image 3", images=(ONE, TWO, THREE)),
    Wish(
        name="fusion-of-addresses", prompt="image 1 on image 2",
        images=("https://pictures.example/lamp.png", "https://pictures.example/table.jpg"),
    ),
    Wish(name="sequence", prompt=BOARD, frames=3),
    Wish(name="sequence-of-references", prompt=BOARD, frames=3, images=(ONE, TWO)),
    Wish(name="stream", prompt=BOARD, frames=3, stream=True),
    Wish(name="stream-of-references", prompt=BOARD, frames=3, stream=True, images=(ONE, TWO)),
    Wish(name="stream-of-one", prompt="a lamp", stream=True),
)  # fmt: skip
INLINE: Final = ("text-to-image", "edit", "edit-transparent", "layers", "fusion", "sequence", "stream")  # as base64 too
WISHES: Final = tuple(
    replace(wish, name=f"{wish.name}-{form}", inline=form == "b64_json")
    for wish in MODES
    for form in ("url", "b64_json")
    if form == "url" or wish.name in INLINE
)


@dataclass(frozen=True, kw_only=True)
class Came:
    """What a client made of the answer: each picture's address or base64 and told size, and the billing number."""

    pictures: tuple[tuple[str, str], ...] = field(repr=False)
    generated: int | None
