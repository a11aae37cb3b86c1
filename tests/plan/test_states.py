"""Each state of a node, and which one is said where several hold."""

from dataclasses import replace

import pytest

from seedpipe.canonical import digest_of
from seedpipe.manifest.node import FrameNode
from seedpipe.names import Digest
from seedpipe.plan.frames import lone_request
from seedpipe.plan.memory import Said, Waiting
from seedpipe.plan.plan import State
from seedpipe.state.lock import Level
from seedpipe.state.requests import Short
from tests.plan.project import INVALID, MODERATED, UNANSWERED, Project

LAMP = """
logo: {file: art/logo.png}
hero: {prompt: "A lamp with the mark of {{ refs.logo }}", references: {logo: logo}, aspect: 16:9}
scene: {prompt: "{{ refs.hero }} on oak", references: {hero: hero}}
banner: {from: scene, steps: [{resize: 1200x630}]}
"""


@pytest.fixture
def project() -> Project:
    return Project().write("art/logo.png", "a mark").images(LAMP)


def test_a_first_build_and_the_one_after_it(project: Project) -> None:
    plan = project.plan()
    assert project.states() == {"hero": "make", "scene": "follows", "banner": "free"}
    assert [str(plan.nodes[name].cost.high) for name in ("hero", "scene", "banner")] == [
        "0.04 USD",
        "0.04 USD",
        "0.00 USD",
    ]
    assert (plan.pictures, str(plan.cost.low), str(plan.cost.high)) == (2, "0.08 USD", "0.08 USD")
    assert project.why("hero") == ["new"]
    assert project.why("scene") == ["hero is new"]
    assert plan.nodes["hero"].key is not None
    assert plan.nodes["scene"].key is None, "not known before hero is there"

    project.build()
    assert project.bought == 2
    assert project.states() == {"hero": "cached", "scene": "cached", "banner": "cached"}
    assert not project.plan().has_changes


def test_an_edit_makes_and_what_is_below_follows(project: Project) -> None:
    project.build()
    project.edit("A lamp", "A brass lamp")
    assert project.states() == {"hero": "make", "scene": "follows", "banner": "free"}
    assert project.why("hero") == ["prompt: + brass"]
    assert project.why("scene") == ["hero changes"]
    project.edit("on oak", "on old oak")
    assert project.why("scene") == ["prompt: + old", "hero changes"]


def test_a_source_whose_pixels_are_the_same_changes_nothing(project: Project) -> None:
    project.build()
    project.write("art/logo.png", "a mark|saved again by an editor")
    assert project.states() == {"hero": "cached", "scene": "cached", "banner": "cached"}
    project.write("art/logo.png", "another mark")
    assert project.states()["hero"] == "make"
    assert project.why("hero") == ["logo is another picture now"]


def test_what_was_paid_for_is_never_bought_again_under_another_name(project: Project) -> None:
    project.build()
    project.edit("hero:", "lamp:").edit("refs.hero", "refs.lamp").edit("{lamp: hero}", "{lamp: lamp}")
    plan = project.plan()
    assert project.states() == {"lamp": "cached", "scene": "cached", "banner": "cached"}
    assert project.why("lamp") == ["was made before, costs nothing", "lamp.jpg is written again"]
    assert plan.pictures == 0
    project.edit("A lamp", "A brass lamp")
    project.build()
    project.edit("A brass lamp", "A lamp")
    assert project.plan().pictures == 0, "a reverted edit finds its first picture"


def test_equal_keys_are_bought_once() -> None:
    project = Project().images("""
a: {prompt: A lamp}
b: {prompt: A lamp}
c: {prompt: A lamp, takes: 3}
d: {prompt: A lamp, variant: b}
""")
    plan = project.plan()
    assert project.states() == {"a": "make", "b": "same", "c": "make", "d": "make"}
    assert project.why("b") == ["asks for the same as a"]
    assert [node.pictures for node in plan.nodes.values()] == [1, 0, 2, 1], "c buys only what a doesn't bring"
    project.build()
    assert project.bought == plan.pictures == 4
    assert set(project.states().values()) == {"cached"}


def test_equal_keys_share_also_the_takes_that_are_bought_later() -> None:
    project = Project().images("a: {prompt: A lamp}\nb: {prompt: A lamp}")
    project.build()
    project.images("a: {prompt: A lamp, takes: 3}\nb: {prompt: A lamp, takes: 3}")
    plan = project.build()
    assert plan.pictures == project.bought - 1 == 2
    assert project.plan().pictures == 0


def test_a_chain_of_equal_keys_is_bought_once() -> None:
    project = Project().images("""
a: {prompt: A lamp}
b: {prompt: A lamp}
on-a: {prompt: "{{ refs.a }} on oak", references: {a: a}}
on-b: {prompt: "{{ refs.b }} on oak", references: {b: b}}
""")
    plan = project.plan()
    assert project.states() == {"a": "make", "b": "same", "on-a": "follows", "on-b": "same"}
    project.build()
    assert project.bought == plan.pictures == 2


@pytest.mark.parametrize(("first", "second"), [(1, 3), (3, 1), (3, 3)])
def test_a_chain_is_not_called_equal_where_each_may_choose_another_take(first: int, second: int) -> None:
    """Takes arrive in any order, and what is first for one node need not be for the next."""
    project = Project().images(f"""
a: {{prompt: A lamp, takes: {first}}}
b: {{prompt: A lamp, takes: {second}}}
on-a: {{prompt: "{{{{ refs.a }}}} on oak", references: {{a: a}}}}
on-b: {{prompt: "{{{{ refs.b }}}} on oak", references: {{b: b}}}}
""")
    plan = project.plan()
    assert (plan.nodes["on-a"].state.value, plan.nodes["on-b"].state.value) == ("follows", "follows")
    assert plan.pictures == 3 + 2


def test_more_takes_are_bought_beside_those_that_are_there() -> None:
    project = Project().images("hero: {prompt: A lamp, takes: 3}")
    plan = project.build()
    assert (plan.pictures, str(plan.cost.high)) == (3, "0.12 USD")
    project.edit("takes: 3", "takes: 5")
    plan = project.plan()
    assert (plan.nodes["hero"].state.value, plan.pictures, str(plan.cost.high)) == ("make", 2, "0.08 USD")
    assert project.why("hero") == ["has 3 of 5 takes"]
    chosen = project.entry("hero").take
    project.build()
    assert project.entry("hero").take == chosen, "more to choose from is no other choice"
    project.edit("takes: 5", "takes: 1")
    assert project.states() == {"hero": "cached"}


def test_missing_bytes_are_no_licence_to_buy(project: Project) -> None:
    project.build()
    project.lose("hero")
    assert project.states() == {"hero": "missing", "scene": "cached", "banner": "cached"}
    assert project.why("hero")[0].startswith("the chosen picture ")
    project.edit("on oak", "on old oak")
    plan = project.plan()
    assert project.states() == {"hero": "missing", "scene": "blocked", "banner": "blocked"}
    assert project.why("scene") == ["hero is missing"]
    assert plan.pictures == 0


def test_an_output_file_stands_in_for_an_absent_take(project: Project) -> None:
    project.build()
    project.lose("hero", output=False)
    assert project.states() == {"hero": "fetch", "scene": "cached", "banner": "cached"}
    project.build()
    assert project.states()["hero"] == "cached"


def test_a_persons_own_file_is_never_overwritten(project: Project) -> None:
    project.build()
    project.paint_over("hero")
    assert project.states() == {"hero": "edited", "scene": "cached", "banner": "cached"}
    assert project.why("hero") == ["hero.jpg is not a picture that seedpipe put there"]
    project.edit("A lamp", "A brass lamp")
    plan = project.plan()
    assert project.states() == {"hero": "edited", "scene": "blocked", "banner": "blocked"}
    assert (plan.pictures, any(node.writes for node in plan.nodes.values())) == (0, False)


def test_an_edited_banner_stops_only_what_needs_its_picture(project: Project) -> None:
    project.build()
    project.images(LAMP + 'poster: {prompt: "{{ refs.banner }} on a wall", references: {banner: banner}}\n')
    project.paint_over("banner")
    assert project.states() == {"hero": "cached", "scene": "cached", "banner": "edited", "poster": "make"}
    project.edit("resize: 1200x630", "resize: 600x315")
    assert project.states()["poster"] == "blocked", "the banner it needs isn't made while a person's file is there"
    assert project.why("poster") == ["banner is edited"]


def test_an_absent_output_is_written_again_for_nothing(project: Project) -> None:
    project.build()
    project.memory.outputs.clear()
    plan = project.plan()
    assert set(project.states().values()) == {"cached"}
    assert plan.has_changes
    assert plan.pictures == 0
    project.build()
    assert not project.plan().has_changes


def test_refusals_wait_for_a_change_or_a_name(project: Project) -> None:
    key = project.key("hero")
    project.memory.refusals[key] = MODERATED
    assert project.states() == {"hero": "blocked", "scene": "blocked", "banner": "blocked"}
    assert project.why("hero") == ["InputTextSensitiveContentDetected: may contain sensitive words"]
    assert project.why("scene") == ["hero is blocked"]
    assert project.states("hero") == {"hero": "make"}
    assert project.states(retry_blocked=True)["hero"] == "make"

    project.memory.refusals[key] = INVALID
    assert project.states() == {"hero": "failed", "scene": "blocked", "banner": "blocked"}
    assert project.states(retry_blocked=True)["hero"] == "failed", "the flag is for moderation alone"
    assert project.states("hero") == {"hero": "make"}
    assert project.states("scene+")["hero"] == "failed", "it was not the one that was named"
    project.edit("A lamp", "A brass lamp")
    assert project.states()["hero"] == "make"


def test_an_uncertain_charge_is_never_sent_again_by_itself(project: Project) -> None:
    project.memory.open_requests[project.key("hero")] = UNANSWERED
    plan = project.plan()
    assert project.states() == {"hero": "unknown", "scene": "blocked", "banner": "blocked"}
    assert project.why("hero") == ["sent 2026-11-23 21:04 UTC: timed out; it may have cost 0.04 USD"]
    assert (plan.pictures, str(plan.cost.high)) == (0, "0.00 USD")
    assert project.states("hero") == {"hero": "unknown"}, "not even if it is named"
    assert project.states(retry_unknown=True) == {"hero": "make", "scene": "follows", "banner": "free"}


def test_what_is_paid_and_still_at_the_provider_is_fetched_and_never_priced(project: Project) -> None:
    project.memory.paid_for[project.key("hero")] = Waiting(until="2026-11-24 21:04 UTC", cost="0.04 USD")
    for retry in (False, True):
        plan = project.plan(retry_unknown=retry)
        hero = plan.nodes["hero"]
        assert (hero.state, hero.pictures, str(hero.cost.high)) == (State.FETCH, 0, "0.00 USD")
        assert plan.has_changes
    assert project.why("hero") == [
        "paid (0.04 USD) and still at the provider, until 2026-11-24 21:04 UTC; fetched for nothing"
    ]
    assert project.states() == {"hero": "fetch", "scene": "make", "banner": "free"}
    assert project.why("scene") == ["hero is fetched first"]


def test_a_take_that_is_still_at_the_provider_is_not_bought_again(project: Project) -> None:
    project.build()
    project.edit("aspect: 16:9", "aspect: 16:9, takes: 2")
    project.memory.paid_for[project.key("hero")] = Waiting(until="2026-11-24 21:04 UTC", cost="0.04 USD")
    assert project.states()["hero"] == "cached"
    assert project.plan().pictures == 0
    project.memory.paid_for.clear()
    assert project.plan().pictures == 1


@pytest.mark.parametrize("paid", [True, False])
def test_a_persons_word_is_a_reason_to_buy_and_is_said(project: Project, paid: bool) -> None:
    word = Said(
        who="Ada <a@b>", at="2026-11-25 08:00 UTC", paid=paid, cost="0.04 USD", since="2026-11-23 21:04 UTC", note=None
    )
    project.memory.people_said[project.key("hero")] = word
    assert project.states()["hero"] == "make"
    said = "0.04 USD was charged for nothing" if paid else "the last one was not charged"
    assert project.why("hero") == [f"again: {said}, says Ada (of the request of 2026-11-23 21:04 UTC)"]
    project.build()
    assert project.states()["hero"] == "cached"


def test_the_first_state_that_holds_is_said(project: Project) -> None:
    """One fault after the other is mended, and the next in the order of precedence shows."""
    project.build()
    project.edit("on oak", "on old oak")
    key = project.key("scene")
    project.lose("hero")
    project.paint_over("scene")
    project.memory.refusals[key] = INVALID
    project.memory.open_requests[key] = UNANSWERED
    assert project.states()["scene"] == "unknown"
    del project.memory.open_requests[key]
    assert project.states()["scene"] == "edited"
    project.memory.outputs.clear()
    assert project.states()["scene"] == "blocked", "what it is made from is missing"
    project.memory.store.add(project.entry("hero").take)
    assert project.states()["scene"] == "failed"
    project.memory.refusals.clear()
    assert project.states()["scene"] == "make"


@pytest.mark.parametrize("takes", [1, 3])
def test_unknown_is_said_before_all_else_of_a_chosen_picture(project: Project, takes: int) -> None:
    project.build()
    project.memory.open_requests[project.key("hero")] = UNANSWERED
    project.edit("aspect: 16:9", f"aspect: 16:9, takes: {takes}")
    project.lose("hero")
    project.paint_over("hero")
    assert project.states()["hero"] == "unknown"
    project.memory.open_requests.clear()
    assert project.states()["hero"] == "missing"
    project.memory.store.add(project.entry("hero").take)
    assert project.states()["hero"] == "edited"


def test_unknown_and_edited_come_before_a_picture_found_under_another_name(project: Project) -> None:
    project.build()
    project.edit("hero:", "lamp:").edit("refs.hero", "refs.lamp").edit("{lamp: hero}", "{lamp: lamp}")
    project.memory.open_requests[project.key("lamp")] = UNANSWERED
    project.paint_over("lamp")
    assert project.states()["lamp"] == "unknown"
    project.memory.open_requests.clear()
    assert project.states()["lamp"] == "edited"


def test_edited_comes_before_blocked_also_while_the_key_is_not_known(project: Project) -> None:
    project.build()
    project.edit("A lamp", "A brass lamp")
    project.memory.refusals[project.key("hero")] = MODERATED
    project.paint_over("scene")
    project.paint_over("banner")
    assert project.states() == {"hero": "blocked", "scene": "edited", "banner": "edited"}


def test_a_url_is_fetched_first(project: Project) -> None:
    project.edit("{file: art/logo.png}", '{url: "https://example.com/logo.png"}')
    assert project.states() == {"logo": "fetch", "hero": "make", "scene": "follows", "banner": "free"}
    assert project.why("hero") == ["logo is fetched first"]
    project.build()
    assert set(project.states().values()) == {"cached"}
    project.memory.store.discard(project.memory.downloads["https://example.com/logo.png"])
    assert project.states() == {"logo": "fetch", "hero": "cached", "scene": "cached", "banner": "cached"}


def test_a_url_that_moved_may_bring_the_same_picture(project: Project) -> None:
    project.edit("{file: art/logo.png}", '{url: "https://example.com/logo.png"}')
    project.build()
    project.edit("logo.png", "logo.png?version=2")
    plan = project.plan()
    assert project.states() == {"logo": "fetch", "hero": "may", "scene": "may", "banner": "free"}
    hero = plan.nodes["hero"]
    assert (str(hero.cost.low), str(hero.cost.high), hero.pictures) == ("0.00 USD", "0.04 USD", 1)
    project.build()
    assert project.bought == 2, "it did"


def test_what_may_stay_as_it_was_is_missing_where_its_bytes_are_gone(project: Project) -> None:
    project.edit("{file: art/logo.png}", '{url: "https://example.com/logo.png"}')
    project.build()
    project.edit("logo.png", "logo.png?version=2")
    project.lose("hero")
    assert project.states() == {"logo": "fetch", "hero": "missing", "scene": "blocked", "banner": "blocked"}
    assert project.plan().pictures == 0
    project.edit("A lamp", "A brass lamp")
    assert project.states()["hero"] == "make", "its own words changed: whatever comes, it is another picture"


def test_a_recipe_whose_bytes_are_gone_is_made_again(project: Project) -> None:
    project.build()
    recipe = project.key("banner")
    project.memory.forget_bytes(project.memory.recipes[recipe])
    project.memory.outputs.pop("banner.jpg")
    assert project.states()["banner"] == "free"
    assert project.why("banner") == ["banner.jpg is written again"], "nothing of its recipe changed"


def test_of_several_takes_only_those_that_were_refused_are_held_back(project: Project) -> None:
    project.images("hero: {prompt: A lamp, takes: 2}\ncard: {prompt: 'Like {{ refs.a }}', references: {a: hero}}")
    project.build()
    project.edit("takes: 2", "takes: 4")
    project.memory.refusals[project.key("hero")] = replace(MODERATED, takes=1)
    plan = project.plan()
    assert (plan.nodes["hero"].state, plan.pictures) == (State.MAKE, 1)
    assert project.why("hero") == [
        "has 2 of 4 takes", "InputTextSensitiveContentDetected: may contain sensitive words"
    ]  # fmt: skip
    project.memory.refusals[project.key("hero")] = replace(MODERATED, takes=2)
    assert project.states() == {"hero": "blocked", "card": "cached"}
    assert project.plan("hero").pictures == 2


BOARD = """
gate: {prompt: A look, gate: approve}
board:
  references: [gate]
  sequence: {frames: [{id: wide, prompt: Wide}, {id: hands, prompt: Hands}, {id: face, prompt: Face}]}
"""
SHORT = Short(came=2, asked=3, code="OutputImageSensitiveContentDetected", message="may hold sensitive content")


def test_the_first_state_that_holds_is_said_of_a_frame_from_unknown_to_follows() -> None:
    """One reason after the other is taken away, and the next in the order of precedence shows."""
    project = Project().images(BOARD)
    project.build("gate")
    project.approve("gate")
    project.build("board#wide", "board#hands")
    face = project.key("board#face")
    alone = _lone_key(project, "board#face")
    project.memory.short[face] = SHORT
    project.memory.open_requests[face] = UNANSWERED
    project.paint_over("board#face")
    project.memory.refusals[alone] = MODERATED
    project.lose("gate")
    said = []

    def say() -> None:
        said.append(project.states()["board#face"])

    say()
    project.memory.open_requests.clear()
    say()
    project.memory.outputs.pop("board/face.jpg")
    say()
    project.memory.store.add(project.entry("gate").take)
    say()
    project.memory.refusals[alone] = INVALID
    say()
    project.memory.refusals.clear()
    say()
    project.choose("gate", Level.AUTO)
    say()
    project.approve("gate")
    project.memory.short.clear()
    say()
    project.edit("A look", "Another look")
    say()
    assert said == ["unknown", "edited", "blocked", "blocked", "failed", "partial", "waits", "make", "waits"]
    assert project.states(through_gates=True)["board#face"] == "follows"


def _lone_key(project: Project, address: str) -> Digest:
    """Of the request that buys one frame beside its neighbours."""
    node = project.graph()[address]
    assert isinstance(node, FrameNode)
    beside = project.plan().nodes[address].beside
    references = [str(project.entry("gate").take), *(str(digest) for _, digest in beside)]
    return digest_of(lone_request(project.resolver().asked(node), node, references))


def test_a_frame_that_its_batch_did_not_bring_is_bought_alone_and_says_why() -> None:
    project = Project().images(BOARD.replace(", gate: approve", ""))
    project.build("gate")
    project.build("board#wide", "board#hands")
    project.memory.short[project.key("board#face")] = SHORT
    plan = project.plan()
    face = plan.nodes["board#face"]
    assert (face.state, face.pictures, [name for name, _ in face.beside]) == (State.PARTIAL, 1, ["board#hands"])
    assert project.why("board#face") == [
        "2 of 3 frames came; OutputImageSensitiveContentDetected: may hold sensitive content"
    ]


@pytest.mark.parametrize("built", [False, True])
def test_takes_beside_one_that_waits_at_the_provider_are_in_the_plan(built: bool) -> None:
    """A build fetches what waits and then buys the others, whose price a plan must not keep silent about."""
    project = Project().images("hero: {prompt: A lamp}")
    if built:
        project.build()
    project.edit("A lamp", "A lamp, takes: 4")
    key = project.key("hero")
    project.memory.paid_for[key] = Waiting(until="2026-11-24 21:04 UTC", cost="0.08 USD", takes=2)
    plan = project.plan()
    assert (plan.nodes["hero"].state, plan.pictures) == (State.MAKE, 1 if built else 2)
    assert project.why("hero")[-2:] == [
        f"has {3 if built else 2} of 4 takes",
        "paid (0.08 USD) and still at the provider, until 2026-11-24 21:04 UTC; fetched for nothing",
    ]
    project.memory.refusals[key] = INVALID
    plan = project.plan()
    expected = (State.CACHED, 0) if built else (State.MAKE, 1)
    assert (plan.nodes["hero"].state, plan.pictures) == expected, "one of the four was refused"


def test_every_state_is_reachable() -> None:
    """Each by a project of its own in this file or the next; here all of them in a row, so that none is forgotten."""
    seen: set[str] = set()
    project = Project().write("art/logo.png", "a mark").images(LAMP + BOARD.replace("gate: {", "gate: {variant: g, "))
    seen |= set(project.states().values())  # make, follows, free, waits
    project.build()
    seen |= set(project.states().values())  # cached
    project.approve("scene")
    project.pin("gate")
    project.edit("A lamp", "A brass lamp")
    seen |= set(project.states().values())  # stale, pinned
    project.memory.refusals[project.key("hero")] = MODERATED
    project.edit("on oak", "on pine")
    seen |= set(project.states().values())  # blocked
    project.memory.refusals[project.key("hero")] = INVALID
    seen |= set(project.states().values())  # failed
    project.memory.open_requests[project.key("hero")] = UNANSWERED
    seen |= set(project.states().values())  # unknown
    project.edit("A brass lamp", "A lamp")
    project.paint_over("hero")
    seen |= set(project.states().values())  # edited
    project.lose("hero")
    seen |= set(project.states().values())  # missing
    twins = Project().images("a: {prompt: A lamp}\nb: {prompt: A lamp}")
    seen |= set(twins.states().values())  # same
    web = Project().images('logo: {url: "https://example.com/a.png"}\nhero: {prompt: like image 1, references: [logo]}')
    web.build()
    web.edit("a.png", "a.png?2")
    seen |= set(web.states().values())  # fetch, may
    short = Project().images(BOARD.replace(", gate: approve", ""))
    short.build("gate")
    short.build("board#wide", "board#hands")
    short.memory.short[short.key("board#face")] = SHORT
    seen |= set(short.states().values())  # partial
    assert seen == {state.value for state in State}
