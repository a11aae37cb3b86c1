"""What the templates of a project can name: vars, tables, and the library that renders them."""

import re
from collections.abc import Mapping
from typing import Any, Final

from seedpipe.errors import FaultCollector
from seedpipe.manifest.data import TableReader
from seedpipe.manifest.definition import Manifest, Place, Var
from seedpipe.manifest.parse import check_identifier
from seedpipe.manifest.rows import Table
from seedpipe.manifest.sandbox import PromptEnvironment
from seedpipe.manifest.template import TemplateError, TemplateLibrary
from seedpipe.manifest.values import is_template
from seedpipe.source import Position, ProjectFiles

_WORD: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Scope:
    """Reads the tables and renders the vars; what is wrong with them is added to `faults`."""

    def __init__(self, manifest: Manifest, files: ProjectFiles, faults: FaultCollector) -> None:
        self.files = files
        self.library = TemplateLibrary(files, manifest.templates)
        reader = TableReader(files, faults)
        self.tables: Mapping[str, Table] = {source.name: reader.read(source) for source in manifest.tables}
        self.library.tables.update(self.tables)
        self.data_texts = reader.texts
        self.vars: dict[str, Any] = {}
        names = self.environment.globals
        names.update(self.tables)
        names["vars"], names["data"] = self.vars, dict(self.tables)
        self._vars = _Vars(self, manifest.vars, faults)
        self._vars.render_all()

    @property
    def environment(self) -> PromptEnvironment:
        return self.library.environment

    @property
    def texts(self) -> Mapping[str, str]:
        """Text of each data and template file that was read."""
        return {**self.data_texts, **self.library.texts}

    def render(self, text: str, values: Mapping[str, Any]) -> str:
        return self.library.render(text, values)

    def vars_with(self, given: Mapping[str, Any]) -> Mapping[str, Any]:
        """What templates see where some vars have other values: those, and the vars that are made of them.

        Raises `TemplateError`.
        """
        changed = self._vars.following(given)
        return {**changed, "vars": {**self.vars, **changed}}

    def render_deep(self, value: Any, values: Mapping[str, Any] | None = None) -> Any:
        """A value of the manifest with each text in it rendered."""
        if isinstance(value, str):
            return self.library.render(value, values or {})
        if isinstance(value, dict):
            return {key: self.render_deep(item, values) for key, item in value.items()}
        return [self.render_deep(item, values) for item in value] if isinstance(value, list) else value

    def list_named(self, text: str) -> Any:
        """The table or list of vars of that name, or what the template gives; None if there is none."""
        if is_template(text):
            value = self.library.evaluate(text, {})
            return list(value) if isinstance(value, tuple) else value
        name = text.strip()
        return self.tables[name] if name in self.tables else self.vars.get(name)

    def list_names(self) -> list[str]:
        return [*self.tables, *(name for name, value in self.vars.items() if isinstance(value, list))]

    def check_name(self, faults: FaultCollector, kind: str, name: str, position: Position) -> None:
        check_identifier(faults, kind, name, position)


class _Vars:
    """Vars may name each other; they are rendered in the order in which they need each other."""

    def __init__(self, scope: Scope, written: Mapping[str, Var], faults: FaultCollector) -> None:
        self.scope = scope
        self.written = written
        self.faults = faults
        self.open: list[str] = []

    def render_all(self) -> None:
        for name in self.written:
            self._need(name)

    def _need(self, name: str) -> None:
        if name in self.scope.vars:
            return
        var = self.written[name]
        if name in self.open:
            circle = " → ".join(f"`{item}`" for item in (*self.open[self.open.index(name) :], name))
            if var.place is not None:
                self.faults.add("var-loop", f"these vars need each other: {circle}", var.place.key_position)
            self.scope.environment.globals[name] = ""  # so that the others of the circle add no fault
            return
        self.open.append(name)
        if var.place is not None:
            for text in _templates(var.value):
                for word in _WORD.findall(text):
                    if word in self.written:
                        self._need(word)
        self.open.pop()
        value = var.value if var.place is None else self._rendered(var.value, var.place)
        self.scope.vars[name] = value
        self.scope.environment.globals[name] = value

    def following(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """`given`, and anew the vars that are made of one of them. Raises `TemplateError`."""
        changed = dict(given)
        for name in self.scope.vars:  # each stands behind those that it is made of
            var = self.written[name]
            if name in given or var.place is None:
                continue
            words = {word for text in _templates(var.value) for word in _WORD.findall(text)}
            if not words.isdisjoint(changed):
                values = {**changed, "vars": {**self.scope.vars, **changed}}
                try:
                    changed[name] = self.scope.render_deep(var.value, values)
                except TemplateError as error:
                    message = f"with it the var `{name}` cannot be made: {error.message}"
                    raise TemplateError(error.code, message, hint=error.hint) from error
        return changed

    def _rendered(self, value: Any, place: Place) -> Any:
        if isinstance(value, dict):
            return {key: self._rendered(item, place.below(key)) for key, item in value.items()}
        if isinstance(value, list):
            return [self._rendered(item, place.below(index)) for index, item in enumerate(value)]
        if not isinstance(value, str) or not is_template(value):
            return value
        try:
            return self.scope.render(value, {})
        except TemplateError as error:
            self.faults.add(error.code, error.message, error.position(place), hint=error.hint)
            return ""


def _templates(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value] if is_template(value) else []
    if isinstance(value, dict):
        return [text for item in value.values() for text in _templates(item)]
    if isinstance(value, list):
        return [text for item in value for text in _templates(item)]
    return []
