"""Templates that only name values (`{{ product.name }}`, `{{ copy[market].line }}`), rendered without Jinja2's compiler.

Nearly all texts of a manifest are of this kind, and compiling one takes a hundred times longer than reading it. The
meaning is Jinja2's: names, attributes and items are looked up by the same environment.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from jinja2.utils import missing

from seedpipe.manifest.sandbox import PromptEnvironment

_PART: Final = r"""\.[A-Za-z_][A-Za-z0-9_]*|\[[A-Za-z_][A-Za-z0-9_]*\]|\[(?:"[^"\\\n{}]*"|'[^'\\\n{}]*')\]"""
_EXPRESSION: Final = re.compile(rf"\{{\{{[ \t\n]*(?P<root>[A-Za-z_][A-Za-z0-9_]*)(?P<rest>(?:{_PART})*)[ \t\n]*\}}\}}")
_PARTS: Final = re.compile(_PART)
_WORDS: Final = frozenset(
    [
        "and",
        "else",
        "false",
        "False",
        "if",
        "in",
        "is",
        "loop",
        "none",
        "None",
        "not",
        "or",
        "recursive",
        "self",
        "super",
        "true",
        "True",
        "caller",
        "varargs",
        "kwargs",
        "namespace",
        "range",
    ]
)


@dataclass(frozen=True, slots=True)
class Key:
    """`.name` or `["name"]`."""

    name: str
    item: bool


@dataclass(frozen=True, slots=True)
class Index:
    """`[name]`: the item that the value of a name says."""

    root: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Expression:
    """`root` and what is taken of it; `start` is where `{{` stands in the template's text."""

    root: str
    rest: tuple[Key | Index, ...]
    start: int

    def value(self, environment: PromptEnvironment, variables: Mapping[str, Any]) -> Any:
        found = _name(environment, variables, self.root)
        for part in self.rest:
            if isinstance(part, Index):
                found = environment.getitem(found, _name(environment, variables, part.root))
            elif part.item:
                found = environment.getitem(found, part.name)
            else:
                found = environment.getattr(found, part.name)
        return found


def _name(environment: PromptEnvironment, variables: Mapping[str, Any], name: str) -> Any:
    value = variables.get(name, missing)
    if value is missing:
        value = environment.globals.get(name, missing)
    return environment.undefined(name=name) if value is missing else value


def read_simple(text: str) -> tuple[str | Expression, ...] | None:
    """The parts of a template that only names values; None if it does more."""
    parts: list[str | Expression] = []
    end = 0
    for match in _EXPRESSION.finditer(text):
        if match["root"] in _WORDS:
            return None
        before = text[end : match.start()]
        if before.endswith("{"):
            return None  # `{{{`: the marker begins one character earlier
        parts.append(before)
        rest = tuple(_part(part) for part in _PARTS.findall(match["rest"]))
        if any(isinstance(part, Index) and part.root in _WORDS for part in rest):
            return None
        parts.append(Expression(root=match["root"], rest=rest, start=match.start()))
        end = match.end()
    parts.append(text[end:])
    if any(isinstance(part, str) and ("{{" in part or "{%" in part or "{#" in part) for part in parts):
        return None
    last = parts[-1]
    if isinstance(last, str) and last.endswith("\n"):
        parts[-1] = last[:-1]  # as Jinja2 does
    return tuple(part for part in parts if part != "")


def _part(text: str) -> Key | Index:
    if text[0] == ".":
        return Key(text[1:], item=False)
    inner = text[1:-1]
    return Key(inner[1:-1], item=True) if inner[0] in "\"'" else Index(inner)
