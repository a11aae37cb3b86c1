"""From a manifest to nodes: the whole of the design's example, and each rule alone."""

from hypothesis import given
from hypothesis import strategies as st

from seedpipe.manifest.expand import expand
from seedpipe.manifest.node import DerivedNode, ImageNode, Reference, SourceNode
from seedpipe.manifest.parse import parse_manifest
from seedpipe.manifest.steps import Convert, Crop, Resize, Text
from seedpipe.source import Position
from tests.manifest.session import Session

LUMEN = """\
seedpipe: 1
project: lumen
provider: apiyi
include: [campaigns/*.yaml]
vars: {product: Lumen, palette: {navy: "#0B1F3A", amber: "#F5B700"}}
data:
  products: {from: data/products.csv, key: sku}
  copy: {from: "copy/*.yaml", key: stem, fallback: {fr-CH: fr}}
templates: templates/
defaults: {model: seedream-4-5, size: 2K, watermark: false}
budget: {per_build: 5 USD, per_month: 60 USD}
profiles:
  draft: {force: {model: seedream-4-0, size: 1K}}
images:
  logo: {file: art/logo.png}
  hero:
    prompt: |
      Studio photograph of the {{ product }} desk lamp with the mark of {{ refs.logo }} on its base.
    references: {logo: logo}
    aspect: 16:9
    takes: 3
  scene:
    matrix: {product: products, shape: [16:9, 1:1]}
    prompt: "{{ refs.pack }} on {{ product.backdrop }}, lit like {{ refs.hero }}"
    references: {pack: "pack/{{ product.key }}", hero: hero}
    aspect: "{{ shape }}"
    override:
      - {match: {product: LUM-03}, size: 4K, prompt_append: "Leave the upper third empty."}
    when: "{{ product.active }}"
    tags: [launch]
  pack:
    matrix: {product: products}
    prompt: Pack shot of {{ product.name }}
  banner:
    matrix: {product: products, market: [en, de, ja]}
    exclude: [{product: LUM-02}]
    from: "scene/{{ product.key }}/16:9"
    steps: [{crop: 1200:630}, {resize: 1200x630}, {text: "{{ copy[market].headline }}"}, {convert: jpeg}]
    output: "banners/{{ market }}/{{ product.key }}.jpg"
  cast: {matrix: {who: [mia, tom]}, prompt: a person}
  board:
    references: {who: {each: "{{ products['LUM-01'].cast }}", node: "cast/{{ item }}"}, set: hero}
    prompt: "{{ refs.who }} before {{ refs.set }}"
  poster: {prompt: "…", references: [board, "scene/LUM-01/1:1"], variant: b}
"""


def lumen(project: Session) -> Session:
    project.write("seedpipe.yaml", LUMEN)
    project.write("art/logo.png", "x")
    project.write(
        "data/products.csv",
        "sku,name,backdrop,active,cast\nLUM-01,One,oak,yes,mia; tom\nLUM-02,Two,slate,no,\nLUM-03,Three,linen,1,tom\n",
    )
    for market in ("en", "de", "ja"):
        project.write(f"copy/{market}.yaml", f"headline: Light {market}\n")
    project.write("copy/fr.yaml", "headline: Lumière\n")
    project.write(
        "campaigns/spring.yaml", "images: {spring: {prompt: 'spring {{ product }}', references: ['cast/*']}}\n"
    )
    return project


def test_the_example_of_the_design(project: Session) -> None:
    nodes = lumen(project).nodes()
    assert list(nodes) == [
        "logo", "hero", "scene/LUM-01/16:9", "scene/LUM-01/1:1", "scene/LUM-03/16:9", "scene/LUM-03/1:1", "pack/LUM-01",
        "pack/LUM-02", "pack/LUM-03", "banner/LUM-01/en", "banner/LUM-01/de", "banner/LUM-01/ja", "banner/LUM-03/en",
        "banner/LUM-03/de", "banner/LUM-03/ja", "cast/mia", "cast/tom", "board", "poster", "spring",
    ]  # fmt: skip
    assert nodes["logo"] == SourceNode(address="logo", position=Position("seedpipe.yaml", 15, 3), path="art/logo.png")
    assert nodes["hero"] == ImageNode(
        address="hero",
        position=Position("seedpipe.yaml", 16, 3),
        prompt="Studio photograph of the Lumen desk lamp with the mark of image 1 on its base.",
        prompt_position=Position("seedpipe.yaml", 18, 7),
        model="seedream-4-5",
        size="2K",
        aspect="16:9",
        references=(Reference(address="logo", position=Position("seedpipe.yaml", 19, 24)),),
        takes=3,
    )
    scene = nodes["scene/LUM-03/1:1"]
    assert isinstance(scene, ImageNode)
    assert scene.prompt == "image 1 on linen, lit like image 2\nLeave the upper third empty."
    assert (scene.size, scene.aspect, scene.tags) == ("4K", "1:1", ("launch",))
    assert scene.axes == (("product", "LUM-03"), ("shape", "1:1"))
    assert [reference.address for reference in scene.references] == ["pack/LUM-03", "hero"]
    assert nodes["banner/LUM-01/ja"] == DerivedNode(
        address="banner/LUM-01/ja",
        position=Position("seedpipe.yaml", 34, 3),
        source=Reference(address="scene/LUM-01/16:9", position=Position("seedpipe.yaml", 37, 11)),
        steps=(
            Crop(width=1200, height=630),
            Resize(width=1200, height=630),
            Text(text="Light ja"),
            Convert(format="jpeg"),
        ),
        output="banners/ja/LUM-01.jpg",
        axes=(("product", "LUM-01"), ("market", "ja")),
    )
    board = nodes["board"]
    assert isinstance(board, ImageNode)
    assert board.prompt == "image 1 and image 2 before image 3"
    assert project.image("poster").variant == "b"
    assert [reference.address for reference in project.image("spring").references] == ["cast/mia", "cast/tom"]


def test_where_each_field_stood(project: Session) -> None:
    lumen(project)
    positions = project.image("scene/LUM-03/1:1").positions
    assert str(positions["size"]) == "seedpipe.yaml:28:42"
    assert str(positions["model"]) == "seedpipe.yaml:10:19"
    assert str(positions["aspect"]) == "seedpipe.yaml:26:13"
    assert str(project.image("scene/LUM-01/1:1").positions["size"]) == "seedpipe.yaml:10:39"


def test_the_texts_of_all_files_read_are_at_hand(project: Session) -> None:
    found = lumen(project).expand()
    assert {"data/products.csv", "copy/ja.yaml"} <= found.texts.keys()


def test_comments_blank_lines_line_ends_and_the_order_of_keys_change_nothing(project: Session) -> None:
    before = {address: _said(node) for address, node in lumen(project).nodes().items()}
    turned = LUMEN.replace("    aspect: 16:9\n    takes: 3\n", "    takes: 3\n    # a note\n\n    aspect: 16:9\n")
    turned = turned.replace("{product: Lumen, palette", "{palette").replace(
        '"#F5B700"}}', '"#F5B700"}, product: Lumen}'
    )
    assert turned != LUMEN
    project.write("seedpipe.yaml", turned.replace("\n", "\r\n"))
    assert {address: _said(node) for address, node in project.nodes().items()} == before


def _said(node: object) -> dict[str, object]:
    """What a node asks for, without places."""
    fields = {name: getattr(node, name) for name in node.__slots__ if "position" not in name}  # type: ignore[attr-defined]
    for name in ("references", "source"):
        if name in fields:
            value = fields[name]
            fields[name] = [part.address for part in value] if isinstance(value, tuple) else value.address
    return fields


# prompts


def test_a_prompt_is_normalised(project: Session) -> None:
    project.manifest('images:\n  a:\n    prompt: "\\n\\n  cafe\\u0301  \\r\\nlamp\\t\\n\\n"\n')
    assert project.image("a").prompt == "  caf\u00e9\nlamp"


def test_prompts_from_files(project: Session) -> None:
    project.write("prompts/a.j2", "{% include 'light.j2' %}\r\n{{ i }} like {{ refs.hero }}\r\n\r\n")
    project.write("templates/light.j2", "soft light")
    project.manifest(
        "templates: templates\nimages:\n  hero: {prompt: x}\n"
        "  a: {matrix: {i: [a, b]}, prompt_file: 'prompts/{{ \"a\" }}.j2', references: {hero: hero}}\n"
    )
    node = project.image("a/b")
    assert node.prompt == "soft light\nb like image 1"
    assert str(node.prompt_position) == "prompts/a.j2:1:1"


def test_a_fault_in_a_prompt_file_is_told_in_that_file(project: Session) -> None:
    project.write("p.j2", "one\ntwo {{ nope }}\n").write("bad.j2", b"\xff")
    project.manifest("images: {a: {prompt_file: p.j2}, b: {prompt_file: q.j2}, c: {prompt_file: bad.j2}}\n")
    assert project.faults() == [
        "bad.j2:1:1 encoding: the byte 0xff is not UTF-8 (save the file as UTF-8)",
        "p.j2:2:5 undefined: `nope` is not defined (known: `data`, `refs`, `vars`)",
        "seedpipe.yaml:3:51 file-not-found: there is no file `q.j2` (did you mean `p.j2`?)",
    ]
    assert project.error().texts["p.j2"] == "one\ntwo {{ nope }}\n"


def test_overrides_apply_in_order(project: Session) -> None:
    project.manifest(
        "images:\n"
        "  a:\n"
        "    matrix: {i: [x, y, z], j: [1, 2]}\n"
        "    prompt: base {{ i }}\n"
        "    size: 1K\n"
        "    override:\n"
        "      - {match: {i: [x, y]}, size: 2K, prompt_append: 'one {{ j }}'}\n"
        "      - {match: {i: x, j: 1}, size: 4K, prompt_append: two, tags: [big]}\n"
        "      - {match: {j: 2}, prompt: 'new {{ i }}'}\n"
    )
    nodes = {address: (node.prompt, node.size, node.tags) for address, node in project.nodes().items()}  # type: ignore[union-attr]
    assert nodes == {
        "a/x/1": ("base x\none 1\ntwo", "4K", ("big",)),
        "a/x/2": ("new x", "2K", ()),
        "a/y/1": ("base y\none 1", "2K", ()),
        "a/y/2": ("new y", "2K", ()),
        "a/z/1": ("base z", "1K", ()),
        "a/z/2": ("new z", "1K", ()),
    }


def test_an_entry_whose_overrides_give_the_prompts(project: Session) -> None:
    project.manifest("images:\n  a:\n    matrix: {i: [x, y]}\n    override:\n      - {match: {i: x}, prompt: one}\n")
    assert project.faults() == [
        "seedpipe.yaml:4:3 no-kind: this item has neither `prompt` nor `prompt_file` (its overrides match other items)"
    ]


# matrix


def test_axes_of_every_kind(project: Session) -> None:
    project.write("t.csv", "id,x\nr1,1\nr2,2\n")
    project.manifest(
        "vars: {sizes: [s, m], looks: [{key: warm, words: '{{ mood }} light'}], mood: golden}\n"
        "data: {t: t.csv}\n"
        "images:\n"
        "  a:\n"
        "    matrix: {row: t, size: sizes, look: looks, n: [1, 2.5, true], f: \"{{ ['p', mood] }}\", g: ['{{ mood }}-x']}\n"
        "    prompt: '{{ row.x }} {{ size }} {{ look }}={{ look.words }} {{ n }} {{ f }} {{ g }}'\n"
    )
    nodes = project.nodes()
    assert len(nodes) == 2 * 2 * 1 * 3 * 2 * 1
    first, *_, last = nodes.values()
    assert first.address == "a/r1/s/warm/1/p/golden-x"
    assert first.prompt == "1 s warm=golden light 1 p golden-x"  # type: ignore[union-attr]
    assert last.address == "a/r2/m/warm/true/golden/golden-x"
    assert ("n", "2.5") in list(nodes.values())[2].axes


def test_exclude_and_include(project: Session) -> None:
    project.manifest(
        "images:\n  a:\n    matrix: {i: [x, y], j: [1, 2]}\n    prompt: x\n"
        "    exclude: [{i: x, j: 2}, {i: [y], j: [1, 2]}]\n"
        "    include: [{i: z, j: 9}, {j: 3}, {i: y, j: 1}, {i: x, j: 1}]\n"
    )
    found = project.expand()
    assert [node.address for node in found.nodes] == ["a/x/1", "a/z/9", "a/x/3", "a/y/3", "a/y/1"]
    assert [fault.message for fault in found.warnings] == ["`a/x/1` is in the matrix already"]


def test_what_matches_nothing_is_a_warning(project: Session) -> None:
    project.manifest(
        "images:\n  a:\n    matrix: {i: [x, y]}\n    prompt: x\n    exclude: [{i: q}]\n"
        "    override: [{match: {i: yy}, size: 2K}]\n"
    )
    assert [fault.message for fault in project.expand().warnings] == [
        "this `exclude` matches nothing", "`i` has no value `q`", "`i` has no value `yy`",
    ]  # fmt: skip


def test_include_knows_the_rows_of_a_table(project: Session) -> None:
    project.write("t.csv", "id\nr1\n")
    project.manifest("data: {t: t.csv}\nimages: {a: {matrix: {r: t}, prompt: x, include: [{r: r2}]}}\n")
    assert project.faults() == ["seedpipe.yaml:4:55 no-such-row: `r` has no value `r2` (known: `r1`)"]


def test_when(project: Session) -> None:
    words = ["true", "yes", "1", "on", "TRUE", "false", "no", "0", "off", "''"]
    table = "id,on\n" + "".join(
        f"r{number},{word if word != chr(39) * 2 else ''}\n" for number, word in enumerate(words)
    )
    project.write("t.csv", table)
    project.manifest(
        "data: {t: t.csv}\nimages:\n  a: {matrix: {r: t}, when: '{{ r.on }}', prompt: x}\n"
        '  b: {when: false, prompt: x}\n  c: {when: "{{ 1 > 0 }}", prompt: x}\n  d: {when: 1, prompt: x}\n'
    )
    assert list(project.nodes()) == ["a/r0", "a/r1", "a/r2", "a/r3", "a/r4", "c", "d"]


_AXES = st.lists(st.integers(1, 4), min_size=1, max_size=4)


class _Memory:
    def __init__(self, text: str) -> None:
        self.text = text

    def read(self, path: str) -> bytes:
        return self.text.encode()

    def exists(self, path: str) -> bool:
        return True

    def glob(self, pattern: str) -> list[str]:
        return []


def _addresses(text: str) -> list[str]:
    files = _Memory("seedpipe: 1\ndefaults: {model: m}\nimages:\n" + text)
    return [node.address for node in expand(parse_manifest(files, "seedpipe.yaml"), files).nodes]


@given(_AXES, st.data())
def test_a_matrix_is_a_product(lengths: list[int], data: st.DataObject) -> None:
    axes = {f"a{number}": [f"v{value}" for value in range(length)] for number, length in enumerate(lengths)}
    written = ", ".join(f"{name}: [{', '.join(values)}]" for name, values in axes.items())
    expected = ["m"]
    for values in axes.values():
        expected = [f"{address}/{value}" for address in expected for value in values]
    assert _addresses(f"  m: {{matrix: {{{written}}}, prompt: x}}\n") == expected
    name = data.draw(st.sampled_from(sorted(axes)))
    value = data.draw(st.sampled_from(axes[name]))
    place = list(axes).index(name) + 1
    found = _addresses(f"  m: {{matrix: {{{written}}}, prompt: x, exclude: [{{{name}: {value}}}]}}\n")
    assert found == [address for address in expected if address.split("/")[place] != value]


@given(
    st.permutations(["prompt: 'x {{ i }}'", "size: 2K", "aspect: 1:1", "tags: [a]", "matrix: {i: [p, q]}", "takes: 2"])
)
def test_the_order_of_the_keys_of_an_entry_means_nothing(keys: list[str]) -> None:
    assert _addresses(f"  m: {{{', '.join(keys)}}}\n") == ["m/p", "m/q"]


# sources and steps


def test_sources(project: Session) -> None:
    project.write("art/a b.png", "x").write("art/logo-en.png", "x").write("art/logo-de.png", "x")
    project.manifest(
        "images:\n  a: {file: 'art/x/../a b.png'}\n  u: {url: 'https://cdn.test:8443/p/a.png?v=1', tags: [web]}\n"
        "  l: {matrix: {m: [en, de]}, file: 'art/logo-{{ m }}.png'}\n"
    )
    nodes = project.nodes()
    assert nodes["a"].path == "art/a b.png"  # type: ignore[union-attr]
    assert nodes["u"].url == "https://cdn.test:8443/p/a.png?v=1"  # type: ignore[union-attr]
    assert nodes["l/de"].path == "art/logo-de.png"  # type: ignore[union-attr]
    assert nodes["l/de"].axes == (("m", "de"),)


def test_a_hundred_missing_files_are_one_fault(project: Session) -> None:
    values = ", ".join(f"v{number}" for number in range(100))
    project.manifest(f"images: {{l: {{matrix: {{m: [{values}]}}, file: 'art/{{{{ m }}}}.png'}}}}\n")
    assert len(project.faults()) == 1
    assert "(and 99 more items)" in project.faults()[0]


def test_a_source_behind_a_link_out_of_the_project(project: Session) -> None:
    (project.files.root.parent / "secret.png").write_text("x")
    (project.files.root / "link.png").symlink_to(project.files.root.parent / "secret.png")
    project.manifest("images: {a: {file: link.png}}\n")
    assert project.faults() == [
        "seedpipe.yaml:3:20 read-refused: `link.png` is outside the project (only files inside the project are read: put it there)"
    ]


def test_the_word_refs_outside_a_prompt(project: Session) -> None:
    project.manifest("images: {a: {prompt: x, output: '{{ refs.a }}.jpg'}}\n")
    assert project.faults() == ["seedpipe.yaml:3:34 undefined: `refs` is known in prompts only (write the address)"]
