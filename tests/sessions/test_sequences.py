"""Sequences as sessions: together, short, moderated, cut, edited, inserted, moved, chained."""

from hashlib import sha256
from typing import Any

import pytest
from PIL import Image

from tests.sessions.conftest import Account
from tests.support.relay import Gateway
from tests.support.workspace import Workspace

BOARD = """\
seedpipe: 1
project: film
defaults: {model: seedream-4-5, size: 2K}
images:
  who: {file: who.png}
  board:
    aspect: 16:9
    prompt: "Noir film, the watchmaker of {{ refs.who }}."
    references: {who: who}
    sequence:
      frames:
        - {id: wide, prompt: "Wide, the workshop at dawn", duration: 2.5, caption: "05:40"}
        - {id: hands, prompt: "Close, hands on the lamp"}
        - {id: face, prompt: "Close, the face of {{ refs.who }}"}
  crop: {from: "board#wide", steps: [{resize: 64x}]}
  poster: {prompt: "Poster after {{ refs.a }}", references: {a: "board#face"}}
"""
FACE = "        - {id: face"


def board(workspace: Workspace, text: str = BOARD) -> Workspace:
    workspace.write("seedpipe.yaml", text)
    Image.new("RGB", (64, 64), (120, 80, 20)).save(workspace.folder / "who.png")
    return workspace


def test_frames_come_together_each_to_its_own_file(workspace: Workspace, account: Account) -> None:
    board(workspace)
    assert workspace.run("build").code == 0
    first, poster = account.requests
    assert (first["billed_images"], first["stream"], poster["billed_images"]) == (3, True, 1)
    assert sorted(path.name for path in (workspace.folder / "build/@proof/board").iterdir()) == [
        "face.jpg", "hands.jpg", "wide.jpg"
    ]  # fmt: skip
    assert workspace.run("build").code == 0
    assert len(account.requests) == 2


def test_an_edited_or_inserted_frame_is_made_alone_and_a_moved_one_not_at_all(
    workspace: Workspace, account: Account
) -> None:
    board(workspace)
    assert workspace.run("build").code == 0
    workspace.edit("seedpipe.yaml", "05:40", "05:41")
    workspace.edit("seedpipe.yaml", "duration: 2.5", "duration: 4")
    lines = (workspace.folder / "seedpipe.yaml").read_text().splitlines(keepends=True)
    at = next(index for index, line in enumerate(lines) if "id: wide" in line)
    lines[at], lines[at + 1] = lines[at + 1], lines[at]
    workspace.write("seedpipe.yaml", "".join(lines))
    assert set(workspace.plan().values()) == {"cached"}  # moved, another caption, another duration
    workspace.edit("seedpipe.yaml", "hands on the lamp", "hands on the brass lamp")
    workspace.edit("seedpipe.yaml", FACE, "        - {id: lamp, prompt: 'The lamp alone'}\n" + FACE)
    states = workspace.plan()
    assert {address for address, state in states.items() if state == "make"} == {"board#hands", "board#lamp"}
    assert workspace.run("build").code == 0
    alone = account.requests[2:]
    assert [(one["billed_images"], one["stream"]) for one in alone] == [(1, False), (1, False)]
    assert sorted(len(one["references"]) for one in alone) == [2, 3]  # beside one neighbour, and beside two
    assert set(workspace.plan().values()) == {"cached"}


def test_a_moderated_frame_leaves_the_others_and_is_made_alone(workspace: Workspace, account: Account) -> None:
    board(workspace)
    account.faults({"do": "moderate-output", "match": "Generate 3", "index": 2})
    ran = workspace.run("build")
    assert ran.code == 5
    assert "OutputImageSensitiveContentDetected" in ran.err
    assert account.requests[0]["billed_images"] == 2
    plan = workspace.run("plan", "--json").json
    face = next(node for node in plan["nodes"] if node["address"] == "board#face")
    assert face["state"] == "partial"
    assert face["cost"]["high"] == "0.04 USD"
    assert face["beside"] == ["board#hands"]
    assert "2 of 3 frames came" in face["reasons"][0]["sentence"]
    assert workspace.run("build").code == 0
    alone = account.requests[1]
    assert (alone["billed_images"], len(alone["references"])) == (1, 2)
    assert set(workspace.plan().values()) == {"cached"}
    assert sum(one["billed_images"] for one in account.requests) == 4  # two, the third alone, the poster


def test_a_frame_that_is_refused_alone_too_is_blocked_until_something_of_it_changes(
    workspace: Workspace, account: Account
) -> None:
    board(workspace)
    account.faults(
        {"do": "moderate-output", "match": "Generate 3", "index": 1},
        {"do": "moderate-output", "match": "one frame of a series"},
    )
    assert workspace.run("build").code == 5
    assert workspace.plan()["board#hands"] == "partial"
    assert workspace.run("build").code == 5
    assert workspace.plan()["board#hands"] == "blocked"
    sent = len(account.requests)
    assert workspace.run("build").code == 5
    assert len(account.requests) == sent, "it is not sent a third time by itself"
    account.faults()
    workspace.edit("seedpipe.yaml", "hands on the lamp", "hands at rest")
    assert workspace.plan()["board#hands"] == "make"
    assert workspace.run("build").code == 0
    assert sum(one["billed_images"] for one in account.requests) == 4


def test_fewer_frames_than_asked_are_kept_and_the_rest_is_offered(workspace: Workspace, account: Account) -> None:
    board(workspace)
    account.faults({"do": "fewer", "match": "Generate 3", "count": 1})
    assert workspace.run("build").code == 1
    states = workspace.plan()
    assert [states[f"board#{name}"] for name in ("wide", "hands", "face")] == ["cached", "partial", "partial"]
    assert workspace.run("build").code == 0
    assert sum(one["billed_images"] for one in account.requests) == 4


def test_a_cut_stream_loses_nothing_and_only_what_did_not_arrive_is_held(
    workspace: Workspace, account: Account
) -> None:
    board(workspace)
    account.faults({"do": "cut-stream", "match": "Generate 3", "after": 0, "count": 1})
    assert workspace.run("build").code == 75
    states = workspace.plan()
    assert [states[f"board#{name}"] for name in ("wide", "hands", "face")] == ["cached", "unknown", "unknown"]
    assert (states["crop"], states["poster"]) == ("cached", "blocked"), "what needs a frame starts when it is there"
    assert workspace.run("build").code == 75
    assert len(account.requests) == 1  # nothing was sent again
    account.faults()
    assert workspace.run("build", "--retry-unknown").code == 0
    assert len(account.requests) == 4  # hands and face alone, then the poster
    assert set(workspace.plan().values()) == {"cached"}


@pytest.mark.parametrize("oddity", ["json-for-stream", "previews", "keep-alive", "pretty-stream"])
def test_whatever_a_stream_looks_like_it_is_understood(workspace: Workspace, account: Account, oddity: str) -> None:
    board(workspace)
    account.faults({"do": oddity})
    ran = workspace.run("build", "--json")
    assert (ran.code, ran.json["result"]["bought"]) == (0, 4), ran.err
    assert [one["billed_images"] for one in account.requests] == [3, 1]
    images = [image["sha256"] for image in account.requests[0]["images"]]
    outputs = workspace.folder / "build/@proof/board"
    assert [sha256((outputs / f"{name}.jpg").read_bytes()).hexdigest() for name in ("wide", "hands", "face")] == images


def test_frames_may_travel_inside_the_stream(workspace: Workspace, account: Account) -> None:
    board(workspace, BOARD.replace("size: 2K}", "size: 2K, response_format: b64_json}"))
    assert workspace.run("build").code == 0
    assert [one["billed_images"] for one in account.requests] == [3, 1]
    assert not any(image["downloads"] for one in account.requests for image in one["images"])
    assert set(workspace.plan().values()) == {"cached"}
    account.faults({"do": "cut-stream", "match": "Generate 3", "count": 2})
    workspace.edit("seedpipe.yaml", "Noir film", "Colour film")
    assert workspace.run("build").code == 75
    states = workspace.plan()
    assert [states[f"board#{name}"] for name in ("wide", "hands", "face")] == ["cached", "cached", "unknown"]


@pytest.mark.parametrize(
    "fault", [{"do": "item-error", "index": 1}, {"do": "stream-error", "count": 1, "code": "ServerOverloaded"}]
)
def test_a_batch_that_is_given_up_half_way_is_partial(
    workspace: Workspace, account: Account, fault: dict[str, Any]
) -> None:
    """The service itself says that it made no more: nothing is uncertain, and the rest is made one by one."""
    board(workspace)
    account.faults({**fault, "match": "Generate 3"})
    first = workspace.run("build")
    assert first.code == 1, first.err
    plan = workspace.run("plan", "--json").json
    states = {node["address"]: node["state"] for node in plan["nodes"]}
    assert [states[f"board#{name}"] for name in ("wide", "hands", "face")] == ["cached", "partial", "partial"]
    assert (states["crop"], states["poster"]) == ("cached", "follows")
    assert plan["cost"]["high"] == "0.12 USD", "two frames and the poster"
    assert account.requests[0]["billed_images"] == 1
    second = workspace.run("build", "--json")
    assert (second.code, second.json["result"]["bought"]) == (0, 3), second.err
    assert [one["billed_images"] for one in account.requests] == [1, 1, 1, 1]
    assert set(workspace.plan().values()) == {"cached"}


def test_of_counted_frames_any_number_is_complete(workspace: Workspace, account: Account) -> None:
    head = BOARD.partition("  board:")[0]
    board(workspace, head + "  mood: {prompt: 'Generate 4 separate images of lamps', sequence: {max_images: 4}}\n")
    account.faults({"do": "fewer", "count": 2})
    assert workspace.run("build").code == 0
    states = workspace.plan()
    assert states == {"who": "cached", **{f"mood#{number}": "cached" for number in range(1, 5)}}
    assert workspace.run("build").code == 0
    assert [one["billed_images"] for one in account.requests] == [2]
    status = workspace.run("status").out
    assert "2  up to date" in status, "what was never made is no picture that is there"
    assert status.startswith("film · 2 pictures"), status
    told = workspace.run("-v", "plan").out
    assert "the service made 2, which is complete" in told, "with -v it is said of each"
    workspace.edit("seedpipe.yaml", "images:\n", "images:\n  new: {prompt: A lamp.}\n")
    assert "mood#* ×2 of 4" in workspace.run("plan").out
    workspace.edit(
        "seedpipe.yaml", "  new: {prompt: A lamp.}", "  new: {prompt: 'Like {{ refs.a }}.', references: {a: mood#4}}"
    )
    told = " ".join(workspace.run("plan").out.split())
    assert "blocked new mood#4 was not made, which is complete; `seedpipe build 'mood#4'`" in told, told
    account.faults()
    for target in ("new", "+new", "mood"):
        assert workspace.plan(target)["mood#4"] == "cached", "a complete sequence is so for each who asks"
    told = " ".join(workspace.run("plan", "mood#4").out.split())
    assert "make mood#4 named itself, although the 2 that came are complete" in told, told
    assert workspace.run("build", "mood#4").code == 0
    assert workspace.plan()["new"] == "make", "the cure works"


def test_whoever_needs_one_of_counted_frames_does_not_end_the_sequence(workspace: Workspace, account: Account) -> None:
    text = "  mood: {prompt: 'Generate 3 separate images of lamps', sequence: {max_images: 3}}\n"
    text += "  new: {prompt: 'Like {{ refs.a }}.', references: {a: mood#2}}\n"
    board(workspace, BOARD.partition("  board:")[0] + text)
    assert workspace.run("build", "new").code == 0
    assert [one["billed_images"] for one in account.requests] == [3, 1]
    assert workspace.run("build").code == 0
    assert len(account.requests) == 2


def test_a_long_sequence_is_a_chain_that_carries_two_frames(workspace: Workspace, account: Account) -> None:
    frames = "".join(f"        - {{id: f{number:02}, prompt: 'Shot {number}'}}\n" for number in range(1, 19))
    head, _, _ = BOARD.partition("        - {id: wide")
    board(workspace, head + frames)
    plan = workspace.run("plan", "--json").json
    assert plan["cost"] == {"low": "0.04 USD", "expected": "0.72 USD", "high": "0.72 USD"}
    assert workspace.run("build").code == 0
    first, second = account.requests
    assert (first["billed_images"], second["billed_images"]) == (14, 4)
    assert (len(first["references"]), len(second["references"])) == (1, 3)
    lock = (workspace.folder / ".seedpipe/proof/seedpipe.lock").read_text()
    assert '@resolved/frames/18+1 "14,4"' in lock
    assert set(workspace.plan().values()) == {"cached"}


def test_frames_that_are_shown_as_references_are_in_the_price_where_references_cost(
    workspace: Workspace, live: Gateway
) -> None:
    """Neighbours of a frame that is bought alone, and what a chain's next request carries."""
    workspace.environ |= {"SEEDPIPE_BASE_URL": live.base_url, "XDG_CONFIG_HOME": str(workspace.folder / "config")}
    workspace.write("config/seedpipe/config.yaml", "catalogue: [own.yaml]\n")
    price = "{image: 0.04 USD, further_input: 0.01 USD, date: 2026-11-01, source: me}"
    own = f"providers: {{apiyi: {{models: {{seedream-4-5-251128: {{price: {price}}}}}}}}}\n"
    workspace.write("config/seedpipe/own.yaml", own)
    frames = ", ".join(f"{{id: f{number:02}, prompt: Shot {number}}}" for number in range(1, 17))
    text = BOARD.partition("  board:")[0] + f"  board: {{references: [who], sequence: {{frames: [{frames}]}}}}\n"
    board(workspace, text)
    planned = workspace.run("plan", "--json").json["cost"]
    assert planned["high"] == "0.68 USD", "14 at 0.04, and two that carry two frames more"
    ran = workspace.run("build", "--yes", "--max-cost", "0.68", "--json")
    assert (ran.code, ran.json["result"]["bought"]) == (0, 16), ran.err
    assert workspace.run("spend", "--json").json["totals"][0]["charged"] + " USD" == planned["high"]
    workspace.edit("seedpipe.yaml", "prompt: Shot 5}", "prompt: Another shot}")
    planned = workspace.run("plan", "--json").json["cost"]
    assert set(planned.values()) == {"0.06 USD"}, "its two neighbours"
    assert workspace.run("build", "--yes", "--max-cost", "0.06").code == 0


def test_a_frame_explains_itself(workspace: Workspace) -> None:
    board(workspace)
    said = workspace.run("explain", "board#wide", "--proof").out
    assert "  prompt      Wide, the workshop at dawn\n  shared      Noir film, the watchmaker of image 1.\n" in said
    assert "  frame       1 of 3 of board\n  caption     05:40\n  duration    2.5 s\n" in said
    assert "  bought      by one request with others of its sequence\n  made from   image 1   who  cached\n" in said
    assert workspace.run("build").code == 0
    workspace.edit("seedpipe.yaml", "hands on the lamp", "hands on the brass lamp")
    said = workspace.run("explain", "board#hands", "--proof").out
    assert "  prompt      Close, hands on the {+brass +}lamp\n" in said
    assert "  bought      alone, beside board#wide and board#face\n" in said
