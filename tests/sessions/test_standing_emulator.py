"""An emulator that stands alone, named by `SEEDPIPE_BASE_URL`: what is built there is a proof, and later plans know it."""

import threading

import pytest

from seedpipe.commands.opening import remember_realm, remembered_realm
from seedpipe.names import Realm
from tests.sessions.conftest import Account, manifest
from tests.support.workspace import Workspace

LAMPS = manifest("hero: {prompt: A brass lamp}")


def test_what_is_built_there_is_a_proof(workspace: Workspace, account: Account) -> None:
    workspace.write("seedpipe.yaml", LAMPS)
    built = workspace.run("build")
    assert built.code == 0, "no yes and no cap is needed: nothing is billed"
    assert "proof: nothing is billed" in built.err
    assert (workspace.folder / "build/@proof/hero.jpg").exists()
    assert not (workspace.folder / "build/hero.jpg").exists()
    assert "proof: nothing is billed" in workspace.run("plan").out, "without asking the network"
    elsewhere = workspace.run("plan", SEEDPIPE_BASE_URL="")
    assert "proof" not in elsewhere.out and "0.03" in elsewhere.out


def test_the_short_key_of_the_help_loses_no_picture(workspace: Workspace) -> None:
    """`x` stands in every signed address: taken out as a key, it left paid pictures that nobody could fetch."""
    workspace.write("seedpipe.yaml", LAMPS)
    built = workspace.run("build", SEEDPIPE_API_KEY="x")
    assert built.code == 0, built.err
    assert (workspace.folder / "build/@proof/hero.jpg").exists()


def test_builds_that_begin_together_forget_none_of_each_others_emulators() -> None:
    urls = [f"http://127.0.0.1:{port}/v1" for port in range(9000, 9032)]
    together = threading.Barrier(len(urls))

    def build(url: str) -> None:
        together.wait()
        remember_realm(url, is_emulator=True)

    threads = [threading.Thread(target=build, args=(url,)) for url in urls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for url in urls:
        assert _realm_at(url) is Realm.PROOF, url
    remember_realm(urls[0], is_emulator=False)
    assert _realm_at(urls[0]) is Realm.LIVE


def _realm_at(url: str) -> Realm:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEEDPIPE_BASE_URL", url)
        return remembered_realm()
