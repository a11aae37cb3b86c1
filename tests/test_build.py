"""The whole way, as a user goes it: plan, build, skip, edit, rename, kill, build again."""

import os
import signal
import time
from pathlib import Path

import pytest
from PIL import Image

from tests.support.workspace import Workspace, service

MANIFEST = """\
seedpipe: 1
project: lamps
vars: {product: Lumen}
defaults: {model: seedream-4-0, size: 1K, watermark: false}
images:
  logo: {file: art/logo.png}
  hero:
    prompt: |
      Studio photograph of the {{ product }} desk lamp with the mark of {{ refs.logo }} on its matte base.
    references: {logo: logo}
    aspect: 16:9
  scene:
    matrix: {place: [desk, shelf], light: [dawn]}
    prompt: "{{ refs.hero }} on a {{ place }} at {{ light }}"
    references: {hero: hero}
    tags: [launch]
  banner:
    matrix: {place: [desk, shelf], market: [en, el]}
    from: "scene/{{ place }}/dawn"
    steps: [{crop: 1200:630}, {resize: 600x315}, {text: "{{ market }}: light, kept."}, {convert: jpeg}]
    output: "banners/{{ market }}/{{ place }}.jpg"
"""


@pytest.fixture
def lamps(tmp_path: Path) -> Workspace:
    workspace = Workspace(tmp_path / "lamps")
    workspace.write("seedpipe.yaml", MANIFEST)
    (workspace.folder / "art").mkdir()
    Image.new("RGBA", (320, 200), (200, 140, 20, 255)).save(workspace.folder / "art/logo.png")
    return workspace


def states(workspace: Workspace, *flags: str) -> dict[str, str]:
    return {address: state for address, state in workspace.plan(*flags).items() if address != "logo"}


def test_a_proof_builds_and_a_second_one_sends_nothing(lamps: Workspace) -> None:
    plan = states(lamps, "--proof")
    assert plan["hero"] == "make"
    assert plan["scene/desk/dawn"] == "follows"
    assert plan["banner/desk/el"] == "free"
    first = lamps.run("build", "--proof", "--json")
    assert first.code == 0, first.err
    assert first.json["result"]["bought"] == 3
    hero = Image.open(lamps.folder / "build/@proof/hero.jpg")
    assert (hero.format, hero.size) == ("JPEG", (1280, 720)) or hero.size == (1312, 736)
    assert Image.open(lamps.folder / "build/@proof/banners/el/desk.jpg").size == (600, 315)
    assert set(states(lamps, "--proof").values()) == {"cached"}
    assert lamps.run("plan", "--proof", "--exit-code").code == 0
    second = lamps.run("build", "--proof", "--json")
    assert second.code == 0
    assert second.json["result"]["bought"] == 0
    assert not (lamps.folder / "seedpipe.lock").exists(), "a proof writes no live lock"
    assert set(states(lamps).values()) != {"cached"}, "a proof is nothing live"


@pytest.fixture
def built(lamps: Workspace) -> Workspace:
    assert lamps.run("build", "--proof").code == 0
    return lamps


def test_editing_a_line_remakes_exactly_what_renders_otherwise(built: Workspace) -> None:
    built.edit("seedpipe.yaml", "matte base", "brushed base")
    plan = states(built, "--proof")
    assert plan.pop("hero") == "make"
    assert {plan[address] for address in plan if address.startswith("scene")} == {"follows"}
    assert {plan[address] for address in plan if address.startswith("banner")} == {"free"}
    text = built.run("plan", "--proof").out
    assert "matte → brushed" in text
    built.edit("seedpipe.yaml", "brushed base", "matte base")
    assert set(states(built, "--proof").values()) == {"cached"}, "what was paid before is found again"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("seedpipe: 1\n", "seedpipe: 1   # a comment\n"),
        ("project: lamps\n", "project: lamps\nprovider: byteplus\n"),
        ("    tags: [launch]\n", "    tags: [launch, autumn]\n"),
        ("    aspect: 16:9\n", ""),  # and back, below
        ("defaults: {model: seedream-4-0, size: 1K,", "defaults: {size: 1K, model: seedream-4-0,"),
        ('    output: "banners/{{ market }}/{{ place }}.jpg"', '    output: "b/{{ market }}-{{ place }}.jpg"'),
        ("light: [dawn]}", "light: [dawn], lens: [fifty]}"),
    ],
)
def test_what_is_no_part_of_a_picture_remakes_nothing(built: Workspace, old: str, new: str) -> None:
    if not new:
        built.edit(
            "seedpipe.yaml",
            "    references: {logo: logo}\n    aspect: 16:9\n",
            "    aspect: 16:9\n    references: {logo: logo}\n",
        )
    else:
        built.edit("seedpipe.yaml", old, new)
    if "lens" in new:
        built.edit("seedpipe.yaml", "/dawn", "/dawn/fifty")
    assert not set(states(built, "--proof").values()) & {"make", "follows", "may"}
    ran = built.run("build", "--proof", "--json")
    assert ran.code == 0, ran.err
    assert ran.json["result"]["bought"] == 0


def test_line_endings_and_names_remake_nothing(built: Workspace) -> None:
    text = (built.folder / "seedpipe.yaml").read_text(encoding="utf-8")
    renamed = text.replace("  hero:\n", "  lead:\n").replace("{hero: hero}", "{hero: lead}")
    (built.folder / "seedpipe.yaml").write_bytes(renamed.replace("\n", "\r\n").encode())
    assert not set(states(built, "--proof").values()) & {"make", "follows", "may"}


def test_metadata_of_a_source_is_no_reason_to_buy(built: Workspace) -> None:
    path = built.folder / "art/logo.png"
    Image.open(path).save(path, optimize=True, dpi=(300, 300))
    assert set(states(built, "--proof").values()) == {"cached"}
    Image.new("RGBA", (320, 200), (20, 140, 200, 255)).save(path)
    assert states(built, "--proof")["hero"] == "make"


def test_an_edited_output_is_never_overwritten(built: Workspace) -> None:
    target = built.folder / "build/@proof/hero.jpg"
    Image.new("RGB", (10, 10)).save(target)
    assert states(built, "--proof")["hero"] == "edited"
    before = target.read_bytes()
    assert built.run("build", "--proof").code == 1
    assert target.read_bytes() == before
    target.unlink()
    assert built.run("build", "--proof", "--json").json["result"]["bought"] == 0
    assert target.exists()


def test_a_server_of_the_users_own_is_live_code(lamps: Workspace, tmp_path: Path) -> None:
    with service(tmp_path / "service") as emulator:
        ran = lamps.run("build", "--yes", "--max-cost", "5", **emulator.environ)
        assert ran.code == 0, ran.err
        assert emulator.ledger()["billed_images"] == 3
        again = lamps.run("build", "--yes", "--max-cost", "5", **emulator.environ)
        assert again.code == 0
        assert lamps.run("plan", "--exit-code", **emulator.environ).code == 0
        assert emulator.ledger()["billed_images"] == 3
        for path in lamps.folder.rglob("*"):
            if path.is_file():
                assert b"test-key-0123456789" not in path.read_bytes(), f"{path} holds the key"


def test_killed_in_the_middle_nothing_that_arrived_is_asked_for_again(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "many")
    workspace.write(
        "seedpipe.yaml",
        "seedpipe: 1\nproject: many\ndefaults: {model: seedream-4-0, size: 1K}\nimages:\n"
        "  lamp:\n    matrix: {n: [" + ", ".join(f"n{i}" for i in range(30)) + "]}\n    prompt: Lamp {{ n }}\n",
    )
    with service(tmp_path / "service", "--latency", "0.03") as emulator:
        process = workspace.start("build", "--yes", "--max-cost", "5", "-j", "4", **emulator.environ)
        while len(emulator.ledger()["requests"]) < 12:
            assert process.poll() is None
            time.sleep(0.02)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        time.sleep(1.0)  # what is in flight is completed and billed all the same
        ran = workspace.run("build", "--yes", "--max-cost", "5", "--json", **emulator.environ)
        assert ran.code in (0, 75), ran.err
        prompts = [request["prompt"] for request in emulator.ledger()["requests"]]
        assert len(prompts) == len(set(prompts)), "a picture was asked for twice"
        counts = ran.json["plan"]["counts"]
        assert counts.get("unknown", 0) <= 4, "only what was in flight may be uncertain"
        assert len(prompts) == 30
        if ran.code == 75:
            assert workspace.run("build", "--yes", "--max-cost", "5", "--retry-unknown", **emulator.environ).code == 0


def test_unattended_spending_needs_a_yes_and_a_cap(lamps: Workspace, tmp_path: Path) -> None:
    with service(tmp_path / "service") as emulator:
        environ = {"APIYI_API_KEY": "x" * 20}
        assert lamps.run("build", **environ).code == 4
        assert lamps.run("build", "--yes", **environ).code == 4
        ran = lamps.run("build", "--yes", "--max-cost", "0.05", **environ)
        assert ran.code == 4
        assert "cap" in ran.err
        assert emulator.ledger()["billed_images"] == 0


def test_frozen_makes_what_is_free_and_says_that_more_would_be_bought(built: Workspace) -> None:
    built.edit("seedpipe.yaml", "light, kept.", "light, held.")
    assert built.run("build", "--proof", "--frozen").code == 0
    built.edit("seedpipe.yaml", "matte base", "brushed base")
    assert built.run("build", "--proof", "--frozen").code == 3
