"""Our ledger beside a provider's usage export: what agrees, what only one side has, where amounts differ. Pure.

Requests are compared by their ids where both sides have one, else by day and model, as counts and sums. Nothing is
changed by it: what a person may say about uncertain charges is only suggested.
"""

from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

from seedpipe.money import Money
from seedpipe.review.fitting import Cluster, at_most, clusters
from seedpipe.review.usage import Usage
from seedpipe.state.ledger import Entry, totals


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """One request of ours and the lines of theirs with its id, or (`by_time`) the line that fits its time.

    `among`: so many requests were fitted by as many lines, so that each was billed.
    """

    ours: Entry
    theirs: Sequence[Usage]
    by_time: bool = False
    among: int = 1

    @property
    def pictures(self) -> tuple[int, int | None]:
        """How many we have as charged, and how many they bill."""
        billed = [row.images for row in self.theirs if row.images is not None]
        return _pictures(self.ours), sum(billed) if billed else None

    @property
    def amounts(self) -> tuple[Money, Money | None]:
        """What we have as charged, and what they bill; None where their lines don't say one amount."""
        (line,) = totals([self.ours])
        return line.charged + line.under_way, _sum(row.amount for row in self.theirs)

    @property
    def differs(self) -> bool:
        """An uncertain charge that they do bill is no difference: it is an answer."""
        if self.ours.state == "unknown":
            return False
        (have, billed), (charged, amount) = self.pictures, self.amounts
        return (billed is not None and billed != have) or (amount is not None and amount != charged)


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """What has no ids to compare, of one day (or month) and model."""

    day: str
    model: str
    ours: Sequence[Entry]
    theirs: Sequence[Usage]

    @property
    def certain(self) -> Sequence[Entry]:
        return [entry for entry in self.ours if entry.state != "unknown"]

    @property
    def uncertain(self) -> Sequence[Entry]:
        return [entry for entry in self.ours if entry.state == "unknown"]

    @property
    def billed(self) -> int:
        """Their pictures; a line that names no number is one."""
        return sum(1 if row.images is None else row.images for row in self.theirs)

    @property
    def amount(self) -> Money | None:
        return _sum(row.amount for row in self.theirs)

    def fits(self, entries: Sequence[Entry]) -> bool:
        """Whether these are exactly what they bill: by amount and by pictures where they say them, else by lines."""
        amount = self.amount
        counted = any(row.images is not None for row in self.theirs)
        if amount is not None and (_sum(map(at_most, entries)) or Money.zero(amount.currency)) != amount:
            return False
        if counted:
            return self.billed == sum(map(_pictures, entries))
        return amount is not None or len(self.theirs) == len(entries)

    @property
    def agrees(self) -> bool:
        return not self.uncertain and self.fits(self.certain)


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """A word that a person may say about a charge, and why."""

    entry: Entry
    paid: bool
    why: str
    amount: Money | None = None  # what they bill, where that is known and not all that was reserved

    @property
    def command(self) -> str:
        node = self.entry.parts[0].address
        word = "--paid" if self.paid else "--not-paid"
        amount = "" if self.amount is None else f' --amount "{self.amount}"'
        return f"seedpipe resolve {node} {word}{amount} --request {self.entry.request}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciliation:
    """`first` and `last` are the days that the export speaks of. `other_models` are lines for models that we don't know.

    `compared` counts the requests of ours of these days; `elsewhere` are uncertain charges of ours of other days.
    `unclear` are requests and lines that fit one another, in a number by which nobody can tell who was billed.
    `ids_differ`: both sides have ids, and not one is the same.
    """

    first: str
    last: str
    compared: int
    elsewhere: Sequence[Entry]
    unclear: Sequence[Cluster]
    ids_differ: bool
    matched: Sequence[Match]
    ours_only: Sequence[Entry]
    theirs_only: Sequence[Usage]
    other_models: Sequence[Usage]
    groups: Sequence[Group]
    suggestions: Sequence[Suggestion]

    @property
    def differing(self) -> Sequence[Match]:
        return [match for match in self.matched if match.differs]

    @property
    def agrees(self) -> bool:
        """Nothing is left that a person has to look at."""
        whole = all(group.agrees for group in self.groups)
        return whole and not (self.differing or self.ours_only or self.theirs_only or self.suggestions)


def reconcile(
    entries: Sequence[Entry],
    released: Sequence[Entry],
    rows: Sequence[Usage],
    *,
    model_of: Callable[[str], str | None],
    zone: timezone,
) -> Reconciliation:
    """`released` were said not to be charged; `model_of` gives our name for a model of theirs. `rows` are not empty."""
    whole_months = any(len(row.day) == 7 for row in rows)
    size = 7 if whole_months else 10
    first, last = min(row.day[:size] for row in rows), max(row.day[:size] for row in rows)

    def day_of(entry: Entry) -> str:
        return str(datetime.fromisoformat(entry.at).astimezone(zone).date())[:size]

    free = {entry.request for entry in released}
    ours = [entry for entry in entries if first <= day_of(entry) <= last]
    by_id, left, rest = _by_id([*ours, *released], rows)
    left = [entry for entry in left if entry.request not in free]
    nameless = [entry for entry in left if entry.state == "unknown" or entry.request_id is None]
    found = clusters(nameless, rest, model_of)
    by_time = _by_time(found)
    timely = {match.ours.request for match in by_time}, {row.line for match in by_time for row in match.theirs}
    left = [entry for entry in left if entry.request not in timely[0]]
    rest = [row for row in rest if row.line not in timely[1]]
    other = [row for row in rest if row.model is not None and model_of(row.model) is None]
    rest = [row for row in rest if row.model is None or model_of(row.model) is not None]
    without = [row for row in rest if row.request_id is None]
    some_have_none = any(row.request_id is None for row in rows)
    all_have_none = all(row.request_id is None for row in rows)
    compared = [entry for entry in left if all_have_none or (some_have_none and entry.request_id is None)]
    grouped = {entry.request for entry in compared}
    ours_only = [entry for entry in left if entry.request not in grouped]
    theirs_only = [row for row in rest if row.request_id is not None]
    groups = _groups(
        compared,
        without,
        lambda entry: (day_of(entry), entry.model),
        lambda row: (row.day[:size], model_of(row.model) or row.model if row.model else ""),
    )
    unclear = {(row.day[:size], model_of(row.model) if row.model else None) for row in theirs_only}
    missing = [entry for entry in ours_only if not {(day_of(entry), entry.model), (day_of(entry), None)} & unclear]
    matches = [*by_id, *by_time]
    return Reconciliation(
        first=first,
        last=last,
        compared=len(ours),
        elsewhere=[entry for entry in entries if entry.state == "unknown" and not first <= day_of(entry) <= last],
        unclear=[cluster for cluster in found if not cluster.pairs],
        ids_differ=not by_id and any(row.request_id for row in rows) and any(entry.request_id for entry in ours),
        matched=matches,
        ours_only=ours_only,
        theirs_only=theirs_only,
        other_models=other,
        groups=groups,
        suggestions=[*_of_matches(matches, free), *_of_missing(missing), *_of_groups(groups)],
    )


def _by_id(entries: Sequence[Entry], rows: Sequence[Usage]) -> tuple[list[Match], list[Entry], list[Usage]]:
    known = {id_: entry for entry in entries for id_ in entry.ids}
    found: dict[str, list[Usage]] = defaultdict(list)
    rest = []
    for row in rows:
        entry = known.get(row.request_id or "")
        if entry is None:
            rest.append(row)
        else:
            found[entry.request].append(row)
    matches = [Match(ours=entry, theirs=found[entry.request]) for entry in entries if entry.request in found]
    return matches, [entry for entry in entries if entry.request not in found], rest


def _by_time(found: Iterable[Cluster]) -> list[Match]:
    return [
        Match(ours=entry, theirs=[row], by_time=True, among=len(cluster.pairs))
        for cluster in found
        for entry, row in cluster.pairs
    ]


def _groups(
    entries: Iterable[Entry],
    rows: Iterable[Usage],
    of_entry: Callable[[Entry], tuple[str, str]],
    of_row: Callable[[Usage], tuple[str, str]],
) -> list[Group]:
    ours: dict[tuple[str, str], list[Entry]] = defaultdict(list)
    theirs: dict[tuple[str, str], list[Usage]] = defaultdict(list)
    for entry in entries:
        ours[of_entry(entry)].append(entry)
    for row in rows:
        theirs[of_row(row)].append(row)
    return [
        Group(day=day, model=model, ours=ours.get((day, model), []), theirs=theirs.get((day, model), []))
        for day, model in sorted({*ours, *theirs})
    ]


def _of_matches(matches: Iterable[Match], free: Container[str]) -> list[Suggestion]:
    found = []
    for match in matches:
        line = match.theirs[0].line
        if match.ours.request in free:
            why = f"said to be free, and billed in line {line}"
            found.append(Suggestion(entry=match.ours, paid=True, why=why, amount=_billed(match)))
        elif match.ours.state == "unknown":
            sure = "the only line that fits its time" if match.by_time else "it has its id"
            if match.among > 1:
                sure = f"{match.among} lines fit the times of {match.among} requests, so each was billed"
            why = f"billed in line {line}: {sure}"
            found.append(Suggestion(entry=match.ours, paid=True, why=why, amount=_billed(match)))
    return found


def _billed(match: Match) -> Money | None:
    """What they bill, where it is less than all that `--paid` would write down."""
    amount, most = match.amounts[1], at_most(match.ours)
    return amount if amount is not None and amount.currency == most.currency and amount < most else None


def _of_missing(ours_only: Iterable[Entry]) -> list[Suggestion]:
    why = "no line of theirs has its id or fits its time"
    return [Suggestion(entry=entry, paid=False, why=why) for entry in ours_only if entry.state == "unknown"]


def _of_groups(groups: Iterable[Group]) -> list[Suggestion]:
    found = []
    for group in groups:
        if not group.uncertain:
            continue
        if group.fits(group.certain):
            why = f"of {group.day} they bill exactly what came"
            found += [Suggestion(entry=entry, paid=False, why=why) for entry in group.uncertain]
        elif group.fits(group.ours):
            why = f"of {group.day} they bill exactly what came and this"
            found += [Suggestion(entry=entry, paid=True, why=why) for entry in group.uncertain]
    return found


def charged_of(entries: Sequence[Entry]) -> Money | None:
    """None for nothing, and where currencies differ."""
    return _sum(line.charged for line in totals(entries))


def _pictures(entry: Entry) -> int:
    """All that may be billed of it: what came, and of an uncertain one the rest."""
    return sum(part.came or bool(part.uncertain or part.charged or part.under_way) for part in entry.parts)


def _sum(amounts: Iterable[Money | None]) -> Money | None:
    """None where an amount is missing or the currencies differ."""
    found = list(amounts)
    known = [amount for amount in found if amount is not None]
    if not known or len(known) < len(found) or len({amount.currency for amount in known}) > 1:
        return None
    return sum(known[1:], known[0])
