"""`restore` writes the chosen picture over an edited output, whatever a build would do to it next."""

from PIL import Image

from tests.sessions.conftest import Account, manifest
from tests.support.workspace import Workspace

LAMPS = manifest(
    "hero: {prompt: A matte lamp}",
    "card: {prompt: 'Card, {{ refs.hero }}', references: {hero: hero}}",
)
HERO, CARD = "build/@proof/hero.jpg", "build/@proof/card.jpg"


def painted_over(workspace: Workspace, *paths: str) -> dict[str, bytes]:
    """Built, then edited by somebody. Returns what was there."""
    workspace.write("seedpipe.yaml", LAMPS)
    assert workspace.run("build").code == 0
    ours = {path: (workspace.folder / path).read_bytes() for path in paths}
    for number, path in enumerate(paths):
        Image.new("RGB", (40, 40), (number, 200, 30)).save(workspace.folder / path)
    return ours


def test_it_is_written_though_the_next_build_replaces_it(workspace: Workspace) -> None:
    ours = painted_over(workspace, HERO, CARD)
    theirs = (workspace.folder / HERO).read_bytes()
    workspace.edit("seedpipe.yaml", "A matte lamp", "A brass lamp")
    ran = workspace.run("restore", "hero", "card", "--proof")
    assert ran.code == 0, ran.err
    assert "wrote 2 files" in ran.out
    assert {path: (workspace.folder / path).read_bytes() for path in ours} == ours
    assert workspace.plan("--proof") == {"hero": "make", "card": "follows"}
    takes = workspace.run("takes", "hero", "--proof", "--json").json["nodes"][0]["groups"]
    assert len([take for group in takes for take in group["takes"]]) == 2, "theirs is kept as a take"
    assert workspace.run("pick", "hero", "2", "--proof").code == 0
    assert (workspace.folder / HERO).read_bytes() == theirs


def test_it_is_written_though_the_new_words_were_refused(workspace: Workspace, account: Account) -> None:
    ours = painted_over(workspace, HERO)
    edited = (workspace.folder / HERO).read_bytes()
    workspace.run("restore", "hero", "--proof")
    workspace.edit("seedpipe.yaml", "A matte lamp", "A brass lamp")
    account.faults({"do": "moderate-input", "match": "brass"})
    assert workspace.run("build").code == 5
    (workspace.folder / HERO).write_bytes(edited + b" again")
    ran = workspace.run("restore", "hero", "--proof")
    assert ran.code == 0, ran.err
    assert (workspace.folder / HERO).read_bytes() == ours[HERO]
    assert workspace.plan("--proof")["hero"] == "blocked"


def test_a_file_that_is_gone_is_written_though_the_next_build_replaces_it(workspace: Workspace) -> None:
    ours = painted_over(workspace, HERO)
    (workspace.folder / HERO).unlink()
    workspace.edit("seedpipe.yaml", "A matte lamp", "A brass lamp")
    ran = workspace.run("restore", "hero", "card", "--proof")
    assert ran.code == 0, ran.err
    assert ran.out.splitlines()[:3] == ["restored hero", "in its place already: card", f"  wrote {HERO}"]
    assert (workspace.folder / HERO).read_bytes() == ours[HERO]
    assert "in its place already: hero" in workspace.run("restore", "hero", "--proof").out


def test_it_is_written_though_another_look_of_it_was_refused(workspace: Workspace, account: Account) -> None:
    looks = "{prompt: 'A {{ metal }} lamp', looks: {plain: {}, copper: {metal: copper}}}"
    workspace.write("seedpipe.yaml", manifest(f"hero: {looks}", head="vars: {metal: tin}\n"))
    account.faults({"do": "moderate-output", "match": "copper"})
    assert workspace.run("build").code == 5
    ours = (workspace.folder / HERO).read_bytes()
    Image.new("RGB", (40, 40), "teal").save(workspace.folder / HERO)
    ran = workspace.run("restore", "hero", "--proof")
    assert ran.code == 0, ran.err
    assert (workspace.folder / HERO).read_bytes() == ours
