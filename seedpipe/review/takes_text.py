"""`takes`: the pictures that there are for a node, for people: which is the choice, and how earlier words differed. Pure."""

from collections.abc import Sequence
from typing import Final

from seedpipe.display import PLAIN, Style, display_width, flow, pad, shown, wrap
from seedpipe.money import Money
from seedpipe.names import Realm
from seedpipe.plan.reason import Reason
from seedpipe.plan.reasons import PromptChanged, SharedWordsChanged
from seedpipe.plan.takes import KnownTake, NodeTakes, TakesFor
from seedpipe.plan.worddiff import word_diff
from seedpipe.review.command_flags import with_flags
from seedpipe.review.decision_text import PAST
from seedpipe.review.diff_text import flowing, shortened
from seedpipe.review.plan_text import MIN_WIDTH
from seedpipe.review.worddiff import diff_lines
from seedpipe.review.words import count
from seedpipe.state.decisions import Decision
from seedpipe.state.lock import ImageEntry, Level

_DIFF_LINES: Final = 5  # of changed words, for one group


def takes_text(
    nodes: Sequence[NodeTakes], *, realm: Realm, flags: Sequence[str] = (), width: int = 80, style: Style = PLAIN
) -> str:
    """A page for each node. `flags` belong to the commands that are told (`command_flags`)."""
    return "\n\n".join(_node_text(node, realm, flags, max(width, MIN_WIDTH), style) for node in nodes)


def takes_table(nodes: Sequence[NodeTakes], *, width: int = 80) -> str:
    """A line for each node: how many takes, which is the choice, how it was chosen."""
    width = max(width, MIN_WIDTH)
    wide = min(max((display_width(node.address) for node in nodes), default=0), width // 2)
    lines = []
    for node in nodes:
        chosen = next((take for take in node.takes if take.chosen), None)
        facts = [count(len(node.takes), "take")]
        if chosen is not None:
            facts += [f"chosen: {chosen.number}", chosen.digest.short, level_words(node)]
        lines += flow([pad(node.address, wide), *facts], width, between="  ", indent=4)
    return "\n".join(line.rstrip() for line in lines)


def _node_text(node: NodeTakes, realm: Realm, flags: Sequence[str], width: int, style: Style) -> str:
    level = [level_words(node)] if node.level is not None else []
    lines = flow([node.address, count(len(node.takes), "take"), *level], width)
    lines[0] = style.bold(node.address) + lines[0].removeprefix(node.address)
    if not node.takes:
        lines.append("  no picture yet")
    for group in node.groups:
        lines += ["", *_group_lines(group, node, realm, flags, width, style)]
    told = [decision for decision in node.decisions if decision.note is not None or decision.changes_the_lock]
    if told:
        lines.append("")
        for decision in told:
            lines += _decision_lines(decision, width, style)
    return "\n".join(lines)


def level_words(node: NodeTakes) -> str:
    """`approved by Mika Ito`, `auto`, `pinned, stale`."""
    decided = node.decided
    by = f" by {person(decided.who)}" if decided is not None and node.level not in (None, Level.AUTO) else ""
    by += f", look {node.look}" if node.look is not None else ""
    return f"{node.level}{by}" + (", made for other words or references" if node.stale else "")


def person(who: str) -> str:
    """Without the mail address."""
    return shown(who.partition(" <")[0])


def _group_lines(
    group: TakesFor, node: NodeTakes, realm: Realm, flags: Sequence[str], width: int, style: Style
) -> list[str]:
    lines = []
    if group.current:
        lines += _indented("for what is asked now" + (f" · look {group.look}" if group.look is not None else ""), width)
        lines += _reason_lines(group.beside, width, style)
        if not group.takes:
            lines += [f"     {line}" for line in wrap(with_flags(nothing_words(group, node), flags), width - 5)]
    else:
        lines += _indented(heading(group), width)
        lines += _difference_lines(group, width, style)
    return lines + [line for take in group.takes for line in _take_lines(take, node, realm, width, style)]


def _indented(text: str, width: int) -> list[str]:
    return ["  " + "  " * bool(number) + line for number, line in enumerate(wrap(text, width - 4, first=width - 2))]


def nothing_words(group: TakesFor, node: NodeTakes) -> str:
    """Of a look without takes; beside a person's choice no build buys one."""
    if node.level in (None, Level.AUTO):
        return "no take yet"
    return f"no take: `seedpipe reroll {node.address} --look {group.look}` buys one"


def heading(group: TakesFor) -> str:
    """What the takes of earlier words are for."""
    was = group.bought_as
    if was is not None and was != group.look:
        return f"for look {was}, which is gone" + (
            f"; nearest to look {group.look}" if group.look and group.differs else ""
        )
    if group.differs:
        words = any(isinstance(reason, PromptChanged | SharedWordsChanged) for reason in group.differs)
        if group.look is not None and words:
            return f"for earlier words of look {was}" if was else f"for earlier words, nearest to look {group.look}"
        if group.look is not None:
            return f"for the words of look {group.look}, when something else was different"
        return "for earlier words" if words else "for the same words, when something else was different"
    if all(take.made is not None and take.made.adopted_by is not None for take in group.takes):
        return "brought by people"
    return "for earlier words" if group.prompt is not None else "for words that this machine doesn't remember"


def _difference_lines(group: TakesFor, width: int, style: Style) -> list[str]:
    """The words that changed since, and what else did."""
    lines = _reason_lines(group.differs, width, style)
    if not lines and group.prompt is not None:
        found = wrap(flowing(group.prompt), width - 6)
        lines = [f"      {line}" for line in found[:_DIFF_LINES] + (["…"] if len(found) > _DIFF_LINES else [])]
    return lines


def _reason_lines(reasons: Sequence[Reason], width: int, style: Style) -> list[str]:
    lines: list[str] = []
    for reason in reasons:
        if isinstance(reason, PromptChanged | SharedWordsChanged) and reason.old is not None and reason.new is not None:
            parts = shortened(word_diff(flowing(reason.old), flowing(reason.new)))
            found = diff_lines(parts, width - 6, style)
            lines += found[:_DIFF_LINES] + (["…"] if len(found) > _DIFF_LINES else [])
        else:
            lines += wrap(shown(reason.sentence()), width - 6)
    return [f"      {line}" for line in lines]


def _take_lines(take: KnownTake, node: NodeTakes, realm: Realm, width: int, style: Style) -> list[str]:
    """`* 3  91ab3f2c0d1e  2026-11-24 10:12  2848x1600  0.04  seedream-4-5-251128`, and below the choice that it is it."""
    made = take.made
    facts = []
    if made is not None:
        facts.append(pad(made.at[:16].replace("T", " "), 16))
        facts.append(pad(made.size, 9))
        if realm is Realm.LIVE:
            facts.append(pad(amount(made.cost), 5))
    if not take.at_hand:
        facts.append("not on this machine")
    elif made is not None:
        facts.append(f"brought by {person(made.adopted_by)}" if made.adopted_by is not None else made.model)
    first, *rest = flow([f"{take.number:>2}", take.digest.short, *facts], width - 4, between="  ", indent=4)
    sign = style.green("*") if take.chosen else " "
    lines = [f"  {sign} {style.bold(first.rstrip()) if take.chosen else first.rstrip()}"]
    rest += [f"    {line}" for line in wrap(f"chosen, {level_words(node)}", width - 8)] if take.chosen else []
    return lines + [f"    {line}" for line in rest]


def amount(cost: str | None) -> str:
    """Without its currency; empty if it is not known."""
    return "" if cost is None else Money.parse(cost).amount


def _decision_lines(decision: Decision, width: int, style: Style) -> list[str]:
    """`2026-11-24 10:12  picked 91ab3f2c0d1e  Mika Ito  k3f9x2mq`, and the note below it."""
    what = PAST.get(decision.verb, shown(decision.verb))
    if decision.take is not None and decision.verb != "note":
        what += f" {decision.take.short}"
        what += f" (look {look})" if isinstance(after := decision.after, ImageEntry) and (look := after.look) else ""
    parts = [decision.at[:16].replace("T", " "), decision.act, f"{what} by {person(decision.who)}"]
    lines = ["  " + style.dim(line) for line in flow(parts, width - 2, between="  ", indent=4)]
    if decision.note is not None:
        lines += [f"      {line}" for line in wrap(f"“{shown(decision.note)}”", width - 6)]
    return lines
