"""docs/walk.md is executed: two branches of the storyboard, merged, with the commands and outputs as they really ran."""

from pathlib import Path

from tests.support.walk import PAGE, outputs, steady


def test_the_walk(tmp_path: Path) -> None:
    text = PAGE.read_text(encoding="utf-8")
    ran = list(outputs(tmp_path, text))
    assert len(ran) > 15
    for step, printed in ran:
        assert steady(printed) == steady(step.output), step.command
