"""One emulator for all kills of a worker; each kill is another account at it, and another project."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.crash.kills import Scene
from tests.sessions.conftest import Account
from tests.support.workspace import Service, Workspace, shared_service


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with shared_service(tmp_path_factory.mktemp("service"), "--ipm", "100000") as emulator:
        yield emulator


@pytest.fixture
def new_scene(running: Service, tmp_path: Path) -> Callable[[str], Scene]:
    """A fresh project by name."""

    def new(name: str) -> Scene:
        home = tmp_path / name / "home"
        account = Account(running, f"key-{tmp_path.name}-{name}-0123456789")
        workspace = Workspace(tmp_path / name / "work", **account.environ, SEEDPIPE_HOME=str(home))
        scene = Scene(workspace, account, home)
        scene.write()
        return scene

    return new
