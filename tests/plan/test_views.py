"""Sums by axis and the like, the plan by each model, and hints at what would cost less."""

import json
from dataclasses import replace

import jsonschema
import pytest

from seedpipe.catalogue.catalogue import load_catalogue
from seedpipe.errors import UsageError
from seedpipe.plan.compare_models import Comparison, compare_models
from seedpipe.plan.grouping import group_by
from seedpipe.plan.plan import Forecast, Plan
from seedpipe.plan.saved import plan_document, read_saved_plan
from seedpipe.plan.schema import plan_schema
from seedpipe.review.plan_markdown import plan_markdown
from seedpipe.review.plan_text import plan_text
from seedpipe.review.plan_views import Views
from tests.plan.project import Project

SHOP = """
hero: {prompt: A lamp, tags: [launch, web]}
scene:
  matrix: {product: [LUM-01, LUM-02], market: [en, de, ja]}
  prompt: "A lamp {{ product }} for {{ market }}"
  tags: [web]
thumb: {matrix: {product: [LUM-01, LUM-02]}, from: "scene/{{ product }}/en", steps: [{resize: 64x64}]}
logo: {file: art/logo.png}
"""


@pytest.fixture
def project() -> Project:
    return Project().write("art/logo.png", "a mark").images(SHOP)


def groups(plan: Plan, by: str) -> dict[str | None, tuple[int, int, str]]:
    return {group.value: (group.nodes, group.pictures, group.cost.high.amount) for group in group_by(plan, by).groups}


def test_sums_by_the_values_of_an_axis(project: Project) -> None:
    plan = project.plan()
    assert groups(plan, "market") == {
        "en": (2, 2, "0.08"), "de": (2, 2, "0.08"), "ja": (2, 2, "0.08"), None: (3, 1, "0.04")
    }  # fmt: skip
    assert groups(plan, "product") == {"LUM-01": (4, 3, "0.12"), "LUM-02": (4, 3, "0.12"), None: (1, 1, "0.04")}
    assert groups(plan, "axis:market") == groups(plan, "market")
    with pytest.raises(UsageError, match="no picture of this plan has the axis `country`") as raised:
        group_by(plan, "country")
    assert raised.value.hint == "known are `product`, `market`, `tag`, `model`, `state`, `name`"


def test_sums_by_tag_model_state_and_name(project: Project) -> None:
    plan = project.plan()
    assert groups(plan, "tag") == {"launch": (1, 1, "0.04"), "web": (7, 7, "0.28"), None: (2, 0, "0.00")}
    assert group_by(plan, "tag").overlaps and not group_by(plan, "market").overlaps
    assert groups(plan, "model") == {"seedream-4-5-251128": (7, 7, "0.28"), None: (2, 0, "0.00")}
    assert groups(plan, "state") == {"make": (7, 7, "0.28"), "free": (2, 0, "0.00")}
    assert list(groups(plan, "name")) == ["hero", "scene", "thumb"]
    clash = Project().images("a: {matrix: {state: [on, off]}, prompt: 'A lamp {{ state }}'}").plan()
    assert list(groups(clash, "state")) == ["make"]
    assert list(groups(clash, "axis:state")) == ["on", "off"]


def test_the_table_of_sums(project: Project) -> None:
    plan = project.plan()
    assert Views(grouping=group_by(plan, "market")).text(plan) == (
        "lumen · 9 pictures · seedream-4-5-251128 at apiyi\n\n"
        "  market       pictures  buys  expected  at most, USD\n"
        "  en                  2     2      0.08          0.08\n"
        "  de                  2     2      0.08          0.08\n"
        "  ja                  2     2      0.08          0.08\n"
        "  (no market)         3     1      0.04          0.04\n\n"
        "  buys 7 pictures   0.28 USD expected, 0.28 at most"
    )
    assert "a picture with several tags counts in each" in str(Views(grouping=group_by(plan, "tag")).text(plan))
    table = Views(grouping=group_by(plan, "tag")).markdown(plan)
    assert table.startswith(
        "\n| tag | pictures | buys | expected | at most, USD |\n|---|--:|--:|--:|--:|\n| launch | 1 |"
    )


# The plan by each model


def compared(project: Project, *targets: str) -> tuple[Plan, Comparison]:
    plan = project.plan(*targets)
    found = compare_models(
        plan, graph=project.graph(), catalogue=load_catalogue(), timed=lambda other: Forecast(seconds=other.pictures)
    )
    return plan, found


def test_each_model_is_priced_and_says_what_it_cannot_make() -> None:
    project = Project().images("""
small: {prompt: A lamp}
large: {prompt: A lamp, size: 4K, takes: 2}
after: {prompt: image 1 at night, references: [small]}
""")
    plan, found = compared(project)
    models = {price.name: price for price in found.models}
    assert found.bought and plan.pictures == 4
    now = models["seedream-4-5"]
    assert (now.used, now.pictures, now.cost, now.why) == (4, 4, plan.cost, ())
    assert now.time is not None and now.time.seconds == 4
    cheap = models["seedream-4-0"]
    assert (cheap.used, cheap.pictures, cheap.cost.high.amount) == (0, 4, "0.12")
    newest = models["seedream-5-0"]
    assert (newest.pictures, newest.of, newest.time) == (2, 4, None)
    assert newest.why == (("it has no tier `4K`, only 2K, 3K", 2),)
    assert [price.pictures for price in found.models] == sorted(
        (price.pictures for price in found.models), reverse=True
    )
    assert found.models[0].name == "seedream-4-0", "the cheapest of those that can make all"


def test_prices_by_pixels_and_references_are_those_of_each_model() -> None:
    project = Project(provider="byteplus").images("""
a: {prompt: A lamp, size: 1K, model: seedream-4-0}
b: {prompt: "image 1, image 2", size: 1K, model: seedream-4-0, references: [a, c]}
c: {prompt: A desk, size: 1K, model: seedream-4-0}
""")
    plan, found = compared(project)
    for price in found.models:
        if price.pictures == 3:
            alone = Project(provider="byteplus").images(
                project.files.texts["seedpipe.yaml"].partition("images:\n")[2].replace("seedream-4-0", price.model)
            )
            assert price.cost == alone.plan().cost, price.model
    assert plan.cost in [price.cost for price in found.models if price.used]


def test_sequences_are_for_models_that_have_them_and_stay_uncertain() -> None:
    project = Project().images("board: {sequence: {frames: [{id: a, prompt: A}, {id: b, prompt: B}]}}")
    _, found = compared(project)
    models = {price.name: price for price in found.models}
    assert models["seedream-4-0"].cost.to_dict() == {"low": "0.03 USD", "expected": "0.06 USD", "high": "0.06 USD"}
    assert models["seedream-5-0-pro"].why == (("it can't do sequence", 2),)


def test_a_plan_that_buys_nothing_compares_all_pictures_made_once() -> None:
    project = Project().images("a: {prompt: A lamp, takes: 3}\nb: {prompt: A desk}")
    project.build()
    plan, found = compared(project)
    assert not found.bought and plan.pictures == 0
    assert {price.of for price in found.models} == {2}
    now = next(price for price in found.models if price.used)
    assert now.cost.to_dict() == {"low": "0.08 USD", "expected": "0.08 USD", "high": "0.08 USD"}


def test_the_table_of_models() -> None:
    project = Project().images("small: {prompt: A lamp}\nlarge: {prompt: A lamp, size: 4K}")
    plan, found = compared(project)
    text = Views(comparison=found).text(plan)
    assert text is not None and text.startswith(
        "lumen · 2 pictures · seedream-4-5-251128 at apiyi\n\n"
        "  what the 2 pictures that this plan buys would cost by each model\n\n"
        "  model                makes  expected  at most, USD  time\n"
        "  seedream-4-0             2     0.060         0.060  a few seconds\n"
        "  seedream-4-5 (now)       2     0.080         0.080  a few seconds\n"
    )
    assert "  seedream-5-0 can't make 1: it has no tier `4K`, only 2K, 3K" in text
    assert max(map(len, text.splitlines())) <= 80
    assert "1: it has no tier" in Views(comparison=found).markdown(plan)


def test_times_that_rest_on_different_things_say_so() -> None:
    plan, found = compared(Project().images("small: {prompt: A lamp}"))
    learnt = Forecast(seconds=2, workers=8, picture_seconds=2, pictures=9)
    known = [replace(price, time=learnt) if price.used else price for price in found.models]
    known = [price if price.used else replace(price, time=replace(learnt, by_catalogue=True)) for price in known]
    views = Views(comparison=replace(found, models=tuple(known)))
    told = "the time of seedream-4-5 is from your last pictures, those of the others are catalogue values"
    assert told in " ".join((views.text(plan) or "").split())
    assert told in views.markdown(plan)
    alike = Views(comparison=replace(found, models=tuple(replace(price, time=learnt) for price in known)))
    assert "the time of" not in (alike.text(plan) or "") + alike.markdown(plan)


# Hints


LETTERED = """
banner:
  matrix: {product: [LUM-01, LUM-02], market: [en, de, ja]}
  prompt: "A poster of {{ product }} with the words “{{ words }}” above it"
""".replace("{{ words }}", "{% if market == 'de' %}Licht{% elif market == 'ja' %}光{% else %}Light{% endif %}")


def test_pictures_that_differ_only_in_their_lettering_would_cost_less_as_text_steps() -> None:
    plan = Project().images(LETTERED).plan()
    (hint,) = plan.hints
    assert (hint.entry, hint.axis, hint.pictures, hint.bases) == ("banner", "market", 6, 2)
    assert hint.sentence() == (
        "6 pictures of `banner` differ only in their lettering (by `market`): 2 pictures, lettered by free `text` steps,"
        " would cost 0.08 USD instead of 0.24 USD"
    )
    text = plan_text(plan)
    assert text.endswith(
        "\n\n  · 6 pictures of `banner` differ only in their lettering (by `market`): 2\n"
        "    pictures, lettered by free `text` steps, would cost 0.08 USD instead of 0.24\n"
        "    USD"
    )
    assert "\n> 6 pictures of" in plan_markdown(plan)


@pytest.mark.parametrize(
    ("prompt", "axes", "hinted"),
    [
        ('A poster that says "{{ market }}"', "market: [en, de]", True),
        ("A poster that says '{{ market }}' in red", "market: [en, de]", True),
        ("A poster that says 「{{ market }}」", "market: [en, ja]", True),
        ("A poster with the line {{ market }} in gold letters", "market: [en, de]", True),  # languages, one stretch
        ("A street in {{ market }} on a rainy evening, seen from a tram", "market: [en, de]", False),
        ("A {{ market }} lamp on oak, in the light", "market: [red, blue]", False),  # no languages: other pictures
        ("A {{ market }} lamp", "market: [en, de]", False),  # too little is common to be sure
        ('A {{ market }} lamp that says "Hello {{ market }}"', "market: [brass, steel]", False),
        ("The lamp's {{ market }} isn't lit", "market: [base, arm]", False),  # apostrophes quote nothing
        ('A poster that says "Hello"', "market: [en, de]", False),  # equal words are one picture already
    ],
)
def test_only_lettering_is_hinted_at(prompt: str, axes: str, hinted: bool) -> None:
    quoted = prompt.replace("'", "''")
    plan = Project().images(f"banner:\n  matrix: {{{axes}}}\n  prompt: '{quoted}'").plan()
    assert bool(plan.hints) == hinted


def test_pictures_that_are_not_bought_are_no_reason_for_a_hint() -> None:
    project = Project().images(LETTERED)
    project.build()
    assert project.plan().hints == ()


def test_views_stand_in_the_json_and_a_saved_plan_ignores_them(project: Project) -> None:
    plan, found = compared(project)
    views = Views(grouping=group_by(plan, "market"), comparison=found)
    document = json.loads(json.dumps(plan_document(plan, **views.to_dict())))
    jsonschema.Draft202012Validator(plan_schema()).validate(document)
    assert document["by"]["groups"][0] == {
        "value": "en",
        "nodes": 2,
        "pictures": 2,
        "cost": {"low": "0.08 USD", "expected": "0.08 USD", "high": "0.08 USD"},
    }
    assert read_saved_plan(json.dumps(document).encode(), "p.json").cost == plan.cost
