"""Where the words of a prompt come from: template lines and cells of data behind each character."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seedpipe.manifest.expand import expand
from seedpipe.manifest.node import FrameNode, ImageNode
from seedpipe.manifest.origins import Origin, Origins, origins_of
from seedpipe.manifest.parse import parse_manifest
from seedpipe.state.files import WorkTreeFiles
from tests.support.remembered import KeptFiles
from tests.support.workspace import REPOSITORY

MANIFEST = """\
seedpipe: 1
templates: templates
vars:
  palette: {navy: "#0B1F3A"}
  brand: Lumen
data:
  products: {from: data/products.csv, key: sku}
  copy: {from: "copy/*.yaml", key: stem, fallback: {fr: en}}
  moods: {from: data/moods.json}
defaults: {model: seedream-4-5}
images:
  logo: {prompt: A logo}
  scene:
    matrix: {product: products, market: [en, de, fr]}
    references: {logo: logo}
    prompt: |
      {% include "light.j2" %}
      The {{ product.name | upper }} of {{ brand }} in {{ palette.navy }} with {{ refs.logo }}.
      It says "{{ copy[market].headline }}" and {{ copy[market].more[product.key] }}.
    override:
      - {match: {product: B}, prompt_append: "At {{ market }}."}
  mood: {matrix: {mood: moods}, prompt_file: prompts/mood.j2}
  board:
    prompt: "All of it {{ brand }}"
    sequence:
      frames:
        - {id: wide, prompt: "Wide {{ palette.navy }}"}
        - {id: near, prompt: "Near"}
"""
FILES = {
    "seedpipe.yaml": MANIFEST,
    "data/products.csv": "sku,name\nA,lamp\nB,torch\n",
    "data/moods.json": '[\n\t{"id": "calm", "words": "at rest"},\n\t{"id": "wild", "words": "in storm"}\n]\n',
    "copy/en.yaml": "headline: Light\nmore:\n  A: one\n  B: two\n",
    "copy/de.yaml": "headline: Licht\nmore:\n  A: eins\n  B: zwei\n",
    "templates/light.j2": "{% import 'ui.j2' as ui %}\nSoft light.\n{{ ui.lens(50) }}\n",
    "templates/ui.j2": "{% macro lens(mm) %}\nA {{ mm }} mm\nlens.{% endmacro %}\n",
    "prompts/mood.j2": "A lamp\n\n{{ mood.words }}\n",
}


def origins(files: dict[str, str], address: str, field: str = "prompt") -> Origins | None:
    kept = KeptFiles(dict(files))
    manifest = parse_manifest(kept, "seedpipe.yaml")
    nodes = {node.address: node for node in expand(manifest, kept).nodes}
    found = origins_of(manifest, kept, nodes, [address]).get((address, field))
    node = nodes[address]
    if found is not None and field == "prompt":
        assert found.text == (node.frame.prompt if isinstance(node, FrameNode) else node.prompt)
        assert len(found.places) == len(found.text)
    return found


def told(found: Origins | None, words: str) -> str | None:
    """`line` or `cell through line` of the first letter of `words`."""
    assert found is not None
    origin = found.at(found.text.index(words), len(words))
    return None if origin is None else _said(origin)


def _said(origin: Origin) -> str:
    line = f"{origin.line.file}:{origin.line.line}"
    return line if origin.cell is None else f"{origin.cell.file}:{origin.cell.line} through {line}"


@pytest.mark.parametrize(
    ("address", "words", "place"),
    [
        ("scene/B/de", "Soft light.", "templates/light.j2:2"),
        ("scene/B/de", "lens.", "templates/ui.j2:3"),
        ("scene/B/de", "The ", "seedpipe.yaml:18"),
        ("scene/B/de", "TORCH", "data/products.csv:3 through seedpipe.yaml:18"),
        ("scene/B/de", "Lumen", "seedpipe.yaml:5 through seedpipe.yaml:18"),
        ("scene/B/de", "#0B1F3A", "seedpipe.yaml:4 through seedpipe.yaml:18"),
        ("scene/B/de", "image 1", "seedpipe.yaml:18"),
        ("scene/B/de", "Licht", "copy/de.yaml:1 through seedpipe.yaml:19"),
        ("scene/B/de", "zwei", "copy/de.yaml:4 through seedpipe.yaml:19"),
        ("scene/B/de", "At", "seedpipe.yaml:21"),
        ("scene/A/fr", "Light", "seedpipe.yaml:19"),  # a fallback gave it: which row is not known here
        ("mood/wild", "A lamp", "prompts/mood.j2:1"),
        ("mood/wild", "in storm", "data/moods.json:3 through prompts/mood.j2:3"),
        ("board#wide", "#0B", "seedpipe.yaml:4 through seedpipe.yaml:27"),
        ("board#near", "Near", "seedpipe.yaml:28"),
    ],
)
def test_each_word_knows_its_line_and_its_cell(address: str, words: str, place: str) -> None:
    assert told(origins(FILES, address), words) == place


def test_what_all_frames_share_is_known_of_each() -> None:
    found = origins(FILES, "board#near", "shared")
    assert found is not None and found.text == "All of it Lumen"
    assert told(found, "Lumen") == "seedpipe.yaml:5 through seedpipe.yaml:24"


def test_a_folded_text_is_known_by_the_lines_of_its_file() -> None:
    text = (
        "seedpipe: 1\nvars: {a: lamp}\ndefaults: {model: seedream-4-5}\nimages:\n  a:\n    prompt: >\n"
        "      A {{ a }} on\n      old oak,\n      by {{ a }} light,\n\n      at dusk.\n"
        "  b:\n    prompt: >\n      A lamp\n      on oak.\n"
    )
    found = origins({"seedpipe.yaml": text}, "a")
    assert found is not None and found.text == "A lamp on old oak, by lamp light,\nat dusk."
    lines = [(words, told(found, words)) for words in ("A ", "on", "old", "light", "at dusk")]
    assert lines == [
        ("A ", "seedpipe.yaml:7"),
        ("on", "seedpipe.yaml:7"),
        ("old", "seedpipe.yaml:8"),
        ("light", "seedpipe.yaml:9"),
        ("at dusk", "seedpipe.yaml:11"),
    ]
    second = found.at(found.text.rindex("lamp"), 4)
    assert second is not None and _said(second) == "seedpipe.yaml:2 through seedpipe.yaml:9"
    assert told(origins({"seedpipe.yaml": text}, "b"), "on oak") == "seedpipe.yaml:15"


def test_where_words_are_gone_the_words_before_tell() -> None:
    found = origins(FILES, "mood/calm")
    assert found is not None
    assert _said(found.at(found.text.index("at rest"), 0) or pytest.fail()) == "prompts/mood.j2:1"
    first = found.at(0, 0)
    assert first is not None and _said(first) == "prompts/mood.j2:1"


@pytest.mark.parametrize(
    "prompt",
    [
        "{% set words %}Hello{% endset %}{{ words | length }} letters",  # marks are letters, too
        "{% set words %}Hello{% endset %}{% if words == 'Hello' %}same{% endif %}",
        "{% filter center(20) %}Hello{% endfilter %}",
    ],
)
def test_nothing_is_claimed_where_marks_would_change_the_words(prompt: str) -> None:
    manifest = f'seedpipe: 1\ndefaults: {{model: seedream-4-5}}\nimages:\n  a:\n    prompt: "{prompt}"\n'
    assert origins({"seedpipe.yaml": manifest}, "a") is None


@pytest.mark.parametrize(
    ("prompt", "words", "line"),
    [
        ("{% filter upper %}Hello{% endfilter %}", "HELLO", 5),
        ("{% set words %}Hello{% endset %}{{ words }}", "Hello", 5),
        ("{{ 'Hello' ~ 1 }}", "Hello1", 5),
        ("{{ missing.key | default('Hello') if false else 'Hello' }}", "Hello", 5),
        ("{% for n in [1, 2] %}Hello {{ n }} {% endfor %}", "2", 5),
        ("  Hello  ", "Hello", 5),
        ("e\u0301t\u00e9", "t", 5),
    ],
)
def test_templates_of_many_kinds(prompt: str, words: str, line: int) -> None:
    manifest = f'seedpipe: 1\ndefaults: {{model: seedream-4-5}}\nimages:\n  a:\n    prompt: "{prompt}"\n'
    found = origins({"seedpipe.yaml": manifest}, "a")
    if "\u0301" in prompt:
        assert found is None, "its letters were composed: nobody can say which one it was"
        return
    assert told(found, words) == f"seedpipe.yaml:{line}"


@pytest.mark.parametrize("name", ["brand-kit", "storyboard", "catalogue"])
def test_every_word_of_the_examples_has_its_place(name: str) -> None:
    files = WorkTreeFiles(REPOSITORY / "examples" / name)
    manifest = parse_manifest(files, "seedpipe.yaml")
    nodes = [node for node in expand(manifest, files).nodes if isinstance(node, ImageNode | FrameNode)]
    addresses = [node.address for node in nodes]
    found = origins_of(manifest, files, [node.address for node in expand(manifest, files).nodes], addresses)
    for node in nodes:
        known = found[node.address, "prompt"]
        assert known.text == (node.frame.prompt if isinstance(node, FrameNode) else node.prompt)
        assert all(place is not None for letter, place in zip(known.text, known.places, strict=True) if letter.strip())
        assert all(Path(str(place.line.file)).suffix in (".yaml", ".j2") for place in known.places if place)


PIECES = st.lists(
    st.sampled_from(
        ["Hello ", "\n", "  ", "{{ a }}", "{{ a | upper }}", "{{ rows['x'].word }}", "{% if a %}", "{% endif %}",
         "{% for n in [1, 2] %}", "{% endfor %}", "{{ n | default('') }}", "{%- if true -%}", "灯", "é", "{# note #}"]
    ),
    max_size=12,
).map("".join)  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(PIECES)
def test_whatever_is_written_the_origins_are_of_the_very_prompt_or_none(prompt: str) -> None:
    text = "".join(f"      {line}\n" for line in f"Start {prompt} end".split("\n"))
    files = {
        "seedpipe.yaml": "seedpipe: 1\nvars: {a: lamp}\ndata: {rows: rows.yaml}\ndefaults: {model: seedream-4-5}\n"
        f"images:\n  a:\n    prompt: |\n{text}",
        "rows.yaml": "x: {word: torch}\n",
    }
    try:
        found = origins(files, "a")
    except Exception as error:  # a template that is none
        assert "fault" in str(error)
        return
    if found is not None:
        for origin in found.places:
            assert origin is None or 8 <= origin.line.line <= 8 + prompt.count("\n")
