"""The filters of templates: those of Jinja2 that are pure, behind the meter, and the charges that `sandbox` plants."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from jinja2 import Undefined, pass_context
from jinja2.filters import FILTERS
from jinja2.filters import make_attrgetter as attribute_getter
from jinja2.runtime import Context

from seedpipe.manifest.bounds import Meter, TemplateRefusedError, check_format, check_replace, too_much

CHARGE: Final = "seedpipe charge"  # names with a blank cannot be written in a template
EACH: Final = "seedpipe each"
CONCAT: Final = "seedpipe concat"
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


@pass_context
def finalize(context: Context, value: Any) -> str:
    environment: Any = context.environment
    text: str = environment.text_of(value)
    environment.charge(1, len(text))
    return text


@pass_context
def charge(context: Context, cost: int, chars: int) -> None:
    environment: Any = context.environment
    environment.charge(cost, chars)


@pass_context
def each(context: Context, items: Any) -> Any:
    environment: Any = context.environment
    if isinstance(items, range):
        return items  # charged when it was made
    if hasattr(items, "__len__") and not isinstance(items, Undefined):
        environment.charge(len(items))
        return items
    return _charged_items(environment, items)


def _charged_items(environment: Meter, items: Iterable[Any]) -> Iterator[Any]:
    for item in items:
        environment.charge(1)
        yield item


@pass_context
def concat(context: Context, values: list[Any]) -> str:
    return _joined(context, values, "")


@pass_context
def join(context: Context, value: Iterable[Any], d: str = "", attribute: str | int | None = None) -> str:
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
def string(context: Context, value: Any) -> str:
    environment: Any = context.environment
    text: str = environment.text_of(value)
    return text


def guarded(name: str, function: Callable[..., Any]) -> Any:
    """A filter of Jinja2 behind the meter. With the context as its first argument it is never run while compiling."""
    wanted = getattr(getattr(function, "jinja_pass_arg", None), "name", None)

    @pass_context
    def guarded(context: Context, value: Any, *args: Any, **kwargs: Any) -> Any:
        environment: Any = context.environment
        if name in _TEXT_FILTERS:
            value = environment.text_of(value)
        environment.charge(1 + (len(value) if isinstance(value, list | tuple | Mapping) else 0))
        _check_filter(environment, name, value, [*args, *kwargs.values()])
        if wanted == "environment":
            result = function(environment, value, *args, **kwargs)
        elif wanted is None:
            result = function(value, *args, **kwargs)
        else:
            result = function(context if wanted == "context" else context.eval_ctx, value, *args, **kwargs)
        if isinstance(result, str):
            environment.charge(1, len(result))
        return result

    return guarded


def _check_filter(environment: Meter, name: str, value: Any, arguments: list[Any]) -> None:
    numbers = [argument for argument in arguments if isinstance(argument, int)]
    if name == "format":
        check_format(environment, value, arguments)
    elif name in ("center", "indent", "batch", "slice", "wordwrap", "truncate"):
        lines = value.count("\n") + 1 if name == "indent" else 1
        texts = [len(argument) for argument in arguments if isinstance(argument, str)]
        environment.charge(1, lines * max([0, *(abs(number) for number in numbers), *texts]))
    elif name == "round" and any(abs(number) > 20 for number in numbers):
        raise too_much("rounds to more than 20 places")
    elif name == "replace" and len(arguments) > 1:
        check_replace(environment, value, str(arguments[0]), str(arguments[1]))
    elif name == "sum" and any(not isinstance(argument, str | int | float) for argument in arguments):
        raise TemplateRefusedError("template-refused", "only numbers can be added up")


def filters() -> dict[str, Any]:
    """All filters of an environment, by name."""
    found = {name: guarded(name, FILTERS[name]) for name in (*_TEXT_FILTERS, *_OTHER_FILTERS)}
    return found | {"join": join, "string": string, CHARGE: charge, EACH: each, CONCAT: concat}
