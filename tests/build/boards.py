"""Where the pace of an account stands: a file of this machine, or a server that several share. Both keep one contract."""

from dataclasses import dataclass
from pathlib import Path

from seedpipe.build.limiter import SqliteBoard
from seedpipe.build.redis_board import RedisBoard


@dataclass(frozen=True)
class Shared:
    """One of the two, by the words from which any process can open it."""

    kind: str
    place: str  # a folder, or the server's URL

    def board(self, account: str) -> SqliteBoard | RedisBoard:
        if self.kind == "redis":
            return RedisBoard(self.place, account=account)
        return SqliteBoard(Path(self.place) / f"{account}.sqlite")
