"""The Jinja2 environment for texts of strangers: nothing but data can be reached, and work and output are bounded.

Three guards stand above Jinja2's immutable sandbox. Attributes and methods are a white list by type. Whatever can
be repeated (loops, macros, includes, calls, filters) is charged to a meter: `guard` puts a charge at the beginning of
each body that may run more than once. What could grow in one operation (`*`, `**`, `%`, `~`, `center` …) is checked
before it is computed.
"""

import functools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from jinja2 import StrictUndefined, Undefined, UndefinedError, nodes, pass_context
from jinja2.environment import TemplateModule
from jinja2.filters import FILTERS
from jinja2.filters import make_attrgetter as attribute_getter
from jinja2.runtime import BlockReference, Context, LoopContext, Macro, TemplateReference
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace, missing
from jinja2.visitor import NodeTransformer

from seedpipe.limits import MAX_RENDERED_CHARS, MAX_TEMPLATE_STEPS
from seedpipe.manifest.rows import RefList, Refs, Row, Table
from seedpipe.manifest.values import describe

_CHARGE: Final = "seedpipe charge"  # names with a blank cannot be written in a template
_EACH: Final = "seedpipe each"
_CONCAT: Final = "seedpipe concat"
_CALL_STEPS: Final = 10
_INCLUDE_STEPS: Final = 200
_MAX_BITS: Final = 4096  # of a whole number
_MAX_WIDTH: Final = 10_000  # in a format like `%20d`
_WIDTHS: Final = re.compile(r"%[^a-zA-Z%]*")

_TEXT_FILTERS: Final = frozenset(
    [
        "capitalize",
        "center",
        "format",
        "indent",
        "lower",
        "replace",
        "title",
        "trim",
        "truncate",
        "upper",
        "wordcount",
        "wordwrap",
    ]
)
_OTHER_FILTERS: Final = frozenset(
    [
        "abs",
        "batch",
        "count",
        "d",
        "default",
        "dictsort",
        "first",
        "float",
        "groupby",
        "int",
        "items",
        "last",
        "length",
        "list",
        "map",
        "max",
        "min",
        "reject",
        "rejectattr",
        "reverse",
        "round",
        "select",
        "selectattr",
        "slice",
        "sort",
        "sum",
        "unique",
    ]
)
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


class TemplateRefusedError(Exception):
    """Something that a template may not do."""

    def __init__(self, code: str, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.hint = hint


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
        charge = nodes.Filter(nodes.Const(cost), _CHARGE, [nodes.Const(chars)], [], None, None, lineno=line)
        node.body = [nodes.ExprStmt(charge, lineno=line), *node.body]
        return node

    visit_Template = visit_Macro = visit_CallBlock = visit_Block = _charged  # noqa: N815 (Jinja2's naming)

    def visit_For(self, node: nodes.For) -> Any:  # noqa: N802
        if node.recursive:
            raise TemplateRefusedError("template-refused", "recursive loops are not supported", "use a macro")
        self._charged(node)
        node.iter = nodes.Filter(node.iter, _EACH, [], [], None, None, lineno=node.lineno)
        return node

    def visit_Concat(self, node: nodes.Concat) -> Any:  # noqa: N802
        self.generic_visit(node)
        return nodes.Filter(nodes.List(node.nodes), _CONCAT, [], [], None, None, lineno=node.lineno)


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
            finalize=_finalize,
        )
        self.steps = 0
        self.chars = 0
        self.globals.clear()
        self.globals.update(range=self.bounded_range, namespace=Namespace)
        self.filters = {name: _guarded(name, FILTERS[name]) for name in (*_TEXT_FILTERS, *_OTHER_FILTERS)}
        self.filters.update({"join": _join, "string": _string, _CHARGE: _charge, _EACH: _each, _CONCAT: _concat})
        self.tests = {name: test for name, test in self.tests.items() if name not in ("filter", "test")}

    def begin(self) -> None:
        self.steps = 0
        self.chars = 0

    def charge(self, steps: int, chars: int = 0) -> None:
        self.steps += steps
        self.chars += chars
        if self.steps > MAX_TEMPLATE_STEPS:
            raise _too_much(f"takes more than {MAX_TEMPLATE_STEPS:,} steps")
        if self.chars > 10 * MAX_RENDERED_CHARS:
            raise _too_much(f"makes more than {MAX_RENDERED_CHARS:,} characters")

    # Jinja2's hooks

    def compile(
        self, source: Any, name: Any = None, filename: Any = None, raw: Any = False, defer_init: bool = False
    ) -> Any:
        if isinstance(source, str):
            source = _Guard(name).visit(self.parse(source, name, filename))
            source.set_environment(self)
            source.set_lineno(1)
        return super().compile(source, name, filename, raw, defer_init)

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
        if isinstance(obj, Undefined):
            return obj[argument]
        try:
            return obj[argument]
        except (TypeError, LookupError, AttributeError):
            return self.undefined(obj=obj, name=argument)

    def call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N805
        __self.charge(_CALL_STEPS)
        if isinstance(getattr(__obj, "__self__", None), str):
            return _call_text_method(__self, __obj, args, kwargs)
        return super().call(__context, __obj, *args, **kwargs)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        _check_operation(self, operator, left, right)
        return super().call_binop(context, operator, left, right)

    # what templates are given

    def bounded_range(self, *bounds: int) -> range:
        numbers = range(*bounds)
        try:
            self.charge(len(numbers))
        except OverflowError as error:
            raise _too_much(f"takes more than {MAX_TEMPLATE_STEPS:,} steps") from error
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
        hint = "join a list with `| join(', ')`" if isinstance(value, list | tuple) else None
        raise TemplateRefusedError("template-value", f"{what} cannot stand in a text", hint)


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


def _too_much(what: str) -> TemplateRefusedError:
    return TemplateRefusedError("template-limit", f"this template {what}")


def _methods_of(value: Any) -> frozenset[str]:
    if isinstance(value, str):
        return _TEXT_METHODS
    if isinstance(value, Mapping):
        return _MAP_METHODS
    return _LIST_METHODS if isinstance(value, list | tuple) else frozenset()


@pass_context
def _finalize(context: Context, value: Any) -> str:
    environment: Any = context.environment
    text: str = environment.text_of(value)
    environment.charge(1, len(text))
    return text


@pass_context
def _charge(context: Context, cost: int, chars: int) -> None:
    environment: Any = context.environment
    environment.charge(cost, chars)


@pass_context
def _each(context: Context, items: Any) -> Any:
    environment: Any = context.environment
    if hasattr(items, "__len__"):
        environment.charge(len(items))
        return items
    return _charged_items(environment, items)


def _charged_items(environment: PromptEnvironment, items: Iterable[Any]) -> Iterator[Any]:
    for item in items:
        environment.charge(1)
        yield item


@pass_context
def _concat(context: Context, values: list[Any]) -> str:
    return _joined(context, values, "")


@pass_context
def _join(context: Context, value: Iterable[Any], d: str = "", attribute: str | int | None = None) -> str:
    if attribute is not None:
        value = map(attribute_getter(context.environment, attribute), value)
    return _joined(context, value, d)


def _joined(context: Context, values: Iterable[Any], between: str) -> str:
    environment: Any = context.environment
    parts = []
    for value in values:
        text = environment.text_of(value)
        environment.charge(1, len(text) + len(between))
        parts.append(text)
    return between.join(parts)


@pass_context
def _string(context: Context, value: Any) -> str:
    environment: Any = context.environment
    text: str = environment.text_of(value)
    return text


def _guarded(name: str, function: Callable[..., Any]) -> Any:
    """A filter of Jinja2 behind the meter. With the context as its first argument it is never run while compiling."""
    wanted = getattr(getattr(function, "jinja_pass_arg", None), "name", None)

    @pass_context
    def guarded(context: Context, value: Any, *args: Any, **kwargs: Any) -> Any:
        environment: Any = context.environment
        if name in _TEXT_FILTERS:
            value = environment.text_of(value)
        environment.charge(1 + (len(value) if hasattr(value, "__len__") and not isinstance(value, str) else 0))
        _check_filter(environment, name, value, [*args, *kwargs.values()])
        first = {"context": [context], "eval_context": [context.eval_ctx], "environment": [environment]}.get(
            wanted or "", []
        )
        result = function(*first, value, *args, **kwargs)
        if isinstance(result, str):
            environment.charge(1, len(result))
        return result

    return guarded


def _check_filter(environment: PromptEnvironment, name: str, value: Any, arguments: list[Any]) -> None:
    numbers = [argument for argument in arguments if isinstance(argument, int)]
    if name == "format":
        _check_format(value, arguments)
    elif name in ("center", "indent", "batch", "slice", "wordwrap", "truncate"):
        lines = value.count("\n") + 1 if name == "indent" else 1
        texts = [len(argument) for argument in arguments if isinstance(argument, str)]
        environment.charge(1, lines * max([0, *(abs(number) for number in numbers), *texts]))
    elif name == "round" and any(abs(number) > 20 for number in numbers):
        raise _too_much("rounds to more than 20 places")
    elif name == "replace" and len(arguments) > 1:
        _check_replace(environment, value, str(arguments[0]), str(arguments[1]))
    elif name == "sum" and any(not isinstance(argument, str | int | float) for argument in arguments):
        raise TemplateRefusedError("template-refused", "only numbers can be added up")


def _check_replace(environment: PromptEnvironment, value: str, old: str, new: str) -> None:
    environment.charge(1, (value.count(old) if old else len(value) + 1) * len(new))


def _check_format(pattern: str, arguments: Iterable[Any]) -> None:
    for field in _WIDTHS.findall(pattern):
        if "*" in field or any(int(width[-9:]) > _MAX_WIDTH or len(width) > 9 for width in re.findall("[0-9]+", field)):
            raise _too_much(f"formats a value wider than {_MAX_WIDTH:,} characters")
    if any(argument is None for argument in arguments):
        raise TemplateRefusedError("template-null", "a value in this template is nothing (null)")


def _call_text_method(
    environment: PromptEnvironment, method: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    if method.__name__ == "join" and args:
        parts = [environment.text_of(item) for item in args[0]]
        environment.charge(len(parts), sum(map(len, parts)) + len(parts) * len(method.__self__))
        return method(parts)
    if method.__name__ == "replace" and len(args) > 1:
        _check_replace(environment, method.__self__, str(args[0]), str(args[1]))
    result = method(*args, **kwargs)
    environment.charge(
        1 + (len(result) if isinstance(result, list) else 0), len(result) if isinstance(result, str) else 0
    )
    return result


def _check_operation(environment: PromptEnvironment, operator: str, left: Any, right: Any) -> None:
    environment.charge(1)
    if operator == "%" and isinstance(left, str):
        _check_format(left, right if isinstance(right, tuple) else (right,))
    elif operator == "+" and isinstance(left, str | list | tuple) and isinstance(right, str | list | tuple):
        _charge_size(environment, left, len(left) + len(right))
    elif operator == "*" and isinstance(left, int) and isinstance(right, int):
        _check_bits(left.bit_length() + right.bit_length())
    elif operator == "*":
        for items, count in ((left, right), (right, left)):
            if isinstance(items, str | list | tuple) and isinstance(count, int):
                _charge_size(environment, items, len(items) * max(count, 0))
    elif operator == "**" and isinstance(left, int) and isinstance(right, int) and abs(left) > 1:
        _check_bits(left.bit_length() * max(right, 0))


def _charge_size(environment: PromptEnvironment, kind: Any, size: int) -> None:
    if isinstance(kind, str):
        environment.charge(1, size)
    else:
        environment.charge(size)


def _check_bits(bits: int) -> None:
    if bits > _MAX_BITS:
        raise _too_much(f"computes a number of more than {_MAX_BITS:,} bits")
