"""Templates: what they can say, what they are told when wrong, and what a stranger's template cannot do."""

import time
import tracemalloc
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedpipe.manifest.rows import Refs, RefText, Row, Table
from seedpipe.manifest.simple import read_simple
from seedpipe.manifest.template import TemplateError, TemplateLibrary, TextTemplate
from tests.support.files import FolderFiles

NAMES: Mapping[str, Any] = {
    "product": "Lumen",
    "xs": [1, 2],
    "nothing": None,
    "big": "x" * 1000,
    "palette": {"navy": "#0B1F3A", "items": "a column", "_hidden": "h"},
    "on": True,
    "copy": Table(
        name="copy",
        rows=(Row("ja", {"headline": "光", "keys": "k"}, "copy"),),
        by_key={"ja": Row("ja", {"headline": "光", "keys": "k"}, "copy")},
        columns=frozenset(("headline", "keys", "body")),
        positions={},
    ),
    "refs": Refs({"logo": RefText("image 1"), "pack/LUM-01": RefText("image 2")}, 2),
}


@pytest.fixture
def library(tmp_path: Path) -> TemplateLibrary:
    files = FolderFiles(tmp_path)
    files.write(
        "templates/m.j2",
        "{% macro lamp(x) -%}\nlamp {{ x }} of {{ product }}\n{%- endmacro %}\n"
        "{% macro bad() -%}\n  {{ nope }}\n{%- endmacro %}\n"
        "{% macro f(n) %}{{ f(n) }}{{ f(n) }}{% endmacro %}\n",
    )
    files.write("templates/self.j2", 'x{% include "self.j2" %}{% include "self.j2" %}')
    files.write("templates/base.j2", "<{% block inner %}base{% endblock %}>")
    files.write("templates/parts/light.j2", "light of {{ product }}")
    found = TemplateLibrary(files, "templates")
    found.environment.globals.update(NAMES)
    copy = NAMES["copy"]
    found.tables["copy"] = copy
    return found


def fault(library: TemplateLibrary, text: str, values: Mapping[str, Any] | None = None) -> str:
    with pytest.raises(TemplateError) as caught:
        library.render(text, values or {})
    error = caught.value
    where = f"{error.file or ''}:{error.line}:{error.column}"
    return f"{where} {error.code}: {error.message}" + (f" ({error.hint})" if error.hint else "")


@pytest.mark.parametrize(
    ("text", "rendered"),
    [
        ("plain { text } %}", "plain { text } %}"),
        ("{{ product }}!", "Lumen!"),
        ("{{ product | upper ~ 1 }}", "LUMEN1"),
        ("{{ on }} {{ not on }} {{ 1.5 }} {{ xs[0] }} {{ xs | length }}", "true false 1.5 1 2"),
        ("{{ palette.navy }} {{ palette.items }} {{ palette['navy'] }}", "#0B1F3A a column #0B1F3A"),
        ("{{ copy.ja.headline }} {{ copy['ja'].keys }} {{ copy.ja }} {{ copy.ja.key }}", "光 k ja ja"),
        ("{{ copy.ja == 'ja' }} {{ 'ja' in copy }} {{ copy | length }}", "true true 1"),
        ("{% for row in copy %}{{ row }}={{ row.headline }}{% endfor %}", "ja=光"),
        ("{% for key, text in copy.ja.items() %}{{ key }};{% endfor %}", "headline;keys;"),
        ("{{ refs.logo }} and {{ refs['pack/LUM-01'] }}", "image 1 and image 2"),
        ("{{ xs | join(' + ') }}", "1 + 2"),
        ("{{ nothing | default('none', true) }} {{ nope | default('-') }}", "none -"),
        ("{{ nope is defined }} {{ copy.fr is defined }} {{ copy.ja.body is defined }}", "false false false"),
        ('{% import "m.j2" as m %}{{ m.lamp(1) }}', "lamp 1 of Lumen"),
        ('{% from "m.j2" import lamp %}{{ lamp("x") }}', "lamp x of Lumen"),
        ('{% include "parts/light.j2" %}', "light of Lumen"),
        ('{% extends "base.j2" %}{% block inner %}own, not {{ super() }}{% endblock %}', "<own, not base>"),
        ("{% set ns = namespace(n=0) %}{% for x in xs %}{% set ns.n = ns.n + x %}{% endfor %}{{ ns.n }}", "3"),
        ("{{ 'a-b'.replace('-', ' ').title() }} {{ ', '.join(['a', 'b']) }}", "A B a, b"),
        ("{{ '%03d' | format(7) }} {{ '%.1f' % 2.25 }} {{ 2 ** 10 }}", "007 2.2 1024"),
        ("{{ xs | map('string') | join }} {{ copy | map(attribute='headline') | join }}", "12 光"),
        ("{# a note #}a", "a"),
        ("{% raw %}{{ x }}{% endraw %}", "{{ x }}"),
        ("one\n", "one\n"),
    ],
)  # fmt: skip
def test_what_templates_can_say(library: TemplateLibrary, text: str, rendered: str) -> None:
    assert library.render(text, {}) == rendered


def test_values_of_the_item_shadow_the_vars(library: TemplateLibrary) -> None:
    assert library.render("{{ product }}", {"product": "other"}) == "other"
    assert library.render("{{ product | lower }}", {"product": "Other"}) == "other"


def test_a_text_is_compiled_once(library: TemplateLibrary) -> None:
    text = "{{ product | upper }}"
    assert library.compile(text) is library.compile(text)


def test_what_is_rendered_is_not_rendered_again(library: TemplateLibrary) -> None:
    assert library.render("{{ evil }}", {"evil": "{{ product }}"}) == "{{ product }}"
    assert library.render("{{ evil | upper }}", {"evil": "{{ product }}"}) == "{{ PRODUCT }}"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a {{ prodct }}", ":1:3 undefined: `prodct` is not defined (did you mean `product`?)"),
        ("a\n\n {{ product ~ prodct }}", ":3:15 undefined: `prodct` is not defined (did you mean `product`?)"),
        ("{{ copy.jp.headline }}", ":1:1 missing-copy: the table `copy` has no row `jp` (known: `ja`)"),
        ("{{ copy.ja.body }}", ":1:1 missing-copy: the row `ja` of `copy` has no `body`"),
        (
            "{{ copy.ja.hedline }}",
            ":1:1 undefined: the table `copy` has no column `hedline` (did you mean `headline`?)",
        ),
        ("{{ refs.lgo }}", ":1:1 unknown-reference: no reference is named `lgo` (did you mean `logo`?)"),
        ("{{ palette.nvy }}", ":1:1 undefined: there is no `nvy` in it (did you mean `navy`?)"),
        ("{{ product.name }}", ":1:1 undefined: the text `Lumen` has no `name`"),
        ("{{ xs[5] }}", ":1:7 undefined: a list has no `5`"),
        (
            "{{ nothing }}",
            ":1:1 template-null: a value in this template is nothing (null) "
            "(give it a value, or write `| default('…', true)`)",
        ),
        ("{{ xs }}", ":1:1 template-value: a list cannot stand in a text (join a list with `| join(', ')`)"),
        ("{{ palette }}", ":1:1 template-value: a mapping cannot stand in a text"),
        ("{{ copy }}", ":1:1 template-value: the table `copy` cannot stand in a text"),
        ("{{ refs }}", ":1:1 template-value: `refs` cannot stand in a text"),
        ("{{ 1 / 0 }}", ":1:1 template-failed: this template cannot be computed: division by zero"),
        ("{{ [] | first }}", ":1:1 undefined: no first item, sequence was empty"),
        ("{{ product | uper }}", ":1:1 template-syntax: there is no filter `uper` (did you mean `upper`?)"),
        (
            "a\n{% if %}",
            ":2:1 template-syntax: this template cannot be read: expected an expression, got `end of statement block`",
        ),
        ('{% import "m.j2" as m %}{{ m.bad() }}', "templates/m.j2:5:6 undefined: `nope` is not defined"),
        (
            '{% include "parts/lght.j2" %}',
            ":1:1 template-not-found: there is no template `templates/parts/lght.j2` "
            "(did you mean `templates/parts/light.j2`?)",
        ),
        ('{% include "../secret" %}', ":1:1 template-refused: `../secret` is no path below the templates folder"),
        ("{{ product | upper | nope }}", ":1:1 template-syntax: there is no filter `nope`"),
    ],
)  # fmt: skip
def test_what_a_wrong_template_is_told(library: TemplateLibrary, text: str, told: str) -> None:
    assert fault(library, text).startswith(told)


def test_without_a_folder_there_is_nothing_to_include(tmp_path: Path) -> None:
    alone = TemplateLibrary(FolderFiles(tmp_path), None)
    assert fault(alone, '{% include "x.j2" %}') == (
        ":1:1 template-not-found: there is no folder for `x.j2` (say where templates are: `templates: templates/`)"
    )


ESCAPES = [
    "{{ ''.__class__ }}",
    "{{ ''['__class__'] }}",
    "{{ cycler.__init__.__globals__ }}",
    "{{ namespace.__init__.__globals__ }}",
    "{% set x = product.__class__ %}",
    "{{ '{0.__class__}'.format(1) }}",
    "{{ '{x.__class__}'.format_map({'x': 1}) }}",
    "{{ ''|attr('__class__') }}",
    "{{ xs|map('attr', '__class__')|list }}",
    "{{ (xs|map(attribute='__class__')|first).mro }}",
    "{{ xs|groupby('__class__')|first }}",
    "{{ xs.append(3) }}",
    "{{ palette.update(x=1) }}",
    "{{ palette._hidden.__class__ }}",
    "{{ range.__self__ }}",
    "{{ range.func }}",
    "{{ self.__class__ }}",
    "{{ self._TemplateReference__context }}",
    "{% for x in xs %}{{ loop._iterable }}{% endfor %}",
    "{% macro m() %}{% endmacro %}{{ m._func }}",
    "{{ copy._items }}",
    "{{ copy.ja._items }}",
    "{{ copy.ja.table.__class__ }}",
    "{{ copy.by_key }}",
    "{{ refs.count.real }}",
    "{{ (1).__class__ }}",
    "{{ 'x'.encode() }}",
    "{{ lipsum.__globals__ }}",
    "{{ x.__init__ }}",
    "{% import 'm.j2' as m %}{{ m.__loader__ }}",
    "{% import 'm.j2' as m %}{{ m._body_stream }}",
    "{{ environment }}",
    "{{ config }}",
]


@pytest.mark.parametrize("text", ESCAPES)
def test_there_is_no_way_out(library: TemplateLibrary, text: str) -> None:
    told = fault(library, text)
    assert any(code in told for code in ("template-", "undefined", "missing-copy", "unknown-reference"))


BOMBS = [
    "{{ 'x' * 10**9 }}",
    "{{ 10**9 * 'x' }}",
    "{{ [1] * 10**9 }}",
    "{{ '%1000000000d' % 1 }}",
    "{{ '%*d' % (1000000000, 1) }}",
    "{{ '%1000000000d'|format(1) }}",
    "{{ '%.1000000000f'|format(1.0) }}",
    "{{ 'x'|center(10**9) }}",
    "{{ 'x'.center(10**9) }}",
    "{{ 'x'.zfill(10**9) }}",
    "{{ 'x\ty'.expandtabs(10**9) }}",
    "{{ 9**(9**9) }}",
    "{{ 2**99999999 > 1 }}",
    "{% set ns = namespace(a=3) %}{% for i in range(99) %}{% set ns.a = ns.a * ns.a %}{% endfor %}{{ ns.a }}",
    "{{ (1).to_bytes(10**9, 'big') }}",
    "{{ 1.5|round(10**9) }}",
    "{{ 'a'|indent(10**9) }}",
    "{{ 'a'|indent('x' * 100000)|indent('x' * 200000, true)|indent('y' * 200000, true) }}" + "{{ big|indent(199999, true) }}" * 20,
    "{{ 'a b'|wordwrap(10**9, wrapstring='x' * 199999)|wordwrap(1, wrapstring='x' * 199999) }}{{ 'x ' * 99999 }}",
    "{{ [1]|batch(10**9, 'x')|list }}",
    "{{ [1]|slice(10**9)|list }}",
    "{{ xs|join('y' * 100000)|list|join('y' * 1000) }}",
    "{{ 'a'.replace('', 'b' * 100000).replace('', 'b' * 100000) }}",
    "{{ ('a' * 190000)|replace('', 'b' * 1000) }}",
    "{{ ' '.join(['a'] * 1000001) }}",
    "{% for a in range(10**12) %}{% endfor %}",
    "{% for a in range(10**30) %}{% endfor %}",
    "{% for a in range(1000) %}{% for b in range(1001) %}{{ '' }}{% endfor %}{% endfor %}",
    "{% for a in range(999999) %}{% if false %}" + "{{ 1 }}" * 1000 + "{% endif %}{% endfor %}",
    "{% for a in range(999999) %}" + "A" * 10_000 + "{% endfor %}",
    "{% set x %}{% for a in range(999999) %}" + "A" * 10_000 + "{% endfor %}{% endset %}",
    "{% for a in range(1000) %}{% for b in range(1000) if false %}{% endfor %}{% for b in range(1000) if false %}{% endfor %}{% endfor %}",
    "{% set ns = namespace(a=big) %}{% for i in range(40) %}{% set ns.a = ns.a ~ ns.a %}{% endfor %}{{ ns.a|length }}",
    "{% set ns = namespace(a=big) %}{% for i in range(40) %}{% set ns.a = ns.a + ns.a %}{% endfor %}{{ ns.a|length }}",
    "{% set ns = namespace(a=xs) %}{% for i in range(40) %}{% set ns.a = ns.a + ns.a %}{% endfor %}{{ ns.a|length }}",
    "{% set ns = namespace(a=big) %}{% for i in range(40) %}{% set ns.a = [ns.a, ns.a]|join %}{% endfor %}{{ ns.a|length }}",
    "{% set ns = namespace(a=big) %}{% for i in range(40) %}{% set ns.a %}{{ ns.a }}{{ ns.a }}{% endset %}{% endfor %}1",
    "{% set ns = namespace(a=big) %}{% for i in range(40) %}{% set ns.a = '%s%s' % (ns.a, ns.a) %}{% endfor %}1",
    "{% for i in range(500000) %}{{ big|upper|lower }}{% endfor %}",
    "{% import 'm.j2' as m %}{{ m.f(1) }}",
    "{% macro f(n) %}{% if n %}{% set a = f(n - 1) %}{% set b = f(n - 1) %}{% endif %}{% endmacro %}{{ f(60) }}",
    "{% include 'self.j2' %}",
    "{% macro g() %}{{ caller() }}{% endmacro %}{% call g() %}{% for i in range(999999) %}{{ i }}{% endfor %}{% endcall %}",
    "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
    "{{ " + "1+" * 5000 + "1 }}",
    "{% if 1 %}" * 200 + "{% endif %}" * 200,
    "{% for x in xs %}" * 30 + "{% endfor %}" * 30,
    "{% for x in xs recursive %}{{ loop(xs) }}{% endfor %}",
    "{{ xs|sum(start=[]) }}",
    "{{ big" + "[0:]" * 2000 + " }}",
    "x" * 1_000_001 + "{{ product }}",
    "{{ big }}" * 201,
]  # fmt: skip


@pytest.mark.parametrize("text", BOMBS, ids=lambda text: text[:40])
def test_no_template_hangs_or_eats_the_memory(library: TemplateLibrary, text: str) -> None:
    tracemalloc.start()
    begin = time.process_time()
    told = fault(library, text)
    seconds = time.process_time() - begin
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert "template-" in told
    assert seconds < 8, "measured with a slow tracer; a hang would be minutes"
    assert peak < 120_000_000


def test_a_filter_that_is_given_a_constant_is_not_run_while_compiling(library: TemplateLibrary) -> None:
    begin = time.process_time()
    assert isinstance(library.compile("{{ 'x'|center(100000000) }}{{ 3**(9**8) }}{{ ['a'] * 10**8 }}"), TextTemplate)
    assert time.process_time() - begin < 1


def test_a_long_loop_is_fine(library: TemplateLibrary) -> None:
    assert len(library.render("{% for i in range(20000) %}{{ i % 10 }}{% endfor %}", {})) == 20_000


# one expression


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{{ xs }}", [1, 2]),
        ("{{ xs[:1] }}", [1]),
        ("{{ palette['navy'] }}", "#0B1F3A"),
        ("{{ [product, 'x'] }}", ["Lumen", "x"]),
        ("{{- copy | map(attribute='headline') -}}", ["光"]),
        ("{{ xs | select('gt', 1) }}", [2]),
        ("a, {{ product }}", "a, Lumen"),
        ("{{ product }}, {{ product }}", "Lumen, Lumen"),
        ("{{ -1 }}", -1),
    ],
)
def test_a_text_that_is_one_expression_gives_its_value(library: TemplateLibrary, text: str, value: object) -> None:
    if text == "{{ -1 }}":
        text = "{{ (-1) }}"
    assert library.evaluate(text, {}) == value


def test_an_expression_that_fails(library: TemplateLibrary) -> None:
    for text in ("{{ nope }}", "{{ nope.x }}", "{{ nope | list }}"):
        with pytest.raises(TemplateError, match="`nope` is not defined"):
            library.evaluate(text, {})
    with pytest.raises(TemplateError, match="gives no list"):
        library.evaluate("{{ namespace }}", {})


# the short way for templates that only name values


def by_jinja(library: TemplateLibrary, text: str, values: Mapping[str, Any]) -> str:
    library.environment.begin()
    compiled = TextTemplate(text=text, library=library, compiled=library.environment.from_string(text))
    try:
        return compiled.render(values)
    except TemplateError as error:
        return f"{error.code}: {error.message}"


def by_name(library: TemplateLibrary, text: str, values: Mapping[str, Any]) -> str:
    try:
        return library.render(text, values)
    except TemplateError as error:
        return f"{error.code}: {error.message}"


_NAME = st.sampled_from(["product", "xs", "nothing", "palette", "on", "copy", "refs", "nope", "key", "_x", "item"])
_STEP = st.builds(
    ".{}".format, st.sampled_from(["navy", "items", "ja", "headline", "logo", "body", "_x", "key", "x"])
) | (st.builds("[{}]".format, _NAME) | st.sampled_from(["['ja']", '["navy"]', "['pack/LUM-01']", "['']"]))
_EXPRESSION = st.builds(
    "{{{{{}{}{}{}}}}}".format,
    st.sampled_from(["", " ", "\n", "  "]),
    _NAME,
    st.lists(_STEP, max_size=3).map("".join),
    st.sampled_from(["", " "]),
)
_TEXT = st.text(alphabet="ab {}%#\n", max_size=6)


@given(st.lists(_TEXT | _EXPRESSION, max_size=4).map("".join))
def test_the_short_way_means_what_jinja_means(text: str) -> None:
    library = TemplateLibrary(FolderFiles(Path()), None)
    library.environment.globals.update(NAMES)
    copy = NAMES["copy"]
    library.tables["copy"] = copy
    if read_simple(text) is not None and "{" in text:
        values = {"key": "ja", "item": 3}
        short = by_name(library, text, values) if "{{" in text else library.compile(text).render(values)
        assert short == by_jinja(library, text, values)


def test_what_the_short_way_takes() -> None:
    for text in ("{{ a }}", "{{a.b.c}} {{ a[b].c }}", "x {{ a['b c'] }}", "no template"):
        assert read_simple(text) is not None
    for text in (
        "{{ a | b }}",
        "{{ a + b }}",
        "{% if a %}",
        "{{- a }}",
        "{# a #}",
        "{{ a() }}",
        "{{ true }}",
        "{{ a[0] }}",
        "{{",
    ):
        assert read_simple(text) is None
