"""A plan against the bill: whatever is drawn, edited, refused, cut or moderated, a real build keeps to its plan's word.

The real cost is what the emulator's ledger says was billed. It never passes the plan's high; it never falls below its
low where nothing failed, also where batches come short; nothing is sent that the plan does not name; and after a build
that brought everything the next one sends nothing.
"""

import re
import secrets
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from seedpipe.money import Money
from tests.sessions.conftest import Account
from tests.support.workspace import Service, Workspace

PRICE = Money.parse("0.03 USD")
_TOKEN = re.compile(r"\bn(\d+)(?:f(\d+))?\b")
HARMLESS = ({"do": "unavailable", "times": 1}, {"do": "json-for-stream"}, {"do": "previews"})
SHORT = {"do": "fewer"}
FAILING = (
    {"do": "moderate-output"},
    {"do": "moderate-input"},
    {"do": "refuse", "code": "InvalidParameter"},
    {"do": "drop-after-billing"},
    {"do": "drop-before-billing"},
    {"do": "truncated-body"},
    {"do": "cut-stream"},
    {"do": "item-error"},
    {"do": "gone"},
)


@dataclass(frozen=True)
class Node:
    """One entry of a drawn manifest: made from some before it. `frames` counts those of a sequence."""

    kind: str  # source | image | sequence | derived
    made_from: tuple[str, ...] = ()
    words: int = 0
    takes: int = 1
    frames: tuple[int, ...] = ()  # the words of each
    cascade: bool = True


@dataclass
class Drawn:
    """A project under way."""

    nodes: list[Node]
    sources: dict[int, int] = field(default_factory=dict)

    def write(self, workspace: Workspace) -> None:
        lines = []
        for number, node in enumerate(self.nodes):
            references = ", ".join(f'"{address}"' for address in node.made_from)
            cascade = "" if node.cascade else ", cascade: false"
            match node.kind:
                case "source":
                    picture = Image.new(
                        "RGB", (32, 32), (self.sources.get(number, 0) * 40 % 256, number * 30 % 256, 90)
                    )
                    picture.save(workspace.folder / f"s{number}.png")
                    lines.append(f"n{number}: {{file: s{number}.png}}")
                case "derived":
                    lines.append(f"n{number}: {{from: {references}, steps: [{{resize: {16 + node.words}x16}}]}}")
                case "sequence":
                    frames = ", ".join(
                        f"{{id: f{place}, prompt: n{number}f{place} w{words}}}"
                        for place, words in enumerate(node.frames)
                    )
                    lines.append(
                        f"n{number}: {{references: [{references}]{cascade}, sequence: {{frames: [{frames}]}}}}"
                    )
                case _:
                    lines.append(
                        f"n{number}: {{prompt: n{number} w{node.words}, references: [{references}],"
                        f" takes: {node.takes}{cascade}}}"
                    )
        manifest = "".join(f"  {line}\n" for line in lines)
        workspace.write(
            "seedpipe.yaml",
            f"seedpipe: 1\nproject: truth\ndefaults: {{model: seedream-4-0, size: 1K}}\nimages:\n{manifest}",
        )


@st.composite
def projects(draw: st.DrawFn) -> Drawn:
    nodes: list[Node] = []
    addresses: list[str] = []
    for number in range(draw(st.integers(1, 4))):
        kinds = ["image", "image", "sequence", "source"] + (["derived"] if addresses else [])
        kind = draw(st.sampled_from(kinds))
        above = draw(st.lists(st.sampled_from(addresses), max_size=2, unique=True)) if addresses else []
        if kind == "derived":
            above = [draw(st.sampled_from(addresses))]
        frames = tuple([0] * draw(st.integers(1, 4))) if kind == "sequence" else ()
        takes = draw(st.sampled_from([1, 1, 2]))
        nodes.append(Node(kind=kind, made_from=() if kind == "source" else tuple(above), takes=takes, frames=frames))
        addresses += [f"n{number}#f{place}" for place in range(len(frames))] or [f"n{number}"]
    return Drawn(nodes)


@dataclass(frozen=True)
class Round:
    """What happens before a build, what the service does in it, and whether its plan is saved first."""

    edits: tuple[tuple[str, int], ...]
    faults: tuple[dict[str, Any], ...]
    saved: bool


EDITS = st.lists(
    st.tuples(
        st.sampled_from(["words", "frame", "takes", "source", "approve", "pin", "unpin", "cascade", "output gone"]),
        st.integers(0, 3),
    ),
    max_size=3,
).map(tuple)


@st.composite
def rounds(draw: st.DrawFn) -> Round:
    faults = []
    for fault in draw(st.lists(st.sampled_from([*HARMLESS, SHORT, SHORT, *FAILING]), max_size=2)):
        match = draw(st.sampled_from(["n0", "n1", "n2", "n3", "w"]))
        count = {"fewer": {"count": draw(st.integers(1, 2))}, "cut-stream": {"count": 1, "after": 0}}
        index = {"index": draw(st.integers(0, 2))} if fault["do"] in ("moderate-output", "item-error") else {}
        faults.append({**fault, "match": match, **index, **count.get(str(fault["do"]), {})})
    return Round(edits=draw(EDITS), faults=tuple(faults), saved=draw(st.booleans()))


def edit(drawn: Drawn, workspace: Workspace, what: str, number: int) -> None:
    """One thing that a person does; nothing where it makes no sense."""
    if number >= len(drawn.nodes):
        return
    node = drawn.nodes[number]
    match what:
        case "words" if node.kind in ("image", "derived"):
            drawn.nodes[number] = replace(node, words=node.words + 1)
        case "frame" if node.frames:
            drawn.nodes[number] = replace(node, frames=(node.frames[0] + 1, *node.frames[1:]))
        case "takes" if node.kind == "image":
            drawn.nodes[number] = replace(node, takes=node.takes + 1)
        case "source" if node.kind == "source":
            drawn.sources[number] = drawn.sources.get(number, 0) + 1
        case "cascade" if node.kind in ("image", "sequence"):
            drawn.nodes[number] = replace(node, cascade=not node.cascade)
        case "approve" | "pin" | "unpin":
            workspace.run(what, f"n{number}", "--proof")
        case "output gone":
            for path in (workspace.folder / "build").rglob(f"n{number}*"):
                if path.is_file():
                    path.unlink()
    drawn.write(workspace)


def billed(requests: list[dict[str, Any]]) -> Money:
    return PRICE * sum(one["billed_images"] for one in requests)


def named(prompt: str) -> Iterator[str]:
    """The addresses whose own words a prompt holds."""
    for number, frame in _TOKEN.findall(prompt):
        yield f"n{number}#f{frame}" if frame else f"n{number}"


def play(workspace: Workspace, account: Account, drawn: Drawn, one: Round) -> None:
    for what, number in one.edits:
        edit(drawn, workspace, what, number)
    flags = ("--proof",)
    plan = workspace.run("plan", *flags, "--json", "-o", "p.json").json
    low, high = Money.parse(plan["cost"]["low"]), Money.parse(plan["cost"]["high"])
    bought = {node["address"] for node in plan["nodes"] if node["pictures"]}
    before = len(account.requests)
    account.faults(*one.faults)
    ran = workspace.run("build", *(("--plan", "p.json") if one.saved else ()))
    account.faults()
    sent = account.requests[before:]
    cost = billed(sent)
    assert ran.code in (0, 1, 5, 75), ran.err
    assert cost <= high, f"{cost} was billed, {high} at most was planned\n{ran.err}"
    assert sum(request["billed_images"] for request in sent) <= plan["pictures"]
    told = {address for request in sent for address in named(request["prompt"])}
    assert told <= bought, f"{told - bought} was sent and is not in the plan"
    if all(fault in HARMLESS or fault["do"] == "fewer" for fault in _plain(one.faults)):
        assert cost >= low, f"{cost} was billed, {low} at least was planned\n{ran.err}"
    waits = {node["state"] for node in plan["nodes"]} & {"unknown", "missing", "edited", "blocked", "failed"}
    if ran.code == 0 and not waits:  # a saved plan says nothing of what it has no work for
        after = workspace.run("plan", *flags, "--json").json
        assert after["pictures"] == 0, after
        assert not after["changes"]
        assert workspace.run("build").code == 0
        assert len(account.requests) == before + len(sent), "a second build sends nothing"


def _plain(faults: tuple[dict[str, Any], ...]) -> Iterator[dict[str, Any]]:
    for fault in faults:
        yield {name: value for name, value in fault.items() if name != "match"}


def check(running: Service, drawn: Drawn, happens: list[Round]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        account = Account(running, f"key-{secrets.token_hex(12)}")
        account.faults()
        workspace = Workspace(Path(folder) / "work", SEEDPIPE_HOME=str(Path(folder) / "home"), **account.environ)
        drawn.write(workspace)
        for one in happens:
            play(workspace, account, drawn, one)


QUIET = (HealthCheck.too_slow, HealthCheck.data_too_large)


@pytest.mark.timeout(300)
@settings(max_examples=5, deadline=None, suppress_health_check=QUIET)
@given(projects(), st.lists(rounds(), min_size=1, max_size=2))
def test_a_build_keeps_to_its_plan(running: Service, drawn: Drawn, happens: list[Round]) -> None:
    check(running, drawn, happens)


@pytest.mark.soak
@pytest.mark.timeout(3000)
@settings(max_examples=400, deadline=None, suppress_health_check=QUIET)
@given(projects(), st.lists(rounds(), min_size=1, max_size=4))
def test_many_builds_keep_to_their_plans(running: Service, drawn: Drawn, happens: list[Round]) -> None:
    check(running, drawn, happens)
