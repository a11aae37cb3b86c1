"""Requests that never got an answer beside lines of a bill that nobody's id claims: who fits whom, by time. Pure.

One line is one request. Where as many lines fit as there are requests, each of them was billed, whichever is whose;
where fewer do, nobody can tell which, and nothing is guessed.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from seedpipe.money import Money
from seedpipe.review.usage import Usage
from seedpipe.state.ledger import Entry, totals

_BEFORE: Final = timedelta(minutes=1)  # two clocks
_AFTER: Final = timedelta(minutes=20)  # the longest request, and their bookkeeping


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """Requests and lines that fit one another, and nobody else. `pairs` is empty where it can't be told."""

    entries: Sequence[Entry]
    rows: Sequence[Usage]
    pairs: Sequence[tuple[Entry, Usage]]


def clusters(
    entries: Sequence[Entry], rows: Sequence[Usage], model_of: Callable[[str], str | None]
) -> Sequence[Cluster]:
    """`entries` have no id of theirs. Those that no line fits are in none."""
    fitting = {entry.request: [row for row in rows if _fits(entry, row, model_of)] for entry in entries}
    by_id = {entry.request: entry for entry in entries}
    found = []
    for names, lines in _connected({name: {row.line for row in fit} for name, fit in fitting.items() if fit}):
        members = [by_id[name] for name in names]
        of_them = [row for row in rows if row.line in lines]
        pairs = _paired(members, fitting) if len(members) == len(of_them) else []
        found.append(Cluster(entries=members, rows=of_them, pairs=pairs))
    return found


def _fits(entry: Entry, row: Usage, model_of: Callable[[str], str | None]) -> bool:
    sent = datetime.fromisoformat(entry.at)
    same = row.model is None or model_of(row.model) == entry.model
    few = row.images is None or row.images <= len(entry.parts)
    return row.at is not None and same and few and sent - _BEFORE <= row.at <= sent + _AFTER


def _connected(fitting: Mapping[str, set[int]]) -> Iterator[tuple[list[str], set[int]]]:
    """Requests that share a line, directly or through others, and all their lines."""
    left = dict(fitting)
    while left:
        name, lines = next(iter(left.items()))
        del left[name]
        names, lines = [name], set(lines)
        while more := [other for other, its in left.items() if its & lines]:
            for other in more:
                names.append(other)
                lines |= left.pop(other)
        yield names, lines


def _paired(entries: Sequence[Entry], fitting: Mapping[str, Sequence[Usage]]) -> Sequence[tuple[Entry, Usage]]:
    """Each request with a line of its own, those of its very amount or number first; empty if there is no such way."""
    exact = {entry.request: [row for row in fitting[entry.request] if _is_exactly(entry, row)] for entry in entries}
    for choice in (exact, fitting):
        taken: dict[int, Entry] = {}
        if all(_find_line(entry, choice, taken, set()) for entry in entries):
            rows = {row.line: row for fit in fitting.values() for row in fit}
            return [(entry, rows[line]) for line, entry in taken.items()]
    return []


def _find_line(entry: Entry, choice: Mapping[str, Sequence[Usage]], taken: dict[int, Entry], tried: set[int]) -> bool:
    """A line for `entry`; who has it already moves to another, if there is one."""
    for row in choice[entry.request]:
        if row.line in tried:
            continue
        tried.add(row.line)
        if row.line not in taken or _find_line(taken[row.line], choice, taken, tried):
            taken[row.line] = entry
            return True
    return False


def _is_exactly(entry: Entry, row: Usage) -> bool:
    if row.amount is not None and row.amount != at_most(entry):
        return False
    return row.images is None or row.images == len(entry.parts)


def at_most(entry: Entry) -> Money:
    """What was charged of it, and what may have been."""
    (line,) = totals([entry])
    return line.charged + line.uncertain + line.under_way
