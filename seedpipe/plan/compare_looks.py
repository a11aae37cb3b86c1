"""Which look of a picture became which between two revisions, so that each is compared with itself. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from seedpipe.manifest.node import ImageNode
from seedpipe.plan.diff import Choice
from seedpipe.plan.plan import PlanNode
from seedpipe.state.lock import Lock


@dataclass(frozen=True, slots=True, kw_only=True)
class LookPair:
    """One look before and after; None: it was not there. A picture without looks is one of its own."""

    old: ImageNode | None
    new: ImageNode | None

    @property
    def name(self) -> str | None:
        """As it is called now; None of a picture that has no looks any more, or never had."""
        return self.new.look if self.new is not None else self.old.look if self.old is not None else None


def look_pairs(old: ImageNode, new: ImageNode, *, alike: Callable[[ImageNode, ImageNode], bool]) -> Sequence[LookPair]:
    """By name; what is left by what is asked (`alike`), so that a renamed look is no change, nor a picture that gets looks.

    The order is that of before; what is new comes last.
    """
    olds, news = list(old.looks or (old,)), list(new.looks or (new,))
    named = {one.look: one for one in news}
    partner = {one.look: named[one.look] for one in olds if one.look in named}
    left = [one for one in olds if one.look not in partner]
    free = [one for one in news if one.look not in partner]
    for one in [*left]:
        found = next((other for other in free if alike(one, other)), None)
        if found is not None:
            partner[one.look] = found
            left.remove(one)
            free.remove(found)
    if left and free and None in (left[0].look, free[0].look):  # looks came, or went: the first stands for the picture
        partner[left[0].look] = free.pop(0)
    pairs = [LookPair(old=one, new=partner.get(one.look)) for one in olds]
    return [*pairs, *(LookPair(old=None, new=one) for one in free)]


def candidates(lock: Lock, planned: PlanNode) -> tuple[Choice, ...]:
    """The takes that a lock names of the looks that a picture is not, in the order of the manifest."""
    entry = lock.image(planned.address)
    others = [look for look in planned.looks if look.name != planned.look and look.key is not None]
    if entry is None:
        return ()
    return tuple(
        Choice(take=take, look=look.name)
        for look in others
        if look.key is not None
        for take in dict.fromkeys(entry.takes_for(look.key))
        if take != entry.take
    )
