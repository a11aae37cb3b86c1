"""Which nodes a person means: names, groups, axes, tags, globs, frames; `+x` with what it is made from, `x+` with what needs it."""

import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from seedpipe.errors import UsageError
from seedpipe.manifest.node import FrameNode, Node
from seedpipe.names import definition_of
from seedpipe.plan.graph import Graph


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """`nodes` are meant themselves; `named` are those that a person wrote down (not by cascade of `+`).

    `excluded` are never bought, not even for what needs them.
    """

    nodes: frozenset[str]
    named: frozenset[str]
    excluded: frozenset[str]
    everything: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a person asked for beside the manifest; `targets` are the selection's as they were written.

    `reroll` maps an address to the number of takes that are to come beside all that there are; `whole` are sequences
    whose frames then come by the request that brings them all. `look` is the one that is rolled again, where it is said.
    """

    selection: Selection
    targets: tuple[str, ...] = ()
    retry_unknown: bool = False
    retry_blocked: bool = False
    cascade: bool = True
    through_gates: bool = False
    reroll: Mapping[str, int] = field(default_factory=dict)
    whole: frozenset[str] = frozenset()
    look: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """What a saved plan keeps of it; who is named stands with the nodes."""
        return {
            "targets": list(self.targets),
            "excluded": sorted(self.selection.excluded),
            "retry_unknown": self.retry_unknown,
            "retry_blocked": self.retry_blocked,
            "cascade": self.cascade,
            "through_gates": self.through_gates,
        }


def select(graph: Graph, targets: Sequence[str], *, exclude: Sequence[str] = ()) -> Selection:
    """Raises `UsageError` for a target that names nothing."""
    if not targets:
        nodes, named = set(graph.addresses), set[str]()
    else:
        nodes, named = set(), set()
        for target in targets:
            above, core, below = _modifiers(target)
            found = _match(graph, core, target)
            named |= found
            nodes |= found
            if above:
                nodes |= graph.everything_above(found)
            if below:
                nodes |= graph.everything_below(found)
    excluded: set[str] = set()
    for target in exclude:
        excluded |= _match(graph, target, target)
    nodes -= excluded
    return Selection(
        nodes=frozenset(nodes),
        named=frozenset(named & nodes),
        excluded=frozenset(excluded),
        everything=not targets and not exclude,
    )


def _modifiers(target: str) -> tuple[bool, str, bool]:
    above, below = target.startswith("+"), target.endswith("+")
    return above, target.removeprefix("+").removesuffix("+"), below


def _match(graph: Graph, core: str, target: str) -> set[str]:
    matches = _matcher(core)
    found = {node.address for node in graph if matches(node)}
    if not found:
        raise UsageError(f"`{target}` names no picture of this project", hint=_hint(core, graph))
    return found


def _matcher(core: str) -> Callable[[Node], bool]:
    if core.startswith("tag:"):
        tag = core.removeprefix("tag:")
        return lambda node: tag in node.tags
    if "#" in core:
        base, _, frame = core.rpartition("#")
        return _frames(_named(base), frame)
    matches, is_glob = _named(core), _glob(core) is not None and "=" not in core
    return lambda node: matches(
        node.sequence.address if isinstance(node, FrameNode) and not is_glob else node.address, node.axes
    )


def _frames(matches: "_Named", frame: str) -> Callable[[Node], bool]:
    """By id or glob; `#2` is the second one of a sequence in which no frame is called so."""
    told = _glob(frame)

    def are_meant(node: Node) -> bool:
        if not isinstance(node, FrameNode) or not matches(node.sequence.address, node.axes):
            return False
        if told is not None:
            return told(node.frame.id)
        if node.frame.id == frame:
            return True
        is_position = frame == str(node.frame.number)
        return is_position and all(other.id != frame for other in node.sequence.frames)

    return are_meant


_Named = Callable[[str, tuple[tuple[str, str], ...]], bool]


def _named(core: str) -> _Named:
    """Whether an address (of a frame that of its sequence) and its axes are meant by a target without tag and frame."""
    segments = core.rstrip("/").split("/")
    if any("=" in segment for segment in segments[1:]):
        return _by_axes(segments)
    glob = _glob(core)
    if glob is not None:
        return lambda address, _axes: glob(address)
    below = core.rstrip("/") + "/"
    return lambda address, _axes: address == core or address.startswith(below)


def _by_axes(segments: Sequence[str]) -> _Named:
    """`banner/market=ja`: values of axes by name or, without one, of any axis."""
    name = _glob(segments[0]) or segments[0].__eq__
    wanted = []
    for segment in segments[1:]:
        axis, equals, value = segment.rpartition("=")
        wanted.append((axis if equals else None, _glob(value) or value.__eq__))
    return lambda address, axes: (
        name(address.split("/", 1)[0])
        and all(any(axis in (None, one) and fits(value) for one, value in axes) for axis, fits in wanted)
    )


def _glob(text: str) -> Callable[[str], bool] | None:
    """Whether a text matches a glob; None for a text that is none."""
    if not any(character in text for character in "*?["):
        return None
    try:
        pattern = re.compile(glob_pattern(text))
    except re.error:
        return lambda _: False  # `[z-a]`: no character is in it
    return lambda other: pattern.fullmatch(other) is not None


def glob_pattern(glob: str) -> str:
    """A regular expression for a glob over addresses: `*` stays within a segment, `**` crosses them."""
    parts = []
    for piece in re.split(r"(\*\*|\*|\?|\[[^\]]+\])", glob):
        match piece:
            case "**":
                parts.append(".*")
            case "*":
                parts.append("[^/#]*")
            case "?":
                parts.append("[^/#]")
            case _ if piece.startswith("[") and piece.endswith("]") and len(piece) > 2:
                inner = piece[1:-1]
                negated, inner = inner[0] in "!^", inner.lstrip("!^")
                parts.append("[" + ("^" if negated else "") + re.escape(inner).replace("\\-", "-") + "]")
            case _:
                parts.append(re.escape(piece))
    return "".join(parts)


def _hint(core: str, graph: Graph) -> str:
    """What may have been meant, or what there is. Compared with names first, never with all of a large project."""
    if core.startswith("tag:"):
        tags = sorted({tag for node in graph for tag in node.tags})
        meant = _meant(core.removeprefix("tag:"), tags, prefix="tag:") or _list("the tags are", tags)
        return meant if tags else "no picture has a tag; `tags: [launch]` gives it one"
    names = dict.fromkeys(definition_of(address) for address in graph.addresses)
    name = re.split("[/#]", core, maxsplit=1)[0]
    if name not in names:
        return _meant(name, list(names)) or "`seedpipe -v plan` lists the pictures"
    nodes = [node for node in graph if definition_of(node.address) == name]
    for segment in core.split("#")[0].split("/")[1:]:
        axis, equals, value = segment.partition("=")
        if equals:
            values = {one: dict.fromkeys(dict(node.axes).get(one, "") for node in nodes) for one, _ in nodes[0].axes}
            if axis not in values:
                return _list(f"the axes of `{name}` are", list(values))
            if value not in values[axis]:
                return _list(f"`{axis}` is one of", list(values[axis]))
    frames = [node.frame.id for node in nodes if isinstance(node, FrameNode)]
    if frames and core.rpartition("#")[2].isdigit():
        return _list("the frames are", list(dict.fromkeys(frames)))
    below = _matcher(f"{core}/**")
    if "*" in core and any(below(node) for node in nodes):
        return f"`*` stays within a segment: `{name}` names all of them, `{core}/**` all below"
    return _meant(core, [node.address for node in nodes[:500]]) or "`seedpipe -v plan` lists the pictures"


def _meant(word: str, known: Sequence[str], *, prefix: str = "") -> str | None:
    near = difflib.get_close_matches(word, known, n=3, cutoff=0.5)
    return "did you mean " + " or ".join(f"`{prefix}{name}`" for name in near) + "?" if near else None


def _list(what: str, known: Sequence[str], limit: int = 8) -> str:
    if not known:
        return "`seedpipe -v plan` lists the pictures"
    more = f" and {len(known) - limit} more" if len(known) > limit else ""
    return f"{what} {', '.join(f'`{one}`' for one in known[:limit])}{more}"
