"""One YAML file: its values by the rules of YAML 1.2, and where in the text each of them stood.

PyYAML composes the tree of nodes; the values are ours. A plain scalar is null, true, false or a number only in the
spellings of the YAML 1.2 core schema without leading zeros, so `16:9`, `no`, `2026-01-01`, `0140` and `1_000` are text.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

from seedpipe.errors import Fault, ManifestError
from seedpipe.limits import MAX_DEPTH, MAX_FILE_BYTES, MAX_VALUES
from seedpipe.manifest.garbage import paused_collection
from seedpipe.manifest.yaml_wording import QUOTE_COLOUR, QUOTE_TEMPLATE, syntax_fault
from seedpipe.source import Position

Path = tuple[str | int, ...]

_PLAIN: Final = "plain"
_TEXT: Final = "text"
_MAP: Final = "map"
_LIST: Final = "list"
_MAY_BE_OTHER: Final = frozenset("-+.0123456789tTfFnN~")
_CONSTANTS: Final[dict[str, bool | None]] = {
    "": None,
    "~": None,
    **dict.fromkeys(("null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INT: Final = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,300})\Z")
_OTHER_BASE: Final = re.compile(r"0(?:o[0-7]{1,300}|x[0-9a-fA-F]{1,300})\Z")
_FLOAT: Final = re.compile(
    r"[-+]?(?:\.[0-9]{1,300}|(?:0|[1-9][0-9]{0,300})(?:\.[0-9]{0,300})?)(?:[eE][-+]?[0-9]{1,5})?\Z"
)
_SPECIAL: Final = re.compile(r"(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))\Z")
_UNPRINTABLE: Final = re.compile(
    "[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
_COLOUR_AFTER: Final = re.compile(r"\s*#[0-9a-fA-F]{3,8}(?:[\s,\]}]|$)")
_COMMENT_AFTER: Final = re.compile(r"\s*#")
_BYTE_ORDER_MARKS: Final = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")


class _LimitError(Exception):
    """A limit was reached while composing. Holds the sentence about it, and the node that passed it."""

    def __init__(self, message: str, node: yaml.Node | None) -> None:
        super().__init__(message)
        self.node = node


_Base: Any = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader


class _Composer(_Base):  # type: ignore[misc]
    """PyYAML's composer that tells plain scalars from quoted ones and gives up at our limits."""

    depth = 0
    count = 0

    def resolve(self, kind: type[yaml.Node], _value: Any, implicit: Any) -> str:
        if kind is yaml.ScalarNode:
            return _PLAIN if implicit[0] else _TEXT
        return _MAP if kind is yaml.MappingNode else _LIST

    def descend_resolver(self, parent: Any, _index: Any) -> None:
        self.depth += 1
        self.count += 1
        if self.depth > MAX_DEPTH:
            raise _LimitError(f"values are nested deeper than {MAX_DEPTH} levels", parent)
        if self.count > MAX_VALUES:
            raise _LimitError(f"the document holds more than {MAX_VALUES:,} values", parent)

    def ascend_resolver(self) -> None:
        self.depth -= 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A file that was read. `value` is made of dict, list, str, int, float, bool and None; `text` has LF line ends."""

    name: str
    text: str = field(repr=False)
    value: Any
    root: yaml.Node = field(repr=False, compare=False)
    _lines: list[str] = field(repr=False, compare=False)
    _keys: dict[int, dict[str, tuple[yaml.Node, yaml.Node]]] = field(default_factory=dict, repr=False, compare=False)

    def _find(self, path: Path) -> tuple[yaml.Node | None, yaml.Node, bool]:
        """The key and the node at `path`, and whether it exists; else the nearest ancestor's."""
        key: yaml.Node | None = None
        node = self.root
        for part in path:
            if isinstance(node, yaml.MappingNode):
                entries = self._keys.get(id(node))
                if entries is None:
                    entries = {k.value: (k, v) for k, v in node.value if isinstance(k, yaml.ScalarNode)}
                    self._keys[id(node)] = entries
                found = entries.get(str(part))
                if found is None:
                    return key, node, False
                key, node = found
            elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and -1 < part < len(node.value):
                key, node = None, node.value[part]
            else:
                return key, node, False
        return key, node, True

    def position(self, path: Path, *, key: bool = False) -> Position:
        """Where the value at `path` stands, or its key; the nearest ancestor's place if `path` does not exist.

        A block mapping or list as a value begins on the line below its key: for an absent `path` the key is the better
        place, so that is given.
        """
        found_key, node, exists = self._find(path)
        if found_key is not None and (key or not exists):
            node = found_key
        mark = node.start_mark
        return Position(self.name, mark.line + 1, mark.column + 1)

    def text_position(self, path: Path, line: int, column: int = 1) -> Position:
        """Where line `line`, column `column` (from 1) of the text at `path` stands in the file.

        Exact for block scalars and for texts on one line; the beginning of the value for other folded texts.
        """
        _, node, exists = self._find(path)
        mark = node.start_mark
        start = Position(self.name, mark.line + 1, mark.column + 1)
        if not exists or not isinstance(node, yaml.ScalarNode):
            return start
        if node.style == "|":
            row = mark.line + line
            if row >= len(self._lines):
                return start
            wanted = node.value.split("\n")[line - 1 : line]
            text = self._lines[row]
            indent = len(text) - len(wanted[0]) if wanted and text.endswith(wanted[0]) else 0
            return Position(self.name, row + 1, indent + column)
        if node.style == ">":
            return self._folded_position(node, line, column) or start
        if line > 1 or node.end_mark.line != mark.line:
            return start
        return Position(self.name, mark.line + 1, mark.column + column + (1 if node.style in ("'", '"') else 0))

    def _folded_position(self, node: yaml.ScalarNode, line: int, column: int) -> Position | None:
        """The place in a `>` text; None if it has indented lines, which YAML does not fold."""
        folded, blank, indent = "", 0, 0
        pieces: list[tuple[int, int]] = []  # where a row begins in the folded text, and the row
        for row in range(node.start_mark.line + 1, node.end_mark.line + 1):
            text = self._lines[row] if row < len(self._lines) else ""
            content = text.strip(" ")
            if not content:
                blank += 1
                continue
            own = len(text) - len(text.lstrip(" "))
            indent = indent or own
            if own != indent:
                break  # more: not folded; less: behind the text
            folded += ("\n" * blank or " ") if pieces else ""
            pieces.append((len(folded), row))
            folded += text[indent:]
            blank = 0
        if folded != node.value.rstrip("\n"):
            return None
        offset = sum(len(part) + 1 for part in node.value.split("\n")[: line - 1]) + column - 1
        begin, row = max((piece for piece in pieces if piece[0] <= offset), default=(0, node.start_mark.line))
        return Position(self.name, row + 1, indent + offset - begin + 1)

    def null_hint(self, path: Path) -> str | None:
        """What to do about a null at `path`, if the text shows why it is one."""
        key, node, exists = self._find(path)
        if not exists or not isinstance(node, yaml.ScalarNode):
            return None
        if node.value:
            return f"unquoted `{node.value}` is null in YAML: put it in quotes if the word is meant"
        line = self._lines[node.start_mark.line] if node.start_mark.line < len(self._lines) else ""
        if _COMMENT_AFTER.match(line[node.start_mark.column :]):
            return "a `#` after a blank starts a comment: put the text in quotes"
        if key is None:
            return "nothing stands here"
        return f"nothing stands after `{node_text(key)}:`; write a value, or remove the key"


def node_text(node: yaml.Node) -> str:
    return str(node.value) if isinstance(node, yaml.ScalarNode) else "…"


def read_document(name: str, data: bytes) -> Document:
    """Read one YAML file. Raises `ManifestError` with all faults that can be found without knowing its meaning."""
    document, faults = compose_document(name, data)
    if faults or document is None:
        raise ManifestError(faults, texts={name: shown_text(data)})
    return document


def shown_text(data: bytes) -> str:
    """The text of a file for excerpts, also of one that is no valid UTF-8."""
    return _unix(data[:MAX_FILE_BYTES].decode("utf-8-sig", errors="replace"))


def compose_document(name: str, data: bytes) -> tuple[Document | None, list[Fault]]:
    """As `read_document`, for callers that gather faults: a document with faults is given as far as it can be used."""
    decoded = decode(name, data)
    if isinstance(decoded, Fault):
        return None, [decoded]
    bad = _UNPRINTABLE.search(decoded)
    if bad is not None:
        return None, [_unprintable(name, decoded, bad)]
    lines = decoded.split("\n")
    try:
        with paused_collection():
            root = _Composer(decoded).get_single_node()
            if root is None:
                return None, [_fault("yaml-empty", "the file is empty", Position(name, 1, 1))]
            walk = _Walk(name, lines)
            value = walk.value(root)
    except yaml.MarkedYAMLError as error:
        return None, [syntax_fault(name, lines, error)]
    except _LimitError as error:
        mark = None if error.node is None else error.node.start_mark
        position = Position(name, 1, 1) if mark is None else Position(name, mark.line + 1, mark.column + 1)
        return None, [_fault("yaml-limit", str(error), position)]
    except yaml.YAMLError as error:
        return None, [_fault("yaml-syntax", f"this is no valid YAML: {error}", Position(name, 1, 1))]
    return Document(name=name, text=decoded, value=value, root=root, _lines=lines), walk.faults


def decode(name: str, data: bytes) -> str | Fault:
    """The text of a file with LF line ends, or the fault: too large, or not UTF-8 (a leading byte order mark may stand)."""
    if len(data) > MAX_FILE_BYTES:
        return _fault(
            "file-too-large",
            f"`{name}` has {len(data):,} bytes; the limit is {MAX_FILE_BYTES:,}",
            Position(name, 1, 1),
        )
    if data.startswith(_BYTE_ORDER_MARKS):
        return _fault("encoding", f"`{name}` is UTF-16 or UTF-32 text", Position(name, 1, 1), "save the file as UTF-8")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8", errors="replace")
        message = f"the byte 0x{data[error.start]:02x} is not UTF-8"
        return _fault("encoding", message, _end_of(name, _unix(before)), "save the file as UTF-8")
    return _unix(text)


def _unix(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _end_of(name: str, before: str) -> Position:
    return Position(name, before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1)


def _unprintable(name: str, text: str, match: re.Match[str]) -> Fault:
    character = ord(match[0])
    position = _end_of(name, text[: match.start()])
    if character == 0:
        return _fault("encoding", "a NUL byte: this is no text file, or it is damaged", position)
    hint = (
        "use a normal line break"
        if character in (0x85, 0x2028, 0x2029)
        else f'remove it, or write it in double quotes as `"\\u{character:04x}"`'
    )
    return _fault("encoding", f"the character U+{character:04X} cannot stand in YAML", position, hint)


def _fault(code: str, message: str, position: Position, hint: str | None = None) -> Fault:
    return Fault(code=code, message=message, position=position, hint=hint)


def plain_value(text: str) -> str | int | float | bool | None:
    """What the unquoted scalar `text` means."""
    if text and text[0] not in _MAY_BE_OTHER:
        return text
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if _INT.match(text):
        return int(text)
    if _OTHER_BASE.match(text):
        return int(text, 0)
    if _FLOAT.match(text):
        return float(text)
    if _SPECIAL.match(text):
        return float(text.replace(".", ""))
    return text


class _Walk:
    """Makes values from nodes and gathers what is wrong with them."""

    def __init__(self, name: str, lines: Sequence[str]) -> None:
        self.name = name
        self.lines = lines
        self.faults: list[Fault] = []
        self._made: dict[int, tuple[Any, int]] = {}  # of each collection: its value and how many values it holds
        self._open: set[int] = set()
        self._count = 0

    def add(self, node: yaml.Node, code: str, message: str, hint: str | None = None) -> None:
        position = Position(self.name, node.start_mark.line + 1, node.start_mark.column + 1)
        self.faults.append(_fault(code, message, position, hint))

    def value(self, node: yaml.Node) -> Any:
        if isinstance(node, yaml.ScalarNode):
            self._count += 1
            return self._scalar(node)
        made = self._made.get(id(node))
        if made is not None:
            self._count += made[1]
            self._check_count(node)
            return made[0]
        if id(node) in self._open:
            self.add(node, "yaml-recursion", "an alias stands inside the value that it names")
            return None
        if node.tag not in (_MAP, _LIST):
            self._refuse_tag(node)
        self._open.add(id(node))
        before = self._count
        self._count += 1
        self._check_count(node)
        value = self._mapping(node) if isinstance(node, yaml.MappingNode) else [self.value(n) for n in node.value]
        self._open.discard(id(node))
        self._made[id(node)] = (value, self._count - before)
        return value

    def _check_count(self, node: yaml.Node) -> None:
        if self._count > MAX_VALUES:
            message = f"with its aliases written out the document holds more than {MAX_VALUES:,} values"
            raise _LimitError(message, node)

    def _scalar(self, node: yaml.ScalarNode) -> Any:
        if node.tag == _PLAIN:
            text = node.value
            if text and text[0] not in _MAY_BE_OTHER:
                return text
            value = plain_value(text)
            if value is None and not text:
                self._check_colour(node)
            return value
        if node.tag not in (_TEXT, "tag:yaml.org,2002:str"):
            self._refuse_tag(node)
        return node.value

    def _check_colour(self, node: yaml.ScalarNode) -> None:
        line = self.lines[node.start_mark.line] if node.start_mark.line < len(self.lines) else ""
        if _COLOUR_AFTER.match(line[node.start_mark.column :]):
            self.add(node, "yaml-unquoted-colour", "the colour is a comment, so nothing stands here", QUOTE_COLOUR)

    def _refuse_tag(self, node: yaml.Node) -> None:
        tag = node.tag.replace("tag:yaml.org,2002:", "!!")
        self.add(node, "yaml-tag", f"tags like `{tag}` are not used here", "write the value without the tag")

    def _mapping(self, node: yaml.MappingNode) -> dict[str, Any]:
        values: dict[str, Any] = {}
        first: dict[str, yaml.Node] = {}
        for key_node, value_node in node.value:
            key = self._key(key_node)
            value = self.value(value_node)
            if key is None:
                continue
            if key in values:
                line = first[key].start_mark.line + 1
                self.add(key_node, "yaml-duplicate-key", f"the key `{key}` stands twice; first in line {line}")
                continue
            values[key] = value
            first[key] = key_node
        return values

    def _key(self, node: yaml.Node) -> str | None:
        if not isinstance(node, yaml.ScalarNode):
            if isinstance(node, yaml.MappingNode) and node.flow_style:
                self.add(node, "yaml-unquoted-template", "a template without quotes", QUOTE_TEMPLATE)
            else:
                self.add(node, "yaml-key", "a key must be text, found a list or a mapping")
            return None
        self._count += 1
        if node.tag == _PLAIN:
            text = node.value
            if text == "<<":
                hint = "use `defaults`, a template or an included file instead"
                self.add(node, "yaml-merge-key", "merge keys (`<<`) are not supported", hint)
                return None
            if not isinstance(plain_value(text), str):
                shown = f"`{text}`" if text else "nothing"
                self.add(node, "yaml-key", f"a key must be text, found {shown}", f'put it in quotes: `"{text}"`')
                return None
        elif node.tag not in (_TEXT, "tag:yaml.org,2002:str"):
            self._refuse_tag(node)
        return str(node.value)
