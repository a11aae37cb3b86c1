"""A transparent background comes from the one reference: what can't be seen through is told before anything is sent."""

from pathlib import Path

import pytest
from PIL import Image

from tests.sessions.conftest import Account, manifest
from tests.support.workspace import Workspace

EMBLEM = (
    "emblem: {prompt: 'The mark of {{ refs.m }}', references: {m: mark}, background: transparent, output_format: png}"
)
HEAD = "provider: byteplus\n"


@pytest.fixture
def shop(workspace: Workspace, account: Account) -> Workspace:
    workspace.environ["SEEDPIPE_BASE_URL"] = account.service.base_url.replace("/v1", "/api/v3")
    text = manifest("mark: {file: mark.png}", EMBLEM, head=HEAD)
    workspace.write("seedpipe.yaml", text.replace("seedream-4-0", "seedream-5-0-pro"))
    return workspace


def save(folder: Path, name: str, *, alpha: int) -> None:
    Image.new("RGBA", (64, 64), (200, 60, 20, alpha)).save(folder / name, lossless=True)


def test_a_cut_out_is_sent_and_a_cut_out_comes(shop: Workspace, account: Account) -> None:
    save(shop.folder, "mark.png", alpha=0)
    assert shop.run("build").code == 0
    assert account.requests[0]["body"]["background"] == "transparent"
    with Image.open(shop.folder / "build/@proof/emblem.png") as picture:
        assert (picture.format, picture.mode) == ("PNG", "RGBA")


def test_any_file_that_can_be_seen_through_is_sent_as_png(shop: Workspace, account: Account) -> None:
    """The service takes the transparency of a PNG only (KB)."""
    save(shop.folder, "mark.webp", alpha=0)
    shop.edit("seedpipe.yaml", "mark.png", "mark.webp")
    ran = shop.run("build")
    assert ran.code == 0
    assert "mark is re-encoded for sending" in ran.err
    assert account.requests[0]["body"]["image"][0].startswith("data:image/png;base64,")


def test_a_file_without_transparency_is_told_where_the_background_stands(shop: Workspace, account: Account) -> None:
    save(shop.folder, "mark.png", alpha=255)
    line = f"  {EMBLEM}"
    for verb in ("check", "plan", "build"):
        ran = shop.run(verb)
        assert ran.code == 2
        said = " ".join((ran.out + ran.err).split())
        assert "a transparent background comes from its reference, and `mark.png` has none" in said
        assert f"seedpipe.yaml:7:{line.index('transparent') + 1}" in said
    assert account.requests == []


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        (", output_format: png", "", "a transparent background needs `output_format: png`"),
        ("references: {m: mark}", "references: {m: mark, b: lamp}", "needs exactly one reference, here are 2"),
        ("references: {m: mark}", "references: {m: lamp}", "a reference that can be seen through; `lamp` is a JPEG"),
        ("seedream-5-0-pro", "seedream-5-0", "`seedream-5-0-flash-260915`, `seedream-5-0-pro-260628` can"),
    ],
)
def test_the_other_rules(shop: Workspace, old: str, new: str, sentence: str) -> None:
    save(shop.folder, "mark.png", alpha=0)
    shop.edit("seedpipe.yaml", "images:\n", "images:\n  lamp: {prompt: A lamp, size: 2K}\n")
    shop.edit("seedpipe.yaml", old, new)
    ran = shop.run("check", "--format", "json")
    assert ran.code == 2
    assert any(sentence in fault["message"] for fault in ran.json["faults"]), ran.out
