"""More than one take of a picture, and what a bought picture means for those that are made from it."""

from pathlib import Path

from tests.sessions.conftest import Account, manifest
from tests.support.relay import Gateway
from tests.support.workspace import Workspace

PAY = ("--yes", "--max-cost", "1")
LAMPS = manifest(
    "hero: {prompt: A brass lamp, takes: 3}",
    "card: {prompt: 'On a card, {{ refs.hero }}', references: {hero: hero}}",
)


def hero_line(workspace: Workspace) -> str:
    lock = (workspace.folder / ".seedpipe/proof/seedpipe.lock").read_text(encoding="utf-8")
    return next(line for line in lock.splitlines() if line.startswith("hero "))


def test_takes_are_bought_once_and_later_only_the_difference(workspace: Workspace, account: Account) -> None:
    workspace.write("seedpipe.yaml", LAMPS)
    planned = {node["address"]: node for node in workspace.run("plan", "--json").json["nodes"]}
    assert planned["hero"]["pictures"] == 3
    assert planned["hero"]["cost"]["high"] == "0.09 USD"
    first = workspace.run("build", "--json")
    assert first.code == 0, first.err
    assert first.json["result"]["bought"] == 4, "pictures, not nodes"
    assert account.prompts.count("A brass lamp") == 3
    before = hero_line(workspace)
    assert workspace.run("explain", "hero").out.count("1024x1024  20") == 3

    workspace.edit("seedpipe.yaml", "takes: 3", "takes: 5")
    assert "has 3 of 5 takes" in workspace.run("plan").out
    second = workspace.run("build", "--json")
    assert (second.code, second.json["result"]["bought"]) == (0, 2), second.err
    assert account.prompts.count("A brass lamp") == 5
    after = hero_line(workspace)
    assert before != after
    assert workspace.plan() == {"hero": "cached", "card": "cached"}, "the choice stays, so nothing follows"
    workspace.edit("seedpipe.yaml", "takes: 5", "takes: 2")
    assert workspace.plan() == {"hero": "cached", "card": "cached"}, "fewer takes throw none away"


def test_what_comes_out_the_same_remakes_nothing_below(workspace: Workspace, live: Gateway) -> None:
    """A gateway with a cache gives the same picture for the same words, whatever else is asked."""
    live.remembers = True
    workspace.environ["SEEDPIPE_BASE_URL"] = live.base_url
    workspace.write("seedpipe.yaml", LAMPS.replace(", takes: 3", ""))
    assert workspace.run("build", "--yes", "--max-cost", "1").code == 0
    workspace.edit("seedpipe.yaml", "A brass lamp", "A brass lamp, optimize_prompt: fast")
    assert workspace.plan() == {"hero": "make", "card": "follows"}
    ran = workspace.run("build", "--yes", "--max-cost", "1", "--json")
    assert (ran.code, ran.json["result"]["bought"]) == (0, 1), ran.err
    assert dict(ran.json["result"]["counts"]) == {"made": 1, "cached": 1}
    assert len(live.prompts) == 3
    assert workspace.run("plan", "--exit-code").code == 0


def test_a_picture_that_is_only_in_its_output_file_is_not_bought_again(
    workspace: Workspace, live: Gateway, tmp_path: Path
) -> None:
    """A fresh clone with its outputs, and something above that comes out as it was: the file stands in for the take."""
    live.remembers = True
    workspace.environ["SEEDPIPE_BASE_URL"] = live.base_url
    frames = "{frames: [{id: a, prompt: One}, {id: b, prompt: Two}]}"
    board = f"board: {{prompt: 'Like {{{{ refs.hero }}}}', references: {{hero: hero}}, sequence: {frames}}}"
    workspace.write("seedpipe.yaml", LAMPS.replace(", takes: 3", "") + f"  {board}\n")
    assert workspace.run("build", "--yes", "--max-cost", "1").code == 0
    before = (workspace.folder / "seedpipe.lock").read_text(encoding="utf-8")
    workspace.edit("seedpipe.yaml", "A brass lamp", "A brass lamp, optimize_prompt: fast")
    workspace.environ["SEEDPIPE_HOME"] = str(tmp_path / "another machine")
    (workspace.folder / "build/board/b.jpg").unlink()  # this one is lost
    ran = workspace.run("build", "--yes", "--max-cost", "1", "--json")
    assert ran.code == 1, ran.err
    assert ran.json["result"]["bought"] == 1, "the hero alone"
    assert dict(ran.json["result"]["counts"]) == {"made": 1, "cached": 2, "missing": 1}
    assert "board#b  missing: the chosen picture" in ran.err, "what is lost is no licence to buy"
    after = (workspace.folder / "seedpipe.lock").read_text(encoding="utf-8")
    kept = [line for line in before.splitlines() if line.startswith(("card ", "board#a "))]
    assert kept and all(line in after.splitlines() for line in kept)


def test_a_picture_that_is_only_in_its_output_file_is_not_lost_to_its_successor(
    workspace: Workspace, live: Gateway, tmp_path: Path
) -> None:
    """A fresh clone with its outputs: what a new picture takes the place of was paid for, and is there for who goes back."""
    workspace.environ["SEEDPIPE_BASE_URL"] = live.base_url
    workspace.write("seedpipe.yaml", manifest("hero: {prompt: A brass lamp}"))
    assert workspace.run("build", *PAY).code == 0
    first, lock = (workspace.folder / "build/hero.jpg").read_bytes(), workspace.folder / "seedpipe.lock"
    before = lock.read_text(encoding="utf-8")
    workspace.environ["SEEDPIPE_HOME"] = str(tmp_path / "another machine")
    workspace.edit("seedpipe.yaml", "brass", "copper")
    assert workspace.run("build", *PAY).code == 0
    assert (workspace.folder / "build/hero.jpg").read_bytes() != first
    workspace.edit("seedpipe.yaml", "copper", "brass")
    lock.write_text(before, encoding="utf-8")
    assert workspace.plan() == {"hero": "cached"}
    assert workspace.run("build").code == 0
    assert (workspace.folder / "build/hero.jpg").read_bytes() == first
    assert len(live.prompts) == 2


def test_a_picture_that_only_another_ones_file_holds_is_there(
    workspace: Workspace, live: Gateway, tmp_path: Path
) -> None:
    """Two that ask for the same have one picture; a clone with the file of one of them has it for both."""
    images = ["a: {prompt: A lamp}", "b: {prompt: A lamp}", "c: {prompt: 'On {{ refs.x }}', references: {x: a}}"]
    workspace.environ["SEEDPIPE_BASE_URL"] = live.base_url
    workspace.write("seedpipe.yaml", manifest(*images))
    assert workspace.run("build", "a", "b", *PAY).code == 0
    workspace.environ["SEEDPIPE_HOME"] = str(tmp_path / "another machine")
    (workspace.folder / "build/a.jpg").unlink()
    assert workspace.plan() == {"a": "fetch", "b": "fetch", "c": "make"}
    assert workspace.plan("c") == {"a": "fetch", "c": "make"}
    ran = workspace.run("build", "c", "--json", *PAY)
    assert (ran.code, ran.json["result"]["bought"]) == (0, 1), ran.err
    assert workspace.run("build", *PAY).code == 0
    assert workspace.plan() == {"a": "cached", "b": "cached", "c": "cached"}
    assert (workspace.folder / "build/a.jpg").exists()
    assert len(live.prompts) == 2


def test_what_is_asked_for_once_more_in_a_clone_is_not_bought_once_more(
    workspace: Workspace, live: Gateway, tmp_path: Path
) -> None:
    """The lock says who has chosen a picture for these very words, and that one's file holds it."""
    workspace.environ["SEEDPIPE_BASE_URL"] = live.base_url
    workspace.write("seedpipe.yaml", manifest("a: {prompt: A lamp}"))
    assert workspace.run("build", *PAY).code == 0
    workspace.environ["SEEDPIPE_HOME"] = str(tmp_path / "another machine")
    workspace.write("seedpipe.yaml", manifest("a: {prompt: A lamp}", "b: {prompt: A lamp}", "c: {prompt: A lamp}"))
    assert workspace.plan("b") == {"b": "fetch"}
    assert workspace.run("build", "b", *PAY).code == 0
    assert workspace.run("build", *PAY).code == 0
    assert live.prompts == ["A lamp"]
    assert workspace.run("plan", "--exit-code").code == 0
    assert (workspace.folder / "build/c.jpg").read_bytes() == (workspace.folder / "build/a.jpg").read_bytes()


def test_a_picture_that_is_fetched_as_it_is_stays_that_of_its_own_words(
    workspace: Workspace, live: Gateway, tmp_path: Path
) -> None:
    workspace.environ["SEEDPIPE_BASE_URL"] = live.base_url
    workspace.write("seedpipe.yaml", manifest("a: {prompt: A lamp}", "b: {prompt: A lamp}"))
    assert workspace.run("build", *PAY).code == 0
    before = (workspace.folder / "seedpipe.lock").read_text(encoding="utf-8")
    workspace.environ["SEEDPIPE_HOME"] = str(tmp_path / "another machine")
    card = "c: {prompt: 'On {{ refs.x }}', references: {x: a}}"
    workspace.write("seedpipe.yaml", manifest("a: {prompt: A torch}", "b: {prompt: A lamp}", card))
    assert workspace.plan("c") == {"a": "fetch", "c": "make"}
    assert workspace.run("build", "c", *PAY).code == 0
    after = (workspace.folder / "seedpipe.lock").read_text(encoding="utf-8")
    assert next(line for line in before.splitlines() if line.startswith("a ")) in after.splitlines()
    assert workspace.plan()["a"] == "make"


def test_a_take_that_was_refused_is_not_sent_again_by_itself(workspace: Workspace, account: Account) -> None:
    workspace.write("seedpipe.yaml", LAMPS)
    account.faults({"do": "moderate-output", "match": "A brass lamp", "times": 1})
    first = workspace.run("build", "--json")
    assert (first.code, first.json["result"]["bought"]) == (5, 3), first.err
    assert account.prompts.count("A brass lamp") == 3

    assert workspace.plan() == {"hero": "blocked", "card": "cached"}
    said = " ".join(workspace.run("plan").out.split())
    assert "may contain sensitive information. · has 2 of 3 takes" in said
    (workspace.folder / "build/@proof/hero.jpg").unlink()
    again = workspace.run("build")
    assert again.code == 5, again.err
    assert len(account.requests) == 4, "nothing was sent again"
    assert (workspace.folder / "build/@proof/hero.jpg").exists(), "what there is stays usable"

    workspace.edit("seedpipe.yaml", "takes: 3", "takes: 4")
    more = workspace.run("build", "--json")
    assert (more.code, more.json["result"]["bought"]) == (0, 1), "one more was asked for, and one more is bought"
    assert workspace.plan()["hero"] == "blocked"
    assert workspace.run("build", "hero").code == 0, "a person named it"
    assert account.prompts.count("A brass lamp") == 5
    assert workspace.plan() == {"hero": "cached", "card": "cached"}


def test_a_flag_sends_a_refused_take_again(workspace: Workspace, account: Account) -> None:
    workspace.write("seedpipe.yaml", LAMPS)
    account.faults({"do": "moderate-output", "match": "A brass lamp", "times": 1})
    assert workspace.run("build").code == 5
    again = workspace.run("build", "--retry-blocked", "--json")
    assert (again.code, again.json["result"]["bought"]) == (0, 1), again.err
    assert workspace.plan() == {"hero": "cached", "card": "cached"}
