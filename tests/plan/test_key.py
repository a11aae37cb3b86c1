"""Keys are frozen: what is in them, what never is, and the very bytes they are hashed over."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from seedpipe.canonical import canonical_json, digest_of
from seedpipe.manifest.node import DerivedNode, Reference
from seedpipe.manifest.steps import Convert, Crop, Length, Overlay, OverlayPlace, Resize, Text
from seedpipe.names import Digest
from seedpipe.plan.key import Asked, layers_document, own_key, recipe_document, request_document, request_key
from seedpipe.source import Position

GOLDEN = Path(__file__).parent.parent / "golden" / "keys"
A, B = f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"
RECIPE = f"recipe:{'c' * 64}"

REQUESTS: dict[str, tuple[Asked, list[str]]] = {
    "plain": (Asked(model="seedream-4-5-251128", prompt="A brass lamp", size="2848x1600"), []),
    "defaults-left-out": (Asked(model="seedream-4-0-250828", prompt="A brass lamp", size="2048x2048"), []),
    "references": (
        Asked(model="seedream-4-5-251128", prompt="image 1 on image 2", size="2K"),
        [A, RECIPE, B],
    ),
    "everything": (
        Asked(
            model="seedream-5-0-260128",
            prompt="Лампа → 灯\nsecond line",
            size="3072x3072",
            watermark=True,
            output_format="png",
            optimize_prompt="fast",
            background="transparent",
            web_search=True,
            seed=7,
            guidance_scale="2.5",
            variant="b",
        ),
        [A],
    ),
    "layer": (
        Asked(
            model="seedream-5-0-pro-260628", prompt="", size="auto", output_format="png", is_frame=True, layer="base"
        ),
        [A],
    ),
}


@pytest.mark.parametrize("name", REQUESTS)
def test_request_documents_are_frozen(name: str) -> None:
    asked, references = REQUESTS[name]
    document = request_document(asked, references)
    golden = json.loads((GOLDEN / f"request-{name}.json").read_text(encoding="utf-8"))
    assert document == golden["document"]
    assert str(request_key(asked, references)) == golden["key"]
    assert golden["key"] == "sha256:" + hashlib.sha256(rfc8785.dumps(golden["document"])).hexdigest()


def test_the_document_of_a_decomposition_is_frozen() -> None:
    """Its layers are wanted by their heights, and asked for without."""
    wanted, references = REQUESTS["layer"]
    document = layers_document(wanted.saying("apart"), references)
    golden = json.loads((GOLDEN / "layers.json").read_text(encoding="utf-8"))
    assert document == golden["document"]
    assert str(digest_of(document)) == golden["key"]
    keys = {request_key(replace(wanted, layer=id_), references) for id_ in ("base", "1", "2")}
    assert len(keys) == 3


def test_recipe_document_is_frozen() -> None:
    here = Position("seedpipe.yaml", 1, 1)
    node = DerivedNode(
        address="banner",
        position=here,
        source=Reference(address="hero", position=here),
        steps=(
            Crop(width=1200, height=630),
            Resize(width=1200, height=630),
            Overlay(image="logo", place=OverlayPlace(anchor="top-left", margin=Length(value=24))),
            Text(text="Light, kept.", font="fonts/Lumen.ttf", size=Length(value=65, relative=True)),
            Convert(format="jpeg"),
        ),
        output="banners/en.jpg",
        tags=("launch",),
    )
    document = recipe_document(node, [A, B], {"fonts/Lumen.ttf": Digest("d" * 64)})
    golden = json.loads((GOLDEN / "recipe.json").read_text(encoding="utf-8"))
    assert document == golden["document"]
    assert str(digest_of(document)) == golden["key"]
    assert "banners" not in canonical_json(document)
    assert "logo" not in canonical_json(document), "a renamed overlay must not change the recipe"


def test_own_key_masks_pictures_made_elsewhere() -> None:
    asked = REQUESTS["references"][0]
    before = own_key(asked, [A, B], made_elsewhere=[True, False])
    assert before == own_key(asked, [B, B], made_elsewhere=[True, False]), "cascade alone leaves it"
    assert before == own_key(asked, [None, B], made_elsewhere=[True, False]), "also while it isn't made yet"
    assert before != own_key(asked, [A, A], made_elsewhere=[True, False]), "a source file is the node's own"
    assert before != own_key(asked, [A, B, A], made_elsewhere=[True, False, True])


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(max_codepoint=127)), inner),
        max_leaves=20,
    )
)
def test_canonical_json_is_rfc_8785(value: Any) -> None:
    assert canonical_json(value).encode() == rfc8785.dumps(value)


@pytest.mark.parametrize("value", [1.5, {"a": 0.1}, 2**53, {"é": 1}, {1: 2}, "\ud800", object(), b"x"])
def test_what_has_no_canonical_form_is_refused(value: Any) -> None:
    with pytest.raises(ValueError):
        canonical_json(value)


@given(st.permutations(sorted(REQUESTS)), st.data())
def test_distinct_requests_have_distinct_keys(names: list[str], data: st.DataObject) -> None:
    keys = {name: request_key(*REQUESTS[name]) for name in names}
    assert len(set(keys.values())) == len(REQUESTS)
    asked, references = REQUESTS[data.draw(st.sampled_from(names))]
    assert request_key(asked, references) in keys.values()
