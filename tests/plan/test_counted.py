"""Counted sequences (`max_images`): they come by one request, any number from one is complete, and a name asks for more."""

import json
from dataclasses import replace

import pytest

from seedpipe.plan.fulfil import check_departures
from seedpipe.plan.memory import Waiting
from seedpipe.plan.plan import Plan
from seedpipe.plan.saved import plan_document, read_saved_plan
from tests.plan.project import UNANSWERED, Completion, Project

MOOD = """
mood: {prompt: Four lamps, sequence: {max_images: 4}}
poster: {prompt: "Like {{ refs.a }}", references: {a: "mood#2"}}
late: {prompt: "As {{ refs.a }}", references: {a: "mood#4"}}
"""
ALL = {"mood#1", "mood#2", "mood#3", "mood#4"}


@pytest.fixture
def project() -> Project:
    return Project().images(MOOD)


def bought(plan: Plan) -> set[str]:
    return {node.address for node in plan.nodes.values() if node.pictures}


def came(project: Project, number: int) -> None:
    """The service made so many of the four and said that this is all."""
    plan = project.plan("mood")
    only = {f"mood#{place}" for place in range(1, number + 1)}
    left = {address: node for address, node in plan.nodes.items() if address in only}
    Completion(project, replace(plan, nodes=left), project.graph(), project.resolver()).run()


@pytest.mark.parametrize("target", ["poster", "mood#2", "mood", "mood#*", "+poster"])
def test_whoever_needs_one_has_all_of_them_asked_for(project: Project, target: str) -> None:
    plan = project.plan(target)
    assert bought(plan) - {"poster"} == ALL
    assert {plan.nodes[address].batch for address in ALL} == {"mood/1"}, "one request"


def test_a_build_of_one_that_needs_it_does_not_end_the_sequence(project: Project) -> None:
    saved = read_saved_plan(json.dumps(plan_document(project.plan())).encode(), "p.json")
    project.build("poster")
    plan = project.plan_for(saved.wish_for(project.graph()))
    check_departures(saved, plan, graph=project.graph(), lock=project.lock)
    Completion(project, plan, project.graph(), project.resolver()).run()
    assert project.bought == sum(node.pictures for node in saved.nodes.values()) == 6


def test_an_edit_makes_all_of_them_anew_whichever_is_named(project: Project) -> None:
    project.build()
    project.edit("Four lamps", "Four desks")
    assert bought(project.plan("mood#2")) == ALL
    assert bought(project.plan("poster")) == set(), "what nobody named serves as it is"
    came(project, 2)
    assert bought(project.plan("mood")) == set(), "the others were of the earlier words"


def test_those_that_did_not_come_are_complete_for_whoever_does_not_name_them(project: Project) -> None:
    came(project, 2)
    whole = project.plan()
    assert (whole.nodes["mood#4"].state.value, whole.nodes["late"].state.value) == ("cached", "blocked")
    assert bought(whole) == {"poster"}
    for targets in (["late"], ["+late"], ["mood"], ["mood#*"], ["mood", "late"], ["mood", "mood#4"]):
        plan = project.plan(*targets)
        assert bought(plan) == set(), targets
        assert plan.nodes["mood#4"] == whole.nodes["mood#4"] or plan.nodes["mood#4"].named
        assert project.why("mood#4", *targets) == ["the service made 2, which is complete"]


@pytest.mark.parametrize("targets", [["mood#4"], ["mood#1", "mood#4"], ["mood#4", "late"]])
def test_one_that_is_named_itself_is_made_and_the_plan_says_that_it_need_not_be(
    project: Project, targets: list[str]
) -> None:
    came(project, 2)
    plan = project.plan(*targets)
    assert bought(plan) - {"late"} == {"mood#4"}
    assert project.why("mood#4", *targets) == ["named itself, although the 2 that came are complete"]
    project.build(*targets)
    assert project.states("mood")["mood#4"] == "cached"
    assert project.states("mood")["mood#3"] == "cached"
    assert not project.plan("mood").nodes["mood#3"].exists


def test_what_needs_several_that_did_not_come_names_them_all_and_both_ways_out(project: Project) -> None:
    project.edit('{a: "mood#4"}', '{a: "mood#3", b: "mood#4"}')
    came(project, 2)
    assert project.why("late") == [
        "mood#3 and mood#4 were not made, which is complete; name those that came,"
        " or `seedpipe build 'mood#3' 'mood#4'` asks for them again"
    ]
    project.build("mood#3", "mood#4")
    assert project.states("late")["late"] == "make"


def test_a_stale_sequence_that_nobody_named_is_complete_as_it_is(project: Project) -> None:
    came(project, 2)
    project.edit("Four lamps", "Four desks")
    plan = project.plan("late")
    assert bought(plan) == set()
    assert plan.nodes["late"].state.value == "blocked"


def test_those_that_came_are_complete_also_where_a_person_pinned_them(project: Project) -> None:
    came(project, 1)
    project.pin("mood#1")
    assert bought(project.plan("mood")) == set()
    project.edit("Four lamps", "Four desks")
    assert bought(project.plan("mood")) == {"mood#2", "mood#3", "mood#4"}, "it was pinned for the earlier words"


def test_one_that_is_left_out_is_not_bought_with_the_others(project: Project) -> None:
    plan = project.plan("mood#2", exclude=["mood#3"])
    assert bought(plan) == ALL - {"mood#3"}
    project.build()
    project.edit("Four lamps", "Four desks")
    plan = project.plan("mood#2", exclude=["mood#3"])
    assert bought(plan) == ALL - {"mood#3"}
    assert plan.nodes["mood#3"].state.value == "stale", "it serves as it is"


@pytest.mark.parametrize("paid", [True, False])
def test_beside_one_that_was_paid_or_may_have_been_the_others_did_not_come(project: Project, paid: bool) -> None:
    """The batch was answered, or nothing would be known of them: a build does not send it again, and a plan says so."""
    key = project.plan().nodes["mood#1"].key
    assert key is not None
    if paid:
        project.memory.paid_for[key] = Waiting(until="2026-11-24 21:04 UTC", cost="0.04 USD")
    else:
        project.memory.open_requests[key] = UNANSWERED
    plan = project.plan("mood")
    assert bought(plan) == set()
    assert project.why("mood#2", "mood") == ["the service made 1, which is complete"]
    assert bought(project.plan("mood#2")) == {"mood#2"}, "named itself"
