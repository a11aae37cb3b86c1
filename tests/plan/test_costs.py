"""Low, expected and high of a plan; and what an edit costs directly and what by cascade."""

from seedpipe.plan.plan import State
from tests.plan.project import Project

CHAIN = """
logo: {file: art/logo.png}
hero: {prompt: A lamp with image 1, references: [logo]}
scene: {prompt: "{{ refs.hero }} on oak", references: {hero: hero}}
poster: {prompt: "{{ refs.scene }} framed", references: {scene: scene}}
side: {prompt: A desk}
"""
BOARD = """
board:
  sequence:
    frames:
      - {id: wide, prompt: Wide}
      - {id: hands, prompt: Hands}
      - {id: face, prompt: Face}
      - {id: end, prompt: End}
first: {prompt: "{{ refs.a }} again", references: {a: "board#wide"}}
last: {prompt: "{{ refs.a }} again", references: {a: "board#end"}}
below: {prompt: "{{ refs.a }} framed", references: {a: last}}
card: {from: last, steps: [{resize: 64x64}]}
carded: {prompt: "{{ refs.a }} on a card", references: {a: card}}
"""
MODEL = "seedream-4-5-251128"


def money(project: Project, *targets: str) -> dict[str, tuple[str, str, str]]:
    nodes = project.plan(*targets).nodes.values()
    return {
        node.address: (node.cost.low.amount, node.cost.expected.amount, node.cost.high.amount)
        for node in nodes
        if node.pictures
    }


def test_what_is_new_or_edited_costs_directly_and_what_follows_by_cascade() -> None:
    project = Project().write("art/logo.png", "a mark").images(CHAIN)
    plan = project.build()
    assert (plan.directly, plan.by_cascade.high.amount) == (plan.cost, "0.00"), "all of a first build is new"
    project.edit("A lamp", "A brass lamp").edit("A desk", "A table")
    plan = project.plan()
    assert {node.address for node in plan.nodes.values() if node.by_cascade} == {"scene", "poster"}
    assert (plan.directly.high.amount, plan.by_cascade.high.amount, plan.cost.high.amount) == ("0.08", "0.08", "0.16")
    project.edit("on oak", "on pine")
    assert project.plan().directly.high.amount == "0.12", "its own words changed, too"


def test_a_source_file_is_the_nodes_own_and_a_picture_made_earlier_is_cascade() -> None:
    project = Project().write("art/logo.png", "a mark").images(CHAIN)
    project.build()
    project.write("art/logo.png", "another mark")
    assert not project.plan().nodes["hero"].by_cascade
    project.build("hero")
    plan = project.plan()
    assert (plan.nodes["scene"].state, plan.nodes["scene"].by_cascade) == (State.MAKE, True)
    assert project.why("scene") == ["hero is another picture now"]


def test_more_takes_are_no_cascade() -> None:
    project = Project().images("hero: {prompt: A lamp}")
    project.build()
    project.edit("A lamp", "A lamp, takes: 3")
    assert project.plan().directly.high.amount == "0.08"


def test_a_batch_brings_its_first_frame_at_least_and_what_needs_another_may_not_be_bought() -> None:
    project = Project().images(BOARD)
    assert money(project) == {
        "board#wide": ("0.04", "0.04", "0.04"),
        "board#hands": ("0.00", "0.04", "0.04"),
        "board#face": ("0.00", "0.04", "0.04"),
        "board#end": ("0.00", "0.04", "0.04"),
        "first": ("0.04", "0.04", "0.04"),
        "last": ("0.00", "0.04", "0.04"),
        "below": ("0.00", "0.04", "0.04"),
        "carded": ("0.00", "0.04", "0.04"),
    }
    assert project.plan().cost.to_dict() == {"low": "0.08 USD", "expected": "0.32 USD", "high": "0.32 USD"}


def test_expected_is_what_the_latest_batches_brought() -> None:
    project = Project().images(BOARD)
    project.memory.batches[MODEL] = (30, 40)  # three quarters: three of four
    found = money(project)
    assert [found[f"board#{name}"][1] for name in ("wide", "hands", "face", "end")] == ["0.04", "0.04", "0.04", "0.00"]
    assert (found["first"][1], found["last"][1], found["below"][1]) == ("0.04", "0.00", "0.00")
    project.memory.batches[MODEL] = (1, 40)
    assert money(project)["board#wide"][1] == "0.04", "one comes, or the batch has failed"


def test_frames_bought_alone_are_certain() -> None:
    project = Project().images(BOARD)
    project.build()
    project.edit("Hands", "Brass hands").edit("End", "The end")
    assert money(project)["board#hands"] == money(project)["board#end"] == ("0.04", "0.04", "0.04")
    assert money(project)["last"] == ("0.04", "0.04", "0.04")


def test_equal_frames_share_one_picture_and_its_uncertainty() -> None:
    project = Project().images(BOARD.replace("prompt: End", "prompt: Hands"))
    plan = project.plan()
    assert plan.nodes["board#end"].state is State.SAME
    assert money(project)["last"][0] == "0.00", "what is made from it comes with the frame that brings it"
