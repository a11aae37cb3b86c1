"""docs/security.md is true: each test that it names exists, and each attack has one."""

import ast
import re
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
PAGE = (REPOSITORY / "docs/security.md").read_text(encoding="utf-8")
NAMED = re.compile(r"`(tests/[a-z_/0-9]+\.py)::(test_[a-z_0-9]+)`")


def test_the_tests_that_are_named_exist() -> None:
    missing = []
    for file, name in NAMED.findall(PAGE):
        tree = ast.parse((REPOSITORY / file).read_text(encoding="utf-8"))
        if name not in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}:
            missing.append(f"{file}::{name}")
    assert missing == []


def test_every_attack_has_a_test() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("| ") and not line.startswith("| attack")]
    assert len(rows) >= 25
    assert [row for row in rows if not NAMED.search(row)] == []
