"""`diff --format markdown`: one comment of a pull request, found again by its mark. Pure."""

import re
from collections.abc import Sequence
from itertools import accumulate
from typing import Final

from seedpipe.plan.diff import Kind, NodeChange, ProjectDiff, Words
from seedpipe.plan.worddiff import Part, word_diff
from seedpipe.review.alike import alike, place_of, sentences_of
from seedpipe.review.diff_text import (
    SIGNS,
    change_words,
    cost_of,
    facts,
    flowing,
    groups_of,
    parts_of,
    shortened,
    sum_words,
)
from seedpipe.review.markup import markdown_code, markdown_words
from seedpipe.review.words import count, pattern

MARK: Final = "<!-- seedpipe diff -->"  # by this a workflow finds its comment and writes it anew
_MAX_ROWS: Final = 60  # a comment has a largest size, 65,536 characters at GitHub
_MAX_TABLE: Final = 40_000  # characters
_MAX_GROUPS: Final = 60
_MAX_WORDS: Final = 600  # characters of one changed text


def diff_markdown(diff: ProjectDiff, *, policy: Sequence[str] = ()) -> str:
    """`policy` are sentences about limits that the change passes. A change of nothing is one quiet line."""
    if diff.is_empty:
        return f"{MARK}\nNo picture changes.\n"
    lines = [MARK]
    for term in diff.terms:
        old, new = markdown_words(term.old or "none"), markdown_words(term.new or "none")
        lines.append(f"> ⚠️ **{markdown_words(term.name)}**: {old} → {new}")
    lines += [f"> ⚠️ {markdown_words(sentence)}" for sentence in policy]
    title = f"{diff.project or 'seedpipe'}: {change_words(diff)}"
    lines += ["", f"### {markdown_words(title)}", "", f"**{markdown_words(sum_words(diff))}**"]
    parts = parts_of(diff)
    if parts.own:
        lines += ["", "| | picture | cost | what changed | where |", "|---|---|--:|---|---|"]
        groups = alike(parts.own)
        rows = _fitting([_row(group) for group in groups[:_MAX_ROWS]])
        lines += rows
        if len(rows) < len(groups):
            left = sum(len(group) for group in groups[len(rows) :])
            lines.append(f"| | and {count(left, 'picture')} more | | | |")
    for (one, several), nodes in (
        (("has another take", "have another take"), parts.replaced),
        (("follows", "follow"), parts.following),
    ):
        if nodes:
            summary = f"{count(len(nodes), 'picture')} {one if len(nodes) == 1 else several}"
            lines += ["", f"<details><summary>{summary}</summary>", "", *_groups(nodes)]
            lines += ["", "</details>"]
    return "\n".join(lines) + "\n"


def _fitting(rows: Sequence[str]) -> Sequence[str]:
    """As many from the first on as a comment has room for."""
    ends = accumulate(map(len, rows))
    return [row for row, end in zip(rows, ends, strict=True) if end <= _MAX_TABLE]


def _groups(nodes: Sequence[NodeChange]) -> Sequence[str]:
    told, groups = [], groups_of(nodes)
    for group in groups[:_MAX_GROUPS]:
        why = f"({markdown_words(group.why)})" if group.why else ""
        told.append(" ".join(part for part in (f"- {markdown_code(group.what)}", group.money, why) if part))
    return told if len(groups) <= _MAX_GROUPS else [*told, f"- and {len(groups) - _MAX_GROUPS:,} entries more"]


def _row(group: Sequence[NodeChange]) -> str:
    node, cost = group[0], cost_of(group)
    name = markdown_code(node.address)
    if len(group) > 1:
        name = f"{markdown_code(pattern([one.address for one in group]))} ×{len(group):,}"
    elif node.old_address:
        name = f"{markdown_code(node.old_address)} → {name}"
    told = [_words(words) for words in node.words if node.kind is not Kind.ADDED]
    told += [markdown_words(fact) for fact in sentences_of([facts(one) for one in group])]
    if node.kind is Kind.ADDED:
        told.insert(0, "new")
    elif node.kind is Kind.REMOVED:
        told.insert(0, "removed")
    stands = place_of(group)
    place = markdown_code(stands) if stands else ""
    return (
        f"| {SIGNS[node.kind].replace('-', '−').replace('>', '→')} | {name} | {cost} | {'<br>'.join(told)} | {place} |"
    )


def _words(words: Words) -> str:
    """The changed words struck and bold, with a little around them."""
    told, length = "", 0
    before = ("equal", " ")
    for kind, part in shortened(word_diff(flowing(words.old), flowing(words.new))):
        text = part.strip()
        if not text:
            told += " "
            continue
        length += len(text)
        if length > _MAX_WORDS:
            told = f"{told.rstrip()} …"
            break
        safe = markdown_words(text)
        gap = part[0] == " " or _needs_gap(before, (kind, text))
        told += (" " if gap else "") + {"old": f"~~{safe}~~", "new": f"**{safe}**"}.get(kind, safe)
        told += " " if part[-1] == " " else ""
        before = (kind, part)
    what = "" if words.what == "prompt" else f"{markdown_words(words.what)}: "
    return what + re.sub(" +", " ", told).strip()


def _needs_gap(before: Part, after: Part) -> bool:
    """Whether Markdown would not see the marks: two at each other, or a sign at a mark's inside and a letter outside."""
    if before[1][-1].isspace():
        return False
    if before[0] != "equal" and after[0] != "equal":
        return True
    if after[0] != "equal":
        return before[1][-1].isalnum() and not after[1][0].isalnum()
    return before[0] != "equal" and not before[1][-1].isalnum() and after[1][0].isalnum()
