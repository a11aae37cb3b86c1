"""`resolve` for people: what is known of a request whose charge is uncertain, and what a word about it does. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from seedpipe.display import PLAIN, Style, fit, pad, shown, shown_lines, wrap
from seedpipe.money import Money
from seedpipe.plan.plan import PlanNode
from seedpipe.plan.reasons import NotMade
from seedpipe.review.plan_text import MIN_WIDTH
from seedpipe.review.words import count, label
from seedpipe.state.held import Fate, Held, minute_text
from seedpipe.state.requests import Request, RequestState, Resolution, Word

_LABEL: Final = 13
_OPEN: Final = (Fate.SILENT, Fate.LOST, Fate.WAITS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """A request about which a person's word holds, or held until now."""

    request: Request
    word: Resolution


def open_addresses(held: Held) -> Sequence[str]:
    """Those of them that are not here; all if that is not what is uncertain."""
    found = [held.request.frame(place).address for place, fate in enumerate(held.fates) if fate in _OPEN]
    return list(dict.fromkeys(found)) or held.request.addresses


def held_text(held: Held, *, sender: str, look: str | None = None, width: int = 80, style: Style = PLAIN) -> str:
    """The facts, and the two words that a person can say. `look`: of a picture with looks, the one that was asked for."""
    width = max(width, MIN_WIDTH)
    request = held.request
    names = open_addresses(held)
    page = _Page([style.bold(fit(shown(", ".join(names) or request.address), width))], width, style)
    if look is not None:
        page.field("look", look)
    page.field("sent", f"{held.since} by {sender}, {count(request.images, 'picture')} of {request.model}")
    page.field("to", request.provider)
    page.field("why", held.why)
    if Fate.KEPT in held.fates:
        page.field("kept", f"{held.fates.count(Fate.KEPT)} of {len(held.fates)}: {held.certain} for certain")
    if held.needs_a_person:
        page.field("cost" if held.is_charged else "may have cost", f"{held.possible}{' more' if held.certain else ''}")
    page.field("request id", request.request_id or "none: the service never said one")
    page.field("client id", request.client_request_id)
    page.field("journal id", request.id)
    if held.until is not None:
        tried = "tries to fetch" if held.request.state is RequestState.UNKNOWN else "fetches"
        page.field("its address", f"lives until {minute_text(held.until)}: `seedpipe build` {tried} it for nothing")
    if held.needs_a_person:
        page.field("--paid", paid_words(held))
        page.field("--not-paid", not_paid_words(held))
    return "\n".join(page.lines)


def paid_words(held: Held) -> str:
    return f"{held.certain + held.possible} was charged on {_day(held.request)}; the caps count it already"


def not_paid_words(held: Held) -> str:
    free = held.request.reserved - held.certain
    kept = f", {held.certain} was" if held.certain else ""
    return f"{free} is free again for the caps of {_day(held.request)} and its month{kept}"


def resolved_text(resolved: Resolved, nodes: Mapping[str, PlanNode], *, width: int = 80, style: Style = PLAIN) -> str:
    """What was written down, and what becomes of the pictures; `nodes` is the plan as it is now."""
    width = max(width, MIN_WIDTH)
    request, word = resolved.request, resolved.word
    names = request.addresses
    note = f" ({word.note})" if word.note else ""
    head = f"{shown(', '.join(names))}: {_said(word)}, says {shown(name_of(word.who) + note)}"
    lines = wrap(head, width)
    page = _Page([style.bold(line) for line in lines], width, style)
    page.field("request", f"{request.id}, sent {minute_text(request.sent_at or request.intended_at)}")
    if word.charge is not None and word.charge.currency == request.price.currency and word.charge > request.reserved:
        page.field("but", f"no more than {request.reserved} was reserved for it; `--undo` takes the word back")
    for address in names:
        page.field("now", _now(address, nodes.get(address)))
    return "\n".join(page.lines)


def name_of(person: str) -> str:
    """Without the mail address: `Mika Ito` of `Mika Ito <mika@example.com>`."""
    return person.partition(" <")[0] or person


def _said(word: Resolution) -> str:
    match word.word:
        case Word.PAID:
            return f"{word.charge} was charged"
        case Word.NOT_PAID:
            return "not charged" if word.charge is None else f"only the {word.charge} of what is kept was charged"
        case Word.TAKEN_BACK:
            return "it is uncertain again whether it was charged"


def _now(address: str, node: PlanNode | None) -> str:
    if node is None:
        return f"{address} is not in the manifest any more"
    absent = next((reason for reason in node.reasons if isinstance(reason, NotMade)), None)
    if absent is not None:
        return f"{address} is done without: {absent.sentence()}"
    price = f", {node.cost.high} at most" if node.state.buys else ""
    return f"{address} is `{label(node.state)}` in the plan{price}"


def _day(request: Request) -> str:
    return (request.sent_at or request.intended_at)[:10]


class _Page:
    """Lines under way: a name on the left, what it holds on the right."""

    def __init__(self, lines: list[str], width: int, style: Style) -> None:
        self.lines, self._width, self._style = lines, width, style

    def field(self, name: str, text: str) -> None:
        for index, line in enumerate(wrap(shown_lines(text), self._width - _LABEL - 4)):
            self.lines.append(f"  {self._style.dim(pad('' if index else name, _LABEL))}  {line}".rstrip())


def held_data(held: Held, *, sender: str, look: str | None = None) -> dict[str, Any]:
    request = held.request
    return {
        "request": request.id,
        "addresses": list(open_addresses(held)),
        **({} if look is None else {"look": look}),
        "state": request.state.value,
        "needs_a_person": held.needs_a_person,
        "since": held.sent_at,
        "sent_by": sender,
        "model": request.model,
        "provider": request.provider,
        "pictures": request.images,
        "kept": held.fates.count(Fate.KEPT),
        "why": held.why,
        "certain": str(held.certain),
        "possible": str(held.possible),
        "reserved": str(request.reserved),
        "request_id": request.request_id,
        "client_request_id": request.client_request_id,
        "fetched_for_nothing_until": held.until,
    }


def resolved_data(resolved: Resolved, nodes: Mapping[str, PlanNode]) -> dict[str, Any]:
    request, word = resolved.request, resolved.word
    charge: Money | None = word.charge
    return {
        "request": request.id,
        "addresses": list(request.addresses),
        "word": word.word.value,
        "charge": None if charge is None else str(charge),
        "who": word.who,
        "at": word.at,
        "note": word.note,
        "states": {name: nodes[name].state.value if name in nodes else None for name in request.addresses},
    }
