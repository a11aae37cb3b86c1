"""`diff --format html`: one self-contained page with the pictures before and after. No script, nothing from outside. Pure."""

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Final

from seedpipe.names import Digest
from seedpipe.plan.diff import Choice, Kind, NodeChange, ProjectDiff
from seedpipe.review.alike import place_of
from seedpipe.review.diff_text import change_words, facts, sum_words
from seedpipe.review.markup import html_words
from seedpipe.review.page import changed_words, figure, html_page
from seedpipe.review.words import count, range_words

MAX_PICTURED: Final = 400


def pictured(diff: ProjectDiff) -> Sequence[NodeChange]:
    """The changes of which the page shows pictures, as many as a browser bears; those that only follow have none."""
    return list(islice((one for one in diff.nodes if not one.is_cascade and _has_pictures(one)), MAX_PICTURED))


def diff_page(diff: ProjectDiff, pictures: Mapping[Digest, bytes], *, policy: Sequence[str] = ()) -> str:
    """`pictures` are JPEGs of the takes that are at hand. The page's only sources are `data:` addresses."""
    title = diff.project or "seedpipe"
    terms = [f"{term.name}: {term.old or 'none'} → {term.new or 'none'}" for term in diff.terms]
    own = [node for node in diff.nodes if not node.is_cascade]
    shown = {node.address for node in pictured(diff)}
    left = sum(node.address not in shown and _has_pictures(node) for node in own)
    following = [node for node in diff.nodes if node.is_cascade]
    parts = [
        f"<h1>{html_words(title)}</h1>",
        f'<p class="meta">{html_words(diff.before)} → {html_words(diff.after)} · {html_words(change_words(diff))}</p>',
    ]
    if terms or policy:
        parts.append(
            '<div class="terms">' + "".join(f"<p>{html_words(one)}</p>" for one in (*terms, *policy)) + "</div>"
        )
    parts.append(f'<p class="sum">{html_words(sum_words(diff))}</p>')
    if left:
        parts.append(f'<p class="meta">The first {len(shown):,} are shown with their pictures, {left:,} without.</p>')
    parts += [_article(node, pictures if node.address in shown else None) for node in own]
    if following:
        parts.append(_following(following))
    return html_page(f"{title}: {change_words(diff)}", parts)


def _article(node: NodeChange, pictures: Mapping[Digest, bytes] | None) -> str:
    name = f"{node.old_address} → {node.address}" if node.old_address else node.address
    place = place_of([node])
    cost = range_words(node.cost) if node.pictures else ""
    meta = " · ".join(html_words(part) for part in (cost, place) if part)
    lines = [
        f'<article><header><h2>{html_words(name)} <span class="kind {node.kind.value}">{node.kind.value}</span></h2>',
        f'<span class="meta">{meta}</span></header>',
        *(changed_words(one.old, one.new, what="" if one.what == "prompt" else one.what) for one in node.words),
    ]
    told = facts(node)
    if told:
        lines.append("<ul>" + "".join(f"<li>{html_words(fact)}</li>" for fact in told) + "</ul>")
    if pictures is not None and (node.before.take is not None or node.after.take is not None):
        lines.append(_pair(node, pictures))
    if pictures is not None and node.candidates:
        cells = [_figure(f"look {one.look}", Choice(take=one.take), pictures) for one in node.candidates]
        lines.append(f'<h3>its other looks</h3><div class="grid">{"".join(cells)}</div>')
    return "".join(lines) + "</article>"


def _has_pictures(node: NodeChange) -> bool:
    return node.before.take is not None or node.after.take is not None or bool(node.candidates)


def _pair(node: NodeChange, pictures: Mapping[Digest, bytes]) -> str:
    if node.before.take == node.after.take or node.kind is Kind.ADDED:
        return f'<div class="pair">{_figure("now", node.after, pictures, outdated=node.outdated)}</div>'
    after = "" if node.kind is Kind.REMOVED else _figure("after", node.after, pictures, outdated=node.outdated)
    return f'<div class="pair">{_figure("before", node.before, pictures)}{after}</div>'


def _figure(when: str, choice: Choice, pictures: Mapping[Digest, bytes], *, outdated: bool = False) -> str:
    if choice.take is None:
        return figure(None, alt="", caption=when, absent="no picture yet")
    level = "".join(f", {part}" for part in (choice.look and f"look {choice.look}", choice.level) if part)
    again = ", made before this change: to be bought again" if outdated else ""
    caption = f"{html_words(when)} · {choice.take.short}{html_words(level)}{again}"
    return figure(pictures.get(choice.take), alt=f"{when}: {choice.take.short}", caption=caption)


def _following(nodes: Sequence[NodeChange]) -> str:
    rows = []
    for node in nodes:
        cost = range_words(node.cost) if node.pictures else "free"
        cells = (node.address, cost, ", ".join(node.because))
        rows.append("<tr>" + "".join(f"<td>{html_words(cell)}</td>" for cell in cells) + "</tr>")
    return f"<article><header><h2>{count(len(nodes), 'picture')} follow</h2></header><table>{''.join(rows)}</table></article>"
