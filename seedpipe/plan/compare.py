"""`compare`: two states of a project → what changed between them: words, parameters, references, pictures, cost. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from seedpipe.catalogue.lookup import Catalogue
from seedpipe.manifest.definition import Budget, Manifest, Provider
from seedpipe.manifest.node import DerivedNode, FrameNode, ImageNode, Node, SourceNode, worn
from seedpipe.manifest.steps import Overlay, Text
from seedpipe.money import Money
from seedpipe.names import Digest
from seedpipe.plan.compare_looks import LookPair, candidates, look_pairs
from seedpipe.plan.diff import Choice, Field, Kind, NodeChange, ProjectDiff, Words
from seedpipe.plan.graph import Graph
from seedpipe.plan.key import DEFAULTS_1, TEXTS, request_document
from seedpipe.plan.plan import Cost, Plan, PlanNode, State, sum_of
from seedpipe.plan.reasons import FieldChanged, StepsChanged
from seedpipe.plan.recipe_changes import compare_steps
from seedpipe.plan.resolve import Resolver
from seedpipe.state.lock import DerivedEntry, Entry, ImageEntry, Level, Lock


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One state of the project. `name` is for people: a revision or `work tree`."""

    name: str
    manifest: Manifest | None
    graph: Graph
    lock: Lock
    catalogue: Catalogue
    provider: str
    plan: Plan
    outputs: Mapping[str, str]
    resolver: Resolver


def compare(before: Side, after: Side) -> ProjectDiff:
    """Of every picture what is not as it was. A currency that changed is among `terms`; costs are the new side's."""
    moved = _moved(before, after)
    changes = []
    for node in after.graph:
        old_address = moved.get(node.address, node.address)
        old = before.graph[old_address] if old_address in before.graph else None  # noqa: SIM401 - it has no `get`
        change = _changed(before, after, old, node, moved)
        if change is not None:
            changes.append(change)
    gone = set(before.graph.addresses) - set(after.graph.addresses) - set(moved.values())
    changes += [_removed(before, after, node) for node in before.graph if node.address in gone]
    currency = after.plan.currency
    pictures = sum(change.pictures for change in changes)
    pending = [node for node in after.plan.nodes.values() if node.pictures and not _is_new(before, node, moved)]
    return ProjectDiff(
        project=after.plan.project or before.plan.project,
        before=before.name,
        after=after.name,
        terms=tuple(_terms(before, after)),
        nodes=tuple(changes),
        cost=sum_of((change.cost for change in changes), currency),
        pictures=pictures,
        pending=sum_of((node.cost for node in pending), currency),
        pending_pictures=sum(node.pictures for node in pending),
    )


# One picture


def _changed(before: Side, after: Side, old: Node | None, new: Node, moved: Mapping[str, str]) -> NodeChange | None:
    planned = after.plan.nodes[new.address]
    costs = _is_new(before, planned, {new.address: old.address} if old is not None else {})
    nothing = Cost.nothing(after.plan.currency)
    base = NodeChange(
        address=new.address,
        kind=Kind.ADDED if old is None else Kind.MOVED if old.address != new.address else Kind.CHANGED,
        position=new.position,
        old_address=old.address if old is not None and old.address != new.address else None,
        before=_choice(before.lock, None if old is None else old.address),
        after=_choice_after(after, old, planned),
        outdated=_is_outdated(after, planned),
        candidates=candidates(after.lock, planned),
        new_takes=_new_takes(before.lock, after.lock, None if old is None else old.address, new.address),
        state=planned.state,
        because=_because(planned) if costs else (),
        pictures=planned.pictures if costs else 0,
        cost=planned.cost if costs else nothing,
    )
    change = _with_details(base, before, after, old, new, moved)
    follows = change.pictures or change.new_takes or change.before != change.after or _follows(before, planned, old)
    return change if follows or not change.is_cascade else None


def _with_details(
    change: NodeChange, before: Side, after: Side, old: Node | None, new: Node, moved: Mapping[str, str]
) -> NodeChange:
    if old is None or type(old) is not type(new):
        return replace(
            change, words=_all_words(new), fields=(Field(name="kind", old=None, new=_kind(new)),) if old else ()
        )
    old, new = worn(old, _look(before, old)), worn(new, _look(after, new))
    added, removed, reordered = _references(old, new, moved)
    return replace(
        change,
        words=_words(before, after, old, new),
        fields=tuple(_fields(before, after, old, new, moved)),
        references_added=added,
        references_removed=removed,
        reordered=reordered,
        source_changed=isinstance(new, SourceNode) and _taken(before, old.address) != _taken(after, new.address),
    )


def _look(side: Side, node: Node) -> str | None:
    """As which of its looks a picture stands there."""
    planned = side.plan.nodes.get(node.address)
    return None if planned is None else planned.look


def _removed(before: Side, after: Side, node: Node) -> NodeChange:
    return NodeChange(
        address=node.address,
        kind=Kind.REMOVED,
        position=None,
        before=_choice(before.lock, node.address),
        after=Choice(take=None),
        cost=Cost.nothing(after.plan.currency),
    )


def _is_new(before: Side, planned: PlanNode, moved: Mapping[str, str]) -> bool:
    """Whether this is bought because of the change: it was not to be bought before, or other than now."""
    if not planned.pictures:
        return False
    old = before.plan.nodes.get(moved.get(planned.address, planned.address))
    same = old is not None and old.pictures >= planned.pictures and old.key == planned.key
    if same and old is not None and planned.looks:
        were = {(one.key, None if one.key else one.name): one.pictures for one in old.looks}
        due = ((one, (one.key, None if one.key else one.name)) for one in planned.looks)
        same = all(were.get(key, 0) >= one.pictures for one, key in due)
    return not (same and old is not None and (old.key is not None or old.state == planned.state))


def _follows(before: Side, planned: PlanNode, old: Node | None) -> bool:
    """Made here anew for nothing, because something that it is made from changes."""
    was = None if old is None else before.plan.nodes[old.address]
    return planned.state is State.FREE and (was is None or was.state is not State.FREE or was.key != planned.key)


def _because(planned: PlanNode) -> tuple[str, ...]:
    return tuple(
        reason.sentence() for reason in planned.reasons if reason.code in ("upstream-made", "reference-changed")
    )


def _taken(side: Side, address: str) -> Digest | None:
    planned = side.plan.nodes.get(address)
    return None if planned is None else planned.taken


def _choice(lock: Lock, address: str | None) -> Choice:
    entry = None if address is None else lock.entries.get(address)
    if isinstance(entry, ImageEntry):
        return Choice(take=entry.take, level=entry.level.value, look=entry.look)
    return Choice(take=entry.take) if isinstance(entry, DerivedEntry) else Choice(take=None)


def _choice_after(after: Side, old: Node | None, planned: PlanNode) -> Choice:
    """A picture that moved before the lock knows is found by what it asks for, and nobody's choice any more."""
    choice = _choice(after.lock, planned.address)
    moved = old is not None and old.address != planned.address
    if choice.take is not None or not moved or planned.taken is None:
        return choice
    return Choice(take=planned.taken, level=None if planned.kind == "derived" else Level.AUTO.value)


def _is_outdated(after: Side, planned: PlanNode) -> bool:
    """What the lock has chosen is not what is asked for now."""
    entry = after.lock.image(planned.address)
    return entry is not None and planned.pictures > 0 and planned.state is not State.MAY and entry.want != planned.key


def _new_takes(before: Lock, after: Lock, old: str | None, new: str) -> int:
    known = _takes_of(before.entries.get(old or new))
    return len(_takes_of(after.entries.get(new)) - known)


def _takes_of(entry: Entry | None) -> set[Digest]:
    if not isinstance(entry, ImageEntry):
        return set()
    return {entry.take, *entry.takes, *(take for takes in entry.also.values() for take in takes)}


# Words and parameters


def _kind(node: Node) -> str:
    kinds = {ImageNode: "image", FrameNode: "frame", DerivedNode: "derived", SourceNode: "source"}
    return kinds[type(node)]


def _texts(node: Node) -> dict[str, str]:
    """The words of a node that people read a change of, by what they are."""
    match node:
        case ImageNode(looks=()):
            return {"prompt": node.prompt}
        case ImageNode():
            return {f"look {look.look}": look.prompt for look in node.looks}
        case FrameNode():
            base, frame = node.sequence.base, node.frame
            texts = {"prompt": frame.prompt, "shared words": base.prompt, "caption": frame.caption or ""}
            return {name: text for name, text in texts.items() if text}
        case DerivedNode():
            lettering = [step.text for step in node.steps if isinstance(step, Text)]
            return {
                f"lettering {number}" if number > 1 else "lettering": text for number, text in enumerate(lettering, 1)
            }
        case SourceNode():
            return {}


def _all_words(node: Node) -> tuple[Words, ...]:
    return tuple(Words(what=what, old="", new=text) for what, text in _texts(node).items())


def _words(before: Side, after: Side, old: Node, new: Node) -> tuple[Words, ...]:
    if isinstance(old, ImageNode) and isinstance(new, ImageNode):
        told = [
            Words(
                what="prompt" if pair.name is None else f"look {pair.name}",
                old="" if pair.old is None else pair.old.prompt,
                new="" if pair.new is None else pair.new.prompt,
            )
            for pair in _looks_of(before, after, old, new)
        ]
        return tuple(one for one in told if one.old != one.new)
    was, now = _texts(old), _texts(new)
    return tuple(
        Words(what=what, old=was.get(what, ""), new=now.get(what, ""))
        for what in dict.fromkeys([*was, *now])
        if was.get(what, "") != now.get(what, "")
    )


def _looks_of(before: Side, after: Side, old: ImageNode, new: ImageNode) -> Sequence[LookPair]:
    def alike(one: ImageNode, other: ImageNode) -> bool:
        if [item.address for item in one.references] != [item.address for item in other.references]:
            return False
        return request_document(before.resolver.asked(one), ()) == request_document(after.resolver.asked(other), ())

    return look_pairs(old, new, alike=alike)


def _fields(before: Side, after: Side, old: Node, new: Node, moved: Mapping[str, str]) -> Sequence[Field]:
    if isinstance(old, ImageNode | FrameNode) and isinstance(new, ImageNode | FrameNode):
        fields = [*_parameters(before, after, old, new)]
        if isinstance(old, ImageNode) and isinstance(new, ImageNode):
            fields += _of_other_looks(before, after, old, new)
        fields += [_field("looks", _looks(old), _looks(new))]
        fields += [_field("takes", old.takes, new.takes), _field("tags", ", ".join(old.tags), ", ".join(new.tags))]
    elif isinstance(old, DerivedNode) and isinstance(new, DerivedNode):
        fields = [*_steps(old, new)]
        for name, was, now in (
            ("from", [old.source.address], [new.source.address]),
            ("overlay", _overlays(old), _overlays(new)),
        ):
            if was != [moved.get(address, address) for address in now]:
                fields.append(_field(name, ", ".join(was), ", ".join(now)))
    elif isinstance(old, SourceNode) and isinstance(new, SourceNode):
        fields = [_field("file", old.path or old.url, new.path or new.url)]
    else:
        fields = []
    fields.append(_field("output", before.outputs.get(old.address), after.outputs.get(new.address)))
    return [field for field in fields if field.old != field.new]


def _parameters(
    before: Side, after: Side, old: ImageNode | FrameNode, new: ImageNode | FrameNode, what: str = ""
) -> Iterator[Field]:
    first = request_document(before.resolver.asked(old), ())
    second = request_document(after.resolver.asked(new), ())
    for name in ("model", *(name for name in DEFAULTS_1 if name not in TEXTS)):
        usual = DEFAULTS_1.get(name)
        yield _field(what + name.replace("_", " "), first.get(name, usual), second.get(name, usual))


def _of_other_looks(before: Side, after: Side, old: ImageNode, new: ImageNode) -> Iterator[Field]:
    """The parameters and references of each look that the picture is not: those that it is are told as its own."""
    for pair in _looks_of(before, after, old, new):
        if pair.old is None or pair.new is None or pair.new.look == new.look:
            continue
        what = f"look {pair.name} "
        yield from _parameters(before, after, pair.old, pair.new, what)
        made_from = (", ".join(item.address for item in one.references) for one in (pair.old, pair.new))
        yield _field(f"{what}references", *made_from)


def _field(name: str, old: object, new: object) -> Field:
    return Field(name=name, old=_shown(old), new=_shown(new))


def _shown(value: object) -> str | None:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return None if value in (None, "") else str(value)


def _looks(node: ImageNode | FrameNode) -> str:
    return ", ".join(look.look or "" for look in node.looks) if isinstance(node, ImageNode) else ""


def _steps(old: DerivedNode, new: DerivedNode) -> Iterator[Field]:
    """Each option that changed; the words of lettering are told as words."""
    for reason in compare_steps(_step_documents(old), _step_documents(new)):
        match reason:
            case FieldChanged(field=name):
                yield _field(name, reason.old, reason.new)
            case StepsChanged():
                moved = not (reason.added or reason.removed)
                sides = ("one order", "another") if moved else map(", ".join, (reason.removed, reason.added))
                yield _field("steps", *sides)


def _overlays(node: DerivedNode) -> list[str]:
    return [step.image for step in node.steps if isinstance(step, Overlay)]


def _step_documents(node: DerivedNode) -> Sequence[Mapping[str, Any]]:
    return [
        {"step": step.verb, "revision": 0, **step.document(), **({"font": step.font} if isinstance(step, Text) else {})}
        for step in node.steps
    ]


def _references(old: Node, new: Node, moved: Mapping[str, str]) -> tuple[tuple[str, ...], tuple[str, ...], bool]:
    if not (isinstance(old, ImageNode | FrameNode) and isinstance(new, ImageNode | FrameNode)):
        return (), (), False
    before = [reference.address for reference in old.references]
    after = {reference.address: moved.get(reference.address, reference.address) for reference in new.references}
    added = tuple(address for address, was in after.items() if was not in before)
    removed = tuple(address for address in before if address not in after.values())
    return added, removed, before != list(after.values()) and not added and not removed


# The whole


def _moved(before: Side, after: Side) -> dict[str, str]:
    """New address → old address, of pictures whose chosen take went along."""
    old_only = [address for address in before.graph.addresses if address not in after.graph]
    by_take = {
        choice.take: address for address in old_only if (choice := _choice(before.lock, address)).take is not None
    }
    found: dict[str, str] = {}
    for address in after.graph.addresses:
        planned = after.plan.nodes[address]
        take = _choice(after.lock, address).take or planned.taken
        if address not in before.graph and take in by_take and planned.kind != "source":
            found[address] = by_take.pop(take)
    return found


def _terms(before: Side, after: Side) -> Sequence[Field]:
    if before.manifest is None or after.manifest is None:
        return []
    budgets = before.manifest.budget, after.manifest.budget
    providers = before.manifest.provider, after.manifest.provider
    fields = [
        _field("provider", _provider(before), _provider(after)),
        _field("key variable", *(None if one is None else one.api_key_env for one in providers)),
        *_endpoints(*providers),
        *_prices(before, after),
        *(
            _field(f"budget {name.replace('_', ' ')}", *(_amount(budget, name) for budget in budgets))
            for name in ("per_build", "per_day", "per_month", "per_node", "project")
        ),
    ]
    return [field for field in fields if field.old != field.new]


def _endpoints(old: Provider | None, new: Provider | None) -> Sequence[Field]:
    """Of each model: at which inference endpoint it is asked for."""
    first, second = (
        {} if one is None else {model: endpoint for model, endpoint, _ in one.endpoints} for one in (old, new)
    )
    return [_field(f"endpoint of {model}", first.get(model), second.get(model)) for model in sorted({*first, *second})]


def _provider(side: Side) -> str:
    written = side.manifest.provider if side.manifest is not None else None
    return f"{side.provider} at {written.base_url}" if written is not None and written.base_url else side.provider


def _prices(before: Side, after: Side) -> Sequence[Field]:
    """Of each model that both sides use: what a picture costs."""
    models = sorted(_models(before.plan) & _models(after.plan))
    return [
        _field(
            f"price of {model}",
            before.catalogue.list_price(before.provider, model).summary(),
            after.catalogue.list_price(after.provider, model).summary(),
        )
        for model in models
    ]


def _models(plan: Plan) -> set[str]:
    return {node.model for node in plan.nodes.values() if node.model is not None}


def _amount(budget: Budget, name: str) -> Money | None:
    value = getattr(budget, name)
    return value if isinstance(value, Money) else None
