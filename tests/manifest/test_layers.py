"""A picture taken apart, as a manifest writes it: a ground and sixteen layers that may come."""

from seedpipe.manifest.node import DerivedNode, FrameNode
from tests.manifest.session import Session

PARTS = """\
seedpipe: 1
defaults: {model: seedream-5-0-pro, size: 2K, aspect: 16:9, takes: 2, output_format: jpeg, on_size_mismatch: fail}
images:
  pack: {matrix: {lamp: [bell, opal]}, prompt: "The {{ lamp }} lamp"}
  parts:
    matrix: {lamp: [bell, opal]}
    layers: "pack/{{ lamp }}"
    prompt: "The glass of {{ refs['pack/' ~ lamp] }} apart from its base"
    override: [{match: {lamp: opal}, size: auto, prompt_append: Four layers.}]
    output: "parts/{{ lamp }}/{{ frame.number }}-{{ frame.id }}.png"
    tags: [print]
  bare: {layers: pack/bell}
  card: {from: "parts/bell#base", steps: [{overlay: "bare#1"}]}
"""


def test_every_layer_that_may_come_has_an_address(project: Session) -> None:
    nodes = project.write("seedpipe.yaml", PARTS).nodes()
    layers = [node for node in nodes.values() if isinstance(node, FrameNode) and node.address.startswith("parts/bell")]
    assert [node.address for node in layers[:3]] == ["parts/bell#base", "parts/bell#1", "parts/bell#2"]
    assert (len(layers), layers[-1].address) == (17, "parts/bell#16")
    assert [node.output for node in layers[:2]] == ["parts/bell/1-base.png", "parts/bell/2-1.png"]
    sequence = layers[0].sequence
    assert sequence.layered and sequence.counted
    assert [reference.address for reference in sequence.base.references] == ["pack/bell"]
    assert sequence.base.prompt == "The glass of image 1 apart from its base"
    assert (layers[0].tags, layers[0].axes) == (("print",), (("lamp", "bell"),))


def test_defaults_that_are_for_other_pictures_do_not_reach_layers(project: Session) -> None:
    base = layer(project, "parts/bell#base").sequence.base
    assert (base.size, base.aspect, base.takes, base.output_format, base.on_size_mismatch) == (
        "2K", None, 1, "png", "accept"
    )  # fmt: skip


def test_an_override_and_no_words_at_all(project: Session) -> None:
    opal = layer(project, "parts/opal#1").sequence.base
    assert (opal.size, opal.prompt.splitlines()[-1]) == ("auto", "Four layers.")
    bare = layer(project, "bare#16").sequence.base
    assert (bare.prompt, bare.size) == ("", "2K")
    assert layer(project, "bare#16", PARTS.replace("size: 2K, ", "")).sequence.base.size == "auto"


def test_layers_are_pictures_like_others(project: Session) -> None:
    card = project.write("seedpipe.yaml", PARTS).nodes()["card"]
    assert isinstance(card, DerivedNode)
    assert card.inputs == ("parts/bell#base", "bare#1")


def layer(project: Session, address: str, text: str = PARTS) -> FrameNode:
    node = project.write("seedpipe.yaml", text).nodes()[address]
    assert isinstance(node, FrameNode)
    return node
