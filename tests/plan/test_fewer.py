"""Globs over counted sequences: what uses one uses the pictures that came, whichever those are, and no plan understates it."""

import json
from dataclasses import replace

import pytest

from seedpipe.canonical import digest_of
from seedpipe.catalogue.catalogue import load_catalogue
from seedpipe.manifest.node import FrameNode
from seedpipe.plan.compare_models import compare_models
from seedpipe.plan.frames import batch_request
from seedpipe.plan.fulfil import DepartedError, check_departures
from seedpipe.plan.plan import NO_TIME, Plan
from seedpipe.plan.saved import SavedPlan, plan_document, read_saved_plan
from tests.plan.project import MODERATED, UNANSWERED, Completion, Project

MOOD = """
logo: {file: art/logo.png}
mood: {prompt: Four lamps, sequence: {max_images: 4}}
poster:
  prompt: "Like {{ refs.a }}, with the mark of {{ refs.logo }}"
  references: {a: "mood#*", logo: logo}
"""


@pytest.fixture
def project() -> Project:
    return Project().write("art/logo.png", "a mark").images(MOOD)


def bought(plan: Plan) -> set[str]:
    return {node.address for node in plan.nodes.values() if node.pictures}


def prompt(project: Project, address: str, *targets: str) -> str:
    request = project.plan(*targets).nodes[address].request
    assert request is not None
    words: str = request["prompt"]
    return words


@pytest.mark.parametrize("came", [1, 2, 3, 4])
def test_what_names_them_all_is_made_from_those_that_came(project: Project, came: int) -> None:
    assert project.plan().pictures == 5
    project.comes["mood"] = came
    project.build()
    assert project.bought == came + 1
    entry = project.entry("poster")
    assert list(entry.asked["references"]) == [
        *(str(project.entry(f"mood#{number}").take) for number in range(1, came + 1)),
        str(project.memory.source_digest("art/logo.png")),
    ]
    images = [f"image {number}" for number in range(1, came + 1)]
    listed = images[0] if came == 1 else f"{', '.join(images[:-1])} and {images[-1]}"
    assert project.memory.texts[entry.want]["prompt"] == f"Like {listed}, with the mark of image {came + 1}"
    after = project.plan()
    assert not after.has_changes
    assert after.nodes["poster"].state.value == "cached"
    assert not project.plan("poster").has_changes, "whoever names it alone finds it so as well"


def test_a_gap_is_left_out_like_an_end(project: Project) -> None:
    project.lacks.add("mood#2")
    project.build()
    assert project.memory.texts[project.entry("poster").want]["prompt"].startswith("Like image 1, image 2 and image 3,")
    assert not project.plan().has_changes


def test_it_may_be_built_in_two_steps(project: Project) -> None:
    project.comes["mood"] = 3
    project.build("mood")
    plan = project.plan()
    assert bought(plan) == {"poster"}
    assert plan.nodes["poster"].state.value == "make"
    assert plan.nodes["poster"].made_from == ("mood#1", "mood#2", "mood#3", "logo")
    assert project.plan("poster").nodes["poster"] == replace(plan.nodes["poster"], named=True)


def test_one_that_comes_later_has_it_made_anew_and_the_plan_says_so_with_its_price(project: Project) -> None:
    project.comes["mood"] = 3
    project.build()
    beforehand = project.plan("mood#4+")
    assert {address: beforehand.nodes[address].state.value for address in bought(beforehand)} == {
        "mood#4": "make",
        "poster": "follows",
    }
    assert project.why("poster", "mood#4+") == ["mood#4 is new"]
    assert str(beforehand.nodes["poster"].cost.high) == "0.04 USD"
    assert beforehand.nodes["poster"].by_cascade, "its own words are what they were"
    del project.comes["mood"]
    project.build("mood#4")
    plan = project.plan()
    assert bought(plan) == {"poster"}
    assert "references: + mood#4" in project.why("poster")
    assert prompt(project, "poster").startswith("Like image 1, image 2, image 3 and image 4,")
    project.build()
    assert not project.plan().has_changes


def test_an_approved_picture_stays_when_only_the_number_that_came_changes(project: Project) -> None:
    project.comes["mood"] = 3
    project.build()
    project.approve("poster")
    del project.comes["mood"]
    project.build("mood#4")
    plan = project.plan()
    assert plan.nodes["poster"].state.value == "stale"
    assert bought(project.plan("poster")) == {"poster"}, "until it is named"


def test_an_edit_of_its_own_words_is_no_cascade(project: Project) -> None:
    project.comes["mood"] = 3
    project.build()
    project.approve("poster")
    project.edit("Like", "As")
    plan = project.plan()
    assert bought(plan) == {"poster"}
    assert project.why("poster")[0] == "replaces an approved picture"
    assert not plan.nodes["poster"].by_cascade


SHORT_ONLY = """
mood: {prompt: Four lamps, sequence: {max_images: 4}}
poster:
  prompt: "Like {{ refs.a }}{{ ', few' if refs.a | length < 4 else '' }}"
  references: {a: "mood#*"}
"""


def test_words_for_fewer_alone_are_words_of_its_own() -> None:
    project = Project().images(SHORT_ONLY)
    project.comes["mood"] = 2
    project.build()
    project.approve("poster")
    project.edit("few", "very few")
    plan = project.plan()
    assert bought(plan) == {"poster"}
    assert project.why("poster") == ["replaces an approved picture", "prompt: + very"]
    assert not plan.nodes["poster"].by_cascade


def test_when_fewer_come_the_next_time_it_does_without_the_others_wherever_it_is_planned(project: Project) -> None:
    project.build()
    project.edit("Four lamps", "Four desks")
    plan = project.plan()
    assert plan.nodes["poster"].state.value == "follows"
    assert not any(reason.startswith("prompt") for reason in project.why("poster")), "its words are what they were"
    project.comes["mood"] = 2
    project.build()
    assert list(project.entry("poster").asked["references"])[:2] == [
        str(project.entry("mood#1").take),
        str(project.entry("mood#2").take),
    ]
    assert not project.plan().has_changes
    assert not project.plan("poster").has_changes, "the earlier two are of other words"
    project.edit("Four desks", "Four chairs")
    assert bought(project.plan("poster")) == set(), "and stay away where all of it is out of date"


def test_a_glob_that_means_nothing_that_came_blocks(project: Project) -> None:
    project.edit('"mood#*"', '"mood#[34]"')
    project.comes["mood"] = 2
    project.build()
    assert project.lock.image("poster") is None
    assert project.plan().nodes["poster"].state.value == "blocked"
    assert project.why("poster") == [
        "mood#3 and mood#4 were not made, which is complete; name those that came,"
        " or `seedpipe build 'mood#3' 'mood#4'` asks for them again"
    ]


def test_words_that_name_one_that_did_not_come_block(project: Project) -> None:
    project.edit("Like {{ refs.a }}", "Like {{ refs['mood#4'] }}")
    (fault,) = [fault for fault in project.lint() if fault.code == "needs-all-frames"]
    assert fault.message == (
        "`poster`: `mood#4` may not come (its sequence is complete with fewer), and this can't do without it"
    )
    project.comes["mood"] = 3
    project.build()
    assert project.plan().nodes["poster"].state.value == "blocked"
    del project.comes["mood"]
    project.build("mood#4")
    assert bought(project.plan()) == {"poster"}


def test_a_number_that_has_no_picture_blocks() -> None:
    project = Project().images(
        MOOD.replace("logo: {file: art/logo.png}", "")
        .replace(", logo: logo", "")
        .replace("{{ refs.a }}, with the mark of {{ refs.logo }}", "image 4 and the others, {{ refs.a }}")
    )
    project.comes["mood"] = 3
    project.build()
    assert project.plan().nodes["poster"].state.value == "blocked"


def test_one_that_is_named_itself_is_needed_whatever_the_glob_means(project: Project) -> None:
    project.edit("logo: logo}", 'logo: logo, last: "mood#4"}')
    project.comes["mood"] = 3
    project.build()
    assert project.plan().nodes["poster"].state.value == "blocked"
    assert project.why("poster") == [
        "mood#4 was not made, which is complete; `seedpipe build 'mood#4'` asks for it again"
    ]


def test_of_a_sequence_with_frames_all_are_needed(project: Project) -> None:
    project.edit("sequence: {max_images: 4}", "sequence: {frames: [{id: a, prompt: A}, {id: b, prompt: B}]}")
    project.lacks.add("mood#b")
    project.build()
    assert project.lock.image("poster") is None
    plan = project.plan()
    assert bought(plan) == {"mood#b", "poster"}
    assert plan.nodes["poster"].state.value == "follows"


CHAIN = """
mood: {prompt: Four lamps, sequence: {max_images: 4}}
board:
  prompt: "In the light of {{ refs.m }}."
  references: {m: "mood#*"}
  sequence: {frames: [{id: a, prompt: "Wide, {{ refs.m[0] }}"}, {id: b, prompt: Close}]}
  cascade: true
card: {prompt: "Of {{ refs.b }}", references: {b: "board#*"}}
"""


def test_a_sequence_goes_on_from_those_that_came() -> None:
    project = Project().images(CHAIN)
    project.comes["mood"] = 2
    planned = project.plan().pictures
    project.build()
    assert (planned, project.bought) == (7, 5)
    assert project.memory.texts[project.entry("board#a").want] == {
        "prompt": "Wide, image 1",
        "shared": "In the light of image 1 and image 2.",
    }
    assert not project.plan().has_changes
    assert not project.plan("card").has_changes


LOOKS = """
mood: {prompt: Four lamps, sequence: {max_images: 4}}
poster:
  prompt: "{{ w }} like {{ refs.a }}"
  references: {a: "{% if w == 'Dim' %}mood#[34]{% else %}mood#*{% endif %}"}
  looks: {plain: {}, dim: {w: Dim}}
"""


def test_of_looks_each_does_without_by_itself() -> None:
    project = Project().images(LOOKS)
    project.write("seedpipe.yaml", project.files.texts["seedpipe.yaml"] + "vars: {w: Bright}\n")
    assert project.plan().nodes["poster"].pictures == 2
    project.comes["mood"] = 2
    project.build()
    entry = project.entry("poster")
    assert (entry.look, project.memory.texts[entry.want]["prompt"]) == ("plain", "Bright like image 1 and image 2")
    after = project.plan()
    assert (after.nodes["poster"].taken, bought(after)) == (entry.take, set())
    del project.comes["mood"]
    project.build("mood#4")
    plan = project.plan()
    assert plan.nodes["poster"].pictures == 2, "the one with three, and the dim one with one"
    project.build()
    assert not project.plan().has_changes


TWINS = """
a: {prompt: Three lamps, sequence: {max_images: 3}}
b: {prompt: Three lamps, sequence: {max_images: 3}}
on-a: {prompt: "Of {{ refs.x }}", references: {x: "a#*"}}
on-b: {prompt: "Of {{ refs.x }}", references: {x: "b#*"}}
all: {prompt: "Of {{ refs['b#1'] }}, {{ refs['b#2'] }} and {{ refs['b#3'] }}", references: ["b#1", "b#2", "b#3"]}
"""


def test_equal_globs_are_one_picture_and_one_that_needs_all_is_not_theirs() -> None:
    project = Project().images(TWINS)
    plan = project.plan()
    assert {address: plan.nodes[address].state.value for address in ("on-a", "on-b", "all")} == {
        "on-a": "follows",
        "on-b": "same",
        "all": "follows",
    }, "whoever needs all of them may not come where the others do"
    project.comes["a"] = 2
    project.build()
    assert project.bought == 3
    states = project.states()
    assert (states["on-a"], states["on-b"], states["all"]) == ("cached", "cached", "blocked")


SHOWN = """
pack: {file: pack.png}
parts: {layers: pack, prompt: Apart, model: seedream-5-0-pro, size: 1K}
card: {prompt: "Of {{ refs.x }}", references: {x: "parts#[123]"}}
"""


def test_layers_are_as_many_as_came() -> None:
    project = Project(provider="byteplus").write("pack.png", "a pack").images(SHOWN)
    project.comes["parts"] = 3  # the ground and two
    project.build()
    assert project.memory.texts[project.entry("card").want]["prompt"] == "Of image 1 and image 2"
    assert not project.plan().has_changes


ROOMS = """
mood: {matrix: {at: [dawn, dusk]}, prompt: "Lamps at {{ at }}", sequence: {max_images: 3}}
poster: {prompt: "Like {{ refs.all }}", references: {all: "mood/*#*"}}
"""


def test_a_glob_over_several_sequences_means_what_each_brought() -> None:
    project = Project().images(ROOMS)
    project.comes |= {"mood/dawn": 1, "mood/dusk": 2}
    project.build()
    assert project.plan("poster").nodes["poster"].made_from == ("mood/dawn#1", "mood/dusk#1", "mood/dusk#2")
    assert project.memory.texts[project.entry("poster").want]["prompt"] == "Like image 1, image 2 and image 3"
    assert not project.plan().has_changes
    project.edit("dawn, dusk", "dawn, dusk, noon")
    project.comes["mood/noon"] = 1
    plan = project.plan()
    assert plan.nodes["poster"].state.value == "follows"
    assert str(plan.nodes["poster"].cost.high) == "0.04 USD"
    project.build()
    assert len(project.entry("poster").asked["references"]) == 4


def test_of_one_that_is_uncertain_it_waits_for_a_person(project: Project) -> None:
    key = project.plan("mood").nodes["mood#4"].key
    project.comes["mood"] = 3
    project.build("mood")
    assert key is not None
    project.memory.open_requests[key] = UNANSWERED
    plan = project.plan()
    assert (plan.nodes["mood#4"].state.value, plan.nodes["poster"].state.value) == ("unknown", "blocked")


def test_gates_wait_for_those_that_came(project: Project) -> None:
    project.edit("sequence: {max_images: 4}", "sequence: {max_images: 4}, gate: approve")
    project.comes["mood"] = 2
    project.build()
    assert project.plan().nodes["poster"].state.value == "waits"
    project.approve("mood#1")
    project.approve("mood#2")
    assert bought(project.plan()) == {"poster"}, "nobody has to approve what there isn't"


def test_an_unfetched_source_leaves_all_as_it_is_or_not() -> None:
    """While a sequence may come out as it was, so may what uses those that came: nothing of it is sure to be bought."""
    project = Project().images(
        "texture: {url: 'https://example.com/a.png'}\n"
        "mood: {prompt: Four lamps, references: [texture], sequence: {max_images: 4}}\n"
        'poster: {prompt: "Like {{ refs.a }}", references: {a: "mood#*"}}'
    )
    project.comes["mood"] = 2
    project.build()
    project.edit("a.png", "a.png?version=2")  # the same picture at another address
    plan = project.plan()
    assert plan.nodes["poster"].state.value == "may"
    assert plan.cost.low.micros == 0
    before = project.bought
    project.lacks |= {"mood#3", "mood#4"}
    project.build()
    assert project.bought == before
    assert not project.plan().has_changes


def test_a_moderated_batch_blocks() -> None:
    project = Project().images("""
mood: {prompt: Four lamps, sequence: {max_images: 4}}
poster: {prompt: "Like {{ refs.a }}", references: {a: "mood#*"}}
""")
    nodes = [node for node in project.graph() if isinstance(node, FrameNode)]
    project.memory.refusals[digest_of(batch_request(project.resolver().asked(nodes[0]), nodes, []))] = MODERATED
    assert set(project.states().values()) == {"blocked"}


def test_what_is_left_out_is_no_picture_that_was_not_made(project: Project) -> None:
    assert project.plan(exclude=["mood#4"]).nodes["poster"].state.value == "blocked"


# Money


def test_low_expected_and_high_are_with_as_many_as_then_come(project: Project) -> None:
    """At Byteplus the pro model bills every reference but the first."""
    project.provider = "byteplus"
    project.edit("  poster:", "  poster:\n    model: seedream-5-0-pro")
    project.memory.batches["seedream-4-5-251128"] = (20, 40)
    cost = project.plan().nodes["poster"].cost
    alone = cost.low.micros - 3000
    assert [cost.low.micros, cost.expected.micros, cost.high.micros] == [
        alone + 3000 * further for further in (1, 2, 4)
    ], "with one, two and four of them, beside the mark"
    compared = compare_models(
        project.plan(), graph=project.graph(), catalogue=load_catalogue(), timed=lambda _: NO_TIME
    )
    (pro,) = (one for one in compared.models if one.model == "seedream-5-0-pro-260628")  # it makes no sequences
    assert pro.cost == cost, "beside other models as well"
    spent = project.spent
    project.comes["mood"] = 1
    project.build("mood")
    cost = project.plan().nodes["poster"].cost
    assert {cost.low.micros, cost.expected.micros, cost.high.micros} == {alone + 3000}
    assert spent < project.spent


def test_frames_that_are_shown_others_cost_by_what_comes() -> None:
    frames = ", ".join(f"{{id: f{number}, prompt: Shot {number}}}" for number in range(12))
    project = Project(provider="byteplus").images(
        "mood: {prompt: Four lamps, sequence: {max_images: 4}}\n"
        f'board: {{model: seedream-5-0-pro, references: ["mood#*"], sequence: {{frames: [{frames}]}}}}'
    )
    plan = project.plan()
    for node in plan.nodes.values():
        assert node.cost.low <= node.cost.expected <= node.cost.high
    project.comes["mood"] = 2
    project.build()
    assert plan.cost.low.micros <= project.spent <= plan.cost.high.micros


def test_what_can_t_be_made_from_the_first_alone_may_cost_nothing(project: Project) -> None:
    project.edit("{{ refs.a }}", "{{ refs.a[0] }} and {{ refs.a[1] }}")
    cost = project.plan().nodes["poster"].cost
    assert (cost.low.micros, cost.high.micros) == (0, 40_000)
    project.comes["mood"] = 2
    project.build()
    assert project.lock.image("poster") is not None


# Saved plans


def saved(project: Project, *targets: str) -> SavedPlan:
    return read_saved_plan(json.dumps(plan_document(project.plan(*targets))).encode(), "p.json")


def carry_out(project: Project, plan: SavedPlan) -> Plan:
    now = project.plan_for(plan.wish_for(project.graph()))
    check_departures(plan, now, graph=project.graph(), lock=project.lock)
    Completion(project, now, project.graph(), project.resolver()).run()
    return now


@pytest.mark.parametrize("text", [MOOD, CHAIN, LOOKS + "vars: {w: Bright}\n"])
@pytest.mark.parametrize("lacks", [("mood#4",), ("mood#3", "mood#4"), ("mood#2",)])
def test_a_plan_saved_before_the_batch_runs_and_goes_on_when_fewer_come(text: str, lacks: tuple[str, ...]) -> None:
    images, _, rest = text.partition("vars:")
    project = Project().write("art/logo.png", "a mark").images(images)
    project.write("seedpipe.yaml", project.files.texts["seedpipe.yaml"] + (f"vars:{rest}" if rest else ""))
    plan = saved(project)
    project.lacks.update(lacks)
    project.build("mood")
    now = carry_out(project, plan)
    assert now.cost.high <= plan.cost.high
    again = carry_out(project, plan)
    assert again.pictures == 0
    assert not project.plan().has_changes


def test_a_saved_plan_is_held_to_what_it_says_with_fewer() -> None:
    project = Project().images(SHORT_ONLY)
    plan = saved(project)
    project.edit("few", "very few")
    with pytest.raises(DepartedError, match="poster: what it says with fewer pictures of a sequence"):
        carry_out(project, plan)
    project.edit("very few", "few")
    project.comes["mood"] = 2
    carry_out(project, plan)
    project.edit("few", "very few")
    with pytest.raises(DepartedError, match="poster: what it says with fewer pictures of a sequence"):
        carry_out(project, plan)


def test_a_plan_saved_with_those_that_came_does_not_buy_with_more(project: Project) -> None:
    project.comes["mood"] = 3
    project.build("mood")
    plan = saved(project)
    del project.comes["mood"]
    project.build("mood#4")
    with pytest.raises(DepartedError, match=r"poster: references: \+ mood#4"):
        carry_out(project, plan)


@pytest.mark.parametrize("comes", [2, 4])
def test_of_looks_in_a_saved_plan_each_is_held_to_its_own_words(comes: int) -> None:
    project = Project().images(LOOKS.replace("mood#[34]", "mood#[1-4]"))
    project.write("seedpipe.yaml", project.files.texts["seedpipe.yaml"] + "vars: {w: Bright}\n")
    plan = saved(project)
    project.comes["mood"] = comes
    project.build("mood")
    project.edit("w: Dim", "w: Dark")
    with pytest.raises(DepartedError, match="poster: look dim: prompt: Dim → Dark"):
        carry_out(project, plan)
    project.edit("w: Dark", "w: Dim").edit("dim: {", "night: {")
    assert carry_out(project, plan).nodes["poster"].pictures == 2, "what a look is called is no matter"
    assert carry_out(project, plan).pictures == 0


@pytest.mark.parametrize("counted", [7, None, ["1/4"], "", "2/3"])
def test_a_lock_that_says_strange_things_is_no_crash(project: Project, counted: object) -> None:
    project.build()
    entry = project.entry("mood#2")
    strange = replace(entry, asked={**entry.asked, "counted": counted})
    project.lock = replace(project.lock, entries={**project.lock.entries, "mood#2": strange})
    assert project.plan("poster").nodes["mood#2"].state.value == "cached", "its want says that it is current"


def test_the_model_has_to_take_all_that_may_come(project: Project) -> None:
    project.edit("max_images: 4", "max_images: 12")
    (fault,) = [fault for fault in project.lint() if fault.code == "references"]
    assert fault.message.startswith("`poster`: 13 references, `seedream-4-5-251128` takes 10 at most")


def test_a_sequence_has_to_have_room_beside_all_that_may_come() -> None:
    project = Project().images(
        "mood: {prompt: Lamps, sequence: {max_images: 8}}\n"
        'board: {prompt: "Of {{ refs.m }}", references: {m: "mood#*"}, sequence: {max_images: 8}}'
    )
    (fault,) = [fault for fault in project.lint() if fault.code == "references"]
    assert "`board`: 8 references and 8 pictures" in fault.message
