"""Texts of the manifest as templates: compiled once, rendered in the sandbox, faults with line and column."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import jinja2
from jinja2.utils import missing

from seedpipe.limits import MAX_RENDERED_CHARS
from seedpipe.manifest.bounds import TemplateRefusedError, too_much
from seedpipe.manifest.document import shown_text
from seedpipe.manifest.paths import similar_files
from seedpipe.manifest.rows import Refs, Row, Table
from seedpipe.manifest.sandbox import (
    MissingValueError,
    PromptEnvironment,
    describe_for_template,
)
from seedpipe.manifest.simple import Expression, read_simple
from seedpipe.manifest.values import is_template
from seedpipe.manifest.wording import did_you_mean, nearest
from seedpipe.source import Position, ProjectFiles, ReadRefusedError

_MAX_SOURCE: Final = 1_000_000  # characters of one template
_ONE_EXPRESSION: Final = re.compile(r"\s*\{\{[-+]?((?:(?!\{\{|\}\}|\{%|%\}).)*?)[-+]?\}\}\s*\Z", re.DOTALL)
_QUOTED: Final = re.compile(r"'([^'\n]*)'")
FAILURES: Final = (
    jinja2.TemplateError,
    TemplateRefusedError,
    ReadRefusedError,
    ArithmeticError,
    LookupError,
    TypeError,
    ValueError,
    AttributeError,
    RecursionError,
    MemoryError,
    SyntaxError,
)


class Where(Protocol):
    """The place of a template's text."""

    @property
    def position(self) -> Position: ...

    def line(self, number: int, column: int = 1) -> Position: ...


@dataclass(frozen=True, slots=True)
class WholeFile:
    """A text that is a whole file."""

    file: str

    @property
    def position(self) -> Position:
        return Position(self.file, 1, 1)

    def line(self, number: int, column: int = 1) -> Position:
        return Position(self.file, number, column)


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingCopy:
    """A row or a column of a table that a template asked for; many of them become one fault."""

    table: str
    key: str
    column: str | None


class TemplateError(Exception):
    """A template that cannot be compiled or rendered. `file` is None for the text itself, else a template file."""

    def __init__(
        self,
        code: str,
        message: str,
        *,
        hint: str | None = None,
        file: str | None = None,
        line: int = 1,
        column: int = 1,
        copy: MissingCopy | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint
        self.file = file
        self.line = line
        self.column = column
        self.copy = copy

    def position(self, where: Where) -> Position:
        return where.line(self.line, self.column) if self.file is None else Position(self.file, self.line, self.column)


@dataclass(slots=True, kw_only=True)
class TextTemplate:
    """One compiled text. Raises `TemplateError`."""

    text: str
    library: "TemplateLibrary" = field(repr=False)
    parts: tuple[str | Expression, ...] | None = None  # of a template that only names values
    compiled: jinja2.Template | None = None

    def render(self, variables: Mapping[str, Any]) -> str:
        environment = self.library.environment
        environment.begin()
        try:
            if self.parts is not None:
                return environment.keep(self._render_parts(self.parts, environment, variables))
            assert self.compiled is not None
            return environment.keep(self._collect(self.compiled, variables))
        except FAILURES as error:
            raise self.library.explain(error, self.text, variables) from error

    def _render_parts(
        self, parts: tuple[str | Expression, ...], environment: PromptEnvironment, variables: Mapping[str, Any]
    ) -> str:
        texts, size = [], 0
        for part in parts:
            if isinstance(part, str):
                text = part
            else:
                try:
                    text = environment.text_of(part.value(environment, variables))
                except FAILURES as error:
                    raise self.library.explain(error, self.text, variables, start=part.start) from error
            size += len(text)
            if size > MAX_RENDERED_CHARS:
                raise too_much(f"makes more than {MAX_RENDERED_CHARS:,} characters")
            texts.append(text)
        return "".join(texts)

    def _collect(self, compiled: jinja2.Template, variables: Mapping[str, Any]) -> str:
        texts, size = [], 0
        for text in compiled.root_render_func(compiled.new_context(dict(variables))):
            size += len(text)
            if size > MAX_RENDERED_CHARS:
                raise too_much(f"makes more than {MAX_RENDERED_CHARS:,} characters")
            texts.append(text)
        return "".join(texts)


class TemplateLibrary:
    """Compiles the texts of one project. `texts` gathers the template files read, for excerpts."""

    def __init__(self, files: ProjectFiles, folder: str | None) -> None:
        self.files = files
        self.folder = folder
        self.texts: dict[str, str] = {}
        self.tables: dict[str, Table] = {}
        self.environment = PromptEnvironment(jinja2.FunctionLoader(self.load))
        self._compiled: dict[str, TextTemplate | TemplateError] = {}
        self._expressions: dict[str, jinja2.Template] = {}

    def compile(self, text: str) -> TextTemplate:
        """Compile `text`, once. Raises `TemplateError`."""
        found = self._compiled.get(text)
        if found is None:
            try:
                found = self._compile(text)
            except TemplateError as error:
                found = error
            self._compiled[text] = found
        if isinstance(found, TemplateError):
            raise found
        return found

    def _compile(self, text: str) -> TextTemplate:
        if len(text) > _MAX_SOURCE:
            raise TemplateError("template-limit", f"a template of more than {_MAX_SOURCE:,} characters")
        parts = read_simple(text)
        if parts is not None:
            return TextTemplate(text=text, library=self, parts=parts)
        self.environment.begin()
        try:
            compiled = self.environment.from_string(text)
        except FAILURES as error:
            raise self.explain(error, text, {}) from error
        return TextTemplate(text=text, library=self, compiled=compiled)

    def render(self, text: str, variables: Mapping[str, Any]) -> str:
        return self.compile(text).render(variables) if is_template(text) else text

    def evaluate(self, text: str, variables: Mapping[str, Any]) -> Any:
        """The value of a text that is one expression (`"{{ shot.cast }}"`); the rendered text of any other."""
        match = _ONE_EXPRESSION.match(text)
        if match is None:
            return self.render(text, variables)
        simple = read_simple(text.strip())
        self.environment.begin()
        try:
            if simple is not None and len(simple) == 1 and isinstance(simple[0], Expression):
                value = simple[0].value(self.environment, variables)
            else:
                value = self._value(match[1], variables)
            if isinstance(value, jinja2.Undefined):
                str(value)  # raises, and says which
            if value is not None and not isinstance(value, str | int | float | list | tuple | Mapping | Table):
                value = self._bounded_list(value)
        except FAILURES as error:
            raise self.explain(error, text, variables) from error
        return value

    def _value(self, expression: str, variables: Mapping[str, Any]) -> Any:
        compiled = self._expressions.get(expression)
        if compiled is None:
            compiled = self.environment.from_string(f"{{% set result = ({expression}) %}}")
            self._expressions[expression] = compiled
        context = compiled.new_context(dict(variables))
        for _ in compiled.root_render_func(context):
            pass
        return context.vars["result"]

    def _bounded_list(self, items: Any) -> list[Any]:
        """What a filter like `map` gives is made while it is read."""
        try:
            iterator = iter(items)
        except TypeError:
            raise TemplateRefusedError("template-value", "this expression gives no list") from None
        found = []
        for item in iterator:
            self.environment.charge(1)
            found.append(item)
        return found

    def load(self, name: str) -> tuple[str, str, Any]:
        """As Jinja2's loaders: the text of a template file, its path, and nothing to ask whether it changed."""
        if self.folder is None:
            hint = "say where templates are: `templates: templates/`"
            raise TemplateRefusedError("template-not-found", f"there is no folder for `{name}`", hint)
        if name.startswith("/") or "\\" in name or ".." in name.split("/"):
            raise TemplateRefusedError("template-refused", f"`{name}` is no path below the templates folder")
        path = name if self.folder == "." else f"{self.folder}/{name}"
        try:
            data = self.files.read(path)
        except OSError:
            similar = similar_files(self.files, path)
            raise TemplateRefusedError("template-not-found", f"there is no template `{path}`", similar) from None
        text = shown_text(data)
        self.texts[path] = text
        if len(text) > _MAX_SOURCE:
            raise TemplateRefusedError("template-limit", f"`{path}` has more than {_MAX_SOURCE:,} characters")
        return text, path, None

    # what went wrong

    def explain(
        self, error: BaseException, text: str, variables: Mapping[str, Any], *, start: int | None = None
    ) -> TemplateError:
        """The failure of a template in our words."""
        file, line = self._frame(error)
        source = text if file is None else self.texts.get(file, "")
        code, message, hint, copy = self._say(error, variables)
        if start is not None:
            before = text[:start]
            line = before.count("\n") + 1
            column = start - (before.rfind("\n") + 1) + 1
        else:
            column = _column(source, line, error)
        return TemplateError(code, message, hint=hint, file=file, line=line, column=column, copy=copy)

    def _frame(self, error: BaseException) -> tuple[str | None, int]:
        """The template file (None: the text itself) and the line in which `error` was raised."""
        if isinstance(error, jinja2.TemplateSyntaxError):
            return (error.filename if error.filename in self.texts else None), error.lineno
        found: tuple[str | None, int] = (None, 1)
        trace = error.__traceback__
        while trace is not None:
            template = trace.tb_frame.f_globals.get("__jinja_template__")
            if template is not None and trace.tb_frame.f_code.co_filename == template.filename:
                name = template.filename if template.filename in self.texts else None
                found = name, template.get_corresponding_lineno(trace.tb_lineno)
            trace = trace.tb_next
        return found

    def _say(
        self, error: BaseException, variables: Mapping[str, Any]
    ) -> tuple[str, str, str | None, MissingCopy | None]:
        match error:
            case TemplateRefusedError():
                return error.code, str(error), error.hint, None
            case MissingValueError():
                return self._missing(error, variables)
            case ReadRefusedError():
                return "read-refused", str(error), None, None
            case jinja2.TemplateSyntaxError():
                return self._syntax(error)
            case jinja2.TemplateNotFound():
                return "template-not-found", f"there is no template `{error.name}`", None, None
            case jinja2.exceptions.SecurityError():
                return "template-refused", "templates may only read values", None, None
            case RecursionError():
                return "template-limit", "this template is nested too deep, or calls itself without end", None, None
            case MemoryError():
                return "template-limit", "this template needs too much memory", None, None
            case SyntaxError():
                return "template-limit", "this template is nested too deep", None, None
        words = _words(str(error)) or type(error).__name__
        return "template-failed", f"this template cannot be computed: {words}", None, None

    def _missing(
        self, error: MissingValueError, variables: Mapping[str, Any]
    ) -> tuple[str, str, str | None, MissingCopy | None]:
        name = str(error.name)
        if error.hint is not None:
            return "undefined", _words(error.hint), None, None
        match error.obj:
            case Table() as table:
                copy = MissingCopy(table=table.name, key=name, column=None)
                hint = did_you_mean(name, table.by_key)
                return "missing-copy", f"the table `{table.name}` has no row `{name}`", hint, copy
            case Row(table=str(table_name)) as row:
                columns = self.tables[table_name].columns if table_name in self.tables else frozenset(row)
                if name in columns:
                    copy = MissingCopy(table=table_name, key=row.key, column=name)
                    return "missing-copy", f"the row `{row.key}` of `{table_name}` has no `{name}`", None, copy
                hint = did_you_mean(name, sorted(columns))
                return "undefined", f"the table `{table_name}` has no column `{name}`", hint, None
            case Refs() as refs:
                hint = did_you_mean(name, list(refs), otherwise="name it under `references`")
                return "unknown-reference", f"no reference is named `{name}`", hint, None
            case Mapping() as mapping if (nested := self._nested_copy(mapping, name)) is not None:
                return (
                    "missing-copy",
                    f"the row `{nested.key}` of `{nested.table}` has no `{nested.column}`",
                    None,
                    nested,
                )
            case Mapping() as mapping:
                return "undefined", f"there is no `{name}` in it", did_you_mean(name, map(str, mapping)), None
        if error.obj is missing and name == "refs":
            return "undefined", "`refs` is known in prompts only", "write the address", None
        if error.obj is missing:
            known = {*variables, *self.environment.globals} - {"range", "namespace"}
            return "undefined", f"`{name}` is not defined", _known(name, known), None
        return "undefined", f"{describe_for_template(error.obj)} has no `{name}`", None, None

    def _nested_copy(self, mapping: Mapping[str, Any], name: str) -> MissingCopy | None:
        """`copy[market].headline[product.key]`: lacking in this row, though it is in others or names a row elsewhere."""
        for table in self.tables.values():
            path = table.path_to(mapping)
            if path is not None:
                columns = (*path[1:], name)
                known = table.anywhere(columns) or any(name in other for other in self.tables.values())
                return MissingCopy(table=table.name, key=path[0], column=".".join(columns)) if known else None
        return None

    def _syntax(self, error: jinja2.TemplateSyntaxError) -> tuple[str, str, str | None, None]:
        message = error.message or ""
        unknown = re.match(r"No (filter|test) named '([^']*)'", message)
        if unknown is not None:
            known = self.environment.filters if unknown[1] == "filter" else self.environment.tests
            names = [name for name in known if " " not in name]
            close = nearest(unknown[2], names)
            hint = f"did you mean `{close}`?" if close else "known: " + ", ".join(sorted(names))
            return "template-syntax", f"there is no {unknown[1]} `{unknown[2]}`", hint, None
        return "template-syntax", f"this template cannot be read: {_words(message)}", None, None


def _words(message: str) -> str:
    """A sentence of Jinja2 or Python as part of ours."""
    return _QUOTED.sub(r"`\1`", message[:1].lower() + message[1:]).rstrip(".")


def _known(name: str, known: Iterable[str]) -> str | None:
    return did_you_mean(name, sorted(known))


def _column(source: str, line: int, error: BaseException) -> int:
    """Where in its line the name that is missing stands, else the line's first character that is no blank."""
    lines = source.split("\n")
    text = lines[line - 1] if 0 < line <= len(lines) else ""
    if isinstance(error, MissingValueError) and error.name is not None:
        found = re.search(rf"(?<![A-Za-z0-9_]){re.escape(str(error.name))}(?![A-Za-z0-9_])", text)
        if found is not None:
            return found.start() + 1
    return len(text) - len(text.lstrip()) + 1
