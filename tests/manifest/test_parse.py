"""From files to a `Manifest`: includes, profiles, `--var`, and faults of several files at once."""

from hypothesis import given
from hypothesis import strategies as st

from seedpipe.errors import ManifestError
from seedpipe.manifest.model import ManifestFile, manifest_schema
from seedpipe.manifest.parse import parse_manifest
from seedpipe.money import Money
from tests.manifest.session import Session


def test_what_a_manifest_says_of_the_project(project: Session) -> None:
    project.manifest(
        "project: lumen\n"
        "provider: {base_url: 'https://gate.test/v1', api_key_env: GATE_KEY, like: apiyi, prices: {a: 0.03 USD}}\n"
        "budget: {per_build: 5 USD, per_month: 60 EUR}\n"
        "templates: ./templates/\n"
        "data: {products: {from: data/p.csv, key: sku, fallback: {a: b}}, more: 'x/*.yaml'}\n"
        "images: {}\n"
    )
    found = project.parse()
    assert found.project == "lumen"
    assert found.provider is not None
    assert found.provider.base_url == "https://gate.test/v1"
    assert found.provider.api_key_env == "GATE_KEY"
    assert found.provider.like == "apiyi"
    assert [price[:2] for price in found.provider.prices] == [("a", Money(30_000, "USD"))]
    assert str(found.provider.position) == "seedpipe.yaml:4:11"
    assert found.budget.per_build == Money(5_000_000, "USD")
    assert found.budget.per_month == Money(60_000_000, "EUR")
    assert found.budget.per_day is None
    assert found.templates == "templates"
    products, more = found.tables
    assert (products.patterns, products.key, products.fallback) == (("data/p.csv",), "sku", (("a", "b"),))
    assert (more.patterns, more.key) == (("x/*.yaml",), None)
    assert found.text_of("seedpipe.yaml").startswith("seedpipe: 1\n")
    assert found.text_of("nothing.yaml") == ""


def test_a_provider_by_name(project: Session) -> None:
    found = project.manifest("provider: byteplus\nimages: {}\n").parse()
    assert found.provider is not None
    assert found.provider.name == "byteplus"


def test_one_price_for_all(project: Session) -> None:
    found = project.manifest("provider: {base_url: 'http://127.0.0.1:80', prices: 0 USD}\nimages: {}\n").parse()
    assert found.provider is not None
    assert [price[:2] for price in found.provider.prices] == [("*", Money(0, "USD"))]


def test_inference_endpoints_at_a_providers_own_address(project: Session) -> None:
    text = "provider:\n  like: byteplus\n  endpoints: {seedream-4-5: ep-20260101-abcde}\nimages: {}\n"
    found = project.manifest(text).parse().provider
    assert found is not None
    assert (found.like, found.base_url) == ("byteplus", None)
    assert [(model, endpoint, str(at)) for model, endpoint, at in found.endpoints] == [
        ("seedream-4-5", "ep-20260101-abcde", "seedpipe.yaml:5:29")
    ]


# include


def test_files_are_put_together_in_the_order_they_are_named(project: Session) -> None:
    project.write("campaigns/s10.yaml", "images: {c: {prompt: '{{ v }}'}}\n")
    project.write(
        "campaigns/s2.yaml", "seedpipe: 1\nvars: {v: spring}\nimages: {b: {prompt: x}}\ninclude: deep/d.yaml\n"
    )
    project.write("campaigns/deep/d.yaml", "images: {d: {prompt: x}}\n")
    project.write("shared/s.yaml", "images: {s: {prompt: x}}\n")
    project.manifest("include: [campaigns/*.yaml, {file: shared/s.yaml, frozen: true}]\nimages: {a: {prompt: x}}\n")
    found = project.parse()
    assert [definition.name for definition in found.definitions] == ["a", "b", "d", "c", "s"]
    assert found.files == (
        "seedpipe.yaml", "campaigns/s2.yaml", "campaigns/deep/d.yaml", "campaigns/s10.yaml", "shared/s.yaml",
    )  # fmt: skip
    assert found.frozen_files == ("shared/s.yaml",)
    node = project.image("c")
    assert node.prompt == "spring"
    assert str(node.position) == "campaigns/s10.yaml:1:10"


def test_paths_are_relative_to_the_file_that_names_them(project: Session) -> None:
    project.write("campaigns/p.j2", "from {{ t.a.x }}").write("campaigns/art/l.png", "x").write(
        "campaigns/t.csv", "id,x\na,1\n"
    )
    project.write("campaigns/c.yaml", "data: {t: t.csv}\nimages: {l: {file: art/l.png}, p: {prompt_file: p.j2}}\n")
    nodes = project.manifest("include: campaigns/c.yaml\n").nodes()
    assert nodes["l"].path == "campaigns/art/l.png"  # type: ignore[union-attr]
    assert nodes["p"].prompt == "from 1"  # type: ignore[union-attr]
    assert str(nodes["p"].prompt_position) == "campaigns/p.j2:1:1"  # type: ignore[union-attr]


def test_a_file_named_twice_is_read_once(project: Session) -> None:
    project.write("a.yaml", "images: {a: {prompt: x}}\n")
    assert list(project.manifest("include: [a.yaml, ./a.yaml, 'a*.yaml']\n").nodes()) == ["a"]


def test_a_glob_that_also_matches_the_manifest(project: Session) -> None:
    project.write("a.yaml", "include: ['*.yaml']\nimages: {a: {prompt: x}}\n")
    assert list(project.manifest("include: ['*.yaml']\n").nodes()) == ["a"]


def test_files_that_include_each_other(project: Session) -> None:
    project.write("a.yaml", "include: [b.yaml]\n").write("b.yaml", "include: [a.yaml]\n")
    assert project.manifest("include: [a.yaml]\n").faults() == [
        "b.yaml:1:11 include-loop: the files include each other: `a.yaml` → `b.yaml` → `a.yaml` (take one of the includes out)"
    ]


def test_two_definitions_of_one_name_show_both_places(project: Session) -> None:
    project.write("a.yaml", "vars: {v: 1}\ndefaults: {size: 4K, model: m}\nimages: {hero: {prompt: x}}\nproject: p\n")
    project.manifest("include: [a.yaml]\nproject: q\nvars: {v: 2}\nimages: {hero: {prompt: y}}\n")
    assert project.faults() == [
        "a.yaml:1:8 defined-twice: `v` is defined twice; first at seedpipe.yaml:5:8 (rename or remove one of them)",
        "a.yaml:2:22 defined-twice: `model` is defined twice; first at seedpipe.yaml:2:12 (rename or remove one of them)",
        "a.yaml:3:10 defined-twice: `hero` is defined twice; first at seedpipe.yaml:6:10 (rename or remove one of them)",
        "a.yaml:4:1 defined-twice: `project` is defined twice; first at seedpipe.yaml:4:1 (rename or remove one of them)",
    ]


def test_faults_of_all_files_are_told_at_once(project: Session) -> None:
    project.write("a.yaml", "images: {a: {promt: x}}\n").write("b.yaml", "images: [\n")
    project.manifest("include: [a.yaml, b.yaml, c.yaml]\nimages: {x: {size: 1.5}}\n")
    assert [fault.partition(":")[0] for fault in project.faults()] == [
        "a.yaml",
        "b.yaml",
        "seedpipe.yaml",
        "seedpipe.yaml",
    ]


def test_no_manifest(project: Session) -> None:
    assert project.faults() == ["file-not-found: there is no file `seedpipe.yaml` (`seedpipe init` makes a project)"]
    project.write("sub/seedpipe.yaml", "seedpipe: 1\n")
    assert project.faults() == ["file-not-found: there is no file `seedpipe.yaml` (did you mean `sub/seedpipe.yaml`?)"]


# vars, profiles, --var


def test_a_profile_beats_the_nodes(project: Session) -> None:
    project.manifest(
        "vars: {mood: bright, n: 1}\n"
        "profiles:\n"
        "  draft: {force: {model: seedream-4-0, size: 1K}, vars: {mood: dark}}\n"
        "images: {a: {prompt: '{{ mood }}', size: 4K, aspect: 16:9}, l: {file: l.png}}\n"
    ).write("l.png", "x")
    plain, draft = project.image("a"), project.image("a", profile="draft")
    assert (plain.model, plain.size, plain.prompt) == ("seedream-4-5", "4K", "bright")
    assert (draft.model, draft.size, draft.prompt, draft.aspect) == ("seedream-4-0", "1K", "dark", "16:9")
    assert str(draft.positions["size"]) == "seedpipe.yaml:5:46"
    assert project.parse(profile="draft").profile == "draft"
    assert project.parse().profiles == ("draft",)
    assert project.faults(profile="drafft") == ["unknown-profile: there is no profile `drafft` (did you mean `draft`?)"]


def test_exact_pixels_of_a_profile_drop_the_aspect(project: Session) -> None:
    project.manifest(
        "profiles: {draft: {force: {size: 1024x1024}}}\nimages: {a: {prompt: x, aspect: 16:9, size: 2K}}\n"
    )
    draft = project.image("a", profile="draft")
    assert (draft.size, draft.aspect) == ("1024x1024", None)


def test_a_var_from_the_command_line_is_text_and_nothing_else(project: Session) -> None:
    project.manifest(
        "vars: {mood: x, n: 1, on: true, l: [1]}\nimages: {a: {prompt: '{{ mood }} {{ n + 1 }} {{ on }}'}}\n"
    )
    assert project.image("a", mood="{{ n }}", n="4", on="false").prompt == "{{ n }} 5 false"
    assert project.faults(moood="x", n="two", l="a", on="1") == [
        "bad-var: `--var l=a`: the manifest's own value is a list (give a value of the same kind, or change it in the manifest)",
        "unknown-var: `--var moood=…`: there is no var `moood` (did you mean `mood`?)",
        "bad-var: `--var n=two`: the manifest's own value is the number 1 (give a value of the same kind, or change it in the manifest)",
        "bad-var: `--var on=1`: the manifest's own value is true (give a value of the same kind, or change it in the manifest)",
    ]


def test_vars_may_name_each_other_in_any_order(project: Session) -> None:
    project.manifest(
        "data: {p: p.csv}\n"
        "vars:\n  line: 'The {{ product }} of {{ p.a.x }}'\n  product: '{{ brand }} lamp'\n  brand: Lumen\n"
        "  list: ['{{ brand }} 1', {deep: '{{ product }}'}]\n"
        "images: {a: {prompt: '{{ line }}; {{ vars.list[0] }}; {{ list[1].deep }}; {{ data.p.a.x }}'}}\n"
    ).write("p.csv", "id,x\na,brass\n")
    assert project.image("a").prompt == "The Lumen lamp of brass; Lumen 1; Lumen lamp; brass"


# the model


def test_an_unknown_key_anywhere_is_told_with_the_nearest_one(project: Session) -> None:
    project.manifest(
        "vars: {anything: {goes: here}}\n"
        "profiles: {draft: {forse: {}}}\n"
        "data: {t: {from: x.csv, ky: id}}\n"
        "images:\n"
        "  a:\n"
        "    prompt: x\n"
        "    override: [{match: {i: a}, sise: 2K}]\n"
        "    references: {who: {each: a, nod: b}}\n"
        "    steps: [{crp: 1:1}, {resize: {widht: 5}}]\n"
    )
    hints = [fault.hint for fault in project.error().faults if fault.code == "unknown-key"]
    assert hints == [f"did you mean `{name}`?" for name in ("force", "key", "size", "node", "crop", "width")]


def test_no_words_of_pydantic_reach_anyone(project: Session) -> None:
    project.manifest(
        "vars: 1\ndata: [x]\ntemplates: {}\nprovider: [x]\ninclude: 5\nbudget: x\nprofiles: {a: [], b: {force: 1}}\n"
        "defaults: x\nimages: {a: {matrix: 5, exclude: x, include: [1], override: {}, when: [], steps: 1, tags: {},"
        " references: 5.5, prompt: {}, size: [], takes: 1.5}, b: [], c: null, d: {matrix: {x: {}}, steps: [x, {crop: []},"
        " {crop: {width: x}}, {text: null}, {overlay: {}}]}}\n"
    )
    words = (
        "Input",
        "valid dictionary",
        "instance",
        "pydantic",
        "validation",
        "Field required",
        "Extra",
        "union",
        "tag",
    )
    faults = project.faults()
    assert len(faults) > 20
    assert not [fault for fault in faults if any(word in fault.replace("`tags`", "") for word in words)]


def test_the_schema_knows_every_key_and_its_words() -> None:
    schema = manifest_schema()
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    for name in ManifestFile.model_fields:
        assert schema["properties"][name]["description"]
    entry = schema["$defs"]["Entry"]["properties"]
    assert all(part.get("description") for part in entry.values())
    assert entry["checks"]["description"].startswith("Not yet: ")
    assert "from" in entry
    assert "null" not in str(schema)


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 99) | st.floats(allow_nan=False) | st.sampled_from(
        ["x", "a", "hero", "16:9", "2K", "{{ v }}", "{{ i }}", "a/*", "{{ refs.a }}", "t", "1200x630", "5%", "", "../x"]
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["a", "i", "match", "each", "node", "from", "key", "text", "crop", "force", "vars", "id", "size"]), inner, max_size=3
    ),
    max_leaves=6,
)  # fmt: skip
_ENTRY = st.dictionaries(
    st.sampled_from(
        [
            "prompt",
            "prompt_file",
            "file",
            "url",
            "from",
            "steps",
            "references",
            "matrix",
            "exclude",
            "include",
            "override",
            "when",
            "tags",
            "output",
            "size",
            "aspect",
            "model",
            "takes",
            "variant",
            "watermark",
            "seed",
            "guidance_scale",
        ]
    ),
    _VALUES,
    max_size=5,
)
_MANIFEST = st.fixed_dictionaries(
    {"seedpipe": st.just(1)},
    optional={
        "vars": st.dictionaries(st.sampled_from("vit"), _VALUES, max_size=2) | _VALUES,
        "data": st.dictionaries(st.sampled_from("td"), _VALUES, max_size=2),
        "defaults": st.fixed_dictionaries({"model": st.just("m")}) | _VALUES,
        "profiles": _VALUES,
        "budget": _VALUES,
        "provider": _VALUES,
        "include": _VALUES,
        "templates": _VALUES,
        "images": st.dictionaries(st.sampled_from(["a", "b", "hero"]), _ENTRY | _VALUES, max_size=3),
    },
)


class _Memory:
    """A project of one file."""

    def __init__(self, text: str) -> None:
        self.text = text

    def read(self, path: str) -> bytes:
        if path == "seedpipe.yaml":
            return self.text.encode()
        raise FileNotFoundError(path)

    def exists(self, path: str) -> bool:
        return path == "seedpipe.yaml"

    def glob(self, pattern: str) -> list[str]:
        return ["seedpipe.yaml"]


@given(_MANIFEST)
def test_no_manifest_makes_it_fall_over(value: dict[str, object]) -> None:
    import json

    from seedpipe.manifest.expand import expand

    files = _Memory(json.dumps(value))
    try:
        expand(parse_manifest(files, "seedpipe.yaml"), files)
    except ManifestError as error:
        assert error.faults
        for fault in error.faults:
            assert fault.message
            assert fault.position is None or fault.position.line == 1
