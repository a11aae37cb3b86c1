"""A profile: other settings for the same pictures, with a lock and outputs of its own."""

from tests.sessions.conftest import Account, manifest
from tests.support.relay import Gateway
from tests.support.workspace import Workspace

LAMPS = manifest(
    "hero: {prompt: 'A lamp, {{ mood }}', model: seedream-4-5, size: 2K}",
    "small: {from: hero, steps: [{resize: 64x64}, {convert: png}]}",
    head="vars: {mood: calm}\nprofiles: {draft: {force: {model: seedream-4-0, size: 1K}}}\n",
)


def test_a_draft_touches_nothing_that_is_shared(workspace: Workspace, live: Gateway, account: Account) -> None:
    workspace.environ["SEEDPIPE_BASE_URL"] = live.base_url
    workspace.write("seedpipe.yaml", LAMPS)
    buy = ("build", "--yes", "--max-cost", "1")
    draft = workspace.run(*buy, "--profile", "draft")
    assert draft.code == 0, draft.err
    made = {str(path.relative_to(workspace.folder)) for path in workspace.folder.rglob("*") if path.is_file()}
    assert {"seedpipe.draft.lock", "build/@draft/hero.jpg", "build/@draft/small.png"} <= made
    assert not made & {"seedpipe.lock", "build/hero.jpg", "build/small.png"}
    assert workspace.plan("--profile", "draft") == {"hero": "cached", "small": "cached"}
    assert workspace.plan() == {"hero": "make", "small": "free"}
    assert workspace.run(*buy).code == 0
    assert [one["model"] for one in account.requests] == ["seedream-4-0-250828", "seedream-4-5-251128"]
    assert (workspace.folder / "build/hero.jpg").exists()
    assert workspace.plan("--profile", "draft") == {"hero": "cached", "small": "cached"}

    other = workspace.run(*buy, "--profile", "draft", "--var", "mood=stormy")
    assert other.code == 0, other.err
    assert live.prompts[2:] == ["A lamp, stormy"]
    refused = workspace.run("plan", "--var", "mood=stormy")
    assert refused.code == 2
    assert "add `--profile NAME`" in refused.err
    unknown = workspace.run("plan", "--profile", "draught")
    assert unknown.code == 2
    assert "`draft`" in unknown.err


def test_commands_that_are_told_mean_the_pictures_of_the_profile(workspace: Workspace) -> None:
    """Without the flag they would be about the shared ones, and buy those."""
    workspace.write(
        "seedpipe.yaml",
        manifest(
            "hero: {prompt: A lamp, takes: 2, gate: approve}",
            "card: {prompt: 'Card, {{ refs.hero }}', references: {hero: hero}}",
        )
        + "profiles: {draft: {force: {size: 2K}}}\n",
    )
    draft = ("--profile", "draft", "--proof")
    assert workspace.run("build", *draft).code == 0
    told = " --profile draft --proof`"
    plan = " ".join(workspace.run("plan", *draft).out.split())
    assert f"`seedpipe approve hero{told}" in plan
    ran = workspace.run("pick", "hero", "2", *draft)
    assert f"`seedpipe build hero+{told}" in " ".join(ran.out.split())
    ran = workspace.run("unpin", "hero", *draft)
    assert f"`seedpipe undo{told}" in " ".join(ran.err.split())
    assert workspace.run("build", *draft).code == 0
    (workspace.folder / "build/@draft/@proof").mkdir(parents=True, exist_ok=True)
    path = next(workspace.folder.glob("build/**/hero.jpg"))
    path.write_bytes(b"mine")
    ran = workspace.run("build", *draft)
    assert ran.code == 1
    assert f"`seedpipe restore hero{told}" in " ".join(ran.err.split())
    assert f"`seedpipe restore hero{told}" in " ".join(workspace.run("explain", "hero", *draft).out.split())
    workspace.edit("seedpipe.yaml", "  card: {", "  post: {")
    assert f"`seedpipe mv card NEW{told}" in " ".join(workspace.run("status", *draft).out.split())
