"""`check` finds what a hand has broken in the lock and in the record of decisions, at its place, with what to do."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.sessions.conftest import Account, bought, manifest
from tests.support.relay import Gateway
from tests.support.workspace import Workspace

LAMPS = manifest(
    "hero: {prompt: A matte lamp, takes: 2, aspect: 16:9}",
    "card: {prompt: 'A card, {{ refs.hero }}', references: {hero: hero}}",
    "small: {from: hero, steps: [{resize: 64x64}, {convert: png}]}",
)
NO_DIGEST = "sha256:" + "0" * 63 + "g"


@pytest.fixture
def shop(workspace: Workspace, live: Gateway) -> Workspace:
    return bought(workspace, live, LAMPS)


def faults(workspace: Workspace) -> list[tuple[str, str, str]]:
    """(severity, file:line, message), where the hint is never empty."""
    ran = workspace.run("check", "--json")
    found = ran.json["faults"]
    assert all(fault["hint"] for fault in found), found
    assert ran.code == (2 if ran.json["errors"] else 0)
    return [(one["severity"], f"{one['file']}:{one['line']}:{one['column']}", one["message"]) for one in found]


def lines(workspace: Workspace, name: str = "seedpipe.lock") -> list[str]:
    return (workspace.folder / name).read_text(encoding="utf-8").splitlines()


def change(workspace: Workspace, address: str, by: Callable[[dict[str, Any]], object]) -> int:
    """`by` changes the entry, which stays canonical; returns the number of its line."""
    found = lines(workspace)
    (number,) = [number for number, line in enumerate(found) if line.startswith(f"{address} ")]
    entry = json.loads(found[number].partition(" ")[2])
    by(entry)
    found[number] = f"{address} {json.dumps(entry, sort_keys=True, separators=(',', ':'), ensure_ascii=False)}"
    workspace.write("seedpipe.lock", "\n".join(found) + "\n")
    return number + 1


def test_what_the_tool_itself_writes_is_never_a_fault(shop: Workspace) -> None:
    assert faults(shop) == []
    other = next(
        t["number"]
        for g in shop.run("takes", "hero", "--json").json["nodes"][0]["groups"]
        for t in g["takes"]
        if not t["chosen"]
    )
    shop.run("pick", "hero", str(other), "-m", "「柔らかい」影")
    shop.edit("seedpipe.yaml", "A matte lamp", "A brass lamp")
    assert shop.run("keep", "hero").code == 0
    assert faults(shop) == []
    assert shop.run("adopt", "card", "build/hero.jpg").code == 0
    assert shop.run("pin", "card").code == 0
    assert shop.run("build", "--yes", "--max-cost", "1").code == 0
    assert shop.run("undo").code == 0
    assert faults(shop) == []


@pytest.mark.parametrize(
    ("broken", "severity", "says"),
    [
        (
            lambda e: e.update(level="aproved"),
            "error",
            "`level` is 'aproved'; it is one of `auto`, `approved`, `pinned`",
        ),
        (lambda e: e.update(take=NO_DIGEST), "error", "`take` holds"),
        (lambda e: e.update(take="sha256:" + "0" * 64), "error", "the chosen take 000000000000 is not among its takes"),
        (lambda e: e["takes"].append(7), "error", "`takes` holds 7, which is no digest"),
        (lambda e: e.pop("made"), "error", "`made` is missing"),
        (lambda e: e["made"].update(at="yesterday"), "warning", "`made.at` is 'yesterday', which is no time"),
        (lambda e: e["made"].update(cost="cheap"), "warning", "`made.cost` is 'cheap', which is no amount"),
        (lambda e: e.update(colour="red"), "warning", "`colour` is no field"),
    ],
)
def test_an_entry_that_can_not_be_true(
    shop: Workspace, broken: Callable[[dict[str, Any]], object], severity: str, says: str
) -> None:
    number = change(shop, "hero", broken)
    (fault,) = faults(shop)
    assert fault[0] == severity
    assert fault[1].startswith(f"seedpipe.lock:{number}:"), fault
    assert "`hero`: " + says in fault[2]


def test_the_form_of_lines(shop: Workspace) -> None:
    found = lines(shop)
    hero = next(line for line in found if line.startswith("hero "))
    card = next(line for line in found if line.startswith("card "))
    head = [line for line in found if line not in (hero, card)]
    shop.write("seedpipe.lock", "\n".join([*head, hero, card]) + "\n")
    assert {(fault[0], fault[2]) for fault in faults(shop)} == {
        ("warning", "`small`: it isn't in its place: lines are sorted by name"),
        ("warning", "`hero`: it isn't in its place: lines are sorted by name"),
    }, "the fewest that would have to move"
    shop.write("seedpipe.lock", "\n".join(found).replace(hero, hero.replace('":"', '": "')) + "\n")
    (fault,) = faults(shop)
    assert fault[0] == "warning" and "isn't written as seedpipe writes it" in fault[2]
    assert shop.plan() == {"hero": "cached", "card": "cached", "small": "cached"}
    shop.write("seedpipe.lock", "\n".join([*found, hero, "x {"]) + "\n")
    said = faults(shop)
    assert [(fault[0], fault[1].rpartition(":")[0]) for fault in said] == [
        ("error", f"seedpipe.lock:{len(found) + 1}"),
        ("error", f"seedpipe.lock:{len(found) + 2}"),
    ], "all of them at once"
    assert "it stands twice, also in line" in said[0][2]
    assert said[1][1].endswith(":4"), "where the JSON ends"


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("@resolved/model/seedream-4-0", "seedream-9-9-990909", "the catalogue has no model `seedream-9-9-990909`"),
        ("@resolved/size/seedream-4-0-250828/1K/16:9", "99999x99999", "can't make 99999x99999"),
        ("@resolved/size/seedream-4-0-250828/1K/16:9", "large", "`large` is no size"),
        ("@resolved/frames/20+0", "15,4", "`15,4` doesn't split 20 frames"),
    ],
)
def test_a_word_of_the_catalogue_that_it_can_not_have_given(shop: Workspace, name: str, value: str, says: str) -> None:
    found = [line for line in lines(shop) if not line.startswith(f"{name} ")]
    shop.write("seedpipe.lock", "\n".join([found[0], *sorted([*found[1:], f'{name} "{value}"'])]) + "\n")
    severity = "warning" if "/model/" in name else "error"
    assert any(fault[0] == severity and says in fault[2] for fault in faults(shop)), faults(shop)


def test_the_record_of_decisions(shop: Workspace) -> None:
    shop.run("approve", "hero", "-m", "right")
    shop.run("pin", "card")
    assert faults(shop) == []
    name = "seedpipe.decisions.jsonl"
    first, second = lines(shop, name)
    shop.write(
        name,
        "\n".join([first.replace("right", "wrong"), first, "<<<<<<< ours", second.replace('":"', '": "')]) + '\n{"at":',
    )
    said = faults(shop)
    assert [(fault[0], fault[1].split(":")[1]) for fault in said] == [
        ("error", "2"),
        ("error", "3"),
        ("warning", "4"),
        ("warning", "5"),
    ]
    assert "stands in line 1 too, with other content" in said[0][2]
    assert "conflict markers" in said[1][2]
    assert "cut off" in said[3][2]
    bad = json.loads(first) | {"at": "soon"}
    shop.write(name, json.dumps(bad, sort_keys=True, separators=(",", ":")) + "\n")
    error, gone = sorted(faults(shop))
    assert error[0] == "error" and "`at` is 'soon', which is no time" in error[2]
    assert gone[0] == "warning" and "is pinned, and no decision on record says so" in gone[2], "its line is gone"


def test_a_lock_in_the_middle_of_a_merge_is_told_as_one(shop: Workspace, account: Account) -> None:
    text = (shop.folder / "seedpipe.lock").read_text(encoding="utf-8")
    shop.write("seedpipe.lock", text + "<<<<<<< ours\n=======\n>>>>>>> theirs\n")
    (fault,) = faults(shop)
    assert "conflict markers" in fault[2]


def test_one_line_out_of_its_place_is_one_fault(shop: Workspace) -> None:
    found = lines(shop)
    shop.write("seedpipe.lock", "\n".join([found[0], "zebra {", *found[1:]]) + "\n")
    told = faults(shop)
    assert sorted((fault[0], fault[2]) for fault in told) == [
        ("error", "`zebra`: what follows the name is no JSON: a value or a name is missing here"),
        ("warning", "`zebra`: it isn't in its place: lines are sorted by name"),
    ]
    assert "no JSON: a value or a name is missing here" in shop.run("plan").err, "reading says it in the same words"


def test_the_locks_of_profiles_and_proofs_are_looked_at_too(shop: Workspace) -> None:
    shop.edit("seedpipe.yaml", "images:", "profiles: {draft: {force: {size: 1K}}}\nimages:")
    assert shop.run("build", "--profile", "draft", "--yes", "--max-cost", "1").code == 0
    assert shop.run("build", "--proof").code == 0
    assert faults(shop) == []
    shop.edit("seedpipe.draft.lock", '"level":"auto"', '"level":"aut"')
    assert {(fault[0], fault[1].partition(":")[0]) for fault in faults(shop)} == {("error", "seedpipe.draft.lock")}
    shop.edit("seedpipe.draft.lock", '"level":"aut"', '"level":"auto"')
    proofs = ".seedpipe/proof/seedpipe.lock"
    shop.edit(proofs, '"level":"auto"', '"level":"aut"')
    told = faults(shop)
    assert {(fault[0], fault[1].partition(":")[0]) for fault in told} == {("warning", proofs)}, (
        "nothing is lost with it"
    )
    assert "`seedpipe build --proof`" in shop.run("check").out
    shop.write(proofs, "not a lock\n")
    assert any("is not a seedpipe lock" in fault[2] for fault in faults(shop)), (
        "also after an answer that was remembered"
    )
