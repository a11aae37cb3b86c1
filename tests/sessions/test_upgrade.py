"""The catalogue moves on: nothing changes until a person has seen what it would cost and says so, and it can be taken back."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.sessions.conftest import manifest
from tests.sessions.test_choices import BUY, lines, lock
from tests.support.relay import Gateway
from tests.support.workspace import Workspace

LAMPS = manifest(
    "hero: {prompt: A lamp, model: seedream-4-0, size: 1K, aspect: 16:9}",
    "card: {matrix: {n: [a, b]}, prompt: 'Card {{ n }}, {{ refs.hero }}', references: {hero: hero}}",
    "note: {prompt: A note, model: seedream-4-5, size: 2K}",
)
TOMORROW = """
models:
  seedream-4-0-250828: {aliases: [seedream-4-0-of-old]}
  seedream-4-0-261201:
    like: seedream-4-0-250828
    title: Seedream 4.0 of December
    released: 2026-12-01
    aliases: [seedream-4-0]
providers:
  apiyi:
    models:
      seedream-4-0-261201: {wire: seedream-4-0-261201, price: {image: 0.05 USD, date: 2026-12-02, source: me}}
"""


@pytest.fixture
def shop(workspace: Workspace, live: Gateway, tmp_path: Path) -> Workspace:
    """Bought with the catalogue of today; then the one of tomorrow is there."""
    workspace.environ |= {
        "SEEDPIPE_BASE_URL": live.base_url,
        "GIT_AUTHOR_NAME": "Mika",
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
    }
    workspace.write("seedpipe.yaml", LAMPS)
    assert workspace.run(*BUY).code == 0
    (tmp_path / "config/seedpipe").mkdir(parents=True)
    (tmp_path / "tomorrow.yaml").write_text(TOMORROW)
    (tmp_path / "config/seedpipe/config.yaml").write_text(f"catalogue: [{tmp_path}/tomorrow.yaml]\n")
    return workspace


def resolved(workspace: Workspace) -> dict[str, Any]:
    found = (line.partition(" ") for line in (workspace.folder / "seedpipe.lock").read_text().splitlines())
    return {name: json.loads(value) for name, _, value in found if name.startswith("@resolved/")}


def test_a_newer_catalogue_changes_nothing_by_itself(shop: Workspace) -> None:
    assert "model/seedream-4-0" in " ".join(resolved(shop))
    assert set(shop.plan().values()) == {"cached"}


def test_what_would_change_is_shown_with_its_price_and_written_after_a_yes(shop: Workspace, live: Gateway) -> None:
    before = resolved(shop)
    ran = shop.run("upgrade", "--dry-run")
    assert ran.code == 0, ran.err
    assert "model/seedream-4-0: seedream-4-0-250828 → seedream-4-0-261201" in ran.out
    assert "buys 3 pictures   0.15 USD expected, 0.15 at most" in ran.out
    assert "model: seedream-4-0-250828 → seedream-4-0-261201" in " ".join(ran.out.split())
    ran = shop.run("upgrade")
    assert (ran.code, "nothing was changed" in ran.err) == (4, True)
    assert resolved(shop) == before

    ran = shop.run("upgrade", "--yes", "-m", "for the spring campaign")
    assert ran.code == 0, ran.err
    assert resolved(shop)["@resolved/model/seedream-4-0"] == "seedream-4-0-261201"
    assert {name for name in before if resolved(shop)[name] != before[name]} == {"@resolved/model/seedream-4-0"}
    assert shop.plan() == {"hero": "make", "card/a": "follows", "card/b": "follows", "note": "cached"}
    assert len(live.prompts) == 4, "it spends nothing itself"
    (decision,) = lines(shop)
    assert (decision["verb"], decision["node"]) == ("upgrade", "@resolved/model/seedream-4-0")
    assert (decision["before"], decision["after"]) == ("seedream-4-0-250828", "seedream-4-0-261201")
    assert "there is nothing to upgrade" in shop.run("upgrade").out
    assert shop.run("undo").code == 0
    assert resolved(shop) == before
    assert set(shop.plan().values()) == {"cached"}


def test_a_persons_choices_are_named_before_they_would_be_replaced(shop: Workspace) -> None:
    shop.run("approve", "hero")
    shop.run("pin", "card/a")
    ran = shop.run("upgrade", "--dry-run")
    assert "replaces an approved picture" in ran.out
    assert "buys 2 pictures" in ran.out, "what is pinned stays"
    assert shop.run("upgrade", "-y").code == 0
    assert shop.run("keep", "hero").code == 0
    assert shop.plan()["hero"] == "cached"
    assert lock(shop, "hero")["made"]["model"] == "seedream-4-0-250828"


def test_one_model_of_several_is_named(shop: Workspace) -> None:
    ran = shop.run("upgrade", "seedream-4-5", "--dry-run", "--json")
    assert (ran.json["changed"], ran.json["written"]) == ({}, False)
    ran = shop.run("upgrade", "seedream-4-0", "--yes", "--json")
    assert ran.json["changed"] == {
        "model/seedream-4-0": {"before": "seedream-4-0-250828", "after": "seedream-4-0-261201"}
    }
    assert (ran.json["cost"]["high"], ran.json["written"]) == ("0.15 USD", True)
    assert [one["address"] for one in ran.json["pictures"]] == ["hero", "card/a", "card/b"]
    ran = shop.run("upgrade", "seedream-9")
    assert (ran.code, "the lock holds no answer about `seedream-9`" in ran.err) == (2, True)


def test_what_the_new_model_cannot_do_is_told_and_nothing_is_written(shop: Workspace, tmp_path: Path) -> None:
    (tmp_path / "tomorrow.yaml").write_text(TOMORROW.replace("    aliases:", "    tiers: [4K]\n    aliases:"))
    before = resolved(shop)
    ran = shop.run("upgrade", "--yes")
    assert ran.code == 2, ran.out
    assert "1K" in ran.err
    assert resolved(shop) == before
