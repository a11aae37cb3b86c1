"""`models --migrate`: what a manifest must change for another model is what it must change, and costs what is said."""

import json
import re
from typing import Any

import pytest

from tests.sessions.conftest import manifest
from tests.support.relay import Gateway
from tests.support.workspace import Ran, Workspace

LAMPS = manifest(
    "hero: {prompt: A brass lamp, aspect: 16:9, optimize_prompt: fast}",
    "tall: {prompt: A brass lamp, aspect: 9:16}",
    "poster: {prompt: A poster in 4K please, size: 4K, aspect: 3:2}",
    "odd: {prompt: Odd, size: 1500x900}",
    "free: {prompt: Free, size: 2K}",
    "scene: {matrix: {n: [a, b, c]}, prompt: 'Scene {{ n }} in {{ refs.hero }}', references: {hero: hero}, takes: 2}",
    "set: {prompt: 'A set, {{ refs.hero }}', references: {hero: hero}, model: seedream-4-5, size: 2K}",
    "wide: {from: poster, steps: [{resize: 4500x3000}]}",
    "board: {size: 2K, sequence: {frames: [{id: a, prompt: A}, {id: b, prompt: B}]}}",
)
LIVE = {"SEEDPIPE_BASE_URL": "", "SEEDPIPE_API_KEY": ""}


@pytest.fixture
def lamps(workspace: Workspace) -> Workspace:
    for name in LIVE:
        del workspace.environ[name]
    workspace.write("seedpipe.yaml", LAMPS)
    return workspace


def migrated(workspace: Workspace, *arguments: str) -> Any:
    ran = workspace.run("models", "--migrate", *arguments, "--json")
    assert ran.code == 0, ran.err
    assert ran.json["seedpipe_migration"] == 1
    return ran.json


def changes(found: Any, kind: str) -> dict[str, str]:
    """`address field` → what is said."""
    return {
        f"{node['address']} {change['field']}": change["message"]
        for node in found["nodes"]
        for change in node["changes"]
        if change["kind"] == kind
    }


def edits(found: Any) -> set[tuple[str, str, str | None, str | None]]:
    """Where, field, old, new: each place once."""
    return {
        (change["at"], change["field"], change["old"], change["new"])
        for node in found["nodes"]
        for change in node["changes"]
        if change["kind"] == "edit"
    }


def apply(workspace: Workspace, found: Any) -> None:
    """Every edit, from the last place to the first, as a person would with an editor."""
    path = workspace.folder / "seedpipe.yaml"
    lines = path.read_text(encoding="utf-8").splitlines()

    def place(edit: tuple[str, str, str | None, str | None]) -> tuple[int, int]:
        _, line, column = edit[0].rsplit(":", 2)
        return int(line), int(column)

    for edit in sorted(edits(found), key=place, reverse=True):
        (number, column), (_, field, old, new) = place(edit), edit
        line = lines[number - 1]
        start, rest = line[: column - 1], line[column - 1 :]
        assert start.endswith(f"{field}: ") and old is not None
        value = re.match(r"'[^']*'|\"[^\"]*\"|[^,}\s]+", rest)
        assert value is not None and value[0].strip("'\"").lower() == old.lower()
        if new is not None:
            lines[number - 1] = start + new + rest[value.end() :]
        else:
            lines[number - 1] = start.removesuffix(f"{field}: ").removesuffix(", ") + rest[value.end() :]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def lines_of(ran: Ran) -> str:
    return " ".join(ran.out.split())


def test_from_4_0_to_5_0(lamps: Workspace) -> None:
    """What an art director asks: what would it cost, and what would break?"""
    before = (lamps.folder / "seedpipe.yaml").read_bytes()
    found = migrated(lamps, "seedream-4-0", "seedream-5-0")
    assert (found["from"], found["to"], found["provider"]) == ("seedream-4-0-250828", "seedream-5-0-260128", "apiyi")
    assert (found["possible"], found["pictures"]) == (True, 13)
    assert found["cost"] == {"before": "0.39 USD", "after": "0.455 USD"}
    assert edits(found) == {
        ("seedpipe.yaml:3:19", "model", "seedream-4-0", "seedream-5-0"),
        ("seedpipe.yaml:3:39", "size", "1K", "2K"),
        ("seedpipe.yaml:5:63", "optimize_prompt", "fast", None),
        ("seedpipe.yaml:7:49", "size", "4K", "3K"),
        ("seedpipe.yaml:8:28", "size", "1500x900", "2480x1488"),
    }
    assert changes(found, "edit")["hero size"] == "`seedream-5-0-260128` has 2K, 3K: 2848x1600 in place of 1280x720"
    assert changes(found, "loss") == {}
    assert changes(found, "difference") == {"poster steps": "`wide` is scaled up to 4500x3000 from 3744x2496"}
    advice = changes(found, "advice")
    assert set(advice) == {"poster prompt", "free size", "scene/a size", "scene/b size", "scene/c size", "board size"}
    assert advice["poster prompt"] == "the prompt says `4K`, which `seedream-5-0-260128` has not"
    assert found["gains"] == ["3K", "png"]
    assert found["losses"] == ["1K", "4K", "fast prompts", "more than 10.4 megapixels", "less than 3.7 megapixels"]
    assert found["followers"] == ["set"]
    sizes = {node["address"]: node["size"] for node in found["nodes"]}
    assert sizes["hero"] == {"before": "1280x720", "after": "2848x1600"}
    assert sizes["free"] == {"before": None, "after": None}
    assert (lamps.folder / "seedpipe.yaml").read_bytes() == before, "nothing is changed"
    assert sorted(path.name for path in lamps.folder.iterdir()) == ["seedpipe.yaml"]


@pytest.mark.parametrize(
    ("source", "target", "provider"),
    [
        ("seedream-4-0", "seedream-5-0", "apiyi"),
        ("seedream-4-0", "seedream-4-5", "apiyi"),
        ("seedream-4-0", "seedream-4-5", "volcengine"),
        ("seedream-4-0", "seedream-5-0", "byteplus"),
        ("seedream-4-5", "seedream-4-0", "apiyi"),
        ("seedream-4-5", "seedream-5-0-flash", "byteplus"),
    ],
)
def test_what_is_said_is_all_there_is_to_do(lamps: Workspace, source: str, target: str, provider: str) -> None:
    """With exactly these edits the manifest is sound, and a build buys what was said."""
    found = migrated(lamps, source, target, "--provider", provider)
    apply(lamps, found)
    checked = lamps.run("check", "--provider", provider)
    assert checked.code == 0, checked.out
    plan = lamps.run("plan", "--json", "--provider", provider).json
    assert found["builds"]["then"] == {
        "pictures": plan["pictures"],
        "expected": plan["cost"]["expected"],
        "high": plan["cost"]["high"],
    }
    with pytest.raises(AssertionError, match="no picture that is meant is made by"):
        migrated(lamps, source, target, "--provider", provider)


def test_what_a_model_without_batches_would_lose(lamps: Workspace) -> None:
    found = migrated(lamps, "seedream-4-0", "5.0-pro")
    assert found["possible"] is False
    [(where, words)] = changes(found, "loss").items()
    assert where == "board sequence"
    assert "can't do sequence" in words and "its 2 frames would be entries of their own" in words
    assert changes(found, "difference")["hero size"] == "it comes as 1424x800 in place of 1280x720"
    told = lines_of(lamps.run("models", "--migrate", "seedream-4-0", "5.0-pro"))
    assert "can't be done there seedpipe.yaml:13:31 board: `seedream-5-0-pro-260628` can't do sequence" in told
    assert "a picture takes about 43 s in place of 15 s" in told


def test_every_field_that_has_to_go(workspace: Workspace) -> None:
    nodes = (
        "glass: {prompt: A glass, output_format: png}",
        "old: {prompt: A chair, model: seedream-3-0-t2i, size: 1024x1024, seed: 7, guidance_scale: 2.5}",
        "news: {prompt: Today, web_search: true}",
        "cut: {prompt: A cut, model: seedream-5-0-pro, background: transparent, output_format: png, references: {g: glass}}",
    )
    workspace.write("seedpipe.yaml", manifest(*nodes).replace("seedream-4-0, size: 1K", "seedream-5-0"))
    with_provider = ("--provider", "volcengine")
    gone = {field: (old, new) for _, field, old, new in edits(migrated(workspace, "5.0", "4.5", *with_provider))}
    assert gone["output_format"] == ("png", None)
    assert gone["web_search"] == ("true", None)
    found = migrated(workspace, "seedream-3-0-t2i", "4.5", *with_provider)
    gone = {field: (old, new) for _, field, old, new in edits(found)}
    assert gone["seed"] == ("7", None)
    assert gone["guidance_scale"] == ("2.5", None)
    assert gone["size"] == ("1024x1024", "2048x2048")
    assert "retired" not in json.dumps(found["notes"])
    found = migrated(workspace, "5.0-pro", "4.5", *with_provider)
    assert changes(found, "edit")["cut output_format"].endswith("; a free step `convert: png` makes it")
    assert changes(found, "edit")["cut background"] == "`seedream-4-5-251128` has no `background` here"
    assert "transparency" in found["losses"]
    back = migrated(workspace, "5.0", "seedream-3-0-t2i", *with_provider)
    assert back["notes"][0] == "it is being retired itself"


def test_too_many_references(workspace: Workspace) -> None:
    many = ", ".join(f"s{number}" for number in range(12))
    nodes = [f"s{number}: {{prompt: 'Lamp {number}', model: seedream-4-5, size: 2K}}" for number in range(12)]
    workspace.write("seedpipe.yaml", manifest(*nodes, f"all: {{prompt: All, references: [{many}]}}"))
    found = migrated(workspace, "seedream-4-0", "5.0-pro", "--provider", "byteplus")
    assert "12 references, `seedream-5-0-pro-260628` takes 10 at most" in changes(found, "loss")["all references"]
    assert found["cost"] == {"before": "0.03 USD", "after": "0.078 USD"}, "0.045, and 0.003 for each after the first"


def test_part_of_a_project_leaves_the_rest_alone(lamps: Workspace) -> None:
    found = migrated(lamps, "seedream-4-0", "seedream-4-5", "hero", "scene/b")
    assert [node["address"] for node in found["nodes"]] == ["hero", "scene/b"]
    shared = {change["field"] for node in found["nodes"] for change in node["changes"] if change.get("shared")}
    assert shared == {"model", "size"}, "what stands in `defaults` holds for others too"
    told = lines_of(lamps.run("models", "--migrate", "seedream-4-0", "seedream-4-5", "hero"))
    assert "pictures that stay have it from here too: write it at these" in told
    assert lamps.run("models", "--migrate", "seedream-4-0", "seedream-4-5", "nothing").code == 2


def test_the_way_out_of_a_model_that_is_gone(workspace: Workspace) -> None:
    """Its manifest is refused by everything else; this is what one needs then."""
    node = "edit: {prompt: Brighter, references: [logo], model: seededit-3-0}"
    workspace.write("seedpipe.yaml", manifest(node, "logo: {prompt: A logo, model: seedream-3-0-t2i, size: 1024x1024}"))
    assert workspace.run("check").code == 2
    assert workspace.run("check", "--provider", "byteplus").code == 2
    found = migrated(workspace, "seededit-3-0", "seedream-4-5")
    assert found["cost"] == {"before": None, "after": "0.04 USD"}, "this provider never had the old one"
    assert found["builds"]["now"] is None
    assert migrated(workspace, "seededit-3-0", "seedream-4-5", "--provider", "byteplus")["possible"] is True


def test_what_was_built_and_chosen_counts(lamps: Workspace, live: Gateway) -> None:
    """What is there costs nothing now; then all that moves is bought, and what is made from it, unless it was chosen."""
    told = lines_of(lamps.run("models", "--migrate", "seedream-4-0", "seedream-5-0"))
    assert "a build would then buy 14 pictures, 0.495 USD at most (now: 14 pictures, 0.43 USD)" in told
    environ = {"SEEDPIPE_BASE_URL": live.base_url, "SEEDPIPE_API_KEY": "key-of-the-gateway-01"}
    built = lamps.run("build", "--yes", "--max-cost", "1", **environ)
    assert built.code == 0, built.err
    told = lines_of(lamps.run("models", "--migrate", "seedream-4-0", "seedream-5-0"))
    assert "a build would then buy 14 pictures, 0.495 USD at most (now: nothing)" in told
    assert "made from these, so made again with them: set" in told
    assert "0.065 more (17 %)" in told
    assert "`profiles: {try: {force: {model: seedream-5-0, optimize_prompt: standard}}}`" in told
    assert lamps.run("approve", "set").code == 0
    told = lines_of(lamps.run("models", "--migrate", "seedream-4-0", "seedream-5-0"))
    assert "a build would then buy 13 pictures, 0.455 USD at most (now: nothing)" in told
    assert "chosen by somebody, so kept as it is until it is named: set" in told
    assert "made again with them" not in told


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("seedream-4-0", "seedream-4-0-250828"), "are one model"),
        (("seedream-5-0", "seedream-4-0"), "no picture that is meant is made by `seedream-5-0-260128`"),
        (("seedream-4-0", "seedream-9"), "no model is called `seedream-9`"),
        (("seedream-4-0", "5.0-flash"), "`apiyi` does not serve `seedream-5-0-flash-260915`"),
        (("seedream-4-0",), "requires 2 arguments"),
    ],
)
def test_moves_that_are_none(lamps: Workspace, arguments: tuple[str, ...], words: str) -> None:
    ran = lamps.run("models", "--migrate", *arguments)
    assert ran.code == 2
    assert words in " ".join(ran.err.split())


@pytest.mark.parametrize("columns", [48, 80, 132])
def test_no_line_is_too_wide(lamps: Workspace, columns: int) -> None:
    for target in ("seedream-5-0", "5.0-pro", "4.5"):
        ran = lamps.run("models", "--migrate", "seedream-4-0", target, COLUMNS=str(columns))
        assert max(map(len, ran.out.splitlines())) <= columns
