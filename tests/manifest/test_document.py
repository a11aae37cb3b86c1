"""YAML files: values by the rules of YAML 1.2, positions, and everything that is refused."""

import math

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from seedpipe.errors import ManifestError
from seedpipe.limits import MAX_DEPTH, MAX_FILE_BYTES
from seedpipe.manifest import document as module
from seedpipe.manifest.document import plain_value, read_document
from seedpipe.source import Position
from tests.manifest.session import told


def value_of(text: str) -> object:
    return read_document("x.yaml", text.encode()).value


def faults_of(data: bytes | str) -> list[str]:
    with pytest.raises(ManifestError) as caught:
        read_document("x.yaml", data.encode() if isinstance(data, str) else data)
    return [told(fault) for fault in caught.value.faults]


@pytest.mark.parametrize(
    "text",
    [
        "16:9",
        "no",
        "on",
        "off",
        "yes",
        "y",
        "n",
        "2026-01-01",
        "0140",
        "1_000",
        "1:30",
        "=",
        "00",
        "0x",
        "0o8",
        "1e",
        "1.2.3",
        "+-",
        "0b1",
        "--1",
        ".e1",
        "12:30:45",
    ],
)
def test_what_yaml_1_1_would_change_stays_text(text: str) -> None:
    assert value_of(f"a: {text}") == {"a": text}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("null", None), ("~", None), ("", None), ("Null", None), ("true", True), ("TRUE", True), ("False", False),
        ("0", 0), ("-12", -12), ("+3", 3), ("0x1F", 31), ("0o17", 15), ("1.5", 1.5), ("-.5", -0.5), ("1e3", 1000.0),
        ("1.", 1.0), (".inf", math.inf), ("-.INF", -math.inf), ("0.10", 0.1),
    ],
)  # fmt: skip
def test_the_core_schema(text: str, value: object) -> None:
    found = value_of(f"a: {text}")
    assert found == {"a": value}
    assert isinstance(found, dict)
    assert type(found["a"]) is type(value)


def test_not_a_number() -> None:
    assert math.isnan(value_of("a: .nan")["a"])  # type: ignore[index]


@pytest.mark.parametrize("text", ["5", "true", "null", "~", "1.5", ""])
def test_quoted_is_always_text(text: str) -> None:
    assert value_of(f"a: '{text}'\nb: \"{text}\"") == {"a": text, "b": text}


def test_a_number_of_a_thousand_digits_is_text() -> None:
    assert value_of("a: " + "9" * 5000) == {"a": "9" * 5000}


@given(st.text(alphabet="0123456789+-.eExobfalsetrunNULT_:~", max_size=12))
def test_a_plain_scalar_is_the_text_itself_or_a_constant_or_a_number(text: str) -> None:
    value = plain_value(text)
    if isinstance(value, str):
        assert value == text
    elif isinstance(value, int) and not isinstance(value, bool) and "x" not in text and "o" not in text:
        assert str(value) == text.removeprefix("+").replace("-0", "0")


# The writer follows YAML 1.1 and leaves `1E5` unquoted, which is a number by the 1.2 rules.
WORDS = st.text(st.characters(codec="utf-8"), max_size=20).filter(
    lambda text: not text[:1].isdigit() and text[:1] not in "+-."
)


@given(
    st.dictionaries(
        st.text(alphabet="abcdefgh", min_size=1, max_size=4),
        st.recursive(
            st.none() | st.booleans() | st.integers(-(2**60), 2**60) | WORDS,
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("xyz", min_size=1), inner, max_size=3),
            max_leaves=8,
        ),
        max_size=4,
    )
)  # fmt: skip
def test_what_a_writer_of_yaml_quotes_comes_back(value: dict[str, object]) -> None:
    text = yaml.safe_dump(value, allow_unicode=False)
    assert read_document("x.yaml", text.encode()).value == value


def test_both_composers_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    text = 'a: 16:9\nb: [no, "5", 5]\nc: |\n  one\n  {{ two }}\n'
    fast = read_document("x.yaml", text.encode())

    class Pure(yaml.SafeLoader):
        depth = count = 0
        resolve = module._Composer.resolve
        descend_resolver = module._Composer.descend_resolver
        ascend_resolver = module._Composer.ascend_resolver

    monkeypatch.setattr(module, "_Composer", Pure)
    slow = read_document("x.yaml", text.encode())
    assert slow.value == fast.value
    for path in [("a",), ("b", 1), ("c",), ("x",), ()]:
        assert slow.position(path) == fast.position(path)
    assert slow.text_position(("c",), 2) == fast.text_position(("c",), 2)
    with pytest.raises(ManifestError):
        read_document("x.yaml", b"a: " + b"[" * 80 + b"]" * 80)


# positions


def test_where_values_and_keys_stand() -> None:
    found = read_document("x.yaml", b"images:\n  hero:\n    size: 2K\n    tags: [a, b]\n")
    assert found.position(("images", "hero", "size")) == Position("x.yaml", 3, 11)
    assert found.position(("images", "hero", "size"), key=True) == Position("x.yaml", 3, 5)
    assert found.position(("images", "hero", "tags", 1)) == Position("x.yaml", 4, 15)
    assert found.position(()) == Position("x.yaml", 1, 1)


def test_what_is_absent_is_its_nearest_ancestor() -> None:
    found = read_document("x.yaml", b"images:\n  hero:\n    size: 2K\n")
    assert found.position(("images", "hero", "prompt")) == Position("x.yaml", 2, 3)
    assert found.position(("images", "logo", "file", 3)) == Position("x.yaml", 1, 1)
    assert found.position(("images", "hero", "size", "x")) == Position("x.yaml", 3, 5)


def test_where_the_lines_of_a_text_stand() -> None:
    found = read_document(
        "x.yaml", b"a:\n  b: |\n    one\n\n      two\n    three\nc: 'in {{ x }}'\nd: plain\ne: >\n  f\n  g\n"
    )
    assert found.value["a"]["b"] == "one\n\n  two\nthree\n"
    assert found.text_position(("a", "b"), 1) == Position("x.yaml", 3, 5)
    assert found.text_position(("a", "b"), 3, 3) == Position("x.yaml", 5, 7)
    assert found.text_position(("a", "b"), 4, 2) == Position("x.yaml", 6, 6)
    assert found.text_position(("c",), 1, 4) == Position("x.yaml", 7, 8)
    assert found.text_position(("d",), 1, 3) == Position("x.yaml", 8, 6)
    assert found.text_position(("e",), 1, 3) == Position("x.yaml", 11, 3)


def test_windows_line_ends_and_a_byte_order_mark_change_nothing() -> None:
    plain = read_document("x.yaml", b"a: |\n  one\n  two\nb: 1\n")
    windows = read_document("x.yaml", b"\xef\xbb\xbfa: |\r\n  one\r\n  two\r\nb: 1\r\n")
    assert windows.value == plain.value
    assert windows.text == plain.text
    assert windows.position(("b",)) == plain.position(("b",)) == Position("x.yaml", 4, 4)


# refusals


def test_all_faults_of_a_file_are_told_at_once() -> None:
    assert faults_of("a: 1\na: 2\n1: x\n<<: 3\nb: !!int 5\nc: !x []\n[d]: 1\n") == [
        "x.yaml:2:1 yaml-duplicate-key: the key `a` stands twice; first in line 1 (rename or remove one of them)",
        'x.yaml:3:1 yaml-key: a key must be text, found `1` (put it in quotes: `"1"`)',
        "x.yaml:4:1 yaml-merge-key: merge keys (`<<`) are not supported "
        "(use `defaults`, a template or an included file instead)",
        "x.yaml:5:4 yaml-tag: tags like `!!int` are not used here (write the value without the tag)",
        "x.yaml:6:4 yaml-tag: tags like `!x` are not used here (write the value without the tag)",
        "x.yaml:7:1 yaml-key: a key must be text, found a list or a mapping (write a word as the key)",
    ]


def test_a_text_tag_is_fine() -> None:
    assert value_of("a: !!str 5") == {"a": "5"}


def test_one_document_only() -> None:
    assert value_of("---\na: 1\n...\n") == {"a": 1}
    assert faults_of("a: 1\n---\nb: 2\n") == [
        "x.yaml:2:1 yaml-several-documents: a second document begins here (remove the `---`: one file is one document)"
    ]


def test_aliases_may_repeat_but_not_explode() -> None:
    assert value_of("a: &x [1]\nb: *x\n") == {"a": [1], "b": [1]}
    bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n"
    bomb += "".join(f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9))
    assert faults_of(bomb) == [
        "x.yaml:6:5 yaml-limit: with its aliases written out the document holds more than 5,000,000 values (spread it over several entries or files)"
    ]
    assert faults_of("a: &x [*x]\n") == [
        "x.yaml:1:4 yaml-recursion: an alias stands inside the value that it names (write the value out instead)"
    ]


@pytest.mark.parametrize("text", ["a: " + "[" * 100_000, "- " * 100_000 + "x", "{a: " * 100_000, "? " * 50_000])
def test_depth_is_bounded(text: str) -> None:
    assert "yaml-limit: values are nested deeper than 64 levels" in faults_of(text)[0]


def test_the_deepest_that_is_allowed() -> None:
    depth = MAX_DEPTH - 1
    assert value_of("[" * depth + "]" * depth) is not None


def test_size_is_bounded() -> None:
    assert faults_of(b"#" * (MAX_FILE_BYTES + 1)) == [
        "x.yaml:1:1 file-too-large: `x.yaml` has 67,108,865 bytes; the limit is 67,108,864 (spread it over several files)"
    ]


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (
            b"a: 1\nb: \x00\n",
            "x.yaml:2:4 encoding: a NUL byte: this is no text file, or it is damaged (save the file as UTF-8)",
        ),
        (b"a: 1\nb: gr\xfcn\n", "x.yaml:2:6 encoding: the byte 0xfc is not UTF-8 (save the file as UTF-8)"),
        ("a: 1".encode("utf-16"), "x.yaml:1:1 encoding: `x.yaml` is UTF-16 or UTF-32 text (save the file as UTF-8)"),
        (
            "a: one\u2028two".encode(),
            "x.yaml:1:7 encoding: the character U+2028 cannot stand in YAML (use a normal line break)",
        ),
        (
            b"a: \x07",
            "x.yaml:1:4 encoding: the character U+0007 cannot stand in YAML "
            '(remove it, or write it in double quotes as `"\\u0007"`)',
        ),
        (b"", "x.yaml:1:1 yaml-empty: the file is empty (write something into it, or take it away)"),
        (b"# only a comment\n", "x.yaml:1:1 yaml-empty: the file is empty (write something into it, or take it away)"),
    ],
)
def test_what_is_no_text(data: bytes, fault: str) -> None:
    assert faults_of(data) == [fault]


def test_a_broken_file_still_has_a_text_for_excerpts() -> None:
    with pytest.raises(ManifestError) as caught:
        read_document("x.yaml", b"a: 1\nb: gr\xfcn\n")
    assert caught.value.texts == {"x.yaml": "a: 1\nb: gr\N{REPLACEMENT CHARACTER}n\n"}


def test_a_colour_without_quotes() -> None:
    hint = '(a `#` after a blank starts a comment: put the colour in quotes, like `"#0B1F3A"`)'
    assert faults_of("navy: #0B1F3A\namber: 1\n") == [
        f"x.yaml:1:6 yaml-unquoted-colour: the colour is a comment, so nothing stands here {hint}"
    ]
    assert faults_of("p: {navy: #0B1F3A, amber: 1}\n") == [
        f"x.yaml:1:1 yaml-unquoted-colour: a list or a mapping is not closed {hint}"
    ]
    assert value_of("navy: # the dark one\n  blue\n") == {"navy": "blue"}


def test_a_template_without_quotes() -> None:
    hint = '(put the whole value in quotes, like `"{{ name }}"`)'
    for text in ("a: {{ x }}", "a: {{ x }} y", "a: {% if x %}y{% endif %}"):
        assert faults_of(text)[0].endswith(f"yaml-unquoted-template: a template without quotes {hint}")


def test_hints_for_a_null() -> None:
    found = read_document("x.yaml", b"a:\nb: # note\nc: null\nd: [,]\n".replace(b"[,]", b"[~]"))
    assert found.null_hint(("a",)) == "nothing stands after `a:`; write a value, or remove the key"
    assert found.null_hint(("b",)) == "a `#` after a blank starts a comment: put the text in quotes"
    assert found.null_hint(("c",)) == "unquoted `null` is null in YAML: put it in quotes if the word is meant"
    assert found.null_hint(("e",)) is None


@given(st.binary(max_size=200))
def test_no_bytes_make_it_fall_over(data: bytes) -> None:
    try:
        read_document("x.yaml", data)
    except ManifestError as error:
        assert error.faults


@given(st.text(alphabet="ab:-[]{}#&*!|>'\"%@`\n\t ,?0~<", max_size=60))
def test_no_text_makes_it_fall_over(text: str) -> None:
    try:
        found = read_document("x.yaml", text.encode())
    except ManifestError as error:
        assert all(fault.position is not None for fault in error.faults)
    else:
        assert found.position(("a", 0, "b")).line >= 1
