"""The wishes that every client is given, and what each client is told to send for them."""

from dataclasses import dataclass, field
from typing import Final

from tests.emulator.running import data_url, picture

ONE: Final = data_url(picture(40, 30))
TWO: Final = data_url(picture(30, 40, colour="#c2643f"))
THREE: Final = data_url(picture(20, 20, colour="#1f3a5f"))


@dataclass(frozen=True, kw_only=True)
class Wish:
    """One generation in nobody's words. `frames` above 1 is a sequence."""

    name: str
    prompt: str
    images: tuple[str, ...] = ()
    size: str = "1280x720"
    frames: int = 1
    stream: bool = False
    inline: bool = False
    watermark: bool = False
    fast: bool = False
    model: str = "seedream-4-0-250828"
    output_format: str | None = None

    @property
    def response_format(self) -> str:
        return "b64_json" if self.inline else "url"

    @property
    def mode(self) -> str:
        return "auto" if self.frames > 1 else "disabled"


BOARD: Final = "Generate 3 separate images: 1. dawn 2. noon 3. dusk"
MODES: Final = (
    Wish(name="text-to-image", prompt="ein Licht, 灯, “quoted”"),
    Wish(name="text-to-image-fast", prompt="a lamp", fast=True, watermark=True),
    Wish(name="text-to-image-png", prompt="a lamp", model="seedream-5-0-260128", size="2560x1440", output_format="png"),
    Wish(name="edit", prompt="make image 1 blue", images=(ONE,)),
    Wish(name="fusion", prompt="image 1 on image 2, lit as image 3", images=(ONE, TWO, THREE)),
    Wish(name="sequence", prompt=BOARD, frames=3),
    Wish(name="sequence-of-references", prompt=BOARD, frames=3, images=(ONE, TWO)),
    Wish(name="stream", prompt=BOARD, frames=3, stream=True),
    Wish(name="stream-of-one", prompt="a lamp", stream=True),
)
INLINE: Final = ("text-to-image", "edit", "fusion", "sequence", "stream")  # asked for as base64 too
WISHES: Final = tuple(
    Wish(**{**vars(wish), "name": f"{wish.name}-{form}", "inline": form == "b64_json"})
    for wish in MODES
    for form in ("url", "b64_json")
    if form == "url" or wish.name in INLINE
)


@dataclass(frozen=True, kw_only=True)
class Came:
    """What a client made of the answer: each picture's address or base64 and told size, and the billing number."""

    pictures: tuple[tuple[str, str], ...] = field(repr=False)
    generated: int | None
