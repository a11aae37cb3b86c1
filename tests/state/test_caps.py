"""The arithmetic of caps: any order of buying, settling, losing and resolving, over days and months of a clock by hand."""

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from seedpipe.money import Money
from seedpipe.state.caps import Cap, CapKind, CapReached, Origin
from seedpipe.state.journal import Journal
from seedpipe.state.requests import Claimed, DayTurnedError, FrameOf
from seedpipe.state.wallet import Wallet
from tests.state.conftest import MEMORY
from tests.state.journals import Clock, begin, intent, key

CENT = Money.parse("0.01 USD")
PROJECTS = ("one", "two")


@dataclass(frozen=True)
class Bought:
    """What the model remembers of a request; money in cents."""

    project: str
    run: str
    addresses: tuple[str, ...]
    price: int
    day: str
    state: str = "intended"
    charge: int = 0

    @property
    def counts(self) -> int:
        return self.charge if self.state == "settled" else 0 if self.state == "released" else self.reserved

    @property
    def reserved(self) -> int:
        return self.price * len(self.addresses)

    def counts_for(self, address: str) -> int:
        """Each picture of a batch has the same price here, and a charge is for all of them or for none."""
        return self.counts * self.addresses.count(address) // len(self.addresses)


@dataclass
class Model:
    requests: dict[str, Bought] = field(default_factory=dict)

    def used(self, cap: Cap, project: str, run: str, address: str, day: str) -> int:
        """What counts for a cap, written down without looking at the tables."""
        total = 0
        for one in self.requests.values():
            here = one.project == project or cap.over_all_projects
            match cap.kind:
                case CapKind.PER_RUN:
                    total += one.counts if one.run == run else 0
                case CapKind.PER_NODE:
                    total += one.counts_for(address) if here else 0
                case CapKind.PER_DAY:
                    total += one.counts if here and one.day == day else 0
                case CapKind.PER_MONTH:
                    total += one.counts if here and one.day[:7] == day[:7] else 0
                case CapKind.PROJECT:
                    total += one.counts if here else 0
        return total

    def fits(self, caps: Sequence[Cap], asked: Bought) -> bool:
        for cap in caps:
            limit = cap.limit.micros // CENT.micros
            each = asked.addresses if cap.kind is CapKind.PER_NODE else ("",)
            part = asked.price if cap.kind is CapKind.PER_NODE else asked.reserved
            if any(self.used(cap, asked.project, asked.run, one, asked.day) + part > limit for one in each):
                return False
        return True


CAPS = st.lists(
    st.builds(
        lambda kind, cents, origin: Cap(kind=kind, limit=CENT * cents, source="a test", origin=origin),
        st.sampled_from(CapKind),
        st.integers(0, 30),
        st.sampled_from(Origin),
    ),
    min_size=1,
    max_size=4,
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("buy"), st.sampled_from(PROJECTS), st.integers(1, 3), st.integers(1, 4)),
        st.tuples(
            st.sampled_from(["send", "settle", "lose", "release", "paid", "not paid", "back"]), st.integers(0, 30)
        ),
        st.tuples(st.just("wait"), st.integers(1, 40)),
        st.tuples(st.just("run"), st.sampled_from(PROJECTS)),
    ),
    min_size=4,
    max_size=40,
)


@contextmanager
def journals(clock: Clock) -> Iterator[dict[str, Journal]]:
    home = Path(tempfile.mkdtemp(dir=MEMORY if MEMORY.is_dir() else None))
    opened = {}
    for name in PROJECTS:
        path = home / "projects" / name / "live" / "journal.sqlite"
        opened[name] = Journal.open(path, account="acc", clock=clock, wallet=Wallet(home, path))
    try:
        yield opened
    finally:
        for journal in opened.values():
            journal.close()
        shutil.rmtree(home)


@given(CAPS, STEPS)
@settings(max_examples=150, deadline=None)
def test_a_claim_is_made_exactly_where_it_fits_and_no_cap_is_ever_passed(
    caps: list[Cap], steps: list[tuple[object, ...]]
) -> None:
    clock = Clock("2026-11-28T20:00:00")
    model = Model()
    with journals(clock) as opened:
        runs = {name: begin(journal) for name, journal in opened.items()}
        for number, (action, *values) in enumerate(steps):
            day = clock.now.strftime("%Y-%m-%d")
            if action == "wait":
                clock.now += timedelta(hours=int(str(values[0])))
            elif action == "run":
                runs[str(values[0])] = begin(opened[str(values[0])])
            elif action == "buy":
                _buy(model, opened, runs, caps, number, day, *values)
            else:
                _move(model, opened, str(action), int(str(values[0])), day)


def _buy(
    model: Model,
    opened: dict[str, Journal],
    runs: dict[str, str],
    caps: Sequence[Cap],
    number: int,
    day: str,
    project: object,
    pictures: object,
    cents: object,
) -> None:
    assert isinstance(pictures, int) and isinstance(cents, int)
    name = str(project)
    addresses = tuple(f"board#{place}" for place in range(pictures)) if pictures > 1 else ("hero",)
    frames = tuple(FrameOf(address=one, want=key(f"{number}{one}")) for one in addresses) if pictures > 1 else ()
    asked = Bought(name, runs[name], addresses, cents, day)
    fits = model.fits(caps, asked)
    outcome = opened[name].intend(
        intent(
            runs[name],
            f"k{number}",
            address="board" if frames else "hero",
            images=pictures,
            price=CENT * cents,
            frames=frames,
        ),
        tuple(caps),
    )
    assert isinstance(outcome, Claimed if fits else CapReached)
    if isinstance(outcome, Claimed):
        model.requests[outcome.id] = asked


def _move(model: Model, opened: dict[str, Journal], action: str, which: int, day: str) -> None:
    """The `which`-th of the requests that this can happen to."""
    before = {"send": "intended", "release": "intended", "settle": "sent", "lose": "sent"}.get(action, "unknown")
    able = [id_ for id_, one in model.requests.items() if one.state == before]
    if action == "back":
        able = [id_ for id_, one in model.requests.items() if opened[one.project].request(id_).resolved_by is not None]
    if not able:
        return
    id_ = able[which % len(able)]
    one, journal = model.requests[id_], opened[model.requests[id_].project]
    match action:
        case "send":
            try:
                journal.sent(id_)
            except DayTurnedError:
                assert one.day != day
                one = _in(one, "released")
            else:
                assert one.day == day
                one = _in(one, "sent")
        case "release":
            journal.released(id_, "stopped")
            one = _in(one, "released")
        case "settle":
            journal.settled(id_, CENT * one.reserved)
            one = _in(one, "settled", one.reserved)
        case "lose":
            journal.unknown(id_, "cut")
            one = _in(one, "unknown")
        case "paid":
            journal.resolve(id_, paid=True, who="ada")
            one = _in(one, "settled", one.reserved)
        case "not paid":
            journal.resolve(id_, paid=False, who="ada")
            one = _in(one, "released")
        case "back":
            journal.take_back(id_, who="ada")
            one = _in(one, "unknown")
    model.requests[id_] = one


def _in(one: Bought, state: str, charge: int = 0) -> Bought:
    return Bought(one.project, one.run, one.addresses, one.price, one.day, state, charge)
