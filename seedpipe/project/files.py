"""The project's own files, before anything is bought: sources and fonts that can't be read, or lack what is asked of them."""

from collections.abc import Callable
from pathlib import Path

from seedpipe.errors import Fault, SeedpipeError, why
from seedpipe.fonts import shipped_font
from seedpipe.images.probe import probe_picture
from seedpipe.manifest.node import DerivedNode, ImageNode, SourceNode
from seedpipe.manifest.steps import Text
from seedpipe.plan.graph import Graph
from seedpipe.project.lettering import glyph_faults
from seedpipe.source import Position, ReadRefusedError
from seedpipe.state.files import WorkTreeFiles, lfs_pointer


def file_faults(graph: Graph, files: WorkTreeFiles) -> list[Fault]:
    """What is wrong with the files that nodes name; what is in them is asked only if all can be read."""
    return _unreadable_faults(graph, files) or [*glyph_faults(graph, font_files(files)), *_opaque_faults(graph, files)]


def font_files(files: WorkTreeFiles) -> Callable[[str | None], Path]:
    """From what a text step names to the font file; None is the shipped one."""
    return lambda path: shipped_font() if path is None else files.picture_path(path)


def _unreadable_faults(graph: Graph, files: WorkTreeFiles) -> list[Fault]:
    """Sources and fonts that can't be read."""
    faults = []
    for node in graph:
        named: list[tuple[str, Position]] = []
        if isinstance(node, SourceNode) and node.path is not None:
            named = [(node.path, node.position)]
        elif isinstance(node, DerivedNode):
            fonts = [step.font for step in node.steps if isinstance(step, Text) and step.font is not None]
            named = [(font, node.position) for font in fonts]
        for path, position in named:
            message, hint = _unreadable(path, files)
            if message is not None:
                faults.append(Fault(code="file", message=message, position=position, hint=hint, address=node.address))
    return faults


def _opaque_faults(graph: Graph, files: WorkTreeFiles) -> list[Fault]:
    """Pictures of the project from which a transparent background is to come, and which have no transparency (KB)."""
    faults = []
    looks = (look for node in graph if isinstance(node, ImageNode) for look in node.looks or (node,))
    for node in looks:
        if node.background != "transparent":
            continue
        sources = [graph[reference.address] for reference in node.references]
        for source in sources:
            if isinstance(source, SourceNode) and source.path is not None and not _has_alpha(files, source.path):
                message = (
                    f"`{node.address}`: a transparent background comes from its reference, and `{source.path}` has none"
                )
                position = node.positions.get("background", node.position)
                hint = "a PNG of which at least one pixel can be seen through"
                faults.append(
                    Fault(code="background", message=message, position=position, hint=hint, address=node.address)
                )
    return faults


def _has_alpha(files: WorkTreeFiles, path: str) -> bool:
    try:
        return probe_picture(files.picture_path(path), name=path).has_alpha
    except SeedpipeError:
        return True  # that it is no picture is said of it elsewhere


def _unreadable(path: str, files: WorkTreeFiles) -> tuple[str | None, str | None]:
    try:
        real = files.picture_path(path)
    except ReadRefusedError as error:
        return str(error), None
    except FileNotFoundError:
        return f"there is no file `{path}`", None
    except OSError as error:
        return f"`{path}` can't be read: {why(error)}", None
    with real.open("rb") as file:
        if lfs_pointer(file.read(1024)) is not None:
            return f"`{path}` is a Git LFS pointer, not the picture itself", "`git lfs pull` brings it"
    return None, None
