"""The takes of one address as a person sees them: for the present words and for earlier ones, and which one is meant. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from seedpipe.errors import UsageError
from seedpipe.names import Digest
from seedpipe.plan.reason import Reason
from seedpipe.state.decisions import Decision
from seedpipe.state.lock import Level, Made

_INDEX: Final = re.compile(r"[0-9]{1,3}\Z")
_TIME: Final = re.compile(r"[0-9]{4}-[0-9]{2}(-[0-9]{2}([ T][0-9:.]*Z?)?)?\Z")
_DIGEST: Final = re.compile(r"(sha256:)?[0-9a-f]{4,64}\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownTake:
    """`number` counts an address' takes from the oldest on. `made` is None where nobody on this machine knows.

    `current`: made (or kept) for what the manifest asks now, in any look; `look` is then which, else `bought_as` is the
    name of the look that it was bought for, where that is known. `at_hand`: its bytes are on this machine.
    """

    number: int
    digest: Digest
    want: Digest | None
    made: Made | None
    chosen: bool
    current: bool
    at_hand: bool
    look: str | None = None
    bought_as: str | None = None

    def to_dict(self) -> dict[str, Any]:
        values = {
            "number": self.number,
            "digest": str(self.digest),
            "want": None if self.want is None else str(self.want),
            "chosen": self.chosen,
            "current": self.current,
            "at_hand": self.at_hand,
        }
        values |= {} if self.look is None else {"look": self.look}
        values |= {} if self.bought_as is None else {"bought_as": self.bought_as}
        return values | ({} if self.made is None else {"made": self.made.to_dict()})


@dataclass(frozen=True, slots=True, kw_only=True)
class TakesFor:
    """The takes of one want. `differs` says how it differs from what is asked now; empty if it is just that.

    `prompt` are its words where this machine remembers them. Of a picture with looks, `look` is the one that it is for
    (of which there may be no take yet), or that it is compared with; `bought_as` is the name of the look that an earlier
    want was bought for, where that is known; `beside` is how a look differs from the one that the picture is now.
    """

    takes: Sequence[KnownTake]
    current: bool
    differs: Sequence[Reason] = ()
    prompt: str | None = None
    look: str | None = None
    bought_as: str | None = None
    beside: Sequence[Reason] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeTakes:
    """All that there is for one address. `level` None: there is no choice yet. `decided` made the choice what it is."""

    address: str
    groups: Sequence[TakesFor] = ()
    level: Level | None = None
    look: str | None = None  # that the choice was made for, of a picture with looks
    stale: bool = False  # the choice was made for other words or references than those of now
    decided: Decision | None = None
    decisions: Sequence[Decision] = field(default=())

    @property
    def takes(self) -> Sequence[KnownTake]:
        return sorted((take for group in self.groups for take in group.takes), key=lambda take: take.number)

    @property
    def notes(self) -> Sequence[Decision]:
        return [decision for decision in self.decisions if decision.note is not None]

    def to_dict(self) -> dict[str, Any]:
        return {
            "address": self.address,
            "level": None if self.level is None else self.level.value,
            **({} if self.look is None else {"look": self.look}),
            "stale": self.stale,
            "decided": None if self.decided is None else _short(self.decided),
            "groups": [
                {
                    "current": group.current,
                    **({} if group.look is None else {"look": group.look}),
                    **({} if group.bought_as is None else {"bought_as": group.bought_as}),
                    "prompt": group.prompt,
                    "differs": [reason.to_dict() for reason in group.differs],
                    **({"beside": [reason.to_dict() for reason in group.beside]} if group.beside else {}),
                    "takes": [take.to_dict() for take in group.takes],
                }
                for group in self.groups
            ],
            "decisions": [_short(decision) for decision in self.decisions],
        }


def select_take(
    takes: Sequence[KnownTake], text: str, address: str, looks: Mapping[str, str] | None = None
) -> KnownTake:
    """The take that a person means: its number, the beginning of its digest, or of its time (UTC); the name of a look.

    `looks` are the names of looks, each with the one under which its takes stand. Raises `UsageError` if `text` is none
    of them, or several.
    """
    found: list[KnownTake] = []
    if _INDEX.match(text):
        found = [take for take in takes if take.number == int(text)]
    elif _TIME.match(text):
        found = [take for take in takes if take.made and take.made.at.startswith(text.replace(" ", "T"))]
    elif _DIGEST.match(text):
        found = [take for take in takes if take.digest.hex.startswith(text.removeprefix("sha256:"))]
    look = (looks or {}).get(text)
    of_look = [take for take in takes if look is not None and take.look == look]
    if look is not None and found and found != of_look:
        raise UsageError(
            f"`{text}` is the name of a look of `{address}`, and means the take {found[0].number} as well",
            hint="name the picture by more of its digest",
        )
    if look is not None and not of_look:
        raise _no_take(takes, look, address)
    found = found or of_look
    if len(found) == 1:
        return found[0]
    if found:
        named = ", ".join(f"{take.number} ({take.digest.short})" for take in found[:6])
        raise UsageError(f"`{text}` means {len(found)} takes of `{address}`: {named}", hint="name it by its number")
    raise UsageError(
        f"`{address}` has no take `{text}`",
        hint=f"`seedpipe takes {address}` lists them: by number, by the beginning of its digest or of its time"
        + (", by the name of its look" if looks else ""),
    )


def _no_take(takes: Sequence[KnownTake], look: str, address: str) -> UsageError:
    """Of what is asked now in a look; there may be takes of what was asked for it before."""
    buys = f"`seedpipe reroll {address} --look {look}` buys one"
    earlier = [take for take in takes if take.bought_as == look]
    if not earlier:
        hint = f"{buys}; `seedpipe takes {address}` lists what there is"
        return UsageError(f"the look `{look}` of `{address}` has no take yet", hint=hint)
    named = ", ".join(f"{take.number} ({take.digest.short})" for take in earlier[-6:])
    return UsageError(
        f"the look `{look}` of `{address}` has no take for what is asked now, only earlier ones: {named}",
        hint=f"`seedpipe pick {address} {earlier[-1].number}` chooses it all the same; {buys}",
    )


def _short(decision: Decision) -> Mapping[str, Any]:
    """Without the lock's lines, which are long."""
    return {name: value for name, value in decision.to_dict().items() if name not in ("before", "after")}
