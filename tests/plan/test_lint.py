"""What the service would refuse is refused before a cent is spent, model by model, from the catalogue."""

import pytest

from seedpipe.catalogue.catalogue import load_catalogue
from seedpipe.catalogue.model import EXACT
from seedpipe.errors import Severity
from tests.plan.project import Project

SOURCES = "".join(f"s{number}: {{file: art/s{number}.png}}\n" for number in range(1, 17))


def said(project: Project) -> list[str]:
    """`line severity code: message` of every fault."""
    return [
        f"{fault.position and fault.position.line} {fault.severity} {fault.code}: {fault.message}"
        for fault in project.lint()
    ]


def of_one(fields: str, *, sources: int = 0, provider: str = "apiyi") -> list[str]:
    references = f", references: [{', '.join(f's{n}' for n in range(1, sources + 1))}]" if sources else ""
    project = Project(provider=provider).images(SOURCES + f"lamp: {{{fields}{references}}}")
    for number in range(1, 17):
        project.write(f"art/s{number}.png", "a picture")
    return [line.split(" ", 1)[1] for line in said(project)]


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ("model: seedream-4-5, size: 1K", "error size: `lamp`: `seedream-4-5-251128` has no tier `1K`, only 2K, 4K"),
        ("model: seedream-5-0, size: 4K", "error size: `lamp`: `seedream-5-0-260128` has no tier `4K`"),
        ("model: seedream-4-0, size: 8K", "error size: `lamp`: `seedream-4-0-250828` has no tier `8K`"),
        ("model: seedream-4-5, size: 1024x1024", "error size: `lamp`: `1024x1024` has 1,048,576 pixels"),
        ("model: seedream-4-0, size: 5000x5000", "error size: `lamp`: `5000x5000` has 25,000,000 pixels"),
        ("model: seedream-4-0, size: 8192x256", "error size: `lamp`: `8192x256` has the aspect 32:1"),
        ("model: seedream-4-5, size: 2K, aspect: 5:4", "error aspect: `lamp`: `5:4` is not among the recommended"),
        ("model: seedream-4-5, aspect: 40:1", "error aspect: `lamp`: the aspect `40:1` is outside"),
        ("model: seedream-4-5, output_format: png", "error output-format: `lamp`: `seedream-4-5-251128` makes jpeg"),
        ("model: seedream-4-5, optimize_prompt: fast", "error optimize-prompt: `lamp`:"),
        ("model: seedream-4-5, seed: 7", "error seed: `lamp`: `seedream-4-5-251128` has no `seed`"),
        ("model: seedream-4-5, guidance_scale: 2.5", "error guidance-scale: `lamp`:"),
        ("model: seedream-4-5, web_search: true", "error web-search: `lamp`:"),
        ("model: seedream-4-5, background: transparent", "error background: `lamp`:"),
        ("model: seedream-9", "error model: `lamp`: no model is called `seedream-9`"),
    ],
)
def test_what_a_model_cannot_do_is_refused(fields: str, fault: str) -> None:
    found = of_one(f"prompt: A lamp, {fields}")
    assert len(found) == 1, found
    assert found[0].startswith(fault)


@pytest.mark.parametrize(
    "fields",
    [
        "model: seedream-4-5, size: 4K, aspect: 21:9",
        "model: seedream-5-0, size: 3K, output_format: png",
        "model: seedream-4-0, size: 1K, aspect: 16:9, optimize_prompt: fast",
        "model: seedream-4-5, size: 2560x1440",
    ],
)
def test_what_a_model_can_do_passes(fields: str) -> None:
    assert of_one(f"prompt: A lamp, {fields}") == []


@pytest.mark.parametrize("name", ["seedream-5-0", "seedream-4-5", "seedream-4-0"])
def test_every_tier_and_aspect_of_the_catalogue_passes_and_is_resolved_to_its_pixels(name: str) -> None:
    catalogue = load_catalogue()
    model = catalogue.model(catalogue.model_id(name), "apiyi")
    shapes = [(tier, aspect) for tier in model.tiers for aspect in model.aspects(tier) if tier != EXACT]
    lines = [f"p{n}: {{prompt: A lamp, model: {name}, size: {t}, aspect: {a}}}" for n, (t, a) in enumerate(shapes)]
    project = Project().images("\n".join(lines))
    assert said(project) == []
    sizes = [node.size for node in project.plan().nodes.values()]
    assert sizes == ["{}x{}".format(*model.sizes[tier][aspect]) for tier, aspect in shapes]


@pytest.mark.parametrize(("provider", "most"), [("apiyi", 10), ("byteplus", 14)])
def test_too_many_references(provider: str, most: int) -> None:
    words = " ".join(f"image {number}" for number in range(1, most + 2))
    assert of_one(f"prompt: {words.removesuffix(f' image {most + 1}')}", sources=most, provider=provider) == []
    found = of_one(f"prompt: {words}", sources=most + 1, provider=provider)
    assert found[0].startswith(
        f"error references: `lamp`: {most + 1} references, `seedream-4-5-251128` takes {most} at most"
    )


def test_image_numbers_have_to_be_there() -> None:
    assert of_one("prompt: Image 3 beside image 1 and image 2", sources=2) == [
        "error image-number: `lamp`: the prompt says `image 3`, but it has 2 references"
    ]
    assert of_one("prompt: Put image 1 on oak") == [
        "error image-number: `lamp`: the prompt says `image 1`, but it has no references"
    ]
    assert of_one("prompt: image 0 in gold", sources=1) == [
        "error image-number: `lamp`: the prompt says `image 0`, but it has 1 reference"
    ]
    assert of_one('prompt: "An imaged 4K screen, an image 2048 wide, an image 16:9, an image 100% sharp"') == []


def test_a_reference_that_the_prompt_never_mentions_is_a_warning() -> None:
    assert of_one("prompt: Put image 2 on oak", sources=3) == [
        "warning silent-reference: `lamp`: the prompt never mentions `s1`, `s3`"
    ]
    assert of_one("prompt: On oak", sources=1) == [], "a single one needs no name"


@pytest.mark.parametrize(
    "prompt", ["Blend images 1 and 2", "Blend images 1-2", "Images 1, 2 side by side", "Images 1 & 2"]
)
def test_several_numbers_after_one_word_are_all_mentioned(prompt: str) -> None:
    assert of_one(f'prompt: "{prompt}"', sources=2) == []


def test_ranges_of_images_are_read() -> None:
    assert of_one("prompt: Blend images 1 to 4", sources=4) == []
    assert of_one("prompt: Blend images 2 to 4", sources=3) == [
        "error image-number: `lamp`: the prompt says `image 4`, but it has 3 references",
        "warning silent-reference: `lamp`: the prompt never mentions `s1`",
    ]


def test_an_edit_of_an_edit_is_advised_to_go_back_to_the_first() -> None:
    chain = "e0: {prompt: A lamp}\n" + "\n".join(
        f"e{number}: {{prompt: Brighter, references: [e{number - 1}]}}" for number in range(1, 5)
    )
    project = Project().images(chain)
    assert said(project) == ["8 warning edit-chain: `e4` is an edit of an edit, 4 deep: details drift with each"]
    (fault,) = project.lint()
    assert fault.hint == "refer to `e0` as well, the first of the chain"
    project.edit("{prompt: Brighter, references: [e3]}", "{prompt: Like image 1 and image 2, references: [e3, e0]}")
    assert said(project) == [], "the advice helps"


def test_a_long_prompt_is_a_warning_by_words_or_by_chinese_characters() -> None:
    assert of_one("prompt: " + "lamp " * 600) == []
    (words,) = of_one("prompt: " + "lamp " * 601)
    assert words.startswith("warning long-prompt: `lamp`: the prompt has 601 words")
    (characters,) = of_one("prompt: " + "灯" * 301)
    assert characters.startswith("warning long-prompt: `lamp`: the prompt has 301 characters")


def test_a_fault_of_a_whole_matrix_is_said_once() -> None:
    project = Project().images("""
scene:
  matrix: {shape: [a, b, c]}
  prompt: "A lamp, {{ shape }}"
  size: 1K
""")
    assert said(project) == [
        "7 error size: `scene/a`: `seedream-4-5-251128` has no tier `1K`, only 2K, 4K;"
        " `seedream-5-0-pro-260628`, `seedream-4-0-250828` can (and 2 more like it)"
    ]


def test_faults_stand_where_they_were_written() -> None:
    project = Project().images("""
lamp:
  size: 4K
  model: seedream-5-0
  prompt: |
    Light.
    Image 2 on oak.
""")
    assert [line.split(":")[0] for line in said(project)] == ["5 error size", "7 error image-number"]
    assert all(fault.severity is Severity.ERROR and fault.address == "lamp" for fault in project.lint())


def test_two_pictures_cannot_have_one_file() -> None:
    project = Project().images("""
a: {prompt: A lamp, output: out/lamp.jpg}
b: {prompt: A lamp in brass, output: OUT/Lamp.jpg}
c: {prompt: A lamp in gold, output: out/lamp.jpg/c.jpg}
d: {prompt: A lamp in zinc, output: lamp.gif}
""")
    assert said(project) == [
        "4 error output-is-folder: `a` writes `out/lamp.jpg`, which `c` needs as a folder",
        "5 error same-output: `b` and `a` both write `OUT/Lamp.jpg`",
        "7 error output-ending: `lamp.gif` ends in `.gif`",
    ]


@pytest.mark.parametrize(("words", "told"), [(35, []), (40, ["`board`: the prompt has 658 words"])])
def test_a_long_sequence_is_as_long_as_what_one_request_says(words: int, told: list[str]) -> None:
    """Thirty frames are fifteen in the first request, thirteen in the second, and two in the third."""
    frames = ", ".join(f"{{id: f{number}, prompt: {'word ' * words}}}" for number in range(30))
    project = Project().images(f"board: {{sequence: {{frames: [{frames}]}}}}")
    assert [fault.message.split(";")[0] for fault in project.lint()] == told


def test_references_and_frames_are_fifteen_together_and_leave_room_for_those_that_are_carried() -> None:
    project = Project()
    for number in range(1, 17):
        project.write(f"art/s{number}.png", "a picture")
    refs = {count: f"references: [{', '.join(f's{n}' for n in range(1, count + 1))}]" for count in (3, 8, 9)}
    frames = ", ".join(f"{{id: f{number}, prompt: Shot {number}}}" for number in range(9))
    project.images(
        SOURCES
        + f"mood: {{prompt: 'Lamps, images 1-3', {refs[3]}, sequence: {{max_images: 13}}}}\n"
        + f"fits: {{prompt: 'Lamps, images 1-8', {refs[8]}, sequence: {{frames: [{frames}]}}}}\n"
        + f"film: {{prompt: 'Lamps, images 1-9', {refs[9]}, sequence: {{frames: [{frames}]}}}}\n"
        + "pro: {model: seedream-5-0-pro, prompt: Lamps, sequence: {max_images: 2}}"
    )
    assert said(project) == [
        "20 error references: `mood`: 3 references and 13 pictures are 16, the service allows 15 together: ask for 12"
        " pictures at most",
        "22 error references: `film`: its 9 frames need several requests, which leave 8 references beside the 2 frames"
        " that are carried over; it has 9",
        "23 error sequence: `pro`: `seedream-5-0-pro-260628` can't do sequence; `seedream-5-0-260128`,"
        " `seedream-4-5-251128`, `seedream-4-0-250828` can",
    ]


def test_what_only_some_looks_get_wrong_names_them() -> None:
    project = Project().images(
        "hero: {prompt: \"{{ words }}\", size: '{{ tier }}', looks: {a: {}, b: {words: As in image 2}, c: {tier: 9K}}}"
    )
    project.write("seedpipe.yaml", project.files.texts["seedpipe.yaml"] + "vars: {words: A lamp, tier: 2K}\n")
    faults = [fault.message for fault in project.lint()]
    assert faults == [
        "`hero`, look b: the prompt says `image 2`, but it has no references",
        "`hero`, look c: `seedream-4-5-251128` has no tier `9K`, only 2K, 4K; no model can",
    ]
