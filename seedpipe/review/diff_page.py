"""`diff --format html`: one self-contained page with the pictures before and after. No script, nothing from outside. Pure."""

import base64
from collections.abc import Mapping, Sequence
from typing import Final

from seedpipe.names import Digest
from seedpipe.plan.diff import Choice, Kind, NodeChange, ProjectDiff, Words
from seedpipe.plan.worddiff import word_diff
from seedpipe.review.diff_text import change_words, facts, sum_words
from seedpipe.review.markup import html_words
from seedpipe.review.words import count, range_words

_STYLE: Final = """
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #667; --line: #d8dce2; --paper: #fff; --card: #f7f8fa;
  --new: #137333; --new-back: #e3f4e7; --old: #b3261e; --old-back: #fbe6e4; --warn: #8a5a00; --warn-back: #fff4d6; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e8eb; --soft: #9aa3ad; --line: #353b44; --paper: #14171b;
  --card: #1b1f25; --new: #7fd494; --new-back: #173321; --old: #f2a29b; --old-back: #3b1d1b; --warn: #f0c674;
  --warn-back: #3a2f14; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 64rem; padding: 2rem 1.25rem 4rem; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, "Segoe UI", "Noto Sans", "Noto Sans CJK JP", sans-serif; }
h1 { font-size: 1.5rem; margin: 0 0 .25rem; }
.sum { font-size: 1.1rem; margin: 0 0 1.5rem; }
.terms { background: var(--warn-back); color: var(--warn); border-radius: .5rem; padding: .6rem 1rem; margin: 0 0 1.5rem; }
.terms p { margin: .15rem 0; }
article { background: var(--card); border: 1px solid var(--line); border-radius: .6rem; padding: 1rem 1.1rem; margin: 0 0 1rem; }
article h2 { font: 600 1.05rem/1.4 ui-monospace, "DejaVu Sans Mono", monospace; margin: 0; overflow-wrap: anywhere; }
header { display: flex; flex-wrap: wrap; gap: .25rem 1rem; align-items: baseline; justify-content: space-between; }
.meta { color: var(--soft); font-size: .9rem; }
.kind { display: inline-block; border-radius: 1rem; padding: 0 .6rem; font-size: .8rem; border: 1px solid var(--line); }
.added { color: var(--new); } .removed { color: var(--old); }
.words { margin: .7rem 0 0; white-space: pre-wrap; overflow-wrap: anywhere; }
ins { color: var(--new); background: var(--new-back); text-decoration: none; }
del { color: var(--old); background: var(--old-back); }
del + ins { margin-left: 0.25em; }
ul { margin: .6rem 0 0; padding-left: 1.2rem; }
.pair { display: grid; grid-template-columns: 1fr 1fr; gap: 1rem; margin: .9rem 0 0; }
figure { margin: 0; } figure img { width: 100%; height: auto; border-radius: .35rem; display: block; }
figcaption { color: var(--soft); font-size: .85rem; margin-top: .3rem; }
.none { border: 1px dashed var(--line); border-radius: .35rem; color: var(--soft); padding: 2.5rem 1rem; text-align: center; }
table { border-collapse: collapse; width: 100%; } td { border-top: 1px solid var(--line); padding: .3rem .5rem .3rem 0; }
@media print { article { break-inside: avoid; } }
"""


def diff_page(diff: ProjectDiff, pictures: Mapping[Digest, bytes], *, policy: Sequence[str] = ()) -> str:
    """`pictures` are JPEGs of the takes that are at hand. The page's only sources are `data:` addresses."""
    title = html_words(diff.project or "seedpipe")
    terms = [f"{term.name}: {term.old or 'none'} → {term.new or 'none'}" for term in diff.terms]
    own = [node for node in diff.nodes if not node.is_cascade]
    following = [node for node in diff.nodes if node.is_cascade]
    parts = [
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\">",
        f"<title>{title}: {html_words(change_words(diff))}</title><style>{_STYLE}</style></head><body>",
        f"<h1>{title}</h1>",
        f'<p class="meta">{html_words(diff.before)} → {html_words(diff.after)} · {html_words(change_words(diff))}</p>',
    ]
    if terms or policy:
        parts.append(
            '<div class="terms">' + "".join(f"<p>{html_words(one)}</p>" for one in (*terms, *policy)) + "</div>"
        )
    parts.append(f'<p class="sum">{html_words(sum_words(diff))}</p>')
    parts += [_article(node, pictures) for node in own]
    if following:
        parts.append(_following(following))
    return "\n".join(parts) + "\n</body></html>\n"


def _article(node: NodeChange, pictures: Mapping[Digest, bytes]) -> str:
    name = f"{node.old_address} → {node.address}" if node.old_address else node.address
    place = "" if node.position is None else f"{node.position.file}:{node.position.line}"
    cost = range_words(node.cost) if node.pictures else ""
    meta = " · ".join(html_words(part) for part in (cost, place) if part)
    lines = [
        f'<article><header><h2>{html_words(name)} <span class="kind {node.kind.value}">{node.kind.value}</span></h2>',
        f'<span class="meta">{meta}</span></header>',
        *(_words(words) for words in node.words),
    ]
    told = facts(node)
    if told:
        lines.append("<ul>" + "".join(f"<li>{html_words(fact)}</li>" for fact in told) + "</ul>")
    if node.before.take is not None or node.after.take is not None:
        lines.append(_pair(node, pictures))
    return "".join(lines) + "</article>"


def _words(words: Words) -> str:
    marks = {"old": "del", "new": "ins"}
    told = "".join(
        f"<{marks[kind]}>{html_words(text)}</{marks[kind]}>" if kind in marks else _kept(text)
        for kind, text in word_diff(words.old, words.new)
    )
    what = "" if words.what == "prompt" else f'<span class="meta">{html_words(words.what)}: </span>'
    return f'<p class="words">{what}{told}</p>'


def _kept(text: str) -> str:
    """Lines stay lines; everything else that a page would obey is shown."""
    return "\n".join(html_words(line) for line in text.split("\n"))


def _pair(node: NodeChange, pictures: Mapping[Digest, bytes]) -> str:
    if node.before.take == node.after.take or node.kind is Kind.ADDED:
        return f'<div class="pair">{_figure("now", node.after, pictures, outdated=node.outdated)}</div>'
    after = "" if node.kind is Kind.REMOVED else _figure("after", node.after, pictures, outdated=node.outdated)
    return f'<div class="pair">{_figure("before", node.before, pictures)}{after}</div>'


def _figure(when: str, choice: Choice, pictures: Mapping[Digest, bytes], *, outdated: bool = False) -> str:
    if choice.take is None:
        return f'<figure><div class="none">no picture yet</div><figcaption>{when}</figcaption></figure>'
    data = pictures.get(choice.take)
    level = "".join(f", {part}" for part in (choice.look and f"look {choice.look}", choice.level) if part)
    again = ", made before this change: to be bought again" if outdated else ""
    caption = f"<figcaption>{when} · {choice.take.short}{html_words(level)}{again}</figcaption>"
    if data is None:
        return f'<figure><div class="none">this picture is not on this machine</div>{caption}</figure>'
    source = base64.b64encode(data).decode("ascii")
    return f'<figure><img alt="{when}: {choice.take.short}" src="data:image/jpeg;base64,{source}">{caption}</figure>'


def _following(nodes: Sequence[NodeChange]) -> str:
    rows = []
    for node in nodes:
        cost = range_words(node.cost) if node.pictures else "free"
        cells = (node.address, cost, ", ".join(node.because))
        rows.append("<tr>" + "".join(f"<td>{html_words(cell)}</td>" for cell in cells) + "</tr>")
    return f"<article><header><h2>{count(len(nodes), 'picture')} follow</h2></header><table>{''.join(rows)}</table></article>"
