"""Broken manifests: what each is told, whole, with place and hint. Read them as a person would who made the mistake."""

import re

import pytest

from tests.manifest.session import HEAD, Session

FILES: dict[str, str | bytes] = {
    "art/logo.png": b"x",
    "p.csv": "sku,name,on\nLUM-1,One,true\nLUM-1,Two,true\nlum-1,Three,x\n,No,1\nGroße Lampe,x,y\nLUM-2,a\n",
    "nokey.csv": "sku,title\na,b\n",
    "copy/en.yaml": "headline: Hi\nbody: x\n",
    "copy/de.yaml": "body: y\n",
    "nested/en.yaml": "headline: {A: Hi}\n",
    "nested/de.yaml": "headline: {C: Ja}\n",
    "names.csv": "sku\nA\nB\n",
    "bad.json": '{"a": {"b": 1,}}',
    "dup.json": '{"a": {}, "a": {}}',
    "templates/light.j2": "light",
    "templates/bad.j2": "one\n{{ nope }}\n",
    "campaigns/sprng.yaml": "images: {}\n",
}

CASES: dict[str, tuple[str | bytes, list[str]]] = {
    "tab": (
        """\
seedpipe: 1
images:
\thero: {prompt: x}
""",
        [
            "seedpipe.yaml:3:1 yaml-tab: a tab stands in the indentation (YAML indents with blanks only)",
        ],
    ),
    "tab in value": (
        HEAD
        + """\
images:
  hero:
    prompt: x
\t  size: 2K
""",
        [
            "seedpipe.yaml:6:1 yaml-tab: a tab stands in the indentation (YAML indents with blanks only)",
        ],
    ),
    "unclosed": (
        HEAD
        + """\
images: {hero: {prompt: x}
vars: {}
""",
        [
            "seedpipe.yaml:3:9 yaml-syntax: a mapping that began with `{` is not closed (add the missing `,` or `}`)",
        ],
    ),
    "colon in text": (
        HEAD
        + """\
images:
  hero:
    prompt: Studio: a lamp
""",
        [
            "seedpipe.yaml:5:19 yaml-syntax: a `:` stands where no key can be (put a text that holds `: ` in quotes, or check the indentation)",
        ],
    ),
    "duplicate": (
        HEAD
        + """\
images:
  hero: {prompt: x}
  hero: {prompt: y}
""",
        [
            "seedpipe.yaml:5:3 yaml-duplicate-key: the key `hero` stands twice; first in line 4 (rename or remove one of them)",
        ],
    ),
    "merge": (
        HEAD
        + """\
images:
  a: &a {prompt: x}
  b:
    <<: *a
""",
        [
            "seedpipe.yaml:6:5 yaml-merge-key: merge keys (`<<`) are not supported (use `defaults`, a template or an included file instead)",
        ],
    ),
    "numeric key": (
        HEAD
        + """\
images:
  2026: {prompt: x}
""",
        [
            'seedpipe.yaml:4:3 yaml-key: a key must be text, found `2026` (put it in quotes: `"2026"`)',
        ],
    ),
    "tag": (
        HEAD
        + """\
images:
  a: !!python/object:os.system {prompt: x}
""",
        [
            "seedpipe.yaml:4:6 yaml-tag: tags like `!!python/object:os.system` are not used here (write the value without the tag)",
        ],
    ),
    "two docs": (
        HEAD
        + """\
---
images: {}
""",
        [
            "seedpipe.yaml:3:1 yaml-several-documents: a second document begins here (remove the `---`: one file is one document)",
        ],
    ),
    "colour": (
        HEAD
        + """\
vars:
  navy: #0B1F3A
images: {}
""",
        [
            'seedpipe.yaml:4:8 yaml-unquoted-colour: the colour is a comment, so nothing stands here (a `#` after a blank starts a comment: put the colour in quotes, like `"#0B1F3A"`)',
        ],
    ),
    "colour flow": (
        HEAD
        + """\
vars: {navy: #0B1F3A, amber: 1}
images: {}
""",
        [
            'seedpipe.yaml:3:7 yaml-unquoted-colour: a mapping that began with `{` is not closed (a `#` after a blank starts a comment: put the colour in quotes, like `"#0B1F3A"`)',
        ],
    ),
    "unquoted template": (
        HEAD
        + """\
images:
  a:
    prompt: {{ product }}
""",
        [
            'seedpipe.yaml:5:14 yaml-unquoted-template: a template without quotes (put the whole value in quotes, like `"{{ name }}"`)',
        ],
    ),
    "unquoted template 2": (
        HEAD
        + """\
images:
  a:
    prompt: {{ product.name }} on a desk
""",
        [
            'seedpipe.yaml:5:32 yaml-unquoted-template: a template without quotes (put the whole value in quotes, like `"{{ name }}"`)',
        ],
    ),
    "unquoted block": (
        HEAD
        + """\
images:
  a:
    prompt: {% if x %}a{% endif %}
""",
        [
            'seedpipe.yaml:5:14 yaml-unquoted-template: a template without quotes (put the whole value in quotes, like `"{{ name }}"`)',
        ],
    ),
    "alias recursion": (
        HEAD
        + """\
vars: &v
  a: *v
""",
        [
            "seedpipe.yaml:3:7 yaml-recursion: an alias stands inside the value that it names (write the value out instead)",
        ],
    ),
    "deep": (
        HEAD
        + """\
vars: {a: [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}
""",
        [
            "seedpipe.yaml:3:72 yaml-limit: values are nested deeper than 64 levels (spread it over several entries or files)",
        ],
    ),
    "undefined alias": (
        HEAD
        + """\
vars: {a: *x}
""",
        [
            "seedpipe.yaml:3:11 yaml-syntax: an alias (`*name`) without an anchor (`&name`) (put a text that begins with `*` in quotes)",
        ],
    ),
    "list": (
        """\
- a
""",
        [
            "seedpipe.yaml:1:1 type: a manifest is a mapping of keys, found a list",
        ],
    ),
    "typo top": (
        HEAD
        + """\
imagse: {}
""",
        [
            "seedpipe.yaml:3:1 unknown-key: there is no key `imagse` here (did you mean `images`?)",
        ],
    ),
    "typo entry": (
        HEAD
        + """\
images:
  hero: {prompt: x, sise: 2K}
""",
        [
            "seedpipe.yaml:4:21 unknown-key: there is no key `sise` here (did you mean `size`?)",
        ],
    ),
    "synonym": (
        HEAD
        + """\
images:
  hero: {prompt: x, ratio: 16:9}
""",
        [
            "seedpipe.yaml:4:21 unknown-key: there is no key `ratio` here (did you mean `aspect`?)",
        ],
    ),
    "null prompt": (
        HEAD
        + """\
images:
  hero:
    prompt:
    size: 2K
""",
        [
            "seedpipe.yaml:5:12 null: `prompt`: nothing stands here (null) (nothing stands after `prompt:`; write a value, or remove the key)",
        ],
    ),
    "null with comment": (
        HEAD
        + """\
images:
  hero:
    prompt: # a lamp
""",
        [
            "seedpipe.yaml:5:12 null: `prompt`: nothing stands here (null) (a `#` after a blank starts a comment: put the text in quotes)",
        ],
    ),
    "wrong types": (
        HEAD
        + """\
images:
  hero: {prompt: [a], takes: two, watermark: yes, tags: launch, seed: 1.5}
  b: 5
""",
        [
            "seedpipe.yaml:4:18 type: `prompt`: expected text, found a list",
            "seedpipe.yaml:4:30 type: `takes`: expected a whole number, found the text `two`",
            "seedpipe.yaml:4:46 type: `watermark`: expected true or false, found the text `yes` (write `true`)",
            "seedpipe.yaml:4:57 type: `tags`: expected a list, found the text `launch` (write it as a list: `[launch]`)",
            "seedpipe.yaml:4:71 type: `seed`: expected a whole number, found the number 1.5",
            "seedpipe.yaml:5:6 type: `b`: expected a mapping, found the number 5",
        ],
    ),
    "float": (
        HEAD
        + """\
images:
  hero: {prompt: x, variant: 1.5}
""",
        [
            "seedpipe.yaml:4:30 type: `variant`: expected text, found the number 1.5 (put it in quotes)",
        ],
    ),
    "no format": (
        """\
images: {}
""",
        [
            "seedpipe.yaml:1:1 missing-key: the manifest does not say its format (begin it with `seedpipe: 1`)",
        ],
    ),
    "newer": (
        """\
seedpipe: 2
images: {}
""",
        [
            "seedpipe.yaml:1:11 format: this seedpipe reads manifest format 1, found the number 2 (install a newer seedpipe)",
        ],
    ),
    "reserved": (
        HEAD
        + """\
cast: {}
images:
  b: {prompt: x, checks: {a: {}}}
""",
        [
            "seedpipe.yaml:3:1 not-yet: not yet: `cast` is reserved but does not work in this version (take it out for now)",
            "seedpipe.yaml:5:18 not-yet: not yet: `checks` is reserved but does not work in this version (take it out for now)",
        ],
    ),
    "bad name": (
        HEAD
        + """\
images:
  große lampe: {prompt: x}
""",
        [
            "seedpipe.yaml:4:3 bad-name: `große lampe` is no name: letters a to z, digits, `.`, `_` and `-`, no `.` at the end (write `grosse-lampe`)",
        ],
    ),
    "case clash": (
        HEAD
        + """\
images:
  Logo: {prompt: x}
  logo: {prompt: x}
""",
        [
            "seedpipe.yaml:5:3 case-clash: `logo` differs from `Logo` (seedpipe.yaml:4:3) by case only (rename one of them)",
        ],
    ),
    "money": (
        HEAD
        + """\
budget: {per_build: 5, per_day: lots, per_hour: 5 USD, project: 0.3}
""",
        [
            "seedpipe.yaml:3:21 bad-money: `5` has no currency: write it like `5 USD`",
            "seedpipe.yaml:3:33 bad-money: `lots` is not an amount of money like `5 USD`",
            "seedpipe.yaml:3:39 unknown-key: there is no key `per_hour` here (did you mean `per_node`?)",
            "seedpipe.yaml:3:65 bad-money: `0.3` has no currency: write it like `0.3 USD`",
        ],
    ),
    "provider": (
        HEAD
        + """\
provider: {base_url: ftp://x, like: byteplsu, prices: 0, api_key: x}
""",
        [
            "seedpipe.yaml:3:22 bad-url: `ftp://x` is no base address like `https://host/api/v3`",
            "seedpipe.yaml:3:55 bad-money: `0` has no currency: write it like `0 USD`",
            "seedpipe.yaml:3:58 unknown-key: there is no key `api_key` here (did you mean `api_key_env`?)",
        ],
    ),
    "var name": (
        HEAD
        + """\
vars: {my-var: 1, refs: 2}
""",
        [
            "seedpipe.yaml:3:8 bad-name: templates cannot say the var name `my-var` (write `my_var`)",
            "seedpipe.yaml:3:19 reserved-name: the var name `refs` has a meaning in templates (rename it)",
        ],
    ),
    "include missing": (
        HEAD
        + """\
include: [campaigns/spring.yaml, nothing/*.yaml]
""",
        [
            "seedpipe.yaml:3:11 file-not-found: there is no file `campaigns/spring.yaml` (did you mean `campaigns/sprng.yaml`?)",
            "seedpipe.yaml:3:34 no-match: no file matches `nothing/*.yaml` (correct it, or take it out)",
        ],
    ),
    "absolute include": (
        HEAD
        + """\
include: [/etc/passwd, 'C:\\x', ../../up.yaml]
""",
        [
            "seedpipe.yaml:3:11 bad-path: `/etc/passwd` is an absolute path (write it relative to the file that names it)",
            "seedpipe.yaml:3:24 bad-path: `C:\\x` is an absolute path (write it relative to the file that names it)",
            "seedpipe.yaml:3:32 read-refused: `../../up.yaml` is outside the project (only files inside the project are read: put it there)",
        ],
    ),
    "no kind": (
        HEAD
        + """\
images:
  hero: {aspect: 16:9}
""",
        [
            "seedpipe.yaml:4:3 no-kind: `hero` says neither what to draw nor what it is (give it a `prompt` (or `prompt_file`), a `file` or `url`, `layers`, or `from` with `steps`)",
        ],
    ),
    "mixed": (
        HEAD
        + """\
images:
  hero: {prompt: x, file: a.png}
""",
        [
            "seedpipe.yaml:4:3 mixed-kinds: `hero` is of several kinds at once: `file` (source) and `prompt` (image) (make two entries of it)",
        ],
    ),
    "wrong field": (
        HEAD
        + """\
images:
  logo: {url: 'https://x.test/a.png', size: 2K}
  d: {from: logo, steps: [{convert: png}], output_format: png}
""",
        [
            "seedpipe.yaml:4:39 wrong-field: `size` means nothing on a source (take it out here)",
            "seedpipe.yaml:5:44 wrong-field: `output_format` means nothing on a derived picture (write a step: `convert: png`)",
        ],
    ),
    "no model": (
        """\
seedpipe: 1
images:
  hero: {prompt: x}
""",
        [
            "seedpipe.yaml:3:3 no-model: no `model` is given (say it once for all: `defaults: {model: seedream-4-5}`)",
        ],
    ),
    "both prompts": (
        HEAD
        + """\
images:
  hero: {prompt: x, prompt_file: a.j2}
""",
        [
            "seedpipe.yaml:4:21 wrong-field: `prompt` and `prompt_file` exclude each other (remove one of them)",
        ],
    ),
    "empty prompt": (
        HEAD
        + """\
images:
  hero: {prompt: '  '}
""",
        [
            "seedpipe.yaml:4:18 empty-prompt: the prompt is empty (say what the picture shows)",
        ],
    ),
    "missing file": (
        HEAD
        + """\
images:
  logo: {file: art/lgo.png}
""",
        [
            "seedpipe.yaml:4:16 file-not-found: there is no file `art/lgo.png` (did you mean `art/logo.png`?)",
        ],
    ),
    "outside": (
        HEAD
        + """\
images:
  logo: {file: ../secret.png}
""",
        [
            "seedpipe.yaml:4:16 read-refused: `../secret.png` is outside the project (only files inside the project are read: put it there)",
        ],
    ),
    "urls": (
        HEAD
        + """\
images:
  a: {url: 'http://x.test/a.png'}
  b: {url: 'https://me:pw@x.test/a.png'}
  c: {url: 'https://x test/a'}
  d: {url: 'https://127.0.0.1/a.png'}
  e: {url: 'https://[fe80::1]:8443/a.png'}
  f: {url: 'https://2852039166/latest/meta-data'}
  g: {url: 'https://localhost/a.png'}
  h: {url: 'https://8.8.8.8/a.png'}
""",
        [
            "seedpipe.yaml:4:12 bad-value: `http://x.test/a.png`: only https addresses are fetched (or download it and write `file:`)",
            "seedpipe.yaml:5:12 bad-value: a web address must not hold a user name or password (the manifest is public to its readers)",
            "seedpipe.yaml:6:12 bad-value: `https://x test/a` is no web address (percent-encode blanks and letters beyond ASCII)",
            "seedpipe.yaml:7:12 bad-value: `https://127.0.0.1/a.png` is not on the public Internet: nothing is fetched from `127.0.0.1` (download it and write `file:`)",
            "seedpipe.yaml:8:12 bad-value: `https://[fe80::1]:8443/a.png` is not on the public Internet: nothing is fetched from `fe80::1` (download it and write `file:`)",
            "seedpipe.yaml:9:12 bad-value: `https://2852039166/latest/meta-data` is not on the public Internet: nothing is fetched from `2852039166` (download it and write `file:`)",
            "seedpipe.yaml:10:12 bad-value: `https://localhost/a.png` is not on the public Internet: nothing is fetched from `localhost` (download it and write `file:`)",
        ],
    ),
    "sizes": (
        HEAD
        + """\
images:
  a: {prompt: x, size: big}
  b: {prompt: x, size: 16:9}
  c: {prompt: x, aspect: 1920x1080}
  d: {prompt: x, aspect: 16:9, size: 2848x1600}
  e: {prompt: x, takes: 0}
  f: {prompt: x, output_format: jpg, background: clear, guidance_scale: 11, seed: -2}
""",
        [
            "seedpipe.yaml:4:24 bad-value: `size`: `big` is no size (like `2K`, or `2848x1600` in pixels)",
            "seedpipe.yaml:5:24 bad-value: `size`: `16:9` is no size (write `aspect: 16:9`)",
            "seedpipe.yaml:6:26 bad-value: `aspect`: `1920x1080` is no aspect (write `size: 1920x1080`)",
            "seedpipe.yaml:7:26 size-and-aspect: the size `2848x1600` in pixels and the aspect `16:9` exclude each other (give a tier like `2K` with the aspect, or pixels alone)",
            "seedpipe.yaml:8:25 bad-value: `takes`: expected 1 to 50, found 0",
            "seedpipe.yaml:9:33 bad-value: `output_format`: expected `jpeg` or `png`, found `jpg` (did you mean `jpeg`?)",
            "seedpipe.yaml:9:50 bad-value: `background`: expected `opaque` or `transparent`, found `clear`",
            "seedpipe.yaml:9:73 bad-value: `guidance_scale`: expected 1 to 10, found `11`",
            "seedpipe.yaml:9:83 bad-value: `seed`: expected -1 to 2147483647, found -2",
        ],
    ),
    "outputs": (
        HEAD
        + """\
images:
  a: {prompt: x, output: ../a.jpg}
  b: {prompt: x, output: /a.jpg}
  c: {prompt: x, output: 'a\\b.jpg'}
  d: {prompt: x, output: con.jpg}
  e: {prompt: x, output: ''}
  f: {prompt: x, output: "a\\tb.jpg"}
  g: {prompt: x, output: '@draft/a.jpg'}
  h: {prompt: x, output: 'a/'}
""",
        [
            "seedpipe.yaml:4:26 bad-value: `output`: `../a.jpg` leaves the output folder (remove the `..`)",
            "seedpipe.yaml:5:26 bad-value: `output`: `/a.jpg` is an absolute path (outputs are relative to the output folder)",
            "seedpipe.yaml:6:26 bad-value: `output`: `a\\b.jpg` holds a backslash (write `a/b.jpg`)",
            "seedpipe.yaml:7:26 bad-value: `output`: `con.jpg`: Windows reserves the name `con.jpg` (choose another name)",
            "seedpipe.yaml:8:26 bad-value: `output`: the output path is empty (like `banners/en.jpg`)",
            "seedpipe.yaml:9:26 bad-value: `output`: the output path 'a\\tb.jpg' holds a control character (take it out)",
            "seedpipe.yaml:10:26 bad-value: `output`: `@draft/a.jpg`: a first folder with `@` belongs to a profile (choose another folder)",
            "seedpipe.yaml:11:26 bad-value: `output`: `a/` is a folder (end it with a file name)",
        ],
    ),
    "tags": (
        HEAD
        + """\
images:
  a: {prompt: x, tags: [ok, 'not ok']}
""",
        [
            "seedpipe.yaml:4:29 bad-value: `not ok` is no tag: letters a to z, digits, `.`, `_` and `-` (write `not-ok`)",
        ],
    ),
    "dangling": (
        HEAD
        + """\
images:
  hero: {prompt: x}
  b: {prompt: x, references: [heroo]}
""",
        [
            "seedpipe.yaml:5:31 dangling-reference: there is no picture `heroo` (did you mean `hero`?)",
        ],
    ),
    "group": (
        HEAD
        + """\
images:
  s: {matrix: {i: [a, b]}, prompt: x}
  b: {prompt: x, references: {s: s}}
""",
        [
            "seedpipe.yaml:5:34 ambiguous-reference: `s` is a group of 2 pictures (write `s/*`, or one of `s/a`, `s/b`)",
        ],
    ),
    "self": (
        HEAD
        + """\
images:
  b: {prompt: x, references: [b]}
""",
        [
            "seedpipe.yaml:4:31 self-reference: `b` is a reference of itself (take it out: no picture is made from itself)",
        ],
    ),
    "no glob": (
        HEAD
        + """\
images:
  s: {matrix: {i: [a, b]}, prompt: x}
  b: {prompt: x, references: ['s/x*', 'q*']}
""",
        [
            "seedpipe.yaml:5:31 dangling-reference: no picture matches `s/x*` (there are `s/a`, `s/b`)",
            "seedpipe.yaml:5:39 dangling-reference: no picture matches `q*` (name an entry of `images`, or a pattern that fits one)",
        ],
    ),
    "frame": (
        HEAD
        + """\
images:
  b: {prompt: x, references: ['board#hand', 'board', 'brand:logo', 'bord#hands', '*#x']}
  board: {sequence: {frames: [{id: hands, prompt: x}, {id: wide, prompt: '{{ nope }}', duration: 0}]}}
""",
        [
            "seedpipe.yaml:4:31 dangling-reference: there is no picture `board#hand` (did you mean `board#hands`?)",
            "seedpipe.yaml:4:45 ambiguous-reference: `board` is a sequence of 2 frames (write `board#*`, or one of `board#hands`, `board#wide`)",
            "seedpipe.yaml:4:54 not-yet: not yet: `brand:logo` is a picture of an imported project (take it out for now)",
            "seedpipe.yaml:4:68 dangling-reference: there is no picture `bord#hands` (did you mean `board`?)",
            "seedpipe.yaml:4:82 dangling-reference: no picture matches `*#x` (name an entry of `images`, or a pattern that fits one)",
            "seedpipe.yaml:5:75 undefined: `nope` is not defined (known: `data`, `frame`, `refs`, `vars`)",
        ],
    ),
    "sequence": (
        HEAD
        + """\
images:
  two: {sequence: {frames: [{id: a b, prompt: x}, {id: c, prompt: x}, {id: C, prompt: x}]}, takes: 2}
  none: {sequence: {frames: []}}
  both: {sequence: {frames: [{id: a, prompt: x}], max_images: 2}, prompt: x}
  many: {sequence: {max_images: 16}, prompt: x}
  bare: {sequence: {max_images: 6}}
""",
        [
            "seedpipe.yaml:4:34 bad-segment: `a b` cannot be part of an address: letters a to z, digits, `.`, `_`, `-` and `:` can (write `a-b`)",
            "seedpipe.yaml:4:76 defined-twice: two frames are called `C` but for case (rename or remove one of them)",
            "seedpipe.yaml:4:93 wrong-field: `takes` means nothing on a sequence (each frame is one picture; a frame can be made again alone)",
            "seedpipe.yaml:5:21 bad-sequence: a sequence has 1 to 300 frames; this one has 0 (correct it; what is too long becomes several sequences)",
            "seedpipe.yaml:6:10 bad-sequence: a sequence has either `frames` or `max_images` (`frames` with an id and a prompt each, or `max_images: 4` beside a `prompt`)",
            "seedpipe.yaml:7:33 bad-sequence: `max_images` is a plain number from 1 to 15, found `16` (correct it; what is too long becomes several sequences)",
            "seedpipe.yaml:8:33 no-kind: `max_images` needs a `prompt` (give it a `prompt` that asks for separate images, or `frames` with a prompt each)",
        ],
    ),
    "ref name": (
        HEAD
        + """\
images:
  hero: {prompt: x}
  b: {prompt: 'like {{ refs.heo }}', references: {hero: hero}}
""",
        [
            "seedpipe.yaml:5:21 unknown-reference: no reference is named `heo` (did you mean `hero`?)",
        ],
    ),
    "when off": (
        HEAD
        + """\
images:
  s: {matrix: {i: [a, b]}, prompt: x, when: "{{ i == 'a' }}"}
  b: {prompt: x, references: [s/b]}
""",
        [
            "seedpipe.yaml:5:31 dangling-reference: `s/b` does not exist (its `when` is false; leave the reference out for it as well)",
        ],
    ),
    "segment": (
        HEAD
        + """\
images:
  m: {matrix: {a: [ok, 'große lampe', A, a, '', 'x/y']}, prompt: x}
""",
        [
            "seedpipe.yaml:4:24 bad-segment: `große lampe` cannot be part of an address: letters a to z, digits, `.`, `_`, `-` and `:` can (write `grosse-lampe`)",
            "seedpipe.yaml:4:42 case-clash: `a` differs from `A` by case only (rename one of them)",
            "seedpipe.yaml:4:45 bad-segment: a matrix value is empty (give it a value, or take it out)",
            "seedpipe.yaml:4:49 bad-segment: `x/y` cannot be part of an address: letters a to z, digits, `.`, `_`, `-` and `:` can (write `x-y`)",
        ],
    ),
    "unknown table": (
        HEAD
        + """\
data: {products: p.csv}
images:
  m: {matrix: {product: product}, prompt: x}
""",
        [
            "p.csv:7:1 ragged-row: this row has 2 cells, the header has 3 (put a cell that holds the delimiter in double quotes)",
            "seedpipe.yaml:5:25 unknown-list: `product` is no table of `data` and no list in `vars` (did you mean `products`?)",
        ],
    ),
    "axis names": (
        HEAD
        + """\
images:
  m: {matrix: {my-axis: [a], item: [b], c: []}, prompt: x, exclude: [{d: x}], override: [{match: {q: 1}, size: 2K}, {match: {c: a}}]}
""",
        [
            "seedpipe.yaml:4:16 bad-name: templates cannot say the axis name `my-axis` (write `my_axis`)",
            "seedpipe.yaml:4:30 reserved-name: the axis name `item` has a meaning in templates (rename it)",
            "seedpipe.yaml:4:44 empty-axis: the axis `c` has no values, so there are no items (give it values, or take the axis out)",
            "seedpipe.yaml:4:71 unknown-axis: the matrix has no axis `d` (known: `my-axis`, `item`, `c`)",
            "seedpipe.yaml:4:99 unknown-axis: the matrix has no axis `q` (known: `my-axis`, `item`, `c`)",
            "seedpipe.yaml:4:117 empty-override: this override changes nothing (say in it what is otherwise, or take it out)",
            "seedpipe.yaml:4:129 no-match: `c` has no value `a` (correct it, or take it out)",
        ],
    ),
    "override without": (
        HEAD
        + """\
images:
  m: {prompt: x, override: [{match: {a: b}, size: 2K}]}
""",
        [
            "seedpipe.yaml:4:18 needs-matrix: `override` needs a `matrix` (give it a `matrix`, or take this out)",
        ],
    ),
    "when bad": (
        HEAD
        + """\
images:
  m: {matrix: {i: [a]}, prompt: x, when: '{{ i }}'}
""",
        [
            "seedpipe.yaml:4:42 bad-value: `when` gave `a`; expected true, false, yes, no, 1, 0 or nothing (compare it, like `{{ x == 'live' }}`)",
        ],
    ),
    "steps": (
        HEAD
        + """\
images:
  a: {prompt: x}
  d:
    from: a
    steps:
      - {crop: wide}
      - {resize: 16:9}
      - {overlay: lgo}
      - {convert: gif}
      - {crop: 1:1, resize: 5x}
      - {}
      - {text: {text: hi, color: '0B1F3A', size: 200%, anchor: middle, fnt: x}}
""",
        [
            "seedpipe.yaml:14:72 unknown-key: there is no key `fnt` here (did you mean `font`?)",
        ],
    ),
    "steps2": (
        HEAD
        + """\
images:
  a: {prompt: x}
  d:
    from: a
    steps:
      - {crop: wide}
      - {resize: 16:9}
      - {overlay: lgo}
      - {convert: gif}
      - {crop: 1:1, resize: 5x}
      - {}
      - {text: {text: hi, color: '0B1F3A', size: 200%, anchor: middle}}
      - {text: {text: hi, color: blu}}
      - {text: {text: hi, size: 5.55%}}
      - {text: ''}
      - {text: {text: hi, font: f.ttf}}
""",
        [
            "seedpipe.yaml:8:16 bad-value: `crop`: `wide` is no crop (write an aspect like `1200:630`, or pixels like `1200x630`)",
            "seedpipe.yaml:9:18 bad-value: `resize`: `16:9` is no size in pixels (like `1200x630`, `1200x` or `x630`)",
            "seedpipe.yaml:10:19 dangling-reference: `overlay`: there is no picture `lgo` (name an entry of `images`, or a pattern that fits one)",
            "seedpipe.yaml:11:19 bad-value: `convert`: `gif` is none of jpeg, png, webp",
            "seedpipe.yaml:12:9 bad-value: a step has one verb, found `crop`, `resize` (each step is an item of the list)",
            "seedpipe.yaml:13:9 bad-value: a step has one verb, found none (one of crop, resize, overlay, text, convert)",
            "seedpipe.yaml:14:50 bad-value: `size`: `200%` is more than 100% (it is a part of the picture's side)",
            "seedpipe.yaml:15:34 bad-value: `color`: `blu` is no colour (did you mean `blue`?)",
            "seedpipe.yaml:16:33 bad-value: `size`: `5.55%` is finer than a tenth of a percent (round it, like `5.5%`)",
            "seedpipe.yaml:17:16 empty-text: `text`: the lettering is empty (give it words, or leave the picture out with `when`)",
            "seedpipe.yaml:18:33 file-not-found: there is no file `f.ttf` (put the file there, or correct its name)",
        ],
    ),
    "steps colour": (
        HEAD
        + """\
images:
  a: {prompt: x}
  d:
    from: a
    steps:
      - text:
          text: hi
          color: #fff
""",
        [
            'seedpipe.yaml:10:17 yaml-unquoted-colour: the colour is a comment, so nothing stands here (a `#` after a blank starts a comment: put the colour in quotes, like `"#0B1F3A"`)',
        ],
    ),
    "from": (
        HEAD
        + """\
images:
  a: {prompt: x}
  b: {from: 'a*', steps: [{convert: png}]}
  c: {from: a}
  d: {steps: [{convert: png}]}
  e: {from: a, steps: []}
""",
        [
            "seedpipe.yaml:5:13 ambiguous-reference: `from` is one picture, `a*` may be many (name one picture)",
            "seedpipe.yaml:6:3 no-kind: `from` needs `steps` (an entry has a `prompt`, a `file`, or `from` with `steps`)",
            "seedpipe.yaml:7:3 no-kind: `steps` needs `from` (an entry has a `prompt`, a `file`, or `from` with `steps`)",
            "seedpipe.yaml:8:23 no-steps: there are no steps (add one, like `{resize: 1200x630}`)",
        ],
    ),
    "csv": (
        HEAD
        + """\
data: {p: {from: p.csv, key: sku}}
images:
  m: {matrix: {p: p}, prompt: x}
""",
        [
            "p.csv:3:1 duplicate-row: the key `LUM-1` stands twice; first at p.csv:2:1 (give each row a key of its own)",
            "p.csv:4:1 case-clash: `lum-1` differs from `LUM-1` (p.csv:2:1) by case only (rename one of them)",
            "p.csv:5:1 bad-key: the key of this row (`sku`) is empty (write a word there that names the row)",
            "p.csv:6:1 bad-segment: `Große Lampe` cannot be part of an address: letters a to z, digits, `.`, `_`, `-` and `:` can (write `Grosse-Lampe`)",
            "p.csv:7:1 ragged-row: this row has 2 cells, the header has 3 (put a cell that holds the delimiter in double quotes)",
        ],
    ),
    "csv nokey": (
        HEAD
        + """\
data: {p: {from: p.csv, key: ski}, q: {from: p.cvs}, r: {from: nokey.csv}}
images: {}
""",
        [
            "p.csv:7:1 ragged-row: this row has 2 cells, the header has 3 (put a cell that holds the delimiter in double quotes)",
            "seedpipe.yaml:3:30 missing-key-column: the rows of `p` have no column `ski` (did you mean `sku`?)",
            "seedpipe.yaml:3:46 file-not-found: there is no file `p.cvs` (did you mean `p.csv`?)",
            "seedpipe.yaml:3:57 missing-key-column: the rows of `r` have no column `key`, `id` or `name` (say which column names a row: `key: sku`)",
        ],
    ),
    "copy": (
        HEAD
        + """\
data: {copy: {from: 'copy/*.yaml', key: stem}}
images:
  m: {matrix: {l: [en, de, ja, fr]}, prompt: 'write {{ copy[l].headline }}'}
""",
        [
            "seedpipe.yaml:5:53 missing-copy: the table `copy` lacks `de.headline`, `ja`, `fr` (add them to its file, or give it a `fallback`)",
        ],
    ),
    "nested copy": (
        HEAD
        + """\
data: {nested: {from: 'nested/*.yaml', key: stem}, p: {from: names.csv, key: sku}}
images:
  m: {matrix: {l: [en, de], p: p}, prompt: 'write {{ nested[l].headline[p.key] }}'}
  typo: {prompt: 'write {{ nested.en.headline.A }} {{ nested.en.headline.nobody }}'}
""",
        [
            "seedpipe.yaml:5:45 missing-copy: the table `nested` lacks `en.headline.B`, `de.headline.A`, `de.headline.B` (add them to its file, or give it a `fallback`)",
            "seedpipe.yaml:6:52 undefined: there is no `nobody` in it (known: `A`)",
        ],
    ),
    "column": (
        HEAD
        + """\
data: {copy: {from: 'copy/*.yaml', key: stem}}
images:
  m: {prompt: 'write {{ copy.en.hedline }} {{ copy.en }}'}
""",
        [
            "seedpipe.yaml:5:22 undefined: the table `copy` has no column `hedline` (did you mean `headline`?)",
        ],
    ),
    "fallback": (
        HEAD
        + """\
data: {copy: {from: 'copy/*.yaml', key: stem, fallback: {fr: fx, a: b, b: a}}}
images: {}
""",
        [
            "seedpipe.yaml:3:62 no-such-row: the fallback `fx` is no row of `copy` (known: `de`, `en`)",
            "seedpipe.yaml:3:69 fallback-loop: the fallbacks of `a` go in a circle (let one of the rows stand without a fallback)",
            "seedpipe.yaml:3:75 fallback-loop: the fallbacks of `b` go in a circle (let one of the rows stand without a fallback)",
        ],
    ),
    "json": (
        HEAD
        + """\
data: {j: bad.json, k: dup.json}
images: {}
""",
        [
            "bad.json:1:15 bad-json: this is no valid JSON: expecting property name enclosed in double quotes (check the commas, brackets and quotes around here)",
            "dup.json:1:1 bad-json: the key `a` stands twice in one mapping (check the commas, brackets and quotes around here)",
        ],
    ),
    "syntax": (
        HEAD
        + """\
images:
  m:
    prompt: |
      a
      {% if %}
""",
        [
            "seedpipe.yaml:7:7 template-syntax: this template cannot be read: expected an expression, got `end of statement block` (check the braces and tags around here)",
        ],
    ),
    "escape": (
        HEAD
        + """\
vars: {p: x}
images:
  m: {prompt: "{{ p.__class__.__mro__ }}"}
  n: {prompt: "{{ ''|attr('x') }}"}
  o: {prompt: "{{ p.format(1) }}"}
""",
        [
            "seedpipe.yaml:5:16 template-refused: `__class__`: names that begin with `_` cannot be reached (templates reach vars, rows and filters, and nothing behind them)",
            "seedpipe.yaml:6:16 template-syntax: there is no filter `attr` (known: abs, batch, capitalize, center, count, d, default, dictsort, first, float, format, groupby, indent, int, items, join, last, length, list, lower, map, max, min, reject, rejectattr, replace, reverse, round, select, selectattr, slice, sort, string, sum, title, trim, truncate, unique, upper, wordcount, wordwrap)",
            "seedpipe.yaml:7:16 template-refused: `.format` of the text `x` cannot be used in templates (use a filter, or `~` to join texts)",
        ],
    ),
    "include tpl": (
        HEAD
        + """\
templates: templates
images:
  m: {prompt: "{% include 'lght.j2' %}"}
  n: {prompt: "{% include 'bad.j2' %}"}
  o: {prompt: "{% include '../p.csv' %}"}
""",
        [
            "seedpipe.yaml:5:16 template-not-found: there is no template `templates/lght.j2` (did you mean `templates/light.j2`?)",
            "seedpipe.yaml:7:16 template-refused: `../p.csv` is no path below the templates folder (templates reach vars, rows and filters, and nothing behind them)",
            "templates/bad.j2:2:4 undefined: `nope` is not defined (known: `data`, `refs`, `vars`)",
        ],
    ),
    "null var": (
        HEAD
        + """\
vars: {a: null}
images:
  m: {prompt: 'x {{ a }}'}
""",
        [
            "seedpipe.yaml:5:18 template-null: a value in this template is nothing (null) (give it a value, or write `| default('…', true)`)",
        ],
    ),
    "list var": (
        HEAD
        + """\
vars: {a: [1, 2]}
images:
  m: {prompt: 'x {{ a }}'}
""",
        [
            "seedpipe.yaml:5:18 template-value: a list cannot stand in a text (join a list with `| join(', ')`)",
        ],
    ),
    "huge": (
        HEAD
        + """\
images:
  m: {prompt: "{{ 'x' * 10**9 }}"}
""",
        [
            "seedpipe.yaml:4:16 template-limit: this template makes more than 200,000 characters (shorten it, or let it repeat less)",
        ],
    ),
    "var loop": (
        HEAD
        + """\
vars: {a: '{{ b }}', b: '{{ a }}'}
images: {}
""",
        [
            "seedpipe.yaml:3:8 var-loop: these vars need each other: `a` → `b` → `a` (let one of them stand without the others)",
        ],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_what_a_broken_manifest_is_told(project: Session, name: str) -> None:
    text, faults = CASES[name]
    for path, content in FILES.items():
        project.write(path, content)
    project.write("seedpipe.yaml", text)
    assert project.faults() == faults


def test_a_mistake_in_a_matrix_of_300_is_one_fault(project: Session) -> None:
    values = ", ".join(f"v{number}" for number in range(300))
    project.manifest(
        f"vars: {{product: x}}\nimages:\n  m:\n    matrix: {{i: [{values}]}}\n    prompt: |\n      A lamp\n      of {{{{ prodct }}}}\n"
    )
    assert project.faults() == [
        "seedpipe.yaml:9:10 undefined: `prodct` is not defined (and 299 more items) (did you mean `product`?)"
    ]


def test_a_matrix_of_a_million_is_refused_before_it_is_built(project: Session) -> None:
    values = ", ".join(str(number) for number in range(100))
    project.manifest(f"vars: {{l: [{values}]}}\nimages:\n  m: {{matrix: {{a: l, b: l, c: l}}, prompt: x}}\n")
    assert project.faults() == [
        "seedpipe.yaml:5:3 too-many-nodes: the matrix of `m` makes 1,000,000 items; a project may have 250,000 (use fewer values, or make two projects of it)"
    ]


def test_a_fault_can_show_its_line(project: Session) -> None:
    """Also of a file that cannot be decoded."""
    project.manifest("include: [campaigns/*.yaml]\nimages: {hero: {promt: x}}\n")
    project.write("campaigns/a.yaml", b"images: {b: {prompt: gr\xfcn}}\n")
    error = project.error()
    for fault in error.faults:
        assert fault.position is not None
        assert error.texts[fault.position.file].split("\n")[fault.position.line - 1]
    assert error.texts["campaigns/a.yaml"] == "images: {b: {prompt: gr\N{REPLACEMENT CHARACTER}n}}\n"


def test_every_fault_says_what_to_do() -> None:
    """By a hint, or by saying what was expected."""
    told = [fault for _, faults in CASES.values() for fault in faults]
    assert len(told) > 150
    assert not [fault for fault in told if not re.search(r"\(.*\)$|expected |like `|is none of|, found ", fault)]


def test_a_picture_that_was_made_here_is_no_guess_at_a_missing_source(project: Session) -> None:
    project.write("build/card/mark.png", b"x")
    project.manifest("images:\n  art: {file: marks.png}\n")
    assert project.faults() == [
        "seedpipe.yaml:4:15 file-not-found: there is no file `marks.png` (put the file there, or correct its name)"
    ]
    project.write("art/mark.png", b"x")
    assert "did you mean `art/mark.png`?" in project.faults()[0]
