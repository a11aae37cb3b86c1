"""The wire notes' table of request fields (§2, §3) as data: what each model takes, and how it is asked for.

The judge of both sides: it shares nothing with the catalogue, from which client and emulator have their rules.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

LITE, V45, V40, PRO, FLASH, T2I, EDIT = "5.0 lite", "4.5", "4.0", "5.0 pro", "5.0 flash", "3.0 t2i", "seededit"
IDS: Final = {
    LITE: "seedream-5-0-260128",
    V45: "seedream-4-5-251128",
    V40: "seedream-4-0-250828",
    PRO: "seedream-5-0-pro-260628",
    FLASH: "seedream-5-0-flash-260915",
    T2I: "seedream-3-0-t2i-250415",
    EDIT: "seededit-3-0-i2i-250628",
}
ALL: Final = frozenset(IDS)
BATCHES: Final = frozenset({LITE, V45, V40})
NEWEST: Final = frozenset({PRO, FLASH})
SETS_FORMAT: Final = NEWEST | {LITE}
_BYTEPLUS: Final = IDS | {
    PRO: "dola-seedream-5-0-pro-260628",
    FLASH: "dola-seedream-5-0-flash-260915",
}
WIRE: Final[Mapping[str, Mapping[str, str]]] = {
    "apiyi": {model: IDS[model] for model in (LITE, V45, V40, PRO)},
    "byteplus": _BYTEPLUS,
    "byteplus-eu": _BYTEPLUS,
    "volcengine": {model: f"doubao-{id_}" for model, id_ in IDS.items()},
    "volcengine-plan": {LITE: "doubao-seedream-5.0-lite"},
}
# A picture of the fewest pixels that each model makes, in pixels.
FLOOR: Final = {
    LITE: "2560x1440",
    V45: "2560x1440",
    V40: "1280x720",
    PRO: "1280x720",
    FLASH: "1280x720",
    T2I: "512x512",
}
BELOW: Final = {
    LITE: "2559x1440",
    V45: "2559x1440",
    V40: "1279x720",
    PRO: "1279x720",
    FLASH: "1279x720",
    T2I: "511x512",
}
ABOVE: Final = {
    LITE: "4097x4096",
    V45: "4097x4096",
    V40: "4097x4096",
    PRO: "2151x2150",
    FLASH: "2151x2150",
    T2I: "2049x2048",
}
TIERS: Final = {
    LITE: ("2K", "3K", "4K"),
    V45: ("2K", "4K"),
    V40: ("1K", "2K", "4K"),
    PRO: ("1K", "1.5K", "2K"),
    FLASH: ("1K", "1.5K", "2K"),
    T2I: (),
}
EVERY_TIER: Final = ("1K", "1.5K", "2K", "3K", "4K")
MOST_REFERENCES: Final = {LITE: 14, V45: 14, V40: 14, PRO: 10, FLASH: 10, T2I: 0}
GATEWAY_REFERENCES: Final = 10  # OVERVIEW: "image array > 10" is refused
NO_LAYER_PRICE: Final = "the price of a layer"  # known of one model at one provider's regions only (BP265)

Takes = Callable[[str, str], bool]  # provider, model


@dataclass(frozen=True, kw_only=True)
class Case:
    """One field of a request: as a manifest writes it, as the wire has it, and who takes it.

    `sent` is what the client is to send where that isn't `wire`: what is the default anyway may be left out.
    """

    name: str
    manifest: Mapping[str, str]
    wire: Mapping[str, Any]
    takes: Takes
    sent: Mapping[str, Any] | None = None
    references: int = 0
    see_through: bool = False  # the reference has transparency
    named: bool = True  # a refusal names the models that can
    at: str | None = None  # where a refusal points: a field of the manifest, None: the model
    pictures: int = 1  # that come at most
    huge: bool = False  # its pictures take long to draw


def _of(*models: str) -> Takes:
    return lambda _, model: model in models


def _tiers(provider: str, model: str) -> tuple[str, ...]:
    """OVERVIEW wins at the gateway: 5.0 has no 4K there."""
    return tuple(tier for tier in TIERS[model] if (provider, model, tier) != ("apiyi", LITE, "4K"))


def most_references(provider: str, model: str) -> int:
    return min(MOST_REFERENCES[model], GATEWAY_REFERENCES) if provider == "apiyi" else MOST_REFERENCES[model]


def cases(provider: str, model: str) -> tuple[Case, ...]:
    most = most_references(provider, model)
    return (
        Case(name="plain", manifest={}, wire={}, takes=_of(*ALL)),
        Case(name="marked", manifest={"watermark": "true"}, wire={"watermark": True}, takes=_of(*ALL)),
        Case(
            name="inline",
            manifest={"response_format": "b64_json"},
            wire={"response_format": "b64_json"},
            takes=_of(*ALL),
        ),
        Case(
            name="jpeg",
            manifest={"output_format": "jpeg"},
            wire={"output_format": "jpeg"},
            sent={"output_format": "jpeg"} if model in SETS_FORMAT else {},
            takes=_of(*ALL),
        ),
        Case(
            name="png",
            manifest={"output_format": "png"},
            wire={"output_format": "png"},
            takes=_of(*SETS_FORMAT),
            at="output_format",
        ),
        Case(
            name="standard",
            manifest={"optimize_prompt": "standard"},
            wire={"optimize_prompt_options": {"mode": "standard"}},
            sent={},
            takes=_of(*ALL),
        ),
        Case(
            name="fast",
            manifest={"optimize_prompt": "fast"},
            wire={"optimize_prompt_options": {"mode": "fast"}},
            takes=_of(V40, PRO),
            at="optimize_prompt",
        ),
        Case(name="seeded", manifest={"seed": "7"}, wire={"seed": 7}, takes=_of(T2I, EDIT), at="seed"),
        Case(
            name="guided",
            manifest={"guidance_scale": "2.5"},
            wire={"guidance_scale": 2.5},
            takes=_of(T2I, EDIT),
            at="guidance_scale",
        ),
        Case(
            name="searching",
            manifest={"web_search": "true"},
            wire={"tools": [{"type": "web_search"}]},
            takes=lambda provider, model: model == LITE and provider.startswith("volcengine"),
            at="web_search",
        ),
        Case(
            name="transparent",
            manifest={"background": "transparent", "output_format": "png"},
            wire={"background": "transparent", "output_format": "png"},
            takes=_of(*NEWEST),
            references=1,
            see_through=True,
            at="background",
        ),
        Case(name="opaque", manifest={"background": "opaque"}, wire={}, takes=_of(*ALL)),
        Case(
            name="layered",
            manifest={"layers": "ref1", "size": "1K"},
            wire={"layer_decomposition": True, "size": "1K", "output_format": "png"},
            takes=_of(*NEWEST),
            references=1,
            pictures=17,
            at="layers",
        ),
        Case(
            name="batch",
            manifest={"sequence": "{max_images: 2}"},
            wire={
                "sequential_image_generation": "auto",
                "sequential_image_generation_options": {"max_images": 2},
                "stream": True,
            },
            takes=_of(*BATCHES),
            pictures=2,
        ),
        Case(
            name="edited",
            manifest={},
            wire={},
            references=1,
            takes=lambda _, model: model != T2I,
            at="references",
        ),
        Case(
            name="fused",
            manifest={},
            wire={},
            references=most,
            takes=lambda provider, model: model != T2I,
            at="references",
        )
        if most
        else Case(name="fused", manifest={}, wire={}, takes=_of(*ALL)),
        Case(
            name="crowded",
            manifest={},
            wire={},
            references=most + 1,
            takes=_of(),
            named=False,
            at="references",
        ),
        *(
            Case(
                name=f"tier {tier}",
                manifest={"size": tier},
                wire={"size": tier},
                takes=lambda provider, model, tier=tier: tier in _tiers(provider, model),
                at="size",
                huge=tier in ("3K", "4K"),
            )
            for tier in EVERY_TIER
        ),
        *(
            Case(name=name, manifest={"size": size}, wire={"size": size}, takes=_of(), named=False, at="size")
            for name, size in (("below", BELOW[model]), ("above", ABOVE[model]), ("narrow", "480x7700"))
        ),
    )
