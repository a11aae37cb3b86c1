"""`Desk`: where a person's decisions about pictures are made, recorded and taken back.

The order is the promise: bytes are kept, then the decision is on disk, then the lock says it, then the output file
follows. A crash between two of them leaves the earlier choice or the new one, whole.
"""

import contextlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from seedpipe.build.earlier_takes import EarlierTakes
from seedpipe.errors import ChangedMeanwhileError, DecisionError
from seedpipe.manifest.node import FrameNode, ImageNode
from seedpipe.names import Digest
from seedpipe.plan.choices import can_be_taken_back, taken_back
from seedpipe.plan.following import Outcome
from seedpipe.plan.graph import Graph
from seedpipe.plan.memory import Whereabouts
from seedpipe.plan.orphans import left_over
from seedpipe.plan.outputs import files_of_choices
from seedpipe.plan.plan import Plan
from seedpipe.plan.present import Present, present_want
from seedpipe.plan.select import Selection, Wish
from seedpipe.project.memory import Recollection
from seedpipe.project.own_acts import OwnActs
from seedpipe.project.project import Project
from seedpipe.project.who import who_decides
from seedpipe.state.decisionfile import append_decisions, keep_both_sides, load_decisions
from seedpipe.state.decisions import (
    Act,
    Decision,
    Value,
    Verb,
    act_named,
    acts,
    earlier_names,
    effective,
    level_before_pin,
    line_id,
    new_act,
    undone,
)
from seedpipe.state.files import make_folder
from seedpipe.state.lock import ImageEntry, Level, Lock, with_takes
from seedpipe.state.lockfile import change_lock
from seedpipe.state.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a decision does to one line of the lock (`Lock.at`). The other fields as in `Decision`."""

    name: str
    before: Value
    after: Value
    take: Digest | None = None
    other: str | None = None
    file: Digest | None = None


@dataclass(slots=True, kw_only=True)
class Desk:
    """Decisions about one project in one realm and profile. `project` is renewed as the lock changes."""

    project: Project
    memory: Recollection
    decisions: tuple[Decision, ...]
    advice: str | None = None  # a sentence about git, after the first decision
    _files: tuple[Lock, Mapping[Digest, Sequence[str]]] | None = field(default=None, init=False, repr=False)

    # What is decided about

    def plan(self, addresses: Collection[str]) -> Plan:
        """Of `addresses`, all that they are made from and all that is made from them, without anyone being named."""
        wish = Wish(selection=around(self.project.graph, addresses))
        return self.project.plan(wish, self.memory, workers=1)

    def present(self, addresses: Collection[str], plan: Plan) -> dict[str, Present]:
        """What the manifest asks of those of `addresses` that are images or frames; `plan` is theirs (`Desk.plan`)."""
        graph, resolver = self.project.graph, self.project.resolver()
        nodes = [node for node in map(graph.__getitem__, addresses) if isinstance(node, ImageNode | FrameNode)]
        return {node.address: present_want(node, plan, graph, resolver) for node in nodes}

    def present_as_it_is(self, addresses: Collection[str]) -> dict[str, Present]:
        """What is asked of `addresses` with the pictures there are now, though a build may replace those: as if named."""
        graph, found, left = self.project.graph, dict[str, Present](), list(addresses)
        while left:
            below = graph.everything_below({made for address in left for made in graph.makes(address)})
            now = [address for address in left if address not in below]
            named = frozenset(now)
            selection = Selection(nodes=named, named=named, excluded=frozenset(), everything=False)
            found |= self.present(now, self.project.plan(Wish(selection=selection), self.memory, workers=1))
            left = [address for address in left if address in below]
        return found

    def entry(self, address: str) -> ImageEntry | None:
        return self.project.lock.image(address)

    def names(self, address: str) -> tuple[str, ...]:
        """All that the picture was ever called, as people have moved its line or the manifest says; `address` first."""
        moved = [(one.old, one.new) for one in self.project.manifest.moved]
        return earlier_names(self.decisions, address, moved)

    def file_of(self, picture: Digest, address: str) -> str | None:
        """An output file that holds a picture: the node's own, or one where it belongs as another choice."""
        own = self.project.outputs.get(address)
        files = [*([] if own is None else [own]), *self._files_of_choices().get(picture, ())]
        return next((path for path in files if self.memory.outputs.digest(path) == picture), None)

    def is_at_hand(self, picture: Digest, address: str) -> bool:
        """Its bytes are in the store, or an output file stands in for them."""
        in_store = self.memory.whereabouts(picture, None) is not Whereabouts.NOWHERE
        return in_store or self.file_of(picture, address) is not None

    def _files_of_choices(self) -> Mapping[Digest, Sequence[str]]:
        project = self.project
        if self._files is None or self._files[0] is not project.lock:
            self._files = project.lock, files_of_choices(project.lock, project.outputs, project.output_folder)
        return self._files[1]

    def left_over(self, wants: Collection[Digest]) -> Mapping[str, ImageEntry]:
        """Lines of names that the manifest no longer has, chosen for one of `wants`: pictures that nobody said are renamed."""
        lines = left_over(self.project.lock, self.project.graph.addresses)
        return {name: line for name, line in lines.items() if line.want in wants}

    def with_earlier_takes(self, line: ImageEntry, address: str) -> ImageEntry:
        """The first line of a picture that had another name, with all takes of that."""
        earlier = EarlierTakes(
            journal=self.memory.journal,
            takes=self.memory.takes_index,
            left_over=self.left_over({line.want}),
            decided=lambda: self.decisions,
            moved=[(one.old, one.new) for one in self.project.manifest.moved],
            profile=self.project.profile,
        )
        return with_takes(line, earlier.beside(address, None, line.want))

    def level_before_pin(self, entry: ImageEntry, address: str) -> Level:
        """What a pinned picture is without its pin."""
        return level_before_pin(self.decisions, self.names(address), entry)

    def store(self) -> Store:
        """Where bytes are kept before a decision names them. It may not have been there before."""
        if self.memory.store is None:
            self.project, _ = self.project.identified()
            self.memory = self.project.recollection()
        if self.memory.store is None:
            raise RuntimeError("a project with an id has a store")
        return self.memory.store

    def supposing(self, values: Mapping[str, Value]) -> "Desk":
        """A desk to look from, not to decide at: as if the lock said this."""
        lock = self.project.lock.replacing(values)
        return replace(self, project=self.project.with_lock(lock), memory=replace(self.memory, lock=lock))

    # Deciding

    def decide(
        self,
        verb: Verb,
        addresses: Collection[str],
        choose: Callable[[Present], ImageEntry],
        *,
        note: str | None = None,
        asked: Mapping[str, Present] | None = None,
        says: Callable[[str], bool] = lambda _address: False,
    ) -> Outcome:
        """`choose` gives the new line of each address, or raises `DecisionError`; those that can be decided, are.

        Of a single address the error is raised. `asked` is what the pictures are chosen for, where it isn't what the
        manifest asks after a build of everything. What changes nothing is written down only with a note, or where it
        `says` something all the same.
        """
        plan = self.plan(addresses)
        changes, unchanged, refused = [], [], []
        for address, present in (self.present(addresses, plan) if asked is None else asked).items():
            before = self.entry(address)
            try:
                after = choose(present)
            except DecisionError as error:
                if len(addresses) == 1:
                    raise
                refused.append((address, error))
                continue
            if before is None:
                after = self.with_earlier_takes(after, address)
            if after == before and note is None and not says(address):
                unchanged.append(address)
            else:
                changes.append(Change(name=address, before=before, after=after, take=after.take))
        decisions = self.record(verb, changes, note=note) if changes else ()
        return Outcome(verb=verb, decisions=decisions, unchanged=unchanged, refused=refused, plan=plan)

    def record(
        self, verb: Verb, changes: Sequence[Change], *, note: str | None = None, undoes: str | None = None
    ) -> tuple[Decision, ...]:
        """Writes the decision down and changes the lock, if its lines are still as in `before`.

        Raises `DecisionError` for what somebody else has changed meanwhile, `StateError`; nothing is then decided.
        """
        project, act, at = self.project, new_act(), _now()
        who = who_decides(project.root)
        lines = [
            Decision(
                id=line_id(act, number),
                at=at,
                who=who,
                verb=verb,
                node=change.name,
                take=change.take,
                note=note,
                before=change.before,
                after=change.after,
                undoes=undoes,
                other=change.other,
                file=change.file,
            )
            for number, change in enumerate(changes, 1)
        ]

        written: list[Callable[[], None]] = []

        def decided(present: Lock) -> Lock:
            for change in changes:
                _unchanged(present, change)
            written.append(append_decisions(self._path, lines, shown_as=project.decisions_name))
            values = {change.name: change.after for change in changes if change.before != change.after}
            return (
                replace(present.replacing(values), project=present.project or project.project_id) if values else present
            )

        first = not self._path.exists()
        make_folder(project.folder, 0o777)
        project.write_moved()  # the lines that are decided about are those of the new names
        make_folder(self._path.parent, 0o777)
        lock = change_lock(
            project.root / project.lock_name,
            shown_as=project.lock_name,
            mutex=project.lock_mutex,
            change=decided,
            take_back=lambda: written[0](),
        )
        self.project = project.with_lock(lock)
        self.decisions = (*self.decisions, *lines)
        self._own.remember(act)
        if first and self._path.parent == project.root:
            self.advice = keep_both_sides(project.root, project.files.tree, project.decisions_name)
        return tuple(lines)

    @property
    def _path(self) -> Path:
        return self.project.root / self.project.decisions_name

    # Taking back

    def named_act(self, name: str | None) -> Act:
        """The act `name`, or the last one of this working copy. Raises `UsageError` and `DecisionError`."""
        return self._last() if name is None else act_named(acts(self.decisions), name)

    def undo(self, act: Act, *, note: str | None = None) -> tuple[Decision, ...]:
        """Takes back all of an act or nothing. Raises `DecisionError` where a choice has become another one since."""
        if act.id in self._gone():
            raise DecisionError(
                f"the decision `{act.id}` was taken back already", hint="`seedpipe takes NODE` shows those that stand"
            )
        if act.verb == Verb.RESTORE:
            raise self._restored(act)
        changes = [change for line in act.lines if (change := self._back(line)) is not None]
        if not changes and any(line.changes_the_lock for line in act.lines):
            raise DecisionError(
                f"there is nothing to take back: {_nodes(act)} is as it was before the decision `{act.id}`",
                hint="`seedpipe takes NODE` shows the decisions that stand, with their ids",
            )
        if not changes:
            now = {line.node: self.project.lock.at(line.node) for line in act.lines}
            changes = [Change(name=node, before=value, after=value) for node, value in now.items()]
        return self.record(Verb.UNDO, changes, note=note, undoes=act.id)

    def _restored(self, act: Act) -> DecisionError:
        """Says where the file is that was written over, and which decision came before."""
        line, hints = act.lines[0], list[str]()
        if line.file is not None and isinstance(line.before, ImageEntry):
            hints.append(f"`seedpipe pick {line.node} {line.file.short}` chooses the file that was there")
        elif line.file is not None:
            hints.append(f"the file that was there is {self.store().path(line.file)}")
        earlier = [one for one in self._own_standing() if one.verb != Verb.RESTORE and one.lines[0].at <= line.at]
        if earlier:
            hints.append(f"`seedpipe undo {earlier[-1].id}` takes back the decision before it")
        what = "restoring an output file changes no choice, so there is nothing to take back"
        return DecisionError(what, hint="; ".join(hints) or None)

    def _back(self, line: Decision) -> Change | None:
        """What takes one line back; None if it never took effect, or was made so by another way."""
        present = self.project.lock.at(line.node)
        if present == line.before or not line.changes_the_lock:
            return None
        after: Value = line.before
        if present != line.after:
            if not (
                isinstance(present, ImageEntry)
                and isinstance(line.after, ImageEntry)
                and isinstance(line.before, ImageEntry | None)
                and can_be_taken_back(present, line.before, line.after)
            ):
                raise self._changed_since(line)
            after = taken_back(present, line.before, line.after)
        take = after.take if isinstance(after, ImageEntry) else None
        return Change(name=line.node, before=present, after=after, take=take, other=line.other)

    def _changed_since(self, line: Decision) -> DecisionError:
        """Says what has become of the choice since then."""
        later = [
            one
            for one in effective(self.decisions)
            if one.node == line.node and (one.at, one.id) > (line.at, line.id) and one.changes_the_lock
        ]
        if later:
            last = later[-1]
            since = f"{last.who} decided about it since ({last.verb}, {last.at[:16].replace('T', ' ')} UTC)"
            hint = f"`seedpipe undo {last.act}` takes that back first"
        else:
            since = "a build, or another branch, has changed its line in the lock since"
            hint = "it may hold another picture now"
        before = line.before
        if isinstance(before, ImageEntry):
            hint += f"; `seedpipe pick {line.node} {before.take.short}` chooses the picture of before all the same"
        return DecisionError(f"`{line.node}`: {since}, so the decision `{line.act}` can't be taken back", hint=hint)

    # This working copy's own decisions

    @property
    def _own(self) -> OwnActs:
        project = self.project
        return OwnActs(project.folder, project.profile, project.realm)

    def _gone(self) -> frozenset[str]:
        """Acts that were taken back; not those whose undo a crash kept from the lock."""
        history = acts(self.decisions)
        gone = undone(history)
        found: dict[str, Value] = {}  # the line that the next later decision found
        for act in reversed(history):
            changed = [line for line in act.lines if line.changes_the_lock]
            now = {
                one.node: found[one.node] if one.node in found else self.project.lock.at(one.node) for one in changed
            }
            if act.undoes in gone and changed and all(now[one.node] == one.before for one in changed):
                gone -= {act.undoes}
            found |= {one.node: one.before for one in changed}
        return gone

    def _own_standing(self) -> Sequence[Act]:
        """Acts of this working copy that still stand, the newest last."""
        history, gone = acts(self.decisions), self._gone()
        standing = {act.id: act for act in history if act.id not in gone and act.undoes is None}
        return [standing[name] for name in self._own.read() if name in standing]

    def _last(self) -> Act:
        """The newest act of this working copy that still stands."""
        own = self._own_standing()
        if not own:
            raise DecisionError(
                "no decision was made in this working copy that could be taken back",
                hint="`seedpipe takes NODE` shows decisions with their ids; `seedpipe undo ID` takes one back",
            )
        return own[-1]


@contextlib.contextmanager
def open_desk(project: Project) -> Iterator[Desk]:
    """Reads what was decided and what is remembered. Raises `StateError` for a damaged record."""
    make_folder(project.folder, 0o777)
    decisions = load_decisions(project.root / project.decisions_name, shown_as=project.decisions_name)
    desk = Desk(project=project, memory=project.recollection(), decisions=decisions)
    try:
        yield desk
    finally:
        desk.memory.close()


def around(graph: Graph, addresses: Collection[str]) -> Selection:
    """`addresses`, all that they are made from and all that is made from them; nobody has named them."""
    nodes = graph.everything_above(addresses) | graph.everything_below(addresses)
    return Selection(nodes=frozenset(nodes), named=frozenset(), excluded=frozenset(), everything=False)


def _unchanged(present: Lock, change: Change) -> None:
    value = present.at(change.name)
    if value == change.before:
        return
    raise ChangedMeanwhileError(
        f"the lock's line of `{change.name}` was changed while you decided; nothing was done",
        hint="look at it again: `seedpipe takes`",
    )


def _nodes(act: Act) -> str:
    return ", ".join(f"`{line.node}`" for line in act.lines[:3]) + (" …" if len(act.lines) > 3 else "")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
