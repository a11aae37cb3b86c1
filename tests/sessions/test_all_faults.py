"""`check` tells faults of every stage in one run, as far as they have nothing to do with each other."""

import pytest

from tests.sessions.conftest import manifest
from tests.support.workspace import Workspace

SOUND = ["lamp: {prompt: A lamp}", "desk: {prompt: 'A desk after {{ refs.a }}', references: {a: lamp}}"]
UNKNOWN_KEY = "typo: {prompt: A chair, sizze: 2K}"
NO_VAR = "torch: {prompt: 'A {{ metal }} torch'}"
DANGLING = "card: {prompt: 'On {{ refs.a }}', references: {a: nowhere}}"
TOO_WIDE = "wide: {prompt: A field, size: 9999x100}"
LOOP = ["one: {prompt: '{{ refs.a }}', references: {a: two}}", "two: {prompt: '{{ refs.a }}', references: {a: one}}"]
NO_FILE = "mark: {file: art/none.png}"


def told(workspace: Workspace) -> list[tuple[str, str | None]]:
    """Code and line of each error."""
    ran = workspace.run("check", "--json")
    assert ran.code == 2, ran.err
    return [(fault["code"], fault.get("line")) for fault in ran.json["faults"] if fault["severity"] == "error"]


def codes(workspace: Workspace, *images: str) -> set[str]:
    workspace.write("seedpipe.yaml", manifest(*images))
    return {code for code, _ in told(workspace)}


def test_one_run_tells_what_is_wrong_at_every_stage(workspace: Workspace) -> None:
    one_by_one = [
        codes(workspace, *SOUND, *broken) for broken in ([UNKNOWN_KEY], [NO_VAR], [DANGLING], [TOO_WIDE], LOOP)
    ]
    assert all(one_by_one)
    together = codes(workspace, *SOUND, UNKNOWN_KEY, NO_VAR, DANGLING, TOO_WIDE, *LOOP, NO_FILE)
    assert together >= set.union(*one_by_one), together
    assert "file-not-found" in together or "no-file" in together, together


def test_what_is_made_from_a_faulty_entry_is_not_judged_without_it(workspace: Workspace) -> None:
    """Neither by name, nor by glob, nor by a template that may say any name; a fault of its own is told when it can be."""
    images = [
        UNKNOWN_KEY,
        "a: {prompt: 'A {{ refs.r }}', references: {r: typo}}",
        "b: {prompt: 'A {{ refs.a }}', references: {a: a}}",
        "c: {prompt: 'All of {{ refs.r }}', references: {r: 't*'}}",
        "d: {matrix: {n: [typo]}, prompt: 'A {{ refs.r }}', references: {r: '{{ n }}'}}",
        "e: {from: lamp, steps: [{overlay: typo}]}",
        "f: {from: d/typo, steps: [{resize: 10x}]}",
    ]
    assert codes(workspace, *SOUND, *images) == codes(workspace, UNKNOWN_KEY)


@pytest.mark.parametrize("head", ["vars: {palette: }\n", "data: {rows: none.csv}\n", "defaults: {sizze: 2K}\n"])
def test_what_all_entries_share_is_mended_first(workspace: Workspace, head: str) -> None:
    workspace.write("seedpipe.yaml", manifest(*SOUND, NO_VAR, TOO_WIDE, head=head))
    assert len(told(workspace)) <= 2


def test_a_budget_is_nobodys_entry(workspace: Workspace) -> None:
    workspace.write("seedpipe.yaml", manifest(*SOUND, TOO_WIDE, head="budget: {per_build: much}\n"))
    assert {code for code, _ in told(workspace)} == {"bad-money", *codes(workspace, TOO_WIDE)}


def test_every_other_verb_tells_the_same(workspace: Workspace) -> None:
    workspace.write("seedpipe.yaml", manifest(*SOUND, UNKNOWN_KEY, TOO_WIDE))
    ran = workspace.run("plan")
    assert ran.code == 2
    assert "there is no key `sizze` here" in ran.err
    assert "9999" in ran.err
