"""`gate: approve`: nothing is made from a picture that nobody has approved; `moved`: choices keep up with new names."""

import json
from typing import Any

from PIL import Image

from tests.sessions.conftest import Account, manifest
from tests.support.relay import Gateway
from tests.support.workspace import Ran, Workspace

GATED = manifest(
    "hero: {prompt: A brass lamp, gate: approve}",
    "scene: {matrix: {n: [a, b]}, prompt: 'Room {{ n }}, {{ refs.hero }}', references: {hero: hero}}",
    "card: {from: scene/a, steps: [{crop: 1:1}]}",
    "thumb: {from: hero, steps: [{crop: 1:1}]}",
    "chair: {prompt: A chair}",
)


def said(ran: Ran) -> str:
    return " ".join((ran.out + ran.err).split())


def lines_of(workspace: Workspace) -> dict[str, Any]:
    text = (workspace.folder / ".seedpipe/proof/seedpipe.lock").read_text()
    lines = (line.partition(" ") for line in text.splitlines() if line[0] not in "#@")
    return {address: json.loads(body) for address, _, body in lines}


def test_what_is_below_a_gate_waits_for_a_persons_word(workspace: Workspace, account: Account) -> None:
    workspace.write("seedpipe.yaml", GATED)
    first = workspace.run("plan")
    assert "waits scene/* ×2 hero is to be made, then approved" in said(first)
    assert "buys 2 pictures" in said(first), "what waits is not counted in"
    assert workspace.run("build").code == 0
    assert sorted(account.prompts) == ["A brass lamp", "A chair"]
    below = {"scene/a": "waits", "scene/b": "waits", "card": "waits", "thumb": "waits"}
    assert workspace.plan() == {"hero": "cached", **below, "chair": "cached"}
    told = workspace.run("plan")
    assert "hero is not approved yet" in said(told)
    assert "look at hero, then `seedpipe approve hero`" in said(told)
    assert workspace.run("plan", "--exit-code").code == 3
    assert workspace.run("build").code == 0
    assert len(account.prompts) == 2, "waiting is no failure, and nothing goes through by itself"
    assert workspace.run("approve", "hero").code == 0
    assert workspace.run("build").code == 0
    assert len(account.prompts) == 4
    assert set(workspace.plan().values()) == {"cached"}


def test_a_replaced_picture_closes_its_gate_again(workspace: Workspace, account: Account) -> None:
    workspace.write("seedpipe.yaml", GATED)
    workspace.run("build")
    workspace.run("approve", "hero")
    workspace.run("build")
    workspace.edit("seedpipe.yaml", "A brass lamp", "A steel lamp")
    assert "replaces an approved picture" in said(workspace.run("plan"))
    assert workspace.run("build").code == 0
    assert account.prompts[4:] == ["A steel lamp"], "the scenes wait for a look at the new hero"
    assert workspace.plan()["scene/a"] == "waits"
    assert workspace.run("pin", "hero").code == 0
    assert workspace.run("build").code == 0
    assert len(account.prompts) == 7


def test_through_the_gates_for_once(workspace: Workspace, account: Account) -> None:
    workspace.write("seedpipe.yaml", GATED)
    assert "buys 4 pictures" in said(workspace.run("plan", "--through-gates"))
    assert workspace.run("build", "--through-gates").code == 0
    assert len(account.prompts) == 4
    assert set(workspace.plan().values()) == {"cached"}, "what is there stays, approved or not"
    workspace.edit("seedpipe.yaml", "Room {{ n }}", "Hall {{ n }}")
    assert workspace.plan()["scene/a"] == "waits"


def test_a_gate_is_in_no_key_and_a_saved_plan_knows_it(workspace: Workspace, account: Account) -> None:
    workspace.write("seedpipe.yaml", GATED.replace(", gate: approve", ""))
    assert workspace.run("build").code == 0
    workspace.write("seedpipe.yaml", GATED)
    assert set(workspace.plan().values()) == {"cached"}
    workspace.edit("seedpipe.yaml", "Room {{ n }}", "Hall {{ n }}")
    assert workspace.run("plan", "--through-gates", "-o", "change.json").code == 0
    assert workspace.run("build", "--plan", "change.json").code == 0
    assert len(account.prompts) == 6


def test_each_frame_has_a_gate_of_its_own(workspace: Workspace, account: Account) -> None:
    frames = "{id: wide, prompt: Wide}, {id: hands, prompt: Hands}"
    workspace.write(
        "seedpipe.yaml",
        manifest(
            f"board: {{gate: approve, sequence: {{frames: [{frames}]}}}}",
            "poster: {prompt: 'After {{ refs.wide }}', references: {wide: 'board#wide'}}",
            "cover: {prompt: 'After {{ refs.hands }}', references: {hands: 'board#hands'}}",
        ),
    )
    assert workspace.run("build").code == 0
    assert workspace.run("approve", "board#wide").code == 0
    assert workspace.run("build").code == 0
    assert workspace.plan() == {"board#wide": "cached", "board#hands": "cached", "poster": "cached", "cover": "waits"}
    assert len(account.requests) == 2


def test_what_a_gate_can_not_be(workspace: Workspace) -> None:
    workspace.write("seedpipe.yaml", GATED.replace("gate: approve", "gate: aprove"))
    ran = workspace.run("check")
    assert ran.code == 2
    assert "expected `approve`" in said(ran)
    workspace.write("seedpipe.yaml", manifest("a: {prompt: A}", "b: {from: a, steps: [{crop: 1:1}], gate: approve}"))
    assert workspace.run("check").code == 2


# ----------------------------------------------------------------------------------------------------------- renamed


def test_choices_keep_up_with_a_renamed_entry(workspace: Workspace, account: Account) -> None:
    workspace.write(
        "seedpipe.yaml", manifest("lamp: {matrix: {n: [a, b]}, prompt: 'Lamp {{ n }}'}", "chair: {prompt: A chair}")
    )
    workspace.run("build")
    workspace.run("pin", "lamp/a")
    workspace.run("approve", "chair")
    renamed = manifest(
        "hero: {matrix: {n: [a, b]}, prompt: 'Lamp {{ n }}'}",
        "seat: {prompt: A chair}",
        head="moved: {lamp: hero, chair: seat}\n",
    )
    workspace.write("seedpipe.yaml", renamed)
    assert workspace.plan() == {"hero/a": "pinned", "hero/b": "cached", "seat": "cached"}
    assert sorted(lines_of(workspace)) == ["chair", "lamp/a", "lamp/b"], "to look changes nothing"
    assert workspace.run("build").code == 0
    lines = lines_of(workspace)
    assert {address: line["level"] for address, line in lines.items()} == {
        "hero/a": "pinned",
        "hero/b": "auto",
        "seat": "approved",
    }
    assert len(account.requests) == 3
    workspace.write("seedpipe.yaml", renamed.replace("moved: {lamp: hero, chair: seat}\n", ""))
    assert workspace.plan() == {"hero/a": "pinned", "hero/b": "cached", "seat": "cached"}


def test_a_decision_about_a_renamed_picture_before_the_next_build(workspace: Workspace) -> None:
    workspace.write("seedpipe.yaml", manifest("lamp: {prompt: A lamp}"))
    workspace.run("build")
    workspace.write("seedpipe.yaml", manifest("hero: {prompt: A lamp}", head="moved: {lamp: hero}\n"))
    ran = workspace.run("approve", "hero")
    assert ran.code == 0, ran.err
    assert {address: line["level"] for address, line in lines_of(workspace).items()} == {"hero": "approved"}


def test_moves_that_can_not_be(workspace: Workspace) -> None:
    workspace.write("seedpipe.yaml", manifest("lamp: {prompt: A lamp}", head="moved: {lamp: hero}\n"))
    ran = workspace.run("check")
    assert ran.code == 2
    assert "`lamp` is still in the manifest" in said(ran)
    assert "seedpipe.yaml:4" in ran.out
    workspace.write("seedpipe.yaml", manifest("lamp: {prompt: A lamp}", head="moved: {chair: stool}\n"))
    assert "there is no `stool`" in said(workspace.run("check"))


def test_a_build_says_why_it_does_nothing(workspace: Workspace, live: Gateway) -> None:
    """What waits, or what a frozen build leaves, is not "up to date"."""
    workspace.environ["SEEDPIPE_BASE_URL"] = live.base_url
    workspace.write(
        "seedpipe.yaml",
        manifest(
            "hero: {prompt: A matte lamp, gate: approve}",
            "scene: {prompt: 'On a desk, {{ refs.hero }}', references: {hero: hero}}",
        ),
    )
    frozen = workspace.run("build", "--frozen")
    assert frozen.code == 3
    assert "up to date" not in frozen.err
    told = " ".join(frozen.err.split())
    assert "nothing to do · nothing was sent frozen: 1 picture left to buy, 0.03 USD: hero" in told
    assert "→ `seedpipe build` buys it where spending is allowed; then commit `seedpipe.lock` and the pictures" in told
    frozen = workspace.run("build", "--frozen", "--json")
    assert frozen.code == 3
    cost = {"low": "0.03 USD", "expected": "0.03 USD", "high": "0.03 USD"}
    assert frozen.json["frozen"] == {"pictures": 1, "cost": cost, "left": ["hero"]}
    assert workspace.run("build", "--yes", "--max-cost", "1").code == 0
    assert workspace.run("build", "--frozen", "--json").json["frozen"]["left"] == []
    waits = workspace.run("build")
    assert (waits.code, "up to date" in waits.err) == (0, False)
    assert "nothing to do · nothing was sent" in waits.err
    assert workspace.run("approve", "hero").code == 0
    assert workspace.run("build", "--yes", "--max-cost", "1").code == 0
    assert "everything is up to date · nothing was sent" in workspace.run("build").err


def test_what_somebody_brought_is_written_again_though_what_it_is_made_from_waits(
    workspace: Workspace, account: Account
) -> None:
    """Also under another name, where a line comes about; what is made from it comes, too."""
    text = manifest(
        "hero: {prompt: A brass lamp, gate: approve}",
        "thumb: {from: hero, steps: [{resize: 64x64}]}",
        "poster: {prompt: 'A poster, {{ refs.thumb }}', references: {thumb: thumb}}",
        "frame: {prompt: 'A frame, {{ refs.poster }}', references: {poster: poster}}",
    )
    workspace.write("seedpipe.yaml", text)
    assert workspace.run("build").code == 0
    Image.new("RGB", (40, 40), (200, 30, 7)).save(workspace.folder / "mine.png")
    assert workspace.run("adopt", "poster", "mine.png", "--proof").code == 0
    (output,) = (workspace.folder / "build/@proof").glob("poster.*")
    output.unlink()
    assert workspace.plan() == {"hero": "cached", "thumb": "waits", "poster": "cached", "frame": "make"}
    ran = workspace.run("build")
    assert ran.code == 0, ran.err
    assert output.exists()
    assert account.prompts == ["A brass lamp", "A frame, image 1"]
    workspace.write(
        "seedpipe.yaml", text.replace("poster:", "placard:", 1).replace("{poster: poster}", "{poster: placard}")
    )
    assert workspace.plan() == {"hero": "cached", "thumb": "waits", "placard": "cached", "frame": "cached"}
    ran = workspace.run("build")
    assert ran.code == 0, ran.err
    assert output.with_stem("placard").exists()
    assert len(account.prompts) == 2
