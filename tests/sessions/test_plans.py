"""Plans as sessions: what they learn from builds, and what they say of an edit."""

import re

from tests.sessions.conftest import Account, manifest
from tests.support.workspace import Workspace


def test_the_time_forecast_learns_from_what_was_built(workspace: Workspace, account: Account) -> None:
    names = [f"lamp-{number}" for number in range(6)]
    workspace.write("seedpipe.yaml", manifest(*(f"{name}: {{prompt: Lamp {name}}}" for name in names)))
    before = workspace.run("plan", "--json").json["time"]
    assert (before["from_pictures"], before["by_catalogue"], before["picture_seconds"]) == (0, True, 15)
    assert workspace.run("build").code == 0
    workspace.edit("seedpipe.yaml", "Lamp lamp-0", "A brass lamp")
    after = workspace.run("plan", "--json").json["time"]
    assert (after["from_pictures"], after["by_catalogue"]) == (6, False)
    assert after["picture_seconds"] < 15, "the emulator answers at once here"


def test_other_looks_at_a_plan(workspace: Workspace) -> None:
    workspace.write("seedpipe.yaml", manifest("lamp: {matrix: {market: [en, de]}, prompt: 'Lamp {{ market }}'}"))
    ran = workspace.run("plan", "--by", "market", "--compare-models")
    assert ran.code == 0
    assert "  en             1     1      0.03          0.03\n" in ran.out
    assert re.search(r"  seedream-4-0 \(now\) +2 +0\.060? +0\.060?  ", ran.out), ran.out
    assert ran.out.count("lamps · 2 pictures") == 1
    told = workspace.run("plan", "--by", "market", "--compare-models", "--json").json
    assert [group["value"] for group in told["by"]["groups"]] == ["en", "de"]
    assert next(one for one in told["compared"]["models"] if one["used"])["cost"]["high"] == "0.06 USD"
    told = workspace.run("plan", "--by", "market", "--compare-models", "--format", "markdown")
    assert "| market | pictures | buys | expected | at most, USD |" in told.out
    assert "what the 2 pictures that this plan buys would cost by each model" in told.out
    ran = workspace.run("plan", "--by", "country")
    assert (ran.code, "known are `market`" in ran.err) == (2, True)


def test_a_changed_word_points_at_the_line_that_moved_it(workspace: Workspace) -> None:
    workspace.write("data/lamps.csv", "sku,metal\nA,brass\nB,steel\n")
    workspace.write("templates/light.j2", "On old oak.\nSoft light.\n")
    workspace.write(
        "seedpipe.yaml",
        manifest(
            "lamp:",
            "  matrix: {lamp: lamps}",
            "  prompt: |",
            "    A {{ lamp.metal }} lamp.",
            '    {% include "light.j2" %}',
            "hall: {prompt: 真鍮のランプ}",
            head="templates: templates\ndata: {lamps: {from: data/lamps.csv, key: sku}}\n",
        ),
    )
    assert workspace.run("build").code == 0
    workspace.edit("data/lamps.csv", "brass", "copper")
    workspace.edit("seedpipe.yaml", "真鍮", "鉄")
    nodes = {node["address"]: node for node in workspace.run("plan", "--json").json["nodes"]}
    (reason,) = nodes["lamp/A"]["reasons"]
    assert (reason["sentence"], reason["at"]) == ("prompt: brass → copper", ["data/lamps.csv:2", "seedpipe.yaml:10"])
    assert nodes["hall"]["reasons"][0]["at"] == ["seedpipe.yaml:12"]
    text = workspace.run("plan").out
    assert re.search(r"make +lamp/A +prompt: brass → copper +data/lamps\.csv:2\n", text), text
    assert re.search(r"make +hall +prompt: 真鍮 → 鉄 +seedpipe\.yaml:12\n", text), text
    assert "changed at  data/lamps.csv:2, seedpipe.yaml:10" in workspace.run("explain", "lamp/A").out
    workspace.edit("templates/light.j2", "Soft light", "Hard light")
    nodes = {node["address"]: node for node in workspace.run("plan", "--json").json["nodes"]}
    assert nodes["lamp/B"]["reasons"][0]["at"] == ["templates/light.j2:2"]
    assert nodes["lamp/A"]["reasons"][0]["at"] == ["data/lamps.csv:2", "seedpipe.yaml:10", "templates/light.j2:2"]
    assert "lamp/B" in workspace.run("plan").out and "templates/light.j2:2" in workspace.run("plan").out


def test_a_plan_names_the_host_that_would_be_asked(workspace: Workspace) -> None:
    """Whose prices hold is one thing, where key and prompts would go another."""
    manifest = "seedpipe: 1\nproject: lamps\ndefaults: {model: seedream-4-5}\nimages: {hero: {prompt: A lamp}}\n"

    def title(*arguments: str, **environ: str) -> str:
        return workspace.run("plan", *arguments, **environ).out.split("\n\n")[0].replace("\n", " ")

    workspace.environ.pop("SEEDPIPE_BASE_URL", None)
    workspace.write("seedpipe.yaml", manifest)
    assert title().endswith("at apiyi")
    assert title(SEEDPIPE_BASE_URL="https://vip.apiyi.com/v1/").endswith("at apiyi"), "it is the provider's own"
    assert title(SEEDPIPE_BASE_URL="http://127.0.0.1:9/v1").endswith("at 127.0.0.1:9 (like apiyi)")
    assert "200 free images once" in workspace.run("-v", "plan").out
    behind = workspace.run("-v", "plan", SEEDPIPE_BASE_URL="http://127.0.0.1:9/v1").out
    assert "what 127.0.0.1:9 asks may be another price" in " ".join(behind.split()) and "free images" not in behind
    assert "### " in title("--format", "markdown", SEEDPIPE_BASE_URL="http://127.0.0.1:9/v1")
    wanted = 'provider: {base_url: "https://Images.example.com/v1", like: byteplus}\n'
    workspace.write("seedpipe.yaml", manifest.replace("project", wanted + "project"))
    assert title().endswith("at images.example.com (like byteplus)"), "also before anybody trusts it"
    assert title("--provider", "byteplus").endswith("at byteplus")
    assert workspace.run("plan", "--json").json["host"] == "images.example.com"
    assert "at" not in title("--proof").split("·")[2].split(), "a proof is drawn here"


def test_what_is_made_here_says_what_of_its_steps_changed(workspace: Workspace) -> None:
    entries = """\
seedpipe: 1
project: lamps
defaults: {model: seedream-4-5}
data: {copy: {from: copy.yaml, key: market}}
images:
  hero: {prompt: A lamp}
  card:
    matrix: {market: copy}
    from: hero
    steps: [{resize: 400x400}, {text: "{{ market.words }}"}]
"""
    copy = "- {market: en, words: Made to last}\n- {market: de, words: Gebaut, wie es sein soll}\n"
    workspace.write("seedpipe.yaml", entries)
    workspace.write("copy.yaml", copy)
    assert workspace.run("build", "--proof").code == 0
    workspace.write("copy.yaml", copy.replace("Made to last", "Made for you"))
    assert "  free     card/en   lettering: to last → for you\n" in workspace.run("plan", "--proof").out
    workspace.edit("seedpipe.yaml", "400x400", "300x300")
    told = workspace.run("plan", "--proof").out
    assert "  free     card/de   resize: 400x400 → 300x300\n" in told
    assert "lettering: to last → for you" in told
    workspace.edit("seedpipe.yaml", "A lamp", "A brass lamp")
    workspace.edit("seedpipe.yaml", "300x300", "400x400")
    workspace.write("copy.yaml", copy)
    assert "  free     card/* ×2\n" in workspace.run("plan", "--proof").out, "it follows, which needs no word"


def test_a_pattern_that_the_shell_has_expanded_is_told_from_a_wrong_name(workspace: Workspace) -> None:
    workspace.write("seedpipe.yaml", manifest("lamp: {prompt: A lamp}"))
    ran = workspace.run("plan", "art", "seedpipe.yaml")
    assert (ran.code, "a pattern stands in quotes" in " ".join(ran.err.split())) == (2, True)
    assert "quotes" not in workspace.run("plan", "lmap").err
    assert "no picture has a tag" in workspace.run("plan", "tag:x").err


def test_the_title_says_what_is_left_out(workspace: Workspace) -> None:
    workspace.write(
        "seedpipe.yaml", manifest("lamp: {matrix: {n: [1, 2]}, prompt: 'Lamp {{ n }}'}", "hall: {prompt: A hall}")
    )
    assert workspace.run("plan", "--exclude", "lamp").out.startswith("lamps · 1 picture · without lamp/*")
