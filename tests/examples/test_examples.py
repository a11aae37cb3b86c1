"""The examples and the starter are sound: they parse, validate, expand to what their pages say, and are legal to send."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import jsonschema
import pytest
from PIL import Image

from seedpipe.catalogue.catalogue import load_catalogue
from seedpipe.catalogue.check import check
from seedpipe.fonts import shipped_font
from seedpipe.images.fontfile import covered
from seedpipe.manifest.document import compose_document
from seedpipe.manifest.expand import expand
from seedpipe.manifest.model import manifest_schema
from seedpipe.manifest.compose import compose
from seedpipe.manifest.node import DerivedNode, FrameNode, ImageNode, Node, SourceNode, upstream_addresses
from seedpipe.manifest.parse import parse_manifest
from seedpipe.manifest.steps import Text
from tests.support.files import FolderFiles

ROOT = Path(__file__).resolve().parents[2]
MAX_FOLDER_BYTES = 300_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    folder: str
    paid: int
    free: int

    def __str__(self) -> str:
        return Path(self.folder).name

    @property
    def path(self) -> Path:
        return ROOT / self.folder

    def asked(self, profile: str | None = None) -> Iterator[ImageNode]:
        """Every picture as it would be asked for: an image; a sequence as one, and each of its frames alone."""
        for node in self.nodes(profile):
            if isinstance(node, ImageNode):
                yield node
            elif isinstance(node, FrameNode):
                yield replace(node.sequence.base, prompt=compose(node.sequence, [node.frame]))
                if node.frame.number == 1:
                    yield replace(node.sequence.base, prompt=compose(node.sequence, node.sequence.frames))

    def nodes(self, profile: str | None = None) -> tuple[Node, ...]:
        files = FolderFiles(self.path)
        manifest = parse_manifest(files, "seedpipe.yaml", profile=profile)
        assert not manifest.warnings
        return tuple(expand(manifest, files).nodes)


CASES = (
    Case(folder="examples/brand-kit", paid=18, free=53),
    Case(folder="examples/storyboard", paid=18, free=24),
    Case(folder="examples/catalogue", paid=29, free=56),
    Case(folder="seedpipe/scaffolds/starter", paid=1, free=1),
)
EXAMPLES = CASES[:3]
with_each_case = pytest.mark.parametrize("case", CASES, ids=str)
with_each_example = pytest.mark.parametrize("case", EXAMPLES, ids=str)


@with_each_case
def test_makes_as_many_pictures_as_its_page_says(case: Case) -> None:
    kinds = Counter(type(node) for node in case.nodes())
    assert (kinds[ImageNode] + kinds[FrameNode], kinds[DerivedNode]) == (case.paid, case.free)


@with_each_example
def test_counts_in_the_words_of_the_example(case: Case) -> None:
    manifest = (case.path / "seedpipe.yaml").read_text(encoding="utf-8")
    assert f"{case.paid} bought pictures, {case.free} free ones" in manifest
    assert f"{case.paid} pictures to buy" in (case.path / "README.md").read_text(encoding="utf-8")


@with_each_example
def test_a_draft_is_the_same_project_on_a_cheaper_model(case: Case) -> None:
    real, draft = case.nodes(), case.nodes("draft")
    assert [node.address for node in draft] == [node.address for node in real]
    assert {(node.model, node.size) for node in case.asked("draft")} == {("seedream-4-0", "1K")}


@with_each_case
@pytest.mark.parametrize("profile", [None, "draft"])
def test_the_service_would_take_every_request(case: Case, profile: str | None) -> None:
    if profile and case not in EXAMPLES:
        pytest.skip("the starter has no profiles")
    catalogue = load_catalogue()
    for node in case.asked(profile):
        model = catalogue.model(catalogue.model_id(node.model), "apiyi")
        found = check(
            model,
            size=node.size,
            aspect=node.aspect,
            references=len(node.references),
            output_format=node.output_format,
            optimize_prompt=node.optimize_prompt,
            prompt=node.prompt,
        )
        assert not found, (node.address, found)


@with_each_case
def test_prompts_speak_of_each_reference_and_of_no_other(case: Case) -> None:
    for node in case.asked():
        spoken = {int(number) for number in re.findall(r"\bimage (\d+)\b", node.prompt)}
        assert spoken == set(range(1, len(node.references) + 1)), node.address
        assert "{" not in node.prompt and "#0" not in node.prompt


@with_each_case
def test_nothing_dangles_and_nothing_is_unused(case: Case) -> None:
    nodes = {node.address: node for node in case.nodes()}
    used = {address for node in nodes.values() for address in upstream_addresses(node)}
    assert used <= nodes.keys()
    sources = {address for address, node in nodes.items() if isinstance(node, SourceNode)}
    assert sources <= used
    outputs = [node.output for node in nodes.values() if not isinstance(node, SourceNode) and node.output]
    assert len(set(outputs)) == len(outputs)


@with_each_case
def test_the_shipped_font_has_every_character(case: Case) -> None:
    known = covered(shipped_font())
    for node in case.nodes():
        for step in node.steps if isinstance(node, DerivedNode) else ():
            if isinstance(step, Text) and step.font is None:
                assert not {char for char in step.text if ord(char) not in known}, node.address


@with_each_case
def test_an_editor_accepts_it(case: Case) -> None:
    document, faults = compose_document("seedpipe.yaml", (case.path / "seedpipe.yaml").read_bytes())
    assert document is not None and not faults
    jsonschema.Draft202012Validator(manifest_schema()).validate(document.value)


@with_each_case
def test_the_folder_is_small_whole_and_clean(case: Case) -> None:
    files = [path for path in case.path.rglob("*") if path.is_file() and not {"build", ".seedpipe"} & set(path.parts)]
    assert sum(path.stat().st_size for path in files) < MAX_FOLDER_BYTES
    assert (case.path / ".gitignore").read_text().split() == ["build/", ".seedpipe/"]
    assert (case.path / ".gitattributes").read_text() == "seedpipe*.decisions.jsonl merge=union\n"
    for path in files:
        if path.suffix == ".png":
            with Image.open(path) as picture:
                picture.load()


@with_each_example
def test_an_example_names_its_schema(case: Case) -> None:
    first = (case.path / "seedpipe.yaml").read_text(encoding="utf-8").split("\n", 1)[0]
    name = first.removeprefix("# yaml-language-server: $schema=")
    assert (case.path / name).resolve() == ROOT / "schemas/seedpipe.schema.json"


def test_a_shot_holds_its_people_and_its_place() -> None:
    shot = next(node for node in EXAMPLES[1].nodes() if node.address == "shot/lamproom#090-turning")
    assert isinstance(shot, FrameNode)
    people = [f"cast/{name}" for name in ("ines", "tomas", "odile")]
    assert [reference.address for reference in shot.references] == [*people, "place/lamproom"]
    shared = shot.sequence.base.prompt
    assert "Tomas is the person on the sheet in image 2." in shared and "at the place in image 4:" in shared
    assert "In it: Tomas and Ines. Camera: 24 mm" in shot.frame.prompt
    assert (shot.frame.duration, shot.frame.caption) == ("4.5", "Eight turns a minute. “Don’t push. Walk.”")


def test_every_shot_of_the_storyboard_is_a_frame_of_its_place() -> None:
    frames = [node for node in EXAMPLES[1].nodes() if isinstance(node, FrameNode)]
    assert {node.sequence.address: len(node.sequence.frames) for node in frames} == {
        "shot/causeway": 4, "shot/kitchen": 3, "shot/lamproom": 5
    }  # fmt: skip
    assert all(node.frame.caption and node.frame.duration for node in frames)


def test_a_sku_keeps_its_zeros_and_its_override() -> None:
    nodes = {node.address: node for node in EXAMPLES[2].nodes()}
    assert not any("0170" in address for address in nodes)  # not on sale
    apron, detail = nodes["hero/0160"], nodes["scene/0110/detail"]
    assert isinstance(apron, ImageNode) and isinstance(detail, ImageNode)
    assert apron.prompt.endswith("its full length visible.")
    assert (detail.size, detail.aspect) == ("3K", "4:3")


def test_banners_speak_the_language_of_their_market() -> None:
    texts = {
        node.address: next(step.text for step in node.steps if isinstance(step, Text))
        for node in EXAMPLES[0].nodes()
        if isinstance(node, DerivedNode) and node.address.startswith("banner/")
    }
    assert len(texts) == 48
    assert texts["banner/LUM-04/el/story"] == "Το φεγγάρι, σε απόσταση αναπνοής."
    assert texts["banner/LUM-03/de/wide"] == "Eine kleine Glocke aus Abendlicht."
