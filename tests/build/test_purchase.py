"""The buyer against a real service: what it does where a cap is near, a day turns, or a process has died."""

import asyncio
import contextlib
import json
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from seedpipe.build.claiming import POLL_SECONDS
from seedpipe.build.limiter import Limiter, SqliteBoard
from seedpipe.build.order import Bought, Order, Wanted, WantedPicture
from seedpipe.build.purchase import Buyer
from seedpipe.build.receive import Receiver
from seedpipe.build.report import Report
from seedpipe.canonical import canonical_json, digest_of
from seedpipe.events import BuildStopping, Event, NodeWaiting, RequestSent
from seedpipe.money import Money
from seedpipe.service.client import ServiceClient
from seedpipe.service.download import DownloadPolicy
from seedpipe.state.caps import Cap, CapKind
from seedpipe.state.journal import Journal
from seedpipe.state.requests import Claimed, RequestState
from seedpipe.state.spent import Scope
from seedpipe.state.store import Store
from seedpipe.state.takes import Takes
from tests.state.journals import Clock, begin, cap, intent, open_journal, python
from tests.support.workspace import Service, service

MODEL = "seedream-4-0-250828"
PRICE = Money.parse("0.03 USD")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("service")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(folder))
        patch.setenv("SEEDPIPE_HOME", str(folder))
        with service(folder) as emulator:
            yield emulator


def order(name: str) -> Order:
    """One picture; the faults that its words ask for happen (`emulator:stall`)."""
    prompt = f"A lamp, {name}"
    document = {"prompt": prompt, "model": MODEL}
    body = {"model": MODEL, "prompt": prompt, "size": "1K", "watermark": False, "response_format": "url"}

    async def bytes_of() -> bytes:
        return json.dumps(body).encode()

    key = digest_of(document)
    return Order(
        wanted=Wanted(
            address=name,
            ordinal=1,
            key=key,
            document=canonical_json(document),
            model=MODEL,
            price=PRICE,
            pictures=(WantedPicture(address=name, want=key, document=canonical_json(document)),),
        ),
        timeout=20.0,
        silence=20.0,
        tags=(),
        despite_unknown=False,
        body=bytes_of,
    )


@dataclass
class Shop:
    """A buyer and all that it needs, in one folder, by one clock."""

    folder: Path
    service: Service
    caps: Sequence[Cap] = ()
    clock: Clock = field(default_factory=Clock)
    events: list[Event] = field(default_factory=list)
    waited: asyncio.Event = field(default_factory=asyncio.Event)

    @contextlib.asynccontextmanager
    async def open(self, **changes: Any) -> AsyncIterator[Buyer]:
        journal = open_journal(self.folder, self.clock)
        takes = Takes(self.folder / "takes", arrivals=journal.arrivals)
        report = Report(emit=self.hear, clock=lambda: 0.0)
        board = SqliteBoard(self.folder / "pace.sqlite")
        policy = DownloadPolicy(tries=1)
        async with ServiceClient(self.service.base_url, f"key-{self.folder.name}-0123456789", policy=policy) as client:
            receiver = Receiver(
                journal=journal,
                store=Store(self.folder / "store"),
                takes=takes,
                client=client,
                provider="apiyi",
                report=report,
                api_is_loopback=True,
            )
            limiter = Limiter(board, model=MODEL, limit=500)
            values: dict[str, Any] = {
                "limiter": lambda _model: limiter,
                "stopping": asyncio.Event(),
                "slots": asyncio.Semaphore(8),
            }
            values |= changes
            yield Buyer(
                journal=journal,
                client=client,
                receiver=receiver,
                caps=self.caps,
                run=begin(journal),
                profile=None,
                report=report,
                **values,
            )
        takes.close()
        board.close()
        journal.close()

    def hear(self, event: Event) -> None:
        self.events.append(event)
        if isinstance(event, NodeWaiting):
            self.waited.set()

    @property
    def waits(self) -> list[str]:
        return [event.why for event in self.events if isinstance(event, NodeWaiting)]


@pytest.fixture
def shop(folder: Path, running: Service) -> Shop:
    return Shop(folder, running)


def test_who_asks_for_one_more_gets_one_though_somebody_took_the_number_first(shop: Shop) -> None:
    """Two processes that roll again at one moment read the same next number. Both are paid for, both get a picture."""

    async def scenario() -> list[int]:
        one, other = (replace(order("hero"), anew=True) for _ in range(2))
        async with shop.open() as buyer:
            first, second = await asyncio.gather(buyer.buy(one), buyer.buy(other))
            third = await buyer.buy(replace(one, wanted=replace(one.wanted, address="hero again")))
            taken = [take for bought in (first, second, third) for take in bought.takes.values()]
            assert len({take.digest for take in taken}) == 3
        return sorted(event.take for event in shop.events if isinstance(event, RequestSent))

    numbers = asyncio.run(scenario())
    assert numbers == [1, 2, 3]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "shop"


def outcome(bought: Bought) -> str:
    return bought.missing[0].outcome if 0 in bought.missing else "bought"


def test_what_fits_only_after_the_others_have_settled_waits_for_them(shop: Shop) -> None:
    """Another process holds a reservation, and gives it back."""
    shop.caps = (cap("0.06 USD", CapKind.PROJECT),)

    async def build() -> list[str]:
        async with shop.open() as buyer:
            other = open_journal(shop.folder)
            stalled = other.intend(intent(begin(other), "elsewhere", price=PRICE, images=2), shop.caps)
            assert isinstance(stalled, Claimed)
            waiting = asyncio.create_task(buyer.buy(order("one")))
            await asyncio.wait_for(shop.waited.wait(), timeout=20)
            assert not waiting.done()
            await asyncio.to_thread(other.released, stalled.id, "it was not sent after all")
            other.close()
            return [
                outcome(await waiting),
                outcome(await buyer.buy(order("two"))),
                outcome(await buyer.buy(order("three"))),
            ]

    assert asyncio.run(build()) == ["bought", "bought", "capped"]
    assert shop.waits == ["cap"]


def test_who_waits_for_a_cap_holds_no_slot_and_writes_nothing(shop: Shop) -> None:
    """With one request at a time: what fits is bought meanwhile, and the wait itself leaves no commit."""
    shop.caps = (cap("0.10 USD", CapKind.PROJECT),)

    async def build() -> list[str]:
        async with shop.open(slots=asyncio.Semaphore(1)) as buyer:
            other = open_journal(shop.folder)
            stalled = other.intend(intent(begin(other), "elsewhere", price=PRICE, images=2), ())
            assert isinstance(stalled, Claimed)
            waiting = [asyncio.create_task(buyer.buy(batch(name))) for name in ("one", "two", "three")]
            await asyncio.wait_for(shop.waited.wait(), timeout=20)
            came = [outcome(await asyncio.wait_for(buyer.buy(order("small")), timeout=20))]
            before = commits(shop.folder)
            await asyncio.sleep(4 * POLL_SECONDS)
            assert commits(shop.folder) == before
            assert not any(task.done() for task in waiting)
            await asyncio.to_thread(other.released, stalled.id, "it was not sent after all")
            other.close()
            return [*came, *[outcome(await asyncio.wait_for(task, timeout=20)) for task in waiting]]

    assert asyncio.run(build()) == ["bought", "bought", "capped", "capped"]
    assert shop.waits == ["cap"] * 3


def commits(folder: Path) -> int:
    with contextlib.closing(sqlite3.connect(folder / "journal.sqlite")) as connection:
        return int(connection.execute("SELECT value FROM counter WHERE name = 'writes'").fetchone()[0])


def batch(name: str) -> Order:
    """Two pictures from one request."""
    one = order(name)
    second = replace(one.wanted.pictures[0], address=f"{name}-2", want=digest_of({"second": name}))
    return replace(one, wanted=replace(one.wanted, pictures=(*one.wanted.pictures, second)))


def test_an_abort_while_it_is_written_down_as_sent_leaves_nothing_uncertain(shop: Shop, running: Service) -> None:
    """The second Ctrl-C meets a disk that is busy: what was about to leave has not left, and is let go."""
    before = len(running.ledger()["requests"])

    async def build() -> tuple[RequestState, Money]:
        async with shop.open() as buyer:
            slow = SlowDisk.open(buyer.journal.path, account="acc", clock=shop.clock)
            buyer.journal = buyer.claims.journal = slow
            task = asyncio.create_task(buyer.buy(order("aborted")))
            await asyncio.to_thread(until_there, shop.folder, "sent-*", 1)
            task.cancel()
            await asyncio.sleep(0)
            task.cancel()  # whoever is impatient presses it once more
            (shop.folder / "go on").touch()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            (sent,) = shop.folder.glob("sent-*")
            state = slow.request(sent.name.removeprefix("sent-")).state
            worst = slow.spent(Scope(), "USD").worst
            slow.close()
            return state, worst

    assert asyncio.run(build()) == (RequestState.RELEASED, Money.zero("USD"))
    assert len(running.ledger()["requests"]) == before


def test_nobody_waits_for_a_reservation_that_nothing_will_settle(shop: Shop) -> None:
    """A picture that was paid and could not be fetched keeps its place: what else would fit ends capped, at once."""
    shop.caps = (cap("0.05 USD", CapKind.PROJECT),)

    async def build() -> tuple[Bought, Bought]:
        async with shop.open() as buyer:
            lost = await buyer.buy(order("emulator:download-error"))
            (held,) = buyer.journal.open_requests()
            assert held.state is RequestState.LOCATED
            return lost, await asyncio.wait_for(buyer.buy(order("other")), timeout=20)

    lost, other = asyncio.run(build())
    assert (outcome(lost), lost.missing[0].code) == ("unknown", "not-kept")
    assert outcome(other) == "capped"
    assert "0.03 USD more would pass the cap for the project of 0.05 USD" in other.missing[0].message
    assert shop.waits == []


DIES = """
import os, sys
from pathlib import Path
from tests.state.journals import begin, claim, open_journal
from seedpipe.money import Money
journal = open_journal(Path(sys.argv[1]))
id_ = claim(journal, begin(journal), "elsewhere", price=Money.parse("0.03 USD"))
if sys.argv[2] == "sent":
    journal.sent(id_)
os._exit(9)
"""


@pytest.mark.parametrize(("step", "expected"), [("intended", "bought"), ("sent", "capped")])
def test_what_a_dead_process_reserved_is_judged_not_waited_for(shop: Shop, step: str, expected: str) -> None:
    shop.caps = (cap("0.05 USD", CapKind.PROJECT),)

    async def build() -> str:
        async with shop.open() as buyer:
            process = python(DIES, str(shop.folder), step)
            assert await asyncio.to_thread(process.wait) == 9
            return outcome(await asyncio.wait_for(buyer.buy(order("ours")), timeout=20))

    assert asyncio.run(build()) == expected


class TurningLimiter(Limiter):
    """Leave to send comes only after midnight."""

    clock: Clock

    async def acquire(self, weight: int, **others: Any) -> Any:
        grant = await super().acquire(weight, **others)
        if self.clock.now.day == 24:
            self.clock.now += timedelta(hours=14, minutes=1)
        return grant


@pytest.mark.parametrize("expected", ["bought", "capped"])
def test_a_day_that_turns_while_it_waits_asks_the_caps_of_the_new_day(shop: Shop, folder: Path, expected: str) -> None:
    """Claimed before midnight UTC, sent after it: it counts in the new day, and nothing is left undone."""
    shop.caps = (cap("0.03 USD", CapKind.PER_DAY),)
    folder.mkdir()
    board = SqliteBoard(folder / "turning.sqlite")
    limiter = TurningLimiter(board, model=MODEL, limit=500)
    limiter.clock = shop.clock

    async def build() -> str:
        async with shop.open(limiter=lambda _model: limiter) as buyer:
            if expected == "capped":  # the new day is spent already
                shop.clock.now += timedelta(days=1)
                claimed = buyer.journal.intend(intent(buyer.run, "early", price=PRICE), ())
                assert isinstance(claimed, Claimed)
                buyer.journal.sent(claimed.id)
                buyer.journal.settled(claimed.id, PRICE)
                shop.clock.now -= timedelta(days=1)
            came = outcome(await buyer.buy(order("late")))
            charged = [buyer.journal.spent(Scope(day=f"2026-11-{day}"), "USD") for day in (24, 25)]
            assert charged[0].worst == Money.zero("USD")
            assert charged[1].worst == PRICE
            return came

    assert asyncio.run(build()) == expected
    board.close()


class SlowDisk(Journal):
    """Takes its time to write down that a request leaves: all of them wait for the same moment."""

    def sent(self, request: str) -> None:
        super().sent(request)
        self.path.with_name(f"sent-{request}").touch()
        while not self.path.with_name("go on").exists():
            time.sleep(0.005)


def until_there(folder: Path, pattern: str, count: int) -> None:
    deadline = time.monotonic() + 20
    while len(list(folder.glob(pattern))) < count:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_nothing_leaves_once_the_stop_was_said(shop: Shop, running: Service) -> None:
    """Four requests are written down as sent, and the stop comes before their first byte: they are given back."""
    before = len(running.ledger()["requests"])

    async def build() -> tuple[list[str], list[RequestState]]:
        async with shop.open() as buyer:
            buyer.journal = buyer.claims.journal = SlowDisk.open(buyer.journal.path, account="acc", clock=shop.clock)
            tasks = [asyncio.create_task(buyer.buy(order(f"lamp {number}"))) for number in range(4)]
            await asyncio.to_thread(until_there, shop.folder, "sent-*", 4)
            buyer.stop("interrupted")
            (shop.folder / "go on").touch()
            outcomes = [outcome(await task) for task in tasks]
            states = [
                buyer.journal.request(path.name.removeprefix("sent-")).state for path in shop.folder.glob("sent-*")
            ]
            spent = buyer.journal.spent(Scope(), "USD")
            assert spent.worst == Money.zero("USD"), "no reservation is left"
            buyer.journal.close()
            return outcomes, states

    outcomes, states = asyncio.run(build())
    assert outcomes == ["stopped"] * 4
    assert states == [RequestState.RELEASED] * 4
    assert len(running.ledger()["requests"]) == before, "not one has left"
    assert not [event for event in shop.events if isinstance(event, RequestSent)]
    (stopping,) = [event for event in shop.events if isinstance(event, BuildStopping)]
    assert stopping.in_flight == 0
