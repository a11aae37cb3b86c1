"""What changed between two states of a project, for a terminal. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from seedpipe.display import PLAIN, Style, display_width, fit_path, pad, shown, shown_lines, wrap
from seedpipe.names import definition_of
from seedpipe.plan.diff import Choice, Field, Kind, NodeChange, ProjectDiff
from seedpipe.plan.plan import State, sum_of
from seedpipe.plan.worddiff import Part
from seedpipe.review.alike import alike, name_of, place_of, sentences_of
from seedpipe.review.worddiff import diff_lines, word_diff
from seedpipe.review.words import count, pattern, range_words

SIGNS: Final = {Kind.ADDED: "+", Kind.REMOVED: "-", Kind.MOVED: ">", Kind.CHANGED: "~"}
_LOOKS: Final = {Kind.ADDED: "green", Kind.REMOVED: "red", Kind.MOVED: "cyan", Kind.CHANGED: "yellow"}
_MIN_WIDTH: Final = 40
_FEW: Final = 2  # pictures that follow, or reasons, named one by one up to here
_AROUND: Final = 8  # unchanged words shown beside a change


def diff_text(diff: ProjectDiff, *, width: int = 80, style: Style = PLAIN) -> str:
    """No line is wider than `width`."""
    page = _Page(max(width, _MIN_WIDTH), style)
    for term in diff.terms:
        page.line(f"! {term.name}: {shown(term.old or 'none')} → {shown(term.new or 'none')}", "bold", "yellow")
    if diff.terms:
        page.lines.append("")
    page.line(f"{headline(diff)}", "bold")
    parts = parts_of(diff)
    for group in alike(parts.own):
        _node(page, group)
    _groups(page, "another take", parts.replaced)
    _groups(page, "follow", parts.following)
    if diff.nodes or diff.terms:
        page.lines.append("")
        page.line(sum_words(diff))
    return "\n".join(page.lines)


def headline(diff: ProjectDiff) -> str:
    """`lumen · main → work tree · 2 added, 3 changed`."""
    parts = [f"{diff.project or 'this project'} · {diff.before} → {diff.after}", change_words(diff)]
    return " · ".join(parts)


def change_words(diff: ProjectDiff) -> str:
    """`2 added, 3 changed, 5 follow`."""
    parts = parts_of(diff)
    told = [f"{number} {kind.value}" for kind in Kind if (number := sum(node.kind is kind for node in parts.own))]
    one = len(parts.replaced) == 1
    told += [f"{len(parts.replaced)} {'has' if one else 'have'} another take"] * bool(parts.replaced)
    told += [f"{len(parts.following)} follow{'s' * (len(parts.following) == 1)}"] * bool(parts.following)
    return ", ".join(told) or "no picture changes"


def sum_words(diff: ProjectDiff) -> str:
    """What building the change buys, and what was to be bought all the same."""
    buys = f"building it buys {count(diff.pictures, 'picture')}, {range_words(diff.cost)}" if diff.pictures else ""
    pending = ""
    if diff.pending_pictures:
        pending = (
            f"{count(diff.pending_pictures, 'picture')} more ({range_words(diff.pending)}) were to be bought before"
        )
    return " · ".join(part for part in (buys or "building it buys nothing", pending) if part)


def choice_words(before: Choice, after: Choice) -> str | None:
    """`picture: 91ab3f2c → 3f2a8d01 (approved)`; None where nothing was chosen anew."""
    if before == after:
        return None
    if before.take == after.take and after.take is not None:
        if before.level == after.level:
            return f"look {before.look or 'none'} → {after.look or 'none'}"
        return f"{before.level} → {after.level}"
    old, new = (one.take.short if one.take else "none" for one in (before, after))
    how = [f"look {after.look}"] if after.look is not None else []
    how += [after.level] if after.level not in (None, "auto") else []
    level = f" ({', '.join(how)})" if how else ""
    lost = f" — an {before.level} picture is replaced" if before.level in ("approved", "pinned") else ""
    return f"picture {old} → {new}{level}{lost}"


def field_words(field: Field) -> str:
    return f"{field.name}: {field.old or 'none'} → {field.new or 'none'}"


def reference_words(node: NodeChange) -> str | None:
    named = [*(f"+ {name}" for name in node.references_added), *(f"− {name}" for name in node.references_removed)]
    if named:
        return f"references: {', '.join(named)}"
    return "references: in another order" if node.reordered else None


def facts(node: NodeChange) -> Sequence[str]:
    """Everything about a picture but its words, a sentence each."""
    told = [field_words(field) for field in node.fields]
    references = reference_words(node)
    choice = choice_words(node.before, node.after) if node.kind is not Kind.REMOVED else None
    told += [one for one in (references, "the file has other content" if node.source_changed else None, choice) if one]
    if node.kind is Kind.REMOVED and node.before.level in ("approved", "pinned"):
        told.append(
            f"its {node.before.level} picture {node.before.take.short if node.before.take else ''} stays in the lock"
        )
    if node.new_takes and not node.has_new_picture:
        told.append(f"{count(node.new_takes, 'take')} more to choose from")
    if any(flowing(words.old) == flowing(words.new) for words in node.words):
        told.append("only blanks or line breaks of its words changed, and that is another prompt, too")
    told += node.because
    if node.state is not None and node.state.needs_a_person:
        told.append(f"{node.state.value}: needs a person")
    elif node.state is State.STALE:
        told.append("keeps its picture on purpose, made for other inputs")
    return told


class _Page:
    def __init__(self, width: int, style: Style) -> None:
        self.lines: list[str] = []
        self.width, self.style = width, style

    def line(self, text: str, *looks: str, indent: int = 0) -> None:
        for number, part in enumerate(wrap(text, self.width - indent - 2)):
            self.lines.append(" " * (indent + 2 * bool(number)) + self.style.paint(part, *looks))

    def row(self, left: str, money: str, right: str, *looks: str) -> None:
        """An address, what it costs, and where it stands; on two lines where one is too short."""
        end = f"{money:>8}  {right}".rstrip()
        room = self.width - display_width(end) - 2
        if display_width(left) <= room:
            self.lines.append((self.style.paint(pad(left, min(room, 40)), *looks) + "  " + end).rstrip())
            return
        self.lines += [self.style.paint(line, *looks) for line in wrap(left, self.width)]
        below = "  ".join(part for part in (money, fit_path(right, max(self.width - 6 - len(money), 12))) if part)
        self.lines += [f"    {below}"] if below else []


def cost_of(group: Sequence[NodeChange]) -> str:
    """What building pictures that are told as one costs together; empty where nothing is bought."""
    if not group[0].pictures:
        return ""
    return range_words(sum_of((node.cost for node in group), group[0].cost.high.currency))


def _node(page: _Page, group: Sequence[NodeChange]) -> None:
    node, name, money = group[0], name_of(group), cost_of(group)
    page.lines.append("")
    money = money.removesuffix(f" {node.cost.high.currency}")
    page.row(f"{SIGNS[node.kind]} {name}", money, shown(place_of(group)), _LOOKS[node.kind])
    if len(group) > 1 and node.kind is Kind.ADDED and node.words:
        page.line(f"{node.address}, for one:", "dim", indent=4)
    for words in node.words:
        parts = shortened(word_diff(flowing(words.old), flowing(words.new)))
        lines = diff_lines(parts, page.width - 6, page.style)
        if words.what != "prompt":
            page.line(f"{words.what}:", "dim", indent=4)
        page.lines += [f"    {'  ' if words.what != 'prompt' else ''}{line}" for line in lines]
    for fact in sentences_of([facts(one) for one in group]):
        page.line(shown(fact), indent=4)


def flowing(text: str) -> str:
    """Safe for a terminal, and in one paragraph."""
    return " ".join(shown_lines(text).split())


def _groups(page: _Page, name: str, nodes: Sequence[NodeChange]) -> None:
    if nodes:
        page.lines.append("")
    for group in groups_of(nodes):
        page.line(shown("  ".join(part for part in (name, group.what, group.money, group.why) if part)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a person has to read one by one; what was bought again for words above it; what only follows."""

    own: Sequence[NodeChange]
    replaced: Sequence[NodeChange]
    following: Sequence[NodeChange]


def parts_of(diff: ProjectDiff) -> Parts:
    following = [node for node in diff.nodes if node.is_cascade]
    replaced = [node for node in diff.nodes if node.has_new_picture and not (node.is_edited or node.was_decided)]
    rest = {node.address for node in (*following, *replaced)}
    own = [node for node in diff.nodes if node.kind is Kind.REMOVED or node.address not in rest]
    return Parts(own=own, replaced=replaced, following=following)


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Pictures of one entry with one fate: what they are, what building them costs, and the first of their reasons."""

    what: str
    money: str
    why: str


def groups_of(nodes: Sequence[NodeChange]) -> Sequence[Group]:
    groups: dict[tuple[str, bool], list[NodeChange]] = {}
    for node in nodes:
        groups.setdefault((definition_of(node.address), bool(node.pictures)), []).append(node)
    told = []
    for (_, bought), group in groups.items():
        names = [node.address for node in group]
        what = ", ".join(names) if len(names) <= _FEW else f"{pattern(names)} ×{len(names):,}"
        cost = sum_of((node.cost for node in group), group[0].cost.high.currency)
        reasons = _together([reason for node in group for reason in node.because])
        why = ", ".join(reasons[:_FEW]) + (f" and {len(reasons) - _FEW} more" if len(reasons) > _FEW else "")
        told.append(
            Group(what=what, money=range_words(cost) if bought else "" if group[0].has_new_picture else "free", why=why)
        )
    return told


def _together(reasons: Sequence[str]) -> Sequence[str]:
    """`pack/* changes` for the many that do: a sentence of what is followed begins with its address."""
    addresses: dict[tuple[str, str], dict[str, None]] = {}
    for reason in reasons:
        address, _, rest = reason.partition(" ")
        addresses.setdefault((definition_of(address), rest), {})[address] = None
    return [f"{pattern(list(named))} {rest}" for (_, rest), named in addresses.items()]


def shortened(parts: Sequence[Part]) -> Sequence[Part]:
    """Long runs of unchanged words cut in the middle, so that the change is what one reads."""
    told = []
    for number, (kind, text) in enumerate(parts):
        words = text.split(" ")
        if kind == "equal" and len(words) > 2 * _AROUND + 2:
            first = [] if number == 0 else words[:_AROUND]
            last = [] if number == len(parts) - 1 else words[-_AROUND:]
            text = " ".join([*first, "…", *last])
        told.append((kind, text))
    return told
