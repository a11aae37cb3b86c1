"""`spend reconcile` for people and for programs. Pure."""

from collections.abc import Sequence
from typing import Any, Final

from seedpipe.display import PLAIN, Style, fit, shown, wrap
from seedpipe.review.fitting import Cluster
from seedpipe.review.plan_text import MIN_WIDTH
from seedpipe.review.reconcile import Group, Match, Reconciliation, Suggestion, charged_of
from seedpipe.review.usage import Usage, UsageFile
from seedpipe.review.words import count
from seedpipe.state.held import minute_text
from seedpipe.state.ledger import Entry, totals

_MOST: Final = 50  # lines of one kind
_FEW: Final = 6  # names on one line


def reconcile_text(
    name: str, file: UsageFile, found: Reconciliation, *, provider: str, width: int = 80, style: Style = PLAIN
) -> str:
    """`name` is the export's; `provider` is whose requests of ours stand beside it."""
    page = _Page(max(width, MIN_WIDTH), style)
    read = ", ".join(f"{field} from `{header}`" for field, header in file.columns.items())
    period = found.first if found.first == found.last else f"{found.first} to {found.last}"
    page.title(f"{name} · {period} · {count(len(file.rows), 'line')} understood")
    page.note(f"read as: {read}{_left_aside(file)}")
    page.note(_compared_words(found, provider))
    if found.matched:
        page.section("matched", [_matched_words(found)])
    page.section("agree by day and model", map(_group_words, (group for group in found.groups if group.agrees)))
    page.section("amounts or pictures differ", map(_differing_words, found.differing), "red")
    page.section("differ by day and model", map(_group_words, (one for one in found.groups if not one.agrees)), "red")
    page.section("ours, not theirs", map(_entry_words, found.ours_only), "red")
    page.section("theirs, not ours", map(_usage_words, found.theirs_only), "red")
    page.section("theirs, of models that are none of ours", map(_usage_words, found.other_models))
    page.section("can't be told", map(_cluster_words, found.unclear), "yellow")
    if found.ids_differ:
        header = file.columns.get("id", "")
        words = f"no id of theirs (`{header}`) is one of ours: if another column has it, say `--columns id=…`"
        page.section("ids", [words], "yellow")
    page.section("not understood", (f"line {line}: {why}" for line, why in file.faults), "yellow")
    page.suggestions(found.suggestions)
    nothing = not (found.compared or found.theirs_only or found.groups)
    if nothing:
        page.lines += ["", "  " + style.yellow("there was nothing to compare")]
    elif found.agrees and not file.faults:
        page.lines += ["", "  " + style.green("both sides agree")]
    page.lines += ["", *("  " + style.dim(line) for line in wrap("nothing was changed by this", page.width - 2))]
    return "\n".join(page.lines)


def _left_aside(file: UsageFile) -> str:
    """What no column was found for, and the columns that say nothing to us then."""
    missing = [field for field in ("id", "model", "images", "amount") if field not in file.columns]
    rest = ", ".join(f"`{header}`" for header in file.others[:_FEW])
    return f"; nothing tells {', '.join(missing)}; left aside: {rest}" if missing and rest else ""


def _compared_words(found: Reconciliation, provider: str) -> str:
    ours = f"beside it: {count(found.compared, 'request')} of yours at {provider} in these days, of all your projects"
    if not found.elsewhere:
        return ours
    days = sorted({entry.day for entry in found.elsewhere})
    span = days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"
    return f"{ours}; {count(len(found.elsewhere), 'uncertain charge')} of other days ({span}) not compared"


def _cluster_words(cluster: Cluster) -> str:
    lines = ", ".join(str(row.line) for row in cluster.rows[:_FEW]) + (" …" if len(cluster.rows) > _FEW else "")
    names = ", ".join(_name(entry) for entry in cluster.entries[:_FEW]) + (" …" if len(cluster.entries) > _FEW else "")
    which = f"{count(len(cluster.rows), 'line')} ({lines}) for {count(len(cluster.entries), 'request')} ({names})"
    return f"{which} whose times fit: which of them was billed only the provider knows"


def reconcile_data(file: UsageFile, found: Reconciliation) -> dict[str, Any]:
    return {
        "seedpipe_reconcile": 1,
        "first": found.first,
        "last": found.last,
        "agrees": found.agrees and not file.faults,
        "compared": found.compared,
        "elsewhere": [_entry_data(entry) for entry in found.elsewhere],
        "unclear": [
            {"ours": [_entry_data(entry) for entry in one.entries], "lines": [row.line for row in one.rows]}
            for one in found.unclear
        ],
        "columns": dict(file.columns),
        "matched": [_match_data(match) for match in found.matched],
        "ours_only": [_entry_data(entry) for entry in found.ours_only],
        "theirs_only": [_usage_data(row) for row in found.theirs_only],
        "other_models": [_usage_data(row) for row in found.other_models],
        "groups": [_group_data(group) for group in found.groups],
        "suggestions": [
            {
                "project": one.entry.project,
                "request": one.entry.request,
                "word": "paid" if one.paid else "not paid",
                "why": one.why,
                "command": one.command,
            }
            for one in found.suggestions
        ],
        "not_understood": [{"line": line, "why": why} for line, why in file.faults],
    }


class _Page:
    """Lines under way."""

    def __init__(self, width: int, style: Style) -> None:
        self.width, self.style = width, style
        self.lines: list[str] = []

    def title(self, text: str) -> None:
        self.lines.append(self.style.bold(fit(shown(text), self.width)))

    def note(self, text: str) -> None:
        self.lines += [self.style.dim("  " + line) for line in wrap(shown(text), self.width - 2)]

    def section(self, name: str, words: Any, color: str = "green") -> None:
        """`words` are sentences; none, no section."""
        sentences = list(words)
        if not sentences:
            return
        number = "" if name == "matched" else f"  {len(sentences):,}"
        self.lines += ["", f"  {self.style.paint(name, 'bold', color)}{number}"]
        for sentence in sentences[:_MOST]:
            for index, line in enumerate(wrap(shown(sentence), self.width - 6)):
                self.lines.append(f"    {'  ' if index else ''}{line}")
        if len(sentences) > _MOST:
            self.lines.append(self.style.dim(f"    and {len(sentences) - _MOST:,} more: `--json` has them all"))

    def suggestions(self, found: Sequence[Suggestion]) -> None:
        if not found:
            return
        self.lines += ["", f"  {self.style.bold('what you may say now')}"]
        for one in found[:_MOST]:
            self.lines += [f"    {line}" for line in wrap(shown(f"{one.entry.project}: {one.why}"), self.width - 6)]
            self.lines.append(f"      {one.command}")
        if len(found) > _MOST:
            self.lines.append(self.style.dim(f"    and {len(found) - _MOST:,} more: `--json` has them all"))


def _matched_words(found: Reconciliation) -> str:
    pictures = sum(match.pictures[0] for match in found.matched)
    amounts = " and ".join(str(line.charged) for line in totals(match.ours for match in found.matched))
    by_time = sum(match.by_time for match in found.matched)
    timely = f", {by_time} of them by time alone" if by_time else ""
    return f"{count(len(found.matched), 'request')}{timely}: {count(pictures, 'picture')}, {amounts}"


def _differing_words(match: Match) -> str:
    (have, billed), (charged, amount) = match.pictures, match.amounts
    lines = ", ".join(str(row.line) for row in match.theirs)
    parts = [f"{_name(match.ours)}: ours {count(have, 'picture')}, {charged}"]
    theirs = [count(billed, "picture")] if billed is not None else []
    theirs += [str(amount)] if amount is not None else []
    return f"{parts[0]}; theirs {', '.join(theirs)} (line {lines})"


def _entry_words(entry: Entry) -> str:
    (line,) = totals([entry])
    sure = f"{line.uncertain} uncertain" if entry.state == "unknown" else f"{line.charged} charged"
    id_ = entry.request_id or f"{entry.client_request_id} (ours)"
    return f"{_name(entry)}  {minute_text(entry.at)}  {sure}  id {id_}"


def _usage_words(row: Usage) -> str:
    parts = [f"line {row.line}", row.day, row.model or "", "" if row.images is None else count(row.images, "picture")]
    parts += ["" if row.amount is None else str(row.amount), "" if row.request_id is None else f"id {row.request_id}"]
    return "  ".join(part for part in parts if part)


def _group_words(group: Group) -> str:
    have = sum(part.came for entry in group.ours for part in entry.parts)
    sum_ = charged_of(group.ours)
    charged = "" if sum_ is None else f", {sum_}"
    unsure = f", {count(len(group.uncertain), 'request')} uncertain" if group.uncertain else ""
    amount = "" if group.amount is None else f", {group.amount}"
    ours = f"ours {count(have, 'picture')}{charged}{unsure}"
    return f"{group.day}  {group.model or '(no model)'}: {ours}; theirs {count(group.billed, 'picture')}{amount}"


def _name(entry: Entry) -> str:
    names = list(dict.fromkeys(part.address for part in entry.parts))
    return names[0] + (f" and {len(names) - 1} more" if len(names) > 1 else "")


def _match_data(match: Match) -> dict[str, Any]:
    (have, billed), (charged, amount) = match.pictures, match.amounts
    return {
        **_entry_data(match.ours),
        "lines": [row.line for row in match.theirs],
        "by_time": match.by_time,
        "differs": match.differs,
        "ours": {"pictures": have, "amount": str(charged)},
        "theirs": {"pictures": billed, "amount": None if amount is None else str(amount)},
    }


def _entry_data(entry: Entry) -> dict[str, Any]:
    (line,) = totals([entry])
    return {
        "project": entry.project,
        "nodes": list(dict.fromkeys(part.address for part in entry.parts)),
        "request": entry.request,
        "request_id": entry.request_id,
        "client_request_id": entry.client_request_id,
        "sent_at": entry.at,
        "state": entry.state,
        "charged": str(line.charged),
        "uncertain": str(line.uncertain),
    }


def _usage_data(row: Usage) -> dict[str, Any]:
    return {
        "line": row.line,
        "day": row.day,
        "model": row.model,
        "pictures": row.images,
        "amount": None if row.amount is None else str(row.amount),
        "request_id": row.request_id,
    }


def _group_data(group: Group) -> dict[str, Any]:
    return {
        "day": group.day,
        "model": group.model,
        "agrees": group.agrees,
        "ours": [_entry_data(entry) for entry in group.ours],
        "lines": [row.line for row in group.theirs],
        "theirs": {"pictures": group.billed, "amount": None if group.amount is None else str(group.amount)},
    }
