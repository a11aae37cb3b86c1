"""What a hand has broken in the lock, line by line. Pure.

Reading takes a line or refuses the file; here every line is looked at, also at what reads and can't be right.
"""

import json
import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from seedpipe.canonical import json_trouble
from seedpipe.catalogue.lookup import Catalogue
from seedpipe.errors import Fault, Severity
from seedpipe.money import Money
from seedpipe.names import Digest, is_segment
from seedpipe.plan.key import TEXTS
from seedpipe.plan.lock_place import FROM_GIT, GARBLED, Place, is_canonical, is_time
from seedpipe.plan.lock_record import Line, Record
from seedpipe.plan.lock_truth import ManifestWords
from seedpipe.state.lock import CONFLICTS, HEADER, PROJECT, RESOLVED, Entry, ImageEntry, Level, read_entry

_PIXELS: Final = re.compile(r"([1-9][0-9]{0,5})x([1-9][0-9]{0,5})\Z")
_DIGESTS: Final = ("want", "own", "take", "recipe", "source", "pixels", "output")
_ASKED: Final = ("seedpipe", "model", "prompt")  # what every document has
_IDENTITY: Final = re.compile(r"(sha256|recipe):[0-9a-f]{64}\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Witnesses:
    """Who else knows what lines can say: the manifest, and what is on record beside the lock."""

    manifest: ManifestWords | None = None
    record: Record | None = None


def lock_faults(text: str, *, file: str, catalogue: Catalogue, witnesses: Witnesses | None = None) -> Sequence[Fault]:
    """Errors for lines that can't be true, warnings for what does no harm.

    Nothing where `text` has conflict markers or is no lock: reading says that.
    """
    lines = text.split("\n")
    if not lines[0].startswith(HEADER) or any(line.startswith(CONFLICTS) for line in lines):
        return ()
    faults: list[Fault] = []
    pictures: list[Line] = []
    seen: dict[str, int] = {}
    misplaced = _out_of_order(lines)
    for number, line in enumerate(lines[1:], start=2):
        if not line.strip():
            continue
        name = line.partition(" ")[0]
        place = Place(file, number, line, name)
        if name in seen:
            faults.append(
                place.error(f"it stands twice, also in line {seen[name]}", 1, hint="keep one of the two lines")
            )
        elif number in misplaced:
            hint = "nothing is lost by it; a merge by git is, where lines aren't sorted: move it to its place"
            faults.append(place.warning("it isn't in its place: lines are sorted by name", 1, hint=hint))
        seen.setdefault(name, number)
        faults += _line(place, catalogue, pictures)
    return (*faults, *_told_by(witnesses or Witnesses(), pictures, file))


def _told_by(witnesses: Witnesses, pictures: Sequence[Line], file: str) -> Iterator[Fault]:
    """Whom the manifest's words prove right, nobody else is asked about."""
    manifest, record = witnesses.manifest, witnesses.record
    unproven: list[Line] = []
    for place, entry in pictures:
        known, found = manifest.judge(place, entry) if manifest is not None else (False, ())
        yield from found
        if not known:
            unproven.append((place, entry))
    if record is not None:
        yield from record.faults(pictures, unproven)
        if manifest is not None:
            yield from record.gone(pictures, lock=file, graph=manifest.graph)


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


def _line(place: Place, catalogue: Catalogue, pictures: list[Line]) -> Iterator[Fault]:
    """What is wrong with one line; that of a picture which can be read is added to `pictures`."""
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
        broken = list(_entry(place, value, pictures))
        yield from broken
        if any(fault.severity is Severity.ERROR for fault in broken):
            return
    if not is_canonical(value, place.body):
        yield place.warning(
            "the line isn't written as seedpipe writes it: keys sorted, no blanks",
            len(place.name) + 2,
            hint="it is read all the same, and written anew with the next choice of it",
        )


def _entry(place: Place, value: Any, pictures: list[Line]) -> Iterator[Fault]:
    if not _is_address(place.name):
        yield place.error("this is no address", 1)
        return
    if not isinstance(value, dict):
        yield place.error("an entry is a JSON object", len(place.name) + 2)
        return
    found = [*_digests(place, value), *_level(place, value)]
    if found:
        yield from found
        return
    try:
        entry = read_entry(value)
    except GARBLED as error:
        what = f"`{error.args[0]}` is missing" if isinstance(error, KeyError) else str(error)
        yield place.error(what, len(place.name) + 2)
        return
    yield from _unknown_fields(place, value, entry)
    if isinstance(entry, ImageEntry):
        pictures.append((place, entry))
        yield from _image(place, entry)
        yield from _asked(place, entry.asked)


def _digests(place: Place, value: Mapping[str, Any]) -> Iterator[Fault]:
    made = value.get("made")
    of_made = {"request": made["request"]} if isinstance(made, dict) and "request" in made else {}
    listed = value.get("takes")
    given = [(key, value[key]) for key in _DIGESTS if key in value] + list(of_made.items())
    given += [("takes", take) for take in listed] if isinstance(listed, list) else []
    for key, digest in given:
        if not _is_digest(digest):
            words = f"`{key}` holds {digest!r}, which is no digest: `sha256:` and 64 hexadecimal digits"
            yield place.error(words, place.column_of(key))


def _level(place: Place, value: Mapping[str, Any]) -> Iterator[Fault]:
    level = value.get("level")
    if level is not None and level not in list(Level):
        words = f"`level` is {level!r}; it is one of {', '.join(f'`{one}`' for one in Level)}"
        yield place.error(words, place.column_of("level"))


def _unknown_fields(place: Place, value: Mapping[str, Any], entry: Entry) -> Iterator[Fault]:
    for key in value.keys() - entry.to_dict().keys():
        hint = "a newer seedpipe may have written it; if a hand has, take it out"
        if value[key]:  # an empty one says nothing
            yield place.warning(
                f"`{key}` is no field of such a line; it is lost when the line is written",
                place.column_of(key),
                hint=hint,
            )


def _image(place: Place, entry: ImageEntry) -> Iterator[Fault]:
    if entry.take not in entry.takes:
        words = f"the chosen take {entry.take.short} is not among its takes"
        hint = f"restore the line from git, or `seedpipe pick {place.name} TAKE` chooses again"
        yield place.error(words, place.column_of("take"), hint=hint)
    if len(set(entry.takes)) < len(entry.takes):
        yield place.warning(
            "a take stands twice in its `takes`",
            place.column_of("takes"),
            hint="nothing is lost by it; take one of the two out",
        )
    if entry.want in entry.also:
        words = f"`also` are takes of other wants, and {entry.want.short} is its own"
        yield place.warning(words, place.column_of("also"), hint="put them into `takes`")
    if (entry.output is None) is bool(entry.finish):
        words = (
            "`output` is a file that isn't the take itself, and `finish` says what was done to it: one needs the other"
        )
        hint = f"take the other out, too: `seedpipe build {place.name}` puts the file right, for nothing"
        yield place.warning(words, place.column_of("output" if entry.output else "finish"), hint=hint)
    if not _PIXELS.match(str(entry.made.size)):
        words = f"`made.size` is {entry.made.size!r}, which is no size like `2848x1600`"
        yield place.warning(words, place.column_of("size"), hint=FROM_GIT.format(file=place.file))
    if entry.made.at and not is_time(entry.made.at):  # empty where nobody knows it
        words = f"`made.at` is {entry.made.at!r}, which is no time like `2026-11-25T10:03:00.000Z`"
        yield place.warning(words, place.column_of("at"), hint=FROM_GIT.format(file=place.file))
    if entry.made.cost is not None and not _is_money(entry.made.cost):
        words = f"`made.cost` is {entry.made.cost!r}, which is no amount like `0.04 USD`"
        yield place.warning(
            words, place.column_of("cost"), hint="the journal has what was paid; restore the line from git"
        )


def _asked(place: Place, asked: Any) -> Iterator[Fault]:
    """A document with its texts as digests."""
    column = place.column_of("asked")
    if not isinstance(asked, dict):
        yield place.error("`asked` is a JSON object", column)
        return
    for key in _ASKED:
        if not isinstance(asked.get(key), str):
            yield place.error(f"`asked` has no `{key}`", column)
    for key in TEXTS:
        if key in asked and not _is_digest(asked[key]):
            yield place.error(f"`asked` keeps the digest of its `{key}`, and {asked[key]!r} is none", column)
    references = asked.get("references", [])
    if not isinstance(references, list) or not all(isinstance(one, str) and _IDENTITY.match(one) for one in references):
        words = "`asked.references` are pictures: a list of `sha256:` or `recipe:` and 64 hexadecimal digits"
        yield place.error(words, column)


def _is_address(name: str) -> bool:
    """As the manifest makes them: segments, and behind `#` the id of a frame."""
    path, frame, last = name.partition("#")
    return all(map(is_segment, path.split("/"))) and (not frame or is_segment(last))


def _is_digest(text: Any) -> bool:
    try:
        Digest.parse(text)
    except GARBLED:
        return False
    return True


def _is_money(text: Any) -> bool:
    try:
        Money.parse(text)
    except GARBLED:
        return False
    return True


def _resolved(place: Place, value: Any, catalogue: Catalogue) -> Iterator[Fault]:
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


def _size(place: Place, name: str, value: str, catalogue: Catalogue) -> Iterator[Fault]:
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
