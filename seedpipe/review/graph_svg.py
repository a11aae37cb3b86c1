"""`graph --format svg`: one self-contained drawing, no scripts, light or dark as its surroundings. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape

from seedpipe.display import PLAIN, display_width, fit, shown
from seedpipe.names import Realm
from seedpipe.plan.graph import Graph
from seedpipe.plan.plan import Plan, State
from seedpipe.review.folding import Box, Folded, fold
from seedpipe.review.graphs import TONES, facts, tone
from seedpipe.review.layered import HEIGHT, Layout, lay_out
from seedpipe.review.plan_text import cost_words, plan_title
from seedpipe.review.words import STATE_ORDER, count, label

_MARGIN: Final = 28.0
_TITLE_HEIGHT: Final = 46.0
_LETTER: Final = 7.9  # columns of the name, in pixels
_SMALL: Final = 6.7  # of the second line
_COLUMN_GAP: Final = 66.0
_NAME_WIDTH: Final = 36  # columns
_FOLD_MORE_THAN: Final = 6
_AT_MOST: Final = 60
_GRID_WIDTH: Final = 1200.0  # of the boxes that hang together with nothing
_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_STACK: Final = 4.0  # how far the sheets of a folded box stand out
_MONO: Final = "ui-monospace, 'SF Mono', Menlo, Consolas, 'DejaVu Sans Mono', monospace"
_SANS: Final = "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Spot:
    """Where a box is drawn: its upper left corner and its width."""

    x: float
    y: float
    width: float


def graph_svg(graph: Graph, plan: Plan | None) -> str:
    """An SVG document. More than six items that hang together alike are one box; of a big graph, more are."""
    folded = fold(graph, plan, more_than=_FOLD_MORE_THAN, at_most=_AT_MOST)
    if len(folded.edges) > 4 * _AT_MOST:  # a drawing of so many lines shows nothing
        folded = fold(graph, plan, more_than=_FOLD_MORE_THAN, at_most=0)
    linked = sorted({place for edge in folded.edges for place in edge})
    alone = [place for place in range(len(folded.boxes)) if place not in set(linked)]
    number = {place: index for index, place in enumerate(linked)}
    layout = lay_out(len(linked), [(number[start], number[end]) for start, end in folded.edges])
    spots, columns = _linked_spots(folded, linked, layout)
    bottom = _MARGIN + _TITLE_HEIGHT + max((item.y + item.height / 2 for item in layout.items), default=0.0)
    grid_top = bottom + (34 if linked else 0)
    grid = _grid_spots(folded, alone, grid_top, max(_GRID_WIDTH, _right(spots)))
    spots |= grid
    bottom = max((spot.y + HEIGHT for spot in spots.values()), default=bottom)
    legend, legend_width = _legend(folded, bottom + 40)
    title = _title(graph, plan)
    width = max(_right(spots), legend_width, _MARGIN + len(title) * 8.2) + _MARGIN
    height = bottom + 40 + 20 + _MARGIN
    body = [
        *_edges(layout, columns, spots, linked),
        *(_box(folded.boxes[place], spot, plan) for place, spot in sorted(spots.items())),
    ]
    return "\n".join([*_opening(width, height, title), *body, *legend, "</svg>"]) + "\n"


def _right(spots: dict[int, _Spot]) -> float:
    return max((spot.x + spot.width for spot in spots.values()), default=_MARGIN)


def _title(graph: Graph, plan: Plan | None) -> str:
    if plan is None:
        return count(len(graph), "node")
    start = plan_title(plan, 90, PLAIN)
    bought = plan.pictures and plan.realm is Realm.LIVE
    return f"{start} · buys {plan.pictures:,}, {cost_words(plan.cost)}" if bought else start


def _box_width(box: Box) -> float:
    name = display_width(fit(box.title, _NAME_WIDTH)) * _LETTER
    return max(name, display_width(_second_line(box)) * _SMALL, 70.0) + 34


def _second_line(box: Box) -> str:
    return fit(facts(box), _NAME_WIDTH + 6)


def _linked_spots(
    folded: Folded, linked: Sequence[int], layout: Layout
) -> tuple[dict[int, _Spot], list[tuple[float, float]]]:
    """Where the boxes stand, and the left and right end of each column."""
    columns: list[tuple[float, float]] = []
    x = _MARGIN
    for layer in layout.layers:
        boxes = [layout.items[place].box for place in layer]
        wide = max((_box_width(folded.boxes[linked[box]]) for box in boxes if box is not None), default=0.0)
        columns.append((x, x + wide))
        x += wide + _COLUMN_GAP + min(len(layer), 20) * 1.5
    spots = {}
    for item in layout.items:
        if item.box is not None:
            left, right = columns[item.layer]
            top = _MARGIN + _TITLE_HEIGHT + item.y - HEIGHT / 2
            spots[linked[item.box]] = _Spot(x=left, y=top, width=right - left)
    return spots, columns


def _grid_spots(folded: Folded, alone: Sequence[int], top: float, right: float) -> dict[int, _Spot]:
    if not alone:
        return {}
    wide = max(_box_width(folded.boxes[place]) for place in alone)
    many = max(int((right - _MARGIN + 22) // (wide + 22)), 1)
    return {
        place: _Spot(x=_MARGIN + (index % many) * (wide + 22), y=top + (index // many) * (HEIGHT + 18), width=wide)
        for index, place in enumerate(alone)
    }


def _edges(
    layout: Layout, columns: Sequence[tuple[float, float]], spots: dict[int, _Spot], linked: Sequence[int]
) -> list[str]:
    lines = []
    for route in layout.routes:
        start, end = spots[linked[route[0]]], spots[linked[route[-1]]]
        x, y = start.x + start.width, start.y + HEIGHT / 2
        path = f"M{x:.1f} {y:.1f}"
        for place in route[1:-1]:
            left, right = columns[layout.items[place].layer]
            level = _MARGIN + _TITLE_HEIGHT + layout.items[place].y
            path += _curve(x, y, left, level) + f"H{right:.1f}"
            x, y = right, level
        path += _curve(x, y, end.x - 7, end.y + HEIGHT / 2)
        lines.append(f'<path class="edge" d="{path}" marker-end="url(#seedpipe-arrow)"/>')
    return lines


def _curve(x: float, y: float, to_x: float, to_y: float) -> str:
    bend = (to_x - x) / 2
    return f"C{x + bend:.1f} {y:.1f} {to_x - bend:.1f} {to_y:.1f} {to_x:.1f} {to_y:.1f}"


def _box(box: Box, spot: _Spot, plan: Plan | None) -> str:
    parts = [f'<g class="t-{tone(box.state)}">', f"<title>{_xml(_tooltip(box, plan))}</title>"]
    if len(box.addresses) > 1:
        for sheet in (2, 1):
            shape = _shape(box.kind, spot.x + sheet * _STACK, spot.y - sheet * _STACK, spot.width)
            parts.append(f'<path class="box" d="{shape}"/>')
    parts.append(f'<path class="box" d="{_shape(box.kind, spot.x, spot.y, spot.width)}"/>')
    x = spot.x + 17
    parts.append(f'<text class="name" x="{x:.1f}" y="{spot.y + 20:.1f}">{_xml(fit(box.title, _NAME_WIDTH))}</text>')
    parts.append(f'<text class="facts" x="{x:.1f}" y="{spot.y + 36:.1f}">{_xml(_second_line(box))}</text>')
    parts += _state_bar(box, x, spot.y + HEIGHT - 7, spot.width - 34)
    return "".join([*parts, "</g>"])


def _state_bar(box: Box, x: float, y: float, width: float) -> list[str]:
    """How the items of a box are shared out over its states, when there are several."""
    if len(box.states) < 2:
        return []
    parts = []
    for state, number in box.states:
        share = width * number / len(box.addresses)
        parts.append(f'<rect class="bar b-{tone(state)}" x="{x:.1f}" y="{y:.1f}" width="{share:.1f}" height="3"/>')
        x += share
    return parts


def _shape(kind: str, x: float, y: float, width: float, height: float = HEIGHT) -> str:
    """A sheet with a folded corner (source), a rounded box (image), a box with pointed ends (derived)."""
    right, low = x + width, y + height
    if kind == "source":
        ear = height / 4
        return (
            f"M{x:.1f} {y:.1f}H{right - ear:.1f}L{right:.1f} {y + ear:.1f}V{low:.1f}H{x:.1f}Z"
            f"M{right - ear:.1f} {y:.1f}V{y + ear:.1f}H{right:.1f}"
        )
    if kind == "derived":
        tip, middle = height / 5, y + height / 2
        return (
            f"M{x + tip:.1f} {y:.1f}H{right - tip:.1f}L{right:.1f} {middle:.1f}L{right - tip:.1f} {low:.1f}"
            f"H{x + tip:.1f}L{x:.1f} {middle:.1f}Z"
        )
    turn = height / 5
    return (
        f"M{x + turn:.1f} {y:.1f}H{right - turn:.1f}Q{right:.1f} {y:.1f} {right:.1f} {y + turn:.1f}"
        f"V{low - turn:.1f}Q{right:.1f} {low:.1f} {right - turn:.1f} {low:.1f}H{x + turn:.1f}"
        f"Q{x:.1f} {low:.1f} {x:.1f} {low - turn:.1f}V{y + turn:.1f}Q{x:.1f} {y:.1f} {x + turn:.1f} {y:.1f}Z"
    )


def _tooltip(box: Box, plan: Plan | None) -> str:
    lines = [f"{box.title} ({box.kind})"]
    if len(box.addresses) == 1 and plan is not None:
        node = plan.nodes[box.addresses[0]]
        lines += [label(node.state), *(reason.sentence() for reason in node.reasons)]
    elif len(box.addresses) > 1:
        lines += list(box.addresses[:30])
        lines += [f"and {len(box.addresses) - 30:,} more"] if len(box.addresses) > 30 else []
    return "\n".join(map(shown, lines))


def _legend(folded: Folded, y: float) -> tuple[list[str], float]:
    """The states and kinds that occur, in one line; and where it ends."""
    present: dict[str, list[State]] = {}
    states = {state for box in folded.boxes for state, _ in box.states}
    for state in STATE_ORDER:
        if state in states:
            present.setdefault(tone(state), []).append(state)
    parts, x = ['<g class="legend">'], _MARGIN
    for name, alike in present.items():
        text = ", ".join(map(label, alike))
        swatch = f'<rect class="box" x="{x:.1f}" y="{y:.1f}" width="18" height="14" rx="3"/>'
        parts.append(f'<g class="t-{name}">{swatch}</g>{_legend_text(x + 25, y, text)}')
        x += 25 + len(text) * 6.6 + 24
    kinds = [kind for kind in ("source", "image", "derived") if any(box.kind == kind for box in folded.boxes)]
    for kind in kinds if len(kinds) > 1 else []:
        parts.append(f'<path class="kind" d="{_shape(kind, x, y, 24, 14)}"/>{_legend_text(x + 31, y, kind)}')
        x += 31 + len(kind) * 6.6 + 24
    return [*parts, "</g>"], x


def _legend_text(x: float, y: float, text: str) -> str:
    return f'<text x="{x:.1f}" y="{y + 11.5:.1f}">{_xml(text)}</text>'


def _opening(width: float, height: float, title: str) -> list[str]:
    return [
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="0 0 {width:.0f} {height:.0f}">',
        f"<title>{_xml(title)}</title>",
        f"<style>{_css()}</style>",
        '<defs><marker id="seedpipe-arrow" viewBox="0 0 8 8" refX="1" refY="4" markerWidth="8" markerHeight="8" '
        'markerUnits="userSpaceOnUse" orient="auto"><path class="arrow" d="M0 0.5L7.5 4L0 7.5Z"/></marker></defs>',
        f'<rect class="page" width="{width:.0f}" height="{height:.0f}"/>',
        f'<text class="title" x="{_MARGIN:.0f}" y="{_MARGIN + 12:.0f}">{_xml(title)}</text>',
    ]


def _css() -> str:
    rules = [
        f".title{{font:600 14px {_SANS}}}",
        f".name{{font:600 13px {_MONO}}}",
        f".facts{{font:11.5px {_SANS}}}",
        f".legend text{{font:12px {_SANS}}}",
        ".box{stroke-width:1.3;stroke-linejoin:round}",
        ".edge{fill:none;stroke-width:1.2}",
        ".kind{fill:none;stroke-width:1.2}",
        *_colors(0),
    ]
    return "".join(rules) + "@media (prefers-color-scheme:dark){" + "".join(_colors(1)) + "}"


def _colors(dark: int) -> list[str]:
    page, ink, line = (("#ffffff", "#202124", "#9aa0a6"), ("#17181a", "#e8eaed", "#80868b"))[dark]
    rules = [
        f".page{{fill:{page}}}.title,.legend text{{fill:{ink}}}",
        f".edge,.kind{{stroke:{line}}}.arrow{{fill:{line}}}",
    ]
    for name, tones in TONES.items():
        fill, border, text = tones[dark]
        rules.append(f".t-{name} .box{{fill:{fill};stroke:{border}}}.t-{name} text{{fill:{text}}}")
        rules.append(f".b-{name}{{fill:{border}}}")
    return rules


def _xml(text: str) -> str:
    """Text for an element: no markup, and none of the characters that XML does not allow."""
    return escape(_NOT_XML.sub("\ufffd", text))
