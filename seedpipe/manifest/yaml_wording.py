"""PyYAML's complaints about the syntax of a document, said in our words."""

import re
from collections.abc import Sequence
from typing import Final

import yaml

from seedpipe.errors import Fault
from seedpipe.limits import MAX_DEPTH
from seedpipe.source import Position

_COLOUR: Final = re.compile(r"[:,\[{-]\s+#[0-9a-fA-F]{3,8}(?![0-9a-zA-Z])")
_TEMPLATE: Final = re.compile(r"(?:^|[:,\[-])\s*\{[{%]")
QUOTE_COLOUR: Final = 'a `#` after a blank starts a comment: put the colour in quotes, like `"#0B1F3A"`'
QUOTE_TEMPLATE: Final = 'put the whole value in quotes, like `"{{ name }}"`'

_WORDING: Final[Sequence[tuple[str, str, str | None]]] = (
    ("mapping values are not allowed", "a `:` stands where no key can be", "put a text that holds `: ` in quotes, or check the indentation"),
    ("could not find expected ':'", "this line is no `key: value`", "add the `:`, or indent the line if it belongs to the text above"),
    ("did not find expected ',' or ']'", "a list that began with `[` is not closed", "add the missing `,` or `]`"),
    ("did not find expected ',' or '}'", "a mapping that began with `{` is not closed", "add the missing `,` or `}`"),
    ("did not find expected node content", "a list or a mapping is not closed", "add the missing `]` or `}`"),
    ("did not find expected key", "this does not fit what stands around it", "check the indentation; a text that goes on after a closing quote must be quoted as a whole"),
    ("did not find expected '-' indicator", "a list item begins with `-`", "check the indentation"),
    ("found unexpected end of stream", "a quoted text is not closed", "add the missing quote"),
    ("found undefined alias", "an alias (`*name`) without an anchor (`&name`)", "put a text that begins with `*` in quotes"),
    ("found unknown escape character", "a `\\` sequence that YAML does not know", "write `\\\\` for a backslash, or use single quotes"),
    ("second occurrence", "an anchor (`&name`) is defined twice", "give one of them another name"),
    ("block sequence entries are not allowed", "a `-` list cannot begin here", "begin the list on a new line"),
    ("found unknown directive", "a line that begins with `%` is a YAML directive, and this one is unknown", None),
)  # fmt: skip


def _tab_or_mark(line: str, column: int) -> tuple[str, str, str | None]:
    character = line[column : column + 1]
    if character == "\t":
        return ("yaml-tab", "a tab stands in the indentation", "YAML indents with blanks only")
    if line[:column].rstrip().endswith("{") or _TEMPLATE.search(line):
        return ("yaml-unquoted-template", "a template without quotes", QUOTE_TEMPLATE)
    return ("yaml-syntax", f"a text cannot begin with `{character}`", "put the text in quotes")


def syntax_fault(name: str, lines: Sequence[str], error: yaml.MarkedYAMLError) -> Fault:
    """The fault for `error`; `lines` are the lines of the document."""
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line, mark.column) if mark is not None else (0, 0)
    if error.problem and "did not find expected ',' or" in error.problem and error.context_mark is not None:
        line, column = error.context_mark.line, error.context_mark.column
    marker = next((number for number, one in enumerate(lines) if one.startswith("<<<<<<< ")), None)
    if marker is not None and marker <= line:
        return Fault(
            code="conflict-markers",
            message="a merge left conflict markers here",
            position=Position(name, marker + 1, 1),
            hint="settle what the two sides want, and delete the lines `<<<<<<<`, `=======` and `>>>>>>>`",
        )
    text = lines[line] if line < len(lines) else ""
    code, message, hint = _say(error, text, column)
    if "not closed" in message and not _COLOUR.search(text) and line > 0 and _COLOUR.search(lines[line - 1]):
        line, column, text = line - 1, 0, lines[line - 1]  # the colour's `#` made a comment of the closing bracket
    if code == "yaml-syntax" and _COLOUR.search(text):
        code, hint = "yaml-unquoted-colour", QUOTE_COLOUR
    elif code == "yaml-syntax" and _TEMPLATE.search(text):
        code, message, hint = "yaml-unquoted-template", "a template without quotes", QUOTE_TEMPLATE
    return Fault(code=code, message=message, position=Position(name, line + 1, column + 1), hint=hint)


def _say(error: yaml.MarkedYAMLError, text: str, column: int) -> tuple[str, str, str | None]:
    problem = error.problem or error.context or "the YAML cannot be read"
    if "tab character" in problem:
        return ("yaml-tab", "a tab stands in the indentation", "YAML indents with blanks only")
    if "cannot start any token" in problem:
        return _tab_or_mark(text, column)
    if (
        "maximum nesting depth" in problem
    ):  # newer scanners look so far ahead that they give up before the composer does
        return ("yaml-limit", f"values are nested deeper than {MAX_DEPTH} levels", None)
    if "found another document" in problem:
        return ("yaml-several-documents", "a second document begins here", "remove the `---`: one file is one document")
    for wording, message, hint in _WORDING:
        if wording in problem:
            return ("yaml-syntax", message, hint)
    return ("yaml-syntax", f"this is no valid YAML: {problem}", None)
