"""Our ledger beside theirs: by id, by time, by counts; and what a person may say then."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

from seedpipe.money import Money
from seedpipe.review.reconcile import Reconciliation, reconcile
from seedpipe.review.reconcile_text import reconcile_data, reconcile_text
from seedpipe.review.usage import Usage, UsageFile
from seedpipe.state.ledger import Entry
from tests.state.test_ledger import entry, part

MODEL = "seedream-4-5-251128"
DAY = "2026-11-24"


def usd(text: str) -> Money:
    return Money.parse(f"{text} USD")


def ours(request: str, id_: str | None = None, *, day: str = DAY, unknown: bool = False, pictures: int = 1) -> Entry:
    money = {"charged": 0, "uncertain": 4, "came": False} if unknown else {}
    parts = tuple(part(f"{request}#{number}" if pictures > 1 else request, **money) for number in range(pictures))  # type: ignore[arg-type]
    return entry(
        day,
        request,
        *parts,
        request_id=id_,
        client_request_id=f"c-{request}",
        ids=(*([id_] if id_ else []), f"c-{request}"),
        state="unknown" if unknown else "settled",
    )


def theirs(
    line: int,
    id_: str | None = None,
    *,
    day: str = DAY,
    images: int | None = 1,
    amount: str | None = "0.04",
    model: str | None = MODEL,
    minute: int | None = None,
) -> Usage:
    at = None if minute is None else datetime(2026, 11, 24, 10, minute, tzinfo=UTC)
    return Usage(
        line=line,
        day=day,
        at=at,
        model=model,
        images=images,
        amount=None if amount is None else usd(amount),
        request_id=id_,
    )


def compared(
    entries: list[Entry], rows: list[Usage], *, released: tuple[Entry, ...] = (), zone: timezone = UTC
) -> Reconciliation:
    known = {MODEL: MODEL, "seedream-4-5": MODEL}
    return reconcile(entries, released, rows, model_of=lambda name: known.get(name), zone=zone)


def said(found: Reconciliation) -> list[tuple[str, bool]]:
    return [(one.entry.request, one.paid) for one in found.suggestions]


def test_ids_tell_who_is_who() -> None:
    found = compared(
        [ours("a", "id-a"), ours("b", "id-b"), ours("c", "id-c"), ours("d", None)],
        [theirs(2, "id-a"), theirs(3, "id-b", amount="0.05"), theirs(4, "id-x"), theirs(5, "c-d")],
    )
    assert [match.ours.request for match in found.matched] == ["a", "b", "d"], "our own id is as good"
    assert [match.ours.request for match in found.differing] == ["b"]
    assert [one.request for one in found.ours_only] == ["c"]
    assert [row.line for row in found.theirs_only] == [4]
    assert found.groups == [] and not found.agrees
    assert said(found) == [], "what is settled is no question"


def test_several_lines_of_one_request_are_added_up() -> None:
    rows = [theirs(2, "id-a"), theirs(3, "id-a")]
    assert compared([ours("a", "id-a", pictures=2)], rows).agrees
    assert not compared([ours("a", "id-a", pictures=3)], rows).agrees


def test_an_uncertain_charge_with_an_id_of_theirs_is_paid_and_one_without_is_not() -> None:
    found = compared(
        [ours("a", "id-a", unknown=True), ours("b", "id-b", unknown=True), ours("c", "id-c")],
        [theirs(2, "id-a"), theirs(3, "id-c")],
    )
    assert said(found) == [("a", True), ("b", False)]
    assert found.suggestions[0].command == "seedpipe resolve a --paid --request a"
    assert found.suggestions[1].command == "seedpipe resolve b --not-paid --request b"
    assert not found.agrees


def test_without_an_answer_there_is_no_id_but_a_time() -> None:
    """Requests of 10:00; one line of 10:03 that nobody else has."""
    lost = ours("lost", None, unknown=True)
    found = compared([lost, ours("a", "id-a")], [theirs(2, "id-a", minute=0), theirs(3, "id-x", minute=3)])
    (timely,) = [match for match in found.matched if match.by_time]
    assert (timely.ours.request, timely.theirs[0].line) == ("lost", 3)
    assert said(found) == [("lost", True)]
    assert found.theirs_only == []
    late = compared([lost], [theirs(3, "id-x", minute=45)])
    assert [row.line for row in late.theirs_only] == [3]
    assert said(late) == [], "a line of that day and model is nobody's: it can't be told"
    other_day = compared([lost], [theirs(3, "id-x", day="2026-11-23"), theirs(4, "id-y", day="2026-11-25")])
    assert said(other_day) == [("lost", False)]


def test_two_that_fit_one_line_are_not_guessed() -> None:
    rows = [theirs(3, "id-x", minute=3)]
    found = compared([ours("a", unknown=True), ours("b", unknown=True)], rows)
    assert found.matched == [] and said(found) == []
    assert [one.request for one in found.ours_only] == ["a", "b"]


def test_as_many_lines_as_requests_leave_no_doubt_that_each_was_billed() -> None:
    """A crash lost two answers of one minute; the bill has two lines of it, under ids that we never heard."""
    hero, board = ours("hero", unknown=True), ours("board", unknown=True, pictures=3)
    rows = [theirs(2, "id-x", minute=1, images=3, amount="0.12"), theirs(3, "id-y", minute=1)]
    found = compared([hero, board], rows)
    assert {(match.ours.request, match.theirs[0].line) for match in found.matched} == {("board", 2), ("hero", 3)}
    assert said(found) == [("hero", True), ("board", True)] or said(found) == [("board", True), ("hero", True)]
    assert all("2 lines fit the times of 2 requests, so each was billed" in one.why for one in found.suggestions)
    assert not any("--amount" in one.command for one in found.suggestions), "all that was reserved was billed"
    short = compared([board], [theirs(2, "id-x", minute=1, images=2, amount="0.08")])
    assert short.suggestions[0].command == 'seedpipe resolve board#0 --paid --amount "0.08 USD" --request board'
    too_many = compared([hero], [theirs(2, "id-x", minute=1, images=3, amount="0.12")])
    assert too_many.matched == [], "three pictures never came of a request for one"


def test_fewer_lines_than_requests_are_not_guessed_but_said() -> None:
    found = compared(
        [ours(name, unknown=True) for name in ("a", "b", "c")], [theirs(2, "x", minute=1), theirs(3, "y", minute=2)]
    )
    assert found.matched == [] and said(found) == []
    (cluster,) = found.unclear
    assert (len(cluster.entries), len(cluster.rows)) == (3, 2)
    text = reconcile_text("usage.csv", UsageFile(rows=[], columns={}, faults=[]), found, provider="apiyi")
    assert "2 lines (2, 3) for 3 requests (a, b, c) whose times fit" in " ".join(text.split())


def test_what_was_compared_is_said_also_where_that_was_nothing() -> None:
    file = UsageFile(rows=[], columns={"id": "Log"}, faults=[], others=["Payable"])
    other = compared([ours("a", unknown=True)], [theirs(2, "x", day="2026-10-01", model="a-video-model")])
    text = " ".join(reconcile_text("old.csv", file, other, provider="apiyi").split())
    assert "beside it: 0 requests of yours at apiyi in these days" in text
    assert "1 uncertain charge of other days (2026-11-24) not compared" in text
    assert "there was nothing to compare" in text and "both sides agree" not in text
    assert "nothing tells model, images, amount; left aside: `Payable`" in text
    strangers = compared([ours("a", "id-a")], [theirs(2, "gw-1"), theirs(3, "gw-2")])
    text = " ".join(reconcile_text("log.csv", file, strangers, provider="apiyi").split())
    assert "no id of theirs (`Log`) is one of ours" in text
    assert "beside it: 1 request of yours at apiyi in these days" in text


def test_what_is_paid_and_not_fetched_yet_is_no_difference() -> None:
    under_way = replace(part("a", charged=0, came=False), under_way=usd("0.04"))
    waits = replace(ours("a", "id-a"), state="located", parts=(under_way,))
    found = compared([waits], [theirs(2, "id-a")])
    assert found.agrees, found.differing


def test_what_was_said_to_be_free_and_is_billed_is_told() -> None:
    free = ours("free", "id-f")
    found = compared([ours("a", "id-a")], [theirs(2, "id-a"), theirs(3, "id-f")], released=(free,))
    assert said(found) == [("free", True)]
    assert "said to be free" in found.suggestions[0].why
    quiet = compared([ours("a", "id-a")], [theirs(2, "id-a")], released=(free,))
    assert quiet.agrees


def test_without_ids_days_and_models_are_compared() -> None:
    entries = [ours("a"), ours("b", pictures=2), ours("c", day="2026-11-25")]
    rows = [theirs(2, images=3, amount="0.12", model="seedream-4-5"), theirs(3, day="2026-11-25")]
    assert compared(entries, rows).agrees
    short = compared(entries, [theirs(2, images=2, amount="0.08"), theirs(3, day="2026-11-25")])
    assert [(group.day, group.agrees) for group in short.groups] == [(DAY, False), ("2026-11-25", True)]
    assert said(short) == []


def test_counts_answer_what_is_uncertain_only_where_they_leave_no_doubt() -> None:
    entries = [ours("a"), ours("b", unknown=True), ours("c", unknown=True)]
    assert said(compared(entries, [theirs(2, images=1, amount="0.04")])) == [("b", False), ("c", False)]
    assert said(compared(entries, [theirs(2, images=3, amount="0.12")])) == [("b", True), ("c", True)]
    assert said(compared(entries, [theirs(2, images=2, amount="0.08")])) == [], "one of two: which?"
    assert said(compared(entries, [theirs(2, images=None, amount="0.04")])) == [("b", False), ("c", False)]
    assert said(compared(entries, [theirs(n, images=None, amount=None) for n in (2, 3, 4)])) == [
        ("b", True),
        ("c", True),
    ]


def test_months_are_compared_as_months_and_days_in_the_exports_zone() -> None:
    entries = [ours("a", day="2026-11-02"), ours("b", day="2026-11-20")]
    assert compared(entries, [theirs(2, day="2026-11", images=2, amount="0.08")]).agrees
    late = [ours("a", day="2026-11-24")]  # 10:00 UTC is the same day in China, 23:00 would not be
    assert compared(late, [theirs(2)], zone=timezone(timedelta(hours=8))).agrees
    assert not compared(late, [theirs(2)], zone=timezone(timedelta(hours=14))).agrees


def test_what_is_outside_the_exports_days_is_not_missed() -> None:
    found = compared([ours("a", "id-a"), ours("old", "id-o", day="2026-10-01")], [theirs(2, "id-a")])
    assert (found.first, found.last) == (DAY, DAY)
    assert found.agrees


def test_other_models_on_the_same_bill_are_set_apart() -> None:
    found = compared([ours("a", "id-a")], [theirs(2, "id-a"), theirs(3, "id-v", model="a-video-model")])
    assert found.agrees
    assert [row.line for row in found.other_models] == [3]


def test_all_of_it_is_said_and_in_json() -> None:
    found = compared(
        [ours("a", "id-a"), ours("b", "id-b", unknown=True), ours("c", "id-c")],
        [theirs(2, "id-a", amount="0.05"), theirs(4, "id-x", day="2026-11-25"), theirs(5, "id-v", model="video")],
    )
    file = UsageFile(
        rows=[theirs(2)], columns={"date": "Day", "id": "Request"}, faults=[(3, "`soon` is no day or time")]
    )
    text = reconcile_text("usage.csv", file, found, provider="apiyi")
    for words in (
        "usage.csv · 2026-11-24 to 2026-11-25 · 1 line understood",
        "a: ours 1 picture, 0.04 USD; theirs 1 picture, 0.05 USD (line 2)",
        "b  2026-11-24 10:00 UTC  0.04 USD uncertain  id id-b",
        "line 4  2026-11-25  seedream-4-5-251128  1 picture  0.04 USD  id id-x",
        "line 3: `soon` is no day or time",
        "seedpipe resolve b --not-paid --request b",
        "nothing was changed by this",
    ):
        assert words in text, text
    assert max(map(len, text.splitlines())) <= 80
    data = reconcile_data(file, found)
    assert data["agrees"] is False
    assert [one["word"] for one in data["suggestions"]] == ["not paid"]
    assert [one["line"] for one in data["other_models"]] == [5]
    assert data["matched"][0]["differs"] is True
