"""How fast a build asks: an account that allows little at once, a minute that machines share, a Redis that is gone."""

import signal
import time
from contextlib import AbstractContextManager
from pathlib import Path

from tests.sessions.conftest import manifest
from tests.support.redis import redis_server
from tests.support.relay import Gateway, gateway
from tests.support.workspace import Service, Workspace, service

FORTY = manifest("lamp: {matrix: {n: " + str([str(n) for n in range(40)]) + "}, prompt: 'Lamp {{ n }}'}")


def test_an_account_that_allows_three_at_once_is_found_out_soon(tmp_path: Path) -> None:
    with service(tmp_path / "service", "--inflight", "3", "--latency", "0.02") as emulator:
        workspace = Workspace(tmp_path / "work", **emulator.environ)
        workspace.write("seedpipe.yaml", FORTY)
        ran = workspace.run("build", "-j", "16", "--json")
        assert (ran.code, ran.json["result"]["bought"]) == (0, 40), ran.err
        requests = emulator.ledger()["requests"]
    refused = [one for one in requests if one["outcome"] != "made"]
    assert sum(one["billed_images"] for one in requests) == 40
    assert refused, "eight at once were too many"
    assert len(refused) <= 24, f"{len(refused)} of {len(requests)} requests were refused"


EIGHT = manifest("lamp: {matrix: {n: [a, b, c, d, e, f, g, h]}, prompt: 'Lamp {{ n }}'}")
TWELVE_A_MINUTE = "models: {seedream-4-0-250828: {images_per_minute: 12}}\n"


def test_machines_share_a_minute_through_redis(tmp_path: Path) -> None:
    """Each has a home of its own, as on two machines; together they take no more than the minute of one account."""
    with redis_server(tmp_path / "redis") as url, service(tmp_path / "s") as emulator, live(emulator) as relay:
        one, two = (machine(tmp_path / name, relay, SEEDPIPE_REDIS_URL=url) for name in ("one", "two"))
        first = one.run("build", "--yes", "--json")
        assert (first.code, first.json["result"]["bought"]) == (0, 8), first.err
        second = two.start("build", "--yes", "--events", "events.jsonl")
        deadline = time.monotonic() + 60
        while len(relay.prompts) < 12 or "node_waiting" not in (two.folder / "events.jsonl").read_text():
            assert time.monotonic() < deadline, relay.prompts
            time.sleep(0.05)
        time.sleep(0.3)
        second.send_signal(signal.SIGINT)
        _, err = second.communicate(timeout=60)
        assert second.returncode == 130, err
        assert len(relay.prompts) == 12
        assert two.run("status", "--json").json["uncertain"] == [], "who waited for leave has sent nothing"


def test_a_redis_that_is_gone_is_said_and_nothing_is_sent(tmp_path: Path) -> None:
    with service(tmp_path / "s") as emulator, live(emulator) as relay:
        with redis_server(tmp_path / "redis") as url:
            pass
        workspace = machine(tmp_path / "one", relay, SEEDPIPE_REDIS_URL=url)
        ran = workspace.run("build", "--yes")
        assert ran.code == 1
        said = " ".join(ran.err.split())
        assert f"the limits at `{url}` can't be used" in said
        assert "without `SEEDPIPE_REDIS_URL` the limits hold for this machine alone" in said
        assert relay.prompts == []
        again = workspace.run("build", "--yes", "--json", SEEDPIPE_REDIS_URL="")
        assert (again.code, again.json["result"]["bought"]) == (0, 8), again.err


def live(emulator: Service) -> AbstractContextManager[Gateway]:
    return gateway(emulator.base_url)


def machine(folder: Path, relay: Gateway, **environ: str) -> Workspace:
    """A computer of a colleague: its own home and settings, the same account."""
    workspace = Workspace(
        folder / "work",
        SEEDPIPE_BASE_URL=relay.base_url,
        SEEDPIPE_API_KEY="test-key-0123456789",
        SEEDPIPE_HOME=str(folder / "home"),
        XDG_CONFIG_HOME=str(folder / "config"),
        **environ,
    )
    workspace.write("seedpipe.yaml", EIGHT)
    workspace.write("../config/seedpipe/config.yaml", "budget: {per_build: 5 USD}\ncatalogue: [limits.yaml]\n")
    workspace.write("../config/seedpipe/limits.yaml", TWELVE_A_MINUTE)
    return workspace
