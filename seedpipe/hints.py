"""The next step for each kind of fault, where the place that found it knows none that is nearer."""

from collections.abc import Mapping
from typing import Final

_TWICE: Final = "rename or remove one of them"
_AROUND: Final = "check the commas, brackets and quotes around here"

NEXT_STEPS: Final[Mapping[str, str]] = {
    # a file as such
    "bad-csv": _AROUND,
    "bad-json": _AROUND,
    "bad-path": "write a path relative to the file that names it",
    "bad-table": "a table is a CSV file with a header, or rows in JSON or YAML",
    "encoding": "save the file as UTF-8",
    "file-not-found": "put the file there, or correct its name",
    "file-too-large": "spread it over several files",
    "include-loop": "take one of the includes out",
    "no-match": "correct it, or take it out",
    "read-failed": "see to it that it is a file that you may read",
    "read-refused": "only files inside the project are read: put it there",
    "too-large": "spread it over several files",
    "yaml-duplicate-key": _TWICE,
    "yaml-empty": "write something into it, or take it away",
    "yaml-key": "write a word as the key",
    "yaml-limit": "spread it over several entries or files",
    "yaml-recursion": "write the value out instead",
    "yaml-syntax": "check the indentation, brackets and quotes around here",
    # entries
    "bad-looks": "correct it, or take `looks` out",
    "bad-sequence": "correct it; what is too long becomes several sequences",
    "bad-var": "give a value of the same kind, or change it in the manifest",
    "defined-twice": _TWICE,
    "empty-prompt": "say what the picture shows",
    "include-twice": "take one of them out",
    "missing-key": "add it",
    "moved": "correct it, or take it out of `moved`",
    "no-kind": "an entry has a `prompt`, a `file`, or `from` with `steps`",
    "not-yet": "take it out for now",
    "output-is-folder": "give one of them another `output`",
    "unknown-key": "take it out; `seedpipe schema` says what there is",
    "too-many-nodes": "use fewer values, or make two projects of it",
    "wrong-field": "take it out here",
    # matrix and data
    "bad-key": "write a word there that names the row",
    "bad-segment": "give it a value, or take it out",
    "duplicate-row": "give each row a key of its own",
    "duplicate-value": "take one of them out",
    "empty-axis": "give it values, or take the axis out",
    "empty-match": "name an axis of the matrix in it",
    "empty-matrix": "give it an axis like `{color: [red, blue]}`, or take `matrix` out",
    "empty-override": "say in it what is otherwise, or take it out",
    "fallback-loop": "let one of the rows stand without a fallback",
    "missing-key-column": "add the column, or name another one as `key`",
    "needs-matrix": "give it a `matrix`, or take this out",
    "too-many-axes": "use fewer axes, or make two entries of it",
    # references, steps, templates
    "ambiguous-reference": "name one picture",
    "dangling-reference": "name an entry of `images`, or a pattern that fits one",
    "empty-text": "give it words, or leave the picture out with `when`",
    "no-steps": "add one, like `{resize: 1200x630}`",
    "self-reference": "take it out: no picture is made from itself",
    "template-limit": "shorten it, or let it repeat less",
    "template-not-found": "put the template there, or correct its name",
    "template-refused": "templates reach vars, rows and filters, and nothing behind them",
    "template-syntax": "check the braces and tags around here",
    "template-value": "write a text or a number there",
    "trace": "run `seedpipe check`",
    "var-loop": "let one of them stand without the others",
    # what is around the manifest
    "endpoint": "`seedpipe models` lists what can be named",
    "key": "`seedpipe login` stores a key",
    "lock-line": "restore the line from git",
    "price": "correct it in your catalogue file",
    "service": "check the base URL and the network",
}
