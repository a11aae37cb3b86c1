"""A plan as the rows that a person reads: nodes of one entry, state and reason stand together. Pure."""

import re
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from seedpipe.display import shown
from seedpipe.names import definition_of
from seedpipe.plan.obstacles import ChargeUncertain, KeptOnPurpose, PaidWaits, RefusedBefore, UpstreamStopped
from seedpipe.plan.plan import Cost, Plan, PlanNode, State
from seedpipe.plan.reason import Reason
from seedpipe.plan.reasons import FieldChanged, PromptChanged, SharedWordsChanged, UpstreamMade
from seedpipe.review.words import by_state, matches, pattern

# In these states a row says nothing but names, so that all of a state is one row.
QUIET_STATES = (State.FETCH, State.FREE, State.CACHED)
# Their sentences hold what a person wants to read, so few of them are not folded into one.
_TELLING = (
    "prompt-changed",
    "field-changed",
    "lettering-changed",
    "refused-before",
    "charge-uncertain",
    "output-edited",
    "bytes-missing",
)
_FOLLOWS = ("new", "upstream-made", "source-not-fetched")  # of what is made here: told by what it is made from
_FEW, _FEW_URGENT = 3, 12
# The service ends its sentences with it; `explain` shows it.
_REQUEST_ID = re.compile(r"\s*\(?request id:?\s*\w+\)?\.?\s*$", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """`what` names the nodes, `number` says how many (`×6`, `×2 of 6`; empty for one), `why` is one sentence."""

    state: State
    nodes: Sequence[PlanNode]
    what: str
    number: str
    why: str

    @property
    def cost(self) -> Cost:
        total = self.nodes[0].cost
        for node in self.nodes[1:]:
            total += node.cost
        return total

    @property
    def moved_at(self) -> str | None:
        """Where the first of the nodes got its changed words, if that is known."""
        for reason in self.nodes[0].reasons:
            if isinstance(reason, PromptChanged | SharedWordsChanged) and reason.at:
                return shown(reason.at[0])
        return None

    @property
    def place(self) -> str:
        """There, or where the first of the nodes stands in the manifest."""
        position = self.nodes[0].position
        return self.moved_at or f"{shown(position.file)}:{position.line}"


def plan_rows(plan: Plan, *, every_node: bool = False) -> list[Row]:
    """The rows, what needs a person first; with `every_node` nothing is folded, and what was never made has a row too."""
    names: dict[str, list[str]] = {}
    for address in plan.nodes:
        names.setdefault(definition_of(address), []).append(address)
    rows: list[Row] = []
    for state, nodes in by_state(node for node in plan.nodes.values() if every_node or node.exists).items():
        groups = ([node] for node in nodes) if every_node else _groups(state, nodes)
        rows += [_row(state, group, names) for group in groups]
    return rows


def quiet(row: Row) -> bool:
    """Whether the row may share a line with others of its state: nothing about it needs saying."""
    return (
        row.state in QUIET_STATES
        and not (row.state is State.CACHED and row.nodes[0].writes)
        and not _says_more(row.nodes[0])
    )


def _says_more(node: PlanNode) -> bool:
    """What is paid and not here yet says until when it can be had; what is made here for its own sake what changed."""
    if node.state is State.FREE:
        return any(reason.code not in _FOLLOWS for reason in node.reasons)
    return any(isinstance(reason, PaidWaits) for reason in node.reasons)


def _groups(state: State, nodes: Iterable[PlanNode]) -> Iterable[Sequence[PlanNode]]:
    """Nodes of one entry whose reasons read alike."""
    groups: dict[Hashable, list[PlanNode]] = {}
    for node in nodes:
        told = state not in QUIET_STATES or _says_more(node)
        shapes = tuple(dict.fromkeys(map(_shape, node.reasons))) if told else ()
        groups.setdefault((definition_of(node.address), node.kind, node.writes, shapes), []).append(node)
    for group in groups.values():
        yield from _told_apart(state, group)


def _told_apart(state: State, group: Sequence[PlanNode]) -> Iterable[Sequence[PlanNode]]:
    if not any(reason.code in _TELLING for reason in group[0].reasons):
        return [group]
    apart: dict[Hashable, list[PlanNode]] = {}
    for node in group:
        words = tuple(reason.sentence() for reason in node.reasons if reason.code in _TELLING)
        apart.setdefault(words, []).append(node)
    few = _FEW_URGENT if state.needs_a_person else _FEW
    return list(apart.values()) if len(apart) <= few else [group]


def _row(state: State, group: Sequence[PlanNode], names: Mapping[str, Sequence[str]]) -> Row:
    what = pattern([node.address for node in group])
    number = ""
    if len(group) > 1:
        known = sum(matches(what, name) for name in names[definition_of(group[0].address)])
        number = f"×{len(group):,}" + (f" of {known:,}" if known > len(group) else "")
    return Row(state=state, nodes=group, what=what, number=number, why=why(group))


def why(group: Sequence[PlanNode]) -> str:
    """The reasons of nodes whose reasons have the same shapes, as one line of sentences."""
    found: dict[Hashable, list[Reason]] = {}
    for node in group:
        for told in _of_looks_alike(node.reasons):
            found.setdefault(_shape(told), []).append(told)
    return shown(" · ".join(_together(reasons) for reasons in found.values()))


def _of_looks_alike(reasons: Iterable[Reason]) -> Iterable[Reason]:
    """Without the ids of requests; what is so of several looks in the same words stands once: `look a, b: …`."""
    looks: dict[Reason, list[str]] = {}
    for reason in reasons:
        if isinstance(reason, RefusedBefore):
            reason = replace(reason, message=_REQUEST_ID.sub("", reason.message), request_id=None)
        looks.setdefault(replace(reason, look=None), []).extend([reason.look] if reason.look is not None else [])
    return [replace(reason, look=", ".join(names) or None) for reason, names in looks.items()]


def _shape(reason: Reason) -> Hashable:
    return (reason.look, *_kind(reason))


def _kind(reason: Reason) -> tuple[Hashable, ...]:
    address = getattr(reason, "address", None)
    if isinstance(address, str):
        match reason:
            case UpstreamStopped(state=apart) | UpstreamMade(first=apart):
                return (reason.code, definition_of(address), apart)
        return (reason.code, definition_of(address))
    match reason:
        case FieldChanged(field=what) | RefusedBefore(refusal=what) | KeptOnPurpose(level=what):
            return (reason.code, what)
    return (reason.code,)


def _together(reasons: Sequence[Reason]) -> str:
    """One sentence for reasons of one shape."""
    sentences = tuple(dict.fromkeys(reason.sentence() for reason in reasons))
    first = reasons[0]
    if len(sentences) == 1:
        return sentences[0] + (" each" if isinstance(first, ChargeUncertain) and len(reasons) > 1 else "")
    addresses = tuple(dict.fromkeys(reason.address for reason in reasons if hasattr(reason, "address")))
    if len(addresses) > 1:  # the sentence of one stands for all, with the pattern for the address
        return first.sentence().replace(addresses[0], pattern(addresses))
    match first.code:
        case "prompt-changed":
            return f"the prompt changed, in {len(sentences):,} ways"
        case "field-changed" if isinstance(first, FieldChanged):
            return f"{first.field.replace('_', ' ')} changed, in {len(sentences):,} ways"
        case "lettering-changed":
            return f"the lettering changed, in {len(sentences):,} ways"
        case "steps-changed":
            return "the steps changed"
        case "references-changed":
            return "the references changed"
        case "look-missing":
            return "looks are missing"
        case "more-takes":
            return "has fewer takes than asked for"
        case "charge-uncertain":
            return "sent, outcome unknown; each may have been charged"
        case "bytes-missing":
            return "the chosen pictures are nowhere on this machine"
        case "output-edited":
            return "the output files are not pictures that seedpipe put there"
        case "output-absent":
            return "the output files are written again"
    return f"{sentences[0]}, and {len(sentences) - 1:,} more like it"
