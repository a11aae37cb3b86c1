"""The pace of an account that several machines share, on a real redis-server."""

import asyncio
import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from seedpipe.build.limiter import Limiter
from seedpipe.build.pace import FIRST, Grant, Wait
from seedpipe.build.redis_board import RedisBoard
from seedpipe.errors import StateError, UsageError
from tests.state.journals import python
from tests.support.redis import redis_server


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with redis_server(tmp_path_factory.mktemp("redis")) as address:
        yield address


@pytest.fixture
def account(tmp_path: Path) -> str:
    return tmp_path.name


def test_what_one_machine_takes_the_other_has_not(url: str, account: str) -> None:
    one, other = RedisBoard(url, account=account), RedisBoard(url, account=account)
    here, there = (Limiter(board, model="m", limit=10) for board in (one, other))
    grant = here.try_acquire(8)
    assert isinstance(grant, Grant)
    waiting = there.try_acquire(3)
    assert isinstance(waiting, Wait)
    assert 59_000 < waiting.ms <= 60_001
    asyncio.run(here.end(grant, refund=6))
    assert isinstance(there.try_acquire(8), Grant)
    assert isinstance(Limiter(one, model="another", limit=10).try_acquire(10), Grant)
    assert isinstance(Limiter(RedisBoard(url, account=f"{account}-2"), model="m", limit=10).try_acquire(10), Grant)
    here.pause(30)
    paused = Limiter(other, model="m", limit=500).try_acquire(1)
    assert isinstance(paused, Wait)
    assert 29_000 < paused.ms <= 30_000
    one.close()
    other.close()


def test_requests_of_a_machine_that_died_are_forgotten(url: str, account: str) -> None:
    dead, living = RedisBoard(url, account=account), RedisBoard(url, account=account)
    for _ in range(FIRST):
        assert isinstance(Limiter(dead, model="m", limit=500).try_acquire(1), Grant)
    limiter = Limiter(living, model="m", limit=500)
    assert limiter.try_acquire(1) == Wait(ms=0)
    with redis.Redis.from_url(url) as client:
        (beat,) = client.keys(f"seedpipe:{account}:owner:{dead.owner}")
        assert 0 < client.ttl(beat) <= 60
        client.delete(beat)  # as after a minute without a sign of life
    assert isinstance(limiter.try_acquire(1), Grant)
    dead.close()
    living.close()


ASK = """
import asyncio, json, sys, time
from seedpipe.build.limiter import Limiter
from seedpipe.build.redis_board import RedisBoard
async def main():
    board = RedisBoard(sys.argv[1], account=sys.argv[2])
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


def test_four_processes_share_one_limit(url: str, account: str) -> None:
    processes = [python(ASK, url, account) for _ in range(4)]
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


def test_a_server_that_went_away_is_named_without_its_password(tmp_path: Path) -> None:
    with redis_server(tmp_path / "redis") as url:
        board = RedisBoard(url, account="a")
        limiter = Limiter(board, model="m", limit=10)
        assert isinstance(limiter.try_acquire(1), Grant)
    with pytest.raises(StateError, match=r"the limits at `redis://127\.0\.0\.1:\d+/0` can't be used"):
        limiter.try_acquire(1)
    board.close()
    with pytest.raises(StateError) as failed:
        RedisBoard(url.replace("redis://", "redis://someone:s3cret@"), account="a")
    assert "s3cret" not in str(failed.value)


def test_what_is_no_url_is_said() -> None:
    with pytest.raises(UsageError, match="is no Redis URL"):
        RedisBoard("http://127.0.0.1", account="a")


def test_a_garbled_pace_is_not_taken_for_none(url: str, account: str) -> None:
    board = RedisBoard(url, account=account)
    with redis.Redis.from_url(url) as client:
        client.set(f"seedpipe:{account}:pace:m", '{"format": 1, "next": "x"}')
    with pytest.raises(StateError, match="garbled"):
        Limiter(board, model="m", limit=10).try_acquire(1)
    board.close()


def test_a_machine_that_is_at_work_goes_on_beating(url: str, account: str) -> None:
    board = RedisBoard(url, account=account, beat_seconds=0.02)
    assert isinstance(Limiter(board, model="m", limit=10).try_acquire(1), Grant)
    with redis.Redis.from_url(url) as client:
        key = f"seedpipe:{account}:owner:{board.owner}"
        client.delete(key)
        deadline = time.monotonic() + 10
        while not client.exists(key):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        board.close()
        assert not client.exists(key)
