"""Where the pace of an account is kept: in its folder on this machine, or in the Redis that the user names."""

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from seedpipe.build.limiter import Board, Limiter, SqliteBoard
from seedpipe.build.redis_board import RedisBoard
from seedpipe.names import Realm
from seedpipe.project.project import Project
from seedpipe.project.trust import Endpoint
from seedpipe.state.home import account_folder, home_folder, shared_account_of

REDIS_VARIABLE = "SEEDPIPE_REDIS_URL"


@contextlib.contextmanager
def open_limiters(project: Project, account: str, endpoint: Endpoint) -> Iterator[Callable[[str], Limiter]]:
    """A limiter for each model, all on one board that is opened with the first and closed in the end."""
    made: dict[str, Limiter] = {}
    with contextlib.ExitStack() as stack:
        board: Board | None = None

        def limiter(model: str) -> Limiter:
            nonlocal board
            if board is None:
                board = _board(project, account, endpoint)
                stack.callback(board.close)
            if model not in made:
                limit = project.catalogue.model(model, project.provider).images_per_minute
                made[model] = Limiter(board, model=model, limit=limit)
            return made[model]

        yield limiter


def _board(project: Project, account: str, endpoint: Endpoint) -> Board:
    url = os.environ.get(REDIS_VARIABLE) or project.settings.redis
    if url and project.realm is Realm.LIVE:  # each proof has an emulator of its own: there is nothing to share
        return RedisBoard(url, account=shared_account_of(endpoint.base_url, endpoint.key))
    folder: Path = account_folder(home_folder(os.environ), account)
    return SqliteBoard(folder / "pace.sqlite")
