"""`matrix`: a definition → its items, in the order of the axes."""

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from seedpipe.errors import FaultCollector, Severity
from seedpipe.manifest.bounds import TemplateRefusedError
from seedpipe.manifest.data import KEY_COLUMNS
from seedpipe.manifest.definition import Definition, Place
from seedpipe.manifest.rows import Row, Table
from seedpipe.manifest.scope import Scope
from seedpipe.manifest.segments import MAX_AXES, segment_fault, segment_hint
from seedpipe.manifest.template import TemplateError
from seedpipe.manifest.values import describe
from seedpipe.manifest.wording import did_you_mean
from seedpipe.source import Position


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One node to be. `values` holds the axes as templates see them."""

    address: str
    axes: tuple[tuple[str, str], ...] = ()
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    name: str
    place: Place
    values: Mapping[str, Any]  # segment → value, in order


Combination = dict[str, tuple[str, ...]]  # axis → the segments that match


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """The axes of one definition, with what is left out and what is added."""

    definition: Definition
    axes: tuple[Axis, ...]
    exclude: tuple[tuple[Combination, Place], ...]
    include: tuple[tuple[Combination, Place], ...]
    extra: Mapping[str, Mapping[str, Any]]  # of each axis: values that only `include` names

    @property
    def count(self) -> int:
        """An upper bound of the number of items."""
        added = sum(
            math.prod(len(match[axis.name]) if axis.name in match else len(axis.values) for axis in self.axes)
            for match, _ in self.include
        )
        return math.prod(len(axis.values) for axis in self.axes) + added

    def items(self, faults: FaultCollector) -> Iterator[Item]:
        name = self.definition.name
        if not self.axes:
            yield Item(address=name, values={})
            return
        unused = {id(match): place for match, place in self.exclude}
        seen = set()
        for combination in itertools.product(*(axis.values for axis in self.axes)):
            excluded = False
            for match, _ in self.exclude:
                if self._matches(match, combination):
                    unused.pop(id(match), None)
                    excluded = True
            if not excluded:
                seen.add(combination)
                yield self._item(combination)
        for match, place in self.include:
            choices = [match.get(axis.name, tuple(axis.values)) for axis in self.axes]
            for combination in itertools.product(*choices):
                if combination in seen:
                    message = f"`{'/'.join((name, *combination))}` is in the matrix already"
                    faults.add("include-twice", message, place.position, severity=Severity.WARNING)
                    continue
                seen.add(combination)
                yield self._item(combination)
        for place in unused.values():
            faults.add("no-match", "this `exclude` matches nothing", place.position, severity=Severity.WARNING)

    def _matches(self, match: Combination, combination: tuple[str, ...]) -> bool:
        return all(
            axis.name not in match or segment in match[axis.name]
            for axis, segment in zip(self.axes, combination, strict=True)
        )

    def _item(self, combination: tuple[str, ...]) -> Item:
        values = {}
        for axis, segment in zip(self.axes, combination, strict=True):
            values[axis.name] = axis.values[segment] if segment in axis.values else self.extra[axis.name][segment]
        return Item(
            address="/".join((self.definition.name, *combination)),
            axes=tuple((axis.name, segment) for axis, segment in zip(self.axes, combination, strict=True)),
            values=values,
        )


class MatrixReader:
    """Makes a `Matrix` of a definition, and the matches of its overrides."""

    def __init__(self, scope: Scope, faults: FaultCollector) -> None:
        self.scope = scope
        self.faults = faults

    def read(self, definition: Definition) -> Matrix:
        entry, place = definition.entry, definition.place
        axes = tuple(
            self._axis(name, written, place.below("matrix", name)) for name, written in (entry.matrix or {}).items()
        )
        if entry.matrix is None:
            for key in ("exclude", "include", "override"):
                if getattr(entry, key) is not None:
                    where = place.below(key).key_position
                    self.faults.add("needs-matrix", f"`{key}` needs a `matrix`", where, address=definition.name)
        elif not axes:
            self.faults.add("empty-matrix", "the matrix has no axes", place.below("matrix").position)
        elif len(axes) > MAX_AXES:
            message = f"the matrix has {len(axes)} axes; the limit is {MAX_AXES}"
            self.faults.add("too-many-axes", message, place.below("matrix").key_position)
        by_name = {axis.name: axis for axis in axes}
        extra: dict[str, dict[str, Any]] = {axis.name: {} for axis in axes}
        return Matrix(
            definition=definition,
            axes=axes,
            exclude=tuple(self._combinations(entry.exclude, place.below("exclude"), by_name, None)),
            include=tuple(self._combinations(entry.include, place.below("include"), by_name, extra)),
            extra=extra,
        )

    def match(
        self, written: Mapping[str, Any], place: Place, axes: Mapping[str, Axis], extra: dict[str, dict[str, Any]] | None,
        *, known: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> Combination:  # fmt: skip
        """The segments that a partial mapping names. With `extra` values that the axis lacks are added to it."""
        found: Combination = {}
        if not written:
            self.faults.add("empty-match", "this names no axis", place.position)
        for name, value in written.items():
            where = place.below(name)
            if name not in axes:
                hint = did_you_mean(name, axes)
                self.faults.add("unknown-axis", f"the matrix has no axis `{name}`", where.key_position, hint=hint)
                continue
            values = value if isinstance(value, list) else [value]
            segments = [
                self._matched(axes[name], item, where if value is not values else where.below(index), extra, known)
                for index, item in enumerate(values)
            ]
            found[name] = tuple(segment for segment in segments if segment is not None)
        return found

    def _matched(
        self, axis: Axis, value: Any, place: Place, extra: dict[str, dict[str, Any]] | None,
        known: Mapping[str, Mapping[str, Any]] | None,
    ) -> str | None:  # fmt: skip
        segment = self.scope.environment.text_of(value)
        if segment in axis.values or (known is not None and segment in known.get(axis.name, ())):
            return str(segment)
        of_rows = any(isinstance(row, Row) for row in itertools.islice(axis.values.values(), 1))
        if extra is not None and not of_rows:
            if segment not in extra[axis.name]:
                lowered = {other.lower(): other for other in (*axis.values, *extra[axis.name])}
                if not self._segment_is_sound(segment, place.position, lowered):
                    return None
                extra[axis.name][segment] = value
            return str(segment)
        hint = did_you_mean(segment, axis.values)
        if extra is not None:
            self.faults.add("no-such-row", f"`{axis.name}` has no value `{segment}`", place.position, hint=hint)
            return None
        self.faults.add(
            "no-match", f"`{axis.name}` has no value `{segment}`", place.position, hint=hint, severity=Severity.WARNING
        )
        return None

    def _combinations(
        self, written: list[dict[str, Any]] | None, place: Place, axes: Mapping[str, Axis],
        extra: dict[str, dict[str, Any]] | None,
    ) -> Iterator[tuple[Combination, Place]]:  # fmt: skip
        for index, partial in enumerate(written or ()):
            where = place.below(index)
            yield self.match(partial, where, axes, extra), where

    # axes

    def _axis(self, name: str, written: Any, place: Place) -> Axis:
        self.scope.check_name(self.faults, "axis", name, place.key_position)
        if isinstance(written, str):
            found = self._named(name, written, place)
            if isinstance(found, Table):
                return Axis(name=name, place=place, values={row.key: row for row in found.rows})
            values = [(value, place.position) for value in found]
        else:
            values = [(value, place.below(index).position) for index, value in enumerate(written)]
        segments: dict[str, Any] = {}
        lowered: dict[str, str] = {}
        before = len(self.faults.faults)
        for value, position in values:
            self._add_value(segments, lowered, value, position)
        if not segments and before == len(self.faults.faults) and not isinstance(written, str):
            message = f"the axis `{name}` has no values, so there are no items"
            self.faults.add("empty-axis", message, place.position, severity=Severity.WARNING)
        return Axis(name=name, place=place, values=segments)

    def _named(self, name: str, written: str, place: Place) -> Table | list[Any]:
        """What a text as an axis means: a table, a list of `vars`, or a template that gives a list."""
        try:
            value = self.scope.list_named(written)
        except TemplateError as error:
            self.faults.add(error.code, error.message, error.position(place), hint=error.hint)
            return []
        if value is None:
            lists = self.scope.list_names()
            message = f"`{written}` is no table of `data` and no list in `vars`"
            hint = did_you_mean(written, lists, otherwise=f"write a list: `{name}: [{written}]`")
            self.faults.add("unknown-list", message, place.position, hint=hint)
            return []
        if not isinstance(value, Table | list):
            message = f"an axis is a list, `{written}` is {describe(value)}"
            self.faults.add("type", message, place.position)
            return []
        return value

    def _add_value(self, segments: dict[str, Any], lowered: dict[str, str], value: Any, position: Position) -> None:
        if isinstance(value, dict):
            column = next((column for column in KEY_COLUMNS if column in value), None)
            if column is None:
                message = "a mapping in a matrix needs a `key`, an `id` or a `name`"
                self.faults.add("missing-key-column", message, position)
                return
        try:
            if isinstance(value, dict):
                items = self.scope.render_deep(value)
                value = Row(self.scope.environment.text_of(items[column]), items)
            elif isinstance(value, str):
                value = self.scope.render(value, {}).strip()
            segment = self.scope.environment.text_of(value)
        except (TemplateError, TemplateRefusedError) as error:
            self.faults.add(error.code, str(error), position, hint=error.hint)
            return
        if self._segment_is_sound(segment, position, lowered):
            segments[segment] = value

    def _segment_is_sound(self, segment: str, position: Position, lowered: dict[str, str]) -> bool:
        """Whether `segment` can stand beside those of `lowered` (lower case → as written), which it joins."""
        if not segment:
            self.faults.add("bad-segment", "a matrix value is empty", position)
        elif (wrong := segment_fault(segment)) is not None:
            self.faults.add("bad-segment", wrong, position, hint=segment_hint(segment))
        else:
            other = lowered.setdefault(segment.lower(), segment)
            if other is segment:
                return True
            if other == segment:
                self.faults.add("duplicate-value", f"the value `{segment}` stands twice", position)
            else:
                message = f"`{segment}` differs from `{other}` by case only"
                self.faults.add("case-clash", message, position, hint="rename one of them")
        return False
