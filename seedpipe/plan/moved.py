"""What a move of one picture to another model comes to, as records: each change with the place it is about."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from seedpipe.catalogue.sizes import size_text
from seedpipe.manifest.node import ImageNode
from seedpipe.money import Money
from seedpipe.plan.migrated_size import SizeMove
from seedpipe.source import Position


class Kind(StrEnum):
    LOSS = "loss"  # it can't be done there, whatever is written
    EDIT = "edit"  # it has to be written otherwise
    DIFFERENCE = "difference"  # nothing to write, and it comes out otherwise
    ADVICE = "advice"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Something about one field at one place. Of an edit `new` is None where the field has to go."""

    kind: Kind
    field: str
    message: str
    position: Position
    old: str | None = None
    new: str | None = None
    shared: bool = False  # what stands there holds for pictures too that don't move

    def to_dict(self) -> dict[str, Any]:
        entry = {"kind": self.kind.value, "field": self.field, "message": self.message, "at": str(self.position)}
        if self.kind is Kind.EDIT:
            return {**entry, "old": self.old, "new": self.new, "shared": self.shared}
        return entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """One picture, or the frames of one sequence. Costs are of all its pictures at list price; None: not known."""

    address: str
    before: ImageNode
    after: ImageNode
    pictures: int
    is_sequence: bool
    size: SizeMove
    cost_before: Money | None
    cost_after: Money | None
    changes: tuple[Change, ...]

    def to_dict(self) -> dict[str, Any]:
        """As JSON: sizes are `WxH` or null where the model picks, money text or null where no price is known."""
        sizes = {"before": self.size.before, "after": self.size.after}
        costs = {"before": self.cost_before, "after": self.cost_after}
        return {
            "address": self.address,
            "kind": "sequence" if self.is_sequence else "image",
            "pictures": self.pictures,
            "size": {name: None if size is None else size_text(size) for name, size in sizes.items()},
            "cost": {name: None if cost is None else str(cost) for name, cost in costs.items()},
            "changes": [change.to_dict() for change in self.changes],
        }
