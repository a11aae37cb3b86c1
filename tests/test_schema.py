"""The shipped schema is the model's, and the examples satisfy it."""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from seedpipe.console import json_text
from seedpipe.manifest.model import manifest_schema

REPOSITORY = Path(__file__).parent.parent
SHIPPED = REPOSITORY / "schemas" / "seedpipe.schema.json"


def test_the_shipped_schema_is_the_models() -> None:
    assert SHIPPED.read_text(encoding="utf-8") == json_text(manifest_schema()) + "\n", "run `seedpipe schema`"


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
