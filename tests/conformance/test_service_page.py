"""docs/service.md is true: the tests that it names exist, and each row of the overview's tables has one."""

import ast
import re
from pathlib import Path

import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
PAGE = (REPOSITORY / "docs/service.md").read_text(encoding="utf-8")
OVERVIEW = yaml.safe_load((REPOSITORY / "tests/golden/overview-tables.yaml").read_text(encoding="utf-8"))
NAMED = re.compile(r"`(tests/[a-z_/0-9]+\.py)::(test_[a-z_0-9]+)`")


def functions_of(file: str) -> set[str]:
    tree = ast.parse((REPOSITORY / file).read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def tables() -> dict[str, list[str]]:
    """The lines of each table of the last chapter, by its title."""
    chapter = PAGE.partition("## The overview, row by row")[2]
    found = {}
    for part in chapter.split("\n### ")[1:]:
        title, *lines = part.splitlines()
        found[title] = [line for line in lines if line.startswith("| ") and not line.startswith("| row")]
    return found


def test_the_tests_that_are_named_exist() -> None:
    named = set(NAMED.findall(PAGE))
    files = {file: functions_of(file) for file, _ in named}
    assert [f"{file}::{name}" for file, name in sorted(named) if name not in files[file]] == []


def test_every_row_has_a_test() -> None:
    rows = [row for table in tables().values() for row in table]
    assert len(rows) >= 60
    assert [row for row in rows if not NAMED.search(row.split(" | ", 1)[1])] == []


def test_no_row_of_the_overview_is_missing() -> None:
    assert list(tables()) == list(OVERVIEW)
    for title, rows in tables().items():
        cells = [row.split(" | ")[0].removeprefix("| ").replace("`", "") for row in rows]
        missing = [words for words in OVERVIEW[title] if not any(words in cell for cell in cells)]
        assert missing == [], title
        assert len(rows) >= len(OVERVIEW[title]), title


def test_every_test_of_the_overview_is_named() -> None:
    file = "tests/conformance/test_overview.py"
    named = {name for named_file, name in NAMED.findall(PAGE) if named_file == file}
    assert {name for name in functions_of(file) if name.startswith("test_")} == named
