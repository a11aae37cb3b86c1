"""`takes`: the pictures that there are for a node, for people: which is the choice, and how earlier words differed. Pure."""

from collections.abc import Sequence
from typing import Final

from seedpipe.display import PLAIN, Style, display_width, fit, pad, pad_left, shown, shown_lines, wrap
from seedpipe.money import Money
from seedpipe.names import Realm
from seedpipe.plan.reasons import PromptChanged, SharedWordsChanged
from seedpipe.plan.takes import KnownTake, NodeTakes, TakesFor
from seedpipe.plan.worddiff import word_diff
from seedpipe.review.decision_text import PAST
from seedpipe.review.plan_text import MIN_WIDTH
from seedpipe.review.worddiff import diff_lines
from seedpipe.review.words import count
from seedpipe.state.decisions import Decision

_DIFF_LINES: Final = 4  # of changed words, for one group


def takes_text(nodes: Sequence[NodeTakes], *, realm: Realm, width: int = 80, style: Style = PLAIN) -> str:
    """A page for each node."""
    return "\n\n".join(_node_text(node, realm, max(width, MIN_WIDTH), style) for node in nodes)


def takes_table(nodes: Sequence[NodeTakes], *, width: int = 80) -> str:
    """A line for each node: how many takes, which is the choice, how it was chosen."""
    wide = min(max((display_width(node.address) for node in nodes), default=0), max(width, MIN_WIDTH) // 2)
    lines = []
    for node in nodes:
        chosen = next((take for take in node.takes if take.chosen), None)
        number = pad_left(count(len(node.takes), "take"), 9)
        choice = "" if chosen is None else f"{chosen.number:>3}  {chosen.digest.short}  {_level(node)}"
        line = f"{pad(fit(node.address, wide), wide)}  {number}  {choice}"
        lines.append(fit(line.rstrip(), max(width, MIN_WIDTH)))
    return "\n".join(lines)


def _node_text(node: NodeTakes, realm: Realm, width: int, style: Style) -> str:
    head = f" · {count(len(node.takes), 'take')}" + (f" · {_level(node)}" if node.level is not None else "")
    lines = [style.bold(node.address) + fit(head, width - display_width(node.address))]
    if not node.takes:
        lines.append("  no picture yet")
    for group in node.groups:
        lines += ["", *_group_lines(group, realm, width, style)]
    told = [decision for decision in node.decisions if decision.note is not None or decision.changes_the_lock]
    if told:
        lines.append("")
        for decision in told:
            lines += _decision_lines(decision, width, style)
    return "\n".join(lines)


def _level(node: NodeTakes) -> str:
    """`approved by Mika Ito`, `auto`, `pinned, stale`."""
    decided = node.decided
    by = f" by {_name(decided.who)}" if decided is not None and node.level is not None else ""
    by += f", look {node.look}" if node.look is not None else ""
    return f"{node.level}{by}" + (", made for other words or references" if node.stale else "")


def _name(who: str) -> str:
    """Without the mail address."""
    return shown(who.partition(" <")[0])


def _group_lines(group: TakesFor, realm: Realm, width: int, style: Style) -> list[str]:
    lines = []
    if group.current:
        lines.append("  for what is asked now" + (f" · look {group.look}" if group.look is not None else ""))
    else:
        lines.append(f"  {_heading(group)}")
        lines += _difference_lines(group, width, style)
    return lines + [_take_line(take, realm, width, style) for take in group.takes]


def _heading(group: TakesFor) -> str:
    if group.differs:
        words = any(isinstance(reason, PromptChanged | SharedWordsChanged) for reason in group.differs)
        if group.look is not None:
            return (
                f"for earlier words, nearest to look {group.look}"
                if words
                else f"for the words of look {group.look}, when something else was different"
            )
        return "for earlier words" if words else "for the same words, when something else was different"
    if all(take.made is not None and take.made.adopted_by is not None for take in group.takes):
        return "brought by people"
    return "for earlier words" if group.prompt is not None else "for words that this machine doesn't remember"


def _difference_lines(group: TakesFor, width: int, style: Style) -> list[str]:
    """The words that changed since, and what else did."""
    lines: list[str] = []
    for reason in group.differs:
        if isinstance(reason, PromptChanged | SharedWordsChanged) and reason.old is not None and reason.new is not None:
            parts = word_diff(shown_lines(reason.old), shown_lines(reason.new))
            found = diff_lines(parts, width - 6, style)
            lines += found[:_DIFF_LINES] + (["…"] if len(found) > _DIFF_LINES else [])
        else:
            lines += wrap(shown(reason.sentence()), width - 6)
    if not lines and group.prompt is not None:
        lines = wrap(shown_lines(group.prompt), width - 6)[:_DIFF_LINES]
    return [f"      {line}" for line in lines]


def _take_line(take: KnownTake, realm: Realm, width: int, style: Style) -> str:
    """`* 3  91ab3f2c0d1e  2026-11-24 10:12  2848x1600  0.04  seedream-4-5-251128`."""
    made = take.made
    facts = []
    if made is not None:
        facts.append(pad(made.at[:16].replace("T", " "), 16))
        facts.append(pad(made.size.replace("x", "×"), 9))
        if realm is Realm.LIVE:
            facts.append(pad(_amount(made.cost), 5))
    if not take.at_hand:
        facts.append("not on this machine")
    elif made is not None:
        facts.append(f"adopted by {_name(made.adopted_by)}" if made.adopted_by is not None else made.model)
    sign = style.green("*") if take.chosen else " "
    text = fit(f"{take.number:>2}  {take.digest.short}  {'  '.join(facts)}".rstrip(), width - 4)
    return f"  {sign} {style.bold(text) if take.chosen else text}"


def _amount(cost: str | None) -> str:
    return "" if cost is None else Money.parse(cost).amount


def _decision_lines(decision: Decision, width: int, style: Style) -> list[str]:
    """`2026-11-24 10:12  picked 91ab3f2c0d1e  Mika Ito  k3f9x2mq`, and the note below it."""
    what = PAST.get(decision.verb, shown(decision.verb))
    what += f" {decision.take.short}" if decision.take is not None and decision.verb != "note" else ""
    text = f"{decision.at[:16].replace('T', ' ')}  {decision.act}  {what} by {_name(decision.who)}"
    lines = ["  " + style.dim(fit(text, width - 2))]
    if decision.note is not None:
        lines += [f"      {line}" for line in wrap(f"“{shown(decision.note)}”", width - 6)]
    return lines
