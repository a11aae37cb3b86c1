"""`takes --format html`: what there is to choose among, on one page that anybody can open."""

import base64
import re
from pathlib import Path

from tests.sessions.conftest import Account
from tests.sessions.test_choices import lock
from tests.sessions.test_looks import LAMPS, shop
from tests.support.relay import Gateway
from tests.support.workspace import Workspace

__all__ = ["shop"]

FIGURE = re.compile(r"<figure[^>]*>.*?</figure>", re.DOTALL)


def page_of(workspace: Workspace, *words: str) -> str:
    ran = workspace.run("takes", *words, "--format", "html")
    assert ran.code == 0, ran.err
    return ran.out


def test_looks_stand_side_by_side_each_with_its_words_and_its_command(shop: Workspace, live: Gateway) -> None:
    assert shop.run("pick", "hero", "copper", "-m", "warmer & <b>").code == 0
    page = page_of(shop, "hero")
    figures = FIGURE.findall(page)
    assert [re.search(r"<b>(look \w+) · take \d</b>", one)[1] for one in figures] == [  # type: ignore[index]
        "look copper", "look plain", "look night",
    ]  # fmt: skip
    assert [one.startswith('<figure class="chosen">') for one in figures] == [True, False, False]
    assert "chosen, approved by Mika, look copper" in figures[0]
    assert "<del>copper</del><ins>brass</ins>" in figures[1]
    command = re.search(r"<code>seedpipe (pick hero \w+)</code>", figures[2])
    assert command is not None
    assert "warmer &amp; &lt;b&gt;" in page
    assert "<script" not in page
    assert set(re.findall(r'(?:src|href)="([a-z]+:)', page)) == {"data:"}, "nothing from outside"
    for one in figures:
        data = re.search(r'base64,([^"]+)"', one)
        assert data is not None
        assert base64.b64decode(data[1]).startswith(b"\xff\xd8"), "a picture, not only a name"
    assert shop.run(*command[1].split()).code == 0
    assert lock(shop, "hero")["look"] == "night"


def test_a_page_of_all_names_what_it_cannot_show(shop: Workspace, live: Gateway, tmp_path: Path) -> None:
    """Earlier words, looks without a take, and pictures whose bytes are not here."""
    shop.edit("seedpipe.yaml", "night: {light: dim moon}", "night: {light: dark}")
    page = page_of(shop)
    assert "no take yet" in page
    assert "<h3>for earlier words of look night</h3>" in page
    for picture in shop.folder.parent.rglob("live/store/**/*"):
        if picture.is_file():
            picture.unlink()
    page = page_of(shop, "hero")
    assert page.count("this picture is not on this machine") >= 2


def test_a_page_of_proofs_picks_proofs(workspace: Workspace, account: Account) -> None:
    workspace.write("seedpipe.yaml", LAMPS)
    assert workspace.run("build").code == 0
    page = page_of(workspace, "hero", "--proof")
    assert re.search(r"<code>seedpipe pick hero \w+ --proof</code>", page)
    assert " 0.03" not in page, "a proof costs nothing"
    assert workspace.run("takes", "hero", "--proof", "--format", "json").json["nodes"][0]["address"] == "hero"
