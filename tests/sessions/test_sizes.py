"""A picture that came in another size than was asked: accepted, refused and kept, or cut to size."""

from pathlib import Path
from typing import Any

from PIL import Image

from tests.sessions.conftest import Account, manifest
from tests.support.workspace import Workspace

OFF: dict[str, Any] = {"do": "size-off", "match": "brass", "ratio": 0.75}
PROJECT = manifest(
    "hero: {prompt: A brass lamp, aspect: 16:9, on_size_mismatch: accept}",
    "small: {from: hero, steps: [{resize: 64x}]}",
    "card: {prompt: 'On a card, {{ refs.hero }}', references: {hero: hero}}",
)


def project(workspace: Workspace, account: Account, policy: str, text: str = PROJECT) -> None:
    workspace.write("seedpipe.yaml", text.replace("accept", policy))
    account.faults(OFF)


def output(workspace: Workspace, name: str) -> Path:
    return workspace.folder / "build/@proof" / name


def size(workspace: Workspace, name: str = "hero.jpg") -> tuple[int, int]:
    with Image.open(output(workspace, name)) as picture:
        return picture.size


def lock(workspace: Workspace) -> str:
    return (workspace.folder / ".seedpipe/proof/seedpipe.lock").read_text(encoding="utf-8")


def test_accepted_it_is_kept_as_it_is_and_said(workspace: Workspace, account: Account) -> None:
    project(workspace, account, "accept")
    ran = workspace.run("build")
    assert ran.code == 0
    assert "1280x720 was asked for and 960x540 came; the picture is kept as it is" in ran.err
    assert size(workspace) == (960, 540)
    assert '"size":"960x540"' in lock(workspace), "what was decoded is the truth"
    assert workspace.run("plan", "--exit-code").code == 0


def test_refused_it_is_kept_and_never_bought_again_by_itself(workspace: Workspace, account: Account) -> None:
    project(workspace, account, "fail")
    ran = workspace.run("build")
    assert ran.code == 1
    assert "1280x720 was asked for and 960x540 came" in ran.err
    assert "on_size_mismatch: accept" in ran.err
    assert not output(workspace, "hero.jpg").exists()
    account.faults()
    for arguments in ([], ["hero"], ["--retry-blocked"], ["--retry-unknown"]):
        assert workspace.run("build", *arguments).code == 1
    assert [one["billed_images"] for one in account.requests] == [1]
    assert workspace.plan() == {"hero": "failed", "small": "blocked", "card": "blocked"}
    told = workspace.run("explain", "hero").out
    assert "came in another size than was asked" in told
    assert told.count("  960x540  ") == 1, "the take is listed, and not as chosen"

    workspace.edit("seedpipe.yaml", "fail", "accept")
    assert workspace.plan() == {"hero": "cached", "small": "free", "card": "make"}
    assert workspace.run("build").code == 0
    assert account.prompts == ["A brass lamp", "On a card, image 1"], "the paid picture is used"
    assert (size(workspace), size(workspace, "small.jpg")) == ((960, 540), (64, 36))

    workspace.edit("seedpipe.yaml", "accept", "fail")
    states = workspace.plan()
    assert states == {"hero": "failed", "small": "cached", "card": "cached"}, "what was made of it stays"


def test_a_person_may_take_what_was_refused(workspace: Workspace, account: Account) -> None:
    project(workspace, account, "fail")
    ran = workspace.run("build")
    words = " ".join(ran.err.split()).partition("`seedpipe pick hero ")[2]
    assert workspace.run("pick", "hero", words[:12]).code == 0
    assert size(workspace) == (960, 540)
    assert workspace.plan() == {"hero": "cached", "small": "cached", "card": "make"}
    assert workspace.run("build").code == 0
    assert account.prompts.count("A brass lamp") == 1


def test_fitted_the_file_is_cut_and_the_picture_stays_as_it_came(workspace: Workspace, account: Account) -> None:
    project(workspace, account, "fit")
    ran = workspace.run("build")
    assert ran.code == 0
    assert "its file is cut to 1280x720 here" in ran.err
    assert (size(workspace), size(workspace, "small.jpg")) == ((1280, 720), (64, 36))
    assert '"finish":{"fit":"1280x720"}' in lock(workspace)
    assert workspace.run("plan", "--exit-code").code == 0
    assert "1280x720 was asked for, 960x540 came" in workspace.run("explain", "hero").out

    for old, new, shape in (("fit", "accept", (960, 540)), ("accept", "fit", (1280, 720))):
        workspace.edit("seedpipe.yaml", f"mismatch: {old}", f"mismatch: {new}")
        plan = workspace.run("plan", "--json").json
        changed = {node["address"]: node["state"] for node in plan["nodes"] if node.get("writes")}
        assert (changed, plan["pictures"]) == ({"hero": "cached"}, 0)
        assert workspace.run("build").code == 0
        assert size(workspace) == shape
        assert workspace.run("plan", "--exit-code").code == 0
    assert len(account.requests) == 2, "another fit finishes again and buys nothing"


def test_a_fitted_file_is_known_without_the_record_of_outputs(workspace: Workspace, account: Account) -> None:
    project(workspace, account, "fit")
    assert workspace.run("build").code == 0
    for record in (workspace.folder / ".seedpipe").glob("outputs*.json"):
        record.unlink()
    assert workspace.run("plan", "--exit-code").code == 0
    output(workspace, "hero.jpg").unlink()
    assert "hero.jpg is written again" in workspace.run("plan").out
    assert workspace.run("build").code == 0
    assert size(workspace) == (1280, 720)
    output(workspace, "hero.jpg").write_bytes(b"a person's own")
    assert workspace.plan()["hero"] == "edited"


def test_of_several_takes_the_right_one_is_chosen(workspace: Workspace, account: Account) -> None:
    project(workspace, account, "fail", PROJECT.replace("aspect:", "takes: 3, aspect:"))
    account.faults(OFF | {"times": 2})
    ran = workspace.run("build")
    assert ran.code == 0
    assert ran.err.count("it is kept as a take and not chosen") == 2
    assert size(workspace) == (1280, 720)
    assert workspace.run("plan", "--exit-code").code == 0
    assert len(account.requests) == 4


def test_a_frame_of_another_size_fails_alone(workspace: Workspace, account: Account) -> None:
    frames = "[{id: a, prompt: A brass lamp}, {id: b, prompt: A tin lamp}]"
    text = manifest(f"board: {{aspect: 16:9, on_size_mismatch: accept, sequence: {{frames: {frames}}}}}")
    project(workspace, account, "fail", text)
    account.faults(OFF | {"match": "Generate"})
    assert workspace.run("build").code == 1
    assert workspace.plan() == {"board#a": "failed", "board#b": "failed"}
    assert workspace.run("build").code == 1
    assert [one["billed_images"] for one in account.requests] == [2]
    workspace.edit("seedpipe.yaml", "fail", "fit")
    assert workspace.run("build").code == 0
    assert [size(workspace, f"board/{name}.jpg") for name in "ab"] == [(1280, 720)] * 2
    assert len(account.requests) == 1


def test_a_tier_without_an_aspect_is_met_by_any_shape_of_about_its_pixels(
    workspace: Workspace, account: Account
) -> None:
    project(workspace, account, "fail", PROJECT.replace("aspect: 16:9", "size: 2K"))
    account.faults(OFF | {"ratio": 0.9})
    assert workspace.run("build").code == 0
    workspace.edit("seedpipe.yaml", "A brass", "One brass")
    account.faults(OFF | {"ratio": 0.5})
    ran = workspace.run("build")
    assert ran.code == 1
    assert "2K was asked for and 1024x1024 came" in ran.err


def test_defaults_and_a_profile_say_it_too(workspace: Workspace, account: Account) -> None:
    text = PROJECT.replace(", on_size_mismatch: accept", "").replace("size: 1K}", "size: 1K, on_size_mismatch: fail}")
    project(workspace, account, "", text + "profiles: {draft: {force: {on_size_mismatch: fit}}}\n")
    assert workspace.run("build", "--profile", "draft").code == 0
    assert size(workspace, "@draft/hero.jpg") == (1280, 720)
    account.faults(OFF)
    assert workspace.run("build").code == 1
    workspace.edit("seedpipe.yaml", "on_size_mismatch: fail", "on_size_mismatch: sometimes")
    ran = workspace.run("check")
    assert ran.code == 2
    assert "expected `accept` or `fail` or `fit`, found" in ran.out


def test_an_output_of_another_format_is_written_once(workspace: Workspace, account: Account) -> None:
    project(workspace, account, "accept")
    account.faults()
    assert workspace.run("build").code == 0
    workspace.edit("seedpipe.yaml", "accept", "accept, output: hero.png")
    assert workspace.plan()["hero"] == "cached"
    assert workspace.run("build").code == 0
    assert workspace.run("plan", "--exit-code").code == 0, "it was said to be written again for ever"
