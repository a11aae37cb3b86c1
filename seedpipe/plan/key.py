"""Keys: the documents that are hashed into want keys, request keys and recipes, frozen by the manifest's format.

One walk, two writers: the document that is hashed is the very document that `reasons` compares, so they can't drift.
Never in a key: provider, URL, price, time-outs, response format, tool version, tags, captions, output path.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from seedpipe.canonical import digest_of
from seedpipe.manifest.node import DerivedNode
from seedpipe.manifest.steps import REVISIONS, Text
from seedpipe.names import Digest

# What format 1 means where a manifest is silent. Frozen: a value equal to its default is left out of the key.
DEFAULTS_1: Final[Mapping[str, Any]] = {
    "size": "2048x2048",
    "watermark": False,
    "output_format": "jpeg",
    "optimize_prompt": "standard",
    "background": "opaque",
    "web_search": False,
    "seed": None,
    "guidance_scale": None,
    "variant": None,
    "shared": "",
    "compose": None,
    "counted": None,
    "layer": None,
}

Identity = str  # `sha256:…` of a picture's bytes, or `recipe:…` of a derived node

TEXTS: Final = ("prompt", "shared", "compose")

MASKED: Final = "image"  # stands for a picture made elsewhere in an `own` document


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Everything about one generation that decides the picture, resolved: a dated model id and a definite size.

    `size` is `WxH`, or a tier where the manifest leaves the aspect to the model. Of a frame, `prompt` is its own words,
    `shared` those of all frames and `compose` the manifest's own template; `counted` is `2/4` for the second of four
    that have one prompt. `layer` is the id of one picture of a decomposition.
    """

    model: str
    prompt: str
    size: str
    watermark: bool = False
    output_format: str = "jpeg"
    optimize_prompt: str = "standard"
    background: str = "opaque"
    web_search: bool = False
    seed: int | None = None
    guidance_scale: str | None = None
    variant: str | None = None
    is_frame: bool = False
    shared: str = ""
    compose: str | None = None
    counted: str | None = None
    layer: str | None = None

    def saying(self, prompt: str) -> "Asked":
        """One thing sent: the same parameters with the composed words of one frame or several."""
        return replace(self, prompt=prompt, is_frame=False, shared="", compose=None, counted=None, layer=None)


def request_document(asked: Asked, references: Sequence[Identity]) -> dict[str, Any]:
    """The document of one thing sent, or of what a frame wants: what is shared and its own words, not its place.

    `references` are the pictures' identities in the order they are sent.
    """
    form = "layer/1" if asked.layer is not None else "frame/1" if asked.is_frame else "image/1"
    document: dict[str, Any] = {"seedpipe": form, "model": asked.model, "prompt": asked.prompt}
    for name, default in DEFAULTS_1.items():
        value = getattr(asked, name)
        if value != default:
            document[name] = value
    if references:
        document["references"] = list(references)
    return document


def batch_document(asked: Asked, references: Sequence[Identity], frames: int) -> dict[str, Any]:
    """The document of one request for several frames; `asked` says the composed prompt."""
    return {**request_document(asked, references), "seedpipe": "sequence/1", "max_images": frames}


def layers_document(asked: Asked, references: Sequence[Identity]) -> dict[str, Any]:
    """The document of one request that takes the one reference apart; `asked` says the words, which may be none."""
    return {**request_document(asked, references), "seedpipe": "layers/1"}


def request_key(asked: Asked, references: Sequence[Identity]) -> Digest:
    """SHA-256 of the request document. For a plain image it is the want key too."""
    return digest_of(request_document(asked, references))


def own_key(asked: Asked, references: Sequence[Identity | None], *, made_elsewhere: Sequence[bool]) -> Digest:
    """The key with pictures that other nodes make masked: equal before and after a change that is cascade alone."""
    masked = [
        MASKED if elsewhere else reference or MASKED
        for reference, elsewhere in zip(references, made_elsewhere, strict=True)
    ]
    return digest_of(request_document(asked, masked))


def remembered_document(document: Mapping[str, Any]) -> dict[str, Any]:
    """What the lock keeps of a document: its texts as digests, so that a lock stays small."""
    texts = {name: str(Digest.of(document[name].encode())) for name in TEXTS if name in document}
    return {**document, **texts}


def without_references(document: Mapping[str, Any]) -> dict[str, Any]:
    """The node's own words and parameters; what it is made from is another matter."""
    return {name: value for name, value in document.items() if name != "references"}


def recipe_document(
    node: DerivedNode, inputs: Sequence[Identity], fonts: Mapping[str | None, Digest]
) -> dict[str, Any]:
    """The document of a derived node: its inputs' identities, its steps with their revision, its fonts.

    `inputs` are in the order of `node.inputs`; `fonts` maps each font path (None: the shipped one) to a digest.
    """
    steps = []
    for step in node.steps:
        written = {"step": step.verb, "revision": REVISIONS[step.verb], **step.document()}
        if isinstance(step, Text):
            written["font"] = str(fonts[step.font])
        steps.append(written)
    return {"seedpipe": "recipe/1", "inputs": list(inputs), "steps": steps}


def recipe_identity(recipe: Digest) -> Identity:
    return f"recipe:{recipe.hex}"
