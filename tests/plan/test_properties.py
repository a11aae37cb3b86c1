"""What holds of every plan: its money adds up, it is the same twice, and it leaves nothing to buy once it is done."""

import json
from dataclasses import dataclass, replace
from typing import Any

import jsonschema
from hypothesis import given, settings
from hypothesis import strategies as st

from seedpipe.manifest.node import ImageNode
from seedpipe.plan.choices import Candidate, picked
from seedpipe.plan.memory import Waiting
from seedpipe.plan.plan import Plan, PlanNode, State, without_purchases
from seedpipe.plan.present import present_want
from seedpipe.plan.reasons import ReferenceChanged
from seedpipe.plan.saved import plan_document
from seedpipe.plan.schema import plan_schema
from seedpipe.state.lock import ImageEntry
from seedpipe.state.requests import Short
from tests.plan.project import INVALID, MODERATED, UNANSWERED, Project

SCHEMA = jsonschema.Draft202012Validator(plan_schema())


@dataclass(frozen=True)
class Drawn:
    """One entry of a drawn manifest: made from some of those before it."""

    kind: str  # source | url | image | derived | sequence | counted
    made_from: tuple[int, ...]
    words: int
    takes: int
    size: str
    frames: tuple[tuple[str, int], ...] = ()  # of a sequence: id and words of each
    looks: tuple[tuple[str, int], ...] = ()  # of an image: name and value of a var of each
    other: int | None = None  # what looks of odd value are made from instead
    by_glob: bool = False  # of counted sequences all that came
    comes: int = 3  # of a counted sequence: how many the service makes

    @property
    def is_sequence(self) -> bool:
        return self.kind in ("sequence", "counted")

    def address(self, number: int, which: int = 0) -> str:
        """Its address as entry `number`; of a sequence that of one of its frames."""
        if not self.is_sequence:
            return f"n{number}"
        return f"n{number}#{sorted(self.frames)[which % len(self.frames)][0]}"


LOOKS = st.just(()) | st.lists(
    st.tuples(st.sampled_from("pqr"), st.integers(0, 3)), min_size=1, max_size=3, unique_by=lambda look: look[0]
).map(tuple)  # values that are drawn twice are one look


@st.composite
def graphs(draw: st.DrawFn) -> list[Drawn]:
    nodes: list[Drawn] = []
    for number in range(draw(st.integers(1, 8))):
        before = st.lists(st.integers(0, number - 1), max_size=3, unique=True) if number else st.just([])
        kind = draw(
            st.sampled_from(
                ["source", "url", "image", "image", "image", "derived", "sequence", "sequence", "counted"]
                if number
                else ["source", "image", "sequence"]
            )
        )
        made_from = draw(before) if kind in ("image", "sequence", "counted") else []
        ids = (
            draw(st.sampled_from(["a", "ab", "abc", "dbca"]))
            if kind == "sequence"
            else "123"
            if kind == "counted"
            else ""
        )
        if kind == "derived":
            made_from = [draw(st.integers(0, number - 1))]
        nodes.append(
            Drawn(
                kind=kind,
                made_from=tuple(made_from),
                words=draw(st.integers(0, 2)),  # few, so that equal requests are drawn often
                takes=draw(st.sampled_from([1, 1, 1, 2, 3])),
                size=draw(st.sampled_from(["2K", "4K", "2560x1440"])),
                frames=tuple((id_, draw(st.integers(0, 2))) for id_ in ids),
                looks=draw(LOOKS) if kind == "image" else (),
                other=draw(st.none() | st.integers(0, number - 1)) if number else None,
                by_glob=draw(st.booleans()),
                comes=draw(st.sampled_from([1, 2, 3])),
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
                above = nodes[node.made_from[0]].address(node.made_from[0], number)
                lines.append(f"n{number}: {{from: '{above}', steps: [{{resize: {node.words + 1}00x100}}]}}")
            case _:
                references = ", ".join(f"'{_reference(nodes, number, other)}'" for other in node.made_from)
                lines.append(
                    f"n{number}: {{prompt: 'Words {node.words}{{{{ w }}}}{_images(node)}', size: {node.size},"
                    f" references: [{references}], {_how_many(node)}}}"
                )
    project.images("\n".join(lines))
    return project.write("seedpipe.yaml", project.files.texts["seedpipe.yaml"] + "vars: {w: '', odd: false}\n")


def _reference(nodes: list[Drawn], number: int, other: int) -> str:
    """The first reference of a node may be another one in some of its looks."""
    node, address = nodes[number], nodes[other].address(other, number)
    if node.by_glob and nodes[other].kind == "counted":
        return f"n{other}#*"
    if not node.looks or node.other is None or other != node.made_from[0]:
        return address
    return f"{{% if odd %}}{nodes[node.other].address(node.other, number)}{{% else %}}{address}{{% endif %}}"


def _images(node: Drawn) -> str:
    """Words that are other ones with fewer pictures."""
    return " of {% for one in refs %}{{ refs[one] }} {% endfor %}" if node.by_glob else ""


def come_short(nodes: list[Drawn], project: Project) -> None:
    """The service makes no more than this from now on."""
    project.comes = {f"n{number}": node.comes for number, node in enumerate(nodes) if node.kind == "counted"}


def _how_many(node: Drawn) -> str:
    if node.kind == "counted":
        return f"sequence: {{max_images: {len(node.frames)}}}"
    if node.kind == "sequence":
        frames = ", ".join(f"{{id: {id_}, prompt: Frame {words}}}" for id_, words in node.frames)
        return f"sequence: {{frames: [{frames}]}}"
    values = ", ".join(
        f"{name}: {{w: '{value or ''}', odd: {str(value % 2 == 1).lower()}}}" for name, value in node.looks
    )
    return f"takes: {node.takes}" + (f", looks: {{{values}}}" if values else "")


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
                "words back",
                "other words, paid for",
                "more takes",
                "output gone",
                "frame words",
                "new frame",
                "move frames",
                "pick a look",
                "other look",
                "new look",
                "rename look",
                "fewer looks",
                "came short",
                "comes otherwise",
                "paid and waits",
            ]
        ),
        st.integers(0, 7),
    ),
    max_size=6,
)


def happen(project: Project, nodes: list[Drawn], what: str, number: int) -> list[Drawn]:
    """One thing that happens to node `number` (of those there are) after a build. Returns the nodes as the manifest then has them."""
    number %= len(nodes)
    node = nodes[number]
    address = node.address(number, number)
    before_renaming = project.plan().pictures if what == "rename look" else 0
    has_picture = project.lock.image(address) is not None
    if what == "approve" and has_picture:
        project.approve(address)
    elif what == "pin" and has_picture:
        project.pin(address)
    elif what == "lose" and has_picture:
        project.lose(address)
    elif what == "paint over" and node.kind not in ("source", "url"):
        project.paint_over(address)
    elif what == "output gone" and node.kind not in ("source", "url"):
        project.memory.outputs.pop(project.plan().nodes[address].output or "", None)
    elif what == "other words":
        nodes = _with(nodes, number, project, words=node.words + 5)
    elif what == "words back" and node.words >= 5:
        nodes = _with(nodes, number, project, words=node.words - 5)
    elif what == "other words, paid for":
        nodes = _with(nodes, number, project, words=node.words + 5)
        _waits(project, address)
    elif what == "more takes":
        nodes = _with(nodes, number, project, takes=node.takes + 1)
    elif what == "frame words" and node.kind == "sequence":
        (id_, words), *others = node.frames
        nodes = _with(nodes, number, project, frames=((id_, words + 7), *others))
    elif what == "new frame" and node.kind == "sequence" and len(node.frames) < 6:
        frames = (*node.frames[:1], (f"x{len(node.frames)}", number), *node.frames[1:])
        nodes = _with(nodes, number, project, frames=frames)
    elif what == "move frames" and node.kind == "sequence":
        before = project.plan().pictures
        nodes = _with(nodes, number, project, frames=(*node.frames[1:], node.frames[0]))
        assert project.plan().pictures == before, "a frame's place is in no key"
    elif what == "pick a look" and has_picture:
        pick_a_look(project, address, number)
    elif what == "other look" and node.looks:
        (name, value), *others = node.looks
        nodes = _with(nodes, number, project, looks=(*others, (name, value + 4)))
    elif what == "new look" and node.kind == "image" and len(node.looks) < 4:
        nodes = _with(nodes, number, project, looks=(("x", 7), *(look for look in node.looks if look[0] != "x")))
    elif what == "rename look" and node.looks:
        nodes = _with(nodes, number, project, looks=tuple((f"{name}n", value) for name, value in node.looks))
        assert project.plan().pictures == before_renaming, "a look's name is in no key"
    elif what == "fewer looks" and node.looks:
        nodes = _with(nodes, number, project, looks=node.looks[1:])
    elif what == "came short" and node.is_sequence and has_picture:
        key = project.entry(address).want
        project.lock = replace(project.lock, entries={
            name: entry for name, entry in project.lock.entries.items() if name != address
        })  # fmt: skip
        if not any(entry.want == key for entry in project.lock.entries.values() if isinstance(entry, ImageEntry)):
            project.memory.pool.pop(key, None)
            project.memory.short[key] = Short(came=len(node.frames) - 1, asked=len(node.frames), code="", message="")
    elif what == "comes otherwise" and node.kind == "counted":
        nodes = _with(nodes, number, project, comes=node.comes % 3 + 1)
        come_short(nodes, project)
    elif what == "paid and waits":
        _waits(project, address)
    elif what in ("refuse", "moderate", "no answer"):
        planned = project.plan().nodes[address]
        keys = [look.key for look in planned.looks] or [planned.key]
        key = keys[len(nodes) % len(keys)]
        if key is not None and what == "no answer":
            project.memory.open_requests[key] = UNANSWERED
        elif key is not None:
            project.memory.refusals[key] = INVALID if what == "refuse" else MODERATED
    return nodes


def _waits(project: Project, address: str) -> None:
    """What it asks for is paid, and still at the provider."""
    key = project.plan().nodes[address].key
    if key is not None:
        project.memory.paid_for[key] = Waiting(until="2026-11-24 21:04 UTC", cost="0.04 USD")


def pick_a_look(project: Project, address: str, which: int) -> None:
    """As a person would: the take of another look is the choice, as that look."""
    planned, entry, graph, resolver = (
        project.plan().nodes[address],
        project.entry(address),
        project.graph(),
        project.resolver(),
    )
    node = graph[address]
    found = [look for look in planned.looks if look.key in entry.also]
    if not found or not isinstance(node, ImageNode):
        return
    present = present_want(node, project.plan(), graph, resolver)
    chosen = present.named(found[which % len(found)].name)
    assert chosen.want is not None
    take = entry.also[chosen.want][0]
    made = replace(entry.made, request=chosen.want)
    picture = Candidate(digest=take, made=made, want=chosen.want)
    after = picked(entry, chosen, picture, pool=project.memory.takes(chosen.want))
    project.lock = replace(project.lock, entries={**project.lock.entries, address: after})


def _with(nodes: list[Drawn], number: int, project: Project, **changes: Any) -> list[Drawn]:
    """The manifest written again with entry `number` changed."""
    changed = [*nodes[:number], replace(nodes[number], **changes), *nodes[number + 1 :]]
    written(changed, project)
    return changed


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
        if node.looks:
            assert node.look in [look.name for look in node.looks]
            assert sum(look.pictures for look in node.looks) == node.pictures
            assert sum(look.cost.high.micros for look in node.looks) == node.cost.high.micros
        if node.state.needs_a_person and node.writes:
            assert node.taken is not None, f"{node.address} is {node.state}, has no picture and is yet written"
        if node.state not in (State.CACHED, State.FETCH):
            assert node.reasons, f"{node.address} is {node.state} and nobody says why"
        upstream = [plan.nodes[name].state for name in node.made_from if name in plan.nodes]
        if node.state in (State.FOLLOWS, State.MAY):
            assert any(state.buys or state in (State.SAME, State.FREE, State.FETCH) for state in upstream)
    _check_frames(plan)
    loaded = json.loads(json.dumps(plan_document(plan)))
    assert not list(SCHEMA.iter_errors(loaded))
    assert loaded["pictures"] == sum(node.get("pictures", 0) for node in loaded["nodes"]) == plan.pictures
    assert loaded["cost"]["high"] == str(plan.cost.high)
    assert sum(loaded["counts"].values()) == len(plan.nodes)
    assert not any(node.state.buys for node in without_purchases(plan).nodes.values())


def _check_frames(plan: Plan) -> None:
    """Bought by one request, or alone beside pictures that are there."""
    batches: dict[str, list[PlanNode]] = {}
    for node in plan.nodes.values():
        assert node.kind == "frame" or (node.batch is None and not node.beside and node.state is not State.PARTIAL)
        if node.batch is not None:
            assert node.state.buys and not node.beside
            batches.setdefault(node.batch, []).append(node)
        for address, picture in node.beside:
            assert address.partition("#")[0] == node.address.partition("#")[0] and address != node.address
            shown = plan.nodes.get(address, node)
            is_replaced = shown is not node and (shown.state.buys or shown.state is State.SAME)
            assert not is_replaced or shown.taken == picture, "it is shown what is replaced"
    for together in batches.values():
        assert len({node.address.partition("#")[0] for node in together}) == 1
        assert len(together) + len(set(together[0].made_from)) <= 15


@settings(max_examples=50, deadline=None)
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


@settings(max_examples=50, deadline=None)
@given(graphs())
def test_a_build_that_came_short_leaves_nothing_to_buy_either(nodes: list[Drawn]) -> None:
    """What needs one that did not come is blocked; what means those that came is made from them, by whoever names it."""
    project = written(nodes, Project())
    come_short(nodes, project)
    plan = project.plan()
    project.build()
    assert plan.cost.low.micros <= project.spent <= plan.cost.high.micros
    after = project.plan()
    check(after)
    assert after.pictures == 0
    assert not after.has_changes
    assert {node.state for node in after.nodes.values()} <= {State.CACHED, State.BLOCKED}
    for number, node in enumerate(nodes):
        alone = project.plan(f"n{number}")
        assert alone.pictures == 0, "whoever names it alone finds what it is made from just so"
        if node.by_glob and node.kind == "image" and not node.looks:
            assert alone.nodes[f"n{number}"].key == after.nodes[f"n{number}"].key


@settings(max_examples=50, deadline=None)
@given(graphs(), EDITS)
def test_whatever_happens_a_plan_keeps_to_its_word(nodes: list[Drawn], edits: list[tuple[str, int]]) -> None:
    project = written(nodes, Project())
    come_short(nodes, project)
    project.build()
    for what, number in edits:
        nodes = happen(project, nodes, what, number)
    before, entries = project.bought, dict(project.lock.entries)
    spent = project.spent
    plan = project.plan()
    check(plan)
    assert plan == project.plan()
    project.build()
    assert project.bought - before <= plan.pictures
    assert plan.cost.low.micros <= project.spent - spent <= plan.cost.high.micros
    for address, node in plan.nodes.items():
        entry, now = project.lock.image(address), entries.get(address)
        if now is None or entry is None or node.kind not in ("image", "frame"):
            continue
        if node.state is State.PINNED or node.state.needs_a_person:
            assert entry == now, f"{address} is {node.state} and its choice was displaced"
    again = project.plan()
    check(again)
    assert again.pictures == 0, "what was to be bought was bought"


@settings(max_examples=50, deadline=None)
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
    come_short(nodes, project)
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
        entry_name = address.partition("#")[0]
        assert not (entry_name in left_out and node.state.buys)
        if entry is None or not node.state.buys or node.key == entry.want:
            continue
        assert entry.level != "pinned"
        if entry.level == "approved":
            assert node.reasons[0].code == "replaces-approved"
            own = {"prompt-changed", "shared-words-changed", "field-changed", "references-changed"}
            by_name = entry_name in targets or "**" in targets or entry_name in {name.strip("+") for name in targets}
            sources = {name for name, one in plan.nodes.items() if one.kind == "source"}
            by_itself = [
                reason
                for reason in node.reasons
                if reason.code in own or (isinstance(reason, ReferenceChanged) and reason.address in sources)
            ]
            assert by_name or by_itself, "displaced by cascade alone"
    before = project.bought
    project.build(*targets, exclude=left_out, cascade=cascade)
    assert project.bought - before <= plan.pictures
    again = project.plan(*targets, exclude=left_out, cascade=cascade)
    assert again.pictures == 0
