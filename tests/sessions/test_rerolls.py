"""Rolling a picture again: so many more takes by the one path of consent, caps and claims; who chooses, and what it costs."""

import signal
import time

import pytest

from tests.sessions.conftest import Account, bought, manifest
from tests.sessions.test_choices import BUY, LIVE, lines, lock, other, takes
from tests.support.relay import Gateway
from tests.support.workspace import Workspace

LAMPS = manifest(
    "hero: {prompt: A matte lamp}",
    "card: {matrix: {n: [a, b]}, prompt: 'Card {{ n }}, {{ refs.hero }}', references: {hero: hero}}",
    "small: {from: hero, steps: [{resize: 64x64}, {convert: png}]}",
)
BOARD = manifest(
    "board: {model: seedream-4-5, size: 2K, prompt: Noir film, sequence: {frames: [",
    "  {id: wide, prompt: Wide}, {id: hands, prompt: Hands}, {id: face, prompt: Face}]}}",
)
YES = ("--yes", "--max-cost", "1")


@pytest.fixture
def shop(workspace: Workspace, live: Gateway) -> Workspace:
    return bought(workspace, live, LAMPS)


def test_the_first_new_take_becomes_the_choice_and_the_old_one_comes_back(shop: Workspace, live: Gateway) -> None:
    before = lock(shop, "hero")
    ran = shop.run("reroll", "hero", "-n", "2", *YES, "-m", "warmer?")
    assert ran.code == 0, ran.err
    assert "buys 2 pictures   0.06 USD expected, 0.06 at most" in ran.err
    assert live.prompts[3:] == ["A matte lamp", "A matte lamp"], "and nothing that is made from it"
    after = lock(shop, "hero")
    assert (after["level"], len(after["takes"]), after["takes"][0]) == ("auto", 3, before["take"])
    assert after["take"] == after["takes"][1] == takes(shop, "hero")[2]
    assert "2 pictures are made from it (card/a, card/b); following it costs 0.06 USD" in ran.out
    assert "made 1 picture here" in ran.out
    (decision,) = lines(shop)
    assert (decision["verb"], decision["note"], decision["before"]["take"]) == ("reroll", "warmer?", before["take"])
    assert shop.plan() == {"hero": "cached", "card/a": "make", "card/b": "make", "small": "cached"}
    assert shop.run("undo").code == 0
    back = lock(shop, "hero")
    assert (back["take"], back["level"]) == (before["take"], "auto")
    assert set(back["takes"]) == set(after["takes"]), "what was paid stays listed"
    assert set(shop.plan().values()) == {"cached"}


@pytest.mark.parametrize("verb", ["approve", "pin"])
def test_a_persons_choice_stays_and_the_new_takes_are_listed(shop: Workspace, live: Gateway, verb: str) -> None:
    shop.run(verb, "hero")
    before = lock(shop, "hero")
    ran = shop.run("reroll", "hero", *YES)
    assert ran.code == 0, ran.err
    said = " ".join(ran.out.split())
    assert f"hero stays {before['level']} with {before['take'][7:19]}; new take 2 (" in said
    assert "`seedpipe pick hero 2`" in said
    after = lock(shop, "hero")
    assert {**after, "takes": []} == {**before, "takes": []}
    assert len(after["takes"]) == 2
    assert set(shop.plan().values()) <= {"cached", "pinned"}
    assert len(lines(shop)) == 1, "nobody has decided anything"
    assert shop.run("pick", "hero", "2").code == 0
    assert shop.run("undo").code == 0
    assert lock(shop, "hero")["take"] == before["take"]


def test_all_who_roll_at_once_get_what_they_paid_for(shop: Workspace, live: Gateway) -> None:
    """The first is the choice; nobody is told of an error after it was paid."""
    sent = len(live.prompts)
    live.may_answer.clear()
    rolling = [shop.start("reroll", "hero", *YES) for _ in range(3)]
    until = time.monotonic() + 60
    while len(live.prompts) < sent + 3:
        assert time.monotonic() < until
        assert all(process.poll() is None for process in rolling), [process.communicate() for process in rolling]
        time.sleep(0.02)
    live.may_answer.set()
    for process in rolling:
        out, err = process.communicate(timeout=100)
        assert process.returncode == 0, (out, err)
    assert len(lock(shop, "hero")["takes"]) == 4
    assert lock(shop, "hero")["take"] in {line["take"] for line in lines(shop)}


def test_a_note_on_a_roll_is_kept_although_the_choice_stays(shop: Workspace) -> None:
    shop.run("approve", "hero")
    before = lock(shop, "hero")
    ran = shop.run("reroll", "hero", *YES, "-m", "the shade is too warm")
    assert ran.code == 0, ran.err
    assert ran.out.splitlines()[:2] == ["rolled again hero", "  “the shade is too warm”"]
    line = lines(shop)[-1]
    assert (line["verb"], line["node"], line["note"]) == ("reroll", "hero", "the shade is too warm")
    assert line["take"] not in (None, before["take"])
    assert "“the shade is too warm”" in shop.run("takes", "hero").out
    assert lock(shop, "hero")["take"] == before["take"]
    assert shop.run("undo").code == 0
    assert "too warm" not in shop.run("takes", "hero").out
    assert lock(shop, "hero")["level"] == "approved"


def test_takes_for_new_words_beside_an_approved_picture_change_nothing_yet(shop: Workspace, live: Gateway) -> None:
    shop.run("approve", "hero")
    before = lock(shop, "hero")
    shop.edit("seedpipe.yaml", "A matte lamp", "A brass lamp")
    assert shop.run("reroll", "hero", *YES).code == 0
    assert lock(shop, "hero") == before
    assert live.prompts[3:] == ["A brass lamp"]
    assert "replaces an approved picture" in shop.run("plan").out, "for nothing, by the next build"
    assert shop.run("keep", "hero").code == 0
    assert shop.run(*BUY).code == 0
    assert (lock(shop, "hero")["take"], len(live.prompts)) == (before["take"], 4)


def test_nothing_is_sent_without_a_yes_nor_beyond_a_cap(shop: Workspace, live: Gateway) -> None:
    before = lock(shop, "hero")
    caps = ("--max-cost", "--max-per-node", "--max-per-day", "--max-per-month", "--max-project")
    for arguments in ((), ("--yes",), *(("--yes", "--max-cost", "1", cap, "0.08") for cap in caps)):
        ran = shop.run("reroll", "hero", "-n", "3", *arguments)
        assert ran.code == 4, ran.err
    assert shop.run("reroll", "hero", *YES, SEEDPIPE_MAX_PER_DAY="0.10").code == 4, "a variable binds as a flag does"
    assert (len(live.prompts), lock(shop, "hero")) == (3, before)
    shop.edit("seedpipe.yaml", "images:", "budget: {per_build: 0.02 USD}\nimages:")
    assert shop.run("reroll", "hero", *YES).code == 4
    assert len(live.prompts) == 3
    assert not (shop.folder / LIVE).exists()


def test_a_group_is_rolled_and_each_is_told(shop: Workspace, live: Gateway) -> None:
    shop.run("approve", "card/b")
    ran = shop.run("reroll", "card", *YES, "--json")
    assert ran.code == 0, ran.err
    assert sorted(live.prompts[3:]) == ["Card a, image 1", "Card b, image 1"]
    assert [one["node"] for one in ran.json["decisions"]] == ["card/a"]
    assert ran.json["kept"][0].startswith("card/b stays approved")
    assert (ran.json["seedpipe_reroll"], ran.json["result"]["bought"]) == (1, 2)
    assert shop.run("reroll", "small", *YES).code == 2, "what is made here can't come out otherwise"


def test_those_that_ask_for_the_same_share_the_new_takes(workspace: Workspace, live: Gateway) -> None:
    workspace.environ["SEEDPIPE_BASE_URL"] = live.base_url
    workspace.write("seedpipe.yaml", manifest("one: {prompt: A lamp}", "two: {prompt: A lamp}"))
    assert workspace.run(*BUY).code == 0
    assert len(live.prompts) == 1
    ran = workspace.run("reroll", "one", "two", "-n", "2", *YES)
    assert ran.code == 0, ran.err
    assert len(live.prompts) == 3
    assert lock(workspace, "one")["take"] == lock(workspace, "two")["take"]
    assert workspace.run("reroll", "one", *YES).code == 0
    assert lock(workspace, "one")["take"] != lock(workspace, "two")["take"], "each has a choice of its own"
    assert set(workspace.plan().values()) == {"cached"}


def test_what_did_not_come_takes_nothing_from_what_did(workspace: Workspace, account: Account) -> None:
    """Drawn as proofs, so that faults can be asked for by the prompt's turn."""
    workspace.write("seedpipe.yaml", LAMPS)
    assert workspace.run("build").code == 0
    account.faults({"do": "moderate-input", "match": "matte", "after": 1})
    ran = workspace.run("reroll", "hero", "-n", "2")
    assert ran.code == 5
    assert "InputTextSensitiveContentDetected" in ran.err
    assert "rolled again hero: " in ran.out, "the one that came is the choice"
    account.faults()
    assert workspace.run("reroll", "hero").code == 0, "who names it, has it sent again"
    assert len(takes(workspace, "hero", "--proof")) == 3
    assert workspace.run("build").code == 0


def test_an_answer_that_never_came_is_held_and_no_reroll_buys_beside_it(workspace: Workspace, account: Account) -> None:
    workspace.write("seedpipe.yaml", LAMPS)
    assert workspace.run("build").code == 0
    before = len(account.requests)
    account.faults({"do": "drop-after-billing", "match": "matte"})
    assert workspace.run("reroll", "hero").code == 75
    account.faults()
    chosen = lock(workspace, "hero", ".seedpipe/proof/seedpipe.lock")["take"]
    ran = workspace.run("reroll", "hero")
    assert (ran.code, len(account.requests)) == (75, before + 1)
    assert workspace.run("resolve", "hero", "--paid", "--proof").code == 0
    assert workspace.run("reroll", "hero").code == 0
    assert len(account.requests) == before + 2
    assert lock(workspace, "hero", ".seedpipe/proof/seedpipe.lock")["take"] != chosen


def test_killed_while_it_waits_it_keeps_what_had_arrived_and_asks_for_none_twice(
    workspace: Workspace, account: Account
) -> None:
    workspace.write("seedpipe.yaml", LAMPS)
    assert workspace.run("build").code == 0
    before = len(account.requests)
    account.faults({"do": "latency", "match": "matte", "seconds": 20, "after": 1})
    process = workspace.start("reroll", "hero", "-n", "2", "-j", "2")
    until = time.monotonic() + 30
    while len(takes(workspace, "hero", "--proof")) < 2 or len(account.requests) < before + 1:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until
        time.sleep(0.1)
    process.send_signal(signal.SIGKILL)
    process.wait(timeout=20)
    account.faults()
    first = lock(workspace, "hero", ".seedpipe/proof/seedpipe.lock")["take"]
    listed = takes(workspace, "hero", "--proof")
    assert len(listed) == 2, "what had arrived is a take"
    assert workspace.plan("--proof")["hero"] == "unknown", "and what had not is held"
    number = next(number for number, digest in listed.items() if digest != first)
    assert workspace.run("pick", "hero", str(number), "--proof").code == 0


def test_a_frame_is_rolled_alone_beside_its_neighbours_and_whole_by_its_batch(
    workspace: Workspace, account: Account
) -> None:
    workspace.write("seedpipe.yaml", BOARD)
    assert workspace.run("build").code == 0
    name = ".seedpipe/proof/seedpipe.lock"
    before = {frame: lock(workspace, f"board#{frame}", name)["take"] for frame in ("wide", "hands", "face")}
    assert workspace.run("reroll", "board#hands", "-n", "2").code == 0
    alone = account.requests[1:]
    assert [(one["billed_images"], one["stream"], len(one["references"])) for one in alone] == [(1, False, 2)] * 2
    after = {frame: lock(workspace, f"board#{frame}", name)["take"] for frame in before}
    assert {frame for frame in before if before[frame] != after[frame]} == {"hands"}
    workspace.run("approve", "board#face", "--proof")
    ran = workspace.run("reroll", "board", "--whole")
    assert ran.code == 0, ran.err
    (batch,) = account.requests[3:]
    assert (batch["billed_images"], batch["stream"]) == (3, True)
    last = {frame: lock(workspace, f"board#{frame}", name)["take"] for frame in before}
    assert (last["face"], last["wide"] != after["wide"], last["hands"] != after["hands"]) == (
        before["face"],
        True,
        True,
    )
    assert "board#face stays approved" in ran.out
    assert workspace.run("undo", "--proof").code == 0
    assert {frame: lock(workspace, f"board#{frame}", name)["take"] for frame in before} == after
    assert set(workspace.plan().values()) == {"cached"}
    assert workspace.run("reroll", "board", "--whole", "-n", "2").code == 2


def test_counted_frames_that_are_rolled_alone_each_get_a_picture(workspace: Workspace, account: Account) -> None:
    """Their requests are the very same: two that are sent at once had one number, and one frame showed what the other had."""
    workspace.write("seedpipe.yaml", manifest("mood: {prompt: Mood, sequence: {max_images: 3}}"))
    account.faults({"do": "fewer", "match": "Mood", "count": 1, "times": 1})
    assert workspace.run("build").code == 0
    before = len(account.requests)
    ran = workspace.run("reroll", "mood", "--json")
    assert ran.code == 0, ran.err
    assert ran.json["result"]["bought"] == sum(node["pictures"] for node in ran.json["plan"]["nodes"]) == 3
    assert len(account.requests) == before + 3
    name = ".seedpipe/proof/seedpipe.lock"
    chosen = [lock(workspace, f"mood#{number}", name) for number in (1, 2, 3)]
    assert len({entry["take"] for entry in chosen}) == 3
    for number in (1, 2, 3):
        assert (workspace.folder / f"build/@proof/mood/{number}.jpg").exists()
    assert [one["node"] for one in ran.json["decisions"]] == ["mood#1"], "the others are the first of theirs"
    assert ran.json["unchanged"] == []


def test_a_batch_that_comes_short_chooses_what_came(workspace: Workspace, account: Account) -> None:
    workspace.write("seedpipe.yaml", BOARD)
    assert workspace.run("build").code == 0
    account.faults({"do": "fewer", "match": "Generate 3", "count": 1})
    ran = workspace.run("reroll", "board", "--whole", "--json")
    assert ran.code == 1
    assert [one["node"] for one in ran.json["decisions"]] == ["board#wide"]
    account.faults()
    assert set(workspace.plan().values()) == {"cached"}, "what there was stays the choice"
    assert workspace.run("build").code == 0
    assert len(account.requests) == 2


def test_a_missing_picture_is_replaced_by_a_persons_word(shop: Workspace, live: Gateway) -> None:
    taken = lock(shop, "hero")["take"]
    for path in [*(shop.folder.parent / "home").rglob(taken[9:]), shop.folder / "build/hero.jpg"]:
        path.unlink()
    assert shop.plan()["hero"] == "missing"
    assert shop.run(*BUY, "hero").code == 1
    ran = shop.run("reroll", "hero", *YES)
    assert ran.code == 0, ran.err
    assert shop.plan()["hero"] == "cached"
    assert len(live.prompts) == 4


def test_a_decision_stands_beside_an_edit_of_the_file_meanwhile(shop: Workspace) -> None:
    (shop.folder / "build/hero.jpg").write_bytes(b"somebody's own")
    ran = shop.run("reroll", "hero", *YES)
    assert ran.code == 0, ran.err
    assert "build/hero.jpg was edited by somebody and stays" in " ".join(ran.out.split())
    assert (shop.folder / "build/hero.jpg").read_bytes() == b"somebody's own"
    assert shop.run("restore", "hero").code == 0


def test_takes_that_have_come_since_stay_when_a_decision_is_taken_back(shop: Workspace) -> None:
    shop.run("reroll", "hero", *YES)
    before = lock(shop, "hero")
    shop.run("pick", "hero", str(other(shop)))
    shop.run("reroll", "hero", "-n", "2", *YES)
    assert shop.run("undo").code == 0
    after = lock(shop, "hero")
    assert (after["take"], after["level"]) == (before["take"], "auto")
    assert len(after["takes"]) == 4 and after["takes"][:2] == before["takes"]


def test_a_picture_is_rolled_again_though_what_it_is_made_from_is_out_of_date(
    workspace: Workspace, live: Gateway
) -> None:
    """It is of what is there now, like a build of its name, and the choice says so."""
    workspace.environ["SEEDPIPE_BASE_URL"] = live.base_url
    workspace.write(
        "seedpipe.yaml",
        manifest(
            "hero: {prompt: A matte lamp}",
            "pack: {prompt: 'Pack, {{ refs.hero }}', references: {hero: hero}}",
            "card: {prompt: 'Card, {{ refs.pack }}', references: {pack: pack}}",
        ),
    )
    assert workspace.run(*BUY).code == 0
    before = lock(workspace, "card")
    assert workspace.run("reroll", "hero", *YES).code == 0
    assert workspace.plan()["card"] == "follows"
    ran = workspace.run("reroll", "card", *YES)
    assert ran.code == 0, ran.err
    assert f"rolled again card: {lock(workspace, 'card')['take'][7:19]}, auto" in " ".join(ran.out.split())
    assert lock(workspace, "card")["take"] != before["take"]
    told = workspace.run("takes", "card").out
    assert "earlier words" not in told, "no word has changed"
    assert told.count("seedream") == 2
    assert "for what is asked now" in told


def test_what_would_be_out_of_date_as_it_comes_is_not_rolled(shop: Workspace, live: Gateway) -> None:
    sent = len(live.prompts)
    ran = shop.run("reroll", "hero+", *YES)
    assert ran.code == 2
    assert "`card/a` is made from `hero`, which is rolled again too" in " ".join(ran.err.split())
    assert "`seedpipe reroll hero`" in " ".join(ran.err.split())
    assert len(live.prompts) == sent
    assert shop.run("approve", "hero").code == 0
    assert shop.run("reroll", "hero+", *YES).code == 0, "an approved choice stays, and so do the cards' references"
    assert len(live.prompts) == sent + 3


def test_a_new_take_can_be_picked_as_it_is_said_while_what_it_is_made_from_is_out_of_date(
    workspace: Workspace, live: Gateway
) -> None:
    workspace.environ["SEEDPIPE_BASE_URL"] = live.base_url
    workspace.write(
        "seedpipe.yaml",
        manifest(
            "hero: {prompt: A matte lamp}",
            "pack: {prompt: 'Pack, {{ refs.hero }}', references: {hero: hero}}",
            "card: {prompt: 'Card, {{ refs.pack }}, {{ refs.hero }}', references: {pack: pack, hero: hero}}",
        ),
    )
    assert workspace.run(*BUY).code == 0
    assert workspace.run("approve", "card").code == 0
    assert workspace.run("reroll", "hero", *YES).code == 0
    ran = workspace.run("reroll", "card", *YES)
    assert "`seedpipe pick card 2`" in " ".join(ran.out.split())
    picked = workspace.run("pick", "card", "2")
    assert picked.code == 0, picked.err
    assert lock(workspace, "card")["take"] == takes(workspace, "card")[2]
    assert len(live.prompts) == 5
