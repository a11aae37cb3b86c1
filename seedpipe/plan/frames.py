"""The frames of one sequence in a plan: bought together where none is there, else each alone beside its neighbours."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from seedpipe.canonical import digest_of
from seedpipe.manifest.compose import compose
from seedpipe.manifest.node import FrameNode
from seedpipe.money import Money
from seedpipe.names import Digest
from seedpipe.plan import obstacles
from seedpipe.plan import reasons as why
from seedpipe.plan.case import Case
from seedpipe.plan.key import Asked, Identity, batch_document, layers_document, request_document
from seedpipe.plan.memory import Refused, Whereabouts
from seedpipe.plan.plan import Cost, PlanNode, State
from seedpipe.plan.price import price_of
from seedpipe.plan.reason import Reason
from seedpipe.plan.reroll import plan_paid, rolled
from seedpipe.plan.resolve import CARRIED
from seedpipe.plan.walk import View, Walk

_KEPT_ON_PURPOSE = (State.PINNED, State.STALE)


def plan_frames(walk: Walk, nodes: Sequence[FrameNode]) -> Mapping[str, PlanNode]:
    """`nodes` are the frames of one sequence that the plan needs, in order; all that they are made from is planned."""
    planned = {node.address: plan_paid(walk, node) for node in nodes}
    again = rolled(nodes, planned)
    if again:
        bought_again = _in_batches if nodes[0].sequence.address in walk.wish.whole else _alone
        planned |= bought_again(walk, again, planned)
    missing = [node for node in nodes if planned[node.address].state.buys and node not in again]
    sequence = nodes[0].sequence
    there = [node for node in nodes if _serves(walk, node, planned[node.address])]
    if missing and sequence.counted and there:
        named = walk.named_itself(sequence)
        planned |= {node.address: _not_made(walk, node, planned, len(there), named) for node in missing}
        missing = [node for node in missing if node.address in named]
    if not missing:
        return planned
    if sequence.layered:
        return planned | _layers(walk, missing, planned)
    alike = sum(one.state is State.SAME for one in planned.values())
    together = len(missing) + alike == len(sequence.frames) and len(missing) > 1
    bought = _in_batches if together or sequence.counted else _alone
    return planned | bought(walk, missing, planned)


def batch_request(asked: Asked, nodes: Sequence[FrameNode], references: Sequence[Identity]) -> dict[str, object]:
    """The document of the request for `nodes`; the carried frames stand behind the fixed references."""
    if nodes[0].sequence.layered:
        return layers_document(_saying(asked, nodes, references), references)
    return batch_document(_saying(asked, nodes, references), references, len(nodes))


def lone_request(asked: Asked, node: FrameNode, references: Sequence[Identity]) -> dict[str, object]:
    """The document of the request for one frame; its neighbours stand behind the fixed references."""
    return request_document(_saying(asked, [node], references), references)


def _saying(asked: Asked, nodes: Sequence[FrameNode], references: Sequence[Identity]) -> Asked:
    """With the words for `nodes`; of `references` those behind the fixed ones show other frames."""
    sequence = nodes[0].sequence
    others = range(len(sequence.base.references) + 1, len(references) + 1)
    return asked.saying(compose(sequence, [node.frame for node in nodes], beside=others))


def _serves(walk: Walk, node: FrameNode, planned: PlanNode) -> bool:
    """It is one of those that came for what is asked, or for what serves as it is, nobody having selected the sequence.

    So is one that may have been charged or waits at the provider: of the others the same answer said that they don't come.
    """
    if planned.taken is None:
        return planned.state in (State.UNKNOWN, State.FETCH)
    if planned.state not in _KEPT_ON_PURPOSE or not walk.selects(node.sequence):
        return True
    entry = walk.lock.image(node.address)
    return entry is not None and entry.want == planned.key


def _not_made(
    walk: Walk, node: FrameNode, all_planned: Mapping[str, PlanNode], came: int, named: Collection[str]
) -> PlanNode:
    """The service made fewer than the most that was asked for: that is complete, and this one does not exist.

    Whoever is `named` is made after all.
    """
    planned = all_planned[node.address]
    if node.address in named:
        reasons = [reason for reason in planned.reasons if not isinstance(reason, why.New)]
        return replace(planned, reasons=(why.MadeAfterAll(came=came), *reasons))
    return _stopped(walk, planned, State.CACHED, why.NotMade(came=came))


def _layers(walk: Walk, missing: Sequence[FrameNode], planned: Mapping[str, PlanNode]) -> dict[str, PlanNode]:
    """One request brings them all, or none: also not those that someone's file stands in the way of."""
    stuck = next((one for one in planned.values() if one.state.needs_a_person), None)
    if stuck is None:
        found = _in_batches(walk, missing, planned)
        bought = next(iter(found.values()))
        cost = replace(bought.cost, low=Cost.nothing(walk.currency).low)
        for address, one in planned.items():  # what is kept on purpose comes once more, and is billed
            if address not in found and one.state in _KEPT_ON_PURPOSE and bought.state.buys:
                found[address] = replace(one, pictures=1, cost=cost, batch=bought.batch)
        return found
    reason = obstacles.UpstreamStopped(address=stuck.address, state=stuck.state.value)
    return {node.address: _stopped(walk, planned[node.address], State.BLOCKED, reason) for node in missing}


def _in_batches(walk: Walk, missing: Sequence[FrameNode], planned: Mapping[str, PlanNode]) -> dict[str, PlanNode]:
    references = _references(walk, missing[0])
    together = missing[0].sequence.layered
    sizes = (len(missing),) if together else walk.resolver.split(len(missing), len(missing[0].references))
    first = missing[: sizes[0]]
    if references is not None:
        document = batch_request(walk.resolver.asked(missing[0]), first, references)
        refused = _refused(walk, first, digest_of(document))
        if refused is not None:
            return {node.address: _stopped(walk, planned[node.address], *refused) for node in missing}
    found: dict[str, PlanNode] = {}
    start = 0
    for number, size in enumerate(sizes, 1):
        usual = _usually(walk, planned[missing[start].address].model or "", size)
        for place, node in enumerate(missing[start : start + size]):
            # Only the first is sure to come: a batch may bring fewer than it was asked for.
            one = _showing(walk, node, planned[node.address], min(CARRIED, sizes[number - 2]) if number > 1 else 0)
            one = _perhaps(walk, one, at_least=not found, usually=place < usual)
            found[node.address] = replace(one, batch=f"{node.sequence.address}/{number}")
        start += size
    for address, one in planned.items():
        for reason in one.reasons:
            if isinstance(reason, why.SameAs) and reason.address in found:
                buyer = walk.views[reason.address]
                walk.views[address] = replace(
                    walk.views[address], comes_at_least=buyer.comes_at_least, comes_usually=buyer.comes_usually
                )
    return found


def _usually(walk: Walk, model: str, asked: int) -> int:
    """How many frames a batch of `asked` brings by what the model's latest batches brought; all where none is known."""
    came, of = walk.memory.frames_came(model)
    return asked if not of else min(asked, max(1, (2 * asked * came + of) // (2 * of)))


def _showing(walk: Walk, node: FrameNode, planned: PlanNode, others: int) -> PlanNode:
    """At the price of a picture that is shown so many others of its sequence beside its own references."""
    case = Case.of(walk, node)
    if not others or case.asked.layer is not None:
        return planned

    def more(inputs: int | None) -> Money:
        """Nothing in a case in which it is not made."""
        alone, shown = (
            price_of(walk.catalogue, walk.provider, case.asked.model, case.asked.size, inputs=(inputs or 0) + beside)
            for beside in (0, others)
        )
        return (shown - alone) * planned.pictures

    low, expected, high = planned.cost.low, planned.cost.expected, planned.cost.high + more(len(node.references))
    low += more(case.inputs("comes_at_least")) if low.micros else Money.zero(walk.currency)
    expected += more(case.inputs("comes_usually")) if expected.micros else Money.zero(walk.currency)
    return replace(planned, cost=Cost(low=low, expected=expected, high=high))


def _perhaps(walk: Walk, planned: PlanNode, *, at_least: bool, usually: bool) -> PlanNode:
    """A frame that costs something, and is there for what is made from it, only in the cases in which it comes."""
    view, cost, nothing = walk.views[planned.address], planned.cost, Money.zero(walk.currency)
    walk.views[planned.address] = replace(
        view, comes_at_least=view.comes_at_least and at_least, comes_usually=view.comes_usually and usually
    )
    cost = Cost(low=cost.low if at_least else nothing, expected=cost.expected if usually else nothing, high=cost.high)
    return replace(planned, cost=cost)


def _alone(walk: Walk, missing: Sequence[FrameNode], planned: Mapping[str, PlanNode]) -> dict[str, PlanNode]:
    """What is rolled again is there, too, and serves as a neighbour."""
    absent = {
        address
        for address, one in planned.items()
        if one.taken is None and (one.state.buys or one.state is State.SAME)  # what it has is replaced in this build
    }
    return {node.address: _lone(walk, node, planned[node.address], absent) for node in missing}


def _lone(walk: Walk, node: FrameNode, planned: PlanNode, absent: set[str]) -> PlanNode:
    beside = _neighbours(walk, node, absent)
    planned = _showing(walk, node, replace(planned, beside=beside), len(beside))
    references = _references(walk, node)
    if references is not None:
        shown = [*references, *(str(digest) for _, digest in beside)]
        document = lone_request(walk.resolver.asked(node), node, shown)
        refused = _refused(walk, [node], digest_of(document))
        if refused is not None:
            return _stopped(walk, planned, *refused)
    short = walk.memory.came_short(planned.key) if planned.key is not None else None
    if short is None or planned.state is not State.MAKE or planned.rolls:
        return planned
    reason = why.FrameMissing(
        came=short.came, asked=short.asked, refusal=short.code or None, message=short.message or None
    )
    said = [one for one in planned.reasons if isinstance(one, obstacles.PersonSaid)]
    return replace(planned, state=State.PARTIAL, reasons=(*said, reason))


def _neighbours(walk: Walk, node: FrameNode, absent: set[str]) -> tuple[tuple[str, Digest], ...]:
    """The chosen pictures of the nearest frame before and the nearest one after that have one, in order."""
    sequence = node.sequence
    place = node.frame.number - 1
    sides = (reversed(sequence.frames[:place]), iter(sequence.frames[place + 1 :]))
    limit = walk.catalogue.model(walk.resolver.model(sequence.base.model), walk.provider).references.max
    room = min(CARRIED, limit - len(node.references))
    found = []
    for frames in sides:
        for frame in frames:
            address = sequence.address_of(frame)
            entry = walk.lock.image(address)
            if address in absent or entry is None:
                continue
            if walk.memory.whereabouts(entry.take, None) is Whereabouts.STORE:
                found.append((address, entry.take))
                break
    return tuple(found[: max(0, room)])


def _references(walk: Walk, node: FrameNode) -> list[Identity] | None:
    """The identities of what all frames are made from; None while one of them is not known."""
    found = [walk.views[reference.address].identity for reference in node.references]
    known = [identity for identity in found if identity is not None]
    return known if len(known) == len(found) else None


def _refused(walk: Walk, nodes: Sequence[FrameNode], key: Digest) -> tuple[State, Reason] | None:
    refused: Refused | None = walk.memory.refused(key)
    named = walk.wish.selection.named
    if refused is None or all(node.address in named for node in nodes):
        return None
    if refused.blocked and walk.wish.retry_blocked:
        return None
    state = State.BLOCKED if refused.blocked else State.FAILED
    return state, obstacles.RefusedBefore(refusal=refused.code, message=refused.message, request_id=refused.request_id)


def _stopped(walk: Walk, planned: PlanNode, state: State, reason: Reason) -> PlanNode:
    """It does not come: nor does it bring the picture of another node that asks for the same."""
    if planned.key is not None and walk.bought.get(planned.key, ("", 0))[0] == planned.address:
        del walk.bought[planned.key]
    walk.views[planned.address] = View(identity=None, stopped=state)
    return replace(planned, state=state, reasons=(reason,), pictures=0, cost=Cost.nothing(walk.currency), writes=False)
