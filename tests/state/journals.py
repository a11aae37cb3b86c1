"""Values and helpers for the journal's tests."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from seedpipe.money import Money
from seedpipe.names import Digest, Realm
from seedpipe.state.caps import Cap, CapKind
from seedpipe.state.claims import Outcome
from seedpipe.state.journal import Journal
from seedpipe.state.requests import Claimed, Intent, Located, Picture

PRICE = Money.parse("0.04 USD")
ROOT = Path(__file__).parents[2]


class Clock:
    """A clock that a test turns by hand; each look is a millisecond later."""

    def __init__(self, text: str = "2026-11-24T10:00:00") -> None:
        self.now = datetime.fromisoformat(text).replace(tzinfo=UTC)

    def __call__(self) -> datetime:
        self.now += timedelta(milliseconds=1)
        return self.now


def key(name: str) -> Digest:
    return Digest.of(name.encode())


def open_journal(folder: Path, clock: Clock | None = None) -> Journal:
    return Journal.open(folder / "journal.sqlite", account="acc", clock=clock or Clock())


def begin(journal: Journal) -> str:
    return journal.begin_run(realm=Realm.LIVE, user="ada")


def intent(run: str, name: str = "hero", **changes: Any) -> Intent:
    values: dict[str, Any] = {
        "run": run,
        "request_key": key(name),
        "ordinal": 1,
        "address": name,
        "model": "seedream-4-5-251128",
        "provider": "apiyi",
        "images": 1,
        "price": PRICE,
        "client_request_id": f"c-{name}",
        "document": "{}",
        "body_digest": key("body"),
        "timeout_seconds": 300,
    }
    values |= changes
    values.setdefault("reserved", values["price"] * values["images"])
    return Intent(**values)


def claim(journal: Journal, run: str, name: str = "hero", caps: tuple[Cap, ...] = (), **changes: Any) -> str:
    outcome: Outcome = journal.intend(intent(run, name, **changes), caps)
    assert isinstance(outcome, Claimed), outcome
    return outcome.id


def locate(journal: Journal, request: str, index: int, url: str) -> None:
    """One picture of a stream has its address."""
    journal.located_all(request, (Located(index=index, url=url),), complete=False)


def picture(name: str = "pixels") -> Picture:
    return Picture(digest=key(name), format="jpeg", width=2048, height=2048, bytes=1234, cost=PRICE)


def cap(limit: str, kind: CapKind = CapKind.PROJECT, **where: str) -> Cap:
    return Cap(kind=kind, limit=Money.parse(limit), source="a test", **where)


def python(script: str, *arguments: str) -> subprocess.Popen[str]:
    """Another process that runs `script` with this package at hand."""
    return subprocess.Popen(
        [sys.executable, "-c", script, *arguments],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
