"""Drafts that are good enough: the choices of a profile become the shared ones, and nothing is bought for them."""

import pytest

from tests.sessions.conftest import bought, manifest
from tests.sessions.test_choices import BUY, LIVE, lines, lock
from tests.support.relay import Gateway
from tests.support.workspace import Workspace

LAMPS = manifest(
    "hero: {prompt: A lamp, model: seedream-4-5, size: 2K}",
    "card: {matrix: {n: [a, b]}, prompt: 'Card {{ n }}, {{ refs.hero }}', references: {hero: hero}}",
    "small: {from: hero, steps: [{resize: 64x64}, {convert: png}]}",
    head="profiles: {draft: {force: {model: seedream-4-0, size: 1K}}, copy: {}}\n",
)
DRAFT = "seedpipe.draft.lock"


@pytest.fixture
def shop(workspace: Workspace, live: Gateway) -> Workspace:
    """A draft of everything is bought, and nothing else."""
    return bought(workspace, live, LAMPS, "--profile", "draft")


def test_what_was_approved_as_a_draft_is_the_picture_and_so_is_what_is_made_from_it(
    shop: Workspace, live: Gateway
) -> None:
    """The card was made from the draft's hero, and both are taken over together."""
    shop.run("approve", "--profile", "draft", "hero", "card/a")
    ran = shop.run("promote", "--from", "draft", "-m", "the draft has it")
    assert ran.code == 0, ran.err
    hero, draft = lock(shop, "hero"), lock(shop, "hero", DRAFT)
    assert (hero["take"], hero["level"], hero["made"]) == (draft["take"], "approved", draft["made"])
    assert hero["want"] != draft["want"]
    assert lock(shop, "card/a")["take"] == lock(shop, "card/a", DRAFT)["take"]
    said = " ".join(ran.out.split())
    assert "hero: made for something else than is asked here (model: seedream-4-0-250828 → seedream-4-5-251128" in said
    assert set(shop.plan().values()) == {"cached"}, "the other card was bought as a draft for just what is asked here"
    assert (shop.folder / "build/hero.jpg").read_bytes() == (shop.folder / "build/@draft/hero.jpg").read_bytes()
    assert (shop.folder / "build/small.png").exists(), "what is free follows at once"
    assert [(one["node"], one["verb"], one["other"], one["note"]) for one in lines(shop)] == [
        (address, "promote", "draft", "the draft has it") for address in ("hero", "card/a")
    ]
    assert len(live.prompts) == 3
    assert shop.run("undo").code == 0
    assert (lock(shop, "hero"), lock(shop, "card/a")) == (None, None)
    assert lock(shop, "hero", DRAFT) == draft, "the draft keeps its own"


def test_for_the_same_want_only_choice_and_level_are_taken_over(shop: Workspace, live: Gateway) -> None:
    assert shop.run(*BUY, "--profile", "copy").code == 0
    shop.run("pin", "--profile", "copy", "hero")
    assert shop.run("promote", "--from", "copy").code == 0
    assert {**lock(shop, "hero"), "output": None} == {**lock(shop, "hero", "seedpipe.copy.lock"), "output": None}
    assert lock(shop, "hero")["level"] == "pinned"
    bought = len(live.prompts)
    ran = shop.run("promote", "--from", "copy", "card")
    assert [lock(shop, f"card/{n}")["level"] for n in "ab"] == ["auto", "auto"], ran.err
    assert "the choice already: hero" in shop.run("promote", "--from", "copy").out
    assert set(shop.plan().values()) == {"pinned", "cached"}
    assert len(live.prompts) == bought


def test_only_what_somebody_chose_is_taken_over_unless_it_is_named(shop: Workspace) -> None:
    ran = shop.run("promote", "--from", "draft")
    assert (ran.code, ran.out) == (0, "")
    assert "nobody has chosen a picture in the profile `draft`" in ran.err
    assert not (shop.folder / "build/hero.jpg").exists()
    assert shop.run("promote", "--from", "draft", "hero").code == 0
    assert lock(shop, "hero")["level"] == "approved", "a person has named it"


def test_a_choice_that_somebody_made_here_gives_way_only_when_it_is_named(shop: Workspace, live: Gateway) -> None:
    assert shop.run(*BUY).code == 0
    shop.run("approve", "hero")
    shop.run("approve", "--profile", "draft", "hero")
    before = lock(shop, "hero")
    ran = shop.run("promote", "--from", "draft")
    assert (ran.code, "`hero` has a picture of its own, which is approved" in ran.err) == (1, True)
    assert lock(shop, "hero") == before
    assert shop.run("promote", "--from", "draft", "hero").code == 0
    assert lock(shop, "hero")["take"] == lock(shop, "hero", DRAFT)["take"]
    assert before["take"] in lock(shop, "hero")["takes"]
    shop.run("pin", "hero")
    shop.run("undo")
    shop.run("undo")
    shop.run("pin", "hero")
    ran = shop.run("promote", "--from", "draft", "hero")
    assert (ran.code, "`seedpipe unpin hero` first" in ran.err) == (1, True)
    assert lock(shop, "hero")["take"] == before["take"]


def test_what_it_is_made_from_comes_first(shop: Workspace) -> None:
    shop.run("approve", "--profile", "draft", "card/a")
    ran = shop.run("promote", "--from", "draft")
    assert (ran.code, "`card/a` is made from `hero`, whose picture comes first" in " ".join(ran.err.split())) == (
        1,
        True,
    )
    assert not (shop.folder / LIVE).exists()


def test_a_profile_is_not_promoted_to_itself_and_has_to_exist(shop: Workspace) -> None:
    assert shop.run("promote", "--from", "draft", "--profile", "draft").code == 2
    assert shop.run("promote", "--from", "draught").code == 2
    assert shop.run("promote").code == 2
