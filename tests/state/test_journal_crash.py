"""SIGKILL at every step and at random instants; then a new process must know everything that a call confirmed."""

import json
import random
import time
from pathlib import Path

import pytest

from seedpipe.money import Money
from seedpipe.state.journal import Journal
from seedpipe.state.requests import Claimed, ClaimedElsewhere, RequestState
from seedpipe.state.spent import Scope
from tests.state.journals import PRICE, begin, claim, intent, key, locate, open_journal, picture, python

STEPS = ("intended", "sent", "located", "kept", "settled")

ONE_REQUEST = """
import sys
from pathlib import Path
from seedpipe.state.journal import Journal, utc_now
from tests.state.journals import PRICE, begin, claim, locate, picture
journal = Journal.open(Path(sys.argv[1]) / "journal.sqlite", account="acc")
def say(step):
    print(step, flush=True)
    sys.stdin.readline()
id_ = claim(journal, begin(journal))
say("intended")
journal.sent(id_); say("sent")
locate(journal, id_, 0, "https://x/0"); say("located")
journal.kept(id_, 0, picture()); say("kept")
journal.settled(id_, PRICE); say("settled")
"""


def _killed_after(folder: Path, step: str) -> None:
    process = python(ONE_REQUEST, str(folder))
    assert process.stdin and process.stdout
    for line in process.stdout:
        if line.strip() == step:
            process.kill()
            break
        process.stdin.write("\n")
        process.stdin.flush()
    process.communicate()
    assert process.returncode == -9


@pytest.mark.parametrize("step", STEPS)
def test_killed_after_each_step(folder: Path, step: str) -> None:
    open_journal(folder).close()
    _killed_after(folder, step)
    journal = Journal.open(folder / "journal.sqlite", account="acc")
    run = begin(journal)
    claimed = journal.intend(intent(run), ())
    recovery = journal.recover()
    spent = journal.spent(Scope(), "USD")
    zero = Money.zero("USD")
    if step == "intended":
        assert isinstance(claimed, ClaimedElsewhere) and not claimed.alive
        assert [request.state for request in recovery.released] == [RequestState.RELEASED]
        assert [one.sentence for one in recovery.told] == [
            "`hero`: its process ended before it was sent; nothing was charged"
        ]
        assert spent.worst == zero
        assert isinstance(journal.intend(intent(run), ()), Claimed)
    elif step == "sent":
        assert [request.state for request in recovery.unknown] == [RequestState.UNKNOWN]
        assert (spent.uncertain, spent.charged) == (PRICE, zero)
    elif step == "located":
        (fetch,) = recovery.to_fetch
        assert [item.url for item in fetch.located] == ["https://x/0"]
        assert fetch.request.owner == journal.owner
        journal.kept(fetch.request.id, 0, picture())
        assert journal.conclude(fetch.request.id).charge == PRICE
    else:
        assert [take.digest for take in recovery.takes] == [key("pixels")]
        assert (spent.charged, spent.worst) == (PRICE, PRICE)
        assert len(recovery.settled) == (step == "kept")
    again = journal.recover()
    assert (again.told, again.takes, again.to_fetch) == ((), (), ()), "what is recovered is recovered once"


def test_what_a_living_process_does_is_left_alone(folder: Path) -> None:
    alive, other = open_journal(folder), open_journal(folder)
    id_ = claim(alive, begin(alive))
    assert other.recover().told == ()
    alive.sent(id_)
    assert other.recover().told == ()
    alive.close()
    assert len(other.recover().unknown) == 1


def test_a_second_recovery_does_not_fetch_what_the_first_is_fetching(folder: Path) -> None:
    dead, first, second = (open_journal(folder) for _ in range(3))
    id_ = claim(dead, begin(dead), images=2)
    dead.sent(id_)
    locate(dead, id_, 0, "https://x/0")
    dead.close()
    assert len(first.recover().to_fetch) == 1
    assert second.recover().to_fetch == ()
    first.kept(id_, 0, picture())
    assert first.conclude(id_).state is RequestState.UNKNOWN, "the second picture never came"
    spent = second.spent(Scope(), "USD")
    assert (spent.charged, spent.uncertain) == (PRICE, PRICE), "what is kept was charged for certain"


MANY_REQUESTS = """
import os, sys
from pathlib import Path
from seedpipe.state.journal import Journal
from tests.state.journals import PRICE, begin, claim, locate, picture
folder = Path(sys.argv[1])
journal = Journal.open(folder / "journal.sqlite", account="acc")
confirmed = os.open(folder / "confirmed", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
def say(name, step):
    os.write(confirmed, f"{name} {step}\\n".encode())
run = begin(journal)
say("start", "intended")
for number in range(10_000):
    name = f"{sys.argv[2]}-{number}"
    id_ = claim(journal, run, name); say(name, "intended")
    journal.sent(id_); say(name, "sent")
    journal.located_all(id_, [], total=1); locate(journal, id_, 0, f"https://x/{name}"); say(name, "located")
    journal.kept(id_, 0, picture(name)); say(name, "kept")
    journal.settled(id_, PRICE); say(name, "settled")
"""


def _check_against_confirmed(journal: Journal, folder: Path) -> None:
    """Nothing that was confirmed is missing, and money agrees with it to the cent."""
    reached: dict[str, int] = {}
    for line in (folder / "confirmed").read_text().splitlines():
        name, step = line.split()
        reached[name] = STEPS.index(step)
    reached.pop("start")
    recovery = journal.recover()
    for fetch in recovery.to_fetch:
        journal.kept(fetch.request.id, 0, picture(fetch.request.address))
        journal.conclude(fetch.request.id)
    kept = {take.address: take for take in journal.arrivals()}
    unknown = {request.address for request in journal.unknowns()}
    for name, step in reached.items():
        if step >= STEPS.index("located"):
            assert kept[name].digest == key(name)
        elif step == STEPS.index("sent"):
            assert name in unknown or name in kept
    assert all(not request.state.is_active for request in journal.open_requests())
    assert journal.spent(Scope(), "USD").charged == PRICE * len(kept)
    assert journal.spent(Scope(), "USD").uncertain == PRICE * len(unknown)


@pytest.mark.parametrize("seed", range(6))
def test_killed_at_random_instants(folder: Path, seed: int) -> None:
    open_journal(folder).close()
    process = python(MANY_REQUESTS, str(folder), "n")
    while not (folder / "confirmed").exists() or not (folder / "confirmed").stat().st_size:
        time.sleep(0.005)
    time.sleep(random.Random(seed).uniform(0.0, 0.25))
    process.kill()
    process.communicate()
    _check_against_confirmed(Journal.open(folder / "journal.sqlite", account="acc"), folder)


@pytest.mark.soak
@pytest.mark.timeout(600)
@pytest.mark.parametrize("round_", range(10))
def test_two_processes_killed_thirty_times(folder: Path, round_: int) -> None:
    open_journal(folder).close()
    for kill in range(30):
        (folder / "confirmed").unlink(missing_ok=True)
        processes = [python(MANY_REQUESTS, str(folder), f"{kill}-{one}") for one in range(2)]
        while not (folder / "confirmed").exists() or (folder / "confirmed").read_text().count("start") < 2:
            time.sleep(0.005)
        time.sleep(random.Random(f"{round_} {kill}").uniform(0.0, 0.2))
        for process in processes:
            process.kill()
            process.communicate()
        journal = Journal.open(folder / "journal.sqlite", account="acc")
        _check_against_confirmed(journal, folder)
        journal.close()


RACE = """
import json, sys
from pathlib import Path
from seedpipe.state.journal import Journal
from seedpipe.state.requests import AlreadyKept, Claimed
from seedpipe.state.caps import CapReached
from tests.state.journals import PRICE, begin, cap, intent, picture
journal = Journal.open(Path(sys.argv[1]) / "journal.sqlite", account="acc")
run = begin(journal)
print("ready", flush=True)
sys.stdin.readline()
won, reached = [], 0
for number in range(int(sys.argv[3])):
    name = f"{sys.argv[2]}{number}"
    outcome = journal.intend(intent(run, name), (cap(sys.argv[4]),))
    if isinstance(outcome, Claimed):
        won.append(name)
        journal.sent(outcome.id)
        if number % 3:
            journal.kept(outcome.id, 0, picture(name))
            journal.settled(outcome.id, PRICE)
        else:
            journal.unknown(outcome.id, "cut")
    elif isinstance(outcome, CapReached):
        reached += 1
print(json.dumps([won, reached]), flush=True)
sys.stdin.readline()
"""


def _race(folder: Path, names: list[str], intents: int, limit: str) -> list[tuple[list[str], int]]:
    open_journal(folder).close()
    processes = [python(RACE, str(folder), name, str(intents), limit) for name in names]
    for process in processes:
        assert process.stdout and process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin
        process.stdin.write("\n")
        process.stdin.flush()
    results = [json.loads(process.stdout.readline()) for process in processes if process.stdout]
    for process in processes:
        process.communicate("\n")
    return results


def test_of_two_processes_one_wins_each_claim(folder: Path) -> None:
    results = _race(folder, ["same-", "same-"], 40, "1000 USD")
    won = [name for names, _ in results for name in names]
    assert sorted(won) == sorted(f"same-{number}" for number in range(40))


def test_eight_processes_never_pass_one_cap(folder: Path) -> None:
    results = _race(folder, [f"p{number}-" for number in range(8)], 30, "2.00 USD")
    assert sum(len(won) for won, _ in results) == 50, "the cap is used up exactly: 50 × 0.04"
    assert sum(reached for _, reached in results) == 8 * 30 - 50
    assert str(open_journal(folder).spent(Scope(), "USD").worst) == "2.00 USD"
