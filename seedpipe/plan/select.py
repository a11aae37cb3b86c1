"""Which nodes a person means: names, groups, axes, tags, globs; `+x` and what it is made from, `x+` and what needs it."""

import difflib
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from seedpipe.errors import UsageError
from seedpipe.manifest.node import Node
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
    """What a person asked for beside the manifest; `targets` are the selection's as they were written."""

    selection: Selection
    targets: tuple[str, ...] = ()
    retry_unknown: bool = False
    retry_blocked: bool = False
    cascade: bool = True


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
        raise UsageError(f"`{target}` names no picture of this project", hint=_hint(core, graph.addresses))
    return found


def _matcher(core: str) -> Callable[[Node], bool]:
    if core.startswith("tag:"):
        tag = core.removeprefix("tag:")
        return lambda node: tag in node.tags
    segments = core.rstrip("/").split("/")
    if any("=" in segment for segment in segments[1:]):
        name, wanted = segments[0], dict(segment.split("=", 1) for segment in segments[1:] if "=" in segment)
        fixed = [segment for segment in segments[1:] if "=" not in segment]
        return lambda node: (
            node.address.split("/", 1)[0] == name
            and all((axis, value) in node.axes for axis, value in wanted.items())
            and all(segment in {value for _, value in node.axes} for segment in fixed)
        )
    if any(character in core for character in "*?["):
        try:
            pattern = re.compile(glob_pattern(core))
        except re.error:
            return lambda _: False  # `[z-a]`: no character is in it
        return lambda node: pattern.fullmatch(node.address) is not None
    below = core.rstrip("/") + "/"
    return lambda node: node.address == core or node.address.startswith((below, core + "#"))


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


def _hint(core: str, addresses: Iterable[str]) -> str:
    known = set(addresses)
    names = sorted(known | {address.split("/", 1)[0] for address in known})
    near = difflib.get_close_matches(core, names, n=3, cutoff=0.5)
    if near:
        return "did you mean " + " or ".join(f"`{name}`" for name in near) + "?"
    return "`seedpipe status` lists the pictures"
