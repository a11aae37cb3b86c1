"""The graph as text, Mermaid, Graphviz, JSON and a drawing."""

import json
import re
import shutil
import subprocess
import time
import xml.etree.ElementTree as ET
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedpipe.display import COLORED, display_width, without_colors
from seedpipe.manifest.node import ImageNode
from seedpipe.plan.graph import Graph, link
from seedpipe.plan.plan import Plan, State
from seedpipe.plan.reasons import PromptChanged
from seedpipe.review.folding import fold
from seedpipe.review.graph_svg import graph_svg
from seedpipe.review.graphs import graph_dot, graph_json, graph_mermaid, graph_text
from seedpipe.review.layered import HEIGHT, lay_out
from tests.review.goldens import check
from tests.review.plans import derived, image, lumen, made, many, plan_of, planned, source, troubled

GRAPHS = {"lumen": lumen, "troubled": troubled, "many": many}
SVG = "{http://www.w3.org/2000/svg}"


def empty() -> tuple[Graph, Plan]:
    return link([]), plan_of([])


@pytest.mark.parametrize("name", GRAPHS)
def test_text(name: str) -> None:
    graph, plan = GRAPHS[name]()
    text = graph_text(graph, plan)
    check(f"graph-{name}.txt", text)
    assert max(map(display_width, text.split("\n"))) <= 80
    assert without_colors(graph_text(graph, plan, style=COLORED)) == text


def test_text_without_a_plan_and_without_nodes() -> None:
    graph, _ = lumen()
    assert graph_text(graph, None).split("\n")[:2] == [
        "logo                         source",
        "└─ hero                      image",
    ]
    assert graph_text(*empty()) == "the manifest names no pictures yet"


def test_text_of_a_deep_chain_needs_no_stack() -> None:
    nodes = [(image(f"a{number}", [f"a{number - 1}"] if number else []), State.MAKE, ()) for number in range(3000)]
    text = graph_text(*made(nodes))
    assert len(text.split("\n")) == 3000
    assert "a2999" in text.split("\n")[-1]
    assert max(map(display_width, text.split("\n"))) <= 80


def test_only_what_is_planned_is_drawn() -> None:
    graph, plan = lumen()
    part = plan_of([plan.nodes["hero"]])
    assert graph_json(graph, part)["edges"] == []
    assert graph_text(graph, part) == "hero  image  make  0.04"
    assert "logo" not in graph_mermaid(graph, part) + graph_dot(graph, part) + graph_svg(graph, part)


@pytest.mark.parametrize("name", GRAPHS)
def test_mermaid_is_a_flowchart(name: str) -> None:
    graph, plan = GRAPHS[name]()
    lines = graph_mermaid(graph, plan).rstrip("\n").split("\n")
    assert lines[0] == "flowchart LR"
    nodes, edges, classes = set(), [], set()
    for line in lines[1:]:
        if match := re.fullmatch(r'  (n\d+)(?:\["[^"]+"\]|\[/"[^"]+"/\]|\(\["[^"]+"\]\)):::([a-z]+)', line):
            nodes.add(match[1])
            classes.add(match[2])
        elif match := re.fullmatch(r"  (n\d+) --> (n\d+)", line):
            edges.append((match[1], match[2]))
        else:
            match = re.fullmatch(r"  classDef ([a-z]+) fill:#\w{6},stroke:#\w{6},color:#\w{6}", line)
            assert match, line
            classes.remove(match[1])
    assert not classes
    assert {end for edge in edges for end in edge} <= nodes


def test_mermaid_folds_what_hangs_together_alike() -> None:
    text = graph_mermaid(*many())
    assert "banner/LUM-01/#42; ×18<br/>free" in text
    assert text.count("banner/") == 15


@pytest.mark.parametrize("name", GRAPHS)
def test_dot_is_understood_by_graphviz(name: str) -> None:
    graph, plan = GRAPHS[name]()
    text = graph_dot(graph, plan)
    statement = r'  "(?:[^"\\]|\\.)*"(?: -> "(?:[^"\\]|\\.)*"| \[(?:\w+=(?:\w+|"(?:[^"\\]|\\.)*")(?:, )?)+\]);'
    lines = text.rstrip("\n").split("\n")
    assert (lines[0], lines[-1]) == ("digraph seedpipe {", "}")
    assert all(re.fullmatch(statement, line) for line in lines[4:-1])
    assert sum("shape=" in line for line in lines) == len(graph)
    if shutil.which("dot"):
        subprocess.run(["dot", "-Tplain"], input=text.encode(), check=True, stdout=subprocess.DEVNULL)


def test_json_names_every_node_and_edge() -> None:
    graph, plan = lumen()
    document = graph_json(graph, plan)
    assert json.loads(json.dumps(document)) == document
    assert document["seedpipe_graph"] == 1
    assert [node["address"] for node in document["nodes"]] == list(graph.addresses)
    assert {"from": "hero", "to": "scene/LUM-01/16:9", "image": 2} in document["edges"]
    assert {"from": "scene/LUM-01/16:9", "to": "banner/LUM-01/ja"} in document["edges"]


@pytest.mark.parametrize("name", [*GRAPHS, "empty"])
def test_svg_is_whole_and_within_its_frame(name: str) -> None:
    graph, plan = {**GRAPHS, "empty": empty}[name]()
    root = ET.fromstring(graph_svg(graph, plan))
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    assert root.attrib["viewBox"] == f"0 0 {width:.0f} {height:.0f}"
    assert {element.tag.removeprefix(SVG) for element in root.iter()} <= {
        "svg", "title", "style", "defs", "marker", "path", "rect", "text", "g",
    }  # fmt: skip
    for text in root.iter(f"{SVG}text"):
        assert 0 <= float(text.attrib["x"]) <= width
        assert 0 <= float(text.attrib["y"]) <= height
    drawing = ET.tostring(root, encoding="unicode")
    assert "prefers-color-scheme:dark" in drawing
    for address in graph.addresses if name != "many" else ["hero", "logo"]:
        assert f">{address}<" in drawing


def test_svg_of_words_of_a_stranger() -> None:
    words = "</title><script>alert(1)</script>&\x00\x1b\ud800\uffff"
    plan = plan_of([planned(image("hero", prompt=words), State.MAKE, PromptChanged(old="x", new=words))])
    text = graph_svg(link([image("hero", prompt=words)]), plan)
    ET.fromstring(text.encode())
    assert "<script" not in text


def test_svg_folds_and_shows_how_a_box_is_shared() -> None:
    text = graph_svg(*many(40, 10))
    assert ">scene/* ×40<" in text
    assert ">5 make, 35 cached · 0.20<" in text
    assert text.count('class="bar ') == 4


def test_svg_is_the_same_every_time() -> None:
    assert graph_svg(*lumen()) == graph_svg(*lumen())


def test_a_great_graph_is_drawn_soon() -> None:
    graph, plan = many(100, 80)
    begin = time.monotonic()
    assert len(graph_svg(graph, plan)) < 20_000
    assert len(graph_text(graph, plan).split("\n")) <= 40
    assert time.monotonic() - begin < 5


EDGES = st.lists(st.tuples(st.integers(0, 24), st.integers(0, 24)), max_size=60).map(
    lambda pairs: sorted({(min(pair), max(pair)) for pair in pairs if pair[0] != pair[1]})
)


@given(EDGES)
def test_layout_boxes_never_overlap_and_edges_run_to_the_right(edges: list[tuple[int, int]]) -> None:
    layout = lay_out(25, edges)
    assert sorted(place for layer in layout.layers for place in layer) == list(range(len(layout.items)))
    for layer in layout.layers:
        for upper, lower in pairwise(layer):
            first, second = layout.items[upper], layout.items[lower]
            assert second.y - second.height / 2 >= first.y + first.height / 2 - 1e-6
    for (start, end), route in zip(edges, layout.routes, strict=True):
        assert (route[0], route[-1]) == (start, end)
        assert all(layout.items[b].layer == layout.items[a].layer + 1 for a, b in pairwise(route))
    assert all(item.y >= item.height / 2 - 1e-6 for item in layout.items)
    assert HEIGHT > 0


@given(EDGES, st.integers(0, 6), st.sampled_from([None, 0, 5]))
def test_folding_loses_nothing_and_makes_no_cycle(
    edges: list[tuple[int, int]], more_than: int, at_most: int | None
) -> None:
    nodes: list[ImageNode] = [
        image(f"{'abc'[number % 3]}/{number}", [f"{'abc'[start % 3]}/{start}" for start, end in edges if end == number])
        for number in range(25)
    ]
    graph = link(nodes)
    folded = fold(graph, None, more_than=more_than, at_most=at_most)
    assert sorted(address for box in folded.boxes for address in box.addresses) == sorted(graph.addresses)
    layout = lay_out(len(folded.boxes), folded.edges)
    assert all(layout.items[end].layer > layout.items[start].layer for start, end in folded.edges)
    where = {address: place for place, box in enumerate(folded.boxes) for address in box.addresses}
    for node in nodes:
        for up in graph.made_from(node.address):
            pair = (where[up], where[node.address])
            assert pair in folded.edges


def test_kinds_have_shapes() -> None:
    nodes = [(source("a"), State.CACHED, ()), (image("b", ["a"]), State.MAKE, ()), (derived("c", "b"), State.FREE, ())]
    assert "shape=note" in graph_dot(*made(nodes))
    assert graph_mermaid(*made(nodes)).split("\n")[1:4] == [
        '  n0[/"a<br/>cached"/]:::done',
        '  n1["b<br/>make · 0.04"]:::buy',
        '  n2(["c<br/>free"]):::free',
    ]
