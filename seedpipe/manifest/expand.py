"""`Manifest` → nodes: data read, matrices multiplied, templates rendered, references found."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from seedpipe.errors import Fault, FaultCollector, ManifestError
from seedpipe.limits import MAX_NODES
from seedpipe.manifest.definition import Definition, Manifest
from seedpipe.manifest.fields import to_condition
from seedpipe.manifest.findings import BadValueError, Findings
from seedpipe.manifest.frame_list import FrameList
from seedpipe.manifest.garbage import paused_collection
from seedpipe.manifest.make_node import NodeMaker
from seedpipe.manifest.matrix import Item, Matrix, MatrixReader
from seedpipe.manifest.node import Node
from seedpipe.manifest.recipe import RecipeBook
from seedpipe.manifest.references import AddressBook
from seedpipe.manifest.scope import Scope
from seedpipe.manifest.template import TemplateError
from seedpipe.names import definition_of
from seedpipe.source import ProjectFiles


@dataclass(frozen=True, slots=True, kw_only=True)
class Expansion:
    """The nodes in the order of the manifest. `texts` are the data, template and prompt files that were read."""

    nodes: tuple[Node, ...]
    warnings: tuple[Fault, ...] = ()
    texts: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)


def expand(manifest: Manifest, files: ProjectFiles) -> Expansion:
    """Raises `ManifestError` with everything that is wrong."""
    with paused_collection():
        return _expand(manifest, files)


def _expand(manifest: Manifest, files: ProjectFiles) -> Expansion:
    findings = Findings()
    faults = findings.collector
    scope = Scope(manifest, files, faults)
    reader = MatrixReader(scope, faults)
    matrices = [reader.read(definition) for definition in manifest.definitions]
    books = [RecipeBook(manifest, matrix.definition, matrix, reader, faults) for matrix in matrices]
    _check_names(manifest.definitions, faults)
    frames = {definition.name: FrameList(definition, scope, faults) for definition in manifest.definitions}
    _check_count(matrices, {name: listed.count for name, listed in frames.items()}, faults)
    if faults.errors:  # what depends on broken tables and axes would only be noise
        for book in books:
            book.recipe(())
        raise ManifestError(findings.close().faults, texts={**scope.texts, **manifest.texts})
    switched_off: list[str] = []
    items = [list(_existing(matrix, scope, findings, switched_off)) for matrix in matrices]
    addresses = [
        address
        for group, matrix in zip(items, matrices, strict=True)
        for address in _addresses(group, matrix.definition, frames[matrix.definition.name], findings)
    ]
    if len(addresses) > MAX_NODES:  # frames made from data are counted only now
        message = f"with all its frames there are {len(addresses):,} pictures; a project may have {MAX_NODES:,}"
        raise ManifestError([Fault(code="too-many-nodes", message=message)], texts={**scope.texts, **manifest.texts})
    counted = frozenset(one for one in addresses if "#" in one and frames[definition_of(one)].is_counted)
    maker = NodeMaker(scope, AddressBook(addresses, switched_off, counted), files, findings, frames)
    nodes: list[Node] = []
    for book, group in zip(books, items, strict=True):
        nodes += _nodes(book, group, maker, findings)
    collector = findings.close()
    texts = {**scope.texts, **maker.finder.texts}
    if collector.errors:
        raise ManifestError(collector.faults, texts={**texts, **manifest.texts})
    return Expansion(nodes=tuple(nodes), warnings=tuple(sorted(collector.faults, key=Fault.sort_key)), texts=texts)


def _check_names(definitions: Iterable[Definition], faults: FaultCollector) -> None:
    seen: dict[str, Definition] = {}
    for definition in definitions:
        other = seen.setdefault(definition.name.lower(), definition)
        if other is not definition:
            message = f"`{definition.name}` differs from `{other.name}` ({other.place.key_position}) by case only"
            faults.add("case-clash", message, definition.place.key_position, hint="rename one of them")


def _addresses(items: Iterable[Item], definition: Definition, frames: FrameList, findings: Findings) -> Iterable[str]:
    for item in items:
        if definition.entry.sequence is None and definition.entry.layers is None:
            yield item.address
        else:
            yield from (f"{item.address}#{frame.id}" for frame in frames.of(item, findings))


def _check_count(matrices: Iterable[Matrix], frames: Mapping[str, int], faults: FaultCollector) -> None:
    """Before anything is built."""
    total = 0
    for matrix in matrices:
        count = matrix.count * max(1, frames[matrix.definition.name], _looks(matrix.definition))
        total += count
        if count > MAX_NODES or total > MAX_NODES >= total - count:
            name = matrix.definition.name
            what = (
                f"the matrix of `{name}` makes {count:,} items"
                if count > 1
                else f"with `{name}` there are {total:,} pictures"
            )
            message = f"{what}; a project may have {MAX_NODES:,}"
            faults.add("too-many-nodes", message, matrix.definition.place.key_position, address=name)
            if total > MAX_NODES:
                return


def _looks(definition: Definition) -> int:
    """How many looks one item has at most: each is as much to hold as a node."""
    entry = definition.entry
    return max(len(one.looks or ()) for one in (entry, *(entry.override or ())))


def _existing(matrix: Matrix, scope: Scope, findings: Findings, switched_off: list[str]) -> Iterable[Item]:
    """The items whose `when` holds."""
    definition = matrix.definition
    when = definition.entry.when
    place = definition.place.below("when")
    for item in matrix.items(findings.collector):
        if when is not None and not findings.enough(definition.name):
            try:
                value = scope.render(when, item.values) if isinstance(when, str) else when
                if not to_condition(value):
                    switched_off.append(item.address)
                    continue
            except TemplateError as error:
                findings.template(item.address, place, error)
            except BadValueError as error:
                findings.bad(item.address, place.position, error)
        yield item


def _nodes(book: RecipeBook, items: Iterable[Item], maker: NodeMaker, findings: Findings) -> Iterable[Node]:
    for item in items:
        recipe = book.recipe(item.axes)
        if recipe is None or findings.enough(book.definition.name):
            return
        yield from maker.make(recipe, item)
