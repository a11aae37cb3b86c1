"""What a hand has broken in the record of decisions, line by line. Pure."""

import json
from collections.abc import Iterator, Mapping, Sequence

from seedpipe.errors import Fault, Severity, StateError
from seedpipe.plan.lock_place import is_canonical, is_time
from seedpipe.source import Position
from seedpipe.state.decisions import Decision, is_torn, read_decisions


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
    if not is_time(one.at):
        words = f"decision `{one.id}`: `at` is {one.at!r}, which is no time like `2026-11-25T10:03:00.000Z`"
        yield _decision_fault(words, where, "decisions are ordered by it: restore the line from git")
    if not is_canonical(json.loads(line), line):
        words = f"decision `{one.id}` isn't written as seedpipe writes it: a hand has changed it"
        yield _decision_fault(words, where, "it is read all the same; `git log -p` shows how it was", Severity.WARNING)


def _decision_fault(words: str, where: Position, hint: str | None, severity: Severity = Severity.ERROR) -> Fault:
    return Fault(code="decision-line", message=words, position=where, hint=hint, severity=severity)
