"""Faults that have nothing to do with those found first: a person who mends a manifest wants twelve errors, not twelve runs.

What is wrong with an entry keeps the later stages from being sound for it and for all that may be made from it. The others are
expanded, linked and linted without them. A fault of what all entries share (data, vars, defaults) ends that.
"""

import bisect
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from pydantic import BaseModel

from seedpipe.errors import Fault, ManifestError, Severity
from seedpipe.manifest.definition import Definition, Manifest
from seedpipe.manifest.document import Document
from seedpipe.manifest.expand import expand
from seedpipe.names import definition_of
from seedpipe.plan.graph import Graph, link
from seedpipe.source import Position, ProjectFiles

_APART: Final = frozenset(["budget", "moved", "project"])  # keys that no entry depends on
_NO_ENTRY: Final = ""
_MADE_FROM: Final = ("references", "from_", "layers")
_OPEN: Final = re.compile(r"[{*?\[]")  # from here on nobody knows what an address says


def with_independent_faults(
    first: ManifestError, manifest: Manifest, files: ProjectFiles, linted: Callable[[Graph], Sequence[Fault]]
) -> ManifestError:
    """`first`, and the errors of entries of `manifest` that are not concerned. `linted` says what is wrong with a graph."""
    told, texts = list(first.faults), dict(first.texts)
    owners = _Owners(manifest.documents)
    left = _without(manifest, first, owners)
    while left is not None:
        try:
            expansion = expand(left, files)
            told += _errors(linted(link(expansion.nodes)))
            break
        except ManifestError as error:
            told += _errors(error.faults)
            texts.update(error.texts)
            fewer = _without(left, error, owners)
            left = None if fewer is None or len(fewer.definitions) == len(left.definitions) else fewer
    return ManifestError(told, texts=texts)


def _errors(faults: Iterable[Fault]) -> list[Fault]:
    """What a part of a project is only warned of may be as it should in the whole."""
    return [fault for fault in faults if fault.severity is Severity.ERROR]


def _without(manifest: Manifest, error: ManifestError, owners: "_Owners") -> Manifest | None:
    """The entries that what is wrong does not concern; None if there are none, or if it may concern all."""
    broken = set[str]()
    for fault in _errors(error.faults):
        owner = owners.of(fault)
        if owner is None:
            return None
        broken.add(owner)
    broken.discard(_NO_ENTRY)
    while True:
        more = {one.name for one in manifest.definitions if one.name not in broken and _may_need(one, broken)}
        if not more:
            break
        broken |= more
    left = tuple(one for one in manifest.definitions if one.name not in broken)
    return replace(manifest, definitions=left, moved=()) if left else None


def _may_need(definition: Definition, names: Iterable[str]) -> bool:
    """Whether it is, or may be, made from one of the entries `names`."""
    return any(_may_mean(text, name) for text in _addresses(definition.entry) for name in names)


def _may_mean(text: str, name: str) -> bool:
    known = _OPEN.split(text.strip(), maxsplit=1)[0]
    whole = known == text.strip() or definition_of(known) != known
    return definition_of(known) == name if whole else name.startswith(known)


def _addresses(body: Any) -> Iterator[str]:
    """Every text of an entry, or of an override of it, that is an address."""
    for field in _MADE_FROM:
        yield from _texts(getattr(body, field, None))
    for step in getattr(body, "steps", None) or ():
        overlay = getattr(step, "overlay", None)
        yield from _texts(getattr(overlay, "image", overlay))
    for override in getattr(body, "override", None) or ():
        yield from _addresses(override)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, BaseModel):
        yield from _texts(getattr(value, "node", None))
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, Sequence):
        for inner in value:
            yield from _texts(inner)


@dataclass(frozen=True, slots=True)
class _Owners:
    """Whose fault a fault is: that of an entry, or of a key that stands `_APART`."""

    documents: Mapping[str, Document]

    def of(self, fault: Fault) -> str | None:
        """The name of the entry, or `_NO_ENTRY`; None where it may concern all, or can't be known."""
        if fault.code == "missing-copy":
            return None  # told once for all that lack it
        if fault.address is not None:
            return definition_of(fault.address)
        document = self.documents.get(fault.position.file) if fault.position is not None else None
        if document is None or fault.position is None or not isinstance(document.value, dict):
            return None
        places = sorted(_named(document), key=lambda named: named[0])
        at = bisect.bisect_right([place for place, _ in places], fault.position) - 1
        return places[at][1] if at >= 0 else None


def _named(document: Document) -> Iterator[tuple[Position, str | None]]:
    """Where each key begins: those of the file and, as parts of one, the entries."""
    for key, value in document.value.items():
        yield document.position((key,), key=True), _NO_ENTRY if key in _APART else None
        if key == "images" and isinstance(value, dict):
            for name in value:
                yield document.position(("images", name), key=True), name
