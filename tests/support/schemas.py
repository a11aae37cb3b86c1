"""`schemas/` as it has to be: what `seedpipe schema NAME` prints. `python -m tests.support.schemas` writes it."""

from collections.abc import Callable, Mapping
from typing import Any

from seedpipe.commands.schema import SCHEMAS
from seedpipe.console import json_text
from tests.support.workspace import REPOSITORY

FOLDER = REPOSITORY / "schemas"
_NAMES: Mapping[str, str] = {"manifest": "seedpipe"}  # as editors know it


def shipped() -> Mapping[str, Callable[[], dict[str, Any]]]:
    """By the name of the file."""
    return {f"{_NAMES.get(name, name)}.schema.json": schema for name, schema in SCHEMAS.items()}


def text(schema: Callable[[], dict[str, Any]]) -> str:
    return json_text(schema()) + "\n"


if __name__ == "__main__":
    for name, schema in shipped().items():
        (FOLDER / name).write_text(text(schema), encoding="utf-8")
