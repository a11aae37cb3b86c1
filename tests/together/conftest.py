"""Processes that spend at the same time: one emulator, and a gateway before it that makes everything live."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sessions.conftest import Account
from tests.support.relay import quiet_relay
from tests.support.workspace import Service, Workspace, shared_service


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with shared_service(tmp_path_factory.mktemp("service"), "--ipm", "100000") as emulator:
        yield emulator


@pytest.fixture
def account(running: Service, tmp_path: Path) -> Iterator[Account]:
    one = Account(running, f"key-{tmp_path.name}-0123456789")
    one.faults()
    yield one
    one.faults()


@pytest.fixture
def live(account: Account, tmp_path: Path) -> Iterator[Workspace]:
    """A project whose builds are live. Its user's settings are in `settings/seedpipe/config.yaml` beside it."""
    with quiet_relay(account.service.base_url) as relay:
        yield Workspace(
            tmp_path / "work",
            SEEDPIPE_BASE_URL=relay.base_url,
            SEEDPIPE_API_KEY=account.key,
            XDG_CONFIG_HOME=str(tmp_path / "settings"),
        )
