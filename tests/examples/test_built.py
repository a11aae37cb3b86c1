"""Each example as its owner goes about it: plan, build on the emulator, look at the files, build again, edit, plan."""

import contextlib
import csv
import hashlib
import io
import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from seedpipe.cli import main
from tests.support.workspace import REPOSITORY, Service, Workspace, service

Files = tuple[int, str, tuple[int, int]]  # how many, format, pixels


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a first live plan says, and what a build of everything leaves below `build/`."""

    price: str
    low: str | None = None  # where a batch may come short
    requests: int | None = None  # where that is another number than the pictures'
    states: Mapping[str, Mapping[str, int]]
    outputs: Mapping[str, Files]

    @property
    def bought(self) -> int:
        return sum(states.get("make", 0) + states.get("follows", 0) for states in self.states.values())


BRAND_KIT = Expected(
    price="0.72 USD",
    states={
        "logo": {"cached": 1},
        "hero": {"make": 1},
        "pack": {"follows": 4},
        "scene": {"follows": 12},
        "poster": {"follows": 1},
        "banner": {"free": 48},
        "press": {"free": 4},
        "avatar": {"free": 1},
    },
    outputs={
        "hero.jpg": (1, "JPEG", (2848, 1600)),
        "pack/*.jpg": (4, "JPEG", (2048, 2048)),
        "scene/*/wide.jpg": (4, "JPEG", (2848, 1600)),
        "scene/*/square.jpg": (4, "JPEG", (2048, 2048)),
        "scene/*/story.jpg": (4, "JPEG", (1600, 2848)),
        "poster.jpg": (1, "JPEG", (3520, 4704)),
        "banners/*/*-wide.jpg": (16, "JPEG", (1200, 630)),
        "banners/*/*-square.jpg": (16, "JPEG", (1080, 1080)),
        "banners/*/*-story.jpg": (16, "JPEG", (1080, 1920)),
        "press/*.jpg": (4, "JPEG", (1600, 1600)),
        "social/avatar.png": (1, "PNG", (512, 512)),
    },
)
STORYBOARD = Expected(
    price="0.72 USD",
    low="0.36 USD",
    requests=9,
    states={
        "card": {"cached": 1},
        "cast": {"make": 3},
        "place": {"make": 3},
        "shot": {"follows": 12},
        "board": {"free": 12},
        "still": {"free": 12},
    },
    outputs={
        "cast/*.jpg": (3, "JPEG", (2496, 1664)),
        "place/*.jpg": (3, "JPEG", (2848, 1600)),
        "shot/*.jpg": (12, "JPEG", (2848, 1600)),
        "board/*.jpg": (12, "JPEG", (1920, 1080)),
        "stills/*.jpg": (12, "JPEG", (1280, 720)),
    },
)
CATALOGUE = Expected(
    price="1.015 USD",
    states={
        "set": {"make": 1},
        "hero": {"follows": 7},
        "scene": {"follows": 21},
        "web": {"free": 42},
        "packshot": {"free": 7},
        "tile": {"free": 7},
    },
    outputs={
        "set.jpg": (1, "JPEG", (2048, 2048)),
        "hero/*.jpg": (7, "JPEG", (2048, 2048)),
        "scene/*/use.jpg": (7, "JPEG", (2304, 1728)),
        "scene/*/table.jpg": (7, "JPEG", (2304, 1728)),
        "scene/*/detail.jpg": (7, "JPEG", (3456, 2592)),
        "web/*/*-page.webp": (21, "WEBP", (1600, 1200)),
        "web/*/*-thumb.webp": (21, "WEBP", (400, 300)),
        "web/*/hero.jpg": (7, "JPEG", (1200, 1200)),
        "newsletter/*.jpg": (7, "JPEG", (600, 600)),
    },
)


def built(folder: Path, template: str, expected: Expected) -> Workspace:
    """Begin with `template`, build it, and compare plan, bill and files; a second build sends nothing."""
    workspace = Workspace(folder / template)
    assert workspace.run("init", "--template", template).code == 0
    plan = planned(workspace)
    low = expected.low or expected.price
    assert plan["cost"] == {"low": low, "expected": expected.price, "high": expected.price}
    counts: dict[str, Counter[str]] = {}
    for node in plan["nodes"]:
        counts.setdefault(node["address"].split("/")[0], Counter())[node["state"]] += 1
    assert counts == {entry: Counter(states) for entry, states in expected.states.items()}
    with service(folder / "service") as emulator:
        workspace.environ |= emulator.environ
        first = workspace.run("build", "--json")
        assert first.code == 0, first.err
        assert first.json["result"]["bought"] == expected.bought
        assert emulator.ledger()["billed_images"] == expected.bought
        again = workspace.run("build")
        assert (again.code, emulator.ledger()["billed_images"]) == (0, expected.bought)
        assert len(emulator.ledger()["requests"]) == (expected.requests or expected.bought)
        assert again.err.endswith("everything is up to date · nothing was sent\n")
    assert found(workspace.folder / "build/@proof", expected) == expected.outputs
    return workspace


def found(folder: Path, expected: Expected) -> dict[str, Files]:
    """Every file is one of a pattern's, and all of a pattern are alike."""
    left = {path for path in folder.rglob("*") if path.is_file()}
    outputs: dict[str, Files] = {}
    for pattern in expected.outputs:
        paths = [path for path in folder.glob(pattern) if path in left]
        left -= set(paths)
        kinds = {_kind(path) for path in paths}
        assert len(kinds) == 1, (pattern, kinds)
        outputs[pattern] = (len(paths), *kinds.pop())
    assert not left
    return outputs


def _kind(path: Path) -> tuple[str, tuple[int, int]]:
    with Image.open(path) as picture:
        return picture.format or "", picture.size


def changes(workspace: Workspace) -> dict[str, list[str]]:
    """State → addresses of what a build would do now."""
    found: dict[str, list[str]] = {}
    for node in planned(workspace, "--proof")["nodes"]:
        if node["state"] != "cached":
            found.setdefault(node["state"], []).append(node["address"])
    return found


def planned(workspace: Workspace, *flags: str) -> Any:
    """The plan as JSON, made in this process: a start of Python each time would take longer than the plan."""
    out = io.StringIO()
    with contextlib.chdir(workspace.folder), contextlib.redirect_stdout(out):
        assert main(["plan", "--json", *flags]) == 0
    return json.loads(out.getvalue())


def add_row(path: Path, **values: str) -> None:
    """A further row of a CSV file; what isn't given is as in its last row."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    with path.open("a", newline="", encoding="utf-8") as file:
        csv.DictWriter(file, list(rows[0])).writerow(rows[-1] | values)


def test_brand_kit(tmp_path: Path) -> None:
    kit = built(tmp_path, "brand-kit", BRAND_KIT)
    kit.edit("copy/de.yaml", "nicht fürs ganze Zimmer", "nicht für alle")
    assert changes(kit) == {"free": [f"banner/LUM-01/de/{shape}" for shape in ("wide", "square", "story")]}
    add_row(
        kit.folder / "data/products.csv", sku="LUM-05", name="Wick", form="a small lantern with a wick of brass mesh"
    )
    refused = kit.run("plan", "--proof")
    assert refused.code == 2 and "lacks" in refused.err and "headline.LUM-05" in refused.err
    for market in ("de", "el", "en", "uk"):
        text = (kit.folder / f"copy/{market}.yaml").read_text(encoding="utf-8")
        kit.write(f"copy/{market}.yaml", f"{text}  LUM-05: Lumen\n")
    now = changes(kit)
    assert now["make"] == ["pack/LUM-05"]
    assert now["follows"] == [f"scene/LUM-05/{shape}" for shape in ("wide", "square", "story")]
    assert len([address for address in now["free"] if "LUM-05" in address]) == 13
    kit.edit("seedpipe.yaml", "  brand: Lumen\n", "  brand: Lumen\n  wall: plain deep-navy plaster wall\n")
    kit.edit("seedpipe.yaml", "plain deep-navy\n      plaster wall, quiet", "{{ wall }}, quiet")
    kit.edit(
        "seedpipe.yaml",
        "    tags: [campaign]\n\n  # One pack",
        "    looks: {navy: {}, brick: {wall: whitewashed brick wall}}\n\n  # One pack",
    )
    hero = next(node for node in planned(kit, "--proof")["nodes"] if node["address"] == "hero")
    said = [one["sentence"] for one in hero["reasons"]]
    assert (hero["look"], hero["pictures"], said) == ("navy", 1, ["it is the look navy now", "look brick is new"])
    assert changes(kit)["make"] == ["hero", "pack/LUM-05"], "nothing follows before somebody has picked"


def test_storyboard(tmp_path: Path) -> None:
    film = built(tmp_path, "storyboard", STORYBOARD)
    film.edit("data/shots.yaml", "She never handed in the old one.", "She kept the old one.")
    assert changes(film) == {"free": ["board/070-the-cupboard"]}
    film.edit("data/shots.yaml", "Two old hands shield a burning match", "Two old hands cup a burning match")
    now = changes(film)
    assert now["make"] == ["shot/lamproom#080-the-match"]
    assert now["free"] == ["board/070-the-cupboard", "board/080-the-match", "still/080-the-match"]
    film.edit("data/places.yaml", "one deep square window", "one deep round window")
    now = changes(film)
    assert now["make"] == ["place/kitchen", "shot/lamproom#080-the-match"]
    kitchen = ["020-third-cup", "030-the-letter", "060-the-bell"]
    assert now["follows"] == [f"shot/kitchen#{shot}" for shot in kitchen]
    film.edit("data/people.yaml", "freckles", "a gap between his teeth")
    now = changes(film)
    assert now["make"] == ["cast/tomas", "place/kitchen"]
    assert len(now["follows"]) == 12


def test_a_storyboard_whose_third_frame_is_moderated_is_built_to_the_end(tmp_path: Path) -> None:
    film = Workspace(tmp_path / "film")
    assert film.run("init", "--template", "storyboard").code == 0
    frame, card = "shot/kitchen#060-the-bell", "board/060-the-bell"
    with service(tmp_path / "service") as emulator:
        film.environ |= emulator.environ
        emulator.faults({"do": "moderate-output", "match": "Generate 3 separate", "index": 2})
        first = film.run("build")
        assert first.code == 5, first.err
        assert f"1 blocked  {frame}  (OutputImageSensitiveContentDetected)\n" in first.err
        assert "  → change its words, or `seedpipe build` again makes it alone as it is\n" in first.err
        assert emulator.ledger()["billed_images"] == 17
        came = pictures(film)
        assert came == {image["sha256"] for image in paid(emulator)}, "all that was paid is kept, to the byte"
        outputs = film.folder / "build/@proof"
        assert len(list((outputs / "shot").iterdir())) == len(list((outputs / "board").iterdir())) == 11

        plan = planned(film, "--proof")
        assert plan["cost"] == {"low": "0.04 USD", "expected": "0.04 USD", "high": "0.04 USD"}
        alone = next(node for node in plan["nodes"] if node["address"] == frame)
        assert (alone["state"], alone["beside"]) == ("partial", ["shot/kitchen#030-the-letter"])
        assert [node["address"] for node in plan["nodes"] if node["state"] == "partial"] == [frame]
        said = " ".join(film.run("plan", "--proof").out.split())
        assert f"partial {frame} 2 of 3 frames came; OutputImageSensitiveContentDetected" in said

        second = film.run("build", "--json")
        assert second.code == 0, second.err
        assert second.json["result"]["bought"] == 1
        *before, last = emulator.ledger()["requests"]
        assert (len(before), last["billed_images"], len(last["references"])) == (9, 1, 5)
        assert emulator.ledger()["billed_images"] == 18
        assert pictures(film) == came | {last["images"][0]["sha256"]}
        assert (outputs / "shot/060-the-bell.jpg").exists() and (outputs / f"{card}.jpg").exists()
        assert changes(film) == {}


def paid(emulator: Service) -> list[dict[str, Any]]:
    """Every picture that was billed."""
    return [image for one in emulator.ledger()["requests"] for image in one["images"] if image["billed"]]


def pictures(film: Workspace) -> set[str]:
    """The SHA-256 of every file of a bought picture."""
    files = [path for name in ("cast", "place", "shot") for path in (film.folder / f"build/@proof/{name}").iterdir()]
    return {hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_catalogue(tmp_path: Path) -> None:
    shop = built(tmp_path, "catalogue", CATALOGUE)
    shop.edit("data/products.csv", 'close up",18.00,true', 'close up",19.00,true')
    assert changes(shop) == {"free": ["tile/0140"]}
    shop.edit("data/products.csv", "89.00,false", "89.00,true")
    now = changes(shop)
    assert now["make"] == ["hero/0170"]
    assert now["follows"] == ["scene/0170/use", "scene/0170/table", "scene/0170/detail"]
    assert len([address for address in now["free"] if "0170" in address]) == 8


@pytest.mark.parametrize("template", ["brand-kit", "storyboard", "catalogue"])
def test_a_template_is_the_example_without_what_was_built(tmp_path: Path, template: str) -> None:
    workspace = Workspace(tmp_path / template)
    assert workspace.run("init", "--template", template).code == 0
    built = {"build", ".seedpipe", "seedpipe.lock"}
    source = REPOSITORY / "examples" / template
    want = {path.relative_to(source) for path in source.rglob("*") if path.is_file()}
    want = {path for path in want if not built & set(path.parts)}
    manifest = (workspace.folder / "seedpipe.yaml").read_text(encoding="utf-8")
    assert re.match(r"# \S", manifest) and "yaml-language-server" not in manifest
    assert {path.relative_to(workspace.folder) for path in workspace.folder.rglob("*") if path.is_file()} == want
