"""Its life: starting, limits, billing what nobody waits for, stopping, starting again."""

import asyncio
import base64
import re
import signal
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest

from seedpipe.emulator.ledger import Ledger
from tests.emulator.running import KEY, Running, data_url, emulator, opened, order, picture


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("server")


def test_hanging_up_does_not_save_money(folder: Path) -> None:
    with emulator(folder) as running:
        running.scenario({"do": "latency", "seconds": 1.5})
        with pytest.raises(httpx.ReadTimeout):
            running.post(order(), timeout=0.1)
        assert running.last()["billed_images"] == 0
        assert running.last()["outcome"] == "running"
        entry = running.wait_until_billed(1)
        assert entry["images"][0]["downloads"] == 0
        with (
            pytest.raises(httpx.ReadTimeout),
            running.http.stream("POST", "/v1/images/generations", json=order(stream=True), headers=KEY, timeout=0.1),
        ):
            pass
        running.wait_until_billed(1)
        deadline = time.monotonic() + 30
        while running.last()["outcome"] != "made":
            assert time.monotonic() < deadline
            time.sleep(0.02)


def test_a_restart_keeps_addresses_and_the_ledger(folder: Path) -> None:
    with emulator(folder) as running:
        url = running.make()["data"][0]["url"]
        before = running.http.get(url).content
        origin, ledger = running.origin, running.ledger()
    with emulator(folder) as running:
        assert running.origin == origin  # the same port again, so the signed host still holds
        assert running.http.get(url).content == before
        ledger["requests"][0]["images"][0]["downloads"] = 2
        assert running.ledger() == ledger


def test_sigkill_loses_nothing_that_was_answered(folder: Path) -> None:
    with emulator(folder) as running, ThreadPoolExecutor(8) as pool:
        running.scenario({"do": "latency", "match": "late", "seconds": 60})
        answered = [running.make()["data"][0]["url"] for _ in range(2)]
        late = [pool.submit(running.post, order("late", watermark=False)) for _ in range(4)]
        while running.ledger()["outcomes"].get("running", 0) < 4:
            time.sleep(0.01)
        running.process.kill()
        for future in late:
            with pytest.raises(httpx.HTTPError):
                future.result()
    with emulator(folder) as running:
        assert [running.http.get(url).status_code for url in answered] == [200, 200]
        report = running.ledger()
        assert report["billed_images"] == 2
        assert set(report["outcomes"]) == {"made", "lost"}


def test_addresses_live_as_long_as_told(folder: Path) -> None:
    with emulator(folder, url_life=2) as running:  # counted from a whole second, so it may be 1
        url = fresh(running, lambda: [running.make()["data"][0]["url"]])
        assert "X-Tos-Expires=2&" in url
        deadline = time.monotonic() + 30
        while b"Request has expired" not in running.http.get(url).content:
            assert time.monotonic() < deadline
            time.sleep(0.1)
    ledger = Ledger(folder / "state")
    assert ledger.sweep_older_than(1) <= 1
    assert list((folder / "state/objects").iterdir()) == []
    ledger.close()


def test_the_life_of_an_address_begins_when_it_is_told(folder: Path) -> None:
    """Pictures are drawn at once and told after their time; they must not have lived by then."""
    with emulator(folder, url_life=3) as running, ThreadPoolExecutor(2) as pool:
        running.scenario({"do": "latency", "seconds": 3.3})

        def addresses() -> list[str]:
            answers = pool.map(running.post, [order(), order(stream=True)])
            return [re.findall(r'"url":"([^"]+)"', answer.text)[0] for answer in answers]

        fresh(running, addresses)


def fresh(running: Running, ask: Callable[[], list[str]]) -> str:
    """Asks for addresses until all of them still live; a busy machine may have used up the time of some."""
    for _ in range(5):
        urls = ask()
        if all(running.http.get(url).status_code == 200 for url in urls):
            return urls[0]
    raise AssertionError("no address lives")


def test_images_per_minute(folder: Path) -> None:
    with emulator(folder, ipm=2, minute=2) as running:
        codes = [running.post(order()).status_code for _ in range(3)]
        assert codes == [200, 200, 429]
        assert running.post(order(), headers={"Authorization": "Bearer other"}).status_code == 200
        assert running.post(order(model="seedream-4-5-251128", size="2K")).status_code == 200
        refused = 1
        while running.post(order()).status_code == 429:
            refused += 1
            time.sleep(0.1)
        assert running.ledger()["outcomes"]["refused: ModelAccountIpmRateLimitExceeded"] == refused
        assert refused > 1, "the minute was over at once"


def test_too_many_at_once(folder: Path) -> None:
    with emulator(folder, inflight=2) as running, ThreadPoolExecutor(2) as pool:
        running.scenario({"do": "latency", "match": "late", "seconds": 3})
        two = [pool.submit(running.post, order("late")) for _ in range(2)]
        while running.ledger()["outcomes"].get("running", 0) < 2:
            time.sleep(0.01)
        assert running.post(order()).status_code == 429
        assert [future.result().status_code for future in two] == [200, 200]
        assert running.post(order()).status_code == 200


def test_two_hundred_at_once(folder: Path) -> None:
    """Of every shape at the same time: each is answered with its own pictures, the bill is right, memory is bounded."""
    scan = data_url(picture(900, 700, kind="BMP"), "bmp")  # 2.5 MB on the wire
    photo = data_url(picture(900, 700, kind="JPEG"), "jpeg")  # 0.9 MB where it lies open
    small = {"model": "seedream-3-0-t2i-250415", "size": "512x512"}
    shapes: list[dict[str, Any]] = [
        small,
        small | {"response_format": "b64_json"},
        small,
        {"size": "1280x720", "stream": True, "sequential_image_generation": "auto"},
        {"size": "1280x720", "image": [scan, *[photo] * 9]},
    ]

    async def one(http: httpx.AsyncClient, number: int) -> list[str]:
        """The digests of the pictures that a client got."""
        body = order(f"{number}: Generate 2 separate images", **shapes[number % len(shapes)])
        answer = await http.post("/api/v3/images/generations", json=body, headers=KEY)
        assert answer.status_code == 200, answer.text
        found = re.findall(r'"(url|b64_json)":"([^"]+)"', answer.text)
        datas = [
            base64.b64decode(place) if kind == "b64_json" else (await http.get(place)).content for kind, place in found
        ]
        return [sha256(data).hexdigest() for data in datas]

    async def burst(running: Running) -> list[list[str]]:
        limits = httpx.Limits(max_connections=200)
        async with httpx.AsyncClient(base_url=running.origin, timeout=100, limits=limits, trust_env=False) as http:
            return await asyncio.gather(*(one(http, number) for number in range(200)))

    with emulator(folder, fresh=True, ipm=100_000) as running:
        came = asyncio.run(burst(running))
        report = running.ledger()
        made = {
            int(entry["prompt"].partition(":")[0]): [image["sha256"] for image in entry["images"]]
            for entry in report["requests"]
        }
        assert dict(enumerate(came)) == made  # what each got is what was made for it
        assert report["outcomes"] == {"made": 200}
        assert report["billed_images"] == 240 == len({digest for digests in came for digest in digests})
        addressed = [image for entry in report["requests"] for image in entry["images"] if not entry["inline"]]
        assert {image["downloads"] for image in addressed} == {1}
        assert (
            peak_megabytes(running.process.pid) < 480
        )  # some 130 for one client; 40 fusions at once lie open in 360 more


def peak_megabytes(process: int) -> float:
    status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    return int(re.findall(r"VmHWM:\s+([0-9]+)", status)[0]) / 1024


def test_the_same_words_never_give_the_same_bytes(folder: Path) -> None:
    with emulator(folder) as running:
        urls = [running.make("hills")["data"][0]["url"] for _ in range(2)]
        one, other = (opened(running.http.get(url).content).resize((32, 32)) for url in urls)
        assert one.tobytes() != other.tobytes()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, "stdin"])
def test_stopping_is_quick(folder: Path, how: signal.Signals | str) -> None:
    with emulator(folder, latency=100.0, exit_with_stdin=how == "stdin") as running, ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(running.post, order())
        while not running.ledger()["requests"]:
            time.sleep(0.01)
        if isinstance(how, signal.Signals):
            running.process.send_signal(how)
        else:
            running.process.stdin.close()
        assert running.process.wait(30) == 0, "what is being made takes minutes and is given up"
        with pytest.raises(httpx.HTTPError):
            waiting.result()
    with emulator(folder) as running:
        assert running.ledger()["outcomes"] == {"stopped": 1}


def test_a_taken_port_is_said(folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with (
            pytest.raises(AssertionError, match=f"port {port} of 127.0.0.1 can't be used"),
            emulator(folder, port=port),
        ):
            pass


def test_only_loopback_listens(folder: Path) -> None:
    with emulator(folder) as running:
        port = int(running.origin.rsplit(":", 1)[1])
        listening = [
            line.split()[1] for line in Path("/proc/net/tcp").read_text().splitlines()[1:] if line.split()[3] == "0A"
        ]
        assert [address for address in listening if address.endswith(f":{port:04X}")] == [f"0100007F:{port:04X}"]


def test_a_body_beyond_every_limit(folder: Path) -> None:
    """Refused by its announced length, before a byte of it is read."""
    with emulator(folder) as running:
        with socket.create_connection(("127.0.0.1", int(running.origin.rsplit(":", 1)[1])), timeout=10) as raw:
            lines = ("POST /v1/images/generations HTTP/1.1", "Host: localhost", "Authorization: Bearer k")
            raw.sendall("\r\n".join((*lines, f"Content-Length: {10**10}", "", "")).encode())
            answer = raw.makefile("rb").read(400).decode()  # headers and the first words of the body
        assert answer.startswith("HTTP/1.1 413 ")
        assert "RequestBodyTooLarge" in answer
