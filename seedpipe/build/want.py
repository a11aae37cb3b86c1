"""What a paid node wants of the service in a run, in one look, beside what the plan and the lock say of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from seedpipe.build.order import NotBought
from seedpipe.canonical import digest_of
from seedpipe.manifest.node import FrameNode, ImageNode
from seedpipe.names import Digest
from seedpipe.plan.plan import PlanNode
from seedpipe.plan.sizes import SizeRule
from seedpipe.state.lock import ImageEntry, Level
from seedpipe.state.take import Take


@dataclass(frozen=True, slots=True, kw_only=True)
class Want:
    """One node's request in one look, now that it is known what its references are. `entry` is what the lock says of the node."""

    node: ImageNode | FrameNode
    planned: PlanNode
    document: Mapping[str, object]
    entry: ImageEntry | None
    rule: SizeRule
    pictures: int  # to buy, by the plan
    key: Digest = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", digest_of(self.document))

    @property
    def chosen_before(self) -> ImageEntry | None:
        """The lock's entry, if its picture was made for this very want."""
        return self.entry if self.entry is not None and self.entry.want == self.key else None

    @property
    def known(self) -> Sequence[Digest]:
        """Pictures of the node that its output file may hold."""
        if self.entry is None:
            return ()
        return (self.entry.take, *self.entry.takes, *([self.entry.output] if self.entry.output else []))

    @property
    def look(self) -> str | None:
        return self.node.look if isinstance(self.node, ImageNode) else None

    @property
    def listed(self) -> Sequence[Digest]:
        """The pictures for this very want that the lock names."""
        return () if self.entry is None else self.entry.takes_for(self.key)

    @property
    def stays_a_persons(self) -> bool:
        """A person chose it, for what is asked now: no more candidates are bought beside it."""
        return self.chosen_before is not None and self.chosen_before.level is not Level.AUTO


@dataclass(frozen=True, slots=True, kw_only=True)
class Came:
    """What buying for a want has brought, and what did not come."""

    want: Want
    takes: Sequence[Take] = ()
    missing: Sequence[NotBought] = ()


def joined(listed: Sequence[Digest], takes: Sequence[Take]) -> tuple[Digest, ...]:
    """Each once, in order."""
    return tuple(dict.fromkeys([*listed, *(take.digest for take in takes)]))


def of_look(failure: NotBought, want: Want) -> NotBought:
    """What did not come, said of the look that it was for."""
    if want.look is None:
        return failure
    return replace(failure, message=f"look {want.look}: {failure.message}", look=want.look)
