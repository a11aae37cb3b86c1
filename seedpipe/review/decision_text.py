"""What a decision came to, for people: the choice before and after, what depends on it, what following it would cost. Pure."""

from collections.abc import Mapping, Sequence
from typing import Final

from seedpipe.display import PLAIN, Style, shown, wrap
from seedpipe.errors import DecisionError
from seedpipe.names import Realm, definition_of
from seedpipe.plan.following import Followed, Outcome
from seedpipe.plan.plan import sum_of
from seedpipe.plan.reasons import ReplacesApproved
from seedpipe.review.command_flags import with_flags
from seedpipe.review.words import count, pattern, range_words
from seedpipe.state.decisions import Act, Decision, Value, Verb
from seedpipe.state.lock import ImageEntry

PAST: Final[Mapping[str, str]] = {
    "pick": "picked",
    "approve": "approved",
    "pin": "pinned",
    "unpin": "unpinned",
    "keep": "kept",
    "adopt": "adopted",
    "restore": "restored",
    "note": "noted",
    "mv": "moved",
    "reroll": "rolled again",
    "promote": "promoted",
    "upgrade": "upgraded",
    "prune": "pruned",
    "undo": "taken back",
}
_FEW: Final = 6  # so many pictures have a line each
_MAX_TARGETS: Final = 3
_LEVELS: Final = ("approve", "pin", "unpin", "note")
_ALREADY: Final[Mapping[str, str]] = {
    "pick": "the choice already",
    "approve": "approved already",
    "pin": "pinned already",
    "keep": "right for its words already",
    "adopt": "the choice already",
    "restore": "in its place already",
    "promote": "the choice already",
}
_NEW_PICTURE: Final = ("pick", "adopt", "reroll", "promote")


def decision_text(
    outcome: Outcome,
    followed: Followed | None,
    *,
    remarks: Sequence[str] = (),
    elsewhere: Sequence[str] = (),
    advice: str | None = None,
    realm: Realm = Realm.LIVE,
    flags: Sequence[str] = (),
    width: int = 80,
    style: Style = PLAIN,
) -> str:
    """No line is wider than `width`.

    `remarks` are about single pictures, `elsewhere` about the same ones in other locks, whose commands say so
    themselves; `advice` is about the project's set-up. `flags` belong to the commands that are told.
    """
    page = _Page(width, style, flags)
    if outcome.decisions or outcome.put_right:
        _decided(page, outcome)
    if outcome.unchanged:
        page.line(f"{_ALREADY.get(outcome.verb, 'so already')}: {names(outcome.unchanged)}", "dim")
    _refused(page, outcome)
    for remark in (*remarks, *(followed.said if followed else ())):
        page.line(f"  {remark}")
    for remark in elsewhere:
        page.line(f"  {remark}", flagged=False)
    if followed is not None:
        _consequences(page, outcome, followed, realm)
    if advice is not None:
        page.line(f"  {advice}", "dim", flagged=False)
    return "\n".join(page.lines)


class _Page:
    def __init__(self, width: int, style: Style, flags: Sequence[str]) -> None:
        self.lines: list[str] = []
        self._width, self._style, self._flags = max(width, 40), style, flags

    def line(self, text: str, *look: str, hint: str | None = None, flagged: bool = True) -> None:
        """A paragraph, wrapped; lines after the first stand further in."""
        flags = self._flags if flagged else ()
        text, hint = with_flags(text, flags), with_flags(hint, flags) if hint else None
        indent = len(text) - len(text.lstrip(" "))
        for number, part in enumerate(wrap(text.strip(), self._width - indent - 2)):
            self.lines.append(" " * (indent + 2 * bool(number)) + self._style.paint(part, *look))
        for number, part in enumerate(wrap(hint, self._width - indent - 4) if hint else ()):
            self.lines.append(" " * (indent + 2) + self._style.dim(("  " if number else "→ ") + part))

    def head(self, verb: str, rest: str) -> None:
        """The verb in bold, then what it came to."""
        first, *more = wrap(verb + rest, self._width - 4, first=self._width)
        self.lines += [self._style.bold(verb) + first.removeprefix(verb), *("    " + line for line in more)]


def _decided(page: _Page, outcome: Outcome) -> None:
    past = PAST[outcome.verb]
    told = [one for one in outcome.decisions if _is_told(one, outcome)]
    if outcome.verb == Verb.RESTORE:
        page.head(past, f" {names([*outcome.decided, *outcome.put_right])}")
    elif len(told) <= _FEW and (
        outcome.verb not in _LEVELS or any(_take(one.before) != _take(one.after) for one in told)
    ):
        for decision in told:
            page.head(past, f" {_choice(decision, moved=Verb.MOVE in (outcome.verb, outcome.undone))}")
    elif outcome.verb == Verb.MOVE:
        moved = [one.other or "" for one in told]
        page.head(past, f" {names(moved)} → {names([one.node for one in told])}")
    else:
        page.head(past, f" {names([one.node for one in told])}")
    note = outcome.decisions[0].note if outcome.decisions else None
    if note:
        page.line(f"  “{shown(note)}”", "dim")


def _is_told(decision: Decision, outcome: Outcome) -> bool:
    """A move is two lines, of which the one where the picture arrives is enough."""
    if decision.other not in outcome.decided:
        return True
    return decision.after is not None if decision.verb == Verb.MOVE else decision.before is None


def _choice(decision: Decision, *, moved: bool) -> str:
    """`hero: take 91ab3f2c0d1e, approved (was 3f2a…, auto)`; `moved` from another address, whose line stands beside."""
    before, after = decision.before, decision.after
    if moved:
        return f"{decision.other} → {decision.node}"
    if isinstance(before, str) or isinstance(after, str):
        return f"{decision.node.removeprefix('@resolved/')}: {before or 'nothing'} → {after or 'nothing'}"
    if isinstance(before, ImageEntry) and after is None:
        return f"{decision.node}: no picture is chosen (was {before.take.short}, {before.level})"
    if not isinstance(after, ImageEntry) or before == after:
        return decision.node
    text = f"{decision.node}: {after.take.short}, {_level(after)}"
    if isinstance(before, ImageEntry) and (before.take, before.level) != (after.take, after.level):
        was = before.take.short if before.take != after.take else "it"
        text += f" (was {was + ', ' if was != 'it' else ''}{_level(before)})"
    return text


def _level(entry: ImageEntry) -> str:
    """`approved`, or of a picture with looks `night, approved`."""
    return entry.level.value if entry.look is None else f"{entry.look}, {entry.level}"


def _refused(page: _Page, outcome: Outcome) -> None:
    """Why not; of several with one reason the first is told, and the others are named."""
    groups: dict[str, list[tuple[str, DecisionError]]] = {}
    for address, error in outcome.refused:
        groups.setdefault(error.message.replace(address, ""), []).append((address, error))
    for group in groups.values():
        _, error = group[0]
        page.line(f"not {PAST[outcome.verb]}: {error.message}", "yellow", hint=error.hint)
        if len(group) > 1:
            page.line(f"  likewise {names([address for address, _ in group[1:]])}")


def _consequences(page: _Page, outcome: Outcome, followed: Followed, realm: Realm) -> None:
    files = followed.written
    parts = [f"wrote {files[0]}" if len(files) == 1 else f"wrote {count(len(files), 'file')}"] * bool(files)
    parts += [f"made {count(followed.made, 'picture')} here"] * bool(followed.made)
    if parts:
        page.line("  " + " · ".join(parts))
    if followed.again:
        again = "is again the picture that was" if len(followed.again) == 1 else "are again the pictures that were"
        page.line(f"  {names(followed.again)} {again} made from it before, for nothing")
    if followed.anew:
        reasons = [one.sentence() for one in followed.anew[0].reasons if not isinstance(one, ReplacesApproved)]
        why = reasons[0] if reasons else "it has changed"
        which = names([node.address for node in followed.anew])
        one = len(followed.anew) == 1
        several = [node.address for node in followed.anew]
        targets = " ".join(several if len(several) <= _MAX_TARGETS else dict.fromkeys(map(definition_of, several)))
        keep = f"`seedpipe keep {targets}` says that {'it is' if one else 'they are'} right all the same"
        cost = sum_of((node.cost for node in followed.anew), followed.cost.high.currency)
        price = f", for {range_words(cost)}" if realm is Realm.LIVE and cost.high else ""
        page.line(f"  the next build replaces {which} ({why}){price}: {keep}", "yellow")
    for node in followed.edited:
        page.line(
            f"  {node.output} was edited by somebody and stays: `seedpipe restore {node.address}` writes over it,"
            f" `seedpipe adopt {node.address}` makes it the picture",
            "yellow",
        )
    decided = set(outcome.decided)
    here = [address for address in followed.stays if address in decided]
    if here:
        page.line(
            f"  what {names(here)} {'is' if len(here) == 1 else 'are'} made from has changed, and the choice stays all the"
            " same: name it in a build to have it made anew"
        )
    stays = [address for address in followed.stays if address not in decided]
    if stays:
        stay = "stays as it is, kept on purpose" if len(stays) == 1 else "stay as they are, kept on purpose"
        page.line(f"  {names(stays)} {stay}: name a picture in a build to have it follow")
    if followed.buys:
        page.line(f"  {_cascade(followed, realm)}")
    elif followed.pending and outcome.verb in _NEW_PICTURE:
        be = "is" if followed.pending == 1 else "are"
        price = f", {range_words(followed.pending_cost)}" if realm is Realm.LIVE else ""
        page.line(f"  {count(followed.pending, 'picture')} made from it {be} to be bought in any case{price}", "dim")
    elif followed.below and not followed.made and not followed.again and outcome.verb in _NEW_PICTURE:
        page.line("  nothing that is made from it is to be bought", "dim")


def _cascade(followed: Followed, realm: Realm) -> str:
    """`3 pictures are made from it; following it costs 0.12 USD: seedpipe build hero+`.

    The command also buys what was to be bought before, and a decided picture that is replaced: then its whole price is
    said, too.
    """
    number, decided = len(followed.buys), followed.decided
    be, it = "is" if number == 1 else "are", "it" if len(decided) == 1 else "them"
    what = names([node.address for node in followed.buys])
    command = " ".join(["seedpipe build", *(f"{address}+" for address in decided if len(decided) <= _MAX_TARGETS)])
    made = f"{count(number, 'picture')} {be} made from {it} ({what})"
    if realm is Realm.PROOF:
        return f"{made}: `{command}` draws what follows"
    following = f"{made}; following {it} costs {range_words(followed.cost)}"
    replaced = sum_of((node.cost for node in followed.anew), followed.cost.high.currency)
    whole = followed.cost + followed.pending_cost + replaced
    if not followed.pending and replaced.high:
        return f"{following}; `{command}` does both for {range_words(whole)}"
    if not followed.pending:
        return f"{following}: `{command}`"
    number += sum(bool(node.cost.high) for node in followed.anew)
    return (
        f"{following}. {followed.pending:,} more {'is' if followed.pending == 1 else 'are'} to be bought in any case:"
        f" `{command}` buys all {number + followed.pending:,} for {range_words(whole)}"
    )


def undone_words(act: Act) -> str:
    """Which decision was taken back."""
    first = act.lines[0]
    when = first.at[:16].replace("T", " ")
    return f"that was: {PAST.get(act.verb, shown(act.verb))} by {shown(first.who.partition(' <')[0])}, {when} UTC"


def _take(value: Value) -> object:
    return value.take if isinstance(value, ImageEntry) else value


def names(addresses: Sequence[str]) -> str:
    """A few by name, more by pattern: `scene/* ×6`."""
    unique = list(dict.fromkeys(addresses))
    if len(unique) <= 3:
        return ", ".join(unique)
    entries: dict[str, list[str]] = {}
    for address in unique:
        entries.setdefault(definition_of(address), []).append(address)
    listed = [pattern(group) + (f" ×{len(group):,}" if len(group) > 1 else "") for group in entries.values()]
    return ", ".join(listed[:4]) + (f" and {len(listed) - 4} more" if len(listed) > 4 else "")
