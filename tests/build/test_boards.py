"""What holds wherever the pace of an account stands, over real files and a real redis-server."""

import asyncio
import contextlib
import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from seedpipe.build.limiter import Limiter
from seedpipe.build.pace import Grant, Wait
from tests.build.boards import Shared
from tests.state.journals import python
from tests.support.redis import redis_server


@pytest.fixture(scope="module", params=["file", "redis"])
def shared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shared]:
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "file":
        yield Shared("file", str(folder))
        return
    with redis_server(folder) as url:
        yield Shared("redis", url)


@pytest.fixture
def account(tmp_path: Path) -> str:
    return tmp_path.name


def waited(found: Grant | Wait) -> int:
    """Milliseconds."""
    assert isinstance(found, Wait), "it was granted"
    return found.ms


def test_what_one_takes_the_other_has_not(shared: Shared, account: str) -> None:
    with contextlib.closing(shared.board(account)) as one, contextlib.closing(shared.board(account)) as other:
        here, there = (Limiter(board, model="m", limit=10) for board in (one, other))
        grant = here.try_acquire(8)
        assert isinstance(grant, Grant)
        assert 30_000 < waited(there.try_acquire(3)) <= 60_001
        asyncio.run(here.end(grant, refund=6))
        assert isinstance(there.try_acquire(8), Grant)
        assert waited(there.try_acquire(1)) > 30_000


def test_models_and_accounts_are_apart(shared: Shared, account: str) -> None:
    with contextlib.closing(shared.board(account)) as one, contextlib.closing(shared.board(f"{account}-2")) as other:
        assert isinstance(Limiter(one, model="m", limit=10).try_acquire(10), Grant)
        assert isinstance(Limiter(one, model="another", limit=10).try_acquire(10), Grant)
        assert isinstance(Limiter(other, model="m", limit=10).try_acquire(10), Grant)


def test_a_pause_holds_for_all_and_only_grows(shared: Shared, account: str) -> None:
    with contextlib.closing(shared.board(account)) as one, contextlib.closing(shared.board(account)) as other:
        here, there = (Limiter(board, model="m", limit=500) for board in (one, other))
        here.pause(30)
        assert 15_000 < waited(there.try_acquire(1)) <= 30_000
        there.pause(5)
        assert waited(here.try_acquire(1)) > 10_000
        there.pause(90)
        assert 60_000 < waited(here.try_acquire(1)) <= 90_000


ASK = """
import asyncio, json, sys, time
from seedpipe.build.limiter import Limiter
from tests.build.boards import Shared
async def main():
    board = Shared(*sys.argv[1:3]).board(sys.argv[3])
    limiter = Limiter(board, model="m", limit=20, window_ms=500)
    print("ready", flush=True); sys.stdin.readline()
    granted = []
    async def ask(weight):
        for _ in range(4):
            before = time.time()
            grant = await limiter.acquire(weight)
            granted.append((before, time.time(), weight))
            await limiter.end(grant)
    await asyncio.gather(*(ask(weight) for weight in (1, 2, 3)))
    board.close()
    print(json.dumps(granted), flush=True)
asyncio.run(main())
"""


def test_four_processes_share_one_limit(shared: Shared, account: str) -> None:
    processes = [python(ASK, shared.kind, shared.place, account) for _ in range(4)]
    for process in processes:
        assert process.stdout and process.stdout.readline() == "ready\n"
    started = time.time()
    for process in processes:
        assert process.stdin
        process.stdin.write("\n")
        process.stdin.flush()
    grants = [grant for process in processes for grant in json.loads(process.communicate()[0])]
    total = sum(weight for _, _, weight in grants)
    assert total == 4 * 4 * 6
    assert time.time() - started >= (total / 20 - 1) * 0.5, "faster than the limit allows"
    for _, start, _ in grants:  # certainly granted inside the window: asked for after its start, had before its end
        assert sum(w for asked, had, w in grants if asked >= start and had <= start + 0.5) <= 20
