"""One emulator for all sessions of a worker; each test is another account at it, with faults of its own."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from seedpipe.emulator.identity import key_hash
from tests.support.relay import Gateway, gateway
from tests.support.workspace import Service, Workspace, shared_service


@dataclass(frozen=True)
class Account:
    """One key at the emulator."""

    service: Service
    key: str

    @property
    def environ(self) -> dict[str, str]:
        return {"SEEDPIPE_BASE_URL": self.service.base_url, "SEEDPIPE_API_KEY": self.key}

    @property
    def requests(self) -> list[dict[str, Any]]:
        """What this account asked for, in order of arrival: `prompt`, `outcome`, `billed_images` …"""
        return [one for one in self.service.ledger()["requests"] if one["key_hash"] == key_hash(self.key)]

    @property
    def prompts(self) -> list[str]:
        return [str(one["prompt"]) for one in self.requests]

    def faults(self, *faults: dict[str, Any]) -> None:
        """From now on these happen, and no others."""
        self.service.faults(*faults)


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with shared_service(tmp_path_factory.mktemp("service")) as emulator:
        yield emulator


@pytest.fixture
def account(running: Service, tmp_path: Path) -> Account:
    one = Account(running, f"key-{tmp_path.name}-0123456789")
    one.faults()
    return one


@pytest.fixture
def live(running: Service, account: Account) -> Iterator[Gateway]:
    """A server that doesn't say it is an emulator: everything through it is live."""
    with gateway(running.base_url) as relay:
        yield relay


@pytest.fixture
def workspace(tmp_path: Path, account: Account) -> Workspace:
    """A folder whose commands talk to the emulator as `account`."""
    return Workspace(tmp_path / "work", **account.environ)


def bought(workspace: Workspace, live: Gateway, text: str, *flags: str) -> Workspace:
    """With the manifest `text`, all of it bought live by Mika."""
    workspace.environ |= {"SEEDPIPE_BASE_URL": live.base_url, "GIT_AUTHOR_NAME": "Mika"}
    workspace.write("seedpipe.yaml", text)
    ran = workspace.run("build", "--yes", "--max-cost", "1", *flags)
    assert ran.code == 0, ran.err
    return workspace


def manifest(*images: str, head: str = "") -> str:
    """A small project: `images` are lines below `images:`."""
    lines = "".join(f"  {line}\n" for line in images)
    return f"seedpipe: 1\nproject: lamps\ndefaults: {{model: seedream-4-0, size: 1K}}\n{head}images:\n{lines}"
