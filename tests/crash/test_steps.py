"""Builds killed at the steps of buying. Nothing that had arrived is lost, nothing is paid twice, all else is said.

This is a fixed sample; `make soak` kills at every step, and hundreds of times.
"""

from collections.abc import Callable

import pytest

from tests.crash.kills import PICTURES, Scene, money_of, survive
from tests.support.kill import Kill

# Every step of the journal; turn and side differ, so that all pictures have their share.
SAMPLE = (
    Kill(step="intended", nth=3, after=True),
    Kill(step="sent", nth=4, after=True),
    Kill(step="post", nth=5, seconds=0.05),
    Kill(step="answer", nth=4, after=True),
    Kill(step="located", nth=4),
    Kill(step="located", nth=4, after=True),
    Kill(step="store", nth=4),
    Kill(step="kept", nth=2),
    Kill(step="index", nth=4),
    Kill(step="complete", nth=2),
    Kill(step="settled", nth=3),
    Kill(step="output", nth=3),
    Kill(step="lock", nth=1),
    Kill(step="commit", nth=12),
    Kill(step="rename", nth=12),
)


@pytest.mark.parametrize("kill", SAMPLE, ids=str)
def test_killed_at_a_step(new_scene: Callable[[str], Scene], kill: Kill) -> None:
    scene = new_scene("a")
    if kill.seconds:
        scene.account.faults({"do": "latency", "seconds": 0.4})  # so that it is under way by then, however fast all is
    try:
        verdict = survive(scene, kill)
    finally:
        scene.account.faults()
    assert verdict.struck
    assert verdict.double == 0


def test_a_project_without_a_name_is_found_again(new_scene: Callable[[str], Scene]) -> None:
    scene = new_scene("a")
    scene.write(named=False)
    verdict = survive(scene, Kill(step="sent", nth=2, after=True))
    assert verdict.struck
    assert verdict.double == 0


def test_killed_again_between_recovery_and_the_index(new_scene: Callable[[str], Scene]) -> None:
    """What the first had kept, and the second had closed in the journal, is still known to the third."""
    verdict = survive(new_scene("a"), Kill(step="index", nth=8), Kill(step="recover", after=True))
    assert verdict.double == 0


@pytest.mark.parametrize(
    "kill",
    [Kill(step="refused-item", after=True), Kill(step="refused"), Kill(step="unknown", after=True)],
    ids=str,
)
def test_killed_where_something_did_not_come(new_scene: Callable[[str], Scene], kill: Kill) -> None:
    """A frame and a picture are moderated, and one answer never leaves."""
    scene = new_scene("a")
    scene.account.faults(
        {"do": "moderate-output", "match": "Generate 3", "index": 1},
        {"do": "moderate-output", "match": "A desk"},
        {"do": "drop-after-billing", "match": "A cup"},
    )
    try:
        assert scene.workspace.run_watched(scene.log, kill, "build", "-j", "4").code == -9
        again = scene.build()
        money_of(scene)
        assert again.code == 75, again.err
        assert scene.build().code == 75
        assert len(money_of(scene).billed) < PICTURES, "only the moderated frame may be asked for again, alone"
    finally:
        scene.account.faults()


def test_the_choice_among_takes_is_the_same_after_a_kill(new_scene: Callable[[str], Scene]) -> None:
    """Else what was made from the one would be bought again, made from the other. The later take arrives first."""
    scene = new_scene("a")
    scene.workspace.write(
        "seedpipe.yaml",
        "seedpipe: 1\nproject: crash\nprovider: byteplus\ndefaults: {model: seedream-3-0-t2i, size: 512x512}\nimages:\n"
        "  lamp: {prompt: A lamp}\n"
        "  mug: {prompt: A mug, takes: 2}\n"
        "  desk: {model: seedream-4-0, size: 1K, prompt: 'Desk with {{ refs.mug }}', references: {mug: mug}}\n",
    )
    scene.account.faults({"do": "latency", "match": "mug", "times": 1, "seconds": 0.4})
    try:
        kill = Kill(step="sent", nth=4, after=True)
        assert scene.workspace.run_watched(scene.log, kill, "build", "-j", "4").code == -9
        again = scene.build()
        assert again.code == 75, again.err
        assert [one["prompt"] for one in scene.account.requests if "Desk" in one["prompt"]] == []
    finally:
        scene.account.faults()
