"""What is asked and what came: when they are the same, and what each `on_size_mismatch` makes of a difference."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedpipe.catalogue.catalogue import load_catalogue
from seedpipe.plan.sizes import SizeRule, asked_size
from tests.plan.project import Project

LAMP = """
hero: {prompt: A lamp, aspect: 16:9, on_size_mismatch: accept}
small: {from: hero, steps: [{resize: 64x}]}
card: {prompt: "{{ refs.hero }} on a card", references: {hero: hero}}
"""


@pytest.fixture
def project() -> Project:
    return Project().images(LAMP)


def came_as(project: Project, size: str, address: str = "hero") -> None:
    """The chosen picture of a built project was decoded to have this size."""
    entry = project.entry(address)
    made = replace(entry.made, size=size)
    project.lock = replace(project.lock, entries={**project.lock.entries, address: replace(entry, made=made)})
    width, _, height = size.partition("x")
    project.memory.sizes[entry.take] = (int(width), int(height))


@given(st.sampled_from(sorted(load_catalogue().served)), st.data())
def test_every_listed_size_meets_its_own_tier_and_no_other(served: tuple[str, str], data: st.DataObject) -> None:
    provider, dated = served
    model = load_catalogue().model(dated, provider)
    for tier in model.tiers:
        came = data.draw(st.sampled_from(sorted(model.sizes[tier].values())))
        assert asked_size(model, tier).is_met(came)
        assert not any(asked_size(model, other).is_met(came) for other in model.tiers if other != tier)
        assert asked_size(model, f"{came[0]}x{came[1]}").is_met(came)
        assert not asked_size(model, f"{came[0]}x{came[1]}").is_met((came[0], came[1] + 1))
    assert asked_size(model, "auto").is_met((1, 1)), "of a word that is no size nothing is expected"


@given(st.integers(1, 9000), st.integers(1, 9000), st.sampled_from(["accept", "fail", "fit"]))
def test_only_one_thing_is_done_about_it(width: int, height: int, word: str) -> None:
    rule = SizeRule(asked=asked_size(load_catalogue().models["seedream-4-5-251128"], "2848x1600"), on_mismatch=word)
    came = (width, height)
    assert rule.differs(came) is (came != (2848, 1600))
    assert rule.refuses(came) is (word == "fail" and rule.differs(came))
    assert rule.fit(came) == ("2848x1600" if word == "fit" and rule.differs(came) else None)
    assert not rule.refuses(None) and rule.fit(None) is None


def test_another_word_changes_no_key(project: Project) -> None:
    project.build()
    keys = {address: node.key for address, node in project.plan().nodes.items()}
    for old, new in (("accept", "fit"), ("fit", "fail")):
        project.edit(f"mismatch: {old}", f"mismatch: {new}")
        assert {address: node.key for address, node in project.plan().nodes.items()} == keys
        assert not project.plan().has_changes


def test_accepted_the_difference_is_told_and_nothing_is_done(project: Project) -> None:
    project.build()
    came_as(project, "2816x1584")
    plan = project.plan()
    assert (plan.nodes["hero"].came, plan.nodes["hero"].fit, plan.has_changes) == ("2816x1584", None, False)


def test_refused_it_fails_and_keeps_what_was_made_of_it(project: Project) -> None:
    project.build()
    came_as(project, "2816x1584")
    project.edit("accept", "fail")
    assert project.states() == {"hero": "failed", "small": "cached", "card": "cached"}
    assert project.states("hero")["hero"] == "failed", "naming it buys nothing"
    assert project.why("hero")[0].startswith("2848x1600 was asked for and 2816x1584 came")
    project.edit("64x", "32x")
    assert project.states() == {"hero": "failed", "small": "blocked", "card": "cached"}


def test_what_a_person_chose_stays_whatever_its_size(project: Project) -> None:
    project.build()
    came_as(project, "2816x1584")
    project.edit("accept", "fail")
    project.approve("hero")
    assert project.states()["hero"] == "cached"
    project.pin("hero")
    assert project.states()["hero"] == "pinned"


def test_another_take_of_the_right_size_takes_its_place(project: Project) -> None:
    project.build()
    first = project.entry("hero").take
    project.edit("accept", "accept, takes: 2").build()
    came_as(project, "2816x1584")
    project.edit("accept", "fail")
    planned = project.plan().nodes["hero"]
    assert (planned.state, planned.writes, planned.pictures) == ("cached", True, 0)
    assert planned.taken not in (None, first)
    project.edit("takes: 2", "takes: 3")
    planned = project.plan().nodes["hero"]
    assert (planned.state, planned.pictures) == ("make", 1)


def test_all_takes_wrong_and_more_wanted_buys_the_rest_alone(project: Project) -> None:
    project.build()
    came_as(project, "2816x1584")
    project.edit("accept", "fail, takes: 3")
    planned = project.plan().nodes["hero"]
    assert (planned.state, planned.pictures) == ("make", 2)


def test_fitted_its_file_alone_is_made_again(project: Project) -> None:
    project.build()
    came_as(project, "2816x1584")
    project.edit("accept", "fit")
    plan = project.plan()
    assert [node.address for node in plan.nodes.values() if node.writes] == ["hero"]
    assert project.why("hero") == ["hero.jpg is cut from 2816x1584 to 2848x1600"]
    assert plan.pictures == 0
    entry = project.entry("hero")
    fitted = replace(entry, finish={"fit": "2848x1600"}, output=entry.want)
    project.lock = replace(project.lock, entries={**project.lock.entries, "hero": fitted})
    project.memory.put("hero.jpg", entry.want)
    assert not project.plan().has_changes
    project.edit("fit", "accept")
    assert project.why("hero") == ["hero.jpg is written again as it came, 2816x1584"]


def test_a_kept_picture_of_another_wish_is_not_cut(project: Project) -> None:
    project.build()
    came_as(project, "2848x1600")
    project.pin("hero")
    project.edit("16:9", "1:1").edit("accept", "fit")
    planned = project.plan().nodes["hero"]
    assert (planned.state, planned.came, planned.fit, planned.writes) == ("pinned", None, None, False)
