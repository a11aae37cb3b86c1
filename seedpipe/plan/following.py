"""What a person's decisions came to, and what follows from them by the plans of before and after. Pure."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from seedpipe.errors import DecisionError
from seedpipe.names import Digest
from seedpipe.plan.plan import Cost, Plan, PlanNode, State, sum_of
from seedpipe.state.decisions import Decision, Verb


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a verb that may be about many pictures. `unchanged` were so already.

    `put_right` are those whose choice stays and whose file is only written again.
    `plan` is of before the decision; None where nothing can follow from it. `undone` is the verb of what was taken back.
    """

    verb: Verb
    undone: str | None = None
    decisions: Sequence[Decision] = ()
    unchanged: Sequence[str] = ()
    refused: Sequence[tuple[str, DecisionError]] = ()
    put_right: Sequence[str] = ()
    plan: Plan | None = None

    @property
    def decided(self) -> Sequence[str]:
        return [decision.node for decision in self.decisions]

    def to_dict(self) -> dict[str, Any]:
        return {
            "verb": self.verb.value,
            "act": self.decisions[0].act if self.decisions else None,
            "decisions": [decision.to_dict() for decision in self.decisions],
            "unchanged": list(self.unchanged),
            "put_right": list(self.put_right),
            "refused": [
                {"address": address, "message": error.message, "hint": error.hint} for address, error in self.refused
            ],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """One picture put right for nothing: `how` as in `events.NodeDone`."""

    address: str
    how: str
    digest: Digest
    output: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """`decided` are those that are in the manifest. `below` counts what is made from them, however far.

    `pending_cost` is what those cost that a build would have bought before, too. `written` are their output files, put right; `made` counts pictures made here for nothing, `again` those below that
    are once more what they were when they were made from these pictures. `buys` are what a build would buy because of
    the decision, and `pending` counts those that it would have bought before, too; `anew` decided ones that a build would replace; `edited` those whose file is somebody's, and stays;
    `stays` those kept on purpose although what they are made from has changed. `said` are sentences for people.
    """

    decided: Sequence[str] = ()
    below: int = 0
    written: Sequence[str] = ()
    made: int = 0
    again: Sequence[str] = ()
    buys: Sequence[PlanNode] = ()
    pending: int = 0
    pending_cost: Cost
    anew: Sequence[PlanNode] = ()
    edited: Sequence[PlanNode] = ()
    stays: Sequence[str] = ()
    cost: Cost
    said: Sequence[str] = field(default=())

    def to_dict(self) -> dict[str, Any]:
        return {
            "below": self.below,
            "written": list(self.written),
            "made": self.made,
            "again": list(self.again),
            "buys": [node.address for node in self.buys],
            "pending": self.pending,
            "pending_cost": self.pending_cost.to_dict(),
            "pictures": sum(node.pictures for node in self.buys),
            "cost": self.cost.to_dict(),
            "anew": [node.address for node in self.anew],
            "edited": [node.address for node in self.edited],
            "stays": list(self.stays),
            "said": list(self.said),
        }


def what_follows(
    before: Plan,
    after: Plan,
    *,
    decided: Collection[str],
    below: Collection[str],
    anew: Collection[str] = (),
    done: Sequence[Done] = (),
    said: Sequence[str] = (),
) -> Followed:
    """Only what is new since `before` is told; both plans are of the same nodes.

    `anew` are decided ones in whose place the next build puts another picture, bought or at hand.
    """
    buys = [node for node in after.nodes.values() if node.address in below and _newly(node, before)]
    again = {one.address for one in done if one.address in below and _is_another(one, after, before)}
    bought = {node.address for node in buys}
    others = [node for node in after.nodes.values() if node.address in below and node.state.buys]
    others = [node for node in others if node.address not in bought]
    return Followed(
        decided=tuple(decided),
        below=len(below),
        written=[one.output for one in done if one.output is not None and one.address in decided],
        made=sum(one.how == "derived" for one in done),
        again=[address for address in after.nodes if address in again],
        buys=buys,
        pending=len(others),
        pending_cost=sum_of((node.cost for node in others), after.currency),
        anew=[after.nodes[address] for address in anew if not after.nodes[address].state.needs_a_person],
        edited=[after.nodes[address] for address in decided if after.nodes[address].state is State.EDITED],
        stays=[node.address for node in after.nodes.values() if _newly_stale(node, before)],
        cost=sum_of((node.cost for node in buys), after.currency),
        said=said,
    )


def _newly(node: PlanNode, before: Plan) -> bool:
    was = before.nodes.get(node.address)
    return node.state.buys and (was is None or not was.state.buys)


def _newly_stale(node: PlanNode, before: Plan) -> bool:
    was = before.nodes.get(node.address)
    return node.state is State.STALE and was is not None and was.state is not State.STALE


def _is_another(one: Done, after: Plan, before: Plan) -> bool:
    """A paid picture that is another one than before."""
    was = before.nodes.get(one.address)
    paid = after.nodes[one.address].kind in ("image", "frame")
    return one.how == "cached" and paid and was is not None and was.taken != one.digest
