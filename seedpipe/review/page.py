"""What the pages of `diff` and `takes` share: their look, and how words and pictures stand in them. Pure.

A page is one file: no script, nothing from outside, pictures as `data:` addresses.
"""

import base64
from collections.abc import Iterable
from typing import Final

from seedpipe.plan.worddiff import word_diff
from seedpipe.review.markup import html_words

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
.grid { display: grid; grid-template-columns: repeat(auto-fill, minmax(17rem, 1fr)); gap: 1.1rem; margin: .9rem 0 0; }
.grid .words { margin: .35rem 0 0; font-size: .9rem; } .chosen img, .chosen .none { outline: 3px solid var(--new); }
h3 { font-size: .95rem; margin: 1.2rem 0 0; } code { overflow-wrap: anywhere; }
figure { margin: 0; } figure img { width: 100%; height: auto; border-radius: .35rem; display: block; }
figcaption { color: var(--soft); font-size: .85rem; margin-top: .3rem; }
.none { border: 1px dashed var(--line); border-radius: .35rem; color: var(--soft); padding: 2.5rem 1rem; text-align: center; }
table { border-collapse: collapse; width: 100%; } td { border-top: 1px solid var(--line); padding: .3rem .5rem .3rem 0; }
@media print { article { break-inside: avoid; } }
"""


def html_page(title: str, parts: Iterable[str]) -> str:
    """`title` is plain text, `parts` are markup."""
    head = (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\">",
        f"<title>{html_words(title)}</title><style>{_STYLE}</style></head><body>",
    )
    return "\n".join((*head, *parts)) + "\n</body></html>\n"


def changed_words(old: str, new: str, *, what: str = "") -> str:
    """A paragraph with what went and what came marked; `what` says before it of which text."""
    marks = {"old": "del", "new": "ins"}
    told = "".join(
        f"<{marks[kind]}>{html_words(text)}</{marks[kind]}>" if kind in marks else kept_lines(text)
        for kind, text in word_diff(old, new)
    )
    label = f'<span class="meta">{html_words(what)}: </span>' if what else ""
    return f'<p class="words">{label}{told}</p>'


def kept_lines(text: str) -> str:
    """Lines stay lines; everything else that a page would obey is shown."""
    return "\n".join(html_words(line) for line in text.split("\n"))


def figure(data: bytes | None, *, alt: str, caption: str, absent: str = "this picture is not on this machine") -> str:
    """A JPEG above its caption (markup), or a box that says why there is none."""
    told = f"<figcaption>{caption}</figcaption>"
    if data is None:
        return f'<figure><div class="none">{html_words(absent)}</div>{told}</figure>'
    source = base64.b64encode(data).decode("ascii")
    return f'<figure><img alt="{html_words(alt)}" src="data:image/jpeg;base64,{source}">{told}</figure>'
