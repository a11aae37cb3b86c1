"""What a hand has broken in the lock and in the record of decisions, line by line. Pure.

Reading takes a line or refuses the file; here every line is looked at, also at what reads and can't be right.
"""

import json
import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from seedpipe.canonical import canonical_json, json_trouble
from seedpipe.catalogue.lookup import Catalogue
from seedpipe.errors import Fault, Severity, StateError
from seedpipe.money import Money
from seedpipe.names import Digest
from seedpipe.source import Position
from seedpipe.state.decisions import Decision, is_torn, read_decisions
from seedpipe.state.lock import CONFLICTS, HEADER, PROJECT, RESOLVED, Entry, ImageEntry, Level, read_entry

_FROM_GIT: Final = "restore the line from git: `git log -p {file}` shows it"
_PIXELS: Final = re.compile(r"([1-9][0-9]{0,5})x([1-9][0-9]{0,5})\Z")
_GARBLED: Final = (ValueError, KeyError, TypeError, AttributeError, RecursionError)
_DIGESTS: Final = ("want", "own", "take", "recipe", "source", "pixels", "output")


def lock_faults(text: str, *, file: str, catalogue: Catalogue) -> Sequence[Fault]:
    """Errors for lines that can't be true, warnings for what does no harm.

    Nothing where `text` has conflict markers or is no lock: reading says that.
    """
    lines = text.split("\n")
    if not lines[0].startswith(HEADER) or any(line.startswith(CONFLICTS) for line in lines):
        return ()
    faults: list[Fault] = []
    seen: dict[str, int] = {}
    misplaced = _out_of_order(lines)
    for number, line in enumerate(lines[1:], start=2):
        if not line.strip():
            continue
        name = line.partition(" ")[0]
        place = _Place(file, number, line, name)
        if name in seen:
            faults.append(
                place.error(f"it stands twice, also in line {seen[name]}", 1, hint="keep one of the two lines")
            )
        elif number in misplaced:
            hint = "nothing is lost by it; a merge by git is, where lines aren't sorted: move it to its place"
            faults.append(place.warning("it isn't in its place: lines are sorted by name", 1, hint=hint))
        seen.setdefault(name, number)
        faults += _line(place, catalogue)
    return faults


def _out_of_order(lines: Sequence[str]) -> frozenset[int]:
    """Numbers of the fewest lines that would have to move for all to be sorted (by a longest sorted run); each name once."""
    ends: list[tuple[int, str]] = []  # the least last line of a sorted run of each length
    at: list[int] = []
    before: dict[int, int | None] = {}
    names = set[str]()
    for number, line in enumerate(lines[1:], start=2):
        name = line.partition(" ")[0]
        if not line.strip() or name in names:
            continue
        names.add(name)
        order = (0 if name == PROJECT else 1 if name.startswith(RESOLVED) else 2, name)
        length = bisect_right(ends, order)
        before[number] = at[length - 1] if length else None
        ends[length : length + 1], at[length : length + 1] = [order], [number]
    sorted_run, number_of = set[int](), at[-1] if at else None
    while number_of is not None:
        sorted_run.add(number_of)
        number_of = before[number_of]
    return frozenset(before.keys() - sorted_run)


class _Place:
    """One line, and the faults that can be in it."""

    def __init__(self, file: str, number: int, line: str, name: str) -> None:
        self.file, self.number, self.line, self.name = file, number, line, name

    @property
    def body(self) -> str:
        return self.line[len(self.name) + 1 :]

    def column_of(self, key: str) -> int:
        """Where the value of `key` begins, from 1; else where the body does."""
        found = re.search(rf'"{re.escape(key)}"\s*:\s*', self.line)
        return found.end() + 1 if found else min(len(self.name) + 2, len(self.line) + 1)

    def error(self, words: str, column: int, *, hint: str | None = None) -> Fault:
        return self._fault(words, column, Severity.ERROR, hint or _FROM_GIT.format(file=self.file))

    def warning(self, words: str, column: int, *, hint: str) -> Fault:
        return self._fault(words, column, Severity.WARNING, hint)

    def _fault(self, words: str, column: int, severity: Severity, hint: str) -> Fault:
        return Fault(
            code="lock-line",
            message=f"`{self.name}`: {words}",
            position=Position(self.file, self.number, column),
            hint=hint,
            severity=severity,
        )


def _line(place: _Place, catalogue: Catalogue) -> Iterator[Fault]:
    try:
        value = json.loads(place.body)
    except (ValueError, RecursionError) as error:
        column = len(place.name) + 1 + (error.colno if isinstance(error, json.JSONDecodeError) else 1)
        yield place.error(f"what follows the name is no JSON: {json_trouble(error)}", column)
        return
    if place.name == PROJECT:
        if not isinstance(value, dict) or not isinstance(value.get("id"), str):
            yield place.error('the project\'s id should stand here, like `{"id":"lamps"}`', len(place.name) + 2)
    elif place.name.startswith(RESOLVED):
        yield from _resolved(place, value, catalogue)
    else:
        broken = list(_entry(place, value))
        yield from broken
        if any(fault.severity is Severity.ERROR for fault in broken):
            return
    if _canonical(value) != place.body:
        yield place.warning(
            "the line isn't written as seedpipe writes it: keys sorted, no blanks",
            len(place.name) + 2,
            hint="it is read all the same, and written anew with the next choice of it",
        )


def _canonical(value: Any) -> str | None:
    try:
        return canonical_json(value)
    except _GARBLED:
        return None


def _entry(place: _Place, value: Any) -> Iterator[Fault]:
    if not isinstance(value, dict):
        yield place.error("an entry is a JSON object", len(place.name) + 2)
        return
    found = [*_digests(place, value), *_level(place, value)]
    if found:
        yield from found
        return
    try:
        entry = read_entry(value)
    except _GARBLED as error:
        what = f"`{error.args[0]}` is missing" if isinstance(error, KeyError) else str(error)
        yield place.error(what, len(place.name) + 2)
        return
    yield from _unknown_fields(place, value, entry)
    if isinstance(entry, ImageEntry):
        yield from _image(place, entry)


def _digests(place: _Place, value: Mapping[str, Any]) -> Iterator[Fault]:
    made = value.get("made")
    of_made = {"request": made["request"]} if isinstance(made, dict) and "request" in made else {}
    listed = value.get("takes")
    given = [(key, value[key]) for key in _DIGESTS if key in value] + list(of_made.items())
    given += [("takes", take) for take in listed] if isinstance(listed, list) else []
    for key, digest in given:
        try:
            Digest.parse(digest)
        except _GARBLED:
            words = f"`{key}` holds {digest!r}, which is no digest: `sha256:` and 64 hexadecimal digits"
            yield place.error(words, place.column_of(key))


def _level(place: _Place, value: Mapping[str, Any]) -> Iterator[Fault]:
    level = value.get("level")
    if level is not None and level not in list(Level):
        words = f"`level` is {level!r}; it is one of {', '.join(f'`{one}`' for one in Level)}"
        yield place.error(words, place.column_of("level"))


def _unknown_fields(place: _Place, value: Mapping[str, Any], entry: Entry) -> Iterator[Fault]:
    for key in value.keys() - entry.to_dict().keys():
        hint = "a newer seedpipe may have written it; if a hand has, take it out"
        if value[key]:  # an empty one says nothing
            yield place.warning(
                f"`{key}` is no field of such a line; it is lost when the line is written",
                place.column_of(key),
                hint=hint,
            )


def _image(place: _Place, entry: ImageEntry) -> Iterator[Fault]:
    if entry.take not in entry.takes:
        words = f"the chosen take {entry.take.short} is not among its takes"
        hint = f"restore the line from git, or `seedpipe pick {place.name} TAKE` chooses again"
        yield place.error(words, place.column_of("take"), hint=hint)
    if not _is_time(entry.made.at):
        words = f"`made.at` is {entry.made.at!r}, which is no time like `2026-11-25T10:03:00.000Z`"
        yield place.warning(words, place.column_of("at"), hint=_FROM_GIT.format(file=place.file))
    if entry.made.cost is not None and not _is_money(entry.made.cost):
        words = f"`made.cost` is {entry.made.cost!r}, which is no amount like `0.04 USD`"
        yield place.warning(
            words, place.column_of("cost"), hint="the journal has what was paid; restore the line from git"
        )


def _is_time(text: Any) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except _GARBLED:
        return False


def _is_money(text: Any) -> bool:
    try:
        Money.parse(text)
    except _GARBLED:
        return False
    return True


def _resolved(place: _Place, value: Any, catalogue: Catalogue) -> Iterator[Fault]:
    column = len(place.name) + 2
    kind, _, rest = place.name.removeprefix(RESOLVED).partition("/")
    if not isinstance(value, str):
        yield place.error("what the catalogue decided is text", column)
    elif kind == "model":
        if value not in catalogue.models:
            # not an error: a catalogue may lose a model whose pictures are paid; a plan that needs it says so itself
            hint = "if a hand has written it, restore the line from git; without it the catalogue decides anew"
            yield place.warning(f"the catalogue has no model `{value}`", column, hint=hint)
    elif kind == "size":
        yield from _size(place, rest.partition("/")[0], value, catalogue)
    elif kind == "frames":
        frames = rest.partition("+")[0]
        parts = value.split(",")
        if not all(part.isdigit() for part in parts) or str(sum(map(int, parts))) != frames:
            yield place.error(f"`{value}` doesn't split {frames} frames", column)


def _size(place: _Place, name: str, value: str, catalogue: Catalogue) -> Iterator[Fault]:
    model = catalogue.models.get(name)
    found = _PIXELS.match(value)
    column = len(place.name) + 2
    if found is None:
        if model is None or value not in (*model.tiers, model.default_size):
            yield place.error(f"`{value}` is no size", column)
        return
    pixels = int(found[1]) * int(found[2])
    if model is not None and not model.pixels.min <= pixels <= model.pixels.max:
        words = f"`{name}` can't make {value}: it makes {model.pixels.min:,} to {model.pixels.max:,} pixels"
        yield place.error(words, column)


# --------------------------------------------------------------------------------------------- the record of decisions


def decision_faults(text: str, *, file: str) -> Sequence[Fault]:
    """Of each line: errors for what can't be read or stands against another, warnings for what does no harm."""
    faults: list[Fault] = []
    seen: dict[str, tuple[int, Decision]] = {}
    lines = text.split("\n")
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        where = Position(file, number, 1)
        if number == len(lines) and is_torn(line):
            words = "the last line was cut off while it was written; it never took effect"
            hint = "the next decision makes room for itself; nothing is to be done"
            faults.append(_decision_fault(words, where, hint, Severity.WARNING))
            continue
        try:
            (one,) = read_decisions(line + "\n", file=file)
        except StateError as error:
            words = error.message.removeprefix(f"`{file}` has ")
            faults.append(_decision_fault(words, where, error.hint))
            continue
        faults += _decision(one, line, where, seen)
        seen.setdefault(one.id, (number, one))
    return faults


def _decision(one: Decision, line: str, where: Position, seen: Mapping[str, tuple[int, Decision]]) -> Iterator[Fault]:
    known = seen.get(one.id)
    if known is not None and known[1] != one:
        words = f"decision `{one.id}` stands in line {known[0]} too, with other content"
        yield _decision_fault(
            words, where, "keep the line that `git log -p` shows as the older; it is the one that counts"
        )
    if not _is_time(one.at):
        words = f"decision `{one.id}`: `at` is {one.at!r}, which is no time like `2026-11-25T10:03:00.000Z`"
        yield _decision_fault(words, where, "decisions are ordered by it: restore the line from git")
    if _canonical(json.loads(line)) != line:
        words = f"decision `{one.id}` isn't written as seedpipe writes it: a hand has changed it"
        yield _decision_fault(words, where, "it is read all the same; `git log -p` shows how it was", Severity.WARNING)


def _decision_fault(words: str, where: Position, hint: str | None, severity: Severity = Severity.ERROR) -> Fault:
    return Fault(code="decision-line", message=words, position=where, hint=hint, severity=severity)
