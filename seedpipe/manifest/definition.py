"""The manifest after reading: typed values that remember where they stood. Nothing is rendered yet."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from seedpipe.errors import Fault
from seedpipe.manifest.document import Document, Path
from seedpipe.manifest.model import Entry
from seedpipe.money import Money
from seedpipe.source import Position


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A value in a document."""

    document: Document = field(repr=False)
    path: Path

    @property
    def file(self) -> str:
        return self.document.name

    @property
    def position(self) -> Position:
        return self.document.position(self.path)

    @property
    def key_position(self) -> Position:
        return self.document.position(self.path, key=True)

    def line(self, number: int, column: int = 1) -> Position:
        """Where line `number` of the text that stands here is in the file."""
        return self.document.text_position(self.path, number, column)

    def below(self, *path: str | int) -> "Place":
        return Place(document=self.document, path=(*self.path, *path))


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A value as written, and where."""

    value: Any
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Var:
    """A value for templates. `place` is None for one given as `--var`, whose text is never a template."""

    value: Any
    place: Place | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSource:
    """A table of `data` as written. `patterns` are paths or globs relative to the project's folder."""

    name: str
    place: Place
    origin: Position  # of what names the files
    patterns: tuple[str, ...]
    key: str | None
    fallback: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """`name` for a provider of the catalogue; else `like` one, at its own address or at `base_url`.

    `prices` and `endpoints` are of a model each, with where they stand; a price for the model `*` is for all.
    """

    name: str | None = None
    base_url: str | None = None
    api_key_env: str | None = None
    like: str | None = None
    prices: tuple[tuple[str, Money, Position], ...] = ()
    endpoints: tuple[tuple[str, str, Position], ...] = ()
    position: Position


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """The manifest's caps. They can only tighten what the user allows."""

    per_build: Money | None = None
    per_day: Money | None = None
    per_month: Money | None = None
    per_node: Money | None = None
    project: Money | None = None
    position: Position | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """A picture or a group that was renamed from `old` to `new`."""

    old: str
    new: str
    position: Position


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """One entry of `images`."""

    name: str
    entry: Entry
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """All files of one project, put together, with profile and `--var` applied."""

    path: str
    project: str | None
    provider: Provider | None
    budget: Budget
    profile: str | None
    profiles: tuple[str, ...]  # the names of all that are defined
    vars: Mapping[str, Var]
    tables: tuple[TableSource, ...]
    templates: str | None  # folder, relative to the project's
    defaults: Mapping[str, Setting]
    force: Mapping[str, Setting]
    definitions: tuple[Definition, ...]
    files: tuple[str, ...]  # every manifest file that was read, the main one first
    frozen_files: tuple[str, ...]  # of them those that are only ever read
    warnings: tuple[Fault, ...] = ()
    documents: Mapping[str, Document] = field(repr=False, compare=False)
    moved: tuple[Moved, ...] = ()

    def text_of(self, file: str) -> str:
        """The text of a manifest file, for excerpts; empty for a file that is none of it."""
        document = self.documents.get(file)
        return "" if document is None else document.text

    @property
    def texts(self) -> Mapping[str, str]:
        return {name: document.text for name, document in self.documents.items()}
