"""Caps over all projects: each claim counts what the others hold, at that very moment."""

import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest

from seedpipe.errors import StateError
from seedpipe.money import Money
from seedpipe.state.caps import Cap, CapKind, CapReached, Origin
from seedpipe.state.journal import Journal
from seedpipe.state.requests import Claimed
from seedpipe.state.spent import Scope
from seedpipe.state.wallet import Wallet
from tests.state.journals import PRICE, Clock, begin, intent, python


def open_project(home: Path, name: str, clock: Clock | None = None, realm: str = "live") -> Journal:
    path = home / "projects" / name / realm / "journal.sqlite"
    return Journal.open(path, account="acc", clock=clock or Clock(), wallet=Wallet(home, path))


def yours(limit: str, kind: CapKind = CapKind.PER_MONTH, origin: Origin = Origin.USER_FILE) -> tuple[Cap, ...]:
    return (Cap(kind=kind, limit=Money.parse(limit), source="a test", origin=origin),)


def buy(journal: Journal, name: str = "hero") -> None:
    """One picture, charged."""
    claimed = journal.intend(intent(begin(journal), name), ())
    assert isinstance(claimed, Claimed)
    journal.sent(claimed.id)
    journal.settled(claimed.id, PRICE)


@pytest.mark.parametrize(
    ("kind", "origin", "stops"),
    [
        (CapKind.PER_MONTH, Origin.USER_FILE, True),
        (CapKind.PER_DAY, Origin.FLAG, True),
        (CapKind.PER_DAY, Origin.ENVIRONMENT, True),
        (CapKind.PER_MONTH, Origin.MANIFEST, False),
        (CapKind.PROJECT, Origin.USER_FILE, False),
        (CapKind.PER_RUN, Origin.FLAG, False),
        (CapKind.PER_NODE, Origin.USER_FILE, False),
    ],
)
def test_a_day_or_month_of_yours_is_over_all_your_projects(
    folder: Path, kind: CapKind, origin: Origin, stops: bool
) -> None:
    one, other = open_project(folder, "one"), open_project(folder, "other")
    buy(one)
    outcome = other.intend(intent(begin(other)), yours("0.07 USD", kind, origin))
    assert isinstance(outcome, CapReached) == stops
    if isinstance(outcome, CapReached):
        assert (outcome.used, outcome.would_fit_after_settling) == (PRICE, False)


def test_proofs_cost_nothing_there_either(folder: Path) -> None:
    buy(open_project(folder, "one", realm="proof"))
    other = open_project(folder, "other")
    assert isinstance(other.intend(intent(begin(other)), yours("0.04 USD")), Claimed)


def test_what_is_open_and_unknown_elsewhere_counts_until_it_is_resolved(folder: Path) -> None:
    clock = Clock("2026-11-30T12:00:00")
    one, other = open_project(folder, "one", clock), open_project(folder, "other", clock)
    claimed = one.intend(intent(begin(one)), yours("0.07 USD"))
    assert isinstance(claimed, Claimed)
    reached = other.intend(intent(begin(other)), yours("0.07 USD"))
    assert isinstance(reached, CapReached) and reached.would_fit_after_settling
    one.sent(claimed.id)
    one.unknown(claimed.id, "cut")
    reached = other.intend(intent(begin(other)), yours("0.07 USD"))
    assert isinstance(reached, CapReached) and not reached.would_fit_after_settling
    assert reached.uncertain == PRICE
    clock.now += timedelta(days=1)
    assert isinstance(other.intend(intent(begin(other)), yours("0.07 USD")), Claimed), "another month by UTC"
    clock.now -= timedelta(days=1)
    one.resolve(claimed.id, paid=False, who="ada")
    assert isinstance(other.intend(intent(begin(other), "again"), yours("0.07 USD")), Claimed)


def test_a_look_elsewhere_leaves_the_file_as_it_is(folder: Path) -> None:
    one = open_project(folder, "one")
    buy(one)
    one.close()
    before = (one.path.read_bytes(), one.path.stat().st_mtime_ns)
    assert Wallet(folder, folder / "none").elsewhere(Scope(), "USD").charged == PRICE
    assert (one.path.read_bytes(), one.path.stat().st_mtime_ns) == before


@pytest.mark.parametrize("damage", ["empty", "garbage", "newer", "foreign", "gone"])
def test_what_can_not_be_read_elsewhere_is_not_taken_for_nothing(folder: Path, damage: str) -> None:
    one, other = open_project(folder, "one"), open_project(folder, "other")
    buy(one)
    one.close()
    match damage:
        case "empty":
            one.path.write_bytes(b"")
        case "garbage":
            one.path.write_bytes(b"garbage" * 1000)
        case "newer":
            _change(one.path, "PRAGMA user_version = 99")
        case "foreign":
            _change(one.path, "PRAGMA application_id = 7")
        case "gone":
            one.path.unlink()
    with pytest.raises(StateError, match="what `one` has spent is not known"):
        other.intend(intent(begin(other)), yours("5 USD"))
    assert isinstance(other.intend(intent(begin(other)), ()), Claimed), "without such a cap it is nobody's business"


def _change(path: Path, sql: str) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute(sql)
    connection.close()


SPENDER = """
import sys
from pathlib import Path
from seedpipe.state.requests import Claimed
from seedpipe.state.caps import CapReached
from tests.state.test_wallet import begin, intent, open_project, yours, PRICE
home, name, limit = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
journal = open_project(home, name)
run = begin(journal)
print("ready", flush=True)
sys.stdin.readline()
bought = 0
for number in range(25):
    outcome = journal.intend(intent(run, f"{name}-{number}"), yours(limit))
    if isinstance(outcome, Claimed):
        journal.sent(outcome.id)
        journal.settled(outcome.id, PRICE)
        bought += 1
print(bought, flush=True)
"""


def test_four_processes_in_four_projects_never_pass_one_cap_together(folder: Path) -> None:
    processes = [python(SPENDER, str(folder), f"p{number}", "1.20 USD") for number in range(4)]
    for process in processes:
        assert process.stdout and process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin
        process.stdin.write("\n")
        process.stdin.flush()
    bought = [int(process.communicate(timeout=60)[0]) for process in processes]
    assert sum(bought) == 30, bought
    assert Wallet(folder, folder / "none").elsewhere(Scope(month="2026-11"), "USD").charged == PRICE * 30
