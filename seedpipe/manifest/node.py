"""Nodes: the entries of the manifest after expansion, every template rendered, nothing resolved yet.

"Resolved" is what the catalogue decides (alias → dated model, tier × aspect → pixels); that happens in
`plan`, because the lock remembers it.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from seedpipe.manifest.steps import Overlay, Step
from seedpipe.source import Position


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """One picture handed to the service with a prompt: `image N` is its place among the node's references.

    `glob` is the pattern that it was found by. `counted`: so was a picture of a counted sequence (or a layer), which is
    left out where the service made fewer.
    """

    address: str
    position: Position
    glob: str | None = None
    counted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceNode:
    """A picture that exists already: exactly one of `path` (relative to the project's folder) and `url` is set."""

    address: str
    position: Position
    path: str | None = None
    url: str | None = None
    tags: tuple[str, ...] = ()
    axes: tuple[tuple[str, str], ...] = ()  # (axis, segment) in manifest order


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One picture of a sequence as written. `number` counts from 1; `duration` is seconds, a decimal as text."""

    id: str
    number: int
    prompt: str = ""
    caption: str | None = None
    duration: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """What a node says, and of which pictures: of a sequence `prompt` is what its frames share."""

    prompt: str
    references: tuple[Reference, ...]
    frames: tuple[Frame, ...] = ()


# What a node says where some of the counted pictures among its references were not made; None if it can't do without.
Without = Callable[[frozenset[str]], Wording | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageNode:
    """One generation. Texts are normalised (NFC, LF, no trailing blanks, no outer blank lines).

    `None` means: the manifest says nothing, so the format's frozen default or the model's rule applies.
    """

    address: str
    position: Position
    prompt: str
    prompt_position: Position  # of the prompt's text, or of line 1 of its `prompt_file`
    model: str  # as asked: alias or dated id
    size: str | None = None  # a tier (`2K`, upper case) or `WxH`
    aspect: str | None = None  # `W:H`
    references: tuple[Reference, ...] = ()
    watermark: bool = False
    output_format: str | None = None  # `jpeg` | `png`
    optimize_prompt: str | None = None  # `standard` | `fast`
    response_format: str = "url"  # `url` | `b64_json`; in no key
    seed: int | None = None
    guidance_scale: str | None = None  # a decimal as text, so that keys have no floats
    background: str | None = None  # `opaque` | `transparent`
    web_search: bool = False
    on_size_mismatch: str = "accept"  # `accept` | `fail` | `fit`; in no key
    variant: str | None = None
    gate: str | None = None  # `approve`: what is made from it waits for a person; in no key
    takes: int = 1
    cascade: bool = True  # False: it stays when only pictures that it is made from change; in no key
    output: str | None = None  # relative to the output folder; None = made from the address
    tags: tuple[str, ...] = ()
    axes: tuple[tuple[str, str], ...] = ()
    positions: dict[str, Position] = field(default_factory=dict, compare=False)  # field → where it stood
    look: str | None = None  # the name of the look that these words and parameters are
    looks: tuple["ImageNode", ...] = field(default=(), repr=False)  # all looks, this one among them, as written
    without: Without | None = field(default=None, repr=False, compare=False)  # None: no reference of it may be lacking
    twins: tuple[str, ...] = ()  # names of further looks that ask for just this one's picture

    @property
    def look_names(self) -> Mapping[str, str]:
        """Every name of a look in the manifest, and under which one its picture is known: another's, if both ask for the same."""
        return {name: one.look or "" for one in self.looks for name in (one.look or "", *one.twins)}

    def is_called(self, look: str | None) -> bool:
        """Whether a name is that of this look, or of one that asks for the same."""
        return look is not None and look in (self.look, *self.twins)

    @property
    def others(self) -> tuple["ImageNode", ...]:
        """The other looks: candidates of the same address, in the order of the manifest."""
        return tuple(one for one in self.looks if one.look != self.look)

    def wearing(self, look: str | None) -> "ImageNode":
        """The same picture in another of its looks; itself if it has none of that name."""
        found = next((one for one in self.looks if one.is_called(look)), None)
        return self if found is None or found.look == self.look else replace(found, looks=self.looks)

    def lacking(self, absent: Collection[str]) -> Self:
        """In each look as it is asked for where the pictures `absent` were not made; a look that needs them is as it was."""
        looks = tuple(one.lacking(absent) for one in self.looks)
        wording = _wording(self.references, self.without, absent)
        if wording is None:
            return replace(self, looks=looks) if looks else self
        return replace(self, prompt=wording.prompt, references=wording.references, looks=looks)

    def changed(self, **values: Any) -> "ImageNode":
        """With other values of these fields, in every look."""
        return replace(self, **values, looks=tuple(replace(one, **values) for one in self.looks))


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequence:
    """What the frames of one sequence have in common.

    `base` is what they share: parameters, references, and the words that stand before each frame's own (may be
    empty). `counted`: they have no words of their own, any number from 1 is complete (`max_images`). `compose` is the
    manifest's own template for the prompt. `layered`: they are the ground and the layers of the one reference, from
    the bottom up; counted as well, and never bought apart.
    """

    base: ImageNode
    frames: tuple[Frame, ...]
    counted: bool = False
    layered: bool = False
    compose: str | None = None
    without: Without | None = field(default=None, repr=False, compare=False)  # as in `ImageNode`

    def saying(self, shared: str) -> "Sequence":
        """With other words that all frames share."""
        return replace(self, base=replace(self.base, prompt=shared))

    def lacking(self, absent: Collection[str]) -> "Sequence":
        """As it is asked for where the pictures `absent` were not made; as it was if it needs them."""
        wording = _wording(self.base.references, self.without, absent)
        if wording is None:
            return self
        base = replace(self.base, prompt=wording.prompt, references=wording.references)
        return replace(self, base=base, frames=wording.frames)

    @property
    def addresses(self) -> tuple[str, ...]:
        return tuple(map(self.address_of, self.frames))

    @property
    def address(self) -> str:
        return self.base.address

    def address_of(self, frame: Frame) -> str:
        return f"{self.base.address}#{frame.id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameNode:
    """One frame of a sequence. It is bought together with the others, or alone beside its neighbours."""

    address: str
    position: Position
    frame: Frame
    prompt_position: Position
    sequence: Sequence = field(repr=False)
    output: str | None = None
    tags: tuple[str, ...] = ()
    axes: tuple[tuple[str, str], ...] = ()

    def lacking(self, absent: Collection[str]) -> Self:
        """As in `Sequence`, whose other frames then lack them as well."""
        sequence = self.sequence.lacking(absent)
        if sequence is self.sequence:
            return self
        return replace(self, sequence=sequence, frame=sequence.frames[self.frame.number - 1])

    @property
    def takes(self) -> int:
        """Of a frame one picture is bought; another is a decision of its own."""
        return 1

    @property
    def on_size_mismatch(self) -> str:
        return self.sequence.base.on_size_mismatch

    @property
    def cascade(self) -> bool:
        return self.sequence.base.cascade

    @property
    def gate(self) -> str | None:
        return self.sequence.base.gate

    @property
    def references(self) -> tuple[Reference, ...]:
        """The pictures that all frames of the sequence are made from."""
        return self.sequence.base.references


@dataclass(frozen=True, slots=True, kw_only=True)
class DerivedNode:
    """Free local steps on one other picture. `overlay` steps name more inputs."""

    address: str
    position: Position
    source: Reference
    steps: tuple[Step, ...]
    step_positions: tuple[Position, ...] = field(default=(), compare=False)  # of what each step's verb says
    output: str | None = None
    tags: tuple[str, ...] = ()
    axes: tuple[tuple[str, str], ...] = ()

    @property
    def inputs(self) -> tuple[str, ...]:
        """Addresses of every picture that the recipe reads, the main one first."""
        return (self.source.address, *(step.image for step in self.steps if isinstance(step, Overlay)))


def _wording(references: Iterable[Reference], without: Without | None, absent: Collection[str]) -> Wording | None:
    """None: nothing is lacking, or it can't be done without."""
    if without is None:
        return None
    lacking = frozenset(one.address for one in references if one.counted and one.address in absent)
    return without(lacking) if lacking else None


Node = SourceNode | ImageNode | FrameNode | DerivedNode


def upstream_addresses(node: Node) -> tuple[str, ...]:
    """Addresses of the pictures that `node` is made from, in order, repeats kept; after them those of its other looks."""
    match node:
        case SourceNode():
            return ()
        case ImageNode() | FrameNode():
            own = tuple(reference.address for reference in node.references)
            if isinstance(node, ImageNode) and node.looks:
                return own + tuple(reference.address for other in node.others for reference in other.references)
            return own
        case DerivedNode():
            return node.inputs


def worn(node: Node, look: str | None) -> Node:
    """`node` in one of its looks; itself if it has none of that name."""
    return node.wearing(look) if isinstance(node, ImageNode) else node
