import json
import pickle
import sqlite3
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from seedpipe.errors import StateError
from seedpipe.names import Digest
from seedpipe.state import takes as module
from seedpipe.state.safe_disk import GarbledIndexError
from seedpipe.state.take import Take
from seedpipe.state.takes import Takes
from tests.state.journals import PRICE, begin, claim, key, open_journal, picture, python


def take(name: str = "one", request: str = "hero", **changes: object) -> Take:
    values = Take(
        digest=key(name),
        request_key=key(request),
        want=key(request),
        address=request,
        format="jpeg",
        width=2048,
        height=1024,
        bytes=10,
        model="seedream-4-5-251128",
        provider="apiyi",
        request_id="021…",
        client_request_id="c1",
        cost=PRICE,
        received_at="2026-11-24T10:00:00.000Z",
        ordinal=1,
    )
    return replace(values, **changes)


def _row(folder: Path, sql: str, *values: object) -> None:
    connection = sqlite3.connect(folder / "cache.db", isolation_level=None)
    connection.execute(sql, values)
    connection.close()


def _poison(folder: Path, column: str, value: object) -> None:
    _row(folder, f"UPDATE Cache SET {column} = ? WHERE key LIKE 'take/%'", value)


def test_takes_are_there_in_order_of_arrival_once_each(tmp_path: Path) -> None:
    takes = Takes(tmp_path / "t")
    first, second = take("b", cost=None, request_id=None), take("a", ordinal=2, index=3)
    for one in (first, second, replace(first, ordinal=9)):
        takes.record(one)
    assert takes.of(key("hero")) == (first, second)
    assert takes.of(key("other")) == ()
    assert Takes(tmp_path / "t").of(key("hero")) == (first, second)


def test_what_else_is_remembered(tmp_path: Path) -> None:
    takes = Takes(tmp_path / "t")
    assert takes.recipe(key("r")) is None
    assert takes.record_recipe(key("r"), key("first")) == key("first")
    assert takes.record_recipe(key("r"), key("second")) == key("first")
    assert takes.recipe(key("r")) == key("first")
    takes.replace_recipe(key("r"), key("second"))
    assert takes.recipe(key("r")) == key("second")
    document = '{"prompt":"a lamp — läßt grüßen"}'
    takes.record_document(Digest.of(document.encode()), document)
    assert takes.document(Digest.of(document.encode())) == document
    assert takes.document(key("none")) is None
    with pytest.raises(ValueError, match="own digest"):
        takes.record_document(key("other"), document)
    takes.record_source("https://x/logo.png", key("logo"))
    takes.record_source("https://x/logo.png", key("newer"))
    assert takes.source("https://x/logo.png") == key("newer")
    assert takes.source("https://x/other.png") is None


def test_the_name_of_a_look_is_remembered_beside_its_want(tmp_path: Path) -> None:
    """A want that two pictures share has a name for each; the latest name of one holds; a rebuilt index has none."""
    takes = Takes(tmp_path / "t")
    assert takes.looks(key("hero")) == {}
    takes.record_look(key("hero"), "hero", "night")
    takes.record_look(key("hero"), "lamp", "dim")
    takes.record_look(key("hero"), "hero", "evening")
    assert Takes(tmp_path / "t").looks(key("hero")) == {"hero": "evening", "lamp": "dim"}
    assert takes.looks(key("other")) == {}
    takes.record(take())
    assert takes.verify() == 1, "it is no take"
    takes.rebuild([take()])
    assert takes.looks(key("hero")) == {}
    takes.record_look(key("hero"), "hero", "night")
    _row(tmp_path / "t", "UPDATE Cache SET value = ? WHERE key LIKE 'look/%'", '{"v": 1, "names": 3}')
    with pytest.raises(GarbledIndexError, match="garbled"):
        takes.looks(key("hero"))


def test_fields_of_a_newer_seedpipe_survive(tmp_path: Path) -> None:
    takes = Takes(tmp_path / "t")
    takes.record(take("a"))
    text = json.dumps({"v": 1, "takes": [{**take("a").to_dict(), "rating": 5}], "extra": True})
    _poison(tmp_path / "t", "value", text)
    takes.record(take("b"))
    connection = sqlite3.connect(tmp_path / "t" / "cache.db")
    (value,) = connection.execute("SELECT value FROM Cache WHERE key LIKE 'take/%'").fetchone()
    connection.close()
    assert json.loads(value)["takes"][0]["rating"] == 5
    assert [one.digest for one in takes.of(key("hero"))] == [key("a"), key("b")]


def test_a_newer_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    takes = Takes(tmp_path / "t", arrivals=lambda: [take("a")])
    _poison(tmp_path / "t", "value", json.dumps({"v": 2, "takes": []}))
    with pytest.raises(StateError, match="version 2"):
        takes.of(key("hero"))
    assert takes.notices == []


class _Bomb:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (Path.touch, (Path("bomb-went-off"),))


POISON = [
    ("mode", 4),
    ("mode", 2),
    ("filename", "../victim.txt"),
    ("value", pickle.dumps("x")),
    ("value", "{"),
    ("value", "[]"),
    ("value", '{"v":1}'),
    ("value", '{"v":"1","takes":[]}'),
    ("value", '{"v":1,"takes":[{}]}'),
    ("value", json.dumps({"v": 1, "takes": [take(request="another").to_dict()]})),
    ("value", "[" * 100_000),
    ("value", None),
]


@pytest.mark.parametrize(("column", "value"), POISON)
def test_a_poisoned_row_is_refused_or_healed(tmp_path: Path, column: str, value: object) -> None:
    folder = tmp_path / "t"
    (tmp_path / "victim.txt").write_text("precious")
    bare = Takes(folder)
    bare.rebuild([take("a")])
    _poison(folder, column, value)
    with pytest.raises(GarbledIndexError):
        bare.of(key("hero"))
    with pytest.raises(GarbledIndexError):
        bare.record(take("b"))
    healing = Takes(folder, arrivals=lambda: [take("a")])
    assert healing.of(key("hero")) == (take("a"),)
    assert len(healing.notices) == 1
    assert list(folder.glob("damaged-*/cache.db")), "the old index is set aside"
    assert (tmp_path / "victim.txt").read_text() == "precious"


def test_a_pickle_is_never_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "t"
    takes = Takes(folder)
    takes.record(take("a"))
    bomb = pickle.dumps(_Bomb())
    _row(folder, "UPDATE Cache SET mode = 4, value = ? WHERE key LIKE 'take/%'", bomb)
    _row(folder, "INSERT INTO Cache (key, raw, mode, value) VALUES (?, 0, 4, ?)", bomb, bomb)
    for attempt in (lambda: takes.of(key("hero")), takes.verify):
        with pytest.raises(GarbledIndexError):
            attempt()
    assert not (tmp_path / "bomb-went-off").exists()


FOREIGN = [
    "CREATE VIEW v AS SELECT 1",
    "CREATE TRIGGER t AFTER INSERT ON Cache BEGIN DELETE FROM Cache; END",
    "INSERT INTO Settings VALUES ('_disk', 'x')",
    "UPDATE Settings SET value = '1; ATTACH' WHERE key = 'sqlite_cache_size'",
    "DROP TABLE Cache",
]


@pytest.mark.parametrize("sql", FOREIGN)
def test_a_foreign_database_is_set_aside_before_diskcache_sees_it(tmp_path: Path, sql: str) -> None:
    folder = tmp_path / "t"
    Takes(folder).record(take("a"))
    _row(folder, sql)
    takes = Takes(folder)
    assert takes.needs_rebuild
    assert len(takes.notices) == 1
    takes.rebuild([take("a")])
    assert takes.of(key("hero")) == (take("a"),)
    assert not takes.needs_rebuild


@pytest.mark.parametrize("content", [b"", b"garbage" * 100, b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_damaged_file_is_set_aside_and_built_again(tmp_path: Path, content: bytes) -> None:
    folder = tmp_path / "t"
    folder.mkdir()
    (folder / "cache.db").write_bytes(content)
    takes = Takes(folder, arrivals=lambda: [take("a"), take("b")])
    assert takes.of(key("hero")) == (take("a"), take("b"))
    (aside,) = folder.glob("damaged-*/cache.db")
    assert aside.read_bytes() == content


def test_a_damaged_page_is_noticed_and_healed(tmp_path: Path) -> None:
    folder = tmp_path / "t"
    everything = [take(f"n{number}", f"r{number}") for number in range(300)]
    takes = Takes(folder, arrivals=lambda: everything)
    assert takes.verify() == 300
    takes.close()
    data = bytearray((folder / "cache.db").read_bytes())
    for page in range(4096 * 12, len(data), 4096):
        data[page : page + 2048] = b"\xff" * 2048
    (folder / "cache.db").write_bytes(data)
    healed = Takes(folder, arrivals=lambda: everything)
    assert healed.verify() == 300
    assert all(healed.of(one.request_key) == (one,) for one in everything)
    assert healed.notices


def test_a_new_index_says_that_it_must_be_built(tmp_path: Path) -> None:
    takes = Takes(tmp_path / "t")
    takes.record(take("a"))
    assert Takes(tmp_path / "t").needs_rebuild, "an interrupted rebuilding is noticed"
    takes.rebuild([])
    assert not Takes(tmp_path / "t").needs_rebuild
    assert Takes(tmp_path / "t", arrivals=lambda: [take("b")]).of(key("hero")) == ()


def test_a_held_index_is_an_error_in_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BUSY_SECONDS", 0.3)
    folder = tmp_path / "t"
    takes = Takes(folder)
    script = (
        "import sqlite3, sys; db = sqlite3.connect(sys.argv[1], isolation_level=None); db.execute('BEGIN IMMEDIATE')\n"
        "print('held', flush=True); sys.stdin.read()"
    )
    process = python(script, str(folder / "cache.db"))
    assert process.stdout and process.stdout.readline() == "held\n"
    started = time.monotonic()
    for attempt in (lambda: Takes(folder), lambda: takes.record(take("a"))):
        with pytest.raises(StateError, match="held by another process"):
            attempt()
    assert takes.of(key("hero")) == (), "reading does not wait"
    assert time.monotonic() - started < 5
    process.kill()
    process.communicate()
    takes.record(take("a"))


def test_many_threads_record(tmp_path: Path) -> None:
    takes = Takes(tmp_path / "t")

    def work(number: int) -> None:
        for step in range(5):
            takes.record(take(f"{number}-{step}", ordinal=step + 1))
        takes.close()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(takes.of(key("hero"))) == 40


def test_a_folder_that_would_be_expanded_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOMEWHERE", "/tmp/elsewhere")
    with pytest.raises(StateError, match="would be expanded"):
        Takes(tmp_path / "$SOMEWHERE")


def test_what_was_kept_by_a_process_that_died_before_the_index_is_caught_up_with(tmp_path: Path) -> None:
    """Whoever closed its requests meanwhile: the index itself remembers up to where it is complete."""
    journal = open_journal(tmp_path)
    takes = Takes(tmp_path / "t", arrivals=journal.arrivals)
    run = begin(journal)
    first, held = claim(journal, run, "first"), claim(journal, run, "held")
    journal.sent(first)
    journal.kept(first, 0, picture("first"))
    journal.sent(held)
    journal.unknown(held, "cut")
    takes.catch_up(*journal.arrivals_from(takes.mark))
    assert [take.digest for take in takes.of(key("first"))] == [key("first")]
    assert takes.mark == 1, "the first may bring more"
    journal.settled(first, PRICE)
    takes.catch_up(*journal.arrivals_from(takes.mark))
    assert takes.mark == 3
    journal.kept(held, 0, picture("held"))
    takes.catch_up(*journal.arrivals_from(takes.mark))
    assert takes.of(key("held")), "an unknown outcome may still bring something"
    journal.conclude(held)
    last = claim(journal, run, "last")
    journal.sent(last)
    journal.kept(last, 0, picture("last"))
    journal.settled(last, PRICE)
    assert takes.of(key("last")) == ()
    takes.catch_up(*journal.arrivals_from(takes.mark))
    assert takes.mark == 4
    for name in ("held", "last"):
        assert [take.digest for take in takes.of(key(name))] == [key(name)]
    assert journal.arrivals_from(takes.mark) == ((), 4)
