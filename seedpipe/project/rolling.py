"""After more takes were bought: the first new one becomes the choice where nobody had chosen; the others are only listed."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from seedpipe.errors import UsageError
from seedpipe.manifest.node import FrameNode, ImageNode
from seedpipe.manifest.wording import did_you_mean
from seedpipe.names import Digest
from seedpipe.plan.choices import Candidate, picked
from seedpipe.plan.following import Outcome
from seedpipe.plan.graph import Graph
from seedpipe.plan.plan import Plan
from seedpipe.plan.present import Present
from seedpipe.plan.select import Wish, select
from seedpipe.project.deciding import Change, Desk
from seedpipe.project.known_takes import known_takes
from seedpipe.project.memory import Recollection
from seedpipe.state.decisions import Decision, Verb
from seedpipe.state.lock import ImageEntry, Level, Lock, Made
from seedpipe.state.take import Take


def wish_for_more(
    graph: Graph,
    addresses: Sequence[str],
    more: int,
    *,
    whole: bool,
    targets: tuple[str, ...],
    look: str | None = None,
) -> Wish:
    """`more` takes of each of `addresses`, which are images and frames; with `whole` of all frames of their sequences.

    Layers always come together. `targets` is how a person named them. Raises `UsageError` for what has no sequence, for
    several batches at once, and for a picture that has no such `look`.
    """
    nodes = [node for node in map(graph.__getitem__, addresses) if isinstance(node, ImageNode | FrameNode)]
    alone = [node for node in nodes if not isinstance(node, FrameNode)]
    if whole and alone:
        raise UsageError(f"`{alone[0].address}` is no frame of a sequence", hint="leave `--whole` out for it")
    for node in nodes if look is not None else ():
        _check_look(node, look or "")
    together = [node.sequence for node in nodes if isinstance(node, FrameNode) and (whole or node.sequence.layered)]
    if together and more > 1:
        raise UsageError(
            f"all of `{together[0].address}` is bought once at a time", hint="without `-n`; run it again for another"
        )
    wanted = list(dict.fromkeys([*addresses, *(address for one in together for address in one.addresses)]))
    return Wish(
        selection=select(graph, wanted),
        targets=targets,
        reroll=dict.fromkeys(wanted, more),
        whole=frozenset(one.address for one in together),
        look=look,
    )


def _check_look(node: ImageNode | FrameNode, look: str) -> None:
    known = list(node.look_names) if isinstance(node, ImageNode) else []
    if not known:
        raise UsageError(f"`{node.address}` has no looks", hint="leave `--look` out for it")
    if look not in known:
        names = ", ".join(f"`{name}`" for name in known)
        hint = did_you_mean(look, known, otherwise=f"it has {names}")
        raise UsageError(f"`{node.address}` has no look `{look}`", hint=hint)


def refuse_what_would_be_out_of_date(graph: Graph, lock: Lock, wish: Wish) -> None:
    """Raises `UsageError` where a picture is rolled again together with one that it is made from, whose choice moves.

    Its new takes would be of the choice before: paid for, and out of date as they come.
    """
    moving = [address for address in wish.reroll if _is_auto(lock, address)]
    for address in moving:
        made_from_it = graph.everything_below(graph.makes(address))
        for below in wish.reroll:
            if below in made_from_it and lock.image(below) is not None:
                raise UsageError(
                    f"`{below}` is made from `{address}`, which is rolled again too: its new takes would be out of date as"
                    " they come",
                    hint=f"`seedpipe reroll {address}`, choose, then `seedpipe build {address}+`",
                )


def _is_auto(lock: Lock, address: str) -> bool:
    entry = lock.image(address)
    return entry is not None and entry.level is Level.AUTO


@dataclass(frozen=True, slots=True, kw_only=True)
class Rolled:
    """What is there of each address before it is rolled again: want → pictures."""

    before: Mapping[Digest, frozenset[Digest]] = field(default_factory=dict)
    wants: Mapping[str, Digest] = field(default_factory=dict)

    @classmethod
    def starting(cls, plan: Plan, memory: Recollection) -> "Rolled":
        wants = {node.address: node.key for node in plan.nodes.values() if node.rolls and node.key is not None}
        index = memory.takes_index
        there = {
            want: frozenset(take.digest for take in index.of(want)) if index else frozenset() for want in wants.values()
        }
        return cls(before=there, wants=wants)

    def new(self, address: str, memory: Recollection) -> Sequence[Take]:
        """The pictures that have come since, in order of arrival."""
        want = self.wants.get(address)
        if want is None or memory.takes_index is None:
            return ()
        return [take for take in memory.takes_index.of(want) if take.digest not in self.before[want]]


def choose_new(desk: Desk, rolled: Rolled, *, note: str | None) -> tuple[Outcome | None, Sequence[str]]:
    """The decision, if there is one, and a sentence for each picture whose choice stays."""
    auto: list[str] = []
    kept: list[str] = []
    for address in rolled.wants:
        entry, new = desk.entry(address), {take.digest for take in rolled.new(address, desk.memory)}
        is_first = entry is not None and entry.take in new  # of what had no picture: the build has chosen it
        if entry is not None and new and (not is_first or note is not None):
            (auto if entry.level is Level.AUTO else kept).append(address)
    said = _kept_words(desk, rolled, kept)
    noted = _noted(desk, rolled, kept, note) if note is not None and kept else ()
    if not auto:
        return (Outcome(verb=Verb.REROLL, decisions=noted) if noted else None), said
    outcome = desk.decide(
        Verb.REROLL,
        auto,
        lambda present: _chosen(desk, rolled, present.wanting(rolled.wants[present.address])),
        note=note,
        asked=desk.present_as_it_is(auto),
    )
    return replace(outcome, decisions=(*outcome.decisions, *noted)), said


def _noted(desk: Desk, rolled: Rolled, kept: Sequence[str], note: str) -> Sequence[Decision]:
    """What was said about pictures whose choice stays is kept with their first new take."""
    changes = []
    for address in kept:
        entry = desk.entry(address)
        changes.append(Change(name=address, before=entry, after=entry, take=rolled.new(address, desk.memory)[0].digest))
    return desk.record(Verb.REROLL, changes, note=note)


def _chosen(desk: Desk, rolled: Rolled, present: Present) -> ImageEntry:
    """With the first new picture that the size rule lets be chosen by itself; else the line as it is."""
    entry, node, resolver = desk.entry(present.address), desk.project.graph[present.address], desk.project.resolver()
    if entry is None or not isinstance(node, ImageNode | FrameNode):
        raise RuntimeError("only a line of the lock is rolled again")
    if isinstance(node, ImageNode):
        node = node.wearing(present.look)
    rule = resolver.size_rule(node, resolver.asked(node))
    new = rolled.new(present.address, desk.memory)
    right = [take for take in new if not rule.refuses((take.width, take.height))]
    if not right or present.want is None:
        return entry
    candidate = Candidate(digest=right[0].digest, made=Made.of(right[0]), want=right[0].want)
    return picked(entry, present, candidate, pool=desk.memory.takes(present.want), level=Level.AUTO)


def _kept_words(desk: Desk, rolled: Rolled, kept: Collection[str]) -> list[str]:
    said = []
    for address, present in desk.present_as_it_is(kept).items():
        entry = desk.entry(address)
        new = {take.digest for take in rolled.new(address, desk.memory)}
        listed = [take for take in known_takes(desk, present) if take.digest in new]
        if entry is None or not listed:
            continue
        numbers = ", ".join(f"{take.number} ({take.digest.short})" for take in listed)
        takes = "take" if len(listed) == 1 else "takes"
        takes += "" if listed[0].look is None else f" of look {listed[0].look}"
        said.append(
            f"{address} stays {entry.level} with {entry.take.short}; new {takes} {numbers}:"
            f" `seedpipe pick {address} {listed[0].number}`"
        )
    return said
