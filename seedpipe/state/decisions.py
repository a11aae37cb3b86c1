"""`seedpipe.decisions.jsonl`: what people decided, who, when and why. Pure: text in, text out.

One line of canonical JSON for each address that a decision was about, with the lock's line before and after it, so
that it can be taken back exactly. Lines are only ever added, and two branches are merged by having both (git's
`merge=union`): the order of lines means nothing, and a line that stands twice is there once. The lock is the truth
about choices; this is the record of how it came about.
"""

import json
import secrets
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from seedpipe.canonical import canonical_json, json_trouble
from seedpipe.errors import RecordError, UsageError
from seedpipe.limits import DECISION_FORMAT
from seedpipe.names import Digest
from seedpipe.source import Position
from seedpipe.state.lock import Entry, ImageEntry, Level, byte_order_mark, read_entry

_CONFLICTS: Final = ("<<<<<<<", "=======", ">>>>>>>", "|||||||")
_ALPHABET: Final = "23456789abcdefghjkmnpqrstvwxyz"  # without what is easily mistaken

_GARBLED: Final = (ValueError, KeyError, TypeError, AttributeError, RecursionError)

Value = Entry | str | None  # a line of the lock: an entry, what the catalogue decided, or no line


class Verb(StrEnum):
    """What was done. A file may hold verbs of a later seedpipe: they read as text, and can be undone like others."""

    PICK = "pick"
    APPROVE = "approve"
    PIN = "pin"
    UNPIN = "unpin"
    KEEP = "keep"
    ADOPT = "adopt"
    RESTORE = "restore"
    NOTE = "note"
    MOVE = "mv"
    REROLL = "reroll"
    PROMOTE = "promote"
    UPGRADE = "upgrade"
    PRUNE = "prune"
    UNDO = "undo"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One line. `at` is UTC in ISO 8601; `take` is the picture that was meant, if one was.

    `undoes` is the act that an `undo` took back; `other` the address that a moved line came from or went to, or the
    profile that a choice came from; `file` the picture that stood in the output file and was written over.
    """

    id: str
    at: str
    who: str
    verb: str
    node: str
    take: Digest | None = None
    note: str | None = None
    before: Value = None
    after: Value = None
    undoes: str | None = None
    other: str | None = None
    file: Digest | None = None

    @property
    def act(self) -> str:
        """What one command decided about several addresses has one act; ids are `act`, `act-2`, `act-3` …"""
        return self.id.partition("-")[0]

    @property
    def changes_the_lock(self) -> bool:
        return self.before != self.after

    def to_dict(self) -> dict[str, Any]:
        optional = {
            "take": self.take,
            "note": self.note,
            "undoes": self.undoes,
            "other": self.other,
            "file": self.file,
        }
        return {
            "seedpipe_decision": DECISION_FORMAT,
            "id": self.id,
            "at": self.at,
            "who": self.who,
            "verb": str(self.verb),
            "node": self.node,
            "before": _written(self.before),
            "after": _written(self.after),
        } | {name: str(value) for name, value in optional.items() if value is not None}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Decision":
        """Raises `ValueError`, `KeyError` or `TypeError` for a garbled line; fields it doesn't know are ignored."""
        return cls(
            id=_text(data["id"]),
            at=_text(data["at"]),
            who=_text(data["who"]),
            verb=_text(data["verb"]),
            node=_text(data["node"]),
            take=_digest(data.get("take")),
            note=_text_or_none(data.get("note")),
            before=_read(data["before"]),
            after=_read(data["after"]),
            undoes=_text_or_none(data.get("undoes")),
            other=_text_or_none(data.get("other")),
            file=_digest(data.get("file")),
        )


def new_act() -> str:
    """A random id that a person can type."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(8))


def line_id(act: str, number: int) -> str:
    """The id of the act's line `number` (from 1)."""
    return act if number == 1 else f"{act}-{number}"


def write_decision(decision: Decision) -> str:
    """The line, with its line break."""
    return canonical_json(decision.to_dict()) + "\n"


def read_decisions(text: str, *, file: str) -> tuple[Decision, ...]:
    """All decisions, the oldest first, each once. A last line that a crash has torn is left out: it never took effect.

    Raises `RecordError` for lines of a newer format, conflict markers and lines that a hand has broken.
    """
    if text.startswith("\ufeff"):
        raise byte_order_mark(file)
    lines = text.split("\n")
    found: dict[str, Decision] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip() or (number == len(lines) and is_torn(line)):
            continue
        try:
            decision = _decision(line, file, number)
        except _GARBLED as error:
            what = _trouble(error)
            raise RecordError(
                f"`{file}` has a line that can't be read: {what}",
                hint="restore it from git, or take the line out: the choices themselves stand in the lock",
                position=Position(file, number, 1),
            ) from None
        found.setdefault(decision.id, decision)
    return tuple(sorted(found.values(), key=_order))


def _trouble(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"`{error.args[0]}` is missing"
    return json_trouble(error) if isinstance(error, json.JSONDecodeError | RecursionError) else str(error)


def is_torn(tail: str | bytes) -> bool:
    """Whether what follows the last line break is a line that was cut off while it was written: no JSON's beginning is."""
    try:
        json.loads(tail)
    except (ValueError, RecursionError):
        return bool(tail.strip())
    return False


def _decision(line: str, file: str, number: int) -> Decision:
    if line.startswith(_CONFLICTS):
        raise RecordError(
            f"`{file}` has conflict markers from a merge",
            hint="keep the lines of both sides, delete the markers, and write `seedpipe*.decisions.jsonl merge=union`"
            " into `.gitattributes`: then git keeps both by itself",
            position=Position(file, number, 1),
        )
    data = json.loads(line)
    version = data["seedpipe_decision"]
    if isinstance(version, int) and version > DECISION_FORMAT:
        raise RecordError(
            f"`{file}` has a line of format {version}; this seedpipe reads up to format {DECISION_FORMAT}",
            hint="upgrade seedpipe; nothing was changed",
            position=Position(file, number, 1),
        )
    return Decision.from_dict(data)


def _order(decision: Decision) -> tuple[str, str, int]:
    act, _, number = decision.id.partition("-")
    return (decision.at, act, int(number) if number.isdigit() else 1)


def _written(value: Value) -> Any:
    return value if isinstance(value, str) or value is None else value.to_dict()


def _read(value: Any) -> Value:
    return value if isinstance(value, str) or value is None else read_entry(value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} should be text")
    return value


def _text_or_none(value: Any) -> str | None:
    return None if value is None else _text(value)


def _digest(value: Any) -> Digest | None:
    return None if value is None else Digest.parse(_text(value))


# ------------------------------------------------------------------------------------------- what the record tells


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """What one command decided."""

    id: str
    lines: Sequence[Decision]

    @property
    def verb(self) -> str:
        return self.lines[0].verb

    @property
    def undoes(self) -> str | None:
        return self.lines[0].undoes


def acts(decisions: Iterable[Decision]) -> Sequence[Act]:
    """The oldest first."""
    groups: dict[str, list[Decision]] = {}
    for decision in decisions:
        groups.setdefault(decision.act, []).append(decision)
    return [Act(id=name, lines=lines) for name, lines in groups.items()]


def undone(history: Sequence[Act]) -> frozenset[str]:
    """Ids of acts that were taken back; an undo that was itself taken back takes nothing back.

    By their ids alone: clocks of two machines don't agree on what came first.
    """
    undos: dict[str, list[str]] = {}
    for act in history:
        if act.undoes is not None:
            undos.setdefault(act.undoes, []).append(act.id)
    known: dict[str, bool] = {}
    for first in undos:
        waiting = [first]
        while waiting:
            one = waiting[-1]
            later = [undo for undo in undos.get(one, ()) if undo not in known and undo not in waiting]
            if later:
                waiting += later
            else:
                known[one] = any(not known.get(undo, False) for undo in undos.get(one, ()))
                waiting.pop()
    return frozenset(one for one, gone in known.items() if gone)


def act_named(history: Sequence[Act], name: str) -> Act:
    """By its id, one of its lines' ids, or the beginning of it. Raises `UsageError`."""
    wanted = name.partition("-")[0]
    found = [act for act in history if act.id == wanted] or [act for act in history if act.id.startswith(wanted)]
    if len(found) == 1:
        return found[0]
    if found:
        raise UsageError(f"`{name}` begins the ids of {len(found)} decisions", hint="write more of it")
    raise UsageError(f"there is no decision `{name}`", hint="`seedpipe takes NODE` shows the ids of its decisions")


def effective(decisions: Sequence[Decision]) -> Iterator[Decision]:
    """Decisions that stand: neither taken back nor an undo."""
    gone = undone(acts(decisions))
    return (one for one in decisions if one.act not in gone and one.undoes is None)


_APPROVING: Final = (Verb.PICK, Verb.APPROVE, Verb.KEEP, Verb.ADOPT, Verb.PROMOTE)


def level_before_pin(decisions: Sequence[Decision], names: Collection[str], entry: ImageEntry) -> Level:
    """What `unpin` goes back to: the level that the latest pin took the place of; what nobody recorded counts as approved.

    `names` are all that the picture ever had (`earlier_names`).
    """
    for one in reversed(tuple(effective(decisions))):
        pinned = isinstance(one.after, ImageEntry) and one.after.level is Level.PINNED
        if one.node in names and pinned and one.verb in _APPROVING:
            return Level.APPROVED  # said of the pinned picture
        if one.node in names and pinned and isinstance(one.before, ImageEntry) and one.before.level is not Level.PINNED:
            same = one.before.take == entry.take
            return one.before.level if same else Level.APPROVED
    return Level.APPROVED


def decided_by(decisions: Sequence[Decision], names: Collection[str], entry: ImageEntry) -> Decision | None:
    """The latest decision that made the present choice what it is, if one did; to move a line is none."""
    standing = [one for one in effective(decisions) if one.node in names and one.changes_the_lock]
    for one in reversed(standing):
        if (
            one.verb != Verb.MOVE
            and isinstance(one.after, ImageEntry)
            and (one.after.take, one.after.level) == (entry.take, entry.level)
        ):
            return one
    return None


def earlier_names(decisions: Iterable[Decision], node: str, moved: Iterable[tuple[str, str]] = ()) -> tuple[str, ...]:
    """`node` and the addresses that its line stood at before it was moved, the present one first.

    `moved` are old and new names of entries and groups by the manifest's own word.
    """
    came_from: dict[str, list[str]] = {}
    for one in decisions:
        if one.verb == Verb.MOVE and one.other is not None and one.after is not None:
            came_from.setdefault(one.node, []).append(one.other)
    said = list(moved)
    names = [node]
    for name in names:
        told = [
            old + name.removeprefix(new) for old, new in said if name == new or name.startswith((f"{new}/", f"{new}#"))
        ]
        names += [other for other in dict.fromkeys([*came_from.get(name, ()), *told]) if other not in names]
    return tuple(names)
