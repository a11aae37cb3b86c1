"""Damaged journals: noticed, never read as empty or as less than they were; what is sound of them is kept."""

import random
import shutil
import sqlite3
import struct
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seedpipe.errors import StateError
from seedpipe.money import Money
from seedpipe.state.highwater import highest, mark_path
from seedpipe.state.journal import Journal
from seedpipe.state.journal_schema import NewerJournalError, check_all
from seedpipe.state.pages import PAGE, pages_of, rows_of
from seedpipe.state.repair import repair_journal
from seedpipe.state.requests import FrameOf, RequestState
from seedpipe.state.spent import Scope
from tests.state.conftest import MEMORY
from tests.state.journals import PRICE, begin, claim, intent, key, open_journal, picture, python

REQUESTS = 120


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Batches and single pictures; every tenth request of unknown outcome, one resolved; long documents."""
    journal = open_journal(tmp_path_factory.mktemp("filled"))
    run = begin(journal)
    for number in range(REQUESTS):
        frames = tuple(FrameOf(address=f"b{number}#{place}", want=key(f"{number}.{place}")) for place in range(3))
        frames = frames if number % 5 == 0 else ()
        document = f'{{"prompt":"{"lamp " * (2000 if number % 40 == 7 else 40)}"}}'
        id_ = claim(journal, run, f"n{number}", images=len(frames) or 1, frames=frames, document=document)
        journal.sent(id_)
        if number % 10 == 3:
            journal.unknown(id_, "cut")
        else:
            for place in range(len(frames) or 1):
                journal.kept(id_, place, picture(f"{number}.{place}"))
            journal.settled(id_, PRICE * (len(frames) or 1))
    journal.resolve(journal.unknowns()[0].id, paid=True, who="ada", note="by the bill")
    journal.close()
    return journal.path


def damaged(filled: Path, folder: Path, change: Callable[[bytearray], bytearray]) -> Path:
    path = folder / "journal.sqlite"
    path.write_bytes(change(bytearray(filled.read_bytes())))
    return path


def everything(journal: Journal) -> tuple[object, ...]:
    """All that a reader may be told."""
    return (
        [(row.request, row.charged, row.open) for row in journal.spend_rows()],
        journal.arrivals(),
        journal.resolutions(),
        journal.came_short(),
        journal.refusals(),
        journal.held(),
        journal.spent(Scope(), "USD"),
    )


def totals_are_true(journal: Journal) -> None:
    """The running totals of what was saved are the sums of its charges."""
    with closing(sqlite3.connect(f"{journal.path.as_uri()}?mode=ro", uri=True)) as connection:
        settled = connection.execute("SELECT COALESCE(SUM(charge), 0) FROM request WHERE state = 'settled'").fetchone()
        totals = connection.execute("SELECT COALESCE(SUM(charged), 0) FROM total WHERE scope GLOB 'day:*'").fetchone()
    assert settled == totals
    assert journal.spent(Scope(), "USD").charged >= Money(totals[0], "USD")


# --------------------------------------------------------------------------------------------------------- cut short


@pytest.mark.parametrize("part", [0.0, 0.0001, 0.05, 0.2, 0.4, 0.5, 0.6, 0.75, 0.9, 0.97, 0.999])
def test_a_file_cut_short_anywhere_is_refused_and_keeps_the_rest(filled: Path, folder: Path, part: float) -> None:
    path = damaged(filled, folder, lambda data: data[: int(len(data) * part)])
    with pytest.raises(StateError, match=r"damaged|empty|another program"):
        open_journal(folder)
    repair = repair_journal(path)
    assert repair.aside is not None
    assert (repair.aside / path.name).stat().st_size == int(filled.stat().st_size * part), "what is aside is as it was"
    journal = open_journal(folder)
    totals_are_true(journal)
    everything(journal)
    whole = int(filled.stat().st_size * part) // PAGE
    there = sum(_whole_requests_in(filled, page) for page in range(1, whole))
    assert there <= repair.requests <= REQUESTS, "the pages that are there are read, tree or not"
    claim(journal, begin(journal), "new")
    journal.close()
    assert repair_journal(path).aside is None


def test_the_first_page_may_be_gone(filled: Path, folder: Path) -> None:
    """It holds the names of all tables; the rows stand elsewhere."""
    path = damaged(filled, folder, lambda data: bytearray(PAGE) + data[PAGE:])
    repair = repair_journal(path)
    assert (repair.requests, repair.pictures) == (REQUESTS, REQUESTS - 12 + 2 * (REQUESTS // 5))
    journal = open_journal(folder)
    assert len(journal.resolutions()) == 1
    assert journal.spent(Scope(), "USD").charged == PRICE * (REQUESTS - 12 + 2 * (REQUESTS // 5) + 1)


# ------------------------------------------------------------------------------------------------------ flipped bits


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_a_flipped_bit_is_refused_or_read_without_a_wrong_sum(filled: Path, data: st.DataObject) -> None:
    """Whatever bit it is: what opens adds up, what doesn't is repaired with at most a page of rows lost."""
    place = data.draw(st.integers(0, filled.stat().st_size - 1))
    bit = 1 << data.draw(st.integers(0, 7))
    folder = Path(tempfile.mkdtemp(dir=MEMORY if MEMORY.is_dir() else None))
    try:
        path = folder / "journal.sqlite"
        content = bytearray(filled.read_bytes())
        content[place] ^= bit
        path.write_bytes(content)
        try:
            journal = open_journal(folder)
        except NewerJournalError:
            return
        except StateError:
            repair = repair_journal(path)
            assert repair.aside is not None
            assert repair.requests >= REQUESTS - 40
            journal = open_journal(folder)
        totals_are_true(journal)
        try:
            everything(journal)
        except StateError as error:
            assert "doctor --repair" in (error.hint or "")
            journal.close()
            assert repair_journal(path).aside is not None
            journal = open_journal(folder)
            everything(journal)
        assert journal.spent(Scope(), "USD").charged <= PRICE * (REQUESTS * 2)
        journal.close()
    finally:
        shutil.rmtree(folder)


@pytest.mark.parametrize("seed", range(12))
def test_several_broken_pages_cost_only_what_stood_in_them(filled: Path, folder: Path, seed: int) -> None:
    """Overwritten anywhere, also where the trees branch; the other pages' rows are all there."""
    chooser = random.Random(seed)
    pages = chooser.sample(range(1, filled.stat().st_size // PAGE), 4)
    held = {page: _requests_in(filled, page) for page in pages}

    def spoil(data: bytearray) -> bytearray:
        for page in pages:
            data[page * PAGE : (page + 1) * PAGE] = chooser.randbytes(PAGE)
        return data

    path = damaged(filled, folder, spoil)
    with pytest.raises(StateError):
        open_journal(folder)
    repair = repair_journal(path)
    journal = open_journal(folder)
    totals_are_true(journal)
    lost = sum(held.values())
    assert repair.requests >= REQUESTS - lost - 3, "a long document may go on in a broken page"


def _requests_in(path: Path, page: int) -> int:
    """At most so many."""
    content = path.read_bytes()[page * PAGE : (page + 1) * PAGE]
    cells: int = struct.unpack(">H", content[3:5])[0]
    return cells if content[0] == 0x0D else 0


def _whole_requests_in(path: Path, page: int) -> int:
    """Those that don't go on in another page."""
    content = path.read_bytes()[page * PAGE : (page + 1) * PAGE]
    return sum(row.rowid is not None and len(row.values) > 20 for row in rows_of([b""] * page + [content]))


# ------------------------------------------------------------------------------------------------- forgotten commits


def crash(folder: Path) -> None:
    """A process that bought and was killed: its commits stand in the write-ahead log alone."""
    script = (
        "import os, sys; from pathlib import Path; from tests.state.journals import *\n"
        "journal = open_journal(Path(sys.argv[1])); run = begin(journal)\n"
        "for name in 'abc':\n"
        "    id_ = claim(journal, run, name); journal.sent(id_); journal.kept(id_, 0, picture(name))\n"
        "    journal.settled(id_, PRICE)\n"
        "os._exit(9)"
    )
    assert python(script, str(folder)).wait() == 9


@pytest.mark.parametrize("harm", ["removed", "cut", "flipped", "zeroed"])
def test_a_write_ahead_log_that_lost_commits_is_noticed(folder: Path, harm: str) -> None:
    """SQLite takes a log that ends early for one that ends there: sound, and without what was paid."""
    crash(folder)
    path, log = folder / "journal.sqlite", folder / "journal.sqlite-wal"
    content = bytearray(log.read_bytes())
    match harm:
        case "removed":
            log.unlink()
        case "cut":
            log.write_bytes(content[: len(content) // 2])
        case "flipped":
            content[len(content) // 2] ^= 1
            log.write_bytes(content)
        case "zeroed":
            log.write_bytes(bytes(len(content)))
    with pytest.raises(StateError, match=r"has forgotten \d+ of its commits") as caught:
        open_journal(folder)
    assert "seedpipe spend reconcile" in (caught.value.hint or "")
    repair = repair_journal(path)
    assert repair.aside is not None
    if harm in ("flipped", "cut"):
        assert repair.requests >= 1, "what the log still holds is taken from it"
    journal = open_journal(folder)
    totals_are_true(journal)
    claim(journal, begin(journal), "new")
    journal.close()
    open_journal(folder).close()


def test_an_older_copy_in_its_place_is_noticed(folder: Path) -> None:
    journal = open_journal(folder)
    claim(journal, begin(journal), "early")
    journal.close()
    shutil.copy(folder / "journal.sqlite", folder / "backup")
    journal = open_journal(folder)
    late = claim(journal, begin(journal), "late")
    journal.sent(late)
    journal.close()
    shutil.copy(folder / "backup", folder / "journal.sqlite")
    with pytest.raises(StateError, match="an older copy stands in its place"):
        open_journal(folder)
    assert repair_journal(folder / "journal.sqlite").requests == 1
    open_journal(folder).close()


def test_a_journal_that_is_gone_is_not_begun_anew(folder: Path) -> None:
    journal = open_journal(folder)
    begin(journal)
    journal.close()
    (folder / "journal.sqlite").unlink()
    with pytest.raises(StateError, match="is gone, and 3 commits were written to it"):
        open_journal(folder)
    mark_path(folder / "journal.sqlite").unlink()
    open_journal(folder).close()


@pytest.mark.parametrize("content", [b"", b"nonsense\n", b"\0" * 40])
def test_a_mark_that_says_nothing_is_no_obstacle(folder: Path, content: bytes) -> None:
    journal = open_journal(folder)
    begin(journal)
    journal.close()
    mark_path(journal.path).write_bytes(content)
    journal = open_journal(folder)
    begin(journal)
    journal.close()
    assert highest(journal.path) > 0


# ------------------------------------------------------------------------------------------- rows that can't be true


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("UPDATE request SET charge = charge + 1 WHERE number = 1", "is not the sum of its charges"),
        ("UPDATE total SET charged = 0 WHERE scope GLOB 'day:*'", "is not the sum of its charges"),
        ("DELETE FROM request WHERE number = 2", "belongs to no"),
        ("UPDATE request SET day = '2020-01-01' WHERE number = 1", "another day than its own"),
        ("UPDATE request SET request_key = 'sha256:xyz' WHERE number = 1", "has no key"),
        ("UPDATE request SET currency = 'usd' WHERE number = 2", "a currency is none"),
        ("UPDATE request SET reserved = 'much' WHERE number = 1", "an amount is none"),
        ("UPDATE request SET tags = '[' WHERE number = 1", "tags can't be read"),
        ("UPDATE request SET sent_at = 'soon', day = 'soon' WHERE number = 1", "a time is none"),
        ("UPDATE arrival SET digest = 'sha256:' || hex(zeroblob(31))", "a picture has no digest"),
        ("UPDATE request SET document = CAST(x'ff' AS TEXT) WHERE number = 1", "a text in it is none"),
    ],
)
def test_rows_that_can_not_be_true_are_noticed_and_mended_or_asked_about(folder: Path, sql: str, words: str) -> None:
    journal = open_journal(folder)
    run = begin(journal)
    for name in ("a", "b"):
        id_ = claim(journal, run, name)
        journal.sent(id_)
        journal.kept(id_, 0, picture(name))
        journal.settled(id_, PRICE)
    journal.close()
    connection = sqlite3.connect(journal.path, isolation_level=None)
    connection.execute(sql)
    connection.close()
    with pytest.raises(StateError, match=words):
        check_all(journal.path)
    repair = repair_journal(journal.path)
    assert repair.aside is not None
    again = open_journal(folder)
    totals_are_true(again)
    assert len(again.spend_rows()) >= 1


def test_a_state_that_makes_no_sense_becomes_a_question_for_a_person(folder: Path) -> None:
    journal = open_journal(folder)
    run = begin(journal)
    id_ = claim(journal, run, "a")
    journal.sent(id_)
    journal.settled(id_, PRICE)
    journal.close()
    connection = sqlite3.connect(journal.path, isolation_level=None)
    connection.execute("PRAGMA ignore_check_constraints = ON")
    connection.execute("UPDATE request SET state = 'setiled'")
    connection.close()
    repair_journal(journal.path)
    again = open_journal(folder)
    assert again.request(id_).state is RequestState.UNKNOWN
    assert again.spent(Scope(), "USD").uncertain == PRICE, "its money isn't free"
    assert again.request(id_).why == "the journal was damaged, and its outcome with it"


def test_numbers_and_commits_are_not_used_twice_after_a_repair(folder: Path) -> None:
    """The index of takes and the memo go by them."""
    journal = open_journal(folder)
    run = begin(journal)
    ids = [claim(journal, run, f"n{number}") for number in range(3)]
    commits = journal.number()
    last = journal.request(ids[-1]).number
    journal.close()
    connection = sqlite3.connect(journal.path, isolation_level=None)
    connection.execute("DROP INDEX request_claim")
    connection.close()
    repair_journal(journal.path)
    again = open_journal(folder)
    assert again.number() > commits
    assert again.request(claim(again, begin(again), "next")).number > last


# ---------------------------------------------------------------------------------------------- rows out of pages


def test_the_pages_hold_what_the_database_says(filled: Path) -> None:
    """Every row of every table, long ones too, against SQLite's own answer."""
    rows = list(rows_of(pages_of(filled.read_bytes())))
    with sqlite3.connect(filled) as connection:
        by_values = {tuple(row.values[1:]) for row in rows}
        for table in ("request", "arrival", "frame", "run", "owner", "resolution"):
            said = connection.execute(f"SELECT * FROM {table}").fetchall()
            assert said
            assert all(tuple(one[1:]) in by_values for one in said), table
    connection.close()


@given(st.lists(st.binary(min_size=0, max_size=200), max_size=4), st.binary(max_size=100))
def test_no_bytes_break_the_reading_of_pages(parts: list[bytes], log: bytes) -> None:
    pages = [(bytes([0x0D if number % 2 else 0x0A]) + part).ljust(PAGE, b"\x81") for number, part in enumerate(parts)]
    list(rows_of(pages_of(b"".join(pages), log)))


def test_not_while_it_is_used(folder: Path) -> None:
    journal = open_journal(folder)
    claim(journal, begin(journal), "a")
    journal.path.with_name("journal.sqlite").chmod(0o600)
    connection = sqlite3.connect(journal.path, isolation_level=None)
    connection.execute("CREATE VIEW v AS SELECT 1")
    connection.close()
    with pytest.raises(StateError, match="in use by process"):
        repair_journal(journal.path)
    assert journal.intend(intent(begin(journal), "b"), ()), "whoever is at work goes on"
