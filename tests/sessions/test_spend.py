"""The ledger as sessions: by what it is asked, beside proofs and budgets, and beside a provider's bill."""

import csv
import io
import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.sessions.conftest import Account, manifest
from tests.support.relay import Gateway
from tests.support.workspace import Ran, Workspace

KEY = "a-key-for-the-gateway-0123456"
BUY = ("build", "--yes", "--max-cost", "1")
TODAY = datetime.now(UTC).strftime("%Y-%m-%d")
SHELF = (
    "lamp: {prompt: A lamp, tags: [launch, light]}",
    "chair: {prompt: A chair, tags: [launch]}",
    "rug: {prompt: A rug, model: seedream-4-5, size: 2K}",
)


def said(ran: Ran) -> str:
    return " ".join((ran.out + ran.err).split())


@pytest.fixture
def shelf(tmp_path: Path, live: Gateway, account: Account) -> Workspace:
    """Three pictures, bought live as far as anyone can tell: 0.03, 0.03 and 0.04 USD; the chair's answer was lost."""
    work = Workspace(tmp_path / "work", SEEDPIPE_BASE_URL=live.base_url, SEEDPIPE_API_KEY=account.key)
    head = "budget: {per_month: 5 USD}\n"
    work.write("seedpipe.yaml", manifest(*SHELF, head=head))
    account.faults({"do": "bad-gateway", "match": "chair"})
    assert work.run(*BUY).code == 75
    account.faults()
    return work


def lines(ran: Ran) -> dict[str | None, tuple[int, str, str]]:
    assert ran.code == 0, ran.err
    return {line["name"]: (line["pictures"], line["charged"], line["uncertain"]) for line in ran.json["lines"]}


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        ("node", {"lamp": (1, "0.03", "0.00"), "chair": (0, "0.00", "0.03"), "rug": (1, "0.04", "0.00")}),
        ("model", {"seedream-4-0-250828": (1, "0.03", "0.03"), "seedream-4-5-251128": (1, "0.04", "0.00")}),
        ("tag", {"launch": (1, "0.03", "0.03"), "light": (1, "0.03", "0.00"), None: (1, "0.04", "0.00")}),
        ("day", {TODAY: (2, "0.07", "0.03")}),
        ("profile", {None: (2, "0.07", "0.03")}),
        ("project", {"lamps": (2, "0.07", "0.03")}),
    ],
)
def test_the_ledger_by_what_it_is_asked(
    shelf: Workspace, by: str, expected: dict[str | None, tuple[int, str, str]]
) -> None:
    ran = shelf.run("spend", "--by", by, "--json")
    assert lines(ran) == expected
    (total,) = ran.json["totals"]
    assert (total["estimated"], total["charged"], total["uncertain"]) == ("0.10", "0.07", "0.03")
    assert ran.json["months"][0]["budget"] == "5.00"


def test_who_spent_has_the_name_by_which_he_decides(shelf: Workspace, account: Account) -> None:
    account.faults()
    shelf.environ |= {"GIT_AUTHOR_NAME": "Mika Ito", "GIT_AUTHOR_EMAIL": "mika@example.com"}
    assert shelf.run("reroll", "lamp", "--yes", "--max-cost", "1", "-m", "again").code == 0
    record = (shelf.folder / "seedpipe.decisions.jsonl").read_text(encoding="utf-8")
    who = json.loads(record.splitlines()[-1])["who"]
    ran = shelf.run("spend", "--by", "person", "--json")
    assert lines(ran)[who] == (1, "0.03", "0.00")
    assert "Mika Ito 1 0.03 0.03" in said(shelf.run("spend", "--by", "person")), "as `takes` says it"


def test_text_csv_and_periods(shelf: Workspace) -> None:
    text = shelf.run("spend", "--by", "node")
    assert "chair 0 0.03 0.00 0.03 USD" in said(text)
    assert "total 2 0.10 0.07 0.03 USD" in said(text)
    assert "1 charge uncertain, up to 0.03 USD: counted apart, and in every cap" in said(text)
    assert "this month 0.07 of 5.00 USD, and 0.03 USD uncertain;" in said(text)
    assert max(map(len, text.out.splitlines())) <= 80
    table = list(csv.DictReader(io.StringIO(shelf.run("spend", "--by", "request", "--format", "csv").out)))
    assert sorted((row["nodes"], row["charged"], row["state"]) for row in table) == [
        ("chair", "0.00", "unknown"),
        ("lamp", "0.03", "settled"),
        ("rug", "0.04", "settled"),
    ]
    assert all(row["client_request_id"] and row["sent_at"].startswith(TODAY) for row in table)
    assert lines(shelf.run("spend", "--json", "--since", TODAY, "--until", TODAY[:7]))
    assert lines(shelf.run("spend", "--json", "--until", "2020")) == {}
    assert "nothing was spent" in said(shelf.run("spend", "--until", "2020-01"))
    assert "is no day, month or year" in said(shelf.run("spend", "--since", "yesterday"))
    assert shelf.run("spend", "--since", "2026-02-30").code == 2
    assert "no day lies between them" in said(shelf.run("spend", "--since", "2026-03", "--until", "2026-02"))
    assert "this month 0.10 USD of 5.00 USD, 0.03 USD of it not settled" in said(shelf.run("status"))
    assert "this month 0.10 of 5.00 (0.03 not settled)" in said(shelf.run("plan"))


def test_a_budget_of_which_nothing_was_spent_is_going_nowhere(shelf: Workspace) -> None:
    shelf.edit("seedpipe.yaml", "5 USD", "5 CNY")
    told = [line for line in shelf.run("spend").out.splitlines() if "CNY" in line]
    assert told == ["  this month  0.00 of 5.00 CNY"]


def test_proofs_cost_nothing_and_are_told_apart(shelf: Workspace) -> None:
    assert shelf.run("build", "--proof").code == 0
    ran = shelf.run("spend", "--json")
    assert ran.json["proofs"] == {"requests": 3, "pictures": 3}
    assert ran.json["totals"][0]["charged"] == "0.07"
    assert "3 proofs drawn beside them: nothing was billed" in said(shelf.run("spend"))


def test_over_all_projects_and_a_journal_that_can_not_be_read(shelf: Workspace, tmp_path: Path) -> None:
    other = Workspace(tmp_path / "other", **{name: shelf.environ[name] for name in shelf.environ})
    other.write("seedpipe.yaml", manifest("stool: {prompt: A stool}").replace("project: lamps", "project: stools"))
    assert other.run(*BUY).code == 0
    assert lines(other.run("spend", "--all", "--by", "project", "--json")) == {
        "lamps": (2, "0.07", "0.03"),
        "stools": (1, "0.03", "0.00"),
    }
    nowhere = Workspace(tmp_path / "nowhere", **{name: shelf.environ[name] for name in shelf.environ})
    assert "this month in all projects 0.10" in said(nowhere.run("spend", "--all"))
    assert nowhere.run("spend").code == 2, "which project?"
    assert "`seedpipe spend --all` is of all your projects" in said(nowhere.run("spend"))
    journal = Path(os.environ["SEEDPIPE_HOME"]) / "projects/lamps/live/journal.sqlite"
    journal.write_bytes(b"garbage" * 1000)
    own = shelf.run("spend")
    assert own.code == 1
    assert "seedpipe doctor --repair" in said(own) and "nothing was spent" not in said(own)
    everywhere = shelf.run("spend", "--all", "--by", "project")
    assert "without `lamps`, whose journal can't be read" in said(everywhere)
    ran = other.run("spend", "--all", "--json")
    assert ran.code == 1
    assert "warning: what `lamps` has spent is not known" in said(ran)
    assert ran.json["troubles"] and ran.json["totals"][0]["charged"] == "0.03"


def test_a_bill_answers_what_was_uncertain(shelf: Workspace, account: Account, tmp_path: Path) -> None:
    """The export is made from what the emulator billed; a person says what it suggests, and then both sides agree."""
    bill = tmp_path / "usage.csv"
    rows = ["time,model,images,amount,request_id,client"]
    for one in account.requests:
        if one["billed_images"]:
            price = "0.04" if "4-5" in one["model"] else "0.03"
            rows.append(f"{one['at']},{one['model']},{one['billed_images']},{price},{one['request_id']},x")
    bill.write_text("\n".join(rows) + "\n", encoding="utf-8")
    before = shelf.run("spend", "--json").out
    ran = shelf.run("spend", "reconcile", str(bill), "--json")
    assert ran.code == 0, ran.err
    (one,) = ran.json["suggestions"]
    assert one["word"] == "paid", ran.out
    assert shelf.run("spend", "reconcile", str(bill), "--exit-code").code == 3
    assert "what you may say now" in said(shelf.run("spend", "reconcile", str(bill)))
    assert shelf.run("spend", "--json").out == before, "it changes nothing by itself"
    assert shelf.run(*one["command"].split()[1:]).code == 0
    agreed = shelf.run("spend", "reconcile", str(bill), "--json", "--exit-code")
    assert agreed.json["suggestions"] == []
    assert [match["by_time"] for match in agreed.json["matched"]] == [False, False, True]
    assert (agreed.code, agreed.json["agrees"]) == (0, True)
    assert lines(shelf.run("spend", "--json", "--by", "node"))["chair"] == (0, "0.03", "0.00")


def test_a_bill_that_is_none_is_refused(shelf: Workspace, tmp_path: Path) -> None:
    file = tmp_path / "notes.csv"
    for text, words in (
        ("some,words\n1,2\n", "no usage export"),
        ("date,model,amount\nsoon,m,1\n", "no line that was understood"),
    ):
        file.write_text(text, encoding="utf-8")
        ran = shelf.run("spend", "reconcile", str(file))
        assert ran.code == 2
        assert words in said(ran)
    assert shelf.run("spend", "reconcile", "nowhere.csv").code == 2
    assert "write it like `--zone +08:00`" in said(shelf.run("spend", "reconcile", str(file), "--zone", "CST"))
    assert "write it like `amount=Payable`" in said(shelf.run("spend", "reconcile", str(file), "--columns", "cost=x"))


def test_the_ledger_of_a_project_in_which_nothing_was_built_is_called_as_it_is(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "shop", SEEDPIPE_HOME=str(tmp_path / "home"))
    workspace.write("seedpipe.yaml", "seedpipe: 1\nimages: {}\n")
    assert workspace.run("spend").out.startswith("shop · spent")
    assert workspace.run("spend", "--all").out.startswith("all projects · spent")
