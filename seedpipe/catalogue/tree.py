"""YAML text → a tree whose values know where they stood, and typed reading of it. All values are text.

The catalogue has a reader of its own, because the files it reads are few, trusted and fixed in shape.
"""

import difflib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any, Final, TypeVar

import yaml

from seedpipe.errors import UsageError
from seedpipe.money import Money
from seedpipe.source import Position

_LOADER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MAX_DEPTH: Final = 12
_MAX_VALUES: Final = 100_000
_NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEANS: Final[Mapping[str, bool]] = {"true": True, "false": False}

Kind = TypeVar("Kind", bound=StrEnum)
Made = TypeVar("Made")


class CatalogueFault(UsageError):  # noqa: N818 - the house calls what is wrong with a file a fault
    """A catalogue file that can't be used; the position is in the file's own name."""

    next_step = "mend that line, or take the file out of `catalogue` in your settings"


@dataclass(frozen=True, slots=True)
class Leaf:
    """One scalar. `text` None is YAML's null."""

    position: Position
    text: str | None


@dataclass(frozen=True, slots=True)
class Row:
    """One list."""

    position: Position
    items: tuple["Tree", ...]


@dataclass(frozen=True, slots=True)
class Branch:
    """One mapping, in the order of the file."""

    position: Position
    items: Mapping[str, "Tree"]
    keys: Mapping[str, Position]

    def without(self, *names: str) -> "Branch":
        return Branch(self.position, {k: v for k, v in self.items.items() if k not in names}, self.keys)


Tree = Leaf | Row | Branch


def read_tree(file: str, data: bytes) -> Branch:
    """The mapping that `data` holds. Raises `CatalogueFault` with the position of whatever is wrong."""
    try:
        node = yaml.compose(data, Loader=_LOADER)
    except yaml.MarkedYAMLError as error:
        problem = error.problem or "this is not YAML"
        raise CatalogueFault(problem, position=_position(file, error.problem_mark)) from error
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise CatalogueFault(f"`{file}` is not YAML: {error}", position=Position(file, 1, 1)) from error
    if node is None:
        start = Position(file, 1, 1)
        return Branch(start, {}, {})
    tree = _Reader(file).tree(node, 0)
    if not isinstance(tree, Branch):
        raise CatalogueFault("expected a mapping at the top of the file", position=tree.position)
    return tree


def _position(file: str, mark: Any) -> Position:
    return Position(file, 1, 1) if mark is None else Position(file, mark.line + 1, mark.column + 1)


class _Reader:
    def __init__(self, file: str) -> None:
        self.file = file
        self.count = 0

    def tree(self, node: Any, depth: int) -> Tree:
        position = _position(self.file, node.start_mark)
        self.count += 1
        if depth > _MAX_DEPTH or self.count > _MAX_VALUES:
            raise CatalogueFault("too deep or too large for a catalogue file", position=position)
        if isinstance(node, yaml.ScalarNode):
            plain = not node.style  # None from the reader in Python, empty from the one in C
            return Leaf(position, None if plain and node.value in _NULLS else node.value)
        if isinstance(node, yaml.SequenceNode):
            return Row(position, tuple(self.tree(item, depth + 1) for item in node.value))
        items: dict[str, Tree] = {}
        keys: dict[str, Position] = {}
        for key, value in node.value:
            where = _position(self.file, key.start_mark)
            if not isinstance(key, yaml.ScalarNode):
                raise CatalogueFault("a key has to be text", position=where)
            if key.value in items:
                raise CatalogueFault(f"`{key.value}` stands here twice", position=where)
            items[key.value] = self.tree(value, depth + 1)
            keys[key.value] = where
        return Branch(position, items, keys)


def merge(base: Tree, over: Tree) -> Tree:
    """`over` on top of `base`: mappings key by key, everything else replaced; a null takes the key away."""
    if not (isinstance(base, Branch) and isinstance(over, Branch)):
        return over
    items = dict(base.items)
    for key, value in over.items.items():
        if isinstance(value, Leaf) and value.text is None:
            items.pop(key, None)
        else:
            items[key] = merge(items[key], value) if key in items else value
    return Branch(over.position, items, {**base.keys, **over.keys})


class Entry:
    """Typed reading of one `Branch`. `finish()` refuses whatever nobody asked for."""

    def __init__(self, branch: Branch) -> None:
        self.branch = branch
        self._asked: set[str] = set()

    def fault(self, message: str, key: str | None = None) -> CatalogueFault:
        value = None if key is None else self.branch.items.get(key)
        return CatalogueFault(message, position=self.branch.position if value is None else value.position)

    def has(self, key: str) -> bool:
        self._asked.add(key)
        return key in self.branch.items

    def _get(self, key: str) -> Tree:
        if not self.has(key):
            raise self.fault(f"`{key}` is missing here")
        return self.branch.items[key]

    def text(self, key: str) -> str:
        return _text(self._get(key), key)

    def made(self, key: str, make: Callable[[str], Made], expected: str) -> Made:
        """The value put through `make`, whose `ValueError` becomes a fault."""
        text = self.text(key)
        try:
            return make(text)
        except (ValueError, ArithmeticError) as error:
            raise self.fault(f"`{text}` is not {expected}", key) from error

    def integer(self, key: str) -> int:
        return self.made(key, _integer, "a whole number like `500`")

    def seconds(self, key: str) -> float:
        return self.made(key, _decimal, "a number of seconds like `15`")

    def flag(self, key: str) -> bool:
        return self.made(key, _flag, "`true` or `false`")

    def money(self, key: str) -> Money:
        return self.made(key, Money.parse, "an amount of money like `0.035 USD`")

    def kind(self, key: str, kinds: type[Kind]) -> Kind:
        return self.made(key, kinds, "one of " + ", ".join(f"`{kind}`" for kind in kinds))

    def texts(self, key: str) -> tuple[str, ...]:
        value = self._get(key)
        if not isinstance(value, Row):
            raise self.fault(f"`{key}` has to be a list like `[a, b]`", key)
        return tuple(_text(item, key) for item in value.items)

    def kinds(self, key: str, kinds: type[Kind]) -> frozenset[Kind]:
        try:
            return frozenset(kinds(text) for text in self.texts(key))
        except ValueError as error:
            raise self.fault(f"{error}; known are " + ", ".join(f"`{kind}`" for kind in kinds), key) from error

    def texts_if_any(self, key: str) -> tuple[str, ...]:
        return self.texts(key) if self.has(key) else ()

    def entry(self, key: str) -> "Entry":
        return Entry(branch_of(self._get(key), key))

    def entries(self) -> Iterator[tuple[str, Tree]]:
        """Every key with its value: for mappings whose keys are names."""
        self._asked.update(self.branch.items)
        yield from self.branch.items.items()

    def finish(self) -> None:
        for key in self.branch.items:
            if key not in self._asked:
                near = difflib.get_close_matches(key, sorted(self._asked), n=1)
                hint = f"did you mean `{near[0]}`?" if near else "known here: " + ", ".join(sorted(self._asked))
                raise CatalogueFault(
                    f"`{key}` is not known here",
                    hint=hint,
                    position=self.branch.keys.get(key, self.branch.position),
                )


def branch_of(tree: Tree, name: str) -> Branch:
    if not isinstance(tree, Branch):
        raise CatalogueFault(f"`{name}` has to be a mapping", position=tree.position)
    return tree


def _text(tree: Tree, name: str) -> str:
    if not isinstance(tree, Leaf) or tree.text is None:
        raise CatalogueFault(f"`{name}` has to be a text or a number", position=tree.position)
    return tree.text


def _integer(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > 15:
        raise ValueError(text)
    return int(text)


def _decimal(text: str) -> float:
    try:
        number = Decimal(text)
    except InvalidOperation as error:
        raise ValueError(text) from error
    if not number.is_finite() or not 0 <= number <= 86_400:
        raise ValueError(text)
    return float(number)


def _flag(text: str) -> bool:
    if text not in _BOOLEANS:
        raise ValueError(text)
    return _BOOLEANS[text]
