"""`graph` as text, Mermaid, Graphviz and JSON. Pure. The drawing stands in `graph_svg`."""

from collections.abc import Sequence
from typing import Any, Final

from seedpipe.display import PLAIN, Style, display_width, fit, fit_name, pad, pad_left
from seedpipe.plan.graph import Graph
from seedpipe.plan.plan import Plan, State
from seedpipe.review.folding import Box, chosen, fold, kind_of
from seedpipe.review.words import label, paint_state

GRAPH_FORMAT: Final = 1
_NOTHING: Final = "the manifest names no pictures yet"
_DEEPEST: Final = 30  # columns of indentation; what hangs deeper is not indented further
_FLAT_LINES: Final = 40  # a tree longer than this is folded harder

# Fill, border and text for each group of states, in a light and in a dark surrounding.
TONES: Final[dict[str, tuple[tuple[str, str, str], tuple[str, str, str]]]] = {
    "trouble": (("#fde8e6", "#c5221f", "#7a1512"), ("#3d1a18", "#f28b82", "#fad2cf")),
    "buy": (("#e2f4e6", "#1e8e3e", "#0d4f21"), ("#15331d", "#81c995", "#ceead6")),
    "may": (("#fef3d3", "#b97900", "#664300"), ("#372a0c", "#fdd663", "#feefc3")),
    "kept": (("#f1e6fb", "#8430ce", "#4a1a75"), ("#2c1b3d", "#c58af9", "#e9d2fd")),
    "free": (("#e1effc", "#1967d2", "#0d3a78"), ("#14283f", "#8ab4f8", "#d2e3fc")),
    "done": (("#f1f3f4", "#80868b", "#3c4043"), ("#26282b", "#7f868c", "#d5d9dd")),
}
_TONE_OF: Final = {
    State.PARTIAL: "may",
    State.MAY: "may",
    State.WAITS: "may",
    State.PINNED: "kept",
    State.STALE: "kept",
    State.SAME: "free",
    State.FETCH: "free",
    State.FREE: "free",
    State.CACHED: "done",
}


def tone(state: State | None) -> str:
    """The name of a state's colours in `TONES`."""
    if state is None:
        return "done"
    if state in _TONE_OF:
        return _TONE_OF[state]
    return "buy" if state.buys else "trouble"


def facts(box: Box) -> str:
    """`make · 0.04`, `3 follow, 17 cached`."""
    states = [f"{number:,} {label(state)}" for state, number in box.states]
    if len(states) == 1:
        states = [label(box.states[0][0])]
    parts = [", ".join(states)] if states else [box.kind]
    if box.cost is not None:
        parts.append(box.cost.amount)
    return " · ".join(parts)


def graph_text(graph: Graph, plan: Plan | None, *, width: int = 80, style: Style = PLAIN, plain: bool = False) -> str:
    """A tree that grows from pictures to what is made of them; each box stands once, under the last that it needs.

    `plain`: by indentation alone, for terminals that draw no lines and for screen readers.
    """
    folded = fold(graph, plan, more_than=3, at_most=_FLAT_LINES)
    if not folded.boxes:
        return _NOTHING
    above, _ = folded.neighbours()
    parents = _parents(above)
    children: dict[int | None, list[int]] = {}
    for place, parent in enumerate(parents):
        children.setdefault(parent, []).append(place)
    branches: list[tuple[str, int]] = []
    waiting = [(root, "", "") for root in reversed(children.get(None, []))]
    while waiting:
        place, lead, below = waiting.pop()
        branches.append((lead, place))
        own = children.get(place, [])
        for child in reversed(own):
            last = child == own[-1]
            deeper = below + ("   " if last or plain else "│  ")
            waiting.append((child, below + ("   " if plain else "└─ " if last else "├─ "), deeper[-_DEEPEST:]))
    return "\n".join(_tree_lines(folded.boxes, above, parents, branches, max(width, 40), style))


def _parents(above: Sequence[Sequence[int]]) -> list[int | None]:
    """For each box the one it is drawn under: the deepest that it needs."""
    depth: list[int] = []
    parents: list[int | None] = []
    for place, ups in enumerate(above):
        earlier = [up for up in ups if up < place]
        depth.append(max((depth[up] + 1 for up in earlier), default=0))
        parents.append(max(earlier, key=lambda up: depth[up], default=None))
    return parents


def _tree_lines(
    boxes: Sequence[Box],
    above: Sequence[Sequence[int]],
    parents: Sequence[int | None],
    branches: Sequence[tuple[str, int]],
    width: int,
    style: Style,
) -> list[str]:
    wide = min(max(display_width(lead + boxes[place].title) for lead, place in branches), width * 3 // 5)
    names = [lead + fit_name(boxes[place].title, wide - display_width(lead)) for lead, place in branches]
    kinds = max(len(box.kind) for box in boxes)
    states = max(len(_states(box)) for box in boxes)
    money = max(len(box.cost.amount) if box.cost else 0 for box in boxes)
    lines = []
    for name, (_, place) in zip(names, branches, strict=True):
        box = boxes[place]
        start = f"{pad(name, wide)}  {style.dim(box.kind.ljust(kinds))}"
        state = _states(box)
        if states:
            start += "  " + pad(paint_state(box.state, state, style) if box.state else state, states)
        if money:
            start += "  " + pad_left(box.cost.amount if box.cost else "", money)
        others = [boxes[up].name for up in above[place] if up != parents[place]]
        room = width - display_width(start) - 2
        also = fit(f"also {', '.join(others)}", room) if others and room >= 9 else ""
        lines.append(f"{start}  {style.dim(also)}".rstrip())
    return lines


def _states(box: Box) -> str:
    if len(box.states) == 1:
        return label(box.states[0][0])
    return ", ".join(f"{number:,} {label(state)}" for state, number in box.states)


def graph_mermaid(graph: Graph, plan: Plan | None) -> str:
    """A `flowchart LR`; more than 12 items that hang together alike are one node."""
    folded = fold(graph, plan, more_than=12, at_most=120)
    lines = ["flowchart LR"]
    shapes = {"source": ('[/"', '"/]'), "image": ('["', '"]'), "derived": ('(["', '"])')}
    for place, box in enumerate(folded.boxes):
        left, right = shapes[box.kind]
        text = f"{_mermaid_text(box.title)}<br/>{_mermaid_text(facts(box))}"
        lines.append(f"  n{place}{left}{text}{right}:::{tone(box.state)}")
    lines += [f"  n{start} --> n{end}" for start, end in folded.edges]
    for name in dict.fromkeys(tone(box.state) for box in folded.boxes):
        fill, border, text = TONES[name][0]
        lines.append(f"  classDef {name} fill:{fill},stroke:{border},color:{text}")
    return "\n".join(lines) + "\n"


def _mermaid_text(text: str) -> str:
    """Everything that Mermaid or HTML could read as markup, as numbered entities."""
    return "".join(char if char.isalnum() or char in " /-.:_·×,+" else f"#{ord(char)};" for char in text)


def graph_dot(graph: Graph, plan: Plan | None) -> str:
    """Graphviz, every node by itself: other tools fold and lay out."""
    shapes = {"source": "note", "image": "box", "derived": "cds"}
    lines = [
        "digraph seedpipe {",
        "  rankdir=LR;",
        '  node [fontname="Helvetica", fontsize=11, style="filled,rounded"];',
        '  edge [color="#80868b"];',
    ]
    addresses = chosen(graph, plan)
    for address in addresses:
        kind = kind_of(graph, address)
        state = plan.nodes[address].state if plan is not None else None
        fill, border, text = TONES[tone(state)][0]
        style = "" if kind == "image" else ', style="filled"'
        second = f"\\n{label(state)}" if state is not None else ""
        lines.append(
            f'  {_dot_text(address)} [shape={shapes[kind]}, label="{_dot_escaped(address)}{second}", '
            f'fillcolor="{fill}", color="{border}", fontcolor="{text}"{style}];'
        )
    known = set(addresses)
    for address in addresses:
        ups = [up for up in graph.made_from(address) if up in known]
        lines += [f"  {_dot_text(up)} -> {_dot_text(address)};" for up in ups]
    return "\n".join([*lines, "}"]) + "\n"


def _dot_escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _dot_text(text: str) -> str:
    return f'"{_dot_escaped(text)}"'


def graph_json(graph: Graph, plan: Plan | None) -> dict[str, Any]:
    """Every node and edge. An edge of a generated picture says which image of its prompt it is, from 1."""
    addresses = chosen(graph, plan)
    known = set(addresses)
    nodes, edges = [], []
    for address in addresses:
        values: dict[str, Any] = {"address": address, "kind": kind_of(graph, address)}
        if plan is not None:
            planned = plan.nodes[address]
            values |= {"state": planned.state.value, "cost": planned.cost.to_dict()}
        nodes.append(values | {"position": str(graph[address].position)})
        for number, up in enumerate(graph.made_from(address), 1):
            if up in known:
                edge: dict[str, Any] = {"from": up, "to": address}
                edges.append(edge | ({"image": number} if values["kind"] == "image" else {}))
    return {"seedpipe_graph": GRAPH_FORMAT, "nodes": nodes, "edges": edges}
