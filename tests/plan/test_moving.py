"""Lines of the lock under new addresses: what moves, what joins, and what stays where it is."""

from dataclasses import replace

import pytest

from seedpipe.errors import DecisionError
from seedpipe.plan.moving import lines_below, moves
from seedpipe.state.lock import ImageEntry, Level
from tests.plan.project import Project

BEFORE = """
logo: {url: "https://example.com/logo.png"}
hero: {prompt: A lamp}
scene: {matrix: {n: [a, b]}, prompt: "Scene {{ n }}, {{ refs.hero }}", references: {hero: hero}}
small: {from: hero, steps: [{resize: 64x}]}
"""
AFTER = BEFORE.replace("hero:", "lamp:", 1).replace("hero: hero", "hero: lamp").replace("from: hero", "from: lamp")


@pytest.fixture
def project() -> Project:
    project = Project().images(BEFORE)
    project.build()
    project.approve("hero")
    project.pin("scene/a")
    return project


def moved(project: Project, old: str, new: str) -> dict[str, str]:
    """What can be moved, applied to the lock; and why the rest can't."""
    possible, refused = moves(project.lock, project.graph(), old, new)
    for move in possible:
        assert (project.lock.at(move.old), project.lock.at(move.new)) == (move.line, move.present)
        project.lock = project.lock.replacing({move.old: None, move.new: move.entry})
    return {name: str(error) for name, error in refused}


def test_a_renamed_picture_keeps_its_level(project: Project) -> None:
    line = project.entry("hero")
    project.images(AFTER)
    assert project.plan().pictures == 0, "a rename costs nothing"
    assert moved(project, "hero", "lamp") == {}
    assert project.entry("lamp") == line
    assert project.lock.image("hero") is None
    assert project.states()["lamp"] == "cached"


def test_a_group_moves_with_all_its_items(project: Project) -> None:
    project.images(BEFORE.replace("scene:", "shot:").replace("n: [a, b]", "n: [a, b, c]"))
    assert moved(project, "scene/", "shot") == {}
    assert {name for name in project.lock.entries if name.startswith("s")} == {"shot/a", "shot/b", "small"}
    assert project.entry("shot/a").level is Level.PINNED


def test_one_item_of_a_group_moves_alone(project: Project) -> None:
    project.images(BEFORE.replace("n: [a, b]", "n: [a2, b]"))
    assert moved(project, "scene/a", "scene/a2") == {}
    assert project.entry("scene/a2").level is Level.PINNED


def test_what_a_build_put_there_by_itself_gives_way_and_its_takes_stay_listed(project: Project) -> None:
    project.images(AFTER)
    project.build()
    built = project.entry("lamp")
    project.lock = project.lock.replacing({"lamp": replace(built, takes=(*built.takes, project.entry("scene/b").take))})
    assert moved(project, "hero", "lamp") == {}
    assert project.entry("lamp").level is Level.APPROVED
    assert set(project.entry("lamp").takes) == {built.take, project.entry("scene/b").take}


@pytest.mark.parametrize("level", [Level.APPROVED, Level.PINNED])
def test_a_choice_that_a_person_made_there_holds(project: Project, level: Level) -> None:
    project.images(AFTER)
    project.build()
    project.choose("lamp", level)
    assert moved(project, "hero", "lamp") == {"hero": f"`lamp` has a picture of its own, which is {level}"}
    assert project.lock.image("hero") is not None, "and nothing is lost"


def test_what_cannot_be_moved_says_why(project: Project) -> None:
    assert moved(project, "hero", "lamp") == {"hero": "`hero` is still in the manifest, and keeps its own picture"}
    project.images(
        BEFORE.replace("hero:", "lamp:", 1).replace("hero: hero", "hero: lamp").replace("from: hero", "from: lamp")
    )
    assert moved(project, "hero", "lump") == {"hero": "`lump` is not in the manifest"}
    assert moved(project, "hero", "small") == {"hero": "`small` is another kind of picture than `hero` was"}
    with pytest.raises(DecisionError, match="the lock has no line of `heroes`"):
        moved(project, "heroes", "lamp")


def test_derived_pictures_and_pinned_addresses_move_too(project: Project) -> None:
    lines = {name: project.lock.at(name) for name in ("logo", "small")}
    project.images(BEFORE.replace("logo:", "mark:").replace("small:", "tiny:"))
    assert moved(project, "logo", "mark") == {} and moved(project, "small", "tiny") == {}
    assert (project.lock.at("mark"), project.lock.at("tiny")) == (lines["logo"], lines["small"])
    project.lock = project.lock.replacing({"small": lines["small"]})
    project.images(BEFORE.replace("small:", "tiny:"))
    assert moved(project, "small", "tiny") == {"small": "`tiny` has a line of its own by now, which holds"}


def test_a_name_is_no_beginning_of_a_longer_one(project: Project) -> None:
    line = project.entry("hero")
    assert isinstance(line, ImageEntry)
    project.lock = project.lock.replacing({"hero-2": line, "hero/a": line, "hero#one": line})
    assert list(lines_below(project.lock, "hero")) == ["hero", "hero#one", "hero/a"]
