"""What was decided holds when the command ends: what follows at once is free, and never puts another picture in its place."""

import hashlib

import pytest

from tests.sessions.conftest import Account, manifest
from tests.sessions.test_choices import lock, takes
from tests.support.workspace import Workspace

PROOFS = ".seedpipe/proof/seedpipe.lock"
LAMPS = manifest(
    "hero: {prompt: A matte lamp}",
    "card: {prompt: 'Card, {{ refs.hero }}', references: {hero: hero}}",
    "small: {from: hero, steps: [{resize: 64x64}]}",
)


@pytest.fixture
def shop(workspace: Workspace) -> Workspace:
    workspace.write("seedpipe.yaml", LAMPS)
    assert workspace.run("build").code == 0
    return workspace


def hero(shop: Workspace) -> tuple[str, str, bytes]:
    """Its take, its level, and the bytes that were made from it here."""
    line = lock(shop, "hero", PROOFS)
    return line["take"], line["level"], (shop.folder / "build/@proof/small.jpg").read_bytes()


def test_a_reroll_for_new_words_is_taken_back_though_its_take_fits_them(shop: Workspace, account: Account) -> None:
    before = hero(shop)
    shop.edit("seedpipe.yaml", "A matte lamp", "A brass lamp")
    assert shop.run("reroll", "hero").code == 0
    after = hero(shop)
    assert after[0] != before[0] and after[2] != before[2]
    ran = shop.run("undo", "--proof")
    assert ran.code == 0, ran.err
    assert hero(shop) == before
    assert f"sha256:{_digest(shop)}" == before[0]
    assert "the next build replaces hero" in ran.out
    assert shop.run("build", "hero").code == 0
    assert hero(shop)[0] == after[0], "for nothing, as it was bought for these words"
    assert len(account.requests) == 3


def test_an_unpinned_picture_is_there_until_a_build_replaces_it(shop: Workspace) -> None:
    before = hero(shop)
    shop.run("pin", "hero", "--proof")
    shop.edit("seedpipe.yaml", "A matte lamp", "A brass lamp")
    assert shop.run("reroll", "hero").code == 0
    ran = shop.run("unpin", "hero", "--proof")
    assert ran.code == 0, ran.err
    assert hero(shop) == before
    assert "the next build replaces hero" in ran.out
    assert "wrote" not in ran.out
    assert takes(shop, "hero", "--proof")[1] == before[0]
    assert shop.plan("--proof")["hero"] == "cached"
    assert shop.run("build", "hero").code == 0
    assert hero(shop)[0] != before[0]


def test_a_group_is_taken_back_whole_and_what_was_made_from_it_comes_back(shop: Workspace, account: Account) -> None:
    before = {name: lock(shop, name, PROOFS) for name in ("hero", "card", "small")}
    shop.edit("seedpipe.yaml", "A matte lamp", "A brass lamp")
    assert shop.run("build").code == 0
    shop.run("pick", "hero", "1", "--proof")
    assert shop.run("undo", "--proof").code == 0
    assert lock(shop, "hero", PROOFS)["take"] == takes(shop, "hero", "--proof")[2]
    shop.edit("seedpipe.yaml", "A brass lamp", "A matte lamp")
    assert shop.run("build").code == 0
    assert {name: lock(shop, name, PROOFS)["take"] for name in before} == {
        name: line["take"] for name, line in before.items()
    }
    assert len(account.requests) == 4


def _digest(shop: Workspace) -> str:
    return hashlib.sha256((shop.folder / "build/@proof/hero.jpg").read_bytes()).hexdigest()


def test_undo_goes_back_step_by_step_and_ends(shop: Workspace) -> None:
    """The line is then as it was before the unpin was taken back; that undo took effect all the same."""
    for verb in ("pin", "unpin"):
        assert shop.run(verb, "hero", "--proof").code == 0
    seen = []
    for _ in range(3):
        ran = shop.run("undo", "--proof")
        seen.append((ran.code, lock(shop, "hero", PROOFS)["level"]))
    assert seen == [(0, "pinned"), (0, "auto"), (1, "auto")]
