"""What the catalogue decided once, asked again: which answers of a lock are others by now. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from seedpipe.errors import SeedpipeError, UsageError
from seedpipe.plan.plan import Cost, Plan, PlanNode, State, sum_of
from seedpipe.plan.resolve import Resolver


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """`changed`: ask → what the lock says, what the catalogue says. `unanswered` it knows no more; there the lock holds."""

    changed: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    unanswered: Sequence[str] = ()


def ask_again(resolved: Mapping[str, str], fresh: Resolver, names: Sequence[str] = ()) -> Answers:
    """`resolved` is a lock's block, `fresh` remembers nothing. `names` narrow it: an ask, or what one is about.

    Raises `UsageError` for a name that is in no ask.
    """
    meant = [ask for ask in sorted(resolved) if not names or any(_is_about(ask, name) for name in names)]
    for name in names:
        if not any(_is_about(ask, name) for ask in meant):
            listed = ", ".join(f"`{ask}`" for ask in sorted(resolved)[:4]) or "nothing"
            raise UsageError(f"the lock holds no answer about `{name}`", hint=f"it holds {listed}")
    changed: dict[str, tuple[str, str]] = {}
    unanswered = []
    for ask in meant:
        try:
            now = _answer(ask, fresh)
        except SeedpipeError:
            unanswered.append(ask)
        else:
            if now != resolved[ask]:
                changed[ask] = (resolved[ask], now)
    return Answers(changed=changed, unanswered=unanswered)


def _is_about(ask: str, name: str) -> bool:
    return ask == name or name in ask.split("/") or any(part.startswith(f"{name}-") for part in ask.split("/"))


def _answer(ask: str, fresh: Resolver) -> str:
    kind, *about = ask.split("/")
    match kind, about:
        case "model", [name]:
            return fresh.model(name)
        case "size", [model, size, aspect]:
            return fresh.size(model, None if size == "-" else size, None if aspect == "-" else aspect)
        case "frames", [numbers]:
            frames, _, references = numbers.partition("+")
            return ",".join(map(str, fresh.split(int(frames), int(references))))
        case _:
            raise UsageError(f"the lock's `{ask}` is of a later seedpipe", hint="upgrade seedpipe; nothing was changed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """What other answers would have a build do that it would not do now. `cost` is of that alone.

    `waiting` would wait for a person then, because what they are made from is made anew behind a gate.
    """

    plan: Plan
    nodes: Sequence[PlanNode]
    cost: Cost
    waiting: Sequence[PlanNode] = ()

    @property
    def pictures(self) -> int:
        return sum(node.pictures for node in self.nodes)


def moved_by(before: Plan, after: Plan) -> Moved:
    """Both plans are of the whole project."""
    nodes = [node for node in after.nodes.values() if node.state.buys and not before.nodes[node.address].state.buys]
    waiting = [
        node
        for node in after.nodes.values()
        if node.state is State.WAITS and before.nodes[node.address].state is not State.WAITS
    ]
    cost = sum_of((node.cost for node in nodes), after.currency)
    return Moved(plan=after, nodes=nodes, cost=cost, waiting=waiting)
