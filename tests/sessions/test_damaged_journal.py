"""A damaged journal as a person meets it: nothing is bought on its word, it is repaired, and what was paid is there."""

import os
from pathlib import Path

import pytest

from tests.sessions.conftest import Account, manifest
from tests.support.workspace import Ran, Workspace

LAMPS = manifest("lamp: {matrix: {n: [a, b, c, d]}, prompt: 'Lamp {{ n }}'}")


def said(ran: Ran) -> str:
    return " ".join((ran.out + ran.err).split())


@pytest.fixture
def built(workspace: Workspace) -> Workspace:
    workspace.write("seedpipe.yaml", LAMPS)
    assert workspace.run("build").code == 0
    return workspace


def journal(realm: str = "proof") -> Path:
    return Path(os.environ["SEEDPIPE_HOME"]) / "projects/lamps" / realm / "journal.sqlite"


@pytest.mark.parametrize("harm", ["cut", "overwritten", "emptied"])
def test_nothing_is_bought_on_its_word_and_what_was_paid_is_found_again(
    built: Workspace, account: Account, harm: str
) -> None:
    path = journal()
    content = path.read_bytes()
    match harm:
        case "cut":
            path.write_bytes(content[: len(content) * 3 // 4])
        case "overwritten":
            path.write_bytes(content[:4096] + b"\xff" * 4096 + content[8192:])
        case "emptied":
            path.write_bytes(b"")
    built.edit("seedpipe.yaml", "Lamp {{ n }}", "Brass lamp {{ n }}")
    for verb in ("plan", "status", "build", "resolve"):
        ran = built.run(verb)
        assert ran.code == 1, (verb, ran.err)
        assert "seedpipe doctor --repair" in said(ran)
    assert len(account.requests) == 4
    looked = built.run("doctor", "--offline")
    assert looked.code == 1
    assert "fault" in looked.out and "journal" in looked.out
    mended = built.run("doctor", "--offline", "--repair")
    assert mended.code == 0, mended.out + mended.err
    assert "journal of the proofs:" in said(mended)
    assert built.run("doctor", "--offline").code == 0
    assert "the journal of the proofs is sound" in said(built.run("doctor", "--offline", "--repair"))
    built.edit("seedpipe.yaml", "Brass lamp {{ n }}", "Lamp {{ n }}")
    assert set(built.plan().values()) == {"cached"}, "the pictures are in the store, and the lock names them"
    assert built.run("build").code == 0
    assert len(account.requests) == 4


def test_a_journal_that_was_deleted_is_no_licence_to_buy(built: Workspace, account: Account) -> None:
    journal().unlink()
    ran = built.run("build")
    assert ran.code == 1
    assert "is gone, and" in said(ran) and "commits were written to it" in said(ran)
    assert "is gone, and" in said(built.run("doctor", "--offline"))
    assert len(account.requests) == 4


def test_no_verb_reads_a_journal_that_is_gone_as_one_that_knows_nothing(built: Workspace) -> None:
    assert built.run("plan").code == 0, "and its answer is remembered"
    journal().unlink()
    for verb in ("plan", "status", "resolve", "takes lamp/a", "explain lamp/a", "spend"):
        ran = built.run(*verb.split())
        assert ran.code == 1, (verb, ran.out)
        assert "is gone, and" in said(ran), verb
        assert not ran.out, verb


def test_a_repair_never_says_that_nothing_was_lost_where_nobody_can_know(built: Workspace) -> None:
    content = journal().read_bytes()
    for harm in (b"", content[:4096], b"no journal at all" * 1000):
        journal().write_bytes(harm)
        mended = built.run("doctor", "--offline", "--repair")
        assert mended.code == 0, mended.out
        assert "warning repair" in said(mended)
        assert "no row was lost" not in said(mended)
        assert "how many more there were can't be read" in said(mended)
    journal().write_bytes(content[:4096] + b"\xff" * 4096 + content[8192:])
    assert "4 requests and 4 pictures kept" in said(built.run("doctor", "--offline", "--repair"))


def test_an_older_backup_in_its_place_is_noticed(built: Workspace, account: Account) -> None:
    backup = journal().read_bytes()
    built.edit("seedpipe.yaml", "[a, b, c, d]", "[a, b, c, d, e]")
    assert built.run("build").code == 0
    journal().write_bytes(backup)
    ran = built.run("plan")
    assert ran.code == 1
    assert "has forgotten" in said(ran) and "an older copy stands in its place" in said(ran)
    assert built.run("doctor", "--offline", "--repair").code == 0
    assert set(built.plan().values()) == {"cached"}
    assert len(account.requests) == 5
