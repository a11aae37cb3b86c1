"""What text steps ask for and can't have: characters that a font lacks, texts that don't fit. Said before a build."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from seedpipe.catalogue.sizes import parse_pixels
from seedpipe.errors import Fault, SeedpipeError
from seedpipe.images.geometry import Size, size_after
from seedpipe.images.lettering import check_text
from seedpipe.images.missing import MissingGlyphsError
from seedpipe.images.plain import is_plainly_drawn
from seedpipe.images.probe import header_size
from seedpipe.manifest.node import DerivedNode, FrameNode, ImageNode, SourceNode
from seedpipe.manifest.steps import Text
from seedpipe.plan.graph import Graph
from seedpipe.plan.resolve import Resolver
from seedpipe.source import Position
from seedpipe.state.lock import Lock

FontFile = Callable[[str | None], Path]  # what a step names (None: the shipped font) → its file


def glyph_faults(graph: Graph, font: FontFile) -> list[Fault]:
    """Characters and scripts that can't be drawn, whatever the picture. Fonts are read only if there are texts."""
    found = _Found()
    checked: dict[tuple[str, str | None], SeedpipeError | None] = {}
    for node in graph:
        if not isinstance(node, DerivedNode):
            continue
        for number, step in enumerate(node.steps):
            if isinstance(step, Text):
                if (step.text, step.font) not in checked:
                    checked[step.text, step.font] = _refused(step, font, None)
                found.add(node, number, checked[step.text, step.font])
    return list(found.faults())


def room_faults(graph: Graph, font: FontFile, sizes: Callable[[str], Size | None]) -> list[Fault]:
    """Texts that don't fit, and crops that are too large; `sizes` gives those of the pictures that are no derived ones.

    Characters are `glyph_faults`' affair: nothing of a graph that has those is asked here.
    """
    found = _Found()
    ends: dict[str, Size | None] = {}
    for node in graph:  # what a picture is made from stands before it
        if not isinstance(node, DerivedNode):
            continue
        source = node.source.address
        size = ends[source] if source in ends else sizes(source)
        for number, step in enumerate(node.steps):
            if size is None:
                break
            try:
                if isinstance(step, Text):
                    found.add(node, number, _refused(step, font, size))
                size = size_after(size, step)
            except SeedpipeError as error:
                found.add(node, number, error)
                size = None
        ends[node.address] = size
    return list(found.faults())


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureSizes:
    """Width and height of pictures, as far as they are known before a build: by the lock, by a file, by what is asked."""

    graph: Graph
    lock: Lock
    resolver: Resolver
    file: Callable[[str], Path]  # a project path → the checked file

    def of(self, address: str) -> Size | None:
        node = self.graph[address]
        match node:
            case SourceNode(path=str() as path):
                return header_size(self.file(path))
            case ImageNode() | FrameNode():
                entry = self.lock.image(address)
                return parse_pixels(self.resolver.asked(node).size if entry is None else entry.made.size)
            case _:
                return None


def _refused(step: Text, font: FontFile, size: Size | None) -> SeedpipeError | None:
    """What the typesetter would say."""
    try:
        path = font(step.font)
        if size is not None or not is_plainly_drawn(step.text, path):
            check_text(step, path, size)
    except SeedpipeError as error:
        return error
    return None


@dataclass(slots=True)
class _Found:
    """Faults by the step that has them: the items of a matrix share one, with the characters that all of them lack."""

    groups: dict[tuple[Position, str], list[tuple[str, SeedpipeError]]] = field(default_factory=dict)

    def add(self, node: DerivedNode, number: int, error: SeedpipeError | None) -> None:
        if error is not None:
            what = error.font if isinstance(error, MissingGlyphsError) else error.message
            self.groups.setdefault((node.step_positions[number], what), []).append((node.address, error))

    def faults(self) -> Iterator[Fault]:
        for (position, _), group in self.groups.items():
            address, first = group[0]
            if isinstance(first, MissingGlyphsError):
                first = first.together_with(error for _, error in group if isinstance(error, MissingGlyphsError))
            more = f" (and {len(group) - 1} more like it)" if len(group) > 1 else ""
            yield Fault(
                code="lettering",
                message=f"`{address}`: {first.message}{more}",
                position=position,
                hint=first.hint,
                address=address,
            )
