"""What is Redis' own about a pace that several machines share (`test_boards` has what any board keeps to)."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from seedpipe.build.limiter import Limiter
from seedpipe.build.pace import FIRST, Grant, Wait
from seedpipe.build.redis_board import RedisBoard
from seedpipe.errors import StateError, UsageError
from tests.support.redis import redis_server


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with redis_server(tmp_path_factory.mktemp("redis")) as address:
        yield address


@pytest.fixture
def account(tmp_path: Path) -> str:
    return tmp_path.name


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
        deadline = time.monotonic() + 30
        while not client.exists(key):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        board.close()
        assert not client.exists(key)
