"""`doctor --repair` killed at each change of a file: the journal is then damaged as before or mended, never shorter."""

import json
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from seedpipe.errors import StateError
from seedpipe.state.repair import repair_journal
from tests.state.journals import PRICE, begin, claim, open_journal, picture
from tests.support.kill import Kill, steps_in

REPAIR = """
import json, sys
from pathlib import Path
from tests.support.kill import arm
from seedpipe.state.repair import repair_journal
arm(json.loads(sys.argv[2]), sys.argv[3])
repair_journal(Path(sys.argv[1]))
"""
REQUESTS = 12


def damaged(folder: Path) -> Path:
    """A journal whose records are still in its write-ahead log, as a killed build leaves it, and damaged there."""
    (folder / "lived").mkdir()
    journal = open_journal(folder / "lived")
    run = begin(journal)
    for number in range(REQUESTS):
        id_ = claim(journal, run, f"n{number}")
        journal.sent(id_)
        journal.kept(id_, 0, picture(f"n{number}"))
        journal.settled(id_, PRICE)
    with closing(sqlite3.connect(journal.path, isolation_level=None)) as connection:
        connection.execute("DROP INDEX request_claim")
    path = folder / "left" / journal.path.name
    path.parent.mkdir()
    for suffix in ("", "-wal"):
        shutil.copyfile(f"{journal.path}{suffix}", f"{path}{suffix}")
    assert path.with_name(f"{path.name}-wal").stat().st_size > 8192
    journal.close()
    path.write_bytes(b"")  # and its file is gone: the log is all there is
    return path


def repaired_but_killed(path: Path, kill: Kill | None, log: Path) -> int:
    order = json.dumps(kill.to_dict() if kill else None)
    return subprocess.run([sys.executable, "-c", REPAIR, str(path), order, str(log)], check=False).returncode


def is_all_there(path: Path) -> None:
    """After a kill: refused, or complete. And complete once it is repaired again."""
    try:
        journal = open_journal(path.parent)
    except StateError:
        repair_journal(path)
        journal = open_journal(path.parent)
    assert len(journal.arrivals()) == REQUESTS
    assert len(journal.spend_rows()) == REQUESTS
    journal.close()


@pytest.mark.parametrize("from_last", [0, 1])
def test_a_repair_killed_while_it_puts_the_new_journal_in_place(tmp_path: Path, from_last: int) -> None:
    """The last files that it removes are the old one's log; the old file is emptied by then."""
    path = damaged(tmp_path)
    counted = tmp_path / "counted"
    shutil.copytree(path.parent, counted)
    assert repaired_but_killed(counted / path.name, None, tmp_path / "count") == 0
    kill = Kill(step="unlink", nth=steps_in(tmp_path / "count")["unlink"] - from_last)
    assert repaired_but_killed(path, kill, tmp_path / "log") == -9
    assert path.stat().st_size == 0
    is_all_there(path)


@pytest.mark.soak
def test_a_repair_killed_at_every_change_of_a_file(tmp_path: Path) -> None:
    counted = tmp_path / "counted"
    counted.mkdir()
    assert repaired_but_killed(damaged(counted), None, tmp_path / "count") == 0
    for step, turns in steps_in(tmp_path / "count").items():
        for nth in range(1, turns + 1):
            for after in (False, True) if step != "commit" else (False,):
                folder = tmp_path / f"{step}-{nth}-{after}"
                folder.mkdir()
                path = damaged(folder)
                assert repaired_but_killed(path, Kill(step=step, nth=nth, after=after), tmp_path / "log") in (-9, 0)
                is_all_there(path)


@pytest.mark.parametrize("gone", ["emptied", "removed"])
def test_records_that_are_only_in_the_log_are_read_from_it(tmp_path: Path, gone: str) -> None:
    path = damaged(tmp_path)
    log = path.with_name(f"{path.name}-wal").read_bytes()
    if gone == "emptied":
        path.write_bytes(b"")
    else:
        path.unlink()
    with pytest.raises(StateError):
        open_journal(path.parent)
    repair = repair_journal(path)
    assert (repair.requests, repair.pictures) == (REQUESTS, REQUESTS)
    assert repair.aside is not None
    assert (repair.aside / f"{path.name}-wal").read_bytes() == log, "what is aside is as it was"
    is_all_there(path)
