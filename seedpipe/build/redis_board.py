"""The pace of an account in Redis, for builds on several machines. Needs the extra `seedpipe[redis]`.

Each change is optimistic: read, decide, write unless somebody wrote meanwhile. The clock is the server's, so that
machines whose clocks differ still share one minute.
"""

import random
import threading
import time
from collections.abc import Callable
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

from seedpipe.build.limiter import IsAlive
from seedpipe.build.pace import GarbledPaceError, Pace
from seedpipe.errors import StateError, UsageError
from seedpipe.state.owners import new_owner_id

_DEAD_AFTER: Final = 60  # seconds without a beat
_TRIES: Final = 500
_TIMEOUT: Final = 5.0
_KEPT_MS: Final = 3_600_000  # longer than any request may take
_Result = TypeVar("_Result")


class RedisBoard:
    """`account` names the account on every machine alike (`state.home.shared_account_of`)."""

    def __init__(self, url: str, *, account: str, beat_seconds: float = 10.0) -> None:
        """Connects. Raises `UsageError` for a bad URL or without the extra, `StateError` if nobody answers."""
        try:
            import redis
        except ModuleNotFoundError as error:
            raise UsageError(
                "sharing limits through Redis needs a library that is not installed",
                hint="`pip install 'seedpipe[redis]'`",
            ) from error
        self._redis: Any = redis
        self._beat_seconds = beat_seconds
        self._shown = _without_password(url)
        self._prefix = f"seedpipe:{account}"
        self.owner = new_owner_id()
        self._closed = threading.Event()
        self._beating: threading.Thread | None = None
        self._guard = threading.Lock()
        try:
            self._client = redis.Redis.from_url(
                url, socket_timeout=_TIMEOUT, socket_connect_timeout=_TIMEOUT, decode_responses=True
            )
        except ValueError as error:
            raise UsageError(f"`{self._shown}` is no Redis URL: {error}", hint="like `redis://host:6379/0`") from error
        self._said_by_redis(self._client.ping)

    def update(
        self, model: str, limit: int, window_ms: int, operation: Callable[[Pace, int, IsAlive], _Result]
    ) -> _Result:
        self._begin_beating()
        key = f"{self._prefix}:pace:{model}"
        return self._said_by_redis(lambda: self._try_update(key, limit, window_ms, operation))

    def close(self) -> None:
        """Ends the beat: what this process has under way counts no longer."""
        self._closed.set()
        if self._beating is not None:
            self._beating.join()
            self._beating = None
        try:
            self._client.delete(self._owner_key(self.owner))
            self._client.close()
        except self._redis.RedisError:
            return  # it is forgotten after a minute without a beat

    def _try_update(
        self, key: str, limit: int, window_ms: int, operation: Callable[[Pace, int, IsAlive], _Result]
    ) -> _Result:
        pipe: Any  # the library's own types leave its pipelines out
        with self._client.pipeline() as pipe:
            for attempt in range(_TRIES):
                try:
                    pipe.watch(key)
                    text = pipe.get(key)
                    seconds, micros = pipe.time()
                    pace = Pace.from_json(text, limit, window_ms) if text else Pace(limit, window_ms)
                    result = operation(
                        pace,
                        seconds * 1000 + micros // 1000,
                        lambda owner: bool(pipe.exists(self._owner_key(owner))),
                    )
                    pipe.multi()
                    pipe.set(key, pace.to_json(), px=_KEPT_MS)
                    pipe.execute()
                    return result
                except self._redis.WatchError:
                    time.sleep(random.random() * 0.001 * min(attempt + 1, 20))  # noqa: S311 - spreads those who collide
        raise StateError(
            f"the limits at `{self._shown}` are written by too many at once",
            hint="build again with fewer requests at once, like `-j 4`",
        )

    def _begin_beating(self) -> None:
        with self._guard:
            if self._beating is None and not self._closed.is_set():
                self._said_by_redis(self._beat)
                self._beating = threading.Thread(target=self._keep_beating, name="redis-beat", daemon=True)
                self._beating.start()

    def _keep_beating(self) -> None:
        while not self._closed.wait(self._beat_seconds):
            try:
                self._beat()
            except self._redis.RedisError:
                continue  # the next update says it, or the next beat gets through

    def _beat(self) -> None:
        self._client.set(self._owner_key(self.owner), 1, ex=_DEAD_AFTER)

    def _owner_key(self, owner: str) -> str:
        return f"{self._prefix}:owner:{owner}"

    def _said_by_redis(self, operation: Callable[[], _Result]) -> _Result:
        try:
            return operation()
        except (self._redis.RedisError, GarbledPaceError) as error:
            raise StateError(
                f"the limits at `{self._shown}` can't be used: {error}",
                hint="is the server up? without `SEEDPIPE_REDIS_URL` the limits hold for this machine alone",
            ) from error


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=host, query="").geturl()
