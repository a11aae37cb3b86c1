"""`want`, `own` and `asked` of a lock's line against the manifest: a false one is told, a true one never."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seedpipe.errors import Fault
from seedpipe.names import Digest
from seedpipe.plan.lock_place import Place
from seedpipe.plan.lock_truth import ManifestWords
from seedpipe.state.lock import ImageEntry
from tests.plan.project import Project
from tests.plan.test_properties import EDITS, Drawn, come_short, graphs, happen, written

OTHER = Digest.of(b"another document")


def judged(project: Project, address: str, entry: ImageEntry) -> tuple[bool, list[Fault]]:
    words = ManifestWords(graph=project.graph(), resolver=project.resolver())
    place = Place("seedpipe.lock", 1, f"{address} {json.dumps(entry.to_dict())}", address)
    known, faults = words.judge(place, entry)
    return known, list(faults)


def pictures(project: Project) -> dict[str, ImageEntry]:
    return {name: entry for name, entry in project.lock.entries.items() if isinstance(entry, ImageEntry)}


@settings(max_examples=30, deadline=None)
@given(graphs(), EDITS, st.booleans())
def test_what_builds_and_people_write_is_never_told(
    nodes: list[Drawn], edits: list[tuple[str, int]], short: bool
) -> None:
    """Over graphs with frames and looks, edits, cascades, renamed and picked looks, requests that fail or come short."""
    project = written(nodes, Project())
    if short:
        come_short(nodes, project)
    project.build()
    for what, number in edits:
        nodes = happen(project, nodes, what, number)
        for name, entry in pictures(project).items():
            assert judged(project, name, entry)[1] == []
    project.build()
    plan = project.plan()
    for name, entry in pictures(project).items():
        known, faults = judged(project, name, entry)
        assert faults == []
        assert known or name not in plan.nodes or plan.nodes[name].key != entry.want, "what is current is known"


@settings(max_examples=30, deadline=None)
@given(
    graphs(),
    st.booleans(),
    st.sampled_from(["want", "own", "prompt", "model", "size", "references", "variant", "seedpipe"]),
)
def test_any_other_digest_is_told_of_a_line_that_is_current(nodes: list[Drawn], short: bool, field: str) -> None:
    project = written(nodes, Project())
    if short:
        come_short(nodes, project)
    project.build()
    for name, entry in pictures(project).items():
        (fault,) = judged(project, name, falsified(entry, field))[1]
        at = "want" if field == "references" else field if field in ("want", "own") else "asked"
        assert fault.message.startswith(f"`{name}`: `{at}` is ")
        assert fault.hint is not None and "git log -p" in fault.hint


def falsified(entry: ImageEntry, field: str) -> ImageEntry:
    other: dict[str, Any] = {"references": [str(OTHER)], "prompt": str(OTHER), "seedpipe": "image/9"}
    if field == "want":
        return replace(entry, want=OTHER)
    if field == "own":
        return replace(entry, own=OTHER)
    return replace(entry, asked={**entry.asked, field: other.get(field, "another")})


def test_a_source_that_has_become_a_generated_picture_leaves_lines_true() -> None:
    project = (
        Project()
        .write("logo.png", "tan")
        .images("logo: {file: logo.png}\nflag: {file: logo.png}\nhero: {prompt: A lamp, references: [logo, flag]}")
    )
    project.build()
    entry = project.entry("hero")
    project.edit("logo: {file: logo.png}", "logo: {prompt: A logo}")
    assert judged(project, "hero", entry) == (True, [])
    (fault,) = judged(project, "hero", replace(entry, own=OTHER))[1]
    assert "`own` is" in fault.message


@pytest.mark.parametrize("references", ["text", [7], {"a": 1}, [0.5], [["x"]]])
def test_what_no_document_holds_is_no_crash(references: Any) -> None:
    project = Project().images("hero: {prompt: A lamp}")
    project.build()
    entry = project.entry("hero")
    judged(project, "hero", replace(entry, asked={**entry.asked, "references": references}))
