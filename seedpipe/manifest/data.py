"""`data`: tables of rows from csv, json and yaml files."""

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from seedpipe.errors import Fault, FaultCollector, why
from seedpipe.limits import MAX_DEPTH, MAX_VALUES
from seedpipe.manifest.definition import TableSource
from seedpipe.manifest.document import Document, compose_document, decode, shown_text
from seedpipe.manifest.paths import is_glob, similar_files, stem
from seedpipe.manifest.rows import Row, Table
from seedpipe.manifest.segments import segment_fault, segment_hint
from seedpipe.manifest.values import describe
from seedpipe.manifest.wording import did_you_mean
from seedpipe.source import Position, ProjectFiles, ReadRefusedError

KEY_COLUMNS: Final = ("key", "id", "name")
_DELIMITERS: Final = (",", ";", "\t")
_NO_COLUMN: Final = "\0"  # no row has it, and the fault is told already


@dataclass(frozen=True, slots=True, kw_only=True)
class _Record:
    """A row before it has a key; `own_key` is the key of the mapping that it stood in, or the file's stem."""

    items: Mapping[str, Any]
    own_key: str | None
    position: Position


class TableReader:
    """Reads the tables of one project; `texts` gathers the text of every file read, for excerpts."""

    def __init__(self, files: ProjectFiles, faults: FaultCollector) -> None:
        self.files = files
        self.faults = faults
        self.texts: dict[str, str] = {}

    def read(self, source: TableSource) -> Table:
        records: list[_Record] = []
        for path in self._paths(source):
            records += self._file(path, source)
        return self._table(source, records)

    def _paths(self, source: TableSource) -> Iterator[str]:
        position = source.origin
        for pattern in source.patterns:
            if not is_glob(pattern):
                yield pattern
                continue
            try:
                found = self.files.glob(pattern)
            except (ReadRefusedError, OSError) as error:
                self.faults.add("read-refused", str(error), position)
                continue
            if not found:
                self.faults.add("file-not-found", f"no file matches `{pattern}`", position)
            yield from found

    def _bytes(self, path: str, position: Position) -> bytes | None:
        try:
            data = self.files.read(path)
        except ReadRefusedError as error:
            self.faults.add("read-refused", str(error), position)
        except FileNotFoundError:
            hint = similar_files(self.files, path)
            self.faults.add("file-not-found", f"there is no file `{path}`", position, hint=hint)
        except OSError as error:
            self.faults.add("read-failed", f"`{path}` cannot be read: {why(error)}", position)
        else:
            self.texts[path] = shown_text(data)
            return data
        return None

    def _file(self, path: str, source: TableSource) -> list[_Record]:
        data = self._bytes(path, source.origin)
        if data is None:
            return []
        kind = path.rpartition(".")[2].lower()
        if kind in ("csv", "tsv"):
            return list(self._csv(path, data))
        if kind in ("yaml", "yml"):
            document, faults = compose_document(path, data)
            self.faults.faults.extend(faults)
            return [] if document is None else self._records(path, document.value, document, source)
        if kind == "json":
            return self._json(path, data, source)
        message = f"`{path}` is no table: expected .csv, .tsv, .json, .yaml or .yml"
        self.faults.add("bad-table", message, source.origin)
        return []

    # csv

    def _csv(self, path: str, data: bytes) -> Iterator[_Record]:
        text = decode(path, data)
        if isinstance(text, Fault):
            hint = 'in Excel, save as "CSV UTF-8"' if text.code == "encoding" else text.hint
            self.faults.add(text.code, text.message, text.position, hint=hint)
            return
        rows = self._csv_rows(path, text)
        header = next(rows, None)
        if header is None:
            self.faults.add("bad-table", f"`{path}` is empty", Position(path, 1, 1))
            return
        line, names = header
        columns = [name.strip() for name in names]
        if not self._header_is_sound(path, line, columns):
            return
        count = 0
        for line, cells in rows:
            count += len(cells)
            if count > MAX_VALUES:
                self.faults.add("too-large", f"`{path}` holds more than {MAX_VALUES:,} cells", Position(path, line, 1))
                return
            if len(cells) != len(columns):
                message = f"this row has {len(cells)} cells, the header has {len(columns)}"
                hint = "put a cell that holds the delimiter in double quotes"
                self.faults.add("ragged-row", message, Position(path, line, 1), hint=hint)
                continue
            items = dict(zip(columns, cells, strict=True))
            yield _Record(items=items, own_key=None, position=Position(path, line, 1))

    def _csv_rows(self, path: str, text: str) -> Iterator[tuple[int, list[str]]]:
        """Line number and cells of each row that is not blank."""
        reader = csv.reader(_lines(text), strict=True, delimiter=_delimiter(text))
        while True:
            line = reader.line_num + 1
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                self.faults.add("bad-csv", f"this row cannot be read: {_csv_words(error)}", Position(path, line, 1))
                return
            if any(cell.strip() for cell in cells):
                yield line, cells

    def _header_is_sound(self, path: str, line: int, columns: Sequence[str]) -> bool:
        sound = True
        for number, column in enumerate(columns):
            if not column:
                message = f"column {number + 1} has no name"
                self.faults.add("bad-table", message, Position(path, line, 1), hint="the first row names the columns")
                sound = False
            elif column in columns[:number]:
                self.faults.add("bad-table", f"two columns are named `{column}`", Position(path, line, 1))
                sound = False
        return sound

    # json and yaml

    def _json(self, path: str, data: bytes, source: TableSource) -> list[_Record]:
        text = decode(path, data)
        if isinstance(text, Fault):
            self.faults.faults.append(text)
            return []
        try:
            value = json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse_constant)
        except json.JSONDecodeError as error:
            position = Position(path, error.lineno, error.colno)
            self.faults.add("bad-json", f"this is no valid JSON: {error.msg[:1].lower()}{error.msg[1:]}", position)
            return []
        except (ValueError, RecursionError) as error:
            message = "the values are nested too deep" if isinstance(error, RecursionError) else str(error)
            self.faults.add("bad-json", message, Position(path, 1, 1))
            return []
        if _depth(value) > MAX_DEPTH:
            self.faults.add("bad-json", f"values are nested deeper than {MAX_DEPTH} levels", Position(path, 1, 1))
            return []
        # Only for positions: with blanks for tabs a JSON file is YAML, or nearly so.
        document, _ = compose_document(path, text.replace("\t", " ").encode())
        return self._records(path, value, document, source)

    def _records(self, path: str, value: Any, document: Document | None, source: TableSource) -> list[_Record]:
        def position(*inside: str | int) -> Position:
            return Position(path, 1, 1) if document is None else document.position(inside, key=True)

        if source.key == "stem":
            if isinstance(value, dict):
                return [_Record(items=value, own_key=stem(path), position=Position(path, 1, 1))]
            message = f"with `key: stem` a file is one row, so a mapping; found {describe(value)}"
            self.faults.add("bad-table", message, position())
            return []
        if isinstance(value, list):
            found: list[tuple[Any, str | None, Position]] = [
                (item, None, position(index)) for index, item in enumerate(value)
            ]
        elif isinstance(value, dict):
            found = [(item, key, position(key)) for key, item in value.items()]
        else:
            message = f"a table is a list of mappings, or a mapping of mappings; found {describe(value)}"
            self.faults.add("bad-table", message, position())
            return []
        records = []
        for item, key, where in found:
            if isinstance(item, dict):
                records.append(_Record(items=item, own_key=key, position=where))
            else:
                hint = "with one file a row, write `key: stem`" if isinstance(value, dict) else None
                self.faults.add("bad-table", f"a row is a mapping of columns, found {describe(item)}", where, hint=hint)
        return records

    # rows

    def _table(self, source: TableSource, records: Sequence[_Record]) -> Table:
        column = self._key_column(source, records)
        rows: dict[str, Row] = {}
        positions: dict[str, Position] = {}
        by_lower: dict[str, str] = {}
        for record in records:
            key = self._key(record, column)
            if key is None:
                continue
            other = by_lower.setdefault(key.lower(), key)
            if key in rows:
                self.faults.add(
                    "duplicate-row", f"the key `{key}` stands twice; first at {positions[key]}", record.position
                )
                continue
            if other != key:
                message = f"`{key}` differs from `{other}` ({positions[other]}) by case only"
                self.faults.add("case-clash", message, record.position, hint="rename one of them")
            rows[key] = Row(key, record.items, source.name)
            positions[key] = record.position
        return Table(
            name=source.name,
            rows=tuple(rows.values()),
            by_key=self._with_fallbacks(source, rows),
            columns=frozenset(column for row in rows.values() for column in row),
            positions=positions,
        )

    def _key_column(self, source: TableSource, records: Sequence[_Record]) -> str | None:
        """The column that holds the keys; None where the rows bring their own."""
        if source.key == "stem" or not records or (source.key is None and all(record.own_key for record in records)):
            return None
        if source.key is not None:
            if any(source.key in record.items for record in records):
                return source.key
            columns = list(dict.fromkeys(column for record in records[:100] for column in record.items))
            message = f"the rows of `{source.name}` have no column `{source.key}`"
            position = source.place.below("key").position
            self.faults.add("missing-key-column", message, position, hint=did_you_mean(source.key, columns))
            return _NO_COLUMN
        for column in KEY_COLUMNS:
            if all(column in record.items for record in records if record.own_key is None):
                return column
        columns = list(records[0].items)
        message = f"the rows of `{source.name}` have no column `key`, `id` or `name`"
        hint = f"say which column names a row: `key: {columns[0] if columns else 'sku'}`"
        self.faults.add("missing-key-column", message, source.place.position, hint=hint)
        return _NO_COLUMN

    def _key(self, record: _Record, column: str | None) -> str | None:
        if column == _NO_COLUMN:
            return None
        value = record.items.get(column) if column is not None and column in record.items else record.own_key
        if column is not None and value is None:
            hint = did_you_mean(column, record.items)
            self.faults.add("missing-key-column", f"this row has no column `{column}`", record.position, hint=hint)
            return None
        if not isinstance(value, str | int) or isinstance(value, bool):
            self.faults.add("bad-key", f"a key is text, found {describe(value)}", record.position)
            return None
        key = str(value).strip()
        if not key:
            self.faults.add("bad-key", f"the key of this row (`{column}`) is empty", record.position)
            return None
        wrong = segment_fault(key)
        if wrong is not None:
            self.faults.add("bad-segment", wrong, record.position, hint=segment_hint(key))
            return None
        return key

    def _with_fallbacks(self, source: TableSource, rows: dict[str, Row]) -> dict[str, Row]:
        found = dict(rows)
        fallback = dict(source.fallback)
        for name, target in source.fallback:
            chain = [name]
            while target in fallback and target not in chain:
                chain.append(target)
                target = fallback[target]
            position = source.place.below("fallback", name).position
            if target in chain:
                self.faults.add("fallback-loop", f"the fallbacks of `{name}` go in a circle", position)
            elif target not in rows and not any(key in rows for key in chain[1:]):
                hint = did_you_mean(target, rows)
                self.faults.add(
                    "no-such-row", f"the fallback `{target}` is no row of `{source.name}`", position, hint=hint
                )
            else:
                keys = [key for key in (*chain, target) if key in rows]
                found[name] = Row(name, _merged([rows[key] for key in keys]), source.name)
        return found


def _lines(text: str) -> Iterator[str]:
    return (line + "\n" for line in text.split("\n"))


def _delimiter(text: str) -> str:
    """The one that stands most often in the header, outside quotes."""
    header = next((line for line in text.split("\n") if line.strip()), "")
    bare = "".join(header.split('"')[::2])
    return max(_DELIMITERS, key=bare.count)


def _csv_words(error: csv.Error) -> str:
    text = str(error)
    if "unexpected end of data" in text:
        return "a double quote is not closed"
    if "expected after" in text:
        return 'text follows a closing quote; write `""` for a quote inside quotes'
    if "field larger" in text:
        return "a cell is too long; is a double quote not closed?"
    return text


def _unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = sorted(name for name, _ in pairs)
        twice = next(first for first, second in pairwise(names) if first == second)
        raise ValueError(f"the key `{twice}` stands twice in one mapping")
    return found


def _refuse_constant(text: str) -> Any:
    raise ValueError(f"`{text}` is no JSON value")


def _depth(value: Any) -> int:
    deepest = 0
    todo = [(value, 1)]
    while todo:
        item, depth = todo.pop()
        deepest = max(deepest, depth)
        if isinstance(item, dict):
            todo.extend((inner, depth + 1) for inner in item.values())
        elif isinstance(item, list):
            todo.extend((inner, depth + 1) for inner in item)
    return deepest


def _merged(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """One mapping of all, the first strongest, mappings merged in depth; an empty text counts as missing."""
    result: dict[str, Any] = {}
    for row in reversed(rows):
        for column, value in row.items():
            below = result.get(column)
            if isinstance(value, Mapping) and isinstance(below, Mapping):
                result[column] = _merged([value, below])
            elif value not in ("", None) or column not in result:
                result[column] = value
    return result
