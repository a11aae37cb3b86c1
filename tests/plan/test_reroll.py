"""A reroll in a plan: what it buys, what it costs, what stays, and what stands in its way."""

import pytest

from seedpipe.plan.plan import Plan, PlanNode
from seedpipe.project.rolling import wish_for_more
from tests.plan.project import INVALID, MODERATED, UNANSWERED, Project

LAMP = """
hero: {prompt: A lamp, aspect: 16:9}
scene: {prompt: "{{ refs.hero }} on oak", references: {hero: hero}}
twin: {prompt: A lamp, aspect: 16:9}
banner: {from: scene, steps: [{resize: 1200x630}]}
"""
BOARD = """
who: {prompt: A watchmaker}
board:
  prompt: Noir film
  references: {who: who}
  sequence:
    frames: [{id: wide, prompt: Wide}, {id: hands, prompt: Hands}, {id: face, prompt: Face}]
"""


@pytest.fixture
def project() -> Project:
    project = Project().images(LAMP)
    project.build()
    return project


def rolled(project: Project, *addresses: str, more: int = 1, whole: bool = False) -> Plan:
    graph = project.graph()
    wish = wish_for_more(graph, addresses, more, whole=whole, targets=addresses)
    return project.plan(*sorted(wish.reroll), reroll=wish.reroll, whole=wish.whole)


def node(plan: Plan, address: str) -> PlanNode:
    return plan.nodes[address]


def test_it_buys_so_many_beside_what_there_is_and_nothing_else(project: Project) -> None:
    plan = rolled(project, "hero", more=3)
    hero = node(plan, "hero")
    assert (hero.state.value, hero.pictures, hero.rolls, hero.writes) == ("make", 3, True, False)
    assert hero.taken == project.entry("hero").take, "the choice stays until somebody decides"
    assert [reason.sentence() for reason in hero.reasons] == ["3 more takes"]
    assert (plan.pictures, plan.cost.low, plan.cost.high) == (3, plan.cost.high, hero.cost.high)
    assert set(plan.nodes) == {"hero"}


@pytest.mark.parametrize(("level", "said"), [("approve", "approved"), ("pin", "pinned")])
def test_a_persons_choice_stays_and_says_so(project: Project, level: str, said: str) -> None:
    getattr(project, level)("hero")
    hero = node(rolled(project, "hero"), "hero")
    assert (hero.state.value, hero.pictures) == ("make", 1)
    assert [reason.sentence() for reason in hero.reasons] == [f"1 more take, beside the {said} one"]


def test_what_it_is_made_from_is_used_as_it_is(project: Project) -> None:
    project.edit("hero: {prompt: A lamp", "hero: {prompt: A brass lamp")
    plan = rolled(project, "scene")
    assert (plan.pictures, node(plan, "hero").state.value) == (1, "stale")
    assert node(plan, "scene").key is not None


def test_for_new_words_it_is_what_is_asked_now(project: Project) -> None:
    project.approve("scene")
    project.edit("on oak", "on pine")
    scene = node(rolled(project, "scene", more=2), "scene")
    assert (scene.pictures, scene.taken) == (2, project.entry("scene").take)
    assert scene.key != project.entry("scene").want
    assert not scene.by_cascade


def test_those_that_ask_for_the_same_are_bought_once(project: Project) -> None:
    plan = rolled(project, "hero", "twin", more=2)
    assert plan.pictures == 2
    assert (node(plan, "twin").state.value, node(plan, "twin").rolls) == ("same", True)


def test_a_first_picture_is_a_reroll_too() -> None:
    project = Project().images(LAMP)
    hero = node(rolled(project, "hero", more=2), "hero")
    assert (hero.state.value, hero.pictures, hero.writes) == ("make", 2, True)
    plan = rolled(project, "scene", more=2)
    assert {address: one.state.value for address, one in plan.nodes.items()} == {"hero": "make", "scene": "follows"}


def test_an_uncertain_charge_and_what_it_is_made_from_stand_in_the_way(project: Project) -> None:
    project.memory.open_requests[project.key("hero")] = UNANSWERED
    plan = rolled(project, "hero")
    assert (node(plan, "hero").state.value, plan.pictures) == ("unknown", 0)
    project.lose("hero")
    project.lose("twin")  # its file holds the same picture
    plan = rolled(project, "scene")
    assert (node(plan, "scene").state.value, plan.pictures) == ("blocked", 0)


@pytest.mark.parametrize("refusal", [MODERATED, INVALID])
def test_who_names_a_refused_picture_has_it_sent_again(project: Project, refusal: object) -> None:
    project.memory.refusals[project.key("hero")] = refusal  # type: ignore[assignment]
    assert rolled(project, "hero").pictures == 1


def test_a_picture_whose_bytes_are_gone_is_bought_again_by_a_persons_word(project: Project) -> None:
    project.lose("hero")
    assert rolled(project, "hero").pictures == 1


def test_a_frame_is_drawn_again_alone_beside_its_neighbours() -> None:
    project = board()
    plan = rolled(project, "board#hands", more=2)
    hands = node(plan, "board#hands")
    assert (hands.state.value, hands.pictures, hands.batch) == ("make", 2, None)
    assert [address for address, _ in hands.beside] == ["board#wide", "board#face"]
    assert plan.pictures == 2
    both = rolled(project, "board#hands", "board#face")
    assert [address for address, _ in node(both, "board#face").beside] == ["board#hands"], "by the choice of now"


def test_the_whole_batch_is_bought_again_together() -> None:
    project = board()
    plan = rolled(project, "board#hands", whole=True)
    frames = [node(plan, f"board#{name}") for name in ("wide", "hands", "face")]
    assert [(one.pictures, one.batch, one.beside) for one in frames] == [(1, "board/1", ())] * 3
    assert plan.cost.low == frames[0].cost.high, "a batch may bring fewer"
    assert plan.cost.high == frames[0].cost.high * 3
    project.approve("board#hands")
    assert node(rolled(project, "board#hands", whole=True), "board#hands").taken == project.entry("board#hands").take


def board() -> Project:
    project = Project().images(BOARD)
    project.build()
    return project
