"""What all pictures of a plan share: labels of states, counts, money, durations, patterns of addresses. Pure."""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from seedpipe.display import Style
from seedpipe.money import MICROS, Money
from seedpipe.names import Realm, definition_of
from seedpipe.plan.obstacles import BytesMissing, GateClosed, RefusedBefore, SizeDiffers, UpstreamStopped
from seedpipe.plan.plan import STATE_SENTENCES, Cost, PlanNode, State

UP_TO_DATE: Final = "everything is up to date"

# What needs a person first, then what is bought, what is kept on purpose, what is free, what is done.
STATE_ORDER: Final = (
    State.UNKNOWN,
    State.MISSING,
    State.EDITED,
    State.BLOCKED,
    State.FAILED,
    State.PARTIAL,
    State.WAITS,
    State.MAKE,
    State.FOLLOWS,
    State.MAY,
    State.PINNED,
    State.STALE,
    State.SAME,
    State.FETCH,
    State.FREE,
    State.CACHED,
)

_LABELS: Final = {State.FOLLOWS: "follow"}

_LOOKS: Final[dict[State, tuple[str, ...]]] = {
    State.UNKNOWN: ("bold", "red"),
    State.MISSING: ("bold", "red"),
    State.EDITED: ("bold", "red"),
    State.BLOCKED: ("red",),
    State.FAILED: ("bold", "red"),
    State.PARTIAL: ("yellow",),
    State.WAITS: ("bold", "yellow"),
    State.MAKE: ("bold", "green"),
    State.FOLLOWS: ("green",),
    State.MAY: ("yellow",),
    State.PINNED: ("magenta",),
    State.STALE: ("magenta",),
    State.SAME: ("blue",),
    State.FETCH: ("cyan",),
    State.FREE: ("cyan",),
    State.CACHED: ("dim",),
}

# The next thing to do where a person is needed; `{node}` is an address.
NEXT_STEPS: Final = {
    State.UNKNOWN: "look the charge up at the provider and say so: `seedpipe resolve {node}`; `seedpipe build --retry-unknown` may pay twice",
    State.MISSING: "bring the data folder of the machine that bought it, or its output file; `seedpipe reroll {node}` buys another",
    State.EDITED: "`seedpipe adopt {node}` makes your file the picture; `seedpipe restore {node}` writes ours over it, and keeps yours",
    State.BLOCKED: "other words or references lift it; `seedpipe build {node} --retry-blocked` sends it again",
    State.FAILED: "change what was refused, or name it to send it again: `seedpipe build {node}`",
    State.WAITS: "look at what it is made from: `seedpipe explain {node}` names it",
}


def next_step(planned: PlanNode) -> str | None:
    """What a person can do about a node; nothing about one that only another's trouble stops."""
    refused = any(isinstance(reason, RefusedBefore) for reason in planned.reasons)
    for reason in planned.reasons:
        if isinstance(reason, UpstreamStopped) and reason.file is not None:
            return reason.next_step()
    if planned.state not in NEXT_STEPS or (planned.state is State.BLOCKED and not refused):
        return None
    gate = next((reason for reason in planned.reasons if isinstance(reason, GateClosed)), None)
    if gate is not None:
        if not gate.picture:
            return None
        if gate.looks is not None:
            address = gate.address
            return f"look at its {gate.looks} looks, then `seedpipe pick {address} LOOK` (`seedpipe takes {address}`)"
        return f"look at {gate.address}, then `seedpipe approve {gate.address}`"
    for reason in planned.reasons:
        if isinstance(reason, SizeDiffers):
            return reason.next_step(planned.address)
        if isinstance(reason, BytesMissing) and reason.pointer is not None:
            return reason.next_step()
    if planned.state is State.EDITED and planned.kind == "derived":
        return f"`seedpipe restore {planned.address}` writes ours over it, and keeps yours"
    return NEXT_STEPS[planned.state].format(node=planned.address)


# A proof is drawn here: nothing of it is bought.
_PROOF_SENTENCES: Final = {
    State.MAKE: "will be drawn",
    State.FOLLOWS: "will be drawn because a picture it is made from is drawn",
    State.MAY: "will be drawn only if a picture it is made from comes out different",
}


def sentence(state: State, realm: Realm) -> str:
    """What a state says of a node; a proof is drawn where a live picture is bought."""
    live = STATE_SENTENCES[state]
    return _PROOF_SENTENCES.get(state, live) if realm is Realm.PROOF else live


def label(state: State) -> str:
    """The verb of a plan's first column."""
    return _LABELS.get(state, state.value)


def paint_state(state: State, text: str, style: Style) -> str:
    return style.paint(text, *_LOOKS[state])


def count(number: int, noun: str) -> str:
    """`1 picture`, `7 pictures`, `1,200 pictures`."""
    plural = noun[:-1] + "ies" if noun.endswith("y") and noun[-2:-1] not in "aeiou" else noun + "s"
    return f"{number:,} {noun if number == 1 else plural}"


def duration(seconds: float) -> str:
    """For people: `0.4 s`, `14 s`, `3 min`, `1 h 20 min`."""
    if seconds < 0.95:
        return f"{max(seconds, 0):.1f} s"
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, rest = divmod(minutes, 60)
    return f"{hours:,} h {rest} min" if rest and hours < 24 else f"{hours:,} h"


def about(seconds: float) -> str:
    """A forecast, no finer than it deserves: `about 40 s`, `a few seconds`."""
    if seconds < 5:
        return "a few seconds"
    if seconds < 20:
        return f"about {5 * round(seconds / 5)} s"
    if seconds < 85:
        return f"about {10 * round(seconds / 10)} s"
    return f"about {duration(max(seconds, 100))}"


def places(amounts: Iterable[Money]) -> int:
    """The decimals that show all of `amounts` exactly: 2 to 6."""
    needed = 2
    for money in amounts:
        while needed < 6 and money.micros % (MICROS // 10**needed):
            needed += 1
    return needed


def range_words(cost: Cost) -> str:
    """`0.72 USD`, or `0.04 to 0.72 USD` where it isn't certain."""
    low, high = amounts(cost.low, cost.high)
    return f"{high} {cost.high.currency}" if low == high else f"{low} to {high} {cost.high.currency}"


def amounts(*values: Money) -> list[str]:
    """Exact amounts without their currency, all with the same number of decimals."""
    decimals = places(values)
    return [value.rounded(decimals) for value in values]


def pattern(addresses: Sequence[str]) -> str:
    """One name for several addresses: what they share stays, the rest is `*`; `scene/*/16:9`, `scene/*`."""
    if len(addresses) == 1:
        return addresses[0]
    split = [re.split(r"(?<=[/#])|(?=[/#])", address) for address in addresses]
    if len({len(parts) for parts in split}) > 1:
        start = definition_of(addresses[0])
        return f"{start}/*" if all(definition_of(address) == start for address in addresses) else "*"
    merged = [parts[0] if len(set(parts)) == 1 else "*" for parts in zip(*split, strict=True)]
    return re.sub(r"(?:/\*)+$", "/*", "".join(merged))


def matches(shape: str, address: str) -> bool:
    """Whether `address` is one that the pattern `shape` reads as naming."""
    inner = re.escape(shape).replace(r"\*", "[^/#]+")
    if shape.endswith("/*"):
        inner = inner.removesuffix("[^/#]+") + ".+"
    return re.fullmatch(inner, address) is not None


def by_state(nodes: Iterable[PlanNode]) -> dict[State, list[PlanNode]]:
    """Nodes under their state, the states in the order of a plan."""
    found: dict[State, list[PlanNode]] = {}
    for node in nodes:
        found.setdefault(node.state, []).append(node)
    return {state: found[state] for state in STATE_ORDER if state in found}
