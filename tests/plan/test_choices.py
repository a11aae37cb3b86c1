"""Who may displace a choice: auto, approved and pinned pictures against edits, cascades and names."""

import pytest

from seedpipe.plan.plan import Plan
from tests.plan.project import Project

LAMP = """
logo: {file: art/logo.png}
hero: {prompt: A lamp, aspect: 16:9}
scene: {prompt: "{{ refs.hero }} with {{ refs.logo }} on oak", references: {hero: hero, logo: logo}}
banner: {from: scene, steps: [{resize: 1200x630}]}
"""
REPLACES = "replaces an approved picture"


@pytest.fixture
def project() -> Project:
    project = Project().write("art/logo.png", "a mark").images(LAMP)
    project.build()
    return project


def state_of(plan: Plan, address: str) -> str:
    return plan.nodes[address].state.value


def test_auto_is_replaced_when_its_want_changes(project: Project) -> None:
    project.edit("A lamp", "A brass lamp")
    assert project.states() == {"hero": "make", "scene": "follows", "banner": "free"}


def test_approved_is_replaced_when_its_own_words_change(project: Project) -> None:
    project.approve("scene")
    project.edit("on oak", "on pine")
    assert project.states() == {"hero": "cached", "scene": "make", "banner": "free"}
    assert project.why("scene") == [REPLACES, "prompt: oak → pine"]
    project.build()
    assert project.entry("scene").level == "auto", "nobody has approved the new one"


def test_approved_is_replaced_when_a_parameter_changes(project: Project) -> None:
    project.approve("scene")
    project.edit('on oak"', 'on oak", aspect: 16:9')
    assert project.why("scene") == [REPLACES, "size: 2K → 2848x1600"]


def test_approved_is_replaced_when_its_source_file_changes(project: Project) -> None:
    project.approve("scene")
    project.write("art/logo.png", "another mark")
    assert project.states()["scene"] == "make"
    assert project.why("scene") == [REPLACES, "logo is another picture now"]


def test_approved_is_replaced_when_it_has_other_references(project: Project) -> None:
    project.approve("scene")
    project.edit("{hero: hero, logo: logo}", "{logo: logo, hero: hero}")
    assert project.states()["scene"] == "make"
    assert REPLACES in project.why("scene")


def test_approved_is_replaced_by_its_own_change_also_while_a_cascade_comes(project: Project) -> None:
    project.approve("scene")
    project.edit("A lamp", "A brass lamp").edit("on oak", "on pine")
    assert project.states()["scene"] == "follows"
    assert project.why("scene") == [REPLACES, "prompt: oak → pine", "hero changes"]


def test_a_picture_paid_for_before_also_says_that_it_displaces_an_approved_one(project: Project) -> None:
    project.edit("on oak", "on pine")
    project.build()
    project.approve("scene")
    project.edit("on pine", "on oak")
    plan = project.plan()
    assert (state_of(plan, "scene"), plan.pictures) == ("cached", 0)
    assert project.why("scene")[:2] == [REPLACES, "was made before, costs nothing"]


def test_approved_becomes_stale_by_cascade_alone_until_it_is_named(project: Project) -> None:
    project.approve("scene")
    kept = project.entry("scene").take
    project.edit("A lamp", "A brass lamp")
    assert project.states() == {"hero": "make", "scene": "stale", "banner": "cached"}
    assert project.why("scene") == ["approved, and stays until it is named", "hero changes"]
    plan = project.build()
    assert (plan.pictures, project.entry("scene").take) == (1, kept)
    assert project.states() == {"hero": "cached", "scene": "stale", "banner": "cached"}
    assert project.states("hero+")["scene"] == "stale", "`+` is a cascade too"
    assert project.states("scene")["scene"] == "make"
    assert project.why("scene", "scene") == [REPLACES, "hero is another picture now"]
    project.build("scene")
    assert project.entry("scene").take != kept
    assert kept in project.memory.store, "a replaced take can be picked again"


def test_what_depends_on_a_stale_picture_uses_it_as_it_is(project: Project) -> None:
    project.images(LAMP + 'poster: {prompt: "{{ refs.scene }} framed", references: {scene: scene}}\n')
    project.build()
    project.approve("scene")
    project.edit("A lamp", "A brass lamp")
    assert project.states()["poster"] == "cached"
    project.edit("framed", "in a frame")
    assert project.states()["poster"] == "make"
    plan = project.build()
    assert plan.pictures == 2, "hero and poster"


@pytest.mark.parametrize("targets", [(), ("scene",), ("+scene",), ("hero+",)])
def test_pinned_is_replaced_by_nothing(project: Project, targets: tuple[str, ...]) -> None:
    project.pin("scene")
    project.edit("A lamp", "A brass lamp").edit("on oak", "on pine").write("art/logo.png", "another mark")
    plan = project.plan(*targets, retry_unknown=True, retry_blocked=True)
    assert state_of(plan, "scene") == "pinned"
    assert plan.nodes["scene"].pictures == 0
    told = project.why("scene", *targets)
    assert told[0] == "pinned, and stays until it is unpinned"
    assert "prompt: oak → pine" in told, "what it would be made anew for is said all the same"


def test_pinned_is_said_also_while_nothing_has_changed(project: Project) -> None:
    project.pin("scene")
    assert project.states() == {"hero": "cached", "scene": "pinned", "banner": "cached"}


@pytest.mark.parametrize("level", ["approve", "pin"])
def test_nothing_is_bought_to_choose_from_where_a_person_has_chosen(project: Project, level: str) -> None:
    getattr(project, level)("hero")
    project.edit("aspect: 16:9", "aspect: 16:9, takes: 4")
    assert project.plan().pictures == 0
    assert project.plan("hero").pictures == 0


@pytest.mark.parametrize("level", ["approve", "pin"])
def test_a_choice_whose_bytes_are_gone_is_missing_not_bought(project: Project, level: str) -> None:
    getattr(project, level)("scene")
    project.edit("A lamp", "A brass lamp")
    project.lose("scene")
    assert project.states()["scene"] == "missing"
    assert project.plan().pictures == 1, "hero alone"


@pytest.mark.parametrize("level", ["approve", "pin"])
def test_a_choice_keeps_its_level_while_takes_are_added_or_files_rewritten(project: Project, level: str) -> None:
    getattr(project, level)("scene")
    before = project.entry("scene").level
    project.memory.outputs.clear()
    project.build()
    assert project.entry("scene").level is before
    assert not project.plan().has_changes


def test_without_a_cascade_an_edit_stays_where_it_was_made(project: Project) -> None:
    project.edit("A lamp", "A brass lamp")
    plan = project.plan(cascade=False)
    assert {name: node.state.value for name, node in plan.nodes.items()} == {
        "logo": "cached",
        "hero": "make",
        "scene": "stale",
        "banner": "cached",
    }
    project.edit("on oak", "on pine")
    assert project.states(cascade=False)["scene"] == "follows", "its own words changed"


def test_a_plain_target_uses_upstreams_as_they_are_and_plus_refreshes_them(project: Project) -> None:
    project.edit("A lamp", "A brass lamp").edit("on oak", "on pine")
    plan = project.plan("scene")
    assert (state_of(plan, "scene"), plan.pictures) == ("make", 1)
    assert state_of(plan, "hero") == "stale", "used as it is"
    assert "banner" not in plan.nodes
    plan = project.plan("+scene")
    assert (state_of(plan, "hero"), state_of(plan, "scene"), plan.pictures) == ("make", "follows", 2)
    plan = project.plan("hero+")
    assert (state_of(plan, "hero"), state_of(plan, "scene"), state_of(plan, "banner")) == ("make", "follows", "free")


def test_a_plain_target_makes_upstreams_that_were_never_made() -> None:
    project = Project().write("art/logo.png", "a mark").images(LAMP)
    assert project.states("banner") == {"hero": "make", "scene": "follows", "banner": "free"}
    assert project.states("scene") == {"hero": "make", "scene": "follows"}


def test_nothing_is_bought_for_an_upstream_that_is_used_as_it_is(project: Project) -> None:
    project.edit(
        "hero: {prompt: A lamp,",
        "sketch: {prompt: A sketch}\nhero: {prompt: A lamp, references: [sketch],".replace("\n", "\n  "),
    )
    plan = project.plan("banner")
    assert (state_of(plan, "scene"), plan.pictures) == ("cached", 0)
    project.edit("on oak", "on pine")
    plan = project.plan("scene")
    assert (state_of(plan, "hero"), state_of(plan, "scene")) == ("cached", "make")
    assert "sketch" not in plan.nodes, "only `+scene` would have hero made from it"
    assert project.plan("+scene").pictures == 3


def test_what_is_excluded_is_never_bought() -> None:
    project = Project().write("art/logo.png", "a mark").images(LAMP)
    plan = project.plan(exclude=["hero"])
    assert plan.pictures == 0
    assert state_of(plan, "scene") == "blocked"
    assert project.why("scene", exclude=["hero"]) == ["hero is blocked"]
    assert project.why("hero", exclude=["hero"]) == ["left out, and has no picture yet"]
    project.build()
    project.edit("A lamp", "A brass lamp")
    assert project.plan(exclude=["hero"]).pictures == 0
    assert project.states(exclude=["hero", "scene"])["banner"] == "cached"


def test_a_free_step_that_is_excluded_is_still_told_of_by_what_needs_it() -> None:
    project = Project().write("art/logo.png", "a mark").images(LAMP)
    project.images(LAMP + 'poster: {prompt: "{{ refs.banner }} on a wall", references: {banner: banner}}')
    assert project.states("poster", exclude=["banner"]) == {
        "hero": "make",
        "scene": "follows",
        "banner": "free",
        "poster": "follows",
    }
    assert project.states("poster", exclude=["banner", "scene"]) == {
        "scene": "blocked",
        "banner": "blocked",
        "poster": "blocked",
    }


@pytest.mark.parametrize("wish", [{"targets": ("scene",)}, {"exclude": ("hero",)}])
def test_an_upstream_that_serves_as_it_is_is_not_bought_because_its_bytes_are_gone(
    project: Project, wish: dict[str, tuple[str, ...]]
) -> None:
    project.edit("A lamp", "A brass lamp").edit("on oak", "on pine")
    targets, exclude = wish.get("targets", ()), wish.get("exclude", ())
    plan = project.plan(*targets, exclude=exclude)
    assert (state_of(plan, "hero"), state_of(plan, "scene")) == ("stale", "make")
    project.lose("hero")
    plan = project.plan(*targets, exclude=exclude)
    assert (state_of(plan, "hero"), state_of(plan, "scene"), plan.pictures) == ("missing", "blocked", 0)
    assert state_of(project.plan("hero"), "hero") == "make", "who names it, has it made for its new words"


def test_what_a_picture_used_as_it_is_would_need_is_not_bought(project: Project) -> None:
    project.edit("prompt: A lamp,", "prompt: A lamp, references: {base: base},")
    project.write("seedpipe.yaml", project.files.texts["seedpipe.yaml"] + "  base: {prompt: A desk}\n")
    project.edit("on oak", "on pine")
    plan = project.plan("scene")
    assert "base" not in plan.nodes, "hero serves as it is, so nothing that it would be made from is needed"
    assert (plan.pictures, state_of(plan, "scene")) == (1, "make")
    assert project.plan("+scene").pictures == 3


def test_a_picture_without_cascade_stays_until_it_is_named_or_changes_itself(project: Project) -> None:
    taken = project.entry("scene").take
    project.edit('on oak"', 'on oak", cascade: false')
    assert set(project.states().values()) == {"cached"}, "it is in no key"
    project.edit("A lamp", "A brass lamp")
    assert project.states() == {"hero": "make", "scene": "stale", "banner": "cached"}
    assert project.why("scene") == ["stays until it is named (`cascade: false`)", "hero changes"]
    project.build()
    assert project.entry("scene").take == taken
    assert project.states()["scene"] == "stale"
    assert project.states("hero+")["scene"] == "stale", "`+` is a cascade too"
    assert project.states("scene")["scene"] == "make"
    assert project.states("scene", cascade=False)["scene"] == "stale"
    project.edit("on oak", "on pine")
    assert project.states()["scene"] == "make"


def test_frames_of_a_sequence_without_cascade_stay() -> None:
    project = Project().images("""
hero: {prompt: A lamp}
board:
  references: [hero]
  cascade: false
  sequence: {frames: [{id: wide, prompt: Wide}, {id: hands, prompt: Hands}]}
""")
    project.build()
    project.edit("A lamp", "A brass lamp")
    assert project.states() == {"hero": "make", "board#wide": "stale", "board#hands": "stale"}
    project.edit("prompt: Hands", "prompt: Brass hands")
    assert project.states()["board#hands"] in ("make", "follows")
    assert project.states()["board#wide"] == "stale"
