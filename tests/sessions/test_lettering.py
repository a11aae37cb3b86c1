"""What a text step can't have is told by `check` and `plan`, before anything is bought for it."""

import shutil

import pytest
from PIL import Image

from seedpipe.fonts import shipped_font
from tests.sessions.conftest import Account, manifest
from tests.support.workspace import Workspace

HEAD = "vars: {line: {en: Light, de: Größe, ja: 灯りを大切に, hi: प्रकाश}}\n"
BANNERS = (
    "scene: {prompt: A brass lamp, size: 2K, aspect: 16:9}",
    "banner: {matrix: {market: [en, de, ja]}, from: scene, steps: [{resize: 1200x630}, {text: '{{ line[market] }}'}]}",
)


def told(workspace: Workspace, *verb: str, code: int = 2) -> str:
    ran = workspace.run(*verb)
    assert ran.code == code, ran.out + ran.err
    return " ".join((ran.out + ran.err).replace("|", "").split())


def test_a_missing_glyph_is_told_where_the_text_stands_and_nothing_is_sent(
    workspace: Workspace, account: Account
) -> None:
    workspace.write("seedpipe.yaml", manifest(*BANNERS, head=HEAD))
    for verb in ("check", "plan", "build"):
        said = told(workspace, verb)
        column = BANNERS[1].index("'{{ line") + 3
        assert f"seedpipe.yaml:7:{column}" in said
        assert "`banner/ja`: the font `DejaVuSans.ttf` has no `灯` (U+706F)" in said
        assert "set `font:` to a font file of the project that has these characters" in said
    assert account.requests == []
    workspace.edit("seedpipe.yaml", "de, ja]", "de]")
    assert workspace.run("check").code == 0
    assert workspace.plan() == {"scene": "make", "banner/en": "free", "banner/de": "free"}


def test_all_items_of_a_matrix_are_one_fault(workspace: Workspace) -> None:
    lines = "vars: {line: {a: 灯り, b: 灯台, c: Lamp}}\n"
    workspace.write("seedpipe.yaml", manifest(BANNERS[0], BANNERS[1].replace("[en, de, ja]", "[a, b, c]"), head=lines))
    faults = workspace.run("check", "--format", "json").json["faults"]
    assert len(faults) == 1
    assert "has no `灯` (U+706F), `り` (U+308A), `台` (U+53F0) (and 1 more like it)" in faults[0]["message"]


def test_a_script_that_is_not_set_and_a_font_that_is_none(workspace: Workspace) -> None:
    workspace.write("seedpipe.yaml", manifest(BANNERS[0], BANNERS[1].replace("[en, de, ja]", "[hi]"), head=HEAD))
    assert "holds Devanagari letters, which seedpipe can't set" in told(workspace, "plan")
    steps = "[{text: {text: Light, font: fonts/brand.ttf}}]"
    workspace.write("seedpipe.yaml", manifest(BANNERS[0], f"card: {{from: scene, steps: {steps}}}"))
    workspace.write("fonts/brand.ttf", "not a font")
    assert "the font `brand.ttf` can't be read" in told(workspace, "plan")


def test_a_font_that_changes_is_seen_by_the_next_plan(workspace: Workspace) -> None:
    """Also by one that remembers its answer."""
    steps = "[{text: {text: Ж, font: brand.ttf}}]"
    workspace.write("seedpipe.yaml", manifest("logo: {file: logo.png}", f"card: {{from: logo, steps: {steps}}}"))
    Image.new("RGB", (400, 200)).save(workspace.folder / "logo.png")
    shutil.copy(shipped_font(), workspace.folder / "brand.ttf")
    assert workspace.run("build").code == 0
    for _ in range(2):
        assert workspace.run("plan", "--exit-code").code == 0
        assert workspace.run("check").code == 0
    workspace.write("brand.ttf", "not a font")
    assert "can't be read" in told(workspace, "plan")
    assert "can't be read" in told(workspace, "check")


LONG = "{text: {text: 'Light, kept for those who read at night', size: 40%}}"


@pytest.mark.parametrize(
    ("images", "sentence"),
    [
        ([BANNERS[0], f"card: {{from: scene, steps: [{LONG}]}}"], "doesn't fit its box of 2278x480 pixels"),
        ([BANNERS[0], f"card: {{from: scene, steps: [{{resize: 300x100}}, {LONG}]}}"], "box of 240x30 pixels"),
        (["logo: {file: logo.png}", f"card: {{from: logo, steps: [{LONG}]}}"], "box of 320x60 pixels"),
        (
            ["logo: {file: logo.png}", "card: {from: logo, steps: [{crop: 500x100}]}"],
            "needs a larger picture: it has 400x200 pixels",
        ),
    ],
)
def test_what_does_not_fit_is_told_by_check(workspace: Workspace, images: list[str], sentence: str) -> None:
    workspace.write("seedpipe.yaml", manifest(*images))
    Image.new("RGB", (400, 200)).save(workspace.folder / "logo.png")
    assert sentence in told(workspace, "check")
    workspace.write("seedpipe.yaml", manifest(*images).replace("size: 40%", "size: 10%").replace("500x", "50x"))
    if "crop" in images[-1] or "400" in sentence:
        assert workspace.run("check").code == 0


def test_a_picture_of_unknown_size_is_left_to_the_build(workspace: Workspace) -> None:
    workspace.write("seedpipe.yaml", manifest("scene: {prompt: A lamp}", f"card: {{from: scene, steps: [{LONG}]}}"))
    assert workspace.run("check").code == 0
