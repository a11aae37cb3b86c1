"""Where the words of a prompt come from: the template line, and the cell of data, behind each character.

The prompt is rendered once more with a mark before each piece of the template and each value. Marks are characters of
a private plane that no text holds. What then differs from the prompt but for the marks (a filter that counts letters)
is not claimed to be known.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import jinja2
from jinja2 import Undefined, nodes, pass_context
from jinja2.runtime import Context
from jinja2.visitor import NodeTransformer

from seedpipe.manifest.cells import Cells
from seedpipe.manifest.definition import Definition, Manifest
from seedpipe.manifest.findings import Findings
from seedpipe.manifest.frame_list import FrameList
from seedpipe.manifest.make_node import NodeMaker, WrittenWords
from seedpipe.manifest.matrix import MatrixReader
from seedpipe.manifest.normalise import normalise_text
from seedpipe.manifest.prompts import Written
from seedpipe.manifest.recipe import RecipeBook
from seedpipe.manifest.references import AddressBook
from seedpipe.manifest.sandbox import PromptEnvironment
from seedpipe.manifest.scope import Scope
from seedpipe.manifest.template import FAILURES, TemplateError, TemplateLibrary, Where, WholeFile
from seedpipe.manifest.values import is_template
from seedpipe.names import definition_of
from seedpipe.source import Position, ProjectFiles

_TRACE: Final = "seedpipe trace"
_FIRST: Final = 0xF0000
_LAST: Final = 0xFFFFD
_WORD: Final = re.compile(r"\s+|\S+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """`line` of a template; `cell` of data whose value stands there, or the var or axis that it is."""

    line: Position
    cell: Position | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Origins:
    """A text, and of each of its characters where it comes from."""

    text: str
    places: Sequence[Origin | None] = field(repr=False)

    def at(self, start: int, length: int) -> Origin | None:
        """Of the first word in this part; where nothing stands any more, of what stands before it."""
        for place in range(start, start + length):
            if not self.text[place].isspace():
                return self.places[place]
        before = next((place for place in range(start - 1, -1, -1) if not self.text[place].isspace()), None)
        if before is not None:
            return self.places[before]
        return self.places[start] if start < len(self.places) else None


def origins_of(
    manifest: Manifest, files: ProjectFiles, addresses: Iterable[str], wanted: Collection[str]
) -> Mapping[tuple[str, str], Origins]:
    """(address, `prompt` or `shared`) → origins, for those of `wanted` that are known. `addresses` are the project's.

    Of a picture with looks each has its own: (address, `look_field(look)`).
    """
    names = {definition_of(address) for address in wanted}
    items = {address.partition("#")[0] for address in wanted}
    tracer = _Tracer(manifest, files, addresses)
    found: dict[tuple[str, str], Origins] = {}
    for definition in manifest.definitions:
        if definition.name in names:
            for words in tracer.words(definition, items):
                origins = tracer.trace(words) if words.address in wanted else None
                if origins is not None:
                    name = words.field if words.look is None else look_field(words.look)
                    found[words.address, name] = origins
    return found


def look_field(look: str) -> str:
    """Under which name the origins of one look's prompt stand."""
    return f"prompt@{look}"


class _Tracer:
    """Reads the project's data once; renders with marks."""

    def __init__(self, manifest: Manifest, files: ProjectFiles, addresses: Iterable[str]) -> None:
        self._manifest = manifest
        self._files = files
        self._findings = Findings()
        self._scope = Scope(manifest, files, self._findings.collector)
        self._reader = MatrixReader(self._scope, self._findings.collector)
        self._book = AddressBook(addresses, ())
        self._environment = _MarkingEnvironment(self._scope, Cells(manifest, self._scope, files))

    def words(self, definition: Definition, items: Collection[str]) -> Iterator[WrittenWords]:
        """Of those items of the definition."""
        collector = self._findings.collector
        matrix = self._reader.read(definition)
        recipes = RecipeBook(self._manifest, definition, matrix, self._reader, collector)
        frames = {definition.name: FrameList(definition, self._scope, collector)}
        maker = NodeMaker(self._scope, self._book, self._files, self._findings, frames)
        self._environment.axes = {axis.name: axis.place.position for axis in matrix.axes}
        for item in matrix.items(collector):
            recipe = recipes.recipe(item.axes) if item.address in items else None
            if recipe is not None:
                yield from maker.written(recipe, item)

    def trace(self, words: WrittenWords) -> Origins | None:
        self._environment.cells = words.cells
        try:
            parts = [self._part(part, words.values) for part in words.parts]
            text = normalise_text("\n".join(part.text for part in parts))
        except (*FAILURES, TemplateError):
            return None
        places: list[Origin | None] = []
        for part in parts:
            places += [*([None] if places else []), *part.places]
        return _normalised("\n".join(part.text for part in parts), places, text)

    def _part(self, part: Written, values: Mapping[str, Any]) -> Origins:
        marked = self._environment.marked(part.text, part.where, values)
        characters, places = [], []
        origin: Origin | None = None
        for character in marked:
            if _FIRST <= ord(character) <= _LAST:
                origin = self._environment.marks[ord(character) - _FIRST]
            else:
                characters.append(character)
                places.append(origin)
        raw = "".join(characters)
        if raw != self._scope.render(part.text, values):
            raise TemplateError("trace", "with marks it says something else")
        found = _normalised(raw, places, normalise_text(raw))
        if found is None:
            raise TemplateError("trace", "its letters were composed")
        return found


def _normalised(raw: str, places: Sequence[Origin | None], text: str) -> Origins | None:
    """`text` is `raw` less some blanks; None if it is more than that."""
    kept: list[Origin | None] = []
    at = 0
    for character in text:
        while at < len(raw) and raw[at] != character:
            at += 1
        if at == len(raw):
            return None
        kept.append(places[at])
        at += 1
    return Origins(text=text, places=kept)


@dataclass(frozen=True, slots=True)
class _Site:
    """An expression that stands in a text: where, the name it begins with, and the names taken of that."""

    line: Position
    root: str | None
    path: tuple[str, ...]


class _MarkingEnvironment(PromptEnvironment):
    """As the project's own, with a mark before everything that is put out."""

    def __init__(self, scope: Scope, cells: Cells) -> None:
        library = TemplateLibrary(scope.files, scope.library.folder)
        super().__init__(jinja2.FunctionLoader(library.load))
        self.globals.update(scope.environment.globals)
        self.filters[_TRACE] = self._traced
        self.marks: list[Origin] = []
        self.sites: list[_Site] = []
        self.axes: Mapping[str, Position] = {}
        self.cells: Mapping[str, Position] = {}  # of the vars that a look changes
        self._cells = cells
        self._where: Where | None = None
        self._compiled: dict[tuple[str, Position], jinja2.Template] = {}

    def marked(self, text: str, where: Where, values: Mapping[str, Any]) -> str:
        """The rendered text with its marks."""
        _refuse_marks(text)
        if not is_template(text):
            return "".join(self.pieces(_Locator(text, where), text, 1))
        self.begin()
        key = (text, where.position)
        if key not in self._compiled:
            self._where = where
            self._compiled[key] = self.from_string(text)
        compiled = self._compiled[key]
        return "".join(compiled.root_render_func(compiled.new_context(dict(values))))

    def tree_of(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        _refuse_marks(source)
        where = self._where if filename is None and self._where is not None else WholeFile(filename or "")
        tree: nodes.Template = _Marker(self, _Locator(source, where)).visit(super().tree_of(source, name, filename))
        return tree

    def pieces(self, locator: "_Locator", text: str, line: int) -> Iterator[str]:
        """`text`, which begins in that line of a template, with a mark wherever another line of the file begins."""
        locator.move_to(text, line)
        for word in _WORD.findall(text):
            yield self.mark(Origin(line=locator.place)) + word
            locator.pass_over(word)

    def mark(self, origin: Origin) -> str:
        if self.marks and self.marks[-1] == origin:
            return chr(_FIRST + len(self.marks) - 1)
        if _FIRST + len(self.marks) > _LAST:
            raise TemplateError("trace", "there are no marks left")
        self.marks.append(origin)
        return chr(_FIRST + len(self.marks) - 1)

    @pass_context
    def _traced(self, context: Context, value: Any, site: int, parent: Any, key: Any, root: Any) -> Any:
        if isinstance(value, Undefined):
            return value  # a `default` stands around it, or it raises as it did before
        known = self.sites[site]
        cell = None
        if known.root is not None and not isinstance(parent, Undefined):
            cell = self._cells.of(parent, key, root=root, name=known.root, path=known.path)
            if known.root in self.cells:
                cell = self.cells[known.root]
            elif cell is None and known.root in self.axes and known.root in context:
                cell = self.axes[known.root]
        return self.mark(Origin(line=known.line, cell=cell)) + self.text_of(value)


class _Locator:
    """Follows a template's syntax tree through its text: Jinja2 knows lines, but a folded line is several of its file."""

    def __init__(self, source: str, where: Where) -> None:
        self._source = source
        self._where = where
        self._at = 0
        self._line = 1
        self._exact = True

    @property
    def place(self) -> Position:
        if not self._exact:
            return _at_line(self._where.line(self._line))
        before = self._source.rfind("\n", 0, self._at) + 1
        row = self._source.count("\n", 0, self._at) + 1
        return _at_line(self._where.line(row, self._at - before + 1))

    def move_to(self, text: str, line: int) -> None:
        """To the next place where `text` stands; only its line is known if that is another one."""
        found = self._source.find(text, self._at)
        self._exact = found >= 0 and self._source.count("\n", 0, found) + 1 == line
        self._at, self._line = found if self._exact else self._at, line

    def pass_over(self, text: str) -> None:
        self._at += len(text) if self._exact else 0
        self._line += text.count("\n")


def _at_line(position: Position) -> Position:
    return Position(position.file, position.line, 1)


def _refuse_marks(text: str) -> None:
    if any(_FIRST <= ord(character) <= _LAST for character in text):
        raise TemplateError("trace", "it holds characters that marks are made of")


class _Marker(NodeTransformer):
    """Puts marks into a template's own text, and a filter that makes one around each expression."""

    def __init__(self, environment: _MarkingEnvironment, locator: _Locator) -> None:
        self._environment = environment
        self._locator = locator

    def visit_Output(self, node: nodes.Output) -> nodes.Output:  # noqa: N802 (Jinja2's naming)
        found: list[nodes.Expr] = []
        for child in node.nodes:
            if isinstance(child, nodes.TemplateData):
                text = "".join(self._environment.pieces(self._locator, child.data, child.lineno))
                found.append(nodes.TemplateData(text, lineno=child.lineno))
            else:
                found.append(self._expression(child))
        node.nodes = found
        return node

    def _expression(self, child: nodes.Expr) -> nodes.Filter:
        inner: nodes.Node | None = child
        while isinstance(inner, nodes.Filter):
            inner = inner.node
        nothing = nodes.Const(None, lineno=child.lineno)
        parent: nodes.Expr = nothing
        key: nodes.Expr = nothing
        if isinstance(inner, nodes.Getattr):
            parent, key = inner.node, nodes.Const(inner.attr, lineno=child.lineno)
        elif isinstance(inner, nodes.Getitem):
            parent, key = inner.node, inner.arg
        root, path = _chain(inner)
        self._locator.move_to("{{", child.lineno)
        self._environment.sites.append(_Site(self._locator.place, root, path))
        self._locator.pass_over("{{")
        begin: nodes.Expr = nodes.Name(root, "load", lineno=child.lineno) if root else nothing
        site = nodes.Const(len(self._environment.sites) - 1, lineno=child.lineno)
        return nodes.Filter(child, _TRACE, [site, parent, key, begin], [], None, None, lineno=child.lineno)


def _chain(node: nodes.Node | None) -> tuple[str | None, tuple[str, ...]]:
    """`palette.navy` → (`palette`, (`navy`,)); nothing for what is no plain name or is looked up by another value."""
    path: list[str] = []
    while isinstance(node, nodes.Getattr | nodes.Getitem):
        if isinstance(node, nodes.Getattr):
            path.append(node.attr)
        elif isinstance(node.arg, nodes.Const):
            path.append(str(node.arg.value))
        else:
            path.append("")
        node = node.node
    return (node.name if isinstance(node, nodes.Name) else None), tuple(reversed(path))
