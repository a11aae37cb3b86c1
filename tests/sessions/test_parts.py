"""A build of some of the pictures, a manifest in several files, and the graph of a real project."""

import json
import xml.etree.ElementTree as ET

import pytest

from tests.sessions.conftest import Account, manifest
from tests.support.workspace import Workspace

LAMPS = manifest(
    "hero: {prompt: A lamp}",
    "card: {prompt: 'On a card, {{ refs.hero }}', references: {hero: hero}}",
    "small: {from: card, steps: [{resize: 64x64}, {convert: png}]}",
    head="include: [{file: shared/rooms.yaml, frozen: true}]\n",
)
ROOMS = "images:\n  room: {matrix: {n: [a, b]}, prompt: 'Room {{ n }}'}\n"


@pytest.fixture
def lamps(workspace: Workspace) -> Workspace:
    workspace.write("seedpipe.yaml", LAMPS)
    workspace.write("shared/rooms.yaml", ROOMS)
    return workspace


def test_what_is_excluded_stays_and_a_changed_upstream_may_be_kept_from_cascading(
    lamps: Workspace, account: Account
) -> None:
    assert lamps.run("build", "--exclude", "card", "--exclude", "small", "--exclude", "room/a").code == 0
    assert sorted(account.prompts) == ["A lamp", "Room b"]
    assert lamps.run("build").code == 0
    assert len(account.prompts) == 4
    lamps.edit("seedpipe.yaml", "A lamp", "A tall lamp")
    lamps.edit("shared/rooms.yaml", "Room", "Empty room")
    ran = lamps.run("build", "--no-cascade", "--exclude", "room")
    assert ran.code == 0, ran.err
    assert account.prompts[4:] == ["A tall lamp"]
    assert lamps.plan() == {
        "hero": "cached",
        "card": "make",
        "small": "free",
        "room/a": "make",
        "room/b": "make",
    }
    assert lamps.run("build", "card").code == 0
    assert account.prompts[5:] == ["On a card, image 1"]
    assert (lamps.folder / "shared/rooms.yaml").read_text(encoding="utf-8") == ROOMS.replace("Room", "Empty room")
    ran = lamps.run("build", "--exclude", "card/x")
    assert ran.code == 2
    assert "names no picture of this project" in ran.err


def test_fail_fast_starts_nothing_after_the_first_failure(lamps: Workspace, account: Account) -> None:
    lamps.write("shared/rooms.yaml", ROOMS.replace("[a, b]", "[a, b, c, d, e, f, g, h]"))
    account.faults({"do": "refuse", "code": "InvalidParameter"})
    ran = lamps.run("build", "--fail-fast", "-j", "1")
    assert ran.code == 1
    assert len(account.prompts) == 1
    assert "not begun" in ran.err
    assert lamps.run("build", "-j", "1").code == 1
    assert len(account.prompts) == 9, "without it the independent ones go on, and the refused one is not sent again"


def test_the_graph_in_every_format(lamps: Workspace) -> None:
    edges = {("hero", "card"), ("card", "small")}
    text = lamps.run("graph").out
    assert [line.split()[-1] for line in text.splitlines() if "card" in line]
    mermaid = lamps.run("graph", "--format", "mermaid").out
    assert mermaid.startswith(("graph", "flowchart"))
    assert mermaid.count("-->") == len(edges)
    dot = lamps.run("graph", "--format", "dot").out
    assert dot.startswith("digraph")
    assert dot.count("->") == len(edges)
    svg = ET.fromstring(lamps.run("graph", "--format", "svg").out)
    assert svg.tag.endswith("svg")
    drawn = "".join(svg.itertext())
    assert all(name in drawn for name in ("hero", "card", "small"))
    data = json.loads(lamps.run("graph", "--format", "json").out)
    assert {(edge["from"], edge["to"]) for edge in data["edges"]} == edges
