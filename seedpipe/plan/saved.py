"""A saved plan: what `plan -o` writes and `build --plan` reads back. `schemas/plan.schema.json` describes it. Pure."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from seedpipe.errors import UsageError
from seedpipe.limits import MAX_FILE_BYTES, PLAN_FORMAT
from seedpipe.manifest.document import compose_document
from seedpipe.manifest.node import Node, SourceNode
from seedpipe.money import Money
from seedpipe.names import Digest, Realm
from seedpipe.plan.graph import Graph
from seedpipe.plan.plan import Cost, Plan, State
from seedpipe.plan.reasons import SameAs
from seedpipe.plan.select import Selection, Wish
from seedpipe.source import Position

Path = tuple[str | int, ...]
Value = TypeVar("Value")
_WRITE_ANEW: Final = "`seedpipe plan -o {file}` writes a new one"


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedLook:
    """What the plan promised of one look of a node."""

    cost: Cost
    pictures: int
    request: Mapping[str, Any] | None
    fewer: Digest | None = None

    @classmethod
    def from_dict(cls, data: "_Reader") -> "SavedLook":
        return cls(
            cost=_cost(data.below("cost")),
            pictures=data.whole("pictures"),
            request=data.below("request").mapping() if data.has("request") else None,
            fewer=data.made("fewer", Digest.parse, "a digest") if data.has("fewer") else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedNode:
    """What the plan promised of one node. `same_as` is the node whose picture it was to share."""

    address: str
    kind: str
    state: State
    cost: Cost
    pictures: int
    takes: int | None
    named: bool
    writes: bool
    before: Digest | None
    request: Mapping[str, Any] | None
    same_as: str | None
    fewer: Digest | None = None
    looks: Mapping[str, "SavedLook"] = field(default_factory=dict)

    @property
    def has_work(self) -> bool:
        return self.state.buys or self.writes or self.state in (State.FREE, State.SAME, State.FETCH)

    @classmethod
    def from_dict(cls, data: "_Reader") -> "SavedNode":
        same = [reason.text("address") for reason in data.items("reasons") if reason.text("code") == SameAs.code]
        return cls(
            address=data.text("address"),
            kind=data.text("kind"),
            state=data.made("state", State, "a state"),
            cost=_cost(data.below("cost")),
            pictures=data.whole("pictures") if data.has("pictures") else 0,
            takes=data.whole("takes") if data.has("takes") else None,
            named=data.flag("named", absent=False),
            writes=data.flag("writes", absent=False),
            before=data.made("before", Digest.parse, "a digest") if data.has("before") else None,
            request=data.below("request").mapping() if data.has("request") else None,
            same_as=same[0] if same else None,
            fewer=data.made("fewer", Digest.parse, "a digest") if data.has("fewer") else None,
            looks=_looks(data),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedPlan:
    """The whole, as far as a build is held to it. `file` is what the person called it."""

    file: str
    project: str
    project_id: str | None
    realm: Realm
    provider: str
    currency: str
    profile: str | None
    variables: Mapping[str, str]
    targets: tuple[str, ...]
    excluded: frozenset[str]
    retry_unknown: bool
    retry_blocked: bool
    cascade: bool
    through_gates: bool
    cost: Cost
    nodes: Mapping[str, SavedNode] = field(repr=False)

    @classmethod
    def from_dict(cls, data: "_Reader", file: str) -> "SavedPlan":
        wish = data.below("wish")
        return cls(
            file=file,
            project=data.text("project"),
            project_id=data.text("project_id") if data.has("project_id") else None,
            realm=data.made("realm", Realm, "`live` or `proof`"),
            provider=data.text("provider"),
            currency=data.text("currency"),
            profile=data.text("profile") if data.has("profile") else None,
            variables={name: data.below("variables").text(name) for name in data.below("variables").mapping()},
            targets=tuple(wish.texts("targets")),
            excluded=frozenset(wish.texts("excluded")),
            retry_unknown=wish.flag("retry_unknown"),
            retry_blocked=wish.flag("retry_blocked"),
            cascade=wish.flag("cascade"),
            through_gates=wish.flag("through_gates"),
            cost=_cost(data.below("cost")),
            nodes={node.address: node for node in map(SavedNode.from_dict, data.items("nodes"))},
        )

    def wish_for(self, graph: Graph) -> Wish:
        """What is asked for now: the nodes that the plan had work for. All others serve as they are.

        Files of the project are read like by any build, so that their lines get into the lock.
        """
        there = {
            address
            for address, node in self.nodes.items()
            if address in graph and (node.has_work or (node.kind == "source" and _is_file(graph[address])))
        }
        return Wish(
            selection=Selection(
                nodes=frozenset(there),
                named=frozenset(address for address in there if self.nodes[address].named),
                excluded=self.excluded & frozenset(graph.addresses),
                everything=False,
            ),
            targets=self.targets,
            retry_unknown=self.retry_unknown,
            retry_blocked=self.retry_blocked,
            cascade=self.cascade,
            through_gates=self.through_gates,
        )

    def buyer_of(self, address: str) -> SavedNode | None:
        """The node that the plan has buy the picture of `address`; None if nobody was to buy it."""
        node, seen = self.nodes.get(address), set[str]()
        while node is not None and not node.pictures and node.same_as is not None and node.address not in seen:
            seen.add(node.address)
            node = self.nodes.get(node.same_as)
        return node if node is not None and node.pictures else None


def _is_file(node: Node) -> bool:
    return isinstance(node, SourceNode) and node.path is not None


def plan_document(plan: Plan, **views: Any) -> dict[str, Any]:
    """What `plan --json` prints and `plan -o` writes: the plan, with a digest over all of it.

    `views` are other looks at it that a person asked for.
    """
    content = {**plan.to_dict(), **views}
    return {"seedpipe_plan": content.pop("seedpipe_plan"), "digest": str(_digest(content)), **content}


def _digest(content: Mapping[str, Any]) -> Digest:
    """Over the values, not the bytes: who only lays the file out anew changes nothing."""
    told = {name: value for name, value in content.items() if name not in ("digest", "seedpipe_plan")}
    return Digest.of(json.dumps(told, sort_keys=True, separators=(",", ":")).encode())


def read_saved_plan(data: bytes, file: str) -> SavedPlan:
    """Raises `UsageError`, with its place, for what is no plan, is garbled, was edited, or is of a newer format."""
    hint = _WRITE_ANEW.format(file=file)
    if len(data) > MAX_FILE_BYTES:
        raise UsageError(f"`{file}` has more than {MAX_FILE_BYTES:,} bytes: it is no saved plan", hint=hint)
    content = _parsed(data, file, hint)
    reader = _Reader(content)
    try:
        _check_format(reader, file)
        saved = SavedPlan.from_dict(reader, file)
    except _GarbledError as error:
        raise UsageError(f"`{file}`: {error}", hint=hint, position=_place(data, file, error.path)) from None
    if content.get("digest") != str(_digest(content)):
        raise UsageError(f"`{file}` was changed after it was written: its digest is another one", hint=hint)
    return saved


def _parsed(data: bytes, file: str, hint: str) -> dict[str, Any]:
    try:
        content = json.loads(
            data.decode("utf-8-sig"), object_pairs_hook=_unique, parse_float=_refused, parse_constant=_refused
        )
    except UnicodeDecodeError:
        raise UsageError(f"`{file}` is no text in UTF-8", hint=hint) from None
    except json.JSONDecodeError as error:
        position = Position(file, error.lineno, error.colno)
        message = f"`{file}` is no valid JSON: {error.msg[:1].lower()}{error.msg[1:]}"
        raise UsageError(message, hint=hint, position=position) from None
    except (ValueError, RecursionError) as error:
        message = "its values are nested too deep" if isinstance(error, RecursionError) else str(error)
        raise UsageError(f"`{file}`: {message}", hint=hint) from None
    if not isinstance(content, dict) or "seedpipe_plan" not in content:
        raise UsageError(f"`{file}` is no saved plan of seedpipe", hint=hint)
    return content


def _check_format(reader: "_Reader", file: str) -> None:
    found = reader.whole("seedpipe_plan")
    if found > PLAN_FORMAT:
        raise UsageError(
            f"`{file}` is of format {found}; this seedpipe reads up to format {PLAN_FORMAT}",
            hint="upgrade seedpipe, or plan anew with this one; nothing was changed",
        )


def _place(data: bytes, file: str, path: Path) -> Position:
    """Where something of the file stands; JSON is read as YAML for it, which remembers places."""
    document, _ = compose_document(file, data)
    return Position(file, 1, 1) if document is None else document.position(path)


def _looks(data: "_Reader") -> Mapping[str, SavedLook]:
    looks = data.items("looks") if data.has("looks") else ()
    return {look.text("name"): SavedLook.from_dict(look) for look in looks}


def _cost(data: "_Reader") -> Cost:
    low, expected, high = (data.made(name, Money.parse, "an amount") for name in ("low", "expected", "high"))
    if len({money.currency for money in (low, expected, high)}) > 1 or not low <= expected <= high:
        raise _GarbledError(data.path, "low, expected and high don't fit together")
    return Cost(low=low, expected=expected, high=high)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(name for name, _ in pairs if sum(name == other for other, _ in pairs) > 1)
        raise ValueError(f"`{twice}` stands twice in one mapping")
    return found


def _refused(text: str) -> Any:
    raise ValueError(f"`{text}` is no number that a plan holds")


class _GarbledError(Exception):
    """Something that a plan never says, and where."""

    def __init__(self, path: Path, message: str) -> None:
        super().__init__(message)
        self.path = path


@dataclass(frozen=True, slots=True)
class _Reader:
    """A value of the file and where it stands. Each question raises `_GarbledError` for what isn't as it has to be."""

    value: Any
    path: Path = ()

    @property
    def name(self) -> str:
        return ".".join(map(str, self.path)) or "the file"

    def has(self, name: str) -> bool:
        return name in self.mapping()

    def mapping(self) -> Mapping[str, Any]:
        if not isinstance(self.value, dict):
            raise _GarbledError(self.path, f"`{self.name}` should be a mapping")
        return self.value

    def below(self, name: str) -> "_Reader":
        if name not in self.mapping():
            raise _GarbledError(self.path, f"`{name}` is missing in `{self.name}`")
        return _Reader(self.value[name], (*self.path, name))

    def items(self, name: str) -> Iterator["_Reader"]:
        found = self.below(name)
        if not isinstance(found.value, list):
            raise _GarbledError(found.path, f"`{found.name}` should be a list")
        return (_Reader(value, (*found.path, index)) for index, value in enumerate(found.value))

    def text(self, name: str) -> str:
        return self.below(name).as_text()

    def texts(self, name: str) -> list[str]:
        return [item.as_text() for item in self.items(name)]

    def as_text(self) -> str:
        if not isinstance(self.value, str):
            raise _GarbledError(self.path, f"`{self.name}` should be text")
        return self.value

    def whole(self, name: str) -> int:
        found = self.below(name)
        if not isinstance(found.value, int) or isinstance(found.value, bool) or found.value < 0:
            raise _GarbledError(found.path, f"`{found.name}` should be a whole number")
        return found.value

    def flag(self, name: str, *, absent: bool | None = None) -> bool:
        if absent is not None and not self.has(name):
            return absent
        found = self.below(name)
        if not isinstance(found.value, bool):
            raise _GarbledError(found.path, f"`{found.name}` should be true or false")
        return found.value

    def made(self, name: str, make: Callable[[str], Value], expected: str) -> Value:
        found = self.below(name)
        text = found.as_text()
        try:
            return make(text)
        except ValueError:
            raise _GarbledError(found.path, f"`{found.name}` should be {expected}, found `{text}`") from None
