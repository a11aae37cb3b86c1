"""Frames made from data with `each`, and a template of the project's own for all prompts of sequences."""

from seedpipe.manifest.compose import compose
from seedpipe.manifest.node import FrameNode
from tests.manifest.session import Session

SHOTS = """\
id;place;seconds;say;action
010-quay;harbour;2.50;"Five o'clock";A quay at dawn
020-cup;kitchen;3;;A cup is set down
030-fog;harbour;4;Fog.;Fog comes in
"""
FILM = """\
data: {shots: {from: shots.csv}}
images:
  who: {file: who.png}
  shot:
    matrix: {place: [harbour, kitchen]}
    prompt: "Gouache, {{ refs.who }} at the {{ place }}."
    references: {who: who}
    sequence:
      frames:
        each: "{{ shots | selectattr('place', 'equalto', place) | list }}"
        prompt: "{{ frame.number }}: {{ item.action }}"
        caption: "{{ item.say }}"
        duration: "{{ item.seconds }}"
        output: "film/{{ item.key }}.jpg"
  poster: {prompt: "After {{ refs.a }}", references: {a: "shot/harbour#030-fog"}}
  wall: {prompt: "All of {{ refs.all }}", references: {all: "shot/*#*"}}
"""


def film(project: Session, text: str = FILM, shots: str = SHOTS) -> Session:
    return project.write("who.png", "").write("shots.csv", shots).manifest(text)


def test_a_row_is_a_frame(project: Session) -> None:
    nodes = film(project).nodes()
    frames = [node for node in nodes.values() if isinstance(node, FrameNode)]
    assert [(node.address, node.frame.number, node.output) for node in frames] == [
        ("shot/harbour#010-quay", 1, "film/010-quay.jpg"),
        ("shot/harbour#030-fog", 2, "film/030-fog.jpg"),
        ("shot/kitchen#020-cup", 1, "film/020-cup.jpg"),
    ]
    assert [(node.frame.caption, node.frame.duration) for node in frames] == [
        ("Five o'clock", "2.5"), ("Fog.", "4"), (None, "3")
    ]  # fmt: skip
    assert compose(frames[0].sequence, frames[0].sequence.frames).endswith(
        "Gouache, image 1 at the harbour.\n\nFrame 1: 1: A quay at dawn\nFrame 2: 2: Fog comes in"
    )
    wall = project.image("wall")
    assert [reference.address for reference in wall.references] == [node.address for node in frames]
    assert str(frames[0].position) == "seedpipe.yaml:12:9"


def test_a_name_of_a_table_or_a_list_is_enough(project: Session) -> None:
    text = "data: {shots: {from: shots.csv}}\nvars: {moods: [calm, '2', wild]}\nimages:\n"
    film(project, text + "  a: {sequence: {frames: {each: shots, prompt: '{{ item.action }}'}}}\n"
                         "  b: {sequence: {frames: {each: moods, id: 'm-{{ item }}', prompt: 'A {{ item }} sea'}}}\n"
                         "  c: {sequence: {frames: {each: [red, 7], prompt: '{{ item }}'}}}\n")  # fmt: skip
    assert list(project.nodes()) == [
        "a#010-quay", "a#020-cup", "a#030-fog", "b#m-calm", "b#m-2", "b#m-wild", "c#red", "c#7"
    ]  # fmt: skip


def test_what_is_wrong_with_frames_from_data_is_said_once_and_where(project: Session) -> None:
    film(project, """\
data: {shots: {from: shots.csv}}
vars: {people: [{look: tall}, {look: small}], empty: []}
images:
  a: {sequence: {frames: {each: empty, prompt: x}}}
  b: {sequence: {frames: {each: people, prompt: '{{ item.look }}'}}}
  c: {sequence: {frames: {each: shots, id: '{{ item.place }}', prompt: '{{ item.action }}'}}}
  d: {matrix: {i: [1, 2]}, sequence: {frames: {each: '{{ nope }}', prompt: x}}}
  e: {sequence: {frames: {each: shots, id: 'Nº {{ item.key }}', prompt: '{{ item.say }}'}}}
  f: {sequence: {frames: {each: shots, prompt: '{{ item.say }}'}}}
""")  # fmt: skip
    assert project.faults() == [
        "seedpipe.yaml:6:33 bad-sequence: a sequence has 1 to 300 frames; this one has 0 (correct it; what is too long becomes several sequences)",
        "seedpipe.yaml:7:33 template-value: as the `id` of a frame, a mapping cannot stand in a text"
        ' (say which: `id: "{{ item.name }}"`)',
        "seedpipe.yaml:8:44 defined-twice: two frames are called `harbour` (rename or remove one of them)",
        "seedpipe.yaml:9:58 undefined: `nope` is not defined (and 1 more item)"
        " (known: `data`, `empty`, `i`, `people`, `shots`, `vars`)",
        "seedpipe.yaml:10:44 bad-segment: `Nº 010-quay` cannot be part of an address: letters a to z, digits, `.`, `_`, `-`"
        " and `:` can (write `No-010-quay`)",
        "seedpipe.yaml:11:48 empty-prompt: the prompt of `020-cup` is empty (say what the picture shows)",
    ]
    project.manifest("images:\n  g: {sequence: {max_images: 2, compose: x}, prompt: x}\n")
    assert project.faults() == [
        "seedpipe.yaml:4:33 wrong-field: `compose` means nothing beside `max_images`: the `prompt` is sent as it is (take it out here)"
    ]


def test_a_template_for_all_prompts_and_a_stronger_one(project: Session) -> None:
    project.manifest("""\
images:
  a: {prompt: "Ink.", sequence: {frames: [{id: x, prompt: One}, {id: y, prompt: Two}]}}
  b: {sequence: {frames: [{id: x, prompt: Three}], compose: "B {{ frames[0].prompt }}"}}
  c: {prompt: A plain picture}
  d: {prompt: Two separate lamps, sequence: {max_images: 2}}
""")  # fmt: skip
    text = project.files.read("seedpipe.yaml").decode()
    own = 'compose: \'{{ count }} panels. {{ shared }} {{ frames | map(attribute="prompt") | join(" | ") }}\''
    project.write("seedpipe.yaml", text.replace("{model: seedream-4-5}", "{model: seedream-4-5, " + own + "}"))
    said = {
        node.sequence.address: compose(node.sequence, node.sequence.frames)
        for node in project.nodes().values()
        if isinstance(node, FrameNode)
    }
    assert said == {"a": "2 panels. Ink. One | Two", "b": "B Three", "d": "Two separate lamps"}
    project.write(
        "seedpipe.yaml", text.replace("{model: seedream-4-5}", "{model: seedream-4-5, compose: '{{ cont }}'}")
    )
    assert project.faults() == [
        "seedpipe.yaml:2:43 undefined: `cont` is not defined (did you mean `count`?)",
    ]
