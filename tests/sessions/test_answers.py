"""What verbs say with `--json` is as their schemas say, in every state of a project; and no verb is left out."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import jsonschema
import pytest

from seedpipe.cli import VERBS
from seedpipe.cli import seedpipe as group
from seedpipe.review.answers import ANSWERS
from tests.sessions.conftest import Account, manifest
from tests.support.relay import Gateway
from tests.support.repository import Repository
from tests.support.spoiling import Place, let_through, places
from tests.support.workspace import REPOSITORY, Ran, Workspace

LAMPS = manifest(
    "art: {file: art.png}",
    "hero: {prompt: A matte lamp, takes: 2, tags: [launch]}",
    "card: {matrix: {n: [a, b]}, prompt: 'ランプ {{ n }}, {{ refs.hero }}', references: {hero: hero}}",
    "board: {sequence: {frames: [{id: wide, prompt: Wide}, {id: hands, prompt: Hands, caption: '05:40'}]}}",
    "small: {from: hero, steps: [{resize: 64x64}, {convert: png}]}",
    "also: {prompt: A matte lamp, takes: 2, watermark: true}",
    "sign: {from: hero, steps: [{crop: '1:1'}, {overlay: {image: art, width: 20%}}, {text: 'Lumen'}]}",
    head="profiles: {draft: {}}\n",
)
BUY = ("build", "--yes", "--max-cost", "1")
EXPLAIN = ("explain", "art", "hero", "card", "board")


def verbs_with_json() -> Iterator[tuple[str, ...]]:
    def below(path: tuple[str, ...], command: click.Command) -> Iterator[tuple[str, ...]]:
        if any("--json" in option.opts for option in command.params):
            yield path
        if isinstance(command, click.Group):
            for name, inner in command.commands.items():
                yield from below((*path, name), inner)

    for verb in VERBS:
        command = group.get_command(click.Context(group), verb)
        assert command is not None
        yield from below((verb,), command)


class Asker:
    """Runs verbs with `--json`, validates what they say, and remembers which they were."""

    def __init__(self) -> None:
        self.asked: set[tuple[str, ...]] = set()
        self.heard: dict[
            str, dict[Place, Any]
        ] = {}  # answer → each place that one ever had → the last document with it
        self.validators = {name: jsonschema.Draft202012Validator(schema()) for name, schema in ANSWERS.items()}

    def __call__(self, workspace: Workspace, *arguments: str, codes: tuple[int, ...] = (0,)) -> Any:
        ran: Ran = workspace.run(*arguments, "--json")
        assert ran.code in codes, (arguments, ran.code, ran.err)
        document = ran.json
        head = next(iter(document))
        name = head.removeprefix("seedpipe_").replace("_", "-")
        self.validators[name].validate(document)
        self.heard.setdefault(name, {}).update((path, document) for path in places(document))
        known = set(verbs_with_json())
        self.asked.add(arguments[:2] if arguments[:2] in known else arguments[:1])
        return document


@pytest.mark.parametrize("name", ANSWERS)
def test_no_schema_lets_through_what_it_does_not_name(name: str) -> None:
    """Every object says what it holds: by its properties and nothing else, or by the values of any name."""

    def objects(value: Any) -> Iterator[dict[str, Any]]:
        if isinstance(value, dict):
            if value.get("type") == "object":
                yield value
            for inner in value.values():
                yield from objects(inner)
        elif isinstance(value, list):
            for inner in value:
                yield from objects(inner)

    assert not [one for one in objects(ANSWERS[name]()) if "additionalProperties" not in one]


def test_every_verb_that_has_json_says_what_its_schema_says(
    workspace: Workspace, live: Gateway, account: Account, tmp_path: Path
) -> None:
    """In one test, so that none can be left out."""
    ask = Asker()
    a_project_from_plan_to_prune(ask, workspace, live, account)
    a_merge_that_two_people_dispute(ask, Repository(tmp_path / "merged", **workspace.environ))
    assert ask.asked == set(verbs_with_json()), "ask it in a session below, and give its answer a schema"
    assert ask.heard.keys() == set(ANSWERS)
    let_through = {name: found for name in ANSWERS if (found := taken_though_spoilt(ask, name))}
    assert not let_through, "a schema that takes anything is none"


def taken_though_spoilt(ask: Asker, name: str) -> list[Place]:
    return [
        found
        for place, document in ask.heard[name].items()
        for found in let_through(ask.validators[name], document, [place])
    ]


def a_project_from_plan_to_prune(ask: Asker, workspace: Workspace, live: Gateway, account: Account) -> None:
    repository = Repository(workspace.folder)
    workspace.environ |= {"SEEDPIPE_BASE_URL": live.base_url}
    workspace.write("seedpipe.yaml", LAMPS)
    (workspace.folder / "art.png").write_bytes((REPOSITORY / "examples/brand-kit/art/logo.png").read_bytes())
    repository.git("init", "-q", "-b", "main")
    repository.commit("The manifest")
    look = (("check",), ("plan",), ("status",), EXPLAIN, ("graph",), ("takes",), ("takes", "hero"), ("resolve",))

    def look_at_all(*flags: str) -> None:
        for arguments in look:
            ask(workspace, *arguments, *(flags if arguments[0] != "check" else ()), codes=(0, 75))

    look_at_all()
    for flags in (("--by", "n"), ("--by", "tag"), ("--compare-models",)):
        ask(workspace, "plan", *flags)
    ask(workspace, "models")
    ask(workspace, "promote", "--from", "draft")
    ask(workspace, "models", "--provider", "all")
    ask(workspace, "models", "--migrate", "seedream-4-0", "seedream-4-5")
    ask(workspace, "models", "--migrate", "seedream-4-0", "seedream-5-0")
    ask(workspace, "doctor", "--offline")
    ask(workspace, "doctor", codes=(0, 1))
    assert ask(workspace, "build", "--proof")["result"]["bought"]
    look_at_all("--proof")

    account.faults({"do": "moderate-input", "match": "ランプ a"})
    assert ask(workspace, *BUY, codes=(5,))["result"]["exit_code"] == 5
    account.faults({"do": "bad-gateway", "match": "ランプ a"})
    assert ask(workspace, *BUY, "--retry-blocked", codes=(75,))["result"]["uncertain"] == "0.03 USD"
    look_at_all()
    account.faults()
    ask(workspace, "resolve", "card/a", "--not-paid", "-m", "not in the log")
    ask(workspace, *BUY, "--retry-blocked")
    look_at_all()
    assert not ask(workspace, "build")["result"]["bought"]

    for by in ("model", "node", "day", "tag", "request"):
        ask(workspace, "spend", "--by", by)
    workspace.write(
        "bill.csv", "time,model,images,amount,request id\n2026-11-20 10:00:00,seedream-4-0-250828,1,0.03,q1\n"
    )
    ask(workspace, "spend", "reconcile", "bill.csv")
    (workspace.folder / "bill.csv").unlink()
    assert ask(workspace, "reroll", "also", "-n", "1", "--yes", "--max-cost", "1")["result"]["bought"] == 1

    ask(workspace, "pick", "hero", "2", "-m", "the shade is right")
    ask(workspace, "undo")
    ask(workspace, "pick", "hero", "2")
    assert ask(workspace, "approve", "card", codes=(1,))["refused"]
    ask(workspace, "approve", "card", "--stale")
    assert ask(workspace, "approve", "card")["unchanged"] == ["card/a", "card/b"]
    ask(workspace, "pin", "board#wide")
    ask(workspace, "unpin", "board#wide")
    ask(workspace, "note", "hero", "-m", "ask about the shade")
    ask(workspace, "adopt", "card/b", "art.png")
    (workspace.folder / "build/card/a.jpg").write_bytes((workspace.folder / "art.png").read_bytes())
    look_at_all()
    ask(workspace, "restore", "card/a")
    workspace.edit("seedpipe.yaml", "A matte lamp, takes: 2, tags", "A brass lamp, takes: 2, tags")
    look_at_all()
    ask(workspace, "upgrade", "--dry-run")
    ask(workspace, "diff")
    ask(workspace, "diff", "--warn-above", "0.01 USD")
    ask(workspace, "keep", "hero")
    workspace.edit("seedpipe.yaml", "  also:", "  other:")
    ask(workspace, "mv", "also", "other")
    repository.commit("Another lamp")
    ask(workspace, "diff", "HEAD~1..HEAD")
    workspace.edit("seedpipe.yaml", "  small:", "  tiny:")
    ask(workspace, "lock", "prune", "--dry-run")
    ask(workspace, "lock", "prune")
    ask(workspace, "lock", "prune")
    ask(workspace, "lock", "merge")
    look_at_all()
    workspace.write("seedpipe.yaml", LAMPS + "  broken: {prompt: 1, colour: red}\n")
    assert ask(workspace, "check", codes=(2,))["errors"]
    ask(workspace, "doctor", "--offline", codes=(2,))


def a_merge_that_two_people_dispute(ask: Asker, repository: Repository) -> None:
    repository.write("seedpipe.yaml", manifest("hero: {prompt: A matte lamp, takes: 3}"))
    repository.git("init", "-q", "-b", "main")
    assert repository.run(*BUY).code == 0
    repository.commit("Bought")
    repository.git("switch", "-q", "-c", "other")
    repository.run("pick", "hero", "2")
    repository.commit("Two")
    repository.git("switch", "-q", "main")
    repository.run("pick", "hero", "3")
    repository.commit("Three")
    repository.git("merge", "-q", "other", fails=True)
    assert ask(repository, "lock", "merge", codes=(1,))["locks"][0]["disputes"] == ["hero"]
    assert ask(repository, "lock", "merge", "--prefer", "theirs")["locks"][0]["preferred"] == "theirs"


def test_the_schema_verb_prints_each(workspace: Workspace) -> None:
    for name in ANSWERS:
        ran = workspace.run("schema", name)
        assert json.loads(ran.out) == ANSWERS[name]()
        help_text = " ".join(workspace.run("schema", "--help").out.split())
        assert name in VERBS or f"`{name}`" in help_text, name


ARGUMENTS = {
    "explain": ["hero"],
    "reroll": ["hero"],
    "pick": ["hero", "1"],
    "approve": ["hero"],
    "pin": ["hero"],
    "unpin": ["hero"],
    "keep": ["hero"],
    "adopt": ["hero"],
    "restore": ["hero"],
    "note": ["hero", "-m", "x"],
    "mv": ["hero", "lamp"],
    "lock merge": ["one"],
    "spend reconcile": ["nowhere.csv"],
    "models": ["nothing"],
}
CHECKING = ("check", "doctor")  # what is wrong is their answer


@pytest.mark.parametrize("path", list(verbs_with_json()), ids=" ".join)
def test_of_an_error_nothing_is_said_as_json(workspace: Workspace, path: tuple[str, ...]) -> None:
    """Standard output holds an answer or nothing; the error is on standard error, with its exit code."""
    workspace.write("seedpipe.yaml", LAMPS + "  broken: {prompt: A lamp, colour: red}\n")
    ran = workspace.run(*path, *ARGUMENTS.get(" ".join(path), []), "--json")
    if path[0] in CHECKING:
        assert ran.code == 2 and ran.json and not ran.err
    else:
        assert (ran.code, ran.out) == (2, ""), ran.err
        assert ran.err.startswith("error: ")
