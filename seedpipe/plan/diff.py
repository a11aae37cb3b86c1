"""What changed between two states of a project, as data: of each picture, of the terms, and what it would cost. Pure."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from seedpipe.names import Digest
from seedpipe.plan.plan import Cost, State
from seedpipe.source import Position


class Kind(StrEnum):
    ADDED = "added"
    REMOVED = "removed"
    MOVED = "moved"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """A text before and after; `what` is `prompt`, `shared words`, `lettering`, `caption` …"""

    what: str
    old: str
    new: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A parameter before and after, as text; None: not there."""

    name: str
    old: str | None
    new: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The chosen picture and how it was chosen, as which of its looks; `take` None: there is none."""

    take: Digest | None
    level: str | None = None
    look: str | None = None

    def to_dict(self) -> dict[str, Any]:
        told = {"take": None if self.take is None else str(self.take), "level": self.level}
        return told | ({} if self.look is None else {"look": self.look})


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeChange:
    """One picture. `cost` is what building it after the change costs and did not cost before; `state` is after it.

    `because` names what it follows; `old_address` is where a moved one stood. `outdated`: the picture `after` was made
    for other words or pictures than are asked for now, and is to be bought again. `at` is where its changed words stand
    now (`file:line`), cells of data before the template lines that take them, as far as that is known. `candidates` are
    the takes that there are of its other looks after the change.
    """

    address: str
    kind: Kind
    position: Position | None
    old_address: str | None = None
    words: tuple[Words, ...] = ()
    at: tuple[str, ...] = ()
    fields: tuple[Field, ...] = ()
    references_added: tuple[str, ...] = ()
    references_removed: tuple[str, ...] = ()
    reordered: bool = False
    source_changed: bool = False
    before: Choice
    after: Choice
    outdated: bool = False
    candidates: tuple[Choice, ...] = ()
    new_takes: int = 0
    state: State | None = None
    because: tuple[str, ...] = ()
    pictures: int = 0
    cost: Cost

    @property
    def stands_at(self) -> str:
        """In the manifest, as `file:line`; empty for one that is gone."""
        return "" if self.position is None else f"{self.position.file}:{self.position.line}"

    @property
    def is_edited(self) -> bool:
        """Something of its own changed: words, parameters, references, content, address."""
        changed = self.words or self.fields or self.references_added or self.references_removed
        return self.kind is not Kind.CHANGED or bool(changed or self.reordered or self.source_changed)

    @property
    def has_new_picture(self) -> bool:
        """Another picture is the chosen one. What is made by local steps is nobody's choice."""
        return self.before != self.after and self.after.level is not None

    @property
    def was_decided(self) -> bool:
        """A person's word has changed: another level, or another picture where a person had chosen."""
        levels = {self.before.level, self.after.level} - {None}
        return self.has_new_picture and levels != {"auto"}

    @property
    def is_cascade(self) -> bool:
        """It only follows something else; it has no new picture yet, or only one that is made here."""
        return not (self.is_edited or self.has_new_picture or self.new_takes)

    def to_dict(self) -> dict[str, Any]:
        values: dict[str, Any] = {
            "address": self.address,
            "change": self.kind.value,
            "position": None if self.position is None else str(self.position),
            "moved_from": self.old_address,
            "words": [{"what": one.what, "old": one.old, "new": one.new} for one in self.words],
            "at": list(self.at),
            "fields": [{"name": one.name, "old": one.old, "new": one.new} for one in self.fields],
            "references_added": list(self.references_added),
            "references_removed": list(self.references_removed),
            "references_reordered": self.reordered,
            "source_changed": self.source_changed,
            "outdated": self.outdated,
            "candidates": [{"look": one.look, "take": str(one.take)} for one in self.candidates],
            "new_takes": self.new_takes,
            "state": None if self.state is None else self.state.value,
            "because": list(self.because),
            "pictures": self.pictures,
        }
        kept = {name: value for name, value in values.items() if value not in (None, [], False, 0)}
        return kept | {"before": self.before.to_dict(), "after": self.after.to_dict(), "cost": self.cost.to_dict()}


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectDiff:
    """`terms` are changes of provider, prices and budget. `cost` is that of the change; `pending` was to be paid before."""

    project: str
    before: str
    after: str
    terms: tuple[Field, ...]
    nodes: tuple[NodeChange, ...]
    cost: Cost
    pictures: int
    pending: Cost
    pending_pictures: int

    @property
    def is_empty(self) -> bool:
        return not (self.terms or self.nodes)

    def to_dict(self) -> dict[str, Any]:
        return {
            "seedpipe_diff": 1,
            "project": self.project,
            "before": self.before,
            "after": self.after,
            "terms": [{"name": one.name, "old": one.old, "new": one.new} for one in self.terms],
            "pictures": self.pictures,
            "cost": self.cost.to_dict(),
            "pending_pictures": self.pending_pictures,
            "pending": self.pending.to_dict(),
            "nodes": [node.to_dict() for node in self.nodes],
        }
