"""The Jinja2 environment for texts of strangers: nothing but data can be reached, and work and output are bounded.

Three guards stand above Jinja2's immutable sandbox. Attributes and methods are a white list by type. Whatever can
be repeated (loops, macros, includes, calls, filters) is charged to a meter: `guard` puts a charge at the beginning of
each body that may run more than once. What could grow in one operation (`*`, `**`, `%`, `~`, `center` …) is checked
before it is computed.
"""

import functools
from collections.abc import Iterable, Mapping
from typing import Any, Final

from jinja2 import StrictUndefined, Undefined, UndefinedError, nodes
from jinja2.environment import TemplateModule
from jinja2.runtime import BlockReference, Context, LoopContext, Macro, TemplateReference
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace, missing
from jinja2.visitor import NodeTransformer

from seedpipe.limits import MAX_PROJECT_CHARS, MAX_PROJECT_STEPS, MAX_RENDERED_CHARS, MAX_TEMPLATE_STEPS
from seedpipe.manifest.bounds import TemplateRefusedError, call_text_method, check_operation, too_much
from seedpipe.manifest.filters import CHARGE, CONCAT, EACH, filters, finalize
from seedpipe.manifest.rows import RefList, Refs, Row, Table
from seedpipe.manifest.values import describe

_CALL_STEPS: Final = 30
_INCLUDE_STEPS: Final = 200

_TEXT_METHODS: Final = frozenset(
    [
        "capitalize",
        "casefold",
        "count",
        "endswith",
        "find",
        "index",
        "isalnum",
        "isalpha",
        "isascii",
        "isdecimal",
        "isdigit",
        "islower",
        "isnumeric",
        "isspace",
        "istitle",
        "isupper",
        "join",
        "lower",
        "lstrip",
        "partition",
        "removeprefix",
        "removesuffix",
        "replace",
        "rfind",
        "rpartition",
        "rsplit",
        "rstrip",
        "split",
        "splitlines",
        "startswith",
        "strip",
        "swapcase",
        "title",
        "upper",
    ]
)
_MAP_METHODS: Final = frozenset(["get", "items", "keys", "values"])
_LIST_METHODS: Final = frozenset(["count", "index"])
_JINJA_OBJECTS: Final = (LoopContext, Macro, TemplateModule, Namespace, TemplateReference, BlockReference, Undefined)


class MissingValueError(UndefinedError):
    """A name, row, column or reference that is not there; `obj` is `missing` for a name."""

    def __init__(self, obj: Any, name: Any, hint: str | None, message: str | None = None) -> None:
        super().__init__(message)
        self.obj = obj
        self.name = name
        self.hint = hint


class _Missing(StrictUndefined):
    __slots__ = ()

    def __init__(self, hint: str | None = None, obj: Any = missing, name: str | None = None, _exc: Any = None) -> None:
        error: Any = functools.partial(MissingValueError, obj, name, hint)
        super().__init__(hint, obj, name, error)


class _Guard(NodeTransformer):
    """Adds the charges to a template's syntax tree."""

    def __init__(self, name: str | None) -> None:
        self.name = name

    def _charged(self, node: Any) -> Any:
        cost, chars = _weigh(node.body)
        self.generic_visit(node)
        line = node.lineno
        charge = nodes.Filter(nodes.Const(cost), CHARGE, [nodes.Const(chars)], [], None, None, lineno=line)
        node.body = [nodes.ExprStmt(charge, lineno=line), *node.body]
        return node

    visit_Template = visit_Macro = visit_CallBlock = visit_Block = _charged  # noqa: N815 (Jinja2's naming)

    def visit_For(self, node: nodes.For) -> Any:  # noqa: N802
        if node.recursive:
            raise TemplateRefusedError("template-refused", "recursive loops are not supported", "use a macro")
        self._charged(node)
        node.iter = nodes.Filter(node.iter, EACH, [], [], None, None, lineno=node.lineno)
        return node

    def visit_Concat(self, node: nodes.Concat) -> Any:  # noqa: N802
        self.generic_visit(node)
        return nodes.Filter(nodes.List(node.nodes), CONCAT, [], [], None, None, lineno=node.lineno)


def _weigh(body: Iterable[nodes.Node]) -> tuple[int, int]:
    """How many nodes and characters a body has, without the loops and macros in it, which are charged themselves."""
    cost, chars, todo = 1, 0, list(body)
    while todo:
        node = todo.pop()
        cost += 1
        if isinstance(node, nodes.TemplateData):
            chars += len(node.data)
        if not isinstance(node, nodes.For | nodes.Macro | nodes.CallBlock | nodes.Block):
            todo.extend(node.iter_child_nodes())
    return cost, chars


class PromptEnvironment(ImmutableSandboxedEnvironment):
    """One per project. `begin` resets the meter before each rendering."""

    intercepted_binops = frozenset(["+", "-", "*", "/", "//", "**", "%"])

    def __init__(self, loader: Any) -> None:
        super().__init__(
            undefined=_Missing,
            autoescape=False,
            keep_trailing_newline=False,
            loader=loader,
            auto_reload=False,
            cache_size=-1,
            finalize=finalize,
        )
        self.steps = 0
        self.chars = 0
        self.total_steps = 0
        self.total_chars = 0
        self.globals.clear()
        self.globals.update(range=self.bounded_range, namespace=Namespace)
        self.filters = filters()
        self.tests = {name: test for name, test in self.tests.items() if name not in ("filter", "test")}

    def begin(self) -> None:
        self.total_steps += self.steps
        self.steps = 0
        self.chars = 0

    def keep(self, text: str) -> str:
        """`text`, which was rendered and stays: all that stay are bounded as well."""
        self.total_chars += len(text)
        if self.total_chars > MAX_PROJECT_CHARS:
            message = f"the templates of the project make more than {MAX_PROJECT_CHARS:,} characters"
            raise TemplateRefusedError("template-limit", message)
        return text

    def charge(self, steps: int, chars: int = 0) -> None:
        self.steps += steps
        self.chars += chars
        if self.steps > MAX_TEMPLATE_STEPS:
            raise too_much(f"takes more than {MAX_TEMPLATE_STEPS:,} steps")
        if self.total_steps + self.steps > MAX_PROJECT_STEPS:
            message = f"the templates of the project take more than {MAX_PROJECT_STEPS:,} steps"
            raise TemplateRefusedError("template-limit", message)
        if self.chars > 10 * MAX_RENDERED_CHARS:
            raise too_much(f"makes more than {MAX_RENDERED_CHARS:,} characters")

    # Jinja2's hooks

    def compile(
        self, source: Any, name: Any = None, filename: Any = None, raw: Any = False, defer_init: bool = False
    ) -> Any:
        if isinstance(source, str):
            source = _Guard(name).visit(self.tree_of(source, name, filename))
            source.set_environment(self)
            source.set_lineno(1)
        return super().compile(source, name, filename, raw, defer_init)

    def tree_of(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        """A template's syntax tree, before the charges are added."""
        return self.parse(source, name, filename)

    def get_template(self, name: Any, parent: Any = None, globals: Any = None) -> Any:  # noqa: A002
        self.charge(_INCLUDE_STEPS)
        return super().get_template(name, parent, globals)

    def getattr(self, obj: Any, attribute: str) -> Any:
        if isinstance(obj, Row) and attribute == "key":
            return obj.key
        if isinstance(obj, Mapping | Table):
            try:
                return obj[attribute]
            except KeyError:
                pass
        if attribute.startswith("_"):
            message = f"`{attribute}`: names that begin with `_` cannot be reached"
            raise TemplateRefusedError("template-refused", message)
        if isinstance(obj, _JINJA_OBJECTS):
            return super().getattr(obj, attribute)
        if attribute in _methods_of(obj):
            return getattr(obj, attribute)
        if hasattr(obj, attribute) and not isinstance(obj, Mapping):
            message = f"`.{attribute}` of {describe_for_template(obj)} cannot be used in templates"
            raise TemplateRefusedError("template-refused", message, "use a filter, or `~` to join texts")
        return self.undefined(obj=obj, name=attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        if isinstance(argument, Row):
            argument = argument.key
        if isinstance(argument, Undefined):
            str(argument)  # raises, and says which
        if isinstance(obj, Undefined):
            return obj[argument]
        try:
            return obj[argument]
        except (TypeError, LookupError, AttributeError):
            return self.undefined(obj=obj, name=argument)

    def call(self, context: Context, obj: Any, /, *args: Any, **kwargs: Any) -> Any:
        self.charge(_CALL_STEPS)
        if isinstance(getattr(obj, "__self__", None), str):
            return call_text_method(self, obj, args, kwargs)
        return super().call(context, obj, *args, **kwargs)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        check_operation(self, operator, left, right)
        return super().call_binop(context, operator, left, right)

    # what templates are given

    def bounded_range(self, *bounds: int) -> range:
        numbers = range(*bounds)
        try:
            self.charge(len(numbers))
        except OverflowError as error:
            raise too_much(f"takes more than {MAX_TEMPLATE_STEPS:,} steps") from error
        return numbers

    def text_of(self, value: Any) -> str:
        """What a value is in a text. Raises for null and for what has no single line of text."""
        if value is None:
            hint = "give it a value, or write `| default('…', true)`"
            raise TemplateRefusedError("template-null", "a value in this template is nothing (null)", hint)
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, str | int | float | Row | RefList | Undefined):
            return str(value)
        what = describe_for_template(value)
        is_list = isinstance(value, list | tuple)
        advice = "join a list with `| join(', ')`" if is_list else None
        raise TemplateRefusedError("template-value", f"{what} cannot stand in a text", advice)


def describe_for_template(value: Any) -> str:
    match value:
        case Table():
            return f"the table `{value.name}`"
        case Refs():
            return "`refs`"
        case Row():
            return f"the row `{value.key}`"
        case Macro():
            return f"the macro `{value.name}`"
        case None | bool() | int() | float() | str() | dict() | list() | tuple():
            return describe(value)
        case _:
            return "this value"


def _methods_of(value: Any) -> frozenset[str]:
    if isinstance(value, str):
        return _TEXT_METHODS
    if isinstance(value, Mapping):
        return _MAP_METHODS
    return _LIST_METHODS if isinstance(value, list | tuple) else frozenset()
