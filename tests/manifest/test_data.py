"""Tables: csv, json and yaml; keys, fallbacks, and faults at their place in the data."""

import pytest

from tests.manifest.session import Session


def rows(project: Session, table: str, expression: str) -> str:
    """What `expression` gives over the rows of a table `t`."""
    text = "{% for r in t %}[" + expression + "]{% endfor %}"
    project.manifest(f"data: {{t: {table}}}\nimages:\n  a:\n    prompt: |\n      {text}\n")
    return project.image("a").prompt


@pytest.mark.parametrize(
    "data",
    [
        "sku,name\nA-1,One\nA-2,\"Two, too\"\n",
        "sku;name\nA-1;One\nA-2;Two, too\n",
        "sku\tname\nA-1\tOne\nA-2\tTwo, too\n",
        "\ufeffsku,name\r\nA-1,One\r\nA-2,\"Two, too\"\r\n\r\n",
        "\n\nsku , name\nA-1,One\n , \nA-2,\"Two, too\"",
        '"sku";"name"\n"A-1";"One"\n"A-2";"Two, too"\n',
    ],
)  # fmt: skip
def test_csv_as_people_export_it(project: Session, data: str) -> None:
    project.write("p.csv", data)
    assert rows(project, "{from: p.csv, key: sku}", "{{ r.key }}={{ r.name }}") == "[A-1=One][A-2=Two, too]"


def test_a_cell_may_hold_line_ends(project: Session) -> None:
    project.write("p.csv", 'id,text\na,"one\r\ntwo"\nb,"say ""hi"""\n')
    assert rows(project, "p.csv", "{{ r.text }}") == '[one\ntwo][say "hi"]'


def test_cells_are_text(project: Session) -> None:
    project.write("p.csv", "id,price,sku\na,1.50,0140\n")
    assert rows(project, "p.csv", "{{ r.price }} {{ r.sku }}") == "[1.50 0140]"


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("p.yaml", "- {id: a, x: 1}\n- {id: b, x: 2}\n"),
        ("p.yaml", "a: {x: 1}\nb: {x: 2}\n"),
        ("p.yml", "- {name: a, x: 1}\n- {name: b, x: 2}\n"),
        ("p.json", '[{"id": "a", "x": 1}, {"id": "b", "x": 2}]'),
        ("p.json", '{\n\t"a": {"x": 1},\n\t"b": {"x": 2}\n}'),
        ("p.tsv", "key\tx\na\t1\nb\t2\n"),
    ],
)
def test_shapes_of_tables(project: Session, name: str, data: str) -> None:
    project.write(name, data)
    assert rows(project, name, "{{ r }}:{{ r.x }}") == "[a:1][b:2]"


def test_several_files_and_a_row_a_file(project: Session) -> None:
    project.write("copy/en.yaml", "headline: Hi\n").write("copy/ja.yaml", "headline: 光\n").write(
        "copy/pt-BR.json", '{"headline": "Oi"}'
    )
    assert rows(project, "{from: 'copy/*', key: stem}", "{{ r }} {{ r.headline }}") == "[en Hi][ja 光][pt-BR Oi]"
    project.write("a.csv", "id,x\na,1\n").write("b.csv", "id,x\nb,2\n")
    assert rows(project, "{from: [b.csv, a.csv]}", "{{ r }}") == "[b][a]"


def test_a_column_beats_a_python_attribute(project: Session) -> None:
    project.write("p.csv", "id,items,keys,get,values\na,1,2,3,4\n")
    assert rows(project, "p.csv", "{{ r.items }}{{ r.keys }}{{ r.get }}{{ r.values }}{{ r['items'] }}") == "[12341]"


def test_key_is_the_rows_key_even_if_a_column_has_that_name(project: Session) -> None:
    project.write("p.csv", "sku,key\na,steel\n")
    assert rows(project, "{from: p.csv, key: sku}", "{{ r.key }} {{ r['key'] }}") == "[a steel]"


def test_fallbacks_fill_rows_and_cells(project: Session) -> None:
    project.write("c.csv", "id,head,body\nfr,Bonjour,Corps\nfr-CH,Salut,\nen,Hi,Body\n")
    project.manifest(
        "data: {copy: {from: c.csv, fallback: {fr-CH: fr, fr-BE: fr-CH, de: en}}}\n"
        "images:\n  a: {prompt: \"{{ copy['fr-CH'].head }} {{ copy['fr-CH'].body }} {{ copy['fr-BE'].head }} {{ copy.de.body }}\"}\n"
        "  b: {matrix: {market: copy}, prompt: '{{ market.head }}'}\n"
    )
    nodes = project.nodes()
    assert nodes["a"].prompt == "Salut Corps Salut Body"  # type: ignore[union-attr]
    assert [address for address in nodes if address.startswith("b/")] == ["b/fr", "b/fr-CH", "b/en"]


def test_a_fallback_reaches_into_mappings(project: Session) -> None:
    project.write("copy/fr.yaml", "shop: {buy: Acheter, more: Plus}\n").write(
        "copy/fr-CH.yaml", "shop: {more: Davantage}\n"
    )
    project.manifest(
        "data: {copy: {from: 'copy/*.yaml', key: stem, fallback: {fr-CH: fr}}}\n"
        "images: {a: {prompt: \"{{ copy['fr-CH'].shop.buy }} {{ copy['fr-CH'].shop.more }}\"}}\n"
    )
    assert project.image("a").prompt == "Acheter Davantage"


def test_missing_copy_is_one_table_of_what_is_missing(project: Session) -> None:
    markets = ", ".join(f"m{number}" for number in range(40))
    project.write("copy/m1.yaml", "headline: Hi\n").write("copy/m2.yaml", "body: x\nheadline: y\n")
    project.manifest(
        "data: {copy: {from: 'copy/*.yaml', key: stem}}\nimages:\n"
        f"  a: {{matrix: {{market: [{markets}]}}, prompt: '{{{{ copy[market].headline }}}}'}}\n"
        "  b: {matrix: {market: [m1, m2]}, prompt: '{{ copy[market].body }}'}\n"
    )
    faults = project.faults()
    assert len(faults) == 1
    assert faults[0].startswith("seedpipe.yaml:5:")
    assert "missing-copy: the table `copy` lacks `m0`, `m3`, `m4`, " in faults[0]
    assert "and 19 more (add them to its file, or give it a `fallback`)" in faults[0]


@pytest.mark.parametrize(
    ("name", "data", "fault"),
    [
        ("p.csv", "", "p.csv:1:1 bad-table: `p.csv` is empty (a table is a CSV file with a header, or rows in JSON or YAML)"),
        ("p.csv", "id,,x\na,b,c\n", "p.csv:1:1 bad-table: column 2 has no name (the first row names the columns)"),
        ("p.csv", "id,x,x\na,b,c\n", "p.csv:1:1 bad-table: two columns are named `x` (a table is a CSV file with a header, or rows in JSON or YAML)"),
        ("p.csv", 'id,x\na,"b\nc,d\n', "p.csv:2:1 bad-csv: this row cannot be read: a double quote is not closed (check the commas, brackets and quotes around here)"),
        (
            "p.csv",
            'id,x\na,"b"c\n',
            'p.csv:2:1 bad-csv: this row cannot be read: text follows a closing quote; write `""` for a quote inside quotes (check the commas, brackets and quotes around here)',
        ),
        ("p.csv", b"id,x\na,gr\xfcn\n", 'p.csv:2:5 encoding: the byte 0xfc is not UTF-8 (in Excel, save as "CSV UTF-8")'),
        ("p.csv", "id,x\na,1\nb,2\na,3\n", "p.csv:4:1 duplicate-row: the key `a` stands twice; first at p.csv:2:1 (give each row a key of its own)"),
        (
            "p.csv",
            'id,x\na,"1\n2"\nA,3\n',
            "p.csv:4:1 case-clash: `A` differs from `a` (p.csv:2:1) by case only (rename one of them)",
        ),
        ("p.json", '{"a": 1}', "p.json:1:2 bad-table: a row is a mapping of columns, found the number 1 (with one file a row, write `key: stem`)"),
        ("p.json", '{"a": {},\n "A": {}}', "p.json:2:2 case-clash: `A` differs from `a` (p.json:1:2) by case only (rename one of them)"),
        ("p.json", '[{"id": 1.5}]', "p.json:1:2 bad-key: a key is text, found the number 1.5 (write a word there that names the row)"),
        ("p.json", '{"a": {"x": NaN}}', "p.json:1:1 bad-json: `NaN` is no JSON value (check the commas, brackets and quotes around here)"),
        ("p.json", "[" * 100_000, "p.json:1:1 bad-json: the values are nested too deep (check the commas, brackets and quotes around here)"),
        ("p.json", "5", "p.json:1:1 bad-table: a table is a list of mappings, or a mapping of mappings; found the number 5 (a table is a CSV file with a header, or rows in JSON or YAML)"),
        ("p.yaml", "- a\n", "p.yaml:1:3 bad-table: a row is a mapping of columns, found the text `a` (a table is a CSV file with a header, or rows in JSON or YAML)"),
        ("p.yaml", "a b: {x: 1}\n", "p.yaml:1:1 bad-segment: `a b` cannot be part of an address: letters a to z, digits, `.`, `_`, `-` and `:` can (write `a-b`)"),
        ("p.txt", "x", "seedpipe.yaml:3:11 bad-table: `p.txt` is no table: expected .csv, .tsv, .json, .yaml or .yml (a table is a CSV file with a header, or rows in JSON or YAML)"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_table_is_told_there(project: Session, name: str, data: str | bytes, fault: str) -> None:
    project.write(name, data).manifest(f"data: {{t: {name}}}\nimages: {{}}\n")
    assert project.faults() == [fault]


def test_with_key_stem_a_file_is_a_row(project: Session) -> None:
    project.write("copy/en.yaml", "- a\n").manifest("data: {t: {from: 'copy/*.yaml', key: stem}}\nimages: {}\n")
    assert project.faults() == [
        "copy/en.yaml:1:1 bad-table: with `key: stem` a file is one row, so a mapping; found a list (a table is a CSV file with a header, or rows in JSON or YAML)"
    ]


def test_a_table_outside_the_project(project: Session) -> None:
    project.manifest("data: {t: ../t.csv, u: '../*.csv', v: /etc/passwd, w: 'nothing/*.csv'}\nimages: {}\n")
    assert [fault.code for fault in project.error().faults] == ["bad-path"]
    project.manifest("data: {t: ../t.csv, u: '../*.csv', w: 'nothing/*.csv'}\nimages: {}\n")
    assert [fault.code for fault in project.error().faults] == ["read-refused", "read-refused", "file-not-found"]
