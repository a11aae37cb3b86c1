"""`diff` of a picture with looks: each look is compared with itself, whatever it is called and whichever is chosen."""

from pathlib import Path
from typing import Any

import pytest

from tests.sessions.conftest import manifest
from tests.sessions.test_looks import LAMPS, VARS
from tests.support.relay import Gateway
from tests.support.repository import Repository


@pytest.fixture
def repository(tmp_path: Path, live: Gateway) -> Repository:
    """All looks bought, nothing picked, committed."""
    one = Repository(tmp_path / "work", SEEDPIPE_BASE_URL=live.base_url, SEEDPIPE_API_KEY="key-0123456789")
    one.write("seedpipe.yaml", LAMPS)
    one.write(".gitignore", "build/\n.seedpipe/\n")
    one.git("init", "-q")
    one.build()
    one.commit("first")
    return one


def hero(repository: Repository) -> Any:
    return next(one for one in repository.run("diff", "--json").json["nodes"] if one["address"] == "hero")


def test_a_renamed_look_is_told_by_its_names_alone(repository: Repository) -> None:
    repository.edit("seedpipe.yaml", "night: {light", "evening: {light")
    change = hero(repository)
    assert "words" not in change
    assert change["fields"] == [{"name": "looks", "old": "plain, copper, night", "new": "plain, copper, evening"}]


def test_a_picture_that_gets_looks_is_still_the_picture(repository: Repository) -> None:
    repository.write("seedpipe.yaml", manifest("hero: {prompt: 'A {{ finish }} lamp'}", head=VARS))
    repository.build()
    repository.commit("plain")
    repository.write(
        "seedpipe.yaml",
        manifest("hero: {prompt: 'A {{ finish }} lamp', looks: {night: {finish: dark}, plain: {}}}", head=VARS),
    )
    change = hero(repository)
    assert change["words"] == [{"what": "look night", "old": "", "new": "A dark lamp"}]
    assert change["pictures"] == 1
    repository.build()
    repository.commit("looks")
    repository.write("seedpipe.yaml", manifest("hero: {prompt: 'A {{ finish }} lamp'}", head=VARS))
    assert hero(repository)["words"] == [{"what": "look night", "old": "A dark lamp", "new": ""}]


def test_what_only_another_look_asks_is_a_change_too(repository: Repository) -> None:
    looks = ("  size: '{{ big }}'", "  looks:", "    plain: {}", "    large: {big: 2K}")
    head = "vars: {metal: brass, big: 1K}\n"
    repository.write("seedpipe.yaml", manifest("hero:", "  prompt: A {{ metal }} lamp", *looks, head=head))
    repository.build()
    assert repository.run("pick", "hero", "plain").code == 0
    repository.commit("two sizes")
    repository.edit("seedpipe.yaml", "large: {big: 2K}", "large: {big: 4K}")
    (field,) = hero(repository)["fields"]
    assert (field["name"], field["old"], field["new"]) == ("look large size", "2K", "4K")
    assert "look large size: 2K → 4K" in repository.run("diff").out


def test_another_look_to_buy_is_the_changes_own_cost(repository: Repository) -> None:
    """As many pictures were to be bought before, but not these: a policy has to hear of them."""
    repository.edit("seedpipe.yaml", "night: {light: dim moon}", "night: {light: dark}")
    repository.commit("not built")
    assert repository.run("diff").out.count("0.03") == 0
    repository.edit("seedpipe.yaml", "night: {light: dark}", "night: {light: candle}")
    change = hero(repository)
    assert (change["pictures"], change["cost"]["high"]) == (1, "0.03 USD")
    assert repository.run("diff", "--deny-above", "0.02").code == 4


def test_a_page_shows_the_other_looks_beside_the_one_that_was_picked(repository: Repository) -> None:
    assert repository.run("pick", "hero", "copper").code == 0
    told = hero(repository)["candidates"]
    assert [one["look"] for one in told] == ["plain", "night"]
    page = repository.run("diff", "--format", "html").out
    others = page.partition("<h3>its other looks</h3>")[2].partition("</article>")[0]
    assert [f"look {one['look']} · {one['take'][7:19]}" in others for one in told] == [True, True]
    assert others.count("data:image/jpeg;base64,") == 2
