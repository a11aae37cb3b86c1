"""Faults of an expansion. What is wrong with forty items of a matrix in one place is one fault, not forty."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from seedpipe.errors import Fault, FaultCollector, Severity
from seedpipe.manifest.template import MissingCopy, TemplateError, Where
from seedpipe.names import definition_of
from seedpipe.source import Position

ENOUGH = 1000  # faulty items of one definition, after which the rest of it is not looked at
_SHOWN = 20
_LONGEST = 500  # characters of a sentence that quotes a value


@dataclass(slots=True)
class _Group:
    fault: Fault
    addresses: set[str]


@dataclass(slots=True)
class _Copy:
    position: Position
    address: str
    missing: dict[str, None] = field(default_factory=dict)  # `ja`, `de.headline`: an ordered set


class BadValueError(Exception):
    """A value that cannot be used, with a code, a sentence and a hint."""

    def __init__(self, message: str, hint: str | None = None, code: str = "bad-value") -> None:
        super().__init__(message)
        self.message = message if len(message) <= _LONGEST else message[:_LONGEST] + "…"
        self.hint = hint
        self.code = code


class Findings:
    """Everything found while expanding; `check()` raises `ManifestError` if anything of it is an error."""

    def __init__(self) -> None:
        self.collector = FaultCollector()
        self._groups: dict[tuple[str, str, Position], _Group] = {}
        self._copies: dict[str, _Copy] = {}
        self._counts: dict[str, int] = {}

    def item(
        self, address: str, code: str, message: str, position: Position, hint: str | None = None,
        *, severity: Severity = Severity.ERROR,
    ) -> None:  # fmt: skip
        """Something wrong with the node `address`; equal faults of one definition in one place are gathered."""
        definition = definition_of(address)
        if severity is Severity.ERROR:
            self._counts[definition] = self._counts.get(definition, 0) + 1
        group = self._groups.get((definition, code, position))
        if group is None:
            fault = Fault(code=code, message=message, position=position, hint=hint, address=address, severity=severity)
            self._groups[definition, code, position] = _Group(fault, {address})
        else:
            group.addresses.add(address)

    def bad(self, address: str, position: Position, error: BadValueError) -> None:
        self.item(address, error.code, error.message, position, error.hint)

    def template(self, address: str, where: Where, error: TemplateError) -> None:
        if error.copy is not None:
            self._missing_copy(address, error.position(where), error.copy)
        else:
            self.item(address, error.code, error.message, error.position(where), error.hint)

    def _missing_copy(self, address: str, position: Position, copy: MissingCopy) -> None:
        entry = self._copies.setdefault(copy.table, _Copy(position, address))
        entry.missing[copy.key if copy.column is None else f"{copy.key}.{copy.column}"] = None

    def enough(self, definition: str) -> bool:
        return self._counts.get(definition, 0) >= ENOUGH

    def _gathered(self) -> Sequence[Fault]:
        faults = []
        for group in self._groups.values():
            more = len(group.addresses) - 1
            note = f" (and {more} more item{'s' if more > 1 else ''})" if more else ""
            faults.append(replace(group.fault, message=group.fault.message + note))
        for table, entry in self._copies.items():
            names = [f"`{name}`" for name in entry.missing]
            rest = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
            message = f"the table `{table}` lacks {', '.join(names[:_SHOWN])}{rest}"
            hint = "add them to its file, or give it a `fallback`"
            faults.append(
                Fault(code="missing-copy", message=message, position=entry.position, hint=hint, address=entry.address)
            )
        return faults

    def close(self) -> FaultCollector:
        """Everything found, gathered."""
        self.collector.faults.extend(self._gathered())
        self._groups.clear()
        self._copies.clear()
        return self.collector
