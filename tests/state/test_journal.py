import os
import sqlite3
import threading
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from seedpipe.errors import StateError
from seedpipe.money import Money
from seedpipe.names import Realm
from seedpipe.state.caps import CapKind, CapReached
from seedpipe.state.journal_schema import SCHEMA_VERSION
from seedpipe.state.layer import Layer
from seedpipe.state.requests import (
    LEGAL,
    AlreadyKept,
    Claimed,
    ClaimedElsewhere,
    DayTurnedError,
    FrameOf,
    HeldUnknown,
    IllegalMoveError,
    Located,
    RequestState,
)
from seedpipe.state.spent import Scope
from tests.state.journals import PRICE, Clock, begin, cap, claim, intent, key, locate, open_journal, picture


def test_the_whole_life_of_a_request(folder: Path) -> None:
    journal = open_journal(folder)
    run = begin(journal)
    id_ = claim(journal, run, profile="draft", tags=("launch", "b"))
    assert journal.request(id_).state is RequestState.INTENDED
    journal.sent(id_)
    journal.located_all(id_, [Located(index=0, url="https://x/0", size="2048x2048")], request_id="021…")
    journal.kept(id_, 0, picture())
    journal.settled(id_, PRICE)
    request = journal.request(id_)
    assert (request.state, request.charge, request.request_id) == (RequestState.SETTLED, PRICE, "021…")
    assert (request.profile, request.tags, request.account) == ("draft", ("launch", "b"), "acc")
    (take,) = journal.arrivals()
    assert (take.digest, take.cost, take.ordinal, take.request_id) == (key("pixels"), PRICE, 1, "021…")
    assert journal.spent(Scope(), "USD").charged == PRICE
    assert journal.open_requests() == ()


def test_what_was_written_is_there_after_opening_again(folder: Path) -> None:
    journal = open_journal(folder)
    id_ = claim(journal, begin(journal))
    journal.sent(id_)
    journal.unknown(id_, "timed out")
    before = journal.request(id_)
    journal.close()
    assert open_journal(folder).unknowns() == (before,)


def test_every_state_has_a_sentence_and_a_rule() -> None:
    assert set(LEGAL) == set(RequestState)
    assert len({state.sentence for state in RequestState}) == len(RequestState)


@pytest.mark.parametrize("state", ["settled", "refused", "released"])
def test_closed_requests_stay_closed(folder: Path, state: str) -> None:
    journal = open_journal(folder)
    id_ = claim(journal, begin(journal))
    if state == "released":
        journal.released(id_, "stopped")
    else:
        journal.sent(id_)
        if state == "settled":
            journal.settled(id_, Money.zero("USD"))
        else:
            journal.refused(id_, code="InvalidParameter", message="m", verdict="failed")
    before = journal.request(id_)
    for attempt in (
        lambda: journal.sent(id_),
        lambda: locate(journal, id_, 0, "https://x/0"),
        lambda: journal.kept(id_, 0, picture()),
        lambda: journal.settled(id_, PRICE),
        lambda: journal.refused(id_, code="c", message="m", verdict="v"),
        lambda: journal.released(id_, "again"),
        lambda: journal.unknown(id_, "why"),
        lambda: journal.resolve(id_, paid=True, who="ada"),
        lambda: journal.answer_complete(id_),
        lambda: journal.conclude(id_),
    ):
        with pytest.raises(IllegalMoveError):
            attempt()
    assert journal.request(id_) == before
    assert journal.answer(id_) == ()


def test_a_located_picture_must_be_kept_before_settling(folder: Path) -> None:
    journal = open_journal(folder)
    id_ = claim(journal, begin(journal))
    journal.sent(id_)
    locate(journal, id_, 0, "https://x/0")
    with pytest.raises(IllegalMoveError, match="not kept"):
        journal.settled(id_, PRICE)
    with pytest.raises(IllegalMoveError, match="to be fetched"):
        journal.conclude(id_)
    journal.kept(id_, 0, picture())
    journal.kept(id_, 0, picture())
    with pytest.raises(IllegalMoveError, match="can't take its place"):
        journal.kept(id_, 0, picture("other"))
    assert journal.conclude(id_).charge == PRICE


def test_refused_is_free_and_remembered(folder: Path) -> None:
    journal = open_journal(folder)
    run = begin(journal)
    id_ = claim(journal, run)
    journal.sent(id_)
    journal.refused(id_, code="OutputImageSensitiveContentDetected", message="m", verdict="blocked", request_id="r1")
    retry = claim(journal, run)
    journal.sent(retry)
    journal.refused(retry, code="ServerOverloaded", message="m", verdict="retry")
    assert journal.spent(Scope(), "USD").worst == Money.zero("USD")
    assert journal.refusals()[key("hero")][1].verdict == "retry", "the newest"
    blocked = journal.refusals(verdicts={"blocked"})[key("hero")][1]
    assert (blocked.request_id, blocked.address) == ("r1", "hero")
    third = claim(journal, run)
    journal.sent(third)
    journal.refused(third, code="c", message="m", verdict="blocked")
    fourth = claim(journal, run)
    journal.sent(fourth)
    journal.settled(fourth, PRICE)
    assert journal.refusals() == {}, "a success after it makes a refusal history"


def test_a_refused_take_stays_refused_whatever_becomes_of_the_others(folder: Path) -> None:
    journal = open_journal(folder)
    run = begin(journal)
    for ordinal in (1, 2, 3):
        id_ = claim(journal, run, ordinal=ordinal)
        journal.sent(id_)
        if ordinal == 2:
            journal.settled(id_, PRICE)
        else:
            journal.refused(id_, code=f"c{ordinal}", message="m", verdict="blocked")
    assert [refusal.code for refusal in journal.refusals()[key("hero")].values()] == ["c1", "c3"]
    assert journal.refused_ordinals(key("hero"), verdicts={"blocked"}) == {1, 3}
    again = claim(journal, run, ordinal=1)
    journal.sent(again)
    journal.settled(again, PRICE)
    assert journal.refused_ordinals(key("hero")) == {3}


def test_the_same_picture_is_not_bought_twice(folder: Path) -> None:
    journal, other = open_journal(folder), open_journal(folder)
    run, other_run = begin(journal), begin(other)
    id_ = claim(journal, run)
    elsewhere = other.intend(intent(other_run), ())
    assert isinstance(elsewhere, ClaimedElsewhere)
    assert (elsewhere.request.id, elsewhere.alive, elsewhere.mine) == (id_, True, False)
    mine = journal.intend(intent(run), ())
    assert isinstance(mine, ClaimedElsewhere) and mine.mine
    assert isinstance(other.intend(intent(other_run, ordinal=2), ()), Claimed)
    journal.sent(id_)
    journal.kept(id_, 0, picture())
    journal.settled(id_, PRICE)
    bought = other.intend(intent(other_run), ())
    assert isinstance(bought, AlreadyKept)
    assert [take.digest for take in bought.takes] == [key("pixels")]
    assert journal.next_ordinal(key("hero")) == 3
    assert journal.next_ordinal(key("another")) == 1


def test_an_unknown_outcome_is_held_until_a_person_says(folder: Path) -> None:
    journal = open_journal(folder)
    run = begin(journal)
    id_ = claim(journal, run)
    journal.sent(id_)
    journal.unknown(id_, "timed out after 300 s")
    held = journal.intend(intent(run), ())
    assert isinstance(held, HeldUnknown) and held.request.why == "timed out after 300 s"
    with pytest.raises(IllegalMoveError, match="only a person"):
        journal.released(id_, "let it go")
    again = claim(journal, run, despite_unknown=True)
    assert journal.spent(Scope(), "USD").uncertain == PRICE
    assert {request.id for request in journal.open_by_key(key("hero"))} == {id_, again}
    locate(journal, id_, 0, "https://late/0")  # an answer that comes after all is written down
    assert journal.request(id_).state is RequestState.UNKNOWN
    assert journal.resolve(id_, paid=False, who="ada").state is RequestState.RELEASED
    assert journal.unknowns() == ()


def test_resolving(folder: Path) -> None:
    journal = open_journal(folder)
    run = begin(journal)
    paid = claim(journal, run, "a", images=4)
    part = claim(journal, run, "b", images=4)
    free = claim(journal, run, "c", images=4)
    proof = claim(journal, run, "d", price=Money.zero("USD"))
    for id_ in (paid, part, free, proof):
        journal.sent(id_)
    for index in range(2):
        journal.kept(part, index, picture(f"p{index}"))
    journal.kept(proof, 0, replace(picture("proof"), cost=None))
    for id_ in (paid, part, free, proof):
        journal.unknown(id_, "cut")
    assert journal.resolve(paid, paid=True, who="ada").charge == PRICE * 4
    assert journal.resolve(part, paid=False, who="ada").charge == PRICE * 2
    assert journal.resolve(free, paid=False, who="ada").charge is None
    assert journal.resolve(proof, paid=False, who="ada").state is RequestState.SETTLED
    assert journal.request(paid).resolved_by == "ada"
    assert journal.spent(Scope(), "USD").charged == PRICE * 6


def test_a_batch_that_broke_off(folder: Path) -> None:
    journal = open_journal(folder)
    id_ = claim(journal, begin(journal), images=4)
    journal.sent(id_)
    locate(journal, id_, 0, "https://x/0")
    journal.kept(id_, 0, picture("0"))
    journal.item_refused(id_, 1, code="OutputImageSensitiveContentDetected", message="m")
    locate(journal, id_, 2, "https://x/2")
    assert journal.request(id_).state is RequestState.KEPT
    journal.kept(id_, 2, picture("2"))
    concluded = journal.conclude(id_)
    assert (concluded.state, concluded.why) == (
        RequestState.UNKNOWN,
        "2 of 4 pictures had arrived when the answer broke off",
    )
    journal.answer_complete(id_)  # the end of the stream was seen after all: three items
    assert journal.conclude(id_).charge == PRICE * 2
    assert [(one.index, one.picture is None, one.code) for one in journal.answer(id_)] == [
        (0, False, None),
        (1, True, "OutputImageSensitiveContentDetected"),
        (2, False, None),
    ]


def test_an_answer_as_data_is_not_complete_before_it_is_kept(folder: Path) -> None:
    journal = open_journal(folder)
    run = begin(journal)
    nothing, batch = claim(journal, run, "a"), claim(journal, run, "b", images=4)
    for id_, total in ((nothing, None), (batch, 3)):
        journal.sent(id_)
        journal.located_all(id_, (), total=total)
    assert journal.conclude(nothing).state is RequestState.UNKNOWN
    for index in range(3):
        assert journal.request(batch).state.is_active
        journal.kept(batch, index, picture(str(index)))
    assert journal.conclude(batch).charge == PRICE * 3


def test_the_day_turns_between_intent_and_sending(folder: Path) -> None:
    clock = Clock("2026-11-24T23:59:59")
    journal = open_journal(folder, clock)
    run = begin(journal)
    late = claim(journal, run)
    clock.now = clock.now.replace(day=25, hour=0)
    with pytest.raises(DayTurnedError):
        journal.sent(late)
    assert journal.request(late).state is RequestState.RELEASED
    today = claim(journal, run)
    journal.sent(today)
    assert journal.spent(Scope(day="2026-11-24"), "USD").worst == Money.zero("USD")
    assert journal.spent(Scope(day="2026-11-25"), "USD").open == PRICE


def test_spending_by_scope(folder: Path) -> None:
    clock = Clock("2026-10-31T12:00:00")
    journal = open_journal(folder, clock)
    first = begin(journal)
    for name in ("a", "b"):
        id_ = claim(journal, first, name)
        journal.sent(id_)
        journal.settled(id_, PRICE)
    clock.now = clock.now.replace(month=11, day=2)
    second = begin(journal)
    id_ = claim(journal, second, "a", ordinal=2, price=Money.parse("0.28 CNY"))
    journal.sent(id_)
    journal.settled(id_, Money.parse("0.28 CNY"))
    open_ = claim(journal, second, "c")

    def charged(currency: str = "USD", **scope: str) -> str:
        return str(journal.spent(Scope(**scope), currency).charged)

    assert charged() == "0.08 USD"
    assert (charged(month="2026-10"), charged(month="2026-11")) == ("0.08 USD", "0.00 USD")
    assert charged("CNY", month="2026-11") == "0.28 CNY"
    assert (charged(run=first), charged(run=second)) == ("0.08 USD", "0.00 USD")
    assert (charged(address="a"), charged("CNY", address="a")) == ("0.04 USD", "0.28 CNY")
    assert charged(address="a", run=first) == "0.04 USD"
    assert charged(address="a", run=second) == "0.00 USD"
    assert charged(day="2026-10-31") == "0.08 USD"
    assert journal.spent(Scope(run=second), "USD").open == PRICE
    assert journal.spent(Scope(month="2026-10"), "USD").open == Money.zero("USD")
    rows = journal.spend_rows(since="2026-11-01")
    assert [(row.request.address, row.user, str(row.charged), str(row.open)) for row in rows] == [
        ("a", "ada", "0.28 CNY", "None"),
        ("c", "ada", "None", "0.04 USD"),
    ]
    assert len(journal.spend_rows()) == 4
    assert journal.spend_rows(until="2026-10-01") == ()
    journal.released(open_, "done")


@pytest.mark.parametrize(
    ("kind", "stops"),
    [
        (CapKind.PROJECT, True),
        (CapKind.PER_RUN, False),
        (CapKind.PER_DAY, False),
        (CapKind.PER_MONTH, True),
        (CapKind.PER_NODE, False),
    ],
)
def test_which_spending_counts_for_a_cap(folder: Path, kind: CapKind, stops: bool) -> None:
    clock = Clock("2026-11-23T12:00:00")
    journal = open_journal(folder, clock)
    id_ = claim(journal, begin(journal), "other")
    journal.sent(id_)
    journal.settled(id_, PRICE)
    clock.now = clock.now.replace(day=24)
    outcome = journal.intend(intent(begin(journal)), (cap("0.07 USD", kind),))
    assert isinstance(outcome, CapReached) == stops
    tight = journal.intend(intent(begin(journal), "third"), (cap("0.039999 USD", kind),))
    assert isinstance(tight, CapReached) and not tight.would_fit_after_settling


def test_caps_count_what_is_open_and_unknown_and_say_whether_waiting_helps(folder: Path) -> None:
    journal = open_journal(folder)
    run = begin(journal)
    limit = (cap("0.12 USD"),)
    first = claim(journal, run, "a", caps=limit)
    second = claim(journal, run, "b", caps=limit)
    third = claim(journal, run, "c", caps=limit)
    reached = journal.intend(intent(run, "d"), limit)
    assert isinstance(reached, CapReached) and reached.would_fit_after_settling
    assert (reached.used, reached.open_reservations) == (Money.zero("USD"), PRICE * 3)
    journal.sent(first)
    journal.settled(first, PRICE)
    journal.sent(second)
    journal.unknown(second, "cut")
    journal.sent(third)
    journal.refused(third, code="c", message="m", verdict="retry")
    fourth = claim(journal, run, "d", caps=limit)
    journal.sent(fourth)
    journal.settled(fourth, PRICE)
    reached = journal.intend(intent(run, "e"), limit)
    assert isinstance(reached, CapReached) and not reached.would_fit_after_settling
    assert (reached.used, reached.uncertain, reached.cap) == (PRICE * 2, PRICE, limit[0])
    journal.resolve(second, paid=False, who="ada")
    assert isinstance(journal.intend(intent(run, "e"), limit), Claimed)


def test_a_cap_binds_its_own_currency(folder: Path) -> None:
    journal = open_journal(folder)
    run = begin(journal)
    caps = (cap("0.01 CNY"), cap("0.05 USD", CapKind.PER_MONTH))
    claim(journal, run, "a", caps=caps)
    yuan = Money.parse("0.02 CNY")
    assert isinstance(journal.intend(intent(run, "b", price=yuan, reserved=yuan), caps), CapReached)
    with pytest.raises(ValueError, match="one currency"):
        journal.intend(intent(run, "b", price=PRICE, reserved=yuan), ())


def test_of_several_caps_the_hopeless_one_is_named(folder: Path) -> None:
    journal = open_journal(folder)
    run = begin(journal)
    claim(journal, run, "a")
    waits, hopeless = cap("0.05 USD"), cap("0.03 USD", CapKind.PER_NODE)
    reached = journal.intend(intent(run, "b"), (waits, hopeless))
    assert isinstance(reached, CapReached) and reached.cap is hopeless


def test_the_number_grows_with_every_commit_of_any_process(folder: Path) -> None:
    journal, other = open_journal(folder), open_journal(folder)
    before = journal.number()
    journal.unknowns()
    assert journal.number() == before
    begin(other)
    assert journal.number() > before


def test_threads_share_commits_and_each_gets_its_own_answer(folder: Path) -> None:
    journal = open_journal(folder)
    run = begin(journal)
    before, outcomes, failures = journal.number(), [], []

    def work(number: int) -> None:
        id_ = claim(journal, run, f"n{number}")
        journal.sent(id_)
        journal.kept(id_, 0, picture(f"n{number}"))
        try:
            journal.sent(id_)
        except IllegalMoveError as error:
            failures.append((number, error))
        journal.settled(id_, PRICE)
        outcomes.append(id_)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(outcomes) == len(failures) == 40
    assert all(f"`n{number}`" in error.message for number, error in failures)
    assert journal.spent(Scope(), "USD").charged == PRICE * 40
    assert journal.number() - before < 40 * 5, "not one commit was shared"


# ------------------------------------------------------------------------------------------------------- the file


def test_an_absent_file_is_a_new_journal_for_its_owner_only(folder: Path) -> None:
    journal = open_journal(folder / "a" / "b")
    assert journal.path.stat().st_mode & 0o777 == 0o600
    assert journal.path.parent.stat().st_mode & 0o777 == 0o700
    assert sorted(path.name for path in journal.path.parent.iterdir() if path.name.endswith(".tmp")) == []


@pytest.mark.parametrize("content", [b"", b"x", b"garbage" * 1000, b"SQLite format 3\0", b"\0" * 8192])
def test_a_damaged_file_is_never_read_as_empty(folder: Path, content: bytes) -> None:
    path = folder / "journal.sqlite"
    path.write_bytes(content)
    with pytest.raises(StateError) as caught:
        open_journal(folder)
    assert "journal.sqlite" in caught.value.message
    assert "seedpipe doctor --repair" in (caught.value.hint or "")
    assert path.read_bytes() == content


def test_a_foreign_database_is_left_alone(folder: Path) -> None:
    path = folder / "journal.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE t (x)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StateError, match="another program"):
        open_journal(folder)
    assert path.read_bytes() == before


def _change(path: Path, sql: str) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute(sql)
    connection.close()


# What each version had not yet, and what it wrote otherwise.
TO_3 = ("DROP TABLE layer", "PRAGMA user_version = 3")
TO_2 = (
    *TO_3,
    "DROP TABLE resolution",
    "DROP INDEX frame_address",
    "INSERT INTO total VALUES ('address:hero', 'USD', 99)",
    "PRAGMA user_version = 2",
)
TO_1 = (*TO_2, "DROP TABLE frame", "PRAGMA user_version = 1")


@pytest.mark.parametrize("downgrade", [TO_1, TO_2, TO_3])
def test_an_older_journal_is_brought_up_to_date(folder: Path, downgrade: tuple[str, ...]) -> None:
    journal = open_journal(folder)
    bought = claim(journal, begin(journal))
    journal.sent(bought)
    journal.kept(bought, 0, picture())
    journal.settled(bought, PRICE)
    journal.close()
    for sql in downgrade:
        _change(folder / "journal.sqlite", sql)
    journal = open_journal(folder)
    assert journal.request(bought).state is RequestState.SETTLED
    assert journal.request(bought).frames == ()
    assert journal.spent(Scope(address="hero"), "USD").charged == PRICE
    assert journal.resolutions() == ()
    journal.close()
    open_journal(folder).close()


def test_the_frames_of_a_batch_are_written_down_with_its_intent(folder: Path) -> None:
    journal = open_journal(folder)
    frames = tuple(FrameOf(address=f"board#{name}", want=key(name)) for name in ("wide", "hands"))
    request = claim(journal, begin(journal), "board", images=2, frames=frames)
    journal.sent(request)
    journal.kept(request, 1, picture("b"))
    take = journal.arrivals()[0]
    assert (take.address, take.want, take.request_key) == ("board#hands", key("hands"), key("board"))
    assert journal.request(request).frames == frames
    journal.close()


def test_what_the_service_says_of_a_layer_lasts_as_its_address_does(folder: Path) -> None:
    """Written with the address, before the picture is fetched: a crash in between loses no words."""
    journal = open_journal(folder)
    ground = Layer(z_index=0, name="background")
    mark = Layer(z_index=1, name="mark", description="灯", box=(1, 2, 3, 4), normalized=(1.0, 2.5, 3.0, 4.0))
    request = claim(journal, begin(journal), "parts", images=17)
    journal.sent(request)
    layers = [Located(index=index, url=f"https://x/{index}", layer=layer) for index, layer in enumerate((ground, mark))]
    journal.located_all(request, layers)
    journal.close()
    journal = open_journal(folder)
    [waiting] = journal.recover().to_fetch
    assert [item.layer for item in waiting.located] == [ground, mark]
    for index in (0, 1):
        journal.kept(request, index, picture(str(index)))  # the words need not be said again
    assert [arrival.layer for arrival in journal.answer(request)] == [ground, mark]
    assert [take.layer for take in journal.arrivals()] == [ground, mark]
    journal.close()


def test_a_newer_journal_is_refused(folder: Path) -> None:
    open_journal(folder).close()
    newer = SCHEMA_VERSION + 1
    _change(folder / "journal.sqlite", f"PRAGMA user_version = {newer}")
    with pytest.raises(StateError, match=f"schema {newer}") as caught:
        open_journal(folder)
    assert "upgrade" in (caught.value.hint or "")


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TRIGGER t AFTER INSERT ON request BEGIN DELETE FROM arrival; END",
        "DROP INDEX request_claim",
        "CREATE VIEW v AS SELECT 1",
    ],
)
def test_foreign_triggers_and_missing_indexes_are_noticed(folder: Path, sql: str) -> None:
    open_journal(folder).close()
    _change(folder / "journal.sqlite", sql)
    with pytest.raises(StateError, match="did not make"):
        open_journal(folder)


def test_a_damaged_page_is_noticed(folder: Path) -> None:
    journal = open_journal(folder)
    run = begin(journal)
    for number in range(50):
        claim(journal, run, f"n{number}")
    journal.close()
    path = folder / "journal.sqlite"
    data = bytearray(path.read_bytes())
    for page in range(4096 * 2, len(data), 4096):
        data[page : page + 64] = b"\xff" * 64
    path.write_bytes(data)
    with pytest.raises(StateError, match="damaged"):
        open_journal(folder)


def test_a_journal_cut_short_is_noticed(folder: Path) -> None:
    journal = open_journal(folder)
    begin(journal)
    journal.close()
    path = folder / "journal.sqlite"
    path.write_bytes(path.read_bytes()[: 4096 * 3])
    with pytest.raises(StateError, match="damaged"):
        open_journal(folder)


def test_a_journal_that_was_removed_under_us_writes_nothing_more(folder: Path) -> None:
    journal = open_journal(folder)
    run = begin(journal)
    (folder / "journal.sqlite").rename(folder / "moved")
    with pytest.raises(StateError, match="moved or removed"):
        claim(journal, run)
    with pytest.raises(StateError, match="beside it holds records"):
        open_journal(folder)


def test_a_forked_child_may_not_use_the_journal(folder: Path) -> None:
    journal = open_journal(folder)
    run = begin(journal)
    pid = os.fork()
    if pid == 0:
        try:
            claim(journal, run)
        except StateError:
            os._exit(7)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7


def test_an_unknown_id_is_an_error(folder: Path) -> None:
    with pytest.raises(StateError, match="has no request `nope`"):
        open_journal(folder).sent("nope")


def test_a_run_of_no_one_can_not_spend(folder: Path) -> None:
    journal = open_journal(folder)
    with pytest.raises(StateError, match="contradict"):
        journal.intend(intent("run-of-nobody"), ())
    assert journal.begin_run(realm=Realm.PROOF, user="ada")


def test_who_waits_while_another_writes_shares_one_commit(folder: Path) -> None:
    """Eight threads come while the connection is busy: one transaction, one sync, for all of them."""
    journal = open_journal(folder)
    run = begin(journal)
    busy, go_on = threading.Event(), threading.Event()

    def hold(_db: sqlite3.Connection) -> None:
        busy.set()
        assert go_on.wait(20)

    holder = threading.Thread(target=journal._writer.read, args=(hold,))
    holder.start()
    assert busy.wait(20)
    before = _commits(folder)
    threads = [threading.Thread(target=claim, args=(journal, run, f"n{number}")) for number in range(8)]
    for thread in threads:
        thread.start()
    until = time.monotonic() + 20
    while len(journal._writer._queue) < 8:
        assert time.monotonic() < until
        time.sleep(0.005)
    go_on.set()
    for thread in (holder, *threads):
        thread.join()
    assert _commits(folder) - before == 1
    assert len(journal.open_requests()) == 8


def _commits(folder: Path) -> int:
    with closing(sqlite3.connect(folder / "journal.sqlite")) as connection:
        return int(connection.execute("SELECT value FROM counter WHERE name = 'writes'").fetchone()[0])


def test_eight_busy_threads_commit_far_less_often_than_they_write(tmp_path: Path) -> None:
    """On a disk: each call is durable when it returns, and most calls share a commit with others."""
    journal = open_journal(tmp_path)
    run = begin(journal)
    before = journal.number()

    def work(number: int) -> None:
        for place in range(10):
            id_ = claim(journal, run, f"{number}.{place}")
            journal.sent(id_)
            journal.kept(id_, 0, picture(f"{number}.{place}"))
            journal.settled(id_, PRICE)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert journal.spent(Scope(), "USD").charged == PRICE * 80
    assert journal.number() - before < 320 * 0.7
