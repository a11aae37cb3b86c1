"""The shipped schema is the model's, and the examples satisfy it."""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from seedpipe.cli import main
from seedpipe.events import EVENTS, Event, events_schema
from seedpipe.manifest.model import manifest_schema
from seedpipe.plan.plan import State
from seedpipe.plan.saved import read_saved_plan
from seedpipe.plan.schema import plan_schema
from tests.support.spoiling import let_through

REPOSITORY = Path(__file__).parent.parent
SHIPPED = REPOSITORY / "schemas" / "seedpipe.schema.json"


def test_every_reason_and_state_is_in_the_schema_of_plans() -> None:
    definitions = plan_schema()["$defs"]
    codes = [kind["properties"]["code"]["const"] for kind in definitions["reason"]["oneOf"]]
    assert len(codes) == len(set(codes)) > 25
    assert [state["const"] for state in definitions["state"]["oneOf"]] == [state.value for state in State]


def test_the_schema_of_events_has_every_event() -> None:
    assert {event.name for event in EVENTS} == {event.name for event in Event.__subclasses__()}
    page = (REPOSITORY / "docs" / "events.md").read_text(encoding="utf-8")
    for event in events_schema()["oneOf"]:
        assert f"| `{event['title']}` |" in page
        assert not [name for name in event["properties"] if f"`{name}`" not in page], event["title"]


@pytest.mark.parametrize("flags", [(), ("--proof",), ("--verbose",)])
@pytest.mark.parametrize("name", ["brand-kit", "storyboard", "catalogue"])
def test_plans_of_the_examples_are_as_their_schema_says(
    name: str, flags: tuple[str, ...], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    saved = tmp_path / "p.json"
    verbose = ["-v"] if "--verbose" in flags else []
    rest = [flag for flag in flags if flag != "--verbose"]
    assert main(["-C", str(REPOSITORY / "examples" / name), *verbose, "plan", *rest, "--json", "-o", str(saved)]) == 0
    document = json.loads(capsys.readouterr().out)
    jsonschema.Draft202012Validator(plan_schema()).validate(document)
    assert document == json.loads(saved.read_text())
    assert read_saved_plan(saved.read_bytes(), "p.json").nodes.keys() == {node["address"] for node in document["nodes"]}


@pytest.mark.parametrize("name", ["brand-kit", "storyboard", "catalogue"])
def test_an_editor_accepts_the_examples(name: str) -> None:
    text = (REPOSITORY / "examples" / name / "seedpipe.yaml").read_text(encoding="utf-8")
    assert text.startswith("# yaml-language-server: $schema=../../schemas/seedpipe.schema.json")
    data = yaml.load(text, Loader=yaml.BaseLoader)  # every scalar as text: templates allow that everywhere
    schema = json.loads(SHIPPED.read_text(encoding="utf-8"))
    data["seedpipe"] = int(data["seedpipe"])
    jsonschema.Draft202012Validator.check_schema(schema)
    faults = list(jsonschema.Draft202012Validator(schema).iter_errors(data))
    assert not [fault for fault in faults if fault.validator in ("additionalProperties", "required")], faults


@pytest.mark.parametrize("name", ["brand-kit", "storyboard", "catalogue"])
def test_an_editor_marks_whatever_is_spoilt(name: str) -> None:
    """Every place once given a value of another kind, and every mapping a strange key; only vars are a person's own."""
    data = yaml.safe_load((REPOSITORY / "examples" / name / "seedpipe.yaml").read_text(encoding="utf-8"))
    validator = jsonschema.Draft202012Validator(manifest_schema())
    assert validator.is_valid(data) and not validator.is_valid(data | {"seedpipe": 2})
    assert [place for place in let_through(validator, data) if place[:1] != ("vars",)] == []
