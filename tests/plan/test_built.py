"""What a plan promises of shared and of excluded pictures is what a build then does."""

from pathlib import Path
from typing import Any

from tests.support.workspace import Workspace

TWINS = """\
seedpipe: 1
project: twins
defaults: {model: seedream-4-0, size: 1K}
images:
  a: {prompt: A lamp}
  b: {prompt: A lamp}
  c: {prompt: A lamp, takes: 3}
  on-a: {prompt: "{{ refs.a }} on oak", references: {a: a}}
  on-b: {prompt: "{{ refs.b }} on oak", references: {b: b}}
  card: {from: on-b, steps: [{resize: 400x400}]}
"""


def states(plan: Any) -> str:
    return ", ".join(f"{node['address']} {node['state']}" for node in plan["nodes"])


def test_equal_requests_are_bought_once_however_far_down(tmp_path: Path) -> None:
    twins = Workspace(tmp_path / "twins")
    twins.write("seedpipe.yaml", TWINS)
    left_out = twins.run("build", "--proof", "--exclude", "a", "--exclude", "b", "--json")
    assert left_out.json["result"]["bought"] == 3, "c alone"
    assert left_out.code == 0, "nothing failed: a person wanted it so"
    assert "left out, and has no picture yet" in left_out.err
    assert "sends it again" not in left_out.err, "it was never sent"

    plan = twins.run("plan", "--proof", "--json").json
    assert states(plan) == "a cached, b cached, c cached, on-a make, on-b same, card free"
    assert plan["pictures"] == 1
    built = twins.run("build", "--proof", "--json")
    assert (built.code, built.json["result"]["bought"]) == (0, 1), built.err
    assert set(twins.plan("--proof").values()) == {"cached"}


def test_a_chain_of_equal_requests_from_nothing(tmp_path: Path) -> None:
    twins = Workspace(tmp_path / "twins")
    twins.write("seedpipe.yaml", TWINS)
    plan = twins.run("plan", "--proof", "--json").json
    assert states(plan) == "a make, b same, c make, on-a follows, on-b same, card free"
    assert plan["pictures"] == 4
    built = twins.run("build", "--proof", "--json")
    assert (built.code, built.json["result"]["bought"]) == (0, 4), built.err
    assert set(twins.plan("--proof").values()) == {"cached"}
