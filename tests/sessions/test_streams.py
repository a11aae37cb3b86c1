"""Frames of a stream as sessions: each is used, written down and safe the moment it comes, whatever happens after."""

import hashlib
import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from seedpipe.state.journal import Journal
from seedpipe.state.requests import Request, RequestState
from tests.support.warm import Started
from tests.support.workspace import Service, Workspace, service

BOARD = """\
seedpipe: 1
project: film
defaults: {model: seedream-4-5, size: 2K}
images:
  who: {file: who.png}
  board:
    prompt: "Noir film, the watchmaker of {{ refs.who }}."
    references: {who: who}
    sequence:
      frames:
        - {id: wide, prompt: "Wide, the workshop at dawn"}
        - {id: hands, prompt: "Close, hands on the lamp"}
        - {id: face, prompt: "Close, the face of {{ refs.who }}"}
  crop: {from: "board#wide", steps: [{resize: 64x}]}
  poster: {prompt: "Poster after {{ refs.a }}", references: {a: "board#wide"}}
"""


@pytest.fixture
def slow(tmp_path: Path) -> Iterator[Service]:
    """An emulator that takes a second or two for a frame."""
    with service(tmp_path / "slow", "--latency", "0.1") as emulator:
        yield emulator


@pytest.fixture
def film(tmp_path: Path, slow: Service) -> Workspace:
    workspace = Workspace(tmp_path / "work", **slow.environ)
    workspace.write("seedpipe.yaml", BOARD)
    Image.new("RGB", (64, 64), (120, 80, 20)).save(workspace.folder / "who.png")
    return workspace


def events(film: Workspace) -> list[dict[str, Any]]:
    """What the build has said so far; a line that is being written is not looked at."""
    file = film.folder / "events.jsonl"
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]


def until(film: Workspace, process: Started, happened: Callable[[dict[str, Any]], bool]) -> None:
    deadline = time.monotonic() + 30
    while not any(happened(event) for event in events(film)):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)


def kept(address: str) -> Callable[[dict[str, Any]], bool]:
    return lambda event: event["event"] == "take_kept" and event["address"] == address


def kill(process: Started) -> None:
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()


def requests(film: Workspace) -> list[Request]:
    """The journal's."""
    (path,) = Path(film.environ["SEEDPIPE_HOME"]).glob("projects/film/proof/journal.sqlite")
    journal = Journal.open(path, account="test")
    try:
        return [journal.request(row.request.id) for row in journal.spend_rows()]
    finally:
        journal.close()


def asked(slow: Service, words: str) -> dict[str, Any]:
    """The one request whose prompt has these words; the poster's may be under way beside it."""
    (one,) = [one for one in slow.ledger()["requests"] if words in one["prompt"]]
    return dict(one)


def sha(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_what_needs_a_frame_starts_when_that_frame_is_there(film: Workspace, slow: Service) -> None:
    ran = film.run("build", "--events", "events.jsonl")
    assert ran.code == 0, ran.err
    order = [(event["event"], event.get("address")) for event in events(film)]
    last = order.index(("take_kept", "board#face"))
    assert order.index(("node_done", "crop")) < last, "a free step on the first frame waits for no other"
    assert order.index(("request_sent", "poster")) < last, "nor does a picture that is bought with it"
    board, poster = slow.ledger()["requests"]
    assert (board["stream"], board["billed_images"], poster["billed_images"]) == (True, 3, 1)


def test_whose_request_a_frame_is_of_is_known_before_the_stream_is_over(film: Workspace, slow: Service) -> None:
    process = film.start("build", "--events", "events.jsonl")
    until(film, process, kept("board#wide"))
    kill(process)
    (one,) = [event for event in events(film) if kept("board#wide")(event)]
    (request,) = [request for request in requests(film) if request.address == "board"]
    assert one["request_id"] == request.request_id is not None
    assert request.state in (RequestState.KEPT, RequestState.LOCATED)
    assert asked(slow, "Generate 3")["outcome"] == "running", "the service is still at it"
    film.run("build")
    entry = next(
        line for line in (film.folder / ".seedpipe/proof/seedpipe.lock").read_text().splitlines()
        if line.startswith("board#wide ")
    )  # fmt: skip
    assert json.loads(entry.partition(" ")[2])["made"]["request_id"] == request.request_id


def test_a_build_that_is_killed_amid_a_stream_keeps_what_came(film: Workspace, slow: Service) -> None:
    process = film.start("build", "--events", "events.jsonl")
    until(film, process, kept("board#hands"))
    kill(process)
    sent = len(slow.ledger()["requests"])

    foreseen = film.plan("--proof")  # before any build has tidied up
    assert [foreseen[f"board#{name}"] for name in ("wide", "hands", "face")] == ["cached", "cached", "unknown"]
    again = film.run("build")
    assert again.code == 75, again.err
    assert "2 of 3 pictures had arrived when the answer broke off" in again.err
    assert film.plan("--proof") | {"poster": ""} == {
        "who": "cached", "board#wide": "cached", "board#hands": "cached", "board#face": "unknown", "crop": "cached",
        "poster": "",
    }  # fmt: skip
    deadline = time.monotonic() + 30
    while (first := asked(slow, "Generate 3"))["outcome"] == "running":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert first["billed_images"] == 3, "the service made them all, and nobody pays twice"
    outputs = film.folder / "build/@proof/board"
    assert [sha(outputs / f"{name}.jpg") for name in ("wide", "hands")] == [
        image["sha256"] for image in first["images"][:2]
    ]
    assert len(slow.ledger()["requests"]) - sent <= 1, "only the poster, if it had not been sent"

    done = film.run("build", "--retry-unknown")
    assert done.code == 0, done.err
    (alone,) = [one for one in slow.ledger()["requests"] if len(one["references"]) == 2]
    assert (alone["billed_images"], alone["stream"]) == (1, False), "the third alone, beside the second"
    assert film.run("build").err.endswith("everything is up to date · nothing was sent\n")


def test_a_frame_that_was_located_when_the_build_was_killed_is_fetched_for_nothing(
    film: Workspace, slow: Service
) -> None:
    slow.faults({"do": "download-error", "match": "Generate 3", "downloads": 2})
    process = film.start("build", "--events", "events.jsonl")
    deadline = time.monotonic() + 30
    while not any(image["downloads"] for one in slow.ledger()["requests"] for image in one["images"]):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.01)
    kill(process)
    (request,) = [request for request in requests(film) if request.address == "board"]
    assert (request.state, request.request_id is not None) == (RequestState.LOCATED, True)

    again = film.run("build")
    assert again.code == 75, again.err
    assert "`board`: a paid picture can be fetched again for nothing" in again.err
    states = film.plan("--proof")
    assert [states[f"board#{name}"] for name in ("wide", "hands", "face")] == ["cached", "unknown", "unknown"]
    assert sha(film.folder / "build/@proof/board/wide.jpg") == asked(slow, "Generate 3")["images"][0]["sha256"]
