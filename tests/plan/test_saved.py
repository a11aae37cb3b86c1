"""Saved plans: read back as they were written, held to, and refused where the project has departed from them."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seedpipe.canonical import digest_of
from seedpipe.errors import UsageError
from seedpipe.limits import PLAN_FORMAT, ExitCode
from seedpipe.plan.fulfil import DepartedError, check_departures, gone, identity_of
from seedpipe.plan.key import recipe_identity
from seedpipe.plan.memory import Waiting
from seedpipe.plan.plan import Plan
from seedpipe.plan.promise import filled, hole_of, settled
from seedpipe.plan.saved import SavedPlan, plan_document, read_saved_plan
from seedpipe.state.lock import DerivedEntry, Entry, ImageEntry, SourceEntry
from tests.plan.project import MODERATED, Completion, Project
from tests.plan.test_properties import EDITS, Drawn, come_short, graphs, happen, written

LAMP = """
logo: {file: art/logo.png}
hero: {prompt: "A lamp with the mark of {{ refs.logo }}", references: {logo: logo}}
scene: {prompt: "{{ refs.hero }} on oak", references: {hero: hero}}
banner: {from: scene, steps: [{resize: 1200x630}]}
side: {prompt: A desk}
"""


@pytest.fixture
def project() -> Project:
    return Project().write("art/logo.png", "a mark").images(LAMP)


def save(plan: Plan) -> SavedPlan:
    return read_saved_plan(json.dumps(plan_document(plan)).encode(), "p.json")


def now(project: Project, saved: SavedPlan) -> Plan:
    """The plan that `build --plan` carries out. Raises `DepartedError`."""
    graph = project.graph()
    plan = project.plan_for(saved.wish_for(graph))
    check_departures(saved, plan, graph=graph, lock=project.lock)
    return plan


def carry_out(project: Project, plan: Plan) -> None:
    Completion(project, plan, project.graph(), project.resolver()).run()


def departures(project: Project, saved: SavedPlan) -> list[str]:
    with pytest.raises(DepartedError) as raised:
        now(project, saved)
    return [departure.sentence for departure in raised.value.departures]


def test_a_plan_is_carried_out_as_it_was_saved(project: Project) -> None:
    plan = project.plan()
    saved = save(plan)
    assert (saved.cost, saved.project, saved.provider) == (plan.cost, "lumen", "apiyi")
    left = now(project, saved)
    assert {node.address for node in left.nodes.values() if node.pictures} == {"hero", "scene", "side"}
    carry_out(project, left)
    assert project.bought == 3
    again = now(project, saved)
    assert (again.pictures, again.has_changes) == (0, False), "every entry is this plan's own result"


def test_it_goes_on_where_it_was_interrupted(project: Project) -> None:
    saved = save(project.plan())
    project.build("hero")
    left = now(project, saved)
    assert {node.address for node in left.nodes.values() if node.pictures} == {"scene", "side"}
    assert left.cost.high < saved.cost.high
    carry_out(project, left)
    assert project.plan().pictures == 0


def test_unrelated_edits_are_not_built(project: Project) -> None:
    project.build()
    project.edit("A desk", "A table")
    saved = save(project.plan())
    project.edit("on oak", "on pine").edit("1200x630", "600x315")
    project.write("seedpipe.yaml", project.files.texts["seedpipe.yaml"] + "  new: {prompt: New}\n")
    left = now(project, saved)
    assert [node.address for node in left.nodes.values() if node.has_work] == ["side"]
    carry_out(project, left)
    assert set(project.states()) == {"hero", "scene", "banner", "side", "new"}
    assert {name for name, state in project.states().items() if state != "cached"} == {"scene", "banner", "new"}


def test_an_edited_upstream_that_the_plan_uses_as_it_is_stays_as_it_is(project: Project) -> None:
    project.build()
    project.edit("on oak", "on pine")
    saved = save(project.plan())
    project.edit("A lamp", "A brass lamp")
    left = now(project, saved)
    assert [node.address for node in left.nodes.values() if node.pictures] == ["scene"]
    assert left.nodes["scene"].request == project.plan("scene").nodes["scene"].request


@pytest.mark.parametrize(
    ("edit", "what"),
    [
        (lambda project: project.edit("on oak", "on pine"), ["scene: prompt: oak → pine"]),
        (lambda project: project.edit("A desk", "A desk, size: 4K"), ["side: size: 2K → 4K"]),
        (lambda project: project.edit("1200x630", "600x315"), ["banner: resize: 1200x630 → 600x315"]),
        (lambda project: project.write("art/logo.png", "another mark"), ["hero: logo is another picture now"]),
        (
            lambda project: project.edit("A desk", "A desk, references: [logo]"),
            ["side: references: + logo"],
        ),
        (
            lambda project: project.edit("A desk", "A desk, takes: 2"),
            ["side: 2 takes are asked for, 1 planned"],
        ),
    ],
)
def test_what_the_plan_names_and_is_another_thing_now_is_refused(
    project: Project, edit: Callable[[Project], object], what: list[str]
) -> None:
    saved = save(project.plan())
    edit(project)
    assert departures(project, saved) == what


def test_a_take_that_was_asked_for_since_is_none_of_the_plans(project: Project) -> None:
    """Also where the plan's own one is bought already, so that no more pictures are left than it names."""
    project.build("side")
    project.edit("A desk", "A desk, takes: 3")
    saved = save(project.plan("side"))
    project.build("side")
    now(project, saved)
    project.edit("takes: 3", "takes: 4")
    assert departures(project, saved) == ["side: 4 takes are asked for, 3 planned"]
    project.edit("takes: 4", "takes: 2")
    assert not now(project, saved).pictures


def test_a_change_of_what_it_was_made_for_is_exit_3_and_more_money_exit_4(project: Project) -> None:
    saved = save(project.plan())
    project.edit("on oak", "on pine")
    with pytest.raises(DepartedError) as raised:
        now(project, saved)
    assert raised.value.exit_code is ExitCode.CHANGES
    assert (
        raised.value.message == "`p.json` is not what a build would do now; nothing was done\nscene: prompt: oak → pine"
    )
    project.edit("on pine", "on oak").edit("A desk", "A desk, takes: 2")
    with pytest.raises(DepartedError) as raised:
        now(project, saved)
    assert raised.value.exit_code is ExitCode.REFUSED


def test_a_higher_price_is_refused_and_a_lower_one_is_welcome(project: Project) -> None:
    document = plan_document(project.plan())
    for factor, refused in ((0.5, True), (2, False)):
        priced = json.loads(json.dumps(document))
        for node in [*priced["nodes"], priced]:
            for name, amount in node["cost"].items():
                node["cost"][name] = f"{float(amount.split()[0]) * factor:.2f} USD"
        saved = save_as(priced)
        if not refused:
            now(project, saved)
            continue
        assert departures(project, saved) == [
            "hero: costs 0.04 USD, planned were 0.02 USD",
            "scene: costs 0.04 USD, planned were 0.02 USD",
            "side: costs 0.04 USD, planned were 0.02 USD",
        ]


def save_as(document: dict[str, Any]) -> SavedPlan:
    """With the digest made right: as if a plan of other prices had been saved."""
    for _ in range(2):
        try:
            return read_saved_plan(json.dumps(document).encode(), "p.json")
        except UsageError:
            from seedpipe.plan import saved

            document["digest"] = str(saved._digest(document))
    raise AssertionError


def test_what_the_plan_does_not_name_is_never_bought(project: Project) -> None:
    project.build()
    project.edit("on oak", "on pine")
    saved = save(project.plan())
    entries = dict(project.lock.entries)
    del entries["hero"]
    project.memory.pool.clear()
    project.lock = type(project.lock)(project="lumen", resolved=project.lock.resolved, entries=entries)
    assert departures(project, saved) == [
        "scene: hero is another picture now",
        "hero: would be bought for 0.04 USD, which the plan does not name",
    ]


def test_a_choice_made_meanwhile_is_respected(project: Project) -> None:
    project.build()
    project.edit("on oak", "on pine")
    saved = save(project.plan())
    project.pin("scene")
    assert departures(project, saved) == ["scene: another picture, or another word about it, is in the lock since"]
    saved = save(project.plan("side"))
    assert not now(project, saved).has_changes, "what the plan has no work for may be chosen as people like"


def test_a_picture_that_was_approved_after_the_plan_made_it_is_its_result(project: Project) -> None:
    saved = save(project.plan())
    project.build("hero")
    project.approve("hero")
    left = now(project, saved)
    assert {node.address for node in left.nodes.values() if node.pictures} == {"scene", "side"}


def test_what_left_the_manifest_is_not_built(project: Project) -> None:
    saved = save(project.plan())
    project.images(LAMP.replace("side: {prompt: A desk}\n", ""))
    left = now(project, saved)
    assert gone(saved, project.graph()) == ["side"]
    assert {node.address for node in left.nodes.values() if node.pictures} == {"hero", "scene"}


def test_what_is_refused_meanwhile_is_only_less(project: Project) -> None:
    saved = save(project.plan())
    project.memory.refusals[project.key("hero")] = MODERATED
    left = now(project, saved)
    assert [node.address for node in left.nodes.values() if node.pictures] == ["side"]


def test_who_was_named_is_named_again(project: Project) -> None:
    project.build()
    project.approve("scene")
    project.edit("A lamp", "A brass lamp")
    project.build("hero")
    assert project.states()["scene"] == "stale"
    saved = save(project.plan("scene"))
    assert [node.address for node in now(project, saved).nodes.values() if node.pictures] == ["scene"]


def test_frames_left_of_a_batch_are_bought_alone_if_that_is_no_dearer() -> None:
    board = "board: {sequence: {frames: [{id: a, prompt: A}, {id: b, prompt: B}, {id: c, prompt: C}]}}"
    project = Project().images(board)
    saved = save(project.plan())
    project.build("board#a")
    left = now(project, saved)
    assert [(node.address, node.batch) for node in left.nodes.values() if node.pictures] == [
        ("board#b", None), ("board#c", None)
    ]  # fmt: skip


def test_equal_pictures_may_be_bought_by_the_other_one() -> None:
    project = Project().images("a: {prompt: A lamp}\nb: {prompt: A lamp}")
    saved = save(project.plan())
    project.images("b: {prompt: A lamp}")
    left = now(project, saved)
    assert (left.pictures, left.nodes["b"].state.value) == (1, "make"), "the plan had it bought, once"


def test_other_words_are_refused_also_where_their_picture_comes_for_nothing(project: Project) -> None:
    """Else the plan would put there what it does not name, and then not know it again."""
    project.edit("A desk", "A table").build("side")
    project.edit("A table", "A desk")
    saved = save(project.plan())
    project.edit("A desk", "A chest")
    project.memory.paid_for[project.key("side")] = Waiting(until="2026-11-24 21:04 UTC", cost="0.04 USD")
    assert project.states()["side"] == "fetch"
    assert departures(project, saved) == ["side: prompt: desk → chest"]
    project.edit("A chest", "A desk")
    project.memory.outputs.clear()
    project.edit("A desk", "A lamp")
    project.write("seedpipe.yaml", project.files.texts["seedpipe.yaml"] + "  other: {prompt: A lamp}\n")
    project.build("other")
    assert project.states()["side"] == "cached", "its words were paid for before"
    assert departures(project, saved) == ["side: prompt: desk → lamp"]


def test_nothing_is_bought_after_a_picture_that_the_plan_was_to_make_anew(project: Project) -> None:
    """`scene` was to be made after the brass lamp; a build now would make it after the one that there is."""
    project.build("hero")
    project.edit("A lamp", "A brass lamp")
    saved = save(project.plan())
    assert saved.nodes["scene"].request is not None
    assert saved.nodes["scene"].request["references"] == ["from:hero"]
    project.edit("A brass lamp", "A lamp")
    assert departures(project, saved) == ["hero: asks for the picture that there is, and the plan has it made anew"]
    project.edit("A lamp", "A brass lamp")
    now(project, saved)


def test_nothing_is_bought_after_a_picture_that_stays_against_the_plan(project: Project) -> None:
    project.build("hero")
    project.write("art/logo.png", "another mark")
    saved = save(project.plan())
    project.edit("hero: {prompt", "hero: {cascade: false, prompt")
    assert project.states()["hero"] == "make", "the mark is its own: no other node makes it"
    project.edit("logo: {file: art/logo.png}", "logo: {from: mark, steps: [{resize: 10x10}]}")
    project.write("seedpipe.yaml", project.files.texts["seedpipe.yaml"] + "  mark: {file: art/logo.png}\n")
    project.build()
    project.edit("cascade: false, ", "").edit("10x10", "20x20").edit("A desk", "A table")
    saved = save(project.plan())
    project.edit("hero: {prompt", "hero: {cascade: false, prompt")
    assert project.states()["hero"] == "stale"
    assert departures(project, saved) == ["hero: stays as it is, and the plan has it made anew"]


def test_a_web_picture_is_fetched_once_and_the_plan_goes_on(project: Project) -> None:
    project.edit("{file: art/logo.png}", '{url: "https://example.com/logo.png"}')
    saved = save(project.plan())
    assert saved.nodes["hero"].request is not None
    assert saved.nodes["hero"].request["references"] == ["from:logo"]
    project.build("hero")
    assert {node.address for node in now(project, saved).nodes.values() if node.pictures} == {"scene", "side"}
    project.edit("logo.png", "logo.png?version=2")
    saved = save(project.plan())
    assert now(project, saved).nodes["hero"].state.value == "may"
    project.edit("version=2", "version=3")
    assert departures(project, saved) == ["logo: its address is https://example.com/logo.png?version=3 now"]


# The file


def document_of(project: Project) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(plan_document(project.plan()), indent=2))
    return found


@pytest.mark.parametrize(
    ("text", "message", "place"),
    [
        ("", "`p.json` is no valid JSON: expecting value", (1, 1)),
        ("{\n  'a': 1}", "`p.json` is no valid JSON: expecting property name enclosed in double quotes", (2, 3)),
        ("[]", "`p.json` is no saved plan of seedpipe", None),
        ('{"a": 1}', "`p.json` is no saved plan of seedpipe", None),
        ('{"seedpipe_plan": 1, "seedpipe_plan": 1}', "`p.json`: `seedpipe_plan` stands twice in one mapping", None),
        ('{"seedpipe_plan": 1.5}', "`p.json`: `1.5` is no number that a plan holds", None),
        ('{"seedpipe_plan": NaN}', "`p.json`: `NaN` is no number that a plan holds", None),
        ('{"seedpipe_plan": "1"}', "`p.json`: `seedpipe_plan` should be a whole number", (1, 19)),
        ('{"seedpipe_plan": true}', "`p.json`: `seedpipe_plan` should be a whole number", (1, 19)),
        ('{"seedpipe_plan": 1}', "`p.json`: `wish` is missing in `the file`", (1, 1)),
        ('{"seedpipe_plan":\n 99}', "`p.json` is of format 99; this seedpipe reads up to format 1", None),
        ("[" * 100_000, "`p.json`: its values are nested too deep", None),
    ],
)
def test_what_is_no_plan_is_refused_with_its_place(text: str, message: str, place: tuple[int, int] | None) -> None:
    with pytest.raises(UsageError) as raised:
        read_saved_plan(text.encode(), "p.json")
    assert raised.value.message == message
    position = raised.value.position
    assert (position and (position.line, position.column)) == place
    assert raised.value.exit_code is ExitCode.USAGE


def test_a_plan_of_a_newer_format_is_refused_before_it_is_understood(project: Project) -> None:
    document = document_of(project) | {"seedpipe_plan": PLAN_FORMAT + 1, "nodes": "of tomorrow"}
    with pytest.raises(UsageError, match="upgrade|format 2") as raised:
        read_saved_plan(json.dumps(document).encode(), "p.json")
    assert "upgrade seedpipe" in (raised.value.hint or "")


def test_a_garbled_value_is_shown_where_it_stands(project: Project) -> None:
    text = json.dumps(document_of(project), indent=2).replace('"state": "make"', '"state": "amke"', 1)
    line = next(number for number, line in enumerate(text.split("\n"), 1) if "amke" in line)
    with pytest.raises(UsageError) as raised:
        read_saved_plan(text.encode(), "p.json")
    assert raised.value.message == "`p.json`: `nodes.1.state` should be a state, found `amke`"
    assert raised.value.position is not None
    assert (raised.value.position.line, raised.value.position.column) == (line, 16)


def test_an_edit_by_hand_is_noticed_and_another_layout_is_none(project: Project) -> None:
    document = document_of(project)
    assert read_saved_plan(json.dumps(document, indent=7, sort_keys=True).encode(), "p.json") == save(project.plan())
    document["nodes"][1]["request"]["prompt"] += "!"
    with pytest.raises(UsageError, match="changed after it was written"):
        read_saved_plan(json.dumps(document).encode(), "p.json")
    del document["digest"]
    with pytest.raises(UsageError, match="changed after it was written"):
        read_saved_plan(json.dumps(document).encode(), "p.json")


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_whatever_is_done_to_a_file_it_is_read_or_refused(data: st.DataObject) -> None:
    text = json.dumps(plan_document(Project().images("hero: {prompt: A lamp}\nside: {prompt: A desk}").plan()))
    at = data.draw(st.integers(0, len(text)))
    length = data.draw(st.integers(0, 12))
    put = data.draw(st.text(max_size=4) | st.sampled_from(["null", "{}", "[", '"', "-1", "1e5", ",", "\ud800"]))
    changed = (text[:at] + put + text[at + length :]).encode("utf-8", "surrogatepass")
    try:
        saved = read_saved_plan(changed, "p.json")
    except UsageError:
        return
    assert saved == read_saved_plan(text.encode(), "p.json"), "nothing that counts was changed"


# Whatever happens


def assert_as_said(project: Project, saved: SavedPlan, left: Plan, address: str) -> None:
    """The choice was made for what the plan says, and so was each picture that was to come for it in the build."""
    node, entry = saved.nodes[address], project.lock.image(address)
    assert entry is not None
    assert node.request is not None
    written_node, after = project.graph()[address], project.plan()
    promised = [(look.request, look.fewer, name) for name, look in node.looks.items()] or [
        (node.request, node.fewer, None)
    ]
    found = [settled(request, fewer, written_node, after, look) for request, fewer, look in promised]
    requests = [request for request in found if request is not None]
    names = [one for request in requests for one in request.get("references", ())]
    holes = [hole for one in names if (hole := hole_of(one)) is not None]
    there = {hole: identity_of(left.nodes[hole]) for hole in holes}  # also of one whose file stands in the way
    entries = project.lock.entries  # what another look is made from may never come
    came = {hole: identity_in_lock(entries[hole]) for hole in holes if there[hole] is None and hole in entries}
    asked = [filled(request, {**there, **came}) for request in requests]
    wants = [digest_of(one) for one in asked if one is not None]
    assert entry.want in wants, f"{address} was bought for something else"
    for hole in holes:
        if project.lock.image(hole) is not None:
            assert_as_said(project, saved, left, hole)


def identity_in_lock(entry: Entry) -> str:
    match entry:
        case ImageEntry():
            return str(entry.take)
        case DerivedEntry():
            return recipe_identity(entry.recipe)
        case SourceEntry():
            return str(entry.digest)


@settings(max_examples=50, deadline=None)
@given(graphs(), EDITS, EDITS, EDITS, st.booleans())
def test_a_saved_plan_never_buys_what_it_does_not_say(
    nodes: list[Drawn],
    before: list[tuple[str, int]],
    after: list[tuple[str, int]],
    meanwhile: list[tuple[str, int]],
    short: bool,
) -> None:
    """`meanwhile` happens when it has been carried out once, and is about to be again; `short`: batches bring fewer."""
    project = written(nodes, Project())
    if short:
        come_short(nodes, project)
    if before:
        project.build()
    for what, number in before:
        nodes = happen(project, nodes, what, number)
    saved = save(project.plan())
    assert now(project, saved).pictures == sum(node.pictures for node in saved.nodes.values())
    for what, number in after:
        nodes = happen(project, nodes, what, number)
    try:
        left = now(project, saved)
    except DepartedError as error:
        assert after, "nothing was changed, and yet it is said to be"
        assert error.exit_code in (ExitCode.CHANGES, ExitCode.REFUSED)
        return
    assert left.cost.high <= saved.cost.high
    for node in left.nodes.values():
        assert node.pictures <= (buyer.pictures if (buyer := saved.buyer_of(node.address)) else 0)
    spent, rounds = project.bought, 0
    while any(node.pictures for node in left.nodes.values()):
        # a picture that another one's file stood in the way of may come for what shares it, and lets more come after it
        assert rounds <= len(nodes), "it never comes to an end"
        entries = dict(project.lock.entries)
        carry_out(project, left)
        assert project.bought - spent <= sum(node.pictures for node in saved.nodes.values())
        for node in left.nodes.values():
            if node.pictures and (not short or project.lock.image(node.address) != entries.get(node.address)):
                assert_as_said(project, saved, left, node.address)
        if rounds == 0:
            for what, number in meanwhile:
                if what != "came short":  # a frame that is taken back here was bought, and counted
                    nodes = happen(project, nodes, what, number)
        try:
            left, rounds = now(project, saved), rounds + 1
        except DepartedError:
            assert meanwhile, "nothing but what the plan says was done"
            return


@settings(max_examples=40, deadline=None)
@given(graphs(), st.lists(st.integers(0, 7), max_size=3), st.booleans())
def test_an_interrupted_plan_goes_on_to_its_end(nodes: list[Drawn], done: list[int], short: bool) -> None:
    project = written(nodes, Project())
    if short:
        come_short(nodes, project)
    saved = save(project.plan())
    for number in done:
        if number < len(nodes):
            project.build(f"n{number}")
    carry_out(project, now(project, saved))
    planned = sum(node.pictures for node in saved.nodes.values())
    assert project.bought == planned or (short and project.bought < planned)
    assert project.plan().pictures == 0
