"""Lines of the lock under new addresses, after an entry of the manifest was renamed. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from seedpipe.errors import DecisionError, Fault, Severity
from seedpipe.manifest.definition import Moved
from seedpipe.manifest.node import DerivedNode, FrameNode, ImageNode, Node, SourceNode
from seedpipe.plan.graph import Graph
from seedpipe.state.lock import DerivedEntry, Entry, ImageEntry, Level, Lock, SourceEntry, with_takes_of

_KINDS: dict[type[Entry], tuple[type[Node], ...]] = {
    ImageEntry: (ImageNode, FrameNode),
    DerivedEntry: (DerivedNode,),
    SourceEntry: (SourceNode,),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """The line of `old` goes to `new`, where `present` stands now and `entry` will."""

    old: str
    new: str
    line: Entry
    present: Entry | None
    entry: Entry


def moves(lock: Lock, graph: Graph, old: str, new: str) -> tuple[list[Move], list[tuple[str, DecisionError]]]:
    """`old` and `new` name a picture, or a group with all below it. Returns what can be moved, and why the rest can't.

    Raises `DecisionError` if there is no line of `old`.
    """
    possible, refused = [], []
    old, new = old.rstrip("/"), new.rstrip("/")
    found = lines_below(lock, old)
    if not found:
        raise DecisionError(
            f"the lock has no line of `{old}`",
            hint="`seedpipe status` lists the lines that the manifest no longer names",
        )
    for name, entry in found.items():
        try:
            possible.append(_move(lock, graph, name, new + name.removeprefix(old), entry))
        except DecisionError as error:
            refused.append((name, error))
    return possible, refused


def with_moved(lock: Lock, graph: Graph, moved: Sequence[Moved]) -> tuple[Lock, list[Fault]]:
    """The lock as the manifest's `moved` has it, and what is wrong with that. What can't be moved stays an orphan."""
    faults = []
    for one in (_at_last(graph, one, moved) for one in moved):
        fault = _unlikely(graph, one)
        if fault is not None:
            faults.append(fault)
        elif lines_below(lock, one.old):
            possible, refused = moves(lock, graph, one.old, one.new)
            lock = lock.replacing({move.old: None for move in possible} | {move.new: move.entry for move in possible})
            faults += [_fault(one, error.message, Severity.WARNING) for _, error in refused]
    return lock, faults


def _at_last(graph: Graph, moved: Moved, others: Sequence[Moved]) -> Moved:
    """Where it went in the end: what it was renamed to may have been renamed since, by another word of the same manifest."""
    new = moved.new
    for _ in others:
        further = (one for one in others if new == one.old or new.startswith((f"{one.old}/", f"{one.old}#")))
        step = None if _is_there(graph, new) else next(further, None)
        if step is None:
            break
        new = step.new + new.removeprefix(step.old)
    return replace(moved, new=new)


def _is_there(graph: Graph, name: str) -> bool:
    return name in graph or any(address.startswith((f"{name}/", f"{name}#")) for address in graph.addresses)


def _unlikely(graph: Graph, moved: Moved) -> Fault | None:
    """The old name must be gone and the new one there, in one picture or one below it."""
    if _is_there(graph, moved.old):
        return _fault(moved, f"`{moved.old}` is still in the manifest, so it has not moved")
    return (
        None if _is_there(graph, moved.new) else _fault(moved, f"there is no `{moved.new}` that it could have moved to")
    )


def _fault(moved: Moved, message: str, severity: Severity = Severity.ERROR) -> Fault:
    return Fault(code="moved", message=f"`moved`: {message}", position=moved.position, severity=severity)


def lines_below(lock: Lock, name: str) -> Mapping[str, Entry]:
    """The line of `name`, of its frames, and of all items of a group of that name."""
    name = name.rstrip("/")
    below = (f"{name}/", f"{name}#")
    return {
        address: entry
        for address, entry in sorted(lock.entries.items())
        if address == name or address.startswith(below)
    }


def _move(lock: Lock, graph: Graph, name: str, target: str, entry: Entry) -> Move:
    if name == target:
        raise DecisionError(f"`{name}` is where it is already", hint="name where it was, then where it is now")
    if name in graph:
        raise DecisionError(
            f"`{name}` is still in the manifest, and keeps its own picture",
            hint="rename it there first; then move its line",
        )
    if target not in graph:
        raise DecisionError(f"`{target}` is not in the manifest", hint="rename it there first; then move its line")
    if not isinstance(graph[target], _KINDS[type(entry)]):
        raise DecisionError(
            f"`{target}` is another kind of picture than `{name}` was",
            hint="a line moves to an entry of its own kind; `seedpipe lock prune` takes it out where it stands",
        )
    present = lock.entries.get(target)
    return Move(old=name, new=target, line=entry, present=present, entry=_joined(target, entry, present))


def _joined(target: str, entry: Entry, present: Entry | None) -> Entry:
    """A line that a build has written there by itself gives way; its takes stay listed."""
    if present is None:
        return entry
    if not isinstance(present, ImageEntry) or not isinstance(entry, ImageEntry):
        raise DecisionError(
            f"`{target}` has a line of its own by now, which holds",
            hint="`seedpipe lock prune` takes the old line out",
        )
    if present.level is not Level.AUTO:
        raise DecisionError(
            f"`{target}` has a picture of its own, which is {present.level}",
            hint=f"`seedpipe takes {target}` lists what can be picked instead",
        )
    return with_takes_of(entry, present)
