"""`seedpipe.lock`: the truth about choices. Pure: text in, text out; who reads and writes the file stands elsewhere.

The form, frozen as format 1: a header line, then `@project`, then one `@resolved/…` line for each thing that the
catalogue decided once, then one line for each address, sorted. A line is a name, one space and canonical JSON, so a
plain textual merge is atomic per node.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Final

from seedpipe.canonical import canonical_json, json_trouble
from seedpipe.errors import Fault, RecordError
from seedpipe.limits import LOCK_FORMAT
from seedpipe.names import Digest
from seedpipe.source import Position
from seedpipe.state.take import Take

HEADER = "# seedpipe.lock: which picture is the chosen one. Written by seedpipe, committed by you. Format "
PROJECT = "@project"
CONFLICTS = ("<<<<<<<", "=======", ">>>>>>>", "|||||||")


class Level(StrEnum):
    """How a picture was chosen, and so who may displace it (design: who may displace a choice)."""

    AUTO = "auto"
    APPROVED = "approved"
    PINNED = "pinned"


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """How the chosen take came to be. `request` is the request key; `at` is UTC; `cost` is text like `0.04 USD`.

    `adopted_by`: it was not bought but brought by a person; model and provider are then empty.
    """

    request: Digest
    model: str
    provider: str
    size: str
    at: str
    cost: str | None = None
    request_id: str | None = None
    adopted_by: str | None = None

    @classmethod
    def of(cls, take: Take) -> "Made":
        return cls(
            request=take.request_key,
            model=take.model,
            provider=take.provider,
            size=f"{take.width}x{take.height}",
            at=take.received_at,
            cost=None if take.cost is None else str(take.cost),
            request_id=take.request_id,
        )

    def to_dict(self) -> dict[str, Any]:
        values = {
            "request": str(self.request),
            "model": self.model,
            "provider": self.provider,
            "size": self.size,
            "at": self.at,
            "cost": self.cost,
            "request_id": self.request_id,
            "adopted_by": self.adopted_by,
        }
        return {name: value for name, value in values.items() if value is not None}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Made":
        return cls(
            request=Digest.parse(data["request"]),
            model=data["model"],
            provider=data["provider"],
            size=data["size"],
            at=data["at"],
            cost=data.get("cost"),
            request_id=data.get("request_id"),
            adopted_by=data.get("adopted_by"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageEntry:
    """A generated picture's line. `want` is what `take` was made for; `takes` are all of that want, in order.

    `own` is the want key with pictures made elsewhere masked: it tells an edit from a cascade. `asked` is the key's
    document with the prompt as a digest: it tells what changed on a machine that never saw the earlier words.
    `finish` says what was done to the output on its way from the take (`fit`: cut to these pixels; `format`).
    `also` are takes of other wants (want → takes): of the picture's other looks, and those that nobody else would list for it,
    because they came by a merge, under another name or on another machine.
    `look` is the name of the look that was chosen, of a picture that has several.
    """

    want: Digest
    own: Digest
    take: Digest
    level: Level = Level.AUTO
    made: Made
    asked: Mapping[str, Any] = field(default_factory=dict)
    takes: tuple[Digest, ...] = ()
    output: Digest | None = None  # of the output file, where it isn't the take itself
    finish: Mapping[str, str] = field(default_factory=dict)
    also: Mapping[Digest, tuple[Digest, ...]] = field(default_factory=dict)
    look: str | None = None

    def to_dict(self) -> dict[str, Any]:
        values: dict[str, Any] = {
            "want": str(self.want),
            "own": str(self.own),
            "take": str(self.take),
            "level": self.level.value,
            "made": self.made.to_dict(),
            "asked": dict(self.asked),
            "takes": [str(take) for take in self.takes],
        }
        if self.output is not None:
            values["output"] = str(self.output)
        if self.finish:
            values["finish"] = dict(self.finish)
        if self.also:
            values["also"] = {str(want): [str(take) for take in takes] for want, takes in self.also.items()}
        if self.look is not None:
            values["look"] = self.look
        return values

    def takes_for(self, want: Digest) -> tuple[Digest, ...]:
        """All takes of one want that the line names."""
        return (*self.takes, self.take) if want == self.want else self.also.get(want, ())

    @property
    def all_takes(self) -> tuple[Digest, ...]:
        """Every take that the line names, each once, the chosen one first."""
        return tuple(dict.fromkeys([self.take, *self.takes, *(take for pool in self.also.values() for take in pool)]))

    def is_in(self, file: Digest | None) -> bool:
        """Whether an output file with this digest (None: there is no file) holds the chosen picture."""
        return file is not None and file in (self.take, self.output)

    def also_beside(self, want: Digest) -> Mapping[Digest, tuple[Digest, ...]]:
        """What the next line of this address keeps of `also` when its want is `want`."""
        return {other: takes for other, takes in self.also.items() if other != want}


@dataclass(frozen=True, slots=True, kw_only=True)
class DerivedEntry:
    """A local picture's line: the first bytes made for a recipe are kept."""

    recipe: Digest
    take: Digest
    output: Digest | None = None

    def to_dict(self) -> dict[str, Any]:
        values = {"recipe": str(self.recipe), "take": str(self.take)}
        if self.output is not None:
            values["output"] = str(self.output)
        return values


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceEntry:
    """A source's line. `digest` stays the first one while the decoded `pixels` are the same; a URL is pinned by it."""

    digest: Digest
    pixels: Digest
    url: str | None = None

    def to_dict(self) -> dict[str, Any]:
        values = {"source": str(self.digest), "pixels": str(self.pixels)}
        if self.url is not None:
            values["url"] = self.url
        return values


Entry = ImageEntry | DerivedEntry | SourceEntry
RESOLVED: Final = "@resolved/"  # before the name of what the catalogue decided, where it stands among addresses


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """The whole file as a value. `resolved` maps an ask (`model/seedream-4-5`) to what the catalogue said once."""

    project: str | None = None
    resolved: Mapping[str, str] = field(default_factory=dict)
    entries: Mapping[str, Entry] = field(default_factory=dict)

    def image(self, address: str) -> ImageEntry | None:
        entry = self.entries.get(address)
        return entry if isinstance(entry, ImageEntry) else None

    def source(self, address: str) -> SourceEntry | None:
        entry = self.entries.get(address)
        return entry if isinstance(entry, SourceEntry) else None

    def derived(self, address: str) -> DerivedEntry | None:
        entry = self.entries.get(address)
        return entry if isinstance(entry, DerivedEntry) else None

    def at(self, name: str) -> Entry | str | None:
        """What stands behind an address, or behind `@resolved/…`."""
        return self.resolved.get(name.removeprefix(RESOLVED)) if name.startswith(RESOLVED) else self.entries.get(name)

    def replacing(self, values: Mapping[str, Entry | str | None]) -> "Lock":
        """With other values at these names (`at`); None takes a line out."""
        entries, resolved = dict(self.entries), dict(self.resolved)
        for name, value in values.items():
            if isinstance(value, str):
                resolved[name.removeprefix(RESOLVED)] = value
            elif value is not None:
                entries[name] = value
            elif name.startswith(RESOLVED):
                resolved.pop(name.removeprefix(RESOLVED), None)
            else:
                entries.pop(name, None)
        return replace(self, entries=entries, resolved=resolved)

    def changed(
        self,
        base: Mapping[str, Entry | None],
        new: Mapping[str, Entry],
        *,
        resolved: Mapping[str, str],
        project: str,
    ) -> tuple["Lock", tuple[str, ...]]:
        """Compare-and-set: `new` entries replace those that are still as in `base`; the rest is someone else's word.

        Returns the new lock and the addresses whose entry meanwhile became another one and was left alone. Two builds
        that chose the same say so once, with the takes that either has; so does another choice for the same want.
        """
        entries = dict(self.entries)
        kept = []
        for address, entry in new.items():
            present = entries.get(address)
            if present == base.get(address) or present == entry:
                entries[address] = entry
            elif present is not None and _is_the_same_choice(present, entry):
                entries[address] = _with_takes_of(present, entry)
            else:
                kept.append(address)
                if present is not None and _is_of_one_want(
                    present, entry
                ):  # their choice, and what was bought beside it
                    entries[address] = _with_takes_of(present, entry)
        lock = replace(self, project=self.project or project, entries=entries, resolved={**resolved, **self.resolved})
        return lock, tuple(kept)


def _is_the_same_choice(one: Entry, other: Entry) -> bool:
    """Whether two lines name one picture for one want (or one recipe: its first bytes stay)."""
    if isinstance(one, ImageEntry) and isinstance(other, ImageEntry):
        return (one.want, one.take) == (other.want, other.take)
    return isinstance(one, DerivedEntry) and isinstance(other, DerivedEntry) and one.recipe == other.recipe


def _is_of_one_want(one: Entry, other: Entry) -> bool:
    return isinstance(one, ImageEntry) and isinstance(other, ImageEntry) and one.want == other.want


def _with_takes_of(present: Entry, entry: Entry) -> Entry:
    if isinstance(present, ImageEntry) and isinstance(entry, ImageEntry):
        return with_takes_of(present, entry)
    return present


def with_takes_of(entry: ImageEntry, other: ImageEntry) -> ImageEntry:
    """`entry` with all takes that `other` knows."""
    return with_takes(entry, {**other.also, other.want: other.takes_for(other.want)})


def with_takes(entry: ImageEntry, more: Mapping[Digest, Sequence[Digest]]) -> ImageEntry:
    """`entry` with these takes of these wants, too."""
    pools: dict[Digest, Sequence[Digest]] = {want: list(takes) for want, takes in entry.also.items()}
    pools[entry.want] = entry.takes
    for want, takes in more.items():
        pools[want] = tuple(dict.fromkeys([*pools.get(want, ()), *takes]))
    takes = tuple(dict.fromkeys([*pools.pop(entry.want), entry.take]))
    also = {want: tuple(pool) for want, pool in sorted(pools.items(), key=lambda item: str(item[0]))}
    return replace(entry, takes=takes, also=also)


def write_lock(lock: Lock) -> str:
    """The lock's text: the same lock always gives the same bytes."""
    lines = [f"{HEADER}{LOCK_FORMAT}."]
    if lock.project is not None:
        lines.append(f"{PROJECT} {canonical_json({'id': lock.project})}")
    lines += [f"{RESOLVED}{ask} {canonical_json(lock.resolved[ask])}" for ask in sorted(lock.resolved)]
    lines += [f"{address} {canonical_json(entry.to_dict())}" for address, entry in sorted(lock.entries.items())]
    return "\n".join(lines) + "\n"


def read_lock(text: str, *, file: str) -> Lock:
    """Raises `RecordError` for a newer format, conflict markers and lines that a hand has broken: never reads as empty."""
    lines = text.split("\n")
    if lines[0].startswith(f"\ufeff{HEADER}"):
        raise byte_order_mark(file)
    if not lines[0].startswith(HEADER):
        raise RecordError(
            f"`{file}` is not a seedpipe lock: its first line is not ours",
            hint="restore it from git; it names the chosen pictures",
            position=Position(file, 1, 1),
        )
    _check_format(lines[0], file)
    project: str | None = None
    resolved: dict[str, str] = {}
    entries: dict[str, Entry] = {}
    faults: list[Fault] = []
    for number, line in enumerate(lines[1:], start=2):
        if not line.strip():
            continue
        position = Position(file, number, 1)
        if line.startswith(CONFLICTS):
            raise RecordError(
                f"`{file}` has conflict markers from a merge",
                hint="`seedpipe lock merge` brings both sides together; by hand: for each address keep the line whose"
                " picture you want (both are whole) and delete the markers",
                position=position,
            )
        name, _, body = line.partition(" ")
        try:
            value = json.loads(body, parse_float=_no_float)
            if name == PROJECT:
                project = _text(value["id"])
            elif name.startswith(RESOLVED):
                resolved[name.removeprefix(RESOLVED)] = _text(value)
            elif name in entries:
                raise ValueError("this address stands twice")
            else:
                entries[name] = read_entry(value)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            what = f"`{error.args[0]}` is missing" if isinstance(error, KeyError) else str(error)
            if isinstance(error, json.JSONDecodeError):
                what = f"what follows the name is no JSON: {json_trouble(error)}"
                position = Position(file, position.line, len(name) + 1 + error.colno)
            faults.append(Fault(code="lock-line", message=f"`{name}`: {what}", position=position))
    if faults:
        first = faults[0]
        more = f" (and {len(faults) - 1} more lines)" if len(faults) > 1 else ""
        raise RecordError(
            f"`{file}` has a line that can't be read: {first.message}{more}",
            hint="restore the line from git",
            position=first.position,
        )
    return Lock(project=project, resolved=resolved, entries=entries)


def byte_order_mark(file: str) -> RecordError:
    """What some editors put before a text that they save."""
    return RecordError(
        f"`{file}` begins with a byte order mark, which an editor has put there",
        hint="save it as UTF-8 without one; that is all that is wrong with it",
        position=Position(file, 1, 1),
    )


def _check_format(header: str, file: str) -> None:
    number = header.removeprefix(HEADER).rstrip(".")
    if not number.isdigit():
        raise RecordError(
            f"`{file}` has no format number in its first line",
            hint="restore the line from git",
            position=Position(file, 1, 1),
        )
    if int(number) > LOCK_FORMAT:
        raise RecordError(
            f"`{file}` is of format {number}; this seedpipe reads up to format {LOCK_FORMAT}",
            hint="upgrade seedpipe; nothing was changed",
            position=Position(file, 1, 1),
        )


def read_entry(data: Mapping[str, Any]) -> Entry:
    """An entry's `to_dict` read back. Raises `ValueError`, `KeyError` or `TypeError` for what a hand has broken."""
    output = Digest.parse(data["output"]) if "output" in data else None
    if "source" in data:
        return SourceEntry(
            digest=Digest.parse(data["source"]), pixels=Digest.parse(data["pixels"]), url=data.get("url")
        )
    if "recipe" in data:
        return DerivedEntry(recipe=Digest.parse(data["recipe"]), take=Digest.parse(data["take"]), output=output)
    return ImageEntry(
        want=Digest.parse(data["want"]),
        own=Digest.parse(data["own"]),
        take=Digest.parse(data["take"]),
        level=Level(data["level"]),
        made=Made.from_dict(data["made"]),
        asked=data["asked"],
        takes=tuple(Digest.parse(take) for take in data["takes"]),
        output=output,
        finish={name: _text(value) for name, value in data.get("finish", {}).items()},
        also={
            Digest.parse(want): tuple(Digest.parse(take) for take in takes)
            for want, takes in data.get("also", {}).items()
        },
        look=_text(data["look"]) if "look" in data else None,
    )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("text was expected")
    return value


def _no_float(text: str) -> Any:
    raise ValueError(f"`{text}` is a decimal number, which the lock never holds")
