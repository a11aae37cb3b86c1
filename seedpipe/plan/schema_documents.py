"""JSON Schemas of the documents that keys are made over (`plan.key`): what is asked for, and the recipe of free steps."""

from typing import Final

from seedpipe.manifest.steps import ANCHORS, REVISIONS
from seedpipe.plan.key import DEFAULTS_1, TEXTS
from seedpipe.plan.schema_parts import COUNT, DIGEST, FLAG, TEXT, Schema, list_of, object_of, or_null, ref, said

_IDENTITY: Final[Schema] = {
    "type": "string",
    "pattern": "^((sha256|recipe):[0-9a-f]{64}|from:.+)$",
    "description": "A picture by its identity, or `from:ADDRESS` for one that comes only in the build.",
}
_FORMS: Final = ("image/1", "frame/1", "layer/1", "sequence/1", "layers/1")
_LENGTH: Final = said(
    {"type": "string", "pattern": r"^[0-9]+(\.[0-9])?%?$"}, "In pixels, or as a part of a side: `5%`."
)
_COLOUR: Final[Schema] = {"type": "string", "pattern": "^#[0-9a-fA-F]{3,8}$"}
_SIDE: Final[Schema] = {"type": "integer", "minimum": 1}


def document_definitions() -> dict[str, Schema]:
    return {
        "request": {
            "oneOf": [ref("asked"), ref("recipe"), object_of({"seedpipe": {"const": "url/1"}, "url": TEXT})],
            "description": "The document that the key is made over, with holes for pictures that aren't there yet.",
        },
        "asked": _asked(digests=False),
        "recipe": _recipe(),
        "step": {"oneOf": [_step(verb, options) for verb, options in _OPTIONS.items()]},
        "place": _place(),
    }


def asked_in_the_lock() -> Schema:
    """What a line of the lock remembers: its texts as digests."""
    return said(_asked(digests=True), "What was asked for, its texts as digests; what is left out has its default.")


def _asked(*, digests: bool) -> Schema:
    text = DIGEST if digests else TEXT
    values = {name: FLAG if isinstance(default, bool) else TEXT for name, default in DEFAULTS_1.items()}
    values["seed"] = {"type": "integer"}
    values |= dict.fromkeys((name for name in TEXTS if name != "prompt"), text)
    left_out = {**values, "references": list_of(_IDENTITY), "max_images": _SIDE}
    always = {"seedpipe": {"enum": list(_FORMS)}, "model": TEXT, "prompt": text}
    return object_of({**always, **left_out}, optional=left_out)


def _recipe() -> Schema:
    return object_of({"seedpipe": {"const": "recipe/1"}, "inputs": list_of(_IDENTITY), "steps": list_of(ref("step"))})


_OPTIONS: Final[dict[str, dict[str, Schema]]] = {
    "crop": {"width": _SIDE, "height": _SIDE, "pixels": FLAG, "anchor": {"enum": list(ANCHORS)}},
    "resize": {"width": or_null(_SIDE), "height": or_null(_SIDE), "mode": {"enum": ["stretch", "fit", "fill"]}},
    "overlay": {"width": _LENGTH, "place": ref("place"), "opacity": COUNT},
    "text": {
        "text": TEXT,
        "font": DIGEST,
        "size": or_null(_LENGTH),
        "max_size": _LENGTH,
        "min_size": _LENGTH,
        "color": _COLOUR,
        "stroke": or_null(_COLOUR),
        "stroke_width": _LENGTH,
        "background": or_null(_COLOUR),
        "box_width": _LENGTH,
        "box_height": _LENGTH,
        "place": ref("place"),
        "align": {"enum": ["left", "center", "right", "auto"]},
        "line_height": COUNT,
        "direction": {"enum": ["ltr", "rtl", "auto"]},
    },
    "convert": {"format": {"enum": ["jpeg", "png", "webp"]}, "quality": COUNT, "background": _COLOUR},
}


def _step(verb: str, options: dict[str, Schema]) -> Schema:
    return object_of({"step": {"const": verb}, "revision": {"const": REVISIONS[verb]}, **options})


def _place() -> Schema:
    return object_of({"anchor": {"enum": list(ANCHORS)}, "margin": _LENGTH})
