"""A long sequence and a second build: what came meanwhile is used, and the rest of the chain goes on from it."""

import pytest
from PIL import Image

from tests.sessions.conftest import Account
from tests.support.pty import terminal
from tests.support.workspace import Workspace

SHOTS = [f"f{number}" for number in range(1, 10)]


@pytest.fixture
def film(live: Workspace) -> Workspace:
    """Eight references leave seven frames for the first request, and two for the next, beside two that are carried."""
    sources = "".join(f"  s{number}: {{file: s{number}.png}}\n" for number in range(8))
    refs = ", ".join(f"s{number}" for number in range(8))
    said = " ".join(f"{{{{ refs.s{number} }}}}" for number in range(8))
    frames = "".join(f"        - {{id: {shot}, prompt: 'Shot {shot}'}}\n" for shot in SHOTS)
    live.write(
        "seedpipe.yaml",
        "seedpipe: 1\nproject: film\ndefaults: {model: seedream-4-0, size: 1K}\nimages:\n" + sources
        + f"  board:\n    prompt: 'Ink, {said}'\n    references: [{refs}]\n    sequence:\n      frames:\n{frames}",
    )  # fmt: skip
    for number in range(8):
        Image.new("RGB", (32, 32), (number * 20, 90, 40)).save(live.folder / f"s{number}.png")
    return live


def test_a_chain_goes_on_when_another_build_brought_its_first_frames(film: Workspace, account: Account) -> None:
    """Every frame of the first request is at hand before anybody asks for one, so nobody would begin that request."""
    with terminal(["build", "--max-cost", "1"], film.folder, film.environ) as asking:
        asking.wait_for("buy 9 pictures for 0.27 USD at most?")  # its plan is made
        first = film.run("build", "--yes", "--max-cost", "1", *(f"board#{shot}" for shot in SHOTS[:7]))
        assert first.code == 0, first.err
        asking.type(b"y\n")
        assert asking.wait() == 0, asking.text
    last = account.requests[-1]
    assert sum(one["billed_images"] for one in account.requests) == 9, "each frame once"
    assert (last["billed_images"], len(last["references"])) == (2, 10), "it goes on from two of the frames before"
    assert set(film.plan().values()) == {"cached"}
