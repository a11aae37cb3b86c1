"""Keys: the documents that are hashed into want keys, request keys and recipes, frozen by the manifest's format.

One walk, two writers: the document that is hashed is the very document that `reasons` compares, so they can't drift.
Never in a key: provider, URL, price, time-outs, response format, tool version, tags, captions, output path.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
}

Identity = str  # `sha256:…` of a picture's bytes, or `recipe:…` of a derived node

MASKED: Final = "image"  # stands for a picture made elsewhere in an `own` document


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Everything about one generation that decides the picture, resolved: a dated model id and a definite size.

    `size` is `WxH`, or a tier where the manifest leaves the aspect to the model.
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


def request_document(asked: Asked, references: Sequence[Identity]) -> dict[str, Any]:
    """The document of one thing sent. `references` are the pictures' identities in the order they are sent."""
    document: dict[str, Any] = {"seedpipe": "image/1", "model": asked.model, "prompt": asked.prompt}
    for name, default in DEFAULTS_1.items():
        value = getattr(asked, name)
        if value != default:
            document[name] = value
    if references:
        document["references"] = list(references)
    return document


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
    """What the lock keeps of a request document: the prompt as a digest, so that a lock stays small."""
    return {**document, "prompt": str(Digest.of(document["prompt"].encode()))}


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
