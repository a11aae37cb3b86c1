"""What of a local picture's steps changed, from what to what: told by plans, where this machine made the earlier one."""

import pytest

from seedpipe.plan.plan import State
from tests.plan.project import Project

CARD = """
photo: {file: art/photo.png}
mark: {file: art/mark.png}
other: {file: art/other.png}
card:
  from: photo
  steps: [{crop: 1200:630}, {resize: 1200x630}, {text: Made to last}, {overlay: {image: mark}}, {convert: jpeg}]
"""


@pytest.fixture
def project() -> Project:
    made = Project().write("art/photo.png", "a photo").write("art/mark.png", "a mark").write("art/other.png", "another")
    made.images(CARD).build()
    return made


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("Made to last", "Made for ever", ["lettering: to last → for ever"]),
        ("{resize: 1200x630}", "{resize: 1000x}", ["resize: 1200x630 → 1000x"]),
        ("{crop: 1200:630}", "{crop: {width: 1200, height: 630, anchor: top}}", ["crop anchor: center → top"]),
        ("{crop: 1200:630}", "{crop: 1200x630}", ["crop: 1200:630 → 1200x630"]),
        ("{text: Made to last}", '{text: {text: Made to last, color: "#000000"}}', ["text color: #ffffff → #000000"]),
        ("{text: Made to last}", "{text: {text: Made to last, anchor: top}}", ["text anchor: bottom → top"]),
        ("{text: Made to last}", "{text: {text: Made to last, size: 5%}}", ["text size: none → 5%"]),
        ("{text: Made to last}", "{text: {text: Made to last, font: art/a.ttf}}", ["text font: one file → another"]),
        ("{convert: jpeg}", "{convert: webp}", ["convert format: jpeg → webp"]),
        ("{convert: jpeg}", "{convert: {format: jpeg, quality: 80}}", ["convert quality: 92 → 80"]),
        ("{crop: 1200:630}, ", "", ["steps: − crop 1200:630"]),
        (", {convert: jpeg}", ", {convert: jpeg}, {resize: 400x}", ["steps: + resize 400x"]),
        ("{crop: 1200:630}, {resize: 1200x630}", "{resize: 1200x630}, {crop: 1200:630}", ["its steps stand in another order"]),
        ("{image: mark}", "{image: other}", ["overlay: mark → other"]),
        ("from: photo", "from: other", ["from: photo → other"]),
    ],
)  # fmt: skip
def test_each_change_of_a_step_is_told(project: Project, old: str, new: str, told: list[str]) -> None:
    project.write("art/a.ttf", "a font").edit(old, new)
    assert project.states()["card"] == "free"
    assert project.why("card") == told


def test_a_changed_input_is_told_by_name(project: Project) -> None:
    project.write("art/mark.png", "a new mark")
    assert project.why("card") == ["mark is another picture now"]


def test_a_machine_that_never_saw_the_steps_knows_only_that_something_changed(project: Project) -> None:
    project.edit("{resize: 1200x630}", "{resize: 1000x}")
    project.memory.recipes_asked.clear()
    assert project.why("card") == ["its steps or what they work on changed"]


def test_own_changes_are_told_beside_what_it_is_made_from() -> None:
    project = Project().images("hero: {prompt: A lamp}\ncard: {from: hero, steps: [{resize: 400x}]}")
    project.build()
    project.edit("A lamp", "A brass lamp")
    assert project.why("card") == ["hero changes"]
    project.edit("400x", "500x")
    assert project.why("card") == ["resize: 400x → 500x", "hero changes"]
    plan = project.plan()
    assert plan.nodes["card"].state is State.FREE
    project.memory.recipes_asked.clear()
    assert project.why("card") == ["hero changes"]
