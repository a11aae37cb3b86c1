"""The leaves of the manifest: what a single value may be, said with our own words in both the error and the schema.

Every text may be a template, so a field that is no text takes its own type or a text with `{{`, `{%` or `{#`.
"""

from typing import Annotated, Any, Final, TypeVar

from pydantic import BeforeValidator, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

MARKERS: Final = ("{{", "{%", "{#")
TEMPLATE_SCHEMA: Final[dict[str, Any]] = {"type": "string", "pattern": r"\{[{%#]"}


def is_template(text: str) -> bool:
    return "{" in text and any(marker in text for marker in MARKERS)


def describe(value: object) -> str:
    """A value in the words of a message: `a list`, `the number 5`, `the text "yes"`."""
    match value:
        case None:
            return "nothing (null)"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return f"the number {value}"
        case str():
            return f"the text `{value if len(value) <= 40 else value[:39] + '…'}`"
        case dict():
            return "a mapping"
        case _:
            return "a list"


def refused(code: str, message: str, hint: str | None = None) -> PydanticCustomError:
    """An error whose code, sentence and hint become those of the fault."""
    return PydanticCustomError(code, "{sentence}", {"sentence": message, "hint": hint})


def wrong_type(expected: str, value: object, hint: str | None = None) -> PydanticCustomError:
    code = "null" if value is None else "type"
    return refused(code, f"expected {expected}, found {describe(value)}", hint)


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    quotable = isinstance(value, bool | float)
    raise wrong_type("text", value, "put it in quotes" if quotable else None)


def _amount(value: object) -> str:
    """Money; of a bare number the parser says that its currency is missing."""
    return repr(value) if isinstance(value, float) else _text(value)


def _flag(value: object) -> bool | str:
    if isinstance(value, bool) or (isinstance(value, str) and is_template(value)):
        return value
    hint = None
    if isinstance(value, str) and value.strip().lower() in ("yes", "on", "y", "1"):
        hint = "write `true`"
    elif isinstance(value, str) and value.strip().lower() in ("no", "off", "n", "0"):
        hint = "write `false`"
    raise wrong_type("true or false", value, hint)


def _whole(value: object) -> int | str:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and is_template(value):
        return value
    raise wrong_type(
        "a whole number", value, "remove the quotes" if isinstance(value, str) and value.isdigit() else None
    )


def _number(value: object) -> int | float | str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and is_template(value):
        return value
    raise wrong_type("a number", value)


def _condition(value: object) -> bool | str:
    if isinstance(value, bool | str):
        return value
    if value in (0, 1):
        return bool(value)
    raise wrong_type("true, false or a template", value)


def _scalar(value: object) -> str | int | float | bool:
    if isinstance(value, str | int | float):
        return value
    raise wrong_type("text, a number, true or false", value)


def _given(value: object) -> object:
    if value is None:
        raise refused("null", "nothing stands here (null)")
    return value


def _anything(value: object) -> Any:
    return value


_TEXT_SCHEMA: Final[dict[str, Any]] = {"type": ["string", "integer"]}
Text = Annotated[str, PlainValidator(_text), WithJsonSchema(_TEXT_SCHEMA)]
Amount = Annotated[str, PlainValidator(_amount), WithJsonSchema(_TEXT_SCHEMA)]
Flag = Annotated[bool | str, PlainValidator(_flag), WithJsonSchema({"anyOf": [{"type": "boolean"}, TEMPLATE_SCHEMA]})]
Whole = Annotated[int | str, PlainValidator(_whole), WithJsonSchema({"anyOf": [{"type": "integer"}, TEMPLATE_SCHEMA]})]
Number = Annotated[
    int | float | str, PlainValidator(_number), WithJsonSchema({"anyOf": [{"type": "number"}, TEMPLATE_SCHEMA]})
]
Condition = Annotated[
    bool | str, PlainValidator(_condition), WithJsonSchema({"type": ["boolean", "string", "integer"]})
]
Scalar = Annotated[
    str | int | float | bool, PlainValidator(_scalar), WithJsonSchema({"type": ["string", "number", "boolean"]})
]
Anything = Annotated[Any, PlainValidator(_anything), WithJsonSchema({})]

OUTPUT_FORMATS: Final = ("jpeg", "png")
OPTIMIZE_PROMPT: Final = ("standard", "fast")
RESPONSE_FORMATS: Final = ("url", "b64_json")
BACKGROUNDS: Final = ("opaque", "transparent")
GATES: Final = ("approve",)
ON_SIZE_MISMATCH: Final = ("accept", "fail", "fit")
PROVIDERS: Final = ("apiyi", "byteplus", "byteplus-eu", "volcengine", "volcengine-plan")  # shipped; a user may add some


def _choice(values: tuple[str, ...]) -> WithJsonSchema:
    return WithJsonSchema({"anyOf": [{"enum": list(values)}, TEMPLATE_SCHEMA]})


OutputFormat = Annotated[str, PlainValidator(_text), _choice(OUTPUT_FORMATS)]
OptimizePrompt = Annotated[str, PlainValidator(_text), _choice(OPTIMIZE_PROMPT)]
ResponseFormat = Annotated[str, PlainValidator(_text), _choice(RESPONSE_FORMATS)]
Background = Annotated[str, PlainValidator(_text), _choice(BACKGROUNDS)]
Gate = Annotated[str, PlainValidator(_text), _choice(GATES)]
OnSizeMismatch = Annotated[str, PlainValidator(_text), _choice(ON_SIZE_MISMATCH)]
Dialect = Annotated[str, PlainValidator(_text), WithJsonSchema({"type": "string", "examples": list(PROVIDERS)})]

T = TypeVar("T")
Given = Annotated[T | None, BeforeValidator(_given)]  # may be left out, but must not be null
