"""docs/service.md is true: the tests that it names exist, and each row of the overview has one."""

import ast
import re
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
PAGE = (REPOSITORY / "docs/service.md").read_text(encoding="utf-8")
NAMED = re.compile(r"`(tests/[a-z_/0-9]+\.py)::(test_[a-z_0-9]+)`")


def functions_of(file: str) -> set[str]:
    tree = ast.parse((REPOSITORY / file).read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_the_tests_that_are_named_exist() -> None:
    named = set(NAMED.findall(PAGE))
    files = {file: functions_of(file) for file, _ in named}
    assert [f"{file}::{name}" for file, name in sorted(named) if name not in files[file]] == []


def test_every_row_has_a_test() -> None:
    tables = PAGE.partition("## The overview, row by row")[2]
    rows = [line for line in tables.splitlines() if line.startswith("| ") and not line.startswith("| row")]
    assert len(rows) >= 45
    assert [row for row in rows if not NAMED.search(row)] == []


def test_every_test_of_the_overview_is_named() -> None:
    file = "tests/conformance/test_overview.py"
    named = {name for named_file, name in NAMED.findall(PAGE) if named_file == file}
    assert {name for name in functions_of(file) if name.startswith("test_")} == named
