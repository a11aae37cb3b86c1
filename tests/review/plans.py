"""Graphs and plans for the tests of this folder, made from the records themselves."""

from collections.abc import Sequence
from dataclasses import replace

from seedpipe.manifest.node import DerivedNode, ImageNode, Node, Reference, SourceNode
from seedpipe.manifest.steps import Convert, Crop, Resize, Text
from seedpipe.money import Money
from seedpipe.names import Digest, Realm
from seedpipe.plan.graph import Graph, link
from seedpipe.plan.obstacles import ChargeUncertain, KeptOnPurpose, OutputEdited, RefusedBefore, UpstreamStopped
from seedpipe.plan.plan import Cost, Forecast, Plan, PlanNode, State
from seedpipe.plan.reason import Reason
from seedpipe.plan.reasons import FieldChanged, New, PromptChanged, UpstreamMade
from seedpipe.source import Position

PRICE = Money(40_000, "USD")
MODEL = "seedream-4-5"
STEPS = (
    Crop(width=1200, height=630),
    Resize(width=1200, height=630),
    Text(text="Licht, das bleibt"),
    Convert(format="jpeg"),
)


def at(line: int, file: str = "seedpipe.yaml") -> Position:
    return Position(file, line, 3)


def usd(text: str) -> Money:
    return Money.parse(text, default_currency="USD")


def source(address: str, line: int = 1) -> SourceNode:
    return SourceNode(address=address, position=at(line), path=f"art/{address}.png")


def image(address: str, references: Sequence[str] = (), *, prompt: str = "A lamp.", line: int = 14) -> ImageNode:
    return ImageNode(
        address=address,
        position=at(line),
        prompt_position=at(line + 1),
        prompt=prompt,
        model=MODEL,
        references=tuple(Reference(address=name, position=at(line + 2)) for name in references),
    )


def derived(address: str, of: str, line: int = 40) -> DerivedNode:
    return DerivedNode(
        address=address, position=at(line), source=Reference(address=of, position=at(line + 1)), steps=STEPS
    )


def planned(node: Node, state: State, *reasons: Reason, cost: Cost | None = None, pictures: int = 1) -> PlanNode:
    kind = {SourceNode: "source", ImageNode: "image", DerivedNode: "derived"}[type(node)]
    if cost is None:
        cost = Cost.exactly(PRICE * pictures) if state.buys else Cost.nothing("USD")
    drawn = isinstance(node, ImageNode)
    return PlanNode(
        address=node.address,
        kind=kind,
        state=state,
        reasons=reasons,
        cost=cost,
        pictures=pictures if state.buys else 0,
        model=MODEL if drawn else None,
        size="2848x1600" if drawn else None,
        key=None if state is State.FOLLOWS or not drawn else Digest.of(node.address.encode()),
        made_from=tuple(reference.address for reference in node.references)
        if isinstance(node, ImageNode)
        else node.inputs
        if isinstance(node, DerivedNode)
        else (),
        output=None if kind == "source" else f"build/{node.address}.jpg",
        writes=state.buys or state is State.FREE,
        position=node.position,
    )


def plan_of(nodes: Sequence[PlanNode], *, realm: Realm = Realm.LIVE, seconds: float = 40.0) -> Plan:
    cost = Cost.nothing("USD")
    for node in nodes:
        cost += node.cost
    return Plan(
        project="lumen",
        realm=realm,
        provider="apiyi",
        currency="USD",
        nodes={node.address: node for node in nodes},
        cost=cost,
        time=Forecast(seconds=seconds if cost.high else 0.0),
    )


BRASS = PromptChanged(old="A desk lamp in matte metal.", new="A desk lamp in brushed brass metal.")


def lumen() -> tuple[Graph, Plan]:
    """The illustration of the design: one edited hero, six scenes that follow, the rest as it was."""
    nodes: list[tuple[Node, State, tuple[Reason, ...]]] = [
        (source("logo", 10), State.CACHED, ()),
        (image("hero", ["logo"], prompt=BRASS.new), State.MAKE, (BRASS,)),
    ]
    for product in ("LUM-01", "LUM-02", "LUM-03"):
        nodes.append((source(f"pack/{product}", 20), State.CACHED, ()))
        for shape in ("16:9", "1:1"):
            scene = image(f"scene/{product}/{shape}", [f"pack/{product}", "hero"], line=24)
            nodes.append((scene, State.FOLLOWS, (UpstreamMade(address="hero"),)))
        for market in ("en", "de", "ja", "fr"):
            banner = derived(f"banner/{product}/{market}", f"scene/{product}/16:9")
            nodes.append((banner, State.FREE, (UpstreamMade(address=f"scene/{product}/16:9"),)))
    nodes += [(image(f"board-{name}", line=60), State.CACHED, ()) for name in ("wide", "hands")]
    return made(nodes)


def made(nodes: Sequence[tuple[Node, State, tuple[Reason, ...]]]) -> tuple[Graph, Plan]:
    graph = link([node for node, _, _ in nodes])
    by_address = {node.address: planned(node, state, *reasons) for node, state, reasons in nodes}
    return graph, plan_of([by_address[address] for address in graph.addresses])


def troubled() -> tuple[Graph, Plan]:
    """A plan in which most states occur, with hostile and Japanese words."""
    refusal = RefusedBefore(
        refusal="InputTextSensitiveContentDetected",
        message="The request failed because the input text may contain sensitive information.\x1b[31m",
    )
    unsure = ChargeUncertain(since="2026-11-23 21:04", cost="0.04 USD", why="timed out")
    nodes: list[tuple[Node, State, tuple[Reason, ...]]] = [
        (image("hero"), State.UNKNOWN, (unsure,)),
        (image("poster", line=22), State.EDITED, (OutputEdited(path="build/poster.jpg"),)),
        (image("crowd", line=31), State.BLOCKED, (refusal,)),
        (derived("crowd-card", "crowd"), State.BLOCKED, (UpstreamStopped(address="crowd", state="blocked"),)),
        (image("wordmark", line=44), State.FAILED, (FieldChanged(field="size", old="2K", new="4K"),)),
        (image("cast/mika", line=50), State.MAKE, (New(),)),
        (image("cast/ren", line=50), State.MAKE, (New(),)),
        (
            image("tea", prompt="夜明けの工房、真鍮のランプ", line=58),
            State.MAKE,
            (PromptChanged(old="夜明けの工房、 鉄のランプ", new="夜明けの工房、 真鍮のランプ\x9b2J"),),
        ),
        (image("night", ["tea"], line=66), State.MAY, (UpstreamMade(address="tea"),)),
        (image("key-visual", line=70), State.PINNED, (KeptOnPurpose(level="pinned"),)),
        (image("old", ["tea"], line=74), State.STALE, (KeptOnPurpose(level="approved"),)),
        (image("fetched", line=78), State.FETCH, ()),
    ]
    graph, plan = made(nodes)
    night = plan.nodes["night"]
    ranged = replace(night, cost=Cost(low=usd("0"), expected=usd("0.035"), high=usd("0.035")))
    return graph, plan_of([ranged if node is night else node for node in plan.nodes.values()])


def many(products: int = 15, markets: int = 18) -> tuple[Graph, Plan]:
    """About `products × (markets + 2)` nodes in four layers."""
    nodes: list[tuple[Node, State, tuple[Reason, ...]]] = [
        (source("logo"), State.CACHED, ()),
        (image("hero", ["logo"]), State.CACHED, ()),
    ]
    for number in range(1, products + 1):
        product = f"LUM-{number:02}"
        change = PromptChanged(old="on old oak", new=f"on {product} oak")
        nodes.append((source(f"pack/{product}"), State.CACHED, ()))
        scene = image(f"scene/{product}", [f"pack/{product}", "hero"], line=30)
        nodes.append((scene, State.MAKE if number <= 5 else State.CACHED, (change,) if number <= 5 else ()))
        for market in range(markets):
            banner = derived(f"banner/{product}/m{market:02}", f"scene/{product}", line=50)
            reasons = (UpstreamMade(address=f"scene/{product}"),) if number <= 5 else ()
            nodes.append((banner, State.FREE if number <= 5 else State.CACHED, reasons))
    return made(nodes)
