"""References: texts, globs and `each` → addresses in order, and what `refs` says in a prompt."""

import bisect
import fnmatch
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from seedpipe.manifest import model
from seedpipe.manifest.definition import Place
from seedpipe.manifest.each import each_value
from seedpipe.manifest.findings import BadValueError, Findings
from seedpipe.manifest.frame_list import LAYER_IDS
from seedpipe.manifest.matrix import Item
from seedpipe.manifest.node import Reference
from seedpipe.manifest.paths import is_glob
from seedpipe.manifest.rows import RefList, Refs, RefText
from seedpipe.manifest.scope import Scope
from seedpipe.manifest.template import TemplateError
from seedpipe.manifest.values import is_template
from seedpipe.manifest.wording import did_you_mean
from seedpipe.names import definition_of, natural_key
from seedpipe.source import Position

_SHOWN: Final = 3


class AddressBook:
    """Every address of the project, and what a written reference means."""

    def __init__(
        self, addresses: Iterable[str], switched_off: Iterable[str], counted: Collection[str] = frozenset()
    ) -> None:
        """`counted` are the pictures of counted sequences, and layers: any number of them may come."""
        self._counted = counted
        self._addresses = dict.fromkeys(addresses)
        self._off = frozenset(switched_off)
        self._sorted = sorted(self._addresses)
        self._names = dict.fromkeys(map(definition_of, self._sorted))
        self._globbed: dict[str, Sequence[str]] = {}

    def resolve(self, text: str) -> str:
        """The one address that `text` means. Raises `BadValueError`."""
        if text in self._addresses:
            return text
        if ":" in text.partition("/")[0]:
            raise BadValueError(f"not yet: `{text}` is a picture of an imported project", code="not-yet")
        below = self._below(f"{text}/")
        if below:
            shown = ", ".join(f"`{address}`" for address in below[:_SHOWN]) + (" …" if len(below) > _SHOWN else "")
            message = f"`{text}` is a group of {len(below)} pictures"
            all_of_them = "/".join([text, *("*" for _ in range(below[0].count("/") - text.count("/")))])
            raise BadValueError(message, f"write `{all_of_them}`, or one of {shown}", code="ambiguous-reference")
        frames = self._below(f"{text}#")
        if frames:
            shown = ", ".join(f"`{address}`" for address in frames[:_SHOWN]) + (" …" if len(frames) > _SHOWN else "")
            if frames == sorted(f"{text}#{id_}" for id_ in LAYER_IDS):
                message, all_of_them = f"`{text}` is a picture taken apart", f"`{text}#base` (the ground)"
            else:
                message, all_of_them = f"`{text}` is a sequence of {len(frames)} frames", f"`{text}#*`"
            raise BadValueError(message, f"write {all_of_them}, or one of {shown}", code="ambiguous-reference")
        if text.partition("#")[0] in self._off:
            hint = "its `when` is false; leave the reference out for it as well"
            raise BadValueError(f"`{text}` does not exist", hint, code="dangling-reference")
        raise BadValueError(f"there is no picture `{text}`", self._meant(text), code="dangling-reference")

    def _meant(self, text: str) -> str | None:
        """Compared with addresses of the same name first, then with names: never with all of a large project."""
        name = definition_of(text)
        if text == name or name not in self._names:
            return did_you_mean(name, self._names, otherwise="")
        sort = text[len(name)]  # a segment or a frame of that entry
        return did_you_mean(text, self._below(name + sort)[:500], otherwise=None)

    def glob(self, pattern: str) -> Sequence[str]:
        """The addresses that match, in natural order. `*` stays in one segment, `**` is any number of segments."""
        found = self._globbed.get(pattern)
        if found is None:
            fixed = re.split(r"[*?\[]", pattern, maxsplit=1)[0]
            wanted = _Pattern(pattern)
            matching = (address for address in self._below(fixed) if wanted.matches(address))
            found = self._globbed[pattern] = sorted(matching, key=natural_key)
        if not found:
            fixed_name = pattern.partition("/")[0]
            hint = None if is_glob(fixed_name) else self._glob_hint(fixed_name)
            raise BadValueError(f"no picture matches `{pattern}`", hint, code="dangling-reference")
        return found

    def found(self, pattern: str, position: Position) -> Iterator[Reference]:
        """A reference to each address that matches. Raises `BadValueError` if none does."""
        for address in self.glob(pattern):
            yield Reference(address=address, position=position, glob=pattern, counted=address in self._counted)

    def _glob_hint(self, name: str) -> str | None:
        below = self._below(f"{name}/")
        if below:
            return f"there are {', '.join(f'`{address}`' for address in below[:_SHOWN])}"
        return self._meant(name)

    def _below(self, prefix: str) -> list[str]:
        start = bisect.bisect_left(self._sorted, prefix)
        end = bisect.bisect_left(self._sorted, prefix + "\U0010ffff")
        return self._sorted[start:end]


class _Pattern:
    """A glob over the segments of addresses; its cost is the product of both lengths, whatever the pattern.

    A frame is a segment of its own, that begins with `#`: `*` means no frames, `board#*` all of them.
    """

    def __init__(self, text: str) -> None:
        self.parts = [None if part == "**" else re.compile(fnmatch.translate(part)) for part in _segments(text)]

    def matches(self, address: str) -> bool:
        """Walks over the segments with the set of parts that may come next."""
        after = self._skipped({0})
        for segment in _segments(address):
            after = self._skipped({number for before in after for number in self._next(before, segment)})
        return len(self.parts) in after

    def _next(self, number: int, segment: str) -> Iterator[int]:
        if number < len(self.parts):
            part = self.parts[number]
            if part is None:
                yield number
            elif part.match(segment):
                yield number + 1

    def _skipped(self, numbers: set[int]) -> set[int]:
        """`**` may stand for no segment."""
        found = set(numbers)
        for number in numbers:
            while number < len(self.parts) and self.parts[number] is None:
                number += 1
                found.add(number)
        return found


def _segments(text: str) -> list[str]:
    return text.replace("#", "/#").split("/")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """One element of `references` as written."""

    name: str | None
    written: str | model.Each | list[str | model.Each]
    place: Place
    position: Position


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    references: tuple[Reference, ...]
    refs: Refs


NO_REFERENCES: Final = Resolved(references=(), refs=Refs({}, 0))


class ReferencePlan:
    """`references` of one definition (or override); what has no template is resolved once."""

    def __init__(self, written: Any, place: Place, scope: Scope, book: AddressBook, findings: Findings) -> None:
        self.scope = scope
        self.book = book
        self.findings = findings
        self.parts = tuple(_parts(written, place))
        self.fixed = not any(_has_template(part.written) for part in self.parts)
        self._resolved: Resolved | None = None

    def resolve(self, item: Item, absent: Collection[str] = frozenset()) -> Resolved:
        """The references of one item; of counted ones found by a glob those that aren't `absent`.

        Faults are added to the findings.
        """
        if self._resolved is not None and not absent:
            return self._resolved
        references: list[Reference] = []
        names: dict[str, RefText | RefList] = {}
        for part in self.parts:
            first = len(references)
            is_list = self._add(part.written, part.place, part.position, item, references)
            references[first:] = [one for one in references[first:] if not one.counted or one.address not in absent]
            images = [RefText(f"image {number + 1}") for number in range(first, len(references))]
            if part.name is not None and (is_list or images):
                names[part.name] = RefList(images) if is_list else images[0]
        for number, reference in enumerate(references):
            names.setdefault(reference.address, RefText(f"image {number + 1}"))
        resolved = Resolved(references=tuple(references), refs=Refs(names, len(references)))
        if self.fixed and not absent:
            self._resolved = resolved
        return resolved

    def _add(self, written: Any, place: Place, position: Position, item: Item, into: list[Reference]) -> bool:
        """Append what `written` means; whether it is a list."""
        if isinstance(written, list):
            for index, inner in enumerate(written):
                where = place.below(index)
                self._add(inner, where, where.position, item, into)
            return True
        try:
            if isinstance(written, model.Each):
                into.extend(self._each(written, place, position, item))
                return True
            text = self.scope.render(written, item.values).strip()
            if not text and is_template(written):
                return False  # a template that says: none for this item
            if is_glob(text):
                into.extend(self.book.found(text, position))
                return True
            into.append(Reference(address=self.book.resolve(text), position=position))
        except TemplateError as error:
            self.findings.template(item.address, place, error)
        except BadValueError as error:
            self.findings.bad(item.address, position, error)
        return False

    def _each(self, written: model.Each, place: Place, position: Position, item: Item) -> list[Reference]:
        found: list[Reference] = []
        for value in each_value(written.each, place.below("each"), item, self.scope, self.findings) or ():
            values = {**item.values, "item": value}
            try:
                text = self.scope.render(written.node, values).strip()
                if is_glob(text):
                    found.extend(self.book.found(text, position))
                else:
                    found.append(Reference(address=self.book.resolve(text), position=position))
            except TemplateError as error:
                self.findings.template(item.address, place.below("node"), error)
            except BadValueError as error:
                self.findings.bad(item.address, position, error)
        return found


def _parts(written: Any, place: Place) -> Iterable[_Part]:
    if isinstance(written, str):
        yield _Part(name=None, written=written, place=place, position=place.position)
    elif isinstance(written, Mapping):
        for name, inner in written.items():
            where = place.below(name)
            yield _Part(name=name, written=inner, place=where, position=where.position)
    else:
        for index, inner in enumerate(written):
            where = place.below(index)
            yield _Part(name=None, written=inner, place=where, position=where.position)


def _has_template(written: Any) -> bool:
    if isinstance(written, str):
        return is_template(written)
    return True if isinstance(written, model.Each) else any(_has_template(inner) for inner in written)
