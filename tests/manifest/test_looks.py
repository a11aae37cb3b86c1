"""`looks` in a manifest: what each makes of the entry's templates, and what is refused."""

from typing import Final

import pytest

from seedpipe.manifest.node import ImageNode, upstream_addresses
from tests.manifest.session import Session

HEAD: Final = """\
seedpipe: 1
vars: {metal: brass, finish: "polished {{ metal }}", mood: {light: soft}, tier: 2K, tag: lamp}
defaults: {model: seedream-4-5, size: "{{ tier }}"}
data: {shades: shades.csv}
images:
  oak: {prompt: oak}
  ash: {prompt: ash}
"""
LAMP: Final = '"A {{ finish }} lamp, {{ mood.light }} light"'


def _project(project: Session, entries: str) -> Session:
    project.write("shades.csv", "name,metal\nround,tin\nflat,zinc\n")
    return project.write("seedpipe.yaml", HEAD + entries)


def test_each_look_has_its_vars_and_what_is_made_of_them(project: Session) -> None:
    looks = "{plain: {}, copper: {metal: copper}, night: {mood: {light: dim}, tier: 4K}}"
    hero = _project(project, f"  hero: {{prompt: {LAMP}, looks: {looks}}}\n").image("hero")
    assert [(one.look, one.prompt, one.size) for one in hero.looks] == [
        ("plain", "A polished brass lamp, soft light", "2K"),
        ("copper", "A polished copper lamp, soft light", "2K"),
        ("night", "A polished brass lamp, dim light", "4K"),
    ]
    assert (hero.look, hero.prompt) == ("plain", "A polished brass lamp, soft light")  # the first, until one is chosen
    assert [one.look for one in hero.others] == ["copper", "night"]
    night = hero.wearing("night")
    assert (night.look, night.looks, night.size) == ("night", hero.looks, "4K")
    assert night.wearing("plain") == hero
    assert hero.wearing("gone") is hero
    assert {one.model for one in hero.changed(model="seedream-4-0").looks} == {"seedream-4-0"}


def test_references_follow_the_look_and_the_node_is_made_from_all_of_them(project: Session) -> None:
    _project(
        project,
        '  hero:\n    prompt: "{{ vars.finish }} like {{ refs.wood }}"\n    references: {wood: "{{ vars.metal }}"}\n'
        "    looks: {oak: {metal: oak}, ash: {metal: ash}}\n",
    )
    hero = project.image("hero")
    assert [(one.prompt, upstream_addresses(one)) for one in hero.looks] == [
        ("polished oak like image 1", ("oak",)),
        ("polished ash like image 1", ("ash",)),
    ]
    assert upstream_addresses(hero) == ("oak", "ash")
    assert upstream_addresses(hero.wearing("ash")) == ("ash", "oak")


def test_a_look_may_say_something_else_for_each_item(project: Session) -> None:
    _project(
        project,
        f"  hero:\n    matrix: {{shade: shades}}\n    prompt: {LAMP}\n"
        '    looks: {own: {metal: "{{ shade.metal }}"}, gold: {metal: gold}}\n'
        "    override: [{match: {shade: flat}, looks: {steel: {metal: steel}}}]\n",
    )
    assert [one.prompt for one in project.image("hero/round").looks] == [
        "A polished tin lamp, soft light",
        "A polished gold lamp, soft light",
    ]
    assert [one.look for one in project.image("hero/flat").looks] == ["steel"]


def test_looks_beat_a_profile_and_a_given_var(project: Session) -> None:
    _project(
        project,
        f"  hero: {{prompt: {LAMP}, looks: {{plain: {{}}, copper: {{metal: copper}}}}}}\n"
        "profiles: {draft: {vars: {metal: tin, mood: {light: no}}}}\n",
    )
    assert [one.prompt for one in project.image("hero", profile="draft").looks] == [
        "A polished tin lamp, no light",
        "A polished copper lamp, no light",
    ]
    assert project.image("hero", metal="lead").looks[0].prompt == "A polished lead lamp, soft light"


def test_two_looks_that_ask_for_the_same_are_one(project: Session) -> None:
    _project(project, f"  hero: {{prompt: {LAMP}, looks: {{a: {{}}, b: {{metal: brass}}, c: {{metal: tin}}}}}}\n")
    expansion = project.expand()
    hero = next(node for node in expansion.nodes if isinstance(node, ImageNode) and node.address == "hero")
    assert [one.look for one in hero.looks] == ["a", "c"]
    assert [fault.message for fault in expansion.warnings] == [
        "the looks `a` and `b` ask for the same picture; it is made once"
    ]


REFUSED: Final = {
    "none": (
        "  hero: {prompt: x, looks: {}}\n",
        ["seedpipe.yaml:8:21 bad-looks: a picture has 1 to 20 looks; this one has 0 (correct it, or take `looks` out)"],
    ),
    "too many": (
        f"  hero: {{prompt: x, looks: {{{', '.join(f'l{number}: {{}}' for number in range(21))}}}}}\n",
        [
            "seedpipe.yaml:8:21 bad-looks: a picture has 1 to 20 looks; this one has 21 (correct it, or take `looks` out)"
        ],
    ),
    "names": (
        "  hero: {prompt: x, looks: {Große Lampe: {metal: tin}, Tin: {}, tin: {}}}\n",
        [
            "seedpipe.yaml:8:29 bad-name: `Große Lampe` cannot be the name of a look: letters a to z, digits, `.`, `_`, `-`"
            " and `:` can (write `Grosse-Lampe`)",
            "seedpipe.yaml:8:65 case-clash: the looks `Tin` and `tin` differ by case only (rename one of them)",
        ],
    ),
    "twice": (
        "  hero: {prompt: x, looks: {a: {}, a: {}}}\n",
        [
            "seedpipe.yaml:8:36 yaml-duplicate-key: the key `a` stands twice; first in line 8 (rename or remove one of them)"
        ],
    ),
    "vars": (
        "  hero:\n    matrix: {shade: [a]}\n    prompt: x\n    looks: {a: {metl: tin, shade: b, colour: red}}\n",
        [
            "seedpipe.yaml:11:17 unknown-var: the look `a` changes `metl`, and `vars` has no such name"
            " (did you mean `metal`?)",
            "seedpipe.yaml:11:28 unknown-var: the look `a` changes `shade`, which is an axis of the matrix (a look gives"
            " other values to `vars`; what an axis says, each item has for itself)",
            "seedpipe.yaml:11:38 unknown-var: the look `a` changes `colour`, and `vars` has no such name"
            " (define `colour` under `vars` first)",
        ],
    ),
    "keys of a picture": (
        "  hero: {prompt: x, looks: {a: {prompt: y}, b: {size: 4K}}}\n",
        [
            f"seedpipe.yaml:8:{column} unknown-var: the look `{look}` changes `{key}`, and `vars` has no such name (a look"
            f' gives other values to `vars`: write `{key}: "{{{{ … }}}}"` with a var, and change that one)'
            for column, look, key in ((33, "a", "prompt"), (49, "b", "size"))
        ],
    ),
    "shape": (
        "  hero: {prompt: x, looks: [a, b]}\n  wall: {prompt: x, looks: {a: 3}}\n",
        [
            "seedpipe.yaml:8:28 type: `looks`: expected a mapping, found a list",
            "seedpipe.yaml:9:32 type: `a`: expected a mapping, found the number 3",
        ],
    ),
    "what belongs to the picture": (
        "  hero: {prompt: '{{ metal }}', output: '{{ metal }}.jpg', tags: ['{{ tag }}'],"
        " looks: {a: {}, b: {metal: tin, tag: t}}}\n",
        [
            "seedpipe.yaml:8:41 look-differs: `output` is not the same in all looks, and belongs to the picture as a"
            " whole (use no var in it that a look changes)",
            "seedpipe.yaml:8:66 look-differs: `tags` is not the same in all looks, and belongs to the picture as a"
            " whole (use no var in it that a look changes)",
        ],
    ),
    "a template that fails": (
        "  hero: {prompt: '{{ metal }}', looks: {a: {metal: '{{ nope }}'}, b: {mood: x}}}\n"
        "  wall: {prompt: '{{ mood.light }}', looks: {a: {mood: {}}}}\n",
        [
            "seedpipe.yaml:8:53 undefined: `nope` is not defined (known: `data`, `finish`, `metal`, `mood`, `shades`,"
            " `tag`, `tier`, `vars`)",
            "seedpipe.yaml:9:19 undefined: there is no `light` in it",
        ],
    ),
    "where there are none": (
        "  board: {looks: {a: {}}, sequence: {frames: [{id: a, prompt: x}]}}\n"
        "  thumb: {from: oak, steps: [{resize: 10x}], looks: {a: {}}}\n"
        "  parts: {layers: oak, looks: {a: {}}}\n",
        [
            "seedpipe.yaml:8:11 wrong-field: `looks` means nothing on a sequence (make a matrix of it, with an item for"
            " each, and refer to the one that is to be used)",
            "seedpipe.yaml:9:46 wrong-field: `looks` means nothing on a derived picture (take it out here)",
            "seedpipe.yaml:10:24 wrong-field: `looks` means nothing on a decomposition into layers (give them to the"
            " picture that is taken apart)",
        ],
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(project: Session, name: str) -> None:
    entries, faults = REFUSED[name]
    assert _project(project, entries).faults() == faults


def test_a_var_that_the_look_breaks_is_told_where_the_look_stands(project: Session) -> None:
    project.write(
        "seedpipe.yaml",
        "seedpipe: 1\nvars: {mood: {light: soft}, words: '{{ mood.light }} light'}\ndefaults: {model: seedream-4-5}\n"
        "images:\n  hero: {prompt: '{{ words }}', looks: {a: {mood: {}}}}\n",
    )
    assert project.faults() == [
        "seedpipe.yaml:5:51 undefined: with it the var `words` cannot be made: there is no `light` in it"
    ]
