"""Where the pictures go: each node's output path, relative to the output folder, and what two nodes may not share."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Final

from seedpipe.errors import Fault
from seedpipe.manifest.node import DerivedNode, FrameNode, ImageNode, Node, SourceNode
from seedpipe.manifest.steps import Convert
from seedpipe.names import Digest
from seedpipe.plan.graph import Graph
from seedpipe.plan.key import DEFAULTS_1
from seedpipe.state.lock import ImageEntry, Lock

EXTENSIONS: Final = {"jpeg": ".jpg", "png": ".png", "webp": ".webp"}
FORMATS: Final = {".jpg": "jpeg", ".jpeg": "jpeg", ".png": "png", ".webp": "webp"}


def format_of(node: Node, graph: Graph) -> str:
    """The file format of a node's picture: `jpeg`, `png` or `webp`. An output path never decides it."""
    while isinstance(node, DerivedNode):
        converted = [step.format for step in node.steps if isinstance(step, Convert)]
        if converted:
            return converted[-1]
        node = graph[node.source.address]
    if isinstance(node, FrameNode):
        node = node.sequence.base
    if isinstance(node, ImageNode):
        return node.output_format or str(DEFAULTS_1["output_format"])
    suffix = PurePosixPath(node.path or node.url or "").suffix.lower()
    return FORMATS.get(suffix, "png")


def default_output(address: str, picture_format: str) -> str:
    """The address as a path: `scene/LUM-01/16:9` → `scene/LUM-01/16-9.jpg` (a colon can't stand in a Windows path)."""
    return address.replace(":", "-").replace("#", "/") + EXTENSIONS[picture_format]


def output_paths(graph: Graph) -> Mapping[str, str]:
    """Address → path, for every node that has an output (sources have none)."""
    paths = {}
    for node in graph:
        if not isinstance(node, SourceNode):
            paths[node.address] = node.output or default_output(node.address, format_of(node, graph))
    return paths


def files_of_choices(lock: Lock, paths: Mapping[str, str], folder: str) -> Mapping[Digest, Sequence[str]]:
    """Picture → the output files where it belongs as a choice: each stands in for a take that the store has not.

    Of a name that the manifest no longer has: where outputs of that name stand if nothing else is said, below `folder`.
    """
    found: dict[Digest, list[str]] = {}
    for address, entry in lock.entries.items():
        if isinstance(entry, ImageEntry):
            of_a_left_over = (f"{folder}/{default_output(address, form)}" for form in EXTENSIONS)
            files = (paths[address],) if address in paths else of_a_left_over
            found.setdefault(entry.take, []).extend(files)
    return found


def made_of(taken: Digest, fit: str | None) -> str:
    """What an output file is made of, for the record of outputs: the take, and the pixels that it is cut to."""
    return f"{taken} {fit}" if fit is not None else str(taken)


def output_faults(nodes: Iterable[Node], paths: Mapping[str, str]) -> list[Fault]:
    """Two nodes with one path, also where a file system folds case; a path that is a folder of another; odd endings."""
    faults: list[Fault] = []
    taken: dict[str, Node] = {}
    folders: dict[str, str] = {}
    kept = [node for node in nodes if node.address in paths]
    for node in kept:
        for parent in PurePosixPath(paths[node.address]).parents:
            folders.setdefault(str(parent).casefold(), node.address)
    for node in kept:
        path = paths[node.address]
        folded = path.casefold()
        other = taken.setdefault(folded, node)
        if other is not node:
            faults.append(
                Fault(
                    code="same-output",
                    message=f"`{node.address}` and `{other.address}` both write `{path}`",
                    position=node.position,
                    hint="give each an `output` of its own; in a matrix, use every axis in it",
                    address=node.address,
                )
            )
        elif folded in folders:
            faults.append(
                Fault(
                    code="output-is-folder",
                    message=f"`{node.address}` writes `{path}`, which `{folders[folded]}` needs as a folder",
                    position=node.position,
                    address=node.address,
                )
            )
        suffix = PurePosixPath(path).suffix.lower()
        if suffix not in FORMATS:
            faults.append(
                Fault(
                    code="output-ending",
                    message=f"`{path}` ends in `{suffix or 'nothing'}`",
                    position=node.position,
                    hint=f"an output ends in one of {', '.join(sorted(FORMATS))}",
                    address=node.address,
                )
            )
    return faults
