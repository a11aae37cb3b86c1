"""docs/manifest.md is true: its YAML parses, its whole manifests are sound, and it names every key there is."""

import re
from pathlib import Path

import jsonschema
import pytest
from pydantic import BaseModel

from seedpipe.manifest import model
from seedpipe.manifest.document import compose_document

PAGE = (Path(__file__).resolve().parents[2] / "docs/manifest.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
RESERVED = model.RESERVED | model.RESERVED_IN_ENTRY
MODELS = (
    model.ManifestFile,
    model.Entry,
    model.Override,
    model.Parameters,
    model.Defaults,
    model.Sequence,
    model.Frame,
    model.EachFrame,
    model.Each,
    model.Table,
    model.Profile,
    model.Provider,
    model.IncludedFile,
    model.Budget,
    model.Step,
    model.Crop,
    model.Resize,
    model.Overlay,
    model.Lettering,
    model.Convert,
)


@pytest.mark.parametrize("block", BLOCKS)
def test_every_block_is_what_the_reader_and_an_editor_take(block: str) -> None:
    document, faults = compose_document("page.yaml", block.encode())
    assert document is not None and not faults
    if document.value is not None:  # one block is a comment only
        jsonschema.Draft202012Validator(model.manifest_schema()).validate(document.value)
        model.ManifestFile.model_validate(document.value)


def test_there_are_blocks() -> None:
    assert len(BLOCKS) > 30


@pytest.mark.parametrize("kind", MODELS, ids=lambda kind: kind.__name__)
def test_every_key_is_named(kind: type[BaseModel]) -> None:
    names = {field.alias or name for name, field in kind.model_fields.items()}
    assert not {name for name in names if f"`{name}`" not in PAGE}


def test_every_reserved_key_is_listed_as_such() -> None:
    table = PAGE.partition("## Reserved keys")[2]
    assert not {name for name in RESERVED if f"`{name}`" not in table}


def test_links_within_the_page_lead_somewhere() -> None:
    titles = re.findall(r"^#+ (.+)$", PAGE, re.MULTILINE)
    anchors = {re.sub(r"[^a-z0-9 _-]", "", title.lower()).replace(" ", "-") for title in titles}
    assert set(re.findall(r"\]\(#([^)]+)\)", PAGE)) <= anchors
