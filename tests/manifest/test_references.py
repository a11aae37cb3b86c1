"""References: lists, mappings, globs, `each`, and what `refs` says."""

import pytest

from seedpipe.manifest.findings import BadValueError
from seedpipe.manifest.node import ImageNode
from seedpipe.manifest.references import AddressBook
from tests.manifest.session import Session

POOL = (
    "images:\n"
    "  hero: {prompt: x}\n"
    "  shot: {matrix: {n: [shot10, shot2, shot1]}, prompt: x}\n"
    "  deep: {matrix: {a: [p, q], b: [1, 2]}, prompt: x}\n"
)


def node(project: Session, text: str, before: str = "") -> tuple[list[str], str]:
    found = project.manifest(before + POOL + f"  it: {text}\n").image("it")
    return [reference.address for reference in found.references], found.prompt


def test_a_list(project: Session) -> None:
    addresses, prompt = node(
        project, "{references: [hero, shot/shot2], prompt: '{{ refs.hero }}, {{ refs[\"shot/shot2\"] }}'}"
    )
    assert addresses == ["hero", "shot/shot2"]
    assert prompt == "image 1, image 2"


def test_a_single_text(project: Session) -> None:
    assert node(project, "{references: hero, prompt: '{{ refs.hero }}'}") == (["hero"], "image 1")


def test_a_mapping_names_them_in_its_order(project: Session) -> None:
    text = "{references: {set: deep/p/1, lamp: hero}, prompt: '{{ refs.lamp }} {{ refs.set }} {{ refs.hero }} {{ refs | length }}'}"
    assert node(project, text) == (["deep/p/1", "hero"], "image 2 image 1 image 2 2")


def test_a_glob_is_in_natural_order_and_its_star_stays_in_a_segment(project: Session) -> None:
    assert node(project, "{references: ['shot/*'], prompt: x}")[0] == ["shot/shot1", "shot/shot2", "shot/shot10"]
    assert node(project, "{references: ['deep/*/2'], prompt: x}")[0] == ["deep/p/2", "deep/q/2"]
    assert node(project, "{references: ['deep/**'], prompt: x}")[0] == ["deep/p/1", "deep/p/2", "deep/q/1", "deep/q/2"]
    assert node(project, "{references: ['**/[12]'], prompt: x}")[0] == ["deep/p/1", "deep/p/2", "deep/q/1", "deep/q/2"]
    assert node(project, "{references: ['h?r*'], prompt: x}")[0] == ["hero"]
    assert node(project, "{references: ['deep/[!p]/1'], prompt: x}")[0] == ["deep/q/1"]


def test_a_name_of_several_is_a_list(project: Session) -> None:
    text = (
        "{references: {all: 'shot/*', one: hero, own: [hero, deep/p/1]}, "
        "prompt: '{{ refs.all }}; {{ refs.all[1] }}; {% for r in refs.all %}<{{ r }}>{% endfor %}; {{ refs.one }}; {{ refs.own }}'}"
    )
    assert node(project, text)[1] == (
        "image 1, image 2 and image 3; image 2; <image 1><image 2><image 3>; image 4; image 5 and image 6"
    )


@pytest.mark.parametrize(
    "each",
    [
        "'{{ cast }}'", "'{{ csv }}'", "'{{ rows }}'", "[shot1, '{{ two }}']", "'shot1, shot2'", "'shot1; {{ two }}'", "cast",
        "\"{{ cast | select('ne', 'x') }}\"",
    ],
)  # fmt: skip
def test_each_makes_a_list_from_data(project: Session, each: str) -> None:
    before = "vars: {cast: [shot1, shot2], csv: 'shot1; shot2', two: shot2}\ndata: {rows: r.csv}\n"
    project.write("r.csv", "id\nshot1\nshot2\n")
    text = f"{{references: {{who: {{each: {each}, node: 'shot/{{{{ item }}}}'}}, h: hero}}, prompt: '{{{{ refs.who }}}} {{{{ refs.h }}}}'}}"
    assert node(project, text, before) == (["shot/shot1", "shot/shot2", "hero"], "image 1 and image 2 image 3")


def test_each_of_nothing(project: Session) -> None:
    text = "{references: {who: {each: '{{ nobody }}', node: 'shot/{{ item }}'}, h: hero}, prompt: '[{{ refs.who }}] {{ refs.h }}'}"
    assert node(project, text, "vars: {nobody: []}\n") == (["hero"], "[] image 1")
    assert node(project, text, "vars: {nobody: ''}\n") == (["hero"], "[] image 1")


def test_a_template_may_say_that_there_is_none(project: Session) -> None:
    project.manifest(
        POOL
        + "  it:\n    matrix: {n: [a, b]}\n    references: [hero, \"{% if n == 'a' %}deep/p/1{% endif %}\"]\n    prompt: x\n"
    )
    assert [len(project.image(f"it/{name}").references) for name in "ab"] == [2, 1]


def test_a_reference_in_a_matrix(project: Session) -> None:
    project.manifest(
        POOL + "  it: {matrix: {n: [shot1, shot2]}, references: {s: 'shot/{{ n }}'}, prompt: '{{ refs.s }} {{ n }}'}\n"
    )
    found = project.image("it/shot2")
    assert found.prompt == "image 1 shot2"
    assert str(found.references[0].position) == "seedpipe.yaml:7:53"


def test_a_reference_sent_twice_is_kept_and_told(project: Session) -> None:
    found = project.manifest(
        POOL + "  it: {references: {a: hero, b: hero}, prompt: '{{ refs.b }} {{ refs.hero }}'}\n"
    ).expand()
    it = found.nodes[-1]
    assert [reference.address for reference in it.references] == ["hero", "hero"]  # type: ignore[union-attr]
    assert it.prompt == "image 2 image 1"  # type: ignore[union-attr]
    assert [fault.message for fault in found.warnings] == ["`hero` is sent twice"]


@pytest.mark.parametrize(
    ("references", "fault"),
    [
        ("[heroo]", "dangling-reference: there is no picture `heroo` (did you mean `hero`?)"),
        ("[shot/shot3]", "dangling-reference: there is no picture `shot/shot3` (did you mean `shot/shot2`?)"),
        ("[deep/p]", "ambiguous-reference: `deep/p` is a group of 2 pictures (write `deep/p/*`, or one of `deep/p/1`, `deep/p/2`)"),
        (
            "[deep]",
            "ambiguous-reference: `deep` is a group of 4 pictures (write `deep/*/*`, or one of `deep/p/1`, `deep/p/2`, `deep/q/1` …)",
        ),
        ("['dep/*']", "dangling-reference: no picture matches `dep/*` (did you mean `deep`?)"),
        ("[it]", "self-reference: `it` is a reference of itself"),
        ("['*']", "self-reference: `it` is a reference of itself"),
        ("['board#2']", "dangling-reference: there is no picture `board#2`"),
        ("[{each: '{{ hero }}', node: x}]", "undefined: `hero` is not defined (known: `data`, `refs`, `vars`)"),
        ("[{each: [a], node: '{{ itm }}'}]", "undefined: `itm` is not defined (did you mean `item`?)"),
        ("[{each: '{{ {} }}', node: x}]", "bad-value: `each` wants a list, or text split at `,` or `;`; found a mapping"),
    ],
)  # fmt: skip
def test_what_a_wrong_reference_is_told(project: Session, references: str, fault: str) -> None:
    project.manifest(POOL + f"  it: {{prompt: x, references: {references}}}\n")
    told = project.faults()
    assert len(told) == 1
    assert told[0].split(" ", 1)[1] == fault or told[0].split(" ", 1)[1].startswith(
        fault.removesuffix(")").split(" (known")[0]
    )


def test_a_group_of_many_names_the_glob_that_takes_them_all(project: Session) -> None:
    """`deep/*` does not cross `/`: what is suggested must work."""
    project.manifest(POOL + "  it: {prompt: x, references: [deep]}\n")
    hint = project.error().faults[0].hint
    assert hint is not None
    pattern = hint.split("`")[1]
    project.manifest(POOL + f"  it: {{prompt: x, references: ['{pattern}']}}\n")
    assert len(project.image("it").references) == 4


def test_a_pattern_that_is_none() -> None:
    book = AddressBook(["a"], [])
    with pytest.raises(BadValueError):
        book.glob("a[z-a]")


COUNTED = (
    "images:\n"
    "  mood: {matrix: {at: [dawn, dusk]}, prompt: 'Lamps at {{ at }}', sequence: {max_images: 3}}\n"
    "  board: {prompt: x, sequence: {frames: [{id: a, prompt: A}, {id: b, prompt: B}]}}\n"
    "  parts: {layers: hero, model: seedream-5-0-pro}\n"
    "  hero: {prompt: x}\n"
)


def counted(project: Session, references: str) -> tuple[ImageNode, list[str]]:
    found = project.manifest(COUNTED + f"  it: {{prompt: 'Of {{{{ refs.a }}}}', references: {references}}}\n").image(
        "it"
    )
    return found, [reference.address for reference in found.references if reference.counted]


@pytest.mark.parametrize(
    ("references", "may_lack"),
    [
        ("{a: 'mood/dawn#*'}", ["mood/dawn#1", "mood/dawn#2", "mood/dawn#3"]),
        ("{a: ['mood/*#[12]']}", ["mood/dawn#1", "mood/dawn#2", "mood/dusk#1", "mood/dusk#2"]),
        ("{a: {each: [dawn], node: 'mood/{{ item }}#?'}}", ["mood/dawn#1", "mood/dawn#2", "mood/dawn#3"]),
        ("{a: 'parts#[12]'}", ["parts#1", "parts#2"]),
        ("{a: 'board#*'}", []),
        ("{a: 'mood/dawn#1'}", []),
        ("{a: [mood/dawn#1, mood/dawn#2, hero]}", []),
    ],
)
def test_what_may_lack_is_what_a_glob_finds_of_counted_pictures(
    project: Session, references: str, may_lack: list[str]
) -> None:
    node, found = counted(project, references)
    assert found == may_lack
    assert (node.without is None) == (not may_lack)


def test_without_some_the_words_are_rendered_anew(project: Session) -> None:
    node, _ = counted(project, "{a: 'mood/*#*', logo: hero}")
    fewer = node.lacking({"mood/dawn#2", "mood/dusk#1", "mood/dusk#3", "hero"})
    assert [one.address for one in fewer.references] == ["mood/dawn#1", "mood/dawn#3", "mood/dusk#2", "hero"]
    assert fewer.prompt == "Of image 1, image 2 and image 3"
    assert node.prompt.startswith("Of image 1, image 2, image 3, image 4, "), "the node itself is what it was"
    assert node.lacking(()) is node
    assert node.lacking({"elsewhere#1"}) is node


def test_a_glob_that_would_mean_nothing_can_t_be_done_without(project: Session) -> None:
    node, _ = counted(project, "{a: 'mood/dawn#*', b: 'mood/dusk#[23]'}")
    assert node.lacking({"mood/dusk#2", "mood/dusk#3"}) is node
    assert len(node.lacking({"mood/dawn#1", "mood/dusk#3"}).references) == 3


@pytest.mark.parametrize(
    "words",
    ["{{ refs['mood/dawn#3'] }}", "{{ refs.a[2] }}", "Of {{ refs.a }}, above all image 3", "Of images 2-3"],
)
def test_words_that_need_what_is_lacking(project: Session, words: str) -> None:
    text = f'  it: {{prompt: "{words}", references: {{a: "mood/dawn#*"}}}}\n'
    node = project.manifest(COUNTED + text).image("it")
    assert node.lacking({"mood/dawn#3"}) is node
