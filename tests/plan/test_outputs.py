"""Where the pictures go, and in which file format."""

import pytest

from seedpipe.plan.outputs import format_of, output_paths
from tests.plan.project import Project


def test_the_address_is_the_path_unless_one_is_given() -> None:
    project = Project().write("art/logo.jpeg", "a mark")
    project.images("""
logo: {file: art/logo.jpeg}
scene: {matrix: {shape: [16:9, 1:1]}, prompt: A lamp}
hero: {prompt: A lamp, output: top/hero.jpg}
""")
    assert output_paths(project.graph()) == {
        "scene/16:9": "scene/16-9.jpg",
        "scene/1:1": "scene/1-1.jpg",
        "hero": "top/hero.jpg",
    }


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ("it: {prompt: A lamp}", "jpeg"),
        ("it: {prompt: A lamp, model: seedream-5-0, output_format: png}", "png"),
        ("a: {prompt: A lamp}\nit: {from: a, steps: [{resize: 10x10}]}", "jpeg"),
        ("a: {prompt: A lamp}\nit: {from: a, steps: [{convert: webp}, {resize: 10x10}]}", "webp"),
        ("a: {prompt: A lamp}\nit: {from: a, steps: [{convert: webp}, {convert: png}]}", "png"),
        (
            "a: {prompt: A lamp}\nb: {from: a, steps: [{convert: png}]}\nit: {from: b, steps: [{resize: 10x10}]}",
            "png",
        ),
        ("a: {file: art/logo.webp}\nit: {from: a, steps: [{resize: 10x10}]}", "webp"),
        ("a: {file: art/logo.tiff}\nit: {from: a, steps: [{resize: 10x10}]}", "png"),
        ("a: {prompt: A lamp}\nit: {from: a, steps: [{resize: 10x10}], output: it.png}", "jpeg"),
    ],
)
def test_steps_and_what_they_work_on_decide_the_format_never_the_path(entries: str, expected: str) -> None:
    project = Project().write("art/logo.webp", "a mark").write("art/logo.tiff", "a mark").images(entries)
    graph = project.graph()
    assert format_of(graph["it"], graph) == expected


def test_moving_an_output_changes_no_recipe_and_buys_nothing() -> None:
    project = Project().images("""
hero: {prompt: A lamp, output: one/hero.jpg}
card: {from: hero, steps: [{resize: 10x10}], output: one/card.jpg}
""")
    project.build()
    before = {node.address: node.key for node in project.plan().nodes.values()}
    project.edit("one/hero", "two/hero").edit("one/card.jpg", "two/card.png")
    plan = project.plan()
    assert project.states() == {"hero": "cached", "card": "cached"}
    assert {node.address: node.key for node in plan.nodes.values()} == before
    assert [node.address for node in plan.nodes.values() if node.writes] == ["hero", "card"]
    assert project.why("card") == ["two/card.png is written again"]
