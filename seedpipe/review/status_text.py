"""`status`: what is there, where it is, what it has cost, and what waits for a person. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from seedpipe.display import PLAIN, Style, display_width, fit, fit_path, flow, pad, pad_left, shown, wrap
from seedpipe.money import Money
from seedpipe.names import Realm, definition_of
from seedpipe.plan.plan import Plan, PlanNode, State
from seedpipe.review.plan_text import MIN_WIDTH, NO_CAPS, Caps, plan_title
from seedpipe.review.words import NEXT_STEPS, by_state, count, label, paint_state, pattern
from seedpipe.state.held import minute_text

_FEW: Final = 6  # pictures whose looks are named


@dataclass(frozen=True, slots=True, kw_only=True)
class UncertainCharge:
    """A request whose outcome is not known. `since` is UTC in ISO 8601, `why` a few words; the ids as in `Request`."""

    address: str
    since: str
    cost: Money
    why: str
    request: str = ""
    request_id: str | None = None
    client_request_id: str = ""


def status_text(
    plan: Plan,
    *,
    outputs: str,
    uncertain: Sequence[UncertainCharge] = (),
    spent: Money | None = None,
    caps: Caps = NO_CAPS,
    width: int = 80,
    style: Style = PLAIN,
) -> str:
    """`outputs` is the folder of the pictures; `spent` all that the project was ever charged in this realm."""
    width = max(width, MIN_WIDTH)
    lines = [plan_title(plan, width, style), ""]
    lines += _counts(plan, width, style) or ["  no pictures yet"]
    wide = max(12, *(display_width(period.name) + 2 for period in caps.periods), 0)
    lines += ["", f"  {pad('outputs', wide)}{fit_path(shown(outputs), width - wide - 2)}"]
    lines += _looks(plan, wide, width)
    if spent is not None:
        lines.append(f"  {pad('spent', wide)}{spent} in all")
    for period in caps.periods:
        limit = "" if period.cap is None else f" of {period.cap}"
        limit += f", {period.unsure} of it not settled" if period.unsure else ""
        lines.append("  " + fit(f"{pad(shown(period.name), wide)}{period.spent}{limit}", width - 2))
    lines += ["  " + style.yellow(line) for remark in caps.remarks for line in wrap(shown(remark), width - 2)]
    return "\n".join([*lines, *_uncertain(uncertain, width, style)])


def _counts(plan: Plan, width: int, style: Style) -> list[str]:
    # A source that is at hand is no picture of ours to count; one that is not, needs to be said.
    own = (
        node
        for node in plan.nodes.values()
        if node.exists and (node.kind != "source" or node.state is not State.CACHED)
    )
    states = by_state(own)
    digits = max((len(f"{len(nodes):,}") for nodes in states.values()), default=1)
    lines = []
    for state, nodes in states.items():
        start = f"  {paint_state(state, label(state).ljust(7), style)}  {pad_left(f'{len(nodes):,}', digits)}"
        room = width - display_width(start) - 2
        named = ": " + ", ".join(_names(nodes)) if state.needs_a_person else ""
        told = wrap(_counted_words(state, plan.realm) + named, room)
        lines.append(f"{start}  {style.dim(told[0])}")
        lines += [" " * (width - room) + style.dim(line) for line in told[1:]]
    return lines


def _looks(plan: Plan, wide: int, width: int) -> list[str]:
    """As which of its looks each picture stands: `hero as night (of 3)`."""
    told = [f"{node.address} as {node.look} (of {len(node.looks)})" for node in plan.nodes.values() if node.looks]
    more = f" and {len(told) - _FEW:,} more" if len(told) > _FEW else ""
    lines = wrap(shown(", ".join(told[:_FEW]) + more), width - wide - 2) if told else []
    return [f"  {pad('' if number else 'looks', wide)}{line}" for number, line in enumerate(lines)]


# One or many: what a state says of so many pictures.
_COUNTED = {
    State.UNKNOWN: "sent, and not known whether charged",
    State.MISSING: "chosen, and nowhere to be found",
    State.EDITED: "with an output file that somebody edited",
    State.BLOCKED: "not made as things are",
    State.FAILED: "refused by the service",
    State.PARTIAL: "did not come with the batch, to be bought alone",
    State.WAITS: "waiting for a person's word",
    State.PINNED: "pinned",
    State.STALE: "kept on purpose, made for other inputs",
    State.MAKE: "to be bought",
    State.FOLLOWS: "to be bought because a picture they are made from is",
    State.MAY: "to be bought only if a picture they are made from comes out different",
    State.SAME: "sharing the picture of another that asks for the same",
    State.FETCH: "to be fetched, for nothing",
    State.CACHED: "up to date",
    State.FREE: "to be made here, for nothing",
}


def _counted_words(state: State, realm: Realm) -> str:
    words = _COUNTED[state]
    return words.replace("bought", "drawn") if realm is Realm.PROOF else words


def _names(nodes: Sequence[PlanNode]) -> list[str]:
    entries: dict[str, list[str]] = {}
    for node in nodes:
        entries.setdefault(definition_of(node.address), []).append(node.address)
    return [pattern(addresses) for addresses in entries.values()]


def _uncertain(charges: Sequence[UncertainCharge], width: int, style: Style) -> list[str]:
    if not charges:
        return []
    totals: dict[str, Money] = {}
    for charge in charges:
        currency = charge.cost.currency
        totals[currency] = totals.get(currency, Money.zero(currency)) + charge.cost
    amount = " and ".join(map(str, totals.values()))
    title = f"{count(len(charges), 'charge')} uncertain: up to {amount}"
    lines = ["", "  " + style.paint(title, "bold", "red")]
    wide = min(max(display_width(charge.address) for charge in charges), width // 3)
    for charge in charges:
        told = wrap(shown(f"{minute_text(charge.since)}  {charge.cost}  {charge.why}"), width - wide - 6)
        lines += flow([f"    {pad(charge.address, wide)}", told[0]], width, between="  ", indent=wide + 6)
        lines += [" " * (wide + 6) + line for line in told[1:]]
    step = NEXT_STEPS[State.UNKNOWN].format(node=charges[0].address)
    for index, line in enumerate(wrap(step, width - 6)):
        lines.append("    " + style.dim(("  " if index else "→ ") + line))
    return lines
