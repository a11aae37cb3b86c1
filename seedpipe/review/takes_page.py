"""`takes --format html`: the takes of pictures side by side, each with the command that chooses it. One file, no script. Pure."""

from collections.abc import Mapping, Sequence

from seedpipe.names import Digest, Realm
from seedpipe.plan.reason import Reason
from seedpipe.plan.reasons import PromptChanged, SharedWordsChanged
from seedpipe.plan.takes import KnownTake, NodeTakes, TakesFor
from seedpipe.review.command_flags import with_flags
from seedpipe.review.markup import html_words
from seedpipe.review.page import changed_words, figure, html_page, kept_lines
from seedpipe.review.takes_text import amount, heading, level_words, nothing_words, person
from seedpipe.review.words import count


def takes_page(
    nodes: Sequence[NodeTakes],
    pictures: Mapping[Digest, bytes],
    *,
    project: str | None,
    realm: Realm,
    flags: Sequence[str] = (),
) -> str:
    """`pictures` are JPEGs of the takes that are at hand; `flags` belong to the commands that are told (`command_flags`)."""
    title = f"{project or 'seedpipe'}: takes"
    number = count(sum(len(node.takes) for node in nodes), "take")
    parts = [
        f"<h1>{html_words(title)}</h1>",
        f'<p class="meta">{number} of {count(len(nodes), "picture")}</p>',
        *(_article(node, pictures, realm, flags) for node in nodes),
    ]
    return html_page(title, parts)


def _article(node: NodeTakes, pictures: Mapping[Digest, bytes], realm: Realm, flags: Sequence[str]) -> str:
    meta = [count(len(node.takes), "take"), *([level_words(node)] if node.level is not None else [])]
    parts = [
        f'<article><header><h2>{html_words(node.address)}</h2><span class="meta">{html_words(" · ".join(meta))}</span></header>'
    ]
    now = [group for group in node.groups if group.current]
    if now:
        own = next((group for group in now if not group.beside), now[0])
        parts.append(f'<p class="words">{kept_lines(own.prompt)}</p>' if own.prompt is not None else "")
        cells = [cell for group in now for cell in _cells(group, node, pictures, realm, flags)]
        parts.append(f'<div class="grid">{"".join(cells)}</div>')
    for group in node.groups:
        if not group.current:
            cells = list(_cells(group, node, pictures, realm, flags))
            told = f"<h3>{html_words(heading(group))}</h3>{_differences(group.differs)}"
            parts.append(f'{told}<div class="grid">{"".join(cells)}</div>')
    notes = [decision for decision in node.notes if decision.note is not None]
    said = [f"“{decision.note}” ({person(decision.who)}, {decision.at[:10]})" for decision in notes]
    if said:
        parts.append("<ul>" + "".join(f"<li>{html_words(one)}</li>" for one in said) + "</ul>")
    if not node.takes:
        parts.append('<p class="meta">no picture yet</p>')
    return "".join(parts) + "</article>"


def _cells(
    group: TakesFor, node: NodeTakes, pictures: Mapping[Digest, bytes], realm: Realm, flags: Sequence[str]
) -> Sequence[str]:
    """A figure for each take; of what is asked now in a look with its name, and with what is otherwise in it."""
    look = group.look if group.current else None
    label = f"look {html_words(look)} · " if look is not None else ""
    words = _differences(group.beside)
    if not group.takes:
        told = with_flags(nothing_words(group, node), flags).replace("`", "")
        return [figure(None, alt="", caption=f"<b>{label.removesuffix(' · ')}</b>{words}", absent=told)]
    return [_cell(take, node, label, words, pictures.get(take.digest), realm, flags) for take in group.takes]


def _cell(
    take: KnownTake, node: NodeTakes, label: str, words: str, data: bytes | None, realm: Realm, flags: Sequence[str]
) -> str:
    made = take.made
    facts = [take.digest.short]
    if made is not None:
        facts += [made.at[:16].replace("T", " "), made.size]
        facts += [amount(made.cost)] if realm is Realm.LIVE and made.cost is not None else []
        facts += [f"brought by {person(made.adopted_by)}"] if made.adopted_by is not None else []
    told = f"<b>{label}take {take.number}</b><br>{html_words(' · '.join(fact for fact in facts if fact))}"
    if take.chosen:
        step = f"chosen, {html_words(level_words(node))}"
    else:
        command = with_flags(f"`seedpipe pick {node.address} {take.digest.short}`", flags)
        step = f"<code>{html_words(command.strip('`'))}</code>"
    cell = figure(data, alt=f"take {take.number} of {node.address}", caption=f"{told}<br>{step}{words}")
    return cell.replace("<figure>", '<figure class="chosen">', 1) if take.chosen else cell


def _differences(reasons: Sequence[Reason]) -> str:
    told = []
    for reason in reasons:
        if isinstance(reason, PromptChanged | SharedWordsChanged) and reason.old is not None and reason.new is not None:
            told.append(changed_words(reason.old, reason.new))
        else:
            told.append(f'<p class="words">{html_words(reason.sentence())}</p>')
    return "".join(told)
