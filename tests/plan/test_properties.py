"""What holds of every plan: its money adds up, it is the same twice, and it leaves nothing to buy once it is done."""

import json
from dataclasses import dataclass

import jsonschema
from hypothesis import given, settings
from hypothesis import strategies as st

from seedpipe.plan.plan import Plan, State, without_purchases
from seedpipe.plan.saved import plan_document
from seedpipe.plan.schema import plan_schema
from tests.plan.project import INVALID, MODERATED, UNANSWERED, Project

SCHEMA = jsonschema.Draft202012Validator(plan_schema())


@dataclass(frozen=True)
class Drawn:
    """One node of a drawn manifest: made from some of those before it."""

    kind: str  # source | url | image | derived
    made_from: tuple[int, ...]
    words: int
    takes: int
    size: str


@st.composite
def graphs(draw: st.DrawFn) -> list[Drawn]:
    nodes: list[Drawn] = []
    for number in range(draw(st.integers(1, 8))):
        before = st.lists(st.integers(0, number - 1), max_size=3, unique=True) if number else st.just([])
        kind = draw(
            st.sampled_from(["source", "url", "image", "image", "image", "derived"] if number else ["source", "image"])
        )
        made_from = draw(before) if kind == "image" else []
        if kind == "derived":
            made_from = [draw(st.integers(0, number - 1))]
        nodes.append(
            Drawn(
                kind=kind,
                made_from=tuple(made_from),
                words=draw(st.integers(0, 2)),  # few, so that equal requests are drawn often
                takes=draw(st.sampled_from([1, 1, 1, 2, 3])),
                size=draw(st.sampled_from(["2K", "4K", "2560x1440"])),
            )
        )
    return nodes


def written(nodes: list[Drawn], project: Project) -> Project:
    lines = []
    for number, node in enumerate(nodes):
        match node.kind:
            case "source":
                project.write(f"art/{number}.png", f"picture {node.words}")
                lines.append(f"n{number}: {{file: art/{number}.png}}")
            case "url":
                lines.append(f"n{number}: {{url: 'https://example.com/{node.words % 5}.png?version={node.words}'}}")
            case "derived":
                lines.append(f"n{number}: {{from: n{node.made_from[0]}, steps: [{{resize: {node.words + 1}00x100}}]}}")
            case _:
                references = ", ".join(f"n{other}" for other in node.made_from)
                lines.append(
                    f"n{number}: {{prompt: Words {node.words}, size: {node.size}, takes: {node.takes},"
                    f" references: [{references}]}}"
                )
    return project.images("\n".join(lines))


EDITS = st.lists(
    st.tuples(
        st.sampled_from(
            [
                "approve",
                "pin",
                "lose",
                "paint over",
                "refuse",
                "moderate",
                "no answer",
                "other words",
                "more takes",
                "output gone",
            ]
        ),
        st.integers(0, 7),
    ),
    max_size=6,
)


def happen(project: Project, nodes: list[Drawn], what: str, number: int) -> list[Drawn]:
    """One thing that happens to node `number` after a build. Returns the nodes as the manifest then has them."""
    if number >= len(nodes):
        return nodes
    node, address = nodes[number], f"n{number}"
    has_picture = project.lock.image(address) is not None
    if what == "approve" and has_picture:
        project.approve(address)
    elif what == "pin" and has_picture:
        project.pin(address)
    elif what == "lose" and has_picture:
        project.lose(address)
    elif what == "paint over" and node.kind in ("image", "derived"):
        project.paint_over(address)
    elif what == "output gone" and node.kind in ("image", "derived"):
        project.memory.outputs.pop(f"{address}.jpg", None)
    elif what == "other words":
        nodes = [
            *nodes[:number],
            Drawn(node.kind, node.made_from, node.words + 5, node.takes, node.size),
            *nodes[number + 1 :],
        ]
        written(nodes, project)
    elif what == "more takes":
        nodes = [
            *nodes[:number],
            Drawn(node.kind, node.made_from, node.words, node.takes + 1, node.size),
            *nodes[number + 1 :],
        ]
        written(nodes, project)
    elif what in ("refuse", "moderate", "no answer"):
        key = project.plan().nodes[address].key
        if key is not None and what == "no answer":
            project.memory.open_requests[key] = UNANSWERED
        elif key is not None:
            project.memory.refusals[key] = INVALID if what == "refuse" else MODERATED
    return nodes


def check(plan: Plan) -> None:
    """What any plan keeps to, whatever happened before."""
    total = plan.cost
    assert total.low <= total.expected <= total.high
    for amount in ("low", "expected", "high"):
        micros = [getattr(node.cost, amount).micros for node in plan.nodes.values()]
        assert getattr(total, amount).micros == sum(micros)
    for node in plan.nodes.values():
        assert node.cost.low <= node.cost.expected <= node.cost.high
        assert bool(node.pictures) == node.state.buys == bool(node.cost.high)
        if node.state.needs_a_person and node.writes:
            assert node.taken is not None, f"{node.address} is {node.state}, has no picture and is yet written"
        if node.state not in (State.CACHED, State.FETCH):
            assert node.reasons, f"{node.address} is {node.state} and nobody says why"
        upstream = [plan.nodes[name].state for name in node.made_from if name in plan.nodes]
        if node.state in (State.FOLLOWS, State.MAY):
            assert any(state.buys or state in (State.SAME, State.FREE, State.FETCH) for state in upstream)
    loaded = json.loads(json.dumps(plan_document(plan)))
    assert not list(SCHEMA.iter_errors(loaded))
    assert loaded["pictures"] == sum(node.get("pictures", 0) for node in loaded["nodes"]) == plan.pictures
    assert loaded["cost"]["high"] == str(plan.cost.high)
    assert sum(loaded["counts"].values()) == len(plan.nodes)
    assert not any(node.state.buys for node in without_purchases(plan).nodes.values())


@settings(max_examples=80, deadline=None)
@given(graphs())
def test_a_plan_that_is_done_leaves_nothing_to_buy_or_to_write(nodes: list[Drawn]) -> None:
    project = written(nodes, Project())
    plan = project.plan()
    check(plan)
    assert plan == project.plan(), "a plan made twice is the same"
    project.build()
    assert project.bought == plan.pictures, "the plan named just what it took"
    after = project.plan()
    check(after)
    assert after.pictures == 0
    assert not after.has_changes
    assert {node.state for node in after.nodes.values()} <= {State.CACHED}


@settings(max_examples=80, deadline=None)
@given(graphs(), EDITS)
def test_whatever_happens_a_plan_keeps_to_its_word(nodes: list[Drawn], edits: list[tuple[str, int]]) -> None:
    project = written(nodes, Project())
    project.build()
    for what, number in edits:
        nodes = happen(project, nodes, what, number)
    before, entries = project.bought, dict(project.lock.entries)
    plan = project.plan()
    check(plan)
    assert plan == project.plan()
    project.build()
    assert project.bought - before <= plan.pictures
    for address, node in plan.nodes.items():
        entry, now = project.lock.image(address), entries.get(address)
        if now is None or entry is None or node.kind != "image":
            continue
        if node.state is State.PINNED or node.state.needs_a_person:
            assert entry == now, f"{address} is {node.state} and its choice was displaced"
    again = project.plan()
    check(again)
    assert again.pictures == 0, "what was to be bought was bought"


@settings(max_examples=80, deadline=None)
@given(
    nodes=graphs(),
    edits=EDITS,
    target=st.sampled_from([(), ("n0",), ("+n1",), ("n0+",), ("n2", "n3"), ("**",)]),
    exclude=st.sampled_from([(), (), ("n0",), ("n1", "n4")]),
    cascade=st.booleans(),
)
def test_choices_are_displaced_only_as_the_rules_say(
    nodes: list[Drawn], edits: list[tuple[str, int]], target: tuple[str, ...], exclude: tuple[str, ...], cascade: bool
) -> None:
    project = written(nodes, Project())
    project.build()
    for what, number in edits:
        nodes = happen(project, nodes, what, number)
    there = {f"n{number}" for number in range(len(nodes))}
    targets = [name for name in target if name.strip("+") in {*there, "**"}]
    left_out = [name for name in exclude if name in there]
    plan = project.plan(*targets, exclude=left_out, cascade=cascade)
    check(plan)
    for address, node in plan.nodes.items():
        entry = project.lock.image(address)
        assert not (address in left_out and node.state.buys)
        if entry is None or not node.state.buys or node.key == entry.want:
            continue
        assert entry.level != "pinned"
        if entry.level == "approved":
            assert node.reasons[0].code == "replaces-approved"
            own = {"prompt-changed", "field-changed", "references-changed"}
            by_name = address in targets or "**" in targets or address in {name.strip("+") for name in targets}
            assert by_name or own & {reason.code for reason in node.reasons}, "displaced by cascade alone"
    before = project.bought
    project.build(*targets, exclude=left_out, cascade=cascade)
    assert project.bought - before <= plan.pictures
    again = project.plan(*targets, exclude=left_out, cascade=cascade)
    if not any(
        node.state is State.MISSING for node in plan.nodes.values()
    ):  # whose bytes another's output may bring back
        assert again.pictures == 0
