import sqlite3
from pathlib import Path

import pytest

from seedpipe.errors import StateError
from seedpipe.state.repair import repair_journal
from seedpipe.state.requests import AlreadyKept, HeldUnknown
from seedpipe.state.spent import Scope
from tests.state.journals import PRICE, begin, claim, intent, open_journal, picture


def _filled(folder: Path, count: int = 60) -> Path:
    journal = open_journal(folder)
    run = begin(journal)
    for number in range(count):
        id_ = claim(journal, run, f"n{number}")
        journal.sent(id_)
        if number % 10:
            journal.kept(id_, 0, picture(f"n{number}"))
            journal.settled(id_, PRICE)
        else:
            journal.unknown(id_, "cut")
    journal.close()
    return journal.path


def test_a_sound_journal_is_left_alone(folder: Path) -> None:
    path = _filled(folder, 5)
    before = path.read_bytes()
    assert repair_journal(path).aside is None
    assert path.read_bytes() == before
    with pytest.raises(StateError, match="no journal"):
        repair_journal(folder / "absent.sqlite")


@pytest.mark.parametrize("content", [b"", b"garbage" * 1000])
def test_of_nothing_nothing_is_saved_and_the_file_is_kept(folder: Path, content: bytes) -> None:
    path = folder / "journal.sqlite"
    path.write_bytes(content)
    repair = repair_journal(path)
    assert repair.aside is not None
    assert (repair.requests, repair.pictures) == (0, 0)
    assert (repair.aside / path.name).read_bytes() == content
    assert open_journal(folder).arrivals() == ()


def test_a_broken_index_costs_nothing(folder: Path) -> None:
    path = _filled(folder)
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("DROP INDEX request_claim")
    connection.close()
    repair = repair_journal(path)
    assert (repair.requests, repair.pictures, repair.lost) == (60, 54, 0)
    journal = open_journal(folder)
    assert journal.spent(Scope(), "USD").charged == PRICE * 54
    assert len(journal.unknowns()) == 6
    assert isinstance(journal.intend(intent(begin(journal), "n1"), ()), AlreadyKept)
    assert isinstance(journal.intend(intent(begin(journal), "n0"), ()), HeldUnknown)
    assert repair_journal(path).aside is None


def _spoil_page_of(path: Path, table: str) -> None:
    """Overwrites one leaf page in the middle of a table."""
    data = bytearray(path.read_bytes())
    leaves = [
        page
        for page in range(4096, len(data), 4096)
        if data[page] == 0x0D and table.encode() in data[page : page + 4096]
    ]
    middle = leaves[len(leaves) // 2]
    data[middle : middle + 4096] = b"\xff" * 4096
    path.write_bytes(data)


def test_what_is_around_a_broken_page_is_saved(folder: Path) -> None:
    path = _filled(folder)
    _spoil_page_of(path, "seedream-4-5-251128")
    with pytest.raises(StateError, match="damaged"):
        open_journal(folder)
    repair = repair_journal(path)
    assert 30 <= repair.requests < 60, "all but the rows of one page"
    assert repair.lost <= 30
    journal = open_journal(folder)
    settled = [row for row in journal.spend_rows() if row.request.charge is not None]
    assert journal.spent(Scope(), "USD").charged == PRICE * len(settled)
    assert len(journal.arrivals()) == len(settled) == repair.pictures
    claim(journal, begin(journal), "new")


def test_not_while_a_build_is_running_nor_of_a_newer_one(folder: Path) -> None:
    journal = open_journal(folder)
    begin(journal)
    connection = sqlite3.connect(journal.path, isolation_level=None)
    connection.execute("CREATE VIEW v AS SELECT 1")
    with pytest.raises(StateError, match="in use by process"):
        repair_journal(journal.path)
    journal.close()
    connection.execute("PRAGMA user_version = 9")
    connection.close()
    with pytest.raises(StateError, match="schema 9"):
        repair_journal(journal.path)
