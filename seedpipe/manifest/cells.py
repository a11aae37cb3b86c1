"""Where a value of the data, of the vars or of a row stands in its file."""

from collections.abc import Mapping
from typing import Any, Final

from seedpipe.manifest.definition import Manifest
from seedpipe.manifest.document import Document, compose_document
from seedpipe.manifest.rows import Row, Table
from seedpipe.manifest.scope import Scope
from seedpipe.source import Position, ProjectFiles

_NOTHING: Final = object()


class Cells:
    """Of the tables and vars of one project. Files are read once more for it, when somebody asks."""

    def __init__(self, manifest: Manifest, scope: Scope, files: ProjectFiles) -> None:
        self._manifest = manifest
        self._scope = scope
        self._files = files
        self._documents: dict[str, Document | None] = {}
        self._paths: dict[int, tuple[str, tuple[str, ...]] | None] = {}

    def of(self, parent: Any, key: Any, *, root: Any, name: str, path: tuple[str, ...]) -> Position | None:
        """The place of `parent[key]`, or of `root` itself: the value of `name`, from which `path` was taken."""
        if isinstance(parent, Row) and parent.table is not None:
            return self._in_row(parent.table, parent.key, (str(key),))
        if isinstance(parent, Mapping) and not isinstance(parent, Row):
            found = self._path_to(parent)
            if found is not None:
                return self._in_row(found[0], found[1][0], (*found[1][1:], str(key)))
        if parent is None and isinstance(root, Row) and root.table is not None:
            return self._row(root.table, root.key)
        return self._in_vars(name, path, root)

    def _in_vars(self, name: str, path: tuple[str, ...], root: Any) -> Position | None:
        var = self._manifest.vars.get(name)
        if var is None or var.place is None or self._scope.vars.get(name, _NOTHING) is not root or "" in path:
            return None
        return var.place.below(*path).position

    def _row(self, table: str, key: str) -> Position | None:
        found = self._scope.tables.get(table)
        return None if found is None else found.positions.get(key)

    def _path_to(self, value: Mapping[str, Any]) -> tuple[str, tuple[str, ...]] | None:
        """The table, and the row's key and columns below which this very mapping stands."""
        if id(value) not in self._paths:
            places = ((name, table.path_to(value)) for name, table in self._scope.tables.items())
            self._paths[id(value)] = next(((name, path) for name, path in places if path is not None), None)
        return self._paths[id(value)]

    def _in_row(self, table: str, key: str, columns: tuple[str, ...]) -> Position | None:
        """The cell, where the file has a place for each; the row of a csv file; None for what a fallback gave."""
        row = self._row(table, key)
        known = self._scope.tables.get(table)
        if row is None or known is None or not _holds(known, key, columns):
            return None
        if row.file.endswith((".csv", ".tsv")):
            return row
        document = self._document(row.file)
        if document is None:
            return row
        for start in _starts(document, key):
            if document.position(start, key=True) == row or not start:
                cell = document.position((*start, *columns))
                if _value_at(document.value, (*start, *columns)) is not _NOTHING:
                    return cell
        return None

    def _document(self, file: str) -> Document | None:
        if file not in self._documents:
            data = self._files.read(file)
            if file.endswith(".json"):
                data = data.replace(b"\t", b" ")
            self._documents[file] = compose_document(file, data)[0]
        return self._documents[file]


def _starts(document: Document, key: str) -> list[tuple[str | int, ...]]:
    """Below which a file may have the row: an item of its list, a key of its mapping, or all of it."""
    if isinstance(document.value, list):
        return [(place,) for place in range(len(document.value))]
    return [(key,), ()]


def _holds(table: Table, key: str, columns: tuple[str, ...]) -> bool:
    return _value_at(table.by_key.get(key), columns) is not _NOTHING


def _value_at(value: Any, path: tuple[str | int, ...]) -> Any:
    for part in path:
        if isinstance(value, Mapping) and part in value:
            value = value[str(part)]
        elif isinstance(value, list) and isinstance(part, int):
            value = value[part]
        else:
            return _NOTHING
    return value
