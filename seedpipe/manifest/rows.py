"""Tables and rows as templates see them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from seedpipe.source import Position


class Row(Mapping[str, Any]):
    """A row of a table, or a mapping that is a matrix value. It knows its `key` and is written as it.

    Equal to its key, so that `product == "LUM-01"` works in templates.
    """

    __slots__ = ("_items", "key", "table")

    def __init__(self, key: str, items: Mapping[str, Any], table: str | None = None) -> None:
        self.key = key
        self.table = table
        self._items = items

    def __getitem__(self, column: str) -> Any:
        return self._items[column]

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __str__(self) -> str:
        return self.key

    def __repr__(self) -> str:
        return f"Row({self.key!r})"

    def __eq__(self, other: object) -> bool:
        return self.key == (other.key if isinstance(other, Row) else other)

    def __hash__(self) -> int:
        return hash(self.key)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Table:
    """Rows in the order of their files. Looking up a key also finds what only a fallback gives."""

    name: str
    rows: tuple[Row, ...]
    by_key: Mapping[str, Row] = field(repr=False)
    columns: frozenset[str] = field(repr=False)
    positions: Mapping[str, Position] = field(repr=False)  # of each row, by key

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __contains__(self, key: object) -> bool:
        return str(key) in self.by_key

    def __getitem__(self, key: object) -> Row:
        return self.by_key[str(key)]

    def path_to(self, value: Mapping[str, Any]) -> tuple[str, ...] | None:
        """The key of the row and the columns below which this very mapping stands, or None."""
        ahead: list[tuple[tuple[str, ...], Mapping[str, Any]]] = [((key,), row) for key, row in self.by_key.items()]
        while ahead:
            path, held = ahead.pop()
            if held is value:
                return path
            ahead += [((*path, str(name)), item) for name, item in held.items() if isinstance(item, Mapping)]
        return None

    def anywhere(self, columns: tuple[str, ...]) -> bool:
        """Whether some row has something at this place, like `headline.LUM-01`."""
        return any(_has(row, columns) for row in self.by_key.values())


def _has(row: Any, columns: tuple[str, ...]) -> bool:
    for name in columns:
        if not isinstance(row, Mapping) or name not in row:
            return False
        row = row[name]
    return True


class RefText(str):
    """`image 2`, or for several `image 1, image 2 and image 3`."""

    __slots__ = ()


class RefList(tuple[RefText, ...]):
    """The images of one name that stands for a list; can be looped over, and is written as one text."""

    __slots__ = ()

    def __str__(self) -> str:
        if len(self) < 2:
            return "".join(self)
        return f"{', '.join(self[:-1])} and {self[-1]}"


class Refs(Mapping[str, RefText | RefList]):
    """`refs` in a prompt: by name, or by address."""

    __slots__ = ("_items", "count")

    def __init__(self, items: Mapping[str, RefText | RefList], count: int) -> None:
        self._items = items
        self.count = count

    def __getitem__(self, name: str) -> RefText | RefList:
        return self._items[str(name)]

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return self.count
